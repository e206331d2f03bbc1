//! Folding an event into the facts: one straight function an event type, no judgement.
//!
//! Order-free: every write goes through a register, a series or a bounded list of `register`. What a text
//! means is read here once and remembered; what it is worth is decided later, by `judge`. Long, because every event type
//! has its function here.

use super::event::*;
use super::facts::*;
use super::identity::{Key, KeyKind, digest_16};
use super::legal::PlaceFacts;
use super::policy::Policy;
use super::register::*;
use super::score::Ask;
use super::suppression::ClosedBecause;
use super::task::Play;
use super::time::{Moment, Span};
use super::touches::{CallResult, call_result};
use super::words::{self, Label, Medium, OptOutScope};

/// Takes one event into the facts. The caller has made sure that it is new to the lead.
pub fn fold(facts: &mut Facts, event: &Event, policy: &Policy) {
    let stamp = Stamp::of(event);
    for key in &event.keys {
        facts.name_key(key.clone(), event.at);
    }
    for (number, ext) in &event.extensions {
        join_entry(&mut facts.extensions, number.clone(), Last { stamp, value: ext.clone() });
    }
    facts.newest = facts.newest.max(Some(stamp));
    facts.events += 1;
    match &event.body {
        Body::Captured(capture) => {
            fold_capture(facts, event, capture);
            let form = capture.origin.form.as_deref().unwrap_or("");
            fold_inquiry(facts, event, has_any(form, &policy.scoring.engagement.contact_request_words));
        }
        Body::Updated(capture) => fold_capture(facts, event, capture),
        Body::Answered(answers) => fold_answers(facts, event, answers),
        Body::Email(email) => fold_email(facts, event, email, policy),
        Body::Sms(sms) => fold_sms(facts, event, sms, policy),
        Body::CallStarted(_) => {}
        Body::CallCompleted(call) => fold_call(facts, event, call, policy),
        Body::Visit(visit) => fold_visit(facts, event, visit, policy),
        Body::Meeting(meeting) => fold_meeting(facts, event, meeting),
        Body::Feedback(feedback) => fold_feedback(facts, event, feedback),
        Body::Flagged { flag, note, .. } => {
            facts.flag(*flag, Cited::of(event));
            if let LeadFlag::Deceased | LeadFlag::Minor | LeadFlag::LegalThreat = flag {
                let why = match flag {
                    LeadFlag::Deceased => ClosedBecause::Deceased,
                    LeadFlag::Minor => ClosedBecause::Minor,
                    _ => ClosedBecause::LegalThreat,
                };
                close_everything(facts, event, why);
            }
            hear(facts, event, Medium::FeedbackNote, false, note.as_deref());
        }
        Body::Screened { key, checks } => {
            facts.name_key(key.clone(), event.at);
            for check in checks {
                let as_of = check.as_of.unwrap_or(event.at);
                let value = Screening { result: check.result, as_of };
                let stamp = Stamp { at: as_of, tie: stamp.tie };
                join_entry(&mut facts.screenings, (key.clone(), check.list.clone()), Last { stamp, value });
            }
        }
        Body::Outcome { outcome, amount, reason } => {
            let value = OutcomeFact {
                outcome: *outcome,
                reason: reason.clone(),
                amount: amount.clone(),
                event: event.id.clone(),
            };
            write(&mut facts.outcome, stamp, value);
        }
        Body::ConsentGranted(change) => {
            for channel in channels_of(change) {
                let grant = Grant {
                    level: change.level.unwrap_or(ConsentLevel::Express),
                    modes: Vec::new(),
                    evidence_url: change.evidence_url.clone(),
                    imported: change.imported,
                    told_at: event.at,
                };
                let reopens = !grant.imported;
                grant_consent(facts, stamp, channel, change.key.clone(), grant, reopens);
            }
        }
        Body::ConsentRevoked(change) => {
            for channel in channels_of(change) {
                let held = facts.consents.entry((channel, change.key.clone())).or_default();
                write(&mut held.revoked, stamp, Revoked { event: event.id.clone() });
                close(facts, event, channel, change.key.clone(), ClosedBecause::ConsentRevoked);
            }
        }
        Body::Report(report) => {
            if report.what == ReportWhat::Done && report.play == Some(Play::ReferralAsk) {
                signal(facts, event, SignalKind::ReferralAsked);
            }
            let channel = report.play.and_then(Play::channel).filter(|_| report.what == ReportWhat::Done);
            if let (Some(channel), Some(_)) = (channel, event.task_id) {
                let called = CallFact { disposition: report.result.clone(), ..CallFact::default() };
                let call = (channel == Channel::Call).then_some(called);
                facts.reports.add(touch_of(event, channel, Direction::Outbound, None, call), limit::REPORTS);
            }
        }
        Body::Partner(response) => {
            join_entry(&mut facts.partner, response.partner.clone(), Last { stamp, value: response.response });
        }
        Body::Signal { name, .. } => {
            facts.observed.entry(name.clone()).or_default().add(event);
            trim(&mut facts.observed);
        }
        Body::Erased | Body::Rep(_) => {}
    }
    read_texts(facts, policy);
}

fn fold_capture(facts: &mut Facts, event: &Event, capture: &Capture) {
    let stamp = Stamp::of(event);
    let (held, p) = (&mut facts.profile, &capture.profile);
    put(&mut held.name, stamp, &p.name);
    put(&mut held.title, stamp, &p.title);
    if p.title.is_some() {
        write(&mut facts.titled, stamp, Titled { event: event.id.clone(), guesses: Vec::new(), reading: 0 });
    }
    let held = &mut facts.profile;
    put(&mut held.company, stamp, &p.company);
    put(&mut held.industry, stamp, &p.industry);
    put(&mut held.employees, stamp, &p.employees);
    put(&mut held.country, stamp, &p.country);
    put(&mut held.region, stamp, &p.region);
    put(&mut held.postal_code, stamp, &p.postal_code);
    put(&mut held.time_zone, stamp, &p.time_zone);
    put(&mut held.language, stamp, &p.language);
    let (held, o) = (&mut facts.origin, &capture.origin);
    put(&mut held.form, stamp, &o.form);
    put(&mut held.campaign, stamp, &o.campaign);
    put(&mut held.medium, stamp, &o.medium);
    put(&mut held.partner, stamp, &o.partner);
    put(&mut held.swap, stamp, &o.swap);
    put(&mut held.referred_by, stamp, &o.referred_by);
    put(&mut held.test, stamp, &o.test);
    put(&mut held.fill_seconds, stamp, &o.fill_seconds);
    put(&mut held.honeypot, stamp, &o.honeypot);
    fold_answers(facts, event, &capture.qualification);
    for interest in &capture.interests {
        let held = facts.interests.entry(interest.clone()).or_insert(stamp);
        *held = (*held).max(stamp);
    }
    trim(&mut facts.interests);
    for (name, value) in &capture.attributes {
        join_entry(&mut facts.attributes, name.clone(), Last { stamp, value: value.clone() });
    }
    trim(&mut facts.attributes);
    for consent in &capture.consent {
        fold_consent(facts, event, consent);
    }
    hear(facts, event, Medium::CaptureNote, false, capture.note.as_deref());
}

fn put<T: Clone>(slot: &mut Option<Last<T>>, stamp: Stamp, value: &Option<T>) {
    if let Some(value) = value
        && slot.as_ref().is_none_or(|held| held.stamp < stamp)
    {
        *slot = Some(Last { stamp, value: value.clone() });
    }
}

fn fold_answers(facts: &mut Facts, event: &Event, answers: &Answers) {
    let stamp = Stamp::of(event);
    let put = |slot: &mut Option<Last<Given>>, answer: &Option<Answer>| {
        if let Some(answer) = answer {
            let given = Given { answer: answer.clone(), event: event.id.clone(), guess: None, reading: 0 };
            write(slot, stamp, given);
        }
    };
    put(&mut facts.answers.budget, &answers.budget);
    put(&mut facts.answers.authority, &answers.authority);
    put(&mut facts.answers.need, &answers.need);
    put(&mut facts.answers.timeline, &answers.timeline);
}

/// The person asked for something: the audit of our answer starts, and a silent lead is alive again.
fn fold_inquiry(facts: &mut Facts, event: &Event, asks_contact: bool) {
    let cited = Cited::of(event);
    earliest(&mut facts.first_inquiry, Some(cited.clone()));
    latest(&mut facts.last_initiative, Some(cited.clone()));
    facts.inquiries.add(Inquiry { cited, asks_contact }, limit::INQUIRIES);
    let kind = if asks_contact { SignalKind::ContactRequest } else { SignalKind::Form };
    signal(facts, event, kind);
}

fn fold_email(facts: &mut Facts, event: &Event, email: &EmailEvent, policy: &Policy) {
    match &email.what {
        EmailWhat::Sent => touch(facts, event, Channel::Email, Direction::Outbound, None, None, policy),
        EmailWhat::Delivered => {
            let message = email.message_id.as_deref().map(fingerprint);
            facts.deliveries.add(Delivery { stamp: Stamp::of(event), message }, limit::DELIVERIES);
        }
        EmailWhat::Opened if !email.machine => signal(facts, event, SignalKind::Open),
        EmailWhat::Clicked if !email.machine => {
            let message = email.message_id.as_deref().map(fingerprint);
            if let Some(old) = facts.clicks.push(Click { cited: Cited::of(event), message }, limit::CLICKS) {
                facts.fade_click(&old);
            }
        }
        EmailWhat::Opened | EmailWhat::Clicked => {}
        EmailWhat::Replied => {
            if !email.auto && email.text.as_deref().is_none_or(|t| t.trim().is_empty()) {
                latest(&mut facts.last_initiative, Some(Cited::of(event)));
                signal(facts, event, SignalKind::Reply);
            }
            hear(facts, event, Medium::Email, email.auto, email.text.as_deref());
        }
        EmailWhat::Bounced { hard } => {
            let email = event.keys.iter().find(|k| k.kind == KeyKind::Email).map(|k| k.value.clone());
            facts.bounces.add(Bounce { cited: Cited::of(event), email, hard: *hard }, limit::BOUNCES);
        }
        EmailWhat::Complained => {
            signal(facts, event, SignalKind::Complaint);
            close(facts, event, Channel::Email, None, ClosedBecause::Complaint);
        }
        EmailWhat::Unsubscribed { group } => {
            if email.machine {
                return;
            }
            signal(facts, event, SignalKind::Unsubscribe);
            // A group unsubscribe leaves that list, not the conversation.
            if group.is_none() {
                close(facts, event, Channel::Email, None, ClosedBecause::Unsubscribe);
            }
        }
    }
}

fn fold_sms(facts: &mut Facts, event: &Event, sms: &SmsEvent, policy: &Policy) {
    match sms.what {
        SmsWhat::Sent => touch(facts, event, Channel::Sms, Direction::Outbound, None, None, policy),
        SmsWhat::Delivered | SmsWhat::Failed => {}
        SmsWhat::Replied => {
            if !sms.auto && sms.text.as_deref().is_none_or(|t| t.trim().is_empty()) {
                latest(&mut facts.last_initiative, Some(Cited::of(event)));
                signal(facts, event, SignalKind::Reply);
            }
            if let Some(text) = sms.text.as_deref()
                && words::reopens(&policy.words, Medium::Sms, text)
            {
                for key in event.keys.iter().filter(|k| k.kind == KeyKind::Phone) {
                    reopen(facts, event.at, Channel::Sms, Some(key.clone()));
                }
                // A carrier's keyword says that texts may come again, and nothing else: nobody waits for an answer.
                return;
            }
            hear(facts, event, Medium::Sms, sms.auto, sms.text.as_deref());
        }
    }
}

fn fold_call(facts: &mut Facts, event: &Event, call: &Call, policy: &Policy) {
    let fact = CallFact {
        disposition: call.disposition.clone(),
        flags: call.flags,
        answered_by: call.answered_by,
        voicemail_left: call.voicemail_left,
        seconds: call.duration_seconds,
        caller_id: call.caller_id.clone(),
        agent: call.agent.clone(),
        callback_at: call.callback_at,
        callback_number: call.callback_number.clone(),
    };
    let cited = Cited { stamp: Stamp { at: began(event, call), tie: event.key.tie() }, id: event.id.clone() };
    if call.direction == Direction::Inbound {
        latest(&mut facts.last_initiative, Some(cited.clone()));
    }
    // By the flag, or by a code that means it where no flag says otherwise.
    match call_result(&fact, policy) {
        CallResult::DoNotCall => {
            let number = called_number(event, call);
            close(facts, event, Channel::Call, number.clone(), ClosedBecause::DoNotCall);
            close(facts, event, Channel::Sms, number, ClosedBecause::DoNotCall);
        }
        CallResult::Sale => {
            let won = OutcomeFact { outcome: Outcome::Won, reason: None, amount: None, event: event.id.clone() };
            write(&mut facts.outcome, Stamp::of(event), won);
        }
        _ => {}
    }
    let touch =
        Touch { cited: cited.clone(), ..touch_of(event, Channel::Call, call.direction, call.to.clone(), Some(fact)) };
    keep_touch(facts, touch, policy);
    hear_at(facts, event, cited, Medium::CallNote, false, call.note.as_deref());
}

/// A report that tells of a beginning longer ago than this tells of a wrong clock. [J]
const LONGEST_CALL: Span = Span::days(1);

/// When a call began: the lead was reached then, however long the talk was and whenever it was reported.
fn began(event: &Event, call: &Call) -> Moment {
    let told = call.started_at.filter(|at| *at <= event.at && event.at - *at <= LONGEST_CALL);
    told.unwrap_or(event.at)
}

fn called_number(event: &Event, call: &Call) -> Option<Key> {
    call.to
        .as_ref()
        .map(|to| Key::new(KeyKind::Phone, to.clone()))
        .or_else(|| event.keys.iter().find(|k| k.kind == KeyKind::Phone).cloned())
}

fn fold_visit(facts: &mut Facts, event: &Event, visit: &Visit, policy: &Policy) {
    let words = &policy.scoring.engagement;
    let path = visit.path.as_deref().unwrap_or("");
    match visit.what {
        VisitWhat::Page if has_any(path, &words.pricing_page_words) => signal(facts, event, SignalKind::PricingPage),
        VisitWhat::Page => signal(facts, event, SignalKind::Page),
        VisitWhat::Content => signal(facts, event, SignalKind::Content),
        VisitWhat::Room => {
            let viewer = event.keys.iter().find(|k| k.kind == KeyKind::Visitor);
            match (visit.room.as_deref(), viewer) {
                (Some(room), Some(viewer)) => {
                    let key = (fingerprint(room), fingerprint(&viewer.value));
                    facts.rooms.entry(key).or_default().add(event);
                    facts.trim_rooms();
                }
                // Who it was, or where, is not said: nobody can tell a second visitor.
                _ => signal(facts, event, SignalKind::Room),
            }
        }
        VisitWhat::Form => {
            let form = visit.content.as_deref().unwrap_or(path);
            fold_inquiry(facts, event, has_any(form, &words.contact_request_words));
            hear(facts, event, Medium::CaptureNote, false, visit.text.as_deref());
        }
        VisitWhat::Chat => {
            latest(&mut facts.last_initiative, Some(Cited::of(event)));
            signal(facts, event, SignalKind::Chat);
            hear(facts, event, Medium::Chat, false, visit.text.as_deref());
        }
    }
}

fn fold_meeting(facts: &mut Facts, event: &Event, meeting: &Meeting) {
    let kind = match meeting.what {
        MeetingWhat::Booked => SignalKind::MeetingBooked,
        MeetingWhat::Held => SignalKind::MeetingHeld,
        MeetingWhat::Missed => SignalKind::MeetingMissed,
    };
    if meeting.what == MeetingWhat::Booked {
        latest(&mut facts.last_initiative, Some(Cited::of(event)));
    }
    signal(facts, event, kind);
    facts.meetings.add(MeetingFact { cited: Cited::of(event), what: meeting.what, at: meeting.at }, limit::MEETINGS);
}

fn fold_feedback(facts: &mut Facts, event: &Event, feedback: &Feedback) {
    earliest(&mut facts.put_forward, Some(Cited::of(event)));
    facts.feedback.add(
        FeedbackFact {
            cited: Cited::of(event),
            by: feedback.by.clone(),
            role: feedback.role,
            good: feedback.good,
            flags: feedback.flags.clone(),
            reason: feedback.reason.clone(),
        },
        limit::FEEDBACK,
    );
    hear(facts, event, Medium::FeedbackNote, false, feedback.note.as_deref());
}

/// What an event says of one consent, as of the instant at which it was given, which may lie long before the event.
fn fold_consent(facts: &mut Facts, event: &Event, consent: &ConsentGiven) {
    let at = Stamp { at: consent.at.unwrap_or(event.at).min(event.at), tie: event.key.tie() };
    match consent.state {
        ConsentState::NotGiven => {}
        ConsentState::Refused => {
            let held = facts.consents.entry((consent.channel, consent.key.clone())).or_default();
            write(&mut held.revoked, at, Revoked { event: event.id.clone() });
            let cited = Cited { stamp: at, id: event.id.clone() };
            close_at(facts, &cited, consent.channel, consent.key.clone(), ClosedBecause::ConsentRevoked);
        }
        ConsentState::Granted => {
            let grant = Grant {
                level: consent.level.unwrap_or(ConsentLevel::Express),
                modes: consent.modes.clone(),
                evidence_url: consent.evidence_url.clone(),
                imported: false,
                told_at: event.at,
            };
            // A system that tells again what it knows (`lead.updated`) is no word of the person.
            let reopens = !matches!(event.body, Body::Updated(_));
            grant_consent(facts, at, consent.channel, consent.key.clone(), grant, reopens);
        }
    }
}

/// Records a grant; one that the person gave with evidence also reopens what was closed before it.
fn grant_consent(facts: &mut Facts, at: Stamp, channel: Channel, key: Option<Key>, grant: Grant, reopens: bool) {
    let reopens = reopens && grant.evidence_url.is_some();
    let held = facts.consents.entry((channel, key.clone())).or_default();
    write(&mut held.granted, at, grant);
    if reopens {
        reopen(facts, at.at, channel, key);
    }
}

fn channels_of(change: &ConsentChange) -> Vec<Channel> {
    if change.channels.is_empty() { Channel::ALL.to_vec() } else { change.channels.clone() }
}

fn signal(facts: &mut Facts, event: &Event, kind: SignalKind) {
    facts.signals.entry(kind).or_default().add(event);
}

fn touch(
    facts: &mut Facts,
    event: &Event,
    channel: Channel,
    direction: Direction,
    to: Option<String>,
    call: Option<CallFact>,
    policy: &Policy,
) {
    keep_touch(facts, touch_of(event, channel, direction, to, call), policy);
}

fn keep_touch(facts: &mut Facts, touch: Touch, policy: &Policy) {
    if let Some(old) = facts.touches.push(touch, limit::TOUCHES) {
        facts.fade_touch(&old, policy);
    }
}

fn touch_of(
    event: &Event,
    channel: Channel,
    direction: Direction,
    to: Option<String>,
    call: Option<CallFact>,
) -> Touch {
    Touch { cited: Cited::of(event), channel, direction, to, call, failed: false, task: event.task_id }
}

/// Keeps the first part of what was said, to be read by [`read_texts`].
fn hear(facts: &mut Facts, event: &Event, medium: Medium, auto: bool, text: Option<&str>) {
    hear_at(facts, event, Cited::of(event), medium, auto, text);
}

fn hear_at(facts: &mut Facts, event: &Event, cited: Cited, medium: Medium, auto: bool, text: Option<&str>) {
    let Some(text) = text.map(str::trim).filter(|t| !t.is_empty()) else { return };
    let mut end = text.len().min(limit::TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let kind = match medium {
        Medium::Email => KeyKind::Email,
        Medium::Sms | Medium::CallNote | Medium::Chat | Medium::CaptureNote | Medium::FeedbackNote => KeyKind::Phone,
    };
    let said = Said {
        cited,
        medium,
        auto,
        about: event.keys.iter().find(|k| k.kind == kind).cloned(),
        text: text[..end].to_owned(),
        findings: Vec::new(),
        guesses: Vec::new(),
        lexicon: 0,
    };
    // One more than is kept: a text that is older than all of them must still be read once, for it may be an opt-out.
    facts.said.add(said, limit::SAID + 1);
}

/// Reads every text that was not yet read with this lexicon in this zone, and closes what an opt-out closes.
pub fn read_texts(facts: &mut Facts, policy: &Policy) {
    if let Some(titled) = &mut facts.titled
        && titled.value.reading != policy.guesses.hash()
    {
        let title = facts.profile.title.as_ref().map_or("", |t| t.value.as_str());
        titled.value.guesses = policy.guesses.of_title(title);
        titled.value.reading = policy.guesses.hash();
    }
    let in_words = |(_, given): (Ask, &mut Option<Last<Given>>)| {
        given.as_ref().is_some_and(|g| matches!(g.value.answer, Answer::Text(_)))
    };
    if facts.said.is_empty() && !facts.answers.each_mut().into_iter().any(in_words) {
        return;
    }
    let zone = policy.zone_of(&place_facts(facts));
    let reading = policy.reading(&zone);
    for (ask, given) in facts.answers.each_mut() {
        let Some(given) = given.as_mut().filter(|g| g.value.reading != reading) else { continue };
        if let Answer::Text(text) = &given.value.answer {
            let read = |text: &str| words::read(&policy.words, Medium::CaptureNote, false, text, given.stamp.at, &zone);
            let mut findings = read(text);
            if ask == Ask::Timeline && !findings.iter().any(|f| f.date.is_some()) {
                // Asked by when, people answer "3 months" and mean from now.
                findings.extend(read(&format!("Check back in {text}.")));
            }
            given.value.guess = policy.guesses.of_answer(ask, text, &findings);
        }
        given.value.reading = reading;
    }
    let mut closings = Vec::new();
    for said in facts.said.kept.iter_mut().filter(|s| s.lexicon != reading) {
        said.findings = words::read(&policy.words, said.medium, said.auto, &said.text, said.cited.stamp.at, &zone);
        said.guesses =
            if said.auto { Vec::new() } else { policy.guesses.of_talk(said.medium, &said.text, &said.findings) };
        said.lexicon = reading;
        for finding in said.findings.iter().filter(|f| f.certain) {
            let why = match finding.label {
                Label::OptOut => ClosedBecause::OptOut,
                Label::Deceased => ClosedBecause::Deceased,
                Label::Minor => ClosedBecause::Minor,
                Label::LegalThreat => ClosedBecause::LegalThreat,
                _ => continue,
            };
            let scope = match finding.label {
                Label::OptOut => finding.scope.unwrap_or(OptOutScope::Everything),
                _ => OptOutScope::Everything,
            };
            closings.push((said.cited.clone(), said.medium, said.about.clone(), scope, why));
        }
    }
    for (cited, medium, about, scope, why) in closings {
        // Broad words close everything the person has; narrow ones the number or address they came by.
        let about = if scope == OptOutScope::Everything { None } else { about };
        for channel in closed_channels(scope, medium) {
            close_at(facts, &cited, *channel, about.clone().filter(|k| carries(*channel, k)), why);
        }
    }
    while let Some(old) = facts.said.pop_beyond(limit::SAID) {
        facts.fade_said(&old);
    }
}

/// A short name for a foreign one, to compare it by.
fn fingerprint(text: &str) -> u64 {
    let digest = digest_16(&[text.as_bytes()]);
    digest.iter().take(8).fold(0, |n, b| n << 8 | u64::from(*b))
}

/// What an opt-out closes, by its words and the way it came.
pub(super) fn closed_channels(scope: OptOutScope, medium: Medium) -> &'static [Channel] {
    use Channel::*;
    match (scope, medium) {
        (OptOutScope::Everything, _) => &[Call, Sms, Email, Mail, Share],
        (OptOutScope::Email, _) => &[Email],
        (OptOutScope::CallAndSms, _) => &[Call, Sms],
        (OptOutScope::Channel, Medium::Email) => &[Email],
        (OptOutScope::Channel, Medium::Sms | Medium::CallNote) => &[Call, Sms],
        (OptOutScope::Channel, Medium::Chat | Medium::CaptureNote | Medium::FeedbackNote) => {
            &[Call, Sms, Email, Mail, Share]
        }
    }
}

/// Whether a channel reaches people by this kind of key.
pub fn carries(channel: Channel, key: &Key) -> bool {
    match channel {
        Channel::Call | Channel::Sms => key.kind == KeyKind::Phone,
        Channel::Email => key.kind == KeyKind::Email,
        Channel::Mail | Channel::Share | Channel::Profiling => false,
    }
}

/// What the facts say about where the lead is.
pub fn place_facts(facts: &Facts) -> PlaceFacts<'_> {
    let p = &facts.profile;
    PlaceFacts {
        phone: facts.primary(KeyKind::Phone).map(|k| k.value.as_str()),
        country: p.country.as_ref().map(|l| l.value.as_str()),
        region: p.region.as_ref().map(|l| l.value.as_str()),
        postal_code: p.postal_code.as_ref().map(|l| l.value.as_str()),
        time_zone: p.time_zone.as_ref().map(|l| l.value.as_str()),
    }
}

fn close(facts: &mut Facts, event: &Event, channel: Channel, key: Option<Key>, why: ClosedBecause) {
    close_at(facts, &Cited::of(event), channel, key, why);
}

fn close_everything(facts: &mut Facts, event: &Event, why: ClosedBecause) {
    for channel in [Channel::Call, Channel::Sms, Channel::Email, Channel::Mail, Channel::Share] {
        close(facts, event, channel, None, why);
    }
}

fn close_at(facts: &mut Facts, cited: &Cited, channel: Channel, key: Option<Key>, why: ClosedBecause) {
    let held = facts.closings.entry((channel, key)).or_default();
    held.first = held.first.min(cited.stamp.at);
    write(&mut held.last, cited.stamp, (why, cited.id.clone()));
}

fn reopen(facts: &mut Facts, at: Moment, channel: Channel, key: Option<Key>) {
    let held = facts.closings.entry((channel, key)).or_default();
    held.reopened = held.reopened.max(Some(at));
}

fn has_any(text: &str, words: &[String]) -> bool {
    let text = text.to_ascii_lowercase();
    words.iter().any(|w| text.contains(w.as_str()))
}
