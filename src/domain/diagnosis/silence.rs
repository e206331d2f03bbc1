//! What silence says: how much of an answer was due by now and did not come.

use super::weigh::push;
use super::{Cause, Judgement, Why};
use crate::domain::contact::{KeyStatus, KeyWhy};
use crate::domain::event::Channel;
use crate::domain::facts::{Facts, Touch};
use crate::domain::identity::{Key, KeyKind};
use crate::domain::policy::Policy;
use crate::domain::register::Stamp;
use crate::domain::score;
use crate::domain::time::{Moment, Span};
use crate::domain::touches::Called;

/// Chance that a touch would have been answered by now, summed over the touches since the lead last answered.
pub(super) fn silence(
    facts: &Facts,
    calls: &[Called<'_>],
    keys: &[KeyStatus<'_>],
    policy: &Policy,
    since: Moment,
    now: Moment,
) -> (f64, u32, Option<Moment>) {
    let s = &policy.scoring.silence;
    let (mut still_possible, mut touches, mut last) = (1.0, 0, None);
    let to_lead = |t: &&Touch| !went_to_a_stranger(t, facts, keys);
    for touch in facts.outbound().filter(|t| t.cited.stamp.at > since && t.cited.stamp.at <= now).filter(to_lead) {
        let (chance, half_life) = match (touch.channel, &touch.call) {
            (Channel::Call, Some(_)) if is_attempt(calls, touch.cited.stamp) => (s.call_answer, s.call_half_life),
            (Channel::Email, _) => (s.email_answer, s.email_half_life),
            (Channel::Sms, _) => (s.sms_answer, s.sms_half_life),
            _ => continue,
        };
        let age = (now - touch.cited.stamp.at).0 as f64 / half_life.0.0 as f64;
        still_possible *= 1.0 - chance * (1.0 - (-age).exp2());
        touches += 1;
        last = Some(touch.cited.stamp.at);
    }
    (score::round6(1.0 - still_possible), touches, last)
}

/// At a number where nobody knows the lead, a stranger was silent, or was not.
fn went_to_a_stranger(touch: &Touch, facts: &Facts, keys: &[KeyStatus<'_>]) -> bool {
    let primary = facts.primary(KeyKind::Phone);
    let is_there = |key: &Key| touch.to.as_ref().map_or(primary == Some(key), |to| *to == key.value);
    matches!(touch.channel, Channel::Call | Channel::Sms)
        && keys.iter().any(|k| k.why == KeyWhy::WrongNumber && is_there(k.key))
}

fn is_attempt(calls: &[Called<'_>], stamp: Stamp) -> bool {
    calls.iter().any(|c| c.touch.cited.stamp == stamp && c.result.is_attempt())
}

/// Silence is theirs as far as we did our part.
pub(super) fn weigh_silence(j: &mut Judgement<'_>, policy: &Policy, now: Moment, last: Option<Moment>) {
    // Who fits us badly is not chased, and need not answer.
    if j.clear_no || j.unanswered == 0 || j.fits_badly() {
        return;
    }
    let weight = policy.scoring.diagnosis.silence * j.silence * (1.0 - j.audit.owed());
    if weight >= 0.01 {
        let last = now - last.unwrap_or(now);
        push(j, Cause::Interest, weight, Why::Silent { touches: j.unanswered, last }, None);
    }
}

/// How far ahead a change of the verdict by silence is looked for. Beyond the longest half-life times ten nothing moves.
const HORIZON: Span = Span::days(30);

/// The instant at which the verdict may turn though nothing happens, if it may: worth waking for, and no other is.
pub fn next_change(facts: &Facts, j: &Judgement<'_>, policy: &Policy, now: Moment) -> Option<Moment> {
    let audit = &j.audit;
    let owed = [
        audit.calls_owed_from.filter(|_| j.unanswered > 0),
        audit.answer_owed_from,
        audit.untouched_from.filter(|_| !j.fits_badly()),
        audit.lapses,
        // From then on the answer that a misfit is owed is missed, and nothing keeps it from being called bad.
        audit.first_touch_by.filter(|_| j.fits_badly()).map(|by| by + Span(1)),
    ];
    let ours = owed.into_iter().flatten().filter(|at| *at > now && !j.clear_no);
    ours.chain(silence_turns(facts, j, policy, now)).min()
}

/// When silence alone will make the lead weak or bad. It only grows while nothing happens, so the instant is found by
/// halving; a minute is exact enough.
fn silence_turns(facts: &Facts, j: &Judgement<'_>, policy: &Policy, now: Moment) -> Option<Moment> {
    if j.clear_no || j.unanswered == 0 || j.fits_badly() {
        return None;
    }
    let d = &policy.scoring.diagnosis;
    let theirs = d.silence * (1.0 - j.audit.owed());
    let (own, others) = j.evidence.iter().fold((0.0, 0.0), |(own, others), e| match (&e.why, e.cause) {
        (Why::Silent { .. }, _) => (own, others),
        (_, Cause::Interest) => (own + e.weight, others),
        _ => (own, others + e.weight),
    });
    let share = |at: Moment| {
        let (silence, ..) = silence(facts, &j.calls, &j.keys, policy, j.last_answer, at);
        let weight = own + theirs * silence;
        weight / (weight + others).max(1.0)
    };
    let is_past = |at: Moment, limit: f64| share(at) > limit;
    [d.weak_share, d.bad_share]
        .into_iter()
        .filter(|limit| !is_past(now, *limit) && is_past(now + HORIZON, *limit))
        .map(|limit| {
            let (mut before, mut after) = (now, now + HORIZON);
            while after - before > Span::minutes(1) {
                let middle = before + Span((after - before).0 / 2);
                if is_past(middle, limit) {
                    after = middle;
                } else {
                    before = middle;
                }
            }
            after
        })
        .min()
}
