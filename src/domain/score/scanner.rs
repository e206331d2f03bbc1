//! Telling a person's clicks from those of mail scanners, which open every link the moment a message arrives.

use crate::domain::facts::{Click, Facts};
use crate::domain::policy::ScannerRules;

/// Whether a click is one of a burst right after a delivery. A click and a delivery belong together by the id of the
/// message, or by time alone where one of them does not name it.
pub fn is_scanner(click: &Click, facts: &Facts, rules: &ScannerRules) -> bool {
    facts.deliveries.iter().any(|delivery| {
        let early = |c: &Click| {
            let after = c.cited.stamp.at - delivery.stamp.at;
            let same = c.message.is_none() || delivery.message.is_none() || c.message == delivery.message;
            same && (0..=rules.within.0.0).contains(&after.0)
        };
        early(click) && facts.clicks.iter().filter(|c| early(c)).count() >= rules.clicks as usize
    })
}
