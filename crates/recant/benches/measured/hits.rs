//! What a hit costs: the edge beside nginx, both on one core and never at the same time, loaded by the same wrk from
//! another core, with the same origin's responses in their caches.
//!
//! Hits a second depend on how fast wrk is as well; processor time for one hit does not, so both are printed. That
//! all were hits is known from the origin, which is not asked again.

use std::fs;
use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::nginx::{self, Nginx};
use crate::origin::{Origin, THINGS};
use crate::processes::{EdgeProcess, PlaneProcess, folder, started};
use crate::spent;
use crate::statistics::{Rounds, number, rounds};

const ROUNDS: usize = 4;
const ROUND_SECONDS: u32 = 3;
/// For each size.
const TIME: Duration = Duration::from_secs(30);
const CONNECTIONS: u32 = 64;
const HOST: &str = "bench.example";

/// Measures and prints.
pub(crate) fn run() -> Result<()> {
    println!("\nhits on one core: wrk, {CONNECTIONS} kept-alive connections, from another core");
    if Command::new("wrk").arg("-v").output().is_err() {
        println!("  not measured: wrk is missing (Debian's package wrk)");
        return Ok(());
    }
    let (server_core, load_core) = cores()?;
    let folder = folder()?;
    let origin = Origin::start()?;
    let plane = PlaneProcess::start(folder.path(), "plane")?;
    plane.client()?.make_tenant(HOST, origin.address)?;
    let mut edge = EdgeProcess::start(&plane, folder.path(), "edge", Some(server_core))?;
    for (path, _) in THINGS {
        edge.until_hit(HOST, path)?;
    }
    let mut nginx = None;
    let version = nginx::version();
    if version.is_some() {
        let mut started = Nginx::start(folder.path(), origin.address, Some(server_core))?;
        for (path, _) in THINGS {
            let address = started.address;
            started.process.until("hit of nginx", || {
                let response = crate::http::Connection::open(address).ok()?.get(HOST, path).ok()?;
                (response.header("x-cache") == "HIT").then_some(())
            })?;
        }
        nginx = Some(started);
    } else {
        println!("  nginx is missing (Debian's package nginx-light): the edge alone");
    }
    let asked_before = origin.requests();
    for (path, size) in THINGS {
        let ours = Target { address: edge.viewer, process: edge.process.id(), load_core, path };
        let theirs = nginx.as_ref().map(|nginx| Target {
            address: nginx.address,
            process: nginx.process.id(),
            ..ours
        });
        let (mut ours_load, mut theirs_load) = (Load::default(), Load::default());
        for round in rounds(ROUNDS, TIME) {
            // A, B, B, A: what drifts, drifts for both.
            if round % 2 == 0 {
                ours_load.add(&ours)?;
            }
            if let Some(theirs) = &theirs {
                theirs_load.add(theirs)?;
            }
            if round % 2 == 1 {
                ours_load.add(&ours)?;
            }
        }
        println!("  {} KiB", size / 1024);
        ours_load.print("edge");
        if let Some(version) = &version {
            theirs_load.print(&format!("nginx {version}"));
            let rates = Rounds::ratio(&ours_load.rates, &theirs_load.rates);
            let costs = Rounds::ratio(&ours_load.costs, &theirs_load.costs);
            println!("    {:<20}{rates:>34}{:18}{costs:>22}", "edge over nginx", "");
        }
    }
    let asked = origin.requests() - asked_before;
    ensure!(asked == 0, "{asked} requests were no hits");
    Ok(())
}

/// What is loaded, and from where.
#[derive(Clone, Copy)]
struct Target {
    address: SocketAddr,
    process: u32,
    load_core: usize,
    path: &'static str,
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
}

impl Load {
    fn add(&mut self, target: &Target) -> Result<()> {
        let before = spent::seconds(target.process)?;
        let mut wrk = started("wrk", Some(target.load_core));
        wrk.args(["--threads", "1", "--latency"])
            .args(["--connections", &CONNECTIONS.to_string(), "--duration", &format!("{ROUND_SECONDS}s")])
            .args(["--header", &format!("Host: {HOST}")])
            .arg(format!("http://{}{}", target.address, target.path));
        let output = wrk.output().context("wrk")?;
        let spent = spent::seconds(target.process)? - before;
        let text = String::from_utf8_lossy(&output.stdout);
        ensure!(!text.contains("Non-2xx") && !text.contains("Socket errors"), "wrk met errors: {text}");
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
        self.p99.push(milliseconds(&find("99%")?)?);
        Ok(())
    }

    fn print(&self, name: &str) {
        let [rates, costs] = [&self.rates, &self.costs].map(|values| Rounds::of(values.iter().copied()));
        let p99 = number(Rounds::of(self.p99.iter().copied()).median);
        println!("    {name:<20}{rates:>26} hits/s  p99 {p99:>6} ms {costs:>26} µs processor a hit");
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
fn cores() -> Result<(usize, usize)> {
    let status = fs::read_to_string("/proc/self/status")?;
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    let list = list.context("no list of cores in /proc/self/status")?.trim();
    // "0-3,8": ranges and single cores.
    let ends: Vec<usize> = list.split([',', '-']).map(str::parse).collect::<Result<_, _>>()?;
    let (first, last) = (ends[0], ends[ends.len() - 1]);
    if first == last {
        println!("  there is one core only: wrk and the servers share it");
    }
    Ok((first, last))
}
