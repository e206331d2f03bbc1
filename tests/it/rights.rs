//! Nobody has more rights than the work needs: the roles of docs/roles.sql and the permissions of docs/security.md are
//! enough for all of it, and `gleaner check` says what is lacking where one is taken away.

use serde_json::Value;
use sqlx::{Connection, Executor, PgConnection};

use crate::cluster::Cluster;
use crate::faults::stream;
use crate::private::{PrivatePostgres, PrivateRabbit};

const ROLES: &str = include_str!("../../docs/roles.sql");
const SECURITY: &str = include_str!("../../docs/security.md");

/// The three patterns (configure, write, read) that stand in docs/security.md under a name, for a prefix.
fn permissions(user: &str, prefix: &str) -> [String; 3] {
    let line = SECURITY.lines().find_map(|line| line.strip_prefix(&format!("rabbitmqctl set_permissions {user} ")));
    let quoted: Vec<&str> =
        line.unwrap_or_else(|| panic!("docs/security.md says nothing of {user}")).split('\'').collect();
    let with_prefix = |pattern: &str| pattern.replace('^', &format!("^{}", prefix.replace('.', "\\.")));
    [1, 3, 5].map(|place| if quoted[place] == "^$" { "^$".to_owned() } else { with_prefix(quoted[place]) })
}

fn checked(cluster: &Cluster) -> (Option<i32>, Vec<Value>) {
    let out = cluster.command(&["check", "--output", "jsonl"]).output().unwrap();
    let lines = String::from_utf8(out.stdout).unwrap();
    (out.status.code(), lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_least_rights_are_enough_and_what_lacks_is_said() {
    let (Some(database), Some(broker)) = (PrivatePostgres::start(), PrivateRabbit::start().await) else { return };
    let mut cluster = Cluster::start_on("rights", database.url(), broker.url()).await;

    let mut admin = PgConnection::connect(&database.url()).await.unwrap();
    admin.execute("create database leads").await.unwrap();
    let mut inside = PgConnection::connect(&database.url_for("postgres", "leads")).await.unwrap();
    inside.execute(ROLES).await.unwrap();
    // Twice is as good as once.
    inside.execute(ROLES).await.unwrap();
    let role = |role: &str| database.url_for(role, "leads");
    let migrate = |url: &str| cluster.command(&["migrate"]).env("DATABASE_URL", url).output().unwrap().status.success();
    assert!(!migrate(&role("gleaner_worker")), "a worker makes no tables");
    assert!(migrate(&role("gleaner_owner")));
    for user in ["gleaner", "gleaner-declaring"] {
        broker.control(&["add_user", user, "s3cret"]);
        let [configure, write, read] = permissions(user, &cluster.prefix);
        broker.control(&["set_permissions", user, &configure, &write, &read]);
    }
    // Where nothing is there yet: looking makes nothing, and the user that may declare can make all of it.
    let [configure, write, read] = permissions("gleaner-declaring", "first.");
    broker.control(&["add_user", "first", "s3cret"]);
    broker.control(&["set_permissions", "first", &configure, &write, &read]);
    let first = |args: &[&str]| {
        let mut command = cluster.command(args);
        command.env("AMQP_URL", broker.url_for("first", "s3cret")).env("GLEANER__NAMES__PREFIX", "first.");
        command.output().unwrap()
    };
    first(&["check"]);
    let missing = String::from_utf8(first(&["topology", "--diff"]).stdout).unwrap();
    assert_eq!(missing.lines().filter(|line| line.contains("missing")).count(), 20, "{missing}");
    let made = first(&["topology", "--apply"]);
    assert!(made.status.success(), "{made:?}");
    assert!(first(&["topology", "--diff"]).status.success());

    // One that declares, and one that need not.
    (cluster.url, cluster.amqp) = (role("gleaner_worker"), broker.url_for("gleaner-declaring", "s3cret"));
    cluster.run(&["topology", "--apply"]);
    cluster.worker(None);
    let events = stream(2);
    let (first, rest) = events.split_at(events.len() / 2);
    cluster.publish(first).await;
    cluster.settle(first.len() as i64, 0).await;
    cluster.kill(0);
    cluster.amqp = broker.url_for("gleaner", "s3cret");
    cluster.set("GLEANER__QUEUE__DECLARE", "false");
    cluster.worker(None);
    cluster.publish(rest).await;
    // A letter that is set aside, shown and sent again.
    cluster.publish(&[serde_json::json!({ "specversion": "1.0" })]).await;
    cluster.settle(events.len() as i64, 1).await;
    cluster.run(&["dead", "replay", "--all"]);
    cluster.settle(events.len() as i64, 1).await;
    let mut published = 0;
    for queue in gleaner::queue::TASK_QUEUES {
        published += cluster.depth(&format!("tasks.{}", queue.suffix)).await;
    }
    assert!(published > 0, "tasks were published");
    assert!(!cluster.log().contains("refuses"), "{}", cluster.log());
    let exported = cluster.command(&["export"]).env("DATABASE_URL", role("gleaner_reader")).output().unwrap();
    assert!(exported.status.success() && !exported.stdout.is_empty(), "{exported:?}");

    let (code, said) = checked(&cluster);
    assert_eq!(code, Some(0), "{said:#?}");
    inside.execute("revoke update on leads from gleaner_worker").await.unwrap();
    let read_only = format!("^{}", cluster.prefix.replace('.', "\\."));
    broker.control(&["set_permissions", "gleaner", "^$", "^$", &read_only]);
    let (code, said) = checked(&cluster);
    assert_eq!(code, Some(1), "{said:#?}");
    let wrong: Vec<&str> = said
        .iter()
        .filter(|finding| finding["state"] == "wrong")
        .map(|finding| finding["says"].as_str().unwrap())
        .collect();
    assert_eq!(wrong.len(), 2, "{wrong:#?}");
    assert!(wrong[0].contains("gleaner_worker lacks UPDATE on leads: grant it"), "{wrong:#?}");
    assert!(
        wrong[1].contains(&format!("it may not write to the exchange {}leads, nor ", cluster.prefix)),
        "{wrong:#?}"
    );
    // Looking has taken nothing and left nothing.
    assert_eq!(cluster.depth("gleaner.dead-events").await, 1);
    cluster.kill(1);
}
