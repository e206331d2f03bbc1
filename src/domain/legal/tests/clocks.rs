//! How the hours of the law behave where clocks and calendars do not run smoothly.

use super::super::Jurisdictions;
use super::*;

const NOTHING: PlaceFacts<'static> =
    PlaceFacts { phone: None, country: None, region: None, postal_code: None, time_zone: None };

#[test]
fn a_spring_day_loses_an_hour_and_an_autumn_day_gains_one_without_moving_the_hours() {
    // New York: 2026-03-08 and 2026-11-01; 8:00 is 13:00Z before the change and 12:00Z after it.
    let new_york = number("+12125550100");
    assert_eq!(
        windows(&new_york, "2026-03-07T12:00:00Z", Span::days(2)),
        ["2026-03-07T13:00:00Z/2026-03-08T02:00:00Z", "2026-03-08T12:00:00Z/2026-03-09T01:00:00Z"]
    );
    assert_eq!(
        windows(&new_york, "2026-10-31T11:00:00Z", Span::days(2)),
        ["2026-10-31T12:00:00Z/2026-11-01T01:00:00Z", "2026-11-01T13:00:00Z/2026-11-02T02:00:00Z"]
    );
    // London changes on Sundays, when it is closed: Saturday and Monday.
    let london = number("+442079460000");
    assert_eq!(
        windows(&london, "2026-10-24T00:00:00Z", Span::days(3)),
        ["2026-10-24T08:00:00Z/2026-10-24T19:00:00Z", "2026-10-26T09:00:00Z/2026-10-26T20:00:00Z"]
    );
    assert_eq!(
        windows(&london, "2026-03-28T00:00:00Z", Span::days(3)),
        ["2026-03-28T09:00:00Z/2026-03-28T20:00:00Z", "2026-03-30T08:00:00Z/2026-03-30T19:00:00Z"]
    );
    // Los Angeles changes three hours after New York.
    let los_angeles = number("+12135550100");
    assert_eq!(
        windows(&los_angeles, "2026-03-08T12:00:00Z", Span::days(1)),
        ["2026-03-08T15:00:00Z/2026-03-09T04:00:00Z"]
    );
    assert_eq!(
        windows(&los_angeles, "2026-11-01T12:00:00Z", Span::days(1)),
        ["2026-11-01T16:00:00Z/2026-11-02T05:00:00Z"]
    );
}

#[test]
fn hours_that_the_clock_skips_or_doubles_are_nobodys_or_legal_both_times() {
    let text = r#"
        [no_row]
        email_inquiry_months = 3
        [[law]]
        country = "US"
        name = "the United States"
        main_zone = "America/New_York"
        effective_from = "unknown"
        source = "a test"
        reviewed_at = 2026-01-01
        hours = { daily = "01:30-02:30" }
        call_consent = "none"
        automated_consent = "express"
        sms_consent = "express"
        screening = "off"
        email = "opt_out"
        email_inquiry_months = 3
    "#;
    let book = Jurisdictions::parse(text).unwrap();
    let night = book.place(&PlaceFacts { phone: Some("+12125550100"), ..NOTHING });
    // In spring 2:00 is 3:00: half an hour is left. In autumn 1:30 to 2:00 comes twice, with 1:00 to 1:30 between.
    assert_eq!(windows(&night, "2026-03-08T00:00:00Z", Span::days(1)), ["2026-03-08T06:30:00Z/2026-03-08T07:00:00Z"]);
    assert_eq!(
        windows(&night, "2026-11-01T00:00:00Z", Span::days(1)),
        ["2026-11-01T05:30:00Z/2026-11-01T06:00:00Z", "2026-11-01T06:30:00Z/2026-11-01T07:30:00Z"]
    );
}

#[test]
fn a_leap_day_is_a_day_like_any_other() {
    let new_york = number("+12125550100");
    assert_eq!(on(&new_york, "2028-02-29"), "08:00-21:00");
    assert_eq!(
        windows(&new_york, "2028-02-29T12:00:00Z", Span::days(1)),
        ["2028-02-29T13:00:00Z/2028-03-01T02:00:00Z"]
    );
}

#[test]
fn the_weekday_is_the_leads_and_not_that_of_utc() {
    // Sunday 20:00 in Chicago is Monday in UTC: Alabama is closed all the same, and Texas open.
    let t = m("2026-12-07T02:00:00Z");
    assert!(!state("AL", "America/Chicago").is_open(false, t));
    assert!(state("TX", "America/Chicago").is_open(false, t));
    // Sunday 23:00 in UTC is Monday 9:00 in Guam.
    assert!(number("+16715550100").is_open(false, m("2026-12-06T23:00:00Z")));
}

#[test]
fn a_short_stretch_of_night_is_closed_but_not_never() {
    let new_york = number("+12125550100");
    let night = m("2026-12-01T05:00:00Z");
    assert_eq!(new_york.call_windows(false, night, night + Span::hours(2)), Windows::Open(Default::default()));
    assert_eq!(new_york.next_open(false, night), Some(m("2026-12-01T13:00:00Z")));
    let open = m("2026-12-01T15:00:00.123Z");
    assert_eq!(new_york.next_open(false, open), Some(open));
    assert_eq!(new_york.next_open(false, m("2026-12-02T02:00:00Z")), Some(m("2026-12-02T13:00:00Z")));
}

#[test]
fn a_state_of_emergency_closes_a_state_until_its_day() {
    let shipped = include_str!("../../../../config/policy/jurisdictions.toml");
    let closed = shipped.replacen("region = \"LA\"", "region = \"LA\"\nclosed_until = 2026-12-03", 1);
    let book = Jurisdictions::parse(&closed).unwrap();
    let new_orleans = book.place(&PlaceFacts { phone: Some("+15045550100"), ..NOTHING });
    assert_eq!(on(&new_orleans, "2026-12-02"), "closed");
    assert_eq!(new_orleans.next_open(false, m("2026-12-01T18:00:00Z")), Some(m("2026-12-03T14:00:00Z")));
    let far = shipped.replacen("region = \"LA\"", "region = \"LA\"\nclosed_until = 2027-03-01", 1);
    let book = Jurisdictions::parse(&far).unwrap();
    let new_orleans = book.place(&PlaceFacts { phone: Some("+15045550100"), ..NOTHING });
    let from = m("2026-12-01T18:00:00Z");
    // Closed for longer than we look ahead, but nothing is wrong with the lead's address.
    assert_eq!(new_orleans.call_windows(false, from, from + Span::days(15)), Windows::Open(Default::default()));
}
