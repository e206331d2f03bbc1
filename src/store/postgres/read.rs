//! Reading without holding, and the small chores: suspects, pruning, the next due instant.

use std::collections::BTreeMap;

use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row};
use uuid::Uuid;

use super::leads::{lead_columns, lead_of, numbers};
use super::load::{SUPPRESSIONS, suppression_of};
use super::session::{self, Session, failed};
use super::{Postgres, SuppressionRow, clock_ms};
use crate::domain::event::{Channel, EventKey};
use crate::domain::identity::{KeyHash, LeadNo};
use crate::domain::suppression::Suppression;
use crate::domain::time::Moment;
use crate::store::{HistoryRow, LeadRow, StoreError, pack};

/// More merges in a row than any lead has.
const LONGEST_TRAIL: usize = 100;

pub async fn lead_by_key(pool: &PgPool, key: KeyHash) -> Result<Option<LeadRow>, StoreError> {
    let sql = "select holders[1] from lead_keys where key = $1";
    let rows = session::fetch(pool, sqlx::query(sql).bind(Uuid::from_bytes(key.0))).await?;
    let first: Option<Option<i64>> = rows.first().map(|row| row.try_get(0)).transpose().map_err(failed)?;
    match first.flatten() {
        Some(holder) => survivor_of(pool, LeadNo(holder)).await,
        None => Ok(None),
    }
}

pub async fn lead_by_id(pool: &PgPool, lead_id: Uuid) -> Result<Option<LeadRow>, StoreError> {
    let sql = "select lead_no from leads where lead_id = $1 order by lead_no limit 1";
    let rows = session::fetch(pool, sqlx::query(sql).bind(lead_id)).await?;
    match rows.first() {
        Some(row) => survivor_of(pool, LeadNo(row.try_get(0).map_err(failed)?)).await,
        None => Ok(None),
    }
}

async fn survivor_of(pool: &PgPool, mut lead: LeadNo) -> Result<Option<LeadRow>, StoreError> {
    let sql = concat!("select ", lead_columns!(), " from leads where lead_no = $1");
    for _ in 0..LONGEST_TRAIL {
        let rows = session::fetch(pool, sqlx::query(sql).bind(lead.0)).await?;
        let Some(row) = rows.first().map(lead_of).transpose()? else { return Ok(None) };
        match row.merged_into {
            Some(survivor) => lead = survivor,
            None => return Ok(Some(row)),
        }
    }
    Err(pack::unreadable("trail of merges", format_args!("longer than {LONGEST_TRAIL} from lead {}", lead.0)))
}

pub async fn leads_after(pool: &PgPool, after: LeadNo, limit: usize) -> Result<Vec<LeadRow>, StoreError> {
    let sql = concat!(
        "select ",
        lead_columns!(),
        " from leads where lead_no > $1 and merged_into is null and not erased order by lead_no limit $2"
    );
    let rows = session::fetch(pool, sqlx::query(sql).bind(after.0).bind(rows_of(limit))).await?;
    rows.iter().map(lead_of).collect()
}

fn rows_of(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

pub async fn suppressions(
    pool: &PgPool,
    keys: &[KeyHash],
) -> Result<BTreeMap<(KeyHash, Channel), Suppression>, StoreError> {
    let keys = super::keys::hashes(keys);
    session::fetch(pool, sqlx::query(SUPPRESSIONS).bind(keys)).await?.iter().map(suppression_of).collect()
}

/// No channel has an empty name, so that every row comes after it.
pub async fn suppressions_after(
    pool: &PgPool,
    after: Option<(KeyHash, Channel)>,
    limit: usize,
) -> Result<Vec<SuppressionRow>, StoreError> {
    let sql = "select key, channel, first_closed_ms, last_closed_ms, last_reopened_ms, why
        from suppression where (key, channel) > ($1, $2) order by key, channel limit $3";
    let (key, channel) = after.map_or((Uuid::nil(), ""), |(key, channel)| (Uuid::from_bytes(key.0), channel.name()));
    let rows = session::fetch(pool, sqlx::query(sql).bind(key).bind(channel).bind(rows_of(limit))).await?;
    rows.iter().map(suppression_of).collect()
}

pub async fn erased_at(pool: &PgPool, key: KeyHash) -> Result<Option<Moment>, StoreError> {
    let sql = "select erased_at_ms from lead_keys where key = $1 and holders = '{}'";
    let rows = session::fetch(pool, sqlx::query(sql).bind(Uuid::from_bytes(key.0))).await?;
    let at: Option<Option<i64>> = rows.first().map(|row| row.try_get(0)).transpose().map_err(failed)?;
    Ok(at.flatten().map(Moment))
}

pub async fn lead_ids(pool: &PgPool, leads: &[LeadNo]) -> Result<BTreeMap<LeadNo, Uuid>, StoreError> {
    let sql = "select lead_no, lead_id from leads where lead_no = any($1)";
    let rows = session::fetch(pool, sqlx::query(sql).bind(numbers(leads.iter().copied()))).await?;
    let pair = |row: &PgRow| Ok((LeadNo(row.try_get(0).map_err(failed)?), row.try_get(1).map_err(failed)?));
    rows.iter().map(pair).collect()
}

pub async fn history(pool: &PgPool, lead: LeadNo, limit: usize) -> Result<Vec<HistoryRow>, StoreError> {
    let sql = "select at_ms, event_key, body from history where lead_no = $1
        order by at_ms desc, event_key desc limit $2";
    let rows = session::fetch(pool, sqlx::query(sql).bind(lead.0).bind(rows_of(limit))).await?;
    let event_of = |row: &PgRow| {
        let event: Uuid = row.try_get(1).map_err(failed)?;
        Ok(HistoryRow {
            lead_no: lead,
            at: Moment(row.try_get(0).map_err(failed)?),
            event: EventKey(event.into_bytes()),
            body: row.try_get(2).map_err(failed)?,
        })
    };
    rows.iter().rev().map(event_of).collect()
}

pub async fn prune(postgres: &Postgres, before: Moment, limit: usize) -> Result<u64, StoreError> {
    let mut session = Session::begin(&postgres.pool).await?;
    // The index by time is one of ranges of blocks, which is read through a bitmap.
    session.run_script("set local enable_bitmapscan = on").await?;
    let history = "delete from history where ctid = any(array(select ctid from history where at_ms < $1 limit $2))";
    let events = session.execute(sqlx::query(history).bind(before.0).bind(rows_of(limit))).await?;
    let tasks = concat!(
        "delete from tasks where task_id = any(array(select task_id from tasks where forget_after_ms < ",
        clock_ms!(),
        " + $1 order by forget_after_ms limit $2))"
    );
    let statement = sqlx::query(tasks).bind(postgres.clock_offset.0).bind(rows_of(limit));
    let tasks = session.execute(statement).await?;
    session.commit().await?;
    Ok(events + tasks)
}

pub async fn next_wake(pool: &PgPool) -> Result<Option<Moment>, StoreError> {
    // `least` passes over an empty side.
    let sql = "select least((select min(due_at_ms) from wakeups), (select at_ms from inbox order by seq limit 1))";
    let rows = session::fetch(pool, sqlx::query(sql)).await?;
    let due: Option<Option<i64>> = rows.first().map(|row| row.try_get(0)).transpose().map_err(failed)?;
    Ok(due.flatten().map(Moment))
}

pub async fn count_suspect(pool: &PgPool, message: &str) -> Result<u32, StoreError> {
    let sql = concat!(
        "insert into suspects as s (message, tries, at_ms) values ($1, 1, ",
        clock_ms!(),
        ") on conflict (message) do update set tries = s.tries + 1, at_ms = excluded.at_ms returning tries"
    );
    let rows = session::fetch(pool, sqlx::query(sql).bind(message.as_bytes())).await?;
    let tries: i32 = rows.first().map_or(Ok(1), |row| row.try_get(0)).map_err(failed)?;
    Ok(tries.unsigned_abs())
}

pub async fn clear_suspect(pool: &PgPool, message: &str) -> Result<(), StoreError> {
    session::execute(pool, sqlx::query("delete from suspects where message = $1").bind(message.as_bytes())).await?;
    Ok(())
}
