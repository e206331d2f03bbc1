//! Contact data: the status of each key with its evidence, and the signs that nobody real is behind it.
//!
//! Statuses and the sentences for them are here; `email` and `phone` find them, `bogus` collects what speaks against the
//! whole inquiry. What is done about a bad key is `plays`' affair.

mod bogus;
mod disposable;
mod email;
mod phone;
mod typo;

pub use bogus::{BogusSign, bogus_signs};
pub use email::probably_meant;
pub use phone::needs_carrier_check;

use super::facts::Facts;
use super::identity::{Key, KeyKind};
use super::policy::Policy;
use super::register::Cited;
use super::time::Moment;
use super::touches::Called;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    Verified,
    Plausible,
    Unknown,
    Suspect,
    Dead,
}

impl Status {
    pub fn name(self) -> &'static str {
        match self {
            Status::Verified => "verified",
            Status::Plausible => "plausible",
            Status::Unknown => "unknown",
            Status::Suspect => "suspect",
            Status::Dead => "dead",
        }
    }
}

/// Why a key has its status; [`KeyWhy::sentence`] says it.
#[derive(Clone, Debug, PartialEq)]
pub enum KeyWhy<'a> {
    LooksRight,
    RoleAddress,
    TheLeadAnswered,
    HardBounce,
    SoftBounces(usize),
    Disposable,
    Mistyped(&'a str),
    FictionalNumber,
    FictionalDomain,
    NotANumber,
    NotAnAddress,
    SpecialNumber(&'static str),
    Pattern,
    DisconnectedOnce,
    DisconnectedTwice,
    Fax,
    Unworkable,
    WrongNumber,
    Reassigned,
    LeftTheCompany,
}

impl KeyWhy<'_> {
    pub fn sentence(&self) -> String {
        match self {
            KeyWhy::LooksRight => "it is well formed and nothing speaks against it".into(),
            KeyWhy::RoleAddress => "it belongs to a function, not to a person".into(),
            KeyWhy::TheLeadAnswered => "the lead answered on it".into(),
            KeyWhy::HardBounce => "a message to it bounced for good".into(),
            KeyWhy::SoftBounces(n) => format!("{n} messages to it bounced within 7 days"),
            KeyWhy::Disposable => "its domain is for throw-away mailboxes".into(),
            KeyWhy::Mistyped(meant) => format!("its domain looks mistyped; {meant} may be meant"),
            KeyWhy::FictionalNumber => "555-01xx numbers are reserved for fiction".into(),
            KeyWhy::FictionalDomain => "its domain is reserved for examples".into(),
            KeyWhy::NotANumber => "no such number can exist".into(),
            KeyWhy::NotAnAddress => "it is not an e-mail address".into(),
            KeyWhy::SpecialNumber(what) => format!("it is a {what} number, which no person has"),
            KeyWhy::Pattern => "its digits are a pattern, not a number somebody has".into(),
            KeyWhy::DisconnectedOnce => "the carrier said once that it is not in service".into(),
            KeyWhy::DisconnectedTwice => "the carrier said more than once that it is not in service".into(),
            KeyWhy::Fax => "a fax machine answers there".into(),
            KeyWhy::Unworkable => "the dialer gave it up as unworkable".into(),
            KeyWhy::WrongNumber => "whoever answers there does not know the lead".into(),
            KeyWhy::Reassigned => "the carrier has given it to somebody else".into(),
            KeyWhy::LeftTheCompany => "its owner has left the company, as the mailbox itself says".into(),
        }
    }
    /// The fault as downstream sees it in `faults`.
    pub fn fault(&self) -> &'static str {
        match self {
            KeyWhy::LooksRight | KeyWhy::RoleAddress | KeyWhy::TheLeadAnswered => "none",
            KeyWhy::HardBounce => "hard_bounce",
            KeyWhy::SoftBounces(_) => "soft_bounces",
            KeyWhy::Disposable => "disposable",
            KeyWhy::Mistyped(_) => "mistyped_domain",
            KeyWhy::FictionalNumber | KeyWhy::FictionalDomain => "fictional",
            KeyWhy::NotANumber | KeyWhy::NotAnAddress => "malformed",
            KeyWhy::SpecialNumber(_) => "special_number",
            KeyWhy::Pattern => "pattern",
            KeyWhy::DisconnectedOnce | KeyWhy::DisconnectedTwice => "disconnected",
            KeyWhy::Fax => "fax",
            KeyWhy::Unworkable => "unworkable",
            KeyWhy::WrongNumber => "wrong_number",
            KeyWhy::Reassigned => "reassigned",
            KeyWhy::LeftTheCompany => "left_the_company",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct KeyStatus<'a> {
    pub key: &'a Key,
    pub status: Status,
    pub why: KeyWhy<'a>,
    pub event: Option<&'a str>,
    /// When that event happened.
    pub since: Option<Moment>,
}

impl<'a> KeyStatus<'a> {
    fn new(key: &'a Key, status: Status, why: KeyWhy<'a>, cited: Option<&'a Cited>) -> KeyStatus<'a> {
        KeyStatus { key, status, why, event: cited.map(|c| c.id.as_str()), since: cited.map(|c| c.stamp.at) }
    }
}

/// The status of every number and address of the lead.
pub fn statuses<'a>(facts: &'a Facts, calls: &[Called<'a>], policy: &'a Policy) -> Vec<KeyStatus<'a>> {
    let mut out = Vec::with_capacity(4);
    let primary_email = facts.primary(KeyKind::Email);
    let primary_phone = facts.primary(KeyKind::Phone);
    for key in facts.keys.keys() {
        match key.kind {
            KeyKind::Email => out.push(email::status(key, primary_email == Some(key), facts, policy)),
            KeyKind::Phone => out.push(phone::status(key, primary_phone == Some(key), facts, calls, policy)),
            KeyKind::Id | KeyKind::Visitor => {}
        }
    }
    out
}
