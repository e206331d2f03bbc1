//! How a request is refused: a status and one sentence, as JSON.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::queue::QueueError;
use crate::reading::ReadError;
use crate::store::StoreError;

/// Seconds after which asking again is worth while: the pauses of our own reconnecting are of that size.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("5");

#[derive(Debug)]
pub struct Refused {
    status: StatusCode,
    error: String,
}

impl Refused {
    pub fn new(status: StatusCode, error: impl Into<String>) -> Refused {
        Refused { status, error: error.into() }
    }

    /// Not now, but perhaps soon: 503 with `Retry-After`.
    pub fn later(error: impl Into<String>) -> Refused {
        Refused::new(StatusCode::SERVICE_UNAVAILABLE, error)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(json!({ "error": self.error }))).into_response();
        let headers = response.headers_mut();
        match self.status {
            StatusCode::SERVICE_UNAVAILABLE => drop(headers.insert(header::RETRY_AFTER, RETRY_AFTER)),
            StatusCode::UNAUTHORIZED => {
                drop(headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")));
            }
            _ => {}
        }
        response
    }
}

/// The causes are the operator's to read; whoever asks learns that it is not their fault.
impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Refused {
        tracing::warn!("a request cannot be answered: {:#}", anyhow::Error::from(error));
        Refused::later("the database does not answer now")
    }
}

impl From<ReadError> for Refused {
    fn from(error: ReadError) -> Refused {
        match error {
            ReadError::Store(error) => error.into(),
            ReadError::Broken(id, why) => {
                tracing::error!(lead = %id, "a stored lead cannot be read: {why}");
                Refused::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "the lead is there and cannot be read; the log says why",
                )
            }
        }
    }
}

impl From<QueueError> for Refused {
    fn from(error: QueueError) -> Refused {
        tracing::warn!("a request cannot be answered: {:#}", anyhow::Error::from(error));
        Refused::later("the queue does not answer now")
    }
}
