//! What a page of a list costs when there are a thousand rows, a million, and ten millions; and what memory a plane takes
//! with them.
//!
//! The rows are put into the plane's database while no plane runs ([`crate::filling`]): through the API it would take days.
//! Then a plane is started on it, and the lists are walked by an ordinary client, 100 items a page, at their beginning, in their
//! middle, and to their end.

use std::fs;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::api::Client;
use crate::filling::{Rows, fill, invalidation_id, tenant_id};
use crate::origin::Origin;
use crate::processes::{PlaneProcess, folder};
use crate::statistics::{Latencies, number};

/// The last takes some gigabytes of disk, and most of the time.
const SIZES: [Rows; 3] = [
    Rows { tenants: 1_000, invalidations: 1_000 },
    Rows { tenants: 1_000_000, invalidations: 1_000_000 },
    Rows { tenants: 1_000_000, invalidations: 10_000_000 },
];
/// Pages of each of the three stretches of a list. Three times as many items are no more than the shortest list has.
const PAGES: usize = 3;
/// Items of a page.
const ITEMS: usize = 100;
/// Each list is walked so many times.
const WALKS: usize = 7;

/// Measures and prints.
pub(crate) fn run() -> Result<()> {
    println!(
        "\na page of {ITEMS} items, signed, over HTTP; {PAGES} pages at the beginning, in the middle and at the end of each list"
    );
    let mut medians = Vec::new();
    for rows in SIZES {
        medians.push(measure(rows)?);
    }
    for (at, list) in LISTS.iter().enumerate() {
        for (rows, median) in SIZES.iter().zip(&medians).skip(1) {
            let ratio = median[at] / medians[0][at];
            let name =
                format!("{}, {} over {}", list.name, number((list.count)(*rows) as f64), number(1_000.0));
            println!("  {name:<40}{:>26}", number(ratio));
        }
    }
    Ok(())
}

/// One list.
struct List {
    name: &'static str,
    operation: &'static str,
    count: fn(Rows) -> usize,
    /// The marker after which so many items follow.
    marker: fn(Rows, usize) -> String,
    /// How many items a page has, and the next one's marker.
    read: fn(&Value) -> (usize, Option<String>),
}

const LISTS: [List; 2] = [
    List {
        name: "tenants",
        operation: "ListDistributionTenants",
        count: |rows| rows.tenants,
        // By id; the one that was there from the start is called otherwise, and is the last.
        marker: |rows, follow| tenant_id(rows.tenants - follow).to_string(),
        read: |page| {
            let items = page["DistributionTenantList"].as_array().map_or(0, Vec::len);
            (items, page["NextMarker"].as_str().map(str::to_owned))
        },
    },
    List {
        name: "invalidations",
        operation: "ListInvalidationsForDistributionTenant",
        // One more to see whether they are right.
        count: |rows| rows.invalidations + 1,
        // The newest first.
        marker: |_, follow| invalidation_id(follow + 1).to_string(),
        read: |page| {
            let list = &page["InvalidationList"];
            (list["Items"].as_array().map_or(0, Vec::len), list["NextMarker"].as_str().map(str::to_owned))
        },
    },
];

/// The medians of both lists' pages, in milliseconds.
fn measure(rows: Rows) -> Result<[f64; 2]> {
    let folder = folder()?;
    let plane = PlaneProcess::start(folder.path(), "plane")?;
    let tenant = plane.client()?.make_tenant("bench.example", Origin::start()?.address)?;
    let database = plane.data_dir.join("plane.db");
    drop(plane);
    let started = Instant::now();
    fill(&database, rows)?;
    let filling = started.elapsed();

    let started = Instant::now();
    let plane = PlaneProcess::start(folder.path(), "plane")?;
    let start = started.elapsed();
    let mut client = plane.client()?;
    let mut medians = [0.0; 2];
    for (at, list) in LISTS.iter().enumerate() {
        let latencies = walk(&mut client, list, &tenant, rows)?;
        medians[at] = latencies.percentile(50);
        let name = format!("{} {}", number((list.count)(rows) as f64), list.name);
        println!("  {name:<40}{latencies:>26}");
    }
    let bytes = fs::metadata(&database)?.len();
    println!(
        "  {:<40}{} MiB resident after that; database {} MiB, filled in {} s; started in {} s",
        "  the plane",
        number(resident(plane.id())? / f64::from(1 << 20)),
        number(bytes as f64 / f64::from(1 << 20)),
        number(filling.as_secs_f64()),
        number(start.as_secs_f64()),
    );
    Ok(medians)
}

/// The latencies of a list's pages at its beginning, in its middle and at its end.
fn walk(client: &mut Client, list: &List, tenant: &str, rows: Rows) -> Result<Latencies> {
    let mut latencies = Latencies::new();
    let count = (list.count)(rows);
    let beginnings = [None, Some((list.marker)(rows, count / 2)), Some((list.marker)(rows, PAGES * ITEMS))];
    for _ in 0..WALKS {
        for (stretch, beginning) in beginnings.iter().enumerate() {
            let mut marker = beginning.clone();
            for page in 1..=PAGES {
                let before = Instant::now();
                let answer = client.ok(list.operation, input(list, tenant, marker.as_deref()))?;
                latencies.add(before.elapsed());
                let (items, next) = (list.read)(&answer);
                let is_end = stretch == 2 && page == PAGES;
                match next.filter(|next| !next.is_empty()) {
                    Some(next) if !is_end && items == ITEMS => marker = Some(next),
                    None if is_end && items == ITEMS => {}
                    other => bail!(
                        "{}: {items} items on page {page} of stretch {stretch}, then {other:?}",
                        list.name
                    ),
                }
            }
        }
    }
    Ok(latencies)
}

fn input(list: &List, tenant: &str, marker: Option<&str>) -> Value {
    match list.operation {
        "ListDistributionTenants" => json!({"MaxItems": ITEMS, "Marker": marker}),
        _ => json!({"MaxItems": ITEMS.to_string(), "Marker": marker, "Id": tenant}),
    }
}

/// Bytes of a process that are in memory.
fn resident(id: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("a VmRSS")?;
    let kibibytes: f64 = line.trim().trim_end_matches(" kB").trim().parse()?;
    Ok(kibibytes * 1024.0)
}
