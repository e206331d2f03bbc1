//! What could be done next: every play that applies, with the time it is due and what it is worth.
//!
//! Derived anew from facts and conduct at each decision, so that touches that fell due while nobody looked
//! collapse into the one that is best now. Nothing here writes; `decide` chooses and acts. Calls are in `voice`, when
//! they are due in `cadence`; messages in `text`, coming back later in `rest`, how it all ends in `ending`; what goes to a
//! desk of ours in `desk`.

mod allowed;
mod ask;
mod cadence;
mod desk;
mod ending;
mod history;
mod limits;
mod occasions;
mod promise;
mod rest;
mod review;
mod sms;
mod spoken;
mod text;
mod voice;

pub use ask::{Ask, reviews};
pub use desk::fingerprint;
pub use ending::{check_in_gap, ending, lent_until, silent_check_ins, why_never};
pub use history::{last_touch, newest_inquiry, voicemails_left};
pub use rest::{asked_to_wait, comes_after_no, meeting_over};
pub use review::{
    Standing, asked_again_at, fingerprint as question_about, late_from, questions, settled, unanswered_from,
};

use super::cases::Case;
use super::conduct::{Conduct, Stage};
use super::contact::Status;
use super::diagnosis::Judgement;
use super::event::{Channel, ConsentLevel};
use super::facts::Facts;
use super::fold::carries;
use super::identity::{Key, KeyKind};
use super::legal::Place;
use super::policy::{Partner, PlayRule, Policy};
use super::prose::{self, capital};
use super::score;
use super::task::{Fault, Play};
use super::time::{Moment, Span, Zone};
use super::words::Quote;

/// What a proposal needs to see. Conduct and closings are what they are at this decision.
pub struct View<'a, 'c> {
    pub facts: &'a Facts,
    pub conduct: &'c Conduct,
    pub j: &'a Judgement<'a>,
    pub policy: &'a Policy,
    pub place: &'a Place<'a>,
    pub zone: &'a Zone,
    pub now: Moment,
    /// Channels closed for a key of this lead.
    pub closed: &'c [(Channel, Key)],
    /// Touches that other leads' work made on a number or address of this lead.
    pub shared_touches: &'c [(String, Moment, Channel)],
    /// Older inquiries get no first-call treatment; `None` in replay.
    pub max_event_age: Option<Span>,
}

/// One thing that could be done.
#[derive(Clone, Debug)]
pub struct Proposal<'a> {
    pub play: Play,
    /// When it is due, legal and staffed.
    pub at: Moment,
    pub expires_at: Moment,
    pub channel: Option<Channel>,
    pub key: Option<&'a Key>,
    pub priority: u8,
    pub attempt: u32,
    pub automated: bool,
    pub callback: Option<(Moment, Option<String>, Option<String>)>,
    pub consent: Option<(ConsentLevel, Moment, Option<String>)>,
    pub faults: Vec<Fault>,
    pub partners: Vec<&'a Partner>,
    pub revisit_at: Option<Moment>,
    /// Review only.
    pub ask: Option<Box<Ask<'a>>>,
    pub worth: Worth,
    /// Why this play; the reason's summary when there is no better evidence.
    pub because: Grounds,
}

/// Why a play is proposed. Most proposals are never sent, so what has to be counted out is said only when it is written.
#[derive(Clone, Debug)]
pub enum Grounds {
    Fixed(&'static str),
    Told(String),
    /// Calls on record without an answer, and those that nobody reported on.
    Calls {
        made: u32,
        unreported: u32,
    },
    /// E-mails that were asked for, and how many of them are on record, without an answer.
    Emails {
        asked: u32,
        reported: u32,
    },
}

impl Grounds {
    pub fn sentence(&self) -> String {
        let calls = |n: &u32| prose::counted(*n, "call");
        match self {
            Grounds::Fixed(text) => (*text).to_owned(),
            Grounds::Told(text) => text.clone(),
            Grounds::Calls { made: 0, unreported } => {
                format!("The lead asked; nobody reported on {} that we sent out.", calls(unreported))
            }
            Grounds::Calls { made, unreported: 0 } => {
                format!("{} without an answer so far; the next is due.", counted(*made, "call"))
            }
            Grounds::Calls { made, unreported } => format!(
                "{} without an answer so far, and {} that nobody reported on; the next is due.",
                counted(*made, "call"),
                calls(unreported)
            ),
            Grounds::Emails { asked, reported: 0 } => format!(
                "{} of ours {} not reported on; the next is due.",
                counted(*asked, "e-mail"),
                if *asked == 1 { "was" } else { "were" }
            ),
            Grounds::Emails { reported, .. } => {
                format!("{} without an answer so far; the next is due.", counted(*reported, "e-mail"))
            }
        }
    }
}

impl From<&'static str> for Grounds {
    fn from(text: &'static str) -> Grounds {
        Grounds::Fixed(text)
    }
}

impl From<String> for Grounds {
    fn from(text: String) -> Grounds {
        Grounds::Told(text)
    }
}

/// Expected value in the policy's currency.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Worth {
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

impl<'a> View<'a, '_> {
    /// Closed by anybody, or held until somebody has said whether it was.
    pub fn is_closed(&self, channel: Channel, key: &Key) -> bool {
        self.j.is_held(channel) || self.closed.iter().any(|(c, k)| *c == channel && k == key)
    }

    /// The chance that the play ends in a sale, and its worth; the range is as wide as that of the lead's own chance,
    /// however good the lead is, for a prior is no knowledge.
    fn worth(&self, rule: &PlayRule) -> Worth {
        let rules = &self.policy.scoring.conversion;
        let lead = (self.j.conversion.probability / rules.base.max(1e-6)).clamp(0.1, 5.0);
        // No single play makes a sale likelier than anything can.
        let chance = (rule.success * lead).min(rules.ceiling);
        let win = self.policy.plays.value_of_win * rule.value_factor;
        let value = |chance: f64| chance * win - rule.cost - rule.fatigue;
        let spread = rules.spread_factor.max(1.0);
        let (low, high) = score::spread(chance, spread);
        Worth { value: value(chance), low: value(low), high: value(high) }
    }

    fn started(&self) -> Moment {
        self.conduct.episode.started.unwrap_or(self.now)
    }

    /// One of the lead's numbers or addresses, unless it is dead, closed or barred.
    fn usable(&self, channel: Channel, value: &str) -> Option<&'a Key> {
        let alive = self.j.keys.iter().filter(|k| carries(channel, k.key) && k.status < Status::Suspect);
        let mut named = alive.filter(|k| k.key.value == value).map(|k| k.key);
        named.find(|key| !self.is_closed(channel, key) && !allowed::is_barred(self, key))
    }

    /// The best number or address for a channel: alive, open, verified before merely plausible.
    fn key_for(&self, channel: Channel) -> Option<&'a Key> {
        let kind = if channel == Channel::Email { KeyKind::Email } else { KeyKind::Phone };
        let primary = self.facts.primary(kind);
        self.j
            .keys
            .iter()
            .filter(|k| carries(channel, k.key) && k.status < Status::Suspect && !self.is_closed(channel, k.key))
            .filter(|k| k.key.kind != KeyKind::Phone || !allowed::is_barred(self, k.key))
            .min_by_key(|k| (k.status, Some(k.key) != primary))
            .map(|k| k.key)
    }
}

/// All proposals, in no particular order.
pub fn proposals<'a>(v: &View<'a, '_>) -> Vec<Proposal<'a>> {
    let mut out = Vec::with_capacity(4);
    let stage = v.conduct.stage;
    if stage.is_over() || !v.facts.is_invited() {
        return out;
    }
    // Somebody in distress, a death or a threat not yet certain, a competitor: nothing goes out, and nothing is asked
    // of anybody but the question itself.
    if v.j.is_hushed(v.now) || v.j.cases.get(Case::Competitor).is_some() {
        return out;
    }
    // Whom we cannot serve is looked at again, and hears nothing while the profile is what it was.
    if rest::is_revisit(v) && v.j.fits_badly() {
        return out;
    }
    let bogus = v.j.is_bogus();
    let no_sale = bogus || v.j.cases.has(Case::NotABuyer);
    let no_calls =
        no_sale || stage == Stage::Lent || v.j.cases.get(Case::Language).is_some() || rest::is_put_off_for_good(v);
    let needs_screening = if no_calls { None } else { voice::voice(v, &mut out) };
    if !bogus && stage != Stage::Lent {
        text::text(v, &mut out, no_sale);
        if !no_sale {
            sms::sms(v, &mut out);
        }
        desk::repair(v, &mut out, needs_screening);
    }
    if !bogus {
        let before = out.len();
        desk::partner(v, &mut out);
        let offered = v.conduct.open().any(|e| e.play == Play::ReferralHandoff);
        if out.len() > before || offered {
            // Whoever is being passed on hears from the partner; only an answer that is awaited still comes from us.
            let awaited = [Play::AnswerEmail, Play::AnswerCall, Play::Callback];
            out.retain(|p| !p.play.class().is_contact() || awaited.contains(&p.play));
        }
        ending::last_steps(v, &mut out);
    }
    if promise::is_ahead(v) {
        // Whoever waits for the call they asked for hears nothing else before it, but for an answer to what they wrote.
        let early = [Play::EmailAgain, Play::OtherChannel, Play::CheckIn, Play::ReferralAsk, Play::Disengage];
        out.retain(|p| !early.contains(&p.play));
    }
    if let Some(back) = rest::away_until(v) {
        // Looked at again on the day they are back, in the windows of that day.
        for p in out.iter_mut().filter(|p| p.play.class().is_contact() && p.play != Play::Callback) {
            p.at = p.at.max(back);
        }
    }
    out
}

impl Proposal<'_> {
    fn empty<'a>(play: Play) -> Proposal<'a> {
        Proposal {
            play,
            at: Moment::MAX,
            expires_at: Moment::MAX,
            channel: None,
            key: None,
            priority: 0,
            attempt: 0,
            automated: false,
            callback: None,
            consent: None,
            faults: Vec::new(),
            partners: Vec::new(),
            revisit_at: None,
            ask: None,
            worth: Worth::default(),
            because: Grounds::Fixed(""),
        }
    }
}

/// "One call", "Two calls", "13 calls", to begin a sentence with.
pub(super) fn counted(n: u32, what: &str) -> String {
    capital(&prose::counted(n, what))
}

pub(super) fn quoted(quote: Option<Quote<'_>>) -> String {
    quote.map_or(String::new(), |q| format!(" \"{}\"", q.sentence()))
}

pub(super) fn local(v: &View<'_, '_>, at: Moment) -> String {
    let minute = v.zone.minute_of_day(at);
    format!("{:02}:{:02} on {} their time", minute / 60, minute % 60, v.zone.date(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_is_said_in_words_up_to_twelve_and_in_the_right_number() {
        let calls = |made, unreported| Grounds::Calls { made, unreported }.sentence();
        assert_eq!(calls(0, 1), "The lead asked; nobody reported on one call that we sent out.");
        assert_eq!(calls(0, 13), "The lead asked; nobody reported on 13 calls that we sent out.");
        assert_eq!(calls(1, 0), "One call without an answer so far; the next is due.");
        let both = "Two calls without an answer so far, and one call that nobody reported on; the next is due.";
        assert_eq!(calls(2, 1), both);
        let emails = |asked, reported| Grounds::Emails { asked, reported }.sentence();
        assert_eq!(emails(1, 0), "One e-mail of ours was not reported on; the next is due.");
        assert_eq!(emails(2, 0), "Two e-mails of ours were not reported on; the next is due.");
        assert_eq!(emails(2, 1), "One e-mail without an answer so far; the next is due.");
    }
}
