//! The legal gate as shipped, in sentences: `rows` a state at a time, `places` who is where, `clocks` the changes of
//! the clock, `grounds` consent and screening, `file` faults of the file, `naive` everything against a slow and obvious
//! reading of the law.

mod clocks;
mod file;
mod grounds;
mod naive;
mod places;
mod rows;

use super::{Jurisdictions, Place, PlaceFacts, Windows};
use crate::domain::time::{Moment, Span};

fn m(t: &str) -> Moment {
    Moment::from_timestamp(t.parse().unwrap())
}

/// The place of a number alone.
fn number(e164: &str) -> Place<'static> {
    Jurisdictions::shipped().place(&PlaceFacts { phone: Some(e164), ..PlaceFacts::default() })
}

/// A place without a number in the United States: state and zone as stated.
fn state(region: &str, zone: &str) -> Place<'static> {
    let facts =
        PlaceFacts { country: Some("US"), region: Some(region), time_zone: Some(zone), ..PlaceFacts::default() };
    Jurisdictions::shipped().place(&facts)
}

/// The legal windows of one local day as "08:00-20:00", on the clock of the place; "closed" if there are none.
fn hours(place: &Place<'_>, date: &str, automated: bool) -> String {
    let zone = place.local_zone();
    let midnight = zone.resolve(date.parse::<jiff::civil::Date>().unwrap().at(0, 0, 0, 0));
    let day = zone.local_day(midnight);
    let Windows::Open(windows) = place.call_windows(automated, midnight, zone.at(day + 1, 0)) else {
        return "none".into();
    };
    let clock = |t: Moment| match zone.minute_of_day(t) {
        0 if t > midnight => "24:00".to_owned(),
        minute => format!("{:02}:{:02}", minute / 60, minute % 60),
    };
    let spans: Vec<String> = windows.iter().map(|w| format!("{}-{}", clock(w.from), clock(w.until))).collect();
    if spans.is_empty() { "closed".into() } else { spans.join(", ") }
}

/// The same for calls dialled by hand.
fn on(place: &Place<'_>, date: &str) -> String {
    hours(place, date, false)
}

fn windows(place: &Place<'_>, from: &str, length: Span) -> Vec<String> {
    let Windows::Open(windows) = place.call_windows(false, m(from), m(from) + length) else {
        return vec!["none".into()];
    };
    windows.iter().map(|w| format!("{}/{}", w.from, w.until)).collect()
}
