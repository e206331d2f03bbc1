//! Opening the file: how durable its commits are, and who may wait for whom.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use uuid::Uuid;

use super::Sqlite;
use crate::domain::time::Span;

/// How long a unit of work waits for the one that writes, in this process or another.
const WRITER_WAIT: Duration = Duration::from_secs(5);
const MAX_READERS: u32 = 4;

impl Sqlite {
    /// The file at this path, made if it is not there. Nothing is opened yet: the first call does, and is
    /// `Unavailable` where it cannot. Must be called within a tokio runtime.
    pub fn open(path: impl AsRef<Path>) -> Sqlite {
        // FULL: with NORMAL the last commits can be lost when the power goes, and what is committed is acknowledged.
        Sqlite::with(path.as_ref(), SqliteSynchronous::Full)
    }

    /// A store that nobody wants to keep, for tests: a temporary file without syncs, which behaves like any other
    /// (SQLite's shared memory databases let readers see what is not committed) and goes with the last clone.
    pub fn in_memory() -> Sqlite {
        let path = std::env::temp_dir().join(format!("gleaner-{}.sqlite", Uuid::new_v4().simple()));
        Sqlite { _throwaway: Some(Arc::new(Throwaway(path.clone()))), ..Sqlite::with(&path, SqliteSynchronous::Off) }
    }

    fn with(path: &Path, synchronous: SqliteSynchronous) -> Sqlite {
        let options = SqliteConnectOptions::new().filename(path).create_if_missing(true).busy_timeout(WRITER_WAIT);
        let writing = options.clone().journal_mode(SqliteJournalMode::Wal).synchronous(synchronous);
        let pool = || SqlitePoolOptions::new().acquire_timeout(WRITER_WAIT).test_before_acquire(false);
        Sqlite {
            writer: pool().max_connections(1).connect_lazy_with(writing),
            readers: pool().max_connections(MAX_READERS).connect_lazy_with(options.pragma("query_only", "on")),
            clock_offset: Span::ZERO,
            _throwaway: None,
        }
    }

    /// The same file with its clock shifted, for tests on a scripted clock.
    pub fn with_clock_offset(self, clock_offset: Span) -> Sqlite {
        Sqlite { clock_offset, ..self }
    }

    /// Closes the file, after the calls under way.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// A file to be deleted, with what SQLite keeps beside it.
#[derive(Debug)]
pub struct Throwaway(PathBuf);

impl Drop for Throwaway {
    fn drop(&mut self) {
        for suffix in ["", "-wal", "-shm"] {
            let mut path = self.0.clone().into_os_string();
            path.push(suffix);
            // It may never have been made, and a file left in the temporary directory harms nobody.
            drop(std::fs::remove_file(path));
        }
    }
}
