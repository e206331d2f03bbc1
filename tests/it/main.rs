//! Everything that is tested from outside, in one binary.

mod golden;
mod inbound;
mod queue_contract;
mod support;
