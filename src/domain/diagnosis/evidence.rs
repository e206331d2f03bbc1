//! Evidence as data, and the sentence for each sort of it. What it weighs is decided where it is found.

use super::Cause;
use crate::domain::contact::BogusSign;
use crate::domain::event::LeadFlag;
use crate::domain::prose::{capital, number, times};
use crate::domain::score::Ask;
use crate::domain::time::{Span, date_of_day};
use crate::domain::words::{Label, Quote};

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
    /// And the rules that took points.
    LowFit {
        score: f64,
        spoils: Vec<&'a str>,
    },
    Said(Quote<'a>),
    Flagged(LeadFlag),
    CompetitorDomain(&'a str),
    PlaceContradicts,
    AllKeysDead,
    SomeKeysDead {
        dead: usize,
        of: usize,
    },
    CallsMissing {
        made: u32,
        of: u32,
    },
    DaypartsMissing {
        made: u32,
        tried: &'static str,
        missing: &'static str,
    },
    /// How long after the inquiry, and after the first minute in which a call was legal.
    FirstTouchLate {
        after: Option<(Span, Span)>,
    },
    /// Nobody has answered the inquiry at all; the answer alone is owed, or all our work.
    Untouched {
        waited: Span,
        answer_alone: bool,
    },
    WeDroppedCalls(u32),
    /// What they wrote, where it was in words.
    Unanswered {
        quote: Option<Quote<'a>>,
        waited: Span,
    },
    NotBefore(Quote<'a>),
    TimelineLater,
    AnsweredNone(Ask),
    /// How, and in which words, where in words.
    ToldNo(&'static str, Option<Quote<'a>>),
    /// What they want no more of, with another way left open.
    WantsNo {
        calls: bool,
        texts: bool,
        emails: bool,
    },
    /// Somebody died, is a child, goes to court: what we were told.
    NoCase(&'static str),
    /// How long ago the last of them was.
    Silent {
        touches: u32,
        last: Span,
    },
    Bogus(BogusSign),
    Colleague {
        flags: &'a [String],
    },
    Lost(&'a str),
}

impl Why<'_> {
    /// The weight under `[diagnosis]` in scoring.toml that this has, or has a part of.
    pub fn weight_name(&self) -> &'static str {
        match self {
            Why::LowFit { .. } => "low_fit",
            Why::Said(quote) => match quote.finding.label {
                Label::Vague => "vague",
                Label::Budget => "no_budget",
                Label::WrongPerson | Label::WrongNumber => "wrong_person",
                Label::NotABuyer | Label::Competitor => "not_a_buyer",
                _ => "clear_no",
            },
            Why::AnsweredNone(Ask::Budget) => "no_budget",
            Why::ToldNo(..) | Why::NoCase(_) => "clear_no",
            Why::Flagged(_) | Why::CompetitorDomain(_) => "not_a_buyer",
            Why::PlaceContradicts => "place_contradicts",
            Why::AllKeysDead => "dead_contact",
            Why::SomeKeysDead { .. } => "partly_dead_contact",
            Why::Untouched { answer_alone: true, .. } | Why::Unanswered { .. } => "unanswered",
            Why::CallsMissing { .. } | Why::DaypartsMissing { .. } | Why::Untouched { .. } => "open_audit",
            Why::FirstTouchLate { .. } => "first_touch_missed",
            Why::WeDroppedCalls(_) => "our_failure",
            Why::NotBefore(_) | Why::TimelineLater | Why::AnsweredNone(Ask::Timeline) => "not_now",
            Why::AnsweredNone(Ask::Need) => "no_need",
            Why::AnsweredNone(Ask::Authority) => "no_authority",
            Why::WantsNo { .. } => "closed_channel",
            Why::Silent { .. } => "silence",
            Why::Bogus(sign) => match sign {
                BogusSign::JokeName => "joke_name",
                BogusSign::Disposable => "disposable_address",
                BogusSign::Fictional => "fictional_contact",
                BogusSign::FilledTooFast => "filled_too_fast",
                BogusSign::NeverAsked => "never_asked",
                BogusSign::Honeypot => "honeypot",
            },
            Why::Colleague { .. } => "bad_feedback",
            Why::Lost(_) => "lost",
        }
    }

    /// One plain sentence, without its full stop's company: made from the evidence.
    pub fn sentence(&self) -> String {
        match self {
            Why::LowFit { score, spoils } if spoils.is_empty() => {
                format!("The profile fits us badly ({score:.0} of 100).")
            }
            Why::LowFit { score, spoils } => {
                format!("The profile fits us badly ({score:.0} of 100): {}.", spoils.join("; "))
            }
            Why::Said(q) => format!("They wrote or said \"{}\"{}.", q.sentence(), meaning(q.finding.label)),
            Why::AnsweredNone(ask) => match ask {
                Ask::Need => "They answered that they need nothing of the kind.".into(),
                Ask::Authority => "They answered that they have no say in it.".into(),
                Ask::Budget => "They answered that there is no money for it.".into(),
                Ask::Timeline => "They answered that there is no time for it.".into(),
            },
            Why::Flagged(flag) => format!("A colleague told us that {}.", told(*flag)),
            Why::CompetitorDomain(domain) => format!("The address is on {domain}, a competitor's domain."),
            Why::PlaceContradicts => "Area code, postcode and stated region do not agree on where the lead is.".into(),
            Why::AllKeysDead => "Every number and address we have is dead.".into(),
            Why::SomeKeysDead { dead, of } => {
                let (dead, of) = (*dead as u32, *of as u32);
                let are = if dead == 1 { "is" } else { "are" };
                let other = if of - dead == 1 { "the other is" } else { "the others are" };
                format!("{} of {} numbers and addresses {are} dead; {other} not.", capital(&number(dead)), number(of))
            }
            Why::CallsMissing { made: 0, .. } => "No call of ours is on record yet.".into(),
            Why::CallsMissing { made, of } => {
                format!("Called {}, of {} attempts that a lead deserves.", times(*made), number(*of))
            }
            Why::DaypartsMissing { made, tried, missing } => {
                // What happened once happened neither always nor never.
                let tried = if *made == 1 { tried.trim_start_matches("always ") } else { tried };
                format!("Called {}, {tried}; no call {missing} yet.", times(*made))
            }
            Why::FirstTouchLate { after: Some((after, legal)) } if legal < after => {
                format!("Our first touch came {after} after the inquiry, {legal} after a call became legal.")
            }
            Why::FirstTouchLate { after: Some((after, _)) } => {
                format!("Our first touch came {after} after the inquiry.")
            }
            Why::FirstTouchLate { after: None } => "No answer of ours to the inquiry is on record.".into(),
            Why::Untouched { waited, .. } => {
                format!("No answer of ours to the inquiry is on record, {waited} after it.")
            }
            Why::WeDroppedCalls(n) => format!("We dropped or mis-routed the call {}.", times(*n)),
            Why::Unanswered { quote, waited } => {
                let asked = quote.map_or("asked to be contacted".to_owned(), |q| format!("wrote \"{}\"", q.sentence()));
                format!("They {asked} {waited} ago, and no answer of ours is on record.")
            }
            Why::NotBefore(q) => {
                let day = q.finding.date.map_or(String::new(), |day| format!(" ({})", date_of_day(day)));
                format!("They asked us to wait: \"{}\"{day}.", q.sentence())
            }
            Why::TimelineLater => "The lead wants to decide later than this year.".into(),
            Why::ToldNo(how, None) => format!("The lead said no {how}."),
            Why::ToldNo(how, Some(q)) => format!("The lead said no {how}: \"{}\".", q.sentence()),
            Why::WantsNo { calls, texts, emails } => {
                let named = [("calls", calls), ("texts", texts), ("e-mails", emails)];
                let named: Vec<&str> = named.iter().filter(|(_, no)| **no).map(|(name, _)| *name).collect();
                format!("They want no {} any more.", named.join(" or "))
            }
            Why::NoCase(told) => format!("{}.", capital(told)),
            Why::Silent { touches, last } => {
                let touches = if *touches == 1 { "one touch".into() } else { format!("{} touches", number(*touches)) };
                let the = if touches == "one touch" { "" } else { "the last " };
                format!("{} without an answer, {the}{last} ago.", capital(&touches))
            }
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

/// What a colleague's flag says of the lead, after "that".
pub fn told(flag: LeadFlag) -> &'static str {
    match flag {
        LeadFlag::Deceased => "the person has died",
        LeadFlag::Minor => "the person is under age",
        LeadFlag::Vulnerable => "the person needs to be left in peace",
        LeadFlag::LegalThreat => "they threaten to go to court",
        LeadFlag::Competitor => "they compete with us",
        LeadFlag::NotABuyer => "they do not buy such things",
        LeadFlag::WrongPerson => "this is the wrong person",
        LeadFlag::Test => "this is a test",
    }
}

/// What is meant by words, where that needs saying.
fn meaning(label: Label) -> &'static str {
    match label {
        Label::Disinterest => ", which is a no",
        Label::Vague => ", which is no answer either way",
        Label::Budget => ", so there is no money for it now",
        Label::WrongPerson => ", so this is the wrong person to ask",
        Label::NotABuyer => ", so they do not buy such things",
        Label::Competitor => ", so they may compete with us",
        Label::WrongNumber => ", so this is the wrong number",
        Label::Interest
        | Label::Timing
        | Label::Authority
        | Label::Referral
        | Label::OptOut
        | Label::Complaint
        | Label::AutoReply
        | Label::Callback
        | Label::Gatekeeper
        | Label::Language
        | Label::Deceased
        | Label::Minor
        | Label::Vulnerable
        | Label::LegalThreat => "",
    }
}
