//! The command line: what may be asked for, and what the answer means to a script.
//!
//! Exit code 0 is done, 1 that the work failed (or not all of it could be done), 2 a wrong question or a wrong
//! configuration. Answers go to standard output, everything else to standard error. Each command stands in `commands`.

mod ask;

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, ErrorKind, Write, stdin, stdout};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Error, Result};
use clap::Parser;
use serde_json::json;

use crate::app::{self, KeyError, PolicyErrors, with_queue, with_store};
use crate::commands::{self, Console, Outcome, Output, Usage};
use crate::config::{Config, ConfigErrors, Profile, process_environment};
use crate::queue::DeadAction;
use ask::{Cli, Command, ConfigAsk, DeadAsk, WhichAsk};

/// Does what the command line asks for.
pub fn main() -> ExitCode {
    let asked = Cli::parse();
    match answer(asked) {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::NotAll) => ExitCode::from(1),
        // Whoever read our answer has read enough.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // Where standard error is closed there is nobody to tell.
            let _ = writeln!(std::io::stderr(), "gleaner: {}", sentence(&error));
            ExitCode::from(if is_wrong_question(&error) { 2 } else { 1 })
        }
    }
}

fn answer(asked: Cli) -> Result<Outcome> {
    let config = Config::load(asked.config.as_deref(), process_environment())?;
    let mut out = BufWriter::new(stdout().lock());
    let mut console = Console::new(asked.quiet);
    app::start_log(&config, matches!(asked.command, Command::Run))?;
    let outcome = match asked.command {
        Command::Config { ask } => {
            match ask.unwrap_or(ConfigAsk::Show) {
                ConfigAsk::Show => write!(out, "{}", config.show())?,
                ConfigAsk::Check => writeln!(out, "The configuration is right.")?,
            }
            Ok(Outcome::Done)
        }
        Command::Schema { out: folder } => commands::schema::run(folder.as_deref(), &mut out).map(|()| Outcome::Done),
        Command::Demo => {
            // The sample's people are fictional, whatever this installation thinks of such numbers.
            let policy = app::policy_in(None, crate::domain::policy::Fictional::Allow)?;
            commands::demo::run(&mut out, app::virtual_env(&config, policy)).map(|()| Outcome::Done)
        }
        Command::Replay(ask) => replay(&config, ask, &mut out),
        other => {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            let outcome = runtime.block_on(answer_async(&config, other, &mut out, &mut console));
            // Nothing is waited for: what had to be finished was.
            runtime.shutdown_background();
            outcome
        }
    };
    out.flush()?;
    outcome
}

async fn answer_async(
    config: &Config,
    command: Command,
    out: &mut impl Write,
    console: &mut Console,
) -> Result<Outcome> {
    match command {
        Command::Run => app::run(config).await?,
        Command::Explain { lead, as_of, json, output } => {
            let output = if json { Output::Json } else { output.output };
            with_store!(config, |store| {
                commands::lead::run(&app::reader(config, store)?, &lead, as_of, output, out, console).await
            })?;
        }
        Command::Export { as_of, output: _ } => {
            with_store!(config, |store| commands::export::run(&app::reader(config, store)?, as_of, out, console)
                .await)?;
        }
        Command::Migrate => migrate(config, out).await?,
        Command::Topology { diff, apply, output } => {
            let action = match (diff, apply) {
                (true, _) => commands::topology::Action::Diff,
                (_, true) => commands::topology::Action::Apply,
                _ => commands::topology::Action::Print,
            };
            return commands::topology::run(config, action, output.output, out).await;
        }
        Command::Check { output } => return commands::check::run(config, output.output, out).await,
        Command::Publish { events, rate, output } => {
            let input = input(&events)?;
            return with_queue!(config, |queue| {
                commands::publish::run(&queue, input, rate, output.output, out, console).await
            });
        }
        Command::Dead { ask } => return dead(config, ask, out).await,
        // Answered before, without waiting for anything.
        Command::Config { .. } | Command::Schema { .. } | Command::Demo | Command::Replay(_) => {}
    }
    Ok(Outcome::Done)
}

fn replay(config: &Config, ask: ask::ReplayAsk, out: &mut impl Write) -> Result<Outcome> {
    let dir = ask.policy.as_deref().or(config.policy.dir.as_deref());
    let policy = app::policy_in(dir, config.contact.fictional)?;
    let options = commands::replay::Options {
        events: Some(ask.events).filter(|path| path != Path::new("-")),
        out: ask.out,
        until: ask.until,
        window: ask.window,
        compare: ask.compare,
        default_country: config.contact.default_country.clone(),
    };
    let summary = commands::replay::run(&options, app::virtual_env(config, policy))?;
    match ask.output.output {
        Output::Table => {
            let (events, leads, refused) = (summary.events, summary.leads, summary.refused);
            let tasks: u64 = summary.tasks.values().sum();
            writeln!(out, "{events} events of {leads} leads made {tasks} messages; {refused} events were refused.")?;
            for (kind, count) in &summary.tasks {
                writeln!(out, "  {kind:<24} {count}")?;
            }
            writeln!(out, "The results are in {}.", options.out.display())?;
        }
        Output::Json | Output::Jsonl => writeln!(out, "{}", json!(summary))?,
    }
    Ok(Outcome::Done)
}

async fn migrate(config: &Config, out: &mut impl Write) -> Result<()> {
    let (address, epoch) = (config.store.url.to_string(), config.id.epoch.as_deref());
    match config.profile {
        Profile::Embedded => {
            let store = app::new_sqlite(config)?;
            commands::migrate::run(&store, &address, epoch, out).await?;
            store.close().await;
        }
        Profile::Production => commands::migrate::run(&app::postgres(config)?, &address, epoch, out).await?,
    }
    Ok(())
}

async fn dead(config: &Config, ask: DeadAsk, out: &mut impl Write) -> Result<Outcome> {
    with_queue!(config, |queue| match ask {
        DeadAsk::List { limit, output } => {
            commands::dead::list(&queue, limit, output.output, out).await.map(|()| Outcome::Done)
        }
        DeadAsk::Show { key, output } => {
            commands::dead::show(&queue, &key, output.output, out).await.map(|()| Outcome::Done)
        }
        DeadAsk::Replay(which) => commands::dead::act(&queue, &which_of(which), DeadAction::Replay, out).await,
        DeadAsk::Drop(which) => commands::dead::act(&queue, &which_of(which), DeadAction::Drop, out).await,
    })
}

/// The command line lets exactly one of the three through.
fn which_of(ask: WhichAsk) -> commands::dead::Which {
    match (ask.key, ask.reason) {
        (Some(key), _) => commands::dead::Which::Key(key),
        (None, Some(reason)) => commands::dead::Which::Reason(reason),
        (None, None) => commands::dead::Which::All,
    }
}

/// A file, or standard input for `-`.
fn input(path: &Path) -> Result<Box<dyn BufRead>> {
    if path == Path::new("-") {
        return Ok(Box::new(BufReader::new(stdin())));
    }
    let file = File::open(path).map_err(|error| Usage(format!("cannot read {}: {error}", path.display())))?;
    Ok(Box::new(BufReader::with_capacity(1 << 20, file)))
}

/// An error and its causes as one sentence; a cause that was told already is not told again.
fn sentence(error: &Error) -> String {
    let mut told = String::new();
    for cause in error.chain().map(ToString::to_string).filter(|cause| !cause.is_empty()) {
        if told.is_empty() {
            told = cause;
        } else if !told.contains(&cause) {
            told = format!("{told}: {cause}");
        }
    }
    told
}

/// Whether the caller has to change the question or the configuration.
fn is_wrong_question(error: &Error) -> bool {
    error.chain().any(|cause| {
        cause.is::<Usage>() || cause.is::<ConfigErrors>() || cause.is::<PolicyErrors>() || cause.is::<KeyError>()
    })
}

fn is_broken_pipe(error: &Error) -> bool {
    let kind = |cause: &(dyn std::error::Error + 'static)| {
        let io = cause.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
        io.or_else(|| cause.downcast_ref::<serde_json::Error>().and_then(serde_json::Error::io_error_kind))
    };
    error.chain().any(|cause| kind(cause) == Some(ErrorKind::BrokenPipe))
}
