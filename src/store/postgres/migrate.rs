//! Brings the tables up to date and says what state they are in. The list itself is in `schema`.

use sqlx::{PgPool, Row};
use uuid::Uuid;

use super::session::{self, Session, failed};
use super::{Postgres, clock_ms};
use crate::domain::time::Moment;
use crate::store::schema::{self, Found, POSTGRES};
use crate::store::{StoreError, StoreInfo};

/// Any number will do that nothing else in the database uses ("gleaner" as digits of a telephone).
const MIGRATION_LOCK: i64 = 4_532_637;

const OWN_TABLES: &str = "
    create table if not exists schema_version (
        version bigint not null primary key,
        name text not null,
        oldest_binary bigint not null,
        applied_at_ms bigint not null
    );
    create table if not exists meta (name text not null primary key, value text not null)";

/// Everything in one transaction, so that a migration that fails leaves nothing half done. Two migrators at once are
/// safe because the second waits for the first and then finds nothing to do.
pub async fn migrate(postgres: &Postgres, epoch: Option<&str>) -> Result<StoreInfo, StoreError> {
    let mut session = Session::begin(&postgres.pool).await?;
    // A migration may rewrite a large table; the limits of everyday work are not meant for it.
    session.run_script("set local statement_timeout = 0; set local lock_timeout = '10min'").await?;
    session.run_unlimited(&format!("select pg_advisory_xact_lock({MIGRATION_LOCK})")).await?;
    session.run_script(OWN_TABLES).await?;
    let found = found(session.fetch(sqlx::query(FOUND)).await?)?;
    if let Some(found) = found {
        schema::check_not_too_new(found)?;
    }
    for migration in POSTGRES.iter().filter(|m| found.is_none_or(|f| m.version > f.version)) {
        session.run_unlimited(migration.sql).await?;
        let applied = concat!(
            "insert into schema_version (version, name, oldest_binary, applied_at_ms) values ($1, $2, $3, ",
            clock_ms!(),
            ")"
        );
        let applied = sqlx::query(applied).bind(migration.version).bind(migration.name).bind(migration.oldest_binary);
        session.execute(applied).await?;
    }
    let epoch = epoch.map_or_else(|| Uuid::new_v4().simple().to_string(), str::to_owned);
    let keep = "insert into meta (name, value) values ('epoch', $1) on conflict (name) do nothing";
    session.execute(sqlx::query(keep).bind(epoch)).await?;
    session.commit().await?;
    info(postgres).await
}

const FOUND: &str = "select max(version), max(oldest_binary) from schema_version";

fn found(rows: Vec<sqlx::postgres::PgRow>) -> Result<Option<Found>, StoreError> {
    let Some(row) = rows.first() else { return Ok(None) };
    let version: Option<i64> = row.try_get(0).map_err(failed)?;
    let oldest_binary: Option<i64> = row.try_get(1).map_err(failed)?;
    Ok(version.zip(oldest_binary).map(|(version, oldest_binary)| Found { version, oldest_binary }))
}

/// What the schema is and whether this binary may work on it.
pub async fn info(postgres: &Postgres) -> Result<StoreInfo, StoreError> {
    let found = schema::check(found_outside(&postgres.pool).await?)?;
    let asked = concat!("select (select value from meta where name = 'epoch'), ", clock_ms!());
    let rows = session::fetch(&postgres.pool, sqlx::query(asked)).await?;
    let row = rows.first().ok_or(schema::SchemaError::Missing)?;
    let epoch: Option<String> = row.try_get(0).map_err(failed)?;
    let now: i64 = row.try_get(1).map_err(failed)?;
    Ok(StoreInfo {
        schema_version: found.version,
        epoch: epoch.ok_or(schema::SchemaError::Missing)?,
        now: Moment(now) + postgres.clock_offset,
    })
}

async fn found_outside(pool: &PgPool) -> Result<Option<Found>, StoreError> {
    let exists = session::fetch(pool, sqlx::query("select to_regclass('schema_version') is not null")).await?;
    match exists.first().map(|row| row.try_get(0)).transpose().map_err(failed)? {
        Some(true) => found(session::fetch(pool, sqlx::query(FOUND)).await?),
        _ => Ok(None),
    }
}
