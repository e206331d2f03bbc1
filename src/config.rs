//! The settings of one installation: read from all their layers, checked as a whole, and shown.
//!
//! `config/default.toml` says what each key means; here is what each may be. A configuration that is wrong anywhere is
//! refused with every fault named at once. How leads are judged is policy and not configuration. Longer than most because
//! every setting is here three times: as a field, as it is read, and in what it must not contradict.

mod layers;
mod strays;
mod value;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use crate::domain::decide::Mode;
pub use crate::domain::policy::Fictional;
use crate::domain::time::Span;
use crate::queue::TASK_QUEUES;

use layers::Layers;
pub use layers::{ConfigErrors, Origin};
pub use value::{Address, Secret, parse_length};

const DEFAULTS: &str = include_str!("../config/default.toml");

const SECOND_MS: i64 = 1000;
const MINUTE_MS: i64 = 60 * SECOND_MS;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

/// The longest name prefix: what AMQP leaves of its 255 bytes is ample for the names themselves.
const MAX_NAME_CHARS: usize = 64;

/// Every setting, checked. Fields are named as the keys of `config/default.toml`, which explains them.
#[derive(Clone, Debug)]
pub struct Config {
    pub profile: Profile,
    pub store: Store,
    pub queue: Queue,
    /// What single task queues have differently, by suffix.
    pub queues: BTreeMap<String, TaskQueue>,
    pub names: Names,
    pub http: Http,
    pub policy: Policy,
    pub secret: SecretKey,
    pub act: Act,
    pub contact: Contact,
    pub clock: Clock,
    pub id: Id,
    pub worker: Worker,
    pub log: Log,
    pub telemetry: Telemetry,
    pub limits: Limits,
    pub history: History,
    /// Each key's value as TOML without secrets, and where it came from.
    shown: BTreeMap<String, (String, Origin)>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// SQLite files, tasks fetched over HTTP.
    #[default]
    Embedded,
    /// PostgreSQL and RabbitMQ.
    Production,
}

#[derive(Clone, Debug)]
pub struct Store {
    pub url: Address,
    /// Certificates trusted for the database besides the public ones.
    pub ca_pem: Option<PathBuf>,
    pub max_connections: u32,
}

#[derive(Clone, Debug)]
pub struct Queue {
    pub url: Address,
    /// Events held unacknowledged at a time; at least `worker.batch_size`.
    pub prefetch: u16,
    /// Whether this program makes what is missing of the topology.
    pub declare: bool,
    /// Certificates trusted for the broker besides the public ones.
    pub ca_pem: Option<PathBuf>,
    /// Certificate and key by which the broker knows us.
    pub client_pem: Option<PathBuf>,
}

/// What one task queue has differently.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskQueue {
    /// Routing keys, instead of the standard ones.
    pub bindings: Option<Vec<String>>,
    pub max_length: Option<u32>,
}

#[derive(Clone, Debug)]
pub struct Names {
    pub prefix: String,
}

#[derive(Clone, Debug)]
pub struct Http {
    pub listen: SocketAddr,
    /// Never `None` where other machines can reach `listen`.
    pub token: Option<Secret>,
}

#[derive(Clone, Debug)]
pub struct Policy {
    /// `None`: the policy compiled in.
    pub dir: Option<PathBuf>,
}

#[derive(Clone, Debug)]
pub struct SecretKey {
    pub key_file: PathBuf,
}

#[derive(Clone, Debug)]
pub struct Act {
    pub mode: Mode,
    pub publish_ahead: Span,
    pub max_event_age: Span,
    pub max_tasks_per_queue_per_minute: u32,
}

#[derive(Clone, Debug)]
pub struct Contact {
    /// What becomes of numbers and addresses set aside for fiction.
    pub fictional: Fictional,
    /// ISO 3166-1 alpha-2, upper case.
    pub default_country: String,
}

#[derive(Clone, Debug)]
pub struct Clock {
    /// Added to every reading of the clock; may be negative.
    pub offset: Span,
}

#[derive(Clone, Debug)]
pub struct Id {
    /// `None`: made at the first migrate. In the embedded profile never `None`, "0" unless set.
    pub epoch: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Worker {
    pub batch_size: usize,
    pub batch_linger: Duration,
    pub shutdown_grace: Duration,
}

#[derive(Clone, Debug)]
pub struct Log {
    pub format: LogFormat,
    /// Directives of tracing's `EnvFilter`, checked.
    pub level: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}

#[derive(Clone, Debug)]
pub struct Telemetry {
    /// Where traces go; `None`: nowhere.
    pub otlp_endpoint: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Limits {
    pub body_bytes: usize,
    pub json_depth: usize,
}

#[derive(Clone, Debug)]
pub struct History {
    pub keep: Span,
}

/// The environment of this process, for [`Config::load`]. Text that is not UTF-8 is made so, rather than left out.
pub fn process_environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
}

impl Config {
    /// Reads the layers, lowest first: compiled-in defaults, `file`, then in the production profile `DATABASE_URL` and
    /// `AMQP_URL`, then `GLEANER__SECTION__KEY`.
    ///
    /// # Errors
    /// Everything that is wrong, at once: unknown keys, values out of range, settings that contradict each other.
    pub fn load(
        file: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Config, ConfigErrors> {
        let environment: BTreeMap<String, String> = environment.collect();
        let mut layers = Layers::new(DEFAULTS);
        if let Some(path) = file {
            layers.add_file(path);
        }
        layers.add_environment(&environment);
        let profile = layers.word("profile", &[("embedded", Profile::Embedded), ("production", Profile::Production)]);
        let profile_is_known = !layers.has_fault_of("profile");
        if profile == Profile::Production {
            layers.add_variable("store.url", "DATABASE_URL", &environment);
            layers.add_variable("queue.url", "AMQP_URL", &environment);
        }
        let mut config = Config::read(profile, &mut layers);
        // Without a profile it is not known what the addresses should be.
        if profile_is_known {
            config.check_contradictions(&mut layers);
        }
        config.shown = layers.finish()?;
        Ok(config)
    }

    fn read(profile: Profile, l: &mut Layers) -> Config {
        Config {
            profile,
            store: Store {
                url: address(l, "store.url", profile.store()),
                ca_pem: file(l, "store.ca_pem"),
                max_connections: l.number("store.max_connections", 1..=1000),
            },
            queue: Queue {
                url: address(l, "queue.url", profile.queue()),
                prefetch: l.number("queue.prefetch", 1..=65535),
                declare: l.truth("queue.declare"),
                ca_pem: file(l, "queue.ca_pem"),
                client_pem: file(l, "queue.client_pem"),
            },
            queues: queues(l),
            names: Names { prefix: l.text("names.prefix", NAME, is_name) },
            http: Http { listen: listen(l), token: Some(token(l)).filter(|t| !t.is_empty()) },
            policy: Policy {
                dir: Some(l.text("policy.dir", "a folder", |_| true)).filter(|d| !d.is_empty()).map(PathBuf::from),
            },
            secret: SecretKey { key_file: l.text("secret.key_file", "the path of a file", |p| !p.is_empty()).into() },
            act: Act {
                mode: l.word("act.mode", &[("act", Mode::Act), ("observe", Mode::Observe), ("paused", Mode::Paused)]),
                publish_ahead: Span(l.length("act.publish_ahead", 0..=7 * DAY_MS)),
                max_event_age: Span(l.length("act.max_event_age", MINUTE_MS..=365 * DAY_MS)),
                max_tasks_per_queue_per_minute: l.number("act.max_tasks_per_queue_per_minute", 1..=1_000_000),
            },
            contact: Contact {
                fictional: fictional(l, profile),
                default_country: l.text("contact.default_country", "two capital letters such as \"US\"", is_country),
            },
            clock: Clock { offset: Span(l.length("clock.offset", -3650 * DAY_MS..=3650 * DAY_MS)) },
            id: Id { epoch: epoch(l, profile) },
            worker: Worker {
                batch_size: l.number("worker.batch_size", 1..=10_000),
                batch_linger: duration(l, "worker.batch_linger", 0..=10 * SECOND_MS),
                shutdown_grace: duration(l, "worker.shutdown_grace", SECOND_MS..=10 * MINUTE_MS),
            },
            log: Log {
                format: l.word("log.format", &[("text", LogFormat::Text), ("json", LogFormat::Json)]),
                level: l.text("log.level", LEVEL, crate::telemetry::is_filter),
            },
            telemetry: Telemetry { otlp_endpoint: endpoint(l) },
            limits: Limits {
                body_bytes: l.number("limits.body_bytes", 1024..=16 * 1024 * 1024),
                // serde_json gives up at 128.
                json_depth: l.number("limits.json_depth", 8..=127),
            },
            history: History { keep: Span(l.length("history.keep", DAY_MS..=36_500 * DAY_MS)) },
            shown: BTreeMap::new(),
        }
    }

    /// Settings that are each right and do not go together.
    fn check_contradictions(&self, l: &mut Layers) {
        check_scheme(l, "store.url", &self.store.url, self.profile, self.profile.store());
        check_scheme(l, "queue.url", &self.queue.url, self.profile, self.profile.queue());
        if self.store.url == self.queue.url && self.store.url.scheme() == "sqlite" {
            l.fault(format!("`store.url` and `queue.url` are both {}: each needs a file of its own.", self.store.url));
        }
        if self.http.token.is_none() && !self.http.listen.ip().is_loopback() {
            let (listen, origin) = (self.http.listen, l.origin("http.listen"));
            l.fault(format!(
                "`http.listen` is {listen} ({origin}), which other machines can reach, and `http.token` is empty: set \
                 a token, or listen on 127.0.0.1:{}.",
                listen.port()
            ));
        }
        let (batch, prefetch) = (self.worker.batch_size, usize::from(self.queue.prefetch));
        if prefetch > 0 && batch > prefetch {
            l.fault(format!(
                "`worker.batch_size` is {batch} and `queue.prefetch` {prefetch}: no batch could ever fill, so set \
                 `queue.prefetch` to {batch} or more."
            ));
        }
    }

    /// The same as [`Config::show`], for programs.
    pub fn show_json(&self) -> serde_json::Value {
        let told =
            |(value, origin): &(String, Origin)| serde_json::json!({ "value": value, "from": origin.to_string() });
        self.shown.iter().map(|(key, setting)| (key.clone(), told(setting))).collect()
    }

    /// The settings in force as TOML, without secrets, each with where it came from.
    pub fn show(&self) -> String {
        let (top, sections): (Vec<_>, Vec<_>) = self.shown.iter().partition(|(key, _)| !key.contains('.'));
        let mut out = String::new();
        let mut current = "";
        for (key, (value, origin)) in top.into_iter().chain(sections) {
            let (section, name) = key.split_once('.').unwrap_or(("", key));
            if section != current {
                let _ = writeln!(out, "\n[{section}]");
                current = section;
            }
            let _ = writeln!(out, "{:<44} # {origin}", format!("{name} = {value}"));
        }
        out
    }
}

/// What one of the two addresses must be in a profile.
#[derive(Clone, Copy)]
struct Backend {
    what: &'static str,
    schemes: &'static [&'static str],
    default: &'static str,
}

impl Profile {
    pub fn name(self) -> &'static str {
        match self {
            Profile::Embedded => "embedded",
            Profile::Production => "production",
        }
    }
    fn store(self) -> Backend {
        match self {
            Profile::Embedded => {
                Backend { what: "a SQLite file", schemes: &["sqlite"], default: "sqlite:data/gleaner.db" }
            }
            Profile::Production => {
                Backend { what: "PostgreSQL", schemes: &["postgres", "postgresql"], default: DEFAULT_DATABASE }
            }
        }
    }
    fn queue(self) -> Backend {
        match self {
            Profile::Embedded => {
                Backend { what: "a SQLite file", schemes: &["sqlite"], default: "sqlite:data/queue.db" }
            }
            Profile::Production => Backend { what: "RabbitMQ", schemes: &["amqp", "amqps"], default: DEFAULT_BROKER },
        }
    }
}

/// Where PostgreSQL is after it was installed, with a database and a user of our name.
pub const DEFAULT_DATABASE: &str = "postgres://gleaner@127.0.0.1:5432/gleaner";
/// Where RabbitMQ is after it was installed.
pub const DEFAULT_BROKER: &str = "amqp://guest:guest@127.0.0.1:5672/%2f";

fn address(l: &mut Layers, key: &str, backend: Backend) -> Address {
    // Any text is read; check_scheme refuses the wrong ones without telling a password.
    let text = l.text(key, &format!("an address such as {:?}", backend.default), |_| true);
    let address = Address::new(if text.is_empty() { backend.default.to_owned() } else { text });
    l.show_as(key, &address.to_string());
    address
}

fn check_scheme(l: &mut Layers, key: &str, address: &Address, profile: Profile, backend: Backend) {
    let scheme = address.scheme();
    if backend.schemes.contains(&scheme) {
        let rest = &address.expose()[scheme.len() + 1..];
        if rest.trim_start_matches('/').is_empty() {
            l.fault(format!("`{key}` is {address} ({}), and nothing follows the scheme.", l.origin(key)));
        }
        return;
    }
    let origin = l.origin(key);
    let other = match profile {
        Profile::Embedded => Profile::Production,
        Profile::Production => Profile::Embedded,
    };
    let mut remedy = format!("give an address such as {}", backend.default);
    if other.store().schemes.contains(&scheme) || other.queue().schemes.contains(&scheme) {
        let _ = write!(remedy, ", or set `profile` to \"{}\"", other.name());
    }
    l.fault(format!(
        "`{key}` is {address} ({origin}), but the profile is {}, where it must be {}: {remedy}.",
        profile.name(),
        backend.what
    ));
}

fn file(l: &mut Layers, key: &str) -> Option<PathBuf> {
    Some(l.text(key, "the path of a file, or empty", |_| true)).filter(|path| !path.is_empty()).map(PathBuf::from)
}

fn endpoint(l: &mut Layers) -> Option<String> {
    let key = "telemetry.otlp_endpoint";
    let text = l.text(key, "an address", |_| true);
    if !is_endpoint(&text) {
        let origin = l.origin(key);
        l.fault(format!("`{key}` must be {ENDPOINT}, not {} ({origin}).", Address::new(text.clone())));
    }
    Some(text).filter(|text| !text.is_empty())
}

fn queues(l: &mut Layers) -> BTreeMap<String, TaskQueue> {
    let mut queues: BTreeMap<String, TaskQueue> = BTreeMap::new();
    for suffix in l.queues_with("bindings") {
        let bindings = l.texts(&format!("queues.{suffix}.bindings"), KEYS, is_routing_key);
        queues.entry(suffix).or_default().bindings = Some(bindings);
    }
    for suffix in l.queues_with("max_length") {
        // A queue without a bound would fill the broker's disk, and with it every other queue's.
        let most = l.number(&format!("queues.{suffix}.max_length"), 1..=100_000_000);
        queues.entry(suffix).or_default().max_length = Some(most);
    }
    let is_standard = |suffix: &str| TASK_QUEUES.iter().any(|queue| queue.suffix == suffix);
    for (suffix, queue) in &queues {
        if !is_suffix(suffix) {
            l.fault(format!("`queues.{suffix}`: the name of a queue is {SUFFIX}."));
        } else if queue.bindings.is_none() && !is_standard(suffix) {
            let standard: Vec<&str> = TASK_QUEUES.iter().map(|queue| queue.suffix).collect();
            l.fault(format!(
                "`queues.{suffix}` is none of the standard queues ({}) and has no `bindings`: nothing would reach it.",
                standard.join(", ")
            ));
        }
    }
    queues
}

fn listen(l: &mut Layers) -> SocketAddr {
    let text = l.text("http.listen", "an address and a port such as \"127.0.0.1:8080\"", |text| {
        text.parse::<SocketAddr>().is_ok()
    });
    text.parse().unwrap_or_else(|_| SocketAddr::from(([127, 0, 0, 1], 0)))
}

fn token(l: &mut Layers) -> Secret {
    // It travels in a header: RFC 6750 allows less, and nothing outside printable ASCII.
    l.secret("http.token", "a text of printable ASCII characters without spaces", |text| {
        text.chars().all(|c| c.is_ascii_graphic())
    })
}

const NAME: &str = "empty, or at most 64 of the characters A-Z a-z 0-9 . _ -";
const LEVEL: &str =
    "a level (error, warn, info, debug, trace), or levels by part such as \"info,gleaner::worker=debug\"";

fn is_name(text: &str) -> bool {
    text.len() <= MAX_NAME_CHARS && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
}

const SUFFIX: &str = "at most 64 of the characters a-z 0-9 and -";
const KEYS: &str = "a list of routing keys such as [\"task.follow_up.email\"], each at most 255 bytes";
const ENDPOINT: &str = "empty, or an address such as \"http://127.0.0.1:4318\" (plain HTTP: put a collector beside it)";

fn is_suffix(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !text.is_empty() && text.len() <= MAX_NAME_CHARS && text.chars().all(allowed)
}

fn is_routing_key(text: &str) -> bool {
    // 255 bytes is what AMQP has room for.
    (1..=255).contains(&text.len()) && text.chars().all(|c| c.is_ascii_graphic())
}

fn is_endpoint(text: &str) -> bool {
    text.is_empty() || text.strip_prefix("http://").is_some_and(|rest| !rest.is_empty() && !rest.contains(['@', ' ']))
}

fn is_country(text: &str) -> bool {
    text.len() == 2 && text.chars().all(|c| c.is_ascii_uppercase())
}

/// Where people try things out, 555-01xx is the number that everybody writes; in production it can only be a joke.
fn fictional(l: &mut Layers, profile: Profile) -> Fictional {
    let words = [("", None), ("refuse", Some(Fictional::Refuse)), ("allow", Some(Fictional::Allow))];
    let written = l.word("contact.fictional", &words);
    written.unwrap_or_else(|| {
        let (word, meant) = match profile {
            Profile::Embedded => ("allow", Fictional::Allow),
            Profile::Production => ("refuse", Fictional::Refuse),
        };
        l.show_as("contact.fictional", word);
        meant
    })
}

fn epoch(l: &mut Layers, profile: Profile) -> Option<String> {
    let text = l.text("id.epoch", NAME, is_name);
    if text.is_empty() && profile == Profile::Embedded {
        l.show_as("id.epoch", "0");
        return Some("0".to_owned());
    }
    Some(text).filter(|t| !t.is_empty())
}

fn duration(l: &mut Layers, key: &str, range_ms: std::ops::RangeInclusive<i64>) -> Duration {
    Duration::from_millis(l.length(key, range_ms).unsigned_abs())
}

#[cfg(test)]
mod tests;
