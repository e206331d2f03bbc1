//! Rows of leads: locking, reading, writing, and the wake-ups that follow from them.

use std::collections::BTreeSet;

use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::clock_ms;
use super::session::{Session, failed};
use crate::domain::identity::{KeyHash, LeadNo, MAX_HOLDERS};
use crate::domain::time::{Moment, Span};
use crate::store::reach::Kept;
use crate::store::{LeadRow, StoreError, pack};

/// The columns of a lead in the order of [`lead_of`].
macro_rules! lead_columns {
    () => {
        "lead_no, lead_id, merged_into, erased, stage, verdict, version, updated_at_ms, wake_at_ms, keys, linked, state"
    };
}
pub(super) use lead_columns;

pub fn lead_of(row: &PgRow) -> Result<LeadRow, StoreError> {
    let merged_into: Option<i64> = row.try_get(2).map_err(failed)?;
    let wake_at: Option<i64> = row.try_get(8).map_err(failed)?;
    let linked: Vec<i64> = row.try_get(10).map_err(failed)?;
    Ok(LeadRow {
        lead_no: LeadNo(row.try_get(0).map_err(failed)?),
        lead_id: row.try_get(1).map_err(failed)?,
        merged_into: merged_into.map(LeadNo),
        erased: row.try_get(3).map_err(failed)?,
        stage: row.try_get(4).map_err(failed)?,
        verdict: row.try_get(5).map_err(failed)?,
        version: row.try_get(6).map_err(failed)?,
        updated_at: Moment(row.try_get(7).map_err(failed)?),
        wake_at: wake_at.map(Moment),
        keys: pack::key_hashes_of(row.try_get(9).map_err(failed)?)?,
        linked: linked.into_iter().map(LeadNo).collect(),
        state: row.try_get(11).map_err(failed)?,
    })
}

fn leads_of(rows: Vec<PgRow>) -> Result<Vec<LeadRow>, StoreError> {
    rows.iter().map(lead_of).collect()
}

pub fn numbers(leads: impl IntoIterator<Item = LeadNo>) -> Vec<i64> {
    leads.into_iter().map(|l| l.0).collect()
}

/// Hashes as the database has them.
pub fn uuids(hashes: impl IntoIterator<Item = [u8; 16]>) -> Vec<Uuid> {
    hashes.into_iter().map(Uuid::from_bytes).collect()
}

/// Locks the leads of these numbers and those that these keys lead to, in the order of their numbers, waiting for
/// other holders. What it returns is current even where it waited: PostgreSQL reads a row again once it has the lock.
/// The keys, however, are as they were before.
pub async fn lock(
    session: &mut Session,
    leads: &BTreeSet<LeadNo>,
    keys: &BTreeSet<KeyHash>,
) -> Result<Vec<LeadRow>, StoreError> {
    if leads.is_empty() && keys.is_empty() {
        return Ok(Vec::new());
    }
    // As an array, not a join: an index searched by an array gives each lead once, and in order.
    let sql = concat!(
        "select ",
        lead_columns!(),
        " from leads where lead_no = any($1::bigint[] || array(select unnest(k.holders) from lead_keys k
            where k.key = any($2) and cardinality(k.holders) <= $3)) order by lead_no for update"
    );
    let statement = sqlx::query(sql).bind(numbers(leads.iter().copied())).bind(uuids(keys.iter().map(|k| k.0)));
    leads_of(session.fetch(statement.bind(MAX_HOLDERS as i32)).await?)
}

/// Locks those leads that nobody holds. It never waits, so it cannot be part of a deadlock, whatever was locked before.
pub async fn lock_free(session: &mut Session, leads: &BTreeSet<LeadNo>) -> Result<Vec<LeadRow>, StoreError> {
    let sql = concat!(
        "select ",
        lead_columns!(),
        " from leads where lead_no = any($1) order by lead_no for update skip locked"
    );
    leads_of(session.fetch(sqlx::query(sql).bind(numbers(leads.iter().copied()))).await?)
}

/// Locks leads that have something in their inbox, oldest first, skipping those held by others.
pub async fn lock_answered(session: &mut Session, limit: i64) -> Result<Vec<LeadRow>, StoreError> {
    // A few rows may be for one lead, and a few leads may be held: four times as many rows are looked at.
    let sql = concat!(
        "select ",
        lead_columns!(),
        " from leads where lead_no in (select i.lead_no from inbox i order by i.seq limit $1 * 4)",
        " limit $1 for update skip locked"
    );
    leads_of(session.fetch(sqlx::query(sql).bind(limit)).await?)
}

/// Locks leads whose wake-up is due on the clock with this offset, most overdue first, skipping those held by others.
pub async fn lock_due(session: &mut Session, clock_offset: Span, limit: i64) -> Result<Vec<LeadRow>, StoreError> {
    let sql = concat!(
        "select l.lead_no, l.lead_id, l.merged_into, l.erased, l.stage, l.verdict, l.version, l.updated_at_ms,
            l.wake_at_ms, l.keys, l.linked, l.state
        from wakeups w join leads l on l.lead_no = w.lead_no
        where w.due_at_ms <= ",
        clock_ms!(),
        " + $1 order by w.due_at_ms limit $2 for update of l skip locked"
    );
    leads_of(session.fetch(sqlx::query(sql).bind(clock_offset.0).bind(limit)).await?)
}

/// Numbers that no lead has had and no other worker will get.
pub async fn fresh_numbers(session: &mut Session, count: usize) -> Result<Vec<LeadNo>, StoreError> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let sql = "select nextval('lead_numbers') from generate_series(1, $1)";
    let rows = session.fetch(sqlx::query(sql).bind(count as i64)).await?;
    rows.iter().map(|row| row.try_get(0).map(LeadNo).map_err(failed)).collect()
}

/// Writes new and changed leads and the wake-ups that moved, in one round trip: each would wait for the server once.
pub async fn write(
    session: &mut Session,
    leads: &[LeadRow],
    new_leads: &BTreeSet<LeadNo>,
    kept: &Kept,
) -> Result<(), StoreError> {
    if leads.is_empty() {
        return Ok(());
    }
    let mut sorted: Vec<&LeadRow> = leads.iter().collect();
    sorted.sort_by_key(|lead| lead.lead_no);
    let (new, changed): (Vec<&LeadRow>, Vec<&LeadRow>) =
        sorted.iter().partition(|lead| new_leads.contains(&lead.lead_no));
    // Only wake-ups that moved: each costs two index entries.
    let before = |lead: &LeadRow| kept.leads.get(&lead.lead_no).and_then(|k| k.wake_at);
    let moved = sorted.into_iter().filter(|lead| lead.wake_at != before(lead));
    let (set, unset): (Vec<&LeadRow>, Vec<&LeadRow>) = moved.partition(|lead| lead.wake_at.is_some());
    // lead_id never changes and is left out of the update: it is indexed, and the row must stay on its page.
    let sql = "with changed as (
            update leads l set merged_into = n.merged_into, erased = n.erased, stage = n.stage,
                verdict = n.verdict, version = n.version, updated_at_ms = n.updated_at_ms, wake_at_ms = n.wake_at_ms,
                keys = n.keys, linked = n.linked::bigint[], state = n.state
            from unnest($1::bigint[], $2::bigint[], $3::boolean[], $4::text[], $5::text[], $6::bigint[], $7::bigint[],
                $8::bigint[], $9::bytea[], $10::text[], $11::bytea[])
                as n (lead_no, merged_into, erased, stage, verdict, version, updated_at_ms,
                    wake_at_ms, keys, linked, state)
            where l.lead_no = n.lead_no),
        made as (
            insert into leads (lead_no, merged_into, erased, stage, verdict, version, updated_at_ms,
                wake_at_ms, keys, linked, state, lead_id)
            select lead_no, merged_into, erased, stage, verdict, version, updated_at_ms,
                wake_at_ms, keys, linked::bigint[], state, lead_id
            from unnest($12::bigint[], $13::bigint[], $14::boolean[], $15::text[], $16::text[], $17::bigint[],
                $18::bigint[], $19::bigint[], $20::bytea[], $21::text[], $22::bytea[], $23::uuid[])
                as n (lead_no, merged_into, erased, stage, verdict, version, updated_at_ms,
                    wake_at_ms, keys, linked, state, lead_id)),
        woken as (
            insert into wakeups (lead_no, due_at_ms) select * from unnest($24::bigint[], $25::bigint[])
            on conflict (lead_no) do update set due_at_ms = excluded.due_at_ms)
        delete from wakeups where lead_no = any($26)";
    let statement = bind_columns(bind_columns(sqlx::query(sql), &changed), &new)
        .bind(new.iter().map(|l| l.lead_id).collect::<Vec<_>>())
        .bind(numbers(set.iter().map(|lead| lead.lead_no)))
        .bind(set.iter().filter_map(|lead| lead.wake_at).map(|at| at.0).collect::<Vec<_>>())
        .bind(numbers(unset.iter().map(|lead| lead.lead_no)));
    session.execute(statement).await?;
    Ok(())
}

fn bind_columns<'q>(statement: super::session::Statement<'q>, leads: &[&'q LeadRow]) -> super::session::Statement<'q> {
    fn column<'a, T>(leads: &[&'a LeadRow], of: impl Fn(&'a LeadRow) -> T) -> Vec<T> {
        leads.iter().map(|lead| of(lead)).collect()
    }
    statement
        .bind(column(leads, |l| l.lead_no.0))
        .bind(column(leads, |l| l.merged_into.map(|m| m.0)))
        .bind(column(leads, |l| l.erased))
        .bind(column(leads, |l| l.stage.as_str()))
        .bind(column(leads, |l| l.verdict.as_str()))
        .bind(column(leads, |l| l.version))
        .bind(column(leads, |l| l.updated_at.0))
        .bind(column(leads, |l| l.wake_at.map(|w| w.0)))
        .bind(column(leads, |l| pack::key_hashes(&l.keys)))
        .bind(column(leads, |l| array_text(&l.linked)))
        .bind(column(leads, |l| l.state.as_slice()))
}

/// A list of numbers as PostgreSQL writes an array: lists of different lengths cannot be bound as an array of arrays.
pub fn array_text(leads: &[LeadNo]) -> String {
    let numbers: Vec<String> = leads.iter().map(|l| l.0.to_string()).collect();
    format!("{{{}}}", numbers.join(","))
}
