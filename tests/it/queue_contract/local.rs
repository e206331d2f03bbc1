//! What only the local file has: several processes on one file, restarts, and handing out by lease.

use super::*;
use gleaner::queue::local::LocalQueue;

pub struct File {
    directory: tempfile::TempDir,
    queue: LocalQueue,
    overrides: Overrides,
}

/// A moment after everything that these tests publish, and before it expires.
const SOON_MS: i64 = 1_772_460_301_000;

impl File {
    /// As another process, or this one after a restart, would open it.
    async fn opened_again(&self) -> LocalQueue {
        LocalQueue::open_with(&self.directory.path().join("queue.db"), self.overrides.clone()).await.unwrap()
    }
}

impl Rig for File {
    type Queue = LocalQueue;

    async fn start(overrides: Overrides) -> File {
        let directory = tempfile::tempdir().unwrap();
        let queue = LocalQueue::open_with(&directory.path().join("queue.db"), overrides.clone()).await.unwrap();
        File { directory, queue, overrides }
    }

    fn queue(&self) -> &LocalQueue {
        &self.queue
    }

    async fn tasks_in(&self, suffix: &str) -> Vec<String> {
        // A lease of no length hides nothing.
        let tasks = self.queue.lease(suffix, 10_000, Duration::ZERO, SOON_MS).await.unwrap();
        tasks.into_iter().map(|(id, _)| id).collect()
    }

    async fn end(&self) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_unacknowledged_events_come_again() {
    run(Overrides::default(), |rig: Arc<File>| async move {
        rig.queue().send_events(numbered(3)).await.unwrap();
        let mut killed = rig.queue().consume(10).await.unwrap();
        let held = receive(&mut killed, 3).await;
        killed.ack(&[held[1].tag]).await.unwrap();
        // The killed process never said goodbye: its consumer is not dropped here either.
        let restarted = rig.opened_again().await;
        let mut consumer = restarted.consume(10).await.unwrap();
        assert_eq!(bodies(&take(&mut consumer, 2).await), ["event 0", "event 2"]);
        // Were it still alive, it would be told that these are no longer its own.
        assert!(matches!(killed.ack(&[held[0].tag]).await, Err(QueueError::SessionLost(_))));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_process_sends_is_noticed() {
    run(Overrides::default(), |rig: Arc<File>| async move {
        let mut consumer = rig.queue().consume(10).await.unwrap();
        let other = rig.opened_again().await;
        let (sent, got) = tokio::join!(other.send_events(numbered(1)), receive(&mut consumer, 1));
        sent.unwrap();
        assert_eq!(bodies(&got), ["event 0"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leased_task_is_hidden_until_its_lease_lapses_or_it_is_settled() {
    run(Overrides::default(), |rig: Arc<File>| async move {
        let queue = rig.queue();
        let urgent = TaskMessage { priority: 9, ..task("urgent", "task.referral_ask") };
        queue.publish(vec![task("a", "task.referral_ask"), task("b", "task.referral_ask"), urgent]).await;
        let minute = Duration::from_secs(60);
        let ids = |tasks: Vec<(String, Vec<u8>)>| tasks.into_iter().map(|(id, _)| id).collect::<Vec<_>>();
        let first = queue.lease("referral-ask", 2, minute, SOON_MS).await.unwrap();
        assert_eq!(first[0].1, b"{\"id\":\"urgent\"}");
        assert_eq!(ids(first), ["urgent", "a"]);
        assert_eq!(ids(queue.lease("referral-ask", 9, minute, SOON_MS + 1).await.unwrap()), ["b"]);
        queue.settle("referral-ask", "a").await.unwrap();
        queue.settle("referral-ask", "a").await.unwrap();
        queue.settle("referral-ask", "never heard of").await.unwrap();
        assert!(queue.lease("referral-ask", 9, minute, SOON_MS + 59_999).await.unwrap().is_empty());
        assert_eq!(ids(queue.lease("referral-ask", 9, minute, SOON_MS + 60_000).await.unwrap()), ["urgent"]);
        assert_eq!(queue.waiting().await.unwrap().tasks["referral-ask"], 2);
        let unknown = queue.lease("calls-later", 9, minute, SOON_MS).await.unwrap_err().to_string();
        assert!(unknown.contains("there is no task queue \"calls-later\"; there are calls, calls-now,"), "{unknown}");
        assert!(matches!(queue.settle("calls-later", "a").await, Err(QueueError::Refused(_))));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_published_again_waits_once() {
    run(Overrides::default(), |rig: Arc<File>| async move {
        for _ in 0..3 {
            assert_eq!(rig.queue().publish(vec![task("a", "task.disengage")]).await, [Published::Confirmed]);
        }
        assert_eq!(rig.tasks_in("disengage").await, ["a"]);
        let waiting = rig.queue().waiting().await.unwrap();
        assert_eq!((waiting.tasks["disengage"], waiting.tasks["review"]), (1, 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_in_memory_keeps_the_same_contract() {
    let queue = LocalQueue::in_memory().await.unwrap();
    let mut consumer = queue.consume(10).await.unwrap();
    queue.send_events(numbered(3)).await.unwrap();
    assert_eq!(bodies(&take(&mut consumer, 3).await), ["event 0", "event 1", "event 2"]);
    nothing_but_a_new_event(&queue, &mut consumer).await;
    assert_eq!(queue.waiting().await.unwrap().events, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_a_newer_version_is_refused() {
    run(Overrides::default(), |rig: Arc<File>| async move {
        let path = rig.directory.path().join("queue.db");
        let file = sqlx::SqlitePool::connect(&format!("sqlite://{}", path.display())).await.unwrap();
        sqlx::query("PRAGMA user_version = 99").execute(&file).await.unwrap();
        file.close().await;
        let refused = LocalQueue::open(&path).await.err().unwrap().to_string();
        assert!(refused.contains("version 99"), "{refused}");
    })
    .await;
}
