//! `cargo xtask test [ARGUMENT…]`: all tests, those that drive the real AWS CLI, boto3, the AWS SDK for JavaScript and
//! PostgreSQL servers included.
//!
//! The end-to-end tests need the first three; they are installed, pinned, into folders of this workspace: `.venv` and
//! `.node`. PostgreSQL's programs and version 2 of the AWS CLI come from Debian's packages. The arguments go to
//! `cargo test`.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::workspace::{cargo, perform, root};
use crate::{debian, python};

/// What npm needs to install the same packages everywhere, and the folder that holds it.
const NODE_FILES: [&str; 2] = ["package.json", "package-lock.json"];
const NODE_FOLDER: &str = "tests/javascript";

/// Runs the chore with the arguments after its name.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let programs = python::clients()?;
    let modules = node_modules()?;
    let postgres = debian::postgres()?;
    let (aws, models) = debian::aws(&programs)?;
    // The tests start the one binary; building it first tells a broken build from a broken test.
    perform(&mut cargo(&["build", "--package", "recant"]))?;
    let mut tests = cargo(&["test", "--no-fail-fast"]);
    if !names_a_package(arguments) {
        tests.arg("--workspace");
    }
    tests
        .args(arguments)
        .env("RECANT_PYTHON", programs.join("python3"))
        .env("RECANT_AWS", programs.join("aws"))
        .env("RECANT_NODE_PATH", modules)
        .env("RECANT_AWS_V2", aws)
        .env("RECANT_AWS_V2_MODELS", models)
        .env("RECANT_POSTGRES", postgres);
    perform(&mut tests)
}

/// Whether the arguments before `--` choose packages; beside `--workspace`, cargo would take no notice of the choice.
fn names_a_package(arguments: &[String]) -> bool {
    let mut before = arguments.iter().take_while(|argument| *argument != "--");
    before.any(|argument| argument.starts_with("-p") || argument.starts_with("--package"))
}

/// The folder of the Node packages that [`NODE_FOLDER`]'s lock file names, filled when it is missing or was filled from
/// another lock file.
fn node_modules() -> Result<PathBuf> {
    let folder = root().join(".node");
    let modules = folder.join("node_modules");
    let stamp = folder.join("lock.stamp");
    let [_, lock] = NODE_FILES;
    let lock = root().join(NODE_FOLDER).join(lock);
    let wanted = fs::read_to_string(&lock).with_context(|| lock.display().to_string())?;
    if fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) && modules.is_dir() {
        return Ok(modules);
    }
    eprintln!("installing the tests' Node packages into .node");
    fs::create_dir_all(&folder)?;
    for file in NODE_FILES {
        fs::copy(root().join(NODE_FOLDER).join(file), folder.join(file)).with_context(|| file)?;
    }
    // No package's own script is run: none of these needs one.
    perform(
        Command::new("npm")
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"])
            .current_dir(&folder),
    )
    .context("the end-to-end tests need Node 20 or later with npm")?;
    // Last, so that a folder that is not whole is filled anew.
    fs::write(&stamp, wanted)?;
    Ok(modules)
}
