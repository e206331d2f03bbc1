//! On what ground somebody may be called, texted or mailed: consent, an inquiry, a purchase, or a number that no
//! do-not-call list has.
//!
//! Every candidate law of the place must allow it. What the lead closed is not asked here (`suppression`), nor the hour
//! (`windows`), nor how often (`caps`).

use jiff::ToSpan;
use jiff::tz::TimeZone;

use super::place::{Missing, Place};
use super::row::{Law, Row, Screening};
use super::why::Why;
use crate::domain::event::ConsentLevel;
use crate::domain::time::{Moment, Span};

/// The newest consent for one channel and one number or address, if it was not taken back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConsentView {
    pub level: Option<ConsentLevel>,
    /// Whether it covers calls that a machine dials ("automated" among its modes).
    pub automated: bool,
    pub granted_at: Option<Moment>,
    /// The first instant at which it no longer holds.
    pub expires: Option<Moment>,
}

/// What bears on whether a number may be called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallFacts<'a> {
    pub consent: ConsentView,
    /// The newest inquiry of the lead.
    pub inquiry_at: Option<Moment>,
    /// The newest purchase of the lead.
    pub purchase_at: Option<Moment>,
    /// The lists on which the number was found clear, and as of when.
    pub clear: &'a [(&'a str, Moment)],
    /// Whether the newest screening found the number on a do-not-call list.
    pub listed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DialMode {
    /// A person dials.
    Manual,
    Automated,
}

/// The ground on which a touch is legal; of several candidate laws the weakest ground that one of them needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Basis {
    NotRequired,
    ConsentExpressWritten,
    ConsentExpress,
    Inquiry,
    Purchase,
    Screened,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallGate {
    /// `dial_mode` is the freest allowed: `Automated` allows dialling by hand too.
    Allowed {
        dial_mode: DialMode,
        basis: Basis,
    },
    /// Legal once the number has been screened, or again.
    NeedsScreening {
        place: String,
        good_for: Span,
        /// How long ago it was last found clear on all of them.
        last: Option<Span>,
        /// Every list that stands in the way, by each law that may hold.
        lists: Vec<String>,
    },
    NotAllowed(Why),
}

impl Place<'_> {
    /// Whether the number may be called by this place's laws, and how.
    pub fn may_call(&self, facts: &CallFacts<'_>, now: Moment) -> CallGate {
        if let Some(missing) = self.missing() {
            return CallGate::NotAllowed(Why::NoRow(missing));
        }
        let (mut dial_mode, mut basis) = (DialMode::Automated, Basis::NotRequired);
        let mut to_screen: Option<CallGate> = None;
        for candidate in self.candidates() {
            match may_call(candidate.law, candidate.row(now), facts, now) {
                CallGate::Allowed { dial_mode: d, basis: b } => (dial_mode, basis) = (dial_mode.min(d), basis.max(b)),
                screen @ CallGate::NeedsScreening { .. } => to_screen = Some(both(to_screen, screen)),
                // A flat no outweighs a screening that could still be done.
                no @ CallGate::NotAllowed(_) => return no,
            }
        }
        to_screen.unwrap_or(CallGate::Allowed { dial_mode, basis })
    }

    /// Whether the number may be texted, or a message dropped into its voicemail.
    ///
    /// # Errors
    /// Why not.
    pub fn may_sms(&self, consent: &ConsentView, now: Moment) -> Result<Basis, Why> {
        if let Some(missing) = self.missing() {
            return Err(Why::NoRow(missing));
        }
        let mut basis = Basis::NotRequired;
        for candidate in self.candidates() {
            let (law, row) = (candidate.law, candidate.row(now));
            if !row.licensed {
                return Err(Why::NotLicensed { place: law.name.clone() });
            }
            let level = row.sms_consent;
            let given = consent.reaches(level, now);
            basis = basis.max(given.ok_or_else(|| Why::SmsNeedsConsent { place: law.name.clone(), level })?);
        }
        Ok(basis)
    }

    /// Whether an e-mail may be sent: with consent, to answer an inquiry, or where nothing is needed until they object.
    /// A place without a row gets only the first two.
    ///
    /// # Errors
    /// Why not.
    pub fn may_email(&self, consent: &ConsentView, inquiry_at: Option<Moment>, now: Moment) -> Result<Basis, Why> {
        let given = consent.reaches(ConsentLevel::Express, now);
        let inquiry = consent.inquiry(inquiry_at);
        let mut basis = given.unwrap_or(Basis::NotRequired);
        let rows = self.candidates().iter().map(|c| (c.law, c.row(now)));
        let opt_in = rows.filter(|(_, row)| row.email_opt_in).map(|(law, row)| {
            let lapsed = row.email_consent_months.is_some_and(|n| !within_months(consent.granted_at, Some(n), now));
            (Some(law), row.email_inquiry_months, given.is_some() && !lapsed)
        });
        // A toll-free number says nothing against an address that has a row.
        let no_row = match self.missing() {
            Some(Missing::Number) => self.candidates().is_empty(),
            missing => missing.is_some(),
        };
        let no_row = no_row.then_some((None, self.book.no_row_email_months, given.is_some()));
        for (law, months, consented) in opt_in.chain(no_row) {
            if consented {
                continue;
            }
            if !within_months(inquiry, Some(months), now) {
                return Err(Why::EmailNeedsConsent { place: law.map(|l| l.name.clone()), months });
            }
            basis = Basis::Inquiry;
        }
        Ok(basis)
    }
}

/// The first of two screenings that are both asked for, with the lists of both: one look-up settles them.
fn both(first: Option<CallGate>, second: CallGate) -> CallGate {
    match (first, second) {
        (
            Some(CallGate::NeedsScreening { place, good_for, last, mut lists }),
            CallGate::NeedsScreening { lists: more, .. },
        ) => {
            lists.extend(more);
            lists.sort_unstable();
            lists.dedup();
            CallGate::NeedsScreening { place, good_for, last, lists }
        }
        (_, second) => second,
    }
}

fn may_call(law: &Law, row: &Row, facts: &CallFacts<'_>, now: Moment) -> CallGate {
    let place = || law.name.clone();
    if !row.licensed {
        return CallGate::NotAllowed(Why::NotLicensed { place: place() });
    }
    let consent = facts.consent.reaches(ConsentLevel::Express, now);
    if let Some(level) = row.call_consent
        && facts.consent.reaches(level, now).is_none()
    {
        return CallGate::NotAllowed(Why::CallNeedsConsent { place: place(), level });
    }
    // Required and no list named: nothing can clear it.
    let is_clear = |s: &Screening| !s.lists.is_empty() && !facts.listed && stale(s, facts, now).is_empty();
    let clear = row.screening.as_ref().is_none_or(is_clear);
    let inquiry = facts.consent.inquiry(facts.inquiry_at);
    let basis = if let Some(given) = consent {
        given
    } else if within_months(inquiry, row.inquiry_months, now) {
        Basis::Inquiry
    } else if within_months(facts.purchase_at, row.purchase_months, now) {
        Basis::Purchase
    } else if facts.listed {
        return CallGate::NotAllowed(Why::Listed { place: place() });
    } else if let Some(screening) = &row.screening {
        if !clear {
            let seen: Option<Vec<Moment>> = screening.lists.iter().map(|list| facts.clear_on(list)).collect();
            let last = seen.and_then(|seen| seen.into_iter().min()).map(|at| now - at);
            let lists = stale(screening, facts, now).into_iter().map(str::to_owned).collect();
            return CallGate::NeedsScreening { place: place(), good_for: screening.good_for, last, lists };
        }
        Basis::Screened
    } else {
        Basis::NotRequired
    };
    // Consent spares a live call the screening, not one that a machine dials.
    let machine = facts.consent.automated && clear && facts.consent.reaches(row.automated_consent, now).is_some();
    CallGate::Allowed { dial_mode: if machine { DialMode::Automated } else { DialMode::Manual }, basis }
}

/// The lists on which the number is not known to be clear any more, or never was.
fn stale<'s>(screening: &'s Screening, facts: &CallFacts<'_>, now: Moment) -> Vec<&'s str> {
    let fresh = |list: &str| facts.clear_on(list).is_some_and(|at| now - at <= screening.good_for);
    screening.lists.iter().map(String::as_str).filter(|list| !fresh(list)).collect()
}

impl CallFacts<'_> {
    fn clear_on(&self, list: &str) -> Option<Moment> {
        self.clear.iter().filter(|(name, _)| *name == list).map(|(_, at)| *at).max()
    }
}

impl ConsentView {
    /// The basis that a consent of at least this level gives, while it holds.
    fn reaches(&self, level: ConsentLevel, now: Moment) -> Option<Basis> {
        if self.expires.is_some_and(|end| end <= now) {
            return None;
        }
        match self.level.filter(|given| *given >= level)? {
            ConsentLevel::ExpressWritten => Some(Basis::ConsentExpressWritten),
            ConsentLevel::Express => Some(Basis::ConsentExpress),
            ConsentLevel::Inquiry => Some(Basis::Inquiry),
        }
    }

    /// The newest inquiry: a consent of level `inquiry` is one.
    fn inquiry(&self, known: Option<Moment>) -> Option<Moment> {
        let granted = self.granted_at.filter(|_| self.level == Some(ConsentLevel::Inquiry));
        known.max(granted)
    }
}

/// Whether less than so many calendar months have passed since an instant. A month that has no such day ends with its
/// last.
fn within_months(since: Option<Moment>, months: Option<i32>, now: Moment) -> bool {
    let (Some(since), Some(months)) = (since, months) else { return false };
    let passed = now - since;
    // A month has 28 to 31 days: the calendar is asked only in between.
    if passed < Span::days(28 * i64::from(months)) {
        return true;
    }
    if passed > Span::days(31 * i64::from(months)) {
        return false;
    }
    let end = since.timestamp().to_zoned(TimeZone::UTC).checked_add(months.months());
    end.is_ok_and(|end| now < Moment::from_timestamp(end.timestamp()))
}
