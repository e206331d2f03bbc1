//! The two closed lists of the diagnosis: causes and verdicts. How a lead comes to one is not here.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    Fit,
    Contact,
    Process,
    Timing,
    Interest,
    Bogus,
}

impl Cause {
    pub const ALL: [Cause; 6] =
        [Cause::Fit, Cause::Contact, Cause::Process, Cause::Timing, Cause::Interest, Cause::Bogus];
    pub fn name(self) -> &'static str {
        match self {
            Cause::Fit => "fit",
            Cause::Contact => "contact",
            Cause::Process => "process",
            Cause::Timing => "timing",
            Cause::Interest => "interest",
            Cause::Bogus => "bogus",
        }
    }

    /// After "because of".
    pub fn in_words(self) -> &'static str {
        match self {
            Cause::Fit => "a bad fit",
            Cause::Contact => "bad contact data",
            Cause::Process => "our own process",
            Cause::Timing => "bad timing",
            Cause::Interest => "a lack of interest",
            Cause::Bogus => "doubt that anybody real asked",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Promising,
    Workable,
    Weak,
    Bad,
    Unknown,
}

impl Verdict {
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Promising => "promising",
            Verdict::Workable => "workable",
            Verdict::Weak => "weak",
            Verdict::Bad => "bad",
            Verdict::Unknown => "unknown",
        }
    }
}
