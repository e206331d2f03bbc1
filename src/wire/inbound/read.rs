//! Reading JSON into closed types, with a path for every complaint.
//!
//! A type that can stand in a message says how it is read ([`Read`]) and, through schemars, how it is documented; a
//! [`record!`] is an object of such fields. The schema shows the form senders should use; reading forgives more where
//! nothing is lost by it (a number in quotes, one value in place of a list of one).

use std::fmt;

use schemars::JsonSchema;
use serde_json::Value;

pub use super::fault::Fault;
use crate::wire::phone::Region;

/// Where in a message a value stands. Lives on the stack and is written out only when something is wrong.
#[derive(Clone, Copy)]
pub struct At<'a> {
    parent: Option<&'a At<'a>>,
    step: Step,
    /// Where the lead is at home: the region in which the message's national phone numbers are read.
    pub region: Option<Region>,
}

#[derive(Clone, Copy)]
enum Step {
    Field(&'static str),
    Item(usize),
}

impl<'a> At<'a> {
    pub fn root(name: &'static str, region: Option<Region>) -> At<'static> {
        At { parent: None, step: Step::Field(name), region }
    }
    pub fn field(&'a self, name: &'static str) -> At<'a> {
        At { parent: Some(self), step: Step::Field(name), region: self.region }
    }
    pub fn item(&'a self, index: usize) -> At<'a> {
        At { parent: Some(self), step: Step::Item(index), region: self.region }
    }
}

impl fmt::Display for At<'_> {
    /// "data.consent[0].state".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match self.step {
            Step::Field(name) if self.parent.is_some() => write!(f, ".{name}"),
            Step::Field(name) => f.write_str(name),
            Step::Item(index) => write!(f, "[{index}]"),
        }
    }
}

/// A value that can stand in a field.
pub trait Read: Sized {
    /// What a good value is, to end the sentence "should be …".
    const EXPECTED: &'static str;

    /// `Ok(None)` where the value says nothing: blank text, or something harmless that cannot be understood.
    /// Never called with null, which is the same as leaving the field out.
    fn read(value: &Value, at: &At<'_>) -> Result<Option<Self>, Fault>;
}

/// A field of a record: a [`Read`] type must be there and say something, an `Option` of one need not.
pub trait Field: Sized {
    fn read_field(value: Option<&Value>, at: &At<'_>) -> Result<Self, Fault>;
}

impl<T: Read> Field for T {
    fn read_field(value: Option<&Value>, at: &At<'_>) -> Result<T, Fault> {
        let is_there = value.is_some_and(|value| !value.is_null());
        let fault = if is_there { Fault::unsaid } else { Fault::missing };
        Option::<T>::read_field(value, at)?.ok_or_else(|| fault(at, T::EXPECTED))
    }
}

impl<T: Read> Field for Option<T> {
    fn read_field(value: Option<&Value>, at: &At<'_>) -> Result<Option<T>, Fault> {
        match value {
            None | Some(Value::Null) => Ok(None),
            Some(value) => T::read(value, at),
        }
    }
}

/// Longer lists are refused: no sender needs more, and each item costs memory for as long as the lead lives.
const MAX_ITEMS: usize = 100;

/// A list, in which null and blank items are passed over; a single value counts as a list of one. An empty list says
/// nothing, so it is as good as none.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(inline, transparent)]
pub struct List<T>(#[schemars(length(max = MAX_ITEMS))] pub Vec<T>);

impl<T: Read> Read for List<T> {
    const EXPECTED: &'static str = "a list with at least one item";

    fn read(value: &Value, at: &At<'_>) -> Result<Option<List<T>>, Fault> {
        let Value::Array(items) = value else {
            return Ok(T::read(value, at)?.map(|single| List(vec![single])));
        };
        if items.len() > MAX_ITEMS {
            return Err(Fault::found(at, "a list of at most 100", &format!("a list of {}", items.len())));
        }
        let mut list = Vec::with_capacity(items.len());
        for (i, item) in items.iter().enumerate() {
            list.extend(Option::<T>::read_field(Some(item), &at.item(i))?);
        }
        Ok((!list.is_empty()).then_some(List(list)))
    }
}

/// The items of a list that may be missing, each as the core knows it.
pub fn items<T: Into<U>, U>(list: Option<List<T>>) -> Vec<U> {
    list.map_or_else(Vec::new, |l| l.0.into_iter().map(Into::into).collect())
}

/// Declares an object of the wire: its fields, their types, and so both how it is read and how it is documented.
/// Fields it does not name are ignored.
macro_rules! record {
    ($(
        $(#[$meta:meta])*
        $vis:vis struct $name:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty),* $(,)? }
    )*) => {$(
        #[derive(Clone, Debug, schemars::JsonSchema)]
        $(#[$meta])*
        $vis struct $name { $($(#[$field_meta])* pub $field: $type),* }

        impl crate::wire::inbound::read::Read for $name {
            const EXPECTED: &'static str = "an object";

            fn read(
                value: &serde_json::Value,
                at: &crate::wire::inbound::read::At<'_>,
            ) -> Result<Option<$name>, crate::wire::inbound::read::Fault> {
                let serde_json::Value::Object(_map) = value else {
                    return Err(crate::wire::inbound::read::Fault::invalid_personal(at, "an object", value));
                };
                Ok(Some($name { $($field: crate::wire::inbound::read::Field::read_field(_map.get(stringify!($field)), &at.field(stringify!($field)))?),* }))
            }
        }
    )*};
}
pub(crate) use record;

/// How a leaf type is documented: its JSON Schema, in place.
macro_rules! leaf_schema {
    ($name:ty, $title:literal, $schema:tt) => {
        impl schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> std::borrow::Cow<'static, str> {
                $title.into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!($schema)
            }
        }
    };
}
pub(crate) use leaf_schema;
