//! Stretches of time: sorted, disjoint, half-open intervals of instants, and what can be done with them.
//!
//! Legal hours, desk hours and promises all meet here. Nothing in here knows a clock or a calendar.

use super::time::{Moment, Span};

/// From the first instant up to, and not including, the second; never empty inside [`Intervals`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    pub from: Moment,
    pub until: Moment,
}

impl Interval {
    pub fn contains(self, t: Moment) -> bool {
        self.from <= t && t < self.until
    }
    pub fn length(self) -> Span {
        self.until - self.from
    }
}

/// Intervals in ascending order that neither overlap nor touch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Intervals(Vec<Interval>);

impl Intervals {
    pub const EMPTY: Intervals = Intervals(Vec::new());

    /// The single interval [from, until); nothing if it is empty.
    pub fn one(from: Moment, until: Moment) -> Intervals {
        let mut one = Intervals::EMPTY;
        one.push(from, until);
        one
    }

    /// Any intervals, in any order, overlapping or empty.
    pub fn of(parts: impl IntoIterator<Item = (Moment, Moment)>) -> Intervals {
        let mut parts: Vec<_> = parts.into_iter().collect();
        parts.sort_unstable();
        let mut out = Intervals::EMPTY;
        for (from, until) in parts {
            out.push(from, until);
        }
        out
    }

    /// Adds an interval that does not begin before the last one does; what overlaps or touches grows together.
    pub(super) fn push(&mut self, from: Moment, until: Moment) {
        if from >= until {
            return;
        }
        match self.0.last_mut() {
            Some(last) if from <= last.until => last.until = last.until.max(until),
            _ => self.0.push(Interval { from, until }),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    pub fn as_slice(&self) -> &[Interval] {
        &self.0
    }
    pub fn iter(&self) -> impl Iterator<Item = Interval> + '_ {
        self.0.iter().copied()
    }
    /// The sum of all lengths.
    pub fn total(&self) -> Span {
        Span(self.iter().fold(0, |sum: i64, i| sum.saturating_add(i.length().0)))
    }

    /// The interval around `t`, else the next one after it.
    pub fn at_or_after(&self, t: Moment) -> Option<Interval> {
        self.0.get(self.0.partition_point(|i| i.until <= t)).copied()
    }
    /// The first instant inside, `t` or later.
    pub fn first_at_or_after(&self, t: Moment) -> Option<Moment> {
        self.at_or_after(t).map(|i| i.from.max(t))
    }
    pub fn contains(&self, t: Moment) -> bool {
        self.at_or_after(t).is_some_and(|i| i.contains(t))
    }

    /// The instant by which `open` of time inside has passed since `t`: how long a delay takes that only counts while
    /// calls can be made. `None` if there is not that much left.
    pub fn after_open(&self, t: Moment, open: Span) -> Option<Moment> {
        let mut left = open.0.max(0);
        for i in &self.0[self.0.partition_point(|i| i.until <= t)..] {
            let start = i.from.max(t);
            let here = (i.until - start).0;
            if left < here {
                return Some(Moment(start.0 + left));
            }
            left -= here;
        }
        None
    }

    /// What lies in both.
    pub fn intersect(&self, other: &Intervals) -> Intervals {
        let mut out = Intervals::EMPTY;
        let (mut a, mut b) = (self.0.as_slice(), other.0.as_slice());
        while let ([x, rest_a @ ..], [y, rest_b @ ..]) = (a, b) {
            out.push(x.from.max(y.from), x.until.min(y.until));
            if x.until <= y.until {
                a = rest_a;
            } else {
                b = rest_b;
            }
        }
        out
    }

    /// What lies in [from, until).
    pub fn clip(&self, from: Moment, until: Moment) -> Intervals {
        self.intersect(&Intervals::one(from, until))
    }

    /// What lies in either.
    pub fn union(&self, other: &Intervals) -> Intervals {
        Intervals::of(self.iter().chain(other.iter()).map(|i| (i.from, i.until)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(parts: &[(i64, i64)]) -> Intervals {
        Intervals::of(parts.iter().map(|&(a, b)| (Moment(a), Moment(b))))
    }

    #[test]
    fn intervals_that_touch_or_overlap_grow_together_and_empty_ones_vanish() {
        assert_eq!(of(&[(5, 9), (1, 3), (3, 4), (7, 8), (20, 20), (30, 29)]), of(&[(1, 4), (5, 9)]));
        assert_eq!(of(&[(5, 9), (1, 3), (3, 4)]).total(), Span(7));
    }

    #[test]
    fn an_interval_holds_its_first_instant_and_not_its_last() {
        let i = of(&[(5, 9), (12, 15)]);
        assert!(!i.contains(Moment(4)) && i.contains(Moment(5)) && i.contains(Moment(8)) && !i.contains(Moment(9)));
        assert_eq!(i.first_at_or_after(Moment(6)), Some(Moment(6)));
        assert_eq!(i.first_at_or_after(Moment(9)), Some(Moment(12)));
        assert_eq!(i.first_at_or_after(Moment(15)), None);
    }

    #[test]
    fn clipping_keeps_what_lies_between() {
        assert_eq!(of(&[(5, 9), (12, 15)]).clip(Moment(8), Moment(13)), of(&[(8, 9), (12, 13)]));
    }

    #[test]
    fn a_delay_counts_only_time_inside() {
        let i = of(&[(10, 20), (100, 120)]);
        assert_eq!(i.after_open(Moment(0), Span(4)), Some(Moment(14)));
        assert_eq!(i.after_open(Moment(15), Span(8)), Some(Moment(103)));
        // The end of an interval is not inside: the delay ends when calls can be made again.
        assert_eq!(i.after_open(Moment(15), Span(5)), Some(Moment(100)));
        assert_eq!(i.after_open(Moment(15), Span(25)), None);
    }

    prop_compose! {
        fn any_intervals()(parts in prop::collection::vec((0..200i64, 0..40i64), 0..12)) -> Intervals {
            Intervals::of(parts.into_iter().map(|(a, n)| (Moment(a), Moment(a + n))))
        }
    }

    proptest! {
        #[test]
        fn every_operation_is_what_it_says_instant_by_instant(a in any_intervals(), b in any_intervals()) {
            let (both, either) = (a.intersect(&b), a.union(&b));
            for t in (-1..250).map(Moment) {
                prop_assert_eq!(both.contains(t), a.contains(t) && b.contains(t));
                prop_assert_eq!(either.contains(t), a.contains(t) || b.contains(t));
            }
            for i in [&both, &either] {
                prop_assert!(i.iter().all(|i| i.from < i.until));
                prop_assert!(i.as_slice().windows(2).all(|w| w[0].until < w[1].from));
            }
            prop_assert_eq!(both.total().0 + either.total().0, a.total().0 + b.total().0);
        }
    }
}
