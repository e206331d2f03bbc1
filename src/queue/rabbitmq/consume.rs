//! Receiving events: one connection, one consumer, one generation of deliveries.
//!
//! Any error, an end of the stream, a failed acknowledgement or a silent queue ends the whole life; nothing is mended
//! in place. What was not acknowledged comes again to whoever consumes next.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{FutureExt, join_all};
use futures_util::stream::StreamExt;
use lapin::message::Delivery as Arrival;
use lapin::options::{
    BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions, QueueDeclareOptions,
};
use lapin::types::FieldTable;
use lapin::{Acker, BasicProperties, Channel};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::session::{Session, lost, reply_code, short};
use super::{Shared, declare, properties};
use crate::queue::{Consumer, Delivery, QueueError, Tag};

/// How long acknowledgements may take to be written. A peer that takes none for so long is gone.
const SETTLE: Duration = Duration::from_secs(5);

pub struct RabbitConsumer {
    shared: Arc<Shared>,
    session: Session,
    channel: Channel,
    /// A second channel for looking at the queue: a refused look closes its channel.
    side: Channel,
    stream: lapin::Consumer,
    generation: u64,
    prefetch: u16,
    /// The prefetch in force, which starts at 1; see [`RabbitConsumer::wider`].
    window: u16,
    /// Arrived, not yet handed out. Kept here and not in a future, so that a cancelled `receive` loses nothing.
    arrived: VecDeque<Arrival>,
    /// Handed out, not yet settled, by delivery tag.
    unsettled: BTreeMap<u64, Acker>,
    /// Whether a delivery was seen that was never given to anybody before.
    fresh: bool,
    next_look: Instant,
    /// Whether the last look found messages waiting although nothing holds them back.
    suspicious: bool,
    ended: Option<String>,
}

impl RabbitConsumer {
    pub(super) async fn open(shared: Arc<Shared>, prefetch: u16) -> Result<RabbitConsumer, QueueError> {
        let session = Session::open(&shared, "consume").await?;
        if shared.settings.declare {
            declare::declare(&shared.topology, &session).await?;
            shared.set_declared();
        }
        let (channel, side) = (session.channel().await?, session.channel().await?);
        let window = 1;
        let stream = subscribe(&shared, &session, &channel, window).await?;
        Ok(RabbitConsumer {
            generation: shared.next_generation(),
            next_look: Instant::now() + shared.settings.idle_check,
            shared,
            session,
            channel,
            side,
            stream,
            prefetch,
            window,
            arrived: VecDeque::new(),
            unsettled: BTreeMap::new(),
            fresh: false,
            suspicious: false,
            ended: None,
        })
    }

    /// How many more the broker may send before something is settled.
    fn credit(&self) -> usize {
        usize::from(self.window).saturating_sub(self.arrived.len() + self.unsettled.len())
    }

    /// Takes in one item of the stream, whose every item but a delivery is its end.
    fn take_in(&mut self, item: Option<lapin::Result<Arrival>>) -> Result<(), QueueError> {
        match item {
            Some(Ok(arrival)) => {
                self.fresh |= !arrival.redelivered;
                self.arrived.push_back(arrival);
                self.next_look = Instant::now() + self.shared.settings.idle_check;
                self.suspicious = false;
                Ok(())
            }
            Some(Err(error)) => Err(self.end(error.to_string())),
            None => {
                self.shared.declare_again();
                let queue = &self.shared.topology.names.events_queue;
                tracing::warn!(%queue, "the broker ended the consumer: the queue was deleted or moved; it is declared again");
                Err(self.end(format!("the broker ended the consumer of {queue}")))
            }
        }
    }

    fn end(&mut self, why: String) -> QueueError {
        self.arrived.clear();
        self.unsettled.clear();
        self.session.cut();
        QueueError::SessionLost(self.ended.get_or_insert(why).clone())
    }

    fn not_ended(&self) -> Result<(), QueueError> {
        match &self.ended {
            Some(why) => Err(QueueError::SessionLost(why.clone())),
            None => Ok(()),
        }
    }

    /// Asks whether messages wait although this consumer could take more: then deliveries have stopped reaching it.
    /// Two looks in a row must say so, since between a publish and its delivery one may.
    async fn look(&mut self) -> Result<(), QueueError> {
        let queue = self.shared.topology.names.events_queue.clone();
        if self.credit() > 0 {
            let options = QueueDeclareOptions { passive: true, ..Default::default() };
            let look = self.side.queue_declare(short(&queue), options, FieldTable::default());
            let waiting = match self.session.answer(&queue, look).await {
                Ok(Ok(queue)) => queue.message_count(),
                Ok(Err(error)) => {
                    if reply_code(&error) == Some(404) {
                        self.shared.declare_again();
                    }
                    return Err(self.end(error.to_string()));
                }
                Err(silence) => return Err(self.end(silence.to_string())),
            };
            if waiting > 0 && self.suspicious {
                return Err(self.end(format!("{waiting} messages wait in {queue} and none is delivered")));
            }
            self.suspicious = waiting > 0;
        }
        let pause = self.shared.settings.idle_check;
        self.next_look = Instant::now() + if self.suspicious { pause / 6 } else { pause };
        Ok(())
    }

    /// How many deliveries at a time the broker may send once these are settled, where that is more than now.
    ///
    /// A life starts with one at a time and stays careful as long as what arrives was given to somebody before: doubling
    /// whenever a full window is settled. A message that ends lives (it cannot be parsed, it kills the process) would
    /// otherwise count as a delivery for everything prefetched beside it, and the broker would set the innocent aside
    /// with it. The first fresh one shows that the suspects are through, since those come first.
    fn wider(&self, settled: usize) -> Option<u16> {
        if self.credit() > 0 || !self.arrived.is_empty() {
            return None;
        }
        let left = u16::try_from(self.unsettled.len().saturating_sub(settled)).unwrap_or(u16::MAX);
        let window = match (self.fresh, left) {
            (true, left) => self.prefetch.saturating_sub(left),
            (false, 0) => self.window.saturating_mul(2).min(self.prefetch),
            (false, _) => return None,
        };
        (window > self.window).then_some(window)
    }

    /// Stops deliveries. Nothing is under way, since there is no credit when this is called.
    async fn pause(&mut self) -> Result<(), QueueError> {
        let cancel = self.channel.basic_cancel(self.stream.tag(), BasicCancelOptions::default());
        match self.session.answer("ending a consumer", cancel).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.end(error.to_string())),
            Err(silence) => Err(self.end(silence.to_string())),
        }
    }

    /// Lets deliveries come again, more at a time: the prefetch belongs to a consumer from its beginning, so a wider one
    /// is a new consumer on the same channel.
    async fn resume(&mut self, window: u16) {
        match subscribe(&self.shared, &self.session, &self.channel, window).await {
            Ok(stream) => (self.stream, self.window) = (stream, window),
            // The next call tells.
            Err(error) => drop(self.end(error.to_string())),
        }
    }

    /// The delivery tags behind these tags, in order.
    fn outstanding(&self, tags: &[Tag]) -> Result<Vec<u64>, QueueError> {
        self.not_ended()?;
        if tags.iter().any(|tag| tag.generation != self.generation) {
            let why = "these deliveries belong to an earlier session and come again";
            return Err(QueueError::SessionLost(why.to_string()));
        }
        let mut numbers: Vec<u64> = tags.iter().map(|tag| tag.number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        match numbers.iter().find(|number| !self.unsettled.contains_key(number)) {
            Some(other) => {
                Err(QueueError::Refused(format!("delivery {other} was settled before, or never handed out")))
            }
            None => Ok(numbers),
        }
    }

    async fn settle(&mut self, numbers: Vec<u64>, how: Settle) -> Result<(), QueueError> {
        // One frame settles everything outstanding up to a tag: right for the run that starts at the oldest outstanding.
        // What has arrived and was not handed out is younger than all of these, so no such frame reaches it.
        let run = self.unsettled.keys().zip(&numbers).take_while(|(outstanding, tag)| outstanding == tag).count();
        let ackers: Vec<Acker> = numbers.iter().filter_map(|number| self.unsettled.remove(number)).collect();
        let (run, rest) = ackers.split_at(run);
        let run = run.last().map(|last| how.send(last, run.len() > 1));
        let rest = rest.iter().map(|acker| how.send(acker, false));
        match timeout(SETTLE, join_all(run.into_iter().chain(rest))).await {
            Ok(sent) => {
                for sent in sent {
                    match sent {
                        Ok(true) => {}
                        // The acker's channel is dead: nothing was sent.
                        Ok(false) => return Err(self.end("the channel closed before the acknowledgement".to_string())),
                        Err(error) => return Err(self.end(error.to_string())),
                    }
                }
            }
            Err(_) => return Err(self.end(format!("an acknowledgement could not be written within {SETTLE:?}"))),
        }
        Ok(())
    }
}

#[derive(Clone, Copy)]
enum Settle {
    Done,
    Again,
}

impl Settle {
    async fn send(self, acker: &Acker, multiple: bool) -> lapin::Result<bool> {
        match self {
            Settle::Done => acker.ack(BasicAckOptions { multiple }).await,
            Settle::Again => acker.nack(BasicNackOptions { multiple, requeue: true }).await,
        }
    }
}

async fn subscribe(
    shared: &Shared,
    session: &Session,
    channel: &Channel,
    window: u16,
) -> Result<lapin::Consumer, QueueError> {
    let queue = &shared.topology.names.events_queue;
    // The only back-pressure there is: lapin keeps whatever arrives. Quorum queues know no global limit.
    let limit = channel.basic_qos(window, BasicQosOptions { global: false });
    session.answer("the prefetch", limit).await?.map_err(|error| lost(&error))?;
    let options = BasicConsumeOptions::default();
    let consume = channel.basic_consume(short(queue), short(""), options, FieldTable::default());
    session.answer(queue, consume).await?.map_err(|error| match reply_code(&error) {
        Some(403) => QueueError::Refused(format!("this user may not read the queue {queue}")),
        Some(404) => {
            shared.declare_again();
            lost(&error)
        }
        _ => lost(&error),
    })
}

impl Consumer for RabbitConsumer {
    type Raw = BasicProperties;

    async fn receive(&mut self, max: usize, linger: Duration) -> Result<Vec<Delivery<BasicProperties>>, QueueError> {
        self.not_ended()?;
        while self.arrived.is_empty() {
            tokio::select! {
                biased;
                item = self.stream.next() => self.take_in(item)?,
                () = sleep_until(self.next_look) => self.look().await?,
            }
        }
        let max = max.max(1);
        let until = Instant::now() + linger;
        while self.arrived.len() < max {
            if let Some(item) = self.stream.next().now_or_never() {
                self.take_in(item)?;
            } else if self.credit() == 0 {
                // Nothing more can come until something is settled.
                break;
            } else if let Ok(item) = timeout_at(until, self.stream.next()).await {
                self.take_in(item)?;
            } else {
                break;
            }
        }
        let count = self.arrived.len().min(max);
        let arrivals = self.arrived.drain(..count);
        Ok(arrivals
            .map(|arrival| {
                let meta = properties::meta(
                    arrival.exchange.as_str(),
                    arrival.routing_key.as_str(),
                    &arrival.properties,
                    arrival.redelivered,
                );
                let tag = Tag { generation: self.generation, number: arrival.delivery_tag };
                self.unsettled.insert(arrival.delivery_tag, arrival.acker);
                Delivery { body: arrival.data, meta, raw: arrival.properties, tag }
            })
            .collect())
    }

    async fn ack(&mut self, tags: &[Tag]) -> Result<(), QueueError> {
        let numbers = self.outstanding(tags)?;
        let Some(window) = self.wider(numbers.len()) else { return self.settle(numbers, Settle::Done).await };
        self.pause().await?;
        self.settle(numbers, Settle::Done).await?;
        self.resume(window).await;
        Ok(())
    }

    async fn release(&mut self, tags: &[Tag]) -> Result<(), QueueError> {
        let numbers = self.outstanding(tags)?;
        self.settle(numbers, Settle::Again).await
    }

    async fn close(self) {
        self.session.end().await;
    }
}
