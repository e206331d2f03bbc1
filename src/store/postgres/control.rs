//! Small values that all workers share: read often by version, written by whoever read the version before.
//!
//! Also the world's deltas, which are folded into one of those values in the same transaction that deletes them.

use std::collections::BTreeMap;

use sqlx::Row;

use super::Postgres;
use super::session::{self, Session, failed};
use crate::domain::event::EventKey;
use crate::store::StoreError;
use crate::store::WORLD;

pub async fn versions(postgres: &Postgres) -> Result<BTreeMap<String, i64>, StoreError> {
    let rows = session::fetch(&postgres.pool, sqlx::query("select name, version from control")).await?;
    rows.iter().map(|row| Ok((row.try_get(0).map_err(failed)?, row.try_get(1).map_err(failed)?))).collect()
}

pub async fn read(postgres: &Postgres, name: &str) -> Result<Option<(i64, Vec<u8>)>, StoreError> {
    let statement = sqlx::query("select version, value from control where name = $1").bind(name);
    let rows = session::fetch(&postgres.pool, statement).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    Ok(Some((row.try_get(0).map_err(failed)?, row.try_get(1).map_err(failed)?)))
}

pub async fn write(postgres: &Postgres, name: &str, seen: i64, value: &[u8]) -> Result<bool, StoreError> {
    let mut session = Session::begin(&postgres.pool).await?;
    let written = replace(&mut session, name, seen, value).await?;
    session.commit().await?;
    Ok(written)
}

async fn replace(session: &mut Session, name: &str, seen: i64, value: &[u8]) -> Result<bool, StoreError> {
    let sql = match seen {
        0 => "insert into control (name, version, value) values ($1, $2 + 1, $3) on conflict do nothing",
        _ => "update control set version = $2 + 1, value = $3 where name = $1 and version = $2",
    };
    Ok(session.execute(sqlx::query(sql).bind(name).bind(seen).bind(value)).await? == 1)
}

pub async fn world_deltas(postgres: &Postgres, limit: usize) -> Result<Vec<(EventKey, Vec<u8>)>, StoreError> {
    let sql = "select event_key, body from world_deltas order by at_ms, event_key limit $1";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = session::fetch(&postgres.pool, sqlx::query(sql).bind(limit)).await?;
    let delta = |row: &sqlx::postgres::PgRow| {
        let key: uuid::Uuid = row.try_get(0).map_err(failed)?;
        Ok((EventKey(key.into_bytes()), row.try_get(1).map_err(failed)?))
    };
    rows.iter().map(delta).collect()
}

pub async fn fold_world(postgres: &Postgres, seen: i64, value: &[u8], folded: &[EventKey]) -> Result<bool, StoreError> {
    let mut session = Session::begin(&postgres.pool).await?;
    if !replace(&mut session, WORLD, seen, value).await? {
        session.rollback().await?;
        return Ok(false);
    }
    let mut keys: Vec<uuid::Uuid> = folded.iter().map(|key| uuid::Uuid::from_bytes(key.0)).collect();
    keys.sort_unstable();
    session.execute(sqlx::query("delete from world_deltas where event_key = any($1)").bind(keys)).await?;
    session.commit().await?;
    Ok(true)
}
