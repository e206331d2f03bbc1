//! Events a second through a real broker and a real database, beside a floor in the same run.
//!
//! `cargo bench --bench pipeline -- [EVENTS.jsonl]` with DATABASE_URL and AMQP_URL (or their defaults). The floor makes
//! the same calls on the same store and queue with prepared rows (same keys, the bytes of states, history and tasks that a
//! replay of the stream came to) and decides nothing: what gleaner adds to it is decoding, deciding and encoding. Rounds
//! are interleaved, medians told. Every round has a database and a name prefix of its own, dropped afterwards. `--rounds N` makes N of them (three), and
//! `--only gleaner` or `--only floor` one side alone, for a profiler.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use gleaner::domain::event::Event;
use gleaner::domain::identity::{KeyHash, KeyHasher, LeadNo};
use gleaner::domain::policy::{Fictional, Policy};
use gleaner::domain::time::{Moment, Span};
use gleaner::domain::working_set::Env;
use gleaner::queue::rabbitmq::{RabbitMq, RabbitSettings};
use gleaner::queue::{Consumer, EventMessage, Queue, TASK_QUEUES, TaskMessage};
use gleaner::replay::Replay;
use gleaner::store::postgres::Postgres;
use gleaner::store::{Changes, HistoryRow, KeyRow, LeadRow, Lease, OutboxRow, Store, TaskRow, Wanted, WantedMessage};
use gleaner::telemetry::Metrics;
use gleaner::wire::inbound::{Envelope, Inbound, decode};
use gleaner::worker::{Health, Settings, Worker};
use sqlx::{Connection, PgConnection, Row};
use uuid::Uuid;

const BATCH: usize = 500;
const PREFETCH: u16 = 1500;
const LINGER: Duration = Duration::from_millis(5);
/// A Tuesday at noon in New York, long after the stream: how much there is to do must not depend on when it is measured.
const NOW: &str = "2026-03-03T17:00:00Z";
/// So many tasks in so many events of the real stream.
const TASKS: usize = 2;
const IN_EVENTS: usize = 9;

#[derive(Default)]
struct Stream {
    bodies: Vec<Vec<u8>>,
    events: Vec<Event>,
    /// Keys of each event, hashed, and the lead it belongs to, found ahead so that the floor need not decide.
    keys: Vec<Vec<KeyHash>>,
    by_body: HashMap<Vec<u8>, usize>,
    /// What a replay made of it: states of leads and bodies of tasks. Bytes that are all alike would cost a database that
    /// compresses them nothing.
    states: Vec<Vec<u8>>,
    tasks: Vec<Vec<u8>>,
}

fn stream() -> Stream {
    let path = arguments().into_iter().find(|a| a.ends_with(".jsonl"));
    let path = path.unwrap_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/samples/demo.jsonl").to_owned());
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("cannot read {path}: {e}"));
    let settings = inbound();
    let hasher = KeyHasher::fixed();
    let mut s = Stream::default();
    for line in text.lines() {
        let Ok(event) = decode(&Envelope::bare(line.as_bytes()), Moment(4_000_000_000_000), &settings) else {
            continue;
        };
        s.keys.push(event.keys.iter().map(|k| hasher.hash(k)).collect());
        s.by_body.insert(line.as_bytes().to_vec(), s.events.len());
        s.events.push(event);
        s.bodies.push(line.as_bytes().to_vec());
    }
    println!("{path}: {} events", s.events.len());
    let policy = Policy::shipped(Fictional::Allow).unwrap_or_else(|e| panic!("{}", e.join("\n")));
    let mut replay = Replay::new(Env::virtual_time(Arc::new(policy)));
    let mut in_time: Vec<&Event> = s.events.iter().collect();
    in_time.sort_by_key(|event| event.at);
    for event in in_time {
        replay.apply(event);
        s.tasks.extend(replay.take_published().map(|message| message.body));
    }
    s.states = replay.leads().into_iter().map(|lead| lead.encode()).collect();
    s
}

fn clock_offset() -> Span {
    let wanted: jiff::Timestamp = NOW.parse().unwrap_or_else(|e| panic!("{e}"));
    Moment::from_timestamp(wanted) - Moment::from_timestamp(jiff::Timestamp::now())
}

fn arguments() -> Vec<String> {
    std::env::args().skip(1).collect()
}

/// What follows an option on the command line.
fn option(name: &str) -> Option<String> {
    arguments().into_iter().skip_while(|a| a != name).nth(1)
}

fn inbound() -> Inbound {
    Inbound { default_country: Some("US".into()), ..Inbound::live() }
}

/// A database, a topology, and the whole stream waiting in the events queue.
struct Round {
    store: Postgres,
    queue: RabbitMq,
    url: String,
    admin: String,
    database: String,
    prefix: String,
}

impl Round {
    async fn new(stream: &Stream) -> Round {
        let admin = std::env::var("DATABASE_URL").unwrap_or_else(|_| "postgres://postgres@127.0.0.1:5432/test".into());
        let amqp = std::env::var("AMQP_URL").unwrap_or_else(|_| "amqp://guest:guest@127.0.0.1:5672/%2f".into());
        let tag = Uuid::new_v4().simple().to_string();
        let (base, own) = admin.rsplit_once('/').unwrap_or((&admin, "test"));
        let database = format!("{own}_bench_{}", &tag[..8]);
        let mut db = PgConnection::connect(&admin).await.unwrap_or_else(|e| panic!("no database: {e}"));
        run(&mut db, &format!("create database {database}")).await;
        let url = format!("{base}/{database}");
        let store = Postgres::connect(&url, 10).unwrap_or_else(|e| panic!("{e}")).with_clock_offset(clock_offset());
        store.migrate(Some("0")).await.unwrap_or_else(|e| panic!("{e}"));
        let prefix = format!("bench-{}.", &tag[..8]);
        let mut settings = RabbitSettings::new(amqp);
        settings.prefix = prefix.clone();
        let queue = RabbitMq::new(settings).unwrap_or_else(|e| panic!("{e}"));
        let declared = queue.consume(1).await.unwrap_or_else(|e| panic!("no broker: {e}"));
        declared.close().await;
        for chunk in stream.bodies.chunks(1000) {
            let events = chunk.iter().map(|b| EventMessage { routing_key: "bench".into(), body: b.clone() }).collect();
            queue.send_events(events).await.unwrap_or_else(|e| panic!("{e}"));
        }
        Round { store, queue, url, admin, database, prefix }
    }

    /// Waits until all events are in and all tasks are out. The database is asked only when the worker says that the
    /// events are in: asking it all the time would be work of its own.
    async fn done(&self, events: usize, metrics: &Metrics) {
        let mut db = PgConnection::connect(&self.url).await.unwrap_or_else(|e| panic!("{e}"));
        for _ in 0..12_000 {
            let waiting: i64 = match applied(metrics) >= events {
                true => one(&mut db, "select count(*) from outbox").await,
                false => 1,
            };
            if waiting == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("two minutes were not enough");
    }

    /// What a lead, a task and their number came to, for the floor's rows.
    async fn written(&self, events: usize) {
        let mut db = PgConnection::connect(&self.url).await.unwrap_or_else(|e| panic!("{e}"));
        let state = one(&mut db, "select avg(length(state))::bigint from leads").await;
        tokio::time::sleep(Duration::from_millis(1500)).await;
        let tasks = one(&mut db, "select n_tup_ins from pg_stat_user_tables where relname = 'outbox'").await;
        println!(
            "  wrote {state} bytes of state a lead, {tasks} tasks: one in {:.1} events",
            events as f64 / tasks as f64
        );
    }

    async fn drop_all(self) {
        self.queue.close().await;
        let amqp = std::env::var("AMQP_URL").unwrap_or_else(|_| "amqp://guest:guest@127.0.0.1:5672/%2f".into());
        if let Ok(connection) = lapin::Connection::connect(&amqp, lapin::ConnectionProperties::default()).await
            && let Ok(channel) = connection.create_channel().await
        {
            let fixed = ["gleaner.events", "gleaner.dead-events", "gleaner.unrouted", "tasks.dead"].map(str::to_owned);
            for name in fixed.into_iter().chain(TASK_QUEUES.iter().map(|q| format!("tasks.{}", q.suffix))) {
                let _gone = channel.queue_delete(format!("{}{name}", self.prefix).into(), Default::default()).await;
            }
            for name in ["leads", "gleaner.unrouted", "gleaner.dead", "tasks", "tasks.dead"] {
                let _gone = channel.exchange_delete(format!("{}{name}", self.prefix).into(), Default::default()).await;
            }
            let _closed = connection.close(200, "done".into()).await;
        }
        drop(self.store);
        if let Ok(mut db) = PgConnection::connect(&self.admin).await {
            run(&mut db, &format!("drop database if exists {} with (force)", self.database)).await;
        }
    }
}

async fn one(db: &mut PgConnection, sql: &str) -> i64 {
    sqlx::query(sql).fetch_one(db).await.unwrap_or_else(|e| panic!("{sql}: {e}")).get(0)
}

/// How many events the worker says it has applied.
fn applied(metrics: &Metrics) -> usize {
    let text = metrics.encode();
    let counts = text.lines().filter(|l| l.starts_with("gleaner_events_total{") && l.contains("\"applied\""));
    counts.filter_map(|l| l.rsplit(' ').next()?.parse::<usize>().ok()).sum()
}

async fn run(db: &mut PgConnection, sql: &str) {
    sqlx::query(sql).execute(db).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
}

/// gleaner itself, one worker.
async fn gleaner(stream: &Stream, told: bool) -> f64 {
    let round = Round::new(stream).await;
    let policy = Policy::shipped(Fictional::Allow).unwrap_or_else(|e| panic!("{}", e.join("\n")));
    // The stream is years old; what it would cause is decided and sent as if it were of today, and not paced.
    let in_force = tokio::sync::watch::Sender::new(Arc::new(Env::virtual_time(Arc::new(policy))));
    let settings = Settings {
        batch_size: BATCH,
        batch_linger: LINGER,
        prefetch: PREFETCH,
        shutdown_grace: Duration::from_secs(10),
        inbound: inbound(),
        clock_offset: clock_offset(),
        keep_history: Span::days(400),
    };
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let (store, queue, metrics) = (round.store.clone(), round.queue.clone(), Metrics::new());
    let started = Instant::now();
    let worker = tokio::spawn(Worker::run(
        store,
        queue,
        in_force,
        settings,
        metrics.clone(),
        Arc::new(Health::default()),
        stopped,
    ));
    round.done(stream.events.len(), &metrics).await;
    let rate = stream.events.len() as f64 / started.elapsed().as_secs_f64();
    if told {
        round.written(stream.events.len()).await;
    }
    stop.send_replace(true);
    worker.await.unwrap_or_else(|e| panic!("{e}"));
    round.drop_all().await;
    rate
}

/// The same calls with prepared rows.
async fn floor(stream: &Stream) -> f64 {
    let round = Round::new(stream).await;
    let lease = Lease { lessee: Uuid::new_v4(), length: Duration::from_secs(30), hand: true };
    let (hand, mut rows) = tokio::sync::mpsc::channel::<Vec<OutboxRow>>(64);
    let (store, queue) = (round.store.clone(), round.queue.clone());
    let publisher = tokio::spawn(async move {
        while let Some(rows) = rows.recv().await {
            let ids: Vec<Uuid> = rows.iter().map(|r| r.id).collect();
            queue.publish(rows.into_iter().map(task_message).collect()).await;
            store.forget_outbox(&ids).await.unwrap_or_else(|e| panic!("{e}"));
        }
    });
    let started = Instant::now();
    let mut consumer = round.queue.consume(PREFETCH).await.unwrap_or_else(|e| panic!("{e}"));
    let mut worked = 0;
    while worked < stream.events.len() {
        let batch = consumer.receive(BATCH, LINGER).await.unwrap_or_else(|e| panic!("{e}"));
        let tags: Vec<_> = batch.iter().map(|d| d.tag).collect();
        let picked: Vec<usize> = batch.iter().filter_map(|d| stream.by_body.get(&d.body).copied()).collect();
        let messages = picked
            .iter()
            .map(|i| WantedMessage { event: Some(stream.events[*i].key), keys: stream.keys[*i].clone(), task: None })
            .collect();
        let wanted = Wanted { messages, ..Wanted::default() };
        let (held, loaded) = round.store.hold(wanted).await.unwrap_or_else(|e| panic!("{e}"));
        let changes = prepared(stream, &picked, loaded);
        let out = changes.outbox.clone();
        round.store.commit(held, changes, lease.clone()).await.unwrap_or_else(|e| panic!("{e}"));
        consumer.ack(&tags).await.unwrap_or_else(|e| panic!("{e}"));
        if !out.is_empty() {
            let _open = hand.send(out).await;
        }
        worked += picked.len();
    }
    drop(hand);
    publisher.await.unwrap_or_else(|e| panic!("{e}"));
    let rate = stream.events.len() as f64 / started.elapsed().as_secs_f64();
    consumer.close().await;
    round.drop_all().await;
    rate
}

/// The rows that gleaner would write, with bytes of the same length.
fn prepared(stream: &Stream, picked: &[usize], loaded: gleaner::store::Loaded) -> Changes {
    let mut changes = Changes::default();
    let mut leads: BTreeMap<LeadNo, LeadRow> = loaded.leads.into_iter().map(|l| (l.lead_no, l)).collect();
    let mut holders: BTreeMap<KeyHash, LeadNo> =
        loaded.keys.iter().filter_map(|(k, row)| Some((*k, *row.holders.first()?))).collect();
    let mut fresh = loaded.fresh.into_iter();
    for i in picked {
        let (event, keys) = (&stream.events[*i], &stream.keys[*i]);
        let known = keys.iter().find_map(|k| holders.get(k).copied());
        let Some(no) = known.or_else(|| fresh.next()) else { continue };
        if known.is_none() {
            changes.new_leads.insert(no);
        }
        for key in keys {
            if holders.insert(*key, no).is_none() {
                changes.keys.insert(*key, KeyRow { holders: vec![no], erased_at: None });
            }
        }
        let row = leads.entry(no).or_insert_with(|| LeadRow {
            lead_no: no,
            lead_id: Uuid::new_v4(),
            merged_into: None,
            erased: false,
            stage: "working".into(),
            verdict: "workable".into(),
            version: 0,
            updated_at: loaded.now,
            keys: Vec::new(),
            linked: Vec::new(),
            state: stream.states[no.0 as usize % stream.states.len()].clone(),
            wake_at: None,
        });
        row.version += 1;
        row.keys.extend(keys.iter().filter(|k| !row.keys.contains(k)).copied().collect::<Vec<_>>());
        row.wake_at = Some(loaded.now + Span::days(3));
        changes.seen.push((no, event.key, event.content));
        changes.history.push(HistoryRow {
            lead_no: no,
            event: event.key,
            at: event.at,
            body: stream.bodies[*i].clone(),
        });
        if i % IN_EVENTS < TASKS {
            let task_id = Uuid::new_v4();
            changes.tasks.push(TaskRow { task_id, lead_no: no, forget_after: loaded.now + Span::days(31) });
            changes.outbox.push(OutboxRow {
                id: task_id,
                lead_no: no,
                queue: "calls".into(),
                routing_key: "task.follow_up.call.normal".into(),
                kind: "task.follow_up".into(),
                cause: "bench".into(),
                priority: 5,
                lead_version: 1,
                expires_at: Some(loaded.now + Span::days(1)),
                body: stream.tasks[i % stream.tasks.len()].clone(),
                traceparent: None,
            });
        }
    }
    let touched: BTreeSet<LeadNo> = changes.seen.iter().map(|(no, ..)| *no).collect();
    changes.leads = leads.into_values().filter(|l| touched.contains(&l.lead_no)).collect();
    changes
}

fn task_message(row: OutboxRow) -> TaskMessage {
    TaskMessage {
        id: row.id.to_string(),
        routing_key: row.routing_key,
        kind: row.kind,
        body: row.body,
        cause: row.cause,
        priority: row.priority,
        expires_in: Some(Duration::from_secs(86_400)),
        published_at_ms: 0,
        lead_version: 1,
        traceparent: None,
    }
}

fn median(rates: &mut [f64]) -> Option<&f64> {
    rates.sort_by(f64::total_cmp);
    rates.get(rates.len() / 2)
}

fn told(floor: Option<&f64>, ours: Option<&f64>) -> String {
    match (floor, ours) {
        (Some(f), Some(g)) => format!("floor {f:.0} events/s, gleaner {g:.0} events/s, ratio {:.2}", g / f),
        (Some(rate), None) | (None, Some(rate)) => format!("{rate:.0} events/s"),
        (None, None) => "nothing was run".to_owned(),
    }
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap_or_else(|e| panic!("{e}"));
    runtime.block_on(async {
        let stream = stream();
        let rounds: usize =
            option("--rounds").map_or(3, |n| n.parse().unwrap_or_else(|_| panic!("--rounds takes a number")));
        let only = option("--only");
        let wanted = |name: &str| only.as_deref().is_none_or(|only| only == name);
        let (mut floors, mut ours) = (Vec::new(), Vec::new());
        for round in 1..=rounds {
            if wanted("floor") {
                floors.push(floor(&stream).await);
            }
            if wanted("gleaner") {
                ours.push(gleaner(&stream, round == 1).await);
            }
            println!("round {round}: {}", told(floors.last(), ours.last()));
        }
        println!("median: {}", told(median(&mut floors), median(&mut ours)));
    });
}
