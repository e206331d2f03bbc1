//! Tests against what gleaner really stands on. RabbitMQ is taken from AMQP_URL, by default the one on this machine.

mod queue_contract;
