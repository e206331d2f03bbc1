//! One cause in, one decision out: what changes in the lead's conduct and what must leave.
//!
//! Called once per cause, in sequence, under the lead's lock, so that nothing depends on how causes were
//! batched. Reads the judgement and the proposals; writes conduct; sends nothing itself. Each step of [`decide`] has a
//! room of its own; nothing outside this folder writes conduct.

mod act;
mod closing;
mod revoke;
mod settle;
mod stage;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::cases::Case;
use super::compose;
use super::conduct::{Asked, Changed, Conduct, Entry, LastJudged, Lent, Plan, Stage};
use super::diagnosis::{Judgement, judge, next_change};
use super::event::*;
use super::facts::Facts;
use super::fold::carries;
use super::identity::{Key, KeyHash, KeyKind};
use super::lead::Lead;
use super::leave::{self, Leave};
use super::plays::{self, Proposal, View};
use super::policy::Policy;
use super::pool::{Ask, PoolName, Wish};
use super::question::Question;
use super::ramp::{self, Asker, Turn};
use super::suppression::Suppression;
use super::task::*;
use super::time::{Moment, Span};
use super::world::{Flagged, Happened, World};
use act::*;
use closing::*;
use revoke::*;
use settle::*;
use stage::*;

pub use closing::closed_keys;

/// What a decision reacts to.
#[derive(Clone, Debug, PartialEq)]
pub enum Cause<'a> {
    Event(&'a Event),
    Wake {
        due: Moment,
    },
    Policy(&'a str),
    Answer(Answer),
    Merged(Uuid),
    /// A key of this lead was closed through another lead.
    Closed(KeyHash),
}

/// Answers that wait for a lead in its inbox.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Answer {
    Granted {
        task: Uuid,
        by: String,
    },
    Denied {
        task: Uuid,
        until: Moment,
    },
    /// A minute of the ramp; `id` names the asking.
    Slot {
        id: Uuid,
        at: Moment,
    },
    /// The outbox let the task lapse.
    ExpiredUnsent {
        task: Uuid,
        at: Moment,
    },
    Closed(KeyHash),
    /// The lead was told from another, which has this id.
    Split(Uuid),
}

impl Answer {
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_stdvec(self).unwrap_or_else(|e| unreachable!("an answer is plain data and always encodes: {e}"))
    }
    pub fn decode(bytes: &[u8]) -> Option<Answer> {
        postcard::from_bytes(bytes).ok()
    }
}

impl Cause<'_> {
    /// The cause as the contract writes it; the ledger is unique on lead, cause and play.
    pub fn text(&self) -> String {
        match self {
            Cause::Event(e) => format!("event:{} {}", e.source, e.id),
            Cause::Wake { due } => format!("wake:due:{due}"),
            Cause::Policy(hash) => format!("policy:{hash}"),
            Cause::Answer(Answer::Granted { task, .. }) => format!("granted:{task}"),
            Cause::Answer(Answer::Denied { task, .. }) => format!("denied:{task}"),
            Cause::Answer(Answer::Slot { at, .. }) => format!("wake:slot:{at}"),
            Cause::Answer(Answer::ExpiredUnsent { at, .. }) => format!("wake:expired_unsent:{at}"),
            Cause::Answer(Answer::Closed(hash)) | Cause::Closed(hash) => format!("closed:{hash}"),
            Cause::Answer(Answer::Split(id)) => format!("split:{id}"),
            Cause::Merged(id) => format!("merged:{id}"),
        }
    }
}

/// What the worker may do: act, only watch, or only fold and judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    Act,
    Observe,
    Paused,
}

/// Everything a decision may know besides the lead.
pub struct Context<'a> {
    pub policy: &'a Policy,
    pub now: Moment,
    pub mode: Mode,
    pub epoch: &'a str,
    pub publish_ahead: Span,
    pub max_event_age: Option<Span>,
    /// Whether late, imported and re-scored leads are paced; replay does not.
    pub is_paced: bool,
    /// Queues (by suffix) to which nothing is sent for now.
    pub paused_queues: &'a BTreeSet<String>,
    pub world: &'a World,
    /// Rows for the lead's keys, as known before this decision.
    pub suppressions: &'a BTreeMap<(KeyHash, Channel), Suppression>,
    /// Touches that other leads' work made on keys of this lead.
    pub shared_touches: &'a [(String, Moment, Channel)],
    /// Keys that other leads carry too.
    pub shared_keys: &'a BTreeSet<String>,
    /// Tasks in the outbox that were certainly never handed to the broker.
    pub unsent: &'a BTreeSet<Uuid>,
}

/// What must happen outside the lead.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decision {
    pub outgoing: Vec<Outgoing>,
    pub claims: Vec<Ask>,
    /// Claims taken back: (pool, task).
    pub unclaimed: Vec<(PoolName, Uuid)>,
    /// Outbox rows taken back before anybody saw them.
    pub unsent_dropped: Vec<Uuid>,
    /// Revoked tasks that the broker may not have yet (it refused them once): they must not leave any more.
    pub recalled: Vec<Uuid>,
    /// Rows to join into the suppression list.
    pub suppress: BTreeMap<(KeyHash, Channel), Suppression>,
    /// Tasks that were made, by state, for the counters.
    pub made: Vec<(Kind, TaskState)>,
    /// What became of tasks, for the world.
    pub happened: Vec<(Play, Happened)>,
    /// What the lead's end says of those who had flagged it, for the world.
    pub flagged: Vec<Flagged>,
    /// Notes for people: a guard that held, a report on an unknown task.
    pub notes: Vec<&'static str>,
}

/// Decides what follows from one cause. The event, if it is one, is already folded into the facts.
pub fn decide(lead: &mut Lead, cause: &Cause<'_>, ctx: &Context<'_>) -> Decision {
    let mut d = Decision::default();
    let (facts, conduct, policy, now) = (&lead.facts, &mut lead.conduct, ctx.policy, ctx.now);
    conduct.version += 1;
    conduct.updated_at = conduct.updated_at.max(now);
    settle(facts, conduct, cause, ctx, &mut d.happened);
    pace(facts, conduct, cause, ctx);
    if let Cause::Event(event) = cause {
        d.flagged = Flagged::of(event, facts);
    }
    let j = judge(facts, policy, &ctx.world.givers, now);
    d.suppress = closings(facts, &lead.hashes, ctx);
    close_wrong_numbers(&j, &lead.hashes, ctx, &mut d.suppress);
    for (slot, row) in leave::closed_downstream(conduct, cause, &lead.hashes) {
        d.suppress.entry(slot).and_modify(|held| held.join(&row)).or_insert(row);
    }
    let closed = closed_keys(&lead.hashes, &d.suppress, ctx);
    // No closure: conduct is written between the two looks.
    macro_rules! view {
        () => {
            View {
                facts,
                conduct,
                j: &j,
                policy,
                place: &j.place,
                zone: &j.zone,
                now,
                closed: &closed,
                shared_touches: ctx.shared_touches,
                max_event_age: ctx.max_event_age,
            }
        };
    }
    let asked = plays::asked_to_wait(&view!());
    open_episode(facts, conduct, &j, asked.is_some(), &closed, cause, ctx);
    let rested_until = park(facts, conduct, &j, asked, ctx);
    conduct.stage = stage(facts, conduct, &j, &closed, now);

    let who = compose::Who { lead_id: lead.id, shared_keys: ctx.shared_keys, crowded: &lead.crowded };
    revoke(facts, conduct, &j, &closed, cause, &who, ctx, &mut d);
    conduct.planned.clear();
    conduct.look_again = None;
    conduct.next_action = None;
    if ctx.mode != Mode::Paused {
        let view = view!();
        let standing = plays::questions(&view);
        let settled = plays::settled(&view, &standing);
        let reviews = plays::reviews(&view, &standing, ctx.mode == Mode::Observe);
        let worth_waking = [
            plays::late_from(&view),
            plays::unanswered_from(&view),
            plays::asked_again_at(&view),
            plays::meeting_over(&view),
            j.hushed_until,
        ];
        let mut proposals = plays::proposals(&view);
        let ending = plays::ending(&view, &proposals);
        withdraw(conduct, &settled, cause, &who, ctx, &mut d);
        act(facts, conduct, &j, &mut proposals, cause, &who, ctx, &mut d);
        ask(facts, conduct, &j, &reviews, cause, &who, ctx, &mut d);
        let others = [conduct.denied_until, plays::lent_until(facts, conduct, policy)];
        let ahead = worth_waking.into_iter().chain(others).flatten().filter(|at| *at > now && *at < Moment::MAX);
        look_by(conduct, ahead.min());
        if let Some(until) = ending {
            conduct.revisit_at = until.map(|at| rested_until.filter(|kept| *kept > now).unwrap_or(at));
        }
        conduct.stage = stage(facts, conduct, &j, &closed, now);
        if ending == Some(None) && !conduct.stage.is_over() {
            conduct.stage = Stage::Disengaged;
        }
        look_again(facts, conduct, &j, ctx);
    } else {
        // Whatever would be due is due when the pause ends; then the one best next touch is chosen, not the arrears, and
        // waits its turn: all that was held up must not leave in one go.
        conduct.look_again = Some(now);
        if ctx.is_paced {
            conduct.ramp.get_or_insert_default();
        }
    }
    remember(conduct, &j, cause, policy, now);
    conduct.trim(now);
    d
}

/// Points by which a score must move to be spoken of: less is not seen in what is shown.
const WORTH_SAYING: f64 = 0.05;

/// Keeps what was thought, and when it last changed and why.
fn remember(conduct: &mut Conduct, j: &Judgement<'_>, cause: &Cause<'_>, policy: &Policy, now: Moment) {
    let (fit, engagement) = (j.fit.score, j.engagement.score);
    let before = match cause {
        Cause::Event(event) => j.engagement.without(&event.id, policy, now),
        _ => engagement,
    };
    let moved = |a: f64, b: f64| (a - b).abs() >= WORTH_SAYING;
    if let Some(last) = &mut conduct.last
        && is_opinion(&last.opinion, j)
        && !moved(fit, last.fit)
        && !moved(engagement, before)
    {
        (last.fit, last.engagement) = (fit, engagement);
        return;
    }
    let opinion = match j.cause {
        Some(cause) => format!("{} ({})", j.verdict.name(), cause.name()),
        None => j.verdict.name().to_owned(),
    };
    let (was, fit_before) = match conduct.last.take() {
        Some(last) => (last.opinion, last.fit),
        None => ("new".to_owned(), policy.scoring.fit.start_points),
    };
    if was != opinion || moved(fit, fit_before) || moved(engagement, before) {
        conduct.changed = Some(Changed {
            at: now,
            from: was,
            to: opinion.clone(),
            by: cause.text(),
            fit: (fit_before, fit),
            engagement: (before, engagement),
        });
    }
    conduct.last = Some(LastJudged { opinion, fit, engagement });
}

/// Whether that is what is thought now, without writing it down.
fn is_opinion(text: &str, j: &Judgement<'_>) -> bool {
    let Some(of) = text.strip_prefix(j.verdict.name()) else { return false };
    match j.cause {
        Some(cause) => of.strip_prefix(" (").and_then(|of| of.strip_suffix(')')) == Some(cause.name()),
        None => of.is_empty(),
    }
}

/// Forgets a lead: everything open is taken back; the ledger is not kept.
pub fn forget(lead: &mut Lead, cause: &Cause<'_>, ctx: &Context<'_>) -> Decision {
    let mut d = Decision::default();
    lead.conduct.version += 1;
    let j = judge(&lead.facts, ctx.policy, &ctx.world.givers, ctx.now);
    lead.conduct.stage = Stage::Erased;
    let who = compose::Who { lead_id: lead.id, shared_keys: ctx.shared_keys, crowded: &lead.crowded };
    revoke(&lead.facts, &mut lead.conduct, &j, &[], cause, &who, ctx, &mut d);
    d
}
