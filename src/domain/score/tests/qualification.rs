//! Qualification: what an answer, a title or a word makes of the four questions, and how that ages.

use super::*;
use crate::domain::event::{
    Answers, Body, Capture, ContentHash, EmailEvent, EmailWhat, Event, EventKey, Profile, SmsEvent, SmsWhat,
};
use crate::domain::fold::fold;
use crate::domain::identity::{Key, KeyKind};
use crate::domain::score::{Ask, qualify};
use crate::domain::time::day_of_date;

fn event(id: &str, time: &str, body: Body) -> Event {
    let mut key = [0; 16];
    key[..id.len().min(16)].copy_from_slice(&id.as_bytes()[..id.len().min(16)]);
    Event {
        source: "/test".into(),
        id: id.into(),
        key: EventKey(key),
        content: ContentHash([0; 16]),
        at: at(time),
        keys: vec![Key::new(KeyKind::Email, "ana@example.com")],
        extensions: Vec::new(),
        task_id: None,
        body,
    }
}

fn capture(title: Option<&str>, qualification: Answers, note: Option<&str>) -> Body {
    let profile = Profile { title: title.map(str::to_owned), ..Profile::default() };
    Body::Captured(Box::new(Capture { profile, qualification, note: note.map(str::to_owned), ..Capture::default() }))
}

fn reply(text: &str) -> Body {
    Body::Email(EmailEvent {
        what: EmailWhat::Replied,
        message_id: None,
        campaign: None,
        machine: false,
        url: None,
        text: Some(text.to_owned()),
        auto: false,
        detail: None,
    })
}

/// (level, guessed, event) of a question after the events, as of a time.
fn level(events: &[Event], ask: Ask, now: &str) -> Option<(u8, bool, String)> {
    let policy = shipped();
    let mut facts = Facts::default();
    events.iter().for_each(|e| fold(&mut facts, e, policy));
    let level = qualify(&facts, policy, at(now)).level(ask)?;
    assert_eq!(level.because(policy).is_some(), level.guessed, "a guess says why");
    assert!(level.confidence(policy) < 0.95 || !level.guessed, "a guess is less sure than an answer");
    Some((level.level, level.guessed, level.event.to_owned()))
}

const DAY: &str = "2026-03-02T15:00:00Z";

#[test]
fn what_nobody_said_is_missing_and_not_zero() {
    let captured = [event("e-1", DAY, capture(None, Answers::default(), None))];
    let policy = shipped();
    let mut facts = Facts::default();
    fold(&mut facts, &captured[0], policy);
    let q = qualify(&facts, policy, at(DAY));
    assert!(Ask::ALL.iter().all(|ask| q.level(*ask).is_none()));
    assert_eq!((q.score, q.confirmed, q.sales_ready), (None, 0, false));
}

#[test]
fn a_title_guesses_authority() {
    for (title, expected) in [
        ("VP Operations", Some(3)),
        ("Director of Purchasing", Some(3)),
        ("Owner", Some(3)),
        ("Plant Manager", Some(2)),
        ("Lab technician", Some(1)),
        ("Summer intern", Some(0)),
        ("Poet", None),
    ] {
        let captured = [event("e-1", DAY, capture(Some(title), Answers::default(), None))];
        let got = level(&captured, Ask::Authority, DAY);
        assert_eq!(got, expected.map(|n| (n, true, "e-1".to_owned())), "{title}");
    }
}

#[test]
fn what_people_say_guesses_levels() {
    for (text, ask, expected) in [
        ("The budget has been approved.", Ask::Budget, Some(3)),
        ("We have a budget of 20,000 for this.", Ask::Budget, Some(2)),
        ("Sorry, there is no budget for it this year.", Ask::Budget, Some(0)),
        ("This is too expensive for us.", Ask::Budget, Some(0)),
        ("I am the owner and I decide alone.", Ask::Authority, Some(3)),
        ("I need to ask my boss first.", Ask::Authority, Some(2)),
        ("I am not the decision maker.", Ask::Authority, Some(0)),
        ("Yes, we are interested. Please send me a quote.", Ask::Need, Some(2)),
        ("Not interested.", Ask::Need, Some(0)),
        ("Please check back in May 2026.", Ask::Timeline, Some(3)),
        ("Thanks.", Ask::Need, None),
    ] {
        let events = [event("e-1", DAY, reply(text))];
        let got = level(&events, ask, DAY);
        assert_eq!(got, expected.map(|n| (n, true, "e-1".to_owned())), "{text}");
    }
}

#[test]
fn an_answer_in_words_is_a_guess_and_one_that_nobody_understands_says_little() {
    let words = |text: &str| Some(Answer::Text(text.to_owned()));
    let answers = Answers {
        budget: words("approved by the board"),
        authority: words("Head of Procurement"),
        need: words("route planning for 40 trucks"),
        timeline: words("when the moon is full"),
        by: None,
    };
    let events = [event("e-1", DAY, Body::Answered(answers))];
    for (ask, expected) in [(Ask::Budget, 3), (Ask::Authority, 3), (Ask::Need, 2), (Ask::Timeline, 1)] {
        assert_eq!(level(&events, ask, DAY), Some((expected, true, "e-1".to_owned())), "{ask:?}");
    }
    let timeline = Answers { timeline: words("in May 2026"), ..Answers::default() };
    let events = [event("e-1", DAY, Body::Answered(timeline))];
    assert_eq!(level(&events, Ask::Timeline, DAY), Some((3, true, "e-1".to_owned())));
    assert_eq!(
        level(&events, Ask::Timeline, "2026-08-01T00:00:00Z"),
        Some((1, true, "e-1".to_owned())),
        "it has passed"
    );
}

#[test]
fn an_answer_beats_every_guess_and_a_newer_guess_an_older_one() {
    let answer = Answers { authority: Some(Answer::Level(1)), ..Answers::default() };
    let mut events = vec![
        event("e-1", "2026-03-02T15:00:00Z", capture(Some("Director"), Answers::default(), None)),
        event("e-2", "2026-03-03T15:00:00Z", reply("I need to ask my boss first.")),
    ];
    assert_eq!(level(&events, Ask::Authority, "2026-03-05T00:00:00Z"), Some((2, true, "e-2".to_owned())));
    events.reverse();
    assert_eq!(
        level(&events, Ask::Authority, "2026-03-05T00:00:00Z"),
        Some((2, true, "e-2".to_owned())),
        "in any order"
    );
    events.insert(0, event("e-0", "2026-03-01T15:00:00Z", Body::Answered(answer)));
    assert_eq!(level(&events, Ask::Authority, "2026-03-05T00:00:00Z"), Some((1, false, "e-0".to_owned())));
}

#[test]
fn the_newer_of_two_answers_counts_whichever_came_first() {
    let answer = |n| Body::Answered(Answers { need: Some(Answer::Level(n)), ..Answers::default() });
    let mut events =
        vec![event("e-1", "2026-03-01T00:00:00Z", answer(1)), event("e-2", "2026-03-02T00:00:00Z", answer(3))];
    for _ in 0..2 {
        assert_eq!(level(&events, Ask::Need, DAY), Some((3, false, "e-2".to_owned())));
        events.reverse();
    }
}

#[test]
fn a_timeline_ages_and_falls_to_one_when_its_day_has_passed() {
    let until = |day: &str| {
        let day = day_of_date(day.parse().unwrap());
        Body::Answered(Answers { timeline: Some(Answer::Date(day)), ..Answers::default() })
    };
    let events = [event("e-1", "2026-01-01T00:00:00Z", until("2026-12-31"))];
    for (now, expected) in [
        ("2026-01-02T00:00:00Z", 2),
        ("2026-07-02T00:00:00Z", 3),
        ("2026-12-31T23:00:00Z", 3),
        ("2027-01-01T00:00:00Z", 1),
    ] {
        assert_eq!(level(&events, Ask::Timeline, now).unwrap().0, expected, "{now}");
    }
    let stated = |n| {
        [event(
            "e-1",
            "2026-01-01T00:00:00Z",
            Body::Answered(Answers { timeline: Some(Answer::Level(n)), ..Answers::default() }),
        )]
    };
    for (n, now, expected) in [
        (3, "2026-06-01T00:00:00Z", 3),
        (3, "2026-08-01T00:00:00Z", 1),
        (2, "2026-06-01T00:00:00Z", 2),
        (2, "2026-08-01T00:00:00Z", 3),
        (2, "2027-02-01T00:00:00Z", 1),
        (1, "2027-02-01T00:00:00Z", 1),
        (0, "2026-02-01T00:00:00Z", 1),
    ] {
        assert_eq!(level(&stated(n), Ask::Timeline, now).unwrap().0, expected, "{n} as of {now}");
    }
}

#[test]
fn only_answers_confirm_and_two_of_them_make_a_lead_ready() {
    let policy = shipped();
    let ready = |title: Option<&str>, answers: Answers| {
        let mut facts = Facts::default();
        fold(
            &mut facts,
            &event("e-1", DAY, capture(title, answers, Some("We are interested, please call me."))),
            policy,
        );
        let q = qualify(&facts, policy, at(DAY));
        (q.confirmed, q.sales_ready)
    };
    let level = |n| Some(Answer::Level(n));
    assert_eq!(ready(Some("Owner"), Answers::default()), (0, false), "guesses confirm nothing");
    assert_eq!(ready(Some("Owner"), Answers { need: level(2), ..Answers::default() }), (1, false));
    assert_eq!(ready(None, Answers { need: level(2), budget: level(2), ..Answers::default() }), (2, true));
    assert_eq!(ready(None, Answers { need: level(2), budget: level(1), ..Answers::default() }), (1, false));
    let neither = Answers { timeline: level(3), budget: level(3), ..Answers::default() };
    assert_eq!(ready(None, neither), (2, false), "need or authority must be among them");
}

#[test]
fn the_score_of_qualification_weighs_what_is_known() {
    let policy = shipped();
    let mut facts = Facts::default();
    facts.answers.need = given(Moment(0), "e-1", Answer::Level(3));
    facts.answers.budget = given(Moment(0), "e-1", Answer::Level(0));
    let q = qualify(&facts, policy, Moment(1));
    assert_eq!(q.score, Some(super::super::round6(100.0 * 30.0 / 55.0)), "30 of the 55 that are known");
}

#[test]
fn an_automatic_reply_guesses_nothing() {
    let mut auto = reply("I am the owner and I decide alone.");
    if let Body::Email(email) = &mut auto {
        email.auto = true;
    }
    assert_eq!(level(&[event("e-1", DAY, auto)], Ask::Authority, DAY), None);
    let sms = SmsEvent { what: SmsWhat::Replied, text: Some("I decide".into()), auto: false, detail: None };
    assert_eq!(level(&[event("e-1", DAY, Body::Sms(sms))], Ask::Authority, DAY).unwrap().0, 3);
}

#[test]
fn another_policy_reads_the_title_again() {
    let policy = shipped();
    let mut facts = Facts::default();
    titled(&mut facts, policy, at(DAY), "Poet");
    assert!(qualify(&facts, policy, at(DAY)).authority.is_none());
    let other = with(|s| s.replace("\"vp\", ", "\"vp\", \"poet\", ")).map_err(|e| e.join("\n")).unwrap();
    crate::domain::fold::read_texts(&mut facts, &other);
    assert_eq!(qualify(&facts, &other, at(DAY)).authority.unwrap().level, 3);
}
