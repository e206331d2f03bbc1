//! The states and territories of the United States and the provinces of Canada: their names, the zone most of their
//! people live in where they have several, and which postal codes are theirs.
//!
//! Facts that hold for everybody, so they are code; what the law says of a region is in `jurisdictions.toml`.

use std::fmt;

/// Two capital letters: a country (ISO 3166-1), or a region of one (ISO 3166-2 without the country).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Letters([u8; 2]);

impl Letters {
    /// How many there can be.
    pub(super) const ALL: usize = 26 * 26;
    pub(super) const US: Letters = Letters(*b"US");
    pub(super) const CANADA: Letters = Letters(*b"CA");

    pub fn parse(text: &str) -> Option<Letters> {
        match *text.as_bytes() {
            [a @ b'A'..=b'Z', b @ b'A'..=b'Z'] => Some(Letters([a, b])),
            _ => None,
        }
    }
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
    /// A number below [`Letters::ALL`] that is this pair's own.
    pub(super) fn index(self) -> usize {
        usize::from(self.0[0] - b'A') * 26 + usize::from(self.0[1] - b'A')
    }
}

impl fmt::Display for Letters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
impl fmt::Debug for Letters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

pub(super) struct Region {
    pub country: Letters,
    pub code: Letters,
    pub name: &'static str,
    /// Where most of its people live, for the regions with several zones.
    pub main_zone: Option<&'static str>,
}

/// All regions that law or post can name, by country, then as listed.
pub(super) fn regions() -> impl Iterator<Item = Region> {
    let of = |country: Letters, rows: &'static [(&'static str, &'static str, &'static str)]| {
        rows.iter().filter_map(move |&(code, name, zone)| {
            let main_zone = (!zone.is_empty()).then_some(zone);
            Some(Region { country, code: Letters::parse(code)?, name, main_zone })
        })
    };
    of(Letters::US, STATES).chain(of(Letters::CANADA, PROVINCES))
}

/// (code, name, main zone where there are several). The territories have codes of countries too; the law is that of the
/// US.
#[rustfmt::skip]
const STATES: &[(&str, &str, &str)] = &[
    ("AK", "Alaska", "America/Anchorage"), ("AL", "Alabama", ""), ("AR", "Arkansas", ""),
    ("AS", "American Samoa", ""), ("AZ", "Arizona", "America/Phoenix"), ("CA", "California", ""),
    ("CO", "Colorado", ""), ("CT", "Connecticut", ""), ("DC", "the District of Columbia", ""), ("DE", "Delaware", ""),
    ("FL", "Florida", "America/New_York"), ("GA", "Georgia", ""), ("GU", "Guam", ""), ("HI", "Hawaii", ""),
    ("IA", "Iowa", ""), ("ID", "Idaho", "America/Boise"), ("IL", "Illinois", ""), ("IN", "Indiana", "America/New_York"),
    ("KS", "Kansas", "America/Chicago"), ("KY", "Kentucky", "America/New_York"), ("LA", "Louisiana", ""),
    ("MA", "Massachusetts", ""), ("MD", "Maryland", ""), ("ME", "Maine", ""), ("MI", "Michigan", "America/New_York"),
    ("MN", "Minnesota", ""), ("MO", "Missouri", ""), ("MP", "the Northern Mariana Islands", ""), ("MS", "Mississippi", ""),
    ("MT", "Montana", ""), ("NC", "North Carolina", ""), ("ND", "North Dakota", "America/Chicago"),
    ("NE", "Nebraska", "America/Chicago"), ("NH", "New Hampshire", ""), ("NJ", "New Jersey", ""),
    ("NM", "New Mexico", ""), ("NV", "Nevada", "America/Los_Angeles"), ("NY", "New York", ""), ("OH", "Ohio", ""),
    ("OK", "Oklahoma", ""), ("OR", "Oregon", "America/Los_Angeles"), ("PA", "Pennsylvania", ""), ("PR", "Puerto Rico", ""),
    ("RI", "Rhode Island", ""), ("SC", "South Carolina", ""), ("SD", "South Dakota", "America/Chicago"),
    ("TN", "Tennessee", "America/Chicago"), ("TX", "Texas", "America/Chicago"), ("UT", "Utah", ""),
    ("VA", "Virginia", ""), ("VI", "the US Virgin Islands", ""), ("VT", "Vermont", ""), ("WA", "Washington", ""),
    ("WI", "Wisconsin", ""), ("WV", "West Virginia", ""), ("WY", "Wyoming", ""),
];

#[rustfmt::skip]
const PROVINCES: &[(&str, &str, &str)] = &[
    ("AB", "Alberta", ""), ("BC", "British Columbia", "America/Vancouver"), ("MB", "Manitoba", ""),
    ("NB", "New Brunswick", ""), ("NL", "Newfoundland and Labrador", "America/St_Johns"), ("NS", "Nova Scotia", ""),
    ("NT", "the Northwest Territories", ""), ("NU", "Nunavut", "America/Toronto"), ("ON", "Ontario", "America/Toronto"),
    ("PE", "Prince Edward Island", ""), ("QC", "Quebec", "America/Toronto"), ("SK", "Saskatchewan", ""), ("YT", "Yukon", ""),
];

/// Territories that addresses also give as a country of their own.
pub(super) const TERRITORIES: [&str; 5] = ["AS", "GU", "MP", "PR", "VI"];

/// (first, last, state) of the three digits a ZIP code begins with, ascending (USPS L002). Left out: military mail,
/// which is nowhere (090 to 098, 340, 962 to 966), and 969, which several Pacific islands share.
#[rustfmt::skip]
const ZIP_PREFIXES: &[(u16, u16, &str)] = &[
    (5, 5, "NY"), (6, 7, "PR"), (8, 8, "VI"), (9, 9, "PR"), (10, 27, "MA"), (28, 29, "RI"), (30, 38, "NH"),
    (39, 49, "ME"), (50, 54, "VT"), (55, 55, "MA"), (56, 59, "VT"), (60, 69, "CT"), (70, 89, "NJ"),
    (100, 149, "NY"), (150, 196, "PA"), (197, 199, "DE"), (200, 200, "DC"), (201, 201, "VA"), (202, 205, "DC"),
    (206, 219, "MD"), (220, 246, "VA"), (247, 268, "WV"), (270, 289, "NC"), (290, 299, "SC"), (300, 319, "GA"),
    (320, 339, "FL"), (341, 349, "FL"), (350, 369, "AL"), (370, 385, "TN"), (386, 397, "MS"), (398, 399, "GA"),
    (400, 427, "KY"), (430, 459, "OH"), (460, 479, "IN"), (480, 499, "MI"), (500, 528, "IA"), (530, 549, "WI"),
    (550, 567, "MN"), (569, 569, "DC"), (570, 577, "SD"), (580, 588, "ND"), (590, 599, "MT"), (600, 629, "IL"),
    (630, 658, "MO"), (660, 679, "KS"), (680, 693, "NE"), (700, 714, "LA"), (716, 729, "AR"), (730, 731, "OK"),
    (733, 733, "TX"), (734, 749, "OK"), (750, 799, "TX"), (800, 816, "CO"), (820, 831, "WY"), (832, 838, "ID"),
    (840, 847, "UT"), (850, 865, "AZ"), (870, 884, "NM"), (885, 885, "TX"), (889, 898, "NV"), (900, 961, "CA"),
    (967, 968, "HI"), (970, 979, "OR"), (980, 994, "WA"), (995, 999, "AK"),
];

/// The state or province of a postal code, told by its form: "33101" and "33101-1234" are ZIP codes, "K1A 0B1" is
/// Canadian. `None` for any other text, and for codes that are no one region.
pub(super) fn region_of_postal_code(text: &str) -> Option<Letters> {
    match text.as_bytes() {
        [a, b, c, d, e, rest @ ..] if [a, b, c, d, e].iter().all(|x| x.is_ascii_digit()) => {
            let extended = matches!(rest, [b'-', plus @ ..] if plus.len() == 4 && plus.iter().all(u8::is_ascii_digit));
            if !rest.is_empty() && !extended {
                return None;
            }
            if text.starts_with("96799") {
                return Letters::parse("AS"); // Pago Pago, inside Hawaii's range
            }
            let prefix = [a, b, c].iter().fold(0, |n, digit| n * 10 + u16::from(**digit - b'0'));
            let row = ZIP_PREFIXES.get(ZIP_PREFIXES.partition_point(|(_, last, _)| *last < prefix))?;
            if row.0 <= prefix { Letters::parse(row.2) } else { None }
        }
        [letter, digit, third, ..] if digit.is_ascii_digit() && third.is_ascii_alphabetic() => province_of(*letter),
        _ => None,
    }
}

/// By the first letter (Canada Post); X is shared by two territories in one zone but for Nunavut, so it is nobody's.
fn province_of(letter: u8) -> Option<Letters> {
    Letters::parse(match letter.to_ascii_uppercase() {
        b'A' => "NL",
        b'B' => "NS",
        b'C' => "PE",
        b'E' => "NB",
        b'G' | b'H' | b'J' => "QC",
        b'K' | b'L' | b'M' | b'N' | b'P' => "ON",
        b'R' => "MB",
        b'S' => "SK",
        b'T' => "AB",
        b'V' => "BC",
        b'Y' => "YT",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::area_codes::state_zones;

    fn postal(text: &str) -> Option<String> {
        region_of_postal_code(text).map(|l| l.to_string())
    }

    #[test]
    fn a_postal_code_is_in_its_state_or_province() {
        for (code, region) in [
            ("33101", "FL"),
            ("33101-1234", "FL"),
            ("00901", "PR"),
            ("00501", "NY"),
            ("02134", "MA"),
            ("20001", "DC"),
            ("39901", "GA"),
            ("73301", "TX"),
            ("88510", "TX"),
            ("96799", "AS"),
            ("96801", "HI"),
            ("99501", "AK"),
            ("K1A 0B1", "ON"),
            ("v5k0a1", "BC"),
        ] {
            assert_eq!(postal(code).as_deref(), Some(region), "{code}");
        }
    }

    #[test]
    fn a_postal_code_that_is_no_one_region_says_nothing() {
        for code in [
            "", "3310", "331012", "33101-12", "09001", "34001", "96301", "96910", "00001", "SW1A 1AA", "X1A 1A1", "é3a",
        ] {
            assert_eq!(postal(code), None, "{code}");
        }
    }

    #[test]
    fn the_tables_are_sound() {
        assert!(ZIP_PREFIXES.iter().all(|(first, last, _)| first <= last));
        assert!(ZIP_PREFIXES.is_sorted_by(|a, b| a.1 < b.0));
        let codes: Vec<_> = regions().map(|r| r.code).collect();
        assert_eq!(codes.len(), STATES.len() + PROVINCES.len());
        for (_, _, state) in ZIP_PREFIXES {
            assert!(codes.iter().any(|c| c.as_str() == *state), "{state}");
        }
        for region in regions() {
            let zones = state_zones(region.code.as_str());
            assert_eq!(zones.len() > 1, region.main_zone.is_some(), "{}", region.name);
            assert!(region.main_zone.is_none_or(|z| zones.contains(&z)), "{}", region.name);
        }
    }
}
