//! Everything that is tested from outside, in one binary. A broker is taken from AMQP_URL, a database from
//! DATABASE_URL, by default those on this machine.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod cli;
mod cluster;
mod embedded;
mod faults;
mod golden;
mod house;
mod http;
mod inbound;
mod order;
mod outages;
mod private;
mod queue_contract;
mod refusals;
mod store_contract;
mod support;
mod words;
