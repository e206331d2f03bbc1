//! Messages to events: [`decode`] understands a message wholly or says in one sentence why not.
//!
//! Pure: the moment of receipt is an argument. The checks run in the order of the contract, and the first that fails
//! names the reason. Whether the lead is known, was erased, or had this event before is not settled here.

mod activity;
mod answers;
mod attributes;
mod capture;
mod consent;
mod contact;
mod content;
mod envelope;
mod fault;
mod flags;
mod json;
mod keys;
mod mail;
mod modes;
mod moments;
mod money;
mod place;
mod place_names;
mod read;
mod refusal;
mod reports;
mod text;
mod times;
mod types;
mod values;
mod words;

use serde_json::Value;

pub use json::in_words;
pub use keys::{Lead, Names};
pub use refusal::{Reason, Refusal, key_of_body, key_of_event};
pub use types::{Data, ForData, for_type};

use crate::domain::event::{Body, Call, Event, EventKey};
use crate::domain::identity::{Key, KeyKind, digest_16};
use crate::domain::time::{Moment, Span};
use crate::wire::phone::{self, Region};
use envelope::Attributes;
use modes::Parts;
use read::{At, Fault};

/// A message as a broker, a file or a request hands it over.
#[derive(Clone, Copy, Debug, Default)]
pub struct Envelope<'a> {
    pub body: &'a [u8],
    pub content_type: Option<&'a str>,
    /// Names with values as text.
    pub headers: &'a [(String, String)],
    /// The sender's time stamp in milliseconds since 1970, which counts where the event itself has no time.
    pub timestamp_ms: Option<i64>,
}

impl<'a> Envelope<'a> {
    /// A body without anything about it, as in a file.
    pub fn bare(body: &'a [u8]) -> Envelope<'a> {
        Envelope { body, ..Envelope::default() }
    }
}

/// The limits of what is taken in.
#[derive(Clone, Debug, PartialEq)]
pub struct Inbound {
    /// Bytes; a body of exactly this size is accepted.
    pub max_body: usize,
    /// Levels of JSON objects and lists.
    pub max_depth: usize,
    /// ISO 3166-1 alpha-2: where national phone numbers are read whose lead gives no country.
    pub default_country: Option<String>,
    /// How far ahead of receipt an event may be dated; `None` for any distance.
    pub max_ahead: Option<Span>,
    /// Events before this are refused.
    pub oldest: Moment,
    /// Whether an event must carry a time of its own.
    pub require_time: bool,
}

impl Inbound {
    /// For events as they happen.
    pub fn live() -> Inbound {
        Inbound {
            max_body: 1024 * 1024,
            max_depth: 64,
            default_country: None,
            max_ahead: Some(Span::minutes(5)),
            // 2000-01-01: no lead is older, and clocks that were never set are (1970, 1980).
            oldest: Moment(946_684_800_000),
            require_time: false,
        }
    }

    /// For events of a file, which stand on their own time.
    pub fn replay() -> Inbound {
        Inbound { max_ahead: None, require_time: true, ..Inbound::live() }
    }
}

/// Understands a message, or refuses it.
///
/// # Errors
/// The first check that fails, in the order of [`Reason`]; up to and including [`Reason::TooOld`].
pub fn decode(envelope: &Envelope<'_>, received: Moment, settings: &Inbound) -> Result<Event, Refusal> {
    let headers = Attributes::from_headers(envelope.headers);
    let body = parse(envelope.body, headers.any(), settings).map_err(|fault| headers.refuse(fault, envelope))?;
    let parts =
        Parts::of(&body, headers, envelope.content_type).ok_or_else(|| headers.refuse(no_event(&body), envelope))?;
    understand(&parts, envelope, received, settings).map_err(|fault| parts.attributes.refuse(fault, envelope))
}

/// A message in binary mode as one in structured mode, for where its headers are not kept; `None` for one that is in structured mode
/// already. The event is what the message was understood as.
pub fn structured(envelope: &Envelope<'_>, event: &Event) -> Option<Vec<u8>> {
    let headers = Attributes::from_headers(envelope.headers);
    if !headers.any() {
        return None;
    }
    let text = json::text(envelope.body).ok()?;
    let body = serde_json::from_str(text).unwrap_or(Value::Null);
    let is_binary = Parts::of(&body, headers, envelope.content_type).is_some_and(|parts| parts.data == Some(&body));
    is_binary.then(|| {
        let word = |text: &str| Value::from(text).to_string();
        let (id, source, kind) = (word(&event.id), word(&event.source), word(event.kind().name()));
        // The data as they came, not as they would be written again.
        let data = if body.is_null() { "null" } else { text };
        let time = event.at;
        format!(r#"{{"specversion":"1.0","id":{id},"source":{source},"type":{kind},"time":"{time}","data":{data}}}"#)
            .into_bytes()
    })
}

/// Bytes to JSON: size, UTF-8, syntax.
fn parse(body: &[u8], has_attributes: bool, settings: &Inbound) -> Result<Value, Fault> {
    json::check_size(body, settings.max_body)?;
    let text = json::text(body)?;
    if has_attributes && text.trim_ascii().is_empty() {
        // A binary event may have no data at all; whether this one may is for its type to say.
        return Ok(Value::Null);
    }
    json::parse(text, settings.max_depth)
}

fn no_event(body: &Value) -> Fault {
    let found = if body.is_array() { "a list" } else { "a single value" };
    let expected = "a JSON object with specversion, id, source, type and data";
    Fault::new(Reason::MalformedJson, format!("The body should be {expected}, but it is {found}."))
}

/// JSON to an event: envelope, data, age.
fn understand(
    parts: &Parts<'_>,
    envelope: &Envelope<'_>,
    received: Moment,
    settings: &Inbound,
) -> Result<Event, Fault> {
    let checked = parts.attributes.check(settings.require_time)?;
    let data = parts.data.filter(|d| !d.is_null());
    let data = data.ok_or_else(|| Fault::missing(&At::root("data", None), "an object"))?;
    let (mut subject, body) = types::read(checked.kind, data, &At::root("data", region(data, settings)))?;
    if let Body::CallCompleted(Call { callback_number: Some(number), .. }) = &body {
        // Where they asked to be called is a number of theirs: who closed it, and who else carries it, counts.
        let key = Key::new(KeyKind::Phone, number.clone());
        subject.keys.extend((!subject.keys.contains(&key)).then_some(key));
    }
    let at = checked.given.or(envelope.timestamp_ms.map(Moment)).unwrap_or(received);
    check_age(at, parts.attributes.time_as_written(), received, settings)?;
    Ok(Event {
        source: checked.source.to_owned(),
        id: checked.id.to_owned(),
        key: EventKey(digest_16(&[checked.source.as_bytes(), checked.id.as_bytes()])),
        content: content::hash(checked.kind.name(), checked.given, data),
        at,
        keys: subject.keys,
        extensions: subject.extensions,
        task_id: subject.task_id,
        body,
    })
}

/// Where the event's national phone numbers are read: the country of its profile, else the one of the settings.
fn region(data: &Value, settings: &Inbound) -> Option<Region> {
    let given = data.get("profile").and_then(|p| p.get("country")).and_then(Value::as_str).and_then(place::country);
    given.as_deref().and_then(phone::region).or_else(|| settings.default_country.as_deref().and_then(phone::region))
}

fn check_age(at: Moment, written: Option<String>, received: Moment, settings: &Inbound) -> Result<(), Fault> {
    let time = || written.clone().unwrap_or_else(|| at.to_string());
    if let Some(max_ahead) = settings.max_ahead
        && at > received + max_ahead
    {
        let (ahead, most) = (seconds(at - received), seconds(max_ahead));
        let detail = format!("The time {} is {ahead} after receipt, but at most {most} are accepted.", time());
        return Err(Fault::new(Reason::FutureTime, detail));
    }
    if at < settings.oldest {
        let detail = format!("The time {} is before {}, the earliest that is accepted.", time(), settings.oldest);
        return Err(Fault::new(Reason::TooOld, detail));
    }
    Ok(())
}

/// To the second, rounded up, for as long as that can be read: what is just too much must not look like the limit.
fn seconds(span: Span) -> String {
    match span.0 {
        ms @ ..3_600_000 => format!("{} s", (ms + 999) / 1000),
        _ => span.to_string(),
    }
}
