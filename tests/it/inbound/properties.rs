//! What holds for any input: no panic, and a content digest that sees values and nothing else.

use gleaner::wire::inbound::Reason;
use proptest::prelude::*;
use proptest::sample::Index;

use super::*;

fn any_fixture() -> impl Strategy<Value = Value> {
    proptest::sample::select(EventType::ALL).prop_map(fixture)
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (-3_i64..5).prop_map(Value::from),
        "\\PC{0,30}".prop_map(Value::from),
        "[+0-9 ()x.-]{0,20}".prop_map(Value::from),
        "[a-zA-Z._-]{0,8}@?[a-z.]{0,12}".prop_map(Value::from),
        "[0-9]{4}-[01][0-9]-[0-3][0-9](T[0-2][0-9]:[0-5][0-9](:[0-6][0-9])?(Z|[+-][0-9]{2}:?[0-9]{2})?)?"
            .prop_map(Value::from),
        Just(json!("\u{0}")),
        Just(json!("granted")),
        Just(json!("hard")),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("[a-z_]{0,8}", inner, 0..4).prop_map(Value::from_iter),
        ]
    })
}

/// Every place in a message that holds a value.
fn pointers(value: &Value, at: &str, out: &mut Vec<String>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(k, v)| (k.clone(), v)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(i, v)| (i.to_string(), v)).collect(),
        _ => Vec::new(),
    };
    for (name, child) in children {
        let pointer = format!("{at}/{name}");
        pointers(child, &pointer, out);
        out.push(pointer);
    }
}

fn pick(event: &Value, under: &str, index: Index) -> String {
    let mut all = Vec::new();
    pointers(event.pointer(under).unwrap(), under, &mut all);
    all.swap_remove(index.index(all.len()))
}

/// The same JSON with its keys in reverse order and white space all over.
fn respelled(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let entries: Vec<String> =
                map.iter().rev().map(|(k, v)| format!("\t{} :\n{}", Value::from(k.as_str()), respelled(v))).collect();
            format!("{{ {} }}", entries.join(" ,\r\n"))
        }
        Value::Array(items) => format!("[\n{} ]", items.iter().map(respelled).collect::<Vec<_>>().join(" , ")),
        Value::Number(n) if n.is_i64() => format!("{n}.0"),
        other => other.to_string(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_the_decoder_panic(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(take(&body).is_err());
    }

    #[test]
    fn no_damaged_bytes_make_the_decoder_panic(event in any_fixture(), at in any::<Index>(), byte in any::<u8>()) {
        let mut body = event.to_string().into_bytes();
        let at = at.index(body.len());
        body[at] = byte;
        let _ = take(&body);
    }

    #[test]
    fn no_value_in_any_place_makes_the_decoder_panic(
        event in any_fixture(), at in any::<Index>(), value in any_value(), more in any::<Index>(), other in any_value(),
    ) {
        let pointer = pick(&event, "", at);
        let once = with(event, &pointer, value);
        let pointer = pick(&once, "", more);
        let twice = with(once, &pointer, other);
        if let Err(refusal) = take(twice.to_string().as_bytes()) {
            prop_assert!(refusal.reason <= Reason::TooOld);
            prop_assert!(refusal.detail.len() < 600 && refusal.detail.ends_with('.'), "{}", refusal.detail);
            prop_assert_eq!(refusal.key.len(), 64);
        }
    }

    #[test]
    fn no_headers_make_the_decoder_panic(
        headers in proptest::collection::vec(("(ce-|ce_|cloudEvents:|CE_)?(id|source|type|specversion|time|\\PC{0,6})", "\\PC{0,20}"), 0..8),
        body in "\\PC{0,40}", content_type in proptest::option::of("\\PC{0,30}"),
    ) {
        let envelope = Envelope { content_type: content_type.as_deref(), headers: &headers, ..Envelope::bare(body.as_bytes()) };
        let _ = decode(&envelope, RECEIVED, &settings());
    }

    #[test]
    fn the_content_is_the_same_however_it_is_spelled(event in any_fixture()) {
        prop_assert_eq!(take(respelled(&event).as_bytes()).map(|e| e.content), Ok(accept(&event).content));
    }

    #[test]
    fn the_content_changes_with_every_value_of_the_data(event in any_fixture(), at in any::<Index>()) {
        let pointer = pick(&event, "/data", at);
        let changed = match event.pointer(&pointer).unwrap() {
            Value::String(text) if text.contains('@') => json!(format!("z{text}")),
            Value::String(text) => json!(format!("{text} ")),
            Value::Number(n) => json!(n.as_i64().unwrap() ^ 1),
            Value::Bool(b) => json!(!b),
            Value::Null => json!(" "),
            Value::Array(items) => items.iter().chain([&Value::Null]).cloned().collect(),
            Value::Object(map) => map.iter().map(|(k, v)| (k.clone(), v.clone())).chain([("x".to_owned(), json!(1))]).collect(),
        };
        let changed = with(event.clone(), &pointer, changed);
        if let Ok(other) = take(changed.to_string().as_bytes()) {
            let event = accept(&event);
            prop_assert_ne!(other.content, event.content, "{}", pointer);
            prop_assert_eq!(other.key, event.key);
        }
    }
}
