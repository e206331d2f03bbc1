//! One [[law]] of `jurisdictions.toml` as written, and how a region's row is filled in from its country's.
//!
//! What each field means stands at the head of the shipped file; putting the rows of a place in order is `read`'s
//! affair.

use std::collections::BTreeMap;

use jiff::civil::Date;
use toml::{Table, Value};

use super::fields::{Fields, day, each, flag, number, text, word};
use super::holidays::Holidays;
use super::hours::{Classes, Hours};
use super::regions::Letters;
use super::row::{Cap, Row, Screening};
use crate::domain::event::ConsentLevel;
use crate::domain::time::{Span, Zone, day_of_date};

pub(super) const MONTHS: &str = "a number of months from 0 to 120";
const CONSENT: [(&str, ConsentLevel); 2] =
    [("express", ConsentLevel::Express), ("express_written", ConsentLevel::ExpressWritten)];

/// One [[law]] as written: what a region leaves out comes from its country.
#[derive(Clone, Default)]
pub(super) struct Draft {
    pub at: String,
    pub country: Option<Letters>,
    pub region: Option<Letters>,
    pub effective_from: i32,
    source: String,
    reviewed_at: Date,
    pub name: Option<String>,
    pub main_zone: Option<Zone>,
    pub calling_code: Option<String>,
    pub not_numbers: Vec<String>,
    hours: Classes,
    automated_hours: Classes,
    holidays: Option<Holidays>,
    pub fixed_zone: Option<Zone>,
    closed_until: Option<i32>,
    caps: Option<Vec<Cap>>,
    call_consent: Option<Option<ConsentLevel>>,
    automated_consent: Option<ConsentLevel>,
    sms_consent: Option<ConsentLevel>,
    screening: Option<Option<Screening>>,
    screening_lists: Option<Vec<String>>,
    inquiry_months: Option<i32>,
    purchase_months: Option<i32>,
    email_opt_in: Option<bool>,
    email_inquiry_months: Option<i32>,
    email_consent_months: Option<i32>,
    presumes_in_state: Option<bool>,
    licensed: Option<bool>,
}

impl Draft {
    pub fn read(
        number_of_row: usize,
        row: Table,
        calendars: &BTreeMap<String, Holidays>,
        errors: &mut Vec<String>,
    ) -> Option<Draft> {
        let mut f = Fields::new(format!("law {number_of_row}"), row, errors);
        let letters = |v: &Value| v.as_str().and_then(Letters::parse);
        let country = f.need("country", "two capital letters", letters)?;
        let region = f.take("region", "two capital letters", letters);
        f.at = format!("law {number_of_row} ({country}{})", region.map_or(String::new(), |r| format!("-{r}")));
        let whole = region.is_none();
        let mut d = Draft { at: f.at.clone(), country: Some(country), region, ..Draft::default() };
        (d.source, d.reviewed_at) = provenance(&mut f).unwrap_or_default();
        let from = |v: &Value| if v.as_str() == Some("unknown") { Some(i32::MIN) } else { day(v).map(day_of_date) };
        d.effective_from = f.need("effective_from", "a date like 2026-01-31, or \"unknown\"", from).unwrap_or(i32::MIN);
        let zone = |v: &Value| v.as_str().and_then(Zone::named);
        if whole {
            d.name = f.need("name", "the country's name", text);
            d.main_zone = f.need("main_zone", "the name of a time zone like \"America/New_York\"", zone);
            d.calling_code = f.take("calling_code", "a calling code like \"+44\"", beginning);
            d.not_numbers =
                f.take("not_numbers", "a list of beginnings like \"+44800\"", each(beginning)).unwrap_or_default();
        }
        d.fixed_zone = f.take("zone", "the name of a time zone like \"America/Chicago\"", zone);
        d.hours = f.within("hours", read_hours).unwrap_or_default();
        d.automated_hours = f.within("automated_hours", read_hours).unwrap_or_default();
        if whole && (d.hours.weekday.is_none() || d.hours.saturday.is_none() || d.hours.sunday.is_none()) {
            f.error("`hours` must say `daily`, or all of `weekday`, `saturday`, `sunday`");
        }
        let known = calendars.keys().map(|k| format!("\"{k}\"")).collect::<Vec<_>>().join(", ");
        let calendar = |v: &Value| calendars.get(v.as_str()?).cloned();
        d.holidays = f.take("holidays", &format!("a list of any of {known}"), each(calendar)).map(Holidays::union);
        d.closed_until = f.take("closed_until", "a date like 2026-01-31", day).map(day_of_date);
        d.caps =
            f.take("caps", "a list of { max_calls = 3, per_hours = 24 }, perhaps with automated = true", each(cap));
        let call_words = [("none", None), ("express", Some(CONSENT[0].1)), ("express_written", Some(CONSENT[1].1))];
        d.call_consent =
            f.ask(whole, "call_consent", "\"none\", \"express\" or \"express_written\"", word(&call_words));
        d.automated_consent = f.ask(whole, "automated_consent", "\"express\" or \"express_written\"", word(&CONSENT));
        d.sms_consent = f.ask(whole, "sms_consent", "\"express\" or \"express_written\"", word(&CONSENT));
        (d.screening, d.screening_lists) = read_screening(&mut f, whole);
        let months = |n: i64| n as i32;
        d.inquiry_months = f.take("inquiry_months", MONTHS, number(0, 120)).map(months);
        d.purchase_months = f.take("purchase_months", MONTHS, number(0, 120)).map(months);
        let email_words = [("opt_in", true), ("opt_out", false)];
        d.email_opt_in = f.ask(whole, "email", "\"opt_in\" or \"opt_out\"", word(&email_words));
        d.email_inquiry_months = f.ask(whole, "email_inquiry_months", MONTHS, number(0, 120)).map(months);
        d.email_consent_months = f.take("email_consent_months", MONTHS, number(0, 120)).map(months);
        d.presumes_in_state = f.take("presumes_in_state", "true or false", flag);
        d.licensed = f.take("licensed", "true or false", flag);
        f.finish();
        Some(d)
    }

    /// This row with what it leaves out filled in from its country's.
    pub fn over(&self, country: &Draft) -> Draft {
        let (d, c) = (self.clone(), country);
        Draft {
            hours: d.hours.or(&c.hours),
            automated_hours: d.automated_hours.or(&c.automated_hours),
            holidays: d.holidays.or_else(|| c.holidays.clone()),
            closed_until: d.closed_until.max(c.closed_until),
            caps: d.caps.or_else(|| c.caps.clone()),
            call_consent: d.call_consent.or(c.call_consent),
            automated_consent: d.automated_consent.or(c.automated_consent),
            sms_consent: d.sms_consent.or(c.sms_consent),
            screening: d.screening.or_else(|| c.screening.clone()),
            screening_lists: d.screening_lists.or_else(|| c.screening_lists.clone()),
            inquiry_months: d.inquiry_months.or(c.inquiry_months),
            purchase_months: d.purchase_months.or(c.purchase_months),
            email_opt_in: d.email_opt_in.or(c.email_opt_in),
            email_inquiry_months: d.email_inquiry_months.or(c.email_inquiry_months),
            email_consent_months: d.email_consent_months.or(c.email_consent_months),
            presumes_in_state: d.presumes_in_state.or(c.presumes_in_state),
            licensed: Some(d.licensed != Some(false) && c.licensed != Some(false)),
            ..d
        }
    }

    /// The finished row; `None` only where an error has been reported already.
    pub fn row(&self) -> Option<Row> {
        let hours = self.hours.week();
        Some(Row {
            source: self.source.clone(),
            reviewed_at: self.reviewed_at,
            automated_hours: hours.intersect(&self.automated_hours.week()),
            hours,
            holidays: self.holidays.clone().unwrap_or_default(),
            closed_until: self.closed_until,
            caps: self.caps.clone().unwrap_or_default(),
            call_consent: self.call_consent?,
            automated_consent: self.automated_consent?,
            sms_consent: self.sms_consent?,
            screening: self
                .screening
                .clone()?
                .map(|own| Screening { lists: self.screening_lists.clone().unwrap_or_default(), ..own }),
            inquiry_months: self.inquiry_months,
            purchase_months: self.purchase_months,
            email_opt_in: self.email_opt_in?,
            email_inquiry_months: self.email_inquiry_months?,
            email_consent_months: self.email_consent_months,
            presumes_in_state: self.presumes_in_state.unwrap_or(false),
            licensed: self.licensed.unwrap_or(true),
        })
    }
}

fn read_hours(f: &mut Fields<'_>) -> Classes {
    const EXPECTED: &str = "hours like \"08:00-20:00\", \"10:00-13:00, 14:00-20:00\" or \"closed\"";
    let mut class = |key| f.take(key, EXPECTED, |v| v.as_str().and_then(Hours::parse));
    let daily = class("daily");
    let own = Classes {
        weekday: class("weekday"),
        saturday: class("saturday"),
        sunday: class("sunday"),
        holiday: class("holiday"),
    };
    own.or(&Classes { weekday: daily.clone(), saturday: daily.clone(), sunday: daily, holiday: None })
}

/// Whether screening is required (`None`: not said; `None` in `Some`: off), and the lists, which a region may name alone.
fn read_screening(f: &mut Fields<'_>, whole: bool) -> (Option<Option<Screening>>, Option<Vec<String>>) {
    let required = f.ask(whole, "screening", "\"required\" or \"off\"", word(&[("required", true), ("off", false)]));
    let days = f.take("screening_days", "a number of days from 1 to 366", number(1, 366));
    if required == Some(true) && days.is_none() {
        f.error(
            "`screening_days` is missing; where screening is required it must say for how many days a result is good",
        );
    }
    let lists = f.take("screening_lists", "a list of names like \"us_national\"", each(text));
    let none = lists.as_ref().map_or(whole, Vec::is_empty);
    if required == Some(true) && none {
        f.error("`screening_lists` is missing; where screening is required it must name the lists that must be clear");
    }
    let screening = |days| Screening { good_for: Span::days(days), lists: Vec::new() };
    (required.map(|required| days.filter(|_| required).map(screening)), lists)
}

fn cap(value: &Value) -> Option<Cap> {
    let row = value.as_table()?;
    let of = |key| row.get(key).and_then(number(1, 10_000));
    let known = row.keys().all(|k| ["max_calls", "per_hours", "automated"].contains(&k.as_str()));
    let automated_only = row.get("automated").map_or(Some(false), flag)?;
    known.then_some(Cap { max_calls: of("max_calls")? as u32, per: Span::hours(of("per_hours")?), automated_only })
}

/// The beginning of a number in E.164.
fn beginning(value: &Value) -> Option<String> {
    let digits = value.as_str()?.strip_prefix('+')?;
    (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())).then(|| format!("+{digits}"))
}

/// Where a row comes from and when somebody last looked: without these nobody can doubt it.
pub(super) fn provenance(f: &mut Fields<'_>) -> Option<(String, Date)> {
    let reviewed_at = f.need("reviewed_at", "a date like 2026-01-31", day);
    let source = f.need("source", "where this comes from", text);
    Some((source?, reviewed_at?))
}
