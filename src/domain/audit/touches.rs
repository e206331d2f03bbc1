//! Calls and messages: how many, at which times of the day, by how many channels.

use super::{Audit, Detail, Item, Look, State, daypart, no_way, note};
use crate::domain::event::Channel;
use crate::domain::facts::Touch;
use crate::domain::touches::{CallResult, ours};

/// Counts our attempts by phone, and the parts of the day they were made in.
pub(super) fn count(look: &Look<'_, '_>, audit: &mut Audit) {
    let (mut last_day, mut halves) = (i32::MIN, 0);
    for (touch, result) in ours(&look.j.calls) {
        let at = touch.cited.stamp.at;
        if !result.is_attempt() || at < look.since {
            continue;
        }
        // Nobody can say whether it rang: two of them make one attempt.
        halves += if result == CallResult::Undecided { 1 } else { 2 };
        audit.calls = halves / 2;
        if let Some(part) = daypart(look.zone.minute_of_day(at)) {
            audit.tried[part] = true;
        }
        let day = look.zone.local_day(at);
        if day != last_day {
            audit.days += 1;
            last_day = day;
        }
    }
}

pub(super) fn check(look: &Look<'_, '_>, audit: &mut Audit) {
    let rules = &look.policy.scoring.audit;
    let (made, days, tried) = (audit.calls, audit.days, audit.tried);
    let reached = ours(&look.j.calls).any(|(t, r)| r.is_contact() && t.cited.stamp.at >= look.since);
    if reached || !look.facts.is_invited() {
        let why = if reached { Detail::Spoken } else { Detail::NotNeeded };
        for item in [Item::Attempts, Item::Dayparts, Item::SecondChannel] {
            no_way(audit, item, why);
        }
        return;
    }
    if look.j.fits_badly() {
        // An answer is owed to anybody, and that is the first touch; what the profile says against them no call changes.
        for item in [Item::Attempts, Item::Dayparts, Item::SecondChannel] {
            no_way(audit, item, Detail::NoChase);
        }
        return;
    }
    let (of, on_days) = (rules.attempts, rules.attempt_days);
    audit.calls_owed = of;
    let first = look.facts.outbound().map(|t| t.cited.stamp.at).min();
    audit.calls_owed_from = first.filter(|_| made == 0).map(|at| at + rules.call_within.0);
    let state = |done: bool, possible: bool| match (done, possible) {
        (true, _) => State::Done,
        (false, true) => State::Open,
        (false, false) => State::NotApplicable,
    };
    let detail = |state, detail| if state == State::NotApplicable { look.no_call() } else { detail };
    let attempts = state(made >= of && days >= on_days, look.can_call);
    note(audit, Item::Attempts, attempts, detail(attempts, Detail::Calls { made, days, of }));
    let dayparts = state(tried.iter().all(|t| *t), look.can_call);
    note(audit, Item::Dayparts, dayparts, detail(dayparts, Detail::Dayparts(tried)));
    let channels = channels_tried(look);
    let second = state(channels >= 2, look.can_call && look.can_write);
    let without = if look.can_call { Detail::NoAddress } else { look.no_call() };
    let told = if second == State::NotApplicable { without } else { Detail::Channels(channels) };
    note(audit, Item::SecondChannel, second, told);
}

fn channels_tried(look: &Look<'_, '_>) -> u32 {
    let of_now = |t: &&Touch| t.cited.stamp.at >= look.since && !look.dropped(t);
    let tried = |c: Channel| look.facts.outbound().filter(of_now).any(|t| t.channel == c);
    let has = |c: Channel| u32::from(tried(c));
    has(Channel::Call) + has(Channel::Sms) + has(Channel::Email)
}
