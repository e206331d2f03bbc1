//! Where a lead may be: every pair of law and clock that can be true of them, from all they and their number say.
//!
//! Sources that agree narrow each other; sources that disagree are all kept, because a number from Florida may ring in
//! Texas and either law may be asked for. What the laws then allow is `windows`', `caps`' and `gate`'s.

use super::Jurisdictions;
use super::atlas::{CountryEntry, NumberSays, Spot};
use super::regions::{Letters, TERRITORIES, region_of_postal_code, regions};
use super::row::{Law, Row};
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
    said: Said<'j>,
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

/// What each source says, as far as it says anything.
#[derive(Clone, Debug)]
struct Said<'j> {
    number: Option<NumberSays<'j>>,
    region: Option<&'j Spot>,
    postal: Option<&'j Spot>,
    country: Option<Letters>,
    zone: Option<Zone>,
}

/// A spot that is still possible, with those of its zones that are.
struct Kept<'j> {
    spot: &'j Spot,
    /// One bit a zone of the spot.
    zones: u16,
    /// How many sources say so.
    sources: u8,
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
        place
    }
}

impl<'j> Said<'j> {
    fn read(book: &'j Jurisdictions, facts: &PlaceFacts<'_>) -> Said<'j> {
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

    /// The distinct spots that the sources name, each narrowed to the zones that all who name it allow.
    fn kept(&self) -> Vec<Kept<'j>> {
        let number = match self.number {
            Some(NumberSays::Spot(spot)) => Some(spot),
            _ => None,
        };
        let mut kept: Vec<Kept<'j>> = Vec::with_capacity(3);
        for spot in [self.postal, self.region, number].into_iter().flatten() {
            if !kept.iter_mut().any(|k| k.agree(spot)) {
                kept.push(Kept { spot, zones: (1u16 << spot.zones.len().min(15)) - 1, sources: 1 });
            }
        }
        kept
    }

    /// The stated country, where nothing says where in it and so every region of it is possible.
    fn only_country(&self, book: &'j Jurisdictions, kept: &[Kept<'_>]) -> Option<&'j CountryEntry> {
        let country = self.country.filter(|c| kept.iter().all(|k| k.spot.country != *c))?;
        book.atlas.country(country)
    }

    /// A stated zone that agrees with some spot settles which of its zones it is. False if it agrees with none.
    fn narrow_by_zone(&self, kept: &mut [Kept<'_>]) -> bool {
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

    fn missing(&self, book: &Jurisdictions, kept: &[Kept<'_>]) -> Option<Missing> {
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

    fn local(&self, kept: &[Kept<'_>], elsewhere: Option<&CountryEntry>, zone_fits: bool) -> Zone {
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
    fn zones(&self) -> impl Iterator<Item = &Zone> {
        self.spot.zones.iter().enumerate().filter(|(i, _)| self.zones >> i & 1 == 1).map(|(_, z)| z)
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

    /// What the sources say against each other, as a sentence; `None` if they agree.
    pub fn disagreement(&self) -> Option<String> {
        if !self.disagrees {
            return None;
        }
        let number = match self.said.number {
            Some(NumberSays::Spot(spot)) => Some(spot),
            _ => None,
        };
        let spots = [("number", number), ("stated region", self.said.region), ("postcode", self.said.postal)];
        let mut parts: Vec<String> = spots
            .iter()
            .filter_map(|(source, spot)| Some(format!("the {source} says {}", self.name(spot.as_ref()?))))
            .collect();
        if let (Some(country), None) = (self.said.country, self.said.region) {
            parts.push(format!("the stated country is {}", self.country_name(country)));
        }
        parts.extend(self.said.zone.as_ref().map(|z| format!("the stated time zone is {}", z.name())));
        let mut sentence = parts.join(", ");
        sentence.replace_range(..1, "T");
        sentence.push_str(": only hours that are legal in all of them are used, and the lowest cap.");
        if let Some(law) = self.laws().find(|l| l.versions.last().is_some_and(|(_, row)| row.presumes_in_state)) {
            let state = &law.name;
            sentence.push_str(&format!(" {state} takes a number of the state for a person in the state."));
        }
        Some(sentence)
    }

    /// Why more than one law or clock has to be kept, as a sentence; `None` if the place is certain.
    pub fn doubt(&self) -> Option<String> {
        let (first, rest) = self.candidates.split_first()?;
        if rest.is_empty() || self.disagrees {
            return self.disagreement();
        }
        if self.laws().count() > 1 {
            let country = self.country_name(first.law.country);
            return Some(format!(
                "Where in {country} the lead is is not known: the hours of every place there are kept."
            ));
        }
        let zones: Vec<&str> = self.candidates.iter().map(|c| c.zone.name()).collect();
        Some(format!(
            "The lead may be in any of {}: only hours that are legal in all of them are used.",
            zones.join(", ")
        ))
    }

    fn name(&self, spot: &Spot) -> String {
        match regions().find(|r| Some(r.code) == spot.region && r.country == spot.country) {
            Some(region) => region.name.to_owned(),
            None => self.country_name(spot.country),
        }
    }
    pub(super) fn country_name(&self, country: Letters) -> String {
        let law = self.book.laws.iter().find(|l| l.country == country && l.region.is_none());
        law.map_or_else(|| country.to_string(), |l| l.name.clone())
    }
}

/// Whether two zones keep the same time nowadays, whatever they are called (America/Detroit and America/New_York): compared
/// in winter, in summer, and in the weeks when only one side of the Atlantic has changed its clocks.
fn same_clock(a: &Zone, b: &Zone) -> bool {
    const PROBES: [Moment; 4] = [
        Moment(1_768_435_200_000), // 2026-01-15
        Moment(1_773_532_800_000), // 2026-03-15
        Moment(1_784_073_600_000), // 2026-07-15
        Moment(1_793_145_600_000), // 2026-10-28
    ];
    a == b || PROBES.iter().all(|t| (a.local_day(*t), a.minute_of_day(*t)) == (b.local_day(*t), b.minute_of_day(*t)))
}
