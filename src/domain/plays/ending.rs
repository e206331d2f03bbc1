//! What comes last: check-ins while they are of use, a goodbye, or rest without a word where nothing can be written.
//!
//! No lead is left with nothing planned: it has a next step, rests until a day, or was left alone for good.

use super::promise;
use super::rest::{asked_to_wait, is_misfit, is_put_off_for_good, is_revisit, rests, revisit, working_morning};
use super::review::waits_for_second_opinion;
use super::text::Message;
use super::{Proposal, View};
use crate::domain::cases::Case;
use crate::domain::conduct::{Conduct, Stage};
use crate::domain::diagnosis::{Judgement, is_vouched_for};
use crate::domain::event::PartnerAnswer;
use crate::domain::facts::Facts;
use crate::domain::policy::{NurtureRules, Policy, SignalName};
use crate::domain::task::{Class, Play, TaskState};
use crate::domain::time::{Moment, Span};

/// A no that ends our work, unless a colleague who was asked said that the lead is worth another try.
pub(super) fn is_final_no(v: &View<'_, '_>) -> bool {
    v.j.clear_no && !is_vouched_for(v.facts, v.now)
}

/// The newest sign that somebody is there: an answer, a click, a visit. Opens are none: programs fetch pictures too.
fn last_sign(j: &Judgement<'_>) -> Moment {
    let tells = |name: SignalName| {
        use SignalName::*;
        matches!(name, Click | Page | PricingPage | Content | Chat | Room | RoomSecondVisitor)
    };
    let seen = j.engagement.parts.iter().filter(|p| tells(p.name) && p.weight > 0.0).map(|p| p.newest);
    seen.chain([j.last_answer]).max().unwrap_or(Moment::MIN)
}

/// Check-ins of this episode since the last sign of life.
pub fn silent_check_ins(conduct: &Conduct, j: &Judgement<'_>) -> u32 {
    let sign = last_sign(j);
    let since = |e: &&crate::domain::conduct::Entry| e.play == Play::CheckIn && e.made_at > sign;
    let of_episode = conduct.ledger.iter().filter(|e| e.episode == conduct.episode.number);
    of_episode.filter(since).filter(|e| e.state.counts_for_cadence()).count() as u32
}

/// Between two check-ins, after so many without a sign of life.
pub fn check_in_gap(n: &NurtureRules, steps: u32) -> Span {
    let gap = (n.gap.0.0 as f64 * n.gap_factor.powi(steps.min(16) as i32)).min(n.gap_max.0.0 as f64);
    Span((gap as i64).max(n.gap_min.0.0))
}

/// When the next light word is due: a check-in, or the goodbye after the last of them. About that time, in the morning of a working
/// day, for nobody waits for it to the hour.
pub(super) fn next_check_in(v: &View<'_, '_>) -> Moment {
    let sent = v.conduct.ledger.iter().filter(|e| e.class.is_contact() && e.state.counts_for_caps());
    let touched = v.facts.outbound().map(|t| t.cited.stamp.at).chain(sent.map(|e| e.made_at));
    let since = touched.chain([last_sign(v.j), v.started()]).max().unwrap_or(v.now);
    let rules = &v.policy.plays.nurture;
    let due = since + check_in_gap(rules, silent_check_ins(v.conduct, v.j));
    working_morning(v, (due - Span::hours(12)).max(since + rules.gap_min.0))
}

/// Whether another check-in is of use. A revisit is a small attempt without them, and what is not for somebody does not
/// become so by letters, nor is who closed a channel written to unasked; who asked to wait until a day hears from us in between.
pub(super) fn has_check_ins_left(v: &View<'_, '_>) -> bool {
    let waits = v.conduct.stage == Stage::Parked || v.conduct.stage == Stage::Nurturing;
    let none = !waits && (is_revisit(v) || is_misfit(v) || v.facts.asked_to_stop());
    let rules = &v.policy.plays.nurture;
    let most = if asked_to_wait(v).is_some() { rules.most_waiting } else { rules.most };
    !none && silent_check_ins(v.conduct, v.j) < most
}

/// Whether we may say goodbye at all: never to whoever asked us to stop.
pub(super) fn may_say_goodbye(v: &View<'_, '_>) -> bool {
    !v.facts.asked_to_stop() && v.conduct.stage != Stage::Disengaged
}

/// Nothing is planned, open or awaited, and the lead does not rest until a day.
fn is_idle(v: &View<'_, '_>, proposals: &[Proposal<'_>]) -> bool {
    // A repair too: a number that is just being screened or mended is a next step.
    let works = |class: Class| matches!(class, Class::Voice | Class::Text | Class::Data | Class::Partner);
    let open = v
        .conduct
        .ledger
        .iter()
        .any(|e| works(e.class) && (e.is_open() || (e.state == TaskState::Observed && e.expires_at > v.now)));
    let denied = v.conduct.denied_until.is_some_and(|at| at > v.now);
    let awaited = v.j.is_hushed(v.now) || !v.j.unsure.is_empty() || waits_for_second_opinion(v) || denied;
    let lent = v.conduct.lent.is_some() || v.conduct.stage == Stage::Lent;
    !open && !awaited && !promise::is_ahead(v) && !lent && !rests(v) && !proposals.iter().any(|p| works(p.play.class()))
}

/// A check-in where nothing better is left, and after the last of them the goodbye.
pub(super) fn last_steps<'a>(v: &View<'a, '_>, out: &mut Vec<Proposal<'a>>) {
    if !is_idle(v, out) || v.j.clear_no || v.j.cases.has(Case::NotABuyer) {
        return;
    }
    let Some(message) = Message::by_email(v) else { return };
    let due = next_check_in(v);
    if has_check_ins_left(v) {
        let because = "Nothing better is left to do for now: a light check-in keeps the door open.";
        out.extend(message.propose(v, Play::CheckIn, due, v.conduct.nurture_steps + 1, because.into(), None));
    } else if may_say_goodbye(v) {
        let because = match is_misfit(v) {
            true => "We are not the right ones for them; a polite goodbye leaves the door open.",
            false => "Everything worth doing was done; a polite goodbye leaves the door open.",
        };
        out.extend(message.propose(v, Play::Disengage, due, 1, because.into(), revisit(v)));
    }
}

/// Where nothing is left to do and nothing can be written either: the lead rests without a word, until the day given or
/// for good. Looked at anew whenever something happens, so that a new number or a consent ends the rest.
pub fn ending(v: &View<'_, '_>, proposals: &[Proposal<'_>]) -> Option<Option<Moment>> {
    let begun = v.facts.is_invited() && v.conduct.episode.started.is_some() && !v.conduct.stage.is_over();
    (begun && is_idle(v, proposals)).then(|| if is_put_off_for_good(v) { None } else { revisit(v) })
}

/// Why a goodbye names no day on which we come back.
pub fn why_never(j: &Judgement<'_>) -> &'static str {
    if j.clear_no {
        "the lead said no; only the lead can open this again"
    } else if j.cases.has(Case::NotABuyer) {
        "the lead is no buyer"
    } else {
        "we have come back as often as is polite"
    }
}

/// Until when a partner that was given the lead may keep it without a word; what it won or gave back is its own affair.
pub fn lent_until(facts: &Facts, conduct: &Conduct, policy: &Policy) -> Option<Moment> {
    let lent = conduct.lent.as_ref()?;
    let heard = facts.partner.values().filter(|a| a.stamp.at >= lent.since);
    let newest = heard.max_by_key(|a| a.stamp);
    if newest.is_some_and(|a| a.value == PartnerAnswer::Won) {
        return None;
    }
    let since = newest.map_or(lent.since, |a| a.stamp.at);
    policy.rule(Play::ReferralHandoff).map(|rule| since + rule.expires.0)
}
