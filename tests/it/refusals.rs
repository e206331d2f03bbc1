//! What is set aside, for every reason there is: the message lies in the dead queue as it was sent, says why, and can
//! be sent again once the cause is gone.
//!
//! Messages are published and fetched with a client of the test's own, so that gleaner's view of them is not trusted.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use gleaner::wire::inbound::Reason;
use lapin::options::{BasicGetOptions, BasicNackOptions, BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Connection, ConnectionProperties};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::cluster::Cluster;
use crate::support::event;

/// How long a message may take to be set aside, or to be worked.
const PATIENCE: Duration = Duration::from_secs(60);
const MEBIBYTE: usize = 1024 * 1024;
const NOW: &str = "2026-03-02T14:05:00Z";
/// Long enough not to end in a test; an expiration would delete the letter, so it is kept beside it.
const EXPIRATION: &str = "86400000";

fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// The key of the contract for events of these tests.
fn key_of(id: &str) -> String {
    digest(format!("/test\n{id}").as_bytes())
}

/// A message that must be refused, and what the letter must say.
struct Bad {
    reason: Reason,
    key: String,
    body: Vec<u8>,
    /// The headers of binary mode, where the body names no event.
    attributes: Vec<(&'static str, String)>,
}

impl Bad {
    /// With a source and an id in the body.
    fn named(reason: Reason, id: &str, event: &Value) -> Bad {
        Bad { reason, key: key_of(id), body: event.to_string().into_bytes(), attributes: Vec::new() }
    }

    /// Without: the body itself gives the key.
    fn nameless(reason: Reason, body: impl Into<Vec<u8>>) -> Bad {
        let body = body.into();
        Bad { reason, key: digest(&body), body, attributes: Vec::new() }
    }

    /// As a sender would send it who uses what AMQP offers.
    fn properties(&self) -> BasicProperties {
        let mut nested = FieldTable::default();
        nested.insert("hops".into(), AMQPValue::LongInt(3));
        let mut headers = FieldTable::default();
        headers.insert("x-team".into(), AMQPValue::LongString("north".into()));
        headers.insert("tries".into(), AMQPValue::LongLongInt(-7));
        headers.insert("route".into(), AMQPValue::FieldTable(nested));
        for (name, value) in &self.attributes {
            headers.insert((*name).into(), AMQPValue::LongString(value.as_str().into()));
        }
        BasicProperties::default()
            .with_content_type("application/cloudevents+json".into())
            .with_content_encoding("identity".into())
            .with_message_id(format!("m-{}", &self.key[..8]).into())
            .with_correlation_id("c-1".into())
            .with_reply_to("answers".into())
            .with_type("sender.type".into())
            .with_app_id("forms".into())
            .with_timestamp(1_772_460_300)
            .with_delivery_mode(2)
            .with_expiration(EXPIRATION.into())
            .with_headers(headers)
    }
}

/// One message for every reason that a single message can have, in the order of the checks.
fn bad_messages() -> Vec<Bad> {
    let captured = |id: &str, time: &str| event(id, "lead.captured", time, json!({ "lead": { "id": "crm-1" } }));
    let with = |id: &str, field: &str, value: Value| {
        let mut event = captured(id, NOW);
        event[field] = value;
        event
    };
    let mut no_id = captured("x", NOW);
    no_id.as_object_mut().unwrap().remove("id");
    let mut huge = captured("huge", NOW).to_string().into_bytes();
    huge.resize(MEBIBYTE + 1, b' ');
    let long_id = "i".repeat(256);
    let unknown = json!({ "task_id": "0b0e0b0e-0000-5000-8000-000000000000" });
    let binary = Bad {
        reason: Reason::MalformedJson,
        key: key_of("binary"),
        body: b"{\"lead\":".to_vec(),
        attributes: vec![
            ("ce-specversion", "1.0".into()),
            ("ce-id", "binary".into()),
            ("ce-source", "/test".into()),
            ("ce-type", "lead.captured".into()),
        ],
    };
    vec![
        Bad::nameless(Reason::TooLarge, huge),
        Bad::nameless(Reason::InvalidUtf8, [b'{', 0xff, 0xfe, b'}']),
        Bad::nameless(Reason::MalformedJson, "{\"specversion\": \"1.0\", \"id\": "),
        Bad::nameless(Reason::MalformedJson, "[1, 2]"),
        binary,
        Bad::nameless(Reason::MissingField, no_id.to_string()),
        Bad::named(Reason::MissingField, "no-data", &with("no-data", "data", Value::Null)),
        Bad::named(Reason::InvalidField, &long_id, &captured(&long_id, NOW)),
        Bad::named(Reason::InvalidField, "no-lead", &with("no-lead", "data", json!({ "lead": "crm-1" }))),
        Bad::named(Reason::UnsupportedVersion, "version", &with("version", "specversion", json!("2.0"))),
        Bad::named(Reason::UnknownType, "type", &with("type", "type", json!("lead.vanished"))),
        Bad::named(Reason::FutureTime, "future", &captured("future", "2099-01-01T00:00:00Z")),
        Bad::named(Reason::TooOld, "old", &captured("old", "1999-12-31T23:59:59Z")),
        Bad::named(Reason::UnknownTask, "task", &event("task", "task.done", NOW, unknown)),
    ]
}

/// Publishes to `<prefix>leads`, confirmed.
async fn send(cluster: &Cluster, routing_key: &str, messages: &[(Vec<u8>, BasicProperties)]) {
    let connection = Connection::connect(&cluster.amqp, ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
    let exchange = format!("{}leads", cluster.prefix);
    for (body, properties) in messages {
        let options = BasicPublishOptions { mandatory: true, ..Default::default() };
        let confirm = channel
            .basic_publish(exchange.clone().into(), routing_key.into(), options, body, properties.clone())
            .await
            .unwrap()
            .await
            .unwrap();
        assert!(confirm.is_ack(), "the broker took the message");
    }
    let _closing = connection.close(200, "done".into()).await;
}

async fn send_events(cluster: &Cluster, events: &[Value]) {
    let messages: Vec<_> =
        events.iter().map(|e| (e.to_string().into_bytes(), BasicProperties::default().with_delivery_mode(2))).collect();
    send(cluster, "any", &messages).await;
}

/// A message as it lies in the dead queue.
struct Letter {
    body: Vec<u8>,
    properties: BasicProperties,
    /// Gleaner's own headers.
    notes: BTreeMap<String, String>,
    /// The sender's.
    headers: BTreeMap<String, AMQPValue>,
}

impl Letter {
    fn of(body: Vec<u8>, properties: BasicProperties) -> Letter {
        let (mut notes, mut headers) = (BTreeMap::new(), BTreeMap::new());
        for (name, value) in properties.headers().clone().unwrap_or_default().inner() {
            match value {
                AMQPValue::LongString(text) if name.as_str().starts_with("x-gleaner-") => {
                    notes.insert(name.to_string(), text.to_string());
                }
                // What the broker counts on its own account.
                _ if name.as_str() == "x-delivery-count" => {}
                _ => {
                    headers.insert(name.to_string(), value.clone());
                }
            }
        }
        Letter { body, properties, notes, headers }
    }

    fn note(&self, name: &str) -> &str {
        self.notes.get(&format!("x-gleaner-{name}")).unwrap_or_else(|| panic!("the header x-gleaner-{name} is there"))
    }

    fn key(&self) -> &str {
        self.note("key")
    }
}

/// Everything in the dead queue, which stays there.
async fn letters(cluster: &Cluster) -> Vec<Letter> {
    let connection = Connection::connect(&cluster.amqp, ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    let queue = format!("{}gleaner.dead-events", cluster.prefix);
    let (mut found, mut last) = (Vec::new(), None);
    while let Some(got) = channel.basic_get(queue.clone().into(), BasicGetOptions::default()).await.unwrap() {
        last = Some(got.delivery.delivery_tag);
        found.push(Letter::of(got.delivery.data, got.delivery.properties));
    }
    if let Some(tag) = last {
        channel.basic_nack(tag, BasicNackOptions { multiple: true, requeue: true }).await.unwrap();
    }
    let _closing = connection.close(200, "done".into()).await;
    found
}

/// Waits for a condition on the dead queue.
async fn letters_when(cluster: &Cluster, what: &str, holds: impl Fn(&[Letter]) -> bool) -> Vec<Letter> {
    let until = Instant::now() + PATIENCE;
    loop {
        let found = letters(cluster).await;
        if holds(&found) {
            return found;
        }
        let keys: Vec<_> = found.iter().map(|l| (l.note("reason"), l.key())).collect();
        assert!(Instant::now() < until, "{what}: not so after {PATIENCE:?}, there are {keys:?}\n{}", cluster.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn with_key<'l>(letters: &'l [Letter], key: &str) -> &'l Letter {
    letters.iter().find(|l| l.key() == key).unwrap_or_else(|| panic!("a letter has the key {key}"))
}

async fn applied(cluster: &Cluster, events: i64) {
    let until = Instant::now() + PATIENCE;
    while cluster.count("select count(*) from seen").await != events {
        assert!(Instant::now() < until, "{events} events were to be applied\n{}", cluster.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// One plain sentence, whoever wrote the message.
fn assert_sentence(detail: &str) {
    assert!(detail.ends_with('.') && detail.split(' ').count() > 4, "not a sentence: {detail:?}");
    assert!(!detail.contains(char::is_control), "{detail:?}");
}

/// The letter is the message, with gleaner's notes beside it.
fn assert_untouched(letter: &Letter, bad: &Bad) {
    assert_eq!(letter.note("reason"), bad.reason.name());
    assert_sentence(letter.note("detail"));
    assert!(letter.note("at").parse::<jiff::Timestamp>().is_ok(), "{}", letter.note("at"));
    assert_eq!(letter.note("routing-key"), "some.key");
    assert!(letter.note("exchange").ends_with(".leads"));
    assert_eq!(letter.note("expiration"), EXPIRATION);
    assert!(letter.body == bad.body, "the body of {} was changed", bad.reason);
    let sent = Letter::of(Vec::new(), bad.properties());
    assert_eq!(letter.headers, sent.headers, "{}", bad.reason);
    let bare = |p: &BasicProperties| p.clone().with_headers(FieldTable::default()).with_expiration("".into());
    assert_eq!(bare(&letter.properties), bare(&sent.properties), "{}", bad.reason);
}

fn listed(cluster: &Cluster) -> Vec<Value> {
    cluster.run(&["dead", "list", "--output", "jsonl"]).lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

fn shown(cluster: &Cluster, key: &str) -> Value {
    let text = cluster.run(&["dead", "show", key, "--output", "jsonl"]);
    assert_eq!(text.lines().count(), 1, "one letter has the key {key}");
    serde_json::from_str(&text).unwrap()
}

/// The person asked to be forgotten, and is heard of again.
fn forgotten() -> [Value; 3] {
    let lead = json!({ "lead": { "email": "gone@example.com" } });
    let path = json!({ "lead": { "email": "gone@example.com" }, "path": "/pricing" });
    [
        event("g-1", "lead.captured", "2026-03-02T14:00:00Z", lead.clone()),
        event("g-2", "lead.erased", "2026-03-02T15:00:00Z", lead),
        event("g-3", "page.viewed", "2026-03-02T16:00:00Z", path),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_arrives_after_the_erasure_and_has_no_time_brings_nobody_back() {
    let mut cluster = Cluster::start("forgotten").await;
    cluster.worker(None);
    let [mut captured, mut erased, _] = forgotten();
    for event in [&mut captured, &mut erased] {
        event.as_object_mut().unwrap().remove("time");
    }
    send_events(&cluster, &[captured.clone()]).await;
    send_events(&cluster, &[erased]).await;
    applied(&cluster, 2).await;
    let copy = captured.to_string().into_bytes();
    send(&cluster, "some.key", &[(copy, BasicProperties::default())]).await;
    let letters = letters_when(&cluster, "set aside", |l| l.len() == 1).await;
    assert_eq!((letters[0].note("reason"), letters[0].key()), ("erased_lead", key_of("g-1").as_str()));
    let live = "select count(*) from leads where not erased";
    assert_eq!(cluster.count(live).await, 0);

    let mut anew = captured;
    anew["id"] = json!("g-9");
    send_events(&cluster, &[anew]).await;
    applied(&cluster, 3).await;
    assert_eq!(cluster.count(live).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_reason_is_shown_with_its_message_untouched() {
    let mut cluster = Cluster::start("refusals").await;
    cluster.worker(None);
    let mut bad = bad_messages();
    let known = event("twice", "lead.captured", NOW, json!({ "lead": { "id": "crm-2" } }));
    send_events(&cluster, &[known]).await;
    let other = json!({ "lead": { "id": "crm-2" }, "note": "not the same" });
    bad.push(Bad::named(Reason::IdConflict, "twice", &event("twice", "lead.captured", NOW, other)));
    let messages: Vec<_> = bad.iter().map(|b| (b.body.clone(), b.properties())).collect();
    send(&cluster, "some.key", &messages).await;

    let [captured, erased, again] = forgotten();
    send_events(&cluster, &[captured, erased]).await;
    let about_nobody = Bad::named(Reason::ErasedLead, "g-3", &again);
    send(&cluster, "some.key", &[(about_nobody.body.clone(), about_nobody.properties())]).await;
    letters_when(&cluster, "all but one set aside", |l| l.len() == bad.len() + 1).await;

    // Our own fault: here the database refuses what the worker writes.
    let mut db = cluster.db().await;
    for sql in [
        "create function refuse() returns trigger language plpgsql as $$ begin raise exception 'broken'; end $$",
        "create trigger refuse before insert on seen for each row execute function refuse()",
    ] {
        sqlx::query(sql).execute(&mut db).await.unwrap();
    }
    let fine = event("fine", "lead.captured", NOW, json!({ "lead": { "id": "crm-3" } }));
    let ours = Bad::named(Reason::InternalError, "fine", &fine);
    send(&cluster, "some.key", &[(ours.body.clone(), ours.properties())]).await;
    bad.push(ours);
    let all = bad.len() + 1;
    let set_aside = letters_when(&cluster, "all set aside", |l| l.len() == all).await;

    for bad in &bad {
        assert_untouched(with_key(&set_aside, &bad.key), bad);
    }
    let reasons: BTreeSet<_> = set_aside.iter().map(|l| l.note("reason").to_owned()).collect();
    let every: BTreeSet<_> = Reason::ALL.iter().map(|r| r.name().to_owned()).collect();
    assert_eq!(reasons, every);

    // Of the forgotten nothing is kept but what names the message: nothing of the body, nothing of the sender's.
    let stub = with_key(&set_aside, &about_nobody.key);
    let body: Value = serde_json::from_slice(&stub.body).unwrap();
    let time = |text: &str| text.parse::<jiff::Timestamp>().unwrap();
    assert_eq!(time(body["time"].as_str().unwrap()), time("2026-03-02T16:00:00Z"));
    let mut timeless = body.clone();
    timeless.as_object_mut().unwrap().remove("time");
    let kept = json!({ "source": "/test", "id": "g-3", "type": "page.viewed", "reason": "erased_lead" });
    assert_eq!(timeless, kept);
    assert!(stub.headers.is_empty() && stub.properties.message_id().is_none(), "{:?}", stub.properties);
    assert_sentence(stub.note("detail"));

    // The commands show the same.
    let rows = listed(&cluster);
    let pairs = |reason: &str, key: &str| (reason.to_owned(), key.to_owned());
    let theirs: BTreeSet<_> =
        rows.iter().map(|r| pairs(r["reason"].as_str().unwrap(), r["key"].as_str().unwrap())).collect();
    assert_eq!(theirs, set_aside.iter().map(|l| pairs(l.note("reason"), l.key())).collect());
    let letter = shown(&cluster, &key_of("future")[..12]);
    assert_eq!(letter["body"]["time"], "2099-01-01T00:00:00Z");
    assert_eq!(letter["content_type"], "application/cloudevents+json");
    assert!(letter["headers"].as_array().unwrap().contains(&json!(["x-team", "north"])));

    // A cause that stays: the letter comes back under its key, refused anew and as whole as before.
    for bad in bad.iter().filter(|b| matches!(b.reason, Reason::UnknownTask | Reason::FutureTime | Reason::TooLarge)) {
        let before = with_key(&set_aside, &bad.key).note("at").to_owned();
        cluster.run(&["dead", "replay", &bad.key]);
        let now = letters_when(&cluster, "refused anew", |l| {
            l.len() == all && l.iter().any(|l| l.key() == bad.key && l.note("at") > before.as_str())
        });
        assert_untouched(with_key(&now.await, &bad.key), bad);
    }

    // A cause that is gone: the message is worked like any other, and its letter with it.
    sqlx::query("drop trigger refuse on seen").execute(&mut db).await.unwrap();
    let before = cluster.count("select count(*) from seen").await;
    cluster.run(&["dead", "replay", "--reason", "internal_error"]);
    applied(&cluster, before + 1).await;
    let left = letters_when(&cluster, "one fewer", |l| l.len() == all - 1).await;
    assert!(left.iter().all(|l| l.note("reason") != "internal_error"));

    // Thrown away by key, by reason, and all.
    cluster.run(&["dead", "drop", &key_of("twice")]);
    letters_when(&cluster, "the conflict is gone", |l| {
        l.len() == all - 2 && !l.iter().any(|l| l.key() == key_of("twice"))
    })
    .await;
    cluster.run(&["dead", "drop", "--reason", "malformed_json"]);
    letters_when(&cluster, "no malformed ones", |l| l.len() == all - 5).await;
    cluster.run(&["dead", "drop", "--all"]);
    assert!(listed(&cluster).is_empty());
    assert!(letters(&cluster).await.is_empty());
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_too_large_is_applied_after_the_limit_is_raised_and_it_is_sent_again() {
    let mut cluster = Cluster::start("toolarge").await;
    cluster.set("GLEANER__LIMITS__BODY_BYTES", "1024");
    let strict = cluster.worker(None);
    let padded = |id: &str, bytes: usize| {
        let mut body = event(id, "lead.captured", NOW, json!({ "lead": { "id": id } })).to_string().into_bytes();
        body.resize(bytes, b' ');
        body
    };
    let (fits, over) = (padded("fits", 1024), padded("over", 1025));
    let key = digest(&over);
    send(&cluster, "any", &[(fits, BasicProperties::default()), (over, BasicProperties::default())]).await;
    cluster.settle(1, 1).await;
    assert_eq!(shown(&cluster, &key)["reason"], "too_large");
    cluster.kill(strict);
    cluster.set("GLEANER__LIMITS__BODY_BYTES", "1048576");
    cluster.worker(None);
    cluster.run(&["dead", "replay", &key]);
    cluster.settle(2, 0).await;
    cluster.stop().await;
}

/// The message is innocent, but nobody can know: each worker that takes it dies.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_no_worker_survives_is_set_aside_as_internal_error_and_can_be_sent_again() {
    let mut cluster = Cluster::start("poison").await;
    send_events(&cluster, &[event("poison", "lead.captured", NOW, json!({ "lead": { "id": "crm-9" } }))]).await;
    // The first has no suspicion yet; three more are allowed to try it alone.
    for life in 0..4 {
        let worker = cluster.worker(Some("before_commit:1"));
        let until = Instant::now() + PATIENCE;
        while !cluster.has_died(worker) {
            assert!(Instant::now() < until, "worker {life} was to die\n{}", cluster.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    cluster.worker(None);
    cluster.settle(0, 1).await;
    let found = letters(&cluster).await;
    assert_eq!((found[0].note("reason"), found[0].key()), ("internal_error", key_of("poison").as_str()));
    assert_sentence(found[0].note("detail"));
    cluster.run(&["dead", "replay", "--all"]);
    cluster.settle(1, 0).await;
    cluster.stop().await;
}
