//! What a touch came to: dialer flags and codes turned into one closed set, by policy, when read.
//!
//! Flags beat the disposition code; an unmapped code is kept and has no effect.

use super::event::{AnsweredBy, Channel, Direction};
use super::facts::{CallFact, Facts, Touch};
use super::policy::{Disposition, Policy};
use super::time::Moment;
use super::words::Label;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallResult {
    NoAnswer,
    /// No answer, disconnected or congested: nobody can say. Half an attempt.
    Undecided,
    Busy,
    Machine,
    /// Somebody answered who is not the lead.
    OtherPerson,
    WrongPerson,
    /// The lead, in person.
    RightParty,
    CallbackAsked,
    NotInterested,
    BrushOff,
    DoNotCall,
    Sale,
    BadNumber,
    /// A fax machine answers there.
    Fax,
    /// The dialer gave the number up, and did not say why.
    Unworkable,
    CarrierTrouble,
    OurFailure,
    /// Somebody answered whose language the caller does not speak: no attempt, and no no.
    Language,
    /// Says nothing: an unmapped code, a bookkeeping code.
    NoEffect,
}

impl CallResult {
    pub fn name(self) -> &'static str {
        match self {
            CallResult::NoAnswer => "no_answer",
            CallResult::Undecided => "undecided",
            CallResult::Busy => "busy",
            CallResult::Machine => "machine",
            CallResult::OtherPerson => "other_person",
            CallResult::WrongPerson => "wrong_person",
            CallResult::RightParty => "right_party",
            CallResult::CallbackAsked => "callback_asked",
            CallResult::NotInterested => "not_interested",
            CallResult::BrushOff => "brush_off",
            CallResult::DoNotCall => "do_not_call",
            CallResult::Sale => "sale",
            CallResult::BadNumber => "bad_number",
            CallResult::Fax => "fax",
            CallResult::Unworkable => "unworkable",
            CallResult::CarrierTrouble => "carrier_trouble",
            CallResult::OurFailure => "our_failure",
            CallResult::Language => "language_barrier",
            CallResult::NoEffect => "no_effect",
        }
    }
    /// The lead spoke with us.
    pub fn is_contact(self) -> bool {
        use CallResult::*;
        matches!(self, RightParty | CallbackAsked | NotInterested | BrushOff | DoNotCall | Sale)
    }
    /// A dial that a lead could have noticed.
    pub fn is_attempt(self) -> bool {
        use CallResult::*;
        !matches!(self, BadNumber | Fax | Unworkable | CarrierTrouble | OurFailure | Language | NoEffect)
    }
    /// A person said no.
    pub fn is_no(self) -> bool {
        matches!(self, CallResult::NotInterested | CallResult::DoNotCall)
    }
}

/// What the call came to.
pub fn call_result(call: &CallFact, policy: &Policy) -> CallResult {
    if let Some(flags) = call.flags {
        let by_flags = if flags.dnc {
            Some(CallResult::DoNotCall)
        } else if flags.sale {
            Some(CallResult::Sale)
        } else if flags.not_interested {
            Some(CallResult::NotInterested)
        } else if flags.scheduled_callback {
            Some(CallResult::CallbackAsked)
        } else if flags.customer_contact {
            Some(CallResult::RightParty)
        } else if flags.unworkable {
            // The code may say more of what is wrong with it.
            let code = call.disposition.as_deref().and_then(|code| policy.disposition(code));
            Some(match code {
                Some(Disposition::BadNumber) => CallResult::BadNumber,
                Some(Disposition::Fax) => CallResult::Fax,
                _ => CallResult::Unworkable,
            })
        } else if flags.human_answered {
            Some(match call.answered_by {
                Some(AnsweredBy::WrongPerson) => CallResult::WrongPerson,
                _ => CallResult::OtherPerson,
            })
        } else {
            None
        };
        if let Some(result) = by_flags {
            return result;
        }
    }
    if let Some(code) = call.disposition.as_deref()
        && let Some(meaning) = policy.disposition(code)
    {
        return match meaning {
            Disposition::NoAnswer => CallResult::NoAnswer,
            Disposition::Undecided => CallResult::Undecided,
            Disposition::Busy => CallResult::Busy,
            Disposition::Machine | Disposition::MachineMessage => CallResult::Machine,
            Disposition::BadNumber => CallResult::BadNumber,
            Disposition::Fax => CallResult::Fax,
            Disposition::Unworkable => CallResult::Unworkable,
            Disposition::Temporary | Disposition::CarrierBusy | Disposition::CapBlocked => CallResult::CarrierTrouble,
            Disposition::OurFailure => CallResult::OurFailure,
            Disposition::Callback => CallResult::CallbackAsked,
            Disposition::NotInterested => CallResult::NotInterested,
            Disposition::BrushOff | Disposition::Declined => CallResult::BrushOff,
            Disposition::DoNotCall => CallResult::DoNotCall,
            Disposition::Sale => CallResult::Sale,
            Disposition::Transfer | Disposition::RightParty => CallResult::RightParty,
            Disposition::OtherPerson => CallResult::OtherPerson,
            Disposition::WrongPerson => CallResult::WrongPerson,
            Disposition::Language => CallResult::Language,
            Disposition::CallbackNotDue | Disposition::Ignore => CallResult::NoEffect,
        };
    }
    match call.answered_by {
        Some(AnsweredBy::Lead) => CallResult::RightParty,
        Some(AnsweredBy::WrongPerson) => CallResult::WrongPerson,
        Some(AnsweredBy::Machine) => CallResult::Machine,
        Some(AnsweredBy::Gatekeeper | AnsweredBy::Household | AnsweredBy::Screener) => CallResult::OtherPerson,
        None if call.callback_at.is_some() => CallResult::CallbackAsked,
        None if call.disposition.is_none() => CallResult::NoAnswer,
        None => CallResult::NoEffect,
    }
}

/// A call, with what it came to.
#[derive(Clone, Copy, Debug)]
pub struct Called<'a> {
    pub touch: &'a Touch,
    pub call: &'a CallFact,
    pub result: CallResult,
}

/// Every call of the lead, both ways, oldest first; worked out once for a judgement, because much of it asks.
pub fn calls<'a>(facts: &'a Facts, policy: &Policy) -> Vec<Called<'a>> {
    let barred = |touch: &Touch| {
        let said = facts.said.iter().find(|s| s.cited == touch.cited);
        said.is_some_and(|s| s.findings.iter().any(|f| f.label == Label::Language))
    };
    facts
        .calls()
        .map(|(touch, call)| {
            let result = match call_result(call, policy) {
                // What they said no to, nobody understood; that they want no calls at all, one did.
                r if r != CallResult::DoNotCall && barred(touch) => CallResult::Language,
                r => r,
            };
            Called { touch, call, result }
        })
        .collect()
}

/// Calls of ours, with what they came to, oldest first.
pub fn ours<'a>(calls: &[Called<'a>]) -> impl DoubleEndedIterator<Item = (&'a Touch, CallResult)> {
    calls.iter().filter(|c| c.touch.direction == Direction::Outbound).map(|c| (c.touch, c.result))
}

/// The last time the lead itself spoke, wrote, or asked; silence counts from here.
pub fn last_answer(facts: &Facts, calls: &[Called<'_>]) -> Moment {
    let spoke = calls
        .iter()
        .filter(|c| c.touch.direction == Direction::Inbound || c.result.is_contact())
        .map(|c| c.touch.cited.stamp.at)
        .max();
    let acted = facts.newest_initiative().map(|c| c.stamp.at);
    spoke.max(acted).unwrap_or(Moment::MIN)
}

/// The last conversation with the lead in person, by phone.
pub fn last_conversation(calls: &[Called<'_>]) -> Option<Moment> {
    calls.iter().filter(|c| c.result.is_contact()).map(|c| c.touch.cited.stamp.at).max()
}

/// Name of a touch's result, as downstream sees it in `last_touch`.
pub fn result_name(touch: &Touch, policy: &Policy) -> &'static str {
    match (&touch.call, touch.channel) {
        (Some(call), _) => call_result(call, policy).name(),
        (None, Channel::Email | Channel::Sms) => "sent",
        (None, _) => "done",
    }
}
