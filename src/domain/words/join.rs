//! What the learned part adds to the findings of the lexicon, and what it takes back.
//!
//! All that it adds is only likely meant, and quotes the sentence that speaks most for it. It takes nothing back that a
//! person must not be refused: an opt-out, a complaint, a threat, a death, a child.

use super::compose::Composer;
use super::finding::{Finding, Label, Medium};
use super::judge::Said;
use super::learned::{Cues, Sums};
use super::person;

/// What a person must not be refused: no sum of cues takes it back.
const GRAVE: [Label; 5] = [Label::OptOut, Label::Complaint, Label::LegalThreat, Label::Deceased, Label::Minor];
/// What no sum of cues takes back where it is firm: a promise that would be broken, a number that would be called again.
const STANDS_IF_FIRM: [Label; 2] = [Label::Callback, Label::WrongNumber];
/// A reply of so few words of which a phrase knows the meaning has no other.
const PLAIN_WORDS: usize = 5;
/// Where one of these is clearly said, no program wrote.
const HUMAN: [Label; 6] =
    [Label::Interest, Label::Disinterest, Label::OptOut, Label::Callback, Label::Complaint, Label::LegalThreat];

impl Composer<'_> {
    /// The findings of the lexicon with those of the cues.
    pub fn join(&self, mut found: Vec<Finding>, cues: &Cues, sums: &Sums) -> Vec<Finding> {
        if self.judge.tokens.len() <= PLAIN_WORDS && !found.is_empty() {
            return found;
        }
        let bars = |label: Label| &cues.bars[label as usize];
        let denied = |label: Label| self.judge.denied & label.bit() != 0;
        let over = |label: Label| sums.total[label as usize] > bars(label)[0] && !denied(label);
        let has = |found: &[Finding], label: Label| found.iter().any(|f| f.label == label);
        let mut automatic = has(&found, Label::AutoReply);
        if !automatic {
            found.retain(|f| {
                GRAVE.contains(&f.label)
                    || f.firm() && STANDS_IF_FIRM.contains(&f.label)
                    || sums.total[f.label as usize] > bars(f.label)[1 + usize::from(f.firm())]
            });
            let human = found.iter().any(|f| f.certain && HUMAN.contains(&f.label) || GRAVE.contains(&f.label));
            automatic = self.judge.medium == Medium::Email && over(Label::AutoReply) && !human;
            if automatic {
                found.retain(|f| matches!(f.label, Label::WrongPerson | Label::Referral));
                found.extend(self.learned(Label::AutoReply, cues, sums));
            }
        }
        for label in Label::ALL.iter().copied().filter(|l| over(*l)) {
            if !has(&found, label) && (!automatic || matches!(label, Label::WrongPerson | Label::Referral)) {
                let new = self.learned(label, cues, sums).filter(|f| !has(&found, f.label));
                found.extend(new);
            }
        }
        // A day, or a boss to be asked, says more than a maybe.
        if has(&found, Label::Timing) || has(&found, Label::Authority) {
            found.retain(|f| f.label != Label::Vague || f.certain);
        }
        found.sort_by_key(|f| (f.start, f.label));
        found
    }

    /// A finding of the sentence that speaks most for a label, with its date, time or person.
    fn learned(&self, label: Label, cues: &Cues, sums: &Sums) -> Option<Finding> {
        let j = self.judge;
        let range = j.sentence(sums.sentence(cues, label));
        let said = Said { label, group: j.lexicon.likely, from: range.start, to: range.end, certain: false };
        if range.is_empty() {
            return None;
        }
        let mut found = self.one(&said, self.date_for(&said, label != Label::Interest), self.time_for(&said));
        if label == Label::Referral {
            found.person = person::near(j.lexicon, j.text, j.tokens, range.start, j.tokens[range.start].sentence + 1);
        }
        Some(found)
    }
}
