//! What a person at the command line gets: answers, exit codes, and a worker that loses nothing.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::embedded::{Embedded, event, gleaner, inquiry, refused, told, wait_for};

const ANA: (&str, &str) = ("ana@example.com", "+12125552368");

fn rows(jsonl: &str) -> Vec<Value> {
    jsonl.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_wrong_question_ends_with_2() {
    let dir = tempfile::tempdir().unwrap();
    for args in [
        &[][..],
        &["glean"],
        &["run", "--faster"],
        &["replay", "--events", "x"],
        &["dead", "drop"],
        &["dead", "drop", "abc", "--all"],
        &["topology", "--diff", "--apply"],
        &["explain", "x", "--as-of", "yesterday"],
        // Right in itself, but not in the embedded profile, and not without the file.
        &["topology"],
        &["publish", "--events", "no-such-file.jsonl"],
    ] {
        let (code, said) = refused(&mut gleaner(dir.path(), args));
        assert_eq!(code, 2, "{args:?}: {said}");
    }
    assert!(std::fs::read_dir(dir.path()).unwrap().next().is_none(), "a question makes nothing");
    assert!(told(&mut gleaner(dir.path(), &["--help"])).contains("publish"));
}

#[test]
fn an_unknown_setting_ends_with_2_and_is_named() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("ops.toml"), "[store]\nulr = \"sqlite:x.db\"\n").unwrap();
    for args in
        [&["config", "--config", "ops.toml"][..], &["run", "--config", "ops.toml"], &["--config", "ops.toml", "check"]]
    {
        let (code, said) = refused(&mut gleaner(dir.path(), args));
        assert_eq!(code, 2);
        let expected = "gleaner: the configuration is wrong: `store.ulr` (ops.toml, line 2) is not a setting; did you mean `store.url`?\n";
        assert_eq!(said, expected);
    }
}

#[test]
fn a_wrong_policy_ends_with_2_and_every_fault_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let policy = dir.path().join("policy");
    std::fs::create_dir(&policy).unwrap();
    std::fs::write(policy.join("floor.toml"), "default_zone = \"Mars/Olympus\"\n[desk]\nzone = \"UTC\"\nhours = {}\n")
        .unwrap();
    std::fs::write(policy.join("scorign.toml"), "").unwrap();
    std::fs::write(policy.join("README.md"), "not a policy file, and no matter").unwrap();
    let run = |args: &[&str]| refused(gleaner(dir.path(), args).env("GLEANER__POLICY__DIR", "policy"));
    let (code, said) = run(&["run"]);
    assert_eq!(code, 2);
    assert!(said.starts_with("gleaner: the policy is wrong in 2 places:\n"), "{said}");
    assert!(said.contains("scorign.toml") && said.contains("Mars/Olympus") && !said.contains("README"), "{said}");
    std::fs::write(dir.path().join("none.jsonl"), "").unwrap();
    let (code, said) =
        refused(&mut gleaner(dir.path(), &["replay", "--events", "none.jsonl", "--out", "o", "--policy", "nowhere"]));
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("nowhere cannot be read"), "{said}");
}

#[test]
fn every_file_of_the_policy_is_printed_as_it_is_in_force() {
    let shipped = |name: &str| std::fs::read_to_string(format!("{}/config/policy/{name}", env!("CARGO_MANIFEST_DIR")));
    let dir = tempfile::tempdir().unwrap();
    let show = |args: &[&str]| gleaner(dir.path(), &[&["policy", "show"], args].concat());
    // Before anything has run.
    assert!(told(&mut show(&[])).starts_with("There is no database at "));
    for (name, text) in gleaner::domain::policy::SHIPPED {
        let out = show(&[name]).output().unwrap();
        assert_eq!(String::from_utf8(out.stdout).unwrap(), text);
        assert!(String::from_utf8(out.stderr).unwrap().contains("this is the configured policy"));
    }
    let edited = format!("# ours\n{}", shipped("floor.toml").unwrap());
    std::fs::create_dir(dir.path().join("policy")).unwrap();
    std::fs::write(dir.path().join("policy/floor.toml"), &edited).unwrap();
    let configured = |name: &str| told(show(&[name]).env("GLEANER__POLICY__DIR", "policy"));
    assert_eq!(configured("floor.toml"), edited);
    assert_eq!(configured("plays.toml"), shipped("plays.toml").unwrap());
    let (code, said) = refused(&mut show(&["scorign.toml"]));
    assert!(code == 2 && said.contains("scoring.toml"), "{said}");
    // An applied one is in force, whatever is configured.
    let mut worker = Embedded::new(&[]);
    worker.start();
    let policy = dir.path().join("policy");
    worker.told(&["policy", "apply", policy.to_str().unwrap()]);
    assert_eq!(worker.told(&["policy", "show", "floor.toml"]), edited);
    let json: Value =
        serde_json::from_str(&worker.told(&["policy", "show", "floor.toml", "--output", "json"])).unwrap();
    assert_eq!((json["file"].as_str(), json["text"].as_str()), (Some("floor.toml"), Some(edited.as_str())));
}

#[test]
fn no_secret_is_ever_told() {
    let dir = tempfile::tempdir().unwrap();
    let command = |args: &[&str]| {
        let mut command = gleaner(dir.path(), args);
        command
            .env("GLEANER__PROFILE", "production")
            .env("GLEANER__HTTP__TOKEN", "hunter2")
            .env("GLEANER__LOG__LEVEL", "debug")
            // Nobody listens on port 1.
            .env("DATABASE_URL", "postgres://ana:hunter2@127.0.0.1:1/x")
            .env("AMQP_URL", "amqp://ana:hunter2@127.0.0.1:1/%2f");
        command
    };
    let shown = told(&mut command(&["config", "show"]));
    assert!(shown.contains("postgres://ana:***@127.0.0.1:1/x") && shown.contains("token = \"***\""), "{shown}");
    std::fs::write(dir.path().join("e.jsonl"), "{}\n").unwrap();
    for args in [&["migrate"][..], &["topology", "--diff"], &["dead", "list"], &["check"]] {
        let out = command(args).output().unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
        assert_eq!(out.status.code(), Some(1), "{args:?}: {said}");
        assert!(!said.contains("hunter2"), "{args:?}: {said}");
    }
    // An address that cannot even be read.
    let (code, said) = refused(command(&["migrate"]).env("DATABASE_URL", "postgres://ana:hunter2@db:port/x"));
    assert!(code == 1 && !said.contains("hunter2"), "{said}");
}

#[test]
fn every_event_type_has_its_schema() {
    let dir = tempfile::tempdir().unwrap();
    told(&mut gleaner(dir.path(), &["schema", "--out", "schemas"]));
    let captured = std::fs::read_to_string(dir.path().join("schemas/lead.captured.json")).unwrap();
    let captured: Value = serde_json::from_str(&captured).unwrap();
    assert_eq!(captured["$schema"], "https://json-schema.org/draft/2020-12/schema");
    let all: Value = serde_json::from_str(&told(&mut gleaner(dir.path(), &["schema"]))).unwrap();
    assert_eq!(all["lead.captured.json"], captured);
    let files = std::fs::read_dir(dir.path().join("schemas")).unwrap().count();
    assert_eq!(files, all.as_object().unwrap().len());
}

#[test]
fn the_demo_needs_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let said = told(&mut gleaner(dir.path(), &["demo"]));
    assert!(said.contains("leads"), "{said}");
    let iris = told(&mut gleaner(dir.path(), &["demo", "iris"]));
    assert!(iris.contains("Engagement") && iris.contains("email iris@example.com"), "{iris}");
    assert_eq!(refused(&mut gleaner(dir.path(), &["demo", "nobody"])).0, 2);
    assert!(std::fs::read_dir(dir.path()).unwrap().next().is_none(), "and leaves nothing");
}

#[test]
fn a_lead_of_a_replay_is_explained_out_of_its_results() {
    let dir = tempfile::tempdir().unwrap();
    let event = inquiry("e-1", ANA.0, ANA.1, "2026-03-03T16:00:00Z");
    std::fs::write(dir.path().join("e.jsonl"), event.to_string()).unwrap();
    told(&mut gleaner(dir.path(), &["replay", "--events", "e.jsonl", "--out", "out"]));
    let explain =
        |lead: &str, more: &[&str]| gleaner(dir.path(), &[&["explain", lead, "--replayed", "out"], more].concat());
    let said = told(&mut explain("phone:(212) 555-2368", &[]));
    assert!(said.contains("out, and not reported on yet: a first call, a first e-mail"), "{said}");
    let record: Value = serde_json::from_str(&told(&mut explain(ANA.0, &["--json"]))).unwrap();
    assert_eq!(rows(&std::fs::read_to_string(dir.path().join("out/leads.jsonl")).unwrap())[0], record);
    let later = json!({ "specversion": "1.0", "id": "e-2", "source": "/test", "type": "email.replied", "time": "2026-03-03T17:00:00Z",
        "data": { "lead": { "email": ANA.0 }, "text": "Not now, our contract runs until 30 September 2026." } });
    std::fs::write(dir.path().join("e.jsonl"), format!("{event}\n{later}\n")).unwrap();
    told(&mut gleaner(dir.path(), &["replay", "--events", "e.jsonl", "--out", "out"]));
    let said = told(&mut explain(ANA.0, &[]));
    assert!(said.contains("to go out on") && said.contains(" their time)"), "{said}");
    let (code, said) = refused(&mut explain("nobody@example.com", &[]));
    assert!(code == 2 && said.contains("no lead in out has the id or key \"nobody@example.com\""), "{said}");
    let (code, said) = refused(&mut gleaner(dir.path(), &["explain", "x", "--replayed", "nowhere"]));
    assert!(code == 2 && said.contains("leads.jsonl, which `gleaner replay` writes"), "{said}");
}

#[test]
fn a_replay_reads_standard_input_and_tells_what_it_came_to() {
    let dir = tempfile::tempdir().unwrap();
    let mut command =
        gleaner(dir.path(), &["replay", "--events", "-", "--out", "out", "--window", "1h", "--output", "json"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let events = [inquiry("e-1", ANA.0, ANA.1, "2026-03-03T16:00:00Z").to_string(), "not json".to_owned()].join("\n");
    child.stdin.take().unwrap().write_all(events.as_bytes()).unwrap();
    let out = child.wait_with_output().unwrap();
    assert!(out.status.success());
    let summary: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!((&summary["leads"], &summary["refused"]), (&json!(1), &json!(1)));
    let leads = rows(&std::fs::read_to_string(dir.path().join("out/leads.jsonl")).unwrap());
    assert_eq!(leads[0]["keys"]["phone"], json!([ANA.1]));
}

#[test]
fn two_replays_are_compared_and_a_folder_is_not_compared_with_itself() {
    let dir = tempfile::tempdir().unwrap();
    let event = inquiry("e-1", ANA.0, ANA.1, "2026-03-03T16:00:00Z");
    std::fs::write(dir.path().join("e.jsonl"), format!("{event}\n{{a: 1}}\n")).unwrap();
    let replay = |more: &[&str]| gleaner(dir.path(), &[&["replay", "--events", "e.jsonl"], more].concat());
    let said = told(&mut replay(&["--out", "was", "--until", "2026-03-20"]));
    assert!(said.contains("1 events were refused") && said.contains("is in rejected.jsonl"), "{said}");
    let rejected = std::fs::read_to_string(dir.path().join("was/rejected.jsonl")).unwrap();
    assert!(rejected.contains("line 1, column 2: a name must be in double quotes"), "{rejected}");

    let said = told(&mut replay(&["--out", "is", "--compare", "was"]));
    assert!(
        said.contains("Against was: of 1 lead in both, the verdict or its cause differs for 1 and the grade for 0."),
        "{said}"
    );
    assert!(said.contains("call_again") && dir.path().join("is/compare.json").exists(), "{said}");
    let json: Value =
        serde_json::from_str(&told(&mut replay(&["--out", "is", "--compare", "was", "--output", "json"]))).unwrap();
    assert!(json["compare"]["plays"]["was"].is_object(), "{json}");

    for (other, why) in
        [("is", "would write over"), ("./is", "would write over"), ("nowhere", "no leads.jsonl in nowhere")]
    {
        let (code, said) = refused(&mut replay(&["--out", "is", "--compare", other]));
        assert!(code == 2 && said.contains(why), "{other}: {said}");
    }
}

#[test]
fn a_replay_says_what_it_writes_over_and_when_its_end_came_too_early() {
    let dir = tempfile::tempdir().unwrap();
    let event = inquiry("e-1", ANA.0, ANA.1, "2026-03-03T16:00:00Z");
    std::fs::write(dir.path().join("e.jsonl"), event.to_string()).unwrap();
    let replay = |more: &[&str]| {
        let args = [&["replay", "--events", "e.jsonl", "--out", "out"], more].concat();
        let out = gleaner(dir.path(), &args).output().unwrap();
        assert!(out.status.success());
        String::from_utf8(out.stderr).unwrap()
    };
    assert_eq!(replay(&[]), "");
    std::fs::write(dir.path().join("out/notes.txt"), "mine").unwrap();
    let said = replay(&["--until", "2026-03-01"]);
    assert!(
        said.contains("conduct.jsonl, leads.jsonl, rejected.jsonl, summary.json, tasks.jsonl are written anew"),
        "{said}"
    );
    assert!(said.contains("notes.txt in out is no part of these results"), "{said}");
    assert!(said.contains("is before the last event: the clock ran to 2026-03-03T16:00:00Z"), "{said}");
    assert_eq!(replay(&["--quiet"]), "");
    assert_eq!(std::fs::read_to_string(dir.path().join("out/notes.txt")).unwrap(), "mine");
}

#[test]
fn a_test_lead_is_out_of_the_figures_of_a_replay() {
    let dir = tempfile::tempdir().unwrap();
    let mut ours = inquiry("e-2", "test@example.com", "+12125552369", "2026-03-03T16:00:00Z");
    ours["data"]["origin"] = json!({ "test": true });
    let events = [inquiry("e-1", ANA.0, ANA.1, "2026-03-03T16:00:00Z"), ours].map(|event| event.to_string());
    std::fs::write(dir.path().join("e.jsonl"), events.join("\n")).unwrap();
    told(&mut gleaner(dir.path(), &["replay", "--events", "e.jsonl", "--out", "out"]));
    let summary: Value =
        serde_json::from_str(&std::fs::read_to_string(dir.path().join("out/summary.json")).unwrap()).unwrap();
    let counted = |figure: &str| summary[figure].as_object().unwrap().values().filter_map(Value::as_u64).sum::<u64>();
    assert_eq!((&summary["leads"], counted("verdicts"), counted("causes")), (&json!(1), 1, 1), "{summary}");
    assert_eq!(summary["stages"]["test"], 1, "how many there are is told");
}

#[test]
fn a_slip_in_a_name_is_told_before_it_is_searched_for() {
    let dir = tempfile::tempdir().unwrap();
    let out = gleaner(dir.path(), &["config"]).env("GLEANER_HTTP_LISTEN", "x").output().unwrap();
    assert!(out.status.success());
    let said = String::from_utf8(out.stderr).unwrap();
    assert_eq!(said, "gleaner: the variable GLEANER_HTTP_LISTEN is not read; did you mean GLEANER__HTTP__LISTEN?\n");
    // From another folder than the worker's it is said where was looked.
    let (code, said) = refused(&mut gleaner(dir.path(), &["explain", "x"]));
    let place = dir.path().canonicalize().unwrap().join("data/gleaner.db");
    assert!(code == 1 && said.contains(place.to_str().unwrap()) && said.contains("`store.url`"), "{said}");
    let events = dir.path().join("events.jsonl");
    std::fs::write(&events, "{\"a\":1}\n".repeat(9)).unwrap();
    let (code, said) = refused(&mut gleaner(dir.path(), &["check", "--config", "events.jsonl"]));
    assert!(code == 2 && said.lines().count() == 1 && said.contains("looks like no configuration"), "{said}");
}

#[test]
fn an_event_goes_in_a_task_comes_out_and_every_reader_says_the_same() {
    let mut worker = Embedded::at_noon();
    worker.send(&[inquiry("e-1", ANA.0, ANA.1, &worker.now())]);
    let call = worker.first_tasks("calls-now").remove(0);
    let id = call["id"].as_str().unwrap();
    assert_eq!(worker.delete(&format!("/tasks/calls-now/{id}")).status, 204);
    let done = json!({ "task_id": id, "disposition": "N", "to": ANA.1 });
    worker.send(&[event("e-2", "call.completed", &worker.now(), done)]);
    wait_for("the report", || (worker.get("/api/leads/ana@example.com").json()["version"] == 2).then_some(()));

    // Judged at one instant, three readers agree.
    let as_of = worker.now();
    let exported = rows(&worker.told(&["export", "--as-of", &as_of]));
    let explained: Value =
        serde_json::from_str(&worker.told(&["explain", "phone:212-555-2368", "--as-of", &as_of, "--json"])).unwrap();
    assert_eq!(exported, std::slice::from_ref(&explained));
    // When the opinion changed last depends on what was known when: it is told as of now, and not where one compares.
    let now: Value = serde_json::from_str(&worker.told(&["explain", "ana@example.com", "--json"])).unwrap();
    assert_eq!(now["changed"]["what"], "our call");
    assert!(explained.get("changed").is_none());
    let asked = worker.get("/api/leads/ana@example.com").json();
    for field in ["lead_id", "verdict", "diagnosis", "stage", "facts_digest", "policy", "version", "open_tasks"] {
        assert_eq!(asked[field], explained[field], "{field}");
    }
    assert_eq!(worker.told(&["export", "--as-of", &as_of, "--output", "jsonl"]).lines().count(), 1);
    let words = worker.told(&["explain", "ana@example.com"]);
    assert!(words.contains(asked["lead_id"].as_str().unwrap()), "{words}");

    // Before the newest event nobody can say what was known; the refusal names the event's time.
    for command in [&["explain", "ana@example.com"][..], &["export"], &["report"]] {
        let out = worker.command(&[command, &["--as-of", "2026-01-01"]].concat()).output().unwrap();
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        assert_eq!((out.status.code(), out.stdout.len()), (Some(2), 0), "{command:?}: {said}");
        let newest = said.split("which is of ").nth(1).unwrap().split(';').next().unwrap().to_owned();
        let out = worker.command(&[command, &["--as-of", newest.as_str()]].concat()).output().unwrap();
        assert!(out.status.success(), "{command:?} as of {newest}: {}", String::from_utf8_lossy(&out.stderr));
    }

    let (code, said) = refused(&mut worker.command(&["explain", "nobody@example.com"]));
    assert_eq!(code, 1);
    assert!(said.starts_with("gleaner: no lead has the id or key \"nobody@example.com\""), "{said}");

    let (status, took) = worker.stop();
    assert_eq!(status.code(), Some(0));
    assert!(took.as_secs() < 10, "a worker with nothing to do stops at once, and not after {took:?}");
    assert_eq!(rows(&worker.told(&["export", "--as-of", &as_of])), exported, "a reader needs no worker");
}

#[test]
fn what_was_accepted_survives_a_kill_and_makes_one_task() {
    let mut worker = Embedded::at_noon();
    for n in 0..6_usize {
        worker.send(&[inquiry(
            &format!("e-{n}"),
            &format!("p{n}@example.com"),
            &format!("+1212555236{n}"),
            &worker.now(),
        )]);
        worker.kill();
        worker.start();
        // Each is at stake in two kills: one that dies under a message three times sets it aside, which is another test's.
        if let Some(before) = n.checked_sub(1) {
            let lead = format!("/api/leads/p{before}@example.com");
            wait_for("the one before", || (worker.get(&lead).status == 200).then_some(()));
        }
    }
    one_call_each(&worker, 6);
}

#[test]
fn a_death_between_any_two_durable_steps_loses_and_doubles_nothing() {
    // Each has files of its own, so that one waits for its lease while the others do.
    std::thread::scope(|scope| {
        for seam in ["before_commit", "after_commit", "before_publish", "after_confirm"] {
            scope.spawn(move || {
                let mut worker = Embedded::at_noon();
                worker.kill();
                worker.start_with(&[("GLEANER_DIE_AT", seam)]);
                let inquiry = inquiry(seam, ANA.0, ANA.1, &worker.now());
                // It may die before it has answered: then whoever sent it sends it again, and nothing changes.
                let answer = worker.post("/events", inquiry.to_string().as_bytes());
                assert!([202, 0].contains(&answer.status), "{answer:?}");
                assert!(!worker.wait_for_end().success(), "it died {seam}");
                worker.start();
                worker.send(&[inquiry]);
                one_call_each(&worker, 1);
            });
        }
    });
}

/// Waits until as many people have a call; each has one task, however often it was handed out, from one event.
fn one_call_each(worker: &Embedded, people: usize) {
    let mut calls: Vec<Value> = Vec::new();
    wait_for("a call for everybody", || {
        calls.extend(worker.tasks("calls-now"));
        let distinct = |field: &dyn Fn(&Value) -> String| calls.iter().map(field).collect::<BTreeSet<_>>().len();
        let ids = distinct(&|call| call["id"].to_string());
        assert!(ids <= people, "{ids} tasks for {people} people");
        (distinct(&|call| call["data"]["contact"]["phone"].to_string()) == people).then_some(())
    });
    let leads = rows(&worker.told(&["export"]));
    assert_eq!(leads.len(), people);
    for lead in leads {
        assert_eq!(lead["version"], 1, "one event, applied once: {lead}");
    }
}

#[test]
fn a_second_worker_on_the_same_files_is_refused() {
    let mut worker = Embedded::new(&[]);
    worker.start();
    let (code, said) = refused(&mut worker.command(&["run"]));
    assert_eq!(code, 1);
    assert!(said.starts_with("gleaner: another gleaner runs on data/gleaner.db: stop it first"), "{said}");
    let taken = worker.address().to_owned();
    let elsewhere = tempfile::tempdir().unwrap();
    let (code, said) = refused(gleaner(elsewhere.path(), &["run"]).env("GLEANER__HTTP__LISTEN", &taken));
    assert_eq!(code, 1);
    assert!(said.contains(&format!("cannot listen on {taken}")), "{said}");
}

#[test]
fn a_secret_key_that_is_missing_or_foreign_stops_the_start() {
    let mut worker = Embedded::at_noon();
    let key = worker.dir.path().join("data/secret.key");
    assert!(worker.log().contains("a secret key was made. Keep a copy"));
    worker.send(&[inquiry("e-1", ANA.0, ANA.1, &worker.now())]);
    worker.first_tasks("calls-now");
    worker.stop();
    let right = std::fs::read(&key).unwrap();
    let checked = |worker: &Embedded| {
        let out = worker.command(&["check"]).output().unwrap();
        (out.status.code().unwrap(), String::from_utf8(out.stdout).unwrap())
    };
    assert_eq!(checked(&worker).0, 0);

    std::fs::remove_file(&key).unwrap();
    let (code, said) = refused(&mut worker.command(&["run"]));
    assert_eq!(code, 2);
    assert!(said.contains("data/secret.key is missing, but the database has leads"), "{said}");
    assert!(!key.exists(), "and none is made");
    assert_eq!(checked(&worker).0, 1);

    std::fs::write(&key, "0".repeat(64)).unwrap();
    let (code, said) = refused(&mut worker.command(&["run"]));
    assert_eq!(code, 2);
    assert!(said.contains("is not the one that this database's leads were hashed under"), "{said}");
    let (code, said) = checked(&worker);
    assert_eq!(code, 1);
    assert!(said.contains("WRONG") && said.contains("chmod 600") && said.contains("another secret key"), "{said}");

    std::fs::write(&key, right).unwrap();
    worker.start();
}

#[test]
fn a_file_is_published_and_what_cannot_be_understood_is_set_aside_shown_and_sent_again() {
    let mut worker = Embedded::at_noon();
    let lines = [
        inquiry("e-1", ANA.0, ANA.1, &worker.now()).to_string(),
        "not json".into(),
        event("e-2", "lead.teleported", &worker.now(), json!({})).to_string(),
        String::new(),
        "[1]".into(),
        r#"{"specversion":"1.0"}"#.into(),
    ];
    std::fs::write(worker.dir.path().join("events.jsonl"), lines.join("\n")).unwrap();
    let out = worker
        .command(&["publish", "--events", "events.jsonl", "--rate", "1000", "--output", "json"])
        .output()
        .unwrap();
    assert_eq!(out.status.code(), Some(1), "not every line could be sent");
    assert_eq!(serde_json::from_slice::<Value>(&out.stdout).unwrap(), json!({ "published": 3, "refused": 2 }));
    let said = String::from_utf8(out.stderr).unwrap();
    assert!(said.contains("line 2 is not sent: it is not a JSON object") && said.contains("line 5 "), "{said}");
    worker.first_tasks("calls-now");

    let list = |worker: &Embedded| rows(&worker.told(&["dead", "list", "--output", "jsonl"]));
    let letters = wait_for("both letters", || Some(list(&worker)).filter(|letters| letters.len() == 2));
    assert_eq!((&letters[0]["reason"], &letters[1]["reason"]), (&json!("unknown_type"), &json!("missing_field")));
    assert!(letters[0]["detail"].as_str().unwrap().contains("lead.teleported"));
    let key = letters[0]["key"].as_str().unwrap();
    assert!(worker.told(&["dead", "list"]).contains(&key[..12]));
    let shown: Value = serde_json::from_str(&worker.told(&["dead", "show", &key[..12], "--output", "json"])).unwrap();
    assert_eq!(shown[0]["body"]["type"], "lead.teleported");

    // Sent again without a fix it comes back, and the other is left alone.
    assert_eq!(worker.told(&["dead", "replay", &key[..12]]), "1 letter sent again.\n");
    let again = wait_for("the letter again", || {
        Some(list(&worker)).filter(|letters| letters.len() == 2 && letters[1]["key"] == key)
    });
    assert_eq!(again[0]["reason"], "missing_field");
    assert_eq!(worker.told(&["dead", "drop", "--reason", "missing_field"]), "1 letter thrown away.\n");
    assert_eq!(worker.told(&["dead", "drop", "--all"]), "1 letter thrown away.\n");
    assert_eq!(worker.told(&["dead", "list"]), "Nothing is set aside.\n");
    let (code, said) = refused(&mut worker.command(&["dead", "show", "abc"]));
    assert!(code == 1 && said.contains("no letter has a key that begins with \"abc\""), "{said}");

    // Without a worker the events wait in the file.
    worker.stop();
    assert_eq!(worker.told(&["publish", "--events", "/dev/null"]), "Sent: 0 events.\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn in_production_everything_is_checked_and_nothing_runs_before_the_migration() {
    let mut cluster = Cluster::start("cli").await;
    let checked = |cluster: &Cluster| {
        let out = cluster.command(&["check"]).output().unwrap();
        (out.status.code().unwrap(), String::from_utf8(out.stdout).unwrap())
    };
    let (code, said) = checked(&cluster);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("RabbitMQ ") && said.contains("exchanges and queues are as they should be"), "{said}");
    assert_eq!(cluster.command(&["topology", "--diff"]).output().unwrap().status.code(), Some(0));
    let printed = cluster.run(&["topology"]);
    assert!(printed.contains(&format!("queue {}gleaner.events x-", cluster.prefix)), "{printed}");

    // A port of this machine on which nothing listens, and a password that is no part of an address.
    for (url, words) in [
        ("postgres://gleaner@127.0.0.1:1/gleaner", "Connection refused"),
        ("postgres://gleaner:a/b@127.0.0.1:5432/gleaner", "write all but letters and digits as %2f"),
    ] {
        let out = cluster.command(&["check"]).env("DATABASE_URL", url).output().unwrap();
        let said = String::from_utf8(out.stdout).unwrap();
        assert!(out.status.code() == Some(1) && said.contains(words), "{said}");
        assert!(!said.contains("a/b"), "{said}");
    }

    // Another prefix: nothing is there yet, which the worker will make.
    let out = cluster.command(&["topology", "--diff"]).env("GLEANER__NAMES__PREFIX", "nobody.").output().unwrap();
    assert_eq!(out.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&out.stdout).contains("queue nobody.gleaner.events is missing"));

    let worker = cluster.worker(None);
    cluster.is_found_by_its_name(worker).await;
    let event = inquiry("e-1", ANA.0, ANA.1, &jiff::Timestamp::now().to_string());
    std::fs::write(cluster.dir.path().join("e.jsonl"), event.to_string()).unwrap();
    let file = cluster.dir.path().join("e.jsonl");
    assert_eq!(cluster.run(&["publish", "--events", file.to_str().unwrap()]), "Sent: 1 event.\n");
    cluster.settle(1, 0).await;
    assert_eq!(rows(&cluster.run(&["export"])).len(), 1);
    cluster.kill(worker);

    let mut db = cluster.db().await;
    sqlx::query("drop table schema_version").execute(&mut db).await.unwrap();
    let (code, said) = refused(&mut cluster.command(&["run"]));
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("the database has no gleaner tables yet: run `gleaner migrate`"), "{said}");
    let (code, said) = checked(&cluster);
    assert!(code == 1 && said.contains("gleaner migrate"), "{said}");
    cluster.stop().await;
}

#[test]
fn the_first_page_tells_whom_to_call_what_was_our_fault_and_which_source_sends_nobody_real() {
    let mut worker = Embedded::at_noon();
    let now = worker.now();
    // Two hours in which nobody called.
    let then = jiff::Timestamp::from_millisecond(now.parse::<jiff::Timestamp>().unwrap().as_millisecond() - 7_200_000);
    let mut events = vec![inquiry("e-1", ANA.0, ANA.1, &then.unwrap().to_string())];
    for n in 0..12 {
        // Joke names, keyboard runs and throw-away addresses, typed in no time.
        let lead = json!({ "email": format!("asdf{n}@mailinator.com"), "phone": "+12125550100" });
        let origin = json!({ "form": "raffle", "fill_seconds": 1, "honeypot": true });
        let data = json!({ "lead": lead, "profile": { "name": "asdf asdf", "country": "US" }, "origin": origin });
        events.push(event(&format!("b-{n}"), "lead.captured", &now, data));
    }
    let bad = json!({ "lead": { "email": ANA.0 }, "by": "rep-7", "role": "rep", "verdict": "bad", "reason": "never answers" });
    events.push(event("f-1", "feedback.given", &now, bad));
    // Mailed and written back three days ago, and never answered.
    let days_ago = |days: i64| {
        let ms = now.parse::<jiff::Timestamp>().unwrap().as_millisecond() - days * 86_400_000;
        jiff::Timestamp::from_millisecond(ms).unwrap().to_string()
    };
    let iris = json!({ "email": "iris@example.com" });
    let captured = json!({ "lead": iris, "profile": { "name": "Iris Tanaka", "country": "US", "region": "NY" } });
    events.push(event("i-1", "lead.captured", &days_ago(4), captured));
    events.push(event("i-2", "email.sent", &days_ago(4), json!({ "lead": iris })));
    let wish = json!({ "lead": iris, "text": "Could you send me a quote for 40 vehicles?" });
    events.push(event("i-3", "email.replied", &days_ago(3), wish));
    let late = json!({ "email": "lou@example.com" });
    let captured = json!({ "lead": late, "profile": { "name": "Lou Berg", "country": "US", "region": "NY" },
        "origin": { "form": "slow" } });
    events.push(event("l-1", "lead.captured", &days_ago(4), captured));
    events.push(event("l-2", "email.sent", &days_ago(3), json!({ "lead": late })));
    worker.send(&events);
    worker.first_tasks("calls-now");
    wait_for("the feedback", || (worker.get("/api/leads/ana@example.com").json()["version"] == 2).then_some(()));

    let said = worker.told(&["report"]);
    let told: Value = serde_json::from_str(&worker.told(&["report", "--output", "json"])).unwrap();
    assert_eq!(told["leads"], 15);
    let slow = &told["first_touch"]["slow"];
    assert_eq!((&slow["late"], &slow["never"]), (&json!(1), &json!(0)), "{slow}");
    assert_eq!(told["unanswered"]["first"][0]["name"], "Iris Tanaka", "{said}");
    assert!(said.contains("They asked, and nobody answered\n  Iris Tanaka: They wrote \""), "{said}");
    assert_eq!(told["call_now"]["first"][0]["number"], ANA.1);
    assert!(said.contains("+12125552368  Ana Ruiz, first call, until"), "{said}");
    assert_eq!(told["our_fault"]["count"], 1, "{said}");
    assert_eq!(told["sources"]["form"]["raffle"]["bogus"], 12, "{said}");
    assert!(said.contains("Look at the form raffle: 100 % of its 12 leads are nobody real."), "{said}");
    assert_eq!(told["blocked"]["nobody real asked"], 12, "{said}");
    worker.stop();
}

#[test]
fn a_pause_may_be_ended_twice_and_not_by_halves() {
    let mut worker = Embedded::at_noon();
    worker.stop();
    assert!(worker.told(&["pause", "calls"]).contains("The queue calls is paused since"));
    // Whoever means everything is told that something stays paused.
    let (code, said) = refused(&mut worker.command(&["resume"]));
    assert!(code == 1 && said.contains("only single queues are paused (calls): name the one to resume"), "{said}");
    worker.told(&["pause"]);
    let said = worker.told(&["resume"]);
    assert!(said.starts_with("Everything goes on within a second, but for what is paused by itself.\nThe queue calls"));
    assert!(worker.told(&["resume", "calls"]).starts_with("Nothing is paused."));
    assert!(worker.told(&["resume", "calls"]).starts_with("The queue calls was not paused.\nNothing is paused."));
    assert!(worker.told(&["resume"]).starts_with("Nothing is paused."));
}

#[test]
fn the_first_page_lists_nobody_whose_number_was_closed_a_moment_ago() {
    let mut worker = Embedded::at_noon();
    worker.send(&[inquiry("e-1", ANA.0, ANA.1, &worker.now())]);
    worker.first_tasks("calls-now");
    assert!(worker.told(&["report"]).contains(ANA.1));
    // Nobody is there to take the task back; the list is known all the same.
    worker.stop();
    assert!(
        worker.told(&["suppress", "add", ANA.1]).contains("One lead carries it now and is told at once; every lead")
    );
    assert!(worker.told(&["suppress", "add", "+12125552399"]).contains("No lead carries it now; every lead"));
    // A list from elsewhere writes channels in its own way; what is no channel is told with those there are.
    std::fs::write(worker.dir.path().join("list.csv"), "+12125552398 , SMS\n+12125552397,fax\n").unwrap();
    let list = worker.dir.path().join("list.csv");
    let out = worker.command(&["suppress", "import", list.to_str().unwrap()]).output().unwrap();
    let said = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
    assert!(said.contains("line 2: there is no channel \"fax\"; they are call, sms and email"), "{said}");
    assert!(!said.contains("line 1"), "{said}");
    let said = worker.told(&["report"]);
    assert!(!said.contains(ANA.1) && said.contains("Nobody: no call is out that may be made now."), "{said}");
}
