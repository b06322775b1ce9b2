//! What an invalidation costs here and elsewhere: how long it takes with few and with many things stored, and what it
//! leaves behind for the hits that follow.
//!
//! Each way of invalidating is compared with itself: with an ordinary hit, with no invalidation outstanding.
//! `peers million` measures the first with ten times as much stored.

use anyhow::Result;

mod growth;
mod outstanding;

pub(crate) use growth::until_hit;

/// A word on the command line that asks for a million stored things.
const MILLION: &str = "million";

const STORED: &[usize] = &[1_000, 100_000];
const STORED_TOO: usize = 1_000_000;
const OUTSTANDING: [usize; 3] = [0, 1_000, 100_000];

/// Measures and prints.
pub(crate) fn run() -> Result<()> {
    if std::env::args().any(|word| word == MILLION) {
        return growth::run(&[STORED_TOO]);
    }
    growth::run(STORED)?;
    println!("  with {STORED_TOO} stored: not measured here, but by `cargo xtask bench peers {MILLION}`");
    outstanding::run(OUTSTANDING)
}
