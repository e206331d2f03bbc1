//! What the facts close, for every key of the lead that the closing is about, and which keys are closed for whom.
//!
//! The rows outlive the lead; how they are joined and kept is `suppression`'s and the store's affair.

use super::*;
use crate::domain::facts::{Closing, Said};
use crate::domain::suppression::ClosedBecause;
use crate::domain::words::{Label, Medium};

type Rows = BTreeMap<(KeyHash, Channel), Suppression>;

/// What the facts close, for every key of the lead that the closing is about; only rows that say something new.
///
/// What was asked for on the phone at a number that other leads carry too closes it for this person alone: their rows are
/// those of the keys that nobody else has.
pub(super) fn closings(
    facts: &Facts,
    hashes: &BTreeMap<Key, KeyHash>,
    crowded: &BTreeMap<Key, KeyHash>,
    j: &Judgement<'_>,
    ctx: &Context<'_>,
) -> Rows {
    let mut out = Rows::new();
    for ((channel, key), closing) in &facts.closings {
        let (last, why) = match &closing.last {
            Some(last) => (last.stamp.at, last.value.0),
            None => (Moment::MIN, ClosedBecause::OptOut),
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
            let is_shared = carries(*channel, held)
                && held.kind == KeyKind::Phone
                && (ctx.shared_keys.contains(&held.value) || crowded.contains_key(held));
            let persons: Vec<KeyHash> = hashes.iter().filter(|(k, _)| names_a_person(k)).map(|(_, h)| *h).collect();
            if is_shared && !persons.is_empty() && is_personal(closing, *channel, &persons, facts, j, ctx) {
                persons.into_iter().for_each(|hash| add((hash, *channel), &row, &mut out, ctx));
            } else {
                add((*hash, *channel), &row, &mut out, ctx);
            }
        }
    }
    out
}

/// Joins a row to what is known of its slot, and keeps it where that says something new.
fn add(slot: (KeyHash, Channel), row: &Suppression, out: &mut Rows, ctx: &Context<'_>) {
    let known = out.get(&slot).or_else(|| ctx.suppressions.get(&slot));
    let mut joined = known.cloned().unwrap_or_else(|| row.clone());
    joined.join(row);
    if known != Some(&joined) {
        out.insert(slot, joined);
    }
}

/// A key that stands for one person: a row of theirs for calls closes those to the person, whatever the number.
fn names_a_person(key: &Key) -> bool {
    matches!(key.kind, KeyKind::Id | KeyKind::Email)
}

/// All that is known of a closing was said on the phone, in one call: in its result or in what was noted of it. Whatever
/// was written closes the number, and so does what nobody can tell any more.
fn is_personal(
    closing: &Closing,
    channel: Channel,
    persons: &[KeyHash],
    facts: &Facts,
    j: &Judgement<'_>,
    ctx: &Context<'_>,
) -> bool {
    let opted_out = |s: &&Said| s.findings.iter().any(|f| f.label == Label::OptOut && f.certain);
    if facts.said.iter().filter(|s| s.medium != Medium::CallNote).any(|s| opted_out(&s)) {
        return false;
    }
    let Some(last) = closing.last.as_ref().filter(|l| !l.value.0.is_grave()) else { return false };
    // It was settled when it was said: calls are not remembered for ever.
    let settled = |hash: &KeyHash| {
        let row = ctx.suppressions.get(&(*hash, channel));
        row.is_some_and(|row| row.first_closed <= closing.first && last.stamp.at <= row.last_closed)
    };
    let call = j.calls.iter().find(|c| c.touch.cited.id == last.value.1);
    call.is_some_and(|c| [c.touch.cited.stamp.at, last.stamp.at].contains(&closing.first))
        || persons.iter().all(settled)
}

/// A number at which nobody knows the lead is closed for it at once; only a later consent for that number reopens it.
pub(super) fn close_wrong_numbers(
    j: &Judgement<'_>,
    hashes: &BTreeMap<Key, KeyHash>,
    ctx: &Context<'_>,
    out: &mut Rows,
) {
    for status in j.keys.iter().filter(|k| k.why == crate::domain::contact::KeyWhy::WrongNumber) {
        let (Some(hash), Some(at)) = (hashes.get(status.key), status.since) else { continue };
        for channel in [Channel::Call, Channel::Sms] {
            add((*hash, channel), &Suppression::closed(at, ClosedBecause::WrongNumber), out, ctx);
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
pub fn closed_keys(hashes: &BTreeMap<Key, KeyHash>, fresh: &Rows, ctx: &Context<'_>) -> Vec<(Channel, Key)> {
    if ctx.suppressions.is_empty() && fresh.is_empty() {
        return Vec::new();
    }
    let row = |slot: &(KeyHash, Channel)| fresh.get(slot).or_else(|| ctx.suppressions.get(slot));
    closed_for(hashes, row).map(|(channel, key, _)| (channel, key.clone())).collect()
}

/// What is closed for whoever has these keys, with the row that says so: rows of the key itself, and for calls and texts
/// to any number those of the person.
pub fn closed_for<'r, 'h>(
    hashes: &'h BTreeMap<Key, KeyHash>,
    row: impl Fn(&(KeyHash, Channel)) -> Option<&'r Suppression> + Copy,
) -> impl Iterator<Item = (Channel, &'h Key, &'r Suppression)> {
    let closed = move |hash: &KeyHash, channel: Channel| row(&(*hash, channel)).filter(|row| row.is_closed());
    let by_person = move |channel: Channel| {
        let mut persons = hashes.iter().filter(|(key, _)| names_a_person(key));
        persons.find_map(|(_, hash)| closed(hash, channel))
    };
    hashes.iter().flat_map(move |(key, hash)| {
        Channel::ALL
            .into_iter()
            .filter(move |c| !(names_a_person(key) && matches!(c, Channel::Call | Channel::Sms)))
            .filter_map(move |channel| {
                let own = closed(hash, channel);
                let row =
                    own.or_else(|| by_person(channel).filter(|_| carries(channel, key) && key.kind == KeyKind::Phone));
                row.map(|row| (channel, key, row))
            })
    })
}
