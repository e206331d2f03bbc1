//! AMQP by hand: a sender of what no decent client can send, and a broker that answers as a real one seldom does.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

const METHOD: u8 = 1;
const HEADER: u8 = 2;
const BODY: u8 = 3;

struct Wire(TcpStream);

impl Wire {
    async fn method(&mut self, channel: u16, (class, id): (u16, u16), arguments: &[u8]) {
        let payload = [&class.to_be_bytes(), &id.to_be_bytes(), arguments].concat();
        self.frame(METHOD, channel, &payload).await;
    }

    /// The header and the body of a message; the flag 0x0080 says that there is a message id.
    async fn content(&mut self, channel: u16, message_id: &[u8], body: &[u8]) {
        let size = (body.len() as u64).to_be_bytes();
        let header = [[0, 60, 0, 0].as_slice(), &size, &[0x00, 0x80], &short(message_id)].concat();
        self.frame(HEADER, channel, &header).await;
        self.frame(BODY, channel, body).await;
    }

    async fn confirm(&mut self, channel: u16, tag: u64, multiple: bool) {
        self.method(channel, (60, 80), &[tag.to_be_bytes().as_slice(), &[multiple.into()]].concat()).await;
    }

    async fn frame(&mut self, kind: u8, channel: u16, payload: &[u8]) {
        let size = (payload.len() as u32).to_be_bytes();
        let bytes = [&[kind], channel.to_be_bytes().as_slice(), &size, payload, &[0xce]].concat();
        self.0.write_all(&bytes).await.unwrap();
    }

    /// The next frame: its kind, its channel, and the method where it is one. None at the end.
    async fn next(&mut self) -> Option<(u8, u16, (u16, u16))> {
        let mut head = [0; 7];
        self.0.read_exact(&mut head).await.ok()?;
        let size = u32::from_be_bytes([head[3], head[4], head[5], head[6]]) as usize;
        let mut payload = vec![0; size + 1];
        self.0.read_exact(&mut payload).await.ok()?;
        let pair = |at: usize| payload.get(at..at + 2).map_or(0, |two| u16::from_be_bytes([two[0], two[1]]));
        Some((head[0], u16::from_be_bytes([head[1], head[2]]), (pair(0), pair(2))))
    }

    async fn expect(&mut self, wanted: (u16, u16)) {
        assert_eq!(self.next().await.map(|(_, _, method)| method), Some(wanted));
    }
}

fn short(bytes: &[u8]) -> Vec<u8> {
    [&[bytes.len() as u8], bytes].concat()
}

fn long(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_be_bytes(), bytes].concat()
}

/// Publishes one message whose message id is two bytes that are no text, and waits for the broker's confirm.
pub async fn send_unreadable(broker: (&str, u16), login: (&str, &str), vhost: &str, exchange: &str, routing_key: &str) {
    let mut wire = publishing(broker, login, vhost, exchange, routing_key).await;
    wire.content(1, b"\xff\xfe", b"unreadable").await;
    wire.expect((60, 80)).await;
}

/// How the values of a header stand in each other.
#[derive(Clone, Copy, Debug)]
pub enum Nested {
    Lists,
    Tables,
}

/// Publishes one message with a header whose value is nested as deep as a frame of 128 KiB has room for.
pub async fn send_nested(url: &str, exchange: &str, routing_key: &str, nested: Nested, body: &[u8]) {
    let uri: lapin::uri::AMQPUri = url.parse().unwrap();
    let (broker, user) = (&uri.authority, &uri.authority.userinfo);
    let login = (user.username.as_str(), user.password.as_str());
    let mut wire = publishing((&broker.host, broker.port), login, &uri.vhost, exchange, routing_key).await;
    // The kind, the length, and of a table the empty name of its only value.
    let head: &[u8] = match nested {
        Nested::Lists => b"A",
        Nested::Tables => b"F",
    };
    let (name, levels) = match nested {
        Nested::Lists => (&b""[..], 26_000),
        Nested::Tables => (&b"\x00"[..], 21_000),
    };
    let each = head.len() + 4 + name.len();
    let mut value = Vec::new();
    for level in (0..levels).rev() {
        value.extend_from_slice(head);
        // The innermost is empty.
        let inner = if level == 0 { 0 } else { level * each };
        value.extend_from_slice(&u32::try_from(inner).unwrap().to_be_bytes());
        if level > 0 {
            value.extend_from_slice(name);
        }
    }
    let table = long(&[&short(b"deep")[..], &value].concat());
    let size = (body.len() as u64).to_be_bytes();
    // The flag 0x2000 says that there are headers.
    wire.frame(HEADER, 1, &[[0, 60, 0, 0].as_slice(), &size, &[0x20, 0x00], &table].concat()).await;
    wire.frame(BODY, 1, body).await;
    wire.expect((60, 80)).await;
}

/// A connection that has just said that it publishes one message; its content is next.
async fn publishing(broker: (&str, u16), login: (&str, &str), vhost: &str, exchange: &str, routing_key: &str) -> Wire {
    let mut wire = Wire(TcpStream::connect(broker).await.unwrap());
    wire.0.write_all(b"AMQP\x00\x00\x09\x01").await.unwrap();
    wire.expect((10, 10)).await;
    let secret = [b"\0", login.0.as_bytes(), b"\0", login.1.as_bytes()].concat();
    wire.method(0, (10, 11), &[long(b""), short(b"PLAIN"), long(&secret), short(b"en_US")].concat()).await;
    wire.expect((10, 30)).await;
    wire.method(0, (10, 31), &TUNE).await;
    wire.method(0, (10, 40), &[short(vhost.as_bytes()), short(b""), vec![0]].concat()).await;
    wire.expect((10, 41)).await;
    wire.method(1, (20, 10), &short(b"")).await;
    wire.expect((20, 11)).await;
    wire.method(1, (85, 10), &[0]).await;
    wire.expect((85, 11)).await;
    let publish = [vec![0, 0], short(exchange.as_bytes()), short(routing_key.as_bytes()), vec![0]].concat();
    wire.method(1, (60, 40), &publish).await;
    wire
}

/// 2047 channels, frames of 128 KiB, no heartbeat.
const TUNE: [u8; 8] = [0x07, 0xff, 0, 2, 0, 0, 0, 0];

/// How a broker by hand confirms. The places of messages count from nought.
pub enum Confirms {
    /// Each by itself, except that this one's confirm never comes.
    AllBut(u64),
    /// The first by itself; then, when so many more are there, it returns these (each under its place as message id)
    /// and confirms all with one word.
    Together(u64, Vec<u64>),
    /// At the first it says that it has an alarm, and reads no more until it is told that the alarm is over.
    AfterAlarm(Arc<Notify>),
}

/// A broker for one connection. Its queues always hold three messages and deliver none. Returns how many messages it got.
pub async fn broker(listener: TcpListener, confirms: Confirms) -> u64 {
    let mut wire = Wire(listener.accept().await.unwrap().0);
    wire.0.read_exact(&mut [0; 8]).await.unwrap();
    let start = [vec![0, 9], long(b""), long(b"PLAIN"), long(b"en_US")].concat();
    wire.method(0, (10, 10), &start).await;
    let (mut published, mut tags) = (0, HashMap::new());
    while let Some((kind, channel, method)) = wire.next().await {
        match (kind, method) {
            (METHOD, (10, 11)) => wire.method(0, (10, 30), &TUNE).await,
            (METHOD, (10, 40)) => wire.method(0, (10, 41), &short(b"")).await,
            (METHOD, (20, 10)) => wire.method(channel, (20, 11), &long(b"")).await,
            (METHOD, (85, 10)) => wire.method(channel, (85, 11), &[]).await,
            (METHOD, (60, 10)) => wire.method(channel, (60, 11), &[]).await,
            (METHOD, (60, 20)) => wire.method(channel, (60, 21), &short(b"consumer")).await,
            (METHOD, (50, 10)) => {
                wire.method(channel, (50, 11), &[short(b"queue").as_slice(), &[0, 0, 0, 3, 0, 0, 0, 1]].concat()).await
            }
            (METHOD, (20, 40)) => wire.method(channel, (20, 41), &[]).await,
            (METHOD, (10, 50)) => wire.method(0, (10, 51), &[]).await,
            (BODY, _) => {
                let place = published;
                published += 1;
                // Tags count by channel.
                let tag = *tags.entry(channel).and_modify(|tag| *tag += 1).or_insert(1);
                match &confirms {
                    Confirms::AllBut(withheld) if place != *withheld => wire.confirm(channel, tag, false).await,
                    Confirms::AllBut(_) => {}
                    Confirms::Together(..) if place == 0 => wire.confirm(channel, tag, false).await,
                    Confirms::Together(count, returned) if place == *count => {
                        for place in returned {
                            let why =
                                [vec![1, 56], short(b"NO_ROUTE"), short(b"tasks"), short(b"task.review")].concat();
                            wire.method(channel, (60, 50), &why).await;
                            wire.content(channel, place.to_string().as_bytes(), b"{}").await;
                        }
                        wire.confirm(channel, tag, true).await;
                    }
                    Confirms::Together(..) => {}
                    Confirms::AfterAlarm(over) => {
                        if place == 0 {
                            wire.method(0, (10, 60), &short(b"low on memory")).await;
                            over.notified().await;
                            wire.method(0, (10, 61), &[]).await;
                        }
                        wire.confirm(channel, tag, false).await;
                    }
                }
            }
            _ => {}
        }
    }
    published
}
