//! Leaving a lead in peace: whether it rests now, and when we come back.

use jiff::ToSpan;

use super::View;
use super::text::Message;
use crate::domain::cases::Case;
use crate::domain::conduct::{Conduct, Stage};
use crate::domain::diagnosis::{Cause, Judgement};
use crate::domain::event::{Direction, MeetingWhat};
use crate::domain::facts::Facts;
use crate::domain::time::{Moment, Span, day_of_date, working_day};
use crate::domain::words::{Finding, Label};

/// A meeting whose day nobody told us is taken to lie ahead for so long. [J]
const UNDATED_MEETING: Span = Span::days(14);
/// So long after a meeting whoever held it may still report; until then nothing else goes out. [J]
const TO_REPORT: Span = Span::days(1);
/// Nine in the morning, their time.
pub(super) const MORNING: i32 = 540;

/// Nine o'clock at the lead's place on the first working day from an instant on.
pub(super) fn working_morning(v: &View<'_, '_>, from: Moment) -> Moment {
    let today = v.zone.local_day(from);
    let mornings = [today, today + 1].map(|day| v.zone.at(working_day(day), MORNING));
    mornings.into_iter().find(|at| *at >= from).unwrap_or(from)
}

/// Parked, disengaged or waiting for a named day: no call until the lead or the day comes.
pub(super) fn rests(v: &View<'_, '_>) -> bool {
    let waiting = v.conduct.revisit_at.is_some_and(|at| at > v.now);
    matches!(v.conduct.stage, Stage::Parked | Stage::Disengaged) || waiting || meeting_ahead(v)
}

pub(super) fn meeting_ahead(v: &View<'_, '_>) -> bool {
    meeting_over(v).is_some()
}

/// When a booked meeting, and the time to report on it, is over: an instant worth waking for.
pub fn meeting_over(v: &View<'_, '_>) -> Option<Moment> {
    let newest = v.facts.meetings.last().filter(|m| m.what == MeetingWhat::Booked)?;
    let over = newest.at.map_or(newest.cited.stamp.at + UNDATED_MEETING, |at| at + TO_REPORT);
    (over > v.now).then_some(over)
}

/// The last time we spoke in this episode, on the phone or in a meeting.
pub(super) fn last_spoke(v: &View<'_, '_>) -> Option<Moment> {
    let held = v.facts.meetings.iter().filter(|m| m.what == MeetingWhat::Held).map(|m| m.cited.stamp.at);
    held.chain(v.j.last_conversation).filter(|at| *at >= v.started()).max()
}

pub(super) fn spoke_since_started(v: &View<'_, '_>) -> bool {
    last_spoke(v).is_some()
}

/// Until when an automatic reply says that nobody is there: nine in the morning of the day it names, and at the least
/// of the next one.
pub(super) fn away_until(v: &View<'_, '_>) -> Option<Moment> {
    let reply = v.facts.said.iter().rev().find_map(|s| {
        let found = s.findings.iter().find(|f| f.label == Label::AutoReply)?;
        Some((s.cited.stamp.at, found.date.or_else(|| s.findings.iter().find_map(|f| f.date))))
    });
    let (at, day) = reply?;
    let next_day = v.zone.local_day(at) + 1;
    let back = v.zone.at(day.map_or(next_day, |day| day.max(next_day)), MORNING);
    // Whoever speaks to us since is there after all.
    (back > v.now && v.j.last_answer <= at).then_some(back)
}

/// The inquiry is so old that a first call would only puzzle the lead.
pub(super) fn is_late(v: &View<'_, '_>) -> bool {
    v.max_event_age.is_some_and(|age| v.now - v.started() > age)
}

/// This episode began because a day had come, not because the lead did anything.
pub(super) fn is_revisit(v: &View<'_, '_>) -> bool {
    v.conduct.revisits > 0
}

pub(super) fn is_after_no(v: &View<'_, '_>) -> bool {
    comes_after_no(v.facts, v.conduct, v.j)
}

/// This episode is the one e-mail that comes a long time after a no; they have said nothing since it began, and closed
/// nothing to us.
pub fn comes_after_no(facts: &Facts, conduct: &Conduct, j: &Judgement<'_>) -> bool {
    let silent = conduct.episode.started.is_some_and(|started| j.last_answer < started);
    j.clear_no && conduct.revisits > 0 && silent && !facts.asked_to_stop()
}

/// Until when the lead asked us to leave it in peace, by a day or because there is no money for now. The day follows
/// from what was said when, so that it stays where it is however often it is asked for.
pub fn asked_to_wait(v: &View<'_, '_>) -> Option<Moment> {
    if v.j.clear_no {
        return None;
    }
    let (said, until) = match not_now(v) {
        Some((said, finding)) => (said, revisit_of(finding, said, v)),
        None => no_budget(v)?,
    };
    (until > v.now && !came_again(v, said)).then_some(until)
}

/// Asked to wait once more when we have come back as often as is polite: then it is a goodbye.
pub(super) fn is_put_off_for_good(v: &View<'_, '_>) -> bool {
    v.conduct.revisits >= v.policy.plays.revisit.most && asked_to_wait(v).is_some()
}

/// The newest thing said about when, and when it was said.
fn not_now<'a>(v: &View<'a, '_>) -> Option<(Moment, &'a Finding)> {
    let finding = v.j.not_before?;
    let is_it = |f: &Finding| std::ptr::eq(f, finding);
    let said = v.facts.said.iter().rev().find(|s| s.findings.iter().any(is_it))?;
    Some((said.cited.stamp.at, finding))
}

/// No money now: we come back when the next fiscal period starts, which is a new year where we know nothing better.
fn no_budget(v: &View<'_, '_>) -> Option<(Moment, Moment)> {
    if v.j.cause != Some(Cause::Timing) {
        return None;
    }
    let of_weight = |label: Label| matches!(label, Label::Budget | Label::Interest | Label::Callback);
    let newest = v.facts.said.iter().rev().find_map(|s| {
        let found = s.findings.iter().find(|f| of_weight(f.label))?;
        Some((s.cited.stamp.at, found.label))
    });
    let (said, _) = newest.filter(|(_, label)| *label == Label::Budget)?;
    let next_year = v.zone.date(said).first_of_year().saturating_add(1.year());
    Some((said, v.zone.at(day_of_date(next_year), MORNING)))
}

/// The lead came to us by itself since: it asked, called, or booked a meeting.
fn came_again(v: &View<'_, '_>, since: Moment) -> bool {
    let asked = v.facts.inquiries.last().is_some_and(|i| i.cited.stamp.at > since);
    let called = v.facts.calls().any(|(t, _)| t.direction == Direction::Inbound && t.cited.stamp.at > since);
    let booked = |m: &crate::domain::facts::MeetingFact| m.what == MeetingWhat::Booked && m.cited.stamp.at > since;
    asked || called || v.facts.meetings.iter().any(booked)
}

/// We are not what the lead needs, or it is not whom we serve, whatever else may be in the way too.
pub(super) fn is_misfit(v: &View<'_, '_>) -> bool {
    let weight: f64 = v.j.evidence.iter().filter(|e| e.cause == Cause::Fit).map(|e| e.weight).sum();
    weight > v.policy.scoring.diagnosis.weak_share
}

/// When we come back to a lead that is left alone: the day they named, or by the cause. After a no once, by one e-mail;
/// never to somebody who asked us to stop, or is no buyer: only they can open that again.
pub fn revisit(v: &View<'_, '_>) -> Option<Moment> {
    let rules = &v.policy.plays.revisit;
    let no_case = v.j.cases.has(Case::NotABuyer) || v.j.cases.get(Case::Competitor).is_some() || v.j.is_bogus();
    if v.conduct.revisits >= rules.most || no_case || v.facts.asked_to_stop() {
        return None;
    }
    // In a year a no may be none any more; asked in one e-mail, and not twice.
    if v.j.clear_no && (is_revisit(v) || Message::by_email(v).is_none()) {
        return None;
    }
    let wait = match v.j.cause {
        _ if v.j.clear_no => rules.said_no.0,
        _ if is_misfit(v) => rules.bad_fit.0,
        Some(Cause::Timing) => rules.not_now.0,
        _ => rules.silent.0,
    };
    // In the morning of that day: a revisit is no letter at midnight because the goodbye was one.
    let by_cause = || v.zone.at(v.zone.local_day(v.now + wait), MORNING);
    Some(asked_to_wait(v).unwrap_or_else(by_cause))
}

/// The day a lead named: before the end of a contract, on the day itself otherwise. Where that is over already or near,
/// two weeks: who just said "not now" is not called the same day.
fn revisit_of(finding: &Finding, said: Moment, v: &View<'_, '_>) -> Moment {
    let rules = &v.policy.plays.revisit;
    let Some(day) = finding.date else { return said + rules.not_now.0 };
    let quote = finding.quote.to_lowercase();
    let at = v.zone.at(day, MORNING);
    if rules.contract_words.iter().any(|w| quote.contains(w)) {
        let at_least = at.min(said + v.policy.plays.nurture.gap.0);
        return (at - rules.before_contract_end.0).max(at_least);
    }
    at
}
