//! What a task tells of the past: the last touch, the voicemails left, the inquiry it goes back to.

use crate::domain::event::Direction;
use crate::domain::facts::{CallFact, Facts, Touch};
use crate::domain::policy::{Disposition, Policy};
use crate::domain::register::Cited;

/// The newest touch of ours, for `last_touch`.
pub fn last_touch(facts: &Facts) -> Option<&Touch> {
    facts.outbound().last()
}

/// Voicemails left on a number so far.
pub fn voicemails_left(facts: &Facts, policy: &Policy, number: &str) -> u32 {
    // By the flag, or by a code that means it.
    let left = |c: &CallFact| {
        let meaning = c.disposition.as_deref().and_then(|code| policy.disposition(code));
        c.voicemail_left || meaning == Some(Disposition::MachineMessage)
    };
    facts
        .calls()
        .filter(|(t, c)| t.direction == Direction::Outbound && left(c) && t.to.as_deref().is_none_or(|to| to == number))
        .count() as u32
}

/// The event that a proposal's reason cites when the diagnosis has nothing better: the newest inquiry.
pub fn newest_inquiry(facts: &Facts) -> Option<&Cited> {
    facts.inquiries.last().map(|i| &i.cited)
}
