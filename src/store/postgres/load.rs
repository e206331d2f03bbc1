//! What is read once the leads are held: what they have seen, what is closed, and what waits for them.

use std::collections::BTreeSet;

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

/// Reads everything about the leads held in one round trip: rows of different tables, because of most there are none.
pub async fn load(
    postgres: &Postgres,
    session: &mut Session,
    reach: Reach<'_>,
    fresh: Vec<LeadNo>,
) -> Result<(Loaded, Kept), StoreError> {
    let mut pairs = reach.pairs();
    let found = read(session, &reach, &pairs).await?;
    pairs.retain(|pair| !found.seen.contains_key(pair));
    let Loaded { now, seen, suppressions, inbox, unsent, claims, .. } = found;
    let now = now + postgres.clock_offset;
    let (loaded, kept) = reach.load(fresh, pairs);
    Ok((Loaded { now, seen, suppressions, inbox, unsent, claims, ..loaded }, kept))
}

/// The time, what the leads have seen of the events asked for, what is closed, and what waits for them.
async fn read(
    session: &mut Session,
    reach: &Reach<'_>,
    pairs: &BTreeSet<(LeadNo, EventKey)>,
) -> Result<Loaded, StoreError> {
    let sql = concat!(
        "select 'now' as what, 0::bigint as lead_no, ",
        clock_ms!(),
        " as number, null::uuid as id, null::uuid as content, null::bytea as cause, null::text as name,
            null::text as why, null::bigint as first, null::bigint as last
        union all select 'seen', s.lead_no, 0, s.event_key, s.content, null, null, null, null, null
            from unnest($2::bigint[], $3::uuid[]) as p (lead_no, event_key)
            join seen s on s.lead_no = p.lead_no and s.event_key = p.event_key
        union all select 'closed', 0, last_reopened_ms, key, null, null, channel, why, first_closed_ms, last_closed_ms
            from suppression where key = any($4)
        union all select 'inbox', lead_no, seq, null, null, cause, null, null, null, null
            from inbox where lead_no = any($1)
        union all select 'unsent', lead_no, 0, id, null, null, null, null, null, null
            from outbox where lead_no = any($1) and state = 'unsent'
        union all select 'claim', lead_no, 0, task_id, null, null, pool, null, null, null
            from claims where lead_no = any($1)"
    );
    let statement = sqlx::query(sql)
        .bind(numbers(reach.leads.keys().copied()))
        .bind(numbers(pairs.iter().map(|(lead, _)| *lead)))
        .bind(uuids(pairs.iter().map(|(_, event)| event.0)))
        .bind(hashes(&reach.keys_to_screen()));
    let mut into = Loaded::default();
    for row in session.fetch(statement).await? {
        let lead = LeadNo(row.try_get(1).map_err(failed)?);
        match row.try_get(0).map_err(failed)? {
            "now" => into.now = Moment(row.try_get(2).map_err(failed)?),
            "seen" => {
                let event: Uuid = row.try_get(3).map_err(failed)?;
                let content: Uuid = row.try_get(4).map_err(failed)?;
                into.seen.insert((lead, EventKey(event.into_bytes())), ContentHash(content.into_bytes()));
            }
            "closed" => {
                let key: Uuid = row.try_get(3).map_err(failed)?;
                let channel = pack::channel(row.try_get(6).map_err(failed)?)?;
                let times = [row.try_get(8), row.try_get(9)];
                let [first, last] = times.map(|at| at.map(Moment).map_err(failed));
                let reopened: Option<i64> = row.try_get(2).map_err(failed)?;
                let why = row.try_get(7).map_err(failed)?;
                into.suppressions
                    .insert((KeyHash(key.into_bytes()), channel), suppression(first?, last?, reopened, why)?);
            }
            "inbox" => {
                let cause = row.try_get(5).map_err(failed)?;
                into.inbox.push((row.try_get(2).map_err(failed)?, reach.shown_under(lead), cause));
            }
            "unsent" => {
                into.unsent.insert(row.try_get(3).map_err(failed)?);
            }
            _ => {
                into.claims.insert((row.try_get(6).map_err(failed)?, row.try_get(3).map_err(failed)?));
            }
        }
    }
    into.inbox.sort_by_key(|(seq, _, _)| *seq);
    Ok(into)
}

pub const SUPPRESSIONS: &str = "select key, channel, first_closed_ms, last_closed_ms, last_reopened_ms, why
    from suppression where key = any($1)";

fn suppression(first: Moment, last: Moment, reopened: Option<i64>, why: &str) -> Result<Suppression, StoreError> {
    let last_reopened = reopened.map(Moment);
    Ok(Suppression { first_closed: first, last_closed: last, last_reopened, why: pack::closed_because(why)? })
}

pub fn suppression_of(row: &PgRow) -> Result<((KeyHash, Channel), Suppression), StoreError> {
    let key = hash_of(row)?;
    let channel = pack::channel(row.try_get(1).map_err(failed)?)?;
    let [first, last] = [2, 3].map(|column| row.try_get(column).map(Moment).map_err(failed));
    let suppression = suppression(first?, last?, row.try_get(4).map_err(failed)?, row.try_get(5).map_err(failed)?)?;
    Ok(((key, channel), suppression))
}
