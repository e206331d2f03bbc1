//! How many calls to one number the law allows in how much elapsed time.
//!
//! Counting the calls is the caller's: caps hold per called number, across leads.

use super::place::Place;
use super::row::Cap;
use crate::domain::time::Moment;

/// All caps that hold at once; for each span of time only the lowest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caps(Vec<Cap>);

impl Caps {
    pub fn iter(&self) -> impl Iterator<Item = Cap> + '_ {
        self.0.iter().copied()
    }

    /// The first cap that leaves no room for another call. `calls` counts the calls in the span that ends now; for a
    /// cap that is `automated_only` it counts only calls that a machine dialled.
    pub fn full(&self, automated: bool, mut calls: impl FnMut(Cap) -> u32) -> Option<Cap> {
        self.iter().filter(|cap| automated || !cap.automated_only).find(|cap| calls(*cap) >= cap.max_calls)
    }

    fn add(&mut self, cap: Cap) {
        match self.0.iter_mut().find(|c| (c.per, c.automated_only) == (cap.per, cap.automated_only)) {
            Some(known) => known.max_calls = known.max_calls.min(cap.max_calls),
            None => self.0.push(cap),
        }
    }
}

impl Place<'_> {
    /// The caps of every candidate, each at its lowest.
    pub fn caps(&self, at: Moment) -> Caps {
        let mut caps = Caps::default();
        for candidate in self.candidates() {
            candidate.row(at).caps.iter().for_each(|cap| caps.add(*cap));
        }
        caps.0.sort_unstable();
        caps
    }
}

impl std::fmt::Display for Cap {
    /// "3 calls in 24 h".
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = if self.automated_only { "automated call" } else { "call" };
        let plural = if self.max_calls == 1 { "" } else { "s" };
        write!(f, "{} {kind}{plural} in ", self.max_calls)?;
        // The law says "24 hours", not "1 day", and means elapsed hours.
        match self.per.0 / 3_600_000 {
            hours @ 0..=72 => write!(f, "{hours} h"),
            hours => write!(f, "{} d", hours / 24),
        }
    }
}
