//! What reading a text can come to: a closed list of labels, and where in the text each was read.
//!
//! Plain data only. How a label is reached is the business of the modules beside this one.

use serde::{Deserialize, Serialize};

use crate::domain::event::WhenLocal;

/// How a text came: decides which words count in it and what a bare "stop" closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Medium {
    Email,
    Sms,
    Chat,
    CaptureNote,
    CallNote,
    FeedbackNote,
}

impl Medium {
    pub const ALL: [Medium; 6] =
        [Medium::Email, Medium::Sms, Medium::Chat, Medium::CaptureNote, Medium::CallNote, Medium::FeedbackNote];
    pub fn name(self) -> &'static str {
        match self {
            Medium::Email => "email",
            Medium::Sms => "sms",
            Medium::Chat => "chat",
            Medium::CaptureNote => "capture_note",
            Medium::CallNote => "call_note",
            Medium::FeedbackNote => "feedback_note",
        }
    }
    pub fn from_name(name: &str) -> Option<Medium> {
        Medium::ALL.into_iter().find(|m| m.name() == name)
    }
    /// One bit, for the media a phrase counts in.
    pub(super) fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// Declares the closed list of labels once, with their names in lead records.
macro_rules! labels {
    ($($variant:ident = $name:literal),* $(,)?) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Label { $($variant),* }
        impl Label {
            pub const ALL: &'static [Label] = &[$(Label::$variant),*];
            pub fn name(self) -> &'static str { match self { $(Label::$variant => $name),* } }
            pub fn from_name(name: &str) -> Option<Label> { match name { $($name => Some(Label::$variant),)* _ => None } }
        }
    };
}
labels! {
    Interest = "interest", Disinterest = "disinterest", Vague = "vague", Timing = "timing", Budget = "budget",
    Authority = "authority", Referral = "referral", WrongPerson = "wrong_person", WrongNumber = "wrong_number",
    NotABuyer = "not_a_buyer", Competitor = "competitor", OptOut = "opt_out", Complaint = "complaint",
    AutoReply = "auto_reply", Callback = "callback", Gatekeeper = "gatekeeper", Language = "language",
    Deceased = "deceased", Minor = "minor", Vulnerable = "vulnerable", LegalThreat = "legal_threat",
}

impl Label {
    /// One bit, for sets of labels.
    pub(super) fn bit(self) -> u32 {
        1 << self as u32
    }
}

/// One thing that was read, and the words it was read from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    pub label: Label,
    /// First byte of the words in the text given.
    pub start: u32,
    /// One past their last byte.
    pub end: u32,
    /// The words themselves, at most 160 characters.
    pub quote: String,
    /// The day that was understood, as days since 1970-01-01 on the lead's calendar.
    pub date: Option<i32>,
    /// The time that was understood, on the lead's clock.
    pub at: Option<WhenLocal>,
    pub person: Option<Person>,
    /// For an opt-out: definitive, or else unsure and for a human to decide. For the rest: clearly said, or likely meant.
    pub certain: bool,
    /// What an opt-out closes.
    pub scope: Option<OptOutScope>,
}

impl Finding {
    /// Whether it was said so clearly that much must speak against it; a call asked for only with its day or hour.
    pub fn firm(&self) -> bool {
        self.certain && (self.label != Label::Callback || self.at.is_some() || self.date.is_some())
    }
}

/// A person named in a text; at least one field is given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    pub name: Option<String>,
    pub email: Option<String>,
    /// As written.
    pub phone: Option<String>,
}

/// What an opt-out closes, from wide to narrow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum OptOutScope {
    Everything,
    CallAndSms,
    Email,
    /// The channel it came by.
    Channel,
}

impl OptOutScope {
    pub const ALL: [OptOutScope; 4] =
        [OptOutScope::Everything, OptOutScope::CallAndSms, OptOutScope::Email, OptOutScope::Channel];
    pub fn name(self) -> &'static str {
        match self {
            OptOutScope::Everything => "everything",
            OptOutScope::CallAndSms => "call_and_sms",
            OptOutScope::Email => "email",
            OptOutScope::Channel => "channel",
        }
    }
    pub fn from_name(name: &str) -> Option<OptOutScope> {
        OptOutScope::ALL.into_iter().find(|s| s.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_back_to_its_value() {
        assert!(Label::ALL.iter().all(|l| Label::from_name(l.name()) == Some(*l)));
        assert!(Medium::ALL.iter().all(|m| Medium::from_name(m.name()) == Some(*m)));
        assert!(OptOutScope::ALL.iter().all(|s| OptOutScope::from_name(s.name()) == Some(*s)));
        assert_eq!(Label::ALL.len(), 21);
    }
}
