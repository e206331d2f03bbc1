//! The first sentence: what a sales manager would say of the lead, made from the verdict and its strongest reasons.

use crate::domain::diagnosis::Cause;
use crate::domain::suppression::ClosedBecause;
use crate::wire::record::{EvidenceOut, LeadRecord, PointsOut, SuppressedOut};

/// As `gleaner suppress` closes, and a desk that rejects a task as suppressed; or the number is somebody else's.
fn is_no_wish(closed: &SuppressedOut) -> bool {
    let why = ClosedBecause::from_name(&closed.because);
    matches!(why, Some(ClosedBecause::ByHand | ClosedBecause::WrongNumber))
}

/// One or two plain sentences.
pub fn headline(r: &LeadRecord) -> String {
    let over = match r.stage.as_str() {
        "converted" => return won(r),
        // A list, a colleague or whoever picked up said so: of the person nothing of the kind is known.
        "suppressed" if !r.diagnosis.has("closed_channel") && r.suppressed.iter().all(is_no_wish) => {
            "Every way to this person is closed, not by themselves; nothing may be sent and nobody may call."
        }
        "suppressed" => "This person wants no contact any more; nothing may be sent and nobody may call.",
        "lost" => "The deal with this lead was lost.",
        "lent" => "A partner has this lead for now.",
        "test" => return "This is a test and counts nowhere.".to_owned(),
        _ => return of_verdict(r),
    };
    format!("{over} {}", of_verdict(r))
}

/// When it was, and what it came to.
fn won(r: &LeadRecord) -> String {
    let Some(won) = &r.outcome else { return "This lead has become a customer.".to_owned() };
    let amount = won.amount.as_ref().map_or(String::new(), |m| format!(" for {} {}", m.amount, m.currency));
    let day = won.at.get(..10).unwrap_or(&won.at);
    format!("This lead has become a customer, on {day}{amount} [{}].", won.event)
}

fn of_verdict(r: &LeadRecord) -> String {
    let against = strongest_against(r);
    match (r.verdict.as_str(), r.diagnosis.cause.as_deref()) {
        ("promising", cause) => {
            let why = speaks_for(r).map_or(String::new(), |why| format!(": {why}"));
            match cause {
                Some("process") if r.diagnosis.has("unanswered") => {
                    format!("A promising lead that we are losing{why}.{against}")
                }
                Some("process") => format!("A promising lead{why}.{against}"),
                _ => format!("A promising lead{why}."),
            }
        }
        ("unknown", _) => "Nothing is known about this lead yet.".to_owned(),
        ("workable", Some("interest")) if r.diagnosis.has("closed_channel") => {
            format!("A workable lead that has closed a channel to us.{against}")
        }
        ("workable", None) => match speaks_for(r) {
            Some(why) => format!("A workable lead: nothing speaks against it. For it: {why}."),
            None => "A workable lead: nothing speaks against it, and not much for it yet.".to_owned(),
        },
        ("workable", Some(cause)) => {
            format!("A workable lead. If anything is wrong, it is {}.{against}", cause_in_words(cause))
        }
        ("weak", Some("process")) if looks_good(r) => {
            format!("A good lead that we are losing: what looks weak is our own doing.{against}")
        }
        ("weak", Some("process")) => format!("This lead looks weak, and so far that is our own doing.{against}"),
        ("weak", Some("timing")) => format!("A lead for later: weak for now, because of bad timing.{against}"),
        ("weak", Some("interest")) if heaviest(r).is_some_and(|e| e.name == "closed_channel") => {
            format!("A weak lead, because it has closed a channel to us.{against}")
        }
        ("weak", Some("interest")) if is_only_silent(r) => format!("A weak lead, because it does not answer.{against}"),
        ("bad", Some(cause)) => format!("A bad lead, because of {}.{against}", cause_in_words(cause)),
        (_, Some(cause)) => format!("A weak lead, because of {}.{against}", cause_in_words(cause)),
        (verdict, None) => format!("This lead is {verdict}."),
    }
}

/// At least B in fit and 2 in engagement: promising, but for us.
fn looks_good(r: &LeadRecord) -> bool {
    matches!(r.grade.as_str(), "A1" | "A2" | "B1" | "B2")
}

/// Nothing but silence speaks of their interest: no event tells of it.
fn is_only_silent(r: &LeadRecord) -> bool {
    r.diagnosis.evidence.iter().filter(|e| e.cause == "interest").all(|e| e.name == "silence")
}

/// " Called once, …": the heaviest evidence for the cause, as a sentence after another.
fn strongest_against(r: &LeadRecord) -> String {
    heaviest(r).map_or(String::new(), |e| format!(" {}", e.because))
}

/// The heaviest evidence for the cause.
fn heaviest(r: &LeadRecord) -> Option<&EvidenceOut> {
    r.diagnosis.evidence.iter().find(|e| Some(&e.cause) == r.diagnosis.cause.as_ref())
}

/// The strongest reasons of engagement and fit, and what was confirmed.
fn speaks_for(r: &LeadRecord) -> Option<String> {
    let warm = r.explanation.engagement.iter().filter(|p| p.points.0 >= 5.0).max_by(by_points);
    let suits = r.explanation.fit.iter().filter(|p| p.points.0 >= 10.0 && p.name != "start_points").max_by(by_points);
    let q = &r.qualification;
    let confirmed: Vec<&str> =
        [("budget", &q.budget), ("authority", &q.authority), ("need", &q.need), ("timeline", &q.timeline)]
            .into_iter()
            .filter(|(_, l)| l.as_ref().is_some_and(|l| !l.guessed && l.level >= 2))
            .map(|(name, _)| name)
            .collect();
    let mut reasons: Vec<String> = Vec::new();
    if !confirmed.is_empty() {
        reasons.push(format!("they confirmed {}", confirmed.join(" and ")));
    }
    reasons.extend(warm.map(|p| p.because.clone()));
    reasons.extend(suits.map(|p| p.because.clone()));
    (!reasons.is_empty()).then(|| reasons.join("; "))
}

fn by_points(a: &&PointsOut, b: &&PointsOut) -> std::cmp::Ordering {
    a.points.0.total_cmp(&b.points.0)
}

pub fn cause_in_words(cause: &str) -> &str {
    match Cause::ALL.into_iter().find(|c| c.name() == cause) {
        Some(known) => known.in_words(),
        None => cause,
    }
}

/// What a channel carries, in the plural.
pub fn channel_in_words(channel: &str) -> &str {
    match channel {
        "call" => "calls",
        "sms" => "texts",
        "email" => "e-mails",
        "mail" => "letters",
        "share" => "passing on",
        other => other,
    }
}

/// Why somebody should pick up the phone now: what the call is, and what speaks for the lead.
pub fn why_call(r: &LeadRecord, play: &str) -> String {
    let what = match play {
        "first_call" => "They asked and wait for a first call.",
        "callback" => "They asked to be called now.",
        "answer_call" => "They answered and wait for a person.",
        "room_opened" => "They looked at the sales room again.",
        "second_call" | "call_again" => "The next call is due.",
        _ => "A call is due.",
    };
    let more = match (r.verdict.as_str(), speaks_for(r)) {
        ("weak" | "bad", _) | (_, None) => of_verdict(r),
        (_, Some(why)) => format!("For it speaks: {why}."),
    };
    format!("{what} {more}")
}

/// A name of the contract as people write it.
pub fn humanly(name: &str) -> String {
    name.replace('_', " ")
}
