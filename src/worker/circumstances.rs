//! The lane that keeps every other one up to date on what all workers obey: pauses, the applied policy, the world.
//!
//! Asked every second by version, so that a change costs each worker one small read. A unit of work takes the
//! circumstances once and keeps them to its end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::step::chain;
use super::{Stop, Worker, stopped};
use crate::control::{self, AppliedPolicy, ControlError, Pauses, Shared};
use crate::domain::decide::Mode;
use crate::domain::working_set::Env;
use crate::domain::world::World;
use crate::queue::Queue;
use crate::store::{Store, StoreError, WORLD};

/// A pause, a policy or a world is obeyed within this.
const ASK: Duration = Duration::from_secs(1);

/// The circumstances of a worker: what its configuration says, under what all workers obey.
pub(super) struct Circumstances {
    configured: Arc<Env>,
    now: watch::Sender<Arc<Env>>,
    seen: BTreeMap<String, i64>,
}

impl Circumstances {
    pub fn new(now: watch::Sender<Arc<Env>>) -> (Circumstances, watch::Receiver<Arc<Env>>) {
        let (configured, env) = (now.borrow().clone(), now.subscribe());
        (Circumstances { configured, now, seen: BTreeMap::new() }, env)
    }

    /// Takes over what has changed since the last time.
    pub async fn refresh(&mut self, store: &impl Store) -> Result<(), ControlError> {
        let versions = store.control_versions().await?;
        let is_new = |name: &str| versions.get(name) != self.seen.get(name);
        let (pauses, policy, world) = (is_new(Pauses::NAME), is_new(AppliedPolicy::NAME), is_new(WORLD));
        if !pauses && !policy && !world {
            return Ok(());
        }
        let mut env = Env::clone(&self.now.borrow());
        if pauses {
            let (_, pauses) = control::read::<Pauses>(store).await?;
            env.mode = if pauses.all.is_some() { Mode::Paused } else { self.configured.mode };
            env.paused_queues = pauses.paused_queues();
            tracing::info!(mode = ?env.mode, paused = ?env.paused_queues, "pauses as all workers obey them");
        }
        if policy {
            let (_, applied) = control::read::<AppliedPolicy>(store).await?;
            match applied.read(env.policy.fictional) {
                None => env.policy = self.configured.policy.clone(),
                Some(Ok(policy)) => {
                    if policy.hash != self.configured.policy.hash {
                        tracing::info!(
                            policy = policy.hash,
                            configured = self.configured.policy.hash,
                            "the policy that was applied is in force, not the configured one"
                        );
                    }
                    env.policy = Arc::new(policy);
                }
                // It was checked when it was applied, so only an older binary comes here: it must not guess.
                Some(Err(faults)) => tracing::error!(
                    faults = faults.len(),
                    first = faults.first().map_or("", String::as_str),
                    in_force = env.policy.hash,
                    "the applied policy cannot be read by this gleaner; the one in force stays: update this worker"
                ),
            }
        }
        if world {
            env.world = match store.read_control(WORLD).await? {
                None => Arc::new(World::default()),
                Some((_, bytes)) => Arc::new(World::decode(&bytes).map_err(|e| ControlError::Unreadable(WORLD, e))?),
            };
        }
        self.seen = versions;
        self.now.send_replace(Arc::new(env));
        Ok(())
    }
}

/// Asks until told to stop.
pub(super) async fn run<S: Store, Q: Queue>(worker: Worker<S, Q>, mut circumstances: Circumstances, mut stop: Stop) {
    loop {
        tokio::select! {
            biased;
            () = stopped(&mut stop) => return,
            () = tokio::time::sleep(ASK) => {}
        }
        match circumstances.refresh(&worker.store).await {
            Ok(()) => {}
            // What was in force stays in force while the database is away: nothing can be decided then anyway.
            Err(ControlError::Store(error @ (StoreError::Unavailable(_) | StoreError::Contended))) => {
                tracing::debug!(error = chain(&error), "what all workers obey cannot be asked for now");
            }
            Err(error) => tracing::error!(error = chain(&error), "what all workers obey cannot be read"),
        }
    }
}
