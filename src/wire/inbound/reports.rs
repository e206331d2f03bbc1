//! What people and systems report about a lead or a task: feedback, flags, look-ups, outcomes, answers of partners;
//! and what is no report about a lead at all: the roster of reps.

use super::contact::ContactKey;
use super::keys::Names;
use super::moments::{AsOf, Day};
use super::money::MoneyValue;
use super::read::{List, items, record};
use super::text::{Line, Prose};
use super::types::Data;
use super::values::{Count, Flag};
use super::words::{Verdict, Word, plain};
use crate::domain::event::{
    Body, EventType, Feedback, LeadFlag, Outcome, PartnerAnswer, PartnerResponse, RejectReason, RepUpdate, ReportWhat,
    Role, ScreenCheck, ScreenResult, TaskReport,
};
use crate::domain::task::Play;

record! {
    /// What a colleague thinks of the lead.
    #[schemars(rename = "Feedback")]
    pub struct FeedbackRecord {
        by: Option<Line>,
        /// A rep where nothing is said.
        role: Option<Word<Role>>,
        verdict: Word<Verdict>,
        flags: Option<List<Line>>,
        reason: Option<Line>,
        note: Option<Prose>,
    }

    /// Somebody noticed that this is not a sales case.
    pub struct Flagged {
        flag: Word<LeadFlag>,
        by: Option<Line>,
        note: Option<Prose>,
    }

    /// A number or address was looked up in lists.
    pub struct Screened {
        key: ContactKey,
        checks: List<Check>,
    }

    pub struct Check {
        /// `us_national`, `us_` and a state, `uk_tps`, `ca_dncl`, `internal`, `litigator`, `reassigned`, `line_type`.
        list: Line,
        result: Word<ScreenResult>,
        as_of: Option<AsOf>,
        provider: Option<Line>,
    }

    #[schemars(rename = "Outcome")]
    pub struct OutcomeRecord {
        amount: Option<MoneyValue>,
        reason: Option<Line>,
    }

    /// A task was done, or could not be.
    pub struct Report {
        /// The task's `play`, as it was sent: by it the report counts as a touch.
        play: Option<Line>,
        result: Option<Line>,
        detail: Option<Prose>,
        cost: Option<MoneyValue>,
    }

    /// A task was handed back untouched.
    pub struct Rejection {
        /// `other` where nothing is said.
        reason: Option<Word<RejectReason>>,
        result: Option<Line>,
        detail: Option<Prose>,
        cost: Option<MoneyValue>,
    }

    #[schemars(rename = "PartnerResponse")]
    pub struct PartnerRecord {
        partner: Line,
        response: Word<PartnerAnswer>,
        reason: Option<Line>,
        amount: Option<MoneyValue>,
    }

    /// Anything of the sender's own. Configured weights apply.
    pub struct Signal {
        name: Line,
        weight_class: Option<Line>,
    }

    /// A change in the sales team.
    #[schemars(rename = "Rep")]
    pub struct RepRecord {
        rep: Line,
        name: Option<Line>,
        started_on: Option<Day>,
        capacity_per_day: Option<Count>,
        /// Languages too.
        skills: Option<List<Line>>,
        mentor: Option<Line>,
        active: Option<Flag>,
    }

    /// Nothing beyond the lead.
    pub struct Nothing {}
}

impl Data for FeedbackRecord {
    fn body(self, _: EventType) -> Body {
        Body::Feedback(Feedback {
            by: self.by.map(Into::into),
            role: self.role.map_or(Role::Rep, |r| r.0),
            good: self.verdict.0 == Verdict::Good,
            flags: items::<Line, String>(self.flags).iter().map(|flag| plain(flag)).collect(),
            reason: self.reason.map(Into::into),
            note: self.note.map(Into::into),
        })
    }
}

impl Data for Flagged {
    fn body(self, _: EventType) -> Body {
        Body::Flagged { flag: self.flag.0, by: self.by.map(Into::into), note: self.note.map(Into::into) }
    }
}

impl Data for Screened {
    fn body(self, _: EventType) -> Body {
        let check = |c: Check| ScreenCheck {
            list: plain(&c.list.0),
            result: c.result.0,
            as_of: c.as_of.map(|t| t.0),
            provider: c.provider.map(Into::into),
        };
        Body::Screened { key: self.key.0, checks: self.checks.0.into_iter().map(check).collect() }
    }
}

impl Data for OutcomeRecord {
    fn body(self, kind: EventType) -> Body {
        let outcome = match kind {
            EventType::OutcomeWon => Outcome::Won,
            EventType::OutcomeLost => Outcome::Lost,
            _ => Outcome::Reopened,
        };
        Body::Outcome { outcome, amount: self.amount.map(Into::into), reason: self.reason.map(Into::into) }
    }
}

impl Data for Report {
    const NAMES: Names = Names::Task;

    fn body(self, kind: EventType) -> Body {
        Body::Report(TaskReport {
            what: if kind == EventType::TaskDone { ReportWhat::Done } else { ReportWhat::Failed },
            play: self.play.map(String::from).and_then(|name| Play::from_name(&name)),
            result: self.result.map(Into::into),
            detail: self.detail.map(Into::into),
            cost: self.cost.map(Into::into),
        })
    }
}

impl Data for Rejection {
    const NAMES: Names = Names::Task;

    fn body(self, _: EventType) -> Body {
        Body::Report(TaskReport {
            what: ReportWhat::Rejected(self.reason.map_or(RejectReason::Other, |r| r.0)),
            play: None,
            result: self.result.map(Into::into),
            detail: self.detail.map(Into::into),
            cost: self.cost.map(Into::into),
        })
    }
}

impl Data for PartnerRecord {
    fn body(self, _: EventType) -> Body {
        Body::Partner(PartnerResponse {
            partner: self.partner.into(),
            response: self.response.0,
            reason: self.reason.map(Into::into),
            amount: self.amount.map(Into::into),
        })
    }
}

impl Data for Signal {
    fn body(self, _: EventType) -> Body {
        Body::Signal { name: self.name.into(), weight_class: self.weight_class.map(Into::into) }
    }
}

impl Data for RepRecord {
    const NAMES: Names = Names::Nobody;

    fn body(self, _: EventType) -> Body {
        Body::Rep(RepUpdate {
            rep: self.rep.into(),
            name: self.name.map(Into::into),
            started_on: self.started_on.map(|d| d.0),
            capacity_per_day: self.capacity_per_day.map(|n| n.0),
            skills: items(self.skills),
            mentor: self.mentor.map(Into::into),
            active: self.active.map(|f| f.0),
        })
    }
}

impl Data for Nothing {
    fn body(self, _: EventType) -> Body {
        Body::Erased
    }
}
