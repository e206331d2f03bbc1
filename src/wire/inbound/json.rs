//! Bytes to JSON, and nothing of what it means: size, UTF-8, depth, syntax, in that order.

use serde_json::Value;

use super::read::Fault;
use super::refusal::Reason;

/// Refuses a body larger than the limit; one of exactly the limit passes.
pub fn check_size(body: &[u8], limit: usize) -> Result<(), Fault> {
    if body.len() <= limit {
        return Ok(());
    }
    Err(Fault::new(Reason::TooLarge, format!("The body is {} bytes, but at most {limit} are accepted.", body.len())))
}

/// The body as text, without a leading byte order mark.
pub fn text(body: &[u8]) -> Result<&str, Fault> {
    let text = std::str::from_utf8(body).map_err(|e| {
        // A gzip stream is never UTF-8: its second byte (0x8b) cannot start a character.
        let detail = if body.starts_with(&[0x1f, 0x8b]) {
            "The body is compressed with gzip, but only plain JSON in UTF-8 is accepted.".to_owned()
        } else {
            format!("The body should be UTF-8, but byte {} is not.", e.valid_up_to() + 1)
        };
        Fault::new(Reason::InvalidUtf8, detail)
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// The text as JSON: objects and lists at most `max_depth` deep, of equal keys the last.
pub fn parse(text: &str, max_depth: usize) -> Result<Value, Fault> {
    let malformed = |detail: String| Fault::new(Reason::MalformedJson, detail);
    if text.trim_ascii().is_empty() {
        return Err(malformed("The body should be JSON, but it is empty.".to_owned()));
    }
    if let Some(at) = deeper_than(text.as_bytes(), max_depth) {
        return Err(malformed(format!("The JSON is nested deeper than {max_depth} levels at byte {}.", at + 1)));
    }
    serde_json::from_str(text)
        .map_err(|e| malformed(format!("The body should be JSON, but it is not: {}.", in_words(&e))))
}

const HALF_A_PAIR: &str =
    "a \\u escape stands for one half of a character; the other half must follow it, like \\ud83d\\ude00";

/// Beginnings of the parser's messages, and what they mean to whoever wrote the text.
const MEANINGS: [(&str, &str); 16] = [
    ("EOF", "it ends too early: a bracket, a brace or a quotation mark is not closed"),
    ("key must be a string", "a name must be in double quotes"),
    ("expected ident", "a word that is not true, false or null must be in double quotes"),
    ("expected value", "a value is missing here, or is text without double quotes"),
    ("trailing comma", "there is a comma before the closing bracket"),
    ("trailing characters", "something follows the end of the JSON"),
    ("expected `,` or `}`", "a comma or the closing } is missing"),
    ("expected `,` or `]`", "a comma or the closing ] is missing"),
    ("expected `:`", "a colon is missing after a name"),
    ("control character", "a line break or another control character stands inside of text; write \\n"),
    ("unexpected end of hex escape", HALF_A_PAIR),
    ("lone ", HALF_A_PAIR),
    ("invalid escape", "a backslash is followed by what it cannot stand before; write \\\\ for a backslash"),
    ("invalid number", "a number is written in a way that JSON does not know"),
    ("number out of range", "a number is too large"),
    ("invalid type", "it is of another kind than it should be"),
];

/// A fault of the parser in plain words, its place first: "line 1, column 2: a name must be in double quotes". It tells
/// of syntax and position only, never a value.
pub fn in_words(error: &serde_json::Error) -> String {
    let said = error.to_string();
    let said = said.split(" at line ").next().unwrap_or_default();
    let meaning = MEANINGS.iter().find(|(begins, _)| said.starts_with(begins));
    let meaning = meaning.map_or(said, |(_, meaning)| meaning);
    match error.line() {
        0 => meaning.to_owned(),
        line => format!("line {line}, column {}: {meaning}", error.column()),
    }
}

/// Where the text first goes deeper than the limit. A straight walk before parsing, so that no depth can exhaust the
/// stack or hold memory; on text that is not JSON the answer means nothing, and the parser refuses it anyway.
fn deeper_than(text: &[u8], max_depth: usize) -> Option<usize> {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for (i, byte) in text.iter().enumerate() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => {
                depth += 1;
                if depth > max_depth {
                    return Some(i);
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(depth: usize) -> String {
        "[".repeat(depth) + &"]".repeat(depth)
    }

    #[test]
    fn the_depth_limit_itself_is_accepted_and_one_more_is_not() {
        assert!(parse(&nested(64), 64).is_ok());
        assert_eq!(parse(&nested(65), 64).unwrap_err().reason, Reason::MalformedJson);
        assert_eq!(parse(&"[".repeat(1_000_000), 64).unwrap_err().reason, Reason::MalformedJson);
    }

    #[test]
    fn brackets_inside_text_do_not_count() {
        let text = format!("[\"{}\\\"{}\"]", "[".repeat(100), "{".repeat(100));
        assert!(parse(&text, 1).is_ok());
    }

    #[test]
    fn of_equal_keys_the_last_wins() {
        assert_eq!(parse(r#"{"a":1,"a":2}"#, 64).unwrap()["a"], 2);
    }

    #[test]
    fn what_is_wrong_is_said_in_words_and_where() {
        for (text, says) in [
            ("{a: 1}", "line 1, column 2: a name must be in double quotes"),
            ("{\"a\": 1,\n \"b\": nul}", "line 2, column 10: a word that is not true, false or null must be"),
            ("{\"a\": Ana}", "a value is missing here, or is text without double quotes"),
            ("{\"a\": 1,}", "there is a comma before the closing bracket"),
            ("{\"a\": 1 \"b\": 2}", "a comma or the closing } is missing"),
            ("{\"a\" 1}", "a colon is missing after a name"),
            ("{\"a\": \"one\ntwo\"}", "a line break or another control character stands inside of text"),
            ("{\"a\": [1, 2", "it ends too early"),
            (r#"{"a": "x\ud800b"}"#, "a \\u escape stands for one half of a character"),
            (r#"{"a": "\udc00"}"#, "a \\u escape stands for one half of a character"),
            ("{} {}", "something follows the end of the JSON"),
        ] {
            let detail = parse(text, 64).unwrap_err().detail;
            assert!(detail.contains(says), "{text}: {detail}");
        }
    }

    #[test]
    fn numbers_and_characters_that_json_cannot_mean_are_malformed() {
        for text in ["1e400", "-1e400", "NaN", "01", r#""\ud800""#, r#""\udc00""#, "\"\u{1}\"", "{\"a\":1", "", " \n"] {
            assert_eq!(parse(text, 64).unwrap_err().reason, Reason::MalformedJson, "{text}");
        }
    }
}
