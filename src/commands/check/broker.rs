//! What `gleaner check` asks the queue: topology, rights, what waits there and who takes it.

use anyhow::anyhow;

use super::installation::size;
use super::{Findings, counted, sentence, set_aside};
use crate::app;
use crate::config::{Config, DEFAULT_BROKER};
use crate::queue::rabbitmq::{Difference, RabbitMq, Rights};
use crate::queue::{Depth, Queue};

/// What RabbitMQ lets through unless it is told otherwise (`max_message_size`): 128 MiB until 3.13, 16 MiB since 4.0. It
/// does not tell over AMQP what it was set to.
const LARGEST_BEFORE_4: u64 = 128 << 20;
const LARGEST_SINCE_4: u64 = 16 << 20;

pub async fn check(config: &Config, found: &mut Findings) {
    // Whoever connects as the worker does makes what is missing; a look must not.
    let mut looking = config.clone();
    looking.queue.declare = false;
    let broker = match app::rabbit(&looking) {
        Ok(broker) => broker,
        Err(error) => return found.wrong("broker", format!("{}: mend `queue.url` or AMQP_URL", sentence(&error))),
    };
    let differences = match broker.check_topology().await {
        Ok(differences) => differences,
        Err(error) => return found.wrong("broker", format!("{}: {}", config.queue.url, sentence(&anyhow!(error)))),
    };
    let server = broker.server().await;
    let named = server.as_ref().map_or(String::new(), |server| format!(": {server}"));
    found.ok("broker", format!("{} answers{named}", config.queue.url));
    if config.queue.url.expose() == DEFAULT_BROKER {
        found.note("broker", "this is the default address: neither AMQP_URL nor `queue.url` is set here");
    }
    message_size(config, server.as_deref(), found);
    topology(config, &differences, found);
    rights(&broker, found).await;
    match broker.depths().await {
        Ok(depths) => waiting(&depths, found),
        Err(error) => found.wrong("queues", format!("they cannot be counted: {}", sentence(&anyhow!(error)))),
    }
    broker.close().await;
}

/// A message over our limit is set aside, but it has to be received for that.
fn message_size(config: &Config, server: Option<&str>, found: &mut Findings) {
    let major = server.and_then(|server| server.rsplit(' ').next()?.split('.').next()?.parse::<u32>().ok());
    let ours = config.limits.body_bytes as u64;
    let Some(largest) = major.map(|major| if major < 4 { LARGEST_BEFORE_4 } else { LARGEST_SINCE_4 }) else { return };
    if largest > ours {
        found.note(
            "message size",
            format!(
                "unless max_message_size is set, this broker lets messages of {} through, and {} of them are held at a \
                 time (`queue.prefetch`), though more than {} are set aside: max_message_size = {ours} in rabbitmq.conf bounds it",
                size(largest),
                config.queue.prefetch,
                size(ours)
            ),
        );
    }
}

fn topology(config: &Config, differences: &[Difference], found: &mut Findings) {
    let forbidden = differences.iter().filter(|difference| matches!(difference, Difference::Forbidden(_))).count();
    if forbidden > 0 {
        match config.queue.declare {
            true => found.wrong(
                "topology",
                format!(
                    "this user may not declare {forbidden} of its exchanges and queues: give it the rights to configure and to read them, or set \
                     `queue.declare` to false and let somebody who may run `gleaner topology --apply`"
                ),
            ),
            false => found.note("topology", format!("{forbidden} of its exchanges and queues are there; whether they are as they should be only somebody who may configure can see")),
        }
    }
    let missing: Vec<&str> = differences.iter().filter_map(Difference::missing).collect();
    if !missing.is_empty() {
        let (count, names) = (missing.len(), missing.join(", "));
        match config.queue.declare {
            // The worker makes what is missing, and changes nothing that exists.
            true => found.note(
                "topology",
                format!("{count} missing, which `gleaner topology --apply` or the worker makes: {names}"),
            ),
            false => found.wrong(
                "topology",
                format!("{count} missing; let somebody who may configure run `gleaner topology --apply`: {names}"),
            ),
        }
    }
    for difference in differences {
        if let Difference::Otherwise(..) = difference {
            found.wrong(
                "topology",
                format!("{difference}; take back the change of settings here, or delete it when it is empty"),
            );
        }
    }
    if differences.is_empty() {
        found.ok("topology", "exchanges and queues are as they should be");
    }
}

async fn rights(broker: &RabbitMq, found: &mut Findings) {
    match broker.rights().await {
        Ok(Rights { missing, .. }) if !missing.is_empty() => found.wrong(
            "broker user",
            format!("it may not {}: `rabbitmqctl set_permissions`, as docs/security.md has it", missing.join(", nor ")),
        ),
        Ok(Rights { unknown, .. }) if !unknown.is_empty() => found.note(
            "broker user",
            format!("whether it may {} can be asked once that is there: check again then", unknown.join(", ")),
        ),
        Ok(_) => found.ok("broker user", "it may receive and publish what a worker does"),
        Err(error) => {
            found.wrong("broker user", format!("what it may do cannot be asked: {}", sentence(&anyhow!(error))))
        }
    }
}

fn waiting(depths: &[Depth], found: &mut Findings) {
    let of = |name: &str| depths.iter().find(|depth| depth.queue == name);
    if let Some(Depth { messages, consumers, .. }) = of("gleaner.events") {
        let says = format!("{} to be received", counted(*messages, "event"));
        match consumers {
            Some(0) => found.note("events", format!("{says}, and no worker runs")),
            Some(workers) => found.ok("events", format!("{says} by {}", counted(*workers, "worker"))),
            None => found.ok("events", says),
        }
    }
    for Depth { queue, messages, consumers } in depths {
        if queue.starts_with("tasks.") && queue != "tasks.dead" && *messages > 0 && *consumers == Some(0) {
            found.note("desks", format!("{} in {queue}, and nobody takes them", counted(*messages, "task")));
        }
    }
    set_aside(of("gleaner.dead-events").map_or(0, |depth| depth.messages), found);
    let lost = of("gleaner.unrouted").map_or(0, |depth| depth.messages);
    if lost > 0 {
        let says = format!(
            "{} in gleaner.unrouted, sent while no queue took them: docs/runbook.md, \"Events went nowhere\"",
            counted(lost, "event")
        );
        found.wrong("events", says);
    }
}

/// The queue file of the embedded profile.
pub async fn local(config: &Config, found: &mut Findings) {
    let queue = match app::local_queue(config).await {
        Ok(queue) => queue,
        Err(error) => return found.note("queue", sentence(&error)),
    };
    match queue.waiting().await {
        Ok(waiting) => {
            let tasks: u64 = waiting.tasks.values().sum();
            let (events, tasks) = (counted(waiting.events, "event"), counted(tasks, "task"));
            found.ok("queue", format!("{} holds {events} and {tasks}", config.queue.url));
            set_aside(waiting.dead, found);
        }
        Err(error) => found.wrong("queue", format!("{}: {}", config.queue.url, sentence(&anyhow!(error)))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn events_that_no_queue_took_are_told_with_where_they_are() {
        let of = |unrouted: u64| {
            let mut found = Findings::default();
            let depth = |queue: &str, messages| Depth { queue: queue.into(), messages, consumers: Some(1) };
            waiting(&[depth("gleaner.events", 0), depth("gleaner.unrouted", unrouted)], &mut found);
            found.0.into_iter().find(|finding| finding.state == State::Wrong).map(|finding| finding.says)
        };
        assert_eq!(of(0), None);
        assert!(of(3).unwrap().starts_with("3 events in gleaner.unrouted"), "{:?}", of(3));
    }
}
