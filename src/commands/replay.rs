//! `gleaner replay`: a file of events through the decisions, on virtual time, into a directory of results.
//!
//! The decisions are `crate::replay`'s; this file reads lines and writes files. Two result directories are compared in
//! `compare`.

mod compare;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Serialize;

use super::explain::{Around, Aside};
use super::{Console, Usage};
use crate::domain::conduct::Stage;
use crate::domain::event::Event;
use crate::domain::time::{Moment, Span};
use crate::domain::working_set::{Applied, Env};
use crate::replay::{Counts, Replay, Sorter, refusal_words};
use crate::wire::inbound::{Envelope, Inbound, decode};
pub use compare::Comparison;

/// What a replay writes; `compare.json` only where it compares.
const FILES: [&str; 6] =
    ["tasks.jsonl", "leads.jsonl", "conduct.jsonl", "rejected.jsonl", "summary.json", "compare.json"];

/// What to replay, and how.
pub struct Options {
    /// `None`: standard input.
    pub events: Option<PathBuf>,
    pub out: PathBuf,
    pub until: Option<Moment>,
    pub window: Option<Span>,
    pub compare: Option<PathBuf>,
    pub default_country: String,
}

/// What a replay came to.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    pub events: u64,
    pub applied: u64,
    pub duplicates: u64,
    pub refused: u64,
    pub leads: u64,
    pub merges: u64,
    pub linked_keys: u64,
    pub decisions: u64,
    pub from: Option<String>,
    pub until: String,
    pub policy: String,
    pub tasks: BTreeMap<String, u64>,
    pub verdicts: BTreeMap<String, u64>,
    pub causes: BTreeMap<String, u64>,
    pub stages: BTreeMap<String, u64>,
    pub plays: BTreeMap<String, u64>,
}

#[derive(Serialize)]
struct Rejected<'a> {
    line: u64,
    reason: &'a str,
    detail: &'a str,
}

/// Runs a replay and writes `tasks.jsonl`, `leads.jsonl`, `conduct.jsonl`, `rejected.jsonl` and `summary.json` into the
/// directory; and `compare.json`, where there is something to compare with.
///
/// # Errors
/// A file that cannot be read or written; what an event lacks is no error but a line in `rejected.jsonl`.
pub fn run(options: &Options, env: Env, console: &mut Console) -> Result<(Summary, Option<Comparison>)> {
    let out = &options.out;
    if let Some(other) = &options.compare {
        compare::check(out, other)?;
    }
    std::fs::create_dir_all(out).with_context(|| format!("cannot make the directory {}", out.display()))?;
    let input: Box<dyn BufRead> = match &options.events {
        None => Box::new(BufReader::new(std::io::stdin())),
        Some(path) => {
            let unreadable = |error| Usage(format!("cannot read the events in {}: {error}", path.display()));
            let file = File::open(path).map_err(unreadable)?;
            Box::new(BufReader::with_capacity(1 << 20, file))
        }
    };
    tell_what_is_there(options, console);
    let mut run = Run {
        replay: Replay::new(env),
        tasks: create(out, "tasks.jsonl")?,
        rejected: Vec::new(),
        by_type: BTreeMap::new(),
        plays: BTreeMap::new(),
        events: 0,
        first: None,
    };
    run.read(input, options, console)?;
    let summary = run.write(out)?;
    let compared = options.compare.as_ref().map(|other| compare::compare(out, other)).transpose()?;
    Ok((summary, compared))
}

/// Results of before are written over, and anything else is left alone; both are worth a word.
fn tell_what_is_there(options: &Options, console: &mut Console) {
    let Ok(entries) = std::fs::read_dir(&options.out) else { return };
    let names = entries.filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()));
    let writes =
        |name: &String| FILES.contains(&name.as_str()) && (name != "compare.json" || options.compare.is_some());
    let (mut ours, others): (Vec<String>, Vec<String>) = names.partition(writes);
    ours.sort();
    let dir = options.out.display();
    if !ours.is_empty() {
        console.remark(&format!("{dir} holds earlier results: {} are written anew", ours.join(", ")));
    }
    match others.as_slice() {
        [] => {}
        [one] => console.remark(&format!("{one} in {dir} is no part of these results and is left alone")),
        many => console
            .remark(&format!("{} other files in {dir} are no part of these results and are left alone", many.len())),
    }
}

struct Run {
    replay: Replay,
    tasks: BufWriter<File>,
    /// (line, reason, detail); sorted by line before it is written.
    rejected: Vec<(u64, String, String)>,
    by_type: BTreeMap<String, u64>,
    plays: BTreeMap<String, u64>,
    events: u64,
    first: Option<Moment>,
}

impl Run {
    fn read(&mut self, mut input: Box<dyn BufRead>, options: &Options, console: &mut Console) -> Result<()> {
        let settings = Inbound { default_country: Some(options.default_country.clone()), ..Inbound::replay() };
        let mut sorter = Sorter::new(options.window);
        let mut line = Vec::new();
        for number in 1u64.. {
            line.clear();
            if input.read_until(b'\n', &mut line).context("cannot read the events")? == 0 {
                break;
            }
            let body = line.strip_suffix(b"\n").unwrap_or(&line);
            if body.trim_ascii().is_empty() {
                continue;
            }
            self.events += 1;
            match decode(&Envelope::bare(body), Moment::MIN, &settings) {
                Ok(event) => {
                    for (event, line) in sorter.push(event, number) {
                        self.apply(&event, line)?;
                    }
                }
                Err(refusal) => self.rejected.push((number, refusal.reason.name().to_owned(), refusal.detail)),
            }
        }
        for (event, line) in sorter.finish() {
            self.apply(&event, line)?;
        }
        let newest = self.replay.now();
        let until = options.until.unwrap_or(newest);
        if until < newest {
            console.remark(&format!("--until {until} is before the last event: the clock ran to {newest}"));
        }
        self.replay.finish(until);
        self.drain()
    }

    fn apply(&mut self, event: &Event, line: u64) -> Result<()> {
        self.first.get_or_insert(event.at);
        if let Applied::Refused(why) = self.replay.apply(event) {
            let (reason, detail) = refusal_words(why);
            self.rejected.push((line, reason.name().to_owned(), detail.to_owned()));
        }
        self.drain()
    }

    fn drain(&mut self) -> Result<()> {
        for message in self.replay.take_published() {
            *self.by_type.entry(message.kind.to_owned()).or_default() += 1;
            if let Ok(body) = serde_json::from_slice::<PlayOf>(&message.body)
                && let Some(play) = body.data.play
            {
                *self.plays.entry(play).or_default() += 1;
            }
            self.tasks
                .write_all(&message.body)
                .and_then(|()| self.tasks.write_all(b"\n"))
                .context("cannot write tasks.jsonl")?;
        }
        Ok(())
    }

    fn write(mut self, out: &Path) -> Result<Summary> {
        self.tasks.flush().context("cannot write tasks.jsonl")?;
        // By what was said of them, so that another order of the same lines gives the same file but for `line`.
        self.rejected.sort_by(|a, b| (&a.1, &a.2, a.0).cmp(&(&b.1, &b.2, b.0)));
        let mut file = create(out, "rejected.jsonl")?;
        for (line, reason, detail) in &self.rejected {
            write_line(&mut file, &Rejected { line: *line, reason, detail })?;
        }
        file.flush()?;
        let Counts { applied, duplicates, decisions, merges, conflicts } = self.replay.counts;
        let mut summary = Summary {
            events: self.events,
            applied,
            duplicates,
            refused: self.rejected.len() as u64,
            leads: 0,
            merges,
            linked_keys: conflicts,
            decisions,
            from: self.first.map(|at| at.to_string()),
            until: self.replay.now().to_string(),
            policy: String::new(),
            tasks: self.by_type,
            verdicts: BTreeMap::new(),
            causes: BTreeMap::new(),
            stages: BTreeMap::new(),
            plays: self.plays,
        };
        let mut file = create(out, "leads.jsonl")?;
        let mut asides = create(out, "conduct.jsonl")?;
        for lead in self.replay.leads() {
            let mut record = self.replay.record(lead);
            let Around { unreported, wish, zone, .. } = Around::of(lead, self.replay.policy());
            let (lead_id, changed) = (lead.id, record.changed.take());
            write_line(
                &mut asides,
                &Aside { lead_id, time_zone: zone.map(|z| z.name().to_owned()), changed, unreported, wish },
            )?;
            summary.policy.clone_from(&record.policy);
            // A test lead is out of every figure but the one that says how many there are.
            *summary.stages.entry(record.stage.clone()).or_default() += 1;
            write_line(&mut file, &record)?;
            if record.stage == Stage::Test.name() {
                continue;
            }
            summary.leads += 1;
            *summary.verdicts.entry(record.verdict.clone()).or_default() += 1;
            *summary.causes.entry(record.diagnosis.cause.clone().unwrap_or_else(|| "none".into())).or_default() += 1;
        }
        file.flush()?;
        asides.flush()?;
        let mut file = create(out, "summary.json")?;
        serde_json::to_writer_pretty(&mut file, &summary)?;
        file.write_all(b"\n")?;
        file.flush()?;
        Ok(summary)
    }
}

#[derive(serde::Deserialize)]
struct PlayOf {
    data: PlayName,
}
#[derive(serde::Deserialize)]
struct PlayName {
    play: Option<String>,
}

fn create(dir: &Path, name: &str) -> Result<BufWriter<File>> {
    let path = dir.join(name);
    let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(BufWriter::with_capacity(1 << 18, file))
}

fn write_line(file: &mut BufWriter<File>, value: &impl Serialize) -> Result<()> {
    serde_json::to_writer(&mut *file, value)?;
    file.write_all(b"\n")?;
    Ok(())
}
