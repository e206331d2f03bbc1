//! What every queue keeps, proved on both: RabbitMQ and the local file. What only the file has is in `local`; what only
//! a broker has is in `messages`, `changes`, `wires` and `by_hand`.
//!
//! Each test has a queue of its own (on the broker a prefix of its own, deleted at the end) and a bound of a minute.

mod by_hand;
mod changes;
mod local;
mod messages;
mod rabbitmq;
pub mod raw;
mod relay;
mod wires;

use std::sync::Arc;
use std::time::Duration;

use gleaner::queue::{
    Consumer, DeadAction, DeadLetter, DeadLetterView, Delivery, EventMessage, Overrides, Published, Queue, QueueError,
    Refusal, TaskMessage,
};
use tokio::time::timeout;

/// A queue under test and a second way to look at it.
trait Rig: Sized + Send + Sync + 'static {
    type Queue: Queue;

    fn start(overrides: Overrides) -> impl Future<Output = Self> + Send;
    fn queue(&self) -> &Self::Queue;
    /// The ids of the tasks that wait in a queue, in order, without taking them.
    fn tasks_in(&self, suffix: &str) -> impl Future<Output = Vec<String>> + Send;
    /// Leaves nothing behind.
    fn end(&self) -> impl Future<Output = ()> + Send;
}

/// Runs a test with a rig of its own, and clears up whether it holds or not.
async fn run<R: Rig, F: Future<Output = ()> + Send + 'static>(overrides: Overrides, test: impl FnOnce(Arc<R>) -> F) {
    let rig = Arc::new(R::start(overrides).await);
    let outcome = tokio::spawn(timeout(Duration::from_secs(60), test(rig.clone()))).await;
    rig.end().await;
    match outcome {
        Ok(in_time) => in_time.expect("the test should end within a minute"),
        Err(failed) => std::panic::resume_unwind(failed.into_panic()),
    }
}

macro_rules! contract {
    ($($test:ident $(with $overrides:expr)?,)*) => {
        mod on_rabbitmq {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                super::run(super::contract!(@ $($overrides)?), super::$test::<super::rabbitmq::Rabbit>).await
            })*
        }
        mod on_the_local_file {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                super::run(super::contract!(@ $($overrides)?), super::$test::<super::local::File>).await
            })*
        }
    };
    (@ $overrides:expr) => { $overrides };
    (@) => { gleaner::queue::Overrides::default() };
}
use contract;

contract! {
    events_come_in_order_and_whole,
    what_is_not_acknowledged_comes_again,
    what_is_released_comes_again,
    acks_of_an_earlier_generation_are_refused,
    nothing_is_acknowledged_twice,
    prefetch_bounds_what_is_unacknowledged,
    a_cancelled_receive_loses_nothing,
    an_unroutable_task_is_flagged_exactly_among_its_neighbours,
    a_revocation_reaches_the_queue_that_its_task_travelled,
    a_full_queue_refuses_only_its_own_messages with super::five_tasks_a_queue(),
    no_expiration_is_too_short_or_too_long,
    an_expired_task_is_not_handed_out,
    a_dead_letter_keeps_what_it_was_and_replay_brings_it_back,
    a_dead_letter_of_an_erased_person_keeps_only_its_body,
    looking_at_dead_letters_a_hundred_times_destroys_nothing,
    a_dropped_dead_letter_is_gone_and_the_others_stay,
    what_is_handed_out_too_often_is_set_aside_without_a_reason with super::three_deliveries(),
    a_routing_key_too_long_is_refused_and_nothing_is_sent,
    a_closed_queue_can_be_used_again,
}

fn five_tasks_a_queue() -> Overrides {
    Overrides { task_queue_limit: 5, ..Overrides::default() }
}

fn three_deliveries() -> Overrides {
    Overrides { event_delivery_limit: 3, ..Overrides::default() }
}

async fn events_come_in_order_and_whole<R: Rig>(rig: Arc<R>) {
    // One body of exactly 1 MiB and an empty one among them.
    let mut sent = numbered(30);
    sent[7].body = vec![b'x'; 1 << 20];
    sent[8].body = Vec::new();
    rig.queue().send_events(sent.clone()).await.unwrap();
    let mut consumer = rig.queue().consume(10).await.unwrap();
    let got = take(&mut consumer, 30).await;
    for (sent, got) in sent.iter().zip(&got) {
        assert_eq!(got.body, sent.body);
        assert_eq!(got.meta.routing_key, sent.routing_key);
        assert_eq!(got.meta.content_type.as_deref(), Some("application/cloudevents+json"));
        assert!(got.meta.exchange.ends_with("leads"));
        assert!(!got.meta.redelivered);
    }
    consumer.close().await;
}

async fn what_is_not_acknowledged_comes_again<R: Rig>(rig: Arc<R>) {
    rig.queue().send_events(numbered(5)).await.unwrap();
    let mut first = rig.queue().consume(10).await.unwrap();
    let zero = receive(&mut first, 1).await;
    first.ack(&[zero[0].tag]).await.unwrap();
    let rest = receive(&mut first, 4).await;
    // Two and four are acknowledged, one and three are not: exactly those come again.
    first.ack(&[rest[1].tag, rest[3].tag]).await.unwrap();
    drop(first);

    let mut second = rig.queue().consume(10).await.unwrap();
    let again = take(&mut second, 2).await;
    assert_eq!(bodies(&again), ["event 1", "event 3"]);
    assert!(again.iter().all(|delivery| delivery.meta.redelivered));
    second.close().await;
    let mut third = rig.queue().consume(10).await.unwrap();
    nothing_but_a_new_event(rig.queue(), &mut third).await;
    third.close().await;
}

async fn what_is_released_comes_again<R: Rig>(rig: Arc<R>) {
    rig.queue().send_events(numbered(3)).await.unwrap();
    let mut consumer = rig.queue().consume(10).await.unwrap();
    let first = receive(&mut consumer, 1).await;
    consumer.release(&[first[0].tag]).await.unwrap();
    let again = receive(&mut consumer, 1).await;
    assert_eq!(bodies(&again), ["event 0"]);
    assert!(again[0].meta.redelivered);
    assert!(again[0].tag > first[0].tag);
    consumer.ack(&[again[0].tag]).await.unwrap();
    assert_eq!(bodies(&take(&mut consumer, 2).await), ["event 1", "event 2"]);
    nothing_but_a_new_event(rig.queue(), &mut consumer).await;
    consumer.close().await;
}

async fn acks_of_an_earlier_generation_are_refused<R: Rig>(rig: Arc<R>) {
    rig.queue().send_events(numbered(1)).await.unwrap();
    let mut first = rig.queue().consume(10).await.unwrap();
    let old = receive(&mut first, 1).await[0].tag;
    drop(first);
    let mut second = rig.queue().consume(10).await.unwrap();
    let new = receive(&mut second, 1).await[0].tag;
    assert_ne!(old.generation, new.generation);
    assert!(matches!(second.ack(&[old]).await, Err(QueueError::SessionLost(_))));
    assert!(matches!(second.release(&[old, new]).await, Err(QueueError::SessionLost(_))));
    // The life that refused goes on, and its own delivery is still its own.
    second.ack(&[new]).await.unwrap();
    nothing_but_a_new_event(rig.queue(), &mut second).await;
    second.close().await;
}

async fn nothing_is_acknowledged_twice<R: Rig>(rig: Arc<R>) {
    rig.queue().send_events(numbered(1)).await.unwrap();
    let mut consumer = rig.queue().consume(10).await.unwrap();
    let tag = receive(&mut consumer, 1).await[0].tag;
    consumer.ack(&[tag, tag]).await.unwrap();
    assert!(matches!(consumer.ack(&[tag]).await, Err(QueueError::Refused(_))));
    consumer.ack(&[]).await.unwrap();
    nothing_but_a_new_event(rig.queue(), &mut consumer).await;
    consumer.close().await;
}

async fn prefetch_bounds_what_is_unacknowledged<R: Rig>(rig: Arc<R>) {
    rig.queue().send_events(numbered(20)).await.unwrap();
    let mut consumer = rig.queue().consume(5).await.unwrap();
    // A life may start with less than it may have; the first acknowledgement opens it.
    take(&mut consumer, 1).await;
    let held = receive(&mut consumer, 5).await;
    let more = timeout(Duration::from_millis(300), consumer.receive(100, Duration::ZERO)).await;
    assert!(more.is_err(), "a sixth was handed out while five are unacknowledged");
    consumer.ack(&tags(&held[..2])).await.unwrap();
    let more = receive(&mut consumer, 2).await;
    assert_eq!(bodies(&more), ["event 6", "event 7"]);
    // All that is outstanding at once, though handed out in three portions.
    consumer.ack(&[tags(&held[2..]), tags(&more)].concat()).await.unwrap();
    take(&mut consumer, 12).await;
    nothing_but_a_new_event(rig.queue(), &mut consumer).await;
    consumer.close().await;
}

async fn a_cancelled_receive_loses_nothing<R: Rig>(rig: Arc<R>) {
    let mut consumer = rig.queue().consume(50).await.unwrap();
    rig.queue().send_events(numbered(40)).await.unwrap();
    take(&mut consumer, 1).await;
    // Cancelled at every stage: before the first delivery, and while it lingers for more.
    for round in 0..40 {
        let receive = consumer.receive(100, Duration::from_secs(60));
        assert!(timeout(Duration::from_micros(round * 500), receive).await.is_err());
    }
    let got = receive(&mut consumer, 39).await;
    let expected: Vec<String> = (1..40).map(|n| format!("event {n}")).collect();
    assert_eq!(bodies(&got), expected);
    consumer.ack(&tags(&got)).await.unwrap();
    nothing_but_a_new_event(rig.queue(), &mut consumer).await;
    consumer.close().await;
}

async fn an_unroutable_task_is_flagged_exactly_among_its_neighbours<R: Rig>(rig: Arc<R>) {
    // Few and many strays, and enough at a time that the broker confirms several with one word: a client may then hand
    // over the return of one with the confirm of another.
    for (round, (count, nth)) in [(200, 7), (200, 2), (1000, 3), (1000, 2), (2500, 5)].into_iter().enumerate() {
        let stray = |n: usize| n % nth == nth - 1 || n == count - 1;
        let key = |n| if stray(n) { "task.unheard_of" } else { "task.follow_up.call.now" };
        let tasks: Vec<TaskMessage> = (0..count).map(|n| task(&format!("{round}-{n}"), key(n))).collect();
        let published = rig.queue().publish(tasks).await;
        let wrong: Vec<usize> = (0..count)
            .filter(|n| published[*n] != if stray(*n) { Published::Unroutable } else { Published::Confirmed })
            .collect();
        assert!(wrong.is_empty(), "of {count} with every {nth}th unroutable these were flagged wrong: {wrong:?}");
    }
    let waiting = rig.tasks_in("calls-now").await;
    assert_eq!(waiting.len(), 171 + 100 + 666 + 500 + 2000);
    assert_eq!(waiting[..8], ["0-0", "0-1", "0-2", "0-3", "0-4", "0-5", "0-7", "0-8"]);
}

async fn a_revocation_reaches_the_queue_that_its_task_travelled<R: Rig>(rig: Arc<R>) {
    let routes = gleaner::queue::Routes::default();
    for (suffix, _) in routes.iter() {
        let revocation =
            TaskMessage { expires_in: None, ..task("revocation", &gleaner::queue::revocation_key(suffix)) };
        assert_eq!(rig.queue().publish(vec![revocation]).await, [Published::Confirmed]);
        assert_eq!(rig.tasks_in(suffix).await, ["revocation"]);
    }
}

async fn a_full_queue_refuses_only_its_own_messages<R: Rig>(rig: Arc<R>) {
    // The broker's bound is a soft one: it takes a few more before it refuses.
    let mut taken = 0;
    while rig.queue().publish(vec![task(&format!("fill-{taken}"), "task.review")]).await == [Published::Confirmed] {
        taken += 1;
        assert!(taken < 200, "the queue is never full");
    }
    assert!(taken >= 5);
    let key = |n| if n % 4 == 0 { "task.follow_up.call.now" } else { "task.review" };
    let mixed = (0..16).map(|n| task(&format!("mixed-{n}"), key(n))).collect();
    let expected: Vec<Published> =
        (0..16).map(|n| if n % 4 == 0 { Published::Confirmed } else { Published::Refused }).collect();
    assert_eq!(rig.queue().publish(mixed).await, expected);
    assert_eq!(rig.tasks_in("review").await.len(), taken);
}

async fn no_expiration_is_too_short_or_too_long<R: Rig>(rig: Arc<R>) {
    let spans = [
        Some(Duration::ZERO),
        Some(Duration::from_nanos(1)),
        Some(Duration::from_micros(1_500)),
        Some(Duration::from_secs(3_600)),
        Some(Duration::from_secs(20 * 366 * 86_400)),
        Some(Duration::MAX),
        None,
    ];
    let tasks = spans
        .iter()
        .enumerate()
        .map(|(n, span)| TaskMessage { expires_in: *span, ..task(&n.to_string(), "task.swap_offer") });
    assert_eq!(rig.queue().publish(tasks.collect()).await, [Published::Confirmed; 7]);
}

async fn an_expired_task_is_not_handed_out<R: Rig>(rig: Arc<R>) {
    let expired = TaskMessage { expires_in: Some(Duration::ZERO), ..task("expired", "task.practice") };
    let published = rig.queue().publish(vec![expired, task("live", "task.practice")]).await;
    assert_eq!(published, [Published::Confirmed; 2]);
    while rig.tasks_in("practice").await != ["live"] {
        tokio::task::yield_now().await;
    }
}

async fn a_dead_letter_keeps_what_it_was_and_replay_brings_it_back<R: Rig>(rig: Arc<R>) {
    rig.queue().send_events(numbered(3)).await.unwrap();
    let mut consumer = rig.queue().consume(10).await.unwrap();
    let original = take(&mut consumer, 1).await.remove(0);
    rig.queue().bury(vec![letter(&original)]).await.unwrap();
    take(&mut consumer, 2).await;

    let seen = looked_at(rig.queue()).await;
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].body, original.body);
    assert_eq!(seen[0].meta, original.meta);
    assert_eq!(seen[0].refusal, Some(reason()));

    assert_eq!(rig.queue().visit_dead(10, &mut |_| DeadAction::Replay).await.unwrap(), 1);
    let again = receive(&mut consumer, 1).await.remove(0);
    assert_eq!(again.body, original.body);
    assert_eq!(again.meta, original.meta);
    assert!(looked_at(rig.queue()).await.is_empty());
    consumer.ack(&[again.tag]).await.unwrap();
    nothing_but_a_new_event(rig.queue(), &mut consumer).await;
    consumer.close().await;
}

async fn a_dead_letter_of_an_erased_person_keeps_only_its_body<R: Rig>(rig: Arc<R>) {
    rig.queue().send_events(numbered(1)).await.unwrap();
    let mut consumer = rig.queue().consume(10).await.unwrap();
    let original = take(&mut consumer, 1).await.remove(0);
    let bare = DeadLetter { raw: None, body: b"{}".to_vec(), ..letter(&original) };
    rig.queue().bury(vec![bare]).await.unwrap();
    let seen = looked_at(rig.queue()).await;
    assert_eq!((seen[0].body.as_slice(), &seen[0].refusal), (b"{}".as_slice(), &Some(reason())));
    assert!(seen[0].meta.headers.is_empty());
    consumer.close().await;
}

async fn looking_at_dead_letters_a_hundred_times_destroys_nothing<R: Rig>(rig: Arc<R>) {
    bury_numbered(&*rig, 5).await;
    for look in 0..100 {
        let seen: Vec<Vec<u8>> = looked_at(rig.queue()).await.into_iter().map(|letter| letter.body).collect();
        let expected: Vec<Vec<u8>> = (0..5).map(|n| format!("event {n}").into_bytes()).collect();
        assert_eq!(seen, expected, "at look {look}");
    }
    assert_eq!(rig.queue().visit_dead(2, &mut |_| DeadAction::Keep).await.unwrap(), 2);
    assert_eq!(rig.queue().visit_dead(0, &mut |_| DeadAction::Drop).await.unwrap(), 0);
    assert_eq!(looked_at(rig.queue()).await.len(), 5);
}

async fn a_dropped_dead_letter_is_gone_and_the_others_stay<R: Rig>(rig: Arc<R>) {
    bury_numbered(&*rig, 5).await;
    let mut place = 0;
    let every_other = &mut |_: &DeadLetterView| {
        place += 1;
        if place % 2 == 0 { DeadAction::Drop } else { DeadAction::Keep }
    };
    assert_eq!(rig.queue().visit_dead(100, every_other).await.unwrap(), 5);
    let seen: Vec<Vec<u8>> = looked_at(rig.queue()).await.into_iter().map(|letter| letter.body).collect();
    assert_eq!(seen, [b"event 0", b"event 2", b"event 4"]);
}

async fn what_is_handed_out_too_often_is_set_aside_without_a_reason<R: Rig>(rig: Arc<R>) {
    rig.queue().send_events(numbered(2)).await.unwrap();
    let mut consumer = rig.queue().consume(1).await.unwrap();
    // The first is released whenever it comes; the second shows that the first is through.
    let mut handed_out = 0;
    loop {
        let got = receive(&mut consumer, 1).await;
        if got[0].body == b"event 1" {
            consumer.ack(&tags(&got)).await.unwrap();
            break;
        }
        handed_out += 1;
        consumer.release(&tags(&got)).await.unwrap();
    }
    // Once and then three times more.
    assert_eq!(handed_out, 4);
    let seen = loop {
        // The broker moves it after its own confirm.
        let seen = looked_at(rig.queue()).await;
        if !seen.is_empty() {
            break seen;
        }
    };
    assert_eq!((seen[0].body.as_slice(), &seen[0].refusal), (b"event 0".as_slice(), &None));
    assert_eq!(seen[0].meta.routing_key, "lead.captured");
    assert!(seen[0].meta.exchange.ends_with("leads"));
    assert_eq!(rig.queue().visit_dead(10, &mut |_| DeadAction::Replay).await.unwrap(), 1);
    assert_eq!(bodies(&take(&mut consumer, 1).await), ["event 0"]);
    consumer.close().await;
}

async fn a_routing_key_too_long_is_refused_and_nothing_is_sent<R: Rig>(rig: Arc<R>) {
    let mut events = numbered(2);
    events[1].routing_key = "k".repeat(256);
    assert!(matches!(rig.queue().send_events(events.clone()).await, Err(QueueError::Refused(_))));
    events[1].routing_key.pop();
    events[0].body = b"event of 255".to_vec();
    rig.queue().send_events(events).await.unwrap();
    let mut consumer = rig.queue().consume(10).await.unwrap();
    assert_eq!(bodies(&take(&mut consumer, 2).await), ["event of 255", "event 1"]);
    consumer.close().await;
}

async fn a_closed_queue_can_be_used_again<R: Rig>(rig: Arc<R>) {
    rig.queue().send_events(numbered(1)).await.unwrap();
    rig.queue().close().await;
    rig.queue().close().await;
    let mut consumer = rig.queue().consume(10).await.unwrap();
    take(&mut consumer, 1).await;
    nothing_but_a_new_event(rig.queue(), &mut consumer).await;
    consumer.close().await;
}

fn numbered(count: usize) -> Vec<EventMessage> {
    let event = |n| EventMessage { routing_key: "lead.captured".to_string(), body: format!("event {n}").into_bytes() };
    (0..count).map(event).collect()
}

fn task(id: &str, routing_key: &str) -> TaskMessage {
    TaskMessage {
        id: id.to_string(),
        routing_key: routing_key.to_string(),
        kind: "task.follow_up".to_string(),
        body: format!("{{\"id\":\"{id}\"}}").into_bytes(),
        cause: "event:/forms e-1".to_string(),
        priority: 7,
        expires_in: Some(Duration::from_secs(3_600)),
        published_at_ms: 1_772_460_300_500,
        lead_version: 14,
        traceparent: None,
    }
}

fn reason() -> Refusal {
    Refusal {
        reason: "missing_field".to_string(),
        detail: "`data.lead` is missing: it must hold at least one key – id, e-mail, phone or visitor".to_string(),
        at: "2026-03-02T14:05:00Z".to_string(),
        key: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".to_string(),
    }
}

fn letter<R: Clone>(original: &Delivery<R>) -> DeadLetter<R> {
    DeadLetter {
        body: original.body.clone(),
        meta: original.meta.clone(),
        raw: Some(original.raw.clone()),
        refusal: reason(),
    }
}

async fn bury_numbered<R: Rig>(rig: &R, count: usize) {
    rig.queue().send_events(numbered(count)).await.unwrap();
    let mut consumer = rig.queue().consume(10).await.unwrap();
    for original in take(&mut consumer, count).await {
        rig.queue().bury(vec![letter(&original)]).await.unwrap();
    }
    consumer.close().await;
}

async fn looked_at(queue: &impl Queue) -> Vec<DeadLetterView> {
    let mut seen = Vec::new();
    let keep = &mut |letter: &DeadLetterView| {
        seen.push(letter.clone());
        DeadAction::Keep
    };
    let count = queue.visit_dead(1000, keep).await.unwrap();
    assert_eq!(count, seen.len());
    seen
}

/// Receives exactly so many and leaves them unacknowledged.
async fn receive<C: Consumer>(consumer: &mut C, count: usize) -> Vec<Delivery<C::Raw>> {
    let mut got = Vec::new();
    while got.len() < count {
        got.extend(consumer.receive(count - got.len(), Duration::from_millis(20)).await.unwrap());
    }
    got
}

/// Receives exactly so many and acknowledges them as they come.
async fn take<C: Consumer>(consumer: &mut C, count: usize) -> Vec<Delivery<C::Raw>> {
    let mut got = Vec::new();
    while got.len() < count {
        let some = consumer.receive(count - got.len(), Duration::from_millis(20)).await.unwrap();
        consumer.ack(&tags(&some)).await.unwrap();
        got.extend(some);
    }
    got
}

/// Proves that nothing waits: what is sent now is the first to come.
async fn nothing_but_a_new_event<C: Consumer>(queue: &impl Queue, consumer: &mut C) {
    let body = b"a new one".to_vec();
    queue.send_events(vec![EventMessage { routing_key: "lead.updated".to_string(), body }]).await.unwrap();
    let got = take(consumer, 1).await;
    assert_eq!(bodies(&got), ["a new one"]);
}

fn tags<R>(deliveries: &[Delivery<R>]) -> Vec<gleaner::queue::Tag> {
    deliveries.iter().map(|delivery| delivery.tag).collect()
}

fn bodies<R>(deliveries: &[Delivery<R>]) -> Vec<String> {
    deliveries.iter().map(|delivery| String::from_utf8_lossy(&delivery.body).to_string()).collect()
}
