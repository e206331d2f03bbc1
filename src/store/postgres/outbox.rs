//! The outbox after the commit: rows whose worker did not finish with them, and what becomes of each.

use std::collections::BTreeSet;
use std::time::Duration;

use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row};
use uuid::Uuid;

use super::change::milliseconds;
use super::clock_ms;
use super::session::{self, failed};
use crate::domain::identity::LeadNo;
use crate::domain::time::{Moment, Span};
use crate::store::{Lease, OutboxRow, OutboxState, StoreError, pack};

/// Takes rows that nobody has a lease on any more, longest waiting first.
pub async fn take(
    pool: &PgPool,
    limit: usize,
    lease: &Lease,
    except: &BTreeSet<String>,
) -> Result<Vec<OutboxRow>, StoreError> {
    // A row found as handed was in somebody's hands when the lease lapsed: whether it was published is unknown.
    let sql = concat!(
        "with due as (
            select id from outbox where ready_at_ms <= ",
        clock_ms!(),
        " and queue <> all($1) order by ready_at_ms, seq limit $2 for update skip locked)
        update outbox o set state = 'handed', attempted = o.attempted or o.state = 'handed', lessee = $3,
            ready_at_ms = ",
        clock_ms!(),
        " + $4
        from due where o.id = due.id
        returning o.seq, o.id, o.lead_no, o.queue, o.routing_key, o.kind, o.cause, o.priority, o.lead_version,
            o.expires_at_ms, o.body, o.traceparent"
    );
    let statement = sqlx::query(sql)
        .bind(except.iter().map(String::as_str).collect::<Vec<_>>())
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .bind(lease.lessee)
        .bind(milliseconds(lease.length));
    let rows = session::fetch(pool, statement).await?;
    let mut rows: Vec<(i64, OutboxRow)> = rows.iter().map(row_of).collect::<Result<_, _>>()?;
    rows.sort_by_key(|(seq, _)| *seq);
    Ok(rows.into_iter().map(|(_, row)| row).collect())
}

fn row_of(row: &PgRow) -> Result<(i64, OutboxRow), StoreError> {
    let priority: i16 = row.try_get(7).map_err(failed)?;
    let expires_at: Option<i64> = row.try_get(9).map_err(failed)?;
    let cause: Vec<u8> = row.try_get(6).map_err(failed)?;
    let outbox_row = OutboxRow {
        id: row.try_get(1).map_err(failed)?,
        lead_no: LeadNo(row.try_get(2).map_err(failed)?),
        queue: row.try_get(3).map_err(failed)?,
        routing_key: row.try_get(4).map_err(failed)?,
        kind: row.try_get(5).map_err(failed)?,
        cause: String::from_utf8(cause).map_err(|_| pack::unreadable("cause of a task", "not UTF-8"))?,
        priority: u8::try_from(priority).map_err(|_| pack::unreadable("priority of a task", priority))?,
        lead_version: row.try_get(8).map_err(failed)?,
        expires_at: expires_at.map(Moment),
        body: row.try_get(10).map_err(failed)?,
        traceparent: row.try_get(11).map_err(failed)?,
    };
    Ok((row.try_get(0).map_err(failed)?, outbox_row))
}

pub async fn forget(pool: &PgPool, ids: &[Uuid]) -> Result<(), StoreError> {
    if ids.is_empty() {
        return Ok(());
    }
    // The one commit that need not be on disk: if the server dies now, the rows come back and the tasks are published
    // once more under their ids. It saves every batch a sync.
    let sql = "delete from outbox o using (select set_config('synchronous_commit', 'off', true) as set) as unsynced
        where unsynced.set = 'off' and o.id = any($1)";
    let sorted: Vec<Uuid> = ids.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
    session::execute(pool, sqlx::query(sql).bind(sorted)).await?;
    Ok(())
}

pub async fn release(
    pool: &PgPool,
    lessee: Uuid,
    rows: &[(Uuid, OutboxState)],
    after: Duration,
) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    let sql = concat!(
        "update outbox o set lessee = null, ready_at_ms = ",
        clock_ms!(),
        " + $4,
            attempted = o.attempted or n.state = 'handed',
            state = case when n.state = 'unsent' and o.attempted then 'handed' else n.state end
        from unnest($1::uuid[], $2::text[]) as n (id, state) where o.id = n.id and o.lessee = $3"
    );
    let mut sorted: Vec<(Uuid, OutboxState)> = rows.to_vec();
    sorted.sort();
    sorted.dedup_by_key(|(id, _)| *id);
    let ids: Vec<Uuid> = sorted.iter().map(|(id, _)| *id).collect();
    let states: Vec<&str> = sorted.iter().map(|(_, state)| pack::outbox_state_name(*state)).collect();
    let statement = sqlx::query(sql).bind(ids).bind(states).bind(lessee).bind(milliseconds(after));
    session::execute(pool, statement).await?;
    Ok(())
}

/// The lead is taken from the row itself: it may have been merged since the caller read it.
pub async fn expire(pool: &PgPool, rows: &[(Uuid, LeadNo, Vec<u8>)]) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    let sql = concat!(
        "with gone as (delete from outbox o using unnest($1::uuid[], $2::bytea[]) as n (id, cause)
            where o.id = n.id returning o.lead_no, n.cause)
        insert into inbox (lead_no, cause, at_ms) select lead_no, cause, ",
        clock_ms!(),
        " from gone"
    );
    let mut sorted: Vec<_> = rows.iter().collect();
    sorted.sort_by_key(|(id, ..)| *id);
    sorted.dedup_by_key(|(id, ..)| *id);
    let ids: Vec<Uuid> = sorted.iter().map(|(id, ..)| *id).collect();
    let causes: Vec<&[u8]> = sorted.iter().map(|(.., cause)| cause.as_slice()).collect();
    session::execute(pool, sqlx::query(sql).bind(ids).bind(causes)).await?;
    Ok(())
}

pub async fn depth(pool: &PgPool) -> Result<Vec<(String, OutboxState, u64, Span)>, StoreError> {
    let sql = concat!(
        "select queue, state, count(*), greatest(0, ",
        clock_ms!(),
        " - min(created_at_ms)) from outbox group by queue, state order by queue, state"
    );
    let depth_of = |row: &PgRow| {
        let count: i64 = row.try_get(2).map_err(failed)?;
        let state = pack::outbox_state(row.try_get(1).map_err(failed)?)?;
        Ok((row.try_get(0).map_err(failed)?, state, count.unsigned_abs(), Span(row.try_get(3).map_err(failed)?)))
    };
    session::fetch(pool, sqlx::query(sql)).await?.iter().map(depth_of).collect()
}
