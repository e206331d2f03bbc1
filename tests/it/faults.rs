//! What must survive: duplicates, disorder, and workers that die between any two durable steps.
//!
//! After each case the oracle holds: every event is applied once or set aside with a reason, the workers know what
//! replay knows, and conduct kept its promises. The stream is the shipped sample many times over; a stream of your
//! own goes through the same by `GLEANER_STREAM=FILE.jsonl cargo test --test it the_real_stream`.

use serde_json::{Value, json};

use crate::cluster::{Cluster, assert_conduct, assert_same_facts};

/// A small reproducible generator: the seed is printed when a case fails.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

pub const SEED: u64 = 0x5EED_1E55;

/// The sample `times` over, each time with other people, so that it makes as many different leads.
pub fn stream(times: usize) -> Vec<Value> {
    let sample = include_str!("../../samples/demo.jsonl");
    let mut out = Vec::new();
    for copy in 0..times {
        for line in sample.lines() {
            // Numbers +1 AAA 555 01xx become numbers of the same place with another exchange, addresses get a tag.
            let line = line
                .replace("5550", &format!("{}0", 560 + copy))
                .replace("@example.com", &format!("+{copy}@example.com"))
                .replace("@mailinator.com", &format!("+{copy}@mailinator.com"))
                .replace("@gmial.com", &format!("+{copy}@gmial.com"))
                .replace("\"demo-", &format!("\"demo-{copy}-"));
            out.push(serde_json::from_str(&line).unwrap());
        }
    }
    out
}

/// The same events with a fifth of them twice and neighbours exchanged.
pub fn messy(events: &[Value], dice: &mut Dice) -> Vec<Value> {
    let mut out: Vec<Value> = Vec::with_capacity(events.len() * 6 / 5);
    for event in events {
        out.push(event.clone());
        if dice.roll(5) == 0 {
            out.push(event.clone());
        }
    }
    for i in 0..out.len() {
        let j = (i + dice.roll(40) as usize).min(out.len() - 1);
        out.swap(i, j);
    }
    out
}

pub const AS_OF: &str = "2026-04-01T00:00:00Z";

async fn case(name: &str, times: usize, workers: usize, die_at: Option<&str>) {
    let mut dice = Dice(SEED);
    let events = stream(times);
    let mut cluster = Cluster::start(name).await;
    let doomed = cluster.worker(die_at);
    for _ in 1..workers {
        cluster.worker(None);
    }
    cluster.publish(&messy(&events, &mut dice)).await;
    if die_at.is_some() && workers == 1 {
        let until = std::time::Instant::now() + std::time::Duration::from_secs(30);
        while !cluster.has_died(doomed) && std::time::Instant::now() < until {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        assert!(cluster.has_died(doomed), "the worker was to die at {die_at:?}\n{}", cluster.log());
        cluster.worker(None);
    }
    cluster.settle(events.len() as i64, 0).await;
    assert_same_facts(&cluster, &events, AS_OF);
    assert!(assert_conduct(&cluster).await > 0);
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn duplicates_and_disorder_change_nothing_with_two_workers() {
    case("messy", 8, 2, None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_dies_before_its_commit_loses_nothing() {
    case("before", 3, 1, Some("before_commit:1")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_dies_after_its_commit_and_before_its_ack_does_nothing_twice() {
    case("after", 3, 1, Some("after_commit:1")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_dies_before_it_publishes_leaves_the_tasks_to_the_next() {
    case("unpublished", 3, 1, Some("before_publish:1")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_dies_after_the_confirm_publishes_again_under_the_same_id() {
    case("confirmed", 3, 1, Some("after_confirm:1")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_dies_in_the_allotter_grants_nothing_twice() {
    case("allotter", 3, 1, Some("in_allotter:1")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_workers_may_die_at_any_seam() {
    for seam in gleaner::worker::Seam::ALL {
        case("pair", 2, 2, Some(&format!("{}:1", seam.name()))).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_cannot_be_understood_is_kept_whole_and_can_be_replayed() {
    let mut cluster = Cluster::start("dead").await;
    cluster.worker(None);
    let broken = json!({ "specversion": "1.0", "id": "x-1", "source": "/test", "type": "lead.vanished", "data": {} });
    let good = stream(1);
    cluster.publish(&[broken]).await;
    cluster.publish(&good).await;
    cluster.settle(good.len() as i64, 1).await;
    let listed = cluster.run(&["dead", "list", "--output", "jsonl"]);
    let letter: Value = serde_json::from_str(listed.lines().next().unwrap()).unwrap();
    assert_eq!(letter["reason"], "unknown_type");
    cluster.stop().await;
}

/// By hand: `GLEANER_STREAM=FILE.jsonl`; without it there is nothing to do.
#[tokio::test(flavor = "multi_thread")]
async fn the_real_stream_survives_duplicates_disorder_and_a_kill() {
    let Ok(path) = std::env::var("GLEANER_STREAM") else { return };
    let text = std::fs::read_to_string(&path).unwrap();
    let events: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let last = events.iter().map(|e| e["time"].as_str().unwrap()).max().unwrap().to_owned();
    let mut dice = Dice(SEED);
    let mut cluster = Cluster::start("stream").await;
    let doomed = cluster.worker(None);
    cluster.worker(None);
    let messages = messy(&events, &mut dice);
    let (first, rest) = messages.split_at(messages.len() / 3);
    let started = std::time::Instant::now();
    cluster.publish(first).await;
    cluster.kill(doomed);
    cluster.publish(rest).await;
    cluster.worker(None);
    cluster.settle(events.len() as i64, 0).await;
    let took = started.elapsed();
    assert_same_facts(&cluster, &events, &last);
    let published = assert_conduct(&cluster).await;
    println!(
        "{} events, {} deliveries, {published} messages out, {took:?} from first publish to settled (seed {SEED:#x})",
        events.len(),
        messages.len()
    );
    cluster.stop().await;
}
