//! Real workers as processes, on a real broker and database, isolated by a database and a name prefix of their own.
//!
//! Waiting is always for a condition, with a bound; processes are ended by their own pid.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{by_keys, order_free};
use gleaner::queue::rabbitmq::{RabbitMq, RabbitSettings};
use gleaner::queue::{EventMessage, Queue};
use serde_json::Value;
use sqlx::{Connection, PgConnection, Row};

/// How long anything may take that is waited for.
const PATIENCE: Duration = Duration::from_secs(90);

pub fn amqp_url() -> String {
    std::env::var("AMQP_URL").unwrap_or_else(|_| "amqp://guest:guest@127.0.0.1:5672/%2f".into())
}

pub fn database_url() -> String {
    std::env::var("DATABASE_URL").unwrap_or_else(|_| "postgres://postgres@127.0.0.1:5432/test".into())
}

/// A deployment of its own: database, topology, secret.
pub struct Cluster {
    pub dir: tempfile::TempDir,
    pub prefix: String,
    pub database: String,
    admin_url: String,
    pub url: String,
    pub amqp: String,
    pub queue: RabbitMq,
    pub workers: Vec<Child>,
    extra: Vec<(String, String)>,
}

impl Cluster {
    pub async fn start(name: &str) -> Cluster {
        Cluster::start_on(name, database_url(), amqp_url()).await
    }

    /// On servers of the caller's choice.
    pub async fn start_on(name: &str, admin_url: String, amqp: String) -> Cluster {
        let tag = uuid::Uuid::new_v4().simple().to_string();
        let (base, own) = admin_url.rsplit_once('/').unwrap();
        // Named after the database we were given, so that whoever made that one can drop what we leave.
        let database = format!("{own}_{name}_{}", &tag[..8]);
        let mut admin = PgConnection::connect(&admin_url).await.unwrap();
        sqlx::query(&format!("create database {database}")).execute(&mut admin).await.unwrap();
        let url = format!("{base}/{database}");
        let prefix = format!("{name}-{}.", &tag[..8]);
        let mut settings = RabbitSettings::new(amqp.clone());
        settings.prefix = prefix.clone();
        let cluster = Cluster {
            dir: tempfile::tempdir().unwrap(),
            prefix,
            database,
            admin_url,
            url,
            amqp,
            queue: RabbitMq::new(settings).unwrap(),
            workers: Vec::new(),
            extra: Vec::new(),
        };
        cluster.run(&["migrate"]);
        cluster.run(&["topology", "--apply"]);
        cluster
    }

    /// A setting for all commands and workers started from now on.
    pub fn set(&mut self, key: &str, value: &str) {
        self.extra.push((key.into(), value.into()));
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gleaner"));
        command
            .args(args)
            .env("GLEANER__PROFILE", "production")
            .env("DATABASE_URL", &self.url)
            .env("AMQP_URL", &self.amqp)
            .env("GLEANER__NAMES__PREFIX", &self.prefix)
            .env("GLEANER__SECRET__KEY_FILE", self.dir.path().join("secret.key"))
            .env("GLEANER__CONTACT__FICTIONAL", "allow")
            .env("GLEANER__ID__EPOCH", "0")
            // The events are some months old, and none of these tests is about the ramp.
            .env("GLEANER__ACT__MAX_EVENT_AGE", "365d")
            .env("GLEANER__HTTP__LISTEN", "127.0.0.1:0")
            .env("GLEANER__LOG__LEVEL", "warn");
        for (key, value) in &self.extra {
            command.env(key, value);
        }
        command
    }

    /// Runs a command to its end and gives back what it printed.
    pub fn run(&self, args: &[&str]) -> String {
        let out = self.command(args).output().unwrap();
        assert!(
            out.status.success(),
            "gleaner {args:?} failed:\n{}\n{}",
            String::from_utf8_lossy(&out.stdout),
            String::from_utf8_lossy(&out.stderr)
        );
        String::from_utf8(out.stdout).unwrap()
    }

    /// Starts a worker; `die_at` makes it abort at that seam, so many passes on.
    pub fn worker(&mut self, die_at: Option<&str>) -> usize {
        let log =
            std::fs::OpenOptions::new().create(true).append(true).open(self.dir.path().join("worker.log")).unwrap();
        let mut command = self.command(&["run"]);
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        if let Some(seam) = die_at {
            command.env("GLEANER_DIE_AT", seam);
        }
        self.workers.push(command.spawn().unwrap());
        self.workers.len() - 1
    }

    /// Waits until the process has the name by which people look for it, although it began anew by a link.
    pub async fn is_found_by_its_name(&self, worker: usize) {
        let file = format!("/proc/{}/comm", self.workers[worker].id());
        let begun_anew = format!("/proc/{}/environ", self.workers[worker].id());
        for _ in 0..200 {
            let has_room =
                std::fs::read(&begun_anew).is_ok_and(|e| String::from_utf8_lossy(&e).contains("RUST_MIN_STACK="));
            if has_room && std::fs::read_to_string(&file).is_ok_and(|name| name == "gleaner\n") {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("the worker is named {:?}", std::fs::read_to_string(&file));
    }

    pub fn kill(&mut self, worker: usize) {
        // SIGKILL by its own pid; an error means that it is dead already.
        let _dead_already = self.workers[worker].kill();
        self.workers[worker].wait().unwrap();
    }

    /// SIGTERM, by its own pid, and waits for the end.
    pub fn terminate(&mut self, worker: usize) {
        let pid = self.workers[worker].id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.workers[worker].wait().unwrap();
    }

    pub fn has_died(&mut self, worker: usize) -> bool {
        self.workers[worker].try_wait().unwrap().is_some()
    }

    /// Where the newest worker listens; it must log at `info`.
    pub fn address(&self) -> Option<String> {
        let log = self.log();
        let after = log.rsplit_once("listening address=")?.1;
        after.split_once('\n').map(|(address, _)| address.trim().to_owned())
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("worker.log")).unwrap_or_default()
    }

    pub async fn publish(&self, events: &[Value]) {
        for chunk in events.chunks(500) {
            let messages = chunk
                .iter()
                .map(|e| EventMessage {
                    routing_key: e["type"].as_str().unwrap_or("unknown").to_owned(),
                    body: e.to_string().into_bytes(),
                })
                .collect();
            self.queue.send_events(messages).await.unwrap();
        }
    }

    pub async fn db(&self) -> PgConnection {
        PgConnection::connect(&self.url).await.unwrap()
    }

    /// How many messages a queue holds that are ready for somebody.
    pub async fn depth(&self, queue: &str) -> u32 {
        // A broker that has just come back may still drop a connection; asking again is all there is to do.
        let until = Instant::now() + PATIENCE;
        loop {
            match self.try_depth(queue).await {
                Ok(depth) => return depth,
                Err(error) => assert!(Instant::now() < until, "{queue} cannot be asked: {error}"),
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    async fn try_depth(&self, queue: &str) -> Result<u32, lapin::Error> {
        let connection = lapin::Connection::connect(&self.amqp, lapin::ConnectionProperties::default()).await?;
        let channel = connection.create_channel().await?;
        let options = lapin::options::QueueDeclareOptions { passive: true, ..Default::default() };
        let name = format!("{}{queue}", self.prefix);
        let found = channel.queue_declare(name.into(), options, Default::default()).await?;
        let count = found.message_count();
        let _closing = connection.close(200, "done".into()).await;
        Ok(count)
    }

    /// Waits until as many events are applied or set aside as are expected, and everything committed has left.
    pub async fn settle(&mut self, distinct: i64, dead: u32) {
        let until = Instant::now() + PATIENCE;
        loop {
            let seen = self.count("select count(*) from seen").await;
            let outbox = self.count("select count(*) from outbox").await;
            let claims = self.count("select count(*) from claims").await;
            let inbox = self.count("select count(*) from inbox").await;
            let (queued, set_aside) = (self.depth("gleaner.events").await, self.depth("gleaner.dead-events").await);
            if seen == distinct && outbox == 0 && claims == 0 && inbox == 0 && queued == 0 && set_aside == dead {
                return;
            }
            assert!(
                Instant::now() < until,
                "not settled: {seen} of {distinct} events, {outbox} in the outbox, {claims} claims, {inbox} answers, {queued} queued, {set_aside} of {dead} set aside\n{}",
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    pub async fn count(&self, sql: &str) -> i64 {
        let mut db = self.db().await;
        sqlx::query(sql).fetch_one(&mut db).await.unwrap().get(0)
    }

    /// Everything in the task queues, each message once as it lies there: (queue, routing key, body).
    pub async fn drain_tasks(&self) -> Vec<(String, String, Vec<u8>)> {
        let connection = lapin::Connection::connect(&self.amqp, lapin::ConnectionProperties::default()).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        let mut out = Vec::new();
        for queue in gleaner::queue::TASK_QUEUES {
            let name = format!("{}tasks.{}", self.prefix, queue.suffix);
            while let Some(got) =
                channel.basic_get(name.clone().into(), lapin::options::BasicGetOptions { no_ack: true }).await.unwrap()
            {
                out.push((queue.suffix.to_owned(), got.routing_key.to_string(), got.delivery.data.clone()));
            }
        }
        let _closing = connection.close(200, "done".into()).await;
        out
    }

    pub async fn stop(mut self) {
        for worker in 0..self.workers.len() {
            self.kill(worker);
        }
        let connection = lapin::Connection::connect(&self.amqp, lapin::ConnectionProperties::default()).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        let mut queues: Vec<String> =
            ["gleaner.events", "gleaner.dead-events", "gleaner.unrouted", "tasks.dead"].map(str::to_owned).to_vec();
        queues.extend(gleaner::queue::TASK_QUEUES.iter().map(|q| format!("tasks.{}", q.suffix)));
        for queue in queues {
            let _gone = channel.queue_delete(format!("{}{queue}", self.prefix).into(), Default::default()).await;
        }
        for exchange in ["leads", "gleaner.unrouted", "gleaner.dead", "tasks", "tasks.dead"] {
            let _gone = channel.exchange_delete(format!("{}{exchange}", self.prefix).into(), Default::default()).await;
        }
        let _closing = connection.close(200, "done".into()).await;
        self.queue.close().await;
        let mut admin = PgConnection::connect(&self.admin_url).await.unwrap();
        let _gone =
            sqlx::query(&format!("drop database if exists {} with (force)", self.database)).execute(&mut admin).await;
    }
}

impl Drop for Cluster {
    /// A failed test must not leave workers behind.
    fn drop(&mut self) {
        for worker in &mut self.workers {
            let _dead_already = worker.kill();
            let _reaped = worker.wait();
        }
    }
}

/// Part (b) of the oracle: what the workers know equals what replay knows, as of the same instant.
pub fn assert_same_facts(cluster: &Cluster, events: &[Value], as_of: &str) {
    let file = write_events(cluster.dir.path(), events);
    let out = cluster.dir.path().join("replayed");
    cluster.run(&["replay", "--events", file.to_str().unwrap(), "--out", out.to_str().unwrap(), "--until", as_of]);
    let theirs = by_keys(&std::fs::read_to_string(out.join("leads.jsonl")).unwrap());
    let ours = by_keys(&cluster.run(&["export", "--as-of", as_of]));
    let (a, b): (BTreeSet<_>, BTreeSet<_>) = (ours.keys().collect(), theirs.keys().collect());
    assert_eq!(a, b, "the same leads");
    for (keys, record) in &theirs {
        assert_eq!(order_free(&ours[keys]), order_free(record), "lead {keys}");
    }
}

/// Parts (c) and (e): one body an id, one id for a cause and play, at most one open contact task a class, nothing left over.
pub async fn assert_conduct(cluster: &Cluster) -> usize {
    let messages = cluster.drain_tasks().await;
    let mut bodies: BTreeMap<String, &[u8]> = BTreeMap::new();
    let mut causes: BTreeMap<(String, String, String), String> = BTreeMap::new();
    let mut parsed: Vec<Value> = Vec::new();
    for (_, _, body) in &messages {
        let message: Value = serde_json::from_slice(body).unwrap();
        let id = message["id"].as_str().unwrap().to_owned();
        if let Some(known) = bodies.insert(id.clone(), body) {
            assert_eq!(known, body.as_slice(), "one body for an id");
            continue;
        }
        if message["type"] != "task.revoked" {
            let data = &message["data"];
            let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
            let slot = (text(&data["lead_id"]), text(&data["cause"]), text(&data["play"]));
            assert_eq!(causes.insert(slot.clone(), id), None, "two ids for one cause and play: {slot:?}");
            for window in data["windows"].as_array().unwrap() {
                assert!(window["from"].as_str() < window["to"].as_str());
            }
        }
        parsed.push(message);
    }
    let revoked: BTreeSet<&str> = parsed.iter().filter_map(|m| m["data"]["revokes"].as_str()).collect();
    let open: Vec<Value> =
        cluster.run(&["export"]).lines().map(|l| serde_json::from_str::<Value>(l).unwrap()).collect();
    for record in &open {
        for id in record["open_tasks"].as_array().unwrap() {
            let id = id.as_str().unwrap();
            assert!(bodies.contains_key(id), "open task {id} was never published");
            assert!(!revoked.contains(id), "open task {id} was revoked");
        }
        let contact: Vec<&Value> = parsed
            .iter()
            .filter(|m| m["data"]["channel"].is_string())
            .filter(|m| record["open_tasks"].as_array().unwrap().contains(&m["id"]))
            .collect();
        let voice = contact.iter().filter(|m| m["data"]["channel"] == "call").count();
        assert!(voice <= 1 && contact.len() - voice <= 1, "more than one open contact task of a class: {record}");
    }
    assert_eq!(cluster.count("select count(*) from outbox").await, 0);
    let idle = format!(
        "select count(*) from pg_stat_activity where datname = '{}' and state = 'idle in transaction' and state_change < now() - interval '5 seconds'",
        cluster.database
    );
    assert_eq!(cluster.count(&idle).await, 0, "no transaction was left open");
    bodies.len()
}

fn write_events(dir: &Path, events: &[Value]) -> PathBuf {
    let path = dir.join("events.jsonl");
    let mut sorted: Vec<&Value> = events.iter().collect();
    sorted.sort_by_key(|e| (e["time"].as_str().unwrap().to_owned(), e["id"].as_str().unwrap().to_owned()));
    let mut file = std::io::BufWriter::new(std::fs::File::create(&path).unwrap());
    for event in sorted {
        writeln!(file, "{event}").unwrap();
    }
    file.flush().unwrap();
    path
}
