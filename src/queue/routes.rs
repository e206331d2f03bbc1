//! What a deployment may set differently, and which task queue a routing key leads to.
//!
//! RabbitMQ gets these as bindings, the local queue matches them itself, by the rules of a topic exchange.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{EVENT_DELIVERY_LIMIT, TASK_QUEUE_LIMIT, TASK_QUEUES, revocation_key};

/// Where a deployment's topology differs from the standard one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overrides {
    /// Most messages in one task queue.
    pub task_queue_limit: u32,
    /// The same for single queues, by suffix.
    pub task_queue_limits: BTreeMap<String, u32>,
    /// Deliveries of one event before the broker sets it aside itself.
    pub event_delivery_limit: u32,
    /// Routing keys by queue suffix, instead of the standard ones of that queue.
    pub bindings: BTreeMap<String, Vec<String>>,
}

impl Default for Overrides {
    fn default() -> Overrides {
        Overrides {
            task_queue_limit: TASK_QUEUE_LIMIT,
            task_queue_limits: BTreeMap::new(),
            event_delivery_limit: EVENT_DELIVERY_LIMIT,
            bindings: BTreeMap::new(),
        }
    }
}

impl Overrides {
    /// Most messages in the task queue with this suffix, at least 1.
    pub fn limit_of(&self, suffix: &str) -> u32 {
        self.task_queue_limits.get(suffix).copied().unwrap_or(self.task_queue_limit).max(1)
    }
}

/// Routing keys by queue suffix. The keys may hold the wildcards of a topic exchange: `*` for one word, `#` for any number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Routes(BTreeMap<String, Vec<String>>);

impl Default for Routes {
    fn default() -> Routes {
        Routes(TASK_QUEUES.iter().map(|queue| (queue.suffix.to_string(), standard_keys(queue.suffix))).collect())
    }
}

impl Routes {
    /// The standard table, where a suffix named in `own` has those keys instead of its standard ones (none at all is
    /// allowed), and a new suffix makes a new queue. Revocations are bound to every queue in any case.
    pub fn with(own: &BTreeMap<String, Vec<String>>) -> Routes {
        let mut routes = Routes::default();
        for (suffix, keys) in own {
            let mut keys = keys.clone();
            keys.push(revocation_key(suffix));
            keys.sort();
            keys.dedup();
            routes.0.insert(suffix.clone(), keys);
        }
        routes
    }

    /// Each queue's suffix and its keys, in the order of the suffixes.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.0.iter().map(|(suffix, keys)| (suffix.as_str(), keys.as_slice()))
    }

    pub fn has(&self, suffix: &str) -> bool {
        self.0.contains_key(suffix)
    }

    /// The queues that a message with this routing key reaches; none means it is unroutable.
    pub fn queues_for(&self, routing_key: &str) -> Vec<&str> {
        self.iter()
            .filter(|(_, keys)| keys.iter().any(|key| matches(key, routing_key)))
            .map(|(suffix, _)| suffix)
            .collect()
    }

    /// The standard keys of a queue that this table no longer gives it: a broker set up earlier still has them bound.
    pub fn dropped_keys(&self, suffix: &str) -> Vec<String> {
        let now = self.0.get(suffix);
        standard_keys(suffix).into_iter().filter(|key| now.is_some_and(|keys| !keys.contains(key))).collect()
    }
}

fn standard_keys(suffix: &str) -> Vec<String> {
    let mut keys: Vec<String> = Vec::new();
    for queue in TASK_QUEUES.iter().filter(|queue| queue.suffix == suffix) {
        keys.extend(queue.keys.iter().map(|key| key.to_string()));
        keys.push(revocation_key(suffix));
    }
    keys
}

/// The matching of a topic exchange, over words parted by dots.
fn matches(pattern: &str, key: &str) -> bool {
    fn words(pattern: &[&str], key: &[&str]) -> bool {
        match (pattern.split_first(), key.split_first()) {
            (None, None) => true,
            (Some((&"#", rest)), _) => words(rest, key) || (!key.is_empty() && words(pattern, &key[1..])),
            (Some((&word, pattern)), Some((&got, key))) => (word == "*" || word == got) && words(pattern, key),
            _ => false,
        }
    }
    // Without wildcards, which is the standard table, nothing needs to be taken apart.
    if !pattern.contains(['*', '#']) {
        return pattern == key;
    }
    words(&pattern.split('.').collect::<Vec<_>>(), &key.split('.').collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_standard_key_leads_to_one_queue_and_each_queue_hears_its_revocations() {
        let routes = Routes::default();
        for queue in TASK_QUEUES {
            for key in queue.keys {
                assert_eq!(routes.queues_for(key), [queue.suffix]);
            }
            assert_eq!(routes.queues_for(&revocation_key(queue.suffix)), [queue.suffix]);
        }
        assert!(routes.queues_for("task.unheard_of").is_empty());
    }

    #[test]
    fn own_keys_replace_the_standard_ones_and_say_which_were_dropped() {
        let own = BTreeMap::from([
            ("outreach".to_string(), vec!["task.follow_up.email".to_string()]),
            ("texts".to_string(), vec!["task.follow_up.sms".to_string()]),
        ]);
        let routes = Routes::with(&own);
        assert_eq!(routes.queues_for("task.follow_up.sms"), ["texts"]);
        assert_eq!(routes.queues_for("task.revoked.texts"), ["texts"]);
        assert_eq!(routes.dropped_keys("outreach"), ["task.follow_up.sms"]);
        assert!(routes.dropped_keys("calls").is_empty());
        assert!(routes.dropped_keys("texts").is_empty());
    }

    #[test]
    fn wildcards_match_as_a_topic_exchange_does() {
        for (pattern, key, hit) in [
            ("task.#", "task", true),
            ("task.#", "task.follow_up.call.now", true),
            ("#.now", "task.follow_up.call.now", true),
            ("#", "", true),
            ("task.*", "task.review", true),
            ("task.*", "task", false),
            ("task.*", "task.follow_up.sms", false),
            ("*.*.sms", "task.follow_up.sms", true),
            ("task.#.sms", "task.sms", true),
            ("task.follow_up", "task.follow_up.sms", false),
        ] {
            assert_eq!(matches(pattern, key), hit, "{pattern} against {key}");
        }
    }
}
