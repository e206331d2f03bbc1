//! Which leads a unit of work must hold, worked out from what has been read so far; pure, for both databases.
//!
//! Keys, tasks and numbers lead to leads, a lead merged away leads to its survivor, and a lead brings those linked to
//! it (one step, not links of links). How leads are locked is each database's own affair.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::{KeyRow, LeadRow, Loaded, Wanted, WantedMessage};
use crate::domain::event::EventKey;
use crate::domain::identity::{KeyHash, KeyHasher, LeadNo, MAX_HOLDERS};
use crate::domain::time::Moment;

/// What is known on the way to a hold. Rows are as stored; [`Reach::load`] shows them with merges followed.
pub struct Reach<'a> {
    pub wanted: &'a Wanted,
    pub keys: BTreeMap<KeyHash, KeyRow>,
    pub tasks: BTreeMap<Uuid, LeadNo>,
    pub leads: BTreeMap<LeadNo, LeadRow>,
    /// Leads that the keys led to before their rows were read: what these bring along can be held without asking again.
    pub expected: BTreeSet<LeadNo>,
    /// Numbers that something led to and that name no lead.
    pub absent: BTreeSet<LeadNo>,
}

/// What a commit must know of its hold.
#[derive(Debug, Default)]
pub struct Kept {
    pub leads: BTreeMap<LeadNo, KeptLead>,
    /// The holders of the messages' keys, as they were stored.
    pub holders: BTreeMap<KeyHash, Vec<LeadNo>>,
    pub fresh: BTreeSet<LeadNo>,
    /// The pairs of which `seen` was asked and said no.
    pub unseen: BTreeSet<(LeadNo, EventKey)>,
    pub hasher: Option<KeyHasher>,
}

impl Kept {
    /// Whether an entry in `seen` is known not to be there. Of the forgotten nobody is held who could keep it so.
    pub fn has_surely_not_seen(&self, lead: LeadNo, event: EventKey) -> bool {
        lead != LeadNo::FORGOTTEN && (self.fresh.contains(&lead) || self.unseen.contains(&(lead, event)))
    }
}

#[derive(Debug)]
pub struct KeptLead {
    pub wake_at: Option<Moment>,
    pub keys: Vec<KeyHash>,
}

impl<'a> Reach<'a> {
    pub fn of(wanted: &'a Wanted) -> Reach<'a> {
        Reach {
            wanted,
            keys: BTreeMap::new(),
            tasks: BTreeMap::new(),
            leads: BTreeMap::new(),
            expected: BTreeSet::new(),
            absent: BTreeSet::new(),
        }
    }

    /// Every key of the messages, once.
    pub fn wanted_keys(&self) -> BTreeSet<KeyHash> {
        self.wanted.messages.iter().flat_map(|m| m.keys.iter().copied()).collect()
    }

    /// The strongest key of each message, which nearly always leads to the same lead as its others.
    pub fn strongest_keys(&self) -> BTreeSet<KeyHash> {
        self.wanted.messages.iter().filter_map(|m| m.keys.first().copied()).collect()
    }

    /// Keys that could still change, because one of their holders is not held.
    pub fn loose_keys(&self) -> Vec<KeyHash> {
        let loose = |row: &KeyRow| holders_to_hold(row).any(|lead| !self.leads.contains_key(&lead));
        self.keys.iter().filter(|(_, row)| loose(row)).map(|(key, _)| *key).collect()
    }

    /// Every task of the messages, once.
    pub fn wanted_tasks(&self) -> BTreeSet<Uuid> {
        self.wanted.messages.iter().filter_map(|m| m.task).collect()
    }

    /// Leads that must be held and are not.
    pub fn missing(&self) -> BTreeSet<LeadNo> {
        self.closure(self.called_for()).into_iter().filter(|l| !self.is_settled(*l)).collect()
    }

    /// Whether the lead and all that it brings along is held.
    pub fn holds_all_of(&self, lead: LeadNo) -> bool {
        self.closure(BTreeSet::from([lead])).into_iter().all(|l| self.is_settled(l))
    }

    /// Lets go of everything but these leads and what they bring along.
    pub fn narrow_to(&mut self, leads: BTreeSet<LeadNo>) {
        let keep = self.closure(leads);
        self.leads.retain(|l, _| keep.contains(l));
    }

    fn is_settled(&self, lead: LeadNo) -> bool {
        self.leads.contains_key(&lead) || self.absent.contains(&lead)
    }

    fn called_for(&self) -> BTreeSet<LeadNo> {
        let mut leads = self.wanted.leads.clone();
        leads.extend(&self.expected);
        leads.extend(self.tasks.values());
        leads.extend(self.keys.values().flat_map(holders_to_hold));
        leads
    }

    fn closure(&self, leads: BTreeSet<LeadNo>) -> BTreeSet<LeadNo> {
        let mut all: BTreeSet<LeadNo> = leads.iter().flat_map(|l| self.trail(*l)).collect();
        let linked: Vec<LeadNo> = all.iter().filter_map(|l| self.leads.get(l)).flat_map(|r| r.linked.clone()).collect();
        all.extend(linked.into_iter().flat_map(|l| self.trail(l)));
        all
    }

    /// The lead, and whom it was merged into, as far as is known. Merges cannot run in a circle (a survivor is
    /// never one that was merged away); the bound keeps a damaged table from hanging the worker.
    fn trail(&self, lead: LeadNo) -> impl Iterator<Item = LeadNo> + '_ {
        std::iter::successors(Some(lead), |l| self.leads.get(l).and_then(|row| row.merged_into))
            .take(self.leads.len() + 2)
    }

    fn survivor(&self, lead: LeadNo) -> LeadNo {
        self.trail(lead).last().unwrap_or(lead)
    }

    fn survivors(&self, leads: &[LeadNo]) -> Vec<LeadNo> {
        let mut seen = BTreeSet::new();
        leads.iter().map(|l| self.survivor(*l)).filter(|l| seen.insert(*l)).collect()
    }

    /// The leads to which a message may come to belong, and those linked to them.
    fn leads_of(&self, message: &WantedMessage) -> BTreeSet<LeadNo> {
        let mut leads: BTreeSet<LeadNo> =
            message.keys.iter().filter_map(|k| self.keys.get(k)).flat_map(holders_to_hold).collect();
        leads.extend(message.task.and_then(|t| self.tasks.get(&t)));
        self.closure(leads).into_iter().filter(|l| self.leads.contains_key(l)).collect()
    }

    /// The pairs of which `seen` is asked: a message asks only of leads it may belong to, or a batch of 500 would ask 250,000.
    /// One that names somebody who was forgotten asks of those as well: it may be a copy of what they sent.
    pub fn pairs(&self) -> BTreeSet<(LeadNo, EventKey)> {
        let asking = self.wanted.messages.iter().filter_map(|m| m.event.map(|event| (m, event)));
        let forgotten =
            |m: &WantedMessage| m.keys.iter().any(|k| self.keys.get(k).is_some_and(|r| r.erased_at.is_some()));
        asking
            .flat_map(|(m, event)| {
                let leads = self.leads_of(m);
                let hasher = self.wanted.hasher.as_ref().filter(|_| forgotten(m));
                let as_forgotten = hasher.map(|hasher| (LeadNo::FORGOTTEN, hasher.forgotten(event)));
                leads.into_iter().map(move |lead| (lead, event)).chain(as_forgotten)
            })
            .collect()
    }

    /// The keys of which `suppression` is asked.
    pub fn keys_to_screen(&self) -> BTreeSet<KeyHash> {
        let mut keys = self.wanted_keys();
        keys.extend(self.leads.values().flat_map(|l| l.keys.iter().copied()));
        keys
    }

    /// How many messages may need a new lead.
    pub fn fresh_needed(&self) -> usize {
        self.wanted.messages.iter().filter(|m| self.may_need_a_lead(m)).count()
    }

    fn may_need_a_lead(&self, message: &WantedMessage) -> bool {
        if message.keys.is_empty() {
            return message.task.is_none_or(|t| !self.tasks.contains_key(&t));
        }
        message.keys.iter().any(|k| self.keys.get(k).is_none_or(|row| holders_to_hold(row).next().is_none()))
    }

    /// Which lead will probably come to carry each unknown key, if numbers are used in order of the messages.
    /// A right guess saves a second write of the key's row; a wrong one costs nothing more.
    pub fn guess_holders(&self, fresh: &[LeadNo]) -> BTreeMap<KeyHash, LeadNo> {
        let mut guesses: BTreeMap<KeyHash, LeadNo> = BTreeMap::new();
        let mut fresh = fresh.iter().copied();
        for message in &self.wanted.messages {
            let known = message.keys.iter().find_map(|k| {
                guesses.get(k).copied().or_else(|| self.keys.get(k).and_then(|row| holders_to_hold(row).next()))
            });
            let known = known.or_else(|| message.task.and_then(|t| self.tasks.get(&t).copied()));
            let unknown: Vec<KeyHash> = message
                .keys
                .iter()
                .filter(|k| !self.keys.contains_key(k) && !guesses.contains_key(k))
                .copied()
                .collect();
            if unknown.is_empty() {
                continue;
            }
            // Every unknown key must get a row, or two units could learn it; one of nobody is never right and never stays.
            let lead = known.or_else(|| fresh.next()).unwrap_or(LeadNo::FORGOTTEN);
            guesses.extend(unknown.into_iter().map(|key| (key, lead)));
        }
        guesses
    }

    /// What the unit of work gets to see of leads, keys and tasks, with merges followed; and what its commit needs.
    /// `unseen` are the pairs of which `seen` said no.
    pub fn load(self, fresh: Vec<LeadNo>, unseen: BTreeSet<(LeadNo, EventKey)>) -> (Loaded, Kept) {
        let tasks = self.tasks.iter().map(|(t, l)| (*t, self.survivor(*l))).collect();
        let keys = self.keys.iter().filter(|(_, row)| *row != &KeyRow::default());
        let keys = keys.map(|(key, row)| (*key, KeyRow { holders: self.shown(row), ..*row })).collect();
        let links: Vec<Vec<LeadNo>> = self.leads.values().map(|row| self.links_of(row)).collect();
        let kept_lead = |row: &LeadRow| KeptLead { wake_at: row.wake_at, keys: row.keys.clone() };
        // A wanted key without a row is this unit's own to learn: nobody carries it, and nobody else can come to.
        let mut holders: BTreeMap<KeyHash, Vec<LeadNo>> =
            self.wanted_keys().into_iter().map(|key| (key, Vec::new())).collect();
        holders.extend(self.keys.into_iter().map(|(key, row)| (key, row.holders)));
        let kept = Kept {
            leads: self.leads.iter().map(|(no, row)| (*no, kept_lead(row))).collect(),
            holders,
            fresh: fresh.iter().copied().collect(),
            unseen,
            hasher: self.wanted.hasher.clone(),
        };
        let leads = self.leads.into_values().zip(links).map(|(row, linked)| LeadRow { linked, ..row }).collect();
        (Loaded { leads, keys, tasks, fresh, ..Loaded::default() }, kept)
    }

    /// The survivors of a key's holders; of a key with too many they are not known, so as stored.
    fn shown(&self, row: &KeyRow) -> Vec<LeadNo> {
        if row.holders.len() > MAX_HOLDERS { row.holders.clone() } else { self.survivors(&row.holders) }
    }

    fn links_of(&self, row: &LeadRow) -> Vec<LeadNo> {
        let mut linked = self.survivors(&row.linked);
        linked.retain(|l| *l != row.lead_no);
        linked
    }

    /// Under which lead an inbox row is shown.
    pub fn shown_under(&self, lead: LeadNo) -> LeadNo {
        self.survivor(lead)
    }
}

/// The leads to hold on a key's account: all of them, unless they are too many.
fn holders_to_hold(row: &KeyRow) -> impl Iterator<Item = LeadNo> + '_ {
    row.holders.iter().copied().take_while(|_| row.holders.len() <= MAX_HOLDERS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u8) -> KeyHash {
        KeyHash([n; 16])
    }
    fn lead(no: i64, merged_into: Option<i64>, linked: &[i64]) -> (LeadNo, LeadRow) {
        let row = LeadRow {
            lead_no: LeadNo(no),
            lead_id: Uuid::from_u128(no as u128),
            merged_into: merged_into.map(LeadNo),
            erased: false,
            stage: "new".into(),
            verdict: "unknown".into(),
            version: 1,
            updated_at: Moment(0),
            keys: vec![],
            linked: linked.iter().map(|l| LeadNo(*l)).collect(),
            state: vec![],
            wake_at: None,
        };
        (LeadNo(no), row)
    }
    fn carried_by(holders: impl IntoIterator<Item = i64>) -> KeyRow {
        KeyRow { holders: holders.into_iter().map(LeadNo).collect(), erased_at: None }
    }
    fn message(keys: &[u8]) -> WantedMessage {
        WantedMessage { event: Some(EventKey([9; 16])), keys: keys.iter().map(|n| key(*n)).collect(), task: None }
    }
    fn numbers(list: impl IntoIterator<Item = i64>) -> BTreeSet<LeadNo> {
        list.into_iter().map(LeadNo).collect()
    }

    #[test]
    fn a_key_leads_to_its_holders_their_survivors_and_their_links_but_not_to_links_of_links() {
        let wanted = Wanted { messages: vec![message(&[1])], ..Wanted::default() };
        let mut reach = Reach::of(&wanted);
        reach.keys.insert(key(1), carried_by([1, 2]));
        assert_eq!(reach.missing(), numbers([1, 2]));
        reach.leads.extend([lead(1, Some(3), &[]), lead(2, None, &[4])]);
        assert_eq!(reach.missing(), numbers([3, 4]));
        reach.leads.extend([lead(3, None, &[]), lead(4, Some(5), &[6])]);
        assert_eq!(reach.missing(), numbers([5]));
        reach.leads.extend([lead(5, None, &[7])]);
        assert_eq!(reach.missing(), numbers([]));
    }

    #[test]
    fn a_key_on_too_many_leads_leads_nowhere_but_says_who_they_are() {
        let wanted = Wanted { messages: vec![message(&[1])], ..Wanted::default() };
        let mut reach = Reach::of(&wanted);
        reach.keys.insert(key(1), carried_by(1..=6));
        assert_eq!(reach.missing(), numbers([]));
        assert_eq!(reach.fresh_needed(), 1);
        let (loaded, _) = reach.load(vec![LeadNo(9)], BTreeSet::new());
        assert_eq!(loaded.keys[&key(1)].holders.len(), 6);
    }

    #[test]
    fn merged_holders_are_shown_as_their_survivor_once() {
        let wanted = Wanted { messages: vec![message(&[1])], ..Wanted::default() };
        let mut reach = Reach::of(&wanted);
        reach.keys.insert(key(1), carried_by([1, 2]));
        reach.leads.extend([lead(1, None, &[2]), lead(2, Some(1), &[])]);
        assert_eq!(reach.pairs().len(), 2);
        let (loaded, kept) = reach.load(vec![], BTreeSet::new());
        assert_eq!(loaded.keys[&key(1)].holders, [LeadNo(1)]);
        assert_eq!(loaded.leads[0].linked, []);
        assert_eq!(kept.holders[&key(1)], [LeadNo(1), LeadNo(2)]);
    }

    #[test]
    fn unknown_keys_are_guessed_message_by_message() {
        let messages = vec![message(&[1, 2]), message(&[2, 3]), message(&[4]), message(&[5, 6])];
        let wanted = Wanted { messages, ..Wanted::default() };
        let mut reach = Reach::of(&wanted);
        reach.keys.insert(key(5), carried_by([77]));
        assert_eq!(reach.fresh_needed(), 4);
        let guesses = reach.guess_holders(&[LeadNo(100), LeadNo(101), LeadNo(102)]);
        let expected = [(1, 100), (2, 100), (3, 100), (4, 101), (6, 77)];
        assert_eq!(guesses, expected.map(|(k, l)| (key(k), LeadNo(l))).into());
    }
}
