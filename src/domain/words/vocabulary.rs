//! The words the lexicon knows, each under one number, and how spellings lead to them.
//!
//! Letters are folded (case, accents, apostrophes) before a look-up; contractions and slang stand for one or
//! more words ("dont" is "do not"); a few long words are also recognised with one letter wrong.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::calendar::Cal;

/// The number of a known word; 0 is any word the lexicon does not know.
pub type Word = u32;
pub const UNKNOWN: Word = 0;

/// FNV-1a: the keys are short words from a closed list, so nothing is gained by a keyed hash.
#[derive(Clone, Default)]
pub struct Fnv(u64);
impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        let mut h = if self.0 == 0 { 0xcbf2_9ce4_8422_2325 } else { self.0 };
        for b in bytes {
            h = (h ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3);
        }
        self.0 = h;
    }
}
type Map<V> = HashMap<Box<str>, V, BuildHasherDefault<Fnv>>;

#[derive(Clone, Debug, Default)]
pub struct Vocabulary {
    /// What a spelling stands for: one word mostly, several for a contraction.
    spellings: Map<Vec<Word>>,
    words: Vec<WordInfo>,
    /// Spellings with one letter left out, of words recognised with one letter wrong.
    misspelt: Map<Vec<Box<str>>>,
}

#[derive(Clone, Debug, Default)]
pub struct WordInfo {
    pub text: String,
    /// Bit n: a member of set n.
    pub sets: u128,
    pub cal: Option<Cal>,
}

/// Shorter words have too many true neighbours at one letter's distance.
const SHORTEST_MISSPELT: usize = 6;
const LONGEST_MISSPELT: usize = 16;

impl Vocabulary {
    pub fn new() -> Vocabulary {
        Vocabulary { words: vec![WordInfo::default()], ..Vocabulary::default() }
    }

    /// The number of a folded word, made known if it is not.
    pub fn intern(&mut self, folded: &str) -> Word {
        if let Some(known) = self.spellings.get(folded)
            && let [one] = known[..]
        {
            return one;
        }
        let word = self.words.len() as Word;
        self.words.push(WordInfo { text: folded.to_owned(), ..WordInfo::default() });
        self.spellings.insert(folded.into(), vec![word]);
        word
    }
    pub fn spell(&mut self, spelling: &str, meaning: Vec<Word>) {
        self.spellings.insert(fold(spelling).into(), meaning);
    }
    pub fn allow_misspelling(&mut self, folded: &str) {
        for variant in without_one_letter(folded) {
            self.misspelt.entry(variant.into()).or_default().push(folded.into());
        }
        self.misspelt.entry(folded.into()).or_default().push(folded.into());
    }
    pub fn info(&self, word: Word) -> &WordInfo {
        &self.words[word as usize]
    }
    pub fn info_mut(&mut self, word: Word) -> &mut WordInfo {
        &mut self.words[word as usize]
    }
    pub fn len(&self) -> usize {
        self.words.len()
    }
    /// What a folded spelling stands for, exactly.
    pub fn exact(&self, folded: &str) -> Option<&[Word]> {
        self.spellings.get(folded).map(Vec::as_slice)
    }
    /// What a folded spelling stands for, allowing one wrong letter in the words that permit it.
    pub fn look_up(&self, folded: &str) -> Option<&[Word]> {
        self.exact(folded).or_else(|| self.near(folded))
    }

    fn near(&self, folded: &str) -> Option<&[Word]> {
        if !(SHORTEST_MISSPELT..=LONGEST_MISSPELT).contains(&folded.len()) || !folded.is_ascii() {
            return None;
        }
        let found = |key: &str| {
            let meant = self.misspelt.get(key)?.iter().find(|m| one_edit_apart(m.as_bytes(), folded.as_bytes()))?;
            self.exact(meant)
        };
        found(folded).or_else(|| {
            let mut shorter = String::with_capacity(folded.len());
            (1..folded.len()).find_map(|skip| {
                shorter.clear();
                shorter.push_str(&folded[..skip]);
                shorter.push_str(&folded[skip + 1..]);
                found(&shorter)
            })
        })
    }
}

fn without_one_letter(word: &str) -> impl Iterator<Item = String> {
    (1..word.len()).map(|skip| format!("{}{}", &word[..skip], &word[skip + 1..]))
}

/// Whether one letter added, left out, changed or two neighbours swapped turn `a` into `b`; the first letter must stand.
fn one_edit_apart(a: &[u8], b: &[u8]) -> bool {
    let same = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let (a, b) = (&a[same..], &b[same..]);
    if same == 0 {
        return false;
    }
    match (a.len(), b.len()) {
        (0, 0) => true,
        (n, m) if n == m + 1 => a[1..] == *b,
        (n, m) if m == n + 1 => b[1..] == *a,
        (n, m) if n == m => a[1..] == b[1..] || (n > 1 && a[0] == b[1] && a[1] == b[0] && a[2..] == b[2..]),
        _ => false,
    }
}

/// Lower case, plain letters, plain apostrophes.
pub fn fold(word: &str) -> String {
    let mut out = String::with_capacity(word.len());
    word.chars().for_each(|c| fold_char(c, &mut out));
    out
}

/// Appends the folded form of one character; a combining mark folds to nothing.
pub fn fold_char(c: char, out: &mut String) {
    match c {
        'a'..='z' | '0'..='9' => out.push(c),
        'A'..='Z' => out.push(c.to_ascii_lowercase()),
        '’' | 'ʼ' | '‘' | '`' | '´' => out.push('\''),
        '\u{300}'..='\u{36f}' => {}
        'à'..='å' | 'À'..='Å' | 'ā' | 'ă' | 'ą' => out.push('a'),
        'è'..='ë' | 'È'..='Ë' | 'ē' | 'ę' | 'ě' => out.push('e'),
        'ì'..='ï' | 'Ì'..='Ï' | 'ī' => out.push('i'),
        'ò'..='ö' | 'Ò'..='Ö' | 'ø' | 'ō' | 'ő' => out.push('o'),
        'ù'..='ü' | 'Ù'..='Ü' | 'ū' | 'ű' => out.push('u'),
        'ç' | 'Ç' | 'ć' | 'č' => out.push('c'),
        'ñ' | 'Ñ' | 'ń' => out.push('n'),
        'ß' => out.push_str("ss"),
        'œ' | 'Œ' => out.push_str("oe"),
        'æ' | 'Æ' => out.push_str("ae"),
        _ => out.extend(c.to_lowercase()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_letter_wrong_is_forgiven_where_allowed_and_the_first_must_stand() {
        let mut v = Vocabulary::new();
        let word = v.intern("interested");
        v.allow_misspelling("interested");
        for wrong in ["intersted", "intrested", "interestd", "interetsed", "interesxted", "imterested"] {
            assert_eq!(v.look_up(wrong), Some(&[word][..]), "{wrong}");
        }
        for other in ["xnterested", "inersted", "interest", "disinterested"] {
            assert_eq!(v.look_up(other), None, "{other}");
        }
    }

    #[test]
    fn folding_drops_case_accents_and_marks() {
        assert_eq!(fold("DON’T"), "don't");
        assert_eq!(fold("désabonner"), "desabonner");
        assert_eq!(fold("e\u{301}a"), "ea");
    }
}
