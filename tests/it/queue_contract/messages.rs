//! What a message is on the broker: properties, headers, and what happens to one that is odd.

use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldArray, FieldTable};
use lapin::uri::AMQPUri;

use super::rabbitmq::Rabbit;
use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_task_has_the_properties_of_the_contract() {
    run(Overrides::default(), |rig: Arc<Rabbit>| async move {
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
    })
    .await;
}

/// One header of every kind that RabbitMQ knows.
fn all_headers() -> FieldTable {
    let mut inner = FieldTable::default();
    inner.insert("deep".into(), AMQPValue::Void);
    let array = vec![AMQPValue::LongInt(-5), AMQPValue::LongString("z".into()), AMQPValue::FieldTable(inner.clone())];
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

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_keeps_properties_and_headers_untouched() {
    run(Overrides::default(), |rig: Arc<Rabbit>| async move {
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
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expiring_event_does_not_expire_among_the_dead() {
    run(Overrides::default(), |rig: Arc<Rabbit>| async move {
        // The broker checks a user id against the login, here of the sender's own.
        let user = rig.settings.url.parse::<AMQPUri>().unwrap().authority.userinfo.username;
        let properties = BasicProperties::default().with_expiration("600000".into()).with_user_id(user.as_str().into());
        rig.send(properties, b"soon").await;
        let mut consumer = rig.queue().consume(10).await.unwrap();
        let mut original = take(&mut consumer, 1).await.remove(0);
        assert!(original.raw.expiration().is_some());
        // As if it had come from somebody else: the broker would refuse it under that name.
        original.raw = original.raw.with_user_id("somebody else".into());
        rig.queue().bury(vec![letter(&original)]).await.unwrap();
        assert_eq!(rig.first_in("gleaner.dead-events").await.expiration(), &None);

        rig.queue().bury(vec![letter(&original)]).await.unwrap();
        assert_eq!(looked_at(rig.queue()).await[0].body, b"soon");
        rig.queue().visit_dead(1, &mut |_| DeadAction::Replay).await.unwrap();
        let again = take(&mut consumer, 1).await.remove(0);
        assert_eq!(again.raw.expiration().as_ref().map(|text| text.as_str()), Some("600000"));
        consumer.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_that_fill_a_frame_do_not_keep_a_message_from_being_set_aside() {
    run(Overrides::default(), |rig: Arc<Rabbit>| async move {
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
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_cannot_be_read_is_set_aside_alone() {
    let ten = Overrides { event_delivery_limit: 10, ..Overrides::default() };
    run(ten, |rig: Arc<Rabbit>| async move {
        rig.queue().send_events(numbered(25)).await.unwrap();
        let uri: AMQPUri = rig.settings.url.parse().unwrap();
        let (user, password) = (&uri.authority.userinfo.username, &uri.authority.userinfo.password);
        let broker = (uri.authority.host.as_str(), uri.authority.port);
        raw::send_unreadable(broker, (user, password), &uri.vhost, &rig.name("leads"), "lead.captured").await;
        rig.queue().send_events(numbered(25)).await.unwrap();
        // Whoever is given the message ends, and everything prefetched beside it counts one delivery more: were it
        // always fifty, eleven ends would set all fifty aside.
        let mut got = Vec::new();
        while rig.count("gleaner.dead-events").await != 1 {
            let mut consumer = rig.queue().consume(50).await.unwrap();
            while let Ok(Ok(some)) =
                timeout(Duration::from_millis(500), consumer.receive(100, Duration::from_millis(20))).await
            {
                if consumer.ack(&tags(&some)).await.is_ok() {
                    got.extend(bodies(&some));
                }
            }
            consumer.close().await;
        }
        got.sort();
        let mut twice: Vec<String> = (0..50).map(|n| format!("event {}", n % 25)).collect();
        twice.sort();
        assert_eq!(got, twice);
        // It cannot be looked at here either, but that is said.
        let impatient = rig.with(|settings| settings.open_within = Duration::from_secs(2));
        let told = impatient.visit_dead(10, &mut |_| DeadAction::Drop).await.unwrap_err().to_string();
        assert!(told.contains("cannot read"), "{told}");
    })
    .await;
}
