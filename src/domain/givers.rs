//! Who gives feedback, and how often outcomes bore them out: whoever flags everything counts for little.
//!
//! The records are slow knowledge about colleagues, not about a lead; where nobody has collected any, everybody counts as
//! somebody new. Per-person figures are for weighing only and are shown nowhere.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::event::Role;
use super::policy::FeedbackRules;

/// Flags that somebody gave on leads that have ended since, and how many of those ended as flagged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub flags: u32,
    pub borne_out: u32,
}

/// The records by the giver's id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Givers(pub BTreeMap<String, Record>);

impl Givers {
    /// A lead ended on which somebody had given a flag, and ended as flagged or not.
    pub fn note(&mut self, by: &str, borne_out: bool) {
        let record = self.0.entry(by.to_owned()).or_default();
        record.flags += 1;
        record.borne_out += u32::from(borne_out);
    }

    /// How much somebody's word counts: by role, times twice the share of their flags that were borne out. A newcomer's
    /// share is a half, held by `prior_flags` flags that nobody has given.
    pub fn weight(&self, by: Option<&str>, role: Role, rules: &FeedbackRules) -> f64 {
        let by_role = match role {
            Role::Rep => rules.rep,
            Role::Peer => rules.peer,
            Role::Supervisor => rules.supervisor,
        };
        let record = by.and_then(|by| self.0.get(by)).copied().unwrap_or_default();
        let prior = rules.prior_flags;
        by_role * 2.0 * (f64::from(record.borne_out) + prior / 2.0) / (f64::from(record.flags) + prior)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: FeedbackRules = FeedbackRules { rep: 1.0, peer: 1.2, supervisor: 2.0, prior_flags: 4.0, most: 0.6 };

    #[test]
    fn a_supervisor_counts_more_than_a_rep_and_a_newcomer_counts_whole() {
        let nobody = Givers::default();
        assert_eq!(nobody.weight(Some("rep-1"), Role::Rep, &RULES), 1.0);
        assert_eq!(nobody.weight(None, Role::Supervisor, &RULES), 2.0);
    }

    #[test]
    fn a_rep_who_flags_everything_counts_for_little() {
        let record = |flags, borne_out| Givers([("rep-1".to_owned(), Record { flags, borne_out })].into());
        let weight = |givers: Givers| givers.weight(Some("rep-1"), Role::Rep, &RULES);
        assert!(weight(record(200, 20)) < 0.25);
        assert!(weight(record(40, 36)) > 1.5);
    }
}
