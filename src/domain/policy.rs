//! The policy: every number and rule a sales manager may change, parsed once from the files of `config/policy`.
//!
//! Typed tables with closed sets of names; a file that does not fit is refused whole, with all its errors.
//! What the numbers do is in `score`, `diagnosis`, `plays`; the law is in `legal`, the words in `words`. Long, because every
//! table of the files but `scoring.toml` is declared here, field by field.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::event::RejectReason;
use super::identity::digest_16;
use super::legal::{Jurisdictions, Missing, Place, PlaceFacts};
use super::question::Question;
use super::score::{FitRules, Guesses, WordLists};
use super::task::Play;
use super::time::{Span, Zone};
use super::words::Lexicon;

mod check;
mod scoring;
mod sense;
pub mod suggest;

pub use scoring::*;
use sense::Sense;

/// The files of a policy directory, in the order in which they are hashed.
pub const FILES: [&str; 8] = [
    "scoring.toml",
    "plays.toml",
    "floor.toml",
    "partners.toml",
    "contact.toml",
    "words.toml",
    "cues.tsv",
    "jurisdictions.toml",
];

/// The shipped files, compiled in.
pub const SHIPPED: [(&str, &str); 8] = [
    ("scoring.toml", include_str!("../../config/policy/scoring.toml")),
    ("plays.toml", include_str!("../../config/policy/plays.toml")),
    ("floor.toml", include_str!("../../config/policy/floor.toml")),
    ("partners.toml", include_str!("../../config/policy/partners.toml")),
    ("contact.toml", include_str!("../../config/policy/contact.toml")),
    ("words.toml", include_str!("../../config/policy/words.toml")),
    ("cues.tsv", include_str!("../../config/policy/cues.tsv")),
    ("jurisdictions.toml", include_str!("../../config/policy/jurisdictions.toml")),
];

#[derive(Clone)]
pub struct Policy {
    /// Hash of the content of all files: what a record was judged by.
    pub hash: String,
    pub scoring: Scoring,
    /// The rules of fit, compiled from `scoring`.
    pub fit: Arc<FitRules>,
    /// The rules of guessing, checked.
    pub guesses: Arc<Guesses>,
    pub plays: Plays,
    pub floor: Floor,
    pub partners: Vec<Partner>,
    pub contact: ContactRules,
    pub words: Arc<Lexicon>,
    pub law: Arc<Jurisdictions>,
    pub desk: super::floor::Desk,
    /// Whether fictional numbers and example domains count as real: for demos and tests.
    pub fictional: Fictional,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fictional {
    Refuse,
    Allow,
}

/// A length of time, written like "20m" or "14d" in the files.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct Length(pub Span);

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plays {
    pub value_of_win: f64,
    pub currency: String,
    pub play: BTreeMap<Play, PlayRule>,
    pub cadence: Cadence,
    pub fatigue: FatigueRules,
    pub nurture: NurtureRules,
    pub revisit: RevisitRules,
    pub guard: GuardRules,
    pub review: ReviewRules,
    /// After a downstream system rejected a task: how long nothing of its kind is sent to the same key, by the reason.
    pub rejected: BTreeMap<RejectReason, Length>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlayRule {
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Prior chance that the play leads to a sale.
    pub success: f64,
    /// Multiplies the value of a win: a partner's fee is a part of it.
    #[serde(default = "one")]
    pub value_factor: f64,
    pub cost: f64,
    pub fatigue: f64,
    /// 0 to 9.
    pub priority: u8,
    /// How long the task is of use after its due time.
    pub expires: Length,
}

fn yes() -> bool {
    true
}
fn one() -> f64 {
    1.0
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cadence {
    /// Earliest day of each call attempt, from the start of the episode; the second is the next untried daypart.
    pub call_days: Vec<u32>,
    pub email_days: Vec<u32>,
    pub after_no_answer: Length,
    pub after_busy: Length,
    pub after_our_failure: Length,
    pub after_congestion: Length,
    /// A number out of service is tried once more after so long.
    pub verify_number_after: Length,
    /// An answer that no desk reported on is asked for again so long after the last ask was over, so often in all.
    pub answer_again_after: Length,
    pub answer_asks: u32,
    /// So many calls, and e-mails, go to whose profile fits badly: an answer, not a chase.
    pub attempts_misfit: u32,
    /// A repair that nobody reported on is asked for once more after so long.
    pub repair_again_after: Length,
    pub planned_calls_per_day: u32,
    pub voicemails: u32,
    pub callback_tolerance: Length,
    /// Words before a time that make it the earliest one: "after 4".
    pub earliest_words: Vec<String>,
    pub room_again_after: Length,
    pub room_fresh_for: Length,
    pub other_channel_after: u32,
    /// First and last day after a good moment.
    pub referral_days: [u32; 2],
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FatigueRules {
    /// The first days are a burst of our own answer to an inquiry; after them the two limits hold.
    pub free_days: u32,
    pub touches_per_day: u32,
    pub touches_per_week: u32,
    pub quiet_after_contact: Length,
    /// No sales touch for so long after somebody was found to be vulnerable.
    pub quiet_after_vulnerable: Length,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NurtureRules {
    pub gap: Length,
    pub gap_factor: f64,
    pub gap_max: Length,
    pub gap_min: Length,
    /// Check-ins without a sign of life before the goodbye.
    pub most: u32,
    /// Of them to who asked us to wait until a day.
    pub most_waiting: u32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevisitRules {
    pub not_now: Length,
    pub silent: Length,
    pub bad_fit: Length,
    /// After a no, by one e-mail and once; never after an opt-out.
    pub said_no: Length,
    pub before_contract_end: Length,
    pub contract_words: Vec<String>,
    pub most: u8,
    /// How much of the cadence a revisit is.
    pub calls: usize,
    pub emails: usize,
}

/// Which questions a person is asked, and how soon an answer is wanted.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReviewRules {
    /// A lead whose chance of a sale is at least so many times the average is worth a colleague's look.
    pub valuable_factor: f64,
    /// So many questions of opinion a colleague is asked on one day (UTC) at most.
    pub per_person_a_day: u32,
    /// Who answers a wish is asked again after so long, so often.
    pub again_after: Length,
    pub asked_again: u32,
    /// Question → time to answer; a question that is not here is never asked.
    pub due: BTreeMap<Question, Length>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuardRules {
    pub firings: u32,
    pub within: Length,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Floor {
    pub default_zone: String,
    pub desk: DeskHours,
}

/// When the people who work the queues are there; an empty list of hours means always.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeskHours {
    pub zone: String,
    /// "mon" to "sun" → ["09:00-12:00", …].
    pub hours: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    pub holidays: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PartnersFile {
    #[serde(default)]
    partner: Vec<Partner>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partner {
    pub id: String,
    pub name: String,
    /// Interests or industries it serves; empty: any.
    #[serde(default)]
    pub needs: Vec<String>,
    /// Regions ("US-FL") or countries ("US"); empty: anywhere.
    #[serde(default)]
    pub places: Vec<String>,
    pub employees_at_most: Option<u32>,
    pub employees_at_least: Option<u32>,
    /// Leads it takes in a week (Monday to Sunday, UTC).
    pub weekly_limit: u32,
    /// Channels the partner may use, where the lead agreed to them.
    pub channels: Vec<String>,
    #[serde(default = "yes")]
    pub active: bool,
    /// An example: counts only where fictional numbers and addresses do.
    #[serde(default)]
    pub fictional: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContactRules {
    pub disposable_domains: Vec<String>,
    /// Mistyped domain → the one that was meant.
    pub typo_domains: BTreeMap<String, String>,
    /// Providers that everybody uses; a domain one slip away from one is taken for a slip.
    #[serde(default)]
    pub well_known_domains: Vec<String>,
    /// Phrases of a complaint that say nobody asked, in lower case.
    #[serde(default)]
    pub never_asked: Vec<String>,
    pub joke_names: Vec<String>,
    pub keyboard_runs: Vec<String>,
    pub fictional_domains: Vec<String>,
    /// Our own people: leads on these domains are tests.
    #[serde(default)]
    pub own_domains: Vec<String>,
    /// People on these domains compete with us.
    #[serde(default)]
    pub competitor_domains: Vec<String>,
    /// Dialer code → what it means.
    pub disposition: BTreeMap<String, Disposition>,
}

/// What a dialer's code means for the next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disposition {
    NoAnswer,
    Undecided,
    Busy,
    Machine,
    MachineMessage,
    BadNumber,
    Temporary,
    Fax,
    Unworkable,
    OurFailure,
    Callback,
    CallbackNotDue,
    NotInterested,
    BrushOff,
    Declined,
    DoNotCall,
    Sale,
    Transfer,
    RightParty,
    OtherPerson,
    WrongPerson,
    Language,
    Ignore,
    CarrierBusy,
    CapBlocked,
}

/// A hundred years: nothing in a policy is meant to last longer, and everything shorter can be counted with.
const LONGEST_SECONDS: i64 = 100 * 365 * 86_400;

fn too_long(text: &str) -> String {
    format!("\"{text}\" is longer than 100 years")
}

impl TryFrom<String> for Length {
    type Error = String;
    fn try_from(text: String) -> Result<Length, String> {
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let n: i64 = digits
            .trim()
            .parse()
            .map_err(|_| format!("\"{text}\" is no length of time; write it like \"20m\", \"6h\" or \"14d\""))?;
        if n < 0 {
            return Err(format!("\"{text}\" is negative"));
        }
        if n > LONGEST_SECONDS {
            return Err(too_long(&text));
        }
        let span = match &text[digits.len()..] {
            "s" => Span::seconds(n),
            "m" | "min" => Span::minutes(n),
            "h" => Span::hours(n),
            "d" => Span::days(n),
            "" => return Err(format!("\"{text}\" has no unit of time; write it like \"{text}d\", with s, m, h or d")),
            unit => return Err(format!("\"{unit}\" is no unit of time; use s, m, h or d")),
        };
        if span > Span::seconds(LONGEST_SECONDS) {
            return Err(too_long(&text));
        }
        Ok(Length(span))
    }
}

impl Policy {
    /// The shipped policy.
    ///
    /// # Errors
    /// None in practice: a test parses the shipped files.
    pub fn shipped(fictional: Fictional) -> Result<Policy, Vec<String>> {
        Policy::parse(&SHIPPED.map(|(name, text)| (name.to_owned(), text.to_owned())), fictional)
    }

    /// Parses a set of policy files; a file that is absent is taken from the shipped ones.
    ///
    /// # Errors
    /// All errors of all files at once, each with its file and place.
    pub fn parse(files: &[(String, String)], fictional: Fictional) -> Result<Policy, Vec<String>> {
        let mut errors = Vec::new();
        for (name, _) in files {
            if !FILES.contains(&name.as_str()) {
                errors.push(format!("{name}: not a policy file; the files are {}", FILES.join(", ")));
            }
        }
        let text = |name: &str| -> String {
            let given = files.iter().find(|(n, _)| n == name).map(|(_, t)| t.clone());
            given.unwrap_or_else(|| {
                SHIPPED.iter().find(|(n, _)| *n == name).map_or(String::new(), |(_, t)| (*t).to_owned())
            })
        };
        let scoring: Option<Scoring> = read("scoring.toml", &text("scoring.toml"), &mut errors);
        let plays: Option<Plays> = read("plays.toml", &text("plays.toml"), &mut errors);
        let floor: Option<Floor> = read("floor.toml", &text("floor.toml"), &mut errors);
        let partners: Option<PartnersFile> = read("partners.toml", &text("partners.toml"), &mut errors);
        let contact: Option<ContactRules> = read("contact.toml", &text("contact.toml"), &mut errors);
        let named = |name: &'static str| move |e: Vec<String>| e.into_iter().map(move |e| format!("{name}: {e}"));
        let words = Lexicon::parse(&text("words.toml"))
            .map_err(named("words.toml"))
            .and_then(|words| words.with_cues(&text("cues.tsv")).map_err(named("cues.tsv")))
            .map_err(|e| errors.extend(e));
        let law = Jurisdictions::parse(&text("jurisdictions.toml"))
            .map_err(|e| errors.extend(e.into_iter().map(|e| format!("jurisdictions.toml: {e}"))));
        let compiled = scoring.as_ref().map(|s| compile(s, &text("scoring.toml"), &mut errors));
        let texts = ["plays.toml", "partners.toml", "scoring.toml"].map(|name| (name, text(name)));
        for (name, text) in &texts {
            let mut sense = Sense::of(name, text, &mut errors);
            sense.numbers();
            match *name {
                "plays.toml" => plays.iter().for_each(|plays| sense.plays(plays)),
                "partners.toml" => partners.iter().for_each(|file| sense.partners(&file.partner)),
                _ => scoring.iter().for_each(|scoring| sense.scoring(scoring)),
            }
        }
        if let Some(floor) = &floor {
            check_floor(floor, &mut errors);
        }
        let desk = floor
            .as_ref()
            .map(super::floor::Desk::new)
            .and_then(|d| d.map_err(|e| errors.push(format!("floor.toml: {e}"))).ok());
        let parts: Vec<String> = FILES.iter().map(|name| text(name)).collect();
        let bytes: Vec<&[u8]> = parts.iter().map(|p| p.as_bytes()).collect();
        match (scoring, compiled, plays, floor, partners, contact, words, law, desk) {
            (
                Some(scoring),
                Some((fit, guesses)),
                Some(plays),
                Some(floor),
                Some(partners),
                Some(contact),
                Ok(words),
                Ok(law),
                Some(desk),
            ) if errors.is_empty() => Ok(Policy {
                hash: hex::encode(&digest_16(&bytes)[..8]),
                scoring,
                fit: Arc::new(fit),
                guesses: Arc::new(guesses),
                plays,
                floor,
                partners: partners
                    .partner
                    .into_iter()
                    .filter(|p| !p.fictional || fictional == Fictional::Allow)
                    .collect(),
                contact,
                words: Arc::new(words),
                law: Arc::new(law),
                desk,
                fictional,
            }),
            _ => Err(errors),
        }
    }

    /// Which reading of a text is current: changes with the lexicon, the rules of guessing, and the zone that dates are
    /// understood in.
    pub fn reading(&self, zone: &Zone) -> u64 {
        let mut h = (self.words.hash() ^ self.guesses.hash()) | 1;
        for b in zone.name().bytes() {
            h = (h ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01B3);
        }
        h | 1
    }

    /// The zone a lead lives in as far as its facts say, else the floor's.
    pub fn zone_of(&self, facts: &PlaceFacts<'_>) -> Zone {
        self.zone_at(&self.law.place(facts))
    }

    /// The zone of a place, else the floor's.
    pub fn zone_at(&self, place: &Place<'_>) -> Zone {
        match place.missing() {
            Some(Missing::Nothing | Missing::Number) if place.time_zone().is_none() => self.default_zone(),
            _ => place.local_zone().clone(),
        }
    }

    pub fn default_zone(&self) -> Zone {
        Zone::named(&self.floor.default_zone).unwrap_or_else(Zone::utc)
    }

    pub fn rule(&self, play: Play) -> Option<&PlayRule> {
        self.plays.play.get(&play).filter(|r| r.enabled)
    }

    /// What a code or a word means: a code as it is written, a word in any case and with any joint.
    pub fn disposition(&self, code: &str) -> Option<Disposition> {
        let table = &self.contact.disposition;
        let word = || code.trim().to_ascii_lowercase().replace([' ', '-'], "_");
        table.get(code).or_else(|| table.get(&word())).copied()
    }
}

fn read<T: for<'de> Deserialize<'de>>(file: &str, text: &str, errors: &mut Vec<String>) -> Option<T> {
    match toml::from_str(text) {
        Ok(value) => Some(value),
        Err(e) => {
            errors.push(format!("{file}, {}", suggest::fault(text, &e)));
            None
        }
    }
}

/// Compiles the rules of `scoring.toml` and checks its numbers.
fn compile(scoring: &Scoring, text: &str, errors: &mut Vec<String>) -> (FitRules, Guesses) {
    let lists = Arc::new(WordLists::new(&scoring.lists, errors));
    let fit = FitRules::new(&scoring.fit, lists.clone(), text, errors);
    let guesses = Guesses::new(&scoring.qualification.guess, lists, text, errors);
    scoring.check(errors);
    (fit, guesses)
}

fn check_floor(floor: &Floor, errors: &mut Vec<String>) {
    // The desk's own zone is checked where it is read.
    if Zone::named(&floor.default_zone).is_none() {
        errors.push(format!("floor.toml: default_zone is {}", no_zone(&floor.default_zone)));
    }
}

/// The end of a sentence about a zone that there is not.
pub(in crate::domain) fn no_zone(name: &str) -> String {
    format!("\"{name}\", which is no time zone; use a name like \"America/New_York\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_policy_parses() {
        if let Err(errors) = Policy::shipped(Fictional::Allow) {
            panic!("{}", errors.join("\n"));
        }
    }

    #[test]
    fn examples_of_partners_get_no_leads_where_fiction_is_refused() {
        let partners = |fictional| Policy::shipped(fictional).unwrap().partners.len();
        assert_eq!((partners(Fictional::Allow), partners(Fictional::Refuse)), (2, 0));
        let own = "[[partner]]\nid = \"us\"\nname = \"Us\"\nweekly_limit = 1\nchannels = []\n";
        let policy = Policy::parse(&[("partners.toml".into(), own.into())], Fictional::Refuse).unwrap();
        assert_eq!(policy.partners.len(), 1);
    }

    #[test]
    fn a_zone_that_there_is_not_is_told_once() {
        let floor = "default_zone = \"UTC\"\n[desk]\nzone = \"Mars/Olympus\"\nhours = {}\n";
        let errors = Policy::parse(&[("floor.toml".into(), floor.into())], Fictional::Allow).err().unwrap();
        assert_eq!(
            errors,
            ["floor.toml: desk.zone is \"Mars/Olympus\", which is no time zone; use a name like \"America/New_York\""]
        );
    }

    #[test]
    fn all_errors_of_all_files_come_at_once() {
        let files = [
            (
                "floor.toml".to_owned(),
                "default_zone = \"Mars/Olympus\"\n[desk]\nzone = \"UTC\"\nhours = {}\n".to_owned(),
            ),
            ("partners.toml".to_owned(), "[[partner]]\nid = 3\n".to_owned()),
            ("scorign.toml".to_owned(), String::new()),
        ];
        let errors = Policy::parse(&files, Fictional::Allow).err().unwrap().join("\n");
        assert!(
            errors.contains("Mars/Olympus")
                && errors.contains("partners.toml, line 2")
                && errors.contains("scorign.toml"),
            "{errors}"
        );
    }
}
