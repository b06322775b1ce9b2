//! What a stored response costs in memory beside its header and its body.

use anyhow::{Context as _, Result, ensure};
use recant_edge::measuring::{Inside, header_bytes};

const STORED: [usize; 2] = [100_000, 1_000_000];
const TENANTS: usize = 1_000;
const STORE_BYTES: u64 = 4 << 30;
const BODY: [u8; 256] = [b'x'; 256];

/// Measures and prints.
pub(crate) fn run() -> Result<()> {
    println!(
        "\nmemory, {TENANTS} tenants, {} bytes of header and {} of body",
        header_bytes(&BODY),
        BODY.len()
    );
    println!("  {:>22}{:>22}{:>22}{:>22}", "stored", "resident MiB", "reckoned MiB", "bytes beside, each");
    let inside = Inside::new(STORE_BYTES, TENANTS);
    let empty = resident()?;
    let mut before = (0, empty);
    for stored in STORED {
        inside.fill(before.0..stored, &BODY);
        ensure!(inside.stored() == stored as u64, "{} are stored", inside.stored());
        let now = resident()?;
        let each = (now - empty) as f64 / stored as f64 - (header_bytes(&BODY) + BODY.len()) as f64;
        let (resident, reckoned) = ((now - empty) as f64, inside.stored_bytes() as f64);
        let mib = f64::from(1 << 20);
        println!("  {stored:>22}{:>22.1}{:>22.1}{each:>22.0}", resident / mib, reckoned / mib);
        before = (stored, now);
    }
    Ok(())
}

/// Bytes of this process that are in memory.
pub(crate) fn resident() -> Result<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").context("how much memory is in use")?;
    let pages: u64 = statm.split(' ').nth(1).context("a second number")?.parse()?;
    Ok(pages * 4_096)
}
