//! The cases by which gleaner is understood: events in, and what must come out. All on a Tuesday in March, leads in New York.

use gleaner::domain::decide::Mode;
use gleaner::domain::event::Event;
use gleaner::domain::policy::Fictional;
use gleaner::domain::time::Span;
use gleaner::domain::working_set::{Applied, Env, NotApplied};
use serde_json::{Value, json};

use crate::support::{World, at, decoded, env, event};

const PHONE: &str = "+12125552368";

/// A warm inquiry: need and authority, "please call me", consent to calls and e-mail.
fn inquiry(id: &str, time: &str) -> Value {
    event(
        id,
        "lead.captured",
        time,
        json!({
            "lead": { "email": "ana@example.com", "phone": PHONE },
            "profile": { "name": "Ana Ruiz", "country": "US", "region": "NY", "time_zone": "America/New_York" },
            "qualification": { "need": 3, "authority": 3 },
            "note": "please call me",
            "consent": [
                { "channel": "call", "state": "granted", "level": "express_written", "key": PHONE, "at": time },
                { "channel": "email", "state": "granted", "level": "express", "at": time }
            ],
            "origin": { "form": "pricing" }
        }),
    )
}

fn no_answer(id: &str, time: &str) -> Value {
    event(id, "call.completed", time, json!({ "lead": { "phone": PHONE }, "disposition": "N", "to": PHONE }))
}

/// Their mailbox answers that they are away.
fn away(id: &str, time: &str, until: &str) -> Value {
    let text = format!("I am out of the office until {until} and will reply when I return.");
    event(id, "email.replied", time, json!({ "lead": { "email": "ana@example.com" }, "auto": true, "text": text }))
}

fn minutes_between(a: &Value, b: &str) -> i64 {
    (at(a.as_str().unwrap()) - at(b)).0 / 60_000
}

#[test]
fn a_warm_inquiry_in_office_hours_gets_a_call_now_and_an_email() {
    let mut w = World::new();
    w.send(&inquiry("e-1", "2026-03-03T16:00:00Z"));
    w.until("2026-03-03T16:20:00Z");
    assert_eq!(w.lead().verdict, "promising");
    let calls = w.calls();
    assert_eq!(calls.len(), 1, "one call and no second while it is open");
    let call = calls[0];
    assert_eq!(call["queue"], "calls-now");
    assert!(call["data"]["priority"].as_u64().unwrap() >= 8);
    assert!(minutes_between(&call["time"], "2026-03-03T16:00:00Z") <= 1);
    let windows = call["data"]["windows"].as_array().unwrap();
    assert_eq!(windows.last().unwrap()["to"], "2026-03-04T02:00:00Z", "21:00 in New York");
    let emails: Vec<_> = w.tasks().into_iter().filter(|t| t["data"]["channel"] == "email").collect();
    assert_eq!(emails.len(), 1);
    assert!(minutes_between(&emails[0]["time"], "2026-03-03T16:00:00Z") <= 20);
}

#[test]
fn an_inquiry_at_night_is_called_at_eight_and_not_before() {
    let mut w = World::new();
    w.send(&inquiry("e-1", "2026-03-03T03:10:00Z"));
    assert!(w.calls().is_empty());
    let planned = w.lead().planned;
    assert_eq!(planned.len(), 1);
    assert_eq!(planned[0].at, "2026-03-03T13:00:00Z");
    w.until("2026-03-03T12:59:00Z");
    assert!(w.calls().is_empty());
    w.until("2026-03-03T13:00:00Z");
    assert_eq!(w.calls()[0]["time"], "2026-03-03T13:00:00Z");
}

#[test]
fn after_no_answer_the_next_call_comes_in_another_part_of_the_same_day() {
    let mut w = World::new();
    w.send(&inquiry("e-1", "2026-03-03T16:00:00Z"));
    w.send(&no_answer("e-2", "2026-03-03T16:20:00Z"));
    let lead = w.lead();
    assert!(lead.diagnosis.shares["process"].0 > 0.0, "we have not done our part yet");
    w.until("2026-03-04T04:00:00Z");
    let calls = w.calls();
    assert_eq!(calls.len(), 2, "two calls in 24 hours and not three");
    let gap = minutes_between(&calls[1]["time"], "2026-03-03T16:20:00Z");
    assert!((120..=600).contains(&gap), "{gap} minutes after the first");
    assert_eq!(calls[1]["data"]["attempt"], 2);
    assert_eq!(calls[1]["data"]["play"], "second_call");
    for day in 5..30 {
        w.until(&format!("2026-03-{day:02}T12:00:00Z"));
        assert_ne!(w.lead().verdict, "bad", "never bad while we owe it calls ({day} March)");
    }
}

#[test]
fn never_two_calls_within_two_hours_and_never_three_in_a_day() {
    let mut w = World::new();
    w.send(&inquiry("e-1", "2026-03-03T16:00:00Z"));
    let mut answered = 0;
    for hour in 0..240 {
        let now = at("2026-03-03T16:05:00Z") + gleaner::domain::time::Span::hours(hour);
        while answered < w.calls().len() {
            answered += 1;
            w.send(&no_answer(&format!("c-{answered}"), &now.to_string()));
        }
        w.until(&now.to_string());
    }
    let times: Vec<_> = w.calls().iter().map(|c| at(c["time"].as_str().unwrap())).collect();
    assert!(times.len() >= 4, "the cadence goes on: {times:?}");
    for pair in times.windows(2) {
        assert!((pair[1] - pair[0]).0 >= 2 * 3_600_000, "{pair:?}");
    }
    for three in times.windows(3) {
        assert!((three[2] - three[0]).0 >= 24 * 3_600_000, "{three:?}");
    }
}

#[test]
fn stop_by_sms_closes_the_number_for_everybody_and_leaves_email() {
    let mut w = World::new();
    w.send(&inquiry("e-1", "2026-03-03T16:00:00Z"));
    w.send(&event("e-2", "sms.replied", "2026-03-03T17:00:00Z", json!({ "lead": { "phone": PHONE }, "text": "STOP" })));
    let call = w.calls()[0]["id"].clone();
    let revoked: Vec<_> = w.revoked().into_iter().filter(|r| r["data"]["revokes"] == call).collect();
    assert_eq!(revoked.len(), 1);
    assert_eq!(revoked[0]["routing_key"], "task.revoked.calls-now");
    let closed: Vec<_> = w.lead().suppressed.into_iter().map(|s| (s.channel, s.key)).collect();
    assert!(closed.contains(&("call".into(), PHONE.into())) && closed.contains(&("sms".into(), PHONE.into())));
    assert!(!closed.iter().any(|(channel, _)| channel == "email"));
    // Another lead that carries the number later is not called either.
    let other = json!({
        "lead": { "email": "bo@example.com", "phone": PHONE },
        "profile": { "name": "Bo Lind", "country": "US", "region": "NY" },
        "consent": [{ "channel": "call", "state": "granted", "level": "express_written", "key": PHONE }]
    });
    w.send(&event("e-3", "lead.captured", "2026-03-03T18:00:00Z", other));
    w.until("2026-03-20T00:00:00Z");
    assert_eq!(w.calls().len(), 1, "no call to that number, for nobody");
}

#[test]
fn not_now_until_a_contract_ends_parks_the_lead_and_nurtures_it() {
    let mut w = World::new();
    w.send(&inquiry("e-1", "2026-03-03T16:00:00Z"));
    let text = "Not now, our contract runs until 30 September 2026.";
    w.send(&event(
        "e-2",
        "email.replied",
        "2026-03-03T17:00:00Z",
        json!({ "lead": { "email": "ana@example.com" }, "text": text }),
    ));
    assert!(!w.revoked().is_empty(), "open contact tasks are revoked");
    let lead = w.lead();
    let timing: Vec<_> = lead.findings.iter().filter(|f| f.label == "timing").collect();
    assert_eq!(timing[0].date.as_deref(), Some("2026-09-30"));
    assert_eq!(lead.diagnosis.cause.as_deref(), Some("timing"));
    let before = w.calls().len();
    w.until("2026-06-30T00:00:00Z");
    assert_eq!(w.calls().len(), before, "no call before the revisit");
    assert!(w.plays().contains(&"check_in".to_owned()), "nurture in between");
    w.until("2026-07-10T00:00:00Z");
    let calls = w.calls();
    assert!(calls.len() > before, "called when it is time to renew");
    let day = calls[before]["time"].as_str().unwrap();
    assert!(("2026-07-01".."2026-07-06").contains(&&day[..10]), "{day}");
}

#[test]
fn a_made_up_inquiry_is_bogus_with_its_four_reasons_and_nobody_is_contacted() {
    let mut w = World::with(env(Fictional::Refuse));
    let data = json!({
        "lead": { "email": "asdf@mailinator.com", "phone": "+12125550147" },
        "profile": { "name": "asdf asdf", "country": "US", "region": "NY" },
        "origin": { "form": "pricing", "fill_seconds": 1 }
    });
    w.send(&event("e-1", "lead.captured", "2026-03-03T16:00:00Z", data));
    w.until("2026-04-03T16:00:00Z");
    let lead = w.lead();
    assert_eq!((lead.verdict.as_str(), lead.diagnosis.cause.as_deref()), ("bad", Some("bogus")));
    let reasons = lead.diagnosis.evidence.iter().filter(|e| e.cause == "bogus").count();
    assert_eq!(reasons, 4, "{:?}", lead.diagnosis.evidence);
    assert!(w.out.is_empty(), "{:?}", w.plays());
}

#[test]
fn a_hard_bounce_asks_for_repair_and_the_call_goes_on() {
    let mut w = World::new();
    w.send(&inquiry("e-1", "2026-03-03T16:00:00Z"));
    let data = json!({ "lead": { "email": "ana@example.com" }, "kind": "hard" });
    w.send(&event("e-2", "email.bounced", "2026-03-03T16:05:00Z", data));
    let lead = w.lead();
    let email = lead.contact_status.iter().find(|k| k.key == "ana@example.com").unwrap();
    assert_eq!(email.status, "dead");
    assert_ne!(lead.verdict, "bad");
    let repairs: Vec<_> = w.tasks().into_iter().filter(|t| t["type"] == "task.contact_repair").collect();
    assert_eq!(repairs.len(), 1);
    assert_eq!(repairs[0]["data"]["faults"][0]["fault"], "hard_bounce");
    let call = w.calls()[0]["id"].clone();
    assert!(w.revoked().iter().all(|r| r["data"]["revokes"] != call), "the call goes on");
}

#[test]
fn two_keys_of_one_person_become_one_lead_when_they_meet() {
    let mut w = World::new();
    let capture = |id: &str, time: &str, lead: Value| {
        event(
            id,
            "lead.captured",
            time,
            json!({ "lead": lead, "profile": { "name": "Ana Ruiz", "country": "US", "region": "NY" } }),
        )
    };
    w.send(&capture("e-1", "2026-03-03T16:00:00Z", json!({ "email": "ana@example.com" })));
    w.send(&capture("e-2", "2026-03-03T16:05:00Z", json!({ "phone": PHONE })));
    assert_eq!(w.records().len(), 2);
    let both = json!({ "lead": { "email": "ana@example.com", "phone": PHONE }, "path": "/pricing" });
    w.send(&event("e-3", "form.submitted", "2026-03-03T16:10:00Z", both));
    let lead = w.lead();
    assert_eq!((lead.keys["email"].len(), lead.keys["phone"].len()), (1, 1));
    w.until("2026-03-03T16:30:00Z");
    assert!(w.calls().len() <= 1, "never two open calls");
}

#[test]
fn two_people_on_one_phone_are_linked_and_share_its_caps() {
    let mut w = World::new();
    for (id, email, name) in [("e-1", "ana@example.com", "Ana Ruiz"), ("e-2", "bo@example.com", "Bo Lind")] {
        let data = json!({
            "lead": { "email": email, "phone": PHONE },
            "profile": { "name": name, "country": "US", "region": "NY" },
            "consent": [{ "channel": "call", "state": "granted", "level": "express_written", "key": PHONE }]
        });
        w.send(&event(id, "lead.captured", "2026-03-03T16:00:00Z", data));
    }
    let records = w.records();
    assert_eq!(records.len(), 2, "not merged");
    assert_eq!(records[0].linked, vec![records[1].lead_id]);
    w.until("2026-03-04T15:59:00Z");
    assert!(w.calls().len() <= 2, "together within the caps of the number: {:?}", w.plays());
}

#[test]
fn a_copy_changes_nothing_and_a_contradiction_is_refused() {
    let mut w = World::new();
    let first = inquiry("e-1", "2026-03-03T16:00:00Z");
    assert!(matches!(w.send(&first), Applied::To(_)));
    assert_eq!(w.send(&first), Applied::Duplicate);
    assert_eq!(w.send(&first), Applied::Duplicate);
    let mut other = first.clone();
    other["data"]["note"] = json!("something else");
    assert_eq!(w.send(&other), Applied::Refused(NotApplied::IdConflict));
    assert_eq!(w.lead().version, 1);
}

#[test]
fn a_won_lead_is_left_alone() {
    let mut w = World::new();
    w.send(&inquiry("e-1", "2026-03-03T16:00:00Z"));
    w.send(&event("e-2", "outcome.won", "2026-03-03T18:00:00Z", json!({ "lead": { "phone": PHONE } })));
    assert_eq!(w.lead().stage, "converted");
    assert_eq!(w.revoked().len(), 2, "the call and the e-mail");
    let before = w.out.len();
    w.until("2026-06-03T18:00:00Z");
    assert_eq!(w.out.len(), before, "no nurture, nothing");
}

#[test]
fn an_inquiry_without_consent_may_be_called_by_hand_and_gets_no_sms() {
    let mut w = World::new();
    let data = json!({
        "lead": { "email": "ana@example.com", "phone": PHONE },
        "profile": { "name": "Ana Ruiz", "country": "US", "region": "NY" }
    });
    w.send(&event("e-1", "lead.captured", "2026-03-03T16:00:00Z", data));
    w.until("2026-03-10T16:00:00Z");
    let call = w.calls()[0];
    assert_eq!(call["data"]["dial_mode"], "manual");
    assert!(call["data"]["reason"]["summary"].as_str().unwrap().contains("by hand"));
    assert!(w.tasks().iter().all(|t| t["data"]["channel"] != "sms"));
}

#[test]
fn a_no_on_the_phone_ends_the_calls_without_six_attempts_first() {
    let mut w = World::new();
    w.send(&inquiry("e-1", "2026-03-03T16:00:00Z"));
    let data = json!({
        "lead": { "phone": PHONE }, "to": PHONE, "answered_by": "lead",
        "flags": ["human_answered", "customer_contact", "not_interested"]
    });
    w.send(&event("e-2", "call.completed", "2026-03-03T16:20:00Z", data));
    let lead = w.lead();
    assert!(lead.audit.items.iter().all(|i| i.state != "open"), "{:?}", lead.audit.items);
    w.until("2026-04-10T16:00:00Z");
    assert_eq!(w.calls().len(), 1, "no further call");
    assert!(w.plays().contains(&"disengage".to_owned()), "{:?}", w.plays());
}

/// Thirty inquiries of one instant, each of its own person.
fn thirty(time: &str) -> Vec<Value> {
    let one = |n: usize| {
        let (phone, email) = (format!("+1212555{:04}", 2300 + n), format!("lead{n}@example.com"));
        let mut event = inquiry(&format!("e-{n}"), time);
        event["data"]["lead"] = json!({ "email": email, "phone": phone });
        event["data"]["profile"]["name"] = json!(format!("Lead {n}"));
        event["data"]["consent"][0]["key"] = json!(phone);
        event
    };
    (0..30).map(one).collect()
}

/// A worker's circumstances: late leads are paced, a few a minute.
fn paced(mode: Mode, per_minute: u32) -> Env {
    Env { mode, max_event_age: Some(Span::days(1)), ramp_per_minute: Some(per_minute), ..env(Fictional::Allow) }
}

/// The most that left for one queue within one minute of the clock.
fn busiest_minute(w: &World) -> usize {
    let mut minutes = std::collections::BTreeMap::<(String, String), usize>::new();
    for task in w.tasks() {
        let minute = task["time"].as_str().unwrap()[..16].to_owned();
        *minutes.entry((task["queue"].as_str().unwrap().to_owned(), minute)).or_default() += 1;
    }
    minutes.into_values().max().unwrap_or(0)
}

#[test]
fn after_a_pause_of_three_days_each_lead_gets_its_one_best_next_touch_at_a_pace() {
    let mut w = World::with(paced(Mode::Paused, 4));
    for event in thirty("2026-03-03T16:00:00Z") {
        w.send(&event);
    }
    w.until("2026-03-06T16:00:00Z");
    assert!(w.out.is_empty(), "a pause makes no tasks");
    w.replay.set_env(paced(Mode::Act, 4));
    w.until("2026-03-06T16:20:00Z");
    for record in w.records() {
        let id = record.lead_id.to_string();
        let mine: Vec<_> = w.tasks().into_iter().filter(|t| t["subject"] == id.as_str()).collect();
        let plays: Vec<_> = mine.iter().map(|t| &t["data"]["play"]).collect();
        assert_eq!(plays, ["first_email"], "the one best next touch, not three days of arrears, nor two at once");
    }
    assert!(busiest_minute(&w) <= 4, "{} in one minute", busiest_minute(&w));
    w.until("2026-03-07T15:59:00Z");
    assert!(w.calls().is_empty(), "a day for the e-mail alone");
    w.until("2026-03-10T23:00:00Z");
    let called: std::collections::BTreeSet<_> = w.calls().iter().map(|c| c["subject"].to_string()).collect();
    assert_eq!(called.len(), 30, "and then a call");
}

#[test]
fn an_inquiry_in_the_last_legal_hour_is_called_in_it() {
    let mut w = World::new();
    // Half past eight in the evening in New York, where calls end at nine.
    w.send(&inquiry("e-1", "2026-03-04T01:30:00Z"));
    let call = &w.calls()[0]["data"];
    assert_eq!((&call["play"], &call["not_before"]), (&json!("first_call"), &json!("2026-03-04T01:30:00Z")));
    assert_eq!(call["expires_at"], "2026-03-04T02:00:00Z");
}

#[test]
fn an_imported_inquiry_whose_call_we_dropped_gets_no_first_call() {
    let mut w = World::with(paced(Mode::Act, 60));
    w.until("2026-03-06T16:00:00Z");
    w.send(&inquiry("e-1", "2025-11-04T16:00:00Z"));
    let dropped = json!({ "lead": { "phone": PHONE }, "to": PHONE, "disposition": "DROP" });
    w.send(&event("e-2", "call.completed", "2025-11-04T16:02:00Z", dropped));
    w.until("2026-03-10T23:00:00Z");
    let calls: Vec<_> = w.calls().iter().map(|c| &c["data"]["play"]).collect();
    assert!(!calls.is_empty() && calls.iter().all(|play| *play == "call_again"), "{calls:?}");
}

#[test]
fn a_worker_that_slept_for_days_takes_each_lead_up_with_one_touch() {
    let mut w = World::with(paced(Mode::Act, 60));
    w.send(&inquiry("e-1", "2026-03-03T16:00:00Z"));
    w.send(&no_answer("e-2", "2026-03-03T16:05:00Z"));
    let sent = json!({ "lead": { "email": "ana@example.com" } });
    w.send(&event("e-3", "email.sent", "2026-03-03T16:05:00Z", sent));
    let n = w.out.len();
    w.replay.set_env(paced(Mode::Paused, 60));
    w.until("2026-03-07T15:00:00Z");
    w.replay.set_env(paced(Mode::Act, 60));
    w.until("2026-03-07T23:00:00Z");
    let touches: Vec<_> = w.out[n..].iter().filter(|t| t["data"]["channel"].is_string()).collect();
    let plays: Vec<_> = touches.iter().map(|t| &t["data"]["play"]).collect();
    assert_eq!(plays, ["second_call"]);
}

#[test]
fn an_inquiry_of_a_short_pause_still_gets_a_call_and_an_email() {
    let mut w = World::with(paced(Mode::Paused, 60));
    w.send(&inquiry("e-1", "2026-03-03T16:00:00Z"));
    w.until("2026-03-03T18:00:00Z");
    w.replay.set_env(paced(Mode::Act, 60));
    w.until("2026-03-03T18:10:00Z");
    let touches: Vec<_> = w.tasks().into_iter().filter(|t| t["data"]["channel"].is_string()).collect();
    let plays: Vec<_> = touches.iter().map(|t| &t["data"]["play"]).collect();
    assert_eq!(plays, ["first_call", "first_email"]);
}

#[test]
fn an_expected_value_is_a_range_around_its_amount_and_no_runner_up_is_worth_more() {
    let mut w = World::new();
    w.send(&inquiry("e-1", "2026-03-03T16:00:00Z"));
    w.send(&no_answer("e-2", "2026-03-03T16:10:00Z"));
    let asks =
        json!({ "lead": { "email": "ana@example.com" }, "text": "Yes, we want this. Please call me Thursday at 10." });
    w.send(&event("e-3", "email.replied", "2026-03-04T16:30:00Z", asks));
    w.until("2026-03-20T16:00:00Z");
    let number = |v: &Value| v.as_str().unwrap().parse::<i64>().unwrap();
    let mut seen = 0;
    for task in w.tasks().into_iter().filter(|t| t["data"]["channel"].is_string()) {
        let (worth, play) = (&task["data"]["expected_value"], &task["data"]["play"]);
        let [low, amount, high] = ["low", "amount", "high"].map(|f| number(&worth[f]));
        assert!(low <= amount && amount <= high && low < high, "{play}: {low} {amount} {high}");
        if let Some(other) = task["data"]["runner_up"]["expected_value"].get("amount") {
            assert!(number(other) <= amount, "{play}: {} instead of {amount}", task["data"]["runner_up"]);
            seen += 1;
        }
    }
    assert!(seen > 0, "{:?}", w.plays());
}

#[test]
fn a_first_import_of_old_leads_makes_no_burst_and_a_fresh_one_is_served_at_once() {
    let mut w = World::with(paced(Mode::Act, 4));
    w.until("2026-03-06T16:00:00Z");
    for event in thirty("2026-02-10T16:00:00Z") {
        w.send(&event);
    }
    w.until("2026-03-06T16:00:59Z");
    let first_minute = w.tasks().len();
    assert!((1..=8).contains(&first_minute), "two queues, four each: {first_minute}");
    let mut fresh = inquiry("e-fresh", "2026-03-06T16:01:10Z");
    fresh["data"]["lead"] = json!({ "email": "fresh@example.com", "phone": "+12125559999" });
    fresh["data"]["profile"]["name"] = json!("Fresh");
    fresh["data"]["consent"][0]["key"] = json!("+12125559999");
    w.send(&fresh);
    let served = |t: &&&Value| t["data"]["contact"]["email"] == "fresh@example.com";
    assert_eq!(w.tasks().iter().filter(served).count(), 2, "live leads are not paced");
    w.until("2026-03-06T16:30:00Z");
    assert!(w.tasks().len() >= 32, "in the end all get their turn: {}", w.tasks().len());
}

#[test]
fn a_sign_of_life_takes_a_lead_off_the_ramp() {
    let mut w = World::with(paced(Mode::Act, 1));
    w.until("2026-03-06T16:00:00Z");
    for event in thirty("2026-02-10T16:00:00Z") {
        w.send(&event);
    }
    w.until("2026-03-06T16:02:00Z");
    let last = "lead29@example.com";
    let mine = |w: &World| w.tasks().iter().filter(|t| t["data"]["contact"]["email"] == last).count();
    assert_eq!(mine(&w), 0, "it is far down the queue");
    let reply = json!({ "lead": { "email": last }, "text": "Yes, please call me today." });
    w.send(&event("e-reply", "email.replied", "2026-03-06T16:02:30Z", reply));
    assert!(mine(&w) >= 1, "whoever writes today is answered today");
}

#[test]
fn a_paused_queue_gets_nothing_and_the_others_flow() {
    let mut circumstances = paced(Mode::Act, 60);
    circumstances.paused_queues.insert("calls-now".into());
    let mut w = World::with(circumstances);
    w.send(&inquiry("e-1", "2026-03-03T16:00:00Z"));
    w.until("2026-03-03T16:30:00Z");
    let queues: Vec<_> = w.tasks().iter().map(|t| t["queue"].as_str().unwrap().to_owned()).collect();
    assert!(queues.contains(&"outreach".to_owned()) && !queues.contains(&"calls-now".to_owned()), "{queues:?}");
    assert_eq!(w.lead().planned.len(), 1, "the call is planned, not forgotten");
    w.replay.set_env(paced(Mode::Act, 60));
    w.until("2026-03-03T16:50:00Z");
    assert_eq!(w.calls().len(), 1, "after the pause it is made once");
}

fn report(id: &str, time: &str, kind: &str, data: Value) -> Value {
    event(id, kind, time, data)
}

#[test]
fn a_rejected_task_is_not_sent_again_at_once() {
    let mut w = World::new();
    w.send(&inquiry("e-1", "2026-03-03T16:00:00Z"));
    let task = w.calls()[0]["id"].clone();
    let rejected = json!({ "task_id": task, "reason": "no_agent" });
    w.send(&report("e-2", "2026-03-03T16:01:00Z", "task.rejected", rejected));
    w.until("2026-03-03T16:15:59Z");
    assert_eq!(w.calls().len(), 1, "nobody was there a moment ago");
    w.until("2026-03-03T16:17:00Z");
    assert_eq!(w.calls().len(), 2);
}

#[test]
fn a_task_rejected_as_suppressed_closes_the_number() {
    let mut w = World::new();
    w.send(&inquiry("e-1", "2026-03-03T16:00:00Z"));
    let task = w.calls()[0]["id"].clone();
    w.send(&report("e-2", "2026-03-03T16:01:00Z", "task.rejected", json!({ "task_id": task, "reason": "suppressed" })));
    w.until("2026-06-03T16:00:00Z");
    assert_eq!(w.calls().len(), 1, "their list knew something ours did not");
    let closed: Vec<_> = w.lead().suppressed.iter().map(|s| s.channel.clone()).collect();
    assert_eq!(closed, ["call", "sms"]);
}

#[test]
fn leads_that_share_a_number_are_not_both_called_on_one_day() {
    let mut w = World::new();
    for (n, name) in [(1, "Ana Ruiz"), (2, "Bob Stone")] {
        let mut one = inquiry(&format!("e-{n}"), "2026-03-03T16:00:00Z");
        one["data"]["lead"]["email"] = json!(format!("lead{n}@example.com"));
        one["data"]["profile"]["name"] = json!(name);
        w.send(&one);
    }
    w.until("2026-03-04T15:59:00Z");
    let leads: std::collections::BTreeSet<_> = w.calls().iter().map(|c| c["subject"].to_string()).collect();
    assert_eq!((w.records().len(), leads.len()), (2, 1), "two leads, and one of them had its turn");
}

#[test]
fn a_copy_of_an_erasure_changes_nothing() {
    let mut w = World::new();
    w.send(&inquiry("e-1", "2026-03-03T16:00:00Z"));
    let erasure = json!({ "lead": { "email": "ana@example.com", "phone": PHONE } });
    let erasure = event("e-2", "lead.erased", "2026-03-03T17:00:00Z", erasure);
    assert!(matches!(w.send(&erasure), Applied::To(_)));
    assert_eq!(w.send(&erasure), Applied::Duplicate);
    let late = event("e-3", "page.viewed", "2026-03-03T18:00:00Z", json!({ "lead": { "email": "ana@example.com" } }));
    assert_eq!(w.send(&late), Applied::Refused(NotApplied::ErasedLead));
}

#[test]
fn a_copy_without_a_time_of_what_the_forgotten_sent_is_no_new_inquiry() {
    let mut w = World::new();
    // What has no time of its own is dated when it arrives; its copies are the same but for that.
    let arriving = |id: &str, kind: &str, time: &str| {
        let data = json!({ "lead": { "email": "ana@example.com", "phone": PHONE } });
        Event { at: at(time), ..decoded(&event(id, kind, "2026-03-03T16:00:00Z", data)) }
    };
    let (inquiry, erasure) = ("lead.captured", "lead.erased");
    assert!(matches!(w.replay.apply(&arriving("e-1", inquiry, "2026-03-03T16:00:00Z")), Applied::To(_)));
    assert!(matches!(w.replay.apply(&arriving("e-2", erasure, "2026-03-03T17:00:00Z")), Applied::To(_)));
    let copy = arriving("e-1", inquiry, "2026-03-03T18:00:00Z");
    assert_eq!(w.replay.apply(&copy), Applied::Refused(NotApplied::ErasedLead));
    assert_eq!(w.replay.apply(&arriving("e-2", erasure, "2026-03-03T18:00:00Z")), Applied::Duplicate);
    assert!(matches!(w.replay.apply(&arriving("e-3", inquiry, "2026-03-03T19:00:00Z")), Applied::To(_)));
    assert_eq!(w.replay.apply(&copy), Applied::Refused(NotApplied::ErasedLead), "also when they came back");
    // A source may name each erasure of a person alike: the wish counts again, once they are here again.
    assert!(matches!(w.replay.apply(&arriving("e-2", erasure, "2026-03-03T20:00:00Z")), Applied::To(_)));
    assert_eq!(w.records().len(), 0);
}

#[test]
fn an_opt_out_that_arrives_late_closes_however_much_was_said_since() {
    let mut w = World::new();
    w.send(&inquiry("e-1", "2026-03-01T16:00:00Z"));
    for n in 0..14 {
        let note = json!({ "lead": { "phone": PHONE }, "text": format!("Question number {n} about the offer") });
        w.send(&event(&format!("c-{n}"), "chat.message", &format!("2026-03-02T16:{n:02}:00Z"), note));
    }
    let stop = json!({ "lead": { "phone": PHONE }, "text": "STOP" });
    w.send(&event("e-stop", "sms.replied", "2026-03-01T17:00:00Z", stop));
    let closed: Vec<_> = w.lead().suppressed.iter().map(|s| s.channel.clone()).collect();
    assert_eq!(closed, ["call", "sms"]);
}

#[test]
fn a_consent_told_again_by_a_system_reopens_nothing() {
    let mut w = World::new();
    let mut asked = inquiry("e-1", "2026-03-03T16:00:00Z");
    asked["data"]["consent"][0]["evidence_url"] = json!("https://example.com/consent/1");
    w.send(&asked);
    let revoked = json!({ "lead": { "phone": PHONE }, "channels": ["call"], "key": PHONE });
    w.send(&event("e-2", "consent.revoked", "2026-03-03T17:00:00Z", revoked));
    let sync = json!({ "lead": { "phone": PHONE }, "consent": asked["data"]["consent"] });
    w.send(&event("e-3", "lead.updated", "2026-03-04T16:00:00Z", sync));
    w.until("2026-03-20T16:00:00Z");
    assert_eq!(w.calls().len(), 1, "only the call of before the opt-out");
}

#[test]
fn a_task_is_forgotten_a_month_after_it_ended() {
    let mut w = World::new();
    w.send(&inquiry("e-1", "2026-03-03T16:00:00Z"));
    let task = w.calls()[0]["id"].clone();
    let done = json!({ "task_id": task });
    w.until("2026-05-20T16:00:00Z");
    let late = event("e-2", "task.done", "2026-05-20T16:00:00Z", done);
    assert_eq!(w.send(&late), Applied::Refused(NotApplied::UnknownTask));
}

#[test]
fn a_number_that_a_crowd_carries_is_called_within_the_caps_of_one_number() {
    let mut w = World::new();
    for n in 0..20 {
        let mut one = inquiry(&format!("e-{n}"), "2026-03-03T16:00:00Z");
        one["data"]["lead"]["email"] = json!(format!("lead{n}@example.com"));
        one["data"]["profile"]["name"] = json!(format!("Person {n}"));
        w.send(&one);
    }
    w.until("2026-03-04T15:59:00Z");
    assert_eq!(w.records().len(), 20);
    let calls = w.calls().len();
    assert!((1..=3).contains(&calls), "{calls} calls to one number within a day");
}

/// What leaves after an instant, by play.
fn since(w: &World, time: &str) -> Vec<String> {
    let late = w.tasks().into_iter().filter(|t| at(t["time"].as_str().unwrap()) >= at(time));
    late.map(|t| t["data"]["play"].as_str().unwrap().to_owned()).filter(|p| p != "review").collect()
}

#[test]
fn nobody_who_asked_us_to_stop_gets_a_goodbye() {
    let stop = json!({ "lead": { "phone": PHONE }, "text": "STOP" });
    let dnc = json!({ "lead": { "phone": PHONE }, "to": PHONE, "disposition": "DNC" });
    for (kind, data) in [("sms.replied", stop), ("call.completed", dnc)] {
        let mut w = World::new();
        w.send(&inquiry("e-1", "2026-03-03T16:00:00Z"));
        w.send(&event("e-2", kind, "2026-03-03T17:00:00Z", data));
        w.until("2026-09-03T17:00:00Z");
        let plays = since(&w, "2026-03-03T17:00:00Z");
        assert!(!plays.contains(&"disengage".to_owned()), "{kind}: {plays:?}");
    }
}

#[test]
fn one_channel_refused_is_no_word_about_the_others() {
    let mut asked = inquiry("e-1", "2026-03-03T16:00:00Z");
    asked["data"]["consent"].as_array_mut().unwrap().push(json!({ "channel": "sms", "state": "refused" }));
    let mut w = World::new();
    w.send(&asked);
    assert_eq!((w.lead().verdict.as_str(), w.calls().len()), ("promising", 1));
    let unsubscribed = json!({ "lead": { "email": "ana@example.com" } });
    w.send(&event("e-2", "email.unsubscribed", "2026-03-03T16:05:00Z", unsubscribed));
    let voice = w.calls()[0]["id"].clone();
    assert!(w.revoked().iter().all(|r| r["data"]["revokes"] != voice), "the call they asked for goes on");
    assert_ne!(w.lead().verdict, "bad");
}

#[test]
fn dispositions_are_understood_as_words_too() {
    for (word, code) in [
        ("no_answer", "N"),
        ("Busy", "B"),
        ("not interested", "NI"),
        ("Do-Not-Call", "DNC"),
        ("sale", "SALE"),
        ("disconnected", "DC"),
    ] {
        let after = |disposition: &str| {
            let mut w = World::new();
            w.send(&inquiry("e-1", "2026-03-03T16:00:00Z"));
            let call = json!({ "lead": { "phone": PHONE }, "to": PHONE, "disposition": disposition });
            w.send(&event("e-2", "call.completed", "2026-03-03T17:00:00Z", call));
            w.until("2026-03-20T17:00:00Z");
            (w.lead().stage, w.lead().verdict, w.plays())
        };
        assert_eq!(after(word), after(code), "{word}");
    }
}

#[test]
fn a_sale_by_the_dialers_code_converts_the_lead() {
    let mut w = World::new();
    w.send(&inquiry("e-1", "2026-03-03T16:00:00Z"));
    w.send(&event(
        "e-2",
        "call.completed",
        "2026-03-03T17:00:00Z",
        json!({ "lead": { "phone": PHONE }, "to": PHONE, "disposition": "SALE" }),
    ));
    w.until("2026-06-03T17:00:00Z");
    assert_eq!(w.lead().stage, "converted");
    assert!(since(&w, "2026-03-03T17:00:00Z").is_empty());
}

#[test]
fn no_dial_follows_another_at_once_whatever_came_of_it() {
    for code in ["NA", "CPDATB", "ADCT", "TFHCCL", "CBHOLD", "a code of their own"] {
        let mut w = World::new();
        w.send(&inquiry("e-1", "2026-03-03T16:00:00Z"));
        let call = json!({ "lead": { "phone": PHONE }, "to": PHONE, "disposition": code });
        w.send(&event("e-2", "call.completed", "2026-03-03T17:00:00Z", call));
        w.until("2026-03-03T17:59:00Z");
        assert_eq!(w.calls().len(), 1, "{code}: congestion and the like wait an hour");
    }
}

#[test]
fn the_law_counts_every_dial_also_those_that_we_dropped() {
    let florida = "+13055552368";
    let mut asked = inquiry("e-1", "2026-03-03T16:00:00Z");
    asked["data"]["lead"]["phone"] = json!(florida);
    asked["data"]["profile"]["region"] = json!("FL");
    asked["data"]["consent"][0]["key"] = json!(florida);
    let mut w = World::new();
    w.send(&asked);
    for n in 0..8 {
        let time = format!("2026-03-03T{}:{:02}:00Z", 16 + (n * 10 + 5) / 60, (n * 10 + 5) % 60);
        let call = json!({ "lead": { "phone": florida }, "to": florida, "disposition": "DROP", "task_id": w.calls().last().unwrap()["id"] });
        if w.calls().len() > n {
            w.send(&event(&format!("d-{n}"), "call.completed", &time, call));
        }
    }
    w.until("2026-03-04T15:59:00Z");
    assert!(w.calls().len() <= 3, "{} calls, the law allows three in 24 hours", w.calls().len());
}

#[test]
fn nothing_goes_out_before_the_day_an_automatic_reply_names() {
    let mut w = World::new();
    w.send(&inquiry("e-1", "2026-03-03T16:00:00Z"));
    w.send(&no_answer("e-2", "2026-03-03T16:10:00Z"));
    w.send(&away("e-3", "2026-03-03T16:30:00Z", "9 March 2026"));
    w.until("2026-03-20T16:30:00Z");
    let late = since(&w, "2026-03-03T16:30:00Z");
    assert!(!late.is_empty(), "and then it goes on");
    let early = w.tasks().into_iter().filter(|t| {
        let time = at(t["time"].as_str().unwrap());
        time >= at("2026-03-03T16:30:00Z") && time < at("2026-03-09T13:00:00Z") && t["data"]["channel"].is_string()
    });
    let early: Vec<_> = early.map(|t| (t["time"].clone(), t["data"]["play"].clone())).collect();
    assert!(early.is_empty(), "{early:?}");
}

#[test]
fn published_ahead_a_task_for_who_is_away_still_holds_when_they_are_back() {
    let mut w = World::with(Env { publish_ahead: Span::days(30), ..env(Fictional::Allow) });
    w.send(&inquiry("e-1", "2026-03-03T06:00:00Z"));
    w.send(&no_answer("e-2", "2026-03-03T13:10:00Z"));
    w.send(&away("e-3", "2026-03-03T13:30:00Z", "24 March 2026"));
    w.until("2026-04-10T16:30:00Z");
    let moment = |task: &Value, field: &str| at(task[field].as_str().unwrap());
    let first = w.calls()[0];
    assert!(moment(first, "time") < moment(&first["data"], "not_before"), "published ahead: {first}");
    let sent: Vec<_> = w.tasks().into_iter().filter(|t| moment(t, "time") >= at("2026-03-03T13:30:00Z")).collect();
    let held: Vec<_> = sent.iter().map(|t| &t["data"]).filter(|data| data["channel"].is_string()).collect();
    assert!(held.iter().any(|data| moment(data, "not_before") >= at("2026-03-24T13:00:00Z")), "and then it goes on");
    for data in held {
        assert!(moment(data, "not_before") < moment(data, "expires_at"), "{data}");
    }
}

#[test]
fn only_a_registry_of_the_country_clears_a_number_and_a_barred_one_is_never_called() {
    let london = "+442079460018";
    let lead = json!({ "lead": { "phone": london }, "profile": { "name": "Al Be", "country": "GB", "time_zone": "Europe/London" } });
    let screened = |number: &str, list: &str, result: &str| {
        json!({ "lead": { "phone": number }, "key": number,
            "checks": [{ "list": list, "result": result, "as_of": "2026-03-03T12:10:00Z" }] })
    };
    let mut w = World::new();
    w.send(&event("e-1", "lead.captured", "2026-03-03T12:00:00Z", lead));
    w.send(&event("e-2", "contact.screened", "2026-03-03T12:10:00Z", screened(london, "us_national", "clear")));
    w.until("2026-03-03T13:00:00Z");
    assert!(w.calls().is_empty(), "a list of another country says nothing");
    let faults = &w.tasks().into_iter().find(|t| t["data"]["play"] == "contact_repair").unwrap()["data"]["faults"];
    assert_eq!(faults[0]["suggestion"], "uk_tps", "and the desk is told which list does: {faults}");
    w.send(&event("e-3", "contact.screened", "2026-03-03T13:10:00Z", screened(london, "uk_tps", "clear")));
    w.until("2026-03-03T14:00:00Z");
    assert_eq!(w.calls().len(), 1);

    let mut w = World::new();
    w.send(&event("e-0", "contact.screened", "2026-03-03T12:10:00Z", screened(PHONE, "litigator", "listed")));
    w.send(&inquiry("e-1", "2026-03-03T16:00:00Z"));
    w.until("2026-03-20T16:00:00Z");
    assert!(w.calls().is_empty(), "no consent makes up for it");
}

#[test]
fn what_came_while_a_pause_of_minutes_lasted_leaves_at_the_pace_too() {
    let mut w = World::with(paced(Mode::Paused, 4));
    w.until("2026-03-03T16:00:00Z");
    for event in thirty("2026-03-03T16:00:00Z") {
        w.send(&event);
    }
    w.until("2026-03-03T16:02:00Z");
    w.replay.set_env(paced(Mode::Act, 4));
    w.until("2026-03-03T16:30:00Z");
    // The alarms five minutes later are no touches, and wait for nothing.
    w.out.retain(|t| t["data"]["channel"].is_string());
    assert!(busiest_minute(&w) <= 4, "{} in one minute", busiest_minute(&w));
    assert_eq!(w.tasks().len(), 60, "each a call and an e-mail, for they are fresh");
    // Whoever comes after it waits for nobody.
    w.send(&inquiry("f-1", "2026-03-03T16:30:00Z"));
    assert!(w.plays().iter().filter(|p| *p == "first_call").count() == 31, "{:?}", w.plays());
}

#[test]
fn a_short_pause_takes_no_lead_off_the_ramp() {
    let mut w = World::with(paced(Mode::Act, 1));
    w.until("2026-03-06T16:00:00Z");
    for event in thirty("2026-02-10T16:00:00Z") {
        w.send(&event);
    }
    w.until("2026-03-06T16:02:00Z");
    w.replay.set_env(paced(Mode::Paused, 1));
    for n in 0..30 {
        let viewed = json!({ "lead": { "email": format!("lead{n}@example.com") }, "path": "/" });
        w.send(&event(&format!("v-{n}"), "page.viewed", "2026-03-06T16:03:00Z", viewed));
    }
    w.until("2026-03-06T16:05:00Z");
    w.replay.set_env(paced(Mode::Act, 1));
    w.until("2026-03-06T16:20:00Z");
    assert!(busiest_minute(&w) <= 1, "{} in one minute", busiest_minute(&w));
}
