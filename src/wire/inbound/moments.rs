//! Times as fields: instants, days, and local times that wait for a zone.

use jiff::civil;
use serde_json::Value;

use super::read::{At, Fault, Read, leaf_schema};
use super::times;
use crate::domain::event::WhenLocal;
use crate::domain::time::{Moment, Span};

/// An instant in a field.
#[derive(Clone, Copy, Debug)]
pub struct Instant(pub Moment);
leaf_schema!(Instant, "Instant", { "type": "string", "format": "date-time" });

impl Read for Instant {
    const EXPECTED: &'static str = "a time with offset, such as 2026-03-02T14:05:00Z";

    fn read(value: &Value, at: &At<'_>) -> Result<Option<Instant>, Fault> {
        Ok(read_text(value, at, Self::EXPECTED, times::instant)?.map(Instant))
    }
}

/// A day in a field.
#[derive(Clone, Copy, Debug)]
pub struct Day(pub civil::Date);
leaf_schema!(Day, "Day", { "type": "string", "format": "date" });

impl Read for Day {
    const EXPECTED: &'static str = "a day, such as 2026-06-30";

    fn read(value: &Value, at: &At<'_>) -> Result<Option<Day>, Fault> {
        Ok(read_text(value, at, Self::EXPECTED, times::day)?.map(Day))
    }
}

/// The instant of a look-up, for which providers often give the day alone: then its first instant in UTC counts, so
/// that a look-up never seems fresher than it is.
#[derive(Clone, Copy, Debug)]
pub struct AsOf(pub Moment);
leaf_schema!(AsOf, "AsOf", {
    "type": "string",
    "anyOf": [{ "format": "date-time" }, { "format": "date" }],
});

impl Read for AsOf {
    const EXPECTED: &'static str = "a time with offset or a day";

    fn read(value: &Value, at: &At<'_>) -> Result<Option<AsOf>, Fault> {
        let first_of_day = |day| Moment(i64::from(times::day_number(day)) * Span::days(1).0);
        let day_alone = |text: &str| times::day(text).filter(|_| text.len() == "2026-06-30".len());
        let parse = |text: &str| times::instant(text).or_else(|| day_alone(text).map(first_of_day));
        Ok(read_text(value, at, Self::EXPECTED, parse)?.map(AsOf))
    }
}

/// A time that means the lead's own clock if it comes without an offset.
#[derive(Clone, Copy, Debug)]
pub struct Local(pub WhenLocal);
leaf_schema!(Local, "LocalTime", {
    "type": "string",
    "description": "RFC 3339; without an offset it is the lead's own clock.",
    "pattern": r"^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?([Zz]|[+-]\d{2}(:?\d{2})?)?$",
});

impl Read for Local {
    const EXPECTED: &'static str = "a date and time, such as 2026-03-05T09:30:00 or 2026-03-05T09:30:00-05:00";

    fn read(value: &Value, at: &At<'_>) -> Result<Option<Local>, Fault> {
        Ok(read_text(value, at, Self::EXPECTED, times::local)?.map(Local))
    }
}

/// Text that must make sense where there is any.
fn read_text<T>(
    value: &Value,
    at: &At<'_>,
    expected: &'static str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, Fault> {
    let Value::String(text) = value else { return Err(Fault::invalid(at, expected, value)) };
    match text.trim() {
        "" => Ok(None),
        text => parse(text).map(Some).ok_or_else(|| Fault::invalid(at, expected, value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read<T: Read>(value: Value) -> Result<Option<T>, Fault> {
        T::read(&value, &At::root("data", None).field("callback_at"))
    }

    #[test]
    fn a_time_without_an_offset_waits_for_the_zone_of_the_lead() {
        let local = WhenLocal::Local(civil::date(2026, 3, 5).at(9, 30, 0, 0));
        assert_eq!(read::<Local>(json!("2026-03-05T09:30")).unwrap().unwrap().0, local);
        let instant = WhenLocal::Instant(times::instant("2026-03-05T14:30:00Z").unwrap());
        assert_eq!(read::<Local>(json!("2026-03-05T09:30:00-05:00")).unwrap().unwrap().0, instant);
        assert!(read::<Local>(json!("2026-03-05")).is_err());
    }

    #[test]
    fn a_look_up_of_a_day_is_as_old_as_its_first_instant() {
        assert_eq!(read::<AsOf>(json!("1970-01-02")).unwrap().unwrap().0, Moment(86_400_000));
        assert_eq!(read::<AsOf>(json!("1970-01-01T00:00:01Z")).unwrap().unwrap().0, Moment(1000));
        assert!(read::<AsOf>(json!("1970-01-01T00:00:01")).is_err());
    }

    #[test]
    fn a_number_is_no_time_for_its_unit_would_be_a_guess() {
        assert_eq!(
            read::<Instant>(json!(1772460300)).unwrap_err().detail,
            "The field data.callback_at should be a time with offset, such as 2026-03-02T14:05:00Z, but it is the number 1772460300."
        );
        assert!(read::<Day>(json!("soon")).is_err());
        assert!(read::<Day>(json!(" ")).unwrap().is_none());
    }
}
