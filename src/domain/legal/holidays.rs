//! Days on which some places want no sales calls, computed from rules: fixed days, the nth weekday of a month, and
//! days counted from Easter.
//!
//! Which days count where is data (`jurisdictions.toml`). Days that a governor declares are not in here.

use jiff::civil::{Date, Weekday, date};

use crate::domain::time::{day_of_date, weekday_of_day};

/// The years that are worked out, the same as the time zones'.
const YEARS: std::ops::RangeInclusive<i16> = 1990..=2060;

/// Holidays as days since 1970-01-01, ascending.
#[derive(Clone, Debug, Default)]
pub(super) struct Holidays(Vec<i32>);

impl Holidays {
    pub fn contains(&self, day: i32) -> bool {
        self.0.binary_search(&day).is_ok()
    }

    /// The days of the rules. Where a holiday is also observed, a Saturday's is kept on the Friday before and a
    /// Sunday's on the Monday after, and the day itself remains one.
    pub fn of(rules: &[Rule], observed: bool) -> Holidays {
        let mut days = Vec::new();
        for day in YEARS.flat_map(|year| rules.iter().filter_map(move |rule| rule.day(year))) {
            days.push(day);
            match weekday_of_day(day) {
                Weekday::Saturday if observed => days.push(day - 1),
                Weekday::Sunday if observed => days.push(day + 1),
                _ => {}
            }
        }
        Holidays(days).sorted()
    }

    pub fn union(sets: impl IntoIterator<Item = Holidays>) -> Holidays {
        Holidays(sets.into_iter().flat_map(|set| set.0).collect()).sorted()
    }

    fn sorted(mut self) -> Holidays {
        self.0.sort_unstable();
        self.0.dedup();
        self
    }
}

/// One day of each year, perhaps some days before or after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    anchor: Anchor,
    shift_days: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Anchor {
    Fixed {
        month: i8,
        day: i8,
    },
    /// The nth such weekday of the month, 1 to 4; −1 is the last.
    Nth {
        month: i8,
        weekday: Weekday,
        nth: i8,
    },
    Easter,
}

impl Rule {
    /// "July 4", "third Monday of January", "last Monday of May", "Easter", and "2 days before" or "1 day after" any.
    pub fn parse(text: &str) -> Option<Rule> {
        let words: Vec<&str> = text.split_whitespace().collect();
        match words[..] {
            [count, "day" | "days", way @ ("before" | "after"), ref rest @ ..] => {
                let days: i32 = count.parse().ok()?;
                let shift_days = if way == "before" { -days } else { days };
                Some(Rule { anchor: Anchor::parse(rest)?, shift_days })
            }
            ref rest => Some(Rule { anchor: Anchor::parse(rest)?, shift_days: 0 }),
        }
    }

    /// The day it falls on in a year, if it does (February 29).
    fn day(self, year: i16) -> Option<i32> {
        let anchor = match self.anchor {
            Anchor::Fixed { month, day } => Date::new(year, month, day).ok()?,
            Anchor::Nth { month, weekday, nth } => date(year, month, 1).nth_weekday_of_month(nth, weekday).ok()?,
            Anchor::Easter => easter(year),
        };
        Some(day_of_date(anchor) + self.shift_days)
    }
}

impl Anchor {
    fn parse(words: &[&str]) -> Option<Anchor> {
        match *words {
            ["Easter"] => Some(Anchor::Easter),
            [month_name, day] => {
                let (month, day) = (month(month_name)?, day.parse().ok()?);
                // 2024 is a leap year: every day that can be is in it.
                Date::new(2024, month, day).ok().map(|_| Anchor::Fixed { month, day })
            }
            [nth, weekday_name, "of", month_name] => {
                let nth = match nth {
                    "first" => 1,
                    "second" => 2,
                    "third" => 3,
                    "fourth" => 4,
                    "last" => -1,
                    _ => return None,
                };
                Some(Anchor::Nth { month: month(month_name)?, weekday: weekday(weekday_name)?, nth })
            }
            _ => None,
        }
    }
}

fn month(name: &str) -> Option<i8> {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    MONTHS.iter().position(|m| *m == name).map(|i| i as i8 + 1)
}

fn weekday(name: &str) -> Option<Weekday> {
    Some(match name {
        "Monday" => Weekday::Monday,
        "Tuesday" => Weekday::Tuesday,
        "Wednesday" => Weekday::Wednesday,
        "Thursday" => Weekday::Thursday,
        "Friday" => Weekday::Friday,
        "Saturday" => Weekday::Saturday,
        "Sunday" => Weekday::Sunday,
        _ => return None,
    })
}

/// Western Easter Sunday, by the anonymous Gregorian computation (Nature, 20 April 1876).
fn easter(year: i16) -> Date {
    let year_number = i32::from(year);
    let (golden, century, in_century) = (year_number % 19, year_number / 100, year_number % 100);
    let moon_shift = (century - (century + 8) / 25 + 1) / 3;
    let epact = (19 * golden + century - century / 4 - moon_shift + 15) % 30;
    let to_sunday = (32 + 2 * (century % 4) + 2 * (in_century / 4) - epact - in_century % 4) % 7;
    let late = (golden + 11 * epact + 22 * to_sunday) / 451;
    let n = epact + to_sunday - 7 * late + 114;
    date(year, (n / 31) as i8, (n % 31 + 1) as i8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(rule: &str, year: i16) -> Date {
        crate::domain::time::date_of_day(Rule::parse(rule).unwrap().day(year).unwrap())
    }

    #[test]
    fn rules_name_the_days_of_the_calendar() {
        assert_eq!(on("July 4", 2026), date(2026, 7, 4));
        assert_eq!(on("third Monday of January", 2026), date(2026, 1, 19));
        assert_eq!(on("last Monday of May", 2026), date(2026, 5, 25));
        assert_eq!(on("fourth Thursday of November", 2026), date(2026, 11, 26));
        assert_eq!(on("1 day after first Monday of November", 2028), date(2028, 11, 7));
        assert_eq!(on("2 days before Easter", 2026), date(2026, 4, 3));
        assert_eq!(on("47 days before Easter", 2026), date(2026, 2, 17));
    }

    #[test]
    fn easter_falls_where_the_church_says() {
        for (year, month, day) in [(1990, 4, 15), (2000, 4, 23), (2008, 3, 23), (2024, 3, 31), (2038, 4, 25)] {
            assert_eq!(easter(year), date(year, month, day));
        }
    }

    #[test]
    fn a_weekend_holiday_is_also_observed_on_the_nearest_weekday() {
        let set = Holidays::of(&[Rule::parse("July 4").unwrap(), Rule::parse("January 1").unwrap()], true);
        let is = |y, m, d| set.contains(day_of_date(date(y, m, d)));
        assert!(is(2026, 7, 4) && is(2026, 7, 3) && !is(2026, 7, 5), "Saturday");
        assert!(is(2027, 7, 4) && is(2027, 7, 5) && !is(2027, 7, 3), "Sunday");
        assert!(is(2021, 12, 31) && is(2022, 1, 1), "a New Year's Day observed the year before");
        let plain = Holidays::of(&[Rule::parse("July 4").unwrap()], false);
        assert!(!plain.contains(day_of_date(date(2026, 7, 3))));
    }

    #[test]
    fn a_leap_day_is_a_holiday_only_in_leap_years() {
        let set = Holidays::of(&[Rule::parse("February 29").unwrap()], false);
        assert!(set.contains(day_of_date(date(2028, 2, 29))));
        assert!(!set.contains(day_of_date(date(2027, 3, 1))) && !set.contains(day_of_date(date(2027, 2, 28))));
    }

    #[test]
    fn text_that_is_no_rule_is_refused() {
        for wrong in ["", "Julember 4", "February 30", "fifth Monday of May", "Monday of May", "two days after Easter"]
        {
            assert_eq!(Rule::parse(wrong), None, "{wrong}");
        }
    }
}
