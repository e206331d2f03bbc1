//! Faults of the file: each is found, all at once, and said so that its keeper can mend it.

use super::super::Jurisdictions;

const SHIPPED: &str = include_str!("../../../../config/policy/jurisdictions.toml");

/// The faults of the shipped file after one change.
fn faults(from: &str, to: &str) -> Vec<String> {
    assert!(SHIPPED.contains(from), "{from}");
    Jurisdictions::parse(&SHIPPED.replacen(from, to, 1)).unwrap_err()
}

#[test]
fn every_fault_is_reported_at_once_with_its_row_its_field_and_what_was_expected() {
    let broken = SHIPPED
        .replacen("hours = { daily = \"08:00-21:00\" }", "hours = { daily = \"8-21\", sundy = \"closed\" }", 1)
        .replacen("screening = \"required\"", "screening = \"sometimes\"", 1)
        .replacen("region = \"AL\"", "region = \"ZZ\"", 1)
        .replacen("[\"us_federal\", \"us_ut\"]", "[\"us_federal\", \"us_utah\"]", 1)
        .replacen("max_calls = 1", "max_call = 1", 1);
    let faults = Jurisdictions::parse(&broken).unwrap_err();
    let has = |words: &[&str]| {
        assert!(faults.iter().any(|f| words.iter().all(|w| f.contains(w))), "{words:?} in {faults:#?}")
    };
    has(&["law 1 (US): hours", "`daily`", "08:00-20:00", "8-21"]);
    has(&["law 1 (US): hours", "`sundy` is not a known field"]);
    has(&["law 1 (US)", "`screening` must be \"required\" or \"off\"", "sometimes"]);
    has(&["law 2 (US-ZZ)", "a state of the US"]);
    has(&["(US-UT)", "`holidays`", "\"us_ut\"", "us_utah"]);
    has(&["(US-ME)", "`caps`", "max_calls = 3"]);
}

#[test]
fn a_row_without_its_source_or_its_day_of_review_is_refused() {
    assert!(
        faults("source = \"5 U.S.C.", "sauce = \"5 U.S.C.")
            .iter()
            .any(|f| f.contains("holidays 1: `source` is missing"))
    );
    let faults = faults("effective_from = 1992-12-20\n", "");
    assert_eq!(faults, ["law 1 (US): `effective_from` is missing; it must be a date like 2026-01-31, or \"unknown\""]);
}

#[test]
fn two_rows_for_one_place_and_day_are_refused() {
    let faults = faults("effective_from = 2026-08-11", "effective_from = 2023-03-01");
    assert!(faults.iter().any(|f| f.contains("(FR): another row has the same place")), "{faults:?}");
}

#[test]
fn a_region_needs_its_country() {
    let only = SHIPPED
        .split("[[law]]")
        .filter(|row| !row.contains("country = \"US\"\nname"))
        .collect::<Vec<_>>()
        .join("[[law]]");
    let faults = Jurisdictions::parse(&only).unwrap_err();
    assert!(faults.iter().any(|f| f.contains("(US-AL): `country` must have a row of its own")), "{faults:?}");
}

#[test]
fn text_that_is_no_toml_and_a_file_without_laws_are_refused() {
    assert!(Jurisdictions::parse("[[law").unwrap_err()[0].starts_with("not TOML"));
    assert!(Jurisdictions::parse("").unwrap_err().iter().any(|f| f.contains("there is no [[law]]")));
}

#[test]
fn required_screening_must_say_for_how_long_it_is_good() {
    assert!(faults("screening_days = 31\n", "")[0].contains("`screening_days` is missing"));
}

#[test]
fn required_screening_must_say_against_which_lists() {
    let faults = faults("screening_lists = [\"us_national\"]\n", "");
    assert!(faults[0].contains("law 1 (US): `screening_lists` is missing"), "{faults:?}");
}
