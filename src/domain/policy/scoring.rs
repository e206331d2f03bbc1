//! The tables of `scoring.toml`: how a lead is scored, judged and diagnosed, field by field.
//!
//! Plain data. What the numbers do is in `score`, `diagnosis` and `audit`; the rules are compiled in `score`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::Length;
use crate::domain::diagnosis::Cause;
use crate::domain::facts::SignalKind;
use crate::domain::score::{Ask, GuessRule, Origin};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scoring {
    pub engagement: EngagementRules,
    /// Words and phrases by the name of their list, for the rules of fit and of guessing.
    pub lists: BTreeMap<String, Vec<String>>,
    pub fit: FitTable,
    pub grade: GradeRules,
    pub qualification: QualificationRules,
    pub conversion: ConversionRules,
    pub silence: SilenceRules,
    pub diagnosis: DiagnosisRules,
    pub audit: AuditRules,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EngagementRules {
    /// Sum at which the score is 50.
    pub half_points: f64,
    pub per_type_and_day: u32,
    pub open_cap_points: f64,
    pub scanner: ScannerRules,
    /// A form or page whose name contains one of these asks for contact, not just for reading.
    pub contact_request_words: Vec<String>,
    /// A page whose path contains one of these shows prices.
    pub pricing_page_words: Vec<String>,
    pub signal: BTreeMap<SignalName, SignalRule>,
    /// `signal.observed` names that count; all others score nothing.
    #[serde(default)]
    pub observed: BTreeMap<String, SignalRule>,
}

/// So many clicks within so long of a delivery are a program's.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScannerRules {
    pub clicks: u32,
    pub within: Length,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignalRule {
    pub points: f64,
    pub half_life: Length,
}

/// Declares the signals once: variant, the name in `scoring.toml` and in explanations, one and several in words.
macro_rules! signals {
    ($($variant:ident = $name:literal, $one:literal, $many:literal;)*) => {
        /// Everything that earns or costs engagement, by its name in `scoring.toml` and in explanations.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum SignalName { $($variant),* }
        impl SignalName {
            pub const ALL: &'static [SignalName] = &[$(SignalName::$variant),*];
            pub const COUNT: usize = SignalName::ALL.len();
            pub fn name(self) -> &'static str { match self { $(SignalName::$variant => $name),* } }
            /// What happened, in words: one of it, or several.
            pub fn in_words(self, n: u32) -> &'static str {
                match self { $(SignalName::$variant => if n == 1 { $one } else { $many }),* }
            }
        }
    };
}
signals! {
    ContactRequest = "contact_request", "asked for a demo or to be contacted", "times asked for a demo or to be contacted";
    Form = "form", "filled in a form", "forms filled in";
    RightPartyCall = "right_party_call", "talked with us on the phone", "talks on the phone";
    InboundCall = "inbound_call", "called us", "calls to us";
    ReplyInterest = "reply_interest", "reply with interest", "replies with interest";
    ReplyNeutral = "reply_neutral", "neutral reply", "neutral replies";
    ReplyVague = "reply_vague", "vague reply", "vague replies";
    ReplyDisinterest = "reply_disinterest", "reply without interest", "replies without interest";
    Complaint = "complaint", "complaint", "complaints";
    Chat = "chat", "chat message", "chat messages";
    MeetingBooked = "meeting_booked", "meeting booked", "meetings booked";
    MeetingHeld = "meeting_held", "meeting held", "meetings held";
    MeetingMissed = "meeting_missed", "meeting missed", "meetings missed";
    Room = "room", "visit to a sales room", "visits to a sales room";
    RoomSecondVisitor = "room_second_visitor", "visit of a second person to a sales room", "visits of others to a sales room";
    Content = "content", "piece of content viewed", "pieces of content viewed";
    PricingPage = "pricing_page", "visit to a page with prices", "visits to pages with prices";
    Page = "page", "other page viewed", "other pages viewed";
    Click = "click", "click in a mail", "clicks in mails";
    Open = "open", "mail opened", "mails opened";
    Unsubscribe = "unsubscribe", "opted out", "times opted out";
    BrushOff = "brush_off", "brush-off on the phone", "brush-offs on the phone";
    NotInterested = "not_interested", "\"not interested\" on the phone", "times \"not interested\" on the phone";
    Observed = "observed", "signal", "signals";
}

impl SignalName {
    /// What an event of a kind is worth by; `None` for what is no sign of the lead's.
    pub fn of(kind: SignalKind) -> Option<SignalName> {
        Some(match kind {
            SignalKind::ContactRequest => SignalName::ContactRequest,
            SignalKind::Form => SignalName::Form,
            SignalKind::Reply => SignalName::ReplyNeutral,
            SignalKind::Complaint => SignalName::Complaint,
            SignalKind::Chat => SignalName::Chat,
            SignalKind::MeetingBooked => SignalName::MeetingBooked,
            SignalKind::MeetingHeld => SignalName::MeetingHeld,
            SignalKind::MeetingMissed => SignalName::MeetingMissed,
            SignalKind::Room => SignalName::Room,
            SignalKind::Content => SignalName::Content,
            SignalKind::PricingPage => SignalName::PricingPage,
            SignalKind::Page => SignalName::Page,
            SignalKind::Open => SignalName::Open,
            SignalKind::Unsubscribe => SignalName::Unsubscribe,
            SignalKind::ReferralAsked => return None,
        })
    }
}

/// The rules of fit. Their conditions are compiled by `score`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FitTable {
    pub start_points: f64,
    /// Points that the rules of a group may move the score by together, up or down.
    pub group_caps: BTreeMap<String, f64>,
    pub rule: Vec<FitRule>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FitRule {
    pub name: String,
    pub group: String,
    /// A condition in CEL over the lead; with its place in the file, for errors.
    pub when: Spanned<String>,
    pub points: f64,
    pub because: String,
    /// Where it holds the fit is 0, whatever else speaks for the lead.
    #[serde(default)]
    pub decisive: bool,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GradeRules {
    /// Lower bounds of A, B, C.
    pub fit: [f64; 3],
    /// Lower bounds of 1, 2, 3.
    pub engagement: [f64; 3],
    pub hysteresis_points: f64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QualificationRules {
    pub confirmed_level: u8,
    pub sales_ready_confirmed: u8,
    pub weights: QualificationWeights,
    pub timeline: TimelineRules,
    /// How sure a level is, 0 to 1, by where it comes from.
    pub confidence: BTreeMap<Origin, f64>,
    pub guess: Vec<GuessRule>,
}

impl QualificationRules {
    /// How sure a level of this origin is; checked to be there when the policy was read.
    pub fn confidence(&self, origin: Origin) -> f64 {
        self.confidence.get(&origin).copied().unwrap_or(0.0)
    }
}

/// What each question weighs in the score of qualification.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QualificationWeights {
    pub budget: f64,
    pub authority: f64,
    pub need: f64,
    pub timeline: f64,
}

impl QualificationWeights {
    pub fn of(&self, ask: Ask) -> f64 {
        match ask {
            Ask::Budget => self.budget,
            Ask::Authority => self.authority,
            Ask::Need => self.need,
            Ask::Timeline => self.timeline,
        }
    }
}

/// Fewer days than `soon_days` are level 3, fewer than `year_days` level 2, more are level 1.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimelineRules {
    pub soon_days: i32,
    pub year_days: i32,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConversionRules {
    pub base: f64,
    pub fit_of_base: f64,
    pub engagement_of_base: f64,
    pub fit_points_to_double: f64,
    pub engagement_points_to_double: f64,
    pub ceiling: f64,
    pub spread_factor: f64,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SilenceRules {
    /// How likely one touch is answered, ever.
    pub call_answer: f64,
    pub email_answer: f64,
    pub sms_answer: f64,
    /// After how long half of the answers that will come have come.
    pub call_half_life: Length,
    pub email_half_life: Length,
    pub sms_half_life: Length,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiagnosisRules {
    pub weak_share: f64,
    pub bad_share: f64,
    pub promising_fit: f64,
    pub promising_engagement: f64,
    pub low_fit_points: f64,
    pub low_fit_known: f64,
    pub low_fit: f64,
    pub not_a_buyer: f64,
    pub dead_contact: f64,
    pub partly_dead_contact: f64,
    pub open_audit: f64,
    pub first_touch_missed: f64,
    pub our_failure: f64,
    pub unanswered: f64,
    /// They closed a channel to us, and not all of them.
    pub closed_channel: f64,
    pub not_now: f64,
    pub no_budget: f64,
    /// They answered, in so many words, that they need nothing, or decide nothing.
    pub no_need: f64,
    pub no_authority: f64,
    pub clear_no: f64,
    pub vague: f64,
    pub silence: f64,
    pub joke_name: f64,
    pub disposable_address: f64,
    pub fictional_contact: f64,
    pub filled_too_fast: f64,
    pub honeypot: f64,
    pub never_asked: f64,
    pub place_contradicts: f64,
    pub wrong_person: f64,
    pub bad_feedback: f64,
    pub feedback: FeedbackRules,
    pub lost: f64,
    pub fill_seconds: u32,
    /// Reasons of a lost deal, by a word they contain.
    pub lost_reasons: BTreeMap<String, Cause>,
}

/// How much a colleague's word counts, by role, before their record is known.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeedbackRules {
    pub rep: f64,
    pub peer: f64,
    pub supervisor: f64,
    /// A newcomer counts as somebody of whose flags half were right, with so many given.
    pub prior_flags: f64,
    /// What all colleagues together weigh for one cause at most.
    pub most: f64,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditRules {
    pub first_touch_within: Length,
    pub attempts: u32,
    pub attempt_days: u32,
    /// Within so long of a first e-mail a first call may still come.
    pub call_within: Length,
    /// Within so long whoever wants something is answered.
    pub answer_within: Length,
}
