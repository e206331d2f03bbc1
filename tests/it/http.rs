//! What other programs get from a worker over HTTP: embedded, as a process, through a socket.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::json;

use crate::cluster::Cluster;
use crate::embedded::{Embedded, event, inquiry, request, wait_for};

const ANA: (&str, &str) = ("ana@example.com", "+12125552368");

/// The lead's record, once it is there.
fn lead(worker: &Embedded, key: &str) -> serde_json::Value {
    wait_for(&format!("lead {key}"), || {
        let answer = worker.get(&format!("/api/leads/{key}"));
        (answer.status == 200).then(|| answer.json())
    })
}

#[test]
fn events_are_accepted_or_refused_each_by_its_place() {
    let worker = Embedded::at_noon();
    let good = inquiry("e-1", ANA.0, ANA.1, &worker.now());
    let answer = worker.post("/events", json!([good, { "specversion": "1.0" }, 7]).to_string().as_bytes());
    assert_eq!(answer.status, 202, "{}", answer.body);
    let answer = answer.json();
    assert_eq!(answer["accepted"], 1);
    let refused: Vec<_> = answer["refused"].as_array().unwrap().iter().map(|r| (&r["index"], &r["reason"])).collect();
    assert_eq!(refused, [(&json!(1), &json!("missing_field")), (&json!(2), &json!("malformed_json"))]);
    assert!(answer["refused"][0]["detail"].as_str().unwrap().contains(" id "));
    // One event needs no list, and a copy changes nothing.
    assert_eq!(worker.post("/events", good.to_string().as_bytes()).json()["accepted"], 1);
    assert_eq!(lead(&worker, "email:ana@example.com")["version"], 1);

    for body in ["", "{", "[1,]", "{}{}"] {
        let answer = worker.post("/events", body.as_bytes());
        assert_eq!(answer.status, 400, "{body}: {}", answer.body);
        assert!(answer.json()["error"].as_str().unwrap().starts_with("the body is not JSON"));
    }
    let large = vec![b' '; (16 << 20) + 1];
    assert_eq!(worker.post("/events", &large).status, 413);
    // An event over its own limit is refused alone.
    let mut long = inquiry("e-2", "bo@example.com", "+12125552369", &worker.now());
    long["data"]["note"] = json!("x".repeat(1 << 20));
    let answer = worker.post("/events", json!([long, good]).to_string().as_bytes()).json();
    assert_eq!((&answer["accepted"], &answer["refused"][0]["reason"]), (&json!(1), &json!("too_large")));
}

#[test]
fn a_lead_is_found_by_every_key_merged_as_its_survivor_and_gone_when_forgotten() {
    let worker = Embedded::at_noon();
    worker.send(&[inquiry("e-1", ANA.0, ANA.1, &worker.now())]);
    let record = lead(&worker, "ana@example.com");
    let id = record["lead_id"].as_str().unwrap().to_owned();
    for key in [&*id, "email:ANA@example.com", "phone:%28212%29%20555-2368", "+12125552368", "2125552368"] {
        assert_eq!(lead(&worker, key)["lead_id"], record["lead_id"], "{key}");
    }
    for key in ["nobody@example.com", "id:crm-77", "0b0e0000-0000-4000-8000-000000000001", "%20"] {
        let answer = worker.get(&format!("/api/leads/{key}"));
        assert_eq!((answer.status, answer.json()["error"].is_string()), (404, true), "{key}");
    }

    // A second lead turns out to be the same person.
    let other = event("e-2", "lead.captured", &worker.now(), json!({ "lead": { "id": "crm-77" } }));
    worker.send(&[other]);
    let merged = lead(&worker, "id:crm-77")["lead_id"].as_str().unwrap().to_owned();
    assert_ne!(merged, id);
    let both = json!({ "lead": { "id": "crm-77", "email": ANA.0 } });
    worker.send(&[event("e-3", "lead.updated", &worker.now(), both)]);
    wait_for("the merge", || (lead(&worker, &merged)["lead_id"] == *id).then_some(()));
    assert_eq!(lead(&worker, "id:crm-77")["lead_id"], *id);

    worker.send(&[event("e-4", "lead.erased", &worker.now(), json!({ "lead": { "id": "crm-77" } }))]);
    wait_for("the erasure", || (worker.get(&format!("/api/leads/{id}")).status == 410).then_some(()));
    assert_eq!(worker.get("/api/leads/ana@example.com").status, 410, "by any key of theirs");
}

#[test]
fn tasks_are_leased_until_they_are_settled() {
    let worker = Embedded::at_noon();
    worker.send(&[inquiry("e-1", ANA.0, ANA.1, &worker.now())]);
    let call = worker.first_tasks("calls-now");
    assert_eq!((call.len(), &call[0]["data"]["contact"]["phone"]), (1, &json!(ANA.1)));
    // Nobody else gets it while it is leased, and again when the lease of a second is over.
    assert!(worker.tasks("calls-now").is_empty());
    assert_eq!(worker.first_tasks("calls-now"), call, "the same bytes under the same id");
    let path = format!("/tasks/calls-now/{}", call[0]["id"].as_str().unwrap());
    assert_eq!((worker.delete(&path).status, worker.delete(&path).status), (204, 204));

    assert_eq!(worker.get("/tasks/no-such-desk").status, 404);
    assert_eq!(worker.get("/api/leads/ana@example.com?as_of=2026-01-01").status, 400, "not what was asked for");
    for wish in ["limit=0", "limit=many", "lease=0", "lease=100000", "limit=1001", "limt=10"] {
        assert_eq!(worker.get(&format!("/tasks/calls?{wish}")).status, 400, "{wish}");
    }
}

#[test]
fn a_permit_is_given_in_the_legal_hours_and_taken_back_by_an_opt_out() {
    let worker = Embedded::at_noon();
    worker.send(&[inquiry("e-1", ANA.0, ANA.1, &worker.now())]);
    let call = worker.first_tasks("calls-now").remove(0);
    let path = format!("/api/tasks/{}/permit", call["id"].as_str().unwrap());
    let permit = worker.get(&path);
    assert_eq!((permit.status, &permit.json()["permitted"]), (200, &json!(true)), "{}", permit.body);
    let until: jiff::Timestamp = permit.json()["until"].as_str().unwrap().parse().unwrap();
    let expires: jiff::Timestamp = call["data"]["expires_at"].as_str().unwrap().parse().unwrap();
    assert!(until <= expires && until > worker.now().parse().unwrap());

    // Somebody else who carries the number closes it: the answer does not wait for the revocation.
    let stop = json!({ "lead": { "id": "crm-9", "phone": ANA.1 }, "text": "STOP" });
    let other = json!({ "lead": { "id": "crm-9", "email": "bo@example.com", "phone": ANA.1 } });
    worker
        .send(&[event("e-2", "lead.captured", &worker.now(), other), event("e-3", "sms.replied", &worker.now(), stop)]);
    let denied = wait_for("the refusal", || Some(worker.get(&path)).filter(|answer| answer.status == 409)).json();
    assert_eq!(denied["permitted"], false);
    let reason = denied["reason"].as_str().unwrap();
    assert!(["suppressed", "revoked"].contains(&reason), "{denied}");

    let unknown = worker.get("/api/tasks/0b0e0000-0000-4000-8000-000000000001/permit");
    assert_eq!((unknown.status, &unknown.json()["reason"]), (409, &json!("unknown_task")));
    assert_eq!(worker.get("/api/tasks/first/permit").status, 400);
}

#[test]
fn an_opt_out_takes_back_the_call_of_another_lead_on_that_number_however_the_person_was_named() {
    let worker = Embedded::at_noon();
    let named = |id: &str, name: &str, email: &str| {
        let mut inquiry = inquiry(id, email, ANA.1, &worker.now());
        inquiry["data"]["lead"]["id"] = json!(email);
        inquiry["data"]["profile"]["name"] = json!(name);
        inquiry
    };
    worker.send(&[named("e-1", "Ana Ruiz", ANA.0)]);
    let call = worker.first_tasks("calls-now").remove(0);
    worker.send(&[named("e-2", "Bo Chen", "bo@example.com")]);
    wait_for("both to be linked", || {
        (lead(&worker, "email:bo@example.com")["linked"].as_array()?.len() == 1).then_some(())
    });
    // Bo's lead is named by its id alone: nobody asks who carries the number until it is closed.
    let stop = json!({ "lead": { "id": "bo@example.com" }, "text": "STOP" });
    worker.send(&[event("e-3", "sms.replied", &worker.now(), stop)]);
    wait_for("the revocation of Ana's call", || {
        worker.tasks("calls-now").into_iter().find(|t| t["data"]["revokes"] == call["id"])
    });
    assert_eq!(lead(&worker, "email:ana@example.com")["suppressed"][0]["channel"], "call");
}

#[test]
fn a_token_opens_everything_and_the_probes_need_none() {
    let mut worker = Embedded::new(&[("GLEANER__HTTP__TOKEN", "hunter2")]);
    worker.start();
    let ask = |path: &str, headers: &[(&str, &str)]| request(worker.address(), "GET", path, headers, b"");
    for path in ["/livez", "/readyz"] {
        assert_eq!(ask(path, &[]).status, 200);
        assert_eq!(ask(path, &[("Host", "gleaner.internal")]).status, 200);
    }
    for path in ["/metrics", "/api/leads/x", "/tasks/calls", "/nothing-here"] {
        let answer = ask(path, &[]);
        assert_eq!(answer.status, 401, "{path}");
        assert!(answer.head.contains("www-authenticate: bearer"), "{}", answer.head);
        assert_eq!(ask(path, &[("Authorization", "Bearer hunter1")]).status, 401);
    }
    let token = ("Authorization", "Bearer hunter2");
    assert_eq!(ask("/nothing-here", &[token]).status, 404);
    let metrics = ask("/metrics", &[token, ("Host", "gleaner.internal")]);
    assert_eq!(metrics.status, 200);
    assert!(metrics.body.contains("gleaner_build_info") && metrics.head.contains("openmetrics-text"));
    assert!(!worker.log().contains("hunter2"));
}

#[test]
fn without_a_token_no_page_of_another_site_is_served() {
    let mut worker = Embedded::new(&[]);
    worker.start();
    let ask = |headers: &[(&str, &str)]| request(worker.address(), "GET", "/metrics", headers, b"").status;
    assert_eq!(ask(&[]), 200);
    assert_eq!(ask(&[("Origin", "https://evil.example")]), 403);
    assert_eq!(ask(&[("Host", "evil.example")]), 403);
}

#[test]
fn a_connection_kept_open_does_not_delay_a_stop() {
    let mut worker = Embedded::new(&[]);
    worker.start();
    let mut idle = TcpStream::connect(worker.address()).unwrap();
    idle.write_all(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut answer = [0; 1024];
    assert!(idle.read(&mut answer).unwrap() > 0);
    let (status, took) = worker.stop();
    assert_eq!(status.code(), Some(0), "{}", worker.log());
    assert!(took.as_secs() < 10, "it waited for the grace of a stop: {took:?}");
}

#[test]
fn told_twice_to_stop_it_does_not_wait_for_what_was_begun() {
    let mut worker = Embedded::new(&[]);
    worker.start();
    // A request that never comes to its end; that its body is asked for shows that it is under way.
    let mut begun = TcpStream::connect(worker.address()).unwrap();
    let head = "POST /events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n";
    begun.write_all(head.as_bytes()).unwrap();
    let mut asked = [0; 12];
    begun.read_exact(&mut asked).unwrap();
    assert_eq!(&asked, b"HTTP/1.1 100");
    worker.terminate();
    wait_for("the first stop", || worker.log().contains("once more to stop at once").then_some(()));
    wait_for("the end of the worker proper", || worker.log().contains("worker stopped").then_some(()));
    let (status, took) = worker.stop();
    assert_eq!(status.code(), Some(1));
    assert!(took.as_secs() < 10, "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_servers_are_away_is_alive_and_says_what_is_missing() {
    let cluster = Cluster::start("away").await;
    // Nobody listens on port 1.
    let nobody = [("DATABASE_URL", "postgres://ana@127.0.0.1:1/x"), ("AMQP_URL", "amqp://ana:x@127.0.0.1:1/%2f")];
    let mut worker = Embedded::new(&[("GLEANER__PROFILE", "production"), ("GLEANER__SECRET__KEY_FILE", "secret.key")]);
    let event = inquiry("e-1", ANA.0, ANA.1, &worker.now()).to_string();
    worker.launch(&nobody);
    assert_eq!(worker.get("/livez").status, 200);
    let ready = worker.get("/readyz");
    assert_eq!((ready.status, &*ready.body), (503, "not consuming events, not storing leads\n"));
    let answer = worker.post("/events", event.as_bytes());
    assert_eq!(answer.status, 503);
    assert!(answer.head.contains("retry-after: "), "{}", answer.head);
    assert_eq!(worker.stop().0.code(), Some(0), "a worker that waits for its database stops as well");

    // The database alone is there: leads can be read, events are not accepted.
    worker.launch(&[("DATABASE_URL", &cluster.url), nobody[1]]);
    wait_for("the database", || (worker.get("/api/leads/x").status == 404).then_some(()));
    let answer = worker.post("/events", event.as_bytes());
    assert_eq!(answer.status, 503, "{}", answer.body);
    assert!(answer.head.contains("retry-after: ") && answer.body.contains("queue"), "{answer:?}");
    assert!(worker.get("/readyz").body.contains("not consuming events"));
    let tasks = worker.get("/tasks/calls");
    assert_eq!((tasks.status, tasks.body.contains("consumed from the broker")), (404, true));
    assert_eq!(worker.stop().0.code(), Some(0));
    cluster.stop().await;
}
