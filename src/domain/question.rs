//! Questions that only a person can answer: the closed list, and the ready events that answer one.
//!
//! Here is the form of a question and of its answers. When one is asked is decided in `plays::review`; what an answer
//! changes follows from the event that it is, like any other event. Longer than most, because it is one closed list.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::event::Channel;
use super::identity::Key;
use super::words::Person;

/// What is asked. The order is the order of urgency: of several at once the first is asked first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    LegalThreat,
    Deceased,
    Minor,
    UnsureOptOut,
    Vulnerable,
    PromiseAtRisk,
    FirstTouchLate,
    Language,
    Competitor,
    IsThisBad,
    PersonNamed,
    MergeDoubt,
    PracticeDebrief,
}

impl Question {
    pub fn name(self) -> &'static str {
        match self {
            Question::LegalThreat => "legal_threat",
            Question::Deceased => "deceased",
            Question::Minor => "minor",
            Question::UnsureOptOut => "unsure_opt_out",
            Question::Vulnerable => "vulnerable",
            Question::PromiseAtRisk => "promise_at_risk",
            Question::FirstTouchLate => "first_touch_late",
            Question::Language => "language",
            Question::Competitor => "competitor",
            Question::IsThisBad => "is_this_bad",
            Question::PersonNamed => "person_named",
            Question::MergeDoubt => "merge_doubt",
            Question::PracticeDebrief => "practice_debrief",
        }
    }

    /// Asked even where nothing else is done for the lead any more.
    pub fn outlives_the_lead(self) -> bool {
        matches!(self, Question::LegalThreat | Question::Deceased | Question::Minor)
    }

    /// What happens while nobody answers, and after.
    pub fn if_unanswered(self, closed: bool) -> &'static str {
        match self {
            Question::LegalThreat | Question::Deceased | Question::Minor if !closed => {
                "Nothing goes out to the lead until somebody answers."
            }
            Question::LegalThreat => "Everything stays closed; nobody contacts the lead.",
            Question::Deceased => "Everything stays closed for good, without a goodbye.",
            Question::Minor => "Everything stays closed, and nothing about the person is shared.",
            Question::UnsureOptOut => "Nothing more is sent on that channel until somebody answers.",
            Question::Vulnerable => "No sales touch for 90 days from the day it was said.",
            Question::PromiseAtRisk => "The call is made in the next hour that is legal and staffed, if there is one.",
            Question::FirstTouchLate => {
                "What is due to the lead stays first in line; the delay stays on record as ours."
            }
            Question::Language => "Nobody calls; e-mails go on. The calls so far do not count as attempts.",
            Question::Competitor => "Nothing is sent to the lead, and it is never offered to a partner.",
            Question::IsThisBad => "After the time to answer the lead is treated as bad.",
            Question::PersonNamed => "Nobody contacts the person named.",
            Question::MergeDoubt => "The two leads stay apart.",
            Question::PracticeDebrief => "The practice call stands without a debrief.",
        }
    }
}

/// One possible answer: an event that a person's tool posts as it is. `means` is for the person who chooses; readers of
/// events ignore it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AnswerEvent {
    pub specversion: String,
    /// The task's id and the answer, so that posting one twice changes nothing.
    pub id: String,
    pub source: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub means: String,
    pub data: Value,
}

/// What a question is about, as far as its answers need it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Subject {
    /// Channels an opt-out would close, and the number or address it came by.
    pub channels: Vec<Channel>,
    pub key: Option<Key>,
    /// The people named.
    pub people: Vec<Person>,
    /// Said so clearly that everything was closed on the spot; a no cannot reopen it, only the person can.
    pub closed: bool,
}

/// Every answer that can be given to a question.
pub fn answers(question: Question, about: &Subject, task: Uuid, lead: Uuid) -> Vec<AnswerEvent> {
    let event = |name: &str, kind: &str, means: &str, mut data: Value| {
        data["task_id"] = json!(task);
        AnswerEvent {
            specversion: "1.0".into(),
            id: format!("{task}/{name}"),
            source: "/gleaner/review".into(),
            kind: kind.into(),
            means: means.into(),
            data,
        }
    };
    let flag = |flag: &str, means: &str| event("yes", "lead.flagged", means, json!({ "flag": flag }));
    let denies = |flag: &str, means: &str| {
        event("no", "feedback.given", means, json!({ "role": "peer", "verdict": "good", "flags": [flag] }))
    };
    let seen = |result: &str, means: &str| event(result, "task.done", means, json!({ "result": result }));
    // What was closed on a clear word or a flag stays closed: then there is nothing to deny.
    let unless_closed = |no: AnswerEvent| (!about.closed).then_some(no);
    let forget = || event("forget", "lead.erased", "Forget the person.", json!({}));
    match question {
        Question::UnsureOptOut => {
            let channels: Vec<&str> = about.channels.iter().map(|c| c.name()).collect();
            let mut data = json!({ "channels": channels });
            if let Some(key) = &about.key {
                data["key"] = json!(key.value);
            }
            vec![
                event("yes", "consent.revoked", "They want no more of this.", data),
                denies("not_opt_out", "They meant something else; we may go on."),
            ]
        }
        Question::LegalThreat => {
            [flag("legal_threat", "It is a legal threat or a regulator; everything stays closed.")]
                .into_iter()
                .chain(unless_closed(denies("not_legal_threat", "It is no threat.")))
                .collect()
        }
        Question::Deceased => [flag("deceased", "The person has died."), forget()]
            .into_iter()
            .chain(unless_closed(denies("not_deceased", "The person lives.")))
            .collect(),
        Question::Minor => [flag("minor", "The person is under age."), forget()]
            .into_iter()
            .chain(unless_closed(denies("not_minor", "The person is of age.")))
            .collect(),
        Question::Vulnerable => vec![
            flag("vulnerable", "The person needs to be left in peace."),
            denies("not_vulnerable", "Nothing speaks against talking with them."),
        ],
        Question::Competitor => vec![
            flag("competitor", "They compete with us."),
            denies("not_competitor", "They do not compete with us; they are a lead like others."),
        ],
        Question::Language => vec![
            denies("not_language", "Somebody who speaks their language calls, or ours will do."),
            seen("nobody_speaks_it", "Nobody of us speaks it; no more calls."),
        ],
        Question::PersonNamed => {
            let mut out: Vec<AnswerEvent> = Vec::new();
            let reachable = about.people.iter().filter(|p| p.email.is_some() || p.phone.is_some());
            for (n, person) in reachable.enumerate() {
                let mut data = json!({ "lead": {}, "origin": { "referred_by": lead } });
                for (field, value) in [("email", &person.email), ("phone", &person.phone)] {
                    if let Some(value) = value {
                        data["lead"][field] = json!(value);
                    }
                }
                if let Some(name) = &person.name {
                    data["profile"] = json!({ "name": name });
                }
                let means = "Take the person up as a lead of their own.";
                out.push(event(&format!("take_up_{}", n + 1), "lead.captured", means, data));
            }
            out.push(seen("leave", "Leave the person alone, or it was done by hand."));
            out
        }
        Question::FirstTouchLate => vec![seen("taken", "Somebody has taken the lead and answers now.")],
        Question::PromiseAtRisk => vec![
            seen("rearranged", "The call was moved with the lead, or kept by other means."),
            seen("cannot_be_kept", "It cannot be kept; the lead knows or will be told."),
        ],
        Question::IsThisBad => vec![
            event(
                "bad",
                "feedback.given",
                "Yes, it is bad.",
                json!({ "role": "peer", "verdict": "bad", "flags": ["confirmed_bad"] }),
            ),
            event(
                "good",
                "feedback.given",
                "No, it is worth another try.",
                json!({ "role": "peer", "verdict": "good" }),
            ),
        ],
        Question::MergeDoubt => vec![seen("apart", "They are two people.")],
        Question::PracticeDebrief => vec![seen("discussed", "The call was talked through.")],
    }
}
