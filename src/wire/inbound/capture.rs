//! What a form or a CRM says of a lead: profile, answers, consent, where it came from.

use super::answers::Qualification;
use super::attributes::Attributes;
use super::consent::Consent;
use super::place::{Area, Country, Language, PostalCode, ZoneName};
use super::read::{List, items, record};
use super::text::{Line, Prose};
use super::types::Data;
use super::values::{Count, Flag, Honeypot, Ip};
use crate::domain::event::{Body, Capture, EventType, Origin, Profile};

record! {
    /// Everything is optional; what is missing says nothing.
    #[schemars(rename = "Capture")]
    pub struct CaptureRecord {
        profile: Option<ProfileRecord>,
        qualification: Option<Qualification>,
        /// What the lead is interested in.
        interests: Option<List<Line>>,
        /// In the lead's own words, or those of whoever took the lead.
        note: Option<Prose>,
        consent: Option<List<Consent>>,
        origin: Option<OriginRecord>,
        /// Anything else that is known: names with texts, numbers or truth values.
        attributes: Option<Attributes>,
    }

    #[schemars(rename = "Profile")]
    pub struct ProfileRecord {
        name: Option<Line>,
        /// Job title.
        title: Option<Line>,
        company: Option<Line>,
        industry: Option<Line>,
        employees: Option<Count>,
        country: Option<Country>,
        region: Option<Area>,
        postal_code: Option<PostalCode>,
        time_zone: Option<ZoneName>,
        language: Option<Language>,
    }

    /// How the lead came to us.
    #[schemars(rename = "Origin")]
    pub struct OriginRecord {
        form: Option<Line>,
        campaign: Option<Line>,
        medium: Option<Line>,
        /// The partner who gave us the lead.
        partner: Option<Line>,
        /// The swap that brought it.
        swap: Option<Line>,
        referred_by: Option<Line>,
        /// Not a real lead.
        test: Option<Flag>,
        /// How long filling in the form took.
        fill_seconds: Option<Count>,
        /// Whether the field that people cannot see was filled in, or what with.
        honeypot: Option<Honeypot>,
        ip: Option<Ip>,
    }
}

impl From<CaptureRecord> for Capture {
    fn from(c: CaptureRecord) -> Capture {
        Capture {
            profile: c.profile.map(Into::into).unwrap_or_default(),
            qualification: c.qualification.map(Into::into).unwrap_or_default(),
            interests: items(c.interests),
            note: c.note.map(Into::into),
            consent: items(c.consent),
            origin: c.origin.map(Into::into).unwrap_or_default(),
            attributes: c.attributes.map_or_else(Vec::new, |a| a.0),
        }
    }
}

impl Data for CaptureRecord {
    fn body(self, kind: EventType) -> Body {
        match kind {
            EventType::LeadCaptured => Body::Captured(Box::new(self.into())),
            _ => Body::Updated(Box::new(self.into())),
        }
    }
}

impl From<ProfileRecord> for Profile {
    fn from(p: ProfileRecord) -> Profile {
        let country = p.country.map(|c| c.0);
        Profile {
            name: p.name.map(Into::into),
            title: p.title.map(Into::into),
            company: p.company.map(Into::into),
            industry: p.industry.map(Into::into),
            employees: p.employees.map(|n| n.0),
            region: p.region.map(|r| r.0),
            postal_code: p.postal_code.map(|code| code.in_country(country.as_deref())),
            country,
            time_zone: p.time_zone.map(|z| z.0),
            language: p.language.map(|l| l.0),
        }
    }
}

impl From<OriginRecord> for Origin {
    fn from(o: OriginRecord) -> Origin {
        Origin {
            form: o.form.map(Into::into),
            campaign: o.campaign.map(Into::into),
            medium: o.medium.map(Into::into),
            partner: o.partner.map(Into::into),
            swap: o.swap.map(Into::into),
            referred_by: o.referred_by.map(Into::into),
            test: o.test.map(|f| f.0),
            fill_seconds: o.fill_seconds.map(|n| n.0),
            honeypot: o.honeypot.map(|h| h.0),
            ip: o.ip.map(|ip| ip.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::inbound::read::{At, Read};
    use serde_json::{Value, json};

    fn read(value: Value) -> Capture {
        CaptureRecord::read(&value, &At::root("data", None)).unwrap().unwrap().into()
    }

    #[test]
    fn an_empty_capture_says_nothing() {
        assert_eq!(read(json!({})), Capture::default());
        assert_eq!(
            read(json!({"profile": null, "interests": [], "consent": null, "note": " ", "origin": {}})),
            Capture::default()
        );
    }

    #[test]
    fn a_profile_is_forgiving_about_form_and_silent_about_what_it_cannot_read() {
        let profile = read(json!({"profile": {
            "name": " Ana\nRuiz ", "employees": "120", "country": "united states", "region": "Florida", "postal_code": 2139,
            "time_zone": "america/new_york", "language": "en-US", "shoe_size": 9,
        }}))
        .profile;
        assert_eq!(profile.name.as_deref(), Some("Ana Ruiz"));
        assert_eq!(profile.employees, Some(120));
        assert_eq!(profile.country.as_deref(), Some("US"));
        assert_eq!(profile.region.as_deref(), Some("FL"));
        assert_eq!(profile.postal_code.as_deref(), Some("02139"));
        assert_eq!(profile.time_zone.as_deref(), Some("America/New_York"));
        assert_eq!(profile.language.as_deref(), Some("en"));
        let unread =
            read(json!({"profile": {"country": "Elbonia", "time_zone": "Mars/Olympus", "language": "klingon"}}));
        assert_eq!(unread.profile, Profile::default());
    }

    #[test]
    fn long_texts_are_cut_not_refused() {
        let capture = read(json!({"profile": {"name": "é".repeat(400)}, "note": "n".repeat(50_000)}));
        assert_eq!(capture.profile.name.unwrap().len(), 500);
        assert_eq!(capture.note.unwrap().len(), 20_000);
    }

    #[test]
    fn one_interest_need_not_be_a_list() {
        assert_eq!(read(json!({"interests": "route planning"})).interests, ["route planning"]);
        assert_eq!(read(json!({"interests": ["a", null, "", "b"]})).interests, ["a", "b"]);
    }
}
