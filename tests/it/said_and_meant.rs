//! What is made of a lead's words, a dialer's codes and our own delays, and how it reads. In New York, in March.

use gleaner::domain::audit::State;
use gleaner::domain::diagnosis::judge;
use gleaner::domain::givers::Givers;
use gleaner::domain::policy::{Fictional, Policy};
use gleaner::wire::record::LeadRecord;
use serde_json::{Value, json};

use crate::support::{World, at, event};

const PHONE: &str = "+12125552368";
const EMAIL: &str = "ana@example.com";

fn captured_with(more: Value) -> World {
    let mut w = World::new();
    let mut data = json!({
        "lead": { "email": EMAIL, "phone": PHONE },
        "profile": { "name": "Ana Ruiz", "title": "Operations Director", "employees": 120, "country": "US", "region": "NY" },
        "consent": [
            { "channel": "call", "state": "granted", "level": "express_written", "key": PHONE },
            { "channel": "email", "state": "granted", "level": "express_written", "key": EMAIL }
        ]
    });
    data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    w.send(&event("e-1", "lead.captured", "2026-03-03T16:00:00Z", data));
    w
}

fn captured() -> World {
    captured_with(json!({}))
}

fn sent(w: &mut World, time: &str) {
    w.send(&event(
        &format!("s-{time}"),
        "email.sent",
        &format!("2026-{time}:00Z"),
        json!({ "lead": { "email": EMAIL } }),
    ));
}

fn replied(w: &mut World, time: &str, text: &str) {
    let data = json!({ "lead": { "email": EMAIL }, "text": text });
    w.send(&event(&format!("r-{time}"), "email.replied", &format!("2026-{time}:00Z"), data));
}

fn called(w: &mut World, time: &str, more: Value) {
    let mut data = json!({ "lead": { "phone": PHONE }, "to": PHONE });
    data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    w.send(&event(&format!("c-{time}"), "call.completed", &format!("2026-{time}:00Z"), data));
}

fn state(w: &World, item: &str) -> (String, String) {
    let found = w.lead().audit.items.into_iter().find(|i| i.item == item).unwrap();
    (found.state, found.detail)
}

fn evidence(r: &LeadRecord) -> Vec<String> {
    r.diagnosis.evidence.iter().map(|e| format!("{}: {}", e.cause, e.because)).collect()
}

/// Plays with the time at which they were published, since a time.
fn plays_since(w: &World, time: &str) -> Vec<String> {
    let late = |m: &&&Value| m["time"].as_str().unwrap() >= time;
    w.tasks()
        .iter()
        .filter(late)
        .map(|m| format!("{} {}", m["data"]["play"].as_str().unwrap(), m["time"].as_str().unwrap()))
        .collect()
}

#[test]
fn a_lead_who_names_a_day_is_called_on_that_day_in_its_first_open_minute_and_not_before() {
    for (text, day) in [
        ("Please call me next Tuesday.", "2026-03-10"),
        ("Call me tomorrow.", "2026-03-04"),
        ("Please give me a call on March 20.", "2026-03-20"),
        ("Ping me in two weeks.", "2026-03-17"),
        ("Can you call me next week?", "2026-03-09"),
    ] {
        let mut w = captured();
        called(&mut w, "03-03T16:02", json!({ "disposition": "N" }));
        sent(&mut w, "03-03T16:03");
        replied(&mut w, "03-03T17:00", text);
        let made = w.out.len();
        assert_eq!(state(&w, "callback_kept"), ("open".into(), format!("a call was promised for {day}")), "{text}");
        w.until("2026-03-28T20:00:00Z");
        let calls: Vec<&Value> = w.out[made..].iter().filter(|m| m["data"]["channel"] == "call").collect();
        let first = calls.first().unwrap_or_else(|| panic!("{text}: no call"));
        assert_eq!(first["data"]["play"], "callback", "{text}");
        let opens = if day < "2026-03-08" { "13:00" } else { "12:00" };
        assert_eq!(first["time"], format!("{day}T{opens}:00Z"), "{text}: at eight their time");
        let why = first["data"]["reason"]["summary"].as_str().unwrap();
        assert!(why.starts_with(&format!("The lead asked to be called on {day}.")), "{why}");
        let early: Vec<String> =
            plays_since(&w, "2026-03-03T17:05").into_iter().take_while(|p| !p.starts_with("callback")).collect();
        assert!(early.is_empty(), "{text}: {early:?}");
    }
}

#[test]
fn a_call_on_the_promised_day_keeps_the_promise_and_one_the_day_before_does_not() {
    for (time, wanted) in [("03-10T18:00", "done"), ("03-09T18:00", "missed")] {
        let mut w = captured();
        replied(&mut w, "03-03T17:00", "Please call me next Tuesday.");
        called(&mut w, time, json!({ "disposition": "N" }));
        w.until("2026-03-12T16:00:00Z");
        assert_eq!(state(&w, "callback_kept").0, wanted);
    }
}

#[test]
fn a_not_now_after_a_promise_takes_it_back() {
    let mut w = captured();
    replied(&mut w, "03-03T17:00", "Please call me next Tuesday.");
    replied(&mut w, "03-04T17:00", "Not now after all, our contract runs until 30 September 2026.");
    w.until("2026-03-20T16:00:00Z");
    assert!(!w.plays().contains(&"callback".to_owned()), "{:?}", w.plays());
    assert_eq!(state(&w, "callback_kept").0, "not_applicable");
}

#[test]
fn what_a_gatekeeper_says_moves_the_next_call_is_no_promise_and_is_never_called_before() {
    for (note, from) in [("She is in meetings until 5.", "22:00"), ("Best time is after 6 pm.", "23:00")] {
        let mut w = captured();
        let more = json!({ "flags": ["human_answered"], "answered_by": "gatekeeper", "note": note });
        called(&mut w, "03-03T16:10", more);
        assert_eq!(state(&w, "callback_kept").0, "not_applicable", "{note}");
        w.until("2026-03-03T23:30:00Z");
        let calls: Vec<String> =
            plays_since(&w, "2026-03-03T16:11").into_iter().filter(|p| p.contains("call")).collect();
        assert_eq!(calls, [format!("second_call 2026-03-03T{from}:00Z")], "{note}");
        let why = w.calls().last().unwrap()["data"]["reason"]["summary"].as_str().unwrap().to_owned();
        assert!(why.contains("Whoever answered told us when"), "{why}");
    }
}

#[test]
fn a_lead_who_says_after_four_is_not_called_before_four() {
    let mut w = captured();
    replied(&mut w, "03-03T17:00", "Please call me tomorrow after 4pm.");
    w.until("2026-03-05T00:00:00Z");
    let call = w.calls().into_iter().find(|c| c["data"]["play"] == "callback").unwrap().clone();
    assert_eq!(call["data"]["windows"][0]["from"], "2026-03-04T21:00:00Z");
}

#[test]
fn an_absence_note_is_no_reply_and_no_refusal_whoever_forgot_to_mark_it() {
    for text in [
        "Thank you for your message. I am out of the office.",
        "I am out of the office until 16 March 2026.",
        "I'm out of the office until Monday.",
        "I am out of office this week.",
        "I am out until Friday.",
        "Automatic reply: I am on vacation and will return on Monday, March 9.",
    ] {
        let mut w = captured();
        sent(&mut w, "03-03T16:03");
        replied(&mut w, "03-03T17:00", text);
        let lead = w.lead();
        let labels: Vec<&str> = lead.findings.iter().map(|f| f.label.as_str()).collect();
        assert_eq!(labels, ["auto_reply"], "{text}");
        assert_ne!(lead.verdict, "bad", "{text}");
        assert_eq!(lead.explanation.engagement.len(), 1, "{text}: the form alone, {:?}", lead.explanation.engagement);
        let status = lead.contact_status.iter().find(|k| k.key == EMAIL).unwrap();
        assert_eq!(status.status, "plausible", "{text}");
        w.until("2026-03-18T16:00:00Z");
        let silent = evidence(&w.lead()).iter().any(|e| e.contains("without an answer"));
        assert!(
            silent || evidence(&w.lead()).iter().any(|e| e.starts_with("process")),
            "{text}: {:?}",
            evidence(&w.lead())
        );
    }
}

#[test]
fn a_recognised_absence_note_does_not_end_the_emails() {
    let mut w = World::new();
    let data =
        json!({ "lead": { "email": EMAIL }, "profile": { "name": "Ana Ruiz", "country": "US", "region": "NY" } });
    w.send(&event("e-1", "lead.captured", "2026-03-03T16:00:00Z", data));
    sent(&mut w, "03-03T16:03");
    replied(&mut w, "03-03T17:00", "Automatic reply: I am on vacation and will return on Monday, March 9.");
    w.until("2026-03-12T16:00:00Z");
    let again = plays_since(&w, "2026-03-03T17:00");
    assert!(again.iter().any(|p| p.starts_with("email_again 2026-03-09")), "{again:?}");
}

#[test]
fn a_talk_counts_from_its_beginning_however_long_it_was() {
    let mut w = captured();
    let talk = json!({ "flags": ["human_answered", "customer_contact"], "answered_by": "lead",
        "started_at": "2026-03-03T16:01:00Z", "duration_seconds": 660 });
    called(&mut w, "03-03T16:12", talk);
    assert_eq!(state(&w, "first_touch"), ("done".into(), "after 60 s".into()));
    assert!(evidence(&w.lead()).is_empty(), "{:?}", evidence(&w.lead()));
}

#[test]
fn two_calls_of_which_nobody_can_say_what_they_came_to_are_one_attempt() {
    let mut w = captured();
    for time in ["03-03T16:02", "03-03T21:00", "03-04T14:00", "03-04T18:00"] {
        called(&mut w, time, json!({ "disposition": "NA" }));
    }
    assert_eq!(state(&w, "attempts").1, "two of six calls, on two days");
    assert_eq!(state(&w, "dayparts").0, "done");
    let mut w = captured();
    called(&mut w, "03-03T16:02", json!({ "disposition": "NA" }));
    w.until("2026-03-03T22:00:00Z");
    let again = plays_since(&w, "2026-03-03T16:03");
    assert!(again.iter().any(|p| p.starts_with("second_call")), "{again:?}");
    assert!(!again.iter().any(|p| p.starts_with("first_call")), "{again:?}");
}

#[test]
fn a_code_that_means_a_message_left_counts_as_a_voicemail() {
    for code in ["AL", "left_voicemail", "left message"] {
        let mut w = captured();
        called(&mut w, "03-03T16:02", json!({ "disposition": code }));
        called(&mut w, "03-03T20:00", json!({ "disposition": code }));
        w.until("2026-03-05T22:00:00Z");
        let last = w.calls().last().unwrap()["data"]["voicemail"].clone();
        assert_eq!(last, json!({ "leave": false, "left": 2, "max": 2 }), "{code}");
    }
}

#[test]
fn a_time_that_has_come_speaks_against_the_lead_no_more() {
    let mut w = captured();
    called(&mut w, "03-03T16:02", json!({ "disposition": "N" }));
    replied(&mut w, "03-03T17:00", "Please check back in April.");
    w.until("2026-03-20T16:00:00Z");
    assert_eq!(w.lead().diagnosis.cause.as_deref(), Some("timing"));
    w.until("2026-04-20T16:00:00Z");
    assert!(!evidence(&w.lead()).iter().any(|e| e.starts_with("timing")), "{:?}", evidence(&w.lead()));
}

#[test]
fn after_a_no_and_a_new_inquiry_the_attempts_begin_anew() {
    let mut w = captured();
    called(&mut w, "03-03T16:02", json!({ "flags": ["human_answered", "customer_contact", "not_interested"] }));
    let data = json!({ "lead": { "email": EMAIL, "phone": PHONE }, "path": "/demo-request" });
    w.send(&event("f-1", "form.submitted", "2026-05-04T15:00:00Z", data));
    for item in ["attempts", "dayparts", "second_channel"] {
        assert_eq!(state(&w, item).0, "open", "{item}");
    }
    assert_eq!(state(&w, "attempts").1, "none of six calls");
}

#[test]
fn an_answer_of_none_is_evidence_and_a_guess_is_not() {
    let none = json!({ "qualification": { "budget": "none", "authority": "none", "need": "none" } });
    let lead = captured_with(none).lead();
    assert_eq!((lead.verdict.as_str(), lead.diagnosis.cause.as_deref()), ("weak", Some("fit")), "{:?}", lead.diagnosis);
    assert!(evidence(&lead).contains(&"fit: They answered that they need nothing of the kind.".to_owned()));
    let months = json!({ "qualification": { "timeline": "3 months" } });
    let timeline = captured_with(months).lead().qualification.timeline.unwrap();
    assert_eq!(timeline.level, 3, "{timeline:?}");
}

#[test]
fn a_wrong_number_that_is_all_we_have_is_put_to_the_data_desk() {
    let mut w = World::new();
    let data =
        json!({ "lead": { "phone": PHONE }, "profile": { "name": "Ana Ruiz", "country": "US", "region": "NY" } });
    w.send(&event("e-1", "lead.captured", "2026-03-03T16:00:00Z", data));
    called(&mut w, "03-03T16:10", json!({ "flags": ["human_answered"], "answered_by": "wrong_person" }));
    let repair = w.tasks().into_iter().find(|t| t["data"]["play"] == "contact_repair").unwrap();
    assert_eq!(repair["data"]["faults"][0]["fault"], "wrong_number");
    w.until("2026-04-20T16:00:00Z");
    let calls = plays_since(&w, "2026-03-03T16:11").into_iter().filter(|p| p.contains("call")).count();
    assert_eq!(calls, 0);
}

#[test]
fn a_wrong_number_told_by_mail_is_a_matter_of_contact_and_not_of_fit() {
    let mut w = captured();
    replied(&mut w, "03-03T17:00", "This is the wrong number, there is no Ana here.");
    let lead = w.lead();
    assert_eq!(lead.diagnosis.cause.as_deref(), Some("contact"), "{:?}", lead.diagnosis.evidence);
}

#[test]
fn having_asked_for_a_referral_is_on_record_and_who_named_somebody_is_not_asked() {
    let mut w = captured();
    called(&mut w, "03-03T16:10", json!({ "flags": ["human_answered", "customer_contact"] }));
    assert_eq!(state(&w, "referral_asked"), ("not_applicable".into(), "we have not asked yet, and need not".into()));
    w.until("2026-03-08T16:00:00Z");
    let asked = w.tasks().into_iter().find(|t| t["data"]["play"] == "referral_ask").unwrap()["data"]["task_id"].clone();
    let data = json!({ "lead": { "email": EMAIL }, "task_id": asked, "play": "referral_ask" });
    w.send(&event("t-1", "task.done", "2026-03-08T17:00:00Z", data));
    assert_eq!(state(&w, "referral_asked"), ("done".into(), "we asked whom else they would name".into()));
    let mut w = captured();
    replied(&mut w, "03-03T17:00", "Not now. Please talk to my colleague Bob Stone, bob.stone@acme.com.");
    w.until("2026-03-12T16:00:00Z");
    assert!(!w.plays().contains(&"referral_ask".to_owned()), "{:?}", w.plays());
}

#[test]
fn a_fax_and_an_unworkable_number_are_told_as_what_they_are_and_not_dialled_again() {
    for (more, fault) in [(json!({ "disposition": "AFAX" }), "fax"), (json!({ "flags": ["unworkable"] }), "unworkable")]
    {
        let mut w = captured();
        called(&mut w, "03-03T16:10", more);
        let repair = w.tasks().into_iter().find(|t| t["data"]["play"] == "contact_repair").unwrap();
        assert_eq!(repair["data"]["faults"][0]["fault"], fault);
        w.until("2026-04-20T16:00:00Z");
        let calls = plays_since(&w, "2026-03-03T16:11").into_iter().filter(|p| p.contains("call")).count();
        assert_eq!(calls, 0, "{fault}");
    }
}

#[test]
fn numbers_that_nobody_can_have_are_not_called_and_mail_com_is_a_provider() {
    for number in ["+12345678901", "+15555551234", "+12125551212", "+12225550123"] {
        let w = captured_with(json!({ "lead": { "email": "ana@mail.com", "phone": number }, "consent": [] }));
        let lead = w.lead();
        let status = |key: &str| lead.contact_status.iter().find(|k| k.key == key).unwrap().status.clone();
        assert!(["suspect", "dead"].contains(&status(number).as_str()), "{number}: {}", status(number));
        assert_eq!(status("ana@mail.com"), "plausible");
    }
}

#[test]
fn start_opens_texts_again_and_waits_for_no_answer() {
    let mut w = captured();
    let text = |t: &str| json!({ "lead": { "phone": PHONE }, "text": t });
    w.send(&event("m-1", "sms.replied", "2026-03-03T17:00:00Z", text("STOP")));
    w.send(&event("m-2", "sms.replied", "2026-03-04T17:00:00Z", text("START")));
    let lead = w.lead();
    assert!(!lead.suppressed.iter().any(|s| s.channel == "sms"), "{:?}", lead.suppressed);
    assert!(lead.suppressed.iter().any(|s| s.channel == "call"));
    assert!(
        !lead.explanation.engagement.iter().any(|p| p.name.starts_with("reply")),
        "{:?}",
        lead.explanation.engagement
    );
    assert!(!w.plays().contains(&"answer_email".to_owned()));
}

#[test]
fn whoever_never_asked_hears_nothing_until_a_colleague_has_looked() {
    let mut w = captured();
    let before = w.out.len();
    replied(&mut w, "03-03T17:00", "I never requested this information!");
    w.until("2026-03-09T16:00:00Z");
    let contacts: Vec<&Value> =
        w.out[before..].iter().filter(|m| m["type"] != "task.revoked" && !m["data"]["channel"].is_null()).collect();
    assert!(contacts.is_empty(), "{contacts:#?}");
    assert!(w.tasks().iter().any(|t| t["data"]["question"] == "unsure_opt_out"));
}

#[test]
fn a_title_beside_a_decider_decides_nothing() {
    for (title, decides) in [
        ("CEO", true),
        ("Operations Director", true),
        ("Assistant to the CEO", false),
        ("Former CEO", false),
        ("Product Owner", false),
    ] {
        let profile = json!({ "profile": { "name": "Ana Ruiz", "title": title, "country": "US", "region": "NY" } });
        let lead = captured_with(profile).lead();
        assert_eq!(lead.explanation.fit.iter().any(|p| p.name == "title_decides"), decides, "{title}");
        let level = lead.qualification.authority.map(|l| l.level);
        assert_eq!(level == Some(3), decides, "{title}: {level:?}");
    }
}

#[test]
fn a_language_is_put_to_somebody_who_speaks_it() {
    let mut w =
        captured_with(json!({ "profile": { "name": "Ana Ruiz", "language": "es", "country": "US", "region": "NY" } }));
    for (rep, skills) in [("rep-1", json!(["de"])), ("rep-2", json!(["es"]))] {
        let data = json!({ "rep": rep, "skills": skills });
        w.send(&event(rep, "rep.updated", "2026-03-03T16:01:00Z", data));
    }
    called(
        &mut w,
        "03-03T16:10",
        json!({ "flags": ["human_answered"], "note": "Language barrier, speaks only Spanish." }),
    );
    w.until("2026-03-03T16:20:00Z");
    let review = w.tasks().into_iter().find(|t| t["data"]["question"] == "language").unwrap();
    assert_eq!(review["data"]["assignee"]["rep"], "rep-2", "{review:#?}");
}

#[test]
fn sentences_count_and_blame_as_a_person_would() {
    let mut w = captured();
    called(&mut w, "03-03T16:02", json!({ "disposition": "N" }));
    w.until("2026-03-03T18:30:00Z");
    let told = evidence(&w.lead()).join(" ");
    assert!(told.contains("Called once, in the morning; no call around noon or after 16:00 yet."), "{told}");
    let mut w = captured();
    w.send(&event(
        "d-1",
        "lead.flagged",
        "2026-03-03T17:00:00Z",
        json!({ "lead": { "email": EMAIL }, "flag": "deceased" }),
    ));
    let lead = w.lead();
    assert_eq!(evidence(&lead), ["fit: We were told that the person has died."]);
    assert_eq!(lead.verdict, "bad");
    let mut w = captured();
    called(&mut w, "03-03T16:02", json!({ "disposition": "DC" }));
    called(&mut w, "03-20T16:02", json!({ "disposition": "DC" }));
    let lead = w.lead();
    let told = evidence(&lead).join(" ");
    assert!(told.contains("One of two numbers and addresses is dead; the other is not."), "{told}");
    assert!(!lead.diagnosis.would_change.contains(&"a number or address that works".to_owned()));
}

#[test]
fn a_note_that_names_another_day_is_followed_to_that_day() {
    let mut w = captured();
    let note =
        json!({ "flags": ["human_answered"], "answered_by": "gatekeeper", "note": "Call her on Friday at 10 am." });
    called(&mut w, "03-03T16:02", note);
    w.until("2026-03-07T00:00:00Z");
    let calls: Vec<String> = plays_since(&w, "2026-03-03T16:03").into_iter().filter(|p| p.contains("call")).collect();
    assert_eq!(calls, ["second_call 2026-03-06T15:00:00Z"]);
}

#[test]
fn a_test_is_out_of_the_figures_of_a_replay() {
    let dir = tempfile::tempdir().unwrap();
    let events = dir.path().join("events.jsonl");
    let data = json!({ "lead": { "email": EMAIL, "phone": PHONE }, "origin": { "test": true } });
    let captured = event("e-1", "lead.captured", "2026-03-03T16:00:00Z", data);
    std::fs::write(&events, format!("{captured}\n")).unwrap();
    let run = std::process::Command::new(env!("CARGO_BIN_EXE_gleaner"))
        .args(["replay", "--events"])
        .arg(&events)
        .arg("--out")
        .arg(dir.path().join("out"))
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let summary: Value = serde_json::from_slice(&std::fs::read(dir.path().join("out/summary.json")).unwrap()).unwrap();
    assert_eq!((&summary["leads"], &summary["verdicts"]), (&json!(0), &json!({})));
}

#[test]
fn a_late_first_touch_stays_in_our_figures_when_the_lead_has_said_no_since() {
    let policy = Policy::shipped(Fictional::Allow).unwrap();
    let first_touch = |w: &World| {
        let leads = w.replay.leads();
        let j = judge(&leads[0].facts, &policy, &Givers::default(), at("2026-03-10T16:00:00Z"));
        j.audit.first_touch.map(|(state, _)| state)
    };
    let stop = |w: &mut World, time: &str| {
        let data = json!({ "lead": { "phone": PHONE }, "text": "STOP" });
        w.send(&event("m-1", "sms.replied", time, data));
    };
    let mut late = captured();
    called(&mut late, "03-03T18:00", json!({ "flags": ["human_answered", "customer_contact", "not_interested"] }));
    assert_eq!(first_touch(&late), Some(State::Missed));
    let mut never = captured();
    stop(&mut never, "2026-03-03T18:00:00Z");
    assert_eq!(first_touch(&never), Some(State::Missed));
    let mut at_once = captured();
    stop(&mut at_once, "2026-03-03T16:01:00Z");
    assert_eq!(first_touch(&at_once), None, "there was no time to be late in");
}
