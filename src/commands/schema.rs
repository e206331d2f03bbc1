//! `gleaner schema`: the JSON Schema of every message, as one JSON object or as files.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::json;

use super::Output;

use crate::wire::schema::schemas;

/// Writes the schemas by their file names to `out`, or each into its file in the folder.
///
/// # Errors
/// What cannot be written.
pub fn run(folder: Option<&Path>, output: Output, out: &mut impl Write) -> Result<()> {
    let schemas = schemas();
    let Some(folder) = folder else {
        serde_json::to_writer_pretty(&mut *out, &schemas)?;
        writeln!(out)?;
        return Ok(());
    };
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    for (name, schema) in &schemas {
        let path = folder.join(name);
        let text = format!("{schema:#}\n");
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    if output != Output::Table {
        writeln!(out, "{}", json!({ "folder": folder, "schemas": schemas.len() }))?;
        return Ok(());
    }
    writeln!(out, "{} schemas are in {}.", schemas.len(), folder.display())?;
    Ok(())
}
