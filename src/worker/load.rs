//! Rows to leads and back: what the store holds, as the core's working set, and the core's changes, as rows.

use std::collections::BTreeSet;

use crate::domain::conduct::Stage;
use crate::domain::decide::Answer;
use crate::domain::event::EventKey;
use crate::domain::lead::DecodeError;
use crate::domain::lead::Lead;
use crate::domain::task::Play;
use crate::domain::time::Moment;
use crate::domain::working_set::{Holders, Net, Slot, WorkingSet};
use crate::domain::world::{Delta, Flagged, Happened};
use crate::store::{Changes, ClaimRow, KeyRow, LeadRow, Loaded, OutboxRow, TaskRow, Told};
use crate::wire::outbound::{Message, message};

/// The leads held, decoded.
///
/// # Errors
/// A stored lead that this binary cannot read; the whole unit of work stops, because guessing would lose facts.
pub fn working_set(loaded: Loaded) -> Result<WorkingSet, DecodeError> {
    let mut set =
        WorkingSet { tasks: loaded.tasks.into_iter().collect(), unsent: loaded.unsent, ..WorkingSet::default() };
    for row in loaded.leads {
        let slot = match row.merged_into {
            Some(into) => Slot::Merged { id: row.lead_id, into },
            None if row.erased => Slot::Erased { id: row.lead_id },
            None => Slot::Live(Box::new(Lead::decode(row.lead_no, row.lead_id, row.linked, &row.state)?)),
        };
        set.leads.insert(row.lead_no, slot);
    }
    set.keys = loaded
        .keys
        .into_iter()
        .map(|(hash, row)| (hash, Holders { leads: row.holders, erased_at: row.erased_at }))
        .collect();
    set.seen = loaded.seen.into_iter().collect();
    set.suppressions = loaded.suppressions;
    // Taken from the end: the first message's number last, so that numbers follow the order of messages.
    set.fresh = loaded.fresh.into_iter().rev().collect();
    Ok(set)
}

/// Everything that changed, as rows; `now` is the instant of the unit of work.
pub fn changes(set: &WorkingSet, net: Net, now: Moment) -> Changes {
    let mut out = Changes {
        new_leads: net.new_leads.iter().copied().filter(|no| set.leads.contains_key(no)).collect(),
        seen: net.seen,
        moved: net.moved,
        divided: net.divided,
        erased: net.erased,
        unsent_dropped: net.unsent_dropped,
        recalled: net.recalled,
        claims_dropped: net.unclaimed.into_iter().map(|(pool, id)| (pool.to_string(), id)).collect(),
        suppressions: net.suppressions,
        world: world_rows(&net.happened, net.flagged),
        inbox: net.inbox.into_iter().map(|(no, answer)| (no, answer.encode())).collect(),
        told: net
            .closed_unseen
            .into_iter()
            .map(|(key, by)| Told { key, by, cause: Answer::Closed(key).encode() })
            .collect(),
        ..Changes::default()
    };
    let dirty: BTreeSet<_> = net.leads.union(&net.new_leads).copied().collect();
    out.leads = dirty.iter().filter_map(|no| set.leads.get(no).map(|slot| lead_row(*no, slot, now))).collect();
    out.keys = net
        .keys
        .iter()
        .filter_map(|hash| set.keys.get(hash).map(|h| (*hash, h)))
        .map(|(hash, h)| (hash, KeyRow { holders: h.leads.clone(), erased_at: h.erased_at }))
        .collect();
    out.outbox = net.outgoing.iter().map(|(no, outgoing)| outbox_row(*no, message(outgoing, now))).collect();
    out.claims = net
        .claims
        .iter()
        .map(|(pool, claim)| ClaimRow {
            pool: pool.to_string(),
            task_id: claim.id,
            lead_no: claim.lead,
            wish: claim.encode(),
            not_before: now,
        })
        .collect();
    let row = |(task_id, lead_no, forget_after)| TaskRow { task_id, lead_no, forget_after };
    out.tasks = net.tasks.into_iter().map(row).collect();
    out
}

/// What the unit of work has to say about the world, as facts. Their keys only have to be new.
fn world_rows(happened: &[(Play, Happened)], flagged: Vec<Flagged>) -> Vec<(EventKey, Vec<u8>)> {
    let deltas = Delta::all(happened, flagged);
    deltas.map(|delta| (EventKey(uuid::Uuid::new_v4().into_bytes()), delta.encode())).collect()
}

fn lead_row(no: crate::domain::identity::LeadNo, slot: &Slot, now: Moment) -> LeadRow {
    let empty = |lead_id, stage: Stage| LeadRow {
        lead_no: no,
        lead_id,
        merged_into: None,
        erased: false,
        stage: stage.name().to_owned(),
        verdict: String::new(),
        version: 0,
        updated_at: now,
        keys: Vec::new(),
        linked: Vec::new(),
        state: Vec::new(),
        wake_at: None,
    };
    match slot {
        Slot::Merged { id, into } => LeadRow { merged_into: Some(*into), ..empty(*id, Stage::Merged) },
        Slot::Erased { id } => LeadRow { erased: true, ..empty(*id, Stage::Erased) },
        Slot::Live(lead) => LeadRow {
            verdict: lead
                .conduct
                .last
                .as_ref()
                .map_or(String::new(), |l| l.opinion.split(' ').next().unwrap_or_default().to_owned()),
            version: i64::try_from(lead.conduct.version).unwrap_or(i64::MAX),
            updated_at: lead.conduct.updated_at,
            keys: lead.hashes.values().copied().collect(),
            linked: lead.linked.clone(),
            state: lead.encode(),
            wake_at: lead.wake_at(now),
            ..empty(lead.id, lead.conduct.stage)
        },
    }
}

/// A frozen message as an outbox row.
pub fn outbox_row(lead_no: crate::domain::identity::LeadNo, m: Message) -> OutboxRow {
    OutboxRow {
        id: m.id,
        lead_no,
        queue: m.queue.to_owned(),
        routing_key: m.routing_key.to_owned(),
        kind: m.kind.to_owned(),
        cause: m.cause,
        priority: m.priority,
        lead_version: i64::try_from(m.lead_version).unwrap_or(i64::MAX),
        expires_at: m.expires_at,
        body: m.body,
        traceparent: None,
    }
}
