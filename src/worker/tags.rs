//! Deliveries that are not acknowledged yet, what became of each, and in which order they are.

use std::collections::BTreeMap;

use super::step::Handled;
use crate::queue::{DeadLetter, Tag};

/// Deliveries that are not acknowledged yet, and what became of them. They are acknowledged in the order of arrival, so
/// that one frame settles all up to a tag.
#[derive(Debug)]
pub(super) struct Tags<R>(BTreeMap<Tag, Became<R>>);

#[derive(Debug)]
enum Became<R> {
    Pending,
    Done,
    /// To be set aside before it is acknowledged.
    Dead(Box<DeadLetter<R>>),
}

impl<R> Tags<R> {
    pub(super) fn new() -> Tags<R> {
        Tags(BTreeMap::new())
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn received(&mut self, tags: impl Iterator<Item = Tag>) {
        self.0.extend(tags.map(|tag| (tag, Became::Pending)));
    }

    pub(super) fn done(&mut self, handled: Handled<R>) {
        self.0.extend(handled.done.into_iter().map(|tag| (tag, Became::Done)));
        self.0.extend(handled.dead.into_iter().map(|(tag, letter)| (tag, Became::Dead(Box::new(letter)))));
    }

    /// Takes those that all before them are done with: tags to acknowledge, and letters to bury first.
    pub(super) fn take_ready(&mut self) -> (Vec<Tag>, Vec<DeadLetter<R>>) {
        let (mut ready, mut letters) = (Vec::new(), Vec::new());
        while let Some(first) = self.0.first_entry().filter(|first| !matches!(first.get(), Became::Pending)) {
            let (tag, became) = first.remove_entry();
            ready.push(tag);
            letters.extend(became.letter());
        }
        (ready, letters)
    }

    /// Takes all that are done with, whatever stands before them.
    pub(super) fn take_done(&mut self) -> (Vec<Tag>, Vec<DeadLetter<R>>) {
        let (pending, done) =
            std::mem::take(&mut self.0).into_iter().partition(|(_, became)| matches!(became, Became::Pending));
        self.0 = pending;
        let done: BTreeMap<Tag, Became<R>> = done;
        let tags = done.keys().copied().collect();
        (tags, done.into_values().filter_map(Became::letter).collect())
    }
}

impl<R> Became<R> {
    fn letter(self) -> Option<DeadLetter<R>> {
        match self {
            Became::Dead(letter) => Some(*letter),
            Became::Pending | Became::Done => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::{Meta, Refusal};

    fn tag(number: u64) -> Tag {
        Tag { generation: 1, number }
    }

    fn handled(done: &[u64], dead: &[u64]) -> Handled<()> {
        let letter = |number: &u64| {
            let refusal =
                Refusal { reason: "r".into(), detail: "d".into(), key: number.to_string(), at: String::new() };
            (tag(*number), DeadLetter { refusal, body: Vec::new(), raw: None, meta: Meta::default() })
        };
        Handled { done: done.iter().map(|n| tag(*n)).collect(), dead: dead.iter().map(letter).collect() }
    }

    #[test]
    fn deliveries_are_acknowledged_in_the_order_of_arrival() {
        let mut tags = Tags::new();
        tags.received((1..=5).map(tag));
        tags.done(handled(&[2, 3], &[]));
        assert!(tags.take_ready().0.is_empty(), "the first is under way");
        tags.done(handled(&[1], &[]));
        assert_eq!(tags.take_ready().0, [tag(1), tag(2), tag(3)]);
        tags.done(handled(&[5], &[]));
        assert!(tags.take_ready().0.is_empty());
        assert_eq!(tags.len(), 2);
    }

    #[test]
    fn a_letter_is_buried_when_its_turn_has_come_and_not_before() {
        let mut tags = Tags::new();
        tags.received((1..=2).map(tag));
        tags.done(handled(&[], &[2]));
        assert!(tags.take_ready().1.is_empty());
        tags.done(handled(&[1], &[]));
        let (ready, letters) = tags.take_ready();
        assert_eq!((ready.len(), letters.len()), (2, 1));
    }

    #[test]
    fn at_the_end_all_that_is_done_with_is_settled_and_nothing_else() {
        let mut tags = Tags::new();
        tags.received((1..=4).map(tag));
        tags.done(handled(&[2, 4], &[3]));
        let (done, letters) = tags.take_done();
        assert_eq!((done, letters.len()), (vec![tag(2), tag(3), tag(4)], 1));
        assert_eq!(tags.len(), 1, "the first comes again");
    }
}
