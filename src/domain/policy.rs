//! The policy: every number and rule a sales manager may change, parsed once from the files of `config/policy`.
//!
//! Typed tables with closed sets of names; a file that does not fit is refused whole, with all its errors.
//! What the numbers do is in `score`, `diagnosis`, `plays`; the law is in `legal`, the words in `words`. Long, because every
//! table of the files is declared here, field by field.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::diagnosis::Cause;
use super::facts::SignalKind;
use super::identity::digest_16;
use super::legal::{Jurisdictions, Missing, Place, PlaceFacts};
use super::task::Play;
use super::time::{Span, Zone};
use super::words::Lexicon;

/// The files of a policy directory, in the order in which they are hashed.
pub const FILES: [&str; 7] =
    ["scoring.toml", "plays.toml", "floor.toml", "partners.toml", "contact.toml", "words.toml", "jurisdictions.toml"];

/// The shipped files, compiled in.
pub const SHIPPED: [(&str, &str); 7] = [
    ("scoring.toml", include_str!("../../config/policy/scoring.toml")),
    ("plays.toml", include_str!("../../config/policy/plays.toml")),
    ("floor.toml", include_str!("../../config/policy/floor.toml")),
    ("partners.toml", include_str!("../../config/policy/partners.toml")),
    ("contact.toml", include_str!("../../config/policy/contact.toml")),
    ("words.toml", include_str!("../../config/policy/words.toml")),
    ("jurisdictions.toml", include_str!("../../config/policy/jurisdictions.toml")),
];

#[derive(Clone)]
pub struct Policy {
    /// Hash of the content of all files: what a record was judged by.
    pub hash: String,
    pub scoring: Scoring,
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

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scoring {
    pub engagement: EngagementRules,
    pub fit: Vec<FitRule>,
    pub fit_start_points: f64,
    pub fit_group_caps: BTreeMap<String, f64>,
    pub grade: GradeRules,
    pub qualification: QualificationRules,
    pub conversion: ConversionRules,
    pub silence: SilenceRules,
    pub diagnosis: DiagnosisRules,
    pub audit: AuditRules,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EngagementRules {
    /// Sum at which the score is 50.
    pub half_points: f64,
    pub per_type_and_day: u32,
    pub open_cap_points: f64,
    pub signal: BTreeMap<SignalName, SignalRule>,
    /// `signal.observed` names that count; all others score nothing.
    #[serde(default)]
    pub observed: BTreeMap<String, SignalRule>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignalRule {
    pub points: f64,
    pub half_life: Length,
}

/// A length of time, written like "20m" or "14d" in the files.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct Length(pub Span);

/// Everything that earns or costs engagement, by its name in `scoring.toml` and in explanations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignalName {
    ContactRequest,
    Form,
    RightPartyCall,
    InboundCall,
    ReplyInterest,
    ReplyNeutral,
    ReplyVague,
    ReplyDisinterest,
    Complaint,
    Chat,
    MeetingBooked,
    MeetingHeld,
    MeetingMissed,
    Room,
    Content,
    PricingPage,
    Page,
    Click,
    Open,
    Unsubscribe,
    BrushOff,
    NotInterested,
}

impl SignalName {
    pub fn name(self) -> &'static str {
        match self {
            SignalName::ContactRequest => "contact_request",
            SignalName::Form => "form",
            SignalName::RightPartyCall => "right_party_call",
            SignalName::InboundCall => "inbound_call",
            SignalName::ReplyInterest => "reply_interest",
            SignalName::ReplyNeutral => "reply_neutral",
            SignalName::ReplyVague => "reply_vague",
            SignalName::ReplyDisinterest => "reply_disinterest",
            SignalName::Complaint => "complaint",
            SignalName::Chat => "chat",
            SignalName::MeetingBooked => "meeting_booked",
            SignalName::MeetingHeld => "meeting_held",
            SignalName::MeetingMissed => "meeting_missed",
            SignalName::Room => "room",
            SignalName::Content => "content",
            SignalName::PricingPage => "pricing_page",
            SignalName::Page => "page",
            SignalName::Click => "click",
            SignalName::Open => "open",
            SignalName::Unsubscribe => "unsubscribe",
            SignalName::BrushOff => "brush_off",
            SignalName::NotInterested => "not_interested",
        }
    }

    pub fn of(kind: SignalKind) -> SignalName {
        match kind {
            SignalKind::ContactRequest => SignalName::ContactRequest,
            SignalKind::Form => SignalName::Form,
            SignalKind::Reply => SignalName::ReplyNeutral,
            SignalKind::Complaint => SignalName::Complaint,
            SignalKind::Chat => SignalName::Chat,
            SignalKind::MeetingBooked => SignalName::MeetingBooked,
            SignalKind::MeetingHeld => SignalName::MeetingHeld,
            SignalKind::MeetingMissed => SignalName::MeetingMissed,
            SignalKind::Room => SignalName::Room,
            SignalKind::Content => SignalName::Content,
            SignalKind::PricingPage => SignalName::PricingPage,
            SignalKind::Page => SignalName::Page,
            SignalKind::Click => SignalName::Click,
            SignalKind::Open => SignalName::Open,
            SignalKind::Unsubscribe => SignalName::Unsubscribe,
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FitRule {
    pub name: String,
    pub group: String,
    pub field: FitField,
    #[serde(default)]
    pub any_word: Vec<String>,
    #[serde(default)]
    pub one_of: Vec<String>,
    pub at_least: Option<f64>,
    pub at_most: Option<f64>,
    pub points: f64,
    pub because: String,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FitField {
    Title,
    Company,
    Industry,
    Employees,
    Country,
    Region,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GradeRules {
    /// Lower bounds of A, B, C.
    pub fit: [f64; 3],
    /// Lower bounds of 1, 2, 3.
    pub engagement: [f64; 3],
    pub hysteresis_points: f64,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QualificationRules {
    pub confirmed_level: u8,
    pub sales_ready_confirmed: u8,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConversionRules {
    pub base: f64,
    pub fit_points_to_double: f64,
    pub engagement_points_to_double: f64,
    pub ceiling: f64,
    pub spread_factor: f64,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SilenceRules {
    /// How likely one touch is answered, ever.
    pub call_answer: f64,
    pub email_answer: f64,
    pub sms_answer: f64,
    /// After how long half of the answers that will come have come.
    pub call_half_life: Length,
    pub email_half_life: Length,
    pub sms_half_life: Length,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiagnosisRules {
    pub weak_share: f64,
    pub bad_share: f64,
    pub low_fit_points: f64,
    pub low_fit_known: f64,
    pub low_fit: f64,
    pub not_a_buyer: f64,
    pub dead_contact: f64,
    pub partly_dead_contact: f64,
    pub open_audit: f64,
    pub first_touch_missed: f64,
    pub our_failure: f64,
    pub not_now: f64,
    pub no_budget: f64,
    pub clear_no: f64,
    pub vague: f64,
    pub silence: f64,
    pub joke_name: f64,
    pub disposable_address: f64,
    pub fictional_contact: f64,
    pub filled_too_fast: f64,
    pub honeypot: f64,
    pub bad_feedback: f64,
    pub lost: f64,
    pub fill_seconds: u32,
    /// Reasons of a lost deal, by a word they contain.
    pub lost_reasons: BTreeMap<String, Cause>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditRules {
    pub first_touch_within: Length,
    pub attempts: u32,
    pub attempt_days: u32,
}

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
    pub planned_calls_per_day: u32,
    pub voicemails: u32,
    pub callback_tolerance: Length,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FatigueRules {
    /// The first days are a burst of our own answer to an inquiry; after them the two limits hold.
    pub free_days: u32,
    pub touches_per_day: u32,
    pub touches_per_week: u32,
    pub quiet_after_contact: Length,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NurtureRules {
    pub gap: Length,
    pub gap_factor: f64,
    pub gap_max: Length,
    pub gap_min: Length,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevisitRules {
    pub not_now: Length,
    pub silent: Length,
    pub bad_fit: Length,
    pub before_contract_end: Length,
    pub contract_words: Vec<String>,
    pub most: u8,
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
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContactRules {
    pub disposable_domains: Vec<String>,
    /// Mistyped domain → the one that was meant.
    pub typo_domains: BTreeMap<String, String>,
    pub joke_names: Vec<String>,
    pub keyboard_runs: Vec<String>,
    pub fictional_domains: Vec<String>,
    /// Our own people: leads on these domains are tests.
    #[serde(default)]
    pub own_domains: Vec<String>,
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
    OurFailure,
    Callback,
    CallbackNotDue,
    NotInterested,
    BrushOff,
    Declined,
    DoNotCall,
    Sale,
    Transfer,
    Ignore,
    CarrierBusy,
    CapBlocked,
}

impl TryFrom<String> for Length {
    type Error = String;
    fn try_from(text: String) -> Result<Length, String> {
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let n: i64 = digits
            .trim()
            .parse()
            .map_err(|_| format!("\"{text}\" is no length of time; write it like \"20m\", \"6h\" or \"14d\""))?;
        let span = match &text[digits.len()..] {
            "s" => Span::seconds(n),
            "m" | "min" => Span::minutes(n),
            "h" => Span::hours(n),
            "d" => Span::days(n),
            unit => return Err(format!("\"{unit}\" is no unit of time; use s, m, h or d")),
        };
        if n < 0 {
            return Err(format!("\"{text}\" is negative"));
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
        let words = Lexicon::parse(&text("words.toml"))
            .map_err(|e| errors.extend(e.into_iter().map(|e| format!("words.toml: {e}"))));
        let law = Jurisdictions::parse(&text("jurisdictions.toml"))
            .map_err(|e| errors.extend(e.into_iter().map(|e| format!("jurisdictions.toml: {e}"))));
        if let Some(plays) = &plays {
            check_plays(plays, &mut errors);
        }
        if let Some(floor) = &floor {
            check_floor(floor, &mut errors);
        }
        let desk = floor
            .as_ref()
            .map(super::floor::Desk::new)
            .and_then(|d| d.map_err(|e| errors.push(format!("floor.toml: {e}"))).ok());
        let parts: Vec<String> = FILES.iter().map(|name| text(name)).collect();
        let mut bytes: Vec<&[u8]> = parts.iter().map(|p| p.as_bytes()).collect();
        let tail: &[u8] = if fictional == Fictional::Allow { b"allow" } else { b"refuse" };
        bytes.push(tail);
        match (scoring, plays, floor, partners, contact, words, law, desk) {
            (
                Some(scoring),
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
                plays,
                floor,
                partners: partners.partner,
                contact,
                words: Arc::new(words),
                law: Arc::new(law),
                desk,
                fictional,
            }),
            _ => Err(errors),
        }
    }

    /// Which reading of a text is current: changes with the lexicon and with the zone that dates are understood in.
    pub fn reading(&self, zone: &Zone) -> u64 {
        let mut h = self.words.hash() | 1;
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

    pub fn disposition(&self, code: &str) -> Option<Disposition> {
        self.contact.disposition.get(code).copied()
    }
}

fn read<T: for<'de> Deserialize<'de>>(file: &str, text: &str, errors: &mut Vec<String>) -> Option<T> {
    match toml::from_str(text) {
        Ok(value) => Some(value),
        Err(e) => {
            let line = e.span().map_or(0, |s| text[..s.start.min(text.len())].lines().count().max(1));
            errors.push(format!("{file}, line {line}: {}", e.message()));
            None
        }
    }
}

fn check_plays(plays: &Plays, errors: &mut Vec<String>) {
    for (play, rule) in &plays.play {
        if rule.priority > 9 {
            errors.push(format!("plays.toml: {} has priority {}; it must be 0 to 9", play.name(), rule.priority));
        }
        if !(0.0..=1.0).contains(&rule.success) {
            errors.push(format!("plays.toml: {} has success {}; it must be 0 to 1", play.name(), rule.success));
        }
        if rule.expires.0 <= Span::ZERO {
            errors.push(format!("plays.toml: {} expires at once; give it some time", play.name()));
        }
    }
    if plays.cadence.call_days.is_empty() || !plays.cadence.call_days.is_sorted() {
        errors.push("plays.toml: cadence.call_days must be at least one day number, ascending".into());
    }
}

fn check_floor(floor: &Floor, errors: &mut Vec<String>) {
    for (key, zone) in [("default_zone", &floor.default_zone), ("desk.zone", &floor.desk.zone)] {
        if Zone::named(zone).is_none() {
            errors.push(format!(
                "floor.toml: {key} is \"{zone}\", which is no time zone; use a name like \"America/New_York\""
            ));
        }
    }
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
