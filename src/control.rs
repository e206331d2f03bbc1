//! What all workers share and obey, kept in the database: what is paused, the policy in force, how far a re-score is.
//!
//! Here are the values and how they are changed; obeying them is the worker's. Each value is JSON under a name, written
//! only by whoever has read the version before, so that two people who change the same thing both get their way.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::domain::policy::{Fictional, Policy};
use crate::domain::time::Moment;
use crate::store::{Store, StoreError};

/// A change that others keep getting in the way of is given up after so many tries.
const TRIES: usize = 20;

/// A shared value: its name, and what it is where nobody has written it.
pub trait Shared: Default + Serialize + DeserializeOwned {
    const NAME: &'static str;
}

/// What is paused, since when.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pauses {
    /// Everything: leads are folded and judged, and no task is made.
    #[serde(with = "crate::domain::task::rfc3339::option")]
    pub all: Option<Moment>,
    /// Single queues, by suffix: nothing is sent there.
    pub queues: BTreeMap<String, Since>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Since(#[serde(with = "crate::domain::task::rfc3339")] pub Moment);

impl Shared for Pauses {
    const NAME: &'static str = "pauses";
}

impl Pauses {
    pub fn paused_queues(&self) -> BTreeSet<String> {
        self.queues.keys().cloned().collect()
    }
}

/// A policy that was applied: its files as they were, which every worker reads in the same way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppliedPolicy {
    pub files: Vec<(String, String)>,
    pub hash: String,
    #[serde(with = "crate::domain::task::rfc3339::option")]
    pub at: Option<Moment>,
}

impl Shared for AppliedPolicy {
    const NAME: &'static str = "policy";
}

impl AppliedPolicy {
    /// The policy of the files; `None` where none was applied.
    ///
    /// # Errors
    /// Everything that this binary finds wrong with the files, one sentence each.
    pub fn read(&self, fictional: Fictional) -> Option<Result<Policy, Vec<String>>> {
        (!self.files.is_empty()).then(|| Policy::parse(&self.files, fictional))
    }
}

/// How far the re-score is that follows a change of policy, or the switch from watching to acting.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rescore {
    /// Hash of the policy that leads are judged by anew.
    pub policy: String,
    /// The number of the last lead done.
    pub after: i64,
    pub leads: u64,
    pub is_done: bool,
    /// A worker has only watched since all leads were last decided on by one that acts.
    #[serde(default)]
    pub watched: bool,
    /// It was begun by a worker that acts, and is for such alone.
    #[serde(default)]
    pub acts: bool,
    #[serde(with = "crate::domain::task::rfc3339::option")]
    pub began: Option<Moment>,
    #[serde(with = "crate::domain::task::rfc3339::option")]
    pub ended: Option<Moment>,
}

impl Shared for Rescore {
    const NAME: &'static str = "rescore";
}

#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the shared value {0:?} in the database cannot be read; it may be of a newer gleaner")]
    Unreadable(&'static str, #[source] serde_json::Error),
    #[error("others keep changing the shared value {0:?}; try again")]
    Busy(&'static str),
}

/// The value and its version; the default and 0 where nobody has written it.
///
/// # Errors
/// The store is away, or the value cannot be read.
pub async fn read<T: Shared>(store: &impl Store) -> Result<(i64, T), ControlError> {
    match store.read_control(T::NAME).await? {
        None => Ok((0, T::default())),
        Some((version, bytes)) => {
            let value = serde_json::from_slice(&bytes).map_err(|e| ControlError::Unreadable(T::NAME, e))?;
            Ok((version, value))
        }
    }
}

/// Writes the value if nobody else did since the version was read.
///
/// # Errors
/// The store is away.
pub async fn write<T: Shared>(store: &impl Store, seen: i64, value: &T) -> Result<bool, ControlError> {
    let bytes = serde_json::to_vec(value).map_err(|e| ControlError::Unreadable(T::NAME, e))?;
    Ok(store.write_control(T::NAME, seen, &bytes).await?)
}

/// Changes the value, again on the newest one if somebody else was first; returns what it has become.
///
/// # Errors
/// The store is away, the value cannot be read, or others keep changing it.
pub async fn change<T: Shared>(store: &impl Store, mut change: impl FnMut(&mut T)) -> Result<T, ControlError> {
    for _ in 0..TRIES {
        let (seen, mut value) = read::<T>(store).await?;
        change(&mut value);
        if write(store, seen, &value).await? {
            return Ok(value);
        }
    }
    Err(ControlError::Busy(T::NAME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_back() {
        let pauses = Pauses {
            all: Some(Moment(1_772_553_600_000)),
            queues: BTreeMap::from([("calls".to_owned(), Since(Moment(0)))]),
        };
        let text = serde_json::to_string(&pauses).unwrap();
        assert!(text.contains("2026-03-03T16:00:00Z"), "people may look at it: {text}");
        assert_eq!(serde_json::from_str::<Pauses>(&text).unwrap(), pauses);
    }

    #[test]
    fn an_applied_policy_is_what_its_files_say() {
        assert!(AppliedPolicy::default().read(Fictional::Allow).is_none());
        let wrong = AppliedPolicy { files: vec![("plays.toml".into(), "x = 1".into())], ..AppliedPolicy::default() };
        assert!(wrong.read(Fictional::Allow).is_some_and(|read| read.is_err()));
    }
}
