//! Closed sets of words, each declared once: what is accepted, what it means, what is documented.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::Value;

use super::read::{At, Fault, Read};
use crate::domain::event::{
    AnsweredBy, Channel, ConsentLevel, ConsentState, Direction, LeadFlag, PartnerAnswer, RejectReason, Role,
    ScreenResult,
};

/// A type of the core whose values have names on the wire.
pub trait Closed: Copy + 'static {
    const WORDS: &'static [(&'static str, Self)];
    /// "one of a, b, c".
    const EXPECTED: &'static str;
}

macro_rules! closed {
    ($($name:ty { $first:literal = $first_value:expr $(, $word:literal = $value:expr)* $(,)? })*) => {$(
        impl Closed for $name {
            const WORDS: &'static [(&'static str, $name)] = &[($first, $first_value) $(, ($word, $value))*];
            const EXPECTED: &'static str = concat!("one of ", $first $(, ", ", $word)*);
        }
    )*};
}

closed! {
    Channel {
        "call" = Channel::Call, "sms" = Channel::Sms, "email" = Channel::Email, "mail" = Channel::Mail,
        "share" = Channel::Share, "profiling" = Channel::Profiling,
    }
    ConsentState { "granted" = ConsentState::Granted, "not_given" = ConsentState::NotGiven, "refused" = ConsentState::Refused }
    ConsentLevel {
        "inquiry" = ConsentLevel::Inquiry, "express" = ConsentLevel::Express, "express_written" = ConsentLevel::ExpressWritten,
    }
    Direction { "outbound" = Direction::Outbound, "inbound" = Direction::Inbound }
    AnsweredBy {
        "lead" = AnsweredBy::Lead, "gatekeeper" = AnsweredBy::Gatekeeper, "household" = AnsweredBy::Household,
        "wrong_person" = AnsweredBy::WrongPerson, "screener" = AnsweredBy::Screener, "machine" = AnsweredBy::Machine,
    }
    Role { "rep" = Role::Rep, "peer" = Role::Peer, "supervisor" = Role::Supervisor }
    Verdict { "good" = Verdict::Good, "bad" = Verdict::Bad }
    LeadFlag {
        "deceased" = LeadFlag::Deceased, "minor" = LeadFlag::Minor, "vulnerable" = LeadFlag::Vulnerable,
        "legal_threat" = LeadFlag::LegalThreat, "competitor" = LeadFlag::Competitor, "not_a_buyer" = LeadFlag::NotABuyer,
        "test" = LeadFlag::Test, "wrong_person" = LeadFlag::WrongPerson,
    }
    ScreenResult {
        "clear" = ScreenResult::Clear, "listed" = ScreenResult::Listed, "mobile" = ScreenResult::Mobile,
        "landline" = ScreenResult::Landline, "voip" = ScreenResult::Voip,
    }
    RejectReason {
        "no_agent" = RejectReason::NoAgent, "cap" = RejectReason::Cap, "window_passed" = RejectReason::WindowPassed,
        "suppressed" = RejectReason::Suppressed, "duplicate" = RejectReason::Duplicate, "bad_number" = RejectReason::BadNumber,
        "capacity" = RejectReason::Capacity, "other" = RejectReason::Other,
    }
    PartnerAnswer {
        "accepted" = PartnerAnswer::Accepted, "declined" = PartnerAnswer::Declined, "returned" = PartnerAnswer::Returned,
        "won" = PartnerAnswer::Won, "lost" = PartnerAnswer::Lost,
    }
}

/// What a colleague thinks of a lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Good,
    Bad,
}

/// A word of a closed set; the case of letters does not matter, and a space or hyphen is as good as `_`.
#[derive(Clone, Copy, Debug)]
pub struct Word<T>(pub T);

impl<T: Closed> Read for Word<T> {
    const EXPECTED: &'static str = T::EXPECTED;

    fn read(value: &Value, at: &At<'_>) -> Result<Option<Word<T>>, Fault> {
        match value {
            Value::String(s) if s.trim().is_empty() => Ok(None),
            Value::String(s) => match find(T::WORDS, s) {
                Some(known) => Ok(Some(Word(known))),
                None => Err(Fault::invalid_word(at, T::EXPECTED, s)),
            },
            other => Err(Fault::invalid(at, T::EXPECTED, other)),
        }
    }
}

impl<T: Closed> JsonSchema for Word<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        T::EXPECTED.into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let words: Vec<&str> = T::WORDS.iter().map(|(word, _)| *word).collect();
        json_schema!({ "type": "string", "enum": words })
    }
}

/// The meaning of a word in a table.
pub fn find<T: Copy>(table: &[(&str, T)], text: &str) -> Option<T> {
    let exact = |text: &str| table.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
    exact(text).or_else(|| exact(&plain(text)))
}

/// The word in the form of the tables: "Not-a buyer " → "not_a_buyer".
pub fn plain(text: &str) -> String {
    text.trim().to_lowercase().replace([' ', '-'], "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_match_in_any_case_and_with_any_joint() {
        assert_eq!(find(ConsentLevel::WORDS, "express_written"), Some(ConsentLevel::ExpressWritten));
        assert_eq!(find(ConsentLevel::WORDS, " Express-Written "), Some(ConsentLevel::ExpressWritten));
        assert_eq!(find(ConsentLevel::WORDS, "written"), None);
    }

    #[test]
    fn names_agree_with_those_of_the_core() {
        assert!(Channel::WORDS.iter().all(|(word, c)| c.name() == *word) && Channel::WORDS.len() == Channel::ALL.len());
        assert!(
            LeadFlag::WORDS.iter().all(|(word, f)| f.name() == *word) && LeadFlag::WORDS.len() == LeadFlag::ALL.len()
        );
        assert!(ConsentLevel::WORDS.iter().all(|(word, l)| l.name() == *word));
    }
}
