//! Tasks over HTTP, in the embedded profile: a desk fetches some under a lease, does them, and settles each.
//!
//! What is not settled when its lease ends is handed out again: at least once, as with a broker.

use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::answer::Refused;
use super::{Pull, Shared, Site};
use crate::queue::{Queue, QueueError};
use crate::store::Store;

/// Tasks in one answer: a task has about 3 kB.
const MAX_TASKS: usize = 1000;
/// Seconds that a task may be kept: a day.
const MAX_LEASE: u64 = 86_400;

#[derive(Debug, Deserialize)]
pub struct Wish {
    #[serde(default = "hundred")]
    limit: usize,
    /// Seconds.
    #[serde(default = "minute")]
    lease: u64,
}

fn hundred() -> usize {
    100
}
fn minute() -> u64 {
    60
}

pub async fn lease<S: Store, Q: Queue>(
    State(site): Shared<S, Q>,
    Path(suffix): Path<String>,
    wish: Result<Query<Wish>, QueryRejection>,
) -> Result<Response, Refused> {
    let pull = pull(&site)?;
    let wrong = || {
        let why = format!("limit is a number from 1 to {MAX_TASKS}, lease one of seconds from 1 to {MAX_LEASE}");
        Refused::new(StatusCode::BAD_REQUEST, why)
    };
    let Query(Wish { limit, lease }) = wish.map_err(|_| wrong())?;
    if !(1..=MAX_TASKS).contains(&limit) || !(1..=MAX_LEASE).contains(&lease) {
        return Err(wrong());
    }
    let now = site.parts()?.clock();
    let tasks = (pull.lease)(suffix, limit, Duration::from_secs(lease), now).await.map_err(no_such_queue)?;
    let mut body = Vec::from(b"{\"tasks\":[");
    for (index, (_, task)) in tasks.iter().enumerate() {
        if index > 0 {
            body.push(b',');
        }
        // A body is JSON already, and stays the bytes that it is.
        body.extend_from_slice(task);
    }
    body.extend_from_slice(b"]}");
    Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}

pub async fn settle<S: Store, Q: Queue>(
    State(site): Shared<S, Q>,
    Path((suffix, id)): Path<(String, String)>,
) -> Result<StatusCode, Refused> {
    (pull(&site)?.settle)(suffix, id).await.map_err(no_such_queue)?;
    Ok(StatusCode::NO_CONTENT)
}

fn pull<S: Store, Q: Queue>(site: &Site<S, Q>) -> Result<&Pull, Refused> {
    let why = "in the production profile tasks are consumed from the broker, not fetched here";
    site.parts()?.pull.as_ref().ok_or_else(|| Refused::new(StatusCode::NOT_FOUND, why))
}

/// The local queue refuses nothing but a queue that does not exist.
fn no_such_queue(error: QueueError) -> Refused {
    match error {
        QueueError::Refused(why) => Refused::new(StatusCode::NOT_FOUND, why),
        other => other.into(),
    }
}
