//! `gleaner explain LEAD`: finds the lead and has its record told, in words or as JSON.
//!
//! How a record reads in words is `explain`'s affair.

use std::io::Write;

use anyhow::{Context, Result, bail};

use super::{Console, Output, explain};
use crate::domain::lead::Lead;
use crate::domain::time::Moment;
use crate::reading::{Found, Reader};
use crate::store::Store;

/// Explains the lead that the text names, judged at `as_of` or at the database's now.
///
/// # Errors
/// There is no such lead (any more), or the database does not answer.
pub async fn run<S: Store>(
    reader: &Reader<S>,
    text: &str,
    as_of: Option<Moment>,
    output: Output,
    out: &mut impl Write,
    console: &mut Console,
) -> Result<()> {
    let lead = match reader.find(text).await.context("cannot look the lead up")? {
        Found::Lead(lead) => lead,
        Found::Erased => bail!("this person asked to be forgotten"),
        Found::Nobody => {
            bail!("no lead has the id or key {text:?}; a key may be given as email:…, phone:…, id:… or visitor:…")
        }
    };
    let at = match as_of {
        Some(at) => at,
        None => reader.now().await?,
    };
    if as_of.is_some() && is_newer(&lead, at) {
        console
            .remark(&format!("the lead has events after {at}: this judges at that instant what was only known later"));
    }
    let record = reader.record(&lead, at).await?;
    match output {
        Output::Table => write!(out, "{}", explain::render(&record))?,
        Output::Json => writeln!(out, "{}", serde_json::to_string_pretty(&record)?)?,
        Output::Jsonl => writeln!(out, "{}", serde_json::to_string(&record)?)?,
    }
    Ok(())
}

/// Whether something is known of the lead that happened after the instant.
pub fn is_newer(lead: &Lead, at: Moment) -> bool {
    lead.facts.newest.is_some_and(|newest| newest.at > at)
}
