//! A policy that cannot be meant is refused whole, with everything that is wrong with it, before any lead sees it.

use super::*;

/// What is said of a policy in which a rule's condition stands instead of the shipped one.
fn said_of(rule: &str) -> Vec<String> {
    with(|s| s.replace("'profile.employees <= 4'", rule)).err().unwrap_or_default()
}

#[test]
fn a_rule_that_asks_for_an_unknown_field_is_refused_with_its_place_and_what_was_meant() {
    let shipped = include_str!("../../../../config/policy/scoring.toml");
    let line = shipped.lines().position(|l| l.contains("'profile.employees <= 4'")).unwrap() + 1;
    assert_eq!(
        said_of("'profile.employes <= 4'"),
        [format!(
            "scoring.toml, line {line}, column 9: fit rule \"company_too_small\": there is no field profile.employes; \
             did you mean profile.employees?"
        )]
    );
}

#[test]
fn every_kind_of_wrong_rule_is_refused_in_words() {
    for (rule, expected) in [
        ("'employees <= 4'", "did you mean profile.employees?"),
        ("'profile.employees'", "a rule must come to yes or no, and this comes to a number"),
        ("'profile.title'", "comes to a text"),
        ("'profile.employees <= \"four\"'", "this compares a number with a text"),
        ("'profile.country = \"US\"'", "this is no expression"),
        ("'profile.employees <= '", "this is no expression"),
        ("''", "this is no expression"),
        ("'has_wrod(profile.title, \"decider_titles\")'", "there is no function has_wrod; did you mean has_word?"),
        ("'has_word(profile.title, \"decider_title\")'", "did you mean decider_titles?"),
        ("'has_word(profile.employees, \"decider_titles\")'", "has_word looks into a text; this is a number"),
        ("'has_word(profile.title, profile.title)'", "the word list must be named"),
        ("'has(profile.title)'", "has(…) is not needed"),
        ("'!has(profile.title)'", "has(…) is not needed"),
        ("'profile.title == null'", "what is not known neither helps nor hurts"),
        ("'qualification.timeline >= 2'", "the timeline ages and fit does not"),
        ("'profile.country in [\"US\", 3]'", "a list holds one kind of thing"),
        ("'profile.employees in [\"US\"]'", "this looks for a number among a texts"),
        ("'profile.title && true'", "must be yes or no; this is a text"),
        ("'true'", "asks nothing about the lead"),
        ("'profile.name == \"Ana\"'", "there is no field profile.name"),
        ("'profile.title.matches(\"a*\")'", "there is no function matches"),
        ("'profile.title.title == \"a\"'", "there is no field profile.title.title"),
        ("'{\"a\": profile.title}.a == \"b\"'", "only the lead's own fields have parts"),
        ("'{\"a\": profile.title}'", "no use for maps"),
    ] {
        let errors = said_of(rule);
        assert!(errors.iter().any(|e| e.contains(expected)), "{rule}: {errors:?}");
        assert!(
            errors.iter().all(|e| e.starts_with("scoring.toml, line ") && e.contains("company_too_small")),
            "{errors:?}"
        );
    }
}

#[test]
fn rules_with_several_lines_and_macros_are_understood_and_placed() {
    assert!(said_of("'[\"vp\", \"head\"].exists(w, profile.title.contains(w))'").is_empty());
    assert!(said_of("'size(profile.title) > 3 && profile.company.startsWith(\"A\")'").is_empty());
    assert!(said_of("'(profile.employees > 4 ? \"a\" : \"b\") == \"a\"'").is_empty());
    let shipped = include_str!("../../../../config/policy/scoring.toml");
    let line = shipped.lines().position(|l| l.contains("'profile.employees <= 4'")).unwrap() + 1;
    let errors = said_of("'''\nprofile.employees <= 4\n  || profile.contry == \"US\"\n'''");
    let place = format!("line {}, column 6: ", line + 2);
    assert!(errors.len() == 1 && errors[0].contains(&place), "{errors:?} and not {place}");
}

#[test]
fn all_errors_of_all_rules_and_files_come_at_once() {
    let broken = include_str!("../../../../config/policy/scoring.toml")
        .replace("'profile.employees <= 4'", "'profile.employes <= 4 && profil.title == 3'")
        .replace("group = \"place\"", "group = \"plase\"")
        .replace("words = \"user_titles\"", "words = \"users\"")
        .replace("heard = \"vague\"", "heard = \"vage\"")
        .replace("half_points = 40.0", "half_points = 0.0")
        .replace("chat = 0.6", "chat = 60.0")
        .replace("name = \"title_no_buyer\"", "name = \"title_decides\"");
    let files = [
        ("scoring.toml".to_owned(), broken),
        ("floor.toml".to_owned(), "default_zone = \"Mars/Olympus\"\n[desk]\nzone = \"UTC\"\nhours = {}\n".to_owned()),
    ];
    let errors = Policy::parse(&files, Fictional::Allow).err().unwrap();
    for expected in [
        "there is no field profile.employes",
        "there is no field profil.title; did you mean profile.title?",
        "is in the group plase, which has no cap in fit.group_caps; did you mean place?",
        "fit.group_caps.place caps a group that no rule is in; did you mean plase?",
        "qualification.guess \"title_user\" names the word list \"users\"",
        "did you mean vague?",
        "engagement.half_points is 0",
        "qualification.confidence.chat is 60",
        "fit rule \"title_decides\" stands there twice",
        "Mars/Olympus",
    ] {
        assert!(errors.iter().any(|e| e.contains(expected)), "{expected} is not in\n{}", errors.join("\n"));
    }
}

#[test]
fn a_signal_that_is_forgotten_is_asked_for_and_a_mistyped_one_is_refused() {
    let errors = with(|s| s.replace("\nbrush_off = ", "\nbrush_of = ")).err().unwrap().join("\n");
    assert!(errors.contains("brush_of"), "{errors}");
    let errors = with(|s| s.replace("\nbrush_off = { points = -10.0, half_life = \"120d\" }", "")).err().unwrap();
    assert!(errors.iter().any(|e| e.contains("engagement.signal.brush_off is missing")), "{errors:?}");
}

#[test]
fn a_guess_that_could_never_be_made_is_refused() {
    for (from, to, expected) in [
        ("words = \"user_titles\"\nlevel = 1", "words = \"user_titles\"\nlevel = 4", "it must be 0 to 3"),
        ("words = \"user_titles\"\nlevel = 1", "words = \"user_titles\"", "needs either a level or dated = true"),
        ("heard = \"timing\"\ndated = true", "heard = \"timing\"\ndated = true\nlevel = 1", "either a level or dated"),
        ("heard = \"callback\"\n", "", "so it must name what it waits to hear"),
        ("name = \"title_user\"", "name = \"title_decider\"", "stands there twice"),
    ] {
        let errors = with(|s| s.replace(from, to)).err().unwrap_or_default();
        assert!(errors.iter().any(|e| e.contains(expected)), "{to}: {errors:?}");
    }
}
