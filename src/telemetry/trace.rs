//! Traces: the spans receive, step and publish of a batch, and a context for each task, sent to a collector by OTLP.
//!
//! A batch has many causes, so its spans are a trace of their own with a link to each event's; a task continues the trace
//! of the event that caused it. Where nobody collects (`telemetry.otlp_endpoint` is empty) no span is made, and a task
//! carries its event's context on unchanged, whoever publishes it: the outbox row holds it. Only which step made a task is
//! known to this process alone.

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
/// Tasks whose step is kept at a time; the spans of more than these have no parent. At 100 bytes each, 10 MB.
const MOST_STEPS: usize = 100_000;

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

/// The steps that made the tasks which this process has not published yet, by their ids. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Steps(Arc<Mutex<HashMap<Uuid, SpanContext>>>);

impl Steps {
    /// Notes which step made a committed task.
    pub fn note(&self, tasks: impl Iterator<Item = Uuid>, step: &Spanned) {
        let Some(step) = step.context() else { return };
        let mut steps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = MOST_STEPS.saturating_sub(steps.len());
        steps.extend(tasks.take(room).map(|task| (task, step.clone())));
    }

    /// The task is settled.
    pub fn forget(&self, task: Uuid) {
        if is_on() {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&task);
        }
    }

    /// Begins the span in which these tasks are published, with the events that caused them.
    pub fn publish(&self, tasks: &[(Uuid, Option<TraceParent>)]) -> Publishing {
        if !is_on() {
            return Publishing(None);
        }
        let steps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Where several steps made what is published together, it belongs to the first and is linked to the others.
        let mut by: Vec<&SpanContext> = tasks.iter().filter_map(|(task, _)| steps.get(task)).collect();
        by.dedup_by_key(|step| step.span_id());
        let mut by = by.into_iter().cloned();
        let parent = by.next().map_or_else(Context::new, |step| Context::new().with_remote_span_context(step));
        let events = tasks.iter().filter_map(|(_, event)| *event).map(remote);
        let links = by.chain(events).take(MOST_LINKS).map(Link::with_context).collect();
        let tracer = global::tracer("gleaner");
        let span = tracer
            .span_builder("publish")
            .with_kind(SpanKind::Producer)
            .with_links(links)
            .with_attributes(vec![count("messaging.batch.message_count", tasks.len())])
            .start_with_context(&tracer, &parent);
        Publishing(Some(Context::new().with_span(span)))
    }
}

/// Tasks being published; ends when it is dropped.
pub struct Publishing(Option<Context>);

impl Publishing {
    /// The context that a task travels with: in the trace of the event that caused it. `None`: nothing is known.
    pub fn context_of(&self, task: Uuid, kind: &str, event: Option<TraceParent>) -> Option<TraceParent> {
        let Some(publishing) = &self.0 else { return event };
        let parent = event.map(|event| Context::new().with_remote_span_context(remote(event)));
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
