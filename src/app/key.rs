//! The secret key file: made at the first start, read ever after, and compared with what the database was hashed under.
//!
//! Under this key numbers and addresses become the hashes by which opt-outs and erasures are remembered. Whoever loses
//! it recognises nobody again, so a missing or foreign key beside existing leads stops the start.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::domain::identity::{KeyHasher, LeadNo};
use crate::domain::lead::Lead;
use crate::store::{Store, StoreError};

/// Fewer characters are no key but an accident (an empty file, a cut copy). Ours have 64.
const MIN_CHARS: usize = 32;
/// Leads looked at to see whether a key fits.
const SAMPLE: usize = 10;

#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("the secret key file {} cannot be read", .path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("the secret key file {} cannot be made", .path.display())]
    NotMade { path: PathBuf, source: io::Error },
    #[error(
        "the secret key file {} holds only {found} characters, which is no key (at least {MIN_CHARS}): put its copy \
         back", .path.display()
    )]
    TooShort { path: PathBuf, found: usize },
    #[error(
        "the secret key file {} is missing, but the database has leads whose opt-outs and erasures are known only by \
         hashes under it: copy it from another worker or from its backup", .0.display()
    )]
    Lost(PathBuf),
    #[error(
        "the secret key in {} is not the one that this database's leads were hashed under, so that no opt-out would be \
         recognised: copy the file from another worker or from its backup", .0.display()
    )]
    Foreign(PathBuf),
}

/// The key, or `None` where there is no file.
///
/// # Errors
/// A file that cannot be read, or that holds no key.
pub fn read(path: &Path) -> Result<Option<KeyHasher>, KeyError> {
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(KeyError::Unreadable { path: path.to_owned(), source }),
    };
    let key = text.trim_ascii();
    if key.len() < MIN_CHARS {
        return Err(KeyError::TooShort { path: path.to_owned(), found: key.len() });
    }
    Ok(Some(KeyHasher::new(key)))
}

/// Makes the file, readable by its owner only. Where another process makes it at the same time, both have the same key.
///
/// # Errors
/// A file that cannot be made, or read again.
pub fn make(path: &Path) -> Result<KeyHasher, KeyError> {
    let failed = |source| KeyError::NotMade { path: path.to_owned(), source };
    write_once(path, &random_hex()).map_err(failed)?;
    read(path)?.ok_or_else(|| failed(ErrorKind::NotFound.into()))
}

/// Writes the whole file or nothing, and leaves one that is there already.
fn write_once(path: &Path, key: &str) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let draft = folder.join(format!(".secret-{}", Uuid::new_v4().simple()));
    let written = write_durably(&draft, key).and_then(|()| match std::fs::hard_link(&draft, path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    });
    std::fs::remove_file(&draft).and(written)?;
    // The name itself must survive a power cut too.
    File::open(folder)?.sync_all()
}

fn write_durably(path: &Path, key: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{key}")?;
    file.sync_all()
}

/// 64 hexadecimal digits. A version 4 UUID holds 122 bits from the system's generator; three are more than enough.
fn random_hex() -> String {
    let mut digest = Sha256::new();
    for _ in 0..3 {
        digest.update(Uuid::new_v4().as_bytes());
    }
    hex::encode(digest.finalize())
}

/// The permissions of the file, where others than its owner may read or write it.
pub fn is_open_to_others(path: &Path) -> Option<u32> {
    let mode = std::fs::metadata(path).map(|m| m.permissions()).as_ref().map_or(0, Permissions::mode) & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}

/// Whether a key is the one of a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// There is nobody yet to tell it by.
    NoLeads,
    Fits,
    Foreign,
}

/// Compares the hashes that leads carry with those the key makes.
///
/// # Errors
/// Those of the store.
pub async fn fits<S: Store>(store: &S, hasher: &KeyHasher) -> Result<Fit, StoreError> {
    for row in store.leads_after(LeadNo(0), SAMPLE).await? {
        // A lead that cannot be read says nothing about the key; whoever works it will say so.
        let Ok(lead) = Lead::decode(row.lead_no, row.lead_id, row.linked, &row.state) else { continue };
        if let Some((key, hash)) = lead.hashes.first_key_value() {
            return Ok(if hasher.hash(key) == *hash { Fit::Fits } else { Fit::Foreign });
        }
    }
    Ok(Fit::NoLeads)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::identity::{Key, KeyKind};

    #[test]
    fn a_key_is_made_once_for_its_owner_only_and_read_ever_after() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret.key");
        assert!(read(&path).unwrap().is_none());
        let key = Key::new(KeyKind::Email, "ana@example.com");
        let made = make(&path).unwrap().hash(&key);
        assert_eq!(make(&path).unwrap().hash(&key), made, "a second maker finds the first one's");
        assert_eq!(read(&path).unwrap().unwrap().hash(&key), made);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(is_open_to_others(&path), None);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn an_empty_file_is_no_key() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret.key");
        std::fs::write(&path, "\n").unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        let said = read(&path).err().unwrap().to_string();
        assert!(said.contains("holds only 0 characters"), "{said}");
        assert_eq!(is_open_to_others(&path), Some(0o644));
    }
}
