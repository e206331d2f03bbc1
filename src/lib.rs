//! gleaner: a background worker for sales leads. A lead is not bad until we know why.
//!
//! The table of contents; ARCHITECTURE.md walks one message through it.

pub mod app;
pub mod cli;
pub mod commands;
pub mod config;
pub mod control;
pub mod domain;
pub mod http;
pub mod queue;
pub mod reading;
pub mod replay;
pub mod store;
pub mod telemetry;
pub mod wire;
pub mod worker;

/// A decision makes and drops many small values; glibc's allocator took a fifth of its time (`benches/decide`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
