//! The words of the command line, and nothing but them.

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::commands::Output;
use crate::config::parse_length;
use crate::domain::event::Channel;
use crate::domain::policy::FILES;
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
    /// The form of the answer: a table for people unless said otherwise (`export` writes jsonl)
    #[arg(long, global = true, value_enum, value_name = "FORM")]
    pub output: Option<Output>,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// A sample of leads through the whole of it, in memory and on virtual time; needs nothing
    Demo {
        /// One of its leads, by a name or a key: all that is thought of it, as `explain` says it
        lead: Option<String>,
    },
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
        /// Out of the results of a replay, instead of the running system
        #[arg(long, value_name = "DIR", conflicts_with = "as_of")]
        replayed: Option<PathBuf>,
        /// The record as JSON
        #[arg(long)]
        json: bool,
    },
    /// Every lead's record as JSONL
    Export {
        /// Judge the facts known now as of this instant
        #[arg(long, value_name = "TIME", value_parser = moment)]
        as_of: Option<Moment>,
    },
    /// The first page of the day: whom to call now and why, what was our fault, what is at risk or blocked
    Report {
        /// Judge the facts known now as of this instant
        #[arg(long, value_name = "TIME", value_parser = moment)]
        as_of: Option<Moment>,
    },
    /// Make no more tasks, or send nothing to one queue: for all workers, until `resume`
    Pause {
        /// Suffix of the queue, such as calls-now; without it everything
        queue: Option<String>,
    },
    /// End a pause
    Resume {
        /// Suffix of the queue; without it the pause of everything
        queue: Option<String>,
    },
    /// The rules to judge and act by: check, apply, compare, show
    Policy {
        #[command(subcommand)]
        ask: PolicyAsk,
    },
    /// Tell two people apart who were merged, from the history of what was received
    Split {
        /// The lead's id, or a key of it
        lead: String,
        /// The key that belongs to somebody else: email:…, phone:…, id:…, visitor:…, or bare
        key: String,
    },
    /// Numbers and addresses that nobody may use any more
    Suppress {
        #[command(subcommand)]
        ask: SuppressAsk,
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
    },
    /// Whether everything is in place, and what to do where it is not
    Check,
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
}

#[derive(Debug, Subcommand)]
pub enum DeadAsk {
    /// What there is, oldest first
    List {
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: usize,
    },
    /// One letter whole, which may be personal data
    Show {
        /// Its key, or as much of it as is unique
        key: String,
    },
    /// Send letters again, after a fix
    Replay(WhichAsk),
    /// Throw letters away
    Drop(WhichAsk),
}

#[derive(Debug, Subcommand)]
pub enum PolicyAsk {
    /// Whether a policy is right; everything that is wrong is told at once
    Check {
        /// Its folder, instead of the configured one
        dir: Option<PathBuf>,
    },
    /// Put a policy in force for all workers
    Apply {
        /// Its folder, instead of the configured one
        dir: Option<PathBuf>,
    },
    /// What a policy would change: its values, and the verdicts of the leads there are
    Diff {
        /// Its folder, instead of the configured one
        dir: Option<PathBuf>,
    },
    /// What is in force, since when, and how far the leads are judged by it
    Show {
        /// One of its files, printed as it is in force: a copy to read or to edit
        #[arg(value_parser = FILES)]
        file: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub enum SuppressAsk {
    /// Close one number or address
    Add {
        /// The number or address
        key: String,
        /// Only these channels: call, sms, email, share, profiling
        #[arg(long, value_delimiter = ',', value_name = "CHANNELS", value_parser = channel)]
        channels: Vec<Channel>,
    },
    /// What is closed; numbers and addresses are kept as hashes only
    List {
        /// One number or address to ask about
        key: Option<String>,
    },
    /// Close a list: one number or address a line, or KEY,CHANNEL
    Import {
        /// The list; - for standard input
        file: PathBuf,
        /// Only these channels, where a line names none
        #[arg(long, value_delimiter = ',', value_name = "CHANNELS", value_parser = channel)]
        channels: Vec<Channel>,
    },
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

/// An instant in RFC 3339, or a day: its beginning in UTC.
fn moment(text: &str) -> Result<Moment, String> {
    let day = || text.parse().map(Moment::from_date);
    let instant = text.parse().map(Moment::from_timestamp);
    instant.or_else(|_| day()).map_err(|_| "give a time such as 2026-03-02T14:05:00Z, or a day".to_owned())
}

fn channel(text: &str) -> Result<Channel, String> {
    Channel::from_name(text.trim())
        .ok_or_else(|| "the channels are call, sms, email, mail, share, profiling".to_owned())
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
    fn every_command_in_the_documents_can_be_given() {
        let documents = [
            include_str!("../../docs/operations.md"),
            include_str!("../../docs/security.md"),
            include_str!("../../docs/runbook.md"),
            include_str!("../../README.md"),
        ];
        let mut given = 0;
        for line in documents.iter().flat_map(|text| text.split("```").skip(1).step_by(2)).flat_map(str::lines) {
            let line = line.split([';', '>', '&', '#']).next().unwrap_or_default();
            // What stands before is the environment, or makes the input.
            let Some(at) = line.rfind("gleaner ").filter(|at| line[..*at].is_empty() || line[..*at].ends_with(' '))
            else {
                continue;
            };
            let words: Vec<&str> = line[at..].split_whitespace().collect();
            let named =
                ["run", "check", "migrate", "topology", "publish", "explain", "export", "dead", "pause", "resume"];
            let named = named.iter().chain(&["policy", "suppress", "replay", "config", "schema", "demo", "--config"]);
            if words.get(1).is_some_and(|word| named.clone().any(|name| name == word)) {
                if let Err(error) = Cli::try_parse_from(&words) {
                    panic!("{line}: {error}");
                }
                given += 1;
            }
        }
        assert!(given > 30, "only {given} commands were found");
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
