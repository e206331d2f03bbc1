//! The harder half of the tokenizer: words, their spellings and compounds, addresses.
//!
//! A word falls apart only where its parts are known and it is not ("l'adresse", "Bob's").

use super::token::{LONGEST_ADDRESS, Shape, Tokenizer, is_cjk};
use super::vocabulary::{UNKNOWN, fold_char};

impl Tokenizer<'_> {
    /// An e-mail address or link that begins at `start`, taken as one token.
    pub fn address(&mut self, start: usize) -> bool {
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
        } else if whole
            .split_once('@')
            .is_some_and(|(user, host)| !user.is_empty() && host.contains('.') && !host.contains('@'))
        {
            Shape::Email
        } else {
            return false;
        };
        self.push(UNKNOWN, start, end, 0, shape);
        self.at = end;
        true
    }

    pub fn word(&mut self) {
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
            b'@' | b'.' | b':' | b'_' | b'+' | b'-' | b'0'..=b'9'
                if self.maybe_address(start) && self.address(start) =>
            {
                return;
            }
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
        let first =
            start == 0 || !(bytes[start - 1].is_ascii_alphanumeric() || b"._%+-@:/".contains(&bytes[start - 1]));
        first
            && (run.clone().any(|b| *b == b'@')
                || self.text[start..].starts_with("www.")
                || self.text[self.at..].starts_with("://"))
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
            for (n, word) in meaning.iter().enumerate() {
                self.push(*word, start, end, 0, if n == 0 { shape } else { Shape::Lower });
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
                            r.unwrap_or(&[UNKNOWN]).iter().for_each(|w| self.push(*w, start, end, 0, Shape::Lower));
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
