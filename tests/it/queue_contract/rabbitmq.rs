//! What only the broker has: properties and headers, a topology that somebody may change, connections that break.

use std::collections::BTreeMap;

use gleaner::queue::rabbitmq::{RabbitMq, RabbitSettings};
use lapin::options::*;
use lapin::types::{AMQPValue, FieldArray, FieldTable};
use lapin::uri::AMQPUri;
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};

use super::relay::Relay;
use super::*;

pub struct Rabbit {
    queue: RabbitMq,
    settings: RabbitSettings,
    connection: Connection,
}

fn broker() -> String {
    std::env::var("AMQP_URL").unwrap_or_else(|_| "amqp://guest:guest@127.0.0.1:5672/%2f".to_string())
}

impl Rabbit {
    /// Another client of the same queues with other settings, as another process would be.
    fn with(&self, change: impl FnOnce(&mut RabbitSettings)) -> RabbitMq {
        let mut settings = self.settings.clone();
        change(&mut settings);
        RabbitMq::new(settings).unwrap()
    }

    /// A client behind a wire that can be cut, impatient, so that what is lost is soon known to be lost.
    async fn behind_a_relay(&self) -> (RabbitMq, Relay) {
        let mut uri: AMQPUri = self.settings.url.parse().unwrap();
        let relay = Relay::start((uri.authority.host.clone(), uri.authority.port)).await;
        (uri.authority.host, uri.authority.port) = (relay.address.ip().to_string(), relay.address.port());
        let queue = self.with(|settings| {
            settings.url = uri.to_string();
            settings.open_within = Duration::from_secs(2);
            settings.publish_within = Duration::from_secs(3);
            settings.idle_check = Duration::from_millis(200);
        });
        (queue, relay)
    }

    fn name(&self, base: &str) -> String {
        format!("{}{base}", self.settings.prefix)
    }

    async fn channel(&self) -> Channel {
        self.connection.create_channel().await.unwrap()
    }

    async fn delete_queue(&self, base: &str) {
        let options = QueueDeleteOptions::default();
        self.channel().await.queue_delete(self.name(base).into(), options).await.unwrap();
    }

    /// Publishes an event as a foreign sender would, with properties of its own.
    async fn send(&self, properties: BasicProperties, body: &[u8]) {
        let channel = self.channel().await;
        channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
        let (leads, options) = (self.name("leads"), BasicPublishOptions::default());
        let confirm = channel.basic_publish(leads.into(), "form.submitted".into(), options, body, properties);
        assert!(confirm.await.unwrap().await.unwrap().is_ack());
    }

    /// Takes the oldest message of a queue, properties and all.
    async fn first_in(&self, base: &str) -> BasicProperties {
        let options = BasicGetOptions { no_ack: true };
        let got = self.channel().await.basic_get(self.name(base).into(), options).await.unwrap();
        got.expect("a message").delivery.properties
    }
}

impl Rig for Rabbit {
    type Queue = RabbitMq;

    async fn start(overrides: Overrides) -> Rabbit {
        let mut settings = RabbitSettings::new(broker());
        settings.prefix = format!("test-{}.", uuid::Uuid::new_v4().simple());
        settings.name = "gleaner test".to_string();
        settings.overrides = overrides;
        let queue = RabbitMq::new(settings.clone()).unwrap();
        queue.apply_topology().await.expect("a broker at AMQP_URL");
        let connection = Connection::connect(&settings.url, ConnectionProperties::default()).await.unwrap();
        Rabbit { queue, settings, connection }
    }

    fn queue(&self) -> &RabbitMq {
        &self.queue
    }

    async fn tasks_in(&self, suffix: &str) -> Vec<String> {
        let (channel, queue) = (self.channel().await, self.name(&format!("tasks.{suffix}")));
        let mut ids = Vec::new();
        let mut last = None;
        while let Some(got) = channel.basic_get(queue.clone().into(), BasicGetOptions::default()).await.unwrap() {
            ids.push(got.properties.message_id().clone().unwrap().to_string());
            last = Some(got.delivery_tag);
        }
        if let Some(last) = last {
            channel.basic_nack(last, BasicNackOptions { multiple: true, requeue: true }).await.unwrap();
        }
        ids
    }

    async fn end(&self) {
        self.queue.close().await;
        let channel = self.channel().await;
        for queue in &self.queue.topology().queues {
            channel.queue_delete(queue.name.as_str().into(), QueueDeleteOptions::default()).await.unwrap();
        }
        for exchange in &self.queue.topology().exchanges {
            channel.exchange_delete(exchange.name.as_str().into(), ExchangeDeleteOptions::default()).await.unwrap();
        }
        self.connection.close(200, "OK".into()).await.unwrap();
    }
}

macro_rules! broker_tests {
    ($($test:ident)*) => { $(
        #[tokio::test(flavor = "multi_thread")]
        async fn $test() {
            run(Overrides::default(), behaviour::$test).await
        }
    )* };
}

broker_tests! {
    a_task_has_the_properties_of_the_contract
    a_dead_letter_keeps_properties_and_headers_untouched
    an_expiring_event_does_not_expire_among_the_dead
    headers_that_fill_a_frame_do_not_keep_a_message_from_being_set_aside
    a_deleted_queue_ends_the_consumer_and_consuming_again_heals
    a_deleted_task_queue_heals_with_the_next_task
    a_deleted_exchange_heals_with_the_next_task
    a_deleted_dead_queue_loses_no_dead_letter
    a_mismatched_declaration_is_refused_and_told
    a_missing_part_is_told_and_made
    own_bindings_replace_the_standard_ones
    a_wrong_password_is_refused_without_being_shown
    a_missing_virtual_host_is_refused
    a_cut_wire_ends_the_consumer_and_nothing_is_lost
    a_cut_wire_leaves_tasks_unknown_and_the_next_are_confirmed
    a_silent_broker_is_noticed_by_everyone_in_time
    an_idle_consumer_lives_on
    after_a_bad_end_few_are_handed_out_until_they_are_acknowledged
}

mod behaviour {
    use super::*;

    pub async fn a_task_has_the_properties_of_the_contract(rig: Arc<Rabbit>) {
        let id = "0b0e7f3c-55cf-5a5e-8f0c-6a3d0c0a4a11";
        let long_cause = TaskMessage {
            cause: "c".repeat(256),
            expires_in: None,
            priority: 200,
            ..task("revocation", "task.revoked.calls")
        };
        let sent =
            TaskMessage { expires_in: Some(Duration::from_micros(90_500)), ..task(id, "task.follow_up.call.normal") };
        assert_eq!(rig.queue().publish(vec![long_cause, sent]).await, [Published::Confirmed; 2]);

        let got = rig.first_in("tasks.calls").await;
        assert_eq!(got.expiration(), &None);
        assert_eq!(got.priority(), &Some(9));
        // SHA-256 of 256 letters c.
        let digest = "1eda457d1cff3703814cb94ab483bc915bc6c1ee0bcf177c2a4e5617a3621392";
        assert_eq!(got.correlation_id().as_ref().map(|id| id.as_str()), Some(digest));

        let got = rig.first_in("tasks.calls").await;
        let text = |value: &Option<lapin::types::ShortString>| value.as_ref().map(|text| text.to_string());
        assert_eq!(text(got.message_id()).as_deref(), Some(id));
        assert_eq!(text(got.kind()).as_deref(), Some("task.follow_up"));
        assert_eq!(text(got.app_id()).as_deref(), Some("gleaner"));
        assert_eq!(text(got.correlation_id()).as_deref(), Some("event:/forms e-1"));
        assert_eq!(text(got.expiration()).as_deref(), Some("90"));
        assert_eq!(text(got.content_type()).as_deref(), Some("application/cloudevents+json"));
        assert_eq!((got.timestamp(), got.delivery_mode(), got.priority()), (&Some(1_772_460_300), &Some(2), &Some(7)));
        let headers = got.headers().as_ref().unwrap().inner();
        assert_eq!(headers["lead_version"], AMQPValue::LongLongInt(14));
        let AMQPValue::LongString(trace) = &headers["traceparent"] else { panic!("{headers:?}") };
        let trace = trace.to_string();
        assert!(trace.starts_with("00-0b0e7f3c55cf5a5e8f0c6a3d0c0a4a11-") && trace.len() == 55, "{trace}");
    }

    /// One header of every kind that RabbitMQ knows.
    fn all_headers() -> FieldTable {
        let mut inner = FieldTable::default();
        inner.insert("deep".into(), AMQPValue::Void);
        let array =
            vec![AMQPValue::LongInt(-5), AMQPValue::LongString("z".into()), AMQPValue::FieldTable(inner.clone())];
        let mut headers = FieldTable::default();
        for (name, value) in [
            ("ce-id", AMQPValue::LongString("e-1".into())),
            ("bytes", AMQPValue::LongString(vec![0xff, 0x00, 0xfe].into())),
            ("truth", AMQPValue::Boolean(true)),
            ("i8", AMQPValue::ShortShortInt(-8)),
            ("u8", AMQPValue::ShortShortUInt(8)),
            ("i16", AMQPValue::ShortInt(-16)),
            ("u16", AMQPValue::ShortUInt(16)),
            ("i32", AMQPValue::LongInt(-32)),
            ("u32", AMQPValue::LongUInt(32)),
            ("i64", AMQPValue::LongLongInt(i64::MIN)),
            ("f32", AMQPValue::Float(0.25)),
            ("f64", AMQPValue::Double(-0.1)),
            ("time", AMQPValue::Timestamp(1_772_460_300)),
            ("raw", AMQPValue::ByteArray(vec![1, 2, 3].into())),
            ("nothing", AMQPValue::Void),
            ("array", AMQPValue::FieldArray(array.into())),
            ("table", AMQPValue::FieldTable(inner)),
            ("empty", AMQPValue::FieldArray(FieldArray::default())),
        ] {
            headers.insert(name.into(), value);
        }
        headers
    }

    /// Without the reason beside a dead letter, and without the broker's own count.
    fn senders(properties: &BasicProperties) -> BasicProperties {
        let mut headers = FieldTable::default();
        for (name, value) in properties.headers().as_ref().unwrap().inner() {
            if !name.as_str().starts_with("x-gleaner-") && name.as_str() != "x-delivery-count" {
                headers.insert(name.clone(), value.clone());
            }
        }
        properties.clone().with_headers(headers)
    }

    pub async fn a_dead_letter_keeps_properties_and_headers_untouched(rig: Arc<Rabbit>) {
        let properties = BasicProperties::default()
            .with_content_type("text/plain".into())
            .with_content_encoding("identity".into())
            .with_headers(all_headers())
            .with_delivery_mode(1)
            .with_priority(3)
            .with_correlation_id("corr".into())
            .with_reply_to("somewhere".into())
            .with_message_id("m-1".into())
            .with_timestamp(1_772_460_300)
            .with_type("form".into())
            .with_app_id("crm".into())
            .with_cluster_id("c".into());
        // Not a valid event, nor valid UTF-8.
        rig.send(properties.clone(), b"\xff\x00 not json").await;
        let mut consumer = rig.queue().consume(10).await.unwrap();
        let original = take(&mut consumer, 1).await.remove(0);
        assert_eq!(senders(&original.raw), properties);
        assert_eq!(original.meta.timestamp_ms, Some(1_772_460_300_000));
        let header = |name: &str| original.meta.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
        assert_eq!((header("ce-id"), header("truth"), header("i16")), (Some("e-1"), Some("true"), Some("-16")));
        assert_eq!((header("bytes"), header("array"), header("time")), (None, None, None));

        rig.queue().bury(vec![letter(&original)]).await.unwrap();
        let dead = rig.first_in("gleaner.dead-events").await;
        let headers = dead.headers().as_ref().unwrap().inner();
        let text = |name: &str| match headers.get(name) {
            Some(AMQPValue::LongString(text)) => text.to_string(),
            other => panic!("{name} is {other:?}"),
        };
        assert_eq!(text("x-gleaner-reason"), "missing_field");
        assert_eq!(text("x-gleaner-detail"), reason().detail);
        assert_eq!(text("x-gleaner-at"), reason().at);
        assert_eq!(text("x-gleaner-key"), reason().key);
        assert_eq!(text("x-gleaner-exchange"), rig.name("leads"));
        assert_eq!(text("x-gleaner-routing-key"), "form.submitted");
        assert_eq!(senders(&dead), properties);

        rig.queue().bury(vec![letter(&original)]).await.unwrap();
        assert_eq!(rig.queue().visit_dead(9, &mut |_| DeadAction::Replay).await.unwrap(), 1);
        let again = take(&mut consumer, 1).await.remove(0);
        assert_eq!((senders(&again.raw), again.body, again.meta), (properties, original.body, original.meta));
        consumer.close().await;
    }

    pub async fn an_expiring_event_does_not_expire_among_the_dead(rig: Arc<Rabbit>) {
        // The broker checks a user id against the login, here of the sender's own.
        let user = rig.settings.url.parse::<AMQPUri>().unwrap().authority.userinfo.username;
        let properties = BasicProperties::default().with_expiration("700".into()).with_user_id(user.as_str().into());
        rig.send(properties, b"soon").await;
        let mut consumer = rig.queue().consume(10).await.unwrap();
        let mut original = take(&mut consumer, 1).await.remove(0);
        assert!(original.raw.expiration().is_some());
        // As if it had come from somebody else: the broker would refuse it under that name.
        original.raw = original.raw.with_user_id("somebody else".into());
        rig.queue().bury(vec![letter(&original)]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(1_000)).await;
        assert_eq!(looked_at(rig.queue()).await[0].body, b"soon");
        rig.queue().visit_dead(1, &mut |_| DeadAction::Replay).await.unwrap();
        let again = take(&mut consumer, 1).await.remove(0);
        assert_eq!(again.raw.expiration().as_ref().map(|text| text.as_str()), Some("700"));
        consumer.close().await;
    }

    pub async fn headers_that_fill_a_frame_do_not_keep_a_message_from_being_set_aside(rig: Arc<Rabbit>) {
        let mut headers = FieldTable::default();
        headers.insert("small".into(), AMQPValue::LongString("kept".into()));
        headers.insert("huge".into(), AMQPValue::LongString(vec![b'h'; 130_000].into()));
        rig.send(BasicProperties::default().with_headers(headers), b"full").await;
        let mut consumer = rig.queue().consume(10).await.unwrap();
        let original = take(&mut consumer, 1).await.remove(0);
        rig.queue().bury(vec![letter(&original)]).await.unwrap();
        let seen = looked_at(rig.queue()).await;
        assert_eq!(seen[0].refusal, Some(reason()));
        assert_eq!(seen[0].meta.headers, [("small".to_string(), "kept".to_string())]);
        let dead = rig.first_in("gleaner.dead-events").await;
        let left_out = &dead.headers().as_ref().unwrap().inner()["x-gleaner-left-out"];
        assert_eq!(left_out, &AMQPValue::LongString("huge".into()));
        consumer.close().await;
    }

    pub async fn a_deleted_queue_ends_the_consumer_and_consuming_again_heals(rig: Arc<Rabbit>) {
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
    }

    pub async fn a_deleted_task_queue_heals_with_the_next_task(rig: Arc<Rabbit>) {
        assert_eq!(rig.queue().publish(vec![task("before", "task.review")]).await, [Published::Confirmed]);
        rig.delete_queue("tasks.review").await;
        assert_eq!(rig.queue().publish(vec![task("lost", "task.review")]).await, [Published::Unroutable]);
        while rig.queue().publish(vec![task("after", "task.review")]).await != [Published::Confirmed] {}
        assert_eq!(rig.tasks_in("review").await, ["after"]);
    }

    pub async fn a_deleted_exchange_heals_with_the_next_task(rig: Arc<Rabbit>) {
        assert_eq!(rig.queue().publish(vec![task("before", "task.review")]).await, [Published::Confirmed]);
        let options = ExchangeDeleteOptions::default();
        rig.channel().await.exchange_delete(rig.name("tasks").into(), options).await.unwrap();
        let tasks = (0..50).map(|n| task(&n.to_string(), "task.review")).collect();
        assert_eq!(rig.queue().publish(tasks).await, [Published::Unknown; 50]);
        while rig.queue().publish(vec![task("after", "task.review")]).await != [Published::Confirmed] {}
        assert_eq!(rig.tasks_in("review").await, ["before", "after"]);
    }

    pub async fn a_deleted_dead_queue_loses_no_dead_letter(rig: Arc<Rabbit>) {
        rig.queue().send_events(numbered(1)).await.unwrap();
        let mut consumer = rig.queue().consume(10).await.unwrap();
        let original = take(&mut consumer, 1).await.remove(0);
        rig.delete_queue("gleaner.dead-events").await;
        assert!(rig.queue().bury(vec![letter(&original)]).await.unwrap_err().is_transient());
        while rig.queue().bury(vec![letter(&original)]).await.is_err() {}
        assert_eq!(looked_at(rig.queue()).await.len(), 1);
        consumer.close().await;
    }

    pub async fn a_mismatched_declaration_is_refused_and_told(rig: Arc<Rabbit>) {
        let other = rig.with(|settings| {
            settings.overrides.task_queue_limit = 7;
            settings.overrides.event_delivery_limit = 9;
        });
        let refused = other.consume(10).await.err().expect("a refusal");
        assert!(!refused.is_transient());
        let told = refused.to_string();
        assert!(told.contains(&rig.name("gleaner.events")) && told.contains("x-delivery-limit"), "{told}");
        assert!(told.contains("`gleaner topology`"), "{told}");
        let differences = other.check_topology().await.unwrap();
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
    }

    pub async fn a_missing_part_is_told_and_made(rig: Arc<Rabbit>) {
        rig.delete_queue("tasks.swap").await;
        let options = ExchangeDeleteOptions::default();
        rig.channel().await.exchange_delete(rig.name("gleaner.dead").into(), options).await.unwrap();
        let told = rig.queue().check_topology().await.unwrap();
        let expected = [
            format!("exchange {} is missing", rig.name("gleaner.dead")),
            format!("queue {} is missing", rig.name("tasks.swap")),
        ];
        assert_eq!(told, expected);
        rig.queue().apply_topology().await.unwrap();
        assert!(rig.queue().check_topology().await.unwrap().is_empty());
        assert_eq!(rig.queue().publish(vec![task("a", "task.swap_offer")]).await, [Published::Confirmed]);
    }

    pub async fn own_bindings_replace_the_standard_ones(rig: Arc<Rabbit>) {
        let own = rig.with(|settings| {
            let to_nobody = ("practice".to_string(), Vec::new());
            let both = ("review".to_string(), vec!["task.practice".to_string(), "task.review".to_string()]);
            settings.overrides.bindings = BTreeMap::from([to_nobody, both]);
        });
        own.apply_topology().await.unwrap();
        assert_eq!(own.publish(vec![task("a", "task.practice")]).await, [Published::Confirmed]);
        assert_eq!(rig.tasks_in("practice").await, [""; 0]);
        assert_eq!(rig.tasks_in("review").await, ["a"]);
    }

    pub async fn a_wrong_password_is_refused_without_being_shown(rig: Arc<Rabbit>) {
        let mut uri: AMQPUri = rig.settings.url.parse().unwrap();
        uri.authority.userinfo.password = "s3cret".to_string();
        let stranger = rig.with(|settings| settings.url = uri.to_string());
        let refused = stranger.consume(10).await.err().expect("a refusal");
        assert!(matches!(refused, QueueError::Refused(_)), "{refused:?}");
        assert!(!format!("{refused:?} {refused}").contains("s3cret"));
    }

    pub async fn a_missing_virtual_host_is_refused(rig: Arc<Rabbit>) {
        let mut uri: AMQPUri = rig.settings.url.parse().unwrap();
        uri.vhost = String::new();
        let lost = rig.with(|settings| settings.url = uri.to_string());
        let refused = lost.consume(10).await.err().expect("a refusal").to_string();
        assert!(refused.contains("virtual host \"\"") && refused.contains("/%2f"), "{refused}");
    }

    pub async fn a_cut_wire_ends_the_consumer_and_nothing_is_lost(rig: Arc<Rabbit>) {
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
    }

    pub async fn a_cut_wire_leaves_tasks_unknown_and_the_next_are_confirmed(rig: Arc<Rabbit>) {
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
    }

    pub async fn a_silent_broker_is_noticed_by_everyone_in_time(rig: Arc<Rabbit>) {
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
    }

    pub async fn an_idle_consumer_lives_on(rig: Arc<Rabbit>) {
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
    }

    pub async fn after_a_bad_end_few_are_handed_out_until_they_are_acknowledged(rig: Arc<Rabbit>) {
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
    }
}
