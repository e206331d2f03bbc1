//! Our messages as AMQP properties and headers, and back.
//!
//! A dead letter keeps the original's properties and headers, with two exceptions that would lose it: an `expiration`
//! would delete it from the dead queue, and a foreign `user_id` makes the broker refuse it. Both move into headers of ours.

use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::headers::{as_text, bounded, fitting, is_brokers_own, long};
use super::session::short;
use crate::queue::{DeadLetter, Meta, Refusal, TaskMessage};

const OURS: &str = "x-gleaner-";
const REASON: &str = "x-gleaner-reason";
const DETAIL: &str = "x-gleaner-detail";
const AT: &str = "x-gleaner-at";
const EXCHANGE: &str = "x-gleaner-exchange";
const ROUTING_KEY: &str = "x-gleaner-routing-key";
const KEY: &str = "x-gleaner-key";
const EXPIRATION: &str = "x-gleaner-expiration";
const USER_ID: &str = "x-gleaner-user-id";
const LEFT_OUT: &str = "x-gleaner-left-out";

/// The broker closes the channel on an expiration of more than ten years.
const LONGEST_EXPIRATION_MS: u128 = 3_650 * 86_400_000;

/// Room in the frame of the properties for everything but the original's headers.
const FRAME_RESERVE: usize = 16 * 1024;

pub fn of_task(task: &TaskMessage) -> BasicProperties {
    let mut headers = FieldTable::default();
    headers.insert("lead_version".into(), AMQPValue::LongLongInt(task.lead_version.try_into().unwrap_or(i64::MAX)));
    let own = || traceparent(&task.id);
    headers.insert("traceparent".into(), long(&task.traceparent.clone().unwrap_or_else(own)));
    let correlation =
        if task.cause.len() > 255 { hex::encode(Sha256::digest(&task.cause)) } else { task.cause.clone() };
    let properties = BasicProperties::default()
        .with_message_id(short(&task.id))
        .with_type(short(&task.kind))
        .with_timestamp(u64::try_from(task.published_at_ms).unwrap_or(0) / 1000)
        .with_app_id("gleaner".into())
        .with_correlation_id(short(&correlation))
        .with_content_type("application/cloudevents+json".into())
        .with_delivery_mode(2)
        .with_priority(task.priority.min(9))
        .with_headers(headers);
    match task.expires_in {
        // A fraction, nothing at all or more than ten years closes the channel, with everything in flight on it.
        Some(left) => properties.with_expiration(short(&left.as_millis().clamp(1, LONGEST_EXPIRATION_MS).to_string())),
        None => properties,
    }
}

pub fn of_event() -> BasicProperties {
    BasicProperties::default().with_content_type("application/cloudevents+json".into()).with_delivery_mode(2)
}

/// W3C trace context: the trace is the task, so that every hop of one task is found under its id; each publishing is
/// a span of its own.
fn traceparent(task_id: &str) -> String {
    let trace = Uuid::parse_str(task_id).unwrap_or_else(|_| Uuid::new_v4());
    let span = Uuid::new_v4().simple().to_string();
    format!("00-{}-{}-00", trace.simple(), &span[..16])
}

/// The original's properties and headers with the reason beside them, within one frame of `frame_bytes`.
pub fn of_letter(letter: &DeadLetter<BasicProperties>, frame_bytes: usize) -> BasicProperties {
    let Some(original) = &letter.raw else {
        return of_event().with_headers(with_reason(letter, FieldTable::default()));
    };
    let (mut headers, left_out) = fitting(&senders(original.headers()), frame_bytes.saturating_sub(FRAME_RESERVE));
    if !left_out.is_empty() {
        headers.insert(LEFT_OUT.into(), long(&bounded(&left_out.join(" "), 2048)));
    }
    if let Some(expiration) = original.expiration() {
        headers.insert(EXPIRATION.into(), long(expiration.as_str()));
    }
    if let Some(user) = original.user_id() {
        headers.insert(USER_ID.into(), long(user.as_str()));
    }
    copy(original).with_headers(with_reason(letter, headers))
}

fn with_reason(letter: &DeadLetter<BasicProperties>, mut headers: FieldTable) -> FieldTable {
    let Refusal { reason, detail, at, key } = &letter.refusal;
    let Meta { exchange, routing_key, .. } = &letter.meta;
    let pairs =
        [(REASON, reason), (DETAIL, detail), (AT, at), (KEY, key), (EXCHANGE, exchange), (ROUTING_KEY, routing_key)];
    for (name, value) in pairs {
        headers.insert(name.into(), long(&bounded(value, 2048)));
    }
    headers
}

/// What a dead letter was before it was set aside: properties, headers, exchange and routing key.
pub fn original(dead: &BasicProperties, exchange: &str, routing_key: &str) -> (BasicProperties, Meta) {
    let headers = dead.headers().clone().unwrap_or_default();
    let text = |name: &str| headers.inner().get(name).and_then(as_text);
    let (from, key) = match (text(EXCHANGE), text(ROUTING_KEY)) {
        (Some(from), Some(key)) => (from, key),
        _ => first_death(&headers).unwrap_or_else(|| (exchange.to_string(), routing_key.to_string())),
    };
    let kept = senders(dead.headers());
    let mut properties = copy(dead);
    if !kept.inner().is_empty() {
        properties = properties.with_headers(kept);
    }
    if let Some(expiration) = text(EXPIRATION) {
        properties = properties.with_expiration(short(&expiration));
    }
    let meta = meta(&from, &key, &properties, false);
    (properties, meta)
}

/// The reason beside a dead letter; none where the broker set it aside itself.
pub fn refusal(dead: &BasicProperties) -> Option<Refusal> {
    let headers = dead.headers().as_ref()?.inner();
    let text = |name: &str| headers.get(name).and_then(as_text);
    Some(Refusal {
        reason: text(REASON)?,
        detail: text(DETAIL).unwrap_or_default(),
        at: text(AT).unwrap_or_default(),
        key: text(KEY).unwrap_or_default(),
    })
}

pub fn meta(exchange: &str, routing_key: &str, properties: &BasicProperties, redelivered: bool) -> Meta {
    let headers = properties.headers().iter().flat_map(|headers| headers.inner());
    Meta {
        exchange: exchange.to_string(),
        routing_key: routing_key.to_string(),
        content_type: properties.content_type().as_ref().map(|kind| kind.to_string()),
        timestamp_ms: properties.timestamp().map(|s| i64::try_from(s).unwrap_or(i64::MAX).saturating_mul(1000)),
        headers: headers.filter_map(|(name, value)| Some((name.to_string(), as_text(value)?))).collect(),
        redelivered,
    }
}

/// The headers that the sender wrote.
fn senders(headers: &Option<FieldTable>) -> FieldTable {
    let mut kept = FieldTable::default();
    for (name, value) in headers.iter().flat_map(|headers| headers.inner()) {
        if !name.as_str().starts_with(OURS) && !is_brokers_own(name.as_str()) {
            kept.insert(name.clone(), value.clone());
        }
    }
    kept
}

/// Where the broker took a message from that it set aside itself, by its own note.
fn first_death(headers: &FieldTable) -> Option<(String, String)> {
    let AMQPValue::FieldArray(deaths) = headers.inner().get("x-death")? else { return None };
    let AMQPValue::FieldTable(death) = deaths.as_slice().first()? else { return None };
    let exchange = death.inner().get("exchange").and_then(as_text)?;
    let AMQPValue::FieldArray(keys) = death.inner().get("routing-keys")? else { return None };
    Some((exchange, keys.as_slice().first().and_then(as_text)?))
}

/// Everything but the headers, the expiration and the user.
fn copy(from: &BasicProperties) -> BasicProperties {
    let mut to = BasicProperties::default();
    if let Some(value) = from.content_type() {
        to = to.with_content_type(value.clone());
    }
    if let Some(value) = from.content_encoding() {
        to = to.with_content_encoding(value.clone());
    }
    if let Some(value) = from.delivery_mode() {
        to = to.with_delivery_mode(*value);
    }
    if let Some(value) = from.priority() {
        to = to.with_priority(*value);
    }
    if let Some(value) = from.correlation_id() {
        to = to.with_correlation_id(value.clone());
    }
    if let Some(value) = from.reply_to() {
        to = to.with_reply_to(value.clone());
    }
    if let Some(value) = from.message_id() {
        to = to.with_message_id(value.clone());
    }
    if let Some(value) = from.timestamp() {
        to = to.with_timestamp(*value);
    }
    if let Some(value) = from.kind() {
        to = to.with_type(value.clone());
    }
    if let Some(value) = from.app_id() {
        to = to.with_app_id(value.clone());
    }
    if let Some(value) = from.cluster_id() {
        to = to.with_cluster_id(value.clone());
    }
    to
}
