//! The judgement: verdict, cause, shares, evidence and audit, from facts alone.
//!
//! `judge` reads facts, policy and the instant, never what we planned or which pools are full; so the same
//! facts give the same judgement wherever and whenever it is asked for. Evidence is kept as data; sentences
//! are made only when somebody reads them.

use serde::{Deserialize, Serialize};

use super::audit::{self, Audit, Item};
use super::contact::{self, BogusSign, KeyStatus, Status};
use super::event::{Channel, LeadFlag, Outcome};
use super::facts::{Facts, Said};
use super::identity::KeyKind;
use super::policy::Policy;
use super::score::{self, Conversion, Engagement, Fit, Grade, Qualification};
use super::time::{Moment, Span};
use super::touches::{CallResult, Called, calls, last_answer, last_conversation, ours};
use super::words::{Finding, Label};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    Fit,
    Contact,
    Process,
    Timing,
    Interest,
    Bogus,
}

impl Cause {
    pub const ALL: [Cause; 6] =
        [Cause::Fit, Cause::Contact, Cause::Process, Cause::Timing, Cause::Interest, Cause::Bogus];
    pub fn name(self) -> &'static str {
        match self {
            Cause::Fit => "fit",
            Cause::Contact => "contact",
            Cause::Process => "process",
            Cause::Timing => "timing",
            Cause::Interest => "interest",
            Cause::Bogus => "bogus",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Promising,
    Workable,
    Weak,
    Bad,
    Unknown,
}

impl Verdict {
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Promising => "promising",
            Verdict::Workable => "workable",
            Verdict::Weak => "weak",
            Verdict::Bad => "bad",
            Verdict::Unknown => "unknown",
        }
    }
}

/// One piece of evidence: for which cause, how heavy (0 to 1), why, and which event said so.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence<'a> {
    pub cause: Cause,
    pub weight: f64,
    pub why: Why<'a>,
    pub event: Option<&'a str>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Why<'a> {
    LowFit { score: f64 },
    Said(Label, &'a str),
    Flagged(LeadFlag),
    AllKeysDead,
    SomeKeysDead { dead: usize, of: usize },
    CallsMissing { made: u32, of: u32 },
    DaypartsMissing { made: u32, tried: &'static str, missing: &'static str },
    FirstTouchLate { after: Option<Span> },
    WeDroppedCalls(u32),
    NotBefore { quote: &'a str, day: Option<i32> },
    TimelineLater,
    ToldNo(&'static str),
    Silent { touches: u32, since: Span },
    Bogus(BogusSign),
    Colleague { flags: &'a [String] },
    Lost(&'a str),
}

impl Why<'_> {
    /// One plain sentence, without its full stop's company: made from the evidence.
    pub fn sentence(&self) -> String {
        match self {
            Why::LowFit { score } => format!("The profile fits us badly ({score:.0} of 100)."),
            Why::Said(label, quote) => format!("They wrote or said \"{quote}\" ({}).", label.name()),
            Why::Flagged(flag) => format!("A colleague flagged the lead as {}.", flag.name().replace('_', " ")),
            Why::AllKeysDead => "Every number and address we have is dead.".into(),
            Why::SomeKeysDead { dead, of } => {
                format!("{dead} of {of} numbers and addresses is dead; another is alive.")
            }
            Why::CallsMissing { made: 0, .. } => "We have not called yet.".into(),
            Why::CallsMissing { made, of } => {
                format!("Called {}, of {of} attempts that a lead deserves.", times(*made))
            }
            Why::DaypartsMissing { made, tried, missing } => {
                format!("Called {}, {tried}; no call {missing} yet.", times(*made))
            }
            Why::FirstTouchLate { after: Some(after) } => format!("Our first touch came {after} after the inquiry."),
            Why::FirstTouchLate { after: None } => "Nobody has answered the inquiry yet.".into(),
            Why::WeDroppedCalls(n) => format!("We dropped or mis-routed the call {}.", times(*n)),
            Why::NotBefore { quote, day: Some(day) } => {
                format!("Not now: \"{quote}\" ({}).", super::time::date_of_day(*day))
            }
            Why::NotBefore { quote, day: None } => format!("Not now: \"{quote}\"."),
            Why::TimelineLater => "The lead wants to decide later than this year.".into(),
            Why::ToldNo(how) => format!("The lead said no {how}."),
            Why::Silent { touches, since } => format!("{touches} touches without an answer in {since}."),
            Why::Bogus(sign) => match sign {
                BogusSign::JokeName => "The name is a run of keys or a joke.".into(),
                BogusSign::Disposable => "The address is a throw-away mailbox.".into(),
                BogusSign::Fictional => "The number or address is one reserved for fiction.".into(),
                BogusSign::FilledTooFast => "The form was filled in faster than a person types.".into(),
                BogusSign::Honeypot => "A field that people do not see was filled in.".into(),
            },
            Why::Colleague { flags: [] } => "A colleague called the lead bad.".into(),
            Why::Colleague { flags } => {
                format!("A colleague called the lead bad: {}.", flags.join(", ").replace('_', " "))
            }
            Why::Lost(reason) => format!("The deal was lost: {}.", reason.replace('_', " ")),
        }
    }
}

fn times(n: u32) -> String {
    match n {
        1 => "once".into(),
        2 => "twice".into(),
        n => format!("{n} times"),
    }
}

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
}

/// Judges a lead as of an instant.
pub fn judge<'a>(facts: &'a Facts, policy: &'a Policy, now: Moment) -> Judgement<'a> {
    let qualification = score::qualify(facts, policy, now);
    let fit = score::fit(facts, policy);
    let calls = calls(facts, policy);
    let engagement = score::engagement(facts, &calls, policy, now);
    let grade = score::grade(fit.score, engagement.score, policy);
    let conversion = score::conversion(fit.score, engagement.score, policy);
    let keys = contact::statuses(facts, &calls, policy);
    let last_answer = last_answer(facts, &calls);
    let (silence, unanswered, silent_since) = silence(facts, &calls, policy, last_answer, now);
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
        clear_no: false,
        silence,
        unanswered,
        last_answer,
        last_conversation: last_conversation(&calls),
        calls,
        not_before: None,
    };
    weigh_no(&mut j, facts, policy);
    weigh_bogus(&mut j, facts, policy);
    j.audit = audit::audit(facts, &j, policy, now);
    weigh_fit(&mut j, facts, policy);
    weigh_contact(&mut j, policy);
    weigh_timing(&mut j, facts, policy);
    weigh_process(&mut j, facts, policy);
    weigh_silence(&mut j, policy, now, silent_since);
    weigh_feedback(&mut j, facts, policy);
    share_out(&mut j);
    settle_verdict(&mut j, facts, policy);
    j
}

/// Chance that a touch would have been answered by now, summed over the touches since the lead last answered.
fn silence(
    facts: &Facts,
    calls: &[Called<'_>],
    policy: &Policy,
    since: Moment,
    now: Moment,
) -> (f64, u32, Option<Moment>) {
    let s = &policy.scoring.silence;
    let (mut still_possible, mut touches, mut first) = (1.0, 0, None);
    for touch in facts.outbound().filter(|t| t.cited.stamp.at > since && t.cited.stamp.at <= now) {
        let (chance, half_life) = match (touch.channel, &touch.call) {
            (Channel::Call, Some(_)) if is_attempt(calls, touch.cited.stamp) => (s.call_answer, s.call_half_life),
            (Channel::Email, _) => (s.email_answer, s.email_half_life),
            (Channel::Sms, _) => (s.sms_answer, s.sms_half_life),
            _ => continue,
        };
        let age = (now - touch.cited.stamp.at).0 as f64 / half_life.0.0 as f64;
        still_possible *= 1.0 - chance * (1.0 - (-age).exp2());
        touches += 1;
        first.get_or_insert(touch.cited.stamp.at);
    }
    (score::round6(1.0 - still_possible), touches, first)
}

fn is_attempt(calls: &[Called<'_>], stamp: super::register::Stamp) -> bool {
    calls.iter().any(|c| c.touch.cited.stamp == stamp && c.result.is_attempt())
}

fn push<'a>(j: &mut Judgement<'a>, cause: Cause, weight: f64, why: Why<'a>, event: Option<&'a str>) {
    j.evidence.push(Evidence { cause, weight: score::round6(weight), why, event });
}

/// The newest saying of the lead with one of the labels, unless something warmer came later.
fn newest_said<'a>(facts: &'a Facts, labels: &[Label]) -> Option<(&'a Said, &'a Finding)> {
    facts.said.iter().rev().find_map(|s| s.findings.iter().find(|f| labels.contains(&f.label)).map(|f| (s, f)))
}

fn weigh_no<'a>(j: &mut Judgement<'a>, facts: &'a Facts, policy: &Policy) {
    let d = &policy.scoring.diagnosis;
    let asked_again = facts.last_initiative.as_ref().map_or(Moment::MIN, |c| c.stamp.at);
    let no_call = newest_no(&j.calls).filter(|(at, _)| *at >= asked_again);
    if let Some((_, event)) = no_call {
        j.clear_no = true;
        push(j, Cause::Interest, d.clear_no, Why::ToldNo("on the phone"), Some(event));
    }
    if let Some((said, finding)) = newest_said(facts, &[Label::Disinterest])
        && said.cited.stamp.at >= asked_again
        && finding.certain
        && !said.findings.iter().any(|f| matches!(f.label, Label::Timing | Label::Interest))
    {
        j.clear_no = true;
        push(j, Cause::Interest, d.clear_no, Why::Said(Label::Disinterest, &finding.quote), Some(&said.cited.id));
    }
    let closed =
        facts.closings.values().filter(|c| c.is_closed()).filter_map(|c| c.last.as_ref()).max_by_key(|l| l.stamp);
    if let Some(closing) = closed
        && !j.clear_no
    {
        j.clear_no = true;
        let how = match closing.value.0 {
            super::suppression::ClosedBecause::Complaint => "by complaining about our mail",
            super::suppression::ClosedBecause::Unsubscribe => "by unsubscribing",
            super::suppression::ClosedBecause::Deceased
            | super::suppression::ClosedBecause::Minor
            | super::suppression::ClosedBecause::LegalThreat => "or is no case for sales",
            _ => "by opting out",
        };
        push(j, Cause::Interest, d.clear_no, Why::ToldNo(how), Some(&closing.value.1));
    }
    if j.clear_no {
        return;
    }
    if let Some((said, finding)) = newest_said(facts, &[Label::Vague, Label::Interest, Label::Callback])
        && finding.label == Label::Vague
    {
        push(j, Cause::Interest, d.vague, Why::Said(Label::Vague, &finding.quote), Some(&said.cited.id));
    }
}

/// The newest call in which somebody said no.
fn newest_no<'a>(calls: &[Called<'a>]) -> Option<(Moment, &'a str)> {
    calls.iter().filter(|c| c.result.is_no()).map(|c| (c.touch.cited.stamp.at, c.touch.cited.id.as_str())).max()
}

fn weigh_bogus<'a>(j: &mut Judgement<'a>, facts: &'a Facts, policy: &Policy) {
    for (sign, weight) in contact::bogus_signs(facts, &j.keys, policy) {
        push(j, Cause::Bogus, weight, Why::Bogus(sign), facts.first_inquiry.as_ref().map(|c| c.id.as_str()));
    }
}

impl Judgement<'_> {
    /// Enough signs that nobody asked to act on it.
    pub fn is_bogus(&self) -> bool {
        self.evidence.iter().filter(|e| e.cause == Cause::Bogus).map(|e| e.weight).sum::<f64>() >= 0.999
    }

    pub fn share(&self, cause: Cause) -> f64 {
        self.shares[cause as usize]
    }

    /// The keys that a channel may still use, best first.
    pub fn living(&self, kind: KeyKind) -> impl Iterator<Item = &KeyStatus<'_>> {
        let mut keys: Vec<&KeyStatus<'_>> =
            self.keys.iter().filter(|k| k.key.kind == kind && k.status < Status::Suspect).collect();
        keys.sort_by_key(|k| k.status);
        keys.into_iter()
    }
}

fn weigh_fit<'a>(j: &mut Judgement<'a>, facts: &'a Facts, policy: &Policy) {
    let d = &policy.scoring.diagnosis;
    for flag in [LeadFlag::NotABuyer, LeadFlag::Competitor] {
        if let Some(cited) = facts.flags.get(&flag) {
            push(j, Cause::Fit, d.not_a_buyer, Why::Flagged(flag), Some(&cited.id));
        }
    }
    if let Some((said, finding)) = newest_said(facts, &[Label::NotABuyer, Label::Competitor]) {
        push(j, Cause::Fit, d.not_a_buyer, Why::Said(finding.label, &finding.quote), Some(&said.cited.id));
    }
    if j.fit.score < d.low_fit_points && j.fit.known >= d.low_fit_known {
        push(j, Cause::Fit, d.low_fit, Why::LowFit { score: j.fit.score }, None);
    }
}

fn weigh_contact(j: &mut Judgement<'_>, policy: &Policy) {
    let d = &policy.scoring.diagnosis;
    let dead = j.keys.iter().filter(|k| k.status == Status::Dead).count();
    let of = j.keys.len();
    // A fictional number is a sign of a bogus lead, and counted there.
    if dead == 0 || j.is_bogus() {
        return;
    }
    let event = j.keys.iter().find(|k| k.status == Status::Dead).and_then(|k| k.event);
    if dead == of {
        push(j, Cause::Contact, d.dead_contact, Why::AllKeysDead, event);
    } else {
        push(j, Cause::Contact, d.partly_dead_contact, Why::SomeKeysDead { dead, of }, event);
    }
}

fn weigh_timing<'a>(j: &mut Judgement<'a>, facts: &'a Facts, policy: &Policy) {
    let d = &policy.scoring.diagnosis;
    if let Some((said, finding)) = newest_said(facts, &[Label::Timing, Label::Interest, Label::Callback])
        && finding.label == Label::Timing
    {
        j.not_before = Some(finding);
        let why = Why::NotBefore { quote: &finding.quote, day: finding.date };
        push(j, Cause::Timing, d.not_now, why, Some(&said.cited.id));
    } else if let Some((said, finding)) = newest_said(facts, &[Label::Budget]) {
        push(j, Cause::Timing, d.no_budget, Why::Said(Label::Budget, &finding.quote), Some(&said.cited.id));
    }
    if let Some(timeline) = j.qualification.timeline
        && !timeline.guessed
        && timeline.level == 1
    {
        push(j, Cause::Timing, d.not_now / 2.0, Why::TimelineLater, Some(timeline.event));
    }
}

/// We blame ourselves first: what we owe the lead and have not done, while it has not answered.
fn weigh_process<'a>(j: &mut Judgement<'a>, facts: &'a Facts, policy: &Policy) {
    let d = &policy.scoring.diagnosis;
    if j.audit.first_touch_missed() {
        let why = Why::FirstTouchLate { after: j.audit.first_touch_after };
        push(j, Cause::Process, d.first_touch_missed, why, facts.first_inquiry.as_ref().map(|c| c.id.as_str()));
    }
    let failures = ours(&j.calls).filter(|(_, r)| *r == CallResult::OurFailure).count() as u32;
    if failures > 0 {
        push(j, Cause::Process, d.our_failure, Why::WeDroppedCalls(failures), None);
    }
    if j.unanswered == 0 || !j.audit.is_open(Item::Attempts) && !j.audit.is_open(Item::Dayparts) {
        return;
    }
    let weight = d.open_audit * j.audit.owed();
    let event = facts.outbound().last().map(|t| t.cited.id.as_str());
    let made = j.audit.calls;
    let why = match j.audit.missing_daypart() {
        Some((tried, missing)) if made > 0 => Why::DaypartsMissing { made, tried, missing },
        _ => Why::CallsMissing { made, of: policy.scoring.audit.attempts },
    };
    push(j, Cause::Process, weight, why, event);
}

/// Silence is theirs as far as we did our part.
fn weigh_silence(j: &mut Judgement<'_>, policy: &Policy, now: Moment, since: Option<Moment>) {
    if j.clear_no || j.unanswered == 0 {
        return;
    }
    let weight = policy.scoring.diagnosis.silence * j.silence * (1.0 - j.audit.owed());
    if weight >= 0.01 {
        let since = now - since.unwrap_or(now);
        push(j, Cause::Interest, weight, Why::Silent { touches: j.unanswered, since }, None);
    }
}

fn weigh_feedback<'a>(j: &mut Judgement<'a>, facts: &'a Facts, policy: &Policy) {
    let d = &policy.scoring.diagnosis;
    if let Some(feedback) = facts.feedback.last().filter(|f| !f.good) {
        let text = |w: &str| feedback.flags.iter().chain(&feedback.reason).any(|f| f.contains(w));
        let cause = if text("number") || text("contact") || text("email") {
            Cause::Contact
        } else if text("budget") || text("time") || text("later") {
            Cause::Timing
        } else if text("fake") || text("bogus") || text("spam") || text("never_requested") {
            Cause::Bogus
        } else if text("interest") || text("respon") {
            Cause::Interest
        } else {
            Cause::Fit
        };
        push(j, cause, d.bad_feedback, Why::Colleague { flags: &feedback.flags }, Some(&feedback.cited.id));
    }
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

fn settle_verdict(j: &mut Judgement<'_>, facts: &Facts, policy: &Policy) {
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
            Some(Cause::Fit | Cause::Timing) => top > d.bad_share,
        };
        if certain && !j.audit.any_open() { Verdict::Bad } else { Verdict::Weak }
    } else if j.qualification.sales_ready || (j.fit.score >= 50.0 && j.engagement.score >= 30.0) {
        Verdict::Promising
    } else {
        Verdict::Workable
    };
}

/// What would change the diagnosis, in words a colleague can act on.
pub fn would_change(j: &Judgement<'_>) -> Vec<String> {
    let mut out: Vec<String> =
        j.audit.items.iter().filter(|i| i.state == audit::State::Open).map(|i| i.would_help()).collect();
    match j.cause {
        Some(Cause::Contact) => out.push("a number or address that works".into()),
        Some(Cause::Timing) => out.push("the date they named, or a word from them before it".into()),
        Some(Cause::Interest) => out.push("a reply, a form or a call from the lead".into()),
        Some(Cause::Fit) => out.push("a corrected profile: title, company size, place".into()),
        Some(Cause::Bogus) => out.push("a real person who answers on a real number or address".into()),
        Some(Cause::Process) | None => {}
    }
    out
}
