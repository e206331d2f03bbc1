//! What the lead wants of us, in its own words or by a form, and whether anybody answered.
//!
//! Facts only: the audit asks here whether an answer is owed, the plays what to answer. The first inquiry is no wish in
//! this sense; whether that was answered is the first touch.

use super::event::Direction;
use super::facts::{Facts, SignalKind};
use super::register::Cited;
use super::time::Span;
use super::touches::Called;
use super::words::{Finding, Label, Medium};

/// The newest word that somebody wrote to us; with no findings where there was no text to read.
#[derive(Clone, Copy, Debug)]
pub struct Word<'a> {
    pub cited: &'a Cited,
    pub findings: &'a [Finding],
}

impl<'a> Word<'a> {
    /// What shows that they want something, where nothing beside it says that they do not, or not now.
    pub fn warm(&self) -> Option<&'a Finding> {
        let has = |label: Label| self.findings.iter().any(|f| f.label == label);
        let cold = has(Label::Disinterest) || has(Label::Timing) || has(Label::NotABuyer) || self.is_hostile();
        let warm = self.findings.iter().find(|f| matches!(f.label, Label::Interest | Label::Callback));
        warm.filter(|_| !cold)
    }

    /// No answer is wanted, or none that a sales person gives.
    pub fn is_hostile(&self) -> bool {
        let closed =
            |f: &Finding| matches!(f.label, Label::AutoReply | Label::OptOut | Label::Complaint | Label::LegalThreat);
        self.findings.iter().any(closed)
    }
}

/// The newest word of the lead by mail, text or chat.
pub fn newest_word(facts: &Facts) -> Option<Word<'_>> {
    let in_writing = |m: Medium| matches!(m, Medium::Email | Medium::Sms | Medium::Chat);
    let said = facts.said.iter().rev().find(|s| !s.is_automatic() && in_writing(s.medium));
    let bare = facts.signal(SignalKind::Reply).and_then(|s| s.newest.as_ref());
    match (said, bare) {
        (Some(s), Some(b)) if b.stamp > s.cited.stamp => Some(Word { cited: b, findings: &[] }),
        (Some(s), _) => Some(Word { cited: &s.cited, findings: &s.findings }),
        (None, Some(b)) => Some(Word { cited: b, findings: &[] }),
        (None, None) => None,
    }
}

/// The newest thing they asked of us after their first inquiry.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    pub cited: &'a Cited,
    /// In which words, where in words.
    pub quote: Option<&'a str>,
}

/// A warm word, or another form that asks for contact; `None` where the newest word is neither.
pub fn newest_wish(facts: &Facts) -> Option<Wish<'_>> {
    let word = newest_word(facts);
    let again = asked_again(facts).map(|cited| Wish { cited, quote: None });
    match (word, again) {
        (Some(word), Some(again)) if word.cited.stamp < again.cited.stamp => Some(again),
        (Some(word), _) => word.warm().map(|f| Wish { cited: word.cited, quote: Some(&f.quote) }),
        (None, again) => again,
    }
}

/// Forms that follow each other sooner than this say one thing: sent twice, or a capture and its form. [J]
const ONE_WISH: Span = Span::hours(1);

/// The beginning of their newest row of inquiries, where one of it asks for contact and the row is not their first.
fn asked_again(facts: &Facts) -> Option<&Cited> {
    let newest = facts.inquiries.last()?;
    let (mut begun, mut asks) = (&newest.cited, newest.asks_contact);
    for earlier in facts.inquiries.iter().rev().skip(1) {
        if begun.stamp.at - earlier.cited.stamp.at >= ONE_WISH {
            break;
        }
        (begun, asks) = (&earlier.cited, asks || earlier.asks_contact);
    }
    (asks && Some(begun) != facts.first_inquiry.as_ref()).then_some(begun)
}

/// Somebody wrote, called or met them since, or they spoke with us, or the matter is decided.
pub fn is_answered(wish: &Wish<'_>, facts: &Facts, calls: &[Called<'_>]) -> bool {
    facts.outbound().any(|t| t.cited.stamp > wish.cited.stamp) || came_together(wish.cited, facts, calls)
}

/// They called us, we spoke or met, or the matter is decided, since then: nobody waits for a first answer.
pub fn came_together(since: &Cited, facts: &Facts, calls: &[Called<'_>]) -> bool {
    let at = since.stamp;
    let spoke =
        |c: &Called<'_>| c.touch.cited.stamp > at && (c.touch.direction == Direction::Inbound || c.result.is_contact());
    calls.iter().any(spoke)
        || facts.meetings.iter().any(|m| m.cited.stamp > at)
        || facts.outcome.as_ref().is_some_and(|o| o.stamp > at)
}
