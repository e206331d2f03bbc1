//! Leads in one SQLite file, for one process: the embedded profile and tests.
//!
//! The same contract as PostgreSQL with simpler means: there is one writing connection, so whoever holds a lead holds
//! the file, and no other lock is needed. Readers have connections of their own and see the last commit. Bulk
//! statements take their rows as JSON, with bytes in hex.

mod change;
mod commit;
mod connect;
mod control;
mod hold;
mod leads;
mod migrate;
mod outbox;
mod pools;
mod read;
mod session;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use sqlx::SqlitePool;
use uuid::Uuid;

use super::{
    Changes, HistoryRow, LeadRow, Lease, Loaded, OutboxRow, OutboxState, PoolChanges, PoolLoaded, Store, StoreError,
    StoreInfo, SuppressionRow, Wanted,
};
use crate::domain::event::{Channel, EventKey};
use crate::domain::identity::{KeyHash, LeadNo};
use crate::domain::suppression::Suppression;
use crate::domain::time::{Moment, Span};

/// A SQLite file as the store. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Sqlite {
    /// The one connection that writes.
    writer: SqlitePool,
    readers: SqlitePool,
    /// Added to the clock wherever due times are compared or `now` is told; zero outside tests.
    clock_offset: Span,
    /// Deletes the file of a store that nobody wants to keep, once the last clone is gone.
    _throwaway: Option<Arc<connect::Throwaway>>,
}

pub use hold::Held;
pub use pools::HeldPool;

impl Sqlite {
    /// The machine's clock: there is no other machine to agree with.
    fn clock(&self) -> Moment {
        session::clock() + self.clock_offset
    }
}

impl Store for Sqlite {
    type Held = Held;
    type HeldPool = HeldPool;

    async fn migrate(&self, epoch: Option<&str>) -> Result<StoreInfo, StoreError> {
        migrate::migrate(self, epoch).await
    }
    async fn info(&self) -> Result<StoreInfo, StoreError> {
        migrate::info(self).await
    }

    async fn hold(&self, wanted: Wanted) -> Result<(Held, Loaded), StoreError> {
        hold::hold(self, &wanted).await
    }
    async fn hold_due(&self, limit: usize) -> Result<Option<(Held, Loaded)>, StoreError> {
        hold::hold_due(self, limit).await
    }
    async fn commit(&self, held: Held, changes: Changes, lease: Lease) -> Result<(), StoreError> {
        commit::commit(held, changes, &lease).await
    }

    async fn hold_pool(&self, max_claims: usize) -> Result<Option<(HeldPool, PoolLoaded)>, StoreError> {
        pools::hold_pool(self, max_claims).await
    }
    async fn commit_pool(&self, held: HeldPool, changes: PoolChanges, lease: Lease) -> Result<(), StoreError> {
        pools::commit_pool(held, changes, &lease).await
    }

    async fn take_outbox(
        &self,
        limit: usize,
        lease: Lease,
        except: &BTreeSet<String>,
    ) -> Result<Vec<OutboxRow>, StoreError> {
        outbox::take(self, limit, &lease, except).await
    }
    async fn forget_outbox(&self, ids: &[Uuid]) -> Result<(), StoreError> {
        outbox::forget(self, ids).await
    }
    async fn release_outbox(
        &self,
        lessee: Uuid,
        rows: &[(Uuid, OutboxState)],
        after: Duration,
    ) -> Result<(), StoreError> {
        outbox::release(self, lessee, rows, after).await
    }
    async fn expire_outbox(&self, rows: &[(Uuid, LeadNo, Vec<u8>)]) -> Result<(), StoreError> {
        outbox::expire(self, rows).await
    }
    async fn outbox_depth(&self) -> Result<Vec<(String, OutboxState, u64, Span)>, StoreError> {
        outbox::depth(self).await
    }

    async fn count_suspect(&self, message: &str) -> Result<u32, StoreError> {
        read::count_suspect(self, message).await
    }
    async fn clear_suspect(&self, message: &str) -> Result<(), StoreError> {
        read::clear_suspect(self, message).await
    }

    async fn lead_by_key(&self, key: KeyHash) -> Result<Option<LeadRow>, StoreError> {
        read::lead_by_key(&self.readers, key).await
    }
    async fn lead_by_id(&self, lead_id: Uuid) -> Result<Option<LeadRow>, StoreError> {
        read::lead_by_id(&self.readers, lead_id).await
    }
    async fn leads_after(&self, after: LeadNo, limit: usize) -> Result<Vec<LeadRow>, StoreError> {
        read::leads_after(&self.readers, after, limit).await
    }
    async fn suppressions(&self, keys: &[KeyHash]) -> Result<BTreeMap<(KeyHash, Channel), Suppression>, StoreError> {
        read::suppressions(&self.readers, keys).await
    }
    async fn lead_ids(&self, leads: &[LeadNo]) -> Result<BTreeMap<LeadNo, Uuid>, StoreError> {
        read::lead_ids(&self.readers, leads).await
    }
    async fn history(&self, lead: LeadNo, limit: usize) -> Result<Vec<HistoryRow>, StoreError> {
        read::history(&self.readers, lead, limit).await
    }
    async fn prune(&self, before: Moment, limit: usize) -> Result<u64, StoreError> {
        read::prune(self, before, limit).await
    }
    async fn erased_at(&self, key: KeyHash) -> Result<Option<Moment>, StoreError> {
        read::erased_at(&self.readers, key).await
    }
    async fn suppressions_after(
        &self,
        after: Option<(KeyHash, Channel)>,
        limit: usize,
    ) -> Result<Vec<SuppressionRow>, StoreError> {
        read::suppressions_after(&self.readers, after, limit).await
    }

    async fn control_versions(&self) -> Result<BTreeMap<String, i64>, StoreError> {
        control::versions(self).await
    }
    async fn read_control(&self, name: &str) -> Result<Option<(i64, Vec<u8>)>, StoreError> {
        control::read(self, name).await
    }
    async fn write_control(&self, name: &str, seen: i64, value: &[u8]) -> Result<bool, StoreError> {
        control::write(self, name, seen, value).await
    }
    async fn world_deltas(&self, limit: usize) -> Result<Vec<(EventKey, Vec<u8>)>, StoreError> {
        control::world_deltas(self, limit).await
    }
    async fn fold_world(&self, seen: i64, value: &[u8], folded: &[EventKey]) -> Result<bool, StoreError> {
        control::fold_world(self, seen, value, folded).await
    }

    async fn next_wake(&self) -> Result<Option<Moment>, StoreError> {
        read::next_wake(&self.readers).await
    }
}
