//! What speaks for which cause, and how much: one function a cause, each of which only adds evidence.

use jiff::ToSpan;

use super::{Cause, Evidence, Judgement, Why};
use crate::domain::audit::{Detail, Item, State};
use crate::domain::cases::{Case, Source};
use crate::domain::contact::{self, Status};
use crate::domain::event::{Answer, Channel};
use crate::domain::facts::{Facts, Said};
use crate::domain::fold::carries;
use crate::domain::identity::Key;
use crate::domain::policy::Policy;
use crate::domain::score::{self, Ask};
use crate::domain::suppression::ClosedBecause;
use crate::domain::time::{Moment, Zone, day_of_date};
use crate::domain::touches::{CallResult, Called, ours};
use crate::domain::wish::newest_wish;
use crate::domain::words::{Finding, Label, Medium, Quote};

pub(super) fn push<'a>(j: &mut Judgement<'a>, cause: Cause, weight: f64, why: Why<'a>, event: Option<&'a str>) {
    j.evidence.push(Evidence { cause, weight: score::round6(weight), why, event });
}

/// The newest saying of the lead with one of the labels, unless something warmer came later.
pub(super) fn newest_said<'a>(facts: &'a Facts, labels: &[Label]) -> Option<(&'a Said, &'a Finding)> {
    facts.said.iter().rev().find_map(|s| s.findings.iter().find(|f| labels.contains(&f.label)).map(|f| (s, f)))
}

pub(super) fn weigh_no<'a>(j: &mut Judgement<'a>, facts: &'a Facts, policy: &Policy) {
    let d = &policy.scoring.diagnosis;
    let asked_again = facts.newest_initiative().map_or(Moment::MIN, |c| c.stamp.at);
    let no_call = newest_no(&j.calls).filter(|(at, _)| *at >= asked_again);
    if let Some((_, event)) = no_call {
        j.clear_no = true;
        push(j, Cause::Interest, d.clear_no, Why::ToldNo("on the phone", noted_no(facts, event)), Some(event));
    }
    if let Some((said, finding)) = newest_said(facts, &[Label::Disinterest])
        // What was noted of a call in which they said no is that no, and not another.
        && no_call.is_none_or(|(_, call)| call != said.cited.id)
        && said.cited.stamp.at >= asked_again
        && finding.certain
        && !said.findings.iter().any(|f| matches!(f.label, Label::Timing | Label::Interest | Label::Language))
    {
        j.clear_no = true;
        push(j, Cause::Interest, d.clear_no, Why::Said(said.quote(finding)), Some(&said.cited.id));
    }
    // One channel closed is a wish about that channel; a no to us is all of them, or a complaint or worse about any.
    let all = facts.asked_to_stop() && facts.closed_every_way();
    let closed = facts
        .closings
        .values()
        .filter(|c| c.is_closed())
        .filter_map(|c| c.last.as_ref())
        .filter(|l| all || l.value.0.is_grave())
        .max_by_key(|l| l.stamp);
    if let Some(closing) = closed
        && !j.clear_no
    {
        j.clear_no = true;
        let how = match closing.value.0 {
            ClosedBecause::Complaint => "by complaining about our mail",
            ClosedBecause::Unsubscribe => "by unsubscribing",
            _ => "by opting out",
        };
        let (cause, why) = match closing.value.0 {
            ClosedBecause::Deceased => (Cause::Fit, Why::NoCase("we were told that the person has died")),
            ClosedBecause::Minor => (Cause::Fit, Why::NoCase("we were told that the person is under age")),
            ClosedBecause::LegalThreat => (Cause::Interest, Why::NoCase("they threaten to go to court")),
            _ => (Cause::Interest, Why::ToldNo(how, None)),
        };
        push(j, cause, d.clear_no, why, Some(&closing.value.1));
    }
    if j.clear_no {
        return;
    }
    weigh_closed(j, facts, policy, asked_again);
    if let Some((said, finding)) = newest_said(facts, &[Label::Vague, Label::Interest, Label::Callback])
        && finding.label == Label::Vague
    {
        push(j, Cause::Interest, d.vague, Why::Said(said.quote(finding)), Some(&said.cited.id));
    }
}

/// They closed a channel as a whole, left another open, and have not come to us by themselves since.
fn weigh_closed<'a>(j: &mut Judgement<'a>, facts: &'a Facts, policy: &Policy, asked_again: Moment) {
    // Most leads have closed nothing, and this is asked of each of them.
    if facts.closings.is_empty() {
        return;
    }
    let by_wish = |why: ClosedBecause| {
        use ClosedBecause::*;
        matches!(why, OptOut | Unsubscribe | DoNotCall | ConsentRevoked)
    };
    let closing = |channel: Channel, key: Option<&Key>| {
        let closing = facts.closings.get(&(channel, key.cloned())).filter(|c| c.is_closed())?;
        // What a form says of consent beside its question is no word of its own.
        let since = |why: ClosedBecause, at: Moment| match why {
            ClosedBecause::ConsentRevoked => at > asked_again,
            _ => at >= asked_again,
        };
        closing.last.as_ref().filter(|last| by_wish(last.value.0) && since(last.value.0, last.stamp.at))
    };
    let mut newest = None;
    let wants_no = [Channel::Call, Channel::Sms, Channel::Email].map(|channel| {
        // One number of several says nothing of the others.
        let alive = j.keys.iter().filter(|k| k.status != Status::Dead).map(|k| k.key);
        let keys: Vec<&Key> = alive.filter(|key| carries(channel, key)).collect();
        let closed: Vec<_> =
            keys.iter().filter_map(|key| closing(channel, None).or_else(|| closing(channel, Some(key)))).collect();
        let all = !closed.is_empty() && closed.len() == keys.len();
        newest = newest.max(closed.iter().filter(|_| all).map(|last| (last.stamp, last.value.1.as_str())).max());
        all
    });
    let Some((_, event)) = newest else { return };
    // "Write to me, and do not call" is a wish about the way, and no lack of interest.
    let wants = |said: &Said| said.findings.iter().any(|f| matches!(f.label, Label::Interest | Label::Callback));
    if facts.said.iter().any(|said| said.cited.id == event && wants(said)) {
        return;
    }
    let [calls, texts, emails] = wants_no;
    let closed = wants_no.iter().filter(|no| **no).count() as f64;
    let why = Why::WantsNo { calls, texts, emails };
    let d = &policy.scoring.diagnosis;
    push(j, Cause::Interest, (d.closed_channel * closed).min(d.clear_no), why, Some(event));
}

/// The no as it was noted of a call, where it was.
fn noted_no<'a>(facts: &'a Facts, call: &str) -> Option<Quote<'a>> {
    let said = facts.said.iter().find(|said| said.cited.id == call)?;
    said.findings.iter().find(|f| f.label == Label::Disinterest).map(|finding| said.quote(finding))
}

/// The newest call in which somebody said no.
pub(super) fn newest_no<'a>(calls: &[Called<'a>]) -> Option<(Moment, &'a str)> {
    calls.iter().filter(|c| c.result.is_no()).map(|c| (c.touch.cited.stamp.at, c.touch.cited.id.as_str())).max()
}

pub(super) fn weigh_bogus<'a>(j: &mut Judgement<'a>, facts: &'a Facts, policy: &Policy) {
    for (sign, weight, cited) in contact::bogus_signs(facts, &j.keys, policy) {
        let cited = cited.or(facts.first_inquiry.as_ref());
        push(j, Cause::Bogus, weight, Why::Bogus(sign), cited.map(|c| c.id.as_str()));
    }
}

pub(super) fn weigh_fit<'a>(j: &mut Judgement<'a>, facts: &'a Facts, policy: &'a Policy) {
    let d = &policy.scoring.diagnosis;
    for case in [Case::Competitor, Case::NotABuyer] {
        let Some(found) = j.cases.get(case).copied() else { continue };
        // What was only likely meant counts half.
        let weight = if found.certain { d.not_a_buyer } else { d.not_a_buyer / 2.0 };
        let why = match found.source {
            Source::Flag(flag) => Why::Flagged(flag),
            Source::Said(quote) => Why::Said(quote),
            Source::Domain(domain) => Why::CompetitorDomain(domain),
            Source::Origin => continue,
        };
        push(j, Cause::Fit, weight, why, Some(found.event).filter(|e| !e.is_empty()));
    }
    if let Some((said, finding)) = newest_said(facts, &[Label::WrongPerson, Label::Interest])
        && finding.label == Label::WrongPerson
        && !said.auto
        && !said.findings.iter().any(|f| f.label == Label::AutoReply)
    {
        // "Wrong number, there is no Ana here" says that we did not reach her, and nothing of whether she buys.
        let elsewhere = said.findings.iter().any(|f| f.label == Label::WrongNumber);
        let cause = if elsewhere { Cause::Contact } else { Cause::Fit };
        push(j, cause, d.wrong_person, Why::Said(said.quote(finding)), Some(&said.cited.id));
    }
    for (ask, weight) in [(Ask::Need, d.no_need), (Ask::Authority, d.no_authority)] {
        if let Some(none) = answered_none(j, ask) {
            push(j, Cause::Fit, weight, Why::AnsweredNone(ask), Some(none));
        }
    }
    let is_low = j.fit.score < d.low_fit_points && j.fit.known >= d.low_fit_known;
    if is_low || j.fit.decided {
        let why = Why::LowFit { score: j.fit.score, spoils: policy.fit.spoils(&j.fit) };
        push(j, Cause::Fit, d.low_fit, why, None);
    }
}

/// The event of an answer, no guess, that said none.
fn answered_none<'a>(j: &Judgement<'a>, ask: Ask) -> Option<&'a str> {
    j.qualification.level(ask).filter(|l| !l.guessed && l.level == 0).map(|l| l.event)
}

pub(super) fn weigh_contact<'a>(j: &mut Judgement<'a>, facts: &'a Facts, policy: &Policy) {
    let d = &policy.scoring.diagnosis;
    // Written to us by whoever has the address: which number is meant nobody can tell, but something does not fit.
    if let Some((said, finding)) = newest_said(facts, &[Label::WrongNumber, Label::WrongPerson, Label::Interest])
        && finding.label == Label::WrongNumber
        && matches!(said.medium, Medium::Email | Medium::Chat)
        && !said.is_automatic()
        && !said.findings.iter().any(|f| f.label == Label::WrongPerson)
    {
        let why = Why::Said(said.quote(finding));
        push(j, Cause::Contact, d.wrong_person, why, Some(&said.cited.id));
    }
    if j.audit.place_contradicts {
        push(j, Cause::Contact, d.place_contradicts, Why::PlaceContradicts, None);
    }
    let dead = j.keys.iter().filter(|k| k.status == Status::Dead).count();
    let of = j.keys.len();
    // A fictional number is a sign of a bogus lead, and counted there.
    if dead == 0 || j.is_bogus() {
        return;
    }
    let event = j.keys.iter().find(|k| k.status == Status::Dead).and_then(|k| k.event);
    if dead == of {
        push(j, Cause::Contact, d.dead_contact, Why::AllKeysDead, event);
    } else {
        push(j, Cause::Contact, d.partly_dead_contact, Why::SomeKeysDead { dead, of }, event);
    }
}

/// A time that has come speaks against the lead no more; a "not now" that names none holds as long as we wait on it.
pub(super) fn weigh_timing<'a>(j: &mut Judgement<'a>, facts: &'a Facts, policy: &Policy, now: Moment) {
    let d = &policy.scoring.diagnosis;
    let said_when = newest_said(facts, &[Label::Timing, Label::Interest, Label::Callback]);
    if let Some((said, finding)) = said_when.filter(|(_, f)| f.label == Label::Timing)
        && now < ends(finding, said, &j.zone, policy)
    {
        j.not_before = Some(finding);
        push(j, Cause::Timing, d.not_now, Why::NotBefore(said.quote(finding)), Some(&said.cited.id));
    } else if let Some((said, finding)) = newest_said(facts, &[Label::Budget])
        && now < next_budget(finding, said, &j.zone)
    {
        push(j, Cause::Timing, d.no_budget, Why::Said(said.quote(finding)), Some(&said.cited.id));
    } else if let Some(none) = answered_none(j, Ask::Budget) {
        push(j, Cause::Timing, d.no_budget, Why::AnsweredNone(Ask::Budget), Some(none));
    }
    if let Some(timeline) = j.qualification.timeline
        && !timeline.guessed
        && timeline.level == 1
        && !has_passed(facts, now)
    {
        push(j, Cause::Timing, d.not_now / 2.0, Why::TimelineLater, Some(timeline.event));
    }
}

/// When a "not now" is over: on the day it named, else when it has waited as long as we let it.
fn ends(finding: &Finding, said: &Said, zone: &Zone, policy: &Policy) -> Moment {
    match finding.date {
        Some(day) => zone.at(day, 0),
        None => said.cited.stamp.at + policy.plays.revisit.not_now.0,
    }
}

/// When there may be money again: on the day that was named, else in the next fiscal year.
fn next_budget(finding: &Finding, said: &Said, zone: &Zone) -> Moment {
    let next_year = zone.date(said.cited.stamp.at).first_of_year().saturating_add(1.year());
    zone.at(finding.date.unwrap_or(day_of_date(next_year)), 0)
}

/// The time they answered with lies behind us: it falls to "vague", which is no "later".
fn has_passed(facts: &Facts, now: Moment) -> bool {
    facts.answers.timeline.as_ref().is_some_and(|given| match given.value.answer {
        Answer::Date(day) => day < now.utc_day(),
        Answer::Level(level) => level > 1,
        Answer::Text(_) => false,
    })
}

/// We blame ourselves first: what we owe the lead and have not done, while it has not answered.
pub(super) fn weigh_process<'a>(j: &mut Judgement<'a>, facts: &'a Facts, policy: &Policy, now: Moment) {
    let d = &policy.scoring.diagnosis;
    let (failures, newest) = ours(&j.calls)
        .filter(|(_, r)| *r == CallResult::OurFailure)
        .fold((0, None), |(n, _), (touch, _)| (n + 1, Some(touch.cited.id.as_str())));
    if failures > 0 {
        push(j, Cause::Process, d.our_failure, Why::WeDroppedCalls(failures), newest);
    }
    let unanswered = j.audit.answer_owed_from.filter(|at| *at <= now).and_then(|_| newest_wish(facts));
    if let Some(wish) = unanswered {
        let why = Why::Unanswered { quote: wish.quote, waited: now - wish.cited.stamp.at };
        push(j, Cause::Process, d.unanswered, why, Some(&wish.cited.id));
    }
    let after = match j.audit.first_touch {
        Some((State::Missed, Detail::Late { after, legal, .. })) => Some((after, legal)),
        _ => None,
    };
    let inquiry = facts.first_inquiry.as_ref();
    // Whom we cannot serve our silence did not lose; that it came to none is on record below.
    let untouched = j.audit.untouched_from.filter(|at| *at <= now && !j.fits_badly()).and(inquiry);
    if let Some(inquiry) = untouched {
        // What was told above is part of it: together they weigh at least what all the missing work does. Who closed a
        // channel is owed no work any more, but the answer.
        let told: f64 = j.evidence.iter().filter(|e| e.cause == Cause::Process).map(|e| e.weight).sum();
        let answer_alone = facts.opted_out();
        let weight = if answer_alone { d.unanswered } else { d.open_audit * j.audit.owed() - told };
        let why = Why::Untouched { waited: now - inquiry.stamp.at, answer_alone };
        push(j, Cause::Process, weight, why, Some(&inquiry.id));
    }
    // A call that we dropped was to be the first touch, and a later wish stands for the first inquiry.
    let stands_for_itself = after.is_some() || (unanswered.is_none() && untouched.is_none() && failures == 0);
    // Also of who said no since: nothing is owed to them, and it may be why.
    let was_late = after.is_some() && j.clear_no && j.cases.iter().next().is_none();
    if (j.audit.first_touch_missed() && stands_for_itself) || was_late {
        let why = Why::FirstTouchLate { after };
        push(j, Cause::Process, d.first_touch_missed, why, inquiry.map(|c| c.id.as_str()));
    }
    if j.unanswered == 0 || !j.audit.is_open(Item::Attempts) && !j.audit.is_open(Item::Dayparts) {
        return;
    }
    // Who was written to today and is to be called at the next open hour is owed nothing yet.
    if j.audit.calls_owed_from.is_some_and(|at| now < at) {
        return;
    }
    let weight = d.open_audit * j.audit.owed();
    let event = facts.outbound().last().map(|t| t.cited.id.as_str());
    let made = j.audit.calls;
    let why = match j.audit.missing_daypart() {
        Some((tried, missing)) if made > 0 => Why::DaypartsMissing { made, tried, missing },
        _ => Why::CallsMissing { made, of: j.audit.calls_owed },
    };
    push(j, Cause::Process, weight, why, event);
}
