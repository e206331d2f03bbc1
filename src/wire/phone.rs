//! Phone numbers as people write them, brought to E.164.
//!
//! Only the form is settled here. Whether a number is alive, mobile, premium or a joke is judged later, from the
//! number as it stands; so what cannot be parsed is kept as its digits rather than lost.

use rlibphonenumber::{NumberLengthType, PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberFormat};

pub use rlibphonenumber::enums::Region;

/// Longer text is not looked at as a number: numbering plans end at 15 digits (E.164), and writing them out with
/// names of extensions takes no more than this.
const MAX_INPUT_BYTES: usize = 100;
/// Fewer digits name nobody: the shortest numbers that can be dialled have three.
const MIN_DIGITS: usize = 3;
/// More digits than E.164 allows are kept for contact judgement to call dead, but not without end.
const MAX_DIGITS: usize = 20;

/// A phone number as a key, and the extension where one was written behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phone {
    /// E.164, or the bare digits (with a leading `+` if one was given) of what no numbering plan knows.
    pub number: String,
    pub extension: Option<String>,
}

/// The region that national numbers are read in, from an ISO 3166-1 alpha-2 code in either case.
pub fn region(country: &str) -> Option<Region> {
    Region::from_code(country).ok().filter(|r| PHONE_NUMBER_UTIL.get_country_code_for_region(*r).is_some())
}

/// Reads a number in national or international form; `None` if there are not even digits enough to keep.
///
/// ```
/// use gleaner::wire::phone::{Region, normalise};
///
/// let phone = normalise("(305) 555-2368 ext. 12", Some(Region::US)).unwrap();
/// assert_eq!(phone.number, "+13055552368");
/// assert_eq!(phone.extension.as_deref(), Some("12"));
/// assert_eq!(normalise("020 7946 0018", Some(Region::GB)).unwrap().number, "+442079460018");
/// assert_eq!(normalise("n/a", Some(Region::US)), None);
/// ```
pub fn normalise(text: &str, region: Option<Region>) -> Option<Phone> {
    let text = text.trim();
    if text.len() > MAX_INPUT_BYTES {
        return None;
    }
    let Some(phone) = parse(text, region) else { return digits(text) };
    // Odd trimmings can keep the library from taking off a national prefix ("+32 05… ext 0"). A key must be the same
    // however it is written, so what came with more than punctuation is read once more as it now stands.
    let is_plain = text.bytes().all(|b| b.is_ascii_digit() || b" +-().".contains(&b));
    if is_plain {
        return Some(phone);
    }
    let number = parse(&phone.number, region)?.number;
    Some(Phone { number, ..phone })
}

fn parse(text: &str, region: Option<Region>) -> Option<Phone> {
    let number = PHONE_NUMBER_UTIL.parse(text, region).ok();
    // "0044 20 …" is how much of the world writes "+44 20 …"; where the caller's own region dials abroad by
    // another prefix (011 in North America) the number makes no sense until it is read that way.
    if text.starts_with("00")
        && !number.as_ref().is_some_and(PhoneNumber::is_valid)
        && let Ok(abroad) = PHONE_NUMBER_UTIL.parse(format!("+{}", &text[2..]), None)
        && abroad.is_valid()
    {
        return Some(written(&abroad));
    }
    // The library takes "12" for a number of the region; a number of a length that its plan does not have is none.
    number.filter(|n| n.is_possible_with_reason() == Ok(NumberLengthType::IsPossible)).as_ref().map(written)
}

fn written(number: &PhoneNumber) -> Phone {
    Phone {
        number: number.format_as(PhoneNumberFormat::E164).into_owned(),
        extension: number.extension.clone().filter(|e| !e.is_empty()),
    }
}

/// The digits of a number that no numbering plan knows, up to where an extension or other words begin, if there are
/// neither too few nor too many.
fn digits(text: &str) -> Option<Phone> {
    let from_first = text.trim_start_matches(|c: char| !c.is_ascii_digit());
    let up_to_words =
        from_first.split(|c: char| c.is_alphabetic() || matches!(c, ';' | ',' | '#')).next().unwrap_or_default();
    let mut number: String = up_to_words.chars().filter(char::is_ascii_digit).collect();
    if !(MIN_DIGITS..=MAX_DIGITS).contains(&number.len()) {
        return None;
    }
    if text.starts_with('+') {
        number.insert(0, '+');
    }
    Some(Phone { number, extension: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn e164(text: &str, region: Region) -> String {
        normalise(text, Some(region)).unwrap().number
    }

    #[test]
    fn national_forms_of_many_countries_become_e164() {
        assert_eq!(e164("(305) 555-2368", Region::US), "+13055552368");
        assert_eq!(e164("1-305-555-2368", Region::US), "+13055552368");
        assert_eq!(e164("305.555.2368", Region::CA), "+13055552368");
        assert_eq!(e164("020 7946 0018", Region::GB), "+442079460018");
        assert_eq!(e164("030 23125 123", Region::DE), "+493023125123");
        assert_eq!(e164("01 99 00 12 34", Region::FR), "+33199001234");
        assert_eq!(e164("06 1234 5678", Region::IT), "+390612345678");
        assert_eq!(e164("(02) 5550 1234", Region::AU), "+61255501234");
        assert_eq!(e164("+44 20 7946 0018", Region::US), "+442079460018");
        assert_eq!(e164("011 44 20 7946 0018", Region::US), "+442079460018");
        assert_eq!(e164("0044 20 7946 0018", Region::US), "+442079460018");
        assert_eq!(e164("tel:+1-305-555-2368", Region::GB), "+13055552368");
        assert_eq!(e164("٠٣٠ ٢٣١٢٥ ١٢٣", Region::DE), "+493023125123");
    }

    #[test]
    fn an_extension_is_taken_off_the_number() {
        let phone = normalise("+1 305 555 2368 x77", None).unwrap();
        assert_eq!((phone.number.as_str(), phone.extension.as_deref()), ("+13055552368", Some("77")));
    }

    #[test]
    fn what_no_plan_knows_keeps_its_digits() {
        assert_eq!(normalise("555 2368", None).unwrap().number, "5552368");
        assert_eq!(normalise("555-2368", Some(Region::US)).unwrap().number, "5552368");
        assert_eq!(normalise("305 555", Some(Region::US)).unwrap().number, "305555");
        assert_eq!(normalise("+999 123", Some(Region::US)).unwrap().number, "+999123");
        assert_eq!(normalise("tel 555-2368 x 12", None).unwrap().number, "5552368");
        assert_eq!(normalise("12", Some(Region::US)), None);
        assert_eq!(normalise("none", Some(Region::US)), None);
        assert_eq!(normalise("", Some(Region::US)), None);
    }

    #[test]
    fn text_without_bound_is_not_searched_for_a_number() {
        assert_eq!(normalise(&"1".repeat(8192), Some(Region::US)), None);
        assert_eq!(normalise(&format!("+{}", "9".repeat(60)), Some(Region::US)), None);
    }

    #[test]
    fn a_country_without_a_numbering_plan_is_no_region() {
        assert_eq!(region("us"), Some(Region::US));
        assert_eq!(region("ZZ"), None);
        assert_eq!(region("United States"), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC{0,120}") {
            for region in [None, Some(Region::US), Some(Region::DE), Some(Region::World)] {
                if let Some(phone) = normalise(&text, region) {
                    prop_assert!(phone.number.len() <= MAX_DIGITS + 1);
                }
            }
        }

        #[test]
        fn a_number_is_read_back_as_itself(text in "(tel:)?[+＋]?[0-9 ()/.x;~#,*-]{0,40}((ext|x|;phone-context=|;isub=)[+0-9a-z.]{0,12})?") {
            for region in [None, Some(Region::US), Some(Region::GB), Some(Region::AR)] {
                if let Some(Phone { number, .. }) = normalise(&text, region)
                    && number.starts_with('+')
                {
                    prop_assert_eq!(normalise(&number, region).map(|p| p.number), Some(number));
                }
            }
        }
    }
}
