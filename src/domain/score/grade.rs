//! The grade: how close to buying, as a letter for fit and a number for engagement. Without hysteresis, which is conduct.

use crate::domain::policy::Policy;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grade {
    /// 0 is A.
    pub fit: u8,
    /// 1 is the warmest.
    pub engagement: u8,
}

impl std::fmt::Display for Grade {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", (b'A' + self.fit) as char, self.engagement)
    }
}

/// The grade of two scores, by the lower bounds in `[grade]`.
pub fn grade(fit: f64, engagement: f64, policy: &Policy) -> Grade {
    let g = &policy.scoring.grade;
    let step = |x: f64, bounds: &[f64; 3]| bounds.iter().position(|b| x >= *b).unwrap_or(3) as u8;
    Grade { fit: step(fit, &g.fit), engagement: step(engagement, &g.engagement) + 1 }
}
