//! The broker or the database goes away in the middle of the work and comes back: the workers heal by themselves,
//! nothing is lost, nothing is done twice, and nobody's message is set aside for it.
//!
//! The servers that are stopped here are the test's own; where they are not installed there is nothing to test.

use std::time::{Duration, Instant};

use gleaner::queue::rabbitmq::RabbitMq;
use gleaner::queue::{EventMessage, Queue};
use serde_json::Value;
use tokio::task::JoinHandle;

use crate::cluster::{Cluster, amqp_url, assert_conduct, assert_same_facts, database_url};
use crate::faults::{AS_OF, Dice, SEED, messy, stream};
use crate::private::{PrivatePostgres, PrivateRabbit};

/// How long anything may take that is waited for.
const PATIENCE: Duration = Duration::from_secs(90);
/// How long a server stays away: longer than the first pauses of those who try to reach it.
const AWAY: Duration = Duration::from_secs(4);
/// How often the sample is in the stream: enough that the outage falls into the work.
const TIMES: usize = 40;
/// Messages in one publish.
const CHUNK: usize = 20;

/// Publishes in the background, and what was not confirmed again until it is; that makes copies, which is allowed.
fn publish(queue: RabbitMq, events: Vec<Value>) -> JoinHandle<()> {
    tokio::spawn(async move {
        for chunk in events.chunks(CHUNK) {
            let until = Instant::now() + PATIENCE;
            let messages: Vec<EventMessage> = chunk
                .iter()
                .map(|e| EventMessage {
                    routing_key: e["type"].as_str().unwrap().to_owned(),
                    body: e.to_string().into_bytes(),
                })
                .collect();
            while let Err(error) = queue.send_events(messages.clone()).await {
                assert!(Instant::now() < until, "nothing can be published: {error}");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    })
}

/// Two workers, in the middle of a stream that is still being published.
struct Busy {
    cluster: Cluster,
    events: Vec<Value>,
    workers: [usize; 2],
    publisher: JoinHandle<()>,
}

impl Busy {
    async fn start(mut cluster: Cluster) -> Busy {
        let events = stream(TIMES);
        let workers = [cluster.worker(None), cluster.worker(None)];
        let publisher = publish(cluster.queue.clone(), messy(&events, &mut Dice(SEED)));
        let (some, until) = (events.len() as i64 / 10, Instant::now() + PATIENCE);
        while cluster.count("select count(*) from seen").await < some {
            assert!(Instant::now() < until, "the workers did not begin\n{}", cluster.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Busy { cluster, events, workers, publisher }
    }

    /// The oracle, after the server is back.
    async fn end(self) {
        let Busy { mut cluster, events, workers, publisher } = self;
        publisher.await.unwrap();
        until_the_queue_answers(&cluster).await;
        cluster.settle(events.len() as i64, 0).await;
        for worker in workers {
            assert!(!cluster.has_died(worker), "a worker ended instead of waiting\n{}", cluster.log());
        }
        assert!(cluster.log().contains(" is away"), "no worker noticed the outage");
        assert_same_facts(&cluster, &events, AS_OF);
        assert!(assert_conduct(&cluster).await > 0);
        cluster.stop().await;
    }
}

/// A broker that listens may still be electing the leaders of its queues.
async fn until_the_queue_answers(cluster: &Cluster) {
    let until = Instant::now() + PATIENCE;
    for queue in ["gleaner.events", "gleaner.dead-events"] {
        while let Err(error) = ask(cluster, queue).await {
            assert!(Instant::now() < until, "{queue} does not answer: {error}\n{}", cluster.log());
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

/// How many take what is in a queue.
async fn ask(cluster: &Cluster, queue: &str) -> Result<u32, lapin::Error> {
    let connection = lapin::Connection::connect(&cluster.amqp, lapin::ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    let options = lapin::options::QueueDeclareOptions { passive: true, ..Default::default() };
    let declared =
        channel.queue_declare(format!("{}{queue}", cluster.prefix).into(), options, Default::default()).await?;
    connection.close(200, "done".into()).await?;
    Ok(declared.consumer_count())
}

/// How long queues have been there before the broker is killed.
const DECLARED: Duration = Duration::from_secs(4);

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_killed_under_load_and_comes_back_loses_nothing() {
    let Some(mut broker) = PrivateRabbit::start().await else { return };
    let cluster = Cluster::start_on("broker", database_url(), broker.url()).await;
    // RabbitMQ 3.10.8 that is killed within a second of declaring a quorum queue may forget that it has it ("leader not
    // known" for ever after): queues that are in use have been there for longer.
    tokio::time::sleep(DECLARED).await;
    let busy = Busy::start(cluster).await;
    broker.kill();
    // Still in the middle: events that were published are not yet applied, others are not yet published.
    assert!(busy.cluster.count("select count(*) from seen").await < busy.events.len() as i64);
    tokio::time::sleep(AWAY).await;
    broker.restart().await;
    busy.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_crashes_under_load_and_comes_back_loses_nothing() {
    let Some(database) = PrivatePostgres::start() else { return };
    let busy = Busy::start(Cluster::start_on("database", database.url(), amqp_url()).await).await;
    assert!(busy.cluster.count("select count(*) from seen").await < busy.events.len() as i64);
    database.stop_at_once();
    tokio::time::sleep(AWAY).await;
    // However long it is away, a message is delivered once for it: nobody takes any until it answers again.
    for _ in 0..20 {
        assert_eq!(ask(&busy.cluster, "gleaner.events").await.unwrap(), 0, "a worker consumes in vain");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    database.restart();
    busy.end().await;
}
