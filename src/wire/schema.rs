//! JSON Schemas (2020-12) of every message and of the lead record, made from the types that read and write them.
//!
//! Those of events show the form to use; reading forgives more (numbers in quotes, one value for a list of one), and
//! fields they do not name are ignored. Those of tasks say what is written: a field that is always there is required,
//! and a later version may add some.

use std::collections::{BTreeMap, BTreeSet};

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Value, json};

use super::inbound::{Data, ForData, Lead, Names, for_type};
use super::outbound::data_schema;
use super::record::LeadRecord;
use crate::domain::event::EventType;
use crate::domain::task::{Kind, Play, Revocation, Task};

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Every schema under its file name: an event's or a task's type (`lead.captured.json`, `task.follow_up.json`), and
/// `lead_record.json`.
pub fn schemas() -> BTreeMap<String, Value> {
    let revocation = ("task.revoked".to_owned(), outgoing("task.revoked", written::<Revocation>("task.revoked")));
    let record = ("lead_record".to_owned(), written::<LeadRecord>("lead_record"));
    events().chain(tasks()).chain([revocation, record]).map(|(name, schema)| (format!("{name}.json"), schema)).collect()
}

fn events() -> impl Iterator<Item = (String, Value)> {
    EventType::ALL.iter().map(|kind| (kind.name().to_owned(), for_type(*kind, Describe(*kind))))
}

/// The kinds that some play makes; the others are names without messages.
fn tasks() -> impl Iterator<Item = (String, Value)> {
    let made = Kind::ALL.into_iter().filter(|kind| Play::ALL.iter().any(|play| play.kind() == *kind));
    made.map(|kind| (kind.event_type().to_owned(), outgoing(kind.event_type(), task(kind))))
}

/// What tasks of one kind carry and those of others do not.
fn own_fields(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::ContactRepair => &["faults"],
        Kind::NurtureCheckIn => &["step", "cadence_days"],
        Kind::ReferralHandoff => &["permitted_channels", "accept_by", "return_by"],
        Kind::Disengage => &["revisit_at", "why_never"],
        Kind::Review => &["question", "answers", "due_by", "if_unanswered"],
        Kind::ReferralAsk => &["moment"],
        Kind::FollowUp | Kind::SwapOffer | Kind::Practice => &[],
    }
}

/// The data of a task of one kind: what every task has, and its own fields.
fn task(kind: Kind) -> Value {
    let mut schema = written::<Task>(kind.event_type());
    let own = own_fields(kind);
    let mut required: BTreeSet<String> = names_in(&schema["required"]).collect();
    if let Some(properties) = schema["properties"].as_object_mut() {
        properties.retain(|name, _| required.contains(name) || own.contains(&name.as_str()));
        properties.insert("kind".to_owned(), json!({ "const": kind.name() }));
    }
    match kind {
        // One of the two: when we come back, or why we do not.
        Kind::Disengage => schema["oneOf"] = own.iter().copied().map(needs).collect(),
        _ => required.extend(own.iter().map(|name| (*name).to_owned())),
    }
    schema["required"] = json!(required);
    drop_unused_definitions(&mut schema);
    schema
}

fn names_in(list: &Value) -> impl Iterator<Item = String> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned)
}

/// What belongs to other kinds only would puzzle whoever reads the schema.
fn drop_unused_definitions(schema: &mut Value) {
    let text = schema.to_string();
    if let Some(definitions) = schema["$defs"].as_object_mut() {
        definitions.retain(|name, _| text.contains(&format!("\"#/$defs/{name}\"")));
    }
}

/// A type as we write it, under the name by which messages refer to it.
fn written<T: JsonSchema>(name: &str) -> Value {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut schema = generator.into_root_schema_for::<T>().to_value();
    schema["$id"] = json!(data_schema(name));
    schema
}

/// The CloudEvents envelope around the data of one type that we send.
fn outgoing(kind: &str, data: Value) -> Value {
    let properties = json!({
        "specversion": { "const": "1.0" },
        "id": { "type": "string", "format": "uuid", "description": "The same as data.task_id; a repeat has the same." },
        "source": { "const": "/gleaner" },
        "type": { "const": kind },
        "time": { "type": "string", "format": "date-time", "description": "When it was decided." },
        "subject": { "type": "string", "format": "uuid", "description": "The same as data.lead_id." },
        "datacontenttype": { "const": "application/json" },
        "dataschema": { "const": data_schema(kind) },
        "data": data,
    });
    let required: Vec<&String> = properties.as_object().into_iter().flat_map(|fields| fields.keys()).collect();
    json!({ "$schema": DIALECT, "title": kind, "type": "object", "required": required, "properties": properties })
}

struct Describe(EventType);

impl ForData for Describe {
    type Out = Value;

    fn with<D: Data>(self) -> Value {
        let mut generator = SchemaSettings::draft2020_12().into_generator();
        let data = data::<D>(&mut generator);
        let mut schema = envelope(self.0, data);
        let definitions = generator.take_definitions(true);
        if !definitions.is_empty() {
            schema["$defs"] = Value::Object(definitions);
        }
        schema
    }
}

/// The CloudEvents envelope around the data of one type.
fn envelope(kind: EventType, data: Value) -> Value {
    json!({
        "$schema": DIALECT,
        "title": kind.name(),
        "type": "object",
        "required": ["specversion", "id", "source", "type", "data"],
        "properties": {
            "specversion": { "const": "1.0" },
            "id": { "type": "string", "minLength": 1, "maxLength": 255, "description": "With source it names the event: a copy changes nothing." },
            "source": { "type": "string", "minLength": 1, "maxLength": 255 },
            "type": { "const": kind.name() },
            "time": { "type": ["string", "null"], "format": "date-time", "description": "When it happened; without it the time of sending counts." },
            "data": data,
        },
    })
}

/// What the type's record says, and what names the lead.
fn data<D: Data>(generator: &mut SchemaGenerator) -> Value {
    let record = generator.subschema_for::<D>().to_value();
    let (task, named) =
        (json!({ "type": "string", "format": "uuid" }), json!({ "type": "object", "anyOf": ANY_KEY.map(needs) }));
    match D::NAMES {
        Names::Nobody => record,
        Names::Task => json!({
            "allOf": [record],
            "properties": subject(generator),
            "anyOf": [{ "required": ["task_id"], "properties": { "task_id": task } }],
        }),
        Names::LeadOrTask => json!({
            "allOf": [record],
            "properties": subject(generator),
            "anyOf": [
                { "required": ["lead"], "properties": { "lead": named } },
                { "required": ["task_id"], "properties": { "task_id": task } },
            ],
        }),
    }
}

const ANY_KEY: [&str; 6] = ["id", "email", "emails", "phone", "phones", "visitor"];

fn needs(field: &str) -> Value {
    json!({ "required": [field] })
}

fn subject(generator: &mut SchemaGenerator) -> Value {
    json!({
        "lead": generator.subschema_for::<Option<Lead>>().to_value(),
        "task_id": {
            "type": ["string", "null"], "format": "uuid",
            "description": "The task this is about; names the lead where `lead` is missing.",
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_has_a_schema_that_is_one() {
        let schemas = schemas();
        let sent = ["task.follow_up.json", "task.review.json", "task.revoked.json", "lead_record.json"];
        assert!(sent.iter().all(|name| schemas.contains_key(*name)));
        for kind in EventType::ALL {
            assert!(schemas.contains_key(&format!("{}.json", kind.name())));
        }
        for (name, schema) in &schemas {
            assert!(jsonschema::meta::is_valid(schema), "{name}");
            jsonschema::validator_for(schema).unwrap_or_else(|e| panic!("{name}: {e}"));
        }
    }

    #[test]
    fn every_field_that_only_some_tasks_have_belongs_to_a_kind() {
        let all = written::<Task>("task");
        let required: BTreeSet<String> = names_in(&all["required"]).collect();
        let sometimes: BTreeSet<&str> = all["properties"]
            .as_object()
            .unwrap()
            .keys()
            .filter(|n| !required.contains(*n))
            .map(String::as_str)
            .collect();
        let owned: BTreeSet<&str> = Kind::ALL.into_iter().flat_map(own_fields).copied().collect();
        assert_eq!(sometimes, owned);
    }

    #[test]
    fn what_is_optional_is_not_required_and_may_be_null() {
        let schema = &schemas()["lead.captured.json"];
        let profile = &schema["$defs"]["Profile"];
        assert!(profile.get("required").is_none());
        assert_eq!(profile["properties"]["employees"]["type"], json!(["integer", "null"]));
    }
}
