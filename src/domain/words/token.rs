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
    /// A comma, a bracket, a dash, the end of a line within a sentence.
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
const LONGEST_ADDRESS: usize = 254;

/// Appends the tokens of `text[from..to]`. Both ends must be character boundaries.
pub fn tokenize(words: &Vocabulary, text: &str, from: usize, to: usize, out: &mut Vec<Token>) {
    let mut t = Tokenizer { words, text, at: from, to, before: Break::Hard, out, folded: String::new() };
    while let Some(c) = t.peek() {
        t.step(c);
    }
}

struct Tokenizer<'a> {
    words: &'a Vocabulary,
    text: &'a str,
    at: usize,
    to: usize,
    before: Break,
    out: &'a mut Vec<Token>,
    folded: String,
}

impl Tokenizer<'_> {
    fn peek(&self) -> Option<char> {
        self.after(0)
    }
    /// The character `bytes` further on; the place must be a character boundary.
    fn after(&self, bytes: usize) -> Option<char> {
        let at = self.at + bytes;
        if at >= self.to { None } else { self.text[at..self.to].chars().next() }
    }
    fn ascii_at(&self, at: usize) -> u8 {
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
            ',' | ';' | '(' | ')' | '[' | ']' | '–' | '—' | '，' | '、' | '<' | '>' | '|' | '•' => self.raise(Break::Soft),
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
        self.raise(if ends { Break::Hard } else { Break::Soft });
    }

    /// Whether the full stop here follows a title or the like.
    fn abbreviated(&self) -> bool {
        const SHORT: [&str; 11] = ["mr", "mrs", "ms", "dr", "st", "dept", "inc", "ext", "approx", "vs", "prof"];
        self.out.last().filter(|last| last.end as usize == self.at).is_some_and(|last| {
            let word = &self.text[last.start as usize..last.end as usize];
            SHORT.iter().any(|s| word.eq_ignore_ascii_case(s)) || last.is_number() && word.len() <= 2 && self.month_follows()
        })
    }

    /// "12. Mai": the full stop of an ordinal.
    fn month_follows(&self) -> bool {
        let rest = self.text[self.at + 1..self.to].trim_start_matches(' ').chars().take(12);
        let word: String = rest.take_while(|c| c.is_alphabetic()).collect();
        let known = self.words.exact(&fold(&word)).and_then(|w| w.first());
        known.is_some_and(|w| matches!(self.words.info(*w).cal, Some(Cal::Month(..))))
    }

    fn push(&mut self, word: Word, start: usize, end: usize, number: u32, shape: Shape) {
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
        self.push(UNKNOWN, start, self.at, value, Shape::Number);
    }

    /// An e-mail address or link that begins at `start`, taken as one token.
    fn address(&mut self, start: usize) -> bool {
        let bytes = self.text.as_bytes();
        let limit = (start + LONGEST_ADDRESS).min(self.to);
        let part = |b: u8| b.is_ascii_alphanumeric() || b"._%+-@/:?=&#~".contains(&b);
        let mut end = start;
        while end < limit && part(bytes[end]) {
            end += 1;
        }
        while end > start && !bytes[end - 1].is_ascii_alphanumeric() {
            end -= 1;
        }
        let whole = &self.text[start..end];
        let shape = if whole.contains("://") || whole.starts_with("www.") {
            Shape::Link
        } else if whole.split_once('@').is_some_and(|(user, host)| !user.is_empty() && host.contains('.') && !host.contains('@')) {
            Shape::Email
        } else {
            return false;
        };
        self.push(UNKNOWN, start, end, 0, shape);
        self.at = end;
        true
    }

    fn word(&mut self) {
        let start = self.at;
        self.folded.clear();
        let (mut upper, mut lower, mut first_upper) = (0, 0, false);
        while let Some(c) = self.peek() {
            let inner = matches!(c, '\'' | '’' | 'ʼ' | '‘' | '`' | '´')
                && self.after(c.len_utf8()).is_some_and(char::is_alphabetic)
                || c == '*' && self.at > start
                || ('\u{300}'..='\u{36f}').contains(&c);
            if !(c.is_alphabetic() && !is_cjk(c) || inner) {
                break;
            }
            if c.is_uppercase() {
                upper += 1;
                first_upper |= self.at == start;
            } else if c.is_lowercase() {
                lower += 1;
            }
            fold_char(c, &mut self.folded);
            self.at += c.len_utf8();
        }
        match self.ascii_at(self.at) {
            b'@' | b'.' | b':' | b'_' | b'+' | b'-' | b'0'..=b'9' if self.maybe_address(start) && self.address(start) => return,
            _ => {}
        }
        if self.at - start == 1 {
            self.single_letter_compound(start);
        }
        let shape = match (upper, lower) {
            (n, 0) if n > 1 => Shape::Upper,
            _ if first_upper => Shape::Capital,
            _ => Shape::Lower,
        };
        self.push_spelling(start, shape);
    }

    /// Whether an '@', "://" or "www." shows that the run of characters at `start` is an address. Looks at most that far ahead.
    fn maybe_address(&self, start: usize) -> bool {
        let bytes = self.text.as_bytes();
        let limit = (start + LONGEST_ADDRESS).min(self.to);
        let run = bytes[self.at..limit].iter().take_while(|b| b.is_ascii_alphanumeric() || b"._%+-@:/".contains(b));
        // A run already looked through belongs to the same address or to none: only its first word looks.
        let first = start == 0 || !(bytes[start - 1].is_ascii_alphanumeric() || b"._%+-@:/".contains(&bytes[start - 1]));
        first && (run.clone().any(|b| *b == b'@') || self.text[start..].starts_with("www.") || self.text[self.at..].starts_with("://"))
    }

    /// "w/", "w/o", "e-mail", "a.m.": compounds that begin with a lone letter.
    fn single_letter_compound(&mut self, start: usize) {
        match self.ascii_at(self.at) {
            b'/' => {
                self.folded.push('/');
                self.at += 1;
                let (next, then) = (self.ascii_at(self.at), self.ascii_at(self.at + 1));
                if next.is_ascii_alphabetic() && !then.is_ascii_alphanumeric() {
                    self.folded.push(next.to_ascii_lowercase() as char);
                    self.at += 1;
                }
            }
            b'-' if self.text[start..].get(..6).is_some_and(|t| t.eq_ignore_ascii_case("e-mail")) => {
                self.folded.push_str("mail");
                self.at = start + 6;
                while self.ascii_at(self.at).is_ascii_alphabetic() {
                    self.folded.push(self.ascii_at(self.at).to_ascii_lowercase() as char);
                    self.at += 1;
                }
            }
            b'.' => {
                while self.ascii_at(self.at) == b'.'
                    && self.ascii_at(self.at + 1).is_ascii_alphabetic()
                    && !self.ascii_at(self.at + 2).is_ascii_alphanumeric()
                {
                    self.folded.push(self.ascii_at(self.at + 1).to_ascii_lowercase() as char);
                    self.at += 2;
                }
            }
            _ => {}
        }
    }

    /// Pushes what the folded spelling stands for; an unknown "l'adresse" or "Bob's" falls into its parts.
    fn push_spelling(&mut self, start: usize, shape: Shape) {
        let end = self.at;
        let words = self.words;
        if let Some(meaning) = words.look_up(&self.folded) {
            for word in meaning {
                self.push(*word, start, end, 0, shape);
            }
            return;
        }
        let folded = std::mem::take(&mut self.folded);
        let parts = folded.split_once('\'').filter(|_| folded.len() <= 64);
        match parts {
            Some((left, right)) => {
                let (l, r) = (words.look_up(left), words.look_up(right));
                match (l, r) {
                    (None, None) => self.push(UNKNOWN, start, end, 0, shape),
                    _ => {
                        l.unwrap_or(&[UNKNOWN]).iter().for_each(|w| self.push(*w, start, end, 0, shape));
                        if right != "s" {
                            r.unwrap_or(&[UNKNOWN]).iter().for_each(|w| self.push(*w, start, end, 0, shape));
                        }
                    }
                }
            }
            None => {
                let swears = folded.contains('*') && folded.starts_with('f');
                let word = if swears { words.exact("fuck").and_then(|w| w.first().copied()) } else { None };
                self.push(word.unwrap_or(UNKNOWN), start, end, 0, shape);
            }
        }
        self.folded = folded;
    }
}

fn is_cjk(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{2ffff}')
}
