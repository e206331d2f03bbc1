//! Migrating, and which binary may run on which schema.

use std::error::Error;
use std::sync::Arc;

use gleaner::store::{Store, StoreError};

use super::*;

fn sentence(refused: Result<impl std::fmt::Debug, StoreError>) -> String {
    match refused {
        Err(e @ StoreError::Refused(_)) => e.source().unwrap().to_string(),
        other => panic!("not refused: {other:?}"),
    }
}

pub async fn two_migrators_at_once_make_one_schema<B: Backend>(b: Arc<B>) {
    let migrate = |store: B::Store| async move { store.migrate(None).await.unwrap() };
    let migrators: Vec<_> = (0..4).map(|_| tokio::spawn(migrate(b.store()))).collect();
    let mut epochs = BTreeSet::new();
    for migrator in migrators {
        epochs.insert(migrator.await.unwrap().epoch);
    }
    assert_eq!(epochs.len(), 1, "{epochs:?}");
    make_lead(&b.store(), &[1]).await;
}

pub async fn a_newer_schema_refuses_an_older_binary_in_plain_words<B: Backend>(b: Arc<B>) {
    let store = migrated(&*b).await;
    b.run_sql("insert into schema_version (version, name, oldest_binary, applied_at_ms) values (900, 'x', 899, 0)")
        .await;
    let told = sentence(store.info().await);
    assert!(told.contains("schema version 900") && told.contains("use a newer gleaner"), "{told}");
    assert_eq!(sentence(store.migrate(None).await), told);
}

pub async fn a_newer_schema_that_is_compatible_is_worked_on<B: Backend>(b: Arc<B>) {
    let store = migrated(&*b).await;
    b.run_sql("insert into schema_version (version, name, oldest_binary, applied_at_ms) values (900, 'x', 1, 0)").await;
    assert_eq!(store.info().await.unwrap().schema_version, 900);
    assert_eq!(store.migrate(None).await.unwrap().schema_version, 900);
}

pub async fn a_missing_schema_names_the_command_that_makes_it<B: Backend>(b: Arc<B>) {
    let told = sentence(b.store().info().await);
    assert!(told.contains("gleaner migrate"), "{told}");
}

pub async fn the_epoch_is_made_once<B: Backend>(b: Arc<B>) {
    let store = b.store();
    assert_eq!(store.migrate(Some("e-1")).await.unwrap().epoch, "e-1");
    assert_eq!(store.migrate(Some("e-2")).await.unwrap().epoch, "e-1");
    assert_eq!(store.info().await.unwrap().epoch, "e-1");
}
