//! Tests against what gleaner really stands on. RabbitMQ is taken from AMQP_URL, by default the one on this machine.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod queue_contract;
