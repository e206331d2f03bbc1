//! Telling two people apart who were merged, with the worker running.

use serde_json::json;

use crate::embedded::{Embedded, event, inquiry, refused, wait_for};

const ANA: &str = "ana@example.com";
const BO: &str = "bo@example.com";
const PHONE: &str = "+12125552368";

fn keys(worker: &Embedded, of: &str) -> serde_json::Value {
    worker.get(&format!("/api/leads/{of}")).json()["keys"].clone()
}

#[test]
fn two_people_told_apart_keep_their_own_events_and_are_never_merged_again() {
    let mut worker = Embedded::at_noon();
    let now = worker.now();
    worker.send(&[inquiry("e-1", ANA, PHONE, &now)]);
    // Somebody wrote Bo's address into Ana's form, so that Bo, with a number of his own, became Ana.
    let both = json!({ "lead": { "email": ANA, "emails": [BO] } });
    let bo = json!({ "lead": { "email": BO, "phone": "+12125552369" }, "profile": { "company": "Bo & Co" } });
    worker.send(&[event("e-2", "lead.updated", &now, both.clone()), event("e-3", "lead.updated", &now, bo.clone())]);
    wait_for("the merge", || (keys(&worker, BO)["email"] == json!([ANA, BO])).then_some(()));

    let (code, said) = refused(&mut worker.command(&["split", ANA, "cy@example.com"]));
    assert!(code == 1 && said.contains("does not carry the key"), "{said}");
    let (code, said) = refused(&mut worker.command(&["split", ANA, PHONE]));
    assert!(code == 1 && said.contains("nothing tells the two people apart"), "{said}");

    let said = worker.told(&["split", ANA, BO]);
    assert!(said.contains("keeps 2 events") && said.contains("with 1 event and phone:+12125552369"), "{said}");
    let (ana, bos) = (keys(&worker, ANA), keys(&worker, "+12125552369"));
    assert_eq!(ana["phone"], json!([PHONE]));
    assert_eq!((&bos["email"], &bos["phone"]), (&json!([BO]), &json!(["+12125552369"])));

    // What was seen stays seen, on either side, and what names both joins nobody.
    let versions = || {
        let of = |key: &str| worker.get(&format!("/api/leads/{key}")).json()["version"].as_u64().unwrap();
        (of(ANA), of("+12125552369"))
    };
    let both = event("e-4", "lead.updated", &now, both);
    worker.send(&[event("e-3", "lead.updated", &now, bo), both]);
    let before = versions();
    wait_for("the last event", || (versions().0 > before.0).then_some(()));
    assert_eq!(keys(&worker, ANA)["phone"], json!([PHONE]));
    assert_eq!(keys(&worker, "+12125552369")["phone"], json!(["+12125552369"]));
    let explained = worker.told(&["explain", "+12125552369"]);
    assert!(explained.contains("Linked to"), "{explained}");
    worker.stop();
}

#[test]
fn what_waits_for_the_wrong_person_is_taken_back_after_a_split() {
    let mut worker = Embedded::at_noon();
    let now = worker.now();
    // Bo asked for a call on his number; a visitor's mark that two people share made him and Ana one.
    let mut bo = inquiry("e-1", BO, PHONE, &now);
    bo["data"]["profile"]["name"] = json!("Bo Lind");
    worker.send(&[bo]);
    let ana = json!({ "lead": { "email": ANA, "emails": [BO] }, "profile": { "name": "Ana Ruiz" } });
    worker.send(&[event("e-2", "lead.updated", &now, ana)]);
    let call = worker.first_tasks("calls-now").remove(0);
    assert_eq!(call["data"]["contact"]["phone"], PHONE);

    worker.told(&["split", ANA, BO]);
    let revoked = wait_for("the revocation", || {
        worker.tasks("calls-now").into_iter().find(|task| task["type"] == "task.revoked")
    });
    assert_eq!(revoked["data"]["revokes"], call["id"]);
    assert_eq!(revoked["data"]["why"], "the number or address turned out to be another person's");
    worker.stop();
}
