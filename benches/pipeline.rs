//! Events a second through a real broker and a real database, beside a floor in the same run.
//!
//! `cargo bench --bench pipeline -- [EVENTS.jsonl]` with DATABASE_URL and AMQP_URL (or their defaults). The floor makes
//! the same calls on the same store and queue with prepared rows (same keys, same bytes of state, history and tasks) and
//! decides nothing: what gleaner adds to it is decoding, deciding and encoding. Rounds are interleaved, medians told.
//! Every round has a database and a name prefix of its own, dropped afterwards.

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
use gleaner::store::postgres::Postgres;
use gleaner::store::{Changes, HistoryRow, KeyRow, LeadRow, Lease, OutboxRow, Store, Wanted, WantedMessage};
use gleaner::telemetry::Metrics;
use gleaner::wire::inbound::{Envelope, Inbound, decode};
use gleaner::worker::{Health, Settings, Worker};
use sqlx::{Connection, PgConnection, Row};
use uuid::Uuid;

const ROUNDS: usize = 3;
const BATCH: usize = 500;
const LINGER: Duration = Duration::from_millis(5);
/// What gleaner writes for a lead and a task of the real stream, on average.
const STATE_BYTES: usize = 1300;
const TASK_BYTES: usize = 2300;
/// One task in so many events of the real stream.
const EVENTS_PER_TASK: usize = 12;

struct Stream {
    bodies: Vec<Vec<u8>>,
    events: Vec<Event>,
    /// Keys of each event, hashed, and the lead it belongs to, found ahead so that the floor need not decide.
    keys: Vec<Vec<KeyHash>>,
    by_body: HashMap<Vec<u8>, usize>,
}

fn stream() -> Stream {
    let path = std::env::args().skip(1).find(|a| !a.starts_with('-'));
    let path = path.unwrap_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/samples/demo.jsonl").to_owned());
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("cannot read {path}: {e}"));
    let settings = inbound();
    let hasher = KeyHasher::fixed();
    let mut s = Stream { bodies: Vec::new(), events: Vec::new(), keys: Vec::new(), by_body: HashMap::new() };
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
    s
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
        let store = Postgres::connect(&url, 10).unwrap_or_else(|e| panic!("{e}"));
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

    /// Waits until all events are in and all tasks are out.
    async fn done(&self, events: usize) {
        let mut db = PgConnection::connect(&self.url).await.unwrap_or_else(|e| panic!("{e}"));
        for _ in 0..6000 {
            let sql = "select (select count(*) from seen), (select count(*) from outbox)";
            let row = sqlx::query(sql).fetch_one(&mut db).await.unwrap_or_else(|e| panic!("{e}"));
            if row.get::<i64, _>(0) as usize >= events && row.get::<i64, _>(1) == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("two minutes were not enough");
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

async fn run(db: &mut PgConnection, sql: &str) {
    sqlx::query(sql).execute(db).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
}

/// gleaner itself, one worker.
async fn gleaner(stream: &Stream) -> f64 {
    let round = Round::new(stream).await;
    let policy = Policy::shipped(Fictional::Allow).unwrap_or_else(|e| panic!("{}", e.join("\n")));
    // The stream is years old; what it would cause is decided and sent as if it were of today, and not paced.
    let in_force = tokio::sync::watch::Sender::new(Arc::new(Env::virtual_time(Arc::new(policy))));
    let settings = Settings {
        batch_size: BATCH,
        batch_linger: LINGER,
        prefetch: 1000,
        shutdown_grace: Duration::from_secs(10),
        inbound: inbound(),
        clock_offset: Span::ZERO,
        keep_history: Span::days(400),
    };
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let (store, queue) = (round.store.clone(), round.queue.clone());
    let started = Instant::now();
    let worker = tokio::spawn(Worker::run(
        store,
        queue,
        in_force,
        settings,
        Metrics::new(),
        Arc::new(Health::default()),
        stopped,
    ));
    round.done(stream.events.len()).await;
    let rate = stream.events.len() as f64 / started.elapsed().as_secs_f64();
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
    let mut consumer = round.queue.consume(1000).await.unwrap_or_else(|e| panic!("{e}"));
    let mut worked = 0;
    while worked < stream.events.len() {
        let batch = consumer.receive(BATCH, LINGER).await.unwrap_or_else(|e| panic!("{e}"));
        let tags: Vec<_> = batch.iter().map(|d| d.tag).collect();
        let picked: Vec<usize> = batch.iter().filter_map(|d| stream.by_body.get(&d.body).copied()).collect();
        let messages = picked
            .iter()
            .map(|i| WantedMessage { event: Some(stream.events[*i].key), keys: stream.keys[*i].clone(), task: None })
            .collect();
        let wanted = Wanted { messages, leads: BTreeSet::new() };
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
            state: vec![7; STATE_BYTES],
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
        if i % EVENTS_PER_TASK == 0 {
            changes.outbox.push(OutboxRow {
                id: Uuid::new_v4(),
                lead_no: no,
                queue: "calls".into(),
                routing_key: "task.follow_up.call.normal".into(),
                kind: "task.follow_up".into(),
                cause: "bench".into(),
                priority: 5,
                lead_version: 1,
                expires_at: Some(loaded.now + Span::days(1)),
                body: vec![b'x'; TASK_BYTES],
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

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap_or_else(|e| panic!("{e}"));
    runtime.block_on(async {
        let stream = stream();
        let (mut floors, mut ours) = (Vec::new(), Vec::new());
        for round in 1..=ROUNDS {
            let f = floor(&stream).await;
            let g = gleaner(&stream).await;
            println!("round {round}: floor {f:.0} events/s, gleaner {g:.0} events/s, ratio {:.2}", g / f);
            floors.push(f);
            ours.push(g);
        }
        floors.sort_by(f64::total_cmp);
        ours.sort_by(f64::total_cmp);
        let (f, g) = (floors[ROUNDS / 2], ours[ROUNDS / 2]);
        println!("median: floor {f:.0} events/s, gleaner {g:.0} events/s, ratio {:.2}", g / f);
    });
}
