-- What several leads share and is scarce: one row a pool, and the wishes that wait for it.

create table pools (
    name  text  not null primary key,
    state bytea not null
) with (fillfactor = 70);

create table claims (
    pool          text   not null,
    task_id       uuid   not null,
    lead_no       bigint not null,
    wish          bytea  not null,
    not_before_ms bigint not null,
    primary key (pool, task_id)
) with (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 2000);
create index claims_by_time on claims (not_before_ms);
create index claims_by_lead on claims (lead_no);
