//! Engagement against a naive reference that knows nothing of series, lists and limits: it keeps every event, has the
//! published numbers written into it, and adds up.
//!
//! What the facts forget costs at most [`EXACT`] points of 100 while nothing was forgotten (up to 24 signals of a kind, 64
//! clicks), and at most [`COARSE`] after it, when older signals stand in the middle of their day or their 32 days and a
//! burst of older clicks in one minute counts once.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::domain::event::*;
use crate::domain::fold::fold;
use crate::domain::identity::{Key, KeyKind};
use crate::domain::score::engagement;
use crate::domain::time::Span;
use crate::domain::touches::calls;

/// Points of difference that rounding to six places may make.
const EXACT: f64 = 1e-5;
/// Points of difference that counting old signals by day may make; the most that was met in 3,000 trials is 0.07.
const COARSE: f64 = 0.5;

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

/// Replies whose meaning nobody doubts, with their points and half-life in days.
const REPLIES: [(&str, f64, f64); 6] = [
    ("Yes, we are interested. Please send me a quote.", 30.0, 60.0),
    ("Thanks.", 15.0, 60.0),
    ("Let me think about it.", 5.0, 60.0),
    ("Not interested.", -30.0, 120.0),
    ("Please remove me from your list.", -40.0, 120.0),
    ("I will report you to the authorities and sue you.", -60.0, 120.0),
];

/// What one event is worth, of which type it is, and for how long: the table of the documentation, by hand.
fn worth(event: &Event, all: &[Event]) -> Option<(&'static str, f64, f64)> {
    Some(match &event.body {
        Body::Captured(c) if c.origin.form.as_deref() == Some("demo") => ("contact request", 40.0, 90.0),
        Body::Captured(_) => ("form", 20.0, 90.0),
        Body::Email(e) if e.machine => return None,
        Body::Email(e) => match e.what {
            EmailWhat::Opened => ("open", 2.0, 7.0),
            EmailWhat::Clicked if is_scanned(event, e, all) => return None,
            EmailWhat::Clicked => ("click", 8.0, 14.0),
            EmailWhat::Replied if e.auto => return None,
            EmailWhat::Replied => {
                let text = e.text.as_deref().unwrap();
                let (name, points, half_life) = *REPLIES.iter().find(|r| r.0 == text).unwrap();
                (name, points, half_life)
            }
            EmailWhat::Complained => ("complaint", -60.0, 120.0),
            EmailWhat::Unsubscribed { .. } => ("unsubscribe", -40.0, 120.0),
            EmailWhat::Sent | EmailWhat::Delivered | EmailWhat::Bounced { .. } => return None,
        },
        Body::CallCompleted(c) => match (c.disposition.as_deref(), c.direction) {
            (Some("NI"), _) => ("not interested", -30.0, 120.0),
            (Some("NP"), _) => ("brush-off", -10.0, 120.0),
            (_, Direction::Inbound) => ("inbound call", 30.0, 60.0),
            (Some("XFER"), Direction::Outbound) => ("call", 20.0, 60.0),
            (_, Direction::Outbound) => return None,
        },
        Body::Visit(v) => match v.what {
            VisitWhat::Page if v.path.as_deref() == Some("/pricing") => ("pricing page", 10.0, 14.0),
            VisitWhat::Page => ("page", 2.0, 14.0),
            VisitWhat::Content => ("content", 6.0, 60.0),
            VisitWhat::Chat => ("chat", 15.0, 60.0),
            VisitWhat::Room if is_second_visitor(event, v, all) => ("room, second visitor", 20.0, 60.0),
            VisitWhat::Room => ("room", 12.0, 60.0),
            VisitWhat::Form => return None,
        },
        Body::Meeting(m) => match m.what {
            MeetingWhat::Booked => ("booked", 35.0, 60.0),
            MeetingWhat::Held => ("held", 45.0, 60.0),
            MeetingWhat::Missed => ("missed", -10.0, 60.0),
        },
        _ => return None,
    })
}

fn is_scanned(click: &Event, e: &EmailEvent, all: &[Event]) -> bool {
    let of_message = |other: &&Event, what: EmailWhat| matches!(&other.body, Body::Email(o) if o.what == what && o.message_id == e.message_id && !o.machine);
    all.iter().filter(|d| of_message(d, EmailWhat::Delivered)).any(|delivery| {
        let soon = |c: &&Event| (0..=MINUTE).contains(&(c.at - delivery.at).0);
        let burst = all.iter().filter(|c| of_message(c, EmailWhat::Clicked)).filter(soon).count();
        soon(&click) && burst >= 2
    })
}

fn is_second_visitor(view: &Event, visit: &Visit, all: &[Event]) -> bool {
    let visitor = |e: &Event| e.keys.iter().find(|k| k.kind == KeyKind::Visitor).map(|k| k.value.clone());
    let views =
        all.iter().filter(|e| matches!(&e.body, Body::Visit(v) if v.what == VisitWhat::Room && v.room == visit.room));
    let first = views.min_by_key(|e| (e.at, e.key.tie())).unwrap();
    visitor(first) != visitor(view)
}

/// 100 × (1 − 2^(−max(0, sum) / 40)) over everything that ever happened.
fn naive(events: &[Event], now: Moment) -> f64 {
    let mut newest_first: Vec<&Event> = events.iter().collect();
    newest_first.sort_by_key(|e| std::cmp::Reverse((e.at, e.key.tie())));
    let mut today: BTreeMap<(&str, i64), u32> = BTreeMap::new();
    let (mut opens, mut rest) = (0.0, 0.0);
    for event in newest_first {
        let Some((kind, points, half_life)) = worth(event, events) else { continue };
        let n = today.entry((kind, event.at.0.div_euclid(DAY))).or_default();
        *n += 1;
        if *n > 20 {
            continue;
        }
        let age_days = (now.0 - event.at.0) as f64 / DAY as f64;
        let weight = points * 0.5f64.powf(age_days / half_life);
        if kind == "open" { opens += weight } else { rest += weight }
    }
    let sum = f64::min(opens, 10.0) + rest;
    100.0 * (1.0 - 0.5f64.powf(sum.max(0.0) / 40.0))
}

fn email(what: EmailWhat, message: Option<u32>) -> EmailEvent {
    let message_id = message.map(|m| format!("m-{m}"));
    let (campaign, url, text, detail) = (None, None, None, None);
    EmailEvent { what, message_id, campaign, machine: false, url, text, auto: false, detail }
}

fn visit(what: VisitWhat, path: Option<&str>, room: Option<u32>) -> Body {
    let room = room.map(|r| format!("room-{r}"));
    Body::Visit(Visit { what, path: path.map(str::to_owned), content: None, room, seconds: None, text: None })
}

fn call(direction: Direction, code: &str) -> Body {
    Body::CallCompleted(Call {
        disposition: Some(code.to_owned()),
        flags: None,
        direction,
        started_at: None,
        duration_seconds: None,
        to: None,
        caller_id: None,
        answered_by: None,
        voicemail_left: false,
        agent: None,
        note: None,
        callback_at: None,
        callback_number: None,
    })
}

/// One thing that happens: mostly one event, for a delivery with what follows it several, as (ms later, body, visitor).
fn happening() -> impl Strategy<Value = Vec<(i64, Body, Option<u32>)>> {
    let one = |body: Body| vec![(0, body, None)];
    let capture = move |form: &str| {
        let origin = Origin { form: Some(form.to_owned()), ..Origin::default() };
        one(Body::Captured(Box::new(Capture { origin, ..Capture::default() })))
    };
    let meeting = move |what| one(Body::Meeting(Meeting { what, at: None, with: None }));
    let reply = move |i: usize, auto: bool| {
        let text = Some(REPLIES[i].0.to_owned());
        one(Body::Email(EmailEvent { text, auto, ..email(EmailWhat::Replied, None) }))
    };
    let opened = move |machine| one(Body::Email(EmailEvent { machine, ..email(EmailWhat::Opened, None) }));
    prop_oneof![
        1 => Just(capture("demo")),
        1 => Just(capture("newsletter")),
        4 => any::<bool>().prop_map(opened),
        4 => (0u32..4).prop_map(move |m| one(Body::Email(email(EmailWhat::Clicked, Some(m))))),
        4 => (any::<u32>(), prop::collection::vec(0i64..3 * MINUTE, 0..5)).prop_map(|(m, clicks)| {
            let delivery = (0, Body::Email(email(EmailWhat::Delivered, Some(m))), None);
            let clicked = |after| (after, Body::Email(email(EmailWhat::Clicked, Some(m))), None);
            std::iter::once(delivery).chain(clicks.into_iter().map(clicked)).collect()
        }),
        // Most people are kind: else every score would be 0.
        6 => (0usize..3, prop::bool::weighted(0.1)).prop_map(move |(i, auto)| reply(i, auto)),
        1 => (3..REPLIES.len(), prop::bool::weighted(0.1)).prop_map(move |(i, auto)| reply(i, auto)),
        3 => Just(one(visit(VisitWhat::Page, Some("/blog"), None))),
        3 => Just(one(visit(VisitWhat::Page, Some("/pricing"), None))),
        2 => Just(one(visit(VisitWhat::Content, None, None))),
        2 => Just(one(visit(VisitWhat::Chat, None, None))),
        3 => (0u32..3, 0u32..3).prop_map(|(room, who)| vec![(0, visit(VisitWhat::Room, None, Some(room)), Some(who))]),
        2 => prop::sample::select(vec![MeetingWhat::Booked, MeetingWhat::Held, MeetingWhat::Missed]).prop_map(meeting),
        1 => prop::sample::select(vec!["NI", "NP"]).prop_map(move |c| one(call(Direction::Outbound, c))),
        4 => prop::sample::select(vec!["N", "XFER"]).prop_map(move |c| one(call(Direction::Outbound, c))),
        1 => Just(one(call(Direction::Inbound, "XFER"))),
        1 => Just(one(Body::Email(email(EmailWhat::Complained, None)))),
        1 => Just(one(Body::Email(email(EmailWhat::Unsubscribed { group: None }, None)))),
    ]
}

/// What happens over so many days.
fn story(days: i64, most: usize) -> impl Strategy<Value = Vec<Event>> {
    prop::collection::vec((0..days * DAY, happening()), 1..most).prop_map(|happenings| {
        let mut flat: Vec<(i64, Body, Option<u32>)> = happenings
            .into_iter()
            .flat_map(|(at, events)| events.into_iter().map(move |(later, body, who)| (at + later, body, who)))
            .collect();
        flat.sort_by_key(|(at, ..)| *at);
        flat.into_iter().enumerate().map(|(n, (at, body, who))| event(n, at, body, who)).collect()
    })
}

fn event(n: usize, at: i64, body: Body, visitor: Option<u32>) -> Event {
    let mut key = [0; 16];
    // The order within a millisecond must not be the order of making.
    key[..8].copy_from_slice(&(n as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes());
    let mut keys = vec![Key::new(KeyKind::Email, "ana@example.com")];
    keys.extend(visitor.map(|v| Key::new(KeyKind::Visitor, format!("v-{v}"))));
    Event {
        source: "/test".to_owned(),
        id: format!("e-{n}"),
        key: EventKey(key),
        content: ContentHash([0; 16]),
        at: super::at("2025-01-01T00:00:00Z") + Span(at),
        keys,
        extensions: Vec::new(),
        task_id: None,
        body,
    }
}

/// The greatest difference between production and reference, at a few instants while the story unfolds and after it.
fn greatest_difference(story: &[Event], later: &[i64]) -> Result<f64, TestCaseError> {
    let policy = shipped();
    let mut facts = Facts::default();
    let mut greatest: f64 = 0.0;
    let every = (story.len() / 3).max(1);
    for (n, e) in story.iter().enumerate() {
        fold(&mut facts, e, policy);
        if (n + 1) % every != 0 && n + 1 != story.len() {
            continue;
        }
        let calls = calls(&facts, policy);
        for later in later {
            let now = e.at + Span(*later);
            let got = engagement(&facts, &calls, policy, now);
            greatest = greatest.max((got.score - naive(&story[..=n], now)).abs());
            let sum: f64 = got.parts(policy, now).iter().map(|p| p.points).sum();
            prop_assert!((sum - got.score).abs() < 1e-6, "the parts sum to {} and not to {}", sum, got.score);
            prop_assert!((0.0..=100.0).contains(&got.score));
        }
    }
    Ok(greatest)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn engagement_is_the_published_formula_while_nothing_is_forgotten(
        story in (1i64..400).prop_flat_map(|days| story(days, 24)),
        later in prop::collection::vec(0..300 * DAY, 1..4),
    ) {
        let difference = greatest_difference(&story, &later)?;
        prop_assert!(difference <= EXACT, "{} points off", difference);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn engagement_stays_near_the_formula_when_old_signals_are_counted_by_day(
        story in (1i64..900).prop_flat_map(|days| story(days, 700)),
        later in prop::collection::vec(0..300 * DAY, 1..4),
    ) {
        let difference = greatest_difference(&story, &later)?;
        prop_assert!(difference <= COARSE, "{} points off", difference);
    }

    #[test]
    fn a_day_of_opens_and_pages_counts_twenty_of_each_and_opens_no_more_than_ten_points(
        opens in 1usize..80, pages in 1usize..80, later in 0..40 * DAY,
    ) {
        let open = |n: usize| (n, Body::Email(email(EmailWhat::Opened, None)));
        let page = |n: usize| (n, visit(VisitWhat::Page, Some("/blog"), None));
        let story: Vec<Event> = (0..opens).map(open).chain((0..pages).map(page)).enumerate()
            .map(|(i, (n, body))| event(i, n as i64 * 11 * MINUTE, body, None))
            .collect();
        let difference = greatest_difference(&story, &[later])?;
        prop_assert!(difference <= COARSE, "{} points off", difference);
    }
}

#[test]
fn the_order_in_which_scanned_clicks_and_visitors_come_does_not_matter() {
    let body = |what, m| Body::Email(email(what, Some(m)));
    let mut events = vec![
        event(0, 0, body(EmailWhat::Delivered, 1), None),
        event(1, 10_000, body(EmailWhat::Clicked, 1), None),
        event(2, 20_000, body(EmailWhat::Clicked, 1), None),
        event(3, 90_000, body(EmailWhat::Clicked, 1), None),
        event(4, 95_000, visit(VisitWhat::Room, None, Some(1)), Some(1)),
        event(5, 99_000, visit(VisitWhat::Room, None, Some(1)), Some(2)),
    ];
    let now = super::at("2025-01-01T00:10:00Z");
    let score = |events: &[Event]| {
        let mut facts = Facts::default();
        events.iter().for_each(|e| fold(&mut facts, e, shipped()));
        let of = |name: &str| {
            engagement(&facts, &[], shipped(), now).parts.iter().find(|p| p.name.name() == name).map(|p| p.count)
        };
        (facts.digest(), of("click"), of("room"), of("room_second_visitor"))
    };
    let first = score(&events);
    assert_eq!((first.1, first.2, first.3), (Some(1), Some(1), Some(1)), "one person's click, one view each");
    for _ in 0..events.len() {
        events.rotate_left(1);
        assert_eq!(score(&events), first);
        let mut backwards = events.clone();
        backwards.reverse();
        assert_eq!(score(&backwards), first);
    }
}
