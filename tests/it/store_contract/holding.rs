//! What a hold finds, whom it keeps out, and what is left of it when it is given up.

use std::collections::BTreeSet;
use std::sync::Arc;

use gleaner::domain::identity::{LeadNo, MAX_HOLDERS};
use gleaner::domain::time::Moment;
use gleaner::store::{Changes, KeyRow, LeadRow, Store, StoreError, TaskRow, Wanted, WantedMessage};

use super::*;

pub async fn an_unknown_key_is_learned_by_one_of_two_units_and_found_by_the_other<B: Backend>(b: Arc<B>) {
    migrated(&*b).await;
    let unit = |b: Arc<B>| async move {
        let store = b.store();
        let (held, loaded) = hold(&store, by_keys(&[1, 2])).await;
        if let Some(row) = loaded.keys.get(&key(1)) {
            assert_eq!(loaded.keys.get(&key(2)), Some(row));
            return (false, row.holders[0]);
        }
        let made = lead(loaded.fresh[0], &[1, 2]);
        let lead_no = made.lead_no;
        store.commit(held, new_lead(made), no_lease()).await.unwrap();
        (true, lead_no)
    };
    let units: Vec<_> = (0..8).map(|_| tokio::spawn(unit(b.clone()))).collect();
    let mut outcomes = Vec::new();
    for unit in units {
        outcomes.push(unit.await.unwrap());
    }
    assert_eq!(outcomes.iter().filter(|(learned, _)| *learned).count(), 1, "{outcomes:?}");
    assert_eq!(outcomes.iter().map(|(_, lead)| lead).collect::<BTreeSet<_>>().len(), 1, "{outcomes:?}");
    assert_eq!(b.store().leads_after(LeadNo(0), 10).await.unwrap().len(), 1);
}

pub async fn two_units_on_one_lead_run_one_after_the_other<B: Backend>(b: Arc<B>) {
    let store = migrated(&*b).await;
    let lead_no = make_lead(&store, &[1]).await;
    let unit = |store: B::Store| async move {
        for _ in 0..20 {
            let (held, loaded) = hold(&store, by_keys(&[1])).await;
            let seen = &loaded.leads[0];
            let next = LeadRow { version: seen.version + 1, state: vec![seen.state.len() as u8; 40], ..seen.clone() };
            store.commit(held, Changes { leads: vec![next], ..Changes::default() }, no_lease()).await.unwrap();
        }
    };
    let units: Vec<_> = (0..4).map(|_| tokio::spawn(unit(b.store()))).collect();
    for unit in units {
        unit.await.unwrap();
    }
    let (_, loaded) = hold(&store, by_number([lead_no])).await;
    assert_eq!(loaded.leads[0].version, 81);
}

pub async fn what_is_dropped_uncommitted_changes_nothing<B: Backend>(b: Arc<B>) {
    let store = migrated(&*b).await;
    let lead_no = make_lead(&store, &[1]).await;
    let (held, loaded) = hold(&store, by_keys(&[1, 2])).await;
    assert!(!loaded.keys.contains_key(&key(2)));
    drop(held);
    // The same work again, on another connection, finds everything as it was and is not kept waiting.
    let (_held, again) = hold(&b.store(), by_keys(&[1, 2])).await;
    assert_eq!(again.leads, loaded.leads);
    assert_eq!(again.keys, loaded.keys);
    assert_eq!(again.keys[&key(1)], carried_by([lead_no]));
}

pub async fn a_key_that_was_named_and_not_learned_stays_unknown<B: Backend>(b: Arc<B>) {
    let store = migrated(&*b).await;
    let (held, loaded) = hold(&store, by_keys(&[1, 2])).await;
    let made = lead(loaded.fresh[0], &[1]);
    store.commit(held, new_lead(made.clone()), no_lease()).await.unwrap();
    let (held, loaded) = hold(&store, by_keys(&[1, 2])).await;
    assert_eq!(loaded.keys.keys().collect::<Vec<_>>(), [&key(1)]);
    // Learned for another lead than the order of numbers suggests, it is kept for that lead.
    assert_eq!(loaded.fresh.len(), 1);
    let learned = Changes { keys: [(key(2), carried_by([loaded.fresh[0]]))].into(), ..Changes::default() };
    store.commit(held, learned, no_lease()).await.unwrap();
    let (_held, loaded) = hold(&store, by_keys(&[2])).await;
    assert_eq!(loaded.keys[&key(2)].holders.len(), 1);
    assert_ne!(loaded.keys[&key(2)], carried_by([made.lead_no]));
}

pub async fn crossing_holds_in_any_order_all_get_their_work_done<B: Backend>(b: Arc<B>) {
    const TASKS: u64 = 8;
    const ROUNDS: u64 = 12;
    const LEADS: u64 = 6;
    let store = migrated(&*b).await;
    for n in 1..=LEADS {
        make_lead(&store, &[n as u8]).await;
    }
    let unit = |store: B::Store, seed: u64| async move {
        let mut random = seed;
        let mut next = move || {
            // Knuth's constants; any spread will do.
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            random >> 33
        };
        for _ in 0..ROUNDS {
            // Three known keys and one that nobody knows, in any order; each round adds one to three leads.
            let known: BTreeSet<u8> = (0..3).map(|_| (1 + next() % LEADS) as u8).collect();
            let mut messages: Vec<WantedMessage> = known.iter().rev().map(|n| message(&[*n])).collect();
            messages.insert(next() as usize % 3, message(&[100 + (next() % 5) as u8]));
            if next() % 2 == 0 {
                messages.reverse();
            }
            loop {
                let wanted = Wanted { messages: messages.clone(), ..Wanted::default() };
                let worked = match store.hold(wanted).await {
                    Ok((held, loaded)) => {
                        let grown = |l: &LeadRow| LeadRow { version: l.version + 1, ..l.clone() };
                        let leads = loaded.leads.iter().map(grown).collect();
                        store.commit(held, Changes { leads, ..Changes::default() }, no_lease()).await
                    }
                    Err(e) => Err(e),
                };
                match worked {
                    Ok(()) => break,
                    Err(StoreError::Contended) => tokio::task::yield_now().await,
                    Err(e) => panic!("{e}: {e:?}"),
                }
            }
        }
        known_rounds(seed, ROUNDS, LEADS)
    };
    let units: Vec<_> = (0..TASKS).map(|seed| tokio::spawn(unit(b.store(), seed))).collect();
    let mut expected = 0;
    for unit in units {
        expected += unit.await.unwrap();
    }
    let versions: i64 = store.leads_after(LeadNo(0), 100).await.unwrap().iter().map(|l| l.version - 1).sum();
    assert_eq!(versions, expected);
}

/// How many leads the rounds of this seed change in all: the same choices again, counted.
fn known_rounds(seed: u64, rounds: u64, leads: u64) -> i64 {
    let mut random = seed;
    let mut next = move || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        random >> 33
    };
    let mut changed = 0;
    for _ in 0..rounds {
        changed += (0..3).map(|_| 1 + next() % leads).collect::<BTreeSet<_>>().len() as i64;
        (0..3).for_each(|_| _ = next());
    }
    changed
}

pub async fn numbers_of_new_leads_are_never_given_twice<B: Backend>(b: Arc<B>) {
    migrated(&*b).await;
    let mut given = BTreeSet::new();
    for n in 1..=5 {
        let store = b.store();
        let wanted =
            Wanted { messages: vec![message(&[n]), message(&[n, 100 + n]), message(&[50])], ..Wanted::default() };
        let (held, loaded) = hold(&store, wanted).await;
        assert!(loaded.fresh.len() >= 3, "{:?}", loaded.fresh);
        for lead_no in &loaded.fresh {
            assert!(given.insert(*lead_no), "{lead_no:?} was given twice");
        }
        let made = lead(loaded.fresh[0], &[n]);
        store.commit(held, new_lead(made), no_lease()).await.unwrap();
    }
}

pub async fn links_and_survivors_are_held_too<B: Backend>(b: Arc<B>) {
    let store = migrated(&*b).await;
    let mut leads = Vec::new();
    for n in 1..=4 {
        leads.push(make_lead(&store, &[n]).await);
    }
    // 1 is linked with 2; 2 was merged into 3; 3 is linked with 4, which is one link too far from 1.
    let rows = vec![
        LeadRow { linked: vec![leads[1]], ..lead(leads[0], &[1]) },
        LeadRow { merged_into: Some(leads[2]), state: vec![], ..lead(leads[1], &[]) },
        LeadRow { linked: vec![leads[3]], ..lead(leads[2], &[2, 3]) },
    ];
    change(&store, &leads, Changes { leads: rows, ..Changes::default() }).await.unwrap();

    let (_held, loaded) = hold(&store, by_keys(&[1])).await;
    assert_eq!(loaded.leads.iter().map(|l| l.lead_no).collect::<Vec<_>>(), leads[..3]);
    assert_eq!(loaded.leads[0].linked, [leads[2]], "a link to a merged lead is shown as one to its survivor");
    drop(_held);
    let (_held, loaded) = hold(&store, by_keys(&[2])).await;
    assert_eq!(loaded.keys[&key(2)], carried_by([leads[2]]), "a merged holder is shown as its survivor");
    assert_eq!(loaded.leads.iter().map(|l| l.lead_no).collect::<Vec<_>>(), leads[1..]);
}

pub async fn a_crowded_key_holds_nobody_and_loses_nobody<B: Backend>(b: Arc<B>) {
    let store = migrated(&*b).await;
    let mut leads = Vec::new();
    for n in 1..=MAX_HOLDERS as u8 + 1 {
        leads.push(make_lead(&store, &[n]).await);
    }
    let all_but_last =
        Changes { keys: [(key(90), carried_by(leads[..MAX_HOLDERS].to_vec()))].into(), ..Changes::default() };
    change(&store, &leads, all_but_last).await.unwrap();
    let (held, loaded) = hold(&store, by_keys(&[90])).await;
    assert_eq!(loaded.leads.len(), MAX_HOLDERS);
    drop(held);

    let one_more = Changes { keys: [(key(90), carried_by(leads.clone()))].into(), ..Changes::default() };
    change(&store, &leads, one_more).await.unwrap();
    let (held, loaded) = hold(&store, by_keys(&[90])).await;
    assert_eq!((loaded.leads.len(), loaded.keys[&key(90)].holders.len()), (0, MAX_HOLDERS + 1));
    drop(held);

    // Units that do not keep each other out add to the same key, each to what it saw.
    let unit = |store: B::Store, n: u8| async move {
        let (held, loaded) = hold(&store, Wanted { messages: vec![message(&[n, 90])], ..Wanted::default() }).await;
        let made = lead(loaded.fresh[0], &[n, 90]);
        let mut row = loaded.keys[&key(90)].clone();
        row.holders.push(made.lead_no);
        let mut changes = new_lead(made);
        changes.keys.insert(key(90), row);
        store.commit(held, changes, no_lease()).await.unwrap();
    };
    let units: Vec<_> = (20..28).map(|n| tokio::spawn(unit(b.store(), n))).collect();
    for unit in units {
        unit.await.unwrap();
    }
    let (_held, loaded) = hold(&store, by_keys(&[90])).await;
    let holders = &loaded.keys[&key(90)].holders;
    assert_eq!(holders.len(), MAX_HOLDERS + 1 + 8);
    assert_eq!(holders[..MAX_HOLDERS + 1], leads[..], "in the order in which they got it");
}

pub async fn a_tombstoned_key_comes_to_one_new_lead_only<B: Backend>(b: Arc<B>) {
    let store = migrated(&*b).await;
    let (held, _) = hold(&store, by_keys(&[1])).await;
    let tombstone = KeyRow { holders: vec![], erased_at: Some(Moment(5)) };
    let changes = Changes { keys: [(key(1), tombstone)].into(), ..Changes::default() };
    store.commit(held, changes, no_lease()).await.unwrap();

    let unit = |store: B::Store| async move {
        let (held, loaded) = hold(&store, by_keys(&[1])).await;
        let row = loaded.keys[&key(1)].clone();
        assert_eq!(row.erased_at, Some(Moment(5)));
        if !row.holders.is_empty() {
            assert_eq!(loaded.leads.len(), 1);
            return 0;
        }
        let made = lead(loaded.fresh[0], &[1]);
        let mut changes = new_lead(made.clone());
        changes.keys.insert(key(1), KeyRow { holders: vec![made.lead_no], ..row });
        store.commit(held, changes, no_lease()).await.unwrap();
        1
    };
    let units: Vec<_> = (0..4).map(|_| tokio::spawn(unit(b.store()))).collect();
    let mut made = 0;
    for unit in units {
        made += unit.await.unwrap();
    }
    assert_eq!(made, 1);
}

pub async fn a_message_that_names_only_a_task_leads_to_its_lead<B: Backend>(b: Arc<B>) {
    let store = migrated(&*b).await;
    let lead_no = make_lead(&store, &[1]).await;
    let row = TaskRow { task_id: task(7), lead_no, forget_after: Moment::MAX };
    change(&store, &[lead_no], Changes { tasks: vec![row], ..Changes::default() }).await.unwrap();
    let report = |n| WantedMessage { event: Some(event(50)), keys: vec![], task: Some(task(n)) };
    let (_held, loaded) = hold(&store, Wanted { messages: vec![report(7), report(8)], ..Wanted::default() }).await;
    assert_eq!(loaded.tasks, [(task(7), lead_no)].into());
    assert_eq!(loaded.leads.len(), 1);
}

pub async fn a_message_is_told_which_of_its_leads_saw_it<B: Backend>(b: Arc<B>) {
    let store = migrated(&*b).await;
    let first = make_lead(&store, &[1]).await;
    let linked = make_lead(&store, &[2]).await;
    let stranger = make_lead(&store, &[3]).await;
    let leads = vec![LeadRow { linked: vec![linked], ..lead(first, &[1]) }];
    let seen = vec![(first, event(1), content(1)), (linked, event(1), content(2)), (stranger, event(1), content(3))];
    change(&store, &[first, linked, stranger], Changes { leads, seen, ..Changes::default() }).await.unwrap();
    let (_held, loaded) = hold(&store, by_keys(&[1])).await;
    assert_eq!(loaded.seen, [((first, event(1)), content(1)), ((linked, event(1)), content(2))].into());
}
