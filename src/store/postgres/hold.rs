//! Holding leads: which locks, in which order, and what is read when.
//!
//! The order that keeps workers from deadlock: first leads, sorted, in one statement; then keys nobody carries, sorted.
//! Leads that turn out to be needed too are locked only if they are free; otherwise everything is given back and tried
//! again from the start with the wider set. What was read before a lock counts for nothing: keys are read once their
//! leads are held, and again where they led to more leads.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::Row;

use super::keys::{self, hashes};
use super::session::{Session, failed};
use super::{Postgres, clock_ms, leads, load};
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
        read_tasks(postgres, &mut session, &mut reach).await?;
        lock_known(&mut session, &mut reach, &wider).await?;
        let Some((learned, mut fresh)) = settle_keys(&mut session, &mut reach, &mut wider).await? else {
            session.rollback().await?;
            continue;
        };
        let more = reach.fresh_needed().saturating_sub(fresh.len());
        fresh.extend(leads::fresh_numbers(&mut session, more).await?);
        let (loaded, kept) = load::load(postgres, &mut session, reach, fresh).await?;
        return Ok((Held { session, kept, learned }, loaded));
    }
    Err(StoreError::Contended)
}

/// Tasks move with merges and go with erasure; either way the lead they are read to name here still leads on.
async fn read_tasks(postgres: &Postgres, session: &mut Session, reach: &mut Reach<'_>) -> Result<(), StoreError> {
    let tasks: Vec<_> = reach.wanted_tasks().into_iter().collect();
    if tasks.is_empty() {
        return Ok(());
    }
    let sql = concat!(
        "select task_id, lead_no from tasks where task_id = any($1) and forget_after_ms >= ",
        clock_ms!(),
        " + $2"
    );
    for row in session.fetch(sqlx::query(sql).bind(tasks).bind(postgres.clock_offset.0)).await? {
        reach.tasks.insert(row.try_get(0).map_err(failed)?, LeadNo(row.try_get(1).map_err(failed)?));
    }
    Ok(())
}

/// Locks, in one go, what numbers, tasks and the strongest keys lead to as far as anybody can tell beforehand.
async fn lock_known(session: &mut Session, reach: &mut Reach<'_>, wider: &BTreeSet<LeadNo>) -> Result<(), StoreError> {
    let mut by_number = reach.missing();
    by_number.extend(wider);
    let rows = leads::lock(session, &by_number, &reach.strongest_keys()).await?;
    reach.expected.extend(rows.iter().map(|row| row.lead_no).filter(|lead| !wider.contains(lead)));
    reach.leads.extend(numbered(rows));
    let (leads, absent) = (&reach.leads, &mut reach.absent);
    absent.extend(by_number.into_iter().filter(|lead| !leads.contains_key(lead)));
    Ok(())
}

type Learned = BTreeMap<KeyHash, LeadNo>;

/// Reads the rows of all keys now that their leads are held, and makes those that nobody carries this unit's own.
/// `None` where a lead that is needed too is held by another.
async fn settle_keys(
    session: &mut Session,
    reach: &mut Reach<'_>,
    wider: &mut BTreeSet<LeadNo>,
) -> Result<Option<(Learned, Vec<LeadNo>)>, StoreError> {
    let wanted = reach.wanted_keys();
    if !lock_missing(session, reach, wider).await? {
        return Ok(None);
    }
    reach.keys = keys::read(session, hashes(&wanted)).await?;
    let (learned, fresh) = learn_unknown(session, reach, &wanted).await?;
    while !reach.missing().is_empty() {
        // A key whose holders were all held when it was read cannot have changed since; the others may have.
        let loose = reach.loose_keys();
        if !lock_missing(session, reach, wider).await? {
            return Ok(None);
        }
        reach.keys.extend(keys::read(session, hashes(&loose)).await?);
    }
    Ok(Some((learned, fresh)))
}

/// Locks what is missing if it is free. Says false, and adds to `wider`, where somebody else holds it.
async fn lock_missing(
    session: &mut Session,
    reach: &mut Reach<'_>,
    wider: &mut BTreeSet<LeadNo>,
) -> Result<bool, StoreError> {
    loop {
        let missing = reach.missing();
        if missing.is_empty() {
            return Ok(true);
        }
        let rows = leads::lock_free(session, &missing).await?;
        let all = rows.len() == missing.len();
        reach.leads.extend(numbered(rows));
        if !all {
            wider.extend(missing);
            wider.extend(reach.leads.keys());
            return Ok(false);
        }
    }
}

/// Keys nobody carries are this unit's from here on, whether they had a row or not.
async fn learn_unknown(
    session: &mut Session,
    reach: &mut Reach<'_>,
    wanted: &BTreeSet<KeyHash>,
) -> Result<(Learned, Vec<LeadNo>), StoreError> {
    let mut learned = Learned::new();
    let mut fresh = Vec::new();
    if wanted.len() > reach.keys.len() {
        fresh = leads::fresh_numbers(session, reach.fresh_needed()).await?;
        learned = reach.guess_holders(&fresh);
        let ours = keys::learn(session, &learned).await?;
        let by_others: Vec<KeyHash> = learned.keys().filter(|key| !ours.contains(key)).copied().collect();
        learned.retain(|key, _| ours.contains(key));
        reach.keys.extend(keys::read(session, hashes(&by_others)).await?);
    }
    // A tombstone, for one, has a row and leads to no lead that could be locked instead.
    let nobodys = reach.keys.iter().filter(|(_, row)| row.holders.is_empty()).map(|(key, _)| *key);
    let nobodys: Vec<KeyHash> = nobodys.collect();
    reach.keys.extend(keys::lock(session, hashes(&nobodys)).await?);
    Ok((learned, fresh))
}

/// Holds leads that are due and free, with those linked to them; a lead whose links are held by others waits.
pub async fn hold_due(postgres: &Postgres, limit: usize) -> Result<Option<(Held, Loaded)>, StoreError> {
    let mut session = Session::begin(&postgres.pool).await?;
    // Answers first, because somebody waits for them, but never more than half while wake-ups are due too.
    let limit = i64::try_from(limit.max(1)).unwrap_or(i64::MAX / 8);
    let mut due: BTreeMap<LeadNo, LeadRow> =
        numbered(leads::lock_answered(&mut session, (limit + 1) / 2).await?).collect();
    let room = limit - due.len() as i64;
    if room > 0 {
        due.extend(numbered(leads::lock_due(&mut session, postgres.clock_offset, room).await?));
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
        reach.leads.extend(numbered(leads::lock_free(&mut session, &also).await?));
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

fn numbered(rows: Vec<LeadRow>) -> impl Iterator<Item = (LeadNo, LeadRow)> {
    rows.into_iter().map(|row| (row.lead_no, row))
}
