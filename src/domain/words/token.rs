//! From text to words: one pass, each character looked at a bounded number of times.
//!
//! A token knows its known word (or none), where it stands, and how strongly it is cut off from the one before.
//! Chinese characters are tokens of their own; e-mail addresses and links are one token each.

use super::calendar::Cal;
use super::vocabulary::{UNKNOWN, Vocabulary, Word, fold, fold_char};

/// What stands between a token and the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Break {
    /// Nothing, a space, a hyphen, a slash.
    None,
    /// A comma, a bracket, a dash.
    Soft,
    /// The end of a sentence or paragraph.
    Hard,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Lower,
    /// First letter upper case, the rest not.
    Capital,
    /// All letters upper case.
    Upper,
    Number,
    Email,
    Link,
    Sign,
}

#[derive(Clone, Copy, Debug)]
pub struct Token {
    pub word: Word,
    pub start: u32,
    pub end: u32,
    /// The sentence it belongs to, counted from 0.
    pub sentence: u32,
    /// The value of a number, else 0.
    pub number: u32,
    pub before: Break,
    pub shape: Shape,
}

impl Token {
    pub fn is_number(&self) -> bool {
        self.shape == Shape::Number
    }
}

/// Links longer than this are read as words, so that an endless run of letters costs no look-ahead.
pub const LONGEST_ADDRESS: usize = 254;

/// Appends the tokens of `text[from..to]`. Both ends must be character boundaries.
pub fn tokenize(words: &Vocabulary, text: &str, from: usize, to: usize, out: &mut Vec<Token>) {
    let mut t = Tokenizer { words, text, at: from, to, before: Break::Hard, out, folded: String::new() };
    while let Some(c) = t.peek() {
        t.step(c);
    }
}

pub struct Tokenizer<'a> {
    pub words: &'a Vocabulary,
    pub text: &'a str,
    pub at: usize,
    pub to: usize,
    before: Break,
    out: &'a mut Vec<Token>,
    pub folded: String,
}

impl Tokenizer<'_> {
    pub fn peek(&self) -> Option<char> {
        self.after(0)
    }
    /// The character `bytes` further on; the place must be a character boundary.
    pub fn after(&self, bytes: usize) -> Option<char> {
        let at = self.at + bytes;
        if at >= self.to { None } else { self.text[at..self.to].chars().next() }
    }
    pub fn ascii_at(&self, at: usize) -> u8 {
        if at < self.to { self.text.as_bytes()[at] } else { b' ' }
    }

    fn step(&mut self, c: char) {
        if c.is_ascii_digit() {
            return self.number();
        }
        if is_cjk(c) {
            return self.single(c, Shape::Lower);
        }
        if c.is_alphabetic() {
            return self.word();
        }
        let next = self.after(c.len_utf8());
        match c {
            '#' | '$' | '€' | '£' | '&' => return self.single(c, Shape::Sign),
            '!' | '?' | '。' | '！' | '？' | '…' => self.raise(Break::Hard),
            '.' if next.is_none_or(char::is_whitespace) && !self.abbreviated() => self.raise(Break::Hard),
            ',' | ';' | '(' | ')' | '[' | ']' | '–' | '—' | '，' | '、' | '<' | '>' | '|' | '•' => {
                self.raise(Break::Soft)
            }
            ':' | '-' | '*' if next.is_none_or(char::is_whitespace) => self.raise(Break::Soft),
            '\n' => self.new_line(),
            _ => {}
        }
        self.at += c.len_utf8();
    }

    fn raise(&mut self, to: Break) {
        self.before = self.before.max(to);
    }

    /// A line that ends early, or is followed by a blank one or a capital, ends a sentence; others are wrapped.
    fn new_line(&mut self) {
        let line_start = self.text[..self.at].rfind('\n').map_or(0, |i| i + 1);
        let next = self.text[self.at + 1..self.to].chars().next();
        let ends = match next {
            Some('\n' | '\r' | '-' | '*' | '•') | None => true,
            Some(n) => n.is_uppercase() || self.at - line_start < 24,
        };
        self.raise(if ends { Break::Hard } else { Break::None });
    }

    /// Whether the full stop here follows a title or the like.
    fn abbreviated(&self) -> bool {
        const SHORT: [&str; 24] = [
            "mr", "mrs", "ms", "dr", "st", "dept", "inc", "ext", "approx", "vs", "prof", "co", "corp", "hosp", "exp",
            "compl", "mgmt", "mktg", "appt", "mtg", "tel", "univ", "asst", "resp",
        ];
        self.out.last().filter(|last| last.end as usize == self.at).is_some_and(|last| {
            let word = &self.text[last.start as usize..last.end as usize];
            SHORT.iter().any(|s| word.eq_ignore_ascii_case(s))
                || last.is_number() && word.len() <= 2 && self.month_follows()
        })
    }

    /// "12. Mai": the full stop of an ordinal.
    fn month_follows(&self) -> bool {
        let rest = self.text[self.at + 1..self.to].trim_start_matches(' ').chars().take(12);
        let word: String = rest.take_while(|c| c.is_alphabetic()).collect();
        let known = self.words.exact(&fold(&word)).and_then(|w| w.first());
        known.is_some_and(|w| matches!(self.words.info(*w).cal, Some(Cal::Month(..))))
    }

    pub fn push(&mut self, word: Word, start: usize, end: usize, number: u32, shape: Shape) {
        let sentence = match self.out.last() {
            None => 0,
            Some(last) => last.sentence + u32::from(self.before == Break::Hard),
        };
        let token = Token { word, start: start as u32, end: end as u32, sentence, number, before: self.before, shape };
        self.out.push(token);
        self.before = Break::None;
    }

    fn single(&mut self, c: char, shape: Shape) {
        self.folded.clear();
        fold_char(c, &mut self.folded);
        let word = self.words.exact(&self.folded).and_then(|w| w.first().copied()).unwrap_or(UNKNOWN);
        self.push(word, self.at, self.at + c.len_utf8(), 0, shape);
        self.at += c.len_utf8();
    }

    fn number(&mut self) {
        let start = self.at;
        let mut value: u32 = 0;
        loop {
            let b = self.ascii_at(self.at);
            if b.is_ascii_digit() {
                value = value.saturating_mul(10).saturating_add(u32::from(b - b'0'));
            } else if !(b == b',' && self.at > start && (1..=3).all(|i| self.ascii_at(self.at + i).is_ascii_digit()))
                || self.ascii_at(self.at + 4).is_ascii_digit()
            {
                break;
            }
            self.at += 1;
        }
        if self.ascii_at(self.at) == b'@' && self.address(start) {
            return;
        }
        // A phrase may name a figure: "under 18".
        let word = self.words.exact(&self.text[start..self.at]).and_then(|w| w.first().copied()).unwrap_or(UNKNOWN);
        self.push(word, start, self.at, value, Shape::Number);
    }
}

pub fn is_cjk(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{2ffff}')
}
