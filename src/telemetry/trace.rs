//! Traces: the spans receive, step and publish of a batch, and a context for each task, sent to a collector by OTLP.
//!
//! A batch has many causes, so its spans are a trace of their own with a link to each event's; a task continues the trace
//! of the event that caused it. Where nobody collects (`telemetry.otlp_endpoint` is empty) no span is made, and a task
//! carries its event's context on unchanged. Contexts are kept in this process: a task that another one publishes, after
//! a crash, begins a trace of its own.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use opentelemetry::trace::{
    Link, Span as _, SpanContext, SpanId, SpanKind, TraceContextExt, TraceFlags, TraceId, TraceState, Tracer as _,
};
use opentelemetry::{Context, KeyValue, global};
use opentelemetry_http::hyper::HyperClient;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use uuid::Uuid;

use super::traceparent::TraceParent;

/// For one request to the collector, and for the last one at the end.
const SEND_WITHIN: Duration = Duration::from_secs(5);
/// A span keeps at most so many links, as the SDK has it by default; a larger batch links to the first ones.
const MOST_LINKS: usize = 128;
/// Tasks whose context is kept at a time; past it, new ones begin a trace of their own. At 100 bytes each, 10 MB.
const MOST_ORIGINS: usize = 100_000;

static IS_ON: AtomicBool = AtomicBool::new(false);

fn is_on() -> bool {
    IS_ON.load(Ordering::Relaxed)
}

/// Spans on their way to a collector.
#[derive(Debug)]
pub struct Exporting(SdkTracerProvider);

impl Exporting {
    /// Begins to send spans to the collector at this address. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// The address cannot be read.
    pub fn start(endpoint: &str) -> anyhow::Result<Exporting> {
        let client = OnRuntime {
            runtime: tokio::runtime::Handle::current(),
            client: HyperClient::with_default_connector(SEND_WITHIN, None),
            is_lost: AtomicBool::new(false),
        };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
            .with_timeout(SEND_WITHIN)
            .build()?;
        let resource = Resource::builder()
            .with_service_name("gleaner")
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
        global::set_tracer_provider(provider.clone());
        IS_ON.store(true, Ordering::Relaxed);
        Ok(Exporting(provider))
    }

    /// Sends what is left.
    pub async fn stop(self) {
        IS_ON.store(false, Ordering::Relaxed);
        let ended = tokio::task::spawn_blocking(move || self.0.shutdown_with_timeout(SEND_WITHIN)).await;
        if !matches!(ended, Ok(Ok(()))) {
            tracing::debug!("the last spans were not sent");
        }
    }
}

/// The exporter has a thread of its own, where no runtime is; its requests are made on ours.
#[derive(Debug)]
struct OnRuntime {
    runtime: tokio::runtime::Handle,
    client: HyperClient,
    /// Whether it was said that the collector is away.
    is_lost: AtomicBool,
}

#[async_trait::async_trait]
impl HttpClient for OnRuntime {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let answer = self.runtime.spawn(async move { client.send_bytes(request).await }).await;
        let answer = answer.unwrap_or_else(|error| Err(Box::new(error)));
        let why = match &answer {
            Ok(response) if response.status().is_success() => None,
            Ok(response) => Some(response.status().to_string()),
            Err(error) => Some(error.to_string()),
        };
        match (why, self.is_lost.load(Ordering::Relaxed)) {
            (Some(why), false) => {
                tracing::warn!(why, "traces cannot be sent; they are dropped until the collector takes them")
            }
            (None, true) => tracing::info!("traces are sent again"),
            (Some(_), true) | (None, false) => {}
        }
        self.is_lost.store(!matches!(&answer, Ok(response) if response.status().is_success()), Ordering::Relaxed);
        answer
    }
}

/// Begins the span of a batch: `contexts` are those of its events. What is polled with the context returned is inside.
pub fn receive(events: usize, contexts: impl Iterator<Item = TraceParent>) -> Context {
    if !is_on() {
        return Context::new();
    }
    let links = contexts.take(MOST_LINKS).map(|context| Link::with_context(remote(context))).collect();
    let tracer = global::tracer("gleaner");
    let span = tracer
        .span_builder("receive")
        .with_kind(SpanKind::Consumer)
        .with_links(links)
        .with_attributes(vec![count("messaging.batch.message_count", events)])
        .start_with_context(&tracer, &Context::new());
    Context::new().with_span(span)
}

/// A span that ends when it is dropped.
pub struct Spanned(Option<global::BoxedSpan>);

impl Spanned {
    fn context(&self) -> Option<SpanContext> {
        self.0.as_ref().map(|span| span.span_context().clone())
    }
}

/// One transaction, within the batch's span where there is one.
pub fn step(messages: usize) -> Spanned {
    let begin = || {
        let tracer = global::tracer("gleaner");
        tracer.span_builder("step").with_attributes(vec![count("gleaner.messages", messages)]).start(&tracer)
    };
    Spanned(is_on().then(begin))
}

/// What is known of a task on its way: whose trace it belongs to, and the step that made it.
#[derive(Clone, Debug, Default)]
struct Origin {
    event: Option<TraceParent>,
    step: Option<SpanContext>,
}

/// Where the tasks that are not yet published came from, by their ids. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Origins(Arc<Mutex<HashMap<Uuid, Origin>>>);

impl Origins {
    /// Notes where a committed task came from.
    pub fn note(&self, task: Uuid, event: Option<TraceParent>, step: &Spanned) {
        let step = step.context();
        if event.is_none() && step.is_none() {
            return;
        }
        let mut origins = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if origins.len() < MOST_ORIGINS {
            origins.insert(task, Origin { event, step });
        }
    }

    /// The task is settled.
    pub fn forget(&self, task: Uuid) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&task);
    }

    /// Begins the span in which these tasks are published.
    pub fn publish(&self, tasks: &[Uuid]) -> Publishing<'_> {
        if !is_on() {
            return Publishing { origins: self, span: None };
        }
        let origins = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = tasks.iter().filter_map(|task| origins.get(task));
        // What is handed over together was made by one step.
        let parent = known.clone().find_map(|origin| origin.step.clone());
        let parent = parent.map_or_else(Context::new, |step| Context::new().with_remote_span_context(step));
        let links =
            known.filter_map(|origin| origin.event).take(MOST_LINKS).map(|e| Link::with_context(remote(e))).collect();
        let tracer = global::tracer("gleaner");
        let span = tracer
            .span_builder("publish")
            .with_kind(SpanKind::Producer)
            .with_links(links)
            .with_attributes(vec![count("messaging.batch.message_count", tasks.len())])
            .start_with_context(&tracer, &parent);
        Publishing { origins: self, span: Some(Context::new().with_span(span)) }
    }
}

/// Tasks being published; ends when it is dropped.
pub struct Publishing<'o> {
    origins: &'o Origins,
    span: Option<Context>,
}

impl Publishing<'_> {
    /// The context that a task travels with: in the trace of the event that caused it. `None`: nothing is known.
    pub fn context_of(&self, task: Uuid, kind: &str) -> Option<TraceParent> {
        let origin =
            self.origins.0.lock().unwrap_or_else(PoisonError::into_inner).get(&task).cloned().unwrap_or_default();
        let Some(publishing) = &self.span else { return origin.event };
        let parent = origin.event.map(|event| Context::new().with_remote_span_context(remote(event)));
        let tracer = global::tracer("gleaner");
        let span = tracer
            .span_builder(format!("create {kind}"))
            .with_kind(SpanKind::Producer)
            .with_attributes(vec![KeyValue::new("messaging.message.id", task.to_string())])
            .start_with_context(&tracer, parent.as_ref().unwrap_or(publishing));
        let context = span.span_context();
        context.is_valid().then(|| TraceParent {
            trace: context.trace_id().to_bytes(),
            span: context.span_id().to_bytes(),
            flags: context.trace_flags().to_u8(),
        })
    }
}

fn remote(context: TraceParent) -> SpanContext {
    let (trace, span) = (TraceId::from_bytes(context.trace), SpanId::from_bytes(context.span));
    SpanContext::new(trace, span, TraceFlags::new(context.flags), true, TraceState::default())
}

fn count(name: &'static str, count: usize) -> KeyValue {
    KeyValue::new(name, i64::try_from(count).unwrap_or(i64::MAX))
}
