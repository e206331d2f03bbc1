//! What must hold for the reading of any text, and the rules of the domain on dates, opt-outs, quoted mail and doubt.
//! How often a text is read right is measured in `evaluation`. Longer than most files: a table of sentences a rule.

#![expect(clippy::unwrap_used, reason = "fixtures that do not parse are a failed test")]

mod evaluation;

use gleaner::domain::time::{Moment, Zone, date_of_day};
use gleaner::domain::words::{Finding, Label, Lexicon, Medium, read, reopens};
use proptest::prelude::*;

fn moment() -> Moment {
    Moment::from_timestamp("2026-03-03T16:00:00Z".parse().unwrap())
}

fn new_york() -> Zone {
    Zone::named("America/New_York").unwrap()
}

fn labels(medium: Medium, text: &str) -> Vec<&'static str> {
    read(Lexicon::shipped(), medium, false, text, moment(), &new_york()).iter().map(|f| f.label.name()).collect()
}

/// The date of the timing in an e-mail written on Tuesday 3 March 2026 in New York.
fn date(text: &str) -> String {
    let found = read(Lexicon::shipped(), Medium::Email, false, text, moment(), &new_york());
    let day = found.iter().find(|f| f.label == Label::Timing).and_then(|f| f.date);
    day.map_or("none".to_owned(), |d| date_of_day(d).to_string())
}

#[test]
fn a_date_is_counted_from_the_day_of_the_text() {
    for (text, want) in [
        ("Not now, our contract runs until 30 September 2026.", "2026-09-30"),
        ("Check back after summer.", "2026-09-01"),
        ("Check back in April.", "2026-04-01"),
        ("Check back after April.", "2026-05-01"),
        ("Check back in March.", "2027-03-01"),
        ("Check back next quarter.", "2026-04-01"),
        ("Check back in Q3.", "2026-07-01"),
        ("Check back in H2 2027.", "2027-07-01"),
        ("Check back in two weeks.", "2026-03-17"),
        ("Check back in a couple of months.", "2026-05-03"),
        ("Check back in half a year.", "2026-09-03"),
        ("Check back in mid-June.", "2026-06-15"),
        ("Check back at the end of the month.", "2026-03-31"),
        ("Check back at the end of next quarter.", "2026-06-30"),
        ("Check back after the holidays.", "2027-01-02"),
        ("Check back after Easter.", "2026-04-06"),
        ("Check back on 2026-10-05.", "2026-10-05"),
        ("Check back on 10/5/2026.", "2026-10-05"),
        ("Check back on 05.10.2026.", "2026-10-05"),
        ("Check back on the 5th of October.", "2026-10-05"),
        ("Our contract ends on October 5th, 2027.", "2027-10-05"),
        ("Check back next year.", "2027-01-01"),
        ("Check back in the new year.", "2027-01-01"),
        ("Check back next fall.", "2026-09-01"),
        ("Check back in early May.", "2026-05-01"),
        ("We may be on hold. Check back later.", "none"),
    ] {
        assert_eq!(date(text), want, "{text}");
    }
}

#[test]
fn a_bare_word_opts_out_only_alone_and_a_longer_text_needs_an_object() {
    let opt_out = |medium, text: &str| {
        let found = read(Lexicon::shipped(), medium, false, text, moment(), &new_york());
        found.iter().find(|f| f.label == Label::OptOut).map(|f| (f.certain, f.scope.unwrap().name()))
    };
    for (medium, text, want) in [
        (Medium::Sms, "Hi, please STOP. Thank you!", Some((true, "call_and_sms"))),
        (Medium::Sms, "end", Some((true, "call_and_sms"))),
        (Medium::Email, "Unsubscribe please", Some((true, "email"))),
        (Medium::Chat, "stop", Some((true, "channel"))),
        (Medium::Sms, "Stop calling me", Some((true, "call_and_sms"))),
        (Medium::Email, "Stop calling me", Some((true, "call_and_sms"))),
        (Medium::Sms, "take me off your list", Some((true, "everything"))),
        (Medium::Sms, "Stop. I am at work.", Some((false, "channel"))),
        (Medium::Sms, "not interested stop texting", Some((true, "call_and_sms"))),
        (Medium::Email, "I would like to unsubscribe from this list", Some((true, "email"))),
        (Medium::Email, "I no longer wish to receive this, please unsubscribe me", Some((true, "email"))),
        (Medium::Sms, "stop by our office", None),
        (Medium::Sms, "at the end of the quarter", None),
        (Medium::Sms, "please cancel my appointment", None),
        (Medium::Email, "I'm not saying stop calling me.", None),
        (Medium::Email, "Please don’t remove me from your list.", None),
    ] {
        assert_eq!(opt_out(medium, text), want, "{text}");
    }
}

#[test]
fn start_reopens_a_number_by_text_message_only() {
    assert!(reopens(Lexicon::shipped(), Medium::Sms, "Start please"));
    assert!(!reopens(Lexicon::shipped(), Medium::Sms, "when do we start"));
    assert!(!reopens(Lexicon::shipped(), Medium::Email, "START"));
}

#[test]
fn what_others_wrote_and_what_programs_add_does_not_count() {
    let quiet: [&str; 0] = [];
    assert_eq!(labels(Medium::Email, "Ok.\n\nOn Mon, Mar 2, 2026 Tom wrote:\n> Not interested? Reply STOP."), quiet);
    assert_eq!(labels(Medium::Email, "On Mon, Tom wrote:\n> stop calling me\n\nSend me a quote."), ["interest"]);
    assert_eq!(labels(Medium::Email, "Ok.\n\n-- \nJo\nCall me Monday at 9"), quiet);
    assert_eq!(labels(Medium::Email, "Ok.\n\nTo stop receiving our mail, unsubscribe here."), quiet);
    assert_eq!(labels(Medium::Email, "Thanks,\nstop calling me"), ["opt_out"]);
}

#[test]
fn a_note_of_no_words_is_read_as_nothing() {
    assert!(labels(Medium::CallNote, "w_nabellen_offertes").is_empty());
}

#[test]
fn a_doubt_or_a_hedge_is_neither_yes_nor_no() {
    assert_eq!(labels(Medium::Email, "I'm not sure this is what we need."), ["vague"]);
    assert_eq!(labels(Medium::CallNote, "might be interested"), ["vague"]);
    assert_eq!(labels(Medium::Email, "I like it."), ["interest"]);
    assert_eq!(labels(Medium::Sms, "maybe"), ["vague"]);
    assert_eq!(labels(Medium::Sms, "maybe next year"), ["timing"]);
}

#[test]
fn a_no_before_a_pronoun_answers_and_negates_nothing() {
    assert_eq!(labels(Medium::Sms, "nah we're covered"), ["disinterest"]);
    assert_eq!(labels(Medium::Sms, "no we are not interested"), ["disinterest"]);
}

#[test]
fn a_question_about_what_we_sell_is_interest_and_one_about_other_business_is_nothing() {
    let quiet: [&str; 0] = [];
    assert_eq!(labels(Medium::Email, "Have you worked with bakeries?"), ["interest"]);
    assert!(!labels(Medium::Email, "They have worked with bakeries for years.").contains(&"interest"));
    assert_eq!(labels(Medium::Email, "Could you resend the invoice?"), quiet);
    assert_eq!(labels(Medium::Email, "Could you send a brochure?"), ["vague"]);
}

#[test]
fn a_sum_of_money_beside_a_word_of_spending_is_budget() {
    for text in ["We can spend up to 5k.", "our limit is $450", "max EUR 12,000", "i only have 50 bucks"] {
        assert_eq!(labels(Medium::Email, text), ["budget"], "{text}");
    }
}

#[test]
fn who_asks_to_be_written_to_has_not_opted_out() {
    for text in [
        "please write me",
        "Please e-mail me",
        "write me back please",
        "Please write to me, I cannot take calls at work.",
    ] {
        for medium in [Medium::CaptureNote, Medium::Email, Medium::Sms] {
            assert!(!labels(medium, text).contains(&"opt_out"), "{text}: {:?}", labels(medium, text));
        }
    }
    assert_eq!(labels(Medium::Email, "please do not write me"), ["opt_out"]);
}

#[test]
fn who_is_not_to_be_disturbed_has_opted_out_however_a_colleague_notes_it() {
    for text in [
        "Requested not to be bothered any more by us.",
        "He wishes not to be disturbed.",
        "We ask not to be disturbed further.",
        "Not to be disturbed, per the owner.",
        "She asked not to be bothered again",
    ] {
        assert!(labels(Medium::CallNote, text).contains(&"opt_out"), "{text}: {:?}", labels(Medium::CallNote, text));
    }
    for text in ["we lost our dad in January", "they buried our client on Monday"] {
        let found = labels(Medium::CallNote, text);
        assert!(found.contains(&"deceased") || found.contains(&"vulnerable"), "{text}: {found:?}");
    }
}

#[test]
fn words_that_only_sound_grave_close_nobody() {
    let closing = ["opt_out", "deceased", "minor", "vulnerable", "legal_threat", "wrong_number", "auto_reply"];
    for text in [
        "The old file has been removed from the server.",
        "I'm dying to try it.",
        "I am a lawyer and we need a CRM for our firm.",
        "Our lawyer reviewed the contract and has two small edits.",
        "Sorry for the late payment.",
        "How do we recover our data after a crash?",
        "The export button is disabled for me.",
        "I need car insurance for my teenage son.",
        "A former colleague recommended you.",
        "The parcel was not delivered yesterday.",
        "We run a funeral home with two locations.",
        "The old plan was removed from the program last year.",
        "He did not get in touch with us yet.",
        "You did not call me back.",
        "I was in the hospital industry for years.",
        "The deal with our old vendor is dead.",
    ] {
        let found = labels(Medium::Email, text);
        assert!(!found.iter().any(|l| closing.contains(l)), "{text}: {found:?}");
    }
}

#[test]
fn no_longer_with_us_is_a_departure_unless_the_words_mourn() {
    assert_eq!(labels(Medium::Email, "Jane Foss is no longer with us."), ["auto_reply", "wrong_person"]);
    assert_eq!(labels(Medium::Email, "With great sadness: my wife is no longer with us."), ["deceased"]);
}

#[test]
fn in_a_text_message_a_name_may_be_written_small() {
    assert_eq!(labels(Medium::Sms, "this is not sarah"), ["wrong_number"]);
    let quiet: [&str; 0] = [];
    assert_eq!(labels(Medium::Sms, "this is not about that"), quiet);
}

/// The hour and minute of the callback in a text message sent at 11:00 in New York.
fn time(text: &str) -> String {
    let found = read(Lexicon::shipped(), Medium::Sms, false, text, moment(), &new_york());
    let at = found.iter().find(|f| f.label == Label::Callback).and_then(|f| f.at);
    match at {
        Some(gleaner::domain::event::WhenLocal::Local(t)) => format!("{:02}:{:02}", t.hour(), t.minute()),
        _ => "none".to_owned(),
    }
}

#[test]
fn a_time_is_read_however_it_is_written() {
    for (text, want) in [
        ("call me around 9.30 tomorrow", "09:30"),
        ("call me at quarter past 3", "15:15"),
        ("call me at quarter to four", "15:45"),
        ("call me today 17h", "17:00"),
        ("call me at 14h30", "14:30"),
        ("call me in about 20 minutes", "11:20"),
    ] {
        assert_eq!(time(text), want, "{text}");
    }
}

fn any_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("stop ".to_owned()),
        Just("not interested ".to_owned()),
        Just("call me ".to_owned()),
        Just("at 9 ".to_owned()),
        Just("\n> ".to_owned()),
        Just("12. Mai ".to_owned()),
        Just("until 30/09 ".to_owned()),
        Just("Jane@x.example ".to_owned()),
        Just("end of the end of next ".to_owned()),
        Just("e\u{301}\u{200d}👍🏽".to_owned()),
        Just("退订".to_owned()),
        Just("305-555-0142 ".to_owned()),
        Just("in two weeks ".to_owned()),
        Just("don’t ".to_owned()),
        Just(".\n".to_owned()),
        ".{0,12}",
        "[a-z' ]{0,20}",
    ];
    prop::collection::vec(piece, 0..30).prop_map(|p| p.concat())
}

proptest! {
    #[test]
    fn any_text_is_read_without_panic_at_character_boundaries_and_alike_twice(text in any_text(), m in 0..6usize, auto: bool) {
        let lexicon = Lexicon::shipped();
        let found = read(lexicon, Medium::ALL[m], auto, &text, moment(), &new_york());
        for f in &found {
            prop_assert!(f.start <= f.end && text.is_char_boundary(f.start as usize) && text.is_char_boundary(f.end as usize));
            prop_assert!(text[f.start as usize..f.end as usize].starts_with(&f.quote));
            prop_assert!(f.quote.chars().count() <= 160);
        }
        prop_assert_eq!(&found, &read(lexicon, Medium::ALL[m], auto, &text, moment(), &new_york()));
        let bytes = postcard::to_allocvec(&found).unwrap();
        prop_assert_eq!(postcard::from_bytes::<Vec<Finding>>(&bytes).unwrap(), found);
        reopens(lexicon, Medium::ALL[m], &text);
    }
}
