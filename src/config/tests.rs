//! What an operator may write, and what she is told when it is wrong.

use super::*;

fn load(file: &str, environment: &[(&str, &str)]) -> Result<Config, ConfigErrors> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ops.toml");
    std::fs::write(&path, file).unwrap();
    let environment: Vec<_> = environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    Config::load(Some(&path), environment.into_iter())
        .map_err(|e| ConfigErrors(e.0.iter().map(|s| s.replace(path.to_str().unwrap(), "ops.toml")).collect()))
}

/// The one fault of a configuration.
fn fault(file: &str, environment: &[(&str, &str)]) -> String {
    let faults = load(file, environment).unwrap_err().0;
    assert_eq!(faults.len(), 1, "{faults:#?}");
    faults[0].clone()
}

#[test]
fn without_any_setting_the_embedded_profile_needs_nothing() {
    let c = Config::load(None, std::iter::empty()).unwrap();
    assert_eq!(c.profile, Profile::Embedded);
    assert_eq!(c.store.url.expose(), "sqlite:data/gleaner.db");
    assert_eq!(c.queue.url.expose(), "sqlite:data/queue.db");
    assert_eq!((c.queue.prefetch, c.worker.batch_size, c.store.max_connections), (1500, 500, 10));
    assert_eq!(c.worker.batch_linger, Duration::from_millis(5));
    assert_eq!(c.worker.shutdown_grace, Duration::from_secs(30));
    assert_eq!((c.act.mode, c.act.publish_ahead, c.act.max_event_age), (Mode::Act, Span::ZERO, Span::hours(24)));
    assert_eq!((c.limits.body_bytes, c.limits.json_depth), (1_048_576, 64));
    assert_eq!((c.history.keep, c.clock.offset), (Span::days(400), Span::ZERO));
    assert_eq!(c.http.listen.to_string(), "127.0.0.1:8080");
    assert!(c.http.token.is_none() && c.policy.dir.is_none());
    assert_eq!(c.id.epoch.as_deref(), Some("0"));
    assert_eq!((c.contact.fictional, &*c.contact.default_country), (Fictional::Allow, "US"));
}

#[test]
fn the_environment_beats_the_file_and_the_file_beats_the_default() {
    let c = load("[queue]\nprefetch = 700\n[act]\nmode = \"observe\"", &[("GLEANER__QUEUE__PREFETCH", "600")]).unwrap();
    assert_eq!((c.queue.prefetch, c.act.mode, c.worker.batch_size), (600, Mode::Observe, 500));
}

#[test]
fn database_url_and_amqp_url_count_in_production_only() {
    let urls = [("DATABASE_URL", "postgres://a:pw@db/x"), ("AMQP_URL", "amqp://b:pw@mq/%2f")];
    assert_eq!(load("", &urls).unwrap().store.url.expose(), "sqlite:data/gleaner.db");
    let production = "profile = \"production\"\n[store]\nurl = \"postgres://file/x\"";
    let c = load(production, &urls).unwrap();
    assert_eq!((c.store.url.expose(), c.queue.url.expose()), ("postgres://a:pw@db/x", "amqp://b:pw@mq/%2f"));
    assert_eq!(c.id.epoch, None);
    // Its own variable is more specific than the one it shares with other programs.
    let own = [urls[0], ("GLEANER__STORE__URL", "postgres://own/x")];
    assert_eq!(load(production, &own).unwrap().store.url.expose(), "postgres://own/x");
}

#[test]
fn a_typing_error_in_a_key_names_the_key_that_was_meant() {
    assert_eq!(
        fault("\n[store]\nulr = \"sqlite:x.db\"", &[]),
        "`store.ulr` (ops.toml, line 3) is not a setting; did you mean `store.url`?"
    );
    assert_eq!(
        fault("", &[("GLEANER__QUEUE__PREFETCHH", "5")]),
        "`queue.prefetchh` (environment variable GLEANER__QUEUE__PREFETCHH) is not a setting; did you mean \
         `queue.prefetch`?"
    );
    assert!(fault("prefetch = 9", &[]).ends_with("did you mean `queue.prefetch`?"));
    assert!(fault("[act]\nspeed_of_light = 9", &[]).contains("this section has `act.max_event_age`, "));
    assert!(fault("[colour]\nof_money = 9", &[]).ends_with("`gleaner config` lists them all."));
    assert!(fault("act = 9", &[]).contains("is not a setting but a section, with `act.max_event_age`, "));
}

#[test]
fn a_number_out_of_range_or_of_another_kind_is_refused() {
    let expected = "`queue.prefetch` must be a whole number from 1 to 65535, not";
    for (written, said) in
        [("0", "0"), ("-5", "-5"), ("70000", "70000"), ("2.5", "a number with a fraction"), ("\"9\"", "\"9\"")]
    {
        assert_eq!(
            fault(&format!("[queue]\nprefetch = {written}"), &[]),
            format!("{expected} {said} (ops.toml, line 2).")
        );
    }
    let said = fault("", &[("GLEANER__QUEUE__PREFETCH", "many")]);
    assert_eq!(said, format!("{expected} \"many\" (environment variable GLEANER__QUEUE__PREFETCH)."));
}

#[test]
fn a_length_of_time_without_its_unit_is_refused() {
    let expected = "must be a length of time from 0s to 7d, written with its unit (ms, s, m, h or d), not";
    let said = |v: &str| fault(&format!("[act]\npublish_ahead = {v}"), &[]);
    assert_eq!(said("\"30\""), format!("`act.publish_ahead` {expected} \"30\" (ops.toml, line 2): it has no unit."));
    assert!(said("30").ends_with("not 30 (ops.toml, line 2): it has no unit."));
    assert!(said("\"5 sec\"").ends_with(": \"sec\" is not a unit."));
    assert!(said("\"-1s\"").ends_with("not \"-1s\" (ops.toml, line 2)."));
    assert!(said("\"8d\"").ends_with("not \"8d\" (ops.toml, line 2)."));
    assert_eq!(load("[clock]\noffset = \"-3h\"", &[]).unwrap().clock.offset, Span::hours(-3));
    assert_eq!(load("[act]\npublish_ahead = 0", &[]).unwrap().act.publish_ahead, Span::ZERO);
}

#[test]
fn fictional_contacts_are_allowed_for_trying_things_and_refused_in_production_unless_said_otherwise() {
    let fictional = |file: &str| load(file, &[]).unwrap().contact.fictional;
    assert_eq!(fictional(""), Fictional::Allow);
    assert_eq!(fictional("profile = \"production\""), Fictional::Refuse);
    assert_eq!(fictional("profile = \"production\"\n[contact]\nfictional = \"allow\""), Fictional::Allow);
    assert_eq!(fictional("[contact]\nfictional = \"refuse\""), Fictional::Refuse);
    let shown = load("profile = \"production\"", &[]).unwrap().show();
    assert!(shown.contains("fictional = \"refuse\" "), "what is meant is shown: {shown}");
    assert!(fault("[contact]\nfictional = \"maybe\"", &[]).contains("\"refuse\" or \"allow\", not \"maybe\""));
}

#[test]
fn a_word_outside_its_set_is_refused_with_the_set() {
    assert_eq!(
        fault("[act]\nmode = \"Act\"", &[]),
        "`act.mode` must be \"act\" or \"observe\" or \"paused\", not \"Act\" (ops.toml, line 2)."
    );
    // And not, besides, that postgres:// would be wrong for the default profile.
    assert!(fault("profile = \"prod\"\n[store]\nurl = \"postgres://db/x\"", &[]).starts_with("`profile` must be"));
    assert!(fault("[log]\nlevel = \"loud\"", &[]).starts_with("`log.level` must be a level (error, warn, "));
    assert!(fault("[contact]\ndefault_country = \"usa\"", &[]).contains("two capital letters"));
    assert!(fault("[names]\nprefix = \"a/b\"", &[]).contains("at most 64 of the characters"));
}

#[test]
fn an_address_of_the_other_profile_is_refused_without_telling_its_password() {
    assert_eq!(
        fault("[store]\nurl = \"postgres://ana:hunter2@db/x\"", &[]),
        "`store.url` is postgres://ana:***@db/x (ops.toml, line 2), but the profile is embedded, where it must be a \
         SQLite file: give an address such as sqlite:data/gleaner.db, or set `profile` to \"production\"."
    );
    let said = fault("profile = \"production\"", &[("DATABASE_URL", "sqlite:data/gleaner.db")]);
    assert!(
        said.contains(
            "(environment variable DATABASE_URL), but the profile is production, where it must be PostgreSQL"
        )
    );
    let said = fault("profile = \"production\"", &[("AMQP_URL", "http://ana:hunter2@mq")]);
    assert!(said.contains("http://ana:***@mq") && !said.contains("or set `profile`"), "{said}");
    assert!(fault("[store]\nurl = \"sqlite:\"", &[]).contains("nothing follows the scheme"));
    assert!(fault("[store]\nurl = \"sqlite:data/queue.db\"", &[]).contains("each needs a file of its own"));
}

#[test]
fn listening_beyond_this_machine_needs_a_token() {
    let open = ("GLEANER__HTTP__LISTEN", "0.0.0.0:9000");
    assert_eq!(
        fault("", &[open]),
        "`http.listen` is 0.0.0.0:9000 (environment variable GLEANER__HTTP__LISTEN), which other machines can reach, \
         and `http.token` is empty: set a token, or listen on 127.0.0.1:9000."
    );
    let c = load("", &[open, ("GLEANER__HTTP__TOKEN", "hunter2")]).unwrap();
    assert_eq!(c.http.token.unwrap().expose(), "hunter2");
    assert!(load("[http]\nlisten = \"[::1]:0\"", &[]).is_ok());
    assert!(fault("[http]\nlisten = \"localhost\"", &[]).contains("such as \"127.0.0.1:8080\""));
}

#[test]
fn a_wrong_token_is_not_told() {
    let said = fault("[http]\ntoken = \"hunter 2\"", &[]);
    assert!(said.starts_with("`http.token` must be a text of printable ASCII") && !said.contains("hunter"), "{said}");
}

#[test]
fn a_batch_that_could_never_fill_is_refused() {
    assert_eq!(
        fault("[queue]\nprefetch = 100", &[]),
        "`worker.batch_size` is 500 and `queue.prefetch` 100: no batch could ever fill, so set `queue.prefetch` to \
         500 or more."
    );
}

#[test]
fn a_queue_may_have_bindings_and_a_limit_of_its_own() {
    let file = "[queues.outreach]\nbindings = [\"task.follow_up.email\"]\nmax_length = 20\n[queues.texts]\nbindings = [\"task.follow_up.sms\"]";
    let c = load(file, &[("GLEANER__QUEUES__CALLS_NOW__MAX_LENGTH", "5")]).unwrap();
    let queue = |bindings: &[&str], max_length| TaskQueue {
        bindings: (!bindings.is_empty()).then(|| bindings.iter().map(|key| (*key).to_owned()).collect()),
        max_length,
    };
    assert_eq!(
        c.queues,
        BTreeMap::from([
            ("calls-now".to_owned(), queue(&[], Some(5))),
            ("outreach".to_owned(), queue(&["task.follow_up.email"], Some(20))),
            ("texts".to_owned(), queue(&["task.follow_up.sms"], None)),
        ])
    );
    // What is shown can be read again.
    let shown = c.show();
    assert_eq!(load(&shown, &[]).unwrap().queues, c.queues, "{shown}");
    let nobody = load("", &[("GLEANER__QUEUES__PRACTICE__BINDINGS", " , ")]).unwrap();
    assert_eq!(nobody.queues["practice"].bindings, Some(Vec::new()), "bound to nothing, which is allowed");
    assert_eq!(
        load("", &[("GLEANER__QUEUES__CALLS__BINDINGS", "a.b, c.#")]).unwrap().queues["calls"].bindings,
        Some(vec!["a.b".into(), "c.#".into()])
    );
}

#[test]
fn a_queue_that_cannot_be_is_refused() {
    assert_eq!(
        fault("[queues.outreach]\nbinding = []", &[]),
        "`queues.outreach.binding` (ops.toml, line 2) is not a setting; a section [queues.<suffix>] has `bindings` and `max_length`."
    );
    assert!(fault("[queues.calls]\nmax_length = 0", &[]).contains("a whole number from 1 to 100000000, not 0"));
    assert!(
        fault("[queues.calls]\nbindings = [\"a b\"]", &[])
            .ends_with("not a list of 1 (ops.toml, line 2): \"a b\" is none.")
    );
    assert!(
        fault("[queues.calls]\nbindings = \"a\"", &[])
            .starts_with("`queues.calls.bindings` must be a list of routing keys")
    );
    assert!(fault("[queues.Calls_1]\nbindings = []", &[]).contains("the characters a-z 0-9 and -"));
    assert!(
        fault("[queues.cals]\nmax_length = 9", &[])
            .starts_with("`queues.cals` is none of the standard queues (calls-now, calls, ")
    );
}

#[test]
fn traces_go_to_plain_http_and_no_address_tells_a_password() {
    let endpoint = |file: &str| load(file, &[]).unwrap().telemetry.otlp_endpoint;
    assert_eq!(endpoint(""), None);
    assert_eq!(
        endpoint("[telemetry]\notlp_endpoint = \"http://127.0.0.1:4318\"").as_deref(),
        Some("http://127.0.0.1:4318")
    );
    for wrong in ["127.0.0.1:4318", "https://collector", "http://", "http://ana:hunter2@collector"] {
        let said = fault(&format!("[telemetry]\notlp_endpoint = \"{wrong}\""), &[]);
        assert!(said.starts_with("`telemetry.otlp_endpoint` must be empty, or") && !said.contains("hunter2"), "{said}");
    }
}

#[test]
fn true_and_false_are_written_without_quotes_except_in_the_environment() {
    assert!(load("", &[]).unwrap().queue.declare);
    assert!(!load("[queue]\ndeclare = false", &[]).unwrap().queue.declare);
    assert!(!load("", &[("GLEANER__QUEUE__DECLARE", "false")]).unwrap().queue.declare);
    assert_eq!(
        fault("[queue]\ndeclare = \"no\"", &[]),
        "`queue.declare` must be true or false, not \"no\" (ops.toml, line 2)."
    );
    assert!(fault("[queue]\nprefetch = true", &[]).contains("not true (ops.toml"));
}

#[test]
fn all_faults_are_told_at_once() {
    let errors = load("profil = \"production\"\n[act]\nmode = 3\n[limits]\njson_depth = 0", &[]).unwrap_err();
    assert_eq!(errors.0.len(), 3, "{errors}");
    assert!(errors.to_string().starts_with("the configuration is wrong in 3 places:\n  - `profil` "), "{errors}");
}

#[test]
fn a_file_that_is_no_toml_is_told_by_line_without_quoting_it() {
    let said = fault("\n[http]\ntoken = hunter2\n", &[]);
    assert!(said.starts_with("ops.toml, line 3, is not TOML: ") && !said.contains("hunter2"), "{said}");
    let missing = Config::load(Some(Path::new("/no/such.toml")), std::iter::empty()).unwrap_err().to_string();
    assert!(missing.contains("the file /no/such.toml cannot be read: No such file"), "{missing}");
}

#[test]
fn what_is_shown_has_every_setting_with_its_origin_and_no_secret() {
    let environment = [
        ("DATABASE_URL", "postgres://ana:hunter2@db/x"),
        ("GLEANER__HTTP__TOKEN", "hunter2"),
        ("GLEANER__ACT__PUBLISH_AHEAD", "60m"),
    ];
    let c = load("profile = \"production\"", &environment).unwrap();
    let shown = c.show();
    assert!(!shown.contains("hunter2") && !format!("{c:?}").contains("hunter2"), "{shown}");
    assert!(shown.starts_with("profile = \"production\" "), "{shown}");
    let line = |start: &str| shown.lines().find(|l| l.starts_with(start)).unwrap_or_else(|| panic!("{start}: {shown}"));
    assert!(line("publish_ahead = \"1h\" ").ends_with("# environment variable GLEANER__ACT__PUBLISH_AHEAD"));
    assert!(line("url = \"postgres://ana:***@db/x\" ").ends_with("# environment variable DATABASE_URL"));
    assert!(line("token = \"***\" ").ends_with("# environment variable GLEANER__HTTP__TOKEN"));
    assert!(line("prefetch = 1500 ").ends_with("# default"));
    // It is TOML, and it has the keys of the defaults, neither more nor fewer.
    let keys = |text: &str| -> Vec<String> {
        let table: toml::Table = text.parse().unwrap();
        table
            .iter()
            .flat_map(|(s, v)| match v {
                toml::Value::Table(t) => t.keys().map(|k| format!("{s}.{k}")).collect(),
                _ => vec![s.clone()],
            })
            .collect()
    };
    assert_eq!(keys(&shown), keys(DEFAULTS));
    assert!(c.shown.values().all(|(value, _)| !value.is_empty()), "a key of the defaults is never read");
}

#[test]
fn every_setting_is_explained_right_above_it() {
    let lines: Vec<&str> = DEFAULTS.lines().collect();
    for pair in lines.windows(2).filter(|pair| pair[1].contains(" = ") && !pair[1].starts_with('#')) {
        assert!(pair[0].starts_with("# "), "{}", pair[1]);
    }
}

#[test]
fn the_example_for_production_starts() {
    let c = load(include_str!("../../config/production.toml"), &[]).unwrap();
    assert_eq!((c.profile, c.log.format), (Profile::Production, LogFormat::Json));
    assert_eq!(c.queue.url.scheme(), "amqp");
}

#[test]
fn a_variable_with_one_underscore_is_told_with_the_one_that_was_meant() {
    let config = load("", &[]).unwrap();
    let told = |name: &str| config.strays([(name.to_owned(), "x".to_owned())].into_iter());
    assert_eq!(
        told("GLEANER_HTTP_TOKEN"),
        ["the variable GLEANER_HTTP_TOKEN is not read; did you mean GLEANER__HTTP__TOKEN?"]
    );
    assert!(told("GLEANER_QUEUE_PREFTECH")[0].contains("GLEANER__QUEUE__PREFETCH"));
    assert!(told("GLEANER_COLOUR_OF_MONEY")[0].contains("GLEANER__SECTION__KEY"));
    for fine in ["GLEANER__HTTP__TOKEN", "GLEANER_DIE_AT", "GLEANER_TEST_PREFIX", "HOME"] {
        assert!(told(fine).is_empty(), "{fine}");
    }
}

#[test]
fn a_file_that_is_no_configuration_is_told_in_one_sentence() {
    let events = "{\"specversion\":\"1.0\"}\n".repeat(40);
    let faults = load(&events, &[]).unwrap_err().0;
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(faults[0].contains("looks like no configuration (line 1 is not TOML"), "{faults:?}");
    let plays = include_str!("../../config/policy/plays.toml");
    let faults = load(plays, &[]).unwrap_err().0;
    assert!(faults.len() == 1 && faults[0].contains("none of its keys is a setting"), "{faults:?}");
}
