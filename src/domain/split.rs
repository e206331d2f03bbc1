//! Undoing a merge: which of a lead's events, and which of its keys, go with one key to a lead of its own.
//!
//! An event goes by its strongest keys, as it did when it arrived: whatever names only what leaves, leaves. A key
//! that events on both sides name stays with both, which makes the two leads linked, and they are never merged again.

use std::collections::BTreeSet;

use super::event::Event;
use super::identity::Key;

/// The two sides, as indices into the events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Division {
    pub leaving: Vec<usize>,
    pub staying: Vec<usize>,
    /// Keys that only leaving events name.
    pub keys_leaving: BTreeSet<Key>,
    /// Keys that events on both sides name.
    pub keys_shared: BTreeSet<Key>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Indivisible {
    #[error("no event of this lead names the key")]
    Unnamed,
    #[error(
        "every event that names the key names a key at least as strong as well, so that nothing tells the two people apart"
    )]
    NothingLeaves,
    #[error("every event of this lead belongs to the key, so that nobody would stay")]
    NothingStays,
}

/// Divides a lead's events by one of its keys.
///
/// # Errors
/// The events do not tell two people apart.
pub fn divide(events: &[Event], key: &Key) -> Result<Division, Indivisible> {
    if !events.iter().any(|e| e.keys.contains(key)) {
        return Err(Indivisible::Unnamed);
    }
    // What the key's own events name leaves with it, unless that leads to somebody who is known by as good a key.
    let mut leaving = BTreeSet::from([key]);
    let own: Vec<&Event> = events.iter().filter(|e| goes_with(e, &leaving)).collect();
    for beside in own.iter().flat_map(|e| &e.keys) {
        if leaving.contains(beside) {
            continue;
        }
        let known = known_beside(events, key, beside);
        if known.iter().all(|k| k.strength() > key.strength()) {
            leaving.extend(known);
        }
    }
    let leaves: Vec<bool> = events.iter().map(|event| goes_with(event, &leaving)).collect();
    let side = |leaving: bool| (0..events.len()).filter(|i| leaves[*i] == leaving).collect::<Vec<usize>>();
    let (leaving, staying) = (side(true), side(false));
    if leaving.is_empty() {
        return Err(Indivisible::NothingLeaves);
    }
    if staying.is_empty() {
        return Err(Indivisible::NothingStays);
    }
    let keys_of = |side: &[usize]| side.iter().flat_map(|i| events[*i].keys.clone()).collect::<BTreeSet<Key>>();
    let (theirs, ours) = (keys_of(&leaving), keys_of(&staying));
    Ok(Division {
        leaving,
        staying,
        keys_leaving: theirs.difference(&ours).cloned().collect(),
        keys_shared: theirs.intersection(&ours).cloned().collect(),
    })
}

/// A key with everything that events name together with it, directly or through each other, but not through `without`.
fn known_beside<'e>(events: &'e [Event], without: &Key, key: &'e Key) -> BTreeSet<&'e Key> {
    let mut known = BTreeSet::from([key]);
    loop {
        let before = known.len();
        for event in events {
            if event.keys.iter().any(|key| known.contains(key)) {
                known.extend(event.keys.iter().filter(|key| *key != without));
            }
        }
        if known.len() == before {
            return known;
        }
    }
}

/// All of an event's strongest keys leave; one without any key was told of a task, and stays with it.
fn goes_with(event: &Event, leaving: &BTreeSet<&Key>) -> bool {
    let Some(strongest) = event.keys.iter().map(Key::strength).min() else { return false };
    event.keys.iter().filter(|key| key.strength() == strongest).all(|key| leaving.contains(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::identity::KeyKind::{Email, Phone};
    use crate::domain::time::Moment;
    use crate::wire::inbound::{Envelope, Inbound, decode};

    fn event(lead: serde_json::Value) -> Event {
        let event = serde_json::json!({
            "specversion": "1.0", "id": lead.to_string(), "source": "/s", "type": "lead.updated",
            "time": "2026-03-02T14:00:00Z", "data": { "lead": lead },
        });
        decode(&Envelope::bare(event.to_string().as_bytes()), Moment::MIN, &Inbound::replay()).unwrap()
    }
    fn ana() -> Event {
        event(serde_json::json!({"email": "ana@example.com", "phone": "+13055550101"}))
    }
    fn bo() -> Event {
        event(serde_json::json!({"phone": "+13055550101"}))
    }

    #[test]
    fn events_go_by_their_strongest_key_and_a_key_of_both_stays_with_both() {
        let events = [ana(), bo()];
        let phone = Key::new(Phone, "+13055550101");
        let division = divide(&events, &phone).unwrap();
        assert_eq!((&division.leaving[..], &division.staying[..]), (&[1][..], &[0][..]));
        assert_eq!(division.keys_shared, BTreeSet::from([phone]));
        assert!(division.keys_leaving.is_empty());
    }

    #[test]
    fn what_is_known_only_beside_the_key_goes_along() {
        let cy = [
            event(serde_json::json!({"email": "cy@example.com", "phone": "+13055550102"})),
            event(serde_json::json!({"phone": "+13055550102", "visitor": "v-1"})),
            event(serde_json::json!({"visitor": "v-1"})),
        ];
        let events =
            [&[ana(), event(serde_json::json!({"email": "ana@example.com", "emails": ["cy@example.com"]}))], &cy[..]]
                .concat();
        let division = divide(&events, &Key::new(Email, "cy@example.com")).unwrap();
        assert_eq!(division.leaving, [2, 3, 4]);
        let leaving: Vec<&str> = division.keys_leaving.iter().map(|k| k.value.as_str()).collect();
        assert_eq!(leaving, ["+13055550102", "v-1"]);
    }

    #[test]
    fn a_lead_that_is_one_person_is_not_divided() {
        let phone = Key::new(Phone, "+13055550101");
        assert_eq!(divide(&[ana()], &phone), Err(Indivisible::NothingLeaves));
        assert_eq!(divide(&[bo()], &phone), Err(Indivisible::NothingStays));
        assert_eq!(divide(&[bo()], &Key::new(Email, "x@example.com")), Err(Indivisible::Unnamed));
    }
}
