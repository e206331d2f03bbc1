//! What is read once the leads are held: what they have seen, what is closed, and what waits for them.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::keys::{hash_of, hashes};
use super::leads::{numbers, uuids};
use super::session::{Session, failed};
use super::{Postgres, clock_ms};
use crate::domain::event::{Channel, ContentHash, EventKey};
use crate::domain::identity::{KeyHash, LeadNo};
use crate::domain::suppression::Suppression;
use crate::domain::time::Moment;
use crate::store::reach::{Kept, Reach};
use crate::store::{Loaded, StoreError, pack};

/// Reads everything about the leads held, each kind in one statement.
pub async fn load(
    postgres: &Postgres,
    session: &mut Session,
    reach: Reach<'_>,
    fresh: Vec<LeadNo>,
) -> Result<(Loaded, Kept), StoreError> {
    let mut pairs = reach.pairs();
    let seen = read_seen(session, &pairs).await?;
    pairs.retain(|pair| !seen.contains_key(pair));
    let screened = reach.keys_to_screen();
    let suppressions = read_suppressions(session, hashes(&screened)).await?;
    let mut waiting = Loaded::default();
    read_waiting(session, &reach, &mut waiting).await?;
    let Loaded { now, inbox, unsent, claims, .. } = waiting;
    let now = now + postgres.clock_offset;
    let (loaded, kept) = reach.load(fresh, pairs);
    Ok((Loaded { now, seen, suppressions, inbox, unsent, claims, ..loaded }, kept))
}

async fn read_seen(
    session: &mut Session,
    pairs: &BTreeSet<(LeadNo, EventKey)>,
) -> Result<BTreeMap<(LeadNo, EventKey), ContentHash>, StoreError> {
    if pairs.is_empty() {
        return Ok(BTreeMap::new());
    }
    let sql = "select s.lead_no, s.event_key, s.content from unnest($1::bigint[], $2::uuid[]) as p (lead_no, event_key)
        join seen s on s.lead_no = p.lead_no and s.event_key = p.event_key";
    let leads = numbers(pairs.iter().map(|(lead, _)| *lead));
    let events = uuids(pairs.iter().map(|(_, event)| event.0));
    let rows = session.fetch(sqlx::query(sql).bind(leads).bind(events)).await?;
    let seen_of = |row: &PgRow| {
        let lead = LeadNo(row.try_get(0).map_err(failed)?);
        let event: Uuid = row.try_get(1).map_err(failed)?;
        let content: Uuid = row.try_get(2).map_err(failed)?;
        Ok(((lead, EventKey(event.into_bytes())), ContentHash(content.into_bytes())))
    };
    rows.iter().map(seen_of).collect()
}

pub const SUPPRESSIONS: &str = "select key, channel, first_closed_ms, last_closed_ms, last_reopened_ms, why
    from suppression where key = any($1)";

async fn read_suppressions(
    session: &mut Session,
    keys: Vec<Uuid>,
) -> Result<BTreeMap<(KeyHash, Channel), Suppression>, StoreError> {
    if keys.is_empty() {
        return Ok(BTreeMap::new());
    }
    session.fetch(sqlx::query(SUPPRESSIONS).bind(keys)).await?.iter().map(suppression_of).collect()
}

pub fn suppression_of(row: &PgRow) -> Result<((KeyHash, Channel), Suppression), StoreError> {
    let key = hash_of(row)?;
    let channel = pack::channel(row.try_get(1).map_err(failed)?)?;
    let last_reopened: Option<i64> = row.try_get(4).map_err(failed)?;
    let suppression = Suppression {
        first_closed: Moment(row.try_get(2).map_err(failed)?),
        last_closed: Moment(row.try_get(3).map_err(failed)?),
        last_reopened: last_reopened.map(Moment),
        why: pack::closed_because(row.try_get(5).map_err(failed)?)?,
    };
    Ok(((key, channel), suppression))
}

/// The time, and what waits for the leads: rows of different tables in one round trip, because most often there are none.
async fn read_waiting(session: &mut Session, reach: &Reach<'_>, into: &mut Loaded) -> Result<(), StoreError> {
    let sql = concat!(
        "select 'now' as what, ",
        clock_ms!(),
        " as number, 0::bigint as lead_no, null::bytea as cause, null::uuid as id, null::text as pool
        union all select 'inbox', seq, lead_no, cause, null, null from inbox where lead_no = any($1)
        union all select 'unsent', 0, lead_no, null, id, null from outbox where lead_no = any($1) and state = 'unsent'
        union all select 'claim', 0, lead_no, null, task_id, pool from claims where lead_no = any($1)"
    );
    for row in session.fetch(sqlx::query(sql).bind(numbers(reach.leads.keys().copied()))).await? {
        match row.try_get(0).map_err(failed)? {
            "now" => into.now = Moment(row.try_get(1).map_err(failed)?),
            "inbox" => {
                let lead = reach.shown_under(LeadNo(row.try_get(2).map_err(failed)?));
                into.inbox.push((row.try_get(1).map_err(failed)?, lead, row.try_get(3).map_err(failed)?));
            }
            "unsent" => {
                into.unsent.insert(row.try_get(4).map_err(failed)?);
            }
            _ => {
                into.claims.insert((row.try_get(5).map_err(failed)?, row.try_get(4).map_err(failed)?));
            }
        }
    }
    into.inbox.sort_by_key(|(seq, _, _)| *seq);
    Ok(())
}
