//! `gleaner explain LEAD`: finds the lead and has its record told, in words or as JSON.
//!
//! How a record reads in words is `explain`'s affair.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use uuid::Uuid;

use super::explain::{self, Around, Aside};
use super::{Output, Usage};
use crate::control::{self, Pauses};
use crate::domain::identity::Key;
use crate::domain::lead::Lead;
use crate::domain::task::Play;
use crate::domain::time::{Moment, Zone};
use crate::reading::{Found, Reader, keys_named};
use crate::store::Store;
use crate::wire::record::LeadRecord;

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
    let mut record = reader.record(&lead, at).await?;
    match output {
        Output::Table => {
            let (_, pauses) = control::read::<Pauses>(&reader.store).await?;
            let (holds_all, paused) = (pauses.all.is_some(), paused(&pauses));
            let (judged_at, is_as_of) = (Some(at), as_of.is_some());
            tell(
                &record,
                &Around { holds_all, paused, judged_at, is_as_of, ..Around::of(&lead, &reader.policy()) },
                output,
                out,
            )
        }
        Output::Json | Output::Jsonl => {
            // As of an instant records are compared, and when the opinion changed depends on what came when.
            record.changed = record.changed.filter(|_| as_of.is_none());
            tell(&record, &Around::default(), output, out)
        }
    }
}

/// Explains a lead out of the results of a replay.
///
/// # Errors
/// The folder holds no such results, or none of this lead.
pub fn run_replayed(dir: &Path, text: &str, country: &str, output: Output, out: &mut impl Write) -> Result<()> {
    let lines = |name: &str| -> Result<_> {
        let path = dir.join(name);
        let unreadable =
            |error| Usage(format!("cannot read {}, which `gleaner replay` writes: {error}", path.display()));
        Ok(BufReader::new(File::open(&path).map_err(unreadable)?).lines())
    };
    let text = text.trim();
    let keys = keys_named(text, country);
    let mut found = None;
    for line in lines("leads.jsonl")? {
        let record: LeadRecord =
            serde_json::from_str(&line?).context("leads.jsonl holds a line that is no lead record")?;
        if is_named(&record, text, &keys) {
            found = Some(record);
            break;
        }
    }
    let Some(mut record) = found else {
        return Err(Usage(format!("no lead in {} has the id or key {text:?}", dir.display())).into());
    };
    let (mut unreported, mut wish, mut zone) = (Vec::new(), None, None);
    // Results of an older version have no such file, and their page says less.
    let asides = if dir.join("conduct.jsonl").exists() { Some(lines("conduct.jsonl")?) } else { None };
    for line in asides.into_iter().flatten() {
        let aside: Aside =
            serde_json::from_str(&line?).context("conduct.jsonl holds a line that replay did not write")?;
        if aside.lead_id == record.lead_id {
            // As JSON a record is what leads.jsonl holds.
            record.changed = aside.changed.filter(|_| output == Output::Table);
            (unreported, wish) = (aside.unreported, aside.wish);
            zone = aside.time_zone.as_deref().and_then(Zone::named);
            break;
        }
    }
    let mut sent = Vec::new();
    for line in lines("tasks.jsonl")? {
        let task: Sent = serde_json::from_str(&line?).context("tasks.jsonl holds a line that is no task")?;
        sent.extend(task.data.play.filter(|_| record.open_tasks.contains(&task.id)));
    }
    // The clock's last instant; without it the page says no date.
    let summary = std::fs::read(dir.join("summary.json")).ok().and_then(|s| serde_json::from_slice::<Until>(&s).ok());
    let judged_at = summary.and_then(|s| s.until.parse().ok()).map(Moment::from_timestamp);
    tell(&record, &Around { sent, unreported, wish, judged_at, zone, ..Around::default() }, output, out)
}

/// Whether a text is the lead's id, or one of the keys that it may be is the lead's.
pub fn is_named(record: &LeadRecord, text: &str, keys: &[Key]) -> bool {
    let is_it = |key: &Key| record.keys.get(key.kind.name()).is_some_and(|values| values.contains(&key.value));
    record.lead_id.to_string() == text || keys.iter().any(is_it)
}

/// As much of a summary as is asked for here.
#[derive(Deserialize)]
struct Until {
    until: String,
}

/// As much of a task as is asked for here.
#[derive(Deserialize)]
struct Sent {
    id: Uuid,
    data: SentData,
}
#[derive(Deserialize)]
struct SentData {
    play: Option<Play>,
}

fn tell(record: &LeadRecord, around: &Around, output: Output, out: &mut impl Write) -> Result<()> {
    match output {
        Output::Table => write!(out, "{}", explain::render(record, around))?,
        Output::Json => writeln!(out, "{}", serde_json::to_string_pretty(record)?)?,
        Output::Jsonl => writeln!(out, "{}", serde_json::to_string(record)?)?,
    }
    Ok(())
}

/// What holds everything up, or some of it.
pub(super) fn paused(pauses: &Pauses) -> Option<String> {
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
