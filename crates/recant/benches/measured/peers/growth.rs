//! Everything of one of ten tenants is taken away, with few and with many things stored: when the call returns, when the
//! last old response is seen, and, where a cache says so, when it is known to be done. And what a stored response of
//! 64 bytes takes of resident memory, all in all; nginx and Traffic Server keep what it says in files.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use crate::caches::contents::{TENANTS, host, hosts, path, request};
use crate::caches::way::{Listed, WAYS, Way};
use crate::caches::{Site, get, in_memory};
use crate::hits::cores;
use crate::load::{Until, VIEWERS, Viewer, load};
use crate::origin::Origin;
use crate::statistics::{Rounds, number};

/// How often, each time with another tenant.
const ROUNDS: usize = 5;
/// Rounds stop after this, as soon as there were two.
const TIME: Duration = Duration::from_secs(20);
/// What a stored thing may take, so that no store is too small.
const BYTES_EACH: u64 = 4_096;
const STORE_BYTES_MIN: u64 = 64 << 20;
/// Of a tenant's things, those that are looked at.
const PROBED: usize = 16;
/// Fresh responses in a row after which it is over.
const FRESH: usize = 2 * PROBED;
const FRESH_WITHIN: Duration = Duration::from_secs(120);
const PROBE_PERIOD: Duration = Duration::from_micros(500);

/// Measures and prints.
pub(crate) fn run(stored: &[usize]) -> Result<()> {
    let folder = in_memory()?;
    let origin = Origin::start()?;
    for &stored in stored {
        println!("\ninvalidating everything of one of {TENANTS} tenants, {stored} stored, ms");
        println!(
            "  {:<34}{:>11}{:>13}{:>14}{:>24}{:>24}{:>24}",
            "",
            "filled in s",
            "memory each",
            "a plain hit",
            "the call returns",
            "last stale response",
            "said to be done"
        );
        for (n, way) in WAYS.iter().enumerate() {
            let (most, why) = way.stored_max;
            if stored > most {
                println!("  {:<34}not measured: {why}", way.name);
                continue;
            }
            let name = format!("{n}-of-{stored}");
            match measure(way, folder.path(), &name, &origin, stored) {
                Ok(row) => println!("  {:<34}{row}", way.name),
                Err(error) => println!("  {:<34}not measured: {error:#}", way.name),
            }
        }
    }
    Ok(())
}

fn measure(
    way: &Listed,
    folder: &std::path::Path,
    name: &str,
    origin: &Origin,
    stored: usize,
) -> Result<String> {
    let (server_core, load_core) = cores()?;
    let hosts = hosts();
    let site = Site {
        folder,
        name,
        origin: origin.address,
        hosts: &hosts,
        core: Some(server_core),
        store_bytes: (stored as u64 * BYTES_EACH).max(STORE_BYTES_MIN),
    };
    let mut way = (way.start)(&site)?;
    let address = way.cache().address;
    until_hit(&mut *way)?;
    let empty = way.cache().resident()?;
    let filled = load(address, VIEWERS, None, Until::Each(stored), &[200], &request)?;
    let each = way.cache().resident()?.saturating_sub(empty) as f64 / stored as f64;
    let before = origin.requests();
    let plain = load(address, 1, Some(load_core), Until::Each(stored.min(1_000)), &[200], &request)?;
    let missed = origin.requests() - before;
    ensure!(missed == 0, "{missed} of the first {} were not stored", plain.replies);
    let [mut returned, mut last_stale, mut done] = [const { Vec::new() }; 3];
    let start = Instant::now();
    for tenant in 1..=ROUNDS {
        if tenant > 2 && start.elapsed() > TIME {
            break;
        }
        let once = once(&mut *way, tenant, stored, origin)?;
        returned.push(once.returned);
        last_stale.push(once.last_stale);
        done.extend(once.done);
    }
    let [returned, last_stale] = [returned, last_stale].map(Rounds::of);
    let done = if done.is_empty() { "-".to_owned() } else { Rounds::of(done).to_string() };
    let [filled, plain] = [filled.seconds, plain.latency(500)].map(number);
    Ok(format!("{filled:>11}{each:>13.0}{plain:>14}{returned:>24}{last_stale:>24}{done:>24}"))
}

/// Waits until it stores: an edge needs its lease first.
pub(crate) fn until_hit(way: &mut dyn Way) -> Result<()> {
    let (address, mut last, mut request) = (way.cache().address, 0, Vec::new());
    get(&mut request, &host(TENANTS - 1), "/first");
    let start = Instant::now();
    while start.elapsed() < crate::processes::PATIENCE {
        let reply = Viewer::open(address)?.ask(&request)?;
        if reply.status == 200 && reply.serial == last {
            return Ok(());
        }
        last = reply.serial;
        thread::sleep(Duration::from_millis(5));
    }
    bail!("nothing is stored")
}

/// What one invalidation took, in milliseconds.
struct Once {
    returned: f64,
    last_stale: f64,
    done: Option<f64>,
}

fn once(way: &mut dyn Way, tenant: usize, stored: usize, origin: &Origin) -> Result<Once> {
    way.settle();
    let address = way.cache().address;
    let probed = (stored / TENANTS).clamp(1, PROBED);
    // Spread over what the tenant has, so that a walk meets them early and late.
    let step = (stored / TENANTS / probed).max(1);
    let (looked, fresh, is_over) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicBool::new(false));
    let asked_before = origin.requests();
    let milliseconds = |since: Instant| since.elapsed().as_secs_f64() * 1e3;
    thread::scope(|scope| {
        let prober = scope.spawn(|| {
            let mut viewer = Viewer::open(address)?;
            let (mut bytes, mut stale) = (Vec::new(), None);
            while !is_over.load(Ordering::SeqCst) {
                bytes.clear();
                let n = looked.load(Ordering::SeqCst) % probed * step;
                get(&mut bytes, &host(tenant), &path(n));
                let asked = Instant::now();
                if viewer.ask(&bytes)?.serial > asked_before {
                    fresh.fetch_add(1, Ordering::SeqCst);
                } else {
                    fresh.store(0, Ordering::SeqCst);
                    stale = Some(asked);
                }
                looked.fetch_add(1, Ordering::SeqCst);
                thread::sleep(PROBE_PERIOD);
            }
            anyhow::Ok(stale)
        });
        let measured = (|| {
            until("the things are looked at", || looked.load(Ordering::SeqCst) >= probed)?;
            let start = Instant::now();
            way.everything_of(tenant, stored)?;
            let returned = milliseconds(start);
            let done = way.finish()?.then(|| milliseconds(start));
            fresh.store(0, Ordering::SeqCst);
            until("fresh responses", || fresh.load(Ordering::SeqCst) >= FRESH)?;
            anyhow::Ok((start, returned, done))
        })();
        is_over.store(true, Ordering::SeqCst);
        let Ok(stale) = prober.join() else { bail!("the prober has failed") };
        let (start, returned, done) = measured?;
        let stale = stale?.context("nothing was stored before")?;
        let last_stale = stale.saturating_duration_since(start).as_secs_f64() * 1e3;
        Ok(Once { returned, last_stale, done })
    })
}

fn until(what: &str, is_so: impl Fn() -> bool) -> Result<()> {
    let start = Instant::now();
    while !is_so() {
        ensure!(start.elapsed() < FRESH_WITHIN, "no {what} within {FRESH_WITHIN:?}");
        thread::sleep(Duration::from_micros(200));
    }
    Ok(())
}
