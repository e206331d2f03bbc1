//! A bounded memory of answers by what they were worked out from, shared by everything that uses one policy.
//!
//! It holds the whole question, or a digest of it, beside the answer and compares it, so that a remembered answer is
//! the one that would be worked out anew: nothing but speed depends on it.

use std::fmt;
use std::hash::BuildHasher;
use std::sync::Mutex;

use rustc_hash::FxBuildHasher;

/// Bytes of a question; longer ones are answered anew each time. Titles and places are far shorter.
pub const QUESTION: usize = 240;
/// How many answers are kept: some hundred kilobytes, and more than the leads that one worker sees in a minute.
const SLOTS: usize = 4096;

/// What an answer depends on, written down value by value.
pub struct Question {
    bytes: [u8; QUESTION],
    len: usize,
}

impl Question {
    pub fn new() -> Question {
        Question { bytes: [0; QUESTION], len: 0 }
    }

    /// What depends on one digest alone.
    pub fn of(digest: &[u8; 16]) -> Question {
        let mut question = Question::new();
        question.bytes[..16].copy_from_slice(digest);
        question.len = 16;
        question
    }

    /// Adds one value; `tag` keeps different kinds of value apart. `None` once it does not fit any more.
    pub fn add(&mut self, tag: u8, value: &[u8]) -> Option<()> {
        let length = u8::try_from(value.len()).ok()?;
        let to = self.len + 2 + value.len();
        let slot = self.bytes.get_mut(self.len..to)?;
        slot[0] = tag;
        slot[1] = length;
        slot[2..].copy_from_slice(value);
        self.len = to;
        Some(())
    }

    fn written(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// Answers by question; a newer question takes the place of an older one that falls on the same slot.
pub struct Memo<T> {
    slots: Box<[Slot<T>]>,
}

type Slot<T> = Mutex<Option<(Box<[u8]>, T)>>;

/// A copy begins with nothing remembered: what it is a copy for may answer otherwise.
impl<T: Copy> Clone for Memo<T> {
    fn clone(&self) -> Memo<T> {
        Memo::new()
    }
}

impl<T> fmt::Debug for Memo<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memo")
    }
}

impl<T: Copy> Memo<T> {
    pub fn new() -> Memo<T> {
        Memo { slots: (0..SLOTS).map(|_| Mutex::new(None)).collect() }
    }

    /// The answer, remembered or worked out.
    pub fn answer(&self, question: &Question, work_out: impl FnOnce() -> T) -> T {
        self.recall(question).unwrap_or_else(|| {
            let answer = work_out();
            self.learn(question, answer);
            answer
        })
    }

    pub fn recall(&self, question: &Question) -> Option<T> {
        // Nobody panics while holding a slot, so one is never poisoned; if it were, nothing is remembered.
        let held = self.slot(question).lock().ok()?;
        let (asked, answer) = held.as_ref()?;
        (**asked == *question.written()).then_some(*answer)
    }

    pub fn learn(&self, question: &Question, answer: T) {
        if let Ok(mut held) = self.slot(question).lock() {
            *held = Some((question.written().into(), answer));
        }
    }

    fn slot(&self, question: &Question) -> &Slot<T> {
        // A plain hasher will do: questions that fall on one slot cost time, and no answer.
        let hash = FxBuildHasher.hash_one(question.written());
        &self.slots[hash as usize % SLOTS]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(values: &[&str]) -> Question {
        let mut q = Question::new();
        values.iter().for_each(|v| q.add(1, v.as_bytes()).unwrap());
        q
    }

    #[test]
    fn a_question_asked_again_is_not_worked_out_again_and_another_one_is() {
        let memo = Memo::new();
        assert_eq!(memo.answer(&question(&["a", "b"]), || 1), 1);
        assert_eq!(memo.answer(&question(&["a", "b"]), || unreachable!()), 1);
        assert_eq!(memo.answer(&question(&["ab"]), || 2), 2);
        assert_eq!(memo.answer(&question(&["a", "b", ""]), || 3), 3);
    }

    #[test]
    fn ten_times_more_questions_than_slots_are_all_answered_right() {
        let memo = Memo::new();
        for round in 0..2 {
            for n in 0..SLOTS * 10 {
                assert_eq!(memo.answer(&question(&[&n.to_string()]), || n), n, "round {round}");
            }
        }
    }

    #[test]
    fn a_question_that_is_too_long_says_so() {
        let mut q = Question::new();
        assert!(q.add(1, &[0; QUESTION]).is_none());
        assert!(q.add(1, &[0; 100]).is_some());
        assert!(q.add(1, &[0; 200]).is_none());
    }
}
