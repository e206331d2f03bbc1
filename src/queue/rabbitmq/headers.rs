//! Values of AMQP headers: as text, their size on the wire, and how many of them fit in a frame.

use lapin::types::{AMQPValue, FieldTable};

/// Headers that the broker puts on a message on its way: no part of the original.
pub fn is_brokers_own(name: &str) -> bool {
    matches!(name, "x-death" | "x-delivery-count" | "x-acquired-count")
        || name.starts_with("x-first-death-")
        || name.starts_with("x-last-death-")
}

/// The headers that fit, and the names of those left out, largest first. A sender may fill a frame to the brim, and
/// the reason beside it would make it too large: the broker would close the connection, for ever again.
pub fn fitting(headers: &FieldTable, room: usize) -> (FieldTable, Vec<String>) {
    let mut total: usize = headers.inner().iter().map(|(name, value)| name.as_str().len() + bytes(value)).sum();
    if total <= room {
        return (headers.clone(), Vec::new());
    }
    let mut by_size: Vec<_> = headers.inner().iter().collect();
    by_size.sort_by_key(|(_, value)| std::cmp::Reverse(bytes(value)));
    let (mut kept, mut left_out) = (FieldTable::default(), Vec::new());
    for (name, value) in by_size {
        if total > room {
            total -= name.as_str().len() + bytes(value);
            left_out.push(name.to_string());
        } else {
            kept.insert(name.clone(), value.clone());
        }
    }
    (kept, left_out)
}

/// At least the bytes of a value on the wire, with its type and length.
fn bytes(value: &AMQPValue) -> usize {
    9 + match value {
        AMQPValue::LongString(text) => text.len(),
        AMQPValue::ShortString(text) => text.as_str().len(),
        AMQPValue::ByteArray(bytes) => bytes.len(),
        AMQPValue::FieldArray(array) => array.as_slice().iter().map(bytes).sum(),
        AMQPValue::FieldTable(table) => {
            table.inner().iter().map(|(name, value)| 1 + name.as_str().len() + bytes(value)).sum()
        }
        _ => 0,
    }
}

pub fn long(text: &str) -> AMQPValue {
    AMQPValue::LongString(text.into())
}

/// The text cut to at most so many bytes.
pub fn bounded(text: &str, bytes: usize) -> String {
    let mut end = text.len().min(bytes);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_string()
}

/// Text, numbers and truth values as text.
pub fn as_text(value: &AMQPValue) -> Option<String> {
    Some(match value {
        AMQPValue::Boolean(value) => value.to_string(),
        AMQPValue::ShortShortInt(value) => value.to_string(),
        AMQPValue::ShortShortUInt(value) => value.to_string(),
        AMQPValue::ShortInt(value) => value.to_string(),
        AMQPValue::ShortUInt(value) => value.to_string(),
        AMQPValue::LongInt(value) => value.to_string(),
        AMQPValue::LongUInt(value) => value.to_string(),
        AMQPValue::LongLongInt(value) => value.to_string(),
        AMQPValue::Float(value) => value.to_string(),
        AMQPValue::Double(value) => value.to_string(),
        AMQPValue::ShortString(value) => value.to_string(),
        AMQPValue::LongString(value) => std::str::from_utf8(value.as_bytes()).ok()?.to_string(),
        _ => return None,
    })
}
