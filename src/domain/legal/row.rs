//! What the law of one place says, and which version of it holds on which day.
//!
//! How rows are read from `jurisdictions.toml` is `read`'s affair, who is in which place `place`'s.

use jiff::civil::Date;

use super::holidays::Holidays;
use super::hours::{Hours, Week};
use super::regions::Letters;
use crate::domain::event::ConsentLevel;
use crate::domain::time::{Span, Zone};

/// The law of a country, or of a region with a row of its own, with every version of it.
#[derive(Clone, Debug)]
pub struct Law {
    pub country: Letters,
    pub region: Option<Letters>,
    /// For sentences: "Florida", "the United Kingdom".
    pub name: String,
    /// The law's own clock, wherever the lead is (Mississippi: Central).
    pub(super) fixed_zone: Option<Zone>,
    /// Ascending by the day from which they hold; the first also covers what was before. Never empty.
    pub(super) versions: Vec<(i32, Row)>,
}

/// One version, complete: a region's row with its country's filled in.
#[derive(Clone, Debug)]
pub struct Row {
    /// Where this comes from, to be doubted.
    pub source: String,
    /// The day it was last compared with its source.
    pub reviewed_at: Date,
    pub(super) hours: Week,
    pub(super) automated_hours: Week,
    pub(super) holidays: Holidays,
    /// No calls and no texts before this local day (days since 1970-01-01).
    pub(super) closed_until: Option<i32>,
    /// All of them hold at once.
    pub caps: Vec<Cap>,
    /// What a live call needs at least; `None`: nothing.
    pub call_consent: Option<ConsentLevel>,
    pub automated_consent: ConsentLevel,
    pub sms_consent: ConsentLevel,
    /// What a number must be held against before a call; `None`: nothing.
    pub screening: Option<Screening>,
    /// For how many months an inquiry or a purchase allows calls without screening.
    pub inquiry_months: Option<i32>,
    pub purchase_months: Option<i32>,
    /// E-mail only with consent or to answer an inquiry.
    pub email_opt_in: bool,
    pub email_inquiry_months: i32,
    /// For how many months consent to e-mail holds; `None`: until taken back.
    pub email_consent_months: Option<i32>,
    /// A number with an area code of the state is taken for a person in the state.
    pub presumes_in_state: bool,
    /// Whether calling is not barred for want of a licence.
    pub licensed: bool,
}

/// Which do-not-call lists must be clear, all of them, and for how long a clear result is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Screening {
    pub good_for: Span,
    /// As `contact.screened` names them.
    pub lists: Vec<String>,
}

/// At most so many calls to one number in so much elapsed time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cap {
    pub per: Span,
    pub max_calls: u32,
    /// Counts, and holds back, only calls that a machine dials.
    pub automated_only: bool,
}

impl Law {
    /// The version that holds on a local day (days since 1970-01-01).
    pub fn on(&self, day: i32) -> &Row {
        let later = self.versions.iter().skip(1).take_while(|(from, _)| *from <= day).count();
        &self.versions[later].1
    }
}

impl Row {
    /// When calls are allowed on a local day, on the local clock.
    pub(super) fn hours_on(&self, day: i32, automated: bool) -> &Hours {
        const CLOSED: &Hours = &Hours::CLOSED;
        if self.closed_until.is_some_and(|open| day < open) {
            return CLOSED;
        }
        let week = if automated { &self.automated_hours } else { &self.hours };
        week.on(day, self.holidays.contains(day))
    }
}
