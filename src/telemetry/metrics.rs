//! The numbers of one process: what is counted, under which names, and how they are written out.
//!
//! Longer than most because the list is long: one field, one line of registering and one way to count for each number.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, SystemTime};

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use super::labels::*;
use super::process::Process;
use crate::domain::decide::Mode;
use crate::domain::event::EventType;
use crate::domain::pool::PoolName;
use crate::domain::task::Kind;
use crate::domain::time::Span;
use crate::queue::Depth;
use crate::store::OutboxState;
use crate::wire::inbound::Reason;

type Seconds = Gauge<f64, AtomicU64>;

/// The numbers of one process. Clones count together.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Arc<Registry>,
    mode: Family<ModeLabel, Gauge>,
    policy: Family<PolicyLabel, Gauge>,
    paused: Family<SuffixLabel, Gauge>,
    started: Seconds,
    consuming: Gauge,
    storing: Gauge,
    events: Family<EventLabels, Counter>,
    refusals: Family<ReasonLabel, Counter>,
    tasks: Family<TaskLabels, Counter>,
    batch_events: Histogram,
    step: Histogram,
    outbox_rows: Family<RowLabels, Gauge>,
    outbox_oldest: Family<SuffixLabel, Seconds>,
    wakeup_lag: Seconds,
    pool_denials: Family<PoolLabel, Counter>,
    publishes: Family<PublishLabels, Counter>,
    reconnects: Family<PeerLabel, Counter>,
    queue_messages: Family<QueueLabel, Gauge>,
    queue_consumers: Family<QueueLabel, Gauge>,
    clock_skew: Seconds,
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
            mode: Family::default(),
            policy: Family::default(),
            paused: Family::default(),
            started: Gauge::default(),
            consuming: Gauge::default(),
            storing: Gauge::default(),
            events: Family::default(),
            refusals: Family::default(),
            tasks: Family::default(),
            // worker.batch_size is at most 10,000.
            batch_events: Histogram::new([
                1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0,
            ]),
            // A step of 500 events takes 20 to 50 ms; past the 5 s of a statement's own limit it has failed.
            step: Histogram::new([0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0]),
            outbox_rows: Family::default(),
            outbox_oldest: Family::default(),
            wakeup_lag: Gauge::default(),
            pool_denials: Family::default(),
            publishes: Family::default(),
            reconnects: Family::default(),
            queue_messages: Family::default(),
            queue_consumers: Family::default(),
            clock_skew: Gauge::default(),
        };
        metrics.begin();
        metrics.registry = Arc::new(metrics.register());
        metrics
    }

    /// A counter that appears with its first failure hides that failure from rate(), and a family without any series
    /// is not written at all: the closed sets start at 0.
    fn begin(&self) {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        self.started.set(now.as_secs_f64());
        for kind in EventType::ALL.iter().map(|kind| kind.name()).chain(["unknown"]) {
            for outcome in EventOutcome::ALL {
                drop(self.events.get_or_create(&EventLabels { r#type: kind, outcome: outcome.name() }));
            }
        }
        for reason in Reason::ALL {
            drop(self.refusals.get_or_create(&ReasonLabel { reason: reason.name() }));
        }
        for kind in Kind::ALL {
            for state in TASK_STATES {
                drop(self.tasks.get_or_create(&TaskLabels { r#type: kind.event_type(), state }));
            }
        }
        for queue in suffixes() {
            for outcome in PublishOutcome::ALL {
                drop(self.publishes.get_or_create(&PublishLabels { queue, outcome: outcome.name() }));
            }
        }
        for peer in Peer::ALL {
            drop(self.reconnects.get_or_create(&PeerLabel { peer: peer.name() }));
        }
        drop(self.pool_denials.get_or_create(&PoolLabel { pool: PoolName::Partners.kind() }));
        self.outbox(&[]);
    }

    fn register(&self) -> Registry {
        let mut r = Registry::with_prefix("gleaner");
        r.register("build", "The program that is running", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        r.register_collector(Box::new(Process));
        let help = "When this process started, in seconds since 1970";
        r.register_with_unit("start_time", help, Unit::Seconds, self.started.clone());
        r.register("mode", "1 for the mode in force: act, observe or paused", self.mode.clone());
        r.register("policy_info", "1 for the policy in force, by its hash", self.policy.clone());
        r.register("queue_paused", "1 while a person has paused the queue", self.paused.clone());
        r.register("consuming", "1 while this worker has a consumer on the events queue", self.consuming.clone());
        r.register("storing", "1 while the database answers", self.storing.clone());
        r.register("events", "Events received, by type and what became of them", self.events.clone());
        r.register("refusals", "Events set aside, by reason", self.refusals.clone());
        r.register("tasks", "Tasks that entered a state, by type and state", self.tasks.clone());
        r.register("batch_events", "Events in one transaction", self.batch_events.clone());
        r.register_with_unit("step", "Time of one transaction from load to commit", Unit::Seconds, self.step.clone());
        let help = "Tasks stored and not yet confirmed by the broker, by queue and state; the same for every worker";
        r.register("outbox_rows", help, self.outbox_rows.clone());
        let help = "Age of the oldest task in the outbox, by queue; the same for every worker";
        r.register_with_unit("outbox_oldest_age", help, Unit::Seconds, self.outbox_oldest.clone());
        let help = "How late the oldest due wake-up is";
        r.register_with_unit("wakeup_lag", help, Unit::Seconds, self.wakeup_lag.clone());
        r.register("pool_denials", "Claims on something scarce that were denied, by pool", self.pool_denials.clone());
        let help = "Attempts at publishing a task, by its queue and what the broker said";
        r.register("publishes", help, self.publishes.clone());
        r.register("reconnects", "Connections rebuilt, by what they lead to", self.reconnects.clone());
        let help = "Messages in a queue that are ready for somebody; the same for every worker";
        r.register("queue_messages", help, self.queue_messages.clone());
        let help = "Consumers of a queue; the same for every worker";
        r.register("queue_consumers", help, self.queue_consumers.clone());
        let help = "How far the database's clock is ahead of this machine's";
        r.register_with_unit("clock_skew", help, Unit::Seconds, self.clock_skew.clone());
        r
    }

    /// The mode and the policy that decisions are made under from now on, and the queues (suffixes) that are paused.
    pub fn rules(&self, in_force: Mode, policy_hash: &str, paused: &BTreeSet<String>) {
        for one in MODES {
            self.mode.get_or_create(&ModeLabel { mode: mode(one) }).set((one == in_force).into());
        }
        for queue in suffixes() {
            self.paused.get_or_create(&SuffixLabel { queue }).set(paused.contains(queue).into());
        }
        self.policy.clear();
        self.policy.get_or_create(&PolicyLabel { hash: policy_hash.to_owned() }).set(1);
    }
    /// Told right before the numbers are written.
    pub fn health(&self, consuming: bool, storing: bool) {
        self.consuming.set(consuming.into());
        self.storing.set(storing.into());
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
    /// All that is in the outbox: (queue suffix, state, rows, age of the oldest).
    pub fn outbox(&self, depth: &[(String, OutboxState, u64, Span)]) {
        let mut rows = BTreeMap::new();
        let mut oldest = BTreeMap::new();
        // A queue that has run empty is not among them, and must not keep its last number.
        for queue in suffixes() {
            oldest.insert(queue, 0);
            rows.extend(OUTBOX_STATES.map(|state| ((queue, outbox_state(state)), 0)));
        }
        for (queue, state, count, age) in depth {
            let queue = suffix(queue);
            *rows.entry((queue, outbox_state(*state))).or_default() += count;
            let oldest = oldest.entry(queue).or_default();
            *oldest = age.0.max(*oldest);
        }
        for ((queue, state), count) in rows {
            self.outbox_rows.get_or_create(&RowLabels { queue, state }).set(whole(count));
        }
        for (queue, age_ms) in oldest {
            self.outbox_oldest.get_or_create(&SuffixLabel { queue }).set(age_ms as f64 / 1000.0);
        }
    }
    pub fn wakeup_lag(&self, lag: Duration) {
        self.wakeup_lag.set(lag.as_secs_f64());
    }
    pub fn pool_denied(&self, pool: &'static str) {
        self.pool_denials.get_or_create(&PoolLabel { pool }).inc();
    }
    /// `queue` is the suffix of the task's queue.
    pub fn published(&self, queue: &str, outcome: PublishOutcome) {
        self.publishes.get_or_create(&PublishLabels { queue: suffix(queue), outcome: outcome.name() }).inc();
    }
    pub fn reconnected(&self, peer: Peer) {
        self.reconnected_times(peer, 1);
    }
    pub fn reconnected_times(&self, peer: Peer, times: u64) {
        self.reconnects.get_or_create(&PeerLabel { peer: peer.name() }).inc_by(times);
    }
    /// What the broker's queues hold. Where that is not known (`None`) there is no number, rather than an old one.
    pub fn queues(&self, depths: Option<&[Depth]>) {
        // A queue that was deleted is not told of any more.
        self.queue_messages.clear();
        self.queue_consumers.clear();
        for Depth { queue, messages, consumers } in depths.unwrap_or_default() {
            let label = QueueLabel { queue: queue.clone() };
            self.queue_messages.get_or_create(&label).set(whole(*messages));
            if let Some(consumers) = consumers {
                self.queue_consumers.get_or_create(&label).set(whole(*consumers));
            }
        }
    }
    /// The database's clock is ahead of this machine's by so much; negative: behind.
    pub fn clock_skew(&self, ahead: Span) {
        self.clock_skew.set(ahead.0 as f64 / 1000.0);
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

fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_counted_under_the_name_of_the_program_in_base_units() {
        let m = Metrics::new();
        m.event("lead.captured", EventOutcome::Applied);
        m.clone().event("lead.captured", EventOutcome::Applied);
        m.refused("too_large");
        m.task("task.follow_up", "ready");
        m.step(200, Duration::from_millis(14));
        let row = |queue: &str, state, rows| (queue.to_owned(), state, rows, Span(1500));
        m.outbox(&[row("calls", OutboxState::Unsent, 3), row("calls", OutboxState::Handed, 2)]);
        m.wakeup_lag(Duration::from_secs(2));
        m.pool_denied("partners");
        m.published("swap", PublishOutcome::Refused);
        m.reconnected(Peer::Database);
        m.queues(Some(&[Depth { queue: "gleaner.events".into(), messages: 7, consumers: Some(2) }]));
        m.clock_skew(Span(-250));
        m.rules(Mode::Observe, "abc", &BTreeSet::from(["swap".to_owned()]));
        m.health(true, false);
        let text = m.encode();
        for line in [
            "gleaner_events_total{type=\"lead.captured\",outcome=\"applied\"} 2",
            "gleaner_refusals_total{reason=\"too_large\"} 1",
            "gleaner_tasks_total{type=\"task.follow_up\",state=\"ready\"} 1",
            "gleaner_batch_events_bucket{le=\"200.0\"} 1",
            "gleaner_step_seconds_bucket{le=\"0.02\"} 1",
            "gleaner_step_seconds_count 1",
            "gleaner_outbox_rows{queue=\"calls\",state=\"unsent\"} 3",
            "gleaner_outbox_rows{queue=\"calls\",state=\"handed\"} 2",
            "gleaner_outbox_oldest_age_seconds{queue=\"calls\"} 1.5",
            "gleaner_wakeup_lag_seconds 2.0",
            "gleaner_pool_denials_total{pool=\"partners\"} 1",
            "gleaner_publishes_total{queue=\"swap\",outcome=\"refused\"} 1",
            "gleaner_reconnects_total{peer=\"database\"} 1",
            "gleaner_queue_messages{queue=\"gleaner.events\"} 7",
            "gleaner_queue_consumers{queue=\"gleaner.events\"} 2",
            "gleaner_clock_skew_seconds -0.25",
            "gleaner_mode{mode=\"observe\"} 1",
            "gleaner_queue_paused{queue=\"swap\"} 1",
            "gleaner_queue_paused{queue=\"calls\"} 0",
            "gleaner_mode{mode=\"act\"} 0",
            "gleaner_policy_info{hash=\"abc\"} 1",
            "gleaner_consuming 1",
            "gleaner_storing 0",
            concat!("gleaner_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"),
        ] {
            assert!(text.lines().any(|l| l == line), "{line} is missing from\n{text}");
        }
        assert!(text.lines().any(|l| l.starts_with("gleaner_start_time_seconds 1")), "{text}");
        assert!(text.ends_with("# EOF\n"));
    }

    #[test]
    fn counters_of_closed_sets_are_there_before_anything_fails() {
        let text = Metrics::new().encode();
        for outcome in PublishOutcome::ALL {
            let line = format!("gleaner_publishes_total{{queue=\"calls-now\",outcome=\"{}\"}} 0", outcome.name());
            assert!(text.contains(&line), "{text}");
        }
        for peer in Peer::ALL {
            assert!(text.contains(&format!("gleaner_reconnects_total{{peer=\"{}\"}} 0", peer.name())), "{text}");
        }
        assert!(text.contains("gleaner_refusals_total{reason=\"erased_lead\"} 0"), "{text}");
        assert!(text.contains("gleaner_events_total{type=\"unknown\",outcome=\"refused\"} 0"), "{text}");
    }

    #[test]
    fn what_has_gone_keeps_no_number() {
        let m = Metrics::new();
        m.rules(Mode::Act, "old", &BTreeSet::new());
        m.rules(Mode::Paused, "new", &BTreeSet::new());
        m.outbox(&[("calls".to_owned(), OutboxState::Unroutable, 9, Span(9000))]);
        m.outbox(&[]);
        let holds = |queue: &str| Depth { queue: queue.into(), messages: 7, consumers: None };
        m.queues(Some(&[holds("tasks.calls"), holds("tasks.outreach")]));
        m.queues(Some(&[holds("tasks.calls")]));
        assert!(
            m.encode().contains("queue=\"tasks.calls\"} 7") && !m.encode().contains("messages{queue=\"tasks.outreach")
        );
        m.queues(None);
        let text = m.encode();
        for gone in ["hash=\"old\"", "gleaner_queue_messages{"] {
            assert!(!text.contains(gone), "{gone} is still in\n{text}");
        }
        assert!(text.contains("gleaner_outbox_rows{queue=\"calls\",state=\"unroutable\"} 0"), "{text}");
        assert!(text.contains("gleaner_outbox_oldest_age_seconds{queue=\"calls\"} 0.0"), "{text}");
        assert!(text.contains("gleaner_mode{mode=\"act\"} 0"), "{text}");
    }

    #[test]
    fn a_queue_that_nobody_knows_makes_no_series_of_its_own() {
        let m = Metrics::new();
        m.published("<script>", PublishOutcome::Confirmed);
        assert!(m.encode().contains("gleaner_publishes_total{queue=\"other\",outcome=\"confirmed\"} 1"));
    }
}
