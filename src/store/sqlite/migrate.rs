//! Brings the tables up to date and says what state they are in. The list itself is in `schema`.

use std::time::Duration;

use sqlx::Row;
use uuid::Uuid;

use super::Sqlite;
use super::session::{self, Session, failed};
use crate::store::schema::{self, Found, SQLITE, SchemaError};
use crate::store::{StoreError, StoreInfo};

const OWN_TABLES: &str = "
    create table if not exists schema_version (
        version integer not null primary key,
        name text not null,
        oldest_binary integer not null,
        applied_at_ms integer not null
    );
    create table if not exists meta (name text not null primary key, value text not null)";

const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(50);

/// Everything in one transaction; of two migrators the second waits and then finds nothing to do.
pub async fn migrate(sqlite: &Sqlite, epoch: Option<&str>) -> Result<StoreInfo, StoreError> {
    let mut tries = TRIES;
    loop {
        tries -= 1;
        match migrate_once(sqlite, epoch).await {
            // Of two that open a new file at once SQLite refuses one without letting it wait, because both want to
            // change the journal mode; a moment later the other has done it.
            Err(StoreError::Contended) if tries > 0 => tokio::time::sleep(PAUSE).await,
            ended => return ended,
        }
    }
}

async fn migrate_once(sqlite: &Sqlite, epoch: Option<&str>) -> Result<StoreInfo, StoreError> {
    let mut session = Session::begin(sqlite).await?;
    session.run_script(OWN_TABLES).await?;
    let found = found(session.fetch(sqlx::query(FOUND)).await?)?;
    if let Some(found) = found {
        schema::check_not_too_new(found)?;
    }
    for migration in SQLITE.iter().filter(|m| found.is_none_or(|f| m.version > f.version)) {
        session.run_script(migration.sql).await?;
        let applied = "insert into schema_version (version, name, oldest_binary, applied_at_ms) values (?, ?, ?, ?)";
        let applied = sqlx::query(applied).bind(migration.version).bind(migration.name).bind(migration.oldest_binary);
        session.execute(applied.bind(session::clock().0)).await?;
    }
    let epoch = epoch.map_or_else(|| Uuid::new_v4().simple().to_string(), str::to_owned);
    let keep = "insert into meta (name, value) values ('epoch', ?) on conflict (name) do nothing";
    session.execute(sqlx::query(keep).bind(epoch)).await?;
    session.commit().await?;
    info(sqlite).await
}

const FOUND: &str = "select max(version), max(oldest_binary) from schema_version";

fn found(rows: Vec<sqlx::sqlite::SqliteRow>) -> Result<Option<Found>, StoreError> {
    let Some(row) = rows.first() else { return Ok(None) };
    let version: Option<i64> = row.try_get(0).map_err(failed)?;
    let oldest_binary: Option<i64> = row.try_get(1).map_err(failed)?;
    Ok(version.zip(oldest_binary).map(|(version, oldest_binary)| Found { version, oldest_binary }))
}

/// What the schema is and whether this binary may work on it.
pub async fn info(sqlite: &Sqlite) -> Result<StoreInfo, StoreError> {
    let exists = "select 1 from sqlite_schema where type = 'table' and name = 'schema_version'";
    let found = match session::fetch(&sqlite.readers, sqlx::query(exists)).await?.is_empty() {
        true => None,
        false => found(session::fetch(&sqlite.readers, sqlx::query(FOUND)).await?)?,
    };
    let found = schema::check(found)?;
    let epoch = "select value from meta where name = 'epoch'";
    let rows = session::fetch(&sqlite.readers, sqlx::query(epoch)).await?;
    let epoch = rows.first().ok_or(SchemaError::Missing)?.try_get(0).map_err(failed)?;
    Ok(StoreInfo { schema_version: found.version, epoch, now: sqlite.clock() })
}
