//! The numbers of a page: grade, chance, fit, engagement and qualification, each with what it is made of.

use std::fmt::Write;

use super::wording::{cited, short, signed};
use crate::wire::record::{LeadRecord, LevelOut, PointsOut};

/// The chance of a sale, where it says something about what comes next.
fn chance(r: &LeadRecord) -> String {
    let none = match (r.stage.as_str(), r.verdict.as_str(), r.diagnosis.cause.as_deref()) {
        ("converted", ..) => Some("the sale is made"),
        ("lost", ..) => Some("the deal is lost"),
        ("suppressed", ..) => Some("no sale is to be expected, for nobody may contact them"),
        ("test", ..) => Some("a test buys nothing"),
        (_, "bad", _) => Some("no sale is to be expected"),
        _ => None,
    };
    let c = &r.conversion;
    let when = match (r.verdict.as_str(), r.diagnosis.cause.as_deref()) {
        ("weak", Some("timing")) => ", once its time has come",
        ("weak", Some("interest")) => ", if they ever answer",
        _ => "",
    };
    none.map_or_else(
        || {
            let [p, low, high] = [c.probability.0, c.low.0, c.high.0].map(percent);
            format!("chance of a sale {p} % ({low} to {high} %, by {}){when}", c.basis)
        },
        str::to_owned,
    )
}

/// Whole percents; below one a tenth still tells.
fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent < 1.0 { short(percent) } else { format!("{percent:.0}") }
}

pub(super) fn scores(out: &mut String, r: &LeadRecord) -> std::fmt::Result {
    let nobody = r.verdict == "bad" && r.diagnosis.cause.as_deref() == Some("bogus");
    // A throw-away inquiry too has a form and a place; a grade would set it beside people.
    let grade = if nobody { "No grade" } else { &format!("Grade {}", r.grade) };
    writeln!(out, "{grade}; {}", chance(r))?;
    writeln!(out, "Fit {} of 100 ({} % of what we ask about is known)", short(r.fit.0), short(r.fit_known.0 * 100.0))?;
    parts(out, &r.explanation.fit, r.fit.0)?;
    let weighs: f64 = r.explanation.engagement.iter().filter_map(|p| p.made_of.as_ref()).map(|m| m.weight.0).sum();
    let weighs = match r.explanation.engagement.is_empty() {
        true => String::new(),
        false => {
            format!(" (of a weight of {}: 100 × (1 − 2^(−weight / half_points)), see scoring.toml)", short(weighs))
        }
    };
    writeln!(out, "Engagement {} of 100{weighs}", short(r.engagement.0))?;
    if r.explanation.engagement.is_empty() {
        writeln!(out, "           nothing heard or seen from them")?;
    }
    parts(out, &r.explanation.engagement, r.engagement.0)
}

/// The points as they are shown: in tenths that add up to the score that is shown, each less than a tenth from what it is.
fn tenths(parts: &[PointsOut], score: f64) -> Vec<f64> {
    let mut shown: Vec<f64> = parts.iter().map(|p| (p.points.0 * 10.0).floor()).collect();
    let rest = (score * 10.0).round() - shown.iter().sum::<f64>();
    // Whose rest is largest is rounded up, until the sum is right.
    let lost = |i: usize| parts[i].points.0 * 10.0 - (parts[i].points.0 * 10.0).floor();
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by(|a, b| lost(*b).total_cmp(&lost(*a)));
    for i in order.into_iter().take(rest.max(0.0) as usize) {
        shown[i] += 1.0;
    }
    shown.into_iter().map(|x| x / 10.0).collect()
}

fn parts(out: &mut String, parts: &[PointsOut], score: f64) -> std::fmt::Result {
    for (part, points) in parts.iter().zip(tenths(parts, score)) {
        let event = cited(part.event.as_deref());
        let made_of = part.made_of.as_ref().map_or(String::new(), |m| {
            let (each, days, weight) = (short(m.each.0), short(m.half_life_days.0), short(m.weight.0));
            format!(": {each} points each, half after {days} d, now {weight}")
        });
        writeln!(out, "  {:>7}  {} ({}{made_of}){event}", signed(points), part.because, part.name)?;
    }
    Ok(())
}

pub(super) fn qualification(out: &mut String, r: &LeadRecord) -> std::fmt::Result {
    let q = &r.qualification;
    match q.score {
        Some(score) => {
            let (score, known) = (short(score.0), short(q.known.0 * 100.0));
            match q.confirmed {
                0 => {
                    let all = [&q.budget, &q.authority, &q.need, &q.timeline];
                    let how = if all.into_iter().flatten().all(|l| l.guessed) { "guessed" } else { "known" };
                    writeln!(
                        out,
                        "Qualification {score} of 100, over the {known} % of it that is {how}; nothing is confirmed"
                    )?;
                }
                n => writeln!(
                    out,
                    "Qualification {score} of 100, over the {known} % of it that is known; {n} confirmed"
                )?,
            }
        }
        None => writeln!(out, "Qualification: nothing is known of budget, authority, need and timeline")?,
    }
    for (name, level) in
        [("budget", &q.budget), ("authority", &q.authority), ("need", &q.need), ("timeline", &q.timeline)]
    {
        match level {
            Some(level) => writeln!(out, "  {name:<10} {}", level_in_words(name, level))?,
            None if q.score.is_some() => writeln!(out, "  {name:<10} not known")?,
            None => {}
        }
    }
    Ok(())
}

fn level_in_words(question: &str, l: &LevelOut) -> String {
    // The words of the contract for the four levels; a timeline's are ours.
    let words = match question {
        "budget" => ["none", "exploring", "planned", "approved"],
        "authority" => ["none", "user", "influencer", "decision maker"],
        "need" => ["none", "weak", "clear", "urgent"],
        _ => ["none", "later, vague or passed", "within a year", "within six months"],
    };
    let word = words.get(usize::from(l.level)).copied().unwrap_or("");
    let how = match &l.because {
        Some(because) => format!("guessed: {because}, {} % sure", short(l.confidence.0 * 100.0)),
        None => "answered".to_owned(),
    };
    format!("{} of 3, {word} ({how})  [{}]", l.level, l.event)
}
