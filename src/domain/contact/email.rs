//! The status of an e-mail address: what came back from it first, then what its form says.

use super::disposable::is_disposable;
use super::typo::meant;
use super::{KeyStatus, KeyWhy, Status};
use crate::domain::facts::{Facts, Said};
use crate::domain::identity::{Key, KeyKind, is_role_address};
use crate::domain::policy::{Fictional, Policy};
use crate::domain::register::Cited;
use crate::domain::time::{Moment, Span};
use crate::domain::words::{Label, Medium};

/// Two soft bounces within so long make an address suspect: a full mailbox empties, a closed one does not. [J]
const SOFT_BOUNCES_WITHIN: Span = Span::days(7);

pub(super) fn status<'a>(key: &'a Key, is_primary: bool, facts: &'a Facts, policy: &'a Policy) -> KeyStatus<'a> {
    let says = |status, why, cited: Option<&'a Cited>| KeyStatus::new(key, status, why, cited);
    let mine = |email: &Option<String>| match email {
        Some(email) => *email == key.value,
        None => is_primary,
    };
    let about_it = |s: &&Said| s.medium == Medium::Email && s.about.as_ref().map_or(is_primary, |k| k == key);
    let answered = facts.said.iter().rfind(|s| about_it(s) && !s.auto && !has(s, Label::AutoReply)).map(|s| &s.cited);
    let since = answered.map_or(Moment::MIN, |c| c.stamp.at);
    if let Some(bounce) = facts.bounces.iter().rfind(|b| b.hard && mine(&b.email))
        && bounce.cited.stamp.at > since
    {
        return says(Status::Dead, KeyWhy::HardBounce, Some(&bounce.cited));
    }
    // A program that says its owner has left speaks for the mailbox; what a person says does not end one.
    if let Some(left) =
        facts.said.iter().rfind(|s| about_it(s) && has(s, Label::AutoReply) && has(s, Label::WrongPerson))
        && left.cited.stamp.at > since
    {
        return says(Status::Dead, KeyWhy::LeftTheCompany, Some(&left.cited));
    }
    if let Some(cited) = answered {
        return says(Status::Verified, KeyWhy::TheLeadAnswered, Some(cited));
    }
    if let Some(found) = soft_bounces(key, facts, &mine) {
        return found;
    }
    by_form(key, policy).unwrap_or_else(|| says(Status::Plausible, KeyWhy::LooksRight, None))
}

fn has(said: &Said, label: Label) -> bool {
    said.findings.iter().any(|f| f.label == label)
}

fn soft_bounces<'a>(key: &'a Key, facts: &'a Facts, mine: &dyn Fn(&Option<String>) -> bool) -> Option<KeyStatus<'a>> {
    let mut before: Option<Moment> = None;
    let mut found = None;
    let mut count = 0;
    for bounce in facts.bounces.iter().filter(|b| !b.hard && mine(&b.email)) {
        count += 1;
        let at = bounce.cited.stamp.at;
        if before.is_some_and(|b| at - b <= SOFT_BOUNCES_WITHIN) {
            found = Some(&bounce.cited);
        }
        before = Some(at);
    }
    found.map(|cited| KeyStatus::new(key, Status::Suspect, KeyWhy::SoftBounces(count), Some(cited)))
}

/// The address that was probably meant, where the domain of this one looks mistyped.
pub fn probably_meant(key: &Key, policy: &Policy) -> Option<String> {
    let (local, domain) = key.value.rsplit_once('@').filter(|_| key.kind == KeyKind::Email)?;
    Some(format!("{local}@{}", meant(domain, &policy.contact)?))
}

/// What the address says by itself.
fn by_form<'a>(key: &'a Key, policy: &'a Policy) -> Option<KeyStatus<'a>> {
    let says = |status, why| Some(KeyStatus::new(key, status, why, None));
    let Some((local, domain)) = key.value.rsplit_once('@') else { return says(Status::Dead, KeyWhy::NotAnAddress) };
    let rules = &policy.contact;
    if !is_well_formed(local, domain) {
        return says(Status::Dead, KeyWhy::NotAnAddress);
    }
    // Slips first: somebody collects what is mistyped, and such domains stand in both lists.
    if let Some(meant) = meant(domain, rules) {
        return says(Status::Suspect, KeyWhy::Mistyped(meant));
    }
    if is_disposable(domain) || rules.disposable_domains.iter().any(|d| d == domain) {
        return says(Status::Suspect, KeyWhy::Disposable);
    }
    if policy.fictional == Fictional::Refuse && rules.fictional_domains.iter().any(|d| d == domain) {
        return says(Status::Dead, KeyWhy::FictionalDomain);
    }
    if is_role_address(&key.value) {
        return says(Status::Plausible, KeyWhy::RoleAddress);
    }
    None
}

/// Dots and labels as RFC 5321 has them; the edge has checked length and characters.
fn is_well_formed(local: &str, domain: &str) -> bool {
    // Bytes, not patterns: this is asked of every address in every judgement.
    let dotted =
        |text: &[u8]| text.first() != Some(&b'.') && text.last() != Some(&b'.') && !text.windows(2).any(|w| w == b"..");
    let (local, domain) = (local.as_bytes(), domain.as_bytes());
    let Some(dot) = domain.iter().rposition(|b| *b == b'.') else { return false };
    // A label neither begins nor ends with a hyphen.
    let labels = domain.split(|b| *b == b'.').all(|label| label.first() != Some(&b'-') && label.last() != Some(&b'-'));
    let top = &domain[dot + 1..];
    !local.is_empty()
        && dotted(local)
        && dotted(domain)
        && labels
        && top.len() >= 2
        && !top.iter().all(u8::is_ascii_digit)
}
