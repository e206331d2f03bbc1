//! Every reason for which a message is refused, and which of two reasons is given.

use gleaner::wire::inbound::{Reason, key_of_body, key_of_event};

use super::*;

fn refused(body: &[u8]) -> (&'static str, String) {
    let refusal = take(body).unwrap_err();
    (refusal.reason.name(), refusal.detail)
}

fn without(mut event: Value, field: &str) -> Value {
    event.as_object_mut().unwrap().remove(field);
    event
}

#[test]
fn a_body_over_the_limit_is_too_large_and_one_of_the_limit_is_not() {
    let mut body = captured().to_string().into_bytes();
    body.resize(1024 * 1024, b' ');
    assert!(take(&body).is_ok());
    body.push(b' ');
    assert_eq!(
        refused(&body),
        ("too_large", "The body is 1048577 bytes, but at most 1048576 are accepted.".to_owned())
    );
}

#[test]
fn bytes_that_are_no_text_are_invalid_utf8() {
    assert_eq!(
        refused(b"{\"id\":\"\xff\"}"),
        ("invalid_utf8", "The body should be UTF-8, but byte 8 is not.".to_owned())
    );
}

#[test]
fn a_compressed_body_is_told_to_be_one() {
    let (reason, detail) = refused(b"\x1f\x8b\x08\x00\x00\x00\x00\x00");
    assert_eq!(reason, "invalid_utf8");
    assert!(detail.contains("gzip"), "{detail}");
}

#[test]
fn what_is_no_json_object_is_malformed_json() {
    let whole = captured().to_string();
    for body in ["", " ", "{", "not json", "[]", "null", "7", "\"text\"", &whole[..whole.len() - 1]] {
        assert_eq!(refused(body.as_bytes()).0, "malformed_json", "{body:.20}");
    }
}

#[test]
fn an_envelope_field_that_is_not_there_is_missing() {
    for field in ["specversion", "id", "source", "type"] {
        for event in [without(captured(), field), with(captured(), &format!("/{field}"), json!(null))] {
            let refusal = refusal(&event);
            assert_eq!(refusal.reason, Reason::MissingField);
            assert!(refusal.detail.starts_with(&format!("The field {field} is missing")), "{}", refusal.detail);
        }
    }
}

#[test]
fn an_envelope_field_of_the_wrong_form_is_invalid() {
    for field in ["specversion", "id", "source", "type"] {
        for value in [json!(""), json!(1.0), json!(["x"]), json!({}), json!(true)] {
            assert_eq!(reason(&with(captured(), &format!("/{field}"), value)), "invalid_field");
        }
    }
    for field in ["id", "source"] {
        assert!(take(with(captured(), &format!("/{field}"), json!("x".repeat(255))).to_string().as_bytes()).is_ok());
        assert_eq!(reason(&with(captured(), &format!("/{field}"), json!("x".repeat(256)))), "invalid_field");
        assert_eq!(reason(&with(captured(), &format!("/{field}"), json!("a\u{0}b"))), "invalid_field");
    }
    for time in [json!("yesterday"), json!("2026-03-02"), json!("2026-03-02T14:05:00"), json!(1_772_460_300), json!("")]
    {
        assert_eq!(reason(&with(captured(), "/time", time)), "invalid_field");
    }
}

#[test]
fn another_version_of_cloudevents_is_unsupported() {
    assert_eq!(reason(&with(captured(), "/specversion", json!("0.3"))), "unsupported_version");
    assert_eq!(reason(&with(captured(), "/specversion", json!("2.0"))), "unsupported_version");
}

#[test]
fn a_type_outside_the_contract_is_unknown() {
    let refusal = refusal(&with(captured(), "/type", json!("lead.teleported\u{1b}[31m")));
    assert_eq!(refusal.reason, Reason::UnknownType);
    assert!(refusal.detail.ends_with("(did you mean lead.captured, lead.updated, lead.flagged, lead.erased?)."));
    assert!(refusal.detail.contains(r#"but it is "lead.teleported\u{1b}[31m" ("#), "{}", refusal.detail);
}

#[test]
fn data_that_lacks_what_its_type_needs_misses_a_field() {
    let missing = |event: Value, field: &str| {
        let refusal = refusal(&event);
        assert_eq!(refusal.reason, Reason::MissingField, "{}", refusal.detail);
        assert!(refusal.detail.starts_with(&format!("The field {field} is missing")), "{}", refusal.detail);
    };
    missing(without(captured(), "data"), "data");
    missing(with(captured(), "/data/lead", json!(null)), "data.lead");
    missing(with(captured(), "/data/lead", json!({"name": "Ana"})), "data.lead");
    missing(with(fixture(EventType::LeadFlagged), "/data/flag", json!(" ")), "data.flag");
    missing(with(fixture(EventType::FeedbackGiven), "/data/verdict", json!(null)), "data.verdict");
    missing(with(fixture(EventType::ContactScreened), "/data/key", json!(null)), "data.key");
    missing(with(fixture(EventType::ContactScreened), "/data/checks", json!([])), "data.checks");
    missing(with(fixture(EventType::ContactScreened), "/data/checks/1/result", json!(null)), "data.checks[1].result");
    missing(with(fixture(EventType::TaskFailed), "/data/task_id", json!(null)), "data.task_id");
    missing(with(fixture(EventType::PartnerResponded), "/data/partner", json!("")), "data.partner");
    missing(with(fixture(EventType::PartnerResponded), "/data/response", json!(null)), "data.response");
    missing(with(fixture(EventType::SignalObserved), "/data/name", json!(null)), "data.name");
    missing(with(fixture(EventType::RepUpdated), "/data/rep", json!(null)), "data.rep");
    missing(with(captured(), "/data/consent/1/channel", json!(null)), "data.consent[1].channel");
    let unanswered =
        with(fixture(EventType::QualificationAnswered), "/data", json!({"lead": {"id": "a"}, "by": "rep-3"}));
    missing(unanswered, "data");
}

#[test]
fn data_of_the_wrong_form_is_invalid_and_named_by_its_path() {
    let invalid = |event: Value, field: &str| {
        let refusal = refusal(&event);
        assert_eq!(refusal.reason, Reason::InvalidField, "{}", refusal.detail);
        assert!(refusal.detail.starts_with(&format!("The field {field} should be ")), "{}", refusal.detail);
    };
    invalid(with(captured(), "/data", json!("text")), "data");
    invalid(with(captured(), "/data/lead", json!("ana@example.com")), "data.lead");
    invalid(with(captured(), "/data/lead/email", json!("nobody")), "data.lead.email");
    invalid(with(captured(), "/data/lead/id", json!("x".repeat(256))), "data.lead.id");
    invalid(with(captured(), "/data/qualification/budget", json!(4)), "data.qualification.budget");
    invalid(with(captured(), "/data/profile/employees", json!("many")), "data.profile.employees");
    invalid(with(captured(), "/data/consent/0/level", json!("verbal")), "data.consent[0].level");
    invalid(with(captured(), "/data/consent/0/key", json!("ana@example.com")), "data.consent[0].key");
    invalid(with(fixture(EventType::CallCompleted), "/data/answered_by", json!("parrot")), "data.answered_by");
    invalid(with(fixture(EventType::CallCompleted), "/data/task_id", json!("12345")), "data.task_id");
    invalid(with(fixture(EventType::EmailBounced), "/data/kind", json!("bouncy")), "data.kind");
    invalid(with(fixture(EventType::OutcomeWon), "/data/amount", json!(1250)), "data.amount");
    invalid(with(fixture(EventType::MeetingBooked), "/data/at", json!("2026-03-10T15:00:00")), "data.at");
}

#[test]
fn a_time_more_than_five_minutes_ahead_is_in_the_future() {
    let at = |ms: i64| with(captured(), "/time", json!(Moment(RECEIVED.0 + ms).to_string()));
    assert!(take(at(300_000).to_string().as_bytes()).is_ok());
    assert_eq!(reason(&at(300_001)), "future_time");
    assert_eq!(reason(&with(captured(), "/time", json!("9999-12-31T23:59:59Z"))), "future_time");
    let said = refusal(&with(captured(), "/time", json!("9999-12-31T23:59:59Z"))).detail;
    assert!(said.starts_with("The time 9999-12-31T23:59:59Z is "), "as it was written: {said}");
    let said = refusal(&at(300_001)).detail;
    assert!(said.ends_with(" is 301 s after receipt, but at most 300 s are accepted."), "{said}");
}

#[test]
fn a_time_before_2000_is_too_old() {
    assert!(take(with(captured(), "/time", json!("2000-01-01T00:00:00Z")).to_string().as_bytes()).is_ok());
    assert_eq!(reason(&with(captured(), "/time", json!("1999-12-31T23:59:59.999Z"))), "too_old");
    assert_eq!(reason(&with(captured(), "/time", json!("0001-01-01T00:00:00Z"))), "too_old");
}

#[test]
fn reasons_found_later_on_keep_what_is_known_of_the_event() {
    let event = accept(&captured());
    for reason in [Reason::UnknownTask, Reason::ErasedLead, Reason::IdConflict, Reason::InternalError] {
        let refusal = Refusal::of(&event, reason, "Said in full.");
        assert_eq!(refusal.key, key_of_event("/forms/pricing", "e-1001"));
        assert_eq!(refusal.kind.as_deref(), Some("lead.captured"));
        assert_eq!(refusal.to_string(), format!("{}: Said in full.", reason.name()));
    }
}

/// Each step spoils one thing more, from the last check to the first; the reason is always the earlier one's.
#[test]
fn of_two_faults_the_one_that_is_checked_first_is_named() {
    let old = with(captured(), "/time", json!("1999-01-01T00:00:00Z"));
    let bad_data = with(old, "/data/lead", json!(null));
    let unknown = with(bad_data, "/type", json!("lead.teleported"));
    let version = with(unknown, "/specversion", json!("0.3"));
    let no_id = with(version.clone(), "/id", json!(null));
    let reasons = ["missing_field", "unknown_type", "unsupported_version", "missing_field"];
    let events = [
        with(with(captured(), "/time", json!("1999-01-01T00:00:00Z")), "/data/lead", json!(null)),
        with(with(captured(), "/type", json!("x")), "/data/lead", json!(null)),
        version,
        no_id.clone(),
    ];
    for (event, expected) in events.iter().zip(reasons) {
        assert_eq!(reason(event), expected, "{event}");
    }
    let text = no_id.to_string();
    let malformed = &text[..text.len() - 1];
    assert_eq!(refused(malformed.as_bytes()).0, "malformed_json");
    let not_text = [malformed.as_bytes(), b"\xff"].concat();
    assert_eq!(refused(&not_text).0, "invalid_utf8");
    let mut large = not_text;
    large.resize(1024 * 1024 + 1, 0xff);
    assert_eq!(refused(&large).0, "too_large");
}

#[test]
fn a_refusal_is_found_by_the_digest_of_source_and_id_or_of_the_body() {
    let with_both = refusal(&with(captured(), "/type", json!("x")));
    assert_eq!(with_both.key, key_of_event("/forms/pricing", "e-1001"));
    assert_eq!((with_both.source.as_deref(), with_both.id.as_deref()), (Some("/forms/pricing"), Some("e-1001")));
    assert_eq!(with_both.time.as_deref(), Some("2026-03-02T14:05:00Z"));

    let without_id = without(captured(), "id");
    assert_eq!(refusal(&without_id).key, key_of_body(without_id.to_string().as_bytes()));
    assert_eq!(take(b"{").unwrap_err().key, key_of_body(b"{"));

    let headers = [("ce-id", "e-9"), ("ce-source", "/s")].map(|(k, v)| (k.to_owned(), v.to_owned()));
    let broken = Envelope { headers: &headers, ..Envelope::bare(b"{") };
    assert_eq!(decode(&broken, RECEIVED, &settings()).unwrap_err().key, key_of_event("/s", "e-9"));
}

#[test]
fn no_sentence_tells_what_a_personal_field_held() {
    let secrets = ["Zsecretz", "zsecretz@", "+1305zsecretz", "5550199"];
    let pointers = [
        "/data/lead/email",
        "/data/lead/phone",
        "/data/lead/id",
        "/data/lead/phones",
        "/data/consent/0/key",
        "/data/profile/name",
        "/data/note",
        "/data/profile/employees",
        "/data/consent/0/at",
        "/data/origin/test",
    ];
    for pointer in pointers {
        for secret in secrets {
            for value in [json!(secret), json!([secret]), json!({ "x": secret })] {
                if let Err(refusal) = take(with(captured(), pointer, value).to_string().as_bytes()) {
                    assert!(!refusal.detail.to_lowercase().contains("secret"), "{}", refusal.detail);
                    assert!(!refusal.detail.contains("5550199"), "{}", refusal.detail);
                }
            }
        }
    }
}
