//! What tests share: events written as JSON, and a replay to push them through.

use std::collections::BTreeMap;
use std::sync::Arc;

use gleaner::domain::event::Event;
use gleaner::domain::policy::{Fictional, Policy};
use gleaner::domain::time::Moment;
use gleaner::domain::working_set::{Applied, Env};
use gleaner::replay::Replay;
use gleaner::wire::inbound::{Envelope, Inbound, decode};
use gleaner::wire::record::LeadRecord;
use serde_json::{Value, json};

pub fn at(text: &str) -> Moment {
    Moment::from_timestamp(text.parse().unwrap())
}

/// The shipped policy, with fictional numbers and addresses counted as real (or not).
pub fn env(fictional: Fictional) -> Env {
    let policy = Policy::shipped(fictional).unwrap_or_else(|errors| panic!("{}", errors.join("\n")));
    Env::virtual_time(Arc::new(policy))
}

/// An event of the contract, in short.
pub fn event(id: &str, kind: &str, time: &str, data: Value) -> Value {
    json!({ "specversion": "1.0", "id": id, "source": "/test", "type": kind, "time": time, "data": data })
}

pub fn decoded(event: &Value) -> Event {
    let settings = Inbound { default_country: Some("US".into()), ..Inbound::replay() };
    decode(&Envelope::bare(event.to_string().as_bytes()), Moment::MIN, &settings)
        .unwrap_or_else(|refusal| panic!("{event} is refused: {refusal}"))
}

/// A world in memory: events go in, messages come out.
pub struct World {
    pub replay: Replay,
    /// Every message so far, as JSON, in the order published.
    pub out: Vec<Value>,
}

impl World {
    pub fn new() -> World {
        World::with(env(Fictional::Allow))
    }

    pub fn with(env: Env) -> World {
        World { replay: Replay::new(env), out: Vec::new() }
    }

    /// Sends one event; returns what became of it.
    pub fn send(&mut self, event: &Value) -> Applied {
        let applied = self.replay.apply(&decoded(event));
        self.collect();
        applied
    }

    /// Lets time pass.
    pub fn until(&mut self, time: &str) {
        self.replay.finish(at(time));
        self.collect();
    }

    fn collect(&mut self) {
        for message in self.replay.take_published() {
            let mut body: Value = serde_json::from_slice(&message.body).unwrap();
            body["routing_key"] = json!(message.routing_key);
            body["queue"] = json!(message.queue);
            self.out.push(body);
        }
    }

    /// Tasks (not revocations) sent so far, the `data` of each, with `time`, `queue` beside it.
    pub fn tasks(&self) -> Vec<&Value> {
        self.out.iter().filter(|m| m["type"] != "task.revoked").collect()
    }

    pub fn calls(&self) -> Vec<&Value> {
        self.tasks().into_iter().filter(|m| m["data"]["channel"] == "call").collect()
    }

    pub fn plays(&self) -> Vec<String> {
        self.tasks().iter().map(|m| m["data"]["play"].as_str().unwrap().to_owned()).collect()
    }

    pub fn revoked(&self) -> Vec<&Value> {
        self.out.iter().filter(|m| m["type"] == "task.revoked").collect()
    }

    pub fn records(&self) -> Vec<LeadRecord> {
        let exported = |lead| LeadRecord { changed: None, ..self.replay.record(lead) };
        self.replay.leads().into_iter().map(exported).collect()
    }

    /// The only lead there is.
    pub fn lead(&self) -> LeadRecord {
        let mut records = self.records();
        assert_eq!(records.len(), 1, "expected one lead, there are {}", records.len());
        records.remove(0)
    }
}

/// Records of a JSONL text by their keys.
pub fn by_keys(jsonl: &str) -> BTreeMap<String, Value> {
    jsonl
        .lines()
        .map(|line| {
            let record: Value = serde_json::from_str(line).unwrap();
            (record["keys"].to_string(), record)
        })
        .collect()
}

/// What may differ between two orders of the same events.
const CONDUCT: [&str; 8] =
    ["stage", "linked", "open_tasks", "planned", "next_action", "version", "updated_at", "lead_id"];

/// The order-free part of a record.
pub fn order_free(record: &Value) -> Value {
    let mut record = record.clone();
    for field in CONDUCT {
        record.as_object_mut().unwrap().remove(field);
    }
    record
}
