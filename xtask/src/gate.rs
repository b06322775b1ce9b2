//! `cargo xtask gate [--no-test]`: everything that must hold before a change is taken in, the same by hand and in CI.
//!
//! One line a step; a step that fails shows why, and the others are run all the same. All of it goes to stderr.

use std::time::Instant;

use anyhow::{Result, bail, ensure};

use crate::workspace::{Packages, cargo};
use crate::{licences, shape};

/// One step: its name, and what it does.
type Step<'a> = (&'static str, Box<dyn Fn() -> Result<()> + 'a>);

/// Runs the chore with the arguments after its name.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let with_tests = match arguments {
        [] => true,
        [one] if one == "--no-test" => false,
        _ => bail!("usage: cargo xtask gate [--no-test]"),
    };
    let packages = Packages::read()?;
    let mut steps: Vec<Step<'_>> = vec![
        ("file sizes", Box::new(shape::file_sizes)),
        ("dependency direction", Box::new(|| shape::directions(&packages))),
        ("core purity", Box::new(|| shape::purity(&packages))),
        ("licences", Box::new(|| licences::check(&packages))),
        ("format", Box::new(|| quietly(&["fmt", "--all", "--check"]))),
        ("clippy", Box::new(|| quietly(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))),
        (
            "documentation",
            Box::new(|| quietly(&["doc", "--no-deps", "--workspace", "--document-private-items"])),
        ),
    ];
    if with_tests {
        steps.push(("tests", Box::new(|| quietly(&["xtask", "test"]))));
    }
    let failed: Vec<&str> = steps.iter().filter(|step| !passes(step)).map(|(name, _)| *name).collect();
    ensure!(failed.is_empty(), "the gate is closed: {}", failed.join(", "));
    Ok(())
}

fn passes((name, work): &Step<'_>) -> bool {
    eprint!("{name:<22}");
    let start = Instant::now();
    let result = work();
    let seconds = start.elapsed().as_secs_f64();
    match &result {
        Ok(()) => eprintln!("ok      {seconds:>6.1} s"),
        Err(why) => eprintln!("FAILED  {seconds:>6.1} s\n\n{why:#}\n"),
    }
    result.is_ok()
}

/// Runs cargo, and keeps what it prints unless it fails.
fn quietly(arguments: &[&str]) -> Result<()> {
    let output = cargo(arguments).env("RUSTDOCFLAGS", "-D warnings").output()?;
    ensure!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}
