//! Which leads are one person: attaching keys, linking, merging; telling two people apart again; forgetting one.
//!
//! Everything that changes who a key names is here.

use super::*;

impl WorkingSet {
    /// Gives the lead the event's keys: unknown ones are attached, those of others merge the two or link them.
    pub(super) fn attach(
        &mut self,
        event: &Event,
        no: LeadNo,
        keys: &[(&Key, KeyHash)],
        env: &Env,
        now: Moment,
    ) -> LeadNo {
        let mut no = no;
        for (key, hash) in keys {
            let others: Vec<LeadNo> = match self.keys.get(hash) {
                // Shared by a crowd: it joins nobody any more, and nobody is looked through.
                Some(h) if h.leads.len() > MAX_HOLDERS + 1 => {
                    self.crowd(no, key, *hash);
                    self.hold_key(*hash, no);
                    continue;
                }
                Some(h) => h.leads.iter().map(|l| self.survivor(*l)).filter(|l| *l != no).collect(),
                None => Vec::new(),
            };
            let shared_for_good = others.len() >= MAX_HOLDERS;
            if shared_for_good {
                self.crowd(no, key, *hash);
            }
            for other in others {
                if !shared_for_good && self.may_merge(key, event, no, other) {
                    no = self.merge(no, other, env, now);
                } else if !shared_for_good {
                    self.link(no, other);
                }
            }
            self.hold_key(*hash, no);
        }
        no
    }

    /// The lead is one of a crowd that carries the key: it has to ask before it uses it.
    fn crowd(&mut self, no: LeadNo, key: &Key, hash: KeyHash) {
        if key.kind == KeyKind::Phone
            && let Some(Slot::Live(lead)) = self.leads.get_mut(&no)
        {
            lead.crowded.insert(key.clone(), hash);
        }
    }

    fn hold_key(&mut self, hash: KeyHash, no: LeadNo) {
        let holders = self.keys.entry(hash).or_default();
        if holders.leads.len() < KEY_HOLDERS_KEPT && !holders.leads.contains(&no) {
            holders.leads.push(no);
            self.net.keys.insert(hash);
        }
    }

    fn may_merge(&self, key: &Key, event: &Event, a: LeadNo, b: LeadNo) -> bool {
        let (Some(Slot::Live(a)), Some(Slot::Live(b))) = (self.leads.get(&a), self.leads.get(&b)) else { return false };
        if a.is_apart_from(b) {
            return false;
        }
        let keys = Keys::Both(&a.facts.keys, &event.keys);
        lead_may_join(key, Identity { keys, name: a.facts.name() }, b)
    }

    fn link(&mut self, a: LeadNo, b: LeadNo) {
        for (one, other) in [(a, b), (b, a)] {
            if let Some(Slot::Live(lead)) = self.leads.get_mut(&one)
                && !lead.linked.contains(&other)
            {
                lead.linked.push(other);
                self.net.leads.insert(one);
            }
        }
        self.net.conflicts += 1;
    }

    /// Two leads are one person: the older row survives, facts fold together, ledgers stand side by side.
    fn merge(&mut self, a: LeadNo, b: LeadNo, env: &Env, now: Moment) -> LeadNo {
        let (keep, drop) = if a < b { (a, b) } else { (b, a) };
        let Some(Slot::Live(loser)) = self.leads.remove(&drop) else { return keep };
        let (id, loser) = (loser.id, *loser);
        self.leads.insert(drop, Slot::Merged { id, into: keep });
        self.net.leads.insert(drop);
        self.net.moved.push((drop, keep));
        self.net.merges += 1;
        for hash in loser.hashes.values() {
            if let Some(holders) = self.keys.get_mut(hash) {
                holders.leads.retain(|l| *l != drop);
                if !holders.leads.contains(&keep) {
                    holders.leads.push(keep);
                }
                self.net.keys.insert(*hash);
            }
        }
        let moved: Vec<(EventKey, ContentHash)> =
            self.seen.iter().filter(|((no, _), _)| *no == drop).map(|((_, key), content)| (*key, *content)).collect();
        for (key, content) in moved {
            self.seen.entry((keep, key)).or_insert(content);
        }
        self.tasks.values_mut().filter(|no| **no == drop).for_each(|no| *no = keep);
        for other in &loser.linked {
            if let Some(Slot::Live(lead)) = self.leads.get_mut(other) {
                lead.linked.retain(|l| *l != drop);
                self.net.leads.insert(*other);
            }
            if *other != keep {
                self.link(keep, *other);
            }
        }
        if let Some(Slot::Live(lead)) = self.leads.get_mut(&keep) {
            lead.linked.retain(|l| *l != drop);
            lead.absorb(loser, &env.policy);
            lead.hash_keys(&env.hasher);
        }
        self.decide(keep, &Cause::Merged(id), env, now);
        keep
    }

    /// Forgets a person: tombstones on every key, open tasks taken back, nothing kept but the id.
    pub(super) fn erase(&mut self, no: LeadNo, event: &Event, env: &Env, now: Moment) {
        let Some(Slot::Live(mut lead)) = self.leads.remove(&no) else { return };
        for key in &event.keys {
            lead.facts.name_key(key.clone(), event.at);
        }
        lead.hash_keys(&env.hasher);
        let (keys, touches) = self.shared(&lead);
        let decision = decide::forget(&mut lead, &Cause::Event(event), &self.context(env, now, &keys, &touches));
        for hash in lead.hashes.values() {
            let holders = self.keys.entry(*hash).or_default();
            holders.leads.retain(|l| *l != no);
            holders.erased_at = holders.erased_at.max(Some(event.at));
            self.net.keys.insert(*hash);
        }
        for other in &lead.linked {
            if let Some(Slot::Live(other_lead)) = self.leads.get_mut(other) {
                other_lead.linked.retain(|l| *l != no);
                self.net.leads.insert(*other);
            }
        }
        self.leads.insert(no, Slot::Erased { id: lead.id });
        self.tasks.retain(|_, l| *l != no);
        self.net.leads.insert(no);
        self.net.erased.push(no);
        // A copy of what they sent is known by its key alone. Without a time it is dated when it arrives, and would
        // else be taken for a new inquiry.
        let sent: Vec<EventKey> = self.seen.keys().filter(|(l, _)| *l == no).map(|(_, event)| *event).collect();
        for event in sent {
            self.seen.remove(&(no, event));
            self.seen.insert((LeadNo::FORGOTTEN, env.hasher.forgotten(event)), ContentHash::default());
        }
        // What this unit of work had yet to write about the person is forgotten as well.
        for row in self.net.seen.iter_mut().filter(|(l, ..)| *l == no) {
            *row = (LeadNo::FORGOTTEN, env.hasher.forgotten(row.1), ContentHash::default());
        }
        self.net.claims.retain(|(_, claim)| claim.lead != no);
        self.net.tasks.retain(|(_, l, _)| *l != no);
        self.net.outgoing.retain(|(l, out)| *l != no || matches!(out, Outgoing::Revocation { .. }));
        self.note(no, decision);
        self.net.tasks.retain(|(_, l, _)| *l != no);
    }

    /// Undoes a merge: the leaving events become a lead of their own, both are folded anew from what they keep, are linked
    /// and never merged again. What follows for the tasks is decided when the two take the answer from their inboxes.
    /// `None` where the lead is not held or the store gave no number.
    pub fn split(
        &mut self,
        no: LeadNo,
        events: &[Event],
        division: &Division,
        env: &Env,
        now: Moment,
    ) -> Option<LeadNo> {
        let Some(Slot::Live(mut old)) = self.leads.remove(&no) else { return None };
        let to = self.fresh.pop()?;
        let fold_all = |side: &[usize]| {
            let mut facts = Facts::default();
            side.iter().for_each(|i| fold(&mut facts, &events[*i], &env.policy));
            facts
        };
        let name = format!("split\n{}\n{}", old.id, old.conduct.version);
        let mut new = Lead::empty(to, Uuid::new_v5(&NAMESPACE, name.as_bytes()));
        (old.facts, new.facts) = (fold_all(&division.staying), fold_all(&division.leaving));
        new.conduct.ledger = old.conduct.leave_behind(&new.facts.keys, now);
        old.apart.insert(new.id);
        new.apart.insert(old.id);
        for (lead, other) in [(&mut *old, to), (&mut new, no)] {
            lead.hash_keys(&env.hasher);
            lead.crowded.retain(|key, _| lead.facts.keys.contains_key(key));
            lead.linked.extend((!lead.linked.contains(&other)).then_some(other));
            lead.conduct.version += 1;
        }
        for hash in division.keys_leaving.iter().map(|key| env.hasher.hash(key)) {
            self.keys.entry(hash).or_default().leads.retain(|l| *l != no);
            self.net.keys.insert(hash);
        }
        new.hashes.values().for_each(|hash| self.hold_key(*hash, to));
        let leaving = division.leaving.iter().map(|i| events[*i].key).collect();
        self.net.divided = Some(Divided { from: no, to, events: leaving });
        self.net.inbox.extend([(no, Answer::Split(new.id)), (to, Answer::Split(old.id))]);
        self.net.leads.extend([no, to]);
        self.net.new_leads.insert(to);
        self.leads.insert(no, Slot::Live(old));
        self.leads.insert(to, Slot::Live(Box::new(new)));
        Some(to)
    }
}
