//! What a hit costs: the edge beside four other caches, all on one core and never at the same time, loaded by the same wrk
//! from another core, with the same origin's responses in their stores.
//!
//! Hits a second depend on how fast wrk is as well; processor time for one hit does not, so both are printed. Whether
//! all were hits is known from the origin, and said where it was asked again.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::caches::{ALL, Cache, Site, in_memory};
use crate::origin::{Origin, THINGS};
use crate::processes::started;
use crate::statistics::{Rounds, number, rounds};

const ROUNDS: usize = 5;
const ROUND_SECONDS: u32 = 2;
/// For each size.
const TIME: Duration = Duration::from_secs(75);
const CONNECTIONS: u32 = 64;
const STORE_BYTES: u64 = 256 << 20;
const HOST: &str = "bench.example";

/// Measures and prints.
pub(crate) fn run() -> Result<()> {
    println!("\nhits on one core: wrk, {CONNECTIONS} kept-alive connections, from another core");
    if Command::new("wrk").arg("-v").output().is_err() {
        println!("  not measured: wrk is missing (Debian's package wrk)");
        return Ok(());
    }
    let (server_core, load_core) = cores()?;
    let folder = in_memory()?;
    let origin = Origin::start()?;
    let hosts = [HOST.to_owned()];
    let mut caches = Vec::new();
    for (name, start) in ALL {
        let site = Site {
            folder: folder.path(),
            name,
            origin: origin.address,
            hosts: &hosts,
            core: Some(server_core),
            store_bytes: STORE_BYTES,
        };
        let ready = start(&site).and_then(|mut cache| {
            THINGS.iter().try_for_each(|(path, _)| cache.until_hit(HOST, path)).map(|()| cache)
        });
        match ready {
            Ok(cache) => caches.push(cache),
            Err(error) => println!("  {name}: not measured: {error:#}"),
        }
    }
    for (path, size) in THINGS {
        let mut loads: Vec<Load> = caches.iter().map(|_| Load::default()).collect();
        for round in rounds(ROUNDS, TIME) {
            // To and fro: what drifts, drifts for all.
            let mut order: Vec<usize> = (0..caches.len()).collect();
            if round % 2 == 1 {
                order.reverse();
            }
            for n in order {
                let asked_before = origin.requests();
                loads[n].add(&caches[n], load_core, path)?;
                loads[n].misses += origin.requests() - asked_before;
            }
        }
        println!("  {} KiB", size / 1024);
        println!(
            "    {:<24}{:>30}{:>9}{:>26}{:>24}",
            "", "hits/s", "p99 ms", "µs processor a hit", "recant's over this"
        );
        for (cache, load) in caches.iter().zip(&loads) {
            let [rates, costs] = [&load.rates, &load.costs].map(|values| Rounds::of(values.iter().copied()));
            let p99 = number(Rounds::of(load.p99.iter().copied()).median);
            let ratio = Rounds::ratio(&loads[0].costs, &load.costs);
            println!("    {:<24}{rates:>30}{p99:>9}{costs:>26}{ratio:>24}", cache.name);
            if load.misses > 0 {
                println!("    {:<24}{} of its requests were no hits", "", load.misses);
            }
        }
    }
    Ok(())
}

/// What some rounds gave.
#[derive(Default)]
struct Load {
    /// Hits a second.
    rates: Vec<f64>,
    /// Microseconds of processor time for one hit.
    costs: Vec<f64>,
    /// As wrk prints it.
    p99: Vec<f64>,
    /// How often the origin was asked meanwhile.
    misses: u64,
}

impl Load {
    fn add(&mut self, cache: &Cache, load_core: usize, path: &str) -> Result<()> {
        let before = cache.spent()?;
        let mut wrk = started("wrk", Some(load_core));
        wrk.args(["--threads", "1", "--latency"])
            .args(["--connections", &CONNECTIONS.to_string(), "--duration", &format!("{ROUND_SECONDS}s")])
            .args(["--header", &format!("Host: {HOST}")])
            .arg(format!("http://{}{path}", cache.address));
        let output = wrk.output().context("wrk")?;
        let spent = cache.spent()? - before;
        let text = String::from_utf8_lossy(&output.stdout);
        // A late answer is an answer: the median says that it was late.
        let is_unbroken = !text.contains("Socket errors") || text.contains("connect 0, read 0, write 0,");
        let is_good = !text.contains("Non-2xx") && is_unbroken;
        ensure!(is_good, "wrk met errors at {}: {text}", cache.name);
        let word = |line: &str, marker: &str| {
            line.contains(marker)
                .then(|| line.replace(marker, "").split_whitespace().next().map(str::to_owned))?
        };
        let find = |marker: &str| {
            text.lines()
                .find_map(|line| word(line, marker))
                .with_context(|| format!("no '{marker}' in: {text}"))
        };
        let hits: f64 = find("requests in")?.parse()?;
        self.rates.push(find("Requests/sec:")?.parse()?);
        self.costs.push(spent * 1e6 / hits);
        // With the blank: a share of 69.99% stands there, too.
        let p99 = find(" 99%")?;
        self.p99.push(milliseconds(&p99).with_context(|| format!("'{p99}' in: {text}"))?);
        Ok(())
    }
}

/// Reads a time as wrk prints it: `812.00us`, `1.53ms`, `2.00s`.
fn milliseconds(text: &str) -> Result<f64> {
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let factor = match unit {
        "us" => 1e-3,
        "ms" => 1.0,
        _ => 1e3,
    };
    Ok(text.trim_end_matches(unit).parse::<f64>()? * factor)
}

/// The first and the last core that this process may use: one for the server, one for the load.
pub(crate) fn cores() -> Result<(usize, usize)> {
    let status = fs::read_to_string("/proc/self/status")?;
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    let list = list.context("no list of cores in /proc/self/status")?.trim();
    // "0-3,8": ranges and single cores.
    let ends: Vec<usize> = list.split([',', '-']).map(str::parse).collect::<Result<_, _>>()?;
    let (first, last) = (ends[0], ends[ends.len() - 1]);
    if first == last {
        println!("  there is one core only: the load and the servers share it");
    }
    Ok((first, last))
}
