//! What we did for a lead: the items of the audit, with what was asked of a desk and not reported on.

use std::fmt::Write;

use super::around::{Around, Unreported};
use super::headline::humanly;
use super::wording::and;
use crate::domain::diagnosis::A_FIRST_ANSWER;
use crate::domain::event::Channel;
use crate::domain::prose::counted;
use crate::domain::task::{Class, Play};
use crate::wire::record::{AuditItemOut, LeadRecord};

pub(super) fn audit(out: &mut String, r: &LeadRecord, around: &Around) -> std::fmt::Result {
    let has = |state: &str| r.audit.items.iter().any(|i| i.state == state);
    let waits = r.verdict == "weak" && r.diagnosis.cause.as_deref() == Some("timing");
    let can_wait = |item: &str| waits && CALLS.contains(&item);
    let open = || r.audit.items.iter().filter(|i| i.state == "open");
    let untouched = r.diagnosis.would_change.iter().any(|help| help == A_FIRST_ANSWER);
    let under_way = |item: &str| around.sent.iter().any(|play| serves(*play, item));
    let closed = r.diagnosis.has("closed_channel");
    let misfit = r.diagnosis.has("low_fit");
    let sum = match (open().count(), open().all(|i| can_wait(&i.item)), has("missed")) {
        (0, _, false) if closed && untouched => {
            "since they closed a channel nothing but an answer to the inquiry is owed"
        }
        (0, _, false) if closed => "since they closed a channel nothing more is owed",
        (0, _, false) => "nothing is owed",
        (0, _, true) if untouched => "an answer to the inquiry is still owed",
        (0, _, true) if r.audit.items.iter().all(|i| i.state != "missed" || came(i)) => {
            "we were late, and nothing more is owed"
        }
        (0, _, true) if misfit => "no answer of ours is on record; beyond it nothing is owed",
        (0, _, true) => "something was missed, and nothing more is owed",
        (_, true, _) => "what is owed can wait",
        _ if open().all(|i| under_way(&i.item)) => "what is owed is under way",
        (_, false, _) => "something is still owed",
    };
    writeln!(out, "What we did for it: {sum}")?;
    for item in &r.audit.items {
        let is_out = around.sent.iter().any(|play| serves(*play, &item.item));
        let mut silent: Vec<&Unreported> = around.unreported.iter().filter(|u| serves(u.play, &item.item)).collect();
        // Of a first touch the first counts, of what is asked for again the last.
        silent.sort_by(|a, b| a.at.cmp(&b.at));
        let silent = if item.item == "first_touch" { silent.first() } else { silent.last() };
        let silent = silent.filter(|_| matches!(item.state.as_str(), "open" | "missed") && !came(item));
        let state = match item.state.as_str() {
            "open" if is_out => "under way".to_owned(),
            _ if silent.is_some_and(|u| u.play == Play::ReferralHandoff) => "not taken up".to_owned(),
            "open" if can_wait(&item.item) => "can wait".to_owned(),
            "open" => "still owed".to_owned(),
            "missed" if came(item) => "late".to_owned(),
            "not_applicable" if item.item == "referral_asked" && asked_for_referral(around).is_some() => {
                let is_out = around.sent.contains(&Play::ReferralAsk);
                if is_out { "under way" } else { "not reported" }.to_owned()
            }
            state => humanly(state),
        };
        let mut detail = item.detail.clone();
        if is_out && item.item == "nurture_once" {
            detail = detail.split(';').next().map_or(String::new(), |sent| format!("{sent}; one more is out"));
        }
        if let Some(u) = silent {
            let day = u.at.get(..10).unwrap_or(&u.at);
            match u.play {
                Play::ReferralHandoff => {
                    let offers = around.unreported.iter().filter(|u| u.play == Play::ReferralHandoff);
                    let offers: Vec<String> = offers
                        .map(|u| {
                            let partner = u.to.as_deref().map_or("a partner".to_owned(), humanly);
                            format!("to {partner} on {}", u.at.get(..10).unwrap_or(&u.at))
                        })
                        .collect();
                    detail = format!("offered {}, and not answered", and(&offers));
                }
                _ if item.item == "first_touch" => write!(detail, "; asked for since {day}, and not reported on")?,
                _ => write!(detail, "; last asked for on {day}, and not reported on")?,
            }
        }
        if let Some(asked) =
            asked_for_referral(around).filter(|_| item.item == "referral_asked" && item.state != "done")
        {
            detail = asked;
        }
        let calls = around.unreported.iter().filter(|u| u.channel == Some(Channel::Call)).count() as u32;
        if item.item == "attempts" && item.state == "open" && calls > 0 {
            write!(detail, "; {} went out that nobody reported on", counted(calls, "call"))?;
        }
        writeln!(out, "  {:<18} {:<14} {detail}", humanly(&item.item), state)?;
    }
    Ok(())
}

/// What came late, came.
fn came(item: &AuditItemOut) -> bool {
    item.item == "first_touch" && item.detail.starts_with("after")
}

/// Where a referral was asked for by a task that nobody has reported on (yet).
fn asked_for_referral(around: &Around) -> Option<String> {
    if around.sent.contains(&Play::ReferralAsk) {
        return Some("a task that is out asks for one".to_owned());
    }
    let silent = around.unreported.iter().rfind(|u| u.play == Play::ReferralAsk)?;
    let day = silent.at.get(..10).unwrap_or(&silent.at);
    Some(format!("a task of {day} asks for one; nobody has told whether it went out"))
}

/// Items that more calls and messages do, and for which nobody who said "not now" waits.
const CALLS: [&str; 3] = ["attempts", "dayparts", "second_channel"];

/// Whether a task that is out is what an item of the audit asks for.
fn serves(play: Play, item: &str) -> bool {
    match item {
        "first_touch" => matches!(play, Play::FirstCall | Play::FirstEmail),
        "data_verified" => play == Play::ContactRepair,
        // Whatever goes out goes to what is alive.
        "alternate_key" => play.class().is_contact(),
        "made_good" => play.class() == Class::Voice,
        "callback_kept" => play == Play::Callback,
        "nurture_once" => play == Play::CheckIn,
        "partner_considered" => play == Play::ReferralHandoff,
        _ => false,
    }
}
