//! The whole life of a lead: it always has a next step, rests until a day, or was left alone for good. In New York.

use gleaner::domain::conduct::{Conduct, Stage};
use gleaner::domain::decide::Mode;
use gleaner::domain::event::MeetingWhat;
use gleaner::domain::policy::Fictional;
use gleaner::domain::time::{Moment, Span};
use gleaner::domain::working_set::Env;
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::embedded::{Embedded, inquiry, wait_for};
use crate::queues::until;
use crate::support::{World, at, env, event};

const PHONE: &str = "+12125552368";
const EMAIL: &str = "ana@example.com";

/// An inquiry by the ways given, of somebody who fits.
fn captured(w: &mut World, lead: Value, profile: Value, share: bool) {
    let time = "2026-03-03T16:00:00Z";
    let mut consent = vec![];
    for (field, channel) in [("phone", "call"), ("email", "email")] {
        if let Some(key) = lead.get(field) {
            consent.push(json!({ "channel": channel, "state": "granted", "level": "express_written", "key": key }));
        }
    }
    if share {
        consent.push(json!({ "channel": "share", "state": "granted", "level": "express" }));
    }
    let data = json!({ "lead": lead, "profile": profile, "consent": consent, "interests": ["route planning"] });
    w.send(&event("e-1", "lead.captured", time, data));
}

fn fits() -> Value {
    json!({ "name": "Ana Ruiz", "title": "Operations Director", "employees": 120, "industry": "logistics",
        "country": "US", "region": "NY" })
}

fn fits_not() -> Value {
    json!({ "name": "Bo Lind", "title": "Intern", "employees": 1, "industry": "logistics", "country": "US", "region": "NY" })
}

fn ana() -> World {
    let mut w = World::new();
    captured(&mut w, json!({ "email": EMAIL, "phone": PHONE }), fits(), false);
    w
}

/// Ana, who never answered, after our goodbye.
fn left_alone() -> World {
    let mut w = ana();
    while w.lead().stage != "disengaged" {
        let on = w.replay.now() + Span::days(5);
        assert!(on < at("2027-03-03T16:00:00Z"), "{:?}", w.plays());
        live(&mut w, &on.to_string(), |_, _| {});
    }
    w
}

fn happens(w: &mut World, id: &str, kind: &str, time: &str, more: Value) {
    let mut data = json!({ "lead": { "email": EMAIL } });
    if kind == "call.completed" {
        data = json!({ "lead": { "phone": PHONE }, "to": PHONE });
    }
    data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    w.send(&event(id, kind, time, data));
}

/// Lets time pass at a desk that does what it is asked to and reports it; nobody ever answers. What `look` says is seen
/// once a day.
fn live(w: &mut World, until: &str, mut look: impl FnMut(&World, Moment)) {
    let mut seen = 0;
    let mut reported = w.replay.now().0;
    let mut day = i64::MIN;
    while w.replay.now() < at(until) {
        let now = w.replay.now() + Span::minutes(30);
        w.until(&now.to_string());
        for n in std::mem::replace(&mut seen, w.out.len())..w.out.len() {
            let task = w.out[n].clone();
            let kind = match task["data"]["channel"].as_str() {
                _ if task["type"] == "task.revoked" => continue,
                Some("call") => "call.completed",
                Some("email") => "email.sent",
                Some("sms") => "sms.sent",
                _ => continue,
            };
            let open = conduct(w).open().any(|e| json!(e.id) == task["id"]);
            if !open {
                continue;
            }
            let time = at(task["time"].as_str().unwrap()) + Span::minutes(1);
            let to = &task["data"]["contact"];
            let mut data = json!({ "lead": {}, "task_id": task["id"] });
            match kind {
                "email.sent" => data["lead"]["email"] = to["email"].clone(),
                _ => data["lead"]["phone"] = to["phone"].clone(),
            }
            if kind == "call.completed" {
                data["disposition"] = json!("N");
            }
            reported += 1;
            w.send(&event(&format!("r-{reported}"), kind, &time.to_string(), data));
        }
        if now.utc_day() as i64 != day {
            day = now.utc_day() as i64;
            look(w, now);
        }
    }
}

fn of(w: &World, play: &str) -> Vec<String> {
    let all = w.tasks().into_iter().filter(|t| t["data"]["play"] == play);
    all.map(|t| t["time"].as_str().unwrap().to_owned()).collect()
}

fn days(times: &[String]) -> Vec<&str> {
    times.iter().map(|t| &t[..10]).collect()
}

fn calls(w: &World) -> Vec<String> {
    w.calls().iter().map(|t| t["time"].as_str().unwrap().to_owned()).collect()
}

fn conduct(w: &World) -> Conduct {
    w.replay.leads()[0].conduct.clone()
}

/// A next step, a day of rest, or an end.
fn is_in_hand(w: &World, now: Moment) -> bool {
    let c = conduct(w);
    let meeting = w.replay.leads()[0].facts.meetings.last().is_some_and(|m| m.what == MeetingWhat::Booked);
    let meets = meeting && c.look_again.is_some_and(|at| at > now);
    let planned = c.planned.iter().any(|p| p.at > now - Span::hours(1));
    let open = c.open().next().is_some();
    let rests = c.revisit_at.is_some_and(|at| at > now);
    planned || open || rests || meets || c.stage.is_over() || c.stage == Stage::Disengaged
}

#[test]
fn every_lead_has_a_next_step_or_rests_until_a_day_or_was_left_alone() {
    let both = || json!({ "email": EMAIL, "phone": PHONE });
    let plain = |lead: Value, profile: Value, share: bool| {
        let mut w = World::new();
        captured(&mut w, lead, profile, share);
        w
    };
    let after = |kind: &str, more: Value| {
        let mut w = ana();
        happens(&mut w, "e-2", kind, "2026-03-03T16:02:00Z", more);
        w
    };
    let spoke = json!({ "flags": ["human_answered", "customer_contact"] });
    let mut stop = ana();
    stop.send(&event(
        "e-2",
        "sms.replied",
        "2026-03-03T17:00:00Z",
        json!({ "lead": { "phone": PHONE }, "text": "STOP" }),
    ));
    let worlds = [
        ("phone only", plain(json!({ "phone": PHONE }), fits(), false)),
        ("e-mail only", plain(json!({ "email": EMAIL }), fits(), false)),
        ("both", ana()),
        ("no fit", plain(both(), fits_not(), false)),
        ("no fit, to be shared", plain(both(), fits_not(), true)),
        ("no fit, by phone", plain(json!({ "phone": PHONE }), fits_not(), false)),
        ("reached once", after("call.completed", spoke)),
        ("asked to be called back", after("call.completed", json!({ "disposition": "CALLBK" }))),
        ("no", after("call.completed", json!({ "disposition": "NI" }))),
        ("wrong number", after("call.completed", json!({ "disposition": "N", "note": "wrong number" }))),
        ("missed meeting", after("meeting.missed", json!({}))),
        ("booked without a day", after("meeting.booked", json!({}))),
        ("not now", after("email.replied", json!({ "text": "Not now, thanks." }))),
        ("no budget", after("email.replied", json!({ "text": "We have no budget for this." }))),
        ("looks for work", after("email.replied", json!({ "text": "I am looking for a job, can I send my resume?" }))),
        ("stopped texts and calls", stop),
    ];
    for (name, mut w) in worlds {
        let mut lost = Vec::new();
        live(&mut w, "2027-12-31T00:00:00Z", |w, now| {
            if !is_in_hand(w, now) {
                lost.push((now.to_string(), conduct(w).stage.name()));
            }
        });
        assert!(lost.is_empty(), "{name}: {:?} of {} {:?}", lost.first(), lost.len(), w.plays());
        let goodbyes = of(&w, "disengage").len();
        assert!(goodbyes <= 4, "{name}: {goodbyes} goodbyes");
        assert!(w.tasks().len() < 60, "{name}: {} tasks", w.tasks().len());
    }
}

#[test]
fn a_silent_lead_gets_check_ins_a_goodbye_and_three_small_revisits_and_then_peace() {
    let mut w = ana();
    live(&mut w, "2029-12-31T00:00:00Z", |_, _| {});
    let goodbyes = of(&w, "disengage");
    assert_eq!((of(&w, "check_in").len(), goodbyes.len()), (4, 4), "{:?}", w.plays());
    assert_eq!(conduct(&w).revisits, 3);
    assert_eq!(w.lead().stage, "disengaged");
    let revisit = |n: usize| calls(&w).iter().filter(|c| **c > goodbyes[n] && **c < goodbyes[n + 1]).count();
    assert_eq!([revisit(0), revisit(1), revisit(2)], [3, 3, 3], "{:?}", calls(&w));
    let last = w.tasks().into_iter().rfind(|t| t["data"]["play"] == "disengage").unwrap();
    assert!(last["data"]["revisit_at"].is_null(), "{last}");
    assert!(conduct(&w).wake_at().is_none(), "nothing more is due");
}

#[test]
fn not_now_without_a_day_is_ninety_days_however_often_it_is_looked_at() {
    let mut w = ana();
    happens(
        &mut w,
        "e-2",
        "email.replied",
        "2026-03-03T17:00:00Z",
        json!({ "text": "Not now, thanks. Maybe some other time." }),
    );
    live(&mut w, "2026-12-30T00:00:00Z", |_, _| {});
    let later: Vec<String> = calls(&w).into_iter().filter(|c| c.as_str() > "2026-03-04").collect();
    assert_eq!(days(&later).first(), Some(&"2026-06-01"), "{later:?}");
    assert!(conduct(&w).revisits >= 1);
}

#[test]
fn no_more_than_three_revisits_for_somebody_who_says_not_now_each_time() {
    let mut w = ana();
    for n in 0..8 {
        let time = (at("2026-03-03T17:00:00Z") + Span::days(100 * n)).to_string();
        live(&mut w, &time, |_, _| {});
        happens(&mut w, &format!("e-{}", n + 2), "email.replied", &time, json!({ "text": "Not now, thanks." }));
    }
    live(&mut w, "2030-01-01T00:00:00Z", |_, _| {});
    assert_eq!(conduct(&w).revisits, 3);
    assert_eq!(w.lead().stage, "disengaged", "{:?}", w.plays());
}

#[test]
fn a_contract_that_ends_soon_is_no_reason_to_call_at_once() {
    let mut w = ana();
    let text = "Not now, our contract runs until 30 April 2026.";
    happens(&mut w, "e-2", "email.replied", "2026-03-03T17:00:00Z", json!({ "text": text }));
    let n = w.calls().len();
    live(&mut w, "2026-03-17T00:00:00Z", |_, _| {});
    assert_eq!(w.calls().len(), n);
    live(&mut w, "2026-03-24T00:00:00Z", |_, _| {});
    assert!(w.calls().len() > n, "{:?}", w.plays());
}

#[test]
fn no_money_now_rests_until_the_next_year() {
    for text in ["We have no budget for this.", "Frozen budget, sorry.", "Too expensive for us."] {
        let mut w = ana();
        happens(&mut w, "e-2", "call.completed", "2026-03-03T16:02:00Z", json!({ "disposition": "N" }));
        happens(&mut w, "e-3", "email.replied", "2026-03-03T17:00:00Z", json!({ "text": text }));
        assert_eq!(w.lead().stage, "parked", "{text}");
        let n = w.calls().len();
        live(&mut w, "2026-12-31T00:00:00Z", |_, _| {});
        assert_eq!(w.calls().len(), n, "{text}");
        live(&mut w, "2027-01-08T00:00:00Z", |_, _| {});
        assert!(w.calls().len() > n, "{text}");
    }
}

/// The review "is this bad?" of a lead that said no, answered.
fn asked_whether_bad(name: &str) -> World {
    let mut w = ana();
    happens(&mut w, "e-2", "call.completed", "2026-03-03T16:02:00Z", json!({ "disposition": "NI" }));
    let review = w.tasks().into_iter().find(|t| t["data"]["question"] == "is_this_bad").unwrap().clone();
    let ends = format!("/{name}");
    let answers = review["data"]["answers"].as_array().unwrap();
    let mut answer = answers.iter().find(|a| a["id"].as_str().unwrap().ends_with(&ends)).unwrap().clone();
    answer["time"] = json!("2026-03-03T18:00:00Z");
    w.send(&answer);
    let open = w.lead().open_tasks;
    assert!(!open.iter().any(|id| json!(id) == review["id"]), "an answered question is closed");
    w
}

#[test]
fn a_lead_that_a_colleague_calls_bad_gets_its_goodbye_and_one_worth_another_try_gets_a_check_in() {
    let mut bad = asked_whether_bad("bad");
    assert!(of(&bad, "disengage").is_empty(), "three quiet days follow a conversation");
    live(&mut bad, "2026-03-07T00:00:00Z", |_, _| {});
    assert_eq!(of(&bad, "disengage").len(), 1, "{:?}", bad.plays());
    let mut good = asked_whether_bad("good");
    assert!(of(&good, "disengage").is_empty());
    live(&mut good, "2026-03-25T00:00:00Z", |_, _| {});
    assert!(of(&good, "disengage").is_empty(), "{:?}", good.plays());
    assert_eq!(of(&good, "check_in").len(), 1, "{:?}", good.plays());
    live(&mut good, "2026-06-01T00:00:00Z", |_, _| {});
    assert_eq!(of(&good, "disengage").len(), 1, "nothing came of it");
}

#[test]
fn after_a_no_comes_one_goodbye_and_one_letter_a_year_later_and_then_nothing() {
    let mut w = ana();
    happens(&mut w, "e-2", "call.completed", "2026-03-03T16:02:00Z", json!({ "disposition": "NI" }));
    live(&mut w, "2026-04-20T15:00:00Z", |_, _| {});
    for (id, time) in [("e-3", "2026-04-20T15:00:00Z"), ("e-4", "2026-04-20T15:05:00Z")] {
        happens(&mut w, id, "email.opened", time, json!({}));
    }
    live(&mut w, "2027-01-31T00:00:00Z", |_, _| {});
    let goodbye = w.tasks().into_iter().find(|t| t["data"]["play"] == "disengage").unwrap();
    assert_eq!(goodbye["data"]["revisit_at"].as_str().unwrap(), "2027-03-06T14:00:00Z", "nine o'clock in New York");
    let before = w.plays().len();
    live(&mut w, "2029-12-31T00:00:00Z", |_, _| {});
    assert_eq!(w.plays()[before..], ["email_again"], "{:?}", w.plays());
    assert_eq!(of(&w, "disengage").len(), 1);
    assert_eq!(w.lead().stage, "disengaged");
}

#[test]
fn a_second_no_and_an_opt_out_are_not_come_back_to() {
    let said = |kind: &str, text: &str, until: &str| {
        let mut w = ana();
        happens(&mut w, "e-2", "call.completed", "2026-03-03T16:02:00Z", json!({ "disposition": "NI" }));
        live(&mut w, until, |_, _| {});
        let before = w.plays().len();
        happens(&mut w, "e-3", kind, until, json!({ "text": text }));
        live(&mut w, "2029-12-31T00:00:00Z", |_, _| {});
        (w, before)
    };
    let no = "No thanks, we are not interested.";
    // Long before the letter, and two days before it: then there is none.
    for time in ["2026-06-04T15:00:00Z", "2027-03-04T15:00:00Z"] {
        let (again, before) = said("email.replied", no, time);
        assert!(again.plays()[before..].is_empty(), "{time}: {:?}", again.plays());
    }
    // After it: a goodbye, and that was that.
    let (again, before) = said("email.replied", no, "2027-03-10T15:00:00Z");
    assert_eq!(again.plays()[before - 1..], ["email_again", "disengage"], "{:?}", again.plays());
    let goodbye = again.tasks().into_iter().rfind(|t| t["data"]["play"] == "disengage").unwrap();
    assert_eq!(goodbye["data"]["why_never"], "the lead said no; only the lead can open this again");
    // STOP by text closes calls and texts, and leaves e-mail open: no letter comes all the same.
    for (kind, text) in [("sms.replied", "STOP"), ("email.replied", "Remove me from your list.")] {
        let (stopped, before) = said(kind, text, "2026-06-04T15:00:00Z");
        assert!(stopped.plays()[before..].is_empty(), "{text}: {:?}", stopped.plays());
    }
}

#[test]
fn a_form_after_the_goodbye_opens_the_lead_again() {
    let mut w = ana();
    happens(&mut w, "e-2", "call.completed", "2026-03-03T16:02:00Z", json!({ "disposition": "NI" }));
    live(&mut w, "2026-05-04T15:00:00Z", |_, _| {});
    let n = w.calls().len();
    happens(&mut w, "e-3", "form.submitted", "2026-05-04T15:00:00Z", json!({ "path": "/demo-request" }));
    live(&mut w, "2026-05-06T00:00:00Z", |_, _| {});
    assert!(w.calls().len() > n, "{:?}", w.plays());
}

#[test]
fn a_message_that_nobody_reports_is_not_sent_a_second_time() {
    let mut w = World::new();
    captured(&mut w, json!({ "email": EMAIL }), fits(), false);
    w.until("2026-09-30T00:00:00Z");
    assert_eq!(of(&w, "first_email").len(), 1, "{:?}", w.plays());
    assert_eq!(of(&w, "email_again").len(), 2, "{:?}", w.plays());
}

#[test]
fn a_number_out_of_service_is_verified_once_reported_or_not() {
    let mut w = World::new();
    captured(&mut w, json!({ "phone": PHONE }), fits(), false);
    happens(&mut w, "e-2", "call.completed", "2026-03-03T16:02:00Z", json!({ "disposition": "DC" }));
    w.until("2026-05-02T00:00:00Z");
    let later: Vec<String> = calls(&w).into_iter().filter(|c| c.as_str() > "2026-03-04").collect();
    assert_eq!(days(&later), ["2026-03-18"]);
}

fn lent() -> World {
    let mut w = World::new();
    captured(&mut w, json!({ "email": EMAIL, "phone": PHONE }), fits_not(), true);
    live(&mut w, "2026-06-01T00:00:00Z", |w, _| assert!(w.tasks().len() < 100));
    w
}

/// The hand-off, as soon as there is one.
fn handed_off() -> (World, Value, Moment) {
    let at_last = lent();
    let task = at_last.tasks().into_iter().find(|t| t["type"] == "task.referral_handoff");
    let Some(task) = task.cloned() else { panic!("no hand-off: {:?}", at_last.plays()) };
    let made = at(task["time"].as_str().unwrap());
    let mut w = World::new();
    captured(&mut w, json!({ "email": EMAIL, "phone": PHONE }), fits_not(), true);
    if made > w.replay.now() {
        live(&mut w, &made.to_string(), |_, _| {});
    }
    (w, task["id"].clone(), made)
}

#[test]
fn a_partner_that_lets_a_lead_lie_gives_it_back_after_a_week_and_is_not_asked_again() {
    let (mut w, task, made) = handed_off();
    let answer = json!({ "task_id": task, "partner": "p", "response": "accepted" });
    let next_day = made + Span::days(1);
    w.send(&event("p-1", "partner.responded", &next_day.to_string(), answer));
    assert_eq!(w.lead().stage, "lent");
    w.until(&(next_day + Span::days(7)).to_string());
    assert_ne!(w.lead().stage, "lent", "untouched for a week");
    live(&mut w, &(made + Span::days(300)).to_string(), |_, _| {});
    assert_eq!(of(&w, "referral_handoff").len(), 1, "{:?}", w.plays());
    assert!(!of(&w, "disengage").is_empty(), "{:?}", w.plays());
}

#[test]
fn a_lead_that_speaks_while_a_partner_has_it_is_heard() {
    for accepted in [true, false] {
        let (mut w, task, made) = handed_off();
        if accepted {
            let answer = json!({ "task_id": task, "partner": "p", "response": "accepted" });
            w.send(&event("p-1", "partner.responded", &(made + Span::hours(1)).to_string(), answer));
        }
        let time = (made + Span::days(2)).to_string();
        happens(&mut w, "e-9", "email.replied", &time, json!({ "text": "I want to buy now. Please call me." }));
        assert_ne!(w.lead().stage, "lent");
        let answered = of(&w, "answer_call").len() + of(&w, "answer_email").len();
        assert!(answered > 0, "accepted {accepted}: {:?}", w.plays());
        assert_eq!(w.revoked().iter().any(|r| r["data"]["revokes"] == task), !accepted);
    }
}

#[test]
fn what_the_lead_asked_for_on_the_phone_comes_when_it_was_asked_for() {
    let spoke = json!(["human_answered", "customer_contact"]);
    let asked = json!(["human_answered", "customer_contact", "scheduled_callback"]);
    let note = "Wants a quote for 40 trucks today, please call back with the price.";
    for (more, day) in [
        (json!({ "flags": spoke, "note": note }), "2026-03-03"),
        (json!({ "flags": asked }), "2026-03-04"),
        (json!({ "disposition": "CALLBK" }), "2026-03-04"),
    ] {
        let mut w = ana();
        happens(&mut w, "e-2", "call.completed", "2026-03-03T16:02:00Z", more.clone());
        live(&mut w, "2026-03-05T12:00:00Z", |_, _| {});
        assert_eq!(days(&of(&w, "answer_call")), [day], "{more} {:?}", w.plays());
        assert!(of(&w, "referral_ask").is_empty(), "{:?}", w.plays());
    }
}

#[test]
fn a_warm_word_still_gets_its_call_when_a_letter_went_out_first() {
    let mut w = ana();
    for (id, time) in [("c-1", "2026-03-03T16:02:00Z"), ("c-2", "2026-03-03T18:05:00Z")] {
        happens(&mut w, id, "call.completed", time, json!({ "disposition": "N" }));
    }
    let text = "Thanks, could you send me a quote for 40 vehicles?";
    happens(&mut w, "e-2", "email.replied", "2026-03-03T20:00:00Z", json!({ "text": text }));
    live(&mut w, "2026-03-05T00:00:00Z", |_, _| {});
    assert_eq!(of(&w, "answer_email").len(), 1);
    assert_eq!(days(&of(&w, "answer_call")), ["2026-03-04"], "{:?}", w.plays());
}

#[test]
fn the_fourth_call_comes_on_the_fourth_day_and_every_part_of_the_day_is_tried() {
    let mut w = ana();
    live(&mut w, "2026-03-25T00:00:00Z", |_, _| {});
    let all = calls(&w);
    assert_eq!(days(&all), ["2026-03-03", "2026-03-03", "2026-03-04", "2026-03-07", "2026-03-11", "2026-03-17"]);
    let tried = w.lead().audit.items.into_iter().find(|i| i.item == "dayparts").unwrap();
    assert_eq!(tried.state, "done", "{tried:?} {all:?}");
}

#[test]
fn a_late_start_keeps_the_pace_and_tries_every_part_of_the_day() {
    let mut w = ana();
    let booked = json!({ "at": "2026-03-05T16:00:00Z" });
    happens(&mut w, "e-2", "meeting.booked", "2026-03-03T16:01:00Z", booked);
    live(&mut w, "2026-04-05T00:00:00Z", |_, _| {});
    let tried = w.lead().audit.items.into_iter().find(|i| i.item == "dayparts").unwrap();
    assert_eq!(tried.state, "done", "{tried:?} {:?}", calls(&w));
    let mut letters: Vec<String> = [of(&w, "first_email"), of(&w, "email_again")].concat();
    letters.sort();
    assert!(letters.windows(2).all(|w| at(&w[1]) - at(&w[0]) >= Span::days(2)), "{letters:?}");
}

#[test]
fn a_meeting_that_nobody_reports_on_is_asked_after_the_next_day() {
    let mut w = ana();
    happens(&mut w, "e-2", "call.completed", "2026-03-03T16:01:00Z", json!({ "disposition": "N" }));
    happens(&mut w, "e-3", "meeting.booked", "2026-03-03T16:10:00Z", json!({ "at": "2026-03-04T16:00:00Z" }));
    live(&mut w, "2026-03-06T00:00:00Z", |_, _| {});
    let asked = w.calls().into_iter().find(|t| t["time"].as_str().unwrap() > "2026-03-04").cloned();
    let asked = asked.unwrap_or_else(|| panic!("{:?}", w.plays()));
    assert!(asked["time"].as_str().unwrap().starts_with("2026-03-05"), "{asked}");
    assert!(asked["data"]["reason"]["summary"].as_str().unwrap().contains("booked a meeting"), "{asked}");
}

#[test]
fn a_click_of_the_lead_starts_the_check_ins_anew() {
    let mut w = ana();
    happens(&mut w, "e-2", "email.replied", "2026-03-03T17:00:00Z", json!({ "text": "Please check back in October." }));
    live(&mut w, "2026-05-25T15:00:00Z", |_, _| {});
    let before = of(&w, "check_in").len();
    assert_eq!(before, 1, "{:?}", w.plays());
    happens(&mut w, "e-3", "email.clicked", "2026-05-25T15:00:00Z", json!({ "url": "https://example.com/x" }));
    live(&mut w, "2026-07-05T00:00:00Z", |_, _| {});
    let after = of(&w, "check_in")[before..].to_vec();
    assert_eq!(days(&after), ["2026-06-08"]);
}

#[test]
fn who_asked_to_wait_hears_from_us_once_until_the_day_we_meant_to_be_back() {
    let mut w = ana();
    let later = json!({ "text": "Not now, our contract runs until 30 September 2026." });
    happens(&mut w, "e-2", "email.replied", "2026-03-03T17:00:00Z", later);
    live(&mut w, "2026-07-01T00:00:00Z", |_, _| {});
    assert_eq!(days(&of(&w, "check_in")), ["2026-03-18"], "two weeks after our last word: {:?}", w.plays());
}

#[test]
fn a_second_visitor_or_a_second_visit_of_a_known_one_is_an_occasion() {
    for second in ["v1", "v2"] {
        let mut w = ana();
        happens(&mut w, "e-2", "call.completed", "2026-03-03T16:02:00Z", json!({ "disposition": "N" }));
        for (id, time, visitor) in [("e-3", "2026-03-04T19:00:00Z", "v1"), ("e-4", "2026-03-05T15:00:00Z", second)] {
            let lead = json!({ "email": EMAIL, "visitor": visitor });
            w.send(&event(id, "room.viewed", time, json!({ "lead": lead, "room": "r-1" })));
        }
        w.until("2026-03-06T00:00:00Z");
        assert_eq!(days(&of(&w, "room_opened")), ["2026-03-05"], "{second}: {:?}", w.plays());
    }
}

#[test]
fn a_call_from_a_lead_at_rest_wakes_it_although_it_began_before_it_was_reported() {
    let mut w = ana();
    let no = json!({ "text": "No thanks, we are not interested." });
    happens(&mut w, "e-2", "email.replied", "2026-03-03T17:00:00Z", no);
    live(&mut w, "2026-04-10T00:00:00Z", |_, _| {});
    assert_eq!(w.lead().stage, "disengaged");
    let call = json!({
        "direction": "inbound", "started_at": "2026-04-10T15:04:00Z", "flags": ["human_answered", "customer_contact"],
        "note": "Called in, wants a quote",
    });
    happens(&mut w, "e-3", "call.completed", "2026-04-10T15:10:00Z", call);
    assert_eq!(w.lead().stage, "connected");
    assert!(w.lead().next_action.is_some());
}

#[test]
fn what_was_only_observed_counts_nowhere_once_we_act_and_the_lead_is_decided_anew() {
    let observing = Env { mode: Mode::Observe, ..env(Fictional::Allow) };
    let mut w = World::with(observing);
    captured(&mut w, json!({ "email": EMAIL, "phone": PHONE }), fits(), false);
    w.until("2026-03-03T18:00:00Z");
    assert_eq!(w.plays(), Vec::<String>::new());
    w.replay.set_env(env(Fictional::Allow));
    w.until("2026-03-05T23:00:00Z");
    let calls = w.calls();
    assert_eq!(calls[0]["data"]["attempt"], 1, "{:?}", w.plays());
    assert!(w.plays().contains(&"first_email".to_owned()), "{:?}", w.plays());
}

#[test]
fn whoever_was_left_alone_opted_out_and_comes_back_is_worked_anew() {
    let mut w = left_alone();
    let stop = w.replay.now() + Span::hours(1);
    happens(&mut w, "e-2", "email.replied", &stop.to_string(), json!({ "text": "Please remove me from your list." }));
    assert_eq!(w.lead().stage, "suppressed");
    let n = w.out.len();
    let proof = "https://example.com/consent/7";
    let consent = ["call", "sms", "email"].map(
        |channel| json!({ "channel": channel, "state": "granted", "level": "express_written", "evidence_url": proof }),
    );
    let data = json!({ "lead": { "email": EMAIL, "phone": PHONE }, "consent": consent, "note": "please call me" });
    let back = w.replay.now() + Span::days(30);
    w.send(&event("e-3", "lead.captured", &back.to_string(), data));
    live(&mut w, &(back + Span::days(4)).to_string(), |_, _| {});
    let plays: Vec<&str> = w.out[n..].iter().filter_map(|m| m["data"]["play"].as_str()).collect();
    assert!(
        plays.contains(&"first_call") || plays.contains(&"callback"),
        "{plays:?} {:?} {:?}",
        w.lead().stage,
        w.lead().suppressed
    );
}

#[test]
fn whoever_comes_back_and_agrees_a_moment_later_or_earlier_is_worked_anew() {
    let grant = json!({ "lead": { "email": EMAIL }, "channels": ["call", "sms", "email"], "level": "express_written",
        "evidence_url": "https://example.com/consent/7" });
    let form = json!({ "lead": { "email": EMAIL, "phone": PHONE }, "note": "please call me" });
    for consent_first in [false, true] {
        let mut w = ana();
        live(&mut w, "2026-03-25T12:00:00Z", |_, _| {});
        happens(&mut w, "e-2", "email.replied", "2026-03-25T13:00:00Z", json!({ "text": "Remove me from your list." }));
        assert_eq!(w.lead().stage, "suppressed");
        let (consent, inquiry) = if consent_first { ("15:00:00", "15:00:05") } else { ("15:00:05", "15:00:00") };
        let mut both = [
            event("e-3", "consent.granted", &format!("2026-06-09T{consent}Z"), grant.clone()),
            event("e-4", "lead.captured", &format!("2026-06-09T{inquiry}Z"), form.clone()),
        ];
        both.sort_by_key(|event| event["time"].to_string());
        let n = w.out.len();
        for event in &both {
            w.send(event);
        }
        live(&mut w, "2026-06-11T15:00:00Z", |_, _| {});
        let plays: Vec<&str> = w.out[n..].iter().filter_map(|m| m["data"]["play"].as_str()).collect();
        assert!(plays.contains(&"first_call"), "consent first: {consent_first}, {plays:?} {:?}", w.lead().suppressed);
        assert!(w.lead().planned.iter().all(|p| p.play.name() != "revisit"));
    }
}

#[test]
fn when_workers_that_watched_begin_to_act_every_lead_is_decided_on_anew_at_once() {
    let (offset, _) = Embedded::noon();
    let mut worker = Embedded::new(&[("GLEANER__CLOCK__OFFSET", &offset)]);
    worker.start_with(&[("GLEANER__ACT__MODE", "observe")]);
    worker.send(&[inquiry("e-1", EMAIL, PHONE, &worker.now())]);
    wait_for("the lead", || worker.told(&["export"]).contains(EMAIL).then_some(()));
    assert_eq!(worker.tasks("calls-now"), Vec::<Value>::new());
    worker.stop();
    worker.start();
    assert_eq!(worker.first_tasks("calls-now").len(), 1);
    worker.stop();
    worker.start();
    let is_over = || {
        worker
            .told(&["policy", "show"])
            .contains("All leads are judged by it: 1 lead when it was applied")
            .then_some(())
    };
    wait_for("the end of it", is_over);
    assert!(!worker.log().contains("decided on anew"), "once is enough: {}", worker.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_worker_watched_while_another_acted_already_is_decided_on_when_it_acts_itself() {
    let mut cluster = Cluster::start("switch").await;
    let (offset, noon) = Embedded::noon();
    cluster.set("GLEANER__CLOCK__OFFSET", &offset);
    cluster.set("GLEANER__ACT__MODE", "observe");
    let watching = cluster.worker(None);
    cluster.publish(&[inquiry("e-1", EMAIL, PHONE, &noon)]).await;
    until(&cluster, "the first lead", async || decided(&cluster).await >= 1).await;
    assert_eq!(cluster.depth("tasks.calls-now").await, 0);
    cluster.set("GLEANER__ACT__MODE", "act");
    let acting = cluster.worker(None);
    let begun =
        "select count(*) from control where name = 'rescore' and convert_from(value, 'UTF8') like '%\"acts\":true%'";
    until(&cluster, "the decisions of the one that acts", async || cluster.count(begun).await == 1).await;
    // The one that acts goes, and the one that watches takes another inquiry, and is killed.
    cluster.kill(acting);
    tokio::time::sleep(std::time::Duration::from_secs(4)).await;
    cluster.publish(&[inquiry("e-2", "bo@example.com", "+12125552369", &noon)]).await;
    until(&cluster, "the second lead", async || decided(&cluster).await >= 2).await;
    cluster.kill(watching);
    cluster.worker(None);
    until(&cluster, "both calls", async || cluster.depth("tasks.calls-now").await >= 2).await;
    cluster.stop().await;
}

async fn decided(cluster: &Cluster) -> i64 {
    cluster.count("select count(*) from leads where version > 0").await
}

#[test]
fn waiting_for_our_own_screening_is_no_rest_and_uses_up_no_revisit() {
    let mut w = World::new();
    let data = json!({ "lead": { "phone": "+442079460018" }, "profile": { "name": "Ann Lee", "country": "GB" } });
    w.send(&event("e-1", "lead.captured", "2026-03-03T12:00:00Z", data));
    assert_eq!(w.plays(), ["contact_repair"]);
    assert_eq!(w.lead().stage, "working", "it is not laid to rest in its first hour");
    live(&mut w, "2027-05-04T09:00:00Z", |_, _| {});
    assert_ne!(w.lead().stage, "disengaged");
    let clear = json!({ "lead": { "phone": "+442079460018" }, "key": "+442079460018",
        "checks": [{ "list": "uk_tps", "result": "clear", "as_of": "2027-05-04T10:00:00Z" }] });
    w.send(&event("e-3", "contact.screened", "2027-05-04T10:00:00Z", clear));
    live(&mut w, "2027-05-06T09:00:00Z", |_, _| {});
    assert_eq!(w.calls()[0]["data"]["attempt"], 1);
}
