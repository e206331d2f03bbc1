//! Where things are: every area code, region, country and calling code with its law and its zones, worked out once, so
//! that placing a lead is a few look-ups.

use super::read::Country;
use super::regions::{Letters, TERRITORIES, regions};
use super::row::Law;
use crate::domain::area_codes::{area_code, service, state_zones};
use crate::domain::time::Zone;

/// What one source can say about where somebody is.
#[derive(Debug)]
pub(super) struct Spot {
    pub country: Letters,
    pub region: Option<Letters>,
    /// Index into the laws; `None` where there is no row.
    pub law: Option<usize>,
    /// At least one.
    pub zones: Vec<Zone>,
    /// Where most of its people are.
    pub main: Zone,
}

#[derive(Debug)]
pub(super) struct CountryEntry {
    /// Everywhere somebody can be of whom only the country is known.
    pub anywhere: Vec<usize>,
    pub main_zone: Zone,
}

/// What a number says about where its owner is.
#[derive(Clone, Copy, Debug)]
pub(super) enum NumberSays<'a> {
    Spot(&'a Spot),
    /// An area code newer than the table: nothing is known, and nothing is against it.
    Nothing,
    /// Toll-free and the like, or a calling code of no country with a row.
    Nowhere,
}

#[derive(Clone, Copy, Debug)]
enum Code {
    Spot(u16),
    Unknown,
    Service,
}

#[derive(Debug)]
pub(super) struct Atlas {
    spots: Vec<Spot>,
    /// By area code, less 200.
    codes: Vec<Code>,
    /// By `Letters::index`.
    regions: Vec<Option<u16>>,
    countries: Vec<CountryEntry>,
    country_index: Vec<Option<u16>>,
    /// Calling code, beginnings that are not in the country, spot.
    calling: Vec<(String, Vec<String>, u16)>,
}

impl Atlas {
    pub fn new(laws: &[Law], countries: Vec<Country>) -> Atlas {
        let law_of = |country: Letters, region: Option<Letters>| {
            let find = |region| laws.iter().position(|l| l.country == country && l.region == region);
            region.and_then(|r| find(Some(r))).or_else(|| find(None))
        };
        let mut atlas = Atlas {
            spots: Vec::new(),
            codes: Vec::new(),
            regions: vec![None; Letters::ALL],
            countries: Vec::new(),
            country_index: vec![None; Letters::ALL],
            calling: Vec::new(),
        };
        let mut main_zones = vec![None; Letters::ALL];
        for region in regions() {
            let zones = named(state_zones(region.code.as_str()));
            let main = region.main_zone.and_then(Zone::named).or_else(|| zones.first().cloned());
            let Some(main) = main else { continue };
            let law = law_of(region.country, Some(region.code));
            main_zones[region.code.index()] = Some(main.clone());
            let spot = Spot { country: region.country, region: Some(region.code), law, zones, main };
            atlas.regions[region.code.index()] = Some(atlas.add(spot));
        }
        for code in 200..1000 {
            let entry = atlas.code(code, &main_zones, law_of);
            atlas.codes.push(entry);
        }
        for country in countries {
            atlas.add_country(country, law_of);
        }
        atlas
    }

    fn add(&mut self, spot: Spot) -> u16 {
        self.spots.push(spot);
        (self.spots.len() - 1) as u16
    }

    fn code(
        &mut self,
        code: u16,
        main_zones: &[Option<Zone>],
        law_of: impl Fn(Letters, Option<Letters>) -> Option<usize>,
    ) -> Code {
        let number = format!("+1{code}5550100");
        let Some(area) = area_code(&number) else {
            return if service(&number).is_some() { Code::Service } else { Code::Unknown };
        };
        let zones = named(area.zones);
        let (Some(country), Some(first)) = (Letters::parse(area.country), zones.first()) else { return Code::Unknown };
        let region = area.region.and_then(Letters::parse);
        let main = region.and_then(|r| main_zones[r.index()].clone()).filter(|z| zones.contains(z));
        let main = main.unwrap_or_else(|| first.clone());
        Code::Spot(self.add(Spot { country, region, law: law_of(country, region), zones, main }))
    }

    fn add_country(&mut self, country: Country, law_of: impl Fn(Letters, Option<Letters>) -> Option<usize>) {
        let Country { code, main_zone, calling_code, not_numbers } = country;
        let of_country = |&i: &usize| {
            // Whoever lives in a territory says so, with a number or an address of it.
            let spot = &self.spots[i];
            spot.country == code && spot.region.is_some_and(|r| !TERRITORIES.contains(&r.as_str()))
        };
        let mut anywhere: Vec<usize> =
            self.regions.iter().flatten().map(|i| usize::from(*i)).filter(of_country).collect();
        if anywhere.is_empty() {
            let (zones, main) = (vec![main_zone.clone()], main_zone.clone());
            let home = self.add(Spot { country: code, region: None, law: law_of(code, None), zones, main });
            self.calling.extend(calling_code.map(|c| (c, not_numbers, home)));
            anywhere.push(usize::from(home));
        }
        self.country_index[code.index()] = Some(self.countries.len() as u16);
        self.countries.push(CountryEntry { anywhere, main_zone });
    }

    pub fn spot(&self, index: usize) -> &Spot {
        &self.spots[index]
    }
    /// The region of the US or of Canada with these letters.
    pub fn region(&self, code: Letters) -> Option<&Spot> {
        self.regions[code.index()].map(|i| &self.spots[usize::from(i)])
    }
    /// A country that has a row.
    pub fn country(&self, code: Letters) -> Option<&CountryEntry> {
        self.country_index[code.index()].map(|i| &self.countries[usize::from(i)])
    }

    /// Where a number in E.164 says its owner is. +1 is not the US: its area codes lie in 25 countries and territories.
    pub fn number(&self, e164: &str) -> NumberSays<'_> {
        if let Some(national) = e164.strip_prefix("+1") {
            let code = national.get(..3).and_then(|digits| digits.parse::<usize>().ok());
            return match code.and_then(|code| self.codes.get(code.checked_sub(200)?)) {
                Some(Code::Spot(i)) => NumberSays::Spot(&self.spots[usize::from(*i)]),
                Some(Code::Unknown) => NumberSays::Nothing,
                Some(Code::Service) | None => NumberSays::Nowhere,
            };
        }
        let here = self.calling.iter().find(|(calling_code, ..)| e164.starts_with(calling_code.as_str()));
        match here {
            Some((_, not, spot)) if !not.iter().any(|n| e164.starts_with(n.as_str())) => {
                NumberSays::Spot(&self.spots[usize::from(*spot)])
            }
            _ => NumberSays::Nowhere,
        }
    }
}

fn named(zones: &[&str]) -> Vec<Zone> {
    zones.iter().filter_map(|z| Zone::named(z)).collect()
}
