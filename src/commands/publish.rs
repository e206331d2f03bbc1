//! `gleaner publish`: events from a file into the events queue, confirmed window by window, in bounded memory.
//!
//! A line that is no JSON object is refused here by its number and the others go on; whether an object is a good event
//! is the worker's to say. Sending a file twice changes nothing: a copy of an event is known by its source and id.

use std::io::{BufRead, Write};
use std::num::NonZeroU32;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};
use tokio::time::{Instant, sleep, sleep_until};

use super::{Console, Outcome, Output, counted};
use crate::queue::{EventMessage, Queue};
use crate::wire::inbound::in_words;

/// Events and bytes that are sent at once and wait for their confirms together.
const WINDOW: usize = 1000;
const WINDOW_BYTES: usize = 8 << 20;
/// The largest message that RabbitMQ 4 takes by default. Longer lines are not even read whole.
const MAX_LINE: usize = 16 << 20;
/// Under which key an object goes that names no type: it is bound for the events queue all the same, to be set aside
/// there with its reason.
const NO_TYPE: &str = "unknown";
/// AMQP holds no longer routing key.
const MAX_KEY: usize = 255;
/// Pauses before a window is sent again; a broker restarts within them.
const PAUSES: [Duration; 5] = [
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
];

/// Sends every line of the input.
///
/// # Errors
/// The input cannot be read, or the queue stays away; the error says how much is certainly there.
pub async fn run<Q: Queue>(
    queue: &Q,
    input: impl BufRead,
    rate: Option<NonZeroU32>,
    output: Output,
    out: &mut impl Write,
    console: &mut Console,
) -> Result<Outcome> {
    let mut sending = Sending { queue, started: Instant::now(), rate, sent: 0, window: Vec::new(), bytes: 0 };
    let mut lines = Lines { input, number: 0 };
    let mut refused: u64 = 0;
    while let Some((number, line)) = lines.next().context("cannot read the events")? {
        match line.and_then(|line| message(line.trim_ascii())) {
            Ok(None) => {}
            Ok(Some(event)) => sending.add(event, number, console).await?,
            Err(why) => {
                refused += 1;
                console.complain(&format!("line {number} is not sent: {why}"));
            }
        }
    }
    sending.flush(lines.number, console).await?;
    console.end_progress();
    let sent = sending.sent;
    match output {
        Output::Table if refused == 0 => writeln!(out, "Sent: {}.", counted(sent, "event"))?,
        Output::Table => {
            writeln!(out, "Sent: {}. Not sent: {}.", counted(sent, "event"), counted(refused, "line"))?;
        }
        Output::Json | Output::Jsonl => writeln!(out, "{}", json!({ "published": sent, "refused": refused }))?,
    }
    Ok(if refused == 0 { Outcome::Done } else { Outcome::NotAll })
}

/// A line as a message; `None` for an empty one.
fn message(line: &[u8]) -> Result<Option<EventMessage>, String> {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    if line.is_empty() {
        return Ok(None);
    }
    if line[0] != b'{' {
        return Err("it is not a JSON object".to_owned());
    }
    // Only the form: what a value means, and whether it can be held, is the worker's to say.
    serde_json::from_slice::<IgnoredAny>(line).map_err(|error| format!("it is not JSON: {}", in_words(&error)))?;
    let object = serde_json::from_slice::<Map<String, Value>>(line).unwrap_or_default();
    let kind = object.get("type").and_then(Value::as_str).filter(|kind| !kind.is_empty() && kind.len() <= MAX_KEY);
    Ok(Some(EventMessage { routing_key: kind.unwrap_or(NO_TYPE).to_owned(), body: line.to_vec() }))
}

/// The lines of an input by number, none held longer than [`MAX_LINE`].
struct Lines<R> {
    input: R,
    number: u64,
}

type Line = Result<Vec<u8>, String>;

impl<R: BufRead> Lines<R> {
    fn next(&mut self) -> std::io::Result<Option<(u64, Line)>> {
        let (mut line, mut too_long, mut any) = (Vec::new(), false, false);
        loop {
            let chunk = self.input.fill_buf()?;
            if chunk.is_empty() {
                break;
            }
            any = true;
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let taken = end.unwrap_or(chunk.len());
            too_long = too_long || line.len() + taken > MAX_LINE;
            if !too_long {
                line.extend_from_slice(&chunk[..taken]);
            }
            self.input.consume(taken + usize::from(end.is_some()));
            if end.is_some() {
                break;
            }
        }
        if !any {
            return Ok(None);
        }
        self.number += 1;
        let line = if too_long { Err(format!("it is longer than {MAX_LINE} bytes")) } else { Ok(line) };
        Ok(Some((self.number, line)))
    }
}

struct Sending<'q, Q> {
    queue: &'q Q,
    started: Instant,
    rate: Option<NonZeroU32>,
    /// Confirmed.
    sent: u64,
    window: Vec<EventMessage>,
    bytes: usize,
}

impl<Q: Queue> Sending<'_, Q> {
    async fn add(&mut self, event: EventMessage, number: u64, console: &mut Console) -> Result<()> {
        self.bytes += event.body.len();
        self.window.push(event);
        // At a rate a window holds a tenth of a second's worth, so that events trickle rather than gush.
        let most = self.rate.map_or(WINDOW, |rate| (rate.get() as usize / 10).clamp(1, WINDOW));
        if self.window.len() >= most || self.bytes >= WINDOW_BYTES {
            self.flush(number, console).await?;
        }
        Ok(())
    }

    /// Sends the window, and again where the queue was away: what arrived twice counts once.
    async fn flush(&mut self, number: u64, console: &mut Console) -> Result<()> {
        if self.window.is_empty() {
            return Ok(());
        }
        if let Some(rate) = self.rate {
            sleep_until(self.started + Duration::from_secs_f64(self.sent as f64 / f64::from(rate.get()))).await;
        }
        let mut pauses = PAUSES.into_iter();
        loop {
            let Err(error) = self.queue.send_events(self.window.clone()).await else { break };
            let pause = pauses.next().filter(|_| error.is_transient());
            let error = anyhow!(error);
            let Some(pause) = pause else {
                return Err(error).with_context(|| {
                    format!(
                        "the first {} events are in the queue, those up to line {number} perhaps; send the file again \
                         when the queue is back: copies change nothing",
                        self.sent
                    )
                });
            };
            console.remark(&format!("the queue is away ({error:#}); trying again in {} s", pause.as_secs_f32()));
            sleep(pause).await;
        }
        self.sent += self.window.len() as u64;
        self.window.clear();
        self.bytes = 0;
        console.progress(|| format!("{} events", self.sent));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_numbered_and_none_is_held_whole_that_is_too_long() {
        let long = "x".repeat(MAX_LINE + 1);
        let text = format!("a\n\n{long}\nlast");
        let mut lines = Lines { input: std::io::BufReader::with_capacity(7, text.as_bytes()), number: 0 };
        let mut next = || lines.next().unwrap();
        assert_eq!(next(), Some((1, Ok(b"a".to_vec()))));
        assert_eq!(next(), Some((2, Ok(vec![]))));
        assert!(matches!(next(), Some((3, Err(why))) if why.contains("longer than")));
        assert_eq!(next(), Some((4, Ok(b"last".to_vec()))));
        assert_eq!(next(), None);
    }

    #[test]
    fn an_object_is_sent_under_its_type_and_anything_else_is_refused() {
        let key = |line: &str| message(line.as_bytes()).map(|m| m.map(|m| m.routing_key));
        assert_eq!(key(r#"{"type":"lead.captured"}"#), Ok(Some("lead.captured".to_owned())));
        assert_eq!(key(r#"{"type":3}"#), Ok(Some("unknown".to_owned())));
        assert_eq!(key(r#"{"n":1e400,"type":"x"}"#), Ok(Some("unknown".to_owned())));
        assert_eq!(key(&format!(r#"{{"type":"{}"}}"#, "x".repeat(256))), Ok(Some("unknown".to_owned())));
        assert_eq!(key(""), Ok(None));
        for line in ["[]", "7", "{", "{}{}", "not json"] {
            assert!(key(line).is_err(), "{line}");
        }
    }
}
