//! Texts: tried where calls or e-mails stay silent, to a number whose owner agreed to texts.

use super::allowed::consent_view;
use super::cadence::first_window;
use super::occasions::tries_another_channel;
use super::rest::{rests, spoke_since_started};
use super::{Proposal, View};
use crate::domain::event::Channel;
use crate::domain::task::Play;

/// An SMS where calls or e-mails stay silent, in the hours in which a call would be legal.
pub(super) fn sms<'a>(v: &View<'a, '_>, out: &mut Vec<Proposal<'a>>) {
    if v.j.clear_no || rests(v) || spoke_since_started(v) || !tries_another_channel(v) {
        return;
    }
    let (Some(key), Some(rule)) = (v.key_for(Channel::Sms), v.policy.rule(Play::OtherChannel)) else { return };
    let consent = v.consent(Channel::Sms, key);
    if v.place.may_sms(&consent_view(&consent), v.now).is_err() {
        return;
    }
    let due = v.fatigue_allows(v.now, key);
    let Some((at, expires_at)) = first_window(v, true, due, rule.expires.0) else { return };
    out.push(Proposal {
        at,
        expires_at,
        channel: Some(Channel::Sms),
        key: Some(key),
        priority: rule.priority,
        attempt: 1,
        consent: consent.map(|(level, at, url, _)| (level, at, url.map(str::to_owned))),
        worth: v.worth(rule),
        because: "Calls and e-mails stay unanswered; a short text may reach them.".into(),
        ..Proposal::empty(Play::OtherChannel)
    });
}
