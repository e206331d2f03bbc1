//! One window of messages on one confirming channel, and what became of each.
//!
//! lapin hands a returned message over with some confirm of the channel, not with its own. So returns are matched by
//! their message id, and nothing counts as taken until every confirm of the window is in.

use std::collections::HashSet;

use futures_util::stream::{FuturesUnordered, StreamExt};
use lapin::options::BasicPublishOptions;
use lapin::{BasicProperties, Channel, Confirmation};
use tokio::time::{Instant, timeout_at};

use super::session::{lost, reply_code, short};
use crate::queue::QueueError;

/// A message on its way.
pub struct Outgoing<'a> {
    pub exchange: &'a str,
    pub routing_key: &'a str,
    pub body: &'a [u8],
    pub properties: BasicProperties,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Taken,
    /// No queue was bound for it.
    Returned,
    Nacked,
    Unknown,
}

/// What became of a window, in its order.
pub struct Window {
    pub fates: Vec<Fate>,
    /// Why some are unknown. The channel must not be used again.
    pub lost: Option<QueueError>,
    /// It was lost because the exchange is not there.
    pub missing: bool,
}

/// Publishes all, then waits for all confirms, until `until` at the latest.
pub async fn send(channel: &Channel, outgoing: &[Outgoing<'_>], until: Instant) -> Window {
    // Each future writes its frames when first polled, which happens in this order; the confirms come as they come.
    let mut confirms: FuturesUnordered<_> = outgoing
        .iter()
        .enumerate()
        .map(|(place, message)| async move { (place, confirmed(channel, message).await) })
        .collect();
    let mut fates = vec![Fate::Unknown; outgoing.len()];
    let mut returned = HashSet::new();
    let mut nameless_returns = false;
    let (mut why, mut missing) = (None, false);
    loop {
        match timeout_at(until, confirms.next()).await {
            Ok(Some((place, Ok(confirmation)))) => {
                fates[place] = if confirmation.is_nack() { Fate::Nacked } else { Fate::Taken };
                if let Some(message) = confirmation.take_message() {
                    match message.properties.message_id() {
                        Some(id) => drop(returned.insert(id.clone())),
                        None => nameless_returns = true,
                    }
                }
            }
            Ok(Some((_, Err(error)))) => {
                missing |= reply_code(&error) == Some(404);
                why.get_or_insert_with(|| lost(&error));
            }
            Ok(None) => break,
            Err(_) => {
                why.get_or_insert_with(|| QueueError::SessionLost("a confirm did not come in time".to_string()));
                break;
            }
        }
    }
    for (fate, message) in fates.iter_mut().zip(outgoing) {
        let id = message.properties.message_id();
        // A nameless return may be of any nameless message: each must go again.
        let was_returned = id.as_ref().map_or(nameless_returns, |id| returned.contains(id));
        *fate = match *fate {
            Fate::Taken | Fate::Unknown if was_returned => Fate::Returned,
            // The return that takes this one back may be with a confirm that is missing.
            Fate::Taken if why.is_some() => Fate::Unknown,
            fate => fate,
        };
    }
    Window { fates, lost: why, missing }
}

async fn confirmed(channel: &Channel, message: &Outgoing<'_>) -> lapin::Result<Confirmation> {
    let Outgoing { exchange, routing_key, body, properties } = message;
    let options = BasicPublishOptions { mandatory: true, ..Default::default() };
    let publish = channel.basic_publish(short(exchange), short(routing_key), options, body, properties.clone());
    publish.await?.await
}
