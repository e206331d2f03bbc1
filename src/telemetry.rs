//! What an operator watches: the log on standard error, the numbers at `/metrics`, and traces.
//!
//! Only how they are written lives here; what is worth a line or a count is decided where it happens. No number has a
//! lead, an address or an id as a label: labels come from closed sets, so that the count of series is bounded.

mod labels;
mod log;
mod metrics;
mod process;
pub mod trace;
mod traceparent;

pub use labels::{EventOutcome, Peer, PublishOutcome};
pub use log::{LogError, is_filter, start_log};
pub use metrics::Metrics;
pub use traceparent::TraceParent;
