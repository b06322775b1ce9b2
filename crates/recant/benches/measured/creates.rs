//! How many invalidations a second are accepted, durably, beside what the disk can do at all.
//!
//! The disk's own limit: a small append and an `fdatasync`, over and over, by one thread in the plane's folder. With
//! one connection every create has to wait for a commit of its own; with many, commits are shared.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};

use crate::api::{Call, Client};
use crate::origin::Origin;
use crate::processes::{PlaneProcess, folder};
use crate::statistics::{Latencies, Rounds, number};

const CONNECTIONS: [usize; 2] = [1, 64];
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_millis(1_500);
/// Bytes of an append: a page of the database.
const APPEND: usize = 4_096;

/// Measures and prints.
pub(crate) fn run() -> Result<()> {
    let folder = folder()?;
    let plane = PlaneProcess::start(folder.path(), "plane")?;
    let tenant = plane.client()?.make_tenant("bench.example", Origin::start()?.address)?;
    let mut disk = Load::default();
    let mut loads = CONNECTIONS.map(|_| Load::default());
    for round in 0..ROUNDS {
        disk.add(appends(&plane.data_dir)?);
        for (connections, load) in CONNECTIONS.into_iter().zip(&mut loads) {
            load.add(creates(&plane, &tenant, connections, &format!("{round}-{connections}"))?);
        }
    }
    println!(
        "\ndurable creates a second: one path each, signed, over HTTP; plane and clients on the same cores"
    );
    println!("  {:<40}{:>26}  {}", "append 4 KiB + fdatasync, same disk", disk.rate(), disk.latencies);
    for (connections, load) in CONNECTIONS.into_iter().zip(&loads) {
        let name = format!("{connections} {}", if connections == 1 { "connection" } else { "connections" });
        println!("  {name:<40}{:>26}  {}", load.rate(), load.latencies);
        let ratio = Rounds::ratio(&load.rates, &disk.rates);
        println!("  {:<40}{ratio:>26}", "  for each fdatasync the disk can do");
    }
    let both = loads[1].rate().median / loads[0].rate().median;
    println!("  {:<40}{:>26}", "64 connections over 1", number(both));
    Ok(())
}

/// What some rounds gave.
#[derive(Default)]
struct Load {
    rates: Vec<f64>,
    latencies: Latencies,
}

impl Load {
    fn add(&mut self, (latencies, taken): (Latencies, Duration)) {
        self.rates.push(latencies.len() as f64 / taken.as_secs_f64());
        self.latencies.extend(latencies);
    }

    fn rate(&self) -> Rounds {
        Rounds::of(self.rates.iter().copied())
    }
}

fn appends(folder: &Path) -> Result<(Latencies, Duration)> {
    let path = folder.join("appends");
    let mut file = File::create(&path)?;
    let start = Instant::now();
    let mut latencies = Latencies::default();
    while start.elapsed() < ROUND {
        let before = Instant::now();
        file.write_all(&[b'x'; APPEND])?;
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
        let mut all = Latencies::default();
        for thread in threads {
            all.extend(thread.join().map_err(|_| anyhow!("a client panicked"))??);
        }
        Ok(all)
    })?;
    Ok((all, start.elapsed()))
}

fn connection(mut client: Client, tenant: &str, name: &str, start: Instant) -> Result<Latencies> {
    let mut latencies = Latencies::default();
    while start.elapsed() < ROUND {
        let call = Call::invalidation(tenant, &format!("{name}-{}", latencies.len()))?;
        let before = Instant::now();
        let reply = client.send(&call)?;
        latencies.add(before.elapsed());
        ensure!(reply.status == 201, "{} {}", reply.status, String::from_utf8_lossy(&reply.body));
    }
    Ok(latencies)
}
