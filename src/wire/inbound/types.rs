//! The table of event types: which record each type's data is. Decoding and schemas both go through it, so that what
//! is documented is what is read.

use schemars::JsonSchema;
use serde_json::{Map, Value};

use super::activity::{CallRecord, MeetingRecord, TextMessage, VisitRecord};
use super::answers::Answered;
use super::capture::CaptureRecord;
use super::consent::ConsentChangeRecord;
use super::keys::{Names, Subject};
use super::mail::{Mail, MailBounced, MailClicked, MailOpened, MailReplied, MailUnsubscribed};
use super::read::{At, Fault, Read};
use super::reports::{
    FeedbackRecord, Flagged, Nothing, OutcomeRecord, PartnerRecord, Rejection, RepRecord, Report, Screened, Signal,
};
use crate::domain::event::{Body, EventType};

/// The data of a type of event, besides the lead.
pub trait Data: Read + JsonSchema {
    /// What such an event must name.
    const NAMES: Names = Names::LeadOrTask;

    /// The event's body, once every field is read. Cannot fail: what could be wrong was found in reading.
    fn body(self, kind: EventType) -> Body;
}

/// Something to be done with the record of an event type.
pub trait ForData {
    type Out;
    fn with<D: Data>(self) -> Self::Out;
}

/// Calls `work` with the record that `kind` carries.
pub fn for_type<W: ForData>(kind: EventType, work: W) -> W::Out {
    use EventType as T;
    match kind {
        T::LeadCaptured | T::LeadUpdated => work.with::<CaptureRecord>(),
        T::QualificationAnswered => work.with::<Answered>(),
        T::EmailSent | T::EmailDelivered | T::EmailComplained => work.with::<Mail>(),
        T::EmailOpened => work.with::<MailOpened>(),
        T::EmailClicked => work.with::<MailClicked>(),
        T::EmailReplied => work.with::<MailReplied>(),
        T::EmailBounced => work.with::<MailBounced>(),
        T::EmailUnsubscribed => work.with::<MailUnsubscribed>(),
        T::SmsSent | T::SmsDelivered | T::SmsReplied | T::SmsFailed => work.with::<TextMessage>(),
        T::CallStarted | T::CallCompleted => work.with::<CallRecord>(),
        T::PageViewed | T::ContentViewed | T::RoomViewed | T::FormSubmitted | T::ChatMessage => {
            work.with::<VisitRecord>()
        }
        T::MeetingBooked | T::MeetingHeld | T::MeetingMissed => work.with::<MeetingRecord>(),
        T::FeedbackGiven => work.with::<FeedbackRecord>(),
        T::LeadFlagged => work.with::<Flagged>(),
        T::ContactScreened => work.with::<Screened>(),
        T::OutcomeWon | T::OutcomeLost | T::OutcomeReopened => work.with::<OutcomeRecord>(),
        T::ConsentGranted | T::ConsentRevoked => work.with::<ConsentChangeRecord>(),
        T::TaskDone | T::TaskFailed => work.with::<Report>(),
        T::TaskRejected => work.with::<Rejection>(),
        T::PartnerResponded => work.with::<PartnerRecord>(),
        T::LeadErased => work.with::<Nothing>(),
        T::SignalObserved => work.with::<Signal>(),
        T::RepUpdated => work.with::<RepRecord>(),
    }
}

/// Reads the data of an event: first who it is about, then what it says.
pub fn read(kind: EventType, data: &Value, at: &At<'_>) -> Result<(Subject, Body), Fault> {
    let Value::Object(map) = data else {
        return Err(Fault::invalid_personal(at, "an object", data));
    };
    for_type(kind, Reading { kind, data, map, at })
}

struct Reading<'a> {
    kind: EventType,
    data: &'a Value,
    map: &'a Map<String, Value>,
    at: &'a At<'a>,
}

impl ForData for Reading<'_> {
    type Out = Result<(Subject, Body), Fault>;

    fn with<D: Data>(self) -> Self::Out {
        let subject = Subject::read(self.map, D::NAMES, self.at)?;
        let record = D::read(self.data, self.at)?.ok_or_else(|| Fault::missing(self.at, D::EXPECTED))?;
        Ok((subject, record.body(self.kind)))
    }
}
