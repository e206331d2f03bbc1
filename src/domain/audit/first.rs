//! The first touch: how long the first inquiry waited, counting only time in which a call would have been legal.

use super::{Audit, Detail, Item, Look, State, note};
use crate::domain::time::{Moment, Span};
use crate::domain::wish::came_together;

pub(super) fn check(look: &Look<'_, '_>, audit: &mut Audit) {
    let found = first_touch(look);
    let goal = look.policy.scoring.audit.first_touch_within.0;
    let (state, detail) = match found {
        FirstTouch::NothingAsked => (State::NotApplicable, Detail::NotNeeded),
        FirstTouch::InTime(after) => (State::Done, Detail::After(after)),
        FirstTouch::Late { after, legal } => (State::Missed, Detail::Late { after, legal, goal }),
        FirstTouch::Overdue(_) => (State::Missed, Detail::NotYet),
        FirstTouch::StillInTime(by) => {
            audit.first_touch_by = Some(by);
            (State::Open, Detail::NotYet)
        }
    };
    if let FirstTouch::Overdue(by) | FirstTouch::StillInTime(by) = found {
        let answered = |inquiry| came_together(inquiry, look.facts, &look.j.calls);
        audit.is_untouched = look.facts.first_inquiry.as_ref().is_some_and(|inquiry| !answered(inquiry));
        let clock = by - goal;
        audit.untouched_from = audit.is_untouched.then(|| clock + look.policy.scoring.audit.answer_within.0);
    }
    if let FirstTouch::InTime(after) | FirstTouch::Late { after, .. } = found {
        audit.first_touch_after = Some(after);
    }
    audit.first_touch = Some((state, detail)).filter(|_| !(state == State::Missed && stopped_in_time(look)));
    note(audit, Item::FirstTouch, state, detail);
}

/// The lead closed the matter before we would have been late: what did not come then is no delay of ours.
fn stopped_in_time(look: &Look<'_, '_>) -> bool {
    let Some(asked) = look.facts.first_inquiry.as_ref().map(|c| c.stamp.at) else { return false };
    let closings = look.facts.closings.values().filter(|c| c.is_closed());
    let Some(closed) = closings.map(|c| c.first).min() else { return false };
    if look.facts.outbound().any(|t| t.cited.stamp.at >= asked) {
        return false;
    }
    let clock = look.place.next_open(false, asked).unwrap_or(asked);
    closed <= clock + look.policy.scoring.audit.first_touch_within.0
}

#[derive(Clone, Copy)]
enum FirstTouch {
    NothingAsked,
    InTime(Span),
    /// After so long, and so long after the first minute in which a call was legal.
    Late {
        after: Span,
        legal: Span,
    },
    /// Until this instant.
    StillInTime(Moment),
    /// It should have come by this instant.
    Overdue(Moment),
}

/// How long the first inquiry waited, counting only time in which a call would have been legal.
fn first_touch(look: &Look<'_, '_>) -> FirstTouch {
    let Look { facts, policy, place, now, .. } = *look;
    let Some(asked) = facts.first_inquiry.as_ref().map(|c| c.stamp.at) else { return FirstTouch::NothingAsked };
    let within = policy.scoring.audit.first_touch_within.0;
    let touched = facts.outbound().filter(|t| !look.dropped(t)).map(|t| t.cited.stamp.at).find(|at| *at >= asked);
    // Answered at once: the law's clock cannot make it late.
    if let Some(at) = touched.filter(|at| *at <= asked + within) {
        return FirstTouch::InTime(at - asked);
    }
    // The clock starts in the first legal minute; a place without law has none, and then the inquiry itself counts.
    let clock = place.next_open(false, asked).unwrap_or(asked);
    match touched {
        Some(at) if at <= clock + within => FirstTouch::InTime(at - asked),
        Some(at) => FirstTouch::Late { after: at - asked, legal: at - clock },
        None if now <= clock + within => FirstTouch::StillInTime(clock + within),
        None => FirstTouch::Overdue(clock + within),
    }
}
