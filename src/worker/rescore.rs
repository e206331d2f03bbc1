//! The re-score lane: after a policy was applied, and after workers that watched begin to act, every lead is decided on
//! anew, in the background, a page at a time.
//!
//! How far it is stands in the database, so that it goes on after a restart and with any number of workers: two that
//! work the same page do it one after the other, and the second finds nothing to change. What it causes joins the ramp.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::load::{changes, working_set};
use super::step::{Stepper, chain, made_of, work_inbox};
use super::{Stop, Worker, stopped};
use crate::control::{self, AppliedPolicy, ControlError, Rescore, Shared};
use crate::domain::decide::{Cause, Mode};
use crate::domain::identity::LeadNo;
use crate::domain::time::Moment;
use crate::domain::working_set::Env;
use crate::queue::Queue;
use crate::store::{Store, StoreError, Wanted};

/// Leads of a page. Small, because live work waits for a page's leads.
const PAGE: usize = 100;
/// Between pages: live work comes first. At most some 2,000 leads a second and worker. Our judgement.
const BREATH: Duration = Duration::from_millis(50);
const IDLE: Duration = Duration::from_secs(2);

/// Re-scores what is to be re-scored until told to stop.
pub(super) async fn run<S: Store, Q: Queue>(worker: Worker<S, Q>, mut stop: Stop) {
    let mut here = Here::default();
    loop {
        let pause = match page(&worker, &mut here).await {
            Ok(true) => BREATH,
            Ok(false) => IDLE,
            Err(ControlError::Store(error)) if error.is_transient() => IDLE,
            Err(error) => {
                tracing::error!(error = chain(&error), "the re-score cannot go on for now");
                Duration::from_secs(30)
            }
        };
        tokio::select! {
            biased;
            () = stopped(&mut stop) => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// What this worker knows of the re-score.
#[derive(Default)]
struct Here {
    /// The policy by which all leads are known to be judged.
    done: Option<String>,
    /// It has begun to act on what was only watched: that others still watch is for the next one that begins.
    acted: bool,
}

/// Works one page; false when there is nothing to do.
async fn page<S: Store, Q: Queue>(worker: &Worker<S, Q>, here: &mut Here) -> Result<bool, ControlError> {
    let env = worker.env();
    // A pause makes no tasks, so that the leads would have to be decided on once more after it.
    if env.mode == Mode::Paused {
        return Ok(false);
    }
    let watches = env.mode == Mode::Observe;
    // Who watches looks each time: a worker that begins to act takes the mark away, and what is watched after that is
    // for the next one that begins.
    if !watches && here.done.as_ref() == Some(&env.policy.hash) {
        return Ok(false);
    }
    let shared = worker.store.control_versions().await?;
    if !watches && !shared.contains_key(AppliedPolicy::NAME) && !shared.contains_key(Rescore::NAME) {
        return Ok(false);
    }
    let (seen, mut progress) = control::read::<Rescore>(&worker.store).await?;
    if watches && !progress.watched {
        control::write(&worker.store, seen, &Rescore { watched: true, ..progress }).await?;
        return Ok(true);
    }
    let now = worker.store.info().await?.now;
    let begun = Rescore { policy: env.policy.hash.clone(), began: Some(now), acts: !watches, ..Rescore::default() };
    if progress.watched && !watches && !here.acted {
        here.acted = true;
        progress = begun;
        tracing::info!("what was only watched so far is acted on: all leads are decided on anew, in the background");
    } else if progress.policy != env.policy.hash {
        let (_, applied) = control::read::<AppliedPolicy>(&worker.store).await?;
        if applied.hash != env.policy.hash {
            // This worker does not have the newest one yet; it will within a second, or cannot read it.
            return Ok(false);
        }
        progress = Rescore { watched: progress.watched, ..begun };
        tracing::info!(policy = progress.policy, "all leads are judged by the new policy, in the background");
    } else if progress.is_done {
        here.done = Some(env.policy.hash.clone());
        return Ok(false);
    } else if progress.acts && watches {
        // Leads that it takes up would only be watched.
        return Ok(false);
    }
    let rows = worker.store.leads_after(LeadNo(progress.after), PAGE).await?;
    match rows.last().map(|row| row.lead_no) {
        None => (progress.is_done, progress.ended) = (true, Some(now)),
        Some(last) => {
            rescore(worker, &env, rows.iter().map(|row| row.lead_no).collect()).await?;
            progress.after = last.0;
            progress.leads += rows.len() as u64;
        }
    }
    // Where another worker was first, its progress counts.
    if control::write(&worker.store, seen, &progress).await? && progress.is_done {
        tracing::info!(policy = progress.policy, leads = progress.leads, "all leads are decided on anew");
    }
    Ok(true)
}

async fn rescore<S: Store, Q: Queue>(
    worker: &Worker<S, Q>,
    env: &Env,
    leads: std::collections::BTreeSet<LeadNo>,
) -> Result<(), StoreError> {
    let (held, loaded) = worker.store.hold(Wanted { leads: leads.clone(), ..Wanted::default() }).await?;
    let now: Moment = loaded.now;
    let inbox = loaded.inbox.clone();
    let decided = catch_unwind(AssertUnwindSafe(|| {
        let mut set = working_set(loaded).map_err(|e| StoreError::Refused(Box::new(e)))?;
        let inbox_done = work_inbox(&mut set, &inbox, env, now);
        for no in &leads {
            set.reconsider(*no, &Cause::Policy(&env.policy.hash), env, now);
        }
        let net = set.take();
        let made = made_of(&net);
        let mut changes = changes(&set, net, now);
        changes.inbox_done = inbox_done;
        Ok::<_, StoreError>((changes, made))
    }));
    let (changes, made) = decided
        .unwrap_or_else(|_| Err(StoreError::Refused("deciding on a lead under the new policy failed".into())))?;
    let rows = changes.outbox.clone();
    worker.store.commit(held, changes, worker.lease()).await?;
    Stepper { worker }.committed(rows, &made);
    Ok(())
}
