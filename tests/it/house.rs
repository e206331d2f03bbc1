//! The walls of the house: which part may know which, read from the imports.

use std::path::Path;

/// (part, what its sources must never name).
const WALLS: [(&str, &[&str]); 7] = [
    (
        "domain",
        &[
            "crate::wire",
            "crate::store",
            "crate::queue",
            "crate::worker",
            "crate::app",
            "sqlx",
            "lapin",
            "tokio",
            "tracing",
        ],
    ),
    ("wire", &["crate::store", "crate::queue", "crate::worker", "crate::app", "sqlx", "lapin", "tokio"]),
    ("store", &["crate::queue", "crate::worker", "crate::app", "crate::http", "lapin"]),
    ("queue", &["crate::store", "crate::worker", "crate::app", "crate::http", "crate::domain::decide"]),
    ("worker", &["crate::app", "crate::http", "sqlx", "lapin", "postgres", "sqlite", "rabbitmq", "queue::local"]),
    ("http", &["sqlx", "lapin", "store::postgres", "store::sqlite", "queue::rabbitmq"]),
    ("commands", &["sqlx", "lapin"]),
];

fn sources(dir: &Path, out: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

#[test]
fn every_part_knows_only_what_it_may() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut broken = Vec::new();
    for (part, never) in WALLS {
        let mut files = Vec::new();
        sources(&src.join(part), &mut files);
        files.extend(Some(src.join(format!("{part}.rs"))).filter(|f| f.exists()));
        assert!(!files.is_empty(), "there is no part {part} any more");
        for file in files {
            let text = std::fs::read_to_string(&file).unwrap();
            // What tests of a part use is their own affair.
            let code = text.split("#[cfg(test)]").next().unwrap();
            for (n, line) in code.lines().enumerate().filter(|(_, l)| !l.trim_start().starts_with("//")) {
                for name in never.iter().filter(|name| {
                    line.contains(&format!("{name}::")) || line.trim_start().starts_with(&format!("use {name}"))
                }) {
                    broken.push(format!("{}:{} names {name}", file.strip_prefix(&src).unwrap().display(), n + 1));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn what_does_io_has_traits_only_at_the_two_seams() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    for part in ["store", "queue", "worker", "http", "app", "commands"] {
        sources(&src.join(part), &mut files);
    }
    let mut traits: Vec<String> = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let named = text.lines().filter_map(|l| l.strip_prefix("pub trait "));
        traits.extend(named.map(|rest| rest.chars().take_while(|c| c.is_alphanumeric()).collect::<String>()));
    }
    traits.sort();
    // `Consumer` is the other half of `Queue`.
    assert_eq!(traits, ["Consumer", "Queue", "Store"]);
}
