//! Encrypted ways to the broker and the database, with certificates of a test's own: whom we trust, and who we are.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::embedded::gleaner;
use crate::private::{PrivatePostgres, PrivateRabbit, free_port};

fn openssl(dir: &Path, args: &str) {
    let mut command = Command::new("openssl");
    command.current_dir(dir).args(args.split(' ')).stdin(Stdio::null());
    let out = command.output().unwrap();
    assert!(out.status.success(), "{command:?} failed:\n{}", String::from_utf8_lossy(&out.stderr));
}

/// An authority, a server's certificate for this machine, and a client's, each with its key.
fn certificates(dir: &Path) {
    let authority = "-x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2";
    openssl(dir, &format!("req {authority} -keyout ca.key -out ca.pem -subj /CN=authority"));
    for (name, extension) in
        [("server", "subjectAltName=IP:127.0.0.1,DNS:localhost"), ("client", "extendedKeyUsage=clientAuth")]
    {
        std::fs::write(dir.join("extension"), extension).unwrap();
        let new = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
        openssl(dir, &format!("req {new} -keyout {name}.key -out {name}.csr -subj /CN={name}"));
        let sign = format!("-CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile extension -out {name}.pem");
        openssl(dir, &format!("x509 -req -in {name}.csr {sign}"));
    }
    let both =
        [std::fs::read(dir.join("client.pem")).unwrap(), std::fs::read(dir.join("client.key")).unwrap()].concat();
    std::fs::write(dir.join("both.pem"), both).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn broker_and_database_are_reached_by_tls_and_only_where_they_are_trusted() {
    if Command::new("openssl").arg("version").output().is_err() {
        eprintln!("left out: openssl is not installed here");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    certificates(dir.path());
    let file = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let port = free_port();
    let settings = format!(
        "listeners.ssl.default = 127.0.0.1:{port}\nssl_options.cacertfile = {}\nssl_options.certfile = {}\n\
         ssl_options.keyfile = {}\nssl_options.verify = verify_peer\nssl_options.fail_if_no_peer_cert = true\n",
        file("ca.pem"),
        file("server.pem"),
        file("server.key")
    );
    let Some(_broker) = PrivateRabbit::start_with(&settings).await else { return };
    let tls = (dir.path().join("server.pem"), dir.path().join("server.key"));
    let Some(database) = PrivatePostgres::start_with(Some((&tls.0, &tls.1))) else { return };

    let ask = |args: &[&str], more: &[(&str, &str)]| {
        let mut command = gleaner(dir.path(), args);
        command
            .env("GLEANER__PROFILE", "production")
            .env("DATABASE_URL", database.url())
            .env("AMQP_URL", format!("amqps://guest:guest@127.0.0.1:{port}/%2f"))
            .env("GLEANER__STORE__CA_PEM", file("ca.pem"))
            .env("GLEANER__QUEUE__CA_PEM", file("ca.pem"))
            .env("GLEANER__QUEUE__CLIENT_PEM", file("both.pem"))
            .envs(more.iter().copied());
        let out = command.output().unwrap();
        (out.status.code(), format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr)))
    };
    for args in [&["migrate"][..], &["topology", "--apply"], &["check"]] {
        let (code, said) = ask(args, &[]);
        assert_eq!(code, Some(0), "{args:?}: {said}");
    }

    // Nobody is trusted by default who signs certificates in a cellar.
    let (code, said) = ask(&["check"], &[("GLEANER__QUEUE__CA_PEM", "")]);
    assert!(code == Some(1) && said.contains("WRONG  broker") && said.contains("ertificate"), "{said}");
    let verified = format!("{}?sslmode=verify-full", database.url());
    let (code, said) = ask(&["check"], &[("GLEANER__STORE__CA_PEM", ""), ("DATABASE_URL", &verified)]);
    assert!(code == Some(1) && said.contains("WRONG  database") && said.contains("ertificate"), "{said}");
    // Nor do they let in whom they do not know.
    let (code, said) = ask(&["check"], &[("GLEANER__QUEUE__CLIENT_PEM", "")]);
    assert!(code == Some(1) && said.contains("WRONG  broker"), "{said}");
    // A file that holds none is named.
    let (code, said) = ask(&["check"], &[("GLEANER__QUEUE__CA_PEM", &file("server.key"))]);
    assert!(
        code == Some(1) && said.contains("`queue.ca_pem` names") && said.contains("no certificate in PEM"),
        "{said}"
    );
}
