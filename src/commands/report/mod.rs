//! `gleaner report`: the first page of the day. Whom to call now and why, how fast we were, what was called bad and was our
//! own fault, which promises are at risk, who waits for an answer, what is blocked, what became of the plays, and which
//! sources send what.
//!
//! Everything is judged anew from the leads as they are; nothing is kept for it. How it reads is in `words`.

mod words;

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::{Context, Result};
use serde::Serialize;
use uuid::Uuid;

use super::explain::why_call;
use super::{Console, Output};
use crate::control::{self, Pauses};
use crate::domain::audit::{Detail, Item, State};
use crate::domain::contact::Status;
use crate::domain::diagnosis::{Cause, Judgement, Verdict, Why, judge};
use crate::domain::event::Outcome;
use crate::domain::facts::Facts;
use crate::domain::identity::{KeyHash, KeyKind, LeadNo};
use crate::domain::lead::Lead;
use crate::domain::permit::{Suppressions, permit};
use crate::domain::policy::Policy;
use crate::domain::task::{Class, Play, URGENT, rfc3339};
use crate::domain::time::{Moment, Span};
use crate::domain::world::Tally;
use crate::reading::Reader;
use crate::store::Store;

/// Leads in one statement.
const PAGE: usize = 500;
/// Lines of each list; the counts are of all.
const LINES: usize = 10;
/// A promise that falls due within so much is told of before it is broken. [J]
const SOON: Span = Span::hours(1);

/// The whole page.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    #[serde(with = "rfc3339")]
    pub as_of: Moment,
    pub leads: u64,
    /// What `gleaner pause` holds back, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused: Option<String>,
    /// The best first.
    pub call_now: List<CallNow>,
    pub first_touch: BTreeMap<String, FirstTouch>,
    pub our_fault: List<OurFault>,
    /// The most urgent first.
    pub promises: List<AtRisk>,
    /// They asked more than a day ago, or wrote and wanted something, and no answer of ours is on record: the likeliest sale
    /// first.
    pub unanswered: List<Unanswered>,
    pub blocked: BTreeMap<&'static str, u64>,
    pub plays: BTreeMap<&'static str, PlayLine>,
    /// By kind of source (`form`, `campaign`, `partner`) and name.
    pub sources: BTreeMap<&'static str, BTreeMap<String, Source>>,
}

/// The first lines of a list that may be longer.
#[derive(Debug, Serialize)]
pub struct List<T> {
    pub count: u64,
    pub first: Vec<T>,
}

impl<T> Default for List<T> {
    fn default() -> Self {
        List { count: 0, first: Vec::new() }
    }
}

impl<T> List<T> {
    /// Takes a line in where it belongs, and lets the last one go that is too many.
    fn add(&mut self, line: T, before: impl Fn(&T, &T) -> bool) {
        self.count += 1;
        let at = self.first.partition_point(|other| !before(&line, other));
        self.first.insert(at, line);
        self.first.truncate(LINES);
    }
}

#[derive(Debug, Serialize)]
pub struct CallNow {
    pub lead_id: Uuid,
    pub name: Option<String>,
    pub number: Option<String>,
    pub play: &'static str,
    #[serde(with = "rfc3339")]
    pub until: Moment,
    pub urgent: bool,
    pub conversion: f64,
    pub grade: String,
    /// Filled in for the lines that are shown.
    pub why: String,
    #[serde(skip)]
    lead: Option<Box<Lead>>,
}

/// How soon inquiries were answered.
#[derive(Debug, Default, Serialize)]
pub struct FirstTouch {
    pub inquiries: u64,
    pub in_time: u64,
    pub late: u64,
    /// Nobody has touched them, and it is too late to be in time.
    pub never: u64,
    /// Nobody has touched them, and there is still time.
    pub open: u64,
    /// Of those that were touched, in minutes.
    pub median_minutes: Option<f64>,
    #[serde(skip)]
    took: Vec<i64>,
}

#[derive(Debug, Serialize)]
pub struct OurFault {
    pub lead_id: Uuid,
    /// Who called it bad: `feedback` or `lost`.
    pub called_bad_by: &'static str,
    pub because: String,
    #[serde(skip)]
    at: Moment,
}

#[derive(Debug, Serialize)]
pub struct AtRisk {
    pub lead_id: Uuid,
    pub name: Option<String>,
    pub number: Option<String>,
    #[serde(with = "rfc3339")]
    pub promised: Moment,
    pub is_overdue: bool,
}

#[derive(Debug, Serialize)]
pub struct Unanswered {
    pub lead_id: Uuid,
    pub name: Option<String>,
    pub because: String,
    pub conversion: f64,
}

/// Tasks of a play since the beginning.
#[derive(Debug, Serialize)]
pub struct PlayLine {
    #[serde(flatten)]
    pub tally: TallyOut,
    /// Share of the ended ones that were done, where any ended.
    pub done_share: Option<f64>,
}

#[derive(Debug, Serialize)]
pub struct TallyOut {
    pub made: u64,
    pub done: u64,
    pub failed: u64,
    pub rejected: u64,
    pub expired: u64,
}

/// What became of the leads of one source.
#[derive(Debug, Default, Serialize)]
pub struct Source {
    pub leads: u64,
    pub promising: u64,
    /// Weak or bad because nobody real asked.
    pub bogus: u64,
    /// Weak or bad because of their numbers and addresses.
    pub contact: u64,
    pub won: u64,
}

/// Writes the report as of an instant, or as of the database's now.
///
/// # Errors
/// The database does not answer, a lead cannot be read, the answer cannot be written, or something happened after `as_of`.
pub async fn run<S: Store>(
    reader: &Reader<S>,
    as_of: Option<Moment>,
    output: Output,
    out: &mut impl Write,
    console: &mut Console,
) -> Result<()> {
    let now = match as_of {
        Some(at) => at,
        None => reader.now().await?,
    };
    let (policy, world) = (reader.policy(), reader.world());
    let (_, pauses) = control::read::<Pauses>(&reader.store).await.context("cannot read what is paused")?;
    let mut report = Report { as_of: now, paused: super::lead::paused(&pauses), ..Report::default() };
    let mut after = LeadNo(0);
    while let Some((leads, last)) = reader.page(after, PAGE).await.context("cannot read the leads")? {
        after = last;
        if let Some(at) = as_of {
            super::lead::not_before_newest(leads.iter(), at)?;
        }
        let called = leads.iter().filter(|lead| lead.conduct.open_in(Class::Voice).is_some());
        let hashes: Vec<KeyHash> = called.flat_map(|lead| lead.hashes.values().copied()).collect();
        let closed = match hashes.is_empty() {
            true => Suppressions::new(),
            false => reader.store.suppressions(&hashes).await.context("cannot read what is closed")?,
        };
        for lead in leads {
            let j = judge(&lead.facts, &policy, &world.givers, now);
            if j.cases.has(crate::domain::cases::Case::Test) {
                continue;
            }
            report.take(&lead, &j, &closed, &policy, now);
        }
        console.progress(|| format!("{} leads", report.leads));
    }
    console.end_progress();
    for line in &mut report.call_now.first {
        if let Some(lead) = line.lead.take() {
            line.why = why_call(&reader.record(&lead, now).await?, line.play);
        }
    }
    for speed in report.first_touch.values_mut() {
        speed.took.sort_unstable();
        speed.median_minutes = speed.took.get(speed.took.len() / 2).map(|ms| (*ms as f64 / 6_000.0).round() / 10.0);
    }
    report.plays = world.plays.iter().map(|(play, tally)| (play.name(), play_line(tally))).collect();
    match output {
        Output::Table => words::write(out, &report)?,
        Output::Json => writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?,
        Output::Jsonl => writeln!(out, "{}", serde_json::to_string(&report)?)?,
    }
    Ok(())
}

impl Report {
    fn take(&mut self, lead: &Lead, j: &Judgement<'_>, closed: &Suppressions, policy: &Policy, now: Moment) {
        self.leads += 1;
        let is_over = lead.conduct.stage.is_over();
        if let Some(line) = (!is_over).then(|| call_now(lead, j, closed, policy, now)).flatten() {
            self.call_now.add(line, |a, b| (a.urgent, a.conversion) > (b.urgent, b.conversion));
        }
        self.first_touch(&lead.facts, j);
        if let Some(line) = our_fault(lead, j) {
            self.our_fault.add(line, |a, b| a.at > b.at);
        }
        if let Some(promised) = promise(j).filter(|at| !is_over && *at <= now + SOON) {
            let number = lead.facts.primary(KeyKind::Phone).map(|key| key.value.clone());
            let name = lead.facts.name().map(str::to_owned);
            let line = AtRisk { lead_id: lead.id, name, number, promised, is_overdue: promised < now };
            self.promises.add(line, |a, b| a.promised < b.promised);
        }
        let waits = |why: &Why<'_>| matches!(why, Why::Unanswered { .. } | Why::Untouched { .. });
        if let Some(owed) = j.evidence.iter().find(|e| !is_over && waits(&e.why)) {
            let (name, conversion) = (lead.facts.name().map(str::to_owned), j.conversion.probability);
            let line = Unanswered { lead_id: lead.id, name, because: owed.why.sentence(), conversion };
            self.unanswered.add(line, |a, b| a.conversion > b.conversion);
        }
        if let Some(why) = blocked(lead, j, now) {
            *self.blocked.entry(why).or_default() += 1;
        }
        let weak = matches!(j.verdict, Verdict::Weak | Verdict::Bad);
        let won = lead.facts.outcome.as_ref().is_some_and(|o| o.value.outcome == Outcome::Won);
        for (kind, name) in sources(&lead.facts) {
            let source = self.sources.entry(kind).or_default().entry(name.to_owned()).or_default();
            source.leads += 1;
            source.promising += u64::from(j.verdict == Verdict::Promising);
            source.bogus += u64::from(weak && j.cause == Some(Cause::Bogus));
            source.contact += u64::from(weak && j.cause == Some(Cause::Contact));
            source.won += u64::from(won);
        }
    }

    fn first_touch(&mut self, facts: &Facts, j: &Judgement<'_>) {
        // Also of those who have said no since: the worst delays end that way.
        let Some((state, detail)) = j.audit.first_touch.filter(|(state, _)| *state != State::NotApplicable) else {
            return;
        };
        let source = sources(facts).next().map_or("(unknown)", |(_, name)| name);
        let speed = self.first_touch.entry(source.to_owned()).or_default();
        speed.inquiries += 1;
        match (state, detail) {
            (State::Done, _) => speed.in_time += 1,
            (State::Missed, Detail::Late { .. }) => speed.late += 1,
            (State::Missed, _) => speed.never += 1,
            (State::Open | State::NotApplicable, _) => speed.open += 1,
        }
        speed.took.extend(j.audit.first_touch_after.map(|after| after.0));
    }
}

/// A call that is on somebody's desk and would get its permit now: nothing is closed or dead, and the hour is right.
fn call_now(lead: &Lead, j: &Judgement<'_>, closed: &Suppressions, policy: &Policy, now: Moment) -> Option<CallNow> {
    let entry = lead.conduct.open_in(Class::Voice)?;
    let until = permit(lead, entry, closed, policy, now).ok()?;
    Some(CallNow {
        lead_id: lead.id,
        name: lead.facts.name().map(str::to_owned),
        number: entry.key.clone(),
        play: entry.play.name(),
        until,
        // One for the urgent queue comes before any that can wait, however promising.
        urgent: entry.priority >= URGENT,
        conversion: j.conversion.probability,
        grade: j.grade.to_string(),
        why: String::new(),
        lead: Some(Box::new(lead.clone())),
    })
}

/// Called bad by a colleague, or lost, while we had not done our part.
fn our_fault(lead: &Lead, j: &Judgement<'_>) -> Option<OurFault> {
    let told = lead.facts.feedback.iter().rev().find(|f| !f.good).map(|f| ("feedback", f.cited.stamp.at));
    let lost = lead.facts.outcome.as_ref().filter(|o| o.value.outcome == Outcome::Lost);
    let (called_bad_by, at) = told.or_else(|| lost.map(|o| ("lost", o.stamp.at)))?;
    let ours = j.evidence.iter().filter(|e| e.cause == Cause::Process).max_by(|a, b| a.weight.total_cmp(&b.weight))?;
    let is_ours = j.cause == Some(Cause::Process) || j.audit.any_open() || j.audit.first_touch_missed();
    is_ours.then(|| OurFault { lead_id: lead.id, called_bad_by, because: ours.why.sentence(), at })
}

/// A call that was promised and not made yet.
fn promise(j: &Judgement<'_>) -> Option<Moment> {
    j.audit.items.iter().find_map(|i| match (i.item, i.state, i.detail) {
        (Item::CallbackKept, State::Open, Detail::Promised(at) | Detail::PromisedDay { by: at, .. }) => Some(at),
        _ => None,
    })
}

/// Why nobody may or can reach the lead now; the first reason that holds.
fn blocked(lead: &Lead, j: &Judgement<'_>, now: Moment) -> Option<&'static str> {
    use crate::domain::conduct::Stage;
    let (facts, conduct) = (&lead.facts, &lead.conduct);
    if !facts.is_invited() || (conduct.stage.is_over() && conduct.stage != Stage::Suppressed) {
        return None;
    }
    let reachable =
        j.keys.iter().any(|k| matches!(k.key.kind, KeyKind::Phone | KeyKind::Email) && k.status < Status::Suspect);
    let reviewed = conduct.open().any(|e| e.play == Play::Review);
    [
        (conduct.stage == Stage::Suppressed, "they want no contact any more"),
        (j.is_bogus(), "nobody real asked"),
        (!reachable, "no number or address is alive"),
        (!j.unsure.is_empty(), "it may have been an opt-out; a colleague is asked"),
        (j.is_hushed(now), "left in peace for now"),
        (reviewed, "a colleague is asked"),
        (conduct.lent.is_some() || conduct.open_in(Class::Partner).is_some(), "with a partner"),
        (conduct.open_in(Class::Data).is_some(), "numbers or addresses are being mended or screened"),
        (conduct.ramp.as_ref().is_some_and(|ramp| ramp.is_waiting()), "late or imported, waiting for a turn"),
    ]
    .into_iter()
    .find_map(|(holds, why)| holds.then_some(why))
}

/// Where a lead came from, by what is most precise.
fn sources(facts: &Facts) -> impl Iterator<Item = (&'static str, &str)> {
    let origin = &facts.origin;
    let kinds = [("form", &origin.form), ("campaign", &origin.campaign), ("partner", &origin.partner)];
    kinds.into_iter().filter_map(|(kind, name)| Some((kind, name.as_ref()?.value.as_str())))
}

fn play_line(tally: &Tally) -> PlayLine {
    let Tally { made, done, failed, rejected, expired } = *tally;
    let ended = done + failed + rejected + expired;
    let share = |n: u64| (n as f64 / ended as f64 * 1000.0).round() / 1000.0;
    PlayLine { tally: TallyOut { made, done, failed, rejected, expired }, done_share: (ended > 0).then(|| share(done)) }
}
