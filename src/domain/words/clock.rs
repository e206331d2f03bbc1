//! Finds the times of day a text speaks of: "at 9", "after 3pm", "till 5", "tomorrow morning", "in an hour".
//!
//! A bare figure is a time only after a word like "at" and where nothing is counted with it ("after 6 calls").
//! Without am or pm, 7 to 11 is the morning, 1 to 6 the afternoon: hours at which people can be called.

use super::calendar::{Cal, Plain, Unit};
use super::dates::{DateRef, Reader};
use super::token::Break;

/// A time spoken of in tokens `from..to`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimeRef {
    pub from: usize,
    pub to: usize,
    pub when: When,
    /// A part of the day, which any clock time beside it outdoes.
    pub vague: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// A minute of the day.
    Minute(u16),
    /// So many minutes from now.
    Ahead(u32),
}

/// "By the end of the day": 17:00, in minutes.
const END_OF_DAY: u32 = 17 * 60;

impl Reader<'_> {
    /// The times in the text; tokens that belong to a date are passed over.
    pub fn times(&self, dates: &[DateRef]) -> Vec<TimeRef> {
        let mut out = Vec::new();
        let (mut i, mut next_date) = (0, 0);
        while i < self.tokens.len() {
            if let Some(date) = dates.get(next_date)
                && date.from <= i
            {
                // "at" before a time may stand at the end of a date's reach; a date's own tokens are never a time.
                i = i.max(date.to);
                next_date += 1;
                continue;
            }
            match self.time_at(i) {
                Some(time) => {
                    i = time.to;
                    out.push(time);
                }
                None => i += 1,
            }
        }
        out
    }

    fn time_at(&self, i: usize) -> Option<TimeRef> {
        let mut at = i;
        let mut introduced = false;
        while at < i + 3
            && let Some(Cal::Plain(p)) = self.cal(at)
            && self.same_sentence(i, at)
        {
            match p {
                Plain::At
                | Plain::After
                | Plain::Until
                | Plain::Through
                | Plain::Before
                | Plain::By
                | Plain::From
                | Plain::To => {
                    introduced = true;
                }
                Plain::In
                | Plain::On
                | Plain::This
                | Plain::The
                | Plain::Start
                | Plain::Mid
                | Plain::Late
                | Plain::End => {}
                Plain::HalfPast => break,
                _ => break,
            }
            at += 1;
        }
        if !self.same_sentence(i, at) {
            return None;
        }
        let ahead = || {
            if (i..at).any(|before| self.is(before, Plain::In)) || self.is(at, Plain::Half) {
                self.ahead(i, at)
            } else {
                self.ahead(i, at).filter(|t| self.is(t.to - 1, Plain::Hence))
            }
        };
        ahead().or_else(|| self.minute(i, at, introduced))
    }

    /// "in 20 minutes", "in half an hour", "an hour from now".
    fn ahead(&self, from: usize, at: usize) -> Option<TimeRef> {
        let half = self.is(at, Plain::Half);
        let (mut count, mut to) = match self.count(at) {
            _ if half => (30, at + 1 + usize::from(self.count(at + 1) == Some(1))),
            Some(n) => (n, at + 1),
            None if self.is(at, Plain::Couple) => (2, at + 1),
            None if self.is(at, Plain::Few) => (3, at + 1),
            None => return None,
        };
        if let Some(Cal::Plain(few @ (Plain::Few | Plain::Couple))) = self.cal(to) {
            count = if few == Plain::Few { 3 } else { 2 };
            to += 1;
        }
        to += usize::from(self.is(to, Plain::The));
        match self.cal(to)? {
            Cal::Unit(Unit::Minute) if !half => {}
            Cal::Unit(Unit::Hour) if half => {}
            Cal::Unit(Unit::Hour) => count = count.saturating_mul(60),
            _ => return None,
        }
        to += 1;
        to += usize::from(self.is(to, Plain::Hence));
        (count <= 7 * 24 * 60).then_some(TimeRef { from, to, when: When::Ahead(count), vague: false })
    }

    fn minute(&self, from: usize, at: usize, introduced: bool) -> Option<TimeRef> {
        let time = |minute: u32, to: usize| {
            Some(TimeRef { from, to, when: When::Minute((minute % 1440) as u16), vague: false })
        };
        if self.cal(at) == Some(Cal::Unit(Unit::Day)) && (from..at).any(|i| self.is(i, Plain::End)) {
            return time(END_OF_DAY, at + 1);
        }
        if let Some(Cal::Part(minute)) = self.cal(at) {
            // "Good morning" and "have a nice evening" are no times.
            if at > 0
                && ["good", "great", "nice", "lovely", "wonderful"]
                    .contains(&self.words.info(self.tokens[at - 1].word).text.as_str())
            {
                return None;
            }
            // "at 7 in the evening" is read from its figure; "morning" next to a figure adds nothing.
            return time(u32::from(minute), at + 1).map(|t| TimeRef { vague: true, ..t });
        }
        if self.cal(at) == Some(Cal::Plain(Plain::HalfPast)) {
            let hour = self.count(at + 1).filter(|h| (1..=12).contains(h))?;
            return time(self.on_the_day(hour, at + 2) * 60 + 30, at + 2);
        }
        if self.cal(at) == Some(Cal::Unit(Unit::Quarter))
            && let Some(Cal::Plain(side @ (Plain::Past | Plain::To))) = self.cal(at + 1)
        {
            let hour = self.count(at + 2).filter(|h| (1..=12).contains(h) && self.same_sentence(at, at + 2))?;
            let minute = self.on_the_day(hour, at + 3) * 60;
            return time(if side == Plain::Past { minute + 15 } else { minute - 15 }, at + 3);
        }
        let article = self.tokens[at].end - self.tokens[at].start <= 2;
        let spelled = self.count(at).filter(|_| introduced && !article);
        let hour = if self.tokens[at].is_number() { self.tokens[at].number } else { spelled? };
        let joined = self.between(at);
        let minutes = self.tokens.get(at + 1).filter(|t| {
            t.is_number() && t.end - t.start == 2 && t.number < 60 && (joined == ":" || introduced && joined == ".")
        });
        if self.tokens[at].is_number() && self.is(at + 1, Plain::H) && joined.is_empty() && hour < 24 {
            // "17h", "14h30"
            let minutes = self.figures(at + 2).filter(|m| *m < 60 && self.between(at + 1).is_empty());
            return time(hour * 60 + minutes.unwrap_or(0), at + 2 + usize::from(minutes.is_some()));
        }
        let mut to = at + 1 + usize::from(minutes.is_some());
        let half_of_day = match self.cal(to) {
            Some(Cal::Plain(Plain::Am)) => Some(false),
            Some(Cal::Plain(Plain::Pm)) => Some(true),
            // "between 1 and 3 pm": the second figure tells for both.
            _ if introduced => self.second_of_two(to),
            _ => None,
        };
        let marked = matches!(self.cal(to), Some(Cal::Plain(Plain::Am | Plain::Pm | Plain::Oclock)));
        to += usize::from(marked);
        let figure = minutes.is_some() && joined == ":" || marked;
        if hour > 24
            || !(figure || introduced && (1..=12).contains(&hour) && self.stands_alone(to) || half_of_day.is_some())
        {
            return self.military(from, at, introduced);
        }
        let minute = minutes.map_or(0, |t| t.number);
        let hour = match half_of_day {
            Some(true) if hour < 12 => hour + 12,
            Some(false) if hour == 12 => 0,
            Some(_) => hour,
            None if self.tokens[at].end - self.tokens[at].start == 2
                && self.text.as_bytes()[self.tokens[at].start as usize] == b'0' =>
            {
                hour
            }
            None => self.on_the_day(hour, to),
        };
        time(hour * 60 + minute, to)
    }

    /// "1400", "at 0930".
    fn military(&self, from: usize, at: usize, introduced: bool) -> Option<TimeRef> {
        let t = self.tokens[at];
        let four = t.is_number() && t.end - t.start == 4 && introduced && self.stands_alone(at + 1);
        (four && t.number < 2400 && t.number % 100 < 60 && !(2000..2060).contains(&t.number)).then(|| TimeRef {
            from,
            to: at + 1,
            when: When::Minute((t.number / 100 * 60 + t.number % 100) as u16),
            vague: false,
        })
    }

    /// An hour without am or pm, as people mean it; an "evening" or "tonight" close by makes it one.
    fn on_the_day(&self, hour: u32, to: usize) -> u32 {
        let evening = (to..to + 3).any(|i| match self.cal(i) {
            Some(Cal::Part(m)) => m >= 17 * 60,
            Some(Cal::Plain(Plain::Tonight)) => true,
            _ => false,
        });
        match hour {
            1..=6 => hour + 12,
            7..=11 if evening => hour + 12,
            _ => hour,
        }
    }

    /// The half of the day named by the second time of "between 10 and 11 am", "2-4pm".
    fn second_of_two(&self, to: usize) -> Option<bool> {
        let second = match self.cal(to) {
            Some(Cal::Plain(Plain::And | Plain::To | Plain::Until | Plain::Through)) => to + 1,
            _ if self.between(to.checked_sub(1)?).trim() == "-" => to,
            _ => return None,
        };
        self.count(second)?;
        match self.cal(second + 1)? {
            Cal::Plain(Plain::Am) => Some(false),
            Cal::Plain(Plain::Pm) => Some(true),
            _ => None,
        }
    }

    /// Whether nothing is counted by the figure before token `to`.
    fn stands_alone(&self, to: usize) -> bool {
        let Some(next) = self.tokens.get(to) else { return true };
        if next.before != Break::None {
            return !matches!(self.between(to - 1), "%");
        }
        !matches!(self.between(to - 1), "-" | "/" | "." | "")
            && match self.cal(to) {
                Some(Cal::Plain(p)) => !matches!(p, Plain::Suffix | Plain::More),
                Some(Cal::Weekday(..) | Cal::Part(_)) => true,
                Some(_) => false,
                None => self.words.info(next.word).sets >> self.almanac.after_time & 1 == 1,
            }
            || self.second_of_two(to).is_some()
            || self.is(to, Plain::And)
            || matches!(self.between(to - 1), "-") && self.count(to).is_some_and(|n| n <= 12)
    }
}
