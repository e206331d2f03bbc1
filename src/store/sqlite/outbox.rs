//! The outbox after the commit: rows whose worker did not finish with them, and what becomes of each.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use super::Sqlite;
use super::change::{self, after, ids};
use super::leads::id_of;
use super::session::{self, Session, clock, failed, hex, rows};
use crate::domain::identity::LeadNo;
use crate::domain::time::{Moment, Span};
use crate::store::{Lease, OutboxRow, OutboxState, StoreError, pack};

/// Takes rows that nobody has a lease on any more, longest waiting first.
pub async fn take(
    sqlite: &Sqlite,
    limit: usize,
    lease: &Lease,
    except: &BTreeSet<String>,
) -> Result<Vec<OutboxRow>, StoreError> {
    let mut session = Session::begin(sqlite).await?;
    // A row found as handed was in somebody's hands when the lease lapsed: whether it was published is unknown.
    let sql = "update outbox set state = 'handed', attempted = attempted or state = 'handed', lessee = ?3,
            ready_at_ms = ?4
        where seq in (select seq from outbox where ready_at_ms <= ?5
            and queue not in (select value from json_each(?1)) order by ready_at_ms, seq limit ?2)
        returning seq, id, lead_no, queue, routing_key, kind, cause, priority, lead_version, expires_at_ms, body,
            traceparent";
    let now = clock();
    let statement = sqlx::query(sql)
        .bind(rows(except.iter().map(|queue| Value::from(queue.as_str()))))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .bind(lease.lessee.as_bytes().as_slice())
        .bind(after(now, lease.length))
        .bind(now.0);
    let taken = session.fetch(statement).await?;
    let mut taken: Vec<(i64, OutboxRow)> = taken.iter().map(row_of).collect::<Result<_, _>>()?;
    session.commit().await?;
    taken.sort_by_key(|(seq, _)| *seq);
    Ok(taken.into_iter().map(|(_, row)| row).collect())
}

fn row_of(row: &SqliteRow) -> Result<(i64, OutboxRow), StoreError> {
    let expires_at: Option<i64> = row.try_get(9).map_err(failed)?;
    let cause: Vec<u8> = row.try_get(6).map_err(failed)?;
    let outbox_row = OutboxRow {
        id: id_of(row, 1)?,
        lead_no: LeadNo(row.try_get(2).map_err(failed)?),
        queue: row.try_get(3).map_err(failed)?,
        routing_key: row.try_get(4).map_err(failed)?,
        kind: row.try_get(5).map_err(failed)?,
        cause: String::from_utf8(cause).map_err(|_| pack::unreadable("cause of a task", "not UTF-8"))?,
        priority: row.try_get(7).map_err(failed)?,
        lead_version: row.try_get(8).map_err(failed)?,
        expires_at: expires_at.map(Moment),
        body: row.try_get(10).map_err(failed)?,
        traceparent: row.try_get(11).map_err(failed)?,
    };
    Ok((row.try_get(0).map_err(failed)?, outbox_row))
}

pub async fn forget(sqlite: &Sqlite, forgotten: &[Uuid]) -> Result<(), StoreError> {
    if forgotten.is_empty() {
        return Ok(());
    }
    let mut session = Session::begin(sqlite).await?;
    let sql = "delete from outbox where id in (select unhex(value) from json_each(?))";
    session.execute(sqlx::query(sql).bind(ids(forgotten))).await?;
    session.commit().await
}

pub async fn release(
    sqlite: &Sqlite,
    lessee: Uuid,
    released: &[(Uuid, OutboxState)],
    pause: Duration,
) -> Result<(), StoreError> {
    if released.is_empty() {
        return Ok(());
    }
    let mut session = Session::begin(sqlite).await?;
    let sql = "update outbox set lessee = null, ready_at_ms = ?3, attempted = attempted or n.state = 'handed',
            state = case when n.state = 'unsent' and attempted then 'handed' else n.state end
        from (select unhex(value->>0) as id, value->>1 as state from json_each(?1)) as n
        where outbox.id = n.id and lessee = ?2";
    let list = released.iter().map(|(id, state)| json!([hex(id.as_bytes()), pack::outbox_state_name(*state)]));
    let statement = sqlx::query(sql).bind(rows(list)).bind(lessee.as_bytes().as_slice()).bind(after(clock(), pause));
    session.execute(statement).await?;
    session.commit().await
}

/// The lead is taken from the row itself: it may have been merged since the caller read it.
pub async fn expire(sqlite: &Sqlite, overdue: &[(Uuid, LeadNo, Vec<u8>)]) -> Result<(), StoreError> {
    if overdue.is_empty() {
        return Ok(());
    }
    let mut session = Session::begin(sqlite).await?;
    let mut causes = Vec::with_capacity(overdue.len());
    for (id, _, cause) in overdue {
        let sql = "delete from outbox where id = ? returning lead_no";
        let gone = session.fetch(sqlx::query(sql).bind(id.as_bytes().as_slice())).await?;
        for row in gone {
            causes.push((LeadNo(row.try_get(0).map_err(failed)?), cause.clone()));
        }
    }
    change::add_inbox(&mut session, &causes).await?;
    session.commit().await
}

pub async fn depth(sqlite: &Sqlite) -> Result<Vec<(String, OutboxState, u64, Span)>, StoreError> {
    let sql = "select queue, state, count(*), min(created_at_ms) from outbox group by queue, state
        order by queue, state";
    let now = clock();
    let depth_of = |row: &SqliteRow| {
        let count: i64 = row.try_get(2).map_err(failed)?;
        let state = pack::outbox_state(row.try_get(1).map_err(failed)?)?;
        let age = now - Moment(row.try_get(3).map_err(failed)?);
        Ok((row.try_get(0).map_err(failed)?, state, count.unsigned_abs(), age.max(Span::ZERO)))
    };
    session::fetch(&sqlite.readers, sqlx::query(sql)).await?.iter().map(depth_of).collect()
}
