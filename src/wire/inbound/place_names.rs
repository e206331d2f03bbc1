//! Names of places and languages as forms write them, in the plain form of `words::plain`, with their codes.

/// What forms offer in their lists most often; ISO 3166-1 alpha-3 and common names.
#[rustfmt::skip]
pub const COUNTRIES: &[(&str, &str)] = &[
    ("usa", "US"), ("united_states", "US"), ("united_states_of_america", "US"), ("u.s", "US"), ("u.s.a", "US"),
    ("america", "US"), ("uk", "GB"), ("gbr", "GB"), ("united_kingdom", "GB"), ("great_britain", "GB"),
    ("england", "GB"), ("scotland", "GB"), ("wales", "GB"), ("can", "CA"), ("canada", "CA"), ("irl", "IE"),
    ("ireland", "IE"), ("deu", "DE"), ("germany", "DE"), ("deutschland", "DE"), ("fra", "FR"), ("france", "FR"),
    ("esp", "ES"), ("spain", "ES"), ("ita", "IT"), ("italy", "IT"), ("nld", "NL"), ("netherlands", "NL"),
    ("che", "CH"), ("switzerland", "CH"), ("aut", "AT"), ("austria", "AT"), ("aus", "AU"), ("australia", "AU"),
    ("nzl", "NZ"), ("new_zealand", "NZ"), ("mex", "MX"), ("mexico", "MX"), ("bra", "BR"), ("brazil", "BR"),
    ("ind", "IN"), ("india", "IN"), ("pri", "PR"), ("puerto_rico", "PR"),
];

/// States, districts and provinces by name (USPS and Canada Post codes).
#[rustfmt::skip]
pub const AREAS: &[(&str, &str)] = &[
    ("alabama", "AL"), ("alaska", "AK"), ("arizona", "AZ"), ("arkansas", "AR"), ("california", "CA"),
    ("colorado", "CO"), ("connecticut", "CT"), ("delaware", "DE"), ("district_of_columbia", "DC"),
    ("washington_dc", "DC"), ("florida", "FL"), ("georgia", "GA"), ("hawaii", "HI"), ("idaho", "ID"),
    ("illinois", "IL"), ("indiana", "IN"), ("iowa", "IA"), ("kansas", "KS"), ("kentucky", "KY"), ("louisiana", "LA"),
    ("maine", "ME"), ("maryland", "MD"), ("massachusetts", "MA"), ("michigan", "MI"), ("minnesota", "MN"),
    ("mississippi", "MS"), ("missouri", "MO"), ("montana", "MT"), ("nebraska", "NE"), ("nevada", "NV"),
    ("new_hampshire", "NH"), ("new_jersey", "NJ"), ("new_mexico", "NM"), ("new_york", "NY"), ("north_carolina", "NC"),
    ("north_dakota", "ND"), ("ohio", "OH"), ("oklahoma", "OK"), ("oregon", "OR"), ("pennsylvania", "PA"),
    ("rhode_island", "RI"), ("south_carolina", "SC"), ("south_dakota", "SD"), ("tennessee", "TN"), ("texas", "TX"),
    ("utah", "UT"), ("vermont", "VT"), ("virginia", "VA"), ("washington", "WA"), ("west_virginia", "WV"),
    ("wisconsin", "WI"), ("wyoming", "WY"), ("puerto_rico", "PR"), ("alberta", "AB"), ("british_columbia", "BC"),
    ("manitoba", "MB"), ("new_brunswick", "NB"), ("newfoundland_and_labrador", "NL"), ("northwest_territories", "NT"),
    ("nova_scotia", "NS"), ("nunavut", "NU"), ("ontario", "ON"), ("prince_edward_island", "PE"), ("quebec", "QC"),
    ("québec", "QC"), ("saskatchewan", "SK"), ("yukon", "YT"),
];

/// Languages by their English and their own names; ISO 639.
#[rustfmt::skip]
pub const LANGUAGES: &[(&str, &str)] = &[
    ("english", "en"), ("spanish", "es"), ("español", "es"), ("french", "fr"), ("français", "fr"), ("german", "de"),
    ("deutsch", "de"), ("portuguese", "pt"), ("português", "pt"), ("italian", "it"), ("italiano", "it"),
    ("dutch", "nl"), ("chinese", "zh"), ("mandarin", "zh"),
];
