-- Leads, what names them, what they have seen, and when they want to be looked at.
--
-- Times are milliseconds since 1970 as bigint: the core counts in whole milliseconds from year 1 to 9999 and
-- beyond, where timestamptz would round, refuse or need a conversion for each value.
-- Tables that grow with the events (leads, seen, history, wakeups) are keyed by lead first, so that they can be
-- hash-partitioned or distributed by lead_no without a change of query. The exceptions are what finds a lead
-- (lead_keys, tasks), what waits for somebody (outbox, inbox, pools, claims) and suppression, which must outlive leads.
-- Hashes of 16 bytes are of type uuid, although they are none: as bytea the largest indexes would be a quarter larger.
-- There are no foreign keys: each would take a share lock on a lead that another unit of work holds.

create sequence lead_numbers as bigint;

create table leads (
    lead_no       bigint  not null primary key,
    lead_id       uuid    not null,
    merged_into   bigint,
    erased        boolean not null,
    stage         text    not null,
    verdict       text    not null,
    version       bigint  not null,
    updated_at_ms bigint  not null,
    -- The same instant as in wakeups: here it comes with the lead, there it is found by time.
    wake_at_ms    bigint,
    -- 16-byte hashes, one after another: read whole, never searched (lead_keys is the index).
    keys          bytea   not null,
    linked        bigint[] not null,
    state         bytea   not null
) with (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.05);
-- No other index: an update that touches no indexed column stays on its page (HOT).
create index leads_by_id on leads (lead_id);

create table lead_keys (
    key          uuid     not null primary key,
    -- In the order in which they got it. Numbers of leads merged away are replaced by their survivor.
    holders      bigint[] not null,
    erased_at_ms bigint
);

create table seen (
    lead_no   bigint not null,
    event_key uuid   not null,
    content   uuid   not null,
    primary key (lead_no, event_key)
);

create table history (
    lead_no   bigint not null,
    at_ms     bigint not null,
    event_key uuid   not null,
    body      bytea  not null
);
-- Not unique, because `seen` is: an index of each event's key a second time would cost as much as the row.
create index history_by_lead on history (lead_no, at_ms);
-- Only pruning asks by time; events arrive roughly in that order, so a range of blocks is told by its two ends.
create index history_by_time on history using brin (at_ms) with (pages_per_range = 32, autosummarize = on);

create table wakeups (
    lead_no bigint not null primary key,
    due_at_ms bigint not null
) with (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.05);
create index wakeups_by_time on wakeups (due_at_ms);

-- A lead with a row here is due, whatever its wake-up says: so an answer cannot be lost between a unit of work
-- that writes it and one that is about to move the wake-up of the same lead.
create table inbox (
    seq     bigint generated always as identity primary key,
    lead_no bigint not null,
    at_ms   bigint not null,
    cause   bytea  not null
) with (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 2000);
create index inbox_by_lead on inbox (lead_no);

create table tasks (
    task_id         uuid   not null primary key,
    lead_no         bigint not null,
    forget_after_ms bigint not null
);
create index tasks_by_lead on tasks (lead_no);
create index tasks_by_time on tasks (forget_after_ms);

create table suppression (
    key              uuid   not null,
    channel          text   not null,
    first_closed_ms  bigint not null,
    last_closed_ms   bigint not null,
    last_reopened_ms bigint,
    why              text   not null,
    primary key (key, channel)
);
