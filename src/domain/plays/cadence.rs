//! When a call is due: attempts so far, the gap after the last result, a part of the day not tried yet, the first
//! window that is legal and staffed.

use super::rest::{is_late, is_revisit};
use super::{Grounds, View};
use crate::domain::audit::{DAYPARTS, daypart};
use crate::domain::conduct::Entry;
use crate::domain::legal::MAX_AHEAD;
use crate::domain::task::{Class, Play, TaskState};
use crate::domain::time::{Moment, Span, working_day};
use crate::domain::touches::{CallResult, ours};

/// Our calls of this episode: how many count as attempts, the last of them, a failure of ours not yet made good.
pub(super) struct EpisodeCalls {
    pub attempts: u32,
    /// Calls that were asked for and that nobody reported on.
    pub unreported: u32,
    pub last: Option<(Moment, CallResult)>,
    pub failed_at: Option<Moment>,
    /// How many calls were asked for since a failure of ours, of all of which nobody told anything, and when the last of them
    /// was over.
    pub unheard: Option<(u32, Moment)>,
    /// Parts of the day in which a call was made or asked for; once that is all of them, in which one is on record.
    pub tried: [bool; 3],
}

pub(super) fn our_episode_calls(v: &View<'_, '_>) -> EpisodeCalls {
    let started = v.started();
    let mut calls =
        EpisodeCalls { attempts: 0, unreported: 0, last: None, failed_at: None, unheard: None, tried: [false; 3] };
    let mut note = |at: Moment, result: CallResult| {
        if calls.last.is_none_or(|(last, _)| last <= at) {
            calls.last = Some((at, result));
        }
        // A dial that nobody could notice tries no part of the day.
        if !result.is_attempt() {
            return;
        }
        if let Some(part) = daypart(v.zone.minute_of_day(at)) {
            calls.tried[part] = true;
        }
    };
    let mut halves = 0;
    let mut attempts = 0;
    let mut failed_at = None;
    for (touch, result) in ours(&v.j.calls).filter(|(t, _)| t.cited.stamp.at >= started) {
        let at = touch.cited.stamp.at;
        match result {
            CallResult::OurFailure => failed_at = Some(at),
            CallResult::Undecided => {
                halves += 1;
                note(at, result);
            }
            r if r.is_attempt() => {
                attempts += 1;
                failed_at = None;
                note(at, r);
            }
            r => note(at, r),
        }
    }
    let dropped = failed_at;
    for e in v.conduct.ledger.iter().filter(|e| e.class == Class::Voice && !e.touched && e.made_at >= started) {
        if e.state.counts_for_cadence() {
            if dropped.is_some_and(|failed| failed <= e.made_at) {
                let n = calls.unheard.map_or(0, |(n, _)| n);
                calls.unheard = Some((n + 1, e.expires_at));
            }
            attempts += u32::from(e.state != TaskState::Expired);
            note(e.made_at, CallResult::NoAnswer);
            // A call that was sent out since makes the failure good, whether or not anybody reports on it.
            failed_at = failed_at.filter(|failed| *failed > e.made_at);
        }
    }
    (calls.attempts, calls.unreported) = (attempts + halves / 2, v.conduct.episode.unreported);
    calls.failed_at = failed_at;
    if calls.tried == [true; 3] {
        // Once all parts were asked for, those count in which nobody is known to have called.
        calls.tried = v.j.audit.tried;
    }
    calls
}

impl EpisodeCalls {
    /// The cadence is through. Whoever never reports is asked for twice as many calls, and then no more.
    pub fn is_used_up(&self, cadence: usize) -> bool {
        self.attempts as usize >= cadence || (self.attempts + self.unreported) as usize >= 2 * cadence
    }
}

/// The days of the calls of this episode.
pub(super) fn call_days<'p>(v: &View<'p, '_>) -> &'p [u32] {
    let rules = &v.policy.plays;
    let most = if is_revisit(v) { rules.revisit.calls } else { usize::MAX };
    &rules.cadence.call_days[..rules.cadence.call_days.len().min(most)]
}

/// How many calls an episode has: fewer where the lead fits us badly.
pub(super) fn most_calls(v: &View<'_, '_>) -> usize {
    let most = if v.j.fits_badly() { v.policy.plays.cadence.attempts_misfit as usize } else { usize::MAX };
    call_days(v).len().min(most)
}

/// The next call of the cadence: which, when, and why.
pub(super) fn by_cadence(v: &View<'_, '_>, ours: &EpisodeCalls) -> (Play, Moment, Grounds) {
    let attempts = ours.attempts;
    let asked = attempts + ours.unreported;
    let due = match asked {
        0 => after_last(v, ours).unwrap_or(v.started()),
        n => next_attempt(v, n, ours),
    };
    let play = match asked {
        0 if is_late(v) || is_revisit(v) => Play::CallAgain,
        // It rang, or not: nobody can say, but the first call was made.
        0 if ours.last.is_some_and(|(_, result)| result == CallResult::Undecided) => Play::SecondCall,
        0 => Play::FirstCall,
        1 => Play::SecondCall,
        _ => Play::CallAgain,
    };
    let because = match attempts {
        0 if ours.unreported == 0 && is_revisit(v) => {
            "The day has come on which we meant to be back; a call finds out whether it suits now.".into()
        }
        0 if ours.unreported == 0 => first_words(v).into(),
        made => Grounds::Calls { made, unreported: ours.unreported },
    };
    (play, due, because)
}

/// Why to call where no attempt of this episode counts yet: what came of the last dial, or what the lead waits for.
fn first_words(v: &View<'_, '_>) -> &'static str {
    let Some((last, result)) = ours(&v.j.calls).last().map(|(t, r)| (t.cited.stamp.at, r)) else {
        let sent = |e: &Entry| e.class == Class::Voice && e.state.counts_for_caps();
        return match v.conduct.ledger.iter().any(sent) {
            true => "The lead asked, and no call of ours is on record.",
            false => "The lead asked and nobody has called yet.",
        };
    };
    match result {
        _ if last < v.started() => "The lead is back, and nobody has called since.",
        CallResult::Undecided => "Nobody can say what came of the last call; another is due.",
        CallResult::OurFailure => "We dropped the last call; another is due.",
        CallResult::BadNumber | CallResult::Fax | CallResult::Unworkable => {
            "The last call did not go through; another number, or another try, is due."
        }
        CallResult::CarrierTrouble => "The carrier stopped the last call; another is due.",
        _ => "No call has reached anybody yet; the next is due.",
    }
}

/// When the n-th attempt (counted from 0) is due, by the cadence, the last result, and the parts of the day tried.
pub(super) fn next_attempt(v: &View<'_, '_>, n: u32, calls: &EpisodeCalls) -> Moment {
    let cadence = &v.policy.plays.cadence;
    let earliest = after_last(v, calls).unwrap_or(v.started() + cadence.after_no_answer.0);
    let days = call_days(v);
    if let ([.., before, last], None) = (days, days.get(n as usize)) {
        // Beyond the cadence, where nobody reports: at its last pace, and not at a weekend.
        let paced = earliest + Span::days(i64::from(last.saturating_sub(*before)));
        let day = v.zone.local_day(paced);
        return untried_from(v, paced + Span::days(i64::from(working_day(day) - day)), calls);
    }
    let day = v.zone.local_day(v.started()) + days.get(n as usize).copied().unwrap_or(0) as i32;
    // After a delay the pace stays: what fell due meanwhile is not made up for on one day after another.
    let before = days.get((n as usize).saturating_sub(1)).copied().unwrap_or(0);
    let pace = days.get(n as usize).copied().unwrap_or(before).saturating_sub(before) as i32;
    let day = calls.last.map_or(day, |(last, _)| day.max(v.zone.local_day(last) + pace));
    if v.zone.local_day(earliest) > day {
        return untried_from(v, earliest, calls);
    }
    let from = if v.zone.local_day(earliest) == day { earliest } else { v.zone.at(day, 480) };
    untried_from(v, from, calls)
}

/// The earliest instant after the last dial, by what it came to; `None` before the first.
pub(super) fn after_last(v: &View<'_, '_>, calls: &EpisodeCalls) -> Option<Moment> {
    let cadence = &v.policy.plays.cadence;
    let (last, result) = calls.last?;
    let gap = match result {
        CallResult::Busy => cadence.after_busy.0,
        r if r == CallResult::Undecided || !r.is_attempt() => cadence.after_congestion.0,
        _ => cadence.after_no_answer.0,
    };
    Some(last + gap)
}

/// The first instant from `from` on in a part of the day not tried yet; `from` itself when all were tried, and when none
/// was: a first call is right at any hour that is legal and staffed, also after the last part.
fn untried_from(v: &View<'_, '_>, from: Moment, calls: &EpisodeCalls) -> Moment {
    if matches!(calls.tried, [true, true, true] | [false, false, false]) {
        return from;
    }
    let minute = v.zone.minute_of_day(from);
    let day = v.zone.local_day(from);
    for (day, first) in [(day, minute), (day + 1, 0)] {
        for (i, (start, end, _)) in DAYPARTS.iter().enumerate() {
            if !calls.tried[i] && first < *end {
                return from.max(v.zone.at(day, *start));
            }
        }
    }
    from
}

/// Looks for a part of the day not tried yet so often; beyond, law and desk leave none of them.
const LOOK_FOR_PART: usize = 4;

/// The first window from `due` on in a part of the day not tried yet. Courtesy, law and the desk may have moved the call
/// since its part was chosen; where they leave no untried part, the first window there is.
pub(super) fn untried_window(
    v: &View<'_, '_>,
    automated: bool,
    due: Moment,
    length: Span,
    calls: &EpisodeCalls,
) -> Option<(Moment, Moment)> {
    let first = first_window(v, automated, due, length)?;
    let mut from = first.0;
    for _ in 0..LOOK_FOR_PART {
        let wanted = untried_from(v, from, calls);
        let Some(found) = first_window(v, automated, wanted, length) else { break };
        if untried_from(v, found.0, calls) == found.0 {
            return Some(found);
        }
        from = found.0;
    }
    Some(first)
}

/// The first legal and staffed window from `due` on; a touch belongs to one window, so that it ends with it.
pub(super) fn first_window(v: &View<'_, '_>, automated: bool, due: Moment, length: Span) -> Option<(Moment, Moment)> {
    let mut from = due;
    // Law and desk may miss each other for some days (a weekend, a holiday); two weeks of trying are enough.
    while from < due + MAX_AHEAD {
        let (open, until) = v.place.first_window(automated, from)?;
        if let Some(first) = v.policy.desk.first_staffed(open, until) {
            return Some((first.from, first.until.min(first.from + length)));
        }
        from = until;
    }
    None
}
