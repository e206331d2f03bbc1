//! What we write agrees with the schemas that we hand out: real messages and records against `gleaner schema`'s files.

use std::collections::{BTreeMap, BTreeSet};

use gleaner::wire::schema::schemas;
use serde_json::{Value, json};

use crate::support::{World, event};

/// Messages of every type that there is: the sample's, a question for a colleague, a kind moment to ask for a referral.
fn world() -> World {
    let mut world = World::new();
    for line in include_str!("../../samples/demo.jsonl").lines() {
        world.send(&serde_json::from_str(line).unwrap());
    }
    let lead = json!({ "email": "lea@example.com", "phone": "+12125550170" });
    world.send(&event("s-1", "lead.captured", "2026-04-01T15:00:00Z", json!({ "lead": lead })));
    let threat = "My attorney will be in touch about this.";
    world.send(&event("s-2", "email.replied", "2026-04-01T16:00:00Z", json!({ "lead": lead, "text": threat })));
    let glad = json!({
        "lead": { "email": "max@example.com", "phone": "+12125552368" }, "profile": { "country": "US", "region": "NY" },
        "consent": [{ "channel": "email", "state": "granted", "level": "express_written" }],
    });
    world.send(&event("s-3", "lead.captured", "2026-04-01T16:00:00Z", glad));
    let met = json!({ "lead": { "email": "max@example.com" } });
    world.send(&event("s-4", "meeting.held", "2026-04-02T15:00:00Z", met));
    let seeker =
        json!({ "lead": { "email": "max@example.com" }, "text": "Actually I am looking for a job at your company." });
    world.send(&event("s-5", "email.replied", "2026-05-02T15:00:00Z", seeker));
    world.until("2026-08-01T00:00:00Z");
    world
}

/// The same schema where no object may have fields that are not named.
fn strict(mut schema: Value) -> Value {
    match &mut schema {
        Value::Object(map) => {
            if map.contains_key("properties") {
                map.insert("additionalProperties".into(), json!(false));
            }
            map.values_mut().for_each(|value| *value = strict(value.take()));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = strict(item.take())),
        _ => {}
    }
    schema
}

#[test]
fn every_message_is_as_its_schema_says_and_has_nothing_besides() {
    let schemas: BTreeMap<String, Value> =
        schemas().into_iter().filter(|(name, _)| name.starts_with("task.")).filter(|(n, _)| !is_event(n)).collect();
    let mut seen = BTreeSet::new();
    for mut message in world().out {
        let fields = message.as_object_mut().unwrap();
        // The broker's, put there by the test's own world.
        fields.remove("routing_key");
        fields.remove("queue");
        let name = format!("{}.json", message["type"].as_str().unwrap());
        let schema = strict(schemas[&name].clone());
        let wrong: Vec<String> = jsonschema::validator_for(&schema)
            .unwrap()
            .iter_errors(&message)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(wrong.is_empty(), "{name}: {}\n{message:#}", wrong.join("\n"));
        // `dataschema` names the schema of the data alone.
        assert_eq!(schemas[&name]["properties"]["data"]["$id"], message["dataschema"]);
        seen.insert(name);
    }
    assert!(seen.iter().eq(schemas.keys()), "a type was not sent: {seen:?} of {:?}", schemas.keys());
}

/// `task.done` and its like are events about tasks.
fn is_event(file: &str) -> bool {
    use gleaner::domain::event::EventType;
    EventType::ALL.iter().any(|kind| file.strip_suffix(".json") == Some(kind.name()))
}

#[test]
fn every_lead_record_is_as_its_schema_says() {
    let schema = strict(schemas()["lead_record.json"].clone());
    let schema = jsonschema::validator_for(&schema).unwrap();
    for record in world().records() {
        let record = json!(record);
        let wrong: Vec<String> = schema.iter_errors(&record).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(wrong.is_empty(), "{}\n{record:#}", wrong.join("\n"));
    }
}

#[test]
fn a_message_that_lacks_what_its_kind_must_carry_is_not_as_its_schema_says() {
    let world = world();
    for (kind, field) in [("task.review", "question"), ("task.disengage", "why_never"), ("task.revoked", "revokes")] {
        let schema = jsonschema::validator_for(&schemas()[&format!("{kind}.json")]).unwrap();
        let is_one = |m: &&Value| m["type"] == kind && !m["data"][field].is_null();
        let mut message = world.out.iter().find(is_one).unwrap().clone();
        assert!(schema.is_valid(&message));
        message["data"].as_object_mut().unwrap().remove(field).unwrap();
        assert!(!schema.is_valid(&message), "{kind} without {field}");
    }
}
