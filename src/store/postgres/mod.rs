//! Leads in PostgreSQL, for any number of workers at once.
//!
//! A hold is a transaction with row locks on leads, and nothing else is locked while it waits: see [`hold`]. Every
//! statement goes by key and moves whole batches (UNNEST), so a unit of work costs about a dozen round trips however
//! many messages it has. Scoring, merging and all other meaning are the core's.

mod change;
mod commit;
mod connect;
mod control;
mod hold;
mod keys;
mod leads;
mod load;
mod migrate;
mod outbox;
mod pools;
mod read;
mod session;
mod standing;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use sqlx::PgPool;
use uuid::Uuid;

use super::{
    Changes, HistoryRow, LeadRow, Lease, Loaded, OutboxRow, OutboxState, PoolChanges, PoolLoaded, Store, StoreError,
    StoreInfo, SuppressionRow, Wanted,
};
use crate::domain::event::{Channel, EventKey};
use crate::domain::identity::{KeyHash, LeadNo};
use crate::domain::suppression::Suppression;
use crate::domain::time::{Moment, Span};

/// PostgreSQL as the store. Clones share one pool of connections.
#[derive(Clone, Debug)]
pub struct Postgres {
    pool: PgPool,
    /// Added to the database's clock wherever due times are compared or `now` is told; zero outside tests.
    clock_offset: Span,
}

pub use connect::LOG_FILTER;
pub use hold::Held;
pub use pools::HeldPool;
pub use standing::Standing;

/// The database's clock in whole milliseconds, as of the statement. Not `now()`, which stands still within a
/// transaction (after two seconds of waiting for a lock one would decide two seconds in the past), nor
/// `clock_timestamp()`, which changes within a statement, so that no index can be searched by it.
macro_rules! clock_ms {
    () => {
        "(extract(epoch from statement_timestamp()) * 1000)::bigint"
    };
}
use clock_ms;

impl Store for Postgres {
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
        outbox::take(&self.pool, limit, &lease, except).await
    }
    async fn forget_outbox(&self, ids: &[Uuid]) -> Result<(), StoreError> {
        outbox::forget(&self.pool, ids).await
    }
    async fn release_outbox(
        &self,
        lessee: Uuid,
        rows: &[(Uuid, OutboxState)],
        after: Duration,
    ) -> Result<(), StoreError> {
        outbox::release(&self.pool, lessee, rows, after).await
    }
    async fn expire_outbox(&self, rows: &[(Uuid, LeadNo, Vec<u8>)]) -> Result<(), StoreError> {
        outbox::expire(&self.pool, rows).await
    }
    async fn outbox_depth(&self) -> Result<Vec<(String, OutboxState, u64, Span)>, StoreError> {
        outbox::depth(&self.pool).await
    }

    async fn count_suspect(&self, message: &str) -> Result<u32, StoreError> {
        read::count_suspect(&self.pool, message).await
    }
    async fn clear_suspect(&self, message: &str) -> Result<(), StoreError> {
        read::clear_suspect(&self.pool, message).await
    }

    async fn lead_by_key(&self, key: KeyHash) -> Result<Option<LeadRow>, StoreError> {
        read::lead_by_key(&self.pool, key).await
    }
    async fn lead_by_id(&self, lead_id: Uuid) -> Result<Option<LeadRow>, StoreError> {
        read::lead_by_id(&self.pool, lead_id).await
    }
    async fn leads_after(&self, after: LeadNo, limit: usize) -> Result<Vec<LeadRow>, StoreError> {
        read::leads_after(&self.pool, after, limit).await
    }
    async fn suppressions(&self, keys: &[KeyHash]) -> Result<BTreeMap<(KeyHash, Channel), Suppression>, StoreError> {
        read::suppressions(&self.pool, keys).await
    }
    async fn lead_ids(&self, leads: &[LeadNo]) -> Result<BTreeMap<LeadNo, Uuid>, StoreError> {
        read::lead_ids(&self.pool, leads).await
    }
    async fn history(&self, lead: LeadNo, limit: usize) -> Result<Vec<HistoryRow>, StoreError> {
        read::history(&self.pool, lead, limit).await
    }
    async fn prune(&self, before: Moment, limit: usize) -> Result<u64, StoreError> {
        read::prune(self, before, limit).await
    }
    async fn erased_at(&self, key: KeyHash) -> Result<Option<Moment>, StoreError> {
        read::erased_at(&self.pool, key).await
    }
    async fn suppressions_after(
        &self,
        after: Option<(KeyHash, Channel)>,
        limit: usize,
    ) -> Result<Vec<SuppressionRow>, StoreError> {
        read::suppressions_after(&self.pool, after, limit).await
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
        read::next_wake(&self.pool).await
    }
}
