//! What comes next for a lead, and what changed last.

use super::around::Around;
use super::headline::cause_in_words;
use super::wording::{and, day_and_time, moment, short, signed};
use crate::domain::audit::{MAKES_GOOD, THE_RIGHT_ADDRESS};
use crate::domain::diagnosis::{A_FIRST_ANSWER, AN_ANSWER};
use crate::domain::task::Play;
use crate::wire::record::{ChangedOut, LeadRecord, Planned, Rest};

pub(super) fn next(r: &LeadRecord, around: &Around) -> String {
    let is_out = |play: Play| around.sent.contains(&play);
    let is_planned = |play: Play| r.planned.iter().any(|plan| plan.play == Planned::Play(play));
    let said_no = r.diagnosis.evidence.iter().any(|e| e.name == "clear_no" && e.cause == "interest");
    let misfit = r.diagnosis.has("low_fit");
    let in_words = |play: Play| with_purpose(play, r);
    let mut says = Vec::new();
    if !around.sent.is_empty() {
        let names: Vec<String> = around.sent.iter().map(|play| in_words(*play)).collect();
        says.push(format!("out, and not reported on yet: {}", names.join(", ")));
    }
    // While one of its kind is out, what would be next is no news.
    let kind_is_out = |play: Play| around.sent.iter().any(|out| out.class() == play.class());
    if let Some(next) = r.next_action.as_ref().filter(|next| !kind_is_out(next.play)) {
        let second = next.runner_up.filter(|second| !is_out(*second) && !is_planned(*second));
        let second = second.map_or(String::new(), |second| format!(" (second best: {})", in_words(second)));
        match is_planned(next.play) {
            true if second.is_empty() => {}
            _ => says.push(format!("{}{second}", in_words(next.play))),
        }
    }
    for plan in &r.planned {
        says.push(match plan.play {
            Planned::Play(play) => {
                format!("{}, to go out on {}", in_words(play), day_and_time(&plan.at, around.zone.as_ref()))
            }
            Planned::Rest(Rest::Revisit) if said_no => {
                let day = day_and_time(&plan.at, around.zone.as_ref());
                format!("on {day} one short e-mail asks whether it is still a no")
            }
            Planned::Rest(Rest::Revisit) if misfit => {
                let day = day_and_time(&plan.at, around.zone.as_ref());
                format!("on {day} it is looked at again; nothing goes out while the profile fits us so badly")
            }
            Planned::Rest(Rest::Revisit) => {
                format!("from {} on the lead is worked anew", day_and_time(&plan.at, around.zone.as_ref()))
            }
        });
    }
    // Where they wait for an answer, the call or letter that comes next is to be that.
    let planned = r.planned.iter().filter_map(|plan| match plan.play {
        Planned::Play(play) => Some(play),
        Planned::Rest(Rest::Revisit) => None,
    });
    let coming: Vec<Play> = around.sent.iter().copied().chain(planned).collect();
    let waits = coming.iter().any(|play| may_answer(*play));
    let next = r.next_action.as_ref().map(|next| next.play);
    let answers = coming.iter().chain(&next).any(|play| matches!(play, Play::AnswerCall | Play::AnswerEmail));
    if let Some(wish) = around.wish.as_ref().filter(|_| answers && !says.is_empty()) {
        return format!("{}; what they asked is \"{wish}\"", says.join("; "));
    }
    let owes = |what: &str| owes(r, what);
    let is_late = r.audit.items.iter().any(|i| i.item == "first_touch" && i.state == "missed");
    match says.is_empty() {
        false if waits && owes(AN_ANSWER) => format!("{}; it is to answer what they asked", says.join("; ")),
        false if waits && is_late && owes(A_FIRST_ANSWER) => {
            format!("{}; it is to answer the inquiry", says.join("; "))
        }
        false => says.join("; "),
        true if around.holds_all => "nothing while it is paused".to_owned(),
        true if r.stage == "converted" => "nothing; the sale is made".to_owned(),
        true if said_no => "nothing; they said no, and only they can open this again".to_owned(),
        true if !around.unreported.is_empty() && owes(A_FIRST_ANSWER) => {
            "nothing more by itself; an answer was asked for, and nobody has told whether it went out".to_owned()
        }
        true if r.open_tasks.is_empty() => "nothing; nothing is worth doing now".to_owned(),
        true => "nothing new".to_owned(),
    }
}

/// A call or a letter in which an answer finds its place.
fn may_answer(play: Play) -> bool {
    use Play::*;
    match play {
        FirstCall | SecondCall | CallAgain | Callback | FirstEmail | EmailAgain | OtherChannel | CheckIn => true,
        // Those say already that they answer, or are about something else.
        AnswerCall | AnswerEmail | ContactRepair | ReferralHandoff | Disengage | Review | ConfirmMeeting
        | Reschedule | RoomOpened | ReferralAsk => false,
    }
}

fn owes(r: &LeadRecord, what: &str) -> bool {
    r.diagnosis.would_change.iter().any(|help| help == what)
}

/// The play in words, and what it is for where the lead gives it a purpose of its own.
fn with_purpose(play: Play, r: &LeadRecord) -> String {
    let name = name_of(play);
    match play {
        Play::ContactRepair if owes(r, THE_RIGHT_ADDRESS) => format!("{name}, for {THE_RIGHT_ADDRESS}"),
        Play::FirstCall | Play::SecondCall | Play::CallAgain if owes(r, MAKES_GOOD) => {
            format!("{name} that makes good the one we dropped")
        }
        _ => name.to_owned(),
    }
}

fn name_of(play: Play) -> &'static str {
    match play {
        Play::FirstCall => "a first call",
        Play::SecondCall | Play::CallAgain => "a call",
        Play::Callback => "the call they asked for",
        Play::AnswerCall => "a call that answers them",
        Play::FirstEmail => "a first e-mail",
        Play::EmailAgain => "an e-mail",
        Play::AnswerEmail => "an e-mail that answers them",
        Play::CheckIn => "a check-in by e-mail",
        Play::Disengage => "a polite goodbye",
        Play::ReferralHandoff => "a hand-off to a partner",
        Play::ReferralAsk => "asking whom else they would name",
        Play::Review => "a question to a colleague",
        Play::ContactRepair => "a contact repair",
        Play::ConfirmMeeting => "a word to confirm the meeting",
        Play::Reschedule => "a word to find another day",
        Play::RoomOpened => "a call about the sales room",
        Play::OtherChannel => "a text",
    }
}

/// What changed last and why: which cause moved which score by how much, and what has faded since.
pub(super) fn changed(c: &ChangedOut, r: &LeadRecord) -> String {
    let mut moves = Vec::new();
    if c.from != c.to {
        let verdict = |opinion: &str| opinion.split(' ').next().map(str::to_owned);
        let cause = c.to.split_once('(').map(|(_, cause)| cause.trim_end_matches(')'));
        moves.push(match (c.from.as_str(), cause) {
            ("new", _) => format!("made it {}", c.to),
            (from, Some(cause)) if verdict(from) == verdict(&c.to) => {
                format!(
                    "left it {}, but {} speaks most against it now",
                    verdict(from).unwrap_or_default(),
                    cause_in_words(cause)
                )
            }
            (from, None) if verdict(from) == verdict(&c.to) => format!("left it {from}, with nothing against it"),
            (from, _) => format!("turned it from {from} into {}", c.to),
        });
    }
    // Of what is shown, so that it adds up.
    let tenths = |x: f64| (x * 10.0).round() / 10.0;
    for (name, moved) in [("fit", &c.fit), ("engagement", &c.engagement)] {
        let by = tenths(moved.to.0) - tenths(moved.from.0);
        if by.abs() >= 0.05 {
            moves.push(format!("moved {name} by {} from {} to {}", signed(by), short(moved.from.0), short(moved.to.0)));
        }
    }
    let by = match c.by.split_once(':') {
        Some(("event", event)) => {
            let id = event.rsplit(' ').next().unwrap_or(event);
            let what = c.what.as_deref().unwrap_or("event");
            // A touch of ours makes nobody weak; the silence that it met does.
            let silence = what.starts_with("our ") && c.from != c.to && c.to.ends_with("(interest)");
            format!("{}{what} {id}", if silence { "the silence up to " } else { "" })
        }
        Some(("wake", _)) => "the passing of time".to_owned(),
        Some(("policy", hash)) => format!("the policy {hash}"),
        _ => c.by.clone(),
    };
    let mut says = format!("{}: {by} {}", moment(&c.at), and(&moves));
    let faded = tenths(c.engagement.to.0) - tenths(r.engagement.0);
    if faded >= 0.05 {
        says.push_str(&format!("; engagement has faded by {} since", short(faded)));
    }
    says
}
