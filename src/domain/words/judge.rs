//! From phrases found to phrases that count: what is hidden, contained, negated or supposed is sorted out here.
//!
//! A phrase inside a longer one is part of that; a negation within reach turns it round; an "if" before it makes it a
//! supposition. What remains is handed to `compose`, which makes findings of it.

use std::borrow::Cow;

use super::finding::{Label, Medium};
use super::group::{Kind, Needs, Negated};
use super::lexicon::Lexicon;
use super::scan::Hit;
use super::token::{Break, Shape, Token};

/// A phrase that counts.
#[derive(Clone, Copy, Debug)]
pub struct Said {
    pub label: Label,
    pub group: usize,
    pub from: usize,
    pub to: usize,
    pub certain: bool,
}

pub struct Judge<'a> {
    pub lexicon: &'a Lexicon,
    pub medium: Medium,
    pub text: &'a str,
    pub tokens: &'a [Token],
    /// The neutral phrase or boilerplate that hides a token, by number; 0 for none.
    pub(super) hidden: Vec<u32>,
    /// The stretches that are boilerplate, in order.
    pub(super) boilerplate: Vec<std::ops::Range<usize>>,
    /// The labels whose phrases a negation took back: what is denied in so many words is not meant either.
    pub(super) denied: u32,
    /// Where the phrase that a token belongs to ends; 0 for none.
    pub(super) taken: Vec<u32>,
    /// How many tokens before each one are more than fillers.
    weight: Vec<u32>,
    /// The sets that any word of the text belongs to.
    sets: u128,
    /// Where the first line that holds anything ends, if another follows.
    pub(super) first_line: Option<usize>,
}

impl<'a> Judge<'a> {
    pub fn new(lexicon: &'a Lexicon, medium: Medium, text: &'a str, tokens: &'a [Token]) -> Judge<'a> {
        let sets = tokens.iter().fold(0, |all, t| all | lexicon.words.info(t.word).sets);
        let first_line = tokens.first().and_then(|t| text[t.start as usize..].find('\n').map(|n| n + t.start as usize));
        let (hidden, weight) = (vec![0; tokens.len()], Vec::with_capacity(tokens.len() + 1));
        let (boilerplate, taken) = (Vec::new(), vec![0; tokens.len()]);
        let mut judge =
            Judge { lexicon, medium, text, tokens, hidden, boilerplate, denied: 0, taken, weight, sets, first_line };
        let (mut sum, mut thanking) = (0, false);
        judge.weight.push(0);
        for (i, token) in tokens.iter().enumerate() {
            // "Thank you so much for the offer" is as empty as "thanks".
            thanking = judge.has(i, lexicon.known.thanks)
                || thanking && token.before == Break::None && judge.has(i, lexicon.known.thanks_tail);
            sum += u32::from(!thanking && !judge.fills(i));
            judge.weight.push(sum);
        }
        judge
    }

    pub fn has(&self, i: usize, set: u8) -> bool {
        self.lexicon.words.info(self.tokens[i].word).sets >> set & 1 == 1
    }

    /// Greetings, politeness, and the name that goes with a greeting or closes a letter.
    fn fills(&self, i: usize) -> bool {
        let known = &self.lexicon.known;
        if self.has(i, known.filler) || self.has(i, known.greeting) {
            return true;
        }
        let named = |t: &Token| t.shape == Shape::Capital && !self.has(i, known.stopword);
        let greeted = i > 0 && self.has(i - 1, known.greeting) && self.tokens[i].before == Break::None;
        let alone =
            self.tokens[i].word == 0 && i > 0 && self.tokens[i].before != Break::None && i + 1 == self.tokens.len();
        (greeted || alone) && named(&self.tokens[i])
    }

    /// The words that somebody wrote, without boilerplate.
    pub fn spoken(&self) -> Cow<'_, [Token]> {
        if self.boilerplate.is_empty() {
            return Cow::Borrowed(self.tokens);
        }
        let mut spoken = Vec::with_capacity(self.tokens.len());
        let mut from = 0;
        for hidden in &self.boilerplate {
            spoken.extend_from_slice(&self.tokens[from..hidden.start.max(from)]);
            from = hidden.end.max(from);
        }
        spoken.extend_from_slice(&self.tokens[from..]);
        Cow::Owned(spoken)
    }

    /// The tokens of sentence `n`.
    pub fn sentence(&self, n: u32) -> std::ops::Range<usize> {
        self.tokens.partition_point(|t| t.sentence < n)..self.tokens.partition_point(|t| t.sentence <= n)
    }
    /// How many words of `range` are more than fillers.
    pub fn weight(&self, range: std::ops::Range<usize>) -> u32 {
        self.weight[range.end] - self.weight[range.start]
    }
    pub fn anywhere(&self, set: u8) -> bool {
        self.sets >> set & 1 == 1
    }

    /// The phrases that count, in the order of the text.
    pub fn judge(&mut self, mut hits: Vec<Hit>) -> Vec<Said> {
        let group = |h: &Hit| &self.lexicon.groups[usize::from(h.group)];
        let medium = self.medium.bit();
        hits.retain(|h| group(h).media & medium != 0);
        hits.sort_unstable_by_key(|h| (h.from, std::cmp::Reverse(h.to), h.group));
        self.hide(&hits);
        let kept = self.uncontained(&hits);
        // "Not sure this is what we need": a doubt goes on to what is doubted.
        let spent = |h: &&Hit| group(h).kind != Kind::Label(Label::Vague);
        for h in kept.iter().filter(spent) {
            self.taken[h.from as usize..h.to as usize].fill(h.to);
        }
        let said: Vec<Result<Said, u32>> = kept.iter().map(|h| self.weigh(h)).collect();
        self.denied = said.iter().filter_map(|s| s.as_ref().err()).fold(0, |all, label| all | label);
        said.into_iter().filter_map(Result::ok).collect()
    }

    fn hide(&mut self, hits: &[Hit]) {
        let (mut footer_to, mut number) = (0, 0);
        for h in hits {
            number += 1;
            match self.lexicon.groups[usize::from(h.group)].kind {
                Kind::Neutral => self.hidden[h.from as usize..h.to as usize].fill(number),
                Kind::Footer if (h.from as usize) < footer_to => {}
                Kind::Footer => {
                    let from = self.sentence(self.tokens[h.from as usize].sentence).start;
                    let line = self.text[self.tokens[h.from as usize].start as usize..].find('\n');
                    let end = line.map_or(self.text.len(), |n| n + self.tokens[h.from as usize].start as usize) as u32;
                    let to = self.tokens.partition_point(|t| t.start < end);
                    self.hidden[from.max(footer_to)..to].fill(number);
                    self.boilerplate.push(from.max(footer_to)..to);
                    footer_to = to;
                }
                Kind::Label(_) => {}
            }
        }
    }

    /// Without hits that are hidden or lie inside another. `hits` is sorted by start, the longer first.
    fn uncontained(&self, hits: &[Hit]) -> Vec<Hit> {
        let mut kept: Vec<Hit> = Vec::new();
        // The longest reach so far, of phrases without gaps; hits that start later and end within it are part of it.
        let mut cover: Option<Hit> = None;
        for h in hits {
            let Kind::Label(label) = self.lexicon.groups[usize::from(h.group)].kind else { continue };
            let group = &self.lexicon.groups[usize::from(h.group)];
            if self.is_hidden(h) || !self.stands(h, group) {
                continue;
            }
            let inside = cover.is_some_and(|c| h.to <= c.to && (c.from < h.from || h.to < c.to));
            let again = kept.iter().rev().take(4).any(|k| {
                let same = self.lexicon.groups[usize::from(k.group)].kind == Kind::Label(label);
                // What still needs a date may come to nothing, and must not take along what needs none.
                let sure = self.needs(k) == Needs::Nothing || self.needs(h) != Needs::Nothing;
                same && sure
                    && k.from <= h.from
                    && h.to <= k.to
                    && (k.group == h.group || (k.from, k.to) != (h.from, h.to) || k.gappy)
            });
            if inside {
                continue;
            }
            if !again {
                kept.push(*h);
            }
            // "I am no longer with Acme" is an automatic reply and says who is gone.
            if !h.gappy && label != Label::AutoReply && cover.is_none_or(|c| h.to > c.to) {
                cover = Some(*h);
            }
        }
        kept
    }

    fn needs(&self, h: &Hit) -> Needs {
        self.lexicon.groups[usize::from(h.group)].needs
    }

    /// Hidden is what lies inside a neutral phrase, shares a part with one, or skips over one.
    fn is_hidden(&self, h: &Hit) -> bool {
        let (from, to) = (h.from as usize, h.to as usize);
        let cut = |a: usize, b: usize| self.hidden.get(b).is_some_and(|n| *n != 0 && *n == self.hidden[a]);
        let inside = self.hidden[from..to].iter().filter(|n| **n != 0).count();
        inside == to - from || from > 0 && cut(from - 1, from) || cut(to - 1, to) || h.gappy && inside > 0
    }

    /// The phrase as it counts; or else the label that a negation took back, as a bit, or 0.
    fn weigh(&self, h: &Hit) -> Result<Said, u32> {
        let group = &self.lexicon.groups[usize::from(h.group)];
        let Kind::Label(mut label) = group.kind else { return Err(0) };
        let (from, to) = (h.from as usize, h.to as usize);
        let mut certain = group.certain;
        let supposed = matches!(label, Label::Interest | Label::Disinterest | Label::Callback)
            && (self.near_before(from, self.lexicon.known.condition).is_some() || self.doubted(from));
        if supposed {
            return Err(0);
        }
        if group.negated != Negated::Keep
            && let Some(distance) = self.negated(from)
        {
            match group.negated {
                // "I never said stop calling" is no opt-out; "I can not get you to stop calling me" is one.
                Negated::Drop if label == Label::OptOut && distance > 1 && !self.said_before(from) => {}
                Negated::Becomes(other) => {
                    label = other;
                    certain = false;
                }
                _ => return Err(label.bit()),
            }
        }
        Ok(Said { label, group: usize::from(h.group), from, to, certain })
    }
}
