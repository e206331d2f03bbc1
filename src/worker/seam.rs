//! Places where a worker may die, so that tests can make it die exactly there.
//!
//! Only in debug builds: `GLEANER_DIE_AT=after_commit:3` aborts the process the third time it passes that seam. In a
//! release build passing a seam is nothing at all.

/// The instants between two durable steps at which a death must lose nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seam {
    BeforeCommit,
    /// Committed, neither acknowledged nor handed to the broker.
    AfterCommit,
    BeforePublish,
    /// The broker has it, the outbox does not know yet.
    AfterConfirm,
    InAllotter,
}

impl Seam {
    pub const ALL: [Seam; 5] =
        [Seam::BeforeCommit, Seam::AfterCommit, Seam::BeforePublish, Seam::AfterConfirm, Seam::InAllotter];
    pub fn name(self) -> &'static str {
        match self {
            Seam::BeforeCommit => "before_commit",
            Seam::AfterCommit => "after_commit",
            Seam::BeforePublish => "before_publish",
            Seam::AfterConfirm => "after_confirm",
            Seam::InAllotter => "in_allotter",
        }
    }
}

/// Passes a seam.
#[cfg(debug_assertions)]
pub(super) fn pass(seam: Seam) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicI64, Ordering};
    static DIE_AT: OnceLock<Option<(String, AtomicI64)>> = OnceLock::new();
    let wanted = DIE_AT.get_or_init(|| {
        let wish = std::env::var("GLEANER_DIE_AT").ok()?;
        let (name, times) = wish.split_once(':').unwrap_or((&wish, "1"));
        Some((name.to_owned(), AtomicI64::new(times.parse().unwrap_or(1))))
    });
    if let Some((name, left)) = wanted
        && name == seam.name()
        && left.fetch_sub(1, Ordering::SeqCst) == 1
    {
        eprintln!("dying at {name}, as asked");
        std::process::abort();
    }
}

#[cfg(not(debug_assertions))]
pub(super) fn pass(_seam: Seam) {}
