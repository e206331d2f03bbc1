//! Tasks on their way to a desk: published into their queues, handed out by lease, settled by whoever did them.
//!
//! A lease hides a task for a while; one that is not settled in that time is handed out again. No clock is read here:
//! what counts as now comes with each call.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use sqlx::{Sqlite, Transaction};

use super::{Inner, LocalQueue, local, unbroken};
use crate::queue::{Published, QueueError, TaskMessage};

/// How much waits in the queues, what is being worked on included.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Waiting {
    pub events: u64,
    pub dead: u64,
    /// By queue suffix, every queue named.
    pub tasks: BTreeMap<String, u64>,
}

impl LocalQueue {
    /// Hands out at most `limit` tasks of a queue, the most urgent first and then the oldest, as id and body; each is
    /// hidden until `lease` from `now_ms` (milliseconds since 1970) is over or it is settled. Expired ones are gone.
    ///
    /// # Errors
    /// [`QueueError::Refused`] for a queue that does not exist, [`QueueError::Local`].
    pub async fn lease(
        &self,
        suffix: &str,
        limit: usize,
        lease: Duration,
        now_ms: i64,
    ) -> Result<Vec<(String, Vec<u8>)>, QueueError> {
        self.exists(suffix)?;
        unbroken(hand_out(self.inner.clone(), suffix.to_string(), limit, lease, now_ms)).await
    }

    /// Takes a task off its queue. One that is not there (any more) is settled already.
    ///
    /// # Errors
    /// [`QueueError::Refused`] for a queue that does not exist, [`QueueError::Local`].
    pub async fn settle(&self, suffix: &str, id: &str) -> Result<(), QueueError> {
        self.exists(suffix)?;
        let (inner, suffix, id) = (self.inner.clone(), suffix.to_string(), id.to_string());
        unbroken(async move {
            let mut tx = inner.write().await?;
            let delete = sqlx::query("DELETE FROM tasks WHERE suffix = ?1 AND id = ?2");
            delete.bind(suffix).bind(id).execute(&mut *tx).await.map_err(local)?;
            tx.commit().await.map_err(local)
        })
        .await
    }

    /// # Errors
    /// [`QueueError::Local`].
    pub async fn waiting(&self) -> Result<Waiting, QueueError> {
        let counts = "SELECT 'events', NULL, COUNT(*) FROM events UNION ALL SELECT 'dead', NULL, COUNT(*) FROM dead \
                      UNION ALL SELECT 'tasks', suffix, COUNT(*) FROM tasks GROUP BY suffix";
        let rows: Vec<(String, Option<String>, i64)> =
            sqlx::query_as(counts).fetch_all(&self.inner.readers).await.map_err(local)?;
        let tasks = self.inner.routes.iter().map(|(suffix, _)| (suffix.to_string(), 0)).collect();
        let mut waiting = Waiting { tasks, ..Waiting::default() };
        for (table, suffix, count) in rows {
            let count = u64::try_from(count).unwrap_or_default();
            match (table.as_str(), suffix) {
                ("events", _) => waiting.events = count,
                ("dead", _) => waiting.dead = count,
                (_, Some(suffix)) => drop(waiting.tasks.insert(suffix, count)),
                _ => {}
            }
        }
        Ok(waiting)
    }

    fn exists(&self, suffix: &str) -> Result<(), QueueError> {
        if self.inner.routes.has(suffix) {
            return Ok(());
        }
        let known: Vec<&str> = self.inner.routes.iter().map(|(suffix, _)| suffix).collect();
        Err(QueueError::Refused(format!("there is no task queue {suffix:?}; there are {}", known.join(", "))))
    }
}

pub async fn publish(inner: Arc<Inner>, messages: Vec<TaskMessage>) -> Result<Vec<Published>, QueueError> {
    let mut tx = inner.write().await?;
    if let Some(now_ms) = messages.iter().map(|task| task.published_at_ms).max() {
        drop_expired(&mut tx, now_ms).await?;
    }
    let targets: Vec<Vec<&str>> = messages.iter().map(|task| inner.routes.queues_for(&task.routing_key)).collect();
    let mut room: BTreeMap<&str, i64> = BTreeMap::new();
    for suffix in targets.iter().flatten().copied().collect::<BTreeSet<_>>() {
        let count = sqlx::query_scalar("SELECT COUNT(*) FROM tasks WHERE suffix = ?1");
        let count: i64 = count.bind(suffix).fetch_one(&mut *tx).await.map_err(local)?;
        room.insert(suffix, i64::from(inner.overrides.limit_of(suffix)) - count);
    }
    let mut published = Vec::with_capacity(messages.len());
    for (task, targets) in messages.iter().zip(targets) {
        if targets.is_empty() {
            published.push(Published::Unroutable);
        } else if targets.iter().any(|suffix| room.get(suffix).is_none_or(|room| *room <= 0)) {
            published.push(Published::Refused);
        } else {
            for suffix in targets {
                let added = add(&mut tx, suffix, task).await?;
                *room.entry(suffix).or_default() -= added;
            }
            published.push(Published::Confirmed);
        }
    }
    tx.commit().await.map_err(local)?;
    Ok(published)
}

/// Adds a task to one queue; one that waits there already stays the one task that it is.
async fn add(tx: &mut Transaction<'_, Sqlite>, suffix: &str, task: &TaskMessage) -> Result<i64, QueueError> {
    let expires_at_ms = task.expires_in.map(|left| {
        let left = i64::try_from(left.as_millis()).unwrap_or(i64::MAX).max(1);
        task.published_at_ms.saturating_add(left)
    });
    let insert = sqlx::query(
        "INSERT INTO tasks (suffix, id, priority, body, expires_at_ms) VALUES (?1, ?2, ?3, ?4, ?5) \
         ON CONFLICT (suffix, id) DO NOTHING",
    );
    let insert = insert.bind(suffix).bind(&task.id).bind(task.priority).bind(&task.body).bind(expires_at_ms);
    let added = insert.execute(&mut **tx).await.map_err(local)?.rows_affected();
    Ok(i64::try_from(added).unwrap_or_default())
}

async fn drop_expired(tx: &mut Transaction<'_, Sqlite>, now_ms: i64) -> Result<(), QueueError> {
    let expired = sqlx::query("DELETE FROM tasks WHERE expires_at_ms <= ?1").bind(now_ms);
    let gone = expired.execute(&mut **tx).await.map_err(local)?.rows_affected();
    if gone > 0 {
        tracing::info!(tasks = gone, "expired before a desk took them");
    }
    Ok(())
}

async fn hand_out(
    inner: Arc<Inner>,
    suffix: String,
    limit: usize,
    lease: Duration,
    now_ms: i64,
) -> Result<Vec<(String, Vec<u8>)>, QueueError> {
    let until_ms = now_ms.saturating_add(i64::try_from(lease.as_millis()).unwrap_or(i64::MAX));
    let mut tx = inner.write().await?;
    drop_expired(&mut tx, now_ms).await?;
    let take = sqlx::query_as(
        "UPDATE tasks SET leased_until_ms = ?3 WHERE seq IN (SELECT seq FROM tasks \
         WHERE suffix = ?1 AND leased_until_ms <= ?2 ORDER BY priority DESC, seq LIMIT ?4) \
         RETURNING -priority, seq, id, body",
    );
    let take = take.bind(suffix).bind(now_ms).bind(until_ms).bind(i64::try_from(limit).unwrap_or(i64::MAX));
    let mut taken: Vec<(i64, i64, String, Vec<u8>)> = take.fetch_all(&mut *tx).await.map_err(local)?;
    tx.commit().await.map_err(local)?;
    // RETURNING promises no order.
    taken.sort_unstable_by_key(|row| (row.0, row.1));
    Ok(taken.into_iter().map(|(_, _, id, body)| (id, body)).collect())
}
