//! The process audit: what we owed the lead before anybody may call it bad.
//!
//! Items are done, missed (too late, on record), open (can still be done lawfully with what exists) or not
//! applicable. Only open items forbid `bad`. Facts only: a touch counts when somebody reported it.

use super::diagnosis::Judgement;
use super::event::Channel;
use super::facts::Facts;
use super::fold::place_facts;
use super::identity::KeyKind;
use super::policy::Policy;
use super::time::{Moment, Span};
use super::touches::{CallResult, ours};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    FirstTouch,
    Attempts,
    Dayparts,
    SecondChannel,
}

impl Item {
    pub fn name(self) -> &'static str {
        match self {
            Item::FirstTouch => "first_touch",
            Item::Attempts => "attempts",
            Item::Dayparts => "dayparts",
            Item::SecondChannel => "second_channel",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Done,
    Missed,
    Open,
    NotApplicable,
}

impl State {
    pub fn name(self) -> &'static str {
        match self {
            State::Done => "done",
            State::Missed => "missed",
            State::Open => "open",
            State::NotApplicable => "not_applicable",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Audited {
    pub item: Item,
    pub state: State,
    pub detail: Detail,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    NotNeeded,
    After(Span),
    NotYet,
    Calls {
        made: u32,
        days: u32,
        of: u32,
    },
    /// Morning, afternoon, evening: tried or not.
    Dayparts([bool; 3]),
    Channels(u32),
    NoWay,
}

impl Audited {
    pub fn detail_text(&self) -> String {
        match self.detail {
            Detail::NotNeeded => "not needed any more".into(),
            Detail::After(span) => format!("after {span}"),
            Detail::NotYet => "not yet".into(),
            Detail::Calls { made, days, of } => format!("{made} of {of} calls, on {days} days"),
            Detail::Dayparts(tried) => {
                let names: Vec<&str> =
                    DAYPARTS.iter().zip(tried).filter(|(_, t)| *t).map(|((_, _, name), _)| *name).collect();
                if names.is_empty() { "none tried".into() } else { format!("tried {}", names.join(" and ")) }
            }
            Detail::Channels(n) => format!("{n} channels tried"),
            Detail::NoWay => "there is no lawful way with what we have".into(),
        }
    }

    /// What would help, for `would_change`.
    pub fn would_help(&self) -> String {
        match (self.item, self.detail) {
            (Item::FirstTouch, _) => "a first answer to the inquiry".into(),
            (Item::Attempts, Detail::Calls { made, of, .. }) => {
                format!("{} more calls", of.saturating_sub(made).max(1))
            }
            (Item::Attempts, _) => "more calls".into(),
            (Item::Dayparts, Detail::Dayparts(tried)) => {
                let i = tried.iter().position(|t| !t).unwrap_or(0);
                let (from, to, _) = DAYPARTS[i];
                format!("a call between {:02}:00 and {:02}:00 lead time", from / 60, to / 60)
            }
            (Item::Dayparts, _) => "a call at another time of day".into(),
            (Item::SecondChannel, _) => "a touch on another channel".into(),
        }
    }
}

/// First minute, last minute, name.
pub const DAYPARTS: [(i32, i32, &str); 3] =
    [(480, 720, "08:00 to 12:00"), (720, 960, "12:00 to 16:00"), (960, 1200, "16:00 to 20:00")];

/// Which part of the day a local minute falls into.
pub fn daypart(minute_of_day: i32) -> Option<usize> {
    DAYPARTS.iter().position(|(from, to, _)| (*from..*to).contains(&minute_of_day))
}

#[derive(Clone, Debug, Default)]
pub struct Audit {
    pub items: Vec<Audited>,
    /// Attempts by phone, and the parts of the day they were made in.
    pub calls: u32,
    pub tried: [bool; 3],
    pub first_touch_after: Option<Span>,
}

impl Audit {
    pub fn is_open(&self, item: Item) -> bool {
        self.items.iter().any(|i| i.item == item && i.state == State::Open)
    }
    pub fn any_open(&self) -> bool {
        self.items.iter().any(|i| i.state == State::Open)
    }
    pub fn complete(&self) -> bool {
        !self.any_open()
    }
    pub fn first_touch_missed(&self) -> bool {
        self.items.iter().any(|i| i.item == Item::FirstTouch && i.state == State::Missed)
    }
    /// Share of what applies that is still open, 0 to 1.
    pub fn owed(&self) -> f64 {
        let applies = self.items.iter().filter(|i| i.state != State::NotApplicable);
        let (mut open, mut all) = (0.0, 0.0);
        for item in applies {
            let part = match (item.state, item.detail) {
                (State::Open, Detail::Calls { made, of, .. }) => {
                    f64::from(of.saturating_sub(made).max(1)) / f64::from(of.max(1))
                }
                (State::Open, Detail::Dayparts(tried)) => tried.iter().filter(|t| !**t).count() as f64 / 3.0,
                (State::Open, _) => 1.0,
                _ => 0.0,
            };
            open += part;
            all += 1.0;
        }
        if all == 0.0 { 0.0 } else { open / all }
    }
    /// (what was tried, what is missing) in words, where calls were made but not in every part of the day.
    pub fn missing_daypart(&self) -> Option<(&'static str, &'static str)> {
        let tried = match self.tried {
            [true, false, false] => "always in the morning",
            [false, true, false] => "always between 12:00 and 16:00",
            [false, false, true] => "always after 16:00",
            [true, true, false] => "never late in the day",
            [true, false, true] => "never around noon",
            [false, true, true] => "never in the morning",
            _ => return None,
        };
        let missing = match self.tried {
            [_, _, false] => "after 16:00",
            [false, _, _] => "before 12:00",
            _ => "between 12:00 and 16:00",
        };
        Some((tried, missing))
    }
}

/// Audits our work on a lead, as of an instant.
pub fn audit(facts: &Facts, j: &Judgement<'_>, policy: &Policy, now: Moment) -> Audit {
    let mut audit = Audit::default();
    let rules = &policy.scoring.audit;
    let place = policy.law.place(&place_facts(facts));
    let zone = policy.zone_at(&place);
    let (mut days, mut last_day) = (0, i32::MIN);
    for (touch, result) in ours(&j.calls) {
        if !result.is_attempt() || result == CallResult::Undecided {
            continue;
        }
        audit.calls += 1;
        let at = touch.cited.stamp.at;
        if let Some(part) = daypart(zone.minute_of_day(at)) {
            audit.tried[part] = true;
        }
        let day = zone.local_day(at);
        if day != last_day {
            days += 1;
            last_day = day;
        }
    }
    let reached = ours(&j.calls).any(|(_, r)| r.is_contact());
    let over = j.clear_no || j.is_bogus() || facts.origin.test.as_ref().is_some_and(|t| t.value);
    let can_call = place.missing().is_none() && j.living(KeyKind::Phone).next().is_some();
    let can_write = j.living(KeyKind::Email).next().is_some();

    let (made, tried) = (audit.calls, audit.tried);
    let mut note = |item, state, detail| audit.items.push(Audited { item, state, detail });
    let first_touch = first_touch(facts, policy, &place, now);
    match first_touch {
        _ if over => note(Item::FirstTouch, State::NotApplicable, Detail::NotNeeded),
        FirstTouch::NothingAsked => note(Item::FirstTouch, State::NotApplicable, Detail::NotNeeded),
        FirstTouch::InTime(after) => note(Item::FirstTouch, State::Done, Detail::After(after)),
        FirstTouch::Late(after) => note(Item::FirstTouch, State::Missed, Detail::After(after)),
        FirstTouch::Overdue => note(Item::FirstTouch, State::Missed, Detail::NotYet),
        FirstTouch::StillInTime => note(Item::FirstTouch, State::Open, Detail::NotYet),
    }
    let calls = Detail::Calls { made, days, of: rules.attempts };
    let (attempts, dayparts, second) = if over || reached || !facts.is_invited() {
        (State::NotApplicable, State::NotApplicable, State::NotApplicable)
    } else {
        let enough = made >= rules.attempts && days >= rules.attempt_days;
        let attempts = if enough {
            State::Done
        } else if can_call {
            State::Open
        } else {
            State::NotApplicable
        };
        let all = tried.iter().all(|t| *t);
        let dayparts = if all {
            State::Done
        } else if can_call {
            State::Open
        } else {
            State::NotApplicable
        };
        let channels = channels_tried(facts);
        let second = if channels >= 2 {
            State::Done
        } else if can_call && can_write {
            State::Open
        } else {
            State::NotApplicable
        };
        (attempts, dayparts, second)
    };
    let detail = |state, detail| if state == State::NotApplicable { not_applicable(over || reached) } else { detail };
    note(Item::Attempts, attempts, detail(attempts, calls));
    note(Item::Dayparts, dayparts, detail(dayparts, Detail::Dayparts(tried)));
    note(Item::SecondChannel, second, detail(second, Detail::Channels(channels_tried(facts))));
    audit.first_touch_after = match first_touch {
        FirstTouch::InTime(after) | FirstTouch::Late(after) => Some(after),
        FirstTouch::NothingAsked | FirstTouch::Overdue | FirstTouch::StillInTime => None,
    };
    audit
}

fn not_applicable(settled: bool) -> Detail {
    if settled { Detail::NotNeeded } else { Detail::NoWay }
}

fn channels_tried(facts: &Facts) -> u32 {
    let has = |c: Channel| u32::from(facts.outbound().any(|t| t.channel == c));
    has(Channel::Call) + has(Channel::Sms) + has(Channel::Email)
}

#[derive(Clone, Copy)]
enum FirstTouch {
    NothingAsked,
    InTime(Span),
    Late(Span),
    StillInTime,
    Overdue,
}

/// How long the first inquiry waited, counting only time in which a call would have been legal.
fn first_touch(facts: &Facts, policy: &Policy, place: &super::legal::Place<'_>, now: Moment) -> FirstTouch {
    let Some(asked) = facts.first_inquiry.as_ref().map(|c| c.stamp.at) else { return FirstTouch::NothingAsked };
    let within = policy.scoring.audit.first_touch_within.0;
    let touched = facts.outbound().map(|t| t.cited.stamp.at).find(|at| *at >= asked);
    // Answered at once: the law's clock cannot make it late.
    if let Some(at) = touched.filter(|at| *at <= asked + within) {
        return FirstTouch::InTime(at - asked);
    }
    // The clock starts in the first legal minute; a place without law has none, and then the inquiry itself counts.
    let clock = place.next_open(false, asked).unwrap_or(asked);
    match touched {
        Some(at) if at <= clock + within => FirstTouch::InTime(at - asked),
        Some(at) => FirstTouch::Late(at - asked),
        None if now <= clock + within => FirstTouch::StillInTime,
        None => FirstTouch::Overdue,
    }
}
