//! The worker: lanes that run beside each other, each a small loop, and how they start and stop together.
//!
//! `intake` takes batches from the queue through `step`; `wakeups` does the same for leads whose time has come;
//! `pools` answers claims; `outbox` hands tasks to the broker; `chores` keeps house. This module names neither a
//! database nor a broker: it knows the two traits and nothing behind them.

mod backoff;
mod chores;
mod circumstances;
mod intake;
pub mod load;
mod measure;
mod outbox;
mod pools;
mod rescore;
mod seam;
mod step;
mod tags;
mod waiting;
mod wakeups;
mod world;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use uuid::Uuid;

use circumstances::Circumstances;

use crate::domain::decide::Mode;
use crate::domain::time::{Moment, Span};
use crate::domain::working_set::Env;
use crate::queue::Queue;
use crate::replay::Replay;
use crate::store::{Lease, OutboxRow, Store};
use crate::telemetry::Metrics;
use crate::telemetry::trace::Steps;
use crate::wire::inbound::{Envelope, Inbound, decode};

pub use load::working_set;
pub use seam::Seam;
pub(crate) use step::chain;
pub use step::{Handled, Stepper};

/// What a worker needs to know besides its store, its queue and its policy. All limits are here.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Deliveries in one transaction at most, and how long to wait for them after the first.
    pub batch_size: usize,
    pub batch_linger: Duration,
    pub prefetch: u16,
    /// How long lanes may take to finish what they began once the worker is told to stop.
    pub shutdown_grace: Duration,
    pub inbound: Inbound,
    /// Added to this machine's time, as the store adds it to the database's; for tests only.
    pub clock_offset: Span,
    /// How long history is kept.
    pub keep_history: Span,
}

/// How long outbox rows belong to the worker that committed them, before another may publish them again. Longer than
/// a publish may take (10 s), so that nobody takes a row that is just being sent; where the broker is silent and a row has
/// waited for its place besides, another worker may send it too.
pub const LEASE: Duration = Duration::from_secs(15);
/// Batches of outbox rows that may wait in this process; past it the sweeper fetches them from the database.
const HANDOVER: usize = 64;
/// Due leads and claims taken at once.
const DUE_AT_ONCE: usize = 200;
const CLAIMS_AT_ONCE: usize = 200;

/// Whether the worker does its work, for `/readyz`.
#[derive(Debug, Default)]
pub struct Health {
    consuming: AtomicBool,
    storing: AtomicBool,
}

impl Health {
    pub fn is_consuming(&self) -> bool {
        self.consuming.load(Ordering::Relaxed)
    }
    pub fn is_storing(&self) -> bool {
        self.storing.load(Ordering::Relaxed)
    }
    pub(crate) fn set_consuming(&self, yes: bool) {
        self.consuming.store(yes, Ordering::Relaxed);
    }
    pub(crate) fn set_storing(&self, yes: bool) {
        self.storing.store(yes, Ordering::Relaxed);
    }
}

/// An inquiry with a bit of everything, for nobody.
const SAMPLE: &[u8] = br#"{"specversion":"1.0","id":"1","source":"/warm-up","type":"lead.captured","time":"2026-03-03T17:00:00Z",
    "data":{"lead":{"email":"a@example.com","phone":"+12125550100"},"profile":{"title":"Owner","country":"US","region":"NY"},
    "note":"please call me tomorrow"}}"#;

/// Decides once in memory, so that tables that are made at their first use are there before the first message, which
/// would otherwise be the slowest: a worker that is killed again and again right after its start must get through one.
fn warm_up(env: &Env) {
    if let Ok(event) = decode(&Envelope::bare(SAMPLE), Moment::MIN, &Inbound::replay()) {
        Replay::new(Env { mode: Mode::Act, ..env.clone() }).apply(&event);
    }
}

/// Told to all lanes: go on, or finish what you began and stop.
pub type Stop = watch::Receiver<bool>;

/// Resolves once the worker is told to stop.
pub async fn stopped(stop: &mut Stop) {
    // An error means that whoever could tell us is gone, which is as good as being told.
    let _gone = stop.wait_for(|stop| *stop).await;
}

/// What all lanes share.
pub struct Worker<S, Q> {
    pub(crate) store: S,
    pub(crate) queue: Q,
    /// The circumstances as of now; a unit of work takes them once.
    env: watch::Receiver<Arc<Env>>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) metrics: Metrics,
    pub(crate) health: Arc<Health>,
    /// Names this process as the holder of outbox leases.
    pub(crate) id: Uuid,
    pub(crate) handover: mpsc::Sender<Vec<OutboxRow>>,
    /// Which steps made the tasks that this process has not published yet.
    pub(crate) steps: Steps,
}

impl<S: Clone, Q: Clone> Clone for Worker<S, Q> {
    fn clone(&self) -> Self {
        Worker {
            store: self.store.clone(),
            queue: self.queue.clone(),
            env: self.env.clone(),
            settings: self.settings.clone(),
            metrics: self.metrics.clone(),
            health: self.health.clone(),
            id: self.id,
            handover: self.handover.clone(),
            steps: self.steps.clone(),
        }
    }
}

impl<S: Store, Q: Queue> Worker<S, Q> {
    /// Runs all lanes until `stop` says so, then lets each finish within the grace. `in_force` holds what the
    /// configuration says, and is told what all workers are to obey over it.
    pub async fn run(
        store: S,
        queue: Q,
        in_force: watch::Sender<Arc<Env>>,
        settings: Settings,
        metrics: Metrics,
        health: Arc<Health>,
        mut stop: Stop,
    ) {
        let (handover, rows) = mpsc::channel(HANDOVER);
        let grace = settings.shutdown_grace;
        let id = Uuid::new_v4();
        let (mut circumstances, env) = Circumstances::new(in_force);
        // A pause must be known before the first message is worked.
        while let Err(error) = circumstances.refresh(&store).await {
            tracing::warn!(error = step::chain(&error), "what all workers obey cannot be read yet; trying again");
            tokio::select! {
                () = stopped(&mut stop) => return,
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
            }
        }
        let (settings, steps) = (Arc::new(settings), Steps::default());
        let worker = Worker { store, queue, env, settings, metrics, health, id, handover, steps };
        let env = worker.env();
        warm_up(&env);
        tracing::info!(worker = %id, mode = ?env.mode, policy = env.policy.hash, "worker starts");
        let outbox = tokio::spawn(outbox::run(worker.clone(), rows, stop.clone()));
        let lanes = [
            tokio::spawn(intake::run(worker.clone(), stop.clone())),
            tokio::spawn(wakeups::run(worker.clone(), stop.clone())),
            tokio::spawn(pools::run(worker.clone(), stop.clone())),
            tokio::spawn(chores::run(worker.clone(), stop.clone())),
            tokio::spawn(measure::run(worker.clone(), stop.clone())),
            tokio::spawn(world::run(worker.clone(), stop.clone())),
            tokio::spawn(rescore::run(worker.clone(), stop.clone())),
            tokio::spawn(circumstances::run(worker.clone(), circumstances, stop.clone())),
        ];
        let queue = worker.queue.clone();
        stopped(&mut stop).await;
        tracing::info!("worker stops: finishing what was begun");
        // The outbox lane ends when the last sender is gone, so that what was committed is still handed over.
        drop(worker);
        let all = async {
            for lane in lanes {
                if let Err(error) = lane.await {
                    tracing::error!(%error, "a lane ended by a panic");
                }
            }
            if let Err(error) = outbox.await {
                tracing::error!(%error, "the outbox lane ended by a panic");
            }
        };
        if tokio::time::timeout(grace, all).await.is_err() {
            tracing::warn!(
                grace_s = grace.as_secs(),
                "not everything was finished in time; the rest is done by the next worker"
            );
        }
        queue.close().await;
        tracing::info!("worker stopped");
    }

    /// What is in force now.
    pub(crate) fn env(&self) -> Arc<Env> {
        self.env.borrow().clone()
    }

    pub(crate) fn lease(&self) -> Lease {
        Lease { lessee: self.id, length: LEASE, hand: true }
    }

    /// Hands committed rows to the outbox lane; when that is behind, the sweeper will find them in the database.
    pub(crate) fn hand_over(&self, rows: Vec<OutboxRow>) {
        if !rows.is_empty()
            && let Err(mpsc::error::TrySendError::Full(rows)) = self.handover.try_send(rows)
        {
            tracing::debug!(rows = rows.len(), "the outbox lane is behind; the sweeper will take these");
        }
    }
}
