//! Calls: which one is next, and why.
//!
//! At most one proposal: a promise first, then a failure of ours to make good, an answer to a warm word, and the
//! cadence last. When each is due is in `cadence`, what follows a conversation in `spoken`.

use super::allowed::{call_facts, clear_lists};
use super::cadence::{by_cadence, first_window, most_calls, our_episode_calls, untried_window};
use super::limits::{after_limit, legal_cap};
use super::occasions::{missed_meeting, room_opened, silent_meeting};
use super::promise::promised;
use super::rest::{is_late, last_spoke, rests, working_morning};
use super::spoken::follow_up;
use super::text::{OFFERS, reply_to_answer};
use super::{Grounds, Proposal, View, quoted};
use crate::domain::conduct::Entry;
use crate::domain::contact::KeyWhy;
use crate::domain::event::Channel;
use crate::domain::identity::Key;
use crate::domain::legal::{CallGate, DialMode};
use crate::domain::promise::reachable_from;
use crate::domain::task::{Class, Play};
use crate::domain::time::{Moment, Span};

/// From when on the lead can be reached, as whoever answered last told us, until we have tried.
fn told_when<'a>(v: &View<'a, '_>) -> Option<(Moment, &'a str)> {
    let (from, quote) = reachable_from(v.facts, &v.j.calls, v.zone)?;
    let tried = |e: &Entry| e.class == Class::Voice && e.made_at >= from && !e.is_open();
    let fresh = v.now < from + Span::days(1) && !v.conduct.ledger.iter().any(tried);
    (fresh && v.j.last_answer < from).then_some((from, quote))
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

/// A number that must be held against do-not-call lists before anybody may call it, and which.
pub(super) struct ToScreen<'a> {
    pub key: &'a Key,
    pub lists: Vec<String>,
}

/// Calls. Returns the number that would have to be screened first, where that is what stands in the way.
pub(super) fn voice<'a>(v: &View<'a, '_>, out: &mut Vec<Proposal<'a>>) -> Option<ToScreen<'a>> {
    let promise = promised(v);
    // They said which number; where that cannot be used, any other of theirs is better than a broken promise.
    let number = promise.as_ref().and_then(|p| p.number.as_deref()).and_then(|number| v.usable(Channel::Call, number));
    let living = number.or_else(|| v.key_for(Channel::Call)).map(|key| (key, Moment::MIN));
    let (key, not_before) = living.or_else(|| to_verify(v))?;
    let consent = v.consent(Channel::Call, key);
    let clear = clear_lists(v, key);
    let gate = v.place.may_call(&call_facts(v, key, &consent, &clear), v.now);
    let automated = match &gate {
        CallGate::Allowed { dial_mode, .. } => *dial_mode == DialMode::Automated,
        CallGate::NeedsScreening { lists, .. } => return Some(ToScreen { key, lists: lists.clone() }),
        CallGate::NotAllowed(_) => return None,
    };
    let cadence = &v.policy.plays.cadence;
    let replied = reply_to_answer(v, Class::Voice);
    let ours = our_episode_calls(v);
    let attempts = ours.attempts;
    let resting = rests(v);
    let mut paced = false;
    let (play, due, priority, mut because): (Play, Moment, Option<u8>, Grounds) = if let Some(p) = &promise {
        let named = &p.named;
        match p.tried {
            None => (Play::Callback, p.from, None, format!("The lead asked to be called {named}.").into()),
            Some(tried) => {
                let because =
                    format!("The lead asked to be called {named}; we called and nobody picked up. Once more.");
                (Play::Callback, tried + cadence.after_busy.0, None, because.into())
            }
        }
    } else if let Some(failed_at) = ours.failed_at {
        let play = match attempts {
            0 if is_late(v) => Play::CallAgain,
            0 => Play::FirstCall,
            _ => Play::SecondCall,
        };
        (
            play,
            failed_at + cadence.after_our_failure.0,
            Some(8),
            "We dropped the last call; it is ours to make good.".into(),
        )
    } else if resting {
        return None;
    } else if let Some(viewed_at) = room_opened(v).filter(|_| !v.j.clear_no) {
        let because = "The sales room was opened again; somebody is deciding now.";
        (Play::RoomOpened, viewed_at, None, because.into())
    } else if let Some((said_at, quote)) = replied.filter(|r| r.2 && !v.j.clear_no).map(|r| (r.0, r.1)) {
        (Play::AnswerCall, said_at, None, format!("They answered{}; a person should call now.", quoted(quote)).into())
    } else if v.j.clear_no || missed_meeting(v) {
        return None;
    } else if let Some(spoke) = last_spoke(v) {
        match follow_up(v, spoke)? {
            (due, Some(words)) => {
                let because = format!("They asked for it when we spoke{}; a call answers them.", quoted(words));
                (Play::AnswerCall, due, None, because.into())
            }
            (due, None) => {
                let because = "We have spoken, and no next step is on record; a call finds out where it stands.";
                (Play::CallAgain, due, None, because.into())
            }
        }
    } else if let Some(due) = silent_meeting(v) {
        let because = "They had booked a meeting, and nobody has told how it went; a call finds out.";
        (Play::CallAgain, due, None, because.into())
    } else if ours.is_used_up(most_calls(v)) {
        return None;
    } else {
        paced = true;
        let (play, due, because) = by_cadence(v, &ours);
        match ours.unheard.filter(|(n, _)| *n < cadence.answer_asks) {
            // Nobody told of the call that was to make good the one we dropped: it is asked for again, before its turn.
            Some((n, over)) => {
                let again =
                    if n < OFFERS as u32 { over } else { working_morning(v, over + cadence.answer_again_after.0) };
                let because = "We dropped a call, and nobody has told of one that made it good.";
                (Play::CallAgain, due.min(again), Some(8), because.into())
            }
            None => (play, due, None, because),
        }
    };
    let rule = v.policy.rule(play)?;
    let mut due = due.max(v.now).max(not_before);
    if let Some((from, quote)) = told_when(v).filter(|_| promise.is_none()) {
        // Somebody there told us when to try: then, and not before. What is urgent for a reason of its own keeps its time.
        let moved = matches!(play, Play::SecondCall | Play::CallAgain) && ours.failed_at.is_none();
        due = if moved { from.max(v.now).max(not_before) } else { due.max(from) };
        paced &= !moved;
        because = format!("{} Whoever answered told us when: \"{quote}\".", because.sentence()).into();
    }
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
        Some(p) if p.tried.is_none() && due < p.until => p.until - due,
        _ => rule.expires.0,
    };
    let (at, expires_at) = match paced {
        true => untried_window(v, automated, due, length, &ours)?,
        false => first_window(v, automated, due, length)?,
    };
    let proof = consent.map(|(level, at, url, _)| (level, at, url.map(str::to_owned)));
    out.push(Proposal {
        play,
        at,
        expires_at,
        channel: Some(Channel::Call),
        key: Some(key),
        priority: priority.unwrap_or(rule.priority),
        attempt: attempts + ours.unreported + 1,
        automated,
        // Who named a day is called in its first open minute.
        callback: promise.map(|p| (p.minute.unwrap_or(at), p.number, p.agent)),
        consent: proof,
        worth: v.worth(rule),
        because,
        ..Proposal::empty(play)
    });
    None
}
