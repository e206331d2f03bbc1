//! The CloudEvents envelope: where its attributes stand, and whether they are good.
//!
//! `datacontenttype` is not looked at: senders are known to put other things there, even a time stamp.

use serde_json::Value;

use super::Envelope;
use super::read::{At, Fault};
use super::refusal::{Reason, Refusal, kept, key_of_body, key_of_event, shown};
use super::times;
use crate::domain::event::EventType;
use crate::domain::policy::suggest::nearest;
use crate::domain::time::Moment;

/// `id` and `source` go into headers, causes and keys.
const MAX_BYTES: usize = 255;
/// CloudEvents in AMQP headers: Knative's draft, its variant for brokers without hyphens, AMQP 1.0 properties arriving
/// as 0.9.1 headers, and the same with an underscore.
const PREFIXES: [&str; 4] = ["ce-", "ce_", "cloudevents:", "cloudevents_"];
/// No event type has half as many letters.
const LONGEST_MISSPELT: usize = 64;

/// An attribute as it was found.
#[derive(Clone, Copy, Debug, Default)]
enum Attribute<'a> {
    #[default]
    Absent,
    Text(&'a str),
    Other(&'a Value),
}

/// The attributes that mean something to us, unchecked.
#[derive(Clone, Copy, Debug, Default)]
pub struct Attributes<'a> {
    specversion: Attribute<'a>,
    id: Attribute<'a>,
    source: Attribute<'a>,
    kind: Attribute<'a>,
    time: Attribute<'a>,
}

/// Attributes that passed.
pub struct Checked<'a> {
    pub id: &'a str,
    pub source: &'a str,
    pub kind: EventType,
    /// The time the sender gave, if any.
    pub given: Option<Moment>,
}

impl<'a> Attributes<'a> {
    pub fn from_headers(headers: &'a [(String, String)]) -> Attributes<'a> {
        let mut found = Attributes::default();
        for (name, value) in headers {
            let Some(prefix) = PREFIXES.iter().find(|prefix| starts_with_ignoring_case(name, prefix)) else { continue };
            let slot = match name[prefix.len()..].to_ascii_lowercase().as_str() {
                "specversion" => &mut found.specversion,
                "id" => &mut found.id,
                "source" => &mut found.source,
                "type" => &mut found.kind,
                "time" => &mut found.time,
                _ => continue,
            };
            *slot = Attribute::Text(value);
        }
        found
    }

    pub fn from_json(map: &'a serde_json::Map<String, Value>) -> Attributes<'a> {
        let attribute = |name: &str| match map.get(name) {
            None | Some(Value::Null) => Attribute::Absent,
            Some(Value::String(text)) => Attribute::Text(text),
            Some(other) => Attribute::Other(other),
        };
        Attributes {
            specversion: attribute("specversion"),
            id: attribute("id"),
            source: attribute("source"),
            kind: attribute("type"),
            time: attribute("time"),
        }
    }

    /// Whether any required attribute is there.
    pub fn any(&self) -> bool {
        [self.specversion, self.id, self.source, self.kind].iter().any(|a| !matches!(a, Attribute::Absent))
    }

    /// The checks of the envelope, in the order of the contract: fields, version, type.
    pub fn check(&self, require_time: bool) -> Result<Checked<'a>, Fault> {
        let version = required("specversion", self.specversion, "\"1.0\"")?;
        let id = bounded("id", self.id)?;
        let source = bounded("source", self.source)?;
        let kind = required("type", self.kind, "the name of an event type")?;
        let given = time(self.time, require_time)?;
        if version != "1.0" {
            let detail = format!("The field specversion should be \"1.0\", but it is {}.", shown(version));
            return Err(Fault::new(Reason::UnsupportedVersion, detail));
        }
        let kind = EventType::from_name(kind).ok_or_else(|| {
            let meant = like(kind).map_or_else(String::new, |types| format!(" (did you mean {types}?)"));
            let detail = format!("The field type should be an event type, but it is {}{meant}.", shown(kind));
            Fault::new(Reason::UnknownType, detail)
        })?;
        Ok(Checked { id, source, kind, given })
    }

    /// The time just as it was written, cut short and safe to show.
    pub fn time_as_written(&self) -> Option<String> {
        match self.time {
            Attribute::Text(text) => Some(shown(text).trim_matches('"').to_owned()),
            Attribute::Absent | Attribute::Other(_) => None,
        }
    }

    /// The refusal of a message with these attributes.
    pub fn refuse(&self, fault: Fault, envelope: &Envelope<'_>) -> Refusal {
        let text = |a: Attribute<'a>| match a {
            Attribute::Text(text) if !text.is_empty() => Some(text),
            _ => None,
        };
        let (source, id) = (text(self.source), text(self.id));
        let key = match (source, id) {
            (Some(source), Some(id)) => key_of_event(source, id),
            _ => key_of_body(envelope.body),
        };
        Refusal {
            reason: fault.reason,
            detail: fault.detail,
            key,
            source: source.map(kept),
            id: id.map(kept),
            kind: text(self.kind).map(kept),
            time: text(self.time).map(kept),
        }
    }
}

/// The event types that may have been meant: the nearest by its letters, else those that begin with the same word.
fn like(kind: &str) -> Option<String> {
    let known = || EventType::ALL.iter().map(|kind| kind.name());
    // Comparing letters takes their product in time, and a type may be a megabyte.
    if kind.len() > LONGEST_MISSPELT {
        return None;
    }
    if let Some(near) = nearest(kind, known()) {
        return Some(near.to_owned());
    }
    let first = kind.split('.').next().unwrap_or_default();
    let alike: Vec<&str> = known().filter(|known| known.split('.').next() == Some(first)).collect();
    (!alike.is_empty()).then(|| alike.join(", "))
}

pub fn starts_with_ignoring_case(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

fn required<'a>(name: &'static str, attribute: Attribute<'a>, expected: &str) -> Result<&'a str, Fault> {
    let at = At::root(name, None);
    match attribute {
        Attribute::Absent => Err(Fault::missing(&at, expected)),
        Attribute::Text("") => Err(Fault::found(&at, expected, "empty")),
        Attribute::Text(text) => Ok(text),
        Attribute::Other(value) => Err(Fault::invalid(&at, expected, value)),
    }
}

fn bounded<'a>(name: &'static str, attribute: Attribute<'a>) -> Result<&'a str, Fault> {
    const EXPECTED: &str = "text of 1 to 255 bytes without control characters";
    let text = required(name, attribute, EXPECTED)?;
    let at = At::root(name, None);
    if text.len() > MAX_BYTES {
        return Err(Fault::found(&at, EXPECTED, &format!("{} bytes long", text.len())));
    }
    // CloudEvents forbids them too; here they could break a header, a log line or a cause apart.
    if text.contains(char::is_control) {
        return Err(Fault::found(&at, EXPECTED, "text with a control character"));
    }
    Ok(text)
}

fn time(attribute: Attribute<'_>, required: bool) -> Result<Option<Moment>, Fault> {
    const EXPECTED: &str = "a time in RFC 3339 with offset, such as 2026-03-02T14:05:00Z";
    let at = At::root("time", None);
    match attribute {
        Attribute::Absent if required => Err(Fault::missing(&at, EXPECTED)),
        Attribute::Absent => Ok(None),
        Attribute::Text(text) => times::instant(text).map(Some).ok_or_else(|| Fault::invalid_word(&at, EXPECTED, text)),
        Attribute::Other(value) => Err(Fault::invalid(&at, EXPECTED, value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn attributes_are_found_under_every_prefix_and_in_any_case() {
        for prefix in ["ce-", "ce_", "cloudEvents:", "cloudEvents_", "CE-", "Cloudevents:"] {
            let list = headers(&[
                (&format!("{prefix}specversion"), "1.0"),
                (&format!("{prefix}id"), "e-1"),
                (&format!("{prefix}source"), "/s"),
                (&format!("{prefix}Type"), "lead.erased"),
            ]);
            let checked = Attributes::from_headers(&list).check(false).unwrap();
            assert_eq!((checked.id, checked.source, checked.kind), ("e-1", "/s", EventType::LeadErased));
        }
    }

    #[test]
    fn an_unknown_type_is_told_with_what_was_probably_meant() {
        assert_eq!(like("lead.capture").as_deref(), Some("lead.captured"));
        assert_eq!(like("lead_captured").as_deref(), Some("lead.captured"));
        assert_eq!(like("call.hung_up_on_us").as_deref(), Some("call.started, call.completed"));
        assert_eq!(like("weather"), None);
    }

    #[test]
    fn other_headers_are_not_attributes() {
        assert!(!Attributes::from_headers(&headers(&[("id", "e-1"), ("cer-id", "x"), ("ce", "x"), ("é-", "x")])).any());
    }
}
