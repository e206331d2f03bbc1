//! Scores: qualification, fit, engagement, grade and the chance of a sale, each with the parts it is made of.
//!
//! Continuous in time: the value at any instant follows from the facts and the instant alone. Sums run in a
//! canonical order and are rounded before anybody compares them. What the scores mean for the lead is `diagnosis`.

mod check;
mod conversion;
mod engagement;
mod field;
mod fit;
mod grade;
mod guess;
mod lists;
mod qualification;
mod rules;
mod scanner;

pub use conversion::{Conversion, conversion, spread};
pub use engagement::{Engagement, EngagementPart, call_signal, engagement, reply_signal};
pub use fit::{Fit, FitRules};
pub use grade::{Grade, grade};
pub use guess::{Ask, GuessRule, Guessed, GuessedAnswer, Guesses, Origin};
pub use lists::WordLists;
pub use qualification::{Level, Qualification, qualify};

use super::time::Span;

/// One line of an explanation: points that sum to the score with the others, and why, in plain words.
#[derive(Clone, Debug, PartialEq)]
pub struct Part<'a> {
    /// The name of the rule or signal in `scoring.toml`.
    pub name: String,
    pub points: f64,
    pub because: String,
    /// The event that says so, where one does.
    pub event: Option<&'a str>,
    /// What the points were made of, where they are a share of a whole.
    pub made_of: Option<MadeOf>,
}

/// What a signal weighs before the sum of all is brought to 0 to 100.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MadeOf {
    /// Of one, when it was new; as `scoring.toml` has it.
    pub each: f64,
    pub half_life: Span,
    /// Of all together, now.
    pub weight: f64,
}

/// Rounds to the six places of everything that is compared or written out.
pub fn round6(x: f64) -> f64 {
    let rounded = (x * 1e6).round() / 1e6;
    if rounded == 0.0 { 0.0 } else { rounded }
}

#[cfg(test)]
mod tests;
