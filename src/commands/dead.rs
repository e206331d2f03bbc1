//! `gleaner dead`: what was set aside, and why; to look at, to send again after a fix, or to throw away.
//!
//! A letter is named by its key (or as much of it as is unique): the digest of its source and id. Looking destroys
//! nothing; what is sent again leaves here only when it is safely back in the events queue.

use std::collections::BTreeSet;
use std::io::Write;

use anyhow::{Context, Result, bail};
use serde::Serialize;
use serde_json::{Value, json};

use super::{Outcome, Output, Usage, counted, write_json, write_table};
use crate::queue::{DeadAction, DeadLetterView, Queue};
use crate::wire::inbound::{key_of_body, key_of_event};

/// Letters walked over at most by one command.
const MOST: usize = 1_000_000;
/// Characters of a key that a table shows; enough to name one among a million.
const SHORT_KEY: usize = 12;

/// Which letters are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// A key or its beginning.
    Key(String),
    Reason(String),
    All,
}

/// What a list shows of a letter.
#[derive(Debug, Serialize)]
struct Row {
    key: String,
    /// RFC 3339; `None` where the broker set it aside itself.
    at: Option<String>,
    reason: String,
    detail: String,
    exchange: String,
    routing_key: String,
    bytes: usize,
}

/// The whole letter.
#[derive(Debug, Serialize)]
struct Letter {
    #[serde(flatten)]
    row: Row,
    content_type: Option<String>,
    headers: Vec<(String, String)>,
    /// As JSON where it is JSON, else as text.
    body: Value,
}

/// Lists at most `limit` letters, oldest first.
///
/// # Errors
/// The queue does not answer.
pub async fn list<Q: Queue>(queue: &Q, limit: usize, output: Output, out: &mut impl Write) -> Result<()> {
    let mut rows = Vec::new();
    let mut look = |letter: &DeadLetterView| {
        // One more than is shown tells whether there are more.
        rows.push(row(letter));
        DeadAction::Keep
    };
    let seen = visit(queue, limit.saturating_add(1), &mut look).await?;
    rows.truncate(limit);
    if output != Output::Table {
        return write_json(out, &rows, output);
    }
    if rows.is_empty() {
        writeln!(out, "Nothing is set aside.")?;
        return Ok(());
    }
    let cells: Vec<[String; 5]> = rows
        .into_iter()
        .map(|row| [short(&row.key), row.at.unwrap_or_default(), row.reason, row.routing_key, row.detail])
        .collect();
    write_table(out, ["KEY", "SINCE", "REASON", "ROUTING KEY", "DETAIL"], &cells)?;
    if seen > limit {
        writeln!(out, "There are more; --limit shows them.")?;
    }
    Ok(())
}

/// Shows the letters with a key, whole: this may be personal data.
///
/// # Errors
/// There is no such letter, or the queue does not answer.
pub async fn show<Q: Queue>(queue: &Q, key: &str, output: Output, out: &mut impl Write) -> Result<()> {
    let mut letters = Vec::new();
    let mut look = |view: &DeadLetterView| {
        let row = row(view);
        if row.key.starts_with(key) {
            letters.push(Letter {
                row,
                content_type: view.meta.content_type.clone(),
                headers: view.meta.headers.clone(),
                body: body(view),
            });
        }
        DeadAction::Keep
    };
    visit(queue, MOST, &mut look).await?;
    if letters.is_empty() {
        bail!("no letter has a key that begins with {key:?}; `gleaner dead list` shows them");
    }
    if output != Output::Table {
        return write_json(out, &letters, output);
    }
    for Letter { row, content_type, headers, body } in letters {
        writeln!(out, "key          {}\nreason       {}\ndetail       {}", row.key, row.reason, row.detail)?;
        writeln!(out, "since        {}", row.at.unwrap_or_else(|| "unknown".to_owned()))?;
        writeln!(out, "exchange     {}\nrouting key  {}", row.exchange, row.routing_key)?;
        writeln!(out, "content type {}", content_type.as_deref().unwrap_or("none"))?;
        for (name, value) in headers {
            writeln!(out, "header       {name}: {value}")?;
        }
        match body {
            Value::String(text) => writeln!(out, "{text}\n")?,
            json => writeln!(out, "{json:#}\n")?,
        }
    }
    Ok(())
}

/// Sends letters again (`DeadAction::Replay`) or throws them away (`DeadAction::Drop`).
///
/// # Errors
/// Nothing is meant by `which`, it means several by one key, or the queue does not answer.
pub async fn act<Q: Queue>(
    queue: &Q,
    which: &Which,
    action: DeadAction,
    output: Output,
    out: &mut impl Write,
) -> Result<Outcome> {
    let meant = meant(queue, which).await?;
    if meant.is_empty() && output == Output::Table {
        match which {
            Which::All => writeln!(out, "Nothing is set aside.")?,
            Which::Reason(reason) => writeln!(out, "Nothing is set aside as {reason}.")?,
            Which::Key(key) => bail!("no letter has a key that begins with {key:?}; `gleaner dead list` shows them"),
        }
        return Ok(Outcome::Done);
    }
    let (mut done, mut acted_on, mut came_back) = (BTreeSet::new(), 0_u64, 0_u64);
    let mut choose = |letter: &DeadLetterView| {
        let key = key(letter);
        if !meant.contains(&key) {
            return DeadAction::Keep;
        }
        // What is sent again and refused again comes in at the other end: it must not go round for ever.
        if action == DeadAction::Replay && !done.insert(key) {
            came_back += 1;
            return DeadAction::Keep;
        }
        acted_on += 1;
        action
    };
    visit(queue, MOST, &mut choose).await?;
    if output != Output::Table {
        let what = if action == DeadAction::Replay { "sent_again" } else { "dropped" };
        writeln!(out, "{}", json!({ what: acted_on, "stayed": came_back }))?;
        return Ok(Outcome::Done);
    }
    let verb = if action == DeadAction::Replay { "sent again" } else { "thrown away" };
    writeln!(out, "{} {verb}.", counted(acted_on, "letter"))?;
    if came_back > 0 {
        let stay = if came_back == 1 { "stays" } else { "stay" };
        let letters = counted(came_back, "letter");
        writeln!(out, "{letters} under the same keys {stay} here: copies, or refused again.")?;
    }
    Ok(Outcome::Done)
}

/// The keys that are meant, as of now: what comes later is not.
async fn meant<Q: Queue>(queue: &Q, which: &Which) -> Result<BTreeSet<String>> {
    let mut keys = BTreeSet::new();
    let mut look = |letter: &DeadLetterView| {
        let row = row(letter);
        let is_meant = match which {
            Which::All => true,
            Which::Reason(reason) => row.reason == *reason,
            Which::Key(beginning) => row.key.starts_with(beginning.as_str()),
        };
        if is_meant {
            keys.insert(row.key);
        }
        DeadAction::Keep
    };
    visit(queue, MOST, &mut look).await?;
    if let Which::Key(beginning) = which
        && keys.len() > 1
    {
        let keys: Vec<String> = keys.iter().take(5).map(|key| short(key)).collect();
        return Err(Usage(format!("{beginning:?} begins the keys of several letters: {}", keys.join(", "))).into());
    }
    Ok(keys)
}

async fn visit<Q: Queue>(
    queue: &Q,
    limit: usize,
    choose: &mut (dyn FnMut(&DeadLetterView) -> DeadAction + Send),
) -> Result<usize> {
    queue.visit_dead(limit, choose).await.context("cannot look at what was set aside")
}

fn row(letter: &DeadLetterView) -> Row {
    let (at, reason, detail) = match &letter.refusal {
        Some(refusal) => (Some(refusal.at.clone()), refusal.reason.clone(), refusal.detail.clone()),
        None => {
            (None, "delivery_limit".to_owned(), "The broker delivered it too often and set it aside itself.".to_owned())
        }
    };
    Row {
        key: key(letter),
        at,
        reason,
        detail,
        exchange: letter.meta.exchange.clone(),
        routing_key: letter.meta.routing_key.clone(),
        bytes: letter.body.len(),
    }
}

/// The key it was set aside with; for one that the broker set aside, the key it would have got.
fn key(letter: &DeadLetterView) -> String {
    if let Some(refusal) = &letter.refusal {
        return refusal.key.clone();
    }
    let event: Value = serde_json::from_slice(&letter.body).unwrap_or_default();
    match (event["source"].as_str(), event["id"].as_str()) {
        (Some(source), Some(id)) if !source.is_empty() && !id.is_empty() => key_of_event(source, id),
        _ => key_of_body(&letter.body),
    }
}

fn body(letter: &DeadLetterView) -> Value {
    let text = || Value::String(String::from_utf8_lossy(&letter.body).into_owned());
    serde_json::from_slice(&letter.body).unwrap_or_else(|_| text())
}

fn short(key: &str) -> String {
    key.chars().take(SHORT_KEY).collect()
}
