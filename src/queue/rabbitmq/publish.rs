//! Sending: tasks, dead letters and events, each window of messages on a channel of its own, mandatory and confirmed.
//!
//! Every call has one bound on everything it does; what is unanswered by then is unknown, never assumed.

use std::sync::{Arc, Mutex, PoisonError};

use lapin::BasicProperties;
use tokio::time::Instant;

use super::line::LineSlot;
use super::window::{Fate, Outgoing, Window, send};
use super::{Shared, properties};
use crate::queue::{DeadLetter, EventMessage, Published, QueueError, TaskMessage};

/// Most messages, and bytes of bodies, that wait for their confirms at a time on one channel. A thousand keeps the
/// broker busy over any link; the bytes keep dead letters of 1 MiB from filling the memory.
const WINDOW: usize = 1000;
const WINDOW_BYTES: usize = 8 << 20;

pub struct Publisher {
    pub(super) shared: Arc<Shared>,
    pub(super) line: LineSlot,
    /// What was last said about tasks that could not be published, so that an outage is said once.
    said: Mutex<Option<String>>,
}

impl Publisher {
    pub fn new(shared: Arc<Shared>) -> Publisher {
        Publisher { shared, line: LineSlot::default(), said: Mutex::default() }
    }

    pub async fn tasks(&self, messages: &[TaskMessage]) -> Vec<Published> {
        let exchange = &self.shared.topology.names.tasks;
        let outgoing: Vec<Outgoing> = messages
            .iter()
            .map(|task| Outgoing {
                exchange,
                routing_key: &task.routing_key,
                body: &task.body,
                properties: properties::of_task(task),
            })
            .collect();
        let (fates, why) = self.send_all(&outgoing, self.deadline()).await;
        self.say(why);
        self.heal(messages, &fates);
        fates.into_iter().map(Published::from).collect()
    }

    pub async fn letters(&self, letters: &[DeadLetter<BasicProperties>]) -> Result<(), QueueError> {
        if letters.is_empty() {
            return Ok(());
        }
        let exchange = &self.shared.topology.names.dead;
        let until = self.deadline();
        let frame_bytes = self.line.open(&self.shared, until).await?.session.frame_bytes();
        let outgoing: Vec<Outgoing> = letters
            .iter()
            .map(|letter| Outgoing {
                exchange,
                routing_key: &letter.meta.routing_key,
                body: &letter.body,
                properties: properties::of_letter(letter, frame_bytes),
            })
            .collect();
        self.all_there(&outgoing, "dead letters", until).await
    }

    pub async fn events(&self, events: &[EventMessage]) -> Result<(), QueueError> {
        if let Some(event) = events.iter().find(|event| event.routing_key.len() > 255) {
            let bytes = event.routing_key.len();
            return Err(QueueError::Refused(format!("a routing key of {bytes} bytes; AMQP allows 255")));
        }
        let exchange = &self.shared.topology.names.leads;
        let outgoing: Vec<Outgoing> = events
            .iter()
            .map(|event| Outgoing {
                exchange,
                routing_key: &event.routing_key,
                body: &event.body,
                properties: properties::of_event(),
            })
            .collect();
        self.all_there(&outgoing, "events", self.deadline()).await
    }

    /// Sends messages of which every one must be there in the end.
    pub async fn all_there(&self, outgoing: &[Outgoing<'_>], what: &str, until: Instant) -> Result<(), QueueError> {
        let (fates, why) = self.send_all(outgoing, until).await;
        if let Some(why) = why {
            return Err(why);
        }
        let count = |fate| fates.iter().filter(|&&got| got == fate).count();
        let (unroutable, refused) = (count(Fate::Returned), count(Fate::Nacked));
        if unroutable > 0 {
            self.shared.declare_again();
            return Err(QueueError::SessionLost(format!(
                "no queue is bound for {unroutable} {what}; it is declared again"
            )));
        }
        if refused > 0 {
            return Err(QueueError::SessionLost(format!("the broker refused {refused} of {} {what}", fates.len())));
        }
        Ok(())
    }

    pub async fn close(&self) {
        self.line.close().await;
    }

    /// When a call that starts now must be over.
    pub fn deadline(&self) -> Instant {
        Instant::now() + self.shared.settings.publish_within
    }

    /// Sends window by window, and says why it stopped where it did.
    async fn send_all(&self, outgoing: &[Outgoing<'_>], until: Instant) -> (Vec<Fate>, Option<QueueError>) {
        let mut fates = Vec::with_capacity(outgoing.len());
        let mut why = None;
        while fates.len() < outgoing.len() {
            match self.send_some(&outgoing[fates.len()..], until).await {
                Ok(window) => {
                    fates.extend(window.fates);
                    why = window.lost;
                }
                Err(error) => why = Some(error),
            }
            if why.is_some() {
                break;
            }
        }
        fates.resize(outgoing.len(), Fate::Unknown);
        (fates, why)
    }

    /// Sends the next window's worth.
    async fn send_some(&self, outgoing: &[Outgoing<'_>], until: Instant) -> Result<Window, QueueError> {
        let line = self.line.open(&self.shared, until).await?;
        let channel = line.channel(until).await?;
        let most = if line.is_proven() { WINDOW } else { 1 };
        let mut bytes = 0;
        let count = outgoing.iter().take(most).take_while(|message| {
            let first = bytes == 0;
            bytes += message.body.len() + 1;
            first || bytes <= WINDOW_BYTES
        });
        let count = count.count();
        let window = send(&channel, &outgoing[..count], until).await;
        match &window.lost {
            None => {
                line.set_proven(true);
                line.put_back(channel);
            }
            // An exchange was deleted: only the channel is lost, and it is declared again.
            Some(_) if window.missing => self.shared.declare_again(),
            // Blocked, with one message under way at most: kept, since every new connection would hang there too.
            Some(_) if count == 1 && line.session.is_blocked() => line.set_proven(false),
            Some(_) => line.session.cut(),
        }
        Ok(window)
    }

    /// Says why tasks cannot be published when that begins or changes, and when it is over.
    fn say(&self, why: Option<QueueError>) {
        let now = why.map(|why| match std::error::Error::source(&why) {
            Some(cause) => format!("{why}: {cause}"),
            None => why.to_string(),
        });
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        match (&*said, &now) {
            (before, Some(why)) if before.as_ref() != Some(why) => tracing::warn!(%why, "tasks cannot be published"),
            (Some(_), None) => tracing::info!("tasks are published again"),
            _ => {}
        }
        *said = now;
    }

    /// A task returned although a queue should be bound for it: somebody deleted the queue.
    fn heal(&self, messages: &[TaskMessage], fates: &[Fate]) {
        let routes = &self.shared.topology.routes;
        let mut returned = messages.iter().zip(fates).filter(|(_, fate)| **fate == Fate::Returned);
        if returned.any(|(task, _)| !routes.queues_for(&task.routing_key).is_empty()) {
            self.shared.declare_again();
        }
    }
}

impl From<Fate> for Published {
    fn from(fate: Fate) -> Published {
        match fate {
            Fate::Taken => Published::Confirmed,
            Fate::Returned => Published::Unroutable,
            Fate::Nacked => Published::Refused,
            Fate::Unknown => Published::Unknown,
        }
    }
}
