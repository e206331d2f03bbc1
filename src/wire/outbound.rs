//! Tasks and revocations as messages: the envelope around what the core froze.
//!
//! A body is made once, when it enters the outbox; whatever is repeated later repeats these bytes.

use serde::Serialize;
use uuid::Uuid;

use crate::domain::task::{Outgoing, Revocation, Task};
use crate::domain::time::Moment;

/// The name of the schema that a consumer can check the data of a type against. It is a name and no page: `gleaner
/// schema` writes what it names.
pub fn data_schema(kind: &str) -> String {
    format!("https://gleaner.example/schema/{kind}/1")
}

#[derive(Serialize)]
struct Envelope<'a, T> {
    specversion: &'static str,
    id: Uuid,
    source: &'static str,
    #[serde(rename = "type")]
    kind: &'a str,
    time: String,
    subject: Uuid,
    datacontenttype: &'static str,
    dataschema: String,
    data: &'a T,
}

/// Everything that the outbox and the broker need of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub id: Uuid,
    pub kind: &'static str,
    pub queue: &'static str,
    pub routing_key: &'static str,
    /// At most 255 bytes: `correlation_id` holds no more.
    pub cause: String,
    pub priority: u8,
    pub lead_version: u64,
    /// `None` for revocations.
    pub expires_at: Option<Moment>,
    pub body: Vec<u8>,
}

/// Freezes what leaves a decision. `time` is the instant of the decision.
pub fn message(outgoing: &Outgoing, time: Moment) -> Message {
    match outgoing {
        Outgoing::Task(task) => task_message(task, time),
        Outgoing::Revocation { revocation, route } => Message {
            id: revocation.task_id,
            kind: "task.revoked",
            queue: route.queue,
            routing_key: route.revoked_key,
            cause: correlation(&revocation.cause),
            priority: 9,
            lead_version: revocation.lead_version,
            expires_at: None,
            body: revocation_body(revocation, time),
        },
    }
}

/// Freezes a task, as the lead's decision or a pool's grant made it.
pub fn task_message(task: &Task, time: Moment) -> Message {
    let route = task.route();
    Message {
        id: task.task_id,
        kind: task.kind.event_type(),
        queue: route.queue,
        routing_key: route.routing_key,
        cause: correlation(&task.cause),
        priority: task.priority,
        lead_version: task.lead_version,
        expires_at: Some(task.expires_at),
        body: encode(task.kind.event_type(), task.task_id, task.lead_id, task, time),
    }
}

/// Bytes that two bodies of three fit into (of the tasks of a real stream; 1,690 in the mean).
const BODY: usize = 2048;

fn revocation_body(revocation: &Revocation, time: Moment) -> Vec<u8> {
    encode("task.revoked", revocation.task_id, revocation.lead_id, revocation, time)
}

fn encode<T: Serialize>(kind: &str, id: Uuid, lead: Uuid, data: &T, time: Moment) -> Vec<u8> {
    let envelope = Envelope {
        specversion: "1.0",
        id,
        source: "/gleaner",
        kind,
        time: time.to_string(),
        subject: lead,
        datacontenttype: "application/json",
        dataschema: data_schema(kind),
        data,
    };
    // So that the buffer seldom grows, and not ten times.
    let mut body = Vec::with_capacity(BODY);
    serde_json::to_writer(&mut body, &envelope)
        .unwrap_or_else(|e| unreachable!("a task is plain data and always encodes: {e}"));
    body
}

/// The cause as a correlation id: itself, or its SHA-256 in hex where it is longer than AMQP's short strings.
pub fn correlation(cause: &str) -> String {
    use sha2::{Digest, Sha256};
    if cause.len() <= 255 { cause.to_owned() } else { hex::encode(Sha256::digest(cause.as_bytes())) }
}
