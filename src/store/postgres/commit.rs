//! One unit of work becomes durable: everything in the transaction that holds the leads, in one fixed order.
//!
//! The order is the same in every worker and each statement's rows are sorted, so that two commits that touch the
//! same rows outside their leads (suppression, crowded keys, claims) wait for each other but never in a circle.

use super::hold::Held;
use super::{change, keys, leads};
use crate::store::{Changes, LeadRow, Lease, StoreError, keys as plan, pack};

pub async fn commit(held: Held, mut changes: Changes, lease: &Lease) -> Result<(), StoreError> {
    let Held { mut session, kept, learned } = held;
    pack::refuse_unheld(&changes.leads, |lead: &LeadRow| match changes.new_leads.contains(&lead.lead_no) {
        true => kept.fresh.contains(&lead.lead_no),
        false => kept.leads.contains_key(&lead.lead_no),
    })?;
    let survivors = plan::survivors(&changes.moved);
    plan::follow_merges(&mut changes, &survivors);
    let s = &mut session;

    // What others may have taken meanwhile comes first: if it is gone, all that follows was decided in vain.
    change::drop_unsent(s, &changes.unsent_dropped).await?;
    change::drop_claims(s, &changes.claims_dropped).await?;
    change::recall(s, &changes.recalled).await?;

    leads::write(s, &changes.leads, &changes.new_leads, &kept).await?;
    keys::write(s, &changes, &kept, &learned, &survivors).await?;
    change::move_to_survivors(s, &survivors).await?;
    if let Some(divided) = &changes.divided {
        change::divide(s, divided).await?;
    }
    change::erase(s, &changes.erased, kept.hasher.as_ref()).await?;

    change::append(s, &changes, &kept, lease).await?;
    change::add_claims(s, &changes.claims).await?;
    change::finish_inbox(s, &changes.inbox_done).await?;
    change::add_inbox(s, &changes.inbox).await?;
    change::tell_holders(s, &changes.told).await?;
    change::join_suppressions(s, &changes.suppressions).await?;
    session.commit().await
}
