//! A trace context as messages carry it (W3C Trace Context, `traceparent`): where to look for it, and its form.

use std::fmt;

use serde::Deserialize;

/// Who caused something, in somebody's trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceParent {
    pub trace: [u8; 16],
    pub span: [u8; 8],
    /// 1: recorded by whoever made it.
    pub flags: u8,
}

/// The names of the header: plain, and those of CloudEvents in binary mode.
const HEADERS: [&str; 5] =
    ["traceparent", "ce-traceparent", "ce_traceparent", "cloudEvents:traceparent", "cloudEvents_traceparent"];

impl TraceParent {
    /// The context that a message carries: in a header, else as an attribute of its envelope.
    pub fn of(headers: &[(String, String)], body: &[u8]) -> Option<TraceParent> {
        let header = headers.iter().find(|(name, _)| HEADERS.contains(&name.as_str()));
        if let Some(found) = header.and_then(|(_, value)| TraceParent::parse(value)) {
            return Some(found);
        }
        #[derive(Deserialize)]
        struct Envelope<'b> {
            #[serde(borrow)]
            traceparent: std::borrow::Cow<'b, str>,
        }
        // Most have none, and reading an envelope costs more than looking for a word.
        memchr::memmem::find(body, b"\"traceparent\"")?;
        TraceParent::parse(&serde_json::from_slice::<Envelope<'_>>(body).ok()?.traceparent)
    }

    /// Reads version 00 and what is known of later ones; nothing else is a context.
    pub fn parse(text: &str) -> Option<TraceParent> {
        let bytes = text.trim().as_bytes();
        let is_known = bytes.len() == 55 || (bytes.len() > 55 && !bytes.starts_with(b"00") && bytes[55] == b'-');
        if !is_known || bytes.iter().any(u8::is_ascii_uppercase) || bytes.starts_with(b"ff") {
            return None;
        }
        if [2, 35, 52].iter().any(|place| bytes[*place] != b'-') {
            return None;
        }
        let (mut version, mut trace, mut span, mut flags) = ([0; 1], [0; 16], [0; 8], [0; 1]);
        hex::decode_to_slice(&bytes[..2], &mut version).ok()?;
        hex::decode_to_slice(&bytes[3..35], &mut trace).ok()?;
        hex::decode_to_slice(&bytes[36..52], &mut span).ok()?;
        hex::decode_to_slice(&bytes[53..55], &mut flags).ok()?;
        (trace != [0; 16] && span != [0; 8]).then_some(TraceParent { trace, span, flags: flags[0] })
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{}-{:02x}", hex::encode(self.trace), hex::encode(self.span), self.flags)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_context_is_read_and_written_alike() {
        assert_eq!(TraceParent::parse(GOOD).unwrap().to_string(), GOOD);
        let later = format!("cc{}-what-comes-later", &GOOD[2..]);
        assert_eq!(TraceParent::parse(&later).unwrap().to_string(), GOOD);
    }

    #[test]
    fn what_is_no_context_is_none() {
        for bad in [
            "",
            "00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473é-00f067aa0ba902b7-01",
        ] {
            assert_eq!(TraceParent::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_header_comes_before_the_envelope_and_only_the_envelope_counts_of_a_body() {
        let header = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
        let other = GOOD.replace("4bf9", "4bf8");
        let body = format!(r#"{{"id":"1","traceparent":"{GOOD}","data":{{}}}}"#);
        let of = |headers: &[(String, String)], body: &str| TraceParent::of(headers, body.as_bytes());
        assert_eq!(of(&[], &body), TraceParent::parse(GOOD));
        assert_eq!(of(&header("traceparent", &other), &body), TraceParent::parse(&other));
        assert_eq!(of(&header("ce-traceparent", &other), ""), TraceParent::parse(&other));
        assert_eq!(of(&header("traceparent", "nonsense"), &body), TraceParent::parse(GOOD));
        assert_eq!(of(&[], &format!(r#"{{"data":{{"traceparent":"{GOOD}"}}}}"#)), None);
        assert_eq!(of(&[], r#"{"traceparent":7}"#), None);
    }
}
