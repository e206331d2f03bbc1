//! One cause in, one decision out: what changes in the lead's conduct and what must leave.
//!
//! Called once per cause, in sequence, under the lead's lock, so that nothing depends on how causes were
//! batched. Reads the judgement and the proposals; writes conduct; sends nothing itself. Long, because it is the one
//! place that writes conduct, and whoever changes a step should see its neighbours.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::compose;
use super::conduct::{Changed, Conduct, Entry, LastJudged, Lent, Plan, Stage};
use super::diagnosis::{Cause as Because, Judgement, judge};
use super::event::*;
use super::facts::Facts;
use super::fold::{carries, place_facts};
use super::identity::{Key, KeyHash, KeyKind};
use super::lead::Lead;
use super::legal::Place;
use super::plays::{self, Proposal, View};
use super::policy::Policy;
use super::pool::Wish;
use super::suppression::Suppression;
use super::task::*;
use super::time::{Moment, Span, Zone};

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
    /// The outbox let the task lapse.
    ExpiredUnsent {
        task: Uuid,
        at: Moment,
    },
    Closed(KeyHash),
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
            Cause::Answer(Answer::ExpiredUnsent { at, .. }) => format!("wake:expired_unsent:{at}"),
            Cause::Answer(Answer::Closed(hash)) | Cause::Closed(hash) => format!("closed:{hash}"),
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
    pub claims: Vec<(Wish, Box<Task>)>,
    /// Claims taken back: (pool, task).
    pub unclaimed: Vec<(String, Uuid)>,
    /// Outbox rows taken back before anybody saw them.
    pub unsent_dropped: Vec<Uuid>,
    /// Rows to join into the suppression list.
    pub suppress: BTreeMap<(KeyHash, Channel), Suppression>,
    /// Tasks that were made, by state, for the counters.
    pub made: Vec<(Kind, TaskState)>,
    /// Notes for people: a guard that held, a report on an unknown task.
    pub notes: Vec<&'static str>,
}

/// Decides what follows from one cause. The event, if it is one, is already folded into the facts.
pub fn decide(lead: &mut Lead, cause: &Cause<'_>, ctx: &Context<'_>) -> Decision {
    let mut d = Decision::default();
    let (facts, conduct, policy, now) = (&lead.facts, &mut lead.conduct, ctx.policy, ctx.now);
    conduct.version += 1;
    conduct.updated_at = conduct.updated_at.max(now);
    settle(facts, conduct, cause, ctx);
    let j = judge(facts, policy, now);
    open_episode(facts, conduct, &j, ctx);

    d.suppress = closings(facts, &lead.hashes, ctx);
    let closed = closed_keys(&lead.hashes, &d.suppress, ctx);
    let place_facts = place_facts(facts);
    let place = policy.law.place(&place_facts);
    let zone = policy.zone_at(&place);
    park(facts, conduct, &j, &closed, &zone, &place, ctx);
    conduct.stage = stage(facts, conduct, &j, &closed, now);

    let who = compose::Who { lead_id: lead.id, shared_keys: ctx.shared_keys };
    revoke(facts, conduct, &j, &closed, cause, &who, ctx, &mut d);
    conduct.planned.clear();
    conduct.look_again = None;
    conduct.next_action = None;
    if ctx.mode != Mode::Paused {
        let view = View {
            facts,
            conduct,
            j: &j,
            policy,
            place: &place,
            zone: &zone,
            now,
            closed: &closed,
            shared_touches: ctx.shared_touches,
            max_event_age: ctx.max_event_age,
        };
        let mut proposals = plays::proposals(&view);
        act(facts, conduct, &j, &mut proposals, cause, &who, ctx, &mut d);
        look_again(facts, conduct, ctx);
        conduct.stage = stage(facts, conduct, &j, &closed, now);
    } else {
        // Whatever would be due is due when the pause ends; then the one best next touch is chosen, not the arrears.
        conduct.look_again = Some(now);
    }
    remember(conduct, &j, cause, now);
    conduct.trim(now);
    d
}

/// Keeps what was thought, and when it last changed and why.
fn remember(conduct: &mut Conduct, j: &Judgement<'_>, cause: &Cause<'_>, now: Moment) {
    let opinion = match j.cause {
        Some(cause) => format!("{} ({})", j.verdict.name(), cause.name()),
        None => j.verdict.name().to_owned(),
    };
    if let Some(last) = conduct.last.as_ref().filter(|last| last.opinion != opinion) {
        let from = last.opinion.clone();
        conduct.changed = Some(Changed { at: now, from, to: opinion.clone(), by: cause.text() });
    }
    conduct.last = Some(LastJudged { opinion, fit: j.fit.score, engagement: j.engagement.score });
}

/// Forgets a lead: everything open is taken back; the ledger is not kept.
pub fn forget(lead: &mut Lead, cause: &Cause<'_>, ctx: &Context<'_>) -> Decision {
    let mut d = Decision::default();
    lead.conduct.version += 1;
    let j = judge(&lead.facts, ctx.policy, ctx.now);
    lead.conduct.stage = Stage::Erased;
    let who = compose::Who { lead_id: lead.id, shared_keys: ctx.shared_keys };
    revoke(&lead.facts, &mut lead.conduct, &j, &[], cause, &who, ctx, &mut d);
    d
}

/// Takes what a cause says about tasks into the ledger: reports, touches that settle a task, answers, time.
fn settle(facts: &Facts, conduct: &mut Conduct, cause: &Cause<'_>, ctx: &Context<'_>) {
    let now = ctx.now;
    match cause {
        Cause::Event(event) => settle_by_event(facts, conduct, event, now),
        Cause::Answer(Answer::Granted { task, by }) => {
            if let Some(entry) = conduct.entry_mut(*task).filter(|e| e.state == TaskState::Held) {
                entry.state = TaskState::Ready;
                conduct.lent = Some(Lent { partner: by.clone(), task: *task, since: now });
            }
        }
        Cause::Answer(Answer::Denied { task, until }) => {
            end(conduct, *task, TaskState::RevokedUnsent, now);
            conduct.denied_until = Some(*until);
        }
        Cause::Answer(Answer::ExpiredUnsent { task, .. }) => end(conduct, *task, TaskState::ExpiredUnsent, now),
        Cause::Wake { .. }
        | Cause::Policy(_)
        | Cause::Answer(Answer::Closed(_))
        | Cause::Closed(_)
        | Cause::Merged(_) => {}
    }
    // Time passes in every cause: what waited too long for a report has ended, whoever wakes the lead.
    for entry in conduct.ledger.iter_mut().filter(|e| e.is_open() && e.overdue_at() <= now) {
        entry.state = if entry.state == TaskState::Held { TaskState::ExpiredUnsent } else { TaskState::Expired };
        entry.ended_at = Some(now);
    }
    if conduct.revisit_at.is_some_and(|at| at <= now) {
        conduct.revisit_at = None;
        conduct.revisits = conduct.revisits.saturating_add(1);
        conduct.episode.number += 1;
        conduct.episode.started = Some(now);
        conduct.nurture_steps = 0;
        conduct.stage = Stage::Working;
    }
}

fn end(conduct: &mut Conduct, task: Uuid, state: TaskState, now: Moment) {
    if let Some(entry) = conduct.entry_mut(task).filter(|e| e.is_open()) {
        entry.state = state;
        entry.ended_at = Some(now);
    }
}

fn settle_by_event(facts: &Facts, conduct: &mut Conduct, event: &Event, now: Moment) {
    let touched = match &event.body {
        Body::CallCompleted(call) if call.direction == Direction::Outbound => Some(Channel::Call),
        Body::Email(e) if e.what == EmailWhat::Sent => Some(Channel::Email),
        Body::Sms(s) if s.what == SmsWhat::Sent => Some(Channel::Sms),
        _ => None,
    };
    if let Some(channel) = touched {
        let to = touch_key(facts, event);
        let by_id = |e: &Entry| event.task_id.is_some_and(|id| e.id == id);
        // Without a task id the oldest open task of that channel to that key was meant.
        let by_key = |e: &Entry| {
            event.task_id.is_none() && e.is_open() && e.channel == Some(channel) && (to.is_none() || e.key == to)
        };
        if let Some(entry) = conduct.ledger.iter_mut().find(|e| by_id(e) || by_key(e)) {
            entry.touched = true;
            if entry.is_open() || entry.state == TaskState::Expired {
                entry.state = TaskState::Done;
                entry.ended_at = Some(now);
            }
        }
    }
    match &event.body {
        Body::Report(report) => {
            let Some(entry) = event.task_id.and_then(|id| conduct.entry_mut(id)) else { return };
            let was_open = entry.is_open() || entry.state == TaskState::Expired;
            if was_open || entry.state == TaskState::Revoked {
                entry.state = match report.what {
                    ReportWhat::Done => TaskState::Done,
                    ReportWhat::Failed => TaskState::Failed,
                    ReportWhat::Rejected(reason) => TaskState::Rejected(reason),
                };
                entry.ended_at = Some(now);
            }
            if entry.play == Play::ReferralHandoff && report.what != ReportWhat::Done {
                conduct.lent = None;
            }
        }
        Body::Partner(response) => {
            if let Some(id) = event.task_id {
                end(conduct, id, TaskState::Done, now);
            } else if let Some(entry) =
                conduct.ledger.iter_mut().find(|e| e.play == Play::ReferralHandoff && e.is_open())
            {
                entry.state = TaskState::Done;
                entry.ended_at = Some(now);
            }
            if matches!(response.response, PartnerAnswer::Declined | PartnerAnswer::Returned | PartnerAnswer::Lost) {
                conduct.lent = None;
            }
        }
        _ => {}
    }
}

/// The number or address a touch went to, as the ledger writes it.
fn touch_key(facts: &Facts, event: &Event) -> Option<String> {
    if let Body::CallCompleted(call) = &event.body
        && call.to.is_some()
    {
        return call.to.clone();
    }
    let kind = if matches!(event.body, Body::Email(_)) { KeyKind::Email } else { KeyKind::Phone };
    let named = event.keys.iter().find(|k| k.kind == kind);
    named.or_else(|| facts.primary(kind)).map(|k| k.value.clone())
}

/// The first invitation starts the first episode; a word of the lead after rest or goodbye starts another.
fn open_episode(facts: &Facts, conduct: &mut Conduct, j: &Judgement<'_>, ctx: &Context<'_>) {
    if !facts.is_invited() {
        return;
    }
    let initiative = facts.last_initiative.as_ref().map(|c| c.stamp.at);
    let Some(started) = conduct.episode.started else {
        let asked = facts.first_inquiry.as_ref().or(facts.put_forward.as_ref()).map(|c| c.stamp.at);
        // An inquiry that lies in the future by a skewed clock starts now.
        conduct.episode.started = asked.map(|at| at.min(ctx.now));
        conduct.episode.number = 1;
        return;
    };
    let rested = matches!(conduct.stage, Stage::Parked | Stage::Disengaged | Stage::Nurturing | Stage::Lost);
    let rested_since = conduct
        .ledger
        .iter()
        .filter(|e| matches!(e.play, Play::Disengage | Play::CheckIn))
        .map(|e| e.made_at)
        .max()
        .unwrap_or(started);
    if rested
        && !j.clear_no
        && j.not_before.is_none()
        && let Some(at) = initiative
        && at > rested_since
        && at > started
    {
        conduct.episode.number += 1;
        conduct.episode.started = Some(at);
        conduct.revisit_at = None;
        conduct.nurture_steps = 0;
        conduct.stage = Stage::Working;
    }
}

/// What the facts close, for every key of the lead that the closing is about; only rows that say something new.
fn closings(
    facts: &Facts,
    hashes: &BTreeMap<Key, KeyHash>,
    ctx: &Context<'_>,
) -> BTreeMap<(KeyHash, Channel), Suppression> {
    let mut out: BTreeMap<(KeyHash, Channel), Suppression> = BTreeMap::new();
    for ((channel, key), closing) in &facts.closings {
        let (last, why) = match &closing.last {
            Some(last) => (last.stamp.at, last.value.0),
            None => (Moment::MIN, super::suppression::ClosedBecause::OptOut),
        };
        let row = Suppression { first_closed: closing.first, last_closed: last, last_reopened: closing.reopened, why };
        for (held, hash) in hashes {
            let about = match key {
                Some(key) => key == held,
                None => reaches(*channel, held),
            };
            if !about {
                continue;
            }
            let slot = (*hash, *channel);
            let known = out.get(&slot).or_else(|| ctx.suppressions.get(&slot));
            let mut joined = known.cloned().unwrap_or_else(|| row.clone());
            joined.join(&row);
            if known != Some(&joined) {
                out.insert(slot, joined);
            }
        }
    }
    out
}

/// Which keys a channel-wide closing is about: post, sharing and profiling are about the person, by every key.
fn reaches(channel: Channel, key: &Key) -> bool {
    match channel {
        Channel::Call | Channel::Sms | Channel::Email => carries(channel, key),
        Channel::Mail | Channel::Share | Channel::Profiling => matches!(key.kind, KeyKind::Phone | KeyKind::Email),
    }
}

/// The (channel, key) pairs of the lead that are closed, by this lead or by anybody.
pub fn closed_keys(
    hashes: &BTreeMap<Key, KeyHash>,
    fresh: &BTreeMap<(KeyHash, Channel), Suppression>,
    ctx: &Context<'_>,
) -> Vec<(Channel, Key)> {
    let mut closed = Vec::new();
    if ctx.suppressions.is_empty() && fresh.is_empty() {
        return closed;
    }
    for (key, hash) in hashes {
        for channel in Channel::ALL {
            let row = fresh.get(&(*hash, channel)).or_else(|| ctx.suppressions.get(&(*hash, channel)));
            if row.is_some_and(Suppression::is_closed) {
                closed.push((channel, key.clone()));
            }
        }
    }
    closed
}

/// A lead that named a later day rests until shortly before it.
fn park(
    facts: &Facts,
    conduct: &mut Conduct,
    j: &Judgement<'_>,
    closed: &[(Channel, Key)],
    zone: &Zone,
    place: &Place<'_>,
    ctx: &Context<'_>,
) {
    let Some(finding) = j.not_before else { return };
    if conduct.stage == Stage::Disengaged || j.cause != Some(Because::Timing) {
        return;
    }
    let view = View {
        facts,
        conduct,
        j,
        policy: ctx.policy,
        place,
        zone,
        now: ctx.now,
        closed,
        shared_touches: ctx.shared_touches,
        max_event_age: ctx.max_event_age,
    };
    let at = plays::revisit_of(finding, &view);
    conduct.revisit_at = (at > ctx.now).then_some(at);
}

/// What we are doing about the lead, from what is known and done.
fn stage(facts: &Facts, conduct: &Conduct, j: &Judgement<'_>, closed: &[(Channel, Key)], now: Moment) -> Stage {
    let own_test = facts.origin.test.as_ref().is_some_and(|t| t.value) || facts.flags.contains_key(&LeadFlag::Test);
    let asked_since = |at: Moment| facts.last_initiative.as_ref().is_some_and(|c| c.stamp.at > at);
    if own_test {
        return Stage::Test;
    }
    if let Some(outcome) = &facts.outcome {
        match outcome.value.outcome {
            Outcome::Won => return Stage::Converted,
            Outcome::Lost if !asked_since(outcome.stamp.at) => return Stage::Lost,
            Outcome::Lost | Outcome::Reopened => {}
        }
    }
    let person_closed = facts
        .closings
        .iter()
        .any(|((c, k), closing)| *c == Channel::Call && k.is_none() && closing.is_closed() && closes_all(facts));
    let reachable: Vec<&Key> =
        facts.keys.keys().filter(|k| matches!(k.kind, KeyKind::Phone | KeyKind::Email)).collect();
    let all_closed = !reachable.is_empty()
        && reachable
            .iter()
            .all(|key| closed.iter().any(|(c, k)| k == *key && matches!(c, Channel::Call | Channel::Email)));
    if person_closed || all_closed {
        return Stage::Suppressed;
    }
    let goodbye = conduct.ledger.iter().any(|e| {
        e.play == Play::Disengage
            && e.episode == conduct.episode.number
            && !matches!(e.state, TaskState::RevokedUnsent | TaskState::ExpiredUnsent)
    });
    let spoke = j.last_conversation.is_some_and(|at| conduct.episode.started.is_some_and(|s| at >= s));
    if conduct.lent.is_some() {
        Stage::Lent
    } else if goodbye {
        Stage::Disengaged
    } else if conduct.revisit_at.is_some_and(|at| at > now) {
        Stage::Parked
    } else if j.qualification.sales_ready && spoke {
        Stage::Qualified
    } else if conduct.nurture_steps > 0 {
        Stage::Nurturing
    } else if spoke {
        Stage::Connected
    } else if !conduct.ledger.is_empty() || facts.outbound().next().is_some() {
        Stage::Working
    } else {
        Stage::New
    }
}

/// Everything was closed in one broad word, not just one channel.
fn closes_all(facts: &Facts) -> bool {
    [Channel::Call, Channel::Sms, Channel::Email]
        .iter()
        .all(|c| facts.closings.get(&(*c, None)).is_some_and(super::facts::Closing::is_closed))
}

/// Takes back open tasks that are not right any more, at once and with the reason.
#[expect(clippy::too_many_arguments, reason = "the decision's own step; a struct would only rename its arguments")]
fn revoke(
    facts: &Facts,
    conduct: &mut Conduct,
    j: &Judgement<'_>,
    closed: &[(Channel, Key)],
    cause: &Cause<'_>,
    who: &compose::Who<'_>,
    ctx: &Context<'_>,
    d: &mut Decision,
) {
    let stage = conduct.stage;
    let answered = match cause {
        Cause::Event(event) => is_answer(facts, event),
        _ => false,
    };
    let mut revoked = Vec::new();
    let mut open_classes = BTreeSet::new();
    for entry in conduct.ledger.iter_mut().filter(|e| e.is_open()) {
        // After a merge the earliest task of a class stays; the ledger is in the order of making.
        let second = !open_classes.insert(entry.class);
        let why = no_longer_right(entry, stage, j, closed, answered, facts)
            .or(second.then_some("the lead has been merged and has an earlier task of this kind"));
        let Some(why) = why else { continue };
        let handed = entry.state == TaskState::Ready && !ctx.unsent.contains(&entry.id);
        match (entry.state, handed) {
            (TaskState::Held, _) => d.unclaimed.push((entry.pool.clone().unwrap_or_default(), entry.id)),
            (_, false) => d.unsent_dropped.push(entry.id),
            (_, true) => {}
        }
        entry.state = if handed { TaskState::Revoked } else { TaskState::RevokedUnsent };
        entry.ended_at = Some(ctx.now);
        revoked.push((entry.clone(), why, handed));
    }
    for (entry, why, handed) in revoked {
        if entry.play == Play::CheckIn {
            conduct.nurture_steps = conduct.nurture_steps.saturating_sub(1);
        }
        // A revocation takes a number of its own even when nobody saw the task, so that ids do not depend on timing.
        let n = conduct.next;
        conduct.next += 1;
        if handed {
            d.outgoing.push(compose::revocation(&entry, why, n, conduct.version, cause, who, ctx));
        }
    }
}

/// Whether an event is the lead's own answer: after it the open touches are out of date.
fn is_answer(facts: &Facts, event: &Event) -> bool {
    match &event.body {
        Body::Email(e) => matches!(e.what, EmailWhat::Replied) && !e.auto && !is_auto_reply(facts, event),
        Body::Sms(s) => s.what == SmsWhat::Replied && !s.auto,
        Body::CallCompleted(call) => {
            call.direction == Direction::Inbound
                || call.flags.is_some_and(|f| f.customer_contact)
                || call.answered_by == Some(AnsweredBy::Lead)
        }
        Body::Meeting(m) => m.what == MeetingWhat::Booked,
        Body::Visit(v) => v.what == VisitWhat::Chat,
        _ => false,
    }
}

fn is_auto_reply(facts: &Facts, event: &Event) -> bool {
    facts
        .said
        .iter()
        .any(|s| s.cited.id == event.id && s.findings.iter().any(|f| f.label == super::words::Label::AutoReply))
}

fn no_longer_right(
    entry: &Entry,
    stage: Stage,
    j: &Judgement<'_>,
    closed: &[(Channel, Key)],
    answered: bool,
    facts: &Facts,
) -> Option<&'static str> {
    match stage {
        Stage::Converted => return Some("the lead has become a customer"),
        Stage::Lost => return Some("the deal was closed as lost"),
        Stage::Suppressed => return Some("the lead wants no contact any more"),
        Stage::Test => return Some("the lead is a test"),
        Stage::Erased => return Some("the person asked to be forgotten"),
        Stage::Merged => return Some("the lead is now part of another"),
        Stage::New
        | Stage::Working
        | Stage::Connected
        | Stage::Qualified
        | Stage::Nurturing
        | Stage::Parked
        | Stage::Lent
        | Stage::Practice
        | Stage::Disengaged => {}
    }
    if entry.class == Class::Partner && closed.iter().any(|(c, _)| *c == Channel::Share) {
        return Some("the lead no longer agrees to be passed on");
    }
    if !entry.class.is_contact() {
        return None;
    }
    if stage == Stage::Lent {
        return Some("a partner has the lead");
    }
    let is_mine = |k: &Key| entry.key.as_deref() == Some(k.value.as_str());
    if let Some(channel) = entry.channel
        && closed.iter().any(|(c, k)| *c == channel && is_mine(k))
    {
        return Some("the number or address was closed for this channel");
    }
    if j.keys.iter().any(|k| is_mine(k.key) && k.status == super::contact::Status::Dead) {
        return Some("the number or address is dead");
    }
    if answered {
        return Some("the lead has answered");
    }
    if j.clear_no && entry.play != Play::Disengage {
        return Some("the lead said no");
    }
    if j.is_bogus() {
        return Some("nobody real asked");
    }
    let no_sale = facts.flags.keys().any(|f| matches!(f, LeadFlag::NotABuyer | LeadFlag::Competitor));
    if no_sale && entry.class == Class::Voice {
        return Some("the lead is no buyer");
    }
    None
}

/// Chooses the best proposal of each class and acts on it: now, or as a plan.
#[expect(clippy::too_many_arguments, reason = "the decision's own step; a struct would only rename its arguments")]
fn act(
    facts: &Facts,
    conduct: &mut Conduct,
    j: &Judgement<'_>,
    proposals: &mut [Proposal<'_>],
    cause: &Cause<'_>,
    who: &compose::Who<'_>,
    ctx: &Context<'_>,
    d: &mut Decision,
) {
    proposals.sort_by(|a, b| b.worth.value.total_cmp(&a.worth.value).then(a.play.cmp(&b.play)));
    let best = proposals.first().map(|p| (p.play, proposals.get(1).map(|r| r.play)));
    conduct.next_action = best.or_else(|| conduct.open().next().map(|e| (e.play, None)));
    for class in Class::ALL {
        if conduct
            .ledger
            .iter()
            .any(|e| e.class == class && (e.is_open() || e.state == TaskState::Observed && e.expires_at > ctx.now))
        {
            continue;
        }
        let mut of_class = proposals.iter().filter(|p| p.play.class() == class);
        let Some(chosen) = of_class.next() else { continue };
        let runner_up = proposals.iter().find(|p| p.play != chosen.play);
        if chosen.at > ctx.now + ctx.publish_ahead {
            conduct.planned.push(Plan { play: chosen.play, at: chosen.at - ctx.publish_ahead });
            continue;
        }
        // The ledger is unique on cause and play: a cause that comes round again makes nothing new.
        let text = cause.text();
        if conduct.ledger.iter().any(|e| e.play == chosen.play && e.cause == text) {
            conduct.look_again = Some(ctx.now + Span::hours(1));
            continue;
        }
        let guard = &ctx.policy.plays.guard;
        if conduct.firings.iter().filter(|at| ctx.now - **at < guard.within.0).count() as u32 >= guard.firings {
            d.notes
                .push("guard: more plays fired in a short time than the policy allows; nothing more is sent for now");
            conduct.look_again = Some(ctx.now + guard.within.0);
            continue;
        }
        fire(facts, conduct, j, chosen, runner_up, text, who, ctx, d);
    }
}

/// A lead that waits for nothing is still looked at: silence grows, and what it means changes with it.
fn look_again(facts: &Facts, conduct: &mut Conduct, ctx: &Context<'_>) {
    let waits =
        !conduct.planned.is_empty() || conduct.revisit_at.is_some() || conduct.open().any(|e| e.class.is_contact());
    let done = conduct.stage.is_over() || matches!(conduct.stage, Stage::Disengaged) || !facts.is_invited();
    if conduct.look_again.is_none() && !waits && !done {
        conduct.look_again = Some(ctx.now + LOOK_AGAIN);
    }
}

/// How often a lead is looked at that nothing is planned for. Our judgement: silence moves in days, not hours.
const LOOK_AGAIN: Span = Span::days(3);

/// Makes the task: a number in the ledger, a state, and where it goes.
#[expect(clippy::too_many_arguments, reason = "the decision's own step; a struct would only rename its arguments")]
fn fire(
    facts: &Facts,
    conduct: &mut Conduct,
    j: &Judgement<'_>,
    p: &Proposal<'_>,
    runner_up: Option<&Proposal<'_>>,
    cause: String,
    who: &compose::Who<'_>,
    ctx: &Context<'_>,
    d: &mut Decision,
) {
    let n = conduct.next;
    conduct.next += 1;
    let id = task_id(ctx.epoch, who.lead_id, n);
    let pool = (p.play == Play::ReferralHandoff).then(|| super::pool::PARTNERS.to_owned());
    let state = match (ctx.mode, &pool) {
        (Mode::Observe, _) => TaskState::Observed,
        (_, Some(_)) => TaskState::Held,
        (_, None) => TaskState::Ready,
    };
    let task = compose::task(id, facts, conduct, j, p, runner_up, &cause, who, ctx);
    conduct.ledger.push(Entry {
        id,
        play: p.play,
        class: p.play.class(),
        channel: p.channel,
        key: p.key.map(|k| k.value.clone()),
        cause,
        priority: p.priority,
        made_at: ctx.now,
        expires_at: p.expires_at,
        state,
        ended_at: (state == TaskState::Observed).then_some(ctx.now),
        pool,
        episode: conduct.episode.number,
        touched: false,
    });
    conduct.firings.push(ctx.now);
    match p.play {
        Play::CheckIn => conduct.nurture_steps += 1,
        Play::Disengage => conduct.revisit_at = p.revisit_at,
        Play::ContactRepair => conduct.repairs_asked.extend(p.faults.iter().map(plays::fingerprint)),
        _ => {}
    }
    d.made.push((p.play.kind(), state));
    match state {
        TaskState::Held => {
            let partners = p.partners.iter().map(|p| (p.id.clone(), p.weekly_limit)).collect();
            d.claims.push((Wish { partners }, Box::new(task)));
        }
        TaskState::Ready => d.outgoing.push(Outgoing::Task(Box::new(task))),
        _ => {}
    }
}
