//! What each source says of where a lead is, and what is left when those that agree have narrowed each other.
//!
//! Sources are the number, the stated region, the postcode, the stated country and the stated time zone. What is done
//! with those that disagree is `place`'s affair.

use super::Jurisdictions;
use super::atlas::{CountryEntry, NumberSays, Spot};
use super::place::{Missing, PlaceFacts};
use super::regions::{Letters, TERRITORIES, region_of_postal_code};
use crate::domain::time::{Moment, Zone};

/// What each source says, as far as it says anything.
#[derive(Clone, Debug)]
pub(super) struct Said<'j> {
    pub number: Option<NumberSays<'j>>,
    pub region: Option<&'j Spot>,
    pub postal: Option<&'j Spot>,
    pub country: Option<Letters>,
    pub zone: Option<Zone>,
}

/// A spot that is still possible, with those of its zones that are.
pub(super) struct Kept<'j> {
    pub spot: &'j Spot,
    /// One bit a zone of the spot.
    zones: u16,
    /// How many sources say so.
    sources: u8,
}

impl<'j> Said<'j> {
    pub fn read(book: &'j Jurisdictions, facts: &PlaceFacts<'_>) -> Said<'j> {
        let stated = facts.country.and_then(Letters::parse);
        let territory = stated.filter(|c| TERRITORIES.contains(&c.as_str()));
        let country = if territory.is_some() { Some(Letters::US) } else { stated };
        // "CA" is California only where a region of the US or of Canada can be meant at all.
        let north_american = match country {
            Some(c) => c == Letters::US || c == Letters::CANADA,
            None => facts.phone.is_some_and(|p| p.starts_with("+1")),
        };
        let spot = |code: Option<Letters>| code.filter(|_| north_american).and_then(|c| book.atlas.region(c));
        Said {
            number: facts.phone.map(|p| book.atlas.number(p)),
            region: spot(territory.or_else(|| facts.region.and_then(Letters::parse))),
            postal: spot(facts.postal_code.and_then(region_of_postal_code)),
            country,
            zone: facts.time_zone.and_then(Zone::named),
        }
    }

    pub fn number_spot(&self) -> Option<&'j Spot> {
        match self.number {
            Some(NumberSays::Spot(spot)) => Some(spot),
            _ => None,
        }
    }

    /// The distinct spots that the sources name, each narrowed to the zones that all who name it allow.
    pub fn kept(&self) -> Vec<Kept<'j>> {
        let mut kept: Vec<Kept<'j>> = Vec::with_capacity(3);
        for spot in [self.postal, self.region, self.number_spot()].into_iter().flatten() {
            if !kept.iter_mut().any(|k| k.agree(spot)) {
                kept.push(Kept { spot, zones: (1u16 << spot.zones.len().min(15)) - 1, sources: 1 });
            }
        }
        kept
    }

    /// The stated country, where nothing says where in it and so every region of it is possible.
    pub fn only_country(&self, book: &'j Jurisdictions, kept: &[Kept<'_>]) -> Option<&'j CountryEntry> {
        let country = self.country.filter(|c| kept.iter().all(|k| k.spot.country != *c))?;
        book.atlas.country(country)
    }

    /// A stated zone that agrees with some spot settles which of its zones it is. False if it agrees with none.
    pub fn narrow_by_zone(&self, kept: &mut [Kept<'_>]) -> bool {
        let Some(zone) = &self.zone else { return true };
        let mut fits = false;
        for k in kept {
            let same = k.mask(|z| same_clock(z, zone));
            if same != 0 {
                (k.zones, fits) = (same, true);
            }
        }
        fits
    }

    pub fn missing(&self, book: &Jurisdictions, kept: &[Kept<'_>]) -> Option<Missing> {
        if matches!(self.number, Some(NumberSays::Nowhere)) {
            return Some(Missing::Number);
        }
        if let Some(without) = kept.iter().find(|k| k.spot.law.is_none()) {
            return Some(Missing::Country(without.spot.country));
        }
        match self.country {
            Some(c) if book.atlas.country(c).is_none() => Some(Missing::Country(c)),
            None if kept.is_empty() => Some(Missing::Nothing),
            _ => None,
        }
    }

    pub fn local(&self, kept: &[Kept<'_>], elsewhere: Option<&CountryEntry>, zone_fits: bool) -> Zone {
        // One stated zone against two sources that agree is more likely a default of some form.
        let outvoted = !zone_fits && kept.len() == 1 && kept[0].sources > 1;
        match (&self.zone, kept, elsewhere) {
            (Some(zone), ..) if !outvoted => zone.clone(),
            (_, [k, ..], _) => k.main(),
            (_, [], Some(country)) => country.main_zone.clone(),
            _ => Zone::utc(),
        }
    }
}

impl Kept<'_> {
    /// Takes in another source if it may mean the same place.
    fn agree(&mut self, other: &Spot) -> bool {
        let (a, b) = (self.spot, other);
        // 902 is Nova Scotia or Prince Edward Island: an unknown region contradicts none.
        let may_be_same = a.country == b.country && (a.region == b.region || a.region.is_none() || b.region.is_none());
        let zones = self.mask(|z| other.zones.contains(z));
        if may_be_same && zones != 0 {
            self.zones = zones;
            self.sources += 1;
            return true;
        }
        false
    }
    fn mask(&self, allowed: impl Fn(&Zone) -> bool) -> u16 {
        let bit = |(i, z): (usize, &Zone)| u16::from(allowed(z)) << i.min(15);
        self.zones & self.spot.zones.iter().enumerate().map(bit).sum::<u16>()
    }
    fn main(&self) -> Zone {
        let main = self.zones().find(|z| **z == self.spot.main).or_else(|| self.zones().next());
        main.unwrap_or(&self.spot.main).clone()
    }
    pub fn zones(&self) -> impl Iterator<Item = &Zone> {
        self.spot.zones.iter().enumerate().filter(|(i, _)| self.zones >> i & 1 == 1).map(|(_, z)| z)
    }
}

/// Whether two zones keep the same time nowadays, whatever they are called (America/Detroit and America/New_York):
/// compared in winter, in summer, and in the weeks when only one side of the Atlantic has changed its clocks.
pub(super) fn same_clock(a: &Zone, b: &Zone) -> bool {
    const PROBES: [Moment; 4] = [
        Moment(1_768_435_200_000), // 2026-01-15
        Moment(1_773_532_800_000), // 2026-03-15
        Moment(1_784_073_600_000), // 2026-07-15
        Moment(1_793_145_600_000), // 2026-10-28
    ];
    a == b || PROBES.iter().all(|t| a.offset(*t).0 == b.offset(*t).0)
}
