//! Python programs that tests and benchmarks need, installed, pinned, into folders of this workspace.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::workspace::{perform, root};

/// The folder with the AWS CLI, boto3 and the Python that has them.
pub(crate) fn clients() -> Result<PathBuf> {
    programs(".venv", "tests/python/requirements.txt", "aws")
}

/// The folder with moto's server.
pub(crate) fn moto() -> Result<PathBuf> {
    programs(".bench-venv", "crates/recant/benches/requirements.txt", "moto_server")
}

/// The folder of the programs of a virtual environment with all that a file lists, made when it is missing, lacks this
/// program, or was made from other requirements.
fn programs(name: &str, requirements: &str, program: &str) -> Result<PathBuf> {
    let folder = root().join(name);
    let programs = folder.join("bin");
    let stamp = folder.join("requirements.stamp");
    let wanted = fs::read_to_string(root().join(requirements)).with_context(|| requirements.to_owned())?;
    if fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) && programs.join(program).exists() {
        return Ok(programs);
    }
    eprintln!("making a Python environment in {name}");
    perform(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))
        .context("this needs python3 with its module venv")?;
    perform(
        Command::new(programs.join("python3"))
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
            .args(["--requirement", requirements])
            .current_dir(root()),
    )?;
    // Last, so that an environment that is not whole is made anew.
    fs::write(&stamp, wanted)?;
    Ok(programs)
}
