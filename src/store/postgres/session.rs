//! One transaction on one connection, with a limit on every step, and what an error of PostgreSQL means to the worker.
//!
//! sqlx's own transaction is not used: a `begin` of it that is cancelled may leave the transaction open on a pooled
//! connection (so in 0.9.0), and nothing in it bounds a server that went silent. Here dropping a session at any point
//! returns the connection through the pool's release hook, which rolls back whatever is open.

use std::future::Future;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{Executor, PgPool};

use crate::store::StoreError;

/// Longer than the server's own statement timeout, so that this limit speaks only where the server is out of reach.
const ANSWER_LIMIT: Duration = Duration::from_secs(6);
/// `BEGIN` does nothing: a server that takes this long for it is out of reach.
const BEGIN_LIMIT: Duration = Duration::from_secs(1);

pub type Statement<'q> = Query<'q, sqlx::Postgres, PgArguments>;

/// An open transaction. Dropping it rolls back.
#[derive(Debug)]
pub struct Session {
    connection: PoolConnection<sqlx::Postgres>,
}

impl Session {
    pub async fn begin(pool: &PgPool) -> Result<Session, StoreError> {
        // After a restart of the server every pooled connection is dead and says so at its first use. Nothing has
        // been done yet, so the next one may be tried; one more than there can be is freshly made.
        let mut tries = pool.options().get_max_connections() + 1;
        loop {
            let mut connection = pool.acquire().await.map_err(failed)?;
            tries -= 1;
            match tokio::time::timeout(BEGIN_LIMIT, connection.execute("BEGIN")).await {
                Ok(Ok(_)) => return Ok(Session { connection }),
                Ok(Err(e)) if tries > 0 && is_lost(&e) => drop(connection),
                Ok(Err(e)) => return Err(failed(e)),
                Err(_) => return Err(silent()),
            }
        }
    }

    pub async fn fetch(&mut self, statement: Statement<'_>) -> Result<Vec<PgRow>, StoreError> {
        limited(statement.fetch_all(&mut *self.connection)).await
    }

    /// Returns the number of rows it changed.
    pub async fn execute(&mut self, statement: Statement<'_>) -> Result<u64, StoreError> {
        Ok(limited(statement.execute(&mut *self.connection)).await?.rows_affected())
    }

    /// Runs a text of several statements without arguments.
    pub async fn run_script(&mut self, sql: &str) -> Result<(), StoreError> {
        limited(self.connection.execute(sql)).await?;
        Ok(())
    }

    /// Runs a statement for as long as it takes.
    pub async fn run_unlimited(&mut self, sql: &str) -> Result<(), StoreError> {
        self.connection.execute(sql).await.map_err(failed)?;
        Ok(())
    }

    /// An error leaves open whether the commit took place, so it is never anything but `Unavailable`.
    pub async fn commit(mut self) -> Result<(), StoreError> {
        match tokio::time::timeout(ANSWER_LIMIT, self.connection.execute("COMMIT")).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(e)) => Err(StoreError::Unavailable(Box::new(e))),
            Err(_) => Err(silent()),
        }
    }

    pub async fn rollback(mut self) -> Result<(), StoreError> {
        self.run_script("ROLLBACK").await
    }
}

/// One statement outside a transaction.
pub async fn fetch(pool: &PgPool, statement: Statement<'_>) -> Result<Vec<PgRow>, StoreError> {
    limited(statement.fetch_all(pool)).await
}

/// One statement outside a transaction; returns the number of rows it changed.
pub async fn execute(pool: &PgPool, statement: Statement<'_>) -> Result<u64, StoreError> {
    Ok(limited(statement.execute(pool)).await?.rows_affected())
}

/// An answer within the limit of all calls.
pub async fn limited<T>(answer: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, StoreError> {
    match tokio::time::timeout(ANSWER_LIMIT, answer).await {
        Ok(answer) => answer.map_err(failed),
        Err(_) => Err(silent()),
    }
}

fn silent() -> StoreError {
    StoreError::Unavailable("the server did not answer in time".into())
}

/// What an error of a statement means to the worker.
pub fn failed(e: sqlx::Error) -> StoreError {
    let code = e.as_database_error().and_then(|e| e.code()).unwrap_or_default().into_owned();
    match code.as_str() {
        // Serialization failure, deadlock, lock timeout.
        "40001" | "40P01" | "55P03" => StoreError::Contended,
        // A standby, a disk that filled up, or a role that may only read: for the first two, waiting helps.
        "25006" => StoreError::Unavailable(format!("it takes no changes, or not from this role ({e})").into()),
        // The session ended for idling in a transaction.
        "25P03" => StoreError::Unavailable(Box::new(e)),
        "" if is_lost(&e) => StoreError::Unavailable(Box::new(e)),
        // Connection, resources (disk full, too many connections), operator (shutdown, statement timeout), system.
        code if ["08", "53", "57", "58"].iter().any(|class| code.starts_with(class)) => {
            StoreError::Unavailable(Box::new(e))
        }
        _ => StoreError::Refused(Box::new(e)),
    }
}

/// The connection, not the statement, is at fault.
fn is_lost(e: &sqlx::Error) -> bool {
    use sqlx::Error::*;
    match e {
        Io(_) | Tls(_) | Protocol(_) | PoolTimedOut | PoolClosed | WorkerCrashed | BeginFailed => true,
        Database(e) => e.code().is_some_and(|code| code.starts_with("57P") || code.starts_with("08")),
        _ => false,
    }
}
