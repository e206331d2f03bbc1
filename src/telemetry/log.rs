//! The log of a process, on standard error: its form, its level, and what a level may look like.
//!
//! What is worth a line is decided where it happens.

use std::io::IsTerminal;

use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::fmt::MakeWriter;

use crate::config::{Log, LogFormat};

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// Whether a text is a level, or levels by part separated by commas ("info,gleaner::worker=debug").
///
/// Stricter than the filter itself, which takes a level with a typing error for the name of a part.
pub fn is_filter(text: &str) -> bool {
    let is_part = |part: &str| match part.rsplit_once('=') {
        Some((target, level)) => !target.is_empty() && LEVELS.contains(&level),
        None => LEVELS.contains(&part),
    };
    text.split(',').all(is_part) && EnvFilter::builder().parse(text).is_ok()
}

#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("`log.level` is no filter")]
    Level(#[from] ParseError),
    #[error("a log is already being written in this process")]
    Twice(#[from] tracing::subscriber::SetGlobalDefaultError),
}

/// Starts the log of this process, on standard error: standard output belongs to what a command answers.
///
/// # Errors
/// If a log was started before; tests that start none need not call this.
pub fn start_log(log: &Log) -> Result<(), LogError> {
    let colour = std::io::stderr().is_terminal();
    tracing::subscriber::set_global_default(subscriber(log, colour, std::io::stderr)?)?;
    Ok(())
}

type AnySubscriber = Box<dyn Subscriber + Send + Sync>;

fn subscriber<W>(log: &Log, colour: bool, writer: W) -> Result<AnySubscriber, ParseError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let filter = EnvFilter::builder().parse(&log.level)?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
    Ok(match log.format {
        LogFormat::Text => Box::new(lines.with_ansi(colour).finish()),
        LogFormat::Json => Box::new(lines.json().flatten_event(true).finish()),
    })
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Memory(Arc<Mutex<Vec<u8>>>);
    impl io::Write for Memory {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn written(format: LogFormat, level: &str) -> String {
        let memory = Memory::default();
        let writer = memory.clone();
        let log = Log { format, level: level.to_owned() };
        let subscriber = subscriber(&log, false, move || writer.clone()).unwrap();
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(reason = "too_large", "message set aside");
            tracing::debug!("detail");
        });
        String::from_utf8(memory.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn a_json_log_is_one_object_a_line_with_the_fields_at_the_top() {
        let text = written(LogFormat::Json, "info");
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (&line["level"], &line["message"], &line["reason"]),
            (&"INFO".into(), &"message set aside".into(), &"too_large".into())
        );
        assert!(line["timestamp"].as_str().unwrap().ends_with('Z'));
    }

    #[test]
    fn a_text_log_has_no_colours_where_nobody_sees_them_and_keeps_to_its_level() {
        let text = written(LogFormat::Text, "info");
        assert!(text.contains("message set aside reason=\"too_large\"") && !text.contains('\u{1b}'), "{text}");
        assert_eq!(text.lines().count(), 1);
        assert_eq!(written(LogFormat::Text, "warn,gleaner::telemetry=debug").lines().count(), 2);
    }

    #[test]
    fn a_level_with_a_typing_error_is_no_filter() {
        for good in ["info", "off", "info,gleaner::worker=debug", "debug,gleaner[step]=trace"] {
            assert!(is_filter(good), "{good}");
        }
        for bad in
            ["", "loud", "inof", "info,", "gleaner=loud", "=info", "gleaner::worker", "INFO ", "warn, sqlx=error"]
        {
            assert!(!is_filter(bad), "{bad}");
        }
    }
}
