//! Scores: qualification, fit, engagement, grade and the chance of a sale, each with the parts it is made of.
//!
//! Continuous in time: the value at any instant follows from the facts and the instant alone. Sums run in a
//! canonical order and are rounded before anybody compares them.

use super::event::{Answer, Direction};
use super::facts::{Facts, Given, SignalKind};
use super::policy::{FitField, FitRule, Policy, SignalName, SignalRule};
use super::register::{Last, Series};
use super::time::Moment;
use super::touches::{CallResult, Called};
use super::words::{Label, Medium};

/// Rounds to the six places of everything that is compared or written out.
pub fn round6(x: f64) -> f64 {
    let rounded = (x * 1e6).round() / 1e6;
    if rounded == 0.0 { 0.0 } else { rounded }
}

/// One level of the four qualification questions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Level<'a> {
    pub level: u8,
    pub at: Moment,
    pub event: &'a str,
    pub guessed: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Qualification<'a> {
    pub budget: Option<Level<'a>>,
    pub authority: Option<Level<'a>>,
    pub need: Option<Level<'a>>,
    pub timeline: Option<Level<'a>>,
    pub confirmed: u8,
    pub sales_ready: bool,
}

/// Reads the answers as of now: a timeline ages, a date that has passed without a deal falls to 1.
pub fn qualify<'a>(facts: &'a Facts, policy: &Policy, now: Moment) -> Qualification<'a> {
    let level = |given: &'a Option<Last<Given>>, timeline: bool| -> Option<Level<'a>> {
        let given = given.as_ref()?;
        let (level, guessed) = match &given.value.answer {
            Answer::Level(n) if timeline => (aged_level(*n, given.stamp.at, now), false),
            Answer::Level(n) => (*n, false),
            Answer::Date(day) => (timeline_level(*day, now), false),
            // Free text that is no known word says that the question was answered, and not more.
            Answer::Text(_) => (1, true),
        };
        Some(Level { level, at: given.stamp.at, event: &given.value.event, guessed })
    };
    let a = &facts.answers;
    let (budget, authority, need, timeline) =
        (level(&a.budget, false), level(&a.authority, false), level(&a.need, false), level(&a.timeline, true));
    let q = &policy.scoring.qualification;
    let is_confirmed = |l: &Option<Level<'_>>| l.is_some_and(|l| !l.guessed && l.level >= q.confirmed_level);
    let confirmed = [&budget, &authority, &need, &timeline].into_iter().filter(|l| is_confirmed(l)).count() as u8;
    let sales_ready = confirmed >= q.sales_ready_confirmed && (is_confirmed(&need) || is_confirmed(&authority));
    Qualification { budget, authority, need, timeline, confirmed, sales_ready }
}

/// Within 6 months 3, within 12 months 2, later or passed 1.
fn timeline_level(day: i32, now: Moment) -> u8 {
    match day - now.utc_day() {
        ..0 => 1,
        0..183 => 3,
        183..366 => 2,
        _ => 1,
    }
}

/// A stated level stands for a date that comes nearer, and then passes: 3 for six months on, 2 for a year.
fn aged_level(level: u8, at: Moment, now: Moment) -> u8 {
    let months = (now - at).as_days() / 30.4;
    match level {
        3 if months > 6.0 => 1,
        2 if months > 12.0 => 1,
        2 if months > 6.0 => 3,
        n => n.max(1),
    }
}

/// One part of a score: points that sum to it with the others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FitPart {
    /// Index of the rule; `None`: the start, or what a cap or a bound takes away.
    pub rule: Option<usize>,
    pub what: FitWhat,
    pub points: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FitWhat {
    Start,
    Rule,
    GroupCap,
    Bound,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fit {
    /// 0 to 100.
    pub score: f64,
    /// Share of the fields that rules ask for which are known, 0 to 1.
    pub known: f64,
    pub parts: Vec<FitPart>,
}

/// Applies the fit rules to the profile.
pub fn fit(facts: &Facts, policy: &Policy) -> Fit {
    let scoring = &policy.scoring;
    let mut parts = vec![FitPart { rule: None, what: FitWhat::Start, points: scoring.fit_start_points }];
    let mut sum = scoring.fit_start_points;
    let mut groups: [(&str, f64); 8] = [("", 0.0); 8];
    for (i, rule) in scoring.fit.iter().enumerate() {
        if !rule_holds(rule, facts) {
            continue;
        }
        parts.push(FitPart { rule: Some(i), what: FitWhat::Rule, points: rule.points });
        sum += rule.points;
        if let Some(slot) = groups.iter_mut().find(|(name, _)| name.is_empty() || *name == rule.group) {
            *slot = (&rule.group, slot.1 + rule.points);
        }
    }
    for (group, points) in groups.iter().filter(|(name, _)| !name.is_empty()) {
        if let Some(cap) = scoring.fit_group_caps.get(*group)
            && points.abs() > *cap
        {
            let excess = points - cap.copysign(*points);
            parts.push(FitPart { rule: None, what: FitWhat::GroupCap, points: -excess });
            sum -= excess;
        }
    }
    let score = round6(sum.clamp(0.0, 100.0));
    if score != round6(sum) {
        parts.push(FitPart { rule: None, what: FitWhat::Bound, points: round6(score - sum) });
    }
    let asked = |f: &FitField| scoring.fit.iter().any(|r| r.field == *f);
    let fields = [
        FitField::Title,
        FitField::Company,
        FitField::Industry,
        FitField::Employees,
        FitField::Country,
        FitField::Region,
    ];
    let asked_for = fields.iter().filter(|f| asked(f)).count();
    let known = fields.iter().filter(|f| asked(f) && is_known(f, facts)).count();
    Fit { score, known: if asked_for == 0 { 0.0 } else { round6(known as f64 / asked_for as f64) }, parts }
}

fn text_of<'a>(field: &FitField, facts: &'a Facts) -> Option<&'a str> {
    let p = &facts.profile;
    let slot = match field {
        FitField::Title => &p.title,
        FitField::Company => &p.company,
        FitField::Industry => &p.industry,
        FitField::Country => &p.country,
        FitField::Region => &p.region,
        FitField::Employees => return None,
    };
    slot.as_ref().map(|l| l.value.as_str())
}

fn is_known(field: &FitField, facts: &Facts) -> bool {
    match field {
        FitField::Employees => facts.profile.employees.is_some(),
        _ => text_of(field, facts).is_some(),
    }
}

fn rule_holds(rule: &FitRule, facts: &Facts) -> bool {
    if rule.field == FitField::Employees {
        let Some(n) = facts.profile.employees.as_ref().map(|l| f64::from(l.value)) else { return false };
        return rule.at_least.is_none_or(|b| n >= b) && rule.at_most.is_none_or(|b| n <= b);
    }
    let Some(text) = text_of(&rule.field, facts) else { return false };
    (rule.one_of.is_empty() || rule.one_of.iter().any(|w| w.eq_ignore_ascii_case(text)))
        && (rule.any_word.is_empty() || has_word(text, &rule.any_word))
}

/// One of the words stands in the text as a word of its own.
fn has_word(text: &str, words: &[String]) -> bool {
    text.split(|c: char| !c.is_alphanumeric()).any(|t| words.iter().any(|w| w.eq_ignore_ascii_case(t)))
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Engagement<'a> {
    /// 0 to 100.
    pub score: f64,
    /// What the score is the squashed form of.
    pub sum: f64,
    pub parts: Vec<EngagementPart<'a>>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EngagementPart<'a> {
    pub name: SignalName,
    /// A configured `signal.observed`, by its own name.
    pub custom: Option<&'a str>,
    /// Signed decayed weight before squashing.
    pub weight: f64,
    /// Share of the score; all shares sum to it.
    pub points: f64,
    pub count: u32,
    pub newest: Moment,
    pub event: Option<&'a str>,
}

/// Sums signed, decayed signals and squashes them into 0 to 100.
pub fn engagement<'a>(facts: &'a Facts, calls: &[Called<'a>], policy: &'a Policy, now: Moment) -> Engagement<'a> {
    let rules = &policy.scoring.engagement;
    let mut parts: Vec<EngagementPart<'a>> = Vec::with_capacity(8);
    for (kind, series) in &facts.signals {
        let name = SignalName::of(*kind);
        let Some(rule) = rules.signal.get(&name) else { continue };
        let mut weight = decayed(series, *rule, rules.per_type_and_day, now);
        if *kind == SignalKind::Open {
            weight = weight.min(rules.open_cap_points);
        }
        add(
            &mut parts,
            name,
            None,
            weight,
            series.count(),
            series.newest_at(),
            series.newest.as_ref().map(|c| c.id.as_str()),
        );
    }
    for (name, rule) in &rules.observed {
        if let Some((name, series)) = facts.observed.get_key_value(name) {
            let weight = decayed(series, *rule, rules.per_type_and_day, now);
            let event = series.newest.as_ref().map(|c| c.id.as_str());
            add(&mut parts, SignalName::Content, Some(name), weight, series.count(), series.newest_at(), event);
        }
    }
    for Called { touch, result, .. } in calls.iter().copied() {
        let name = match (touch.direction, result) {
            (_, CallResult::NotInterested) => SignalName::NotInterested,
            (_, CallResult::BrushOff) => SignalName::BrushOff,
            (_, CallResult::DoNotCall) => SignalName::Unsubscribe,
            (Direction::Inbound, _) => SignalName::InboundCall,
            (Direction::Outbound, CallResult::RightParty | CallResult::CallbackAsked | CallResult::Sale) => {
                SignalName::RightPartyCall
            }
            _ => continue,
        };
        add_once(&mut parts, policy, name, touch.cited.stamp.at, &touch.cited.id, now);
    }
    for said in facts.said.iter().filter(|s| !s.auto) {
        if !matches!(said.medium, Medium::Email | Medium::Sms) {
            continue;
        }
        let has = |label: Label| said.findings.iter().any(|f| f.label == label);
        let name = if has(Label::AutoReply) {
            continue;
        } else if has(Label::Complaint) || has(Label::LegalThreat) {
            SignalName::Complaint
        } else if has(Label::OptOut) {
            SignalName::Unsubscribe
        } else if has(Label::Disinterest) {
            SignalName::ReplyDisinterest
        } else if has(Label::Interest) || has(Label::Callback) {
            SignalName::ReplyInterest
        } else if has(Label::Vague) {
            SignalName::ReplyVague
        } else {
            SignalName::ReplyNeutral
        };
        add_once(&mut parts, policy, name, said.cited.stamp.at, &said.cited.id, now);
    }
    parts.sort_by(|a, b| (a.name, a.custom).cmp(&(b.name, b.custom)));
    squash(parts, rules.half_points)
}

/// Decayed weight of a series: instants by their own age, counted days and blocks by the age of their middle.
fn decayed(series: &Series, rule: SignalRule, per_day: u32, now: Moment) -> f64 {
    let per_ms = 1.0 / rule.half_life.0.0 as f64;
    let worth = |at: Moment| rule.points * (-((now - at).0.max(0) as f64) * per_ms).exp2();
    let mut sum = 0.0;
    let (mut day, mut on_day) = (i32::MIN, 0);
    for stamp in series.recent.iter().rev() {
        let d = stamp.at.utc_day();
        on_day = if d == day { on_day + 1 } else { 1 };
        day = d;
        if on_day <= per_day {
            sum += worth(stamp.at);
        }
    }
    for (d, n) in series.days.iter().rev() {
        let already = if *d == day { on_day } else { 0 };
        let counted = (*n).min(per_day.saturating_sub(already));
        sum += worth(Moment(i64::from(*d) * 86_400_000 + 43_200_000)) * f64::from(counted);
    }
    for (d, n) in series.blocks.iter().rev() {
        let counted = (*n).min(per_day * 32);
        sum += worth(Moment((i64::from(*d) + 16) * 86_400_000)) * f64::from(counted);
    }
    sum
}

fn add<'a>(
    parts: &mut Vec<EngagementPart<'a>>,
    name: SignalName,
    custom: Option<&'a str>,
    weight: f64,
    count: u32,
    newest: Option<Moment>,
    event: Option<&'a str>,
) {
    let newest = newest.unwrap_or(Moment::MIN);
    match parts.iter_mut().find(|p| p.name == name && p.custom == custom) {
        Some(part) => {
            part.weight += weight;
            part.count += count;
            if newest > part.newest {
                part.newest = newest;
                part.event = event;
            }
        }
        None => parts.push(EngagementPart { name, custom, weight, points: 0.0, count, newest, event }),
    }
}

fn add_once<'a>(
    parts: &mut Vec<EngagementPart<'a>>,
    policy: &Policy,
    name: SignalName,
    at: Moment,
    event: &'a str,
    now: Moment,
) {
    if let Some(rule) = policy.scoring.engagement.signal.get(&name) {
        let weight = rule.points * (-((now - at).0.max(0) as f64) / rule.half_life.0.0 as f64).exp2();
        add(parts, name, None, weight, 1, Some(at), Some(event));
    }
}

/// The score and each part's share of it; the last part takes what rounding leaves, so that they always sum.
fn squash(mut parts: Vec<EngagementPart<'_>>, half_points: f64) -> Engagement<'_> {
    let sum: f64 = parts.iter().map(|p| p.weight).sum();
    let score = round6(100.0 * (1.0 - (-(sum.max(0.0)) / half_points).exp2()));
    if sum > 0.0 {
        let mut left = score;
        let last = parts.len() - 1;
        for (i, part) in parts.iter_mut().enumerate() {
            part.points = if i == last { round6(left) } else { round6(score * part.weight / sum) };
            left -= part.points;
        }
    }
    Engagement { score, sum: round6(sum), parts }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grade {
    /// 0 is A.
    pub fit: u8,
    /// 1 is the warmest.
    pub engagement: u8,
}

impl std::fmt::Display for Grade {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", (b'A' + self.fit) as char, self.engagement)
    }
}

pub fn grade(fit: f64, engagement: f64, policy: &Policy) -> Grade {
    let g = &policy.scoring.grade;
    let step = |x: f64, bounds: &[f64; 3]| bounds.iter().position(|b| x >= *b).unwrap_or(3) as u8;
    Grade { fit: step(fit, &g.fit), engagement: step(engagement, &g.engagement) + 1 }
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Conversion {
    pub probability: f64,
    pub low: f64,
    pub high: f64,
}

/// Chance of a sale by rules; `basis` is "rules" until a model has shown that it does better.
pub fn conversion(fit: f64, engagement: f64, policy: &Policy) -> Conversion {
    let c = &policy.scoring.conversion;
    let p = c.base
        * ((fit - 50.0) / c.fit_points_to_double).exp2()
        * ((engagement - 10.0) / c.engagement_points_to_double).exp2();
    let p = p.min(c.ceiling);
    Conversion {
        probability: round6(p),
        low: round6(p / c.spread_factor),
        high: round6((p * c.spread_factor).min(1.0)),
    }
}
