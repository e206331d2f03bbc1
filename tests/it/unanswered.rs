//! Who asked for something in so many words and was not answered: whose fault that is, and what is done about it.

use serde_json::{Value, json};

use crate::support::{World, event};

const PHONE: &str = "+12125552368";
const EMAIL: &str = "ana@example.com";
const WISH: &str = "This looks good. Can you send me a quote for 40 vehicles?";

/// Captured on a Tuesday at noon in New York, and answered by an e-mail at once.
fn answered_once() -> World {
    let mut w = World::new();
    let data = json!({
        "lead": { "email": EMAIL, "phone": PHONE },
        "profile": { "name": "Ana Ruiz", "country": "US", "region": "NY" },
        "consent": [{ "channel": "call", "state": "granted", "level": "express_written", "key": PHONE }]
    });
    w.send(&event("e-1", "lead.captured", "2026-03-03T17:00:00Z", data));
    mailed(&mut w, "e-2", "2026-03-03T17:02:00Z");
    w
}

fn mailed(w: &mut World, id: &str, time: &str) {
    w.send(&event(id, "email.sent", time, json!({ "lead": { "email": EMAIL } })));
}

fn wrote(w: &mut World, id: &str, time: &str, text: &str) {
    w.send(&event(id, "email.replied", time, json!({ "lead": { "email": EMAIL }, "text": text })));
}

/// What is held against ourselves: the sentence and the event.
fn blame(w: &World) -> Option<(String, String)> {
    let evidence = w.lead().diagnosis.evidence.into_iter().filter(|e| e.cause == "process");
    let mut owed = evidence.filter(|e| e.because.contains("no answer of ours is on record"));
    owed.next().map(|e| (e.because, e.event.unwrap()))
}

#[test]
fn who_wanted_something_and_is_not_answered_within_a_day_was_let_down_by_us() {
    let mut w = answered_once();
    wrote(&mut w, "e-3", "2026-03-04T15:00:00Z", WISH);
    w.until("2026-03-05T14:00:00Z");
    assert_eq!(blame(&w), None, "there is still time");
    w.until("2026-03-06T15:00:00Z");
    let (because, event) = blame(&w).unwrap();
    assert!(because.starts_with("They wrote \"") && because.contains("quote"), "{because}");
    assert_eq!(event, "e-3");
    let lead = w.lead();
    assert_eq!(lead.diagnosis.cause.as_deref(), Some("process"));
    assert_eq!(lead.diagnosis.would_change[0], "an answer to what they asked");
    assert_ne!(lead.verdict, "bad");
}

#[test]
fn a_word_that_reaches_us_after_our_first_letter_is_answered_and_not_greeted_a_second_time() {
    let mut w = World::new();
    w.until("2026-03-03T17:05:00Z");
    let data = json!({ "lead": { "email": EMAIL }, "profile": { "country": "US", "region": "NY" } });
    w.send(&event("e-1", "lead.captured", "2026-03-03T17:00:00Z", data));
    assert_eq!(w.plays(), ["first_email"]);
    // Written four minutes before that letter, and told only now.
    wrote(&mut w, "e-2", "2026-03-03T17:01:00Z", WISH);
    assert_eq!(w.revoked().len(), 1);
    assert_eq!(w.plays(), ["first_email", "answer_email"]);
}

#[test]
fn any_answer_of_ours_makes_up_for_it() {
    let flags = json!(["human_answered", "customer_contact"]);
    for (kind, data) in [
        ("email.sent", json!({})),
        ("sms.sent", json!({})),
        ("call.completed", json!({ "disposition": "N" })),
        ("call.completed", json!({ "direction": "inbound", "flags": flags })),
        ("meeting.booked", json!({ "at": "2026-03-20T15:00:00Z" })),
        ("outcome.won", json!({})),
    ] {
        let mut w = answered_once();
        wrote(&mut w, "e-3", "2026-03-04T15:00:00Z", WISH);
        let mut data: Value = data;
        data["lead"] = json!({ "email": EMAIL, "phone": PHONE });
        w.send(&event("e-4", kind, "2026-03-05T18:00:00Z", data));
        w.until("2026-03-12T15:00:00Z");
        assert_eq!(blame(&w), None, "{kind}");
    }
}

#[test]
fn who_wants_nothing_or_not_now_is_owed_no_answer() {
    for text in ["Not now, our contract runs until 30 September 2026.", "No thanks, we are not interested.", "STOP"] {
        let mut w = answered_once();
        wrote(&mut w, "e-3", "2026-03-04T15:00:00Z", WISH);
        wrote(&mut w, "e-4", "2026-03-04T16:00:00Z", text);
        w.until("2026-03-07T15:00:00Z");
        assert_eq!(blame(&w), None, "{text}");
    }
}

#[test]
fn who_asks_to_be_contacted_a_second_time_is_owed_an_answer_too() {
    let mut w = answered_once();
    let form = json!({ "lead": { "email": EMAIL }, "path": "/demo-request" });
    w.send(&event("e-3", "form.submitted", "2026-03-04T15:00:00Z", form));
    w.until("2026-03-06T15:00:00Z");
    let (because, event) = blame(&w).unwrap();
    assert_eq!(
        (because.as_str(), event.as_str()),
        ("They asked to be contacted 2 d ago, and no answer of ours is on record.", "e-3")
    );
}

#[test]
fn an_answer_that_nobody_reports_on_is_asked_of_the_desk_once_more_at_once_and_then_by_the_week() {
    let mut w = answered_once();
    wrote(&mut w, "e-3", "2026-03-04T15:00:00Z", WISH);
    let answers = |w: &World| w.plays().iter().filter(|p| p.starts_with("answer_")).cloned().collect::<Vec<_>>();
    w.until("2026-03-04T15:01:00Z");
    assert_eq!(answers(&w), ["answer_email"], "the first call is still on the dialer");
    w.until("2026-03-09T12:00:00Z");
    let twice = ["answer_email", "answer_call", "answer_call", "answer_email"];
    assert_eq!(answers(&w), twice, "{:?}", w.plays());
    w.until("2026-03-11T15:00:00Z");
    assert_eq!(answers(&w)[4..], ["answer_call", "answer_email"], "{:?}", w.plays());
}

#[test]
fn whom_we_only_wrote_to_is_owed_calls_from_the_next_day_on_and_the_lead_is_looked_at_then() {
    let mut w = World::new();
    let data = json!({ "lead": { "email": EMAIL, "phone": PHONE }, "profile": { "country": "US", "region": "NY" } });
    w.send(&event("e-1", "lead.captured", "2026-03-03T17:00:00Z", data));
    mailed(&mut w, "e-2", "2026-03-03T17:02:00Z");
    w.until("2026-03-04T16:00:00Z");
    assert_eq!(w.lead().verdict, "workable");
    w.until("2026-03-04T18:00:00Z");
    let lead = w.lead();
    assert_eq!((lead.verdict.as_str(), lead.diagnosis.cause.as_deref()), ("weak", Some("process")));
}

#[test]
fn a_colleague_is_asked_who_takes_a_valuable_lead_that_nobody_answered() {
    let mut w = answered_once();
    // A title and an answer make it worth a look.
    let data = json!({ "lead": { "email": EMAIL }, "profile": { "title": "Owner" }, "qualification": { "need": 3, "authority": 3 } });
    w.send(&event("e-2b", "lead.updated", "2026-03-03T17:05:00Z", data));
    wrote(&mut w, "e-3", "2026-03-04T15:00:00Z", WISH);
    let asked = |w: &World| -> Vec<(String, String)> {
        let reviews = w.tasks().into_iter().filter(|t| t["data"]["question"] == "first_touch_late");
        reviews
            .map(|t| (t["time"].as_str().unwrap().into(), t["data"]["reason"]["summary"].as_str().unwrap().into()))
            .collect()
    };
    w.until("2026-03-05T14:00:00Z");
    assert!(asked(&w).is_empty(), "there is still time");
    w.until("2026-03-10T15:00:00Z");
    let asked = asked(&w);
    assert_eq!(asked.len(), 1, "once: {asked:?}");
    assert_eq!(asked[0].0, "2026-03-05T15:00:00Z");
    assert!(asked[0].1.contains("Who takes it? They wrote \"") && asked[0].1.contains("quote"), "{asked:?}");
}

/// Captured, and nothing at all is ever reported of what we sent out.
fn never_answered(more: Value) -> World {
    let mut w = World::new();
    let mut data = json!({
        "lead": { "email": EMAIL, "phone": PHONE },
        "profile": { "name": "Ana Ruiz", "country": "US", "region": "NY" },
        "consent": [{ "channel": "call", "state": "granted", "level": "express_written", "key": PHONE }]
    });
    data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    w.send(&event("e-1", "lead.captured", "2026-03-03T17:00:00Z", data));
    w
}

#[test]
fn an_inquiry_that_nobody_answers_at_all_is_held_against_us_more_than_one_that_was_called_twice() {
    let process = |w: &World| w.lead().diagnosis.shares["process"].0;
    let mut w = never_answered(json!({}));
    w.until("2026-03-04T16:00:00Z");
    assert!(process(&w) < 0.5, "there is still time");
    w.until("2026-03-05T17:00:00Z");
    let lead = w.lead();
    assert_eq!((lead.verdict.as_str(), lead.diagnosis.cause.as_deref()), ("weak", Some("process")));
    assert!(lead.diagnosis.evidence[0].because.ends_with("2 d after it."), "{:?}", lead.diagnosis.evidence);
    assert_eq!(lead.diagnosis.would_change[0], "a first answer to the inquiry");

    let mut called = never_answered(json!({}));
    for (id, time) in [("c-1", "2026-03-03T17:10:00Z"), ("c-2", "2026-03-04T17:10:00Z")] {
        let data = json!({ "lead": { "phone": PHONE }, "to": PHONE, "disposition": "N" });
        called.send(&event(id, "call.completed", time, data));
    }
    called.until("2026-03-05T17:00:00Z");
    assert!(process(&w) > process(&called), "{} and {}", process(&w), process(&called));
}

#[test]
fn one_touch_of_ours_or_a_word_with_them_ends_that() {
    let dialled = json!({ "disposition": "N", "to": PHONE, "lead": { "phone": PHONE } });
    let rang_us =
        json!({ "direction": "inbound", "flags": ["human_answered", "customer_contact"], "lead": { "phone": PHONE } });
    for data in [dialled, rang_us] {
        let mut w = never_answered(json!({}));
        w.until("2026-03-05T17:00:00Z");
        w.send(&event("e-2", "call.completed", "2026-03-05T18:00:00Z", data));
        let evidence = w.lead().diagnosis.evidence;
        assert!(!evidence.iter().any(|e| e.because.ends_with(" after it.")), "{evidence:?}");
    }
}

#[test]
fn who_asks_again_by_a_form_is_written_to_again() {
    let mut w = never_answered(json!({}));
    mailed(&mut w, "e-2", "2026-03-03T17:05:00Z");
    w.send(&form("e-3", "2026-03-04T17:00:00Z"));
    assert_eq!(answers(&w), 1, "{:?}", w.plays());
}

fn form(id: &str, time: &str) -> Value {
    event(id, "form.submitted", time, json!({ "lead": { "email": EMAIL, "phone": PHONE }, "path": "/demo-request" }))
}

fn answers(w: &World) -> usize {
    w.plays().iter().filter(|p| *p == "answer_email").count()
}

#[test]
fn a_form_sent_five_times_is_one_wish_and_one_sent_with_the_capture_is_none() {
    let mut w = never_answered(json!({}));
    w.send(&form("e-2", "2026-03-03T17:01:00Z"));
    mailed(&mut w, "e-3", "2026-03-03T17:02:00Z");
    w.until("2026-03-04T17:00:00Z");
    assert_eq!(answers(&w), 0, "{:?}", w.plays());
    for n in 0..5 {
        w.send(&form(&format!("f-{n}"), &format!("2026-03-05T17:{:02}:00Z", n * 10)));
        mailed(&mut w, &format!("m-{n}"), &format!("2026-03-05T17:{:02}:00Z", n * 10 + 5));
    }
    assert_eq!(answers(&w), 1, "{:?}", w.plays());
}

#[test]
fn a_form_is_not_answered_in_writing_where_it_asks_to_wait_or_they_have_spoken_with_us_since() {
    let mut w = never_answered(json!({}));
    mailed(&mut w, "e-2", "2026-03-03T17:05:00Z");
    let wait = json!({ "lead": { "email": EMAIL }, "path": "/demo-request",
        "text": "Not now please, contact me again in September." });
    w.send(&event("e-3", "form.submitted", "2026-03-04T17:00:00Z", wait));
    w.until("2026-03-20T17:00:00Z");
    assert_eq!(answers(&w), 0, "{:?}", w.plays());

    // The first letter of ours is out until the next day; what comes after it knows of the call.
    let mut w = never_answered(json!({}));
    w.send(&form("e-3", "2026-03-03T19:00:00Z"));
    let inbound = json!({ "lead": { "phone": PHONE }, "direction": "inbound",
        "flags": ["human_answered", "customer_contact"] });
    w.send(&event("e-4", "call.completed", "2026-03-03T19:30:00Z", inbound));
    w.until("2026-03-20T17:00:00Z");
    assert_eq!(answers(&w), 0, "{:?}", w.plays());
}

#[test]
fn nobody_is_asked_for_an_answer_any_more_once_we_have_spoken_or_a_meeting_is_booked() {
    let inbound = json!({ "lead": { "phone": PHONE }, "direction": "inbound",
        "flags": ["human_answered", "customer_contact"] });
    let booked = json!({ "lead": { "email": EMAIL }, "at": "2026-03-12T17:00:00Z" });
    for (kind, data) in [("call.completed", inbound), ("meeting.booked", booked)] {
        let mut w = answered_once();
        wrote(&mut w, "e-3", "2026-03-04T15:00:00Z", WISH);
        w.until("2026-03-08T15:00:00Z");
        let before = w.plays().iter().filter(|p| p.starts_with("answer_")).count();
        w.send(&event("e-4", kind, "2026-03-08T16:00:00Z", data));
        w.until("2026-05-08T15:00:00Z");
        let after = w.plays().iter().filter(|p| p.starts_with("answer_")).count();
        assert_eq!(after, before, "{kind}: {:?}", w.plays());
    }
}

#[test]
fn a_form_too_is_not_forgotten_because_no_desk_reports() {
    let mut w = never_answered(json!({}));
    w.send(&form("e-3", "2026-03-05T17:00:00Z"));
    w.until("2026-06-10T15:00:00Z");
    assert!(answers(&w) > 5, "{:?}", w.plays());
}

#[test]
fn a_call_of_theirs_that_nobody_took_is_no_answer() {
    let mut w = never_answered(json!({}));
    let missed = json!({ "lead": { "phone": PHONE }, "direction": "inbound", "disposition": "N" });
    w.send(&event("e-2", "call.completed", "2026-03-03T18:00:00Z", missed));
    w.until("2026-03-05T17:00:00Z");
    assert_eq!(w.lead().diagnosis.would_change[0], "a first answer to the inquiry");
    assert_eq!(w.lead().diagnosis.cause.as_deref(), Some("process"));
}

#[test]
fn a_wish_is_not_forgotten_because_no_desk_reports() {
    let mut w = answered_once();
    wrote(&mut w, "e-3", "2026-03-04T15:00:00Z", WISH);
    w.until("2026-03-10T15:00:00Z");
    assert_eq!(answers(&w), 2, "{:?}", w.plays());
    w.until("2026-06-10T15:00:00Z");
    assert_eq!(answers(&w), 8, "{:?}", w.plays());
    let calls = w.tasks().into_iter().filter(|t| t["data"]["play"] == "answer_call").skip(2);
    let times: Vec<String> = calls.map(|t| t["time"].as_str().unwrap().to_owned()).collect();
    assert_eq!(times.len(), 6, "{times:?}");
    for time in &times {
        let day: jiff::civil::Date = time[..10].parse().unwrap();
        let weekend = [jiff::civil::Weekday::Saturday, jiff::civil::Weekday::Sunday];
        assert!(time.ends_with("T13:00:00Z") && !weekend.contains(&day.weekday()), "nine in New York: {times:?}");
    }
    let asked = w.tasks().into_iter().filter(|t| t["data"]["question"] == "first_touch_late").count();
    assert_eq!(asked, 5, "a colleague is asked by the week, five times in all: {:?}", w.plays());
}

#[test]
fn whom_nobody_may_call_and_no_letter_is_known_to_have_reached_is_answered_again_and_not_only_checked_in_on() {
    let mut w = World::new();
    let data = json!({
        "lead": { "email": EMAIL },
        "profile": { "name": "Ana Ruiz", "country": "US", "region": "NY" },
        "consent": [{ "channel": "email", "state": "granted", "level": "express_written", "key": EMAIL }]
    });
    w.send(&event("e-1", "lead.captured", "2026-03-03T17:00:00Z", data));
    w.until("2026-04-10T17:00:00Z");
    assert_eq!(answers(&w), 3, "as many as the letters before them: {:?}", w.plays());
    assert!(w.calls().is_empty());
}

#[test]
fn a_first_inquiry_that_follows_a_letter_of_theirs_is_the_first_and_a_form_after_a_no_is_a_wish() {
    let captured = |id: &str, time: &str| {
        let data = json!({ "lead": { "email": EMAIL }, "profile": { "country": "US", "region": "NY" }, "note": "please call me" });
        event(id, "lead.captured", time, data)
    };
    let mut w = World::new();
    wrote(&mut w, "e-1", "2026-03-03T16:00:00Z", "Is this the right address for questions about your product?");
    w.send(&captured("e-2", "2026-03-03T16:30:00Z"));
    w.until("2026-03-06T16:30:00Z");
    assert_eq!(w.lead().diagnosis.would_change[0], "a first answer to the inquiry");

    let mut w = never_answered(json!({}));
    wrote(&mut w, "e-2", "2026-03-03T17:20:00Z", "No thanks, we are not interested.");
    w.send(&form("e-3", "2026-03-03T17:40:00Z"));
    w.until("2026-03-06T17:40:00Z");
    assert_eq!(w.lead().diagnosis.would_change[0], "an answer to what they asked");
}

#[test]
fn who_stops_calls_and_texts_is_answered_by_e_mail_and_not_chased() {
    let stopped = |answer: Option<&str>| {
        let consent = json!([{ "channel": "email", "state": "granted", "level": "express_written", "key": EMAIL }]);
        let mut w = never_answered(json!({ "consent": consent }));
        let stop = json!({ "lead": { "phone": PHONE }, "text": "STOP" });
        w.send(&event("e-2", "sms.replied", "2026-03-03T18:00:00Z", stop));
        if let Some(at) = answer {
            mailed(&mut w, "e-3", at);
        }
        w.until("2026-03-27T00:00:00Z");
        w
    };
    let w = stopped(None);
    let plays = w.plays();
    let after: Vec<&str> = plays.iter().map(String::as_str).filter(|p| *p != "first_call" && *p != "review").collect();
    // The first goes out anew when the channel closes; asked for once more, a week later, and no more.
    assert_eq!(after.iter().filter(|p| **p == "answer_email").count(), 1, "{plays:?}");
    assert!(after.iter().all(|p| ["first_email", "answer_email"].contains(p)), "{plays:?}");
    assert_eq!(w.lead().diagnosis.would_change[0], "a first answer to the inquiry");
    // Once they have their answer it is well, and nothing more is owed.
    let w = stopped(Some("2026-03-03T18:30:00Z"));
    let plays = w.plays();
    assert!(!plays.iter().any(|p| p == "answer_email" || p == "email_again"), "{plays:?}");
}
