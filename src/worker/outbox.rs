//! The outbox lane: committed tasks to the broker, and only then forgotten.
//!
//! Rows come straight from the commit in this process; a sweeper takes those whose lease lapsed because a worker
//! died. A task may reach the broker twice under the same id and body, never not at all.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};
use tokio::time::MissedTickBehavior;
use uuid::Uuid;

use super::seam::{Seam, pass};
use super::step::{chain, wall_clock};
use super::{Stop, Worker, stopped};
use crate::domain::decide::Answer;
use crate::domain::identity::LeadNo;
use crate::queue::{Published, Queue, TaskMessage};
use crate::store::{OutboxRow, OutboxState, Store};
use crate::telemetry::{PublishOutcome, TraceParent};

/// How often lapsed leases are looked for.
const SWEEP: Duration = Duration::from_secs(1);
/// Rows a sweep takes at once.
const SWEEP_ROWS: usize = 500;
/// Rows of several commits that are published together, so that they wait for one confirm and not each for its own.
const AT_ONCE: usize = 1000;
/// Batches under way at once, published or just being forgotten: a confirm takes as long as a disk does, and what was
/// committed meanwhile need not wait for it. [J]
const UNDER_WAY: usize = 3;
/// How long a full queue, or a routing key without a queue, is left alone.
const PAUSE: Duration = Duration::from_secs(5);

/// Publishes what is handed over, and what others left behind, until the last sender is gone.
pub(super) async fn run<S: Store, Q: Queue>(
    worker: Worker<S, Q>,
    mut rows: mpsc::Receiver<Vec<OutboxRow>>,
    mut stop: Stop,
) {
    // This lane must not keep its own channel open: it ends when the other lanes have dropped theirs.
    let (nobody_listens, _) = mpsc::channel(1);
    drop(worker.handover);
    let worker = Worker { handover: nobody_listens, ..worker };
    let mut waiting = Waiting::default();
    let mut paused: BTreeMap<String, Instant> = BTreeMap::new();
    let mut under_way = JoinSet::new();
    let mut sweeps = tokio::time::interval(SWEEP);
    sweeps.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut may_come, mut is_in_doubt) = (true, false);
    loop {
        let places = if is_in_doubt { 1 } else { UNDER_WAY };
        while under_way.len() < places
            && let Some(batch) = waiting.take()
        {
            let (worker, paused) = (worker.clone(), paused.keys().cloned().collect());
            under_way.spawn(async move {
                let (settled, outcome) = publish(&worker, batch, &paused).await;
                settle(&worker, settled).await;
                outcome
            });
        }
        // With nothing under way nothing waits for it either.
        if !may_come && under_way.is_empty() {
            break;
        }
        let has_room = waiting.rows.len() < AT_ONCE;
        tokio::select! {
            Some(done) = under_way.join_next() => match done.map_err(JoinError::try_into_panic) {
                Ok(Outcome { names, refused, unknown }) => {
                    waiting.finish(&names);
                    is_in_doubt = unknown;
                    for queue in refused {
                        pause(&mut paused, queue);
                    }
                }
                Err(Ok(panic)) => std::panic::resume_unwind(panic),
                // Only the end of the whole runtime cancels a batch, and it ends this lane too.
                Err(Err(_)) => std::future::pending().await,
            },
            batch = rows.recv(), if may_come && has_room => match batch {
                Some(batch) => waiting.take_in(batch, &mut rows),
                None => may_come = false,
            },
            _ = sweeps.tick(), if may_come && !*stop.borrow() => {
                paused.retain(|_, until| *until > Instant::now());
                if has_room {
                    waiting.admit(sweep(&worker, &paused).await);
                }
            }
            // Once told to stop, only what was handed over is still published.
            () = stopped(&mut stop), if !*stop.borrow() => {}
        }
    }
}

/// Rows in hand: those for which there was no place yet, in their order, and those under way.
#[derive(Default)]
struct Waiting {
    rows: Vec<OutboxRow>,
    /// Leads of what is under way.
    busy: BTreeSet<LeadNo>,
    /// What waits or is under way: the sweeper may take such a row once its lease lapsed, and it must not go twice.
    in_hand: BTreeSet<Uuid>,
}

impl Waiting {
    /// What was committed while others were being published goes along.
    fn take_in(&mut self, batch: Vec<OutboxRow>, rows: &mut mpsc::Receiver<Vec<OutboxRow>>) {
        self.admit(batch);
        while self.rows.len() < AT_ONCE
            && let Ok(more) = rows.try_recv()
        {
            self.admit(more);
        }
    }

    fn admit(&mut self, mut rows: Vec<OutboxRow>) {
        rows.retain(|row| self.in_hand.insert(row.id));
        self.rows.extend(rows);
    }

    /// The next batch. A lead's rows leave in their order, so those of a lead that has some under way stay: a task is not to
    /// be overtaken by its revocation. (It may be where its lead was merged into another meanwhile, or published again.)
    fn take(&mut self) -> Option<Vec<OutboxRow>> {
        let free = |row: &mut OutboxRow| !self.busy.contains(&row.lead_no);
        let batch: Vec<OutboxRow> = self.rows.extract_if(.., free).take(AT_ONCE).collect();
        self.busy.extend(batch.iter().map(|row| row.lead_no));
        (!batch.is_empty()).then_some(batch)
    }

    fn finish(&mut self, names: &Names) {
        for (lead, id) in &names.0 {
            self.busy.remove(lead);
            self.in_hand.remove(id);
        }
    }
}

/// Whose rows a batch holds, and which.
struct Names(Vec<(LeadNo, Uuid)>);

impl Names {
    fn of(batch: &[OutboxRow]) -> Names {
        Names(batch.iter().map(|row| (row.lead_no, row.id)).collect())
    }
}

/// What a batch leaves behind for the next.
struct Outcome {
    names: Names,
    /// Queues that took nothing.
    refused: BTreeSet<String>,
    /// Of some the broker said nothing in time: until it does, one batch at a time finds out.
    unknown: bool,
}

/// Leaves a queue alone for a while that takes nothing.
fn pause(paused: &mut BTreeMap<String, Instant>, queue: String) {
    if paused.insert(queue.clone(), Instant::now() + PAUSE).is_none() {
        tracing::warn!(queue, "the broker refuses tasks for a queue (is it full?); only that queue waits");
    }
}

async fn sweep<S: Store, Q: Queue>(worker: &Worker<S, Q>, paused: &BTreeMap<String, Instant>) -> Vec<OutboxRow> {
    let except: BTreeSet<String> = paused.keys().cloned().collect();
    match worker.store.take_outbox(SWEEP_ROWS, worker.lease(), &except).await {
        Ok(rows) => rows,
        Err(error) => {
            tracing::debug!(error = chain(&error), "the outbox cannot be swept now");
            Vec::new()
        }
    }
}

/// What became of the rows of a batch.
struct Settled {
    confirmed: Vec<Uuid>,
    held_back: Vec<(Uuid, OutboxState)>,
    overdue: Vec<(Uuid, LeadNo, Vec<u8>)>,
}

/// Publishes a batch; what becomes of each row is what the broker said of it.
async fn publish<S: Store, Q: Queue>(
    worker: &Worker<S, Q>,
    batch: Vec<OutboxRow>,
    paused: &BTreeSet<String>,
) -> (Settled, Outcome) {
    let names = Names::of(&batch);
    let now = wall_clock(&worker.settings);
    let (mut sent, mut messages, mut held_back, mut overdue) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for row in batch {
        match row.expires_at {
            // Never publish what nobody may use any more: a negative expiration would also close the channel.
            Some(at) if at <= now => {
                worker.steps.forget(row.id);
                overdue.push((row.id, row.lead_no, Answer::ExpiredUnsent { task: row.id, at: now }.encode()))
            }
            _ if paused.contains(&row.queue) => held_back.push((row.id, OutboxState::Unsent)),
            _ => sent.push(row),
        }
    }
    let event_of = |row: &OutboxRow| row.traceparent.as_deref().and_then(TraceParent::parse);
    let tasks: Vec<(Uuid, Option<TraceParent>)> = sent.iter().map(|row| (row.id, event_of(row))).collect();
    let publishing = worker.steps.publish(&tasks);
    for (row, (id, event)) in sent.iter().zip(tasks) {
        let context = publishing.context_of(id, &row.kind, event);
        messages.push(TaskMessage { traceparent: context.map(|c| c.to_string()), ..task_message(row, now) });
    }
    pass(Seam::BeforePublish);
    let outcomes = worker.queue.publish(messages).await;
    drop(publishing);
    pass(Seam::AfterConfirm);
    let (mut confirmed, mut refused, mut unknown) = (Vec::with_capacity(sent.len()), BTreeSet::new(), false);
    for (row, outcome) in sent.into_iter().zip(outcomes) {
        match outcome {
            Published::Confirmed => {
                worker.metrics.published(&row.queue, PublishOutcome::Confirmed);
                worker.steps.forget(row.id);
                confirmed.push(row.id);
            }
            Published::Unroutable => {
                worker.metrics.published(&row.queue, PublishOutcome::Unroutable);
                tracing::warn!(task = %row.id, routing_key = row.routing_key, "no queue is bound for a task; it is kept and tried again");
                held_back.push((row.id, OutboxState::Unroutable));
            }
            Published::Refused => {
                worker.metrics.published(&row.queue, PublishOutcome::Refused);
                held_back.push((row.id, OutboxState::Handed));
                refused.insert(row.queue);
            }
            // The lease lapses and the row is published again, under the same id.
            Published::Unknown => {
                worker.metrics.published(&row.queue, PublishOutcome::Unknown);
                unknown = true;
            }
        }
    }
    (Settled { confirmed, held_back, overdue }, Outcome { names, refused, unknown })
}

async fn settle<S: Store, Q: Queue>(worker: &Worker<S, Q>, settled: Settled) {
    let Settled { confirmed, held_back, overdue } = settled;
    let store = &worker.store;
    // If one of these fails the rows stay, their lease lapses, and they are published again: at least once.
    if !confirmed.is_empty()
        && let Err(error) = store.forget_outbox(&confirmed).await
    {
        tracing::warn!(
            rows = confirmed.len(),
            error = chain(&error),
            "published tasks could not be forgotten and will be published again"
        );
    }
    if !held_back.is_empty()
        && let Err(error) = store.release_outbox(worker.id, &held_back, PAUSE).await
    {
        tracing::debug!(error = chain(&error), "held-back tasks keep their lease for now");
    }
    if !overdue.is_empty() {
        tracing::warn!(tasks = overdue.len(), "tasks expired before they could be published; their leads decide again");
        if let Err(error) = store.expire_outbox(&overdue).await {
            tracing::debug!(error = chain(&error), "overdue tasks will be looked at again");
        }
    }
}

fn task_message(row: &OutboxRow, now: crate::domain::time::Moment) -> TaskMessage {
    TaskMessage {
        id: row.id.to_string(),
        routing_key: row.routing_key.clone(),
        kind: row.kind.clone(),
        body: row.body.clone(),
        cause: row.cause.clone(),
        priority: row.priority,
        expires_in: row.expires_at.map(|at| Duration::from_millis((at - now).0.max(1) as u64)),
        published_at_ms: now.0,
        lead_version: row.lead_version.max(0) as u64,
        traceparent: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(lead: i64, n: u128) -> OutboxRow {
        OutboxRow {
            id: Uuid::from_u128(n),
            lead_no: LeadNo(lead),
            queue: "calls".into(),
            routing_key: "task.follow_up.call.now".into(),
            kind: "task.follow_up".into(),
            cause: "event:/test e-1".into(),
            priority: 5,
            lead_version: 1,
            expires_at: None,
            body: Vec::new(),
            traceparent: None,
        }
    }

    fn ids(batch: Option<Vec<OutboxRow>>) -> Option<Vec<u128>> {
        batch.map(|rows| rows.iter().map(|row| row.id.as_u128()).collect())
    }

    fn holding(rows: impl IntoIterator<Item = OutboxRow>) -> Waiting {
        let mut waiting = Waiting::default();
        waiting.admit(rows.into_iter().collect());
        waiting
    }

    #[test]
    fn a_task_is_not_overtaken_by_its_revocation_and_nobody_else_waits_for_it() {
        let mut waiting = holding([row(1, 10), row(2, 20), row(1, 11)]);
        let first = waiting.take();
        let names = Names::of(first.as_deref().unwrap());
        assert_eq!(ids(first), Some(vec![10, 20, 11]), "in one batch they keep their order");
        waiting.admit(vec![row(1, 12), row(3, 30), row(1, 13)]);
        assert_eq!(ids(waiting.take()), Some(vec![30]));
        assert_eq!(ids(waiting.take()), None);
        waiting.finish(&names);
        assert_eq!(ids(waiting.take()), Some(vec![12, 13]));
    }

    #[test]
    fn what_is_more_than_a_batch_goes_with_the_next_and_in_order() {
        let mut waiting = holding((0..1500).map(|n| row((n + 1) / 2, n as u128)));
        let first = waiting.take().unwrap();
        assert_eq!(first.len(), AT_ONCE);
        // Row 1000 is of the lead that row 999 is of.
        assert_eq!(ids(waiting.take()).map(|ids| (ids[0], ids.len())), Some((1001, 499)));
        waiting.finish(&Names::of(&first));
        assert_eq!(ids(waiting.take()), Some(vec![1000]));
    }

    #[test]
    fn a_row_that_is_in_hand_is_not_taken_a_second_time() {
        let mut waiting = holding([row(1, 10), row(2, 20)]);
        waiting.admit(vec![row(1, 10)]);
        let batch = waiting.take().unwrap();
        waiting.admit(vec![row(2, 20), row(3, 30)]);
        assert_eq!(ids(waiting.take()), Some(vec![30]));
        waiting.finish(&Names::of(&batch));
        waiting.admit(vec![row(2, 20)]);
        assert_eq!(ids(Some(batch)), Some(vec![10, 20]));
        assert_eq!(ids(waiting.take()), Some(vec![20]), "nobody confirmed it, so it goes again");
    }
}
