//! `gleaner run`: the worker and its HTTP side, started in order and stopped in order.
//!
//! HTTP answers first (alive, not ready), then the database, the key, the worker. Told to stop, HTTP takes nothing new
//! and the worker finishes what it began, both within the grace; the store goes last. Told twice, all ends at once.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use super::key::{self, Fit, KeyError};
use super::lock::Lock;
use crate::config::{Config, Profile};
use crate::domain::identity::KeyHasher;
use crate::domain::policy::Policy;
use crate::domain::working_set::Env;
use crate::http::{self, Parts, Pull, Site};
use crate::queue::Queue;
use crate::queue::local::LocalQueue;
use crate::reading::Reader;
use crate::store::{Store, StoreInfo};
use crate::telemetry::Metrics;
use crate::telemetry::trace::Exporting;
use crate::worker::{Health, Settings, Stop, Worker, stopped};

/// How often a database that does not answer at the start is asked again.
const ASK_AGAIN: Duration = Duration::from_secs(2);

/// Runs the worker until a signal says stop.
///
/// # Errors
/// What keeps it from starting: policy, address in use, schema, key.
pub async fn run(config: &Config) -> Result<()> {
    let policy = super::policy(config)?;
    let (tell, _) = watch::channel(false);
    let signals = Signals::catch().context("cannot listen for signals")?;
    tokio::spawn(signals.pass_on(tell.clone()));
    // First of all: whoever runs here already also listens, and this says which of the two it is.
    let _lock = match config.profile {
        Profile::Embedded => Some(Lock::take(&super::in_its_folder(&config.store.url)?)?),
        Profile::Production => None,
    };
    let address = config.http.listen;
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}; `http.listen` chooses the address"))?;
    match config.profile {
        Profile::Embedded => {
            let store = super::new_sqlite(config)?;
            let epoch = config.id.epoch.as_deref();
            store.migrate(epoch).await.with_context(|| format!("cannot use the database {}", config.store.url))?;
            let path = super::in_its_folder(&config.queue.url)?;
            let opened = LocalQueue::open_with(&path, super::overrides(config)).await;
            let queue = opened.with_context(|| format!("cannot open {}", config.queue.url))?;
            let pull = Some(pull_from(&queue));
            let start = Start { config, policy, store: store.clone(), queue, pull };
            let ran = start.run(listener, tell).await;
            store.close().await;
            ran
        }
        Profile::Production => {
            let store = super::postgres(config)?;
            let start = Start { config, policy, store: store.clone(), queue: super::rabbit(config)?, pull: None };
            let ran = start.run(listener, tell).await;
            store.close().await;
            ran
        }
    }
}

/// How desks take tasks from the local queue.
fn pull_from(queue: &LocalQueue) -> Pull {
    let (leasing, settling) = (queue.clone(), queue.clone());
    Pull {
        lease: Box::new(move |suffix, limit, lease, now| {
            let queue = leasing.clone();
            Box::pin(async move { queue.lease(&suffix, limit, lease, now.0).await })
        }),
        settle: Box::new(move |suffix, id| {
            let queue = settling.clone();
            Box::pin(async move { queue.settle(&suffix, &id).await })
        }),
    }
}

/// What a start needs, whatever the profile.
struct Start<'c, S, Q> {
    config: &'c Config,
    policy: Arc<Policy>,
    store: S,
    queue: Q,
    pull: Option<Pull>,
}

impl<S: Store, Q: Queue> Start<'_, S, Q> {
    async fn run(self, listener: TcpListener, tell: watch::Sender<bool>) -> Result<()> {
        let (metrics, health) = (Metrics::new(), Arc::new(Health::default()));
        let site = Arc::new(Site::new(self.config.http.token.clone(), metrics.clone(), health.clone()));
        let grace = self.config.worker.shutdown_grace;
        let serving = tokio::spawn(http::serve(listener, site.clone(), tell.subscribe(), grace));
        let traces = self.config.telemetry.otlp_endpoint.as_deref().map(Exporting::start).transpose();
        let traces = traces.context("cannot send traces; `telemetry.otlp_endpoint` says where to")?;
        let worked = self.work(&site, metrics, health, tell.subscribe()).await;
        if let Some(traces) = traces {
            traces.stop().await;
        }
        // The worker may have ended because it could not start.
        tell.send_replace(true);
        serving.await.context("the HTTP side failed")?;
        worked
    }

    async fn work(self, site: &Site<S, Q>, metrics: Metrics, health: Arc<Health>, mut stop: Stop) -> Result<()> {
        let config = self.config;
        let Some(info) = self.database(&mut stop).await? else { return Ok(()) };
        let hasher = self.key().await?;
        if let Some(epoch) = &config.id.epoch
            && *epoch != info.epoch
        {
            tracing::warn!(
                set = epoch,
                used = info.epoch,
                "`id.epoch` differs from the one this database began with, which stays"
            );
        }
        let (in_force, env) = watch::channel(Arc::new(Env {
            policy: self.policy,
            hasher,
            epoch: info.epoch,
            mode: config.act.mode,
            publish_ahead: config.act.publish_ahead,
            max_event_age: Some(config.act.max_event_age),
            ramp_per_minute: Some(config.act.max_tasks_per_queue_per_minute),
            paused_queues: BTreeSet::new(),
            world: Arc::default(),
        }));
        let settings = settings(config);
        let default_country = config.contact.default_country.clone();
        let reader = Reader { store: self.store.clone(), env, default_country };
        site.open(Parts {
            reader,
            queue: self.queue.clone(),
            inbound: settings.inbound.clone(),
            clock_offset: config.clock.offset,
            pull: self.pull,
        });
        Worker::run(self.store, self.queue, in_force, settings, metrics, health, stop).await;
        Ok(())
    }

    /// Waits until the database answers: it may come up after us. `None` when told to stop meanwhile.
    async fn database(&self, stop: &mut Stop) -> Result<Option<StoreInfo>> {
        let mut said = false;
        loop {
            match self.store.info().await {
                Ok(info) => return Ok(Some(info)),
                Err(error) if error.is_transient() => {
                    let error = anyhow!(error);
                    if !said {
                        tracing::warn!("the database does not answer yet, and is asked again until it does: {error:#}");
                    }
                    said = true;
                }
                Err(error) => {
                    return Err(error).with_context(|| format!("cannot use the database {}", self.config.store.url));
                }
            }
            tokio::select! {
                () = tokio::time::sleep(ASK_AGAIN) => {}
                () = stopped(stop) => return Ok(None),
            }
        }
    }

    /// The key under which this database's leads are hashed; made where nothing was hashed yet.
    async fn key(&self) -> Result<KeyHasher> {
        let path = &self.config.secret.key_file;
        let Some(hasher) = key::read(path)? else {
            // Asked with any key: only whether there are leads matters.
            if key::fits(&self.store, &KeyHasher::fixed()).await? != Fit::NoLeads {
                return Err(KeyError::Lost(path.clone()).into());
            }
            super::make_folder_of(path)?;
            let hasher = key::make(path)?;
            tracing::warn!(
                file = %path.display(),
                "a secret key was made. Keep a copy: without it nobody who opted out or was erased is recognised again{}",
                if self.config.profile == Profile::Production { ", and give every other worker the same file" } else { "" }
            );
            return Ok(hasher);
        };
        if key::fits(&self.store, &hasher).await? == Fit::Foreign {
            return Err(KeyError::Foreign(path.clone()).into());
        }
        if let Some(mode) = key::is_open_to_others(path) {
            tracing::warn!(file = %path.display(), mode = format!("{mode:o}"), "others can read the secret key: chmod 600");
        }
        Ok(hasher)
    }
}

fn settings(config: &Config) -> Settings {
    Settings {
        batch_size: config.worker.batch_size,
        batch_linger: config.worker.batch_linger,
        prefetch: config.queue.prefetch,
        shutdown_grace: config.worker.shutdown_grace,
        inbound: super::inbound(config),
        clock_offset: config.clock.offset,
        keep_history: config.history.keep,
    }
}

/// The signals that mean stop.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn catch() -> std::io::Result<Signals> {
        Ok(Signals { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }

    async fn pass_on(mut self, tell: watch::Sender<bool>) {
        let name = self.next().await;
        tracing::info!("{name}: stopping when what was begun is finished; once more to stop at once");
        tell.send_replace(true);
        let name = self.next().await;
        tracing::warn!("{name} again: stopping at once; what was begun is done again after the next start");
        std::process::exit(1);
    }
}
