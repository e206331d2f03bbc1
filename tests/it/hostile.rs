//! Messages that are made to hurt: each is worked or set aside like any other, and the worker lives on.

use serde_json::json;

use crate::cluster::Cluster;
use crate::queue_contract::raw::{Nested, send_nested};

/// A bare `gleaner run`: nobody has prepared the environment for it.
#[tokio::test(flavor = "multi_thread")]
async fn headers_nested_as_deep_as_a_frame_allows_end_no_worker() {
    let mut cluster = Cluster::start("nested").await;
    let worker = cluster.worker(None);
    let leads = format!("{}leads", cluster.prefix);
    for (n, nested) in [Nested::Lists, Nested::Tables].into_iter().enumerate() {
        let good = json!({ "specversion": "1.0", "id": format!("n-{n}"), "source": "/test", "type": "lead.captured",
            "data": { "lead": { "email": format!("n{n}@example.com") } } });
        // One is applied; the other is set aside, with its headers.
        send_nested(&cluster.amqp, &leads, "lead.captured", nested, good.to_string().as_bytes()).await;
        send_nested(&cluster.amqp, &leads, "lead.captured", nested, b"no event").await;
    }
    cluster.settle(2, 4 - 2).await;
    assert!(!cluster.has_died(worker), "{}", cluster.log());
    assert!(!cluster.log().contains("is away"), "no session was lost: {}", cluster.log());
    // Looking at them does no harm either, nor does sending them again.
    let listed = cluster.run(&["dead", "list", "--output", "jsonl"]);
    assert_eq!(listed.matches("\"malformed_json\"").count(), 2, "{listed}");
    cluster.run(&["dead", "replay", "--all"]);
    cluster.settle(2, 2).await;
    cluster.stop().await;
}
