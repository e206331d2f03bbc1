//! JSON Schemas (2020-12) of every message, made from the types that read and write them.
//!
//! They show the form to use; reading forgives more (numbers in quotes, one value for a list of one). Fields they do
//! not name are ignored, never an error.

use std::collections::BTreeMap;

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::inbound::{Data, ForData, Lead, Names, for_type};
use crate::domain::event::EventType;

/// Every schema under its file name, such as `lead.captured.json`.
pub fn schemas() -> BTreeMap<String, Value> {
    // Tasks join here once they have types of their own.
    events().collect()
}

fn events() -> impl Iterator<Item = (String, Value)> {
    EventType::ALL.iter().map(|kind| (format!("{}.json", kind.name()), for_type(*kind, Describe(*kind))))
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
        "$schema": "https://json-schema.org/draft/2020-12/schema",
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
    fn every_event_type_has_a_schema_that_is_one() {
        let schemas = schemas();
        assert_eq!(schemas.len(), EventType::ALL.len());
        for (name, schema) in &schemas {
            assert!(jsonschema::meta::is_valid(schema), "{name}");
            jsonschema::validator_for(schema).unwrap_or_else(|e| panic!("{name}: {e}"));
        }
    }

    #[test]
    fn what_is_optional_is_not_required_and_may_be_null() {
        let schema = &schemas()["lead.captured.json"];
        let profile = &schema["$defs"]["Profile"];
        assert!(profile.get("required").is_none());
        assert_eq!(profile["properties"]["employees"]["type"], json!(["integer", "null"]));
    }
}
