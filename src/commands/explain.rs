//! `gleaner explain`: a lead in the words of a colleague, the sentence first, then why, what changed, and the numbers.
//!
//! Renders a lead record, so that it says what the record says; finding the lead is the caller's work.

mod headline;

use std::fmt::Write;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::audit::{A_CHECK_IN, A_PARTNER};
use crate::domain::conduct::Entry;
use crate::domain::diagnosis::{A_FIRST_ANSWER, AN_ANSWER};
use crate::domain::event::Channel;
use crate::domain::lead::Lead;
use crate::domain::prose::{counted, number};
use crate::domain::task::{Class, Play, TaskState};
use crate::domain::time::Moment;
use crate::wire::record::{ChangedOut, LeadRecord, LevelOut, Planned, PointsOut, Rest};
use headline::{cause_in_words, channel_in_words, humanly};
pub use headline::{headline, why_call};

/// What the record does not say: what is out by name, and what is paused.
#[derive(Debug, Default)]
pub struct Around {
    /// Sent, and not reported on yet.
    pub sent: Vec<Play>,
    /// Sent, and the time for a report is over.
    pub unreported: Vec<Unreported>,
    pub holds_all: bool,
    pub paused: Option<String>,
    /// As of when the lead was judged, where that is known.
    pub judged_at: Option<Moment>,
    /// That instant was asked for, and is not now.
    pub is_as_of: bool,
}

impl Around {
    /// What is out of a lead's tasks.
    pub fn of(lead: &Lead) -> Around {
        let sent = lead.conduct.open().filter(|entry| entry.state == TaskState::Ready).map(|entry| entry.play);
        let silent = |entry: &&Entry| entry.state == TaskState::Expired && !entry.touched;
        let unreported = lead.conduct.ledger.iter().filter(silent);
        let unreported = unreported.map(|e| Unreported {
            play: e.play,
            channel: e.channel,
            to: e.key.clone().filter(|_| e.play == Play::ReferralHandoff),
            at: e.made_at.to_string(),
        });
        Around { sent: sent.collect(), unreported: unreported.collect(), ..Around::default() }
    }
}

/// A task that went out, and of which nobody told what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unreported {
    pub play: Play,
    pub channel: Option<Channel>,
    /// The partner that a hand-off was offered to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    pub at: String,
}

/// What replay writes of a lead beside its record: it depends on the order of things, and records are compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Aside {
    pub lead_id: Uuid,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<ChangedOut>,
    pub unreported: Vec<Unreported>,
}

impl Unreported {
    fn noun(&self) -> &'static str {
        match (self.play, self.channel) {
            (_, Some(Channel::Call)) => "call",
            (_, Some(Channel::Email)) => "e-mail",
            (_, Some(Channel::Sms)) => "text",
            (Play::ReferralHandoff, _) => "hand-off",
            (Play::ContactRepair, _) => "contact repair",
            (Play::Review, _) => "question to a colleague",
            _ => "task",
        }
    }
}

/// The record as a page of plain text.
pub fn render(r: &LeadRecord, around: &Around) -> String {
    let mut out = String::with_capacity(2048);
    // Writing to a string cannot fail.
    let _infallible = write_all(&mut out, r, around);
    out
}

fn write_all(out: &mut String, r: &LeadRecord, around: &Around) -> std::fmt::Result {
    writeln!(out, "{}", headline(r))?;
    writeln!(out)?;
    if around.is_as_of {
        writeln!(
            out,
            "As of        the instant asked for; but stage, next, what is out and the last change are as of now"
        )?;
    }
    if let Some(paused) = &around.paused {
        writeln!(out, "Paused       {paused}")?;
    }
    writeln!(out, "Next         {}", next(r, around))?;
    if let Some(first) = around.unreported.iter().map(|u| &u.at).min() {
        let of = unreported(&around.unreported);
        let them = it(around.unreported.len() as u32);
        writeln!(out, "Unreported   {of}, since {}: nobody has told what came of {them}", moment(first))?;
    }
    // Whoever wants nothing any more is not to be won by more of it.
    let helps = if r.stage == "suppressed" { &[] } else { r.diagnosis.would_change.as_slice() };
    let handed = around.unreported.iter().any(|u| u.play == Play::ReferralHandoff);
    let done_already =
        |help: &str| (help == A_CHECK_IN && around.sent.contains(&Play::CheckIn)) || (help == A_PARTNER && handed);
    let calls_out = around.unreported.iter().any(|u| u.channel == Some(Channel::Call));
    let reported = |help: &str| match calls_out && help.ends_with(" calls") {
        true => format!("{help} that somebody reports"),
        false => help.to_owned(),
    };
    let mut helps: Vec<String> = helps.iter().filter(|help| !done_already(help)).map(|help| reported(help)).collect();
    // What was perhaps done weighs more than doing it once more.
    if !around.unreported.is_empty() && !helps.is_empty() {
        helps.insert(0, "word of what became of the unreported tasks".to_owned());
    }
    for (i, help) in helps.iter().enumerate() {
        writeln!(out, "{:<12} {help}", if i == 0 { "Would help" } else { "" })?;
    }
    match (&r.changed, &r.outcome) {
        (changed, Some(o)) if changed.as_ref().is_none_or(|c| c.at < o.at) => {
            writeln!(out, "Last change  {}: event {} told that the deal was {}", moment(&o.at), o.event, o.outcome)?;
        }
        (Some(c), _) => writeln!(out, "Last change  {}", changed(c, r))?,
        (None, _) => {}
    }
    writeln!(out, "Stage        {}", humanly(&r.stage))?;
    let keys: Vec<String> = r.keys.iter().flat_map(|(kind, v)| v.iter().map(move |v| format!("{kind} {v}"))).collect();
    writeln!(out, "Known as     {}", keys.join(", "))?;
    for linked in &r.linked {
        writeln!(out, "Linked to    {linked} (another person with the same number or address)")?;
    }
    if !r.diagnosis.evidence.is_empty() {
        writeln!(out)?;
        writeln!(out, "What speaks against it, or against us (0 to 1 each)")?;
        for e in &r.diagnosis.evidence {
            let (weight, event) = (hundredths(e.weight.0), cited(e.event.as_deref()));
            writeln!(out, "  {weight:>4}  {} ({}: {}){event}", e.because, e.cause, e.name)?;
        }
    }
    writeln!(out)?;
    scores(out, r)?;
    qualification(out, r)?;
    writeln!(out)?;
    audit(out, r, around)?;
    if !r.contact_status.is_empty() {
        writeln!(out, "Numbers and addresses")?;
    }
    for key in &r.contact_status {
        writeln!(out, "  {:<24} {:<10} {}", key.key, key.status, key.because)?;
    }
    for s in &r.suppressed {
        let because = humanly(&s.because);
        writeln!(
            out,
            "  {} is closed for {} since {} ({because})",
            s.key,
            channel_in_words(&s.channel),
            moment(&s.since)
        )?;
    }
    if !r.findings.is_empty() {
        writeln!(out, "What was said")?;
        for f in &r.findings {
            let date = f.date.as_ref().filter(|_| f.at.is_none()).map_or(String::new(), |d| format!(", {d}"));
            let at = f.at.as_ref().map_or(String::new(), |t| format!(", {}", moment(t)));
            writeln!(out, "  \"{}\" ({}{date}{at})  [{}]", f.quote, humanly(&f.label), f.event)?;
        }
    }
    writeln!(out)?;
    let updated = moment(&r.updated_at);
    let as_of = around.judged_at.map_or(String::new(), |at| format!("as of {} · ", moment(&at.to_string())));
    writeln!(out, "{as_of}lead {} · version {} · updated {updated} · policy {}", r.lead_id, r.version, r.policy)
}

fn audit(out: &mut String, r: &LeadRecord, around: &Around) -> std::fmt::Result {
    let has = |state: &str| r.audit.items.iter().any(|i| i.state == state);
    let waits = r.verdict == "weak" && r.diagnosis.cause.as_deref() == Some("timing");
    let can_wait = |item: &str| waits && CALLS.contains(&item);
    let open = || r.audit.items.iter().filter(|i| i.state == "open");
    let untouched = r.diagnosis.would_change.iter().any(|help| help == A_FIRST_ANSWER);
    let under_way = |item: &str| around.sent.iter().any(|play| serves(*play, item));
    let closed = r.diagnosis.evidence.iter().any(|e| e.name == "closed_channel");
    let sum = match (open().count(), open().all(|i| can_wait(&i.item)), has("missed")) {
        (0, _, false) if closed => "since they closed a channel nothing more is owed",
        (0, _, false) => "nothing is owed",
        (0, _, true) if untouched => "an answer to the inquiry is still owed",
        (0, _, true) => "something was missed, and nothing more is owed",
        (_, true, _) => "what is owed can wait",
        _ if open().all(|i| under_way(&i.item)) => "what is owed is under way",
        (_, false, _) => "something is still owed",
    };
    writeln!(out, "What we did for it: {sum}")?;
    for item in &r.audit.items {
        let is_out = around.sent.iter().any(|play| serves(*play, &item.item));
        let mut silent: Vec<&Unreported> = around.unreported.iter().filter(|u| serves(u.play, &item.item)).collect();
        // Of a first touch the first counts, of what is asked for again the last.
        silent.sort_by(|a, b| a.at.cmp(&b.at));
        let silent = if item.item == "first_touch" { silent.first() } else { silent.last() };
        // What came late, came.
        let came = item.item == "first_touch" && item.detail.starts_with("after");
        let silent = silent.filter(|_| matches!(item.state.as_str(), "open" | "missed") && !came);
        let state = match item.state.as_str() {
            "open" if is_out => "under way".to_owned(),
            "open" if silent.is_some_and(|u| u.play == Play::ReferralHandoff) => "not taken up".to_owned(),
            "open" if can_wait(&item.item) => "can wait".to_owned(),
            "open" => "still owed".to_owned(),
            "not_applicable" if item.item == "referral_asked" && asked_for_referral(around).is_some() => {
                let is_out = around.sent.contains(&Play::ReferralAsk);
                if is_out { "under way" } else { "not reported" }.to_owned()
            }
            state => humanly(state),
        };
        let mut detail = item.detail.clone();
        if let Some(u) = silent {
            let day = u.at.get(..10).unwrap_or(&u.at);
            match u.play {
                Play::ReferralHandoff => {
                    let offers = around.unreported.iter().filter(|u| u.play == Play::ReferralHandoff);
                    let offers: Vec<String> = offers
                        .map(|u| {
                            let partner = u.to.as_deref().map_or("a partner".to_owned(), humanly);
                            format!("to {partner} on {}", u.at.get(..10).unwrap_or(&u.at))
                        })
                        .collect();
                    detail = format!("offered {}, and not answered", and(&offers));
                }
                _ => write!(detail, "; asked for on {day}, and not reported on")?,
            }
        }
        if let Some(asked) =
            asked_for_referral(around).filter(|_| item.item == "referral_asked" && item.state != "done")
        {
            detail = asked;
        }
        let calls = around.unreported.iter().filter(|u| u.channel == Some(Channel::Call)).count() as u32;
        if item.item == "attempts" && item.state == "open" && calls > 0 {
            write!(detail, "; {} went out that nobody reported on", counted(calls, "call"))?;
        }
        writeln!(out, "  {:<18} {:<14} {detail}", humanly(&item.item), state)?;
    }
    Ok(())
}

/// Where a referral was asked for by a task that nobody has reported on (yet).
fn asked_for_referral(around: &Around) -> Option<String> {
    if around.sent.contains(&Play::ReferralAsk) {
        return Some("a task that is out asks for one".to_owned());
    }
    let silent = around.unreported.iter().rfind(|u| u.play == Play::ReferralAsk)?;
    let day = silent.at.get(..10).unwrap_or(&silent.at);
    Some(format!("a task of {day} asks for one; nobody has told whether it went out"))
}

fn it(n: u32) -> &'static str {
    if n == 1 { "it" } else { "them" }
}

/// "five calls, three e-mails and one hand-off".
fn unreported(of: &[Unreported]) -> String {
    let mut counts: Vec<(&str, u32)> = Vec::new();
    for u in of {
        match counts.iter_mut().find(|(noun, _)| *noun == u.noun()) {
            Some((_, n)) => *n += 1,
            None => counts.push((u.noun(), 1)),
        }
    }
    let plural = |noun: &str, n: u32| match noun {
        "question to a colleague" if n > 1 => format!("{} questions to a colleague", number(n)),
        noun => counted(n, noun),
    };
    and(&counts.into_iter().map(|(noun, n)| plural(noun, n)).collect::<Vec<_>>())
}

/// Items that more calls and messages do, and for which nobody who said "not now" waits.
const CALLS: [&str; 3] = ["attempts", "dayparts", "second_channel"];

/// Whether a task that is out is what an item of the audit asks for.
fn serves(play: Play, item: &str) -> bool {
    match item {
        "first_touch" => matches!(play, Play::FirstCall | Play::FirstEmail),
        "data_verified" => play == Play::ContactRepair,
        // Whatever goes out goes to what is alive.
        "alternate_key" => play.class().is_contact(),
        "made_good" => play.class() == Class::Voice,
        "callback_kept" => play == Play::Callback,
        "nurture_once" => play == Play::CheckIn,
        "partner_considered" => play == Play::ReferralHandoff,
        _ => false,
    }
}

fn next(r: &LeadRecord, around: &Around) -> String {
    let is_out = |play: Play| around.sent.contains(&play);
    let is_planned = |play: Play| r.planned.iter().any(|plan| plan.play == Planned::Play(play));
    let mut says = Vec::new();
    if !around.sent.is_empty() {
        let names: Vec<String> = around.sent.iter().map(|play| in_words(*play)).collect();
        says.push(format!("out, and not reported on yet: {}", names.join(", ")));
    }
    // While one of its kind is out, what would be next is no news.
    let kind_is_out = |play: Play| around.sent.iter().any(|out| out.class() == play.class());
    if let Some(next) = r.next_action.as_ref().filter(|next| !kind_is_out(next.play)) {
        let second = next.runner_up.filter(|second| !is_out(*second) && !is_planned(*second));
        let second = second.map_or(String::new(), |second| format!(" (second best: {})", in_words(second)));
        match is_planned(next.play) {
            true if second.is_empty() => {}
            _ => says.push(format!("{}{second}", in_words(next.play))),
        }
    }
    for plan in &r.planned {
        says.push(match plan.play {
            Planned::Play(play) => format!("{} planned for {}", in_words(play), day_and_time(&plan.at)),
            Planned::Rest(Rest::Revisit) => {
                format!("from {} on the lead is worked anew", day_and_time(&plan.at))
            }
        });
    }
    // Where they wait for an answer, the call or letter that comes next is to be that.
    let planned = r.planned.iter().filter_map(|plan| match plan.play {
        Planned::Play(play) => Some(play),
        Planned::Rest(Rest::Revisit) => None,
    });
    let waits = around.sent.iter().copied().chain(planned).any(may_answer);
    let owes = |what: &str| r.diagnosis.would_change.iter().any(|help| help == what);
    let is_late = r.audit.items.iter().any(|i| i.item == "first_touch" && i.state == "missed");
    match says.is_empty() {
        false if waits && owes(AN_ANSWER) => format!("{}; it is to answer what they asked", says.join("; ")),
        false if waits && is_late && owes(A_FIRST_ANSWER) => {
            format!("{}; it is to answer the inquiry", says.join("; "))
        }
        false => says.join("; "),
        true if around.holds_all => "nothing while it is paused".to_owned(),
        true if r.stage == "converted" => "nothing; the sale is made".to_owned(),
        true if r.open_tasks.is_empty() => "nothing; nothing is worth doing now".to_owned(),
        true => "nothing new".to_owned(),
    }
}

/// A call or a letter in which an answer finds its place.
fn may_answer(play: Play) -> bool {
    use Play::*;
    match play {
        FirstCall | SecondCall | CallAgain | Callback | FirstEmail | EmailAgain | OtherChannel | CheckIn => true,
        // Those say already that they answer, or are about something else.
        AnswerCall | AnswerEmail | ContactRepair | ReferralHandoff | Disengage | Review | ConfirmMeeting
        | Reschedule | RoomOpened | ReferralAsk => false,
    }
}

fn in_words(play: Play) -> String {
    match play {
        Play::FirstCall => "a first call",
        Play::SecondCall | Play::CallAgain => "a call",
        Play::Callback => "the call they asked for",
        Play::AnswerCall => "a call that answers them",
        Play::FirstEmail => "a first e-mail",
        Play::EmailAgain => "an e-mail",
        Play::AnswerEmail => "an e-mail that answers them",
        Play::CheckIn => "a check-in by e-mail",
        Play::Disengage => "a polite goodbye",
        Play::ReferralHandoff => "a hand-off to a partner",
        Play::ReferralAsk => "asking whom else they would name",
        Play::Review => "a question to a colleague",
        Play::ContactRepair => "a contact repair",
        Play::ConfirmMeeting => "a word to confirm the meeting",
        Play::Reschedule => "a word to find another day",
        Play::RoomOpened => "a call about the sales room",
        Play::OtherChannel => "a text",
    }
    .to_owned()
}

/// "Sat 2026-04-04 20:00 UTC".
fn day_and_time(text: &str) -> String {
    let day = text.parse::<jiff::Timestamp>().map(|at| at.strftime("%a ").to_string());
    format!("{}{}", day.unwrap_or_default(), moment(text))
}

/// What changed last and why: which cause moved which score by how much, and what has faded since.
fn changed(c: &ChangedOut, r: &LeadRecord) -> String {
    let mut moves = Vec::new();
    if c.from != c.to {
        let verdict = |opinion: &str| opinion.split(' ').next().map(str::to_owned);
        let cause = c.to.split_once('(').map(|(_, cause)| cause.trim_end_matches(')'));
        moves.push(match (c.from.as_str(), cause) {
            ("new", _) => format!("made it {}", c.to),
            (from, Some(cause)) if verdict(from) == verdict(&c.to) => {
                format!(
                    "left it {}, but {} speaks most against it now",
                    verdict(from).unwrap_or_default(),
                    cause_in_words(cause)
                )
            }
            (from, None) if verdict(from) == verdict(&c.to) => format!("left it {from}, with nothing against it"),
            (from, _) => format!("turned it from {from} into {}", c.to),
        });
    }
    for (name, moved) in [("fit", &c.fit), ("engagement", &c.engagement)] {
        // Of what is shown, so that it adds up.
        let tenths = |x: f64| (x * 10.0).round() / 10.0;
        let by = tenths(moved.to.0) - tenths(moved.from.0);
        if by.abs() >= 0.05 {
            moves.push(format!("moved {name} by {} from {} to {}", signed(by), short(moved.from.0), short(moved.to.0)));
        }
    }
    let by = match c.by.split_once(':') {
        Some(("event", event)) => {
            let id = event.rsplit(' ').next().unwrap_or(event);
            let what = c.what.as_deref().unwrap_or("event");
            // A touch of ours makes nobody weak; the silence that it met does.
            let silence = what.starts_with("our ") && c.from != c.to && c.to.ends_with("(interest)");
            format!("{}{what} {id}", if silence { "the silence up to " } else { "" })
        }
        Some(("wake", _)) => "the passing of time".to_owned(),
        Some(("policy", hash)) => format!("the policy {hash}"),
        _ => c.by.clone(),
    };
    let mut says = format!("{}: {by} {}", moment(&c.at), and(&moves));
    let faded = c.engagement.to.0 - r.engagement.0;
    if faded >= 0.05 {
        says.push_str(&format!("; engagement has faded by {} since", short(faded)));
    }
    says
}

fn and(parts: &[String]) -> String {
    match parts {
        [] => "changed nothing that shows".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// The chance of a sale, where it says something about what comes next.
fn chance(r: &LeadRecord) -> String {
    let none = match (r.stage.as_str(), r.verdict.as_str(), r.diagnosis.cause.as_deref()) {
        ("converted", ..) => Some("the sale is made"),
        ("lost", ..) => Some("the deal is lost"),
        ("suppressed", ..) => Some("no sale is to be expected, for nobody may contact them"),
        ("test", ..) => Some("a test buys nothing"),
        (_, "bad", _) => Some("no sale is to be expected"),
        _ => None,
    };
    let c = &r.conversion;
    let when = match (r.verdict.as_str(), r.diagnosis.cause.as_deref()) {
        ("weak", Some("timing")) => ", once its time has come",
        ("weak", Some("interest")) => ", if they ever answer",
        _ => "",
    };
    none.map_or_else(
        || {
            let [p, low, high] = [c.probability.0, c.low.0, c.high.0].map(percent);
            format!("chance of a sale {p} % ({low} to {high} %, by {}){when}", c.basis)
        },
        str::to_owned,
    )
}

/// Whole percents; below one a tenth still tells.
fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent < 1.0 { short(percent) } else { format!("{percent:.0}") }
}

fn scores(out: &mut String, r: &LeadRecord) -> std::fmt::Result {
    writeln!(out, "Grade {}; {}", r.grade, chance(r))?;
    writeln!(out, "Fit {} of 100 ({} % of what we ask about is known)", short(r.fit.0), short(r.fit_known.0 * 100.0))?;
    parts(out, &r.explanation.fit, r.fit.0)?;
    let weighs: f64 = r.explanation.engagement.iter().filter_map(|p| p.made_of.as_ref()).map(|m| m.weight.0).sum();
    let weighs = match r.explanation.engagement.is_empty() {
        true => String::new(),
        false => {
            format!(" (of a weight of {}: 100 × (1 − 2^(−weight / half_points)), see scoring.toml)", short(weighs))
        }
    };
    writeln!(out, "Engagement {} of 100{weighs}", short(r.engagement.0))?;
    if r.explanation.engagement.is_empty() {
        writeln!(out, "           nothing heard or seen from them")?;
    }
    parts(out, &r.explanation.engagement, r.engagement.0)
}

/// The points as they are shown: in tenths that add up to the score that is shown, the rest with the largest part.
fn tenths(parts: &[PointsOut], score: f64) -> Vec<f64> {
    let round = |x: f64| (x * 10.0).round();
    let mut shown: Vec<f64> = parts.iter().map(|p| round(p.points.0)).collect();
    let rest = round(score) - shown.iter().sum::<f64>();
    if let Some(largest) = shown.iter_mut().max_by(|a, b| a.abs().total_cmp(&b.abs())) {
        *largest += rest;
    }
    shown.into_iter().map(|x| x / 10.0).collect()
}

fn parts(out: &mut String, parts: &[PointsOut], score: f64) -> std::fmt::Result {
    for (part, points) in parts.iter().zip(tenths(parts, score)) {
        let event = cited(part.event.as_deref());
        let made_of = part.made_of.as_ref().map_or(String::new(), |m| {
            let (each, days, weight) = (short(m.each.0), short(m.half_life_days.0), short(m.weight.0));
            format!(": {each} points each, half after {days} d, now {weight}")
        });
        writeln!(out, "  {:>7}  {} ({}{made_of}){event}", signed(points), part.because, part.name)?;
    }
    Ok(())
}

fn qualification(out: &mut String, r: &LeadRecord) -> std::fmt::Result {
    let q = &r.qualification;
    match q.score {
        Some(score) => {
            let (score, known) = (short(score.0), short(q.known.0 * 100.0));
            match q.confirmed {
                0 => {
                    let all = [&q.budget, &q.authority, &q.need, &q.timeline];
                    let how = if all.into_iter().flatten().all(|l| l.guessed) { "guessed" } else { "known" };
                    writeln!(
                        out,
                        "Qualification {score} of 100, over the {known} % of it that is {how}; nothing is confirmed"
                    )?;
                }
                n => writeln!(
                    out,
                    "Qualification {score} of 100, over the {known} % of it that is known; {n} confirmed"
                )?,
            }
        }
        None => writeln!(out, "Qualification: nothing is known of budget, authority, need and timeline")?,
    }
    for (name, level) in
        [("budget", &q.budget), ("authority", &q.authority), ("need", &q.need), ("timeline", &q.timeline)]
    {
        match level {
            Some(level) => writeln!(out, "  {name:<10} {}", level_in_words(name, level))?,
            None if q.score.is_some() => writeln!(out, "  {name:<10} not known")?,
            None => {}
        }
    }
    Ok(())
}

fn level_in_words(question: &str, l: &LevelOut) -> String {
    // The words of the contract for the four levels; a timeline's are ours.
    let words = match question {
        "budget" => ["none", "exploring", "planned", "approved"],
        "authority" => ["none", "user", "influencer", "decision maker"],
        "need" => ["none", "weak", "clear", "urgent"],
        _ => ["none", "later, vague or passed", "within a year", "within six months"],
    };
    let word = words.get(usize::from(l.level)).copied().unwrap_or("");
    let how = match &l.because {
        Some(because) => format!("guessed: {because}, {} % sure", short(l.confidence.0 * 100.0)),
        None => "answered".to_owned(),
    };
    format!("{} of 3, {word} ({how})  [{}]", l.level, l.event)
}

fn cited(event: Option<&str>) -> String {
    event.map_or(String::new(), |e| format!("  [{e}]"))
}

/// "2026-03-02T15:04:00Z" as people write it.
fn moment(text: &str) -> String {
    match text.strip_suffix('Z').and_then(|t| t.split_once('T')) {
        Some((day, time)) => format!("{day} {} UTC", time.get(..5).unwrap_or(time)),
        None => text.replace('T', " "),
    }
}

/// One decimal, and none where it is zero.
fn short(x: f64) -> String {
    let text = format!("{x:.1}");
    let text = text.strip_suffix(".0").map_or(text.clone(), str::to_owned);
    if text == "-0" { "0".to_owned() } else { text }
}

/// Two decimals, and none that are zero: what weighs 0.15 must not read as 0.1.
fn hundredths(x: f64) -> String {
    let text = format!("{x:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn signed(x: f64) -> String {
    let text = short(x);
    if x > 0.0 && text != "0" { format!("+{text}") } else { text }
}

#[cfg(test)]
mod tests;
