//! ONE UNIT OF WORK: decode → load → decide → commit, and what to do with each delivery afterwards.
//!
//! A unit is one transaction. What one message may have caused leads to one by one, so that only the culprit is set aside;
//! what the database or a neighbour caused is tried again whole and counts against nobody. Long, because the whole way of
//! a message is read here, from top to bottom.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use super::load::{changes, working_set};
use super::seam::{Seam, pass};
use super::{Settings, Worker};
use crate::domain::decide::Answer;
use crate::domain::event::{Body, Event, EventType};
use crate::domain::identity::{KeyHasher, LeadNo};
use crate::domain::time::Moment;
use crate::domain::working_set::{Addressed, Applied, Env, Net, WorkingSet};
use crate::domain::world::Delta;
use crate::queue::{DeadLetter, Delivery, Queue, Tag};
use crate::replay::refusal_words;
use crate::store::{Changes, HistoryRow, Loaded, OutboxRow, Store, StoreError, Wanted, WantedMessage};
use crate::telemetry::{EventOutcome, TraceParent, trace};
use crate::wire::inbound::{self, Envelope, Reason, Refusal, decode, key_of_body, key_of_event};

/// Whole retries of a unit of work that another worker got in the way of.
const CONTENDED_TRIES: u32 = 3;
/// The same for one message: each try waits up to the store's own limit on locks (2 s), some two minutes together.
const ALONE_TRIES: u32 = 60;
/// Tries of one message alone, each counted in the database before it is made, until it is set aside.
const SUSPECT_TRIES: u32 = 3;

/// What became of deliveries; they themselves are the caller's to settle.
#[derive(Debug)]
pub struct Handled<R> {
    /// Done with: acknowledge.
    pub done: Vec<Tag>,
    /// To be set aside in the dead queue, and acknowledged once they are safely there.
    pub dead: Vec<(Tag, DeadLetter<R>)>,
}

impl<R> Handled<R> {
    fn with_room_for(count: usize) -> Handled<R> {
        Handled { done: Vec::with_capacity(count), dead: Vec::new() }
    }
}

/// What deliveries turned out to be when they were read.
pub struct Read<R> {
    pub fresh: Vec<Message<R>>,
    /// Given to somebody before who then died or lost the connection: perhaps one of them was the reason.
    pub suspects: Vec<Message<R>>,
    /// What was refused already.
    pub handled: Handled<R>,
}

/// One delivery on its way through the step.
pub struct Message<R> {
    delivery: Delivery<R>,
    pub event: Event,
    received: Moment,
}

impl<R> Message<R> {
    pub fn tag(&self) -> Tag {
        self.delivery.tag
    }

    /// The trace context that it carries.
    pub fn context(&self) -> Option<TraceParent> {
        TraceParent::of(&self.delivery.meta.headers, &self.delivery.body)
    }
}

/// Works units of work against a store; the intake lane, the wake lane and tests share it.
pub struct Stepper<'w, S, Q> {
    pub(super) worker: &'w Worker<S, Q>,
}

enum Failure {
    /// Nobody's fault here: try the same again later.
    Away(StoreError),
    /// The database refuses, or the code panicked: one of the messages may be the cause.
    Suspicious(String),
}

impl<S: Store, Q: Queue> Stepper<'_, S, Q> {
    /// Reads deliveries: what a worker can do for the next unit while the database is busy with those under way.
    pub fn read(&self, deliveries: Vec<Delivery<Q::Raw>>) -> Read<Q::Raw> {
        let received = wall_clock(&self.worker.settings);
        let fresh = Vec::with_capacity(deliveries.len());
        let mut read = Read { fresh, suspects: Vec::new(), handled: Handled::with_room_for(0) };
        for delivery in deliveries {
            match self.decode(&delivery, received) {
                Err(refusal) => self.refuse(&mut read.handled, delivery, refusal, received),
                Ok(event) if delivery.meta.redelivered => read.suspects.push(Message { delivery, event, received }),
                Ok(event) => read.fresh.push(Message { delivery, event, received }),
            }
        }
        read
    }

    /// Works messages in one transaction. Returns what became of them, and those that have to be worked one by one,
    /// because one of them may be why the whole could not be.
    ///
    /// # Errors
    /// The store is away: nothing is known to be settled, everything will come again.
    pub async fn unit(
        &self,
        messages: Vec<Message<Q::Raw>>,
    ) -> Result<(Handled<Q::Raw>, Vec<Message<Q::Raw>>), StoreError> {
        let mut handled = Handled::with_room_for(messages.len());
        match self.work(&messages).await {
            Ok(applied) => {
                self.settle(&mut handled, messages, applied);
                Ok((handled, Vec::new()))
            }
            Err(Failure::Away(error)) => Err(error),
            Err(Failure::Suspicious(why)) => {
                let count = messages.len();
                tracing::warn!(messages = count, why, "a unit of work failed; its messages are worked one by one");
                Ok((handled, messages))
            }
        }
    }

    /// Works one message that may be a culprit, so that it alone is set aside.
    ///
    /// # Errors
    /// Those of [`Stepper::unit`].
    pub async fn suspect(&self, message: Message<Q::Raw>) -> Result<Handled<Q::Raw>, StoreError> {
        let mut handled = Handled::with_room_for(1);
        self.alone(&mut handled, message).await?;
        Ok(handled)
    }

    fn decode(&self, delivery: &Delivery<Q::Raw>, received: Moment) -> Result<Event, Refusal> {
        let envelope = Envelope {
            body: &delivery.body,
            content_type: delivery.meta.content_type.as_deref(),
            headers: &delivery.meta.headers,
            timestamp_ms: delivery.meta.timestamp_ms,
        };
        let inbound = &self.worker.settings.inbound;
        catch_unwind(AssertUnwindSafe(|| decode(&envelope, received, inbound)))
            .unwrap_or_else(|_| Err(unreadable(&delivery.body)))
    }

    /// Works one message that may be a culprit, with a count that is committed first, so that it survives what it may do.
    async fn alone(&self, handled: &mut Handled<Q::Raw>, suspect: Message<Q::Raw>) -> Result<(), StoreError> {
        let name = key_of_event(&suspect.event.source, &suspect.event.id);
        let tries = self.worker.store.count_suspect(&name).await?;
        let outcome = if tries > SUSPECT_TRIES {
            Err(Failure::Suspicious(format!("it was tried {SUSPECT_TRIES} times and the worker did not survive it")))
        } else {
            self.work(std::slice::from_ref(&suspect)).await
        };
        match outcome {
            Ok(applied) => self.settle(handled, vec![suspect], applied),
            Err(Failure::Away(error)) => {
                // Nobody's fault here: the try does not count against the message.
                if let Err(error) = self.worker.store.clear_suspect(&name).await {
                    tracing::debug!(key = name, error = chain(&error), "a try that does not count stays counted");
                }
                return Err(error);
            }
            Err(Failure::Suspicious(why)) => {
                tracing::error!(key = name, why, "a message cannot be worked and is set aside");
                let refusal = Refusal::of(
                    &suspect.event,
                    Reason::InternalError,
                    format!("The message could not be worked: {why}."),
                );
                self.refuse(handled, suspect.delivery, refusal, suspect.received);
            }
        }
        self.worker.store.clear_suspect(&name).await
    }

    /// Load, decide, commit: the unit of work, again as a whole where others got in the way.
    async fn work(&self, messages: &[Message<Q::Raw>]) -> Result<Vec<Applied>, Failure> {
        let worker = self.worker;
        let env = worker.env();
        let addressed: Vec<Addressed<'_>> = messages.iter().map(|m| Addressed::new(&m.event, &env.hasher)).collect();
        let wanted = wanted(&addressed, &env.hasher);
        // Alone there is nothing to take apart: whoever is in the way is waited for, and it counts against nobody.
        let tries = if messages.len() == 1 { ALONE_TRIES } else { CONTENDED_TRIES };
        for _ in 0..tries {
            let (started, span) = (Instant::now(), trace::step(messages.len()));
            let (held, loaded) = match worker.store.hold(wanted.clone()).await {
                Ok(held) => held,
                Err(StoreError::Contended) => continue,
                Err(error) => return Err(failure(error)),
            };
            let now = loaded.now;
            let mut decided = decide_all(messages, &addressed, loaded, &env, now)?;
            continue_traces(&mut decided.changes.outbox, messages);
            let rows = decided.changes.outbox.clone();
            if decided.changes.is_empty() {
                return Ok(decided.applied);
            }
            pass(Seam::BeforeCommit);
            match worker.store.commit(held, decided.changes, worker.lease()).await {
                Ok(()) => {
                    pass(Seam::AfterCommit);
                    worker.metrics.step(messages.len(), started.elapsed());
                    worker.steps.note(rows.iter().map(|row| row.id), &span);
                    self.committed(rows, &decided.made);
                    return Ok(decided.applied);
                }
                Err(StoreError::Contended) => {}
                Err(error) => return Err(failure(error)),
            }
        }
        if messages.len() == 1 {
            tracing::warn!("a lead has been held by somebody else for minutes; its message is given back");
            return Err(Failure::Away(StoreError::Contended));
        }
        // A large batch meets others more often; halves meet them less.
        let (left, right) = messages.split_at(messages.len() / 2);
        let mut applied = Box::pin(self.work(left)).await?;
        applied.extend(Box::pin(self.work(right)).await?);
        Ok(applied)
    }

    /// After the commit: the tasks go to the broker, the counters go up.
    pub(super) fn committed(&self, rows: Vec<OutboxRow>, made: &[(&'static str, &'static str)]) {
        for (kind, state) in made {
            self.worker.metrics.task(kind, state);
        }
        self.worker.hand_over(rows);
    }

    fn settle(&self, handled: &mut Handled<Q::Raw>, messages: Vec<Message<Q::Raw>>, applied: Vec<Applied>) {
        for (message, applied) in messages.into_iter().zip(applied) {
            let kind = message.event.kind().name();
            match applied {
                Applied::To(_) | Applied::World => {
                    self.worker.metrics.event(kind, EventOutcome::Applied);
                    handled.done.push(message.delivery.tag);
                }
                Applied::Duplicate => {
                    self.worker.metrics.event(kind, EventOutcome::Duplicate);
                    handled.done.push(message.delivery.tag);
                }
                Applied::Refused(why) => {
                    let (reason, detail) = refusal_words(why);
                    let refusal = Refusal::of(&message.event, reason, detail);
                    self.refuse(handled, message.delivery, refusal, message.received);
                }
            }
        }
    }

    fn refuse(&self, handled: &mut Handled<Q::Raw>, delivery: Delivery<Q::Raw>, refusal: Refusal, at: Moment) {
        let kind = refusal.kind.as_deref().and_then(EventType::from_name).map_or("unknown", EventType::name);
        self.worker.metrics.event(kind, EventOutcome::Refused);
        self.worker.metrics.refused(refusal.reason.name());
        tracing::warn!(reason = refusal.reason.name(), key = refusal.key, "a message is set aside: {}", refusal.detail);
        let letter = DeadLetter {
            refusal: crate::queue::Refusal {
                reason: refusal.reason.name().to_owned(),
                detail: refusal.detail.clone(),
                at: at.to_string(),
                key: refusal.key.clone(),
            },
            // Of a person who asked to be forgotten nothing is kept but what names the message.
            body: if refusal.reason == Reason::ErasedLead { stub(&refusal) } else { delivery.body },
            raw: (refusal.reason != Reason::ErasedLead).then_some(delivery.raw),
            meta: delivery.meta,
        };
        handled.dead.push((delivery.tag, letter));
    }
}

/// Tasks continue the trace of the event that caused them, where it has one.
fn continue_traces<R>(rows: &mut [OutboxRow], messages: &[Message<R>]) {
    if rows.is_empty() {
        return;
    }
    let of_message = |m: &Message<R>| Some((format!("event:{} {}", m.event.source, m.event.id), m.context()?));
    let contexts: HashMap<String, TraceParent> = messages.iter().filter_map(of_message).collect();
    if contexts.is_empty() {
        return;
    }
    for row in rows {
        row.traceparent = contexts.get(&row.cause).map(ToString::to_string);
    }
}

/// An event as it is kept: whole, whichever way it came.
fn kept<R>(delivery: &Delivery<R>, event: &Event) -> Vec<u8> {
    let (content_type, headers) = (delivery.meta.content_type.as_deref(), &delivery.meta.headers);
    let envelope = Envelope { body: &delivery.body, content_type, headers, timestamp_ms: None };
    inbound::structured(&envelope, event).unwrap_or_else(|| delivery.body.clone())
}

fn failure(error: StoreError) -> Failure {
    match error {
        StoreError::Contended | StoreError::Unavailable(_) => Failure::Away(error),
        StoreError::Refused(_) => Failure::Suspicious(chain(&error)),
    }
}

/// An error with everything that caused it, in one line; a cause that was told already is not told again.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let says = cause.to_string();
        if !text.contains(&says) {
            text.push_str(": ");
            text.push_str(&says);
        }
        next = cause.source();
    }
    text
}

/// The decoder itself failed on a message: it is kept whole for whoever mends the decoder.
fn unreadable(body: &[u8]) -> Refusal {
    Refusal {
        reason: Reason::InternalError,
        detail: "Reading the message failed inside gleaner; it is kept whole, to be replayed after a fix.".into(),
        key: key_of_body(body),
        source: None,
        id: None,
        kind: None,
        time: None,
    }
}

/// All that is kept of a message about somebody who asked to be forgotten.
fn stub(refusal: &Refusal) -> Vec<u8> {
    serde_json::json!({
        "source": refusal.source,
        "id": refusal.id,
        "type": refusal.kind,
        "time": refusal.time,
        "reason": refusal.reason.name(),
    })
    .to_string()
    .into_bytes()
}

/// The keys, tasks and events that a batch is about.
fn wanted(messages: &[Addressed<'_>], hasher: &KeyHasher) -> Wanted {
    let messages = messages
        .iter()
        .filter(|m| !matches!(m.event.body, Body::Rep(_)))
        .map(|m| WantedMessage {
            event: Some(m.event.key),
            keys: m.keys.iter().map(|(_, hash)| *hash).collect(),
            task: m.event.task_id,
        })
        .collect();
    Wanted { messages, hasher: Some(hasher.clone()), ..Wanted::default() }
}

/// What a batch comes to, ready to commit.
struct Decided {
    applied: Vec<Applied>,
    changes: Changes,
    made: Vec<(&'static str, &'static str)>,
}

/// The pure middle of the step; a panic in it is caught, because one message must not take the worker along.
fn decide_all<R>(
    messages: &[Message<R>],
    addressed: &[Addressed<'_>],
    loaded: Loaded,
    env: &Env,
    now: Moment,
) -> Result<Decided, Failure> {
    catch_unwind(AssertUnwindSafe(|| {
        let inbox = loaded.inbox.clone();
        let mut set = working_set(loaded).map_err(|e| Failure::Suspicious(e.to_string()))?;
        let inbox_done = work_inbox(&mut set, &inbox, env, now);
        let (mut applied, mut history, mut world) = (Vec::with_capacity(messages.len()), Vec::new(), Vec::new());
        for (message, addressed) in messages.iter().zip(addressed) {
            let outcome = set.apply(addressed, env, now);
            match outcome {
                Applied::To(lead_no) => history.push((lead_no, message)),
                Applied::World => {
                    world.extend(Delta::of(&message.event).map(|delta| (message.event.key, delta.encode())))
                }
                Applied::Duplicate | Applied::Refused(_) => {}
            }
            applied.push(outcome);
        }
        let net = set.take();
        let made = made_of(&net);
        for (no, note) in &net.notes {
            tracing::warn!(lead_no = no.0, "{note}");
        }
        let mut changes = changes(&set, net, now);
        changes.inbox_done = inbox_done;
        changes.world.extend(world);
        let erased = &changes.erased;
        changes.history = history
            .into_iter()
            .filter(|(no, _)| !erased.contains(no))
            .map(|(no, m)| HistoryRow {
                lead_no: no,
                event: m.event.key,
                at: m.event.at,
                body: kept(&m.delivery, &m.event),
            })
            .collect();
        Ok(Decided { applied, changes, made })
    }))
    .unwrap_or_else(|_| Err(Failure::Suspicious("deciding on it failed".into())))
}

/// Gives the leads held the answers that waited for them; returns the rows that are done with.
pub(super) fn work_inbox(set: &mut WorkingSet, inbox: &[(i64, LeadNo, Vec<u8>)], env: &Env, now: Moment) -> Vec<i64> {
    for (_, no, bytes) in inbox {
        match Answer::decode(bytes) {
            Some(answer) => set.answer(*no, answer, env, now),
            None => tracing::error!(lead_no = no.0, "an answer in the inbox cannot be read and is dropped"),
        }
    }
    inbox.iter().map(|(seq, ..)| *seq).collect()
}

/// What was made, for the counters: type and state.
pub(super) fn made_of(net: &Net) -> Vec<(&'static str, &'static str)> {
    net.made.iter().map(|(kind, state)| (kind.event_type(), state_name(*state))).collect()
}

fn state_name(state: crate::domain::task::TaskState) -> &'static str {
    use crate::domain::task::TaskState as T;
    match state {
        T::Held => "held",
        T::Ready => "ready",
        T::Done => "done",
        T::Failed => "failed",
        T::Rejected(_) => "rejected",
        T::Expired => "expired",
        T::ExpiredUnsent => "expired_unsent",
        T::RevokedUnsent => "revoked_unsent",
        T::Revoked => "revoked",
        T::Observed => "observed",
    }
}

/// The moment of receipt: this machine's clock, because the database has not been asked yet.
pub(super) fn wall_clock(settings: &Settings) -> Moment {
    Moment::from_timestamp(jiff::Timestamp::now()) + settings.clock_offset
}
