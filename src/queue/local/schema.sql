-- The local queue. Times are milliseconds since 1970.

-- Events that wait or are being worked on. A row goes away when its delivery is acknowledged.
CREATE TABLE events (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    routing_key TEXT    NOT NULL,
    body        BLOB    NOT NULL,
    -- How often it was handed to a consumer.
    deliveries  INTEGER NOT NULL DEFAULT 0,
    -- The consumer that has it. A consumer that is gone holds nothing, whatever stands here.
    held_by     INTEGER
) STRICT;

-- The number of the last consumer opened, so that no two lives of any process have the same.
CREATE TABLE generation (last INTEGER NOT NULL) STRICT;
INSERT INTO generation VALUES (0);

-- Events set aside. No reason: they were handed out too often.
CREATE TABLE dead (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    routing_key TEXT NOT NULL,
    body        BLOB NOT NULL,
    reason      TEXT,
    detail      TEXT,
    at          TEXT,
    key         TEXT
) STRICT;

-- Tasks that wait for their desk.
CREATE TABLE tasks (
    seq             INTEGER PRIMARY KEY AUTOINCREMENT,
    suffix          TEXT    NOT NULL,
    id              TEXT    NOT NULL,
    priority        INTEGER NOT NULL,
    body            BLOB    NOT NULL,
    expires_at_ms   INTEGER,
    leased_until_ms INTEGER NOT NULL DEFAULT 0,
    UNIQUE (suffix, id)
) STRICT;
CREATE INDEX tasks_by_turn ON tasks (suffix, priority DESC, seq);
CREATE INDEX tasks_by_expiry ON tasks (expires_at_ms) WHERE expires_at_ms IS NOT NULL;
