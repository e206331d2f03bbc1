//! How lists and closed sets look inside a column, for both databases.
//!
//! Hashes of keys lie one after another in one value: they are read whole and never searched. Everything here is
//! total on what this binary writes, and refuses what it cannot have written.

use super::{LeadRow, OutboxState, StoreError};
use crate::domain::event::Channel;
use crate::domain::identity::{KeyHash, LeadNo};
use crate::domain::suppression::ClosedBecause;

/// A value in the database that this binary cannot have written.
#[derive(Debug, thiserror::Error)]
#[error("a stored {what} cannot be read: {found}")]
pub struct Unreadable {
    what: &'static str,
    found: String,
}

pub fn unreadable(what: &'static str, found: impl std::fmt::Display) -> StoreError {
    StoreError::Refused(Box::new(Unreadable { what, found: found.to_string() }))
}

/// A change to a lead that the unit of work does not hold: always a mistake in the caller.
#[derive(Debug, thiserror::Error)]
#[error("lead {} was changed without being held", .0.0)]
pub struct NotHeld(pub LeadNo);

/// The first changed lead that is neither held nor new under a number of this hold, as the error it is.
pub fn refuse_unheld<'a>(leads: &'a [LeadRow], may_write: impl Fn(&'a LeadRow) -> bool) -> Result<(), StoreError> {
    match leads.iter().find(|lead| !may_write(lead)) {
        Some(lead) => Err(StoreError::Refused(Box::new(NotHeld(lead.lead_no)))),
        None => Ok(()),
    }
}

pub fn key_hashes(keys: &[KeyHash]) -> Vec<u8> {
    keys.iter().flat_map(|k| k.0).collect()
}

pub fn key_hashes_of(bytes: &[u8]) -> Result<Vec<KeyHash>, StoreError> {
    let (whole, rest) = bytes.as_chunks::<16>();
    if !rest.is_empty() {
        return Err(unreadable("list of keys", format_args!("{} bytes", bytes.len())));
    }
    Ok(whole.iter().map(|chunk| KeyHash(*chunk)).collect())
}

/// The 16 bytes of a hash or id.
pub fn sixteen(what: &'static str, bytes: &[u8]) -> Result<[u8; 16], StoreError> {
    bytes.try_into().map_err(|_| unreadable(what, format_args!("{} bytes instead of 16", bytes.len())))
}

pub fn channel(name: &str) -> Result<Channel, StoreError> {
    Channel::from_name(name).ok_or_else(|| unreadable("channel", name))
}

pub fn closed_because(name: &str) -> Result<ClosedBecause, StoreError> {
    ClosedBecause::from_name(name).ok_or_else(|| unreadable("reason of a suppression", name))
}

pub fn outbox_state_name(state: OutboxState) -> &'static str {
    match state {
        OutboxState::Unsent => "unsent",
        OutboxState::Handed => "handed",
        OutboxState::Unroutable => "unroutable",
    }
}

pub fn outbox_state(name: &str) -> Result<OutboxState, StoreError> {
    [OutboxState::Unsent, OutboxState::Handed, OutboxState::Unroutable]
        .into_iter()
        .find(|state| outbox_state_name(*state) == name)
        .ok_or_else(|| unreadable("state of an outbox row", name))
}
