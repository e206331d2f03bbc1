//! Whether the numbers of `plays.toml`, `partners.toml` and `scoring.toml` make sense: each refusal says the file, the
//! line, the key, and what was probably meant.
//!
//! Names and types are checked when a file is read; what only `scoring.toml` can have wrong stands in `check`. A number
//! is looked up in the text of its file, so that the line is told and no number is forgotten.

use std::ops::RangeInclusive;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::suggest::{did_you_mean, line_at};
use super::{Partner, Plays, Scoring};
use crate::domain::event::Channel;
use crate::domain::time::Span;

/// Larger numbers are slips of the hand: no deal, no list and no week is worth or holds that many.
const MOST: f64 = 1e12;

/// A policy file being checked: its name, its text, and where what is wrong is told.
pub(super) struct Sense<'a> {
    file: &'static str,
    text: &'a str,
    errors: &'a mut Vec<String>,
}

impl<'a> Sense<'a> {
    pub(super) fn of(file: &'static str, text: &'a str, errors: &'a mut Vec<String>) -> Sense<'a> {
        Sense { file, text, errors }
    }

    /// `what` is the key in full ("play.first_call.success"), `says` the rest of the sentence.
    fn wrong(&mut self, what: &str, says: &str) {
        let line = line_of(self.text, what).map_or(String::new(), |line| format!(", line {line}"));
        self.errors.push(format!("{}{line}: {what} {says}", self.file));
    }

    fn within(&mut self, what: &str, value: f64, range: RangeInclusive<f64>, hint: &str) {
        // What is negative or no number at all is told by `numbers`.
        if value >= 0.0 && value.is_finite() && !range.contains(&value) {
            self.wrong(what, &format!("is {value}; {hint}"));
        }
    }

    /// A chance or a share.
    fn chance(&mut self, what: &str, value: f64) {
        self.within(what, value, 0.0..=1.0, "it must be 0 to 1 (3 % is 0.03)");
    }

    /// Every number of the file is finite and small enough to be meant; only points may be negative.
    pub(super) fn numbers(&mut self) {
        let (table, _) = DeTable::parse_recoverable(self.text);
        let mut found = Vec::new();
        numbers_in("", table.get_ref(), &mut found);
        for (key, value, at) in found {
            let is_points = key.rsplit('.').next().is_some_and(|name| name == "points");
            let says = match value {
                v if !v.is_finite() || v.abs() > MOST => "which is no number that could be meant",
                v if v < 0.0 && !is_points => "which must not be negative",
                _ => continue,
            };
            self.errors.push(format!("{}, line {}: {key} is {value}, {says}", self.file, line_at(self.text, at)));
        }
    }

    pub(super) fn plays(&mut self, plays: &Plays) {
        // What is negative or no number at all was told already.
        if (0.0..f64::MIN_POSITIVE).contains(&plays.value_of_win) {
            self.wrong("value_of_win", "is 0; a sale is worth something: give an amount above 0");
        }
        if plays.currency.len() != 3 || !plays.currency.bytes().all(|b| b.is_ascii_uppercase()) {
            self.wrong("currency", &format!("is {:?}; give three capital letters such as \"USD\"", plays.currency));
        }
        for (play, rule) in &plays.play {
            let key = |name: &str| format!("play.{}.{name}", play.name());
            self.chance(&key("success"), rule.success);
            if rule.priority > 9 {
                self.wrong(&key("priority"), &format!("is {}; it must be 0 to 9, 9 the most urgent", rule.priority));
            }
            if rule.expires.0 <= Span::ZERO {
                self.wrong(&key("expires"), "is no time at all; give it some, such as \"24h\"");
            }
        }
        let c = &plays.cadence;
        for (key, days, may_be_empty) in
            [("cadence.call_days", &c.call_days, false), ("cadence.email_days", &c.email_days, true)]
        {
            if !days.is_sorted() || (days.is_empty() && !may_be_empty) {
                self.wrong(key, "must be a list of day numbers, each at least the one before, such as [0, 0, 1, 4]");
            }
        }
        if c.attempts_misfit == 0 {
            self.wrong("cadence.attempts_misfit", "is 0; then nobody would answer them: give at least 1");
        }
        let r = &plays.review;
        for (key, times) in [("cadence.answer_asks", c.answer_asks), ("review.asked_again", r.asked_again)] {
            if times > MOST_ASKS {
                self.wrong(key, &format!("is {times}; nobody is asked more than {MOST_ASKS} times"));
            }
        }
        for (key, after) in [
            ("cadence.answer_again_after", c.answer_again_after),
            ("cadence.repair_again_after", c.repair_again_after),
            ("review.again_after", r.again_after),
        ] {
            if after.0 <= Span::ZERO {
                self.wrong(key, "is no time at all: nobody could have answered by then; write one like \"7d\"");
            }
        }
        if c.referral_days[0] > c.referral_days[1] {
            self.wrong("cadence.referral_days", "must be the first day and then the last, such as [1, 7]");
        }
        let n = &plays.nurture;
        self.within("nurture.gap_factor", n.gap_factor, 1.0..=100.0, "a gap grows on silence: give 1 (no) to 100");
        if n.gap_min.0 > n.gap.0 || n.gap.0 > n.gap_max.0 || n.gap_min.0 <= Span::ZERO {
            self.wrong("nurture.gap", "must lie between nurture.gap_min, which is above 0, and nurture.gap_max");
        }
        if plays.guard.firings == 0 {
            self.wrong("guard.firings", "is 0, so that every lead would be held; give at least 1");
        }
    }

    pub(super) fn partners(&mut self, partners: &[Partner]) {
        for (i, partner) in partners.iter().enumerate() {
            let mut wrong =
                |says: String| self.errors.push(format!("{}: partner \"{}\" {says}", self.file, partner.id));
            if partner.id.trim().is_empty() {
                wrong("has no id".into());
            }
            if partners[..i].iter().any(|other| other.id == partner.id) {
                wrong("stands there twice; give each an id of its own".into());
            }
            for channel in partner.channels.iter().filter(|c| Channel::from_name(c).is_none()) {
                let known = did_you_mean(channel, Channel::ALL.iter().map(|c| c.name()));
                wrong(format!("may use the channel \"{channel}\", which there is not; {known}"));
            }
            for place in partner.places.iter().filter(|p| !is_place(p)) {
                wrong(format!("serves \"{place}\", which is no place; write a country like \"US\" or \"US-FL\""));
            }
            if let (Some(least), Some(most)) = (partner.employees_at_least, partner.employees_at_most)
                && least > most
            {
                wrong(format!("wants at least {least} and at most {most} employees, which nobody has"));
            }
        }
    }

    pub(super) fn scoring(&mut self, s: &Scoring) {
        let (c, d, q) = (&s.conversion, &s.diagnosis, &s.silence);
        for (key, chance) in [
            ("conversion.base", c.base),
            ("conversion.ceiling", c.ceiling),
            ("diagnosis.weak_share", d.weak_share),
            ("diagnosis.bad_share", d.bad_share),
            ("diagnosis.low_fit_known", d.low_fit_known),
            ("silence.call_answer", q.call_answer),
            ("silence.email_answer", q.email_answer),
            ("silence.sms_answer", q.sms_answer),
        ] {
            self.chance(key, chance);
        }
        if c.base >= c.ceiling {
            let says = format!("is {}; the average chance must be above 0 and below conversion.ceiling", c.base);
            self.wrong("conversion.base", &says);
        }
        if d.weak_share > d.bad_share {
            self.wrong("diagnosis.weak_share", "is above diagnosis.bad_share: a lead is weak before it is bad");
        }
        for (key, points, what) in [
            ("diagnosis.low_fit_points", d.low_fit_points, "fit goes from 0 to 100"),
            ("diagnosis.promising_fit", d.promising_fit, "fit goes from 0 to 100"),
            ("diagnosis.promising_engagement", d.promising_engagement, "engagement goes from 0 to 100"),
        ] {
            self.within(key, points, 0.0..=100.0, what);
        }
        for (key, length) in [
            ("silence.call_half_life", q.call_half_life),
            ("silence.email_half_life", q.email_half_life),
            ("silence.sms_half_life", q.sms_half_life),
            ("audit.first_touch_within", s.audit.first_touch_within),
        ] {
            if length.0 <= Span::ZERO {
                self.wrong(key, "is no time at all; write one like \"5m\" or \"14d\"");
            }
        }
        if s.audit.attempts == 0 {
            self.wrong("audit.attempts", "is 0; then nobody would owe a lead a call: give at least 1");
        }
    }
}

/// How often anything that nobody answers may be asked: each is a task, and a question of its own in the ledger. [J]
const MOST_ASKS: u32 = 20;

/// "US", "US-FL".
fn is_place(text: &str) -> bool {
    let letters = |part: &str, lengths: RangeInclusive<usize>| {
        lengths.contains(&part.len()) && part.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    };
    match text.split_once('-') {
        None => letters(text, 2..=2),
        Some((country, region)) => letters(country, 2..=2) && letters(region, 1..=3),
    }
}

/// Every number below a table: its key in full, its value, and where it stands.
fn numbers_in(above: &str, table: &DeTable<'_>, found: &mut Vec<(String, f64, usize)>) {
    for (name, value) in table {
        let key = match above {
            "" => name.get_ref().to_string(),
            above => format!("{above}.{}", name.get_ref()),
        };
        numbers_at(&key, value, found);
    }
}

fn numbers_at(key: &str, value: &Spanned<DeValue<'_>>, found: &mut Vec<(String, f64, usize)>) {
    let number = match value.get_ref() {
        DeValue::Integer(digits) => i128::from_str_radix(digits.as_str(), digits.radix()).ok().map(|n| n as f64),
        DeValue::Float(digits) => digits.as_str().parse().ok(),
        DeValue::Table(inner) => return numbers_in(key, inner, found),
        DeValue::Array(items) => return items.iter().for_each(|item| numbers_at(key, item, found)),
        _ => None,
    };
    found.extend(number.map(|number| (key.to_owned(), number, value.span().start)));
}

/// The line of a key ("play.first_call.success"); of a key that is not there, that of the table it would stand in.
fn line_of(text: &str, key: &str) -> Option<usize> {
    let (table, _) = DeTable::parse_recoverable(text);
    let (mut inner, mut at) = (table.get_ref(), None);
    for name in key.split('.') {
        let Some((name, value)) = inner.iter().find(|(n, _)| n.get_ref() == name) else { break };
        at = Some(name.span().start);
        let DeValue::Table(next) = value.get_ref() else { break };
        inner = next;
    }
    at.map(|at| line_at(text, at))
}

#[cfg(test)]
mod tests {
    use crate::domain::policy::{Fictional, Policy, SHIPPED};

    /// What is said of a shipped file in which one text stands in place of another.
    fn faults(file: &str, from: &str, to: &str) -> String {
        let shipped = SHIPPED.iter().find(|(name, _)| *name == file).unwrap().1;
        assert!(shipped.contains(from), "{file} has no {from:?}");
        let changed = shipped.replacen(from, to, 1);
        let read = Policy::parse(&[(file.to_owned(), changed)], Fictional::Allow);
        read.err().unwrap_or_else(|| panic!("{to:?} is taken in {file}")).join("\n")
    }

    #[test]
    fn a_length_of_time_without_a_unit_is_told_with_its_key() {
        let said = faults("plays.toml", "quiet_after_contact = \"72h\"", "quiet_after_contact = \"72\"");
        assert!(said.contains("quiet_after_contact: \"72\" has no unit of time; write it like \"72d\""), "{said}");
        let said = faults("plays.toml", "priority = 9, expires = \"24h\"", "priority = 9, expires = \"24x\"");
        assert!(said.contains("expires: \"x\" is no unit of time"), "{said}");
    }

    #[test]
    fn a_number_that_cannot_be_meant_is_refused_with_its_line() {
        for (file, from, to, says) in [
            ("plays.toml", "value_of_win = 500.0", "value_of_win = 0", "line 5: value_of_win is 0; a sale is worth"),
            (
                "plays.toml",
                "value_of_win = 500.0",
                "value_of_win = -5",
                "value_of_win is -5, which must not be negative",
            ),
            ("plays.toml", "value_of_win = 500.0", "value_of_win = inf", "value_of_win is inf, which is no number"),
            ("plays.toml", "success = 0.080", "success = 8.0", "play.first_call.success is 8; it must be 0 to 1"),
            ("plays.toml", "cost = 4.0", "cost = -4.0", "play.first_call.cost is -4, which must not be negative"),
            ("plays.toml", "priority = 9", "priority = 10", "play.first_call.priority is 10; it must be 0 to 9"),
            ("plays.toml", "expires = \"24h\"", "expires = \"-24h\"", "\"-24h\" is negative"),
            ("plays.toml", "expires = \"24h\"", "expires = \"0h\"", "play.first_call.expires is no time at all"),
            ("plays.toml", "gap = \"14d\"", "gap = \"99999999999999999d\"", "longer than 100 years"),
            ("plays.toml", "currency = \"USD\"", "currency = \"dollars\"", "give three capital letters"),
            ("scoring.toml", "call_answer = ", "call_answer = 1", "silence.call_answer is 1"),
            ("scoring.toml", "bad_share = ", "bad_share = -", "diagnosis.bad_share is -"),
            ("partners.toml", "[\"US-FL\"", "[\"Florida\"", "serves \"Florida\", which is no place"),
            ("partners.toml", "\"email\"]", "\"e-mail\"]", "which there is not; did you mean email?"),
            ("partners.toml", "coastal-freight", "small-biz-desk", "stands there twice"),
        ] {
            let told = faults(file, from, to);
            assert!(told.contains(says), "{to}: {told}");
            assert!(told.starts_with(file), "{told}");
        }
    }

    #[test]
    fn a_name_that_is_not_known_is_told_with_its_line_and_the_one_that_was_meant() {
        let said = faults("plays.toml", "value_of_win = 500.0", "value_of_wins = 500.0");
        assert_eq!(said, "plays.toml, line 5: \"value_of_wins\" is not known here; did you mean value_of_win?");
        let said = faults("plays.toml", "\nfirst_call ", "\nfrist_call ");
        assert!(said.ends_with("\"frist_call\" is not known here; did you mean first_call?"), "{said}");
        let said = faults("words.toml", "\nlabel = \"neutral\"", "\nlable = \"neutral\"");
        assert!(said.contains("\"lable\" is not known here; did you mean label?") && !said.contains('\n'), "{said}");
    }

    #[test]
    fn points_may_be_negative() {
        let shipped = SHIPPED.iter().find(|(name, _)| *name == "scoring.toml").unwrap().1;
        assert!(shipped.contains("points = -"));
    }
}
