//! Pools: one worker at a time holds one and answers the claims that wait for it.
//!
//! A pool's holder never waits for a lead: claims that a lead is just taking back are skipped, and answers go to
//! inboxes. A lead that takes back a claim waits for the pool's holder, and finds the claim answered.

use std::collections::BTreeMap;

use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::session::{Session, failed};
use super::{Postgres, change, clock_ms};
use crate::domain::identity::LeadNo;
use crate::domain::time::Moment;
use crate::store::{ClaimRow, Lease, PoolChanges, PoolLoaded, StoreError};

/// A pool held by a transaction of its own. Dropping it gives it back unchanged.
#[derive(Debug)]
pub struct HeldPool {
    session: Session,
    name: String,
}

pub async fn hold_pool(postgres: &Postgres, max_claims: usize) -> Result<Option<(HeldPool, PoolLoaded)>, StoreError> {
    let mut session = Session::begin(&postgres.pool).await?;
    let Some((name, state)) = lock_next(postgres, &mut session).await? else {
        session.rollback().await?;
        return Ok(None);
    };
    let sql = concat!(
        "select ",
        clock_ms!(),
        " + $2, task_id, lead_no, wish, not_before_ms from claims where pool = $1 and not_before_ms <= ",
        clock_ms!(),
        " + $2 order by not_before_ms, task_id limit $3 for update skip locked"
    );
    let limit = i64::try_from(max_claims).unwrap_or(i64::MAX);
    let statement = sqlx::query(sql).bind(&name).bind(postgres.clock_offset.0).bind(limit);
    let rows = session.fetch(statement).await?;
    // Between looking for a pool and holding it, another worker may have answered all of its claims.
    let Some(first) = rows.first() else {
        session.rollback().await?;
        return Ok(None);
    };
    let now = Moment(first.try_get(0).map_err(failed)?);
    let claims = rows.iter().map(|row| claim_of(&name, row)).collect::<Result<_, _>>()?;
    let loaded = PoolLoaded { now, name: name.clone(), state, claims };
    Ok(Some((HeldPool { session, name }, loaded)))
}

/// The free pool whose oldest due claim has waited longest.
async fn lock_next(postgres: &Postgres, session: &mut Session) -> Result<Option<(String, Vec<u8>)>, StoreError> {
    let sql = concat!(
        "select p.name, p.state from
            (select c.pool, min(c.not_before_ms) as oldest from claims c where c.not_before_ms <= ",
        clock_ms!(),
        " + $1 group by c.pool) as due
        join pools p on p.name = due.pool order by due.oldest limit 1 for update of p skip locked"
    );
    let rows = session.fetch(sqlx::query(sql).bind(postgres.clock_offset.0)).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    Ok(Some((row.try_get(0).map_err(failed)?, row.try_get(1).map_err(failed)?)))
}

fn claim_of(pool: &str, row: &PgRow) -> Result<ClaimRow, StoreError> {
    Ok(ClaimRow {
        pool: pool.to_owned(),
        task_id: row.try_get(1).map_err(failed)?,
        lead_no: LeadNo(row.try_get(2).map_err(failed)?),
        wish: row.try_get(3).map_err(failed)?,
        not_before: Moment(row.try_get(4).map_err(failed)?),
    })
}

pub async fn commit_pool(held: HeldPool, changes: PoolChanges, lease: &Lease) -> Result<(), StoreError> {
    let HeldPool { mut session, name } = held;
    let state = "update pools set state = $2 where name = $1";
    session.execute(sqlx::query(state).bind(&name).bind(changes.state.as_slice())).await?;
    let answered: BTreeMap<Uuid, &(Uuid, LeadNo, Vec<u8>)> = changes.answered.iter().map(|row| (row.0, row)).collect();
    if !answered.is_empty() {
        let sql = "delete from claims where pool = $1 and task_id = any($2)";
        let tasks: Vec<Uuid> = answered.keys().copied().collect();
        let gone = session.execute(sqlx::query(sql).bind(&name).bind(tasks)).await?;
        // Whoever deletes the claim owns the task; without the claim nothing may be granted.
        if gone != answered.len() as u64 {
            return Err(StoreError::Contended);
        }
    }
    let answers: Vec<(LeadNo, Vec<u8>)> =
        changes.answered.into_iter().map(|(_, lead, answer)| (lead, answer)).collect();
    change::add_inbox(&mut session, &answers).await?;
    change::add_outbox(&mut session, changes.outbox, lease).await?;
    defer(&mut session, &name, &changes.deferred).await?;
    session.commit().await
}

async fn defer(session: &mut Session, pool: &str, deferred: &[(Uuid, Moment)]) -> Result<(), StoreError> {
    if deferred.is_empty() {
        return Ok(());
    }
    let sql = "update claims c set not_before_ms = n.not_before_ms
        from unnest($2::uuid[], $3::bigint[]) as n (task_id, not_before_ms)
        where c.pool = $1 and c.task_id = n.task_id";
    let until: BTreeMap<Uuid, i64> = deferred.iter().map(|(task, until)| (*task, until.0)).collect();
    let tasks: Vec<Uuid> = until.keys().copied().collect();
    let until: Vec<i64> = until.into_values().collect();
    session.execute(sqlx::query(sql).bind(pool).bind(tasks).bind(until)).await?;
    Ok(())
}
