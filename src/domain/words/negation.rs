//! What stands before a phrase and turns it round: a "not" within reach, an "if", a "never said".
//!
//! Looked for backwards, a bounded number of words, not past a comma, the end of a clause or an earlier phrase.

use super::judge::Judge;
use super::token::Break;

impl Judge<'_> {
    /// How far before token `at` the nearest of an odd number of negations stands, within the clause.
    pub(super) fn negated(&self, at: usize) -> Option<u32> {
        let (mut count, mut nearest) = (0, None);
        self.look_back(at, |i, distance| {
            // "No, we are covered" without its comma: an answer, not a negation.
            let answers = self.has(i, self.lexicon.known.answer)
                && i + 1 < self.tokens.len()
                && self.has(i + 1, self.lexicon.known.pronoun);
            if self.has(i, self.lexicon.known.negator) && !answers {
                count += 1;
                nearest = nearest.or(Some(distance));
            }
        });
        nearest.filter(|_| count % 2 == 1)
    }
    pub(super) fn said_before(&self, at: usize) -> bool {
        self.near_before(at, self.lexicon.known.saying).is_some()
    }
    pub(super) fn near_before(&self, at: usize, set: u8) -> Option<u32> {
        let mut found = None;
        self.look_back(at, |i, distance| {
            if found.is_none() && self.has(i, set) {
                found = Some(distance);
            }
        });
        found
    }
    /// Whether a "not sure" or the like stands before token `at`.
    pub(super) fn doubted(&self, at: usize) -> bool {
        let mut doubted = false;
        self.look_back(at, |i, _| {
            let not = i > 0 && self.has(i - 1, self.lexicon.known.negator);
            doubted |= not && self.has(i, self.lexicon.known.sureness);
        });
        doubted
    }
    /// Visits the words before token `at`, nearest first, as far as a negation reaches and the clause goes.
    fn look_back(&self, at: usize, mut visit: impl FnMut(usize, u32)) {
        for distance in 1..=self.lexicon.reach {
            let Some(i) = at.checked_sub(distance as usize) else { return };
            if self.tokens[i + 1].before != Break::None
                || self.has(i, self.lexicon.known.breaker) && !self.has(i, self.lexicon.known.condition)
            {
                return;
            }
            // What belongs to an earlier phrase ("not interested, stop texting") has done its work there.
            if self.taken[i] != 0 && self.taken[i] as usize <= at {
                return;
            }
            if self.hidden[i] == 0 {
                visit(i, distance);
            }
        }
    }
}
