//! What all workers share: values by version, the world's facts, and the list of what is closed.

use std::sync::Arc;

use gleaner::domain::event::Channel;
use gleaner::domain::suppression::{ClosedBecause, Suppression};
use gleaner::domain::time::Moment;
use gleaner::store::{Changes, KeyRow, Store, WORLD};

use super::*;

pub async fn a_shared_value_is_written_by_whoever_saw_the_last_one<B: Backend>(b: Arc<B>) {
    let (one, other) = (migrated(&*b).await, b.store());
    assert!(one.control_versions().await.unwrap().is_empty());
    assert_eq!(one.read_control("pauses").await.unwrap(), None);
    assert!(one.write_control("pauses", 0, &[1, 0, 255]).await.unwrap());
    assert!(!other.write_control("pauses", 0, &[2]).await.unwrap(), "it is there by now");
    let (version, value) = other.read_control("pauses").await.unwrap().unwrap();
    assert_eq!(value, [1, 0, 255]);
    assert!(other.write_control("pauses", version, &[3]).await.unwrap());
    assert!(!one.write_control("pauses", version, &[4]).await.unwrap(), "another was first");
    assert_eq!(one.read_control("pauses").await.unwrap().unwrap().1, [3]);
    assert_eq!(one.control_versions().await.unwrap()["pauses"], version + 1);
}

pub async fn facts_about_the_world_are_folded_once<B: Backend>(b: Arc<B>) {
    let (one, other) = (migrated(&*b).await, b.store());
    for n in [3, 1, 2] {
        change(&one, &[], Changes { world: vec![(event(n), vec![n])], ..Changes::default() }).await.unwrap();
    }
    let mut deltas = one.world_deltas(10).await.unwrap();
    assert_eq!(one.world_deltas(2).await.unwrap().len(), 2);
    let keys: Vec<_> = deltas.iter().map(|(key, _)| *key).collect();
    assert!(one.fold_world(0, &[6], &keys).await.unwrap());
    // Whoever folds the same facts again has read an older world and is refused, so that nothing counts twice.
    assert!(!other.fold_world(0, &[12], &keys).await.unwrap());
    assert_eq!(other.read_control(WORLD).await.unwrap(), Some((1, vec![6])));
    deltas.retain(|(key, _)| !keys.contains(key));
    assert!(deltas.is_empty() && other.world_deltas(10).await.unwrap().is_empty());
    change(&one, &[], Changes { world: vec![(event(4), vec![4])], ..Changes::default() }).await.unwrap();
    assert_eq!(other.world_deltas(10).await.unwrap(), [(event(4), vec![4])]);
}

pub async fn a_forgotten_key_says_when_until_somebody_carries_it_again<B: Backend>(b: Arc<B>) {
    let store = migrated(&*b).await;
    let lead_no = make_lead(&store, &[1]).await;
    assert_eq!(store.erased_at(key(1)).await.unwrap(), None);
    let tombstone = KeyRow { holders: vec![], erased_at: Some(Moment(77)) };
    let mut gone = lead(lead_no, &[]);
    gone.erased = true;
    let keys = std::collections::BTreeMap::from([(key(1), tombstone)]);
    let erased = Changes { leads: vec![gone], erased: vec![lead_no], keys, ..Changes::default() };
    change(&store, &[lead_no], erased).await.unwrap();
    assert_eq!(store.erased_at(key(1)).await.unwrap(), Some(Moment(77)));
    assert_eq!(store.erased_at(key(2)).await.unwrap(), None);
    make_lead(&store, &[1]).await;
    assert_eq!(store.erased_at(key(1)).await.unwrap(), None, "the new lead answers for the key");
}

pub async fn suppression_is_walked_page_by_page<B: Backend>(b: Arc<B>) {
    let store = migrated(&*b).await;
    let closed = |at| Suppression::closed(Moment(at), ClosedBecause::ByHand);
    let all = std::collections::BTreeMap::from([
        ((key(1), Channel::Call), closed(1)),
        ((key(1), Channel::Sms), closed(2)),
        ((key(2), Channel::Email), closed(3)),
    ]);
    change(&store, &[], Changes { suppressions: all.clone(), ..Changes::default() }).await.unwrap();
    let first = store.suppressions_after(None, 2).await.unwrap();
    assert_eq!(first.len(), 2);
    let rest = store.suppressions_after(first.last().map(|(at, _)| *at), 2).await.unwrap();
    assert_eq!(rest.len(), 1);
    assert_eq!(first.into_iter().chain(rest).collect::<std::collections::BTreeMap<_, _>>(), all);
}
