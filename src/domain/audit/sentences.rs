//! The audit in words: the detail of an item, and what would help where it is open.

use super::{Audited, DAYPARTS, Detail, Item, State};
use crate::domain::diagnosis::A_FIRST_ANSWER;
use crate::domain::legal::Missing;
use crate::domain::prose::{counted, number};
use crate::domain::time::date_of_day;

/// Which part of the day is spoken of where several are missing: late in the day people have time, so that one first.
pub(super) fn first_missing(tried: [bool; 3]) -> usize {
    [2, 0, 1].into_iter().find(|part| !tried[*part]).unwrap_or(0)
}

/// What would help whom the calls and letters of the cadence did not move.
pub const A_CHECK_IN: &str = "a check-in some weeks later";

/// What would help whom we cannot serve.
pub const A_PARTNER: &str = "a partner who serves such leads";

/// What would help whose address is mistyped.
pub const THE_RIGHT_ADDRESS: &str = "the right address in place of the mistyped one";

/// What would help whose call we dropped.
pub const MAKES_GOOD: &str = "a call that makes good the one we dropped";

impl Audited {
    pub fn detail_text(&self) -> String {
        match self.detail {
            Detail::NotNeeded => match self.item {
                Item::FirstTouch | Item::Attempts | Item::Dayparts | Item::SecondChannel => {
                    "they have asked us for nothing yet"
                }
                Item::AlternateKey => "no number or address is dead",
                Item::DataVerified => "nothing is in doubt",
                Item::MadeGood => "we dropped no call",
                Item::CallbackKept => "no call was promised for a day or an hour",
                Item::NurtureOnce => "it comes after the calls and e-mails",
                Item::PartnerConsidered => "the lead's fit is no reason to pass it on",
                Item::LocalNumber | Item::ContentSent | Item::ReferralAsked => "not needed",
            }
            .into(),
            Detail::Spoken => "we have spoken with them".into(),
            Detail::NoChase => "who fits us so badly is answered, and not chased".into(),
            Detail::NoMore => "not needed any more".into(),
            Detail::After(span) => format!("after {span}"),
            Detail::Late { after, legal, goal } if legal < after => {
                format!("after {after}, {legal} after a call became legal; {goal} are the goal")
            }
            Detail::Late { after, goal, .. } => format!("after {after}; {goal} are the goal"),
            Detail::AnswerAlone => "none so far; an answer by a way that they left open would do".into(),
            Detail::WasLate(span) => format!("not needed any more; it came late, after {span}"),
            Detail::NotYet if self.state == State::Missed && self.item == Item::PartnerConsidered => {
                "no partner has taken it up in time".into()
            }
            Detail::NotYet if self.state == State::Missed => "none so far".into(),
            Detail::NotYet => "not yet".into(),
            Detail::Calls { made: 0, of: 1, .. } => "no call yet, and one is owed".into(),
            Detail::Calls { made: 0, of, .. } => format!("none of {}", counted(of, "call")),
            Detail::Calls { made, days, of } => {
                format!("{} of {}, on {}", number(made), counted(of, "call"), counted(days, "day"))
            }
            Detail::Dayparts(tried) => {
                let names: Vec<&str> =
                    DAYPARTS.iter().zip(tried).filter(|(_, t)| *t).map(|((_, _, name), _)| *name).collect();
                if names.is_empty() { "none tried".into() } else { format!("tried {}", names.join(" and ")) }
            }
            Detail::Channels(0) => "no channel tried".into(),
            Detail::Channels(n) => format!("{} tried", counted(n, "channel")),
            Detail::NoOwnNumber => "we own no number near the lead".into(),
            Detail::Shown => "a number near the lead was shown".into(),
            Detail::Suspect(1) => "one number or address is in doubt".into(),
            Detail::Suspect(n) => format!("{} numbers and addresses are in doubt", number(n)),
            Detail::Clean => "they have answered us, and nothing is in doubt".into(),
            Detail::Mistyped => "a dead address looks mistyped, and the right one is not known".into(),
            Detail::Tried => "another number or address was tried since".into(),
            Detail::Failures(n) => format!("we dropped or mis-routed {}", counted(n, "call")),
            Detail::Promised(at) => format!("a call was promised for {at}"),
            Detail::PromisedDay { day, .. } => format!("a call was promised for {}", date_of_day(day)),
            Detail::Sent(n) if self.state == State::Open => {
                format!("{} sent; one more is due some weeks after them", counted(n, "e-mail"))
            }
            Detail::Sent(n) => format!("{} sent", counted(n, "e-mail")),
            Detail::Named => "the lead named somebody".into(),
            Detail::Asked => "we asked whom else they would name".into(),
            Detail::NoOccasion => "we have not asked yet, and need not".into(),
            Detail::NoContent => "we keep nothing to read that could be sent".into(),
            Detail::NoPartner => "no partner serves such leads, or the lead did not agree to be passed on".into(),
            Detail::HandedOver => "a partner was asked".into(),
            Detail::NoLaw(Missing::Country(country)) => {
                format!("we know no rules for calls to {country}, so nobody calls")
            }
            Detail::NoLaw(Missing::Number) => "we know no rules for calls to such a number, so nobody calls".into(),
            Detail::NoLaw(Missing::Nothing) => {
                "we do not know where the lead is, and so not when a call is allowed".into()
            }
            Detail::NoNumber => "we have no number that works".into(),
            Detail::NoAddress => "we have no address that works".into(),
            Detail::NoOther => "no other number or address works".into(),
        }
    }

    /// What would help, for `would_change`.
    pub fn would_help(&self) -> String {
        match (self.item, self.detail) {
            (Item::FirstTouch, _) => A_FIRST_ANSWER.into(),
            (Item::Attempts, Detail::Calls { made, of, .. }) => {
                let missing = of.saturating_sub(made).max(1);
                let more = if made == 0 { "" } else { "more " };
                format!("{} {more}call{}", number(missing), if missing == 1 { "" } else { "s" })
            }
            (Item::Attempts, _) => "more calls".into(),
            (Item::Dayparts, Detail::Dayparts(tried)) => {
                let i = first_missing(tried);
                let (from, to, _) = DAYPARTS[i];
                format!("a call between {:02}:00 and {:02}:00 their time", from / 60, to / 60)
            }
            (Item::Dayparts, _) => "a call at another time of day".into(),
            (Item::SecondChannel, _) => "a touch on another channel".into(),
            (Item::LocalNumber, _) => "a call from a number near the lead".into(),
            (Item::AlternateKey, _) => "a touch on the number or address that is alive".into(),
            (Item::DataVerified, Detail::Mistyped) => THE_RIGHT_ADDRESS.into(),
            (Item::DataVerified, _) => "a check of the number or address that is in doubt".into(),
            (Item::MadeGood, _) => MAKES_GOOD.into(),
            (Item::CallbackKept, Detail::Promised(at)) => format!("the call we promised for {at}"),
            (Item::CallbackKept, Detail::PromisedDay { day, .. }) => {
                format!("the call we promised for {}", date_of_day(day))
            }
            (Item::CallbackKept, _) => "the call we promised".into(),
            (Item::ContentSent, _) => "something to read on what they asked about".into(),
            (Item::ReferralAsked, _) => "asking whom else they would name".into(),
            (Item::NurtureOnce, _) => A_CHECK_IN.into(),
            (Item::PartnerConsidered, _) => A_PARTNER.into(),
        }
    }
}
