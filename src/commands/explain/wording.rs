//! How a page writes lists, instants and numbers.

use crate::domain::time::{Moment, Zone};

/// "Sat 2026-04-04 20:00 UTC", and where the lead's clock is known "(16:00 their time)", with the day where it is another.
pub(super) fn day_and_time(text: &str, zone: Option<&Zone>) -> String {
    let Ok(at) = text.parse::<jiff::Timestamp>() else { return moment(text) };
    let their = |zone: &Zone| {
        let at = Moment::from_timestamp(at);
        let hour = |zone: &Zone| {
            let minute = zone.minute_of_day(at);
            format!("{:02}:{:02}", minute / 60, minute % 60)
        };
        match (zone.local_day(at) == at.utc_day(), hour(zone)) {
            (true, same) if same == hour(&Zone::utc()) => String::new(),
            (true, other) => format!(" ({other} their time)"),
            (false, other) => format!(" ({} {other} their time)", zone.date(at).strftime("%a %F")),
        }
    };
    let theirs = zone.map_or(String::new(), their);
    format!("{}{}{theirs}", at.strftime("%a "), moment(text))
}

pub(super) fn and(parts: &[String]) -> String {
    match parts {
        [] => "changed nothing that shows".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

pub(super) fn cited(event: Option<&str>) -> String {
    event.map_or(String::new(), |e| format!("  [{e}]"))
}

/// "2026-03-02T15:04:00Z" as people write it.
pub(super) fn moment(text: &str) -> String {
    match text.strip_suffix('Z').and_then(|t| t.split_once('T')) {
        Some((day, time)) => format!("{day} {} UTC", time.get(..5).unwrap_or(time)),
        None => text.replace('T', " "),
    }
}

/// One decimal, and none where it is zero.
pub(super) fn short(x: f64) -> String {
    let text = format!("{x:.1}");
    let text = text.strip_suffix(".0").map_or(text.clone(), str::to_owned);
    if text == "-0" { "0".to_owned() } else { text }
}

/// Two decimals, and none that are zero: what weighs 0.15 must not read as 0.1.
pub(super) fn hundredths(x: f64) -> String {
    let text = format!("{x:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

pub(super) fn signed(x: f64) -> String {
    let text = short(x);
    if x > 0.0 && text != "0" { format!("+{text}") } else { text }
}
