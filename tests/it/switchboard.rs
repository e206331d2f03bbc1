//! A number that several people are called on: what one of them asks for on the phone is that one's wish, what is written
//! from the number closes it for all.

use serde_json::{Value, json};

use crate::support::{World, event};

const LINE: &str = "+12125552368";

fn captured(w: &mut World, id: &str, time: &str, email: &str, name: &str) {
    let data = json!({
        "lead": { "email": email, "phone": LINE },
        "profile": { "name": name, "country": "US", "region": "NY" },
        "consent": [{ "channel": "call", "state": "granted", "level": "express_written", "key": LINE }]
    });
    w.send(&event(id, "lead.captured", time, data));
}

/// Ana and Bo sit behind one number; Ana was called and asked not to be called any more.
fn told_on_the_phone(more: Value) -> World {
    let mut w = World::new();
    captured(&mut w, "e-1", "2026-03-03T16:00:00Z", "ana@example.com", "Ana Ruiz");
    captured(&mut w, "e-2", "2026-03-03T16:05:00Z", "bo@example.com", "Bo Lind");
    let mut data = json!({ "lead": { "email": "ana@example.com" }, "to": LINE });
    data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    w.send(&event("e-3", "call.completed", "2026-03-03T17:00:00Z", data));
    w
}

fn closed(w: &World, email: &str) -> Vec<(String, String)> {
    let lead = w.records().into_iter().find(|r| r.keys["email"] == [email]).unwrap();
    lead.suppressed.into_iter().map(|s| (s.channel, s.key)).collect()
}

fn calls_of(w: &World, email: &str) -> usize {
    w.calls().iter().filter(|c| c["data"]["contact"]["email"] == email).count()
}

#[test]
fn who_asks_on_a_shared_line_not_to_be_called_is_called_no_more_and_the_others_are() {
    for wish in [
        json!({ "disposition": "DNC" }),
        json!({ "flags": ["human_answered", "customer_contact", "dnc"], "started_at": "2026-03-03T16:55:00Z" }),
        json!({ "flags": ["human_answered", "customer_contact"], "note": "Asked us to stop calling her." }),
    ] {
        let mut w = told_on_the_phone(wish.clone());
        let of_ana = calls_of(&w, "ana@example.com");
        let line = |channel: &str| (channel.to_owned(), LINE.to_owned());
        assert_eq!(closed(&w, "ana@example.com"), [line("call"), line("sms")], "{wish}");
        assert!(closed(&w, "bo@example.com").is_empty(), "{wish}");
        w.until("2026-03-20T16:00:00Z");
        assert_eq!(calls_of(&w, "ana@example.com"), of_ana, "{wish}");
        assert!(calls_of(&w, "bo@example.com") > 0, "{wish}");
    }
}

#[test]
fn the_wish_outlives_the_lead_it_was_made_by() {
    let mut w = told_on_the_phone(json!({ "disposition": "DNC" }));
    w.send(&event("e-4", "lead.erased", "2026-03-04T16:00:00Z", json!({ "lead": { "email": "ana@example.com" } })));
    captured(&mut w, "e-5", "2026-03-05T16:00:00Z", "ana@example.com", "Ana Ruiz");
    let before = calls_of(&w, "ana@example.com");
    w.until("2026-03-20T16:00:00Z");
    assert_eq!(calls_of(&w, "ana@example.com"), before);
    assert!(!closed(&w, "ana@example.com").is_empty());
}

#[test]
fn a_stop_in_writing_closes_the_line_for_all_whenever_it_comes() {
    for (stop, name) in [("2026-03-03T16:30:00Z", "before"), ("2026-03-03T18:00:00Z", "after")] {
        let mut w = told_on_the_phone(json!({ "disposition": "DNC" }));
        let data = json!({ "lead": { "email": "ana@example.com", "phone": LINE }, "text": "STOP" });
        w.send(&event("e-4", "sms.replied", stop, data));
        for email in ["ana@example.com", "bo@example.com"] {
            let channels: Vec<String> = closed(&w, email).into_iter().map(|(channel, _)| channel).collect();
            assert_eq!(channels, ["call", "sms"], "{name} {email}");
        }
    }
}

#[test]
fn a_number_that_is_one_persons_is_closed_for_whoever_gets_it_later() {
    let mut w = World::new();
    captured(&mut w, "e-1", "2026-03-03T16:00:00Z", "ana@example.com", "Ana Ruiz");
    let data = json!({ "lead": { "email": "ana@example.com" }, "to": LINE, "disposition": "DNC" });
    w.send(&event("e-2", "call.completed", "2026-03-03T17:00:00Z", data));
    captured(&mut w, "e-3", "2026-03-04T16:00:00Z", "bo@example.com", "Bo Lind");
    w.until("2026-03-20T16:00:00Z");
    assert_eq!(calls_of(&w, "bo@example.com"), 0);
}
