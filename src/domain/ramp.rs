//! The ramp: what late, imported and re-scored leads cause goes out at a pace, queue by queue.
//!
//! A lead on the ramp asks the queue's pool for a minute before it sends anything there. Until that minute comes
//! nothing is a task: the touch is planned, and chosen anew when its turn is there. Due work of live leads is not paced.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::decide::{Answer, Cause, Context};
use super::facts::Facts;
use super::pool::{Ask, PoolName, Wish};
use super::task::{Class, NAMESPACE};
use super::time::{Moment, Span};

/// A wake-up later than this was slept through: the worker was down, or paused. Our judgement: long enough for a
/// restart, short enough that a morning's arrears do not leave as a burst.
const SLEPT: Span = Span::minutes(15);
/// An answer that did not come for so long is asked for again.
const ASK_AGAIN: Span = Span::minutes(10);

/// A lead on the ramp.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ramp {
    slots: Slots,
    /// Classes that had their turn and are free again.
    passed: Vec<Class>,
}

/// Turns asked for and given, one a pool.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Slots(Vec<Slot>);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Slot {
    pool: PoolName,
    /// Names the asking, so that an answer finds it.
    id: Uuid,
    asked_at: Moment,
    given: Option<Moment>,
}

/// Whether a lead may send to a queue.
#[derive(Debug, PartialEq)]
pub enum Turn {
    /// It may, now.
    Now,
    /// Not before the instant; then it is looked at again.
    At(Moment),
    /// It has to ask first, and is looked at again at the instant if no answer comes.
    Ask(Ask, Moment),
}

/// Whether a cause puts the lead on the ramp, or a live one takes it off.
pub fn joins(facts: &Facts, cause: &Cause<'_>, ctx: &Context<'_>) -> Option<bool> {
    let is_live = |at: Moment| ctx.max_event_age.is_none_or(|age| ctx.now - at <= age);
    match cause {
        Cause::Event(e) if !is_live(e.at) => Some(true),
        // Its own sign of life: whoever writes or asks today is served today.
        Cause::Event(e) if facts.newest_initiative().is_some_and(|c| c.id == e.id) => Some(false),
        Cause::Wake { due } if ctx.now - *due > SLEPT => Some(true),
        Cause::Policy(_) | Cause::Answer(Answer::Split(_)) => Some(true),
        Cause::Event(_) | Cause::Wake { .. } | Cause::Answer(_) | Cause::Merged(_) | Cause::Closed(_) => None,
    }
}

impl Ramp {
    /// Whether the lead may send something of a class to a queue now.
    pub fn turn(&mut self, queue: &str, class: Class, asker: Asker) -> Turn {
        if self.passed.contains(&class) {
            return Turn::Now;
        }
        let turn = self.slots.turn(PoolName::Ramp(queue.to_owned()), asker);
        if turn == Turn::Now {
            self.passed.push(class);
        }
        turn
    }

    /// Whether a turn was asked for that is still to come.
    pub fn is_waiting(&self) -> bool {
        !self.slots.0.is_empty()
    }

    /// The pool's answer. One that nobody waits for any more is a slot unused.
    pub fn give(&mut self, id: Uuid, at: Moment) {
        self.slots.give(id, at);
    }

    /// Both ways to the person had their turn.
    pub fn is_over(&self) -> bool {
        self.passed.contains(&Class::Voice) && self.passed.contains(&Class::Text)
    }
}

/// Who asks for a turn, and when.
#[derive(Clone, Copy, Debug)]
pub struct Asker {
    pub lead_id: Uuid,
    pub version: u64,
    pub now: Moment,
}

impl Slots {
    /// Whether it is the lead's turn in a pool; a turn taken is used up.
    pub fn turn(&mut self, pool: PoolName, asker: Asker) -> Turn {
        let Asker { lead_id, version, now } = asker;
        if let Some(slot) = self.0.iter().find(|s| s.pool == pool) {
            match slot.given {
                Some(at) if pool.slot_holds(at, now) => {
                    self.0.retain(|s| s.pool != pool);
                    return Turn::Now;
                }
                Some(at) if at > now => return Turn::At(at),
                // Slept through: it was somebody's turn, and it is over.
                Some(_) => {}
                None if now - slot.asked_at < ASK_AGAIN => return Turn::At(slot.asked_at + ASK_AGAIN),
                None => {}
            }
        }
        self.0.retain(|s| s.pool != pool);
        let id = Uuid::new_v5(&NAMESPACE, format!("slot/{lead_id}/{version}/{pool}").as_bytes());
        self.0.push(Slot { pool: pool.clone(), id, asked_at: now, given: None });
        Turn::Ask(Ask { pool, id, wish: Wish::Slot }, now + ASK_AGAIN)
    }

    pub fn give(&mut self, id: Uuid, at: Moment) {
        if let Some(slot) = self.0.iter_mut().find(|s| s.id == id) {
            slot.given = Some(at);
        }
    }
}
