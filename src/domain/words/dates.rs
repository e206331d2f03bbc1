//! Finds the days a text speaks of: "until 30 September 2026", "after summer", "in two weeks", "mid-June", "5/31".
//!
//! Each place in the text is tried once and looks a bounded way ahead. What is past ("last June", "two years ago") is
//! passed over, and a bare length ("six months") is kept only as a weak hint.

use super::calendar::{Almanac, Cal, Plain, Present, Stretch, Unit, year};
use super::token::{Break, Token};
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
struct Core {
    stretch: Stretch,
    grain: Grain,
    to: usize,
    weak: bool,
    current: bool,
    soft: bool,
    past: bool,
}

impl Core {
    fn new(stretch: Stretch, grain: Grain, to: usize) -> Core {
        Core { stretch, grain, to, weak: false, current: false, soft: false, past: false }
    }
    fn day(day: i32, to: usize) -> Core {
        Core::new((day, day), Grain::Day, to)
    }
    fn long(stretch: Stretch, to: usize) -> Core {
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
            (Some(a), Some(b)) if b.start >= a.end && b.start - a.end <= 3 => &self.text[a.end as usize..b.start as usize],
            _ => "\n",
        }
    }
    fn figures(&self, i: usize) -> Option<u32> {
        self.tokens.get(i).filter(|t| t.is_number()).map(|t| t.number)
    }
    fn skip_the(&self, mut i: usize) -> usize {
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
        let need_end = matches!(relation, Some(Plain::Until | Plain::Through | Plain::After));
        let core = self.core(start, relation, need_end)?;
        if core.past {
            return Some((None, core.to));
        }
        let mut core = self.range(core, relation).unwrap_or(core);
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
        let date = DateRef { from: i, to: core.to, day, grain: core.grain, relation, weak: core.weak, current: core.current, soft: core.soft };
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
                Plain::Until | Plain::Through | Plain::After | Plain::Before | Plain::By | Plain::In | Plain::From | Plain::For => {
                    relation = Some(p);
                }
                Plain::On | Plain::At | Plain::The if relation.is_some() || self.core(at + 1, relation, false).is_some() => {
                    relation = relation.or(Some(p));
                }
                _ => break,
            }
            at += 1;
        }
        (relation, self.skip_the(at))
    }

    /// "from 8/10 through 8/21", "July 6 to July 17": the second date counts, unless it is about starting.
    fn range(&self, first: Core, relation: Option<Plain>) -> Option<Core> {
        let joined = match self.cal(first.to) {
            Some(Cal::Plain(Plain::To | Plain::Through | Plain::Until)) => 1,
            _ if matches!(self.between(first.to - 1).trim(), "-" | "–" | "—") => 0,
            _ => return None,
        };
        let at = self.skip_the(first.to + joined);
        let second = self.core(at, Some(Plain::Until), true).filter(|_| self.same_sentence(first.to - 1, at));
        let bare_day = || {
            let day = self.figures(at).filter(|d| (1..=31).contains(d) && first.grain == Grain::Day)?;
            let same_month = first.stretch.0 + day as i32 - i32::from(crate::domain::time::date_of_day(first.stretch.0).day());
            Some(Core::day(same_month, at + 1)).filter(|c| c.stretch.0 > first.stretch.0)
        };
        let second = second.or_else(bare_day)?;
        let _ = relation;
        Some(Core { stretch: (second.stretch.0.max(first.stretch.0), second.stretch.1.max(first.stretch.1)), ..second })
    }

    fn core(&self, i: usize, relation: Option<Plain>, need_end: bool) -> Option<Core> {
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
                p.feast(f, year, need_end, self.almanac).map(|s| Core { grain: Grain::Long, ..Core::new(s, Grain::Long, to) })
            }
            Cal::EndOf(unit) => self.this(unit).map(|s| Core::long((s.1, s.1), i + 1)),
            Cal::Ordinal(n) => self.ordinal(i, n, need_end),
            Cal::Count(_) => self.day_month(i).or_else(|| self.length(i, relation)),
            Cal::Plain(plain) => self.plain(i, plain, relation, need_end),
            Cal::Unit(_) | Cal::Part(_) => None,
        }
    }

    fn supports(&self, relation: Option<Plain>) -> bool {
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
            Plain::New => self.is(i + 1, Plain::Fiscal).then(|| self.plain(i + 1, Plain::Fiscal, relation, need_end)).flatten(),
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
        let at = self.skip_the(i + 1);
        if matches!(self.cal(at), Some(Cal::Plain(Plain::Start | Plain::Mid | Plain::Late | Plain::End))) {
            return None;
        }
        let whole = self.core(at, Some(Plain::In), true).or_else(|| match self.cal(at)? {
            Cal::Unit(unit) => self.this(unit).map(|s| Core::new(s, if unit == Unit::Week { Grain::Week } else { Grain::Long }, at + 1)),
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
            Cal::Plain(Plain::Fiscal) => Some(Core::long(p.fiscal_year(false, self.almanac), at + 1 + usize::from(self.cal(at + 1) == Some(Cal::Unit(Unit::Year))))),
            Cal::Plain(Plain::Few | Plain::Couple) | Cal::Count(_) => self.length(at, Some(Plain::In)),
            Cal::Feast(f) => p.feast(f, None, false, self.almanac).map(|s| Core::long(s, at + 1)),
            _ if self.tokens[at].is_number() => self.length(at, Some(Plain::In)),
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
                Some(Core { current: true, ..Core::long((next, next), at + 1 + usize::from(self.cal(at + 1) == Some(Cal::Unit(Unit::Year)))) })
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
            (Some(Cal::Plain(Plain::Next)), to) if self.cal(to + 1) == Some(Cal::Unit(Unit::Year)) => (Some(p.date().year() + 1), to + 2),
            (Some(Cal::Plain(Plain::This)), to) if self.cal(to + 1) == Some(Cal::Unit(Unit::Year)) => (Some(p.date().year()), to + 2),
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
    fn year_after(&self, i: usize) -> (Option<i16>, usize) {
        let at = self.skip_the(i);
        match self.figures(at) {
            Some(y @ 2000..=2099) if self.tokens[at].before != Break::Hard => (Some(y as i16), at + 1),
            _ => (None, i),
        }
    }

    fn weekday(&self, i: usize, w: u8, doubtful: bool) -> Option<Core> {
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
        if doubtful && !matches!(self.cal(i + 1), Some(Cal::Plain(Plain::At | Plain::After | Plain::Before) | Cal::Part(_))) && self.figures(i + 1).is_none() {
            return None;
        }
        if self.is(i + 1, Plain::Next) && self.cal(i + 2) == Some(Cal::Unit(Unit::Week)) {
            return Some(Core::day(p.week_ahead(1).0 + i32::from(w), i + 3));
        }
        let ahead = (i32::from(w) - p.weekday() - 1).rem_euclid(7) + 1;
        Some(Core::day(p.day + ahead, i + 1))
    }

    /// "June", "June 2027", "June 10", "June 10th, 2026".
    fn month(&self, i: usize, m: u8, doubtful: bool, need_end: bool) -> Option<Core> {
        let p = &self.present;
        let at = self.skip_the(i + 1);
        let near = self.tokens.get(at).is_some_and(|t| t.before != Break::Hard && t.sentence == self.tokens[i].sentence);
        if let Some(day @ 1..=31) = self.figures(at).filter(|_| near && !matches!(self.between(at), ":") && self.cal(at + 1) != Some(Cal::Plain(Plain::Pm))) {
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
    fn day_month(&self, i: usize) -> Option<Core> {
        let p = &self.present;
        let (day, after) = match self.cal(i) {
            Some(Cal::Ordinal(n)) => (u32::from(n), i + 1),
            _ => (self.figures(i)?, i + 1 + usize::from(self.is(i + 1, Plain::Suffix))),
        };
        let at = self.skip_the(after);
        if let Some(Cal::Month(m, _)) = self.cal(at).filter(|_| self.tokens[at].before != Break::Hard) {
            let (year, to) = self.year_after(at + 1);
            return p.day_of(m, day, year).map(|d| Core::day(d, to));
        }
        let suffixed = self.is(i + 1, Plain::Suffix) && i > 0 && self.is(i - 1, Plain::The);
        suffixed.then(|| p.day_of_month(day)).flatten().map(|d| Core::day(d, i + 2))
    }

    /// ISO dates, 5/31, 5/31/26, 15.08.2026, 6/2027, and years.
    fn numeric(&self, i: usize, relation: Option<Plain>) -> Option<Core> {
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
        let years = (2000..=2099).contains(&a) && self.supports(relation) && i32::from(a as i16) >= i32::from(p.date().year());
        years.then(|| Core::long(year(a as i16), i + 1))
    }

    /// "in two weeks", "another 6 months", "half a year", "a couple of months from now"; a bare length is weak.
    fn length(&self, i: usize, relation: Option<Plain>) -> Option<Core> {
        let mut at = i;
        let mut weak = !matches!(relation, Some(Plain::In | Plain::After));
        while self.is(at, Plain::More) && at < i + 2 {
            weak = false;
            at += 1;
        }
        let half = self.is(at, Plain::Half);
        let count = if half { 1 } else if self.is(at, Plain::Few) || self.cal(at + 1) == Some(Cal::Plain(Plain::Few)) { 3 } else if self.is(at, Plain::Couple) || self.cal(at + 1) == Some(Cal::Plain(Plain::Couple)) { 2 } else { self.count(at)? };
        at += 1;
        if matches!(self.cal(at), Some(Cal::Plain(Plain::Few | Plain::Couple))) {
            at += 1;
        }
        // "half a year", "couple of months", "3-4 weeks", "three more months"
        for _ in 0..3 {
            let filler = self.is(at, Plain::The) || half && self.count(at) == Some(1) || self.is(at, Plain::More);
            let upper = self.between(at - 1) == "-" && self.count(at).is_some() || self.is(at, Plain::To) && self.count(at + 1).is_some();
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
