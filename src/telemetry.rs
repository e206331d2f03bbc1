//! What an operator watches: the log on standard error and the numbers at `/metrics`.
//!
//! Only how they are written lives here; what is worth a line or a count is decided where it happens. No number has a
//! lead, an address or an id as a label: labels come from closed sets, so that the count of series is bounded.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::fmt::MakeWriter;

use crate::config::{Log, LogFormat};

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// Whether a text is a level, or levels by part separated by commas ("info,gleaner::worker=debug").
///
/// Stricter than the filter itself, which takes a level with a typing error for the name of a part.
pub fn is_filter(text: &str) -> bool {
    let is_part = |part: &str| match part.rsplit_once('=') {
        Some((target, level)) => !target.is_empty() && LEVELS.contains(&level),
        None => LEVELS.contains(&part),
    };
    text.split(',').all(is_part) && EnvFilter::builder().parse(text).is_ok()
}

#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("`log.level` is no filter")]
    Level(#[from] ParseError),
    #[error("a log is already being written in this process")]
    Twice(#[from] tracing::subscriber::SetGlobalDefaultError),
}

/// Starts the log of this process, on standard error: standard output belongs to what a command answers.
///
/// # Errors
/// If a log was started before; tests that start none need not call this.
pub fn start_log(log: &Log) -> Result<(), LogError> {
    let colour = std::io::stderr().is_terminal();
    tracing::subscriber::set_global_default(subscriber(log, colour, std::io::stderr)?)?;
    Ok(())
}

type AnySubscriber = Box<dyn Subscriber + Send + Sync>;

fn subscriber<W>(log: &Log, colour: bool, writer: W) -> Result<AnySubscriber, ParseError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let filter = EnvFilter::builder().parse(&log.level)?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
    Ok(match log.format {
        LogFormat::Text => Box::new(lines.with_ansi(colour).finish()),
        LogFormat::Json => Box::new(lines.json().flatten_event(true).finish()),
    })
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventOutcome {
    Applied,
    Duplicate,
    /// Set aside; [`Metrics::refused`] counts why.
    Refused,
    /// Will be tried again; not a final outcome.
    Retried,
}

impl EventOutcome {
    pub const ALL: [EventOutcome; 4] =
        [EventOutcome::Applied, EventOutcome::Duplicate, EventOutcome::Refused, EventOutcome::Retried];
    pub fn name(self) -> &'static str {
        match self {
            EventOutcome::Applied => "applied",
            EventOutcome::Duplicate => "duplicate",
            EventOutcome::Refused => "refused",
            EventOutcome::Retried => "retried",
        }
    }
}

/// What the broker said to one attempt at publishing a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublishOutcome {
    Confirmed,
    Unroutable,
    Refused,
    Unknown,
}

impl PublishOutcome {
    pub const ALL: [PublishOutcome; 4] =
        [PublishOutcome::Confirmed, PublishOutcome::Unroutable, PublishOutcome::Refused, PublishOutcome::Unknown];
    pub fn name(self) -> &'static str {
        match self {
            PublishOutcome::Confirmed => "confirmed",
            PublishOutcome::Unroutable => "unroutable",
            PublishOutcome::Refused => "refused",
            PublishOutcome::Unknown => "unknown",
        }
    }
}

/// A connection that is rebuilt when it breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// Where events come from.
    Events,
    /// Where tasks go to.
    Tasks,
    Database,
}

impl Peer {
    pub const ALL: [Peer; 3] = [Peer::Events, Peer::Tasks, Peer::Database];
    pub fn name(self) -> &'static str {
        match self {
            Peer::Events => "events",
            Peer::Tasks => "tasks",
            Peer::Database => "database",
        }
    }
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct EventLabels {
    r#type: &'static str,
    outcome: &'static str,
}
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct TaskLabels {
    r#type: &'static str,
    state: &'static str,
}
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ReasonLabel {
    reason: &'static str,
}
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct PoolLabel {
    pool: &'static str,
}
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OutcomeLabel {
    outcome: &'static str,
}
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct PeerLabel {
    peer: &'static str,
}

type Seconds = Gauge<f64, AtomicU64>;

/// The numbers of one process. Clones count together.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Arc<Registry>,
    events: Family<EventLabels, Counter>,
    refusals: Family<ReasonLabel, Counter>,
    tasks: Family<TaskLabels, Counter>,
    batch_events: Histogram,
    step: Histogram,
    outbox_rows: Gauge,
    outbox_oldest: Seconds,
    wakeup_lag: Seconds,
    pool_denials: Family<PoolLabel, Counter>,
    publishes: Family<OutcomeLabel, Counter>,
    reconnects: Family<PeerLabel, Counter>,
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics::new()
    }
}

impl Metrics {
    /// What [`Metrics::encode`] writes, for the header of an answer.
    pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    pub fn new() -> Metrics {
        let mut metrics = Metrics {
            registry: Arc::default(),
            events: Family::default(),
            refusals: Family::default(),
            tasks: Family::default(),
            // worker.batch_size is at most 10,000.
            batch_events: Histogram::new([
                1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0,
            ]),
            // A step of 500 events takes 20 to 50 ms; past the 5 s of a statement's own limit it has failed.
            step: Histogram::new([0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0]),
            outbox_rows: Gauge::default(),
            outbox_oldest: Gauge::default(),
            wakeup_lag: Gauge::default(),
            pool_denials: Family::default(),
            publishes: Family::default(),
            reconnects: Family::default(),
        };
        // A counter that appears with its first failure hides that failure from rate(): the closed sets start at 0.
        for outcome in PublishOutcome::ALL {
            drop(metrics.publishes.get_or_create(&OutcomeLabel { outcome: outcome.name() }));
        }
        for peer in Peer::ALL {
            drop(metrics.reconnects.get_or_create(&PeerLabel { peer: peer.name() }));
        }
        metrics.registry = Arc::new(metrics.register());
        metrics
    }

    fn register(&self) -> Registry {
        let mut r = Registry::with_prefix("gleaner");
        r.register("build", "The program that is running", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        r.register("events", "Events received, by type and what became of them", self.events.clone());
        r.register("refusals", "Events set aside, by reason", self.refusals.clone());
        r.register("tasks", "Tasks that entered a state, by type and state", self.tasks.clone());
        r.register("batch_events", "Events in one transaction", self.batch_events.clone());
        r.register_with_unit("step", "Time of one transaction from load to commit", Unit::Seconds, self.step.clone());
        r.register("outbox_rows", "Tasks stored and not yet confirmed by the broker", self.outbox_rows.clone());
        r.register_with_unit(
            "outbox_oldest_age",
            "Age of the oldest task in the outbox that may be published",
            Unit::Seconds,
            self.outbox_oldest.clone(),
        );
        r.register_with_unit(
            "wakeup_lag",
            "How late the oldest due wake-up is",
            Unit::Seconds,
            self.wakeup_lag.clone(),
        );
        r.register("pool_denials", "Claims on something scarce that were denied, by pool", self.pool_denials.clone());
        r.register("publishes", "Attempts at publishing a task, by what the broker said", self.publishes.clone());
        r.register("reconnects", "Connections rebuilt, by what they lead to", self.reconnects.clone());
        r
    }

    /// `kind` is the event's type, or "unknown" for what could not be read: never the sender's own text.
    pub fn event(&self, kind: &'static str, outcome: EventOutcome) {
        self.events.get_or_create(&EventLabels { r#type: kind, outcome: outcome.name() }).inc();
    }
    pub fn refused(&self, reason: &'static str) {
        self.refusals.get_or_create(&ReasonLabel { reason }).inc();
    }
    pub fn task(&self, kind: &'static str, state: &'static str) {
        self.tasks.get_or_create(&TaskLabels { r#type: kind, state }).inc();
    }
    /// One committed transaction.
    pub fn step(&self, events: usize, took: Duration) {
        self.batch_events.observe(events as f64);
        self.step.observe(took.as_secs_f64());
    }
    pub fn outbox(&self, rows: u64, oldest_age: Duration) {
        self.outbox_rows.set(i64::try_from(rows).unwrap_or(i64::MAX));
        self.outbox_oldest.set(oldest_age.as_secs_f64());
    }
    pub fn wakeup_lag(&self, lag: Duration) {
        self.wakeup_lag.set(lag.as_secs_f64());
    }
    pub fn pool_denied(&self, pool: &'static str) {
        self.pool_denials.get_or_create(&PoolLabel { pool }).inc();
    }
    pub fn published(&self, outcome: PublishOutcome) {
        self.publishes.get_or_create(&OutcomeLabel { outcome: outcome.name() }).inc();
    }
    pub fn reconnected(&self, peer: Peer) {
        self.reconnects.get_or_create(&PeerLabel { peer: peer.name() }).inc();
    }

    /// All numbers as OpenMetrics text, which Prometheus reads.
    pub fn encode(&self) -> String {
        let mut text = String::new();
        if let Err(error) = encode(&mut text, &self.registry) {
            // Cannot happen while writing to memory; half an answer would look like counters that went away.
            tracing::error!(%error, "the metrics could not be written");
            text.clear();
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Mutex;

    use super::*;

    #[derive(Clone, Default)]
    struct Memory(Arc<Mutex<Vec<u8>>>);
    impl io::Write for Memory {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn written(format: LogFormat, level: &str) -> String {
        let memory = Memory::default();
        let writer = memory.clone();
        let log = Log { format, level: level.to_owned() };
        let subscriber = subscriber(&log, false, move || writer.clone()).unwrap();
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(reason = "too_large", "message set aside");
            tracing::debug!("detail");
        });
        String::from_utf8(memory.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn a_json_log_is_one_object_a_line_with_the_fields_at_the_top() {
        let text = written(LogFormat::Json, "info");
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (&line["level"], &line["message"], &line["reason"]),
            (&"INFO".into(), &"message set aside".into(), &"too_large".into())
        );
        assert!(line["timestamp"].as_str().unwrap().ends_with('Z'));
    }

    #[test]
    fn a_text_log_has_no_colours_where_nobody_sees_them_and_keeps_to_its_level() {
        let text = written(LogFormat::Text, "info");
        assert!(text.contains("message set aside reason=\"too_large\"") && !text.contains('\u{1b}'), "{text}");
        assert_eq!(text.lines().count(), 1);
        assert_eq!(written(LogFormat::Text, "warn,gleaner::telemetry=debug").lines().count(), 2);
    }

    #[test]
    fn a_level_with_a_typing_error_is_no_filter() {
        for good in ["info", "off", "info,gleaner::worker=debug", "debug,gleaner[step]=trace"] {
            assert!(is_filter(good), "{good}");
        }
        for bad in
            ["", "loud", "inof", "info,", "gleaner=loud", "=info", "gleaner::worker", "INFO ", "warn, sqlx=error"]
        {
            assert!(!is_filter(bad), "{bad}");
        }
    }

    #[test]
    fn numbers_are_counted_under_the_name_of_the_program_in_base_units() {
        let m = Metrics::new();
        m.event("lead.captured", EventOutcome::Applied);
        m.clone().event("lead.captured", EventOutcome::Applied);
        m.refused("too_large");
        m.task("task.follow_up", "handed");
        m.step(200, Duration::from_millis(14));
        m.outbox(3, Duration::from_millis(1500));
        m.wakeup_lag(Duration::from_secs(2));
        m.pool_denied("caller_id");
        m.published(PublishOutcome::Refused);
        m.reconnected(Peer::Database);
        let text = m.encode();
        for line in [
            "gleaner_events_total{type=\"lead.captured\",outcome=\"applied\"} 2",
            "gleaner_refusals_total{reason=\"too_large\"} 1",
            "gleaner_tasks_total{type=\"task.follow_up\",state=\"handed\"} 1",
            "gleaner_batch_events_bucket{le=\"200.0\"} 1",
            "gleaner_step_seconds_bucket{le=\"0.02\"} 1",
            "gleaner_step_seconds_count 1",
            "gleaner_outbox_rows 3",
            "gleaner_outbox_oldest_age_seconds 1.5",
            "gleaner_wakeup_lag_seconds 2.0",
            "gleaner_pool_denials_total{pool=\"caller_id\"} 1",
            "gleaner_publishes_total{outcome=\"refused\"} 1",
            "gleaner_reconnects_total{peer=\"database\"} 1",
            concat!("gleaner_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"),
        ] {
            assert!(text.lines().any(|l| l == line), "{line} is missing from\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }

    #[test]
    fn counters_of_closed_sets_are_there_before_anything_fails() {
        let text = Metrics::new().encode();
        for outcome in PublishOutcome::ALL {
            assert!(text.contains(&format!("gleaner_publishes_total{{outcome=\"{}\"}} 0", outcome.name())), "{text}");
        }
        for peer in Peer::ALL {
            assert!(text.contains(&format!("gleaner_reconnects_total{{peer=\"{}\"}} 0", peer.name())), "{text}");
        }
    }
}
