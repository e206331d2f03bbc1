-- What several leads share and is scarce: one row a pool, and the wishes that wait for it.

create table pools (
    name  text not null primary key,
    state blob not null
);

create table claims (
    pool          text    not null,
    task_id       blob    not null,
    lead_no       integer not null,
    wish          blob    not null,
    not_before_ms integer not null,
    primary key (pool, task_id)
);
create index claims_by_time on claims (not_before_ms);
create index claims_by_lead on claims (lead_no);
