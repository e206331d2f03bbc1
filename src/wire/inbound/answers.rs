//! Answers to the four questions of qualification: a level, a known word, a day, or free text.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::Value;

use super::read::{At, Fault, Read, record};
use super::text::{self, Line};
use super::times;
use super::types::Data;
use super::words::find;
use crate::domain::event::{Answer, Answers, Body, EventType};

record! {
    /// What is known of budget, authority, need and time. Each is a level from 0 to 3, a known word, or free text.
    pub struct Qualification {
        budget: Option<Budget>,
        authority: Option<Authority>,
        need: Option<Need>,
        timeline: Option<Timeline>,
        /// Who asked, or where.
        by: Option<Line>,
    }
}

impl From<Qualification> for Answers {
    fn from(q: Qualification) -> Answers {
        Answers {
            budget: q.budget.map(|a| a.0),
            authority: q.authority.map(|a| a.0),
            need: q.need.map(|a| a.0),
            timeline: q.timeline.map(|a| a.0),
            by: q.by.map(Into::into),
        }
    }
}

/// Answers that come as an event of their own: at least one of the four.
#[derive(Clone, Debug)]
pub struct Answered(pub Qualification);

impl Read for Answered {
    const EXPECTED: &'static str = "at least one of budget, authority, need, timeline";

    fn read(value: &Value, at: &At<'_>) -> Result<Option<Answered>, Fault> {
        let Some(q) = Qualification::read(value, at)? else { return Ok(None) };
        let answered = q.budget.is_some() || q.authority.is_some() || q.need.is_some() || q.timeline.is_some();
        Ok(answered.then_some(Answered(q)))
    }
}

impl JsonSchema for Answered {
    fn schema_name() -> Cow<'static, str> {
        "Answered".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let any = ["budget", "authority", "need", "timeline"].map(|name| serde_json::json!({ "required": [name] }));
        json_schema!({ "allOf": [generator.subschema_for::<Qualification>()], "anyOf": any })
    }
}

impl Data for Answered {
    fn body(self, _: EventType) -> Body {
        Body::Answered(self.0.into())
    }
}

/// Declares a question whose levels 0 to 3 have words.
macro_rules! question {
    ($($(#[$doc:meta])* $name:ident [$zero:literal, $one:literal, $two:literal, $three:literal])*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name(pub Answer);

        impl Read for $name {
            const EXPECTED: &'static str =
                concat!("a level from 0 to 3, one of ", $zero, ", ", $one, ", ", $two, ", ", $three, ", or text");

            fn read(value: &Value, at: &At<'_>) -> Result<Option<$name>, Fault> {
                match value {
                    Value::String(s) => {
                        let level = find(&[($zero, 0), ($one, 1), ($two, 2), ($three, 3)], s);
                        Ok(level.map(Answer::Level).or_else(|| in_words(s)).map($name))
                    }
                    other => level(other).map(|l| Some($name(Answer::Level(l))))
                        .ok_or_else(|| Fault::invalid(at, Self::EXPECTED, other)),
                }
            }
        }

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({
                    "type": ["integer", "string"], "minimum": 0, "maximum": 3, "examples": [$zero, $one, $two, $three],
                })
            }
        }
    )*};
}
question! {
    /// Whether there is money for it.
    Budget ["none", "exploring", "planned", "approved"]
    /// What this person has to say in it.
    Authority ["none", "user", "influencer", "decision_maker"]
    /// How much it hurts.
    Need ["none", "weak", "clear", "urgent"]
}

/// By when: a level, a day, or text. Any time at all is a 1, so that a 0 is read as one.
#[derive(Clone, Debug)]
pub struct Timeline(pub Answer);

impl Read for Timeline {
    const EXPECTED: &'static str = "a level from 0 to 3, a day such as 2026-06-30, or text";

    fn read(value: &Value, at: &At<'_>) -> Result<Option<Timeline>, Fault> {
        let answer = match value {
            Value::String(s) => match times::day(s.trim()) {
                Some(day) => Some(Answer::Date(times::day_number(day))),
                None => in_words(s),
            },
            other => Some(Answer::Level(level(other).ok_or_else(|| Fault::invalid(at, Self::EXPECTED, other))?)),
        };
        Ok(answer.map(|a| Timeline(if a == Answer::Level(0) { Answer::Level(1) } else { a })))
    }
}

impl JsonSchema for Timeline {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Timeline".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["integer", "string"], "minimum": 0, "maximum": 3, "examples": [2, "2026-06-30", "after summer"] })
    }
}

/// A whole number from 0 to 3.
fn level(value: &Value) -> Option<u8> {
    let level = value.as_f64()?;
    (level.fract() == 0.0 && (0.0..=3.0).contains(&level)).then_some(level as u8)
}

/// A single digit 0 to 3 in quotes is the level; anything else is text, also a larger number ("5000" is a budget).
fn in_words(text: &str) -> Option<Answer> {
    match text.trim() {
        "0" => Some(Answer::Level(0)),
        "1" => Some(Answer::Level(1)),
        "2" => Some(Answer::Level(2)),
        "3" => Some(Answer::Level(3)),
        other => text::line(other, text::LINE_BYTES).map(Answer::Text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read<T: Read>(value: Value) -> Result<Option<T>, Fault> {
        T::read(&value, &At::root("data", None).field("budget"))
    }

    #[test]
    fn a_level_is_a_number_a_digit_or_a_known_word() {
        for value in [json!(2), json!(2.0), json!("2"), json!("planned"), json!(" Planned")] {
            assert_eq!(read::<Budget>(value).unwrap().unwrap().0, Answer::Level(2));
        }
        assert_eq!(read::<Authority>(json!("decision maker")).unwrap().unwrap().0, Answer::Level(3));
        assert_eq!(read::<Need>(json!("none")).unwrap().unwrap().0, Answer::Level(0));
    }

    #[test]
    fn other_text_is_an_answer_in_words() {
        assert_eq!(read::<Budget>(json!("about 5k")).unwrap().unwrap().0, Answer::Text("about 5k".to_owned()));
        assert_eq!(read::<Budget>(json!("5000")).unwrap().unwrap().0, Answer::Text("5000".to_owned()));
        assert!(read::<Budget>(json!("  ")).unwrap().is_none());
    }

    #[test]
    fn a_level_outside_zero_to_three_is_refused_with_its_field() {
        for value in [json!(7), json!(-1), json!(2.5), json!(true), json!([2])] {
            assert!(read::<Budget>(value).is_err());
        }
        assert_eq!(
            read::<Budget>(json!(7)).unwrap_err().detail,
            "The field data.budget should be a level from 0 to 3, one of none, exploring, planned, approved, or text, but it is the number 7."
        );
    }

    #[test]
    fn a_timeline_may_be_a_day_and_is_never_zero() {
        assert_eq!(read::<Timeline>(json!("1970-01-11")).unwrap().unwrap().0, Answer::Date(10));
        assert_eq!(read::<Timeline>(json!("1970-01-11T08:00:00-05:00")).unwrap().unwrap().0, Answer::Date(10));
        assert_eq!(read::<Timeline>(json!(0)).unwrap().unwrap().0, Answer::Level(1));
        assert_eq!(read::<Timeline>(json!("0")).unwrap().unwrap().0, Answer::Level(1));
        assert_eq!(read::<Timeline>(json!("next spring")).unwrap().unwrap().0, Answer::Text("next spring".to_owned()));
    }
}
