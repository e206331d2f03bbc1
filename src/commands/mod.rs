//! One file for each subcommand; what they share is small and stands here.
//!
//! A command is given what it needs (a store, a queue, a reader) and writes its answer where it is told to; which
//! database and which broker that is, it does not know.

pub mod check;
pub mod dead;
pub mod demo;
pub mod explain;
pub mod export;
pub mod lead;
pub mod migrate;
pub mod pause;
pub mod policy;
pub mod publish;
pub mod replay;
pub mod report;
pub mod schema;
pub mod split;
pub mod suppress;
pub mod topology;

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use anyhow::Result;
use serde::Serialize;

/// What was asked for cannot be: exit code 2, as for a wrong configuration.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);

/// How a command that did not fail ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Done,
    /// Something of what was asked for is wrong or undone, and the answer says what: exit code 1.
    NotAll,
}

/// The form of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Output {
    /// For people.
    #[default]
    Table,
    /// One JSON value.
    Json,
    /// One JSON value a line.
    Jsonl,
}

/// Standard error: remarks, and progress where somebody watches.
#[derive(Debug)]
pub struct Console {
    quiet: bool,
    watched: bool,
    shown: Option<Instant>,
}

/// Progress is shown no more often than this.
const SHOW: Duration = Duration::from_millis(200);

impl Console {
    pub fn new(quiet: bool) -> Console {
        Console { quiet, watched: std::io::stderr().is_terminal() && !quiet, shown: None }
    }

    /// Something worth knowing that is no part of the answer.
    pub fn remark(&mut self, sentence: &str) {
        if !self.quiet {
            self.end_progress();
            tell(&format!("gleaner: {sentence}"));
        }
    }

    /// Something that went wrong without ending the command; told even when quiet.
    pub fn complain(&mut self, sentence: &str) {
        self.end_progress();
        tell(&format!("gleaner: {sentence}"));
    }

    /// How far it is, over what was shown before.
    pub fn progress(&mut self, text: impl FnOnce() -> String) {
        if self.watched && self.shown.is_none_or(|at| at.elapsed() >= SHOW) {
            self.shown = Some(Instant::now());
            // Nobody who watches is better off with an error about it.
            let _ = write!(std::io::stderr(), "\r{}\x1b[K", text());
        }
    }

    pub fn end_progress(&mut self) {
        if self.shown.take().is_some() {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}

/// A line on standard error; where that is closed there is nobody to tell.
fn tell(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Writes a list as one JSON array, or one value a line.
///
/// # Errors
/// The answer cannot be written.
pub(crate) fn write_json(out: &mut impl Write, rows: &[impl Serialize], output: Output) -> Result<()> {
    match output {
        Output::Jsonl => {
            for row in rows {
                serde_json::to_writer(&mut *out, row)?;
                writeln!(out)?;
            }
        }
        Output::Json | Output::Table => {
            serde_json::to_writer_pretty(&mut *out, rows)?;
            writeln!(out)?;
        }
    }
    Ok(())
}

/// Writes rows of cells in columns as wide as they need; the last one runs on.
///
/// # Errors
/// The answer cannot be written.
pub(crate) fn write_table<const N: usize>(out: &mut impl Write, head: [&str; N], rows: &[[String; N]]) -> Result<()> {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([head[column].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..N).map(width).collect();
    let head = head.map(str::to_owned);
    for row in std::iter::once(&head).chain(rows) {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        writeln!(out, "{}", cells.join("  ").trim_end())?;
    }
    Ok(())
}

/// An error and its causes as one sentence; a cause that was told already is not told again.
pub(crate) fn sentence(error: &anyhow::Error) -> String {
    crate::worker::chain(error.as_ref())
}

/// How many leads differ, where two judge the same ones.
pub(crate) fn differences(opinions: u64, grades: u64) -> String {
    format!("the verdict or its cause differs for {opinions} and the grade for {grades}")
}

/// "1 task", "2 tasks".
pub(crate) fn counted(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_as_wide_as_its_cells_and_no_wider() {
        let mut out = Vec::new();
        let rows = [["é1".to_owned(), "x".to_owned()], ["a".to_owned(), String::new()]];
        write_table(&mut out, ["key", "why"], &rows).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "key  why\né1   x\na\n");
    }
}
