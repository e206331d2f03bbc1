//! Scarce things that several leads share: a lead claims, one worker at a time allots, the lead gets the answer.
//!
//! The first pool is the partners' weekly limit. A claim carries a ranked wish and the drafted task, so that
//! the allotter can freeze the body without the lead.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::decide::Answer;
use super::identity::LeadNo;
use super::policy::Policy;
use super::task::{Named, Task};
use super::time::{Moment, Span};

/// The pool of partner capacity.
pub const PARTNERS: &str = "partners";

/// Partners that would do, best first, each with its weekly limit when the claim was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Wish {
    pub partners: Vec<(String, u32)>,
}

/// A claim as the allotter sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    pub lead: LeadNo,
    pub wish: Wish,
    pub task: Task,
}

/// What each partner got in its current week (Monday 00:00 UTC on).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Pool {
    given: BTreeMap<String, (i32, u32)>,
}

/// What allotting came to.
#[derive(Clone, Debug, Default)]
pub struct Allotted {
    /// Tasks that got what they wanted, complete.
    pub grants: Vec<(LeadNo, Task, Answer)>,
    pub denials: Vec<(LeadNo, uuid::Uuid, Answer)>,
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
}

/// Week number with weeks from Monday, UTC: 1970-01-01 was a Thursday.
fn week_of(now: Moment) -> i32 {
    (now.utc_day() + 3).div_euclid(7)
}

/// The start of the next week, when limits are whole again.
fn next_week(now: Moment) -> Moment {
    Moment::MIN.max(Moment((i64::from(week_of(now)) + 1) * 7 * 86_400_000 - 3 * 86_400_000))
}

/// Gives each claim the best partner that still has room, in the order of the claims; the rest is told when to ask again.
pub fn allot(pool: &mut Pool, claims: Vec<Claim>, policy: &Policy, now: Moment) -> Allotted {
    let mut out = Allotted::default();
    let week = week_of(now);
    pool.given.retain(|_, (w, _)| *w >= week);
    for claim in claims {
        let id = claim.task.task_id;
        let current = |name: &str| policy.partners.iter().find(|p| p.id == name && p.active);
        let free = claim.wish.partners.iter().find_map(|(name, _)| {
            let partner = current(name)?;
            (pool.left(name, partner.weekly_limit, week) > 0).then_some(partner)
        });
        match free {
            Some(partner) if claim.task.expires_at > now => {
                let slot = pool.given.entry(partner.id.clone()).or_insert((week, 0));
                *slot = (week, if slot.0 == week { slot.1 + 1 } else { 1 });
                let mut task = claim.task;
                let because = format!("{} serves such leads and has room this week.", partner.name);
                task.partner = Some(Named { id: partner.id.clone(), because });
                task.not_before = now;
                task.accept_by = Some(now + Span::days(2));
                task.return_by = Some(now + Span::days(7));
                let answer = Answer::Granted { task: id, by: partner.id.clone() };
                out.grants.push((claim.lead, task, answer));
            }
            _ => out.denials.push((claim.lead, id, Answer::Denied { task: id, until: next_week(now) })),
        }
    }
    out
}
