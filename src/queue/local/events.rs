//! Sending and receiving events. A delivery is a row marked with its consumer's number until it is acknowledged;
//! a consumer that is gone holds nothing, so its rows come again.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use sqlx::{QueryBuilder, Sqlite};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};

use super::{Inner, list, local, unbroken};
use crate::queue::{Consumer, Delivery, EventMessage, Meta, QueueError, Tag};

/// How often the file is looked at for what other processes sent; what this process sends wakes at once.
const LOOK: Duration = Duration::from_millis(250);

/// The bound on giving back what is unacknowledged at the end.
const GOODBYE: Duration = Duration::from_secs(5);

/// What nobody holds: `?1` lists the consumers that are there.
const FREE: &str = "(held_by IS NULL OR held_by NOT IN (SELECT value FROM json_each(?1)))";

pub async fn send(inner: Arc<Inner>, events: Vec<EventMessage>) -> Result<(), QueueError> {
    if let Some(event) = events.iter().find(|event| event.routing_key.len() > 255) {
        let bytes = event.routing_key.len();
        return Err(QueueError::Refused(format!("a routing key of {bytes} bytes; AMQP allows 255")));
    }
    let mut tx = inner.write().await?;
    for events in events.chunks(500) {
        let mut insert = QueryBuilder::<Sqlite>::new("INSERT INTO events (routing_key, body) ");
        insert.push_values(events, |mut row, event| {
            row.push_bind(&event.routing_key).push_bind(&event.body);
        });
        insert.build().persistent(false).execute(&mut *tx).await.map_err(local)?;
    }
    tx.commit().await.map_err(local)?;
    inner.arrivals.notify_waiters();
    Ok(())
}

/// What an event's meta data are here: it was sent to the exchange for events, and carries nothing else.
pub fn meta(routing_key: String, redelivered: bool) -> Meta {
    Meta {
        exchange: "leads".to_string(),
        routing_key,
        content_type: Some("application/cloudevents+json".to_string()),
        redelivered,
        ..Meta::default()
    }
}

struct Claimed {
    id: i64,
    routing_key: String,
    body: Vec<u8>,
    redelivered: bool,
}

pub struct LocalConsumer {
    inner: Arc<Inner>,
    generation: i64,
    prefetch: usize,
    /// Claimed and not yet handed out. Kept here, as is the claim under way, so that a cancelled `receive` loses nothing.
    arrived: VecDeque<Claimed>,
    claiming: Option<JoinHandle<Result<Vec<Claimed>, QueueError>>>,
    /// Row numbers handed out and not settled, by delivery number.
    unsettled: BTreeMap<u64, i64>,
    handed_out: u64,
}

impl LocalConsumer {
    pub(super) async fn open(inner: Arc<Inner>, prefetch: u16) -> Result<LocalConsumer, QueueError> {
        let generation = unbroken(next_generation(inner.clone())).await?;
        Ok(LocalConsumer {
            inner,
            generation,
            prefetch: prefetch.into(),
            arrived: VecDeque::new(),
            claiming: None,
            unsettled: BTreeMap::new(),
            handed_out: 0,
        })
    }

    fn credit(&self) -> usize {
        self.prefetch.saturating_sub(self.arrived.len() + self.unsettled.len())
    }

    /// Claims what is free, up to `most`, into `arrived`.
    async fn claim(&mut self, most: usize) -> Result<(), QueueError> {
        let most = most.min(self.credit());
        if most == 0 && self.claiming.is_none() {
            return Ok(());
        }
        let work = claim(self.inner.clone(), self.generation, most);
        let claiming = self.claiming.get_or_insert_with(|| tokio::spawn(work));
        let claimed = claiming.await;
        self.claiming = None;
        self.arrived.extend(claimed.unwrap_or_else(|stopped| Err(QueueError::Local(Box::new(stopped))))?);
        Ok(())
    }

    fn rows(&self, tags: &[Tag]) -> Result<Vec<(u64, i64)>, QueueError> {
        if tags.iter().any(|tag| i64::try_from(tag.generation) != Ok(self.generation)) {
            let why = "these deliveries belong to an earlier session and come again";
            return Err(QueueError::SessionLost(why.to_string()));
        }
        let rows: BTreeMap<u64, Option<i64>> =
            tags.iter().map(|tag| (tag.number, self.unsettled.get(&tag.number).copied())).collect();
        let row = |(number, row): (u64, Option<i64>)| {
            let why = || format!("delivery {number} was settled before, or never handed out");
            row.map(|row| (number, row)).ok_or_else(|| QueueError::Refused(why()))
        };
        rows.into_iter().map(row).collect()
    }

    async fn settle(&mut self, tags: &[Tag], sql: &'static str) -> Result<(), QueueError> {
        let rows = self.rows(tags)?;
        let (inner, generation) = (self.inner.clone(), self.generation);
        let ids: Vec<i64> = rows.iter().map(|(_, row)| *row).collect();
        unbroken(settle(inner, generation, ids, sql)).await?;
        for (number, _) in rows {
            self.unsettled.remove(&number);
        }
        Ok(())
    }
}

async fn next_generation(inner: Arc<Inner>) -> Result<i64, QueueError> {
    let mut tx = inner.write().await?;
    let next = "UPDATE generation SET last = last + 1 RETURNING last";
    let generation: i64 = sqlx::query_scalar(next).fetch_one(&mut *tx).await.map_err(local)?;
    tx.commit().await.map_err(local)?;
    inner.consumers().insert(generation);
    Ok(generation)
}

async fn claim(inner: Arc<Inner>, generation: i64, most: usize) -> Result<Vec<Claimed>, QueueError> {
    let there = list(inner.consumers().iter().copied());
    if !inner.consumers().contains(&generation) {
        return Err(QueueError::SessionLost("the queue was closed".to_string()));
    }
    // Looking takes no lock: an idle worker must not keep others from writing.
    let any = format!("SELECT EXISTS (SELECT 1 FROM events WHERE {FREE})");
    if !sqlx::query_scalar::<_, bool>(&any).bind(&there).fetch_one(&inner.readers).await.map_err(local)? {
        return Ok(Vec::new());
    }
    let mut tx = inner.write().await?;
    // As the broker does: what was handed out too often goes aside, without a reason of ours.
    let set_aside = format!(
        "INSERT INTO dead (routing_key, body) SELECT routing_key, body FROM events WHERE {FREE} AND deliveries > ?2 ORDER BY id"
    );
    let limit = inner.overrides.event_delivery_limit;
    let moved =
        sqlx::query(&set_aside).bind(&there).bind(limit).execute(&mut *tx).await.map_err(local)?.rows_affected();
    if moved > 0 {
        let gone = format!("DELETE FROM events WHERE {FREE} AND deliveries > ?2");
        sqlx::query(&gone).bind(&there).bind(limit).execute(&mut *tx).await.map_err(local)?;
        tracing::warn!(messages = moved, limit, "handed out too often and set aside");
    }
    let take = format!(
        "UPDATE events SET held_by = ?2, deliveries = deliveries + 1 \
         WHERE id IN (SELECT id FROM events WHERE {FREE} ORDER BY id LIMIT ?3) \
         RETURNING id, routing_key, body, deliveries > 1"
    );
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let mut claimed: Vec<(i64, String, Vec<u8>, bool)> =
        sqlx::query_as(&take).bind(&there).bind(generation).bind(most).fetch_all(&mut *tx).await.map_err(local)?;
    tx.commit().await.map_err(local)?;
    // RETURNING promises no order.
    claimed.sort_unstable_by_key(|row| row.0);
    let claimed = claimed.into_iter();
    Ok(claimed.map(|(id, routing_key, body, redelivered)| Claimed { id, routing_key, body, redelivered }).collect())
}

const DONE: &str = "DELETE FROM events WHERE held_by = ?1 AND id IN (SELECT value FROM json_each(?2))";
const AGAIN: &str = "UPDATE events SET held_by = NULL WHERE held_by = ?1 AND id IN (SELECT value FROM json_each(?2))";

async fn settle(inner: Arc<Inner>, generation: i64, ids: Vec<i64>, sql: &'static str) -> Result<(), QueueError> {
    let mut tx = inner.write().await?;
    let rows = list(ids.iter().copied());
    let done = sqlx::query(sql).bind(generation).bind(rows).execute(&mut *tx).await.map_err(local)?.rows_affected();
    tx.commit().await.map_err(local)?;
    inner.arrivals.notify_waiters();
    if usize::try_from(done) == Ok(ids.len()) {
        return Ok(());
    }
    Err(QueueError::SessionLost("another process consumes from this file; its deliveries are its own".to_string()))
}

impl Consumer for LocalConsumer {
    type Raw = ();

    async fn receive(&mut self, max: usize, linger: Duration) -> Result<Vec<Delivery<()>>, QueueError> {
        let max = max.max(1);
        let inner = self.inner.clone();
        let mut until = None;
        loop {
            // Armed before looking, so that nothing sent between the look and the wait is slept through.
            let mut arrival = std::pin::pin!(inner.arrivals.notified());
            arrival.as_mut().enable();
            self.claim(max.saturating_sub(self.arrived.len())).await?;
            if self.arrived.is_empty() {
                let _ = timeout(LOOK, arrival).await;
                continue;
            }
            let until = *until.get_or_insert_with(|| Instant::now() + linger);
            let now = Instant::now();
            if self.arrived.len() >= max || self.credit() == 0 || now >= until {
                break;
            }
            let _ = timeout_at(until.min(now + LOOK), arrival).await;
        }
        let count = self.arrived.len().min(max);
        let mut deliveries = Vec::with_capacity(count);
        for Claimed { id, routing_key, body, redelivered } in self.arrived.drain(..count) {
            self.handed_out += 1;
            self.unsettled.insert(self.handed_out, id);
            let generation = u64::try_from(self.generation).unwrap_or_default();
            let tag = Tag { generation, number: self.handed_out };
            deliveries.push(Delivery { body, meta: meta(routing_key, redelivered), raw: (), tag });
        }
        Ok(deliveries)
    }

    async fn ack(&mut self, tags: &[Tag]) -> Result<(), QueueError> {
        self.settle(tags, DONE).await
    }

    async fn release(&mut self, tags: &[Tag]) -> Result<(), QueueError> {
        self.settle(tags, AGAIN).await
    }

    async fn close(self) {
        // Without this the rows come again just the same, since dropping says that this consumer is gone.
        let tags: Vec<i64> = self.unsettled.values().copied().chain(self.arrived.iter().map(|row| row.id)).collect();
        let back = unbroken(settle(self.inner.clone(), self.generation, tags, AGAIN));
        if !matches!(timeout(GOODBYE, back).await, Ok(Ok(()))) {
            tracing::debug!("deliveries were left to be taken over");
        }
    }
}

impl Drop for LocalConsumer {
    fn drop(&mut self) {
        self.inner.consumers().remove(&self.generation);
        self.inner.arrivals.notify_waiters();
    }
}
