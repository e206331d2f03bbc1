//! The windows against a slow and obvious reading of the law: minute by minute, with jiff's own civil time and the
//! rules of `domain` written out once more.

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::super::place::Candidate;
use super::*;

/// Whether the rules written out here allow a call at a local date and time.
fn is_legal(law: &str, date: Date, time: Time) -> bool {
    let sunday = date.weekday() == Weekday::Sunday;
    let saturday = date.weekday() == Weekday::Saturday;
    let since = |y, m, d| date >= jiff::civil::date(y, m, d);
    let minutes = i32::from(time.hour()) * 60 + i32::from(time.minute());
    let within = |from: f64, until: f64| f64::from(minutes) >= from * 60.0 && f64::from(minutes) < until * 60.0;
    match law {
        "Florida" if since(2021, 7, 1) => within(8.0, 20.0),
        "Alabama" => !sunday && !holiday(date) && !al_holiday(date) && within(8.0, 20.0),
        "Mississippi" => !sunday && within(8.0, 20.0),
        "Kentucky" => within(10.0, 21.0),
        "Nevada" => within(9.0, 20.0),
        "Texas" => within(if sunday { 12.0 } else { 9.0 }, 21.0),
        "Canada" if saturday || sunday => within(10.0, 18.0),
        "Canada" => within(9.0, 21.5),
        "the United Kingdom" => !sunday && within(9.0, 20.0),
        "the United States" => within(8.0, 21.0),
        other => panic!("no rule for {other}"),
    }
}

/// The federal holidays and the days they are observed on, spelled out for the years of the test.
fn holiday(date: Date) -> bool {
    const DAYS: &[&str] = &[
        "2026-01-01",
        "2026-01-19",
        "2026-02-16",
        "2026-05-25",
        "2026-06-19",
        "2026-07-03",
        "2026-07-04",
        "2026-09-07",
        "2026-10-12",
        "2026-11-11",
        "2026-11-26",
        "2026-12-25",
        "2027-01-01",
        "2027-01-18",
        "2027-02-15",
        "2027-05-31",
        "2027-06-18",
        "2027-06-19",
        "2027-07-04",
        "2027-07-05",
        "2027-09-06",
        "2027-10-11",
        "2027-11-11",
        "2027-11-25",
        "2027-12-24",
        "2027-12-25",
        "2027-12-31",
        "2028-01-01",
        "2028-01-17",
        "2028-02-21",
    ];
    DAYS.contains(&date.to_string().as_str())
}
fn al_holiday(date: Date) -> bool {
    const DAYS: &[&str] = &[
        "2026-02-17",
        "2026-04-27",
        "2026-06-01",
        "2026-12-01",
        "2027-02-09",
        "2027-04-26",
        "2027-06-07",
        "2027-12-01",
        "2028-02-29",
    ];
    DAYS.contains(&date.to_string().as_str())
}

fn is_legal_everywhere(candidates: &[Candidate<'_>], t: Moment) -> bool {
    candidates.iter().all(|c| {
        let zoned = t.timestamp().to_zoned(TimeZone::get(c.zone.name()).unwrap());
        is_legal(&c.law.name, zoned.date(), zoned.time())
    })
}

prop_compose! {
    fn any_facts()(
        phone in prop::sample::select(vec![
            None, Some("+13055552368"), Some("+18505550100"), Some("+12055550100"), Some("+16015550100"), Some("+12705550100"),
            Some("+17755550100"), Some("+12145550100"), Some("+12505550100"), Some("+442079460000"), Some("+12125550100"),
            Some("+19075550100"),
        ]),
        region in prop::sample::select(vec![None, None, Some("FL"), Some("TX"), Some("AL"), Some("KY"), Some("ON"), Some("HI")]),
        postal_code in prop::sample::select(vec![None, None, Some("33101"), Some("75201"), Some("35004"), Some("K1A 0B1")]),
        country in prop::sample::select(vec![None, Some("US"), Some("GB")]),
        time_zone in prop::sample::select(vec![
            None, None, Some("America/Chicago"), Some("America/New_York"), Some("Europe/London"), Some("Australia/Lord_Howe"),
        ]),
    ) -> PlaceFacts<'static> {
        // Somebody of whom only the US is known would bring every state's row, and each would have to be written out
        // here.
        let canadian = region == Some("ON") || postal_code == Some("K1A 0B1");
        let american = region.is_some() || postal_code.is_some();
        let country = match phone {
            None if canadian => Some("CA"),
            None if american => Some("US"),
            None => Some("GB"),
            Some("+12505550100" | "+442079460000") if country == Some("US") => None,
            Some(_) => country,
        };
        PlaceFacts { phone, country, region, postal_code, time_zone }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn windows_are_sorted_disjoint_inside_the_range_and_legal_minute_by_minute(
        facts in any_facts(),
        // 2026-01-01 to 2028-03-01, in milliseconds.
        from in 1_767_225_600_000i64..1_835_481_600_000,
        minutes in 1i64..30_000,
        step in 31i64..97,
    ) {
        let place = Jurisdictions::shipped().place(&facts);
        prop_assume!(place.missing().is_none());
        let (from, until) = (Moment(from), Moment(from) + Span::minutes(minutes));
        let Windows::Open(windows) = place.call_windows(false, from, until) else {
            for t in (0..21_600).step_by(step as usize).map(|i| from + Span::minutes(i)) {
                prop_assert!(!is_legal_everywhere(place.candidates(), t), "never, but legal at {}", t);
            }
            return Ok(());
        };
        let until = until.min(from + Span::days(15));
        prop_assert!(windows.iter().all(|w| from <= w.from && w.from < w.until && w.until <= until));
        prop_assert!(windows.as_slice().windows(2).all(|w| w[0].until < w[1].from));
        // Every few minutes, and on both sides of every edge.
        let edges = windows.iter().flat_map(|w| [w.from - Span(1), w.from, w.until - Span(1), w.until]);
        let steps = (0..minutes).step_by(step as usize).map(|i| from + Span::minutes(i));
        for t in steps.chain(edges).filter(|t| from <= *t && *t < until) {
            prop_assert_eq!(windows.contains(t), is_legal_everywhere(place.candidates(), t), "at {}", t);
            prop_assert_eq!(windows.contains(t), place.is_open(false, t), "is_open at {}", t);
        }
        let first = place.next_open(false, from);
        if let Some(window) = windows.as_slice().first() {
            prop_assert_eq!(first, Some(window.from));
        } else {
            prop_assert!(first.is_none_or(|t| t >= until));
        }
        let of_a_day = first.map(|t| place.call_windows(false, t, t + Span::days(1)).intervals());
        let window = of_a_day.and_then(|windows| windows.iter().next()).map(|w| (w.from, w.until));
        prop_assert_eq!(place.first_window(false, from), window);
    }
}
