//! Two result folders held against each other: whose verdict moved, and what each play was used for.
//!
//! Leads are matched by their keys, which two replays agree on whatever the lead ids are.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::commands::{Usage, counted, differences, write_table};

/// Leads named as examples of a move, and moves that the terminal shows.
const SHOWN: usize = 10;

/// What differs between these results and another folder's.
#[derive(Debug)]
pub struct Comparison {
    /// In both folders.
    pub leads: u64,
    /// From one verdict and cause to another; by how many leads.
    pub moved: BTreeMap<String, u64>,
    /// Leads of another grade, whatever became of verdict and cause.
    pub grades: u64,
    only_there: u64,
    only_here: u64,
    examples: Vec<Value>,
    was: Value,
    is: Value,
}

/// Whether a folder has results to compare with, and is not the one to be written.
///
/// # Errors
/// It has none, or is.
pub fn check(out: &Path, other: &Path) -> Result<()> {
    let same = |a: &Path, b: &Path| {
        std::fs::canonicalize(a).ok().zip(std::fs::canonicalize(b).ok()).is_some_and(|(a, b)| a == b)
    };
    if same(out, other) || out == other {
        let why =
            format!("--compare {} is the folder that --out would write over; give --out another", other.display());
        return Err(Usage(why).into());
    }
    for name in ["leads.jsonl", "summary.json"] {
        if !other.join(name).is_file() {
            let why = "--compare takes the --out of an earlier replay";
            return Err(Usage(format!("there is no {name} in {}: {why}", other.display())).into());
        }
    }
    Ok(())
}

/// Compares what is in `out` now with `other`, and writes it to `compare.json` in `out`.
///
/// # Errors
/// A file that cannot be read or written.
pub fn compare(out: &Path, other: &Path) -> Result<Comparison> {
    let (ours, theirs) = (records(out)?, records(other)?);
    let mut moved = BTreeMap::<String, u64>::new();
    let (mut leads, mut grades, mut only_there) = (0, 0, 0);
    let mut examples = Vec::new();
    for (keys, theirs) in &theirs {
        let Some(ours) = ours.get(keys) else {
            only_there += 1;
            continue;
        };
        leads += 1;
        grades += u64::from(ours["grade"] != theirs["grade"]);
        let opinion = |r: &Value| format!("{} ({})", text(&r["verdict"]), text(&r["diagnosis"]["cause"]));
        if opinion(ours) != opinion(theirs) {
            *moved.entry(format!("{} → {}", opinion(theirs), opinion(ours))).or_default() += 1;
            if examples.len() < SHOWN {
                examples.push(json!({ "lead_id": ours["lead_id"], "was": opinion(theirs), "is": opinion(ours) }));
            }
        }
    }
    let only_here = ours.keys().filter(|k| !theirs.contains_key(*k)).count() as u64;
    let (was, is) = (plays(other)?, plays(out)?);
    let comparison = Comparison { leads, moved, grades, only_there, only_here, examples, was, is };
    let path = out.join("compare.json");
    std::fs::write(&path, format!("{:#}\n", comparison.json()))
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(comparison)
}

impl Comparison {
    pub fn json(&self) -> Value {
        json!({ "leads": self.leads, "only_there": self.only_there, "only_here": self.only_here, "opinions_moved": self.moved,
            "grades_moved": self.grades, "examples": self.examples, "plays": { "was": self.was, "is": self.is } })
    }

    /// The same for people, short.
    ///
    /// # Errors
    /// The answer cannot be written.
    pub fn write(&self, out: &mut impl Write, other: &Path) -> Result<()> {
        let total: u64 = self.moved.values().sum();
        let (other, leads) = (other.display(), counted(self.leads, "lead"));
        writeln!(out, "\nAgainst {other}: of {leads} in both, {}.", differences(total, self.grades))?;
        for (count, place) in [(self.only_there, "there"), (self.only_here, "here")] {
            if count > 0 {
                writeln!(out, "  {count:>6}  only {place}")?;
            }
        }
        let mut moves: Vec<(&String, &u64)> = self.moved.iter().collect();
        moves.sort_by_key(|(_, leads)| std::cmp::Reverse(**leads));
        for (how, leads) in moves.iter().take(SHOWN) {
            writeln!(out, "  {leads:>6}  {how}")?;
        }
        if moves.len() > SHOWN {
            writeln!(out, "  … and {} more ways", moves.len() - SHOWN)?;
        }
        let count = |plays: &Value, name: &str| plays[name].as_u64().unwrap_or(0);
        let names = [&self.was, &self.is].into_iter().filter_map(Value::as_object).flat_map(|plays| plays.keys());
        let names: std::collections::BTreeSet<&String> = names.collect();
        let rows: Vec<[String; 3]> = names
            .into_iter()
            .filter(|name| count(&self.was, name) != count(&self.is, name))
            .map(|name| [name.clone(), count(&self.was, name).to_string(), count(&self.is, name).to_string()])
            .collect();
        if !rows.is_empty() {
            write_table(out, ["play", "there", "here"], &rows)?;
        }
        writeln!(out, "More is in compare.json.")?;
        Ok(())
    }
}

fn plays(dir: &Path) -> Result<Value> {
    let path = dir.join("summary.json");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(serde_json::from_str::<Value>(&text)?["plays"].take())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("none")
}

/// Records of a result folder by their keys.
fn records(dir: &Path) -> Result<BTreeMap<String, Value>> {
    let path = dir.join("leads.jsonl");
    let file = File::open(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut out = BTreeMap::new();
    for line in BufReader::new(file).lines() {
        let record: Value =
            serde_json::from_str(&line?).with_context(|| format!("{} holds a broken line", path.display()))?;
        out.insert(record["keys"].to_string(), record);
    }
    Ok(out)
}
