//! Scarce things: claims, and who answers them.

use std::sync::Arc;

use gleaner::domain::identity::LeadNo;
use gleaner::domain::time::{Moment, Span};
use gleaner::store::{Changes, ClaimRow, PoolChanges, Store, StoreError};

use super::*;

fn claim(pool: &str, n: u8, lead_no: LeadNo) -> ClaimRow {
    ClaimRow { pool: pool.into(), task_id: task(n), lead_no, wish: vec![n, 0], not_before: Moment(n.into()) }
}
async fn claiming<S: Store>(store: &S, claims: impl Fn(LeadNo) -> Vec<ClaimRow>) -> LeadNo {
    let lead_no = make_lead(store, &[1]).await;
    change(store, &[lead_no], Changes { claims: claims(lead_no), ..Changes::default() }).await.unwrap();
    lead_no
}

pub async fn a_pool_is_granted_by_one_worker_at_a_time<B: Backend>(b: Arc<B>) {
    const CLAIMS: u8 = 40;
    let store = migrated(&*b).await;
    claiming(&store, |lead| (0..CLAIMS).map(|n| claim("desk", n, lead)).collect()).await;
    // The state counts what was granted; two that grant at once would lose count.
    let unit = |store: B::Store| async move {
        let mut granted = 0;
        loop {
            match store.hold_pool(3).await {
                Ok(Some((held, loaded))) => {
                    let so_far = loaded.state.first().copied().unwrap_or(0);
                    let answered = loaded.claims.iter().map(|c| (c.task_id, c.lead_no, c.wish.clone())).collect();
                    let state = vec![so_far + loaded.claims.len() as u8];
                    granted += loaded.claims.len();
                    let changes = PoolChanges { state, answered, ..PoolChanges::default() };
                    store.commit_pool(held, changes, no_lease()).await.unwrap();
                }
                // Nothing left, or another has the pool.
                Ok(None) if store.hold_pool(1).await.is_ok_and(|pool| pool.is_none()) => return granted,
                Ok(None) | Err(StoreError::Contended) => tokio::task::yield_now().await,
                Err(e) => panic!("{e:?}"),
            }
        }
    };
    let units: Vec<_> = (0..4).map(|_| tokio::spawn(unit(b.store()))).collect();
    let mut granted = 0;
    for unit in units {
        granted += unit.await.unwrap();
    }
    // Whoever saw the pool in another's hands may have left early; what is left is granted here.
    while let Some((held, loaded)) = store.hold_pool(9).await.unwrap() {
        let state = vec![loaded.state[0] + loaded.claims.len() as u8];
        granted += loaded.claims.len();
        let answered = loaded.claims.iter().map(|c| (c.task_id, c.lead_no, c.wish.clone())).collect();
        store.commit_pool(held, PoolChanges { state, answered, ..PoolChanges::default() }, no_lease()).await.unwrap();
    }
    assert_eq!(granted, usize::from(CLAIMS));
    change(&store, &[], Changes::default()).await.unwrap();
    let last = make_lead(&store, &[2]).await;
    change(&store, &[last], Changes { claims: vec![claim("desk", 200, last)], ..Changes::default() }).await.unwrap();
    assert_eq!(store.hold_pool(1).await.unwrap().unwrap().1.state, [CLAIMS]);
}

pub async fn an_answer_goes_to_the_inbox_and_its_task_to_the_outbox<B: Backend>(b: Arc<B>) {
    let store = migrated(&*b).await;
    let lead_no = claiming(&store, |lead| vec![claim("desk", 1, lead), claim("desk", 2, lead)]).await;
    let (held, loaded) = store.hold_pool(9).await.unwrap().unwrap();
    assert_eq!((&loaded.name[..], &loaded.state[..]), ("desk", &[][..]));
    assert_eq!(loaded.claims, [claim("desk", 1, lead_no), claim("desk", 2, lead_no)]);
    let changes = PoolChanges {
        state: vec![7],
        answered: vec![(task(1), lead_no, b"granted".to_vec())],
        outbox: vec![outbox_row(task(1), lead_no)],
        deferred: vec![],
    };
    store.commit_pool(held, changes, no_lease()).await.unwrap();
    let (_held, loaded) = hold_due(&store).await;
    assert_eq!(loaded.inbox.iter().map(|(.., cause)| &cause[..]).collect::<Vec<_>>(), [b"granted"]);
    assert_eq!(loaded.unsent, [task(1)].into());
    assert_eq!(loaded.claims, [("desk".to_owned(), task(2))].into());
}

pub async fn a_claim_taken_back_is_never_granted<B: Backend>(b: Arc<B>) {
    let store = migrated(&*b).await;
    let lead_no = claiming(&store, |lead| vec![claim("desk", 1, lead), claim("van", 2, lead)]).await;
    let back = Changes { claims_dropped: vec![("desk".into(), task(1))], ..Changes::default() };
    change(&store, &[lead_no], back).await.unwrap();
    let (held, loaded) = store.hold_pool(9).await.unwrap().unwrap();
    assert_eq!(loaded.claims, [claim("van", 2, lead_no)]);
    drop(held);
}

pub async fn a_claim_answered_cannot_be_taken_back<B: Backend>(b: Arc<B>) {
    let store = migrated(&*b).await;
    let lead_no = claiming(&store, |lead| vec![claim("desk", 1, lead)]).await;
    let (held, _) = store.hold_pool(9).await.unwrap().unwrap();
    let answered = vec![(task(1), lead_no, b"granted".to_vec())];
    store.commit_pool(held, PoolChanges { answered, ..PoolChanges::default() }, no_lease()).await.unwrap();
    let back = Changes { claims_dropped: vec![("desk".into(), task(1))], ..Changes::default() };
    let outcome = change(&store, &[lead_no], back).await;
    assert!(matches!(outcome, Err(StoreError::Contended)), "{outcome:?}");
}

pub async fn a_deferred_claim_waits<B: Backend>(b: Arc<B>) {
    let store = migrated(&*b).await;
    let now = store.info().await.unwrap().now;
    claiming(&store, |lead| vec![claim("desk", 1, lead)]).await;
    let (held, _) = store.hold_pool(9).await.unwrap().unwrap();
    let deferred = vec![(task(1), now + Span::hours(1))];
    store
        .commit_pool(held, PoolChanges { state: vec![3], deferred, ..PoolChanges::default() }, no_lease())
        .await
        .unwrap();
    assert!(store.hold_pool(9).await.unwrap().is_none());
    let later = b.store_with_clock_offset(Span::hours(2));
    let (_held, loaded) = later.hold_pool(9).await.unwrap().unwrap();
    assert_eq!((&loaded.state[..], loaded.claims.len()), (&[3][..], 1));
    assert!(loaded.now >= now + Span::hours(2));
}
