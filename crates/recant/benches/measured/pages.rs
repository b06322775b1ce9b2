//! What a page of a list costs when there are a thousand rows, and when there are a million; and what memory a plane takes
//! with them.
//!
//! The rows are put into the plane's database by its own store, while no plane runs: through the API it would take hours.
//! Then a plane is started on it, and the lists are walked from end to end by an ordinary client, 100 items a page.

use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use recant_core::batch::{InvalidationBatch, PathCount};
use recant_core::entry::Scope;
use recant_core::id::{InvalidationId, TenantId};
use recant_core::time::WallTime;
use recant_plane::store::sqlite::SqliteStore;
use recant_plane::store::{Command, Listing, Outcome, Page, Store, TenantFilter, TenantRecord};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::api::Client;
use crate::origin::Origin;
use crate::processes::{PlaneProcess, folder};
use crate::statistics::{Latencies, number};

const FEW: usize = 1_000;
const MANY: usize = 1_000_000;
/// Commands that the writer has before it at a time.
const AT_A_TIME: usize = 4_096;
/// Filling ends here, with however many rows there are then.
const FILLING: Duration = Duration::from_secs(180);
/// Pages at each end of a list that are compared.
const PAGES: usize = 10;
const NOW: WallTime = WallTime::from_millis(1_700_000_000_000);

/// Measures and prints.
pub(crate) fn run() -> Result<()> {
    println!("\na page of 100 items, signed, over HTTP; the first and the last {PAGES} pages of each list");
    let mut medians = Vec::new();
    for wanted in [FEW, MANY] {
        medians.push(measure(wanted)?);
    }
    for (at, list) in LISTS.iter().enumerate() {
        let ratio = medians[1][at] / medians[0][at];
        println!("  {:<40}{:>26}", format!("{}, many over few", list.0), number(ratio));
    }
    Ok(())
}

/// What a list is called, its operation, and where its items and its marker are.
type List = (&'static str, &'static str, fn(&Value) -> (usize, Option<String>));

const LISTS: [List; 2] = [
    ("tenants", "ListDistributionTenants", |page| {
        let items = page["DistributionTenantList"].as_array().map_or(0, Vec::len);
        (items, page["NextMarker"].as_str().map(str::to_owned))
    }),
    ("invalidations", "ListInvalidationsForDistributionTenant", |page| {
        let list = &page["InvalidationList"];
        (list["Items"].as_array().map_or(0, Vec::len), list["NextMarker"].as_str().map(str::to_owned))
    }),
];

/// The medians of both lists' pages, in milliseconds.
fn measure(wanted: usize) -> Result<[f64; 2]> {
    let folder = folder()?;
    let plane = PlaneProcess::start(folder.path(), "plane")?;
    let tenant = plane.client()?.make_tenant("bench.example", Origin::start()?.address)?;
    let database = plane.data_dir.join("plane.db");
    drop(plane);
    fill(&database, &tenant, wanted)?;

    let started = Instant::now();
    let plane = PlaneProcess::start(folder.path(), "plane")?;
    let start = started.elapsed();
    let mut client = plane.client()?;
    let mut medians = [0.0; 2];
    for (at, (name, operation, read)) in LISTS.into_iter().enumerate() {
        let (latencies, items) = walk(&mut client, operation, &tenant, read)?;
        medians[at] = latencies.percentile(50);
        println!("  {:<40}{latencies:>26}", format!("{} {name}", number(items as f64)));
    }
    let bytes = fs::metadata(&database)?.len();
    println!(
        "  {:<40}{} MiB resident after that; database {} MiB; started in {} s",
        "  the plane",
        number(resident(plane.id())? / f64::from(1 << 20)),
        number(bytes as f64 / f64::from(1 << 20)),
        number(start.as_secs_f64()),
    );
    Ok(medians)
}

/// Walks a list to its end; gives the latencies of the pages at both ends, and how many items there were.
fn walk(
    client: &mut Client,
    operation: &str,
    tenant: &str,
    read: fn(&Value) -> (usize, Option<String>),
) -> Result<(Latencies, usize)> {
    let mut taken: Vec<Duration> = Vec::new();
    let (mut items, mut marker) = (0, None::<String>);
    loop {
        let mut input = json!({"MaxItems": 100, "Marker": marker});
        match operation {
            "ListDistributionTenants" => {}
            _ => {
                input["Id"] = json!(tenant);
                input["MaxItems"] = json!("100");
            }
        }
        let before = Instant::now();
        let page = client.ok(operation, input)?;
        taken.push(before.elapsed());
        let (here, next) = read(&page);
        items += here;
        match next.filter(|next| !next.is_empty()) {
            Some(next) if marker.as_ref() == Some(&next) => bail!("the list does not go on"),
            Some(next) => marker = Some(next),
            None => break,
        }
    }
    let mut latencies = Latencies::new();
    let last = taken.len().saturating_sub(PAGES).max(PAGES);
    for latency in taken.iter().take(PAGES).chain(taken.iter().skip(last)) {
        latencies.add(*latency);
    }
    Ok((latencies, items))
}

/// Adds tenants like the one that is there, and invalidations of it.
fn fill(database: &Path, tenant: &str, wanted: usize) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let store = SqliteStore::open(database, NOW)?;
        let page = Page { after: None, limit: NonZeroUsize::MIN };
        let Listing::Page { items, .. } = store.tenants(TenantFilter::default(), page).await? else {
            bail!("no tenants are listed")
        };
        let like = items.into_iter().next().context("the tenant that was made")?.record;
        let distribution =
            store.distribution(&like.spec.distribution_id).await?.context("its distribution")?.record;
        let judged_by = distribution.etag;
        let tenants = |n: usize| Command::CreateTenant {
            tenant: Box::new(named(&like, n)),
            judged_by: judged_by.clone(),
        };
        commit(&store, wanted - 1, tenants).await?;
        let scope = Scope::Tenant(TenantId::parse(tenant)?);
        let invalidations = |n: usize| Command::CreateInvalidation {
            scope: scope.clone(),
            id: InvalidationId::parse(&format!("I{n:013}")).expect("letters and digits"),
            batch: Box::new(
                InvalidationBatch::new(&format!("r{n}"), &[format!("/{n}")]).expect("a path of digits"),
            ),
            now: NOW,
            in_progress_max: PathCount { paths: u64::MAX, wildcards: u64::MAX },
        };
        commit(&store, wanted, invalidations).await
    })
}

fn named(like: &TenantRecord, n: usize) -> TenantRecord {
    let id = TenantId::parse(&format!("dt_{n:010}")).expect("letters and digits");
    let mut tenant = like.clone();
    tenant.name = format!("tenant-{n}");
    tenant.spec.id = id.clone();
    tenant.spec.domains = vec![format!("{n}.bench.example")];
    tenant.id = id;
    tenant
}

/// Commits so many commands, several at a time.
async fn commit(store: &SqliteStore, count: usize, command: impl Fn(usize) -> Command) -> Result<()> {
    let start = Instant::now();
    let mut waiting = JoinSet::new();
    for n in 0..count {
        if waiting.len() >= AT_A_TIME {
            check(waiting.join_next().await)?;
        }
        if start.elapsed() > FILLING {
            break;
        }
        let (store, command) = (store.clone(), command(n));
        waiting.spawn(async move { store.commit(command).await });
    }
    while let Some(one) = waiting.join_next().await {
        check(Some(one))?;
    }
    Ok(())
}

type Committed = Result<Result<Outcome, recant_plane::store::StoreError>, tokio::task::JoinError>;

fn check(committed: Option<Committed>) -> Result<()> {
    match committed {
        Some(outcome) => match outcome?? {
            Outcome::Refused(refusal) => Err(anyhow!(refusal)),
            _ => Ok(()),
        },
        None => Ok(()),
    }
}

/// Bytes of a process that are in memory.
fn resident(id: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("a VmRSS")?;
    let kibibytes: f64 = line.trim().trim_end_matches(" kB").trim().parse()?;
    Ok(kibibytes * 1024.0)
}
