//! Hours of the day in which something is allowed, day by day of the week, on the local clock.
//!
//! How local hours become instants is `windows`' affair; here are only minutes and days.

/// Minutes in a day.
const DAY: u16 = 1440;

/// Spans of minutes of the day, [from, until), ascending and apart; none means closed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Hours(Vec<(u16, u16)>);

impl Hours {
    pub const CLOSED: Hours = Hours(Vec::new());

    pub fn all_day() -> Hours {
        Hours(vec![(0, DAY)])
    }

    /// "08:00-20:00", several with commas, or "closed".
    pub fn parse(text: &str) -> Option<Hours> {
        if text == "closed" {
            return Some(Hours::CLOSED);
        }
        let mut spans = Vec::new();
        for part in text.split(',') {
            let (from, until) = part.trim().split_once('-')?;
            let (from, until) = (minute(from)?, minute(until)?);
            let before = spans.last().map_or(0, |(_, until)| *until);
            if from >= until || from < before {
                return None;
            }
            spans.push((from, until));
        }
        Some(Hours(spans))
    }

    pub fn spans(&self) -> &[(u16, u16)] {
        &self.0
    }

    pub fn intersect(&self, other: &Hours) -> Hours {
        let mut both = Vec::new();
        for a in &self.0 {
            for b in &other.0 {
                let (from, until) = (a.0.max(b.0), a.1.min(b.1));
                if from < until {
                    both.push((from, until));
                }
            }
        }
        Hours(both)
    }
}

/// "08:00" to "24:00".
fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.trim().split_once(':')?;
    if hour.len() != 2 || minute.len() != 2 {
        return None;
    }
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    let of_day = hour * 60 + minute;
    (minute < 60 && of_day <= DAY).then_some(of_day)
}

/// The hours of one row as written: a class that is missing says nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct Classes {
    pub weekday: Option<Hours>,
    pub saturday: Option<Hours>,
    pub sunday: Option<Hours>,
    /// Narrows the day that the holiday falls on: a holiday never opens a closed Sunday.
    pub holiday: Option<Hours>,
}

impl Classes {
    /// Whatever is missing here is taken from `other`.
    pub fn or(self, other: &Classes) -> Classes {
        Classes {
            weekday: self.weekday.or_else(|| other.weekday.clone()),
            saturday: self.saturday.or_else(|| other.saturday.clone()),
            sunday: self.sunday.or_else(|| other.sunday.clone()),
            holiday: self.holiday.or_else(|| other.holiday.clone()),
        }
    }

    /// The hours of every day; a class that is still missing is open all day.
    pub fn week(&self) -> Week {
        let of = |class: &Option<Hours>| class.clone().unwrap_or_else(Hours::all_day);
        let (weekday, saturday, sunday) = (of(&self.weekday), of(&self.saturday), of(&self.sunday));
        // In the order of `Week::on`, which begins with Thursday.
        let days = [&weekday, &weekday, &saturday, &sunday, &weekday, &weekday, &weekday].map(Hours::clone);
        let holiday = of(&self.holiday);
        Week { holidays: days.each_ref().map(|day| day.intersect(&holiday)), days }
    }
}

/// The hours of every day of the week, apart for days that are holidays.
#[derive(Clone, Debug)]
pub(super) struct Week {
    days: [Hours; 7],
    holidays: [Hours; 7],
}

impl Week {
    /// The hours of a day (days since 1970-01-01, a Thursday).
    pub fn on(&self, day: i32, is_holiday: bool) -> &Hours {
        let week = if is_holiday { &self.holidays } else { &self.days };
        &week[day.rem_euclid(7) as usize]
    }

    pub fn intersect(&self, other: &Week) -> Week {
        let both = |a: &[Hours; 7], b: &[Hours; 7]| std::array::from_fn(|i| a[i].intersect(&b[i]));
        Week { days: both(&self.days, &other.days), holidays: both(&self.holidays, &other.holidays) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_read_strictly() {
        assert_eq!(Hours::parse("08:00-20:00"), Some(Hours(vec![(480, 1200)])));
        assert_eq!(Hours::parse("10:00-13:00, 14:00-24:00"), Some(Hours(vec![(600, 780), (840, 1440)])));
        assert_eq!(Hours::parse("closed"), Some(Hours::CLOSED));
        for wrong in ["", "8-20", "8:00-20:00", "20:00-08:00", "08:00-24:01", "08:60-20:00", "14:00-20:00, 10:00-13:00"]
        {
            assert_eq!(Hours::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_holiday_narrows_the_day_it_falls_on() {
        let classes = Classes {
            weekday: Hours::parse("09:00-18:00"),
            saturday: Hours::parse("10:00-17:00"),
            sunday: Some(Hours::CLOSED),
            holiday: Hours::parse("12:00-20:00"),
        };
        let week = classes.week();
        let (thursday, saturday, sunday) = (0, 2, 3);
        assert_eq!(week.on(thursday, true), &Hours::parse("12:00-18:00").unwrap());
        assert_eq!(week.on(saturday, false), &Hours::parse("10:00-17:00").unwrap());
        assert_eq!(week.on(sunday, true), &Hours::CLOSED);
        assert_eq!(week.on(thursday - 4, false), &Hours::CLOSED);
    }
}
