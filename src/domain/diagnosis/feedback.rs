//! What colleagues say of a lead, weighed by role and record, and what a lost deal was lost for.

use super::weigh::push;
use super::{Cause, Judgement, Why};
use crate::domain::event::Outcome;
use crate::domain::facts::{Facts, FeedbackFact};
use crate::domain::givers::Givers;
use crate::domain::policy::Policy;
use crate::domain::time::{Moment, Span};

pub(super) fn weigh_feedback<'a>(j: &mut Judgement<'a>, facts: &'a Facts, policy: &Policy, givers: &Givers) {
    let d = &policy.scoring.diagnosis;
    let mut given = [0.0; 6];
    // The answer to "is this bad?" confirms what stands already; it says nothing of its own.
    let own = |f: &&FeedbackFact| !f.good && !f.flags.iter().any(|flag| flag == "confirmed_bad");
    for feedback in facts.feedback.iter().rev().filter(own).filter(|f| stands(facts, f)) {
        let cause = cause_of(feedback);
        let weight = d.bad_feedback * givers.weight(feedback.by.as_deref(), feedback.role, &d.feedback);
        let weight = weight.min(d.feedback.most - given[cause as usize]);
        given[cause as usize] += weight;
        if weight > 0.0 {
            push(j, cause, weight, Why::Colleague { flags: &feedback.flags }, Some(&feedback.cited.id));
        }
    }
    weigh_outcome(j, facts, policy);
}

/// Not taken back by the same person, nor overruled by a later good word of at least the same rank.
fn stands(facts: &Facts, bad: &FeedbackFact) -> bool {
    let later = facts.feedback.iter().filter(|f| f.cited.stamp > bad.cited.stamp);
    let same = |f: &FeedbackFact| f.by.is_some() && f.by == bad.by;
    !later.filter(|f| is_opinion(f)).any(|f| same(f) || f.good && f.role >= bad.role)
}

/// A correction of one point ("not_competitor") is no opinion of the lead.
fn is_opinion(f: &FeedbackFact) -> bool {
    f.flags.is_empty() || f.flags.iter().any(|flag| !flag.starts_with("not_"))
}

/// A good word holds off "bad" for so long; what has not come by then will not. Our judgement.
const VOUCHED_FOR: Span = Span::days(30);

/// Whether the newest opinion of a colleague is a good one, and fresh.
pub fn is_vouched_for(facts: &Facts, now: Moment) -> bool {
    let newest = facts.feedback.iter().rev().find(|f| is_opinion(f));
    newest.is_some_and(|f| f.good && now - f.cited.stamp.at <= VOUCHED_FOR)
}

/// What a colleague means, by the words of the flags and the reason.
fn cause_of(feedback: &FeedbackFact) -> Cause {
    let text = |w: &str| feedback.flags.iter().chain(&feedback.reason).any(|f| f.contains(w));
    if text("number") || text("contact") || text("email") {
        Cause::Contact
    } else if text("budget") || text("time") || text("later") {
        Cause::Timing
    } else if text("fake") || text("bogus") || text("spam") || text("never_requested") {
        Cause::Bogus
    } else if text("interest") || text("respon") {
        Cause::Interest
    } else {
        Cause::Fit
    }
}

fn weigh_outcome<'a>(j: &mut Judgement<'a>, facts: &'a Facts, policy: &Policy) {
    let d = &policy.scoring.diagnosis;
    if let Some(outcome) = facts.outcome.as_ref().map(|o| &o.value)
        && outcome.outcome == Outcome::Lost
    {
        let reason = outcome.reason.as_deref().unwrap_or("no reason given");
        let cause = d.lost_reasons.iter().find(|(word, _)| reason.contains(word.as_str())).map(|(_, c)| *c);
        if let Some(cause) = cause {
            push(j, cause, d.lost, Why::Lost(reason), Some(&outcome.event));
        }
    }
}
