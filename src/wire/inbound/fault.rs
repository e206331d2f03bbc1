//! A failed check, and how its sentence is put: the field, what it should be, what it is.

use serde_json::Value;

use super::read::At;
use super::refusal::{Reason, shown};

/// A failed check: the reason, and the sentence that explains it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub reason: Reason,
    pub detail: String,
}

impl Fault {
    pub fn new(reason: Reason, detail: impl Into<String>) -> Fault {
        Fault { reason, detail: detail.into() }
    }

    pub fn missing(at: &At<'_>, expected: &str) -> Fault {
        Fault::new(Reason::MissingField, format!("The field {at} is missing; expected {expected}."))
    }

    /// For a field that may be there, and then holds nothing that can be used.
    pub fn unsaid(at: &At<'_>, expected: &str) -> Fault {
        Fault::new(
            Reason::MissingField,
            format!("The field {at} is missing or holds nothing that can be used; expected {expected}."),
        )
    }

    /// For fields whose numbers and truth values may be shown; text is described, never quoted.
    pub fn invalid(at: &At<'_>, expected: &str, found: &Value) -> Fault {
        let found = match found {
            Value::Number(n) => format!("the number {}", shown(&n.to_string()).trim_matches('"')),
            Value::Bool(b) => b.to_string(),
            other => sort_of(other),
        };
        Fault::found(at, expected, &found)
    }

    /// For fields that name a person: only the sort of value is told.
    pub fn invalid_personal(at: &At<'_>, expected: &str, found: &Value) -> Fault {
        Fault::found(at, expected, &sort_of(found))
    }

    /// For words of a closed set, which may be quoted.
    pub fn invalid_word(at: &At<'_>, expected: &str, found: &str) -> Fault {
        Fault::found(at, expected, &shown(found))
    }

    pub fn found(at: &At<'_>, expected: &str, found: &str) -> Fault {
        Fault::new(Reason::InvalidField, format!("The field {at} should be {expected}, but it is {found}."))
    }
}

fn sort_of(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "a truth value".to_owned(),
        Value::Number(_) => "a number".to_owned(),
        Value::String(s) => match s.chars().count() {
            0 => "empty text".to_owned(),
            1 => "text of one character".to_owned(),
            n => format!("text of {n} characters"),
        },
        Value::Array(items) => format!("a list of {}", items.len()),
        Value::Object(_) => "an object".to_owned(),
    }
}
