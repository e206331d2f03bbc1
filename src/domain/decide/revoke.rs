//! Taking back open tasks that are not right any more, at once and with the reason.
//!
//! A task that nobody saw is dropped; one that may have been seen is revoked by a message of its own.

use super::*;

/// Takes back open tasks that are not right any more, at once and with the reason.
#[expect(clippy::too_many_arguments, reason = "the decision's own step; a struct would only rename its arguments")]
pub(super) fn revoke(
    facts: &Facts,
    conduct: &mut Conduct,
    j: &Judgement<'_>,
    closed: &[(Channel, Key)],
    cause: &Cause<'_>,
    who: &compose::Who<'_>,
    ctx: &Context<'_>,
    d: &mut Decision,
) {
    let stage = conduct.stage;
    let answered = match cause {
        Cause::Event(event) => is_answer(facts, event),
        _ => false,
    };
    let came_back = match cause {
        Cause::Event(event) => answered || facts.last_initiative.as_ref().is_some_and(|c| c.id == event.id),
        _ => false,
    };
    let (after_no, episode) = (plays::comes_after_no(facts, conduct, j), conduct.episode.number);
    let mut revoked = Vec::new();
    let mut open_classes = BTreeSet::new();
    for entry in conduct.ledger.iter_mut().filter(|e| e.is_open()) {
        // A question outlives most of what ends a lead's work; `withdraw` asks whether it still stands.
        if entry.class == Class::Desk && !matches!(stage, Stage::Erased | Stage::Test) {
            continue;
        }
        // After a merge the earliest task of a class stays; the ledger is in the order of making.
        let second = !open_classes.insert(entry.class);
        let goodbye = entry.play == Play::Disengage && facts.asked_to_stop();
        let to = entry.key.as_ref().filter(|_| entry.class != Class::Partner);
        let foreign = to.is_some_and(|to| !facts.keys.keys().any(|key| key.value == *to));
        // The letter that comes a long time after a no is made in spite of it.
        let in_spite = after_no && entry.play == Play::EmailAgain && entry.episode == episode;
        let why = no_longer_right(entry, stage, j, closed, answered, in_spite, ctx.now)
            .or(foreign.then_some("the number or address turned out to be another person's"))
            .or(goodbye.then_some("the lead asked us to stop"))
            .or((came_back && entry.class == Class::Partner).then_some("the lead has come back to us"))
            .or(second.then_some("the lead has been merged and has an earlier task of this kind"));
        let Some(why) = why else { continue };
        revoked.push(end_early(entry, why, ctx, d));
    }
    send_back(conduct, revoked, cause, who, ctx, d);
}

/// Ends an open task before its time; what the outbox or a pool still has is dropped there.
pub(super) fn end_early(
    entry: &mut Entry,
    why: &'static str,
    ctx: &Context<'_>,
    d: &mut Decision,
) -> (Entry, &'static str, bool) {
    let handed = entry.state == TaskState::Ready && !ctx.unsent.contains(&entry.id);
    match (entry.state, handed) {
        (TaskState::Held, _) => d.unclaimed.extend(entry.pool.clone().map(|pool| (pool, entry.id))),
        (_, false) => d.unsent_dropped.push(entry.id),
        (_, true) => d.recalled.push(entry.id),
    }
    entry.state = if handed { TaskState::Revoked } else { TaskState::RevokedUnsent };
    entry.ended_at = Some(ctx.now);
    (entry.clone(), why, handed)
}

/// Tells downstream what was taken back.
pub(super) fn send_back(
    conduct: &mut Conduct,
    revoked: Vec<(Entry, &'static str, bool)>,
    cause: &Cause<'_>,
    who: &compose::Who<'_>,
    ctx: &Context<'_>,
    d: &mut Decision,
) {
    for (entry, why, handed) in revoked {
        if entry.play == Play::CheckIn {
            conduct.nurture_steps = conduct.nurture_steps.saturating_sub(1);
        }
        // A revocation takes a number of its own even when nobody saw the task, so that ids do not depend on timing.
        let n = conduct.next;
        conduct.next += 1;
        if handed {
            d.outgoing.push(compose::revocation(&entry, why, n, conduct.version, cause, who, ctx));
        }
    }
}

/// Takes back reviews whose question has settled itself.
pub(super) fn withdraw(
    conduct: &mut Conduct,
    settled: &[Uuid],
    cause: &Cause<'_>,
    who: &compose::Who<'_>,
    ctx: &Context<'_>,
    d: &mut Decision,
) {
    if settled.is_empty() {
        return;
    }
    let open = conduct.ledger.iter_mut().filter(|e| e.is_open() && settled.contains(&e.id));
    let revoked = open.map(|e| end_early(e, "the question has settled itself", ctx, d)).collect();
    send_back(conduct, revoked, cause, who, ctx, d);
}

/// Whether an event is the lead's own answer: after it the open touches are out of date.
pub(super) fn is_answer(facts: &Facts, event: &Event) -> bool {
    match &event.body {
        Body::Email(e) => matches!(e.what, EmailWhat::Replied) && !e.auto && !is_auto_reply(facts, event),
        Body::Sms(s) => s.what == SmsWhat::Replied && !s.auto,
        Body::CallCompleted(call) => {
            call.direction == Direction::Inbound
                || call.flags.is_some_and(|f| f.customer_contact)
                || call.answered_by == Some(AnsweredBy::Lead)
        }
        Body::Meeting(m) => m.what == MeetingWhat::Booked,
        Body::Visit(v) => v.what == VisitWhat::Chat,
        _ => false,
    }
}

pub(super) fn is_auto_reply(facts: &Facts, event: &Event) -> bool {
    facts
        .said
        .iter()
        .any(|s| s.cited.id == event.id && s.findings.iter().any(|f| f.label == crate::domain::words::Label::AutoReply))
}

pub(super) fn no_longer_right(
    entry: &Entry,
    stage: Stage,
    j: &Judgement<'_>,
    closed: &[(Channel, Key)],
    answered: bool,
    in_spite: bool,
    now: Moment,
) -> Option<&'static str> {
    match stage {
        Stage::Converted => return Some("the lead has become a customer"),
        Stage::Lost => return Some("the deal was closed as lost"),
        Stage::Suppressed => return Some("the lead wants no contact any more"),
        Stage::Test => return Some("the lead is a test"),
        Stage::Erased => return Some("the person asked to be forgotten"),
        Stage::Merged => return Some("the lead is now part of another"),
        Stage::New
        | Stage::Working
        | Stage::Connected
        | Stage::Qualified
        | Stage::Nurturing
        | Stage::Parked
        | Stage::Lent
        | Stage::Practice
        | Stage::Disengaged => {}
    }
    if entry.class == Class::Partner && closed.iter().any(|(c, _)| *c == Channel::Share) {
        return Some("the lead no longer agrees to be passed on");
    }
    if !entry.class.is_contact() {
        return None;
    }
    if stage == Stage::Lent {
        return Some("a partner has the lead");
    }
    let is_mine = |k: &Key| entry.key.as_deref() == Some(k.value.as_str());
    if let Some(channel) = entry.channel
        && closed.iter().any(|(c, k)| *c == channel && is_mine(k))
    {
        return Some("the number or address was closed for this channel");
    }
    if j.keys.iter().any(|k| is_mine(k.key) && k.status == crate::domain::contact::Status::Dead) {
        return Some("the number or address is dead");
    }
    if answered {
        return Some("the lead has answered");
    }
    if j.clear_no && entry.play != Play::Disengage && !in_spite {
        return Some("the lead said no");
    }
    if j.is_bogus() {
        return Some("nobody real asked");
    }
    if j.is_hushed(now) {
        return Some("the lead is left in peace for now");
    }
    if entry.channel.is_some_and(|c| j.is_held(c)) {
        return Some("the lead may have opted out; somebody is asked");
    }
    if j.cases.get(Case::Competitor).is_some() {
        return Some("the lead seems to be a competitor");
    }
    if j.cases.has(Case::NotABuyer) && entry.play != Play::Disengage {
        return Some("the lead is no buyer");
    }
    if j.cases.get(Case::Language).is_some() && entry.class == Class::Voice {
        return Some("nobody who called speaks the lead's language");
    }
    None
}
