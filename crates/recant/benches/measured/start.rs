//! How long after its start a cache answers: from the program's execution to the first 200 that a viewer gets.

use std::time::Duration;

use anyhow::Result;

use crate::caches::{ALL, Site, get, in_memory};
use crate::load::Viewer;
use crate::origin::Origin;
use crate::statistics::{Rounds, rounds};

const ROUNDS: usize = 5;
const TIME: Duration = Duration::from_secs(60);
const STORE_BYTES: u64 = 256 << 20;
const HOST: &str = "bench.example";

/// Measures and prints.
pub(crate) fn run() -> Result<()> {
    println!("\ncold start: from execution to the first 200, ms; an edge joins a plane that runs");
    let folder = in_memory()?;
    let origin = Origin::start()?;
    let mut taken = vec![Vec::new(); ALL.len()];
    let mut missing = vec![None; ALL.len()];
    for round in rounds(ROUNDS, TIME) {
        for (column, (name, start)) in ALL.iter().enumerate() {
            if missing[column].is_some() {
                continue;
            }
            let name = format!("{name}-{round}");
            let hosts = [HOST.to_owned()];
            let site = Site {
                folder: folder.path(),
                name: &name,
                origin: origin.address,
                hosts: &hosts,
                core: None,
                store_bytes: STORE_BYTES,
            };
            match start(&site) {
                Ok(mut cache) => {
                    let (address, mut request) = (cache.address, Vec::new());
                    get(&mut request, HOST, "/");
                    cache.server.until("200", || {
                        let reply = Viewer::open(address).ok()?.ask(&request).ok()?;
                        (reply.status == 200).then_some(())
                    })?;
                    taken[column].push(cache.server.started.elapsed().as_secs_f64() * 1e3);
                }
                Err(error) => missing[column] = Some(format!("{error:#}")),
            }
        }
    }
    for (column, (name, _)) in ALL.iter().enumerate() {
        match &missing[column] {
            None => println!("  {name:<20}{:>26}", Rounds::of(taken[column].iter().copied())),
            Some(error) => println!("  {name:<20}not measured: {error}"),
        }
    }
    Ok(())
}
