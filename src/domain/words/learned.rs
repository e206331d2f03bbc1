//! The learned part: how much each cue speaks for each label, read from `cues.tsv`, and the sum over a text.
//!
//! A linear model: the weights of the cues in a text are added up and held against a bar. What follows from a label
//! found this way is decided in `join`; where the file comes from, in `examples/learn_words`.

use std::sync::{Arc, OnceLock};

use rustc_hash::FxHashMap;

use super::cues;
use super::finding::{Label, Medium};
use super::lexicon::{Lexicon, content_hash};
use super::token::Token;

pub const LABELS: usize = Label::ALL.len();

/// Nothing is learned from what stands further on; a longer text is read by its phrases alone.
const MOST_WORDS: usize = 1500;

/// As much as a few words: what is said in fewer speaks less loudly for anything.
pub const THIN: f32 = 15.0;

/// Weights are written as whole tenths: finer ones read no text better.
pub const UNIT: f32 = 10.0;

type Map<V> = FxHashMap<Box<str>, V>;

/// Which words are akin: a wide kind, used in pairs, and a narrow one.
#[derive(Clone, Debug, Default)]
pub struct Kinds {
    of: Map<(u32, u32)>,
    names: Vec<String>,
}

impl Kinds {
    /// The names of the wide and the narrow kind of a word.
    pub fn get(&self, word: &str) -> Option<(&str, &str)> {
        self.of
            .get(word)
            .map(|(wide, narrow)| (self.names[*wide as usize].as_str(), self.names[*narrow as usize].as_str()))
    }
}

/// The sums that a label needs: where no phrase says it, where one says it likely, where one says it clearly.
pub type Bars = [f32; 3];

#[derive(Clone, Debug, Default)]
pub struct Cues {
    pub(super) kinds: Kinds,
    /// How much a cue counts, and its weights as a range of `weights`.
    cues: Map<(f32, u32, u32)>,
    weights: Vec<(u8, i8)>,
    pub(super) bars: [Bars; LABELS],
    pub(super) hash: u64,
}

/// What the cues of one text come to.
pub struct Sums {
    pub total: [f32; LABELS],
    /// Each cue found: its sentence, how much it counts, its weights.
    found: Vec<(u32, f32, u32, u32)>,
}

impl Sums {
    /// The sentence that speaks most for a label.
    pub fn sentence(&self, cues: &Cues, label: Label) -> u32 {
        let mut best = (f32::MIN, 0);
        let mut at = 0;
        while at < self.found.len() {
            let n = self.found[at].0;
            let end = at + self.found[at..].partition_point(|f| f.0 == n);
            let of_label = |f: &(u32, f32, u32, u32)| {
                let weights = &cues.weights[f.2 as usize..f.3 as usize];
                weights.iter().find(|w| w.0 == label as u8).map_or(0.0, |w| f32::from(w.1) * f.1)
            };
            let sum: f32 = self.found[at..end].iter().map(of_label).sum();
            if sum > best.0 {
                best = (sum, n);
            }
            at = end;
        }
        best.1
    }
}

impl Cues {
    /// Those of `config/policy/cues.tsv`, compiled in.
    pub fn shipped() -> Arc<Cues> {
        static SHIPPED: OnceLock<Arc<Cues>> = OnceLock::new();
        let parse = || Cues::parse(SHIPPED_TEXT).unwrap_or_else(|e| unreachable!("shipped cues.tsv: {e:?}"));
        SHIPPED.get_or_init(|| Arc::new(parse())).clone()
    }

    /// With the kinds of words alone: adds nothing and takes nothing back.
    pub fn silent(&self) -> Cues {
        Cues { kinds: self.kinds.clone(), bars: [[f32::MAX, f32::MIN, f32::MIN]; LABELS], ..Cues::default() }
    }

    /// # Errors
    /// Every line that is none of a cue file, with its number and what was expected.
    pub fn parse_shared(text: &str) -> Result<Arc<Cues>, Vec<String>> {
        if text == SHIPPED_TEXT { Ok(Cues::shipped()) } else { Cues::parse(text).map(Arc::new) }
    }

    fn parse(text: &str) -> Result<Cues, Vec<String>> {
        let mut all = Cues { hash: content_hash(text), ..Cues::default() };
        let mut letters = Vec::new();
        let mut errors = Vec::new();
        for (n, line) in text.lines().enumerate().filter(|(_, l)| !l.is_empty() && !l.starts_with('#')) {
            if let Err(why) = all.line(line, &mut letters) {
                errors.push(format!("line {}: {why}", n + 1));
            }
        }
        for label in Label::ALL.iter().filter(|l| !letters.contains(*l)) {
            errors.push(format!("there is no \"bar\" line for {}", label.name()));
        }
        if errors.is_empty() { Ok(all) } else { Err(errors) }
    }

    fn line(&mut self, line: &str, letters: &mut Vec<Label>) -> Result<(), String> {
        let fields: Vec<&str> = line.split('\t').collect();
        match fields[..] {
            ["bar", name, none, likely, clear] => {
                let label = Label::from_name(name).ok_or_else(|| format!("{name:?} is no label"))?;
                for (at, text) in [none, likely, clear].into_iter().enumerate() {
                    self.bars[label as usize][at] = match text {
                        "always" => f32::MIN,
                        "never" => f32::MAX,
                        _ => number(text)?,
                    };
                }
                letters.push(label);
                Ok(())
            }
            ["wide" | "narrow", words] => {
                let narrow = fields[0] == "narrow";
                let first = words.split(' ').next().unwrap_or_default();
                self.kinds.names.push(format!("{}{first}", if narrow { "=" } else { "~" }));
                let kind = self.kinds.names.len() as u32 - 1;
                for word in words.split(' ') {
                    let pair = self.kinds.of.entry(word.into()).or_insert((kind, kind));
                    *(if narrow { &mut pair.1 } else { &mut pair.0 }) = kind;
                }
                Ok(())
            }
            ["cue", cue, scale, weights] => {
                let from = self.weights.len() as u32;
                let bad = || {
                    format!(
                        "{weights:?} are no weights; write the letter of each label and tenths, like a12, or a capital to take away"
                    )
                };
                let mut rest = weights;
                while let Some(letter) = rest.bytes().next() {
                    if !letter.is_ascii_alphabetic() {
                        return Err(bad());
                    }
                    let digits = rest[1..].bytes().take_while(u8::is_ascii_digit).count();
                    let label = letter.to_ascii_lowercase().wrapping_sub(b'a');
                    let value: i8 = rest[1..=digits].parse().map_err(|_| bad())?;
                    if usize::from(label) >= LABELS {
                        return Err(bad());
                    }
                    self.weights.push((label, if letter.is_ascii_uppercase() { -value } else { value }));
                    rest = &rest[1 + digits..];
                }
                self.cues.insert(cue.into(), (number(scale)?, from, self.weights.len() as u32));
                Ok(())
            }
            _ => Err(format!(
                "expected \"bar\", \"wide\", \"narrow\" or \"cue\" and what belongs to it, parted by tabs, not {:?}",
                line.chars().take(40).collect::<String>()
            )),
        }
    }

    /// Adds up what the cues of a text say.
    pub fn sum(&self, lexicon: &Lexicon, medium: Medium, text: &str, tokens: &[Token]) -> Sums {
        let tokens = &tokens[..tokens.len().min(MOST_WORDS)];
        let mut found: Vec<(u32, f32, u32, u32)> = Vec::with_capacity(tokens.len() * 4);
        cues::each(lexicon, &self.kinds, medium, text, tokens, &mut |cue, sentence| {
            if let Some((scale, from, to)) = self.cues.get(cue) {
                found.push((sentence, *scale, *from, *to));
            }
        });
        // Said twice is said once, in the whole as in a sentence.
        found.sort_unstable_by_key(|f| (f.2, f.0));
        let mut total = [0.0; LABELS];
        let (mut length, mut last) = (0.0, u32::MAX);
        for (_, scale, from, to) in &found {
            if *from == last {
                continue;
            }
            last = *from;
            length += scale * scale;
            for (label, weight) in &self.weights[*from as usize..*to as usize] {
                total[usize::from(*label)] += f32::from(*weight) * scale;
            }
        }
        let length = f32::sqrt(length + THIN * THIN) * UNIT;
        total.iter_mut().for_each(|t| *t /= length);
        found.dedup_by_key(|f| (f.2, f.0));
        found.sort_unstable_by_key(|f| (f.0, f.2));
        Sums { total, found }
    }
}

fn number(text: &str) -> Result<f32, String> {
    text.parse().ok().filter(|n: &f32| n.is_finite()).ok_or_else(|| format!("{text:?} is no number"))
}

const SHIPPED_TEXT: &str = include_str!("../../../config/policy/cues.tsv");
