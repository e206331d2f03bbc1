//! The publishing connection: opened when first needed, shared by all that send, given up at the first lost confirm.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lapin::Channel;
use lapin::options::ConfirmSelectOptions;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::session::{Session, lost, silent};
use super::{Shared, declare};
use crate::queue::QueueError;

/// How often a blocked connection is looked at.
const BLOCKED_LOOK: Duration = Duration::from_millis(50);

/// After an unroutable message the topology is declared again, but no more often than this.
const DECLARE_PAUSE: Duration = Duration::from_secs(1);

/// How long a close waits for somebody who is just opening the connection.
const CLOSE_WAIT: Duration = Duration::from_secs(2);

/// The place where the connection is, if there is one.
#[derive(Default)]
pub struct LineSlot(tokio::sync::Mutex<Option<Arc<Line>>>);

/// One publishing connection and its idle channels.
pub struct Line {
    pub session: Session,
    idle: Mutex<Vec<Channel>>,
    /// Whether a message was confirmed here. Until then one at a time is sent: a broker with an alarm says so only
    /// after the first, and takes in the rest, to publish them long after they were given up.
    proven: AtomicBool,
    declared_at: Mutex<Option<Instant>>,
}

impl LineSlot {
    /// The connection, opened where there is none, when it takes messages.
    ///
    /// # Errors
    /// Those of opening it, and [`QueueError::SessionLost`] where it takes no messages until `until`.
    pub async fn open(&self, shared: &Shared, until: Instant) -> Result<Arc<Line>, QueueError> {
        let opened = timeout_at(until, async {
            let mut current = self.0.lock().await;
            let line = match current.take().filter(|line| line.session.is_connected()) {
                Some(line) => line,
                None => {
                    let session = Session::open(shared, "publish").await?;
                    shared.lines.fetch_add(1, Ordering::Relaxed);
                    Arc::new(Line::new(session))
                }
            };
            *current = Some(line.clone());
            line.declare(shared).await?;
            Ok(line)
        });
        let within = shared.settings.publish_within;
        let line = opened.await.unwrap_or_else(|_| Err(silent("on a publishing connection", within)))?;
        while line.session.is_blocked() {
            if timeout_at(until, sleep(BLOCKED_LOOK)).await.is_err() {
                let why = "the broker has an alarm (memory or disk) and takes no messages";
                return Err(QueueError::SessionLost(why.to_string()));
            }
        }
        Ok(line)
    }

    /// Ends the connection; the next message opens another.
    pub async fn close(&self) {
        let Ok(mut current) = timeout(CLOSE_WAIT, self.0.lock()).await else { return };
        match current.take().map(Arc::try_unwrap) {
            Some(Ok(line)) => line.session.end().await,
            // Somebody is still sending: their answer will be that it is unknown.
            Some(Err(line)) => line.session.cut(),
            None => {}
        }
    }
}

impl Line {
    fn new(session: Session) -> Line {
        Line { session, idle: Mutex::default(), proven: AtomicBool::new(false), declared_at: Mutex::default() }
    }

    pub fn is_proven(&self) -> bool {
        self.proven.load(Ordering::Relaxed)
    }

    pub fn set_proven(&self, proven: bool) {
        self.proven.store(proven, Ordering::Relaxed);
    }

    /// A channel with confirms, nothing outstanding on it.
    ///
    /// # Errors
    /// [`QueueError::SessionLost`].
    pub async fn channel(&self, until: Instant) -> Result<Channel, QueueError> {
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
        let late = || QueueError::SessionLost("no channel was opened in time".to_string());
        opened.await.unwrap_or_else(|_| Err(late()))
    }

    /// Keeps a channel whose every confirm is in for the next window.
    pub fn put_back(&self, channel: Channel) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(channel);
    }

    /// Declares the topology where that is due. Publishing goes on where the broker refuses: whether a message found a
    /// queue is known from its confirm, and the consumer's refusal is the one that a person gets to see.
    async fn declare(&self, shared: &Shared) -> Result<(), QueueError> {
        if !shared.settings.declare || shared.is_declared() || !self.may_declare() {
            return Ok(());
        }
        match declare::declare(&shared.topology, &self.session).await {
            Ok(()) => {}
            Err(error @ QueueError::Refused(_)) => tracing::warn!(%error, "publishing with what is there"),
            Err(error) => return Err(error),
        }
        // Refused counts as done, too: asking again would change nothing.
        shared.set_declared();
        Ok(())
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
