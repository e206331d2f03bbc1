//! Partners: whether one takes leads like this one, and whether the lead agreed to be passed on.
//!
//! Which partner gets a lead is the pool's affair; when one is offered, `plays`'.

use super::event::Channel;
use super::facts::Facts;
use super::policy::Partner;
use super::register::Last;

/// Whether the person agreed that we pass the lead on.
pub fn may_share(facts: &Facts) -> bool {
    let closed = facts.closings.iter().any(|((c, _), closing)| *c == Channel::Share && closing.is_closed());
    !closed
        && facts.consents.iter().any(|((c, _), fact)| {
            *c == Channel::Share
                && fact.granted.as_ref().is_some_and(|g| fact.revoked.as_ref().is_none_or(|r| r.stamp.at < g.stamp.at))
        })
}

/// Whether a partner takes leads of this need, place and size.
pub fn serves(partner: &Partner, facts: &Facts) -> bool {
    let text = |slot: &'_ Option<Last<String>>| slot.as_ref().map(|l| l.value.to_lowercase());
    let country = facts.profile.country.as_ref().map_or("", |c| c.value.as_str());
    let region = facts.profile.region.as_ref().map_or("", |r| r.value.as_str());
    let place = format!("{country}-{region}");
    let here = partner.places.is_empty() || partner.places.iter().any(|p| *p == place || p == country);
    let industry = text(&facts.profile.industry);
    let needs = partner.needs.is_empty()
        || partner
            .needs
            .iter()
            .any(|n| facts.interests.keys().any(|i| i.eq_ignore_ascii_case(n)) || industry.as_deref() == Some(n));
    let employees = facts.profile.employees.as_ref().map(|e| e.value);
    let size = employees.is_none_or(|n| {
        partner.employees_at_least.is_none_or(|b| n >= b) && partner.employees_at_most.is_none_or(|b| n <= b)
    });
    partner.active && here && needs && size
}
