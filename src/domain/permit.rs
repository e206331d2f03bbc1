//! Whether an open task may still be carried out at an instant, by what is known now: asked right before a dial, and by
//! whatever tells people whom to call.
//!
//! Whatever is not certain is refused. What is revoked and why is `decide`'s; here nothing changes.

use std::collections::BTreeMap;

use super::conduct::Entry;
use super::contact::{KeyStatus, Status};
use super::diagnosis;
use super::event::Channel;
use super::fold::place_facts;
use super::givers::Givers;
use super::identity::KeyHash;
use super::lead::Lead;
use super::policy::Policy;
use super::suppression::Suppression;
use super::task::{Class, TaskState};
use super::time::Moment;

pub type Suppressions = BTreeMap<(KeyHash, Channel), Suppression>;

/// Why not: a word for programs and a sentence for people.
#[derive(Debug, PartialEq)]
pub struct Denied(pub &'static str, pub String);

/// Until when the task may be carried out, by what is known now.
///
/// # Errors
/// Why it may not be.
pub fn permit(
    lead: &Lead,
    entry: &Entry,
    suppressions: &Suppressions,
    policy: &Policy,
    now: Moment,
) -> Result<Moment, Denied> {
    is_open(entry)?;
    if entry.expires_at <= now {
        return Err(denied("window_passed", format!("The task expired at {}.", entry.expires_at)));
    }
    is_not_suppressed(lead, entry, suppressions)?;
    is_alive(lead, entry, policy, now)?;
    let until = window_end(lead, entry, policy, now)?;
    Ok(until.min(entry.expires_at))
}

fn is_open(entry: &Entry) -> Result<(), Denied> {
    match entry.state {
        TaskState::Ready => Ok(()),
        TaskState::Held => Err(denied("not_granted", "The task still waits for a partner with capacity.")),
        TaskState::Revoked | TaskState::RevokedUnsent => Err(denied("revoked", "The task was taken back.")),
        TaskState::Done | TaskState::Failed => Err(denied("ended", "An outcome of the task was reported already.")),
        TaskState::Rejected(_) => Err(denied("ended", "The task was rejected.")),
        TaskState::Expired | TaskState::ExpiredUnsent => Err(denied("window_passed", "The task has expired.")),
        TaskState::Observed => Err(denied("observed", "The task was only observed, while nothing was to be sent.")),
    }
}

/// What anybody closed since the task was made, through whatever lead.
fn is_not_suppressed(lead: &Lead, entry: &Entry, rows: &Suppressions) -> Result<(), Denied> {
    let closed = |hash: &KeyHash, channel| rows.get(&(*hash, channel)).is_some_and(Suppression::is_closed);
    let suppressed = |detail: &str| Err(denied("suppressed", detail));
    if entry.class == Class::Partner && lead.hashes.values().any(|hash| closed(hash, Channel::Share)) {
        return suppressed("The lead no longer agrees to be passed on.");
    }
    let (Some(channel), Some(value)) = (entry.channel, &entry.key) else { return Ok(()) };
    match lead.hashes.iter().any(|(key, hash)| key.value == *value && closed(hash, channel)) {
        true => suppressed("The number or address was closed for this channel."),
        false => Ok(()),
    }
}

/// What the facts say about the number or address by now.
fn is_alive(lead: &Lead, entry: &Entry, policy: &Policy, now: Moment) -> Result<(), Denied> {
    let Some(value) = &entry.key else { return Ok(()) };
    let is_dead = |key: &KeyStatus<'_>| key.key.value == *value && key.status == Status::Dead;
    // What colleagues say of the lead says nothing about its numbers.
    match diagnosis::judge(&lead.facts, policy, &Givers::default(), now).keys.iter().any(is_dead) {
        true => Err(denied("bad_number", "The number or address turned out to be dead.")),
        false => Ok(()),
    }
}

/// The end of the legal and staffed window that is open now. Calls and texts have legal hours, an e-mail has none.
fn window_end(lead: &Lead, entry: &Entry, policy: &Policy, now: Moment) -> Result<Moment, Denied> {
    if !matches!(entry.channel, Some(Channel::Call | Channel::Sms)) {
        return Ok(entry.expires_at);
    }
    let facts = place_facts(&lead.facts);
    let legal = policy.law.place(&facts).call_windows(false, now, entry.expires_at).intervals();
    let staffed = policy.desk.staffed(legal);
    let open = staffed.iter().find(|window| window.contains(now));
    open.map(|window| window.until)
        .ok_or_else(|| denied("outside_window", "It is outside the hours in which this lead may be called or texted."))
}

fn denied(reason: &'static str, detail: impl Into<String>) -> Denied {
    Denied(reason, detail.into())
}
