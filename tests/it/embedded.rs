//! A worker of the embedded profile as a process of its own, in a folder of its own, on a port of its own.
//!
//! Waiting is always for a condition, with a bound; the process is ended by its own pid.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How long anything may take that is waited for.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until something is there.
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < until, "{what} did not come about within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A command in a folder, with nothing of the caller's own settings.
pub fn gleaner(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gleaner"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("GLEANER__")) {
        command.env_remove(name);
    }
    command.current_dir(dir).args(args).stdin(Stdio::null()).env("GLEANER__HTTP__LISTEN", "127.0.0.1:0");
    command
}

/// Standard output of a command that must succeed.
pub fn told(command: &mut Command) -> String {
    let out = command.output().unwrap();
    assert!(out.status.success(), "{command:?} failed: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

/// Exit code and standard error of a command that must fail.
pub fn refused(command: &mut Command) -> (i32, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    assert!(!status.success(), "{command:?} should have failed, and said {}", String::from_utf8_lossy(&stdout));
    (status.code().unwrap(), String::from_utf8(stderr).unwrap())
}

pub struct Embedded {
    pub dir: tempfile::TempDir,
    settings: Vec<(String, String)>,
    running: Option<(Child, String)>,
    starts: u32,
}

impl Embedded {
    pub fn new(settings: &[(&str, &str)]) -> Embedded {
        let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Embedded { dir: tempfile::tempdir().unwrap(), settings, running: None, starts: 0 }
    }

    /// How far a clock must be set for a Tuesday at noon in New York, and that instant.
    pub fn noon() -> (String, String) {
        // Days since 1970-01-01, a Thursday: the next Tuesday at 17:00 UTC.
        let now = jiff::Timestamp::now().as_millisecond();
        let today = now.div_euclid(86_400_000);
        let tuesday = (today..).find(|day| day.rem_euclid(7) == 5 && day * 86_400_000 + 17 * 3_600_000 > now).unwrap();
        let offset = format!("{}ms", tuesday * 86_400_000 + 17 * 3_600_000 - now);
        (offset, jiff::Timestamp::from_millisecond(tuesday * 86_400_000 + 17 * 3_600_000).unwrap().to_string())
    }

    /// A worker that is ready, on a Tuesday at noon in New York, when calls are legal.
    pub fn at_noon() -> Embedded {
        let (offset, _) = Embedded::noon();
        let mut embedded = Embedded::new(&[("GLEANER__CLOCK__OFFSET", &offset)]);
        embedded.start();
        embedded
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = gleaner(self.dir.path(), args);
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        command
    }

    pub fn told(&self, args: &[&str]) -> String {
        told(&mut self.command(args))
    }

    pub fn start(&mut self) {
        self.start_with(&[]);
    }

    /// Starts a worker with further settings and waits until it is ready.
    pub fn start_with(&mut self, settings: &[(&str, &str)]) {
        self.launch(settings);
        wait_for("readiness", || (self.get("/readyz").status == 200).then_some(()));
    }

    /// Starts a worker with further settings and waits until it listens.
    pub fn launch(&mut self, settings: &[(&str, &str)]) {
        self.starts += 1;
        let log = self.dir.path().join(format!("worker-{}.log", self.starts));
        let mut command = self.command(&["run"]);
        command.envs(settings.iter().copied()).stdout(Stdio::null()).stderr(std::fs::File::create(&log).unwrap());
        let mut child = command.spawn().unwrap();
        let address = wait_for("listening", || {
            let said = std::fs::read_to_string(&log).unwrap();
            assert!(child.try_wait().unwrap().is_none(), "the worker ended: {said}");
            let (_, after) = said.split_once("listening address=")?;
            after.split_once('\n').map(|(address, _)| address.trim().to_owned())
        });
        self.running = Some((child, address));
    }

    /// Everything that the present worker has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join(format!("worker-{}.log", self.starts))).unwrap()
    }

    pub fn address(&self) -> &str {
        &self.running.as_ref().unwrap().1
    }

    /// SIGKILL, by its own pid.
    pub fn kill(&mut self) {
        let (mut child, _) = self.running.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Waits for an end that the worker comes to by itself.
    pub fn wait_for_end(&mut self) -> ExitStatus {
        let (mut child, _) = self.running.take().unwrap();
        wait_for("the end of the worker", || child.try_wait().unwrap())
    }

    /// SIGTERM, by its own pid.
    pub fn terminate(&self) {
        let pid = self.running.as_ref().unwrap().0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    }

    /// Told to stop once; how it ended, and how long that took.
    pub fn stop(&mut self) -> (ExitStatus, Duration) {
        let asked = Instant::now();
        self.terminate();
        (self.wait_for_end(), asked.elapsed())
    }

    pub fn get(&self, path: &str) -> Answer {
        request(self.address(), "GET", path, &[], b"")
    }
    pub fn delete(&self, path: &str) -> Answer {
        request(self.address(), "DELETE", path, &[], b"")
    }
    pub fn post(&self, path: &str, body: &[u8]) -> Answer {
        request(self.address(), "POST", path, &[], body)
    }

    /// Sends events that must all be accepted.
    pub fn send(&self, events: &[Value]) {
        let answer = self.post("/events", json!(events).to_string().as_bytes());
        assert_eq!((answer.status, answer.json()), (202, json!({ "accepted": events.len(), "refused": [] })));
    }

    /// The tasks of a queue, leased for a second.
    pub fn tasks(&self, suffix: &str) -> Vec<Value> {
        let answer = self.get(&format!("/tasks/{suffix}?limit=1000&lease=1"));
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()["tasks"].as_array().unwrap().clone()
    }

    /// The first tasks that come into a queue.
    pub fn first_tasks(&self, suffix: &str) -> Vec<Value> {
        wait_for(&format!("a task in {suffix}"), || Some(self.tasks(suffix)).filter(|tasks| !tasks.is_empty()))
    }

    /// The present instant of the worker, as events have it.
    pub fn now(&self) -> String {
        let offset = self.settings.iter().find(|(name, _)| name == "GLEANER__CLOCK__OFFSET");
        let offset = offset.map_or(0, |(_, value)| value.trim_end_matches("ms").parse().unwrap());
        let now = jiff::Timestamp::now().as_millisecond() + offset;
        jiff::Timestamp::from_millisecond(now).unwrap().to_string()
    }
}

impl Drop for Embedded {
    /// A failed test must not leave a worker behind.
    fn drop(&mut self) {
        if let Some((child, _)) = &mut self.running {
            let _dead_already = child.kill();
            let _reaped = child.wait();
        }
    }
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

/// One request on a connection of its own. A worker that does not answer (yet, or any more) answers 0.
pub fn request(address: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let mut head = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
    if !headers.iter().any(|(name, _)| *name == "Host") {
        head.push_str(&format!("Host: {address}\r\n"));
    }
    headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
    let mut answer = Vec::new();
    let asked = TcpStream::connect(address).and_then(|mut stream| {
        stream.set_read_timeout(Some(PATIENCE))?;
        // A refusal may come, and the connection end, before all of a body is written.
        let _early = stream.write_all(format!("{head}\r\n").as_bytes()).and_then(|()| stream.write_all(body));
        stream.read_to_end(&mut answer)
    });
    let answer = String::from_utf8(answer).unwrap();
    match answer.split_once("\r\n\r\n") {
        Some((head, body)) => {
            let status = head.split(' ').nth(1).unwrap().parse().unwrap();
            Answer { status, head: head.to_lowercase(), body: body.to_owned() }
        }
        None => Answer { status: 0, head: format!("{asked:?}"), body: String::new() },
    }
}

/// A person who asks to be called, with consent to calls and e-mail.
pub fn inquiry(id: &str, email: &str, phone: &str, time: &str) -> Value {
    json!({
        "specversion": "1.0", "id": id, "source": "/test", "type": "lead.captured", "time": time,
        "data": {
            "lead": { "email": email, "phone": phone },
            "profile": { "name": "Ana Ruiz", "country": "US", "region": "NY", "time_zone": "America/New_York" },
            "qualification": { "need": 3, "authority": 3 },
            "note": "please call me",
            "consent": [
                { "channel": "call", "state": "granted", "level": "express_written", "key": phone, "at": time },
                { "channel": "email", "state": "granted", "level": "express", "at": time }
            ],
            "origin": { "form": "pricing" }
        }
    })
}

/// Any other event.
pub fn event(id: &str, kind: &str, time: &str, data: Value) -> Value {
    json!({ "specversion": "1.0", "id": id, "source": "/test", "type": kind, "time": time, "data": data })
}
