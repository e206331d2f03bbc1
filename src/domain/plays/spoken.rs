//! What follows a conversation: the answer to what was asked in it, when it was asked for, or a call that finds out where
//! it stands.

use super::View;
use crate::domain::diagnosis::Verdict;
use crate::domain::task::Class;
use crate::domain::time::{Moment, Span};
use crate::domain::touches::{CallResult, ours as our_calls};
use crate::domain::words::{Label, Medium, Quote};

/// How many calls follow a conversation in which nothing was agreed, before silence is an answer. [J]
const FOLLOW_UPS: usize = 2;

/// When the next call after a conversation is due, and whether and in which words it was asked for; `None` where what we
/// think of the lead speaks against it.
pub(super) fn follow_up<'a>(v: &View<'a, '_>, spoke: Moment) -> Option<(Moment, Option<Option<Quote<'a>>>)> {
    let reported = our_calls(&v.j.calls)
        .filter(|(t, r)| t.cited.stamp.at > spoke && r.is_attempt())
        .map(|(t, _)| t.cited.stamp.at);
    let sent = v.conduct.ledger.iter().filter(|e| {
        e.class == Class::Voice && !e.touched && e.made_at > spoke && (e.is_open() || e.state.counts_for_caps())
    });
    let since: Vec<Moment> = reported.chain(sent.map(|e| e.made_at)).collect();
    let asked = asked_when_we_spoke(v, spoke);
    let wanted = asked.is_some() || !matches!(v.j.verdict, Verdict::Weak | Verdict::Bad);
    let last = since.iter().max().map(|at| *at + Span::days(1));
    (wanted && since.len() < FOLLOW_UPS)
        .then(|| last.or(asked.map(|a| a.0)).unwrap_or(spoke + v.policy.plays.fatigue.quiet_after_contact.0))
        .map(|due| (due, asked.filter(|_| since.is_empty()).map(|a| a.1)))
}

/// Whether the conversation asked something of us: when the answer is due, and in which words it was asked. On the day
/// they named; the next day where they named none, and the same day where it was that one. [J]
fn asked_when_we_spoke<'a>(v: &View<'a, '_>, spoke: Moment) -> Option<(Moment, Option<Quote<'a>>)> {
    let noted = v.facts.said.iter().rev().filter(|s| s.cited.stamp.at == spoke && s.medium == Medium::CallNote);
    let asks = |label: Label| matches!(label, Label::Callback | Label::Interest);
    let quotes = noted.flat_map(|s| s.findings.iter().map(|finding| s.quote(finding)));
    let found = || quotes.clone().filter(|q| asks(q.finding.label));
    let promised = v.j.calls.iter().any(|c| c.touch.cited.stamp.at == spoke && c.result == CallResult::CallbackAsked);
    let words = found().next();
    if words.is_none() && !promised {
        return None;
    }
    let today = v.zone.local_day(spoke);
    let due = match found().filter_map(|q| q.finding.date).find(|day| *day >= today) {
        Some(day) if day == today => spoke + v.policy.plays.cadence.after_no_answer.0,
        Some(day) => v.zone.at(day, 540),
        None => spoke + Span::days(1),
    };
    Some((due, words))
}
