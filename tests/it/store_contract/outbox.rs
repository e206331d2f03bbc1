//! Tasks between the commit and the broker's confirmation.

use std::sync::Arc;

use gleaner::domain::identity::LeadNo;
use gleaner::store::{Changes, Lease, OutboxState, Store, StoreError};

use super::*;

const ME: Uuid = Uuid::from_u128(1);
const OTHER: Uuid = Uuid::from_u128(2);
const NOTHING: [Uuid; 0] = [];

/// A lead with one task in its outbox.
async fn decided<S: Store>(store: &S, lease: Lease) -> LeadNo {
    let lead_no = make_lead(store, &[1]).await;
    let (held, _) = hold(store, by_number([lead_no])).await;
    let changes = Changes { outbox: vec![outbox_row(task(5), lead_no)], ..Changes::default() };
    store.commit(held, changes, lease).await.unwrap();
    lead_no
}
async fn take<S: Store>(store: &S, lease: Lease) -> Vec<Uuid> {
    store.take_outbox(9, lease, &[].into()).await.unwrap().iter().map(|row| row.id).collect()
}
async fn unsent<S: Store>(store: &S, lead_no: LeadNo) -> Vec<Uuid> {
    let (_held, loaded) = hold(store, by_number([lead_no])).await;
    loaded.unsent.into_iter().collect()
}
fn taking_back() -> Changes {
    Changes { unsent_dropped: vec![task(5)], ..Changes::default() }
}

pub async fn a_task_taken_back_before_it_was_sent_never_leaves<B: Backend>(b: Arc<B>) {
    let store = migrated(&*b).await;
    let lead_no = decided(&store, no_lease()).await;
    let (held, loaded) = hold(&store, by_number([lead_no])).await;
    assert_eq!(loaded.unsent, [task(5)].into());
    store.commit(held, taking_back(), no_lease()).await.unwrap();
    assert_eq!(take(&store, lease(ME)).await, NOTHING);
    assert_eq!(store.outbox_depth().await.unwrap(), []);
}

pub async fn a_task_given_to_the_broker_cannot_be_taken_back<B: Backend>(b: Arc<B>) {
    let store = migrated(&*b).await;
    let lead_no = decided(&store, no_lease()).await;
    assert_eq!(take(&store, lease(ME)).await, [task(5)]);
    let (held, loaded) = hold(&store, by_number([lead_no])).await;
    assert_eq!(loaded.unsent, [].into());
    // Decided on what was true a moment ago: nothing of it happens.
    let changes = Changes { leads: vec![lead(lead_no, &[1, 2])], ..taking_back() };
    let outcome = store.commit(held, changes, no_lease()).await;
    assert!(matches!(outcome, Err(StoreError::Contended)), "{outcome:?}");
    let (_held, loaded) = hold(&store, by_number([lead_no])).await;
    assert_eq!(loaded.leads[0].keys, [key(1)]);
}

pub async fn a_lapsed_lease_is_taken_by_another_worker_and_an_unlapsed_one_is_not<B: Backend>(b: Arc<B>) {
    let store = migrated(&*b).await;
    decided(&store, lease(ME)).await;
    assert_eq!(take(&store, lease(OTHER)).await, NOTHING);
    // The same again, with leases that end at once: by the committing worker, by a taker, after a release.
    store.forget_outbox(&[task(5)]).await.unwrap();
    let lead_no = make_lead(&store, &[2]).await;
    let (held, _) = hold(&store, by_number([lead_no])).await;
    let changes = Changes { outbox: vec![outbox_row(task(6), lead_no)], ..Changes::default() };
    store.commit(held, changes, lapsed_lease(ME)).await.unwrap();
    assert_eq!(take(&store, lapsed_lease(OTHER)).await, [task(6)]);
    assert_eq!(take(&store, lease(ME)).await, [task(6)]);
    assert_eq!(take(&store, lease(OTHER)).await, NOTHING);
    let released = [(task(6), OutboxState::Unroutable)];
    store.release_outbox(ME, &released, Duration::from_secs(3600)).await.unwrap();
    assert_eq!(take(&store, lease(OTHER)).await, NOTHING);
    let depth = store.outbox_depth().await.unwrap();
    assert_eq!((&depth[0].0[..], depth[0].1, depth[0].2), ("calls-now", OutboxState::Unroutable, 1));
    store.forget_outbox(&[task(6), task(7)]).await.unwrap();
    assert_eq!(store.outbox_depth().await.unwrap(), []);
}

pub async fn a_worker_that_was_stopped_cannot_release_what_another_took<B: Backend>(b: Arc<B>) {
    let store = migrated(&*b).await;
    let lead_no = decided(&store, lapsed_lease(ME)).await;
    assert_eq!(take(&store, lease(OTHER)).await, [task(5)]);
    store.release_outbox(ME, &[(task(5), OutboxState::Unsent)], Duration::ZERO).await.unwrap();
    assert_eq!(take(&store, lease(ME)).await, NOTHING, "the other still has it");
    assert_eq!(unsent(&store, lead_no).await, NOTHING);
}

pub async fn what_may_have_been_sent_is_never_called_unsent_again<B: Backend>(b: Arc<B>) {
    let store = migrated(&*b).await;
    let lead_no = decided(&store, lease(ME)).await;
    // Never given to the broker: may be taken back.
    store.release_outbox(ME, &[(task(5), OutboxState::Unsent)], Duration::ZERO).await.unwrap();
    assert_eq!(unsent(&store, lead_no).await, [task(5)]);
    // Taken, and the lease lapses in somebody's hands: nobody knows any more, whatever the next one says.
    assert_eq!(take(&store, lapsed_lease(ME)).await, [task(5)]);
    assert_eq!(take(&store, lease(OTHER)).await, [task(5)]);
    store.release_outbox(OTHER, &[(task(5), OutboxState::Unsent)], Duration::ZERO).await.unwrap();
    assert_eq!(unsent(&store, lead_no).await, NOTHING);
    assert_eq!(store.outbox_depth().await.unwrap()[0].1, OutboxState::Handed);
}

pub async fn an_overdue_task_tells_its_lead_once<B: Backend>(b: Arc<B>) {
    let store = migrated(&*b).await;
    let lead_no = decided(&store, lapsed_lease(ME)).await;
    for _ in 0..2 {
        store.expire_outbox(&[(task(5), lead_no, b"expired".to_vec())]).await.unwrap();
    }
    assert_eq!(store.outbox_depth().await.unwrap(), []);
    let (_held, loaded) = hold_due(&store).await;
    let causes: Vec<_> = loaded.inbox.iter().map(|(_, lead, cause)| (*lead, &cause[..])).collect();
    assert_eq!(causes, [(lead_no, &b"expired"[..])]);
}

pub async fn a_revoked_task_that_still_waits_is_recalled_and_a_revocation_outlives_an_erasure<B: Backend>(b: Arc<B>) {
    let store = migrated(&*b).await;
    // The broker refused it once: it waits, and may have been seen.
    let lead_no = decided(&store, lapsed_lease(ME)).await;
    let mut revocation = outbox_row(task(6), lead_no);
    revocation.kind = "task.revoked".into();
    let taken_back = Changes { recalled: vec![task(5)], outbox: vec![revocation], ..Changes::default() };
    change(&store, &[lead_no], taken_back).await.unwrap();

    let (held, loaded) = hold(&store, by_number([lead_no])).await;
    let empty = LeadRow { erased: true, keys: vec![], state: vec![], ..loaded.leads[0].clone() };
    let erasure = Changes { leads: vec![empty], erased: vec![lead_no], ..Changes::default() };
    store.commit(held, erasure, no_lease()).await.unwrap();
    assert_eq!(take(&store, lease(OTHER)).await, [task(6)]);
}

pub async fn a_queue_can_be_left_alone<B: Backend>(b: Arc<B>) {
    let store = migrated(&*b).await;
    let lead_no = decided(&store, no_lease()).await;
    let mut mail = outbox_row(task(6), lead_no);
    mail.queue = "mail".into();
    change(&store, &[lead_no], Changes { outbox: vec![mail.clone()], ..Changes::default() }).await.unwrap();
    let taken = store.take_outbox(9, lease(ME), &["calls-now".to_owned()].into()).await.unwrap();
    assert_eq!(taken, [mail]);
    assert_eq!(take(&store, lease(ME)).await, [task(5)]);
}
