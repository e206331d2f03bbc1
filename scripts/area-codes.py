#!/usr/bin/env python3
"""Generates src/domain/area_codes.rs: where each North American area code is, and what time it is there.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install phonenumbers==9.0.43
    /tmp/venv/bin/python scripts/area-codes.py            # writes the file
    /tmp/venv/bin/python scripts/area-codes.py --check    # exit 1 if the file is not what would be written

The facts come from PyPI's `phonenumbers` (the libphonenumber data, Apache-2.0; see NOTICE). Its newest releases know
newer codes: raise the version here and above, run, and read the difference before committing it.
"""

import collections
import pathlib
import sys

import phonenumbers
from phonenumbers.geodata import GEOCODE_DATA
from phonenumbers.tzdata import TIMEZONE_DATA

VERSION = "9.0.43"
TARGET = pathlib.Path(__file__).resolve().parent.parent / "src/domain/area_codes.rs"

NAMES = {
    "Alabama": "AL", "Alaska": "AK", "Alberta": "AB", "Arizona": "AZ", "Arkansas": "AR", "British Columbia": "BC",
    "British Colombia": "BC",  # as the data spells it once
    "California": "CA", "Colorado": "CO", "Connecticut": "CT", "Delaware": "DE", "Florida": "FL", "Georgia": "GA",
    "Hawaii": "HI", "Idaho": "ID", "Illinois": "IL", "Indiana": "IN", "Iowa": "IA", "Kansas": "KS", "Kentucky": "KY",
    "Louisiana": "LA", "Maine": "ME", "Manitoba": "MB", "Maryland": "MD", "Massachusetts": "MA", "Michigan": "MI",
    "Minnesota": "MN", "Mississippi": "MS", "Missouri": "MO", "Montana": "MT", "Nebraska": "NE", "Nevada": "NV",
    "New Brunswick": "NB", "New Hampshire": "NH", "New Jersey": "NJ", "New Mexico": "NM", "New York": "NY",
    "Newfoundland and Labrador": "NL", "North Carolina": "NC", "North Dakota": "ND", "Ohio": "OH", "Oklahoma": "OK",
    "Ontario": "ON", "Oregon": "OR", "Pennsylvania": "PA", "Quebec": "QC", "Rhode Island": "RI",
    "Saskatchewan": "SK", "South Carolina": "SC", "South Dakota": "SD", "Tennessee": "TN", "Texas": "TX",
    "Utah": "UT", "Vermont": "VT", "Virginia": "VA", "Washington D.C.": "DC", "Washington State": "WA",
    "West Virginia": "WV", "Wisconsin": "WI", "Wyoming": "WY",
    # One area code for several provinces: no single region is true of its numbers.
    "Northwest Territories/Nunavut/Yukon": None,
    "Nova Scotia/Prince Edward Island": None,
}
SHARED = {782, 867, 902}
PROVINCES = {"AB", "BC", "MB", "NB", "NL", "NS", "NT", "NU", "ON", "PE", "QC", "SK", "YT"}
# libphonenumber gives these a country of their own; their calls are under the law of the United States.
US_TERRITORIES = {"AS", "GU", "MP", "PR", "VI"}

# An overlay serves the same ground as the code it was laid over, but the data knows its zones only once numbers are
# in use. Each overlay here takes the zones of the code below it (North American Numbering Plan, public).
OVERLAYS = {
    448: 850, 930: 812, 364: 270, 458: 541, 986: 208, 879: 709, 367: 418, 581: 418,
    236: 250, 257: 250, 672: 250, 778: 250, 474: 306, 689: 407,
}
# Faults of the data, taken out. Each must still be there, or this script stops: then delete it here.
WRONG_ZONES = {
    (879, "America/Puerto_Rico"),  # Newfoundland and Labrador
    (474, "America/Winnipeg"),  # Saskatchewan, which has no summer time
    (689, "America/Chicago"),  # Orlando
}
# The three territories behind 867, from the IANA time zone database: the data has their law as it was before 2020.
TERRITORY_ZONES = {
    "NT": {"America/Edmonton"},
    "NU": {"America/Edmonton", "America/Toronto", "America/Winnipeg"},
    "YT": {"America/Whitehorse"},
}

SERVICES = {
    phonenumbers.PhoneNumberType.TOLL_FREE: "TollFree",
    phonenumbers.PhoneNumberType.PREMIUM_RATE: "Premium",
    phonenumbers.PhoneNumberType.PERSONAL_NUMBER: "Personal",
    phonenumbers.PhoneNumberType.VOIP: "Nowhere",
}


def numbers_of(code):
    """Numbers spread over the exchanges of a code; not every exchange is in use."""
    for exchange in range(200, 1000, 7):
        yield phonenumbers.PhoneNumber(country_code=1, national_number=code * 10**7 + exchange * 10**4 + 2368)


def zones_by_code():
    zones = collections.defaultdict(set)
    for prefix, names in TIMEZONE_DATA.items():
        if prefix.startswith("1") and len(prefix) >= 4:
            zones[int(prefix[1:4])].update(names)
    for code, zone in WRONG_ZONES:
        if zone not in zones[code]:
            sys.exit(f"the data no longer says {zone} for {code}: remove it from WRONG_ZONES")
        zones[code].discard(zone)
    zones[867] |= set.union(*TERRITORY_ZONES.values())
    for overlay, base in OVERLAYS.items():
        zones[overlay] |= zones[base]
    return zones


def zones_of_prefix(prefix):
    for length in range(len(prefix), 3, -1):
        if prefix[:length] in TIMEZONE_DATA:
            return set(TIMEZONE_DATA[prefix[:length]])
    return set()


def places():
    """What the data says about places, by area code: (prefix, description), shortest prefix first."""
    found = collections.defaultdict(list)
    for prefix in sorted(GEOCODE_DATA, key=len):
        text = GEOCODE_DATA[prefix].get("en")
        if prefix.startswith("1") and len(prefix) >= 4 and text:
            found[int(prefix[1:4])].append((prefix, text))
    return found


def region_of(code, descriptions):
    """The one region of the whole code; `None` where several share it or the data names none."""
    for prefix, text in descriptions:
        if len(prefix) == 4:
            tail = text.rsplit(", ", 1)[-1]
            if tail in NAMES:
                return NAMES[tail]
            if len(tail) == 2 and tail.isupper():
                return tail
            sys.exit(f"area code {code} is described as {text!r}, which this script does not know: add it to NAMES")
    tails = {text.rsplit(", ", 1)[-1] for _, text in descriptions if ", " in text}
    if len(tails) == 1:
        return tails.pop()
    return None


def country_and_region(code, descriptions):
    countries = {phonenumbers.region_code_for_number(n) for n in numbers_of(code)} - {None}
    if len(countries) > 1:
        sys.exit(f"area code {code} is in several countries: {sorted(countries)}")
    region = region_of(code, descriptions)
    if countries and (country := countries.pop()) not in ("US", "CA"):
        if country in US_TERRITORIES:
            return "US", country
        return country, None
    if region is None and code not in SHARED:
        sys.exit(f"the data names no place for area code {code}")
    return ("CA" if region in PROVINCES or code in SHARED else "US"), region


def area_codes():
    described = places()
    for code, zones in sorted(zones_by_code().items()):
        country, region = country_and_region(code, described[code])
        yield code, country, region, sorted(zones)


def zones_by_region(rows):
    zones = collections.defaultdict(set)
    for _, _, region, names in rows:
        if region:
            zones[region].update(names)
    described = places()
    for code in SHARED:
        for prefix, text in described[code]:
            tail = text.rsplit(", ", 1)[-1]
            if tail in PROVINCES:
                zones[tail].update(TERRITORY_ZONES.get(tail) or zones_of_prefix(prefix))
    missing = (set(NAMES.values()) | PROVINCES | US_TERRITORIES) - {None} - set(zones)
    if missing:
        sys.exit(f"no zone is known for {sorted(missing)}")
    return zones


def service_codes(geographic):
    for code in range(200, 1000):
        kinds = {phonenumbers.number_type(n) for n in numbers_of(code)} & set(SERVICES)
        if len(kinds) == 1 and code not in geographic:
            yield code, SERVICES[kinds.pop()]


def quoted(names):
    return ", ".join(f'"{n}"' for n in names)


def wrapped(items, indent, before="", after=""):
    """Lines of at most 120 characters; every item but the first has `before` it, every one but the last has `after`."""
    lines, line = [], indent
    for i, item in enumerate(items):
        piece = (before if i else "") + item + (after if i < len(items) - 1 else "")
        if len((line + piece).rstrip()) > 120:
            lines.append(line.rstrip())
            line = indent
        line += piece
    return lines + [line]


def render():
    rows = list(area_codes())
    out = [HEAD.replace("@VERSION@", VERSION)]
    for code, country, region, zones in rows:
        region = f'Some("{region}")' if region else "None"
        place = f'code: {code}, country: "{country}", region: {region}'
        out.append(f"    AreaCode {{ {place}, zones: &[{quoted(zones)}] }},")
    out.append("];\n")
    out.append("/// Codes that are no place, ascending.\n#[rustfmt::skip]\nconst SERVICE_CODES: &[(u16, Service)] = &[")
    items = [f"({code}, Service::{service})" for code, service in service_codes({r[0] for r in rows})]
    out += wrapped(items, "    ", after=", ")
    out.append("];")
    out.append(MIDDLE)
    by_zones = collections.defaultdict(list)
    for region, zones in zones_by_region(rows).items():
        by_zones[tuple(sorted(zones))].append(region)
    for zones, regions in sorted(by_zones.items(), key=lambda kv: sorted(kv[1])):
        arm = wrapped([f'"{r}"' for r in sorted(regions)], " " * 8, before="| ", after=" ")
        arm[-1] = arm[-1].rstrip() + f" => &[{quoted(zones)}],"
        out += arm
    out.append(TAIL)
    return "\n".join(out)


HEAD = """\
//! Where each area code of the North American Numbering Plan is: country, state or province, time zones. And the codes
//! that are no place at all (toll-free, premium). Whether a number is possible and who may be called when is not here.
//!
//! Generated by `scripts/area-codes.py` from phonenumbers @VERSION@ (libphonenumber data, Apache-2.0, see NOTICE): change
//! the script, not this file. It is long because it is a table.

/// One area code, with everything that may be true of a number in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AreaCode {
    /// 200 to 999.
    pub code: u16,
    /// ISO 3166-1 alpha-2. The five territories of the United States are "US" with a region of their own.
    pub country: &'static str,
    /// US state or territory, or Canadian province; `None` elsewhere, and where several provinces share the code
    /// (902 and 782: NS, PE; 867: NT, NU, YT).
    pub region: Option<&'static str>,
    /// IANA names, sorted, at least one; more than one where the code straddles zones, and then a number alone does not
    /// say which.
    pub zones: &'static [&'static str],
}

/// What a code that is no place is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    TollFree,
    /// The caller pays extra: never dialled.
    Premium,
    /// Follows a person, who may be anywhere.
    Personal,
    /// Non-geographic without a special tariff (600, Canada).
    Nowhere,
}

/// Every area code that is a place, ascending by code.
#[rustfmt::skip]
pub const AREA_CODES: &[AreaCode] = &["""

MIDDLE = """
/// The place of a number in E.164 ("+13055550100"); `None` outside the plan, for a code that is no place, and for one
/// that is newer than the table.
pub fn area_code(e164: &str) -> Option<&'static AreaCode> {
    let code = code_of(e164)?;
    AREA_CODES.binary_search_by_key(&code, |a| a.code).ok().map(|i| &AREA_CODES[i])
}

/// What a number in E.164 is for when its area code is no place ("+18005550100" is toll-free).
pub fn service(e164: &str) -> Option<Service> {
    let code = code_of(e164)?;
    SERVICE_CODES.binary_search_by_key(&code, |(c, _)| *c).ok().map(|i| SERVICE_CODES[i].1)
}

fn code_of(e164: &str) -> Option<u16> {
    e164.strip_prefix("+1")?.get(..3)?.parse().ok()
}

/// All zones observed in a US state or territory or a Canadian province ("FL", "ON"; upper case), sorted; empty for any
/// other text.
#[rustfmt::skip]
pub fn state_zones(state: &str) -> &'static [&'static str] {
    match state {"""

TAIL = """\
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::Zone;

    fn place(e164: &str) -> (&'static str, Option<&'static str>, &'static [&'static str]) {
        let a = area_code(e164).unwrap();
        (a.country, a.region, a.zones)
    }

    #[test]
    fn a_number_is_placed_by_its_area_code() {
        assert_eq!(place("+13055552368"), ("US", Some("FL"), &["America/New_York"][..]));
        assert_eq!(place("+14165550100"), ("CA", Some("ON"), &["America/Toronto"][..]));
        assert_eq!(place("+18765550100"), ("JM", None, &["America/Jamaica"][..]));
        assert_eq!(place("+17875550100"), ("US", Some("PR"), &["America/Puerto_Rico"][..]));
    }

    #[test]
    fn a_code_that_straddles_zones_has_them_all_and_so_has_its_overlay() {
        for code in ["850", "448"] {
            let here = ("US", Some("FL"), &["America/Chicago", "America/New_York"][..]);
            assert_eq!(place(&format!("+1{code}5550100")), here);
        }
        assert_eq!(place("+18795550100").2, ["America/Halifax", "America/St_Johns"]);
        assert_eq!(place("+16895550100").2, ["America/New_York"]);
    }

    #[test]
    fn a_code_that_several_provinces_share_has_no_region() {
        assert_eq!(place("+19025550100"), ("CA", None, &["America/Halifax"][..]));
        assert_eq!(place("+18675550100").1, None);
    }

    #[test]
    fn a_code_that_is_no_place_says_what_it_is_for() {
        assert_eq!(area_code("+18005550100"), None);
        assert_eq!(service("+18005550100"), Some(Service::TollFree));
        assert_eq!(service("+19005550100"), Some(Service::Premium));
        assert_eq!(service("+13055550100"), None);
    }

    #[test]
    fn text_that_is_no_number_of_the_plan_has_no_place() {
        for text in ["", "+1", "+130", "+442079460000", "3055550100", "+1é05", "+1999", "+1+30"] {
            assert_eq!(area_code(text), None, "{text}");
            assert_eq!(service(text), None, "{text}");
        }
    }

    #[test]
    fn the_table_is_sorted_and_every_zone_in_it_exists() {
        assert!(AREA_CODES.is_sorted_by(|a, b| a.code < b.code));
        assert!(SERVICE_CODES.is_sorted_by(|a, b| a.0 < b.0));
        for a in AREA_CODES {
            assert!(!a.zones.is_empty() && a.zones.is_sorted(), "{}", a.code);
            assert!(a.zones.iter().all(|z| Zone::named(z).is_some()), "{}", a.code);
            let state = a.region.map_or(a.zones, state_zones);
            assert!(a.zones.iter().all(|z| state.contains(z)), "{}", a.code);
        }
    }

    #[test]
    fn a_state_has_every_zone_observed_in_it() {
        assert_eq!(state_zones("FL"), ["America/Chicago", "America/New_York"]);
        assert_eq!(state_zones("ON"), ["America/Toronto", "America/Winnipeg"]);
        assert_eq!(state_zones("PE"), ["America/Halifax"]);
        assert!(state_zones("NU").contains(&"America/Winnipeg"));
        assert!(state_zones("fl").is_empty() && state_zones("XX").is_empty());
    }
}
"""


def main():
    if phonenumbers.__version__ != VERSION:
        sys.exit(f"this script was read against phonenumbers {VERSION}, and {phonenumbers.__version__} is installed")
    text = render()
    if sys.argv[1:] == ["--check"]:
        if TARGET.read_text() != text:
            sys.exit(f"{TARGET} differs from what this script writes")
    elif sys.argv[1:]:
        sys.exit(f"usage: {sys.argv[0]} [--check]")
    else:
        TARGET.write_text(text)


if __name__ == "__main__":
    main()
