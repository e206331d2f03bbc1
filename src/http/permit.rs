//! `GET /api/tasks/{id}/permit`: whether a task may still be carried out, asked right before dialling or sending.
//!
//! The lead is held while it is looked at, so that an opt-out that is just being committed is waited for and not
//! overlooked. Whatever is not certain is refused: asking again costs nothing, a call too many does.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use uuid::Uuid;

use super::Shared;
use super::answer::Refused;
use crate::domain::conduct::Entry;
use crate::domain::contact::{KeyStatus, Status};
use crate::domain::diagnosis;
use crate::domain::event::Channel;
use crate::domain::fold::place_facts;
use crate::domain::givers::Givers;
use crate::domain::identity::{KeyHash, LeadNo};
use crate::domain::lead::Lead;
use crate::domain::policy::Policy;
use crate::domain::suppression::Suppression;
use crate::domain::task::{Class, TaskState};
use crate::domain::time::Moment;
use crate::queue::Queue;
use crate::reading::ReadError;
use crate::store::{LeadRow, Store, Wanted, WantedMessage};

type Suppressions = BTreeMap<(KeyHash, Channel), Suppression>;

/// Why not: a word for programs and a sentence for people.
#[derive(Debug, PartialEq)]
struct Denied(&'static str, String);

pub async fn permit<S: Store, Q: Queue>(
    State(site): Shared<S, Q>,
    Path(id): Path<String>,
) -> Result<Response, Refused> {
    let parts = site.parts()?;
    let task = Uuid::try_parse(&id)
        .map_err(|_| Refused::new(StatusCode::BAD_REQUEST, "a task id is a UUID, as the task carries it"))?;
    let message = WantedMessage { task: Some(task), ..WantedMessage::default() };
    let (held, loaded) = parts.reader.store.hold(Wanted { messages: vec![message], ..Wanted::default() }).await?;
    // Nothing is changed: dropping what is held gives it back.
    drop(held);
    let now = loaded.now;
    let answer = match lead_of(&loaded.tasks, loaded.leads, task)? {
        Some(lead) => judge(&lead, task, &loaded.suppressions, &parts.reader.policy(), now),
        None => Err(denied("unknown_task", "No open task has this id: it ended long ago, or its lead was forgotten.")),
    };
    Ok(match answer {
        Ok(until) => Json(json!({ "permitted": true, "until": until.to_string() })).into_response(),
        Err(Denied(reason, detail)) => {
            let body = json!({ "permitted": false, "reason": reason, "detail": detail });
            (StatusCode::CONFLICT, Json(body)).into_response()
        }
    })
}

/// The lead whose ledger has the task: of those held (it and those linked to it) the one it belongs to, or its survivor.
fn lead_of(tasks: &BTreeMap<Uuid, LeadNo>, rows: Vec<LeadRow>, task: Uuid) -> Result<Option<Lead>, ReadError> {
    let Some(mut no) = tasks.get(&task).copied() else { return Ok(None) };
    // Merged leads point to their survivor; a chain is as long as there were merges.
    while let Some(into) = rows.iter().find(|row| row.lead_no == no).and_then(|row| row.merged_into) {
        no = into;
    }
    let Some(row) = rows.into_iter().find(|row| row.lead_no == no && !row.erased) else { return Ok(None) };
    let id = row.lead_id;
    Lead::decode(row.lead_no, id, row.linked, &row.state).map(Some).map_err(|why| ReadError::Broken(id, why))
}

/// Until when the task may be carried out, by what is known now.
fn judge(lead: &Lead, task: Uuid, suppressions: &Suppressions, policy: &Policy, now: Moment) -> Result<Moment, Denied> {
    let entry = lead.conduct.ledger.iter().find(|entry| entry.id == task);
    let entry = entry.ok_or_else(|| denied("unknown_task", "The lead has no such task any more."))?;
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
