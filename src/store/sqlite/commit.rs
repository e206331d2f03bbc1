//! One unit of work becomes durable, in the transaction that holds the file.

use super::hold::Held;
use super::{change, leads};
use crate::store::{Changes, LeadRow, Lease, StoreError, keys, pack};

pub async fn commit(held: Held, mut changes: Changes, lease: &Lease) -> Result<(), StoreError> {
    let Held { mut session, kept } = held;
    pack::refuse_unheld(&changes.leads, |lead: &LeadRow| match changes.new_leads.contains(&lead.lead_no) {
        true => kept.fresh.contains(&lead.lead_no),
        false => kept.leads.contains_key(&lead.lead_no),
    })?;
    let survivors = keys::survivors(&changes.moved);
    keys::follow_merges(&mut changes, &survivors);
    let s = &mut session;

    change::drop_unsent(s, &changes.unsent_dropped).await?;
    change::drop_claims(s, &changes.claims_dropped).await?;
    change::recall(s, &changes.recalled).await?;

    leads::write(s, &changes.leads, &kept).await?;
    let plan = keys::plan(&changes, &kept);
    let mut now = leads::read_keys(s, &plan.joined).await?;
    let mut rows = plan.whole;
    rows.extend(plan.joined.into_iter().map(|key| {
        let row = now.remove(&key).unwrap_or_default();
        (key, keys::join(key, row, &changes, &kept, &survivors))
    }));
    leads::write_keys(s, &rows).await?;
    change::move_to_survivors(s, &survivors).await?;
    if let Some(divided) = &changes.divided {
        change::divide(s, divided).await?;
    }
    change::erase(s, &changes.erased, kept.hasher.as_ref()).await?;

    change::add_seen(s, &changes.seen).await?;
    change::add_history(s, &changes.history).await?;
    change::add_tasks(s, &changes.tasks).await?;
    change::add_claims(s, &changes.claims).await?;
    change::add_outbox(s, &changes.outbox, lease).await?;
    change::finish_inbox(s, &changes.inbox_done).await?;
    change::add_inbox(s, &changes.inbox).await?;
    change::tell_holders(s, &changes.told).await?;
    change::join_suppressions(s, &changes.suppressions).await?;
    change::add_world(s, &changes.world).await?;
    session.commit().await
}
