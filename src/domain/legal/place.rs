//! Where a lead may be: every pair of law and clock that can be true of them, from all they and their number say.
//!
//! Sources that agree narrow each other; sources that disagree are all kept, because a number from Florida may ring in
//! Texas and either law may be asked for. What the laws then allow is `windows`', `caps`' and `gate`'s.

use super::Jurisdictions;
use super::atlas::{CountryEntry, Spot};
use super::regions::Letters;
use super::row::{Law, Row};
use super::said::{Said, same_clock};
use crate::domain::time::{Moment, Zone};

/// What is known of where a lead is. Everything is optional, and an absent field says nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlaceFacts<'a> {
    /// The number that would be called, in E.164; `None` for a channel that is not a phone.
    pub phone: Option<&'a str>,
    /// ISO 3166-1 alpha-2, upper case.
    pub country: Option<&'a str>,
    /// ISO 3166-2 without the country, upper case.
    pub region: Option<&'a str>,
    pub postal_code: Option<&'a str>,
    /// IANA name.
    pub time_zone: Option<&'a str>,
}

/// Why no law on file covers a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// This country has no row.
    Country(Letters),
    /// The number is in no country with a row, or in no country at all (toll-free).
    Number,
    /// Neither number nor address says anything.
    Nothing,
}

/// Everything that may be true of where a lead is.
#[derive(Clone, Debug)]
pub struct Place<'j> {
    pub(super) book: &'j Jurisdictions,
    candidates: Vec<Candidate<'j>>,
    missing: Option<Missing>,
    local: Zone,
    pub(super) said: Said<'j>,
    disagrees: bool,
}

/// One law with one clock.
#[derive(Clone, Debug)]
pub(super) struct Candidate<'j> {
    pub law: &'j Law,
    pub zone: Zone,
}

impl<'j> Candidate<'j> {
    pub fn row(&self, at: Moment) -> &'j Row {
        self.law.on(self.zone.local_day(at))
    }
}

impl Jurisdictions {
    /// Where somebody may be, from what is known of them.
    pub fn place(&self, facts: &PlaceFacts<'_>) -> Place<'_> {
        let said = Said::read(self, facts);
        let mut kept = said.kept();
        let elsewhere = said.only_country(self, &kept);
        let zone_fits = said.narrow_by_zone(&mut kept);

        let mut place = Place {
            book: self,
            candidates: Vec::with_capacity(4),
            missing: said.missing(self, &kept),
            local: said.local(&kept, elsewhere, zone_fits),
            disagrees: kept.len() + usize::from(elsewhere.is_some()) > 1,
            said,
        };
        for k in &kept {
            k.zones().for_each(|zone| place.add(k.spot, zone));
        }
        let zone_fits = place.add_anywhere(elsewhere) || zone_fits;
        if !zone_fits && !place.candidates.is_empty() {
            place.disagrees = true;
            place.add_stated_zone();
        }
        if place.candidates.is_empty() {
            // Without any law nothing may look open.
            place.missing = place.missing.or(Some(Missing::Nothing));
        }
        place
    }
}

impl<'j> Place<'j> {
    pub(super) fn candidates(&self) -> &[Candidate<'j>] {
        &self.candidates
    }
    /// The laws that may hold, without repeats.
    pub fn laws(&self) -> impl Iterator<Item = &'j Law> {
        let before = |i: usize| self.candidates[..i].iter().map(|c| c.law);
        self.candidates
            .iter()
            .enumerate()
            .filter(move |(i, c)| before(*i).all(|l| !std::ptr::eq(l, c.law)))
            .map(|(_, c)| c.law)
    }
    /// Why no law on file covers the place, if none does. Then nobody there is called or texted.
    pub fn missing(&self) -> Option<Missing> {
        self.missing
    }
    /// The zone somebody stated, where one was.
    pub fn time_zone(&self) -> Option<&Zone> {
        self.said.zone.as_ref()
    }

    /// The best guess at the lead's own clock, for dates, dayparts and "call me at nine"; UTC if nothing is known.
    pub fn local_zone(&self) -> &Zone {
        &self.local
    }
    /// The lead's own clock where it is no guess: somebody stated it, or there is one only where they may be.
    pub fn certain_zone(&self) -> Option<&Zone> {
        let first = self.candidates.first().map(|c| &c.zone);
        let only = first.filter(|zone| self.missing.is_none() && self.candidates.iter().all(|c| c.zone == **zone));
        self.time_zone().or(only)
    }
    /// Whether the sources contradict each other: evidence that something about the contact is wrong, not proof.
    pub fn disagrees(&self) -> bool {
        self.disagrees
    }

    fn add(&mut self, spot: &Spot, zone: &Zone) {
        if let Some(law) = spot.law {
            let law = &self.book.laws[law];
            self.add_law(law, zone);
        }
    }

    fn add_law(&mut self, law: &'j Law, zone: &Zone) {
        let Some(fixed) = &law.fixed_zone else { return self.add_pair(law, zone) };
        self.add_pair(law, fixed);
        if !same_clock(fixed, zone) {
            // The law's own clock does not lift the country's hours where the lead is.
            let country = self.book.laws.iter().find(|l| l.country == law.country && l.region.is_none());
            if let Some(country) = country {
                self.add_pair(country, zone);
            }
        }
    }

    fn add_pair(&mut self, law: &'j Law, zone: &Zone) {
        if !self.candidates.iter().any(|c| std::ptr::eq(c.law, law) && c.zone == *zone) {
            self.candidates.push(Candidate { law, zone: zone.clone() });
        }
    }

    /// Every region of the country, or those in the stated zone if there are any; then true.
    fn add_anywhere(&mut self, country: Option<&'j CountryEntry>) -> bool {
        let Some(country) = country else { return false };
        let book = self.book;
        let stated = self.said.zone.clone();
        let pairs =
            || country.anywhere.iter().map(|i| book.atlas.spot(*i)).flat_map(|s| s.zones.iter().map(move |z| (s, z)));
        let fits = |zone: &Zone| stated.as_ref().is_none_or(|stated| same_clock(stated, zone));
        let any_fits = pairs().any(|(_, zone)| fits(zone));
        for (spot, zone) in pairs().filter(|(_, zone)| !any_fits || fits(zone)) {
            self.add(spot, zone);
        }
        any_fits
    }

    /// The stated zone is nowhere near what else is known: every law is kept on that clock too.
    fn add_stated_zone(&mut self) {
        let Some(zone) = self.said.zone.clone() else { return };
        let laws: Vec<&'j Law> = self.laws().collect();
        laws.into_iter().for_each(|law| self.add_law(law, &zone));
    }
}
