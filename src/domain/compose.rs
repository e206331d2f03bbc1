//! Writing a task: everything downstream needs, in one self-contained message.
//!
//! Pure formatting of what was decided; no choice is made here.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::conduct::{Conduct, Entry};
use super::decide::{Cause, Context};
use super::diagnosis::{Judgement, Verdict};
use super::event::Channel;
use super::facts::Facts;
use super::identity::{Key, KeyHash, KeyKind};
use super::plays::{self, Proposal, Worth};
use super::question::{self, Question};
use super::task::*;
use super::touches::result_name;

/// Whose task it is.
pub struct Who<'a> {
    pub lead_id: Uuid,
    /// Keys that other leads carry too.
    pub shared_keys: &'a BTreeSet<String>,
    /// Numbers of the lead that a crowd carries: too many leads to know of each other.
    pub crowded: &'a BTreeMap<Key, KeyHash>,
}

/// The message that takes a task back.
pub fn revocation(
    entry: &Entry,
    why: &str,
    n: u64,
    version: u64,
    cause: &Cause<'_>,
    who: &Who<'_>,
    ctx: &Context<'_>,
) -> Outgoing {
    Outgoing::Revocation {
        route: route(entry.play.kind(), entry.channel, entry.priority),
        revocation: Box::new(Revocation {
            task_id: task_id(ctx.epoch, who.lead_id, n),
            lead_id: who.lead_id,
            lead_version: version,
            cause: cause.text(),
            revokes: entry.id,
            why: why.to_owned(),
            task_expires_at: entry.expires_at,
        }),
    }
}

/// The whole task, frozen as of now.
#[expect(clippy::too_many_arguments, reason = "a task draws on everything there is; a struct would only rename it")]
pub fn task(
    id: Uuid,
    facts: &Facts,
    conduct: &Conduct,
    j: &Judgement<'_>,
    p: &Proposal<'_>,
    runner_up: Option<&Proposal<'_>>,
    cause: &str,
    who: &Who<'_>,
    ctx: &Context<'_>,
) -> Task {
    let kind = p.play.kind();
    let is_call = p.channel == Some(Channel::Call);
    let ask = p.ask.as_deref();
    let currency = &ctx.policy.plays.currency;
    Task {
        task_id: id,
        lead_id: who.lead_id,
        lead_version: conduct.version,
        keys: Keys { id: facts.values_of(KeyKind::Id).into_iter().map(str::to_owned).collect() },
        merged_from: conduct.merged_from.clone(),
        play: p.play,
        kind,
        channel: p.channel.map(ChannelName::from),
        cause: cause.to_owned(),
        priority: p.priority,
        not_before: p.at,
        expires_at: p.expires_at,
        windows: window(p).into_iter().collect(),
        max_attempts: 1,
        dial_mode: is_call.then_some(if p.automated { DialMode::Automated } else { DialMode::Manual }),
        // What is said of a child goes no further than it must.
        contact: ask.is_none_or(|a| a.question != Question::Minor).then(|| contact(facts, j, p, who)),
        caller_id: None,
        voicemail: p.key.filter(|_| is_call).map(|key| {
            let (left, max) =
                (plays::voicemails_left(facts, ctx.policy, &key.value), ctx.policy.plays.cadence.voicemails);
            Voicemail { leave: left < max, left, max }
        }),
        callback: p.callback.clone().map(|(at, number, agent)| Callback { at, number, agent }),
        attempt: (kind == Kind::FollowUp).then_some(p.attempt),
        assignee: ask.and_then(|a| a.assignee.clone()),
        partner: None,
        content: None,
        script: None,
        consent: p.consent.clone().map(|(level, at, evidence_url)| ConsentProof {
            level: level.name().into(),
            at,
            evidence_url,
        }),
        origin: origin(facts),
        last_touch: plays::last_touch(facts).map(|t| LastTouch {
            at: t.cited.stamp.at,
            channel: t.channel.into(),
            result: result_name(t, ctx.policy).into(),
        }),
        reason: reason(facts, j, p, ctx),
        score: Score {
            fit: Number(j.fit.score),
            engagement: Number(j.engagement.score),
            grade: j.grade.to_string(),
            conversion: Number(j.conversion.probability),
        },
        expected_value: expected_value(p.worth, currency),
        runner_up: runner_up.map(|r| RunnerUp {
            play: r.play,
            expected_value: Amount { amount: whole(r.worth.value), currency: currency.clone() },
        }),
        faults: (kind == Kind::ContactRepair).then(|| p.faults.clone()),
        step: (kind == Kind::NurtureCheckIn).then_some(conduct.nurture_steps + 1),
        // Until the next one, if nothing is heard.
        cadence_days: (kind == Kind::NurtureCheckIn)
            .then(|| plays::check_in_gap(&ctx.policy.plays.nurture, plays::silent_check_ins(conduct, j) + 1))
            .map(|gap| (gap.0 / 86_400_000) as u32),
        permitted_channels: (kind == Kind::ReferralHandoff).then(|| permitted(p)),
        accept_by: None,
        return_by: None,
        revisit_at: if kind == Kind::Disengage { p.revisit_at } else { None },
        why_never: (kind == Kind::Disengage && p.revisit_at.is_none()).then(|| plays::why_never(j).to_owned()),
        moment: (kind == Kind::ReferralAsk).then(|| p.because.sentence()),
        question: ask.map(|a| a.question),
        answers: ask.map(|a| question::answers(a.question, &a.subject, id, who.lead_id)),
        due_by: ask.map(|a| a.due_by),
        if_unanswered: ask.map(|a| a.question.if_unanswered(a.subject.closed).to_owned()),
    }
}

/// A touch belongs to one window; what goes to a desk of ours has none.
fn window(p: &Proposal<'_>) -> Option<Window> {
    (p.channel.is_some() && p.at < p.expires_at).then_some(Window { from: p.at, to: p.expires_at })
}

/// Channels that every wished partner may use.
fn permitted(p: &Proposal<'_>) -> Vec<ChannelName> {
    let Some(first) = p.partners.first() else { return Vec::new() };
    first.channels.iter().filter_map(|c| Channel::from_name(c)).map(ChannelName::from).collect()
}

fn contact(facts: &Facts, j: &Judgement<'_>, p: &Proposal<'_>, who: &Who<'_>) -> Contact {
    let profile = &facts.profile;
    let text = |slot: &Option<super::register::Last<String>>| slot.as_ref().map(|l| l.value.clone());
    let best = |kind: KeyKind| {
        let wanted = p.key.filter(|k| k.kind == kind);
        wanted.or_else(|| j.living(kind).map(|k| k.key)).map(|k| k.value.clone())
    };
    Contact {
        name: text(&profile.name),
        title: text(&profile.title),
        company: text(&profile.company),
        email: best(KeyKind::Email),
        phone: best(KeyKind::Phone),
        phones: j
            .keys
            .iter()
            .filter(|k| k.key.kind == KeyKind::Phone)
            .map(|k| Phone {
                number: k.key.value.clone(),
                ext: facts.extensions.get(&k.key.value).map(|e| e.value.clone()),
                status: k.status.name().to_owned(),
                shared: who.shared_keys.contains(&k.key.value),
            })
            .collect(),
        region: text(&profile.region),
        postal_code: text(&profile.postal_code),
        country: text(&profile.country),
        time_zone: text(&profile.time_zone),
        language: text(&profile.language),
    }
}

fn origin(facts: &Facts) -> OriginOut {
    let text = |slot: &Option<super::register::Last<String>>| slot.as_ref().map(|l| l.value.clone());
    OriginOut {
        form: text(&facts.origin.form),
        campaign: text(&facts.origin.campaign),
        partner: text(&facts.origin.partner),
        swap: text(&facts.origin.swap),
        referred_by: text(&facts.origin.referred_by),
    }
}

/// Why this, in a sentence made from evidence; the play's own reason first, then what the diagnosis says.
fn reason(facts: &Facts, j: &Judgement<'_>, p: &Proposal<'_>, ctx: &Context<'_>) -> Reason {
    let top = j.evidence.first();
    let because = p.because.sentence();
    let mut summary = because.clone();
    if let Some(evidence) = top {
        summary.push(' ');
        summary.push_str(&evidence.why.sentence());
    }
    if p.channel == Some(Channel::Call) && p.consent.is_none() {
        summary.push_str(" To be dialled by hand: the lead asked, but agreed to no calls in so many words.");
    }
    let asked = || plays::newest_inquiry(facts).map(|c| c.id.as_str());
    let cited = match &p.ask {
        Some(ask) => ask.event,
        None => asked(),
    };
    let mut evidence: Vec<Because> = vec![Because { because, event: cited.map(str::to_owned) }];
    evidence.extend(
        j.evidence.iter().take(5).map(|e| Because { because: e.why.sentence(), event: e.event.map(str::to_owned) }),
    );
    // What earned the lead most, in the words of the explanation.
    let warmest = j.engagement.strongest(ctx.policy, ctx.now);
    let suits = ctx.policy.fit.strongest(&j.fit);
    evidence.extend(
        warmest.into_iter().chain(suits).map(|s| Because { because: s.because, event: s.event.map(str::to_owned) }),
    );
    let named = matches!(j.verdict, Verdict::Weak | Verdict::Bad) || j.cause.is_some();
    Reason {
        verdict: j.verdict.name().to_owned(),
        cause: j.cause.filter(|_| named).map(|c| c.name().to_owned()),
        summary,
        evidence,
    }
}

fn expected_value(worth: Worth, currency: &str) -> ExpectedValue {
    ExpectedValue {
        amount: whole(worth.value),
        currency: currency.to_owned(),
        // Outwards, so that a range of less than a unit is one still.
        low: whole(worth.low.floor()),
        high: whole(worth.high.ceil()),
        basis: "policy".into(),
    }
}

/// Whole units: anything finer would be false precision.
fn whole(x: f64) -> String {
    (x.round_ties_even() as i64).to_string()
}
