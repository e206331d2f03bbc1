//! What we are doing about the lead: its stage, and until when it rests.
//!
//! Follows from what is known and what was done; nothing else writes the stage.

use super::*;
use crate::domain::contact::KeyWhy;

/// A lead that asked us to wait rests until then. Whatever rests for lack of anything to do is looked at anew; given
/// back is until when it rested, for that day stays if there is still nothing.
pub(super) fn park(
    facts: &Facts,
    conduct: &mut Conduct,
    j: &Judgement<'_>,
    asked: Option<Moment>,
    ctx: &Context<'_>,
) -> Option<Moment> {
    // Who says no once more after our goodbye, or closes a channel, is not come back to.
    let goodbye = conduct.ledger.iter().rev().find(|e| e.play == Play::Disengage).map(|e| e.made_at);
    if j.clear_no && (facts.asked_to_stop() || goodbye.is_some_and(|at| j.last_answer > at)) {
        conduct.revisit_at = None;
    }
    let asked = asked.filter(|_| conduct.revisits < ctx.policy.plays.revisit.most);
    let before = conduct.revisit_at.take();
    if said_goodbye(conduct) || ctx.mode == Mode::Paused {
        conduct.revisit_at = asked.or(before);
        return None;
    }
    conduct.revisit_at = asked;
    before
}

/// A goodbye went out in this episode, or is on its way.
fn said_goodbye(conduct: &Conduct) -> bool {
    let unsent = |e: &Entry| matches!(e.state, TaskState::RevokedUnsent | TaskState::ExpiredUnsent);
    let of_episode = conduct.ledger.iter().filter(|e| e.episode == conduct.episode.number);
    of_episode.into_iter().any(|e| e.play == Play::Disengage && !unsent(e))
}

/// What we are doing about the lead, from what is known and done.
pub(super) fn stage(
    facts: &Facts,
    conduct: &Conduct,
    j: &Judgement<'_>,
    closed: &[(Channel, Key)],
    now: Moment,
) -> Stage {
    let asked_since = |at: Moment| facts.newest_initiative().is_some_and(|c| c.stamp.at > at);
    if j.cases.has(Case::Test) {
        return Stage::Test;
    }
    if let Some(outcome) = &facts.outcome {
        match outcome.value.outcome {
            Outcome::Won => return Stage::Converted,
            Outcome::Lost if !asked_since(outcome.stamp.at) => return Stage::Lost,
            Outcome::Lost | Outcome::Reopened => {}
        }
    }
    let person_closed = facts
        .closings
        .iter()
        .any(|((c, k), closing)| *c == Channel::Call && k.is_none() && closing.is_closed() && closes_all(facts));
    let mut reachable = facts.keys.keys().filter(|k| matches!(k.kind, KeyKind::Phone | KeyKind::Email));
    // A wrong number is nobody's wish: somebody may find the right one.
    let is_wrong = |key: &Key| j.keys.iter().any(|k| k.key == key && k.why == KeyWhy::WrongNumber);
    let is_closed = |key: &Key| closed.iter().any(|(c, k)| k == key && matches!(c, Channel::Call | Channel::Email));
    let all_closed = reachable.clone().any(|key| !is_wrong(key)) && reachable.all(is_closed);
    if person_closed || all_closed {
        return Stage::Suppressed;
    }
    let spoke = j.last_conversation.is_some_and(|at| conduct.episode.started.is_some_and(|s| at >= s));
    if conduct.lent.is_some() {
        Stage::Lent
    } else if said_goodbye(conduct) {
        Stage::Disengaged
    } else if conduct.revisit_at.is_some_and(|at| at > now) {
        Stage::Parked
    } else if j.qualification.sales_ready && spoke {
        Stage::Qualified
    } else if conduct.nurture_steps > 0 {
        Stage::Nurturing
    } else if spoke {
        Stage::Connected
    } else if !conduct.ledger.is_empty() || facts.outbound().next().is_some() {
        Stage::Working
    } else {
        Stage::New
    }
}

/// Everything was closed in one broad word, not just one channel.
pub(super) fn closes_all(facts: &Facts) -> bool {
    [Channel::Call, Channel::Sms, Channel::Email]
        .iter()
        .all(|c| facts.closings.get(&(*c, None)).is_some_and(crate::domain::facts::Closing::is_closed))
}
