//! Values that need care: secrets and addresses that must not be printed, and lengths of time with their unit.
//! Which setting takes which value, and its range, is not here.

use std::fmt;

/// A text that is never printed. [`Secret::expose`] is the only way to it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }
    pub fn expose(&self) -> &str {
        &self.0
    }
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "" } else { "***" })
    }
}
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The address of a store or a queue. Printed without its password; [`Address::expose`] has it whole.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Address(String);

impl Address {
    pub fn new(url: impl Into<String>) -> Address {
        Address(url.into())
    }
    pub fn expose(&self) -> &str {
        &self.0
    }
    /// What stands before the first colon: "postgres", "sqlite".
    pub fn scheme(&self) -> &str {
        self.0.split_once(':').map_or("", |(scheme, _)| scheme)
    }
}
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&without_password(&self.0))
    }
}
impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The address with its password replaced. It rather hides too much: a password with a bare `@`, `/` or `?` in it makes
/// the address wrong, and that is when it gets printed.
fn without_password(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").map_or(("", url), |(s, r)| (&url[..s.len() + 3], r));
    let (user, rest) = match rest.rsplit_once('@') {
        Some((user, rest)) => {
            (user.split_once(':').map_or(format!("{user}@"), |(name, _)| format!("{name}:***@")), rest)
        }
        None => (String::new(), rest),
    };
    let Some((path, query)) = rest.split_once('?') else { return format!("{scheme}{user}{rest}") };
    let query: Vec<String> = query.split('&').map(without_secret_value).collect();
    format!("{scheme}{user}{path}?{}", query.join("&"))
}

fn without_secret_value(parameter: &str) -> String {
    match parameter.split_once('=') {
        Some((name, _)) if name.to_lowercase().contains("password") => format!("{name}=***"),
        _ => parameter.to_owned(),
    }
}

const UNITS: [(&str, i64); 5] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// Milliseconds of a length of time: a whole number and a unit ("250ms", "5s", "10m", "24h", "7d"), or a plain "0".
///
/// # Errors
/// What is wrong with the text, as the end of a sentence.
pub fn parse_length(text: &str) -> Result<i64, String> {
    let text = text.trim();
    let digits_end = text.find(|c: char| !c.is_ascii_digit() && c != '-' && c != '+').unwrap_or(text.len());
    let (number, unit) = (&text[..digits_end], text[digits_end..].trim());
    let Ok(number) = number.parse::<i64>() else {
        return Err("it does not begin with a whole number".to_owned());
    };
    match (number, unit) {
        (0, "") => Ok(0),
        (_, "") => Err("it has no unit".to_owned()),
        (_, unit) => match UNITS.iter().find(|(name, _)| *name == unit) {
            Some((_, ms)) => number.checked_mul(*ms).ok_or_else(|| "it is too long".to_owned()),
            None => Err(format!("{unit:?} is not a unit")),
        },
    }
}

/// The text that [`parse_length`] reads as this, in the largest unit that loses nothing.
pub fn length_text(ms: i64) -> String {
    match UNITS.iter().rev().find(|(_, unit)| ms != 0 && ms % unit == 0) {
        Some((name, unit)) => format!("{}{name}", ms / unit),
        None => "0s".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_is_a_whole_number_and_a_unit() {
        let good = [("5s", 5000), ("250ms", 250), ("24h", 86_400_000), ("10m", 600_000), ("7d", 604_800_000)];
        for (text, ms) in good.into_iter().chain([("0", 0), ("0s", 0), ("-3h", -10_800_000), (" 5 s ", 5000)]) {
            assert_eq!(parse_length(text), Ok(ms), "{text}");
        }
        assert_eq!(parse_length("5").unwrap_err(), "it has no unit");
        assert_eq!(parse_length("5 sec").unwrap_err(), "\"sec\" is not a unit");
        assert_eq!(parse_length("999999999999999d").unwrap_err(), "it is too long");
        for text in ["", "s", "1.5h", "1h30m", "--5s", "5-s", "99999999999999999999s", "five", "ß"] {
            assert!(parse_length(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_length_of_time_is_written_in_the_largest_unit_that_loses_nothing() {
        for text in ["0s", "5ms", "1500ms", "90s", "61m", "25h", "400d", "-3h"] {
            assert_eq!(length_text(parse_length(text).unwrap()), text);
        }
        assert_eq!(length_text(86_400_000), "1d");
    }

    #[test]
    fn an_address_is_printed_without_its_password() {
        let shown = |url: &str| Address::new(url).to_string();
        assert_eq!(shown("postgres://ana:hunter2@db:5432/leads"), "postgres://ana:***@db:5432/leads");
        assert_eq!(shown("amqp://ana@mq/%2f?heartbeat=10"), "amqp://ana@mq/%2f?heartbeat=10");
        assert_eq!(shown("postgres://db/leads?user=a&password=hunter2"), "postgres://db/leads?user=a&password=***");
        assert_eq!(shown("sqlite:data/gleaner.db"), "sqlite:data/gleaner.db");
        for url in [
            "postgres://ana:hun@ter2@db/x",
            "postgres://ana:hun/ter2@db/x",
            "postgres://a:hun?ter2@db/x",
            "ana:hunter2@db",
        ] {
            assert!(!shown(url).contains("ter2"), "{}", shown(url));
        }
        assert_eq!(format!("{:?}", Address::new("amqp://a:hunter2@mq")), "amqp://a:***@mq");
    }

    #[test]
    fn a_secret_is_never_printed() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret} {secret:?}"), "*** ***");
        assert_eq!(secret.expose(), "hunter2");
    }
}
