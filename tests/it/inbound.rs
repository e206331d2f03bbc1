//! Messages in, as other programs send them: what is taken, what is refused and why, and that nothing breaks the decoder.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the answer")]

mod fixtures;
mod forms;
mod hostile;
mod properties;
mod refusals;

use std::path::PathBuf;

use gleaner::domain::event::{Event, EventType};
use gleaner::domain::time::Moment;
use gleaner::wire::inbound::{Envelope, Inbound, Refusal, decode};
use serde_json::{Value, json};

/// 2026-03-11T00:00:00Z: after every fixture.
const RECEIVED: Moment = Moment(1_773_187_200_000);

fn settings() -> Inbound {
    Inbound { default_country: Some("US".to_owned()), ..Inbound::live() }
}

fn take(body: &[u8]) -> Result<Event, Refusal> {
    decode(&Envelope::bare(body), RECEIVED, &settings())
}

fn accept(event: &Value) -> Event {
    take(event.to_string().as_bytes()).unwrap_or_else(|refusal| panic!("{refusal}"))
}

/// The name of the reason for which the event is refused.
fn reason(event: &Value) -> &'static str {
    take(event.to_string().as_bytes()).unwrap_err().reason.name()
}

fn refusal(event: &Value) -> Refusal {
    take(event.to_string().as_bytes()).unwrap_err()
}

fn fixture(kind: EventType) -> Value {
    let path: PathBuf =
        [env!("CARGO_MANIFEST_DIR"), "tests/fixtures/events", &format!("{}.json", kind.name())].iter().collect();
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap()
}

/// The event with another value at a JSON pointer, which may be a new field of an object that is there.
fn with(mut event: Value, pointer: &str, value: Value) -> Value {
    if let Some(place) = event.pointer_mut(pointer) {
        *place = value;
    } else {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        event.pointer_mut(parent).unwrap()[name] = value;
    }
    event
}

fn captured() -> Value {
    fixture(EventType::LeadCaptured)
}

/// A capture of one e-mail address with this data besides.
fn capture(data: Value) -> Value {
    let mut event = json!({
        "specversion": "1.0", "id": "e-1", "source": "/forms", "type": "lead.captured", "time": "2026-03-02T14:05:00Z",
        "data": { "lead": { "email": "ana@example.com" } },
    });
    for (name, value) in data.as_object().unwrap() {
        event["data"][name] = value.clone();
    }
    event
}
