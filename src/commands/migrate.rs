//! `gleaner migrate`: brings the tables of the database up to what this program needs.

use std::io::Write;

use anyhow::Result;
use serde_json::json;

use super::Output;

use crate::store::Store;

/// Migrates; safe to run twice, and by two at once. `epoch` counts only for a database that has none yet.
///
/// # Errors
/// The database does not answer, or is newer than this program.
pub async fn run<S: Store>(
    store: &S,
    address: &str,
    epoch: Option<&str>,
    output: Output,
    out: &mut impl Write,
) -> Result<()> {
    let info = store.migrate(epoch).await.map_err(anyhow::Error::from).map_err(|error| {
        let says = match super::sentence(&error).contains("permission denied") {
            true => format!("cannot migrate the database {address}: it takes the owner of its tables (gleaner_owner in docs/roles.sql)"),
            false => format!("cannot migrate the database {address}"),
        };
        error.context(says)
    })?;
    if output != Output::Table {
        let told = json!({ "database": address, "schema_version": info.schema_version, "epoch": info.epoch });
        writeln!(out, "{told}")?;
        return Ok(());
    }
    writeln!(out, "{address} is at schema version {}, epoch {}.", info.schema_version, info.epoch)?;
    Ok(())
}
