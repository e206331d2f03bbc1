//! `gleaner topology`: what there should be at the broker: printed, compared with what there is, or made.

use std::io::Write;

use anyhow::{Context, Result};
use serde_json::json;

use super::{Outcome, Output, Usage};
use crate::app;
use crate::config::{Config, Profile};

/// What to do with the topology.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Print,
    Diff,
    Apply,
}

/// Prints, compares or applies.
///
/// # Errors
/// The broker does not answer, or refuses.
pub async fn run(config: &Config, action: Action, output: Output, out: &mut impl Write) -> Result<Outcome> {
    if config.profile == Profile::Embedded {
        let why = "the embedded profile has no broker; set `profile` to \"production\" to see its topology";
        return Err(Usage(why.to_owned()).into());
    }
    let broker = app::rabbit(config)?;
    match action {
        Action::Print => {
            match output {
                Output::Table => write!(out, "{}", broker.topology())?,
                Output::Json | Output::Jsonl => writeln!(out, "{}", json!(broker.topology()))?,
            }
            Ok(Outcome::Done)
        }
        Action::Diff => {
            let context = || format!("cannot compare the topology at {}", config.queue.url);
            let differences = broker.check_topology().await.with_context(context)?;
            let differences: Vec<String> = differences.iter().map(ToString::to_string).collect();
            match output {
                Output::Table if differences.is_empty() => {
                    writeln!(out, "Exchanges and queues are as they should be. (Bindings cannot be read over AMQP.)")?;
                }
                Output::Table => differences.iter().try_for_each(|difference| writeln!(out, "{difference}"))?,
                Output::Json | Output::Jsonl => writeln!(out, "{}", json!({ "differences": differences }))?,
            }
            Ok(if differences.is_empty() { Outcome::Done } else { Outcome::NotAll })
        }
        Action::Apply => {
            let context = || format!("cannot apply the topology at {}", config.queue.url);
            broker.apply_topology().await.with_context(context)?;
            let topology = broker.topology();
            let (exchanges, queues, bindings) =
                (topology.exchanges.len(), topology.queues.len(), topology.bindings.len());
            match output {
                Output::Table => {
                    writeln!(out, "{exchanges} exchanges, {queues} queues and {bindings} bindings are there.")?
                }
                Output::Json | Output::Jsonl => {
                    writeln!(out, "{}", json!({ "exchanges": exchanges, "queues": queues, "bindings": bindings }))?;
                }
            }
            Ok(Outcome::Done)
        }
    }
}
