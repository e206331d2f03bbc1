//! What is known about a lead: the order-free fold of the events received. What we did is `conduct`, not here.
//!
//! This file is the shape; `fold` fills it and `judge` reads it. It is longer than most because a lead is
//! one thing and its fields are best seen together. Everything is bounded: a lead with ten thousand events
//! stays at a few kilobytes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::event::*;
use super::identity::{Key, KeyKind, Strength};
use super::policy::{Policy, SignalName};
use super::register::*;
use super::score::{Ask, Guessed, call_signal, reply_signal};
use super::suppression::ClosedBecause;
use super::time::Moment;
use super::words::{Finding, Label, Medium, Quote};

/// How many of each list are kept.
pub mod limit {
    pub const KEYS: usize = 32;
    pub const TOUCHES: usize = 40;
    pub const SAID: usize = 12;
    pub const INQUIRIES: usize = 8;
    pub const BOUNCES: usize = 16;
    pub const FEEDBACK: usize = 8;
    pub const MEETINGS: usize = 8;
    pub const REPORTS: usize = 16;
    pub const NAMES: usize = 64;
    /// Clicks that are kept apart, so that those of mail scanners can be told.
    pub const CLICKS: usize = 64;
    pub const DELIVERIES: usize = 32;
    /// Days of clicks older than those.
    pub const CLICK_DAYS: usize = 40;
    /// Viewers of rooms that are told apart.
    pub const VIEWERS: usize = 16;
    /// Bytes of one text that are kept and read.
    pub const TEXT: usize = 2000;
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// Every key ever named, with the earliest event that named it.
    pub keys: BTreeMap<Key, Moment>,
    pub extensions: BTreeMap<String, Last<String>>,
    pub profile: ProfileFacts,
    pub answers: AnswerFacts,
    /// The job title with the event that gave it and what it suggests.
    pub titled: Option<Last<Titled>>,
    pub interests: BTreeMap<String, Stamp>,
    pub origin: OriginFacts,
    pub attributes: BTreeMap<String, Last<Scalar>>,
    pub consents: BTreeMap<(Channel, Option<Key>), ConsentFact>,
    /// What the person closed; with no key, for every key of that channel.
    pub closings: BTreeMap<(Channel, Option<Key>), Closing>,
    /// Captures and forms: the person asked.
    pub inquiries: Newest<Inquiry>,
    /// The first of them; the process audit starts here.
    pub first_inquiry: Option<Cited>,
    /// A colleague put the lead forward; with an inquiry or this, tasks may be made.
    pub put_forward: Option<Cited>,
    /// The newest thing the person did: capture, form, inbound call, chat, booked meeting, reply without a text or with
    /// one that is kept no more. Ask [`Facts::newest_initiative`], which knows the texts too.
    pub last_initiative: Option<Cited>,
    pub signals: BTreeMap<SignalKind, Series>,
    /// Replies and calls that are too old to be kept in `said` and `touches`, by what they were worth.
    pub faded: BTreeMap<SignalName, Series>,
    pub clicks: Newest<Click>,
    /// Clicks older than those, by UTC day: one bit for each message and minute, so that a burst counts once.
    pub old_clicks: BTreeMap<i32, u64>,
    pub deliveries: Newest<Delivery>,
    /// Views of digital sales rooms by room and viewer, each as a fingerprint.
    pub rooms: BTreeMap<(u64, u64), Series>,
    /// `signal.observed` by name: kept as features, score nothing unless configured.
    pub observed: BTreeMap<String, Series>,
    pub touches: Newest<Touch>,
    pub said: Newest<Said>,
    pub bounces: Newest<Bounce>,
    pub meetings: Newest<MeetingFact>,
    pub feedback: Newest<FeedbackFact>,
    /// Touches that only a report on their task told of; one with a touch of its own counts by that.
    pub reports: Newest<Touch>,
    /// The newest of each kind, so that one given after a colleague took the older back stands.
    pub flags: BTreeMap<LeadFlag, Cited>,
    pub screenings: BTreeMap<(Key, String), Last<Screening>>,
    pub outcome: Option<Last<OutcomeFact>>,
    pub partner: BTreeMap<String, Last<PartnerAnswer>>,
    /// The newest event folded, of any kind.
    pub newest: Option<Stamp>,
    pub events: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ProfileFacts {
    pub name: Option<Last<String>>,
    pub title: Option<Last<String>>,
    pub company: Option<Last<String>>,
    pub industry: Option<Last<String>>,
    pub employees: Option<Last<u32>>,
    pub country: Option<Last<String>>,
    pub region: Option<Last<String>>,
    pub postal_code: Option<Last<String>>,
    pub time_zone: Option<Last<String>>,
    pub language: Option<Last<String>>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OriginFacts {
    pub form: Option<Last<String>>,
    pub campaign: Option<Last<String>>,
    pub medium: Option<Last<String>>,
    pub partner: Option<Last<String>>,
    pub swap: Option<Last<String>>,
    pub referred_by: Option<Last<String>>,
    pub test: Option<Last<bool>>,
    pub fill_seconds: Option<Last<u32>>,
    pub honeypot: Option<Last<bool>>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AnswerFacts {
    pub budget: Option<Last<Given>>,
    pub authority: Option<Last<Given>>,
    pub need: Option<Last<Given>>,
    pub timeline: Option<Last<Given>>,
}

impl AnswerFacts {
    pub fn of(&self, ask: Ask) -> &Option<Last<Given>> {
        match ask {
            Ask::Budget => &self.budget,
            Ask::Authority => &self.authority,
            Ask::Need => &self.need,
            Ask::Timeline => &self.timeline,
        }
    }

    pub fn each_mut(&mut self) -> [(Ask, &mut Option<Last<Given>>); 4] {
        [
            (Ask::Budget, &mut self.budget),
            (Ask::Authority, &mut self.authority),
            (Ask::Need, &mut self.need),
            (Ask::Timeline, &mut self.timeline),
        ]
    }
}

/// An answer and the event that gave it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Given {
    pub answer: Answer,
    pub event: String,
    /// What an answer in words suggests.
    pub guess: Option<Guessed>,
    /// Which reading of the words that is; 0 for none yet.
    pub reading: u64,
}

/// A job title's event, and what the title suggests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Titled {
    pub event: String,
    pub guesses: Vec<Guessed>,
    pub reading: u64,
}

/// A click of a person, or of a program that looks at links before a person does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Click {
    pub cited: Cited,
    /// Fingerprint of the message's id, where it was said.
    pub message: Option<u64>,
}

/// A message that arrived.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delivery {
    pub stamp: Stamp,
    pub message: Option<u64>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ConsentFact {
    pub granted: Option<Last<Grant>>,
    pub revoked: Option<Last<Revoked>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Grant {
    pub level: ConsentLevel,
    pub modes: Vec<String>,
    pub evidence_url: Option<String>,
    pub imported: bool,
    /// When the event told it: without a key it covers what the lead had by then, however long ago it was given.
    pub told_at: Moment,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Revoked {
    pub event: String,
}

impl Default for Closing {
    fn default() -> Self {
        Closing { first: Moment::MAX, last: None, reopened: None }
    }
}

/// The person closed a channel: first and last time, why, and a reopening if one came.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Closing {
    pub first: Moment,
    pub last: Option<Last<(ClosedBecause, String)>>,
    pub reopened: Option<Moment>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Inquiry {
    pub cited: Cited,
    /// Asked for contact in so many words, or on a form made for it.
    pub asks_contact: bool,
}

/// Kinds of engagement signal that come by event; calls and replies are judged from touches and words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum SignalKind {
    ContactRequest,
    Form,
    /// A reply without a text to read.
    Reply,
    Complaint,
    Chat,
    MeetingBooked,
    MeetingHeld,
    MeetingMissed,
    Room,
    Content,
    PricingPage,
    Page,
    Open,
    Unsubscribe,
    /// We asked whom else they would name: a task's report, and no sign of the lead's.
    ReferralAsked,
}

/// One attempt of ours to reach the lead, or one of the lead's calls to us, as reported.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Touch {
    pub cited: Cited,
    pub channel: Channel,
    pub direction: Direction,
    /// The number or address, where it was said.
    pub to: Option<String>,
    pub call: Option<CallFact>,
    pub failed: bool,
    pub task: Option<Uuid>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CallFact {
    pub disposition: Option<String>,
    pub flags: Option<CallFlags>,
    pub answered_by: Option<AnsweredBy>,
    pub voicemail_left: bool,
    pub seconds: Option<u32>,
    pub caller_id: Option<String>,
    pub agent: Option<String>,
    pub callback_at: Option<WhenLocal>,
    pub callback_number: Option<String>,
}

/// Words of the lead, or of a colleague about the lead, with what was read in them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Said {
    pub cited: Cited,
    pub medium: super::words::Medium,
    pub auto: bool,
    /// The number or address it came by, where that was said.
    pub about: Option<Key>,
    /// The first part of the text, so that a new lexicon can read it again.
    pub text: String,
    /// Read at the fold with the lexicon of this hash.
    pub findings: Vec<Finding>,
    /// What it suggests about budget, authority, need and timeline.
    pub guesses: Vec<Guessed>,
    pub lexicon: u64,
}

impl Said {
    /// Sent by a program, as the mail system told us or as its own words show.
    pub fn is_automatic(&self) -> bool {
        self.auto || self.findings.iter().any(|f| f.label == Label::AutoReply)
    }

    /// One of its findings, to be told by its sentence.
    pub fn quote<'a>(&'a self, finding: &'a Finding) -> Quote<'a> {
        Quote { text: &self.text, finding }
    }

    /// Written to us by the person.
    pub fn is_reply(&self) -> bool {
        matches!(self.medium, Medium::Email | Medium::Sms) && !self.is_automatic()
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bounce {
    pub cited: Cited,
    pub email: Option<String>,
    pub hard: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeetingFact {
    pub cited: Cited,
    pub what: MeetingWhat,
    pub at: Option<Moment>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FeedbackFact {
    pub cited: Cited,
    pub by: Option<String>,
    pub role: Role,
    pub good: bool,
    pub flags: Vec<String>,
    pub reason: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Screening {
    pub result: ScreenResult,
    pub as_of: Moment,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutcomeFact {
    pub outcome: Outcome,
    pub reason: Option<String>,
    pub amount: Option<Money>,
    pub event: String,
}

macro_rules! stamped {
    ($($t:ty),*) => { $(impl Stamped for $t { fn stamp(&self) -> Stamp { self.cited.stamp } })* };
}
stamped!(Inquiry, Touch, Said, Bounce, MeetingFact, FeedbackFact, Click);
impl Stamped for Delivery {
    fn stamp(&self) -> Stamp {
        self.stamp
    }
}

impl Facts {
    /// Whether anybody asked for this lead to be worked: a capture, a form, or a colleague.
    pub fn is_invited(&self) -> bool {
        self.first_inquiry.is_some() || self.put_forward.is_some()
    }

    pub fn keys_of(&self, kind: KeyKind) -> impl Iterator<Item = &Key> {
        self.keys.keys().filter(move |k| k.kind == kind)
    }

    /// Values of one kind of key, the longest known first.
    pub fn values_of(&self, kind: KeyKind) -> Vec<&str> {
        let mut keys: Vec<(&Key, &Moment)> = self.keys.iter().filter(|(k, _)| k.kind == kind).collect();
        keys.sort_by_key(|(k, at)| (**at, *k));
        keys.into_iter().map(|(k, _)| k.value.as_str()).collect()
    }

    /// The number or address known longest; personal addresses come before role addresses.
    pub fn primary(&self, kind: KeyKind) -> Option<&Key> {
        let mut of_kind = self.keys.iter().filter(|(k, _)| k.kind == kind);
        let (only, at) = of_kind.next()?;
        // Almost always there is one, and nothing to compare.
        let Some(second) = of_kind.next() else { return Some(only) };
        let all = [(only, at), second].into_iter().chain(of_kind);
        all.min_by_key(|(k, at)| (k.strength() == Strength::RoleEmail, **at, *k)).map(|(k, _)| k)
    }

    /// The person closed a way to reach them: whatever else may still go out, no goodbye does.
    pub fn asked_to_stop(&self) -> bool {
        let reaches = |c: Channel| matches!(c, Channel::Call | Channel::Sms | Channel::Email);
        self.closings.iter().any(|((channel, _), closing)| reaches(*channel) && closing.is_closed())
    }

    /// The person opted out in so many words, of whatever channel: we owe them no further contact.
    pub fn opted_out(&self) -> bool {
        self.closings.values().filter(|c| c.is_closed()).filter_map(|c| c.last.as_ref()).any(|l| {
            let why = l.value.0;
            why.is_grave() || matches!(why, ClosedBecause::OptOut | ClosedBecause::DoNotCall)
        })
    }

    /// The person closed the channel, as a whole or for this number or address.
    pub fn is_closed(&self, channel: Channel, key: &Key) -> bool {
        let closed = |at: &(Channel, Option<Key>)| self.closings.get(at).is_some_and(Closing::is_closed);
        !self.closings.is_empty() && (closed(&(channel, None)) || closed(&(channel, Some(key.clone()))))
    }

    /// The person closed every way there is: each number for calls, each address for mail.
    pub fn closed_every_way(&self) -> bool {
        let mut ways = self.keys.keys().filter_map(|key| match key.kind {
            KeyKind::Phone => Some((Channel::Call, key)),
            KeyKind::Email => Some((Channel::Email, key)),
            KeyKind::Id | KeyKind::Visitor => None,
        });
        let Some(first) = ways.next() else { return false };
        std::iter::once(first).chain(ways).all(|(channel, key)| self.is_closed(channel, key))
    }

    /// Keeps the newest flag of a kind.
    pub fn flag(&mut self, flag: LeadFlag, cited: Cited) {
        let held = self.flags.entry(flag).or_insert_with(|| cited.clone());
        if cited > *held {
            *held = cited;
        }
    }

    pub fn name(&self) -> Option<&str> {
        self.profile.name.as_ref().map(|n| n.value.as_str())
    }

    /// The newest thing the person did. A written reply counts once it is read: a program's is no word of theirs.
    pub fn newest_initiative(&self) -> Option<&Cited> {
        // Who only wants us to stop has not come to us.
        let stops = |s: &Said| s.findings.iter().all(|f| f.label == Label::OptOut) && !s.findings.is_empty();
        let wrote = self.said.iter().rfind(|s| s.is_reply() && !stops(s)).map(|s| &s.cited);
        wrote.max(self.last_initiative.as_ref())
    }

    pub fn signal(&self, kind: SignalKind) -> Option<&Series> {
        self.signals.get(&kind)
    }

    /// Touches and calls by whoever told of them, oldest first.
    pub fn told(&self) -> impl Iterator<Item = &Touch> {
        let known = |report: &&Touch| !self.touches.iter().any(|t| t.task == report.task);
        let mut reports = self.reports.iter().filter(known).peekable();
        let mut touches = self.touches.iter().peekable();
        std::iter::from_fn(move || match (touches.peek(), reports.peek()) {
            (Some(touch), Some(report)) if report.cited.stamp < touch.cited.stamp => reports.next(),
            (Some(_), _) => touches.next(),
            (None, _) => reports.next(),
        })
    }

    pub fn calls(&self) -> impl Iterator<Item = (&Touch, &CallFact)> {
        self.told().filter_map(|t| t.call.as_ref().map(|c| (t, c)))
    }

    pub fn outbound(&self) -> impl Iterator<Item = &Touch> {
        self.told().filter(|t| t.direction == Direction::Outbound && !t.failed)
    }

    /// A digest over the order-free content: equal facts, equal digest.
    pub fn digest(&self) -> String {
        let bytes = postcard::to_stdvec(&self.without_readings()).unwrap_or_default();
        hex::encode(super::identity::digest_16(&[&bytes]))
    }

    /// What was read in the texts is derived from them by a lexicon; it is no fact of its own.
    fn without_readings(&self) -> Facts {
        let mut facts = self.clone();
        for said in &mut facts.said.kept {
            said.findings.clear();
            said.guesses.clear();
            said.lexicon = 0;
        }
        for (_, given) in facts.answers.each_mut() {
            if let Some(given) = given {
                (given.value.guess, given.value.reading) = (None, 0);
            }
        }
        if let Some(titled) = &mut facts.titled {
            titled.value.guesses.clear();
            titled.value.reading = 0;
        }
        facts
    }

    /// The facts of two leads that turn out to be one person.
    pub fn join(&mut self, other: Facts, policy: &Policy) {
        for (key, at) in other.keys {
            self.name_key(key, at);
        }
        for (number, ext) in other.extensions {
            join_entry(&mut self.extensions, number, ext);
        }
        let (p, o) = (&mut self.profile, other.profile);
        join(&mut p.name, o.name);
        join(&mut p.title, o.title);
        join(&mut p.company, o.company);
        join(&mut p.industry, o.industry);
        join(&mut p.employees, o.employees);
        join(&mut p.country, o.country);
        join(&mut p.region, o.region);
        join(&mut p.postal_code, o.postal_code);
        join(&mut p.time_zone, o.time_zone);
        join(&mut p.language, o.language);
        let (a, o) = (&mut self.answers, other.answers);
        join(&mut a.budget, o.budget);
        join(&mut a.authority, o.authority);
        join(&mut a.need, o.need);
        join(&mut a.timeline, o.timeline);
        let (r, o) = (&mut self.origin, other.origin);
        join(&mut r.form, o.form);
        join(&mut r.campaign, o.campaign);
        join(&mut r.medium, o.medium);
        join(&mut r.partner, o.partner);
        join(&mut r.swap, o.swap);
        join(&mut r.referred_by, o.referred_by);
        join(&mut r.test, o.test);
        join(&mut r.fill_seconds, o.fill_seconds);
        join(&mut r.honeypot, o.honeypot);
        join(&mut self.titled, other.titled);
        for (interest, stamp) in other.interests {
            let held = self.interests.entry(interest).or_insert(stamp);
            *held = (*held).max(stamp);
        }
        trim(&mut self.interests);
        for (name, value) in other.attributes {
            join_entry(&mut self.attributes, name, value);
        }
        trim(&mut self.attributes);
        for (key, consent) in other.consents {
            let held = self.consents.entry(key).or_default();
            join(&mut held.granted, consent.granted);
            join(&mut held.revoked, consent.revoked);
        }
        for (key, closing) in other.closings {
            self.closings.entry(key).or_default().join(closing);
        }
        for (kind, series) in other.signals {
            self.signals.entry(kind).or_default().join(series);
        }
        for (name, series) in other.faded {
            self.faded.entry(name).or_default().join(series);
        }
        for (viewer, series) in other.rooms {
            self.rooms.entry(viewer).or_default().join(series);
        }
        self.trim_rooms();
        for (day, clicks) in other.old_clicks {
            *self.old_clicks.entry(day).or_default() |= clicks;
        }
        let mut old = Vec::new();
        self.clicks.join_giving_back(other.clicks, limit::CLICKS, |click| old.push(click));
        old.iter().for_each(|click| self.fade_click(click));
        self.deliveries.join(other.deliveries, limit::DELIVERIES);
        for (name, series) in other.observed {
            self.observed.entry(name).or_default().join(series);
        }
        trim(&mut self.observed);
        self.inquiries.join(other.inquiries, limit::INQUIRIES);
        let mut old = Vec::new();
        self.touches.join_giving_back(other.touches, limit::TOUCHES, |touch| old.push(touch));
        old.iter().for_each(|touch| self.fade_touch(touch, policy));
        let mut old = Vec::new();
        self.said.join_giving_back(other.said, limit::SAID, |said| old.push(said));
        old.iter().for_each(|said| self.fade_said(said));
        self.bounces.join(other.bounces, limit::BOUNCES);
        self.meetings.join(other.meetings, limit::MEETINGS);
        self.feedback.join(other.feedback, limit::FEEDBACK);
        self.reports.join(other.reports, limit::REPORTS);
        earliest(&mut self.first_inquiry, other.first_inquiry);
        earliest(&mut self.put_forward, other.put_forward);
        latest(&mut self.last_initiative, other.last_initiative);
        for (flag, cited) in other.flags {
            self.flag(flag, cited);
        }
        for (key, screening) in other.screenings {
            join_entry(&mut self.screenings, key, screening);
        }
        join(&mut self.outcome, other.outcome);
        for (partner, answer) in other.partner {
            join_entry(&mut self.partner, partner, answer);
        }
        self.newest = self.newest.max(other.newest);
        self.events += other.events;
    }

    /// Counts a call that is too old to be kept by what it was worth.
    pub fn fade_touch(&mut self, touch: &Touch, policy: &Policy) {
        if let Some(name) = call_signal(touch, policy) {
            self.faded.entry(name).or_default().add_cited(&touch.cited);
        }
    }

    /// Counts a reply that is too old to be kept by what was read in it.
    pub fn fade_said(&mut self, said: &Said) {
        if said.is_reply() {
            latest(&mut self.last_initiative, Some(said.cited.clone()));
        }
        if let Some(name) = reply_signal(said) {
            self.faded.entry(name).or_default().add_cited(&said.cited);
        }
    }

    /// Counts a click that is too old to be kept: at most once a message and minute, 64 of them a day.
    pub fn fade_click(&mut self, click: &Click) {
        let (at, message) = (click.cited.stamp.at.0, click.message.unwrap_or(0));
        let mixed = message ^ ((at.div_euclid(60_000) as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        *self.old_clicks.entry(click.cited.stamp.at.utc_day()).or_default() |=
            1 << (mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 58);
        while self.old_clicks.len() > limit::CLICK_DAYS {
            self.old_clicks.pop_first();
        }
    }

    /// Holds the viewers of rooms to their limit; views of the others count as anybody's.
    pub fn trim_rooms(&mut self) {
        while self.rooms.len() > limit::VIEWERS {
            let Some((_, series)) = self.rooms.pop_last() else { return };
            self.signals.entry(SignalKind::Room).or_default().join(series);
        }
    }

    /// Remembers a key with the earliest event that named it; past the limit the newest names are dropped.
    pub fn name_key(&mut self, key: Key, at: Moment) {
        let held = self.keys.entry(key).or_insert(at);
        *held = (*held).min(at);
        while self.keys.len() > limit::KEYS {
            let Some(newest) = self.keys.iter().max_by_key(|(k, at)| (**at, *k)).map(|(k, _)| k.clone()) else {
                return;
            };
            self.keys.remove(&newest);
        }
    }
}

impl Closing {
    pub fn join(&mut self, other: Closing) {
        self.first = self.first.min(other.first);
        join(&mut self.last, other.last);
        self.reopened = self.reopened.max(other.reopened);
    }

    /// Closed unless a reopening is later than the last closing.
    pub fn is_closed(&self) -> bool {
        self.last.as_ref().is_some_and(|l| self.reopened.is_none_or(|r| r <= l.stamp.at))
    }
}

pub fn join_entry<K: Ord, T>(map: &mut BTreeMap<K, Last<T>>, key: K, value: Last<T>) {
    match map.get_mut(&key) {
        Some(held) if held.stamp >= value.stamp => {}
        Some(held) => *held = value,
        None => drop(map.insert(key, value)),
    }
}

pub fn earliest(slot: &mut Option<Cited>, other: Option<Cited>) {
    if let Some(other) = other
        && slot.as_ref().is_none_or(|held| other < *held)
    {
        *slot = Some(other);
    }
}

pub fn latest(slot: &mut Option<Cited>, other: Option<Cited>) {
    if let Some(other) = other
        && slot.as_ref().is_none_or(|held| other > *held)
    {
        *slot = Some(other);
    }
}

/// Holds a map of foreign names to its limit: the names that sort first stay, so that no order shows.
pub fn trim<T>(map: &mut BTreeMap<String, T>) {
    while map.len() > limit::NAMES {
        map.pop_last();
    }
}
