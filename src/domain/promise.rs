//! Calls that were promised, to the minute or for a day, and what others said of when somebody can be reached.
//!
//! Facts only. The audit asks here whether a promise was kept, the plays when to keep it. What a colleague notes of a
//! gatekeeper's words is no promise of the lead: it only says when a call is worth trying.

use super::event::{Channel, Direction, WhenLocal};
use super::facts::{Facts, Said};
use super::policy::Policy;
use super::time::{Moment, Span, Zone};
use super::touches::Called;
use super::words::{Finding, Label, Medium};

/// A promised call that comes at most so much later still kept its word. [J]
const KEPT_WITHIN: Span = Span::hours(1);
/// Minutes of the local day after which a day's promise counts as about to be broken: nobody expects a call later. [J]
const EVENING: i32 = 20 * 60;

/// When a call was promised for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    Minute(Moment),
    /// Any time of a day at the lead's place, in days since 1970-01-01.
    Day(i32),
}

/// The newest promise, kept or not.
#[derive(Clone, Debug, PartialEq)]
pub struct Promised<'a> {
    pub asked: Moment,
    pub due: Due,
    /// "After 4" names the earliest minute: a call before it breaks the promise.
    pub no_earlier: bool,
    pub number: Option<&'a str>,
    pub agent: Option<&'a str>,
}

impl Promised<'_> {
    /// The first instant at which a call keeps the promise.
    pub fn from(&self, zone: &Zone, tolerance: Span) -> Moment {
        match self.due {
            Due::Minute(at) if self.no_earlier => at,
            Due::Minute(at) => at - tolerance,
            Due::Day(day) => zone.at(day, 0),
        }
    }

    /// Until when it is a task of its own, and not one that is already late.
    pub fn until(&self, zone: &Zone, tolerance: Span) -> Moment {
        match self.due {
            Due::Minute(at) if self.no_earlier => at + tolerance + tolerance,
            Due::Minute(at) => at + tolerance,
            Due::Day(day) => zone.at(day + 1, 0),
        }
    }

    /// The last instant at which a call still keeps it.
    pub fn kept_until(&self, zone: &Zone) -> Moment {
        match self.due {
            Due::Minute(at) => at + KEPT_WITHIN,
            Due::Day(day) => zone.at(day + 1, 0),
        }
    }

    /// By when somebody has to have called, for whoever looks after promises.
    pub fn by(&self, zone: &Zone) -> Moment {
        match self.due {
            Due::Minute(at) => at,
            Due::Day(day) => zone.at(day, EVENING),
        }
    }
}

/// The newest promise: an appointment that a colleague made on the phone, or a day or time that the lead named.
pub fn promised<'a>(facts: &'a Facts, calls: &[Called<'a>], policy: &Policy, zone: &Zone) -> Option<Promised<'a>> {
    let on_the_phone = calls.iter().rev().find_map(|c| {
        let (asked, at) = (c.touch.cited.stamp.at, resolve(c.call.callback_at.as_ref()?, zone));
        let (number, agent) = (c.call.callback_number.as_deref(), c.call.agent.as_deref());
        Some(Promised { asked, due: Due::Minute(at), no_earlier: false, number, agent })
    });
    let own = |s: &&Said| !s.is_automatic() && s.medium != Medium::FeedbackNote && !is_hearsay(s, calls);
    let in_words = facts.said.iter().rev().filter(own).find_map(|s| Some((s, callback(s)?))).and_then(|(s, f)| {
        let asked = s.cited.stamp.at;
        let due = match (&f.at, f.date) {
            (Some(at), _) => Due::Minute(resolve(at, zone)),
            // "Today" waits for nothing.
            (None, Some(day)) if day > zone.local_day(asked) => Due::Day(day),
            (None, _) => return None,
        };
        Some(Promised { asked, due, no_earlier: names_earliest(f, policy), number: None, agent: None })
    });
    let newest = [on_the_phone, in_words].into_iter().flatten().max_by_key(|p| p.asked)?;
    // "Not now after all" takes back what was asked before.
    let taken_back = facts.said.iter().filter(own).filter(|s| s.cited.stamp.at > newest.asked).any(|s| {
        let has = |label: Label| s.findings.iter().any(|f| f.label == label && f.certain);
        (has(Label::Timing) || has(Label::Disinterest)) && !has(Label::Callback) && !has(Label::Interest)
    });
    let ahead = match newest.due {
        Due::Minute(at) => at > newest.asked,
        Due::Day(_) => true,
    };
    (ahead && !taken_back).then_some(newest)
}

/// From when on somebody else said that the lead can be reached, with the words; only what the newest call brought.
pub fn reachable_from<'a>(facts: &'a Facts, calls: &[Called<'a>], zone: &Zone) -> Option<(Moment, &'a str)> {
    let newest = calls.iter().rev().find(|c| c.touch.direction == Direction::Outbound)?;
    let said = facts.said.iter().rev().find(|s| s.cited == newest.touch.cited && is_hearsay(s, calls))?;
    let f = callback(said)?;
    let at = match (&f.at, f.date) {
        (Some(at), _) => resolve(at, zone),
        (None, Some(day)) => zone.at(day, 0),
        (None, None) => return None,
    };
    Some((at, f.quote.as_str()))
}

fn callback(said: &Said) -> Option<&Finding> {
    said.findings.iter().find(|f| f.label == Label::Callback)
}

/// A note on a call in which the lead did not speak.
fn is_hearsay(said: &Said, calls: &[Called<'_>]) -> bool {
    let call = calls.iter().find(|c| c.touch.cited == said.cited && c.touch.channel == Channel::Call);
    said.medium == Medium::CallNote
        && call.is_some_and(|c| c.touch.direction == Direction::Outbound && !c.result.is_contact())
}

fn names_earliest(finding: &Finding, policy: &Policy) -> bool {
    let quote = finding.quote.to_lowercase();
    let words = &policy.plays.cadence.earliest_words;
    quote.split(|c: char| !c.is_alphanumeric()).any(|w| words.iter().any(|word| word == w))
}

fn resolve(when: &WhenLocal, zone: &Zone) -> Moment {
    match when {
        WhenLocal::Instant(at) => *at,
        WhenLocal::Local(local) => zone.resolve(*local),
    }
}
