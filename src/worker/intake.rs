//! The intake lane: a supervised consumer whose batches go through the step, then are acknowledged.
//!
//! Any error of the session drops the whole session and builds a new one after a pause. When the database is
//! away the session is closed at once, so that an outage costs each message one delivery, not many.

use std::time::Duration;

use opentelemetry::trace::FutureExt as _;

use super::backoff::Backoff;
use super::step::{Batch, Handled, Stepper, chain};
use super::{Stop, Worker, stopped};
use crate::queue::{Consumer, Queue, QueueError};
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

async fn consume<S: Store, Q: Queue>(
    worker: &Worker<S, Q>,
    mut consumer: Q::Consumer,
    stop: &mut Stop,
    backoff: &mut Backoff,
) -> Ended {
    let settings = worker.settings.clone();
    let stepper = Stepper { worker };
    // Read while the one before was worked: all that came meanwhile, so that nothing waits for a second turn.
    let mut next: Option<Result<Batch<_>, QueueError>> = None;
    loop {
        let batch = match next.take() {
            Some(batch) if !*stop.borrow() => batch,
            _ => tokio::select! {
                biased;
                () = stopped(stop) => {
                    consumer.close().await;
                    return Ended::Stopped;
                }
                batch = consumer.receive(settings.batch_size, settings.batch_linger) => batch.map(|b| stepper.read(b)),
            },
        };
        let batch = match batch {
            Ok(batch) => batch,
            Err(error) => return Ended::Queue(error),
        };
        let received = trace::receive(batch.len(), batch.contexts());
        let worked = {
            let mut work = std::pin::pin!(stepper.work_batch(batch).with_context(received));
            loop {
                let room = match &next {
                    None => settings.batch_size,
                    Some(Ok(batch)) => settings.batch_size.saturating_sub(batch.deliveries()),
                    Some(Err(_)) => 0,
                };
                tokio::select! {
                    biased;
                    worked = &mut work => break worked,
                    // Given up half-way it loses nothing: what has arrived stays with the consumer.
                    more = consumer.receive(room, Duration::ZERO), if room > 0 => {
                        let more = more.map(|deliveries| stepper.read(deliveries));
                        next = Some(match (next.take(), more) {
                            (Some(Ok(batch)), Ok(more)) => Ok(batch.with(more)),
                            (_, more) => more,
                        });
                    }
                }
            }
        };
        match worked {
            Ok(handled) => {
                if let Err(error) = settle(worker, &mut consumer, handled).await {
                    return Ended::Queue(error);
                }
                backoff.reset();
            }
            Err(error) => {
                consumer.close().await;
                return Ended::Store(error);
            }
        }
    }
}

/// Dead letters first: a message is acknowledged only when it is safe somewhere else.
async fn settle<S: Store, Q: Queue>(
    worker: &Worker<S, Q>,
    consumer: &mut Q::Consumer,
    handled: Handled<Q::Raw>,
) -> Result<(), QueueError> {
    let Handled { mut done, dead } = handled;
    if !dead.is_empty() {
        let (tags, letters): (Vec<_>, Vec<_>) = dead.into_iter().unzip();
        worker.queue.bury(letters).await?;
        done.extend(tags);
    }
    done.sort_unstable();
    if done.is_empty() { Ok(()) } else { consumer.ack(&done).await }
}
