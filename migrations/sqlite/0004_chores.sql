-- Small things the worker remembers across restarts.

create table suspects (
    message blob    not null primary key,
    tries   integer not null,
    at_ms   integer not null
);

create table world_deltas (
    event_key blob    not null primary key,
    at_ms     integer not null,
    body      blob    not null
);
