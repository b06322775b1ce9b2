//! What it costs an edge to keep its stored responses on a disk: to write them, to find them again, to read one.

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use recant_edge::DiskOptions;
use recant_edge::measuring::Inside;

use crate::memory::resident;
use crate::statistics::{Rounds, rounds};

const STORED: [usize; 2] = [100_000, 1_000_000];
const TENANTS: usize = 1_000;
const BODY: [u8; 256] = [b'x'; 256];
const LARGE_BODY: usize = 100 * 1024;
/// Large ones, so that the page cache holds them.
const LARGE: usize = 2_000;
const DISK_BYTES: u64 = 4 << 30;
/// For memory, where nothing of what lies on the disk is to be.
const STORE_BYTES: u64 = 1 << 20;
/// Responses that are read in one round.
const READS: usize = 2_000;
const ROUNDS: usize = 15;
const TIME: Duration = Duration::from_secs(20);
const PATIENCE: Duration = Duration::from_secs(120);

/// Measures and prints.
pub(crate) fn run() -> Result<()> {
    println!(
        "\nresponses on a disk that the page cache holds, {TENANTS} tenants, bodies of {} bytes",
        BODY.len()
    );
    println!(
        "  {:>22}{:>22}{:>22}{:>22}{:>22}",
        "stored", "written, a second", "bytes there, each", "restart, s", "index bytes, each"
    );
    for stored in STORED {
        restart(stored)?;
    }
    println!("\none response, one thread, µs");
    for (name, stored, body) in
        [("256 bytes", 100_000, BODY.to_vec()), ("100 KiB", LARGE, vec![b'x'; LARGE_BODY])]
    {
        one(name, stored, &body)?;
    }
    Ok(())
}

fn restart(stored: usize) -> Result<()> {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let began = Instant::now();
    let inside = filled(dir.path(), STORE_BYTES, stored, &BODY)?;
    let (written, bytes) = (began.elapsed(), inside.disk_usage().bytes);
    inside.close();
    drop(inside);
    let before = resident()?;
    let began = Instant::now();
    let inside = open(dir.path(), STORE_BYTES)?;
    until(&inside, |inside| inside.disk_usage().is_ready)?;
    let restart = began.elapsed();
    ensure!(inside.disk_usage().restored == stored as u64, "{:?}", inside.disk_usage());
    let index = resident()?.saturating_sub(before);
    let each = |bytes: u64| bytes as f64 / stored as f64;
    println!(
        "  {stored:>22}{:>22.0}{:>22.0}{:>22.2}{:>22.0}",
        stored as f64 / written.as_secs_f64(),
        each(bytes),
        restart.as_secs_f64(),
        each(index)
    );
    Ok(())
}

fn one(name: &str, stored: usize, body: &[u8]) -> Result<()> {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let on_disk = filled(dir.path(), STORE_BYTES, stored, body)?;
    let in_memory = Inside::new(4 << 30, TENANTS);
    in_memory.fill(0..stored, body);
    let (mut disk, mut memory) = (Vec::new(), Vec::new());
    for round in rounds(ROUNDS, TIME) {
        // Far from each other, and others each time.
        let numbers = || (0..READS).map(|n| (n * 7_919 + round * 104_729) % stored);
        let began = Instant::now();
        for n in numbers() {
            ensure!(on_disk.read(n) == Some(body.len()), "{n} lies on the disk");
        }
        disk.push(began.elapsed().as_secs_f64() * 1e6 / READS as f64);
        let wanted: Vec<_> =
            numbers().map(|n| in_memory.wanted(n)).collect::<Option<_>>().context("it is stored")?;
        let began = Instant::now();
        for wanted in &wanted {
            black_box(in_memory.hit(wanted));
        }
        memory.push(began.elapsed().as_secs_f64() * 1e6 / READS as f64);
    }
    println!("  {:<44}{:>22}", format!("{name}: found and judged in memory"), Rounds::of(memory));
    println!("  {:<44}{:>22}", format!("{name}: read from the disk, checked"), Rounds::of(disk));
    Ok(())
}

fn open(dir: &Path, store_bytes: u64) -> Result<Inside> {
    let options = DiskOptions { dir: dir.to_owned(), bytes: DISK_BYTES };
    Ok(Inside::on_disk(store_bytes, TENANTS, &options)?)
}

/// With so many responses, all of them written.
fn filled(dir: &Path, store_bytes: u64, stored: usize, body: &[u8]) -> Result<Inside> {
    let inside = open(dir, store_bytes)?;
    until(&inside, |inside| inside.disk_usage().is_ready)?;
    let at_once = (8 << 20) / body.len().max(1024);
    for from in (0..stored).step_by(at_once) {
        inside.fill(from..stored.min(from + at_once), body);
        // No more at a time than may wait.
        until(&inside, |inside| inside.disk_usage().waiting < at_once as u64 / 8)?;
    }
    until(&inside, |inside| inside.disk_usage().waiting == 0)?;
    ensure!(inside.disk_usage().stored_responses == stored as u64, "{:?}", inside.disk_usage());
    Ok(inside)
}

fn until(inside: &Inside, is_so: impl Fn(&Inside) -> bool) -> Result<()> {
    let began = Instant::now();
    while !is_so(inside) {
        ensure!(began.elapsed() < PATIENCE, "{:?}", inside.disk_usage());
        std::thread::yield_now();
    }
    Ok(())
}
