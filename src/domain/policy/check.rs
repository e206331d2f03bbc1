//! Whether the numbers of `scoring.toml` can be meant: each refusal names the key and what it should be.
//!
//! Names and types are checked when the file is read, rules when they are compiled; here are bounds and orders.

use super::scoring::{Scoring, SignalName, SignalRule};
use crate::domain::score::Origin;
use crate::domain::time::Span;

impl Scoring {
    /// Says everything that cannot be meant.
    pub(super) fn check(&self, errors: &mut Vec<String>) {
        let mut wrong = |says: String| errors.push(format!("scoring.toml: {says}"));
        let e = &self.engagement;
        if e.half_points <= 0.0 {
            wrong(format!("engagement.half_points is {}; it must be above 0", e.half_points));
        }
        if e.per_type_and_day == 0 {
            wrong("engagement.per_type_and_day is 0, so that nothing would ever count; give at least 1".into());
        }
        if e.scanner.clicks < 2 {
            wrong(format!(
                "engagement.scanner.clicks is {}; one click alone may be a person's: 2 or more",
                e.scanner.clicks
            ));
        }
        for name in SignalName::ALL.iter().filter(|n| **n != SignalName::Observed && !e.signal.contains_key(n)) {
            wrong(format!("engagement.signal.{} is missing; give it points, 0 if it should not count", name.name()));
        }
        if e.signal.contains_key(&SignalName::Observed) {
            wrong("engagement.signal.observed is no signal; name custom ones under [engagement.observed]".into());
        }
        let built_in = e.signal.iter().map(|(name, rule)| (format!("engagement.signal.{}", name.name()), rule));
        let observed = e.observed.iter().map(|(name, rule)| (format!("engagement.observed.{name}"), rule));
        for (name, SignalRule { points, half_life }) in built_in.chain(observed) {
            if half_life.0 <= Span::ZERO {
                wrong(format!("{name} has no half-life; write one like \"14d\""));
            }
            if !points.is_finite() || points.abs() > 1000.0 {
                wrong(format!(
                    "{name} is worth {points} points; half of {} already makes a score of 50",
                    e.half_points
                ));
            }
        }
        for (name, bounds) in [("fit", &self.grade.fit), ("engagement", &self.grade.engagement)] {
            if !bounds.is_sorted_by(|a, b| a > b) || bounds.iter().any(|b| !(0.0..=100.0).contains(b)) {
                wrong(format!("grade.{name} is {bounds:?}; give three bounds within 0 to 100, the highest first"));
            }
        }
        if !(0.0..=100.0).contains(&self.fit.start_points) {
            wrong(format!("fit.start_points is {}; fit goes from 0 to 100", self.fit.start_points));
        }
        let q = &self.qualification;
        for (name, weight) in [
            ("budget", q.weights.budget),
            ("authority", q.weights.authority),
            ("need", q.weights.need),
            ("timeline", q.weights.timeline),
        ] {
            if weight < 0.0 || !weight.is_finite() {
                wrong(format!("qualification.weights.{name} is {weight}; it must not be negative"));
            }
        }
        if !(1..=3).contains(&q.confirmed_level) {
            wrong(format!("qualification.confirmed_level is {}; levels go from 1 to 3", q.confirmed_level));
        }
        if q.timeline.soon_days <= 0 || q.timeline.year_days <= q.timeline.soon_days {
            wrong("qualification.timeline wants soon_days above 0 and year_days above soon_days".into());
        }
        for origin in Origin::ALL {
            match q.confidence.get(origin) {
                Some(c) if (0.0..=1.0).contains(c) => {}
                Some(c) => wrong(format!("qualification.confidence.{} is {c}; it must be 0 to 1", origin.name())),
                None => wrong(format!("qualification.confidence.{} is missing; give 0 to 1", origin.name())),
            }
        }
        let c = &self.conversion;
        if c.fit_points_to_double <= 0.0 || c.engagement_points_to_double <= 0.0 || c.spread_factor < 1.0 {
            wrong("conversion wants points_to_double above 0 and a spread_factor of at least 1".into());
        }
    }
}
