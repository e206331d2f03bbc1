//! Work for a desk of ours, not for the lead: contact data to mend, and a partner to hand the lead to.

use super::review::waits_for_second_opinion;
use super::voice::ToScreen;
use super::{Proposal, View};
use crate::domain::cases::Case;
use crate::domain::conduct::Entry;
use crate::domain::contact::{KeyStatus, Status, needs_carrier_check, probably_meant};
use crate::domain::diagnosis::{Cause, Verdict};
use crate::domain::event::{Channel, PartnerAnswer, ScreenResult};
use crate::domain::facts::Facts;
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
    let asked = |f: &Fault| v.conduct.repairs_asked.iter().filter(|known| **known == fingerprint(f, v.facts)).count();
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

/// When what was asked of a desk that told nothing of it is asked once more. Where a desk said of another repair that it
/// could not be done, nobody can tell which fault that was, and none is asked about again.
fn repair_again(v: &View<'_, '_>) -> Option<Moment> {
    let mut repairs = v.conduct.ledger.iter().filter(|e| e.play == Play::ContactRepair);
    let refused = |e: &Entry| matches!(e.state, TaskState::Failed | TaskState::Rejected(_));
    let last = repairs.clone().next_back().filter(|_| !repairs.any(refused))?;
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
pub fn fingerprint(fault: &Fault, facts: &Facts) -> u64 {
    // One question for a key, whatever else is found wrong with it while that is open; and one for each screening that
    // has grown stale.
    let d = if fault.fault == NEEDS_SCREENING {
        let lists = fault.suggestion.as_deref().unwrap_or_default();
        let stale = screened_clear(fault, facts).map_or(i64::MIN, |as_of| as_of.0);
        digest_16(&[fault.key.as_bytes(), b"screening", lists.as_bytes(), &stale.to_be_bytes()])
    } else {
        digest_16(&[fault.key.as_bytes(), b"repair"])
    };
    let mut b = [0; 8];
    b.copy_from_slice(&d[..8]);
    u64::from_be_bytes(b)
}

/// When the number was last found clear on one of the lists that are asked for: another list says nothing of them.
fn screened_clear(fault: &Fault, facts: &Facts) -> Option<Moment> {
    let wanted = |list: &str| fault.suggestion.as_deref().is_none_or(|lists| lists.split(", ").any(|l| l == list));
    let clear = facts
        .screenings
        .iter()
        .filter(|((key, list), s)| key.value == fault.key && wanted(list) && s.value.result == ScreenResult::Clear);
    clear.map(|(_, s)| s.value.as_of).max()
}

pub(super) fn partner<'a>(v: &View<'a, '_>, out: &mut Vec<Proposal<'a>>) {
    let by_fit = matches!(v.j.verdict, Verdict::Weak | Verdict::Bad) && v.j.cause == Some(Cause::Fit);
    let kept_back = v.conduct.lent.is_some() || v.conduct.denied_until.is_some_and(|at| at > v.now);
    let gone = [Case::Minor, Case::Competitor, Case::NotABuyer, Case::Test].iter().any(|c| v.j.cases.get(*c).is_some());
    let offers = || v.conduct.ledger.iter().filter(|e| e.play == Play::ReferralHandoff && e.state.counts_for_caps());
    // To whom one of long ago was offered may not be on record; then nobody else is asked.
    let offered = |p: &Partner| offers().any(|e| e.key.as_ref().is_none_or(|to| *to == p.id));
    // Who took it may have it still, whatever came of it; only who declined, gave it back or never answered is followed by
    // another, and by none before our own calls and letters are through.
    use PartnerAnswer::*;
    let taken = v.facts.partner.values().any(|a| matches!(a.value, Accepted | Won | Lost));
    let ours = |play: Play| play.class().is_contact() && !matches!(play, Play::CheckIn | Play::Disengage);
    let busy = v.conduct.open().any(|e| ours(e.play)) || out.iter().any(|p| ours(p.play));
    let waits = taken || offers().any(|e| e.is_open()) || (offers().next().is_some() && busy);
    // It covers every key, or the one that it was given for.
    let keys = v.facts.keys.keys().filter(|k| matches!(k.kind, KeyKind::Phone | KeyKind::Email));
    let consent = keys.filter_map(|key| v.consent(Channel::Share, key)).max_by_key(|(level, at, ..)| (*level, *at));
    if !by_fit || waits_for_second_opinion(v) || kept_back || gone || waits || !may_share(v.facts) {
        return;
    }
    let partners: Vec<&'a Partner> = v.policy.partners.iter().filter(|p| serves(p, v.facts) && !offered(p)).collect();
    let (Some(rule), Some(first)) = (v.policy.rule(Play::ReferralHandoff), partners.first()) else { return };
    let because = format!("The lead does not fit us, but {} serves such leads.", first.name);
    out.push(Proposal {
        play: Play::ReferralHandoff,
        at: v.now,
        expires_at: v.now + rule.expires.0,
        priority: rule.priority,
        worth: v.worth(rule),
        because: because.into(),
        consent: consent.map(|(level, at, url, _)| (level, at, url.map(str::to_owned))),
        partners,
        ..Proposal::empty(Play::ReferralHandoff)
    });
}
