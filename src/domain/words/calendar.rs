//! What calendar words mean, and the calendar they are counted on: months, seasons, quarters, feasts, fiscal years.
//!
//! The words and the adjustable dates come from the lexicon; `dates` and `clock` put them together into days and times.

use jiff::civil::{self, Date, Weekday};

use crate::domain::time::{Moment, Zone, date_of_day, day_of_date, weekday_of_day};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

/// The part a word plays in a date or time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cal {
    /// 1 to 12; the second says that the word has other meanings ("may", "mar", "sun") and needs support.
    Month(u8, bool),
    /// 0 is Monday.
    Weekday(u8, bool),
    /// 0 is spring.
    Season(u8),
    Unit(Unit),
    Count(u16),
    Ordinal(u8),
    /// A part of the day, as its usual minute.
    Part(u16),
    /// An index into the feasts of the lexicon.
    Feast(u8),
    /// An abbreviated end: EOM, EOQ, EOY.
    EndOf(Unit),
    Plain(Plain),
}

/// Declares the plain calendar words with their names in the lexicon.
macro_rules! plain {
    ($($variant:ident = $name:literal),* $(,)?) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Plain { $($variant),* }
        impl Plain {
            pub fn from_name(name: &str) -> Option<Plain> { match name { $($name => Some(Plain::$variant),)* _ => None } }
        }
    };
}
plain! {
    Until = "until", Through = "through", After = "after", Before = "before", By = "by", In = "in", On = "on",
    For = "for", From = "from", At = "at", Past = "past", To = "to", And = "and", The = "the", Next = "next", This = "this",
    More = "more", Start = "start", Mid = "mid", Late = "late", End = "end", Half = "half", Hence = "hence", Later = "later",
    Ago = "ago", Today = "today", Tomorrow = "tomorrow", Tonight = "tonight", Fiscal = "fiscal", Q = "q", H = "h",
    Am = "am", Pm = "pm", Oclock = "oclock", Suffix = "suffix", Few = "few", Couple = "couple", New = "new", HalfPast = "half_past",
}

/// How a yearly feast is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feast {
    /// From one month and day to another; the second may lie in the next year.
    Fixed((i8, i8), (i8, i8)),
    /// The n-th weekday of a month, or the last one for -1.
    Nth(i8, i8, Weekday),
    /// So many days after Easter Sunday.
    Easter(i16),
}

impl Feast {
    /// "12-20..01-01", "07-04", "11 4 thu", "easter+0".
    pub fn parse(text: &str) -> Option<Feast> {
        if let Some(offset) = text.strip_prefix("easter") {
            return Some(Feast::Easter(offset.parse().ok()?));
        }
        let month_day = |s: &str| -> Option<(i8, i8)> {
            let (m, d) = s.split_once('-')?;
            let (m, d) = (m.parse().ok()?, d.parse().ok()?);
            Date::new(2024, m, d).ok().map(|_| (m, d))
        };
        if let [m, n, w] = text.split(' ').collect::<Vec<_>>()[..] {
            const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
            let weekday = Weekday::from_monday_zero_offset(DAYS.iter().position(|d| *d == w)? as i8).ok()?;
            let (m, n) = (m.parse().ok()?, n.parse().ok()?);
            return civil::date(2024, 1, 1)
                .nth_weekday_of_month(n, weekday)
                .ok()
                .filter(|_| (1..=12).contains(&m))
                .map(|_| Feast::Nth(m, n, weekday));
        }
        let (from, to) = text.split_once("..").unwrap_or((text, text));
        Some(Feast::Fixed(month_day(from)?, month_day(to)?))
    }

    /// First and last day of the feast in a year.
    fn in_year(self, year: i16) -> Option<(i32, i32)> {
        match self {
            Feast::Fixed((m1, d1), (m2, d2)) => {
                let wraps = (m2, d2) < (m1, d1);
                let end = Date::new(year + i16::from(wraps), m2, d2).ok()?;
                Some((day_of_date(Date::new(year, m1, d1).ok()?), day_of_date(end)))
            }
            Feast::Nth(m, n, weekday) => {
                let day = day_of_date(Date::new(year, m, 1).ok()?.nth_weekday_of_month(n, weekday).ok()?);
                Some((day, day))
            }
            Feast::Easter(offset) => {
                let day = easter(year)? + i32::from(offset);
                Some((day, day))
            }
        }
    }
}

/// Easter Sunday by the Gregorian computus (Meeus, Astronomical Algorithms, ch. 8).
fn easter(year: i16) -> Option<i32> {
    let y = i32::from(year);
    let (a, b, c) = (y % 19, y / 100, y % 100);
    let g = (8 * b + 13) / 25;
    let h = (19 * a + b - b / 4 - g + 15) % 30;
    let m = (a + 11 * h) / 319;
    let r = (2 * (b % 4) + 2 * (c / 4) - c % 4 - h + m + 32) % 7;
    let month = (h - m + r + 90) / 25;
    let day = (h - m + r + month + 19) % 32;
    Date::new(year, month as i8, day as i8).ok().map(day_of_date)
}

/// The adjustable part of the calendar.
#[derive(Clone, Debug, Default)]
pub struct Almanac {
    pub feasts: Vec<Feast>,
    /// First month of spring, summer, autumn, winter.
    pub seasons: [i8; 4],
    pub fiscal_start: (i8, i8),
    /// Zone names that begin with one of these write the day before the month.
    pub day_first: Vec<String>,
    /// The set of words that may follow a bare figure that is a time.
    pub after_time: u8,
}

/// The writer's present: what "next" and "Monday" are counted from.
#[derive(Clone, Copy, Debug)]
pub struct Present {
    pub day: i32,
    pub minute: i32,
    pub day_first: bool,
}

/// A stretch of days, both ends included.
pub type Stretch = (i32, i32);

impl Present {
    pub fn new(at: Moment, zone: &Zone, almanac: &Almanac) -> Present {
        let day_first = almanac.day_first.iter().any(|z| zone.name().starts_with(z.as_str()));
        Present { day: zone.local_day(at), minute: zone.minute_of_day(at), day_first }
    }
    pub fn date(&self) -> Date {
        date_of_day(self.day)
    }
    pub fn weekday(&self) -> i32 {
        i32::from(weekday_of_day(self.day).to_monday_zero_offset())
    }
    /// The month, `ahead` months from this one.
    pub fn month_ahead(&self, ahead: i32) -> Stretch {
        let first = self.date().first_of_month();
        months_from(first, 1, ahead)
    }
    pub fn quarter_ahead(&self, ahead: i32) -> Stretch {
        let date = self.date();
        let into = (date.month() as i32 - 1) % 3;
        months_from(date.first_of_month(), 3, ahead * 3 - into)
    }
    pub fn year_ahead(&self, ahead: i16) -> Stretch {
        year(self.date().year() + ahead)
    }
    pub fn week_ahead(&self, ahead: i32) -> Stretch {
        let monday = self.day - self.weekday() + 7 * ahead;
        (monday, monday + 6)
    }
    pub fn month(&self, month: u8, year: Option<i16>, need_end: bool) -> Stretch {
        self.coming(year, need_end, |y| months_from(civil::date(y, month as i8, 1), 1, 0))
    }
    /// `n` of 1 to 4.
    pub fn quarter(&self, n: u8, year: Option<i16>, need_end: bool) -> Stretch {
        self.coming(year, need_end, |y| months_from(civil::date(y, n as i8 * 3 - 2, 1), 3, 0))
    }
    pub fn half(&self, n: u8, year: Option<i16>, need_end: bool) -> Stretch {
        self.coming(year, need_end, |y| months_from(civil::date(y, n as i8 * 6 - 5, 1), 6, 0))
    }
    pub fn season(&self, n: u8, year: Option<i16>, need_end: bool, almanac: &Almanac) -> Stretch {
        let first = almanac.seasons[usize::from(n % 4)].clamp(1, 12);
        self.coming(year, need_end, |y| months_from(civil::date(y, first, 1), 3, 0))
    }
    pub fn fiscal_year(&self, need_end: bool, almanac: &Almanac) -> Stretch {
        let (m, d) = almanac.fiscal_start;
        let start = |y: i16| Date::new(y, m, d).map_or(self.day, day_of_date);
        self.coming(None, need_end, |y| (start(y), start(y + 1) - 1))
    }
    pub fn feast(&self, n: u8, year: Option<i16>, need_end: bool, almanac: &Almanac) -> Option<Stretch> {
        let feast = *almanac.feasts.get(usize::from(n))?;
        Some(self.coming(year, need_end, |y| feast.in_year(y).unwrap_or((self.day, self.day))))
    }
    pub fn day_of(&self, month: u8, day: u32, year: Option<i16>) -> Option<i32> {
        let make = |y: i16| Date::new(y, month as i8, i8::try_from(day).ok()?).ok().map(day_of_date);
        match year {
            Some(y) => make(y),
            None => {
                let this = self.date().year();
                make(this).filter(|d| *d >= self.day).or_else(|| (1..=8).find_map(|ahead| make(this + ahead)))
            }
        }
    }
    /// The next day whose number in its month is `day`.
    pub fn day_of_month(&self, day: u32) -> Option<i32> {
        (0..=12)
            .map(|m| self.month_ahead(m))
            .filter(|(a, b)| (1..=b - a + 1).contains(&(day as i32)))
            .map(|(a, _)| a + day as i32 - 1)
            .find(|d| *d >= self.day)
    }
    /// The stretch of the given year, or the next that begins after today; where its end matters, the next that has not ended.
    fn coming(&self, year: Option<i16>, need_end: bool, of: impl Fn(i16) -> Stretch) -> Stretch {
        if let Some(y) = year {
            return of(y);
        }
        let this = self.date().year();
        let still = |s: &Stretch| if need_end { s.1 >= self.day } else { s.0 > self.day };
        (this - 1..this + 1).map(&of).find(still).unwrap_or_else(|| of(this + 1))
    }
    /// The day `count` units ahead.
    pub fn ahead(&self, unit: Unit, count: i32) -> Option<i32> {
        let months = |n: i32| self.date().checked_add(jiff::Span::new().try_months(n).ok()?).ok().map(day_of_date);
        match unit {
            Unit::Minute | Unit::Hour => None,
            Unit::Day => Some(self.day + count),
            Unit::Week => Some(self.day + 7 * count),
            Unit::Month => months(count),
            Unit::Quarter => months(3 * count),
            Unit::Year => months(12 * count),
        }
    }
}

/// All of a year; years beyond what the calendar holds are clipped.
pub fn year(y: i16) -> Stretch {
    months_from(civil::date(y.clamp(1, 9990), 1, 1), 12, 0)
}

/// `length` months beginning `ahead` months after `first`, which is the first of a month.
fn months_from(first: Date, length: i32, ahead: i32) -> Stretch {
    let plus = |n: i32| jiff::Span::new().try_months(n).ok().and_then(|s| first.checked_add(s).ok()).unwrap_or(first);
    (day_of_date(plus(ahead)), day_of_date(plus(ahead + length)) - 1)
}
