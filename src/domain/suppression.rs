//! What somebody closed, and perhaps reopened: a set of instants that joins in any order.
//!
//! Rows are keyed by channel and keyed hash, so that an opt-out outlives the lead that made it. Finding out
//! that a text is an opt-out is `words`' affair; acting on one is `decide`'s.

use serde::{Deserialize, Serialize};

use super::time::Moment;

/// One (channel, key): when it was closed, first and last, and when a person last reopened it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suppression {
    pub first_closed: Moment,
    pub last_closed: Moment,
    pub last_reopened: Option<Moment>,
    /// Why, from a closed set of words; of the latest closing.
    pub why: ClosedBecause,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ClosedBecause {
    OptOut,
    Unsubscribe,
    Complaint,
    DoNotCall,
    ConsentRevoked,
    WrongNumber,
    Deceased,
    Minor,
    LegalThreat,
    Erased,
    ByHand,
}

impl ClosedBecause {
    pub const ALL: [ClosedBecause; 11] = [
        ClosedBecause::OptOut,
        ClosedBecause::Unsubscribe,
        ClosedBecause::Complaint,
        ClosedBecause::DoNotCall,
        ClosedBecause::ConsentRevoked,
        ClosedBecause::WrongNumber,
        ClosedBecause::Deceased,
        ClosedBecause::Minor,
        ClosedBecause::LegalThreat,
        ClosedBecause::Erased,
        ClosedBecause::ByHand,
    ];
    pub fn name(self) -> &'static str {
        match self {
            ClosedBecause::OptOut => "opt_out",
            ClosedBecause::Unsubscribe => "unsubscribe",
            ClosedBecause::Complaint => "complaint",
            ClosedBecause::DoNotCall => "do_not_call",
            ClosedBecause::ConsentRevoked => "consent_revoked",
            ClosedBecause::WrongNumber => "wrong_number",
            ClosedBecause::Deceased => "deceased",
            ClosedBecause::Minor => "minor",
            ClosedBecause::LegalThreat => "legal_threat",
            ClosedBecause::Erased => "erased",
            ClosedBecause::ByHand => "by_hand",
        }
    }
    /// More than a wish about one channel.
    pub fn is_grave(self) -> bool {
        use ClosedBecause::*;
        matches!(self, Complaint | Deceased | Minor | LegalThreat)
    }
    pub fn from_name(name: &str) -> Option<ClosedBecause> {
        ClosedBecause::ALL.into_iter().find(|c| c.name() == name)
    }
}

impl Suppression {
    pub fn closed(at: Moment, why: ClosedBecause) -> Suppression {
        Suppression { first_closed: at, last_closed: at, last_reopened: None, why }
    }

    /// Only a reopening is known (its closing may still be under way).
    pub fn reopened(at: Moment) -> Suppression {
        Suppression {
            first_closed: Moment::MAX,
            last_closed: Moment::MIN,
            last_reopened: Some(at),
            why: ClosedBecause::OptOut,
        }
    }

    /// Closed unless a reopening is later than every closing: at equal times closing wins.
    pub fn is_closed(&self) -> bool {
        self.last_reopened.is_none_or(|reopened| reopened <= self.last_closed)
    }

    /// Since when it has been closed, as far as two instants can say.
    pub fn since(&self) -> Moment {
        match self.last_reopened {
            Some(reopened) if self.first_closed <= reopened => self.last_closed,
            _ => self.first_closed,
        }
    }

    /// The two as one: the same whatever the order.
    pub fn join(&mut self, other: &Suppression) {
        self.why = match self.last_closed.cmp(&other.last_closed) {
            std::cmp::Ordering::Less => other.why,
            std::cmp::Ordering::Equal => self.why.min(other.why),
            std::cmp::Ordering::Greater => self.why,
        };
        self.first_closed = self.first_closed.min(other.first_closed);
        self.last_closed = self.last_closed.max(other.last_closed);
        self.last_reopened = self.last_reopened.max(other.last_reopened);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_wins_at_equal_times_and_a_later_reopening_opens() {
        let mut s = Suppression::closed(Moment(10), ClosedBecause::OptOut);
        s.last_reopened = Some(Moment(10));
        assert!(s.is_closed());
        s.last_reopened = Some(Moment(11));
        assert!(!s.is_closed());
    }

    #[test]
    fn joining_is_the_same_in_both_orders() {
        let a =
            Suppression { last_reopened: Some(Moment(15)), ..Suppression::closed(Moment(10), ClosedBecause::OptOut) };
        let b = Suppression::closed(Moment(20), ClosedBecause::Complaint);
        let (mut ab, mut ba) = (a.clone(), b.clone());
        ab.join(&b);
        ba.join(&a);
        assert_eq!(ab, ba);
        assert_eq!((ab.is_closed(), ab.since(), ab.why), (true, Moment(20), ClosedBecause::Complaint));
    }
}
