//! What processes have cost the processor, as `/proc` has it.

use std::fs;

use anyhow::{Context, Result};

/// Ticks of `/proc/PID/stat` in a second: `USER_HZ`, which is 100 wherever Linux runs today.
const TICKS_PER_SECOND: f64 = 100.0;

/// Processor time of a process and of its children that still run, in seconds. nginx serves from a child.
pub(crate) fn seconds(id: u32) -> Result<f64> {
    let own = Stat::read(id).with_context(|| format!("the process {id} has no /proc/{id}/stat"))?;
    let mut ticks = own.ticks;
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(other) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
        // One that has ended since the folder was read is not missed.
        ticks += Stat::read(other).filter(|stat| stat.parent == id).map_or(0, |stat| stat.ticks);
    }
    Ok(ticks as f64 / TICKS_PER_SECOND)
}

struct Stat {
    parent: u32,
    /// In user and in system mode, all threads.
    ticks: u64,
}

impl Stat {
    /// proc(5): the second field is the name in brackets, which may hold anything; what follows is counted from 3.
    fn read(id: u32) -> Option<Self> {
        let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        Some(Self { parent: u32::try_from(field(4)?).ok()?, ticks: field(14)? + field(15)? })
    }
}
