//! One good message of every type: decoded, described by its schema, the same in either mode.

use gleaner::domain::event::{Answer, Body, Channel, ConsentLevel, ConsentState, EmailWhat, EventType, WhenLocal};
use gleaner::domain::identity::{Key, KeyKind};
use gleaner::wire::schema::schemas;

use super::*;

#[test]
fn every_event_type_has_a_message_that_is_taken_as_that_type() {
    for kind in EventType::ALL {
        assert_eq!(accept(&fixture(*kind)).kind(), *kind);
    }
}

#[test]
fn every_message_fits_its_schema_and_no_other() {
    let schemas = schemas();
    for kind in EventType::ALL {
        let validator = jsonschema::validator_for(&schemas[&format!("{}.json", kind.name())]).unwrap();
        if let Err(error) = validator.validate(&fixture(*kind)) {
            panic!("{} at {}: {error}", kind.name(), error.instance_path());
        }
        for other in EventType::ALL.iter().filter(|other| *other != kind) {
            assert!(!validator.is_valid(&fixture(*other)), "{} as {}", other.name(), kind.name());
        }
    }
}

#[test]
fn a_schema_wants_the_lead_to_be_named_and_words_to_be_known() {
    let schemas = schemas();
    let refuses = |kind: EventType, event: Value| {
        let validator = jsonschema::validator_for(&schemas[&format!("{}.json", kind.name())]).unwrap();
        assert!(!validator.is_valid(&event), "{event}");
        assert!(take(event.to_string().as_bytes()).is_err(), "{event}");
    };
    let mut nobody = fixture(EventType::LeadErased);
    nobody["data"].as_object_mut().unwrap().remove("lead");
    refuses(EventType::LeadErased, nobody);
    refuses(EventType::LeadFlagged, with(fixture(EventType::LeadFlagged), "/data/flag", json!("boring")));
    refuses(EventType::TaskDone, with(fixture(EventType::TaskDone), "/data/task_id", json!(null)));
    refuses(
        EventType::QualificationAnswered,
        with(fixture(EventType::QualificationAnswered), "/data/budget", json!(4)),
    );
    refuses(EventType::LeadCaptured, with(captured(), "/data/consent/0", json!({"channel": "call"})));
    refuses(EventType::OutcomeWon, with(fixture(EventType::OutcomeWon), "/data/amount", json!({"amount": "12.50"})));
}

#[test]
fn an_event_is_the_same_in_binary_mode_under_every_prefix() {
    for kind in EventType::ALL {
        let structured = fixture(*kind);
        let expected = accept(&structured);
        for prefix in ["ce-", "ce_", "cloudEvents:", "cloudEvents_", "CE-"] {
            let attributes = ["specversion", "id", "source", "type", "time"];
            let header = |name: &&str| Some((format!("{prefix}{name}"), structured.get(*name)?.as_str()?.to_owned()));
            let headers: Vec<(String, String)> = attributes.iter().filter_map(header).collect();
            let body = structured["data"].to_string();
            let envelope = Envelope {
                content_type: Some("application/json"),
                headers: &headers,
                ..Envelope::bare(body.as_bytes())
            };
            assert_eq!(decode(&envelope, RECEIVED, &settings()).unwrap(), expected);
        }
    }
}

#[test]
fn the_example_of_the_contract_is_understood_in_full() {
    let event = accept(&captured());
    let key = |kind, value: &str| Key::new(kind, value);
    assert_eq!(
        event.keys,
        [
            key(KeyKind::Id, "crm-77"),
            key(KeyKind::Email, "ana@example.com"),
            key(KeyKind::Phone, "+13055550123"),
            key(KeyKind::Visitor, "v-9")
        ]
    );
    assert_eq!(event.at.to_string(), "2026-03-02T14:05:00Z");
    let Body::Captured(capture) = event.body else { panic!("a capture") };
    assert_eq!(capture.profile.company.as_deref(), Some("Acme"));
    assert_eq!(capture.profile.employees, Some(120));
    assert_eq!(capture.qualification.budget, Some(Answer::Level(2)));
    assert_eq!(capture.qualification.timeline, Some(Answer::Date(20_634)));
    assert_eq!(capture.interests, ["route planning"]);
    assert_eq!(capture.origin.fill_seconds, Some(41));
    assert_eq!(capture.origin.test, Some(false));
    assert_eq!(capture.consent.len(), 2);
    let call = &capture.consent[0];
    assert_eq!(
        (call.channel, call.state, call.level),
        (Channel::Call, ConsentState::Granted, Some(ConsentLevel::ExpressWritten))
    );
    assert_eq!(call.key, Some(key(KeyKind::Phone, "+13055550123")));
    assert_eq!(call.modes, ["live"]);
    assert_eq!(capture.consent[1].state, ConsentState::NotGiven);
}

#[test]
fn what_a_dialer_and_a_mailer_report_is_understood() {
    let Body::CallCompleted(call) = accept(&fixture(EventType::CallCompleted)).body else { panic!("a call") };
    let flags = call.flags.unwrap();
    assert!(flags.human_answered && flags.customer_contact && flags.scheduled_callback && !flags.sale);
    assert!(matches!(call.callback_at, Some(WhenLocal::Local(t)) if t.to_string() == "2026-03-05T09:30:00"));
    assert_eq!(call.duration_seconds, Some(75));

    let Body::Email(bounce) = accept(&fixture(EventType::EmailBounced)).body else { panic!("a mail") };
    assert_eq!(bounce.what, EmailWhat::Bounced { hard: true });
}
