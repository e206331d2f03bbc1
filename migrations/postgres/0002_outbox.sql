-- Tasks that are decided and must reach the broker: inserted already leased, deleted when confirmed.

create table outbox (
    id            uuid     not null primary key,
    -- The order of deciding.
    seq           bigint   generated always as identity,
    lead_no       bigint   not null,
    queue         text     not null,
    routing_key   text     not null,
    kind          text     not null,
    -- Bytes, because it quotes the sender's source and id, in which a NUL is possible that text refuses.
    cause         bytea    not null,
    priority      smallint not null,
    lead_version  bigint   not null,
    expires_at_ms bigint,
    body          bytea    not null,
    state         text     not null check (state in ('unsent', 'handed', 'unroutable')),
    -- A publish was or may have been attempted once: from then on the row is never 'unsent' again.
    attempted     boolean  not null,
    lessee        uuid,
    -- The end of a lease, or of a pause after a release: before it nobody takes the row.
    ready_at_ms   bigint   not null,
    created_at_ms bigint   not null
) with (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 2000);
create index outbox_by_readiness on outbox (ready_at_ms, seq);
create index outbox_by_lead on outbox (lead_no);
