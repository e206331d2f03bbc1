//! `gleaner split LEAD KEY`: two people that were merged are told apart, from the history of what was received.
//!
//! Refused where the history does not hold every event of the lead any more: facts would be lost. Here only the facts and keys are divided; the
//! workers then decide on both leads, and take back what is open on a number or address that turned out to be the other's.

use std::io::Write;

use anyhow::{Context, Result, bail};
use serde_json::json;
use uuid::Uuid;

use super::{Output, counted};
use crate::domain::event::Event;
use crate::domain::identity::Key;
use crate::domain::lead::Lead;
use crate::domain::split::{Division, divide};
use crate::reading::{Found, Reader};
use crate::store::{Lease, Store, StoreError, Wanted, WantedMessage};
use crate::wire::inbound::{Envelope, Inbound, decode};
use crate::worker::load::{changes, working_set};

/// More events than a lead is expected to have; what it holds in memory is bounded by this.
const MAX_EVENTS: usize = 50_000;
/// Whole retries where workers changed the lead meanwhile.
const TRIES: usize = 10;

/// Gives the key, and the events that it is the strongest key of, to a lead of their own.
///
/// # Errors
/// There is no such lead, it does not carry the key, its history is incomplete, its events do not tell two people
/// apart, or the database does not answer.
pub async fn run<S: Store>(
    reader: &Reader<S>,
    inbound: &Inbound,
    lead: &str,
    key: &str,
    output: Output,
    out: &mut impl Write,
) -> Result<()> {
    for _ in 0..TRIES {
        let old = match reader.find(lead).await.context("cannot look the lead up")? {
            Found::Lead(lead) => lead,
            Found::Erased => bail!("this person asked to be forgotten"),
            Found::Nobody => bail!("no lead has the id or key {lead:?}"),
        };
        let named = reader.keys_named(key).into_iter().find(|key| old.facts.keys.contains_key(key));
        let Some(named) = named else { bail!("the lead does not carry the key {key:?}") };
        let events = history(reader, inbound, &old).await?;
        let division = divide(&events, &named)?;
        if let Some(new) = commit(reader, &old, &events, &division).await? {
            return tell(&old, new, &named, &division, output, out);
        }
    }
    bail!("the lead is being changed all the time; try again")
}

/// Every event of the lead, in the order of their times.
async fn history<S: Store>(reader: &Reader<S>, inbound: &Inbound, lead: &Lead) -> Result<Vec<Event>> {
    let rows = reader.store.history(lead.no, MAX_EVENTS).await?;
    let (kept, seen) = (rows.len() as u64, lead.facts.events);
    if kept < seen {
        let kept = counted(kept, "event");
        bail!(
            "only {kept} of this lead's {seen} are still in the history (`history.keep`), so that it cannot be told apart without losing facts"
        );
    }
    // What was accepted once is not refused for its age now.
    let settings = Inbound { max_ahead: None, require_time: false, ..inbound.clone() };
    let mut events = Vec::with_capacity(rows.len());
    for row in rows {
        let envelope = Envelope { timestamp_ms: Some(row.at.0), ..Envelope::bare(&row.body) };
        match decode(&envelope, row.at, &settings) {
            Ok(event) => events.push(event),
            Err(refusal) => bail!("an event of {} in the history cannot be read any more: {}", row.at, refusal.detail),
        }
    }
    events.sort_by(|a, b| (a.at, &a.source, &a.id).cmp(&(b.at, &b.source, &b.id)));
    Ok(events)
}

/// The new lead's id; `None` where the lead was changed since it was read.
async fn commit<S: Store>(
    reader: &Reader<S>,
    old: &Lead,
    events: &[Event],
    division: &Division,
) -> Result<Option<Uuid>> {
    let env = reader.env.borrow().clone();
    let by_key = |hash| WantedMessage { keys: vec![hash], ..WantedMessage::default() };
    let mut messages: Vec<WantedMessage> = old.hashes.values().copied().map(by_key).collect();
    // It names nobody: for it the store gives the number of the new lead.
    messages.push(WantedMessage::default());
    let (held, loaded) = match reader.store.hold(Wanted { messages, leads: [old.no].into(), ..Wanted::default() }).await
    {
        Err(StoreError::Contended) => return Ok(None),
        held => held?,
    };
    let now = loaded.now;
    let mut set = working_set(loaded)?;
    if set.lead(old.no).is_none_or(|lead| lead.id != old.id || lead.conduct.version != old.conduct.version) {
        return Ok(None);
    }
    let new = set.split(old.no, events, division, &env, now).context("the database gave no number for a new lead")?;
    let id = set.lead(new).map(|lead| lead.id);
    let net = set.take();
    let changes = changes(&set, net, now);
    let lease = Lease { lessee: Uuid::nil(), length: std::time::Duration::ZERO, hand: false };
    match reader.store.commit(held, changes, lease).await {
        Err(StoreError::Contended) => Ok(None),
        done => done.map(|()| id).map_err(Into::into),
    }
}

fn tell(old: &Lead, new: Uuid, key: &Key, division: &Division, output: Output, out: &mut impl Write) -> Result<()> {
    let names = |keys: &std::collections::BTreeSet<Key>| -> Vec<String> {
        keys.iter().map(|key| format!("{}:{}", key.kind.name(), key.value)).collect()
    };
    let (left, both) = (names(&division.keys_leaving), names(&division.keys_shared));
    if output != Output::Table {
        let (stayed, leaving) = (division.staying.len(), division.leaving.len());
        let told = json!({ "lead_id": old.id, "events": stayed, "new_lead_id": new, "new_events": leaving, "keys": left, "shared_keys": both });
        writeln!(out, "{told}")?;
        return Ok(());
    }
    let count = |side: &[usize]| counted(side.len() as u64, "event");
    writeln!(out, "Told apart by {}:{}.", key.kind.name(), key.value)?;
    writeln!(out, "  {}  keeps {}", old.id, count(&division.staying))?;
    writeln!(
        out,
        "  {new}  is new, with {}{}",
        count(&division.leaving),
        if left.is_empty() { String::new() } else { format!(" and {}", left.join(", ")) }
    )?;
    if !both.is_empty() {
        writeln!(out, "Both name {}; caps and closings on it hold for the two together.", both.join(", "))?;
    }
    writeln!(
        out,
        "They are never merged again. The workers judge both anew and take back what was sent to the wrong one."
    )?;
    Ok(())
}
