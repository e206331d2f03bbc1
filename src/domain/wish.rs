//! What the lead wants of us, in its own words or by a form, and whether anybody answered.
//!
//! Facts only: the audit asks here whether an answer is owed, the plays what to answer. The first inquiry is no wish in
//! this sense; whether that was answered is the first touch.

use super::event::{Direction, MeetingWhat};
use super::facts::{Facts, SignalKind};
use super::register::Cited;
use super::time::Span;
use super::touches::{CallResult, Called};
use super::words::{Finding, Label, Medium, Quote};

/// The newest word that somebody wrote to us; with no findings where there was no text to read.
#[derive(Clone, Copy, Debug)]
pub struct Word<'a> {
    pub cited: &'a Cited,
    pub findings: &'a [Finding],
    text: &'a str,
}

impl<'a> Word<'a> {
    /// What shows that they want something, where nothing beside it says that they do not, or not now.
    pub fn warm(&self) -> Option<Quote<'a>> {
        let has = |label: Label| self.findings.iter().any(|f| f.label == label);
        let cold = has(Label::Disinterest) || has(Label::Timing) || has(Label::NotABuyer) || self.is_hostile();
        self.wants().filter(|_| !cold)
    }

    /// What shows that they want something, whatever stands beside it.
    pub fn wants(&self) -> Option<Quote<'a>> {
        let wants = self.findings.iter().find(|f| matches!(f.label, Label::Interest | Label::Callback));
        wants.map(|finding| Quote { text: self.text, finding })
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
    let without_text = |cited| Word { cited, findings: &[], text: "" };
    match (said, bare) {
        (Some(s), Some(b)) if b.stamp > s.cited.stamp => Some(without_text(b)),
        (Some(s), _) => Some(Word { cited: &s.cited, findings: &s.findings, text: &s.text }),
        (None, Some(b)) => Some(without_text(b)),
        (None, None) => None,
    }
}

/// The newest thing they asked of us after their first inquiry.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    pub cited: &'a Cited,
    /// In which words, where in words.
    pub quote: Option<Quote<'a>>,
}

/// A warm word, or another form that asks for contact; `None` where the newest word is neither.
pub fn newest_wish(facts: &Facts) -> Option<Wish<'_>> {
    let word = newest_word(facts);
    let again = asked_again(facts, word.map(|word| word.cited)).map(|cited| Wish { cited, quote: None });
    match (word, again) {
        (Some(word), Some(again)) if word.cited.stamp < again.cited.stamp => Some(again),
        (Some(word), _) => word.warm().map(|quote| Wish { cited: word.cited, quote: Some(quote) }),
        (None, again) => again,
    }
}

/// Forms that follow each other sooner than this say one thing: sent twice, or a capture and its form. [J]
const ONE_WISH: Span = Span::hours(1);

/// The beginning of their newest row of inquiries since their newest word, where one of it asks for contact and the row is
/// not the one that their first began.
fn asked_again<'a>(facts: &'a Facts, word: Option<&Cited>) -> Option<&'a Cited> {
    let newest = facts.inquiries.last()?;
    let (mut begun, mut asks) = (&newest.cited, newest.asks_contact);
    for earlier in facts.inquiries.iter().rev().skip(1) {
        let before_word = word.is_some_and(|word| earlier.cited.stamp < word.stamp);
        if before_word || begun.stamp.at - earlier.cited.stamp.at >= ONE_WISH {
            break;
        }
        (begun, asks) = (&earlier.cited, asks || earlier.asks_contact);
    }
    // Of a long row the first may not be kept; and a word of theirs between the two makes it another row.
    let first = facts.first_inquiry.as_ref()?;
    let parted = word.is_some_and(|word| (first.stamp..begun.stamp).contains(&word.stamp));
    let is_first = begun.stamp.at - first.stamp.at < ONE_WISH && !parted;
    (asks && !is_first).then_some(begun)
}

/// Somebody wrote, called or met them since, or they spoke with us, or the matter is decided.
pub fn is_answered(wish: &Wish<'_>, facts: &Facts, calls: &[Called<'_>]) -> bool {
    facts.outbound().any(|t| t.cited.stamp > wish.cited.stamp) || came_together(wish.cited, facts, calls)
}

/// We spoke, a meeting was booked or held, or the matter is decided, since then. A call of theirs that nobody took, and a
/// meeting that they missed, bring nobody together.
pub fn came_together(since: &Cited, facts: &Facts, calls: &[Called<'_>]) -> bool {
    let at = since.stamp;
    // Of a call of theirs that is told without a result, we take it that somebody picked up.
    let took = |c: &Called<'_>| c.touch.direction == Direction::Inbound && c.result == CallResult::NoEffect;
    let spoke = |c: &Called<'_>| c.touch.cited.stamp > at && (c.result.is_contact() || took(c));
    calls.iter().any(spoke)
        || facts.meetings.iter().any(|m| m.cited.stamp > at && m.what != MeetingWhat::Missed)
        || facts.outcome.as_ref().is_some_and(|o| o.stamp > at)
}
