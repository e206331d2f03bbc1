//! `gleaner explain`: a lead in the words of a colleague, the sentence first and the numbers after.
//!
//! Renders a lead record; finding the lead is the caller's work.

use std::fmt::Write;

use crate::wire::record::LeadRecord;

/// The record as a page of plain text.
pub fn render(r: &LeadRecord) -> String {
    let mut out = String::with_capacity(2048);
    // Writing to a string cannot fail.
    let _infallible = write_all(&mut out, r);
    out
}

fn write_all(out: &mut String, r: &LeadRecord) -> std::fmt::Result {
    writeln!(out, "{}", headline(r))?;
    for e in &r.diagnosis.evidence {
        let event = e.event.as_ref().map_or(String::new(), |e| format!("  [{e}]"));
        writeln!(out, "  · {} ({}, weight {}){event}", e.because, e.cause, short(e.weight.0))?;
    }
    if let Some(changed) = &r.changed {
        writeln!(out, "It was {} until {}; what changed it: {}.", changed.from, changed.at, changed.by)?;
    }
    writeln!(out)?;
    writeln!(out, "Next        {}", next(r))?;
    if !r.diagnosis.would_change.is_empty() {
        writeln!(out, "Would help  {}", r.diagnosis.would_change.join("; "))?;
    }
    writeln!(out, "Stage       {}", r.stage)?;
    let keys: Vec<String> = r.keys.iter().flat_map(|(kind, v)| v.iter().map(move |v| format!("{kind} {v}"))).collect();
    writeln!(out, "Keys        {}", keys.join(", "))?;
    for linked in &r.linked {
        writeln!(out, "Linked to   {linked} (they share a number or address and are not the same person)")?;
    }
    writeln!(out)?;
    score(out, r)?;
    writeln!(out)?;
    writeln!(
        out,
        "What we did for it ({})",
        if r.audit.complete { "nothing owed" } else { "something is still owed" }
    )?;
    for item in &r.audit.items {
        writeln!(out, "  {:<15} {:<15} {}", item.item, item.state, item.detail)?;
    }
    writeln!(out, "Numbers and addresses")?;
    for key in &r.contact_status {
        writeln!(out, "  {:<24} {:<10} {}", key.key, key.status, key.because)?;
    }
    for closed in &r.suppressed {
        writeln!(out, "  {} is closed for {} since {} ({})", closed.key, closed.channel, closed.since, closed.because)?;
    }
    if !r.findings.is_empty() {
        writeln!(out, "What was said")?;
        for f in &r.findings {
            let date = f.date.as_ref().map_or(String::new(), |d| format!(", {d}"));
            let at = f.at.as_ref().map_or(String::new(), |t| format!(", {t}"));
            writeln!(out, "  \"{}\" ({}{date}{at})  [{}]", f.quote, f.label, f.event)?;
        }
    }
    writeln!(out)?;
    writeln!(out, "lead {} · version {} · updated {} · policy {}", r.lead_id, r.version, r.updated_at, r.policy)
}

fn headline(r: &LeadRecord) -> String {
    let cause = r.diagnosis.cause.as_deref();
    match (r.verdict.as_str(), cause) {
        ("promising", _) => "This lead is promising: call it while it is warm.".into(),
        ("unknown", _) => "Nothing is known about this lead yet.".into(),
        ("workable", None) => "This lead is workable: nothing speaks against it.".into(),
        ("workable", Some(cause)) => format!("This lead is workable; if anything is wrong, it is {}.", words(cause)),
        ("weak", Some("process")) => "This lead looks weak, and that is our own doing so far.".into(),
        (verdict, Some(cause)) => format!("This lead is {verdict}, and the cause is {}.", words(cause)),
        (verdict, None) => format!("This lead is {verdict}."),
    }
}

fn words(cause: &str) -> &str {
    match cause {
        "fit" => "bad fit",
        "contact" => "bad contact data",
        "process" => "our own process",
        "timing" => "bad timing",
        "interest" => "no interest",
        "bogus" => "that nobody real asked",
        other => other,
    }
}

fn next(r: &LeadRecord) -> String {
    let open = match r.open_tasks.len() {
        0 => String::new(),
        1 => " One task is out.".into(),
        n => format!(" {n} tasks are out."),
    };
    let planned: Vec<String> = r.planned.iter().map(|p| format!("{} at {}", p.play.name(), p.at)).collect();
    let planned = if planned.is_empty() { String::new() } else { format!(" Planned: {}.", planned.join(", ")) };
    match &r.next_action {
        None if open.is_empty() && planned.is_empty() => "nothing; there is nothing worth doing now".into(),
        None => format!("{}{}", open.trim_start(), planned),
        Some(next) => {
            let second = next.runner_up.map_or(String::new(), |p| format!(" (second best: {})", p.name()));
            format!("{}{second}.{open}{planned}", next.play.name())
        }
    }
}

fn score(out: &mut String, r: &LeadRecord) -> std::fmt::Result {
    let chance = &r.conversion;
    writeln!(
        out,
        "Grade {} · chance of a sale {} % ({} to {} %, by {})",
        r.grade,
        short(chance.probability.0 * 100.0),
        short(chance.low.0 * 100.0),
        short(chance.high.0 * 100.0),
        chance.basis
    )?;
    writeln!(out, "Fit {} of 100 ({} % of what we ask about is known)", short(r.fit.0), short(r.fit_known.0 * 100.0))?;
    for part in &r.explanation.fit {
        writeln!(out, "  {:>7}  {} ({})", signed(part.points.0), part.because, part.name)?;
    }
    writeln!(out, "Engagement {} of 100", short(r.engagement.0))?;
    for part in &r.explanation.engagement {
        writeln!(out, "  {:>7}  {} ({})", signed(part.points.0), part.name.replace('_', " "), part.because)?;
    }
    let q = &r.qualification;
    let level = |name: &str, l: &Option<crate::wire::record::LevelOut>| match l {
        Some(l) if l.guessed => format!("{name} {} (guessed)", l.level),
        Some(l) => format!("{name} {}", l.level),
        None => format!("{name} unknown"),
    };
    let levels = [
        level("budget", &q.budget),
        level("authority", &q.authority),
        level("need", &q.need),
        level("timeline", &q.timeline),
    ];
    writeln!(out, "Qualification: {} ({} confirmed)", levels.join(", "), q.confirmed)
}

/// One decimal, and none where it is zero.
fn short(x: f64) -> String {
    let text = format!("{x:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

fn signed(x: f64) -> String {
    let text = short(x);
    if x > 0.0 { format!("+{text}") } else { text }
}
