//! Finds the days a text speaks of: "until 30 September 2026", "after summer", "in two weeks", "mid-June", "5/31".
//!
//! Each place in the text is tried once and looks a bounded way ahead. What is past ("last June", "two years ago") is
//! passed over, and a bare length ("six months") is kept only as a weak hint.

use super::calendar::{Almanac, Cal, Plain, Present, Stretch};
use super::token::Token;
use super::vocabulary::Vocabulary;

/// A day spoken of in tokens `from..to`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DateRef {
    pub from: usize,
    pub to: usize,
    pub day: i32,
    pub grain: Grain,
    /// Its preposition, if it had one that matters.
    pub relation: Option<Plain>,
    /// A length of time without a word that makes it a date.
    pub weak: bool,
    /// "This year": the day is when it is over.
    pub current: bool,
    /// Said without a name ("the new fiscal year"): a named month close by says more.
    pub soft: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grain {
    Day,
    Week,
    /// A month or longer.
    Long,
}

pub struct Reader<'a> {
    pub tokens: &'a [Token],
    pub words: &'a Vocabulary,
    pub text: &'a str,
    pub almanac: &'a Almanac,
    pub present: Present,
}

/// A date without its preposition.
#[derive(Clone, Copy)]
pub struct Core {
    pub stretch: Stretch,
    pub grain: Grain,
    pub to: usize,
    pub weak: bool,
    pub current: bool,
    pub soft: bool,
    pub past: bool,
}

impl Core {
    pub fn new(stretch: Stretch, grain: Grain, to: usize) -> Core {
        Core { stretch, grain, to, weak: false, current: false, soft: false, past: false }
    }
    pub fn day(day: i32, to: usize) -> Core {
        Core::new((day, day), Grain::Day, to)
    }
    pub fn long(stretch: Stretch, to: usize) -> Core {
        Core::new(stretch, Grain::Long, to)
    }
}

impl Reader<'_> {
    pub fn dates(&self) -> Vec<DateRef> {
        let mut out = Vec::new();
        let mut i = 0;
        while i < self.tokens.len() {
            match self.date_at(i) {
                Some((date, to)) => {
                    out.extend(date);
                    i = to;
                }
                None => i += 1,
            }
        }
        out
    }

    pub fn cal(&self, i: usize) -> Option<Cal> {
        self.words.info(self.tokens.get(i)?.word).cal
    }
    pub fn is(&self, i: usize, plain: Plain) -> bool {
        self.cal(i) == Some(Cal::Plain(plain))
    }
    /// The value of a number in figures or words.
    pub fn count(&self, i: usize) -> Option<u32> {
        let t = self.tokens.get(i)?;
        match self.cal(i) {
            _ if t.is_number() => Some(t.number),
            Some(Cal::Count(n)) => Some(u32::from(n)),
            _ => None,
        }
    }
    /// The characters between token `i` and the next, if there are few.
    pub fn between(&self, i: usize) -> &str {
        match (self.tokens.get(i), self.tokens.get(i + 1)) {
            (Some(a), Some(b)) if b.start >= a.end && b.start - a.end <= 3 => {
                &self.text[a.end as usize..b.start as usize]
            }
            _ => "\n",
        }
    }
    pub fn figures(&self, i: usize) -> Option<u32> {
        self.tokens.get(i).filter(|t| t.is_number()).map(|t| t.number)
    }
    pub fn skip_the(&self, mut i: usize) -> usize {
        let from = i;
        while i < from + 3 && self.is(i, Plain::The) && self.same_sentence(from, i) {
            i += 1;
        }
        i
    }
    pub fn same_sentence(&self, i: usize, j: usize) -> bool {
        self.tokens.get(j).is_some_and(|t| t.sentence == self.tokens[i].sentence)
    }

    /// A date that begins at token `i`, or a past one to pass over, and where to go on.
    fn date_at(&self, i: usize) -> Option<(Option<DateRef>, usize)> {
        let (relation, start) = self.relation(i);
        let need_end = matches!(relation, Some(Plain::Through | Plain::After));
        let core = self.core(start, relation, need_end)?;
        if core.past {
            return Some((None, core.to));
        }
        let mut core = self.range(core).unwrap_or(core);
        if self.is(core.to, Plain::Ago) {
            return Some((None, core.to + 1));
        }
        if self.is(core.to, Plain::Hence) {
            core.to += 1;
            core.weak = false;
        }
        let day = match relation {
            Some(Plain::After) if !core.weak => core.stretch.1 + 1,
            Some(Plain::Through) => core.stretch.1,
            _ => core.stretch.0,
        };
        let relation = relation.filter(|r| !matches!(r, Plain::For | Plain::On | Plain::At | Plain::The));
        let date = DateRef {
            from: i,
            to: core.to,
            day,
            grain: core.grain,
            relation,
            weak: core.weak,
            current: core.current,
            soft: core.soft,
        };
        Some((Some(date), core.to))
    }

    fn relation(&self, i: usize) -> (Option<Plain>, usize) {
        let mut relation = None;
        let mut at = i;
        while at < i + 3
            && let Some(Cal::Plain(p)) = self.cal(at)
            && self.same_sentence(i, at)
        {
            match p {
                Plain::Until
                | Plain::Through
                | Plain::After
                | Plain::Before
                | Plain::By
                | Plain::In
                | Plain::From
                | Plain::For => {
                    relation = Some(p);
                }
                Plain::To if relation.is_some() => {}
                Plain::On | Plain::At | Plain::The
                    if relation.is_some() || self.core(self.skip_the(at + 1), relation, false).is_some() =>
                {
                    relation = relation.or(Some(p));
                }
                _ => break,
            }
            at += 1;
        }
        (relation, self.skip_the(at))
    }

    /// "from 8/10 through 8/21", "July 6 to July 17": the second date counts.
    fn range(&self, first: Core) -> Option<Core> {
        let joined = match self.cal(first.to) {
            Some(Cal::Plain(Plain::To | Plain::Through | Plain::Until)) => 1,
            _ if matches!(self.between(first.to - 1).trim(), "-" | "–" | "—") => 0,
            _ => return None,
        };
        let at = self.skip_the(first.to + joined);
        let second = self.core(at, Some(Plain::Until), true).filter(|_| self.same_sentence(first.to - 1, at));
        let bare_day = || {
            let day = self.figures(at).filter(|d| (1..=31).contains(d) && first.grain == Grain::Day)?;
            let same_month =
                first.stretch.0 + day as i32 - i32::from(crate::domain::time::date_of_day(first.stretch.0).day());
            Some(Core::day(same_month, at + 1)).filter(|c| c.stretch.0 > first.stretch.0)
        };
        let second = second.or_else(bare_day)?;
        Some(Core { stretch: (second.stretch.0.max(first.stretch.0), second.stretch.1.max(first.stretch.1)), ..second })
    }
}
