//! The cases by which gleaner is understood: events in, and what must come out. All on a Tuesday in March, leads in New York.

use gleaner::domain::policy::Fictional;
use gleaner::domain::working_set::{Applied, NotApplied};
use serde_json::{Value, json};

use crate::support::{World, at, env, event};

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
