//! What a user may do at the broker, found out without doing it: for `gleaner check`.
//!
//! The broker looks at the right first and at the request after that. So each request here is one that it must refuse:
//! 406 says that the right is there, 403 that it is not. Nothing is consumed, nothing is sent.

use lapin::options::{BasicConsumeOptions, BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel};

use super::RabbitMq;
use super::session::{Session, lost, reply_code, short};
use crate::queue::QueueError;

impl RabbitMq {
    /// What a worker needs to do and this user may not, a clause each ("read the queue gleaner.events"). What is not
    /// there is left out.
    ///
    /// # Errors
    /// Those of a connection.
    pub async fn missing_rights(&self) -> Result<Vec<String>, QueueError> {
        let session = Session::open(&self.shared, "check").await?;
        let names = &self.shared.topology.names;
        let mut missing = Vec::new();
        for queue in [&names.events_queue, &names.dead_queue] {
            let channel = session.channel().await?;
            if is_refused(session.answer(queue, consume_wrongly(&channel, queue)).await?)? {
                missing.push(format!("read the queue {queue}"));
            }
        }
        for (exchange, key) in [(&names.leads, "lead.captured"), (&names.tasks, "task.review"), (&names.dead, "")] {
            let channel = session.channel().await?;
            if is_refused(session.answer(exchange, publish_wrongly(&channel, exchange, key)).await?)? {
                missing.push(format!("write to the exchange {exchange}"));
            }
        }
        session.end().await;
        Ok(missing)
    }
}

/// A priority is a number.
async fn consume_wrongly(channel: &Channel, queue: &str) -> lapin::Result<()> {
    let mut arguments = FieldTable::default();
    arguments.insert(short("x-priority"), AMQPValue::LongString("none".into()));
    channel.basic_consume(short(queue), short(""), BasicConsumeOptions::default(), arguments).await.map(drop)
}

/// A length of time is not negative.
async fn publish_wrongly(channel: &Channel, exchange: &str, routing_key: &str) -> lapin::Result<()> {
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let properties = BasicProperties::default().with_expiration(short("-1"));
    let options = BasicPublishOptions::default();
    channel.basic_publish(short(exchange), short(routing_key), options, b"", properties).await?.await.map(drop)
}

fn is_refused(answer: lapin::Result<()>) -> Result<bool, QueueError> {
    let Err(error) = answer else {
        return Err(QueueError::Refused("the broker took a request that it should have refused".to_string()));
    };
    match reply_code(&error) {
        Some(403) => Ok(true),
        // Not there is told by the comparison of the topology.
        Some(404 | 406) => Ok(false),
        _ => Err(lost(&error)),
    }
}
