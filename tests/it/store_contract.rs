//! The contract of `Store`, one sentence a test, run on both implementations.
//!
//! PostgreSQL is the one at `DATABASE_URL`, or a local one; each test has a schema of its own there, dropped at the
//! end however the test ends. What only PostgreSQL promises (nobody waits who need not) is in `postgres_only`.

mod committing;
mod control;
mod due;
mod holding;
mod outbox;
mod pools;
mod postgres_only;
mod reading;
mod schema;

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use gleaner::domain::event::{ContentHash, EventKey};
use gleaner::domain::identity::{KeyHash, KeyHasher, LeadNo};
use gleaner::domain::time::{Moment, Span};
use gleaner::store::postgres::Postgres;
use gleaner::store::sqlite::Sqlite;
use gleaner::store::{Changes, KeyRow, LeadRow, Lease, Loaded, OutboxRow, Store, StoreError, Wanted, WantedMessage};
use sqlx::{Connection, Executor, PgConnection, SqliteConnection};
use uuid::Uuid;

/// A database of one test's own, empty at first.
pub trait Backend: Send + Sync + 'static {
    type Store: Store;
    /// The store; each call is another worker's, with connections of its own.
    fn store(&self) -> Self::Store;
    fn store_with_clock_offset(&self, offset: Span) -> Self::Store;
    /// Does something no store would.
    fn run_sql(&self, sql: &'static str) -> impl Future<Output = ()> + Send;
}

pub struct OnPostgres {
    pub url: String,
    schema: String,
}

impl OnPostgres {
    async fn make() -> OnPostgres {
        let schema = format!("gleaner_{}", Uuid::new_v4().simple());
        admin(&format!("create schema {schema}")).await;
        let base = base_url();
        let joint = if base.contains('?') { '&' } else { '?' };
        let url = format!("{base}{joint}options[search_path]={schema}&application_name={schema}");
        OnPostgres { url, schema }
    }
    /// How many of this test's connections the server sees in the middle of a transaction.
    pub async fn open_transactions(&self) -> i64 {
        let mut connection = PgConnection::connect(&base_url()).await.unwrap();
        let sql = "select count(*) from pg_stat_activity where application_name = $1 and state like 'idle in%'";
        sqlx::query_scalar(sql).bind(&self.schema).fetch_one(&mut connection).await.unwrap()
    }
    /// Ends this test's connections, as a restart of the server would.
    pub async fn terminate_all(&self) {
        let sql = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1";
        let mut connection = PgConnection::connect(&base_url()).await.unwrap();
        sqlx::query(sql).bind(&self.schema).execute(&mut connection).await.unwrap();
    }
}

fn base_url() -> String {
    std::env::var("DATABASE_URL").unwrap_or_else(|_| "postgres://postgres@127.0.0.1:5432/test".into())
}

async fn admin(sql: &str) {
    let mut connection = PgConnection::connect(&base_url()).await.expect("PostgreSQL at DATABASE_URL");
    connection.execute(sql).await.unwrap();
}

impl Backend for OnPostgres {
    type Store = Postgres;
    fn store(&self) -> Postgres {
        Postgres::connect(&self.url, 10).unwrap()
    }
    fn store_with_clock_offset(&self, offset: Span) -> Postgres {
        self.store().with_clock_offset(offset)
    }
    async fn run_sql(&self, sql: &'static str) {
        let mut connection = PgConnection::connect(&self.url).await.unwrap();
        connection.execute(sql).await.unwrap();
    }
}

pub struct OnSqlite {
    directory: tempfile::TempDir,
}

impl Backend for OnSqlite {
    type Store = Sqlite;
    fn store(&self) -> Sqlite {
        Sqlite::open(self.directory.path().join("leads.sqlite"))
    }
    fn store_with_clock_offset(&self, offset: Span) -> Sqlite {
        self.store().with_clock_offset(offset)
    }
    async fn run_sql(&self, sql: &'static str) {
        let path = self.directory.path().join("leads.sqlite");
        let mut connection = SqliteConnection::connect(path.to_str().unwrap()).await.unwrap();
        connection.execute(sql).await.unwrap();
    }
}

/// Runs a test on a PostgreSQL schema of its own and drops the schema even if the test panics.
pub async fn on_postgres<T: Future<Output = ()> + Send + 'static>(test: impl FnOnce(Arc<OnPostgres>) -> T) {
    let backend = Arc::new(OnPostgres::make().await);
    let outcome = tokio::spawn(test(backend.clone())).await;
    admin(&format!("drop schema {} cascade", backend.schema)).await;
    outcome.unwrap_or_else(|e| std::panic::resume_unwind(e.into_panic()));
}

/// Runs a test on a SQLite file of its own.
pub async fn on_sqlite<T: Future<Output = ()>>(test: impl FnOnce(Arc<OnSqlite>) -> T) {
    test(Arc::new(OnSqlite { directory: tempfile::tempdir().unwrap() })).await;
}

/// One list, two runs of each sentence.
macro_rules! both_keep {
    ($($area:ident: $($sentence:ident),+ $(,)?;)+) => {
        mod postgres {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $sentence() {
                    super::on_postgres(super::$area::$sentence).await;
                }
            )+)+
        }
        mod sqlite {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $sentence() {
                    super::on_sqlite(super::$area::$sentence).await;
                }
            )+)+
        }
    };
}

both_keep! {
    holding:
        an_unknown_key_is_learned_by_one_of_two_units_and_found_by_the_other,
        two_units_on_one_lead_run_one_after_the_other,
        what_is_dropped_uncommitted_changes_nothing,
        a_key_that_was_named_and_not_learned_stays_unknown,
        crossing_holds_in_any_order_all_get_their_work_done,
        numbers_of_new_leads_are_never_given_twice,
        links_and_survivors_are_held_too,
        a_crowded_key_holds_nobody_and_loses_nobody,
        a_tombstoned_key_comes_to_one_new_lead_only,
        a_message_that_names_only_a_task_leads_to_its_lead,
        a_message_is_told_which_of_its_leads_saw_it;
    committing:
        every_byte_and_instant_comes_back_as_it_was,
        a_lead_that_is_not_held_cannot_be_written,
        a_merge_moves_history_and_seen,
        events_told_apart_go_with_their_lead,
        a_merge_moves_what_waits_for_the_lead,
        an_erased_lead_leaves_its_tombstone_and_suppression,
        suppressions_join_in_any_order,
        a_fact_about_the_world_is_kept_once;
    due:
        an_answer_wakes_its_lead,
        whoever_carries_a_key_is_told_but_the_one_it_comes_from,
        a_lead_is_due_when_its_wakeup_says_so,
        a_wakeup_moved_or_cancelled_is_not_due,
        answers_do_not_starve_wakeups_nor_wakeups_answers,
        a_shifted_clock_shifts_what_is_due;
    outbox:
        a_task_taken_back_before_it_was_sent_never_leaves,
        a_task_given_to_the_broker_cannot_be_taken_back,
        a_lapsed_lease_is_taken_by_another_worker_and_an_unlapsed_one_is_not,
        a_worker_that_was_stopped_cannot_release_what_another_took,
        what_may_have_been_sent_is_never_called_unsent_again,
        an_overdue_task_tells_its_lead_once,
        a_revoked_task_that_still_waits_is_recalled_and_a_revocation_outlives_an_erasure,
        a_queue_can_be_left_alone;
    pools:
        a_pool_is_granted_by_one_worker_at_a_time,
        an_answer_goes_to_the_inbox_and_its_task_to_the_outbox,
        a_claim_taken_back_is_never_granted,
        a_claim_answered_cannot_be_taken_back,
        a_deferred_claim_waits;
    reading:
        leads_are_found_by_key_and_by_id_through_merges,
        leads_are_walked_in_order_without_merged_and_erased_ones,
        history_shows_the_newest_events_oldest_first,
        pruning_takes_old_history_and_forgotten_tasks_only,
        suspects_are_counted_until_they_are_cleared;
    control:
        a_shared_value_is_written_by_whoever_saw_the_last_one,
        facts_about_the_world_are_folded_once,
        a_forgotten_key_says_when_until_somebody_carries_it_again,
        suppression_is_walked_page_by_page;
    schema:
        two_migrators_at_once_make_one_schema,
        a_newer_schema_refuses_an_older_binary_in_plain_words,
        a_newer_schema_that_is_compatible_is_worked_on,
        a_missing_schema_names_the_command_that_makes_it,
        the_epoch_is_made_once;
}

pub fn key(n: u8) -> KeyHash {
    KeyHash([n; 16])
}
pub fn event(n: u8) -> EventKey {
    EventKey([n; 16])
}
pub fn content(n: u8) -> ContentHash {
    ContentHash([n; 16])
}
pub fn task(n: u8) -> Uuid {
    Uuid::from_bytes([n; 16])
}

/// A message with an event of the number of its first key.
pub fn message(keys: &[u8]) -> WantedMessage {
    let event = keys.first().map(|n| event(*n));
    WantedMessage { event, keys: keys.iter().map(|n| key(*n)).collect(), task: None }
}
pub fn by_keys(keys: &[u8]) -> Wanted {
    Wanted { messages: vec![message(keys)], hasher: Some(KeyHasher::fixed()), ..Wanted::default() }
}
pub fn by_number(leads: impl IntoIterator<Item = LeadNo>) -> Wanted {
    Wanted { leads: leads.into_iter().collect(), ..Wanted::default() }
}

pub fn lead(lead_no: LeadNo, keys: &[u8]) -> LeadRow {
    LeadRow {
        lead_no,
        lead_id: Uuid::from_u128(lead_no.0 as u128),
        merged_into: None,
        erased: false,
        stage: "new".into(),
        verdict: "unknown".into(),
        version: 1,
        updated_at: Moment(1),
        keys: keys.iter().map(|n| key(*n)).collect(),
        linked: vec![],
        state: vec![1, 0, 2],
        wake_at: None,
    }
}
pub fn carried_by(leads: impl IntoIterator<Item = LeadNo>) -> KeyRow {
    KeyRow { holders: leads.into_iter().collect(), erased_at: None }
}
/// What makes a new lead that carries these keys alone.
pub fn new_lead(lead: LeadRow) -> Changes {
    Changes {
        keys: lead.keys.iter().map(|k| (*k, carried_by([lead.lead_no]))).collect(),
        new_leads: BTreeSet::from([lead.lead_no]),
        leads: vec![lead],
        ..Changes::default()
    }
}
pub fn outbox_row(id: Uuid, lead_no: LeadNo) -> OutboxRow {
    OutboxRow {
        id,
        lead_no,
        queue: "calls-now".into(),
        routing_key: "task.follow_up.call".into(),
        kind: "task.follow_up".into(),
        cause: "event:/forms e-1".into(),
        priority: 7,
        lead_version: 1,
        expires_at: Some(Moment(9)),
        body: vec![b'{', 0, b'}'],
        traceparent: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".into()),
    }
}

/// A lease that will not lapse while a test runs.
pub fn lease(lessee: Uuid) -> Lease {
    Lease { lessee, length: Duration::from_secs(3600), hand: true }
}
/// Rows wait as unsent, for whoever comes.
pub fn no_lease() -> Lease {
    Lease { lessee: Uuid::nil(), length: Duration::ZERO, hand: false }
}
/// A lease that has lapsed by the time anybody looks.
pub fn lapsed_lease(lessee: Uuid) -> Lease {
    Lease { lessee, length: Duration::ZERO, hand: true }
}

pub async fn migrated<B: Backend>(backend: &B) -> B::Store {
    let store = backend.store();
    store.migrate(Some("0")).await.unwrap();
    store
}

/// Holds as workers do: what is contended is tried again.
pub async fn hold<S: Store>(store: &S, wanted: Wanted) -> (S::Held, Loaded) {
    loop {
        match store.hold(wanted.clone()).await {
            Err(StoreError::Contended) => tokio::task::yield_now().await,
            other => return other.unwrap(),
        }
    }
}

/// Holds what is due as workers do: what was just given back may still be held for a moment.
pub async fn hold_due<S: Store>(store: &S) -> (S::Held, Loaded) {
    let until = std::time::Instant::now() + Duration::from_secs(20);
    loop {
        match store.hold_due(9).await {
            Ok(Some(held)) => return held,
            Ok(None) | Err(StoreError::Contended) => assert!(std::time::Instant::now() < until, "nothing is due"),
            Err(error) => panic!("{error}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Makes a lead with these keys, all of them unknown before.
pub async fn make_lead<S: Store>(store: &S, keys: &[u8]) -> LeadNo {
    let (held, loaded) = hold(store, by_keys(keys)).await;
    let made = lead(loaded.fresh[0], keys);
    let lead_no = made.lead_no;
    store.commit(held, new_lead(made), no_lease()).await.unwrap();
    lead_no
}

/// Commits changes on leads held by number.
pub async fn change<S: Store>(store: &S, leads: &[LeadNo], changes: Changes) -> Result<(), StoreError> {
    let (held, _) = hold(store, by_number(leads.iter().copied())).await;
    store.commit(held, changes, no_lease()).await
}
