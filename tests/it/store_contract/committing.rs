//! What a commit leaves behind.

use std::sync::Arc;

use gleaner::domain::event::{Channel, ContentHash};
use gleaner::domain::suppression::{ClosedBecause, Suppression};
use gleaner::domain::time::Moment;
use gleaner::domain::working_set::Divided;
use gleaner::store::{Changes, ClaimRow, HistoryRow, KeyRow, LeadRow, Store, StoreError, TaskRow, Wanted};

use super::*;

pub async fn every_byte_and_instant_comes_back_as_it_was<B: Backend>(b: Arc<B>) {
    let store = migrated(&*b).await;
    let (held, loaded) = hold(&store, by_keys(&[0, 255])).await;
    let written = LeadRow {
        stage: "größer".into(),
        verdict: String::new(),
        version: i64::MAX,
        updated_at: Moment::MIN,
        wake_at: Some(Moment::MAX),
        linked: vec![],
        // A megabyte with every byte in it, NUL among them.
        state: (0..1 << 20).map(|i: u32| i as u8).collect(),
        ..lead(loaded.fresh[0], &[0, 255])
    };
    let lead_no = written.lead_no;
    let history = HistoryRow { lead_no, event: event(0), at: Moment::MIN, body: vec![0, b'\\', b'x', 0xff] };
    let mut row = outbox_row(task(1), lead_no);
    row.cause = "event:/a\0b \u{fffd}'\"\\".into();
    row.expires_at = None;
    row.body = (0..=255).collect();
    let mut changes = new_lead(written.clone());
    changes.history.push(history.clone());
    changes.outbox.push(row.clone());
    changes.keys.get_mut(&key(0)).unwrap().erased_at = Some(Moment::MIN);
    store.commit(held, changes, no_lease()).await.unwrap();

    let (_held, loaded) = hold(&store, by_keys(&[0])).await;
    assert!(loaded.leads[0] == written, "the lead came back changed");
    assert_eq!(loaded.keys[&key(0)].erased_at, Some(Moment::MIN));
    drop(_held);
    assert_eq!(store.history(lead_no, 9).await.unwrap(), [history]);
    assert_eq!(store.take_outbox(9, lease(task(9)), &[].into()).await.unwrap(), [row]);
}

pub async fn a_lead_that_is_not_held_cannot_be_written<B: Backend>(b: Arc<B>) {
    let store = migrated(&*b).await;
    let held_lead = make_lead(&store, &[1]).await;
    let other = make_lead(&store, &[2]).await;
    let (held, _) = hold(&store, by_number([held_lead])).await;
    let changes = Changes { leads: vec![lead(other, &[2])], ..Changes::default() };
    let refused = store.commit(held, changes, no_lease()).await;
    assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
}

pub async fn a_merge_moves_history_and_seen<B: Backend>(b: Arc<B>) {
    let store = migrated(&*b).await;
    let survivor = make_lead(&store, &[1]).await;
    let away = make_lead(&store, &[2, 3]).await;
    let event_of = |lead_no, n: u8| HistoryRow { lead_no, event: event(n), at: Moment(n.into()), body: vec![n] };
    // Event 5 was seen by both.
    let before = Changes {
        seen: vec![(survivor, event(5), content(5)), (away, event(5), content(5)), (away, event(6), content(6))],
        history: vec![event_of(survivor, 5), event_of(away, 5), event_of(away, 6)],
        ..Changes::default()
    };
    change(&store, &[survivor, away], before).await.unwrap();

    let (held, _) = hold(&store, by_keys(&[1, 2])).await;
    let merge = Changes {
        leads: vec![
            lead(survivor, &[1, 2, 3]),
            LeadRow { merged_into: Some(survivor), state: vec![], keys: vec![], ..lead(away, &[]) },
        ],
        moved: vec![(away, survivor)],
        // Decided before the merge was, and so under the old number.
        seen: vec![(away, event(7), content(7))],
        history: vec![event_of(away, 7)],
        ..Changes::default()
    };
    store.commit(held, merge, no_lease()).await.unwrap();

    assert_eq!(store.history(survivor, 9).await.unwrap(), [5, 6, 7].map(|n| event_of(survivor, n)));
    assert_eq!(store.history(away, 9).await.unwrap(), []);
    // Key 3 was not among the merge's keys and leads to the survivor all the same.
    let messages = [5, 6, 7].map(|n| WantedMessage { event: Some(event(n)), keys: vec![key(3)], task: None });
    let (_held, loaded) = hold(&store, Wanted { messages: messages.into(), ..Wanted::default() }).await;
    assert_eq!(loaded.seen, [5, 6, 7].map(|n| ((survivor, event(n)), content(n))).into());
    assert_eq!(loaded.keys[&key(3)], carried_by([survivor]));
    assert_eq!(loaded.leads.iter().map(|l| l.lead_no).collect::<Vec<_>>(), [survivor]);
}

pub async fn events_told_apart_go_with_their_lead<B: Backend>(b: Arc<B>) {
    let store = migrated(&*b).await;
    let old = make_lead(&store, &[1, 2]).await;
    let event_of = |lead_no, n: u8| HistoryRow { lead_no, event: event(n), at: Moment(n.into()), body: vec![n] };
    let before = Changes {
        seen: [5, 6, 7].map(|n| (old, event(n), content(n))).into(),
        history: [5, 6, 7].map(|n| event_of(old, n)).into(),
        ..Changes::default()
    };
    change(&store, &[old], before).await.unwrap();

    let messages = vec![message(&[1]), message(&[2]), WantedMessage::default()];
    let (held, loaded) = hold(&store, Wanted { messages, ..Wanted::default() }).await;
    let new = loaded.fresh[0];
    let split = Changes {
        leads: vec![lead(old, &[1]), lead(new, &[2])],
        new_leads: BTreeSet::from([new]),
        keys: [(key(2), carried_by([new]))].into(),
        divided: Some(Divided { from: old, to: new, events: vec![event(6)] }),
        ..Changes::default()
    };
    store.commit(held, split, no_lease()).await.unwrap();

    assert_eq!(store.history(old, 9).await.unwrap(), [5, 7].map(|n| event_of(old, n)));
    assert_eq!(store.history(new, 9).await.unwrap(), [event_of(new, 6)]);
    let asked =
        [(5, 1), (6, 2), (7, 1)].map(|(n, k)| WantedMessage { event: Some(event(n)), keys: vec![key(k)], task: None });
    let (_held, loaded) = hold(&store, Wanted { messages: asked.into(), ..Wanted::default() }).await;
    let seen = [(old, 5), (new, 6), (old, 7)].map(|(lead, n)| ((lead, event(n)), content(n)));
    assert_eq!(loaded.seen, seen.into());
}

pub async fn a_merge_moves_what_waits_for_the_lead<B: Backend>(b: Arc<B>) {
    let store = migrated(&*b).await;
    let survivor = make_lead(&store, &[1]).await;
    let away = make_lead(&store, &[2]).await;
    let claim = ClaimRow { pool: "desk".into(), task_id: task(3), lead_no: away, wish: vec![0], not_before: Moment(0) };
    let before = Changes {
        tasks: vec![TaskRow { task_id: task(2), lead_no: away, forget_after: Moment::MAX }],
        claims: vec![claim],
        inbox: vec![(away, b"early".to_vec())],
        outbox: vec![outbox_row(task(2), away)],
        ..Changes::default()
    };
    change(&store, &[survivor, away], before).await.unwrap();
    let merge = Changes {
        leads: vec![lead(survivor, &[1, 2]), LeadRow { merged_into: Some(survivor), ..lead(away, &[]) }],
        moved: vec![(away, survivor)],
        ..Changes::default()
    };
    change(&store, &[survivor, away], merge).await.unwrap();
    // Somebody who did not know of the merge.
    let other = make_lead(&store, &[9]).await;
    change(&store, &[other], Changes { inbox: vec![(away, b"late".to_vec())], ..Changes::default() }).await.unwrap();

    let by_task = WantedMessage { event: None, keys: vec![], task: Some(task(2)) };
    let (held, loaded) = hold(&store, Wanted { messages: vec![by_task], ..Wanted::default() }).await;
    assert_eq!(loaded.tasks, [(task(2), survivor)].into());
    assert_eq!(loaded.unsent, [task(2)].into());
    assert_eq!(loaded.claims, [("desk".to_owned(), task(3))].into());
    assert_eq!(
        loaded.inbox.iter().map(|(_, lead, cause)| (*lead, &cause[..])).collect::<Vec<_>>(),
        [(survivor, &b"early"[..])]
    );
    drop(held);
    let (held, loaded) = hold_due(&store).await;
    let causes: Vec<_> = loaded.inbox.iter().map(|(_, lead, cause)| (*lead, &cause[..])).collect();
    assert_eq!(causes, [(survivor, &b"early"[..]), (survivor, &b"late"[..])]);
    drop(held);
    let taken = store.take_outbox(9, lease(task(9)), &[].into()).await.unwrap();
    assert_eq!(taken.iter().map(|row| row.lead_no).collect::<Vec<_>>(), [survivor]);
}

pub async fn an_erased_lead_leaves_its_tombstone_and_suppression<B: Backend>(b: Arc<B>) {
    let store = migrated(&*b).await;
    let erased = make_lead(&store, &[1, 2]).await;
    let other = make_lead(&store, &[3]).await;
    let closed = Suppression::closed(Moment(4), ClosedBecause::OptOut);
    let claim =
        ClaimRow { pool: "desk".into(), task_id: task(3), lead_no: erased, wish: vec![0], not_before: Moment(0) };
    let before = Changes {
        // Key 2 is carried by both.
        keys: [(key(2), carried_by([erased, other]))].into(),
        seen: vec![(erased, event(1), content(1))],
        history: vec![HistoryRow { lead_no: erased, event: event(1), at: Moment(1), body: vec![1] }],
        tasks: vec![TaskRow { task_id: task(2), lead_no: erased, forget_after: Moment::MAX }],
        claims: vec![claim],
        inbox: vec![(erased, vec![1])],
        outbox: vec![outbox_row(task(2), erased)],
        suppressions: [((key(1), Channel::Call), closed.clone())].into(),
        ..Changes::default()
    };
    change(&store, &[erased, other], before).await.unwrap();

    let (held, loaded) = hold(&store, by_keys(&[1])).await;
    let tombstone = KeyRow { holders: vec![], erased_at: Some(Moment(8)) };
    let empty = LeadRow { erased: true, keys: vec![], state: vec![], wake_at: None, ..loaded.leads[0].clone() };
    let erasure = Changes {
        leads: vec![empty.clone()],
        keys: [(key(1), tombstone.clone()), (key(2), tombstone)].into(),
        erased: vec![erased],
        // What tells those downstream goes out after all.
        outbox: vec![outbox_row(task(6), erased)],
        ..Changes::default()
    };
    store.commit(held, erasure, no_lease()).await.unwrap();

    let (held, loaded) = hold(&store, by_keys(&[1, 2])).await;
    assert_eq!(loaded.keys[&key(1)], KeyRow { holders: vec![], erased_at: Some(Moment(8)) });
    assert_eq!(loaded.keys[&key(2)], KeyRow { holders: vec![other], erased_at: Some(Moment(8)) });
    assert_eq!(loaded.suppressions[&(key(1), Channel::Call)], closed);
    // That somebody forgotten sent the event is known to who has the key, and no more: not who, not what was in it.
    let sent = KeyHasher::fixed().forgotten(event(1));
    assert_eq!(loaded.seen, [((LeadNo::FORGOTTEN, sent), ContentHash::default())].into());
    assert_eq!(loaded.leads.iter().map(|l| l.lead_no).collect::<Vec<_>>(), [other]);
    drop(held);
    let (held, loaded) = hold(&store, by_number([erased])).await;
    assert_eq!(loaded.leads, std::slice::from_ref(&empty));
    assert_eq!((loaded.inbox.len(), loaded.claims.len()), (0, 0));
    drop(held);
    assert_eq!(store.lead_by_id(empty.lead_id).await.unwrap(), Some(empty));
    assert_eq!(store.history(erased, 9).await.unwrap(), []);
    assert!(store.hold_due(9).await.unwrap().is_none());
    let left = store.take_outbox(9, lease(task(9)), &[].into()).await.unwrap();
    assert_eq!(left.iter().map(|row| row.id).collect::<Vec<_>>(), [task(6)]);
}

pub async fn suppressions_join_in_any_order<B: Backend>(b: Arc<B>) {
    let store = migrated(&*b).await;
    let parts = [
        Suppression::closed(Moment(10), ClosedBecause::Complaint),
        Suppression::closed(Moment(30), ClosedBecause::LegalThreat),
        Suppression::closed(Moment(30), ClosedBecause::DoNotCall),
        Suppression::reopened(Moment(20)),
    ];
    let orders = [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1], [1, 3, 0, 2], [3, 0, 2, 1]];
    let expected = parts.iter().skip(1).fold(parts[0].clone(), |mut all, part| {
        all.join(part);
        all
    });
    for (n, order) in orders.iter().enumerate() {
        for i in order {
            let at = (key(n as u8), Channel::Sms);
            let changes = Changes { suppressions: [(at, parts[*i].clone())].into(), ..Changes::default() };
            change(&store, &[], changes).await.unwrap();
        }
        let found = store.suppressions(&[key(n as u8), key(200)]).await.unwrap();
        assert_eq!(found, [((key(n as u8), Channel::Sms), expected.clone())].into(), "order {order:?}");
    }
    // All at once, from workers that do not know of each other.
    let unit = |store: B::Store, part: Suppression| async move {
        let closed = [Channel::Call, Channel::Sms, Channel::Email].map(|c| ((key(99), c), part.clone()));
        change(&store, &[], Changes { suppressions: closed.into(), ..Changes::default() }).await.unwrap();
    };
    let units: Vec<_> = parts.iter().map(|part| tokio::spawn(unit(b.store(), part.clone()))).collect();
    for unit in units {
        unit.await.unwrap();
    }
    assert_eq!(store.suppressions(&[key(99)]).await.unwrap()[&(key(99), Channel::Email)], expected);
}

pub async fn a_fact_about_the_world_is_kept_once<B: Backend>(b: Arc<B>) {
    let store = migrated(&*b).await;
    for _ in 0..2 {
        change(&store, &[], Changes { world: vec![(event(1), vec![0, 1])], ..Changes::default() }).await.unwrap();
    }
}
