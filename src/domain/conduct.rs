//! Conduct: what we are doing about a lead. Written only by `decide`, in sequence, under the lead's lock.
//!
//! Facts say what happened; conduct says what we did and mean to do: the stage, the ledger of tasks, the plans.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::event::Channel;
use super::identity::Key;
use super::pool::PoolName;
use super::question::Question;
use super::ramp::{Ramp, Slots};
use super::task::{Class, Play, REMEMBERED, REPORT_GRACE, TaskState};
use super::time::{Moment, Span};

/// How many ended tasks the ledger keeps.
const LEDGER: usize = 48;
/// How many questions are remembered; the texts they come from are bounded by less.
const ASKED: usize = 24;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Stage {
    #[default]
    New,
    Working,
    Connected,
    Qualified,
    Nurturing,
    Parked,
    Lent,
    Practice,
    Disengaged,
    Suppressed,
    Converted,
    Lost,
    Merged,
    Erased,
    Test,
}

impl Stage {
    pub fn name(self) -> &'static str {
        match self {
            Stage::New => "new",
            Stage::Working => "working",
            Stage::Connected => "connected",
            Stage::Qualified => "qualified",
            Stage::Nurturing => "nurturing",
            Stage::Parked => "parked",
            Stage::Lent => "lent",
            Stage::Practice => "practice",
            Stage::Disengaged => "disengaged",
            Stage::Suppressed => "suppressed",
            Stage::Converted => "converted",
            Stage::Lost => "lost",
            Stage::Merged => "merged",
            Stage::Erased => "erased",
            Stage::Test => "test",
        }
    }
    /// Nothing more is done unless the lead itself comes back.
    pub fn is_over(self) -> bool {
        match self {
            Stage::New
            | Stage::Working
            | Stage::Connected
            | Stage::Qualified
            | Stage::Nurturing
            | Stage::Parked
            | Stage::Lent
            | Stage::Practice
            | Stage::Disengaged => false,
            Stage::Suppressed | Stage::Converted | Stage::Lost | Stage::Merged | Stage::Erased | Stage::Test => true,
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Conduct {
    pub stage: Stage,
    pub version: u64,
    /// The number of the next task.
    pub next: u64,
    pub ledger: Vec<Entry>,
    pub planned: Vec<Plan>,
    pub episode: Episode,
    /// When a parked or disengaged lead is looked at again.
    pub revisit_at: Option<Moment>,
    pub revisits: u8,
    /// Check-ins sent in this episode.
    pub nurture_steps: u32,
    pub lent: Option<Lent>,
    /// What the lead causes waits its turn, queue by queue.
    pub ramp: Option<Ramp>,
    /// Turns on numbers that a crowd carries, and at colleagues who are asked.
    pub turns: Slots,
    /// A pool said no; not asked again before this.
    pub denied_until: Option<Moment>,
    /// Fingerprints of faults a repair was asked for.
    pub repairs_asked: Vec<u64>,
    /// Questions put to a person, newest last.
    pub asked: Vec<Asked>,
    pub merged_from: Vec<Uuid>,
    pub updated_at: Moment,
    /// Recent instants at which a play fired, for the guard against loops.
    pub firings: Vec<Moment>,
    /// The next moment at which nothing but time may change what is right to do.
    pub look_again: Option<Moment>,
    /// What the last judgement came to, for "what changed".
    pub last: Option<LastJudged>,
    /// The last time the verdict, its cause or a score changed by something that happened.
    pub changed: Option<Changed>,
    /// The one next best action and the runner-up, as last decided.
    pub next_action: Option<(Play, Option<Play>)>,
}

/// A question that was put to a person, so that it is never asked twice about the same thing.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    pub question: Question,
    /// Fingerprint of what it is about.
    pub about: u64,
    pub task: Uuid,
    pub due_by: Moment,
}

/// From capture (or revival) until won, lost or disengaged.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Episode {
    pub number: u32,
    pub started: Option<Moment>,
    /// Calls that were asked for and that nobody reported on: they may have been made or not.
    pub unreported: u32,
}

impl Episode {
    /// Another one begins.
    pub fn next(&mut self, at: Moment) {
        *self = Episode { number: self.number + 1, started: Some(at), unreported: 0 };
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lent {
    pub partner: String,
    pub task: Uuid,
    pub since: Moment,
}

/// What was thought when last looked at, and of which version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LastJudged {
    /// Verdict and cause in words, such as "weak (timing)".
    pub opinion: String,
    pub fit: f64,
    pub engagement: f64,
}

/// The last time that a cause changed our mind or moved a score: when, which, and from what to what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Changed {
    pub at: Moment,
    /// Verdict and cause in words; the same as `to` where only a score moved.
    pub from: String,
    pub to: String,
    pub by: String,
    pub fit: (f64, f64),
    /// Without and with the cause, both as of `at`: what merely faded is no change.
    pub engagement: (f64, f64),
}

/// One task in the ledger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    pub id: Uuid,
    pub play: Play,
    pub class: Class,
    pub channel: Option<Channel>,
    /// The number or address it goes to; of a hand-off the partner that it was offered to.
    pub key: Option<String>,
    pub cause: String,
    pub priority: u8,
    pub made_at: Moment,
    pub expires_at: Moment,
    pub state: TaskState,
    pub ended_at: Option<Moment>,
    /// The pool it waits for.
    pub pool: Option<PoolName>,
    pub episode: u32,
    /// A reported touch settled it, so that the touch is counted and this entry is not.
    pub touched: bool,
}

impl Entry {
    pub fn is_open(&self) -> bool {
        self.state.is_open()
    }
    /// Nothing but this entry says that it was done: no touch was reported, or it is a thing to do once an episode.
    fn is_all_that_tells(&self) -> bool {
        let once = matches!(self.play, Play::CheckIn | Play::Disengage | Play::ReferralAsk | Play::ReferralHandoff);
        self.state.counts_for_cadence() && (once || (self.class.is_contact() && !self.touched))
    }
    /// When the ledger stops waiting for a report.
    pub fn overdue_at(&self) -> Moment {
        self.expires_at + REPORT_GRACE
    }
}

/// A touch that is meant but not yet a task; nobody downstream knows of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    pub play: Play,
    pub at: Moment,
}

impl Conduct {
    pub fn open(&self) -> impl Iterator<Item = &Entry> {
        self.ledger.iter().filter(|e| e.is_open())
    }
    pub fn open_in(&self, class: Class) -> Option<&Entry> {
        self.open().find(|e| e.class == class)
    }
    pub fn entry_mut(&mut self, id: Uuid) -> Option<&mut Entry> {
        self.ledger.iter_mut().find(|e| e.id == id)
    }
    /// Drops entries that ended so long ago that nothing can be reported on them and that say nothing of this episode
    /// any more, and past a limit the oldest ended ones.
    pub fn trim(&mut self, now: Moment) {
        let episode = self.episode.number;
        let recent = |e: &Entry| e.is_open() || e.ended_at.is_none_or(|at| now - at < REMEMBERED);
        self.ledger.retain(|e| recent(e) || (e.episode == episode && e.is_all_that_tells()));
        while self.ledger.len() > LEDGER {
            let Some(i) = self.ledger.iter().position(|e| !e.is_open()) else { return };
            self.ledger.remove(i);
        }
        self.firings.retain(|at| now - *at < Span::hours(1));
        if self.asked.len() > ASKED {
            self.asked.drain(..self.asked.len() - ASKED);
        }
    }
    /// The ledger of a lead that is split off: what was sent to its numbers and addresses still counts against them. The
    /// entries stay here too, because reports on them come here; nothing of it is open over there.
    pub fn leave_behind(&self, keys: &BTreeMap<Key, Moment>, now: Moment) -> Vec<Entry> {
        let to_them = |e: &&Entry| e.key.as_ref().is_some_and(|to| keys.keys().any(|key| key.value == *to));
        let left = |e: &Entry| match e.is_open() {
            true => Entry { state: TaskState::Revoked, ended_at: Some(now), ..e.clone() },
            false => e.clone(),
        };
        self.ledger.iter().filter(to_them).map(left).collect()
    }
    /// The earliest instant at which this lead wants to be looked at.
    pub fn wake_at(&self) -> Option<Moment> {
        let overdue = self.open().filter(|e| e.state == TaskState::Ready).map(Entry::overdue_at);
        let planned = self.planned.iter().map(|p| p.at);
        overdue.chain(planned).chain(self.revisit_at).chain(self.look_again).min()
    }
}
