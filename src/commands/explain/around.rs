//! What a page says beside the record: what is out, and what nobody reported on.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::wording::and;
use crate::domain::conduct::Entry;
use crate::domain::event::Channel;
use crate::domain::fold::place_facts;
use crate::domain::lead::Lead;
use crate::domain::policy::Policy;
use crate::domain::prose::{counted, number};
use crate::domain::task::{Play, TaskState};
use crate::domain::time::{Moment, Zone};
use crate::domain::touches::calls;
use crate::domain::wish::{is_answered, newest_wish};
use crate::wire::record::ChangedOut;

/// What the record does not say: what is out by name, what is paused, and whose clock the lead lives by.
#[derive(Debug, Default)]
pub struct Around {
    /// Sent, and not reported on yet.
    pub sent: Vec<Play>,
    /// Sent, and the time for a report is over.
    pub unreported: Vec<Unreported>,
    /// The newest thing they asked of us and wait for, in their words.
    pub wish: Option<String>,
    /// The clock at the lead's place, where it is no guess.
    pub zone: Option<Zone>,
    pub holds_all: bool,
    pub paused: Option<String>,
    /// As of when the lead was judged, where that is known.
    pub judged_at: Option<Moment>,
    /// That instant was asked for, and is not now.
    pub is_as_of: bool,
}

impl Around {
    /// What is out of a lead's tasks, and the clock it lives by.
    pub fn of(lead: &Lead, policy: &Policy) -> Around {
        let sent = lead.conduct.open().filter(|entry| entry.state == TaskState::Ready).map(|entry| entry.play);
        let silent = |entry: &&Entry| entry.state == TaskState::Expired && !entry.touched;
        let unreported = lead.conduct.ledger.iter().filter(silent);
        let unreported = unreported.map(|e| Unreported {
            play: e.play,
            channel: e.channel,
            to: e.key.clone().filter(|_| e.play == Play::ReferralHandoff),
            at: e.made_at.to_string(),
        });
        let zone = policy.law.place(&place_facts(&lead.facts)).certain_zone().cloned();
        let wish = newest_wish(&lead.facts).filter(|wish| !is_answered(wish, &lead.facts, &calls(&lead.facts, policy)));
        let wish = wish.and_then(|wish| wish.quote).map(|quote| quote.sentence());
        Around { sent: sent.collect(), unreported: unreported.collect(), wish, zone, ..Around::default() }
    }
}

/// A task that went out, and of which nobody told what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unreported {
    pub play: Play,
    pub channel: Option<Channel>,
    /// The partner that a hand-off was offered to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    pub at: String,
}

/// What replay writes of a lead beside its record: it depends on the order of things, and records are compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Aside {
    pub lead_id: Uuid,
    /// The IANA name of the zone whose clock the lead lives by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<ChangedOut>,
    pub unreported: Vec<Unreported>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wish: Option<String>,
}

impl Unreported {
    fn noun(&self) -> &'static str {
        match (self.play, self.channel) {
            (_, Some(Channel::Call)) => "call",
            (_, Some(Channel::Email)) => "e-mail",
            (_, Some(Channel::Sms)) => "text",
            (Play::ReferralHandoff, _) => "hand-off",
            (Play::ContactRepair, _) => "contact repair",
            (Play::Review, _) => "question to a colleague",
            _ => "task",
        }
    }
}

pub(super) fn it(n: u32) -> &'static str {
    if n == 1 { "it" } else { "them" }
}

/// "five calls, three e-mails and one hand-off".
pub(super) fn unreported(of: &[Unreported]) -> String {
    let mut counts: Vec<(&str, u32)> = Vec::new();
    for u in of {
        match counts.iter_mut().find(|(noun, _)| *noun == u.noun()) {
            Some((_, n)) => *n += 1,
            None => counts.push((u.noun(), 1)),
        }
    }
    let plural = |noun: &str, n: u32| match noun {
        "question to a colleague" if n > 1 => format!("{} questions to a colleague", number(n)),
        noun => counted(n, noun),
    };
    and(&counts.into_iter().map(|(noun, n)| plural(noun, n)).collect::<Vec<_>>())
}
