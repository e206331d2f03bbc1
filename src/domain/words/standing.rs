//! Whether a phrase stands where its group wants it: alone in its sentence or reply, in a question, beside certain words.
//!
//! Asked of every phrase before phrases are weighed against each other, so that one out of place hides no other.

use super::finding::{Label, Medium};
use super::group::{Alone, Group, Kind};
use super::judge::Judge;
use super::scan::Hit;

/// Nothing longer is a reply of one word said over and over.
const LONGEST_CHANT: usize = 60;

/// A question mark stands right behind the last word; an emoji, a bracket or a space may come between.
const QUESTION_MARK_WITHIN: usize = 8;

impl Judge<'_> {
    /// Whether a phrase stands where its group wants it: alone, in a question, beside or without certain words.
    pub(super) fn stands(&self, h: &Hit, group: &Group) -> bool {
        let (from, to) = (h.from as usize, h.to as usize);
        let out_of_place =
            group.with.is_some_and(|set| !self.anywhere(set)) || group.without.is_some_and(|set| self.anywhere(set));
        if out_of_place || group.asks && !self.asked(self.tokens[from].sentence) {
            return false;
        }
        let range = match group.alone {
            Alone::Anywhere => return true,
            Alone::Sentence => self.sentence(self.tokens[from].sentence),
            Alone::Reply => 0..self.tokens.len(),
        };
        if self.lone(from..to, range) {
            return true;
        }
        // The first line of a text message counts as a whole reply where it is an opt-out.
        let opt_out = self.medium == Medium::Sms && group.kind == Kind::Label(Label::OptOut);
        let line = self.first_line.filter(|_| group.alone == Alone::Reply && opt_out);
        line.is_some_and(|end| self.lone(from..to, 0..self.tokens.partition_point(|t| (t.start as usize) < end)))
    }

    /// Whether sentence `n` ends with a question mark.
    fn asked(&self, n: u32) -> bool {
        let end = self.sentence(n).end;
        let from = self.tokens[end - 1].end as usize;
        let to = self.tokens.get(end).map_or(self.text.len(), |t| t.start as usize);
        self.text[from..to.max(from)].bytes().take(QUESTION_MARK_WITHIN).any(|b| b == b'?')
    }

    /// Whether `all` holds nothing but fillers and repetitions beside `part`.
    fn lone(&self, part: std::ops::Range<usize>, all: std::ops::Range<usize>) -> bool {
        if part.end > all.end || part.start < all.start {
            return false;
        }
        if self.weight(all.clone()) == self.weight(part.clone()) {
            return true;
        }
        let words = &self.tokens[part.clone()];
        if all.len() > LONGEST_CHANT {
            return false;
        }
        // Looked through only where everything else could be a repetition; the first word that is none ends it.
        all.filter(|i| !part.contains(i)).all(|i| {
            self.weight(i..i + 1) == 0
                || words.len() <= 4 && self.tokens[i].word != 0 && words.iter().any(|w| w.word == self.tokens[i].word)
        })
    }
}
