//! The wake lane: leads whose time has come, through the same decisions as events.
//!
//! Timers live inside the leads; this lane only finds which leads are due and wakes them. A timer that was
//! cancelled meanwhile is simply not there any more.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::load::{changes, working_set};
use super::step::{Stepper, chain, made_of, work_inbox};
use super::{DUE_AT_ONCE, Stop, Worker, stopped};
use crate::domain::decide::Mode;
use crate::domain::identity::LeadNo;
use crate::domain::time::Span;
use crate::queue::Queue;
use crate::store::{Changes, LeadRow, Store, StoreError};

/// How long to sleep when nothing is due; a due time is met within this.
const POLL: Duration = Duration::from_millis(250);
/// How long to sleep when the database is away.
const AWAY: Duration = Duration::from_secs(2);

/// Wakes due leads until told to stop.
pub(super) async fn run<S: Store, Q: Queue>(worker: Worker<S, Q>, mut stop: Stop) {
    let mut at_once = DUE_AT_ONCE;
    loop {
        let woken = match worker.env().mode {
            // Nothing falls due during a pause; it is all still there when it ends.
            Mode::Paused => Ok(0),
            Mode::Act | Mode::Observe => wake_due(&worker, at_once).await,
        };
        let pause = match woken {
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
            Err(error @ StoreError::Refused(_)) if at_once == 1 => {
                set_aside(&worker, &error).await;
                at_once = DUE_AT_ONCE;
                POLL
            }
            Err(error @ StoreError::Refused(_)) => {
                tracing::error!(
                    error = chain(&error),
                    leads = at_once,
                    "waking due leads failed; fewer are tried at once, until the one that fails is found"
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
    let (now, env) = (loaded.now, worker.env());
    let oldest = loaded.leads.iter().filter_map(|l| l.wake_at).min();
    let lag = oldest.map_or(0, |at| (now - at).0.max(0) as u64);
    worker.metrics.wakeup_lag(Duration::from_millis(lag));
    let leads: Vec<LeadNo> =
        loaded.leads.iter().filter(|l| l.wake_at.is_some_and(|at| at <= now)).map(|l| l.lead_no).collect();
    let inbox = loaded.inbox.clone();
    let inbox_rows = inbox.len();
    let decided = catch_unwind(AssertUnwindSafe(|| {
        let mut set = working_set(loaded).map_err(|e| StoreError::Refused(Box::new(e)))?;
        let inbox_done = work_inbox(&mut set, &inbox, &env, now);
        for no in &leads {
            set.wake(*no, &env, now);
        }
        let mut net = set.take();
        // A lead that was due and needed nothing still gets its next time written.
        net.leads.extend(
            leads.iter().filter(|no| matches!(set.leads.get(no), Some(crate::domain::working_set::Slot::Live(_)))),
        );
        let made = made_of(&net);
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

/// How long a lead that cannot be worked is left alone. Our judgement: rare enough not to fill the log, often enough
/// that a fixed program takes it up again soon.
const ASIDE: Span = Span::hours(1);

/// One lead alone cannot be worked: it is put off, so that it does not stand in the way of all others.
async fn set_aside<S: Store, Q: Queue>(worker: &Worker<S, Q>, why: &StoreError) {
    let put_off = async {
        let Some((held, loaded)) = worker.store.hold_due(1).await? else { return Ok(Vec::new()) };
        let waits = |no: LeadNo| loaded.inbox.iter().any(|(_, lead, _)| *lead == no);
        let is_due = |row: &LeadRow| waits(row.lead_no) || row.wake_at.is_some_and(|at| at <= loaded.now);
        let leads: Vec<LeadRow> = loaded
            .leads
            .iter()
            .filter(|row| row.merged_into.is_none() && !row.erased && is_due(row))
            .map(|row| LeadRow { wake_at: Some(loaded.now + ASIDE), ..row.clone() })
            .collect();
        let numbers: Vec<i64> = leads.iter().map(|row| row.lead_no.0).collect();
        let inbox_done = loaded.inbox.iter().map(|(seq, ..)| *seq).collect();
        worker.store.commit(held, Changes { leads, inbox_done, ..Changes::default() }, worker.lease()).await?;
        Ok::<_, StoreError>(numbers)
    };
    match put_off.await {
        Ok(leads) => tracing::error!(
            ?leads,
            error = chain(why),
            "a due lead cannot be worked; it is left alone for an hour and the others go on"
        ),
        Err(error) => tracing::error!(error = chain(&error), "a due lead cannot be worked, nor be left alone"),
    }
}
