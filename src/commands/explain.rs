//! A lead's record in words: stands in until the words are there.

use crate::wire::record::LeadRecord;

pub fn render(record: &LeadRecord) -> String {
    serde_json::to_string_pretty(record).unwrap_or_default() + "\n"
}
