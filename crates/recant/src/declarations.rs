//! The files of `--apply`.

use std::path::PathBuf;

use anyhow::Context as _;
use recant_plane::Declaration;

/// Reads all of them; what they say is for the plane to judge.
pub(crate) fn read(files: &[PathBuf]) -> anyhow::Result<Vec<Declaration>> {
    files
        .iter()
        .map(|file| {
            let name = file.display().to_string();
            let bytes = std::fs::read(file).with_context(|| name.clone())?;
            let document = recant_cli::read_document(bytes).with_context(|| name.clone())?;
            Ok(Declaration { name, document })
        })
        .collect()
}
