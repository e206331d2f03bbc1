//! A promised call that nobody has kept yet: when to make it, and how often it was tried.

use super::{View, local};
use crate::domain::promise::Due;
use crate::domain::task::Play;
use crate::domain::time::{Moment, date_of_day};
use crate::domain::touches::ours as our_calls;

/// When, which number, which agent, and how it reads.
pub(super) struct Promise {
    /// From and until when a call is on time.
    pub from: Moment,
    pub until: Moment,
    /// The minute they named; `None` where they named a day.
    pub minute: Option<Moment>,
    pub number: Option<String>,
    pub agent: Option<String>,
    /// When we called at the time they named and nobody picked up.
    pub tried: Option<Moment>,
    /// "at 16:00 on 2026-03-04 their time", "on 2026-03-10".
    pub named: String,
}

/// A call is promised for later, and was not tried yet.
pub(super) fn is_ahead(v: &View<'_, '_>) -> bool {
    promised(v).is_some_and(|p| p.tried.is_none() && p.from > v.now)
}

pub(super) fn promised(v: &View<'_, '_>) -> Option<Promise> {
    let p = v.j.promised.as_ref().filter(|_| !v.j.clear_no)?;
    let tolerance = v.policy.plays.cadence.callback_tolerance.0;
    let (from, until) = (p.from(v.zone, tolerance), p.until(v.zone, tolerance));
    let reached = v.j.last_conversation.is_some_and(|spoke| spoke > p.asked && spoke >= from);
    let dials =
        our_calls(&v.j.calls).filter(|(t, r)| t.cited.stamp.at > p.asked && t.cited.stamp.at >= from && r.is_attempt());
    let sent = v.conduct.ledger.iter().filter(|e| {
        let counts = e.is_open() || e.state.counts_for_caps();
        e.play == Play::Callback && e.made_at >= p.asked && !e.touched && counts
    });
    let mut tried: Vec<Moment> = dials.map(|(t, _)| t.cited.stamp.at).chain(sent.map(|e| e.made_at)).collect();
    tried.sort_unstable();
    let named = match p.due {
        Due::Minute(at) if p.no_earlier => format!("after {}", local(v, at)),
        Due::Minute(at) => format!("at {}", local(v, at)),
        Due::Day(day) => format!("on {}", date_of_day(day)),
    };
    // Two that nobody picked up, and the cadence goes on as if nothing had been promised.
    (!reached && tried.len() < 2).then(|| Promise {
        from,
        until,
        minute: match p.due {
            Due::Minute(at) => Some(at),
            Due::Day(_) => None,
        },
        number: p.number.map(str::to_owned),
        agent: p.agent.map(str::to_owned),
        tried: tried.last().copied(),
        named,
    })
}
