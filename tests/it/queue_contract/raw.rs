//! A sender that speaks AMQP by hand, for what no decent client can send: properties that are not UTF-8.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Publishes one message whose message id is two bytes that are no text, and waits for the broker's confirm.
pub async fn send_unreadable(broker: (&str, u16), login: (&str, &str), vhost: &str, exchange: &str, routing_key: &str) {
    let mut wire = TcpStream::connect(broker).await.unwrap();
    wire.write_all(b"AMQP\x00\x00\x09\x01").await.unwrap();
    expect(&mut wire, (10, 10)).await;
    let secret = [b"\0", login.0.as_bytes(), b"\0", login.1.as_bytes()].concat();
    let start = [&long(b""), &short(b"PLAIN"), &long(&secret), &short(b"en_US")].map(|part| part.as_slice()).concat();
    method(&mut wire, 0, (10, 11), &start).await;
    expect(&mut wire, (10, 30)).await;
    // 2047 channels, frames of 128 KiB, no heartbeat.
    method(&mut wire, 0, (10, 31), &[0x07, 0xff, 0, 2, 0, 0, 0, 0]).await;
    method(&mut wire, 0, (10, 40), &[short(vhost.as_bytes()), short(b""), vec![0]].concat()).await;
    expect(&mut wire, (10, 41)).await;
    method(&mut wire, 1, (20, 10), &short(b"")).await;
    expect(&mut wire, (20, 11)).await;
    method(&mut wire, 1, (85, 10), &[0]).await;
    expect(&mut wire, (85, 11)).await;
    let publish = [vec![0, 0], short(exchange.as_bytes()), short(routing_key.as_bytes()), vec![0]].concat();
    method(&mut wire, 1, (60, 40), &publish).await;
    let body = b"unreadable";
    let size = (body.len() as u64).to_be_bytes();
    // The flag 0x0080 says that there is a message id.
    let header = [[0, 60, 0, 0].as_slice(), &size, &[0x00, 0x80], &short(b"\xff\xfe")].concat();
    frame(&mut wire, 2, 1, &header).await;
    frame(&mut wire, 3, 1, body).await;
    expect(&mut wire, (60, 80)).await;
}

fn short(bytes: &[u8]) -> Vec<u8> {
    [&[bytes.len() as u8], bytes].concat()
}

fn long(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_be_bytes(), bytes].concat()
}

async fn method(wire: &mut TcpStream, channel: u16, (class, id): (u16, u16), arguments: &[u8]) {
    let payload = [&class.to_be_bytes(), &id.to_be_bytes(), arguments].concat();
    frame(wire, 1, channel, &payload).await;
}

async fn frame(wire: &mut TcpStream, kind: u8, channel: u16, payload: &[u8]) {
    let size = (payload.len() as u32).to_be_bytes();
    let bytes = [&[kind], channel.to_be_bytes().as_slice(), &size, payload, &[0xce]].concat();
    wire.write_all(&bytes).await.unwrap();
}

/// Reads frames until the broker sends this method.
async fn expect(wire: &mut TcpStream, wanted: (u16, u16)) {
    let mut head = [0; 7];
    wire.read_exact(&mut head).await.unwrap();
    let size = u32::from_be_bytes([head[3], head[4], head[5], head[6]]) as usize;
    let mut payload = vec![0; size + 1];
    wire.read_exact(&mut payload).await.unwrap();
    let got = (u16::from_be_bytes([payload[0], payload[1]]), u16::from_be_bytes([payload[2], payload[3]]));
    assert_eq!(got, wanted, "{}", String::from_utf8_lossy(&payload));
}
