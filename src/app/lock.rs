//! One worker at a time on the files of the embedded profile: two would take each other's deliveries for ever.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

/// Holds the files as long as it lives; the system lets go of them with the process, however that ends.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "held, not used")] File);

impl Lock {
    /// Takes the file `<database>.lock` beside the database.
    ///
    /// # Errors
    /// Another process has it, or it cannot be made.
    pub fn take(database: &Path) -> Result<Lock> {
        let mut path = database.as_os_str().to_owned();
        path.push(".lock");
        let path = PathBuf::from(path);
        let opened = OpenOptions::new().append(true).create(true).mode(0o600).open(&path);
        let file = opened.with_context(|| format!("cannot make {}", path.display()))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Lock(file)),
            Err(Errno::WOULDBLOCK) => bail!(
                "another gleaner runs on {}: stop it first, or give this one files of its own (`store.url`, `queue.url`)",
                database.display()
            ),
            Err(error) => Err(error).with_context(|| format!("cannot lock {}", path.display())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_have_one_worker_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let database = dir.path().join("gleaner.db");
        let first = Lock::take(&database).unwrap();
        let said = Lock::take(&database).unwrap_err().to_string();
        assert!(said.starts_with("another gleaner runs on "), "{said}");
        drop(first);
        Lock::take(&database).unwrap();
    }
}
