//! Evidence as data, and the sentence for each sort of it. What it weighs is decided where it is found.

use super::Cause;
use crate::domain::contact::BogusSign;
use crate::domain::event::LeadFlag;
use crate::domain::time::{Span, date_of_day};
use crate::domain::words::Label;

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
    CompetitorDomain(&'a str),
    PlaceContradicts,
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
            Why::CompetitorDomain(domain) => format!("The address is on {domain}, a competitor's domain."),
            Why::PlaceContradicts => "Area code, postcode and stated region do not agree on where the lead is.".into(),
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
                format!("Not now: \"{quote}\" ({}).", date_of_day(*day))
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
                BogusSign::NeverAsked => "They say that they never asked.".into(),
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
