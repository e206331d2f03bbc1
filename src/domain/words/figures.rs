//! Days given by figures, weekdays and lengths of time: "10 June", "5/31", "15.08.2026", "Monday", "in two weeks".
//!
//! Which of day and month comes first is the writer's custom (`Present::day_first`) unless the figures decide it.

use super::calendar::{Cal, Plain, Unit, year};
use super::dates::{Core, Grain, Reader};
use super::token::Break;

impl Reader<'_> {
    pub fn weekday(&self, i: usize, w: u8, doubtful: bool) -> Option<Core> {
        let p = &self.present;
        // "Monday, March 16" and "Monday the 16th": the date says more than the day.
        let at = self.skip_the(i + 1);
        let exact = match self.cal(at) {
            Some(Cal::Month(..)) => self.core(at, Some(Plain::On), false),
            _ if self.figures(at).is_some() => self.numeric(at, Some(Plain::On)).or_else(|| self.day_month(at)),
            _ => None,
        };
        if let Some(core) = exact.filter(|c| c.grain == Grain::Day && self.same_sentence(i, at)) {
            return Some(core);
        }
        if doubtful
            && !matches!(self.cal(i + 1), Some(Cal::Plain(Plain::At | Plain::After | Plain::Before) | Cal::Part(_)))
            && self.figures(i + 1).is_none()
        {
            return None;
        }
        if self.is(i + 1, Plain::Next) && self.cal(i + 2) == Some(Cal::Unit(Unit::Week)) {
            return Some(Core::day(p.week_ahead(1).0 + i32::from(w), i + 3));
        }
        let ahead = (i32::from(w) - p.weekday() - 1).rem_euclid(7) + 1;
        Some(Core::day(p.day + ahead, i + 1))
    }

    /// "June", "June 2027", "June 10", "June 10th, 2026".
    pub fn month(&self, i: usize, m: u8, doubtful: bool, need_end: bool) -> Option<Core> {
        let p = &self.present;
        let at = self.skip_the(i + 1);
        let near =
            self.tokens.get(at).is_some_and(|t| t.before != Break::Hard && t.sentence == self.tokens[i].sentence);
        if let Some(day @ 1..=31) = self
            .figures(at)
            .filter(|_| near && !matches!(self.between(at), ":") && self.cal(at + 1) != Some(Cal::Plain(Plain::Pm)))
        {
            let after = at + 1 + usize::from(self.is(at + 1, Plain::Suffix));
            let (year, to) = self.year_after(after);
            return p.day_of(m, day, year).map(|d| Core::day(d, to));
        }
        let (year, to) = self.year_after(i + 1);
        if doubtful && year.is_none() {
            return None;
        }
        Some(Core::long(p.month(m, year, need_end), to))
    }

    /// "10 June", "1st of September 2026", "the 15th".
    pub fn day_month(&self, i: usize) -> Option<Core> {
        let p = &self.present;
        let (day, after) = match self.cal(i) {
            Some(Cal::Ordinal(n)) => (u32::from(n), i + 1),
            _ => (self.figures(i)?, i + 1 + usize::from(self.is(i + 1, Plain::Suffix))),
        };
        let at = self.skip_the(after + usize::from(self.is(after, Plain::On)));
        if let Some(Cal::Month(m, _)) = self.cal(at).filter(|_| self.tokens[at].before != Break::Hard) {
            let (year, to) = self.year_after(at + 1);
            return p.day_of(m, day, year).map(|d| Core::day(d, to));
        }
        let suffixed = self.is(i + 1, Plain::Suffix) && i > 0 && self.is(i - 1, Plain::The);
        suffixed.then(|| p.day_of_month(day)).flatten().map(|d| Core::day(d, i + 2))
    }

    /// One past a sum of money that begins at token `i`: "$450", "EUR 12k", "5k", "50 bucks". `currency` is the set of
    /// its signs and names.
    pub fn money(&self, i: usize, currency: u8) -> Option<usize> {
        let named = |at: usize| {
            let token = self.tokens.get(at)?;
            (self.words.info(token.word).sets >> currency & 1 == 1).then_some(at)
        };
        let signed = named(i).is_some();
        let at = i + usize::from(signed);
        self.figures(at).filter(|_| self.same_sentence(i, at))?;
        let mut to = at + 1;
        while to < at + 3 && named(to).is_some() && self.same_sentence(i, to) {
            to += 1;
        }
        (signed || to > at + 1).then_some(to)
    }

    /// ISO dates, 5/31, 5/31/26, 15.08.2026, 6/2027, and years.
    pub fn numeric(&self, i: usize, relation: Option<Plain>) -> Option<Core> {
        let p = &self.present;
        let (a, b, c) = (self.figures(i)?, self.figures(i + 1), self.figures(i + 2));
        let (s1, s2) = (self.between(i), self.between(i + 1));
        let full_year = |y: u32| if y < 100 { (2000 + y) as i16 } else { y.min(9999) as i16 };
        let three = b.zip(c).filter(|_| s1 == s2 && matches!(s1, "-" | "/" | "."));
        if let Some((b, c)) = three {
            let (day, month, y) = match (a, s1) {
                (1000.., _) => (c, b, a),
                (_, ".") => (a, b, c),
                (13.., _) => (a, b, c),
                _ if p.day_first && b <= 12 => (a, b, c),
                _ => (b, a, c),
            };
            return p.day_of(u8::try_from(month).ok()?, day, Some(full_year(y))).map(|d| Core::day(d, i + 3));
        }
        if let Some(b) = b.filter(|_| s1 == "/") {
            let (day, month) = if p.day_first && b <= 12 || a > 12 { (a, b) } else { (b, a) };
            return match (a, b) {
                (1..=12, 2000..=2099) => Some(Core::long(p.month(a as u8, Some(b as i16), false), i + 2)),
                (24, 7) => None,
                _ => p.day_of(u8::try_from(month).ok()?, day, None).map(|d| Core::day(d, i + 2)),
            };
        }
        if let Some(b) = b.filter(|b| s1 == "." && (1..=12).contains(b) && self.supports(relation)) {
            return p.day_of(b as u8, a, None).map(|d| Core::day(d, i + 2));
        }
        let years =
            (2000..=2099).contains(&a) && self.supports(relation) && i32::from(a as i16) >= i32::from(p.date().year());
        years.then(|| Core::long(year(a as i16), i + 1))
    }

    /// "in two weeks", "another 6 months", "half a year", "a couple of months from now"; a bare length is weak.
    pub fn length(&self, i: usize, relation: Option<Plain>) -> Option<Core> {
        let mut at = i;
        let mut weak = !matches!(relation, Some(Plain::In | Plain::After));
        while self.is(at, Plain::More) && at < i + 2 {
            weak = false;
            at += 1;
        }
        let half = self.is(at, Plain::Half);
        let count = if half {
            1
        } else if self.is(at, Plain::Few) || self.cal(at + 1) == Some(Cal::Plain(Plain::Few)) {
            3
        } else if self.is(at, Plain::Couple) || self.cal(at + 1) == Some(Cal::Plain(Plain::Couple)) {
            2
        } else if at > i && matches!(self.cal(at), Some(Cal::Unit(_))) {
            1
        } else {
            self.count(at)?
        };
        // "Another year" counts one without saying so.
        at += usize::from(!(at > i && matches!(self.cal(at), Some(Cal::Unit(_)))));
        if matches!(self.cal(at), Some(Cal::Plain(Plain::Few | Plain::Couple))) {
            at += 1;
        }
        // "half a year", "couple of months", "3-4 weeks", "three more months"
        for _ in 0..3 {
            let filler = self.is(at, Plain::The)
                || self.is(at, Plain::On)
                || half && self.count(at) == Some(1)
                || self.is(at, Plain::More);
            let upper = self.between(at - 1) == "-" && self.count(at).is_some()
                || self.is(at, Plain::To) && self.count(at + 1).is_some();
            weak &= !self.is(at, Plain::More);
            if filler || upper {
                at += 1 + usize::from(upper && self.is(at, Plain::To));
            }
        }
        let Some(Cal::Unit(unit)) = self.cal(at).filter(|_| self.same_sentence(i, at)) else { return None };
        let count = i32::try_from(count).ok().filter(|n| *n <= 1000)?;
        let day = match (half, unit) {
            (true, Unit::Year) => self.present.ahead(Unit::Month, 6)?,
            (true, _) => return None,
            _ => self.present.ahead(unit, count)?,
        };
        let grain = match unit {
            Unit::Day if count < 21 => Grain::Day,
            Unit::Week if count < 4 => Grain::Week,
            _ => Grain::Long,
        };
        Some(Core { weak, ..Core::new((day, day), grain, at + 1) })
    }
}
