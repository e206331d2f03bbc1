//! How often is too often: caps of the law and of courtesy, counted over everybody's touches on a number or address.

use super::View;
use crate::domain::event::Channel;
use crate::domain::facts::CallFact;
use crate::domain::fold::carries;
use crate::domain::identity::Key;
use crate::domain::time::{Moment, Span};
use crate::domain::touches::call_result;

impl<'a> View<'a, '_> {
    /// Instants of touches on a key that count for caps: reported ones, tasks without a report, other leads' touches.
    pub(super) fn touches_on(&self, key: &Key, channel: Option<Channel>) -> Vec<Moment> {
        self.counted_on(key, channel, |call| call_result(call, self.policy).is_attempt())
    }

    /// Instants of every dial of a number, noticed or not: what the caps of the law count.
    pub(super) fn dials_on(&self, key: &Key) -> Vec<Moment> {
        self.counted_on(key, Some(Channel::Call), |_| true)
    }

    fn counted_on(&self, key: &Key, channel: Option<Channel>, counts: impl Fn(&CallFact) -> bool) -> Vec<Moment> {
        let primary = self.facts.primary(key.kind);
        let mut at: Vec<Moment> = self
            .facts
            .outbound()
            .filter(|t| channel.is_none_or(|c| c == t.channel))
            .filter(|t| t.to.as_ref().map_or(primary == Some(key), |to| *to == key.value) && carries(t.channel, key))
            .filter(|t| t.call.as_ref().is_none_or(&counts))
            .map(|t| t.cited.stamp.at)
            .collect();
        at.extend(
            self.conduct
                .ledger
                .iter()
                .filter(|e| !e.touched && e.state.counts_for_caps() && e.key.as_deref() == Some(&key.value))
                .filter(|e| channel.is_none_or(|c| e.channel == Some(c)))
                .map(|e| e.made_at),
        );
        at.extend(
            self.shared_touches
                .iter()
                .filter(|(value, _, c)| *value == key.value && channel.is_none_or(|wanted| wanted == *c))
                .map(|(_, at, _)| *at),
        );
        at.sort_unstable();
        at
    }

    /// After a conversation nobody hears from us for a while, by whatever channel, but for what they wait for.
    pub(super) fn after_conversation(&self, due: Moment) -> Moment {
        let quiet = self.policy.plays.fatigue.quiet_after_contact.0;
        self.j.last_conversation.map_or(due, |spoke| due.max(spoke + quiet))
    }

    pub(super) fn fatigue_allows(&self, due: Moment, key: &Key) -> Moment {
        let rules = &self.policy.plays.fatigue;
        if due < self.started() + Span::days(i64::from(rules.free_days)) {
            return due;
        }
        let touches = self.touches_on(key, None);
        let day = after_limit(&touches, rules.touches_per_day, Span::days(1), due);
        // The burst of the first days is no part of the week's measure: it would swallow the fourth day of the cadence.
        let free_until = self.started() + Span::days(i64::from(rules.free_days));
        let since = touches.iter().filter(|at| !(self.started()..free_until).contains(*at));
        let counted: Vec<Moment> = since.copied().collect();
        after_limit(&counted, rules.touches_per_week, Span::days(7), day)
    }
}

/// The earliest instant from `due` on at which a further touch keeps to at most `limit` in any `per`.
pub(super) fn after_limit(touches: &[Moment], limit: u32, per: Span, due: Moment) -> Moment {
    let within = touches.iter().rev().filter(|at| due - **at < per).take(limit as usize);
    match within.clone().count() as u32 {
        n if n < limit => due,
        _ => within.last().map_or(due, |oldest| due.max(*oldest + per)),
    }
}

/// The law's cap on calls to one number.
pub(super) fn legal_cap(v: &View<'_, '_>, dials: &[Moment], due: Moment) -> Moment {
    // One place of the cap is kept for callbacks and dropped calls by `planned_calls_per_day`, which is lower.
    let caps = v.place.caps(v.now);
    caps.iter().fold(due, |due, cap| after_limit(dials, cap.max_calls, cap.per, due))
}
