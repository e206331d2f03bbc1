//! Reading leads: found by id or key as somebody writes it, and written down as records at an instant.
//!
//! `explain`, `export` and HTTP all read through here, so that they say the same. Nothing here changes anything.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::json;
use tokio::sync::watch;
use uuid::Uuid;

use crate::domain::identity::{Key, KeyHash, KeyKind, LeadNo};
use crate::domain::lead::{DecodeError, Lead};
use crate::domain::policy::Policy;
use crate::domain::time::Moment;
use crate::domain::working_set::Env;
use crate::domain::world::World;
use crate::store::{LeadRow, Store, StoreError};
use crate::wire::inbound::{Envelope, Inbound, decode};
use crate::wire::record::{LeadRecord, record};

/// What it takes to read leads.
#[derive(Clone)]
pub struct Reader<S> {
    pub store: S,
    /// What is in force: the policy to judge by, and the key that leads' keys are hashed under.
    pub env: watch::Receiver<Arc<Env>>,
    /// ISO 3166-1 alpha-2: where national phone numbers are read.
    pub default_country: String,
}

/// Whom a text names.
#[derive(Clone, Debug)]
pub enum Found {
    Lead(Box<Lead>),
    /// Somebody who asked to be forgotten.
    Erased,
    Nobody,
}

#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("lead {0} cannot be read")]
    Broken(Uuid, #[source] DecodeError),
}

impl<S: Store> Reader<S> {
    /// The present instant, by the database's clock.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn now(&self) -> Result<Moment, ReadError> {
        Ok(self.store.info().await?.now)
    }

    /// The lead that a text names: its id, or a key (`email:…`, `phone:…`, `id:…`, `visitor:…`, or bare, tried as each
    /// in the order of strength). A lead merged away is found as its survivor.
    ///
    /// # Errors
    /// The store is away, or the lead cannot be read.
    pub async fn find(&self, text: &str) -> Result<Found, ReadError> {
        if let Ok(id) = Uuid::try_parse(text.trim())
            && let Some(row) = self.store.lead_by_id(id).await?
        {
            return found(row);
        }
        let mut forgotten = false;
        for key in self.keys_named(text) {
            let hash = self.hash(&key);
            if let Some(row) = self.store.lead_by_key(hash).await? {
                return found(row);
            }
            forgotten |= self.store.erased_at(hash).await?.is_some();
        }
        Ok(if forgotten { Found::Erased } else { Found::Nobody })
    }

    /// The policy in force.
    pub fn policy(&self) -> Arc<Policy> {
        self.env.borrow().policy.clone()
    }

    /// What is known of the world.
    pub fn world(&self) -> Arc<World> {
        self.env.borrow().world.clone()
    }

    /// Under what a key is found.
    pub fn hash(&self, key: &Key) -> KeyHash {
        self.env.borrow().hasher.hash(key)
    }

    /// The keys that a text may be, strongest first.
    pub fn keys_named(&self, text: &str) -> Vec<Key> {
        keys_named(text, &self.default_country)
    }

    /// Leads after a number, in the order of their numbers, with the number to go on from; `None` at the end.
    ///
    /// # Errors
    /// The store is away, or a lead cannot be read.
    pub async fn page(&self, after: LeadNo, limit: usize) -> Result<Option<(Vec<Lead>, LeadNo)>, ReadError> {
        let rows = self.store.leads_after(after, limit).await?;
        let Some(last) = rows.last().map(|row| row.lead_no) else { return Ok(None) };
        Ok(Some((rows.into_iter().map(lead).collect::<Result<_, _>>()?, last)))
    }

    /// The leads' records as judged at an instant, in their order.
    ///
    /// # Errors
    /// The store is away.
    pub async fn records(&self, leads: &[Lead], at: Moment) -> Result<Vec<LeadRecord>, ReadError> {
        let hashes: BTreeSet<KeyHash> = leads.iter().flat_map(|lead| lead.hashes.values().copied()).collect();
        let suppressions = self.store.suppressions(&Vec::from_iter(hashes)).await?;
        let linked: BTreeSet<LeadNo> = leads.iter().flat_map(|lead| lead.linked.iter().copied()).collect();
        let ids = match linked.is_empty() {
            true => BTreeMap::new(),
            false => self.store.lead_ids(&Vec::from_iter(linked)).await?,
        };
        let env = self.env.borrow().clone();
        let written = leads.iter().map(|lead| {
            let linked = lead.linked.iter().filter_map(|no| ids.get(no).copied()).collect();
            record(lead, &suppressions, linked, &env.policy, &env.world, at)
        });
        Ok(written.collect())
    }

    /// One lead's record as judged at an instant.
    ///
    /// # Errors
    /// The store is away.
    pub async fn record(&self, lead: &Lead, at: Moment) -> Result<LeadRecord, ReadError> {
        let mut records = self.records(std::slice::from_ref(lead), at).await?;
        Ok(records.swap_remove(0))
    }
}

fn found(row: LeadRow) -> Result<Found, ReadError> {
    if row.erased {
        return Ok(Found::Erased);
    }
    Ok(Found::Lead(Box::new(lead(row)?)))
}

fn lead(row: LeadRow) -> Result<Lead, ReadError> {
    Lead::decode(row.lead_no, row.lead_id, row.linked, &row.state).map_err(|why| ReadError::Broken(row.lead_id, why))
}

/// The keys that a text may be, strongest first.
pub fn keys_named(text: &str, country: &str) -> Vec<Key> {
    let kinds = KeyKind::ALL;
    let prefixed =
        kinds.into_iter().find_map(|kind| Some((kind, text.trim().strip_prefix(kind.name())?.strip_prefix(':')?)));
    let mut keys: Vec<Key> = match prefixed {
        Some((kind, value)) => key(kind, value, country).into_iter().collect(),
        None => kinds.into_iter().filter_map(|kind| key(kind, text, country)).collect(),
    };
    keys.sort_by_key(|key| (key.strength(), key.clone()));
    keys
}

/// The key as an event that names it would have it: through the decoder itself, so that the two cannot differ.
fn key(kind: KeyKind, text: &str, country: &str) -> Option<Key> {
    let event = json!({
        "specversion": "1.0", "id": "look-up", "source": "/look-up", "type": "lead.updated",
        "data": { "lead": { kind.name(): text } },
    });
    let settings = Inbound { default_country: Some(country.to_owned()), ..Inbound::live() };
    let event = decode(&Envelope::bare(event.to_string().as_bytes()), settings.oldest, &settings).ok()?;
    event.keys.into_iter().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str) -> Vec<(KeyKind, String)> {
        keys_named(text, "US").into_iter().map(|key| (key.kind, key.value)).collect()
    }

    #[test]
    fn a_key_is_read_as_an_event_would_have_it() {
        assert_eq!(named("phone:(305) 555-2368"), [(KeyKind::Phone, "+13055552368".to_owned())]);
        assert_eq!(named(" email:Ana@Example.COM "), [(KeyKind::Email, "ana@example.com".to_owned())]);
        assert_eq!(named("visitor:v-9"), [(KeyKind::Visitor, "v-9".to_owned())]);
        assert!(named("email:nobody").is_empty());
        assert!(named("").is_empty());
    }

    #[test]
    fn a_bare_text_is_tried_in_the_order_of_strength() {
        let kinds = |text: &str| named(text).into_iter().map(|(kind, _)| kind).collect::<Vec<_>>();
        use KeyKind::{Email, Id, Phone, Visitor};
        assert_eq!(kinds("ana@example.com"), [Id, Email, Visitor]);
        assert_eq!(kinds("+13055552368"), [Id, Phone, Visitor]);
        assert_eq!(kinds("crm-77"), [Id, Visitor]);
    }
}
