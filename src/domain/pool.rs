//! Scarce things that several leads share: a lead claims, one worker at a time allots, the lead gets the answer.
//!
//! Two kinds so far: the partners' weekly limit, where a claim carries the drafted task so that the allotter can
//! freeze its body without the lead; and the ramp's minutes, one pool a queue, where it carries nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::decide::Answer;
use super::event::Channel;
use super::identity::{KeyHash, LeadNo};
use super::policy::Policy;
use super::task::{ChannelName, Named, Task};
use super::time::{Moment, Span};

/// Which scarce thing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum PoolName {
    /// The partners' weekly limits.
    Partners,
    /// The minutes of one queue (by its suffix) that late, imported and re-scored leads may use.
    Ramp(String),
    /// The days of one number that a crowd of leads carries: too many to know of each other.
    Number(KeyHash),
    /// The questions a day that one colleague is asked.
    Reviewer(String),
}

impl PoolName {
    pub fn parse(name: &str) -> Option<PoolName> {
        match name.split_once(':') {
            None if name == "partners" => Some(PoolName::Partners),
            Some(("ramp", queue)) => Some(PoolName::Ramp(queue.to_owned())),
            Some(("reviewer", rep)) => Some(PoolName::Reviewer(rep.to_owned())),
            Some(("number", hash)) => Some(PoolName::Number(KeyHash(hex::decode(hash).ok()?.try_into().ok()?))),
            _ => None,
        }
    }
    /// For counters: without the queue, so that there are few.
    pub fn kind(&self) -> &'static str {
        match self {
            PoolName::Partners => "partners",
            PoolName::Ramp(_) => "ramp",
            PoolName::Number(_) => "number",
            PoolName::Reviewer(_) => "reviewer",
        }
    }

    /// Whether a turn in this pool is still good: a slot of a queue in its own minute, a number's day or a colleague's place for an hour.
    pub fn slot_holds(&self, slot: Moment, now: Moment) -> bool {
        match self {
            PoolName::Number(_) | PoolName::Reviewer(_) => now >= slot && now - slot < Span::hours(1),
            PoolName::Partners | PoolName::Ramp(_) => slot_holds(slot, now),
        }
    }
}

impl std::fmt::Display for PoolName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            PoolName::Partners => f.write_str("partners"),
            PoolName::Ramp(queue) => write!(f, "ramp:{queue}"),
            PoolName::Reviewer(rep) => write!(f, "reviewer:{rep}"),
            PoolName::Number(hash) => write!(f, "number:{}", hex::encode(hash.0)),
        }
    }
}

/// What a claim wishes for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Wish {
    /// A partner for the drafted task: those that would do, best first.
    Partner { partners: Vec<String>, task: Box<Task> },
    /// A minute in which the lead may send something to the pool's queue.
    Slot,
}

/// A claim as the lead's decision makes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    pub pool: PoolName,
    /// The task's id; for a slot, an id made for the asking.
    pub id: Uuid,
    pub wish: Wish,
}

/// A claim as the allotter sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    pub lead: LeadNo,
    pub id: Uuid,
    pub wish: Wish,
}

impl Claim {
    /// JSON, because the task inside is made for JSON.
    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_else(|e| unreachable!("a claim is plain data and always encodes: {e}"))
    }
    /// # Errors
    /// The bytes are no claim.
    pub fn decode(bytes: &[u8]) -> Result<Claim, serde_json::Error> {
        serde_json::from_slice(bytes)
    }
}

/// What a pool has given away so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Pool {
    /// Of each partner in its current week (Monday 00:00 UTC on): which week, how many.
    given: BTreeMap<String, (i32, u32)>,
    /// Of a queue: the last minute in which slots were given, and how many. Of a colleague: the day.
    minute: (i64, u32),
    /// Of a number: when it was last touched, at the latest.
    touched: Option<Moment>,
}

/// What allotting came to.
#[derive(Clone, Debug, Default)]
pub struct Allotted {
    /// Tasks that got what they wanted, complete.
    pub published: Vec<(LeadNo, Task)>,
    /// The answer to each claim, by the claim's id.
    pub answers: Vec<(LeadNo, Uuid, Answer)>,
}

/// What the allotter goes by.
#[derive(Clone, Copy)]
pub struct Terms<'a> {
    pub policy: &'a Policy,
    /// Slots a minute and queue.
    pub ramp_per_minute: u32,
}

impl Pool {
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_stdvec(self).unwrap_or_else(|e| unreachable!("a pool is plain data and always encodes: {e}"))
    }
    /// # Errors
    /// The bytes are no pool.
    pub fn decode(bytes: &[u8]) -> Result<Pool, postcard::Error> {
        if bytes.is_empty() { Ok(Pool::default()) } else { postcard::from_bytes(bytes) }
    }

    fn left(&self, partner: &str, limit: u32, week: i32) -> u32 {
        match self.given.get(partner) {
            Some((w, n)) if *w == week => limit.saturating_sub(*n),
            _ => limit,
        }
    }

    /// The next day of a number: one touch in 24 hours is within every cap there is.
    fn next_day(&mut self, now: Moment) -> Moment {
        let at = self.touched.map_or(now, |last| now.max(last + Span::days(1)));
        self.touched = Some(at);
        at
    }

    /// The next day (UTC) on which the colleague has room.
    fn next_seat(&mut self, per_day: u32, now: Moment) -> Moment {
        let today = i64::from(now.utc_day());
        if self.minute.0 < today {
            self.minute = (today, 0);
        } else if self.minute.1 >= per_day.max(1) {
            self.minute = (self.minute.0 + 1, 0);
        }
        self.minute.1 += 1;
        now.max(Moment(self.minute.0 * 24 * 60 * MINUTE_MS))
    }

    /// The next free slot: in the present minute while it has any left and is not nearly over, else in the next with room.
    fn next_slot(&mut self, per_minute: u32, now: Moment) -> Moment {
        let per_minute = per_minute.max(1);
        let passed = now.0.rem_euclid(MINUTE_MS);
        let first = now.0.div_euclid(MINUTE_MS) + i64::from(passed >= SLOTS_WITHIN_MS);
        if self.minute.0 < first {
            self.minute = (first, 0);
        } else if self.minute.1 >= per_minute {
            self.minute = (self.minute.0 + 1, 0);
        }
        let within = SLOTS_WITHIN_MS * i64::from(self.minute.1) / i64::from(per_minute);
        self.minute.1 += 1;
        now.max(Moment(self.minute.0 * MINUTE_MS + within))
    }
}

const MINUTE_MS: i64 = 60_000;
/// Slots lie in the first 45 s of a minute: a lead that is woken a little late is still within its own minute, so that
/// no minute ever sees more than its number. Our judgement.
const SLOTS_WITHIN_MS: i64 = 45_000;

/// Whether a slot is still good: it may be used in its own minute only.
fn slot_holds(slot: Moment, now: Moment) -> bool {
    now >= slot && now.0.div_euclid(MINUTE_MS) == slot.0.div_euclid(MINUTE_MS)
}

/// Week number with weeks from Monday, UTC: 1970-01-01 was a Thursday.
fn week_of(now: Moment) -> i32 {
    (now.utc_day() + 3).div_euclid(7)
}

/// The start of the next week, when limits are whole again.
fn next_week(now: Moment) -> Moment {
    Moment::MIN.max(Moment((i64::from(week_of(now)) + 1) * 7 * 86_400_000 - 3 * 86_400_000))
}

/// Answers each claim in turn: the best partner that still has room, or when to ask again; the next free slot.
pub fn allot(name: &PoolName, pool: &mut Pool, claims: Vec<Claim>, terms: Terms<'_>, now: Moment) -> Allotted {
    let mut out = Allotted::default();
    let week = week_of(now);
    pool.given.retain(|_, (w, _)| *w >= week);
    for Claim { lead, id, wish } in claims {
        let answer = match wish {
            Wish::Slot => {
                let at = match name {
                    PoolName::Number(_) => pool.next_day(now),
                    PoolName::Reviewer(_) => pool.next_seat(terms.policy.plays.review.per_person_a_day, now),
                    PoolName::Ramp(_) | PoolName::Partners => pool.next_slot(terms.ramp_per_minute, now),
                };
                Answer::Slot { id, at }
            }
            Wish::Partner { partners, task } => match grant(pool, &partners, *task, terms.policy, now) {
                Some((task, by)) => {
                    out.published.push((lead, task));
                    Answer::Granted { task: id, by }
                }
                None => Answer::Denied { task: id, until: next_week(now) },
            },
        };
        out.answers.push((lead, id, answer));
    }
    out
}

/// The task with its partner, if one of them still has room and the task is still of use.
fn grant(pool: &mut Pool, partners: &[String], mut task: Task, policy: &Policy, now: Moment) -> Option<(Task, String)> {
    let week = week_of(now);
    let current = |name: &str| policy.partners.iter().find(|p| p.id == name && p.active);
    let partner = partners.iter().find_map(|name| {
        let partner = current(name)?;
        (pool.left(name, partner.weekly_limit, week) > 0).then_some(partner)
    })?;
    if task.expires_at <= now {
        return None;
    }
    let slot = pool.given.entry(partner.id.clone()).or_insert((week, 0));
    *slot = (week, if slot.0 == week { slot.1 + 1 } else { 1 });
    let because = format!("{} serves such leads and has room this week.", partner.name);
    task.partner = Some(Named { id: partner.id.clone(), because });
    // Whoever gets the lead, not whoever was wished for first, says what they may use.
    let channels = partner.channels.iter().filter_map(|name| Channel::from_name(name));
    task.permitted_channels = Some(channels.map(ChannelName::from).collect());
    task.not_before = now;
    task.accept_by = Some(now + Span::days(2));
    task.return_by = Some(now + Span::days(7));
    Some((task, partner.id.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_minute_has_more_slots_than_its_number_and_none_lies_in_the_past() {
        let mut pool = Pool::default();
        let mut now = Moment(1_772_553_630_000);
        let mut slots = Vec::new();
        for i in 0..500 {
            slots.push(pool.next_slot(7, now));
            assert!(slots[i] >= now);
            now = now + Span(i as i64 * 37);
        }
        let mut by_minute: BTreeMap<i64, u32> = BTreeMap::new();
        for slot in &slots {
            *by_minute.entry(slot.0.div_euclid(MINUTE_MS)).or_default() += 1;
        }
        assert!(by_minute.values().all(|n| *n <= 7), "{by_minute:?}");
        assert!(slots.windows(2).all(|w| w[0] <= w[1]), "first come, first served");
    }

    #[test]
    fn a_slot_is_good_in_its_own_minute_only() {
        let slot = Moment(600_000 + 44_000);
        assert!(!slot_holds(slot, Moment(600_000 + 43_999)));
        assert!(slot_holds(slot, Moment(600_000 + 59_999)));
        assert!(!slot_holds(slot, Moment(660_000)));
    }

    #[test]
    fn a_pool_is_known_by_its_name() {
        for name in [PoolName::Partners, PoolName::Ramp("calls-now".into()), PoolName::Number(KeyHash([7; 16]))] {
            assert_eq!(PoolName::parse(&name.to_string()), Some(name));
        }
        assert_eq!(PoolName::parse("desk"), None);
    }
}
