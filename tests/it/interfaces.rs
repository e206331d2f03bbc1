//! `docs/interfaces.md` names everything that the code does: types, fields, routes, reasons, paths, commands. A name that
//! is missing there fails here; whether a sentence is true is for its reader.

use std::collections::BTreeSet;

use gleaner::domain::event::{Channel, EventType};
use gleaner::domain::task::{Kind, Play, route};
use gleaner::queue::TASK_QUEUES;
use gleaner::queue::rabbitmq::{RabbitMq, RabbitSettings};
use gleaner::wire::inbound::Reason;
use gleaner::wire::schema::schemas;
use serde_json::{Value, json};

use crate::embedded::{gleaner, told};

const PAGE: &str = include_str!("../../docs/interfaces.md");

/// What stands under a heading, up to the next of its rank or higher.
fn section(heading: &str) -> &'static str {
    let rank = heading.chars().take_while(|c| *c == '#').count();
    let from = PAGE.find(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("there is no {heading:?}")) + 1;
    let rest = &PAGE[from + heading.len()..];
    let is_next = |line: &str| (1..=rank).any(|n| line.starts_with(&format!("{} ", "#".repeat(n))));
    let end = rest.lines().skip(1).find(|line| is_next(line)).and_then(|line| rest.find(&format!("\n{line}\n")));
    &rest[..end.unwrap_or(rest.len())]
}

fn is_named(text: &str, name: &str) -> bool {
    text.contains(&format!("`{name}`"))
}

fn assert_named<'a>(heading: &str, names: impl IntoIterator<Item = &'a str>) {
    let text = section(heading);
    let missing: Vec<&str> = names.into_iter().filter(|name| !is_named(text, name)).collect();
    assert!(missing.is_empty(), "docs/interfaces.md, {heading:?} does not name {missing:?}");
}

/// The row of a table whose first cell names this.
fn row<'a>(text: &'a str, name: &str) -> &'a str {
    let first = |line: &str| line.starts_with('|') && line.split('|').nth(1).is_some_and(|cell| is_named(cell, name));
    text.lines().find(|line| first(line)).unwrap_or_else(|| panic!("docs/interfaces.md has no row for `{name}`"))
}

/// Every field that a schema names anywhere, definitions included.
fn fields(schema: &Value, into: &mut BTreeSet<String>) {
    match schema {
        Value::Object(map) => {
            for (name, value) in map {
                if name == "properties" {
                    into.extend(value.as_object().into_iter().flatten().map(|(field, _)| field.clone()));
                }
                fields(value, into);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| fields(item, into)),
        _ => {}
    }
}

fn fields_of(schema: &Value) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    fields(schema, &mut names);
    names
}

#[test]
fn every_event_type_is_there_with_its_fields() {
    let events = section("### Event types");
    let whole = section("## Events in");
    // What every event has stands before the table, what a capture consists of and a call's flags after it.
    let of_every_event = whole.split("### Event types").next().unwrap();
    for kind in EventType::ALL {
        let row = row(events, kind.name());
        let goes_on = ["lead.captured", "lead.updated", "call.started", "call.completed"].contains(&kind.name());
        for field in fields_of(&schemas()[&format!("{}.json", kind.name())]) {
            let is_there = is_named(if goes_on { whole } else { row }, &field) || is_named(of_every_event, &field);
            assert!(is_there, "docs/interfaces.md does not name `{field}` of `{}`", kind.name());
        }
    }
}

#[test]
fn every_task_is_there_with_its_route_and_fields() {
    let text = section("## Tasks out");
    for kind in Kind::ALL {
        let row = row(text, kind.event_type());
        let route = route(kind, Some(Channel::Call), 9);
        assert!(is_named(row, route.routing_key) && is_named(row, route.queue), "{row}");
        let is_made = Play::ALL.iter().any(|play| play.kind() == kind);
        assert_eq!(row.contains("not made by this version"), !is_made, "{row}");
    }
    row(text, "task.revoked");
    assert_named("## Tasks out", TASK_QUEUES.iter().flat_map(|queue| queue.keys.iter().copied().chain([queue.suffix])));
    for (name, schema) in schemas().iter().filter(|(name, _)| name.starts_with("task.")) {
        if EventType::from_name(name.trim_end_matches(".json")).is_none() {
            let sent = fields_of(&schema["properties"]["data"]);
            let missing: Vec<&String> = sent.iter().filter(|f| !is_named(text, f) && !is_of_an_answer(f)).collect();
            assert!(missing.is_empty(), "docs/interfaces.md does not say what {missing:?} of {name} is");
        }
    }
}

/// An answer is an event, ready to be posted.
fn is_of_an_answer(field: &str) -> bool {
    ["specversion", "source", "type", "means", "data"].contains(&field)
}

#[test]
fn every_refusal_reason_is_there_in_its_order() {
    let rows = section("### Refusal reasons").lines().filter(|line| line.starts_with("| `"));
    let told: Vec<&str> = rows.flat_map(|line| line.split('|').nth(1).unwrap().split('`').skip(1).step_by(2)).collect();
    let mut order = told.clone();
    // Of the envelope first, and again of the data.
    let again = order.iter().rposition(|reason| *reason == "missing_field").unwrap();
    assert_eq!(order.drain(again..=again + 1).collect::<Vec<_>>(), ["missing_field", "invalid_field"]);
    assert_eq!(order, Reason::ALL.iter().map(|reason| reason.name()).collect::<Vec<_>>());
}

#[test]
fn every_path_and_every_reason_of_a_permit_is_there() {
    let source = include_str!("../../src/http.rs");
    let routes = source.split(".route(\"").skip(1);
    let mut found = 0;
    for (path, rest) in routes.map(|route| route.split_once('"').unwrap()) {
        let method = rest.trim_start_matches(", ").split('(').next().unwrap().to_uppercase();
        assert!(
            is_named(section("## HTTP"), &format!("{method} {path}")),
            "{method} {path} is not in docs/interfaces.md"
        );
        found += 1;
    }
    assert!(found >= 8, "{found} paths were found in src/http.rs");
    let source = include_str!("../../src/domain/permit.rs");
    let reasons: Vec<&str> = source.split("denied(\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert!(reasons.len() >= 7, "{reasons:?}");
    assert_named("## HTTP", reasons.into_iter().chain(["suppressed", "unknown_task"]));
}

#[test]
fn everything_at_the_broker_is_there() {
    let topology = json!(RabbitMq::new(RabbitSettings::new("amqp://127.0.0.1")).unwrap().topology());
    let names = ["exchanges", "queues"].map(|part| topology[part].as_array().unwrap().clone()).concat();
    let names: BTreeSet<&str> = names.iter().map(|thing| thing["name"].as_str().unwrap()).collect();
    // The desks' queues are named by their suffix.
    let desk = |name: &str| TASK_QUEUES.iter().any(|queue| name == format!("tasks.{}", queue.suffix));
    assert_named("## The broker", names.into_iter().filter(|name| !desk(name)));
    let source = include_str!("../../src/queue/rabbitmq/properties.rs");
    let headers = source.split("\"x-gleaner-").skip(1).map(|rest| rest.split('"').next().unwrap());
    let headers: Vec<String> = headers.filter(|h| !h.is_empty()).map(|h| format!("x-gleaner-{h}")).collect();
    assert!(headers.len() >= 6);
    assert_named("## The broker", headers.iter().map(String::as_str));
}

#[test]
fn every_field_of_a_lead_record_is_there() {
    let names = fields_of(&schemas()["lead_record.json"]);
    // A person named in a text has the fields of every person.
    let names = names.iter().map(String::as_str).filter(|name| !["name", "email", "phone"].contains(name));
    assert_named("## The lead record", names);
}

#[test]
fn every_command_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let help = told(&mut gleaner(dir.path(), &["--help"]));
    let commands = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let names: Vec<&str> = commands.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(names.len() >= 15, "{help}");
    for name in names.into_iter().filter(|name| *name != "help") {
        let is_there = section("## The command line").contains(&format!("`gleaner {name}"));
        assert!(is_there, "docs/interfaces.md does not tell of `gleaner {name}`");
    }
}
