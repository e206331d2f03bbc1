//! Guessed levels of qualification: what a title, an answer in words, a note or a conversation suggests.
//!
//! Texts are read once, when they are folded in, by the rules of `[[qualification.guess]]`; what was guessed is
//! remembered beside the text. How much a guess counts is decided in `qualification`. Longer than most, because every way in
//! which a rule can be wrong has its sentence here.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::lists::WordLists;
use crate::domain::identity::digest_16;
use crate::domain::policy::suggest::did_you_mean;
use crate::domain::words::{Finding, Label, Medium};

/// The four questions of qualification (BANT).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    Budget,
    Authority,
    Need,
    Timeline,
}

impl Ask {
    pub const ALL: [Ask; 4] = [Ask::Budget, Ask::Authority, Ask::Need, Ask::Timeline];
    pub fn name(self) -> &'static str {
        match self {
            Ask::Budget => "budget",
            Ask::Authority => "authority",
            Ask::Need => "need",
            Ask::Timeline => "timeline",
        }
    }
}

/// Where a level can come from; the names of `[qualification.confidence]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    Answer,
    AnswerInWords,
    Title,
    Email,
    Sms,
    Chat,
    CaptureNote,
    CallNote,
    FeedbackNote,
}

impl Origin {
    pub const ALL: &'static [Origin] = &[
        Origin::Answer,
        Origin::AnswerInWords,
        Origin::Title,
        Origin::Email,
        Origin::Sms,
        Origin::Chat,
        Origin::CaptureNote,
        Origin::CallNote,
        Origin::FeedbackNote,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Origin::Answer => "answer",
            Origin::AnswerInWords => "answer_in_words",
            Origin::Title => "title",
            Origin::Email => "email",
            Origin::Sms => "sms",
            Origin::Chat => "chat",
            Origin::CaptureNote => "capture_note",
            Origin::CallNote => "call_note",
            Origin::FeedbackNote => "feedback_note",
        }
    }

    pub fn of(medium: Medium) -> Origin {
        match medium {
            Medium::Email => Origin::Email,
            Medium::Sms => Origin::Sms,
            Medium::Chat => Origin::Chat,
            Medium::CaptureNote => Origin::CaptureNote,
            Medium::CallNote => Origin::CallNote,
            Medium::FeedbackNote => Origin::FeedbackNote,
        }
    }

    fn is_talk(self) -> bool {
        !matches!(self, Origin::Answer | Origin::AnswerInWords | Origin::Title)
    }
}

/// One row of `[[qualification.guess]]`. Of the rows of one question, the first that fits a text decides.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuessRule {
    pub name: String,
    pub asks: Ask,
    pub from: Vec<Origin>,
    /// What must have been read in the text: a label of findings such as "budget".
    pub heard: Option<String>,
    /// A word list of which one must occur in the title, the answer, or the words that were read.
    pub words: Option<String>,
    /// A word list of which one must occur in the sentence around the words that were read.
    pub around: Option<String>,
    /// The level it suggests, 0 to 3.
    pub level: Option<u8>,
    /// The day that was understood is the level's date; instead of `level`.
    #[serde(default)]
    pub dated: bool,
    pub because: String,
}

/// What a text suggested, and by which rule.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Guessed {
    pub asks: Ask,
    pub answer: GuessedAnswer,
    /// Index of the rule.
    pub rule: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum GuessedAnswer {
    Level(u8),
    /// Days since 1970-01-01.
    Date(i32),
}

/// The rules, ready to be used.
#[derive(Clone)]
pub struct Guesses {
    rules: Vec<(GuessRule, Option<Label>)>,
    lists: Arc<WordLists>,
    /// Changes with the rules and the lists: what was read by others is read again.
    hash: u64,
}

impl Guesses {
    /// Checks the rules; says of every one what is wrong with it.
    pub fn new(rules: &[GuessRule], lists: Arc<WordLists>, text: &str, errors: &mut Vec<String>) -> Guesses {
        if rules.len() > usize::from(u8::MAX) {
            errors.push(format!("scoring.toml: {} guess rules are too many; at most 255", rules.len()));
        }
        let mut out: Vec<(GuessRule, Option<Label>)> = Vec::with_capacity(rules.len());
        for rule in rules {
            let mut wrong = |says: String| {
                errors.push(format!("scoring.toml: qualification.guess \"{}\" {says}", rule.name));
            };
            if out.iter().any(|(other, _)| other.name == rule.name) {
                wrong("stands there twice; give each a name of its own".into());
            }
            let label = rule.heard.as_deref().and_then(|name| {
                let label = Label::from_name(name);
                if label.is_none() {
                    let meant = did_you_mean(name, Label::ALL.iter().map(|l| l.name()));
                    wrong(format!("waits to hear \"{name}\", which nobody says; {meant}"));
                }
                label
            });
            for list in rule.words.iter().chain(&rule.around).filter(|l| lists.get(l).is_none()) {
                let meant = did_you_mean(list, lists.names());
                wrong(format!("names the word list \"{list}\", which is not there; {meant}"));
            }
            match (rule.level, rule.dated) {
                (Some(0..=3), false) => {}
                (Some(n), false) => wrong(format!("has level {n}; it must be 0 to 3")),
                (None, true) if rule.asks == Ask::Timeline && rule.heard.is_some() => {}
                (None, true) => wrong("is dated, which only a timeline that was heard can be".into()),
                (Some(_), true) | (None, false) => wrong("needs either a level or dated = true".into()),
            }
            if rule.from.is_empty() || rule.from.contains(&Origin::Answer) {
                wrong(
                    "must say where it guesses from: answer_in_words, title, email, sms, chat, capture_note, …".into(),
                );
            }
            if rule.heard.is_none() && rule.from.iter().any(|f| f.is_talk()) {
                wrong("guesses from what is said, so it must name what it waits to hear (heard = …)".into());
            }
            out.push((rule.clone(), label));
        }
        let digest = digest_16(&[text.as_bytes()]);
        let hash = digest.iter().fold(0u64, |h, b| h.rotate_left(8) ^ u64::from(*b));
        Guesses { rules: out, lists, hash }
    }

    pub fn hash(&self) -> u64 {
        self.hash
    }

    pub fn rule(&self, guessed: Guessed) -> Option<&GuessRule> {
        self.rules.get(usize::from(guessed.rule)).map(|(rule, _)| rule)
    }

    /// What a job title suggests.
    pub fn of_title(&self, title: &str) -> Vec<Guessed> {
        self.first_of_each(Origin::Title, |_| true, |_| Some(Heard { words: title, sentence: title, day: None }))
    }

    /// What an answer in words suggests for its question; `findings` are what was read in it.
    pub fn of_answer(&self, asks: Ask, text: &str, findings: &[Finding]) -> Option<Guessed> {
        let whole = |day| Some(Heard { words: text, sentence: text, day });
        let heard = |label: Option<Label>| match label {
            None => whole(None),
            Some(label) => findings.iter().find(|f| f.label == label).and_then(|f| whole(f.date)),
        };
        self.first_of_each(Origin::AnswerInWords, |asked| asked == asks, heard).first().copied()
    }

    /// What was said suggests for each question; `findings` are what was read in the text.
    pub fn of_talk(&self, medium: Medium, text: &str, findings: &[Finding]) -> Vec<Guessed> {
        let heard = |label: Option<Label>| {
            let f = findings.iter().find(|f| Some(f.label) == label)?;
            Some(Heard { words: &f.quote, sentence: sentence(text, f), day: f.date })
        };
        self.first_of_each(Origin::of(medium), |_| true, heard)
    }

    /// The first rule of each question that fits; `heard` gives what is there to look at for a label.
    fn first_of_each<'t>(
        &self,
        origin: Origin,
        wanted: impl Fn(Ask) -> bool,
        heard: impl Fn(Option<Label>) -> Option<Heard<'t>>,
    ) -> Vec<Guessed> {
        let mut out: Vec<Guessed> = Vec::new();
        let occurs = |list: &Option<String>, text: &str| {
            list.as_deref().is_none_or(|l| self.lists.get(l).is_some_and(|list| list.occurs_in(text)))
        };
        for (i, (rule, label)) in self.rules.iter().enumerate() {
            if !wanted(rule.asks) || !rule.from.contains(&origin) || out.iter().any(|g| g.asks == rule.asks) {
                continue;
            }
            let Some(heard) = heard(*label) else { continue };
            if !occurs(&rule.words, heard.words) || !occurs(&rule.around, heard.sentence) {
                continue;
            }
            let answer = match (rule.level, heard.day) {
                (Some(level), _) => GuessedAnswer::Level(level),
                (None, Some(day)) => GuessedAnswer::Date(day),
                (None, None) => continue,
            };
            out.push(Guessed { asks: rule.asks, answer, rule: i as u8 });
        }
        out
    }
}

/// What there is to look at: the words that were understood, their sentence, and a day that was understood in them.
struct Heard<'t> {
    words: &'t str,
    sentence: &'t str,
    day: Option<i32>,
}

/// The sentence in which something was read.
fn sentence<'t>(text: &'t str, finding: &Finding) -> &'t str {
    let (from, to) = (finding.start as usize, finding.end as usize);
    let (Some(before), Some(after)) = (text.get(..from), text.get(to..)) else { return "" };
    let ends = |c: char| matches!(c, '.' | '!' | '?' | ';' | '\n');
    let start = before.rfind(ends).map_or(0, |i| i + 1);
    let end = after.find(ends).map_or(text.len(), |i| to + i);
    &text[start..end]
}
