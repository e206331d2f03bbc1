//! How many decisions one core makes in a second, over a stream of events.
//!
//! `cargo bench --bench decide -- [EVENTS.jsonl]`: without a file the shipped sample is used. Events are decoded
//! first; measured is the pure core: find the lead, fold, judge, decide. Wake-ups that fall due are worked and
//! counted as decisions too, as they are in the worker.

use std::io::{BufRead, BufReader};
use std::sync::Arc;
use std::time::Instant;

use gleaner::domain::event::Event;
use gleaner::domain::policy::{Fictional, Policy};
use gleaner::domain::time::Moment;
use gleaner::domain::working_set::Env;
use gleaner::replay::Replay;
use gleaner::wire::inbound::{Envelope, Inbound, decode};

const ROUNDS: usize = 5;

fn main() {
    let path = std::env::args().skip(1).find(|a| !a.starts_with('-'));
    let path = path.unwrap_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/samples/demo.jsonl").to_owned());
    let file = std::fs::File::open(&path).unwrap_or_else(|e| panic!("cannot read {path}: {e}"));
    let settings = Inbound { default_country: Some("US".into()), ..Inbound::replay() };
    let lines: Vec<Vec<u8>> = BufReader::new(file).split(b'\n').map(|l| l.unwrap_or_default()).collect();
    let started = Instant::now();
    let mut events: Vec<Event> = lines
        .iter()
        .filter(|l| !l.is_empty())
        .filter_map(|line| decode(&Envelope::bare(line), Moment::MIN, &settings).ok())
        .collect();
    let decoding = started.elapsed();
    events.sort_by(|a, b| (a.at, &a.source, &a.id).cmp(&(b.at, &b.source, &b.id)));
    println!(
        "{path}: {} events, decoded at {:.1} us each",
        events.len(),
        decoding.as_secs_f64() * 1e6 / events.len() as f64
    );
    let policy = Arc::new(Policy::shipped(Fictional::Allow).unwrap_or_else(|e| panic!("{}", e.join("\n"))));
    let mut rates = Vec::new();
    for _ in 0..ROUNDS {
        let mut replay = Replay::new(Env::virtual_time(policy.clone()));
        let started = Instant::now();
        for event in &events {
            replay.apply(event);
            drop(replay.take_published());
        }
        let took = started.elapsed().as_secs_f64();
        rates.push(replay.counts.decisions as f64 / took);
    }
    rates.sort_by(f64::total_cmp);
    println!(
        "{:.0} decisions/s on one core (median of {ROUNDS}; {:.0} to {:.0})",
        rates[ROUNDS / 2],
        rates[0],
        rates[ROUNDS - 1]
    );
}
