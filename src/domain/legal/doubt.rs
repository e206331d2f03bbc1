//! Why more than one law or clock has to be kept for a lead, in plain sentences: what a person who mends the contact
//! reads.

use super::atlas::Spot;
use super::place::Place;
use super::regions::{Letters, regions};
use super::why::sentence;

impl Place<'_> {
    /// What the sources say against each other, as a sentence; `None` if they agree.
    pub fn disagreement(&self) -> Option<String> {
        if !self.disagrees() {
            return None;
        }
        let number = self.said.number_spot();
        let spots = [("number", number), ("stated region", self.said.region), ("postcode", self.said.postal)];
        let mut parts: Vec<String> = spots
            .iter()
            .filter_map(|(source, spot)| Some(format!("the {source} says {}", self.name(spot.as_ref()?))))
            .collect();
        if let (Some(country), None) = (self.said.country, self.said.region) {
            parts.push(format!("the stated country is {}", self.country_name(country)));
        }
        parts.extend(self.said.zone.as_ref().map(|z| format!("the stated time zone is {}", z.name())));
        let all = "only hours that are legal in all of them are used, and the lowest cap";
        let mut text = sentence(format!("{}: {all}.", parts.join(", ")));
        if let Some(state) = number.and_then(|spot| self.presuming_state(spot)) {
            text.push_str(&format!(" {state} takes a number of the state for a person in the state."));
        }
        Some(text)
    }

    /// Why more than one law or clock has to be kept, as a sentence; `None` if the place is certain.
    pub fn doubt(&self) -> Option<String> {
        let (first, rest) = self.candidates().split_first()?;
        if rest.is_empty() || self.disagrees() {
            return self.disagreement();
        }
        if self.laws().count() > 1 {
            let country = self.country_name(first.law.country);
            return Some(format!(
                "It is not known where in {country} the lead is: the hours of every place there are kept."
            ));
        }
        let zones: Vec<&str> = self.candidates().iter().map(|c| c.zone.name()).collect();
        Some(format!(
            "The lead may be in any of {}: only hours that are legal in all of them are used.",
            zones.join(", ")
        ))
    }

    /// The state of the number, if its law presumes that whoever has the number is there.
    fn presuming_state(&self, number: &Spot) -> Option<&str> {
        let law = &self.book.laws[number.law?];
        law.versions.last().filter(|(_, row)| row.presumes_in_state).map(|_| law.name.as_str())
    }

    fn name(&self, spot: &Spot) -> String {
        match regions().find(|r| Some(r.code) == spot.region && r.country == spot.country) {
            Some(region) => region.name.to_owned(),
            None => self.country_name(spot.country),
        }
    }
    fn country_name(&self, country: Letters) -> String {
        let law = self.book.laws.iter().find(|l| l.country == country && l.region.is_none());
        law.map_or_else(|| country.to_string(), |l| l.name.clone())
    }
}
