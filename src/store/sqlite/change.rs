//! The bulk statements of a commit besides leads and keys: one function a kind of row, each skipped where it has none.
//!
//! Longer than most files because every kind of row names its columns; there is nothing to follow from one to the next.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use super::leads::{hashes, numbers};
use super::read;
use super::session::{Session, clock, failed, hex, rows};
use crate::domain::event::{Channel, ContentHash, EventKey};
use crate::domain::identity::{KeyHash, KeyHasher, LeadNo};
use crate::domain::suppression::Suppression;
use crate::domain::time::{Moment, Span};
use crate::domain::working_set::Divided;
use crate::store::{ClaimRow, HistoryRow, Lease, OutboxRow, StoreError, TaskRow, Told, pack};

pub fn ids<'a>(ids: impl IntoIterator<Item = &'a Uuid>) -> String {
    rows(ids.into_iter().map(|id| hex(id.as_bytes())))
}

/// Runs the statement with the rows, unless there are none.
async fn for_all(session: &mut Session, sql: &str, list: Vec<Value>) -> Result<(), StoreError> {
    if !list.is_empty() {
        session.execute(sqlx::query(sql).bind(Value::Array(list).to_string())).await?;
    }
    Ok(())
}

/// Takes tasks back that were never given to the broker; one that was given meanwhile means deciding anew.
pub async fn drop_unsent(session: &mut Session, tasks: &[Uuid]) -> Result<(), StoreError> {
    let tasks: BTreeSet<&Uuid> = tasks.iter().collect();
    if tasks.is_empty() {
        return Ok(());
    }
    let sql = "delete from outbox where id in (select unhex(value) from json_each(?)) and state = 'unsent'";
    let wanted = tasks.len() as u64;
    let gone = session.execute(sqlx::query(sql).bind(ids(tasks))).await?;
    if gone == wanted { Ok(()) } else { Err(StoreError::Contended) }
}

/// Revoked tasks that still wait for the broker go.
pub async fn recall(session: &mut Session, tasks: &[Uuid]) -> Result<(), StoreError> {
    let tasks: BTreeSet<&Uuid> = tasks.iter().collect();
    if tasks.is_empty() {
        return Ok(());
    }
    let sql = "delete from outbox where id in (select unhex(value) from json_each(?))";
    session.execute(sqlx::query(sql).bind(ids(tasks))).await?;
    Ok(())
}

/// Takes wishes back; one that a pool has answered meanwhile means deciding anew.
pub async fn drop_claims(session: &mut Session, claims: &[(String, Uuid)]) -> Result<(), StoreError> {
    let claims: BTreeSet<&(String, Uuid)> = claims.iter().collect();
    if claims.is_empty() {
        return Ok(());
    }
    let sql = "delete from claims where (pool, task_id) in (select value->>0, unhex(value->>1) from json_each(?))";
    let list = rows(claims.iter().map(|(pool, task)| json!([pool, hex(task.as_bytes())])));
    let gone = session.execute(sqlx::query(sql).bind(list)).await?;
    if gone == claims.len() as u64 { Ok(()) } else { Err(StoreError::Contended) }
}

/// Everything of leads merged away goes to their survivors. Keys are written apart.
pub async fn move_to_survivors(session: &mut Session, survivors: &BTreeMap<LeadNo, LeadNo>) -> Result<(), StoreError> {
    const MOVES: [&str; 8] = [
        "update or ignore seen set lead_no = ?2 where lead_no = ?1",
        "delete from seen where lead_no = ?1",
        "delete from history where lead_no = ?1 and exists (select 1 from history h
            where h.lead_no = ?2 and h.at_ms = history.at_ms and h.event_key = history.event_key)",
        "update history set lead_no = ?2 where lead_no = ?1",
        "update tasks set lead_no = ?2 where lead_no = ?1",
        "update outbox set lead_no = ?2 where lead_no = ?1",
        "update claims set lead_no = ?2 where lead_no = ?1",
        "update inbox set lead_no = ?2 where lead_no = ?1",
    ];
    for (away, survivor) in survivors {
        for sql in MOVES {
            session.execute(sqlx::query(sql).bind(away.0).bind(survivor.0)).await?;
        }
    }
    Ok(())
}

/// The events of one lead that turned out to be another's go to it.
pub async fn divide(session: &mut Session, Divided { from, to, events }: &Divided) -> Result<(), StoreError> {
    for sql in [
        "update seen set lead_no = ?2 where lead_no = ?1 and event_key in (select unhex(value) from json_each(?3))",
        "update history set lead_no = ?2 where lead_no = ?1 and event_key in (select unhex(value) from json_each(?3))",
    ] {
        let events = rows(events.iter().map(|event| hex(event.0)));
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
    let sql = "delete from seen where lead_no in (select value from json_each(?)) returning event_key";
    let gone = session.fetch(sqlx::query(sql).bind(numbers(erased.iter().copied()))).await?;
    if let Some(hasher) = hasher {
        let forgotten = |row: &SqliteRow| {
            let event = EventKey(pack::sixteen("event key", row.try_get(0).map_err(failed)?)?);
            Ok((LeadNo::FORGOTTEN, hasher.forgotten(event), ContentHash::default()))
        };
        let events: Vec<_> = gone.iter().map(forgotten).collect::<Result<_, StoreError>>()?;
        add_seen(session, &events).await?;
    }
    const DELETIONS: [&str; 5] = [
        "delete from history where lead_no in (select value from json_each(?))",
        "delete from tasks where lead_no in (select value from json_each(?))",
        "delete from outbox where lead_no in (select value from json_each(?)) and kind <> 'task.revoked'",
        "delete from claims where lead_no in (select value from json_each(?))",
        "delete from inbox where lead_no in (select value from json_each(?))",
    ];
    for sql in DELETIONS {
        session.execute(sqlx::query(sql).bind(numbers(erased.iter().copied()))).await?;
    }
    Ok(())
}

pub async fn add_seen(session: &mut Session, seen: &[(LeadNo, EventKey, ContentHash)]) -> Result<(), StoreError> {
    // A pair that is there already (the lead saw it before a merge) keeps the content it was first seen with.
    let sql = "insert or ignore into seen (lead_no, event_key, content)
        select value->>0, unhex(value->>1), unhex(value->>2) from json_each(?)";
    let list = seen.iter().map(|(lead, event, content)| json!([lead.0, hex(event.0), hex(content.0)])).collect();
    for_all(session, sql, list).await
}

pub async fn add_history(session: &mut Session, history: &[HistoryRow]) -> Result<(), StoreError> {
    let sql = "insert into history (lead_no, at_ms, event_key, body)
        select value->>0, value->>1, unhex(value->>2), unhex(value->>3) from json_each(?)";
    let row_of = |row: &HistoryRow| json!([row.lead_no.0, row.at.0, hex(row.event.0), hex(&row.body)]);
    for_all(session, sql, history.iter().map(row_of).collect()).await
}

pub async fn add_tasks(session: &mut Session, tasks: &[TaskRow]) -> Result<(), StoreError> {
    let sql = "insert into tasks (task_id, lead_no, forget_after_ms)
        select unhex(value->>0), value->>1, value->>2 from json_each(?) where true
        on conflict (task_id) do update set lead_no = excluded.lead_no, forget_after_ms = excluded.forget_after_ms";
    let row_of = |row: &TaskRow| json!([hex(row.task_id.as_bytes()), row.lead_no.0, row.forget_after.0]);
    for_all(session, sql, tasks.iter().map(row_of).collect()).await
}

pub async fn add_claims(session: &mut Session, claims: &[ClaimRow]) -> Result<(), StoreError> {
    let pools: BTreeSet<&str> = claims.iter().map(|row| row.pool.as_str()).collect();
    let sql = "insert or ignore into pools (name, state) select value, x'' from json_each(?)";
    for_all(session, sql, pools.into_iter().map(Value::from).collect()).await?;
    let sql = "insert into claims (pool, task_id, lead_no, wish, not_before_ms)
        select value->>0, unhex(value->>1), value->>2, unhex(value->>3), value->>4 from json_each(?)";
    let row_of = |row: &ClaimRow| {
        json!([row.pool, hex(row.task_id.as_bytes()), row.lead_no.0, hex(&row.wish), row.not_before.0])
    };
    for_all(session, sql, claims.iter().map(row_of).collect()).await
}

/// Outbox rows are born leased to the worker that commits them: nobody else looks at them while it publishes.
pub async fn add_outbox(session: &mut Session, outbox: &[OutboxRow], lease: &Lease) -> Result<(), StoreError> {
    if outbox.is_empty() {
        return Ok(());
    }
    let sql = "insert into outbox (id, lead_no, queue, routing_key, kind, cause, priority, lead_version, expires_at_ms,
            body, traceparent, state, attempted, lessee, ready_at_ms, created_at_ms)
        select unhex(value->>0), value->>1, value->>2, value->>3, value->>4, unhex(value->>5), value->>6, value->>7,
            value->>8, unhex(value->>9), value->>10, ?2, 0, ?3, ?4, ?5
        from json_each(?1)";
    let row_of = |row: &OutboxRow| {
        json!([
            hex(row.id.as_bytes()),
            row.lead_no.0,
            row.queue,
            row.routing_key,
            row.kind,
            hex(&row.cause),
            row.priority,
            row.lead_version,
            row.expires_at.map(|at| at.0),
            hex(&row.body),
            row.traceparent,
        ])
    };
    let now = clock();
    let statement = sqlx::query(sql).bind(rows(outbox.iter().map(row_of)));
    let statement = match lease.hand {
        true => statement.bind("handed").bind(Some(lease.lessee.as_bytes().as_slice())).bind(after(now, lease.length)),
        false => statement.bind("unsent").bind(None::<&[u8]>).bind(now.0),
    };
    session.execute(statement.bind(now.0)).await?;
    Ok(())
}

/// So long after this instant; a length past counting is for ever.
pub fn after(now: Moment, length: std::time::Duration) -> i64 {
    (now + Span(i64::try_from(length.as_millis()).unwrap_or(i64::MAX))).0
}

pub async fn finish_inbox(session: &mut Session, done: &[i64]) -> Result<(), StoreError> {
    let sql = "delete from inbox where seq in (select value from json_each(?))";
    for_all(session, sql, done.iter().map(|seq| Value::from(*seq)).collect()).await
}

pub async fn add_inbox(session: &mut Session, causes: &[(LeadNo, Vec<u8>)]) -> Result<(), StoreError> {
    let sql = "insert into inbox (lead_no, cause, at_ms)
        select value->>0, unhex(value->>1), value->>2 from json_each(?)";
    let now = clock();
    let row_of = |(lead, cause): &(LeadNo, Vec<u8>)| json!([lead.0, hex(cause), now.0]);
    for_all(session, sql, causes.iter().map(row_of).collect()).await
}

/// Whoever carries the keys by now is told.
pub async fn tell_holders(session: &mut Session, told: &[Told]) -> Result<(), StoreError> {
    let sql = "insert into inbox (lead_no, cause, at_ms)
        select h.value, unhex(n.value->>2), n.value->>3 from json_each(?) n
            join lead_keys k on k.key = unhex(n.value->>0), json_each(k.holders) h
            where h.value <> n.value->>1";
    let now = clock();
    let row_of = |t: &Told| json!([hex(t.key.0), t.by.0, hex(&t.cause), now.0]);
    for_all(session, sql, told.iter().map(row_of).collect()).await
}

/// With one writer [`Suppression::join`] itself can do it.
pub async fn join_suppressions(
    session: &mut Session,
    changed: &BTreeMap<(KeyHash, Channel), Suppression>,
) -> Result<(), StoreError> {
    if changed.is_empty() {
        return Ok(());
    }
    let keys = hashes(changed.keys().map(|(key, _)| key));
    let found = session.fetch(sqlx::query(read::SUPPRESSIONS).bind(keys)).await?;
    let mut joined = changed.clone();
    for row in &found {
        let (at, there) = read::suppression_of(row)?;
        joined.entry(at).and_modify(|s| s.join(&there));
    }
    let sql = "insert into suppression (key, channel, first_closed_ms, last_closed_ms, last_reopened_ms, why)
        select unhex(value->>0), value->>1, value->>2, value->>3, value->>4, value->>5 from json_each(?) where true
        on conflict (key, channel) do update set first_closed_ms = excluded.first_closed_ms,
            last_closed_ms = excluded.last_closed_ms, last_reopened_ms = excluded.last_reopened_ms,
            why = excluded.why";
    let row_of = |((key, channel), s): (&(KeyHash, Channel), &Suppression)| {
        let reopened = s.last_reopened.map(|at| at.0);
        json!([hex(key.0), channel.name(), s.first_closed.0, s.last_closed.0, reopened, s.why.name()])
    };
    for_all(session, sql, changed.keys().filter_map(|at| joined.get_key_value(at)).map(row_of).collect()).await
}

pub async fn add_world(session: &mut Session, facts: &[(EventKey, Vec<u8>)]) -> Result<(), StoreError> {
    let sql = "insert or ignore into world_deltas (event_key, body, at_ms)
        select unhex(value->>0), unhex(value->>1), value->>2 from json_each(?)";
    let now = clock();
    let row_of = |(event, body): &(EventKey, Vec<u8>)| json!([hex(event.0), hex(body), now.0]);
    for_all(session, sql, facts.iter().map(row_of).collect()).await
}
