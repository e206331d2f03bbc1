//! Contact data: the status of each key with its evidence, and the signs that nobody real is behind it.

use super::event::Direction;
use super::facts::Facts;
use super::identity::{Key, KeyKind, is_role_address};
use super::policy::{Fictional, Policy};
use super::time::{Moment, Span};
use super::touches::{CallResult, Called};
use super::words::{Label, Medium};

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
    WrongNumber,
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
            KeyWhy::WrongNumber => "whoever answers there does not know the lead".into(),
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
            KeyWhy::WrongNumber => "wrong_number",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct KeyStatus<'a> {
    pub key: &'a Key,
    pub status: Status,
    pub why: KeyWhy<'a>,
    pub event: Option<&'a str>,
}

/// The status of every number and address of the lead.
pub fn statuses<'a>(facts: &'a Facts, calls: &[Called<'a>], policy: &'a Policy) -> Vec<KeyStatus<'a>> {
    let mut out = Vec::with_capacity(4);
    let primary_email = facts.primary(KeyKind::Email);
    let primary_phone = facts.primary(KeyKind::Phone);
    for key in facts.keys.keys() {
        match key.kind {
            KeyKind::Email => out.push(email_status(key, primary_email == Some(key), facts, policy)),
            KeyKind::Phone => out.push(phone_status(key, primary_phone == Some(key), facts, calls, policy)),
            KeyKind::Id | KeyKind::Visitor => {}
        }
    }
    out
}

fn email_status<'a>(key: &'a Key, is_primary: bool, facts: &'a Facts, policy: &'a Policy) -> KeyStatus<'a> {
    let says = |status, why, event| KeyStatus { key, status, why, event };
    let mine = |email: &Option<String>| match email {
        Some(email) => *email == key.value,
        None => is_primary,
    };
    let answered = facts
        .said
        .iter()
        .filter(|s| s.medium == Medium::Email && !s.auto)
        .filter(|s| s.about.as_ref().map_or(is_primary, |k| k == key))
        .map(|s| (s.cited.stamp.at, s.cited.id.as_str()))
        .max();
    let bounces = || facts.bounces.iter().filter(|b| mine(&b.email));
    if let Some(bounce) = bounces().rfind(|b| b.hard)
        && answered.is_none_or(|(at, _)| at < bounce.cited.stamp.at)
    {
        return says(Status::Dead, KeyWhy::HardBounce, Some(&bounce.cited.id));
    }
    if let Some((_, event)) = answered {
        return says(Status::Verified, KeyWhy::TheLeadAnswered, Some(event));
    }
    let soft: Vec<Moment> = bounces().filter(|b| !b.hard).map(|b| b.cited.stamp.at).collect();
    if soft.windows(2).any(|w| w[1] - w[0] <= Span::days(7)) {
        let event = bounces().next_back().map(|b| b.cited.id.as_str());
        return says(Status::Suspect, KeyWhy::SoftBounces(soft.len()), event);
    }
    let Some((_, domain)) = key.value.rsplit_once('@') else { return says(Status::Dead, KeyWhy::NotAnAddress, None) };
    if let Some(meant) = policy.contact.typo_domains.get(domain) {
        return says(Status::Suspect, KeyWhy::Mistyped(meant), None);
    }
    if policy.contact.disposable_domains.iter().any(|d| d == domain) {
        return says(Status::Suspect, KeyWhy::Disposable, None);
    }
    if policy.fictional == Fictional::Refuse && policy.contact.fictional_domains.iter().any(|d| d == domain) {
        return says(Status::Dead, KeyWhy::FictionalDomain, None);
    }
    if is_role_address(&key.value) {
        return says(Status::Plausible, KeyWhy::RoleAddress, None);
    }
    says(Status::Plausible, KeyWhy::LooksRight, None)
}

fn phone_status<'a>(
    key: &'a Key,
    is_primary: bool,
    facts: &'a Facts,
    calls: &[Called<'a>],
    policy: &'a Policy,
) -> KeyStatus<'a> {
    let says = |status, why, event| KeyStatus { key, status, why, event };
    if let Some((why, status)) = malformed(&key.value, policy) {
        return says(status, why, None);
    }
    // A wrong number is wrong for good; only a later consent for it says otherwise.
    let mut bad = 0;
    let mut wrong = None;
    let mut reached = None;
    for Called { touch, result, .. } in calls.iter().copied() {
        if touch.direction == Direction::Inbound {
            continue;
        }
        let mine = touch.to.as_ref().map_or(is_primary, |to| *to == key.value);
        if !mine {
            continue;
        }
        match result {
            CallResult::BadNumber => bad += 1,
            CallResult::WrongPerson => wrong = Some(&touch.cited),
            r if r.is_contact() => {
                (bad, wrong) = (0, None);
                reached = Some(&touch.cited);
            }
            _ => {}
        }
        if touch.call.as_ref().is_some_and(|c| c.answered_by == Some(super::event::AnsweredBy::WrongPerson)) {
            wrong = Some(&touch.cited);
        }
    }
    for said in facts.said.iter().filter(|s| s.about.as_ref().map_or(is_primary, |k| k == key)) {
        if said.findings.iter().any(|f| f.label == Label::WrongNumber && f.certain) {
            wrong = Some(&said.cited);
        }
    }
    if let Some(cited) = wrong {
        return says(Status::Dead, KeyWhy::WrongNumber, Some(&cited.id));
    }
    match bad {
        0 => {}
        1 => return says(Status::Suspect, KeyWhy::DisconnectedOnce, None),
        _ => return says(Status::Dead, KeyWhy::DisconnectedTwice, None),
    }
    match reached {
        Some(cited) => says(Status::Verified, KeyWhy::TheLeadAnswered, Some(&cited.id)),
        None => says(Status::Plausible, KeyWhy::LooksRight, None),
    }
}

/// What a number's digits alone say against it. Both libraries for phone numbers call 555-01xx valid, so the rule is ours.
fn malformed<'a>(number: &str, policy: &Policy) -> Option<(KeyWhy<'a>, Status)> {
    let Some(digits) = number.strip_prefix('+') else { return Some((KeyWhy::NotANumber, Status::Dead)) };
    if !(7..=15).contains(&digits.len()) {
        return Some((KeyWhy::NotANumber, Status::Dead));
    }
    let national = digits.strip_prefix('1')?;
    let b = national.as_bytes();
    if b.len() != 10 || b[0] < b'2' || b[3] < b'2' {
        return Some((KeyWhy::NotANumber, Status::Dead));
    }
    let (area, exchange, line) = (&national[..3], &national[3..6], &national[6..]);
    if matches!(area, "800" | "833" | "844" | "855" | "866" | "877" | "888") {
        return Some((KeyWhy::SpecialNumber("toll-free"), Status::Dead));
    }
    if area == "900" {
        return Some((KeyWhy::SpecialNumber("premium-rate"), Status::Dead));
    }
    if &area[1..] == "11" || &exchange[1..] == "11" {
        return Some((KeyWhy::SpecialNumber("service"), Status::Dead));
    }
    if exchange == "555" && line.starts_with("01") {
        return (policy.fictional == Fictional::Refuse).then_some((KeyWhy::FictionalNumber, Status::Dead));
    }
    let local = &b[3..];
    let same = local.iter().all(|d| *d == local[0]);
    let rising = local.windows(2).all(|w| w[1] == w[0] + 1) || local.windows(2).all(|w| w[1] + 1 == w[0]);
    (same || rising).then_some((KeyWhy::Pattern, Status::Suspect))
}

/// Signs that nobody asked: each alone is little, together they say bogus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BogusSign {
    JokeName,
    Disposable,
    Fictional,
    FilledTooFast,
    Honeypot,
}

/// The signs present, each with its weight.
pub fn bogus_signs(facts: &Facts, statuses: &[KeyStatus<'_>], policy: &Policy) -> Vec<(BogusSign, f64)> {
    let d = &policy.scoring.diagnosis;
    let mut signs = Vec::new();
    if facts.name().is_some_and(|n| is_joke_name(n, policy)) {
        signs.push((BogusSign::JokeName, d.joke_name));
    }
    if statuses.iter().any(|s| s.why == KeyWhy::Disposable) {
        signs.push((BogusSign::Disposable, d.disposable_address));
    }
    if statuses.iter().any(|s| matches!(s.why, KeyWhy::FictionalNumber | KeyWhy::FictionalDomain)) {
        signs.push((BogusSign::Fictional, d.fictional_contact));
    }
    if facts.origin.fill_seconds.as_ref().is_some_and(|s| s.value < d.fill_seconds) {
        signs.push((BogusSign::FilledTooFast, d.filled_too_fast));
    }
    if facts.origin.honeypot.as_ref().is_some_and(|h| h.value) {
        signs.push((BogusSign::Honeypot, d.honeypot));
    }
    signs
}

fn is_joke_name(name: &str, policy: &Policy) -> bool {
    let lower = name.to_lowercase();
    if policy.contact.joke_names.contains(&lower) {
        return true;
    }
    let mut words = lower.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).peekable();
    words.peek().is_some() && words.all(|w| policy.contact.keyboard_runs.iter().any(|r| r == w))
}
