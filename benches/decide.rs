//! How many decisions one core makes in a second, over a stream of events.
//!
//! `cargo bench --bench decide -- [EVENTS.jsonl]`: without a file the shipped sample is used. Events are decoded
//! first; measured is the pure core: find the lead, fold, judge, decide, compose the tasks. Wake-ups that fall due are
//! worked and counted as decisions too, as they are in the worker. Writing the messages as JSON is no part of a
//! decision; how much it takes is told by the second figure, of rounds in turn with the first.

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
    let [mut deciding, mut written] = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        deciding.push(rate(&events, &policy, |replay| drop(replay.take_published())));
        written.push(rate(&events, &policy, |replay| replay.take_published().for_each(drop)));
    }
    for (rates, what) in [(&mut deciding, ""), (&mut written, ", each with its messages written as JSON")] {
        rates.sort_by(f64::total_cmp);
        let [slowest, median, fastest] = [0, ROUNDS / 2, ROUNDS - 1].map(|i| rates[i]);
        println!("{median:.0} decisions/s on one core{what} (median of {ROUNDS}; {slowest:.0} to {fastest:.0})");
    }
}

/// Decisions a second over all events, and what becomes of the messages of each.
fn rate(events: &[Event], policy: &Arc<Policy>, publish: impl Fn(&mut Replay)) -> f64 {
    let mut replay = Replay::new(Env::virtual_time(policy.clone()));
    let started = Instant::now();
    for event in events {
        replay.apply(event);
        publish(&mut replay);
    }
    replay.counts.decisions as f64 / started.elapsed().as_secs_f64()
}
