//! Queues that are deleted, different, unbound, full, or behind a broker with an alarm: the worker says so in plain words,
//! heals what it may heal, and everything else goes on meanwhile. Each has its section in docs/runbook.md.

use std::time::{Duration, Instant};

use gleaner::queue::rabbitmq::{RabbitMq, RabbitSettings};
use lapin::options::{QueueBindOptions, QueueDeleteOptions, QueuePurgeOptions};
use lapin::types::FieldTable;
use lapin::{Connection, ConnectionProperties};
use serde_json::{Value, json};

use crate::cluster::{Cluster, database_url};
use crate::embedded::{Embedded, event, inquiry, request, wait_for};
use crate::faults::stream;
use crate::private::PrivateRabbit;

/// How long anything may take that is waited for.
const PATIENCE: Duration = Duration::from_secs(90);

/// A deployment whose clock shows a Tuesday at noon in New York, when calls are legal, and that instant.
pub async fn at_noon(name: &str) -> (Cluster, String) {
    let mut cluster = Cluster::start(name).await;
    // Who sends events here must not make what a test has just taken away.
    let mut settings = RabbitSettings::new(cluster.amqp.clone());
    settings.prefix.clone_from(&cluster.prefix);
    settings.declare = false;
    cluster.queue = RabbitMq::new(settings).unwrap();
    let (offset, now) = Embedded::noon();
    cluster.set("GLEANER__CLOCK__OFFSET", &offset);
    cluster.set("GLEANER__LOG__LEVEL", "info");
    (cluster, now)
}

/// People who ask to be called, each of whom makes one task for `calls-now`.
pub fn callers(count: usize, now: &str) -> Vec<Value> {
    let caller = |n| inquiry(&format!("c-{n}"), &format!("c{n}@example.com"), &format!("+1212555{:04}", 2300 + n), now);
    (0..count).map(caller).collect()
}

pub async fn until<F: AsyncFnMut() -> bool>(cluster: &Cluster, what: &str, mut look: F) {
    let end = Instant::now() + PATIENCE;
    while !look().await {
        assert!(Instant::now() < end, "{what} did not come about\n{}", cluster.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn until_said(cluster: &Cluster, words: &str) {
    until(cluster, words, async || cluster.log().contains(words)).await;
}

/// Does something at the broker that gleaner did not do.
async fn meddle(cluster: &Cluster, what: impl AsyncFnOnce(lapin::Channel, &dyn Fn(&str) -> lapin::types::ShortString)) {
    let connection = Connection::connect(&cluster.amqp, ConnectionProperties::default()).await.unwrap();
    let name = |base: &str| format!("{}{base}", cluster.prefix).into();
    what(connection.create_channel().await.unwrap(), &name).await;
    // A close may wait for ever for its answer.
    let _closing = tokio::time::timeout(Duration::from_secs(2), connection.close(200, "done".into())).await;
}

async fn delete(cluster: &Cluster, queue: &str) {
    meddle(cluster, async |channel, name| {
        channel.queue_delete(name(queue), QueueDeleteOptions::default()).await.unwrap();
    })
    .await;
}

/// A number of the worker's own, such as `gleaner_outbox_rows{queue="calls",state="unroutable"}`.
fn number(cluster: &Cluster, sample: &str) -> f64 {
    let answer = request(&cluster.address().unwrap(), "GET", "/metrics", &[], b"");
    let line = answer.body.lines().find_map(|line| line.strip_prefix(sample));
    line.unwrap_or_else(|| panic!("{sample} is not in\n{}", answer.body)).trim().parse().unwrap()
}

fn readiness(cluster: &Cluster) -> u16 {
    cluster.address().map_or(0, |address| request(&address, "GET", "/readyz", &[], b"").status)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_is_deleted_under_a_worker_is_made_again_and_said() {
    let mut cluster = Cluster::start("deleted").await;
    cluster.set("GLEANER__LOG__LEVEL", "info");
    cluster.worker(None);
    let events = stream(2);
    let (first, rest) = events.split_at(events.len() / 2);
    cluster.publish(first).await;
    cluster.settle(first.len() as i64, 0).await;
    delete(&cluster, "gleaner.events").await;
    until_said(&cluster, "the broker ended the consumer: the queue was deleted or moved; it is declared again").await;
    until(&cluster, "readiness", async || readiness(&cluster) == 200).await;
    cluster.publish(rest).await;
    cluster.settle(events.len() as i64, 0).await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_with_other_arguments_is_left_alone_and_the_worker_waits_for_a_person() {
    let mut cluster = Cluster::start("mismatched").await;
    cluster.set("GLEANER__LOG__LEVEL", "info");
    cluster.set("GLEANER__QUEUES__REVIEW__MAX_LENGTH", "7");
    cluster.worker(None);
    let refusal = format!("queue {}tasks.review exists with other settings", cluster.prefix);
    // Said again, but not at once: the lines have their instants.
    let instants = |log: &str| -> Vec<jiff::Timestamp> {
        let lines = log.lines().filter(|line| line.contains(&refusal) && line.contains("trying again"));
        lines.map(|line| line.split_whitespace().next().unwrap().parse().unwrap()).collect()
    };
    until(&cluster, "two refusals", async || instants(&cluster.log()).len() >= 2).await;
    let told = instants(&cluster.log());
    assert!(told[1].as_second() - told[0].as_second() >= 9, "it asks again without a pause: {told:?}");
    assert!(cluster.log().contains("`gleaner topology` shows the difference"), "{}", cluster.log());
    assert_eq!(readiness(&cluster), 503);
    let out = cluster.command(&["check"]).output().unwrap();
    let said = String::from_utf8(out.stdout).unwrap();
    assert!(
        out.status.code() == Some(1) && said.contains("WRONG  topology") && said.contains("x-max-length"),
        "{said}"
    );
    // The person deletes the empty queue, and the worker goes on by itself.
    delete(&cluster, "tasks.review").await;
    until(&cluster, "readiness", async || readiness(&cluster) == 200).await;
    let events = stream(1);
    cluster.publish(&events).await;
    cluster.settle(events.len() as i64, 0).await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_no_queue_is_bound_for_is_kept_counted_and_sent_once_one_is() {
    let (mut cluster, now) = at_noon("unroutable").await;
    cluster.set("GLEANER__QUEUES__CALLS_NOW__BINDINGS", "task.nobody");
    assert!(
        cluster.run(&["topology"]).contains(&format!(
            "no binding {p}tasks -> {p}tasks.calls-now: task.follow_up.call.now",
            p = cluster.prefix
        ))
    );
    cluster.worker(None);
    cluster.publish(&callers(2, &now)).await;
    until_said(&cluster, "no queue is bound for a task; it is kept and tried again").await;
    let unroutable = "gleaner_outbox_rows{queue=\"calls-now\",state=\"unroutable\"}";
    until(&cluster, "the count", async || number(&cluster, unroutable) == 2.0).await;
    assert!(number(&cluster, "gleaner_publishes_total{queue=\"calls-now\",outcome=\"unroutable\"}") >= 2.0);
    let out = cluster.command(&["check"]).output().unwrap();
    let said = String::from_utf8(out.stdout).unwrap();
    assert!(out.status.code() == Some(1) && said.contains("no queue is bound for 2 of 2 tasks"), "{said}");
    assert_eq!(cluster.depth("tasks.calls-now").await, 0);
    meddle(&cluster, async |channel, name| {
        let key = "task.follow_up.call.now".into();
        let options = QueueBindOptions::default();
        channel.queue_bind(name("tasks.calls-now"), name("tasks"), key, options, FieldTable::default()).await.unwrap();
    })
    .await;
    cluster.settle(2, 0).await;
    assert_eq!(cluster.depth("tasks.calls-now").await, 2);
    until(&cluster, "the count", async || number(&cluster, unroutable) == 0.0).await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_binding_that_somebody_took_away_comes_back_by_itself() {
    let (mut cluster, now) = at_noon("unbound").await;
    cluster.worker(None);
    until(&cluster, "readiness", async || readiness(&cluster) == 200).await;
    meddle(&cluster, async |channel, name| {
        let key = "task.follow_up.call.now".into();
        channel.queue_unbind(name("tasks.calls-now"), name("tasks"), key, FieldTable::default()).await.unwrap();
    })
    .await;
    cluster.publish(&callers(1, &now)).await;
    until_said(&cluster, "no queue is bound for a task").await;
    cluster.settle(1, 0).await;
    assert_eq!(cluster.depth("tasks.calls-now").await, 1);
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_pauses_only_itself_and_fills_again_when_there_is_room() {
    let (mut cluster, now) = at_noon("full").await;
    delete(&cluster, "tasks.calls-now").await;
    cluster.set("GLEANER__QUEUES__CALLS_NOW__MAX_LENGTH", "3");
    cluster.worker(None);
    // One after the other: the broker notices that a queue is full a moment after it is.
    let callers = callers(12, &now);
    for (n, caller) in callers.iter().enumerate() {
        cluster.publish(std::slice::from_ref(caller)).await;
        let n = n as i64 + 1;
        until(&cluster, "the event", async || cluster.count("select count(*) from seen").await == n).await;
    }
    until_said(&cluster, "the broker refuses tasks for a queue (is it full?); only that queue waits").await;
    let waiting = cluster.count("select count(*) from outbox where queue = 'calls-now'").await;
    assert!(waiting > 0, "{}", cluster.log());
    assert!(number(&cluster, "gleaner_publishes_total{queue=\"calls-now\",outcome=\"refused\"}") > 0.0);
    // An address with a typing error is to be repaired, whatever the callers' queue does.
    let mistyped = event("w-1", "lead.captured", &now, json!({ "lead": { "email": "w@gmial.com" } }));
    cluster.publish(&[mistyped]).await;
    until(&cluster, "the other task", async || cluster.depth("tasks.contact-repair").await == 1).await;
    assert!(cluster.count("select count(*) from outbox where queue = 'calls-now'").await > 0, "its queue still waits");
    // The desk comes back and takes what is there, until the broker has taken every caller's task.
    until(&cluster, "every caller's task", async || {
        let taking = meddle(&cluster, async |channel, name| {
            channel.queue_purge(name("tasks.calls-now"), QueuePurgeOptions::default()).await.unwrap();
        });
        // A client that hangs under load is given up: what it would have taken is taken the next time.
        let _taken = tokio::time::timeout(Duration::from_secs(10), taking).await;
        cluster.count("select count(*) from outbox").await == 0
    })
    .await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_broker_has_an_alarm_events_are_committed_and_tasks_wait() {
    let Some(broker) = PrivateRabbit::start().await else { return };
    let mut cluster = Cluster::start_on("alarm", database_url(), broker.url()).await;
    cluster.set("GLEANER__LOG__LEVEL", "info");
    let events = stream(2);
    cluster.publish(&events).await;
    broker.control(&["set_vm_memory_high_watermark", "0"]);
    cluster.worker(None);
    let all = events.len() as i64;
    until(&cluster, "every commit", async || cluster.count("select count(*) from seen").await == all).await;
    until_said(&cluster, "the broker has an alarm (memory or disk) and takes no messages").await;
    assert!(cluster.count("select count(*) from outbox").await > 0, "{}", cluster.log());
    assert_eq!(readiness(&cluster), 200, "it consumes and stores");
    broker.control(&["set_vm_memory_high_watermark", "0.4"]);
    cluster.settle(all, 0).await;
    until_said(&cluster, "tasks are published again").await;
    cluster.stop().await;
}

#[test]
fn the_files_of_the_embedded_profile_are_their_owners_only() {
    use std::os::unix::fs::PermissionsExt;
    let worker = Embedded::at_noon();
    worker.send(&[inquiry("e-1", "ana@example.com", "+12125552368", &worker.now())]);
    worker.first_tasks("calls-now");
    let files =
        wait_for("files", || Some(std::fs::read_dir(worker.dir.path().join("data")).unwrap().collect::<Vec<_>>()));
    assert!(files.len() >= 5, "databases, their side files, the lock and the key: {files:?}");
    for file in files.into_iter().map(Result::unwrap) {
        let mode = file.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?} has mode {mode:o}", file.path());
    }
}
