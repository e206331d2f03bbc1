//! The process audit: what we owed the lead before anybody may call it bad.
//!
//! Items are done, missed (too late, on record), open (can still be done lawfully with what exists) or not
//! applicable. Only open items forbid `bad`. Facts only: a touch counts when somebody reported it. What each item asks is
//! in `touches` (calls and messages) and `dues` (the rest); the sentences are in `sentences`.

mod asked;
mod dues;
mod first;
mod sentences;
mod touches;

pub use sentences::{A_CHECK_IN, A_PARTNER, MAKES_GOOD, THE_RIGHT_ADDRESS};

use super::cases::Case;
use super::contact::Status;
use super::diagnosis::{Cause, Judgement};
use super::event::{Channel, Outcome};
use super::facts::{Facts, Touch};
use super::identity::KeyKind;
use super::legal::{Missing, Place};
use super::policy::Policy;
use super::time::{Moment, Span, Zone};
use super::touches::CallResult;
use super::words::Label;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    FirstTouch,
    Attempts,
    Dayparts,
    SecondChannel,
    LocalNumber,
    AlternateKey,
    DataVerified,
    MadeGood,
    CallbackKept,
    ContentSent,
    ReferralAsked,
    NurtureOnce,
    PartnerConsidered,
}

impl Item {
    pub fn name(self) -> &'static str {
        match self {
            Item::FirstTouch => "first_touch",
            Item::Attempts => "attempts",
            Item::Dayparts => "dayparts",
            Item::SecondChannel => "second_channel",
            Item::LocalNumber => "local_number",
            Item::AlternateKey => "alternate_key",
            Item::DataVerified => "data_verified",
            Item::MadeGood => "made_good",
            Item::CallbackKept => "callback_kept",
            Item::ContentSent => "content_sent",
            Item::ReferralAsked => "referral_asked",
            Item::NurtureOnce => "nurture_once",
            Item::PartnerConsidered => "partner_considered",
        }
    }

    /// The work on the lead itself: what is open of it is held against us, not against the lead.
    pub fn is_core(self) -> bool {
        matches!(self, Item::FirstTouch | Item::Attempts | Item::Dayparts | Item::SecondChannel)
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
    /// There was no occasion for it.
    NotNeeded,
    /// We have spoken with them.
    Spoken,
    /// Who fits us badly is owed an answer, and no chase.
    NoChase,
    /// There was, and it has passed.
    NoMore,
    After(Span),
    /// It came after so long, so long after the first minute in which a call was legal, and should have come within the goal.
    Late {
        after: Span,
        legal: Span,
        goal: Span,
    },
    /// Nothing is owed but an answer, by a way that they left open; it has not come.
    AnswerAlone,
    /// Not needed any more, and it came after so long.
    WasLate(Span),
    NotYet,
    Calls {
        made: u32,
        days: u32,
        of: u32,
    },
    /// Morning, afternoon, evening: tried or not.
    Dayparts([bool; 3]),
    Channels(u32),
    /// No calls where the lead is.
    NoLaw(Missing),
    /// No number, or no address, that works.
    NoNumber,
    NoAddress,
    /// Nothing but what is dead.
    NoOther,
    /// We own no number near the lead.
    NoOwnNumber,
    Shown,
    /// So many numbers or addresses await a check.
    Suspect(u32),
    Clean,
    /// A dead address looks like a typing error, and what is right was not asked.
    Mistyped,
    Tried,
    Failures(u32),
    Promised(Moment),
    /// For a day, and by when somebody expects it at the latest.
    PromisedDay {
        day: i32,
        by: Moment,
    },
    Sent(u32),
    Named,
    Asked,
    NoOccasion,
    NoContent,
    NoPartner,
    HandedOver,
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
    /// Of how many that this lead is owed.
    pub calls_owed: u32,
    pub days: u32,
    pub tried: [bool; 3],
    pub first_touch_after: Option<Span>,
    /// What the first touch came to, for our own figures: also where nothing is owed any more since.
    pub first_touch: Option<(State, Detail)>,
    /// The sources of where the lead is contradict each other.
    pub place_contradicts: bool,
    /// Until when a first touch would be in time, while there was none.
    pub first_touch_by: Option<Moment>,
    /// From when on it is our fault that nobody has answered what they asked last; it may lie ahead.
    pub answer_owed_from: Option<Moment>,
    /// From when on nobody waits any more for a check of doubtful data, or for a partner.
    pub lapses: Option<Moment>,
    /// The inquiry was answered by nothing at all so far.
    pub is_untouched: bool,
    /// From when on that weighs like all the work that is missing; it may lie ahead.
    pub untouched_from: Option<Moment>,
    /// From when on calls are owed to whom we have only written so far; it may lie ahead.
    pub calls_owed_from: Option<Moment>,
}

/// What the checks of the items look at.
struct Look<'f, 'l> {
    facts: &'f Facts,
    j: &'l Judgement<'f>,
    policy: &'f Policy,
    place: &'l Place<'f>,
    zone: &'l Zone,
    now: Moment,
    /// What was done before the lead came back after a no or a lost deal counts for that time, not for this.
    since: Moment,
    can_call: bool,
    can_write: bool,
}

impl Look<'_, '_> {
    /// A call of ours that we dropped: whoever picked up has not been answered.
    fn dropped(&self, touch: &Touch) -> bool {
        let mut failed = self.j.calls.iter().filter(|c| c.result == CallResult::OurFailure);
        failed.any(|c| c.touch.cited == touch.cited)
    }

    /// What keeps us from calling; a working number in a place whose rules we know does not.
    fn no_call(&self) -> Detail {
        match self.place.missing() {
            Some(missing) if self.j.living(KeyKind::Phone).is_some() => Detail::NoLaw(missing),
            _ => Detail::NoNumber,
        }
    }
}

/// Audits our work on a lead, as of an instant.
pub fn audit<'f>(facts: &'f Facts, j: &Judgement<'f>, policy: &'f Policy, now: Moment) -> Audit {
    let place = &j.place;
    let look = Look {
        facts,
        j,
        policy,
        place,
        zone: &j.zone,
        now,
        since: asked_again(facts, j),
        can_call: place.missing().is_none() && j.living(KeyKind::Phone).is_some(),
        can_write: j.living(KeyKind::Email).is_some(),
    };
    let mut audit = Audit { items: Vec::with_capacity(13), place_contradicts: place.disagrees(), ..Audit::default() };
    touches::count(&look, &mut audit);
    first::check(&look, &mut audit);
    let settled = is_settled(&look);
    touches::check(&look, &mut audit);
    dues::check(&look, &mut audit);
    if settled {
        let over = is_over(&look);
        // Who closed a channel is owed no work, and may still wait for the answer that they left a way open for.
        if over || !has_way(&look) {
            (audit.is_untouched, audit.untouched_from) = (false, None);
        }
        // A no, a death, a child, a competitor, a test: we owe the lead no further contact, at once.
        for item in audit.items.iter_mut().filter(|i| i.item != Item::PartnerConsidered) {
            let detail = match (item.item, item.state, item.detail) {
                (.., kept @ (Detail::NotNeeded | Detail::Spoken)) => kept,
                // What was late stays told, though nobody waits any more.
                (Item::FirstTouch, State::Missed, Detail::Late { after, .. }) if audit.first_touch.is_some() => {
                    Detail::WasLate(after)
                }
                (Item::FirstTouch, ..) if audit.is_untouched => Detail::AnswerAlone,
                _ => Detail::NoMore,
            };
            (item.state, item.detail) = (State::NotApplicable, detail);
        }
        (audit.answer_owed_from, audit.lapses) = (None, None);
    }
    audit
}

/// The first inquiry after the newest no or lost deal: the attempts begin anew with it.
fn asked_again(facts: &Facts, j: &Judgement<'_>) -> Moment {
    let no = j.calls.iter().filter(|c| c.result.is_no()).map(|c| c.touch.cited.stamp.at);
    let wrote_no = facts.said.iter().filter(|s| !s.is_automatic()).filter(|s| {
        let has = |label: Label| s.findings.iter().any(|f| f.label == label && f.certain);
        has(Label::Disinterest) && !has(Label::Timing) && !has(Label::Interest)
    });
    let lost = facts.outcome.as_ref().filter(|o| o.value.outcome == Outcome::Lost).map(|o| o.stamp.at);
    let Some(ended) = no.chain(wrote_no.map(|s| s.cited.stamp.at)).chain(lost).max() else { return Moment::MIN };
    facts.inquiries.iter().map(|i| i.cited.stamp.at).find(|at| *at > ended).unwrap_or(Moment::MIN)
}

/// Whether nothing more is owed because nothing more is wanted.
fn is_settled(look: &Look<'_, '_>) -> bool {
    is_over(look) || look.facts.opted_out()
}

/// Whether nobody waits for anything of ours any more: a no, no sales case, or no real person.
fn is_over(look: &Look<'_, '_>) -> bool {
    let no_case = [Case::Test, Case::Deceased, Case::Minor, Case::LegalThreat, Case::Competitor, Case::NotABuyer];
    look.j.clear_no
        || look.j.is_bogus()
        || look.j.is_hushed(look.now)
        || no_case.iter().any(|case| look.j.cases.has(*case))
}

/// Whether a number or an address is alive, and open to a call or a letter.
fn has_way(look: &Look<'_, '_>) -> bool {
    look.j.keys.iter().filter(|k| k.status < Status::Suspect).any(|k| match k.key.kind {
        KeyKind::Email => !look.facts.is_closed(Channel::Email, k.key),
        KeyKind::Phone => look.can_call && !look.facts.is_closed(Channel::Call, k.key),
        KeyKind::Id | KeyKind::Visitor => false,
    })
}

/// The item is closed to us: nothing that exists could do it.
fn no_way(audit: &mut Audit, item: Item, detail: Detail) {
    audit.items.push(Audited { item, state: State::NotApplicable, detail });
}

fn note(audit: &mut Audit, item: Item, state: State, detail: Detail) {
    audit.items.push(Audited { item, state, detail });
}
