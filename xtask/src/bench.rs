//! `cargo xtask bench [PART…]`: what Recant costs, measured in one run beside the disk, moto, four other caches and the AWS CLI.
//!
//! Sees to it that what is compared with is there, where that can be done, and runs the `measured` benchmark of the
//! crate `recant`. Whatever is missing is said so in its row.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::python;
use crate::workspace::{cargo, perform};

/// Programs with the packages of Debian that they come in.
const PROGRAMS: &[(&str, &[&str])] = &[
    ("nginx", &["nginx-light"]),
    ("varnishd", &["varnish", "varnish-modules"]),
    ("squid", &["squid"]),
    ("traffic_server", &["trafficserver"]),
    ("wrk", &["wrk"]),
    ("/usr/bin/aws", &["awscli"]),
    ("pg_lsclusters", &["postgresql"]),
];

/// Runs the chore with the arguments after its name: parts of the benchmark, all without any.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let missing: Vec<&str> = PROGRAMS
        .iter()
        .filter(|(program, _)| !is_there(program))
        .flat_map(|(_, packages)| *packages)
        .copied()
        .collect();
    if !missing.is_empty()
        && let Err(error) = install(&missing)
    {
        eprintln!("{} cannot be installed: {error:#}", missing.join(" and "));
    }
    let mut benchmark = cargo(&["bench", "--quiet", "--package", "recant", "--bench", "measured", "--"]);
    benchmark.args(arguments);
    let is_wanted = |part: &str| arguments.is_empty() || arguments.iter().any(|argument| argument == part);
    if is_wanted("command") {
        offer(&mut benchmark, "RECANT_AWS", "aws", python::clients());
    }
    if is_wanted("creates") {
        offer(&mut benchmark, "RECANT_MOTO", "moto_server", python::moto());
    }
    perform(&mut benchmark)
}

/// Names a program to the benchmark, or says why it is missing.
fn offer(benchmark: &mut Command, variable: &str, program: &str, programs: Result<PathBuf>) {
    match programs {
        Ok(programs) => {
            benchmark.env(variable, programs.join(program));
        }
        Err(error) => eprintln!("{program} cannot be installed: {error:#}"),
    }
}

/// Whether a program is on the path. Not run: some would start to serve.
fn is_there(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Needs root, which containers have; elsewhere it fails and says so.
fn install(packages: &[&str]) -> Result<()> {
    eprintln!("installing {}", packages.join(" and "));
    perform(Command::new("apt-get").args(["update", "-qq"]))?;
    perform(
        Command::new("apt-get")
            .args(["install", "-qq", "--yes", "--no-install-recommends"])
            .args(packages)
            .env("DEBIAN_FRONTEND", "noninteractive")
            // The system's own servers are not to be started: the benchmark starts its own.
            .env("RUNLEVEL", "1"),
    )
}
