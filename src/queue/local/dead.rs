//! Events set aside: put there, looked at, sent back to be worked on again, or thrown away.

use std::sync::Arc;

use super::events::meta;
use super::{Inner, list, local, unbroken};
use crate::queue::{DeadAction, DeadLetter, DeadLetterView, QueueError, Refusal};

/// Letters read at a time: bodies may be large.
const PAGE: usize = 100;

pub async fn bury(inner: Arc<Inner>, letters: Vec<DeadLetter<()>>) -> Result<(), QueueError> {
    let mut tx = inner.write().await?;
    for DeadLetter { body, meta, refusal, .. } in letters {
        let Refusal { reason, detail, at, key } = refusal;
        let insert = "INSERT INTO dead (routing_key, body, reason, detail, at, key) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let insert = sqlx::query(insert).bind(meta.routing_key).bind(body).bind(reason).bind(detail).bind(at).bind(key);
        insert.execute(&mut *tx).await.map_err(local)?;
    }
    tx.commit().await.map_err(local)
}

type Row = (i64, String, Vec<u8>, Option<String>, Option<String>, Option<String>, Option<String>);

pub async fn visit(
    inner: &Arc<Inner>,
    limit: usize,
    choose: &mut (dyn FnMut(&DeadLetterView) -> DeadAction + Send),
) -> Result<usize, QueueError> {
    let (mut seen, mut last) = (0, 0);
    while seen < limit {
        let page = i64::try_from(PAGE.min(limit - seen)).unwrap_or(i64::MAX);
        let read = "SELECT id, routing_key, body, reason, detail, at, key FROM dead WHERE id > ?1 ORDER BY id LIMIT ?2";
        let rows: Vec<Row> =
            sqlx::query_as(read).bind(last).bind(page).fetch_all(&inner.readers).await.map_err(local)?;
        let Some(newest) = rows.last().map(|row| row.0) else { break };
        (last, seen) = (newest, seen + rows.len());
        let (mut back, mut gone) = (Vec::new(), Vec::new());
        for (id, routing_key, body, reason, detail, at, key) in rows {
            let refusal = reason.map(|reason| Refusal {
                reason,
                detail: detail.unwrap_or_default(),
                at: at.unwrap_or_default(),
                key: key.unwrap_or_default(),
            });
            match choose(&DeadLetterView { body, meta: meta(routing_key, false), refusal }) {
                DeadAction::Keep => {}
                DeadAction::Replay => back.push(id),
                DeadAction::Drop => gone.push(id),
            }
        }
        if !back.is_empty() || !gone.is_empty() {
            unbroken(settle(inner.clone(), back, gone)).await?;
        }
    }
    Ok(seen)
}

async fn settle(inner: Arc<Inner>, back: Vec<i64>, gone: Vec<i64>) -> Result<(), QueueError> {
    let mut tx = inner.write().await?;
    let replay = "INSERT INTO events (routing_key, body) SELECT routing_key, body FROM dead \
                  WHERE id IN (SELECT value FROM json_each(?1)) ORDER BY id";
    sqlx::query(replay).bind(list(back.iter().copied())).execute(&mut *tx).await.map_err(local)?;
    let delete = "DELETE FROM dead WHERE id IN (SELECT value FROM json_each(?1))";
    sqlx::query(delete).bind(list(back.into_iter().chain(gone))).execute(&mut *tx).await.map_err(local)?;
    tx.commit().await.map_err(local)?;
    inner.arrivals.notify_waiters();
    Ok(())
}
