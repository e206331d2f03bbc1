//! The topology at a broker: making what is missing, and telling what differs.
//!
//! The worker declares at every new connection that may need it; `gleaner topology` also checks. Nothing is ever
//! deleted, and a queue that exists with other arguments is reported, not replaced: that is a person's decision.

use std::collections::BTreeMap;
use std::fmt;

use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, ExchangeKind};

use super::session::{Session, lost, reply_code, short};
use super::topology::{Argument, Binding, Exchange, QueueSpec, Topology};
use crate::queue::QueueError;

/// Makes what is missing, on a channel of its own. What exists alike is left alone.
///
/// # Errors
/// [`QueueError::Refused`] where something exists with other arguments or the user may not configure the broker.
pub async fn declare(topology: &Topology, session: &Session) -> Result<(), QueueError> {
    let channel = session.channel().await?;
    for exchange in &topology.exchanges {
        let what = format!("exchange {}", exchange.name);
        accepted(&what, session.answer(&what, declare_exchange(&channel, exchange, false)).await?)?;
    }
    for queue in &topology.queues {
        let what = format!("queue {}", queue.name);
        accepted(&what, session.answer(&what, declare_queue(&channel, queue, false)).await?)?;
    }
    for Binding { exchange, queue, routing_key: key } in &topology.bindings {
        let what = format!("the binding of {queue} to {exchange}");
        let options = QueueBindOptions::default();
        let bind = channel.queue_bind(short(queue), short(exchange), short(key), options, FieldTable::default());
        accepted(&what, session.answer(&what, bind).await?)?;
    }
    for Binding { exchange, queue, routing_key: key } in &topology.unbindings {
        let what = format!("the binding of {queue} to {exchange}");
        let unbind = channel.queue_unbind(short(queue), short(exchange), short(key), FieldTable::default());
        accepted(&what, session.answer(&what, unbind).await?)?;
    }
    Ok(())
}

/// What differs: exchanges and queues that are missing or exist otherwise, and what this user may not declare, so that
/// its settings cannot be compared. The broker names one argument a queue at a time. Bindings cannot be read over AMQP:
/// declaring makes them, where they are missing.
///
/// # Errors
/// Those of the connection.
pub async fn check(topology: &Topology, session: &Session) -> Result<Vec<Difference>, QueueError> {
    let mut found = Vec::new();
    // Asking passively says only whether it is there; declaring it then says whether it is the same. Every refusal
    // closes its channel, so each exchange and queue gets a fresh one.
    for exchange in &topology.exchanges {
        let (what, channel) = (format!("exchange {}", exchange.name), session.channel().await?);
        let mut answer = session.answer(&what, declare_exchange(&channel, exchange, true)).await?;
        if answer.is_ok() {
            answer = session.answer(&what, declare_exchange(&channel, exchange, false)).await?;
        }
        found.extend(difference(what, answer)?);
    }
    for queue in &topology.queues {
        let (what, channel) = (format!("queue {}", queue.name), session.channel().await?);
        let mut answer = session.answer(&what, declare_queue(&channel, queue, true)).await?;
        if answer.is_ok() {
            answer = session.answer(&what, declare_queue(&channel, queue, false)).await?;
        }
        found.extend(difference(what, answer)?);
    }
    Ok(found)
}

/// One way in which a broker is not as it should be. Displayed as the beginning of a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    Missing(String),
    /// What it is, and the broker's words about it.
    Otherwise(String, String),
    /// It is there; this user may not declare it, so the broker does not compare.
    Forbidden(String),
}

impl Difference {
    /// What is missing, where that is the difference.
    pub fn missing(&self) -> Option<&str> {
        match self {
            Difference::Missing(what) => Some(what),
            Difference::Otherwise(..) | Difference::Forbidden(_) => None,
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Difference::Missing(what) => write!(f, "{what} is missing"),
            Difference::Otherwise(what, words) => write!(f, "{what} exists with other settings: {words}"),
            Difference::Forbidden(what) => write!(f, "{what} is there, but this user may not declare it"),
        }
    }
}

async fn declare_exchange(channel: &Channel, exchange: &Exchange, passive: bool) -> lapin::Result<()> {
    let options = ExchangeDeclareOptions { passive, durable: true, ..Default::default() };
    let kind = if exchange.kind == "fanout" { ExchangeKind::Fanout } else { ExchangeKind::Topic };
    channel.exchange_declare(short(&exchange.name), kind, options, table(&exchange.arguments)).await
}

async fn declare_queue(channel: &Channel, queue: &QueueSpec, passive: bool) -> lapin::Result<()> {
    let options = QueueDeclareOptions { passive, durable: true, ..Default::default() };
    channel.queue_declare(short(&queue.name), options, table(&queue.arguments)).await.map(|_| ())
}

fn table(arguments: &BTreeMap<&'static str, Argument>) -> FieldTable {
    let mut table = FieldTable::default();
    for (name, value) in arguments {
        let value = match value {
            Argument::Number(number) => AMQPValue::LongLongInt(*number),
            Argument::Text(text) => AMQPValue::LongString(text.as_str().into()),
        };
        table.insert(short(name), value);
    }
    table
}

/// Says what a person must do where the broker refuses a declaration.
fn accepted(what: &str, answer: lapin::Result<()>) -> Result<(), QueueError> {
    let Err(error) = answer else { return Ok(()) };
    Err(match reply_code(&error) {
        Some(406) => QueueError::Refused(format!(
            "{what} exists with other settings ({}); `gleaner topology` shows the difference; take back the change of \
             settings here, or delete it at the broker when it is empty and let it be made anew",
            told(&error)
        )),
        Some(403) => QueueError::Refused(format!(
            "{what} may not be declared by this user ({}); give it the rights to configure and to read it, or have `gleaner topology` \
             applied by somebody who has it and switch declaring off here",
            told(&error)
        )),
        Some(402 | 405 | 503 | 530 | 540) => QueueError::Refused(format!("{what}: {}", told(&error))),
        _ => lost(&error),
    })
}

fn difference(what: String, answer: lapin::Result<()>) -> Result<Option<Difference>, QueueError> {
    let Err(error) = answer else { return Ok(None) };
    match reply_code(&error) {
        Some(404) => Ok(Some(Difference::Missing(what))),
        Some(406) => Ok(Some(Difference::Otherwise(what, told(&error)))),
        Some(403) => Ok(Some(Difference::Forbidden(what))),
        _ => Err(lost(&error)),
    }
}

/// The broker's own words, without its code word in front.
fn told(error: &lapin::Error) -> String {
    let words = match error.kind() {
        lapin::ErrorKind::ProtocolError(error) => error.get_message().to_string(),
        _ => error.to_string(),
    };
    words.split_once(" - ").map_or(words.clone(), |(_, rest)| rest.to_string())
}
