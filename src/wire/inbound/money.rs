//! Amounts of money: exact decimals with their currency. What they are worth in another one is not known here.

use serde_json::Value;

use super::read::{At, Fault, Read, leaf_schema, record};
use crate::domain::event::Money;

record! {
    /// An amount of money. Without a currency it would mean nothing.
    #[schemars(rename = "Money")]
    pub struct MoneyValue {
        amount: Cents,
        currency: Currency,
    }
}

impl From<MoneyValue> for Money {
    fn from(m: MoneyValue) -> Money {
        Money { cents: m.amount.0, currency: m.currency.0 }
    }
}

/// An amount in hundredths, from a decimal in quotes ("1250.00") or a number.
#[derive(Clone, Copy, Debug)]
pub struct Cents(pub i64);
leaf_schema!(Cents, "Amount", {
    "type": ["string", "number"], "minimum": 0, "pattern": r"^\d{1,15}(\.\d+)?$",
});

impl Read for Cents {
    const EXPECTED: &'static str = "an amount from 0, such as \"1250.00\"";

    fn read(value: &Value, at: &At<'_>) -> Result<Option<Cents>, Fault> {
        let cents = match value {
            Value::String(s) if s.trim().is_empty() => return Ok(None),
            Value::String(s) => cents(s.trim()),
            Value::Number(n) => cents(&n.to_string()),
            _ => None,
        };
        cents.map(|c| Some(Cents(c))).ok_or_else(|| Fault::invalid(at, Self::EXPECTED, value))
    }
}

/// Rounded half up to the hundredth; at most 15 digits before the point, so that sums cannot overflow.
fn cents(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || whole.len() > 15 || !digits(fraction) {
        return None;
    }
    let digit = |i: usize| fraction.as_bytes().get(i).map_or(0, |b| i64::from(b - b'0'));
    Some(whole.parse::<i64>().ok()? * 100 + digit(0) * 10 + digit(1) + i64::from(digit(2) >= 5))
}

/// An ISO 4217 code, in either case.
#[derive(Clone, Debug)]
pub struct Currency(pub String);
leaf_schema!(Currency, "Currency", { "type": "string", "pattern": "^[A-Za-z]{3}$" });

impl Read for Currency {
    const EXPECTED: &'static str = "a currency of three letters, such as USD";

    fn read(value: &Value, at: &At<'_>) -> Result<Option<Currency>, Fault> {
        match value {
            Value::String(s) if s.trim().len() == 3 && s.trim().bytes().all(|b| b.is_ascii_alphabetic()) => {
                Ok(Some(Currency(s.trim().to_ascii_uppercase())))
            }
            other => Err(Fault::invalid(at, Self::EXPECTED, other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn amounts_are_exact_and_bounded() {
        for (text, expected) in [
            ("1250.00", 125_000),
            ("1250", 125_000),
            ("0.1", 10),
            ("0.005", 1),
            ("0.004", 0),
            ("999999999999999.99", 99_999_999_999_999_999),
        ] {
            assert_eq!(cents(text), Some(expected), "{text}");
        }
        for text in ["-1", "1e3", "1,250.00", "", ".", "1.", "1.2.3", "1000000000000000"] {
            assert_eq!(cents(text), None, "{text}");
        }
        assert_eq!(Cents::read(&json!(1250.5), &At::root("amount", None)).unwrap().unwrap().0, 125_050);
    }
}
