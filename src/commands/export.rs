//! `gleaner export`: every lead's record as JSONL, in the order in which the leads came to be.
//!
//! Leads are read page by page, each as of the moment its page is read, and all judged at one instant.

use std::io::Write;

use anyhow::{Context, Result};

use super::{Console, Output};
use crate::domain::identity::LeadNo;
use crate::domain::lead::Lead;
use crate::domain::time::Moment;
use crate::reading::Reader;
use crate::store::Store;
use crate::wire::record::LeadRecord;

/// Leads in one statement: a megabyte or two.
const PAGE: usize = 500;

/// Writes every record (one a line; one array; or a line of the main things for people), judged at `as_of` or at the database's now.
///
/// # Errors
/// The database does not answer, a lead cannot be read, the answer cannot be written, or something happened after `as_of`.
pub async fn run<S: Store>(
    reader: &Reader<S>,
    as_of: Option<Moment>,
    output: Output,
    out: &mut impl Write,
    console: &mut Console,
) -> Result<()> {
    let at = match as_of {
        Some(at) => at,
        None => reader.now().await.context("cannot export the leads")?,
    };
    if as_of.is_some() {
        refuse_before_newest(reader, at, console).await?;
    }
    let (mut after, mut written) = (LeadNo(0), 0_u64);
    while let Some((leads, last)) = reader.page(after, PAGE).await.context("cannot export the leads")? {
        after = last;
        for record in reader.records(&leads, at).await.context("cannot export the leads")? {
            // When and why an opinion changed depends on what was known when; an export is the same in any order.
            let record = LeadRecord { changed: None, ..record };
            match output {
                Output::Jsonl => {
                    serde_json::to_writer(&mut *out, &record)?;
                    writeln!(out)?;
                }
                Output::Json => {
                    out.write_all(if written == 0 { b"[" } else { b",\n" })?;
                    serde_json::to_writer(&mut *out, &record)?;
                }
                Output::Table => {
                    let cause = record.diagnosis.cause.as_deref().unwrap_or("-");
                    let LeadRecord { lead_id, verdict, grade, stage, .. } = &record;
                    writeln!(out, "{lead_id}  {verdict:<9}  {cause:<8}  {grade:<2}  {stage}")?;
                }
            }
            written += 1;
        }
        console.progress(|| format!("{written} leads"));
    }
    if output == Output::Json {
        out.write_all(if written == 0 { b"[]\n" } else { b"]\n" })?;
    }
    out.flush()?;
    console.end_progress();
    Ok(())
}

/// Looks at every lead before the first record is written, so that a refusal leaves no half of an export behind.
async fn refuse_before_newest<S: Store>(reader: &Reader<S>, at: Moment, console: &mut Console) -> Result<()> {
    let (mut after, mut read, mut newest) = (LeadNo(0), 0_u64, None::<Lead>);
    while let Some((leads, last)) = reader.page(after, PAGE).await.context("cannot export the leads")? {
        after = last;
        read += leads.len() as u64;
        newest = leads.into_iter().chain(newest).max_by_key(|lead| lead.facts.newest.map(|stamp| stamp.at));
        console.progress(|| format!("{read} leads looked at"));
    }
    console.end_progress();
    Ok(super::lead::not_before_newest(&newest, at)?)
}
