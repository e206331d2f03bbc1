//! The queue on RabbitMQ 3.10 and later, through lapin.
//!
//! `topology` says what there is and `declare` makes it; `session` is one connection with bounds on everything.
//! `consume` receives events and `settle` acknowledges them. `publish` sends over the one `line`, a `window` at a time;
//! `properties` and `headers` turn our messages into AMQP's and back. `dead` looks after what was set aside, `depths` counts.
//!
//! Consuming and publishing have connections of their own: the broker stops reading from one that publishes while it
//! has an alarm, and acknowledgements must not stop with it.

mod about;
mod consume;
mod dead;
mod declare;
mod depths;
mod headers;
mod line;
mod properties;
mod publish;
mod rights;
mod session;
mod settings;
mod settle;
mod topology;
mod window;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use lapin::BasicProperties;
use lapin::uri::AMQPUri;

use super::{DeadAction, DeadLetter, DeadLetterView, Depth, EventMessage, Published, Queue, QueueError, TaskMessage};
pub use consume::RabbitConsumer;
pub use declare::Difference;
pub use rights::Rights;
pub use settings::RabbitSettings;
pub use topology::{Argument, Binding, Exchange, QueueSpec, Topology};

/// A log filter that belongs to this module. lapin logs returned messages whole, with the personal data in them, and the
/// address it connects to, with the password; its errors all come back to us and are told where they are settled.
pub const LOG_FILTER: &str = "lapin=off,amq_protocol_tcp=off,amq_protocol=off";

/// RabbitMQ as a [`Queue`]. Clones share one publishing connection, opened when first needed; every consumer has its own.
#[derive(Clone)]
pub struct RabbitMq {
    shared: Arc<Shared>,
    publisher: Arc<publish::Publisher>,
}

/// What every connection of one [`RabbitMq`] knows.
struct Shared {
    settings: RabbitSettings,
    uri: AMQPUri,
    topology: Topology,
    /// Counts the consumers opened.
    generations: AtomicU64,
    /// Whether the topology was declared and nothing has hinted since that a part of it is gone.
    declared: AtomicBool,
    /// Counts the publishing connections opened.
    lines: AtomicU64,
}

impl Shared {
    fn next_generation(&self) -> u64 {
        self.generations.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn is_declared(&self) -> bool {
        self.declared.load(Ordering::Relaxed)
    }

    fn set_declared(&self) {
        self.declared.store(true, Ordering::Relaxed);
    }

    /// Something that should be there is not: the next connection declares it all again.
    fn declare_again(&self) {
        self.declared.store(false, Ordering::Relaxed);
    }
}

impl RabbitMq {
    /// Reads the settings; nothing is connected yet.
    ///
    /// # Errors
    /// [`QueueError::Refused`] where the address cannot be read.
    pub fn new(settings: RabbitSettings) -> Result<RabbitMq, QueueError> {
        let uri = settings.uri()?;
        let topology = topology::describe(&settings.prefix, &settings.overrides)?;
        let shared = Arc::new(Shared {
            settings,
            uri,
            topology,
            generations: AtomicU64::new(0),
            declared: AtomicBool::new(false),
            lines: AtomicU64::new(0),
        });
        Ok(RabbitMq { publisher: Arc::new(publish::Publisher::new(shared.clone())), shared })
    }

    /// The exchanges, queues and bindings that belong to these settings.
    pub fn topology(&self) -> &Topology {
        &self.shared.topology
    }

    /// How the broker's exchanges and queues differ from [`RabbitMq::topology`].
    /// Bindings cannot be read over AMQP; [`RabbitMq::apply_topology`] makes them.
    ///
    /// # Errors
    /// Those of a connection.
    pub async fn check_topology(&self) -> Result<Vec<Difference>, QueueError> {
        let session = session::Session::open(&self.shared, "topology").await?;
        let found = declare::check(&self.shared.topology, &session).await;
        session.end().await;
        found
    }

    /// Makes what is missing; what exists with other arguments stays as it is.
    ///
    /// # Errors
    /// Those of a connection, and [`QueueError::Refused`] where something exists with other arguments.
    pub async fn apply_topology(&self) -> Result<(), QueueError> {
        let session = session::Session::open(&self.shared, "topology").await?;
        let applied = declare::declare(&self.shared.topology, &session).await;
        session.end().await;
        applied
    }
}

impl Queue for RabbitMq {
    type Raw = BasicProperties;
    type Consumer = RabbitConsumer;

    async fn consume(&self, prefetch: u16) -> Result<RabbitConsumer, QueueError> {
        RabbitConsumer::open(self.shared.clone(), prefetch.max(1)).await
    }

    async fn publish(&self, messages: Vec<TaskMessage>) -> Vec<Published> {
        self.publisher.tasks(&messages).await
    }

    async fn bury(&self, letters: Vec<DeadLetter<BasicProperties>>) -> Result<(), QueueError> {
        self.publisher.letters(&letters).await
    }

    async fn send_events(&self, events: Vec<EventMessage>) -> Result<(), QueueError> {
        self.publisher.events(&events).await
    }

    async fn visit_dead(
        &self,
        limit: usize,
        choose: &mut (dyn FnMut(&DeadLetterView) -> DeadAction + Send),
    ) -> Result<usize, QueueError> {
        dead::visit(&self.shared, &self.publisher, limit, choose).await
    }

    async fn depths(&self) -> Result<Vec<Depth>, QueueError> {
        self.publisher.depths().await
    }

    fn opened(&self) -> u64 {
        self.shared.lines.load(Ordering::Relaxed)
    }

    async fn close(&self) {
        self.publisher.close().await;
    }
}
