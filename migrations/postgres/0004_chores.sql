-- Small things the worker remembers across restarts.

-- Messages that are worked alone because one of them may end the process: counted before each try.
create table suspects (
    message bytea   not null primary key,
    tries   integer not null,
    at_ms   bigint  not null
);

-- Facts about the world at large, once by event; folded into the next world by one worker.
create table world_deltas (
    event_key uuid   not null primary key,
    at_ms     bigint not null,
    body      bytea  not null
);
