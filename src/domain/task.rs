//! Tasks: what is sent out, frozen; and the closed set of states that a task goes through.
//!
//! The structs serialise to exactly the `data` of the contract; the envelope around it is `wire::outbound`'s. Long, because
//! every field that a task may carry stands here once.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::event::{Channel, RejectReason};
use super::question::{AnswerEvent, Question};
use super::time::{Moment, Span};

/// Namespace of task and lead ids, fixed by the contract.
pub const NAMESPACE: Uuid =
    Uuid::from_bytes([0x5d, 0x07, 0xd8, 0xb6, 0x3a, 0xec, 0x58, 0x0a, 0x9f, 0x05, 0x2e, 0xcd, 0x5b, 0x43, 0xa7, 0x24]);

/// The id of the n-th task of a lead's ledger.
pub fn task_id(epoch: &str, lead_id: Uuid, n: u64) -> Uuid {
    Uuid::new_v5(&NAMESPACE, format!("{epoch}/{lead_id}/{n}").as_bytes())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Play {
    FirstCall,
    Callback,
    AnswerCall,
    SecondCall,
    CallAgain,
    FirstEmail,
    AnswerEmail,
    EmailAgain,
    CheckIn,
    ContactRepair,
    ReferralHandoff,
    Disengage,
    Review,
    ConfirmMeeting,
    Reschedule,
    RoomOpened,
    OtherChannel,
    ReferralAsk,
}

impl Play {
    pub const ALL: [Play; 18] = [
        Play::FirstCall,
        Play::Callback,
        Play::AnswerCall,
        Play::SecondCall,
        Play::CallAgain,
        Play::FirstEmail,
        Play::AnswerEmail,
        Play::EmailAgain,
        Play::CheckIn,
        Play::ContactRepair,
        Play::ReferralHandoff,
        Play::Disengage,
        Play::Review,
        Play::ConfirmMeeting,
        Play::Reschedule,
        Play::RoomOpened,
        Play::OtherChannel,
        Play::ReferralAsk,
    ];
    pub fn name(self) -> &'static str {
        match self {
            Play::FirstCall => "first_call",
            Play::Callback => "callback",
            Play::AnswerCall => "answer_call",
            Play::SecondCall => "second_call",
            Play::CallAgain => "call_again",
            Play::FirstEmail => "first_email",
            Play::AnswerEmail => "answer_email",
            Play::EmailAgain => "email_again",
            Play::CheckIn => "check_in",
            Play::ContactRepair => "contact_repair",
            Play::ReferralHandoff => "referral_handoff",
            Play::Disengage => "disengage",
            Play::Review => "review",
            Play::ConfirmMeeting => "confirm_meeting",
            Play::Reschedule => "reschedule",
            Play::RoomOpened => "room_opened",
            Play::OtherChannel => "other_channel",
            Play::ReferralAsk => "referral_ask",
        }
    }
    pub fn from_name(name: &str) -> Option<Play> {
        Play::ALL.into_iter().find(|play| play.name() == name)
    }
    /// How the person is reached, for plays that reach one. (A task may say otherwise: another channel is an SMS.)
    pub fn channel(self) -> Option<Channel> {
        match (self, self.class()) {
            (Play::OtherChannel, _) => Some(Channel::Sms),
            (_, Class::Voice) => Some(Channel::Call),
            (_, Class::Text) => Some(Channel::Email),
            (_, Class::Data | Class::Partner | Class::Desk) => None,
        }
    }
    pub fn class(self) -> Class {
        use Play::*;
        match self {
            FirstCall | Callback | AnswerCall | SecondCall | CallAgain | RoomOpened => Class::Voice,
            FirstEmail | AnswerEmail | EmailAgain | CheckIn | Disengage => Class::Text,
            ConfirmMeeting | Reschedule | OtherChannel | ReferralAsk => Class::Text,
            ContactRepair => Class::Data,
            ReferralHandoff => Class::Partner,
            Review => Class::Desk,
        }
    }
    pub fn kind(self) -> Kind {
        use Play::*;
        match self {
            FirstCall | Callback | AnswerCall | SecondCall | CallAgain | RoomOpened => Kind::FollowUp,
            FirstEmail | AnswerEmail | EmailAgain | ConfirmMeeting | Reschedule | OtherChannel => Kind::FollowUp,
            CheckIn => Kind::NurtureCheckIn,
            ContactRepair => Kind::ContactRepair,
            ReferralAsk => Kind::ReferralAsk,
            ReferralHandoff => Kind::ReferralHandoff,
            Disengage => Kind::Disengage,
            Review => Kind::Review,
        }
    }
}

/// What may be open at the same time: one contact task by voice, one by text; repairs and hand-offs apart; and one
/// question of a kind on a colleague's desk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Class {
    Voice,
    Text,
    Data,
    Partner,
    Desk,
}

impl Class {
    pub const ALL: [Class; 5] = [Class::Voice, Class::Text, Class::Data, Class::Partner, Class::Desk];
    /// Reaches the person, so law, suppression and fatigue hold.
    pub fn is_contact(self) -> bool {
        matches!(self, Class::Voice | Class::Text)
    }
}

/// The task types of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    FollowUp,
    ContactRepair,
    NurtureCheckIn,
    ReferralAsk,
    ReferralHandoff,
    SwapOffer,
    Practice,
    Disengage,
    Review,
}

impl Kind {
    pub const ALL: [Kind; 9] = [
        Kind::FollowUp,
        Kind::ContactRepair,
        Kind::NurtureCheckIn,
        Kind::ReferralAsk,
        Kind::ReferralHandoff,
        Kind::SwapOffer,
        Kind::Practice,
        Kind::Disengage,
        Kind::Review,
    ];
    /// CloudEvents type.
    pub fn event_type(self) -> &'static str {
        match self {
            Kind::FollowUp => "task.follow_up",
            Kind::ContactRepair => "task.contact_repair",
            Kind::NurtureCheckIn => "task.nurture_check_in",
            Kind::ReferralAsk => "task.referral_ask",
            Kind::ReferralHandoff => "task.referral_handoff",
            Kind::SwapOffer => "task.swap_offer",
            Kind::Practice => "task.practice",
            Kind::Disengage => "task.disengage",
            Kind::Review => "task.review",
        }
    }
    pub fn name(self) -> &'static str {
        &self.event_type()[5..]
    }
    /// Reaches the person: at most one is open for a lead and channel class.
    pub fn is_contact(self) -> bool {
        matches!(self, Kind::FollowUp | Kind::NurtureCheckIn | Kind::ReferralAsk | Kind::Practice | Kind::Disengage)
    }
}

/// Where a task goes: queue suffix and routing key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    pub queue: &'static str,
    pub routing_key: &'static str,
    pub revoked_key: &'static str,
}

/// The route of a task by its kind, channel and urgency.
pub fn route(kind: Kind, channel: Option<Channel>, priority: u8) -> Route {
    let (queue, routing_key, revoked_key) = match (kind, channel) {
        (Kind::FollowUp, Some(Channel::Email)) => ("outreach", "task.follow_up.email", "task.revoked.outreach"),
        (Kind::FollowUp, Some(Channel::Sms)) => ("outreach", "task.follow_up.sms", "task.revoked.outreach"),
        (Kind::FollowUp, _) if priority >= URGENT => ("calls-now", "task.follow_up.call.now", "task.revoked.calls-now"),
        (Kind::FollowUp, _) => ("calls", "task.follow_up.call.normal", "task.revoked.calls"),
        (Kind::ContactRepair, _) => ("contact-repair", "task.contact_repair", "task.revoked.contact-repair"),
        (Kind::NurtureCheckIn, _) => ("nurture", "task.nurture_check_in", "task.revoked.nurture"),
        (Kind::ReferralAsk, _) => ("referral-ask", "task.referral_ask", "task.revoked.referral-ask"),
        (Kind::ReferralHandoff, _) => ("referral-handoff", "task.referral_handoff", "task.revoked.referral-handoff"),
        (Kind::SwapOffer, _) => ("swap", "task.swap_offer", "task.revoked.swap"),
        (Kind::Practice, _) => ("practice", "task.practice", "task.revoked.practice"),
        (Kind::Disengage, _) => ("disengage", "task.disengage", "task.revoked.disengage"),
        (Kind::Review, _) => ("review", "task.review", "task.revoked.review"),
    };
    Route { queue, routing_key, revoked_key }
}

/// A task's life. Open: held, ready, unroutable; everything else has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TaskState {
    /// Waits for a pool.
    Held,
    /// Committed to the outbox; a publish was attempted unless the outbox says otherwise.
    Ready,
    Done,
    Failed,
    Rejected(RejectReason),
    /// No outcome an hour after its expiry: counts for legal caps, not for the audit.
    Expired,
    /// Never left the outbox.
    ExpiredUnsent,
    /// Taken back before it was handed over; nobody saw it.
    RevokedUnsent,
    /// Taken back by a revocation.
    Revoked,
    /// Decided while only observing: counts nowhere.
    Observed,
}

impl TaskState {
    pub fn is_open(self) -> bool {
        match self {
            TaskState::Held | TaskState::Ready => true,
            TaskState::Done
            | TaskState::Failed
            | TaskState::Rejected(_)
            | TaskState::Expired
            | TaskState::ExpiredUnsent
            | TaskState::RevokedUnsent
            | TaskState::Revoked
            | TaskState::Observed => false,
        }
    }
    /// Whether the cadence takes the task for sent, reported or not.
    pub fn counts_for_cadence(self) -> bool {
        self == TaskState::Observed || (self != TaskState::Revoked && self.counts_for_caps())
    }
    /// Whether legal and fatigue caps count the task as a touch.
    pub fn counts_for_caps(self) -> bool {
        match self {
            TaskState::Held
            | TaskState::Ready
            | TaskState::Done
            | TaskState::Failed
            | TaskState::Expired
            | TaskState::Revoked => true,
            TaskState::Rejected(_) | TaskState::ExpiredUnsent | TaskState::RevokedUnsent | TaskState::Observed => false,
        }
    }
}

/// Calls of this priority and above go to the urgent queue.
pub const URGENT: u8 = 8;
/// After its expiry a task waits this long for a late report before it counts as attempted without one.
pub const REPORT_GRACE: Span = Span::hours(1);
/// A task names its lead for this long after it ended.
pub const REMEMBERED: Span = Span::days(30);

/// RFC 3339 text in JSON for an instant.
pub mod rfc3339 {
    use super::Moment;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(at: &Moment, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(at)
    }
    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Moment, D::Error> {
        let text = String::deserialize(d)?;
        text.parse().map(Moment::from_timestamp).map_err(serde::de::Error::custom)
    }

    pub mod option {
        use super::Moment;
        use serde::{Deserialize, Deserializer, Serializer};

        pub fn serialize<S: Serializer>(at: &Option<Moment>, s: S) -> Result<S::Ok, S::Error> {
            match at {
                Some(at) => s.collect_str(at),
                None => s.serialize_none(),
            }
        }
        pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Moment>, D::Error> {
            let Some(text) = Option::<String>::deserialize(d)? else { return Ok(None) };
            text.parse().map(|t| Some(Moment::from_timestamp(t))).map_err(serde::de::Error::custom)
        }
    }
}

/// An instant as it is documented: RFC 3339 text.
struct DateTime;

impl JsonSchema for DateTime {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "DateTime".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": "date-time" })
    }
}

/// The `data` of a task's message, frozen when it enters the outbox.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Task {
    pub task_id: Uuid,
    pub lead_id: Uuid,
    pub lead_version: u64,
    pub keys: Keys,
    /// Former ids of the lead, where leads were merged into it.
    pub merged_from: Vec<Uuid>,
    pub play: Play,
    pub kind: Kind,
    pub channel: Option<ChannelName>,
    pub cause: String,
    pub priority: u8,
    #[serde(with = "rfc3339")]
    #[schemars(with = "DateTime")]
    pub not_before: Moment,
    #[serde(with = "rfc3339")]
    #[schemars(with = "DateTime")]
    pub expires_at: Moment,
    pub windows: Vec<Window>,
    pub max_attempts: u8,
    pub dial_mode: Option<DialMode>,
    pub contact: Option<Contact>,
    pub caller_id: Option<CallerId>,
    pub voicemail: Option<Voicemail>,
    pub callback: Option<Callback>,
    pub attempt: Option<u32>,
    pub assignee: Option<Assignee>,
    pub partner: Option<Named>,
    pub content: Option<Content>,
    pub script: Option<String>,
    pub consent: Option<ConsentProof>,
    pub origin: OriginOut,
    pub last_touch: Option<LastTouch>,
    pub reason: Reason,
    pub score: Score,
    pub expected_value: ExpectedValue,
    pub runner_up: Option<RunnerUp>,
    /// Contact repair only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub faults: Option<Vec<Fault>>,
    /// Nurture only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cadence_days: Option<u32>,
    /// Hand-off only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permitted_channels: Option<Vec<ChannelName>>,
    #[serde(default, with = "rfc3339::option", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DateTime>")]
    pub accept_by: Option<Moment>,
    #[serde(default, with = "rfc3339::option", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DateTime>")]
    pub return_by: Option<Moment>,
    /// Disengage only: when we come back, or why never.
    #[serde(default, with = "rfc3339::option", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DateTime>")]
    pub revisit_at: Option<Moment>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why_never: Option<String>,
    /// Referral ask only: why now is a good moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moment: Option<String>,
    /// Review only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<Question>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<Vec<AnswerEvent>>,
    #[serde(default, with = "rfc3339::option", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DateTime>")]
    pub due_by: Option<Moment>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub if_unanswered: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Keys {
    #[serde(default)]
    pub id: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChannelName {
    Call,
    Sms,
    Email,
    Mail,
    Share,
    Profiling,
}

impl From<Channel> for ChannelName {
    fn from(c: Channel) -> ChannelName {
        match c {
            Channel::Call => ChannelName::Call,
            Channel::Sms => ChannelName::Sms,
            Channel::Email => ChannelName::Email,
            Channel::Mail => ChannelName::Mail,
            Channel::Share => ChannelName::Share,
            Channel::Profiling => ChannelName::Profiling,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Window {
    #[serde(with = "rfc3339")]
    #[schemars(with = "DateTime")]
    pub from: Moment,
    #[serde(with = "rfc3339")]
    #[schemars(with = "DateTime")]
    pub to: Moment,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DialMode {
    Manual,
    Automated,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Contact {
    pub name: Option<String>,
    pub title: Option<String>,
    pub company: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub phones: Vec<Phone>,
    pub region: Option<String>,
    pub postal_code: Option<String>,
    pub country: Option<String>,
    pub time_zone: Option<String>,
    pub language: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Phone {
    pub number: String,
    pub ext: Option<String>,
    pub status: String,
    pub shared: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CallerId {
    pub number: String,
    #[serde(rename = "match")]
    pub matched: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Voicemail {
    pub leave: bool,
    pub left: u32,
    pub max: u32,
}

/// A call that was promised.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Callback {
    #[serde(with = "rfc3339")]
    #[schemars(with = "DateTime")]
    pub at: Moment,
    pub number: Option<String>,
    pub agent: Option<String>,
}

/// The colleague a task is for, and why that one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Assignee {
    pub rep: String,
    pub because: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Named {
    pub id: String,
    pub because: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Content {
    pub id: String,
    pub title: String,
    pub url: String,
    pub because: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConsentProof {
    pub level: String,
    #[serde(with = "rfc3339")]
    #[schemars(with = "DateTime")]
    pub at: Moment,
    pub evidence_url: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OriginOut {
    pub form: Option<String>,
    pub campaign: Option<String>,
    pub partner: Option<String>,
    pub swap: Option<String>,
    pub referred_by: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LastTouch {
    #[serde(with = "rfc3339")]
    #[schemars(with = "DateTime")]
    pub at: Moment,
    pub channel: ChannelName,
    pub result: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reason {
    pub verdict: String,
    pub cause: Option<String>,
    pub summary: String,
    pub evidence: Vec<Because>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Because {
    pub because: String,
    pub event: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Score {
    pub fit: Number,
    pub engagement: Number,
    pub grade: String,
    pub conversion: Number,
}

/// A number as the contract writes it: rounded to 6 places, in its shortest form (71, not 71.0).
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Number(pub f64);

impl Serialize for Number {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let x = super::score::round6(self.0);
        if x.fract() == 0.0 && x.abs() < 1e15 { s.serialize_i64(x as i64) } else { s.serialize_f64(x) }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Amount {
    pub amount: String,
    pub currency: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExpectedValue {
    pub amount: String,
    pub currency: String,
    pub low: String,
    pub high: String,
    pub basis: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunnerUp {
    pub play: Play,
    pub expected_value: Amount,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Fault {
    pub key: String,
    pub fault: String,
    pub suggestion: Option<String>,
}

/// The `data` of a revocation's message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Revocation {
    pub task_id: Uuid,
    pub lead_id: Uuid,
    pub lead_version: u64,
    pub cause: String,
    /// The task that is taken back.
    pub revokes: Uuid,
    pub why: String,
    #[serde(with = "rfc3339")]
    #[schemars(with = "DateTime")]
    pub task_expires_at: Moment,
}

/// What leaves a decision for the outside, in the order decided.
#[derive(Clone, Debug, PartialEq)]
pub enum Outgoing {
    Task(Box<Task>),
    Revocation { revocation: Box<Revocation>, route: Route },
}

impl Outgoing {
    pub fn id(&self) -> Uuid {
        match self {
            Outgoing::Task(task) => task.task_id,
            Outgoing::Revocation { revocation, .. } => revocation.task_id,
        }
    }
}

impl Task {
    pub fn route(&self) -> Route {
        let channel = self.channel.map(|c| match c {
            ChannelName::Call => Channel::Call,
            ChannelName::Sms => Channel::Sms,
            ChannelName::Email => Channel::Email,
            ChannelName::Mail => Channel::Mail,
            ChannelName::Share => Channel::Share,
            ChannelName::Profiling => Channel::Profiling,
        });
        route(self.kind, channel, self.priority)
    }
}
