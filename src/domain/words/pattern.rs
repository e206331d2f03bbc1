//! The notation phrases are written in, and its parser.
//!
//! `stop (call|text) [ever] me`: words; `(a|b c)` one of several; `[a|b]` one of several or none; `{name}` a set;
//! `*` up to three words, `*5` up to five; `<date>` and the like something recognised; `^` and `$` the ends of a
//! sentence, `;` the end of a clause. A phrase can only match a bounded number of words: there is nothing that repeats without limit.

use std::collections::BTreeMap;

use super::hint::hint;
use super::vocabulary::{Vocabulary, Word, fold};

/// Things recognised rather than spelled out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Slot {
    /// A day, month or span of time, with its preposition.
    Date,
    /// A time of day, with its preposition.
    Time,
    /// A bare length of time ("2 weeks"): a date only beside words that make it one.
    Length,
    Number,
    /// A sum: a figure with a sign or name of a currency, or with a "k" behind it.
    Money,
    /// A number from 5 to 17: an age below majority.
    MinorAge,
    /// A capitalised word.
    Name,
    /// A word the lexicon does not know: in a text message mostly a name.
    Stranger,
    Email,
    Phone,
}

impl Slot {
    const NAMES: [(&'static str, Slot); 10] = [
        ("date", Slot::Date),
        ("time", Slot::Time),
        ("length", Slot::Length),
        ("number", Slot::Number),
        ("money", Slot::Money),
        ("minor_age", Slot::MinorAge),
        ("name", Slot::Name),
        ("stranger", Slot::Stranger),
        ("email", Slot::Email),
        ("phone", Slot::Phone),
    ];
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Atom {
    Word(Word),
    Set(u8),
    Slot(Slot),
    /// Up to so many words of any kind.
    Gap(u8),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    Start,
    End,
    ClauseEnd,
    /// Up to so many words of any kind.
    Gap(u8),
    OneOf {
        choices: Vec<Vec<Atom>>,
        optional: bool,
    },
}

/// A named set: its single words share a bit, its phrases of several words are spelled out where it is used.
#[derive(Clone, Debug)]
pub struct Set {
    pub bit: u8,
    pub phrases: Vec<Vec<Word>>,
}

pub type Sets = BTreeMap<String, Set>;

/// The words of a piece of plain text, spellings applied. Chinese characters stand alone.
pub fn plain(words: &mut Vocabulary, text: &str) -> Vec<Word> {
    let mut out = Vec::new();
    let spaced: String = text.chars().flat_map(|c| if c > '\u{2e7f}' { vec![' ', c, ' '] } else { vec![c] }).collect();
    for piece in spaced.split_whitespace() {
        let folded = fold(piece);
        if let Some(known) = words.exact(&folded) {
            out.extend_from_slice(known);
            continue;
        }
        for part in folded.split(['\'', '-']).filter(|p| !p.is_empty()) {
            match words.exact(part) {
                Some(known) => out.extend_from_slice(known),
                None => out.push(words.intern(part)),
            }
        }
    }
    out
}

/// Parses one phrase.
///
/// # Errors
/// A sentence saying what is wrong with it.
pub fn parse(words: &mut Vocabulary, sets: &Sets, line: &str) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut rest = line.trim();
    while let Some(c) = rest.chars().next() {
        let taken = match c {
            ' ' => 1,
            '^' => {
                parts.push(Part::Start);
                1
            }
            '$' => {
                parts.push(Part::End);
                1
            }
            ';' => {
                parts.push(Part::ClauseEnd);
                1
            }
            '*' => {
                let digit = rest[1..].chars().next().and_then(|d| d.to_digit(10));
                if rest[1..].chars().take_while(char::is_ascii_digit).count() > 1 {
                    return Err("a gap is at most 9 words (*9)".to_owned());
                }
                parts.push(Part::Gap(digit.unwrap_or(3) as u8));
                1 + usize::from(digit.is_some())
            }
            '(' | '[' => {
                let close = if c == '(' { ')' } else { ']' };
                let end = rest.find(close).ok_or_else(|| format!("{c:?} is never closed"))?;
                let mut choices = Vec::new();
                for choice in rest[1..end].split('|') {
                    choices.extend(sequences(words, sets, choice)?);
                }
                parts.push(Part::OneOf { choices, optional: c == '[' });
                end + 1
            }
            _ => {
                let end = rest.find(|c| " ^$;*([".contains(c)).unwrap_or(rest.len());
                let end = if end == 0 { rest.len() } else { end };
                if let Some(bracket) = rest[..end].chars().find(|c| ")]|".contains(*c)) {
                    return Err(format!("{bracket:?} without an opening bracket"));
                }
                parts.push(Part::OneOf { choices: sequences(words, sets, &rest[..end])?, optional: false });
                end
            }
        };
        rest = &rest[taken..];
    }
    let required = parts.iter().any(|p| matches!(p, Part::OneOf { optional: false, .. }));
    if required { Ok(parts) } else { Err("a phrase needs at least one word that is not optional".to_owned()) }
}

/// What one choice stands for: one sequence of atoms, or several where it names a set with phrases in it.
fn sequences(words: &mut Vocabulary, sets: &Sets, choice: &str) -> Result<Vec<Vec<Atom>>, String> {
    let mut out: Vec<Vec<Atom>> = vec![Vec::new()];
    for piece in choice.split_whitespace() {
        let options: Vec<Vec<Atom>> = if let Some(name) = piece.strip_prefix('{').and_then(|p| p.strip_suffix('}')) {
            let set = sets
                .get(name)
                .ok_or_else(|| format!("there is no set {{{name}}}{}", hint(name, sets.keys().map(String::as_str))))?;
            let phrases = set.phrases.iter().map(|p| p.iter().map(|w| Atom::Word(*w)).collect());
            std::iter::once(vec![Atom::Set(set.bit)]).chain(phrases).collect()
        } else if let Some(name) = piece.strip_prefix('<').and_then(|p| p.strip_suffix('>')) {
            let slot = Slot::NAMES
                .iter()
                .find(|(n, _)| *n == name)
                .ok_or_else(|| format!("there is no <{name}>{}", hint(name, Slot::NAMES.iter().map(|(n, _)| *n))))?;
            vec![vec![Atom::Slot(slot.1)]]
        } else if let Some(most) = piece.strip_prefix('*') {
            vec![vec![Atom::Gap(most.parse().unwrap_or(3))]]
        } else if let Some(bracket) = piece.chars().find(|c| "(){}[]<>|".contains(*c)) {
            return Err(format!("{bracket:?} in {piece:?} has no other half, or stands inside of other brackets"));
        } else {
            vec![plain(words, piece).into_iter().map(Atom::Word).collect()]
        };
        out = out.iter().flat_map(|o| options.iter().map(|x| [o.as_slice(), x].concat())).collect();
        if out.len() > 400 {
            return Err("stands for more than 400 phrases".to_owned());
        }
    }
    if out.iter().any(Vec::is_empty) { Err("an empty choice".to_owned()) } else { Ok(out) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_phrase_is_refused_with_its_reason() {
        let mut v = Vocabulary::new();
        let sets = Sets::new();
        for (line, why) in [
            ("stop (calling me", "never closed"),
            ("stop calling) me", "without an opening"),
            ("stop {calling} me", "no set"),
            ("see you <when>", "no <when>"),
            ("[stop] [calling]", "at least one word"),
            ("stop (|calling)", "empty choice"),
            ("stop {calling me", "'{' in \"{calling\" has no other half"),
            ("stop calling} me", "has no other half"),
            ("see you <date", "has no other half"),
            ("stop (calling (texting) me)", "stands inside of other brackets"),
            ("stop *12 calling", "at most 9 words"),
        ] {
            let error = parse(&mut v, &sets, line).unwrap_err();
            assert!(error.contains(why), "{line}: {error}");
        }
    }

    #[test]
    fn chinese_is_split_into_characters_and_contractions_are_spelled_out() {
        let mut v = Vocabulary::new();
        let not = vec![v.intern("do"), v.intern("not")];
        v.spell("don't", not.clone());
        assert_eq!(plain(&mut v, "don't"), not);
        assert_eq!(plain(&mut v, "退订").len(), 2);
    }
}
