//! Messages that wait for their turn, and which of them may be worked beside what is under way: in the order of arrival,
//! those that share no key and no task with it, so that no unit of work waits for another's leads.
//!
//! As far as the messages tell: that two keys are one person's only the database may know, and then one unit waits there.

use std::collections::VecDeque;
use std::hash::BuildHasher;

use rustc_hash::{FxBuildHasher, FxHashSet};

use crate::domain::event::Event;

/// What a message is about: its keys and its task, as fingerprints. Two that fall together only make one wait.
#[derive(Debug, Default)]
pub(super) struct Names(Vec<u64>);

impl Names {
    pub(super) fn of(event: &Event) -> Names {
        let keys = event.keys.iter().map(|key| FxBuildHasher.hash_one(key));
        Names(keys.chain(event.task_id.map(|task| FxBuildHasher.hash_one(task))).collect())
    }
}

/// Messages in the order of arrival.
#[derive(Debug)]
pub(super) struct Waiting<T> {
    messages: VecDeque<(Names, T)>,
    under_way: FxHashSet<u64>,
}

/// Messages to be worked together, and what must not be worked meanwhile.
#[derive(Debug)]
pub(super) struct Unit<T> {
    pub names: Names,
    pub messages: Vec<T>,
}

impl<T> Waiting<T> {
    pub(super) fn new() -> Waiting<T> {
        Waiting { messages: VecDeque::new(), under_way: FxHashSet::default() }
    }

    pub(super) fn len(&self) -> usize {
        self.messages.len()
    }

    pub(super) fn add(&mut self, names: Names, message: T) {
        self.messages.push_back((names, message));
    }

    /// Up to `most` messages that have nothing to do with what is under way, nor with what waits before them; `None`
    /// where that would be fewer than `least`.
    pub(super) fn take(&mut self, least: usize, most: usize) -> Option<Unit<T>> {
        let mut passed_over = FxHashSet::default();
        let mut free = Vec::new();
        for (i, (names, _)) in self.messages.iter().enumerate() {
            if free.len() == most {
                break;
            }
            let is_held = |name: &u64| self.under_way.contains(name) || passed_over.contains(name);
            match names.0.iter().any(is_held) {
                true => passed_over.extend(names.0.iter().copied()),
                false => free.push(i),
            }
        }
        if free.len() < least.max(1) {
            return None;
        }
        let mut unit = Unit { names: Names::default(), messages: Vec::with_capacity(free.len()) };
        let mut free = free.into_iter().peekable();
        let mut left = VecDeque::with_capacity(self.messages.len());
        for (i, (names, message)) in self.messages.drain(..).enumerate() {
            if free.next_if_eq(&i).is_some() {
                unit.names.0.extend(names.0);
                unit.messages.push(message);
            } else {
                left.push_back((names, message));
            }
        }
        self.messages = left;
        unit.names.0.sort_unstable();
        unit.names.0.dedup();
        self.under_way.extend(unit.names.0.iter().copied());
        Some(unit)
    }

    /// What a unit was about is free again.
    pub(super) fn finish(&mut self, names: &Names) {
        for name in &names.0 {
            self.under_way.remove(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::Moment;
    use crate::wire::inbound::{Envelope, Inbound, decode};

    /// Messages named by their letters, numbered in the order of arrival.
    fn waiting(messages: &[&str]) -> Waiting<usize> {
        let mut waiting = Waiting::new();
        for (n, names) in messages.iter().enumerate() {
            waiting.add(Names(names.bytes().map(u64::from).collect()), n);
        }
        waiting
    }

    #[test]
    fn what_has_nothing_to_do_with_what_is_under_way_is_worked_beside_it() {
        let mut waiting = waiting(&["a", "b", "a", "c"]);
        let first = waiting.take(1, 2).unwrap();
        assert_eq!(first.messages, [0, 1]);
        let second = waiting.take(1, 2).unwrap();
        assert_eq!(second.messages, [3], "the other message about a waits");
        assert!(waiting.take(1, 2).is_none());
        waiting.finish(&first.names);
        assert_eq!(waiting.take(1, 2).unwrap().messages, [2]);
        assert_eq!(waiting.len(), 0);
    }

    #[test]
    fn nobody_overtakes_a_message_about_the_same_person() {
        // The third knows that a and b are one person; the fourth and fifth come after it, whoever else they name.
        let mut waiting = waiting(&["a", "ab", "bc", "c", "d"]);
        let first = waiting.take(1, 1).unwrap();
        assert_eq!(first.messages, [0]);
        assert_eq!(waiting.take(1, 9).unwrap().messages, [4]);
        waiting.finish(&first.names);
        assert_eq!(waiting.take(1, 9).unwrap().messages, [1, 2, 3]);
    }

    #[test]
    fn events_that_share_a_key_or_a_task_are_about_the_same() {
        let event = |n: usize, data: serde_json::Value| {
            let event = serde_json::json!({
                "specversion": "1.0", "id": n.to_string(), "source": "/s", "type": "email.sent",
                "time": "2026-03-02T14:00:00Z", "data": data,
            });
            decode(&Envelope::bare(event.to_string().as_bytes()), Moment::MIN, &Inbound::replay()).unwrap()
        };
        let task = "0b0e0000-0000-4000-8000-000000000000";
        let events = [
            serde_json::json!({ "lead": { "email": "a@example.com" } }),
            serde_json::json!({ "lead": { "email": "a@example.com", "phone": "+12125552368" } }),
            serde_json::json!({ "lead": { "phone": "+12125552368" } }),
            serde_json::json!({ "task_id": task }),
            serde_json::json!({ "lead": { "email": "b@example.com" }, "task_id": task }),
            serde_json::json!({ "lead": { "email": "c@example.com" } }),
        ];
        let mut waiting = Waiting::new();
        for (n, data) in events.into_iter().enumerate() {
            waiting.add(Names::of(&event(n, data)), n);
        }
        assert_eq!(waiting.take(1, 1).unwrap().messages, [0]);
        assert_eq!(waiting.take(1, 1).unwrap().messages, [3]);
        assert_eq!(waiting.take(1, 9).unwrap().messages, [5]);
    }

    #[test]
    fn a_unit_that_would_be_too_small_waits() {
        let mut waiting = waiting(&["a", "a", "b"]);
        let first = waiting.take(1, 1).unwrap();
        assert!(waiting.take(2, 9).is_none());
        assert_eq!(waiting.len(), 2);
        waiting.finish(&first.names);
        assert_eq!(waiting.take(2, 9).unwrap().messages, [1, 2]);
    }
}
