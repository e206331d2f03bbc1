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
    /// UTC day → count.
    pub days: BTreeMap<i32, u32>,
    /// First UTC day of a block of 32 → count.
    pub blocks: BTreeMap<i32, u32>,
    /// The newest, for citing.
    pub newest: Option<Cited>,
}

impl Series {
    pub fn add(&mut self, event: &Event) {
        let stamp = Stamp::of(event);
        if self.newest.as_ref().is_none_or(|n| n.stamp < stamp) {
            self.newest = Some(Cited::of(event));
        }
        self.insert(stamp);
    }

    fn insert(&mut self, stamp: Stamp) {
        let i = self.recent.partition_point(|s| *s < stamp);
        if self.recent.get(i) == Some(&stamp) {
            return;
        }
        self.recent.insert(i, stamp);
        if self.recent.len() > INSTANTS {
            let oldest = self.recent.remove(0);
            self.count_day(oldest.at.utc_day(), 1);
        }
    }

    fn count_day(&mut self, day: i32, n: u32) {
        *self.days.entry(day).or_default() += n;
        if self.days.len() > DAYS
            && let Some((day, n)) = self.days.pop_first()
        {
            *self.blocks.entry(day.div_euclid(32) * 32).or_default() += n;
        }
    }

    pub fn join(&mut self, other: Series) {
        for stamp in other.recent {
            self.insert(stamp);
        }
        for (day, n) in other.days {
            self.count_day(day, n);
        }
        for (block, n) in other.blocks {
            *self.blocks.entry(block).or_default() += n;
        }
        if let Some(newest) = other.newest
            && self.newest.as_ref().is_none_or(|n| n.stamp < newest.stamp)
        {
            self.newest = Some(newest);
        }
    }

    pub fn count(&self) -> u32 {
        self.recent.len() as u32 + self.days.values().sum::<u32>() + self.blocks.values().sum::<u32>()
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
        let stamp = item.stamp();
        let i = self.kept.partition_point(|k| k.stamp() < stamp);
        if self.kept.get(i).is_some_and(|k| k.stamp() == stamp) {
            return;
        }
        self.kept.insert(i, item);
        if self.kept.len() > limit {
            self.kept.remove(0);
            self.older += 1;
        }
    }

    pub fn join(&mut self, other: Newest<T>, limit: usize) {
        for item in other.kept {
            self.add(item, limit);
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
