//! Which day and hour a phrase is about, and whether that makes it a callback or a matter of timing.
//!
//! The other half of [`Composer`]: dates and times of the same sentence come before those of the next.

use super::calendar::Plain;
use super::clock::{TimeRef, When};
use super::compose::Composer;
use super::dates::{DateRef, Grain};
use super::finding::{Finding, Label};
use super::judge::Said;
use super::token::Break;
use crate::domain::event::WhenLocal;
use crate::domain::time::date_of_day;

/// How far from a phrase a date of its sentence is looked for.
const NEAR_DATES: usize = 6;

/// "Check back Monday" is an appointment, "check back on 1 September" a date to remember.
const NEAR_DAYS: i32 = 14;

/// "After the 15th" names no day, only when the wait is over; within a week it is as good as one.
const A_WEEK: i32 = 7;

impl Composer<'_> {
    pub(super) fn is_far(&self, date: &DateRef) -> bool {
        date.grain == Grain::Long || date.day - self.present.day > NEAR_DAYS
    }

    /// A named day or hour is a callback; a month, a quarter, half a year is timing, whatever word was used for it.
    pub(super) fn contact_again(&self, s: &Said, date: Option<&DateRef>, time: Option<&TimeRef>) -> Finding {
        let far = date.is_some_and(|d| d.grain == Grain::Long);
        // "Try again after 15 April" names no day, only when the wait is over.
        let later = date.is_some_and(|d| d.relation == Some(Plain::After) && d.day - self.present.day > A_WEEK);
        let near = date.is_some_and(|d| d.grain == Grain::Day && d.day - self.present.day <= NEAR_DAYS) && !later;
        let contact = self.judge.lexicon.groups[s.group].contact;
        let label = match s.label {
            Label::Callback if time.is_none() && (far || later) => Label::Timing,
            Label::Timing if contact && !far && (time.is_some() || near) => Label::Callback,
            other => other,
        };
        let mut f = self.dated(label, s, date);
        if label == Label::Callback
            && let Some(t) = time
        {
            let (day, minute) = self.moment(date.filter(|d| d.grain == Grain::Day), t.when);
            f.date = Some(day);
            f.at = Some(WhenLocal::Local(date_of_day(day).at((minute / 60) as i8, (minute % 60) as i8, 0, 0)));
            self.stretch(&mut f, t.from, t.to);
        }
        f
    }

    /// The day and minute of a time: today, or tomorrow where the hour has passed.
    fn moment(&self, date: Option<&DateRef>, when: When) -> (i32, i32) {
        let p = &self.present;
        match (when, date) {
            (When::Ahead(minutes), _) => {
                let total = p.minute + i32::try_from(minutes).unwrap_or(0);
                (p.day + total / 1440, total % 1440)
            }
            (When::Minute(m), Some(d)) => (d.day, i32::from(m)),
            (When::Minute(m), None) => (p.day + i32::from(i32::from(m) <= p.minute), i32::from(m)),
        }
    }

    /// "After summer.", "Next quarter maybe": a far date with hardly anything around it says when.
    pub(super) fn bare_dates(&self, said: &[Said], best: &mut Vec<Finding>) {
        let j = self.judge;
        let taken = |d: &DateRef| {
            said.iter().any(|s| {
                s.label != Label::Vague
                    && s.label != Label::Disinterest
                    && j.tokens[s.from].sentence == j.tokens[d.from].sentence
            })
        };
        if best.iter().any(|f| matches!(f.label, Label::Timing | Label::Callback | Label::Interest)) {
            return;
        }
        let far = |d: &&DateRef| {
            d.grain >= Grain::Week && !d.weak && !d.current && !matches!(d.relation, Some(Plain::By | Plain::From))
        };
        for d in self.dates.iter().filter(far).take(NEAR_DATES) {
            let from = (0..d.from).rev().find(|i| j.tokens[i + 1].before != Break::None).map_or(0, |i| i + 1);
            let to = (d.to..j.tokens.len()).find(|i| j.tokens[*i].before != Break::None).unwrap_or(j.tokens.len());
            let around = (from..d.from)
                .chain(d.to..to)
                .take(12)
                .all(|i| j.has(i, j.lexicon.known.around_date) || j.has(i, j.lexicon.known.filler));
            // "We're fine until March": a wait for something far off needs no more words.
            let waits = d.grain == Grain::Long
                && matches!(d.relation, Some(Plain::Until | Plain::Through | Plain::After | Plain::Before));
            if (waits || around && to - from <= 12 + (d.to - d.from)) && !taken(d) {
                let mut f = self.finding(Label::Timing, d.from, d.to, false);
                f.date = Some(d.day);
                return best.push(f);
            }
        }
    }

    /// The date that goes with a phrase: of its own sentence before the next one or the one before, a firm one before a hint.
    pub(super) fn date_for(&self, s: &Said, elsewhere: bool) -> Option<&DateRef> {
        let j = self.judge;
        let sentence = j.tokens[s.from].sentence;
        let at = self.dates.partition_point(|d| d.to <= s.from);
        let range = at.saturating_sub(NEAR_DATES)..self.dates.len().min(at + NEAR_DATES);
        let pick = |n: u32, weak: bool| {
            let fits = |d: &&DateRef| j.tokens[d.from].sentence == n && (weak || !d.weak);
            self.dates[range.clone()]
                .iter()
                .filter(fits)
                .min_by_key(|d| (d.weak, d.current, d.soft, d.to <= s.from, d.from.abs_diff(s.from)))
        };
        let own = pick(sentence, true);
        if own.is_some() || !elsewhere {
            return own;
        }
        pick(sentence + 1, false)
            .or_else(|| sentence.checked_sub(1).and_then(|n| pick(n, false)))
            .filter(|d| !d.current)
    }

    pub(super) fn time_for(&self, s: &Said) -> Option<&TimeRef> {
        let j = self.judge;
        let sentence = j.tokens[s.from].sentence;
        let at = self.times.partition_point(|t| t.to <= s.from);
        let range = at.saturating_sub(2)..self.times.len().min(at + 3);
        // A clock time beats a part of the day: "in the evening, at 7".
        let near = |n: u32| {
            self.times[range.clone()]
                .iter()
                .filter(|t| j.tokens[t.from].sentence == n)
                .min_by_key(|t| (t.vague, t.to <= s.from, t.from.abs_diff(s.from)))
        };
        near(sentence).or_else(|| {
            if s.label == Label::Callback {
                near(sentence + 1).or_else(|| sentence.checked_sub(1).and_then(near))
            } else {
                None
            }
        })
    }
}
