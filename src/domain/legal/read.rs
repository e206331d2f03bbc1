//! `jurisdictions.toml` → laws. Every fault of the file is reported at once; a file with any fault gives no laws at
//! all, because half a legal gate is none.
//!
//! What each field means stands at the head of the shipped file.

use std::collections::{BTreeMap, BTreeSet};

use toml::Table;

use super::draft::{Draft, MONTHS, provenance};
use super::fields::{Fields, each, flag, number, text};
use super::holidays::{Holidays, Rule};
use super::regions::{Letters, regions};
use super::row::{Law, Row};
use crate::domain::time::Zone;

/// Everything the file says.
pub(super) struct Read {
    pub laws: Vec<Law>,
    pub countries: Vec<Country>,
    pub no_row_email_months: i32,
}

/// Where a country with a row is, as its newest row says.
pub(super) struct Country {
    pub code: Letters,
    pub main_zone: Zone,
    /// "+44"; none for the countries of the North American plan.
    pub calling_code: Option<String>,
    /// Beginnings of numbers with that calling code which are not in the country.
    pub not_numbers: Vec<String>,
}

pub(super) fn read(toml: &str) -> Result<Read, Vec<String>> {
    let table: Table =
        toml.parse().map_err(|e: toml::de::Error| vec![format!("not TOML: {}", e.to_string().trim_end())])?;
    let mut errors = Vec::new();
    let mut file = Fields::new("jurisdictions.toml".into(), table, &mut errors);
    let no_row = file.within("no_row", |f| f.need("email_inquiry_months", MONTHS, number(0, 120)));
    let (holidays, laws) = (file.rows("holidays"), file.rows("law"));
    if laws.is_empty() {
        file.error("there is no [[law]]: nobody could be called");
    }
    file.finish();
    let calendars = read_calendars(holidays, &mut errors);
    let drafts: Vec<Draft> =
        laws.into_iter().enumerate().filter_map(|(i, row)| Draft::read(i + 1, row, &calendars, &mut errors)).collect();
    check_places(&drafts, &mut errors);
    let (laws, countries) = if errors.is_empty() { complete(&drafts, &mut errors) } else { Default::default() };
    if !errors.is_empty() {
        return Err(errors);
    }
    let no_row_email_months = no_row.flatten().unwrap_or(0) as i32;
    Ok(Read { laws, countries, no_row_email_months })
}

fn read_calendars(rows: Vec<Table>, errors: &mut Vec<String>) -> BTreeMap<String, Holidays> {
    let mut calendars = BTreeMap::new();
    for (i, row) in rows.into_iter().enumerate() {
        let mut f = Fields::new(format!("holidays {}", i + 1), row, errors);
        let name = f.need("name", "a name", text);
        provenance(&mut f);
        let observed = f.need("observed", "true or false", flag);
        let expected = "a list of days like \"July 4\", \"third Monday of January\", \"2 days before Easter\"";
        let days = f.need("days", expected, each(|v| v.as_str().and_then(Rule::parse)));
        if let (Some(name), Some(observed), Some(days)) = (name, observed, days)
            && calendars.insert(name.clone(), Holidays::of(&days, observed)).is_some()
        {
            f.error(format_args!("there are two calendars called \"{name}\""));
        }
        f.finish();
    }
    calendars
}

/// Faults that only show across rows.
fn check_places(drafts: &[Draft], errors: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    for d in drafts {
        if !seen.insert((d.country, d.region, d.effective_from)) {
            errors.push(format!("{}: another row has the same place and the same `effective_from`", d.at));
        }
        let Some(region) = d.region else { continue };
        if !drafts.iter().any(|c| c.country == d.country && c.region.is_none()) {
            errors.push(format!("{}: `country` must have a row of its own, without `region`", d.at));
        }
        if !regions().any(|r| Some(r.country) == d.country && r.code == region) {
            errors.push(format!("{}: `region` must be a state of the US or a province of Canada, not {region}", d.at));
        }
        if drafts.iter().any(|o| (o.country, o.region) == (d.country, d.region) && o.fixed_zone != d.fixed_zone) {
            errors.push(format!("{}: `zone` must be the same in all rows of the region", d.at));
        }
    }
}

/// Puts the rows of each place together, by the day from which they hold.
fn complete(drafts: &[Draft], errors: &mut Vec<String>) -> (Vec<Law>, Vec<Country>) {
    let mut places: BTreeMap<(Letters, Option<Letters>), Vec<&Draft>> = BTreeMap::new();
    for d in drafts {
        if let Some(country) = d.country {
            places.entry((country, d.region)).or_default().push(d);
        }
    }
    places.values_mut().for_each(|rows| rows.sort_by_key(|d| d.effective_from));
    let (mut laws, mut countries) = (Vec::new(), Vec::new());
    for (&(country, region), rows) in &places {
        let whole = places.get(&(country, None)).map_or(&[][..], Vec::as_slice);
        let Some(newest) = whole.last() else { continue };
        let name = match region {
            None => newest.name.clone(),
            Some(code) => regions().find(|r| (r.country, r.code) == (country, code)).map(|r| r.name.to_owned()),
        };
        let versions = versions(whole, region.map(|_| rows.as_slice()).unwrap_or_default());
        let (Some(name), Some(versions)) = (name, versions) else {
            errors.push(format!("{country}: the row is not complete"));
            continue;
        };
        laws.push(Law { country, region, name, fixed_zone: rows[0].fixed_zone.clone(), versions });
        if let (None, Some(main_zone)) = (region, newest.main_zone.clone()) {
            let (calling_code, not_numbers) = (newest.calling_code.clone(), newest.not_numbers.clone());
            countries.push(Country { code: country, main_zone, calling_code, not_numbers });
        }
    }
    (laws, countries)
}

/// A version from each day on which the country's or the region's row changes. Before a region's first row its
/// country's law holds; a country's first row also covers what was before it, since nothing older is on file.
fn versions(country: &[&Draft], region: &[&Draft]) -> Option<Vec<(i32, Row)>> {
    let in_force = |rows: &[&Draft], day: i32| rows.iter().rposition(|d| d.effective_from <= day);
    let mut days: BTreeSet<i32> = country.iter().skip(1).chain(region).map(|d| d.effective_from).collect();
    days.insert(i32::MIN);
    let version = |day: i32| {
        let base = country[in_force(country, day).unwrap_or(0)];
        let row = in_force(region, day).map_or_else(|| base.row(), |i| region[i].over(base).row());
        row.map(|row| (day, row))
    };
    days.into_iter().map(version).collect()
}
