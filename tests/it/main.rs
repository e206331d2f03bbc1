//! Everything that is tested from outside, in one binary. A broker is taken from AMQP_URL, a database from
//! DATABASE_URL, by default those on this machine.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod audit;
mod cli;
mod cluster;
mod colleagues;
mod contact;
mod embedded;
mod faults;
mod following_up;
mod golden;
mod hostile;
mod house;
mod http;
mod inbound;
mod interfaces;
mod obstacles;
mod occasions;
mod order;
mod outages;
mod private;
mod queue_contract;
mod queues;
mod refusals;
mod reviews;
mod rights;
mod said_and_meant;
mod schemas;
mod split;
mod store_contract;
mod support;
mod tls;
mod traces;
mod unanswered;
mod watching;
mod whole_life;
mod words;
