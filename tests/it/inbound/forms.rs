//! The forms in which the same event may come, and what then counts.

use gleaner::domain::event::{Body, Event};
use gleaner::domain::identity::{Key, KeyKind};

use super::*;

fn phone_of(event: &Event) -> &str {
    &event.keys.iter().find(|k| k.kind == KeyKind::Phone).unwrap().value
}

#[test]
fn a_byte_order_mark_is_passed_over() {
    let body = format!("\u{feff}{}", captured());
    assert_eq!(take(body.as_bytes()).unwrap(), accept(&captured()));
}

#[test]
fn the_content_type_and_datacontenttype_do_not_matter() {
    let odd = with(captured(), "/datacontenttype", json!("2026-03-02T14:05:00Z"));
    let body = odd.to_string();
    for content_type in [None, Some("application/cloudevents+json; charset=utf-8"), Some("text/plain"), Some("")] {
        let envelope = Envelope { content_type, ..Envelope::bare(body.as_bytes()) };
        assert_eq!(decode(&envelope, RECEIVED, &settings()).unwrap(), accept(&captured()));
    }
}

#[test]
fn without_a_time_the_senders_time_stamp_counts_and_without_that_the_receipt() {
    let mut event = captured();
    event.as_object_mut().unwrap().remove("time");
    let body = event.to_string();
    let stamped = Envelope { timestamp_ms: Some(1_772_460_000_000), ..Envelope::bare(body.as_bytes()) };
    assert_eq!(decode(&stamped, RECEIVED, &settings()).unwrap().at, Moment(1_772_460_000_000));
    assert_eq!(take(body.as_bytes()).unwrap().at, RECEIVED);
    // The content does not change with the way it travelled.
    let contents =
        [&stamped, &Envelope::bare(body.as_bytes())].map(|e| decode(e, RECEIVED, &settings()).unwrap().content);
    assert_eq!(contents[0], contents[1]);
}

#[test]
fn a_replay_wants_a_time_of_its_own_and_takes_any_future() {
    let replay = Inbound::replay();
    let mut event = with(captured(), "/time", json!("2031-01-01T00:00:00Z"));
    assert!(decode(&Envelope::bare(event.to_string().as_bytes()), RECEIVED, &replay).is_ok());
    event.as_object_mut().unwrap().remove("time");
    let refusal = decode(&Envelope::bare(event.to_string().as_bytes()), RECEIVED, &replay).unwrap_err();
    assert_eq!((refusal.reason.name(), &refusal.detail[..25]), ("missing_field", "The field time is missing"));
}

#[test]
fn a_leap_second_is_a_time() {
    assert_eq!(
        accept(&with(captured(), "/time", json!("2016-12-31T23:59:60Z"))).at.to_string(),
        "2016-12-31T23:59:59Z"
    );
}

#[test]
fn national_numbers_are_read_where_the_lead_is_at_home() {
    let number = |country: Value| {
        let lead = json!({"lead": {"phone": "020 7946 0018"}, "profile": {"country": country}});
        phone_of(&accept(&capture(lead))).to_owned()
    };
    assert_eq!(number(json!("GB")), "+442079460018");
    assert_eq!(number(json!("United Kingdom")), "+442079460018");
    // In the default country this is no number at all; its digits stay, for somebody to mend.
    assert_eq!(number(json!(null)), "02079460018");
}

#[test]
fn a_task_may_stand_for_the_lead() {
    let event = accept(&fixture(EventType::TaskDone));
    assert!(event.keys.is_empty() && event.task_id.is_some());
}

#[test]
fn unknown_fields_are_passed_over_everywhere() {
    let mut event = captured();
    for pointer in
        ["", "/data", "/data/lead", "/data/profile", "/data/origin", "/data/consent/0", "/data/qualification"]
    {
        event.pointer_mut(pointer).unwrap()["x_new"] = json!({"deep": [1, 2, 3]});
    }
    let (got, expected) = (accept(&event), accept(&captured()));
    assert_eq!((got.keys, got.body), (expected.keys, expected.body));
    assert_ne!(got.content, expected.content);
}

#[test]
fn of_equal_keys_the_last_wins() {
    let body = captured().to_string().replacen("\"source\"", "\"source\":\"/other\",\"source\"", 1);
    assert_eq!(take(body.as_bytes()).unwrap().source, "/forms/pricing");
}

#[test]
fn a_null_is_as_good_as_nothing() {
    let nulls = json!({"profile": null, "qualification": null, "interests": null, "consent": [null], "origin": {"test": null}, "note": null});
    assert_eq!(accept(&capture(nulls)).body, accept(&capture(json!({}))).body);
}

#[test]
fn the_echo_of_a_tasks_kind_is_not_taken_for_the_kind_of_a_bounce() {
    let echoed = with(fixture(EventType::EmailBounced), "/data/kind", json!("follow_up"));
    let Body::Email(mail) = accept(&echoed).body else { panic!("a mail") };
    assert_eq!(mail.what, gleaner::domain::event::EmailWhat::Bounced { hard: false });
}

#[test]
fn a_rep_is_nobodys_lead() {
    let event = accept(&with(fixture(EventType::RepUpdated), "/data/lead", json!({"id": "crm-77"})));
    assert_eq!(event.keys, Vec::<Key>::new());
}
