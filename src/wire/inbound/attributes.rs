//! Free attributes of a lead: whatever else a sender knows, as scalars by name.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::Value;

use super::read::{At, Fault, Read};
use super::text::{self, LINE_BYTES};
use crate::domain::event::Scalar;

/// Attributes beyond this many are left out, the last by name first: each is kept for as long as the lead lives.
const MAX_ATTRIBUTES: usize = 100;
const MAX_NAME_BYTES: usize = 100;

/// Free attributes in the order of their names. Lists and objects say nothing here and are passed over.
#[derive(Clone, Debug)]
pub struct Attributes(pub Vec<(String, Scalar)>);

impl Read for Attributes {
    const EXPECTED: &'static str = "an object of texts, numbers and truth values";

    fn read(value: &Value, at: &At<'_>) -> Result<Option<Attributes>, Fault> {
        let Value::Object(map) = value else { return Err(Fault::invalid_personal(at, Self::EXPECTED, value)) };
        let known = map.iter().filter_map(|(name, value)| {
            let value = match value {
                Value::Bool(b) => Scalar::Bool(*b),
                Value::Number(n) => Scalar::Number(n.as_f64()?),
                Value::String(s) => Scalar::Text(text::line(s, LINE_BYTES)?),
                Value::Null | Value::Array(_) | Value::Object(_) => return None,
            };
            Some((text::line(name, MAX_NAME_BYTES)?, value))
        });
        let mut attributes: Vec<(String, Scalar)> = known.take(MAX_ATTRIBUTES).collect();
        attributes.sort_by(|(a, _), (b, _)| a.cmp(b));
        attributes.dedup_by(|(a, _), (b, _)| a == b);
        Ok(Some(Attributes(attributes)))
    }
}

impl JsonSchema for Attributes {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Attributes".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object", "additionalProperties": { "type": ["string", "number", "boolean", "null"] } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(value: Value) -> Vec<(String, Scalar)> {
        Attributes::read(&value, &At::root("data", None)).unwrap().unwrap().0
    }

    #[test]
    fn attributes_are_scalars_in_order_and_bounded() {
        let attributes = read(json!({"plan": "pro", "seats": 3, "vip": true, "x": null, "y": [1], "a\u{0}": "b\u{0}"}));
        let expected = [
            ("a", Scalar::Text("b".into())),
            ("plan", Scalar::Text("pro".into())),
            ("seats", Scalar::Number(3.0)),
            ("vip", Scalar::Bool(true)),
        ];
        assert_eq!(attributes, expected.map(|(k, v)| (k.to_owned(), v)));
        let many: serde_json::Map<String, Value> = (0..100_000).map(|i| (format!("k{i}"), json!(i))).collect();
        assert_eq!(read(json!(many)).len(), MAX_ATTRIBUTES);
    }
}
