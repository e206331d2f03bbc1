//! On what ground somebody may be called, texted or mailed.

use super::super::{Basis, CallFacts, CallGate, ConsentView, DialMode, Missing, Why};
use super::*;
use crate::domain::event::ConsentLevel;

const NEW_YORK: &str = "+12125550100";
const TORONTO: &str = "+14165550100";
const LONDON: &str = "+442079460000";
const PARIS: &str = "+33123456789";
const BERLIN: &str = "+4930123456";

fn now() -> Moment {
    m("2026-12-01T16:00:00Z")
}
fn days_ago(days: i64) -> Option<Moment> {
    Some(now() - Span::days(days))
}
fn consent(level: ConsentLevel) -> ConsentView {
    ConsentView { level: Some(level), granted_at: days_ago(400), ..ConsentView::default() }
}
fn allowed(dial_mode: DialMode, basis: Basis) -> CallGate {
    CallGate::Allowed { dial_mode, basis }
}
fn call(phone: &str, facts: CallFacts<'_>) -> CallGate {
    number(phone).may_call(&facts, now())
}
fn needs_screening(phone: &str, facts: CallFacts<'_>) -> bool {
    matches!(call(phone, facts), CallGate::NeedsScreening { .. })
}
const NOTHING: CallFacts<'static> = CallFacts {
    consent: ConsentView { level: None, automated: false, granted_at: None, expires: None },
    inquiry_at: None,
    purchase_at: None,
    clear: &[],
    listed: false,
};

/// Clear on every list that any place asks for.
fn clear_everywhere(at: Moment) -> &'static [(&'static str, Moment)] {
    Box::leak(Box::new(["us_national", "ca_dncl", "uk_tps", "ie_ndd", "fr_bloctel"].map(|list| (list, at))))
}

#[test]
fn an_inquiry_allows_manual_calls_for_three_months_in_the_us_and_six_in_canada() {
    let manual = allowed(DialMode::Manual, Basis::Inquiry);
    let asked = |at: &str| CallFacts { inquiry_at: Some(m(at)), ..NOTHING };
    assert_eq!(call(NEW_YORK, asked("2026-09-01T16:00:00.001Z")), manual);
    assert!(needs_screening(NEW_YORK, asked("2026-09-01T16:00:00Z")));
    assert_eq!(call(TORONTO, asked("2026-06-01T16:00:00.001Z")), manual);
    assert!(needs_screening(TORONTO, asked("2026-06-01T16:00:00Z")));
    assert!(needs_screening(LONDON, asked("2026-11-30T16:00:00Z")), "Britain knows no such exemption");
}

#[test]
fn an_inquiry_of_the_last_day_of_november_lasts_to_the_last_of_february() {
    let facts = CallFacts { inquiry_at: Some(m("2026-11-30T12:00:00Z")), ..NOTHING };
    let at = |t: &str| number(NEW_YORK).may_call(&facts, m(t));
    assert_eq!(at("2027-02-28T11:59:59Z"), allowed(DialMode::Manual, Basis::Inquiry));
    assert!(matches!(at("2027-02-28T12:00:00Z"), CallGate::NeedsScreening { .. }));
}

#[test]
fn an_inquiry_and_a_purchase_allow_calls_to_registered_numbers() {
    let listed = CallFacts { listed: true, ..NOTHING };
    assert!(matches!(call(NEW_YORK, listed), CallGate::NotAllowed(Why::Listed { .. })));
    let asked = CallFacts { inquiry_at: days_ago(10), ..listed };
    assert_eq!(call(NEW_YORK, asked), allowed(DialMode::Manual, Basis::Inquiry));
    let bought = CallFacts { purchase_at: days_ago(500), ..listed };
    assert_eq!(call(NEW_YORK, bought), allowed(DialMode::Manual, Basis::Purchase));
    let long_ago = CallFacts { purchase_at: days_ago(600), ..listed };
    assert!(matches!(call(NEW_YORK, long_ago), CallGate::NotAllowed(Why::Listed { .. })));
}

#[test]
fn a_clear_screening_is_good_for_31_days_and_28_in_britain() {
    let screened = |days| CallFacts { clear: clear_everywhere(now() - Span::days(days)), ..NOTHING };
    let ok = allowed(DialMode::Manual, Basis::Screened);
    for phone in [NEW_YORK, TORONTO] {
        assert_eq!(call(phone, screened(31)), ok);
        assert!(needs_screening(phone, screened(32)));
    }
    assert_eq!(call(LONDON, screened(28)), ok);
    assert!(needs_screening(LONDON, screened(29)));
    assert_eq!(
        call(LONDON, screened(29)).because().unwrap(),
        "The United Kingdom wants the number screened within 28 d before a call; it last was 29 d ago."
    );
}

#[test]
fn only_the_lists_that_a_place_names_clear_a_number() {
    let on = |list: &'static str| CallFacts { clear: Box::leak(Box::new([(list, now())])), ..NOTHING };
    let places = [(NEW_YORK, "us_national"), (TORONTO, "ca_dncl"), (LONDON, "uk_tps"), ("+35312345678", "ie_ndd")];
    for (phone, own) in places {
        for list in ["us_national", "us_fl", "us_ny", "us_zz", "ca_dncl", "uk_tps", "ie_ndd", "internal", "foo"] {
            assert_eq!(needs_screening(phone, on(list)), list != own, "{list} for {phone}");
        }
    }
    let CallGate::NeedsScreening { lists, .. } = call(NEW_YORK, on("us_fl")) else { panic!("needs screening") };
    assert_eq!(lists, ["us_national"]);
}

#[test]
fn where_two_countries_may_hold_the_lists_of_both_must_be_clear() {
    let facts = PlaceFacts { phone: Some(TORONTO), country: Some("US"), ..PlaceFacts::default() };
    let either = Jurisdictions::shipped().place(&facts);
    let gate = |clear: &[(&str, Moment)]| either.may_call(&CallFacts { clear, ..NOTHING }, now());
    let CallGate::NeedsScreening { lists, .. } = gate(&[]) else { panic!("needs screening") };
    assert_eq!(lists, ["ca_dncl", "us_national"]);
    assert!(matches!(gate(&[("ca_dncl", now())]), CallGate::NeedsScreening { .. }));
    assert!(matches!(gate(&[("ca_dncl", now()), ("us_national", now())]), CallGate::Allowed { .. }));
}

#[test]
fn a_state_may_ask_for_its_own_list_beside_the_national_one() {
    let shipped = include_str!("../../../../config/policy/jurisdictions.toml");
    let own = "region = \"FL\"\nscreening_lists = [\"us_national\", \"us_fl\"]";
    let book = Jurisdictions::parse(&shipped.replace("region = \"FL\"", own)).unwrap();
    let miami = book.place(&PlaceFacts { phone: Some("+13055550100"), ..PlaceFacts::default() });
    let gate = |clear: &[(&str, Moment)]| miami.may_call(&CallFacts { clear, ..NOTHING }, now());
    assert!(matches!(gate(&[("us_national", now())]), CallGate::NeedsScreening { .. }));
    assert!(matches!(gate(&[("us_national", now()), ("us_fl", now())]), CallGate::Allowed { .. }));
}

#[test]
fn express_consent_spares_a_live_call_the_screening() {
    for phone in [NEW_YORK, TORONTO, LONDON, "+35312345678"] {
        let facts = CallFacts { consent: consent(ConsentLevel::Express), listed: true, ..NOTHING };
        assert_eq!(call(phone, facts), allowed(DialMode::Manual, Basis::ConsentExpress), "{phone}");
        assert!(needs_screening(phone, NOTHING), "{phone}");
    }
}

#[test]
fn consent_that_has_run_out_is_none() {
    let mut view = consent(ConsentLevel::ExpressWritten);
    view.expires = Some(now());
    assert!(needs_screening(NEW_YORK, CallFacts { consent: view, ..NOTHING }));
    view.expires = Some(now() + Span(1));
    assert_eq!(
        call(NEW_YORK, CallFacts { consent: view, ..NOTHING }),
        allowed(DialMode::Manual, Basis::ConsentExpressWritten)
    );
}

#[test]
fn a_machine_dials_only_with_consent_to_it_and_a_clear_number() {
    let machine = ConsentView { automated: true, ..consent(ConsentLevel::ExpressWritten) };
    let clear = CallFacts { consent: machine, clear: clear_everywhere(now() - Span::days(3)), ..NOTHING };
    assert_eq!(call(NEW_YORK, clear), allowed(DialMode::Automated, Basis::ConsentExpressWritten));
    let unscreened = CallFacts { clear: &[], ..clear };
    assert_eq!(call(NEW_YORK, unscreened), allowed(DialMode::Manual, Basis::ConsentExpressWritten));
    let other_mode = CallFacts { consent: consent(ConsentLevel::ExpressWritten), ..clear };
    assert_eq!(call(NEW_YORK, other_mode), allowed(DialMode::Manual, Basis::ConsentExpressWritten));
    let spoken = CallFacts { consent: ConsentView { automated: true, ..consent(ConsentLevel::Express) }, ..clear };
    assert_eq!(call(NEW_YORK, spoken), allowed(DialMode::Manual, Basis::ConsentExpress), "the US wants it in writing");
    assert_eq!(call(TORONTO, spoken), allowed(DialMode::Automated, Basis::ConsentExpress));
}

#[test]
fn germany_always_and_france_since_august_2026_call_only_with_consent() {
    let asked = CallFacts { inquiry_at: days_ago(1), clear: clear_everywhere(now() - Span::days(1)), ..NOTHING };
    for phone in [BERLIN, PARIS] {
        assert!(matches!(call(phone, asked), CallGate::NotAllowed(Why::CallNeedsConsent { .. })), "{phone}");
        let agreed = CallFacts { consent: consent(ConsentLevel::Express), ..NOTHING };
        assert_eq!(call(phone, agreed), allowed(DialMode::Manual, Basis::ConsentExpress), "{phone}");
    }
    let before = m("2026-08-10T12:00:00Z");
    let screened = CallFacts { clear: clear_everywhere(before), ..NOTHING };
    assert_eq!(number(PARIS).may_call(&screened, before), allowed(DialMode::Manual, Basis::Screened));
    assert!(matches!(number(PARIS).may_call(&NOTHING, before), CallGate::NeedsScreening { .. }));
    assert_eq!(
        call(BERLIN, asked).because().unwrap(),
        "Germany allows a sales call only with express consent, and there is none for this number."
    );
}

#[test]
fn of_several_laws_each_must_allow_the_call() {
    let facts = PlaceFacts { phone: Some(NEW_YORK), country: Some("DE"), ..PlaceFacts::default() };
    let both = Jurisdictions::shipped().place(&facts);
    let asked = CallFacts { inquiry_at: days_ago(1), ..NOTHING };
    assert!(matches!(both.may_call(&asked, now()), CallGate::NotAllowed(Why::CallNeedsConsent { .. })));
    let agreed = CallFacts { consent: consent(ConsentLevel::Express), ..asked };
    assert_eq!(both.may_call(&agreed, now()), allowed(DialMode::Manual, Basis::ConsentExpress));
}

#[test]
fn a_text_needs_consent_in_writing() {
    let sms = |level| number(NEW_YORK).may_sms(&consent(level), now());
    assert_eq!(sms(ConsentLevel::ExpressWritten), Ok(Basis::ConsentExpressWritten));
    for level in [ConsentLevel::Express, ConsentLevel::Inquiry] {
        assert!(matches!(sms(level), Err(Why::SmsNeedsConsent { .. })));
    }
    let none = number(NEW_YORK).may_sms(&ConsentView::default(), now()).unwrap_err();
    assert_eq!(
        none.because(),
        "The United States allows a text only with express written consent, and there is none for this number."
    );
}

#[test]
fn a_place_without_a_row_gets_no_call_and_no_text_and_only_an_answer_by_mail() {
    let sao_paulo = number("+5511987654321");
    let written = ConsentView { automated: true, ..consent(ConsentLevel::ExpressWritten) };
    let every_ground = CallFacts {
        consent: written,
        inquiry_at: days_ago(1),
        purchase_at: days_ago(1),
        clear: clear_everywhere(now() - Span::days(1)),
        listed: false,
    };
    let no_row = Why::NoRow(Missing::Number);
    assert_eq!(sao_paulo.may_call(&every_ground, now()), CallGate::NotAllowed(no_row.clone()));
    assert_eq!(sao_paulo.may_sms(&written, now()), Err(no_row));
    let brazil = Jurisdictions::shipped().place(&PlaceFacts { country: Some("BR"), ..PlaceFacts::default() });
    assert_eq!(brazil.may_email(&ConsentView::default(), days_ago(80), now()), Ok(Basis::Inquiry));
    assert!(brazil.may_email(&ConsentView::default(), days_ago(100), now()).is_err());
    assert_eq!(brazil.may_email(&consent(ConsentLevel::Express), None, now()), Ok(Basis::ConsentExpress));
}

#[test]
fn mail_needs_nothing_in_the_us_and_consent_or_an_inquiry_elsewhere() {
    let mail = |phone, inquiry| number(phone).may_email(&ConsentView::default(), inquiry, now());
    assert_eq!(mail(NEW_YORK, None), Ok(Basis::NotRequired));
    assert_eq!(mail(TORONTO, days_ago(170)), Ok(Basis::Inquiry));
    assert_eq!(
        mail(TORONTO, days_ago(190)).unwrap_err().because(),
        "Canada allows an e-mail only with consent or within 6 months of an inquiry, and there is neither."
    );
    for phone in [BERLIN, PARIS, LONDON] {
        assert!(mail(phone, None).is_err());
        assert_eq!(mail(phone, days_ago(5)), Ok(Basis::Inquiry));
        assert_eq!(number(phone).may_email(&consent(ConsentLevel::Express), None, now()), Ok(Basis::ConsentExpress));
    }
}

#[test]
fn consent_to_mail_lapses_where_the_place_says_so() {
    let shipped = include_str!("../../../../config/policy/jurisdictions.toml");
    let lapsing = shipped.replacen("country = \"DE\"", "country = \"DE\"\nemail_consent_months = 12", 1);
    let book = Jurisdictions::parse(&lapsing).unwrap();
    let berlin = book.place(&PlaceFacts { phone: Some(BERLIN), ..PlaceFacts::default() });
    let mut view = consent(ConsentLevel::Express);
    assert!(berlin.may_email(&view, None, now()).is_err(), "400 days ago");
    assert_eq!(berlin.may_email(&view, days_ago(5), now()), Ok(Basis::Inquiry));
    view.granted_at = days_ago(300);
    assert_eq!(berlin.may_email(&view, None, now()), Ok(Basis::ConsentExpress));
}

#[test]
fn a_consent_of_level_inquiry_is_an_inquiry_of_its_day() {
    let mut view = consent(ConsentLevel::Inquiry);
    assert!(needs_screening(NEW_YORK, CallFacts { consent: view, ..NOTHING }));
    view.granted_at = days_ago(20);
    assert_eq!(call(NEW_YORK, CallFacts { consent: view, ..NOTHING }), allowed(DialMode::Manual, Basis::Inquiry));
}

#[test]
fn a_state_whose_licence_is_not_held_is_neither_called_nor_texted() {
    let shipped = include_str!("../../../../config/policy/jurisdictions.toml");
    let book =
        Jurisdictions::parse(&shipped.replacen("region = \"TX\"", "region = \"TX\"\nlicensed = false", 1)).unwrap();
    let dallas = book.place(&PlaceFacts { phone: Some("+12145550100"), ..PlaceFacts::default() });
    let facts = CallFacts { consent: consent(ConsentLevel::ExpressWritten), ..NOTHING };
    let gate = dallas.may_call(&facts, now());
    assert_eq!(gate.because().unwrap(), "Calls and texts to Texas need a licence that is not held.");
    assert!(dallas.may_sms(&facts.consent, now()).is_err());
}
