//! What `gleaner check` sees without asking anybody: policy, secret key, token, limits.

use anyhow::anyhow;

use super::{Findings, sentence};
use crate::app;
use crate::config::{Config, Profile};
use crate::domain::decide::Mode;
use crate::domain::policy::Fictional;

/// Fewer characters can be guessed by somebody who asks day and night: 16 of 64 kinds are 96 bits.
const TOKEN_CHARS: usize = 16;

pub fn check(config: &Config, found: &mut Findings) {
    policy(config, found);
    mode(config, found);
    key_file(config, found);
    token(config, found);
    fictional(config, found);
    memory(config, available_bytes(), found);
}

fn policy(config: &Config, found: &mut Findings) {
    let from = config.policy.dir.as_ref().map_or("compiled in".to_owned(), |dir| format!("from {}", dir.display()));
    match app::policy(config) {
        Ok(policy) => found.ok("policy", format!("right; {} ({from})", policy.hash)),
        Err(error) => found.wrong("policy", sentence(&error)),
    }
}

/// Of a worker with this configuration; `gleaner pause` is over it.
fn mode(config: &Config, found: &mut Findings) {
    match config.act.mode {
        Mode::Act => found.ok("mode", "act: what is decided is sent"),
        Mode::Observe => {
            found.note("mode", "observe: everything is decided and recorded, and nothing is sent; `act.mode`")
        }
        Mode::Paused => found.note("mode", "paused: leads are scored, and nothing is decided or sent; `act.mode`"),
    }
}

fn key_file(config: &Config, found: &mut Findings) {
    let path = &config.secret.key_file;
    match (app::read_key(path), app::is_open_to_others(path)) {
        (Ok(None), _) if config.profile == Profile::Production => found.note(
            "secret key",
            format!(
                "{} is not there: where there are no leads yet the first worker makes it, and every other needs a copy",
                path.display()
            ),
        ),
        (Ok(None), _) => found.note("secret key", format!("{} is not there: `gleaner run` makes it", path.display())),
        (Ok(Some(_)), None) => {
            let says = format!("{} is there, for its owner only", path.display());
            match owner(path) {
                Some(0) => {
                    found.note("secret key", format!("{says}, who is root: no worker that runs as another can read it"))
                }
                Some(uid) => {
                    found.ok("secret key", format!("{says} (user {uid}, as which workers must run); keep a copy"))
                }
                None => found.ok("secret key", format!("{says}; keep a copy")),
            }
        }
        (Ok(Some(_)), Some(mode)) => found.wrong(
            "secret key",
            format!("{} can be read by others (mode {mode:o}): chmod 600 {}", path.display(), path.display()),
        ),
        (Err(error), _) => found.wrong("secret key", sentence(&anyhow!(error))),
    }
}

/// Who owns the file, where root looks: it can read what the workers cannot.
#[cfg(unix)]
fn owner(path: &std::path::Path) -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    let own = std::fs::metadata("/proc/self").ok()?.uid();
    std::fs::metadata(path).ok().map(|file| file.uid()).filter(|_| own == 0)
}

#[cfg(not(unix))]
fn owner(_: &std::path::Path) -> Option<u32> {
    None
}

/// Who tried the commands with invented people is to be reminded before real leads come.
fn fictional(config: &Config, found: &mut Findings) {
    if config.profile == Profile::Production && config.contact.fictional == Fictional::Allow {
        let says =
            "numbers and addresses reserved for fiction are called and written to: for trying out; `contact.fictional`";
        found.note("fictional", says);
    }
}

/// That there is one wherever other machines can ask, the configuration has seen to.
fn token(config: &Config, found: &mut Findings) {
    let listen = config.http.listen;
    match &config.http.token {
        Some(token) if token.expose().chars().count() < TOKEN_CHARS => found.note(
            "http token",
            format!("it has fewer than {TOKEN_CHARS} characters and can be guessed: `openssl rand -hex 32` makes one"),
        ),
        Some(_) => found.ok("http token", format!("one is needed at {listen}, except for /livez and /readyz")),
        None => found.ok("http token", format!("none, and none is needed: only this machine reaches {listen}")),
    }
}

/// Events are held in memory until they are acknowledged.
fn memory(config: &Config, available: Option<u64>, found: &mut Findings) {
    let (prefetch, body) = (u64::from(config.queue.prefetch), config.limits.body_bytes as u64);
    let bound = prefetch * body;
    let says = format!("at most {} of events: {prefetch} (`queue.prefetch`) of {}", size(bound), size(body));
    match available {
        Some(available) if bound > available => found.note(
            "memory",
            format!(
                "{says} (`limits.body_bytes`), and there are {} here: if events may be that large, lower `queue.prefetch` to {}",
                size(available),
                (available / 2 / body).max(config.worker.batch_size as u64)
            ),
        ),
        _ => found.ok("memory", says),
    }
}

pub fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{} KiB", bytes / 1024),
        1_048_576..1_073_741_824 => format!("{} MiB", bytes / 1_048_576),
        _ => format!("{:.1} GiB", bytes as f64 / 1_073_741_824.0),
    }
}

/// What this process may have: the limit of its container where there is one, else what the machine has free.
fn available_bytes() -> Option<u64> {
    let limit = std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|text| text.trim().parse().ok());
    let free = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
        Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
    });
    match (limit, free) {
        (Some(limit), Some(free)) => Some(u64::min(limit, free)),
        (limit, free) => limit.or(free),
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    fn config(settings: &[(&str, &str)]) -> Config {
        let settings = settings.iter().map(|(name, value)| (format!("GLEANER__{name}"), (*value).to_owned()));
        Config::load(None, settings).unwrap()
    }

    fn said(look: impl FnOnce(&mut Findings)) -> (State, String) {
        let mut found = Findings::default();
        look(&mut found);
        let finding = found.0.pop().unwrap();
        (finding.state, finding.says)
    }

    #[test]
    fn a_bound_on_memory_that_the_machine_does_not_have_is_told_with_one_that_it_has() {
        let config = config(&[]);
        let (state, says) = said(|found| memory(&config, Some(8 << 30), found));
        assert_eq!((state, &*says), (State::Ok, "at most 1.5 GiB of events: 1500 (`queue.prefetch`) of 1 MiB"));
        let (state, says) = said(|found| memory(&config, Some(900 << 20), found));
        assert_eq!(state, State::Note);
        assert!(says.contains("there are 900 MiB here") && says.ends_with("`queue.prefetch` to 500"), "{says}");
        assert_eq!(said(|found| memory(&config, None, found)).0, State::Ok);
    }

    #[test]
    fn that_invented_people_are_called_is_told_in_production() {
        let told = |profile: &str| {
            let mut found = Findings::default();
            fictional(&config(&[("PROFILE", profile), ("CONTACT__FICTIONAL", "allow")]), &mut found);
            found.0.len()
        };
        assert_eq!((told("production"), told("embedded")), (1, 0));
    }

    #[test]
    fn a_token_that_can_be_guessed_is_told_and_never_shown() {
        let open = ("HTTP__LISTEN", "0.0.0.0:8080");
        let (state, says) = said(|found| token(&config(&[open, ("HTTP__TOKEN", "hunter2")]), found));
        assert!(state == State::Note && !says.contains("hunter2"), "{says}");
        assert_eq!(said(|found| token(&config(&[open, ("HTTP__TOKEN", "0123456789abcdef")]), found)).0, State::Ok);
        assert!(said(|found| token(&config(&[]), found)).1.starts_with("none, and none is needed"));
    }
}
