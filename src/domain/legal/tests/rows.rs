//! Each row as shipped, on days that tell it apart: Tuesday 2026-12-08, Saturday 12-12, Sunday 12-13, Christmas (a
//! Friday).

use super::super::Jurisdictions;
use super::*;

const TUESDAY: &str = "2026-12-08";
const SATURDAY: &str = "2026-12-12";
const SUNDAY: &str = "2026-12-13";
const CHRISTMAS: &str = "2026-12-25";

/// Tuesday, Saturday, Sunday, Christmas.
fn week(place: &Place<'_>) -> [String; 4] {
    [TUESDAY, SATURDAY, SUNDAY, CHRISTMAS].map(|day| on(place, day))
}

#[track_caller]
fn says(place: &Place<'_>, expected: [&str; 4]) {
    assert_eq!(week(place), expected);
}

#[test]
fn the_shipped_file_has_no_faults() {
    assert!(Jurisdictions::parse(include_str!("../../../../config/policy/jurisdictions.toml")).is_ok());
    let shipped = Jurisdictions::shipped();
    assert_eq!(shipped.laws().len(), 6 + 20, "6 countries and 20 states");
    assert!(shipped.laws().iter().all(|l| l.versions.iter().all(|(_, row)| !row.source.is_empty())));
}

#[test]
fn a_state_without_a_row_has_the_federal_hours() {
    for place in [state("NY", "America/New_York"), state("CA", "America/Los_Angeles"), state("HI", "Pacific/Honolulu")]
    {
        says(&place, ["08:00-21:00"; 4]);
    }
}

#[test]
fn eight_to_twenty_in_florida_oklahoma_maryland_washington_massachusetts_and_wyoming() {
    for (region, zone) in [
        ("FL", "America/New_York"),
        ("FL", "America/Chicago"),
        ("OK", "America/Chicago"),
        ("MD", "America/New_York"),
        ("WA", "America/Los_Angeles"),
        ("MA", "America/New_York"),
        ("WY", "America/Denver"),
    ] {
        says(&state(region, zone), ["08:00-20:00"; 4]);
    }
}

#[test]
fn no_sundays_or_holidays_in_alabama_and_louisiana() {
    for region in ["AL", "LA"] {
        says(&state(region, "America/Chicago"), ["08:00-20:00", "08:00-20:00", "closed", "closed"]);
    }
    assert_eq!(on(&state("LA", "America/Chicago"), "2026-02-17"), "closed", "Mardi Gras");
    assert_eq!(on(&state("AL", "America/Chicago"), "2026-12-01"), "closed", "Rosa Parks Day");
}

#[test]
fn mississippi_keeps_central_time_and_no_sundays() {
    says(&state("MS", "America/Chicago"), ["08:00-20:00", "08:00-20:00", "closed", "08:00-20:00"]);
    // Somebody with a Mississippi number in Los Angeles: 8 to 20 Central is 6 to 18 there, of which 8 to 18 are
    // federal.
    says(&state("MS", "America/Los_Angeles"), ["08:00-18:00", "08:00-18:00", "closed", "08:00-18:00"]);
}

#[test]
fn nine_to_twenty_in_connecticut_and_nevada() {
    says(&state("CT", "America/New_York"), ["09:00-20:00"; 4]);
    says(&state("NV", "America/Los_Angeles"), ["09:00-20:00"; 4]);
}

#[test]
fn ten_to_twenty_one_in_kentucky_and_nine_to_twenty_one_in_michigan_minnesota_and_new_mexico() {
    says(&state("KY", "America/New_York"), ["10:00-21:00"; 4]);
    for (region, zone) in [("MI", "America/Detroit"), ("MN", "America/Chicago"), ("NM", "America/Denver")] {
        says(&state(region, zone), ["09:00-21:00"; 4]);
    }
}

#[test]
fn rhode_island_has_a_short_saturday_and_closes_on_sundays_and_holidays() {
    let place = state("RI", "America/New_York");
    says(&place, ["09:00-18:00", "10:00-17:00", "closed", "closed"]);
    assert_eq!(on(&place, "2026-08-10"), "closed", "Victory Day");
    // Independence Day 2026 is a Saturday, observed the Friday before.
    assert_eq!([on(&place, "2026-07-03"), on(&place, "2026-07-04")], ["closed", "closed"]);
}

#[test]
fn texas_starts_at_noon_on_sundays() {
    says(&state("TX", "America/Chicago"), ["09:00-21:00", "09:00-21:00", "12:00-21:00", "09:00-21:00"]);
}

#[test]
fn pennsylvania_and_utah_close_on_legal_holidays() {
    let (pa, ut) = (state("PA", "America/New_York"), state("UT", "America/Denver"));
    for place in [&pa, &ut] {
        says(place, ["08:00-21:00", "08:00-21:00", "08:00-21:00", "closed"]);
        assert_eq!(on(place, "2026-11-26"), "closed", "Thanksgiving");
        assert_eq!(on(place, "2027-01-18"), "closed", "Martin Luther King Jr. Day");
        assert_eq!([on(place, "2027-06-18"), on(place, "2027-06-19")], ["closed", "closed"], "Juneteenth, a Saturday");
    }
    assert_eq!([on(&pa, "2026-07-24"), on(&ut, "2026-07-24")], ["08:00-21:00", "closed"], "Pioneer Day");
    assert_eq!([on(&pa, "2026-04-03"), on(&ut, "2026-04-03")], ["closed", "08:00-21:00"], "Good Friday");
}

#[test]
fn maine_narrows_only_calls_that_a_machine_dials() {
    let place = state("ME", "America/New_York");
    says(&place, ["08:00-21:00"; 4]);
    let automated = [TUESDAY, SATURDAY, SUNDAY].map(|day| hours(&place, day, true));
    assert_eq!(automated, ["09:00-17:00", "closed", "closed"]);
}

#[test]
fn three_calls_in_24_hours_in_florida_oklahoma_and_maryland_and_one_automated_in_8_in_maine() {
    let now = m("2026-12-01T18:00:00Z");
    let caps = |place: &Place<'_>| place.caps(now).iter().map(|c| c.to_string()).collect::<Vec<_>>().join(", ");
    for (region, zone) in [("FL", "America/New_York"), ("OK", "America/Chicago"), ("MD", "America/New_York")] {
        assert_eq!(caps(&state(region, zone)), "3 calls in 24 h");
    }
    let maine = state("ME", "America/New_York").caps(now);
    assert_eq!(caps(&state("ME", "America/New_York")), "1 automated call in 8 h");
    assert_eq!(maine.full(false, |_| 9), None);
    assert_eq!(maine.full(true, |_| 1).map(|c| c.per), Some(Span::hours(8)));
    assert_eq!(caps(&state("NY", "America/New_York")), "");
    let florida = state("FL", "America/New_York").caps(now);
    assert!(florida.full(false, |_| 2).is_none() && florida.full(false, |_| 3).is_some());
}

#[test]
fn a_state_keeps_the_federal_hours_until_its_own_row_takes_effect() {
    let florida = state("FL", "America/New_York");
    assert_eq!(on(&florida, "2021-06-30"), "08:00-21:00");
    assert_eq!(on(&florida, "2021-07-01"), "08:00-20:00");
    assert_eq!(florida.caps(m("2021-06-30T12:00:00Z")).iter().count(), 0);
}

#[test]
fn canada_has_longer_weekdays_than_weekends() {
    let toronto = number("+14165550100");
    says(&toronto, ["09:00-21:30", "10:00-18:00", "10:00-18:00", "09:00-21:30"]);
    // 250 lies in Pacific and in Mountain time, where it is an hour later.
    says(&number("+12505550100"), ["09:00-20:30", "10:00-17:00", "10:00-17:00", "09:00-20:30"]);
}

#[test]
fn britain_and_ireland_close_on_sundays() {
    for phone in ["+442079460000", "+447400123456", "+35312345678"] {
        says(&number(phone), ["09:00-20:00", "09:00-20:00", "closed", "09:00-20:00"]);
    }
}

#[test]
fn france_pauses_at_lunch_and_closes_on_weekends_and_public_holidays() {
    let paris = number("+33123456789");
    says(&paris, ["10:00-13:00, 14:00-20:00", "closed", "closed", "closed"]);
    assert_eq!(on(&paris, "2026-04-06"), "closed", "Easter Monday");
    assert_eq!(on(&paris, "2026-05-14"), "closed", "Ascension");
    let caps = paris.caps(m("2026-12-01T12:00:00Z"));
    assert_eq!(caps.iter().map(|c| c.to_string()).collect::<Vec<_>>(), ["4 calls in 30 d"]);
}

#[test]
fn germany_closes_on_sundays() {
    says(&number("+4930123456"), ["09:00-20:00", "09:00-20:00", "closed", "09:00-20:00"]);
}
