//! The HTTP side of the worker: health, metrics, events in, tasks out (embedded profile), leads and permits.
//!
//! Here is what every request passes: the bounds on connections, headers, bodies and time, and who may ask (`guard`).
//! What is answered stands in the files beside this one. Nothing here decides about leads.

mod answer;
mod desk;
mod events;
mod guard;
mod leads;
mod permit;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use futures_util::future::BoxFuture;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::config::Secret;
use crate::domain::time::{Moment, Span};
use crate::queue::{Queue, QueueError};
use crate::reading::Reader;
use crate::store::Store;
use crate::telemetry::Metrics;
use crate::wire::inbound::Inbound;
use crate::worker::{Health, Stop, stopped};
use answer::Refused;

/// Connections at a time; more wait in the system's own queue. HTTP/1 has one request a connection, so this bounds both.
const MAX_CONNECTIONS: usize = 256;
/// Bodies held at a time: with [`events::MAX_BODY`] it bounds their memory to 256 MiB.
const MAX_BODIES: usize = 16;
/// For the headers of a request to arrive, and for an idle connection to ask again.
const HEADERS_WITHIN: Duration = Duration::from_secs(30);
/// For everything about one request. Publishing bounds itself to 10 s, a statement to 6 s.
const REQUEST_WITHIN: Duration = Duration::from_secs(60);

/// What requests are answered from.
pub struct Site<S, Q> {
    /// `None`: nobody is asked for one, because only this machine can reach us.
    token: Option<Secret>,
    metrics: Metrics,
    health: Arc<Health>,
    bodies: Semaphore,
    parts: OnceLock<Parts<S, Q>>,
}

/// What is there once the database and the key are.
pub struct Parts<S, Q> {
    pub reader: Reader<S>,
    pub queue: Q,
    pub inbound: Inbound,
    /// Added to this machine's time; for tests only.
    pub clock_offset: Span,
    /// Tasks can be fetched here; `None` where they travel by a broker.
    pub pull: Option<Pull>,
}

impl<S, Q> Parts<S, Q> {
    /// This machine's clock.
    fn clock(&self) -> Moment {
        Moment::from_timestamp(Timestamp::now()) + self.clock_offset
    }
}

/// How desks take tasks and settle them, where the queue is a file of ours.
pub struct Pull {
    pub lease: Box<Lease>,
    pub settle: Box<Settle>,
}

/// (suffix, limit, lease, now) → (task id, body).
type Lease = dyn Fn(String, usize, Duration, Moment) -> BoxFuture<'static, Result<Vec<(String, Vec<u8>)>, QueueError>>
    + Send
    + Sync;
/// (suffix, task id).
type Settle = dyn Fn(String, String) -> BoxFuture<'static, Result<(), QueueError>> + Send + Sync;

/// What handlers are given.
type Shared<S, Q> = State<Arc<Site<S, Q>>>;

impl<S: Store, Q: Queue> Site<S, Q> {
    pub fn new(token: Option<Secret>, metrics: Metrics, health: Arc<Health>) -> Site<S, Q> {
        Site { token, metrics, health, bodies: Semaphore::new(MAX_BODIES), parts: OnceLock::new() }
    }

    /// From now on everything is answered.
    pub fn open(&self, parts: Parts<S, Q>) {
        // Opened once, by the one start of this process.
        drop(self.parts.set(parts));
    }

    fn parts(&self) -> Result<&Parts<S, Q>, Refused> {
        self.parts.get().ok_or_else(|| Refused::later("gleaner is starting: the database does not answer yet"))
    }
}

/// Every path there is.
pub fn router<S: Store, Q: Queue>(site: Arc<Site<S, Q>>) -> Router {
    let guarded = Router::new()
        .route("/metrics", get(metrics::<S, Q>))
        .route("/events", post(events::post::<S, Q>))
        .route("/tasks/{suffix}", get(desk::lease::<S, Q>))
        .route("/tasks/{suffix}/{id}", delete(desk::settle::<S, Q>))
        .route("/api/leads/{key}", get(leads::lead::<S, Q>))
        .route("/api/tasks/{id}/permit", get(permit::permit::<S, Q>))
        .fallback(nothing_here)
        .method_not_allowed_fallback(other_method)
        .layer(axum::middleware::from_fn(guard::parameters))
        .layer(from_fn_with_state(site.clone(), guard::check::<S, Q>));
    Router::new()
        .route("/livez", get(async || "alive\n"))
        .route("/readyz", get(readyz::<S, Q>))
        .merge(guarded)
        .layer(axum::middleware::from_fn(guard::in_time))
        .with_state(site)
}

async fn readyz<S: Store, Q: Queue>(State(site): Shared<S, Q>) -> Response {
    let missing: Vec<&str> =
        [(site.health.is_consuming(), "not consuming events"), (site.health.is_storing(), "not storing leads")]
            .into_iter()
            .filter_map(|(is_well, what)| (!is_well).then_some(what))
            .collect();
    match missing.is_empty() {
        true => "ready\n".into_response(),
        false => (StatusCode::SERVICE_UNAVAILABLE, format!("{}\n", missing.join(", "))).into_response(),
    }
}

async fn metrics<S: Store, Q: Queue>(State(site): Shared<S, Q>) -> Response {
    site.metrics.health(site.health.is_consuming(), site.health.is_storing());
    ([(header::CONTENT_TYPE, Metrics::CONTENT_TYPE)], site.metrics.encode()).into_response()
}

async fn nothing_here() -> Refused {
    Refused::new(StatusCode::NOT_FOUND, "there is nothing at this path")
}

async fn other_method() -> Refused {
    Refused::new(StatusCode::METHOD_NOT_ALLOWED, "this path does not know that method")
}

/// Answers requests until told to stop; then those under way are finished, within the grace.
pub async fn serve<S: Store, Q: Queue>(listener: TcpListener, site: Arc<Site<S, Q>>, mut stop: Stop, grace: Duration) {
    match listener.local_addr() {
        Ok(address) => tracing::info!(%address, "listening"),
        Err(error) => tracing::warn!(%error, "listening, at an address that cannot be told"),
    }
    let router = router(site);
    let connections = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = async {
            let permit = connections.clone().acquire_owned().await;
            (permit, listener.accept().await)
        };
        let (permit, stream) = tokio::select! {
            () = stopped(&mut stop) => break,
            (permit, accepted) = accepted => match accepted {
                Ok((stream, _)) => (permit, stream),
                Err(error) => {
                    // No file handles are left, or the caller is gone already: neither is mended by asking at once.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
        };
        // Answers are small and somebody waits for each; that it may fail changes nothing else.
        let _ = stream.set_nodelay(true);
        let service = TowerToHyperService::new(router.clone());
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADERS_WITHIN)
            .serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            let _permit = permit;
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
        });
    }
    drop(listener);
    if timeout(grace, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests were cut off: they took longer than the grace of a stop");
    }
}
