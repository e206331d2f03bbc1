//! A broker that somebody changed: queues deleted, declared otherwise, or not for us.

use std::collections::BTreeMap;

use lapin::options::ExchangeDeleteOptions;
use lapin::uri::AMQPUri;

use super::rabbitmq::Rabbit;
use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_queue_ends_the_consumer_and_consuming_again_heals() {
    run(Overrides::default(), |rig: Arc<Rabbit>| async move {
        let mut consumer = rig.queue().consume(10).await.unwrap();
        rig.queue().send_events(numbered(1)).await.unwrap();
        take(&mut consumer, 1).await;
        rig.delete_queue("gleaner.events").await;
        let ended = consumer.receive(10, Duration::ZERO).await;
        assert!(matches!(ended, Err(QueueError::SessionLost(_))), "{ended:?}");
        assert!(matches!(consumer.receive(10, Duration::ZERO).await, Err(QueueError::SessionLost(_))));
        let mut consumer = rig.queue().consume(10).await.unwrap();
        nothing_but_a_new_event(rig.queue(), &mut consumer).await;
        consumer.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_task_queue_heals_with_the_next_task() {
    run(Overrides::default(), |rig: Arc<Rabbit>| async move {
        assert_eq!(rig.queue().publish(vec![task("before", "task.review")]).await, [Published::Confirmed]);
        rig.delete_queue("tasks.review").await;
        assert_eq!(rig.queue().publish(vec![task("lost", "task.review")]).await, [Published::Unroutable]);
        while rig.queue().publish(vec![task("after", "task.review")]).await != [Published::Confirmed] {}
        assert_eq!(rig.tasks_in("review").await, ["after"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_exchange_heals_with_the_next_task() {
    run(Overrides::default(), |rig: Arc<Rabbit>| async move {
        assert_eq!(rig.queue().publish(vec![task("before", "task.review")]).await, [Published::Confirmed]);
        let options = ExchangeDeleteOptions::default();
        rig.channel().await.exchange_delete(rig.name("tasks").into(), options).await.unwrap();
        let tasks = (0..50).map(|n| task(&n.to_string(), "task.review")).collect();
        assert_eq!(rig.queue().publish(tasks).await, [Published::Unknown; 50]);
        while rig.queue().publish(vec![task("after", "task.review")]).await != [Published::Confirmed] {}
        assert_eq!(rig.tasks_in("review").await, ["before", "after"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_dead_queue_loses_no_dead_letter() {
    run(Overrides::default(), |rig: Arc<Rabbit>| async move {
        rig.queue().send_events(numbered(1)).await.unwrap();
        let mut consumer = rig.queue().consume(10).await.unwrap();
        let original = take(&mut consumer, 1).await.remove(0);
        rig.delete_queue("gleaner.dead-events").await;
        assert!(rig.queue().bury(vec![letter(&original)]).await.unwrap_err().is_transient());
        while rig.queue().bury(vec![letter(&original)]).await.is_err() {}
        assert_eq!(looked_at(rig.queue()).await.len(), 1);
        consumer.close().await;
    })
    .await;
}

/// How the topology differs, in words.
async fn differences_of(queue: &gleaner::queue::rabbitmq::RabbitMq) -> Vec<String> {
    queue.check_topology().await.unwrap().iter().map(ToString::to_string).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mismatched_declaration_is_refused_and_told() {
    run(Overrides::default(), |rig: Arc<Rabbit>| async move {
        let other = rig.with(|settings| {
            settings.overrides.task_queue_limit = 7;
            settings.overrides.event_delivery_limit = 9;
        });
        let refused = other.consume(10).await.err().expect("a refusal");
        assert!(!refused.is_transient());
        let told = refused.to_string();
        assert!(told.contains(&rig.name("gleaner.events")) && told.contains("x-delivery-limit"), "{told}");
        assert!(told.contains("`gleaner topology`"), "{told}");
        let differences = differences_of(&other).await;
        assert_eq!(differences.len(), 1 + gleaner::queue::TASK_QUEUES.len(), "{differences:#?}");
        let calls = format!("queue {} exists with other settings", rig.name("tasks.calls"));
        assert!(
            differences.iter().any(|told| told.starts_with(&calls) && told.contains("x-max-length")),
            "{differences:#?}"
        );
        assert!(!other.apply_topology().await.unwrap_err().is_transient());
        // Tasks still go out: each is confirmed or told to be unroutable by itself.
        assert_eq!(other.publish(vec![task("a", "task.review")]).await, [Published::Confirmed]);
        assert!(rig.queue().check_topology().await.unwrap().is_empty());
        // Nobody who may not declare needs to.
        let trusting = rig.with(|settings| {
            settings.overrides.task_queue_limit = 7;
            settings.declare = false;
        });
        let mut consumer = trusting.consume(10).await.unwrap();
        nothing_but_a_new_event(&trusting, &mut consumer).await;
        consumer.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_part_is_told_and_made() {
    run(Overrides::default(), |rig: Arc<Rabbit>| async move {
        rig.delete_queue("tasks.swap").await;
        let options = ExchangeDeleteOptions::default();
        rig.channel().await.exchange_delete(rig.name("gleaner.dead").into(), options).await.unwrap();
        let told = differences_of(rig.queue()).await;
        let expected = [
            format!("exchange {} is missing", rig.name("gleaner.dead")),
            format!("queue {} is missing", rig.name("tasks.swap")),
        ];
        assert_eq!(told, expected);
        rig.queue().apply_topology().await.unwrap();
        assert!(rig.queue().check_topology().await.unwrap().is_empty());
        assert_eq!(rig.queue().publish(vec![task("a", "task.swap_offer")]).await, [Published::Confirmed]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn own_bindings_replace_the_standard_ones() {
    run(Overrides::default(), |rig: Arc<Rabbit>| async move {
        let own = rig.with(|settings| {
            let to_nobody = ("practice".to_string(), Vec::new());
            let both = ("review".to_string(), vec!["task.practice".to_string(), "task.review".to_string()]);
            settings.overrides.bindings = BTreeMap::from([to_nobody, both]);
        });
        own.apply_topology().await.unwrap();
        assert_eq!(own.publish(vec![task("a", "task.practice")]).await, [Published::Confirmed]);
        assert_eq!(rig.tasks_in("practice").await, [""; 0]);
        assert_eq!(rig.tasks_in("review").await, ["a"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_refused_without_being_shown() {
    run(Overrides::default(), |rig: Arc<Rabbit>| async move {
        let mut uri: AMQPUri = rig.settings.url.parse().unwrap();
        uri.authority.userinfo.password = "s3cret".to_string();
        let stranger = rig.with(|settings| settings.url = uri.to_string());
        let refused = stranger.consume(10).await.err().expect("a refusal");
        assert!(matches!(refused, QueueError::Refused(_)), "{refused:?}");
        assert!(!format!("{refused:?} {refused}").contains("s3cret"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_virtual_host_is_refused() {
    run(Overrides::default(), |rig: Arc<Rabbit>| async move {
        let mut uri: AMQPUri = rig.settings.url.parse().unwrap();
        uri.vhost = String::new();
        let lost = rig.with(|settings| settings.url = uri.to_string());
        let refused = lost.consume(10).await.err().expect("a refusal").to_string();
        assert!(refused.contains("virtual host \"\"") && refused.contains("/%2f"), "{refused}");
    })
    .await;
}
