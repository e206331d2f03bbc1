//! What the facts close, for every key of the lead that the closing is about, and which keys are closed for whom.
//!
//! The rows outlive the lead; how they are joined and kept is `suppression`'s and the store's affair.

use super::*;

/// What the facts close, for every key of the lead that the closing is about; only rows that say something new.
pub(super) fn closings(
    facts: &Facts,
    hashes: &BTreeMap<Key, KeyHash>,
    ctx: &Context<'_>,
) -> BTreeMap<(KeyHash, Channel), Suppression> {
    let mut out: BTreeMap<(KeyHash, Channel), Suppression> = BTreeMap::new();
    for ((channel, key), closing) in &facts.closings {
        let (last, why) = match &closing.last {
            Some(last) => (last.stamp.at, last.value.0),
            None => (Moment::MIN, crate::domain::suppression::ClosedBecause::OptOut),
        };
        let row = Suppression { first_closed: closing.first, last_closed: last, last_reopened: closing.reopened, why };
        for (held, hash) in hashes {
            let about = match key {
                Some(key) => key == held,
                None => reaches(*channel, held),
            };
            if !about {
                continue;
            }
            let slot = (*hash, *channel);
            let known = out.get(&slot).or_else(|| ctx.suppressions.get(&slot));
            let mut joined = known.cloned().unwrap_or_else(|| row.clone());
            joined.join(&row);
            if known != Some(&joined) {
                out.insert(slot, joined);
            }
        }
    }
    out
}

/// A number at which nobody knows the lead is closed for it at once; only a later consent for that number reopens it.
pub(super) fn close_wrong_numbers(
    j: &Judgement<'_>,
    hashes: &BTreeMap<Key, KeyHash>,
    ctx: &Context<'_>,
    out: &mut BTreeMap<(KeyHash, Channel), Suppression>,
) {
    for status in j.keys.iter().filter(|k| k.why == crate::domain::contact::KeyWhy::WrongNumber) {
        let (Some(hash), Some(at)) = (hashes.get(status.key), status.since) else { continue };
        for channel in [Channel::Call, Channel::Sms] {
            let slot = (*hash, channel);
            let row = Suppression::closed(at, crate::domain::suppression::ClosedBecause::WrongNumber);
            let known = out.get(&slot).or_else(|| ctx.suppressions.get(&slot));
            let mut joined = known.cloned().unwrap_or_else(|| row.clone());
            joined.join(&row);
            if known != Some(&joined) {
                out.insert(slot, joined);
            }
        }
    }
}

/// Which keys a channel-wide closing is about: post, sharing and profiling are about the person, by every key.
pub(super) fn reaches(channel: Channel, key: &Key) -> bool {
    match channel {
        Channel::Call | Channel::Sms | Channel::Email => carries(channel, key),
        Channel::Mail | Channel::Share | Channel::Profiling => matches!(key.kind, KeyKind::Phone | KeyKind::Email),
    }
}

/// The (channel, key) pairs of the lead that are closed, by this lead or by anybody.
pub fn closed_keys(
    hashes: &BTreeMap<Key, KeyHash>,
    fresh: &BTreeMap<(KeyHash, Channel), Suppression>,
    ctx: &Context<'_>,
) -> Vec<(Channel, Key)> {
    let mut closed = Vec::new();
    if ctx.suppressions.is_empty() && fresh.is_empty() {
        return closed;
    }
    for (key, hash) in hashes {
        for channel in Channel::ALL {
            let row = fresh.get(&(*hash, channel)).or_else(|| ctx.suppressions.get(&(*hash, channel)));
            if row.is_some_and(Suppression::is_closed) {
                closed.push((channel, key.clone()));
            }
        }
    }
    closed
}
