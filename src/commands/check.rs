//! `gleaner check`: whether everything is in place, in plain words, and what to do where it is not.
//!
//! Looks only; nothing is made or changed. What cannot be looked at is wrong, what is merely not there yet is noted.

use std::io::Write;

use anyhow::{Result, anyhow};
use jiff::Timestamp;
use serde::Serialize;

use super::{Outcome, Output, counted, write_json};
use crate::app::{self, Fit};
use crate::config::{Config, Profile};
use crate::domain::time::Moment;
use crate::store::{OutboxState, Store};

/// Clocks further apart than this are wrong: due times are the database's, receipt is this machine's, and an event five
/// minutes ahead of receipt is refused.
const SKEW_WRONG_MS: u64 = 60_000;
/// Worth a remark: leases and windows are kept to the second.
const SKEW_REMARKED_MS: u64 = 2_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Ok,
    /// Worth knowing; nothing has to be done.
    Note,
    Wrong,
}

#[derive(Debug, Serialize)]
struct Finding {
    what: &'static str,
    state: State,
    says: String,
}

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn ok(&mut self, what: &'static str, says: impl Into<String>) {
        self.0.push(Finding { what, state: State::Ok, says: says.into() });
    }
    fn note(&mut self, what: &'static str, says: impl Into<String>) {
        self.0.push(Finding { what, state: State::Note, says: says.into() });
    }
    fn wrong(&mut self, what: &'static str, says: impl Into<String>) {
        self.0.push(Finding { what, state: State::Wrong, says: says.into() });
    }
}

/// Checks everything and says what it found.
///
/// # Errors
/// The answer cannot be written.
pub async fn run(config: &Config, output: Output, out: &mut impl Write) -> Result<Outcome> {
    let mut found = Findings::default();
    found.ok("configuration", format!("right; the profile is {}", config.profile.name()));
    policy(config, &mut found);
    key_file(config, &mut found);
    match config.profile {
        Profile::Embedded => {
            match app::sqlite(config) {
                Ok(store) => database(config, &store, &mut found).await,
                Err(error) => found.note("database", format!("{error:#}")),
            }
            local_queue(config, &mut found).await;
        }
        Profile::Production => {
            match app::postgres(config) {
                Ok(store) => database(config, &store, &mut found).await,
                Err(error) => found.wrong("database", format!("{error:#}: mend `store.url` or DATABASE_URL")),
            }
            broker(config, &mut found).await;
        }
    }
    match output {
        Output::Table => {
            for Finding { what, state, says } in &found.0 {
                let mark = match state {
                    State::Ok => "ok",
                    State::Note => "note",
                    State::Wrong => "WRONG",
                };
                writeln!(out, "{mark:<6} {what:<14} {says}")?;
            }
        }
        Output::Json | Output::Jsonl => write_json(out, &found.0, output)?,
    }
    let is_wrong = found.0.iter().any(|finding| finding.state == State::Wrong);
    Ok(if is_wrong { Outcome::NotAll } else { Outcome::Done })
}

fn policy(config: &Config, found: &mut Findings) {
    let from = config.policy.dir.as_ref().map_or("compiled in".to_owned(), |dir| format!("from {}", dir.display()));
    match app::policy(config) {
        Ok(policy) => found.ok("policy", format!("right; {} ({from})", policy.hash)),
        Err(error) => found.wrong("policy", format!("{error:#}")),
    }
}

fn key_file(config: &Config, found: &mut Findings) {
    let path = &config.secret.key_file;
    match (app::read_key(path), app::is_open_to_others(path)) {
        (Ok(None), _) if config.profile == Profile::Production => found.note(
            "secret key",
            format!("{} is not there: the first worker makes it, and every other needs a copy", path.display()),
        ),
        (Ok(None), _) => found.note("secret key", format!("{} is not there: `gleaner run` makes it", path.display())),
        (Ok(Some(_)), None) => {
            found.ok("secret key", format!("{} is there, for its owner only; keep a copy", path.display()));
        }
        (Ok(Some(_)), Some(mode)) => found.wrong(
            "secret key",
            format!("{} can be read by others (mode {mode:o}): chmod 600 {}", path.display(), path.display()),
        ),
        (Err(error), _) => found.wrong("secret key", format!("{:#}", anyhow!(error))),
    }
}

async fn database<S: Store>(config: &Config, store: &S, found: &mut Findings) {
    let before = clock();
    let info = match store.info().await {
        Ok(info) => info,
        Err(error) => {
            let remedy = match error.is_transient() {
                true => "is it running, and is the address right?",
                false => "",
            };
            let says = format!("{}: {:#}. {remedy}", config.store.url, anyhow!(error));
            return found.wrong("database", says.trim_end());
        }
    };
    found.ok("database", format!("{} answers; schema version {}", config.store.url, info.schema_version));
    if config.profile == Profile::Production {
        // It read its clock somewhere between our two readings.
        let here = Moment(before.0.midpoint(clock().0));
        clocks((info.now - config.clock.offset - here).0, found);
    }
    key_fits(config, store, found).await;
    outbox(store, found).await;
}

/// Due times are the database's, receipt is this machine's: `ahead` is how many milliseconds lie between.
fn clocks(ahead: i64, found: &mut Findings) {
    let skew = ahead.unsigned_abs();
    let says = format!("the database is {skew} ms {} this machine", if ahead < 0 { "behind" } else { "ahead of" });
    match skew {
        SKEW_WRONG_MS.. => found.wrong("clock", format!("{says}: let both keep time with NTP")),
        SKEW_REMARKED_MS.. => found.note("clock", format!("{says}: let both keep time with NTP")),
        _ => found.ok("clock", says),
    }
}

async fn key_fits<S: Store>(config: &Config, store: &S, found: &mut Findings) {
    let path = config.secret.key_file.display();
    let hasher = match app::read_key(&config.secret.key_file) {
        Ok(hasher) => hasher,
        // Said already.
        Err(_) => return,
    };
    let is_there = hasher.is_some();
    let hasher = hasher.unwrap_or_else(crate::domain::identity::KeyHasher::fixed);
    match (app::fits(store, &hasher).await, is_there) {
        (Ok(Fit::NoLeads), _) => found.ok("leads", "none yet"),
        (Ok(Fit::Fits), true) => found.ok("leads", "there are some, hashed under this secret key"),
        (Ok(_), true) => found.wrong(
            "leads",
            format!(
                "they were hashed under another secret key than {path}: copy the file from another worker or its backup"
            ),
        ),
        (Ok(_), false) => found.wrong(
            "leads",
            format!("there are some, and {path} is missing: copy the file from another worker or its backup"),
        ),
        (Err(error), _) => found.wrong("leads", format!("they cannot be read: {:#}", anyhow!(error))),
    }
}

/// Tasks that wait to be published: some always may, unroutable ones want a person.
async fn outbox<S: Store>(store: &S, found: &mut Findings) {
    let depth = match store.outbox_depth().await {
        Ok(depth) => depth,
        Err(error) => return found.wrong("outbox", format!("it cannot be read: {:#}", anyhow!(error))),
    };
    let rows: u64 = depth.iter().map(|(_, _, rows, _)| rows).sum();
    let unroutable: u64 =
        depth.iter().filter(|(_, state, ..)| *state == OutboxState::Unroutable).map(|(_, _, rows, _)| rows).sum();
    match unroutable {
        0 => found.ok("outbox", format!("{} to be published", counted(rows, "task"))),
        _ => found.wrong(
            "outbox",
            format!("no queue is bound for {unroutable} of {}: see `gleaner topology --diff`", counted(rows, "task")),
        ),
    }
}

async fn local_queue(config: &Config, found: &mut Findings) {
    let queue = match app::local_queue(config).await {
        Ok(queue) => queue,
        Err(error) => return found.note("queue", format!("{error:#}")),
    };
    match queue.waiting().await {
        Ok(waiting) => {
            let tasks: u64 = waiting.tasks.values().sum();
            let (events, tasks) = (counted(waiting.events, "event"), counted(tasks, "task"));
            found.ok("queue", format!("{} holds {events} and {tasks}", config.queue.url));
            set_aside(waiting.dead, found);
        }
        Err(error) => found.wrong("queue", format!("{}: {:#}", config.queue.url, anyhow!(error))),
    }
}

fn set_aside(letters: u64, found: &mut Findings) {
    match letters {
        0 => found.ok("set aside", "nothing"),
        _ => found.note("set aside", format!("{}; `gleaner dead list` says why", counted(letters, "message"))),
    }
}

async fn broker(config: &Config, found: &mut Findings) {
    let broker = match app::rabbit(config) {
        Ok(broker) => broker,
        Err(error) => return found.wrong("broker", format!("{error:#}: mend `queue.url` or AMQP_URL")),
    };
    match broker.check_topology().await {
        Ok(differences) => {
            let server = broker.server().await.map_or(String::new(), |server| format!(": {server}"));
            found.ok("broker", format!("{} answers{server}", config.queue.url));
            if differences.is_empty() {
                found.ok("topology", "exchanges and queues are as they should be");
            }
            for difference in differences {
                // The worker makes what is missing, and changes nothing that exists.
                if difference.ends_with("is missing") {
                    found.note("topology", format!("{difference}: `gleaner topology --apply` or the worker makes it"));
                } else {
                    found.wrong("topology", difference);
                }
            }
        }
        Err(error) => found.wrong("broker", format!("{}: {:#}", config.queue.url, anyhow!(error))),
    }
}

fn clock() -> Moment {
    Moment::from_timestamp(Timestamp::now())
}
