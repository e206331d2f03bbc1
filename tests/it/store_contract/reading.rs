//! Reading without holding, and the chores.

use std::sync::Arc;

use gleaner::domain::identity::LeadNo;
use gleaner::domain::time::{Moment, Span};
use gleaner::store::{Changes, HistoryRow, LeadRow, Store, TaskRow, Wanted, WantedMessage};

use super::*;

pub async fn leads_are_found_by_key_and_by_id_through_merges<B: Backend>(b: Arc<B>) {
    let store = migrated(&*b).await;
    let mut leads = Vec::new();
    for n in 1..=3 {
        leads.push(make_lead(&store, &[n]).await);
    }
    let merged = |from: LeadNo, into: LeadNo| LeadRow { merged_into: Some(into), ..lead(from, &[]) };
    let rows = vec![merged(leads[0], leads[1]), merged(leads[1], leads[2])];
    change(&store, &leads, Changes { leads: rows, ..Changes::default() }).await.unwrap();
    let survivor = lead(leads[2], &[3]);
    assert_eq!(store.lead_by_key(key(1)).await.unwrap(), Some(survivor.clone()));
    assert_eq!(store.lead_by_id(lead(leads[0], &[]).lead_id).await.unwrap(), Some(survivor));
    assert_eq!(store.lead_by_key(key(9)).await.unwrap(), None);
    assert_eq!(store.lead_by_id(task(9)).await.unwrap(), None);
    let ids = store.lead_ids(&[leads[0], LeadNo(10_000)]).await.unwrap();
    assert_eq!(ids, [(leads[0], lead(leads[0], &[]).lead_id)].into());
}

pub async fn leads_are_walked_in_order_without_merged_and_erased_ones<B: Backend>(b: Arc<B>) {
    let store = migrated(&*b).await;
    let mut leads = Vec::new();
    for n in 1..=5 {
        leads.push(make_lead(&store, &[n]).await);
    }
    let rows = vec![
        LeadRow { merged_into: Some(leads[0]), ..lead(leads[1], &[]) },
        LeadRow { erased: true, ..lead(leads[3], &[]) },
    ];
    change(&store, &leads, Changes { leads: rows, ..Changes::default() }).await.unwrap();
    let walk = |after, limit| {
        let store = store.clone();
        async move { store.leads_after(after, limit).await.unwrap().iter().map(|l| l.lead_no).collect::<Vec<_>>() }
    };
    assert_eq!(walk(LeadNo(0), 2).await, [leads[0], leads[2]]);
    assert_eq!(walk(leads[2], 2).await, [leads[4]]);
    assert_eq!(walk(leads[4], 2).await, []);
}

pub async fn history_shows_the_newest_events_oldest_first<B: Backend>(b: Arc<B>) {
    let store = migrated(&*b).await;
    let lead_no = make_lead(&store, &[1]).await;
    let row = |n: u8, at| HistoryRow { lead_no, event: event(n), at: Moment(at), body: vec![n] };
    let history = vec![row(3, 30), row(1, 10), row(2, 20), row(0, 30)];
    change(&store, &[lead_no], Changes { history, ..Changes::default() }).await.unwrap();
    assert_eq!(store.history(lead_no, 3).await.unwrap(), [row(2, 20), row(0, 30), row(3, 30)]);
}

pub async fn pruning_takes_old_history_and_forgotten_tasks_only<B: Backend>(b: Arc<B>) {
    let store = migrated(&*b).await;
    let now = store.info().await.unwrap().now;
    let lead_no = make_lead(&store, &[1]).await;
    let row = |n: u8| HistoryRow { lead_no, event: event(n), at: Moment(n.into()), body: vec![n] };
    let task_row = |n, forget_after| TaskRow { task_id: task(n), lead_no, forget_after };
    let changes = Changes {
        history: (1..=5).map(row).collect(),
        seen: vec![(lead_no, event(1), content(1))],
        tasks: vec![task_row(1, now - Span::days(1)), task_row(2, now + Span::days(1))],
        ..Changes::default()
    };
    change(&store, &[lead_no], changes).await.unwrap();
    assert_eq!(store.prune(Moment(4), 2).await.unwrap(), 3, "two events and a task");
    assert_eq!(store.prune(Moment(4), 9).await.unwrap(), 1);
    assert_eq!(store.prune(Moment(4), 9).await.unwrap(), 0);
    assert_eq!(store.history(lead_no, 9).await.unwrap(), [row(4), row(5)]);
    // A copy of an event is told from a new one for as long as the lead exists.
    let by_task = |n| WantedMessage { event: None, keys: vec![], task: Some(task(n)) };
    let wanted = Wanted { messages: vec![message(&[1]), by_task(1), by_task(2)], ..Wanted::default() };
    let (_held, loaded) = hold(&store, wanted).await;
    assert_eq!(loaded.seen.len(), 1);
    assert_eq!(loaded.tasks, [(task(2), lead_no)].into());
}

pub async fn suspects_are_counted_until_they_are_cleared<B: Backend>(b: Arc<B>) {
    let store = migrated(&*b).await;
    let suspect = "a\0b";
    assert_eq!(store.count_suspect(suspect).await.unwrap(), 1);
    assert_eq!(b.store().count_suspect(suspect).await.unwrap(), 2);
    assert_eq!(store.count_suspect("another").await.unwrap(), 1);
    store.clear_suspect(suspect).await.unwrap();
    assert_eq!(store.count_suspect(suspect).await.unwrap(), 1);
}
