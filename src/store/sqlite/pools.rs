//! Pools: whoever holds one holds the file, like any other unit of work.

use std::collections::BTreeSet;

use serde_json::json;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use super::leads::id_of;
use super::session::{Session, failed, hex, rows};
use super::{Sqlite, change};
use crate::domain::identity::LeadNo;
use crate::domain::time::Moment;
use crate::store::{ClaimRow, Lease, PoolChanges, PoolLoaded, StoreError};

/// A pool held. Dropping it gives it back unchanged.
#[derive(Debug)]
pub struct HeldPool {
    session: Session,
    name: String,
}

pub async fn hold_pool(sqlite: &Sqlite, max_claims: usize) -> Result<Option<(HeldPool, PoolLoaded)>, StoreError> {
    let mut session = Session::begin(sqlite).await?;
    let now = sqlite.clock();
    // The pool whose oldest due claim has waited longest.
    let next = "select p.name, p.state from claims c join pools p on p.name = c.pool
        where c.not_before_ms <= ? order by c.not_before_ms limit 1";
    let found = session.fetch(sqlx::query(next).bind(now.0)).await?;
    let Some(row) = found.first() else {
        session.rollback().await?;
        return Ok(None);
    };
    let name: String = row.try_get(0).map_err(failed)?;
    let state = row.try_get(1).map_err(failed)?;
    let claims = "select task_id, lead_no, wish, not_before_ms from claims
        where pool = ? and not_before_ms <= ? order by not_before_ms, task_id limit ?";
    let limit = i64::try_from(max_claims).unwrap_or(i64::MAX);
    let claims = session.fetch(sqlx::query(claims).bind(&name).bind(now.0).bind(limit)).await?;
    let claims = claims.iter().map(|row| claim_of(&name, row)).collect::<Result<_, _>>()?;
    let loaded = PoolLoaded { now, name: name.clone(), state, claims };
    Ok(Some((HeldPool { session, name }, loaded)))
}

fn claim_of(pool: &str, row: &SqliteRow) -> Result<ClaimRow, StoreError> {
    Ok(ClaimRow {
        pool: pool.to_owned(),
        task_id: id_of(row, 0)?,
        lead_no: LeadNo(row.try_get(1).map_err(failed)?),
        wish: row.try_get(2).map_err(failed)?,
        not_before: Moment(row.try_get(3).map_err(failed)?),
    })
}

pub async fn commit_pool(held: HeldPool, changes: PoolChanges, lease: &Lease) -> Result<(), StoreError> {
    let HeldPool { mut session, name } = held;
    let state = "update pools set state = ?2 where name = ?1";
    session.execute(sqlx::query(state).bind(&name).bind(changes.state.as_slice())).await?;

    let answered: BTreeSet<&Uuid> = changes.answered.iter().map(|(task, ..)| task).collect();
    let wanted = answered.len() as u64;
    let sql = "delete from claims where pool = ?1 and task_id in (select unhex(value) from json_each(?2))";
    let gone = session.execute(sqlx::query(sql).bind(&name).bind(change::ids(answered))).await?;
    // Whoever deletes the claim owns the task; without the claim nothing may be granted.
    if gone != wanted {
        return Err(StoreError::Contended);
    }
    let answers: Vec<(LeadNo, Vec<u8>)> =
        changes.answered.into_iter().map(|(_, lead, answer)| (lead, answer)).collect();
    change::add_inbox(&mut session, &answers).await?;
    change::add_outbox(&mut session, &changes.outbox, lease).await?;

    let sql = "update claims set not_before_ms = n.until
        from (select unhex(value->>0) as task_id, value->>1 as until from json_each(?2)) as n
        where pool = ?1 and claims.task_id = n.task_id";
    let until = rows(changes.deferred.iter().map(|(task, until)| json!([hex(task.as_bytes()), until.0])));
    session.execute(sqlx::query(sql).bind(&name).bind(until)).await?;
    session.commit().await
}
