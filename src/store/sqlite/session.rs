//! The writing transaction, rows as JSON, and what an error of SQLite means to the worker.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Executor, SqlitePool, Transaction};

use super::Sqlite;
use crate::domain::time::Moment;
use crate::store::StoreError;

pub type Statement<'q> = Query<'q, sqlx::Sqlite, SqliteArguments<'q>>;

/// The one transaction that may write. Dropping it rolls back.
#[derive(Debug)]
pub struct Session {
    transaction: Transaction<'static, sqlx::Sqlite>,
}

impl Session {
    pub async fn begin(sqlite: &Sqlite) -> Result<Session, StoreError> {
        // At once for writing: a transaction that reads first and then wants to write fails if another wrote between.
        let transaction = sqlite.writer.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
        Ok(Session { transaction })
    }

    pub async fn fetch(&mut self, statement: Statement<'_>) -> Result<Vec<SqliteRow>, StoreError> {
        statement.fetch_all(&mut *self.transaction).await.map_err(failed)
    }

    /// Returns the number of rows it changed.
    pub async fn execute(&mut self, statement: Statement<'_>) -> Result<u64, StoreError> {
        Ok(statement.execute(&mut *self.transaction).await.map_err(failed)?.rows_affected())
    }

    /// Runs a text of several statements without arguments.
    pub async fn run_script(&mut self, sql: &str) -> Result<(), StoreError> {
        self.transaction.execute(sql).await.map_err(failed)?;
        Ok(())
    }

    /// An error leaves open whether the commit took place, so it is never anything but `Unavailable`.
    pub async fn commit(self) -> Result<(), StoreError> {
        self.transaction.commit().await.map_err(|e| StoreError::Unavailable(Box::new(e)))
    }

    pub async fn rollback(self) -> Result<(), StoreError> {
        self.transaction.rollback().await.map_err(failed)
    }
}

/// One statement on a reading connection.
pub async fn fetch(readers: &SqlitePool, statement: Statement<'_>) -> Result<Vec<SqliteRow>, StoreError> {
    statement.fetch_all(readers).await.map_err(failed)
}

/// Rows for `json_each`.
pub fn rows(rows: impl IntoIterator<Item = Value>) -> String {
    Value::Array(rows.into_iter().collect()).to_string()
}

/// Bytes as JSON can carry them; `unhex` makes them bytes again.
pub fn hex(bytes: impl AsRef<[u8]>) -> Value {
    Value::String(hex::encode_upper(bytes))
}

pub fn clock() -> Moment {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Moment(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// What an error of a statement means to the worker.
pub fn failed(e: sqlx::Error) -> StoreError {
    const BUSY: u32 = 5;
    const LOCKED: u32 = 6;
    // NOMEM, READONLY, IOERR, FULL, CANTOPEN, PROTOCOL: the machine, not the statement, is in trouble.
    const IN_TROUBLE: [u32; 6] = [7, 8, 10, 13, 14, 15];
    match &e {
        // The writer is busy with another unit of work.
        sqlx::Error::PoolTimedOut => StoreError::Contended,
        sqlx::Error::Io(_) | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed | sqlx::Error::BeginFailed => {
            StoreError::Unavailable(Box::new(e))
        }
        sqlx::Error::Database(reason) => {
            // The low byte is the kind, the rest says more about it.
            let code = reason.code().and_then(|code| code.parse::<u32>().ok()).map(|code| code & 0xff);
            match code {
                Some(BUSY | LOCKED) => StoreError::Contended,
                Some(code) if IN_TROUBLE.contains(&code) => StoreError::Unavailable(Box::new(e)),
                _ => StoreError::Refused(Box::new(e)),
            }
        }
        _ => StoreError::Refused(Box::new(e)),
    }
}
