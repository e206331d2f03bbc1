//! `gleaner explain`: a lead in the words of a colleague, the sentence first, then why, what changed, and the numbers.
//!
//! Renders a lead record, so that it says what the record says; finding the lead is the caller's work. The first sentence is
//! in `headline`, what comes next in `next`, what we did in `ours`, the numbers in `scores`.

mod around;
mod headline;
mod next;
mod ours;
mod scores;
mod wording;

use std::fmt::Write;

pub use around::{Around, Aside, Unreported};
use around::{it, unreported};
use headline::{channel_in_words, humanly};
pub use headline::{headline, why_call};
use next::{changed, next};
use ours::audit;
use scores::{qualification, scores};
use wording::{cited, hundredths, moment};

use crate::domain::audit::{A_CHECK_IN, A_PARTNER};
use crate::domain::event::Channel;
use crate::domain::task::Play;
use crate::wire::record::LeadRecord;

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
        let mut shares: Vec<_> = r.diagnosis.shares.iter().filter(|(_, share)| share.0 > 0.0).collect();
        shares.sort_by(|a, b| b.1.0.total_cmp(&a.1.0));
        let shares: Vec<String> = shares.iter().map(|(cause, s)| format!("{cause} {}", hundredths(s.0))).collect();
        writeln!(
            out,
            "  Shares: {} (above weak_share it is weak; above bad_share bad, once nothing is owed)",
            shares.join(", ")
        )?;
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

#[cfg(test)]
mod tests;
