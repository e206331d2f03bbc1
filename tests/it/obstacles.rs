//! A lead that somebody else holds, and a lead that cannot be read: neither condemns a message nor stops the others.

use std::time::{Duration, Instant};

use serde_json::json;
use sqlx::Executor;

use crate::embedded::event;
use crate::queues::{at_noon, callers};

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_that_is_held_for_long_condemns_none_of_its_messages() {
    let (mut cluster, now) = at_noon("held").await;
    cluster.publish(&callers(2, &now)).await;
    cluster.worker(None);
    cluster.settle(2, 0).await;

    // Longer than the lock time-out and the tries of a batch together.
    let mut somebody = cluster.db().await;
    somebody.execute("begin; select 1 from leads for update").await.unwrap();
    let view = |n: usize| {
        let data = json!({ "lead": { "email": format!("c{n}@example.com") }, "path": "/pricing" });
        event(&format!("v-{n}"), "page.viewed", &now, data)
    };
    cluster.publish(&[view(0), view(1)]).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(cluster.depth("gleaner.dead-events").await, 0);
    somebody.execute("rollback").await.unwrap();
    cluster.settle(4, 0).await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_stops_gives_back_the_message_that_is_held_up_and_none_of_those_done_behind_it() {
    let (mut cluster, now) = at_noon("behind").await;
    cluster.set("GLEANER__WORKER__SHUTDOWN_GRACE", "3s");
    cluster.publish(&callers(1, &now)).await;
    let worker = cluster.worker(None);
    cluster.settle(1, 0).await;

    let mut somebody = cluster.db().await;
    somebody.execute("begin; select 1 from leads for update").await.unwrap();
    let view = |id: String, email: String| {
        event(&id, "page.viewed", &now, json!({ "lead": { "email": email }, "path": "/pricing" }))
    };
    cluster.publish(&[view("held".into(), "c0@example.com".into())]).await;
    // By then it is under way, and the others come to it.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let others: Vec<_> = (0..100).map(|n| view(format!("v-{n}"), format!("d{n}@example.com"))).collect();
    cluster.publish(&others).await;
    let until = Instant::now() + Duration::from_secs(60);
    while cluster.count("select count(*) from seen").await < 101 {
        assert!(Instant::now() < until, "the others wait: {}", cluster.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    cluster.terminate(worker);
    let until = Instant::now() + Duration::from_secs(20);
    while cluster.depth("gleaner.events").await == 0 {
        assert!(Instant::now() < until, "nothing came back");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(cluster.depth("gleaner.events").await, 1);
    somebody.execute("rollback").await.unwrap();
    cluster.worker(None);
    cluster.settle(102, 0).await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_that_cannot_be_read_does_not_keep_others_from_waking() {
    let (mut cluster, now) = at_noon("broken").await;
    cluster.publish(&callers(5, &now)).await;
    cluster.worker(None);
    cluster.settle(5, 0).await;

    let mut db = cluster.db().await;
    let broken = "update leads set state = '\\x0199'::bytea where lead_no = (select min(lead_no) from leads)";
    db.execute(broken).await.unwrap();
    db.execute("update leads set wake_at_ms = 1; update wakeups set due_at_ms = 1").await.unwrap();
    let until = Instant::now() + Duration::from_secs(60);
    while cluster.count("select count(*) from wakeups where due_at_ms = 1").await > 0 {
        assert!(Instant::now() < until, "leads are still due: {}", cluster.log());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(cluster.log().contains("until the one that fails is found"), "{}", cluster.log());
    cluster.stop().await;
}
