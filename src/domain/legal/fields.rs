//! Reads a TOML table field by field and collects everything that is wrong with it, so that whoever keeps the file
//! sees all faults at once, each with its table, its row, its field and what was expected there.

use jiff::civil::Date;
use toml::{Table, Value};

/// What is still unread of one table.
pub(super) struct Fields<'e> {
    /// Which table this is, for the reader of an error: "law 4 (US-FL)".
    pub at: String,
    table: Table,
    errors: &'e mut Vec<String>,
}

impl<'e> Fields<'e> {
    pub fn new(at: String, table: Table, errors: &'e mut Vec<String>) -> Fields<'e> {
        Fields { at, table, errors }
    }

    pub fn error(&mut self, what: impl std::fmt::Display) {
        self.errors.push(format!("{}: {what}", self.at));
    }

    /// A field that may be missing. A value that cannot be read is an error, and as good as missing after that.
    pub fn take<T>(&mut self, key: &str, expected: &str, read: impl FnOnce(&Value) -> Option<T>) -> Option<T> {
        let value = self.table.remove(key)?;
        let read = read(&value);
        if read.is_none() {
            self.error(format_args!("`{key}` must be {expected}, not {value}"));
        }
        read
    }

    /// A field that must be there.
    pub fn need<T>(&mut self, key: &str, expected: &str, read: impl FnOnce(&Value) -> Option<T>) -> Option<T> {
        if !self.table.contains_key(key) {
            self.error(format_args!("`{key}` is missing; it must be {expected}"));
            return None;
        }
        self.take(key, expected, read)
    }

    /// A field that must be there if `required`.
    pub fn ask<T>(
        &mut self,
        required: bool,
        key: &str,
        expected: &str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Option<T> {
        if required { self.need(key, expected, read) } else { self.take(key, expected, read) }
    }

    /// A table inside this one, with its own list of what is wrong.
    pub fn within<T>(&mut self, key: &str, read: impl FnOnce(&mut Fields<'_>) -> T) -> Option<T> {
        let table = self.take(key, "a table", |v| v.as_table().cloned())?;
        let mut inner = Fields::new(format!("{}: {key}", self.at), table, self.errors);
        let out = read(&mut inner);
        inner.finish();
        Some(out)
    }

    /// The rows of an array of tables, numbered from 1; none if it is missing.
    pub fn rows(&mut self, key: &str) -> Vec<Table> {
        let rows = |v: &Value| v.as_array()?.iter().map(|row| row.as_table().cloned()).collect();
        self.take(key, "an array of tables", rows).unwrap_or_default()
    }

    /// Whatever nobody asked for is a typing error.
    pub fn finish(self) {
        for key in self.table.keys() {
            self.errors.push(format!("{}: `{key}` is not a known field", self.at));
        }
    }
}

pub(super) fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::trim).filter(|s| !s.is_empty()).map(str::to_owned)
}

pub(super) fn flag(value: &Value) -> Option<bool> {
    value.as_bool()
}

pub(super) fn day(value: &Value) -> Option<Date> {
    match value.as_datetime()? {
        toml::value::Datetime { date: Some(d), time: None, offset: None } => {
            Date::new(d.year.try_into().ok()?, d.month as i8, d.day as i8).ok()
        }
        _ => None,
    }
}

/// A whole number from `least` up to `most`.
pub(super) fn number(least: i64, most: i64) -> impl Fn(&Value) -> Option<i64> {
    move |value| value.as_integer().filter(|n| (least..=most).contains(n))
}

/// Every element of an array, if each can be read.
pub(super) fn each<T>(read: impl Fn(&Value) -> Option<T>) -> impl Fn(&Value) -> Option<Vec<T>> {
    move |value| value.as_array()?.iter().map(&read).collect()
}

/// One of a few words.
pub(super) fn word<T: Copy>(words: &[(&str, T)]) -> impl Fn(&Value) -> Option<T> {
    move |value| words.iter().find(|(w, _)| value.as_str() == Some(w)).map(|(_, meaning)| *meaning)
}
