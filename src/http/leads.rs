//! `GET /api/leads/{lead_id or key}`: the lead's record as of now.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;

use super::Shared;
use super::answer::Refused;
use crate::queue::Queue;
use crate::reading::Found;
use crate::store::Store;
use crate::wire::record::LeadRecord;

pub async fn lead<S: Store, Q: Queue>(
    State(site): Shared<S, Q>,
    Path(key): Path<String>,
) -> Result<Json<LeadRecord>, Refused> {
    let reader = &site.parts()?.reader;
    match reader.find(&key).await? {
        Found::Lead(lead) => Ok(Json(reader.record(&lead, reader.now().await?).await?)),
        Found::Erased => Err(Refused::new(StatusCode::GONE, "this person asked to be forgotten")),
        Found::Nobody => {
            let why = "no lead has this id or key (a key is given as email:…, phone:…, id:…, visitor:…, or bare)";
            Err(Refused::new(StatusCode::NOT_FOUND, why))
        }
    }
}
