//! The queue of the embedded profile: a SQLite file of its own, by the same contract as the broker's.
//!
//! One connection writes (in transactions that take the write lock at once), others read. Here are opening and the
//! trait; `events` receives, `tasks` publishes and hands out by lease, `dead` looks after what was set aside.

mod dead;
mod events;
mod tasks;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Sqlite, SqlitePool, Transaction};
use tokio::sync::Notify;

use super::{DeadAction, DeadLetter, DeadLetterView, Depth, EventMessage, Published, Queue, QueueError, TaskMessage};
use super::{Overrides, Routes};
pub use events::LocalConsumer;
pub use tasks::Waiting;

/// The version of the file's schema, kept in `user_version`.
const SCHEMA_VERSION: i64 = 1;

/// How long another process may hold the write lock before a write fails.
const BUSY: Duration = Duration::from_secs(5);

/// The local queue. Clones share it. One process at a time may consume from a file: the one that opened a consumer
/// last has it, and the other's acknowledgements are refused. Sending, looking and leasing go from any number.
#[derive(Clone)]
pub struct LocalQueue {
    inner: Arc<Inner>,
}

struct Inner {
    writer: SqlitePool,
    readers: SqlitePool,
    routes: Routes,
    overrides: Overrides,
    /// Wakes receivers when there may be something new from this process.
    arrivals: Notify,
    /// The consumers of this process that are still there.
    consumers: Mutex<BTreeSet<i64>>,
}

impl LocalQueue {
    /// Opens the file with the standard routes and limits, and makes it where it is missing (readable by its owner only).
    ///
    /// # Errors
    /// [`QueueError::Local`], and [`QueueError::Refused`] for a file of a newer version.
    pub async fn open(path: &Path) -> Result<LocalQueue, QueueError> {
        LocalQueue::open_with(path, Overrides::default()).await
    }

    /// The same with a deployment's own routes and limits.
    ///
    /// # Errors
    /// Those of [`LocalQueue::open`].
    pub async fn open_with(path: &Path, overrides: Overrides) -> Result<LocalQueue, QueueError> {
        make_private(path).map_err(|error| QueueError::Local(Box::new(error)))?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            // NORMAL would lose the last commits with the power, and an event accepted is a promise.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY)
            .disable_statement_logging();
        let writer = pool(1).connect_with(options.clone()).await.map_err(local)?;
        let readers = pool(4).connect_lazy_with(options.read_only(true));
        LocalQueue::start(writer, readers, overrides).await
    }

    /// A queue that ends with its last clone, for tests and demonstrations.
    ///
    /// # Errors
    /// [`QueueError::Local`].
    pub async fn in_memory() -> Result<LocalQueue, QueueError> {
        let options = SqliteConnectOptions::new().in_memory(true).disable_statement_logging();
        // The one connection is the database.
        let only = pool(1).connect_with(options).await.map_err(local)?;
        LocalQueue::start(only.clone(), only, Overrides::default()).await
    }

    async fn start(writer: SqlitePool, readers: SqlitePool, overrides: Overrides) -> Result<LocalQueue, QueueError> {
        let routes = Routes::with(&overrides.bindings);
        let (arrivals, consumers) = (Notify::new(), Mutex::default());
        let inner = Arc::new(Inner { writer, readers, routes, overrides, arrivals, consumers });
        unbroken(make_schema(inner.clone())).await?;
        Ok(LocalQueue { inner })
    }
}

impl Inner {
    /// A transaction that has the write lock from its beginning: one that asks for it later fails at once.
    async fn write(&self) -> Result<Transaction<'static, Sqlite>, QueueError> {
        self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(local)
    }

    fn consumers(&self) -> std::sync::MutexGuard<'_, BTreeSet<i64>> {
        self.consumers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn make_schema(inner: Arc<Inner>) -> Result<(), QueueError> {
    let mut tx = inner.write().await?;
    let version: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *tx).await.map_err(local)?;
    match version {
        SCHEMA_VERSION => return Ok(()),
        0 => {}
        newer => {
            return Err(QueueError::Refused(format!(
                "the queue file has version {newer} and this program knows {SCHEMA_VERSION}: it was written by a newer one"
            )));
        }
    }
    sqlx::query(include_str!("local/schema.sql")).persistent(false).execute(&mut *tx).await.map_err(local)?;
    sqlx::query(&format!("PRAGMA user_version = {SCHEMA_VERSION}")).execute(&mut *tx).await.map_err(local)?;
    tx.commit().await.map_err(local)
}

/// Makes an empty file that only its owner can read; SQLite gives its side files the same rights.
fn make_private(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(|_| ())
}

fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(2 * BUSY)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
}

/// Runs work that nobody can cancel: a transaction dropped halfway could stay open on the only writing connection.
async fn unbroken<T: Send + 'static>(
    work: impl Future<Output = Result<T, QueueError>> + Send + 'static,
) -> Result<T, QueueError> {
    tokio::spawn(work).await.unwrap_or_else(|stopped| Err(QueueError::Local(Box::new(stopped))))
}

fn local(error: sqlx::Error) -> QueueError {
    QueueError::Local(Box::new(error))
}

/// Row numbers as a parameter: a JSON array, since SQLite takes no arrays.
fn list(numbers: impl IntoIterator<Item = i64>) -> String {
    let numbers: Vec<String> = numbers.into_iter().map(|number| number.to_string()).collect();
    format!("[{}]", numbers.join(","))
}

impl Queue for LocalQueue {
    /// Events here are nothing but their routing key and body.
    type Raw = ();
    type Consumer = LocalConsumer;

    async fn consume(&self, prefetch: u16) -> Result<LocalConsumer, QueueError> {
        LocalConsumer::open(self.inner.clone(), prefetch.max(1)).await
    }

    async fn publish(&self, messages: Vec<TaskMessage>) -> Vec<Published> {
        let count = messages.len();
        match unbroken(tasks::publish(self.inner.clone(), messages)).await {
            Ok(published) => published,
            Err(error) => {
                let cause = std::error::Error::source(&error).map(tracing::field::display);
                tracing::warn!(%error, cause, "tasks could not be published");
                vec![Published::Unknown; count]
            }
        }
    }

    async fn bury(&self, letters: Vec<DeadLetter<()>>) -> Result<(), QueueError> {
        unbroken(dead::bury(self.inner.clone(), letters)).await
    }

    async fn send_events(&self, events: Vec<EventMessage>) -> Result<(), QueueError> {
        unbroken(events::send(self.inner.clone(), events)).await
    }

    async fn visit_dead(
        &self,
        limit: usize,
        choose: &mut (dyn FnMut(&DeadLetterView) -> DeadAction + Send),
    ) -> Result<usize, QueueError> {
        dead::visit(&self.inner, limit, choose).await
    }

    async fn depths(&self) -> Result<Vec<Depth>, QueueError> {
        let Waiting { events, tasks, dead } = self.waiting().await?;
        let depth = |queue: String, messages| Depth { queue, messages, consumers: None };
        let own = [depth("gleaner.events".to_string(), events), depth("gleaner.dead-events".to_string(), dead)];
        Ok(own.into_iter().chain(tasks.into_iter().map(|(suffix, n)| depth(format!("tasks.{suffix}"), n))).collect())
    }

    fn opened(&self) -> u64 {
        0
    }

    async fn close(&self) {
        // Everything is committed, and the file closes with the last clone: there is nothing to end here.
    }
}
