//! The list of migrations, the same numbers and names for both databases, and who may run on which schema.
//!
//! Each migration says which is the oldest binary that may still run once it is applied. So a newer gleaner can
//! migrate while older ones work on, and one that must not is refused in plain words instead of failing oddly.

use super::StoreError;

/// One step of the schema.
pub struct Migration {
    pub version: i64,
    pub name: &'static str,
    pub sql: &'static str,
    /// The oldest binary, named by the newest migration it knew, that may run when this one is applied.
    pub oldest_binary: i64,
}

macro_rules! migrations {
    ($dialect:literal) => {
        &[
            migration!($dialect, 1, "0001_leads", oldest_binary 4),
            migration!($dialect, 2, "0002_outbox", oldest_binary 4),
            migration!($dialect, 3, "0003_pools", oldest_binary 4),
            migration!($dialect, 4, "0004_chores", oldest_binary 4),
            // A binary that does not read it would not obey a pause.
            migration!($dialect, 5, "0005_control", oldest_binary 5),
            migration!($dialect, 6, "0006_traces", oldest_binary 5),
            // A binary before it cannot read a lead that was asked for a referral.
            migration!($dialect, 7, "0007_compression", oldest_binary 7),
        ]
    };
}
macro_rules! migration {
    ($dialect:literal, $version:literal, $name:literal, oldest_binary $oldest:literal) => {
        Migration {
            version: $version,
            name: $name,
            sql: include_str!(concat!("../../migrations/", $dialect, "/", $name, ".sql")),
            oldest_binary: $oldest,
        }
    };
}

pub const POSTGRES: &[Migration] = migrations!("postgres");
pub const SQLITE: &[Migration] = migrations!("sqlite");

/// The newest migration this binary knows.
pub const KNOWN: i64 = POSTGRES[POSTGRES.len() - 1].version;

/// What the database says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    pub version: i64,
    pub oldest_binary: i64,
}

/// Why this binary and the schema do not go together.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    #[error("the database has no gleaner tables yet: run `gleaner migrate`")]
    Missing,
    #[error("the database is at schema version {found}, this gleaner needs version {needed}: run `gleaner migrate`")]
    Older { found: i64, needed: i64 },
    #[error(
        "the database is at schema version {found}, which no gleaner older than schema version {oldest} may use, \
         and this one knows only version {known}: use a newer gleaner"
    )]
    Newer { found: i64, oldest: i64, known: i64 },
}

/// Refuses a schema that is missing, behind this binary, or too far ahead of it.
pub fn check(found: Option<Found>) -> Result<Found, SchemaError> {
    let found = found.ok_or(SchemaError::Missing)?;
    check_not_too_new(found)?;
    if found.version < KNOWN {
        return Err(SchemaError::Older { found: found.version, needed: KNOWN });
    }
    Ok(found)
}

/// Refuses a schema on which this binary must not run, nor migrate.
pub fn check_not_too_new(found: Found) -> Result<(), SchemaError> {
    if found.oldest_binary > KNOWN {
        return Err(SchemaError::Newer { found: found.version, oldest: found.oldest_binary, known: KNOWN });
    }
    Ok(())
}

impl From<SchemaError> for StoreError {
    fn from(e: SchemaError) -> StoreError {
        StoreError::Refused(Box::new(e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_databases_have_the_same_migrations_in_order() {
        let names = |list: &[Migration]| list.iter().map(|m| (m.version, m.name, m.oldest_binary)).collect::<Vec<_>>();
        assert_eq!(names(POSTGRES), names(SQLITE));
        for (i, m) in POSTGRES.iter().enumerate() {
            assert_eq!(m.version, i as i64 + 1);
            assert!(m.name.starts_with(&format!("{:04}_", m.version)), "{} carries another number", m.name);
            assert!(m.oldest_binary <= KNOWN);
        }
    }

    #[test]
    fn a_schema_ahead_is_fine_until_it_says_otherwise() {
        let ahead = Found { version: KNOWN + 3, oldest_binary: KNOWN };
        assert_eq!(check(Some(ahead)), Ok(ahead));
        let too_far = Found { version: KNOWN + 3, oldest_binary: KNOWN + 1 };
        assert_eq!(check(Some(too_far)), Err(SchemaError::Newer { found: KNOWN + 3, oldest: KNOWN + 1, known: KNOWN }));
    }

    #[test]
    fn a_schema_behind_names_the_command_that_helps() {
        let behind = Found { version: KNOWN - 1, oldest_binary: 1 };
        let text = check(Some(behind)).unwrap_err().to_string();
        assert!(text.contains("gleaner migrate"), "{text}");
        assert_eq!(check(None), Err(SchemaError::Missing));
    }
}
