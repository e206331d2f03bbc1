//! What the lead and the calendar give occasion to: meetings, a room viewed again, a kind moment, another channel; how
//! silence grows; and whose word counts.

use serde_json::{Value, json};

use crate::support::{World, event};

const PHONE: &str = "+12125552368";
const EMAIL: &str = "ana@example.com";

fn captured(w: &mut World) {
    let data = json!({
        "lead": { "email": EMAIL, "phone": PHONE },
        "profile": { "name": "Ana Ruiz", "country": "US", "region": "NY" },
        "consent": [
            { "channel": "call", "state": "granted", "level": "express_written", "key": PHONE },
            { "channel": "sms", "state": "granted", "level": "express_written", "key": PHONE },
            { "channel": "email", "state": "granted", "level": "express_written" }
        ]
    });
    w.send(&event("e-1", "lead.captured", "2026-03-03T16:00:00Z", data));
}

fn send(w: &mut World, id: &str, kind: &str, time: &str, more: Value) {
    let mut data = json!({ "lead": { "email": EMAIL, "phone": PHONE } });
    data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    w.send(&event(id, kind, time, data));
}

fn at(w: &World, play: &str) -> Vec<String> {
    let of_play = w.tasks().into_iter().filter(|t| t["data"]["play"] == play);
    of_play.map(|t| t["time"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_booked_meeting_is_confirmed_and_nothing_else_goes_out_before_it() {
    let mut w = World::new();
    captured(&mut w);
    send(&mut w, "e-2", "meeting.booked", "2026-03-03T17:00:00Z", json!({ "at": "2026-03-12T15:00:00Z" }));
    assert_eq!(at(&w, "confirm_meeting"), ["2026-03-03T17:00:00Z"]);
    let n = w.tasks().len();
    w.until("2026-03-12T14:00:00Z");
    assert_eq!(w.tasks().len(), n, "{:?}", w.plays());
}

#[test]
fn a_missed_meeting_gets_two_friendly_words_and_then_nurture() {
    let mut w = World::new();
    captured(&mut w);
    send(&mut w, "e-2", "meeting.booked", "2026-03-03T17:00:00Z", json!({ "at": "2026-03-12T15:00:00Z" }));
    send(&mut w, "e-3", "email.sent", "2026-03-03T17:05:00Z", json!({}));
    send(&mut w, "e-4", "meeting.missed", "2026-03-12T15:20:00Z", json!({}));
    w.until("2026-03-16T15:00:00Z");
    assert_eq!(at(&w, "reschedule"), ["2026-03-12T15:20:00Z", "2026-03-13T15:20:00Z"]);
    w.until("2026-04-16T15:00:00Z");
    assert_eq!(at(&w, "reschedule").len(), 2);
    assert!(!at(&w, "check_in").is_empty(), "{:?}", w.plays());
}

#[test]
fn a_room_that_is_opened_again_gets_a_call_in_time_and_one_view_does_not() {
    let mut w = World::new();
    captured(&mut w);
    let held = json!({ "to": PHONE, "flags": ["human_answered", "customer_contact"] });
    send(&mut w, "e-2", "call.completed", "2026-03-03T16:05:00Z", held);
    send(&mut w, "e-3", "room.viewed", "2026-03-05T15:00:00Z", json!({ "room": "r-1" }));
    assert!(at(&w, "room_opened").is_empty());
    send(&mut w, "e-4", "room.viewed", "2026-03-05T19:00:00Z", json!({ "room": "r-1" }));
    assert_eq!(at(&w, "room_opened"), ["2026-03-05T19:00:00Z"], "{:?}", w.plays());
    w.until("2026-03-09T19:00:00Z");
    assert_eq!(at(&w, "room_opened").len(), 1);
}

#[test]
fn a_referral_is_asked_for_once_at_a_good_moment_and_never_after_a_complaint() {
    for complains in [false, true] {
        let mut w = World::new();
        captured(&mut w);
        send(&mut w, "e-2", "meeting.held", "2026-03-05T15:00:00Z", json!({}));
        if complains {
            send(&mut w, "e-3", "email.complained", "2026-03-05T16:00:00Z", json!({}));
        }
        w.until("2026-05-05T15:00:00Z");
        let asked = at(&w, "referral_ask");
        if complains {
            assert!(asked.is_empty(), "{asked:?}");
        } else {
            assert_eq!(asked.len(), 1, "{:?}", w.plays());
            assert!(("2026-03-06T15:00:00Z".."2026-03-12T16:00:00Z").contains(&asked[0].as_str()), "{asked:?}");
        }
    }
}

#[test]
fn after_two_silent_calls_a_text_is_tried_where_the_lead_agreed_to_texts() {
    let mut w = World::new();
    captured(&mut w);
    for (id, time) in [("c-1", "2026-03-03T16:10:00Z"), ("c-2", "2026-03-03T20:30:00Z")] {
        send(&mut w, id, "call.completed", time, json!({ "to": PHONE, "disposition": "N" }));
    }
    send(&mut w, "m-1", "email.sent", "2026-03-03T16:20:00Z", json!({}));
    w.until("2026-03-08T20:00:00Z");
    let texts = at(&w, "other_channel");
    assert_eq!(texts.len(), 1, "{:?}", w.plays());
    let task = w.tasks().into_iter().find(|t| t["data"]["play"] == "other_channel").unwrap().clone();
    assert_eq!((&task["data"]["channel"], &task["routing_key"]), (&json!("sms"), &json!("task.follow_up.sms")));
}

#[test]
fn two_days_after_one_email_are_less_silent_than_two_weeks_after_six_calls() {
    let silence = |w: &World| w.lead().diagnosis.shares["interest"].0;
    let mut one = World::new();
    captured(&mut one);
    send(&mut one, "m-1", "email.sent", "2026-03-03T16:02:00Z", json!({}));
    one.until("2026-03-05T16:02:00Z");
    let mut six = World::new();
    captured(&mut six);
    let calls = ["03T16:04", "03T20:30", "04T14:00", "07T18:00", "11T21:00", "17T14:00"];
    for (n, time) in calls.iter().enumerate() {
        let more = json!({ "to": PHONE, "disposition": "N" });
        send(&mut six, &format!("c-{n}"), "call.completed", &format!("2026-03-{time}:00Z"), more);
    }
    six.until("2026-03-18T16:00:00Z");
    assert!(silence(&one) < 0.1, "{}", silence(&one));
    assert!(silence(&six) > 0.5, "{}", silence(&six));
}

#[test]
fn a_lead_is_looked_at_when_silence_changes_the_verdict_and_not_by_the_clock() {
    let mut w = World::new();
    captured(&mut w);
    let calls = ["03T16:04", "03T20:30", "04T14:00", "07T18:00", "11T21:00", "17T14:00"];
    for (n, time) in calls.iter().enumerate() {
        let more = json!({ "to": PHONE, "disposition": "N" });
        send(&mut w, &format!("c-{n}"), "call.completed", &format!("2026-03-{time}:00Z"), more);
    }
    for n in 0..4 {
        send(&mut w, &format!("m-{n}"), "email.sent", &format!("2026-03-{:02}T17:00:00Z", 18 + 2 * n), json!({}));
    }
    let mut changes = Vec::new();
    for hour in 0..(24 * 40) {
        let now = crate::support::at("2026-03-24T17:00:00Z") + gleaner::domain::time::Span::hours(hour);
        w.until(&now.to_string());
        let lead = w.lead();
        // What the record says at this instant was noticed within the hour in which it became true.
        if changes.last() != Some(&lead.verdict) {
            let noticed = lead.changed.as_ref().map(|c| c.at.clone());
            assert!(
                hour == 0
                    || noticed.is_some_and(|at| crate::support::at(&at) + gleaner::domain::time::Span::hours(1) >= now),
                "{lead:?}"
            );
            changes.push(lead.verdict);
        }
    }
    assert_eq!(changes.last().map(String::as_str), Some("bad"), "{changes:?}");
}

#[test]
fn a_supervisors_word_weighs_more_than_a_reps_and_a_later_good_word_takes_it_back() {
    let share = |role: &str| {
        let mut w = World::new();
        captured(&mut w);
        let more = json!({ "by": "u-1", "role": role, "verdict": "bad", "flags": ["too_small"] });
        send(&mut w, "f-1", "feedback.given", "2026-03-04T16:00:00Z", more);
        w.lead().diagnosis.shares["fit"].0
    };
    assert!(share("supervisor") > share("rep"));
    let mut w = World::new();
    captured(&mut w);
    let bad = json!({ "by": "u-1", "role": "rep", "verdict": "bad", "flags": ["too_small"] });
    send(&mut w, "f-1", "feedback.given", "2026-03-04T16:00:00Z", bad);
    assert!(w.lead().diagnosis.shares["fit"].0 > 0.0);
    let good = json!({ "by": "u-2", "role": "supervisor", "verdict": "good" });
    send(&mut w, "f-2", "feedback.given", "2026-03-04T17:00:00Z", good);
    assert_eq!(w.lead().diagnosis.shares["fit"].0, 0.0);
}
