//! Consent as forms record it and as people change it. Read strictly: what is not clear is refused, never guessed.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::Value;

use super::contact::ContactKey;
use super::moments::Instant;
use super::read::{At, Fault, Field, List, Read, items, record};
use super::text::{Line, Prose};
use super::types::Data;
use super::values::{Flag, StrictFlag, is_true};
use super::words::{Word, plain};
use crate::domain::event::{Body, Channel, ConsentChange, ConsentGiven, ConsentLevel, ConsentState, EventType};
use crate::domain::identity::KeyKind;

record! {
    /// What a person was asked on a form about one channel, and answered. One of `state` and `granted` must be there.
    #[schemars(rename = "Consent")]
    pub struct ConsentRecord {
        channel: Word<Channel>,
        /// `not_given` is an unticked box; `refused` is a no.
        state: Option<Word<ConsentState>>,
        /// Short for a `state` of granted or not_given, where that is missing.
        granted: Option<StrictFlag>,
        level: Option<Word<ConsentLevel>>,
        /// Ways of dialing agreed to, such as `live` or `automated`.
        modes: Option<List<Line>>,
        /// The number or address it was made for; without one, all of that channel that the lead has then.
        key: Option<ContactKey>,
        at: Option<Instant>,
        /// The words that were agreed to.
        #[expect(dead_code, reason = "evidence for people, kept with the message as it came; no rule reads it")]
        text: Option<Prose>,
        evidence_url: Option<Line>,
    }

    /// Consent given or withdrawn after the capture.
    #[schemars(rename = "ConsentChange")]
    pub struct ConsentChangeRecord {
        /// Empty means every channel.
        channels: Option<List<Word<Channel>>>,
        level: Option<Word<ConsentLevel>>,
        key: Option<ContactKey>,
        text: Option<Prose>,
        evidence_url: Option<Line>,
        /// Taken over from another system: never reopens what was closed.
        imported: Option<Flag>,
    }
}

/// One entry of `data.consent`, with a key that fits its channel.
#[derive(Clone, Debug)]
pub struct Consent(pub ConsentGiven);

impl Read for Consent {
    const EXPECTED: &'static str = "an object";

    fn read(value: &Value, at: &At<'_>) -> Result<Option<Consent>, Fault> {
        let record = ConsentRecord::read_field(Some(value), at)?;
        let state = match (record.state, record.granted) {
            // A no is taken whatever stands beside it; a yes that is contradicted is none, and what is meant is not clear.
            (Some(Word(state @ ConsentState::Granted)), Some(StrictFlag(false)))
            | (Some(Word(state @ ConsentState::NotGiven)), Some(StrictFlag(true))) => {
                let granted = state == ConsentState::Granted;
                let other = if granted { "false" } else { "true" };
                let expected = format!("{granted}, as its state is {}", if granted { "granted" } else { "not_given" });
                return Err(Fault::found(&at.field("granted"), &expected, other));
            }
            (Some(Word(state)), _) => state,
            (None, Some(StrictFlag(true))) => ConsentState::Granted,
            (None, Some(StrictFlag(false))) => ConsentState::NotGiven,
            (None, None) => return Err(Fault::missing(&at.field("state"), Word::<ConsentState>::EXPECTED)),
        };
        let channel = record.channel.0;
        let key = record.key.map(|k| k.0);
        if let (Some(key), Some(fitting)) = (&key, kind_of_key(channel))
            && key.kind != fitting
        {
            let expected = match fitting {
                KeyKind::Email => "an e-mail address, as its channel is email",
                _ => "a phone number, as its channel is call or sms",
            };
            return Err(Fault::found(&at.field("key"), expected, "something else"));
        }
        let modes = items::<Line, String>(record.modes).iter().map(|mode| plain(mode)).collect();
        Ok(Some(Consent(ConsentGiven {
            channel,
            state,
            level: record.level.map(|l| l.0),
            modes,
            key,
            at: record.at.map(|t| t.0),
            evidence_url: record.evidence_url.map(Into::into),
        })))
    }
}

/// The kind of key a channel goes to; letters, sharing and profiling are about the person, by any key.
fn kind_of_key(channel: Channel) -> Option<KeyKind> {
    match channel {
        Channel::Call | Channel::Sms => Some(KeyKind::Phone),
        Channel::Email => Some(KeyKind::Email),
        Channel::Mail | Channel::Share | Channel::Profiling => None,
    }
}

impl From<Consent> for ConsentGiven {
    fn from(c: Consent) -> ConsentGiven {
        c.0
    }
}

impl JsonSchema for Consent {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        ConsentRecord::schema_name()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let record = generator.subschema_for::<ConsentRecord>();
        schemars::json_schema!({
            "allOf": [record],
            "anyOf": [{ "required": ["state"] }, { "required": ["granted"] }],
        })
    }
}

impl From<ConsentChangeRecord> for ConsentChange {
    fn from(r: ConsentChangeRecord) -> ConsentChange {
        ConsentChange {
            channels: r.channels.map_or_else(Vec::new, |l| l.0.into_iter().map(|w| w.0).collect()),
            level: r.level.map(|l| l.0),
            key: r.key.map(|k| k.0),
            evidence_url: r.evidence_url.map(Into::into),
            imported: is_true(r.imported),
        }
    }
}

impl Data for ConsentChangeRecord {
    fn body(self, kind: EventType) -> Body {
        match kind {
            EventType::ConsentGranted => Body::ConsentGranted(self.into()),
            _ => Body::ConsentRevoked(self.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::identity::Key;
    use crate::wire::inbound::refusal::Reason;
    use crate::wire::phone::Region;
    use serde_json::json;

    fn read(value: Value) -> Result<ConsentGiven, Fault> {
        let data = At::root("data", Some(Region::US));
        let list = data.field("consent");
        Consent::read(&value, &list.item(0)).map(|c| c.unwrap().0)
    }

    #[test]
    fn an_unticked_box_is_no_refusal() {
        let state = |v: Value| read(v).unwrap().state;
        assert_eq!(state(json!({"channel": "call", "granted": true})), ConsentState::Granted);
        assert_eq!(state(json!({"channel": "call", "granted": false})), ConsentState::NotGiven);
        assert_eq!(state(json!({"channel": "call", "state": "refused", "granted": true})), ConsentState::Refused);
    }

    #[test]
    fn consent_is_never_guessed() {
        let refused = |v: Value| read(v).unwrap_err();
        assert_eq!(refused(json!({"state": "granted"})).reason, Reason::MissingField);
        assert_eq!(
            refused(json!({"channel": "call"})).detail,
            "The field data.consent[0].state is missing; expected one of granted, not_given, refused."
        );
        assert_eq!(refused(json!({"channel": "call", "granted": "yes"})).reason, Reason::InvalidField);
        assert_eq!(refused(json!({"channel": "fax", "granted": true})).reason, Reason::InvalidField);
        assert_eq!(
            refused(json!({"channel": "call", "granted": false, "state": "granted"})).detail,
            "The field data.consent[0].granted should be true, as its state is granted, but it is false."
        );
        assert!(read(json!({"channel": "call", "granted": true, "state": "not_given"})).is_err());
        assert_eq!(
            refused(json!({"channel": "sms", "granted": true, "level": "written"})).reason,
            Reason::InvalidField
        );
    }

    #[test]
    fn the_key_fits_the_channel() {
        let key = |v: Value| read(v).map(|c| c.key.unwrap());
        let phone = Key::new(KeyKind::Phone, "+13055550123");
        assert_eq!(key(json!({"channel": "sms", "granted": true, "key": "(305) 555-0123"})).unwrap(), phone);
        let address = Key::new(KeyKind::Email, "ana@example.com");
        assert_eq!(key(json!({"channel": "email", "granted": true, "key": "Ana@example.com"})).unwrap(), address);
        assert!(key(json!({"channel": "email", "granted": true, "key": "305-555-0123"})).is_err());
        assert!(key(json!({"channel": "call", "granted": true, "key": "ana@example.com"})).is_err());
        assert_eq!(key(json!({"channel": "share", "granted": true, "key": "ana@example.com"})).unwrap(), address);
        assert!(key(json!({"channel": "call", "granted": true, "key": "n/a"})).is_err());
    }
}
