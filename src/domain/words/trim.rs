//! What of a text its writer wrote today: without quoted mail, signatures and lines that a program added.
//!
//! Works line by line with a look ahead of a few lines. Boilerplate inside a paragraph is left to the phrases
//! marked "footer". The marks are the lexicon's.

use super::lexicon::Lexicon;
use super::vocabulary::{fold, fold_char};

/// Longer lines are paragraphs, not marks.
const LONGEST_MARK: usize = 300;
/// How many lines after a "From:" another header line must follow.
const HEADER_LINES: usize = 4;

struct Line<'a> {
    start: usize,
    end: usize,
    text: &'a str,
}

/// The stretches of `text` that count, in order; each begins and ends at a character boundary.
pub fn visible(lexicon: &Lexicon, text: &str) -> Vec<(usize, usize)> {
    let lines = split(text);
    let marks = &lexicon.marks;
    let mut out: Vec<(usize, usize)> = Vec::new();
    let mut signed = false;
    let mut i = 0;
    while i < lines.len() {
        let line = &lines[i];
        let t = line.text;
        let quoted = t.starts_with('>') || t.starts_with('|');
        if !quoted && begins(t, &marks.postscripts) {
            signed = false;
        }
        if let Some(after) = quote_header(lexicon, &lines, i) {
            let next = lines[after..].iter().find(|l| !l.text.is_empty());
            if next.is_none_or(|l| !l.text.starts_with('>')) {
                break; // Everything below is the earlier mail.
            }
            i = after;
            signed = false;
            continue;
        }
        if divided(lexicon, &lines, i) {
            break;
        }
        if quoted || begins(t, &marks.devices) {
            i += 1;
            continue;
        }
        if closes(lexicon, &lines, i) {
            signed = true;
        }
        if !signed && !t.is_empty() {
            match out.last_mut().filter(|_| i > 0 && !lines[i - 1].text.is_empty()) {
                Some(last) if last.1 == lines[i - 1].end => last.1 = line.end,
                _ => out.push((line.start, line.end)),
            }
        }
        i += 1;
    }
    out
}

fn split(text: &str) -> Vec<Line<'_>> {
    let mut start = 0;
    text.split('\n')
        .map(|raw| {
            let line = Line { start, end: start + raw.len(), text: raw.trim() };
            start += raw.len() + 1;
            line
        })
        .collect()
}

/// The folded beginning of a line, long enough for any mark.
fn begins(line: &str, marks: &[String]) -> bool {
    if line.len() > LONGEST_MARK {
        return false;
    }
    marks.iter().any(|mark| starts_with_folded(line, mark))
}

fn starts_with_folded(line: &str, mark: &str) -> bool {
    let mut rest = mark;
    let mut buffer = String::new();
    for c in line.chars() {
        if rest.is_empty() {
            return true;
        }
        buffer.clear();
        fold_char(c, &mut buffer);
        match rest.strip_prefix(buffer.as_str()) {
            Some(r) => rest = r,
            None => return false,
        }
    }
    rest.is_empty()
}

/// "On … wrote:", on one line or wrapped onto two or three: the line after it.
fn quote_header(lexicon: &Lexicon, lines: &[Line], i: usize) -> Option<usize> {
    let m = &lexicon.marks;
    if !begins(lines[i].text, &m.wrote_begins) {
        return None;
    }
    let end = lines.len().min(i + 3);
    (i..end).take_while(|j| lines[*j].text.len() <= LONGEST_MARK).find_map(|j| {
        let folded = fold(lines[j].text);
        m.wrote.iter().any(|w| folded.ends_with(w.as_str())).then_some(j + 1)
    })
}

/// "-----Original Message-----", or "From:" with "Sent:" close below it.
fn divided(lexicon: &Lexicon, lines: &[Line], i: usize) -> bool {
    let m = &lexicon.marks;
    let t = lines[i].text;
    let rule = t.len() >= 5 && t.bytes().all(|b| matches!(b, b'_' | b'-' | b'='));
    let bare = t.trim_matches(|c: char| matches!(c, '-' | '_' | '=' | '*' | ' '));
    if begins(bare, &m.dividers) && (bare.len() < t.len() || t.ends_with(':')) {
        return true;
    }
    let header = |j: usize| {
        begins(lines[j].text.trim_start_matches('*'), &m.header_begins)
            && lines[j + 1..lines.len().min(j + 1 + HEADER_LINES)].iter().any(|l| begins(l.text.trim_start_matches('*'), &m.header_follows))
    };
    let next = i + 1..lines.len().min(i + 3);
    header(i) || rule && next.into_iter().any(header)
}

/// "--", "Best regards,", or "Thanks," with a name below it.
fn closes(lexicon: &Lexicon, lines: &[Line], i: usize) -> bool {
    let m = &lexicon.marks;
    let t = lines[i].text;
    if t.starts_with('-') && t.len() <= 3 && t.bytes().all(|b| b == b'-') {
        return true;
    }
    let bare = fold(t.get(..60).unwrap_or(t).trim_end_matches([',', '.', '!', ' ', '-']));
    if t.len() > 60 {
        return false;
    }
    if m.closings.contains(&bare) {
        return true;
    }
    let next = lines[i + 1..].iter().find(|l| !l.text.is_empty());
    m.thanks.contains(&bare) && next.is_some_and(|l| is_name(lexicon, l.text))
}

/// One to three capitalised words of which the lexicon knows none.
fn is_name(lexicon: &Lexicon, line: &str) -> bool {
    let mut words = line.split_whitespace().take(4).peekable();
    let known = |w: &str| lexicon.words.exact(&fold(w.trim_matches(|c: char| !c.is_alphabetic()))).is_some();
    line.len() <= 40 && words.peek().is_some() && words.clone().count() <= 3 && words.all(|w| w.starts_with(char::is_uppercase) && !known(w))
}
