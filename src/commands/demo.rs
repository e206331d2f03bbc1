//! `gleaner demo`: the shipped sample on virtual time, told lead by lead.
//!
//! Nothing here decides: the sample goes through `crate::replay` under the shipped policy, and what came out is told.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::{Context, Result, anyhow};
use serde_json::Value;

use super::explain::{self, Around};
use super::lead::is_named;
use super::{Output, Usage, write_json};
use crate::domain::lead::Lead;
use crate::domain::time::{Moment, Span};
use crate::domain::working_set::Env;
use crate::reading::keys_named;
use crate::replay::{Replay, Sorter};
use crate::wire::inbound::{Envelope, Inbound, decode};
use crate::wire::record::LeadRecord;

/// Invented leads, one for each way a lead can go.
const SAMPLE: &str = include_str!("../../samples/demo.jsonl");
/// Where its national numbers are read.
const COUNTRY: &str = "US";
/// How long the virtual clock runs on after the last event, so that what was planned comes about.
const AFTERWARDS: Span = Span::days(14);
/// Tasks of one lead that are told in full; the rest is counted.
const TOLD: usize = 6;

/// Runs the sample and tells what happened; of one lead, asked for by a name or a key, the whole page.
///
/// # Errors
/// The output cannot be written, or the sample has no such lead.
pub fn run(asked: Option<&str>, output: Output, out: &mut impl Write, env: Env) -> Result<()> {
    let mut replay = Replay::new(env);
    let settings = Inbound { default_country: Some(COUNTRY.into()), ..Inbound::replay() };
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
    if let Some(asked) = asked {
        return tell_one(&replay, asked, output, out);
    }
    let mut by_lead: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let mut by_queue: BTreeMap<&'static str, u32> = BTreeMap::new();
    let messages: Vec<_> = replay.take_published().collect();
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
    let mut leads = replay.leads();
    leads.sort_by_key(|lead| name_of(lead));
    writeln!(
        out,
        "{events} events about {} invented leads, {count} messages out, on a virtual clock until {until}.",
        leads.len()
    )?;
    for lead in leads {
        // What was sent before two leads turned out to be one person went out under the other's id.
        let ids = std::iter::once(lead.id).chain(lead.conduct.merged_from.iter().copied());
        let mut messages: Vec<Value> = ids.filter_map(|id| by_lead.remove(&id.to_string())).flatten().collect();
        messages.sort_by_key(|m| m["time"].as_str().and_then(|t| t.parse().map(Moment::from_timestamp).ok()));
        tell(out, &name_of(lead), &replay.record(lead), &messages)?;
    }
    writeln!(out, "\nMessages by queue:")?;
    for (queue, n) in &by_queue {
        writeln!(out, "  tasks.{queue:<18} {n}")?;
    }
    writeln!(out, "\nAll that is thought of one of them, and why:  gleaner demo NAME  (such as iris)")?;
    writeln!(out, "The same for your own events:  gleaner replay --events FILE.jsonl --out DIR")?;
    Ok(())
}

/// The name, else the first key.
fn name_of(lead: &Lead) -> String {
    let key = || lead.facts.keys.keys().next().map(|key| key.value.as_str());
    lead.facts.name().or_else(key).unwrap_or_default().to_owned()
}

/// What `gleaner explain` says of one of them.
fn tell_one(replay: &Replay, asked: &str, output: Output, out: &mut impl Write) -> Result<()> {
    let asked = asked.trim();
    let keys = keys_named(asked, COUNTRY);
    let is_it = |lead: &&Lead| {
        let name = name_of(lead);
        let is_their_name = std::iter::once(&*name).chain(name.split(' ')).any(|name| name.eq_ignore_ascii_case(asked));
        is_their_name || is_named(&replay.record(lead), asked, &keys)
    };
    let leads = replay.leads();
    let Some(lead) = leads.iter().copied().find(is_it) else {
        let mut names: Vec<String> = leads.iter().map(|lead| name_of(lead)).collect();
        names.sort();
        return Err(Usage(format!("the sample has no lead {asked:?}; there are {}", names.join(", "))).into());
    };
    let record = replay.record(lead);
    match output {
        Output::Table => write!(
            out,
            "{}",
            explain::render(&record, &Around { judged_at: Some(replay.now()), ..Around::of(lead, replay.policy()) })
        )?,
        Output::Json | Output::Jsonl => write_json(out, &[record], output)?,
    }
    Ok(())
}

fn tell(out: &mut impl Write, name: &str, record: &LeadRecord, messages: &[Value]) -> Result<()> {
    let cause = record.diagnosis.cause.as_ref().map_or(String::new(), |c| format!(", cause {c}"));
    let opinion = match record.stage.as_str() {
        "converted" => "a customer".to_owned(),
        _ => format!("{}{cause}", record.verdict),
    };
    writeln!(out, "\n{name}: {opinion} (grade {}, stage {})", record.grade, record.stage)?;
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
        run(None, Output::Table, &mut out, env).unwrap();
        let text = String::from_utf8(out).unwrap();
        println!("{text}");
        for play in ["first_call", "second_call", "first_email", "contact_repair", "referral_handoff", "disengage"] {
            assert!(text.contains(&format!("({play})")), "the demo shows no {play}");
        }
        assert!(text.matches("\n  ").count() > 24 && text.contains("taken back"));
    }

    #[test]
    fn one_lead_of_the_demo_is_explained_by_its_name_or_a_key() {
        let page = |asked: &str| {
            let env = Env::virtual_time(Arc::new(Policy::shipped(Fictional::Allow).unwrap()));
            let mut out = Vec::new();
            run(Some(asked), Output::Table, &mut out, env).map(|()| String::from_utf8(out).unwrap())
        };
        let iris = page("Iris").unwrap();
        assert!(iris.contains("Known as     email iris@example.com"), "{iris}");
        assert_eq!(page("email:iris@example.com").unwrap(), iris);
        for also in ["(214) 555-0110", "tanaka", "Iris Tanaka"] {
            assert_eq!(page(also).unwrap(), iris, "{also}");
        }
        let error = page("nobody").unwrap_err().to_string();
        assert!(error.contains("no lead \"nobody\"") && error.contains("Iris Tanaka"), "{error}");
    }

    #[test]
    fn what_was_sent_before_two_leads_became_one_is_told_with_the_one() {
        let env = Env::virtual_time(Arc::new(Policy::shipped(Fictional::Allow).unwrap()));
        let (mut told, mut json) = (Vec::new(), Vec::new());
        run(None, Output::Table, &mut told, env.clone()).unwrap();
        run(None, Output::Jsonl, &mut json, env).unwrap();
        let told = String::from_utf8(told).unwrap();
        let lines = told.lines().filter(|l| l.starts_with("  2026-")).count();
        let more =
            told.lines().filter_map(|l| l.strip_prefix("  … and ")?.strip_suffix(" more")?.parse::<usize>().ok());
        assert_eq!(lines + more.sum::<usize>(), String::from_utf8(json).unwrap().lines().count());
    }
}
