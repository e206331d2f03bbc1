//! Qualification (BANT): budget, authority, need and timeline as levels 0 to 3, from answers and from guesses.
//!
//! What is not known is missing, never zero. An answer always beats a guess; of guesses the newest counts. A guess
//! never confirms anything.

use super::guess::{Ask, Guessed, GuessedAnswer, Origin};
use super::round6;
use crate::domain::event::Answer;
use crate::domain::facts::{Facts, Given};
use crate::domain::policy::{Policy, TimelineRules};
use crate::domain::register::{Last, Stamp};
use crate::domain::time::Moment;

/// One level of the four qualification questions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Level<'a> {
    /// 0 to 3.
    pub level: u8,
    pub at: Moment,
    pub event: &'a str,
    pub guessed: bool,
    /// Where it comes from; how sure that makes it is said by the policy.
    pub origin: Origin,
    /// What was guessed, and by which rule.
    guess: Option<Guessed>,
}

impl Level<'_> {
    /// How sure it is, 0 to 1, by where it comes from.
    pub fn confidence(&self, policy: &Policy) -> f64 {
        policy.scoring.qualification.confidence(self.origin)
    }

    /// Why it was guessed, in words; `None` for an answer.
    pub fn because<'p>(&self, policy: &'p Policy) -> Option<&'p str> {
        policy.guesses.rule(self.guess?).map(|rule| rule.because.as_str())
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Qualification<'a> {
    pub budget: Option<Level<'a>>,
    pub authority: Option<Level<'a>>,
    pub need: Option<Level<'a>>,
    pub timeline: Option<Level<'a>>,
    /// Answers, not guesses, that are high enough.
    pub confirmed: u8,
    pub sales_ready: bool,
    /// 0 to 100, of what is known; `None` where nothing is.
    pub score: Option<f64>,
    /// How much of the four is known, by their weights, 0 to 1.
    pub known: f64,
}

impl<'a> Qualification<'a> {
    pub fn level(&self, ask: Ask) -> Option<Level<'a>> {
        match ask {
            Ask::Budget => self.budget,
            Ask::Authority => self.authority,
            Ask::Need => self.need,
            Ask::Timeline => self.timeline,
        }
    }
}

/// Reads the levels as of now: a timeline ages, a date that has passed without a deal falls to 1.
pub fn qualify<'a>(facts: &'a Facts, policy: &'a Policy, now: Moment) -> Qualification<'a> {
    let q = &policy.scoring.qualification;
    let levels = Ask::ALL.map(|ask| level(facts, policy, ask, now));
    let is_confirmed = |l: &Option<Level<'_>>| l.is_some_and(|l| !l.guessed && l.level >= q.confirmed_level);
    let confirmed = levels.iter().filter(|l| is_confirmed(l)).count() as u8;
    let [budget, authority, need, timeline] = levels;
    let sales_ready = confirmed >= q.sales_ready_confirmed && (is_confirmed(&need) || is_confirmed(&authority));
    let (mut points, mut known) = (0.0, 0.0);
    for (ask, level) in Ask::ALL.into_iter().zip(&levels) {
        if let Some(level) = level {
            points += q.weights.of(ask) * f64::from(level.level) / 3.0;
            known += q.weights.of(ask);
        }
    }
    let score = (known > 0.0).then(|| round6(100.0 * points / known));
    let all: f64 = Ask::ALL.into_iter().map(|ask| q.weights.of(ask)).sum();
    let known = if all > 0.0 { round6(known / all) } else { 0.0 };
    Qualification { budget, authority, need, timeline, confirmed, sales_ready, score, known }
}

fn level<'a>(facts: &'a Facts, policy: &'a Policy, ask: Ask, now: Moment) -> Option<Level<'a>> {
    let q = &policy.scoring.qualification;
    let given: &Option<Last<Given>> = facts.answers.of(ask);
    if let Some(given) = given
        && let Some(level) = match &given.value.answer {
            Answer::Level(n) if ask == Ask::Timeline => Some(aged_level(*n, given.stamp.at, now, &q.timeline)),
            Answer::Level(n) => Some(*n),
            Answer::Date(day) => Some(timeline_level(*day, now, &q.timeline)),
            Answer::Text(_) => None,
        }
    {
        let (at, event) = (given.stamp.at, given.value.event.as_str());
        return Some(Level { level, at, event, guessed: false, origin: Origin::Answer, guess: None });
    }
    let (stamp, event, origin, guessed) = newest_guess(facts, ask)?;
    let level = match guessed.answer {
        GuessedAnswer::Level(n) if ask == Ask::Timeline => aged_level(n, stamp.at, now, &q.timeline),
        GuessedAnswer::Level(n) => n,
        GuessedAnswer::Date(day) => timeline_level(day, now, &q.timeline),
    };
    Some(Level { level, at: stamp.at, event, guessed: true, origin, guess: Some(guessed) })
}

/// The newest thing that suggests a level: an answer in words, the title, or something that was said.
fn newest_guess(facts: &Facts, ask: Ask) -> Option<(Stamp, &str, Origin, Guessed)> {
    let in_words =
        facts.answers.of(ask).as_ref().and_then(|given| {
            Some((given.stamp, given.value.event.as_str(), Origin::AnswerInWords, given.value.guess?))
        });
    let title = facts.titled.as_ref().and_then(|titled| {
        let guess = titled.value.guesses.iter().find(|g| g.asks == ask)?;
        Some((titled.stamp, titled.value.event.as_str(), Origin::Title, *guess))
    });
    let said = facts.said.iter().rev().filter(|s| !s.is_automatic()).find_map(|s| {
        let guess = s.guesses.iter().find(|g| g.asks == ask)?;
        Some((s.cited.stamp, s.cited.id.as_str(), Origin::of(s.medium), *guess))
    });
    [in_words, title, said].into_iter().flatten().max_by_key(|(stamp, _, origin, _)| (*stamp, *origin))
}

/// By how soon the day comes; passed is 1.
fn timeline_level(day: i32, now: Moment, rules: &TimelineRules) -> u8 {
    let left = day - now.utc_day();
    if left < 0 {
        1
    } else if left < rules.soon_days {
        3
    } else if left < rules.year_days {
        2
    } else {
        1
    }
}

/// A stated level stands for a date that comes nearer, and then passes: 3 for within six months, 2 for within a year.
fn aged_level(level: u8, at: Moment, now: Moment, rules: &TimelineRules) -> u8 {
    let days = (now - at).as_days();
    let (soon, year) = (f64::from(rules.soon_days), f64::from(rules.year_days));
    match level {
        3 if days > soon => 1,
        2 if days > year => 1,
        2 if days > soon => 3,
        n => n.max(1),
    }
}
