//! What `gleaner check` asks the database: schema, clock, key, outbox; and of a server, what its role may do there.

use anyhow::anyhow;
use jiff::Timestamp;

use super::{Findings, counted, sentence};
use crate::app::{self, Fit};
use crate::config::{Config, DEFAULT_DATABASE, Profile};
use crate::control::{self, AppliedPolicy, Pauses};
use crate::domain::time::Moment;
use crate::store::postgres::{Postgres, Standing};
use crate::store::{OutboxState, Store, StoreError};

/// Clocks further apart than this are wrong: due times are the database's, receipt is this machine's, and an event five
/// minutes ahead of receipt is refused.
const SKEW_WRONG_MS: u64 = 60_000;
/// Worth a remark: leases and windows are kept to the second.
const SKEW_REMARKED_MS: u64 = 2_000;

pub async fn check<S: Store>(config: &Config, store: &S, found: &mut Findings) {
    let before = clock();
    let info = match store.info().await {
        Ok(info) => info,
        Err(error) => return unreachable(config, error, found),
    };
    if config.store.url.expose() == DEFAULT_DATABASE {
        found.note("database", DEFAULTED);
    }
    found.ok("database", format!("{} answers; schema version {}", config.store.url, info.schema_version));
    if config.profile == Profile::Production {
        // It read its clock somewhere between our two readings.
        let here = Moment(before.0.midpoint(clock().0));
        clocks((info.now - config.clock.offset - here).0, found);
    }
    key_fits(config, store, found).await;
    outbox(store, found).await;
    obeyed(config, store, found).await;
}

const DEFAULTED: &str = "this is the default address: neither DATABASE_URL nor `store.url` is set here";

/// Why it does not answer, and what to do about that.
pub fn unreachable(config: &Config, error: StoreError, found: &mut Findings) {
    if config.store.url.expose() == DEFAULT_DATABASE {
        found.note("database", DEFAULTED);
    }
    let remedy = if error.is_transient() { "is it running, and is the address right?" } else { "" };
    let says = format!("{}: {}. {remedy}", config.store.url, sentence(&anyhow!(error)));
    found.wrong("database", says.trim_end());
}

/// What all workers obey, whatever stands in their configuration.
async fn obeyed<S: Store>(config: &Config, store: &S, found: &mut Findings) {
    match control::read::<Pauses>(store).await {
        Ok((_, pauses)) => {
            let queues: Vec<&str> = pauses.queues.keys().map(String::as_str).collect();
            if let Some(since) = pauses.all {
                found.note("paused", format!("everything, since {since}: `gleaner resume` ends it"));
            }
            if !queues.is_empty() {
                found.note("paused", format!("the queues {}: `gleaner resume QUEUE` ends it", queues.join(", ")));
            }
            if pauses == Pauses::default() {
                found.ok("paused", "nothing");
            }
        }
        Err(error) => found.wrong("paused", sentence(&anyhow!(error))),
    }
    match control::read::<AppliedPolicy>(store).await {
        Ok((_, applied)) => match applied.read(config.contact.fictional) {
            Some(Ok(policy)) => {
                found.note("policy", format!("{} was applied to all workers and is the one in force", policy.hash))
            }
            Some(Err(faults)) => found.wrong(
                "policy",
                format!("the one that was applied to all workers cannot be read by this gleaner: {}", faults.join(" ")),
            ),
            None => {}
        },
        Err(error) => found.wrong("policy", sentence(&anyhow!(error))),
    }
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
        (Err(error), _) => found.wrong("leads", format!("they cannot be read: {}", sentence(&anyhow!(error)))),
    }
}

/// Tasks that wait to be published: some always may, unroutable ones want a person.
async fn outbox<S: Store>(store: &S, found: &mut Findings) {
    let depth = match store.outbox_depth().await {
        Ok(depth) => depth,
        Err(error) => return found.wrong("outbox", format!("it cannot be read: {}", sentence(&anyhow!(error)))),
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

/// What only a server has.
pub async fn server(config: &Config, store: &Postgres, found: &mut Findings) {
    match store.standing().await {
        Ok(standing) => standings(&standing, config.store.max_connections, found),
        // Where it does not answer at all, that was said.
        Err(error) if error.is_transient() => {}
        Err(error) => found.wrong("database role", format!("it cannot be asked: {}", sentence(&anyhow!(error)))),
    }
}

fn standings(standing: &Standing, wanted: u32, found: &mut Findings) {
    let Standing { version, role, .. } = standing;
    match standing.missing.as_slice() {
        [] => found.ok("database role", format!("PostgreSQL {version}; {role} may do what a worker does")),
        missing => found.wrong(
            "database role",
            format!("PostgreSQL {version}; {role} lacks {}: grant it, as docs/roles.sql does", missing.join(", ")),
        ),
    }
    if standing.is_owner {
        let says =
            format!("{role} owns the tables; a worker needs less: give it a role of its own, as docs/roles.sql does");
        found.note("database role", says);
    }
    if standing.is_read_only {
        found.wrong(
            "database role",
            "it takes no writes (a standby, or set read only): give the address of the primary",
        );
    }
    if standing.synchronous_commit == "off" {
        found.wrong(
            "durability",
            "synchronous_commit is off: events that were acknowledged would be lost in a crash of the server; set it to on",
        );
    }
    if !standing.is_encrypted && !standing.is_local {
        found.note(
            "encryption",
            "the way to the database leads over a network and is not encrypted: add ?sslmode=verify-full to its address",
        );
    }
    let (most, others) = (standing.connections, standing.connected);
    let says =
        format!("`store.max_connections` is {wanted} for each worker; the server has {most}, {others} of them taken");
    if i64::from(wanted) > most {
        found.wrong("connections", format!("{says}: lower the one or raise max_connections of the server"));
    } else {
        found.ok("connections", format!("{says}: room for {} workers in all", most / i64::from(wanted)));
    }
}

fn clock() -> Moment {
    Moment::from_timestamp(Timestamp::now())
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    fn healthy() -> Standing {
        Standing {
            version: "17.6".into(),
            connections: 97,
            connected: 12,
            is_read_only: false,
            is_encrypted: true,
            is_local: false,
            synchronous_commit: "on".into(),
            role: "gleaner".into(),
            is_owner: false,
            missing: Vec::new(),
        }
    }

    fn said(standing: &Standing) -> Vec<(State, String)> {
        let mut found = Findings::default();
        standings(standing, 20, &mut found);
        found.0.into_iter().map(|finding| (finding.state, finding.says)).collect()
    }

    #[test]
    fn a_server_that_is_as_it_should_be_is_said_to_have_room() {
        let said = said(&healthy());
        assert!(said.iter().all(|(state, _)| *state == State::Ok), "{said:?}");
        assert!(said[1].1.ends_with("the server has 97, 12 of them taken: room for 4 workers in all"), "{said:?}");
    }

    #[test]
    fn what_keeps_a_worker_from_working_is_wrong_and_the_remedy_is_told() {
        let missing = Standing { missing: vec!["UPDATE on leads".into()], ..healthy() };
        let read_only = Standing { is_read_only: true, ..healthy() };
        let forgetful = Standing { synchronous_commit: "off".into(), ..healthy() };
        let small = Standing { connections: 19, ..healthy() };
        for (standing, words) in [
            (missing, "gleaner lacks UPDATE on leads: grant it"),
            (read_only, "give the address of the primary"),
            (forgetful, "set it to on"),
            (small, "raise max_connections"),
        ] {
            let said = said(&standing);
            let wrong: Vec<_> = said.iter().filter(|(state, _)| *state == State::Wrong).collect();
            assert!(wrong.len() == 1 && wrong[0].1.contains(words), "{said:?}");
        }
        let plain = said(&Standing { is_encrypted: false, ..healthy() });
        assert!(plain.iter().any(|(state, says)| *state == State::Note && says.contains("sslmode=verify-full")));
        let owner = said(&Standing { is_owner: true, ..healthy() });
        assert!(owner.iter().any(|(state, says)| *state == State::Note && says.contains("a role of its own")));
        assert_eq!(said(&Standing { is_encrypted: false, is_local: true, ..healthy() }).len(), 2);
    }

    #[test]
    fn clocks_may_differ_by_a_little() {
        let state = |ahead| {
            let mut found = Findings::default();
            clocks(ahead, &mut found);
            found.0[0].state
        };
        assert_eq!([state(-900), state(1999)], [State::Ok; 2]);
        assert_eq!([state(2000), state(-59_999)], [State::Note; 2]);
        assert_eq!([state(60_000), state(-3_600_000)], [State::Wrong; 2]);
    }
}
