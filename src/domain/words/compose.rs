//! From phrases that count to findings: dates, times and people are attached, labels weighed against each other.
//!
//! Here stands what a combination means: a call asked for in half a year is timing, an automatic reply says nothing of
//! interest, a soft no before a clear one is no yes.

use super::calendar::{Plain, Present};
use super::clock::TimeRef;
use super::dates::{DateRef, Grain};
use super::finding::{Finding, Label, Medium, OptOutScope, Person};
use super::group::Needs;
use super::judge::{Judge, Said};
use super::person;

/// Longer quotes are cut: a finding cites its words, not the letter.
const QUOTE_CHARS: usize = 160;
/// More people than this are not suggested from one text.
const MOST_PEOPLE: usize = 3;
pub struct Composer<'a> {
    pub judge: &'a Judge<'a>,
    pub dates: &'a [DateRef],
    pub times: &'a [TimeRef],
    pub present: Present,
}

impl Composer<'_> {
    pub fn compose(&self, said: Vec<Said>, auto: bool) -> Vec<Finding> {
        let labels = said.iter().fold(0, |all, s| all | s.label.bit());
        let sure = said.iter().any(|s| s.label == Label::AutoReply && s.certain);
        // "I'm away until Monday" is a program's word only where no person speaks besides.
        let human = Label::Interest.bit() | Label::Disinterest.bit() | Label::OptOut.bit() | Label::Callback.bit();
        let away = |t: &Said| said.iter().any(|a| a.label == Label::AutoReply && a.from < t.to && t.from < a.to);
        let waits = said.iter().any(|s| matches!(s.label, Label::Timing | Label::Vague) && !away(s));
        let likely =
            labels & Label::AutoReply.bit() != 0 && labels & human == 0 && !waits && self.judge.medium == Medium::Email;
        let mut out = if auto || sure || likely { self.automatic(&said) } else { self.written(&said) };
        out.sort_by_key(|f| (f.start, f.label));
        out
    }

    fn automatic(&self, said: &[Said]) -> Vec<Finding> {
        let n = self.judge.tokens.len();
        let first = said.iter().find(|s| s.label == Label::AutoReply);
        let (from, to) = first.map_or((0, self.judge.sentence(0).end.min(n)), |s| (s.from, s.to));
        let mut auto = self.finding(Label::AutoReply, from, to, true);
        auto.date = self.returning();
        let mut out = vec![auto];
        if let Some(gone) = said.iter().find(|s| s.label == Label::WrongPerson) {
            out.push(self.finding(Label::WrongPerson, gone.from, gone.to, gone.certain));
            out.extend(self.referrals(said));
        }
        out
    }

    /// The day somebody is back: what is said of returning, else what an absence lasts until.
    fn returning(&self) -> Option<i32> {
        let known = &self.judge.lexicon.known;
        let strong = || self.dates.iter().filter(|d| !d.weak && !d.current);
        let announced = |d: &&DateRef| (d.from.saturating_sub(4)..d.from).any(|i| self.judge.has(i, known.returning));
        let lasts = |d: &&DateRef| matches!(d.relation, Some(Plain::Until | Plain::Through | Plain::After));
        let spans = |d: &&DateRef| d.relation == Some(Plain::From) || d.to - d.from >= 4;
        strong().find(announced).or_else(|| strong().find(lasts)).or_else(|| strong().find(spans)).map(|d| d.day)
    }

    fn written(&self, said: &[Said]) -> Vec<Finding> {
        let said: Vec<Said> = said.iter().copied().filter(|s| self.complete(s)).collect();
        // What is only likely gives way first: it must not take along the certain words that it gives way to.
        let without_moot = |said: Vec<Said>, certain: bool| -> Vec<Said> {
            let labels = said.iter().fold(0, |all, s| all | s.label.bit());
            let moot = |s: &Said| self.judge.lexicon.groups[s.group].unless & labels & !s.label.bit() != 0;
            said.into_iter().filter(|s| s.certain != certain || !moot(s)).collect()
        };
        let said = without_moot(without_moot(said, false), true);
        let clear_no = said.iter().any(|s| s.label == Label::Disinterest && s.certain);
        let mut best: Vec<Finding> = Vec::new();
        for s in &said {
            let group = &self.judge.lexicon.groups[s.group];
            let hollow = s.label == Label::AutoReply
                || s.label == Label::Referral
                || s.label == Label::Interest && !s.certain && clear_no;
            if hollow {
                continue;
            }
            let date = self.date_for(s, s.label != Label::Interest);
            let time = self.time_for(s);
            if group.dated
                && let Some(d) = date.filter(|d| !d.weak && d.day > self.present.day)
            {
                keep(&mut best, self.dated(Label::Timing, s, Some(d)));
            }
            keep(&mut best, self.one(s, date, time));
        }
        self.bare_dates(&said, &mut best);
        // "No money for 2026. Maybe in 2027": a day says more than a maybe.
        if best.iter().any(|f| f.label == Label::Timing) {
            best.retain(|f| f.label != Label::Vague || f.certain);
        }
        best.extend(self.referrals(&said));
        best
    }

    /// Whether a phrase that needs a date or time has one.
    fn complete(&self, s: &Said) -> bool {
        match self.judge.lexicon.groups[s.group].needs {
            Needs::Nothing => true,
            Needs::Date => self.date_for(s, false).is_some(),
            Needs::FarDate => self.date_for(s, false).is_some_and(|d| self.is_far(d)),
            Needs::Time => self.time_for(s).is_some(),
            Needs::DateOrTime => self.date_for(s, false).is_some() || self.time_for(s).is_some(),
            Needs::DayOrTime => {
                self.date_for(s, false).is_some_and(|d| d.grain == Grain::Day) || self.time_for(s).is_some()
            }
        }
    }

    pub(super) fn one(&self, s: &Said, date: Option<&DateRef>, time: Option<&TimeRef>) -> Finding {
        match s.label {
            Label::Callback | Label::Timing => self.contact_again(s, date, time),
            Label::OptOut => {
                let mut f = self.finding(s.label, s.from, s.to, s.certain);
                f.scope = Some(self.scope(s));
                f
            }
            _ => self.finding(s.label, s.from, s.to, s.certain),
        }
    }

    pub(super) fn dated(&self, label: Label, s: &Said, date: Option<&DateRef>) -> Finding {
        let mut f = self.finding(label, s.from, s.to, s.certain);
        if let Some(d) = date {
            f.date = Some(d.day);
            self.stretch(&mut f, d.from, d.to);
        }
        f
    }

    fn referrals(&self, said: &[Said]) -> Vec<Finding> {
        let j = self.judge;
        let mut out: Vec<Finding> = Vec::new();
        for s in said.iter().filter(|s| s.label == Label::Referral).take(2 * MOST_PEOPLE) {
            let person = person::near(j.lexicon, j.text, j.tokens, s.from, j.tokens[s.from].sentence + 1);
            let known = |p: &Person| out.iter().any(|f| f.person.as_ref() == Some(p));
            if person.as_ref().is_some_and(known) || person.is_none() && !out.is_empty() || out.len() >= MOST_PEOPLE {
                continue;
            }
            let mut f = self.finding(Label::Referral, s.from, s.to, s.certain && person.is_some());
            f.person = person;
            out.push(f);
        }
        if out.iter().any(|f| f.person.is_some()) {
            out.retain(|f| f.person.is_some());
        }
        out
    }

    fn scope(&self, s: &Said) -> OptOutScope {
        match (self.judge.lexicon.groups[s.group].scope, self.judge.medium) {
            _ if !s.certain => OptOutScope::Channel,
            (Some(scope), _) => scope,
            (None, Medium::Sms | Medium::CallNote) => OptOutScope::CallAndSms,
            (None, Medium::Email) => OptOutScope::Email,
            (None, _) => OptOutScope::Channel,
        }
    }

    pub(super) fn finding(&self, label: Label, from: usize, to: usize, certain: bool) -> Finding {
        let tokens = &self.judge.tokens[from..to.max(from + 1).min(self.judge.tokens.len())];
        let start = tokens.first().map_or(0, |t| t.start);
        let end = tokens.iter().map(|t| t.end).max().unwrap_or(start);
        let mut f = Finding {
            label,
            start,
            end,
            quote: String::new(),
            date: None,
            at: None,
            person: None,
            certain,
            scope: None,
        };
        self.quote(&mut f);
        f
    }

    /// Widens a finding to its date or time, if that stands close enough to be quoted with it.
    pub(super) fn stretch(&self, f: &mut Finding, from: usize, to: usize) {
        let t = &self.judge.tokens;
        let (start, end) = (f.start.min(t[from].start), f.end.max(t[to - 1].end));
        if end - start <= QUOTE_CHARS as u32 {
            (f.start, f.end) = (start, end);
            self.quote(f);
        }
    }

    fn quote(&self, f: &mut Finding) {
        f.quote = self.judge.text[f.start as usize..f.end as usize].chars().take(QUOTE_CHARS).collect();
    }
}

/// Keeps the better finding of a label: certain before likely, dated before undated, wide before narrow, early before late.
fn keep(best: &mut Vec<Finding>, new: Finding) {
    let rank = |f: &Finding| (f.certain, f.at.is_some(), f.date.is_some(), std::cmp::Reverse(f.scope));
    match best.iter_mut().find(|f| f.label == new.label) {
        Some(old) if rank(&new) > rank(old) => *old = new,
        Some(_) => {}
        None => best.push(new),
    }
}
