//! The report in words and columns.

use std::io::Write;

use anyhow::Result;

use super::super::{counted, write_table};
use super::{List, Report, Source};
use crate::domain::time::Moment;

/// From so many leads on a share says something about a source. [J]
const ENOUGH: u64 = 10;
/// Shares above which a source is pointed at. [J]
const MANY: f64 = 0.2;

pub(super) fn write(out: &mut impl Write, r: &Report) -> Result<()> {
    writeln!(out, "{} as of {}.", counted(r.leads, "lead"), minute(r.as_of))?;
    if let Some(paused) = &r.paused {
        writeln!(out, "Paused: {paused}. What the desks have already is theirs to stop.")?;
    }

    heading(out, "Whom to call now, and why", &r.call_now, "Nobody: no call is out that may be made now.")?;
    for line in &r.call_now.first {
        let who = line.name.as_deref().unwrap_or("(no name)");
        let number = line.number.as_deref().unwrap_or("(no number)");
        writeln!(out, "  {number}  {who}, {}, until {}", line.play.replace('_', " "), minute(line.until))?;
        writeln!(out, "      {}  [{}]", line.why, line.lead_id)?;
    }

    section(out, "How fast we were, by source", r.first_touch.is_empty(), "Nobody has asked for anything yet.")?;
    let cells: Vec<[String; 7]> = r
        .first_touch
        .iter()
        .map(|(source, f)| {
            let median = f.median_minutes.map_or("-".to_owned(), |m| format!("{m} min"));
            [
                source.clone(),
                f.inquiries.to_string(),
                f.in_time.to_string(),
                f.late.to_string(),
                f.never.to_string(),
                f.open.to_string(),
                median,
            ]
        })
        .collect();
    table(out, ["source", "inquiries", "in time", "late", "never", "still time", "median"], &cells)?;

    heading(out, "Called bad, but our fault", &r.our_fault, "Nothing that we know of.")?;
    for line in &r.our_fault.first {
        let by = if line.called_bad_by == "lost" { "lost" } else { "called bad" };
        writeln!(out, "  {}  {by}: {}", line.lead_id, line.because)?;
    }

    heading(out, "Promises at risk", &r.promises, "None.")?;
    for line in &r.promises.first {
        let state = if line.is_overdue { "overdue" } else { "soon" };
        let who = line.name.as_deref().unwrap_or("(no name)");
        let number = line.number.as_deref().unwrap_or("(no number)");
        writeln!(out, "  {number}  {who}, promised for {} ({state})  [{}]", minute(line.promised), line.lead_id)?;
    }

    heading(out, "They asked, and nobody answered", &r.unanswered, "Nobody whom we could serve waits for us.")?;
    for line in &r.unanswered.first {
        let who = line.name.as_deref().unwrap_or("(no name)");
        writeln!(out, "  {who}: {}  [{}]", line.because, line.lead_id)?;
    }

    section(out, "Blocked, and why", r.blocked.is_empty(), "Nobody.")?;
    let mut blocked: Vec<(&&str, &u64)> = r.blocked.iter().collect();
    blocked.sort_by_key(|(_, n)| std::cmp::Reverse(**n));
    for (why, n) in blocked {
        writeln!(out, "  {n:>6}  {why}")?;
    }

    section(out, "What became of each play's tasks", r.plays.is_empty(), "None has been counted yet.")?;
    let cells: Vec<[String; 6]> = r
        .plays
        .iter()
        .map(|(play, p)| {
            let t = &p.tally;
            let [made, done, failed, rejected, expired] =
                [t.made, t.done, t.failed, t.rejected, t.expired].map(|n| n.to_string());
            [play.replace('_', " "), made, done, failed, rejected, expired]
        })
        .collect();
    table(out, ["play", "made", "done", "failed", "rejected", "no report"], &cells)?;

    section(out, "Where leads come from", r.sources.is_empty(), "Nobody said.")?;
    let rows = || r.sources.iter().flat_map(|(kind, by_name)| by_name.iter().map(move |(name, s)| (*kind, name, s)));
    let cells: Vec<[String; 7]> = rows()
        .map(|(kind, name, s)| {
            let [leads, promising, bogus, contact, won] =
                [s.leads, s.promising, s.bogus, s.contact, s.won].map(|n| n.to_string());
            [kind.to_owned(), name.clone(), leads, promising, bogus, contact, won]
        })
        .collect();
    table(out, ["kind", "name", "leads", "promising", "bogus", "bad contact", "won"], &cells)?;
    for (kind, name, source) in rows() {
        if let Some(why) = suspicious(source) {
            writeln!(out, "  Look at the {kind} {name}: {why}.")?;
        }
    }
    Ok(())
}

/// What is wrong with a source, if it is.
fn suspicious(s: &Source) -> Option<String> {
    let share = |n: u64| n as f64 / s.leads as f64;
    let many = |n: u64| s.leads >= ENOUGH && share(n) > MANY;
    let told = |n: u64, what: &str| format!("{:.0} % of its {} leads {what}", share(n) * 100.0, s.leads);
    match (many(s.bogus), many(s.contact)) {
        (true, _) => Some(told(s.bogus, "are nobody real")),
        (false, true) => Some(told(s.contact, "have numbers or addresses that do not work")),
        (false, false) => None,
    }
}

fn section(out: &mut impl Write, title: &str, is_empty: bool, nothing: &str) -> Result<()> {
    writeln!(out, "\n{title}")?;
    if is_empty {
        writeln!(out, "  {nothing}")?;
    }
    Ok(())
}

fn heading<T>(out: &mut impl Write, title: &str, list: &List<T>, nothing: &str) -> Result<()> {
    let more = list.count as usize > list.first.len();
    let title = if more { format!("{title} ({} of {})", list.first.len(), list.count) } else { title.to_owned() };
    section(out, &title, list.count == 0, nothing)
}

fn table<const N: usize>(out: &mut impl Write, head: [&str; N], cells: &[[String; N]]) -> Result<()> {
    if cells.is_empty() {
        return Ok(());
    }
    let mut text = Vec::new();
    write_table(&mut text, head, cells)?;
    for line in String::from_utf8_lossy(&text).lines() {
        writeln!(out, "  {line}")?;
    }
    Ok(())
}

/// An instant to the minute: nobody reads further.
fn minute(at: Moment) -> String {
    let text = at.to_string();
    match text.get(..16) {
        Some(minute) => format!("{} UTC", minute.replace('T', " ")),
        None => text,
    }
}
