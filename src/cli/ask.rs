//! The words of the command line, and nothing but them.

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::commands::Output;
use crate::config::parse_length;
use crate::domain::time::{Moment, Span};

/// A background worker for sales leads: scores them continuously, says why a lead looks bad, and emits the next thing
/// worth doing.
#[derive(Debug, Parser)]
#[command(name = "gleaner", version, arg_required_else_help = true)]
pub struct Cli {
    /// Settings; `gleaner config` shows what is in force
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Tell no remarks and no progress
    #[arg(long, short, global = true)]
    pub quiet: bool,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// A sample of leads through the whole of it, in memory and on virtual time; needs nothing
    Demo,
    /// The worker: embedded by default, production by configuration
    Run,
    /// A file of events through the same decisions on virtual time
    Replay(ReplayAsk),
    /// A lead: scores, diagnosis, audit, open tasks, next action, and what changed last
    Explain {
        /// Its id, or a key: email:…, phone:…, id:…, visitor:…, or bare
        lead: String,
        /// Judge the facts known now as of this instant
        #[arg(long, value_name = "TIME", value_parser = moment)]
        as_of: Option<Moment>,
        /// The record as JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        output: OutputAsk,
    },
    /// Every lead's record as JSONL
    Export {
        /// Judge the facts known now as of this instant
        #[arg(long, value_name = "TIME", value_parser = moment)]
        as_of: Option<Moment>,
        /// The form of the answer, which has only this one
        #[arg(long, value_parser = ["jsonl"], default_value = "jsonl")]
        output: String,
    },
    /// What was set aside, and why
    Dead {
        #[command(subcommand)]
        ask: DeadAsk,
    },
    /// Bring the database's tables up to date
    Migrate,
    /// The broker's exchanges, queues and bindings: print them
    Topology {
        /// Compare them with what is there
        #[arg(long, conflicts_with = "apply")]
        diff: bool,
        /// Make what is missing
        #[arg(long)]
        apply: bool,
        #[command(flatten)]
        output: OutputAsk,
    },
    /// Whether everything is in place, and what to do where it is not
    Check {
        #[command(flatten)]
        output: OutputAsk,
    },
    /// The settings in force, and where each comes from
    Config {
        #[command(subcommand)]
        ask: Option<ConfigAsk>,
    },
    /// The JSON Schema of every message
    Schema {
        /// Write each into a file of this folder
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// Put events into the events queue, confirmed
    Publish {
        /// One event a line; - for standard input
        #[arg(long, value_name = "FILE")]
        events: PathBuf,
        /// At most this many a second
        #[arg(long, value_name = "N")]
        rate: Option<NonZeroU32>,
        #[command(flatten)]
        output: OutputAsk,
    },
}

#[derive(Debug, Args)]
pub struct ReplayAsk {
    /// One event a line, in the order of their times; - for standard input
    #[arg(long, value_name = "FILE")]
    pub events: PathBuf,
    /// Where the results go
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// The policy to judge by, instead of the configured one
    #[arg(long, value_name = "DIR")]
    pub policy: Option<PathBuf>,
    /// Let the clock run on to this instant after the last event
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub until: Option<Moment>,
    /// How far back an event may be and still be put in order
    #[arg(long, value_name = "LENGTH", value_parser = span)]
    pub window: Option<Span>,
    /// Say what the results of another replay have differently
    #[arg(long, value_name = "DIR")]
    pub compare: Option<PathBuf>,
    #[command(flatten)]
    pub output: OutputAsk,
}

#[derive(Debug, Subcommand)]
pub enum DeadAsk {
    /// What there is, oldest first
    List {
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: usize,
        #[command(flatten)]
        output: OutputAsk,
    },
    /// One letter whole, which may be personal data
    Show {
        /// Its key, or as much of it as is unique
        key: String,
        #[command(flatten)]
        output: OutputAsk,
    },
    /// Send letters again, after a fix
    Replay(WhichAsk),
    /// Throw letters away
    Drop(WhichAsk),
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct WhichAsk {
    /// Its key, or as much of it as is unique
    pub key: Option<String>,
    /// All that were set aside for this reason
    #[arg(long)]
    pub reason: Option<String>,
    /// All there are
    #[arg(long)]
    pub all: bool,
}

#[derive(Clone, Copy, Debug, Subcommand)]
pub enum ConfigAsk {
    /// Whether they are right
    Check,
    /// Every one, without secrets
    Show,
}

#[derive(Debug, Args)]
pub struct OutputAsk {
    /// The form of the answer
    #[arg(long, value_enum, default_value_t = Output::Table)]
    pub output: Output,
}

/// An instant in RFC 3339, or a day: its beginning in UTC.
fn moment(text: &str) -> Result<Moment, String> {
    let day = || text.parse().map(Moment::from_date);
    let instant = text.parse().map(Moment::from_timestamp);
    instant.or_else(|_| day()).map_err(|_| "give a time such as 2026-03-02T14:05:00Z, or a day".to_owned())
}

fn span(text: &str) -> Result<Span, String> {
    parse_length(text).map(Span)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_agrees_with_itself() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_time_has_an_offset_or_is_a_day() {
        assert_eq!(moment("1970-01-01T01:00:00+01:00"), Ok(Moment(0)));
        assert_eq!(moment("1970-01-02"), Ok(Moment(86_400_000)));
        assert!(moment("yesterday").is_err());
    }

    #[test]
    fn letters_are_named_in_exactly_one_way() {
        let parse = |words: &[&str]| Cli::try_parse_from([&["gleaner", "dead"], words].concat()).is_ok();
        assert!(parse(&["drop", "abc"]) && parse(&["replay", "--all"]) && parse(&["replay", "--reason", "too_old"]));
        assert!(!parse(&["drop"]) && !parse(&["drop", "abc", "--all"]));
    }
}
