//! Single keys as fields: ids, addresses, numbers, normalised so that the same person is the same key however written.
//!
//! Only the form is settled here; whether anybody reads that mail or answers that number is judged later.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::Value;

use super::read::{At, Fault, Read, leaf_schema, record};
use super::text::{self, Line, spelled};
use crate::domain::identity::{Key, KeyKind};
use crate::wire::phone;

/// Keys of the caller's own making (ids, visitors) fit into this.
const MAX_ID_BYTES: usize = 255;
/// RFC 5321: a path of 256 less its brackets.
const MAX_EMAIL_BYTES: usize = 254;

/// An id of the caller's own making; a number is as good as text.
#[derive(Clone, Debug)]
pub struct Id(pub String);
leaf_schema!(Id, "Id", { "type": ["string", "integer"], "maxLength": MAX_ID_BYTES });

impl Read for Id {
    const EXPECTED: &'static str = "text of 1 to 255 bytes, or a number";

    fn read(value: &Value, at: &At<'_>) -> Result<Option<Id>, Fault> {
        match value {
            Value::String(s) if s.trim().len() <= MAX_ID_BYTES => Ok(text::line(s, MAX_ID_BYTES).map(Id)),
            Value::Number(n) => Ok(Some(Id(spelled(n)))),
            other => Err(Fault::invalid_personal(at, Self::EXPECTED, other)),
        }
    }
}

/// An e-mail address, in lower case.
#[derive(Clone, Debug)]
pub struct Email(pub String);
leaf_schema!(Email, "Email", { "type": "string", "maxLength": MAX_EMAIL_BYTES, "examples": ["ana@example.com"] });

impl Read for Email {
    const EXPECTED: &'static str = "an e-mail address of at most 254 bytes";

    fn read(value: &Value, at: &At<'_>) -> Result<Option<Email>, Fault> {
        let address = match value {
            Value::String(s) if s.trim().is_empty() => return Ok(None),
            Value::String(s) => email(s),
            _ => None,
        };
        address.map(|a| Some(Email(a))).ok_or_else(|| Fault::invalid_personal(at, Self::EXPECTED, value))
    }
}

/// The address in lower case, if it looks like one. Whether anybody reads mail there is judged later.
pub fn email(text: &str) -> Option<String> {
    // Copying from a page brings invisible characters along; nobody has them in an address.
    let visible = |c: &char| !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{feff}');
    let address: String =
        text.trim().chars().filter(visible).flat_map(char::to_lowercase).take(MAX_EMAIL_BYTES + 1).collect();
    let (local, domain) = address.split_once('@')?;
    let stray = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '@' | '<' | '>' | ',' | ';' | '"');
    let fits = address.len() <= MAX_EMAIL_BYTES && !local.is_empty() && !domain.is_empty();
    (fits && !local.contains(stray) && !domain.contains(stray)).then_some(address)
}

/// A phone number, read in the region of the lead. `None` if it has no digits to speak of.
#[derive(Clone, Debug)]
pub struct PhoneNumber(pub phone::Phone);
leaf_schema!(PhoneNumber, "Phone", { "type": ["string", "integer"], "examples": ["+13055552368", "(305) 555-2368"] });

impl Read for PhoneNumber {
    const EXPECTED: &'static str = "a phone number";

    fn read(value: &Value, at: &At<'_>) -> Result<Option<PhoneNumber>, Fault> {
        match value {
            Value::String(s) => Ok(phone::normalise(s, at.region).map(PhoneNumber)),
            Value::Number(n) => Ok(phone::normalise(&spelled(n), at.region).map(PhoneNumber)),
            other => Err(Fault::invalid_personal(at, Self::EXPECTED, other)),
        }
    }
}

impl From<PhoneNumber> for String {
    fn from(p: PhoneNumber) -> String {
        p.0.number
    }
}

record! {
    /// One of several addresses, with room for what else a sender knows of it.
    pub struct EmailObject { email: Email }

    /// One of several numbers.
    pub struct PhoneObject { number: Option<PhoneNumber>, ext: Option<Line> }
}

/// An address, or an object that holds one.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(inline, transparent)]
pub struct EmailItem(#[schemars(schema_with = "either::<Email, EmailObject>")] pub Email);

impl Read for EmailItem {
    const EXPECTED: &'static str = Email::EXPECTED;

    fn read(value: &Value, at: &At<'_>) -> Result<Option<EmailItem>, Fault> {
        match value {
            Value::Object(_) => Ok(EmailObject::read(value, at)?.map(|o| EmailItem(o.email))),
            other => Ok(Email::read(other, at)?.map(EmailItem)),
        }
    }
}

/// A number, or an object with `number` and `ext`.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(inline, transparent)]
pub struct PhoneItem(#[schemars(schema_with = "either::<PhoneNumber, PhoneObject>")] pub PhoneObject);

impl Read for PhoneItem {
    const EXPECTED: &'static str = PhoneNumber::EXPECTED;

    fn read(value: &Value, at: &At<'_>) -> Result<Option<PhoneItem>, Fault> {
        match value {
            Value::Object(_) => Ok(PhoneObject::read(value, at)?.map(PhoneItem)),
            other => Ok(PhoneNumber::read(other, at)?.map(|n| PhoneItem(PhoneObject { number: Some(n), ext: None }))),
        }
    }
}

fn either<A: JsonSchema, B: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({ "anyOf": [generator.subschema_for::<A>(), generator.subschema_for::<B>()] })
}

/// A number or an address, told apart by the `@`: what consent and look-ups are about.
#[derive(Clone, Debug)]
pub struct ContactKey(pub Key);
leaf_schema!(ContactKey, "ContactKey", { "type": ["string", "integer"], "description": "A phone number or an e-mail address" });

impl Read for ContactKey {
    const EXPECTED: &'static str = "a phone number or an e-mail address";

    fn read(value: &Value, at: &At<'_>) -> Result<Option<ContactKey>, Fault> {
        let key = match value {
            Value::String(s) if s.trim().is_empty() => return Ok(None),
            Value::String(s) if s.contains('@') => email(s).map(|a| Key::new(KeyKind::Email, a)),
            other => PhoneNumber::read(other, at)?.map(|p| Key::new(KeyKind::Phone, p.0.number)),
        };
        key.map(|k| Some(ContactKey(k))).ok_or_else(|| Fault::invalid_personal(at, Self::EXPECTED, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_two_sides_and_no_spaces() {
        for text in ["ana@example.com", "ana+tag@example.com", "ana@localhost", "ünal@exämple.com", "李@例子.example"]
        {
            assert_eq!(email(text).as_deref(), Some(text));
        }
        for text in
            ["ana", "@example.com", "ana@", "a na@example.com", "a@b@c", "Ana <ana@example.com>", "a@b,c@d", "a@\n"]
        {
            assert_eq!(email(text), None, "{text}");
        }
        assert!(email(&format!("{}@example.com", "a".repeat(242))).is_some());
        assert!(email(&format!("{}@example.com", "a".repeat(243))).is_none());
        assert!(email(&"a".repeat(8192)).is_none());
    }
}
