//! Walking over what was set aside: looking at it, sending it back where it came from, throwing it away.
//!
//! A look is a delivery that is given back; the dead queue allows a million of them for each message.

use lapin::options::{BasicAckOptions, BasicGetOptions, BasicNackOptions};

use super::publish::Publisher;
use super::session::{Session, lost, reply_code, short};
use super::window::Outgoing;
use super::{Shared, properties};
use crate::queue::{DeadAction, DeadLetterView, QueueError};

pub async fn visit(
    shared: &Shared,
    publisher: &Publisher,
    limit: usize,
    choose: &mut (dyn FnMut(&DeadLetterView) -> DeadAction + Send),
) -> Result<usize, QueueError> {
    let session = Session::open(shared, "dead letters").await?;
    // Where this fails the session is dropped, and what was fetched goes back by itself.
    let seen = walk(shared, publisher, &session, limit, choose).await?;
    session.end().await;
    Ok(seen)
}

async fn walk(
    shared: &Shared,
    publisher: &Publisher,
    session: &Session,
    limit: usize,
    choose: &mut (dyn FnMut(&DeadLetterView) -> DeadAction + Send),
) -> Result<usize, QueueError> {
    let queue = &shared.topology.names.dead_queue;
    let channel = session.channel().await?;
    let (mut seen, mut last_kept) = (0, None);
    while seen < limit {
        let get = channel.basic_get(short(queue), BasicGetOptions::default());
        let got = session.answer(queue, get).await?.map_err(|error| match reply_code(&error) {
            Some(404) => QueueError::Refused(format!("there is no queue {queue}; `gleaner topology` can make it")),
            Some(403) => QueueError::Refused(format!("this user may not read the queue {queue}")),
            _ => lost(&error),
        })?;
        let Some(message) = got else { break };
        let dead = message.delivery;
        let (original, meta) =
            properties::original(&dead.properties, dead.exchange.as_str(), dead.routing_key.as_str());
        let view = DeadLetterView { body: dead.data, meta, refusal: properties::refusal(&dead.properties) };
        seen += 1;
        match choose(&view) {
            DeadAction::Keep => {
                // Held until the end: given back at once it would be the next one fetched.
                last_kept = Some(dead.delivery_tag);
                continue;
            }
            DeadAction::Replay => {
                let back = Outgoing {
                    exchange: &view.meta.exchange,
                    routing_key: &view.meta.routing_key,
                    body: &view.body,
                    properties: original,
                };
                publisher.all_there(&[back], "replayed messages", publisher.deadline()).await?;
            }
            DeadAction::Drop => {}
        }
        let ack = dead.acker.ack(BasicAckOptions::default());
        if !session.answer("an acknowledgement", ack).await?.map_err(|error| lost(&error))? {
            return Err(QueueError::SessionLost("the channel closed before the acknowledgement".to_string()));
        }
    }
    if let Some(tag) = last_kept {
        // One frame for all: what was replayed or dropped is settled already.
        let back = channel.basic_nack(tag, BasicNackOptions { multiple: true, requeue: true });
        session.answer("what is given back", back).await?.map_err(|error| lost(&error))?;
    }
    Ok(seen)
}
