//! Refusals of the legal gate as plain sentences, for tasks, records and the people who read them.

use super::gate::CallGate;
use super::place::Missing;
use crate::domain::event::ConsentLevel;

/// Why the law forbids a touch. `place` is a name for sentences: "Florida", "the United Kingdom".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    NoRow(Missing),
    NotLicensed {
        place: String,
    },
    Listed {
        place: String,
    },
    CallNeedsConsent {
        place: String,
        level: ConsentLevel,
    },
    SmsNeedsConsent {
        place: String,
        level: ConsentLevel,
    },
    /// `place` is none where no row is on file; `months` is for how long an inquiry would do.
    EmailNeedsConsent {
        place: Option<String>,
        months: i32,
    },
}

impl CallGate {
    /// Why the number may not be called now; `None` if it may.
    pub fn because(&self) -> Option<String> {
        match self {
            CallGate::Allowed { .. } => None,
            CallGate::NotAllowed(why) => Some(why.because()),
            CallGate::NeedsScreening { place, good_for, last, .. } => {
                let last = last.map_or("it never was".to_owned(), |ago| format!("it last was {ago} ago"));
                Some(sentence(format!("{place} wants the number screened within {good_for} before a call; {last}.")))
            }
        }
    }
}

impl Why {
    pub fn because(&self) -> String {
        sentence(match self {
            Why::NoRow(missing) => return missing.because(),
            Why::NotLicensed { place } => format!("calls and texts to {place} need a licence that is not held."),
            Why::Listed { place } => format!(
                "the number is on a do-not-call list, and in {place} neither consent nor a recent inquiry allows a call."
            ),
            Why::CallNeedsConsent { place, level } => {
                let consent = words(*level);
                format!("{place} allows a sales call only with {consent} consent, and there is none for this number.")
            }
            Why::SmsNeedsConsent { place, level } => {
                let consent = words(*level);
                format!("{place} allows a text only with {consent} consent, and there is none for this number.")
            }
            Why::EmailNeedsConsent { place, months } => {
                let place = place.as_deref().unwrap_or("a place without a rule of law on file");
                format!(
                    "{place} allows an e-mail only with consent or within {months} months of an inquiry, and there is neither."
                )
            }
        })
    }
}

impl Missing {
    pub fn because(self) -> String {
        match self {
            Missing::Country(country) => {
                format!("No rule of law is on file for {country}, so nobody there is called or texted.")
            }
            Missing::Number => {
                "The number is in no country with a rule of law on file, so it is neither called nor texted.".into()
            }
            Missing::Nothing => "It is not known where the lead is, so it is neither called nor texted.".into(),
        }
    }
}

fn words(level: ConsentLevel) -> &'static str {
    match level {
        ConsentLevel::Inquiry => "some",
        ConsentLevel::Express => "express",
        ConsentLevel::ExpressWritten => "express written",
    }
}

/// With a capital at its beginning: names of places may come first ("the United States").
pub(super) fn sentence(mut text: String) -> String {
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}
