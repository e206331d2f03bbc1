//! Days named by words: "next quarter", "end of the year", "mid-June", "after summer", "this week".
//!
//! Each function reads one kind of name at one place of the text; `dates` says where to look and what a preposition does.

use super::calendar::{Cal, Plain, Stretch, Unit};
use super::dates::{Core, Grain, Reader};

impl Reader<'_> {
    /// A date without its preposition that begins at token `i`.
    pub fn core(&self, i: usize, relation: Option<Plain>, need_end: bool) -> Option<Core> {
        let token = self.tokens.get(i)?;
        if token.is_number() {
            return self.numeric(i, relation).or_else(|| self.day_month(i)).or_else(|| self.length(i, relation));
        }
        let p = &self.present;
        match self.cal(i)? {
            Cal::Month(m, doubtful) => self.month(i, m, doubtful && !self.supports(relation), need_end),
            Cal::Weekday(w, doubtful) => self.weekday(i, w, doubtful && !self.supports(relation)),
            Cal::Season(s) => self.supports(relation).then(|| {
                let (year, to) = self.year_after(i + 1);
                Core::long(p.season(s, year, need_end, self.almanac), to)
            }),
            Cal::Feast(f) => {
                let (year, to) = self.year_after(i + 1);
                p.feast(f, year, need_end, self.almanac)
                    .map(|s| Core { grain: Grain::Long, ..Core::new(s, Grain::Long, to) })
            }
            Cal::EndOf(unit) => self.this(unit).map(|s| Core::long((s.1, s.1), i + 1)),
            Cal::Ordinal(n) => self.ordinal(i, n, need_end),
            Cal::Count(_) => self.day_month(i).or_else(|| self.length(i, relation)),
            Cal::Plain(plain) => self.plain(i, plain, relation, need_end),
            Cal::Unit(_) | Cal::Part(_) => None,
        }
    }

    /// Whether a preposition makes a doubtful name ("may", "fall") a date.
    pub fn supports(&self, relation: Option<Plain>) -> bool {
        relation.is_some_and(|r| r != Plain::For)
    }

    fn plain(&self, i: usize, plain: Plain, relation: Option<Plain>, need_end: bool) -> Option<Core> {
        let p = &self.present;
        match plain {
            Plain::Today | Plain::Tonight => Some(Core::day(p.day, i + 1)),
            Plain::Tomorrow => Some(Core::day(p.day + 1, i + 1)),
            Plain::Next => self.next(i, need_end),
            Plain::This => self.this_one(i, relation),
            Plain::Past => {
                // "last June", "the past two years": consumed, so that nothing in it is taken for a date.
                let at = i + 1 + usize::from(self.count(i + 1).is_some());
                matches!(self.cal(at)?, Cal::Month(..) | Cal::Weekday(..) | Cal::Season(_) | Cal::Unit(_))
                    .then(|| Core { past: true, ..Core::day(p.day, at + 1) })
            }
            Plain::Start | Plain::Mid | Plain::Late | Plain::End => self.part_of(i, plain),
            Plain::Half => self.length(i, relation),
            Plain::Few | Plain::Couple | Plain::More => self.length(i, relation),
            // The new year begins on its first day and "after" it means the days that follow that.
            Plain::New if self.cal(i + 1) == Some(Cal::Unit(Unit::Year)) => {
                let first = p.year_ahead(1).0;
                Some(Core::long((first, first), i + 2))
            }
            Plain::New => {
                self.is(i + 1, Plain::Fiscal).then(|| self.plain(i + 1, Plain::Fiscal, relation, need_end)).flatten()
            }
            Plain::Fiscal if self.cal(i + 1) == Some(Cal::Unit(Unit::Year)) => {
                Some(Core { soft: true, ..Core::long(p.fiscal_year(need_end, self.almanac), i + 2) })
            }
            Plain::Q | Plain::H => {
                let n = self.figures(i + 1).filter(|_| self.between(i).is_empty())? as u8;
                let (year, to) = self.year_after(i + 2);
                match (plain, n) {
                    (Plain::Q, 1..=4) => Some(Core::long(p.quarter(n, year, need_end), to)),
                    (Plain::H, 1..=2) => Some(Core::long(p.half(n, year, need_end), to)),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// "end of the year", "mid-June", "late Q3", "middle of next month".
    fn part_of(&self, i: usize, part: Plain) -> Option<Core> {
        let at = self.skip_the(i + 1 + usize::from(matches!(self.cal(i + 1), Some(Cal::Plain(Plain::On | Plain::In)))));
        if matches!(self.cal(at), Some(Cal::Plain(Plain::Start | Plain::Mid | Plain::Late | Plain::End))) {
            return None;
        }
        let whole = self.core(at, Some(Plain::In), true).or_else(|| match self.cal(at)? {
            Cal::Unit(unit) => self
                .this(unit)
                .map(|s| Core::new(s, if unit == Unit::Week { Grain::Week } else { Grain::Long }, at + 1)),
            _ => None,
        });
        let whole = whole.filter(|w| w.stretch.1 > w.stretch.0)?;
        let (a, mut b) = whole.stretch;
        if part == Plain::End && b - a == 6 {
            b -= 2; // The end of a week is its Friday.
        }
        let stretch = match part {
            Plain::Start => (a, (a + 9).min(b)),
            Plain::Mid if b - a <= 31 => (a + 14.min((b - a) / 2), a + 20),
            Plain::Mid => (a + (b - a) / 2, a + (b - a) / 2 + 14),
            Plain::Late => (a + (b - a) * 2 / 3, b),
            _ => (b, b),
        };
        Some(Core { stretch, weak: false, current: false, ..whole })
    }

    /// The running week, month, quarter or year.
    pub fn this(&self, unit: Unit) -> Option<Stretch> {
        let p = &self.present;
        match unit {
            Unit::Week => Some(p.week_ahead(0)),
            Unit::Month => Some(p.month_ahead(0)),
            Unit::Quarter => Some(p.quarter_ahead(0)),
            Unit::Year => Some(p.year_ahead(0)),
            _ => None,
        }
    }

    fn next(&self, i: usize, need_end: bool) -> Option<Core> {
        let p = &self.present;
        let at = i + 1;
        if self.figures(at).is_some() {
            return self.length(at, Some(Plain::In));
        }
        match self.cal(at)? {
            Cal::Unit(Unit::Day) => Some(Core::day(p.day + 1, at + 1)),
            Cal::Unit(Unit::Week) => {
                let week = p.week_ahead(1);
                if let Some(Cal::Weekday(w, _)) = self.cal(at + 1) {
                    return Some(Core::day(week.0 + i32::from(w), at + 2));
                }
                Some(Core::new(week, Grain::Week, at + 1))
            }
            Cal::Unit(Unit::Month) => Some(Core::long(p.month_ahead(1), at + 1)),
            Cal::Unit(Unit::Quarter) => Some(Core::long(p.quarter_ahead(1), at + 1)),
            Cal::Unit(Unit::Year) => Some(Core::long(p.year_ahead(1), at + 1)),
            Cal::Month(m, _) => self.month(at, m, false, need_end),
            Cal::Weekday(w, _) => Some(Core::day(p.week_ahead(1).0 + i32::from(w), at + 1)),
            Cal::Season(s) => Some(Core::long(p.season(s, None, false, self.almanac), at + 1)),
            Cal::Plain(Plain::Fiscal) => Some(Core::long(
                p.fiscal_year(false, self.almanac),
                at + 1 + usize::from(self.cal(at + 1) == Some(Cal::Unit(Unit::Year))),
            )),
            Cal::Plain(Plain::Few | Plain::Couple) | Cal::Count(_) => self.length(at, Some(Plain::In)),
            Cal::Feast(f) => p.feast(f, None, false, self.almanac).map(|s| Core::long(s, at + 1)),
            _ => None,
        }
    }

    fn this_one(&self, i: usize, relation: Option<Plain>) -> Option<Core> {
        let p = &self.present;
        let at = i + 1;
        match self.cal(at)? {
            Cal::Unit(unit @ (Unit::Week | Unit::Month | Unit::Quarter | Unit::Year)) => {
                let s = self.this(unit)?;
                let over = s.1 + 1;
                let grain = if unit == Unit::Week { Grain::Week } else { Grain::Long };
                // Used with "after", the stretch itself is meant; alone it is only over when it is over.
                let stretch = if relation == Some(Plain::After) { s } else { (over, over) };
                Some(Core { current: relation != Some(Plain::After), ..Core::new(stretch, grain, at + 1) })
            }
            Cal::Weekday(w, _) => {
                let day = p.week_ahead(0).0 + i32::from(w);
                Some(Core::day(if day < p.day { day + 7 } else { day }, at + 1))
            }
            Cal::Month(m, _) => self.month(at, m, false, true),
            Cal::Season(s) => Some(Core::long(p.season(s, None, true, self.almanac), at + 1)),
            Cal::Part(_) => Some(Core::day(p.day, at)),
            Cal::Plain(Plain::Fiscal) => {
                let next = p.fiscal_year(false, self.almanac).0;
                Some(Core {
                    current: true,
                    ..Core::long((next, next), at + 1 + usize::from(self.cal(at + 1) == Some(Cal::Unit(Unit::Year))))
                })
            }
            Cal::Feast(f) => p.feast(f, None, true, self.almanac).map(|s| Core::long(s, at + 1)),
            _ => None,
        }
    }

    /// "first quarter", "second half of next year", "the 15th".
    fn ordinal(&self, i: usize, n: u8, need_end: bool) -> Option<Core> {
        let p = &self.present;
        let year_of = |at: usize| match (self.cal(self.skip_the(at)), self.skip_the(at)) {
            (Some(Cal::Unit(Unit::Year)), to) => (Some(p.date().year()), to + 1),
            (Some(Cal::Plain(Plain::Next)), to) if self.cal(to + 1) == Some(Cal::Unit(Unit::Year)) => {
                (Some(p.date().year() + 1), to + 2)
            }
            (Some(Cal::Plain(Plain::This)), to) if self.cal(to + 1) == Some(Cal::Unit(Unit::Year)) => {
                (Some(p.date().year()), to + 2)
            }
            _ => self.year_after(at),
        };
        match self.cal(i + 1)? {
            Cal::Unit(Unit::Quarter) if (1..=4).contains(&n) => {
                let (year, to) = year_of(i + 2);
                Some(Core::long(p.quarter(n, year, need_end), to))
            }
            Cal::Plain(Plain::Half) if (1..=2).contains(&n) => {
                let (year, to) = year_of(i + 2);
                Some(Core::long(p.half(n, year, need_end), to))
            }
            _ => self.day_month(i),
        }
    }

    /// A year in figures from 2000 to 2099 at `i` (after "of", "in" or a comma), and where to go on.
    pub fn year_after(&self, i: usize) -> (Option<i16>, usize) {
        let at = self.skip_the(i);
        match self.figures(at) {
            Some(y @ 2000..=2099) if self.tokens[at].before != super::token::Break::Hard => (Some(y as i16), at + 1),
            _ => (None, i),
        }
    }
}
