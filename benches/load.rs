//! A running worker under load: how long from an event to its task, how much memory, and whether two workers help.
//!
//! `cargo bench --bench load -- [latency|backlog|workers]…` (all three if none is named) with DATABASE_URL and AMQP_URL
//! or their defaults; it takes some minutes and stops by itself. The generator is open-loop: an event counts from the
//! instant it was due, whether or not the generator or the broker was late, so that waiting is not left out.

#[path = "../tests/it/cluster.rs"]
#[expect(dead_code, clippy::unwrap_used, reason = "the tests' own deployment; the bench needs a part of it")]
mod cluster;
#[path = "../tests/it/support.rs"]
#[expect(dead_code, clippy::unwrap_used, reason = "what the deployment of the tests needs")]
mod support;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use gleaner::queue::rabbitmq::RabbitMq;
use gleaner::queue::{Consumer, EventMessage, Queue, TaskMessage};

use cluster::Cluster;

/// One event in so many is an inquiry that makes a call; the rest are views of leads that are there.
const EVENTS_PER_INQUIRY: usize = 12;
/// Events that wait when the worker is started.
const CAPACITY_EVENTS: usize = 60_000;
/// Of the capacity.
const SHARES: [f64; 3] = [0.25, 0.5, 0.8];
const LOAD_FOR: Duration = Duration::from_secs(20);
/// A queue is kept up with while no more than this waits in it. [J]
const BEHIND: Duration = Duration::from_millis(500);
const TICK: Duration = Duration::from_millis(5);
const BACKLOG: usize = 1_000_000;
const BACKLOG_WATCHED: Duration = Duration::from_secs(40);
const WORKERS_EVENTS: usize = 60_000;

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let wants = |part: &str| asked.is_empty() || asked.iter().any(|a| a == part);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.unwrap_or_else(|e| panic!("no runtime: {e}")).block_on(async {
        if wants("latency") {
            latency().await;
        }
        if wants("backlog") {
            backlog().await;
        }
        if wants("workers") {
            workers().await;
        }
    });
}

/// How far the clock must be set for a Tuesday at noon in New York, when calls may leave.
fn to_noon() -> i64 {
    const DAY: i64 = 86_400_000;
    let now = jiff::Timestamp::now().as_millisecond();
    // Days since 1970-01-01, a Thursday; at 17:00 UTC.
    let noon = |day: &i64| day.rem_euclid(7) == 5 && day * DAY + 17 * 3_600_000 > now;
    (now.div_euclid(DAY)..).find(noon).map_or(0, |day| day * DAY + 17 * 3_600_000 - now)
}

/// The n-th event, dated now by a clock that is so far ahead.
fn event(n: usize, ahead: i64) -> EventMessage {
    let now = jiff::Timestamp::from_millisecond(jiff::Timestamp::now().as_millisecond() + ahead);
    let now = now.unwrap_or_else(|e| panic!("{e}"));
    let lead = n / EVENTS_PER_INQUIRY;
    let (kind, data) = if n.is_multiple_of(EVENTS_PER_INQUIRY) {
        let phone = format!("+1212{:07}", 3_000_000 + lead % 6_000_000);
        let data = format!(
            r#"{{"lead":{{"email":"p{lead}@example.com","phone":"{phone}"}},"profile":{{"name":"P {lead}","country":"US","region":"NY","time_zone":"America/New_York"}},"qualification":{{"need":3,"authority":3}},"note":"please call me","consent":[{{"channel":"call","state":"granted","level":"express_written","key":"{phone}"}}],"origin":{{"form":"pricing"}}}}"#
        );
        ("lead.captured", data)
    } else {
        // Somebody who came some time ago, and not always the same.
        let lead = lead.saturating_sub(1 + n % 97);
        ("page.viewed", format!(r#"{{"lead":{{"email":"p{lead}@example.com"}},"path":"/page/{n}","seconds":30}}"#))
    };
    let body =
        format!(r#"{{"specversion":"1.0","id":"{n}","source":"/load","type":"{kind}","time":"{now}","data":{data}}}"#);
    EventMessage { routing_key: kind.to_owned(), body: body.into_bytes() }
}

async fn send(cluster: &Cluster, events: impl Iterator<Item = usize>, ahead: i64) {
    let events = events.map(|n| event(n, ahead)).collect();
    cluster.queue.send_events(events).await.unwrap_or_else(|e| panic!("the broker takes no events: {e}"));
}

async fn fill(cluster: &Cluster, events: std::ops::Range<usize>, ahead: i64) {
    let mut from = events.start;
    while from < events.end {
        let to = events.end.min(from + 2000);
        send(cluster, from..to, ahead).await;
        from = to;
    }
}

async fn seen(cluster: &Cluster) -> usize {
    usize::try_from(cluster.count("select count(*) from seen").await).unwrap_or(0)
}

/// Events a second at which so many are drained that wait already.
async fn drain(cluster: &Cluster, before: usize, events: usize) -> f64 {
    let started = Instant::now();
    // To count in the database is work of its own: it is asked only once nothing waits at the broker any more.
    while cluster.depth("gleaner.events").await > 0 || seen(cluster).await < before + events {
        assert!(started.elapsed() < Duration::from_secs(180), "three minutes were not enough:\n{}", cluster.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    events as f64 / started.elapsed().as_secs_f64()
}

/// Resident memory of a process in MB: now, and the most it ever had.
fn memory(pid: u32) -> (f64, f64) {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let of = |name: &str| {
        let line = status.lines().find(|l| l.starts_with(name));
        let kb: f64 = line.and_then(|l| l.split_whitespace().nth(1)).and_then(|n| n.parse().ok()).unwrap_or(0.0);
        kb / 1024.0
    };
    (of("VmRSS:"), of("VmHWM:"))
}

async fn start(name: &str, ahead: i64) -> Cluster {
    let mut cluster = Cluster::start(name).await;
    cluster.set("GLEANER__CLOCK__OFFSET", &format!("{ahead}ms"));
    cluster
}

/// Arrivals of calls: by the number of their event, when.
#[derive(Default)]
struct Arrivals(Mutex<BTreeMap<usize, Instant>>);

/// Takes calls from their queue as a dialer would, until told to stop.
async fn dialer(cluster: &Cluster, arrivals: Arc<Arrivals>, stop: Arc<AtomicBool>) -> tokio::task::JoinHandle<()> {
    let failed = |e: lapin::Error| -> lapin::Channel { panic!("no calls can be consumed: {e}") };
    let connection = lapin::Connection::connect(&cluster.amqp, lapin::ConnectionProperties::default()).await;
    let connection = connection.unwrap_or_else(|e| panic!("no broker: {e}"));
    let channel = connection.create_channel().await.unwrap_or_else(failed);
    let options = lapin::options::BasicConsumeOptions { no_ack: true, ..Default::default() };
    let queue = format!("{}tasks.calls-now", cluster.prefix);
    let calls = channel.basic_consume(queue.into(), "dialer".into(), options, Default::default()).await;
    let mut calls = calls.unwrap_or_else(|e| panic!("no calls can be consumed: {e}"));
    tokio::spawn(async move {
        let _open = (connection, channel);
        while !stop.load(Ordering::Relaxed) {
            let next = tokio::time::timeout(Duration::from_millis(200), calls.next()).await;
            let Ok(Some(Ok(delivery))) = next else { continue };
            let cause = delivery.properties.correlation_id().as_ref().map(ToString::to_string).unwrap_or_default();
            let Some(n) = cause.strip_prefix("event:/load ").and_then(|n| n.parse().ok()) else { continue };
            if let Ok(mut arrived) = arrivals.0.lock() {
                arrived.entry(n).or_insert_with(Instant::now);
            }
        }
    })
}

async fn latency() {
    let ahead = to_noon();
    let mut cluster = start("load", ahead).await;
    fill(&cluster, 0..CAPACITY_EVENTS, ahead).await;
    let worker = cluster.worker(None);
    let drained = drain(&cluster, 0, CAPACITY_EVENTS).await;
    println!("a full queue of {CAPACITY_EVENTS} events is drained at {drained:.0}/s, with nobody sending");
    let (capacity, mut next) = kept_up(&cluster, CAPACITY_EVENTS, ahead, drained).await;
    println!("capacity: {capacity:.0} events/s are kept up with while they are sent; the loads are shares of that");
    println!("| load | events/s | calls | p50 | p99 | highest |\n|---|---|---|---|---|---|");
    let stop = Arc::new(AtomicBool::new(false));
    let arrivals = Arc::new(Arrivals::default());
    let dialer = dialer(&cluster, arrivals.clone(), stop.clone()).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    for share in SHARES {
        next = offer(&cluster, &arrivals, next, ahead, share, capacity * share).await;
    }
    let (now, most) = memory(cluster.workers[worker].id());
    println!("memory of the worker: {now:.0} MB now, {most:.0} MB at most");
    cluster.kill(worker);
    println!(
        "the broker alone: each event received, acknowledged, and a call published for one in {EVENTS_PER_INQUIRY}"
    );
    let echo = tokio::spawn(echo(cluster.queue.clone()));
    for share in SHARES {
        next = offer(&cluster, &arrivals, next, ahead, share, capacity * share).await;
    }
    echo.abort();
    stop.store(true, Ordering::Relaxed);
    let _ended = dialer.await;
    cluster.stop().await;
}

/// The highest rate, from seven tenths down of that at which a full queue is drained, at which the queue stays nearly empty.
/// What is sent costs the broker and the generator their part of the same cores. Returns the next event's number, too.
async fn kept_up(cluster: &Cluster, first: usize, ahead: i64, drained: f64) -> (f64, usize) {
    let mut next = first;
    for tenths in (1..=7).rev() {
        let rate = drained * f64::from(tenths) / 10.0;
        let (before, from) = (seen(cluster).await, next);
        let started = Instant::now();
        next = generate(cluster, next, ahead, rate, started).await;
        let in_time = started.elapsed() < LOAD_FOR + BEHIND;
        let behind = f64::from(cluster.depth("gleaner.events").await);
        drain(cluster, before, next - from).await;
        if in_time && behind < rate * BEHIND.as_secs_f64() {
            return (rate, next);
        }
    }
    panic!("not even a tenth is kept up with:\n{}", cluster.log());
}

/// Sends events at a rate for a while, the first by this number; returns the next number once all are confirmed.
async fn generate(cluster: &Cluster, first: usize, ahead: i64, rate: f64, started: Instant) -> usize {
    let mut next = first;
    let mut sending = tokio::task::JoinSet::new();
    while started.elapsed() < LOAD_FOR {
        let due = first + (started.elapsed().as_secs_f64() * rate) as usize;
        let (queue, due_now) = (cluster.queue.clone(), next..due);
        // Not waited for: what is due next must not wait for the confirms of what was due before.
        sending.spawn(async move {
            let events = due_now.map(|n| event(n, ahead)).collect();
            queue.send_events(events).await.unwrap_or_else(|e| panic!("the broker takes no events: {e}"));
        });
        next = due;
        tokio::time::sleep(TICK).await;
    }
    while sending.join_next().await.is_some() {}
    next
}

/// Offers events at a rate for a while, the first by this number, and prints when their calls came; returns the next number.
async fn offer(cluster: &Cluster, arrivals: &Arrivals, first: usize, ahead: i64, share: f64, rate: f64) -> usize {
    let started = Instant::now();
    let next = generate(cluster, first, ahead, rate, started).await;
    // What is under way arrives.
    tokio::time::sleep(Duration::from_secs(5)).await;
    let mut took: Vec<f64> = Vec::new();
    if let Ok(arrived) = arrivals.0.lock() {
        for (n, at) in arrived.range(first..) {
            let due = started + Duration::from_secs_f64((n - first) as f64 / rate);
            took.push(at.saturating_duration_since(due).as_secs_f64() * 1000.0);
        }
    }
    took.sort_by(f64::total_cmp);
    let at = |share: f64| took.get(((took.len() as f64 - 1.0) * share) as usize).copied().unwrap_or(f64::NAN);
    println!(
        "| {:.0} % | {rate:.0} | {} of {} | {:.1} ms | {:.1} ms | {:.1} ms |",
        share * 100.0,
        took.len(),
        (next - first) / EVENTS_PER_INQUIRY,
        at(0.5),
        at(0.99),
        at(1.0)
    );
    next
}

/// What the two ways through the broker take without a worker between them: neither database nor decision.
async fn echo(queue: RabbitMq) {
    let failed = |e| panic!("the broker alone: {e}");
    let mut consumer = queue.consume(1000).await.unwrap_or_else(|e| panic!("the broker alone: {e}"));
    loop {
        let events = consumer.receive(500, Duration::from_millis(1)).await.unwrap_or_else(failed);
        let tags: Vec<_> = events.iter().map(|event| event.tag).collect();
        let inquiries = events.iter().filter(|event| event.meta.routing_key == "lead.captured");
        let calls: Vec<TaskMessage> = inquiries.filter_map(|event| call(&event.body)).collect();
        consumer.ack(&tags).await.unwrap_or_else(|e| panic!("the broker alone: {e}"));
        if !calls.is_empty() {
            let queue = queue.clone();
            tokio::spawn(async move { queue.publish(calls).await });
        }
    }
}

fn call(event: &[u8]) -> Option<TaskMessage> {
    let event: serde_json::Value = serde_json::from_slice(event).ok()?;
    Some(TaskMessage {
        id: uuid::Uuid::new_v4().to_string(),
        routing_key: "task.follow_up.call.now".into(),
        kind: "task.follow_up".into(),
        body: vec![b'x'; 2300],
        cause: format!("event:/load {}", event["id"].as_str()?),
        priority: 9,
        expires_in: None,
        published_at_ms: 0,
        lead_version: 1,
        traceparent: None,
    })
}

async fn backlog() {
    let ahead = to_noon();
    let mut cluster = start("load", ahead).await;
    let filling = Instant::now();
    fill(&cluster, 0..BACKLOG, ahead).await;
    println!("backlog: {BACKLOG} events wait (sent in {:.0} s)", filling.elapsed().as_secs_f64());
    let worker = cluster.worker(None);
    let started = Instant::now();
    while started.elapsed() < BACKLOG_WATCHED {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let worked = seen(&cluster).await;
    let (now, most) = memory(cluster.workers[worker].id());
    let rate = worked as f64 / started.elapsed().as_secs_f64();
    println!(
        "after {:.0} s: {worked} worked ({rate:.0}/s), memory {now:.0} MB now, {most:.0} MB at most",
        started.elapsed().as_secs_f64()
    );
    cluster.stop().await;
}

async fn workers() {
    println!("| workers | events/s |\n|---|---|");
    let mut rates: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    for _ in 0..3 {
        for count in [1, 2] {
            let ahead = to_noon();
            let mut cluster = start("load", ahead).await;
            fill(&cluster, 0..WORKERS_EVENTS, ahead).await;
            for _ in 0..count {
                cluster.worker(None);
            }
            rates.entry(count).or_default().push(drain(&cluster, 0, WORKERS_EVENTS).await);
            cluster.stop().await;
        }
    }
    for (count, mut rates) in rates {
        rates.sort_by(f64::total_cmp);
        println!("| {count} | {:.0} |", rates[rates.len() / 2]);
    }
}
