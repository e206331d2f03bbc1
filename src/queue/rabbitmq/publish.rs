//! Sending: tasks, dead letters and events, each window of messages on a channel of its own, mandatory and confirmed.
//!
//! The connection is opened when first needed and given up at the first lost confirm. Every call has one bound on
//! everything it does; what is unanswered by then is unknown, never assumed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lapin::options::ConfirmSelectOptions;
use lapin::{BasicProperties, Channel};
use tokio::time::{Instant, sleep, timeout_at};

use super::session::{Session, lost, silent};
use super::window::{Fate, Outgoing, Window, send};
use super::{Shared, declare, properties};
use crate::queue::{DeadLetter, EventMessage, Published, QueueError, TaskMessage};

/// Most messages, and bytes of bodies, that wait for their confirms at a time on one channel. A thousand keeps the
/// broker busy over any link; the bytes keep dead letters of 1 MiB from filling the memory.
const WINDOW: usize = 1000;
const WINDOW_BYTES: usize = 8 << 20;

/// How often a blocked connection is looked at.
const BLOCKED_LOOK: Duration = Duration::from_millis(50);

/// After an unroutable message the topology is declared again, but no more often than this.
const DECLARE_PAUSE: Duration = Duration::from_secs(1);

pub struct Publisher {
    shared: Arc<Shared>,
    line: tokio::sync::Mutex<Option<Arc<Line>>>,
}

/// One publishing connection and its idle channels.
struct Line {
    session: Session,
    idle: Mutex<Vec<Channel>>,
    /// Whether a message was confirmed here. Until then one at a time is sent: a broker with an alarm says so only
    /// after the first, and takes in the rest, to publish them long after they were given up.
    proven: AtomicBool,
    declared_at: Mutex<Option<Instant>>,
}

impl Publisher {
    pub fn new(shared: Arc<Shared>) -> Publisher {
        Publisher { shared, line: tokio::sync::Mutex::new(None) }
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
        if let Some(why) = why {
            let cause = std::error::Error::source(&why).map(tracing::field::display);
            tracing::warn!(error = %why, cause, "tasks could not be published");
        }
        self.heal(messages, &fates);
        fates.into_iter().map(Published::from).collect()
    }

    pub async fn letters(&self, letters: &[DeadLetter<BasicProperties>]) -> Result<(), QueueError> {
        let exchange = &self.shared.topology.names.dead;
        let until = self.deadline();
        let frame_bytes = self.line(until).await?.session.frame_bytes();
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
        if let Some(line) = self.line.lock().await.take() {
            match Arc::try_unwrap(line) {
                Ok(line) => line.session.end().await,
                // Somebody is still sending: their answer will be that it is unknown.
                Err(line) => line.session.cut(),
            }
        }
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
        let line = self.line(until).await?;
        let channel = line.channel(until).await?;
        let most = if line.proven.load(Ordering::Relaxed) { WINDOW } else { 1 };
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
                line.proven.store(true, Ordering::Relaxed);
                line.put_back(channel);
            }
            // An exchange was deleted: only the channel is lost, and it is declared again.
            Some(_) if window.missing => self.shared.declare_again(),
            // Blocked, with one message under way at most: kept, since every new connection would hang there too.
            Some(_) if count == 1 && line.session.is_blocked() => line.proven.store(false, Ordering::Relaxed),
            Some(_) => line.session.cut(),
        }
        Ok(window)
    }

    /// The connection, opened where there is none, when it takes messages.
    async fn line(&self, until: Instant) -> Result<Arc<Line>, QueueError> {
        let opened = timeout_at(until, async {
            let mut current = self.line.lock().await;
            let line = match current.take().filter(|line| line.session.is_connected()) {
                Some(line) => line,
                None => {
                    let session = Session::open(&self.shared, "publish").await?;
                    Arc::new(Line {
                        session,
                        idle: Mutex::default(),
                        proven: AtomicBool::new(false),
                        declared_at: Mutex::default(),
                    })
                }
            };
            *current = Some(line.clone());
            self.declare(&line).await?;
            Ok(line)
        });
        let line = opened
            .await
            .unwrap_or_else(|_| Err(silent("to a publishing connection", self.shared.settings.publish_within)))?;
        while line.session.is_blocked() {
            if timeout_at(until, sleep(BLOCKED_LOOK)).await.is_err() {
                return Err(QueueError::SessionLost(
                    "the broker has an alarm (memory or disk) and takes no messages".to_string(),
                ));
            }
        }
        Ok(line)
    }

    /// Declares the topology where that is due. Publishing goes on where the broker refuses: whether a message found a
    /// queue is known from its confirm, and the consumer's refusal is the one that a person gets to see.
    async fn declare(&self, line: &Line) -> Result<(), QueueError> {
        if !self.shared.settings.declare || self.shared.is_declared() || !line.may_declare() {
            return Ok(());
        }
        match declare::declare(&self.shared.topology, &line.session).await {
            Ok(()) => self.shared.set_declared(),
            Err(error @ QueueError::Refused(_)) => tracing::warn!(%error, "publishing with what is there"),
            Err(error) => return Err(error),
        }
        Ok(())
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

impl Line {
    async fn channel(&self, until: Instant) -> Result<Channel, QueueError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        if let Some(channel) = idle.filter(|channel| channel.status().connected()) {
            return Ok(channel);
        }
        let opened = timeout_at(until, async {
            let channel = self.session.channel().await?;
            let select = channel.confirm_select(ConfirmSelectOptions::default());
            self.session.answer("confirms", select).await?.map_err(|error| lost(&error))?;
            Ok(channel)
        });
        opened.await.unwrap_or_else(|_| Err(silent("to a new channel", Duration::ZERO)))
    }

    fn put_back(&self, channel: Channel) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(channel);
    }

    fn may_declare(&self) -> bool {
        let mut last = self.declared_at.lock().unwrap_or_else(PoisonError::into_inner);
        let due = last.is_none_or(|last| last.elapsed() >= DECLARE_PAUSE);
        if due {
            *last = Some(Instant::now());
        }
        due
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
