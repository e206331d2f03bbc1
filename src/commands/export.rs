//! `gleaner export`: every lead's record as JSONL, in the order in which the leads came to be.
//!
//! Leads are read page by page, each as of the moment its page is read, and all judged at one instant.

use std::io::Write;

use anyhow::{Context, Result};

use super::{Console, Output};
use crate::domain::identity::LeadNo;
use crate::domain::time::Moment;
use crate::reading::Reader;
use crate::store::Store;
use crate::wire::record::LeadRecord;

/// Leads in one statement: a megabyte or two.
const PAGE: usize = 500;

/// Writes every record (one a line; one array; or a line of the main things for people), judged at `as_of` or at the database's now.
///
/// # Errors
/// The database does not answer, a lead cannot be read, or the answer cannot be written.
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
    let (mut after, mut written, mut newer) = (LeadNo(0), 0_u64, 0_u64);
    while let Some((leads, last)) = reader.page(after, PAGE).await.context("cannot export the leads")? {
        after = last;
        newer += leads.iter().filter(|lead| super::lead::is_newer(lead, at)).count() as u64;
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
    if as_of.is_some() && newer > 0 {
        console.remark(&format!(
            "{newer} of {written} leads have events after {at}: their records judge at that instant what was only known later"
        ));
    }
    Ok(())
}
