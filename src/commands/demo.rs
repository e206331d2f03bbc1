//! `gleaner demo`: the shipped sample on virtual time, told lead by lead.
//!
//! Nothing here decides: the sample goes through `crate::replay` under the shipped policy, and what came out is told.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::{Context, Result, anyhow};
use serde_json::Value;

use super::{Output, write_json};
use crate::domain::time::{Moment, Span};
use crate::domain::working_set::Env;
use crate::replay::{Replay, Sorter};
use crate::wire::inbound::{Envelope, Inbound, decode};
use crate::wire::record::LeadRecord;

/// Invented leads, one for each way a lead can go.
const SAMPLE: &str = include_str!("../../samples/demo.jsonl");
/// How long the virtual clock runs on after the last event, so that what was planned comes about.
const AFTERWARDS: Span = Span::days(14);
/// Tasks of one lead that are told in full; the rest is counted.
const TOLD: usize = 6;

/// Runs the sample and tells what happened.
///
/// # Errors
/// The output cannot be written.
pub fn run(output: Output, out: &mut impl Write, env: Env) -> Result<()> {
    let mut replay = Replay::new(env);
    let settings = Inbound { default_country: Some("US".into()), ..Inbound::replay() };
    let mut sorter = Sorter::new(None);
    let mut events = 0;
    for line in SAMPLE.lines() {
        let event = decode(&Envelope::bare(line.as_bytes()), Moment::MIN, &settings)
            .map_err(|refusal| anyhow!("the shipped sample has a broken line: {refusal}"))?;
        events += 1;
        sorter.push(event, ());
    }
    for (event, ()) in sorter.finish() {
        replay.apply(&event);
    }
    let until = replay.now() + AFTERWARDS;
    replay.finish(until);
    let mut by_lead: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let mut by_queue: BTreeMap<&'static str, u32> = BTreeMap::new();
    let messages = replay.take_published();
    if output != Output::Table {
        let bodies = messages.iter().map(|m| serde_json::from_slice(&m.body)).collect::<Result<Vec<Value>, _>>()?;
        return write_json(out, &bodies, output);
    }
    let count = messages.len();
    for message in messages {
        *by_queue.entry(message.queue).or_default() += 1;
        let body: Value = serde_json::from_slice(&message.body).context("a task is no JSON")?;
        by_lead.entry(body["subject"].as_str().unwrap_or_default().to_owned()).or_default().push(body);
    }
    let records: Vec<LeadRecord> = replay.leads().into_iter().map(|l| replay.record(l)).collect();
    writeln!(
        out,
        "{events} events about {} invented leads, {count} messages out, on a virtual clock until {until}.",
        records.len()
    )?;
    let mut records: Vec<(String, LeadRecord)> = records.into_iter().map(|r| (name_of(&r, &by_lead), r)).collect();
    records.sort_by(|a, b| a.0.cmp(&b.0));
    for (name, record) in &records {
        tell(out, name, record, by_lead.get(&record.lead_id.to_string()).map_or(&[], Vec::as_slice))?;
    }
    writeln!(out, "\nMessages by queue:")?;
    for (queue, n) in &by_queue {
        writeln!(out, "  tasks.{queue:<18} {n}")?;
    }
    writeln!(out, "\nThe same for your own events:  gleaner replay --events FILE.jsonl --out DIR")?;
    Ok(())
}

/// The name downstream sees, else the first key: a lead that nobody may contact leaves no task to read it from.
fn name_of(record: &LeadRecord, tasks: &BTreeMap<String, Vec<Value>>) -> String {
    let named = tasks
        .get(&record.lead_id.to_string())
        .and_then(|tasks| tasks.iter().find_map(|t| t["data"]["contact"]["name"].as_str()));
    named.map(str::to_owned).or_else(|| record.keys.values().flatten().next().cloned()).unwrap_or_default()
}

fn tell(out: &mut impl Write, name: &str, record: &LeadRecord, messages: &[Value]) -> Result<()> {
    let cause = record.diagnosis.cause.as_ref().map_or(String::new(), |c| format!(", cause {c}"));
    writeln!(out, "\n{name}: {}{cause} (grade {}, stage {})", record.verdict, record.grade, record.stage)?;
    for evidence in record.diagnosis.evidence.iter().take(4) {
        writeln!(out, "    {}", evidence.because)?;
    }
    for message in messages.iter().take(TOLD) {
        let data = &message["data"];
        let time = message["time"].as_str().unwrap_or_default();
        if let Some(why) = data["why"].as_str() {
            let revoked = messages.iter().find(|m| m["id"] == data["revokes"]);
            let what = revoked.map_or("a task", |m| m["data"]["play"].as_str().unwrap_or("a task"));
            writeln!(out, "  {time}  taken back: {what}, because {why}")?;
            continue;
        }
        let (play, kind) = (data["play"].as_str().unwrap_or_default(), data["kind"].as_str().unwrap_or_default());
        let by = data["channel"]
            .as_str()
            .or_else(|| data["partner"]["id"].as_str())
            .map_or(String::new(), |c| format!(" by {c}"));
        writeln!(out, "  {time}  {kind}{by} ({play}): {}", data["reason"]["summary"].as_str().unwrap_or_default())?;
    }
    if messages.len() > TOLD {
        writeln!(out, "  … and {} more", messages.len() - TOLD)?;
    }
    if messages.is_empty() {
        writeln!(out, "  nothing was sent")?;
    }
    for plan in &record.planned {
        writeln!(out, "  planned: {} at {}", plan.play.name(), plan.at)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::policy::{Fictional, Policy};

    #[test]
    fn the_demo_shows_a_dozen_leads_turning_into_different_tasks() {
        let env = Env::virtual_time(Arc::new(Policy::shipped(Fictional::Allow).unwrap()));
        let mut out = Vec::new();
        run(Output::Table, &mut out, env).unwrap();
        let text = String::from_utf8(out).unwrap();
        println!("{text}");
        for play in ["first_call", "second_call", "first_email", "contact_repair", "referral_handoff", "disengage"] {
            assert!(text.contains(&format!("({play})")), "the demo shows no {play}");
        }
        assert!(text.matches("\n  ").count() > 24 && text.contains("taken back"));
    }
}
