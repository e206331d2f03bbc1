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
use crate::domain::identity::LeadNo;
use crate::domain::lead::Lead;
use crate::domain::permit::{Denied, permit as judge};
use crate::queue::Queue;
use crate::reading::ReadError;
use crate::store::{LeadRow, Store, Wanted, WantedMessage};

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
        Some(lead) => match lead.conduct.ledger.iter().find(|entry| entry.id == task) {
            Some(entry) => judge(&lead, entry, &loaded.suppressions, &parts.reader.policy(), now),
            None => Err(unknown("The lead has no such task any more.")),
        },
        None => Err(unknown("No open task has this id: it ended long ago, or its lead was forgotten.")),
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

fn unknown(detail: &str) -> Denied {
    Denied("unknown_task", detail.to_owned())
}
