//! `gleaner suppress`: numbers and addresses that nobody may use any more, by hand or from a list of somebody else's.
//!
//! A row holds the keyed hash of the number or address, not itself: the list can be asked about one, and cannot be read.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};

use anyhow::{Context, Result};
use serde_json::json;

use super::{Console, Output, Usage, write_json, write_table};
use crate::domain::decide::Answer;
use crate::domain::event::Channel;
use crate::domain::identity::{Key, KeyHash, KeyKind};
use crate::domain::suppression::{ClosedBecause, Suppression};
use crate::domain::time::Moment;
use crate::reading::Reader;
use crate::store::{Changes, Lease, Store, StoreError, Wanted, WantedMessage};

/// Keys of one unit of work.
const AT_ONCE: usize = 200;
const PAGE: usize = 1000;
/// Whole retries where other workers got in the way.
const TRIES: usize = 10;

/// Closes one number or address, for these channels or for all that it can be used on.
///
/// # Errors
/// It is neither a number nor an address, or the database does not answer.
pub async fn add<S: Store>(
    reader: &Reader<S>,
    text: &str,
    channels: &[Channel],
    output: Output,
    out: &mut impl Write,
) -> Result<()> {
    let key = key_of(reader, text).ok_or_else(|| Usage(format!("{text:?} is neither a number nor an address")))?;
    let channels = channels_of(&key, channels)?;
    let told = close(reader, &[(key, channels.clone())]).await?;
    let names: Vec<&str> = channels.iter().map(|c| c.name()).collect();
    if output != Output::Table {
        writeln!(out, "{}", json!({ "channels": names, "leads": told }))?;
        return Ok(());
    }
    writeln!(
        out,
        "Closed for {}. {}; every lead that comes to carry it later is held to it too.",
        names.join(", "),
        match told {
            0 => "No lead carries it now".to_owned(),
            1 => "One lead carries it now and is told at once".to_owned(),
            n => format!("{n} leads carry it now and are told at once"),
        }
    )?;
    Ok(())
}

/// Closes a list: one number or address a line, or `KEY,CHANNEL`. A line that is neither is told and left out.
///
/// # Errors
/// The list cannot be read, or the database does not answer.
pub async fn import<S: Store>(
    reader: &Reader<S>,
    input: impl BufRead,
    channels: &[Channel],
    output: Output,
    out: &mut impl Write,
    console: &mut Console,
) -> Result<bool> {
    let (mut batch, mut closed, mut refused) = (Vec::new(), 0_u64, 0_u64);
    for (i, line) in input.lines().enumerate() {
        let line = line.context("the list cannot be read")?;
        let line = line.trim().trim_start_matches('\u{feff}');
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match row_of(reader, line, channels) {
            Ok(row) => batch.push(row),
            Err(why) => {
                refused += 1;
                // The line itself may be somebody's number.
                console.complain(&format!("line {}: {why}; it is left out", i + 1));
            }
        }
        if batch.len() == AT_ONCE {
            close(reader, &batch).await?;
            closed += batch.len() as u64;
            batch.clear();
            console.progress(|| format!("{closed} closed"));
        }
    }
    close(reader, &batch).await?;
    closed += batch.len() as u64;
    console.end_progress();
    if output != Output::Table {
        writeln!(out, "{}", json!({ "closed": closed, "left_out": refused }))?;
        return Ok(refused == 0);
    }
    writeln!(
        out,
        "Closed {}; {} left out.",
        if closed == 1 { "1 number or address".to_owned() } else { format!("{closed} numbers and addresses") },
        super::counted(refused, "line")
    )?;
    Ok(refused == 0)
}

/// What is closed: everything by hash, or what is known of one number or address.
///
/// # Errors
/// It is neither a number nor an address, or the database does not answer.
pub async fn list<S: Store>(
    reader: &Reader<S>,
    text: Option<&str>,
    output: Output,
    out: &mut impl Write,
) -> Result<()> {
    let mut rows: Vec<((KeyHash, Channel), Suppression)> = Vec::new();
    match text {
        Some(text) => {
            let key =
                key_of(reader, text).ok_or_else(|| Usage(format!("{text:?} is neither a number nor an address")))?;
            rows.extend(reader.store.suppressions(&[reader.hash(&key)]).await?);
        }
        None => loop {
            let page = reader.store.suppressions_after(rows.last().map(|(at, _)| *at), PAGE).await?;
            let is_last = page.len() < PAGE;
            rows.extend(page);
            if is_last {
                break;
            }
        },
    }
    let since = |s: &Suppression| if s.is_closed() { s.since() } else { s.last_reopened.unwrap_or(Moment::MIN) };
    if output != Output::Table {
        let told: Vec<_> = rows
            .iter()
            .map(|((key, channel), s)| {
                json!({ "key_hash": key.to_string(), "channel": channel.name(), "closed": s.is_closed(),
                        "since": since(s).to_string(), "why": s.why.name() })
            })
            .collect();
        return write_json(out, &told, output);
    }
    if rows.is_empty() {
        writeln!(out, "{}", if text.is_some() { "Nothing is closed for it." } else { "Nothing is closed." })?;
        return Ok(());
    }
    let cells: Vec<[String; 5]> = rows
        .iter()
        .map(|((key, channel), s)| {
            let state = if s.is_closed() { "closed" } else { "open again" };
            [channel.name().into(), state.into(), since(s).to_string(), s.why.name().into(), key.to_string()]
        })
        .collect();
    write_table(out, ["channel", "state", "since", "why", "hash"], &cells)
}

/// One line of a list.
fn row_of<S: Store>(reader: &Reader<S>, line: &str, channels: &[Channel]) -> Result<(Key, Vec<Channel>), String> {
    let bare = |field: &'_ str| field.trim().trim_matches('"').trim().to_owned();
    let (text, named) = line.split_once(',').map_or((line, None), |(text, channel)| (text, Some(bare(channel))));
    let text = &bare(text);
    let key = key_of(reader, text).ok_or("it is neither a number nor an address")?;
    let named = match named.filter(|name| !name.is_empty()) {
        None => channels.to_vec(),
        Some(name) => {
            let unknown = || format!("there is no channel {name:?}; they are call, sms and email");
            vec![Channel::from_name(&name.to_ascii_lowercase()).ok_or_else(unknown)?]
        }
    };
    let channels = channels_of(&key, &named).map_err(|e| e.to_string())?;
    Ok((key, channels))
}

/// A number or an address, read as an event's would be.
fn key_of<S: Store>(reader: &Reader<S>, text: &str) -> Option<Key> {
    let wanted = if text.contains('@') { KeyKind::Email } else { KeyKind::Phone };
    reader.keys_named(text).into_iter().find(|key| key.kind == wanted)
}

/// The channels to close: those asked for, or all that such a key is used on.
fn channels_of(key: &Key, asked: &[Channel]) -> Result<Vec<Channel>, Usage> {
    let possible: &[Channel] = match key.kind {
        KeyKind::Email => &[Channel::Email, Channel::Share, Channel::Profiling],
        _ => &[Channel::Call, Channel::Sms, Channel::Share, Channel::Profiling],
    };
    if asked.is_empty() {
        let reached = |c: &&Channel| matches!(c, Channel::Call | Channel::Sms | Channel::Email);
        return Ok(possible.iter().filter(reached).copied().collect());
    }
    match asked.iter().find(|c| !possible.contains(c)) {
        None => Ok(asked.to_vec()),
        Some(channel) => {
            let what = if key.kind == KeyKind::Email { "an address" } else { "a number" };
            Err(Usage(format!("{what} is not used for {}", channel.name())))
        }
    }
}

/// Writes the rows and tells the leads that carry the keys; returns how many leads there were.
async fn close<S: Store>(reader: &Reader<S>, rows: &[(Key, Vec<Channel>)]) -> Result<usize, StoreError> {
    if rows.is_empty() {
        return Ok(0);
    }
    let hashes: BTreeMap<KeyHash, &[Channel]> = rows.iter().map(|(k, c)| (reader.hash(k), c.as_slice())).collect();
    let messages = hashes.keys().map(|hash| WantedMessage { keys: vec![*hash], ..WantedMessage::default() }).collect();
    let wanted = Wanted { messages, ..Wanted::default() };
    let mut tries = 0;
    loop {
        let tried = async {
            let (held, loaded) = reader.store.hold(wanted.clone()).await?;
            let mut changes = Changes::default();
            for (hash, channels) in &hashes {
                let row = Suppression::closed(loaded.now, ClosedBecause::ByHand);
                changes.suppressions.extend(channels.iter().map(|channel| ((*hash, *channel), row.clone())));
                let holders = loaded.keys.get(hash).map_or(&[][..], |row| row.holders.as_slice());
                changes.inbox.extend(holders.iter().map(|lead| (*lead, Answer::Closed(*hash).encode())));
            }
            let told = changes.inbox.len();
            let lease = Lease { lessee: uuid::Uuid::nil(), length: std::time::Duration::ZERO, hand: false };
            reader.store.commit(held, changes, lease).await?;
            Ok(told)
        };
        match tried.await {
            Err(StoreError::Contended) if tries < TRIES => tries += 1,
            outcome => return outcome,
        }
    }
}
