//! `POST /events`: one event or a list of them, answered when every one that is accepted is durable.
//!
//! An event that would be refused later is refused here, by its place in the list, and is not sent. Those accepted go
//! into the queue byte for byte as they came, whoever wrote them.

use std::time::Duration;

use axum::Json;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::IgnoredAny;
use serde_json::Deserializer;
use tokio::time::timeout;

use super::Shared;
use super::answer::Refused;
use crate::domain::time::Moment;
use crate::queue::{EventMessage, Queue};
use crate::store::Store;
use crate::wire::inbound::{Envelope, Inbound, decode, in_words};

/// Bytes of a whole request, whatever one event may have: ten thousand ordinary events.
pub const MAX_BODY: usize = 16 << 20;
/// For a body to arrive: [`MAX_BODY`] at 5 Mbit/s.
const BODY_WITHIN: Duration = Duration::from_secs(30);

#[derive(Debug, Default, Serialize)]
struct Answer {
    accepted: usize,
    refused: Vec<Refusal>,
}

/// Why one event of the list is not taken in.
#[derive(Debug, PartialEq, Serialize)]
struct Refusal {
    index: usize,
    reason: &'static str,
    detail: String,
}

pub async fn post<S: Store, Q: Queue>(State(site): Shared<S, Q>, request: Request) -> Result<Response, Refused> {
    let parts = site.parts()?;
    // Never closed.
    let _room = site.bodies.acquire().await;
    let body = read(request).await?;
    let (events, refused) = sort(&body, parts.clock(), &parts.inbound)?;
    let accepted = events.len();
    if accepted > 0 {
        parts.queue.send_events(events).await?;
    }
    Ok((StatusCode::ACCEPTED, Json(Answer { accepted, refused })).into_response())
}

async fn read(request: Request) -> Result<Bytes, Refused> {
    let too_large = || {
        let why = format!("the body is larger than {MAX_BODY} bytes: send the events in several requests");
        Refused::new(StatusCode::PAYLOAD_TOO_LARGE, why)
    };
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: u64| length > MAX_BODY as u64) {
        return Err(too_large());
    }
    let body: Body = request.into_body();
    match timeout(BODY_WITHIN, to_bytes(body, MAX_BODY)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        // Past the limit, or the caller went away, who will not read this.
        Ok(Err(_)) => Err(too_large()),
        Err(_) => Err(Refused::new(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time")),
    }
}

/// The events to send, and those refused.
fn sort(body: &[u8], now: Moment, settings: &Inbound) -> Result<(Vec<EventMessage>, Vec<Refusal>), Refused> {
    let (mut events, mut refused) = (Vec::new(), Vec::new());
    for (index, body) in split(body)?.into_iter().enumerate() {
        match decode(&Envelope::bare(body), now, settings) {
            Ok(event) => events.push(EventMessage { routing_key: event.kind().name().to_owned(), body: body.to_vec() }),
            Err(refusal) => refused.push(Refusal { index, reason: refusal.reason.name(), detail: refusal.detail }),
        }
    }
    Ok((events, refused))
}

/// The bytes of each element of a JSON list, or of the one value that there is.
fn split(body: &[u8]) -> Result<Vec<&[u8]>, Refused> {
    let no_json = |what: &str| Refused::new(StatusCode::BAD_REQUEST, format!("the body is not JSON: {what}"));
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii();
    let Some(mut rest) = body.strip_prefix(b"[") else {
        let (value, rest) = first_value(body).map_err(|error| no_json(&in_words(&error)))?;
        return match rest.trim_ascii() {
            b"" => Ok(vec![value]),
            [b'{', ..] => Err(no_json(
                "a second event follows the first: put several into an array, [{…}, {…}], or send a file with one \
                 event a line with `gleaner publish --events FILE`",
            )),
            _ => Err(no_json("something follows its end")),
        };
    };
    let mut values = Vec::new();
    rest = rest.trim_ascii_start();
    while !rest.starts_with(b"]") {
        let (value, after) = first_value(rest)
            .map_err(|error| no_json(&format!("in element {}, {}", values.len(), in_words(&error))))?;
        values.push(value);
        rest = after.trim_ascii_start();
        match rest.strip_prefix(b",") {
            Some(next) if !next.trim_ascii_start().starts_with(b"]") => rest = next.trim_ascii_start(),
            None if rest.starts_with(b"]") => {}
            _ => {
                return Err(no_json(&format!(
                    "a comma and an element, or the end of the list, should follow element {}",
                    values.len() - 1
                )));
            }
        }
    }
    if rest.len() > 1 { Err(no_json("something follows its end")) } else { Ok(values) }
}

/// The bytes of the value that a text begins with, and what follows. Only the form is looked at.
fn first_value(text: &[u8]) -> Result<(&[u8], &[u8]), serde_json::Error> {
    let mut values = Deserializer::from_slice(text).into_iter::<IgnoredAny>();
    match values.next() {
        Some(value) => value.map(|_| text.split_at(values.byte_offset())),
        None => Err(serde::de::Error::custom("it is empty")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parts(body: &str) -> Option<Vec<&str>> {
        split(body.as_bytes()).ok().map(|parts| parts.into_iter().map(|p| std::str::from_utf8(p).unwrap()).collect())
    }

    #[test]
    fn a_list_is_taken_apart_byte_for_byte() {
        assert_eq!(
            parts(r#" [ {"a": 1e400 } ,[2], "x", 3,null ] "#).unwrap(),
            [r#"{"a": 1e400 }"#, "[2]", r#""x""#, "3", "null"]
        );
        assert_eq!(parts("\u{feff}{\"a\":\t1}\n").unwrap(), ["{\"a\":\t1}"]);
        assert_eq!(parts("[]").unwrap(), Vec::<&str>::new());
        assert_eq!(parts("7").unwrap(), ["7"]);
    }

    #[test]
    fn what_is_no_json_is_no_list_of_events() {
        for body in
            ["", " ", "{", "[", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "[1]]", "{}{}", "{} x", "[1] x", "nul", "[{]}"]
        {
            assert!(parts(body).is_none(), "{body}");
        }
    }

    #[test]
    fn lines_of_events_are_told_how_to_be_sent() {
        let refused = split(b"{\"a\":1}\n{\"b\":2}\n").unwrap_err();
        assert!(format!("{refused:?}").contains("gleaner publish --events FILE"), "{refused:?}");
        let refused = split(b"{a:1}").unwrap_err();
        assert!(format!("{refused:?}").contains("line 1, column 2: a name must be in double quotes"), "{refused:?}");
    }

    #[test]
    fn a_list_nested_without_end_costs_no_stack() {
        let deep = "[".repeat(1_000_000);
        assert!(parts(&deep).is_none());
        let deep = format!("[{}{}]", "[".repeat(500_000), "]".repeat(500_000));
        assert_eq!(parts(&deep).unwrap().len(), 1);
    }

    #[test]
    fn a_bad_neighbour_is_refused_by_its_place_and_spoils_nobody() {
        let good = json!({ "specversion": "1.0", "id": "e-1", "source": "/t", "type": "page.viewed",
            "data": { "lead": { "id": "x" }, "path": "/" } });
        let body = json!([good, { "specversion": "1.0" }, 7, good]).to_string();
        let (events, refused) = sort(body.as_bytes(), Moment(1_800_000_000_000), &Inbound::live()).unwrap();
        assert_eq!(events.len(), 2);
        assert_eq!(events[0].routing_key, "page.viewed");
        assert_eq!(
            refused.iter().map(|r| (r.index, r.reason)).collect::<Vec<_>>(),
            [(1, "missing_field"), (2, "malformed_json")]
        );
    }
}
