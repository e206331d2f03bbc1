//! Rows of keys: reading them, keeping unknown ones for oneself, writing what a unit of work learned.
//!
//! An unknown key is inserted once the known leads are held. Whoever else wants to learn it waits at the unique index
//! until this unit of work commits or gives up: so of two that see a person for the first time one makes the lead
//! and the other finds it.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::leads::{array_text, uuids};
use super::session::{Session, failed};
use crate::domain::identity::{KeyHash, LeadNo};
use crate::domain::time::Moment;
use crate::store::reach::Kept;
use crate::store::{Changes, KeyRow, StoreError, keys};

pub type KeyRows = BTreeMap<KeyHash, KeyRow>;

fn key_of(row: &PgRow) -> Result<(KeyHash, KeyRow), StoreError> {
    let key = hash_of(row)?;
    let holders: Vec<i64> = row.try_get(1).map_err(failed)?;
    let erased_at: Option<i64> = row.try_get(2).map_err(failed)?;
    Ok((key, KeyRow { holders: holders.into_iter().map(LeadNo).collect(), erased_at: erased_at.map(Moment) }))
}

/// The key in the first column.
pub fn hash_of(row: &PgRow) -> Result<KeyHash, StoreError> {
    let key: Uuid = row.try_get(0).map_err(failed)?;
    Ok(KeyHash(key.into_bytes()))
}

pub fn hashes<'a>(keys: impl IntoIterator<Item = &'a KeyHash>) -> Vec<Uuid> {
    uuids(keys.into_iter().map(|k| k.0))
}

pub async fn read(session: &mut Session, keys: Vec<Uuid>) -> Result<KeyRows, StoreError> {
    if keys.is_empty() {
        return Ok(KeyRows::new());
    }
    let sql = "select key, holders, erased_at_ms from lead_keys where key = any($1)";
    session.fetch(sqlx::query(sql).bind(keys)).await?.iter().map(key_of).collect()
}

/// Inserts keys that nobody knows, in order, each with the lead that will probably carry it. Waits for others that
/// are learning one of them. Returns those that are this unit of work's to learn; the others have a row by now.
pub async fn learn(
    session: &mut Session,
    guesses: &BTreeMap<KeyHash, LeadNo>,
) -> Result<BTreeSet<KeyHash>, StoreError> {
    if guesses.is_empty() {
        return Ok(BTreeSet::new());
    }
    let sql = "insert into lead_keys (key, holders) select key, array[lead_no] from unnest($1::uuid[], $2::bigint[])
        as n (key, lead_no) on conflict (key) do nothing returning key";
    let leads: Vec<i64> = guesses.values().map(|l| l.0).collect();
    let rows = session.fetch(sqlx::query(sql).bind(hashes(guesses.keys())).bind(leads)).await?;
    rows.iter().map(hash_of).collect()
}

/// Locks key rows in order and reads them again. For keys that lead to no lead which could be locked instead.
pub async fn lock(session: &mut Session, keys: Vec<Uuid>) -> Result<KeyRows, StoreError> {
    if keys.is_empty() {
        return Ok(KeyRows::new());
    }
    let sql = "select key, holders, erased_at_ms from lead_keys where key = any($1) order by key for update";
    session.fetch(sqlx::query(sql).bind(keys)).await?.iter().map(key_of).collect()
}

/// Writes what a commit changes about keys, and takes back those that were kept for learning and not learned.
pub async fn write(
    session: &mut Session,
    changes: &Changes,
    kept: &Kept,
    learned: &BTreeMap<KeyHash, LeadNo>,
    survivors: &BTreeMap<LeadNo, LeadNo>,
) -> Result<(), StoreError> {
    let plan = keys::plan(changes, kept);
    let mut rows = plan.whole;
    if !plan.joined.is_empty() {
        // A key without a row gets an empty one first, so that there is something to lock.
        let joined = hashes(&plan.joined);
        let sql = "insert into lead_keys (key, holders) select key, '{}' from unnest($1::uuid[]) as n (key)
            on conflict (key) do nothing";
        session.execute(sqlx::query(sql).bind(&joined)).await?;
        let now = lock(session, joined).await?;
        let join = |(key, now): (KeyHash, KeyRow)| {
            let row = keys::join(key, now.clone(), changes, kept, survivors);
            (row != now).then_some((key, row))
        };
        rows.extend(now.into_iter().filter_map(join));
    }
    let unlearned = hashes(learned.keys().filter(|key| !changes.keys.contains_key(key)));
    rows.retain(|key, row| learned.get(key).is_none_or(|guess| row.erased_at.is_some() || row.holders != [*guess]));
    put(session, &rows).await?;
    if !unlearned.is_empty() {
        session.execute(sqlx::query("delete from lead_keys where key = any($1)").bind(unlearned)).await?;
    }
    Ok(())
}

/// Every row is there already: read, learned, or made just now.
async fn put(session: &mut Session, rows: &KeyRows) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    let sql = "update lead_keys k set holders = n.holders::bigint[], erased_at_ms = n.erased_at_ms
        from unnest($1::uuid[], $2::text[], $3::bigint[]) as n (key, holders, erased_at_ms) where k.key = n.key";
    let holders: Vec<String> = rows.values().map(|row| array_text(&row.holders)).collect();
    let erased: Vec<Option<i64>> = rows.values().map(|row| row.erased_at.map(|at| at.0)).collect();
    session.execute(sqlx::query(sql).bind(hashes(rows.keys())).bind(holders).bind(erased)).await?;
    Ok(())
}
