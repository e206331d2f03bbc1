//! The calendar section of the lexicon: which words are months, feasts, parts of the day, and when those are.
//!
//! Only parsing; what the words do in a date is told in `calendar`, `dates` and `clock`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::calendar::{Almanac, Cal, Feast, Plain, Unit};
use super::pattern::plain;
use super::vocabulary::Vocabulary;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCalendar {
    /// January to December, each with its names.
    months: Vec<Vec<String>>,
    /// Monday to Sunday.
    weekdays: Vec<Vec<String>>,
    /// Names of months and days that are other words too.
    doubtful: Vec<String>,
    seasons: BTreeMap<String, Vec<String>>,
    season_starts: [i8; 4],
    units: BTreeMap<String, Vec<String>>,
    ends: BTreeMap<String, Vec<String>>,
    counts: BTreeMap<String, Vec<String>>,
    ordinals: Vec<Vec<String>>,
    /// "HH:MM" and its names.
    parts_of_day: BTreeMap<String, Vec<String>>,
    /// A rule and its names.
    feasts: BTreeMap<String, Vec<String>>,
    fiscal_start: String,
    day_first_zones: Vec<String>,
    words: BTreeMap<String, Vec<String>>,
}

struct Learner<'a> {
    words: &'a mut Vocabulary,
    errors: &'a mut Vec<String>,
}

impl Learner<'_> {
    /// Gives each name its meaning; a name must be one word, and can mean one thing only.
    fn all(&mut self, place: &str, names: &[String], cal: Cal) {
        for name in names {
            let problem = match plain(self.words, name)[..] {
                [one] => {
                    let known = self.words.info_mut(one).cal.replace(cal);
                    known.filter(|k| *k != cal).map(|k| format!("{name:?} is {k:?} already"))
                }
                _ => Some(format!("{name:?} is not one word")),
            };
            self.errors.extend(problem.map(|p| format!("calendar.{place}: {p}")));
        }
    }
    fn each(&mut self, place: &str, table: &BTreeMap<String, Vec<String>>, of: impl Fn(&str) -> Option<Cal>) {
        for (key, names) in table {
            match of(key) {
                Some(cal) => self.all(place, names, cal),
                None => self.errors.push(format!("calendar.{place}: {key:?} is not understood")),
            }
        }
    }
}

pub(super) fn learn_calendar(raw: &RawCalendar, words: &mut Vocabulary, errors: &mut Vec<String>) -> Almanac {
    let mut l = Learner { words, errors };
    for (place, lists, expected) in [("months", &raw.months, 12), ("weekdays", &raw.weekdays, 7)] {
        if lists.len() != expected {
            l.errors.push(format!("calendar.{place}: {} lists, expected {expected}", lists.len()));
        }
    }
    for (i, names) in raw.months.iter().enumerate() {
        let (doubtful, sure): (Vec<_>, Vec<_>) = names.iter().cloned().partition(|n| raw.doubtful.contains(n));
        l.all("months", &sure, Cal::Month(i as u8 + 1, false));
        l.all("months", &doubtful, Cal::Month(i as u8 + 1, true));
    }
    for (i, names) in raw.weekdays.iter().enumerate() {
        let (doubtful, sure): (Vec<_>, Vec<_>) = names.iter().cloned().partition(|n| raw.doubtful.contains(n));
        l.all("weekdays", &sure, Cal::Weekday(i as u8, false));
        l.all("weekdays", &doubtful, Cal::Weekday(i as u8, true));
    }
    for (i, names) in raw.ordinals.iter().enumerate() {
        l.all("ordinals", names, Cal::Ordinal(i as u8 + 1));
    }
    let season = |key: &str| ["spring", "summer", "autumn", "winter"].iter().position(|s| *s == key);
    l.each("seasons", &raw.seasons, |key| season(key).map(|n| Cal::Season(n as u8)));
    l.each("units", &raw.units, |key| unit(key).map(Cal::Unit));
    l.each("ends", &raw.ends, |key| unit(key).map(Cal::EndOf));
    l.each("counts", &raw.counts, |key| key.parse().ok().map(Cal::Count));
    l.each("parts_of_day", &raw.parts_of_day, |key| minute(key).map(Cal::Part));
    l.each("words", &raw.words, |key| Plain::from_name(key).map(Cal::Plain));
    let mut feasts = Vec::new();
    for (rule, names) in &raw.feasts {
        match Feast::parse(rule) {
            Some(feast) => {
                l.all("feasts", names, Cal::Feast(feasts.len() as u8));
                feasts.push(feast);
            }
            None => l.errors.push(format!("calendar.feasts: {rule:?} is not understood")),
        }
    }
    let fiscal_start = match Feast::parse(&raw.fiscal_start) {
        Some(Feast::Fixed(start, _)) => start,
        _ => {
            l.errors.push(format!("calendar.fiscal_start: {:?} is not a month and day like \"01-01\"", raw.fiscal_start));
            (1, 1)
        }
    };
    if raw.season_starts.iter().any(|m| !(1..=12).contains(m)) {
        l.errors.push("calendar.season_starts: a month is 1 to 12".to_owned());
    }
    Almanac { feasts, seasons: raw.season_starts, fiscal_start, day_first: raw.day_first_zones.clone(), after_time: 0 }
}

fn unit(key: &str) -> Option<Unit> {
    Some(match key {
        "minute" => Unit::Minute,
        "hour" => Unit::Hour,
        "day" => Unit::Day,
        "week" => Unit::Week,
        "month" => Unit::Month,
        "quarter" => Unit::Quarter,
        "year" => Unit::Year,
        _ => return None,
    })
}

fn minute(key: &str) -> Option<u16> {
    let (h, m) = key.split_once(':')?;
    let (h, m): (u16, u16) = (h.parse().ok()?, m.parse().ok()?);
    (h < 24 && m < 60).then_some(h * 60 + m)
}
