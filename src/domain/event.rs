//! Events as the core knows them: parsed, normalised, closed. How they look on the wire is `wire::inbound`'s affair.
//!
//! Every event type of the contract is one variant of [`Body`]; everything a field can be is a type of its own,
//! so that nothing further in has to ask whether a value makes sense. Long, because it is the list of all events.

use jiff::civil;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::identity::Key;
use super::time::Moment;

/// The first 16 bytes of SHA-256 over source and id: what makes a copy a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EventKey(pub [u8; 16]);

impl EventKey {
    /// Eight bytes of the key, enough to order events of one lead that happened in the same millisecond.
    pub fn tie(self) -> u64 {
        let mut b = [0; 8];
        b.copy_from_slice(&self.0[..8]);
        u64::from_be_bytes(b)
    }
}

/// The first 16 bytes of SHA-256 over type, given time and data as JSON values: what tells a copy from a contradiction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ContentHash(pub [u8; 16]);

#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub source: String,
    pub id: String,
    pub key: EventKey,
    pub content: ContentHash,
    /// When it happened: the given time, else the broker's time stamp, else the receipt.
    pub at: Moment,
    /// Keys of the lead, normalised, without repeats; empty only where `task_id` names the lead.
    pub keys: Vec<Key>,
    /// Phone extensions, by number.
    pub extensions: Vec<(String, String)>,
    pub task_id: Option<Uuid>,
    pub body: Body,
}

/// Declares the closed list of event types once, with their names on the wire.
macro_rules! event_types {
    ($($variant:ident = $name:literal),* $(,)?) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum EventType { $($variant),* }
        impl EventType {
            pub const ALL: &'static [EventType] = &[$(EventType::$variant),*];
            pub fn name(self) -> &'static str { match self { $(EventType::$variant => $name),* } }
            pub fn from_name(name: &str) -> Option<EventType> { match name { $($name => Some(EventType::$variant),)* _ => None } }
        }
    };
}
event_types! {
    LeadCaptured = "lead.captured", LeadUpdated = "lead.updated", QualificationAnswered = "qualification.answered",
    EmailSent = "email.sent", EmailDelivered = "email.delivered", EmailOpened = "email.opened", EmailClicked = "email.clicked",
    EmailReplied = "email.replied", EmailBounced = "email.bounced", EmailComplained = "email.complained", EmailUnsubscribed = "email.unsubscribed",
    SmsSent = "sms.sent", SmsDelivered = "sms.delivered", SmsReplied = "sms.replied", SmsFailed = "sms.failed",
    CallStarted = "call.started", CallCompleted = "call.completed",
    PageViewed = "page.viewed", ContentViewed = "content.viewed", RoomViewed = "room.viewed", FormSubmitted = "form.submitted", ChatMessage = "chat.message",
    MeetingBooked = "meeting.booked", MeetingHeld = "meeting.held", MeetingMissed = "meeting.missed",
    FeedbackGiven = "feedback.given", LeadFlagged = "lead.flagged", ContactScreened = "contact.screened",
    OutcomeWon = "outcome.won", OutcomeLost = "outcome.lost", OutcomeReopened = "outcome.reopened",
    ConsentGranted = "consent.granted", ConsentRevoked = "consent.revoked",
    TaskDone = "task.done", TaskFailed = "task.failed", TaskRejected = "task.rejected",
    PartnerResponded = "partner.responded", LeadErased = "lead.erased", SignalObserved = "signal.observed", RepUpdated = "rep.updated",
}

#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    Captured(Box<Capture>),
    Updated(Box<Capture>),
    Answered(Answers),
    Email(EmailEvent),
    Sms(SmsEvent),
    CallStarted(Call),
    CallCompleted(Call),
    Visit(Visit),
    Meeting(Meeting),
    Feedback(Feedback),
    Flagged { flag: LeadFlag, by: Option<String>, note: Option<String> },
    Screened { key: Key, checks: Vec<ScreenCheck> },
    Outcome { outcome: Outcome, amount: Option<Money>, reason: Option<String> },
    ConsentGranted(ConsentChange),
    ConsentRevoked(ConsentChange),
    Report(TaskReport),
    Partner(PartnerResponse),
    Erased,
    Signal { name: String, weight_class: Option<String> },
    Rep(RepUpdate),
}

impl Event {
    pub fn kind(&self) -> EventType {
        use EventType as T;
        match &self.body {
            Body::Captured(_) => T::LeadCaptured,
            Body::Updated(_) => T::LeadUpdated,
            Body::Answered(_) => T::QualificationAnswered,
            Body::Email(e) => match e.what {
                EmailWhat::Sent => T::EmailSent,
                EmailWhat::Delivered => T::EmailDelivered,
                EmailWhat::Opened => T::EmailOpened,
                EmailWhat::Clicked => T::EmailClicked,
                EmailWhat::Replied => T::EmailReplied,
                EmailWhat::Bounced { .. } => T::EmailBounced,
                EmailWhat::Complained => T::EmailComplained,
                EmailWhat::Unsubscribed { .. } => T::EmailUnsubscribed,
            },
            Body::Sms(s) => match s.what {
                SmsWhat::Sent => T::SmsSent,
                SmsWhat::Delivered => T::SmsDelivered,
                SmsWhat::Replied => T::SmsReplied,
                SmsWhat::Failed => T::SmsFailed,
            },
            Body::CallStarted(_) => T::CallStarted,
            Body::CallCompleted(_) => T::CallCompleted,
            Body::Visit(v) => match v.what {
                VisitWhat::Page => T::PageViewed,
                VisitWhat::Content => T::ContentViewed,
                VisitWhat::Room => T::RoomViewed,
                VisitWhat::Form => T::FormSubmitted,
                VisitWhat::Chat => T::ChatMessage,
            },
            Body::Meeting(m) => match m.what {
                MeetingWhat::Booked => T::MeetingBooked,
                MeetingWhat::Held => T::MeetingHeld,
                MeetingWhat::Missed => T::MeetingMissed,
            },
            Body::Feedback(_) => T::FeedbackGiven,
            Body::Flagged { .. } => T::LeadFlagged,
            Body::Screened { .. } => T::ContactScreened,
            Body::Outcome { outcome, .. } => match outcome {
                Outcome::Won => T::OutcomeWon,
                Outcome::Lost => T::OutcomeLost,
                Outcome::Reopened => T::OutcomeReopened,
            },
            Body::ConsentGranted(_) => T::ConsentGranted,
            Body::ConsentRevoked(_) => T::ConsentRevoked,
            Body::Report(r) => match r.what {
                ReportWhat::Done => T::TaskDone,
                ReportWhat::Failed => T::TaskFailed,
                ReportWhat::Rejected(_) => T::TaskRejected,
            },
            Body::Partner(_) => T::PartnerResponded,
            Body::Erased => T::LeadErased,
            Body::Signal { .. } => T::SignalObserved,
            Body::Rep(_) => T::RepUpdated,
        }
    }
}

/// What a form or a CRM says of a lead. Every field is optional; an absent one says nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Capture {
    pub profile: Profile,
    pub qualification: Answers,
    pub interests: Vec<String>,
    pub note: Option<String>,
    pub consent: Vec<ConsentGiven>,
    pub origin: Origin,
    pub attributes: Vec<(String, Scalar)>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Profile {
    pub name: Option<String>,
    pub title: Option<String>,
    pub company: Option<String>,
    pub industry: Option<String>,
    pub employees: Option<u32>,
    /// ISO 3166-1 alpha-2, upper case.
    pub country: Option<String>,
    /// ISO 3166-2 without the country ("FL"), upper case.
    pub region: Option<String>,
    pub postal_code: Option<String>,
    /// An IANA name that exists.
    pub time_zone: Option<String>,
    pub language: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Origin {
    pub form: Option<String>,
    pub campaign: Option<String>,
    pub medium: Option<String>,
    pub partner: Option<String>,
    pub swap: Option<String>,
    pub referred_by: Option<String>,
    pub test: Option<bool>,
    pub fill_seconds: Option<u32>,
    pub honeypot: Option<bool>,
    pub ip: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Scalar {
    Bool(bool),
    Number(f64),
    Text(String),
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answers {
    pub budget: Option<Answer>,
    pub authority: Option<Answer>,
    pub need: Option<Answer>,
    pub timeline: Option<Answer>,
    pub by: Option<String>,
}

/// One answer to a qualification question, as given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Answer {
    /// 0 to 3, from a number or a known word.
    Level(u8),
    /// Free text that is no known word: a guess at most.
    Text(String),
    /// Only for the timeline: the day by which they want to decide, as days since 1970-01-01.
    Date(i32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Channel {
    Call,
    Sms,
    Email,
    Mail,
    Share,
    Profiling,
}

impl Channel {
    pub const ALL: [Channel; 6] =
        [Channel::Call, Channel::Sms, Channel::Email, Channel::Mail, Channel::Share, Channel::Profiling];
    pub fn name(self) -> &'static str {
        match self {
            Channel::Call => "call",
            Channel::Sms => "sms",
            Channel::Email => "email",
            Channel::Mail => "mail",
            Channel::Share => "share",
            Channel::Profiling => "profiling",
        }
    }
    pub fn from_name(name: &str) -> Option<Channel> {
        Channel::ALL.into_iter().find(|c| c.name() == name)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ConsentState {
    /// An unticked box: no consent, and no refusal either.
    NotGiven,
    Granted,
    Refused,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ConsentLevel {
    Inquiry,
    Express,
    ExpressWritten,
}

impl ConsentLevel {
    pub fn name(self) -> &'static str {
        match self {
            ConsentLevel::Inquiry => "inquiry",
            ConsentLevel::Express => "express",
            ConsentLevel::ExpressWritten => "express_written",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct ConsentGiven {
    pub channel: Channel,
    pub state: ConsentState,
    pub level: Option<ConsentLevel>,
    /// Dial modes agreed to ("live", "automated"); empty says nothing.
    pub modes: Vec<String>,
    /// The number or address it was made for; without one, all of that channel the lead has at that time.
    pub key: Option<Key>,
    pub at: Option<Moment>,
    pub evidence_url: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ConsentChange {
    /// Empty means every channel.
    pub channels: Vec<Channel>,
    pub level: Option<ConsentLevel>,
    pub key: Option<Key>,
    pub evidence_url: Option<String>,
    /// Taken over from another system: never reopens what was closed.
    pub imported: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct EmailEvent {
    pub what: EmailWhat,
    pub message_id: Option<String>,
    pub campaign: Option<String>,
    /// A program, not a person, opened or clicked it.
    pub machine: bool,
    pub url: Option<String>,
    pub text: Option<String>,
    /// An automatic reply.
    pub auto: bool,
    pub detail: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum EmailWhat {
    Sent,
    Delivered,
    Opened,
    Clicked,
    Replied,
    Bounced { hard: bool },
    Complained,
    Unsubscribed { group: Option<String> },
}

#[derive(Clone, Debug, PartialEq)]
pub struct SmsEvent {
    pub what: SmsWhat,
    pub text: Option<String>,
    pub auto: bool,
    pub detail: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmsWhat {
    Sent,
    Delivered,
    Replied,
    Failed,
}

/// What a call came to: VICIdial's disposition flags, which beat any code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallFlags {
    pub human_answered: bool,
    pub customer_contact: bool,
    pub sale: bool,
    pub dnc: bool,
    pub not_interested: bool,
    pub unworkable: bool,
    pub scheduled_callback: bool,
    pub completed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Direction {
    Outbound,
    Inbound,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AnsweredBy {
    Lead,
    Gatekeeper,
    Household,
    WrongPerson,
    Screener,
    Machine,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    pub disposition: Option<String>,
    pub flags: Option<CallFlags>,
    pub direction: Direction,
    pub started_at: Option<Moment>,
    pub duration_seconds: Option<u32>,
    /// E.164.
    pub to: Option<String>,
    pub caller_id: Option<String>,
    pub answered_by: Option<AnsweredBy>,
    pub voicemail_left: bool,
    pub agent: Option<String>,
    pub note: Option<String>,
    pub callback_at: Option<WhenLocal>,
    pub callback_number: Option<String>,
}

/// A time that may have come without an offset and then means the lead's own clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WhenLocal {
    Instant(Moment),
    Local(civil::DateTime),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Visit {
    pub what: VisitWhat,
    pub path: Option<String>,
    pub content: Option<String>,
    pub room: Option<String>,
    pub seconds: Option<u32>,
    pub text: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VisitWhat {
    Page,
    Content,
    Room,
    Form,
    Chat,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Meeting {
    pub what: MeetingWhat,
    pub at: Option<Moment>,
    pub with: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum MeetingWhat {
    Booked,
    Held,
    Missed,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Feedback {
    pub by: Option<String>,
    pub role: Role,
    pub good: bool,
    pub flags: Vec<String>,
    pub reason: Option<String>,
    pub note: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Role {
    Rep,
    Peer,
    Supervisor,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum LeadFlag {
    Deceased,
    Minor,
    Vulnerable,
    LegalThreat,
    Competitor,
    NotABuyer,
    Test,
    WrongPerson,
}

impl LeadFlag {
    pub const ALL: [LeadFlag; 8] = [
        LeadFlag::Deceased,
        LeadFlag::Minor,
        LeadFlag::Vulnerable,
        LeadFlag::LegalThreat,
        LeadFlag::Competitor,
        LeadFlag::NotABuyer,
        LeadFlag::Test,
        LeadFlag::WrongPerson,
    ];
    pub fn name(self) -> &'static str {
        match self {
            LeadFlag::Deceased => "deceased",
            LeadFlag::Minor => "minor",
            LeadFlag::Vulnerable => "vulnerable",
            LeadFlag::LegalThreat => "legal_threat",
            LeadFlag::Competitor => "competitor",
            LeadFlag::NotABuyer => "not_a_buyer",
            LeadFlag::Test => "test",
            LeadFlag::WrongPerson => "wrong_person",
        }
    }
    pub fn from_name(name: &str) -> Option<LeadFlag> {
        LeadFlag::ALL.into_iter().find(|f| f.name() == name)
    }
}

/// One look-up of a number in one list.
#[derive(Clone, Debug, PartialEq)]
pub struct ScreenCheck {
    pub list: String,
    pub result: ScreenResult,
    pub as_of: Option<Moment>,
    pub provider: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ScreenResult {
    Clear,
    Mobile,
    Landline,
    Voip,
    Listed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Outcome {
    Reopened,
    Lost,
    Won,
}

impl Outcome {
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Reopened => "reopened",
            Outcome::Lost => "lost",
            Outcome::Won => "won",
        }
    }
}

/// An amount of money in hundredths of its currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    pub cents: i64,
    /// ISO 4217.
    pub currency: String,
}

impl Money {
    /// "1250.00".
    pub fn decimal(&self) -> String {
        let (sign, cents) = (if self.cents < 0 { "-" } else { "" }, self.cents.unsigned_abs());
        format!("{sign}{}.{:02}", cents / 100, cents % 100)
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct TaskReport {
    pub what: ReportWhat,
    /// The play of the task, as echoed.
    pub play: Option<super::task::Play>,
    pub result: Option<String>,
    pub detail: Option<String>,
    pub cost: Option<Money>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportWhat {
    Done,
    Failed,
    Rejected(RejectReason),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectReason {
    NoAgent,
    Cap,
    WindowPassed,
    Suppressed,
    Duplicate,
    BadNumber,
    Capacity,
    Other,
}

#[derive(Clone, Debug, PartialEq)]
pub struct PartnerResponse {
    pub partner: String,
    pub response: PartnerAnswer,
    pub reason: Option<String>,
    pub amount: Option<Money>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum PartnerAnswer {
    Accepted,
    Declined,
    Returned,
    Won,
    Lost,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RepUpdate {
    pub rep: String,
    pub name: Option<String>,
    pub started_on: Option<civil::Date>,
    pub capacity_per_day: Option<u32>,
    pub skills: Vec<String>,
    pub mentor: Option<String>,
    pub active: Option<bool>,
}
