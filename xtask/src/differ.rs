//! `cargo xtask differ [OPTION…]`: random calls by an AWS CLI v2 and by Recant, and where they differ.
//!
//! Optional: it needs Debian's `awscli`. The options, and what it compares, are `tests/python/differ`'s.

use std::process::Command;

use anyhow::{Context, Result};

use crate::workspace::{cargo, perform, root};
use crate::{api_model, python};

/// The Python that Debian's packages are for.
const PYTHON: &str = "/usr/bin/python3";
const FOLDER: &str = "tests/python/differ";

/// Runs the chore with the arguments after its name.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let programs = python::clients()?;
    let botocore = api_model::fetch(root())?;
    let oracle = root().join("target/differ");
    perform(
        Command::new(PYTHON).arg("-B").arg(root().join(FOLDER).join("prepare.py")).arg(&oracle).arg(botocore),
    )
    .context("the comparison needs Debian's package awscli")?;
    perform(&mut cargo(&["build", "--package", "recant"]))?;
    // Called by this name, the program takes the AWS CLI's lines as they are.
    let link = oracle.join("aws");
    if !link.exists() {
        std::os::unix::fs::symlink(root().join("target/debug/recant"), &link)?;
    }
    perform(
        Command::new(programs.join("python3"))
            .arg("-B")
            .arg(root().join(FOLDER))
            .args(["--python", PYTHON, "--oracle"])
            .arg(&oracle)
            .arg("--program")
            .arg(&link)
            .args(arguments),
    )
}
