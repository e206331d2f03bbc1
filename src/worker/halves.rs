//! A large batch in two that share no key and no task, so that neither waits for the other's leads.

use rustc_hash::FxHashMap;

use crate::domain::event::Event;

/// From so many messages on a batch is halved: two transactions cost a small one more than they save. [J]
const WORTH_HALVING: usize = 64;

/// The two halves, each in the order of arrival. As far as the messages tell: that two keys are one person's only the
/// database may know, and then one half waits for the other.
pub(super) fn halves<T>(batch: Vec<T>, event: impl Fn(&T) -> &Event) -> (Vec<T>, Vec<T>) {
    if batch.len() < WORTH_HALVING {
        return (batch, Vec::new());
    }
    let mut groups = Groups((0..batch.len()).collect());
    let (mut by_key, mut by_task) = (FxHashMap::default(), FxHashMap::default());
    for (i, event) in batch.iter().map(event).enumerate() {
        for key in &event.keys {
            groups.join(i, *by_key.entry(key).or_insert(i));
        }
        if let Some(task) = event.task_id {
            groups.join(i, *by_task.entry(task).or_insert(i));
        }
    }
    let mut side_of = FxHashMap::default();
    let mut sizes = [0_usize; 2];
    let sides: Vec<bool> = (0..batch.len())
        .map(|i| {
            let side = *side_of.entry(groups.of(i)).or_insert(sizes[1] < sizes[0]);
            sizes[usize::from(side)] += 1;
            side
        })
        .collect();
    let mut sides = sides.into_iter();
    batch.into_iter().partition(|_| !sides.next().unwrap_or_default())
}

/// What belongs together: each names another of its group, or itself.
struct Groups(Vec<usize>);

impl Groups {
    fn of(&mut self, mut i: usize) -> usize {
        while self.0[i] != i {
            self.0[i] = self.0[self.0[i]];
            i = self.0[i];
        }
        i
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.of(a), self.of(b));
        self.0[a.max(b)] = a.min(b);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::domain::identity::Key;
    use crate::domain::time::Moment;
    use crate::wire::inbound::{Envelope, Inbound, decode};

    fn event(n: usize, lead: serde_json::Value) -> Event {
        let event = serde_json::json!({
            "specversion": "1.0", "id": n.to_string(), "source": "/s", "type": "lead.updated",
            "time": "2026-03-02T14:00:00Z", "data": { "lead": lead },
        });
        decode(&Envelope::bare(event.to_string().as_bytes()), Moment::MIN, &Inbound::replay()).unwrap()
    }

    #[test]
    fn halves_share_no_key_keep_their_order_and_are_even() {
        // Forty people, each by e-mail, then by both keys, then by telephone only.
        let phone = |n: usize| format!("+1212555{:04}", 2000 + n % 40);
        let mail = |n: usize| format!("p{}@example.com", n % 40);
        let batch: Vec<Event> = (0..120)
            .map(|n| match n / 40 {
                0 => event(n, serde_json::json!({ "email": mail(n) })),
                1 => event(n, serde_json::json!({ "email": mail(n), "phone": phone(n) })),
                _ => event(n, serde_json::json!({ "phone": phone(n) })),
            })
            .collect();
        let (left, right) = halves(batch, |event| event);
        assert_eq!((left.len(), right.len()), (60, 60));
        let keys = |side: &[Event]| side.iter().flat_map(|e| e.keys.clone()).collect::<BTreeSet<Key>>();
        assert!(keys(&left).is_disjoint(&keys(&right)));
        for side in [left, right] {
            let order: Vec<usize> = side.iter().map(|e| e.id.parse().unwrap()).collect();
            assert!(order.is_sorted());
        }
    }

    #[test]
    fn a_batch_about_one_person_and_a_small_one_stay_whole() {
        let one =
            |count: usize| (0..count).map(|n| event(n, serde_json::json!({ "email": "p@example.com" }))).collect();
        for count in [1, WORTH_HALVING - 1, WORTH_HALVING, 200] {
            let (left, right): (Vec<Event>, _) = halves(one(count), |event| event);
            assert_eq!((left.len(), right.len()), (count, 0));
        }
    }
}
