//! Holding leads: the writing transaction holds them all, so what is left is to read the right ones.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::Sqlite;
use super::leads::{self, hashes, id_of, numbers};
use super::read;
use super::session::{Session, failed, hex, rows};
use crate::domain::event::{ContentHash, EventKey};
use crate::domain::identity::LeadNo;
use crate::domain::time::Moment;
use crate::store::reach::{Kept, Reach};
use crate::store::{Loaded, StoreError, Wanted, pack};

/// The file held for writing. Dropping it gives everything back unchanged.
#[derive(Debug)]
pub struct Held {
    pub(super) session: Session,
    pub(super) kept: Kept,
}

pub async fn hold(sqlite: &Sqlite, wanted: &Wanted) -> Result<(Held, Loaded), StoreError> {
    let mut session = Session::begin(sqlite).await?;
    let mut reach = Reach::of(wanted);
    read_tasks(sqlite, &mut session, &mut reach).await?;
    reach.keys = leads::read_keys(&mut session, &reach.wanted_keys()).await?;
    read_leads(&mut session, &mut reach).await?;
    let fresh = leads::fresh_numbers(&mut session, reach.fresh_needed()).await?;
    let (loaded, kept) = load(&mut session, reach, fresh).await?;
    Ok((Held { session, kept }, Loaded { now: sqlite.clock(), ..loaded }))
}

pub async fn hold_due(sqlite: &Sqlite, limit: usize) -> Result<Option<(Held, Loaded)>, StoreError> {
    let mut session = Session::begin(sqlite).await?;
    let now = sqlite.clock();
    // Answers first, because somebody waits for them, but never more than half while wake-ups are due too.
    let limit = i64::try_from(limit.max(1)).unwrap_or(i64::MAX / 8);
    let answered = "select distinct lead_no from (select lead_no from inbox order by seq limit ?1 * 4) limit ?1";
    let mut due = numbers_of(session.fetch(sqlx::query(answered).bind((limit + 1) / 2)).await?)?;
    let room = limit - due.len() as i64;
    let overdue = "select lead_no from wakeups where due_at_ms <= ? order by due_at_ms limit ?";
    due.extend(numbers_of(session.fetch(sqlx::query(overdue).bind(now.0).bind(room)).await?)?);
    if due.is_empty() {
        session.rollback().await?;
        return Ok(None);
    }
    let wanted = Wanted { leads: due, ..Wanted::default() };
    let mut reach = Reach::of(&wanted);
    read_leads(&mut session, &mut reach).await?;
    let (loaded, kept) = load(&mut session, reach, Vec::new()).await?;
    Ok(Some((Held { session, kept }, Loaded { now, ..loaded })))
}

fn numbers_of(rows: Vec<SqliteRow>) -> Result<BTreeSet<LeadNo>, StoreError> {
    rows.iter().map(|row| row.try_get(0).map(LeadNo).map_err(failed)).collect()
}

async fn read_tasks(sqlite: &Sqlite, session: &mut Session, reach: &mut Reach<'_>) -> Result<(), StoreError> {
    let tasks = reach.wanted_tasks();
    if tasks.is_empty() {
        return Ok(());
    }
    let sql = "select task_id, lead_no from tasks
        where task_id in (select unhex(value) from json_each(?)) and forget_after_ms >= ?";
    let ids = rows(tasks.iter().map(|task| hex(task.as_bytes())));
    for row in session.fetch(sqlx::query(sql).bind(ids).bind(sqlite.clock().0)).await? {
        reach.tasks.insert(id_of(&row, 0)?, LeadNo(row.try_get(1).map_err(failed)?));
    }
    Ok(())
}

async fn read_leads(session: &mut Session, reach: &mut Reach<'_>) -> Result<(), StoreError> {
    loop {
        let missing = reach.missing();
        if missing.is_empty() {
            return Ok(());
        }
        let found = leads::read(session, &missing).await?;
        reach.leads.extend(found.into_iter().map(|row| (row.lead_no, row)));
        reach.absent.extend(missing.iter().filter(|lead| !reach.leads.contains_key(lead)));
    }
}

async fn load(session: &mut Session, reach: Reach<'_>, fresh: Vec<LeadNo>) -> Result<(Loaded, Kept), StoreError> {
    let seen = read_seen(session, &reach).await?;
    let screened = session.fetch(sqlx::query(read::SUPPRESSIONS).bind(hashes(&reach.keys_to_screen()))).await?;
    let suppressions = screened.iter().map(read::suppression_of).collect::<Result<_, _>>()?;
    let held = || numbers(reach.leads.keys().copied());

    let inbox = "select seq, lead_no, cause from inbox where lead_no in (select value from json_each(?)) order by seq";
    let inbox_of = |row: &SqliteRow| {
        let lead = reach.shown_under(LeadNo(row.try_get(1).map_err(failed)?));
        Ok((row.try_get(0).map_err(failed)?, lead, row.try_get(2).map_err(failed)?))
    };
    let inbox = session.fetch(sqlx::query(inbox).bind(held())).await?;
    let inbox = inbox.iter().map(inbox_of).collect::<Result<Vec<_>, StoreError>>()?;
    let unsent = "select id from outbox where lead_no in (select value from json_each(?)) and state = 'unsent'";
    let unsent = session.fetch(sqlx::query(unsent).bind(held())).await?;
    let unsent = unsent.iter().map(|row| id_of(row, 0)).collect::<Result<_, _>>()?;
    let claims = "select pool, task_id from claims where lead_no in (select value from json_each(?))";
    let claims = session.fetch(sqlx::query(claims).bind(held())).await?;
    let claim_of = |row: &SqliteRow| Ok((row.try_get(0).map_err(failed)?, id_of(row, 1)?));
    let claims = claims.iter().map(claim_of).collect::<Result<_, StoreError>>()?;

    let (loaded, kept) = reach.load(fresh, BTreeSet::new());
    Ok((Loaded { seen, suppressions, inbox, unsent, claims, now: Moment(0), ..loaded }, kept))
}

async fn read_seen(
    session: &mut Session,
    reach: &Reach<'_>,
) -> Result<BTreeMap<(LeadNo, EventKey), ContentHash>, StoreError> {
    let pairs = reach.pairs();
    if pairs.is_empty() {
        return Ok(BTreeMap::new());
    }
    let sql = "select s.lead_no, s.event_key, s.content from json_each(?) p
        join seen s on s.lead_no = p.value->>0 and s.event_key = unhex(p.value->>1)";
    let asked = rows(pairs.iter().map(|(lead, event)| serde_json::json!([lead.0, hex(event.0)])));
    let seen_of = |row: &SqliteRow| {
        let lead = LeadNo(row.try_get(0).map_err(failed)?);
        let event = EventKey(pack::sixteen("event key", row.try_get(1).map_err(failed)?)?);
        let content = ContentHash(pack::sixteen("content hash", row.try_get(2).map_err(failed)?)?);
        Ok(((lead, event), content))
    };
    session.fetch(sqlx::query(sql).bind(asked)).await?.iter().map(seen_of).collect()
}
