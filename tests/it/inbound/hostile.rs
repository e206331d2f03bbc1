//! Input meant to break something, or broken by others: an answer in bounded time and memory, never a panic.

use gleaner::domain::event::Body;

use super::*;

#[test]
fn an_email_of_eight_kilobytes_is_refused() {
    let refusal = refusal(&with(captured(), "/data/lead/email", json!(format!("{}@example.com", "a".repeat(8192)))));
    assert_eq!(refusal.reason.name(), "invalid_field");
    assert!(refusal.detail.len() < 200, "{}", refusal.detail);
}

#[test]
fn other_scripts_directions_and_forms_come_through_unchanged() {
    for name in ["שלום עולם", "مُحَمَّد", "👩‍🚀 Zoë", "Zoe\u{308}", "李雷", "\u{202e}txt.exe"]
    {
        let Body::Captured(capture) = accept(&capture(json!({"profile": {"name": name}}))).body else {
            panic!("a capture")
        };
        assert_eq!(capture.profile.name.as_deref(), Some(name));
    }
}

#[test]
fn a_nul_never_reaches_a_kept_text() {
    let nul = "a\u{0}b";
    let data = json!({
        "lead": {"id": nul, "visitor": nul}, "profile": {"name": nul, "region": nul, "postal_code": nul}, "note": nul,
        "interests": [nul], "origin": {"form": nul}, "attributes": {nul: nul}, "qualification": {"budget": nul, "by": nul},
        "consent": [{"channel": "call", "granted": true, "modes": [nul], "evidence_url": nul}],
    });
    let event = accept(&capture(data));
    assert!(!format!("{event:?}").contains("\\0"), "{event:?}");
}

#[test]
fn a_hundred_thousand_keys_are_read_and_not_kept() {
    let many: serde_json::Map<String, Value> = (0..60_000).map(|i| (format!("k{i}"), json!(i))).collect();
    let Body::Captured(capture) = accept(&capture(json!({ "attributes": many }))).body else { panic!("a capture") };
    assert_eq!(capture.attributes.len(), 100);
    let body = format!("{{{}\"id\":1}}", "\"k\":1,".repeat(100_000));
    assert_eq!(take(body.as_bytes()).unwrap_err().reason.name(), "missing_field");
}

#[test]
fn depth_is_bounded_before_anything_is_parsed() {
    let nested = |depth: usize| {
        let data = "[".repeat(depth) + &"]".repeat(depth);
        captured().to_string().replacen("\"pro\"", &data, 1)
    };
    // The event itself, its data and its attributes are three levels.
    assert!(take(nested(61).as_bytes()).is_ok());
    for depth in [62, 129, 100_000, 500_000] {
        assert_eq!(take(nested(depth).as_bytes()).unwrap_err().reason.name(), "malformed_json");
    }
}

#[test]
fn numbers_beyond_every_range_are_refused_and_minus_zero_is_zero() {
    let body = captured().to_string();
    let with_employees = |number: &str| take(body.replacen("120", number, 1).as_bytes());
    for number in ["1e400", "-1e400"] {
        assert_eq!(with_employees(number).unwrap_err().reason.name(), "malformed_json");
    }
    for number in ["1e300", "-1", "99999999999999999999999999"] {
        assert_eq!(with_employees(number).unwrap_err().reason.name(), "invalid_field");
    }
    let (zero, minus_zero) = (with_employees("0").unwrap(), with_employees("-0").unwrap());
    assert_eq!(zero, minus_zero);
}

#[test]
fn a_lone_surrogate_is_malformed() {
    for escape in ["\\ud800", "\\udc00", "\\ud800\\u0041"] {
        let body = captured().to_string().replacen("Acme", escape, 1);
        assert_eq!(take(body.as_bytes()).unwrap_err().reason.name(), "malformed_json");
    }
}

#[test]
fn a_message_cut_anywhere_is_refused() {
    let body = captured().to_string();
    for end in 0..body.len() {
        let refusal = take(&body.as_bytes()[..end]).unwrap_err();
        assert_eq!(refusal.reason.name(), "malformed_json", "cut at {end}");
    }
}

#[test]
fn lists_of_keys_without_end_are_refused() {
    let phones: Vec<String> = (0..101).map(|i| format!("+1305555{i:04}")).collect();
    assert_eq!(reason(&capture(json!({"lead": {"phones": phones}}))), "invalid_field");
    assert_eq!(
        reason(&capture(json!({"consent": vec![json!({"channel": "call", "granted": true}); 101]}))),
        "invalid_field"
    );
}

#[test]
fn text_aimed_at_templates_logs_and_tables_is_only_text() {
    for text in [
        "{{7*7}}",
        "${jndi:ldap://x}",
        "'; DROP TABLE leads; --",
        "=HYPERLINK(\"x\")",
        "<script>alert(1)</script>",
        "a\r\nb: injected",
    ] {
        let Body::Captured(capture) = accept(&capture(json!({"profile": {"company": text}}))).body else {
            panic!("a capture")
        };
        assert!(!capture.profile.company.unwrap().contains(['\r', '\n']));
        let refusal = refusal(&with(captured(), "/type", json!(text)));
        assert!(!refusal.detail.contains(['\r', '\n']), "{}", refusal.detail);
    }
}
