//! `cargo xtask crash [--disk] [--cycles N] [--seed S]`: many more kills of a plane under load than the tests do, or of an edge
//! with a disk.
//!
//! What is checked after each, `crates/recant/tests/it/blackbox/crash.rs` says, or `disk.rs` beside it. A failure names seed and
//! cycle.

use anyhow::{Context, Result, bail};

use crate::workspace::{cargo, perform};

const USAGE: &str = "usage: cargo xtask crash [--disk] [--cycles N] [--seed S]";
const CYCLES: u64 = 1_000;

/// Runs the chore with the arguments after its name.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let (mut cycles, mut seed) = (CYCLES, 1);
    let (of, numbers) = match arguments.split_first() {
        Some((first, numbers)) if first == "--disk" => ("disk", numbers),
        _ => ("crash", arguments),
    };
    for pair in numbers.chunks(2) {
        let [name, value] = pair else { bail!(USAGE) };
        let value: u64 = value.parse().with_context(|| format!("{name} {value}: no number\n{USAGE}"))?;
        match name.as_str() {
            "--cycles" => cycles = value,
            "--seed" => seed = value,
            _ => bail!(USAGE),
        }
    }
    let filter = format!("blackbox::{of}::");
    let mut test = cargo(&["test", "--package", "recant", "--test", "it", &filter]);
    test.args(["--", "--nocapture"]);
    let variable = |what: &str| format!("RECANT_{}_{what}", of.to_uppercase());
    test.env(variable("CYCLES"), cycles.to_string()).env(variable("SEED"), seed.to_string());
    perform(&mut test)
}
