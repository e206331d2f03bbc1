//! A trace context goes in with an event and comes out with the tasks it causes, whether anybody collects spans or not.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use gleaner::telemetry::TraceParent;
use lapin::options::{BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Connection, ConnectionProperties};
use serde_json::json;

use crate::cluster::Cluster;
use crate::embedded::wait_for;
use crate::queues::{at_noon, callers};

const BY_HEADER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const BY_ENVELOPE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// Sends three callers: one whose context is in a header, one in the envelope, one without. Returns the contexts of the
/// calls that they cause, in this order.
async fn called(cluster: &mut Cluster, now: &str) -> Vec<TraceParent> {
    send(cluster, now).await;
    contexts_of_calls(cluster).await
}

async fn send(cluster: &Cluster, now: &str) {
    let mut events = callers(3, now);
    events[1]["traceparent"] = json!(BY_ENVELOPE);
    let connection = Connection::connect(&cluster.amqp, ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
    for (n, event) in events.iter().enumerate() {
        let mut properties = BasicProperties::default();
        if n == 0 {
            let mut headers = FieldTable::default();
            headers.insert("traceparent".into(), AMQPValue::LongString(BY_HEADER.into()));
            properties = properties.with_headers(headers);
        }
        let (leads, body) = (format!("{}leads", cluster.prefix).into(), event.to_string().into_bytes());
        channel
            .basic_publish(leads, "lead.captured".into(), BasicPublishOptions::default(), &body, properties)
            .await
            .unwrap()
            .await
            .unwrap();
    }
    let _closing = connection.close(200, "done".into()).await;
}

/// The contexts of the calls that are out, in the order of their causes.
async fn contexts_of_calls(cluster: &mut Cluster) -> Vec<TraceParent> {
    cluster.settle(3, 0).await;
    let connection = Connection::connect(&cluster.amqp, ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    let mut found = Vec::new();
    let queue = format!("{}tasks.calls-now", cluster.prefix);
    while let Some(got) = channel.basic_get(queue.clone().into(), BasicGetOptions { no_ack: true }).await.unwrap() {
        let task: serde_json::Value = serde_json::from_slice(&got.delivery.data).unwrap();
        assert!(task.get("traceparent").is_none(), "the body is frozen and has none");
        let headers = got.delivery.properties.headers().clone().unwrap();
        let Some(AMQPValue::LongString(text)) = headers.inner().get("traceparent") else { panic!("{headers:?}") };
        let context = TraceParent::parse(std::str::from_utf8(text.as_bytes()).unwrap()).unwrap();
        found.push((task["data"]["cause"].as_str().unwrap().to_owned(), context));
    }
    let _closing = connection.close(200, "done".into()).await;
    found.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(found.len(), 3, "{}", cluster.log());
    found.into_iter().map(|(_, context)| context).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_context_flows_through_unchanged_where_nobody_collects() {
    let (mut cluster, now) = at_noon("untraced").await;
    cluster.worker(None);
    let contexts = called(&mut cluster, &now).await;
    assert_eq!(contexts[0].to_string(), BY_HEADER);
    assert_eq!(contexts[1].to_string(), BY_ENVELOPE);
    assert_ne!(contexts[2].trace, contexts[0].trace);
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_another_worker_publishes_after_a_crash_goes_on_in_its_causes_trace() {
    let (mut cluster, now) = at_noon("untraced").await;
    send(&cluster, &now).await;
    let first = cluster.worker(Some("after_commit:1"));
    wait_for("the death of the first worker", || cluster.has_died(first).then_some(()));
    cluster.worker(None);
    let contexts = contexts_of_calls(&mut cluster).await;
    assert_eq!((contexts[0].to_string(), contexts[1].to_string()), (BY_HEADER.to_owned(), BY_ENVELOPE.to_owned()));
    cluster.stop().await;
}

/// A collector that keeps the bodies it is sent.
fn collector() -> (String, Arc<Mutex<Vec<Vec<u8>>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let bodies = Arc::new(Mutex::new(Vec::new()));
    let kept = bodies.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let (mut length, mut line) = (0, String::new());
            while stream.read_line(&mut line).unwrap_or(0) > 2 {
                if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                line.clear();
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).unwrap();
            kept.lock().unwrap().push(body);
            stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
        }
    });
    (address, bodies)
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_collector_a_batch_links_to_its_causes_and_a_task_goes_on_in_its_causes_trace() {
    let (address, bodies) = collector();
    let (mut cluster, now) = at_noon("traced").await;
    cluster.set("GLEANER__TELEMETRY__OTLP_ENDPOINT", &address);
    cluster.worker(None);
    let contexts = called(&mut cluster, &now).await;
    for (context, cause) in contexts.iter().zip([BY_HEADER, BY_ENVELOPE]) {
        let cause = TraceParent::parse(cause).unwrap();
        assert_eq!((context.trace, context.flags), (cause.trace, 1));
        assert_ne!(context.span, cause.span, "a span of our own stands between");
    }
    let until = Instant::now() + Duration::from_secs(60);
    let holds =
        |wanted: &[u8]| bodies.lock().unwrap().iter().any(|body| body.windows(wanted.len()).any(|part| part == wanted));
    // The names of the spans, the span that a task was sent with, and the span of the event that a batch links to.
    let cause = TraceParent::parse(BY_HEADER).unwrap();
    let wanted: [&[u8]; 6] =
        [b"receive", b"step", b"publish", b"create task.follow_up", &contexts[0].span, &cause.span];
    wait_for("the spans", || (wanted.iter().all(|part| holds(part)) || Instant::now() > until).then_some(()));
    for part in wanted {
        assert!(holds(part), "{:?} was not sent", String::from_utf8_lossy(part));
    }
    assert!(!holds(b"@example.com"), "no span has personal data");
    cluster.stop().await;
}
