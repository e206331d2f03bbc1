//! Holding leads: which locks, in which order, and what is read when.
//!
//! The order that keeps workers from deadlock: first keys, sorted (only those nobody carries), then leads, sorted, in
//! one statement. After that nothing waits: leads that turn out to be needed too are locked only if they are free;
//! otherwise everything is given back and tried again from the start with the wider set.
//! What was read before a lock counts for nothing: keys are read again once their leads are held.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::Row;

use super::keys::{self, hashes};
use super::session::{Session, failed};
use super::{Postgres, leads, load};
use crate::domain::identity::{KeyHash, LeadNo};
use crate::store::reach::{Kept, Reach};
use crate::store::{LeadRow, Loaded, StoreError, Wanted};

/// How often a hold is widened before the caller is told to try a smaller piece of work.
const ATTEMPTS: usize = 3;

/// Leads held by a transaction of their own. Dropping it gives them back unchanged.
#[derive(Debug)]
pub struct Held {
    pub(super) session: Session,
    pub(super) kept: Kept,
    /// Keys that were unknown and are inserted already, with the lead each was given.
    pub(super) learned: BTreeMap<KeyHash, LeadNo>,
}

/// Holds every lead that keys, tasks and numbers lead to, waiting for others.
pub async fn hold(postgres: &Postgres, wanted: &Wanted) -> Result<(Held, Loaded), StoreError> {
    let mut wider = BTreeSet::new();
    for _ in 0..ATTEMPTS {
        let mut session = Session::begin(&postgres.pool).await?;
        let mut reach = Reach::of(wanted);
        read_tasks(&mut session, &mut reach).await?;
        let (learned, mut fresh) = find_or_learn_keys(&mut session, &mut reach).await?;
        if !lock_leads(&mut session, &mut reach, &mut wider).await? {
            session.rollback().await?;
            continue;
        }
        let more = reach.fresh_needed().saturating_sub(fresh.len());
        fresh.extend(leads::fresh_numbers(&mut session, more).await?);
        let (loaded, kept) = load::load(postgres, &mut session, reach, fresh).await?;
        return Ok((Held { session, kept, learned }, loaded));
    }
    Err(StoreError::Contended)
}

/// Tasks move with merges and go with erasure; either way the lead they are read to name here still leads on.
async fn read_tasks(session: &mut Session, reach: &mut Reach<'_>) -> Result<(), StoreError> {
    let tasks: Vec<_> = reach.wanted_tasks().into_iter().collect();
    if tasks.is_empty() {
        return Ok(());
    }
    let sql = "select task_id, lead_no from tasks where task_id = any($1)";
    for row in session.fetch(sqlx::query(sql).bind(tasks)).await? {
        reach.tasks.insert(row.try_get(0).map_err(failed)?, LeadNo(row.try_get(1).map_err(failed)?));
    }
    Ok(())
}

/// Reads the rows of all keys; keys nobody carries are this unit's from here on, whether they had a row or not.
async fn find_or_learn_keys(
    session: &mut Session,
    reach: &mut Reach<'_>,
) -> Result<(BTreeMap<KeyHash, LeadNo>, Vec<LeadNo>), StoreError> {
    let wanted = reach.wanted_keys();
    reach.keys = keys::read(session, &hashes(&wanted)).await?;
    let fresh = leads::fresh_numbers(session, reach.fresh_needed()).await?;
    let mut learned = reach.guess_holders(&fresh);
    let ours = keys::learn(session, &learned).await?;
    learned.retain(|key, _| ours.contains(key));

    let by_others: Vec<KeyHash> =
        wanted.into_iter().filter(|key| !reach.keys.contains_key(key) && !learned.contains_key(key)).collect();
    reach.keys.extend(keys::read(session, &hashes(&by_others)).await?);
    let nobodys: Vec<KeyHash> =
        reach.keys.iter().filter(|(_, row)| row.holders.is_empty()).map(|(key, _)| *key).collect();
    reach.keys.extend(keys::lock(session, &hashes(&nobodys)).await?);
    Ok((learned, fresh))
}

/// Locks what the keys, tasks and numbers lead to, until nothing is outside. Says false, and adds to `wider`, where a
/// lead that is needed too is held by another.
async fn lock_leads(
    session: &mut Session,
    reach: &mut Reach<'_>,
    wider: &mut BTreeSet<LeadNo>,
) -> Result<bool, StoreError> {
    let mut first: BTreeSet<LeadNo> = reach.missing();
    first.extend(wider.iter());
    if !first.is_empty() {
        let rows = leads::lock(session, &first).await?;
        reach.absent.extend(first.iter().filter(|lead| rows.binary_search_by_key(lead, |row| &row.lead_no).is_err()));
        reach.leads.extend(by_number(rows));
    }
    loop {
        let also = reach.missing();
        if !also.is_empty() {
            let rows = leads::lock_free(session, &also).await?;
            if rows.len() < also.len() {
                wider.extend(also);
                wider.extend(reach.leads.keys());
                return Ok(false);
            }
            reach.leads.extend(by_number(rows));
            continue;
        }
        // Only now, with its holders held, can a key no longer change; what was read before may have.
        let known: Vec<KeyHash> = reach.keys.keys().copied().collect();
        reach.keys = keys::read(session, &hashes(&known)).await?;
        if reach.missing().is_empty() {
            return Ok(true);
        }
    }
}

/// Holds leads that are due and free, with those linked to them; a lead whose links are held by others waits.
pub async fn hold_due(postgres: &Postgres, limit: usize) -> Result<Option<(Held, Loaded)>, StoreError> {
    let mut session = Session::begin(&postgres.pool).await?;
    // Answers first, because somebody waits for them, but never more than half while wake-ups are due too.
    let limit = i64::try_from(limit.max(1)).unwrap_or(i64::MAX / 8);
    let mut due: BTreeMap<LeadNo, LeadRow> =
        by_number(leads::lock_answered(&mut session, (limit + 1) / 2).await?).collect();
    let room = limit - due.len() as i64;
    if room > 0 {
        due.extend(by_number(leads::lock_due(&mut session, postgres.clock_offset, room).await?));
    }
    let wanted = Wanted { leads: due.keys().copied().collect(), ..Wanted::default() };
    let mut reach = Reach::of(&wanted);
    reach.leads = due;
    // Twice: a link may lead to a lead merged away, and that to its survivor. Longer ways are left for later.
    for _ in 0..2 {
        let also = reach.missing();
        if also.is_empty() {
            break;
        }
        reach.leads.extend(by_number(leads::lock_free(&mut session, &also).await?));
    }
    let whole: BTreeSet<LeadNo> = wanted.leads.iter().copied().filter(|lead| reach.holds_all_of(*lead)).collect();
    if whole.is_empty() {
        session.rollback().await?;
        return Ok(None);
    }
    reach.narrow_to(whole);
    let (loaded, kept) = load::load(postgres, &mut session, reach, Vec::new()).await?;
    Ok(Some((Held { session, kept, learned: BTreeMap::new() }, loaded)))
}

fn by_number(rows: Vec<LeadRow>) -> impl Iterator<Item = (LeadNo, LeadRow)> {
    rows.into_iter().map(|row| (row.lead_no, row))
}
