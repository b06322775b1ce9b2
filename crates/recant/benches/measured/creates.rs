//! How many invalidations a second are accepted, durably, beside what the disk can do at all, and beside moto's server.
//!
//! The disk's own limit: a small write and an `fdatasync`, over and over, by one thread in the plane's folder; once at
//! the end of a file that grows, once over and over in the same place, which spares the file system a change of the
//! file's length. With one connection every create has to wait for a commit of its own; with many, commits are shared.
//!
//! The same plane on a PostgreSQL of one server, where its programs are there: each commit waits for that server's disk.
//!
//! A replay is the same create once more: it is answered from what is stored, after a commit too. moto is asked for the
//! same by the same client, of a distribution, since it has no tenants; it keeps nothing on a disk.

use std::fs::File;
use std::io::{Seek, Write};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};

use crate::api::{Call, Client};
use crate::moto::Moto;
use crate::origin::Origin;
use crate::postgres;
use crate::processes::{PlaneProcess, folder};
use crate::statistics::{Latencies, Rounds, rounds};

const CONNECTIONS: [usize; 4] = [1, 16, 64, 256];
/// With more connections moto's server leaves some without an answer for 10 seconds.
const MOTO_CONNECTIONS_MAX: usize = 64;
/// Of replays.
const REPLAYERS: usize = 64;
const ROUNDS: usize = 5;
const TIME: Duration = Duration::from_secs(60);
const ROUND: Duration = Duration::from_millis(1_200);
/// Bytes of a write: a page of the database.
const WRITE: usize = 4_096;

/// Measures and prints.
pub(crate) fn run() -> Result<()> {
    let folder = folder()?;
    let plane = PlaneProcess::start(folder.path(), "plane")?;
    let tenant = plane.client()?.make_tenant("bench.example", Origin::start()?.address)?;
    let on_postgres = on_postgres(folder.path())?;
    let moto = Moto::start(folder.path())?;
    let [mut disk, mut in_place, mut replays] = [const { Load::new() }; 3];
    let [mut own, mut postgres, mut theirs] = [(); 3].map(|()| CONNECTIONS.map(|_| Load::new()));
    for round in rounds(ROUNDS, TIME) {
        disk.add(writes(&plane.data_dir, false)?);
        in_place.add(writes(&plane.data_dir, true)?);
        for (at, connections) in CONNECTIONS.into_iter().enumerate() {
            let of_recant =
                |name: &str, n: usize| Call::invalidation(&tenant, &format!("{round}-{name}-{n}"));
            own[at].add(load(connections, || plane.client(), &of_recant).context(named(connections))?);
            if let Some((plane, tenant)) = &on_postgres {
                let create =
                    |name: &str, n: usize| Call::invalidation(tenant, &format!("{round}-{name}-{n}"));
                let rate = load(connections, || plane.client(), &create);
                postgres[at].add(rate.with_context(|| format!("PostgreSQL, {}", named(connections)))?);
            }
            if let Some(moto) = moto.as_ref().filter(|_| connections <= MOTO_CONNECTIONS_MAX) {
                let of_moto = |name: &str, n: usize| {
                    Call::classic_invalidation(&moto.distribution, &format!("{round}-{name}-{n}"))
                };
                theirs[at].add(
                    load(connections, || moto.client(), &of_moto)
                        .with_context(|| format!("moto, {}", named(connections)))?,
                );
            }
        }
        let again = |name: &str, _: usize| Call::invalidation(&tenant, &format!("{round}-{name}-0"));
        replays.add(load(REPLAYERS, || plane.client(), &again)?);
    }
    println!(
        "\ndurable creates a second: one path each, signed, over HTTP; plane and clients on the same cores"
    );
    let disks = [("append 4 KiB + fdatasync, same folder", &disk), ("the same in place", &in_place)];
    for (name, load) in disks {
        load.print(name);
    }
    for (at, connections) in CONNECTIONS.into_iter().enumerate() {
        own[at].print(&named(connections));
        print_ratio("  for each append + fdatasync", &own[at], &disk);
        if !postgres[at].rates.is_empty() {
            postgres[at].print("  on PostgreSQL");
        }
        if !theirs[at].rates.is_empty() {
            theirs[at].print("  moto's server, in memory");
            print_ratio("  Recant over moto", &own[at], &theirs[at]);
        }
    }
    replays.print(&format!("replays, {}", named(REPLAYERS)));
    if on_postgres.is_none() {
        println!("  PostgreSQL is not there: no creates on it");
    }
    if moto.is_none() {
        println!("  moto's server is not there: no comparison");
    }
    if Rounds::ratio(&own[0].rates, &disk.rates).median > 1.0 {
        // Every create of one connection waits for a sync of its own, so it cannot outrun the disk.
        println!(
            "  the disk's own rows were held up by other work on this machine: these ratios say nothing"
        );
    }
    Ok(())
}

/// A plane on an empty database, and a tenant of it.
fn on_postgres(folder: &Path) -> Result<Option<(PlaneProcess, String)>> {
    if postgres::installed().is_none() {
        return Ok(None);
    }
    let database = postgres::shared().make_database();
    let plane = PlaneProcess::start_with(
        folder,
        "plane-on-postgres",
        &["--store", &database, "--store-without-standbys"],
    )?;
    let tenant = plane.client()?.make_tenant("bench.example", Origin::start()?.address)?;
    Ok(Some((plane, tenant)))
}

fn named(connections: usize) -> String {
    format!("{connections} {}", if connections == 1 { "connection" } else { "connections" })
}

fn print_ratio(name: &str, over: &Load, under: &Load) {
    println!("  {name:<40}{:>26}", Rounds::ratio(&over.rates, &under.rates));
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

    fn print(&self, name: &str) {
        let rate = Rounds::of(self.rates.iter().copied());
        println!("  {name:<40}{rate:>26}  {}", self.latencies);
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

/// Each connection has a thread of its own, and sends the next call when the last was answered. `call` gets the name of the
/// connection and how many it has sent.
fn load(
    connections: usize,
    connect: impl Fn() -> Result<Client>,
    call: &(impl Fn(&str, usize) -> Result<Call> + Sync),
) -> Result<(Latencies, Duration)> {
    let clients: Vec<Client> = (0..connections).map(|_| connect()).collect::<Result<_>>()?;
    let start = Instant::now();
    let all = thread::scope(|scope| -> Result<Latencies> {
        let threads: Vec<_> = (0..)
            .zip(clients)
            .map(|(n, client): (usize, _)| {
                let name = format!("{connections}-{n}");
                scope.spawn(move || connection(client, start, |sent| call(&name, sent)))
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

fn connection(mut client: Client, start: Instant, call: impl Fn(usize) -> Result<Call>) -> Result<Latencies> {
    let mut latencies = Latencies::new();
    while start.elapsed() < ROUND {
        let call = call(latencies.len())?;
        let before = Instant::now();
        let reply = client.send(&call).with_context(|| format!("the call {}", latencies.len()))?;
        latencies.add(before.elapsed());
        ensure!(reply.status == 201, "{} {}", reply.status, String::from_utf8_lossy(&reply.body));
    }
    Ok(latencies)
}
