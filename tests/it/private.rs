//! Servers of a test's own, from the packages of the machine, so that they can be stopped and killed while nobody
//! else notices. Where a package is missing there is no server, and the test has to be left out.
//!
//! Data, ports, cookie and port mapper are all private; everything ends with the value.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A server takes seconds to come up on an idle machine, and more on a busy one.
const PATIENCE: Duration = Duration::from_secs(120);

/// A port that nobody listens on, below those that the system gives to outgoing connections: one of those could be
/// taken while the server is down.
pub fn free_port() -> u16 {
    let start = uuid::Uuid::new_v4().as_u64_pair().0 % 10_000;
    (0..10_000)
        .map(|i| 20_000 + u16::try_from((start + i) % 10_000).unwrap())
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("a port is free")
}

fn temporary() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    // Another user's server has to reach into it.
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    dir
}

fn done(command: &mut Command) {
    let out = command.stdin(Stdio::null()).output().unwrap();
    assert!(out.status.success(), "{command:?} failed:\n{}", String::from_utf8_lossy(&out.stderr));
}

/// A broker that can be killed and started again.
pub struct PrivateRabbit {
    dir: tempfile::TempDir,
    port: u16,
    distribution: u16,
    mapper_port: u16,
    mapper: Option<Child>,
    server: Option<Child>,
}

impl PrivateRabbit {
    const SERVER: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";

    /// A running broker; `None` where the package is not installed.
    pub async fn start() -> Option<PrivateRabbit> {
        PrivateRabbit::start_with("").await
    }

    /// The same, with settings of its own (the text of a `rabbitmq.conf`).
    pub async fn start_with(settings: &str) -> Option<PrivateRabbit> {
        if !Path::new(PrivateRabbit::SERVER).exists() {
            eprintln!("left out: RabbitMQ is not installed here ({} is missing)", PrivateRabbit::SERVER);
            return None;
        }
        let dir = temporary();
        std::fs::create_dir(dir.path().join("home")).unwrap();
        std::fs::write(dir.path().join("own.conf"), settings).unwrap();
        let (port, distribution, mapper_port) = (free_port(), free_port(), free_port());
        let mut broker = PrivateRabbit { dir, port, distribution, mapper_port, mapper: None, server: None };
        let mapper = broker.command("epmd").spawn();
        if let Err(error) = mapper {
            eprintln!("left out: Erlang's port mapper epmd cannot be started here: {error}");
            return None;
        }
        broker.mapper = mapper.ok();
        broker.launch();
        broker.until_it_answers().await;
        Some(broker)
    }

    pub fn url(&self) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}/%2f", self.port)
    }

    /// An address of the same broker for another user.
    pub fn url_for(&self, user: &str, password: &str) -> String {
        format!("amqp://{user}:{password}@127.0.0.1:{}/%2f", self.port)
    }

    /// What an administrator may tell the broker.
    pub fn control(&self, args: &[&str]) {
        done(
            self.command("/usr/lib/rabbitmq/bin/rabbitmqctl")
                .arg("-q")
                .args(args)
                .stdout(Stdio::piped())
                .stderr(Stdio::piped()),
        );
    }

    /// SIGKILL, as when the machine's memory runs out: nothing is closed or written any more.
    pub fn kill(&mut self) {
        let Some(mut server) = self.server.take() else { return };
        // The start script and the machine under it are a process group of their own, made in `launch`.
        let _gone = Command::new("kill").args(["-KILL", "--", &format!("-{}", server.id())]).status();
        let _reaped = server.wait();
    }

    pub async fn restart(&mut self) {
        self.launch();
        self.until_it_answers().await;
    }

    fn launch(&mut self) {
        let mut command = self.command(PrivateRabbit::SERVER);
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.dir.path().join("console")).unwrap();
        command.stdout(log.try_clone().unwrap()).stderr(log).process_group(0);
        self.server = Some(command.spawn().unwrap());
    }

    fn command(&self, program: &str) -> Command {
        let dir = self.dir.path();
        let mut command = Command::new(program);
        command
            .env("HOME", dir.join("home"))
            .env("RABBITMQ_NODENAME", format!("gleaner{}@localhost", self.port))
            .env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1")
            .env("RABBITMQ_NODE_PORT", self.port.to_string())
            .env("RABBITMQ_DIST_PORT", self.distribution.to_string())
            .env("ERL_EPMD_ADDRESS", "127.0.0.1")
            .env("ERL_EPMD_PORT", self.mapper_port.to_string())
            .env("RABBITMQ_CONF_ENV_FILE", dir.join("none"))
            .env("RABBITMQ_CONFIG_FILE", dir.join("own"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", dir.join("plugins"))
            .env("RABBITMQ_PID_FILE", dir.join("pid"))
            .env("RABBITMQ_MNESIA_BASE", dir.join("data"))
            .env("RABBITMQ_LOG_BASE", dir.join("log"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    async fn until_it_answers(&mut self) {
        let (url, until) = (self.url(), Instant::now() + PATIENCE);
        loop {
            let connect = lapin::Connection::connect(&url, lapin::ConnectionProperties::default());
            if let Ok(Ok(connection)) = tokio::time::timeout(Duration::from_secs(5), connect).await {
                let _closing = connection.close(200, "done".into()).await;
                return;
            }
            let ended = self.server.as_mut().and_then(|s| s.try_wait().unwrap());
            assert!(
                ended.is_none() && Instant::now() < until,
                "RabbitMQ did not start ({ended:?}):\n{}",
                self.console()
            );
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    fn console(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("console")).unwrap_or_default()
    }
}

impl Drop for PrivateRabbit {
    fn drop(&mut self) {
        self.kill();
        if let Some(mapper) = &mut self.mapper {
            let _dead_already = mapper.kill();
            let _reaped = mapper.wait();
        }
    }
}

/// A database server that can be stopped and started again.
pub struct PrivatePostgres {
    dir: tempfile::TempDir,
    bin: PathBuf,
    port: u16,
    has_tls: bool,
}

impl PrivatePostgres {
    /// A running server; `None` where the package is not installed.
    pub fn start() -> Option<PrivatePostgres> {
        PrivatePostgres::start_with(None)
    }

    /// The same, with a certificate and its key.
    pub fn start_with(tls: Option<(&Path, &Path)>) -> Option<PrivatePostgres> {
        let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        let newest = versions
            .map(|version| version.path().join("bin"))
            .filter(|bin| bin.join("initdb").exists() && bin.join("pg_ctl").exists())
            .max_by_key(|bin| bin.parent().and_then(Path::file_name).and_then(|v| v.to_str()?.parse::<u32>().ok()));
        let Some(bin) = newest else {
            eprintln!("left out: no PostgreSQL server is installed here (/usr/lib/postgresql/*/bin/initdb is missing)");
            return None;
        };
        let server = PrivatePostgres { dir: temporary(), bin, port: free_port(), has_tls: tls.is_some() };
        let home = server.home();
        std::fs::create_dir(&home).unwrap();
        if is_root() {
            done(Command::new("chown").arg("postgres").arg(&home));
        }
        let data = server.data();
        done(
            server
                .command("initdb")
                .args(["-U", "postgres", "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8", "-D"])
                .arg(&data),
        );
        // The server wants its key for itself.
        for (from, name) in tls.iter().flat_map(|(certificate, key)| [(certificate, "server.crt"), (key, "server.key")])
        {
            let text = std::fs::read(from).unwrap();
            let to = data.join(name);
            std::fs::write(&to, text).unwrap();
            std::fs::set_permissions(&to, std::fs::Permissions::from_mode(0o600)).unwrap();
            if is_root() {
                done(Command::new("chown").arg("postgres").arg(&to));
            }
        }
        server.launch();
        Some(server)
    }

    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// An address of the same server for another role and database; the server believes everybody.
    pub fn url_for(&self, role: &str, database: &str) -> String {
        format!("postgres://{role}@127.0.0.1:{}/{database}", self.port)
    }

    /// As a crash of the server: connections are cut, nothing is finished.
    pub fn stop_at_once(&self) {
        done(self.control("stop").args(["-m", "immediate"]));
    }

    pub fn restart(&self) {
        self.launch();
    }

    fn launch(&self) {
        // fsync off: it is the server that goes away here, never the machine.
        let options = format!(
            "-p {} -k {} -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=100 -c ssl={}",
            self.port,
            self.home().display(),
            if self.has_tls { "on" } else { "off" }
        );
        // Its output must go to the file: an inherited pipe would stay open as long as the server lives.
        done(self.control("start").arg("-l").arg(self.home().join("log")).arg("-o").arg(options));
    }

    fn control(&self, verb: &str) -> Command {
        let mut command = self.command("pg_ctl");
        command.arg(verb).args(["-w", "-t", "120", "-D"]).arg(self.data());
        command
    }

    /// The server refuses to run as root.
    fn command(&self, program: &str) -> Command {
        let program = self.bin.join(program);
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.current_dir("/");
        command
    }

    fn home(&self) -> PathBuf {
        self.dir.path().join("postgres")
    }

    fn data(&self) -> PathBuf {
        self.home().join("data")
    }
}

impl Drop for PrivatePostgres {
    fn drop(&mut self) {
        let _stopped_already = self.control("stop").args(["-m", "immediate"]).stdin(Stdio::null()).output();
    }
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|out| out.stdout.trim_ascii() == b"0")
}
