//! A real broker under test: each test has exchanges and queues of its own there, and a second way to look at them.

use gleaner::queue::rabbitmq::{RabbitMq, RabbitSettings};
use lapin::options::*;
use lapin::types::FieldTable;
use lapin::uri::AMQPUri;
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};

use super::relay::Relay;
use super::*;

pub struct Rabbit {
    queue: RabbitMq,
    pub settings: RabbitSettings,
    connection: Connection,
}

fn broker() -> String {
    std::env::var("AMQP_URL").unwrap_or_else(|_| "amqp://guest:guest@127.0.0.1:5672/%2f".to_string())
}

impl Rabbit {
    /// Another client of the same queues with other settings, as another process would be.
    pub fn with(&self, change: impl FnOnce(&mut RabbitSettings)) -> RabbitMq {
        let mut settings = self.settings.clone();
        change(&mut settings);
        RabbitMq::new(settings).unwrap()
    }

    /// A client behind a wire that can be cut, impatient, so that what is lost is soon known to be lost.
    pub async fn behind_a_relay(&self) -> (RabbitMq, Relay) {
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

    pub fn name(&self, base: &str) -> String {
        format!("{}{base}", self.settings.prefix)
    }

    pub async fn channel(&self) -> Channel {
        self.connection.create_channel().await.unwrap()
    }

    pub async fn delete_queue(&self, base: &str) {
        let options = QueueDeleteOptions::default();
        self.channel().await.queue_delete(self.name(base).into(), options).await.unwrap();
    }

    /// Publishes an event as a foreign sender would, with properties of its own.
    pub async fn send(&self, properties: BasicProperties, body: &[u8]) {
        let channel = self.channel().await;
        channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
        let (leads, options) = (self.name("leads"), BasicPublishOptions::default());
        let confirm = channel.basic_publish(leads.into(), "form.submitted".into(), options, body, properties);
        assert!(confirm.await.unwrap().await.unwrap().is_ack());
    }

    /// How many messages wait in a queue.
    pub async fn count(&self, base: &str) -> u32 {
        let passive = QueueDeclareOptions { passive: true, ..Default::default() };
        let channel = self.channel().await;
        channel.queue_declare(self.name(base).into(), passive, FieldTable::default()).await.unwrap().message_count()
    }

    /// Takes the oldest message of a queue, properties and all.
    pub async fn first_in(&self, base: &str) -> BasicProperties {
        let options = BasicGetOptions { no_ack: true };
        let channel = self.channel().await;
        // A quorum queue may take a moment from the confirm to the delivery.
        for _ in 0..100 {
            if let Some(got) = channel.basic_get(self.name(base).into(), options).await.unwrap() {
                return got.delivery.properties;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("{base} has a message");
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
