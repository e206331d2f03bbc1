//! Text from outside made safe to keep: bounded, without control characters, never empty.
//!
//! A database refuses NUL, a log line ends at a newline, a hostile sender writes a megabyte into a name. What a text
//! means, and how it must be escaped where it is shown, is not settled here.

use serde_json::{Number, Value};

use super::read::{At, Fault, Read, leaf_schema};

/// The longest start of `text` that fits into `bytes` without cutting a character.
pub fn cut(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// One line: trimmed, line breaks and tabs become a space, other control characters go. `None` if nothing is left.
pub fn line(text: &str, bytes: usize) -> Option<String> {
    let trimmed = text.trim();
    let kept = if trimmed.contains(char::is_control) {
        let spaced = trimmed.replace("\r\n", " ");
        spaced.chars().map(|c| if is_break(c) { ' ' } else { c }).filter(|c| !c.is_control()).collect()
    } else {
        cut(trimmed, bytes).to_owned()
    };
    finish(kept, bytes)
}

/// Several lines: trimmed, every line break becomes `\n`, tabs stay, other control characters go.
pub fn prose(text: &str, bytes: usize) -> Option<String> {
    let trimmed = text.trim();
    let kept = if trimmed.contains(|c: char| c.is_control() && c != '\n' && c != '\t') {
        let broken = trimmed.replace("\r\n", "\n").replace('\r', "\n");
        broken.chars().filter(|c| !c.is_control() || *c == '\n' || *c == '\t').collect()
    } else {
        cut(trimmed, bytes).to_owned()
    };
    finish(kept, bytes)
}

fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\t' | '\u{85}')
}

fn finish(mut text: String, bytes: usize) -> Option<String> {
    text.truncate(cut(&text, bytes).len());
    text.truncate(text.trim_end().len());
    (!text.trim_start().is_empty()).then_some(text)
}

/// A name, a title, a path fits into this many bytes; what is longer is cut, not refused.
pub const LINE_BYTES: usize = 500;
/// Notes and replies are read for what they say, and nothing is said beyond this (about 3,500 words).
pub const PROSE_BYTES: usize = 20_000;

/// Text on one line.
#[derive(Clone, Debug)]
pub struct Line(pub String);
leaf_schema!(Line, "Line", { "type": "string" });

impl Read for Line {
    const EXPECTED: &'static str = "text";

    fn read(value: &Value, at: &At<'_>) -> Result<Option<Line>, Fault> {
        match value {
            Value::String(s) => Ok(line(s, LINE_BYTES).map(Line)),
            Value::Number(n) => Ok(Some(Line(spelled(n)))),
            other => Err(Fault::invalid_personal(at, Self::EXPECTED, other)),
        }
    }
}

/// A number as text; a whole one without the ".0" that some senders' floats end in.
pub fn spelled(n: &Number) -> String {
    let text = n.to_string();
    match text.strip_suffix(".0") {
        Some(whole) => whole.to_owned(),
        None => text,
    }
}

/// Text on any number of lines.
#[derive(Clone, Debug)]
pub struct Prose(pub String);
leaf_schema!(Prose, "Prose", { "type": "string" });

impl Read for Prose {
    const EXPECTED: &'static str = "text";

    fn read(value: &Value, at: &At<'_>) -> Result<Option<Prose>, Fault> {
        match value {
            Value::String(s) => Ok(prose(s, PROSE_BYTES).map(Prose)),
            Value::Number(n) => Ok(Some(Prose(spelled(n)))),
            other => Err(Fault::invalid_personal(at, Self::EXPECTED, other)),
        }
    }
}

impl From<Line> for String {
    fn from(l: Line) -> String {
        l.0
    }
}
impl From<Prose> for String {
    fn from(p: Prose) -> String {
        p.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_line_without_control_characters() {
        assert_eq!(line("  Ana\r\nRuiz\t(Dir\u{0}ector)\u{7f} ", 500).unwrap(), "Ana Ruiz (Director)");
        assert_eq!(line(" \u{0}\n ", 500), None);
    }

    #[test]
    fn prose_keeps_its_lines_and_tabs() {
        assert_eq!(prose("one\r\ntwo\rthree\n\tfour\u{0}\u{1b}[31m", 500).unwrap(), "one\ntwo\nthree\n\tfour[31m");
    }

    #[test]
    fn a_cut_never_splits_a_character() {
        assert_eq!(line("ééé", 5).unwrap(), "éé");
        assert_eq!(cut("👩‍🚀", 3), "");
        assert_eq!(line("👩‍🚀", 3), None);
    }

    #[test]
    fn other_scripts_and_forms_pass_unchanged() {
        for text in ["שלום עולם", "مرحبا", "e\u{301}", "👩‍🚀 launch", "李雷"] {
            assert_eq!(line(text, 500).unwrap(), text);
        }
    }
}
