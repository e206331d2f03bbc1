//! What the person and the law allow: consents in force, and the facts the legal gate asks for.
//!
//! Only reads; the gate itself is `legal`'s.

use super::View;
use crate::domain::event::{Channel, ConsentLevel, Outcome, ScreenResult};
use crate::domain::identity::Key;
use crate::domain::legal::{CallFacts, ConsentView};
use crate::domain::time::Moment;

impl<'a> View<'a, '_> {
    /// The consent that covers a key on a channel as of now, if any is in force.
    pub fn consent(&self, channel: Channel, key: &Key) -> Option<(ConsentLevel, Moment, Option<&'a str>, bool)> {
        if self.facts.consents.is_empty() {
            return None;
        }
        let known_since = self.facts.keys.get(key).copied().unwrap_or(Moment::MAX);
        let mut best: Option<(ConsentLevel, Moment, Option<&'a str>, bool)> = None;
        for ((c, k), fact) in &self.facts.consents {
            if *c != channel || k.as_ref().is_some_and(|k| k != key) {
                continue;
            }
            let Some(grant) = &fact.granted else { continue };
            // Without a key it covers what the lead had then.
            if k.is_none() && known_since > grant.value.told_at {
                continue;
            }
            if fact.revoked.as_ref().is_some_and(|r| r.stamp.at >= grant.stamp.at) {
                continue;
            }
            let automated = grant.value.modes.iter().any(|m| m == "automated");
            let found = (grant.value.level, grant.stamp.at, grant.value.evidence_url.as_deref(), automated);
            if best.as_ref().is_none_or(|b| (b.0, b.1) < (found.0, found.1)) {
                best = Some(found);
            }
        }
        best
    }
}

/// The lists on which a number was found clear, and as of when. Which of them a place asks for is the law's.
pub(super) fn clear_lists<'a>(v: &View<'a, '_>, key: &Key) -> Vec<(&'a str, Moment)> {
    let of_key = v.facts.screenings.iter().filter(|((k, _), s)| k == key && s.value.result == ScreenResult::Clear);
    of_key.map(|((_, list), screening)| (list.as_str(), screening.value.as_of)).collect()
}

pub(super) fn call_facts<'c>(
    v: &View<'_, '_>,
    key: &Key,
    consent: &Option<(ConsentLevel, Moment, Option<&str>, bool)>,
    clear: &'c [(&'c str, Moment)],
) -> CallFacts<'c> {
    // On whatever list: somebody does not want to be called there.
    let listed = v.facts.screenings.iter().any(|((k, _), s)| k == key && s.value.result == ScreenResult::Listed);
    CallFacts {
        consent: consent_view(consent),
        purchase_at: v.facts.outcome.as_ref().filter(|o| o.value.outcome == Outcome::Won).map(|o| o.stamp.at),
        inquiry_at: v.facts.inquiries.last().map(|i| i.cited.stamp.at),
        clear,
        listed,
    }
}

/// Our own list, people who sue, numbers that went to somebody else: no consent makes up for these.
pub(super) fn is_barred(v: &View<'_, '_>, key: &Key) -> bool {
    v.facts.screenings.iter().any(|((k, list), screening)| {
        k == key
            && matches!(list.as_str(), "internal" | "litigator" | "reassigned")
            && screening.value.result == ScreenResult::Listed
    })
}

pub(super) fn consent_view(consent: &Option<(ConsentLevel, Moment, Option<&str>, bool)>) -> ConsentView {
    consent.as_ref().map_or(ConsentView::default(), |(level, granted_at, _, automated)| ConsentView {
        level: Some(*level),
        automated: *automated,
        granted_at: Some(*granted_at),
        expires: None,
    })
}
