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
/// gives out what was given back last, which is still in a near cache. Built from this folder
/// it has the settings of `.cargo/config.toml`, else its own, with which it keeps more memory.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;
