//! What crosses the border: messages in become events of the core, tasks and lead records go out, and the schemas say
//! what messages look like.
//!
//! Pure like the core, but it may know formats (JSON, CloudEvents, phone numbers). It knows neither broker nor store.

pub mod inbound;
pub mod outbound;
pub mod phone;
pub mod record;
pub mod schema;
