//! The wake lane: leads whose time has come, through the same decisions as events.
//!
//! Timers live inside the leads; this lane only finds which leads are due and wakes them. A timer that was
//! cancelled meanwhile is simply not there any more.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::load::{changes, working_set};
use super::step::{Stepper, chain, state_name, work_inbox};
use super::{DUE_AT_ONCE, Stop, Worker, stopped};
use crate::domain::decide::Mode;
use crate::domain::identity::LeadNo;
use crate::queue::Queue;
use crate::store::{Store, StoreError};

/// How long to sleep when nothing is due; a due time is met within this.
const POLL: Duration = Duration::from_millis(250);
/// How long to sleep when the database is away.
const AWAY: Duration = Duration::from_secs(2);

/// Wakes due leads until told to stop.
pub(super) async fn run<S: Store, Q: Queue>(worker: Worker<S, Q>, mut stop: Stop) {
    if worker.env.mode == Mode::Paused {
        // Nothing falls due during a pause; a worker that acts finds it all still there.
        return stopped(&mut stop).await;
    }
    let mut at_once = DUE_AT_ONCE;
    loop {
        let pause = match wake_due(&worker, at_once).await {
            Ok(0) => {
                at_once = DUE_AT_ONCE;
                POLL
            }
            Ok(_) => {
                at_once = (at_once * 2).min(DUE_AT_ONCE);
                Duration::ZERO
            }
            Err(StoreError::Contended) => Duration::from_millis(20),
            Err(error @ StoreError::Unavailable(_)) => {
                tracing::debug!(error = chain(&error), "wake-ups wait for the database");
                AWAY
            }
            Err(error @ StoreError::Refused(_)) => {
                tracing::error!(
                    error = chain(&error),
                    leads = at_once,
                    "waking due leads failed; fewer are tried at once"
                );
                at_once = (at_once / 2).max(1);
                POLL
            }
        };
        tokio::select! {
            biased;
            () = stopped(&mut stop) => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Wakes at most `limit` due leads; returns how many there were.
async fn wake_due<S: Store, Q: Queue>(worker: &Worker<S, Q>, limit: usize) -> Result<usize, StoreError> {
    let Some((held, loaded)) = worker.store.hold_due(limit).await? else {
        worker.metrics.wakeup_lag(Duration::ZERO);
        return Ok(0);
    };
    let now = loaded.now;
    let oldest = loaded.leads.iter().filter_map(|l| l.wake_at).min();
    let lag = oldest.map_or(0, |at| (now - at).0.max(0) as u64);
    worker.metrics.wakeup_lag(Duration::from_millis(lag));
    let leads: Vec<LeadNo> =
        loaded.leads.iter().filter(|l| l.wake_at.is_some_and(|at| at <= now)).map(|l| l.lead_no).collect();
    let inbox = loaded.inbox.clone();
    let inbox_rows = inbox.len();
    let decided = catch_unwind(AssertUnwindSafe(|| {
        let mut set = working_set(loaded).map_err(|e| StoreError::Refused(Box::new(e)))?;
        let inbox_done = work_inbox(&mut set, &inbox, &worker.env, now);
        for no in &leads {
            set.wake(*no, &worker.env, now);
        }
        let mut net = set.take();
        // A lead that was due and needed nothing still gets its next time written.
        net.leads.extend(
            leads.iter().filter(|no| matches!(set.leads.get(no), Some(crate::domain::working_set::Slot::Live(_)))),
        );
        let made: Vec<_> = net.made.iter().map(|(kind, state)| (kind.event_type(), state_name(*state))).collect();
        let mut changes = changes(&set, net, now);
        changes.inbox_done = inbox_done;
        Ok::<_, StoreError>((changes, made))
    }));
    let (changes, made) =
        decided.unwrap_or_else(|_| Err(StoreError::Refused("deciding on a due lead failed".into())))?;
    let rows = changes.outbox.clone();
    worker.store.commit(held, changes, worker.lease()).await?;
    Stepper { worker }.committed(rows, &made);
    Ok(leads.len() + inbox_rows)
}
