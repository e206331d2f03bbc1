//! The seam to the database: a unit of work holds leads exclusively, changes them, and commits everything at once.
//!
//! Two implementations keep one contract, proved by one suite (`tests/it/store_contract.rs`): [`postgres`] for
//! production and [`sqlite`] for the embedded profile. A lead's state is opaque bytes here: nothing in this
//! module knows what a lead means, and nothing outside it knows SQL. Long, because the seam is the whole of it: what each
//! row means and what each call promises, which both implementations and the suite go by.

pub mod postgres;
pub mod sqlite;

mod keys;
mod pack;
mod reach;
mod schema;

pub use schema::SchemaError;

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::time::Duration;

use uuid::Uuid;

use crate::domain::event::{Channel, ContentHash, EventKey};
use crate::domain::identity::{KeyHash, KeyHasher, LeadNo};
use crate::domain::suppression::Suppression;
use crate::domain::time::{Moment, Span};
use crate::domain::working_set::Divided;

/// What a unit of work needs to hold before it can decide.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// The keys of each message, strongest first. A message whose keys are all unknown may need a new lead.
    pub messages: Vec<WantedMessage>,
    /// Leads to hold besides those the messages lead to.
    pub leads: BTreeSet<LeadNo>,
    /// Under which the events of the forgotten are known again; needed where one may be erased or have been.
    pub hasher: Option<KeyHasher>,
}

#[derive(Clone, Debug, Default)]
pub struct WantedMessage {
    pub event: Option<EventKey>,
    pub keys: Vec<KeyHash>,
    pub task: Option<Uuid>,
}

/// One lead as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeadRow {
    pub lead_no: LeadNo,
    pub lead_id: Uuid,
    /// The survivor, where this lead was merged away; such a row has no state of its own any more.
    pub merged_into: Option<LeadNo>,
    /// The lead was erased: only its id is left, so that asking for it can be answered.
    pub erased: bool,
    /// Columns, because they are asked for: small closed sets by name, and the version.
    pub stage: String,
    pub verdict: String,
    pub version: i64,
    pub updated_at: Moment,
    /// Hashes of every key the lead carries: by these the suppression rows of a lead are found.
    pub keys: Vec<KeyHash>,
    /// Leads that carry one of the same keys without being the same person (at most a handful).
    pub linked: Vec<LeadNo>,
    /// Everything else: version byte and compact encoding, made by `domain::lead`.
    pub state: Vec<u8>,
    /// When the lead next wants to be looked at; `None` for never.
    pub wake_at: Option<Moment>,
}

/// Who carries a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyRow {
    /// The leads that carry it, in the order in which they got it. More than one: the key is shared. At most [`KEY_HOLDERS_KEPT`](crate::domain::identity::KEY_HOLDERS_KEPT).
    /// As loaded, a lead merged away is replaced by its survivor, so far as the key's leads are held.
    pub holders: Vec<LeadNo>,
    /// The person was forgotten at this instant; earlier events on this key are refused.
    pub erased_at: Option<Moment>,
}

/// The shared value that the world's deltas are folded into.
pub const WORLD: &str = "world";

/// What is closed to whom.
pub type SuppressionRow = ((KeyHash, Channel), Suppression);

/// Everything the unit of work holds, read after the locks were taken.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// Database time when the leads were held: the `now` of due times.
    pub now: Moment,
    /// By number. Leads merged away and erased ones are among them where a key, task, link or number led to them.
    pub leads: Vec<LeadRow>,
    /// Rows of all keys of the messages; keys nobody carries are absent. Leads of a key with more than
    /// [`MAX_HOLDERS`](crate::domain::identity::MAX_HOLDERS) holders are not held on its account.
    pub keys: BTreeMap<KeyHash, KeyRow>,
    /// For every lead that a message leads to (by key, task or link) and that has seen its event: which content it saw.
    /// Under [`LeadNo::FORGOTTEN`], where a key of the message was of somebody forgotten who had sent it: the event as
    /// [`KeyHasher::forgotten`] names it, and no content.
    pub seen: BTreeMap<(LeadNo, EventKey), ContentHash>,
    /// Rows for keys of the messages and of the leads held.
    pub suppressions: BTreeMap<(KeyHash, Channel), Suppression>,
    /// Which lead each task of the messages belongs to; forgotten tasks are absent.
    pub tasks: BTreeMap<Uuid, LeadNo>,
    /// Answers waiting for the leads held, oldest first: (sequence number, lead, encoded cause). Those of a lead
    /// merged away come under its survivor. A row stays, and keeps its lead due, until `inbox_done` names it.
    pub inbox: Vec<(i64, LeadNo, Vec<u8>)>,
    /// Outbox rows of the leads held that were certainly never given to the broker.
    pub unsent: BTreeSet<Uuid>,
    /// Claims of the leads held that no pool has answered yet: (pool, task).
    pub claims: BTreeSet<(String, Uuid)>,
    /// Numbers for new leads: at least one for each message that may need one, which is a message with a key that
    /// no lead held carries, or with neither key nor known task. Used in order of the messages they cost least
    /// (PostgreSQL has then written the new keys already). Unused ones are simply skipped.
    pub fresh: Vec<LeadNo>,
}

/// Everything a unit of work changes; committed in one transaction or not at all.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// New and changed leads, whole.
    pub leads: Vec<LeadRow>,
    /// Which of them are new.
    pub new_leads: BTreeSet<LeadNo>,
    /// New and changed key rows, whole. A key that the messages named but that is neither here nor was there before is left unknown.
    /// Where the unit of work could not hold all holders (the key was not among the messages', or has too many), the
    /// row is joined to what is there by then: holders that are new in it are added, those gone from it taken out.
    pub keys: BTreeMap<KeyHash, KeyRow>,
    pub seen: Vec<(LeadNo, EventKey, ContentHash)>,
    pub history: Vec<HistoryRow>,
    /// Merged away → survivor: keys, seen, history, tasks, claims, outbox and inbox move along; duplicates of `seen` fall away.
    pub moved: Vec<(LeadNo, LeadNo)>,
    /// Rows of `seen` and `history` that go with their events to another lead, which is among `leads`.
    pub divided: Option<Divided>,
    /// Erased leads: their history, outbox rows (but for revocations, which must still arrive), claims, inbox and tasks are
    /// deleted before anything here is added, and no key names them any more. Tombstones are written through `keys`, the
    /// empty row through `leads`. Of `seen` the events alone stay, under [`LeadNo::FORGOTTEN`] as [`KeyHasher::forgotten`]
    /// names them: so a copy is known.
    pub erased: Vec<LeadNo>,
    pub outbox: Vec<OutboxRow>,
    /// Unsent outbox rows to take back. If one is no longer unsent the commit fails as [`StoreError::Contended`].
    pub unsent_dropped: Vec<Uuid>,
    /// Outbox rows of revoked tasks that somebody may have tried to publish: those still there go, so that they do not
    /// leave after their revocation. One that is just being published may still do so.
    pub recalled: Vec<Uuid>,
    pub tasks: Vec<TaskRow>,
    pub claims: Vec<ClaimRow>,
    /// Claims taken back. If one is gone (answered meanwhile) the commit fails as [`StoreError::Contended`].
    pub claims_dropped: Vec<(String, Uuid)>,
    /// Causes for other leads, which are due until they have worked them.
    pub inbox: Vec<(LeadNo, Vec<u8>)>,
    /// Causes for whoever carries a key, which need not be held: they go to the inbox of each.
    pub told: Vec<Told>,
    /// Inbox rows that were worked.
    pub inbox_done: Vec<i64>,
    /// Merged into what is there: see [`Suppression::join`].
    pub suppressions: BTreeMap<(KeyHash, Channel), Suppression>,
    /// Facts about the world at large (such as `rep.updated`), kept once by event.
    pub world: Vec<(EventKey, Vec<u8>)>,
}

impl Changes {
    /// Nothing to commit: the unit of work may simply be dropped.
    pub fn is_empty(&self) -> bool {
        // Taken apart, so that a field added later cannot be forgotten here.
        let Changes {
            leads,
            new_leads,
            keys,
            seen,
            history,
            moved,
            divided,
            erased,
            outbox,
            unsent_dropped,
            recalled,
            tasks,
            claims,
            claims_dropped,
            inbox,
            told,
            inbox_done,
            suppressions,
            world,
        } = self;
        leads.is_empty()
            && new_leads.is_empty()
            && keys.is_empty()
            && seen.is_empty()
            && history.is_empty()
            && moved.is_empty()
            && divided.is_none()
            && erased.is_empty()
            && outbox.is_empty()
            && unsent_dropped.is_empty()
            && recalled.is_empty()
            && tasks.is_empty()
            && claims.is_empty()
            && claims_dropped.is_empty()
            && inbox.is_empty()
            && told.is_empty()
            && inbox_done.is_empty()
            && suppressions.is_empty()
            && world.is_empty()
    }
}

/// A cause for all leads that carry a key, but for the one it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub key: KeyHash,
    pub by: LeadNo,
    pub cause: Vec<u8>,
}

/// An event as received, kept for `explain`, `split` and audits until the retention ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryRow {
    pub lead_no: LeadNo,
    pub event: EventKey,
    pub at: Moment,
    pub body: Vec<u8>,
}

/// A task that is decided and must reach the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxRow {
    /// The id on the wire: of the task, or of the revocation.
    pub id: Uuid,
    pub lead_no: LeadNo,
    /// Queue suffix, such as `calls-now`: what can be paused or full.
    pub queue: String,
    pub routing_key: String,
    /// CloudEvents type.
    pub kind: String,
    pub cause: String,
    pub priority: u8,
    pub lead_version: i64,
    /// `None`: never (revocations).
    pub expires_at: Option<Moment>,
    /// The frozen body.
    pub body: Vec<u8>,
    /// The trace context of the event that caused it (W3C `traceparent`), where it had one.
    pub traceparent: Option<String>,
}

/// By a task's id alone its lead is found, until some time after it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskRow {
    pub task_id: Uuid,
    pub lead_no: LeadNo,
    pub forget_after: Moment,
}

/// A wish of a lead for something scarce.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimRow {
    pub pool: String,
    pub task_id: Uuid,
    pub lead_no: LeadNo,
    /// The wish and the draft of the task, made by `domain::pool`.
    pub wish: Vec<u8>,
    /// Not looked at before this instant.
    pub not_before: Moment,
}

/// Who holds outbox rows, and for how long before others may take them.
#[derive(Clone, Debug)]
pub struct Lease {
    pub lessee: Uuid,
    pub length: Duration,
    /// Whether the rows go straight to the broker after the commit; else they wait as `Unsent`.
    pub hand: bool,
}

/// State of an outbox row as the outbox sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OutboxState {
    /// Certainly never given to the broker: may still be taken back.
    Unsent,
    /// A publish was or may have been attempted.
    Handed,
    /// The broker had no queue for it; retried.
    Unroutable,
}

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else held or changed the same leads; nothing was changed, the same work may be tried again at once.
    #[error("the same leads were changed by another worker")]
    Contended,
    /// The database is away or in trouble; whether a commit took place is unknown, `seen` decides.
    #[error("the database is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The statements themselves were refused: a value, a missing table, a permission. One message may be the cause.
    #[error("the database refuses the work")]
    Refused(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl StoreError {
    /// Whether the same call may succeed later without a person doing anything.
    pub fn is_transient(&self) -> bool {
        match self {
            StoreError::Contended | StoreError::Unavailable(_) => true,
            StoreError::Refused(_) => false,
        }
    }
}

/// A pool held exclusively, with the claims that wait for it.
#[derive(Clone, Debug)]
pub struct PoolLoaded {
    pub now: Moment,
    pub name: String,
    /// Empty for a pool that nobody has used yet.
    pub state: Vec<u8>,
    pub claims: Vec<ClaimRow>,
}

#[derive(Clone, Debug, Default)]
pub struct PoolChanges {
    pub state: Vec<u8>,
    /// Answered claims: the row is deleted, the answer goes to the lead's inbox.
    pub answered: Vec<(Uuid, LeadNo, Vec<u8>)>,
    /// Tasks that got what they wanted.
    pub outbox: Vec<OutboxRow>,
    /// Claims that wait on: not looked at before the instant.
    pub deferred: Vec<(Uuid, Moment)>,
}

/// The state of the database as `gleaner check`, `run` and `migrate` need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreInfo {
    pub schema_version: i64,
    /// Part of every task id; made at the first migrate.
    pub epoch: String,
    pub now: Moment,
}

/// The database, as gleaner needs it. Cheap to clone.
pub trait Store: Clone + Send + Sync + 'static {
    /// A transaction that holds leads exclusively. Dropping it gives everything back unchanged.
    type Held: Send;
    /// A transaction that holds one pool exclusively.
    type HeldPool: Send;

    /// Brings the schema up to date; two at once are safe. `epoch` is used when the database has none yet; `None` makes a random one.
    fn migrate(&self, epoch: Option<&str>) -> impl Future<Output = Result<StoreInfo, StoreError>> + Send;

    /// Fails as `Refused` with a plain sentence where the schema is missing, older than this binary, or newer than it can run on.
    fn info(&self) -> impl Future<Output = Result<StoreInfo, StoreError>> + Send;

    /// Holds every lead that the wanted keys, tasks and numbers lead to (and those linked to them), waiting for other holders. Between this and the commit no other unit of work sees or changes them, and no other learns the same unknown keys.
    /// Any call may be cancelled; what it had begun is undone.
    fn hold(&self, wanted: Wanted) -> impl Future<Output = Result<(Self::Held, Loaded), StoreError>> + Send;

    /// Holds up to `limit` leads (and those linked to them) whose wake-up is due or whose inbox has something, skipping those held by others. `None` can also mean that all that is due is held by others: wait a little before asking again.
    fn hold_due(&self, limit: usize) -> impl Future<Output = Result<Option<(Self::Held, Loaded)>, StoreError>> + Send;

    /// Commits. An error other than `Unavailable` means that nothing was changed. Outbox rows come out leased to `lessee` for `lease` and as `Handed`, unless `hand` is false: then they are `Unsent`.
    fn commit(
        &self,
        held: Self::Held,
        changes: Changes,
        lease: Lease,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Holds a pool that has claims due, skipping those held by others.
    fn hold_pool(
        &self,
        max_claims: usize,
    ) -> impl Future<Output = Result<Option<(Self::HeldPool, PoolLoaded)>, StoreError>> + Send;
    fn commit_pool(
        &self,
        held: Self::HeldPool,
        changes: PoolChanges,
        lease: Lease,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Takes outbox rows whose lease or pause has lapsed, longest waiting first, leases them and marks them `Handed`. Queues named in `except` are left alone.
    fn take_outbox(
        &self,
        limit: usize,
        lease: Lease,
        except: &BTreeSet<String>,
    ) -> impl Future<Output = Result<Vec<OutboxRow>, StoreError>> + Send;
    /// The broker has them.
    fn forget_outbox(&self, ids: &[Uuid]) -> impl Future<Output = Result<(), StoreError>> + Send;
    /// They were never given to the broker, or came back: state, and not before `after` from now. Rows that another
    /// lessee has taken since (this one was stopped past its lease) are left alone, and a row that may ever have
    /// reached the broker becomes `Handed` where `Unsent` is asked for: `Unsent` is what a revocation relies on.
    fn release_outbox(
        &self,
        lessee: Uuid,
        rows: &[(Uuid, OutboxState)],
        after: Duration,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
    /// Overdue rows: deleted, and the cause goes to the lead's inbox (once, however many workers find them).
    fn expire_outbox(&self, rows: &[(Uuid, LeadNo, Vec<u8>)]) -> impl Future<Output = Result<(), StoreError>> + Send;
    /// Rows by queue and state, and the age of the oldest, for metrics and checks.
    fn outbox_depth(&self) -> impl Future<Output = Result<Vec<(String, OutboxState, u64, Span)>, StoreError>> + Send;

    /// Counts one more try of a message that is worked alone because it may be the culprit, durably, before it is worked. Returns the count.
    fn count_suspect(&self, message: &str) -> impl Future<Output = Result<u32, StoreError>> + Send;
    /// The suspect was worked or set aside.
    fn clear_suspect(&self, message: &str) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The lead that carries the key (the first holder), following merges; for reading only.
    fn lead_by_key(&self, key: KeyHash) -> impl Future<Output = Result<Option<LeadRow>, StoreError>> + Send;
    /// The lead of this id, following merges; an erased one comes as its empty row.
    fn lead_by_id(&self, lead_id: Uuid) -> impl Future<Output = Result<Option<LeadRow>, StoreError>> + Send;
    /// Leads after `after` in the order of their numbers, at most `limit`; merged and erased ones are left out.
    fn leads_after(&self, after: LeadNo, limit: usize)
    -> impl Future<Output = Result<Vec<LeadRow>, StoreError>> + Send;
    /// Rows for these keys, for reading only.
    fn suppressions(
        &self,
        keys: &[KeyHash],
    ) -> impl Future<Output = Result<BTreeMap<(KeyHash, Channel), Suppression>, StoreError>> + Send;
    /// Public ids of leads by number, for showing links.
    fn lead_ids(&self, leads: &[LeadNo]) -> impl Future<Output = Result<BTreeMap<LeadNo, Uuid>, StoreError>> + Send;
    /// The events of a lead by time, newest last, at most `limit` newest.
    fn history(&self, lead: LeadNo, limit: usize) -> impl Future<Output = Result<Vec<HistoryRow>, StoreError>> + Send;
    /// Deletes history older than `before` and task rows past their time, at most `limit` rows of each; returns how many went.
    fn prune(&self, before: Moment, limit: usize) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// When the person who carried the key was forgotten, where nobody carries it since.
    fn erased_at(&self, key: KeyHash) -> impl Future<Output = Result<Option<Moment>, StoreError>> + Send;
    /// All suppression rows after one, in the order of key and channel, at most `limit`.
    fn suppressions_after(
        &self,
        after: Option<(KeyHash, Channel)>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<SuppressionRow>, StoreError>> + Send;

    /// Names of the shared values, each with its version: a few rows, asked for every second.
    fn control_versions(&self) -> impl Future<Output = Result<BTreeMap<String, i64>, StoreError>> + Send;
    /// A shared value with its version.
    fn read_control(&self, name: &str) -> impl Future<Output = Result<Option<(i64, Vec<u8>)>, StoreError>> + Send;
    /// Writes a shared value if its version is still `seen` (0: it was not there). False: somebody else was first.
    fn write_control(
        &self,
        name: &str,
        seen: i64,
        value: &[u8],
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;
    /// Oldest facts about the world that are not folded yet.
    fn world_deltas(&self, limit: usize) -> impl Future<Output = Result<Vec<(EventKey, Vec<u8>)>, StoreError>> + Send;
    /// Writes the value [`WORLD`] if its version is still `seen`, and drops the facts that are folded into it, both or
    /// neither. False: somebody else was first.
    fn fold_world(
        &self,
        seen: i64,
        value: &[u8],
        folded: &[EventKey],
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// When the next lead is due, for the wake lane's sleep.
    fn next_wake(&self) -> impl Future<Output = Result<Option<Moment>, StoreError>> + Send;
}
