//! When the law lets a phone ring: local hours made into instants, exactly, through changes of the clock.
//!
//! An instant is legal if its minute on the local clock lies within the hours of its local date, for every candidate
//! law and clock of the place. So a missing hour is nobody's, and a doubled one is legal or not both times.

use super::place::{Candidate, Missing, Place};
use crate::domain::intervals::Intervals;
use crate::domain::time::{Moment, Span, Zone};

/// No window is looked for further ahead: nothing is promised for longer, and any law that ever opens opens by then.
pub const MAX_AHEAD: Span = Span::days(15);

/// When a place may be called or texted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Windows {
    /// The legal windows; there may be none in a short stretch of night, or while an emergency lasts.
    Open(Intervals),
    /// No law on file covers the place: nobody there is called or texted.
    NoRow(Missing),
    /// The candidate laws and clocks leave no common hour: somebody has to find out where the lead is.
    Never,
}

impl Windows {
    /// The windows, none for a place that is never open.
    pub fn intervals(self) -> Intervals {
        match self {
            Windows::Open(intervals) => intervals,
            Windows::NoRow(_) | Windows::Never => Intervals::EMPTY,
        }
    }
}

impl Place<'_> {
    /// The legal windows in [from, until), at most [`MAX_AHEAD`] far, for calls dialled by hand and for texts, or
    /// (`automated`) for calls that a machine dials.
    pub fn call_windows(&self, automated: bool, from: Moment, until: Moment) -> Windows {
        if let Some(missing) = self.missing() {
            return Windows::NoRow(missing);
        }
        let until = until.min(from + MAX_AHEAD);
        let mut windows = Intervals::one(from, until);
        for candidate in self.candidates() {
            windows = windows.intersect(&candidate.windows(automated, from, until));
        }
        if windows.is_empty() && self.next_open(automated, from).is_none() && !self.is_closed_for_now(from) {
            return Windows::Never;
        }
        Windows::Open(windows)
    }

    /// The first legal instant, `t` or later, within [`MAX_AHEAD`].
    pub fn next_open(&self, automated: bool, t: Moment) -> Option<Moment> {
        if self.missing().is_some() {
            return None;
        }
        let limit = t + MAX_AHEAD;
        if let [only] = self.candidates() {
            return only.open_window(automated, t, limit).map(|(from, _)| from);
        }
        let mut at = t;
        // Whoever is closed moves the instant on; it is found when all agree on it.
        loop {
            let before = at;
            for candidate in self.candidates() {
                at = candidate.open_window(automated, at, limit)?.0;
            }
            if at == before {
                return Some(at);
            }
        }
    }

    /// The first stretch of legal time, `t` or later, at most a day of it.
    pub fn first_window(&self, automated: bool, t: Moment) -> Option<(Moment, Moment)> {
        let from = self.next_open(automated, t)?;
        let limit = from + Span::days(1);
        let until = self.candidates().iter().map(|c| c.open_until(automated, from, limit)).min()?;
        Some((from, until))
    }

    /// Whether the phone may ring at this instant.
    pub fn is_open(&self, automated: bool, t: Moment) -> bool {
        self.missing().is_none() && self.candidates().iter().all(|c| c.is_open(automated, t))
    }

    /// Whether some law is suspended by a state of emergency, which is not the lead's doing.
    fn is_closed_for_now(&self, t: Moment) -> bool {
        self.candidates().iter().any(|c| c.row(t).closed_until.is_some_and(|day| c.zone.local_day(t) < day))
    }
}

impl Candidate<'_> {
    fn windows(&self, automated: bool, from: Moment, until: Moment) -> Intervals {
        let mut windows = Intervals::EMPTY;
        let mut t = from;
        while let Some((start, end)) = self.open_window(automated, t, until) {
            windows.push(start, end);
            t = end;
        }
        windows
    }

    /// The first stretch [from, until) of legal time that ends after `t`, clipped to [`t`, `limit`).
    fn open_window(&self, automated: bool, t: Moment, limit: Moment) -> Option<(Moment, Moment)> {
        let mut t = t;
        while t < limit {
            let stretch = Stretch::at(&self.zone, t);
            let until = stretch.until.min(limit);
            for (from_minute, until_minute) in self.law.on(stretch.day).hours_on(stretch.day, automated).spans() {
                let (start, end) = (stretch.instant(*from_minute).max(t), stretch.instant(*until_minute).min(until));
                if start < end {
                    return Some((start, end));
                }
            }
            t = stretch.until;
        }
        None
    }

    /// Until when it stays open that is open at `t`.
    fn open_until(&self, automated: bool, t: Moment, limit: Moment) -> Moment {
        let mut open = t;
        while let Some((_, until)) = self.open_window(automated, open, limit).filter(|(from, _)| *from <= open) {
            open = until;
            // Only what ends with its day may go on with the next.
            if open >= limit || self.zone.minute_of_day(open) != 0 {
                break;
            }
        }
        open
    }

    fn is_open(&self, automated: bool, t: Moment) -> bool {
        let (day, minute) = (self.zone.local_day(t), self.zone.minute_of_day(t));
        let spans = self.law.on(day).hours_on(day, automated).spans();
        spans.iter().any(|(from, until)| (i32::from(*from)..i32::from(*until)).contains(&minute))
    }
}

/// A stretch of time with one local date and one offset from UTC: a day, or a part of a day on which the clock changes.
struct Stretch {
    /// Days since 1970-01-01 on the local calendar.
    day: i32,
    /// Local time less UTC.
    offset_ms: i64,
    until: Moment,
}

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 86_400_000;

impl Stretch {
    fn at(zone: &Zone, t: Moment) -> Stretch {
        let (offset_ms, changes) = zone.offset(t);
        let day = t.0.saturating_add(offset_ms).div_euclid(DAY_MS) as i32;
        let midnight = Moment((i64::from(day) + 1) * DAY_MS - offset_ms);
        let until = midnight.min(changes);
        // Beyond the calendar's end nothing may loop for ever.
        Stretch { day, offset_ms, until: until.max(t + Span(MINUTE_MS)) }
    }

    /// When the clock shows this minute of the day, if it does so within the stretch.
    fn instant(&self, minute: u16) -> Moment {
        Moment(i64::from(self.day) * DAY_MS + i64::from(minute) * MINUTE_MS - self.offset_ms)
    }
}
