//! What rules may ask about a lead: a closed list of fields, their kinds, and their values in the facts.
//!
//! Left out on purpose: the name, the address and whatever else must never decide about a person, and the timeline,
//! because it ages and fit does not.

use cel::common::types::{CelBool, CelDouble, CelInt, CelString};
use cel::common::value::CowVal;
use cel::context::VariableResolver;

use super::qualification::Qualification;
use crate::domain::event::Scalar;
use crate::domain::facts::Facts;
use crate::domain::register::Last;

/// What a value is, as far as a rule can rely on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Number,
    Text,
    /// An attribute: whatever the sender put there.
    Any,
}

/// Declares the fields once: variant, the name in rules, the kind.
macro_rules! fields {
    ($($variant:ident = $name:literal, $kind:ident;)*) => {
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Field { $($variant,)* Attribute(String) }
        impl Field {
            pub const NAMES: &'static [&'static str] = &[$($name),*];
            /// The field of a name such as "profile.title" or "attributes.plan".
            pub fn named(name: &str) -> Option<Field> {
                match name {
                    $($name => Some(Field::$variant),)*
                    _ => name.strip_prefix("attributes.").filter(|a| !a.is_empty()).map(|a| Field::Attribute(a.to_owned())),
                }
            }
            pub fn kind(&self) -> Kind {
                match self { $(Field::$variant => Kind::$kind,)* Field::Attribute(_) => Kind::Any }
            }
        }
    };
}
fields! {
    Title = "profile.title", Text;
    Company = "profile.company", Text;
    Industry = "profile.industry", Text;
    Employees = "profile.employees", Number;
    Country = "profile.country", Text;
    Region = "profile.region", Text;
    Language = "profile.language", Text;
    Form = "origin.form", Text;
    Campaign = "origin.campaign", Text;
    Medium = "origin.medium", Text;
    Partner = "origin.partner", Text;
    ReferredBy = "origin.referred_by", Text;
    Budget = "qualification.budget", Number;
    Authority = "qualification.authority", Number;
    Need = "qualification.need", Number;
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    Bool(bool),
    Whole(i64),
    Number(f64),
    Text(&'a str),
}

/// A lead as rules see it.
pub struct Subject<'a> {
    pub facts: &'a Facts,
    pub qualification: &'a Qualification<'a>,
}

impl<'a> Subject<'a> {
    /// The value of a field, `None` where it is not known.
    pub fn value(&self, field: &Field) -> Option<Value<'a>> {
        let (p, o, q) = (&self.facts.profile, &self.facts.origin, self.qualification);
        let text = |slot: &'a Option<Last<String>>| slot.as_ref().map(|l| Value::Text(&l.value));
        let level = |level: &Option<super::qualification::Level<'_>>| level.map(|l| Value::Whole(i64::from(l.level)));
        match field {
            Field::Title => text(&p.title),
            Field::Company => text(&p.company),
            Field::Industry => text(&p.industry),
            Field::Employees => p.employees.as_ref().map(|l| Value::Whole(i64::from(l.value))),
            Field::Country => text(&p.country),
            Field::Region => text(&p.region),
            Field::Language => text(&p.language),
            Field::Form => text(&o.form),
            Field::Campaign => text(&o.campaign),
            Field::Medium => text(&o.medium),
            Field::Partner => text(&o.partner),
            Field::ReferredBy => text(&o.referred_by),
            Field::Budget => level(&q.budget),
            Field::Authority => level(&q.authority),
            Field::Need => level(&q.need),
            Field::Attribute(name) => self.facts.attributes.get(name).map(|l| match &l.value {
                Scalar::Bool(b) => Value::Bool(*b),
                Scalar::Number(n) => Value::Number(*n),
                Scalar::Text(t) => Value::Text(t),
            }),
        }
    }
}

impl VariableResolver for Subject<'_> {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        Some(match self.value(&Field::named(variable)?)? {
            Value::Bool(b) => CowVal::owned(CelBool::from(b)),
            Value::Whole(n) => CowVal::owned(CelInt::from(n)),
            Value::Number(n) => CowVal::owned(CelDouble::from(n)),
            Value::Text(t) => CowVal::owned(CelString::from(t)),
        })
    }
}
