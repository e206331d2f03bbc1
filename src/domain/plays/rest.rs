//! Leaving a lead in peace: whether it rests now, and when we come back.

use jiff::ToSpan;

use super::View;
use crate::domain::conduct::Stage;
use crate::domain::diagnosis::Cause;
use crate::domain::event::MeetingWhat;
use crate::domain::time::{Moment, day_of_date};
use crate::domain::words::{Finding, Label};

/// Parked, disengaged or waiting for a named day: no call until the lead or the day comes.
pub(super) fn rests(v: &View<'_, '_>) -> bool {
    let waiting = v.conduct.revisit_at.is_some_and(|at| at > v.now);
    matches!(v.conduct.stage, Stage::Parked | Stage::Disengaged) || waiting || meeting_ahead(v)
}

pub(super) fn meeting_ahead(v: &View<'_, '_>) -> bool {
    v.facts.meetings.last().is_some_and(|m| m.what == MeetingWhat::Booked && m.at.is_none_or(|at| at > v.now))
}

pub(super) fn spoke_since_started(v: &View<'_, '_>) -> bool {
    v.j.last_conversation.is_some_and(|at| at >= v.started())
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
    let back = v.zone.at(day.map_or(next_day, |day| day.max(next_day)), 540);
    // Whoever speaks to us since is there after all.
    (back > v.now && v.j.last_answer <= at).then_some(back)
}

/// The inquiry is so old that a first call would only puzzle the lead.
pub(super) fn is_late(v: &View<'_, '_>) -> bool {
    v.max_event_age.is_some_and(|age| v.now - v.started() > age)
}

/// When we come back: the day they named, or by the cause.
pub fn revisit(v: &View<'_, '_>) -> Option<Moment> {
    let rules = &v.policy.plays.revisit;
    if v.conduct.revisits >= rules.most {
        return None;
    }
    if let Some(finding) = v.j.not_before {
        return Some(revisit_of(finding, v));
    }
    let budget = v.facts.said.iter().rev().any(|s| s.findings.iter().any(|f| f.label == Label::Budget));
    if budget && v.j.cause == Some(Cause::Timing) {
        let next_year = v.zone.date(v.now).first_of_year().saturating_add(1.year());
        return Some(v.zone.at(day_of_date(next_year), 540));
    }
    let wait = match v.j.cause {
        Some(Cause::Fit) => rules.bad_fit.0,
        Some(Cause::Timing) => rules.not_now.0,
        _ => rules.silent.0,
    };
    Some(v.now + wait)
}

/// The day a lead named: before the end of a contract, on the day itself otherwise.
pub fn revisit_of(finding: &Finding, v: &View<'_, '_>) -> Moment {
    let rules = &v.policy.plays.revisit;
    let Some(day) = finding.date else { return v.now + rules.not_now.0 };
    let quote = finding.quote.to_lowercase();
    let at = v.zone.at(day, 540);
    let at = if rules.contract_words.iter().any(|w| quote.contains(w)) { at - rules.before_contract_end.0 } else { at };
    at.max(v.now)
}
