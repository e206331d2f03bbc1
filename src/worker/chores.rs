//! House-keeping: old history and forgotten task ids go, in small bites; the outbox is measured.

use std::time::{Duration, Instant};

use super::step::{chain, wall_clock};
use super::{Stop, Worker, stopped};
use crate::queue::Queue;
use crate::store::Store;

const MEASURE: Duration = Duration::from_secs(5);
const PRUNE: Duration = Duration::from_secs(600);
/// Rows of each kind that one bite deletes; larger bites would hold locks that live work waits for.
const BITE: usize = 1000;

/// Keeps house until told to stop.
pub(super) async fn run<S: Store, Q: Queue>(worker: Worker<S, Q>, mut stop: Stop) {
    let mut next_prune = Instant::now() + PRUNE;
    loop {
        tokio::select! {
            () = stopped(&mut stop) => return,
            () = tokio::time::sleep(MEASURE) => {}
        }
        match worker.store.outbox_depth().await {
            Ok(depth) => {
                worker.metrics.outbox(&depth);
                worker.health.set_storing(true);
            }
            Err(error) => {
                worker.health.set_storing(false);
                tracing::debug!(error = chain(&error), "the outbox cannot be measured now");
            }
        }
        if Instant::now() >= next_prune {
            let before = wall_clock(&worker.settings) - worker.settings.keep_history;
            match worker.store.prune(before, BITE).await {
                // There may be more: the next bite comes with the next measure.
                Ok(n) if n >= BITE as u64 => {}
                Ok(_) => next_prune = Instant::now() + PRUNE,
                Err(error) => tracing::debug!(error = chain(&error), "old history stays for now"),
            }
        }
    }
}
