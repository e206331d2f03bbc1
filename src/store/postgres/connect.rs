//! How a connection to PostgreSQL is set up, and how one is made fit again after each use.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};
use sqlx::{Connection, Executor, PgConnection};

use super::{Postgres, session};
use crate::domain::time::Span;
use crate::store::StoreError;

/// No statement of ours takes a second on a healthy database; one that takes five is stuck.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(5);
/// Somebody who holds a lead this long is stuck; the work is tried again.
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);
/// A worker that stops within a unit of work gives its leads back after this long.
const IDLE_IN_TRANSACTION_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a call waits for a connection, which includes making one.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);
/// How long a connection that was used may take to show that it is fit for the next.
const RELEASE_LIMIT: Duration = Duration::from_secs(1);

/// A log filter that belongs to this module. A connection is made fit by a statement at which the server remarks that
/// there was nothing to do, or that there was; and one that is not fit is replaced.
pub const LOG_FILTER: &str = "sqlx::postgres::notice=off,sqlx_core::pool=error";

impl Postgres {
    /// The database at this URL (`postgres://user:password@host:port/database?sslmode=…`), with at most
    /// `max_connections`. No connection is made yet: the first call makes one, and is `Unavailable` where it cannot.
    /// Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`StoreError::Refused`] for a URL that cannot be read.
    pub fn connect(url: &str, max_connections: u32) -> Result<Postgres, StoreError> {
        Postgres::connect_trusting(url, max_connections, None)
    }

    /// The same, with a file of certificates in PEM that are trusted besides the public ones. Whoever gives one wants
    /// the server's name checked, unless the URL says otherwise.
    ///
    /// # Errors
    /// Those of [`Postgres::connect`].
    pub fn connect_trusting(url: &str, max_connections: u32, ca_pem: Option<&Path>) -> Result<Postgres, StoreError> {
        let mut options = PgConnectOptions::from_str(url).map_err(|e| StoreError::Refused(Box::new(e)))?;
        let says_nothing = !url.contains("sslmode=") && !url.contains("ssl-mode=");
        // A certificate, or the environment that every client of PostgreSQL obeys, says that encryption is wanted.
        let wants_none = says_nothing && !url.contains("ssl") && std::env::var_os("PGSSLMODE").is_none();
        if let Some(path) = ca_pem {
            options = options.ssl_root_cert(path);
            if says_nothing {
                options = options.ssl_mode(PgSslMode::VerifyFull);
            }
        } else if wants_none && is_loopback(options.get_host()) {
            // Whoever can listen there can read our memory; encrypting was a fourteenth of the worker's time in a profile.
            options = options.ssl_mode(PgSslMode::Disable);
        }
        let pool = PgPoolOptions::new()
            .max_connections(max_connections)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            // What the hook below proves of each connection need not be asked again.
            .test_before_acquire(false)
            .after_release(|connection, _| Box::pin(make_fit(connection)))
            .connect_lazy_with(session_settings(options));
        Ok(Postgres { pool, clock_offset: Span::ZERO })
    }

    /// The same database with its clock shifted, for tests on a scripted clock. Leases stay on the real one.
    pub fn with_clock_offset(self, clock_offset: Span) -> Postgres {
        Postgres { clock_offset, ..self }
    }

    /// Makes a connection outside the pool and ends it: a pool that gets none says only that it waited in vain.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn reach(&self) -> Result<(), StoreError> {
        let options = self.pool.connect_options();
        let connection = session::limited(PgConnection::connect_with(&options)).await?;
        session::limited(connection.close()).await
    }

    /// Ends all connections, after the calls under way.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// Whether what is sent there never leaves this machine.
fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.trim_matches(['[', ']']).parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
}

fn session_settings(options: PgConnectOptions) -> PgConnectOptions {
    let milliseconds = |limit: Duration| limit.as_millis().to_string();
    let options = options.options([
        ("statement_timeout", milliseconds(STATEMENT_TIMEOUT)),
        ("lock_timeout", milliseconds(LOCK_TIMEOUT)),
        ("idle_in_transaction_session_timeout", milliseconds(IDLE_IN_TRANSACTION_TIMEOUT)),
        // Every statement here goes by key. A plan made while a table was small would scan it, and would still scan
        // it when it has grown, until the next analyze; and planning anew for each batch costs more than it finds.
        ("plan_cache_mode", "force_generic_plan".into()),
        ("enable_seqscan", "off".into()),
        ("enable_bitmapscan", "off".into()),
        ("enable_hashjoin", "off".into()),
        ("enable_mergejoin", "off".into()),
        ("jit", "off".into()),
    ]);
    if options.get_application_name().is_some() { options } else { options.application_name("gleaner") }
}

/// Ends whatever transaction the last user left, committed or not, and proves that the server still answers: a
/// cancelled or failed unit of work leaves its connection in any state, and a connection cut off in silence would
/// otherwise keep its place in the pool for minutes. An error makes the pool drop the connection without a farewell.
async fn make_fit(connection: &mut sqlx::PgConnection) -> Result<bool, sqlx::Error> {
    match tokio::time::timeout(RELEASE_LIMIT, connection.execute("BEGIN; ROLLBACK")).await {
        Ok(Ok(_)) => Ok(true),
        Ok(Err(e)) => Err(e),
        Err(_) => Err(sqlx::Error::PoolTimedOut),
    }
}
