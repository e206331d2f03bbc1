//! Why a message is not taken in: a closed set of reasons, and one plain sentence that names the field.
//!
//! The sentence goes into logs, headers and consoles, so it never carries what a personal field held; numbers, truth
//! values and words of closed sets it may show, cut short and without control characters.

use std::fmt;

use sha2::{Digest, Sha256};

use super::text;
use crate::domain::event::Event;

/// The value of a closed set is shown in a sentence up to this many characters.
const SHOWN_CHARS: usize = 80;
/// Attributes of the envelope are kept in a refusal up to the length that a good one may have.
const KEPT_BYTES: usize = 255;

/// Declares the closed list of reasons once, in the order of the checks, with their names on the wire.
macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident = $name:literal),* $(,)?) => {
        /// What was wrong with a message. The first check that fails gives the reason; the order here is their order.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason { $($(#[$doc])* $variant),* }
        impl Reason {
            pub const ALL: &'static [Reason] = &[$(Reason::$variant),*];
            pub fn name(self) -> &'static str { match self { $(Reason::$variant => $name),* } }
            pub fn from_name(name: &str) -> Option<Reason> { match name { $($name => Some(Reason::$variant),)* _ => None } }
        }
    };
}
reasons! {
    TooLarge = "too_large",
    InvalidUtf8 = "invalid_utf8",
    MalformedJson = "malformed_json",
    MissingField = "missing_field",
    InvalidField = "invalid_field",
    UnsupportedVersion = "unsupported_version",
    UnknownType = "unknown_type",
    FutureTime = "future_time",
    TooOld = "too_old",
    /// No lead is named and the task is not known, or ended too long ago.
    UnknownTask = "unknown_task",
    /// The person asked to be forgotten.
    ErasedLead = "erased_lead",
    /// The same source and id came before with other content.
    IdConflict = "id_conflict",
    /// Our fault, not the sender's.
    InternalError = "internal_error",
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A message that is not taken in: why, and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub reason: Reason,
    /// One English sentence naming the field, what was expected and what was found.
    pub detail: String,
    /// `x-gleaner-key`: SHA-256 in hex of source and id, or of the body where it has none.
    pub key: String,
    /// Attributes of the envelope as they were given, where they were text; at most 255 bytes each. Boxed slices keep
    /// a refusal within the 128 bytes that clippy grants an error.
    pub source: Option<Box<str>>,
    pub id: Option<Box<str>>,
    pub kind: Option<Box<str>>,
    pub time: Option<Box<str>>,
}

impl Refusal {
    /// Refuses an event that was understood, for a reason found later on.
    pub fn of(event: &Event, reason: Reason, detail: impl Into<String>) -> Refusal {
        Refusal {
            reason,
            detail: detail.into(),
            key: key_of_event(&event.source, &event.id),
            source: Some(event.source.as_str().into()),
            id: Some(event.id.as_str().into()),
            kind: Some(event.kind().name().into()),
            time: Some(event.at.to_string().into()),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason, self.detail)
    }
}

/// SHA-256 in hex of source, a newline and id: by this key dead letters can be counted against what was sent.
pub fn key_of_event(source: &str, id: &str) -> String {
    let mut h = Sha256::new();
    h.update(source);
    h.update("\n");
    h.update(id);
    hex::encode(h.finalize())
}

/// SHA-256 in hex of a body that names no source and id.
pub fn key_of_body(body: &[u8]) -> String {
    hex::encode(Sha256::digest(body))
}

/// The first `KEPT_BYTES` of an attribute.
pub(super) fn kept(text: &str) -> Box<str> {
    text::cut(text, KEPT_BYTES).into()
}

/// A word from outside as a sentence may show it: in quotes, cut short, control characters escaped.
pub(super) fn shown(text: &str) -> String {
    let cut: String = text.chars().take(SHOWN_CHARS).collect();
    let more = if cut.len() < text.len() { "…" } else { "" };
    format!("{cut:?}{more}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_one_name_and_answers_to_it() {
        for reason in Reason::ALL {
            assert_eq!(Reason::from_name(reason.name()), Some(*reason));
        }
        assert_eq!(Reason::ALL.len(), 13);
        assert!(Reason::ALL.is_sorted());
    }

    #[test]
    fn a_shown_word_is_short_and_cannot_break_a_line() {
        assert_eq!(shown("a\nb"), r#""a\nb""#);
        assert_eq!(shown(&"é".repeat(100)).chars().count(), 83);
    }

    #[test]
    fn the_key_is_the_digest_of_source_newline_id() {
        // printf '/forms\ne-1' | sha256sum
        assert_eq!(key_of_event("/forms", "e-1"), key_of_body(b"/forms\ne-1"));
        assert_eq!(key_of_body(b""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }
}
