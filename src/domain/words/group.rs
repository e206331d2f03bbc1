//! A group of phrases: what they stand for, where they count, and what takes them back.
//!
//! Groups are checked when the lexicon is parsed; `judge` and `compose` act on what they say.

use serde::Deserialize;
use toml::Spanned;

use super::finding::{Label, Medium, OptOutScope};
use super::hint::hint;
use super::pattern::Sets;

/// What a group of phrases stands for and when it counts.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub kind: Kind,
    pub certain: bool,
    pub media: u8,
    pub alone: Alone,
    pub scope: Option<OptOutScope>,
    pub negated: Negated,
    /// Labels that make it moot.
    pub unless: u32,
    /// A set one word of which must stand somewhere in the text, or must not.
    pub with: Option<u8>,
    pub without: Option<u8>,
    pub needs: Needs,
    /// A date in its sentence is a matter of timing besides.
    pub dated: bool,
    /// It asks to be contacted again: with a near day or an hour that is a callback.
    pub contact: bool,
    /// Counts only in a sentence that ends with a question mark.
    pub asks: bool,
}

impl Group {
    /// What the cues of a text say without any phrase: counts anywhere, and asks for nothing.
    pub fn of_cues() -> Group {
        Group {
            kind: Kind::Neutral,
            certain: false,
            media: u8::MAX,
            alone: Alone::Anywhere,
            scope: None,
            negated: Negated::Keep,
            unless: 0,
            with: None,
            without: None,
            needs: Needs::Nothing,
            dated: false,
            contact: false,
            asks: false,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Label(Label),
    /// Says nothing, and hides what is inside.
    Neutral,
    /// Boilerplate: hides the rest of its paragraph.
    Footer,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Alone {
    #[default]
    Anywhere,
    Sentence,
    Reply,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Negated {
    Drop,
    Keep,
    Becomes(Label),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Needs {
    #[default]
    Nothing,
    Date,
    Time,
    /// A month or longer, or a day more than a fortnight away.
    FarDate,
    DateOrTime,
    /// A single day, or a time of day.
    DayOrTime,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawGroup {
    /// A label, or "neutral", or "footer".
    pub label: Spanned<String>,
    #[serde(default)]
    media: Vec<String>,
    #[serde(default = "yes")]
    certain: bool,
    #[serde(default)]
    alone: Alone,
    scope: Option<String>,
    /// "drop", "keep" or the label it turns into.
    negated: Option<String>,
    #[serde(default)]
    unless: Vec<String>,
    with: Option<String>,
    without: Option<String>,
    #[serde(default)]
    needs: Needs,
    #[serde(default)]
    dated: bool,
    #[serde(default)]
    contact: bool,
    #[serde(default)]
    asks: bool,
    pub lines: Vec<Spanned<String>>,
}

fn yes() -> bool {
    true
}

impl RawGroup {
    /// Checks the group's own keys; its phrases are parsed by the lexicon.
    pub fn check(&self, sets: &Sets) -> Result<Group, String> {
        let label = |name: &str| {
            Label::from_name(name)
                .ok_or_else(|| format!("{name:?} is no label{}", hint(name, Label::ALL.iter().map(|l| l.name()))))
        };
        let set = |name: &Option<String>| match name {
            None => Ok(None),
            Some(n) => sets
                .get(n)
                .map(|s| Some(s.bit))
                .ok_or_else(|| format!("there is no set {n:?}{}", hint(n, sets.keys().map(String::as_str)))),
        };
        let mut media = 0;
        for name in &self.media {
            let medium = Medium::from_name(name)
                .ok_or_else(|| format!("{name:?} is no medium{}", hint(name, Medium::ALL.iter().map(|m| m.name()))))?;
            media |= medium.bit();
        }
        let unless = self.unless.iter().try_fold(0, |all, name| label(name).map(|l| all | l.bit()))?;
        Ok(Group {
            kind: match self.label.as_ref().as_str() {
                "neutral" => Kind::Neutral,
                "footer" => Kind::Footer,
                name => Kind::Label(label(name)?),
            },
            certain: self.certain,
            media: if media == 0 { u8::MAX } else { media },
            alone: self.alone,
            scope: match &self.scope {
                Some(name) => Some(OptOutScope::from_name(name).ok_or_else(|| {
                    format!("{name:?} is no scope{}", hint(name, OptOutScope::ALL.iter().map(|s| s.name())))
                })?),
                None => None,
            },
            negated: match self.negated.as_deref() {
                None | Some("drop") => Negated::Drop,
                Some("keep") => Negated::Keep,
                Some(name) => Negated::Becomes(label(name)?),
            },
            unless,
            with: set(&self.with)?,
            without: set(&self.without)?,
            needs: self.needs,
            dated: self.dated,
            contact: self.contact,
            asks: self.asks,
        })
    }
}
