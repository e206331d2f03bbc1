//! The command line: what may be asked for, and what the answer means to a script.
//!
//! Exit code 0 is done, 1 that the work failed (or not all of it could be done), 2 a wrong question or a wrong
//! configuration. Answers go to standard output, everything else to standard error. Each command stands in `commands`.

mod ask;
mod stack;

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
use ask::{Cli, Command, ConfigAsk, DeadAsk, PolicyAsk, SuppressAsk, WhichAsk};

/// Does what the command line asks for.
pub fn main() -> ExitCode {
    let asked = Cli::parse();
    stack::run(|| done(asked)).unwrap_or_else(|error| {
        let _ = writeln!(std::io::stderr(), "gleaner: the system gives no thread: {error}");
        ExitCode::from(1)
    })
}

fn done(asked: Cli) -> ExitCode {
    match answer(asked) {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::NotAll) => ExitCode::from(1),
        // Whoever read our answer has read enough.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // Where standard error is closed there is nobody to tell.
            let _ = writeln!(std::io::stderr(), "gleaner: {}", crate::commands::sentence(&error));
            ExitCode::from(if is_wrong_question(&error) { 2 } else { 1 })
        }
    }
}

fn answer(asked: Cli) -> Result<Outcome> {
    let config = Config::load(asked.config.as_deref(), process_environment())?;
    let mut out = BufWriter::new(stdout().lock());
    let mut console = Console::new(asked.quiet);
    let output = asked.output.unwrap_or_default();
    app::start_log(&config, matches!(asked.command, Command::Run))?;
    for stray in config.strays(process_environment()) {
        match asked.command {
            Command::Run => tracing::warn!("{stray}"),
            _ => console.remark(&stray),
        }
    }
    if config.profile == Profile::Production {
        stack::for_every_thread();
    }
    let outcome = match asked.command {
        Command::Config { ask } => {
            match ask.unwrap_or(ConfigAsk::Show) {
                ConfigAsk::Show if output == Output::Table => write!(out, "{}", config.show())?,
                ConfigAsk::Show => writeln!(out, "{}", config.show_json())?,
                ConfigAsk::Check if output == Output::Table => writeln!(out, "The configuration is right.")?,
                ConfigAsk::Check => writeln!(out, "{}", json!({ "right": true }))?,
            }
            Ok(Outcome::Done)
        }
        Command::Schema { out: folder } => {
            commands::schema::run(folder.as_deref(), output, &mut out).map(|()| Outcome::Done)
        }
        Command::Demo { lead } => {
            // The sample's people are fictional, whatever this installation thinks of such numbers.
            let policy = app::policy_in(None, crate::domain::policy::Fictional::Allow)?;
            commands::demo::run(lead.as_deref(), output, &mut out, app::virtual_env(&config, policy))
                .map(|()| Outcome::Done)
        }
        Command::Replay(ask) => replay(&config, ask, output, &mut out, &mut console),
        Command::Explain { lead, replayed: Some(dir), json, .. } => {
            let output = if json { Output::Json } else { output };
            let country = &config.contact.default_country;
            commands::lead::run_replayed(&dir, &lead, country, output, &mut out).map(|()| Outcome::Done)
        }
        other => {
            let mut runtime = tokio::runtime::Builder::new_multi_thread();
            let runtime = runtime.thread_stack_size(stack::BYTES).enable_all().build()?;
            let outcome = runtime.block_on(answer_async(&config, other, asked.output, &mut out, &mut console));
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
    asked: Option<Output>,
    out: &mut impl Write,
    console: &mut Console,
) -> Result<Outcome> {
    let output = asked.unwrap_or_default();
    match command {
        Command::Run => app::run(config).await?,
        Command::Explain { lead, as_of, json, .. } => {
            let output = if json { Output::Json } else { output };
            with_store!(config, |store| {
                commands::lead::run(&app::reader(config, store).await?, &lead, as_of, output, out).await
            })?;
        }
        Command::Export { as_of } => {
            with_store!(config, |store| {
                let output = asked.unwrap_or(Output::Jsonl);
                commands::export::run(&app::reader(config, store).await?, as_of, output, out, console).await
            })?;
        }
        Command::Report { as_of } => {
            with_store!(config, |store| {
                commands::report::run(&app::reader(config, store).await?, as_of, output, out, console).await
            })?;
        }
        Command::Migrate => migrate(config, output, out).await?,
        Command::Topology { diff, apply } => {
            let action = match (diff, apply) {
                (true, _) => commands::topology::Action::Diff,
                (_, true) => commands::topology::Action::Apply,
                _ => commands::topology::Action::Print,
            };
            return commands::topology::run(config, action, output, out).await;
        }
        Command::Check => return commands::check::run(config, output, out).await,
        Command::Publish { events, rate } => {
            let input = input(&events)?;
            return with_queue!(config, |queue| {
                commands::publish::run(&queue, input, rate, output, out, console).await
            });
        }
        Command::Pause { queue } => {
            with_store!(config, |store| commands::pause::pause(&store, queue.as_deref(), output, out).await)?;
        }
        Command::Resume { queue } => {
            with_store!(config, |store| commands::pause::resume(&store, queue.as_deref(), output, out).await)?;
        }
        Command::Policy { ask } => policy(config, ask, output, out, console).await?,
        Command::Split { lead, key } => {
            with_store!(config, |store| {
                let reader = app::reader(config, store).await?;
                commands::split::run(&reader, &app::inbound(config), &lead, &key, output, out).await
            })?;
        }
        Command::Suppress { ask } => return suppress(config, ask, output, out, console).await,
        Command::Dead { ask } => return dead(config, ask, output, out).await,
        // Answered before, without waiting for anything.
        Command::Config { .. } | Command::Schema { .. } | Command::Demo { .. } | Command::Replay(_) => {}
    }
    Ok(Outcome::Done)
}

fn replay(
    config: &Config,
    ask: ask::ReplayAsk,
    output: Output,
    out: &mut impl Write,
    console: &mut Console,
) -> Result<Outcome> {
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
    let (summary, compared) = commands::replay::run(&options, app::virtual_env(config, policy), console)?;
    match output {
        Output::Table => {
            let (events, leads, refused) = (summary.events, summary.leads, summary.refused);
            let tasks: u64 = summary.tasks.values().sum();
            writeln!(out, "{events} events of {leads} leads made {tasks} messages; {refused} events were refused.")?;
            for (kind, count) in &summary.tasks {
                writeln!(out, "  {kind:<24} {count}")?;
            }
            writeln!(out, "The results are in {}.", options.out.display())?;
            if refused > 0 {
                writeln!(out, "Why events were refused, line by line, is in rejected.jsonl there.")?;
            }
            if let (Some(compared), Some(other)) = (compared, &options.compare) {
                compared.write(out, other)?;
            }
        }
        Output::Json | Output::Jsonl => {
            let mut told = json!(summary);
            if let Some(compared) = compared {
                told["compare"] = compared.json();
            }
            writeln!(out, "{told}")?;
        }
    }
    Ok(Outcome::Done)
}

async fn migrate(config: &Config, output: Output, out: &mut impl Write) -> Result<()> {
    let (address, epoch) = (config.store.url.to_string(), config.id.epoch.as_deref());
    match config.profile {
        Profile::Embedded => {
            let store = app::new_sqlite(config)?;
            commands::migrate::run(&store, &address, epoch, output, out).await?;
            store.close().await;
        }
        Profile::Production => commands::migrate::run(&app::postgres(config)?, &address, epoch, output, out).await?,
    }
    Ok(())
}

async fn policy(
    config: &Config,
    ask: PolicyAsk,
    output: Output,
    out: &mut impl Write,
    console: &mut Console,
) -> Result<()> {
    let configured = config.policy.dir.as_deref();
    let read = |dir: Option<&Path>| -> Result<_> {
        let dir = dir.or(configured);
        Ok((app::files_of(dir)?, app::policy_in(dir, config.contact.fictional)?))
    };
    match ask {
        PolicyAsk::Check { dir } => {
            let (_, policy) = read(dir.as_deref())?;
            let from = dir.as_deref().or(configured);
            let from = from.map_or_else(|| "compiled in".to_owned(), |dir| format!("in {}", dir.display()));
            commands::policy::check(&policy, &from, output, out)
        }
        PolicyAsk::Apply { dir } => {
            let (files, policy) = read(dir.as_deref())?;
            with_store!(config, |store| commands::policy::apply(&store, files, &policy, output, out).await)
        }
        PolicyAsk::Diff { dir } => {
            let (files, other) = read(dir.as_deref())?;
            let before = app::files_of(configured)?;
            with_store!(config, |store| {
                let reader = app::reader(config, store).await?;
                commands::policy::diff(&reader, &before, &files, &other, output, out, console).await
            })
        }
        PolicyAsk::Show { file: None } => {
            let (_, policy) = read(None)?;
            match app::missing_database(config) {
                None => with_store!(config, |store| commands::policy::show(&store, &policy, output, out).await),
                Some(path) => commands::policy::show_unapplied(&policy, &path, output, out),
            }
        }
        PolicyAsk::Show { file: Some(file) } => {
            let applied = match app::missing_database(config) {
                None => with_store!(config, |store| commands::policy::applied(&store).await)?,
                Some(path) => {
                    // Whoever edits it must know what it is.
                    let there = path.display();
                    console.remark(&format!("there is no database at {there}; this is the configured policy."));
                    None
                }
            };
            let (files, hash) = match applied {
                Some(applied) => applied,
                None => read(None).map(|(files, policy)| (files, policy.hash.clone()))?,
            };
            commands::policy::show_file(&files, &hash, &file, output, out)
        }
    }
}

async fn suppress(
    config: &Config,
    ask: SuppressAsk,
    output: Output,
    out: &mut impl Write,
    console: &mut Console,
) -> Result<Outcome> {
    with_store!(config, |store| {
        let reader = app::reader(config, store).await?;
        match ask {
            SuppressAsk::Add { key, channels } => {
                commands::suppress::add(&reader, &key, &channels, output, out).await?
            }
            SuppressAsk::List { key } => {
                commands::suppress::list(&reader, key.as_deref(), output, out).await?;
            }
            SuppressAsk::Import { file, channels } => {
                let input = input(&file)?;
                if !commands::suppress::import(&reader, input, &channels, output, out, console).await? {
                    return Ok(Outcome::NotAll);
                }
            }
        }
        Ok(Outcome::Done)
    })
}

async fn dead(config: &Config, ask: DeadAsk, output: Output, out: &mut impl Write) -> Result<Outcome> {
    with_queue!(config, |queue| match ask {
        DeadAsk::List { limit } => {
            commands::dead::list(&queue, limit, output, out).await.map(|()| Outcome::Done)
        }
        DeadAsk::Show { key } => {
            commands::dead::show(&queue, &key, output, out).await.map(|()| Outcome::Done)
        }
        DeadAsk::Replay(which) => commands::dead::act(&queue, &which_of(which), DeadAction::Replay, output, out).await,
        DeadAsk::Drop(which) => commands::dead::act(&queue, &which_of(which), DeadAction::Drop, output, out).await,
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
