//! Signs that nobody asked: each alone is little, together they say bogus.

use super::{KeyStatus, KeyWhy};
use crate::domain::cases::says_never_asked;
use crate::domain::facts::Facts;
use crate::domain::policy::Policy;
use crate::domain::register::Cited;
use crate::domain::words::Label;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BogusSign {
    JokeName,
    Disposable,
    Fictional,
    FilledTooFast,
    Honeypot,
    /// They say that they never asked.
    NeverAsked,
}

/// The signs present, each with its weight and the event that shows it, where that is not the inquiry.
pub fn bogus_signs<'a>(
    facts: &'a Facts,
    statuses: &[KeyStatus<'_>],
    policy: &Policy,
) -> Vec<(BogusSign, f64, Option<&'a Cited>)> {
    let d = &policy.scoring.diagnosis;
    let mut signs = Vec::new();
    if facts.name().is_some_and(|n| is_joke_name(n, policy)) {
        signs.push((BogusSign::JokeName, d.joke_name, None));
    }
    if statuses.iter().any(|s| s.why == KeyWhy::Disposable) {
        signs.push((BogusSign::Disposable, d.disposable_address, None));
    }
    if statuses.iter().any(|s| matches!(s.why, KeyWhy::FictionalNumber | KeyWhy::FictionalDomain)) {
        signs.push((BogusSign::Fictional, d.fictional_contact, None));
    }
    if facts.origin.fill_seconds.as_ref().is_some_and(|s| s.value < d.fill_seconds) {
        signs.push((BogusSign::FilledTooFast, d.filled_too_fast, None));
    }
    if facts.origin.honeypot.as_ref().is_some_and(|h| h.value) {
        signs.push((BogusSign::Honeypot, d.honeypot, None));
    }
    if let Some(cited) = never_asked(facts, policy) {
        signs.push((BogusSign::NeverAsked, d.never_asked, Some(cited)));
    }
    signs
}

fn is_joke_name(name: &str, policy: &Policy) -> bool {
    let lower = name.to_lowercase();
    if policy.contact.joke_names.contains(&lower) {
        return true;
    }
    let is_run = |w: &str| {
        let one_key = w.len() >= 3 && w.bytes().all(|b| b == w.as_bytes()[0]);
        one_key || policy.contact.keyboard_runs.iter().any(|r| r == w)
    };
    let mut words = lower.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).peekable();
    words.peek().is_some() && words.all(is_run)
}

/// A complaint that says nobody asked, in the words of the policy.
fn never_asked<'a>(facts: &'a Facts, policy: &Policy) -> Option<&'a Cited> {
    let mut said =
        facts.said.iter().rev().filter(|s| !s.is_automatic() && s.findings.iter().any(|f| f.label == Label::Complaint));
    said.find(|s| says_never_asked(s, policy)).map(|s| &s.cited)
}
