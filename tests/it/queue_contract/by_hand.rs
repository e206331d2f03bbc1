//! What a real broker does seldom or at its own time, done at will by one that is played by hand.

use gleaner::queue::rabbitmq::{RabbitMq, RabbitSettings};

use super::*;

/// Settings for a broker by hand, which declares nothing.
fn by_hand(address: std::net::SocketAddr) -> RabbitMq {
    let mut settings = RabbitSettings::new(format!("amqp://guest:guest@{address}/%2f"));
    settings.declare = false;
    settings.idle_check = Duration::from_millis(60);
    settings.publish_within = Duration::from_secs(2);
    RabbitMq::new(settings).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_return_is_matched_by_its_message_even_when_all_are_confirmed_with_one_word() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let queue = by_hand(listener.local_addr().unwrap());
    let strays: Vec<u64> = (1..=200).filter(|place| place % 7 == 3).collect();
    let broker = tokio::spawn(raw::broker(listener, raw::Confirms::Together(200, strays.clone())));
    let published = queue.publish((0..=200).map(|n| task(&n.to_string(), "task.review")).collect()).await;
    let expected: Vec<Published> = (0..=200)
        .map(|place| if strays.contains(&place) { Published::Unroutable } else { Published::Confirmed })
        .collect();
    assert_eq!(published, expected);
    queue.close().await;
    broker.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_confirmed_counts_as_unknown_while_a_return_may_be_under_way() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let queue = by_hand(listener.local_addr().unwrap());
    let broker = tokio::spawn(raw::broker(listener, raw::Confirms::AllBut(3)));
    let published = queue.publish((0..6).map(|n| task(&n.to_string(), "task.review")).collect()).await;
    // The first is a window of its own. Of the others four were confirmed, but the return of any of them may be with
    // the confirm that is missing.
    assert_eq!(published[0], Published::Confirmed);
    assert_eq!(published[1..], [Published::Unknown; 5]);
    queue.close().await;
    broker.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn during_an_alarm_one_message_is_handed_over_and_none_after_it() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let queue = by_hand(listener.local_addr().unwrap());
    let over = Arc::new(tokio::sync::Notify::new());
    let broker = tokio::spawn(raw::broker(listener, raw::Confirms::AfterAlarm(over.clone())));
    let tasks: Vec<TaskMessage> = (0..3).map(|n| task(&n.to_string(), "task.review")).collect();
    assert_eq!(queue.publish(tasks.clone()).await, [Published::Unknown; 3]);
    assert_eq!(queue.publish(tasks.clone()).await, [Published::Unknown; 3]);
    over.notify_one();
    // On the same connection: this broker takes no second one.
    assert_eq!(queue.publish(tasks).await, [Published::Confirmed; 3]);
    queue.close().await;
    assert_eq!(broker.await.unwrap(), 1 + 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_is_given_nothing_while_messages_wait_ends() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let queue = by_hand(listener.local_addr().unwrap());
    let broker = tokio::spawn(raw::broker(listener, raw::Confirms::AllBut(0)));
    let mut consumer = queue.consume(10).await.unwrap();
    let ended = timeout(Duration::from_secs(30), consumer.receive(10, Duration::ZERO)).await.unwrap().unwrap_err();
    assert!(ended.to_string().contains("3 messages wait"), "{ended}");
    assert!(ended.is_transient());
    consumer.close().await;
    broker.await.unwrap();
}
