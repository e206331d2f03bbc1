//! Messages: the answer to an inquiry or a reply, the e-mails of the cadence, check-ins, and the goodbye.

use super::allowed::consent_view;
use super::cadence::our_episode_calls;
use super::occasions::{good_moment, missed_meeting, to_confirm, to_reschedule};
use super::rest::{meeting_ahead, rests, revisit, spoke_since_started};
use super::review::waits_for_second_opinion;
use super::{Proposal, View, counted, quoted};
use crate::domain::conduct::Stage;
use crate::domain::contact::KeyWhy;
use crate::domain::diagnosis::{Cause, Verdict};
use crate::domain::event::Channel;
use crate::domain::facts::SignalKind;
use crate::domain::intervals::Intervals;
use crate::domain::policy::NurtureRules;
use crate::domain::task::{Class, Play};
use crate::domain::time::{Moment, Span};
use crate::domain::words::{Finding, Label, Medium};

/// The newest word of the lead that we have not answered: when, its quote, and whether it is warm.
pub(super) fn reply_to_answer<'a>(v: &View<'a, '_>) -> Option<(Moment, Option<&'a str>, bool)> {
    let said = v
        .facts
        .said
        .iter()
        .rev()
        .find(|s| !s.is_automatic() && matches!(s.medium, Medium::Email | Medium::Sms | Medium::Chat));
    let bare = v.facts.signal(SignalKind::Reply).and_then(|s| s.newest.as_ref());
    let (at, findings): (Moment, &'a [Finding]) = match (said, bare) {
        (Some(s), Some(b)) if b.stamp > s.cited.stamp => (b.stamp.at, &[]),
        (Some(s), _) => (s.cited.stamp.at, &s.findings),
        (None, Some(b)) => (b.stamp.at, &[]),
        (None, None) => return None,
    };
    if findings
        .iter()
        .any(|f| matches!(f.label, Label::AutoReply | Label::OptOut | Label::Complaint | Label::LegalThreat))
    {
        return None;
    }
    let answered = v.facts.outbound().any(|t| t.cited.stamp.at > at)
        || v.conduct.ledger.iter().any(|e| e.made_at >= at && matches!(e.play, Play::AnswerCall | Play::AnswerEmail))
        || v.conduct.ledger.iter().any(|e| e.class.is_contact() && e.made_at > at && e.state.counts_for_caps());
    if answered || v.now - at > Span::days(7) {
        return None;
    }
    let warm = findings.iter().find(|f| matches!(f.label, Label::Interest | Label::Callback));
    let cold = findings.iter().any(|f| matches!(f.label, Label::Disinterest | Label::Timing | Label::NotABuyer));
    Some((at, warm.map(|f| f.quote.as_str()), warm.is_some() && !cold))
}

pub(super) fn text<'a>(v: &View<'a, '_>, out: &mut Vec<Proposal<'a>>, no_sale: bool) {
    let Some(key) = v.key_for(Channel::Email) else { return };
    let consent = v.consent(Channel::Email, key);
    let asked = v.facts.inquiries.last().map(|i| i.cited.stamp.at);
    if v.place.may_email(&consent_view(&consent), asked, v.now).is_err() {
        return;
    }
    let mut propose = |play: Play, due: Moment, attempt: u32, because: String, revisit_at: Option<Moment>| {
        let Some(rule) = v.policy.rule(play) else { return };
        let due = due.max(v.now);
        // What the lead waits for is no burden: the answer to an inquiry or a word, a meeting to confirm or make up for.
        let awaited = matches!(play, Play::AnswerEmail | Play::FirstEmail | Play::ConfirmMeeting | Play::Reschedule);
        let at = if awaited { due } else { v.fatigue_allows(v.after_conversation(due), key) };
        // The second word after a missed meeting has the day; only the first is a matter of minutes.
        let length = if play == Play::Reschedule && attempt > 1 { Span::hours(12) } else { rule.expires.0 };
        let expires_at = at + length;
        out.push(Proposal {
            play,
            at,
            expires_at,
            windows: Intervals::one(at, expires_at),
            channel: Some(Channel::Email),
            key: Some(key),
            priority: rule.priority,
            attempt,
            consent: consent.map(|(level, at, url, _)| (level, at, url.map(str::to_owned))),
            revisit_at,
            worth: v.worth(rule),
            because,
            ..Proposal::empty(play)
        });
    };
    let sent = episode_texts(v);
    let resting = rests(v);
    if let Some((at, quote, _)) = reply_to_answer(v)
        && !v.j.clear_no
        && v.j.not_before.is_none()
        && !no_sale
    {
        propose(Play::AnswerEmail, at, sent + 1, format!("They wrote{} and wait for an answer.", quoted(quote)), None);
    }
    if let Some((booked, _)) = to_confirm(v) {
        propose(Play::ConfirmMeeting, booked, 1, "They booked a meeting; a short word confirms it.".into(), None);
    }
    if let Some((due, n)) = to_reschedule(v).filter(|_| !no_sale && !v.j.clear_no) {
        propose(Play::Reschedule, due, n, "They missed the meeting; a friendly word finds another day.".into(), None);
    }
    if let Some((due, why)) = good_moment(v).filter(|_| !no_sale && !meeting_ahead(v)) {
        propose(Play::ReferralAsk, due, sent + 1, why.into(), None);
    }
    let weak_by = |c: Cause| matches!(v.j.verdict, Verdict::Weak | Verdict::Bad) && v.j.cause == Some(c);
    let quiet = resting || v.j.clear_no || no_sale;
    if !quiet && !spoke_since_started(v) {
        let days = &v.policy.plays.cadence.email_days;
        if sent == 0 {
            propose(Play::FirstEmail, v.started(), 1, "The lead asked; an e-mail answers at once.".into(), None);
        } else if let Some(day) = days.get(sent as usize)
            && (v.j.unanswered > 0 || v.j.keys.iter().any(|k| k.why == KeyWhy::WrongNumber))
        {
            let due = v.started() + Span::days(i64::from(*day));
            propose(
                Play::EmailAgain,
                due,
                sent + 1,
                format!("{} without an answer so far; the next is due.", counted(sent, "e-mail")),
                None,
            );
        }
    }
    if !no_sale
        && !v.j.clear_no
        && !meeting_ahead(v)
        && (weak_by(Cause::Timing)
            || weak_by(Cause::Interest)
            || v.conduct.stage == Stage::Nurturing
            || missed_meeting(v)
            || rests_until_later(v))
    {
        let because = match v.j.cause {
            Some(Cause::Timing) => "Not now, but later: a check-in keeps the door open.",
            _ => "Silent for now: a light check-in keeps the door open.",
        };
        propose(Play::CheckIn, next_check_in(v), v.conduct.nurture_steps + 1, because.into(), None);
    }
    // Whoever asked us to stop gets no goodbye, and nobody who said no gets a second one.
    let said_enough = v.facts.asked_to_stop() || (v.j.clear_no && v.conduct.revisits > 0);
    if !said_enough && is_exhausted(v, no_sale) && v.conduct.stage != Stage::Disengaged {
        let revisit_at = revisit(v);
        propose(Play::Disengage, v.now, sent + 1, goodbye(v, no_sale).into(), revisit_at);
    }
}

fn goodbye(v: &View<'_, '_>, no_sale: bool) -> &'static str {
    if no_sale {
        "There is nothing that we could sell them; a polite goodbye ends it."
    } else if v.j.clear_no {
        "They said no; a polite goodbye leaves the door open."
    } else {
        "Everything worth doing was done; a polite goodbye leaves the door open."
    }
}

fn rests_until_later(v: &View<'_, '_>) -> bool {
    v.conduct.stage == Stage::Parked
}

/// Messages of this episode, reported or open.
fn episode_texts(v: &View<'_, '_>) -> u32 {
    let started = v.started();
    let reported = v.facts.outbound().filter(|t| t.channel == Channel::Email && t.cited.stamp.at >= started).count();
    let own = v
        .conduct
        .ledger
        .iter()
        .filter(|e| e.class == Class::Text && !e.touched && e.made_at >= started)
        .filter(|e| e.state.counts_for_cadence())
        .count();
    (reported + own) as u32
}

fn next_check_in(v: &View<'_, '_>) -> Moment {
    let n = &v.policy.plays.nurture;
    let answered = v.j.last_answer;
    let since = v
        .facts
        .outbound()
        .map(|t| t.cited.stamp.at)
        .chain(v.conduct.ledger.iter().filter(|e| e.class.is_contact() && e.state.counts_for_caps()).map(|e| e.made_at))
        .chain([answered, v.started()])
        .max()
        .unwrap_or(v.now);
    let steps = if answered >= since { 0 } else { v.conduct.nurture_steps };
    since + check_in_gap(n, steps)
}

/// Between two check-ins, after so many without a sign of life.
pub fn check_in_gap(n: &NurtureRules, steps: u32) -> Span {
    let gap = (n.gap.0.0 as f64 * n.gap_factor.powi(steps.min(16) as i32)).min(n.gap_max.0.0 as f64);
    Span((gap as i64).max(n.gap_min.0.0))
}

/// Nothing worth doing is left: the audit is complete, calls and e-mails are used up or refused.
fn is_exhausted(v: &View<'_, '_>, no_sale: bool) -> bool {
    if waits_for_second_opinion(v) {
        return false;
    }
    if v.j.clear_no || no_sale {
        return true;
    }
    let cadence = &v.policy.plays.cadence;
    let can_call = v.key_for(Channel::Call).is_some();
    let called_out = !can_call || our_episode_calls(v).is_used_up(cadence.call_days.len());
    let written_out = episode_texts(v) as usize >= cadence.email_days.len();
    let nurtured = v.conduct.nurture_steps >= 4;
    v.j.audit.complete() && called_out && written_out && (nurtured || v.j.verdict == Verdict::Bad)
}
