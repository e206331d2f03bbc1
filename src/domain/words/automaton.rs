//! All phrases at once: one automaton over words, run once over a text.
//!
//! States that are reached the same way are shared. The work for one word is bounded by the automaton, never by the
//! text: no phrase repeats, a gap is at most nine words, and [`MOST_THREADS`] caps what may be under way at once.

use super::pattern::{Atom, Part, Slot};
use super::token::{Break, Token};
use super::vocabulary::{Vocabulary, Word};

/// More phrases than this are never under way at once in a real text; the cap only bounds hostile ones.
const MOST_THREADS: usize = 512;

#[derive(Clone, Debug, Default)]
struct State {
    words: Vec<(Word, u32)>,
    sets: Vec<(u8, u32)>,
    slots: Vec<(Slot, u32)>,
    /// (most words skipped, state reached without a word)
    gaps: Vec<(u8, u32)>,
    /// (group, the break that must follow, fillers aside)
    accepts: Vec<(u16, Break)>,
    /// Reached in more than one way, or part of a phrase with options: never shared with another phrase.
    own: bool,
}

#[derive(Clone, Debug)]
pub struct Automaton {
    states: Vec<State>,
    /// For each word, the states it leads to from the root, and from the root at the start of a sentence.
    first: Vec<Vec<u32>>,
    first_at_start: Vec<Vec<u32>>,
}

/// A phrase found: tokens `from..to` belong to `group`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    pub group: u16,
    pub from: u32,
    pub to: u32,
    /// Words were skipped inside: what else was found there still counts.
    pub gappy: bool,
}

#[derive(Clone, Copy)]
struct Thread {
    state: u32,
    from: u32,
    /// The token it waits for.
    at: u32,
    left: u8,
    gappy: bool,
}

/// What the text at hand offers besides its words.
pub struct View<'a> {
    pub tokens: &'a [Token],
    pub words: &'a Vocabulary,
    /// Words that change nothing at the ends of a sentence, as a set bit.
    pub filler: u8,
    /// Words that a gap does not skip, as a set bit.
    pub breaker: u8,
    /// One past the last token of the thing recognised at a token, if there is one.
    pub slot: &'a dyn Fn(Slot, usize) -> Option<usize>,
}

const ROOT: u32 = 0;
const START: u32 = 1;

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
                [one] if !matches!(atom, Atom::Gap(_)) => self.states[one as usize].edge(*atom).filter(|to| !self.states[*to as usize].own),
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

    /// Every phrase in the text, and how many steps it took to find them.
    pub fn scan(&self, view: &View) -> (Vec<Hit>, usize) {
        let mut run = Run { a: self, view, next: Vec::new(), hits: Vec::new(), steps: 0 };
        let mut active: Vec<Thread> = Vec::new();
        let mut at_start = true;
        for (i, token) in view.tokens.iter().enumerate() {
            let info = view.words.info(token.word);
            if token.before == Break::Hard {
                active.clear();
                at_start = true;
            }
            run.next.clear();
            for thread in &active {
                if thread.at as usize > i {
                    run.next.push(*thread);
                    continue;
                }
                run.follow(thread, i, token, info.sets);
                if thread.left > 0 && info.sets >> view.breaker & 1 == 0 {
                    run.next.push(Thread { at: i as u32 + 1, left: thread.left - 1, gappy: true, ..*thread });
                }
            }
            run.begin(&self.first[token.word as usize], ROOT, i);
            if at_start {
                run.begin(&self.first_at_start[token.word as usize], START, i);
            }
            at_start &= info.sets >> view.filler & 1 == 1;
            std::mem::swap(&mut active, &mut run.next);
        }
        (run.hits, run.steps)
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

struct Run<'a> {
    a: &'a Automaton,
    view: &'a View<'a>,
    next: Vec<Thread>,
    hits: Vec<Hit>,
    steps: usize,
}

impl Run<'_> {
    fn begin(&mut self, targets: &[u32], root: u32, i: usize) {
        let fresh = Thread { state: root, from: i as u32, at: i as u32, left: 0, gappy: false };
        for to in targets {
            self.arrive(*to, &fresh, i + 1);
        }
        for (slot, to) in &self.a.states[root as usize].slots {
            if let Some(end) = (self.view.slot)(*slot, i) {
                self.arrive(*to, &fresh, end);
            }
        }
    }

    fn follow(&mut self, thread: &Thread, i: usize, token: &Token, sets: u128) {
        let state = &self.a.states[thread.state as usize];
        self.steps += 1 + state.sets.len() + state.slots.len();
        let from = state.words.partition_point(|(w, _)| *w < token.word);
        for (_, to) in state.words[from..].iter().take_while(|(w, _)| *w == token.word) {
            self.arrive(*to, thread, i + 1);
        }
        for (_, to) in state.sets.iter().filter(|(s, _)| sets >> s & 1 == 1) {
            self.arrive(*to, thread, i + 1);
        }
        for (slot, to) in &state.slots {
            if let Some(end) = (self.view.slot)(*slot, i) {
                self.arrive(*to, thread, end);
            }
        }
    }

    /// The thread has come to `state`, and token `at` is the next it would look at.
    fn arrive(&mut self, state: u32, thread: &Thread, at: usize) {
        self.steps += 1;
        let s = &self.a.states[state as usize];
        for (group, end) in &s.accepts {
            if *end == Break::None || self.over(at, *end) {
                self.hits.push(Hit { group: *group, from: thread.from, to: at as u32, gappy: thread.gappy });
            }
        }
        if self.next.len() + s.gaps.len() >= MOST_THREADS {
            return;
        }
        if !(s.words.is_empty() && s.sets.is_empty() && s.slots.is_empty()) {
            self.next.push(Thread { state, at: at as u32, left: 0, ..*thread });
        }
        for (left, to) in &s.gaps {
            self.next.push(Thread { state: *to, from: thread.from, at: at as u32, left: *left, gappy: thread.gappy });
        }
    }

    /// Whether nothing but fillers is left of the sentence or clause from token `at` on.
    fn over(&mut self, at: usize, end: Break) -> bool {
        for token in self.view.tokens[at..].iter().take(4) {
            self.steps += 1;
            if token.before >= end {
                return true;
            }
            if self.view.words.info(token.word).sets >> self.view.filler & 1 == 0 {
                return false;
            }
        }
        self.view.tokens.len() <= at + 4
    }
}
