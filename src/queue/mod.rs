//! The seam to the message broker: events in, tasks out, dead letters aside.
//!
//! Two implementations keep one contract, proved by one suite (`tests/it/queue_contract.rs`): [`rabbitmq`] for
//! production, [`local`] (a SQLite file) for the embedded profile. Nothing here knows what an event means.

pub mod local;
pub mod rabbitmq;
mod routes;

use std::fmt;
use std::future::Future;
use std::time::Duration;

pub use routes::{Overrides, Routes};

/// A queue that one kind of desk works off, and which tasks go there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskQueue {
    /// Names the queue: `tasks.<suffix>`, and the pull path `/tasks/<suffix>`.
    pub suffix: &'static str,
    /// Routing keys of its tasks; its revocations come under [`revocation_key`].
    pub keys: &'static [&'static str],
}

/// The standard task queues. A deployment may bind other keys through [`Routes`].
pub const TASK_QUEUES: &[TaskQueue] = &[
    TaskQueue { suffix: "calls-now", keys: &["task.follow_up.call.now"] },
    TaskQueue { suffix: "calls", keys: &["task.follow_up.call.normal"] },
    TaskQueue { suffix: "outreach", keys: &["task.follow_up.email", "task.follow_up.sms"] },
    TaskQueue { suffix: "contact-repair", keys: &["task.contact_repair"] },
    TaskQueue { suffix: "nurture", keys: &["task.nurture_check_in"] },
    TaskQueue { suffix: "referral-ask", keys: &["task.referral_ask"] },
    TaskQueue { suffix: "referral-handoff", keys: &["task.referral_handoff"] },
    TaskQueue { suffix: "swap", keys: &["task.swap_offer"] },
    TaskQueue { suffix: "practice", keys: &["task.practice"] },
    TaskQueue { suffix: "disengage", keys: &["task.disengage"] },
    TaskQueue { suffix: "review", keys: &["task.review"] },
];

/// The routing key under which revocations reach the queue with this suffix.
pub fn revocation_key(suffix: &str) -> String {
    format!("task.revoked.{suffix}")
}

/// Most tasks that wait in one task queue before it refuses more: a desk that stopped working must push back
/// on its own queue only, and a hundred thousand is days of work for any of them.
pub const TASK_QUEUE_LIMIT: u32 = 100_000;

/// How often an event may come again before the broker itself sets it aside. A lost connection counts as a
/// delivery for everything prefetched, so this leaves room for a bad day; real failures are counted elsewhere.
pub const EVENT_DELIVERY_LIMIT: u32 = 20;

/// A message received, not yet acknowledged.
#[derive(Clone, Debug)]
pub struct Delivery<R> {
    pub body: Vec<u8>,
    pub meta: Meta,
    /// The broker's own properties and headers, carried untouched so that a dead letter can be the original.
    pub raw: R,
    pub tag: Tag,
}

/// What the decoder may need to know about a message besides its body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meta {
    pub exchange: String,
    pub routing_key: String,
    pub content_type: Option<String>,
    /// The sender's time stamp in milliseconds since 1970, where the broker carried one.
    pub timestamp_ms: Option<i64>,
    /// Headers whose value is text, a number or a truth value, as text; others are left out here and stay in `raw`.
    pub headers: Vec<(String, String)>,
    /// The broker says it gave this message to a consumer before.
    pub redelivered: bool,
}

/// Names a delivery within the consumer that received it. Tags grow in the order of receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tag {
    /// Which consumer life the delivery belongs to; acknowledging one of an earlier life is refused.
    pub generation: u64,
    pub number: u64,
}

/// A task on its way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskMessage {
    /// Task id: becomes `message_id`, by which a returned message is matched.
    pub id: String,
    pub routing_key: String,
    /// CloudEvents type, such as `task.follow_up`.
    pub kind: String,
    pub body: Vec<u8>,
    /// Becomes `correlation_id`; AMQP holds 255 bytes, a longer one travels as its SHA-256 in hex.
    pub cause: String,
    /// 0 to 9.
    pub priority: u8,
    /// How long from now the message is of use; `None` for revocations, which do not expire. At least 1 ms is sent.
    pub expires_in: Option<Duration>,
    /// Milliseconds since 1970: becomes `timestamp` (whole seconds in AMQP).
    pub published_at_ms: i64,
    pub lead_version: u64,
    /// The trace context it travels with, as W3C `traceparent`; `None`: one of its own, by its id.
    pub traceparent: Option<String>,
}

/// What became of one [`TaskMessage`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Published {
    /// The broker has it.
    Confirmed,
    /// No queue is bound for its routing key.
    Unroutable,
    /// The broker refused it (a full queue); the rest of that queue should wait.
    Refused,
    /// The connection was lost before the answer: it may or may not have arrived.
    Unknown,
}

/// An event on its way in, from `gleaner publish` or `POST /events`.
#[derive(Clone, Debug)]
pub struct EventMessage {
    /// Topic routing key, by custom the event type.
    pub routing_key: String,
    pub body: Vec<u8>,
}

/// Why a message is set aside, written beside it as the `x-gleaner-*` headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Closed set, see `wire::inbound::Reason`.
    pub reason: String,
    /// A sentence that names the field and what was expected.
    pub detail: String,
    /// RFC 3339.
    pub at: String,
    /// SHA-256 in hex of source and id, or of the body where there is none.
    pub key: String,
}

/// A message set aside: the original, and why.
#[derive(Clone, Debug)]
pub struct DeadLetter<R> {
    pub body: Vec<u8>,
    pub meta: Meta,
    /// `None`: only what is in `body` is kept (an erased person's message), nothing of the original's properties.
    pub raw: Option<R>,
    pub refusal: Refusal,
}

/// A dead letter as somebody looks at it.
#[derive(Clone, Debug)]
pub struct DeadLetterView {
    pub body: Vec<u8>,
    pub meta: Meta,
    /// `None` for a message the broker dead-lettered itself (delivery limit), which carries no reason of ours.
    pub refusal: Option<Refusal>,
}

/// What to do with a dead letter after looking at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeadAction {
    Keep,
    /// Publish the original (body, properties, headers without `x-gleaner-*`) to its exchange and routing key, confirmed, then remove it here.
    Replay,
    Drop,
}

/// How much one queue holds, for whoever watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Depth {
    /// Its name without the deployment's prefix, such as `gleaner.events` or `tasks.calls`.
    pub queue: String,
    /// Messages that are ready for somebody; those handed out and not acknowledged are not counted.
    pub messages: u64,
    /// `None` where queues know no consumers.
    pub consumers: Option<u64>,
}

#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    #[error("cannot reach the broker")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The session ended; everything unacknowledged will come again.
    #[error("the broker session ended: {0}")]
    SessionLost(String),
    /// The broker refuses something that waiting will not mend: a queue declared with other arguments, no permission.
    #[error("the broker refuses: {0}")]
    Refused(String),
    #[error("the local queue file failed")]
    Local(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl QueueError {
    /// Whether the same call may succeed later without a person doing anything.
    pub fn is_transient(&self) -> bool {
        match self {
            QueueError::Unreachable(_) | QueueError::SessionLost(_) | QueueError::Local(_) => true,
            QueueError::Refused(_) => false,
        }
    }
}

/// A broker, as gleaner needs it. Cheap to clone; clones share connections.
pub trait Queue: Clone + Send + Sync + 'static {
    /// The broker's own properties of a message.
    type Raw: Clone + fmt::Debug + Send + Sync + 'static;
    type Consumer: Consumer<Raw = Self::Raw>;

    /// Opens a new consumer on the events queue, on a connection of its own, with at most `prefetch` (0 counts as 1) deliveries unacknowledged.
    /// After a life that ended badly fewer are handed out at first, until acknowledgements show that they do no harm.
    ///
    /// # Errors
    /// [`QueueError::Refused`] where a person must act (the topology differs, no permission): wait long before the next try. Everything else is worth a try after a short, growing pause.
    fn consume(&self, prefetch: u16) -> impl Future<Output = Result<Self::Consumer, QueueError>> + Send;

    /// Publishes tasks, mandatory and confirmed, and says of each what became of it, in order. Never takes longer than a bound of its own (10 s); what is unanswered by then is [`Published::Unknown`].
    fn publish(&self, messages: Vec<TaskMessage>) -> impl Future<Output = Vec<Published>> + Send;

    /// Sets messages aside in the dead queue; `Ok` only when every one is safely there, within the bound of [`Queue::publish`]. After an error some may be there: bury all again, a dead letter is known by its key.
    fn bury(&self, letters: Vec<DeadLetter<Self::Raw>>) -> impl Future<Output = Result<(), QueueError>> + Send;

    /// Puts events into the events queue; `Ok` only when every one is durable, within the bound of [`Queue::publish`].
    ///
    /// # Errors
    /// [`QueueError::Refused`] for a routing key longer than 255 bytes, and then nothing was sent.
    fn send_events(&self, events: Vec<EventMessage>) -> impl Future<Output = Result<(), QueueError>> + Send;

    /// Walks over at most `limit` dead letters, oldest first, and does with each what `choose` says. Looking destroys nothing. Returns how many were seen.
    fn visit_dead(
        &self,
        limit: usize,
        choose: &mut (dyn FnMut(&DeadLetterView) -> DeadAction + Send),
    ) -> impl Future<Output = Result<usize, QueueError>> + Send;

    /// How much every queue holds that is there, within the bound of [`Queue::publish`].
    fn depths(&self) -> impl Future<Output = Result<Vec<Depth>, QueueError>> + Send;

    /// How many connections for publishing were opened so far; 0 where none is needed.
    fn opened(&self) -> u64;

    /// Ends the connections that clones share, within a bound of its own (5 s); consumers end by themselves. Using the queue again opens them again.
    fn close(&self) -> impl Future<Output = ()> + Send;
}

/// One life of the connection that receives events.
pub trait Consumer: Send + 'static {
    type Raw: Clone + fmt::Debug + Send + Sync + 'static;

    /// Waits for a first delivery without limit (cancelling is safe and loses nothing), then takes what arrives within `linger` up to `max`.
    fn receive(
        &mut self,
        max: usize,
        linger: Duration,
    ) -> impl Future<Output = Result<Vec<Delivery<Self::Raw>>, QueueError>> + Send;

    /// Acknowledges exactly these deliveries (in few frames where they are contiguous). Do not cancel it: a half-sent acknowledgement costs the session.
    ///
    /// # Errors
    /// [`QueueError::SessionLost`] for tags of an earlier life (this one goes on) and when the session ended; [`QueueError::Refused`] for a tag already settled, and then nothing was acknowledged.
    fn ack(&mut self, tags: &[Tag]) -> impl Future<Output = Result<(), QueueError>> + Send;

    /// Gives these deliveries back to the queue, to come again.
    fn release(&mut self, tags: &[Tag]) -> impl Future<Output = Result<(), QueueError>> + Send;

    /// Ends this consumer within a bound of its own (5 s); what is unacknowledged comes again to somebody.
    fn close(self) -> impl Future<Output = ()> + Send;
}
