//! What else we owe a lead: a local number, the key that is alive, a check of doubtful data, what we dropped or promised,
//! one round of nurture, a partner.

use super::{Audit, Cause, Detail, Item, Look, State, no_way, note};
use crate::domain::area_codes;
use crate::domain::contact::{Status, probably_meant};
use crate::domain::event::Channel;
use crate::domain::facts::{Facts, SignalKind};
use crate::domain::fold::carries;
use crate::domain::identity::KeyKind;
use crate::domain::partners;
use crate::domain::promise::Due;
use crate::domain::task::Play;
use crate::domain::time::{Moment, Span};
use crate::domain::touches::{CallResult, ours};
use crate::domain::wish::{is_answered, newest_wish};
use crate::domain::words::Label;

/// Doubtful data that nobody has checked for so long is not held open any more. Our judgement: a data desk that has not
/// looked by then will not.
const CHECK_WITHIN: Span = Span::days(30);

pub(super) fn check(look: &Look<'_, '_>, audit: &mut Audit) {
    local_number(look, audit);
    alternate_key(look, audit);
    data_verified(look, audit);
    made_good(look, audit);
    callback_kept(look, audit);
    answer(look, audit);
    // There is no library of content yet, so nothing that would fit can be sent.
    no_way(audit, Item::ContentSent, Detail::NoContent);
    referral_asked(look, audit);
    nurture_once(look, audit);
    partner_considered(look, audit);
}

/// Done where a number near the lead was shown. We cannot be asked for what we do not own: numbers of our own are not
/// known to the policy yet, so this is never open.
fn local_number(look: &Look<'_, '_>, audit: &mut Audit) {
    let near = |caller: &str, lead: &str| {
        let region = |number: &str| area_codes::area_code(number).map(|a| (a.country, a.region));
        area_codes::area_code(caller).is_some() && region(caller) == region(lead)
    };
    let primary = look.facts.primary(KeyKind::Phone).map(|k| k.value.as_str());
    let shown = look.j.calls.iter().any(|c| {
        let to = c.touch.to.as_deref().or(primary);
        matches!((c.call.caller_id.as_deref(), to), (Some(caller), Some(to)) if near(caller, to))
    });
    match shown {
        true => note(audit, Item::LocalNumber, State::Done, Detail::Shown),
        false => no_way(audit, Item::LocalNumber, Detail::NoOwnNumber),
    }
}

/// One key is dead and another alive: the other was tried since.
fn alternate_key(look: &Look<'_, '_>, audit: &mut Audit) {
    let died = look.j.keys.iter().filter(|k| k.status == Status::Dead).map(|k| k.since.unwrap_or(Moment::MIN)).max();
    let mut living = look.j.keys.iter().filter(|k| k.status < Status::Suspect).peekable();
    let Some(died) = died else { return no_way(audit, Item::AlternateKey, Detail::NotNeeded) };
    if living.peek().is_none() || !(look.can_call || look.can_write) {
        let none = living.peek().is_none();
        return no_way(audit, Item::AlternateKey, if none { Detail::NoOther } else { look.no_call() });
    }
    let tried = living.any(|k| {
        let mut since = look.facts.outbound().filter(|t| t.cited.stamp.at > died);
        since.any(|t| carries(t.channel, k.key) && t.to.as_ref().is_none_or(|to| *to == k.key.value))
    });
    let state = if tried { State::Done } else { State::Open };
    note(audit, Item::AlternateKey, state, if tried { Detail::Tried } else { Detail::NotYet });
}

fn data_verified(look: &Look<'_, '_>, audit: &mut Audit) {
    let suspect = || look.j.keys.iter().filter(|k| k.status == Status::Suspect);
    // A dead address with a likely right one is as good as in doubt, until the lead has that one too.
    let mistyped = || {
        let dead = look.j.keys.iter().filter(|k| k.status == Status::Dead);
        dead.filter(|k| probably_meant(k.key, look.policy).is_some_and(|meant| !has_address(look.facts, &meant)))
    };
    let in_doubt = suspect().count() as u32;
    let detail = match in_doubt {
        0 if mistyped().next().is_some() => Detail::Mistyped,
        0 => {
            let verified = look.j.keys.iter().any(|k| k.status == Status::Verified);
            return match verified {
                true => note(audit, Item::DataVerified, State::Done, Detail::Clean),
                false => no_way(audit, Item::DataVerified, Detail::NotNeeded),
            };
        }
        n => Detail::Suspect(n),
    };
    let asked = look.facts.first_inquiry.as_ref().map_or(look.now, |c| c.stamp.at);
    let since = suspect().chain(mistyped()).map(|k| k.since.unwrap_or(asked)).max().unwrap_or(asked);
    let state = open_until(look, since + CHECK_WITHIN, audit);
    note(audit, Item::DataVerified, state, detail);
}

/// Open until an instant, and missed from then on.
fn open_until(look: &Look<'_, '_>, lapses: Moment, audit: &mut Audit) -> State {
    if look.now >= lapses {
        return State::Missed;
    }
    audit.lapses = Some(audit.lapses.map_or(lapses, |earlier| earlier.min(lapses)));
    State::Open
}

fn has_address(facts: &Facts, address: &str) -> bool {
    facts.keys_of(KeyKind::Email).any(|key| key.value == address)
}

/// Calls that we dropped or mis-routed, and whether one came after.
fn made_good(look: &Look<'_, '_>, audit: &mut Audit) {
    let (mut failures, mut open) = (0, false);
    for (_, result) in ours(&look.j.calls) {
        if result == CallResult::OurFailure {
            failures += 1;
            open = true;
        } else if result.is_attempt() {
            open = false;
        }
    }
    let state = match (failures, open, look.can_call) {
        (0, ..) => return no_way(audit, Item::MadeGood, Detail::NotNeeded),
        (_, false, _) => State::Done,
        (_, true, true) => State::Open,
        (_, true, false) => State::Missed,
    };
    note(audit, Item::MadeGood, state, Detail::Failures(failures));
}

/// The newest call that was promised, on the phone or to somebody who wrote when to call.
fn callback_kept(look: &Look<'_, '_>, audit: &mut Audit) {
    let Some(p) = &look.j.promised else { return no_way(audit, Item::CallbackKept, Detail::NotNeeded) };
    let tolerance = look.policy.plays.cadence.callback_tolerance.0;
    let (from, until) = (p.from(look.zone, tolerance), p.kept_until(look.zone));
    let mut called = look.facts.outbound().filter(|t| t.channel == Channel::Call && t.cited.stamp.at > p.asked);
    let state = if called.any(|t| (from..=until).contains(&t.cited.stamp.at)) {
        State::Done
    } else if look.now > until || !look.can_call {
        State::Missed
    } else {
        State::Open
    };
    let detail = match p.due {
        Due::Minute(at) => Detail::Promised(at),
        Due::Day(day) => Detail::PromisedDay { day, by: p.by(look.zone) },
    };
    note(audit, Item::CallbackKept, state, detail);
}

/// An answer to what they asked last. What they asked to be called for is a promise, and that is `callback_kept`.
fn answer(look: &Look<'_, '_>, audit: &mut Audit) {
    let Some(wish) = newest_wish(look.facts).filter(|_| look.can_call || look.can_write) else { return };
    let at = wish.cited.stamp.at;
    let is_promise = look.j.promised.as_ref().is_some_and(|p| p.asked >= at);
    if !is_promise && !is_answered(&wish, look.facts, &look.j.calls) {
        audit.answer_owed_from = Some(at + look.policy.scoring.audit.answer_within.0);
    }
}

/// Done where we asked, or the lead named somebody unasked. Who was not asked may yet be, but need not.
fn referral_asked(look: &Look<'_, '_>, audit: &mut Audit) {
    let named = look.facts.said.iter().any(|s| s.findings.iter().any(|f| f.label == Label::Referral));
    match (named, look.facts.signal(SignalKind::ReferralAsked).is_some()) {
        (true, _) => note(audit, Item::ReferralAsked, State::Done, Detail::Named),
        (false, true) => note(audit, Item::ReferralAsked, State::Done, Detail::Asked),
        (false, false) => no_way(audit, Item::ReferralAsked, Detail::NoOccasion),
    }
}

/// Once the calls and e-mails of the cadence are used up without an answer, one more e-mail later on.
fn nurture_once(look: &Look<'_, '_>, audit: &mut Audit) {
    if !look.can_write {
        return no_way(audit, Item::NurtureOnce, Detail::NoAddress);
    }
    let cadence = look.policy.plays.cadence.email_days.len() as u32;
    let sent = look.facts.outbound().filter(|t| t.channel == Channel::Email).count() as u32;
    let its_turn = look.j.unanswered > 0 && !audit.is_open(Item::Attempts) && sent >= cadence;
    if !its_turn {
        return no_way(audit, Item::NurtureOnce, Detail::NotNeeded);
    }
    let state = if sent > cadence { State::Done } else { State::Open };
    note(audit, Item::NurtureOnce, state, Detail::Sent(sent));
}

/// A lead that does not fit us may fit a partner, if it agreed to be passed on.
fn partner_considered(look: &Look<'_, '_>, audit: &mut Audit) {
    let by_fit = look.j.evidence.iter().filter(|e| e.cause == Cause::Fit).map(|e| e.weight).sum::<f64>();
    if by_fit <= look.policy.scoring.diagnosis.weak_share {
        return no_way(audit, Item::PartnerConsidered, Detail::NotNeeded);
    }
    if !look.facts.partner.is_empty() {
        return note(audit, Item::PartnerConsidered, State::Done, Detail::HandedOver);
    }
    let serve = look.policy.partners.iter().filter(|p| partners::serves(p, look.facts)).count() as i64;
    if serve == 0 || !partners::may_share(look.facts) || super::is_settled(look) {
        return no_way(audit, Item::PartnerConsidered, Detail::NoPartner);
    }
    // Each may keep an offer so long, and so long our own answer may come before the second is asked.
    let offer = look.policy.rule(Play::ReferralHandoff).map_or(Span::ZERO, |rule| rule.expires.0);
    let asked = look.facts.inquiries.last().map(|asked| &asked.cited).or(look.facts.put_forward.as_ref());
    let since = asked.map_or(look.now, |cited| cited.stamp.at);
    let state = open_until(look, since + Span(offer.0 * (serve + 1)), audit);
    note(audit, Item::PartnerConsidered, state, Detail::NotYet);
}
