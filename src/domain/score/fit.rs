//! Fit: how well the profile suits us, 0 to 100, by the rules of `[fit]`. It does not decay.
//!
//! What is not known neither helps nor hurts; `known` says how much of what the rules ask for is known. Rules are
//! compiled when the policy is read, and which of them hold for given values is remembered: see `memo`.

use std::sync::Arc;

use super::field::{Field, Subject, Value};
use super::lists::WordLists;
use super::qualification::Qualification;
use super::rules::{Condition, Room};
use super::{Part, round6};
use crate::domain::facts::Facts;
use crate::domain::memo::{Memo, Question};
use crate::domain::policy::FitTable;
use crate::domain::policy::suggest::did_you_mean;

/// One bit for each in [`Fit::holds`].
const RULES: usize = 128;

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Fit {
    /// 0 to 100.
    pub score: f64,
    /// Share of the fields that rules ask for which are known, 0 to 1.
    pub known: f64,
    /// A rule holds that decides alone.
    pub decided: bool,
    /// One bit a rule, in the order of the policy.
    holds: u128,
}

/// The rules of fit, compiled.
pub struct FitRules {
    rules: Vec<Rule>,
    /// Groups with their caps, in the order of their names.
    groups: Vec<(String, f64)>,
    /// Everything that any rule asks for.
    fields: Vec<Field>,
    start_points: f64,
    room: Room,
    memo: Memo<Fit>,
}

struct Rule {
    name: String,
    group: usize,
    points: f64,
    because: String,
    decisive: bool,
    condition: Condition,
}

impl FitRules {
    /// Compiles the rules; says of every one what is wrong with it and where it stands in `text`.
    pub fn new(table: &FitTable, lists: Arc<WordLists>, text: &str, errors: &mut Vec<String>) -> FitRules {
        let mut out = FitRules {
            rules: Vec::with_capacity(table.rule.len()),
            groups: table.group_caps.iter().map(|(name, cap)| (name.clone(), *cap)).collect(),
            fields: Vec::new(),
            start_points: table.start_points,
            room: Room::new(lists),
            memo: Memo::new(),
        };
        if table.rule.len() > RULES {
            errors.push(format!("scoring.toml: {} fit rules are too many; at most {RULES}", table.rule.len()));
            return out;
        }
        for (group, cap) in &out.groups {
            if *cap < 0.0 || !cap.is_finite() {
                errors.push(format!("scoring.toml: fit.group_caps.{group} is {cap}; it must not be negative"));
            }
            if !table.rule.iter().any(|r| r.group == *group) {
                let meant = did_you_mean(group, table.rule.iter().map(|r| r.group.as_str()));
                errors.push(format!("scoring.toml: fit.group_caps.{group} caps a group that no rule is in; {meant}"));
            }
        }
        for (i, rule) in table.rule.iter().enumerate() {
            let place = Place::new(text, rule.when.span());
            let mut wrong = |at: Option<u32>, says: String| errors.push(place.say(&rule.name, at, &says));
            if table.rule[..i].iter().any(|other| other.name == rule.name) {
                wrong(None, "stands there twice; give each rule a name of its own".to_owned());
            }
            if !rule.points.is_finite() || rule.points.abs() > 100.0 {
                wrong(None, format!("gives {} points; fit goes from 0 to 100", rule.points));
            }
            let group = out.groups.iter().position(|(name, _)| *name == rule.group);
            if group.is_none() {
                let meant = did_you_mean(&rule.group, out.groups.iter().map(|(name, _)| name.as_str()));
                wrong(None, format!("is in the group {}, which has no cap in fit.group_caps; {meant}", rule.group));
            }
            match out.room.compile(rule.when.get_ref()) {
                Ok((condition, fields)) => {
                    out.fields.extend(fields);
                    out.rules.push(Rule {
                        name: rule.name.clone(),
                        group: group.unwrap_or(0),
                        points: rule.points,
                        because: rule.because.clone(),
                        decisive: rule.decisive,
                        condition,
                    });
                }
                Err(problems) => problems.into_iter().for_each(|p| wrong(Some(p.at), p.says)),
            }
        }
        out.fields.sort();
        out.fields.dedup();
        out
    }

    /// The fit of a lead: remembered where the same values were met before, else worked out.
    pub fn fit(&self, facts: &Facts, qualification: &Qualification<'_>) -> Fit {
        let subject = Subject { facts, qualification };
        match self.question(&subject) {
            Some(question) => self.memo.answer(&question, || self.fit_anew(&subject)),
            None => self.fit_anew(&subject),
        }
    }

    /// The same without looking into the memory.
    pub fn fit_unremembered(&self, facts: &Facts, qualification: &Qualification<'_>) -> Fit {
        self.fit_anew(&Subject { facts, qualification })
    }

    /// The values that the rules ask for; `None` where they are too long to be remembered.
    fn question(&self, subject: &Subject<'_>) -> Option<Question> {
        let mut question = Question::new();
        for field in &self.fields {
            match subject.value(field) {
                None => question.add(0, &[])?,
                Some(Value::Bool(b)) => question.add(1, &[u8::from(b)])?,
                Some(Value::Whole(n)) => question.add(2, &n.to_le_bytes())?,
                Some(Value::Number(x)) => question.add(3, &x.to_bits().to_le_bytes())?,
                Some(Value::Text(text)) => question.add(4, text.as_bytes())?,
            }
        }
        Some(question)
    }

    fn fit_anew(&self, subject: &Subject<'_>) -> Fit {
        let mut holds = 0u128;
        for (i, rule) in self.rules.iter().enumerate() {
            if self.room.holds(&rule.condition, subject) {
                holds |= 1 << i;
            }
        }
        let held = |group: usize| {
            let of_group = self.rules.iter().enumerate().filter(move |(_, r)| r.group == group);
            of_group.filter(|(i, _)| holds >> i & 1 == 1).map(|(_, r)| r.points).sum::<f64>()
        };
        let sum = self.groups.iter().enumerate().map(|(g, (_, cap))| held(g).clamp(-cap, *cap)).sum::<f64>();
        let decided = self.rules.iter().enumerate().any(|(i, r)| r.decisive && holds >> i & 1 == 1);
        let sum = if decided { -self.start_points } else { sum };
        let known = self.fields.iter().filter(|f| subject.value(f).is_some()).count();
        Fit {
            score: round6((self.start_points + sum).clamp(0.0, 100.0)),
            known: if self.fields.is_empty() { 0.0 } else { round6(known as f64 / self.fields.len() as f64) },
            decided,
            holds,
        }
    }

    /// The rule that spoke for the lead most, if any did.
    pub fn strongest(&self, fit: &Fit) -> Option<Part<'static>> {
        let rule = self.held(fit).filter(|r| r.points > 0.0).max_by(|a, b| a.points.total_cmp(&b.points))?;
        Some(Part {
            name: rule.name.clone(),
            points: rule.points,
            because: rule.because.clone(),
            event: None,
            made_of: None,
        })
    }

    fn held(&self, fit: &Fit) -> impl Iterator<Item = &Rule> + Clone {
        self.rules.iter().enumerate().filter(|(i, _)| fit.holds >> i & 1 == 1).map(|(_, rule)| rule)
    }

    /// What speaks against the lead: what decides alone, or else every rule that takes points.
    pub fn spoils(&self, fit: &Fit) -> Vec<&str> {
        let spoils = self.held(fit).filter(|rule| if fit.decided { rule.decisive } else { rule.points < 0.0 });
        spoils.map(|rule| rule.because.as_str()).collect()
    }

    /// What a fit is made of: parts that sum to its score.
    pub fn parts(&self, fit: &Fit) -> Vec<Part<'static>> {
        let part = |name: String, points: f64, because: String| Part {
            name,
            points: round6(points),
            because,
            event: None,
            made_of: None,
        };
        let mut parts =
            vec![part("start_points".to_owned(), self.start_points, "every lead starts in the middle".to_owned())];
        let held = self.held(fit);
        parts.extend(held.clone().map(|rule| part(rule.name.clone(), rule.points, rule.because.clone())));
        for (g, (name, cap)) in self.groups.iter().enumerate() {
            let points: f64 = held.clone().filter(|r| r.group == g).map(|r| r.points).sum();
            let excess = points - points.clamp(-cap, *cap);
            if excess != 0.0 {
                let because = format!("everything about {name} together moves the score by at most {cap}");
                parts.push(part(format!("group_caps.{name}"), -excess, because));
            }
        }
        let rest = round6(fit.score - parts.iter().map(|p| p.points).sum::<f64>());
        if rest != 0.0 {
            let because = match fit.decided {
                true => "one rule decides alone, and nothing else counts",
                false => "the score stays between 0 and 100",
            };
            parts.push(part("bounds".to_owned(), rest, because.to_owned()));
        }
        parts
    }
}

/// Where a rule stands in its file.
struct Place<'a> {
    text: &'a str,
    /// Of the expression with its quotation marks, in bytes.
    span: std::ops::Range<usize>,
}

impl<'a> Place<'a> {
    fn new(text: &'a str, span: std::ops::Range<usize>) -> Place<'a> {
        Place { text, span }
    }

    /// The error with file, line and column; `at` counts the characters of the expression.
    fn say(&self, name: &str, at: Option<u32>, says: &str) -> String {
        let from = self.span.start.min(self.text.len());
        let written = self.text.get(self.span.clone()).unwrap_or("");
        let marks = if written.starts_with("'''") || written.starts_with("\"\"\"") { 3 } else { 1 };
        // TOML drops a line break right after three quotation marks.
        let opening = if written.get(marks..).is_some_and(|w| w.starts_with('\n')) { marks + 1 } else { marks };
        let skipped = at.map_or(0, |at| opening + at as usize);
        let before: String = self.text[..from].chars().chain(written.chars().take(skipped)).collect();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |l| l.chars().count()) + 1;
        match at {
            Some(_) => format!("scoring.toml, line {line}, column {column}: fit rule \"{name}\": {says}"),
            None => format!("scoring.toml, line {line}: fit rule \"{name}\" {says}"),
        }
    }
}
