//! What others ask of a finished audit: what is open, how much is owed, which part of the day is missing.

use super::{Audit, Detail, Item, State};

impl Audit {
    pub fn is_open(&self, item: Item) -> bool {
        self.items.iter().any(|i| i.item == item && i.state == State::Open)
    }
    pub fn any_open(&self) -> bool {
        self.items.iter().any(|i| i.state == State::Open)
    }
    pub fn complete(&self) -> bool {
        !self.any_open()
    }
    pub fn first_touch_missed(&self) -> bool {
        self.items.iter().any(|i| i.item == Item::FirstTouch && i.state == State::Missed)
    }
    /// Share of the work on the lead itself that is still missing, 0 to 1.
    pub fn owed(&self) -> f64 {
        let applies = self.items.iter().filter(|i| i.item.is_core() && i.state != State::NotApplicable);
        let (mut open, mut all) = (0.0, 0.0);
        for item in applies {
            let part = match (item.state, item.detail) {
                (State::Open, Detail::Calls { made, of, .. }) => {
                    f64::from(of.saturating_sub(made).max(1)) / f64::from(of.max(1))
                }
                (State::Open, Detail::Dayparts(tried)) => tried.iter().filter(|t| !**t).count() as f64 / 3.0,
                (State::Open, _) => 1.0,
                // What came late came; what never came is missing.
                (State::Missed, _) if item.item == Item::FirstTouch && self.is_untouched => 1.0,
                _ => 0.0,
            };
            open += part;
            all += 1.0;
        }
        if all == 0.0 { 0.0 } else { open / all }
    }
    /// (what was tried, what is missing) in words, where calls were made but not in every part of the day.
    pub fn missing_daypart(&self) -> Option<(&'static str, &'static str)> {
        let told = match self.tried {
            [true, false, false] => ("always in the morning", "around noon or after 16:00"),
            [false, true, false] => ("always between 12:00 and 16:00", "before 12:00 or after 16:00"),
            [false, false, true] => ("always after 16:00", "before 16:00"),
            [true, true, false] => ("never late in the day", "after 16:00"),
            [true, false, true] => ("never around noon", "between 12:00 and 16:00"),
            [false, true, true] => ("never in the morning", "before 12:00"),
            [true, true, true] | [false, false, false] => return None,
        };
        Some(told)
    }
}
