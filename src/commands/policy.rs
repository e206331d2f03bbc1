//! `gleaner policy`: check a policy, apply it for all workers, see what is in force, and what another would move.
//!
//! An applied policy lies in the database with its content hash, so that all workers judge by the same one, whatever
//! folder each was started with. A file that is not in a folder is taken from the policy compiled in.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::json;

use super::{Console, Output, counted, differences, write_table};
use crate::control::{self, AppliedPolicy, Rescore};
use crate::domain::diagnosis::{Judgement, judge};
use crate::domain::identity::LeadNo;
use crate::domain::policy::{Policy, SHIPPED};
use crate::domain::time::Span;
use crate::reading::Reader;
use crate::store::Store;

/// Leads judged at once by both policies.
const PAGE: usize = 500;
/// By then a worker that runs has begun to judge the leads by a policy that was applied.
const RESCORE_BEGINS: Span = Span::minutes(1);
/// Leads named as examples of a move.
const EXAMPLES: usize = 3;

/// Puts the files in force for all workers, who judge every lead anew in the background. They were read before, so that
/// what is wrong with them is known.
///
/// # Errors
/// The database does not answer.
pub async fn apply<S: Store>(
    store: &S,
    files: Vec<(String, String)>,
    policy: &Policy,
    output: Output,
    out: &mut impl Write,
) -> Result<()> {
    let now = store.info().await?.now;
    let mut before = None;
    control::change::<AppliedPolicy>(store, |applied| {
        before = Some(applied.hash.clone()).filter(|hash| !hash.is_empty());
        if applied.hash != policy.hash {
            *applied = AppliedPolicy { files: whole(&files), hash: policy.hash.clone(), at: Some(now) };
        }
    })
    .await?;
    if output != Output::Table {
        writeln!(out, "{}", json!({ "policy": policy.hash, "before": before }))?;
        return Ok(());
    }
    match before {
        Some(before) if before == policy.hash => writeln!(out, "The policy {before} was in force already.")?,
        Some(before) => writeln!(out, "The policy {} is in force, instead of {before}.", policy.hash)?,
        None => writeln!(out, "The policy {} is in force, instead of the workers' configured ones.", policy.hash)?,
    }
    writeln!(
        out,
        "Every worker judges by it within a second; leads are judged anew in the background, and what that causes \
         leaves at the pace of act.max_tasks_per_queue_per_minute. `gleaner policy show` says how far it is."
    )?;
    Ok(())
}

/// All files of the policy: an applied one must not change when the program is updated.
fn whole(files: &[(String, String)]) -> Vec<(String, String)> {
    let given = |name: &str| files.iter().find(|(n, _)| n == name).map(|(_, text)| text.clone());
    SHIPPED.iter().map(|(name, text)| ((*name).to_owned(), given(name).unwrap_or_else(|| (*text).to_owned()))).collect()
}

/// The files that were applied for all workers and their hash, if any were.
///
/// # Errors
/// The database does not answer.
pub async fn applied<S: Store>(store: &S) -> Result<Option<(Vec<(String, String)>, String)>> {
    let (_, applied) = control::read::<AppliedPolicy>(store).await?;
    Ok(Some((applied.files, applied.hash)).filter(|(files, _)| !files.is_empty()))
}

/// One file of a policy, for a person to read, to copy and to edit; where the policy lacks it, the shipped one that
/// counts instead.
///
/// # Errors
/// It cannot be written.
pub fn show_file(
    files: &[(String, String)],
    hash: &str,
    name: &str,
    output: Output,
    out: &mut impl Write,
) -> Result<()> {
    let files = whole(files);
    let text = files.iter().find(|(n, _)| n == name).map_or("", |(_, text)| text);
    match output {
        Output::Table => write!(out, "{text}")?,
        _ => writeln!(out, "{}", json!({ "policy": hash, "file": name, "text": text }))?,
    }
    Ok(())
}

/// What would be in force, where no worker has run yet.
///
/// # Errors
/// It cannot be written.
pub fn show_unapplied(policy: &Policy, missing: &Path, output: Output, out: &mut impl Write) -> Result<()> {
    let hash = &policy.hash;
    match output {
        Output::Table => writeln!(
            out,
            "There is no database at {} yet: a worker that makes it judges by the configured policy, {hash}. Where a \
             worker has run elsewhere, go to its folder, give its --config FILE, or set `store.url`.",
            missing.display()
        )?,
        _ => {
            let told = json!({ "policy": hash, "applied_at": null, "configured": hash, "rescore": null });
            writeln!(out, "{told}")?;
        }
    }
    Ok(())
}

/// What is in force, since when, and how far its re-score is.
///
/// # Errors
/// The database does not answer.
pub async fn show<S: Store>(store: &S, configured: &Policy, output: Output, out: &mut impl Write) -> Result<()> {
    let (_, applied) = control::read::<AppliedPolicy>(store).await?;
    let (_, rescore) = control::read::<Rescore>(store).await?;
    let now = store.info().await?.now;
    let in_force = if applied.files.is_empty() { &configured.hash } else { &applied.hash };
    let rescore = Some(rescore).filter(|r| r.policy == *in_force);
    if output != Output::Table {
        let told = json!({
            "policy": in_force,
            "applied_at": applied.at.map(|at| at.to_string()),
            "configured": configured.hash,
            "rescore": rescore.map(|r| json!({ "leads": r.leads, "done": r.is_done,
                "began": r.began.map(|at| at.to_string()), "ended": r.ended.map(|at| at.to_string()) })),
        });
        writeln!(out, "{told}")?;
        return Ok(());
    }
    match applied.at {
        Some(at) => writeln!(out, "The policy {in_force} is in force for all workers; it was applied at {at}.")?,
        None => writeln!(out, "No policy was applied: each worker judges by its configured one, here {in_force}.")?,
    }
    if applied.at.is_some() && configured.hash != *in_force {
        writeln!(out, "The configured one ({}) is not used while another is applied.", configured.hash)?;
    }
    let applied_just_now = applied.at.is_some_and(|at| now - at < RESCORE_BEGINS);
    match rescore {
        Some(r) if r.is_done => writeln!(
            out,
            "All leads are judged by it: {} when it was applied, each since as it came.",
            counted(r.leads, "lead")
        )?,
        Some(r) => {
            writeln!(out, "{} judged by it so far; the others follow in the background.", counted(r.leads, "lead"))?
        }
        None if applied_just_now => {
            writeln!(out, "It was applied just now; the leads are judged by it within seconds.")?
        }
        None if applied.at.is_some() => writeln!(out, "The leads are not judged by it yet: is a worker running?")?,
        None => {}
    }
    Ok(())
}

/// What another policy changes: its values, and the verdicts of the leads there are. `configured` are the files that
/// count where no policy was applied.
///
/// # Errors
/// The database does not answer.
pub async fn diff<S: Store>(
    reader: &Reader<S>,
    configured: &[(String, String)],
    files: &[(String, String)],
    other: &Policy,
    output: Output,
    out: &mut impl Write,
    console: &mut Console,
) -> Result<()> {
    let (_, applied) = control::read::<AppliedPolicy>(&reader.store).await?;
    let (in_force, world) = (reader.policy(), reader.world());
    let before = if applied.files.is_empty() { configured } else { &applied.files };
    let values = changed_values(before, files);
    let now = reader.now().await?;
    let (mut moves, mut judged, mut after) = (BTreeMap::<(String, String), Move>::new(), 0_u64, LeadNo(0));
    let (mut fit, mut engagement, mut grades) = (Shift::default(), Shift::default(), 0_u64);
    while let Some((leads, last)) = reader.page(after, PAGE).await.context("cannot judge the leads")? {
        after = last;
        for lead in &leads {
            let [was, would] = [&in_force, other].map(|policy| judge(&lead.facts, policy, &world.givers, now));
            judged += 1;
            fit.add(would.fit.score - was.fit.score);
            engagement.add(would.engagement.score - was.engagement.score);
            grades += u64::from(was.grade != would.grade);
            let (from, to) = (opinion(&was), opinion(&would));
            if from != to {
                let found = moves.entry((from, to)).or_default();
                found.leads += 1;
                if found.examples.len() < EXAMPLES {
                    found.examples.push(lead.id.to_string());
                }
            }
        }
        console.progress(|| format!("{judged} leads judged by both"));
    }
    console.end_progress();
    if output != Output::Table {
        let moves: Vec<_> = moves
            .iter()
            .map(|((from, to), m)| json!({ "from": from, "to": to, "leads": m.leads, "examples": m.examples }))
            .collect();
        let values: Vec<_> =
            values.iter().map(|[at, from, to]| json!({ "value": at, "from": from, "to": to })).collect();
        let told = json!({ "from": in_force.hash, "to": other.hash, "values": values, "judged": judged, "moves": moves,
            "fit": fit.json(), "engagement": engagement.json(), "grades": grades });
        writeln!(out, "{told}")?;
        return Ok(());
    }
    if in_force.hash == other.hash {
        writeln!(out, "The policy {} is the one in force.", other.hash)?;
        return Ok(());
    }
    writeln!(out, "From {} to {}: {}.", in_force.hash, other.hash, counted(values.len() as u64, "changed value"))?;
    if !values.is_empty() {
        write_table(out, ["value", "in force", "there"], &values)?;
    }
    let moved: u64 = moves.values().map(|m| m.leads).sum();
    writeln!(out, "\nOf {} judged by both as of now, {}.", counted(judged, "lead"), differences(moved, grades))?;
    if !moves.is_empty() {
        let rows: Vec<[String; 4]> =
            moves.into_iter().map(|((from, to), m)| [m.leads.to_string(), from, to, m.examples.join(", ")]).collect();
        write_table(out, ["leads", "in force", "there", "for example"], &rows)?;
    }
    writeln!(out, "\n{}", fit.told("Fit"))?;
    writeln!(out, "{}", engagement.told("Engagement"))?;
    writeln!(
        out,
        "What would be sent is not compared here, only what is thought. For that, work past events twice: \
         `gleaner replay --events FILE --out WAS`, then with `--policy DIR --compare WAS`."
    )?;
    Ok(())
}

/// By how much a score differs, for those leads for which it can be seen.
#[derive(Default)]
struct Shift(Vec<f64>);

impl Shift {
    /// Less is not seen where scores are shown.
    const SEEN: f64 = 0.05;

    fn add(&mut self, by: f64) {
        if by.abs() >= Shift::SEEN {
            self.0.push(by);
        }
    }

    /// The least, the median and the most.
    fn spread(&mut self) -> Option<[f64; 3]> {
        self.0.sort_by(f64::total_cmp);
        Some([*self.0.first()?, *self.0.get(self.0.len() / 2)?, *self.0.last()?])
    }

    fn told(&mut self, what: &str) -> String {
        match self.spread() {
            None => format!("{what} is the same for all."),
            Some([least, median, most]) => format!(
                "{what} differs for {}, by {least:+.1} to {most:+.1} points (median {median:+.1}).",
                counted(self.0.len() as u64, "lead")
            ),
        }
    }

    fn json(&mut self) -> serde_json::Value {
        let spread = self.spread();
        json!({ "leads": self.0.len(), "least": spread.map(|s| s[0]), "median": spread.map(|s| s[1]), "most": spread.map(|s| s[2]) })
    }
}

#[derive(Default)]
struct Move {
    leads: u64,
    examples: Vec<String>,
}

/// Verdict and cause in words.
fn opinion(j: &Judgement<'_>) -> String {
    match j.cause {
        Some(cause) => format!("{} ({})", j.verdict.name(), cause.name()),
        None => j.verdict.name().to_owned(),
    }
}

/// Values that differ, each with its place: file, table, key.
fn changed_values(before: &[(String, String)], after: &[(String, String)]) -> Vec<[String; 3]> {
    let (before, after) = (values_of(before), values_of(after));
    let mut places: Vec<&String> = before.keys().chain(after.keys()).collect();
    places.sort();
    places.dedup();
    let told = |value: Option<&String>| value.cloned().unwrap_or_else(|| "-".into());
    places
        .into_iter()
        .filter(|place| before.get(*place) != after.get(*place))
        .map(|place| [place.clone(), told(before.get(place)), told(after.get(place))])
        .collect()
}

fn values_of(files: &[(String, String)]) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    for (name, text) in whole(files) {
        if name.ends_with(".tsv") {
            learned(&name, &text, &mut out);
            continue;
        }
        // It was read as a policy before, so it is TOML.
        if let Ok(table) = text.parse::<toml::Table>() {
            flatten(&name, &toml::Value::Table(table), &mut out);
        }
    }
    out
}

/// The bars one by one; of the thousands of weights, which are learned together, only that they are others.
fn learned(name: &str, text: &str, out: &mut BTreeMap<String, String>) {
    let mut weights = Vec::new();
    for line in text.lines().filter(|l| !l.is_empty() && !l.starts_with('#')) {
        match line.strip_prefix("bar\t").and_then(|bar| bar.split_once('\t')) {
            Some((label, bars)) => drop(out.insert(format!("{name} bar {label}"), bars.replace('\t', " "))),
            None => weights.push(line.as_bytes()),
        }
    }
    let digest = crate::domain::identity::digest_16(&weights);
    out.insert(format!("{name} weights"), format!("{} lines, {}", weights.len(), hex::encode(&digest[..4])));
}

fn flatten(at: &str, value: &toml::Value, out: &mut BTreeMap<String, String>) {
    match value {
        toml::Value::Table(table) => {
            for (key, value) in table {
                flatten(&format!("{at} {key}"), value, out);
            }
        }
        toml::Value::Array(rows) if rows.iter().any(toml::Value::is_table) => {
            for (i, row) in rows.iter().enumerate() {
                // A rule is known by its name; its place in the list says nothing.
                let name = row.get("name").or_else(|| row.get("id")).and_then(toml::Value::as_str);
                let name = name.map_or_else(|| format!("#{}", i + 1), str::to_owned);
                flatten(&format!("{at} {name}"), row, out);
            }
        }
        other => drop(out.insert(at.to_owned(), other.to_string())),
    }
}

/// Whether a policy is right, in one sentence; what is wrong with one was told when it was read.
///
/// # Errors
/// The answer cannot be written.
pub fn check(policy: &Policy, from: &str, output: Output, out: &mut impl Write) -> Result<()> {
    match output {
        Output::Table => writeln!(out, "The policy {from} is right; its content hash is {}.", policy.hash)?,
        Output::Json | Output::Jsonl => writeln!(out, "{}", json!({ "policy": policy.hash, "right": true }))?,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_value_is_told_with_its_place() {
        let before: Vec<_> = SHIPPED.map(|(name, text)| (name.to_owned(), text.to_owned())).into();
        let mut after = before.clone();
        let plays = after.iter_mut().find(|(name, _)| name == "plays.toml").unwrap();
        plays.1 = plays.1.replacen("value_of_win = 500.0", "value_of_win = 750.0", 1);
        let changed = changed_values(&before, &after);
        assert_eq!(changed, [["plays.toml value_of_win".to_owned(), "500.0".into(), "750.0".into()]]);
        assert!(changed_values(&before, &[]).is_empty(), "a file that is not there is the shipped one");
    }
}
