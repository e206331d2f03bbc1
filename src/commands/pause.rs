//! `gleaner pause` and `gleaner resume`: the kill switch, held in the database and obeyed by all workers.

use std::io::Write;

use anyhow::{Result, bail};
use serde_json::json;

use super::{Output, Usage};
use crate::control::{self, Pauses, Since};
use crate::queue::TASK_QUEUES;
use crate::store::Store;

/// Pauses everything, or one queue.
///
/// # Errors
/// No such queue, or the database does not answer.
pub async fn pause<S: Store>(store: &S, queue: Option<&str>, output: Output, out: &mut impl Write) -> Result<()> {
    let queue = queue.map(known).transpose()?;
    let now = store.info().await?.now;
    let pauses = control::change::<Pauses>(store, |pauses| match queue {
        None => drop(pauses.all.get_or_insert(now)),
        Some(queue) => drop(pauses.queues.entry(queue.to_owned()).or_insert(Since(now))),
    })
    .await?;
    tell(&pauses, output, out)
}

/// Ends the pause of everything, or of one queue. Queues that were paused one by one stay so until they are named.
///
/// # Errors
/// No such queue, all are to go on and single ones stay paused, or the database does not answer.
pub async fn resume<S: Store>(store: &S, queue: Option<&str>, output: Output, out: &mut impl Write) -> Result<()> {
    let queue = queue.map(known).transpose()?;
    let mut was_paused = false;
    let pauses = control::change::<Pauses>(store, |pauses| {
        was_paused = match queue {
            None => pauses.all.take().is_some(),
            Some(queue) => pauses.queues.remove(queue).is_some(),
        };
    })
    .await?;
    if !was_paused {
        // It is as it is wanted, save where somebody thinks that everything goes on and it does not.
        match queue {
            None if pauses.queues.is_empty() => {}
            None => bail!("only single queues are paused ({}): name the one to resume", listed(&pauses)),
            Some(queue) if output == Output::Table => writeln!(out, "The queue {queue} was not paused.")?,
            Some(_) => {}
        }
    }
    if was_paused && queue.is_none() && !pauses.queues.is_empty() && output == Output::Table {
        writeln!(out, "Everything goes on within a second, but for what is paused by itself.")?;
    }
    tell(&pauses, output, out)
}

fn known(queue: &str) -> Result<&'static str, Usage> {
    let suffix = queue.rsplit_once("tasks.").map_or(queue, |(_, suffix)| suffix);
    let found = TASK_QUEUES.iter().find(|q| q.suffix == suffix);
    found.map(|q| q.suffix).ok_or_else(|| {
        let all: Vec<&str> = TASK_QUEUES.iter().map(|q| q.suffix).collect();
        Usage(format!("there is no task queue {queue:?}; the queues are {}", all.join(", ")))
    })
}

fn listed(pauses: &Pauses) -> String {
    Vec::from_iter(pauses.queues.keys().map(String::as_str)).join(", ")
}

fn tell(pauses: &Pauses, output: Output, out: &mut impl Write) -> Result<()> {
    if output != Output::Table {
        let queues: Vec<_> =
            pauses.queues.iter().map(|(q, s)| json!({ "queue": q, "since": s.0.to_string() })).collect();
        let all = pauses.all.map(|at| at.to_string());
        writeln!(out, "{}", json!({ "all": all, "queues": queues }))?;
        return Ok(());
    }
    match pauses.all {
        Some(at) => writeln!(
            out,
            "Everything is paused since {at}: leads are scored, no task is made. Every worker obeys within a second. What \
             is in the desks' queues already is theirs to stop."
        )?,
        None if pauses.queues.is_empty() => writeln!(
            out,
            "Nothing is paused. Every worker goes on within a second; what fell due meanwhile leaves at the pace of \
             act.max_tasks_per_queue_per_minute."
        )?,
        None => {}
    }
    for (queue, since) in &pauses.queues {
        writeln!(out, "The queue {queue} is paused since {}: nothing is sent there.", since.0)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_is_named_by_its_suffix_or_in_full() {
        assert_eq!(known("calls-now").unwrap(), "calls-now");
        assert_eq!(known("eu.tasks.nurture").unwrap(), "nurture");
        assert!(known("call").unwrap_err().to_string().contains("calls-now, calls"));
    }
}
