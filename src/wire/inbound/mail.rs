//! What became of mails: one record a kind, for each has fields of its own.

use serde_json::Value;

use super::read::{At, Fault, Read, leaf_schema, record};
use super::text::{Line, Prose};
use super::types::Data;
use super::values::{Flag, is_true};
use super::words::plain;
use crate::domain::event::{Body, EmailEvent, EmailWhat, EventType};

record! {
    /// A mail was sent, arrived, or was reported as spam.
    pub struct Mail {
        message_id: Option<Line>,
        campaign: Option<Line>,
    }

    pub struct MailOpened {
        message_id: Option<Line>,
        campaign: Option<Line>,
        /// A program opened it, not a person.
        machine: Option<Flag>,
    }

    pub struct MailClicked {
        message_id: Option<Line>,
        campaign: Option<Line>,
        url: Option<Line>,
        /// A program followed the link, not a person.
        machine: Option<Flag>,
    }

    pub struct MailReplied {
        message_id: Option<Line>,
        campaign: Option<Line>,
        text: Option<Prose>,
        /// An automatic reply.
        auto: Option<Flag>,
    }

    pub struct MailBounced {
        message_id: Option<Line>,
        campaign: Option<Line>,
        /// Soft where nothing is said.
        kind: Option<Bounce>,
        detail: Option<Prose>,
    }

    pub struct MailUnsubscribed {
        message_id: Option<Line>,
        campaign: Option<Line>,
        /// The list it was about; without one, all mail.
        group: Option<Line>,
        /// A program followed the link, not a person.
        machine: Option<Flag>,
    }
}

/// Whether a bounce is for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bounce {
    Hard,
    Soft,
}
leaf_schema!(Bounce, "Bounce", { "type": "string", "enum": ["hard", "soft"] });

impl Read for Bounce {
    const EXPECTED: &'static str = "hard or soft";

    fn read(value: &Value, at: &At<'_>) -> Result<Option<Bounce>, Fault> {
        let Value::String(text) = value else { return Err(Fault::invalid(at, Self::EXPECTED, value)) };
        match plain(text).as_str() {
            "hard" | "permanent" => Ok(Some(Bounce::Hard)),
            "soft" | "temporary" | "transient" => Ok(Some(Bounce::Soft)),
            // Whoever reports on a task echoes the task's own `kind`, which shares this field.
            "" | "follow_up" | "nurture_check_in" | "referral_ask" | "practice" | "disengage" => Ok(None),
            _ => Err(Fault::invalid_word(at, Self::EXPECTED, text)),
        }
    }
}

/// A mail event of which nothing is known but that it happened.
fn mail(what: EmailWhat, message_id: Option<Line>, campaign: Option<Line>) -> EmailEvent {
    EmailEvent {
        what,
        message_id: message_id.map(Into::into),
        campaign: campaign.map(Into::into),
        machine: false,
        url: None,
        text: None,
        auto: false,
        detail: None,
    }
}

impl Data for Mail {
    fn body(self, kind: EventType) -> Body {
        let what = match kind {
            EventType::EmailDelivered => EmailWhat::Delivered,
            EventType::EmailComplained => EmailWhat::Complained,
            _ => EmailWhat::Sent,
        };
        Body::Email(mail(what, self.message_id, self.campaign))
    }
}

impl Data for MailOpened {
    fn body(self, _: EventType) -> Body {
        let machine = is_true(self.machine);
        Body::Email(EmailEvent { machine, ..mail(EmailWhat::Opened, self.message_id, self.campaign) })
    }
}

impl Data for MailClicked {
    fn body(self, _: EventType) -> Body {
        let (machine, url) = (is_true(self.machine), self.url.map(Into::into));
        Body::Email(EmailEvent { machine, url, ..mail(EmailWhat::Clicked, self.message_id, self.campaign) })
    }
}

impl Data for MailReplied {
    fn body(self, _: EventType) -> Body {
        let (auto, text) = (is_true(self.auto), self.text.map(Into::into));
        Body::Email(EmailEvent { auto, text, ..mail(EmailWhat::Replied, self.message_id, self.campaign) })
    }
}

impl Data for MailBounced {
    fn body(self, _: EventType) -> Body {
        let what = EmailWhat::Bounced { hard: self.kind == Some(Bounce::Hard) };
        Body::Email(EmailEvent { detail: self.detail.map(Into::into), ..mail(what, self.message_id, self.campaign) })
    }
}

impl Data for MailUnsubscribed {
    fn body(self, _: EventType) -> Body {
        let what = EmailWhat::Unsubscribed { group: self.group.map(Into::into) };
        Body::Email(EmailEvent { machine: is_true(self.machine), ..mail(what, self.message_id, self.campaign) })
    }
}
