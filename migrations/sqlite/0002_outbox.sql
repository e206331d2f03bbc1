-- Tasks that are decided and must be delivered: inserted already leased, deleted when taken over.

create table outbox (
    seq           integer primary key autoincrement,
    id            blob    not null unique,
    lead_no       integer not null,
    queue         text    not null,
    routing_key   text    not null,
    kind          text    not null,
    cause         blob    not null,
    priority      integer not null,
    lead_version  integer not null,
    expires_at_ms integer,
    body          blob    not null,
    state         text    not null check (state in ('unsent', 'handed', 'unroutable')),
    attempted     integer not null,
    lessee        blob,
    ready_at_ms   integer not null,
    created_at_ms integer not null
);
create index outbox_by_readiness on outbox (ready_at_ms, seq);
create index outbox_by_lead on outbox (lead_no);
