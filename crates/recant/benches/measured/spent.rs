//! What processes have cost the processor and have in memory, as `/proc` has it.

use std::fs;

use anyhow::{Context, Result};

/// Processor time of a process and of all that it has started, in seconds. Servers serve from children.
///
/// The scheduler's own account, in nanoseconds. What threads have spent that have ended is not in it; the pools of the
/// servers here keep theirs.
pub(crate) fn seconds(id: u32) -> Result<f64> {
    let nanos: u64 = family(id)?.into_iter().map(spent).sum();
    Ok(nanos as f64 / 1e9)
}

/// Bytes in memory of a process and of all that it has started, shared ones counted for one of those that share them.
pub(crate) fn resident(id: u32) -> Result<u64> {
    Ok(family(id)?.into_iter().filter_map(proportional).sum())
}

/// A process with its children, their children and so on.
fn family(id: u32) -> Result<Vec<u32>> {
    let mut parents = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(other) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
        // One that has ended since the folder was read is not missed.
        parents.extend(parent(other).map(|parent| (other, parent)));
    }
    parents.iter().find(|(other, _)| *other == id).with_context(|| format!("the process {id} has ended"))?;
    let mut family = vec![id];
    let mut looked_at = 0;
    while let Some(&of) = family.get(looked_at) {
        family.extend(parents.iter().filter(|(_, parent)| *parent == of).map(|(child, _)| *child));
        looked_at += 1;
    }
    Ok(family)
}

/// proc(5): the second field is the name in brackets, which may hold anything; the parent's id is the second behind it.
fn parent(id: u32) -> Option<u32> {
    let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    text.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

/// The first number of each thread's `schedstat`: nanoseconds on a processor.
fn spent(id: u32) -> u64 {
    let threads = fs::read_dir(format!("/proc/{id}/task")).into_iter().flatten().flatten();
    threads
        .filter_map(|thread| {
            let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
            text.split_whitespace().next()?.parse::<u64>().ok()
        })
        .sum()
}

/// Pss: its own pages, and its part of those that it shares.
fn proportional(id: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{id}/smaps_rollup")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1024)
}
