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

/// What a worker needs to do, a clause each ("read the queue gleaner.events"), as far as this user may not or it cannot
/// be asked.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Rights {
    pub missing: Vec<String>,
    /// Of what is not there the broker says only that.
    pub unknown: Vec<String>,
}

impl RabbitMq {
    /// # Errors
    /// Those of a connection.
    pub async fn rights(&self) -> Result<Rights, QueueError> {
        let session = Session::open(&self.shared, "check").await?;
        let names = &self.shared.topology.names;
        let mut rights = Rights::default();
        for queue in [&names.events_queue, &names.dead_queue] {
            let channel = session.channel().await?;
            let answer = session.answer(queue, consume_wrongly(&channel, queue)).await?;
            rights.take(format!("read the queue {queue}"), answer)?;
        }
        for (exchange, key) in [(&names.leads, "lead.captured"), (&names.tasks, "task.review"), (&names.dead, "")] {
            let channel = session.channel().await?;
            let answer = session.answer(exchange, publish_wrongly(&channel, exchange, key)).await?;
            rights.take(format!("write to the exchange {exchange}"), answer)?;
        }
        session.end().await;
        Ok(rights)
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

impl Rights {
    fn take(&mut self, what: String, answer: lapin::Result<()>) -> Result<(), QueueError> {
        let Err(error) = answer else {
            return Err(QueueError::Refused("the broker took a request that it should have refused".to_string()));
        };
        match reply_code(&error) {
            Some(403) => self.missing.push(what),
            Some(404) => self.unknown.push(what),
            Some(406) => {}
            _ => return Err(lost(&error)),
        }
        Ok(())
    }
}
