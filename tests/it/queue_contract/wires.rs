//! Connections that break or fall silent, and consumers that come back after one did.

use super::rabbitmq::Rabbit;
use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_wire_ends_the_consumer_and_nothing_is_lost() {
    run(Overrides::default(), |rig: Arc<Rabbit>| async move {
        let (queue, relay) = rig.behind_a_relay().await;
        rig.queue().send_events(numbered(20)).await.unwrap();
        let mut first = queue.consume(10).await.unwrap();
        take(&mut first, 1).await;
        let held = receive(&mut first, 5).await;
        relay.cut();
        // Until the end is noticed, what had arrived before may still be handed out.
        let ended = loop {
            if let Err(ended) = first.receive(1, Duration::ZERO).await {
                break ended;
            }
        };
        assert!(matches!(ended, QueueError::SessionLost(_)));
        assert!(matches!(first.ack(&tags(&held)).await, Err(QueueError::SessionLost(_))));
        first.close().await;
        let mut second = queue.consume(10).await.unwrap();
        let expected: Vec<String> = (1..20).map(|n| format!("event {n}")).collect();
        assert_eq!(bodies(&take(&mut second, 19).await), expected);
        second.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_wire_leaves_tasks_unknown_and_the_next_are_confirmed() {
    run(Overrides::default(), |rig: Arc<Rabbit>| async move {
        let (queue, relay) = rig.behind_a_relay().await;
        assert_eq!(queue.publish(vec![task("first", "task.review")]).await, [Published::Confirmed]);
        // The broker may get them, its answers never come back.
        relay.silence();
        let tasks: Vec<TaskMessage> = (0..100).map(|n| task(&n.to_string(), "task.review")).collect();
        let (published, ()) = tokio::join!(queue.publish(tasks.clone()), async {
            tokio::task::yield_now().await;
            relay.cut();
        });
        assert_eq!(published, [Published::Unknown; 100]);
        relay.speak();
        assert_eq!(queue.publish(tasks).await, [Published::Confirmed; 100]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_broker_is_noticed_by_everyone_in_time() {
    run(Overrides::default(), |rig: Arc<Rabbit>| async move {
        let (queue, relay) = rig.behind_a_relay().await;
        let mut consumer = queue.consume(10).await.unwrap();
        assert_eq!(queue.publish(vec![task("first", "task.review")]).await, [Published::Confirmed]);
        relay.silence();
        // The queue is asked after 0.2 s and must answer within 2 s; a publish has 3 s; the heartbeats alone take 20 s.
        let bound = Duration::from_secs(10);
        let (ended, published, opened) = tokio::join!(
            timeout(bound, consumer.receive(1, Duration::ZERO)),
            timeout(bound, queue.publish(vec![task("a", "task.review"), task("b", "task.review")])),
            timeout(bound, queue.consume(10)),
        );
        assert!(matches!(ended, Ok(Err(QueueError::SessionLost(_)))));
        assert_eq!(published.unwrap(), [Published::Unknown; 2]);
        assert!(matches!(opened, Ok(Err(QueueError::Unreachable(_)))));
        timeout(bound, async { tokio::join!(consumer.close(), queue.close()) }).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_consumer_lives_on() {
    run(Overrides::default(), |rig: Arc<Rabbit>| async move {
        let watchful = rig.with(|settings| settings.idle_check = Duration::from_millis(20));
        let mut consumer = watchful.consume(3).await.unwrap();
        assert!(timeout(Duration::from_millis(300), consumer.receive(1, Duration::ZERO)).await.is_err());
        // Nor is it suspicious that messages wait while everything allowed is handed out.
        watchful.send_events(numbered(9)).await.unwrap();
        take(&mut consumer, 1).await;
        let held = receive(&mut consumer, 3).await;
        assert!(timeout(Duration::from_millis(300), consumer.receive(1, Duration::ZERO)).await.is_err());
        consumer.ack(&tags(&held)).await.unwrap();
        take(&mut consumer, 5).await;
        consumer.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_bad_end_few_are_handed_out_until_they_are_acknowledged() {
    run(Overrides::default(), |rig: Arc<Rabbit>| async move {
        rig.queue().send_events(numbered(40)).await.unwrap();
        let mut first = rig.queue().consume(30).await.unwrap();
        take(&mut first, 1).await;
        receive(&mut first, 30).await;
        drop(first);
        // Thirty were given to somebody whose life ended. One of them may be why: they are tried in growing portions.
        let mut second = rig.queue().consume(30).await.unwrap();
        let mut portions = Vec::new();
        let mut got = Vec::new();
        while got.len() < 39 {
            let portion = second.receive(100, Duration::from_millis(500)).await.unwrap();
            second.ack(&tags(&portion)).await.unwrap();
            portions.push(portion.len());
            got.extend(bodies(&portion));
        }
        assert_eq!(portions[..4], [1, 2, 4, 8]);
        let expected: Vec<String> = (1..40).map(|n| format!("event {n}")).collect();
        assert_eq!(got, expected);
        nothing_but_a_new_event(rig.queue(), &mut second).await;
        second.close().await;
    })
    .await;
}
