//! Which RabbitMQ answers. The client library keeps the broker's own words to itself, so the first frame that a broker
//! sends is read here by hand; only `gleaner check` asks, and nothing depends on the answer.

use std::io;

use lapin::uri::AMQPScheme;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::RabbitMq;

/// "I speak AMQP 0.9.1": what a client sends first, and the broker answers with `connection.start`.
const GREETING: &[u8] = b"AMQP\0\0\x09\x01";
/// Bytes of a frame's head (type, channel, size), and of what stands in `connection.start` before the properties
/// (class, method, version).
const HEAD: usize = 7;
const BEFORE_PROPERTIES: usize = 6;
/// The broker's properties take less than a kilobyte.
const MOST: usize = 64 << 10;

impl RabbitMq {
    /// The broker's product and version, such as `RabbitMQ 3.10.8`. `None` where it does not say, or is behind TLS.
    pub async fn server(&self) -> Option<String> {
        let uri = &self.shared.uri;
        if uri.scheme == AMQPScheme::AMQPS {
            return None;
        }
        let asked = start_frame((uri.authority.host.as_str(), uri.authority.port));
        let frame = timeout(self.shared.settings.open_within, asked).await.ok()?.ok()?;
        let table = frame.get(BEFORE_PROPERTIES..)?;
        Some(format!("{} {}", property(table, "product")?, property(table, "version")?))
    }
}

async fn start_frame(address: (&str, u16)) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(GREETING).await?;
    let mut head = [0; HEAD];
    stream.read_exact(&mut head).await?;
    let [_, _, _, size @ ..] = head;
    let size = usize::try_from(u32::from_be_bytes(size)).unwrap_or(usize::MAX);
    let mut frame = vec![0; size.min(MOST)];
    stream.read_exact(&mut frame).await?;
    Ok(frame)
}

/// The text under a name in an AMQP table.
fn property<'t>(table: &'t [u8], wanted: &str) -> Option<&'t str> {
    let (size, rest) = table.split_first_chunk()?;
    let mut rest = rest.get(..u32::from_be_bytes(*size) as usize)?;
    while let Some((length, after)) = rest.split_first() {
        let (name, after) = after.split_at_checked((*length).into())?;
        let (kind, after) = after.split_first()?;
        let (value, after) = match kind {
            // Long text and nested tables have their length in front.
            b'S' | b'F' => {
                let (size, after) = after.split_first_chunk()?;
                after.split_at_checked(u32::from_be_bytes(*size) as usize)?
            }
            b't' => after.split_at_checked(1)?,
            // RabbitMQ sends no others here.
            _ => return None,
        };
        if name == wanted.as_bytes() {
            return std::str::from_utf8(value).ok();
        }
        rest = after;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_property_is_found_among_others_and_a_broken_table_has_none() {
        let mut entries = Vec::new();
        entries.extend_from_slice(b"\x0ccapabilitiesF\x00\x00\x00\x05\x02okt\x01");
        entries.extend_from_slice(b"\x07productS\x00\x00\x00\x08RabbitMQ\x07versionS\x00\x00\x00\x063.10.8");
        let mut table = u32::try_from(entries.len()).unwrap().to_be_bytes().to_vec();
        table.extend(entries);
        assert_eq!(property(&table, "version"), Some("3.10.8"));
        assert_eq!(property(&table, "product"), Some("RabbitMQ"));
        assert_eq!(property(&table, "ok"), None, "of a nested table");
        for end in 0..table.len() {
            assert_eq!(property(&table[..end], "version"), None);
        }
    }
}
