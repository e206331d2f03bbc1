//! Messages: the answer to an inquiry or a reply, the e-mails of the cadence, check-ins, and the goodbye.

use super::allowed::consent_view;
use super::ending::{has_check_ins_left, is_final_no, may_say_goodbye, next_check_in};
use super::occasions::{good_moment, missed_meeting, to_confirm, to_reschedule};
use super::promise::promised;
use super::rest::{
    asked_to_wait, is_after_no, is_put_off_for_good, is_revisit, meeting_ahead, rests, revisit, spoke_since_started,
    working_morning,
};
use super::review::waits_for_second_opinion;
use super::{Grounds, Proposal, View, quoted};
use crate::domain::conduct::{Entry, Stage};
use crate::domain::diagnosis::{Cause, Verdict};
use crate::domain::event::{Channel, ConsentLevel};
use crate::domain::facts::Touch;
use crate::domain::identity::Key;
use crate::domain::register::Cited;
use crate::domain::task::{Class, Play, TaskState};
use crate::domain::time::{Moment, Span};
use crate::domain::wish::{came_together, newest_wish, newest_word};
use crate::domain::words::Quote;

/// The newest word of the lead that waits for an answer of a kind, by voice or in writing: when that is due, its quote,
/// and whether it is warm.
pub(super) fn reply_to_answer<'a>(v: &View<'a, '_>, by: Class) -> Option<(Moment, Option<Quote<'a>>, bool)> {
    let word = newest_word(v.facts).filter(|word| !word.is_hostile())?;
    let due = answer_due(v, word.cited, by, word.warm().is_some())?;
    Some((due, word.wants(), word.warm().is_some()))
}

/// When another form of theirs that asks for contact is to be answered in writing.
fn form_to_answer(v: &View<'_, '_>) -> Option<Moment> {
    let wish = newest_wish(v.facts).filter(|wish| wish.quote.is_none())?;
    let waits = asked_to_wait(v).is_some();
    if waits { None } else { answer_due(v, wish.cited, Class::Text, true) }
}

/// What has waited longer before we knew of it is not answered any more as if it had just come. [J]
const ANSWERED_WITHIN: Span = Span::days(7);
/// So many answers are asked of a desk that tells nothing of them, one when the other is over. [J]
pub(super) const OFFERS: usize = 2;

/// When an answer to what came at an instant is due; `None` where it was given, or asked for often enough. Any word of
/// ours answers a letter. Who should be called is not served by the letter that goes out meanwhile.
fn answer_due(v: &View<'_, '_>, asked: &Cited, by: Class, is_wish: bool) -> Option<Moment> {
    let at = asked.stamp.at;
    let reached = |t: &Touch| by == Class::Text || t.channel == Channel::Call;
    if v.facts.outbound().any(|t| t.cited.stamp.at > at && reached(t)) || came_together(asked, v.facts, &v.j.calls) {
        return None;
    }
    let answers = |e: &&Entry| matches!(e.play, Play::AnswerCall | Play::AnswerEmail) && e.made_at >= at;
    // Nobody told what became of it, so for all we know nobody answered.
    let silent = |e: &Entry| matches!(e.state, TaskState::Expired | TaskState::ExpiredUnsent);
    let unheard = |e: &&Entry| answers(e) && silent(e);
    // And what was taken back, because they had written before we knew of it, answers nobody.
    let stands = |e: &Entry| e.state.counts_for_caps() && e.state != TaskState::Revoked && !silent(e);
    let later = |e: &&Entry| e.class.is_contact() && e.made_at > at && stands(e);
    let ours = || v.conduct.ledger.iter().filter(|e| by == Class::Text || e.class == Class::Voice);
    if ours().filter(|e| !unheard(e)).any(|e| answers(&e) || later(&e)) {
        return None;
    }
    let offers = ours().filter(|e| e.class == by && unheard(e));
    let again = &v.policy.plays.cadence;
    // A promised call will answer them.
    let is_promised = promised(v).is_some();
    let at_once = if is_promised { 1 } else { OFFERS };
    match offers.clone().count() {
        0 => (v.now - at <= ANSWERED_WITHIN).then_some(at),
        n if n < at_once => Some(at),
        n if is_wish && !is_promised && n < again.answer_asks as usize => {
            // In the morning of a working day: whoever has waited so long is not written to at night.
            offers.map(|e| working_morning(v, e.expires_at + again.answer_again_after.0)).max()
        }
        _ => None,
    }
}

/// The e-mail that could go out, to whom, and by which right.
pub(super) struct Message<'a> {
    key: &'a Key,
    consent: Option<(ConsentLevel, Moment, Option<&'a str>, bool)>,
}

impl<'a> Message<'a> {
    pub(super) fn by_email(v: &View<'a, '_>) -> Option<Message<'a>> {
        let key = v.key_for(Channel::Email)?;
        let consent = v.consent(Channel::Email, key);
        let asked = v.facts.inquiries.last().map(|i| i.cited.stamp.at);
        v.place.may_email(&consent_view(&consent), asked, v.now).is_ok().then_some(Message { key, consent })
    }

    pub(super) fn propose(
        &self,
        v: &View<'a, '_>,
        play: Play,
        due: Moment,
        attempt: u32,
        because: Grounds,
        revisit_at: Option<Moment>,
    ) -> Option<Proposal<'a>> {
        let rule = v.policy.rule(play)?;
        let due = due.max(v.now);
        // What the lead waits for is no burden: the answer to an inquiry or a word, a meeting to confirm or make up for.
        let awaited = matches!(play, Play::AnswerEmail | Play::FirstEmail | Play::ConfirmMeeting | Play::Reschedule);
        let at = if awaited { due } else { v.fatigue_allows(v.after_conversation(due), self.key) };
        // The second word after a missed meeting has the day; only the first is a matter of minutes.
        let length = if play == Play::Reschedule && attempt > 1 { Span::hours(12) } else { rule.expires.0 };
        let expires_at = at + length;
        Some(Proposal {
            play,
            at,
            expires_at,
            channel: Some(Channel::Email),
            key: Some(self.key),
            priority: rule.priority,
            attempt,
            consent: self.consent.map(|(level, at, url, _)| (level, at, url.map(str::to_owned))),
            revisit_at,
            worth: v.worth(rule),
            because,
            ..Proposal::empty(play)
        })
    }
}

/// The verdict is weak or bad by this cause.
pub(super) fn weak_by(v: &View<'_, '_>, cause: Cause) -> bool {
    matches!(v.j.verdict, Verdict::Weak | Verdict::Bad) && v.j.cause == Some(cause)
}

pub(super) fn text<'a>(v: &View<'a, '_>, out: &mut Vec<Proposal<'a>>, no_sale: bool) {
    let Some(message) = Message::by_email(v) else { return };
    let mut propose = |play: Play, due: Moment, attempt: u32, because: Grounds, revisit_at: Option<Moment>| {
        out.extend(message.propose(v, play, due, attempt, because, revisit_at));
    };
    let sent = episode_texts(v);
    let resting = rests(v);
    if let Some((at, quote, _)) = reply_to_answer(v, Class::Text)
        && !v.j.clear_no
        && asked_to_wait(v).is_none()
        && !no_sale
    {
        let because = format!("They wrote{} and wait for an answer.", quoted(quote));
        propose(Play::AnswerEmail, at, sent + 1, because.into(), None);
    }
    if let Some(at) = form_to_answer(v).filter(|_| !v.j.clear_no && !no_sale) {
        // A form is no letter: it tires of ours as anybody does.
        let at = v.fatigue_allows(at.max(v.now), message.key);
        let because = "They asked to be contacted and still wait for an answer.";
        propose(Play::AnswerEmail, at, sent + 1, because.into(), None);
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
    let put_off = is_put_off_for_good(v);
    let after_no = is_after_no(v);
    let quiet = resting || (v.j.clear_no && !after_no) || no_sale || put_off;
    if !quiet && !spoke_since_started(v) {
        cadence(v, sent, &mut propose);
    }
    let wanted = weak_by(v, Cause::Timing)
        || weak_by(v, Cause::Interest)
        || matches!(v.conduct.stage, Stage::Nurturing | Stage::Parked)
        || missed_meeting(v);
    if wanted && !no_sale && !put_off && !is_final_no(v) && !meeting_ahead(v) && has_check_ins_left(v) {
        let because = match v.j.cause {
            Some(Cause::Timing) => "Not now, but later: a check-in keeps the door open.",
            _ => "Silent for now: a light check-in keeps the door open.",
        };
        propose(Play::CheckIn, next_check_in(v), v.conduct.nurture_steps + 1, because.into(), None);
    }
    if (is_final_no(v) || no_sale || put_off) && !after_no && may_say_goodbye(v) && !waits_for_second_opinion(v) {
        let because = match (no_sale, put_off) {
            (true, _) => "There is nothing that we could sell them; a polite goodbye ends it.",
            (_, true) => "Not now, once more: a polite goodbye leaves it to them.",
            _ => "They said no; a polite goodbye leaves the door open.",
        };
        propose(Play::Disengage, v.now, sent + 1, because.into(), if put_off { None } else { revisit(v) });
    }
}

/// The e-mails of the cadence: the first at once, the next ones while nobody answers, with their days between them.
fn cadence(v: &View<'_, '_>, sent: u32, propose: &mut impl FnMut(Play, Moment, u32, Grounds, Option<Moment>)) {
    let days = email_days(v);
    if sent == 0 && is_revisit(v) {
        let because = match v.j.clear_no {
            true => "They said no a long time ago; one short word asks whether that has changed.",
            false => "The day has come on which we meant to be back; a short word asks whether it suits now.",
        };
        return propose(Play::EmailAgain, v.started(), 1, because.into(), None);
    }
    if sent == 0 {
        return propose(Play::FirstEmail, v.started(), 1, "The lead asked; an e-mail answers at once.".into(), None);
    }
    let Some(last) = last_text(v).filter(|at| v.j.last_answer <= *at) else { return };
    // Who can be reached in no other way, and of whose letters no desk told anything, is asked for as many again: a check-in
    // is no first answer. Of who closed a channel that is one.
    let no_calls = v.place.missing().is_some() || v.key_for(Channel::Call).is_none();
    if v.j.audit.is_untouched && no_calls && (days.len()..2 * days.len()).contains(&(sent as usize)) {
        let over = v.policy.rule(Play::AnswerEmail).map_or(last, |rule| last + rule.expires.0);
        let due = working_morning(v, over + v.policy.plays.cadence.answer_again_after.0);
        let because = "They asked, and no answer of ours is on record; an e-mail answers them.";
        return propose(Play::AnswerEmail, due, sent + 1, because.into(), None);
    }
    if let Some([before, day]) = days.get(sent as usize - 1..=sent as usize) {
        let due = v.started() + Span::days(i64::from(*day));
        // After a delay the pace stays, and nothing is made up for in a burst.
        let paced = last + Span::days(i64::from(day.saturating_sub(*before)));
        let since = v.started().max(v.j.last_answer);
        let reported = v.facts.outbound().filter(|t| t.channel == Channel::Email && t.cited.stamp.at >= since).count();
        let reported = u32::try_from(reported).unwrap_or(u32::MAX).min(sent);
        let because = Grounds::Emails { asked: sent, reported };
        propose(Play::EmailAgain, due.max(paced), sent + 1, because, None);
    }
}

/// The days of the e-mails of this episode.
fn email_days<'p>(v: &View<'p, '_>) -> &'p [u32] {
    let rules = &v.policy.plays;
    let most = if is_revisit(v) { rules.revisit.emails } else { usize::MAX };
    // Who fits us badly, or closed a channel to us, is answered and not chased.
    let misfit = if v.j.fits_badly() { v.policy.plays.cadence.attempts_misfit as usize } else { usize::MAX };
    let stopped = if v.facts.asked_to_stop() || v.j.clear_no { 1 } else { usize::MAX };
    let most = most.min(misfit).min(stopped);
    &rules.cadence.email_days[..rules.cadence.email_days.len().min(most)]
}

/// The last message of this episode, reported or not.
fn last_text(v: &View<'_, '_>) -> Option<Moment> {
    let reported = v.facts.outbound().filter(|t| t.channel == Channel::Email).map(|t| t.cited.stamp.at);
    let own = v.conduct.ledger.iter().filter(|e| e.class == Class::Text && e.state.counts_for_cadence());
    reported.chain(own.map(|e| e.made_at)).filter(|at| *at >= v.started()).max()
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
