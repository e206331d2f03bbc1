//! gleaner: a background worker for sales leads. A lead is not bad until we know why.
//!
//! The table of contents; ARCHITECTURE.md walks one message through it.

pub mod domain;
pub mod store;
