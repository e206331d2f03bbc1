//! Lifts a person out of a text: a name, an e-mail address, a telephone number near a referral.
//!
//! Names are runs of capitalised words that are no titles, days or firms' departments. Nothing is looked up; who it
//! is stays a suggestion until a human confirms.

use super::calendar::Cal;
use super::finding::Person;
use super::lexicon::Lexicon;
use super::token::{Break, Shape, Token};
use super::vocabulary::UNKNOWN;

/// More words than this are no name.
const LONGEST_NAME: usize = 4;
/// Fewer digits are an extension or a price, more are an account.
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 7..=15;
/// A person is looked for so many words around.
const REACH: usize = 50;
/// A telephone number is written in at most so many groups.
const PHONE_GROUPS: usize = 6;

/// The person spoken of in the sentences `from` to `to`, seen from token `near`.
pub fn near(lexicon: &Lexicon, text: &str, tokens: &[Token], near: usize, to_sentence: u32) -> Option<Person> {
    let sentence = tokens.get(near)?.sentence;
    let first = tokens.partition_point(|t| t.sentence < sentence).max(near.saturating_sub(REACH));
    let last = tokens.partition_point(|t| t.sentence <= to_sentence).min(near + REACH);
    let mut person = Person::default();
    // What follows the words of the referral is tried before what precedes them.
    for range in [near..last, first..near] {
        let mut i = range.start;
        while i < range.end {
            if person.email.is_none() && tokens[i].shape == Shape::Email {
                person.email = Some(text[tokens[i].start as usize..tokens[i].end as usize].to_owned());
            }
            if let Some(end) = phone(text, tokens, i) {
                let start = with_plus(text, tokens[i].start as usize);
                person.phone.get_or_insert_with(|| text[start..tokens[end - 1].end as usize].to_owned());
                i = end;
                continue;
            }
            if person.name.is_none()
                && let Some(end) = name(lexicon, tokens, i).filter(|end| *end <= last)
            {
                person.name = Some(text[tokens[i].start as usize..tokens[end - 1].end as usize].to_owned());
                i = end;
                continue;
            }
            i += 1;
        }
        if person.name.is_some() {
            break;
        }
    }
    (person != Person::default()).then_some(person)
}

/// One past the last token of a telephone number that begins at `i`.
pub fn phone(text: &str, tokens: &[Token], i: usize) -> Option<usize> {
    let digits = |t: &Token| (t.end - t.start) as usize;
    if !tokens[i].is_number() || i > 0 && tokens[i - 1].is_number() && joined(text, &tokens[i - 1], &tokens[i]) {
        return None;
    }
    let mut total = digits(&tokens[i]);
    let mut end = i + 1;
    while end < tokens.len()
        && end < i + PHONE_GROUPS
        && tokens[end].is_number()
        && joined(text, &tokens[end - 1], &tokens[end])
    {
        total += digits(&tokens[end]);
        end += 1;
    }
    let date = tokens[i].number >= 1900 && tokens[i].number < 2100 && end == i + 3 && total == 8;
    (PHONE_DIGITS.contains(&total) && !date).then_some(end)
}

fn joined(text: &str, a: &Token, b: &Token) -> bool {
    let gap = &text[a.end as usize..(b.start.max(a.end)) as usize];
    !gap.is_empty() && gap.len() <= 3 && gap.bytes().all(|b| matches!(b, b'-' | b' ' | b'.' | b'(' | b')' | b'/'))
}

fn with_plus(text: &str, start: usize) -> usize {
    let before = text[..start].trim_end_matches('(');
    if before.ends_with('+') { before.len() - 1 } else { before.len().max(start.saturating_sub(1)) }
}

/// One past the last token of a name that begins at `i`.
fn name(lexicon: &Lexicon, tokens: &[Token], i: usize) -> Option<usize> {
    let has = |t: &Token, set: u8| lexicon.words.info(t.word).sets >> set & 1 == 1;
    let part = |j: usize| {
        tokens.get(j).is_some_and(|t| {
            let calendar = matches!(
                lexicon.words.info(t.word).cal,
                Some(Cal::Month(..) | Cal::Weekday(..) | Cal::Feast(_) | Cal::Season(_) | Cal::Plain(_))
            );
            t.shape == Shape::Capital && t.end - t.start > 1 && !has(t, lexicon.known.not_name) && !calendar
        })
    };
    if !part(i) {
        return None;
    }
    let mut end = i + 1;
    while end < i + LONGEST_NAME && tokens.get(end).is_some_and(|t| t.before == Break::None) {
        let particle = has(&tokens[end], lexicon.known.particle) && tokens[end].shape != Shape::Capital;
        // A contraction stands for two tokens in one place.
        let same_place = tokens[end].start == tokens[end - 1].start;
        let initial = tokens[end].end - tokens[end].start == 1 && tokens[end].shape == Shape::Capital && part(end + 1);
        match (part(end) || initial || same_place, particle && part(end + 1)) {
            (true, _) => end += 1,
            (false, true) => end += 2,
            _ => break,
        }
    }
    // A sentence begins with a capital anyway: there a known word alone is no name.
    let opens = tokens[i].before == Break::Hard;
    if end == i + 1 && opens && tokens[i].word != UNKNOWN {
        return None;
    }
    Some(end)
}

/// Whether token `i` is a capitalised word that may be a name.
pub fn is_name(lexicon: &Lexicon, tokens: &[Token], i: usize) -> bool {
    name(lexicon, tokens, i).is_some()
}
