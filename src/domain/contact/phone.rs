//! The status of a phone number: what its digits say, then what came of calling it.

use super::{KeyStatus, KeyWhy, Status};
use crate::domain::area_codes;
use crate::domain::event::{AnsweredBy, Direction, LeadFlag, ScreenResult};
use crate::domain::facts::Facts;
use crate::domain::identity::Key;
use crate::domain::policy::{Fictional, Policy};
use crate::domain::register::Cited;
use crate::domain::touches::{CallResult, Called};
use crate::domain::words::{Label, Medium};

/// What the calls to a number came to, since the lead was last reached on it.
#[derive(Default)]
struct History<'a> {
    out_of_service: u32,
    last_out_of_service: Option<&'a Cited>,
    fax: Option<&'a Cited>,
    unworkable: Option<&'a Cited>,
    wrong: Option<&'a Cited>,
    reached: Option<&'a Cited>,
}

pub(super) fn status<'a>(
    key: &'a Key,
    is_primary: bool,
    facts: &'a Facts,
    calls: &[Called<'a>],
    policy: &'a Policy,
) -> KeyStatus<'a> {
    let says = |status, why, cited| KeyStatus::new(key, status, why, cited);
    if let Some((why, status)) = malformed(&key.value, policy) {
        return says(status, why, None);
    }
    let history = history(key, is_primary, facts, calls);
    if let Some(cited) = history.wrong.filter(|w| !is_theirs_after_all(key, facts, w)) {
        return says(Status::Dead, KeyWhy::WrongNumber, Some(cited));
    }
    let listed =
        |((k, list), s): &(&(Key, String), &crate::domain::register::Last<crate::domain::facts::Screening>)| {
            k == key && list == "reassigned" && s.value.result == ScreenResult::Listed
        };
    if facts.screenings.iter().any(|entry| listed(&entry)) {
        return says(Status::Dead, KeyWhy::Reassigned, None);
    }
    if let Some(cited) = history.fax {
        return says(Status::Dead, KeyWhy::Fax, Some(cited));
    }
    if let Some(cited) = history.unworkable.filter(|_| history.out_of_service == 0) {
        return says(Status::Suspect, KeyWhy::Unworkable, Some(cited));
    }
    match (history.out_of_service, history.reached) {
        (0, Some(cited)) => says(Status::Verified, KeyWhy::TheLeadAnswered, Some(cited)),
        (0, None) => says(Status::Plausible, KeyWhy::LooksRight, None),
        (1, _) => says(Status::Suspect, KeyWhy::DisconnectedOnce, history.last_out_of_service),
        _ => says(Status::Dead, KeyWhy::DisconnectedTwice, history.last_out_of_service),
    }
}

fn history<'a>(key: &Key, is_primary: bool, facts: &'a Facts, calls: &[Called<'a>]) -> History<'a> {
    let mut h = History::default();
    for Called { touch, call, result } in calls.iter().copied().filter(|c| c.touch.direction == Direction::Outbound) {
        if !touch.to.as_ref().map_or(is_primary, |to| *to == key.value) {
            continue;
        }
        match result {
            CallResult::BadNumber => {
                h.out_of_service += 1;
                h.last_out_of_service = Some(&touch.cited);
            }
            CallResult::Fax => h.fax = Some(&touch.cited),
            CallResult::Unworkable => h.unworkable = Some(&touch.cited),
            CallResult::WrongPerson => h.wrong = Some(&touch.cited),
            r if r.is_contact() => h = History { reached: Some(&touch.cited), ..History::default() },
            _ => {}
        }
        if call.answered_by == Some(AnsweredBy::WrongPerson) {
            h.wrong = Some(&touch.cited);
        }
    }
    for said in facts.said.iter().filter(|s| s.about.as_ref().map_or(is_primary, |k| k == key)) {
        let is_wrong = said.findings.iter().any(|f| f.label == Label::WrongNumber && f.certain);
        if is_wrong && h.reached.is_none_or(|r| r.stamp < said.cited.stamp) {
            h.wrong = Some(&said.cited);
        } else if said.medium == Medium::Sms && !said.is_automatic() && !is_wrong && h.last_out_of_service.is_none() {
            h.reached = h.reached.max(Some(&said.cited));
        }
    }
    // A colleague flags a lead, not a number: what was meant is the number we call.
    if let Some(cited) = facts.flags.get(&LeadFlag::WrongPerson).filter(|_| is_primary)
        && h.reached.is_none_or(|r| r.stamp < cited.stamp)
    {
        h.wrong = Some(cited);
    }
    h
}

/// The lead itself gave the number again, later and with evidence.
fn is_theirs_after_all(key: &Key, facts: &Facts, wrong: &Cited) -> bool {
    facts.consents.iter().any(|((_, k), fact)| {
        let granted = fact.granted.as_ref();
        k.as_ref() == Some(key)
            && granted
                .is_some_and(|g| g.stamp.at > wrong.stamp.at && !g.value.imported && g.value.evidence_url.is_some())
    })
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
    // Three times the same digit is kept free for what is no place; so is nine in the middle, for a longer plan. [NANPA]
    if b[0] == b[1] && b[1] == b[2] && area_codes::service(number).is_none() || b[1] == b'9' {
        return Some((KeyWhy::NotANumber, Status::Dead));
    }
    if matches!(area, "800" | "833" | "844" | "855" | "866" | "877" | "888") {
        return Some((KeyWhy::SpecialNumber("toll-free"), Status::Dead));
    }
    if area == "900" || exchange == "976" {
        return Some((KeyWhy::SpecialNumber("premium-rate"), Status::Dead));
    }
    if &area[1..] == "11" || &exchange[1..] == "11" {
        return Some((KeyWhy::SpecialNumber("service"), Status::Dead));
    }
    if exchange == "555" && line.starts_with("01") {
        return (policy.fictional == Fictional::Refuse).then_some((KeyWhy::FictionalNumber, Status::Dead));
    }
    if exchange == "555" && line == "1212" {
        return Some((KeyWhy::SpecialNumber("directory assistance"), Status::Dead));
    }
    let local = &b[3..];
    let same = local.iter().all(|d| *d == local[0]);
    let rising = local.windows(2).all(|w| w[1] == w[0] + 1) || local.windows(2).all(|w| w[1] + 1 == w[0]);
    // "234 567 8901": on from nine comes zero.
    let counted = b.windows(2).all(|w| w[1] == w[0] + 1 || (w[0], w[1]) == (b'9', b'0'));
    (same || rising || counted).then_some((KeyWhy::Pattern, Status::Suspect))
}

/// Two calls in a row to a number came to nothing that the dialer could name: the carrier should be asked.
pub fn needs_carrier_check(key: &Key, is_primary: bool, calls: &[Called<'_>]) -> bool {
    let to_it = |c: &&Called<'_>| {
        c.touch.direction == Direction::Outbound && c.touch.to.as_ref().map_or(is_primary, |to| *to == key.value)
    };
    let mut newest = calls.iter().rev().filter(to_it);
    let undecided = |c: Option<&Called<'_>>| c.is_some_and(|c| c.result == CallResult::Undecided);
    undecided(newest.next()) && undecided(newest.next())
}
