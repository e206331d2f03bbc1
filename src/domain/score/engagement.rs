//! Engagement: how much a lead has turned to us, 0 to 100, continuous in time.
//!
//! Each signal is worth points × 2^(−age / half-life); their sum is squashed into 0 to 100, and each part gets its share
//! of it. Newest instants are exact; older ones stand in their day or 32 days (see `register::Series`): what that costs
//! is held by a test beside a naive reference. What the facts keep is decided in `fold`. Long, because summing, squashing
//! and saying what was summed must agree to the last point, and are checked by eye against each other.

use super::scanner::is_scanner;
use super::{MadeOf, Part, round6};
use crate::domain::event::{Channel, Direction};
use crate::domain::facts::{Facts, Said, Touch};
use crate::domain::policy::{Policy, SignalName, SignalRule};
use crate::domain::register::{Cited, Series, Stamp};
use crate::domain::time::Moment;
use crate::domain::touches::{CallResult, Called, call_result};
use crate::domain::words::{Label, Medium};

const DAY_MS: i64 = 86_400_000;

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
    /// How many counted or would have.
    pub count: u32,
    pub newest: Moment,
    pub event: Option<&'a str>,
    /// A cap of the policy held it down.
    pub capped: bool,
}

/// What a reply is worth; `None` for what is no reply of a person.
pub fn reply_signal(said: &Said) -> Option<SignalName> {
    let has = |label: Label| said.findings.iter().any(|f| f.label == label);
    if said.auto || !matches!(said.medium, Medium::Email | Medium::Sms) || has(Label::AutoReply) {
        return None;
    }
    // A reply counts once, as the strongest thing it says; a hostile one is no engagement.
    Some(if has(Label::Complaint) || has(Label::LegalThreat) {
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
    })
}

/// What a call is worth; `None` for what is no call, or came to nothing.
pub fn call_signal(touch: &Touch, policy: &Policy) -> Option<SignalName> {
    let call = touch.call.as_ref().filter(|_| touch.channel == Channel::Call)?;
    result_signal(touch.direction, call_result(call, policy))
}

fn result_signal(direction: Direction, result: CallResult) -> Option<SignalName> {
    match (direction, result) {
        (_, CallResult::NotInterested) => Some(SignalName::NotInterested),
        (_, CallResult::BrushOff) => Some(SignalName::BrushOff),
        (_, CallResult::DoNotCall) => Some(SignalName::Unsubscribe),
        (Direction::Inbound, _) => Some(SignalName::InboundCall),
        (Direction::Outbound, CallResult::RightParty | CallResult::CallbackAsked | CallResult::Sale) => {
            Some(SignalName::RightPartyCall)
        }
        (Direction::Outbound, _) => None,
    }
}

/// Sums signed, decayed signals and squashes them into 0 to 100.
pub fn engagement<'a>(facts: &'a Facts, calls: &[Called<'a>], policy: &'a Policy, now: Moment) -> Engagement<'a> {
    let rules = &policy.scoring.engagement;
    let mut sum = Sum { policy, now, parts: Vec::with_capacity(8) };
    for (kind, series) in &facts.signals {
        if let Some(name) = SignalName::of(*kind) {
            sum.series(name, series, Days::default());
        }
    }
    for (name, rule) in &rules.observed {
        if let Some((name, series)) = facts.observed.get_key_value(name) {
            let weight = sum.decayed(series, *rule, Days::default());
            let event = series.newest.as_ref().map(|c| c.id.as_str());
            sum.add(SignalName::Observed, Some(name), weight, series.count(), series.newest_at(), event);
        }
    }
    sum.rooms(facts);
    sum.clicks(facts);
    // Newest first, so that the cap of a day lets the newest count, as it does in a series.
    let mut on_day = [Days::default(); SignalName::COUNT];
    for called in calls.iter().rev() {
        if let Some(name) = result_signal(called.touch.direction, called.result) {
            sum.one(name, &called.touch.cited, &mut on_day[name as usize]);
        }
    }
    let mut replied_on = [Days::default(); SignalName::COUNT];
    for said in facts.said.iter().rev() {
        if let Some(name) = reply_signal(said) {
            sum.one(name, &said.cited, &mut replied_on[name as usize]);
        }
    }
    for (name, series) in &facts.faded {
        let kept = [on_day[*name as usize], replied_on[*name as usize]].into_iter().min_by_key(|d| d.day);
        sum.series(*name, series, kept.filter(|d| d.n > 0).unwrap_or_default());
    }
    let mut parts = sum.parts;
    for part in parts.iter_mut().filter(|p| p.name == SignalName::Open && p.weight > rules.open_cap_points) {
        part.weight = rules.open_cap_points;
        part.capped = true;
    }
    parts.sort_by(|a, b| (a.name, a.custom).cmp(&(b.name, b.custom)));
    squash(parts, rules.half_points)
}

/// How many were counted on the day that was looked at last, going backwards in time.
#[derive(Clone, Copy, Debug)]
struct Days {
    day: i32,
    n: u32,
}

impl Default for Days {
    fn default() -> Days {
        Days { day: i32::MAX, n: 0 }
    }
}

impl Days {
    /// Counts one more; whether the cap of its day lets it.
    fn lets(&mut self, day: i32, most: u32) -> bool {
        self.n = if self.day == day { self.n + 1 } else { 1 };
        self.day = day;
        self.n <= most
    }
}

struct Sum<'a> {
    policy: &'a Policy,
    now: Moment,
    parts: Vec<EngagementPart<'a>>,
}

impl<'a> Sum<'a> {
    fn worth(&self, rule: SignalRule, at: Moment) -> f64 {
        rule.points * (-((self.now - at).0.max(0) as f64) / rule.half_life.0.0 as f64).exp2()
    }

    fn series(&mut self, name: SignalName, series: &'a Series, already: Days) {
        if let Some(rule) = self.policy.scoring.engagement.signal.get(&name).copied() {
            let weight = self.decayed(series, rule, already);
            let event = series.newest.as_ref().map(|c| c.id.as_str());
            self.add(name, None, weight, series.count(), series.newest_at(), event);
        }
    }

    fn one(&mut self, name: SignalName, cited: &'a Cited, days: &mut Days) {
        let rules = &self.policy.scoring.engagement;
        if let Some(rule) = rules.signal.get(&name).copied()
            && days.lets(cited.stamp.at.utc_day(), rules.per_type_and_day)
        {
            let weight = self.worth(rule, cited.stamp.at);
            self.add(name, None, weight, 1, Some(cited.stamp.at), Some(&cited.id));
        }
    }

    /// Views of rooms: whoever came to a room after its first viewer is worth more, for a committee decides.
    fn rooms(&mut self, facts: &'a Facts) {
        for ((room, _), series) in &facts.rooms {
            let of_room = facts.rooms.range((*room, 0)..=(*room, u64::MAX));
            let first: Option<Stamp> = of_room.filter_map(|(_, s)| s.first).min();
            let name = if series.first == first { SignalName::Room } else { SignalName::RoomSecondVisitor };
            self.series(name, series, Days::default());
        }
    }

    fn clicks(&mut self, facts: &'a Facts) {
        let rules = &self.policy.scoring.engagement;
        let mut days = Days::default();
        for click in facts.clicks.iter().rev().filter(|c| !is_scanner(c, facts, &rules.scanner)) {
            self.one(SignalName::Click, &click.cited, &mut days);
        }
        let Some(rule) = rules.signal.get(&SignalName::Click).copied() else { return };
        for (day, clicks) in facts.old_clicks.iter().rev() {
            let already = if *day == days.day { days.n } else { 0 };
            let n = clicks.count_ones();
            let counted = n.min(rules.per_type_and_day.saturating_sub(already));
            let noon = Moment(i64::from(*day) * DAY_MS + DAY_MS / 2);
            let weight = self.worth(rule, noon) * f64::from(counted);
            self.add(SignalName::Click, None, weight, n, None, None);
        }
    }

    /// Decayed weight of a series: instants by their own age, counted days and blocks by the age of their middle.
    /// `already` is what newer instants kept elsewhere have used up of the cap of their day.
    fn decayed(&self, series: &Series, rule: SignalRule, already: Days) -> f64 {
        let most = self.policy.scoring.engagement.per_type_and_day;
        let mut sum = 0.0;
        let mut days = already;
        for stamp in series.recent.iter().rev() {
            if days.lets(stamp.at.utc_day(), most) {
                sum += self.worth(rule, stamp.at);
            }
        }
        for (d, day) in series.days.iter().rev() {
            let used = if *d == days.day { days.n } else { 0 };
            let counted = day.n.min(most.saturating_sub(used));
            let middle = i64::from(*d) * DAY_MS + (day.minutes * 60_000 / u64::from(day.n.max(1))) as i64;
            sum += self.worth(rule, Moment(middle)) * f64::from(counted);
        }
        for (first, block) in series.blocks.iter().rev() {
            let counted = block.n.min(most * block.on.count_ones());
            let offset = block.days as f64 / f64::from(block.n.max(1)) + 0.5;
            let middle = i64::from(*first) * DAY_MS + (offset * DAY_MS as f64) as i64;
            sum += self.worth(rule, Moment(middle)) * f64::from(counted);
        }
        sum
    }

    fn add(
        &mut self,
        name: SignalName,
        custom: Option<&'a str>,
        weight: f64,
        count: u32,
        newest: Option<Moment>,
        event: Option<&'a str>,
    ) {
        let newest = newest.unwrap_or(Moment::MIN);
        match self.parts.iter_mut().find(|p| p.name == name && p.custom == custom) {
            Some(part) => {
                part.weight += weight;
                part.count += count;
                if newest > part.newest {
                    part.newest = newest;
                    part.event = event;
                }
            }
            None => {
                let part = EngagementPart { name, custom, weight, points: 0.0, count, newest, event, capped: false };
                self.parts.push(part);
            }
        }
    }
}

/// The score of a sum of weights.
fn squashed(sum: f64, half_points: f64) -> f64 {
    round6(100.0 * (1.0 - (-(sum.max(0.0)) / half_points).exp2()))
}

/// The score and each part's share of it; the last part takes what rounding leaves, so that they always sum.
fn squash(mut parts: Vec<EngagementPart<'_>>, half_points: f64) -> Engagement<'_> {
    let sum: f64 = parts.iter().map(|p| p.weight).sum();
    let score = squashed(sum, half_points);
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

fn rule_of(part: &EngagementPart<'_>, policy: &Policy) -> Option<SignalRule> {
    let rules = &policy.scoring.engagement;
    match part.custom {
        Some(name) => rules.observed.get(name).copied(),
        None => rules.signal.get(&part.name).copied(),
    }
}

impl<'a> Engagement<'a> {
    /// What the score would be without one event that is the newest of its signal; the score itself for any other.
    pub fn without(&self, event: &str, policy: &Policy, now: Moment) -> f64 {
        let rules = &policy.scoring.engagement;
        let Some(part) = self.parts.iter().find(|p| p.event == Some(event)) else { return self.score };
        let Some(rule) = rule_of(part, policy).filter(|_| !part.capped) else { return self.score };
        let weight = rule.points * (-((now - part.newest).0.max(0) as f64) / rule.half_life.0.0 as f64).exp2();
        squashed(self.sum - weight, rules.half_points)
    }

    /// What the score is made of: parts that sum to it, the heaviest first.
    pub fn parts(&self, policy: &Policy, now: Moment) -> Vec<Part<'a>> {
        let mut parts: Vec<&EngagementPart<'a>> = self.parts.iter().collect();
        parts.sort_by(|a, b| {
            b.weight.abs().total_cmp(&a.weight.abs()).then((a.name, a.custom).cmp(&(b.name, b.custom)))
        });
        parts.into_iter().map(|part| self.part(part, policy, now)).collect()
    }

    /// The signal that earned most, if any did.
    pub fn strongest(&self, policy: &Policy, now: Moment) -> Option<Part<'a>> {
        let earned = self.parts.iter().filter(|p| p.points > 0.0);
        earned.max_by(|a, b| a.points.total_cmp(&b.points)).map(|part| self.part(part, policy, now))
    }

    fn part(&self, part: &EngagementPart<'a>, policy: &Policy, now: Moment) -> Part<'a> {
        Part {
            name: part.custom.map_or_else(|| part.name.name().to_owned(), str::to_owned),
            points: part.points,
            because: self.because(part, policy, now),
            event: part.event,
            made_of: rule_of(part, policy).map(|rule| MadeOf {
                each: rule.points,
                half_life: rule.half_life.0,
                weight: round6(part.weight),
            }),
        }
    }

    fn because(&self, part: &EngagementPart<'_>, policy: &Policy, now: Moment) -> String {
        let what = part.name.in_words(part.count);
        let what = match part.custom {
            Some(name) => format!("{} × {name}", part.count),
            None if part.count == 1 => what.to_owned(),
            None => format!("{} {what}", part.count),
        };
        let ago = now - part.newest;
        let when = if part.count == 1 { format!("{ago} ago") } else { format!("last {ago} ago") };
        let mut text = format!("{what}, {when}");
        if part.capped {
            text.push_str(&format!("; together never more than {} points", policy.scoring.engagement.open_cap_points));
        }
        if self.sum <= 0.0 && part.weight > 0.0 {
            text.push_str("; outweighed by what speaks against");
        }
        text
    }
}
