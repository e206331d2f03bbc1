//! Stand-in until the reader is merged.
mod finding;
pub use finding::*;
use super::time::{Moment, Zone};
#[derive(Clone, Debug)]
pub struct Lexicon;
impl Lexicon {
    pub fn parse(_: &str) -> Result<Lexicon, Vec<String>> { Ok(Lexicon) }
    pub fn shipped() -> &'static Lexicon { &Lexicon }
    pub fn hash(&self) -> u64 { 7 }
}
pub fn read(_: &Lexicon, _: Medium, _: bool, _: &str, _: Moment, _: &Zone) -> Vec<Finding> { Vec::new() }
pub fn reopens(_: &Lexicon, _: Medium, _: &str) -> bool { false }
