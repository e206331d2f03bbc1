//! The same set of events gives the same facts and the same judgement, in whatever order and however often they come.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{World, event, order_free};

fn sample() -> Vec<Value> {
    include_str!("../../samples/demo.jsonl").lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

/// What is known and thought after the events came in this order, by the leads' keys.
fn known(events: &[Value]) -> BTreeMap<String, Value> {
    let mut w = World::new();
    for event in events {
        w.send(event);
    }
    w.until("2026-04-01T00:00:00Z");
    let records = w.records().into_iter().map(|r| serde_json::to_value(r).unwrap());
    records.map(|r| (r["keys"].to_string(), order_free(&r))).collect()
}

#[test]
fn every_order_of_five_events_gives_one_state() {
    let lead = json!({ "email": "ana@example.com", "phone": "+12125552368" });
    let events = [
        event(
            "a",
            "lead.captured",
            "2026-03-02T15:00:00Z",
            json!({ "lead": lead, "profile": { "name": "Ana", "country": "US", "region": "NY" } }),
        ),
        event(
            "b",
            "call.completed",
            "2026-03-02T16:00:00Z",
            json!({ "lead": { "phone": "+12125552368" }, "disposition": "N" }),
        ),
        event(
            "c",
            "email.replied",
            "2026-03-03T16:00:00Z",
            json!({ "lead": { "email": "ana@example.com" }, "text": "Maybe later this year." }),
        ),
        event(
            "d",
            "lead.updated",
            "2026-03-02T15:00:00Z",
            json!({ "lead": lead, "profile": { "name": "Ana Ruiz", "title": "Director" } }),
        ),
        event(
            "e",
            "consent.revoked",
            "2026-03-04T10:00:00Z",
            json!({ "lead": { "email": "ana@example.com" }, "channels": ["email"] }),
        ),
    ];
    let mut orders = vec![vec![]];
    for i in 0..events.len() {
        orders = orders
            .into_iter()
            .flat_map(|order: Vec<usize>| {
                (0..=order.len()).map(move |at| {
                    let mut order = order.clone();
                    order.insert(at, i);
                    order
                })
            })
            .collect();
    }
    assert_eq!(orders.len(), 120);
    // Both keys name the lead only together, so an order that shows them apart first is joined when they meet.
    let first = known(&events);
    assert_eq!(first.len(), 1);
    for order in orders {
        let shuffled: Vec<Value> = order.iter().map(|i| events[*i].clone()).collect();
        assert_eq!(known(&shuffled), first, "order {order:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]
    #[test]
    fn any_order_of_the_sample_gives_the_same_facts(events in Just(sample()).prop_shuffle()) {
        prop_assert_eq!(known(&events), known(&sample()));
    }

    #[test]
    fn copies_change_nothing(picks in prop::collection::vec(0usize..42, 0..30)) {
        let mut events = sample();
        events.extend(picks.into_iter().map(|i| sample()[i].clone()));
        prop_assert_eq!(known(&events), known(&sample()));
    }

    #[test]
    fn the_points_of_every_explanation_sum_to_its_score(cut in 1usize..42) {
        let mut w = World::new();
        for event in &sample()[..cut] {
            w.send(event);
        }
        for record in w.records() {
            let fit: f64 = record.explanation.fit.iter().map(|p| p.points.0).sum();
            let engagement: f64 = record.explanation.engagement.iter().map(|p| p.points.0).sum();
            prop_assert!((fit - record.fit.0).abs() < 1e-6, "{fit} {:?}", record.fit);
            prop_assert!((engagement - record.engagement.0).abs() < 1e-6, "{engagement} {:?}", record.engagement);
            let shares: f64 = record.diagnosis.shares.values().map(|s| s.0).sum();
            prop_assert!(shares <= 1.0 + 1e-5);
        }
    }
}
