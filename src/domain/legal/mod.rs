//! The legal gate: who may be called, texted or mailed, when, how often, and on what ground.
//!
//! The law itself is data (`config/policy/jurisdictions.toml`). A [`Place`] is everything that may be true of where a
//! lead is; where the sources disagree or say too little, every candidate's law has to be kept at once. What somebody
//! closed for themselves is `suppression`'s, the desk's own hours are the floor's. Nothing here is legal advice.

mod atlas;
mod caps;
mod doubt;
mod draft;
mod fields;
mod gate;
mod holidays;
mod hours;
mod place;
mod read;
mod regions;
mod row;
mod said;
#[cfg(test)]
mod tests;
mod why;
mod windows;

use std::sync::OnceLock;

use atlas::Atlas;
pub use caps::Caps;
pub use gate::{Basis, CallFacts, CallGate, ConsentView, DialMode};
pub use place::{Missing, Place, PlaceFacts};
pub use regions::Letters;
pub use row::{Cap, Law, Row, Screening};
pub use why::Why;
pub use windows::{MAX_AHEAD, Windows};

/// All laws on file, with everything needed to find the ones that hold for a lead.
#[derive(Debug)]
pub struct Jurisdictions {
    laws: Vec<Law>,
    atlas: Atlas,
    /// For how many months an e-mail may answer an inquiry from a place without a row.
    no_row_email_months: i32,
}

impl Jurisdictions {
    /// Reads the text of a `jurisdictions.toml`.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with the table, the row, the field and what was expected there.
    pub fn parse(toml: &str) -> Result<Jurisdictions, Vec<String>> {
        let read = read::read(toml)?;
        let atlas = Atlas::new(&read.laws, read.countries);
        Ok(Jurisdictions { laws: read.laws, atlas, no_row_email_months: read.no_row_email_months })
    }

    /// The laws that gleaner ships with.
    pub fn shipped() -> &'static Jurisdictions {
        static SHIPPED: OnceLock<Jurisdictions> = OnceLock::new();
        SHIPPED.get_or_init(|| {
            Jurisdictions::parse(include_str!("../../../config/policy/jurisdictions.toml"))
                .unwrap_or_else(|faults| unreachable!("a test reads the shipped file: {faults:?}"))
        })
    }

    /// Every law on file, by country and region.
    pub fn laws(&self) -> &[Law] {
        &self.laws
    }
}
