//! Questions for a colleague: which of them the facts raise now.
//!
//! A question stands as long as what raised it does; it is asked once about one thing. Its open review is taken back
//! when it has settled itself. What a pending question holds back is said where that would be proposed.

use super::View;
use super::promise::promised;
use super::rest::is_late;
use crate::domain::audit::{Item, State};
use crate::domain::cases::{Case, Found, UnsureOptOut};
use crate::domain::diagnosis::{Cause, Verdict};
use crate::domain::event::Channel;
use crate::domain::facts::Said;
use crate::domain::legal::Windows;
use crate::domain::question::Question;
use crate::domain::task::{Class, TaskState};
use crate::domain::time::{Moment, Span};
use crate::domain::wish::{Wish, newest_wish};
use crate::domain::words::Label;

/// A person named in words is suggested for as long as the text is fresh; later nobody remembers the context. [J]
const SUGGEST_FOR: Span = Span::days(30);

/// A question that the facts raise now.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing<'a> {
    pub question: Question,
    /// Fingerprint of what it is about.
    pub about: u64,
    pub event: Option<&'a str>,
    pub(super) because: Because<'a>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Because<'a> {
    Case(Found<'a>),
    OptOut(UnsureOptOut<'a>),
    Named(&'a Said),
    Late,
    Unanswered,
    Bad(Cause),
    /// How the promised time reads.
    Promise(String),
}

/// Every question that stands, each kind once per thing it is about.
pub fn questions<'a>(v: &View<'a, '_>) -> Vec<Standing<'a>> {
    let mut out = Vec::new();
    if !v.facts.is_invited() || v.j.cases.has(Case::Test) {
        return out;
    }
    cases(v, &mut out);
    if v.conduct.stage.is_over() {
        out.retain(|s| s.question.outlives_the_lead());
    } else {
        words(v, &mut out);
        ourselves(v, &mut out);
    }
    out.retain(|s| v.policy.plays.review.due.contains_key(&s.question));
    out
}

fn cases<'a>(v: &View<'a, '_>, out: &mut Vec<Standing<'a>>) {
    for found in v.j.cases.iter() {
        let question = match found.case {
            Case::Deceased => Question::Deceased,
            Case::Minor => Question::Minor,
            Case::LegalThreat => Question::LegalThreat,
            Case::Vulnerable => Question::Vulnerable,
            Case::Competitor => Question::Competitor,
            Case::Language => Question::Language,
            Case::Test | Case::NotABuyer => continue,
        };
        let event = Some(found.event).filter(|e| !e.is_empty());
        out.push(Standing { question, about: fingerprint(found.event), event, because: Because::Case(*found) });
    }
}

fn words<'a>(v: &View<'a, '_>, out: &mut Vec<Standing<'a>>) {
    for unsure in &v.j.unsure {
        let because = Because::OptOut(*unsure);
        let about = fingerprint(unsure.event);
        out.push(Standing { question: Question::UnsureOptOut, about, event: Some(unsure.event), because });
    }
    for said in v.facts.said.iter().filter(|s| v.now - s.cited.stamp.at < SUGGEST_FOR) {
        let own = |value: &Option<String>| value.as_ref().is_some_and(|x| v.facts.keys.keys().any(|k| k.value == *x));
        let named = |f: &crate::domain::words::Finding| {
            f.label == Label::Referral && f.person.as_ref().is_some_and(|p| !own(&p.email) && !own(&p.phone))
        };
        if said.findings.iter().any(named) {
            let event = Some(said.cited.id.as_str());
            let about = fingerprint(&said.cited.id);
            out.push(Standing { question: Question::PersonNamed, about, event, because: Because::Named(said) });
        }
    }
}

/// Doubts about our own work: a first touch that is late, a lead given up too soon, a promise that cannot be kept.
fn ourselves<'a>(v: &View<'a, '_>, out: &mut Vec<Standing<'a>>) {
    if is_first_touch_overdue(v) {
        let asked = v.facts.first_inquiry.as_ref().map(|c| c.id.as_str());
        let about = fingerprint(asked.unwrap_or_default());
        out.push(Standing { question: Question::FirstTouchLate, about, event: asked, because: Because::Late });
    }
    if let Some(wish) = unanswered_from(v).filter(|at| *at <= v.now).and_then(|_| newest_wish(v.facts)) {
        let about = about_wish(v, &wish);
        let event = Some(wish.cited.id.as_str());
        out.push(Standing { question: Question::FirstTouchLate, about, event, because: Because::Unanswered });
    }
    if let Some(cause) = bad_for(v) {
        // Once for a lead, whatever the occasion: the first time it is about to be given up.
        out.push(Standing { question: Question::IsThisBad, about: 0, event: None, because: Because::Bad(cause) });
    }
    if let Some((at, named)) = promise_at_risk(v) {
        let about = at.0.unsigned_abs();
        out.push(Standing { question: Question::PromiseAtRisk, about, event: None, because: Because::Promise(named) });
    }
}

/// A lead that is worth a colleague's look.
fn is_valuable(v: &View<'_, '_>) -> bool {
    let factor = v.j.conversion.probability / v.policy.scoring.conversion.base.max(1e-6);
    v.j.qualification.sales_ready || factor >= v.policy.plays.review.valuable_factor
}

fn is_first_touch_overdue(v: &View<'_, '_>) -> bool {
    let missed = v.j.audit.items.iter().any(|i| i.item == Item::FirstTouch && i.state == State::Missed);
    missed && v.j.audit.is_untouched && is_valuable(v) && !is_late(v) && !v.j.is_hushed(v.now)
}

/// When a first touch that is still in time will be late: an instant worth waking for.
pub fn late_from(v: &View<'_, '_>) -> Option<Moment> {
    let asked = v.policy.plays.review.due.contains_key(&Question::FirstTouchLate);
    v.j.audit.first_touch_by.filter(|_| asked && is_valuable(v) && !is_late(v)).map(|by| by + Span(1))
}

/// From when on nobody has answered what a lead worth a look asked for: an instant worth waking for.
pub fn unanswered_from(v: &View<'_, '_>) -> Option<Moment> {
    let asked = v.policy.plays.review.due.contains_key(&Question::FirstTouchLate);
    v.j.audit.answer_owed_from.filter(|_| asked && is_valuable(v))
}

/// When the question who answers a wish comes round again: an instant worth waking for.
pub fn asked_again_at(v: &View<'_, '_>) -> Option<Moment> {
    let wish = unanswered_from(v).and_then(|_| newest_wish(v.facts))?;
    let rules = &v.policy.plays.review;
    let round = |n: u32| wish.cited.stamp.at + Span(rules.again_after.0.0 * i64::from(n));
    (1..=rules.asked_again).map(round).find(|at| *at > v.now)
}

/// Given up for fit or interest, though it looked worth something and nobody has told us to stop.
fn bad_for(v: &View<'_, '_>) -> Option<Cause> {
    let cause = v.j.cause.filter(|c| matches!(c, Cause::Fit | Cause::Interest))?;
    let told_to_stop = v.facts.closings.values().any(|c| c.is_closed());
    let no_case = v.j.cases.has(Case::NotABuyer) || v.j.cases.has(Case::Competitor);
    (v.j.verdict == Verdict::Bad && !told_to_stop && !no_case && is_valuable(v)).then_some(cause)
}

/// Whether giving the lead up waits for a colleague's word.
pub fn waits_for_second_opinion(v: &View<'_, '_>) -> bool {
    if bad_for(v).is_none() || !v.policy.plays.review.due.contains_key(&Question::IsThisBad) {
        return false;
    }
    match v.conduct.asked.iter().rev().find(|a| a.question == Question::IsThisBad) {
        None => true,
        Some(asked) => {
            v.now < asked.due_by && v.conduct.ledger.iter().any(|e| e.id == asked.task && e.state == TaskState::Ready)
        }
    }
}

/// A promised call that law, desk or a closed number stand against: for when, and how that reads.
fn promise_at_risk(v: &View<'_, '_>) -> Option<(Moment, String)> {
    let promise = promised(v)?;
    if v.now > promise.until {
        return None;
    }
    let open = match v.place.call_windows(false, promise.from, promise.until) {
        Windows::Open(legal) => v.policy.desk.staffed(legal).iter().next().is_some(),
        _ => false,
    };
    let reachable = v.key_for(Channel::Call).is_some();
    (!open || !reachable).then(|| (promise.minute.unwrap_or(promise.from), promise.named))
}

/// Open reviews whose question does not stand any more, by task.
pub fn settled(v: &View<'_, '_>, standing: &[Standing<'_>]) -> Vec<uuid::Uuid> {
    let open = v.conduct.open().filter(|e| e.class == Class::Desk);
    open.filter(|e| {
        let asked = v.conduct.asked.iter().find(|a| a.task == e.id);
        asked.is_none_or(|a| !standing.iter().any(|s| s.question == a.question && s.about == a.about))
    })
    .map(|e| e.id)
    .collect()
}

/// What a question about a wish is about: each week that nobody answers it, it is another one, up to a limit. One that is
/// still open stays the same.
fn about_wish(v: &View<'_, '_>, wish: &Wish<'_>) -> u64 {
    let rules = &v.policy.plays.review;
    let weeks = (v.now - wish.cited.stamp.at).0 / rules.again_after.0.0.max(1);
    let first = fingerprint(&wish.cited.id);
    let nth = |n: u64| first.wrapping_add(n);
    let is_open = |about: u64| {
        let mut asked = v.conduct.asked.iter().filter(|a| a.about == about);
        asked.any(|a| v.conduct.open().any(|e| e.id == a.task))
    };
    let most = u64::from(rules.asked_again);
    (0..=most).map(nth).find(|about| is_open(*about)).unwrap_or(nth(weeks.unsigned_abs().min(most)))
}

/// FNV-1a over an event's id: enough to tell the few questions of one lead apart.
pub fn fingerprint(event: &str) -> u64 {
    event.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01b3))
}
