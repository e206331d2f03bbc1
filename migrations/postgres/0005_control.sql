-- What all workers share and obey: what is paused, the policy in force, how far a re-score is, the world.

create table control (
    name    text   not null primary key,
    -- Counts the writes: whoever writes says which version it read, and is refused if that is no longer the one.
    version bigint not null,
    value   bytea  not null
);
