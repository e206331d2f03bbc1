//! The intake lane: a supervised consumer whose messages go through the step, some units of work at a time, and are then
//! acknowledged.
//!
//! Any error of the session drops the whole session and builds a new one after a pause. When the database is away the
//! session is closed as soon as what is under way has ended, so that an outage costs each message one delivery, not many.

use std::time::Duration;

use opentelemetry::trace::FutureExt as _;
use tokio::task::{JoinError, JoinSet};

use super::backoff::Backoff;
use super::step::{Message, Read, Stepper, chain};
use super::tags::Tags;
use super::waiting::{Names, Unit, Waiting};
use super::{Stop, Worker, stopped};
use crate::queue::{Consumer, DeadLetter, Queue, QueueError, Tag};
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

/// Units of work under way at once, each a task of its own: while the database is busy with some, others decide, on
/// whatever core is free. [J]
const UNITS: usize = 3;
/// From so many messages on another is begun beside those under way: two transactions cost a small one more than they
/// save. [J]
const WORTH_A_UNIT: usize = 64;
/// After so long without anything new whatever waits is begun, however little: the others may wait for somebody's lock. [J]
const PATIENCE: Duration = Duration::from_millis(200);

/// The least that another unit is begun with. Where more waits at the broker than can be worked at once, half of the
/// largest: nobody is served sooner by smaller ones.
fn worth(outstanding: usize, batch_size: usize) -> usize {
    let least = if outstanding < 2 * batch_size { WORTH_A_UNIT } else { batch_size.div_ceil(2).max(WORTH_A_UNIT) };
    least.min(batch_size)
}

async fn consume<S: Store, Q: Queue>(
    worker: &Worker<S, Q>,
    mut consumer: Q::Consumer,
    stop: &mut Stop,
    backoff: &mut Backoff,
) -> Ended {
    let settings = worker.settings.clone();
    let stepper = Stepper { worker };
    let (mut waiting, mut suspects, mut tags) = (Waiting::new(), Vec::new(), Tags::new());
    // Tasks of their own: while one unit decides on one core, the others go on with the database on another.
    let mut under_way = JoinSet::new();
    let work = |unit: Unit<Message<Q::Raw>>| {
        let Unit { names, messages } = unit;
        let received = trace::receive(messages.len(), messages.iter().filter_map(Message::context));
        let worker = worker.clone();
        async move { (names, Stepper { worker: &worker }.unit(messages).await) }.with_context(received)
    };
    let mut impatient = false;
    let ended = loop {
        let stopping = *stop.borrow();
        if under_way.is_empty() {
            if stopping {
                break Ended::Stopped;
            }
            // Whatever may take the process along is worked while nothing else is at stake, the oldest first.
            if !suspects.is_empty() {
                suspects.sort_by_key(Message::tag);
                if let Err(error) = one_by_one(&stepper, std::mem::take(&mut suspects), &mut tags, stop).await {
                    break Ended::Store(error);
                }
                match settle(worker, &mut consumer, tags.take_ready()).await {
                    Ok(any) => any.then(|| backoff.reset()),
                    Err(error) => break Ended::Queue(error),
                };
                continue;
            }
        }
        while !stopping && suspects.is_empty() && under_way.len() < UNITS {
            let at_once = under_way.is_empty() || std::mem::take(&mut impatient);
            let least = if at_once { 1 } else { worth(tags.len(), settings.batch_size) };
            let Some(unit) = waiting.take(least, settings.batch_size) else { break };
            under_way.spawn(work(unit));
        }
        // Only who has nothing else to do waits for more.
        let linger = if under_way.is_empty() { settings.batch_linger } else { Duration::ZERO };
        let may_begin = waiting.len() > 0 && !under_way.is_empty() && under_way.len() < UNITS;
        tokio::select! {
            biased;
            // What is done with is settled below at once, whatever it stands behind: the rest may take longer than the grace.
            () = stopped(stop), if !stopping => {}
            Some((names, worked)) = next(&mut under_way) => {
                waiting.finish(&names);
                match worked {
                    Ok((handled, failed)) => {
                        suspects.extend(failed);
                        tags.done(handled);
                    }
                    Err(error) => break Ended::Store(error),
                }
            }
            // Given up half-way it loses nothing: what has arrived stays with the consumer. How much may be here at a
            // time the prefetch says.
            more = consumer.receive(settings.batch_size, linger), if !stopping => {
                let deliveries = match more {
                    Ok(deliveries) => deliveries,
                    Err(error) => break Ended::Queue(error),
                };
                tags.received(deliveries.iter().map(|delivery| delivery.tag));
                let Read { fresh, suspects: more, handled } = stepper.read(deliveries);
                suspects.extend(more);
                fresh.into_iter().for_each(|message| waiting.add(Names::of(&message.event), message));
                tags.done(handled);
                if !suspects.is_empty() {
                    // A window of those is acknowledged as one, or the consumer would not be trusted with a wider one.
                    continue;
                }
            }
            () = tokio::time::sleep(PATIENCE), if may_begin => {
                impatient = true;
                continue;
            }
        }
        let settled = if *stop.borrow() { tags.take_done() } else { tags.take_ready() };
        match settle(worker, &mut consumer, settled).await {
            Ok(any) => any.then(|| backoff.reset()),
            Err(error) => break Ended::Queue(error),
        };
    };
    // What is under way is finished as far as it comes: what it commits it also hands over.
    while let Some((_, worked)) = next(&mut under_way).await {
        if let Ok((handled, _)) = worked {
            tags.done(handled);
        }
    }
    if !matches!(ended, Ended::Queue(_)) {
        // Also what is done with behind something that is not: it need not come again.
        if let Err(error) = settle(worker, &mut consumer, tags.take_done()).await {
            tracing::debug!(error = chain(&error), "what is done with comes again as a copy");
        }
        consumer.close().await;
    }
    ended
}

/// Works suspects one by one until told to stop; what is left then comes again.
async fn one_by_one<S: Store, Q: Queue>(
    stepper: &Stepper<'_, S, Q>,
    suspects: Vec<Message<Q::Raw>>,
    tags: &mut Tags<Q::Raw>,
    stop: &Stop,
) -> Result<(), StoreError> {
    for message in suspects {
        if *stop.borrow() {
            break;
        }
        tags.done(stepper.suspect(message).await?);
    }
    Ok(())
}

/// What finishes next; `None` where nothing is under way.
async fn next<T: 'static>(under_way: &mut JoinSet<T>) -> Option<T> {
    // A unit catches what panics in it; a panic beyond that is the lane's as well.
    match under_way.join_next().await?.map_err(JoinError::try_into_panic) {
        Ok(done) => Some(done),
        Err(Ok(panic)) => std::panic::resume_unwind(panic),
        // Only the end of the whole runtime cancels a unit, and it ends this lane too.
        Err(Err(_)) => std::future::pending().await,
    }
}

/// Dead letters first: a message is acknowledged only when it is safe somewhere else. Whether there was anything.
async fn settle<S: Store, Q: Queue>(
    worker: &Worker<S, Q>,
    consumer: &mut Q::Consumer,
    (tags, letters): (Vec<Tag>, Vec<DeadLetter<Q::Raw>>),
) -> Result<bool, QueueError> {
    if !letters.is_empty() {
        worker.queue.bury(letters).await?;
    }
    if !tags.is_empty() {
        consumer.ack(&tags).await?;
    }
    Ok(!tags.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_batches_are_worth_a_unit_as_they_are() {
        assert_eq!((worth(0, 500), worth(1500, 500), worth(0, 10), worth(100, 10)), (64, 250, 10, 10));
    }
}
