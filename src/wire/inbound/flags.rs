//! The flags of a call, which beat any dialer's code.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::Value;

use super::read::{At, Fault, Field, Read};
use super::values::Flag;
use super::words::plain;
use crate::domain::event::CallFlags;

/// Names of a call's flags: a list of those that are set, or an object of truth values. Unknown names are passed over;
/// where none is known nothing is said, so that the disposition may speak.
#[derive(Clone, Copy, Debug)]
pub struct Flags(pub CallFlags);

const FLAG_NAMES: [&str; 8] = [
    "human_answered",
    "customer_contact",
    "sale",
    "dnc",
    "not_interested",
    "unworkable",
    "scheduled_callback",
    "completed",
];

impl Read for Flags {
    const EXPECTED: &'static str = "a list of flag names, or an object of truth values";

    fn read(value: &Value, at: &At<'_>) -> Result<Option<Flags>, Fault> {
        let mut flags = CallFlags::default();
        let mut known = false;
        match value {
            Value::Array(names) => {
                for (i, name) in names.iter().enumerate() {
                    match name {
                        Value::String(name) => known |= set(&mut flags, name, true),
                        other => return Err(Fault::invalid(&at.item(i), "the name of a flag", other)),
                    }
                }
            }
            Value::String(name) => known = set(&mut flags, name, true),
            Value::Object(map) => {
                for name in FLAG_NAMES {
                    if let Some(flag) = Option::<Flag>::read_field(map.get(name), &at.field(name))? {
                        known |= set(&mut flags, name, flag.0);
                    }
                }
            }
            other => return Err(Fault::invalid(at, Self::EXPECTED, other)),
        }
        Ok(known.then_some(Flags(flags)))
    }
}

/// Sets a flag by name; whether there is one of that name.
fn set(flags: &mut CallFlags, name: &str, value: bool) -> bool {
    let flag = match plain(name).as_str() {
        "human_answered" => &mut flags.human_answered,
        "customer_contact" => &mut flags.customer_contact,
        "sale" => &mut flags.sale,
        "dnc" => &mut flags.dnc,
        "not_interested" => &mut flags.not_interested,
        "unworkable" => &mut flags.unworkable,
        "scheduled_callback" => &mut flags.scheduled_callback,
        "completed" => &mut flags.completed,
        _ => return false,
    };
    *flag = value;
    true
}

impl JsonSchema for Flags {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "CallFlags".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let each: serde_json::Map<String, Value> =
            FLAG_NAMES.iter().map(|name| ((*name).to_owned(), serde_json::json!({ "type": "boolean" }))).collect();
        json_schema!({ "anyOf": [
            { "type": "array", "items": { "type": "string", "examples": FLAG_NAMES } },
            { "type": "object", "properties": each },
        ]})
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn flags(value: Value) -> Option<CallFlags> {
        Flags::read(&value, &At::root("flags", None)).unwrap().map(|f| f.0)
    }

    #[test]
    fn flags_come_as_names_or_as_truth_values() {
        let answered = CallFlags { human_answered: true, ..CallFlags::default() };
        assert_eq!(flags(json!(["human_answered", "something_new"])), Some(answered));
        assert_eq!(flags(json!({"human_answered": "Y", "sale": false})), Some(answered));
        assert_eq!(flags(json!("human_answered")), Some(answered));
        assert_eq!(flags(json!({"sale": false})), Some(CallFlags::default()));
        assert_eq!(flags(json!([])), None);
        assert_eq!(flags(json!(["something_new"])), None);
    }
}
