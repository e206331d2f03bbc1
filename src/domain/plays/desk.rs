//! Work for a desk of ours, not for the lead: contact data to mend, and a partner to hand the lead to.

use super::review::waits_for_second_opinion;
use super::voice::ToScreen;
use super::{Proposal, View};
use crate::domain::cases::Case;
use crate::domain::contact::{KeyStatus, Status, needs_carrier_check, probably_meant};
use crate::domain::diagnosis::{Cause, Verdict};
use crate::domain::event::Channel;
use crate::domain::identity::{KeyKind, digest_16};
use crate::domain::legal::Windows;
use crate::domain::partners::{may_share, serves};
use crate::domain::policy::Partner;
use crate::domain::task::{Fault, Play, TaskState};
use crate::domain::time::{Moment, Span};

const NEEDS_SCREENING: &str = "needs_screening";

pub(super) fn repair<'a>(v: &View<'a, '_>, out: &mut Vec<Proposal<'a>>, to_screen: Option<ToScreen<'a>>) {
    let mut faults: Vec<Fault> =
        v.j.keys
            .iter()
            .filter(|k| k.status >= Status::Suspect)
            .map(|k| Fault {
                key: k.key.value.clone(),
                fault: k.why.fault().to_owned(),
                suggestion: probably_meant(k.key, v.policy),
            })
            .collect();
    let primary = v.facts.primary(KeyKind::Phone);
    let unclear = |k: &&KeyStatus<'_>| k.key.kind == KeyKind::Phone && k.status < Status::Suspect;
    for k in v.j.keys.iter().filter(unclear) {
        if needs_carrier_check(k.key, primary == Some(k.key), &v.j.calls) {
            faults.push(Fault { key: k.key.value.clone(), fault: "carrier_check".into(), suggestion: None });
        }
    }
    if let Some(ToScreen { key, lists }) = to_screen {
        let against = (!lists.is_empty()).then(|| lists.join(", "));
        faults.push(Fault { key: key.value.clone(), fault: NEEDS_SCREENING.into(), suggestion: against });
    }
    if let Some(phone) = primary
        && let Some(disagreement) = v.place.disagreement()
        && matches!(v.place.call_windows(false, v.now, v.now + Span::days(7)), Windows::Never)
    {
        faults.push(Fault {
            key: phone.value.clone(),
            fault: "place_contradicts".into(),
            suggestion: Some(disagreement),
        });
    }
    let asked = |f: &Fault| v.conduct.repairs_asked.iter().filter(|known| **known == fingerprint(f)).count();
    let is_new = faults.iter().any(|f| asked(f) == 0);
    let at = if is_new { Some(v.now) } else { repair_again(v) };
    faults.retain(|f| asked(f) == usize::from(!is_new));
    faults.sort();
    let (Some(rule), Some(at)) = (v.policy.rule(Play::ContactRepair), at) else { return };
    if faults.is_empty() {
        return;
    }
    out.push(Proposal {
        play: Play::ContactRepair,
        at,
        expires_at: at + rule.expires.0,
        priority: rule.priority,
        worth: v.worth(rule),
        because: match faults.as_slice() {
            [one] if one.fault == "carrier_check" => {
                "Two calls in a row came to nothing the dialer can name; the carrier should be asked.".into()
            }
            [one] if one.fault == NEEDS_SCREENING => "The number must be screened before anybody may call it.".into(),
            [_] => "One of the lead's numbers or addresses needs mending.".into(),
            _ => "Several of the lead's numbers and addresses need mending.".into(),
        },
        faults,
        ..Proposal::empty(Play::ContactRepair)
    });
}

/// When what was asked of a desk that told nothing of it is asked once more.
fn repair_again(v: &View<'_, '_>) -> Option<Moment> {
    let last = v.conduct.ledger.iter().rfind(|e| e.play == Play::ContactRepair)?;
    match last.state {
        TaskState::Expired => {
            let over = last.ended_at.unwrap_or(last.expires_at) + v.policy.plays.cadence.repair_again_after.0;
            Some(over.max(v.now))
        }
        // Nobody has seen it.
        TaskState::ExpiredUnsent => Some(v.now),
        _ => None,
    }
}

/// By this a fault is known again, so that a repair is not asked for over and over.
pub fn fingerprint(fault: &Fault) -> u64 {
    // One question for a key, whatever else is found wrong with it while that is open; screening comes round again.
    fingerprint_of(&fault.key, if fault.fault == NEEDS_SCREENING { b"screening" } else { b"repair" })
}

/// The fault that a screening of the number mends, until it is stale.
pub fn to_be_screened(number: &str) -> u64 {
    fingerprint_of(number, b"screening")
}

fn fingerprint_of(key: &str, sort: &[u8]) -> u64 {
    let d = digest_16(&[key.as_bytes(), sort]);
    let mut b = [0; 8];
    b.copy_from_slice(&d[..8]);
    u64::from_be_bytes(b)
}

pub(super) fn partner<'a>(v: &View<'a, '_>, out: &mut Vec<Proposal<'a>>) {
    let by_fit = matches!(v.j.verdict, Verdict::Weak | Verdict::Bad) && v.j.cause == Some(Cause::Fit);
    let kept_back = v.conduct.lent.is_some() || v.conduct.denied_until.is_some_and(|at| at > v.now);
    let gone = [Case::Minor, Case::Competitor, Case::NotABuyer, Case::Test].iter().any(|c| v.j.cases.get(*c).is_some());
    let had = v.conduct.ledger.iter().any(|e| e.play == Play::ReferralHandoff && e.state.counts_for_caps());
    // It covers every key, or the one that it was given for.
    let keys = v.facts.keys.keys().filter(|k| matches!(k.kind, KeyKind::Phone | KeyKind::Email));
    let consent = keys.filter_map(|key| v.consent(Channel::Share, key)).max_by_key(|(level, at, ..)| (*level, *at));
    if !by_fit || waits_for_second_opinion(v) || kept_back || gone || had || !may_share(v.facts) {
        return;
    }
    let partners: Vec<&'a Partner> = v.policy.partners.iter().filter(|p| serves(p, v.facts)).collect();
    let (Some(rule), Some(first)) = (v.policy.rule(Play::ReferralHandoff), partners.first()) else { return };
    let because = format!("The lead does not fit us, but {} serves such leads.", first.name);
    out.push(Proposal {
        play: Play::ReferralHandoff,
        at: v.now,
        expires_at: v.now + rule.expires.0,
        priority: rule.priority,
        worth: v.worth(rule),
        because,
        consent: consent.map(|(level, at, url, _)| (level, at, url.map(str::to_owned))),
        partners,
        ..Proposal::empty(Play::ReferralHandoff)
    });
}
