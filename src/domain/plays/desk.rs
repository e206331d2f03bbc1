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
use crate::domain::task::{Fault, Play};
use crate::domain::time::Span;

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
        faults.push(Fault { key: key.value.clone(), fault: "needs_screening".into(), suggestion: against });
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
    faults.retain(|f| !v.conduct.repairs_asked.contains(&fingerprint(f)));
    faults.sort();
    let Some(rule) = v.policy.rule(Play::ContactRepair) else { return };
    if faults.is_empty() {
        return;
    }
    out.push(Proposal {
        play: Play::ContactRepair,
        at: v.now,
        expires_at: v.now + rule.expires.0,
        priority: rule.priority,
        worth: v.worth(rule),
        because: match faults.as_slice() {
            [one] if one.fault == "carrier_check" => {
                "Two calls in a row came to nothing the dialer can name; the carrier should be asked.".into()
            }
            [one] if one.fault == "needs_screening" => "The number must be screened before anybody may call it.".into(),
            [_] => "One of the lead's numbers or addresses needs mending.".into(),
            _ => "Several of the lead's numbers and addresses need mending.".into(),
        },
        faults,
        ..Proposal::empty(Play::ContactRepair)
    });
}

/// By this a fault is known again, so that a repair is asked for once.
pub fn fingerprint(fault: &Fault) -> u64 {
    // One question for a key, whatever else is found wrong with it while that is open; screening comes round again.
    let sort: &[u8] = if fault.fault == "needs_screening" { b"screening" } else { b"repair" };
    let d = digest_16(&[fault.key.as_bytes(), sort]);
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
