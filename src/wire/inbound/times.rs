//! Times as they are written: RFC 3339, days, and local times that wait for a zone.
//!
//! An own parser, because the full range of years 0000 to 9999 must come out as an instant (to be refused as too old
//! or in the future, not as unreadable), and because Meta writes `+0000` without a colon.

use jiff::civil;

use crate::domain::event::WhenLocal;
use crate::domain::time::{Moment, Span};

/// A date and time as written, and how far that clock was ahead of UTC, if it says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Written {
    local: civil::DateTime,
    offset: Option<Span>,
}

impl Written {
    fn moment(self) -> Option<Moment> {
        let (date, time) = (self.local.date(), self.local.time());
        let of_day = Span::hours(time.hour().into()).0
            + Span::minutes(time.minute().into()).0
            + Span::seconds(time.second().into()).0
            + i64::from(time.millisecond());
        Some(Moment(i64::from(day_number(date)) * Span::days(1).0 + of_day) - self.offset?)
    }
}

/// An instant in RFC 3339. Also understood: a space for the `T`, no seconds, an offset without colon or minutes.
pub fn instant(text: &str) -> Option<Moment> {
    written(text)?.moment()
}

/// A date and time with an offset, or without one.
pub fn local(text: &str) -> Option<WhenLocal> {
    let written = written(text)?;
    Some(written.moment().map_or(WhenLocal::Local(written.local), WhenLocal::Instant))
}

/// A day, `2026-06-30`; of a date with time the day that it names.
pub fn day(text: &str) -> Option<civil::Date> {
    match text.len() {
        10 => date(text.as_bytes()),
        _ => Some(written(text)?.local.date()),
    }
}

/// Days since 1970-01-01, over the whole range of dates.
pub fn day_number(date: civil::Date) -> i32 {
    (date.duration_since(civil::date(1970, 1, 1)).as_hours() / 24) as i32
}

fn written(text: &str) -> Option<Written> {
    let bytes = text.as_bytes();
    let date = date(bytes.get(..10)?)?;
    if !matches!(bytes.get(10)?, b'T' | b't' | b' ') {
        return None;
    }
    let (hour, minute) = (two(bytes, 11)?, two(bytes, 14)?);
    if bytes.get(13) != Some(&b':') {
        return None;
    }
    let (second, rest) = match bytes.get(16) {
        Some(b':') => (two(bytes, 17)?, bytes.get(19..)?),
        _ => (0, bytes.get(16..)?),
    };
    let (millisecond, rest) = fraction(rest)?;
    let offset = offset(rest)?;
    // A leap second has no number of its own in a count of milliseconds: it is the last one of its minute.
    let leap = second == 60;
    let time = civil::Time::new(hour, minute, second - i8::from(leap), i32::from(millisecond) * 1_000_000).ok()?;
    let written = Written { local: date.to_datetime(time), offset };
    (!leap || ends_an_hour(written)).then_some(written)
}

/// Leap seconds are inserted at the end of a day in UTC; every offset in use is a multiple of 15 minutes from it.
fn ends_an_hour(written: Written) -> bool {
    (written.local.minute() + 1) % 15 == 0
}

fn date(bytes: &[u8]) -> Option<civil::Date> {
    if bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let year = i16::from(two(bytes, 0)?) * 100 + i16::from(two(bytes, 2)?);
    civil::Date::new(year, two(bytes, 5)?, two(bytes, 8)?).ok()
}

/// ".250" → 250 ms, and what follows. Digits beyond the millisecond are dropped: the core counts no finer.
fn fraction(bytes: &[u8]) -> Option<(i16, &[u8])> {
    let Some((b'.' | b',', rest)) = bytes.split_first() else { return Some((0, bytes)) };
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    if digits == 0 || digits > 18 {
        return None;
    }
    let digit = |i: usize| if i < digits { i16::from(rest[i] - b'0') } else { 0 };
    Some((digit(0) * 100 + digit(1) * 10 + digit(2), &rest[digits..]))
}

/// `Some(None)` where nothing is written, `None` where it makes no sense.
fn offset(bytes: &[u8]) -> Option<Option<Span>> {
    let (sign, hours, minutes) = match bytes {
        [] => return Some(None),
        [b'Z' | b'z'] => return Some(Some(Span::ZERO)),
        [sign, _, _] => (sign, two(bytes, 1)?, 0),
        [sign, _, _, _, _] => (sign, two(bytes, 1)?, two(bytes, 3)?),
        [sign, _, _, b':', _, _] => (sign, two(bytes, 1)?, two(bytes, 4)?),
        _ => return None,
    };
    if hours > 23 || minutes > 59 {
        return None;
    }
    let ahead = Span(Span::hours(hours.into()).0 + Span::minutes(minutes.into()).0);
    match sign {
        b'+' => Some(Some(ahead)),
        b'-' => Some(Some(Span(-ahead.0))),
        _ => None,
    }
}

fn two(bytes: &[u8], at: usize) -> Option<i8> {
    let digit = |i: usize| bytes.get(i).filter(|b| b.is_ascii_digit()).map(|b| (b - b'0') as i8);
    Some(digit(at)? * 10 + digit(at + 1)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_spelling_of_an_instant_is_the_same_instant() {
        let same = [
            "2026-03-02T14:05:00Z",
            "2026-03-02t14:05:00z",
            "2026-03-02 14:05:00Z",
            "2026-03-02T14:05:00.000Z",
            "2026-03-02T14:05:00,0004Z",
            "2026-03-02T09:05:00-05:00",
            "2026-03-02T15:05:00+0100",
            "2026-03-02T14:05Z",
            "2026-03-02T14:05:00+00",
            "2026-03-03T00:05:00+10:00",
        ];
        for text in same {
            assert_eq!(instant(text).unwrap().to_string(), "2026-03-02T14:05:00Z", "{text}");
        }
    }

    #[test]
    fn what_is_no_instant_is_none() {
        let none = [
            "",
            "yesterday",
            "2026-03-02",
            "2026-03-02T14:05:00",
            "2026-13-02T14:05:00Z",
            "2026-02-29T14:05:00Z",
            "2026-03-02T24:00:00Z",
            "2026-03-02T14:60:00Z",
            "2026-03-02T14:05:61Z",
            "2026-03-02T14:05:00+24:00",
            "2026-03-02T14:05:00.Z",
            "2026-03-02T14:05:00Z[UTC]",
            "1772460300",
            "-001-03-02T14:05:00Z",
            "2026-03-02T14:05:00 Z",
            "２026-03-02T14:05:00Z",
        ];
        for text in none {
            assert_eq!(instant(text), None, "{text}");
        }
    }

    #[test]
    fn a_leap_second_is_the_last_second_of_its_minute() {
        assert_eq!(instant("2016-12-31T23:59:60Z"), instant("2016-12-31T23:59:59Z"));
        assert_eq!(instant("2017-01-01T05:29:60.5+05:30"), instant("2016-12-31T23:59:59.5Z"));
        assert_eq!(instant("2026-03-02T14:05:60Z"), None);
    }

    #[test]
    fn the_first_and_last_years_are_instants() {
        assert_eq!(instant("1970-01-01T00:00:00.001Z"), Some(Moment(1)));
        assert_eq!(instant("0001-01-01T00:00:00Z"), Some(Moment(-62_135_596_800_000)));
        assert_eq!(instant("9999-12-31T23:59:59.999Z"), Some(Moment(253_402_300_799_999)));
        assert_eq!(instant("9999-12-31T23:59:59-23:59").unwrap().0, 253_402_300_799_000 + 86_340_000);
        assert_eq!(day_number(day("9999-12-31").unwrap()), 2_932_896);
        assert_eq!(day_number(day("0000-01-01").unwrap()), -719_528);
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC{0,40}", like in "[0-9TtZ:+ .,-]{0,40}") {
            for text in [text, like] {
                let _ = (instant(&text), day(&text));
            }
        }

        #[test]
        fn an_instant_that_is_written_out_is_read_back(ms in -62_135_596_800_000_i64..253_402_207_200_000) {
            prop_assert_eq!(instant(&Moment(ms).to_string()), Some(Moment(ms)));
        }
    }
}
