//! The lexicon: everything the reader knows, parsed from one TOML file that people maintain.
//!
//! Parsing checks all of it and reports every problem with its line; reading a text can then no longer fail.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use serde::Deserialize;

use super::almanac::{RawCalendar, learn_calendar};
use super::automaton::Automaton;
use super::calendar::Almanac;
use super::group::{Group, RawGroup};
use super::learned::Cues;
use super::pattern::{Part, Set, Sets, parse, plain};
use super::vocabulary::{Vocabulary, fold};
use crate::domain::memo::Memo;
use crate::domain::policy::suggest::{fault, line_at};

/// The words, phrases and calendar that texts are read by.
#[derive(Clone, Debug)]
pub struct Lexicon {
    pub(super) words: Vocabulary,
    pub(super) groups: Vec<Group>,
    pub(super) automaton: Automaton,
    pub(super) almanac: Almanac,
    pub(super) marks: Marks,
    pub(super) known: KnownSets,
    pub(super) cues: Arc<Cues>,
    /// The group that stands for what only the cues say.
    pub(super) likely: usize,
    /// How many words a negation reaches.
    pub(super) reach: u32,
    /// Texts that were found to say nothing, on whatever day.
    pub(super) empty: Memo<()>,
    hash: u64,
}

/// The marks by which quoted mail and signatures are known, folded.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Marks {
    pub wrote: Vec<String>,
    pub wrote_begins: Vec<String>,
    pub header_begins: Vec<String>,
    pub header_follows: Vec<String>,
    pub dividers: Vec<String>,
    pub closings: Vec<String>,
    pub thanks: Vec<String>,
    pub devices: Vec<String>,
    pub postscripts: Vec<String>,
}

/// Declares the sets that the code itself asks about; the lexicon must have each of them.
macro_rules! known_sets {
    ($($name:ident),* $(,)?) => {
        #[derive(Clone, Copy, Debug, Default)]
        pub(super) struct KnownSets { $(pub $name: u8),* }
        impl KnownSets {
            fn find(sets: &Sets, errors: &mut Vec<String>) -> KnownSets {
                let mut bit = |name: &str| sets.get(name).map_or_else(|| { errors.push(format!("sets: {name} is missing")); 0 }, |s| s.bit);
                KnownSets { $($name: bit(stringify!($name))),* }
            }
        }
    };
}
known_sets!(
    filler,
    greeting,
    thanks,
    thanks_tail,
    breaker,
    negator,
    condition,
    sureness,
    answer,
    pronoun,
    saying,
    stopword,
    start_word,
    returning,
    not_name,
    particle,
    after_time,
    around_date,
    currency
);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    spelling: BTreeMap<String, String>,
    real_words: Vec<String>,
    typos: Vec<String>,
    negation_reach: u32,
    sets: BTreeMap<String, Vec<String>>,
    marks: Marks,
    calendar: RawCalendar,
    phrases: Vec<RawGroup>,
}

impl Lexicon {
    /// The lexicon of `config/policy/words.toml`, compiled in.
    pub fn shipped() -> &'static Lexicon {
        static SHIPPED: OnceLock<Lexicon> = OnceLock::new();
        let text = include_str!("../../../config/policy/words.toml");
        SHIPPED.get_or_init(|| Lexicon::parse(text).unwrap_or_else(|e| unreachable!("shipped words.toml: {e:?}")))
    }

    /// Parses a lexicon.
    ///
    /// # Errors
    /// Every problem found, each with its place.
    pub fn parse(text: &str) -> Result<Lexicon, Vec<String>> {
        let raw: Raw = toml::from_str(text).map_err(|e| vec![fault(text, &e)])?;
        let mut errors = Vec::new();
        let mut words = Vocabulary::new();
        learn_spellings(&raw, &mut words);
        let sets = learn_sets(&raw.sets, &mut words, &mut errors);
        let known = KnownSets::find(&sets, &mut errors);
        let mut almanac = learn_calendar(&raw.calendar, &mut words, &mut errors);
        almanac.after_time = known.after_time;
        let mut groups = Vec::new();
        let mut phrases: Vec<(u16, Vec<Part>)> = Vec::new();
        for (n, group) in raw.phrases.iter().enumerate() {
            match group.check(&sets) {
                Ok(checked) => groups.push(checked),
                Err(why) => errors.push(format!(
                    "line {}: {}: {why}",
                    line_at(text, group.label.span().start),
                    group.label.as_ref()
                )),
            }
            for line in &group.lines {
                match parse(&mut words, &sets, line.as_ref()) {
                    Ok(parts) => phrases.push((n as u16, parts)),
                    Err(why) => {
                        errors.push(format!("line {}: {:?}: {why}", line_at(text, line.span().start), line.as_ref()))
                    }
                }
            }
        }
        for typo in &raw.typos {
            let folded = fold(typo);
            match words.exact(&folded) {
                Some(_) => words.allow_misspelling(&folded),
                None => errors.push(format!("typos: {typo:?} occurs in no phrase")),
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let automaton = Automaton::build(&words, phrases.iter().map(|(n, p)| (*n, p.as_slice())));
        let fold_all = |list: &[String]| list.iter().map(|s| fold(s)).collect();
        let m = &raw.marks;
        let marks = Marks {
            wrote: fold_all(&m.wrote),
            wrote_begins: fold_all(&m.wrote_begins),
            header_begins: fold_all(&m.header_begins),
            header_follows: fold_all(&m.header_follows),
            dividers: fold_all(&m.dividers),
            closings: fold_all(&m.closings),
            thanks: fold_all(&m.thanks),
            devices: fold_all(&m.devices),
            postscripts: fold_all(&m.postscripts),
        };
        groups.push(Group::of_cues());
        Ok(Lexicon {
            words,
            groups,
            automaton,
            almanac,
            marks,
            known,
            cues: Cues::shipped(),
            likely: raw.phrases.len(),
            reach: raw.negation_reach,
            empty: Memo::new(),
            hash: content_hash(text),
        })
    }

    /// With the weights of a `cues.tsv`.
    ///
    /// # Errors
    /// Every line of it that is wrong, with its number.
    pub fn with_cues(mut self, text: &str) -> Result<Lexicon, Vec<String>> {
        self.cues = Cues::parse_shared(text)?;
        Ok(self)
    }

    /// Without them: phrases alone.
    #[must_use]
    pub fn without_cues(mut self) -> Lexicon {
        self.cues = Arc::new(self.cues.silent());
        self
    }

    /// A hash of its content: two lexicons that read alike but for comments and blank lines have the same.
    pub fn hash(&self) -> u64 {
        self.hash ^ self.cues.hash.rotate_left(1)
    }
}

/// FNV-1a over the lines that are no comment; stable across builds and machines.
pub(super) fn content_hash(text: &str) -> u64 {
    let lines = text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#'));
    let byte = |h: u64, b: u8| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3);
    lines.fold(0xcbf2_9ce4_8422_2325, |h, l| byte(l.bytes().fold(h, byte), b'\n'))
}

fn learn_spellings(raw: &Raw, words: &mut Vocabulary) {
    let mut learn = |spelling: &str, meaning: &str| {
        let meaning = meaning.split_whitespace().map(|w| words.intern(&fold(w))).collect();
        words.spell(spelling, meaning);
    };
    for (spelling, meaning) in &raw.spelling {
        learn(spelling, meaning);
        let bare = fold(spelling).replace('\'', "");
        if !raw.spelling.contains_key(&bare) && !raw.real_words.contains(&bare) {
            learn(&bare, meaning);
        }
    }
}

fn learn_sets(raw: &BTreeMap<String, Vec<String>>, words: &mut Vocabulary, errors: &mut Vec<String>) -> Sets {
    let mut sets = Sets::new();
    if raw.len() > 128 {
        errors.push("sets: there can be at most 128".to_owned());
        return sets;
    }
    for (bit, (name, _)) in raw.iter().enumerate() {
        let mut members = Vec::new();
        spread(raw, name, 0, &mut members, errors);
        let mut set = Set { bit: bit as u8, phrases: Vec::new() };
        for member in members {
            match plain(words, member)[..] {
                [] => errors.push(format!("sets.{name}: an empty entry")),
                [one] => words.info_mut(one).sets |= 1 << bit,
                ref many => set.phrases.push(many.to_vec()),
            }
        }
        sets.insert(name.clone(), set);
    }
    sets
}

/// The members of a set, those of the sets it names included.
fn spread<'a>(
    raw: &'a BTreeMap<String, Vec<String>>,
    name: &str,
    depth: u8,
    out: &mut Vec<&'a str>,
    errors: &mut Vec<String>,
) {
    let Some(entries) = raw.get(name).filter(|_| depth < 5) else {
        errors.push(format!("sets: {{{name}}} is missing or contains itself"));
        return;
    };
    for entry in entries {
        match entry.strip_prefix('{').and_then(|e| e.strip_suffix('}')) {
            Some(inner) => spread(raw, inner, depth + 1, out, errors),
            None if entry.contains(['{', '}']) => {
                errors.push(format!("sets.{name}: {entry:?} has a brace without its other half; a set is {{name}}"));
            }
            None => out.push(entry),
        }
    }
}
