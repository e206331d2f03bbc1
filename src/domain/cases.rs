//! What is not a sales case: somebody has died, is a child, threatens a suit, is in distress, competes with us, looks for
//! work, speaks another language, or is a test.
//!
//! Reads flags of colleagues, words and domains alike; what follows from a case is decided in `diagnosis` and `plays`.
//! Longer than most, because the closed list of cases and where each is read from are best seen together.
//! A colleague's feedback "not_…", given later, takes back what was read in words, and what a colleague flagged, but for
//! what closed everything: only the person reopens that.

use super::event::{Channel, LeadFlag};
use super::facts::{Facts, Said};
use super::fold::closed_channels;
use super::identity::{Key, KeyKind};
use super::policy::Policy;
use super::register::Stamp;
use super::words::{Label, OptOutScope, Quote};

/// In the order of weight: of several the first decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Case {
    Test,
    Deceased,
    Minor,
    LegalThreat,
    Vulnerable,
    Competitor,
    NotABuyer,
    Language,
}

impl Case {
    /// The flag that takes it back.
    fn denied_by(self) -> &'static str {
        match self {
            Case::Test => "not_test",
            Case::Deceased => "not_deceased",
            Case::Minor => "not_minor",
            Case::LegalThreat => "not_legal_threat",
            Case::Vulnerable => "not_vulnerable",
            Case::Competitor => "not_competitor",
            Case::NotABuyer => "not_not_a_buyer",
            Case::Language => "not_language",
        }
    }

    /// A flag of it closes everything, and a colleague's no cannot undo that.
    fn closes_for_good(self) -> bool {
        match self {
            Case::Deceased | Case::Minor | Case::LegalThreat => true,
            Case::Test | Case::Vulnerable | Case::Competitor | Case::NotABuyer | Case::Language => false,
        }
    }

    fn of_flag(flag: LeadFlag) -> Option<Case> {
        match flag {
            LeadFlag::Deceased => Some(Case::Deceased),
            LeadFlag::Minor => Some(Case::Minor),
            LeadFlag::Vulnerable => Some(Case::Vulnerable),
            LeadFlag::LegalThreat => Some(Case::LegalThreat),
            LeadFlag::Competitor => Some(Case::Competitor),
            LeadFlag::NotABuyer => Some(Case::NotABuyer),
            LeadFlag::Test => Some(Case::Test),
            // About a number, not about the person behind the lead.
            LeadFlag::WrongPerson => None,
        }
    }

    fn of_label(label: Label) -> Option<Case> {
        match label {
            Label::Deceased => Some(Case::Deceased),
            Label::Minor => Some(Case::Minor),
            Label::Vulnerable => Some(Case::Vulnerable),
            Label::LegalThreat => Some(Case::LegalThreat),
            Label::Competitor => Some(Case::Competitor),
            Label::NotABuyer => Some(Case::NotABuyer),
            Label::Language => Some(Case::Language),
            _ => None,
        }
    }
}

/// What says so.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Source<'a> {
    Flag(LeadFlag),
    Said(Quote<'a>),
    Domain(&'a str),
    Origin,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found<'a> {
    pub case: Case,
    pub source: Source<'a>,
    pub stamp: Stamp,
    pub event: &'a str,
    /// Clearly said, flagged, or a domain on a list; otherwise likely meant.
    pub certain: bool,
}

/// Every case that the facts speak of, each once, in the order of weight. Usually none.
#[derive(Clone, Debug, Default)]
pub struct Cases<'a>(Vec<Found<'a>>);

impl<'a> Cases<'a> {
    pub fn get(&self, case: Case) -> Option<&Found<'a>> {
        self.0.iter().find(|f| f.case == case)
    }
    /// For certain.
    pub fn has(&self, case: Case) -> bool {
        self.get(case).is_some_and(|f| f.certain)
    }
    pub fn iter(&self) -> impl Iterator<Item = &Found<'a>> {
        self.0.iter()
    }
}

/// Collects the cases of a lead.
pub fn cases<'a>(facts: &'a Facts, policy: &'a Policy) -> Cases<'a> {
    let mut out = Cases::default();
    for (flag, cited) in &facts.flags {
        if let Some(case) = Case::of_flag(*flag)
            && (case.closes_for_good() || !is_denied(facts, case, cited.stamp))
        {
            let source = Source::Flag(*flag);
            note(&mut out, Found { case, source, stamp: cited.stamp, event: &cited.id, certain: true });
        }
    }
    // A program may be what tells of a death; and what looks like one may be a person who wants to be left alone.
    for said in facts.said.iter().filter(|s| !s.auto) {
        for finding in &said.findings {
            let Some(case) = Case::of_label(finding.label) else { continue };
            let (stamp, source) = (said.cited.stamp, Source::Said(said.quote(finding)));
            if !is_denied(facts, case, stamp) {
                note(&mut out, Found { case, source, stamp, event: &said.cited.id, certain: finding.certain });
            }
        }
    }
    if let Some(test) = facts.origin.test.as_ref().filter(|t| t.value) {
        let found = Found { case: Case::Test, source: Source::Origin, stamp: test.stamp, event: "", certain: true };
        note(&mut out, found);
    }
    let rules = &policy.contact;
    if !rules.own_domains.is_empty() || !rules.competitor_domains.is_empty() {
        by_domain(facts, policy, &mut out);
    }
    out.0.sort_by_key(|f| f.case);
    out
}

fn by_domain<'a>(facts: &'a Facts, policy: &'a Policy, out: &mut Cases<'a>) {
    for (key, at) in facts.keys.iter().filter(|(k, _)| k.kind == KeyKind::Email) {
        let Some((_, domain)) = key.value.rsplit_once('@') else { continue };
        let stamp = Stamp { at: *at, tie: 0 };
        let lists = [(Case::Test, &policy.contact.own_domains), (Case::Competitor, &policy.contact.competitor_domains)];
        for (case, list) in lists {
            if list.iter().any(|d| d == domain) && !is_denied(facts, case, stamp) {
                note(out, Found { case, source: Source::Domain(domain), stamp, event: "", certain: true });
            }
        }
    }
}

/// Keeps one of a kind: the certain one, and of those the newest, so that its time counts.
fn note<'a>(out: &mut Cases<'a>, found: Found<'a>) {
    match out.0.iter_mut().find(|f| f.case == found.case) {
        Some(held) if (held.certain, held.stamp) < (found.certain, found.stamp) => *held = found,
        Some(_) => {}
        None => out.0.push(found),
    }
}

/// A colleague took it back, later than it was said.
fn is_denied(facts: &Facts, case: Case, since: Stamp) -> bool {
    has_flag_since(facts, case.denied_by(), since)
}

/// Whether somebody's good word after an instant carries a flag.
pub fn has_flag_since(facts: &Facts, flag: &str, since: Stamp) -> bool {
    facts.feedback.iter().any(|f| f.good && f.cited.stamp > since && f.flags.iter().any(|g| g == flag))
}

/// Says in the words of the policy that nobody asked us.
pub fn says_never_asked(said: &Said, policy: &Policy) -> bool {
    let text = said.text.to_lowercase();
    policy.contact.never_asked.iter().any(|phrase| text.contains(phrase.as_str()))
}

/// Words that may have been an opt-out; what they would close is held until a person says what was meant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UnsureOptOut<'a> {
    pub channels: &'static [Channel],
    pub key: Option<&'a Key>,
    pub stamp: Stamp,
    pub event: &'a str,
    pub quote: Quote<'a>,
}

/// The unsure opt-outs that nobody has settled: neither a colleague's "not_opt_out", nor a closing, nor a consent later.
/// Whoever says that they never asked may want to hear no more of us by any way.
pub fn unsure_opt_outs<'a>(facts: &'a Facts, policy: &Policy) -> Vec<UnsureOptOut<'a>> {
    let mut out = Vec::new();
    for said in facts.said.iter().filter(|s| !s.auto) {
        let unsure = said.findings.iter().find(|f| f.label == Label::OptOut && !f.certain);
        let denied =
            said.findings.iter().find(|f| f.label == Label::Complaint).filter(|_| says_never_asked(said, policy));
        let Some(finding) = unsure.or(denied) else { continue };
        let stamp = said.cited.stamp;
        let scope =
            if denied.is_some() { OptOutScope::Everything } else { finding.scope.unwrap_or(OptOutScope::Channel) };
        let channels = closed_channels(scope, said.medium);
        let closed_since = |c: Channel| {
            facts
                .closings
                .iter()
                .any(|((channel, _), closing)| *channel == c && closing.last.as_ref().is_some_and(|l| l.stamp >= stamp))
        };
        let allowed_since = |c: Channel| {
            let granted = |g: &super::facts::ConsentFact| g.granted.as_ref().is_some_and(|g| g.stamp > stamp);
            facts.consents.iter().any(|((channel, _), fact)| *channel == c && granted(fact))
        };
        let settled = has_flag_since(facts, "not_opt_out", stamp)
            || channels
                .iter()
                .filter(|c| **c != Channel::Mail && **c != Channel::Share)
                .all(|c| closed_since(*c) || allowed_since(*c));
        if !settled {
            out.push(UnsureOptOut {
                channels,
                key: said.about.as_ref(),
                stamp,
                event: &said.cited.id,
                quote: said.quote(finding),
            });
        }
    }
    out
}
