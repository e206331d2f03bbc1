//! A lead: facts and conduct under one id, and how the two become bytes.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::conduct::Conduct;
use super::event::Event;
use super::facts::Facts;
use super::identity::{Key, KeyHash, KeyHasher, LeadNo};
use super::policy::Policy;
use super::task::NAMESPACE;
use super::time::{Moment, Span};

#[derive(Clone, Debug, PartialEq)]
pub struct Lead {
    pub no: LeadNo,
    pub id: Uuid,
    pub facts: Facts,
    pub conduct: Conduct,
    /// Leads that carry one of the same keys and are not the same person.
    pub linked: Vec<LeadNo>,
    /// Ids of leads that somebody told from this one: never merged with it again.
    pub apart: BTreeSet<Uuid>,
    /// Numbers that a crowd of leads carries, which none of them knows all of.
    pub crowded: BTreeMap<Key, KeyHash>,
    /// Hashes of the keys in the facts; derived, kept so that nothing is hashed twice.
    pub hashes: BTreeMap<Key, KeyHash>,
}

/// The part of a lead that is stored as bytes.
#[derive(Serialize, Deserialize)]
struct Stored {
    facts: Facts,
    conduct: Conduct,
    apart: BTreeSet<Uuid>,
    crowded: BTreeMap<Key, KeyHash>,
    hashes: BTreeMap<Key, KeyHash>,
}

/// First byte of an encoded lead. An encoding that was ever released stays readable here.
const ENCODING: u8 = 1;

#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    #[error("the stored lead has encoding {0}, which this binary does not know; it was written by a newer one")]
    UnknownEncoding(u8),
    #[error("the stored lead cannot be read: {0}")]
    Broken(#[from] postcard::Error),
    #[error("the stored lead is empty")]
    Empty,
}

impl Lead {
    /// The lead that an event creates; its id follows from the event, so that a replay makes the same one.
    pub fn created_by(event: &Event, no: LeadNo) -> Lead {
        let strongest = event.keys.iter().min_by_key(|k| (k.strength(), (*k).clone()));
        let key = strongest.map_or(String::new(), |k| format!("{}:{}", k.kind.name(), k.value));
        let name = format!("{}\n{}\n{key}", event.source, event.id);
        Lead::empty(no, Uuid::new_v5(&NAMESPACE, name.as_bytes()))
    }

    /// A lead of which nothing is known yet.
    pub fn empty(no: LeadNo, id: Uuid) -> Lead {
        Lead {
            no,
            id,
            facts: Facts::default(),
            conduct: Conduct::default(),
            linked: Vec::new(),
            apart: BTreeSet::new(),
            crowded: BTreeMap::new(),
            hashes: BTreeMap::new(),
        }
    }

    pub fn encode(&self) -> Vec<u8> {
        /// Borrowed twin of [`Stored`]: postcard writes the same bytes.
        #[derive(Serialize)]
        struct Borrowed<'a> {
            facts: &'a Facts,
            conduct: &'a Conduct,
            apart: &'a BTreeSet<Uuid>,
            crowded: &'a BTreeMap<Key, KeyHash>,
            hashes: &'a BTreeMap<Key, KeyHash>,
        }
        let Lead { facts, conduct, apart, crowded, hashes, .. } = self;
        let stored = Borrowed { facts, conduct, apart, crowded, hashes };
        let mut bytes = Vec::with_capacity(1024);
        bytes.push(ENCODING);
        postcard::to_extend(&stored, bytes)
            .unwrap_or_else(|e| unreachable!("a lead is plain data and always encodes: {e}"))
    }

    /// # Errors
    /// The bytes are of an encoding this binary does not know, or broken.
    pub fn decode(no: LeadNo, id: Uuid, linked: Vec<LeadNo>, bytes: &[u8]) -> Result<Lead, DecodeError> {
        match bytes.split_first() {
            None => Err(DecodeError::Empty),
            Some((&ENCODING, rest)) => {
                let stored: Stored = postcard::from_bytes(rest)?;
                let Stored { facts, conduct, apart, crowded, hashes } = stored;
                Ok(Lead { no, id, facts, conduct, linked, apart, crowded, hashes })
            }
            Some((other, _)) => Err(DecodeError::UnknownEncoding(*other)),
        }
    }

    /// Whether somebody told this lead and another apart, under whatever ids they were told apart then.
    pub fn is_apart_from(&self, other: &Lead) -> bool {
        let named =
            |a: &Lead, b: &Lead| a.apart.contains(&b.id) || b.conduct.merged_from.iter().any(|id| a.apart.contains(id));
        named(self, other) || named(other, self)
    }

    /// Takes over hashes of keys that are the lead's, so that they are not made again.
    pub fn take_hashes(&mut self, keys: &[(&Key, KeyHash)]) {
        for (key, hash) in keys {
            if self.facts.keys.contains_key(*key) && !self.hashes.contains_key(*key) {
                self.hashes.insert((*key).clone(), *hash);
            }
        }
    }

    /// Hashes the keys that have none yet.
    pub fn hash_keys(&mut self, hasher: &KeyHasher) {
        if self.hashes.len() == self.facts.keys.len() && self.facts.keys.keys().all(|k| self.hashes.contains_key(k)) {
            return;
        }
        self.hashes.retain(|k, _| self.facts.keys.contains_key(k));
        for key in self.facts.keys.keys() {
            if !self.hashes.contains_key(key) {
                self.hashes.insert(key.clone(), hasher.hash(key));
            }
        }
    }

    /// When the lead next wants to be looked at, never in the past: a plan that cannot be carried out must not spin.
    pub fn wake_at(&self, now: Moment) -> Option<Moment> {
        self.conduct.wake_at().map(|at| if at <= now { now + Span::minutes(1) } else { at })
    }

    /// Takes over a lead that turned out to be the same person.
    pub fn absorb(&mut self, other: Lead, policy: &Policy) {
        let Lead { id, facts, mut conduct, mut apart, .. } = other;
        self.facts.join(facts, policy);
        self.apart.append(&mut apart);
        let own = &mut self.conduct;
        own.next = own.next.max(conduct.next);
        own.ledger.append(&mut conduct.ledger);
        own.ledger.sort_by_key(|e| e.made_at);
        own.merged_from.push(id);
        own.merged_from.append(&mut conduct.merged_from);
        own.repairs_asked.append(&mut conduct.repairs_asked);
        own.asked.append(&mut conduct.asked);
        own.firings.append(&mut conduct.firings);
        own.firings.sort_unstable();
        own.nurture_steps = own.nurture_steps.max(conduct.nurture_steps);
        own.revisits = own.revisits.max(conduct.revisits);
        own.lent = own.lent.take().or(conduct.lent);
        own.ramp = own.ramp.take().or(conduct.ramp);
        own.denied_until = own.denied_until.max(conduct.denied_until);
        own.version = own.version.max(conduct.version);
        own.stage = own.stage.max(conduct.stage);
        if own.episode.started.is_none_or(|s| conduct.episode.started.is_some_and(|o| o < s)) {
            own.episode = conduct.episode;
        }
    }
}
