//! The pool lane: any worker answers the claims on a scarce thing, one worker at a time.
//!
//! In one transaction the pool moves on, granted tasks enter the outbox, and the answers reach the leads'
//! inboxes. A lead and a pool are never held together.

use std::time::Duration;

use super::load::outbox_row;
use super::seam::{Seam, pass};
use super::step::chain;
use super::{CLAIMS_AT_ONCE, Stop, Worker, stopped};
use crate::domain::decide::Answer;
use crate::domain::pool::{Claim, Pool, PoolName, Terms, allot};
use crate::queue::Queue;
use crate::store::{PoolChanges, Store, StoreError};
use crate::wire::outbound::task_message;

const POLL: Duration = Duration::from_millis(250);

/// Answers claims until told to stop.
pub(super) async fn run<S: Store, Q: Queue>(worker: Worker<S, Q>, mut stop: Stop) {
    loop {
        let pause = match allot_once(&worker).await {
            Ok(true) => Duration::ZERO,
            Ok(false) => POLL,
            Err(StoreError::Contended) => Duration::from_millis(20),
            Err(error @ StoreError::Unavailable(_)) => {
                tracing::debug!(error = chain(&error), "claims wait for the database");
                Duration::from_secs(2)
            }
            Err(error @ StoreError::Refused(_)) => {
                tracing::error!(error = chain(&error), "claims cannot be answered");
                Duration::from_secs(5)
            }
        };
        tokio::select! {
            biased;
            () = stopped(&mut stop) => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

async fn allot_once<S: Store, Q: Queue>(worker: &Worker<S, Q>) -> Result<bool, StoreError> {
    let Some((held, loaded)) = worker.store.hold_pool(CLAIMS_AT_ONCE).await? else { return Ok(false) };
    let now = loaded.now;
    let name = PoolName::parse(&loaded.name);
    let name = name.ok_or_else(|| StoreError::Refused(format!("nobody knows the pool {:?}", loaded.name).into()))?;
    let mut pool = Pool::decode(&loaded.state).map_err(|e| StoreError::Refused(Box::new(e)))?;
    let mut claims = Vec::with_capacity(loaded.claims.len());
    for row in &loaded.claims {
        // The row says whose claim it is: a merge may have moved it since it was written.
        let mut claim = Claim::decode(&row.wish).map_err(|e| StoreError::Refused(Box::new(e)))?;
        claim.lead = row.lead_no;
        claims.push(claim);
    }
    let env = worker.env();
    // A queue's minutes are asked for only where there is a pace; if it was switched off meanwhile, all may go.
    let terms = Terms { policy: &env.policy, ramp_per_minute: env.ramp_per_minute.unwrap_or(u32::MAX) };
    let out = allot(&name, &mut pool, claims, terms, now);
    let mut changes = PoolChanges { state: pool.encode(), ..PoolChanges::default() };
    for (lead, task) in out.published {
        changes.outbox.push(outbox_row(lead, task_message(&task, now)));
        worker.metrics.task(task.kind.event_type(), "ready");
    }
    for (lead, id, answer) in out.answers {
        if matches!(answer, Answer::Denied { .. }) {
            worker.metrics.pool_denied(name.kind());
        }
        changes.answered.push((id, lead, answer.encode()));
    }
    let rows = changes.outbox.clone();
    pass(Seam::InAllotter);
    worker.store.commit_pool(held, changes, worker.lease()).await?;
    worker.hand_over(rows);
    Ok(true)
}
