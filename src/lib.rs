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

/// A decision makes and drops many small values; glibc's allocator took a fifth of its time (`benches/decide`). This one
/// gives out what was given back last, which is still in a near cache. Its settings are in `.cargo/config.toml`.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;
