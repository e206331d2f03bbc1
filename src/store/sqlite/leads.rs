//! Rows of leads and keys: reading and writing them, many in one statement.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use super::session::{Session, failed, hex, rows};
use crate::domain::identity::{KeyHash, LeadNo};
use crate::domain::time::Moment;
use crate::store::reach::Kept;
use crate::store::{KeyRow, LeadRow, StoreError, pack};

/// The columns of a lead in the order of [`lead_of`].
macro_rules! lead_columns {
    () => {
        "lead_no, lead_id, merged_into, erased, stage, verdict, version, updated_at_ms, wake_at_ms, keys, linked, state"
    };
}
pub(super) use lead_columns;

pub fn lead_of(row: &SqliteRow) -> Result<LeadRow, StoreError> {
    let merged_into: Option<i64> = row.try_get(2).map_err(failed)?;
    let wake_at: Option<i64> = row.try_get(8).map_err(failed)?;
    Ok(LeadRow {
        lead_no: LeadNo(row.try_get(0).map_err(failed)?),
        lead_id: id_of(row, 1)?,
        merged_into: merged_into.map(LeadNo),
        erased: row.try_get(3).map_err(failed)?,
        stage: row.try_get(4).map_err(failed)?,
        verdict: row.try_get(5).map_err(failed)?,
        version: row.try_get(6).map_err(failed)?,
        updated_at: Moment(row.try_get(7).map_err(failed)?),
        wake_at: wake_at.map(Moment),
        keys: pack::key_hashes_of(row.try_get(9).map_err(failed)?)?,
        linked: list_of(row.try_get(10).map_err(failed)?)?,
        state: row.try_get(11).map_err(failed)?,
    })
}

pub fn id_of(row: &SqliteRow, column: usize) -> Result<Uuid, StoreError> {
    Ok(Uuid::from_bytes(pack::sixteen("id", row.try_get(column).map_err(failed)?)?))
}

fn list_of(text: &str) -> Result<Vec<LeadNo>, StoreError> {
    serde_json::from_str(text).map_err(|e| pack::unreadable("list of leads", e))
}

fn list_text(leads: &[LeadNo]) -> String {
    let numbers: Vec<String> = leads.iter().map(|l| l.0.to_string()).collect();
    format!("[{}]", numbers.join(","))
}

pub fn numbers(leads: impl IntoIterator<Item = LeadNo>) -> String {
    rows(leads.into_iter().map(|l| Value::from(l.0)))
}

pub async fn read(session: &mut Session, leads: &BTreeSet<LeadNo>) -> Result<Vec<LeadRow>, StoreError> {
    let sql = concat!("select ", lead_columns!(), " from leads where lead_no in (select value from json_each(?))");
    let found = session.fetch(sqlx::query(sql).bind(numbers(leads.iter().copied()))).await?;
    found.iter().map(lead_of).collect()
}

/// Numbers that no lead has; a unit of work that is given up gives them back.
pub async fn fresh_numbers(session: &mut Session, count: usize) -> Result<Vec<LeadNo>, StoreError> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let sql = "update lead_numbers set last = last + ? returning last";
    let taken = session.fetch(sqlx::query(sql).bind(count)).await?;
    let last: i64 = taken.first().map_or(Ok(0), |row| row.try_get(0)).map_err(failed)?;
    Ok((last - count + 1..=last).map(LeadNo).collect())
}

/// Writes new and changed leads, and moves the wake-ups that changed.
pub async fn write(session: &mut Session, leads: &[LeadRow], kept: &Kept) -> Result<(), StoreError> {
    if leads.is_empty() {
        return Ok(());
    }
    let sql = "insert into leads (lead_no, lead_id, merged_into, erased, stage, verdict, version, updated_at_ms,
            wake_at_ms, keys, linked, state)
        select value->>0, unhex(value->>1), value->>2, value->>3, value->>4, value->>5, value->>6, value->>7,
            value->>8, unhex(value->>9), value->>10, unhex(value->>11)
        from json_each(?) where true
        on conflict (lead_no) do update set merged_into = excluded.merged_into, erased = excluded.erased,
            stage = excluded.stage, verdict = excluded.verdict, version = excluded.version,
            updated_at_ms = excluded.updated_at_ms, wake_at_ms = excluded.wake_at_ms, keys = excluded.keys,
            linked = excluded.linked, state = excluded.state";
    session.execute(sqlx::query(sql).bind(rows(leads.iter().map(row_of_lead)))).await?;

    let before = |lead: &LeadRow| kept.leads.get(&lead.lead_no).and_then(|k| k.wake_at);
    let moved = leads.iter().filter(|lead| lead.wake_at != before(lead));
    let (set, unset): (Vec<&LeadRow>, Vec<&LeadRow>) = moved.partition(|lead| lead.wake_at.is_some());
    if !set.is_empty() {
        let sql = "insert into wakeups (lead_no, due_at_ms) select value->>0, value->>1 from json_each(?) where true
            on conflict (lead_no) do update set due_at_ms = excluded.due_at_ms";
        let due = set.iter().map(|lead| json!([lead.lead_no.0, lead.wake_at.map(|at| at.0)]));
        session.execute(sqlx::query(sql).bind(rows(due))).await?;
    }
    if !unset.is_empty() {
        let sql = "delete from wakeups where lead_no in (select value from json_each(?))";
        session.execute(sqlx::query(sql).bind(numbers(unset.iter().map(|lead| lead.lead_no)))).await?;
    }
    Ok(())
}

fn row_of_lead(lead: &LeadRow) -> Value {
    json!([
        lead.lead_no.0,
        hex(lead.lead_id.as_bytes()),
        lead.merged_into.map(|m| m.0),
        i64::from(lead.erased),
        lead.stage,
        lead.verdict,
        lead.version,
        lead.updated_at.0,
        lead.wake_at.map(|at| at.0),
        hex(pack::key_hashes(&lead.keys)),
        list_text(&lead.linked),
        hex(&lead.state),
    ])
}

pub fn hashes<'a>(keys: impl IntoIterator<Item = &'a KeyHash>) -> String {
    rows(keys.into_iter().map(|key| hex(key.0)))
}

pub async fn read_keys(
    session: &mut Session,
    keys: &BTreeSet<KeyHash>,
) -> Result<BTreeMap<KeyHash, KeyRow>, StoreError> {
    if keys.is_empty() {
        return Ok(BTreeMap::new());
    }
    let sql = "select key, holders, erased_at_ms from lead_keys where key in (select unhex(value) from json_each(?))";
    let key_of = |row: &SqliteRow| {
        let erased_at: Option<i64> = row.try_get(2).map_err(failed)?;
        let key = KeyHash(pack::sixteen("key", row.try_get(0).map_err(failed)?)?);
        let holders = list_of(row.try_get(1).map_err(failed)?)?;
        Ok((key, KeyRow { holders, erased_at: erased_at.map(Moment) }))
    };
    session.fetch(sqlx::query(sql).bind(hashes(keys))).await?.iter().map(key_of).collect()
}

pub async fn write_keys(session: &mut Session, keys: &BTreeMap<KeyHash, KeyRow>) -> Result<(), StoreError> {
    if keys.is_empty() {
        return Ok(());
    }
    let sql = "insert into lead_keys (key, holders, erased_at_ms)
        select unhex(value->>0), value->>1, value->>2 from json_each(?) where true
        on conflict (key) do update set holders = excluded.holders, erased_at_ms = excluded.erased_at_ms";
    let row_of =
        |(key, row): (&KeyHash, &KeyRow)| json!([hex(key.0), list_text(&row.holders), row.erased_at.map(|at| at.0)]);
    session.execute(sqlx::query(sql).bind(rows(keys.iter().map(row_of)))).await?;
    Ok(())
}
