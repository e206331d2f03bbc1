//! What could be done next: every play that applies, with the time it is due and what it is worth.
//!
//! Derived anew from facts and conduct at each decision, so that touches that fell due while nobody looked
//! collapse into the one that is best now. Nothing here writes; `decide` chooses and acts. The file is long because
//! calls, messages and desk work share one view; they are the walls to move when the next plays come in.

use jiff::ToSpan;

use super::audit::daypart;
use super::conduct::{Conduct, Stage};
use super::contact::Status;
use super::diagnosis::{Cause, Judgement, Verdict};
use super::event::{Channel, ConsentLevel, Direction, LeadFlag, WhenLocal};
use super::facts::{Facts, Touch};
use super::fold::carries;
use super::identity::{Key, KeyKind};
use super::intervals::Intervals;
use super::legal::{CallFacts, CallGate, ConsentView, DialMode, Place, Windows};
use super::policy::{Partner, PlayRule, Policy};
use super::register::Cited;
use super::task::{Class, Fault, Play, TaskState};
use super::time::{Moment, Span, Zone};
use super::touches::{CallResult, call_result, ours};
use super::words::{Finding, Label, Medium};

/// What a proposal needs to see. Conduct and closings are what they are at this decision.
pub struct View<'a, 'c> {
    pub facts: &'a Facts,
    pub conduct: &'c Conduct,
    pub j: &'a Judgement<'a>,
    pub policy: &'a Policy,
    pub place: &'a Place<'a>,
    pub zone: &'a Zone,
    pub now: Moment,
    /// Channels closed for a key of this lead.
    pub closed: &'c [(Channel, Key)],
    /// Touches that other leads' work made on a number or address of this lead.
    pub shared_touches: &'c [(String, Moment, Channel)],
    /// Older inquiries get no first-call treatment; `None` in replay.
    pub max_event_age: Option<Span>,
}

/// One thing that could be done.
#[derive(Clone, Debug)]
pub struct Proposal<'a> {
    pub play: Play,
    /// When it is due, legal and staffed.
    pub at: Moment,
    pub expires_at: Moment,
    pub windows: Intervals,
    pub channel: Option<Channel>,
    pub key: Option<&'a Key>,
    pub priority: u8,
    pub attempt: u32,
    pub automated: bool,
    pub callback: Option<(Moment, Option<String>, Option<String>)>,
    pub consent: Option<(ConsentLevel, Moment, Option<String>)>,
    pub faults: Vec<Fault>,
    pub partners: Vec<&'a Partner>,
    pub revisit_at: Option<Moment>,
    pub worth: Worth,
    /// Why this play, in one sentence; the reason's summary when there is no better evidence.
    pub because: String,
}

/// Expected value in the policy's currency.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Worth {
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

impl<'a> View<'a, '_> {
    pub fn is_closed(&self, channel: Channel, key: &Key) -> bool {
        self.closed.iter().any(|(c, k)| *c == channel && k == key)
    }

    fn worth(&self, rule: &PlayRule) -> Worth {
        let base = self.policy.scoring.conversion.base.max(1e-6);
        let lead = |p: f64| (p / base).clamp(0.1, 5.0);
        let plays = &self.policy.plays;
        let value = |p: f64| rule.success * lead(p) * plays.value_of_win * rule.value_factor - rule.cost - rule.fatigue;
        let c = &self.j.conversion;
        Worth { value: value(c.probability), low: value(c.low), high: value(c.high) }
    }

    fn started(&self) -> Moment {
        self.conduct.episode.started.unwrap_or(self.now)
    }

    /// The best number or address for a channel: alive, open, verified before merely plausible.
    fn key_for(&self, channel: Channel) -> Option<&'a Key> {
        let kind = if channel == Channel::Email { KeyKind::Email } else { KeyKind::Phone };
        let primary = self.facts.primary(kind);
        self.j
            .keys
            .iter()
            .filter(|k| carries(channel, k.key) && k.status < Status::Suspect && !self.is_closed(channel, k.key))
            .min_by_key(|k| (k.status, Some(k.key) != primary))
            .map(|k| k.key)
    }

    /// The consent that covers a key on a channel as of now, if any is in force.
    pub fn consent(&self, channel: Channel, key: &Key) -> Option<(ConsentLevel, Moment, Option<&'a str>, bool)> {
        let known_since = self.facts.keys.get(key).copied().unwrap_or(Moment::MAX);
        let mut best: Option<(ConsentLevel, Moment, Option<&'a str>, bool)> = None;
        for ((c, k), fact) in &self.facts.consents {
            if *c != channel || k.as_ref().is_some_and(|k| k != key) {
                continue;
            }
            let Some(grant) = &fact.granted else { continue };
            // Without a key it covers what the lead had then.
            if k.is_none() && known_since > grant.stamp.at {
                continue;
            }
            if fact.revoked.as_ref().is_some_and(|r| r.stamp.at >= grant.stamp.at) {
                continue;
            }
            let automated = grant.value.modes.iter().any(|m| m == "automated");
            let found = (grant.value.level, grant.stamp.at, grant.value.evidence_url.as_deref(), automated);
            if best.as_ref().is_none_or(|b| (b.0, b.1) < (found.0, found.1)) {
                best = Some(found);
            }
        }
        best
    }

    /// Whether the person agreed that we pass the lead on.
    fn may_share(&self) -> bool {
        let closed = self.facts.closings.iter().any(|((c, _), closing)| *c == Channel::Share && closing.is_closed());
        !closed
            && self.facts.consents.iter().any(|((c, _), fact)| {
                *c == Channel::Share
                    && fact
                        .granted
                        .as_ref()
                        .is_some_and(|g| fact.revoked.as_ref().is_none_or(|r| r.stamp.at < g.stamp.at))
            })
    }

    /// Instants of touches on a key that count for caps: reported ones, tasks without a report, other leads' touches.
    fn touches_on(&self, key: &Key, channel: Option<Channel>) -> Vec<Moment> {
        let primary = self.facts.primary(key.kind);
        let mut at: Vec<Moment> = self
            .facts
            .outbound()
            .filter(|t| channel.is_none_or(|c| c == t.channel))
            .filter(|t| t.to.as_ref().map_or(primary == Some(key), |to| *to == key.value) && carries(t.channel, key))
            .filter(|t| t.call.as_ref().is_none_or(|c| call_result(c, self.policy).is_attempt()))
            .map(|t| t.cited.stamp.at)
            .collect();
        at.extend(
            self.conduct
                .ledger
                .iter()
                .filter(|e| !e.touched && e.state.counts_for_caps() && e.key.as_deref() == Some(&key.value))
                .filter(|e| channel.is_none_or(|c| e.channel == Some(c)))
                .map(|e| e.made_at),
        );
        at.extend(
            self.shared_touches
                .iter()
                .filter(|(value, _, c)| *value == key.value && channel.is_none_or(|wanted| wanted == *c))
                .map(|(_, at, _)| *at),
        );
        at.sort_unstable();
        at
    }

    fn fatigue_allows(&self, due: Moment, key: &Key) -> Moment {
        let rules = &self.policy.plays.fatigue;
        if due < self.started() + Span::days(i64::from(rules.free_days)) {
            return due;
        }
        let touches = self.touches_on(key, None);
        let day = after_limit(&touches, rules.touches_per_day, Span::days(1), due);
        after_limit(&touches, rules.touches_per_week, Span::days(7), day)
    }
}

/// The earliest instant from `due` on at which a further touch keeps to at most `limit` in any `per`.
fn after_limit(touches: &[Moment], limit: u32, per: Span, due: Moment) -> Moment {
    let within = touches.iter().rev().filter(|at| due - **at < per).take(limit as usize);
    match within.clone().count() as u32 {
        n if n < limit => due,
        _ => within.last().map_or(due, |oldest| due.max(*oldest + per)),
    }
}

/// All proposals, in no particular order.
pub fn proposals<'a>(v: &View<'a, '_>) -> Vec<Proposal<'a>> {
    let mut out = Vec::with_capacity(4);
    let stage = v.conduct.stage;
    if stage.is_over() || !v.facts.is_invited() {
        return out;
    }
    let no_sale =
        v.j.is_bogus() || [LeadFlag::NotABuyer, LeadFlag::Competitor].iter().any(|f| v.facts.flags.contains_key(f));
    let needs_screening = if no_sale || stage == Stage::Lent { None } else { voice(v, &mut out) };
    if !v.j.is_bogus() && stage != Stage::Lent {
        text(v, &mut out, no_sale);
        repair(v, &mut out, needs_screening);
    }
    if !v.j.is_bogus() {
        partner(v, &mut out);
    }
    out
}

/// The promise of a call that nobody has kept yet: when, which number, which agent, and the sentence for it.
struct Promise {
    at: Moment,
    number: Option<String>,
    agent: Option<String>,
    exact: bool,
}

fn promised(v: &View<'_, '_>) -> Option<Promise> {
    let when = |w: &WhenLocal| match w {
        WhenLocal::Instant(at) => *at,
        WhenLocal::Local(local) => v.zone.resolve(*local),
    };
    let from_call = v
        .facts
        .calls()
        .filter_map(|(t, c)| {
            c.callback_at.as_ref().map(|at| (t.cited.stamp.at, when(at), c.callback_number.clone(), c.agent.clone()))
        })
        .last();
    let from_words = v
        .facts
        .said
        .iter()
        .rev()
        .filter(|s| !s.auto && s.medium != Medium::FeedbackNote)
        .find_map(|s| s.findings.iter().find(|f| f.label == Label::Callback).map(|f| (s.cited.stamp.at, f)))
        .and_then(|(asked, f)| f.at.as_ref().map(|at| (asked, when(at), None, None)));
    let (asked, at, number, agent) = match (from_call, from_words) {
        (Some(a), Some(b)) => {
            if a.0 >= b.0 {
                a
            } else {
                b
            }
        }
        (a, b) => a.or(b)?,
    };
    let tolerance = v.policy.plays.cadence.callback_tolerance.0;
    let kept = v
        .conduct
        .ledger
        .iter()
        .any(|e| e.play == Play::Callback && e.made_at >= asked && e.state != TaskState::RevokedUnsent)
        || v.facts
            .outbound()
            .any(|t| t.channel == Channel::Call && t.cited.stamp.at > asked && t.cited.stamp.at >= at - tolerance);
    (!kept && at > asked).then_some(Promise { at, number, agent, exact: true })
}

/// Calls. Returns the number that would have to be screened first, where that is what stands in the way.
fn voice<'a>(v: &View<'a, '_>, out: &mut Vec<Proposal<'a>>) -> Option<&'a Key> {
    let key = v.key_for(Channel::Call)?;
    let consent = v.consent(Channel::Call, key);
    let gate = v.place.may_call(&call_facts(v, key, &consent), v.now);
    let automated = match &gate {
        CallGate::Allowed { dial_mode, .. } => *dial_mode == DialMode::Automated,
        CallGate::NeedsScreening { .. } => return Some(key),
        CallGate::NotAllowed(_) => return None,
    };
    let cadence = &v.policy.plays.cadence;
    let promise = promised(v);
    let replied = reply_to_answer(v);
    let ours = our_episode_calls(v);
    let attempts = ours.attempts;
    let resting = rests(v);
    let (play, due, priority, because): (Play, Moment, Option<u8>, String) = if let Some(p) = &promise {
        let lead_in = if p.exact { cadence.callback_tolerance.0 } else { Span::ZERO };
        (Play::Callback, p.at - lead_in, None, format!("The lead asked to be called at {}.", local(v, p.at)))
    } else if let Some(failed_at) = ours.failed_at {
        let play = if attempts == 0 { Play::FirstCall } else { Play::SecondCall };
        (
            play,
            failed_at + cadence.after_our_failure.0,
            Some(8),
            "We dropped the last call; it is ours to make good.".into(),
        )
    } else if resting {
        return None;
    } else if let Some((said_at, quote)) = replied.filter(|r| r.2).map(|r| (r.0, r.1)) {
        (Play::AnswerCall, said_at, None, format!("They answered{}; a person should call now.", quoted(quote)))
    } else if v.j.clear_no || attempts as usize >= cadence.call_days.len() || spoke_since_started(v) {
        return None;
    } else {
        let due = match attempts {
            0 => v.started(),
            n => next_attempt(v, n, &ours),
        };
        let play = match attempts {
            0 if is_late(v) => Play::CallAgain,
            0 => Play::FirstCall,
            1 => Play::SecondCall,
            _ => Play::CallAgain,
        };
        let because = match attempts {
            0 => "The lead asked and nobody has called yet.".to_owned(),
            n => format!("{} without an answer so far; the next is due.", counted(n, "call")),
        };
        (play, due, None, because)
    };
    let rule = v.policy.rule(play)?;
    let mut due = due.max(v.now);
    if play != Play::Callback {
        if let Some(spoke) = v.j.last_conversation
            && play != Play::AnswerCall
        {
            due = due.max(spoke + v.policy.plays.fatigue.quiet_after_contact.0);
        }
        due = v.fatigue_allows(due, key);
        let dials = v.touches_on(key, Some(Channel::Call));
        due = after_limit(&dials, cadence.planned_calls_per_day, Span::days(1), due);
        due = legal_cap(v, &dials, due);
    } else {
        due = legal_cap(v, &v.touches_on(key, Some(Channel::Call)), due);
    }
    let (at, expires_at, windows) = first_window(v, automated, due, rule.expires.0)?;
    let proof = consent.map(|(level, at, url, _)| (level, at, url.map(str::to_owned)));
    out.push(Proposal {
        play,
        at,
        expires_at,
        windows,
        channel: Some(Channel::Call),
        key: Some(key),
        priority: priority.unwrap_or(rule.priority),
        attempt: attempts + 1,
        automated,
        callback: promise.map(|p| (p.at, p.number, p.agent)),
        consent: proof,
        worth: v.worth(rule),
        because,
        ..Proposal::empty(play)
    });
    None
}

impl Proposal<'_> {
    fn empty<'a>(play: Play) -> Proposal<'a> {
        Proposal {
            play,
            at: Moment::MAX,
            expires_at: Moment::MAX,
            windows: Intervals::default(),
            channel: None,
            key: None,
            priority: 0,
            attempt: 0,
            automated: false,
            callback: None,
            consent: None,
            faults: Vec::new(),
            partners: Vec::new(),
            revisit_at: None,
            worth: Worth::default(),
            because: String::new(),
        }
    }
}

/// "One call", "Two calls", "12 calls".
fn counted(n: u32, what: &str) -> String {
    const WORDS: [&str; 7] = ["No", "One", "Two", "Three", "Four", "Five", "Six"];
    let plural = if n == 1 { "" } else { "s" };
    match WORDS.get(n as usize) {
        Some(word) => format!("{word} {what}{plural}"),
        None => format!("{n} {what}{plural}"),
    }
}

fn quoted(quote: Option<&str>) -> String {
    quote.map_or(String::new(), |q| format!(" \"{q}\""))
}

fn local(v: &View<'_, '_>, at: Moment) -> String {
    let minute = v.zone.minute_of_day(at);
    format!("{:02}:{:02} on {} their time", minute / 60, minute % 60, v.zone.date(at))
}

fn call_facts<'a>(
    v: &View<'a, '_>,
    key: &Key,
    consent: &Option<(ConsentLevel, Moment, Option<&'a str>, bool)>,
) -> CallFacts {
    let mut clear_at = None;
    let mut listed = false;
    for ((k, _), screening) in &v.facts.screenings {
        if k != key {
            continue;
        }
        match screening.value.result {
            super::event::ScreenResult::Listed => listed = true,
            super::event::ScreenResult::Clear => clear_at = clear_at.max(Some(screening.value.as_of)),
            _ => {}
        }
    }
    CallFacts {
        consent: consent_view(consent),
        purchase_at: v
            .facts
            .outcome
            .as_ref()
            .filter(|o| o.value.outcome == super::event::Outcome::Won)
            .map(|o| o.stamp.at),
        inquiry_at: v.facts.inquiries.last().map(|i| i.cited.stamp.at),
        screened_clear_at: clear_at,
        listed,
    }
}

fn consent_view(consent: &Option<(ConsentLevel, Moment, Option<&str>, bool)>) -> ConsentView {
    consent.as_ref().map_or(ConsentView::default(), |(level, granted_at, _, automated)| ConsentView {
        level: Some(*level),
        automated: *automated,
        granted_at: Some(*granted_at),
        expires: None,
    })
}

/// Our calls of this episode: how many count as attempts, the last of them, a failure of ours not yet made good.
struct EpisodeCalls {
    attempts: u32,
    last: Option<(Moment, CallResult)>,
    failed_at: Option<Moment>,
    tried: [bool; 3],
    tried_on: i32,
}

fn our_episode_calls(v: &View<'_, '_>) -> EpisodeCalls {
    let started = v.started();
    let mut calls = EpisodeCalls { attempts: 0, last: None, failed_at: None, tried: [false; 3], tried_on: i32::MIN };
    let mut note = |at: Moment, result: CallResult| {
        if calls.last.is_none_or(|(last, _)| last <= at) {
            calls.last = Some((at, result));
        }
        if let Some(part) = daypart(v.zone.minute_of_day(at)) {
            calls.tried[part] = true;
        }
    };
    let mut halves = 0;
    let mut attempts = 0;
    let mut failed_at = None;
    for (touch, result) in ours(&v.j.calls).filter(|(t, _)| t.cited.stamp.at >= started) {
        let at = touch.cited.stamp.at;
        match result {
            CallResult::OurFailure => failed_at = Some(at),
            CallResult::Undecided => {
                halves += 1;
                note(at, result);
            }
            r if r.is_attempt() => {
                attempts += 1;
                failed_at = None;
                note(at, r);
            }
            _ => {}
        }
    }
    for e in v.conduct.ledger.iter().filter(|e| e.class == Class::Voice && !e.touched && e.made_at >= started) {
        if matches!(
            e.state,
            TaskState::Ready
                | TaskState::Held
                | TaskState::Done
                | TaskState::Failed
                | TaskState::Expired
                | TaskState::Observed
        ) {
            attempts += 1;
            note(e.made_at, CallResult::NoAnswer);
            // A call that was sent out since makes the failure good, whether or not anybody reports on it.
            failed_at = failed_at.filter(|failed| *failed > e.made_at);
        }
    }
    calls.attempts = attempts + halves / 2;
    calls.failed_at = failed_at;
    calls.tried_on = v.zone.local_day(v.now);
    calls
}

/// When the n-th attempt (counted from 0) is due, by the cadence, the last result, and the parts of the day tried.
fn next_attempt(v: &View<'_, '_>, n: u32, calls: &EpisodeCalls) -> Moment {
    let cadence = &v.policy.plays.cadence;
    let (last, result) = calls.last.unwrap_or((v.started(), CallResult::NoAnswer));
    let gap = match result {
        CallResult::Busy => cadence.after_busy.0,
        CallResult::CarrierTrouble | CallResult::Undecided => cadence.after_congestion.0,
        _ => cadence.after_no_answer.0,
    };
    let earliest = last + gap;
    let day = v.zone.local_day(v.started()) + cadence.call_days.get(n as usize).copied().unwrap_or(0) as i32;
    if v.zone.local_day(earliest) > day {
        return untried_from(v, earliest, calls);
    }
    let from = if v.zone.local_day(earliest) == day { earliest } else { v.zone.at(day, 480) };
    untried_from(v, from, calls)
}

/// The first instant from `from` on in a part of the day not tried yet; `from` itself when all were tried.
fn untried_from(v: &View<'_, '_>, from: Moment, calls: &EpisodeCalls) -> Moment {
    if calls.tried.iter().all(|t| *t) {
        return from;
    }
    let minute = v.zone.minute_of_day(from);
    let day = v.zone.local_day(from);
    for (day, first) in [(day, minute), (day + 1, 0)] {
        for (i, (start, end, _)) in super::audit::DAYPARTS.iter().enumerate() {
            if !calls.tried[i] && first < *end {
                return from.max(v.zone.at(day, *start));
            }
        }
    }
    from
}

/// The law's cap on calls to one number.
fn legal_cap(v: &View<'_, '_>, dials: &[Moment], due: Moment) -> Moment {
    // One place of the cap is kept for callbacks and dropped calls by `planned_calls_per_day`, which is lower.
    let caps = v.place.caps(v.now);
    caps.iter().fold(due, |due, cap| after_limit(dials, cap.max_calls, cap.per, due))
}

/// The first legal and staffed window from `due` on; a touch belongs to one window, so that it ends with it.
fn first_window(v: &View<'_, '_>, automated: bool, due: Moment, length: Span) -> Option<(Moment, Moment, Intervals)> {
    let mut from = v.place.next_open(automated, due)?;
    // Law and desk may miss each other for some days (a weekend, a holiday); two weeks of trying are enough.
    for _ in 0..15 {
        if let Windows::Open(legal) = v.place.call_windows(automated, from, from + Span::days(1)) {
            let staffed = v.policy.desk.staffed(legal);
            if let Some(first) = staffed.iter().next() {
                let expires_at = first.until.min(first.from + length);
                let windows = Intervals::one(first.from, expires_at);
                return Some((first.from, expires_at, windows));
            }
        }
        from = v.place.next_open(automated, from + Span::days(1))?;
    }
    None
}

/// The newest word of the lead that we have not answered: when, its quote, and whether it is warm.
fn reply_to_answer<'a>(v: &View<'a, '_>) -> Option<(Moment, Option<&'a str>, bool)> {
    let said =
        v.facts.said.iter().rev().find(|s| !s.auto && matches!(s.medium, Medium::Email | Medium::Sms | Medium::Chat));
    let bare = v.facts.signal(super::facts::SignalKind::Reply).and_then(|s| s.newest.as_ref());
    let (at, findings): (Moment, &'a [Finding]) = match (said, bare) {
        (Some(s), Some(b)) if b.stamp > s.cited.stamp => (b.stamp.at, &[]),
        (Some(s), _) => (s.cited.stamp.at, &s.findings),
        (None, Some(b)) => (b.stamp.at, &[]),
        (None, None) => return None,
    };
    if findings
        .iter()
        .any(|f| matches!(f.label, Label::AutoReply | Label::OptOut | Label::Complaint | Label::LegalThreat))
    {
        return None;
    }
    let answered = v.facts.outbound().any(|t| t.cited.stamp.at > at)
        || v.conduct.ledger.iter().any(|e| e.made_at >= at && matches!(e.play, Play::AnswerCall | Play::AnswerEmail))
        || v.conduct.ledger.iter().any(|e| e.class.is_contact() && e.made_at > at && e.state.counts_for_caps());
    if answered || v.now - at > Span::days(7) {
        return None;
    }
    let warm = findings.iter().find(|f| matches!(f.label, Label::Interest | Label::Callback));
    let cold = findings.iter().any(|f| matches!(f.label, Label::Disinterest | Label::Timing | Label::NotABuyer));
    Some((at, warm.map(|f| f.quote.as_str()), warm.is_some() && !cold))
}

/// Parked, disengaged or waiting for a named day: no call until the lead or the day comes.
fn rests(v: &View<'_, '_>) -> bool {
    let waiting = v.conduct.revisit_at.is_some_and(|at| at > v.now);
    matches!(v.conduct.stage, Stage::Parked | Stage::Disengaged) || waiting || meeting_ahead(v)
}

fn meeting_ahead(v: &View<'_, '_>) -> bool {
    v.facts
        .meetings
        .last()
        .is_some_and(|m| m.what == super::event::MeetingWhat::Booked && m.at.is_none_or(|at| at > v.now))
}

fn spoke_since_started(v: &View<'_, '_>) -> bool {
    v.j.last_conversation.is_some_and(|at| at >= v.started())
}

/// The inquiry is so old that a first call would only puzzle the lead.
fn is_late(v: &View<'_, '_>) -> bool {
    v.max_event_age.is_some_and(|age| v.now - v.started() > age)
}

fn text<'a>(v: &View<'a, '_>, out: &mut Vec<Proposal<'a>>, no_sale: bool) {
    let Some(key) = v.key_for(Channel::Email) else { return };
    let consent = v.consent(Channel::Email, key);
    let asked = v.facts.inquiries.last().map(|i| i.cited.stamp.at);
    if v.place.may_email(&consent_view(&consent), asked, v.now).is_err() {
        return;
    }
    let mut propose = |play: Play, due: Moment, attempt: u32, because: String, revisit_at: Option<Moment>| {
        let Some(rule) = v.policy.rule(play) else { return };
        let due = due.max(v.now);
        let at = if matches!(play, Play::AnswerEmail | Play::FirstEmail) { due } else { v.fatigue_allows(due, key) };
        let expires_at = at + rule.expires.0;
        out.push(Proposal {
            play,
            at,
            expires_at,
            windows: Intervals::one(at, expires_at),
            channel: Some(Channel::Email),
            key: Some(key),
            priority: rule.priority,
            attempt,
            consent: consent.map(|(level, at, url, _)| (level, at, url.map(str::to_owned))),
            revisit_at,
            worth: v.worth(rule),
            because,
            ..Proposal::empty(play)
        });
    };
    let sent = episode_texts(v);
    let resting = rests(v);
    if let Some((at, quote, _)) = reply_to_answer(v)
        && !v.j.clear_no
        && v.j.not_before.is_none()
        && !no_sale
    {
        propose(Play::AnswerEmail, at, sent + 1, format!("They wrote{} and wait for an answer.", quoted(quote)), None);
    }
    let weak_by = |c: Cause| matches!(v.j.verdict, Verdict::Weak | Verdict::Bad) && v.j.cause == Some(c);
    let quiet = resting || v.j.clear_no || no_sale;
    if !quiet && !spoke_since_started(v) {
        let days = &v.policy.plays.cadence.email_days;
        if sent == 0 {
            propose(Play::FirstEmail, v.started(), 1, "The lead asked; an e-mail answers at once.".into(), None);
        } else if let Some(day) = days.get(sent as usize)
            && v.j.unanswered > 0
        {
            let due = v.started() + Span::days(i64::from(*day));
            propose(
                Play::EmailAgain,
                due,
                sent + 1,
                format!("{} without an answer so far; the next is due.", counted(sent, "e-mail")),
                None,
            );
        }
    }
    if !no_sale
        && !v.j.clear_no
        && !meeting_ahead(v)
        && (weak_by(Cause::Timing)
            || weak_by(Cause::Interest)
            || v.conduct.stage == Stage::Nurturing
            || rests_until_later(v))
    {
        let because = match v.j.cause {
            Some(Cause::Timing) => "Not now, but later: a check-in keeps the door open.",
            _ => "Silent for now: a light check-in keeps the door open.",
        };
        propose(Play::CheckIn, next_check_in(v), v.conduct.nurture_steps + 1, because.into(), None);
    }
    if is_exhausted(v, no_sale) && v.conduct.stage != Stage::Disengaged {
        let revisit_at = revisit(v);
        propose(
            Play::Disengage,
            v.now,
            sent + 1,
            "Everything worth doing was done; a polite goodbye leaves the door open.".into(),
            revisit_at,
        );
    }
}

fn rests_until_later(v: &View<'_, '_>) -> bool {
    v.conduct.stage == Stage::Parked
}

/// Messages of this episode, reported or open.
fn episode_texts(v: &View<'_, '_>) -> u32 {
    let started = v.started();
    let reported = v.facts.outbound().filter(|t| t.channel == Channel::Email && t.cited.stamp.at >= started).count();
    let own = v
        .conduct
        .ledger
        .iter()
        .filter(|e| e.class == Class::Text && !e.touched && e.made_at >= started)
        .filter(|e| {
            matches!(
                e.state,
                TaskState::Ready
                    | TaskState::Held
                    | TaskState::Done
                    | TaskState::Failed
                    | TaskState::Expired
                    | TaskState::Observed
            )
        })
        .count();
    (reported + own) as u32
}

fn next_check_in(v: &View<'_, '_>) -> Moment {
    let n = &v.policy.plays.nurture;
    let answered = v.j.last_answer;
    let since = v
        .facts
        .outbound()
        .map(|t| t.cited.stamp.at)
        .chain(v.conduct.ledger.iter().filter(|e| e.class.is_contact() && e.state.counts_for_caps()).map(|e| e.made_at))
        .chain([answered, v.started()])
        .max()
        .unwrap_or(v.now);
    let steps = if answered >= since { 0 } else { v.conduct.nurture_steps };
    let gap = (n.gap.0.0 as f64 * n.gap_factor.powi(steps.min(16) as i32)).min(n.gap_max.0.0 as f64);
    since + Span((gap as i64).max(n.gap_min.0.0))
}

/// Nothing worth doing is left: the audit is complete, calls and e-mails are used up or refused.
fn is_exhausted(v: &View<'_, '_>, no_sale: bool) -> bool {
    if v.j.clear_no || no_sale {
        return true;
    }
    let cadence = &v.policy.plays.cadence;
    let can_call = v.key_for(Channel::Call).is_some();
    let called_out = !can_call || our_episode_calls(v).attempts as usize >= cadence.call_days.len();
    let written_out = episode_texts(v) as usize >= cadence.email_days.len();
    let nurtured = v.conduct.nurture_steps >= 4;
    v.j.audit.complete() && called_out && written_out && (nurtured || v.j.verdict == Verdict::Bad)
}

/// When we come back: the day they named, or by the cause.
pub fn revisit(v: &View<'_, '_>) -> Option<Moment> {
    let rules = &v.policy.plays.revisit;
    if v.conduct.revisits >= rules.most {
        return None;
    }
    if let Some(finding) = v.j.not_before {
        return Some(revisit_of(finding, v));
    }
    let budget = v.facts.said.iter().rev().any(|s| s.findings.iter().any(|f| f.label == Label::Budget));
    if budget && v.j.cause == Some(Cause::Timing) {
        let next_year = v.zone.date(v.now).first_of_year().saturating_add(1.year());
        return Some(v.zone.at(super::time::day_of_date(next_year), 540));
    }
    let wait = match v.j.cause {
        Some(Cause::Fit) => rules.bad_fit.0,
        Some(Cause::Timing) => rules.not_now.0,
        _ => rules.silent.0,
    };
    Some(v.now + wait)
}

/// The day a lead named: before the end of a contract, on the day itself otherwise.
pub fn revisit_of(finding: &Finding, v: &View<'_, '_>) -> Moment {
    let rules = &v.policy.plays.revisit;
    let Some(day) = finding.date else { return v.now + rules.not_now.0 };
    let quote = finding.quote.to_lowercase();
    let at = v.zone.at(day, 540);
    let at = if rules.contract_words.iter().any(|w| quote.contains(w)) { at - rules.before_contract_end.0 } else { at };
    at.max(v.now)
}

fn repair<'a>(v: &View<'a, '_>, out: &mut Vec<Proposal<'a>>, needs_screening: Option<&'a Key>) {
    let mut faults: Vec<Fault> =
        v.j.keys
            .iter()
            .filter(|k| k.status >= Status::Suspect)
            .map(|k| Fault {
                key: k.key.value.clone(),
                fault: k.why.fault().to_owned(),
                suggestion: match k.why {
                    super::contact::KeyWhy::Mistyped(meant) => {
                        k.key.value.rsplit_once('@').map(|(local, _)| format!("{local}@{meant}"))
                    }
                    _ => None,
                },
            })
            .collect();
    if let Some(key) = needs_screening {
        faults.push(Fault { key: key.value.clone(), fault: "needs_screening".into(), suggestion: None });
    }
    if let Some(phone) = v.facts.primary(KeyKind::Phone)
        && let Some(disagreement) = v.place.disagreement()
        && matches!(v.place.call_windows(false, v.now, v.now + Span::days(7)), Windows::Never)
    {
        faults.push(Fault {
            key: phone.value.clone(),
            fault: "place_contradicts".into(),
            suggestion: Some(disagreement),
        });
    }
    faults.retain(|f| !v.conduct.repairs_asked.contains(&fingerprint(f)));
    faults.sort();
    let Some(rule) = v.policy.rule(Play::ContactRepair) else { return };
    if faults.is_empty() {
        return;
    }
    out.push(Proposal {
        play: Play::ContactRepair,
        at: v.now,
        expires_at: v.now + rule.expires.0,
        priority: rule.priority,
        worth: v.worth(rule),
        because: match faults.as_slice() {
            [one] if one.fault == "needs_screening" => "The number must be screened before anybody may call it.".into(),
            [_] => "One of the lead's numbers or addresses needs mending.".into(),
            _ => "Several of the lead's numbers and addresses need mending.".into(),
        },
        faults,
        ..Proposal::empty(Play::ContactRepair)
    });
}

/// By this a fault is known again, so that a repair is asked for once.
pub fn fingerprint(fault: &Fault) -> u64 {
    // One question for a key, whatever else is found wrong with it while that is open; screening comes round again.
    let sort: &[u8] = if fault.fault == "needs_screening" { b"screening" } else { b"repair" };
    let d = super::identity::digest_16(&[fault.key.as_bytes(), sort]);
    let mut b = [0; 8];
    b.copy_from_slice(&d[..8]);
    u64::from_be_bytes(b)
}

fn partner<'a>(v: &View<'a, '_>, out: &mut Vec<Proposal<'a>>) {
    let by_fit = matches!(v.j.verdict, Verdict::Weak | Verdict::Bad) && v.j.cause == Some(Cause::Fit);
    let kept_back = v.conduct.lent.is_some() || v.conduct.denied_until.is_some_and(|at| at > v.now);
    let gone = [LeadFlag::Minor, LeadFlag::Competitor, LeadFlag::Test].iter().any(|f| v.facts.flags.contains_key(f));
    let had = v.conduct.ledger.iter().any(|e| e.play == Play::ReferralHandoff && e.state.counts_for_caps());
    if !by_fit || kept_back || gone || had || !v.may_share() {
        return;
    }
    let partners: Vec<&'a Partner> = v.policy.partners.iter().filter(|p| serves(p, v.facts)).collect();
    let (Some(rule), Some(first)) = (v.policy.rule(Play::ReferralHandoff), partners.first()) else { return };
    let because = format!("The lead does not fit us, but {} serves such leads.", first.name);
    out.push(Proposal {
        play: Play::ReferralHandoff,
        at: v.now,
        expires_at: v.now + rule.expires.0,
        priority: rule.priority,
        worth: v.worth(rule),
        because,
        partners,
        ..Proposal::empty(Play::ReferralHandoff)
    });
}

/// Whether a partner takes leads of this need, place and size.
fn serves(partner: &Partner, facts: &Facts) -> bool {
    let text = |slot: &'_ Option<super::register::Last<String>>| slot.as_ref().map(|l| l.value.to_lowercase());
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

/// The newest touch of ours, for `last_touch`.
pub fn last_touch(facts: &Facts) -> Option<&Touch> {
    facts.outbound().last()
}

/// Voicemails left on a number so far.
pub fn voicemails_left(facts: &Facts, number: &str) -> u32 {
    facts
        .calls()
        .filter(|(t, c)| {
            t.direction == Direction::Outbound && c.voicemail_left && t.to.as_deref().is_none_or(|to| to == number)
        })
        .count() as u32
}

/// The event that a proposal's reason cites when the diagnosis has nothing better: the newest inquiry.
pub fn newest_inquiry(facts: &Facts) -> Option<&Cited> {
    facts.inquiries.last().map(|i| &i.cited)
}
