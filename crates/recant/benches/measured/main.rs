//! What Recant costs, in one run: `cargo xtask bench`.
//!
//! Eleven questions, each beside something that says what the number is worth: the disk's own limit, other caches,
//! another client. What is compared is compared within this run, in alternated rounds, on the same cores; each number
//! is the median of its rounds with the least and the greatest behind it. Numbers that speak against Recant are
//! printed like the others.
//!
//! Everything runs on the loopback interface, on ports that the system chooses, in a folder under the build's own,
//! and ends within minutes; every process that is started here is stopped by its id, also when something fails.
//!
//! What it deliberately does not do: judge. There are no thresholds; the reader compares with an earlier run on the
//! same machine.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints what it measured")]

use std::process::ExitCode;
use std::{env, fs};

use anyhow::Result;

mod api;
mod caches;
mod command;
mod completion;
mod creates;
mod disk;
mod filling;
mod hits;
mod http;
mod invalidation;
mod load;
mod memory;
mod models;
mod moto;
mod origin;
mod pages;
mod peers;
#[path = "../../../recant-plane/tests/it/postgres/mod.rs"]
#[expect(dead_code, clippy::unwrap_used, reason = "it is the tests' own, which need more of it")]
mod postgres;
mod processes;
mod rules;
mod spent;
mod start;
mod statistics;
mod tail;

/// One part: what it is called on the command line, and what it does.
type Part = (&'static str, fn() -> Result<()>);

const PARTS: &[Part] = &[
    ("rules", rules::run),
    ("memory", memory::run),
    ("invalidation", invalidation::run),
    ("disk", disk::run),
    ("creates", creates::run),
    ("pages", pages::run),
    ("completion", completion::run),
    ("hits", hits::run),
    ("start", start::run),
    ("peers", peers::run),
    ("tail", tail::run),
    ("command", command::run),
];

fn main() -> ExitCode {
    // cargo adds `--bench`; the rest are the parts that are wanted, all without any.
    let words: Vec<String> = env::args().skip(1).filter(|word| word != "--bench").collect();
    if let [first, command @ ..] = &words[..]
        && first == command::SPEND
    {
        return command::spend(command);
    }
    machine();
    let mut failed = false;
    for (name, part) in PARTS {
        if words.is_empty() || words.iter().any(|word| word == name) {
            // A part that fails says so, and the others are measured all the same.
            if let Err(error) = part() {
                eprintln!("{name}: not measured: {error:#}");
                failed = true;
            }
        }
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Says what machine this is, and whether it had other things to do.
fn machine() {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let info = read("/proc/cpuinfo");
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let load = read("/proc/loadavg");
    let load = load.split(' ').next().unwrap_or("unknown");
    println!("{cores} cores ({}); load average before: {load}", model.map_or("unknown", |(_, model)| model));
    println!("numbers are medians (least–greatest) of alternated rounds");
}
