//! What the learned part sees of a text: words, pairs of words, beginnings and kinds of words, what stands behind a "not"
//! and in the last sentence, the medium.
//!
//! Each cue is a short string, so that a human can read the file of weights. The trainer and the reader call the same
//! code; a cue that the file does not name costs one look-up.

use super::calendar::Cal;
use super::finding::Medium;
use super::learned::Kinds;
use super::lexicon::Lexicon;
use super::token::{Break, Shape, Token};
use super::vocabulary::{UNKNOWN, fold_char};

/// Longer words are cut: nothing is learned from their ends.
const LONGEST_WORD: usize = 24;
/// A word at least this long also counts by its beginning, so that "installs" is known from "installing".
const SHORTEST_STEM: usize = 6;
const STEM: usize = 5;
/// So few words are a short reply, so many sentences a long one.
const SHORT: usize = 4;
const LONG: u32 = 3;
/// So many words behind a "not" are seen as denied besides.
const DENIED: usize = 4;
/// How far behind a sentence its question mark may stand.
const MARK_WITHIN: usize = 3;

/// Calls `sink` with each cue of a text and the number of its sentence.
pub fn each(
    lexicon: &Lexicon,
    kinds: &Kinds,
    medium: Medium,
    text: &str,
    tokens: &[Token],
    sink: &mut dyn FnMut(&str, u32),
) {
    let words = Words::of(lexicon, text, tokens);
    let mut line = String::with_capacity(64);
    let mut say = |parts: &[&str], sentence: u32| {
        line.clear();
        for (n, part) in parts.iter().enumerate() {
            if n > 0 {
                line.push(' ');
            }
            line.push_str(part);
        }
        sink(&line, sentence);
    };
    say(&["@", medium.name()], 0);
    if tokens.last().is_some_and(|t| t.sentence >= LONG) {
        say(&["@ long"], 0);
    }
    if tokens.len() <= SHORT {
        say(&["@ short"], 0);
    }
    let last = tokens.last().map_or(0, |t| t.sentence);
    let mut denied = 0;
    for (i, token) in tokens.iter().enumerate() {
        let (n, here) = (token.sentence, words.at(i));
        // The word `k` further on, if it is of the same sentence.
        let ahead = |k: usize| {
            let within = tokens.get(i + 1..=i + k).is_some_and(|t| t.iter().all(|t| t.before != Break::Hard));
            within.then(|| words.at(i + k))
        };
        say(&[here], n);
        if here.len() >= SHORTEST_STEM && here.is_ascii() && !here.starts_with('<') {
            say(&[&here[..STEM], "*"], n);
        }
        let kind = kinds.get(here);
        if let Some((_, narrow)) = kind {
            say(&[narrow], n);
        }
        let opens = i == 0 || token.before == Break::Hard;
        if opens {
            denied = 0;
        }
        if lexicon.words.info(token.word).sets >> lexicon.known.negator & 1 == 1 {
            denied = DENIED;
        } else if denied > 0 {
            denied -= 1;
            say(&["not>", here], n);
            if let Some((_, narrow)) = kind {
                say(&["not>", narrow], n);
            }
        }
        // What somebody says last is what they want.
        if n == last && last > 0 {
            say(&["last>", here], n);
        }
        if opens {
            say(&["^", here], n);
            if let Some(next) = ahead(1) {
                say(&["^", here, next], n);
            }
        }
        let Some(next) = ahead(1) else {
            let mark = mark(text, token.end as usize, tokens.get(i + 1));
            say(&[here, mark], n);
            say(&[mark], n);
            continue;
        };
        say(&[here, next], n);
        say(&[kind.map_or(here, |k| k.0), kinds.get(next).map_or(next, |k| k.0), "~"], n);
        if let Some(third) = ahead(2) {
            say(&[here, "_", third], n);
        }
    }
}

/// How a sentence ends whose last word ends at `from`.
fn mark(text: &str, from: usize, next: Option<&Token>) -> &'static str {
    let to = next.map_or(text.len(), |t| t.start as usize).max(from);
    match text.as_bytes()[from..to].iter().take(MARK_WITHIN).find(|b| matches!(b, b'?' | b'!')) {
        Some(b'?') => "?",
        Some(_) => "!",
        None => ".",
    }
}

/// The words of a text, one after the other.
struct Words {
    all: String,
    ends: Vec<usize>,
}

impl Words {
    fn of(lexicon: &Lexicon, text: &str, tokens: &[Token]) -> Words {
        let mut words = Words { all: String::with_capacity(text.len()), ends: Vec::with_capacity(tokens.len() + 1) };
        words.ends.push(0);
        for (i, token) in tokens.iter().enumerate() {
            let opens = token.before == Break::Hard || i == 0;
            spell(lexicon, text, token, opens, &mut words.all);
            words.ends.push(words.all.len());
        }
        words
    }
    fn at(&self, i: usize) -> &str {
        &self.all[self.ends[i]..self.ends[i + 1]]
    }
}

/// Appends the word of a token, or its kind where it is one of many of a kind.
fn spell(lexicon: &Lexicon, text: &str, token: &Token, opens: bool, out: &mut String) {
    let own = &text[token.start as usize..token.end as usize];
    let info = lexicon.words.info(token.word);
    let kind = match (token.shape, info.cal) {
        (Shape::Email, _) => "<email>",
        (Shape::Link, _) => "<link>",
        (Shape::Number, _) => match (own.len(), token.number) {
            (_, 5..=17) => "<teen>",
            (..=2, _) => "<00>",
            (3, _) => "<000>",
            (4, 1990..=2060) => "<year>",
            _ => "<0000>",
        },
        (_, Some(Cal::Month(_, false))) => "<month>",
        (_, Some(Cal::Weekday(_, false))) => "<day>",
        _ if token.word != UNKNOWN => &info.text,
        (Shape::Capital, _) if !opens => "<name>",
        _ => {
            let from = out.len();
            own.chars().take(LONGEST_WORD).for_each(|c| fold_char(c, out));
            // "Dad's": the owner.
            if out[from..].ends_with("'s") {
                out.truncate(out.len() - 2);
            }
            if out.len() == from {
                out.push('-');
            }
            return;
        }
    };
    out.push_str(kind);
}
