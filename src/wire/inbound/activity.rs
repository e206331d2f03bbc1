//! What happened between a lead and us besides mail: texts, calls, visits, meetings.

use super::contact::PhoneNumber;
use super::flags::Flags;
use super::moments::{Instant, Local};
use super::read::record;
use super::text::{Line, Prose};
use super::types::Data;
use super::values::{Count, Flag, is_true};
use super::words::Word;
use crate::domain::event::{
    AnsweredBy, Body, Call, Direction, EventType, Meeting, MeetingWhat, SmsEvent, SmsWhat, Visit, VisitWhat,
};

record! {
    pub struct TextMessage {
        text: Option<Prose>,
        /// An automatic reply.
        auto: Option<Flag>,
        detail: Option<Prose>,
    }

    #[schemars(rename = "Call")]
    pub struct CallRecord {
        /// A word, or the dialer's own code.
        disposition: Option<Line>,
        /// Beat the disposition.
        flags: Option<Flags>,
        /// Outbound where nothing is said.
        direction: Option<Word<Direction>>,
        started_at: Option<Instant>,
        duration_seconds: Option<Count>,
        /// The number that was dialled.
        to: Option<PhoneNumber>,
        /// The number that was shown.
        caller_id: Option<PhoneNumber>,
        answered_by: Option<Word<AnsweredBy>>,
        voicemail_left: Option<Flag>,
        agent: Option<Line>,
        note: Option<Prose>,
        callback_at: Option<Local>,
        callback_number: Option<PhoneNumber>,
    }

    #[schemars(rename = "Visit")]
    pub struct VisitRecord {
        path: Option<Line>,
        content: Option<Line>,
        room: Option<Line>,
        seconds: Option<Count>,
        text: Option<Prose>,
    }

    #[schemars(rename = "Meeting")]
    pub struct MeetingRecord {
        at: Option<Instant>,
        with: Option<Line>,
    }
}

impl Data for TextMessage {
    fn body(self, kind: EventType) -> Body {
        let what = match kind {
            EventType::SmsDelivered => SmsWhat::Delivered,
            EventType::SmsReplied => SmsWhat::Replied,
            EventType::SmsFailed => SmsWhat::Failed,
            _ => SmsWhat::Sent,
        };
        Body::Sms(SmsEvent {
            what,
            text: self.text.map(Into::into),
            auto: is_true(self.auto),
            detail: self.detail.map(Into::into),
        })
    }
}

impl Data for CallRecord {
    fn body(self, kind: EventType) -> Body {
        let call = Call {
            disposition: self.disposition.map(Into::into),
            flags: self.flags.map(|f| f.0),
            direction: self.direction.map_or(Direction::Outbound, |d| d.0),
            started_at: self.started_at.map(|t| t.0),
            duration_seconds: self.duration_seconds.map(|n| n.0),
            to: self.to.map(Into::into),
            caller_id: self.caller_id.map(Into::into),
            answered_by: self.answered_by.map(|a| a.0),
            voicemail_left: is_true(self.voicemail_left),
            agent: self.agent.map(Into::into),
            note: self.note.map(Into::into),
            callback_at: self.callback_at.map(|t| t.0),
            callback_number: self.callback_number.map(Into::into),
        };
        if kind == EventType::CallStarted { Body::CallStarted(call) } else { Body::CallCompleted(call) }
    }
}

impl Data for VisitRecord {
    fn body(self, kind: EventType) -> Body {
        let what = match kind {
            EventType::ContentViewed => VisitWhat::Content,
            EventType::RoomViewed => VisitWhat::Room,
            EventType::FormSubmitted => VisitWhat::Form,
            EventType::ChatMessage => VisitWhat::Chat,
            _ => VisitWhat::Page,
        };
        Body::Visit(Visit {
            what,
            path: self.path.map(Into::into),
            content: self.content.map(Into::into),
            room: self.room.map(Into::into),
            seconds: self.seconds.map(|n| n.0),
            text: self.text.map(Into::into),
        })
    }
}

impl Data for MeetingRecord {
    fn body(self, kind: EventType) -> Body {
        let what = match kind {
            EventType::MeetingHeld => MeetingWhat::Held,
            EventType::MeetingMissed => MeetingWhat::Missed,
            _ => MeetingWhat::Booked,
        };
        Body::Meeting(Meeting { what, at: self.at.map(|t| t.0), with: self.with.map(Into::into) })
    }
}
