//! Now and then: how much the broker's queues hold, how far this machine's clock is from the database's, and under
//! which rules decisions are made.
//!
//! Nothing is decided by these numbers; they are for whoever watches. What does not answer is simply not measured: the
//! lanes that need it say so themselves.

use std::time::Duration;

use super::step::{chain, wall_clock};
use super::{Stop, Worker, stopped};
use crate::queue::Queue;
use crate::store::Store;
use crate::telemetry::Peer;

/// As often as Prometheus asks by custom.
const EVERY: Duration = Duration::from_secs(15);
/// Clocks drift slowly: the database's is asked for at every so manieth time.
const CLOCK_AT: u32 = 4;

/// Measures until told to stop.
pub(super) async fn run<S: Store, Q: Queue>(worker: Worker<S, Q>, mut stop: Stop) {
    tokio::select! {
        () = stopped(&mut stop) => {}
        ((), ()) = async { tokio::join!(rules(&worker), rounds(&worker)) } => {}
    }
}

/// Tells under which rules decisions are made, whenever they change.
async fn rules<S: Store, Q: Queue>(worker: &Worker<S, Q>) {
    let mut circumstances = worker.env.clone();
    loop {
        let env = circumstances.borrow_and_update().clone();
        worker.metrics.rules(env.mode, &env.policy.hash, &env.paused_queues);
        if circumstances.changed().await.is_err() {
            return;
        }
    }
}

async fn rounds<S: Store, Q: Queue>(worker: &Worker<S, Q>) {
    let (mut round, mut opened) = (0, 0);
    loop {
        queues(worker).await;
        if round == 0 {
            clock(worker).await;
        }
        // The first connection is no reconnect.
        let now_opened = worker.queue.opened().max(1);
        worker.metrics.reconnected_times(Peer::Tasks, now_opened.saturating_sub(u64::max(opened, 1)));
        opened = now_opened;
        round = (round + 1) % CLOCK_AT;
        tokio::time::sleep(EVERY).await;
    }
}

async fn queues<S: Store, Q: Queue>(worker: &Worker<S, Q>) {
    match worker.queue.depths().await {
        Ok(depths) => worker.metrics.queues(Some(&depths)),
        Err(error) => {
            worker.metrics.queues(None);
            tracing::debug!(error = chain(&error), "the queues cannot be measured now");
        }
    }
}

async fn clock<S: Store, Q: Queue>(worker: &Worker<S, Q>) {
    let before = wall_clock(&worker.settings);
    match worker.store.info().await {
        // It read its clock somewhere between our two readings.
        Ok(info) => {
            let here = before.0.midpoint(wall_clock(&worker.settings).0);
            worker.metrics.clock_skew(crate::domain::time::Span(info.now.0 - here));
        }
        Err(error) => tracing::debug!(error = chain(&error), "the database's clock cannot be read now"),
    }
}
