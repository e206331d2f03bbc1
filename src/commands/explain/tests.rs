//! What `explain` says of the leads of the sample: sentences first, numbers that sum, names that are in the policy file.

use std::sync::Arc;

use super::*;
use crate::domain::event::Event;
use crate::domain::policy::{Fictional, Policy};
use crate::domain::time::{Moment, Zone};
use crate::domain::working_set::Env;
use crate::replay::Replay;
use crate::wire::inbound::{Envelope, Inbound, decode};
use crate::wire::record::{PointsOut, SuppressedOut};

fn sample() -> Replay {
    let policy = Policy::shipped(Fictional::Allow).unwrap_or_else(|e| panic!("{}", e.join("\n")));
    let env = Env::virtual_time(Arc::new(policy));
    let settings = Inbound { default_country: Some("US".into()), ..Inbound::replay() };
    let mut replay = Replay::new(env);
    for line in include_str!("../../../samples/demo.jsonl").lines() {
        let event: Event = decode(&Envelope::bare(line.as_bytes()), Moment::MIN, &settings).unwrap();
        replay.apply(&event);
    }
    replay
}

fn records() -> Vec<LeadRecord> {
    let replay = sample();
    replay.leads().into_iter().map(|l| replay.record(l)).collect()
}

#[test]
fn every_page_opens_with_a_sentence_and_speaks_plainly() {
    for r in records() {
        let page = render(&r, &Around::default());
        println!("{page}\n----------\n");
        let first = page.lines().next().unwrap();
        assert!(first.ends_with('.') && first.starts_with(char::is_uppercase), "{first}");
        assert!(first.split_whitespace().count() >= 4, "{first}");
        assert!(!first.contains('_') && !page.contains("None") && !page.contains("  ()"), "{page}");
        assert!(r.changed.is_some() && page.contains("Last change"), "{page}");
    }
}

#[test]
fn every_name_of_an_explanation_is_a_name_in_the_policy_file() {
    let file = include_str!("../../../config/policy/scoring.toml");
    let defines = |name: &str| {
        let (table, key) = name.rsplit_once('.').map_or((None, name), |(table, key)| (Some(table), key));
        let named = file.lines().any(|l| l == format!("name = \"{key}\"") || l.starts_with(&format!("{key} = ")));
        named && table.is_none_or(|table| file.contains(&format!("[fit.{table}]")))
    };
    let mut seen = std::collections::BTreeSet::new();
    for r in records() {
        for part in r.explanation.fit.iter().chain(&r.explanation.engagement) {
            assert!(part.name == "bounds" || defines(&part.name), "{} is nowhere in scoring.toml", part.name);
            assert!(!part.because.is_empty());
            seen.insert(part.name.clone());
        }
    }
    assert!(file.contains("\"bounds\""), "what a bound is, is said in the file");
    assert!(seen.len() > 8 && !defines("no_such_rule"), "{seen:?}");
}

#[test]
fn every_point_of_a_fit_is_the_points_of_its_rule_in_the_policy_file() {
    let file: toml::Table = include_str!("../../../config/policy/scoring.toml").parse().unwrap();
    let rules = file["fit"]["rule"].as_array().unwrap();
    for r in records() {
        let fit: f64 = r.explanation.fit.iter().map(|p| p.points.0).sum();
        assert!((fit - r.fit.0).abs() < 1e-6, "{fit} and not {}", r.fit.0);
        let engagement: f64 = r.explanation.engagement.iter().map(|p| p.points.0).sum();
        assert!((engagement - r.engagement.0).abs() < 1e-6, "{engagement} and not {}", r.engagement.0);
        for part in &r.explanation.fit {
            if let Some(rule) = rules.iter().find(|rule| rule["name"].as_str() == Some(&part.name)) {
                assert_eq!(rule["points"].as_float(), Some(part.points.0), "{}", part.name);
                assert_eq!(rule["because"].as_str(), Some(part.because.as_str()));
            }
        }
    }
}

#[test]
fn every_point_of_an_engagement_follows_from_the_policy_file() {
    let file: toml::Table = include_str!("../../../config/policy/scoring.toml").parse().unwrap();
    let rules = &file["engagement"];
    let half_points = rules["half_points"].as_float().unwrap();
    let mut seen = 0;
    for r in records() {
        let weighs = |p: &PointsOut| p.made_of.as_ref().unwrap().weight.0;
        let sum: f64 = r.explanation.engagement.iter().map(weighs).sum();
        let score = 100.0 * (1.0 - (-(sum.max(0.0)) / half_points).exp2());
        assert!((score - r.engagement.0).abs() < 1e-4, "{score} and not {}", r.engagement.0);
        for part in &r.explanation.engagement {
            let (rule, made) = (&rules["signal"][part.name.as_str()], part.made_of.as_ref().unwrap());
            assert_eq!(rule["points"].as_float(), Some(made.each.0), "{}", part.name);
            assert_eq!(
                rule["half_life"].as_str(),
                Some(format!("{}d", made.half_life_days.0).as_str()),
                "{}",
                part.name
            );
            let share = if sum > 0.0 { score * made.weight.0 / sum } else { 0.0 };
            assert!((share - part.points.0).abs() < 1e-3, "{}: {share} and not {}", part.name, part.points.0);
            seen += 1;
        }
    }
    assert!(seen > 15, "{seen}");
}

#[test]
fn the_last_change_names_the_event_and_by_how_much_it_moved_which_score() {
    let all = records();
    let of = |email: &str| all.iter().find(|r| r.keys["email"].iter().any(|e| e == email)).unwrap();
    let line = |r: &LeadRecord| {
        let page = render(r, &Around::default());
        page.lines().find(|l| l.starts_with("Last change")).unwrap().to_owned()
    };
    let ella = of("ella@example.com");
    assert!(line(ella).contains("their word demo-015 turned it from"), "{}", line(ella));
    assert!(line(ella).contains("moved engagement by +16.2 from 29.3 to 45.5"), "{}", line(ella));
    let c = ella.changed.as_ref().unwrap();
    assert!(c.from != c.to || c.engagement.from != c.engagement.to || c.fit.from != c.fit.to, "{c:?}");
    // How it ended comes after all that was thought of it.
    assert!(line(of("ana@example.com")).contains("event demo-006 told that the deal was won"));
}

#[test]
fn every_weight_of_the_evidence_is_a_weight_in_the_policy_file() {
    let file: toml::Table = include_str!("../../../config/policy/scoring.toml").parse().unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for evidence in records().into_iter().flat_map(|r| r.diagnosis.evidence) {
        let weight = file["diagnosis"][&evidence.name].as_float();
        // Calls, texts and e-mails count each.
        let times = if evidence.name == "closed_channel" { 3.0 } else { 1.0 };
        assert!(weight.is_some_and(|most| evidence.weight.0 <= times * most + 1e-9), "{evidence:?}");
        seen.insert(evidence.name);
    }
    assert!(seen.len() > 6, "{seen:?}");
}

#[test]
fn a_tasks_reason_speaks_in_the_words_of_the_explanation() {
    let mut replay = sample();
    let tasks: Vec<serde_json::Value> =
        replay.take_published().map(|m| serde_json::from_slice(&m.body).unwrap()).collect();
    let because = |list: &serde_json::Value, word: &str| {
        list.as_array().unwrap().iter().any(|b| b["because"].as_str().unwrap().contains(word))
    };
    let with_title = |t: &&serde_json::Value| t["data"]["contact"]["title"] == "Operations Director";
    let task = tasks.iter().find(with_title).unwrap();
    assert!(because(&task["data"]["reason"]["evidence"], "the title decides on purchases"), "{task}");
    assert!(because(&task["data"]["reason"]["evidence"], "filled in a form"), "{task}");
}

/// One lead after some events on 3 March 2026: type, time of day, data besides the lead.
fn after(lead: &serde_json::Value, events: &[(&str, &str, serde_json::Value)]) -> Replay {
    let policy = Policy::shipped(Fictional::Allow).unwrap_or_else(|e| panic!("{}", e.join("\n")));
    let settings = Inbound { default_country: Some("US".into()), ..Inbound::replay() };
    let mut replay = Replay::new(Env::virtual_time(Arc::new(policy)));
    for (n, (kind, time, data)) in events.iter().enumerate() {
        let mut data = data.clone();
        data["lead"] = lead.clone();
        let event = serde_json::json!({ "specversion": "1.0", "id": format!("e-{n}"), "source": "/test", "type": kind,
            "time": format!("2026-03-03T{time}:00Z"), "data": data });
        replay.apply(&decode(&Envelope::bare(event.to_string().as_bytes()), Moment::MIN, &settings).unwrap());
    }
    replay
}

/// The page of one in New York.
fn page(events: &[(&str, &str, serde_json::Value)]) -> String {
    let replay = after(&serde_json::json!({ "email": "ana@example.com", "phone": "+12125552368" }), events);
    render(&replay.record(replay.leads()[0]), &Around::default())
}

#[test]
fn who_wants_no_calls_is_no_lead_that_nothing_speaks_against() {
    let captured = ("lead.captured", "16:00", serde_json::json!({ "profile": { "country": "US", "region": "NY" } }));
    let told = page(&[captured, ("sms.replied", "16:01", serde_json::json!({ "text": "STOP" }))]);
    assert!(
        told.starts_with("A weak lead, because it has closed a channel to us. They want no calls or texts any more."),
        "{told}"
    );
    assert!(told.contains("+12125552368 is closed for calls since"), "{told}");
}

#[test]
fn a_page_has_no_false_precision_no_torn_columns_and_no_chance_where_the_sale_is_made() {
    let captured = || ("lead.captured", "16:00", serde_json::json!({ "profile": { "country": "US", "region": "NY" } }));
    let late = page(&[captured(), ("email.sent", "17:30", serde_json::json!({}))]);
    assert!(late.contains("0.15  Our first touch came 90 min after the inquiry."), "{late}");
    assert!(late.contains("  partner considered not applicable "), "{late}");
    let chance = late.lines().find(|l| l.starts_with("Grade")).unwrap();
    assert!(!chance.contains('.'), "whole percents: {chance}");
    let won = page(&[captured(), ("outcome.won", "17:30", serde_json::json!({}))]);
    assert!(won.contains("; the sale is made"), "{won}");
}

/// The page of a lead of the sample, after two weeks in which nobody reported on anything.
fn page_later(name: &str) -> String {
    let mut replay = sample();
    let until = replay.now() + crate::domain::time::Span::days(14);
    replay.finish(until);
    let lead = replay.leads().into_iter().find(|l| l.facts.name().is_some_and(|n| n.starts_with(name))).unwrap();
    render(&replay.record(lead), &Around::of(lead, replay.policy()))
}

#[test]
fn what_went_out_and_was_never_reported_on_is_told_and_not_taken_for_work_done() {
    let ben = page_later("Ben");
    assert!(ben.contains("Unreported   ") && ben.contains("since 2026-03-03"), "{ben}");
    assert!(ben.contains("none of six calls; ") && ben.contains(" went out that nobody reported on"), "{ben}");
    let gia = page_later("Gia");
    assert!(
        gia.contains("not taken up   offered to small-biz-desk on 2026-03-02 and to coastal-freight on 2026-03-12, and not answered"),
        "{gia}"
    );
    let first = "A bad lead, because of a bad fit. The profile fits us badly (0 of 100): the title seldom buys; \
                 the company is smaller than we serve; we do not serve this industry.\n";
    assert!(gia.starts_with(first), "{gia}");
    assert!(gia.contains("What we did for it: no answer of ours is on record; beyond it nothing is owed"), "{gia}");
    assert!(gia.contains("it is looked at again; nothing goes out while the profile fits us so badly\n"), "{gia}");
    let ella = page_later("Ella");
    assert!(ella.contains("a task of 2026-03-03 asks for one"), "{ella}");
    let asked_late = page_later("Lena");
    assert!(!asked_late.contains("Unreported"), "of Lena everything was reported: {asked_late}");
}

#[test]
fn who_closed_a_channel_is_weak_for_it_and_our_missing_answer_is_told_beside_it() {
    let dev = page_later("Dev");
    assert!(dev.starts_with("A weak lead, because it has closed a channel to us."), "{dev}");
    assert!(dev.contains("0.4  No answer of ours to the inquiry is on record, 28 d after it. (process: unanswered)"));
    assert!(dev.contains("Next         nothing more by itself; an answer was asked for"), "{dev}");
}

#[test]
fn a_no_is_told_in_the_words_that_were_noted_and_a_late_first_touch_stays_told_beside_it() {
    let hugo = page_later("Hugo");
    assert!(hugo.contains("The lead said no on the phone: \"Said no thanks, they build it in-house\"."), "{hugo}");
    let late = "0.15  Our first touch came 2 h 50 min after the inquiry, 2 h after a call became legal.";
    assert!(hugo.contains(late), "{hugo}");
    assert!(hugo.contains(" UTC (09:00 their time) one short e-mail asks whether it is still a no\n"), "{hugo}");
}

#[test]
fn where_we_do_not_sell_nothing_else_counts_and_nobody_is_chased() {
    let kai = page_later("Kai");
    let first = "A bad lead, because of a bad fit. The profile fits us badly (0 of 100): we do not sell there.\n";
    assert!(kai.starts_with(first), "{kai}");
    assert!(kai.contains("one rule decides alone, and nothing else counts (bounds)"), "{kai}");
    assert!(kai.contains("What we did for it: no answer of ours is on record; beyond it nothing is owed"), "{kai}");
}

#[test]
fn who_is_nobody_gets_no_grade_beside_people() {
    assert!(page_later("asdf").contains("\nNo grade; no sale is to be expected\n"));
}

#[test]
fn a_customer_is_told_with_the_day_and_the_amount() {
    assert!(
        page_later("Ana").starts_with("This lead has become a customer, on 2026-03-12 for 4800.00 USD [demo-006].")
    );
}

#[test]
fn the_next_call_to_who_waits_for_an_answer_is_to_answer() {
    let next = |name: &str| page_later(name).lines().find(|l| l.starts_with("Next")).unwrap().to_owned();
    assert!(
        next("Iris").ends_with(
            "reported on yet: a call that answers them, an e-mail that answers them; \
             what they asked is \"Can you send me a quote for 40 vehicles?\""
        ),
        "{}",
        next("Iris")
    );
    assert!(next("Jo").ends_with("a call; it is to answer what they asked"), "{}", next("Jo"));
    assert!(next("Ben").ends_with("; it is to answer the inquiry"), "{}", next("Ben"));
    for name in ["Cora", "Gia", "Lena"] {
        assert!(!next(name).contains("it is to answer"), "{}", next(name));
    }
}

#[test]
fn a_touch_of_ours_is_not_said_to_have_made_a_lead_weak() {
    assert!(page_later("Lena").contains("the silence up to our e-mail demo-039 turned it"));
}

#[test]
fn when_something_is_planned_is_told_in_the_leads_own_time_too_where_that_is_known() {
    let text = "2026-07-02T23:30:00Z";
    let told = |zone: &str| wording::day_and_time(text, Zone::named(zone).as_ref());
    assert_eq!(told("America/New_York"), "Thu 2026-07-02 23:30 UTC (19:30 their time)");
    assert_eq!(told("Asia/Tokyo"), "Thu 2026-07-02 23:30 UTC (Fri 2026-07-03 08:30 their time)");
    assert_eq!(told("no such zone"), "Thu 2026-07-02 23:30 UTC");
    assert_eq!(told("Africa/Abidjan"), "Thu 2026-07-02 23:30 UTC", "the same hour is not told twice");
    assert!(page_later("Ella").contains(" UTC (09:00 their time) on the lead is worked anew"));
}

#[test]
fn a_time_zone_that_is_only_guessed_is_not_told_as_theirs() {
    let next = |profile: serde_json::Value| {
        let later = serde_json::json!({ "text": "Not now, our contract runs until 30 September 2026." });
        let events =
            [("lead.captured", "16:00", serde_json::json!({ "profile": profile })), ("email.replied", "17:00", later)];
        let replay = after(&serde_json::json!({ "email": "ana@example.com" }), &events);
        let page = render(&replay.record(replay.leads()[0]), &Around::of(replay.leads()[0], replay.policy()));
        page.lines().find(|line| line.starts_with("Next")).unwrap().to_owned()
    };
    for guessed in
        [serde_json::json!({ "country": "BR" }), serde_json::json!({ "country": "US" }), serde_json::json!({})]
    {
        let next = next(guessed);
        assert!(next.contains(" UTC") && !next.contains("their time"), "{next}");
    }
    let stated = next(serde_json::json!({ "country": "BR", "time_zone": "America/Sao_Paulo" }));
    assert!(stated.contains("their time"), "{stated}");
    let only_one = next(serde_json::json!({ "country": "US", "region": "NY" }));
    assert!(only_one.contains("their time"), "{only_one}");
}

#[test]
fn who_was_closed_by_hand_is_not_said_to_have_asked_for_it() {
    let mut record = records().remove(0);
    let closed = |because: &str| SuppressedOut {
        channel: "call".to_owned(),
        key: "+12125550101".to_owned(),
        since: "2026-03-02T14:05:00Z".to_owned(),
        because: because.to_owned(),
    };
    record.stage = "suppressed".to_owned();
    record.suppressed = vec![closed("by_hand"), closed("wrong_number")];
    record.diagnosis.evidence.clear();
    let by_hand = headline(&record);
    assert!(by_hand.starts_with("Every way to this person is closed, not by themselves;"), "{by_hand}");
    record.suppressed.push(closed("opt_out"));
    let asked = headline(&record);
    assert!(asked.starts_with("This person wants no contact any more;"), "{asked}");
}
