//! Instants and spans in whole milliseconds, and fast civil time.
//!
//! The core never reads a clock: `now` is always an argument. Civil time goes through [`Zone`], which
//! remembers a zone's offsets so that asking for the local hour of an old call costs nanoseconds.

use std::fmt;
use std::ops::{Add, Sub};
use std::sync::{OnceLock, RwLock};

use jiff::civil::{self, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

/// An instant: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Moment(pub i64);

/// A length of time in milliseconds; may be negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Span(pub i64);

impl Span {
    pub const ZERO: Span = Span(0);
    pub const fn seconds(n: i64) -> Span {
        Span(n * 1000)
    }
    pub const fn minutes(n: i64) -> Span {
        Span(n * 60_000)
    }
    pub const fn hours(n: i64) -> Span {
        Span(n * 3_600_000)
    }
    pub const fn days(n: i64) -> Span {
        Span(n * 86_400_000)
    }
    /// The span as a fraction of days.
    pub fn as_days(self) -> f64 {
        self.0 as f64 / 86_400_000.0
    }
}

impl Moment {
    pub const MIN: Moment = Moment(i64::MIN);
    pub const MAX: Moment = Moment(i64::MAX);

    pub fn from_timestamp(t: Timestamp) -> Moment {
        Moment(t.as_millisecond())
    }
    /// The instant as a jiff timestamp; instants outside years -9999 to 9999 are clipped to that range.
    pub fn timestamp(self) -> Timestamp {
        Timestamp::from_millisecond(self.0).unwrap_or(if self.0 < 0 { Timestamp::MIN } else { Timestamp::MAX })
    }
    /// Days since 1970-01-01 in UTC.
    pub fn utc_day(self) -> i32 {
        self.0.div_euclid(86_400_000) as i32
    }
    pub fn from_date(date: civil::Date) -> Moment {
        match date.to_zoned(TimeZone::UTC) {
            Ok(z) => Moment::from_timestamp(z.timestamp()),
            Err(_) => Moment::MAX,
        }
    }
}

impl Add<Span> for Moment {
    type Output = Moment;
    fn add(self, s: Span) -> Moment {
        Moment(self.0.saturating_add(s.0))
    }
}
impl Sub<Span> for Moment {
    type Output = Moment;
    fn sub(self, s: Span) -> Moment {
        Moment(self.0.saturating_sub(s.0))
    }
}
impl Sub for Moment {
    type Output = Span;
    fn sub(self, o: Moment) -> Span {
        Span(self.0.saturating_sub(o.0))
    }
}
impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.timestamp().fmt(f)
    }
}
impl fmt::Display for Span {
    /// "40 s", "5 min", "2 h 50 min", "30 h", "2 d": the units that lose little.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = self.0 / 1000;
        match s.abs() {
            0..120 => write!(f, "{s} s"),
            120..7200 => write!(f, "{} min", s / 60),
            7200..36_000 if s.abs() % 3600 >= 60 => write!(f, "{} h {} min", s / 3600, s.abs() % 3600 / 60),
            7200..172_800 => write!(f, "{} h", s / 3600),
            _ => write!(f, "{} d", s / 86_400),
        }
    }
}

/// A time zone with its offsets remembered, shared by everything that asks for local time.
#[derive(Clone)]
pub struct Zone(&'static ZoneTable);

struct ZoneTable {
    name: String,
    tz: TimeZone,
    /// Ascending, from 1990 to 2060; neighbours differ in their offset.
    offsets: Vec<Offset>,
}

/// An offset from UTC and when it holds.
struct Offset {
    from: Moment,
    /// The first local time (in ms since 1970-01-01 00:00 on the local clock) that is read with it: a missing minute, and
    /// the first of two, are read with the offset before.
    local_from: i64,
    ms: i64,
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.name)
    }
}
impl PartialEq for Zone {
    fn eq(&self, other: &Zone) -> bool {
        std::ptr::eq(self.0, other.0)
    }
}

impl Zone {
    /// The zone of an IANA name, or `None` if there is no such zone.
    pub fn named(name: &str) -> Option<Zone> {
        static ZONES: OnceLock<RwLock<FxHashMap<String, &'static ZoneTable>>> = OnceLock::new();
        let zones = ZONES.get_or_init(Default::default);
        if let Ok(read) = zones.read()
            && let Some(known) = read.get(name)
        {
            return Some(Zone(known));
        }
        // Names that are no zone are not remembered: they come from outside and have no bound.
        let tz = TimeZone::get(name).ok()?;
        // Leaked on purpose: the set of IANA names is closed (about 600), and a zone is never forgotten.
        let table = &*Box::leak(Box::new(ZoneTable::new(name, tz)));
        match zones.write() {
            Ok(mut write) => Some(Zone(write.entry(name.to_owned()).or_insert(table))),
            Err(_) => Some(Zone(table)),
        }
    }

    pub fn utc() -> Zone {
        Zone::named("UTC").unwrap_or_else(|| unreachable!("the bundled zone data has UTC"))
    }

    pub fn name(&self) -> &str {
        &self.0.name
    }

    fn offset_ms(&self, at: Moment) -> i64 {
        self.offset(at).0
    }

    /// Local time less UTC in ms, and until when it stays so.
    pub fn offset(&self, at: Moment) -> (i64, Moment) {
        let offsets = &self.0.offsets;
        let next = offsets.partition_point(|o| o.from <= at);
        (offsets[next.saturating_sub(1)].ms, offsets.get(next).map_or(Moment::MAX, |o| o.from))
    }

    /// Local minute of the day, 0 to 1439.
    pub fn minute_of_day(&self, at: Moment) -> i32 {
        ((at.0 + self.offset_ms(at)).rem_euclid(86_400_000) / 60_000) as i32
    }
    /// Days since 1970-01-01 on the local calendar.
    pub fn local_day(&self, at: Moment) -> i32 {
        (at.0 + self.offset_ms(at)).div_euclid(86_400_000) as i32
    }
    pub fn date(&self, at: Moment) -> civil::Date {
        date_of_day(self.local_day(at))
    }
    /// The instant of a local day and minute. A minute that does not exist (spring) is read with the offset before the
    /// change, and so falls after it; one that exists twice (autumn) is the first of the two. Before 1990 and after 2060
    /// the offset next to those years holds, as in [`Zone::offset`].
    pub fn at(&self, day: i32, minute: i32) -> Moment {
        let local = i64::from(day) * 86_400_000 + i64::from(minute) * 60_000;
        let offsets = &self.0.offsets;
        let next = offsets.partition_point(|o| o.local_from <= local);
        Moment(local - offsets[next.saturating_sub(1)].ms)
    }
    /// The instant of a local date and time, by the rule of [`Zone::at`] and, in far years, the zone's own.
    pub fn resolve(&self, local: civil::DateTime) -> Moment {
        match self.0.tz.to_zoned(local) {
            Ok(z) => Moment::from_timestamp(z.timestamp()),
            Err(_) => Moment::MAX,
        }
    }
}

impl ZoneTable {
    fn new(name: &str, tz: TimeZone) -> ZoneTable {
        let start = Timestamp::from_second(631_152_000).unwrap_or(Timestamp::UNIX_EPOCH); // 1990
        let end = 2_840_140_800; // 2060
        let ms = |t: Timestamp| tz.to_offset(t).seconds() as i64 * 1000;
        let mut before = ms(start);
        let mut offsets = vec![Offset { from: Moment::MIN, local_from: i64::MIN, ms: before }];
        for transition in tz.following(start) {
            let t = transition.timestamp();
            if t.as_second() > end {
                break;
            }
            let (from, ms) = (Moment::from_timestamp(t), ms(t));
            if ms != before {
                offsets.push(Offset { from, local_from: from.0 + before.max(ms), ms });
                before = ms;
            }
        }
        ZoneTable { name: name.to_owned(), tz, offsets }
    }
}

/// The calendar date of a day number (days since 1970-01-01).
pub fn date_of_day(day: i32) -> civil::Date {
    civil::date(1970, 1, 1).checked_add(SignedDuration::from_hours(day as i64 * 24)).unwrap_or(civil::Date::MAX)
}

pub fn day_of_date(date: civil::Date) -> i32 {
    Moment::from_date(date).utc_day()
}

/// The day itself, or the Monday after a Saturday or Sunday.
pub fn working_day(day: i32) -> i32 {
    match weekday_of_day(day) {
        Weekday::Saturday => day + 2,
        Weekday::Sunday => day + 1,
        _ => day,
    }
}

/// 1970-01-01 was a Thursday.
pub fn weekday_of_day(day: i32) -> Weekday {
    match day.rem_euclid(7) {
        0 => Weekday::Thursday,
        1 => Weekday::Friday,
        2 => Weekday::Saturday,
        3 => Weekday::Sunday,
        4 => Weekday::Monday,
        5 => Weekday::Tuesday,
        _ => Weekday::Wednesday,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn m(s: &str) -> Moment {
        Moment::from_timestamp(s.parse().unwrap())
    }

    #[test]
    fn local_time_is_right_on_both_sides_of_a_clock_change() {
        let ny = Zone::named("America/New_York").unwrap();
        assert_eq!(ny.minute_of_day(m("2026-03-08T06:59:00Z")), 119);
        assert_eq!(ny.minute_of_day(m("2026-03-08T07:00:00Z")), 180);
        assert_eq!(ny.minute_of_day(m("2026-11-01T05:59:00Z")), 119);
        assert_eq!(ny.minute_of_day(m("2026-11-01T06:00:00Z")), 60);
    }

    #[test]
    fn a_missing_minute_is_the_first_that_exists_and_a_doubled_one_the_first_of_two() {
        let ny = Zone::named("America/New_York").unwrap();
        let spring = day_of_date(civil::date(2026, 3, 8));
        assert_eq!(ny.at(spring, 150).to_string(), "2026-03-08T07:30:00Z");
        let autumn = day_of_date(civil::date(2026, 11, 1));
        assert_eq!(ny.at(autumn, 90).to_string(), "2026-11-01T05:30:00Z");
    }

    #[test]
    fn local_time_around_each_change_of_the_clock_is_the_instant_that_the_calendar_library_names() {
        for name in [
            "America/New_York",
            "Europe/Berlin",
            "Australia/Lord_Howe",
            "America/Sao_Paulo",
            "Pacific/Apia",
            "Africa/Casablanca",
        ] {
            let zone = Zone::named(name).unwrap();
            for change in &zone.0.offsets[1..] {
                let day = zone.local_day(change.from);
                for (day, minute) in (day - 1..=day + 1).flat_map(|d| (0..1440).step_by(15).map(move |m| (d, m))) {
                    let local = date_of_day(day).at((minute / 60) as i8, (minute % 60) as i8, 0, 0);
                    assert_eq!(zone.at(day, minute), zone.resolve(local), "{name} {local}");
                }
                assert_eq!(zone.at(day, 1440), zone.at(day + 1, 0));
            }
        }
    }

    #[test]
    fn an_offset_holds_until_the_clock_changes() {
        let ny = Zone::named("America/New_York").unwrap();
        let (winter, until) = ny.offset(m("2026-02-01T00:00:00Z"));
        assert_eq!((winter, until.to_string()), (-5 * 3_600_000, "2026-03-08T07:00:00Z".to_owned()));
        assert_eq!(Zone::utc().offset(m("2026-02-01T00:00:00Z")), (0, Moment::MAX));
    }

    #[test]
    fn weekdays_follow_the_calendar() {
        assert_eq!(weekday_of_day(day_of_date(civil::date(2026, 3, 3))), Weekday::Tuesday);
        assert_eq!(date_of_day(day_of_date(civil::date(2024, 2, 29))), civil::date(2024, 2, 29));
        let monday = day_of_date(civil::date(2026, 3, 9));
        assert_eq!([-3, -2, -1, 0, 4].map(|n| working_day(monday + n) - monday), [-3, 0, 0, 0, 4]);
    }

    #[test]
    fn a_name_that_is_no_zone_is_none() {
        assert!(Zone::named("Mars/Olympus").is_none());
    }
}
