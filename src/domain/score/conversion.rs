//! The chance of a sale by rules, until outcomes teach better; always with a range, never as if it were known.

use super::round6;
use crate::domain::policy::Policy;

/// Chances from 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Conversion {
    pub probability: f64,
    pub low: f64,
    pub high: f64,
}

/// Chance of a sale by `[conversion]`; `basis` is "rules" until a model has shown that it does better.
pub fn conversion(fit: f64, engagement: f64, policy: &Policy) -> Conversion {
    let c = &policy.scoring.conversion;
    let p = c.base
        * ((fit - c.fit_of_base) / c.fit_points_to_double).exp2()
        * ((engagement - c.engagement_of_base) / c.engagement_points_to_double).exp2();
    let p = p.min(c.ceiling);
    let (low, high) = spread(p, c.spread_factor);
    Conversion { probability: round6(p), low: round6(low), high: round6(high) }
}

/// A chance whose odds are so many times worse, and better: never below nothing, never certain.
pub fn spread(p: f64, factor: f64) -> (f64, f64) {
    let by_odds = |factor: f64| p * factor / (1.0 - p + p * factor);
    (by_odds(1.0 / factor), by_odds(factor))
}
