//! What is no sales case, and what a person is asked: the question, what is held back meanwhile, and the answers.

use gleaner::domain::policy::Fictional;
use serde_json::{Value, json};

use crate::support::{World, env, event};

const PHONE: &str = "+12125552368";
const EMAIL: &str = "ana@example.com";

fn captured(w: &mut World) {
    let time = "2026-03-03T16:00:00Z";
    let data = json!({
        "lead": { "email": EMAIL, "phone": PHONE },
        "profile": { "name": "Ana Ruiz", "country": "US", "region": "NY", "title": "Director" },
        "qualification": { "need": 3, "authority": 3 },
        "consent": [
            { "channel": "call", "state": "granted", "level": "express_written", "key": PHONE, "at": time },
            { "channel": "email", "state": "granted", "level": "express", "at": time }
        ]
    });
    w.send(&event("e-1", "lead.captured", time, data));
}

fn replied(w: &mut World, id: &str, text: &str) {
    let data = json!({ "lead": { "email": EMAIL }, "text": text });
    w.send(&event(id, "email.replied", "2026-03-03T17:00:00Z", data));
}

fn called(w: &mut World, id: &str, more: Value) {
    let mut data = json!({ "lead": { "phone": PHONE }, "to": PHONE });
    data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    w.send(&event(id, "call.completed", "2026-03-03T17:00:00Z", data));
}

fn flagged(w: &mut World, id: &str, flag: &str) {
    let data = json!({ "lead": { "email": EMAIL }, "flag": flag, "by": "rep-1" });
    w.send(&event(id, "lead.flagged", "2026-03-03T17:00:00Z", data));
}

fn reviews<'a>(w: &'a World, question: &str) -> Vec<&'a Value> {
    w.tasks().into_iter().filter(|t| t["data"]["question"] == question).collect()
}

/// Contact tasks made since so many messages ago.
fn contacts_since(w: &World, n: usize) -> Vec<String> {
    let contact = |m: &&Value| m["type"] != "task.revoked" && !m["data"]["channel"].is_null();
    w.out[n..].iter().filter(contact).map(|m| m["data"]["play"].as_str().unwrap().to_owned()).collect()
}

/// Revoked tasks that would have reached the person.
fn revoked_contacts(w: &World) -> usize {
    let review = |r: &&Value| r["routing_key"] == "task.revoked.review";
    w.revoked().iter().filter(|r| !review(r)).count()
}

/// Posts one of a review's answers just as it stands, with the time of posting.
fn answer(w: &mut World, review: &Value, name: &str, time: &str) {
    let suffix = format!("/{name}");
    let answers = review["data"]["answers"].as_array().unwrap();
    let mut event = answers.iter().find(|a| a["id"].as_str().unwrap().ends_with(&suffix)).unwrap().clone();
    event["time"] = json!(time);
    w.send(&event);
}

#[test]
fn an_unsure_opt_out_holds_its_channel_until_somebody_has_answered() {
    let mut w = World::new();
    captured(&mut w);
    replied(&mut w, "e-2", "I have told you to stop.");
    let review = reviews(&w, "unsure_opt_out")[0].clone();
    assert_eq!((&review["queue"], &review["type"]), (&json!("review"), &json!("task.review")));
    assert_eq!(review["data"]["due_by"], "2026-03-04T17:00:00Z", "within a day");
    assert!(review["data"]["if_unanswered"].as_str().unwrap().contains("until somebody answers"));
    let n = w.out.len();
    w.until("2026-03-20T16:00:00Z");
    assert!(contacts_since(&w, n).iter().all(|p| !p.contains("email") && p != "check_in"), "{:?}", w.plays());
    assert_eq!(reviews(&w, "unsure_opt_out").len(), 1, "never asked twice for the same words");
    answer(&mut w, &review, "no", "2026-03-20T17:00:00Z");
    w.until("2026-04-20T16:00:00Z");
    assert!(w.tasks().iter().any(|t| t["data"]["channel"] == "email" && t["time"].as_str().unwrap() > "2026-03-20"));
}

#[test]
fn an_opt_out_that_a_person_confirms_closes_the_address() {
    let mut w = World::new();
    captured(&mut w);
    replied(&mut w, "e-2", "I have told you to stop.");
    let review = reviews(&w, "unsure_opt_out")[0].clone();
    answer(&mut w, &review, "yes", "2026-03-03T18:00:00Z");
    let closed: Vec<_> = w.lead().suppressed.into_iter().map(|s| (s.channel, s.key)).collect();
    assert!(closed.contains(&("email".into(), EMAIL.into())), "{closed:?}");
    let open = w.lead().open_tasks;
    assert!(!open.iter().any(|id| json!(id) == review["id"]), "the answer settles the review");
}

#[test]
fn a_death_closes_everything_without_a_goodbye_and_asks_one_question() {
    for (id, flag) in [("e-2", true), ("e-3", false)] {
        let mut w = World::new();
        captured(&mut w);
        if flag {
            flagged(&mut w, id, "deceased");
        } else {
            replied(&mut w, id, "My husband passed away last month, please close his file.");
        }
        let n = w.out.len();
        assert_eq!(w.lead().stage, "suppressed");
        assert_eq!(reviews(&w, "deceased").len(), 1, "{:?} {:?}", w.plays(), w.lead().findings);
        w.until("2026-09-03T17:00:00Z");
        assert!(contacts_since(&w, n).is_empty(), "{:?}", w.plays());
        assert_eq!(reviews(&w, "deceased").len(), 1);
    }
}

#[test]
fn a_legal_threat_closes_everything_and_is_put_to_a_person_at_once() {
    let mut w = World::new();
    captured(&mut w);
    replied(&mut w, "e-2", "You will hear from my lawyer.");
    let review = reviews(&w, "legal_threat")[0];
    assert_eq!((&review["time"], &review["data"]["priority"]), (&json!("2026-03-03T17:00:00Z"), &json!(9)));
    assert_eq!(w.lead().stage, "suppressed");
}

#[test]
fn a_minor_is_closed_and_the_question_carries_no_contact_data() {
    let mut w = World::new();
    captured(&mut w);
    flagged(&mut w, "e-2", "minor");
    let review = reviews(&w, "minor")[0];
    assert!(review["data"]["contact"].is_null());
    assert_eq!(w.lead().stage, "suppressed");
}

#[test]
fn somebody_in_distress_is_left_in_peace_for_ninety_days() {
    let mut w = World::new();
    captured(&mut w);
    flagged(&mut w, "e-2", "vulnerable");
    assert_eq!(reviews(&w, "vulnerable").len(), 1);
    assert_eq!(revoked_contacts(&w), 2, "the open call and the open e-mail");
    let n = w.out.len();
    w.until("2026-05-31T00:00:00Z");
    assert!(contacts_since(&w, n).is_empty(), "{:?}", w.plays());
    w.until("2026-06-10T00:00:00Z");
    assert!(!contacts_since(&w, n).is_empty(), "after that the lead is worked again");
}

#[test]
fn a_job_seeker_is_no_fit_and_gets_neither_calls_nor_nurture() {
    let mut w = World::new();
    captured(&mut w);
    flagged(&mut w, "e-2", "not_a_buyer");
    assert_eq!(w.lead().diagnosis.cause.as_deref(), Some("fit"));
    let n = w.out.len();
    w.until("2026-09-03T17:00:00Z");
    assert!(contacts_since(&w, n).iter().all(|p| p == "disengage"), "{:?}", w.plays());
}

#[test]
fn a_competitor_gets_nothing_and_a_person_has_a_look() {
    let mut w = World::new();
    captured(&mut w);
    called(&mut w, "e-2", json!({ "disposition": "N", "note": "works for a competitor" }));
    assert_eq!(reviews(&w, "competitor").len(), 1, "{:?}", w.lead().findings);
    assert_eq!(w.lead().diagnosis.cause.as_deref(), Some("fit"));
    let n = w.out.len();
    let review = reviews(&w, "competitor")[0].clone();
    w.until("2026-03-06T17:00:00Z");
    assert!(contacts_since(&w, n).is_empty(), "{:?}", w.plays());
    answer(&mut w, &review, "no", "2026-03-06T18:00:00Z");
    assert_ne!(w.lead().diagnosis.cause.as_deref(), Some("fit"));
    w.until("2026-03-12T17:00:00Z");
    assert!(!contacts_since(&w, n).is_empty());
}

#[test]
fn a_language_barrier_is_no_attempt_and_never_a_lack_of_interest() {
    let mut w = World::new();
    captured(&mut w);
    let flags = json!(["human_answered", "customer_contact", "not_interested"]);
    called(&mut w, "e-2", json!({ "flags": flags, "note": "only speaks Portuguese" }));
    let lead = w.lead();
    assert_eq!(reviews(&w, "language").len(), 1, "{:?}", lead.findings);
    assert_eq!(lead.diagnosis.shares["interest"].0, 0.0);
    let attempts = lead.audit.items.iter().find(|i| i.item == "attempts").unwrap();
    assert_eq!(attempts.detail, "none of six calls");
    let n = w.out.len();
    w.until("2026-03-20T17:00:00Z");
    assert!(contacts_since(&w, n).iter().all(|p| !p.contains("call")), "{:?}", w.plays());
}

#[test]
fn a_test_lead_gets_no_tasks() {
    let mut w = World::new();
    captured(&mut w);
    flagged(&mut w, "e-2", "test");
    assert_eq!(w.lead().stage, "test");
    assert_eq!(revoked_contacts(&w), 2);
    let n = w.out.len();
    w.until("2026-06-03T17:00:00Z");
    assert_eq!(w.out.len(), n);
}

#[test]
fn a_wrong_number_is_suppressed_at_once_and_the_rest_goes_on() {
    let mut w = World::new();
    captured(&mut w);
    called(&mut w, "e-2", json!({ "disposition": "N", "note": "wrong number" }));
    let lead = w.lead();
    let closed: Vec<_> = lead.suppressed.iter().map(|s| (s.channel.as_str(), s.because.as_str())).collect();
    assert_eq!(closed, [("call", "wrong_number"), ("sms", "wrong_number")]);
    assert_eq!(lead.contact_status.iter().find(|k| k.key == PHONE).unwrap().status, "dead");
    assert!(!["bad", "weak"].contains(&lead.verdict.as_str()), "{lead:?}");
    w.until("2026-03-20T17:00:00Z");
    assert_eq!(w.calls().len(), 1, "no further call");
    assert!(w.plays().contains(&"email_again".to_owned()), "{:?}", w.plays());
    // Only the person can say that the number is theirs after all.
    let consent = json!({
        "lead": { "email": EMAIL, "phone": PHONE }, "channels": ["call"], "level": "express_written", "key": PHONE,
        "evidence_url": "https://example.com/proof"
    });
    w.send(&event("e-9", "consent.granted", "2026-03-21T15:00:00Z", consent));
    assert!(w.lead().suppressed.iter().all(|s| s.channel != "call"), "{:?}", w.lead().suppressed);
    assert_ne!(w.lead().contact_status.iter().find(|k| k.key == PHONE).unwrap().status, "dead");
}

#[test]
fn somebody_named_in_a_reply_is_suggested_and_never_contacted() {
    let mut w = World::new();
    captured(&mut w);
    replied(&mut w, "e-2", "You should talk to Bo Lind instead, bo.lind@example.org decides on this.");
    let review = reviews(&w, "person_named")[0].clone();
    let take_up = &review["data"]["answers"][0];
    assert_eq!(take_up["type"], "lead.captured");
    assert_eq!(take_up["data"]["origin"]["referred_by"], review["data"]["lead_id"]);
    w.until("2026-03-20T17:00:00Z");
    assert_eq!(w.records().len(), 1, "no lead of its own before somebody confirms");
    assert!(w.out.iter().all(|m| m["data"]["contact"]["email"] != "bo.lind@example.org"));
    answer(&mut w, &review, "take_up_1", "2026-03-20T18:00:00Z");
    assert_eq!(w.records().len(), 2);
}

#[test]
fn an_inquiry_nobody_answers_in_five_minutes_raises_the_alarm_once() {
    let mut w = World::new();
    captured(&mut w);
    w.until("2026-03-03T16:05:00Z");
    assert!(reviews(&w, "first_touch_late").is_empty(), "still in time");
    w.until("2026-03-03T16:06:00Z");
    assert_eq!(reviews(&w, "first_touch_late").len(), 1);
    w.until("2026-03-13T16:06:00Z");
    assert_eq!(reviews(&w, "first_touch_late").len(), 1);
}

#[test]
fn the_alarm_is_taken_back_when_somebody_calls() {
    let mut w = World::new();
    captured(&mut w);
    w.until("2026-03-03T16:10:00Z");
    let review = reviews(&w, "first_touch_late")[0]["id"].clone();
    let data = json!({ "lead": { "phone": PHONE }, "to": PHONE, "disposition": "N" });
    w.send(&event("e-2", "call.completed", "2026-03-03T16:12:00Z", data));
    assert!(w.revoked().iter().any(|r| r["data"]["revokes"] == review), "{:?}", w.plays());
}

#[test]
fn a_valuable_lead_is_not_given_up_before_a_colleague_was_asked() {
    let mut w = World::new();
    captured(&mut w);
    called(&mut w, "e-2", json!({ "flags": ["human_answered", "customer_contact", "not_interested"] }));
    assert_eq!(w.lead().verdict, "bad", "a pending review never delays the verdict");
    let review = reviews(&w, "is_this_bad")[0].clone();
    assert!(!w.plays().contains(&"disengage".to_owned()));
    w.until("2026-03-05T16:00:00Z");
    assert!(!w.plays().contains(&"disengage".to_owned()), "two days to answer");
    w.until("2026-03-12T16:00:00Z");
    assert!(w.plays().contains(&"disengage".to_owned()), "unanswered: we go on. {:?}", w.plays());
    assert_eq!(reviews(&w, "is_this_bad").len(), 1);
    assert_eq!(review["data"]["due_by"], "2026-03-05T17:00:00Z");
}

#[test]
fn a_callback_promised_outside_the_legal_hours_is_put_to_a_person_at_once() {
    let mut w = World::new();
    captured(&mut w);
    let more = json!({ "flags": ["human_answered", "customer_contact", "scheduled_callback"], "callback_at": "2026-03-04T06:30:00" });
    called(&mut w, "e-2", more);
    let review = reviews(&w, "promise_at_risk");
    assert_eq!(review.len(), 1, "{:?}", w.plays());
    assert_eq!(review[0]["time"], "2026-03-03T17:00:00Z");
    assert!(review[0]["data"]["reason"]["summary"].as_str().unwrap().contains("06:30"));
}

#[test]
fn a_do_not_call_code_closes_the_number_like_the_flag_does() {
    let mut w = World::new();
    captured(&mut w);
    called(&mut w, "e-2", json!({ "disposition": "DNC" }));
    let closed: Vec<_> = w.lead().suppressed.into_iter().map(|s| s.channel).collect();
    assert_eq!(closed, ["call", "sms"]);
}

#[test]
fn every_answer_of_every_review_is_an_event_that_is_understood() {
    let texts = [
        "I have told you to stop.",
        "You will hear from my lawyer.",
        "You should talk to Bo Lind instead, bo.lind@example.org decides on this.",
    ];
    for text in texts {
        let mut w = World::with(env(Fictional::Allow));
        captured(&mut w);
        replied(&mut w, "e-2", text);
        let all: Vec<Value> =
            w.tasks().iter().flat_map(|t| t["data"]["answers"].as_array().cloned().unwrap_or_default()).collect();
        assert!(!all.is_empty(), "{text}");
        for mut answer in all {
            // Where no time is given, that of the receipt counts; a replay has none.
            answer["time"] = json!("2026-03-03T18:00:00Z");
            crate::support::decoded(&answer);
        }
    }
}

/// Everything a colleague is asked about a lead so far, whether still open.
fn open_reviews(w: &World) -> Vec<String> {
    let open: Vec<String> = w.records().into_iter().flat_map(|r| r.open_tasks).map(|id| id.to_string()).collect();
    let reviews = w.tasks().into_iter().filter(|t| t["type"] == "task.review");
    let open_ones = reviews.filter(|t| open.iter().any(|id| t["id"] == id.as_str()));
    open_ones.map(|t| t["data"]["question"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn any_answer_settles_its_review_at_once_and_is_not_asked_about_again() {
    let flags = ["competitor", "vulnerable", "deceased", "minor", "legal_threat"];
    let words = [
        "My lawyer will sue you.",
        "I have told you to stop.",
        "She works for a competitor of yours.",
        "I am in hospital.",
    ];
    let origins = flags.map(|flag| (flag, true)).into_iter().chain(words.map(|text| (text, false)));
    for (what, is_flag) in origins {
        let ask = || {
            let mut w = World::new();
            captured(&mut w);
            if is_flag {
                flagged(&mut w, "e-2", what);
            } else {
                replied(&mut w, "e-2", what);
            }
            w
        };
        let mut w = ask();
        // One question an event; a second one stands a minute later.
        w.until("2026-03-03T17:02:00Z");
        let is_asked = |t: &&&Value| t["type"] == "task.review" && t["data"]["question"] != "first_touch_late";
        let asked: Vec<Value> = w.tasks().iter().filter(is_asked).map(|t| (*t).clone()).collect();
        assert!(!asked.is_empty(), "{what} raises no question");
        for review in &asked {
            let question = review["data"]["question"].as_str().unwrap();
            for one in review["data"]["answers"].as_array().unwrap() {
                let name = one["id"].as_str().unwrap().rsplit('/').next().unwrap();
                let mut w = ask();
                w.until("2026-03-03T17:02:00Z");
                answer(&mut w, review, name, "2026-03-03T17:05:00Z");
                assert!(!open_reviews(&w).iter().any(|q| q == question), "{what}: {name} leaves {question}");
                w.until("2026-03-09T17:00:00Z");
                assert_eq!(reviews(&w, question).len(), 1, "{what}: {name} is asked about again");
            }
        }
    }
}

#[test]
fn a_colleagues_no_takes_back_what_another_flagged_and_a_later_flag_stands_again() {
    for flag in ["competitor", "vulnerable"] {
        let mut w = World::new();
        captured(&mut w);
        flagged(&mut w, "e-2", flag);
        let review = reviews(&w, flag)[0].clone();
        let n = w.out.len();
        answer(&mut w, &review, "no", "2026-03-03T18:00:00Z");
        assert_ne!(w.lead().diagnosis.cause.as_deref(), Some("fit"), "{flag}");
        w.until("2026-03-05T17:00:00Z");
        assert!(!contacts_since(&w, n).is_empty(), "{flag}: the lead is worked again");
        let again = json!({ "lead": { "email": EMAIL }, "flag": flag, "by": "rep-2" });
        w.send(&event("e-3", "lead.flagged", "2026-03-05T18:00:00Z", again));
        assert_eq!(reviews(&w, flag).len(), 2, "{flag}: somebody saw it anew");
        let n = w.out.len();
        w.until("2026-03-12T17:00:00Z");
        assert!(contacts_since(&w, n).is_empty(), "{flag}: {:?}", contacts_since(&w, n));
    }
}

#[test]
fn whoever_takes_up_the_person_named_has_answered_the_question() {
    let mut w = World::new();
    captured(&mut w);
    replied(&mut w, "e-2", "You should talk to Bo Lind instead, bo.lind@example.org decides on this.");
    let review = reviews(&w, "person_named")[0].clone();
    answer(&mut w, &review, "take_up_1", "2026-03-03T18:00:00Z");
    assert_eq!(w.records().len(), 2, "a lead of their own");
    assert!(open_reviews(&w).is_empty(), "{:?}", open_reviews(&w));
    let bo = w.records().into_iter().find(|r| r.keys.values().flatten().any(|k| k.contains("bo.lind"))).unwrap();
    assert!(!bo.keys.values().flatten().any(|k| k == EMAIL), "not mixed up with whoever named them");
}
