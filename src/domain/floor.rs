//! When our desk is staffed: hours of the week in the desk's own zone, less its holidays.

use super::intervals::{Interval, Intervals};
use super::policy::{Floor, no_zone};
use super::time::{Moment, Zone, day_of_date, weekday_of_day};

/// The desk's week, parsed once.
#[derive(Clone, Debug)]
pub struct Desk {
    zone: Zone,
    /// Monday first: staffed minutes of the day. `None`: always.
    week: Option<[Vec<(i32, i32)>; 7]>,
    /// Local days without staff.
    holidays: Vec<i32>,
}

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

impl Desk {
    /// # Errors
    /// Says which entry is no day, no time, or ends before it starts.
    pub fn new(floor: &Floor) -> Result<Desk, String> {
        let desk = &floor.desk;
        let zone = Zone::named(&desk.zone).ok_or_else(|| format!("desk.zone is {}", no_zone(&desk.zone)))?;
        let mut holidays = Vec::new();
        for day in &desk.holidays {
            let date = day.parse().map_err(|_| format!("desk.holidays: \"{day}\" is no date like \"2026-12-25\""))?;
            holidays.push(day_of_date(date));
        }
        if desk.hours.is_empty() {
            return Ok(Desk { zone, week: None, holidays });
        }
        let mut week: [Vec<(i32, i32)>; 7] = Default::default();
        for (day, hours) in &desk.hours {
            let i = DAYS
                .iter()
                .position(|d| d == day)
                .ok_or_else(|| format!("desk.hours: \"{day}\" is no day; use {}", DAYS.join(", ")))?;
            for range in hours {
                week[i].push(
                    minutes(range)
                        .ok_or_else(|| format!("desk.hours.{day}: \"{range}\" is not like \"09:00-17:00\""))?,
                );
            }
            week[i].sort_unstable();
        }
        Ok(Desk { zone, week: Some(week), holidays })
    }

    /// The first staffed stretch within [from, until).
    pub fn first_staffed(&self, from: Moment, until: Moment) -> Option<Interval> {
        // Usually the desk is always staffed, and this is asked of every call that is planned.
        if self.week.is_none() && self.holidays.is_empty() {
            return (from < until).then_some(Interval { from, until });
        }
        self.staffed(Intervals::one(from, until)).iter().next()
    }

    /// The staffed part of the windows.
    pub fn staffed(&self, windows: Intervals) -> Intervals {
        if self.week.is_none() && self.holidays.is_empty() {
            return windows;
        }
        let parts = windows.as_slice();
        let (Some(first), Some(last)) = (parts.first(), parts.last()) else { return windows };
        let (from, until) = (first.from, last.until);
        windows.intersect(&self.hours(from, until))
    }

    fn hours(&self, from: Moment, until: Moment) -> Intervals {
        let mut open = Vec::new();
        let last = self.zone.local_day(until);
        // At most a month ahead: windows are never asked for further.
        for day in self.zone.local_day(from)..=last.min(self.zone.local_day(from) + 31) {
            if self.holidays.contains(&day) {
                continue;
            }
            match &self.week {
                None => open.push((self.zone.at(day, 0), self.zone.at(day, 1440))),
                Some(week) => {
                    let hours = &week[weekday_of_day(day).to_monday_zero_offset() as usize];
                    open.extend(hours.iter().map(|(a, b)| (self.zone.at(day, *a), self.zone.at(day, *b))));
                }
            }
        }
        Intervals::of(open).clip(from, until)
    }
}

fn minutes(range: &str) -> Option<(i32, i32)> {
    let (from, to) = range.split_once('-')?;
    let minute = |text: &str| -> Option<i32> {
        let (h, m) = text.trim().split_once(':')?;
        let (h, m): (i32, i32) = (h.parse().ok()?, m.parse().ok()?);
        ((0..=24).contains(&h) && (0..60).contains(&m) && h * 60 + m <= 1440).then_some(h * 60 + m)
    };
    let (from, to) = (minute(from)?, minute(to)?);
    (from < to).then_some((from, to))
}
