//! All phrases at once: one automaton over words, run once over a text.
//!
//! States that are reached the same way are shared. Here it is built; `scan` runs it.

use super::pattern::{Atom, Part, Slot};
use super::token::Break;
use super::vocabulary::{Vocabulary, Word};

#[derive(Clone, Debug, Default)]
pub struct State {
    pub words: Vec<(Word, u32)>,
    pub sets: Vec<(u8, u32)>,
    pub slots: Vec<(Slot, u32)>,
    /// (most words skipped, state reached without a word)
    pub gaps: Vec<(u8, u32)>,
    /// (group, the break that must follow, fillers aside)
    pub accepts: Vec<(u16, Break)>,
    /// Reached in more than one way, or part of a phrase with options: never shared with another phrase.
    own: bool,
}

#[derive(Clone, Debug)]
pub struct Automaton {
    pub states: Vec<State>,
    /// For each word, the states it leads to from the root, and from the root at the start of a sentence.
    pub first: Vec<Vec<u32>>,
    pub first_at_start: Vec<Vec<u32>>,
}

pub const ROOT: u32 = 0;
pub const START: u32 = 1;

impl Automaton {
    pub fn build<'a>(words: &Vocabulary, phrases: impl Iterator<Item = (u16, &'a [Part])>) -> Automaton {
        let mut a = Automaton { states: vec![State::default(); 2], first: Vec::new(), first_at_start: Vec::new() };
        for (group, parts) in phrases {
            a.add(group, parts);
        }
        for state in &mut a.states {
            state.words.sort_unstable();
        }
        let leading = |root: u32, word: Word| {
            let state = &a.states[root as usize];
            let sets = words.info(word).sets;
            let by_word = state.words.iter().filter(|(w, _)| *w == word).map(|(_, to)| *to);
            by_word.chain(state.sets.iter().filter(|(s, _)| sets >> s & 1 == 1).map(|(_, to)| *to)).collect()
        };
        let first = (0..words.len()).map(|w| leading(ROOT, w as Word)).collect();
        let first_at_start = (0..words.len()).map(|w| leading(START, w as Word)).collect();
        Automaton { first, first_at_start, ..a }
    }

    fn add(&mut self, group: u16, parts: &[Part]) {
        let mut frontier = vec![if parts.first() == Some(&Part::Start) { START } else { ROOT }];
        // A gap at the end adds nothing.
        let parts = &parts[..parts.iter().rposition(|p| !matches!(p, Part::Gap(_))).map_or(0, |last| last + 1)];
        for part in parts {
            match part {
                Part::Start | Part::End | Part::ClauseEnd => {}
                Part::Gap(n) => {
                    let to = self.fresh();
                    frontier.iter().for_each(|f| self.states[*f as usize].gaps.push((*n, to)));
                    frontier = vec![to];
                }
                Part::OneOf { choices, optional } => {
                    let mut next = if *optional { frontier.clone() } else { Vec::new() };
                    next.extend(choices.iter().map(|choice| self.walk(&frontier, choice)));
                    next.sort_unstable();
                    next.dedup();
                    frontier = next;
                }
            }
        }
        let end = match parts.last() {
            Some(Part::End) => Break::Hard,
            Some(Part::ClauseEnd) => Break::Soft,
            _ => Break::None,
        };
        frontier.iter().for_each(|f| self.states[*f as usize].accepts.push((group, end)));
    }

    fn fresh(&mut self) -> u32 {
        self.states.push(State { own: true, ..State::default() });
        self.states.len() as u32 - 1
    }

    fn walk(&mut self, frontier: &[u32], choice: &[Atom]) -> u32 {
        let mut from = frontier.to_vec();
        for atom in choice {
            let shared = match from[..] {
                [one] if !matches!(atom, Atom::Gap(_)) => {
                    self.states[one as usize].edge(*atom).filter(|to| !self.states[*to as usize].own)
                }
                _ => None,
            };
            let to = shared.unwrap_or_else(|| {
                let to = self.fresh();
                self.states[to as usize].own = from.len() > 1;
                for f in &from {
                    let state = &mut self.states[*f as usize];
                    match *atom {
                        Atom::Gap(n) => state.gaps.push((n, to)),
                        Atom::Word(w) => state.words.push((w, to)),
                        Atom::Set(s) => state.sets.push((s, to)),
                        Atom::Slot(s) => state.slots.push((s, to)),
                    }
                }
                to
            });
            from = vec![to];
        }
        from[0]
    }
}

impl State {
    fn edge(&self, atom: Atom) -> Option<u32> {
        match atom {
            Atom::Word(w) => self.words.iter().find(|(x, _)| *x == w).map(|(_, to)| *to),
            Atom::Set(s) => self.sets.iter().find(|(x, _)| *x == s).map(|(_, to)| *to),
            Atom::Slot(s) => self.slots.iter().find(|(x, _)| *x == s).map(|(_, to)| *to),
            Atom::Gap(_) => None,
        }
    }
}
