//! Who an event is about: the keys of the lead, normalised, or the task that names it.
//!
//! A key that is written wrong is refused, because a key is what joins histories and what an opt-out holds on to. The
//! one exception is a phone number: forms are full of "n/a", and a lead that can be reached otherwise is not lost for it.

use serde_json::Value;
use uuid::Uuid;

use super::contact::{Email, EmailItem, Id, PhoneItem, PhoneNumber};
use super::read::{At, Fault, Field, List, Read, record};
use super::text::Line;
use super::values::TaskId;
use crate::domain::identity::{Key, KeyKind};

record! {
    /// Who an event is about. At least one key, unless a task is named.
    pub struct Lead {
        /// The caller's own id.
        id: Option<Id>,
        email: Option<Email>,
        emails: Option<List<EmailItem>>,
        /// In international form, or as written in the country of the profile.
        phone: Option<PhoneNumber>,
        phones: Option<List<PhoneItem>>,
        /// Extension of `phone`.
        ext: Option<Line>,
        /// Of a cookie or device, before anybody says who they are.
        visitor: Option<Id>,
    }
}

/// The lead that a message names.
#[derive(Debug, Default)]
pub struct Subject {
    pub keys: Vec<Key>,
    pub extensions: Vec<(String, String)>,
    pub task_id: Option<Uuid>,
}

/// What a type of event must name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    LeadOrTask,
    Task,
    Nobody,
}

impl Subject {
    /// Reads `lead` and `task_id` from the data of an event, and refuses it if they do not name what they must.
    pub fn read(data: &serde_json::Map<String, Value>, names: Names, at: &At<'_>) -> Result<Subject, Fault> {
        if names == Names::Nobody {
            return Ok(Subject::default());
        }
        let task_id = match names {
            Names::Task => Some(TaskId::read_field(data.get("task_id"), &at.field("task_id"))?.0),
            _ => Option::<TaskId>::read_field(data.get("task_id"), &at.field("task_id"))?.map(|t| t.0),
        };
        let mut subject = Subject { task_id, ..Subject::default() };
        let at_lead = at.field("lead");
        if let Some(lead) = Option::<Lead>::read_field(data.get("lead"), &at_lead)? {
            subject.add(lead);
        }
        if subject.keys.is_empty() && task_id.is_none() {
            return Err(nobody(data.get("lead"), &at_lead));
        }
        Ok(subject)
    }

    fn add(&mut self, lead: Lead) {
        self.add_key(KeyKind::Id, lead.id.map(|i| i.0));
        self.add_key(KeyKind::Email, lead.email.map(|e| e.0));
        for EmailItem(Email(address)) in lead.emails.map_or_else(Vec::new, |l| l.0) {
            self.add_key(KeyKind::Email, Some(address));
        }
        self.add_phone(lead.phone, lead.ext);
        for PhoneItem(item) in lead.phones.map_or_else(Vec::new, |l| l.0) {
            self.add_phone(item.number, item.ext);
        }
        self.add_key(KeyKind::Visitor, lead.visitor.map(|v| v.0));
    }

    fn add_phone(&mut self, phone: Option<PhoneNumber>, ext: Option<Line>) {
        let Some(PhoneNumber(phone)) = phone else { return };
        let extension = ext.map(|e| e.0).or(phone.extension);
        if let Some(extension) = extension
            && self.extensions.iter().all(|(number, _)| *number != phone.number)
        {
            self.extensions.push((phone.number.clone(), extension));
        }
        self.add_key(KeyKind::Phone, Some(phone.number));
    }

    fn add_key(&mut self, kind: KeyKind, value: Option<String>) {
        let Some(value) = value else { return };
        if self.keys.iter().all(|k| k.kind != kind || k.value != value) {
            self.keys.push(Key { kind, value });
        }
    }
}

/// What names somebody.
const KEYS: &str = "at least one of id, email, phone, visitor, or a task_id beside it";

/// Nobody is named: either nothing was given, or only a phone number without digits.
fn nobody(lead: Option<&Value>, at: &At<'_>) -> Fault {
    let given = |v: &&Value| !v.is_null() && v.as_str().is_none_or(|s| !s.trim().is_empty());
    match lead.and_then(|l| l.get("phone")).filter(given) {
        Some(phone) => Fault::invalid_personal(&at.field("phone"), PhoneNumber::EXPECTED, phone),
        None if lead.is_some_and(|lead| !lead.is_null()) => Fault::unsaid(at, KEYS),
        None => Fault::missing(at, KEYS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::identity::KeyKind as K;
    use crate::wire::inbound::refusal::Reason;
    use crate::wire::phone::Region;
    use serde_json::json;

    fn subject(data: Value) -> Result<Subject, Fault> {
        let Value::Object(map) = data else { panic!("an object") };
        Subject::read(&map, Names::LeadOrTask, &At::root("data", Some(Region::US)))
    }
    fn keys(lead: Value) -> Vec<(KeyKind, String)> {
        subject(json!({ "lead": lead })).unwrap().keys.into_iter().map(|k| (k.kind, k.value)).collect()
    }
    fn key(kind: KeyKind, value: &str) -> (KeyKind, String) {
        (kind, value.to_owned())
    }

    #[test]
    fn keys_are_normalised_and_not_repeated() {
        let lead = json!({
            "id": 77, "email": " Ana@Example.COM\u{200b}", "emails": ["ana@example.com", {"email": "a.ruiz@example.com"}],
            "phone": "(305) 555-0123", "phones": ["+1 305 555 0123", {"number": 3055550124_i64, "ext": 9}], "visitor": "v-9",
        });
        let expected = [
            key(K::Id, "77"),
            key(K::Email, "ana@example.com"),
            key(K::Email, "a.ruiz@example.com"),
            key(K::Phone, "+13055550123"),
            key(K::Phone, "+13055550124"),
            key(K::Visitor, "v-9"),
        ];
        assert_eq!(keys(lead), expected);
    }

    #[test]
    fn an_extension_belongs_to_its_number() {
        let lead = json!({"phone": "305-555-0123 x7", "ext": "12", "phones": [{"number": "305-555-0124 x8"}]});
        let expected = [("+13055550123".to_owned(), "12".to_owned()), ("+13055550124".to_owned(), "8".to_owned())];
        assert_eq!(subject(json!({ "lead": lead })).unwrap().extensions, expected);
    }

    #[test]
    fn a_number_without_digits_is_dropped_only_beside_another_key() {
        assert_eq!(keys(json!({"id": "a", "phone": "n/a"})), [key(K::Id, "a")]);
        assert_eq!(keys(json!({"phone": "555"})), [key(K::Phone, "555")]);
        let fault = subject(json!({"lead": {"phone": "n/a"}})).unwrap_err();
        assert_eq!(fault.reason, Reason::InvalidField);
        assert_eq!(fault.detail, "The field data.lead.phone should be a phone number, but it is text of 3 characters.");
    }

    #[test]
    fn blank_and_null_keys_are_no_keys() {
        for lead in [json!({}), json!({"id": null}), json!({"id": " ", "email": "", "phone": ""}), json!(null)] {
            assert_eq!(subject(json!({ "lead": lead })).unwrap_err().reason, Reason::MissingField);
        }
        assert_eq!(subject(json!({})).unwrap_err().reason, Reason::MissingField);
        let there = subject(json!({ "lead": { "phones": [{ "ext": "9" }] } })).unwrap_err().detail;
        assert!(there.starts_with("The field data.lead is missing or holds nothing that can be used; "), "{there}");
        assert!(subject(json!({})).unwrap_err().detail.starts_with("The field data.lead is missing; "));
    }

    #[test]
    fn a_task_names_the_lead_as_well_as_a_key_does() {
        let task = "0b0e0000-0000-4000-8000-000000000001";
        let subject = subject(json!({ "task_id": task })).unwrap();
        assert!(subject.keys.is_empty());
        assert_eq!(subject.task_id.unwrap().to_string(), task);
    }

    #[test]
    fn ids_are_text_of_up_to_255_bytes() {
        assert_eq!(keys(json!({"id": "a".repeat(255)})).len(), 1);
        assert!(subject(json!({"lead": {"id": "a".repeat(256)}})).is_err());
        assert!(subject(json!({"lead": {"id": true}})).is_err());
    }

    #[test]
    fn a_fault_in_a_key_does_not_tell_the_key() {
        for lead in
            [json!({"email": "ana.example.com"}), json!({"phone": [3055550123_i64]}), json!({"visitor": ["v-9"]})]
        {
            let detail = subject(json!({ "lead": lead })).unwrap_err().detail;
            assert!(!detail.contains("ana") && !detail.contains("305") && !detail.contains("v-9"), "{detail}");
        }
    }
}
