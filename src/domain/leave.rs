//! Why a touch that is right now still waits: somebody downstream just rejected its like, another lead with the same
//! number had its touch today, its queue is paused, or it has to wait its turn on the ramp.
//!
//! What is right is `plays`' affair; here only whether it may leave at this instant.

use std::collections::BTreeMap;

use super::compose::Who;
use super::conduct::{Conduct, Entry};
use super::decide::{Cause, Context};
use super::event::{Body, Channel, RejectReason, ReportWhat};
use super::identity::{Key, KeyHash};
use super::plays::Proposal;
use super::policy::Policy;
use super::pool::{Ask, PoolName};
use super::ramp::{Asker, Turn};
use super::suppression::{ClosedBecause, Suppression};
use super::task::{Class, Play, TaskState, route};
use super::time::{Moment, Span};

/// Whether a task may leave.
#[derive(Debug)]
pub enum Leave {
    Now,
    /// It is looked at again at the instant; where it has to ask for its turn, it asks now.
    Wait(Moment, Option<Ask>),
}

/// How soon a lead is looked at again whose queue is paused. Our judgement: soon enough after a resume, rare enough
/// that a hundred thousand waiting leads cost little.
const PAUSED_LOOK: Span = Span::minutes(2);
/// Leads that share a number are not both touched on it within a day; nor is one that comes off a pause, by two ways.
const NOT_BOTH_WITHIN: Span = Span::days(1);

/// Whether what is right now may leave now.
pub fn may_leave(conduct: &mut Conduct, p: &Proposal<'_>, who: &Who<'_>, ctx: &Context<'_>) -> Leave {
    let held_off = rejected_until(conduct, p, ctx.policy).max(shared_until(p, ctx));
    if let Some(at) = held_off.filter(|at| *at > ctx.now) {
        return Leave::Wait(at, None);
    }
    let queue = route(p.play.kind(), p.channel, p.priority).queue;
    if ctx.paused_queues.contains(queue) {
        // What was held up by the pause must not leave in one go when it ends.
        if ctx.is_paced {
            conduct.ramp.get_or_insert_default();
        }
        return Leave::Wait(ctx.now + PAUSED_LOOK, None);
    }
    let asker = Asker { lead_id: who.lead_id, version: conduct.version, now: ctx.now };
    match conduct.ramp.as_mut().filter(|_| !has_its_minute(p.play)).map(|ramp| ramp.turn(queue, p.play.class(), asker))
    {
        None | Some(Turn::Now) => {}
        Some(Turn::At(at)) => return Leave::Wait(at, None),
        Some(Turn::Ask(ask, at)) => return Leave::Wait(at, Some(ask)),
    }
    let dials = matches!(p.channel, Some(Channel::Call | Channel::Sms));
    let Some(hash) = p.key.filter(|_| dials).and_then(|key| who.crowded.get(key)) else { return Leave::Now };
    match conduct.turns.turn(PoolName::Number(*hash), asker) {
        Turn::Now => Leave::Now,
        Turn::At(at) => Leave::Wait(at, None),
        Turn::Ask(ask, at) => Leave::Wait(at, Some(ask)),
    }
}

/// What we owe at its minute waits behind nobody's arrears.
fn has_its_minute(play: Play) -> bool {
    matches!(play, Play::Callback | Play::ConfirmMeeting | Play::Reschedule)
}

/// Until when a lead on the ramp is spared a second touch: after a pause, an outage or an import it gets the one that is
/// best now, by whatever way, and the other a day later. Only a fresh inquiry gets a call and an e-mail; what we owe at
/// its minute (a callback, a word about a meeting) waits for nothing.
pub fn one_touch_until(
    conduct: &Conduct,
    p: &Proposal<'_>,
    proposals: &[Proposal<'_>],
    ctx: &Context<'_>,
) -> Option<Moment> {
    let is_fresh = ctx.max_event_age.zip(conduct.episode.started).is_none_or(|(age, asked)| ctx.now - asked <= age);
    if conduct.ramp.is_none() || is_fresh || has_its_minute(p.play) || !p.play.class().is_contact() {
        return None;
    }
    let soon = ctx.now + NOT_BOTH_WITHIN;
    let is_other = |play: Play| play.class().is_contact() && play.class() != p.play.class();
    let sent = conduct.ledger.iter().filter(|e| is_other(e.play) && e.state.counts_for_caps()).map(|e| e.made_at);
    let better = proposals.iter().filter(|o| is_other(o.play) && o.worth.value > p.worth.value).filter_map(|other| {
        // One that cannot leave soon is no reason to say nothing meanwhile.
        let paused = ctx.paused_queues.contains(route(other.play.kind(), other.channel, other.priority).queue);
        let held_off = rejected_until(conduct, other, ctx.policy).max(shared_until(other, ctx));
        let at = held_off.map_or(other.at, |until| until.max(other.at)).max(ctx.now);
        (!paused && at < soon).then_some(at)
    });
    sent.chain(better).map(|at| at + NOT_BOTH_WITHIN).filter(|at| *at > ctx.now).max()
}

/// Until when nothing like this goes to the same key, because it was rejected there.
fn rejected_until(conduct: &Conduct, p: &Proposal<'_>, policy: &Policy) -> Option<Moment> {
    let key = p.key.map(|k| k.value.as_str());
    // The key of a hand-off is the partner that had it; whoever has it next is not known yet.
    let alike = |e: &&Entry| e.class == Class::Partner || e.key.as_deref() == key;
    let same = conduct.ledger.iter().rev().filter(|e| e.class == p.play.class()).filter(alike);
    let (reason, at) = same
        .filter_map(|e| match e.state {
            TaskState::Rejected(reason) => Some((reason, e.ended_at?)),
            _ => None,
        })
        .next()?;
    let wait = policy.plays.rejected.get(&reason)?;
    Some(at + wait.0)
}

/// Until when another lead's touch on the same number or address keeps this one back. What the lead asked for goes ahead.
fn shared_until(p: &Proposal<'_>, ctx: &Context<'_>) -> Option<Moment> {
    let asked_for = matches!(p.play, Play::Callback | Play::AnswerCall | Play::AnswerEmail);
    if asked_for || !p.play.class().is_contact() {
        return None;
    }
    let key = p.key?;
    let on_it =
        ctx.shared_touches.iter().filter(|(value, _, channel)| *value == key.value && Some(*channel) == p.channel);
    on_it.map(|(_, at, _)| *at + NOT_BOTH_WITHIN).max()
}

/// Rows for what a downstream system has closed: it rejected a task as suppressed, so it knows something we did not.
pub fn closed_downstream(
    conduct: &Conduct,
    cause: &Cause<'_>,
    hashes: &BTreeMap<Key, KeyHash>,
) -> BTreeMap<(KeyHash, Channel), Suppression> {
    let Cause::Event(event) = cause else { return BTreeMap::new() };
    let Body::Report(report) = &event.body else { return BTreeMap::new() };
    if report.what != ReportWhat::Rejected(RejectReason::Suppressed) {
        return BTreeMap::new();
    }
    let entry = conduct.ledger.iter().find(|e| event.task_id == Some(e.id));
    let Some((channel, value)) = entry.and_then(|e| Some((e.channel?, e.key.as_deref()?))) else {
        return BTreeMap::new();
    };
    let row = Suppression::closed(event.at, ClosedBecause::ByHand);
    let hash = hashes.iter().find(|(key, _)| key.value == value).map(|(_, hash)| *hash);
    let channels = if channel == Channel::Call { vec![Channel::Call, Channel::Sms] } else { vec![channel] };
    hash.into_iter()
        .flat_map(|hash| channels.iter().map(move |c| (hash, *c)).collect::<Vec<_>>())
        .map(|at| (at, row.clone()))
        .collect()
}
