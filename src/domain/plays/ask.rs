//! Putting a question to a colleague: the review's task, with the sentence that asks and what its answers need.
//!
//! Which questions stand is `review`'s affair; what each answer looks like as an event, `question`'s.

use super::review::{Because, Standing};
use super::{Proposal, View};
use crate::domain::cases::Source;
use crate::domain::diagnosis::told;
use crate::domain::question::{Question, Subject};
use crate::domain::task::{Assignee, Play, TaskState};
use crate::domain::time::Moment;
use crate::domain::words::Label;

/// What a review's task needs beyond other tasks.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask<'a> {
    pub question: Question,
    pub about: u64,
    pub subject: Subject,
    pub due_by: Moment,
    pub event: Option<&'a str>,
    /// Filled in when the question is put to somebody in particular.
    pub assignee: Option<Assignee>,
}

/// The tasks for the questions that stand and were not asked yet, the most urgent first.
pub fn reviews<'a>(v: &View<'a, '_>, standing: &[Standing<'a>], observing: bool) -> Vec<Proposal<'a>> {
    let mut new: Vec<&Standing<'a>> = standing.iter().filter(|s| !was_asked(v, s, observing)).collect();
    new.sort_by_key(|s| s.question);
    let Some(rule) = v.policy.rule(Play::Review) else { return Vec::new() };
    let mut out: Vec<Proposal<'a>> = Vec::new();
    for s in new {
        let Some(due) = v.policy.plays.review.due.get(&s.question) else { continue };
        let due_by = v.now + due.0;
        // A question about the hour is moot when the hour has passed; the others can be answered late.
        let brief = matches!(s.question, Question::IsThisBad | Question::FirstTouchLate | Question::PromiseAtRisk);
        let expires_at = if brief { due_by } else { v.now + due.0.max(rule.expires.0) };
        let priority = if s.question <= Question::UnsureOptOut { 9 } else { rule.priority };
        let ask =
            Ask { question: s.question, about: s.about, subject: subject(s), due_by, event: s.event, assignee: None };
        out.push(Proposal {
            at: v.now,
            expires_at,
            priority,
            worth: v.worth(rule),
            because: sentence(s).into(),
            ask: Some(Box::new(ask)),
            ..Proposal::empty(Play::Review)
        });
    }
    out
}

/// Asked about this before, or another of the kind is still open.
fn was_asked(v: &View<'_, '_>, s: &Standing<'_>, observing: bool) -> bool {
    v.conduct.asked.iter().filter(|a| a.question == s.question).any(|a| {
        let state = v.conduct.ledger.iter().find(|e| e.id == a.task).map(|e| e.state);
        // What was only observed, or never left, nobody has seen.
        let unseen = match state {
            Some(TaskState::Observed) => !observing,
            Some(TaskState::ExpiredUnsent | TaskState::Rejected(_)) => true,
            _ => false,
        };
        a.about == s.about && !unseen || state.is_some_and(TaskState::is_open)
    })
}

fn subject(s: &Standing<'_>) -> Subject {
    match &s.because {
        Because::Case(found) => Subject { closed: found.certain, ..Subject::default() },
        Because::OptOut(o) => Subject { channels: o.channels.to_vec(), key: o.key.cloned(), ..Subject::default() },
        Because::Named(said) => {
            let people = said.findings.iter().filter(|f| f.label == Label::Referral);
            Subject { people: people.filter_map(|f| f.person.clone()).collect(), ..Subject::default() }
        }
        Because::Late | Because::Unanswered | Because::Bad(_) | Because::Promise(_) => Subject::default(),
    }
}

fn sentence(s: &Standing<'_>) -> String {
    match &s.because {
        Because::Case(found) => {
            let said = match found.source {
                Source::Flag(flag) => format!("A colleague told us that {}.", told(flag)),
                Source::Said(quote) => format!("They wrote or said \"{}\".", quote.sentence()),
                Source::Domain(domain) => format!("The address is on {domain}, a competitor's domain."),
                Source::Origin => "The inquiry is marked as a test.".into(),
            };
            let asks = match (s.question, found.certain) {
                (Question::Deceased, true) => {
                    "Everything is closed for good; please make sure that nothing else goes out."
                }
                (Question::Deceased, false) => "Has the person died? Nothing goes out until this is known.",
                (Question::Minor, true) => "Everything is closed; please see whether the person must be forgotten.",
                (Question::Minor, false) => "Is the person under age? Nothing goes out until this is known.",
                (Question::LegalThreat, true) => "Everything is closed; please answer for us, or pass it to counsel.",
                (Question::LegalThreat, false) => "Is it a legal threat? Nothing goes out until this is known.",
                (Question::Vulnerable, _) => "No sales touch for 90 days; does anybody need to do something?",
                (Question::Competitor, _) => "Do they compete with us? Until somebody says no, they get nothing.",
                (Question::Language, _) => "Who speaks their language? Until somebody does, nobody calls.",
                _ => "Please have a look.",
            };
            format!("{said} {asks}")
        }
        Because::OptOut(o) => format!("They wrote or said \"{}\". Do they want us to stop?", o.quote.sentence()),
        Because::Named(said) => {
            let named = said.findings.iter().find(|f| f.label == Label::Referral).map(|f| said.quote(f).sentence());
            format!("They named somebody else: \"{}\". Shall we take that up?", named.unwrap_or_default())
        }
        Because::Late => {
            "The inquiry has waited longer than it should, and nobody has answered it. Who takes it?".into()
        }
        // What they asked, the evidence beside it says.
        Because::Unanswered => "The lead asked for something, and nobody has answered. Who takes it?".into(),
        Because::Bad(cause) => {
            format!(
                "The lead is about to be given up because of {}, though it looked worth something. Is it bad?",
                cause.in_words()
            )
        }
        Because::Promise(named) => {
            format!("They asked to be called {named}, and it cannot be done then. What shall we do?")
        }
    }
}
