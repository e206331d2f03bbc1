//! `gleaner check`: whether everything is in place, in plain words, and what to do where it is not.
//!
//! Looks only; nothing is made or changed. What cannot be looked at is wrong, what is merely not there yet is noted.
//! What is looked at stands in `installation` (this machine), `database` and `broker`.

mod broker;
mod database;
mod installation;

use std::io::Write;

use anyhow::Result;
use serde::Serialize;

use super::{Outcome, Output, counted, sentence, write_json};
use crate::app;
use crate::config::{Config, Profile};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Ok,
    /// Worth knowing; nothing has to be done.
    Note,
    Wrong,
}

#[derive(Debug, Serialize)]
struct Finding {
    what: &'static str,
    state: State,
    says: String,
}

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn ok(&mut self, what: &'static str, says: impl Into<String>) {
        self.0.push(Finding { what, state: State::Ok, says: says.into() });
    }
    fn note(&mut self, what: &'static str, says: impl Into<String>) {
        self.0.push(Finding { what, state: State::Note, says: says.into() });
    }
    fn wrong(&mut self, what: &'static str, says: impl Into<String>) {
        self.0.push(Finding { what, state: State::Wrong, says: says.into() });
    }
}

/// Checks everything and says what it found.
///
/// # Errors
/// The answer cannot be written.
pub async fn run(config: &Config, output: Output, out: &mut impl Write) -> Result<Outcome> {
    let mut found = Findings::default();
    found.ok("configuration", format!("right; the profile is {}", config.profile.name()));
    installation::check(config, &mut found);
    match config.profile {
        Profile::Embedded => {
            match app::sqlite(config) {
                Ok(store) => database::check(config, &store, &mut found).await,
                Err(error) => found.note("database", sentence(&error)),
            }
            broker::local(config, &mut found).await;
        }
        Profile::Production => {
            match app::postgres(config) {
                Ok(store) => match store.reach().await {
                    Ok(()) => {
                        database::check(config, &store, &mut found).await;
                        database::server(config, &store, &mut found).await;
                    }
                    Err(error) => database::unreachable(config, error, &mut found),
                },
                Err(error) => found.wrong(
                    "database",
                    format!(
                        "{}: mend `store.url` or DATABASE_URL (in a password write all but letters and digits as %2f and so on)",
                        sentence(&error)
                    ),
                ),
            }
            broker::check(config, &mut found).await;
        }
    }
    match output {
        Output::Table => {
            for Finding { what, state, says } in &found.0 {
                let mark = match state {
                    State::Ok => "ok",
                    State::Note => "note",
                    State::Wrong => "WRONG",
                };
                writeln!(out, "{mark:<6} {what:<14} {says}")?;
            }
        }
        Output::Json | Output::Jsonl => write_json(out, &found.0, output)?,
    }
    let is_wrong = found.0.iter().any(|finding| finding.state == State::Wrong);
    Ok(if is_wrong { Outcome::NotAll } else { Outcome::Done })
}

/// Messages that were set aside.
fn set_aside(letters: u64, found: &mut Findings) {
    match letters {
        0 => found.ok("set aside", "nothing"),
        _ => found.note("set aside", format!("{}; `gleaner dead list` says why", counted(letters, "message"))),
    }
}
