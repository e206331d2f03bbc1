//! `gleaner explain LEAD`: finds the lead and has its record told, in words or as JSON.
//!
//! How a record reads in words is `explain`'s affair.

use std::io::Write;

use anyhow::{Context, Result, bail};

use super::{Output, Usage, explain};
use crate::control::{self, Pauses};
use crate::domain::conduct::Entry;
use crate::domain::lead::Lead;
use crate::domain::task::TaskState;
use crate::domain::time::Moment;
use crate::reading::{Found, Reader};
use crate::store::Store;

/// Explains the lead that the text names, judged at `as_of` or at the database's now.
///
/// # Errors
/// There is no such lead (any more), something happened to it after `as_of`, or the database does not answer.
pub async fn run<S: Store>(
    reader: &Reader<S>,
    text: &str,
    as_of: Option<Moment>,
    output: Output,
    out: &mut impl Write,
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
    if as_of.is_some() {
        not_before_newest([&*lead], at)?;
    }
    let record = reader.record(&lead, at).await?;
    match output {
        Output::Table => {
            let sent = |entry: &&Entry| entry.state == TaskState::Ready;
            let sent = lead.conduct.open().filter(sent).map(|entry| entry.play).collect();
            let (_, pauses) = control::read::<Pauses>(&reader.store).await?;
            let around = explain::Around { sent, holds_all: pauses.all.is_some(), paused: paused(&pauses) };
            write!(out, "{}", explain::render(&record, &around))?;
        }
        Output::Json => writeln!(out, "{}", serde_json::to_string_pretty(&record)?)?,
        Output::Jsonl => writeln!(out, "{}", serde_json::to_string(&record)?)?,
    }
    Ok(())
}

/// What holds everything up, or some of it.
fn paused(pauses: &Pauses) -> Option<String> {
    let queues: Vec<&str> = pauses.queues.keys().map(String::as_str).collect();
    let all = pauses.all.map(|since| format!("everything, since {since}; `gleaner resume` ends it"));
    let some =
        (!queues.is_empty()).then(|| format!("what goes to {}; `gleaner resume QUEUE` ends it", queues.join(", ")));
    match (all, some) {
        (Some(all), Some(some)) => Some(format!("{all}; and {some}")),
        (all, some) => all.or(some),
    }
}

/// What is known now says nothing of an instant before the newest event: it would judge what was only known later.
///
/// # Errors
/// Something happened to one of the leads after the instant; the sentence says when.
pub fn not_before_newest<'l>(leads: impl IntoIterator<Item = &'l Lead>, at: Moment) -> Result<(), Usage> {
    let newest = leads.into_iter().filter_map(|lead| Some((lead.facts.newest?.at, lead.id))).max();
    match newest.filter(|(newest, _)| *newest > at) {
        None => Ok(()),
        Some((newest, id)) => Err(Usage(format!(
            "--as-of {at} is before the newest event of lead {id}, which is of {newest}; give that instant or a later one"
        ))),
    }
}
