//! Where somebody is and what they speak: countries, regions, time zones, languages, as codes.
//!
//! Forms write these in every way there is. What is not recognised is passed over, because a wrong place does harm (a
//! call at the wrong hour) and an unknown one does not.

use jiff::tz::TimeZone;
use serde_json::Value;

use super::place_names::{AREAS, COUNTRIES, LANGUAGES};
use super::read::{At, Fault, Read, leaf_schema};
use super::text::{self, spelled};
use super::words::find;

/// An ISO 3166-1 alpha-2 code, upper case; common names and longer codes are understood.
#[derive(Clone, Debug)]
pub struct Country(pub String);
leaf_schema!(Country, "Country", { "type": "string", "description": "ISO 3166-1 alpha-2" });

/// A region of a country by its code ("FL"); names of the states of the US and provinces of Canada are understood.
#[derive(Clone, Debug)]
pub struct Area(pub String);
leaf_schema!(Area, "Region", { "type": "string", "description": "ISO 3166-2 without the country" });

/// An IANA zone that exists, under its own spelling.
#[derive(Clone, Debug)]
pub struct ZoneName(pub String);
leaf_schema!(ZoneName, "TimeZone", { "type": "string", "description": "A name of the IANA time zone database" });

/// An ISO 639 code, lower case, without script and country ("pt-BR" → "pt").
#[derive(Clone, Debug)]
pub struct Language(pub String);
leaf_schema!(Language, "Language", { "type": "string", "description": "ISO 639" });

pub fn country(text: &str) -> Option<String> {
    let text = text.trim();
    if let Some(code) = find(COUNTRIES, text.trim_end_matches('.')) {
        return Some(code.to_owned());
    }
    (text.len() == 2 && text.bytes().all(|b| b.is_ascii_alphabetic())).then(|| text.to_ascii_uppercase())
}

pub fn area(text: &str) -> Option<String> {
    let line = text::line(text, 100)?;
    let code = line.strip_prefix("US-").or_else(|| line.strip_prefix("CA-")).unwrap_or(&line);
    Some(find(AREAS, code).map_or_else(|| code.to_uppercase(), str::to_owned))
}

pub fn time_zone(name: &str) -> Option<String> {
    TimeZone::get(name.trim()).ok()?.iana_name().map(str::to_owned)
}

pub fn language(text: &str) -> Option<String> {
    let line = text::line(text, 100)?.to_lowercase();
    let code = line.split(['-', '_']).next().unwrap_or_default();
    match find(LANGUAGES, code) {
        Some(known) => Some(known.to_owned()),
        None if matches!(code.len(), 2 | 3) && code.is_ascii() => Some(code.to_owned()),
        None => None,
    }
}

macro_rules! read_leniently {
    ($($name:ident by $parse:ident),*) => {$(
        impl Read for $name {
            const EXPECTED: &'static str = "text";

            fn read(value: &Value, at: &At<'_>) -> Result<Option<$name>, Fault> {
                match value {
                    Value::String(s) => Ok($parse(s).map($name)),
                    other => Err(Fault::invalid_personal(at, Self::EXPECTED, other)),
                }
            }
        }
    )*};
}
read_leniently!(Country by country, Area by area, ZoneName by time_zone, Language by language);

/// A postal code. Senders that make a number of it lose its leading zeros; those of the US are put back by [`Self::in_country`].
#[derive(Clone, Debug)]
pub struct PostalCode {
    text: String,
    was_number: bool,
}
leaf_schema!(PostalCode, "PostalCode", { "type": ["string", "integer"] });

impl Read for PostalCode {
    const EXPECTED: &'static str = "text";

    fn read(value: &Value, at: &At<'_>) -> Result<Option<PostalCode>, Fault> {
        match value {
            Value::String(s) => Ok(text::line(s, 20).map(|text| PostalCode { text, was_number: false })),
            Value::Number(n) => Ok(Some(PostalCode { text: spelled(n), was_number: true })),
            other => Err(Fault::invalid_personal(at, Self::EXPECTED, other)),
        }
    }
}

impl PostalCode {
    pub fn in_country(self, country: Option<&str>) -> String {
        if self.was_number && country == Some("US") { format!("{:0>5}", self.text) } else { self.text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::inbound::words::plain;

    #[test]
    fn countries_are_codes_whatever_the_form_wrote() {
        for text in ["US", "us", "USA", "United States", " united-states of America", "U.S.", "u.s.a."] {
            assert_eq!(country(text).as_deref(), Some("US"), "{text}");
        }
        assert_eq!(country("UK").as_deref(), Some("GB"));
        assert_eq!(country("se").as_deref(), Some("SE"));
        assert_eq!(country("Elbonia"), None);
    }

    #[test]
    fn regions_are_codes_where_the_name_is_known() {
        for text in ["FL", "fl", "Florida", "US-FL", "FLORIDA "] {
            assert_eq!(area(text).as_deref(), Some("FL"), "{text}");
        }
        assert_eq!(area("New York").as_deref(), Some("NY"));
        assert_eq!(area("Bayern").as_deref(), Some("BAYERN"));
        assert_eq!(area(" "), None);
    }

    #[test]
    fn a_zone_has_one_spelling_or_is_none() {
        assert_eq!(time_zone("america/NEW_YORK").as_deref(), Some("America/New_York"));
        assert_eq!(time_zone("Mars/Olympus"), None);
        assert_eq!(time_zone(""), None);
    }

    #[test]
    fn languages_are_codes_without_a_country() {
        for (text, code) in [("en", "en"), ("en-US", "en"), ("pt_BR", "pt"), ("Spanish", "es"), ("FIL", "fil")] {
            assert_eq!(language(text).as_deref(), Some(code));
        }
        assert_eq!(language("klingon"), None);
    }

    #[test]
    fn a_postal_code_that_became_a_number_gets_its_zeros_back_in_the_us() {
        let read = |v: Value| PostalCode::read(&v, &At::root("x", None)).unwrap().unwrap();
        assert_eq!(read(2139.into()).in_country(Some("US")), "02139");
        assert_eq!(read(2139.into()).in_country(Some("NO")), "2139");
        assert_eq!(read("33101".into()).in_country(None), "33101");
    }

    #[test]
    fn the_plain_form_is_what_the_tables_hold() {
        for (word, _) in COUNTRIES.iter().chain(AREAS).chain(LANGUAGES) {
            assert_eq!(plain(word), **word);
        }
    }
}
