//! What a commit does to the rows of keys, worked out before any SQL; pure, for both databases.
//!
//! A key's row is written whole where the unit of work holds all its holders. Where it cannot (the key was not among
//! its messages', or has too many holders) two units may write at once, and each joins its part to what is there.

use std::collections::{BTreeMap, BTreeSet};

use super::reach::Kept;
use super::{Changes, KeyRow};
use crate::domain::identity::{KEY_HOLDERS_KEPT, KeyHash, LeadNo, MAX_HOLDERS};

/// The rows to write as they are, and the keys whose current row must be read under a lock first.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct KeyPlan {
    pub whole: BTreeMap<KeyHash, KeyRow>,
    pub joined: BTreeSet<KeyHash>,
}

/// Sorts the changed keys into those written whole and those joined. Keys of leads that are merged away or erased
/// are among the latter, because they must stop naming them.
pub fn plan(changes: &Changes, kept: &Kept) -> KeyPlan {
    let mut plan = KeyPlan::default();
    for (key, row) in &changes.keys {
        match kept.holders.get(key) {
            Some(before) if before.len() <= MAX_HOLDERS => {
                plan.whole.insert(*key, row.clone());
            }
            _ => {
                plan.joined.insert(*key);
            }
        }
    }
    let leaving = changes.moved.iter().map(|(away, _)| away).chain(&changes.erased);
    let of_leaving = leaving.filter_map(|lead| kept.leads.get(lead)).flat_map(|lead| &lead.keys);
    plan.joined.extend(of_leaving.filter(|key| !plan.whole.contains_key(key)));
    plan
}

/// The row a joined key comes to have, from the one that is there now.
pub fn join(key: KeyHash, now: KeyRow, changes: &Changes, kept: &Kept, survivors: &BTreeMap<LeadNo, LeadNo>) -> KeyRow {
    let erased: BTreeSet<LeadNo> = changes.erased.iter().copied().collect();
    let change = changes.keys.get(&key);
    let before: &[LeadNo] = kept.holders.get(&key).map_or(&[], Vec::as_slice);
    let after: &[LeadNo] = change.map_or(before, |row| &row.holders);
    let taken_out = |lead: &LeadNo| erased.contains(lead) || (before.contains(lead) && !after.contains(lead));

    let mut kept_once = BTreeSet::new();
    let all = now.holders.iter().chain(after.iter().filter(|lead| !before.contains(lead)));
    let holders = all
        .filter(|lead| !taken_out(lead))
        .map(|lead| survivors.get(lead).copied().unwrap_or(*lead))
        .filter(|lead| kept_once.insert(*lead))
        .take(KEY_HOLDERS_KEPT)
        .collect();
    KeyRow { holders, erased_at: now.erased_at.max(change.and_then(|row| row.erased_at)) }
}

/// Merged away → the one that is left in the end, with chains within one commit followed.
pub fn survivors(moved: &[(LeadNo, LeadNo)]) -> BTreeMap<LeadNo, LeadNo> {
    let direct: BTreeMap<LeadNo, LeadNo> = moved.iter().copied().collect();
    let last = |lead: LeadNo| {
        // As long as the list at most: a circle would be a mistake of the caller, and must not hang the worker.
        let trail = std::iter::successors(Some(lead), |l| direct.get(l).copied()).take(direct.len() + 1);
        trail.last().unwrap_or(lead)
    };
    direct.keys().map(|away| (*away, last(*away))).collect()
}

/// Puts everything that is about to be added for a lead merged away under its survivor.
pub fn follow_merges(changes: &mut Changes, survivors: &BTreeMap<LeadNo, LeadNo>) {
    let follow = |lead: &mut LeadNo| {
        if let Some(survivor) = survivors.get(lead) {
            *lead = *survivor;
        }
    };
    changes.seen.iter_mut().for_each(|(lead, _, _)| follow(lead));
    changes.history.iter_mut().for_each(|row| follow(&mut row.lead_no));
    changes.outbox.iter_mut().for_each(|row| follow(&mut row.lead_no));
    changes.tasks.iter_mut().for_each(|row| follow(&mut row.lead_no));
    changes.claims.iter_mut().for_each(|row| follow(&mut row.lead_no));
    changes.inbox.iter_mut().for_each(|(lead, _)| follow(lead));
    changes.told.iter_mut().for_each(|told| follow(&mut told.by));
}

#[cfg(test)]
mod tests {
    use super::super::reach::KeptLead;
    use super::*;
    use crate::domain::time::Moment;

    const KEY: KeyHash = KeyHash([1; 16]);

    fn leads(numbers: impl IntoIterator<Item = i64>) -> Vec<LeadNo> {
        numbers.into_iter().map(LeadNo).collect()
    }
    fn row(holders: impl IntoIterator<Item = i64>) -> KeyRow {
        KeyRow { holders: leads(holders), erased_at: None }
    }
    fn kept(before: impl IntoIterator<Item = i64>) -> Kept {
        Kept { holders: [(KEY, leads(before))].into(), ..Kept::default() }
    }
    fn changed_to(after: KeyRow) -> Changes {
        Changes { keys: [(KEY, after)].into(), ..Changes::default() }
    }

    #[test]
    fn a_row_whose_holders_are_held_is_written_whole_and_one_with_too_many_is_joined() {
        let changes = changed_to(row([1, 2]));
        assert!(plan(&changes, &kept([1])).whole.contains_key(&KEY));
        assert!(plan(&changes, &kept([])).whole.contains_key(&KEY));
        assert!(plan(&changes, &kept(1..=6)).joined.contains(&KEY));
        assert!(plan(&changes, &Kept::default()).joined.contains(&KEY));
    }

    #[test]
    fn two_units_that_add_to_a_crowded_key_both_end_up_on_it() {
        let (mine, kept) = (changed_to(row(1..=7)), kept(1..=6));
        let now = row([1, 2, 3, 4, 5, 6, 8]);
        assert_eq!(join(KEY, now, &mine, &kept, &BTreeMap::new()), row([1, 2, 3, 4, 5, 6, 8, 7]));
    }

    #[test]
    fn a_crowded_key_keeps_its_first_holders_and_its_latest_erasure() {
        let changes = changed_to(KeyRow { holders: leads([2000]), erased_at: Some(Moment(5)) });
        let now = KeyRow { holders: leads(1..=1000), erased_at: Some(Moment(3)) };
        let joined = join(KEY, now, &changes, &Kept::default(), &BTreeMap::new());
        assert_eq!(joined, KeyRow { holders: leads(1..=1000), erased_at: Some(Moment(5)) });
    }

    #[test]
    fn keys_of_the_merged_and_the_erased_stop_naming_them() {
        let mut kept = Kept::default();
        kept.leads.insert(LeadNo(2), KeptLead { wake_at: None, keys: vec![KEY] });
        let merged = Changes { moved: vec![(LeadNo(2), LeadNo(1))], ..Changes::default() };
        assert!(plan(&merged, &kept).joined.contains(&KEY));
        let survivors = survivors(&merged.moved);
        assert_eq!(join(KEY, row([1, 2, 3]), &merged, &kept, &survivors), row([1, 3]));
        let erased = Changes { erased: leads([2]), ..Changes::default() };
        assert_eq!(join(KEY, row([1, 2, 3]), &erased, &kept, &BTreeMap::new()), row([1, 3]));
    }

    #[test]
    fn chains_of_merges_end_at_the_last_survivor() {
        let moved = [(LeadNo(3), LeadNo(2)), (LeadNo(2), LeadNo(1))];
        assert_eq!(survivors(&moved), [(LeadNo(3), LeadNo(1)), (LeadNo(2), LeadNo(1))].into());
    }
}
