//! `cargo xtask crash [--cycles N] [--seed S]`: many more kills of a plane under load than the tests do.
//!
//! What is checked after each, `crates/recant/tests/it/blackbox/crash.rs` says. A failure names seed and cycle.

use anyhow::{Context, Result, bail};

use crate::workspace::{cargo, perform};

const USAGE: &str = "usage: cargo xtask crash [--cycles N] [--seed S]";
const CYCLES: u64 = 1_000;

/// Runs the chore with the arguments after its name.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let (mut cycles, mut seed) = (CYCLES, 1);
    for pair in arguments.chunks(2) {
        let [name, value] = pair else { bail!(USAGE) };
        let value: u64 = value.parse().with_context(|| format!("{name} {value}: no number\n{USAGE}"))?;
        match name.as_str() {
            "--cycles" => cycles = value,
            "--seed" => seed = value,
            _ => bail!(USAGE),
        }
    }
    let mut test = cargo(&["test", "--package", "recant", "--test", "it", "blackbox::crash::"]);
    test.args(["--", "--nocapture"]);
    test.env("RECANT_CRASH_CYCLES", cycles.to_string()).env("RECANT_CRASH_SEED", seed.to_string());
    perform(&mut test)
}
