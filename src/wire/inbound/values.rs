//! The plain values of messages besides text: counts, truth values, addresses of machines, task ids.

use std::net::IpAddr;

use serde_json::Value;
use uuid::Uuid;

use super::read::{At, Fault, Read, leaf_schema};

/// A whole number from zero; also in quotes ("120", "1,200"), and with a fraction, which is dropped.
#[derive(Clone, Copy, Debug)]
pub struct Count(pub u32);
leaf_schema!(Count, "Count", { "type": "integer", "minimum": 0, "maximum": u32::MAX });

impl Read for Count {
    const EXPECTED: &'static str = "a number from 0 to 4294967295";

    fn read(value: &Value, at: &At<'_>) -> Result<Option<Count>, Fault> {
        let count = match value {
            Value::Number(n) => n.as_f64(),
            Value::String(s) if s.trim().is_empty() => return Ok(None),
            Value::String(s) if s.trim().bytes().all(|b| b.is_ascii_digit() || b == b',' || b == b'.') => {
                s.trim().replace(',', "").parse().ok()
            }
            _ => None,
        };
        match count {
            Some(n) if (0.0..=f64::from(u32::MAX)).contains(&n.trunc()) => Ok(Some(Count(n as u32))),
            _ => Err(Fault::invalid(at, Self::EXPECTED, value)),
        }
    }
}

/// A truth value; also as the words that forms and dialers write for it.
#[derive(Clone, Copy, Debug)]
pub struct Flag(pub bool);
leaf_schema!(Flag, "Flag", { "type": "boolean" });

impl Read for Flag {
    const EXPECTED: &'static str = "true or false";

    fn read(value: &Value, at: &At<'_>) -> Result<Option<Flag>, Fault> {
        let flag = match value {
            Value::Bool(b) => Some(*b),
            Value::Number(n) if n.as_f64() == Some(1.0) => Some(true),
            Value::Number(n) if n.as_f64() == Some(0.0) => Some(false),
            Value::String(s) if s.trim().is_empty() => return Ok(None),
            Value::String(s) => match s.trim().to_ascii_lowercase().as_str() {
                "true" | "1" | "yes" | "y" | "on" => Some(true),
                "false" | "0" | "no" | "n" | "off" => Some(false),
                _ => None,
            },
            _ => None,
        };
        flag.map(|f| Some(Flag(f))).ok_or_else(|| Fault::invalid(at, Self::EXPECTED, value))
    }
}

pub fn is_true(flag: Option<Flag>) -> bool {
    flag.is_some_and(|f| f.0)
}

/// A truth value on which consent hangs: `true` or `false`, and nothing that might have meant it.
#[derive(Clone, Copy, Debug)]
pub struct StrictFlag(pub bool);
leaf_schema!(StrictFlag, "StrictFlag", { "type": "boolean" });

impl Read for StrictFlag {
    const EXPECTED: &'static str = "true or false";

    fn read(value: &Value, at: &At<'_>) -> Result<Option<StrictFlag>, Fault> {
        let Value::Bool(b) = value else { return Err(Fault::invalid(at, Self::EXPECTED, value)) };
        Ok(Some(StrictFlag(*b)))
    }
}

/// A field that only robots fill in: any text in it counts as filled in.
#[derive(Clone, Copy, Debug)]
pub struct Honeypot(pub bool);
leaf_schema!(Honeypot, "Honeypot", { "type": ["boolean", "string"] });

impl Read for Honeypot {
    const EXPECTED: &'static str = "true, false or the text that was filled in";

    fn read(value: &Value, at: &At<'_>) -> Result<Option<Honeypot>, Fault> {
        match (Flag::read(value, at), value) {
            (Ok(flag), _) => Ok(flag.map(|f| Honeypot(f.0))),
            (Err(_), Value::String(_)) => Ok(Some(Honeypot(true))),
            (Err(_), other) => Err(Fault::invalid_personal(at, Self::EXPECTED, other)),
        }
    }
}

/// An IP address; what is none is passed over, for nothing but evidence hangs on it.
#[derive(Clone, Debug)]
pub struct Ip(pub String);
leaf_schema!(Ip, "IpAddress", { "type": "string" });

impl Read for Ip {
    const EXPECTED: &'static str = "an IP address";

    fn read(value: &Value, at: &At<'_>) -> Result<Option<Ip>, Fault> {
        let Value::String(s) = value else { return Err(Fault::invalid_personal(at, Self::EXPECTED, value)) };
        Ok(s.trim().parse::<IpAddr>().ok().map(|ip| Ip(ip.to_string())))
    }
}

/// The id of a task of ours. One of any other form was never given out, so it is a mistake to be told.
#[derive(Clone, Copy, Debug)]
pub struct TaskId(pub Uuid);
leaf_schema!(TaskId, "TaskId", { "type": "string", "format": "uuid" });

impl Read for TaskId {
    const EXPECTED: &'static str = "the id of a task, a UUID";

    fn read(value: &Value, at: &At<'_>) -> Result<Option<TaskId>, Fault> {
        let id = match value {
            Value::String(s) if s.trim().is_empty() => return Ok(None),
            Value::String(s) => Uuid::try_parse(s.trim()).ok(),
            _ => None,
        };
        id.map(|id| Some(TaskId(id))).ok_or_else(|| Fault::invalid(at, Self::EXPECTED, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read<T: Read>(value: Value) -> Result<Option<T>, Fault> {
        T::read(&value, &At::root("field", None))
    }

    #[test]
    fn counts_are_read_from_numbers_and_from_text() {
        for (value, n) in
            [(json!(120), 120), (json!("120"), 120), (json!(" 1,200 "), 1200), (json!(41.9), 41), (json!("41.9"), 41)]
        {
            assert_eq!(read::<Count>(value).unwrap().unwrap().0, n);
        }
        assert!(read::<Count>(json!("")).unwrap().is_none());
        for value in [json!(-1), json!("many"), json!(5e9), json!([1]), json!(true), json!("1.2.3"), json!("51-200")] {
            assert!(read::<Count>(value.clone()).is_err(), "{value}");
        }
    }

    #[test]
    fn truth_values_are_read_from_the_words_for_them() {
        for value in [json!(true), json!("true"), json!("Y"), json!(1), json!("on")] {
            assert!(read::<Flag>(value).unwrap().unwrap().0);
        }
        for value in [json!(false), json!("FALSE"), json!("n"), json!(0)] {
            assert!(!read::<Flag>(value).unwrap().unwrap().0);
        }
        assert!(read::<Flag>(json!("perhaps")).is_err());
        assert!(read::<StrictFlag>(json!("true")).is_err());
    }

    #[test]
    fn a_robot_that_fills_the_honeypot_with_words_is_caught() {
        assert!(read::<Honeypot>(json!("Cheap watches")).unwrap().unwrap().0);
        assert!(!read::<Honeypot>(json!(false)).unwrap().unwrap().0);
        assert!(read::<Honeypot>(json!(" ")).unwrap().is_none());
    }

    #[test]
    fn a_fault_tells_numbers_but_never_text() {
        assert_eq!(
            read::<Count>(json!(-3)).unwrap_err().detail,
            "The field field should be a number from 0 to 4294967295, but it is the number -3."
        );
        assert_eq!(
            read::<Count>(json!("secret")).unwrap_err().detail,
            "The field field should be a number from 0 to 4294967295, but it is text of 6 characters."
        );
    }
}
