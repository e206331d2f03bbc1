//! Which leads are due, and when.

use std::sync::Arc;

use gleaner::domain::identity::LeadNo;
use gleaner::domain::time::{Moment, Span};
use gleaner::store::{Changes, KeyRow, LeadRow, Store, Told};

use super::*;

/// Sets the wake-up of a lead made with this key.
async fn wake<S: Store>(store: &S, lead_no: LeadNo, at: Option<Moment>) {
    let row = LeadRow { wake_at: at, ..lead(lead_no, &[]) };
    change(store, &[lead_no], Changes { leads: vec![row], ..Changes::default() }).await.unwrap();
}

pub async fn an_answer_wakes_its_lead<B: Backend>(b: Arc<B>) {
    let store = migrated(&*b).await;
    let asks = make_lead(&store, &[1]).await;
    let told = make_lead(&store, &[2]).await;
    assert_eq!(store.next_wake().await.unwrap(), None);
    assert!(store.hold_due(9).await.unwrap().is_none());

    let inbox = vec![(told, b"first\0".to_vec()), (told, b"second".to_vec())];
    change(&store, &[asks], Changes { inbox, ..Changes::default() }).await.unwrap();
    let now = store.info().await.unwrap().now;
    assert!(store.next_wake().await.unwrap().is_some_and(|due| due <= now));
    let (held, loaded) = hold_due(&store).await;
    assert_eq!(loaded.leads.iter().map(|l| l.lead_no).collect::<Vec<_>>(), [told]);
    let causes: Vec<_> = loaded.inbox.iter().map(|(_, lead, cause)| (*lead, &cause[..])).collect();
    assert_eq!(causes, [(told, &b"first\0"[..]), (told, &b"second"[..])]);

    // Worked, it is not due again.
    let done = Changes { inbox_done: loaded.inbox.iter().map(|(seq, ..)| *seq).collect(), ..Changes::default() };
    store.commit(held, done, no_lease()).await.unwrap();
    assert!(store.hold_due(9).await.unwrap().is_none());
    assert_eq!(store.next_wake().await.unwrap(), None);
}

pub async fn whoever_carries_a_key_is_told_but_the_one_it_comes_from<B: Backend>(b: Arc<B>) {
    let store = migrated(&*b).await;
    let by = make_lead(&store, &[1, 2]).await;
    let (_, nobody) = (make_lead(&store, &[3]).await, make_lead(&store, &[4]).await);
    let other = make_lead(&store, &[5]).await;
    let shared = KeyRow { holders: vec![by, other], erased_at: None };
    change(&store, &[by, other], Changes { keys: [(key(2), shared)].into(), ..Changes::default() }).await.unwrap();
    let told = |n| Told { key: key(n), by, cause: b"closed".to_vec() };
    change(&store, &[by], Changes { told: vec![told(1), told(2), told(9)], ..Changes::default() }).await.unwrap();
    let (_held, loaded) = hold_due(&store).await;
    let causes: Vec<_> = loaded.inbox.iter().map(|(_, lead, cause)| (*lead, &cause[..])).collect();
    assert_eq!(causes, [(other, &b"closed"[..])], "and not {nobody:?}");
}

pub async fn a_lead_is_due_when_its_wakeup_says_so<B: Backend>(b: Arc<B>) {
    let store = migrated(&*b).await;
    let now = store.info().await.unwrap().now;
    let mut leads = Vec::new();
    for (n, at) in [(1, now - Span::minutes(1)), (2, now - Span::hours(1)), (3, now + Span::hours(1)), (4, Moment::MIN)]
    {
        let lead_no = make_lead(&store, &[n]).await;
        wake(&store, lead_no, Some(at)).await;
        leads.push(lead_no);
    }
    assert_eq!(store.next_wake().await.unwrap(), Some(Moment::MIN));
    // Most overdue first, as many as asked for.
    let (held, loaded) = store.hold_due(2).await.unwrap().unwrap();
    assert_eq!(loaded.leads.iter().map(|l| l.lead_no).collect::<Vec<_>>(), [leads[1], leads[3]]);
    assert!(loaded.now >= now);
    let done = loaded.leads.iter().map(|l| LeadRow { wake_at: None, ..l.clone() }).collect();
    store.commit(held, Changes { leads: done, ..Changes::default() }, no_lease()).await.unwrap();
    let (held, loaded) = hold_due(&store).await;
    assert_eq!(loaded.leads.iter().map(|l| l.lead_no).collect::<Vec<_>>(), [leads[0]]);
    drop(held);
    wake(&store, leads[0], Some(now + Span::hours(2))).await;
    assert_eq!(store.next_wake().await.unwrap(), Some(now + Span::hours(1)));
}

pub async fn a_wakeup_moved_or_cancelled_is_not_due<B: Backend>(b: Arc<B>) {
    let store = migrated(&*b).await;
    let now = store.info().await.unwrap().now;
    let lead_no = make_lead(&store, &[1]).await;
    wake(&store, lead_no, Some(now - Span::hours(1))).await;
    wake(&store, lead_no, Some(now + Span::hours(1))).await;
    assert!(store.hold_due(9).await.unwrap().is_none());
    wake(&store, lead_no, Some(now - Span::hours(1))).await;
    wake(&store, lead_no, None).await;
    assert!(store.hold_due(9).await.unwrap().is_none());
    assert_eq!(store.next_wake().await.unwrap(), None);
}

pub async fn answers_do_not_starve_wakeups_nor_wakeups_answers<B: Backend>(b: Arc<B>) {
    let store = migrated(&*b).await;
    let now = store.info().await.unwrap().now;
    let mut leads = Vec::new();
    for n in 0..8 {
        let lead_no = make_lead(&store, &[n]).await;
        leads.push(lead_no);
        if n < 4 {
            wake(&store, lead_no, Some(now - Span::hours(1))).await;
        }
    }
    let inbox = leads[4..].iter().map(|l| (*l, vec![1])).collect();
    change(&store, &[leads[0]], Changes { inbox, ..Changes::default() }).await.unwrap();
    let (_held, loaded) = store.hold_due(4).await.unwrap().unwrap();
    let (due, answered): (Vec<_>, Vec<_>) = loaded.leads.iter().partition(|l| l.wake_at.is_some());
    assert_eq!((due.len(), answered.len()), (2, 2));
}

pub async fn a_shifted_clock_shifts_what_is_due<B: Backend>(b: Arc<B>) {
    let store = migrated(&*b).await;
    let now = store.info().await.unwrap().now;
    let lead_no = make_lead(&store, &[1]).await;
    wake(&store, lead_no, Some(now + Span::days(1))).await;
    assert!(store.hold_due(9).await.unwrap().is_none());
    let tomorrow = b.store_with_clock_offset(Span::days(2));
    let (_held, loaded) = hold_due(&tomorrow).await;
    assert!(loaded.now >= now + Span::days(2));
}
