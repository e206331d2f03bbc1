//! `gleaner demo`: stands in until the demonstration is there.

use std::io::Write;

use anyhow::{Result, bail};

use crate::domain::working_set::Env;

/// # Errors
/// Always, for now.
pub fn run(_out: &mut impl Write, _env: Env) -> Result<()> {
    bail!("there is no demonstration yet")
}
