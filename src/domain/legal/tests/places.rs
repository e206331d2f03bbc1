//! Who is where: sources that agree, that disagree, and that say too little.

use super::super::{Letters, Missing};
use super::*;

fn place(facts: PlaceFacts<'_>) -> Place<'static> {
    Jurisdictions::shipped().place(&facts)
}
fn laws(place: &Place<'_>) -> Vec<String> {
    place.laws().map(|l| l.name.clone()).collect()
}
const NOTHING: PlaceFacts<'static> =
    PlaceFacts { phone: None, country: None, region: None, postal_code: None, time_zone: None };

#[test]
fn an_area_code_that_straddles_zones_keeps_only_the_hours_legal_in_both() {
    // 850: Florida, 8 to 20, Eastern and Central.
    let panhandle = number("+18505550100");
    assert_eq!(
        windows(&panhandle, "2026-12-01T00:00:00Z", Span::days(1)),
        [
            // The evening before: until 20:00 Eastern.
            "2026-12-01T00:00:00Z/2026-12-01T01:00:00Z",
            "2026-12-01T14:00:00Z/2026-12-02T00:00:00Z",
        ]
    );
    assert!(!panhandle.disagrees());
    let doubt = panhandle.doubt().unwrap();
    assert!(doubt.contains("America/Chicago") && doubt.contains("America/New_York"), "{doubt}");
}

#[test]
fn a_stated_zone_settles_an_area_code_that_straddles() {
    let pensacola = place(PlaceFacts { phone: Some("+18505550100"), time_zone: Some("America/Chicago"), ..NOTHING });
    assert_eq!(on(&pensacola, "2026-12-01"), "08:00-20:00");
    assert_eq!(pensacola.local_zone().name(), "America/Chicago");
    assert_eq!(pensacola.doubt(), None);
}

#[test]
fn an_area_code_settles_a_state_that_straddles() {
    let miami = place(PlaceFacts {
        phone: Some("+13055552368"),
        country: Some("US"),
        region: Some("FL"),
        postal_code: Some("33101"),
        time_zone: Some("America/New_York"),
    });
    assert_eq!((on(&miami, "2026-12-01"), miami.doubt()), ("08:00-20:00".into(), None));
    assert_eq!(laws(&miami), ["Florida"]);
}

#[test]
fn a_zone_by_another_name_agrees() {
    let detroit = place(PlaceFacts { phone: Some("+13135550100"), time_zone: Some("America/Detroit"), ..NOTHING });
    assert!(!detroit.disagrees());
    assert_eq!((on(&detroit, "2026-12-01"), detroit.local_zone().name()), ("09:00-21:00".into(), "America/Detroit"));
}

#[test]
fn where_number_and_address_disagree_both_laws_are_kept() {
    // A Florida number in Texas: 8 to 20 Eastern and 9 to 21 Central, Sunday from 12 Central; Florida's cap.
    let facts = PlaceFacts {
        phone: Some("+13055552368"),
        country: Some("US"),
        region: Some("TX"),
        postal_code: Some("75201"),
        time_zone: Some("America/Chicago"),
    };
    let both = place(facts);
    assert_eq!(laws(&both), ["Texas", "Florida"]);
    assert_eq!([on(&both, "2026-12-01"), on(&both, "2026-12-06")], ["09:00-19:00", "12:00-19:00"]);
    assert_eq!(both.caps(m("2026-12-01T12:00:00Z")).iter().map(|c| c.max_calls).collect::<Vec<_>>(), [3]);
    assert_eq!(
        both.disagreement().unwrap(),
        "The number says Florida, the stated region says Texas, the postcode says Texas, the stated time zone is \
         America/Chicago: only hours that are legal in all of them are used, and the lowest cap. Florida takes a number \
         of the state for a person in the state."
    );
}

#[test]
fn a_stated_zone_far_from_the_number_is_kept_beside_it() {
    let abroad = place(PlaceFacts { phone: Some("+12125550100"), time_zone: Some("Europe/London"), ..NOTHING });
    // 8 to 21 in New York is 13 to 2 in London, where it also has to be 8 to 21.
    assert_eq!(on(&abroad, "2026-12-01"), "13:00-21:00");
    assert!(abroad.disagrees());
    assert_eq!(abroad.local_zone().name(), "Europe/London");
}

#[test]
fn candidates_without_a_common_hour_are_never_open() {
    let from = m("2026-12-08T00:00:00Z");
    // New York's 8 to 21 is Singapore's 21 to 10, where it also has to be 8 to 21: two hours.
    let singapore = place(PlaceFacts { phone: Some("+12125550100"), time_zone: Some("Asia/Singapore"), ..NOTHING });
    assert_eq!(on(&singapore, "2026-12-08"), "08:00-10:00");
    // Rhode Island's 9 to 18 is India's 19:30 to 4:30.
    let india = place(PlaceFacts { phone: Some("+14015550100"), time_zone: Some("Asia/Kolkata"), ..NOTHING });
    assert_eq!(india.call_windows(false, from, from + Span::days(15)), Windows::Never);
    let kentucky = place(PlaceFacts {
        phone: Some("+15025550100"),
        country: Some("GB"),
        time_zone: Some("Asia/Tokyo"),
        ..NOTHING
    });
    assert_eq!(kentucky.call_windows(false, from, from + Span::days(1)), Windows::Never);
    assert_eq!(kentucky.next_open(false, from), None);
    assert!(!kentucky.is_open(false, from));
    assert!(
        kentucky
            .disagreement()
            .unwrap()
            .starts_with("The number says Kentucky, the stated country is the United Kingdom")
    );
}

#[test]
fn plus_one_is_not_the_united_states() {
    assert_eq!(laws(&number("+14165550100")), ["Canada"]);
    assert_eq!(number("+18765550100").missing(), Some(Missing::Country(Letters::parse("JM").unwrap())));
    assert_eq!(laws(&number("+17875550100")), ["the United States"], "Puerto Rico");
}

#[test]
fn a_place_without_a_row_has_no_windows() {
    let from = m("2026-12-01T00:00:00Z");
    let missing = |facts| {
        let place = place(facts);
        assert!(matches!(place.call_windows(false, from, from + Span::days(1)), Windows::NoRow(_)));
        assert_eq!(place.next_open(false, from), None);
        place.missing().unwrap()
    };
    let brazil = Missing::Country(Letters::parse("BR").unwrap());
    assert_eq!(missing(PlaceFacts { country: Some("BR"), ..NOTHING }), brazil);
    // A number that may be in Brazil is not called, even if it looks like one from New York.
    assert_eq!(missing(PlaceFacts { phone: Some("+12125550100"), country: Some("BR"), ..NOTHING }), brazil);
    assert_eq!(missing(PlaceFacts { phone: Some("+5511987654321"), country: Some("US"), ..NOTHING }), Missing::Number);
    assert_eq!(missing(PlaceFacts { phone: Some("+18005550100"), country: Some("US"), ..NOTHING }), Missing::Number);
    assert_eq!(missing(PlaceFacts { phone: Some("+441534550100"), ..NOTHING }), Missing::Number, "Jersey");
    assert_eq!(missing(PlaceFacts { time_zone: Some("America/Chicago"), ..NOTHING }), Missing::Nothing);
    assert_eq!(missing(PlaceFacts { phone: Some("+19995550100"), ..NOTHING }), Missing::Nothing, "an unknown overlay");
}

#[test]
fn a_stated_zone_alone_gives_the_local_time_but_no_law() {
    let chicago = place(PlaceFacts { time_zone: Some("America/Chicago"), ..NOTHING });
    assert_eq!(chicago.local_zone().name(), "America/Chicago");
    assert_eq!(place(NOTHING).local_zone().name(), "UTC");
}

#[test]
fn an_overlay_newer_than_the_table_leaves_the_place_to_the_address() {
    let new = PlaceFacts { phone: Some("+19995550100"), country: Some("US"), ..NOTHING };
    assert_eq!(laws(&place(PlaceFacts { region: Some("TX"), ..new })), ["Texas"]);
    // With nothing but the country, every state's hours are kept, in the stated zone if there is one.
    let somewhere = place(new);
    assert_eq!(
        windows(&somewhere, "2026-12-08T12:00:00Z", Span::days(1)),
        ["2026-12-08T18:00:00Z/2026-12-08T23:00:00Z"]
    );
    assert!(somewhere.doubt().unwrap().contains("the United States") && !somewhere.disagrees());
    let central = place(PlaceFacts { time_zone: Some("America/Chicago"), ..new });
    assert_eq!([on(&central, "2026-12-08"), on(&central, "2026-12-06")], ["10:00-20:00", "closed"]);
}

#[test]
fn letters_are_a_region_only_where_a_region_can_be_meant() {
    // "CA" is California with a US number, and means nothing beside a British one.
    let oakland = place(PlaceFacts { phone: Some("+15105550100"), region: Some("CA"), ..NOTHING });
    assert_eq!((laws(&oakland), oakland.disagrees()), (vec!["the United States".into()], false));
    let britain = place(PlaceFacts { phone: Some("+442079460000"), region: Some("CA"), ..NOTHING });
    assert_eq!((laws(&britain), britain.disagrees()), (vec!["the United Kingdom".into()], false));
    // A territory may be stated as a country.
    let san_juan = place(PlaceFacts { phone: Some("+17875550100"), country: Some("PR"), ..NOTHING });
    assert!(san_juan.missing().is_none() && !san_juan.disagrees());
    // 902 is Nova Scotia or Prince Edward Island.
    let halifax = place(PlaceFacts { phone: Some("+19025550100"), country: Some("CA"), region: Some("NS"), ..NOTHING });
    assert!(!halifax.disagrees());
}

#[test]
fn one_odd_zone_does_not_outvote_a_number_and_an_address() {
    let facts = PlaceFacts {
        phone: Some("+12135550100"),
        country: Some("US"),
        region: Some("CA"),
        time_zone: Some("America/New_York"),
        ..NOTHING
    };
    assert_eq!(place(facts).local_zone().name(), "America/Los_Angeles");
    assert_eq!(on(&place(facts), "2026-12-01"), "08:00-18:00");
}
