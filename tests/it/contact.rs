//! Numbers and addresses: what is wrong with one, what is done about it, and who is only made up.

use gleaner::domain::policy::Fictional;
use serde_json::{Value, json};

use crate::support::{World, env, event};

const PHONE: &str = "+12125552368";

fn captured(w: &mut World, email: &str, phone: &str) {
    let data = json!({
        "lead": { "email": email, "phone": phone },
        "profile": { "name": "Ana Ruiz", "country": "US", "region": "NY" },
        "consent": [{ "channel": "call", "state": "granted", "level": "express_written", "key": phone }]
    });
    w.send(&event("e-1", "lead.captured", "2026-03-03T16:00:00Z", data));
}

fn called(w: &mut World, id: &str, time: &str, disposition: &str) {
    let data = json!({ "lead": { "phone": PHONE }, "to": PHONE, "disposition": disposition });
    w.send(&event(id, "call.completed", time, data));
}

fn status(w: &World, key: &str) -> (String, String) {
    let found = w.lead().contact_status.into_iter().find(|k| k.key == key).unwrap();
    (found.status, found.because)
}

fn faults(w: &World) -> Vec<Value> {
    let repairs = w.tasks().into_iter().filter(|t| t["type"] == "task.contact_repair");
    repairs.flat_map(|t| t["data"]["faults"].as_array().unwrap().clone()).collect()
}

#[test]
fn a_slip_of_the_finger_in_a_domain_is_found_and_the_right_one_suggested() {
    for (typed, meant) in [("gmial.com", "gmail.com"), ("outloook.com", "outlook.com"), ("hotnail.com", "hotmail.com")]
    {
        let mut w = World::new();
        captured(&mut w, &format!("ana@{typed}"), PHONE);
        assert_eq!(status(&w, &format!("ana@{typed}")).0, "suspect");
        let fault = faults(&w).into_iter().find(|f| f["fault"] == "mistyped_domain");
        assert_eq!(fault.unwrap()["suggestion"], format!("ana@{meant}"), "{:?}", faults(&w));
    }
    let mut w = World::new();
    captured(&mut w, "ana@ymail.com", PHONE);
    assert_eq!(status(&w, "ana@ymail.com").0, "plausible", "a neighbour of gmail.com that exists");
}

#[test]
fn a_throw_away_mailbox_is_suspect_even_where_the_policy_does_not_list_it() {
    let mut w = World::new();
    captured(&mut w, "ana@guerrillamail.com", PHONE);
    let (status, because) = status(&w, "ana@guerrillamail.com");
    assert_eq!(status, "suspect");
    assert!(because.contains("throw-away"));
}

#[test]
fn numbers_that_nobody_has_are_known_by_their_digits() {
    let cases = [
        ("+18005552368", "dead"),
        ("+19005552368", "dead"),
        ("+12124112368", "dead"),
        ("+12122222222", "suspect"),
        ("+12123456789", "suspect"),
        ("+12125550147", "dead"),
    ];
    for (number, wanted) in cases {
        let mut w = World::with(env(Fictional::Refuse));
        captured(&mut w, "ana@acme.test", number);
        assert_eq!(status(&w, number).0, wanted, "{number}");
    }
}

#[test]
fn a_number_out_of_service_is_tried_once_more_after_fifteen_days() {
    let mut w = World::new();
    captured(&mut w, "ana@example.com", PHONE);
    called(&mut w, "e-2", "2026-03-03T16:10:00Z", "DC");
    assert_eq!(status(&w, PHONE).0, "suspect");
    w.until("2026-03-18T16:00:00Z");
    assert_eq!(w.calls().len(), 1, "{:?}", w.plays());
    w.until("2026-03-19T18:00:00Z");
    assert_eq!(w.calls().len(), 2, "{:?}", w.plays());
    called(&mut w, "e-3", "2026-03-19T18:05:00Z", "DC");
    assert_eq!(status(&w, PHONE).0, "dead");
    assert_ne!(w.lead().verdict, "bad", "the address is alive");
}

#[test]
fn two_soft_bounces_in_a_week_make_an_address_suspect_and_two_in_a_month_do_not() {
    for (second, wanted) in [("2026-03-08T16:00:00Z", "suspect"), ("2026-03-28T16:00:00Z", "plausible")] {
        let mut w = World::new();
        captured(&mut w, "ana@example.com", PHONE);
        for (id, time) in [("b-1", "2026-03-04T16:00:00Z"), ("b-2", second)] {
            let data = json!({ "lead": { "email": "ana@example.com" }, "kind": "soft" });
            w.send(&event(id, "email.bounced", time, data));
        }
        assert_eq!(status(&w, "ana@example.com").0, wanted, "{second}");
    }
}

#[test]
fn two_calls_in_a_row_that_nobody_can_name_ask_for_a_carrier_check() {
    let mut w = World::new();
    captured(&mut w, "ana@example.com", PHONE);
    called(&mut w, "e-2", "2026-03-03T16:10:00Z", "NA");
    assert!(faults(&w).is_empty());
    called(&mut w, "e-3", "2026-03-03T19:10:00Z", "NA");
    assert_eq!(faults(&w)[0]["fault"], "carrier_check");
}

#[test]
fn flags_beat_the_code_that_a_site_may_have_renamed() {
    let mut w = World::new();
    captured(&mut w, "ana@example.com", PHONE);
    let data = json!({
        "lead": { "phone": PHONE }, "to": PHONE, "disposition": "DC", "flags": ["human_answered", "customer_contact"]
    });
    w.send(&event("e-2", "call.completed", "2026-03-03T16:10:00Z", data));
    assert_eq!(status(&w, PHONE).0, "verified");
}

#[test]
fn places_that_contradict_each_other_are_evidence_and_no_proof() {
    let mut w = World::new();
    captured(&mut w, "ana@example.com", "+13055552368");
    let lead = w.lead();
    assert!(lead.diagnosis.evidence.iter().any(|e| e.cause == "contact" && e.because.contains("do not agree")));
    assert!(!["weak", "bad"].contains(&lead.verdict.as_str()));
}

#[test]
fn a_mailbox_whose_owner_has_left_is_dead_and_its_successor_is_suggested() {
    let mut w = World::new();
    captured(&mut w, "ana@acme.example", PHONE);
    let text = "Ana Ruiz is no longer with the company. Please contact Bo Lind at bo.lind@acme.example.";
    let data = json!({ "lead": { "email": "ana@acme.example" }, "text": text, "auto": true });
    w.send(&event("e-2", "email.replied", "2026-03-03T17:00:00Z", data));
    assert_eq!(status(&w, "ana@acme.example").0, "dead", "{:?}", w.lead().findings);
    assert!(w.tasks().iter().any(|t| t["data"]["question"] == "person_named"));
}

#[test]
fn who_says_that_nobody_asked_gives_a_sign_and_no_proof() {
    let mut w = World::new();
    captured(&mut w, "ana@example.com", PHONE);
    let data = json!({ "lead": { "email": "ana@example.com" }, "text": "I never requested any information from you." });
    w.send(&event("e-2", "email.replied", "2026-03-03T17:00:00Z", data));
    let lead = w.lead();
    assert!(lead.diagnosis.evidence.iter().any(|e| e.cause == "bogus"), "{:?} {:?}", lead.findings, lead.diagnosis);
    assert_ne!(lead.verdict, "bad");
}

#[test]
fn an_address_whose_domain_cannot_be_one_is_dead_and_gets_no_mail() {
    for domain in ["-x.com", "x-.com", "mail.-x.com", "x.com-", "example..com", "x"] {
        let mut w = World::new();
        let address = format!("ana@{domain}");
        captured(&mut w, &address, PHONE);
        assert_eq!(status(&w, &address).0, "dead", "{address}");
        assert!(!w.plays().contains(&"first_email".to_owned()), "{address}: {:?}", w.plays());
    }
    let mut w = World::new();
    captured(&mut w, "ana@my-firm.com", PHONE);
    assert_eq!(status(&w, "ana@my-firm.com").0, "plausible");
}

#[test]
fn what_a_stranger_answers_is_not_the_leads_silence() {
    let mut w = World::new();
    captured(&mut w, "ana@example.com", PHONE);
    let stranger = json!({ "lead": { "phone": PHONE }, "to": PHONE, "answered_by": "wrong_person" });
    w.send(&event("e-2", "call.completed", "2026-03-03T16:10:00Z", stranger));
    w.until("2026-03-04T23:00:00Z");
    let lead = w.lead();
    assert_eq!(status(&w, PHONE).0, "dead");
    assert_eq!(lead.diagnosis.shares["interest"].0, 0.0, "{:?}", lead.diagnosis.evidence);
    assert_ne!(lead.diagnosis.cause.as_deref(), Some("interest"));
}

#[test]
fn what_bounced_because_of_a_slip_of_the_finger_is_mended_with_what_was_meant() {
    let mut w = World::new();
    captured(&mut w, "finn@gmial.com", PHONE);
    let bounce = json!({ "lead": { "email": "finn@gmial.com" }, "kind": "hard" });
    w.send(&event("e-2", "email.bounced", "2026-03-03T16:02:00Z", bounce));
    let (state, because) = status(&w, "finn@gmial.com");
    assert_eq!(state, "dead");
    assert_eq!(because, "a message to it bounced for good; finn@gmail.com may be meant");
    let asked = faults(&w);
    assert_eq!(asked.len(), 1, "one question for an address: {asked:?}");
    assert_eq!(asked[0]["suggestion"], "finn@gmail.com");
}

#[test]
fn a_repair_on_which_nobody_reports_is_asked_for_once_more_and_then_no_more() {
    let mut w = World::new();
    captured(&mut w, "ana@gmial.com", PHONE);
    let bounced = json!({ "lead": { "email": "ana@gmial.com" }, "kind": "hard" });
    w.send(&event("e-2", "email.bounced", "2026-03-03T16:05:00Z", bounced));
    assert_eq!(faults(&w).len(), 1);
    w.until("2026-03-12T16:00:00Z");
    assert_eq!(faults(&w).len(), 1, "three days to report, and a week");
    w.until("2026-03-14T16:00:00Z");
    assert_eq!(faults(&w).len(), 2);
    assert!(
        faults(&w).iter().all(|f| f["key"] == "ana@gmial.com" && f["suggestion"] == "ana@gmail.com"),
        "{:?}",
        faults(&w)
    );
    w.until("2026-05-14T16:00:00Z");
    assert_eq!(faults(&w).len(), 2);
}

#[test]
fn a_repair_that_was_reported_is_not_asked_for_again() {
    let mut w = World::new();
    captured(&mut w, "ana@gmial.com", PHONE);
    let repair = w.tasks().into_iter().find(|t| t["type"] == "task.contact_repair").unwrap()["id"].clone();
    w.send(&event("e-2", "task.failed", "2026-03-03T18:00:00Z", json!({ "task_id": repair })));
    w.until("2026-05-14T16:00:00Z");
    assert_eq!(faults(&w).len(), 1);
}

#[test]
fn a_screening_that_has_grown_stale_is_asked_for_anew() {
    let mut w = World::new();
    let phone = "+442079460018";
    let data = json!({
        "lead": { "email": "ana@example.com", "phone": phone },
        "profile": { "name": "Ana Ruiz", "country": "GB" },
        "consent": [{ "channel": "email", "state": "granted", "level": "express_written", "key": "ana@example.com" }]
    });
    w.send(&event("e-1", "lead.captured", "2026-03-03T10:00:00Z", data));
    let asked = |w: &World| faults(w).iter().filter(|f| f["fault"] == "needs_screening").count();
    assert_eq!(asked(&w), 1, "{:?}", w.plays());
    let checks = json!([{ "list": "uk_tps", "result": "clear", "as_of": "2026-03-03T10:30:00Z", "provider": "tps" }]);
    let screened = json!({ "lead": { "phone": phone }, "key": phone, "checks": checks });
    w.send(&event("e-2", "contact.screened", "2026-03-03T10:30:00Z", screened));
    assert!(!w.calls().is_empty(), "{:?}", w.plays());
    w.until("2026-03-30T10:00:00Z");
    assert_eq!(asked(&w), 1);
    // Four weeks later the lead comes back, and what was clear then says nothing of now.
    let data = json!({ "lead": { "email": "ana@example.com" }, "path": "/demo-request" });
    w.send(&event("e-3", "form.submitted", "2026-04-07T10:00:00Z", data));
    assert_eq!(asked(&w), 2, "{:?}", w.plays());
}

#[test]
fn a_screening_of_another_list_is_no_reason_to_ask_again() {
    let mut w = World::new();
    let phone = "+442079460018";
    let data = json!({ "lead": { "email": "ana@example.com", "phone": phone }, "profile": { "country": "GB" } });
    w.send(&event("e-1", "lead.captured", "2026-03-03T10:00:00Z", data));
    for n in 0..5 {
        let as_of = format!("2026-03-03T10:{:02}:00Z", 10 + n);
        let checks = json!([{ "list": "internal", "result": "clear", "as_of": as_of, "provider": "robot" }]);
        let screened = json!({ "lead": { "phone": phone }, "key": phone, "checks": checks });
        w.send(&event(&format!("s-{n}"), "contact.screened", &as_of, screened));
        let repair = w.tasks().into_iter().rfind(|t| t["type"] == "task.contact_repair").unwrap()["id"].clone();
        w.send(&event(&format!("d-{n}"), "task.done", &as_of, json!({ "task_id": repair })));
    }
    assert_eq!(faults(&w).iter().filter(|f| f["fault"] == "needs_screening").count(), 1, "{:?}", w.plays());
}

#[test]
fn of_two_repairs_on_which_nobody_reports_what_is_still_wrong_is_asked_for_once_more() {
    let mut w = World::new();
    let phone = "+442079460018";
    let data = json!({ "lead": { "email": "ana@gmial.com", "phone": phone }, "profile": { "country": "GB" } });
    w.send(&event("e-1", "lead.captured", "2026-03-03T10:00:00Z", data));
    w.until("2026-03-20T10:00:00Z");
    let count = |fault: &str| faults(&w).iter().filter(|f| f["fault"] == fault).count();
    assert_eq!((count("needs_screening"), count("mistyped_domain")), (2, 2), "{:?}", w.plays());
}
