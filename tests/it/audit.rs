//! What we owe a lead before anybody may call it bad: each item in its four states.

use serde_json::{Value, json};

use crate::support::{World, event};

const PHONE: &str = "+12125552368";
const EMAIL: &str = "ana@example.com";

fn captured(w: &mut World) {
    let data = json!({
        "lead": { "email": EMAIL, "phone": PHONE },
        "profile": { "name": "Ana Ruiz", "country": "US", "region": "NY" },
        "consent": [{ "channel": "call", "state": "granted", "level": "express_written", "key": PHONE }]
    });
    w.send(&event("e-1", "lead.captured", "2026-03-03T16:00:00Z", data));
}

fn called(w: &mut World, id: &str, time: &str, more: Value) {
    let mut data = json!({ "lead": { "phone": PHONE }, "to": PHONE });
    data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    w.send(&event(id, "call.completed", time, data));
}

fn mailed(w: &mut World, id: &str, time: &str) {
    w.send(&event(id, "email.sent", time, json!({ "lead": { "email": EMAIL } })));
}

fn state(w: &World, item: &str) -> (String, String) {
    let found = w.lead().audit.items.into_iter().find(|i| i.item == item).unwrap();
    (found.state, found.detail)
}

/// Six calls over the parts of the day, and as many e-mails.
fn worked(w: &mut World, emails: usize) {
    let calls = ["03T16:10", "03T20:30", "04T14:00", "07T18:00", "11T21:00", "17T14:00"];
    for (n, time) in calls.iter().enumerate() {
        called(w, &format!("c-{n}"), &format!("2026-03-{time}:00Z"), json!({ "disposition": "N" }));
    }
    for n in 0..emails {
        mailed(w, &format!("m-{n}"), &format!("2026-03-{:02}T17:00:00Z", 18 + n));
    }
}

#[test]
fn all_thirteen_items_are_there_in_one_order() {
    let mut w = World::new();
    captured(&mut w);
    let items: Vec<String> = w.lead().audit.items.into_iter().map(|i| i.item).collect();
    let wanted = [
        "first_touch",
        "attempts",
        "dayparts",
        "second_channel",
        "local_number",
        "alternate_key",
        "data_verified",
        "made_good",
        "callback_kept",
        "content_sent",
        "referral_asked",
        "nurture_once",
        "partner_considered",
    ];
    assert_eq!(items, wanted);
}

#[test]
fn what_cannot_be_done_with_what_exists_is_not_owed() {
    let mut w = World::new();
    captured(&mut w);
    for item in ["local_number", "content_sent", "partner_considered", "alternate_key", "made_good", "callback_kept"] {
        assert_eq!(state(&w, item).0, "not_applicable", "{item}");
    }
}

#[test]
fn a_call_from_a_number_of_the_leads_own_state_is_on_record() {
    let mut w = World::new();
    captured(&mut w);
    called(&mut w, "e-2", "2026-03-03T16:10:00Z", json!({ "disposition": "N", "caller_id": "+18005551000" }));
    assert_eq!(state(&w, "local_number").0, "not_applicable", "we own none");
    called(&mut w, "e-3", "2026-03-03T19:10:00Z", json!({ "disposition": "N", "caller_id": "+19175551000" }));
    assert_eq!(state(&w, "local_number").0, "done");
}

#[test]
fn a_dead_key_is_made_up_for_on_the_one_that_is_alive() {
    let mut w = World::new();
    captured(&mut w);
    mailed(&mut w, "e-2", "2026-03-03T16:02:00Z");
    w.send(&event(
        "e-3",
        "email.bounced",
        "2026-03-03T16:05:00Z",
        json!({ "lead": { "email": EMAIL }, "kind": "hard" }),
    ));
    assert_eq!(state(&w, "alternate_key").0, "open");
    called(&mut w, "e-4", "2026-03-03T16:10:00Z", json!({ "disposition": "N" }));
    assert_eq!(state(&w, "alternate_key").0, "done");
}

#[test]
fn data_in_doubt_is_owed_a_check_for_a_month() {
    let mut w = World::new();
    captured(&mut w);
    assert_eq!(state(&w, "data_verified").0, "not_applicable");
    called(&mut w, "e-2", "2026-03-03T16:10:00Z", json!({ "disposition": "DC" }));
    assert_eq!(state(&w, "data_verified").0, "open");
    w.until("2026-04-10T16:00:00Z");
    assert_eq!(state(&w, "data_verified").0, "missed");
    called(&mut w, "e-3", "2026-04-10T17:00:00Z", json!({ "flags": ["human_answered", "customer_contact"] }));
    assert_eq!(state(&w, "data_verified").0, "done");
}

#[test]
fn a_call_that_we_dropped_is_made_good_by_the_next() {
    let mut w = World::new();
    captured(&mut w);
    called(&mut w, "e-2", "2026-03-03T16:10:00Z", json!({ "disposition": "DROP" }));
    assert_eq!(state(&w, "made_good").0, "open");
    assert!(w.lead().diagnosis.would_change.iter().any(|s| s.contains("makes good")));
    called(&mut w, "e-3", "2026-03-03T16:20:00Z", json!({ "disposition": "N" }));
    assert_eq!(state(&w, "made_good").0, "done");
}

#[test]
fn a_promised_call_is_kept_or_missed() {
    for (call, wanted) in
        [(Some("2026-03-04T15:05:00Z"), "done"), (None, "missed"), (Some("2026-03-04T19:00:00Z"), "missed")]
    {
        let mut w = World::new();
        captured(&mut w);
        let promise = json!({ "flags": ["human_answered", "customer_contact", "scheduled_callback"], "callback_at": "2026-03-04T10:00:00" });
        called(&mut w, "e-2", "2026-03-03T16:10:00Z", promise);
        assert_eq!(state(&w, "callback_kept").0, "open");
        if let Some(time) = call {
            called(&mut w, "e-3", time, json!({ "disposition": "N" }));
        }
        w.until("2026-03-05T15:05:00Z");
        assert_eq!(state(&w, "callback_kept").0, wanted, "{call:?}");
    }
}

#[test]
fn after_calls_and_emails_one_check_in_is_owed_before_a_silent_lead_is_bad() {
    let mut w = World::new();
    captured(&mut w);
    worked(&mut w, 3);
    w.until("2026-04-20T16:00:00Z");
    assert_eq!(state(&w, "nurture_once").0, "open");
    assert_eq!(w.lead().verdict, "weak", "{:?}", w.lead().diagnosis);
    mailed(&mut w, "m-9", "2026-04-20T17:00:00Z");
    assert_eq!(state(&w, "nurture_once").0, "done");
    w.until("2026-05-20T16:00:00Z");
    let lead = w.lead();
    assert_eq!(
        (lead.verdict.as_str(), lead.diagnosis.cause.as_deref()),
        ("bad", Some("interest")),
        "{:?}",
        lead.diagnosis
    );
}

#[test]
fn nothing_is_owed_to_whoever_said_no_or_is_no_sales_case() {
    let no = json!({ "flags": ["human_answered", "customer_contact", "not_interested"] });
    let cases: [(&str, Value); 5] = [
        ("call.completed", json!({ "lead": { "phone": PHONE }, "to": PHONE, "flags": no["flags"] })),
        ("sms.replied", json!({ "lead": { "phone": PHONE }, "text": "STOP" })),
        ("lead.flagged", json!({ "lead": { "phone": PHONE }, "flag": "minor" })),
        ("lead.flagged", json!({ "lead": { "phone": PHONE }, "flag": "competitor" })),
        ("lead.flagged", json!({ "lead": { "phone": PHONE }, "flag": "test" })),
    ];
    for (kind, data) in cases {
        let mut w = World::new();
        captured(&mut w);
        w.send(&event("e-2", kind, "2026-03-03T17:00:00Z", data.clone()));
        let open: Vec<_> = w.lead().audit.items.into_iter().filter(|i| i.state != "not_applicable").collect();
        assert!(open.is_empty(), "{kind} {data}: {open:?}");
    }
}

#[test]
fn a_partner_who_serves_such_leads_is_considered_before_a_bad_fit_is_bad() {
    let mut w = World::new();
    let data = json!({
        "lead": { "email": EMAIL, "phone": PHONE },
        "profile": { "name": "Ana Ruiz", "title": "student", "employees": 3, "industry": "gambling", "company": "Acme", "country": "US", "region": "FL" },
        "consent": [{ "channel": "share", "state": "granted", "level": "express" }]
    });
    w.send(&event("e-1", "lead.captured", "2026-03-03T16:00:00Z", data));
    assert_eq!(state(&w, "partner_considered").0, "open", "{:?}", w.lead());
    assert_ne!(w.lead().verdict, "bad");
    let answer = json!({ "lead": { "email": EMAIL }, "partner": "small-biz-desk", "response": "declined" });
    w.send(&event("e-2", "partner.responded", "2026-03-04T16:00:00Z", answer));
    assert_eq!(state(&w, "partner_considered").0, "done");
}

#[test]
fn a_call_that_we_dropped_answers_nobody_and_a_late_first_touch_stays_told_after_a_no() {
    let mut w = World::new();
    captured(&mut w);
    called(&mut w, "e-2", "2026-03-03T16:02:00Z", json!({ "disposition": "DROP" }));
    w.until("2026-03-03T16:30:00Z");
    assert_eq!(state(&w, "first_touch"), ("missed".into(), "none so far".into()));
    let no = json!({ "flags": ["human_answered", "customer_contact", "not_interested"] });
    called(&mut w, "e-3", "2026-03-03T18:00:00Z", no);
    let (state, detail) = state(&w, "first_touch");
    assert_eq!((state.as_str(), detail.as_str()), ("not_applicable", "not needed any more; it came late, after 2 h"));
}

#[test]
fn a_dead_address_that_looks_mistyped_is_owed_the_right_one() {
    let mut w = World::new();
    let data = json!({
        "lead": { "id": "crm-9", "email": "ana@gmial.com", "phone": PHONE },
        "profile": { "name": "Ana Ruiz", "country": "US", "region": "NY" }
    });
    w.send(&event("e-1", "lead.captured", "2026-03-03T16:00:00Z", data));
    let bounced = json!({ "lead": { "email": "ana@gmial.com" }, "kind": "hard" });
    w.send(&event("e-2", "email.bounced", "2026-03-03T16:05:00Z", bounced));
    let (owed, detail) = state(&w, "data_verified");
    assert_eq!(owed, "open");
    assert!(detail.contains("looks mistyped"), "{detail}");
    let right = json!({ "lead": { "id": "crm-9", "email": "ana@gmail.com" } });
    w.send(&event("e-3", "lead.updated", "2026-03-03T18:00:00Z", right));
    assert_ne!(state(&w, "data_verified").0, "open");
}

#[test]
fn who_fits_us_badly_is_owed_an_answer_and_no_chase() {
    let mut w = World::new();
    let data = json!({
        "lead": { "email": EMAIL, "phone": PHONE },
        "profile": { "name": "Ana Ruiz", "country": "US", "region": "NY", "title": "Intern", "employees": 2,
                     "industry": "gambling" },
        "consent": [{ "channel": "call", "state": "granted", "level": "express_written", "key": PHONE }]
    });
    w.send(&event("e-1", "lead.captured", "2026-03-03T16:00:00Z", data));
    let no_chase = ("not_applicable".to_owned(), "who fits us so badly is answered, and not chased".to_owned());
    for item in ["attempts", "dayparts", "second_channel"] {
        assert_eq!(state(&w, item), no_chase);
    }
    assert_eq!(w.lead().verdict, "weak", "the answer may still come in time");
    called(&mut w, "e-2", "2026-03-03T16:03:00Z", json!({ "disposition": "N" }));
    let lead = w.lead();
    assert_eq!((lead.verdict.as_str(), lead.diagnosis.cause.as_deref()), ("bad", Some("fit")));
    w.until("2026-06-03T16:00:00Z");
    assert_eq!(w.calls().len(), 1, "{:?}", w.plays());
    assert!(!w.plays().iter().any(|p| p == "email_again"), "{:?}", w.plays());
    assert_eq!(w.lead().verdict, "bad", "that they are silent makes the fit no better");
    let before = w.plays().len();
    w.until("2028-06-03T16:00:00Z");
    assert_eq!(w.plays().len(), before, "looked at each year, and left in peace: {:?}", w.plays());
    assert_eq!(w.lead().stage, "parked");
}

#[test]
fn who_fits_us_badly_and_was_never_answered_is_bad_by_fit_with_our_silence_on_record() {
    let mut w = World::new();
    let data = json!({
        "lead": { "email": EMAIL },
        "profile": { "country": "US", "region": "NY", "title": "Intern", "employees": 2, "industry": "gambling" }
    });
    w.send(&event("e-1", "lead.captured", "2026-03-03T16:00:00Z", data));
    w.until("2026-03-05T16:00:00Z");
    let lead = w.lead();
    assert_eq!((lead.verdict.as_str(), lead.diagnosis.cause.as_deref()), ("bad", Some("fit")));
    let ours = lead.diagnosis.evidence.iter().find(|e| e.cause == "process").unwrap();
    assert_eq!((ours.name.as_str(), ours.weight.0), ("first_touch_missed", 0.15));
    assert_eq!(state(&w, "first_touch").0, "missed");
}

#[test]
fn a_channel_that_they_closed_speaks_of_their_interest_and_is_no_clear_no() {
    let mut w = World::new();
    captured(&mut w);
    mailed(&mut w, "e-2", "2026-03-03T16:02:00Z");
    w.send(&event("e-3", "sms.replied", "2026-03-03T17:00:00Z", json!({ "lead": { "phone": PHONE }, "text": "STOP" })));
    let lead = w.lead();
    let told = lead.diagnosis.evidence.iter().find(|e| e.because == "They want no calls or texts any more.").unwrap();
    assert_eq!((told.cause.as_str(), told.event.as_deref()), ("interest", Some("e-3")));
    assert_eq!((told.weight.0, lead.verdict.as_str()), (0.6, "weak"), "calls and texts, and no more");
    // "Do not call, write" is a wish about the way.
    let mut writes = World::new();
    captured(&mut writes);
    let text = "Please do not call me. But send me a quote by e-mail, we would like to buy.";
    let replied = json!({ "lead": { "email": EMAIL }, "text": text });
    writes.send(&event("e-2", "email.replied", "2026-03-03T17:00:00Z", replied));
    let lead = writes.lead();
    assert!(lead.suppressed.iter().any(|s| s.channel == "call"), "{lead:?}");
    assert!(!lead.diagnosis.evidence.iter().any(|e| e.name == "closed_channel"), "{lead:?}");
    // A box that was left unticked beside the question is no closing of its own.
    let mut unticked = World::new();
    let no = |channel: &str| json!({ "channel": channel, "state": "refused" });
    let data = json!({ "lead": { "email": EMAIL, "phone": PHONE }, "consent": [no("call"), no("sms")] });
    unticked.send(&event("e-1", "lead.captured", "2026-03-03T16:00:00Z", data));
    let lead = unticked.lead();
    assert!(lead.verdict != "weak" && !lead.diagnosis.evidence.iter().any(|e| e.name == "closed_channel"), "{lead:?}");
    // One number of two says nothing of the other.
    let mut two = World::new();
    captured(&mut two);
    let other = json!({ "lead": { "id": "crm-1", "email": EMAIL, "phone": "+12125552399", "phones": [PHONE] } });
    two.send(&event("e-2", "lead.updated", "2026-03-03T16:30:00Z", other));
    let stop = json!({ "lead": { "id": "crm-1", "phone": PHONE }, "text": "STOP" });
    two.send(&event("e-3", "sms.replied", "2026-03-03T17:00:00Z", stop));
    let evidence = two.lead().diagnosis.evidence;
    assert!(!evidence.iter().any(|e| e.because.starts_with("They want no")), "{evidence:?}");
    // Who comes to us again by a form has not lost interest, whatever stays closed.
    let again = json!({ "lead": { "email": EMAIL }, "path": "/demo-request" });
    w.send(&event("e-4", "form.submitted", "2026-03-05T17:00:00Z", again));
    let evidence = w.lead().diagnosis.evidence;
    assert!(!evidence.iter().any(|e| e.because.starts_with("They want no")), "{evidence:?}");
}

#[test]
fn where_no_rules_for_calls_are_known_the_audit_says_so() {
    let mut w = World::new();
    let data = json!({ "lead": { "email": EMAIL, "phone": "+5511955550112" } });
    w.send(&event("e-1", "lead.captured", "2026-03-03T16:00:00Z", data));
    let (owed, detail) = state(&w, "attempts");
    assert_eq!(owed, "not_applicable");
    assert!(detail.starts_with("we know no rules for calls to"), "{detail}");
}
