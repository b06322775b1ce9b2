//! `cargo xtask api-model [--check]`: writes `recant-wire`'s tables of the API from the public botocore package.
//!
//! The package comes by pip, pinned, into the target folder; the extraction itself is `api_model.py`, which runs beside
//! it and takes the names of the command line from botocore's own function. With `--check` nothing is written, and a
//! difference is an error.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

/// The newest version at the time of the last extraction.
const BOTOCORE: &str = "1.44.5";
const TABLES: &str = "crates/recant-wire/src/model/data.rs";

/// Runs the chore with the arguments after its name.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let check = match arguments {
        [] => false,
        [one] if one == "--check" => true,
        _ => bail!("usage: cargo xtask api-model [--check]"),
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in the workspace")?;
    let package = fetch(root)?;
    let fresh = root.join("target/api-model/data.rs");
    perform(
        Command::new("python3")
            .args(["-B", "xtask/src/api_model.py"])
            .arg(&package)
            .arg(BOTOCORE)
            .arg(&fresh)
            .current_dir(root),
    )?;
    let tables = root.join(TABLES);
    let new = fs::read(&fresh).context("the extraction's output")?;
    if check {
        ensure!(
            fs::read(&tables)? == new,
            "{TABLES} is not what botocore {BOTOCORE} says: cargo xtask api-model"
        );
        return Ok(());
    }
    fs::write(&tables, new).with_context(|| format!("writing {TABLES}"))
}

/// Installs the package unless it is there, and returns its folder.
pub(crate) fn fetch(root: &Path) -> Result<PathBuf> {
    let folder = root.join(format!("target/api-model/botocore-{BOTOCORE}"));
    if !folder.join("botocore/__init__.py").exists() {
        perform(
            Command::new("python3")
                .args([
                    "-m",
                    "pip",
                    "install",
                    "--quiet",
                    "--no-deps",
                    "--disable-pip-version-check",
                    "--target",
                ])
                .arg(&folder)
                .arg(format!("botocore=={BOTOCORE}")),
        )?;
    }
    Ok(folder)
}

fn perform(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("starting {command:?}"))?;
    ensure!(status.success(), "{command:?} failed: {status}");
    Ok(())
}
