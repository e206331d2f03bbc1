//! What a cause says about tasks, taken into the ledger: reports, touches that settle a task, answers of pools, time; and
//! whether an episode begins.
//!
//! Nothing is chosen here: that is `act`'s affair, after the judgement.

use super::*;

/// Takes what a cause says about tasks into the ledger: reports, touches that settle a task, answers, time.
pub(super) fn settle(
    facts: &Facts,
    conduct: &mut Conduct,
    cause: &Cause<'_>,
    ctx: &Context<'_>,
    happened: &mut Vec<(Play, Happened)>,
) {
    let now = ctx.now;
    if ctx.mode == Mode::Act {
        forget_observed(conduct);
    }
    match cause {
        Cause::Event(event) => settle_by_event(facts, conduct, event, now, happened),
        Cause::Answer(Answer::Granted { task, by }) => {
            if let Some(entry) = conduct.entry_mut(*task).filter(|e| e.state == TaskState::Held) {
                entry.state = TaskState::Ready;
                entry.key = Some(by.clone());
                conduct.lent = Some(Lent { partner: by.clone(), task: *task, since: now });
            }
        }
        Cause::Answer(Answer::Denied { task, until }) => {
            end(conduct, *task, TaskState::RevokedUnsent, now);
            conduct.denied_until = Some(*until);
        }
        Cause::Answer(Answer::ExpiredUnsent { task, .. }) => end(conduct, *task, TaskState::ExpiredUnsent, now),
        Cause::Answer(Answer::Slot { id, at }) => {
            if let Some(ramp) = &mut conduct.ramp {
                ramp.give(*id, *at);
            }
            conduct.turns.give(*id, *at);
        }
        Cause::Wake { .. }
        | Cause::Policy(_)
        | Cause::Answer(Answer::Closed(_) | Answer::Split(_))
        | Cause::Closed(_)
        | Cause::Merged(_) => {}
    }
    // Time passes in every cause: what waited too long for a report has ended, whoever wakes the lead.
    for entry in conduct.ledger.iter_mut().filter(|e| e.is_open() && e.overdue_at() <= now) {
        if entry.state == TaskState::Held {
            entry.state = TaskState::ExpiredUnsent;
        } else {
            entry.state = TaskState::Expired;
            happened.push((entry.play, Happened::Expired));
            conduct.episode.unreported += u32::from(entry.class == Class::Voice && !entry.touched);
        }
        entry.ended_at = Some(now);
        // The partner did not take the lead up in time: it is ours again.
        conduct.lent = conduct.lent.take().filter(|lent| lent.task != entry.id);
    }
    // A partner that lets a lead lie has had it long enough.
    if plays::lent_until(facts, conduct, ctx.policy).is_some_and(|until| until <= now) {
        conduct.lent = None;
    }
    if conduct.revisit_at.is_some_and(|at| at <= now) {
        conduct.revisit_at = None;
        // Only what we tried counts: a rest because nothing was allowed is no coming back.
        let started = conduct.episode.started.unwrap_or(now);
        let tried = conduct.ledger.iter().any(|e| e.class.is_contact() && e.made_at >= started);
        let touched = facts.outbound().any(|t| t.cited.stamp.at >= started);
        conduct.revisits = conduct.revisits.saturating_add(u8::from(tried || touched));
        conduct.episode.next(now);
        conduct.nurture_steps = 0;
        conduct.stage = Stage::Working;
    }
}

/// Whether what this lead causes is paced from now on.
pub(super) fn pace(facts: &Facts, conduct: &mut Conduct, cause: &Cause<'_>, ctx: &Context<'_>) {
    match ramp::joins(facts, cause, ctx).filter(|_| ctx.is_paced) {
        Some(true) => drop(conduct.ramp.get_or_insert_default()),
        Some(false) => conduct.ramp = None,
        None => conduct.ramp = conduct.ramp.take().filter(|ramp| ctx.is_paced && !ramp.is_over()),
    }
}

pub(super) fn end(conduct: &mut Conduct, task: Uuid, state: TaskState, now: Moment) {
    if let Some(entry) = conduct.entry_mut(task).filter(|e| e.is_open()) {
        entry.state = state;
        entry.ended_at = Some(now);
    }
}

pub(super) fn settle_by_event(
    facts: &Facts,
    conduct: &mut Conduct,
    event: &Event,
    now: Moment,
    happened: &mut Vec<(Play, Happened)>,
) {
    let touched = match &event.body {
        Body::CallCompleted(call) if call.direction == Direction::Outbound => Some(Channel::Call),
        Body::Email(e) if e.what == EmailWhat::Sent => Some(Channel::Email),
        Body::Sms(s) if s.what == SmsWhat::Sent => Some(Channel::Sms),
        _ => None,
    };
    if let Some(channel) = touched {
        let to = touch_key(facts, event);
        let by_id = |e: &Entry| event.task_id.is_some_and(|id| e.id == id);
        // Without a task id the oldest open task of that channel to that key was meant.
        let by_key = |e: &Entry| {
            event.task_id.is_none() && e.is_open() && e.channel == Some(channel) && (to.is_none() || e.key == to)
        };
        if let Some(entry) = conduct.ledger.iter_mut().find(|e| by_id(e) || by_key(e)) {
            entry.touched = true;
            if entry.state == TaskState::Expired && entry.class == Class::Voice {
                conduct.episode.unreported = conduct.episode.unreported.saturating_sub(1);
            }
            if entry.is_open() || entry.state == TaskState::Expired {
                happened.push((entry.play, Happened::Done));
                entry.state = TaskState::Done;
                entry.ended_at = Some(now);
            }
        }
    }
    if let Some(task) = event.task_id {
        answered(conduct, task, event, now, happened);
    }
    match &event.body {
        Body::Report(report) => {
            let Some(entry) = event.task_id.and_then(|id| conduct.entry_mut(id)) else { return };
            let was_open = entry.is_open() || entry.state == TaskState::Expired;
            let was_unreported = entry.state == TaskState::Expired && entry.class == Class::Voice;
            if was_open || entry.state == TaskState::Revoked {
                let (state, what) = match report.what {
                    ReportWhat::Done => (TaskState::Done, Happened::Done),
                    ReportWhat::Failed => (TaskState::Failed, Happened::Failed),
                    ReportWhat::Rejected(reason) => (TaskState::Rejected(reason), Happened::Rejected),
                };
                entry.state = state;
                happened.push((entry.play, what));
                entry.ended_at = Some(now);
            }
            // What the report says was done is a touch among the facts from now on.
            entry.touched |= facts.reports.iter().any(|touch| touch.task == Some(entry.id));
            if entry.play == Play::ReferralHandoff && report.what != ReportWhat::Done {
                conduct.lent = None;
            }
            // Late, but a report after all.
            conduct.episode.unreported = conduct.episode.unreported.saturating_sub(u32::from(was_unreported));
        }
        Body::Partner(response) => {
            if let Some(id) = event.task_id {
                end(conduct, id, TaskState::Done, now);
            } else if let Some(entry) =
                conduct.ledger.iter_mut().find(|e| e.play == Play::ReferralHandoff && e.is_open())
            {
                entry.state = TaskState::Done;
                entry.ended_at = Some(now);
            }
            if matches!(response.response, PartnerAnswer::Declined | PartnerAnswer::Returned | PartnerAnswer::Lost) {
                conduct.lent = None;
            }
        }
        _ => {}
    }
}

/// What was only observed nobody has seen: once we act it counts nowhere, and what is due is decided anew.
fn forget_observed(conduct: &mut Conduct) {
    let is_observed = |e: &Entry| e.state == TaskState::Observed;
    if !conduct.ledger.iter().any(is_observed) {
        return;
    }
    let (observed, kept): (Vec<Entry>, _) = std::mem::take(&mut conduct.ledger).into_iter().partition(is_observed);
    conduct.ledger = kept;
    conduct.asked.retain(|asked| !observed.iter().any(|e| e.id == asked.task));
    if observed.iter().any(|e| e.play == Play::ContactRepair) {
        // Which of them were only observed is not on record: rather one is asked twice than one never.
        conduct.repairs_asked.clear();
    }
}

/// An event that names a review is a colleague's answer to it, whatever raised the question: it is settled, and what the
/// answer itself raises (a flag asks the same question) has been asked with it.
fn answered(conduct: &mut Conduct, task: Uuid, event: &Event, now: Moment, happened: &mut Vec<(Play, Happened)>) {
    // A capture: somebody whom the lead named was taken up. A report on the task is settled like any other, and what
    // only happens to name it (a view, an open) answers nothing.
    let answers = matches!(
        event.kind(),
        EventType::FeedbackGiven
            | EventType::LeadFlagged
            | EventType::ConsentGranted
            | EventType::ConsentRevoked
            | EventType::LeadCaptured
            | EventType::LeadUpdated
            | EventType::OutcomeWon
            | EventType::OutcomeLost
    );
    let Some(entry) = conduct.entry_mut(task).filter(|e| answers && e.play == Play::Review) else { return };
    if !entry.is_open() && entry.state != TaskState::Expired {
        return;
    }
    entry.state = TaskState::Done;
    entry.ended_at = Some(now);
    happened.push((Play::Review, Happened::Done));
    let about = plays::question_about(&event.id);
    if let Some(asked) = conduct.asked.iter().find(|a| a.task == task).copied()
        && !conduct.asked.iter().any(|a| a.question == asked.question && a.about == about)
    {
        conduct.asked.push(Asked { about, ..asked });
    }
}

/// The number or address a touch went to, as the ledger writes it.
pub(super) fn touch_key(facts: &Facts, event: &Event) -> Option<String> {
    if let Body::CallCompleted(call) = &event.body
        && call.to.is_some()
    {
        return call.to.clone();
    }
    let kind = if matches!(event.body, Body::Email(_)) { KeyKind::Email } else { KeyKind::Phone };
    let named = event.keys.iter().find(|k| k.kind == kind);
    named.or_else(|| facts.primary(kind)).map(|k| k.value.clone())
}

/// The first invitation starts the first episode; a word of the lead after rest or goodbye starts another.
pub(super) fn open_episode(
    facts: &Facts,
    conduct: &mut Conduct,
    j: &Judgement<'_>,
    asked_to_wait: bool,
    closed: &[(Channel, Key)],
    cause: &Cause<'_>,
    ctx: &Context<'_>,
) {
    if !facts.is_invited() {
        return;
    }
    let newest = facts.newest_initiative();
    let initiative = newest.filter(|c| is_by(cause, c, facts)).map(|c| c.stamp.at);
    let Some(started) = conduct.episode.started else {
        let asked = facts.first_inquiry.as_ref().or(facts.put_forward.as_ref()).map(|c| c.stamp.at);
        // An inquiry that lies in the future by a skewed clock starts now.
        conduct.episode.started = asked.map(|at| at.min(ctx.now));
        conduct.episode.number = 1;
        return;
    };
    let rested =
        matches!(conduct.stage, Stage::Parked | Stage::Disengaged | Stage::Nurturing | Stage::Lost | Stage::Lent);
    // They wanted nothing any more, and now they do, whether the inquiry or the consent came first.
    let came_back = stopped_at(facts)
        .filter(|at| *at >= started && stage(facts, conduct, j, closed, ctx.now) != Stage::Suppressed)
        .and_then(|stopped| newest.map(|c| c.stamp.at).filter(|at| *at > stopped));
    let (rested, initiative) = (rested || came_back.is_some(), came_back.or(initiative));
    let rested_since = conduct
        .ledger
        .iter()
        .filter(|e| matches!(e.play, Play::Disengage | Play::CheckIn | Play::ReferralHandoff))
        .map(|e| e.made_at)
        .max()
        .unwrap_or(started);
    if rested
        && !j.clear_no
        // "Not now" from a lead that rests only moves the day; from one that was left alone it is a sign of life.
        && (!asked_to_wait || conduct.stage == Stage::Disengaged || came_back.is_some())
        && let Some(at) = initiative
        && at > rested_since
        && at > started
    {
        conduct.episode.next(at);
        conduct.revisit_at = None;
        conduct.nurture_steps = 0;
        conduct.lent = None;
        conduct.stage = Stage::Working;
        if !asked_to_wait {
            // They came by themselves: how often we came back unasked counts from here.
            conduct.revisits = 0;
        }
    }
}

/// When the person last wanted nothing at all any more, whatever they want by now.
fn stopped_at(facts: &Facts) -> Option<Moment> {
    let last = |channel| Some(facts.closings.get(&(channel, None))?.last.as_ref()?.stamp.at);
    // None is less than any instant: one channel that was never closed is enough.
    [Channel::Call, Channel::Sms, Channel::Email].map(last).into_iter().min().flatten()
}

/// Whether this cause is what the lead last did: what it did before it was laid to rest does not wake it.
fn is_by(cause: &Cause<'_>, initiative: &crate::domain::register::Cited, facts: &Facts) -> bool {
    match cause {
        Cause::Event(event) => {
            // By its name: a call is on record from when it began, not from when it was reported.
            event.id == initiative.id && event.key.tie() == initiative.stamp.tie && !is_auto_reply(facts, event)
        }
        Cause::Merged(_) | Cause::Answer(Answer::Split(_)) => true,
        Cause::Wake { .. } | Cause::Policy(_) | Cause::Answer(_) | Cause::Closed(_) => false,
    }
}
