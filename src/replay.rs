//! Replay: the very same decisions on virtual time, in memory, with identical bytes for identical input.
//!
//! Events are put in order within a look-ahead, the clock jumps from cause to cause, and at one instant come
//! first events, then wake-ups, then pools. What is read and written where is `commands::replay`'s affair.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use rustc_hash::FxHashMap;
use uuid::Uuid;

use crate::domain::decide::Mode;
use crate::domain::event::{ContentHash, Event};
use crate::domain::identity::LeadNo;
use crate::domain::lead::Lead;
use crate::domain::policy::Policy;
use crate::domain::pool::{Claim, Pool, PoolName, Terms, allot};
use crate::domain::task::Outgoing;
use crate::domain::time::{Moment, Span};
use crate::domain::working_set::{Addressed, Applied, Env, NotApplied, Slot, WorkingSet};
use crate::domain::world::Delta;
use crate::wire::inbound::Reason;
use crate::wire::outbound::{Message, message};
use crate::wire::record::{LeadRecord, record};

/// Lines that are looked ahead at most, to put events in order.
pub const LOOK_AHEAD: usize = 10_000;

/// All leads there are, and the virtual clock.
pub struct Replay {
    set: WorkingSet,
    env: Env,
    now: Moment,
    next_no: i64,
    wakes: BTreeSet<(Moment, LeadNo)>,
    wake_of: FxHashMap<LeadNo, Moment>,
    pools: BTreeMap<PoolName, Pool>,
    claims: VecDeque<(PoolName, Claim)>,
    /// Until when each task names its lead.
    forget: BTreeSet<(Moment, Uuid)>,
    /// What is to go into the next snapshot of the world, and the minute of the last one.
    deltas: Vec<Delta>,
    minute: i64,
    published: Vec<(Outgoing, Moment)>,
    pub counts: Counts,
}

/// What happened, for the summary.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub applied: u64,
    pub duplicates: u64,
    pub decisions: u64,
    pub merges: u64,
    pub conflicts: u64,
}

impl Replay {
    pub fn new(env: Env) -> Replay {
        Replay {
            set: WorkingSet::default(),
            env,
            now: Moment::MIN,
            next_no: 1,
            wakes: BTreeSet::new(),
            wake_of: FxHashMap::default(),
            pools: BTreeMap::new(),
            claims: VecDeque::new(),
            forget: BTreeSet::new(),
            deltas: Vec::new(),
            minute: i64::MIN,
            published: Vec::new(),
            counts: Counts::default(),
        }
    }

    /// Goes on under other circumstances: another mode, policy or pace.
    pub fn set_env(&mut self, env: Env) {
        self.env = env;
    }

    pub fn now(&self) -> Moment {
        self.now
    }

    pub fn policy(&self) -> &Policy {
        &self.env.policy
    }

    /// Messages published since the last call, in order; each is written out when it is asked for.
    pub fn take_published(&mut self) -> impl Iterator<Item = Message> + use<> {
        std::mem::take(&mut self.published).into_iter().map(|(outgoing, at)| message(&outgoing, at))
    }

    /// Applies one event at its own time, or at the virtual now if that has passed.
    pub fn apply(&mut self, event: &Event) -> Applied {
        if event.at > self.now {
            self.advance(event.at, false);
        }
        while let Some((_, id)) = self.forget.first().copied().filter(|(after, _)| *after < self.now) {
            self.forget.pop_first();
            self.set.tasks.remove(&id);
        }
        if self.set.fresh.is_empty() {
            self.set.fresh.push(LeadNo(self.next_no));
            self.next_no += 1;
        }
        self.turn_the_world();
        let addressed = Addressed::new(event, &self.env.hasher);
        let applied = self.set.apply(&addressed, &self.env, self.now);
        if applied == Applied::World {
            self.deltas.extend(Delta::of(event));
        }
        match applied {
            Applied::To(_) | Applied::World => self.counts.applied += 1,
            Applied::Duplicate => self.counts.duplicates += 1,
            Applied::Refused(_) => {}
        }
        self.collect();
        applied
    }

    /// Runs the clock on to an instant, working everything that falls due by then.
    pub fn finish(&mut self, until: Moment) {
        let until = until.max(self.now);
        self.advance(until, true);
    }

    /// Works what is due before `to` (and at `to` itself if `inclusive`), each at its own instant.
    fn advance(&mut self, to: Moment, inclusive: bool) {
        // What shares the present instant comes first: wake-ups and pools follow the events of their instant.
        loop {
            self.work_pools();
            let Some((due, no)) = self.wakes.first().copied() else { break };
            // As in the worker: nothing falls due during a pause, and it is all still there when it ends.
            if self.env.mode == Mode::Paused || due > to || (due == to && !inclusive) {
                break;
            }
            self.wakes.pop_first();
            self.wake_of.remove(&no);
            self.now = self.now.max(due);
            self.turn_the_world();
            self.set.wake(no, &self.env, self.now);
            self.reschedule(no);
            self.collect();
        }
        self.now = self.now.max(to);
        self.turn_the_world();
    }

    /// A new snapshot of the world each virtual minute, where there is anything new.
    fn turn_the_world(&mut self) {
        let minute = self.now.0.div_euclid(60_000);
        if minute > self.minute && !self.deltas.is_empty() {
            self.minute = minute;
            Arc::make_mut(&mut self.env.world).fold(self.deltas.drain(..));
        }
    }

    fn work_pools(&mut self) {
        // An answer may lead to another claim; a bound, because nothing here may run for ever.
        for _ in 0..8 {
            if self.claims.is_empty() {
                return;
            }
            let mut waiting: BTreeMap<PoolName, Vec<Claim>> = BTreeMap::new();
            for (pool, claim) in self.claims.drain(..) {
                waiting.entry(pool).or_default().push(claim);
            }
            let mut answers = Vec::new();
            for (name, claims) in waiting {
                let ramp_per_minute = self.env.ramp_per_minute.unwrap_or(u32::MAX);
                let terms = Terms { policy: &self.env.policy, ramp_per_minute };
                let out = allot(&name, self.pools.entry(name.clone()).or_default(), claims, terms, self.now);
                self.published
                    .extend(out.published.into_iter().map(|(_, task)| (Outgoing::Task(Box::new(task)), self.now)));
                answers.extend(out.answers.into_iter().map(|(lead, _, answer)| (lead, answer)));
            }
            for (lead, answer) in answers {
                self.set.answer(lead, answer, &self.env, self.now);
                self.collect();
            }
        }
    }

    /// Takes what the last cause changed: messages out, claims to the pool, wake-ups to the clock.
    fn collect(&mut self) {
        let net = self.set.take();
        self.counts.merges += u64::from(net.merges);
        self.counts.conflicts += u64::from(net.conflicts);
        self.counts.decisions += net.leads.len() as u64;
        for (_, outgoing) in net.outgoing {
            // In replay a message counts as handed the instant it is made.
            self.set.unsent.remove(&outgoing.id());
            self.published.push((outgoing, self.now));
        }
        self.deltas.extend(Delta::all(&net.happened, net.flagged));
        self.forget.extend(net.tasks.iter().map(|(id, _, after)| (*after, *id)));
        for (_, id) in &net.unclaimed {
            self.claims.retain(|(_, claim)| claim.id != *id);
        }
        self.claims.extend(net.claims);
        for no in net.leads {
            self.reschedule(no);
        }
        for (no, answer) in net.inbox {
            self.set.answer(no, answer, &self.env, self.now);
        }
    }

    fn reschedule(&mut self, no: LeadNo) {
        if let Some(at) = self.wake_of.remove(&no) {
            self.wakes.remove(&(at, no));
        }
        if let Some(Slot::Live(lead)) = self.set.leads.get(&no)
            && let Some(at) = lead.wake_at(self.now)
        {
            self.wakes.insert((at, no));
            self.wake_of.insert(no, at);
        }
    }

    /// The record of a lead as of now.
    pub fn record(&self, lead: &Lead) -> LeadRecord {
        let linked: Vec<Uuid> = lead.linked.iter().filter_map(|no| self.set.lead(*no)).map(|l| l.id).collect();
        record(lead, &self.set.suppressions, linked, &self.env.policy, &self.env.world, self.now)
    }

    /// All leads that are neither merged away nor erased, by their ids.
    pub fn leads(&self) -> Vec<&Lead> {
        let mut leads: Vec<&Lead> = self
            .set
            .leads
            .values()
            .filter_map(|slot| match slot {
                Slot::Live(lead) => Some(&**lead),
                Slot::Merged { .. } | Slot::Erased { .. } => None,
            })
            .collect();
        leads.sort_by_key(|l| l.id);
        leads
    }
}

/// Why an event that was understood is not applied, in the contract's words.
pub fn refusal_words(why: NotApplied) -> (Reason, &'static str) {
    match why {
        NotApplied::UnknownTask => {
            (Reason::UnknownTask, "data.task_id names no task of the last 30 days, and data.lead names nobody.")
        }
        NotApplied::ErasedLead => {
            (Reason::ErasedLead, "This person asked to be forgotten; only a new inquiry makes a new lead.")
        }
        NotApplied::IdConflict => {
            (Reason::IdConflict, "The lead has an event of this source and id with other content.")
        }
    }
}

/// Whose turn it is: time, source, id; copies and contradictions by content, then by line.
type Turn = (Moment, String, String, ContentHash, u64);

/// Puts events in order of (time, source, id) within a look-ahead; what comes later than that is taken late.
pub struct Sorter<T> {
    window: Option<Span>,
    held: BTreeMap<Turn, (Event, T)>,
    newest: Moment,
    taken: u64,
}

impl<T> Sorter<T> {
    pub fn new(window: Option<Span>) -> Sorter<T> {
        Sorter { window, held: BTreeMap::new(), newest: Moment::MIN, taken: 0 }
    }

    /// Takes an event in; gives back those whose turn has come.
    pub fn push(&mut self, event: Event, tag: T) -> Vec<(Event, T)> {
        self.newest = self.newest.max(event.at);
        self.taken += 1;
        let key = (event.at, event.source.clone(), event.id.clone(), event.content, self.taken);
        self.held.insert(key, (event, tag));
        let mut out = Vec::new();
        while let Some((key, _)) = self.held.first_key_value() {
            let beyond = self.window.is_some_and(|w| self.newest - key.0 > w);
            if self.held.len() <= LOOK_AHEAD && !beyond {
                break;
            }
            if let Some((_, item)) = self.held.pop_first() {
                out.push(item);
            }
        }
        out
    }

    /// The rest, in order.
    pub fn finish(self) -> impl Iterator<Item = (Event, T)> {
        self.held.into_values()
    }
}
