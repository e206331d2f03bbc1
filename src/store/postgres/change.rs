//! The bulk statements of a commit besides leads and keys: one function a kind of row, each skipped where it has none.
//!
//! Longer than most files because every kind of row names its columns; there is nothing to follow from one to the next.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::clock_ms;
use super::leads::{numbers, uuids};
use super::session::{Session, Statement, failed};
use crate::domain::event::{Channel, ContentHash, EventKey};
use crate::domain::identity::{KeyHash, KeyHasher, LeadNo};
use crate::domain::suppression::{ClosedBecause, Suppression};
use crate::domain::working_set::Divided;
use crate::store::reach::Kept;
use crate::store::{Changes, ClaimRow, HistoryRow, Lease, OutboxRow, StoreError, TaskRow, Told};

/// Takes tasks back that were never given to the broker; one that was given meanwhile means deciding anew.
pub async fn drop_unsent(session: &mut Session, tasks: &[Uuid]) -> Result<(), StoreError> {
    let tasks: BTreeSet<Uuid> = tasks.iter().copied().collect();
    if tasks.is_empty() {
        return Ok(());
    }
    let sql = "delete from outbox o using unnest($1::uuid[]) as n (id) where o.id = n.id and o.state = 'unsent'";
    let wanted = tasks.len() as u64;
    let gone = session.execute(sqlx::query(sql).bind(tasks.into_iter().collect::<Vec<_>>())).await?;
    if gone == wanted { Ok(()) } else { Err(StoreError::Contended) }
}

/// Revoked tasks that still wait for the broker go.
pub async fn recall(session: &mut Session, tasks: &[Uuid]) -> Result<(), StoreError> {
    if tasks.is_empty() {
        return Ok(());
    }
    let sorted: Vec<Uuid> = tasks.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
    session.execute(sqlx::query("delete from outbox where id = any($1)").bind(sorted)).await?;
    Ok(())
}

/// Takes wishes back; one that a pool has answered meanwhile means deciding anew.
pub async fn drop_claims(session: &mut Session, claims: &[(String, Uuid)]) -> Result<(), StoreError> {
    let claims: BTreeSet<&(String, Uuid)> = claims.iter().collect();
    if claims.is_empty() {
        return Ok(());
    }
    let sql = "delete from claims c using unnest($1::text[], $2::uuid[]) as n (pool, task_id)
        where c.pool = n.pool and c.task_id = n.task_id";
    let pools: Vec<&str> = claims.iter().map(|(pool, _)| pool.as_str()).collect();
    let tasks: Vec<Uuid> = claims.iter().map(|(_, task)| *task).collect();
    let gone = session.execute(sqlx::query(sql).bind(pools).bind(tasks)).await?;
    if gone == claims.len() as u64 { Ok(()) } else { Err(StoreError::Contended) }
}

/// Everything of leads merged away goes to their survivors. Keys are written apart.
pub async fn move_to_survivors(session: &mut Session, survivors: &BTreeMap<LeadNo, LeadNo>) -> Result<(), StoreError> {
    if survivors.is_empty() {
        return Ok(());
    }
    const MOVES: [&str; 6] = [
        "with gone as (delete from seen s using unnest($1::bigint[], $2::bigint[]) as m (away, survivor)
            where s.lead_no = m.away returning m.survivor, s.event_key, s.content)
        insert into seen (lead_no, event_key, content) select survivor, event_key, content from gone
            on conflict (lead_no, event_key) do nothing",
        "with gone as (delete from history h using unnest($1::bigint[], $2::bigint[]) as m (away, survivor)
            where h.lead_no = m.away returning m.survivor, h.at_ms, h.event_key, h.body)
        insert into history (lead_no, at_ms, event_key, body) select survivor, at_ms, event_key, body from gone
            where not exists (select 1 from history h where h.lead_no = gone.survivor and h.at_ms = gone.at_ms
                and h.event_key = gone.event_key)",
        "update tasks t set lead_no = m.survivor from unnest($1::bigint[], $2::bigint[]) as m (away, survivor)
            where t.lead_no = m.away",
        "update outbox o set lead_no = m.survivor from unnest($1::bigint[], $2::bigint[]) as m (away, survivor)
            where o.lead_no = m.away",
        // Claims before the inbox: a pool that is just answering one is waited for, and its answer is moved then.
        "update claims c set lead_no = m.survivor from unnest($1::bigint[], $2::bigint[]) as m (away, survivor)
            where c.lead_no = m.away",
        "update inbox i set lead_no = m.survivor from unnest($1::bigint[], $2::bigint[]) as m (away, survivor)
            where i.lead_no = m.away",
    ];
    for sql in MOVES {
        let (away, to) = (numbers(survivors.keys().copied()), numbers(survivors.values().copied()));
        session.execute(sqlx::query(sql).bind(away).bind(to)).await?;
    }
    Ok(())
}

/// The events of one lead that turned out to be another's go to it.
pub async fn divide(session: &mut Session, Divided { from, to, events }: &Divided) -> Result<(), StoreError> {
    for sql in [
        "update seen set lead_no = $2 where lead_no = $1 and event_key = any($3)",
        "update history set lead_no = $2 where lead_no = $1 and event_key = any($3)",
    ] {
        let events: Vec<Uuid> = events.iter().map(|event| Uuid::from_bytes(event.0)).collect();
        session.execute(sqlx::query(sql).bind(from.0).bind(to.0).bind(events)).await?;
    }
    Ok(())
}

/// Everything of erased leads but their rows, keys and suppressions is deleted. That an event was theirs is not told
/// any more, only that it was somebody's who is forgotten.
pub async fn erase(session: &mut Session, erased: &[LeadNo], hasher: Option<&KeyHasher>) -> Result<(), StoreError> {
    if erased.is_empty() {
        return Ok(());
    }
    let sql = "delete from seen where lead_no = any($1) returning event_key";
    let gone = session.fetch(sqlx::query(sql).bind(numbers(erased.iter().copied()))).await?;
    if let Some(hasher) = hasher {
        let event_of = |row: &PgRow| Ok(EventKey(row.try_get::<Uuid, _>(0).map_err(failed)?.into_bytes()));
        let events: BTreeSet<EventKey> = gone
            .iter()
            .map(|row| event_of(row).map(|event| hasher.forgotten(event)))
            .collect::<Result<_, StoreError>>()?;
        let sql = "insert into seen (lead_no, event_key, content) select $1, e.event_key, $2
            from unnest($3::uuid[]) as e (event_key) on conflict (lead_no, event_key) do nothing";
        let statement = sqlx::query(sql).bind(LeadNo::FORGOTTEN.0).bind(Uuid::nil());
        session.execute(statement.bind(uuids(events.into_iter().map(|event| event.0)))).await?;
    }
    const DELETIONS: [&str; 5] = [
        "delete from history where lead_no = any($1)",
        "delete from tasks where lead_no = any($1)",
        "delete from outbox where lead_no = any($1) and kind <> 'task.revoked'",
        "delete from claims where lead_no = any($1)",
        "delete from inbox where lead_no = any($1)",
    ];
    for sql in DELETIONS {
        session.execute(sqlx::query(sql).bind(numbers(erased.iter().copied()))).await?;
    }
    Ok(())
}

macro_rules! append_sql {
    ($conflict:literal) => {
        concat!(
            "with clock as (select ",
            clock_ms!(),
            " as ms),
            seen_rows as (
                insert into seen (lead_no, event_key, content)
                select * from unnest($1::bigint[], $2::uuid[], $3::uuid[])",
            $conflict,
            "),
            history_rows as (
                insert into history (lead_no, at_ms, event_key, body)
                select * from unnest($4::bigint[], $5::bigint[], $6::uuid[], $7::bytea[])),
            task_rows as (
                insert into tasks (task_id, lead_no, forget_after_ms)
                select * from unnest($8::uuid[], $9::bigint[], $10::bigint[])
                on conflict (task_id)
                    do update set lead_no = excluded.lead_no, forget_after_ms = excluded.forget_after_ms),
            facts as (
                insert into world_deltas (event_key, body, at_ms)
                select event_key, body, clock.ms from clock, unnest($11::uuid[], $12::bytea[]) as n (event_key, body)
                on conflict (event_key) do nothing)
            insert into outbox (id, lead_no, queue, routing_key, kind, cause, priority, lead_version, expires_at_ms,
                body, traceparent, state, attempted, lessee, ready_at_ms, created_at_ms)
            select id, lead_no, queue, routing_key, kind, cause, priority, lead_version, expires_at_ms, body,
                traceparent, case when $24 then 'handed' else 'unsent' end, false, case when $24 then $25::uuid end,
                clock.ms + case when $24 then $26::bigint else 0 end, clock.ms
            from clock, unnest($13::uuid[], $14::bigint[], $15::text[], $16::text[], $17::text[], $18::bytea[],
                $19::smallint[], $20::bigint[], $21::bigint[], $22::bytea[], $23::text[])
                as n (id, lead_no, queue, routing_key, kind, cause, priority, lead_version, expires_at_ms, body,
                    traceparent)"
        )
    };
}

/// What a unit of work adds and nobody else touches, in one round trip: seen, history, tasks, facts about the world,
/// outbox. Outbox rows are born leased to the worker that commits them, so that nobody looks at them while it publishes.
pub async fn append(session: &mut Session, changes: &Changes, kept: &Kept, lease: &Lease) -> Result<(), StoreError> {
    let Changes { seen, history, tasks, world, outbox, .. } = changes;
    if seen.is_empty() && history.is_empty() && tasks.is_empty() && world.is_empty() && outbox.is_empty() {
        return Ok(());
    }
    // To insert with a look for conflicts costs half as much again, and it is known already that there are none:
    // save for what a merge brings together, where the content that was seen first stays.
    let sql = match seen.iter().all(|(lead, event, _)| kept.has_surely_not_seen(*lead, *event)) {
        true => append_sql!(""),
        false => append_sql!(" on conflict (lead_no, event_key) do nothing"),
    };
    let statement = bind_seen(sqlx::query(sql), seen);
    let statement = bind_history(statement, history);
    let statement = bind_tasks(statement, tasks);
    let facts: BTreeMap<EventKey, &[u8]> = world.iter().map(|(event, body)| (*event, body.as_slice())).collect();
    let statement = statement.bind(uuids(facts.keys().map(|event| event.0)));
    let statement = statement.bind(facts.into_values().collect::<Vec<_>>());
    session.execute(bind_outbox(statement, outbox, lease)).await?;
    Ok(())
}

/// An outbox alone.
pub async fn add_outbox(session: &mut Session, outbox: Vec<OutboxRow>, lease: &Lease) -> Result<(), StoreError> {
    let changes = Changes { outbox, ..Changes::default() };
    append(session, &changes, &Kept::default(), lease).await
}

fn bind_seen<'q>(statement: Statement<'q>, seen: &[(LeadNo, EventKey, ContentHash)]) -> Statement<'q> {
    let mut rows: Vec<_> = seen.iter().collect();
    rows.sort_by_key(|(lead, event, _)| (*lead, *event));
    rows.dedup_by_key(|(lead, event, _)| (*lead, *event));
    statement
        .bind(numbers(rows.iter().map(|(lead, _, _)| *lead)))
        .bind(uuids(rows.iter().map(|(_, event, _)| event.0)))
        .bind(uuids(rows.iter().map(|(_, _, content)| content.0)))
}

fn bind_history<'q>(statement: Statement<'q>, history: &'q [HistoryRow]) -> Statement<'q> {
    let mut rows: Vec<&HistoryRow> = history.iter().collect();
    rows.sort_by_key(|row| (row.lead_no, row.at, row.event));
    statement
        .bind(numbers(rows.iter().map(|row| row.lead_no)))
        .bind(rows.iter().map(|row| row.at.0).collect::<Vec<_>>())
        .bind(uuids(rows.iter().map(|row| row.event.0)))
        .bind(rows.iter().map(|row| row.body.as_slice()).collect::<Vec<_>>())
}

fn bind_tasks<'q>(statement: Statement<'q>, tasks: &[TaskRow]) -> Statement<'q> {
    // By id, and the last of each: a task that is made and ended in one unit of work comes twice.
    let rows: BTreeMap<Uuid, &TaskRow> = tasks.iter().map(|row| (row.task_id, row)).collect();
    statement
        .bind(rows.keys().copied().collect::<Vec<_>>())
        .bind(numbers(rows.values().map(|row| row.lead_no)))
        .bind(rows.values().map(|row| row.forget_after.0).collect::<Vec<_>>())
}

fn bind_outbox<'q>(statement: Statement<'q>, rows: &'q [OutboxRow], lease: &Lease) -> Statement<'q> {
    fn column<'a, T>(rows: &'a [OutboxRow], of: impl Fn(&'a OutboxRow) -> T) -> Vec<T> {
        rows.iter().map(of).collect()
    }
    statement
        .bind(column(rows, |r| r.id))
        .bind(column(rows, |r| r.lead_no.0))
        .bind(column(rows, |r| r.queue.as_str()))
        .bind(column(rows, |r| r.routing_key.as_str()))
        .bind(column(rows, |r| r.kind.as_str()))
        .bind(column(rows, |r| r.cause.as_bytes()))
        .bind(column(rows, |r| i16::from(r.priority)))
        .bind(column(rows, |r| r.lead_version))
        .bind(column(rows, |r| r.expires_at.map(|at| at.0)))
        .bind(column(rows, |r| r.body.as_slice()))
        .bind(column(rows, |r| r.traceparent.as_deref()))
        .bind(lease.hand)
        .bind(lease.lessee)
        .bind(milliseconds(lease.length))
}

/// A length as the database counts; a year is for ever.
pub fn milliseconds(length: std::time::Duration) -> i64 {
    const YEAR: i64 = 366 * 86_400_000;
    i64::try_from(length.as_millis()).unwrap_or(YEAR).min(YEAR)
}

pub async fn add_claims(session: &mut Session, claims: &[ClaimRow]) -> Result<(), StoreError> {
    if claims.is_empty() {
        return Ok(());
    }
    let mut rows: Vec<&ClaimRow> = claims.iter().collect();
    rows.sort_by_key(|row| (&row.pool, row.task_id));
    let pools: Vec<&str> = rows.iter().map(|row| row.pool.as_str()).collect();
    let mut names = pools.clone();
    names.dedup();
    // A pool that is held right now is not waited for: a row that exists is a conflict whoever has locked it.
    let sql = "insert into pools (name, state) select name, '' from unnest($1::text[]) as n (name)
        on conflict (name) do nothing";
    session.execute(sqlx::query(sql).bind(names)).await?;
    let sql = "insert into claims (pool, task_id, lead_no, wish, not_before_ms)
        select * from unnest($1::text[], $2::uuid[], $3::bigint[], $4::bytea[], $5::bigint[])";
    let tasks: Vec<Uuid> = rows.iter().map(|row| row.task_id).collect();
    let leads = numbers(rows.iter().map(|row| row.lead_no));
    let wishes: Vec<&[u8]> = rows.iter().map(|row| row.wish.as_slice()).collect();
    let not_before: Vec<i64> = rows.iter().map(|row| row.not_before.0).collect();
    session.execute(sqlx::query(sql).bind(pools).bind(tasks).bind(leads).bind(wishes).bind(not_before)).await?;
    Ok(())
}

pub async fn finish_inbox(session: &mut Session, done: &[i64]) -> Result<(), StoreError> {
    if !done.is_empty() {
        session.execute(sqlx::query("delete from inbox where seq = any($1)").bind(done)).await?;
    }
    Ok(())
}

pub async fn add_inbox(session: &mut Session, causes: &[(LeadNo, Vec<u8>)]) -> Result<(), StoreError> {
    if causes.is_empty() {
        return Ok(());
    }
    let sql = concat!(
        "insert into inbox (lead_no, cause, at_ms) select lead_no, cause, ",
        clock_ms!(),
        " from unnest($1::bigint[], $2::bytea[]) as n (lead_no, cause)"
    );
    let leads = numbers(causes.iter().map(|(lead, _)| *lead));
    let causes: Vec<&[u8]> = causes.iter().map(|(_, cause)| cause.as_slice()).collect();
    session.execute(sqlx::query(sql).bind(leads).bind(causes)).await?;
    Ok(())
}

/// Whoever carries the keys by now is told. The rows of keys are read, not locked: who gets one later reads what is closed.
pub async fn tell_holders(session: &mut Session, told: &[Told]) -> Result<(), StoreError> {
    if told.is_empty() {
        return Ok(());
    }
    let sql = concat!(
        "insert into inbox (lead_no, cause, at_ms) select h.lead_no, n.cause, ",
        clock_ms!(),
        " from unnest($1::uuid[], $2::bigint[], $3::bytea[]) as n (key, by, cause) join lead_keys k on k.key = n.key,
            unnest(k.holders) as h (lead_no) where h.lead_no <> n.by"
    );
    let keys = uuids(told.iter().map(|t| t.key.0));
    let by = numbers(told.iter().map(|t| t.by));
    let causes: Vec<&[u8]> = told.iter().map(|t| t.cause.as_slice()).collect();
    session.execute(sqlx::query(sql).bind(keys).bind(by).bind(causes)).await?;
    Ok(())
}

/// [`Suppression::join`] in SQL. It must be there too, because two units of work may close the same key at once
/// without holding a lead in common.
pub async fn join_suppressions(
    session: &mut Session,
    rows: &BTreeMap<(KeyHash, Channel), Suppression>,
) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    let sql = "insert into suppression as s (key, channel, first_closed_ms, last_closed_ms, last_reopened_ms, why)
        select * from unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[])
        on conflict (key, channel) do update set
            why = case
                when s.last_closed_ms < excluded.last_closed_ms then excluded.why
                when s.last_closed_ms > excluded.last_closed_ms then s.why
                when array_position($7::text[], s.why) <= array_position($7::text[], excluded.why) then s.why
                else excluded.why end,
            first_closed_ms = least(s.first_closed_ms, excluded.first_closed_ms),
            last_closed_ms = greatest(s.last_closed_ms, excluded.last_closed_ms),
            last_reopened_ms = greatest(s.last_reopened_ms, excluded.last_reopened_ms)";
    let mut sorted: Vec<_> = rows.iter().map(|((key, channel), row)| (key, channel.name(), row)).collect();
    sorted.sort_by_key(|(key, channel, _)| (**key, *channel));
    let keys = uuids(sorted.iter().map(|(key, ..)| key.0));
    let channels: Vec<&str> = sorted.iter().map(|(_, channel, _)| *channel).collect();
    let statement = sqlx::query(sql)
        .bind(keys)
        .bind(channels)
        .bind(sorted.iter().map(|(.., row)| row.first_closed.0).collect::<Vec<_>>())
        .bind(sorted.iter().map(|(.., row)| row.last_closed.0).collect::<Vec<_>>())
        .bind(sorted.iter().map(|(.., row)| row.last_reopened.map(|at| at.0)).collect::<Vec<_>>())
        .bind(sorted.iter().map(|(.., row)| row.why.name()).collect::<Vec<_>>())
        .bind(ClosedBecause::ALL.map(ClosedBecause::name).to_vec());
    session.execute(statement).await?;
    Ok(())
}
