//! The dashboard, the alert rules and the runbook name only what there is.

use std::collections::{BTreeMap, BTreeSet};

use gleaner::domain::decide::Mode;
use gleaner::queue::Depth;
use gleaner::telemetry::Metrics;
use serde_json::Value;
use yaml_rust2::{Yaml, YamlLoader};

const ALERTS: &str = include_str!("../../docs/alerts.yml");
const DASHBOARD: &str = include_str!("../../docs/grafana/gleaner.json");
const RUNBOOK: &str = include_str!("../../docs/runbook.md");

/// Every sample that a worker writes, with the names of its labels.
fn exported() -> BTreeMap<String, BTreeSet<String>> {
    let metrics = Metrics::new();
    // Known from the first moment of a worker on.
    metrics.rules(Mode::Act, "0", &BTreeSet::new());
    metrics.queues(Some(&[Depth { queue: "gleaner.events".into(), messages: 0, consumers: Some(0) }]));
    let text = metrics.encode();
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for sample in samples {
        let name = sample.split(['{', ' ']).next().unwrap();
        let labels = sample.split_once('{').map_or("", |(_, rest)| rest.split_once('}').unwrap().0);
        let labels = labels.split(',').filter_map(|pair| Some(pair.split_once('=')?.0.to_owned()));
        found.entry(name.to_owned()).or_default().extend(labels);
    }
    found
}

/// Words of an expression that are neither in quotes nor a number, each with the character that follows.
fn words(expression: &str) -> Vec<(String, Option<char>)> {
    let mut out = Vec::new();
    let mut rest = expression.chars().peekable();
    while let Some(c) = rest.next() {
        if c == '"' {
            while rest.next_if(|c| *c != '"').is_some() {}
            rest.next();
        } else if c == '[' {
            while rest.next_if(|c| *c != ']').is_some() {}
        } else if c.is_ascii_digit() {
            while rest.next_if(|c| c.is_ascii_alphanumeric() || *c == '.').is_some() {}
        } else if c.is_ascii_alphabetic() || c == '_' || c == '$' {
            let mut word = String::from(c);
            while let Some(c) = rest.next_if(|c| c.is_ascii_alphanumeric() || *c == '_') {
                word.push(c);
            }
            while rest.next_if(|c| *c == ' ').is_some() {}
            out.push((word, rest.peek().copied()));
        }
    }
    out
}

const FUNCTIONS: [&str; 11] =
    ["sum", "max", "count", "rate", "increase", "deriv", "abs", "time", "topk", "histogram_quantile", "label_values"];
const OPERATORS: [&str; 2] = ["by", "and"];
/// What Prometheus itself adds to every series.
const ITS_OWN: [&str; 4] = ["up", "job", "instance", "le"];

/// What an expression names that nobody exports, or that a series it names does not have.
fn unknown(expression: &str, exported: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let words = words(expression);
    let labels: BTreeSet<&String> = words.iter().filter_map(|(word, _)| exported.get(word)).flatten().collect();
    let is_known = |(word, next): &(String, Option<char>)| {
        exported.contains_key(word)
            || ITS_OWN.contains(&word.as_str())
            || OPERATORS.contains(&word.as_str())
            || FUNCTIONS.contains(&word.as_str())
            || (*next != Some('(') && labels.contains(word))
    };
    words.iter().filter(|word| !is_known(word)).map(|(word, _)| word.clone()).collect()
}

fn rules() -> Vec<Yaml> {
    let alerts = YamlLoader::load_from_str(ALERTS).unwrap().remove(0);
    alerts["groups"].as_vec().unwrap().iter().flat_map(|group| group["rules"].as_vec().unwrap().clone()).collect()
}

/// The expressions of all panels and variables.
fn expressions(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            out.extend(fields.get("expr").and_then(Value::as_str).map(str::to_owned));
            out.extend(fields.get("definition").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|value| expressions(value, out));
        }
        Value::Array(values) => values.iter().for_each(|value| expressions(value, out)),
        _ => {}
    }
}

#[test]
fn every_alert_asks_for_numbers_that_a_worker_exports() {
    let exported = exported();
    let rules = rules();
    assert!(rules.len() > 10);
    for rule in rules {
        let (name, expression) = (rule["alert"].as_str().unwrap(), rule["expr"].as_str().unwrap());
        assert_eq!(unknown(expression, &exported), [""; 0], "{name}: {expression}");
    }
}

#[test]
fn every_panel_asks_for_numbers_that_a_worker_exports() {
    let exported = exported();
    let mut found = Vec::new();
    expressions(&serde_json::from_str(DASHBOARD).unwrap(), &mut found);
    assert!(found.len() > 20);
    for expression in found {
        assert_eq!(unknown(&expression, &exported), [""; 0], "{expression}");
    }
}

/// The name of a histogram, for its buckets, sum and count.
fn family(name: &str) -> String {
    let suffix = ["_bucket", "_sum", "_count"].into_iter().find_map(|suffix| name.strip_suffix(suffix));
    suffix.unwrap_or(name).to_owned()
}

#[test]
fn every_number_that_is_exported_is_on_the_dashboard() {
    let mut found = Vec::new();
    expressions(&serde_json::from_str(DASHBOARD).unwrap(), &mut found);
    let shown: BTreeSet<String> = found.iter().flat_map(|expression| words(expression)).map(|(word, _)| word).collect();
    let shown: BTreeSet<String> = shown.iter().map(|name| family(name)).collect();
    for name in exported().keys() {
        assert!(shown.contains(&family(name)), "{name} is nowhere on the dashboard");
    }
}

#[test]
fn a_name_that_nobody_exports_is_noticed() {
    let exported = exported();
    assert_eq!(unknown("rate(gleaner_evnts_total[5m]) > 1e3", &exported), ["gleaner_evnts_total"]);
    assert_eq!(unknown("sum by (colour) (gleaner_outbox_rows{state=\"handed\"})", &exported), ["colour"]);
    assert_eq!(unknown("summ(gleaner_consuming)", &exported), ["summ"]);
}

/// The anchor that a heading gets where the file is shown.
fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase().replace(' ', "-");
    kept.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect()
}

#[test]
fn every_alert_has_its_section_in_the_runbook() {
    let anchors: BTreeSet<String> = RUNBOOK.lines().filter_map(|line| line.strip_prefix("## ")).map(anchor).collect();
    for rule in rules() {
        let (name, link) = (rule["alert"].as_str().unwrap(), rule["annotations"]["runbook"].as_str().unwrap());
        let wanted = link.strip_prefix("docs/runbook.md#").unwrap_or_else(|| panic!("{name}: {link}"));
        assert!(anchors.contains(wanted), "{name} points to #{wanted}, which is not in the runbook");
    }
}

#[test]
fn every_section_of_the_runbook_says_what_is_seen_done_and_to_do_and_names_only_what_there_is() {
    let families: BTreeSet<String> = exported().keys().map(|name| family(name)).collect();
    let sections = RUNBOOK.split("\n## ").skip(1);
    for section in sections {
        let title = section.lines().next().unwrap();
        for part in ["**You see**", "**gleaner does**", "**You do**"] {
            assert!(section.contains(part), "{title} has no {part}");
        }
    }
    let named = RUNBOOK.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).filter(|w| w.starts_with("gleaner_"));
    for name in named {
        assert!(families.contains(&family(name)), "the runbook names {name}, which nobody exports");
    }
}
