//! What follows a promise, a conversation, silence from a dialer, and a hand-off. In New York, in March.

use gleaner::domain::time::{Moment, Span};
use serde_json::{Value, json};

use crate::support::{World, at, event};

const PHONE: &str = "+12125552368";
const OTHER: &str = "+12125552399";

fn inquiry(consents: &[&str]) -> Value {
    let consent = consents.iter().map(|c| json!({ "channel": c, "state": "granted", "level": "express_written" }));
    let data = json!({
        "lead": { "email": "ana@example.com", "phone": PHONE },
        "profile": { "name": "Ana Ruiz", "country": "US", "region": "NY", "time_zone": "America/New_York" },
        "qualification": { "need": 3, "authority": 3 },
        "note": "please call me",
        "consent": consent.collect::<Vec<_>>(),
    });
    event("e-1", "lead.captured", "2026-03-03T16:00:00Z", data)
}

/// A call by us, with what it came to.
fn call(id: &str, time: &str, more: Value) -> Value {
    let mut data = json!({ "lead": { "phone": PHONE }, "to": PHONE });
    data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    event(id, "call.completed", time, data)
}

fn spoke(id: &str, time: &str) -> Value {
    call(id, time, json!({ "flags": ["human_answered", "customer_contact"], "to": PHONE }))
}

fn asked_to_be_called(number: &str) -> World {
    let mut w = World::new();
    w.send(&inquiry(&["call", "email"]));
    let flags = json!(["human_answered", "customer_contact", "scheduled_callback"]);
    let promise = json!({ "flags": flags, "callback_at": "2026-03-04T11:00:00", "callback_number": number });
    w.send(&call("e-2", "2026-03-03T17:00:00Z", promise));
    w
}

fn callbacks(w: &World) -> Vec<Value> {
    w.calls().into_iter().filter(|c| c["data"]["play"] == "callback").cloned().collect()
}

#[test]
fn a_promised_call_is_made_within_ten_minutes_of_the_promise_on_the_number_they_named() {
    let mut w = asked_to_be_called(OTHER);
    w.until("2026-03-04T16:00:00Z");
    let calls = callbacks(&w);
    assert_eq!(calls.len(), 1);
    let data = &calls[0]["data"];
    assert_eq!(data["contact"]["phone"], OTHER);
    let window = &data["windows"][0];
    assert_eq!((&window["from"], &window["to"]), (&json!("2026-03-04T15:50:00Z"), &json!("2026-03-04T16:10:00Z")));
}

#[test]
fn a_number_somebody_closed_is_not_called_back() {
    let mut w = World::new();
    let closed = json!({ "lead": { "phone": OTHER }, "text": "STOP" });
    w.send(&event("e-0", "sms.replied", "2026-03-03T15:00:00Z", closed));
    w.send(&inquiry(&["call", "email"]));
    let promise = json!({ "flags": ["human_answered", "customer_contact", "scheduled_callback"],
        "callback_at": "2026-03-04T11:00:00", "callback_number": OTHER });
    w.send(&call("e-2", "2026-03-03T17:00:00Z", promise));
    w.until("2026-03-10T00:00:00Z");
    assert!(w.calls().iter().all(|c| c["data"]["contact"]["phone"] != OTHER), "{:#?}", w.calls());
}

#[test]
fn a_promise_is_kept_twice_if_nobody_picks_up_and_then_the_cadence_goes_on() {
    let mut w = asked_to_be_called(PHONE);
    w.until("2026-03-04T15:55:00Z");
    w.send(&call("e-3", "2026-03-04T15:55:00Z", json!({ "disposition": "N" })));
    w.until("2026-03-04T16:25:00Z");
    assert_eq!(callbacks(&w).len(), 2, "once more half an hour later");
    w.send(&call("e-4", "2026-03-04T16:30:00Z", json!({ "disposition": "N" })));
    w.until("2026-03-20T00:00:00Z");
    assert_eq!(callbacks(&w).len(), 2);
}

#[test]
fn after_a_conversation_without_a_result_a_call_follows_when_the_quiet_is_over() {
    let mut w = World::new();
    w.send(&inquiry(&["call", "email"]));
    w.send(&spoke("e-2", "2026-03-03T17:00:00Z"));
    let before = w.calls().len();
    w.until("2026-03-06T16:59:00Z");
    assert_eq!(w.calls().len(), before, "72 hours of quiet");
    w.until("2026-03-07T16:00:00Z");
    let calls = w.calls();
    assert_eq!(calls.len(), before + 1);
    let because = calls[before]["data"]["reason"]["summary"].as_str().unwrap();
    assert!(because.starts_with("We have spoken, and no next step is on record"), "{because}");
}

#[test]
fn a_dialer_that_reports_nothing_is_asked_again_and_not_for_ever() {
    let mut w = World::new();
    w.send(&inquiry(&["call"]));
    w.until("2026-03-25T00:00:00Z");
    let calls = w.calls().len();
    assert!(calls > 6, "six calls that nobody reported on are no six calls: {calls}");
    w.until("2026-05-01T00:00:00Z");
    assert!(w.calls().len() <= 12, "{}", w.calls().len());
    let weekday = |call: &Value| {
        let at: jiff::Timestamp = call["data"]["not_before"].as_str().unwrap().parse().unwrap();
        at.in_tz("America/New_York").unwrap().weekday().to_monday_one_offset()
    };
    let beyond: Vec<i8> = w.calls()[6..].iter().map(|call| weekday(call)).collect();
    assert!(beyond.iter().all(|day| *day < 6), "beyond the cadence nobody is called at a weekend: {beyond:?}");
    assert_ne!(w.lead().verdict, "bad");
    let told =
        w.calls().iter().any(|c| c["data"]["reason"]["summary"].as_str().unwrap().contains("nobody reported on"));
    assert!(told, "the reason does not claim calls that nobody reported");
}

#[test]
fn a_report_that_names_its_play_is_a_touch_and_one_with_the_call_beside_it_is_the_same_touch() {
    let mut w = World::new();
    w.send(&inquiry(&["call", "email"]));
    let id = w.calls()[0]["id"].clone();
    let done = json!({ "task_id": id, "play": "first_call", "result": "N" });
    w.send(&event("e-2", "task.done", "2026-03-03T16:03:00Z", done));
    let attempts = |w: &World| {
        let record = serde_json::to_value(w.lead()).unwrap();
        let items = record["audit"]["items"].as_array().unwrap().clone();
        items.into_iter().find(|i| i["item"] == "attempts").unwrap()["detail"].as_str().unwrap().to_owned()
    };
    let once = attempts(&w);
    assert_eq!(once, "one of six calls, on one day");
    w.send(&call("e-3", "2026-03-03T16:02:00Z", json!({ "task_id": id, "disposition": "N" })));
    assert_eq!(attempts(&w), once);
}

#[test]
fn after_a_missed_meeting_nobody_dials_by_the_cadence() {
    let mut w = World::new();
    w.send(&inquiry(&["call", "email"]));
    w.send(&spoke("e-2", "2026-03-03T16:10:00Z"));
    let lead = json!({ "lead": { "phone": PHONE }, "at": "2026-03-05T16:00:00Z" });
    w.send(&event("e-3", "meeting.booked", "2026-03-03T16:20:00Z", lead.clone()));
    w.send(&event("e-4", "meeting.missed", "2026-03-05T16:15:00Z", lead));
    let before = w.calls().len();
    w.until("2026-03-20T00:00:00Z");
    assert_eq!(w.calls().len(), before);
    assert!(w.plays().iter().filter(|p| *p == "reschedule").count() == 2, "{:?}", w.plays());
}

#[test]
fn a_lead_that_is_passed_on_hears_from_the_partner_and_comes_back_when_nobody_takes_it_up() {
    let mut w = World::new();
    let data = json!({
        "lead": { "email": "bo@example.com", "phone": PHONE },
        "profile": { "name": "Bo Lind", "country": "US", "region": "NY", "employees": 1, "industry": "logistics", "title": "Intern" },
        "qualification": { "budget": 0, "authority": 0, "need": 0 },
        "interests": ["route planning"],
        "consent": [{ "channel": "share", "state": "granted", "level": "express" },
                    { "channel": "call", "state": "granted", "level": "express_written", "key": PHONE }],
    });
    w.send(&event("e-1", "lead.captured", "2026-03-03T16:00:00Z", data));
    w.until("2026-06-01T00:00:00Z");
    let handoff = w.tasks().into_iter().find(|t| t["type"] == "task.referral_handoff").cloned();
    let Some(handoff) = handoff else { panic!("no hand-off: {:?}, {:?}", w.plays(), w.lead().diagnosis.cause) };
    let data = &handoff["data"];
    assert_eq!(data["consent"]["level"], "express");
    let (from, to) = (at(handoff["time"].as_str().unwrap()), at(data["return_by"].as_str().unwrap()));
    assert_eq!((to - from).0, 7 * 86_400_000);
    let meanwhile = w.tasks().into_iter().filter(|t| {
        let sent = at(t["time"].as_str().unwrap());
        t["data"]["channel"].is_string() && sent >= from && sent < to
    });
    assert_eq!(meanwhile.count(), 0, "nobody of ours disturbs a lead that is being passed on");
    assert_ne!(w.lead().stage, "lent", "nobody took it up, so it is ours again");
}

#[test]
fn a_late_report_makes_an_unreported_call_an_attempt_and_nothing_twice() {
    let mut w = World::new();
    w.send(&inquiry(&["call"]));
    let id = w.calls()[0]["id"].clone();
    w.until("2026-03-04T20:00:00Z");
    w.send(&event("e-2", "task.done", "2026-03-04T20:00:00Z", json!({ "task_id": id })));
    w.until("2026-03-06T23:00:00Z");
    let because = w.calls()[2]["data"]["reason"]["summary"].as_str().unwrap().to_owned();
    assert!(
        because.starts_with("One call without an answer so far, and one call that nobody reported on"),
        "{because}"
    );
}

#[test]
fn after_a_conversation_no_mail_goes_out_for_three_days_but_what_they_wait_for() {
    for answer in
        [json!(["human_answered", "customer_contact", "not_interested"]), json!(["human_answered", "customer_contact"])]
    {
        let mut w = World::new();
        w.send(&inquiry(&["call", "email"]));
        w.send(&call("e-2", "2026-03-03T16:30:00Z", json!({ "flags": answer })));
        let n = w.out.len();
        w.until("2026-03-13T16:00:00Z");
        let contact = |m: &&Value| m["type"] != "task.revoked" && m["data"]["channel"].is_string();
        let soon =
            w.out[n..].iter().filter(contact).filter(|t| at(t["time"].as_str().unwrap()) < at("2026-03-06T16:30:00Z"));
        let soon: Vec<_> = soon.map(|t| (t["time"].clone(), t["data"]["play"].clone())).collect();
        assert!(soon.is_empty(), "{answer}: {soon:?}");
    }
}

#[test]
fn calls_that_nobody_reported_on_do_not_hide_the_part_of_the_day_that_is_missing() {
    let mut w = World::new();
    w.send(&inquiry(&["call", "email"]));
    // Reported: both around noon. Whatever else was asked for, nobody knows of a call late in the day.
    for (id, time) in [("e-2", "2026-03-03T17:10:00Z"), ("e-3", "2026-03-04T18:10:00Z")] {
        w.send(&call(id, time, json!({ "disposition": "N" })));
    }
    w.until("2026-04-20T16:00:00Z");
    let later: Vec<String> =
        w.calls().iter().map(|c| c["data"]["windows"][0]["from"].as_str().unwrap().into()).collect();
    let all_asked = later.iter().skip(6);
    let around_noon = |from: &&String| (16..20).contains(&from[11..13].parse::<u32>().unwrap());
    assert!(later.len() > 7, "{later:?}");
    assert_eq!(all_asked.filter(around_noon).count(), 0, "{later:?}");
}

/// The partners that a misfit in Florida was offered to, where the first answers so.
fn offered_after(response: Option<&str>) -> Vec<String> {
    let mut w = World::new();
    let data = json!({
        "lead": { "email": "gia@example.com" },
        "profile": { "name": "Gia Moreau", "country": "US", "region": "FL", "employees": 2, "industry": "gambling", "title": "Intern" },
        "interests": ["route planning"],
        "consent": [{ "channel": "share", "state": "granted", "level": "express_written" },
                    { "channel": "email", "state": "granted", "level": "express_written", "key": "gia@example.com" }],
    });
    w.send(&event("e-1", "lead.captured", "2026-03-03T16:00:00Z", data));
    let of = |w: &World| -> Vec<Value> {
        w.tasks().into_iter().filter(|t| t["type"] == "task.referral_handoff").cloned().collect()
    };
    w.until("2026-03-03T16:05:00Z");
    let first = of(&w).remove(0);
    if let Some(response) = response {
        let answer = json!({ "task_id": first["id"], "partner": first["data"]["partner"]["id"], "response": response });
        w.send(&event("p-1", "partner.responded", "2026-03-04T16:00:00Z", answer));
    }
    w.until("2026-06-03T16:00:00Z");
    of(&w).iter().map(|t| t["data"]["partner"]["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_second_partner_is_asked_where_the_first_declines_or_says_nothing_and_never_where_it_took_the_lead() {
    let both = ["small-biz-desk", "coastal-freight"];
    for response in [None, Some("declined"), Some("returned")] {
        assert_eq!(offered_after(response), both, "{response:?}");
    }
    for response in ["accepted", "won", "lost"] {
        assert_eq!(offered_after(Some(response)), both[..1], "{response}");
    }
}

#[test]
fn a_dropped_call_that_nobody_is_known_to_have_made_good_is_asked_for_again_and_first_in_line() {
    let mut w = World::new();
    let data = json!({
        "lead": { "email": "bo@example.com", "phone": PHONE },
        "profile": { "name": "Bo Lind", "country": "US", "region": "NY" },
        "consent": [{ "channel": "call", "state": "granted", "level": "express_written", "key": PHONE }]
    });
    w.send(&event("e-1", "lead.captured", "2026-03-03T16:00:00Z", data));
    let dropped = json!({ "lead": { "phone": PHONE }, "to": PHONE, "disposition": "DROP" });
    w.send(&event("e-2", "call.completed", "2026-03-03T16:02:00Z", dropped));
    w.until("2026-03-30T20:00:00Z");
    let calls: Vec<&Value> =
        w.calls().into_iter().filter(|c| c["time"].as_str().unwrap() > "2026-03-03T16:02").collect();
    let told: Vec<String> = calls.iter().map(|c| format!("{} {}", c["time"], c["data"]["priority"])).collect();
    // At once, as soon as that is over, and then by the days: eight times.
    assert_eq!(calls.len(), 8, "{told:?}");
    assert!(calls.iter().all(|c| c["data"]["priority"] == 8), "{told:?}");
    let times: Vec<Moment> = calls.iter().map(|c| at(c["time"].as_str().unwrap())).collect();
    assert!(times.windows(2).all(|w| w[1] - w[0] <= Span::days(7)), "{told:?}");
}
