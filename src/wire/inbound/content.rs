//! The digest that tells a copy of an event from a contradiction.
//!
//! Two messages have the same content if type, given time and data are equal as JSON values: the order of keys, white
//! space, the spelling of numbers (1, 1.0, 1e0) and the offset in which the time is given do not matter.

use serde_json::{Number, Value};
use sha2::{Digest, Sha256};

use crate::domain::event::ContentHash;
use crate::domain::time::Moment;

/// Digests what the event says. Every part is preceded by its kind and length, so that no two contents collide.
pub fn hash(kind: &str, given: Option<Moment>, data: &Value) -> ContentHash {
    let mut out = Canonical { sha: Sha256::new(), pending: Vec::with_capacity(FLUSH_BYTES + 256) };
    out.text(kind);
    match given {
        Some(at) => out.int(at.0.into()),
        None => out.tag(b'n'),
    }
    out.value(data);
    out.finish()
}

/// SHA-256 takes many small pieces slowly; they are gathered up to this size.
const FLUSH_BYTES: usize = 2048;

struct Canonical {
    sha: Sha256,
    pending: Vec<u8>,
}

impl Canonical {
    fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.tag(b'n'),
            Value::Bool(false) => self.tag(b'f'),
            Value::Bool(true) => self.tag(b't'),
            Value::Number(n) => self.number(n),
            Value::String(s) => self.text(s),
            Value::Array(items) => {
                self.count(b'[', items.len());
                items.iter().for_each(|v| self.value(v));
            }
            Value::Object(map) => {
                self.count(b'{', map.len());
                // In order already, unless some crate in the build turns on serde_json's `preserve_order`.
                if map.keys().is_sorted() {
                    map.iter().for_each(|entry| self.entry(entry));
                } else {
                    let mut entries: Vec<(&String, &Value)> = map.iter().collect();
                    entries.sort_unstable_by_key(|(key, _)| *key);
                    entries.into_iter().for_each(|entry| self.entry(entry));
                }
            }
        }
    }

    fn entry(&mut self, (key, value): (&String, &Value)) {
        self.text(key);
        self.value(value);
    }

    /// Whole numbers are equal however they are spelled, and −0 is 0; others are equal if their doubles are.
    fn number(&mut self, n: &Number) {
        let whole = n.as_i64().map(i128::from).or_else(|| n.as_u64().map(i128::from));
        let double = n.as_f64().unwrap_or(f64::NAN);
        match whole {
            Some(i) => self.int(i),
            // Beyond 2^64 JSON integers arrive as doubles too, so the spelling cannot matter there either.
            None if double.fract() == 0.0 && double.abs() < 18_446_744_073_709_551_616.0 => self.int(double as i128),
            None => {
                self.tag(b'd');
                self.pending.extend_from_slice(&double.to_bits().to_be_bytes());
            }
        }
    }

    fn int(&mut self, i: i128) {
        self.tag(b'i');
        self.pending.extend_from_slice(&i.to_be_bytes());
    }

    fn text(&mut self, text: &str) {
        self.count(b's', text.len());
        if text.len() > FLUSH_BYTES {
            self.flush();
            self.sha.update(text);
        } else {
            self.pending.extend_from_slice(text.as_bytes());
        }
    }

    fn count(&mut self, tag: u8, n: usize) {
        self.tag(tag);
        self.pending.extend_from_slice(&(n as u64).to_be_bytes());
    }

    fn tag(&mut self, tag: u8) {
        if self.pending.len() > FLUSH_BYTES {
            self.flush();
        }
        self.pending.push(tag);
    }

    fn flush(&mut self) {
        self.sha.update(&self.pending);
        self.pending.clear();
    }

    fn finish(mut self) -> ContentHash {
        self.flush();
        let mut first_16 = [0; 16];
        first_16.copy_from_slice(&self.sha.finalize()[..16]);
        ContentHash(first_16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(text: &str) -> ContentHash {
        hash("lead.captured", None, &serde_json::from_str(text).unwrap())
    }

    #[test]
    fn the_order_of_keys_and_white_space_do_not_matter() {
        assert_eq!(of(r#"{"a":1,"b":[true,null]}"#), of("{ \"b\": [true, null],\n \"a\": 1 }"));
        assert_ne!(of(r#"{"a":[1,2]}"#), of(r#"{"a":[2,1]}"#));
    }

    #[test]
    fn the_spelling_of_a_number_does_not_matter() {
        for (a, b) in [("1", "1.0"), ("1", "1e0"), ("0", "-0"), ("0", "-0.0"), ("100", "1e2"), ("-5", "-5.00")] {
            assert_eq!(of(a), of(b), "{a} {b}");
        }
        for (a, b) in [("1", "\"1\""), ("1", "true"), ("0.1", "0.2"), ("18446744073709551615", "18446744073709551616")]
        {
            assert_ne!(of(a), of(b), "{a} {b}");
        }
    }

    #[test]
    fn parts_cannot_run_into_each_other() {
        assert_ne!(of(r#"["a","b"]"#), of(r#"["ab"]"#));
        assert_ne!(of(r#"[[1],2]"#), of(r#"[[1,2]]"#));
        assert_ne!(of(r#"{"a":"b"}"#), of(r#"["a","b"]"#));
        assert_ne!(of("null"), of("false"));
    }

    #[test]
    fn type_and_time_are_content_too() {
        let data = json!({"a": 1});
        let all = [
            hash("x", None, &data),
            hash("y", None, &data),
            hash("x", Some(Moment(0)), &data),
            hash("x", Some(Moment(1)), &data),
        ];
        for (i, a) in all.iter().enumerate() {
            assert!(all[i + 1..].iter().all(|b| a != b));
        }
    }

    #[test]
    fn long_text_is_digested_like_short_text() {
        let long = "x".repeat(FLUSH_BYTES * 3);
        assert_eq!(of(&json!([long, 1]).to_string()), of(&json!([long, 1.0]).to_string()));
        assert_ne!(of(&json!([long, 1]).to_string()), of(&json!([format!("{long}x"), 1]).to_string()));
    }
}
