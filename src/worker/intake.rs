//! The intake lane: a supervised consumer whose messages go through the step, some units of work at a time, and are then
//! acknowledged.
//!
//! Any error of the session drops the whole session and builds a new one after a pause. When the database is
//! away the session is closed at once, so that an outage costs each message one delivery, not many.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use opentelemetry::trace::FutureExt as _;

use super::backoff::Backoff;
use super::step::{Handled, Message, Read, Stepper, chain};
use super::waiting::{Names, Unit, Waiting};
use super::{Stop, Worker, stopped};
use crate::queue::{Consumer, Queue, QueueError, Tag};
use crate::store::{Store, StoreError};
use crate::telemetry::{Peer, trace};

/// Why a consumer's life ended.
enum Ended {
    Stopped,
    Queue(QueueError),
    Store(StoreError),
}

/// Consumes until told to stop.
pub(super) async fn run<S: Store, Q: Queue>(worker: Worker<S, Q>, mut stop: Stop) {
    let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(15));
    while !*stop.borrow() {
        let ended = match worker.queue.consume(worker.settings.prefetch).await {
            Ok(consumer) => {
                worker.health.set_consuming(true);
                worker.health.set_storing(true);
                consume(&worker, consumer, &mut stop, &mut backoff).await
            }
            Err(error) => Ended::Queue(error),
        };
        worker.health.set_consuming(false);
        let pause = match ended {
            Ended::Stopped => return,
            Ended::Queue(error) => {
                worker.metrics.reconnected(Peer::Events);
                let pause =
                    backoff.pause().max(if error.is_transient() { Duration::ZERO } else { Duration::from_secs(10) });
                tracing::warn!(
                    error = chain(&error),
                    pause_ms = pause.as_millis() as u64,
                    "the event queue is away; trying again"
                );
                pause
            }
            Ended::Store(error) => {
                worker.health.set_storing(false);
                worker.metrics.reconnected(Peer::Database);
                tracing::warn!(error = chain(&error), "the database is away; nothing is consumed until it answers");
                if wait_for_database(&worker, &mut stop).await.is_none() {
                    return;
                }
                backoff.pause()
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stopped(&mut stop) => return,
        }
    }
}

/// Asks the database until it answers; `None` when told to stop meanwhile.
async fn wait_for_database<S: Store, Q: Queue>(worker: &Worker<S, Q>, stop: &mut Stop) -> Option<()> {
    let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(5));
    loop {
        let pause = backoff.pause();
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stopped(stop) => return None,
        }
        match worker.store.info().await {
            Ok(_) => {
                tracing::info!("the database answers again");
                worker.health.set_storing(true);
                return Some(());
            }
            Err(error) => tracing::debug!(error = chain(&error), "the database is still away"),
        }
    }
}

/// Units of work under way at once: while the database is busy with some, the worker decides on another. [J]
const UNITS: usize = 3;
/// From so many messages on another is begun beside those under way: two transactions cost a small one more than they
/// save. [J]
const WORTH_A_UNIT: usize = 64;

/// The least that another unit is begun with. Where more waits at the broker than can be worked at once, half of the
/// largest: nobody is served sooner by smaller ones.
fn worth(outstanding: usize, batch_size: usize) -> usize {
    if outstanding < 2 * batch_size { WORTH_A_UNIT } else { batch_size.div_ceil(2).max(WORTH_A_UNIT) }
}

async fn consume<S: Store, Q: Queue>(
    worker: &Worker<S, Q>,
    mut consumer: Q::Consumer,
    stop: &mut Stop,
    backoff: &mut Backoff,
) -> Ended {
    let settings = worker.settings.clone();
    let stepper = Stepper { worker };
    let (mut waiting, mut suspects, mut tags) = (Waiting::new(), Vec::new(), Tags::default());
    let mut under_way = FuturesUnordered::new();
    let work = |unit: Unit<Message<Q::Raw>>| {
        let Unit { names, messages } = unit;
        let received = trace::receive(messages.len(), messages.iter().filter_map(Message::context));
        let worked = stepper.unit(messages);
        async move { (names, worked.await) }.with_context(received)
    };
    loop {
        let stopping = *stop.borrow();
        if under_way.is_empty() {
            if stopping {
                consumer.close().await;
                return Ended::Stopped;
            }
            // Whatever may take the process along is worked while nothing else is at stake.
            if !suspects.is_empty() {
                let handled = match stepper.one_by_one(std::mem::take(&mut suspects)).await {
                    Ok(handled) => handled,
                    Err(error) => return away(consumer, error).await,
                };
                if let Err(error) = settle(worker, &mut consumer, &mut tags, handled).await {
                    return Ended::Queue(error);
                }
                backoff.reset();
                continue;
            }
        }
        while !stopping && suspects.is_empty() && under_way.len() < UNITS {
            let least = if under_way.is_empty() { 1 } else { worth(tags.0.len(), settings.batch_size) };
            let Some(unit) = waiting.take(least, settings.batch_size) else { break };
            under_way.push(work(unit));
        }
        let room = (2 * settings.batch_size).saturating_sub(waiting.len());
        // Only who has nothing else to do waits for more.
        let linger = if under_way.is_empty() { settings.batch_linger } else { Duration::ZERO };
        tokio::select! {
            biased;
            () = stopped(stop), if !stopping => {}
            Some((names, worked)) = under_way.next(), if !under_way.is_empty() => {
                waiting.finish(&names);
                let handled = match worked {
                    Ok((handled, failed)) => {
                        suspects.extend(failed);
                        handled
                    }
                    Err(error) => {
                        let ended = away(consumer, error).await;
                        // Cut off at the same moment, they end by themselves, each as far as it came.
                        while under_way.next().await.is_some() {}
                        return ended;
                    }
                };
                if let Err(error) = settle(worker, &mut consumer, &mut tags, handled).await {
                    while under_way.next().await.is_some() {}
                    return Ended::Queue(error);
                }
                backoff.reset();
            }
            // Given up half-way it loses nothing: what has arrived stays with the consumer.
            more = consumer.receive(room, linger), if room > 0 && !stopping => {
                let deliveries = match more {
                    Ok(deliveries) => deliveries,
                    Err(error) => {
                        // What is under way is committed all the same, and comes again as a copy.
                        while under_way.next().await.is_some() {}
                        return Ended::Queue(error);
                    }
                };
                tags.received(deliveries.iter().map(|delivery| delivery.tag));
                let Read { fresh, suspects: more, handled } = stepper.read(deliveries);
                suspects.extend(more);
                fresh.into_iter().for_each(|message| waiting.add(Names::of(&message.event), message));
                if let Err(error) = settle(worker, &mut consumer, &mut tags, handled).await {
                    while under_way.next().await.is_some() {}
                    return Ended::Queue(error);
                }
            }
        }
    }
}

/// The database is away: nothing more is held back from other workers.
async fn away<C: Consumer>(consumer: C, error: StoreError) -> Ended {
    consumer.close().await;
    Ended::Store(error)
}

/// Deliveries that are not acknowledged yet, and whether they are done with. They are acknowledged in the order of
/// arrival, so that one frame settles all up to a tag.
#[derive(Debug, Default)]
struct Tags(BTreeMap<Tag, bool>);

impl Tags {
    fn received(&mut self, tags: impl Iterator<Item = Tag>) {
        self.0.extend(tags.map(|tag| (tag, false)));
    }

    /// Takes note of what is done with; returns what may be acknowledged now.
    fn done(&mut self, tags: Vec<Tag>) -> Vec<Tag> {
        for tag in tags {
            self.0.insert(tag, true);
        }
        let mut ready = Vec::new();
        while let Some(first) = self.0.first_entry().filter(|first| *first.get()) {
            ready.push(first.remove_entry().0);
        }
        ready
    }
}

/// Dead letters first: a message is acknowledged only when it is safe somewhere else.
async fn settle<S: Store, Q: Queue>(
    worker: &Worker<S, Q>,
    consumer: &mut Q::Consumer,
    tags: &mut Tags,
    handled: Handled<Q::Raw>,
) -> Result<(), QueueError> {
    let Handled { mut done, dead } = handled;
    if !dead.is_empty() {
        let (buried, letters): (Vec<_>, Vec<_>) = dead.into_iter().unzip();
        worker.queue.bury(letters).await?;
        done.extend(buried);
    }
    let ready = tags.done(done);
    if ready.is_empty() { Ok(()) } else { consumer.ack(&ready).await }
}
