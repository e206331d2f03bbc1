//! Calls: which one is next, and why.
//!
//! At most one proposal: a promise first, then a failure of ours to make good, an answer to a warm word, and the
//! cadence last. When each is due is in `cadence`, what follows a conversation in `spoken`.

use super::allowed::call_facts;
use super::cadence::{by_cadence, call_days, first_window, our_episode_calls, untried_window};
use super::limits::{after_limit, legal_cap};
use super::occasions::{missed_meeting, room_opened, silent_meeting};
use super::rest::{last_spoke, rests};
use super::spoken::follow_up;
use super::text::reply_to_answer;
use super::{Proposal, View, local, quoted};
use crate::domain::conduct::Entry;
use crate::domain::contact::KeyWhy;
use crate::domain::event::{Channel, WhenLocal};
use crate::domain::identity::Key;
use crate::domain::legal::{CallGate, DialMode};
use crate::domain::task::{Class, Play};
use crate::domain::time::{Moment, Span};
use crate::domain::touches::ours as our_calls;
use crate::domain::words::{Label, Medium};

/// The promise of a call that nobody has kept yet: when, which number, which agent, and the sentence for it.
pub(super) struct Promise {
    pub at: Moment,
    number: Option<String>,
    agent: Option<String>,
    /// When we called at the time they named and nobody picked up.
    tried: Option<Moment>,
}

pub(super) fn promised(v: &View<'_, '_>) -> Option<Promise> {
    let when = |w: &WhenLocal| match w {
        WhenLocal::Instant(at) => *at,
        WhenLocal::Local(local) => v.zone.resolve(*local),
    };
    let from_call = v
        .facts
        .calls()
        .filter_map(|(t, c)| {
            c.callback_at.as_ref().map(|at| (t.cited.stamp.at, when(at), c.callback_number.clone(), c.agent.clone()))
        })
        .last();
    let from_words = v
        .facts
        .said
        .iter()
        .rev()
        .filter(|s| !s.auto && s.medium != Medium::FeedbackNote)
        .find_map(|s| s.findings.iter().find(|f| f.label == Label::Callback).map(|f| (s.cited.stamp.at, f)))
        .and_then(|(asked, f)| f.at.as_ref().map(|at| (asked, when(at), None, None)));
    let (asked, at, number, agent) = match (from_call, from_words) {
        (Some(a), Some(b)) => {
            if a.0 >= b.0 {
                a
            } else {
                b
            }
        }
        (a, b) => a.or(b)?,
    };
    let from = at - v.policy.plays.cadence.callback_tolerance.0;
    let reached = v.j.last_conversation.is_some_and(|spoke| spoke > asked && spoke >= from);
    let dials =
        our_calls(&v.j.calls).filter(|(t, r)| t.cited.stamp.at > asked && t.cited.stamp.at >= from && r.is_attempt());
    let sent = v.conduct.ledger.iter().filter(|e| {
        let counts = e.is_open() || e.state.counts_for_caps();
        e.play == Play::Callback && e.made_at >= asked && !e.touched && counts
    });
    let mut tried: Vec<Moment> = dials.map(|(t, _)| t.cited.stamp.at).chain(sent.map(|e| e.made_at)).collect();
    tried.sort_unstable();
    // Two that nobody picked up, and the cadence goes on as if nothing had been promised.
    (at > asked && !reached && tried.len() < 2).then_some(Promise { at, number, agent, tried: tried.last().copied() })
}

/// A number that was out of service once, where there is no better: tried once more, and from when.
fn to_verify<'a>(v: &View<'a, '_>) -> Option<(&'a Key, Moment)> {
    let once = v.j.keys.iter().find(|k| k.why == KeyWhy::DisconnectedOnce && !v.is_closed(Channel::Call, k.key))?;
    let from = once.since? + v.policy.plays.cadence.verify_number_after.0;
    let tried = |e: &Entry| e.class == Class::Voice && e.key.as_deref() == Some(&once.key.value) && e.made_at >= from;
    let dialled = v.facts.outbound().any(|t| {
        t.channel == Channel::Call && t.cited.stamp.at >= from && t.to.as_ref().is_none_or(|to| *to == once.key.value)
    });
    let done = dialled || v.conduct.ledger.iter().any(|e| tried(e) && e.state.counts_for_caps() && !e.is_open());
    (!done).then_some((once.key, from))
}

/// Calls. Returns the number that would have to be screened first, where that is what stands in the way.
pub(super) fn voice<'a>(v: &View<'a, '_>, out: &mut Vec<Proposal<'a>>) -> Option<&'a Key> {
    let promise = promised(v);
    // They said which number; where that cannot be used, any other of theirs is better than a broken promise.
    let number = promise.as_ref().and_then(|p| p.number.as_deref()).and_then(|number| v.usable(Channel::Call, number));
    let living = number.or_else(|| v.key_for(Channel::Call)).map(|key| (key, Moment::MIN));
    let (key, not_before) = living.or_else(|| to_verify(v))?;
    let consent = v.consent(Channel::Call, key);
    let gate = v.place.may_call(&call_facts(v, key, &consent), v.now);
    let automated = match &gate {
        CallGate::Allowed { dial_mode, .. } => *dial_mode == DialMode::Automated,
        CallGate::NeedsScreening { .. } => return Some(key),
        CallGate::NotAllowed(_) => return None,
    };
    let cadence = &v.policy.plays.cadence;
    let tolerance = cadence.callback_tolerance.0;
    let replied = reply_to_answer(v, Class::Voice);
    let ours = our_episode_calls(v);
    let attempts = ours.attempts;
    let resting = rests(v);
    let mut paced = false;
    let (play, due, priority, because): (Play, Moment, Option<u8>, String) = if let Some(p) = &promise {
        let named = local(v, p.at);
        match p.tried {
            None => (Play::Callback, p.at - tolerance, None, format!("The lead asked to be called at {named}.")),
            Some(tried) => {
                let because =
                    format!("The lead asked to be called at {named}; we called and nobody picked up. Once more.");
                (Play::Callback, tried + cadence.after_busy.0, None, because)
            }
        }
    } else if let Some(failed_at) = ours.failed_at {
        let play = if attempts == 0 { Play::FirstCall } else { Play::SecondCall };
        (
            play,
            failed_at + cadence.after_our_failure.0,
            Some(8),
            "We dropped the last call; it is ours to make good.".into(),
        )
    } else if resting {
        return None;
    } else if let Some(viewed_at) = room_opened(v).filter(|_| !v.j.clear_no) {
        let because = "The sales room was opened again; somebody is deciding now.".into();
        (Play::RoomOpened, viewed_at, None, because)
    } else if let Some((said_at, quote)) = replied.filter(|r| r.2 && !v.j.clear_no).map(|r| (r.0, r.1)) {
        (Play::AnswerCall, said_at, None, format!("They answered{}; a person should call now.", quoted(quote)))
    } else if v.j.clear_no || missed_meeting(v) {
        return None;
    } else if let Some(spoke) = last_spoke(v) {
        match follow_up(v, spoke)? {
            (due, Some(words)) => {
                let because = format!("They asked for it when we spoke{}; a call answers them.", quoted(words));
                (Play::AnswerCall, due, None, because)
            }
            (due, None) => {
                let because = "We spoke, and nothing has been agreed since; a call finds out where it stands.";
                (Play::CallAgain, due, None, because.to_owned())
            }
        }
    } else if let Some(due) = silent_meeting(v) {
        let because = "They had booked a meeting, and nobody has told how it went; a call finds out.".to_owned();
        (Play::CallAgain, due, None, because)
    } else if ours.is_used_up(call_days(v).len()) {
        return None;
    } else {
        paced = true;
        let (play, due, because) = by_cadence(v, &ours);
        (play, due, None, because)
    };
    let rule = v.policy.rule(play)?;
    let mut due = due.max(v.now).max(not_before);
    if play != Play::Callback {
        if let Some(spoke) = v.j.last_conversation
            && !matches!(play, Play::AnswerCall | Play::RoomOpened)
        {
            due = due.max(spoke + v.policy.plays.fatigue.quiet_after_contact.0);
        }
        // Whoever waits for our call is not tired of us.
        if play != Play::AnswerCall {
            due = v.fatigue_allows(due, key);
        }
        let dials = v.touches_on(key, Some(Channel::Call));
        due = after_limit(&dials, cadence.planned_calls_per_day, Span::days(1), due);
    }
    // The law counts every dial, whatever became of it.
    due = legal_cap(v, &v.dials_on(key), due);
    let length = match &promise {
        // To the minute, as promised; later than that as soon as may be.
        Some(p) if p.tried.is_none() && due < p.at + tolerance => p.at + tolerance - due,
        _ => rule.expires.0,
    };
    let (at, expires_at, windows) = match paced {
        true => untried_window(v, automated, due, length, &ours)?,
        false => first_window(v, automated, due, length)?,
    };
    let proof = consent.map(|(level, at, url, _)| (level, at, url.map(str::to_owned)));
    out.push(Proposal {
        play,
        at,
        expires_at,
        windows,
        channel: Some(Channel::Call),
        key: Some(key),
        priority: priority.unwrap_or(rule.priority),
        attempt: attempts + ours.unreported + 1,
        automated,
        callback: promise.map(|p| (p.at, p.number, p.agent)),
        consent: proof,
        worth: v.worth(rule),
        because,
        ..Proposal::empty(play)
    });
    None
}
