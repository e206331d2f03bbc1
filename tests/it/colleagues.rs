//! What is known of colleagues, and what follows from it: whose opinion is asked, how often, and what their word counts.

use serde_json::{Value, json};

use crate::support::{World, event};

fn rep(w: &mut World, id: &str) {
    let data = json!({ "rep": id, "name": "Somebody", "active": true });
    w.send(&event(&format!("roster-{id}"), "rep.updated", "2026-03-02T09:00:00Z", data));
}

fn captured(w: &mut World, n: usize) {
    let phone = format!("+1212555{:04}", 2300 + n);
    let data = json!({
        "lead": { "email": format!("p{n}@example.com"), "phone": phone },
        "profile": { "name": "Ana Ruiz", "country": "US", "region": "NY", "title": "Director" },
        "qualification": { "need": 3, "authority": 3 },
        "consent": [{ "channel": "call", "state": "granted", "level": "express_written", "key": phone }],
    });
    w.send(&event(&format!("c-{n}"), "lead.captured", "2026-03-03T16:00:00Z", data));
}

/// A no by phone to this agent, on a lead that looked worth something.
fn refused(w: &mut World, n: usize, agent: &str) {
    let flags = json!(["human_answered", "customer_contact", "not_interested"]);
    let data = json!({ "lead": { "email": format!("p{n}@example.com") }, "flags": flags, "agent": agent });
    w.send(&event(&format!("n-{n}"), "call.completed", "2026-03-03T17:00:00Z", data));
}

fn opinions(w: &World) -> Vec<Value> {
    w.tasks().into_iter().filter(|t| t["data"]["question"] == "is_this_bad").cloned().collect()
}

#[test]
fn an_opinion_is_asked_of_a_colleague_who_has_not_worked_the_lead() {
    let mut w = World::new();
    rep(&mut w, "rep-1");
    rep(&mut w, "rep-2");
    captured(&mut w, 1);
    refused(&mut w, 1, "rep-1");
    w.until("2026-03-03T17:01:00Z");
    let asked = opinions(&w);
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0]["data"]["assignee"]["rep"], "rep-2");
    assert!(asked[0]["data"]["assignee"]["because"].as_str().unwrap().contains("has not worked"));
}

#[test]
fn nobody_is_asked_for_more_than_five_opinions_a_day() {
    let mut w = World::new();
    rep(&mut w, "rep-2");
    (0..7).for_each(|n| captured(&mut w, n));
    (0..7).for_each(|n| refused(&mut w, n, "rep-1"));
    w.until("2026-03-03T23:59:00Z");
    assert_eq!(opinions(&w).len(), 5);
    w.until("2026-03-04T01:00:00Z");
    assert_eq!(opinions(&w).len(), 7, "the others on the next day");
}

#[test]
fn the_word_of_somebody_whose_flags_came_to_nothing_counts_for_little() {
    let flagged = |w: &mut World, n: usize| {
        let data = json!({ "lead": { "email": format!("p{n}@example.com") }, "by": "rep-1", "verdict": "bad", "flags": ["too_small"] });
        w.send(&event(&format!("f-{n}"), "feedback.given", "2026-03-03T17:00:00Z", data));
    };
    let share = |disproved: usize| {
        let mut w = World::new();
        for n in 1..=disproved {
            captured(&mut w, n);
            flagged(&mut w, n);
            let won = json!({ "lead": { "email": format!("p{n}@example.com") } });
            w.send(&event(&format!("w-{n}"), "outcome.won", "2026-03-03T18:00:00Z", won));
        }
        captured(&mut w, 0);
        flagged(&mut w, 0);
        w.until("2026-03-03T18:30:00Z");
        let lead = w.records().into_iter().find(|r| r.keys["email"] == ["p0@example.com"]).unwrap();
        lead.diagnosis.shares["fit"].0
    };
    let (new, disproved) = (share(0), share(12));
    assert!(new > 0.0 && disproved < new / 2.0, "{new} and {disproved}");
}
