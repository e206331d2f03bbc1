//! The lead record: what `explain`, `export`, replay and HTTP show of a lead, in one shape.
//!
//! Everything but stage, links, plans, tasks and versions follows from the facts alone and is the same
//! whatever the order of events; this file only writes down what the core judged. Long, because every field of the record
//! is here twice: as it is written, and where it comes from.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::audit::Audited;
use crate::domain::conduct::Conduct;
use crate::domain::contact::{KeyWhy, probably_meant};
use crate::domain::diagnosis::{Cause, Judgement, judge, would_change};
use crate::domain::event::{Channel, Direction, WhenLocal};
use crate::domain::facts::{Facts, Touch};
use crate::domain::identity::{KeyHash, KeyKind};
use crate::domain::lead::Lead;
use crate::domain::policy::Policy;
use crate::domain::register::Cited;
use crate::domain::score::{Level, Part};
use crate::domain::suppression::Suppression;
use crate::domain::task::{Number, Play};
use crate::domain::time::{Moment, date_of_day};
use crate::domain::world::World;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LeadRecord {
    pub lead_id: Uuid,
    pub keys: BTreeMap<String, Vec<String>>,
    pub linked: Vec<Uuid>,
    pub stage: String,
    pub verdict: String,
    pub fit: Number,
    pub fit_known: Number,
    pub engagement: Number,
    pub grade: String,
    pub conversion: ConversionOut,
    pub qualification: QualificationOut,
    pub diagnosis: DiagnosisOut,
    pub audit: AuditOut,
    pub findings: Vec<FindingOut>,
    pub explanation: ExplanationOut,
    /// How it ended, as far as it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<OutcomeOut>,
    pub contact_status: Vec<KeyStatusOut>,
    pub suppressed: Vec<SuppressedOut>,
    pub open_tasks: Vec<Uuid>,
    pub planned: Vec<PlanOut>,
    pub next_action: Option<NextOut>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<ChangedOut>,
    pub facts_digest: String,
    pub policy: String,
    pub version: u64,
    pub updated_at: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConversionOut {
    pub probability: Number,
    pub low: Number,
    pub high: Number,
    pub basis: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QualificationOut {
    pub budget: Option<LevelOut>,
    pub authority: Option<LevelOut>,
    pub need: Option<LevelOut>,
    pub timeline: Option<LevelOut>,
    pub confirmed: u8,
    /// 0 to 100 over what is known of the four, by their weights in the policy.
    pub score: Option<Number>,
    /// How much of the four is known, by their weights, 0 to 1.
    pub known: Number,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LevelOut {
    pub level: u8,
    pub at: String,
    pub event: String,
    pub guessed: bool,
    /// How sure it is, 0 to 1.
    pub confidence: Number,
    /// Why it was guessed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DiagnosisOut {
    pub cause: Option<String>,
    pub shares: BTreeMap<String, Number>,
    pub evidence: Vec<EvidenceOut>,
    pub would_change: Vec<String>,
}

impl DiagnosisOut {
    /// Whether a weight of scoring.toml is among the evidence.
    pub fn has(&self, weight: &str) -> bool {
        self.evidence.iter().any(|e| e.name == weight)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EvidenceOut {
    pub cause: String,
    pub weight: Number,
    /// What gives it its weight, under `[diagnosis]` in scoring.toml.
    #[serde(default)]
    pub name: String,
    pub because: String,
    pub event: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AuditOut {
    pub complete: bool,
    pub items: Vec<AuditItemOut>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AuditItemOut {
    pub item: String,
    pub state: String,
    pub detail: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FindingOut {
    pub label: String,
    pub quote: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonOut>,
    pub event: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PersonOut {
    pub name: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExplanationOut {
    pub fit: Vec<PointsOut>,
    pub engagement: Vec<PointsOut>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PointsOut {
    pub name: String,
    pub points: Number,
    pub because: String,
    /// The newest event behind the points, where one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// Of engagement: what the points were made of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_of: Option<MadeOfOut>,
}

/// What a signal weighs before the sum of all is brought to 0 to 100.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MadeOfOut {
    /// Points of one when it is new, as in the policy.
    pub each: Number,
    /// After so many days it weighs half.
    pub half_life_days: Number,
    /// Of all together at the instant of the record.
    pub weight: Number,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OutcomeOut {
    /// `won`, `lost` or `reopened`.
    pub outcome: String,
    pub at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<AmountOut>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub event: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AmountOut {
    /// With two decimals, such as `1250.00`.
    pub amount: String,
    /// ISO 4217.
    pub currency: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct KeyStatusOut {
    pub key: String,
    pub status: String,
    pub because: String,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct SuppressedOut {
    pub channel: String,
    pub key: String,
    pub since: String,
    pub because: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlanOut {
    pub play: Planned,
    pub at: String,
}

/// A play, or `revisit`: until then the lead rests, and then it is worked anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Planned {
    Play(Play),
    Rest(Rest),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rest {
    Revisit,
}

impl Planned {
    pub fn name(self) -> &'static str {
        match self {
            Planned::Play(play) => play.name(),
            Planned::Rest(Rest::Revisit) => "revisit",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NextOut {
    pub play: Play,
    pub runner_up: Option<Play>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChangedOut {
    pub at: String,
    /// Verdict and cause before; the same as `to` where only a score moved.
    pub from: String,
    pub to: String,
    pub by: String,
    /// What the event was, where it was one whose like is kept: `our e-mail`, `their call`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub what: Option<String>,
    pub fit: MovedOut,
    /// Without and with the cause, both as of `at`.
    pub engagement: MovedOut,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MovedOut {
    pub from: Number,
    pub to: Number,
}

/// Writes down a lead as judged at `now`. `linked` are the public ids of the leads it shares keys with.
pub fn record(
    lead: &Lead,
    suppressions: &BTreeMap<(KeyHash, Channel), Suppression>,
    linked: Vec<Uuid>,
    policy: &Policy,
    world: &World,
    now: Moment,
) -> LeadRecord {
    let j = judge(&lead.facts, policy, &world.givers, now);
    let conduct = &lead.conduct;
    let mut linked = linked;
    linked.sort_unstable();
    linked.dedup();
    LeadRecord {
        lead_id: lead.id,
        keys: keys(lead),
        linked,
        stage: conduct.stage.name().to_owned(),
        verdict: j.verdict.name().to_owned(),
        fit: Number(j.fit.score),
        fit_known: Number(j.fit.known),
        engagement: Number(j.engagement.score),
        grade: j.grade.to_string(),
        conversion: ConversionOut {
            probability: Number(j.conversion.probability),
            low: Number(j.conversion.low),
            high: Number(j.conversion.high),
            basis: "rules".into(),
        },
        qualification: qualification(&j, policy),
        diagnosis: diagnosis(&j),
        audit: AuditOut { complete: j.audit.complete(), items: j.audit.items.iter().map(audit_item).collect() },
        findings: findings(lead),
        explanation: ExplanationOut {
            fit: policy.fit.parts(&j.fit).into_iter().map(points).collect(),
            engagement: j.engagement.parts(policy, now).into_iter().map(points).collect(),
        },
        outcome: lead.facts.outcome.as_ref().map(|o| OutcomeOut {
            outcome: o.value.outcome.name().to_owned(),
            at: o.stamp.at.to_string(),
            amount: o.value.amount.as_ref().map(|m| AmountOut { amount: m.decimal(), currency: m.currency.clone() }),
            reason: o.value.reason.clone(),
            event: o.value.event.clone(),
        }),
        contact_status: j
            .keys
            .iter()
            .map(|k| KeyStatusOut {
                key: k.key.value.clone(),
                status: k.status.name().to_owned(),
                because: match k.why {
                    KeyWhy::HardBounce | KeyWhy::SoftBounces(_) => match probably_meant(k.key, policy) {
                        Some(meant) => format!("{}; {meant} may be meant", k.why.sentence()),
                        None => k.why.sentence(),
                    },
                    _ => k.why.sentence(),
                },
            })
            .collect(),
        suppressed: suppressed(lead, suppressions),
        open_tasks: conduct.open().map(|e| e.id).collect(),
        planned: planned(conduct),
        next_action: conduct.next_action.map(|(play, runner_up)| NextOut { play, runner_up }),
        changed: conduct.changed.as_ref().map(|c| ChangedOut {
            at: c.at.to_string(),
            from: c.from.clone(),
            to: c.to.clone(),
            by: c.by.clone(),
            what: what_was(&c.by, &lead.facts, &j).map(str::to_owned),
            fit: MovedOut { from: Number(c.fit.0), to: Number(c.fit.1) },
            engagement: MovedOut { from: Number(c.engagement.0), to: Number(c.engagement.1) },
        }),
        facts_digest: lead.facts.digest(),
        policy: policy.hash.clone(),
        version: conduct.version,
        updated_at: conduct.updated_at.to_string(),
    }
}

/// What an event was that a cause (`event:<source> <id>`) names.
fn what_was(cause: &str, facts: &Facts, j: &Judgement<'_>) -> Option<&'static str> {
    let named = cause.strip_prefix("event:")?;
    let is_it = |cited: &Cited| named.strip_suffix(cited.id.as_str()).is_some_and(|source| source.ends_with(' '));
    let spoke = |t: &Touch| j.calls.iter().any(|c| c.touch.cited == t.cited && c.result.is_contact());
    let touch = facts.told().find(|t| is_it(&t.cited)).map(|t| match (t.direction, t.channel) {
        (Direction::Outbound, Channel::Call) if spoke(t) => "the call",
        (Direction::Outbound, Channel::Call) => "our call",
        (Direction::Outbound, Channel::Email) => "our e-mail",
        (Direction::Outbound, Channel::Sms) => "our text",
        (Direction::Inbound, Channel::Call) => "their call",
        (Direction::Outbound, _) => "our letter",
        (Direction::Inbound, _) => "their word",
    });
    let said = || facts.said.iter().any(|s| is_it(&s.cited)).then_some("their word");
    let inquiry = || facts.inquiries.iter().any(|i| is_it(&i.cited)).then_some("their inquiry");
    let meeting = || facts.meetings.iter().any(|m| is_it(&m.cited)).then_some("the meeting");
    touch.or_else(inquiry).or_else(said).or_else(meeting)
}

/// What is to come, the first first.
fn planned(conduct: &Conduct) -> Vec<PlanOut> {
    let rest = conduct.revisit_at.filter(|_| !conduct.stage.is_over()).map(|at| (at, Planned::Rest(Rest::Revisit)));
    let mut all: Vec<_> = conduct.planned.iter().map(|p| (p.at, Planned::Play(p.play))).chain(rest).collect();
    all.sort_by_key(|(at, _)| *at);
    all.into_iter().map(|(at, play)| PlanOut { play, at: at.to_string() }).collect()
}

fn keys(lead: &Lead) -> BTreeMap<String, Vec<String>> {
    let mut out: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for kind in KeyKind::ALL {
        let values: Vec<String> = lead.facts.keys_of(kind).map(|k| k.value.clone()).collect();
        if !values.is_empty() {
            out.insert(kind.name().to_owned(), values);
        }
    }
    out
}

fn qualification(j: &Judgement<'_>, policy: &Policy) -> QualificationOut {
    let level = |l: &Option<Level<'_>>| {
        l.as_ref().map(|l| LevelOut {
            level: l.level,
            at: l.at.to_string(),
            event: l.event.to_owned(),
            guessed: l.guessed,
            confidence: Number(l.confidence(policy)),
            because: l.because(policy).map(str::to_owned),
        })
    };
    let q = &j.qualification;
    QualificationOut {
        budget: level(&q.budget),
        authority: level(&q.authority),
        need: level(&q.need),
        timeline: level(&q.timeline),
        confirmed: q.confirmed,
        score: q.score.map(Number),
        known: Number(q.known),
    }
}

fn diagnosis(j: &Judgement<'_>) -> DiagnosisOut {
    DiagnosisOut {
        cause: j.cause.map(|c| c.name().to_owned()),
        shares: Cause::ALL.into_iter().map(|c| (c.name().to_owned(), Number(j.share(c)))).collect(),
        evidence: j
            .evidence
            .iter()
            .map(|e| EvidenceOut {
                cause: e.cause.name().to_owned(),
                weight: Number(e.weight),
                name: e.why.weight_name().to_owned(),
                because: e.why.sentence(),
                event: e.event.map(str::to_owned),
            })
            .collect(),
        would_change: would_change(j),
    }
}

fn audit_item(item: &Audited) -> AuditItemOut {
    AuditItemOut { item: item.item.name().to_owned(), state: item.state.name().to_owned(), detail: item.detail_text() }
}

fn findings(lead: &Lead) -> Vec<FindingOut> {
    let finding = |event: &str, f: &crate::domain::words::Finding| FindingOut {
        label: f.label.name().to_owned(),
        quote: f.quote.clone(),
        date: f.date.map(|d| date_of_day(d).to_string()),
        at: f.at.map(|at| match at {
            WhenLocal::Instant(at) => at.to_string(),
            WhenLocal::Local(local) => local.to_string(),
        }),
        person: f.person.as_ref().map(|p| PersonOut {
            name: p.name.clone(),
            email: p.email.clone(),
            phone: p.phone.clone(),
        }),
        event: event.to_owned(),
    };
    lead.facts.said.iter().flat_map(|s| s.findings.iter().map(|f| finding(&s.cited.id, f))).collect()
}

fn points(part: Part<'_>) -> PointsOut {
    PointsOut {
        name: part.name,
        points: Number(part.points),
        because: part.because,
        event: part.event.map(str::to_owned),
        made_of: part.made_of.map(|made| MadeOfOut {
            each: Number(made.each),
            half_life_days: Number(made.half_life.as_days()),
            weight: Number(made.weight),
        }),
    }
}

fn suppressed(lead: &Lead, rows: &BTreeMap<(KeyHash, Channel), Suppression>) -> Vec<SuppressedOut> {
    let mut out = Vec::new();
    for (key, hash) in &lead.hashes {
        for channel in Channel::ALL {
            if let Some(row) = rows.get(&(*hash, channel)).filter(|r| r.is_closed()) {
                out.push(SuppressedOut {
                    channel: channel.name().to_owned(),
                    key: key.value.clone(),
                    since: row.since().to_string(),
                    because: row.why.name().to_owned(),
                });
            }
        }
    }
    out.sort();
    out
}
