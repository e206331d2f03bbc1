//! The world: slow knowledge that all leads share and that may be minutes old. The roster of reps, what became of each
//! play's tasks, and how often outcomes bore out who gives feedback.
//!
//! Leads' decisions append deltas; one worker folds them into numbered snapshots; every decision is given one snapshot
//! and never changes it. Scarce things are no part of it: those are pools, which must be exact.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::event::{Body, Event, Outcome, RepUpdate};
use super::facts::Facts;
use super::givers::Givers;
use super::register::{Last, Stamp, write};
use super::task::Play;
use super::time::Moment;

/// A snapshot.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct World {
    /// Counts the snapshots; 0 knows nothing.
    pub number: u64,
    /// By the rep's id.
    pub reps: BTreeMap<String, Rep>,
    pub plays: BTreeMap<Play, Tally>,
    /// How often outcomes bore out who gives feedback.
    #[serde(default)]
    pub givers: Givers,
}

/// What is known of a rep, each field by the newest update that said something of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rep {
    pub name: Option<Last<String>>,
    pub started_on: Option<Last<jiff::civil::Date>>,
    pub capacity_per_day: Option<Last<u32>>,
    pub skills: Option<Last<Vec<String>>>,
    pub mentor: Option<Last<String>>,
    pub active: Option<Last<bool>>,
}

impl Rep {
    /// Somebody of whom nobody said otherwise.
    pub fn is_active(&self) -> bool {
        self.active.as_ref().is_none_or(|a| a.value)
    }
}

/// Tasks of one play since the beginning, by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    pub made: u64,
    pub done: u64,
    pub failed: u64,
    pub rejected: u64,
    /// Nobody reported on it in time.
    pub expired: u64,
}

/// What happened to one task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Happened {
    Made,
    Done,
    Failed,
    Rejected,
    Expired,
}

/// A change of the world, small enough to be appended by every unit of work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Delta {
    Rep {
        at: Moment,
        tie: u64,
        update: RepUpdate,
    },
    Plays(Vec<(Play, Happened, u64)>),
    /// Leads ended: who had flagged them, and whether they ended as flagged.
    Flags(Vec<Flagged>),
}

/// A colleague's flag on a lead that ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flagged {
    pub by: String,
    pub borne_out: bool,
}

impl Flagged {
    /// What an outcome says of those who had called the lead bad.
    pub fn of(event: &Event, facts: &Facts) -> Vec<Flagged> {
        let Body::Outcome { outcome, .. } = &event.body else { return Vec::new() };
        let borne_out = match outcome {
            Outcome::Won => false,
            Outcome::Lost => true,
            Outcome::Reopened => return Vec::new(),
        };
        let flags = facts.feedback.iter().filter(|f| !f.good && f.cited.stamp.at <= event.at);
        let by: BTreeSet<&String> = flags.filter_map(|f| f.by.as_ref()).collect();
        by.into_iter().map(|by| Flagged { by: by.clone(), borne_out }).collect()
    }
}

impl Delta {
    /// What an event says about the world, if it does.
    pub fn of(event: &Event) -> Option<Delta> {
        let Body::Rep(update) = &event.body else { return None };
        let Stamp { at, tie } = Stamp::of(event);
        Some(Delta::Rep { at, tie, update: update.clone() })
    }

    /// What a unit of work has to say about the world.
    pub fn all(happened: &[(Play, Happened)], flagged: Vec<Flagged>) -> impl Iterator<Item = Delta> {
        let flags = (!flagged.is_empty()).then_some(Delta::Flags(flagged));
        Delta::counting(happened).into_iter().chain(flags)
    }

    /// One delta of all that happened to tasks in a unit of work; `None` when nothing did.
    pub fn counting(happened: &[(Play, Happened)]) -> Option<Delta> {
        let mut counts: BTreeMap<(Play, Happened), u64> = BTreeMap::new();
        for one in happened {
            *counts.entry(*one).or_default() += 1;
        }
        (!counts.is_empty())
            .then(|| Delta::Plays(counts.into_iter().map(|((play, what), n)| (play, what, n)).collect()))
    }

    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_else(|e| unreachable!("a delta is plain data and always encodes: {e}"))
    }
    /// # Errors
    /// The bytes are no delta that this binary knows.
    pub fn decode(bytes: &[u8]) -> Result<Delta, serde_json::Error> {
        serde_json::from_slice(bytes)
    }
}

impl World {
    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_else(|e| unreachable!("a world is plain data and always encodes: {e}"))
    }
    /// # Errors
    /// The bytes are no world that this binary knows.
    pub fn decode(bytes: &[u8]) -> Result<World, serde_json::Error> {
        serde_json::from_slice(bytes)
    }

    /// The next snapshot: the same for the same deltas in any order.
    pub fn fold(&mut self, deltas: impl IntoIterator<Item = Delta>) {
        self.number += 1;
        for delta in deltas {
            match delta {
                Delta::Rep { at, tie, update } => self.update(Stamp { at, tie }, update),
                Delta::Flags(flags) => flags.iter().for_each(|f| self.givers.note(&f.by, f.borne_out)),
                Delta::Plays(counts) => {
                    for (play, what, n) in counts {
                        let tally = self.plays.entry(play).or_default();
                        let slot = match what {
                            Happened::Made => &mut tally.made,
                            Happened::Done => &mut tally.done,
                            Happened::Failed => &mut tally.failed,
                            Happened::Rejected => &mut tally.rejected,
                            Happened::Expired => &mut tally.expired,
                        };
                        *slot += n;
                    }
                }
            }
        }
    }

    fn update(&mut self, stamp: Stamp, update: RepUpdate) {
        let RepUpdate { rep, name, started_on, capacity_per_day, skills, mentor, active } = update;
        let known = self.reps.entry(rep).or_default();
        fn set<T>(slot: &mut Option<Last<T>>, stamp: Stamp, value: Option<T>) {
            if let Some(value) = value {
                write(slot, stamp, value);
            }
        }
        set(&mut known.name, stamp, name);
        set(&mut known.started_on, stamp, started_on);
        set(&mut known.capacity_per_day, stamp, capacity_per_day);
        set(&mut known.skills, stamp, Some(skills).filter(|s| !s.is_empty()));
        set(&mut known.mentor, stamp, mentor);
        set(&mut known.active, stamp, active);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rep(at: i64, name: Option<&str>, active: Option<bool>) -> Delta {
        let update = RepUpdate {
            rep: "r-1".into(),
            name: name.map(str::to_owned),
            started_on: None,
            capacity_per_day: None,
            skills: Vec::new(),
            mentor: None,
            active,
        };
        Delta::Rep { at: Moment(at), tie: 0, update }
    }

    #[test]
    fn the_roster_is_the_same_in_any_order_and_keeps_what_an_update_does_not_mention() {
        let deltas = [rep(1, Some("Kim"), Some(true)), rep(2, None, Some(false)), rep(3, Some("Kim R."), None)];
        let (mut forth, mut back) = (World::default(), World::default());
        forth.fold(deltas.clone());
        back.fold(deltas.into_iter().rev());
        assert_eq!(forth, back);
        let kim = &forth.reps["r-1"];
        assert_eq!(kim.name.as_ref().map(|n| n.value.as_str()), Some("Kim R."));
        assert!(!kim.is_active());
    }

    #[test]
    fn what_happened_to_tasks_adds_up() {
        let made =
            [(Play::FirstCall, Happened::Made), (Play::FirstCall, Happened::Made), (Play::CheckIn, Happened::Done)];
        let delta = Delta::counting(&made).unwrap();
        assert_eq!(Delta::decode(&delta.encode()).unwrap(), delta);
        let mut world = World::default();
        world.fold([delta.clone()]);
        world.fold([delta]);
        assert_eq!((world.number, world.plays[&Play::FirstCall].made, world.plays[&Play::CheckIn].done), (2, 4, 2));
        assert_eq!(World::decode(&world.encode()).unwrap(), world);
        assert_eq!(Delta::counting(&[]), None);
    }
}
