//! The small order-free containers that facts are made of: registers, series and bounded lists.
//!
//! Each gives the same value for the same set of insertions, in whatever order and however often they come.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::event::Event;
use super::time::Moment;

/// When something happened, with eight bytes of its event's key to order what shares a millisecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Stamp {
    pub at: Moment,
    pub tie: u64,
}

impl Stamp {
    pub fn of(event: &Event) -> Stamp {
        Stamp { at: event.at, tie: event.key.tie() }
    }
}

/// Last writer wins, by the event's own time and then by its key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Last<T> {
    pub stamp: Stamp,
    pub value: T,
}

/// Writes into a register if the stamp is the newest.
pub fn write<T>(slot: &mut Option<Last<T>>, stamp: Stamp, value: T) {
    match slot {
        Some(held) if held.stamp >= stamp => {}
        _ => *slot = Some(Last { stamp, value }),
    }
}

/// Joins two registers of the same thing.
pub fn join<T>(slot: &mut Option<Last<T>>, other: Option<Last<T>>) {
    if let Some(other) = other {
        write(slot, other.stamp, other.value);
    }
}

/// An event worth citing: when, and the id its sender gave it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Cited {
    pub stamp: Stamp,
    pub id: String,
}

impl Cited {
    pub fn of(event: &Event) -> Cited {
        Cited { stamp: Stamp::of(event), id: event.id.clone() }
    }
}

/// How many instants a series keeps as they are; older ones are counted by day, still older by month.
const INSTANTS: usize = 24;
/// How many days a series keeps apart before they become blocks of 32 days.
const DAYS: usize = 40;

/// The instants of one kind of signal: exact while new, counted by day and then by 32-day block as they age.
///
/// Which instants are exact depends only on the set: always the newest [`INSTANTS`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// Ascending.
    pub recent: Vec<Stamp>,
    /// By UTC day.
    pub days: BTreeMap<i32, Day>,
    /// By the first UTC day of a block of 32.
    pub blocks: BTreeMap<i32, Block>,
    /// The newest, for citing.
    pub newest: Option<Cited>,
    /// The oldest: who was first in a room is told by it.
    pub first: Option<Stamp>,
}

/// How many instants of one day, and where in it their middle lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Day {
    pub n: u32,
    /// Minutes since midnight, summed over all.
    pub minutes: u64,
}

/// How many instants of 32 days, on which of them, and where their middle lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    pub n: u32,
    /// One bit a day on which there was any.
    pub on: u32,
    /// Days since the block's first, summed over all.
    pub days: u64,
}

impl Series {
    pub fn add(&mut self, event: &Event) {
        let stamp = Stamp::of(event);
        if self.newest.as_ref().is_none_or(|n| n.stamp < stamp) {
            self.newest = Some(Cited::of(event));
        }
        self.insert(stamp);
    }

    /// Takes in an instant that is cited, where the event itself is not at hand any more.
    pub fn add_cited(&mut self, cited: &Cited) {
        if self.newest.as_ref().is_none_or(|n| n.stamp < cited.stamp) {
            self.newest = Some(cited.clone());
        }
        self.insert(cited.stamp);
    }

    fn insert(&mut self, stamp: Stamp) {
        let i = self.recent.partition_point(|s| *s < stamp);
        if self.recent.get(i) == Some(&stamp) {
            return;
        }
        self.first = Some(self.first.map_or(stamp, |first| first.min(stamp)));
        self.recent.insert(i, stamp);
        if self.recent.len() > INSTANTS {
            let at = self.recent.remove(0).at;
            let minute = at.0.rem_euclid(86_400_000) / 60_000;
            self.count_day(at.utc_day(), Day { n: 1, minutes: minute as u64 });
        }
    }

    fn count_day(&mut self, day: i32, more: Day) {
        let held = self.days.entry(day).or_default();
        held.n += more.n;
        held.minutes += more.minutes;
        if self.days.len() > DAYS
            && let Some((day, held)) = self.days.pop_first()
        {
            let first = day.div_euclid(32) * 32;
            let offset = (day - first) as u32;
            let block = Block { n: held.n, on: 1 << offset, days: u64::from(offset) * u64::from(held.n) };
            self.count_block(first, block);
        }
    }

    fn count_block(&mut self, first: i32, more: Block) {
        let held = self.blocks.entry(first).or_default();
        held.n += more.n;
        held.on |= more.on;
        held.days += more.days;
    }

    pub fn join(&mut self, other: Series) {
        let first = [self.first, other.first].into_iter().flatten().min();
        for stamp in other.recent {
            self.insert(stamp);
        }
        self.first = first;
        for (day, held) in other.days {
            self.count_day(day, held);
        }
        for (first, block) in other.blocks {
            self.count_block(first, block);
        }
        if let Some(newest) = other.newest
            && self.newest.as_ref().is_none_or(|n| n.stamp < newest.stamp)
        {
            self.newest = Some(newest);
        }
    }

    pub fn count(&self) -> u32 {
        let days: u32 = self.days.values().map(|d| d.n).sum();
        self.recent.len() as u32 + days + self.blocks.values().map(|b| b.n).sum::<u32>()
    }

    pub fn is_empty(&self) -> bool {
        self.recent.is_empty()
    }

    pub fn newest_at(&self) -> Option<Moment> {
        self.recent.last().map(|s| s.at)
    }
}

/// Things with a stamp, of which the newest so many are kept; the rest is only counted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Newest<T> {
    /// Ascending by stamp.
    pub kept: Vec<T>,
    pub older: u32,
}

impl<T> Default for Newest<T> {
    fn default() -> Self {
        Newest { kept: Vec::new(), older: 0 }
    }
}

/// Something a [`Newest`] list can hold.
pub trait Stamped {
    fn stamp(&self) -> Stamp;
}

impl<T: Stamped> Newest<T> {
    pub fn add(&mut self, item: T, limit: usize) {
        self.push(item, limit);
    }

    /// Adds an item and gives back the one that is too old to be kept for it: each item once, the newest never.
    pub fn push(&mut self, item: T, limit: usize) -> Option<T> {
        let stamp = item.stamp();
        let i = self.kept.partition_point(|k| k.stamp() < stamp);
        if self.kept.get(i).is_some_and(|k| k.stamp() == stamp) {
            return None;
        }
        self.kept.insert(i, item);
        if self.kept.len() <= limit {
            return None;
        }
        self.older += 1;
        Some(self.kept.remove(0))
    }

    /// Takes out the oldest while more are kept than the limit; for what was let in to be looked at once.
    pub fn pop_beyond(&mut self, limit: usize) -> Option<T> {
        (self.kept.len() > limit).then(|| {
            self.older += 1;
            self.kept.remove(0)
        })
    }

    pub fn join(&mut self, other: Newest<T>, limit: usize) {
        self.join_giving_back(other, limit, drop);
    }

    /// Joins two lists and hands over what is too old to be kept.
    pub fn join_giving_back(&mut self, other: Newest<T>, limit: usize, mut too_old: impl FnMut(T)) {
        for item in other.kept {
            if let Some(item) = self.push(item, limit) {
                too_old(item);
            }
        }
        self.older += other.older;
    }

    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.kept.iter()
    }

    pub fn last(&self) -> Option<&T> {
        self.kept.last()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn series(stamps: &[Stamp]) -> Series {
        let mut s = Series::default();
        stamps.iter().for_each(|x| s.insert(*x));
        s
    }

    proptest! {
        #[test]
        fn a_series_is_the_same_in_every_order(days in prop::collection::vec(0i64..400, 0..200), seed in any::<u64>()) {
            let stamps: Vec<Stamp> =
                days.iter().enumerate().map(|(i, d)| Stamp { at: Moment(d * 86_400_000), tie: i as u64 }).collect();
            let mut shuffled = stamps.clone();
            shuffled.sort_by_key(|s| (s.tie ^ seed).wrapping_mul(0x9E37_79B9_7F4A_7C15));
            let (a, b) = (series(&stamps), series(&shuffled));
            prop_assert_eq!(a.count() as usize, stamps.len());
            prop_assert_eq!(a, b);
        }

        #[test]
        fn joining_two_series_equals_one_series_of_both(days in prop::collection::vec(0i64..400, 0..200), cut in 0usize..200) {
            let stamps: Vec<Stamp> =
                days.iter().enumerate().map(|(i, d)| Stamp { at: Moment(d * 86_400_000), tie: i as u64 }).collect();
            let cut = cut.min(stamps.len());
            let mut left = series(&stamps[..cut]);
            left.join(series(&stamps[cut..]));
            prop_assert_eq!(left.count() as usize, stamps.len());
            prop_assert_eq!(left.recent, series(&stamps).recent);
        }
    }
}
