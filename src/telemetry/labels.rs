//! The labels that a number may have, and the closed sets that their values come from.

use prometheus_client::encoding::EncodeLabelSet;

use crate::domain::decide::Mode;
use crate::queue::TASK_QUEUES;
use crate::store::OutboxState;

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventOutcome {
    Applied,
    Duplicate,
    /// Set aside; [`Metrics::refused`](super::Metrics::refused) counts why.
    Refused,
}

impl EventOutcome {
    pub const ALL: [EventOutcome; 3] = [EventOutcome::Applied, EventOutcome::Duplicate, EventOutcome::Refused];
    pub fn name(self) -> &'static str {
        match self {
            EventOutcome::Applied => "applied",
            EventOutcome::Duplicate => "duplicate",
            EventOutcome::Refused => "refused",
        }
    }
}

/// What the broker said to one attempt at publishing a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublishOutcome {
    Confirmed,
    Unroutable,
    Refused,
    Unknown,
}

impl PublishOutcome {
    pub const ALL: [PublishOutcome; 4] =
        [PublishOutcome::Confirmed, PublishOutcome::Unroutable, PublishOutcome::Refused, PublishOutcome::Unknown];
    pub fn name(self) -> &'static str {
        match self {
            PublishOutcome::Confirmed => "confirmed",
            PublishOutcome::Unroutable => "unroutable",
            PublishOutcome::Refused => "refused",
            PublishOutcome::Unknown => "unknown",
        }
    }
}

/// A connection that is rebuilt when it breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// Where events come from.
    Events,
    /// Where tasks go to.
    Tasks,
    Database,
}

impl Peer {
    pub const ALL: [Peer; 3] = [Peer::Events, Peer::Tasks, Peer::Database];
    pub fn name(self) -> &'static str {
        match self {
            Peer::Events => "events",
            Peer::Tasks => "tasks",
            Peer::Database => "database",
        }
    }
}

/// The states that a task is counted into.
pub const TASK_STATES: [&str; 10] = [
    "held",
    "ready",
    "done",
    "failed",
    "rejected",
    "expired",
    "expired_unsent",
    "revoked_unsent",
    "revoked",
    "observed",
];

pub const OUTBOX_STATES: [OutboxState; 3] = [OutboxState::Unsent, OutboxState::Handed, OutboxState::Unroutable];

pub fn outbox_state(state: OutboxState) -> &'static str {
    match state {
        OutboxState::Unsent => "unsent",
        OutboxState::Handed => "handed",
        OutboxState::Unroutable => "unroutable",
    }
}

pub const MODES: [Mode; 3] = [Mode::Act, Mode::Observe, Mode::Paused];

pub fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Act => "act",
        Mode::Observe => "observe",
        Mode::Paused => "paused",
    }
}

/// The suffixes of the task queues that there are.
pub fn suffixes() -> impl Iterator<Item = &'static str> {
    TASK_QUEUES.iter().map(|queue| queue.suffix)
}

/// The suffix as a label: rows know theirs as text, and a text could be anything.
pub fn suffix(queue: &str) -> &'static str {
    suffixes().find(|suffix| *suffix == queue).unwrap_or("other")
}

/// Declares the sets of labels.
macro_rules! label_sets {
    ($($set:ident { $($label:ident: $kind:ty),* })*) => {
        $(#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
        pub struct $set { $(pub $label: $kind),* })*
    };
}
label_sets! {
    EventLabels { r#type: &'static str, outcome: &'static str }
    TaskLabels { r#type: &'static str, state: &'static str }
    ReasonLabel { reason: &'static str }
    PoolLabel { pool: &'static str }
    PublishLabels { queue: &'static str, outcome: &'static str }
    PeerLabel { peer: &'static str }
    RowLabels { queue: &'static str, state: &'static str }
    SuffixLabel { queue: &'static str }
    // The names of the configured topology: as many as there are queues.
    QueueLabel { queue: String }
    ModeLabel { mode: &'static str }
    // One at a time; the one before goes away with its number.
    PolicyLabel { hash: String }
}
