//! How many invalidations a second are accepted, durably, beside what the disk can do at all.
//!
//! The disk's own limit: a small write and an `fdatasync`, over and over, by one thread in the plane's folder; once at
//! the end of a file that grows, once over and over in the same place, which spares the file system a change of the
//! file's length. With one connection every create has to wait for a commit of its own; with many, commits are shared.

use std::fs::File;
use std::io::{Seek, Write};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};

use crate::api::{Call, Client};
use crate::origin::Origin;
use crate::processes::{PlaneProcess, folder};
use crate::statistics::{Latencies, Rounds, rounds};

const CONNECTIONS: [usize; 2] = [1, 64];
const ROUNDS: usize = 5;
const TIME: Duration = Duration::from_secs(30);
const ROUND: Duration = Duration::from_millis(1_200);
/// Bytes of a write: a page of the database.
const WRITE: usize = 4_096;

/// Measures and prints.
pub(crate) fn run() -> Result<()> {
    let folder = folder()?;
    let plane = PlaneProcess::start(folder.path(), "plane")?;
    let tenant = plane.client()?.make_tenant("bench.example", Origin::start()?.address)?;
    let [mut disk, mut in_place] = [const { Load::new() }; 2];
    let mut loads = CONNECTIONS.map(|_| Load::new());
    for round in rounds(ROUNDS, TIME) {
        disk.add(writes(&plane.data_dir, false)?);
        in_place.add(writes(&plane.data_dir, true)?);
        for (connections, load) in CONNECTIONS.into_iter().zip(&mut loads) {
            load.add(creates(&plane, &tenant, connections, &format!("{round}-{connections}"))?);
        }
    }
    println!(
        "\ndurable creates a second: one path each, signed, over HTTP; plane and clients on the same cores"
    );
    let disks = [("append 4 KiB + fdatasync, same folder", &disk), ("the same in place", &in_place)];
    for (name, load) in disks {
        println!("  {name:<40}{:>26}  {}", load.rate(), load.latencies);
    }
    for (connections, load) in CONNECTIONS.into_iter().zip(&loads) {
        let name = format!("{connections} {}", if connections == 1 { "connection" } else { "connections" });
        println!("  {name:<40}{:>26}  {}", load.rate(), load.latencies);
        let ratio = Rounds::ratio(&load.rates, &disk.rates);
        println!("  {:<40}{ratio:>26}", "  for each append + fdatasync");
    }
    if Rounds::ratio(&loads[0].rates, &disk.rates).median > 1.0 {
        // Every create of one connection waits for a sync of its own, so it cannot outrun the disk.
        println!(
            "  the disk's own rows were held up by other work on this machine: these ratios say nothing"
        );
    }
    let gain = Rounds::ratio(&loads[1].rates, &loads[0].rates);
    println!("  {:<40}{gain:>26}", "64 connections over 1");
    Ok(())
}

/// What some rounds gave.
struct Load {
    rates: Vec<f64>,
    latencies: Latencies,
}

impl Load {
    const fn new() -> Self {
        Self { rates: Vec::new(), latencies: Latencies::new() }
    }

    fn add(&mut self, (latencies, taken): (Latencies, Duration)) {
        self.rates.push(latencies.len() as f64 / taken.as_secs_f64());
        self.latencies.extend(latencies);
    }

    fn rate(&self) -> Rounds {
        Rounds::of(self.rates.iter().copied())
    }
}

fn writes(folder: &Path, in_place: bool) -> Result<(Latencies, Duration)> {
    let path = folder.join("writes");
    let mut file = File::create(&path)?;
    let start = Instant::now();
    let mut latencies = Latencies::new();
    while start.elapsed() < ROUND {
        let before = Instant::now();
        if in_place {
            file.rewind()?;
        }
        file.write_all(&[b'x'; WRITE])?;
        file.sync_data()?;
        latencies.add(before.elapsed());
    }
    let taken = start.elapsed();
    std::fs::remove_file(path)?;
    Ok((latencies, taken))
}

/// Each connection has a thread of its own, and sends the next create when the last was answered.
fn creates(
    plane: &PlaneProcess,
    tenant: &str,
    connections: usize,
    name: &str,
) -> Result<(Latencies, Duration)> {
    let clients: Vec<Client> = (0..connections).map(|_| plane.client()).collect::<Result<_>>()?;
    let start = Instant::now();
    let all = thread::scope(|scope| -> Result<Latencies> {
        let threads: Vec<_> = (0..)
            .zip(clients)
            .map(|(n, client): (usize, _)| {
                scope.spawn(move || connection(client, tenant, &format!("{name}-{n}"), start))
            })
            .collect();
        let mut all = Latencies::new();
        for thread in threads {
            all.extend(thread.join().map_err(|_| anyhow!("a client panicked"))??);
        }
        Ok(all)
    })?;
    Ok((all, start.elapsed()))
}

fn connection(mut client: Client, tenant: &str, name: &str, start: Instant) -> Result<Latencies> {
    let mut latencies = Latencies::new();
    while start.elapsed() < ROUND {
        let call = Call::invalidation(tenant, &format!("{name}-{}", latencies.len()))?;
        let before = Instant::now();
        let reply = client.send(&call)?;
        latencies.add(before.elapsed());
        ensure!(reply.status == 201, "{} {}", reply.status, String::from_utf8_lossy(&reply.body));
    }
    Ok(latencies)
}
