//! The leads that a unit of work holds, and how an event finds its lead among them: resolve, attach, link, merge.
//!
//! The worker fills one from the store for each batch; replay keeps one for all leads there are. Both apply
//! causes through the same few functions, so that what replay shows is what the worker does. It knows
//! nothing of where leads are kept. Which leads are one person is in `joining`; what a decision
//! changes is taken down here, field by field, which makes this long.

mod joining;

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;
use uuid::Uuid;

use super::decide::{self, Answer, Cause, Context, Decision, Mode};
use super::event::{Body, Channel, ContentHash, Event, EventKey, EventType};
use super::facts::Facts;
use super::fold::fold;
use super::identity::{
    Identity, KEY_HOLDERS_KEPT, Key, KeyHash, KeyHasher, KeyKind, Keys, LeadNo, MAX_HOLDERS, may_join,
};
use super::lead::Lead;
use super::policy::Policy;
use super::pool::{Ask, Claim, PoolName, Wish};
use super::split::Division;
use super::suppression::Suppression;
use super::task::{Kind, NAMESPACE, Outgoing, Play, REMEMBERED, REPORT_GRACE, TaskState};
use super::time::{Moment, Span};
use super::world::{Flagged, Happened, World};

/// What does not change within a unit of work.
#[derive(Clone)]
pub struct Env {
    pub policy: std::sync::Arc<Policy>,
    pub hasher: KeyHasher,
    pub epoch: String,
    pub mode: Mode,
    pub publish_ahead: Span,
    /// `None` in replay, where every age is right.
    pub max_event_age: Option<Span>,
    /// How many tasks a minute and queue late, imported and re-scored leads may cause; `None` in replay: no pace.
    pub ramp_per_minute: Option<u32>,
    /// Queues (by suffix) to which nothing is sent for now.
    pub paused_queues: BTreeSet<String>,
    pub world: std::sync::Arc<World>,
}

impl Env {
    /// For virtual time: acting, every age right, no pace, and the fixed key and epoch that make two runs agree.
    pub fn virtual_time(policy: std::sync::Arc<Policy>) -> Env {
        Env {
            policy,
            hasher: KeyHasher::fixed(),
            epoch: "0".to_owned(),
            mode: Mode::Act,
            publish_ahead: Span::ZERO,
            max_event_age: None,
            ramp_per_minute: None,
            paused_queues: BTreeSet::new(),
            world: std::sync::Arc::default(),
        }
    }
}

/// A lead as the unit of work holds it.
#[derive(Clone, Debug)]
pub enum Slot {
    Live(Box<Lead>),
    /// Merged into another.
    Merged {
        id: Uuid,
        into: LeadNo,
    },
    /// Forgotten; the id answers.
    Erased {
        id: Uuid,
    },
}

/// Who carries a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holders {
    pub leads: Vec<LeadNo>,
    pub erased_at: Option<Moment>,
}

/// What became of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied {
    To(LeadNo),
    /// Known already, with the same content.
    Duplicate,
    /// About the world, not about a lead.
    World,
    Refused(NotApplied),
}

/// Why an event that was understood is not applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotApplied {
    UnknownTask,
    ErasedLead,
    IdConflict,
}

/// Its tables are found by hashes already (of keys, events, tasks) or by our own numbers, which nobody outside chooses: a
/// plain hasher will do.
#[derive(Default)]
pub struct WorkingSet {
    pub leads: FxHashMap<LeadNo, Slot>,
    pub keys: FxHashMap<KeyHash, Holders>,
    pub seen: FxHashMap<(LeadNo, EventKey), ContentHash>,
    pub suppressions: BTreeMap<(KeyHash, Channel), Suppression>,
    pub tasks: FxHashMap<Uuid, LeadNo>,
    pub unsent: BTreeSet<Uuid>,
    /// Numbers for new leads, next last.
    pub fresh: Vec<LeadNo>,
    pub net: Net,
}

/// What changed since the last [`WorkingSet::take`].
#[derive(Clone, Debug, Default)]
pub struct Net {
    pub leads: BTreeSet<LeadNo>,
    pub new_leads: BTreeSet<LeadNo>,
    pub keys: BTreeSet<KeyHash>,
    pub seen: Vec<(LeadNo, EventKey, ContentHash)>,
    pub suppressions: BTreeMap<(KeyHash, Channel), Suppression>,
    pub moved: Vec<(LeadNo, LeadNo)>,
    pub erased: Vec<LeadNo>,
    pub outgoing: Vec<(LeadNo, Outgoing)>,
    pub claims: Vec<(PoolName, Claim)>,
    pub unclaimed: Vec<(PoolName, Uuid)>,
    pub unsent_dropped: Vec<Uuid>,
    /// Revoked tasks that may still wait for the broker.
    pub recalled: Vec<Uuid>,
    /// Tasks that got an id: a report may name them from now until the instant.
    pub tasks: Vec<(Uuid, LeadNo, Moment)>,
    /// Causes for leads that are not held here.
    pub inbox: Vec<(LeadNo, Answer)>,
    /// Keys that a lead closed without their holders being known here: all but that lead are to be told.
    pub closed_unseen: Vec<(KeyHash, LeadNo)>,
    pub made: Vec<(Kind, TaskState)>,
    /// What became of tasks, for the world.
    pub happened: Vec<(Play, Happened)>,
    pub flagged: Vec<Flagged>,
    pub notes: Vec<(LeadNo, &'static str)>,
    pub conflicts: u32,
    pub merges: u32,
    pub divided: Option<Divided>,
}

/// Events that went from one lead to another of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divided {
    pub from: LeadNo,
    pub to: LeadNo,
    pub events: Vec<EventKey>,
}

/// An event with its keys hashed, strongest first: hashing costs as much as deciding, so it is done once.
pub struct Addressed<'e> {
    pub event: &'e Event,
    pub keys: Vec<(&'e Key, KeyHash)>,
}

impl<'e> Addressed<'e> {
    pub fn new(event: &'e Event, hasher: &KeyHasher) -> Addressed<'e> {
        let mut keys: Vec<&Key> = event.keys.iter().collect();
        keys.sort_by_key(|k| (k.strength(), *k));
        keys.dedup();
        Addressed { event, keys: keys.into_iter().map(|k| (k, hasher.hash(k))).collect() }
    }
}

impl WorkingSet {
    /// Everything that changed, and a clean slate.
    pub fn take(&mut self) -> Net {
        std::mem::take(&mut self.net)
    }

    pub fn lead(&self, no: LeadNo) -> Option<&Lead> {
        match self.leads.get(&no)? {
            Slot::Live(lead) => Some(lead),
            Slot::Merged { into, .. } => self.lead(*into),
            Slot::Erased { .. } => None,
        }
    }

    /// Applies one event: find its lead, fold, decide.
    pub fn apply(&mut self, addressed: &Addressed<'_>, env: &Env, now: Moment) -> Applied {
        let Addressed { event, keys } = addressed;
        if let Body::Rep(_) = event.body {
            return Applied::World;
        }
        let task_of = event.task_id.and_then(|id| self.tasks.get(&id).copied()).map(|no| self.survivor(no));
        // Somebody whom a lead named is taken up in answer to a review of that lead: the task is not theirs.
        let named = task_of.filter(|_| keys.is_empty() || !is_referral(event));
        if keys.is_empty() && named.is_none() {
            return Applied::Refused(NotApplied::UnknownTask);
        }
        if event.body == Body::Erased && self.is_forgotten(event, keys, &env.hasher) {
            return Applied::Duplicate;
        }
        if let Some(refused) = self.refuse_erased(event, keys, named, &env.hasher) {
            return Applied::Refused(refused);
        }
        if let Some(known) = self.known(event, keys, named) {
            return known;
        }
        let no = match self.route(event, keys, named) {
            Some(no) => no,
            None => match self.create(event) {
                Some(no) => no,
                // The store gives a number for each message; running out is its fault, and the batch is retried.
                None => return Applied::Refused(NotApplied::UnknownTask),
            },
        };
        let no = self.attach(event, no, keys, env, now);
        self.seen.insert((no, event.key), event.content);
        self.net.seen.push((no, event.key, event.content));
        if event.body == Body::Erased {
            self.erase(no, event, env, now);
            return Applied::To(no);
        }
        if let Some(Slot::Live(lead)) = self.leads.get_mut(&no) {
            fold(&mut lead.facts, event, &env.policy);
            lead.take_hashes(keys);
            lead.hash_keys(&env.hasher);
        }
        self.decide(no, &Cause::Event(event), env, now);
        if let Some(asked) = task_of.filter(|of| *of != no && named.is_none()) {
            self.decide(asked, &Cause::Event(event), env, now);
        }
        Applied::To(no)
    }

    /// Wakes a lead whose time has come. Does nothing when it is not due any more.
    pub fn wake(&mut self, no: LeadNo, env: &Env, now: Moment) {
        let Some(Slot::Live(lead)) = self.leads.get(&no) else { return };
        if let Some(due) = lead.conduct.wake_at().filter(|at| *at <= now) {
            self.decide(no, &Cause::Wake { due }, env, now);
        }
    }

    /// Decides on a lead for a cause that lies outside it, such as another policy.
    pub fn reconsider(&mut self, no: LeadNo, cause: &Cause<'_>, env: &Env, now: Moment) {
        self.decide(no, cause, env, now);
    }

    /// Takes an answer from the lead's inbox.
    pub fn answer(&mut self, no: LeadNo, answer: Answer, env: &Env, now: Moment) {
        let no = self.survivor(no);
        self.decide(no, &Cause::Answer(answer), env, now);
    }

    fn survivor(&self, no: LeadNo) -> LeadNo {
        match self.leads.get(&no) {
            Some(Slot::Merged { into, .. }) => self.survivor(*into),
            _ => no,
        }
    }

    /// Whether the erasure was carried out already: a copy of it, as after a crash, finds nobody and changes nothing.
    fn is_forgotten(&self, event: &Event, keys: &[(&Key, KeyHash)], hasher: &KeyHasher) -> bool {
        let gone = |hash: &KeyHash| {
            let erased = self.keys.get(hash).filter(|h| h.leads.is_empty()).and_then(|h| h.erased_at);
            erased.is_some_and(|at| event.at <= at || self.was_of_the_forgotten(event, hasher))
        };
        !keys.is_empty() && keys.iter().all(|(_, hash)| gone(hash))
    }

    /// Whether it is a copy of what somebody sent who was forgotten since.
    fn was_of_the_forgotten(&self, event: &Event, hasher: &KeyHasher) -> bool {
        self.seen.contains_key(&(LeadNo::FORGOTTEN, hasher.forgotten(event.key)))
    }

    /// On a forgotten key only a new inquiry made after the forgetting counts; and, once they came back, their wish to be
    /// forgotten again, under whatever id.
    fn refuse_erased(
        &self,
        event: &Event,
        keys: &[(&Key, KeyHash)],
        named: Option<LeadNo>,
        hasher: &KeyHasher,
    ) -> Option<NotApplied> {
        if named.is_some_and(|no| matches!(self.leads.get(&no), Some(Slot::Erased { .. }))) {
            return Some(NotApplied::ErasedLead);
        }
        let asks = matches!(event.kind(), EventType::LeadCaptured | EventType::FormSubmitted);
        for (_, hash) in keys {
            let Some(holders) = self.keys.get(hash) else { continue };
            let Some(erased_at) = holders.erased_at else { continue };
            let is_copy = || event.body != Body::Erased && self.was_of_the_forgotten(event, hasher);
            let is_of_before = event.at <= erased_at || is_copy();
            if is_of_before || (!asks && holders.leads.is_empty()) {
                return Some(NotApplied::ErasedLead);
            }
        }
        None
    }

    /// Whether one of the leads that carry the keys has seen this event, and with which content.
    fn known(&self, event: &Event, keys: &[(&Key, KeyHash)], named: Option<LeadNo>) -> Option<Applied> {
        let holders = keys.iter().filter_map(|(_, hash)| self.keys.get(hash)).flat_map(|h| h.leads.iter().copied());
        for no in named.into_iter().chain(holders) {
            if let Some(content) = self.seen.get(&(self.survivor(no), event.key)) {
                let same = *content == event.content;
                return Some(if same { Applied::Duplicate } else { Applied::Refused(NotApplied::IdConflict) });
            }
        }
        None
    }

    /// The lead of the strongest known key that does not contradict what the event says of itself.
    fn route(&self, event: &Event, keys: &[(&Key, KeyHash)], named: Option<LeadNo>) -> Option<LeadNo> {
        let name = match &event.body {
            Body::Captured(c) | Body::Updated(c) => c.profile.name.as_deref(),
            _ => None,
        };
        let own = Identity { keys: Keys::Listed(&event.keys), name };
        let mut found = None;
        for (key, hash) in keys {
            let Some(holders) = self.keys.get(hash) else { continue };
            for no in &holders.leads {
                let no = self.survivor(*no);
                let Some(Slot::Live(lead)) = self.leads.get(&no) else { continue };
                if lead_may_join(key, own, lead) {
                    // A task that is named settles which of several leads with the key is meant.
                    if named.is_none() || named == Some(no) {
                        return Some(no);
                    }
                    found = found.or(Some(no));
                }
            }
        }
        // A report on a task belongs to the task's lead, also where it names a number that nobody knew.
        found.or_else(|| {
            let Some(Slot::Live(lead)) = self.leads.get(&named?) else { return named };
            keys.iter().all(|(key, _)| lead_may_join(key, own, lead)).then_some(named?)
        })
    }

    fn create(&mut self, event: &Event) -> Option<LeadNo> {
        let no = self.fresh.pop()?;
        self.leads.insert(no, Slot::Live(Box::new(Lead::created_by(event, no))));
        self.net.new_leads.insert(no);
        Some(no)
    }

    /// Decides on a lead that is held, and takes down what follows.
    fn decide(&mut self, no: LeadNo, cause: &Cause<'_>, env: &Env, now: Moment) {
        let Some(Slot::Live(mut lead)) = self.leads.remove(&no) else { return };
        let (keys, touches) = self.shared(&lead);
        let decision = decide::decide(&mut lead, cause, &self.context(env, now, &keys, &touches));
        self.leads.insert(no, Slot::Live(lead));
        self.net.leads.insert(no);
        let closed: Vec<KeyHash> = decision
            .suppress
            .iter()
            .filter(|(slot, row)| row.is_closed() && !self.suppressions.get(slot).is_some_and(Suppression::is_closed))
            .map(|((hash, _), _)| *hash)
            .collect();
        self.note(no, decision);
        self.tell_others(no, &closed, env, now);
    }

    /// Other leads that carry a key just closed take back what they have open on it.
    fn tell_others(&mut self, no: LeadNo, closed: &[KeyHash], env: &Env, now: Moment) {
        let mut told = BTreeSet::new();
        for hash in closed {
            // The event may have named the lead by another key, or by a task: then nobody asked who else carries this one.
            let Some(holders) = self.keys.get(hash) else {
                self.net.closed_unseen.push((*hash, no));
                continue;
            };
            let others: Vec<LeadNo> = holders.leads.iter().copied().filter(|l| *l != no).collect();
            for other in others {
                if !told.insert((other, *hash)) {
                    continue;
                }
                match self.leads.get(&other) {
                    Some(Slot::Live(_)) => self.decide(other, &Cause::Closed(*hash), env, now),
                    Some(Slot::Merged { .. } | Slot::Erased { .. }) => {}
                    None => self.net.inbox.push((other, Answer::Closed(*hash))),
                }
            }
        }
    }

    /// Takes down what a decision wants done outside the lead.
    fn note(&mut self, no: LeadNo, d: Decision) {
        for (slot, row) in d.suppress {
            match self.suppressions.get_mut(&slot) {
                Some(held) => held.join(&row),
                None => drop(self.suppressions.insert(slot, row.clone())),
            }
            match self.net.suppressions.get_mut(&slot) {
                Some(held) => held.join(&row),
                None => drop(self.net.suppressions.insert(slot, row)),
            }
        }
        self.net.recalled.extend(d.recalled);
        for id in d.unsent_dropped {
            // Made and taken back in one unit of work: it simply never leaves.
            let before = self.net.outgoing.len();
            self.net.outgoing.retain(|(_, out)| out.id() != id);
            if self.net.outgoing.len() == before {
                self.net.unsent_dropped.push(id);
            }
            self.unsent.remove(&id);
        }
        for (pool, id) in d.unclaimed {
            let before = self.net.claims.len();
            self.net.claims.retain(|(_, claim)| claim.id != id);
            if self.net.claims.len() == before {
                self.net.unclaimed.push((pool, id));
            }
        }
        for out in d.outgoing {
            if let Outgoing::Task(task) = &out {
                self.tasks.insert(task.task_id, no);
                self.net.tasks.push((task.task_id, no, task.expires_at + REPORT_GRACE + REMEMBERED));
                // Until this unit of work commits, nobody has seen it.
                self.unsent.insert(task.task_id);
            }
            self.net.outgoing.push((no, out));
        }
        for Ask { pool, id, wish } in d.claims {
            if let Wish::Partner { task, .. } = &wish {
                self.tasks.insert(id, no);
                self.net.tasks.push((id, no, task.expires_at + REPORT_GRACE + REMEMBERED));
            }
            self.net.claims.push((pool, Claim { lead: no, id, wish }));
        }
        self.net.made.extend(d.made);
        self.net.happened.extend(d.happened);
        self.net.flagged.extend(d.flagged);
        self.net.notes.extend(d.notes.into_iter().map(|n| (no, n)));
    }

    /// Keys that linked leads carry too, and what their work did on them.
    fn shared(&self, lead: &Lead) -> (BTreeSet<String>, Vec<(String, Moment, Channel)>) {
        let (mut keys, mut touches) = (BTreeSet::new(), Vec::new());
        for other in &lead.linked {
            if let Some(Slot::Live(other)) = self.leads.get(other) {
                shared_with(&lead.hashes, other, &mut keys, &mut touches);
            }
        }
        (keys, touches)
    }

    fn context<'a>(
        &'a self,
        env: &'a Env,
        now: Moment,
        shared_keys: &'a BTreeSet<String>,
        shared_touches: &'a [(String, Moment, Channel)],
    ) -> Context<'a> {
        Context {
            policy: &env.policy,
            now,
            mode: env.mode,
            epoch: &env.epoch,
            publish_ahead: env.publish_ahead,
            max_event_age: env.max_event_age,
            is_paced: env.ramp_per_minute.is_some(),
            paused_queues: &env.paused_queues,
            world: &env.world,
            suppressions: &self.suppressions,
            shared_touches,
            shared_keys,
            unsent: &self.unsent,
        }
    }
}

/// What another lead's work did on keys that both carry: its tasks without a report, and its reported touches.
fn shared_with(
    own: &BTreeMap<Key, KeyHash>,
    other: &Lead,
    keys: &mut BTreeSet<String>,
    touches: &mut Vec<(String, Moment, Channel)>,
) {
    for key in own.keys().filter(|k| other.facts.keys.contains_key(k)) {
        keys.insert(key.value.clone());
        let on_key = |to: Option<&str>| to.map_or(other.facts.primary(key.kind) == Some(key), |to| to == key.value);
        for entry in &other.conduct.ledger {
            if let Some(channel) = entry.channel
                && !entry.touched
                && entry.state.counts_for_caps()
                && on_key(entry.key.as_deref())
            {
                touches.push((key.value.clone(), entry.made_at, channel));
            }
        }
        for touch in other.facts.outbound().filter(|t| on_key(t.to.as_deref())) {
            touches.push((key.value.clone(), touch.cited.stamp.at, touch.channel));
        }
    }
}

fn is_referral(event: &Event) -> bool {
    matches!(&event.body, Body::Captured(capture) if capture.origin.referred_by.is_some())
}

fn lead_may_join(key: &Key, event: Identity<'_>, lead: &Lead) -> bool {
    may_join(key, event, Identity { keys: Keys::Known(&lead.facts.keys), name: lead.facts.name() })
}
