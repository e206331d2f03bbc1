//! The world lane: facts about the world at large, appended by leads' decisions, folded into the next snapshot.
//!
//! Every worker tries; whoever writes first wins, the others find the facts gone. Decisions see the snapshot that was
//! folded last, which may be some seconds old.

use std::time::Duration;

use super::step::chain;
use super::{Stop, Worker, stopped};
use crate::domain::event::EventKey;
use crate::domain::world::{Delta, World};
use crate::queue::Queue;
use crate::store::{Store, StoreError, WORLD};

const FOLD: Duration = Duration::from_secs(5);
/// Deltas folded at once.
const DELTAS: usize = 5000;

/// Folds until told to stop.
pub(super) async fn run<S: Store, Q: Queue>(worker: Worker<S, Q>, mut stop: Stop) {
    loop {
        let pause = match fold(&worker.store).await {
            // There may be more.
            Ok(n) if n >= DELTAS => Duration::ZERO,
            Ok(_) => FOLD,
            Err(error) if error.is_transient() => FOLD,
            Err(error) => {
                tracing::error!(error = chain(&error), "the world cannot be folded");
                Duration::from_secs(60)
            }
        };
        tokio::select! {
            biased;
            () = stopped(&mut stop) => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// One fold; returns how many facts went into it.
async fn fold(store: &impl Store) -> Result<usize, StoreError> {
    let rows = store.world_deltas(DELTAS).await?;
    if rows.is_empty() {
        return Ok(0);
    }
    let (version, mut world) = match store.read_control(WORLD).await? {
        None => (0, World::default()),
        Some((version, bytes)) => (version, World::decode(&bytes).map_err(|e| StoreError::Refused(Box::new(e)))?),
    };
    let (mut deltas, mut unreadable) = (Vec::with_capacity(rows.len()), 0);
    for (_, bytes) in &rows {
        match Delta::decode(bytes) {
            Ok(delta) => deltas.push(delta),
            Err(_) => unreadable += 1,
        }
    }
    if unreadable > 0 {
        tracing::error!(unreadable, "facts about the world cannot be read and are dropped");
    }
    world.fold(deltas);
    let keys: Vec<EventKey> = rows.iter().map(|(key, _)| *key).collect();
    store.fold_world(version, &world.encode(), &keys).await?;
    Ok(rows.len())
}
