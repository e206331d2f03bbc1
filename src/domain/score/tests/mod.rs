//! What the scores promise, tried on facts made by hand and by chance.

mod engagement;
mod fit;
mod qualification;
mod refusals;

use std::sync::OnceLock;

use crate::domain::event::{Answer, Scalar};
use crate::domain::facts::{Facts, Given, Titled};
use crate::domain::policy::{Fictional, Policy};
use crate::domain::register::{Last, Stamp};
use crate::domain::time::Moment;

pub fn at(text: &str) -> Moment {
    Moment::from_timestamp(text.parse().unwrap())
}

/// The shipped policy, read once for all tests.
pub fn shipped() -> &'static Policy {
    static SHIPPED: OnceLock<Policy> = OnceLock::new();
    SHIPPED.get_or_init(|| Policy::shipped(Fictional::Allow).unwrap_or_else(|e| panic!("{}", e.join("\n"))))
}

/// The shipped policy with another `scoring.toml`.
pub fn with(change: impl Fn(&str) -> String) -> Result<Policy, Vec<String>> {
    let shipped = include_str!("../../../../config/policy/scoring.toml");
    let changed = change(shipped);
    assert_ne!(changed, shipped, "the change changes nothing");
    Policy::parse(&[("scoring.toml".to_owned(), changed)], Fictional::Allow)
}

pub fn last<T>(at: Moment, value: T) -> Option<Last<T>> {
    Some(Last { stamp: Stamp { at, tie: 0 }, value })
}

pub fn given(at: Moment, event: &str, answer: Answer) -> Option<Last<Given>> {
    last(at, Given { answer, event: event.to_owned(), guess: None, reading: 0 })
}

/// Facts of a lead with a title, read as `fold` reads it.
pub fn titled(facts: &mut Facts, policy: &Policy, at: Moment, title: &str) {
    facts.profile.title = last(at, title.to_owned());
    facts.titled = last(at, Titled { event: "e-title".to_owned(), guesses: Vec::new(), reading: 0 });
    crate::domain::fold::read_texts(facts, policy);
}

pub fn attribute(facts: &mut Facts, name: &str, value: Scalar) {
    facts.attributes.extend(last(Moment(0), value).map(|v| (name.to_owned(), v)));
}
