//! The exchanges, queues and bindings of a deployment as plain data, the same for the worker and for the command
//! `gleaner topology`. What is done with them at a broker is in `declare`.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::queue::{Overrides, QueueError, Routes};

/// Deliveries after which the broker may set a message aside, where looking must never do that: 10 looks a second
/// reach it after a day. An explicit number, since -1 destroys messages on RabbitMQ 3.10 and none means 20 on 4.x.
const LOOKS_ALLOWED: i64 = 1_000_000;

/// Dead tasks kept for whoever wants to see why a desk rejects them; the truth about tasks is in the database.
const DEAD_TASKS_KEPT: i64 = 100_000;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Topology {
    pub exchanges: Vec<Exchange>,
    pub queues: Vec<QueueSpec>,
    pub bindings: Vec<Binding>,
    /// Standard bindings that this deployment replaced: taken away where an earlier set-up left them.
    pub unbindings: Vec<Binding>,
    #[serde(skip)]
    pub names: Names,
    #[serde(skip)]
    pub routes: Routes,
}

/// A durable exchange.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Exchange {
    pub name: String,
    /// `topic` or `fanout`.
    pub kind: &'static str,
    pub arguments: BTreeMap<&'static str, Argument>,
}

/// A durable quorum queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct QueueSpec {
    pub name: String,
    pub arguments: BTreeMap<&'static str, Argument>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Binding {
    pub exchange: String,
    pub queue: String,
    pub routing_key: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Argument {
    Number(i64),
    Text(String),
}

/// The names that publishing and consuming need, with the prefix.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Exchange for events.
    pub leads: String,
    pub events_queue: String,
    /// Exchange for what is set aside, and its queue.
    pub dead: String,
    pub dead_queue: String,
    /// Exchange for tasks.
    pub tasks: String,
}

/// The topology of a deployment.
///
/// # Errors
/// [`QueueError::Refused`] where a name or a routing key would be longer than AMQP's 255 bytes.
pub fn describe(prefix: &str, overrides: &Overrides) -> Result<Topology, QueueError> {
    let name = |base: &str| format!("{prefix}{base}");
    let names = Names {
        leads: name("leads"),
        events_queue: name("gleaner.events"),
        dead: name("gleaner.dead"),
        dead_queue: name("gleaner.dead-events"),
        tasks: name("tasks"),
    };
    let (unrouted, dead_tasks) = (name("gleaner.unrouted"), name("tasks.dead"));
    let exchange = |name: &str, kind, arguments: &[(&'static str, Argument)]| Exchange {
        name: name.to_string(),
        kind,
        arguments: arguments.iter().cloned().collect(),
    };
    let queue = |name: &str, limit: i64, arguments: &[(&'static str, Argument)]| {
        let mut all = BTreeMap::from([("x-queue-type", text("quorum")), ("x-delivery-limit", Argument::Number(limit))]);
        all.extend(arguments.iter().cloned());
        QueueSpec { name: name.to_string(), arguments: all }
    };
    let bind = |exchange: &str, queue: &str, routing_key: &str| Binding {
        exchange: exchange.to_string(),
        queue: queue.to_string(),
        routing_key: routing_key.to_string(),
    };

    let routes = Routes::with(&overrides.bindings);
    let mut topology = Topology {
        exchanges: vec![
            exchange(&unrouted, "fanout", &[]),
            exchange(&names.leads, "topic", &[("alternate-exchange", text(&unrouted))]),
            exchange(&names.dead, "fanout", &[]),
            // No alternate exchange here: it would swallow the return that tells of an unroutable task.
            exchange(&names.tasks, "topic", &[]),
            exchange(&dead_tasks, "fanout", &[]),
        ],
        queues: vec![
            queue(&unrouted, LOOKS_ALLOWED, &[]),
            queue(
                &names.events_queue,
                overrides.event_delivery_limit.max(1).into(),
                &[
                    ("x-dead-letter-exchange", text(&names.dead)),
                    // The broker keeps the original until the dead queue has confirmed it; it asks for
                    // reject-publish, which says nothing here, since no length is limited.
                    ("x-dead-letter-strategy", text("at-least-once")),
                    ("x-overflow", text("reject-publish")),
                ],
            ),
            queue(&names.dead_queue, LOOKS_ALLOWED, &[]),
            queue(&dead_tasks, LOOKS_ALLOWED, &[("x-max-length", Argument::Number(DEAD_TASKS_KEPT))]),
        ],
        bindings: vec![
            bind(&unrouted, &unrouted, ""),
            bind(&names.leads, &names.events_queue, "#"),
            bind(&names.dead, &names.dead_queue, ""),
            bind(&dead_tasks, &dead_tasks, ""),
        ],
        unbindings: Vec::new(),
        names,
        routes: Routes::default(),
    };
    for (suffix, keys) in routes.iter() {
        let desk = name(&format!("tasks.{suffix}"));
        let limits = [
            ("x-max-length", Argument::Number(overrides.limit_of(suffix).into())),
            ("x-overflow", text("reject-publish")),
            ("x-dead-letter-exchange", text(&dead_tasks)),
        ];
        topology.queues.push(queue(&desk, LOOKS_ALLOWED, &limits));
        topology.bindings.extend(keys.iter().map(|key| bind(&topology.names.tasks, &desk, key)));
        let dropped = routes.dropped_keys(suffix);
        topology.unbindings.extend(dropped.iter().map(|key| bind(&topology.names.tasks, &desk, key)));
    }
    topology.routes = routes;
    fits_amqp(&topology)?;
    Ok(topology)
}

fn text(value: &str) -> Argument {
    Argument::Text(value.to_string())
}

fn fits_amqp(topology: &Topology) -> Result<(), QueueError> {
    let queues = topology.queues.iter().map(|queue| &queue.name);
    let keys = topology.bindings.iter().map(|binding| &binding.routing_key);
    match queues.chain(keys).find(|name| name.len() > 255) {
        Some(long) => Err(QueueError::Refused(format!("{long:?} is longer than the 255 bytes of a name in AMQP"))),
        None => Ok(()),
    }
}

impl fmt::Display for Topology {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Exchange { name, kind, arguments } in &self.exchanges {
            writeln!(f, "exchange {name} ({kind}){}", Listed(arguments))?;
        }
        for QueueSpec { name, arguments } in &self.queues {
            writeln!(f, "queue {name}{}", Listed(arguments))?;
        }
        for Binding { exchange, queue, routing_key } in &self.bindings {
            let key = if routing_key.is_empty() { "everything" } else { routing_key };
            writeln!(f, "binding {exchange} -> {queue}: {key}")?;
        }
        for Binding { exchange, queue, routing_key } in &self.unbindings {
            writeln!(f, "no binding {exchange} -> {queue}: {routing_key}")?;
        }
        Ok(())
    }
}

struct Listed<'a>(&'a BTreeMap<&'static str, Argument>);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in self.0 {
            match value {
                Argument::Number(number) => write!(f, " {name}={number}")?,
                Argument::Text(text) => write!(f, " {name}={text}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standard() -> Topology {
        describe("acme.", &Overrides::default()).unwrap()
    }

    #[test]
    fn every_queue_is_a_quorum_queue_with_an_explicit_positive_delivery_limit() {
        for queue in standard().queues {
            assert_eq!(queue.arguments["x-queue-type"], text("quorum"));
            let limit = if queue.name == "acme.gleaner.events" { 20 } else { 1_000_000 };
            assert_eq!(queue.arguments["x-delivery-limit"], Argument::Number(limit), "{}", queue.name);
        }
        // However the settings are mistaken: nought would set everything aside at once.
        let none = Overrides { event_delivery_limit: 0, task_queue_limit: 0, ..Overrides::default() };
        let shown = describe("", &none).unwrap().to_string();
        assert!(!shown.contains("=0") && !shown.contains("=-"), "{shown}");
    }

    #[test]
    fn the_exchange_for_tasks_has_no_alternate_and_the_one_for_events_has() {
        let exchanges = standard().exchanges;
        let arguments = |name: &str| &exchanges.iter().find(|exchange| exchange.name == name).unwrap().arguments;
        assert!(arguments("acme.tasks").is_empty());
        assert_eq!(arguments("acme.leads")["alternate-exchange"], text("acme.gleaner.unrouted"));
    }

    #[test]
    fn everything_dead_letters_to_somewhere_that_exists() {
        let topology = standard();
        for queue in &topology.queues {
            if let Some(Argument::Text(target)) = queue.arguments.get("x-dead-letter-exchange") {
                assert!(topology.exchanges.iter().any(|exchange| &exchange.name == target));
                assert!(topology.bindings.iter().any(|binding| &binding.exchange == target));
            }
        }
    }

    #[test]
    fn a_prefix_too_long_for_amqp_is_refused() {
        let told = describe(&"p".repeat(250), &Overrides::default()).unwrap_err().to_string();
        assert!(told.contains("longer than the 255 bytes"), "{told}");
    }

    #[test]
    fn it_can_be_printed_for_people_and_for_programs() {
        let shown = standard().to_string();
        assert!(shown.contains("exchange acme.leads (topic) alternate-exchange=acme.gleaner.unrouted"), "{shown}");
        assert!(shown.contains("binding acme.tasks -> acme.tasks.calls: task.revoked.calls"), "{shown}");
        let json = serde_json::to_value(standard()).unwrap();
        assert_eq!(json["queues"][1]["arguments"]["x-delivery-limit"], 20);
    }
}
