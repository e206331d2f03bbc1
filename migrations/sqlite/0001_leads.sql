-- Leads, what names them, what they have seen, and when they want to be looked at.
--
-- The same tables as for PostgreSQL (see there for the reasons). Lists of numbers are JSON text; times are
-- milliseconds since 1970. There is one writer, so no sequence and nothing about locks.

create table lead_numbers (last integer not null);
insert into lead_numbers (last) values (0);

create table leads (
    lead_no       integer not null primary key,
    lead_id       blob    not null,
    merged_into   integer,
    erased        integer not null,
    stage         text    not null,
    verdict       text    not null,
    version       integer not null,
    updated_at_ms integer not null,
    wake_at_ms    integer,
    keys          blob    not null,
    linked        text    not null,
    state         blob    not null
);
create index leads_by_id on leads (lead_id);

create table lead_keys (
    key          blob not null primary key,
    holders      text not null,
    erased_at_ms integer
) without rowid;

create table seen (
    lead_no   integer not null,
    event_key blob    not null,
    content   blob    not null,
    primary key (lead_no, event_key)
) without rowid;

create table history (
    lead_no   integer not null,
    at_ms     integer not null,
    event_key blob    not null,
    body      blob    not null
);
create index history_by_lead on history (lead_no, at_ms);
create index history_by_time on history (at_ms);

create table wakeups (
    lead_no   integer not null primary key,
    due_at_ms integer not null
);
create index wakeups_by_time on wakeups (due_at_ms);

create table inbox (
    seq     integer primary key autoincrement,
    lead_no integer not null,
    at_ms   integer not null,
    cause   blob    not null
);
create index inbox_by_lead on inbox (lead_no);

create table tasks (
    task_id         blob    not null primary key,
    lead_no         integer not null,
    forget_after_ms integer not null
) without rowid;
create index tasks_by_lead on tasks (lead_no);
create index tasks_by_time on tasks (forget_after_ms);

create table suppression (
    key              blob    not null,
    channel          text    not null,
    first_closed_ms  integer not null,
    last_closed_ms   integer not null,
    last_reopened_ms integer,
    why              text    not null,
    primary key (key, channel)
) without rowid;
