//! Fit: the shipped rules against a plain reimplementation, the memory against working it out, and the parts.

use proptest::prelude::*;

use super::*;
use crate::domain::score::{Qualification, qualify};

fn fit_of(facts: &Facts, policy: &Policy) -> (f64, f64) {
    let fit = policy.fit.fit(facts, &Qualification::default());
    (fit.score, fit.known)
}

/// The shipped rules in plain code, without the machinery: what a sales manager would reckon by hand.
fn by_hand(title: Option<&str>, industry: Option<&str>, employees: Option<u32>, country: Option<&str>) -> (f64, f64) {
    let has = |text: Option<&str>, words: &str| {
        let text = text.unwrap_or("").to_lowercase();
        let mut of_text = text.split(|c: char| !c.is_alphanumeric());
        of_text.any(|w| !w.is_empty() && words.split(' ').any(|word| word == w))
    };
    let mut role: f64 = 0.0;
    if has(title, "owner founder ceo cfo coo cto chief president vp director head partner") {
        role += 25.0;
    }
    if has(title, "manager lead supervisor principal") {
        role += 12.0;
    }
    if has(title, "intern student trainee apprentice") {
        role -= 25.0;
    }
    let size = match employees {
        Some(20..=5000) => 15.0,
        Some(..=4) => -20.0,
        _ => 0.0,
    };
    let mut trade: f64 = 0.0;
    if has(industry, "logistics transport retail manufacturing wholesale construction healthcare") {
        trade += 10.0;
    }
    if has(industry, "gambling tobacco") {
        trade -= 15.0;
    }
    let place = if matches!(country, Some("US" | "CA" | "GB" | "IE" | "DE")) { 5.0 } else { 0.0 };
    let sum = 50.0 + role.clamp(-25.0, 25.0) + size + trade.clamp(-15.0, 15.0) + place;
    let known = [title.is_some(), industry.is_some(), employees.is_some(), country.is_some()];
    // Where we do not sell, nothing else counts.
    let sum = if country == Some("BR") { 0.0 } else { sum };
    (sum.clamp(0.0, 100.0), known.iter().filter(|k| **k).count() as f64 / 4.0)
}

fn word(words: &'static [&'static str]) -> impl Strategy<Value = Option<String>> {
    let several = prop::collection::vec(prop::sample::select(words), 1..4).prop_map(|w| w.join(" "));
    prop::option::of(several)
}

fn profile() -> impl Strategy<Value = (Option<String>, Option<String>, Option<u32>, Option<String>)> {
    (
        word(&["VP", "Director,", "intern", "Team-Lead", "manager", "MVP", "of", "Sales", "trainee"]),
        word(&["Logistics", "gambling", "tobacco", "and", "retail/", "banking"]),
        prop::option::of(prop_oneof![0u32..30, 4990u32..5010, any::<u32>()]),
        prop::option::of(prop::sample::select(&["US", "CA", "GB", "IE", "DE", "BR"][..]).prop_map(str::to_owned)),
    )
}

fn facts(
    (title, industry, employees, country): &(Option<String>, Option<String>, Option<u32>, Option<String>),
) -> Facts {
    let mut facts = Facts::default();
    let put = |text: &Option<String>| text.clone().and_then(|t| last(Moment(0), t));
    facts.profile.title = put(title);
    facts.profile.industry = put(industry);
    facts.profile.country = put(country);
    facts.profile.employees = employees.and_then(|n| last(Moment(0), n));
    facts
}

proptest! {
    #[test]
    fn the_shipped_rules_give_what_is_reckoned_by_hand(profiles in prop::collection::vec(profile(), 1..20)) {
        let policy = shipped();
        // Twice, so that the second time comes out of the memory.
        for p in profiles.iter().chain(&profiles) {
            let expected = by_hand(p.0.as_deref(), p.1.as_deref(), p.2, p.3.as_deref());
            prop_assert_eq!(fit_of(&facts(p), policy), expected, "{:?}", p);
        }
    }

    #[test]
    fn what_is_remembered_is_what_would_be_worked_out(profiles in prop::collection::vec(profile(), 1..40)) {
        let policy = shipped();
        for p in profiles.iter().chain(&profiles) {
            let facts = facts(p);
            let q = Qualification::default();
            prop_assert_eq!(policy.fit.fit(&facts, &q), policy.fit.fit_unremembered(&facts, &q));
        }
    }
}

proptest! {
    // Each case reads a whole policy.
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]
    #[test]
    fn the_parts_of_fit_sum_to_it_under_any_caps(
        profiles in prop::collection::vec(profile(), 1..50),
        caps in 0.0f64..30.0,
        start in 0.0f64..100.0,
    ) {
        let policy = with(|s| {
            let s = s.replace("role = 25.0", &format!("role = {caps:?}"));
            s.replace("start_points = 50.0", &format!("start_points = {start:?}"))
        })
        .unwrap_or_else(|e| panic!("{}", e.join("\n")));
        for p in &profiles {
            let fit = policy.fit.fit(&facts(p), &Qualification::default());
            let sum: f64 = policy.fit.parts(&fit).iter().map(|part| part.points).sum();
            prop_assert!((sum - fit.score).abs() < 1e-6, "{} and not {}", sum, fit.score);
        }
    }
}

#[test]
fn what_is_not_known_neither_helps_nor_hurts() {
    let policy = shipped();
    assert_eq!(fit_of(&Facts::default(), policy), (50.0, 0.0));
    // Not even where a rule asks for its absence, or for the contrary.
    let policy =
        with(|s| s.replace("'profile.employees <= 4'", "'!(profile.employees > 4)'")).map_err(|e| e.join("\n"));
    assert_eq!(fit_of(&Facts::default(), &policy.unwrap()), (50.0, 0.0));
}

#[test]
fn a_rule_of_two_fields_holds_as_far_as_what_is_known_settles_it() {
    let either = "'profile.employees <= 4 || profile.country == \"US\"'";
    let policy = with(|s| s.replace("'profile.employees <= 4'", either)).map_err(|e| e.join("\n")).unwrap();
    let mut facts = Facts::default();
    facts.profile.country = last(Moment(0), "US".to_owned());
    assert_eq!(fit_of(&facts, &policy).0, 50.0 + 5.0 - 20.0, "the country alone settles an or");
    facts.profile.country = last(Moment(0), "DE".to_owned());
    assert_eq!(fit_of(&facts, &policy).0, 50.0 + 5.0, "the other side is not known");
}

#[test]
fn rules_may_ask_for_attributes_origin_and_qualification() {
    let rule =
        "'attributes.plan == \"pro\" && attributes.seats >= 5 && origin.medium == \"cpc\" && qualification.need >= 2'";
    let policy = with(|s| s.replace("'profile.employees <= 4'", rule)).map_err(|e| e.join("\n")).unwrap();
    let mut facts = Facts::default();
    attribute(&mut facts, "plan", Scalar::Text("pro".to_owned()));
    attribute(&mut facts, "seats", Scalar::Number(5.0));
    facts.origin.medium = last(Moment(0), "cpc".to_owned());
    facts.answers.need = given(Moment(0), "e-1", Answer::Level(2));
    let q = qualify(&facts, &policy, Moment(1));
    assert_eq!(policy.fit.fit(&facts, &q).score, 30.0);
    // Somebody else's attribute of the same name may be of another kind; then the rule does not hold.
    attribute(&mut facts, "seats", Scalar::Text("many".to_owned()));
    let q = qualify(&facts, &policy, Moment(1));
    assert_eq!(policy.fit.fit(&facts, &q).score, 50.0);
}

#[test]
fn whole_and_broken_numbers_compare_as_numbers() {
    for (rule, seats, holds) in [
        ("'attributes.seats == 5'", 5.0, true),
        ("'attributes.seats > 4.5'", 5.0, true),
        ("'attributes.seats < 5'", 4.5, true),
        ("'attributes.seats in [4, 5]'", 5.0, true),
        ("'attributes.seats == 5'", 5.5, false),
    ] {
        let policy = with(|s| s.replace("'profile.employees <= 4'", rule)).map_err(|e| e.join("\n")).unwrap();
        let mut facts = Facts::default();
        attribute(&mut facts, "seats", Scalar::Number(seats));
        assert_eq!(fit_of(&facts, &policy).0, if holds { 30.0 } else { 50.0 }, "{rule} of {seats}");
    }
}

#[test]
fn a_title_of_a_thousand_letters_is_scored_though_not_remembered() {
    let policy = shipped();
    let mut facts = Facts::default();
    facts.profile.title = last(Moment(0), format!("Director of {}", "everything and ".repeat(70)));
    assert_eq!(fit_of(&facts, policy).0, 75.0);
}
