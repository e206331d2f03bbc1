//! Small values that all workers share: read often by version, written by whoever read the version before.
//!
//! Also the world's deltas, which are folded into one of those values in the same transaction that deletes them.

use std::collections::BTreeMap;

use sqlx::Row;

use super::Sqlite;
use super::session::{self, Session, failed, hex, rows};
use crate::domain::event::EventKey;
use crate::store::{StoreError, WORLD};

pub async fn versions(sqlite: &Sqlite) -> Result<BTreeMap<String, i64>, StoreError> {
    let rows = session::fetch(&sqlite.readers, sqlx::query("select name, version from control")).await?;
    rows.iter().map(|row| Ok((row.try_get(0).map_err(failed)?, row.try_get(1).map_err(failed)?))).collect()
}

pub async fn read(sqlite: &Sqlite, name: &str) -> Result<Option<(i64, Vec<u8>)>, StoreError> {
    let statement = sqlx::query("select version, value from control where name = ?").bind(name);
    let rows = session::fetch(&sqlite.readers, statement).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    Ok(Some((row.try_get(0).map_err(failed)?, row.try_get(1).map_err(failed)?)))
}

pub async fn write(sqlite: &Sqlite, name: &str, seen: i64, value: &[u8]) -> Result<bool, StoreError> {
    let mut session = Session::begin(sqlite).await?;
    let written = replace(&mut session, name, seen, value).await?;
    session.commit().await?;
    Ok(written)
}

async fn replace(session: &mut Session, name: &str, seen: i64, value: &[u8]) -> Result<bool, StoreError> {
    let sql = match seen {
        0 => "insert or ignore into control (name, version, value) values (?1, ?2 + 1, ?3)",
        _ => "update control set version = ?2 + 1, value = ?3 where name = ?1 and version = ?2",
    };
    Ok(session.execute(sqlx::query(sql).bind(name).bind(seen).bind(value)).await? == 1)
}

pub async fn world_deltas(sqlite: &Sqlite, limit: usize) -> Result<Vec<(EventKey, Vec<u8>)>, StoreError> {
    let sql = "select event_key, body from world_deltas order by at_ms, event_key limit ?";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = session::fetch(&sqlite.readers, sqlx::query(sql).bind(limit)).await?;
    let delta = |row: &sqlx::sqlite::SqliteRow| {
        let key: Vec<u8> = row.try_get(0).map_err(failed)?;
        let key = key.try_into().map_err(|_| StoreError::Refused("a delta of the world has a broken key".into()))?;
        Ok((EventKey(key), row.try_get(1).map_err(failed)?))
    };
    rows.iter().map(delta).collect()
}

pub async fn fold_world(sqlite: &Sqlite, seen: i64, value: &[u8], folded: &[EventKey]) -> Result<bool, StoreError> {
    let mut session = Session::begin(sqlite).await?;
    if !replace(&mut session, WORLD, seen, value).await? {
        session.rollback().await?;
        return Ok(false);
    }
    let sql = "delete from world_deltas where event_key in (select unhex(value) from json_each(?))";
    session.execute(sqlx::query(sql).bind(rows(folded.iter().map(|key| hex(key.0))))).await?;
    session.commit().await?;
    Ok(true)
}
