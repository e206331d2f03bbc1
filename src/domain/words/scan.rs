//! Runs the automaton over a text.
//!
//! The work for one word is bounded by the automaton, never by the text: no phrase repeats, a gap is at most nine words,
//! and [`MOST_THREADS`] caps what may be under way at once.

use super::automaton::{Automaton, ROOT, START};
use super::pattern::Slot;
use super::token::{Break, Token};
use super::vocabulary::Vocabulary;

/// More phrases than this are never under way at once in a real text; the cap only bounds hostile ones.
const MOST_THREADS: usize = 512;

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
    /// In a gap that has skipped a word: the phrase goes on within this clause or not at all.
    skipping: bool,
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

impl Automaton {
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
                if thread.skipping && token.before != Break::None {
                    continue;
                }
                run.follow(thread, i, token, info.sets);
                // A gap skips neither a word that begins a clause nor a comma.
                if thread.left > 0 && info.sets >> view.breaker & 1 == 0 && token.before == Break::None {
                    run.wait(&Thread { left: thread.left - 1, gappy: true, skipping: true, ..*thread }, i + 1);
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

struct Run<'a> {
    a: &'a Automaton,
    view: &'a View<'a>,
    next: Vec<Thread>,
    hits: Vec<Hit>,
    steps: usize,
}

impl Run<'_> {
    fn begin(&mut self, targets: &[u32], root: u32, i: usize) {
        let fresh = Thread { state: root, from: i as u32, at: i as u32, left: 0, gappy: false, skipping: false };
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
        self.accept(state, thread, at);
        if self.next.len() + s.gaps.len() >= MOST_THREADS {
            return;
        }
        if !(s.words.is_empty() && s.sets.is_empty() && s.slots.is_empty()) {
            self.next.push(Thread { state, at: at as u32, left: 0, skipping: false, ..*thread });
        }
        for (left, to) in &s.gaps {
            self.wait(&Thread { state: *to, left: *left, skipping: false, ..*thread }, at);
        }
    }

    /// Notes the phrases that are complete in `state` with token `at` as the next.
    fn accept(&mut self, state: u32, thread: &Thread, at: usize) {
        for (group, end) in &self.a.states[state as usize].accepts {
            if *end == Break::None || self.over(at, *end) {
                self.hits.push(Hit { group: *group, from: thread.from, to: at as u32, gappy: thread.gappy });
            }
        }
    }

    /// The thread is in a gap; where a gap follows a gap without a word between them it is in both.
    fn wait(&mut self, thread: &Thread, at: usize) {
        self.steps += 1;
        self.accept(thread.state, thread, at);
        if self.next.len() < MOST_THREADS {
            self.next.push(Thread { at: at as u32, ..*thread });
            for (left, to) in &self.a.states[thread.state as usize].gaps {
                self.wait(&Thread { state: *to, left: *left, ..*thread }, at);
            }
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
