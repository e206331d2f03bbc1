//! Reading without holding, and the small chores: suspects, pruning, the next due instant.

use std::collections::BTreeMap;

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqlitePool};
use uuid::Uuid;

use super::Sqlite;
use super::leads::{hashes, id_of, lead_columns, lead_of, numbers};
use super::session::{self, Session, clock, failed};
use crate::domain::event::{Channel, EventKey};
use crate::domain::identity::{KeyHash, LeadNo};
use crate::domain::suppression::Suppression;
use crate::domain::time::Moment;
use crate::store::{HistoryRow, LeadRow, StoreError, SuppressionRow, pack};

/// More merges in a row than any lead has.
const LONGEST_TRAIL: usize = 100;

pub async fn lead_by_key(readers: &SqlitePool, key: KeyHash) -> Result<Option<LeadRow>, StoreError> {
    let sql = "select holders->>0 from lead_keys where key = ?";
    first_survivor(readers, session::fetch(readers, sqlx::query(sql).bind(key.0.as_slice())).await?).await
}

pub async fn lead_by_id(readers: &SqlitePool, lead_id: Uuid) -> Result<Option<LeadRow>, StoreError> {
    let sql = "select lead_no from leads where lead_id = ? order by lead_no limit 1";
    first_survivor(readers, session::fetch(readers, sqlx::query(sql).bind(lead_id.as_bytes().as_slice())).await?).await
}

async fn first_survivor(readers: &SqlitePool, found: Vec<SqliteRow>) -> Result<Option<LeadRow>, StoreError> {
    let first: Option<Option<i64>> = found.first().map(|row| row.try_get(0)).transpose().map_err(failed)?;
    let Some(mut lead) = first.flatten() else { return Ok(None) };
    let sql = concat!("select ", lead_columns!(), " from leads where lead_no = ?");
    for _ in 0..LONGEST_TRAIL {
        let found = session::fetch(readers, sqlx::query(sql).bind(lead)).await?;
        let Some(row) = found.first().map(lead_of).transpose()? else { return Ok(None) };
        match row.merged_into {
            Some(survivor) => lead = survivor.0,
            None => return Ok(Some(row)),
        }
    }
    Err(pack::unreadable("trail of merges", format_args!("longer than {LONGEST_TRAIL} from lead {lead}")))
}

pub async fn leads_after(readers: &SqlitePool, after: LeadNo, limit: usize) -> Result<Vec<LeadRow>, StoreError> {
    let sql = concat!(
        "select ",
        lead_columns!(),
        " from leads where lead_no > ? and merged_into is null and not erased order by lead_no limit ?"
    );
    let found = session::fetch(readers, sqlx::query(sql).bind(after.0).bind(rows_of(limit))).await?;
    found.iter().map(lead_of).collect()
}

fn rows_of(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

pub const SUPPRESSIONS: &str = "select key, channel, first_closed_ms, last_closed_ms, last_reopened_ms, why
    from suppression where key in (select unhex(value) from json_each(?))";

pub fn suppression_of(row: &SqliteRow) -> Result<((KeyHash, Channel), Suppression), StoreError> {
    let key = KeyHash(pack::sixteen("key", row.try_get(0).map_err(failed)?)?);
    let channel = pack::channel(row.try_get(1).map_err(failed)?)?;
    let last_reopened: Option<i64> = row.try_get(4).map_err(failed)?;
    let suppression = Suppression {
        first_closed: Moment(row.try_get(2).map_err(failed)?),
        last_closed: Moment(row.try_get(3).map_err(failed)?),
        last_reopened: last_reopened.map(Moment),
        why: pack::closed_because(row.try_get(5).map_err(failed)?)?,
    };
    Ok(((key, channel), suppression))
}

/// No channel has an empty name, so that every row comes after it.
pub async fn suppressions_after(
    readers: &SqlitePool,
    after: Option<(KeyHash, Channel)>,
    limit: usize,
) -> Result<Vec<SuppressionRow>, StoreError> {
    let sql = "select key, channel, first_closed_ms, last_closed_ms, last_reopened_ms, why
        from suppression where (key, channel) > (?, ?) order by key, channel limit ?";
    let (key, channel) = after.map_or(([0; 16], ""), |(key, channel)| (key.0, channel.name()));
    let statement = sqlx::query(sql).bind(key.to_vec()).bind(channel).bind(rows_of(limit));
    session::fetch(readers, statement).await?.iter().map(suppression_of).collect()
}

pub async fn erased_at(readers: &SqlitePool, key: KeyHash) -> Result<Option<Moment>, StoreError> {
    let sql = "select erased_at_ms from lead_keys where key = ? and holders = '[]'";
    let found = session::fetch(readers, sqlx::query(sql).bind(key.0.as_slice())).await?;
    let at: Option<Option<i64>> = found.first().map(|row| row.try_get(0)).transpose().map_err(failed)?;
    Ok(at.flatten().map(Moment))
}

pub async fn suppressions(
    readers: &SqlitePool,
    keys: &[KeyHash],
) -> Result<BTreeMap<(KeyHash, Channel), Suppression>, StoreError> {
    let found = session::fetch(readers, sqlx::query(SUPPRESSIONS).bind(hashes(keys))).await?;
    found.iter().map(suppression_of).collect()
}

pub async fn lead_ids(readers: &SqlitePool, leads: &[LeadNo]) -> Result<BTreeMap<LeadNo, Uuid>, StoreError> {
    let sql = "select lead_no, lead_id from leads where lead_no in (select value from json_each(?))";
    let found = session::fetch(readers, sqlx::query(sql).bind(numbers(leads.iter().copied()))).await?;
    found.iter().map(|row| Ok((LeadNo(row.try_get(0).map_err(failed)?), id_of(row, 1)?))).collect()
}

pub async fn history(readers: &SqlitePool, lead: LeadNo, limit: usize) -> Result<Vec<HistoryRow>, StoreError> {
    let sql = "select at_ms, event_key, body from history where lead_no = ?
        order by at_ms desc, event_key desc limit ?";
    let found = session::fetch(readers, sqlx::query(sql).bind(lead.0).bind(rows_of(limit))).await?;
    let event_of = |row: &SqliteRow| {
        Ok(HistoryRow {
            lead_no: lead,
            at: Moment(row.try_get(0).map_err(failed)?),
            event: EventKey(pack::sixteen("event key", row.try_get(1).map_err(failed)?)?),
            body: row.try_get(2).map_err(failed)?,
        })
    };
    found.iter().rev().map(event_of).collect()
}

pub async fn prune(sqlite: &Sqlite, before: Moment, limit: usize) -> Result<u64, StoreError> {
    let mut session = Session::begin(sqlite).await?;
    let events = "delete from history where rowid in (select rowid from history where at_ms < ? limit ?)";
    let events = session.execute(sqlx::query(events).bind(before.0).bind(rows_of(limit))).await?;
    let tasks = "delete from tasks where task_id in
        (select task_id from tasks where forget_after_ms < ? order by forget_after_ms limit ?)";
    let tasks = session.execute(sqlx::query(tasks).bind(sqlite.clock().0).bind(rows_of(limit))).await?;
    session.commit().await?;
    Ok(events + tasks)
}

pub async fn next_wake(readers: &SqlitePool) -> Result<Option<Moment>, StoreError> {
    let sql = "select min(at) from (select min(due_at_ms) as at from wakeups union all
        select at_ms from (select at_ms from inbox order by seq limit 1))";
    let found = session::fetch(readers, sqlx::query(sql)).await?;
    let due: Option<Option<i64>> = found.first().map(|row| row.try_get(0)).transpose().map_err(failed)?;
    Ok(due.flatten().map(Moment))
}

pub async fn count_suspect(sqlite: &Sqlite, message: &str) -> Result<u32, StoreError> {
    let mut session = Session::begin(sqlite).await?;
    let sql = "insert into suspects as s (message, tries, at_ms) values (?, 1, ?)
        on conflict (message) do update set tries = s.tries + 1, at_ms = excluded.at_ms returning tries";
    let found = session.fetch(sqlx::query(sql).bind(message.as_bytes()).bind(clock().0)).await?;
    let tries = found.first().map_or(Ok(1), |row| row.try_get(0)).map_err(failed)?;
    session.commit().await?;
    Ok(tries)
}

pub async fn clear_suspect(sqlite: &Sqlite, message: &str) -> Result<(), StoreError> {
    let mut session = Session::begin(sqlite).await?;
    session.execute(sqlx::query("delete from suspects where message = ?").bind(message.as_bytes())).await?;
    session.commit().await
}
