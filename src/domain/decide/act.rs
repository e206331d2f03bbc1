//! Choosing among the proposals, one a class, and acting on the choice: now, or as a plan.
//!
//! What could be done is `plays`' affair, whether it may leave at this instant is `leave`'s; here a task gets its number
//! and its place in the ledger.

use super::*;

/// Chooses the best proposal of each class and acts on it: now, or as a plan.
#[expect(clippy::too_many_arguments, reason = "the decision's own step; a struct would only rename its arguments")]
pub(super) fn act(
    facts: &Facts,
    conduct: &mut Conduct,
    j: &Judgement<'_>,
    proposals: &mut [Proposal<'_>],
    cause: &Cause<'_>,
    who: &compose::Who<'_>,
    ctx: &Context<'_>,
    d: &mut Decision,
) {
    proposals.sort_by(|a, b| b.worth.value.total_cmp(&a.worth.value).then(a.play.cmp(&b.play)));
    let best = proposals.first().map(|p| (p.play, proposals.get(1).map(|r| r.play)));
    conduct.next_action = best.or_else(|| conduct.open().next().map(|e| (e.play, None)));
    for class in Class::ALL {
        if conduct
            .ledger
            .iter()
            .any(|e| e.class == class && (e.is_open() || e.state == TaskState::Observed && e.expires_at > ctx.now))
        {
            continue;
        }
        let Some(place) = proposals.iter().position(|p| p.play.class() == class) else { continue };
        let chosen = &proposals[place];
        // What would come after it: a better one in another class is no runner-up but done as well, or before.
        let runner_up = proposals[place + 1..].iter().find(|p| p.play != chosen.play);
        if chosen.at > ctx.now + ctx.publish_ahead {
            conduct.planned.push(Plan { play: chosen.play, at: chosen.at - ctx.publish_ahead });
            continue;
        }
        // Who is away longer than the task would hold is looked at again on the day they are back.
        if chosen.at > ctx.now && chosen.at >= chosen.expires_at {
            conduct.planned.push(Plan { play: chosen.play, at: chosen.at });
            continue;
        }
        // The ledger is unique on cause and play: a cause that comes round again makes nothing new.
        let text = cause.text();
        if conduct.ledger.iter().any(|e| e.play == chosen.play && e.cause == text) {
            conduct.look_again = Some(ctx.now + Span::hours(1));
            continue;
        }
        let guard = &ctx.policy.plays.guard;
        if conduct.firings.iter().filter(|at| ctx.now - **at < guard.within.0).count() as u32 >= guard.firings {
            d.notes
                .push("guard: more plays fired in a short time than the policy allows; nothing more is sent for now");
            conduct.look_again = Some(ctx.now + guard.within.0);
            continue;
        }
        if let Some(at) = leave::one_touch_until(conduct, chosen, proposals, ctx) {
            conduct.planned.push(Plan { play: chosen.play, at });
            continue;
        }
        if let Leave::Wait(at, ask) = leave::may_leave(conduct, chosen, who, ctx) {
            conduct.planned.push(Plan { play: chosen.play, at });
            d.claims.extend(ask);
            continue;
        }
        fire(facts, conduct, j, chosen, runner_up, text, who, ctx, d);
    }
    // Nobody reports on what was only observed: the next step comes when its time is over.
    let observed = |e: &&Entry| e.state == TaskState::Observed && e.class.is_contact() && e.expires_at > ctx.now;
    look_by(conduct, conduct.ledger.iter().filter(observed).map(|e| e.expires_at).min());
}

/// Asks the most urgent question that stands; one a cause, and the next shortly after.
#[expect(clippy::too_many_arguments, reason = "the decision's own step; a struct would only rename its arguments")]
pub(super) fn ask(
    facts: &Facts,
    conduct: &mut Conduct,
    j: &Judgement<'_>,
    reviews: &[Proposal<'_>],
    cause: &Cause<'_>,
    who: &compose::Who<'_>,
    ctx: &Context<'_>,
    d: &mut Decision,
) {
    let Some(first) = reviews.first() else { return };
    let text = cause.text();
    let is_new = !conduct.ledger.iter().any(|e| e.play == Play::Review && e.cause == text);
    // What may be an opt-out, a death or a threat does not wait its turn behind imported leads; a pause holds all.
    let urgent = first.ask.as_ref().is_some_and(|a| a.question <= Question::UnsureOptOut);
    let paused = ctx.paused_queues.contains(Kind::Review.name());
    if is_new
        && (!urgent || paused)
        && let Leave::Wait(at, claim) = leave::may_leave(conduct, first, who, ctx)
    {
        d.claims.extend(claim);
        return look_by(conduct, Some(at));
    }
    if is_new {
        let reviewer = reviewer(facts, first, who, ctx);
        if let Some(reviewer) = &reviewer {
            let asker = Asker { lead_id: who.lead_id, version: conduct.version, now: ctx.now };
            match conduct.turns.turn(PoolName::Reviewer(reviewer.rep.clone()), asker) {
                Turn::Now => {}
                Turn::At(at) => return look_by(conduct, Some(at)),
                Turn::Ask(claim, at) => {
                    d.claims.push(claim);
                    return look_by(conduct, Some(at));
                }
            }
        }
        let mut put = first.clone();
        if let Some(ask) = &mut put.ask {
            ask.assignee = reviewer;
        }
        fire(facts, conduct, j, &put, None, text, who, ctx, d);
    }
    if !is_new || reviews.len() > 1 {
        look_by(conduct, Some(ctx.now + Span::minutes(1)));
    }
}

/// The colleague whose opinion is asked: of those who work here, one who has not worked the lead; the same for a lead as
/// long as the roster is the same. Other questions are for whoever takes them.
fn reviewer(facts: &Facts, p: &Proposal<'_>, who: &compose::Who<'_>, ctx: &Context<'_>) -> Option<Assignee> {
    let question = p.ask.as_ref().map(|ask| ask.question)?;
    if question == Question::Language {
        return speaker(facts, who, ctx);
    }
    if question != Question::IsThisBad {
        return None;
    }
    let worked = |rep: &str| {
        facts.calls().any(|(_, call)| call.agent.as_deref() == Some(rep))
            || facts.feedback.iter().any(|f| f.by.as_deref() == Some(rep))
    };
    let fresh: Vec<&String> =
        ctx.world.reps.iter().filter(|(id, r)| r.is_active() && !worked(id)).map(|(id, _)| id).collect();
    let turn = (who.lead_id.as_u128() % fresh.len().max(1) as u128) as usize;
    let because = "has not worked this lead, and so has no opinion of it yet".to_owned();
    fresh.get(turn).map(|rep| Assignee { rep: (*rep).clone(), because })
}

/// Somebody who works here and speaks the lead's language, where both are known.
fn speaker(facts: &Facts, who: &compose::Who<'_>, ctx: &Context<'_>) -> Option<Assignee> {
    let language = facts.profile.language.as_ref()?.value.to_lowercase();
    let language = language.split(['-', '_']).next().unwrap_or(&language).to_owned();
    let speaks = |skill: &String| {
        let skill = skill.to_lowercase();
        skill.rsplit(':').next().unwrap_or(&skill).split(['-', '_']).next() == Some(language.as_str())
    };
    let able = |r: &crate::domain::world::Rep| {
        r.is_active() && r.skills.as_ref().is_some_and(|skills| skills.value.iter().any(speaks))
    };
    let reps: Vec<&String> = ctx.world.reps.iter().filter(|(_, r)| able(r)).map(|(id, _)| id).collect();
    let turn = (who.lead_id.as_u128() % reps.len().max(1) as u128) as usize;
    reps.get(turn).map(|rep| Assignee { rep: (*rep).clone(), because: format!("speaks {language}") })
}

/// Looks at the lead again at the latest then.
pub(super) fn look_by(conduct: &mut Conduct, at: Option<Moment>) {
    conduct.look_again = conduct.look_again.into_iter().chain(at).min();
}

/// A lead that waits for nothing is still looked at: silence grows, and what it means changes with it.
pub(super) fn look_again(facts: &Facts, conduct: &mut Conduct, j: &Judgement<'_>, ctx: &Context<'_>) {
    // A repair that is planned is no touch: meanwhile silence means what it means.
    let plans_touch = conduct.planned.iter().any(|p| p.play.class().is_contact());
    let waits = plans_touch || conduct.revisit_at.is_some() || conduct.open().any(|e| e.class.is_contact());
    let done = conduct.stage.is_over() || matches!(conduct.stage, Stage::Disengaged) || !facts.is_invited();
    if conduct.look_again.is_none() && !waits && !done {
        // When silence alone changes the verdict is known; for what else time changes (a score that fades) days will do.
        let change = next_change(facts, j, ctx.policy, ctx.now);
        conduct.look_again = Some(change.map_or(ctx.now + LOOK_AGAIN, |at| at.min(ctx.now + LOOK_AGAIN)));
    }
}

/// How often a lead is looked at that nothing is planned for and that silence will not change. Our judgement.
const LOOK_AGAIN: Span = Span::days(7);

/// Makes the task: a number in the ledger, a state, and where it goes.
#[expect(clippy::too_many_arguments, reason = "the decision's own step; a struct would only rename its arguments")]
pub(super) fn fire(
    facts: &Facts,
    conduct: &mut Conduct,
    j: &Judgement<'_>,
    p: &Proposal<'_>,
    runner_up: Option<&Proposal<'_>>,
    cause: String,
    who: &compose::Who<'_>,
    ctx: &Context<'_>,
    d: &mut Decision,
) {
    let n = conduct.next;
    conduct.next += 1;
    let id = task_id(ctx.epoch, who.lead_id, n);
    let pool = (p.play == Play::ReferralHandoff).then_some(PoolName::Partners);
    let state = match (ctx.mode, &pool) {
        (Mode::Observe, _) => TaskState::Observed,
        (_, Some(_)) => TaskState::Held,
        (_, None) => TaskState::Ready,
    };
    let task = compose::task(id, facts, conduct, j, p, runner_up, &cause, who, ctx);
    conduct.ledger.push(Entry {
        id,
        play: p.play,
        class: p.play.class(),
        channel: p.channel,
        key: p.key.map(|k| k.value.clone()),
        cause,
        priority: p.priority,
        made_at: ctx.now,
        expires_at: p.expires_at,
        state,
        ended_at: (state == TaskState::Observed).then_some(ctx.now),
        pool: pool.clone(),
        episode: conduct.episode.number,
        touched: false,
    });
    conduct.firings.push(ctx.now);
    match p.play {
        Play::CheckIn => conduct.nurture_steps += 1,
        Play::Disengage => conduct.revisit_at = p.revisit_at,
        Play::ContactRepair => {
            let mut marks: Vec<u64> = p.faults.iter().map(|fault| plays::fingerprint(fault, facts)).collect();
            marks.sort_unstable();
            marks.dedup();
            conduct.repairs_asked.extend(marks);
        }
        Play::Review => conduct.asked.extend(p.ask.as_ref().map(|a| Asked {
            question: a.question,
            about: a.about,
            task: id,
            due_by: a.due_by,
        })),
        _ => {}
    }
    d.made.push((p.play.kind(), state));
    if state != TaskState::Observed {
        d.happened.push((p.play, Happened::Made));
    }
    match (state, pool) {
        (TaskState::Held, Some(pool)) => {
            let partners = p.partners.iter().map(|p| p.id.clone()).collect();
            d.claims.push(Ask { pool, id, wish: Wish::Partner { partners, task: Box::new(task) } });
        }
        (TaskState::Ready, _) => d.outgoing.push(Outgoing::Task(Box::new(task))),
        _ => {}
    }
}
