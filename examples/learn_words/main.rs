//! Learns `config/policy/cues.tsv` from the texts in `tests/fixtures/words/seen`.
//!
//! `cargo run --release --example learn_words` prints how well texts are read whose writer was left out of the learning;
//! with `-- --write` the file is written as well. The same texts give the same file. A writer is the part of a file's
//! name before the first underscore. The lexicon was written with the texts of some of them in sight, so that only the
//! others tell how far its findings are to be trusted.

mod linear;
mod measure;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result};
use gleaner::domain::time::{Moment, Zone};
use gleaner::domain::words::{Label, Lexicon, Medium, UNIT, cues, read};
use linear::Model;
use measure::Bars;

const LABELS: usize = Label::ALL.len();
/// The lexicon was written with their texts in sight.
const KNOWN_TO_THE_LEXICON: [&str; 3] = ["batch", "first", "plain"];

#[derive(Clone)]
struct Case {
    writer: String,
    labels: [bool; LABELS],
    /// What the lexicon alone found: 0 nothing, 1 likely, 2 clearly.
    lexicon: [u8; LABELS],
    cues: BTreeSet<u32>,
}

fn main() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut names = HashMap::new();
    let cases = cases(&root.join("tests/fixtures/words/seen"), &mut names)?;
    let writers: BTreeSet<&str> =
        cases.iter().map(|c| c.writer.as_str()).filter(|w| !KNOWN_TO_THE_LEXICON.contains(w)).collect();
    println!("{} texts, {} cues", cases.len(), names.len());

    let mut shares = vec![0.0; names.len()];
    names.iter().for_each(|(name, id)| shares[*id as usize] = Model::share(name));
    // Each text as seen by a model that learned nothing from its writer.
    let mut sums = vec![[0.0; LABELS]; cases.len()];
    for writer in &writers {
        let others: Vec<&Case> = cases.iter().filter(|c| c.writer != *writer).collect();
        let model = Model::learn(&others, &shares);
        for (case, sums) in cases.iter().zip(&mut sums).filter(|(c, _)| c.writer == *writer) {
            *sums = model.sums(case);
        }
    }
    let rows: Vec<(&Case, [f32; LABELS])> =
        cases.iter().zip(sums).filter(|(c, _)| writers.contains(c.writer.as_str())).collect();
    measure::print(&rows, &writers);

    if std::env::args().any(|a| a == "--write") {
        let all: Vec<&Case> = cases.iter().collect();
        let path = root.join("config/policy/cues.tsv");
        let old = std::fs::read_to_string(&path)?;
        std::fs::write(&path, file(&old, &names, &Model::learn(&all, &shares), &measure::bars(&rows)))?;
    }
    Ok(())
}

fn cases(dir: &Path, names: &mut HashMap<String, u32>) -> Result<Vec<Case>> {
    let lexicon = Lexicon::shipped().clone().without_cues();
    let mut files: Vec<_> = std::fs::read_dir(dir)?.map(|f| f.map(|f| f.path())).collect::<Result<_, _>>()?;
    files.sort();
    let mut cases = Vec::new();
    for path in files {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let writer = name.split('_').next().unwrap_or_default();
        for line in std::fs::read_to_string(&path)?.lines() {
            let fault = || format!("{}: {line}", path.display());
            cases.push(case(&lexicon, writer, line, names).with_context(fault)?);
        }
    }
    Ok(cases)
}

fn case(lexicon: &Lexicon, writer: &str, line: &str, names: &mut HashMap<String, u32>) -> Result<Case> {
    let v: serde_json::Value = serde_json::from_str(line)?;
    let s = |key: &str| v[key].as_str().with_context(|| format!("{key} is missing"));
    let (text, medium) = (s("text")?, Medium::from_name(s("medium")?).context("unknown medium")?);
    let zone = Zone::named(s("zone")?).context("unknown zone")?;
    let at = Moment::from_timestamp(s("at")?.parse()?);
    let mut case =
        Case { writer: writer.to_owned(), labels: [false; LABELS], lexicon: [0; LABELS], cues: BTreeSet::new() };
    for label in v["labels"].as_array().context("labels are missing")? {
        let label = label.as_str().and_then(Label::from_name).context("unknown label")?;
        case.labels[label as usize] = true;
    }
    for found in read(lexicon, medium, v["auto"].as_bool().unwrap_or(false), text, at, &zone) {
        let seen = &mut case.lexicon[found.label as usize];
        *seen = (*seen).max(1 + u8::from(found.firm()));
    }
    cues(lexicon, medium, text, at, &zone, &mut |cue, _| {
        let next = names.len() as u32;
        let id = names.get(cue).copied().unwrap_or_else(|| *names.entry(cue.to_owned()).or_insert(next));
        case.cues.insert(id);
    });
    Ok(case)
}

/// The file: its head and kinds of words as they were, the bars and weights new.
fn file(old: &str, names: &HashMap<String, u32>, model: &Model, bars: &[Bars; LABELS]) -> String {
    let kept = |l: &&str| l.is_empty() || l.starts_with(['#']) || l.starts_with("wide\t") || l.starts_with("narrow\t");
    let (head, kinds): (Vec<&str>, Vec<&str>) = old.lines().filter(kept).partition(|l| !l.contains('\t'));
    let mut out = head.join("\n") + "\n";
    let bar = |b: f32, bias: f32| match b {
        f32::MIN => "always".to_owned(),
        _ => format!("{:.2}", b - bias),
    };
    for label in Label::ALL {
        let (b, bias) = (bars[*label as usize], model.bias[*label as usize]);
        let _ = writeln!(out, "bar\t{}\t{}\t{}\t{}", label.name(), bar(b[0], bias), bar(b[1], bias), bar(b[2], bias));
    }
    out += &(kinds.join("\n") + "\n");
    let sorted: BTreeMap<&str, u32> = names.iter().map(|(name, id)| (name.as_str(), *id)).collect();
    for (name, id) in sorted {
        let weights: Vec<String> = (0..LABELS)
            .map(|l| (l as u8, (model.weights[l][id as usize] * UNIT).round()))
            .filter(|(_, w)| *w != 0.0)
            .map(|(l, w)| format!("{}{}", char::from(if w < 0.0 { b'A' } else { b'a' } + l), w.abs()))
            .collect();
        if !weights.is_empty() {
            let _ = writeln!(out, "cue\t{name}\t{:.1}\t{}", model.scale[id as usize], weights.concat());
        }
    }
    out
}
