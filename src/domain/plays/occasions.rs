//! Occasions that the lead or the calendar gives: a meeting booked or missed, a room viewed again, a good moment to ask
//! for a referral, a channel that stays silent while another is open.
//!
//! What is written or said then goes out through `text` and `voice`; here only whether there is an occasion, and when.

use super::View;
use super::rest::meeting_ahead;
use crate::domain::event::{Channel, MeetingWhat};
use crate::domain::facts::{MeetingFact, SignalKind};
use crate::domain::register::Series;
use crate::domain::task::{Class, Play};
use crate::domain::time::{Moment, Span};
use crate::domain::touches::{CallResult, Called};
use crate::domain::words::Label;

/// Tasks of a play made since an instant that may have reached somebody.
fn made_since(v: &View<'_, '_>, play: Play, since: Moment) -> usize {
    v.conduct.ledger.iter().filter(|e| e.play == play && e.made_at >= since && e.state.counts_for_caps()).count()
}

/// A booked meeting that lies ahead and was not confirmed yet: when it was booked, and when it is.
pub(super) fn to_confirm(v: &View<'_, '_>) -> Option<(Moment, Option<Moment>)> {
    let newest = v.facts.meetings.last().filter(|m| m.what == MeetingWhat::Booked)?;
    let booked = newest.cited.stamp.at;
    let ahead = newest.at.is_none_or(|at| at > v.now);
    (ahead && v.now - booked < Span::days(1) && made_since(v, Play::ConfirmMeeting, booked) == 0)
        .then_some((booked, newest.at))
}

/// A missed meeting: when the next friendly word is due. Once at once, once the next day, and then nurture.
pub(super) fn to_reschedule(v: &View<'_, '_>) -> Option<(Moment, u32)> {
    let newest = v.facts.meetings.last().filter(|m| m.what == MeetingWhat::Missed)?;
    let missed = newest.cited.stamp.at;
    if v.j.last_answer > missed {
        return None;
    }
    match made_since(v, Play::Reschedule, missed) {
        0 if v.now - missed <= Span::minutes(30) => Some((missed, 1)),
        0 | 1 if v.now - missed <= Span::days(2) => Some((missed + Span::days(1), 2)),
        _ => None,
    }
}

/// A missed meeting that nobody has made up for since.
pub(super) fn missed_meeting(v: &View<'_, '_>) -> bool {
    let newest = v.facts.meetings.last();
    let of_episode = |m: &MeetingFact| m.cited.stamp.at >= v.started();
    newest.is_some_and(|m| m.what == MeetingWhat::Missed && v.j.last_answer <= m.cited.stamp.at && of_episode(m))
}

/// A booked meeting is over, and the time in which whoever held it reports: nobody has told how it went.
pub(super) fn silent_meeting(v: &View<'_, '_>) -> Option<Moment> {
    let newest = v.facts.meetings.last().filter(|m| m.what == MeetingWhat::Booked)?;
    let due = newest.at.filter(|at| *at >= v.started() && !meeting_ahead(v))?;
    let asked = v.facts.outbound().any(|t| t.channel == Channel::Call && t.cited.stamp.at >= due)
        || v.conduct
            .ledger
            .iter()
            .any(|e| e.class == Class::Voice && e.made_at >= due && !e.is_open() && e.state.counts_for_caps());
    (!asked && v.j.last_answer < due).then_some(due)
}

/// The sales room was opened again, or by somebody else, and nobody has followed up since.
pub(super) fn room_opened(v: &View<'_, '_>) -> Option<Moment> {
    let unnamed = v.facts.signal(SignalKind::Room);
    let views = || v.facts.rooms.values().chain(unnamed);
    let newest = views().filter_map(Series::newest_at).max()?;
    let cadence = &v.policy.plays.cadence;
    let before = |s: &Series| s.first.is_some_and(|first| newest - first.at >= cadence.room_again_after.0);
    let again = views().any(before) || has_second_viewer(v, newest);
    let followed_up = v.facts.outbound().any(|t| t.cited.stamp.at > newest)
        || v.conduct.ledger.iter().any(|e| e.class.is_contact() && e.made_at >= newest && e.state.counts_for_caps());
    (again && !followed_up && v.now - newest <= cadence.room_fresh_for.0).then_some(newest)
}

/// Whoever viewed a room just now is not its first viewer: a committee decides.
fn has_second_viewer(v: &View<'_, '_>, newest: Moment) -> bool {
    let others = |room: u64| v.facts.rooms.range((room, 0)..=(room, u64::MAX)).count() > 1;
    v.facts.rooms.iter().any(|((room, _), views)| {
        let came_new = views.first.is_some_and(|first| first.at == newest);
        came_new && others(*room)
    })
}

/// Enough touches on one channel stayed silent, and no message went out by SMS since the episode started.
pub(super) fn tries_another_channel(v: &View<'_, '_>) -> bool {
    let limit = v.policy.plays.cadence.other_channel_after as usize;
    let since = v.started().max(v.j.last_answer);
    let silent = |channel: Channel| {
        let touches = v.facts.outbound().filter(|t| t.channel == channel && t.cited.stamp.at >= since);
        touches.count() >= limit
    };
    let tried = v.facts.outbound().any(|t| t.channel == Channel::Sms && t.cited.stamp.at >= v.started())
        || made_since(v, Play::OtherChannel, v.started()) > 0;
    !tried && (silent(Channel::Call) || silent(Channel::Email))
}

/// A good moment to ask whom else they would name: when it was, and what it was. Never after a complaint or an opt-out,
/// and once an episode.
pub(super) fn good_moment(v: &View<'_, '_>) -> Option<(Moment, &'static str)> {
    let soured = v.facts.closings.values().any(|c| c.is_closed())
        || v.facts.signal(SignalKind::Complaint).is_some()
        || v.facts.said.iter().any(|s| s.findings.iter().any(|f| is_sour(f.label)))
        || v.j.calls.iter().any(|c| c.result.is_no());
    // Who has just named somebody need not be asked for somebody.
    let named = v.facts.said.iter().any(|s| s.findings.iter().any(|f| f.label == Label::Referral));
    if soured || named || made_since(v, Play::ReferralAsk, v.started()) > 0 {
        return None;
    }
    let held = v.facts.meetings.iter().rev().find(|m| m.what == MeetingWhat::Held);
    let held = held.map(|m| (m.cited.stamp.at, "We met; that is a time to ask whom else they would name."));
    // A friendly no is one that leaves a later open, in the lead's own words and without a harder one beside it.
    let said = v.facts.said.iter().rev().find(|s| {
        let has = |label: Label| s.findings.iter().any(|f| f.label == label);
        !s.is_automatic() && has(Label::Timing) && !has(Label::Budget) && !has(Label::Disinterest)
    });
    let friendly_no = said.map(|s| {
        (s.cited.stamp.at, "They said not now, and left a later open; that is a time to ask whom else they would name.")
    });
    // Who said no when we spoke, or asked for something, which is owed first, is not asked for a name on top.
    let other = |c: &Called<'_>| {
        let mut said = v.facts.said.iter().filter(|s| s.cited == c.touch.cited).flat_map(|s| &s.findings);
        said.any(|f| {
            matches!(f.label, Label::Budget | Label::Disinterest | Label::Vague | Label::Callback | Label::Interest)
        })
    };
    let helped = v.j.calls.iter().rev().find(|c| matches!(c.result, CallResult::RightParty)).filter(|c| !other(c));
    let helped = helped
        .map(|c| (c.touch.cited.stamp.at, "We spoke with them; that is a time to ask whom else they would name."));
    let (at, why) = [held, friendly_no, helped].into_iter().flatten().max_by_key(|(at, _)| *at)?;
    let [first, last] = v.policy.plays.cadence.referral_days.map(|d| Span::days(i64::from(d)));
    (v.now <= at + last).then_some((at + first, why))
}

fn is_sour(label: Label) -> bool {
    matches!(label, Label::Complaint | Label::OptOut | Label::LegalThreat | Label::WrongNumber | Label::WrongPerson)
}
