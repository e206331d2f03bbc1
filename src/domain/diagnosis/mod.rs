//! The judgement: verdict, cause, shares, evidence and audit, from facts alone.
//!
//! `judge` reads facts, policy and the instant, never what we planned or which pools are full; so the same
//! facts give the same judgement wherever and whenever it is asked for. Evidence is kept as data; sentences
//! are made only when somebody reads them (`evidence`). What weighs how much is in `weigh` and `silence`.

mod evidence;
mod feedback;
mod silence;
mod verdict;
mod weigh;

pub use evidence::{Evidence, Why, told};
pub use feedback::is_vouched_for;
pub use silence::next_change;
pub use verdict::{Cause, Verdict};

use super::audit::{self, Audit, Audited, Item};
use super::cases::{Case, Cases, UnsureOptOut, cases, unsure_opt_outs};
use super::contact::{self, KeyStatus, Status};
use super::event::Channel;
use super::facts::Facts;
use super::fold::place_facts;
use super::givers::Givers;
use super::identity::KeyKind;
use super::legal::Place;
use super::policy::Policy;
use super::promise::{Promised, promised};
use super::score::{self, Conversion, Engagement, Fit, Grade, Qualification};
use super::time::{Moment, Zone};
use super::touches::{Called, calls, last_answer, last_conversation};
use super::words::Finding;

/// Everything that is thought about a lead at an instant.
#[derive(Clone, Debug)]
pub struct Judgement<'a> {
    pub verdict: Verdict,
    /// The heaviest cause; always there for `weak` and `bad`.
    pub cause: Option<Cause>,
    /// In the order of [`Cause::ALL`], each 0 to 1, together at most 1.
    pub shares: [f64; 6],
    pub evidence: Vec<Evidence<'a>>,
    pub audit: Audit,
    pub fit: Fit,
    pub engagement: Engagement<'a>,
    pub grade: Grade,
    pub conversion: Conversion,
    pub qualification: Qualification<'a>,
    pub keys: Vec<KeyStatus<'a>>,
    /// What makes this no sales case, if anything.
    pub cases: Cases<'a>,
    /// What may have been opt-outs.
    pub unsure: Vec<UnsureOptOut<'a>>,
    /// Nobody may sell to the lead before this instant, or (at [`Moment::MAX`]) before somebody says more.
    pub hushed_until: Option<Moment>,
    /// The lead said no in person, opted out, or is no sales case at all.
    pub clear_no: bool,
    /// How much of an answer was due by now and did not come, 0 to 1.
    pub silence: f64,
    pub unanswered: u32,
    pub last_answer: Moment,
    pub last_conversation: Option<Moment>,
    /// Every call, with what it came to.
    pub calls: Vec<Called<'a>>,
    /// The newest thing said about when.
    pub not_before: Option<&'a Finding>,
    /// The newest call that was promised, kept or not.
    pub promised: Option<Promised<'a>>,
    /// Where the lead may be, and its clock.
    pub place: Place<'a>,
    pub zone: Zone,
}

impl Judgement<'_> {
    /// Enough signs that nobody asked to act on it.
    pub fn is_bogus(&self) -> bool {
        self.evidence.iter().filter(|e| e.cause == Cause::Bogus).map(|e| e.weight).sum::<f64>() >= 0.999
    }

    /// What is known of the lead says that it is not whom we serve.
    pub fn fits_badly(&self) -> bool {
        self.evidence.iter().any(|e| matches!(e.why, Why::LowFit { .. }))
    }

    /// Nobody may sell to the lead now.
    pub fn is_hushed(&self, now: Moment) -> bool {
        self.hushed_until.is_some_and(|until| now < until)
    }

    /// The channel waits until somebody has said whether the lead opted out of it.
    pub fn is_held(&self, channel: Channel) -> bool {
        self.unsure.iter().any(|u| u.channels.contains(&channel))
    }

    pub fn share(&self, cause: Cause) -> f64 {
        self.shares[cause as usize]
    }

    /// The best number or address that may still be used.
    pub fn living(&self, kind: KeyKind) -> Option<&KeyStatus<'_>> {
        self.keys.iter().filter(|k| k.key.kind == kind && k.status < Status::Suspect).min_by_key(|k| k.status)
    }
}

/// Judges a lead as of an instant, with colleagues' words weighed by their records.
pub fn judge<'a>(facts: &'a Facts, policy: &'a Policy, givers: &Givers, now: Moment) -> Judgement<'a> {
    let qualification = score::qualify(facts, policy, now);
    let fit = policy.fit.fit(facts, &qualification);
    let calls = calls(facts, policy);
    let engagement = score::engagement(facts, &calls, policy, now);
    let grade = score::grade(fit.score, engagement.score, policy);
    let conversion = score::conversion(fit.score, engagement.score, policy);
    let keys = contact::statuses(facts, &calls, policy);
    let last_answer = last_answer(facts, &calls);
    let place = policy.law.place(&place_facts(facts));
    let zone = policy.zone_at(&place);
    let (silence, unanswered, last_touch) = silence::silence(facts, &calls, &keys, policy, last_answer, now);
    let promised = promised(facts, &calls, policy, &zone);
    let mut j = Judgement {
        verdict: Verdict::Unknown,
        cause: None,
        shares: [0.0; 6],
        evidence: Vec::with_capacity(4),
        audit: Audit::default(),
        fit,
        engagement,
        grade,
        conversion,
        qualification,
        keys,
        cases: cases(facts, policy),
        unsure: unsure_opt_outs(facts, policy),
        hushed_until: None,
        clear_no: false,
        silence,
        unanswered,
        last_answer,
        last_conversation: last_conversation(&calls),
        calls,
        not_before: None,
        promised,
        place,
        zone,
    };
    j.hushed_until = hushed_until(&j.cases, policy);
    weigh::weigh_no(&mut j, facts, policy);
    weigh::weigh_bogus(&mut j, facts, policy);
    weigh::weigh_fit(&mut j, facts, policy);
    j.audit = audit::audit(facts, &j, policy, now);
    weigh::weigh_contact(&mut j, facts, policy);
    weigh::weigh_timing(&mut j, facts, policy, now);
    weigh::weigh_process(&mut j, facts, policy, now);
    silence::weigh_silence(&mut j, policy, now, last_touch);
    feedback::weigh_feedback(&mut j, facts, policy, givers);
    share_out(&mut j);
    settle_verdict(&mut j, facts, policy, now);
    j
}

/// A death, a child or a threat that was only likely meant waits for a word; somebody in distress is left in peace.
fn hushed_until(cases: &Cases<'_>, policy: &Policy) -> Option<Moment> {
    let waits = [Case::Deceased, Case::Minor, Case::LegalThreat].iter().any(|c| cases.get(*c).is_some());
    let quiet = policy.plays.fatigue.quiet_after_vulnerable.0;
    let vulnerable = cases.get(Case::Vulnerable).map(|f| f.stamp.at + quiet);
    if waits { Some(Moment::MAX) } else { vulnerable }
}

/// A cause's share is its weight by all weights, or by 1 where they are less: little evidence stays little.
fn share_out(j: &mut Judgement<'_>) {
    j.evidence.retain(|e| e.weight > 0.0);
    j.evidence.sort_by(|a, b| b.weight.total_cmp(&a.weight).then(a.cause.cmp(&b.cause)));
    let total = j.evidence.iter().map(|e| e.weight).sum::<f64>().max(1.0);
    for cause in Cause::ALL {
        let weight: f64 = j.evidence.iter().filter(|e| e.cause == cause).map(|e| e.weight).sum();
        j.shares[cause as usize] = score::round6(weight / total);
    }
    j.cause = Cause::ALL
        .into_iter()
        .filter(|c| j.shares[*c as usize] > 0.0)
        .max_by(|a, b| j.shares[*a as usize].total_cmp(&j.shares[*b as usize]).then(b.cmp(a)));
}

fn settle_verdict(j: &mut Judgement<'_>, facts: &Facts, policy: &Policy, now: Moment) {
    let d = &policy.scoring.diagnosis;
    let top = j.cause.map_or(0.0, |c| j.share(c));
    let nothing_known =
        !facts.is_invited() && j.engagement.parts.is_empty() && j.evidence.is_empty() && j.fit.known == 0.0;
    j.verdict = if nothing_known {
        Verdict::Unknown
    } else if top > d.weak_share {
        let certain = match j.cause {
            Some(Cause::Process) | None => false,
            Some(Cause::Bogus) => j.is_bogus() || top > d.bad_share,
            Some(Cause::Contact) => j.keys.iter().all(|k| k.status == Status::Dead) || top > d.bad_share,
            Some(Cause::Interest) => j.clear_no || top > d.bad_share,
            // A death and a child are as clear as a no.
            Some(Cause::Fit) => top > d.bad_share || j.clear_no,
            Some(Cause::Timing) => top > d.bad_share,
        };
        if certain && !j.audit.any_open() && !feedback::is_vouched_for(facts, now) {
            Verdict::Bad
        } else {
            Verdict::Weak
        }
    } else if j.qualification.sales_ready
        || (j.fit.score >= d.promising_fit && j.engagement.score >= d.promising_engagement)
    {
        Verdict::Promising
    } else {
        Verdict::Workable
    };
}

/// What would help whoever waits for an answer of ours.
pub const AN_ANSWER: &str = "an answer to what they asked";

/// What would help whoever was never answered at all.
pub const A_FIRST_ANSWER: &str = "a first answer to the inquiry";

/// What would change the diagnosis, in words a colleague can act on.
pub fn would_change(j: &Judgement<'_>) -> Vec<String> {
    // More calls change nothing where it is too early, or where the profile is what speaks against it.
    let decided = matches!(j.verdict, Verdict::Weak | Verdict::Bad)
        && matches!(j.cause, Some(Cause::Fit | Cause::Timing | Cause::Bogus));
    let unanswered = j.evidence.iter().any(|e| matches!(e.why, Why::Unanswered { .. }));
    // Where nobody has called at all, no hour of the day and no other channel is to be named yet; and who asked for
    // something is to be answered, not called six times.
    let too_early = |i: &Audited| match i.item {
        Item::Dayparts | Item::SecondChannel => j.audit.calls == 0,
        Item::Attempts => unanswered && j.audit.calls == 0,
        _ => false,
    };
    let is_open = |i: &&Audited| i.state == audit::State::Open && !(decided && i.item.is_core()) && !too_early(i);
    let mut open: Vec<&Audited> = j.audit.items.iter().filter(is_open).collect();
    // What was promised or spoiled comes before what is usual.
    open.sort_by_key(|i| !matches!(i.item, Item::MadeGood | Item::CallbackKept));
    let mut out: Vec<String> = unanswered.then(|| AN_ANSWER.to_owned()).into_iter().collect();
    // Too late to be in time is not too late to be of use.
    let was_missed = j.audit.first_touch.is_some_and(|(state, _)| state == audit::State::Missed);
    if out.is_empty() && j.audit.is_untouched && was_missed && !j.clear_no && !j.fits_badly() {
        out.push(A_FIRST_ANSWER.to_owned());
    }
    out.extend(open.into_iter().map(Audited::would_help));
    let reachable = j.keys.iter().any(|k| k.status < Status::Suspect);
    match j.cause {
        Some(Cause::Contact) if !reachable => out.push("a number or address that works".into()),
        Some(Cause::Timing) => out.push("the date they named, or a word from them before it".into()),
        Some(Cause::Interest) => out.push("a reply, a form or a call from the lead".into()),
        Some(Cause::Fit) if !j.clear_no => out.push("a corrected profile: title, company size, place".into()),
        Some(Cause::Bogus) => out.push("a real person who answers on a real number or address".into()),
        Some(Cause::Contact | Cause::Fit | Cause::Process) | None => {}
    }
    out
}
