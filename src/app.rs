//! The composition root: settings become a policy, a secret key, a store and a queue. Only here are stores and queues
//! named by what they are; everything else knows the two traits.
//!
//! `run` starts the worker and stops it again in order; the other commands open only what they need.

mod key;
mod lock;
mod run;

use std::fs::{DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use tokio::sync::watch;

use crate::config::{Address, Config, Fictional, Log, Profile, Secret};
use crate::control::{self, AppliedPolicy};
use crate::domain::identity::LeadNo;
use crate::domain::policy::{Policy, SHIPPED};
use crate::domain::working_set::Env;
use crate::domain::world::World;
use crate::queue::Overrides;
use crate::queue::local::LocalQueue;
use crate::queue::rabbitmq::{self, RabbitMq, RabbitSettings};
use crate::reading::Reader;
use crate::store::postgres::{self, Postgres};
use crate::store::sqlite::Sqlite;
use crate::store::{Store, WORLD};
use crate::telemetry;
use crate::wire::inbound::Inbound;

pub use key::{Fit, KeyError, fits, is_open_to_others, read as read_key};
pub use run::run;

/// Everything that is wrong with a policy, one sentence each.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the policy is wrong in {} place{}:{}", .0.len(), if .0.len() == 1 { "" } else { "s" }, listed(.0))]
pub struct PolicyErrors(pub Vec<String>);

fn listed(faults: &[String]) -> String {
    faults.iter().map(|fault| format!("\n  - {fault}")).collect()
}

/// The policy of the configuration: its folder's files, or the ones compiled in.
///
/// # Errors
/// [`PolicyErrors`] with everything that is wrong in any file, or a folder that cannot be read.
pub fn policy(config: &Config) -> Result<Arc<Policy>> {
    policy_in(config.policy.dir.as_deref(), config.contact.fictional)
}

/// The same with the folder given.
///
/// # Errors
/// Those of [`policy`].
pub fn policy_in(dir: Option<&Path>, fictional: Fictional) -> Result<Arc<Policy>> {
    let policy = match dir {
        None => Policy::shipped(fictional),
        Some(dir) => Policy::parse(&policy_files(dir)?, fictional),
    };
    Ok(Arc::new(policy.map_err(PolicyErrors)?))
}

/// The files of a policy folder, or the ones compiled in.
///
/// # Errors
/// The folder or a file cannot be read, or it holds none.
pub fn files_of(dir: Option<&Path>) -> Result<Vec<(String, String)>> {
    match dir {
        None => Ok(SHIPPED.map(|(name, text)| (name.to_owned(), text.to_owned())).into()),
        Some(dir) => policy_files(dir),
    }
}

fn policy_files(dir: &Path) -> Result<Vec<(String, String)>> {
    let wrong = |why: String| PolicyErrors(vec![why]);
    let unreadable = |path: &Path, error: std::io::Error| wrong(format!("{} cannot be read: {error}.", path.display()));
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(|error| unreadable(dir, error))? {
        let path = entry.map_err(|error| unreadable(dir, error))?.path();
        if path.extension().is_some_and(|extension| extension == "toml" || extension == "tsv") {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            files.push((name, std::fs::read_to_string(&path).map_err(|error| unreadable(&path, error))?));
        }
    }
    if files.is_empty() {
        let known = crate::domain::policy::FILES.join(", ");
        return Err(wrong(format!("{} holds none of its files ({known}).", dir.display())).into());
    }
    files.sort();
    Ok(files)
}

/// What replay and demo decide in: acting, every age right, the fixed key and epoch that make two runs agree.
pub fn virtual_env(config: &Config, policy: Arc<Policy>) -> Env {
    Env { publish_ahead: config.act.publish_ahead, ..Env::virtual_time(policy) }
}

/// What is taken in, by the limits of the configuration.
pub fn inbound(config: &Config) -> Inbound {
    Inbound {
        max_body: config.limits.body_bytes,
        max_depth: config.limits.json_depth,
        default_country: Some(config.contact.default_country.clone()),
        ..Inbound::live()
    }
}

/// Starts the log. A command that answers on the terminal says by itself what went well, so that only warnings remain,
/// unless another level was set.
///
/// # Errors
/// See [`telemetry::start_log`].
pub fn start_log(config: &Config, is_worker: bool) -> Result<()> {
    let level = match config.log.level.as_str() {
        "info" if !is_worker => "warn",
        level => level,
    };
    // Last, so that it wins: these parts would log bodies and passwords, or what is told better elsewhere.
    let level = format!("{level},{},{}", rabbitmq::LOG_FILTER, postgres::LOG_FILTER);
    Ok(telemetry::start_log(&Log { format: config.log.format, level })?)
}

/// The database of the production profile; no connection is made yet.
///
/// # Errors
/// An address that cannot be read.
pub fn postgres(config: &Config) -> Result<Postgres> {
    let ca_pem = config.store.ca_pem.as_deref();
    let connected = Postgres::connect_trusting(config.store.url.expose(), config.store.max_connections, ca_pem);
    let store = connected.with_context(|| format!("cannot use the database {}", config.store.url))?;
    Ok(store.with_clock_offset(config.clock.offset))
}

/// The database file of the embedded profile, which must be there.
///
/// # Errors
/// It is not there.
pub fn sqlite(config: &Config) -> Result<Sqlite> {
    Ok(Sqlite::open(existing(&config.store.url, "database", "`store.url`")?).with_clock_offset(config.clock.offset))
}

/// Where the database of the embedded profile would be, if it is not there yet: the first `gleaner run` makes it.
pub fn missing_database(config: &Config) -> Option<PathBuf> {
    match config.profile {
        Profile::Embedded => missing(&file_of(&config.store.url)),
        Profile::Production => None,
    }
}

/// The same, made where it is missing.
///
/// # Errors
/// Its folder cannot be made.
pub fn new_sqlite(config: &Config) -> Result<Sqlite> {
    Ok(Sqlite::open(in_its_folder(&config.store.url)?).with_clock_offset(config.clock.offset))
}

/// The queue file of the embedded profile, which must be there.
///
/// # Errors
/// It is not there, or cannot be opened.
pub async fn local_queue(config: &Config) -> Result<LocalQueue> {
    let path = existing(&config.queue.url, "queue", "`queue.url`")?;
    let opened = LocalQueue::open_with(&path, overrides(config)).await;
    opened.with_context(|| format!("cannot open the queue {}", path.display()))
}

/// What this deployment's queues have differently.
pub fn overrides(config: &Config) -> Overrides {
    let queues = || config.queues.iter();
    Overrides {
        bindings: queues().filter_map(|(suffix, queue)| Some((suffix.clone(), queue.bindings.clone()?))).collect(),
        task_queue_limits: queues().filter_map(|(suffix, queue)| Some((suffix.clone(), queue.max_length?))).collect(),
        ..Overrides::default()
    }
}

/// The broker of the production profile; no connection is made yet.
///
/// # Errors
/// An address or a file of certificates that cannot be read.
pub fn rabbit(config: &Config) -> Result<RabbitMq> {
    let mut settings = RabbitSettings::new(config.queue.url.expose());
    settings.prefix.clone_from(&config.names.prefix);
    settings.overrides = overrides(config);
    settings.declare = config.queue.declare;
    settings.ca_pem = config.queue.ca_pem.as_deref().map(|path| pem("queue.ca_pem", path)).transpose()?;
    let client_pem = config.queue.client_pem.as_deref().map(|path| pem("queue.client_pem", path)).transpose()?;
    settings.client_pem = client_pem.map(Secret::new);
    Ok(RabbitMq::new(settings)?)
}

/// A file of certificates. One without any would be taken for no file at all, and what it should have let in would be
/// refused without a word about why.
fn pem(key: &str, path: &Path) -> Result<String> {
    let text = std::fs::read_to_string(path);
    let text = text.with_context(|| format!("`{key}` names {}, which cannot be read", path.display()))?;
    if !text.contains("-----BEGIN CERTIFICATE-----") {
        bail!("`{key}` names {}, which holds no certificate in PEM", path.display());
    }
    Ok(text)
}

/// Runs the body with the store of the profile.
macro_rules! with_store {
    ($config:expr, |$store:ident| $body:expr) => {
        match $config.profile {
            $crate::config::Profile::Embedded => {
                let $store = $crate::app::sqlite($config)?;
                $body
            }
            $crate::config::Profile::Production => {
                let $store = $crate::app::postgres($config)?;
                $body
            }
        }
    };
}
pub(crate) use with_store;

/// Runs the body with the queue of the profile.
macro_rules! with_queue {
    ($config:expr, |$queue:ident| $body:expr) => {
        match $config.profile {
            $crate::config::Profile::Embedded => {
                let $queue = $crate::app::local_queue($config).await?;
                $body
            }
            $crate::config::Profile::Production => {
                let $queue = $crate::app::rabbit($config)?;
                $body
            }
        }
    };
}
pub(crate) use with_queue;

/// Who reads leads from this store, with the key that their keys were hashed under.
///
/// # Errors
/// The key file is missing or unreadable (no lead would be found by its keys), or the database does not answer.
pub async fn reader<S: Store>(config: &Config, store: S) -> Result<Reader<S>> {
    let path = &config.secret.key_file;
    let Some(hasher) = read_key(path)? else {
        let path = path.display();
        match store.leads_after(LeadNo(0), 1).await {
            Ok(leads) if !leads.is_empty() => bail!(
                "the secret key file {path} is missing, under which the keys of the leads here were hashed; copy it from \
                 another worker or its backup"
            ),
            _ => bail!("there is no secret key file {path} yet; `gleaner run` makes it"),
        }
    };
    // Says in plain words where the tables are missing or behind.
    store.info().await.with_context(|| format!("cannot use the database {}", config.store.url))?;
    let (_, applied) = control::read::<AppliedPolicy>(&store).await?;
    let policy = match applied.read(config.contact.fictional) {
        None => policy(config)?,
        Some(read) => Arc::new(read.map_err(PolicyErrors).context("the applied policy is not one of this gleaner's")?),
    };
    let world = match store.read_control(WORLD).await? {
        Some((_, bytes)) => World::decode(&bytes).context("what is known of the world cannot be read")?,
        None => World::default(),
    };
    let world = Arc::new(world);
    // Nobody sends anything more: what is in force stays so as long as the command runs.
    let (_, env) = watch::channel(Arc::new(Env { hasher, world, ..virtual_env(config, policy) }));
    Ok(Reader { store, env, default_country: config.contact.default_country.clone() })
}

/// The path in an address such as `sqlite:data/gleaner.db` or `sqlite:///var/lib/gleaner.db`.
fn file_of(address: &Address) -> PathBuf {
    let rest = address.expose().strip_prefix("sqlite:").unwrap_or(address.expose());
    PathBuf::from(rest.strip_prefix("//").unwrap_or(rest))
}

/// The whole path of a file that is not there: it is relative to where we are, which may be another folder than the
/// worker's.
fn missing(path: &Path) -> Option<PathBuf> {
    (!path.exists()).then(|| std::path::absolute(path).unwrap_or_else(|_| path.to_owned()))
}

fn existing(address: &Address, what: &str, setting: &str) -> Result<PathBuf> {
    let path = file_of(address);
    if let Some(whole) = missing(&path) {
        bail!(
            "there is no {what} at {}: `gleaner run` makes it there, and where it is elsewhere go to the worker's folder, \
             give its --config FILE, or set {setting}",
            whole.display()
        );
    }
    Ok(path)
}

/// The same, with folder and file made where they are missing, for their owner only. SQLite gives the files that it
/// makes beside one the same rights.
fn in_its_folder(address: &Address) -> Result<PathBuf> {
    let path = file_of(address);
    make_folder_of(&path)?;
    let made = OpenOptions::new().append(true).create(true).mode(0o600).open(&path);
    made.with_context(|| format!("cannot make {}", path.display()))?;
    Ok(path)
}

fn make_folder_of(path: &Path) -> Result<()> {
    match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        None => Ok(()),
        Some(folder) => {
            // What goes in here is about people, and nobody else's to read.
            let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
            made.with_context(|| format!("cannot make the folder {}", folder.display()))
        }
    }
}
