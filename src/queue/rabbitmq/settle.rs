//! Acknowledging and giving back what a consumer handed out, and how many deliveries at a time it may have.
//!
//! Both belong together: only what is acknowledged shows that a consumer can be trusted with more.

use std::time::Duration;

use futures_util::future::{FutureExt, join_all};
use futures_util::stream::StreamExt;
use lapin::Acker;
use lapin::options::{BasicAckOptions, BasicCancelOptions, BasicNackOptions};
use tokio::time::timeout;

use super::consume::{RabbitConsumer, subscribe};
use crate::queue::{QueueError, Tag};

/// How long acknowledgements may take to be written. A peer that takes none for so long is gone.
const SETTLE: Duration = Duration::from_secs(5);

#[derive(Clone, Copy)]
pub(super) enum Settle {
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

impl RabbitConsumer {
    /// How many deliveries at a time the broker may send once these are settled, where that is more than now.
    ///
    /// A life starts with one at a time and stays careful as long as what arrives was given to somebody before: doubling
    /// whenever a full window is settled. A message that ends lives (it cannot be parsed, it kills the process) would
    /// otherwise count as a delivery for everything prefetched beside it, and the broker would set the innocent aside
    /// with it. As every end leaves at most half as many at risk, an innocent one is delivered 11 times at worst with a
    /// prefetch of 500 and two times more with 1500 (simulated for every place of the culprit), of the 20 allowed. The first fresh
    /// one shows that the suspects are through, since those come first.
    pub(super) fn wider(&self, settled: usize) -> Option<u16> {
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

    /// Stops deliveries. What the broker had sent by then is in the stream, and is taken over: the credit counts what an
    /// earlier consumer was given too, so that something may have been under way.
    pub(super) async fn pause(&mut self) -> Result<(), QueueError> {
        let cancel = self.channel.basic_cancel(self.stream.tag(), BasicCancelOptions::default());
        match self.session.answer("ending a consumer", cancel).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(self.end(error.to_string())),
            Err(silence) => return Err(self.end(silence.to_string())),
        }
        // Its end is the end that was asked for.
        while let Some(Some(item)) = self.stream.next().now_or_never() {
            match item {
                Ok(arrival) => self.arrived.push_back(arrival),
                Err(error) => return Err(self.end(error.to_string())),
            }
        }
        Ok(())
    }

    /// Lets deliveries come again, more at a time: the prefetch belongs to a consumer from its beginning, so a wider one
    /// is a new consumer on the same channel.
    pub(super) async fn resume(&mut self, window: u16) {
        match subscribe(&self.shared, &self.session, &self.channel, window).await {
            Ok(stream) => (self.stream, self.window) = (stream, window),
            // The next call tells.
            Err(error) => drop(self.end(error.to_string())),
        }
    }

    /// The delivery tags behind these tags, in order.
    pub(super) fn outstanding(&self, tags: &[Tag]) -> Result<Vec<u64>, QueueError> {
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

    pub(super) async fn settle(&mut self, numbers: Vec<u64>, how: Settle) -> Result<(), QueueError> {
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
