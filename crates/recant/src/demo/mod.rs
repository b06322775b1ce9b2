//! `recant demo`: the whole story on this machine, with real processes and real HTTP.
//!
//! Read [`tell`] from top to bottom: it is the story. Everything it says is checked by the program; the first thing
//! that is not so ends it with what was expected and what was seen, and a failure. Everybody but the origin and the
//! viewers is a process of this very program, started as anybody would start it.
//!
//! What it deliberately does not do: test. One run proves what it shows and no more.

mod client;
mod explore;
mod narrate;
mod origin;
mod patience;
mod processes;
mod stage;
mod viewer;

use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail};

use crate::options::DemoOptions;
use client::Line;
use narrate::time;
use stage::{Page, Source, Stage};

/// The tenants: each has its own domain, and its own folder at the one origin.
const TENANTS: [&str; 3] = ["shop", "blog", "docs"];

const PRICE: Page = Page { tenant: "shop", path: "/price" };
const NEWS: Page = Page { tenant: "shop", path: "/news/today" };
const ABOUT: Page = Page { tenant: "shop", path: "/about" };
/// The same paths, other tenants.
const BLOG: Page = Page { tenant: "blog", path: "/price" };
const DOCS: Page = Page { tenant: "docs", path: "/news/today" };
const PAGES: [Page; 5] = [PRICE, NEWS, ABOUT, BLOG, DOCS];

/// Only for finding out whether an edge is ready.
const PROBES: [Page; 3] = [
    Page { tenant: "shop", path: "/ready" },
    Page { tenant: "blog", path: "/ready" },
    Page { tenant: "docs", path: "/ready" },
];
/// Of a tenant that nothing is invalidated of.
const PROBE: Page = PROBES[2];

/// What is deployed here needs no more than one origin, a folder for each tenant, and CachingOptimized.
const DISTRIBUTION: &str = include_str!("distribution.json");

/// A lease that is renewed in good time has at least this long to go.
const LEAST_WAIT: Duration = Duration::from_secs(1);

/// Runs it.
pub(crate) fn run(options: &DemoOptions) -> anyhow::Result<()> {
    let start = Instant::now();
    let mut stage = Stage::set()?;
    stage.folder.keep = options.keep;
    let told = tell(&mut stage, start)
        .and_then(|shop| if options.keep { explore::explore(&stage, &shop, PRICE) } else { Ok(()) });
    match told {
        // Whoever explored may have ended some of them; what runs goes with the stage.
        Ok(()) if options.keep => Ok(()),
        Ok(()) => stage.clear(),
        Err(_) if stage.patience.is_over() => Err(anyhow!("the demo was stopped by a signal")),
        Err(error) => {
            stage.folder.keep = true;
            let logs = stage.folder.path.join("*.log");
            Err(error).with_context(|| format!("the demo failed; see {}", logs.display()))
        }
    }
}

/// An invalidation that was accepted.
struct Accepted {
    id: String,
    /// When the command that asked for it had ended.
    at: Instant,
    /// How long that command took.
    took: Duration,
}

/// The story; the identifier of the tenant that it is about.
fn tell(stage: &mut Stage, start: Instant) -> anyhow::Result<String> {
    introduce(stage)?;
    let shop = create_tenants(stage)?;
    fill_caches(stage)?;
    change_origin(stage)?;
    let (first, completed) = invalidate(stage, &shop)?;
    ask_again(stage, &shop, &first)?;
    let waited = lose_an_edge(stage, &shop)?;
    let restarted = lose_the_plane(stage, &shop, &first)?;
    let again = go_on(stage, &shop)?;

    stage.narrator.heading(&format!(
        "All of this was so: {} checks, {} requests at the origin, {}.",
        stage.checks,
        stage.origin.requests(),
        time(start.elapsed()),
    ))?;
    stage.narrator.tell(format!(
        "An invalidation was accepted within {} and Completed {} later, on two edges;\n\
         from then on viewers got fresh bytes of what was invalidated, and hits of all the rest.\n\
         A repeated request did nothing; the same CallerReference with other paths was refused.\n\
         A dead edge delayed Completed by its lease of {} s, to {} after its death, and not for ever.\n\
         A killed plane was back {} after its death and had lost nothing that it had accepted.\n\
         With everybody back the next invalidation was Completed within {}.",
        time(first.took),
        time(completed),
        stage::LEASE.as_secs(),
        time(waited),
        time(restarted),
        time(again),
    ))?;
    Ok(shop)
}

fn introduce(stage: &mut Stage) -> anyhow::Result<()> {
    stage.narrator.chapter("An origin, a plane and two edges, all on free ports of this machine")?;
    let plane = stage.plane();
    stage.narrator.tell(format!("origin  http://{}   in this process", stage.origin.address))?;
    stage.narrator.tell(format!(
        "plane   http://{}   process {}, leases of {} s",
        plane.api,
        plane.process.id(),
        stage::LEASE.as_secs(),
    ))?;
    for (n, edge) in stage.edges.iter().enumerate() {
        let edge = edge.as_ref().context("an edge is missing")?;
        let name = stage::name(n);
        stage.narrator.tell(format!("{name}  http://{}   process {}", edge.viewer, edge.process.id()))?;
    }
    stage.narrator.tell(format!("folder  {}", stage.folder.path.display()))?;
    stage.narrator.tell("Lines with a $ are run as they stand here, with the environment of")?;
    stage.narrator.tell(environment(stage))
}

/// The line that gives a shell the environment that the story's commands have.
fn environment(stage: &Stage) -> String {
    format!("$ eval \"$(recant env --data-dir {})\"", stage.folder.plane().display())
}

/// Three tenants of one multi-tenant distribution; the identifier of the one that the story is about.
fn create_tenants(stage: &mut Stage) -> anyhow::Result<String> {
    stage.narrator.chapter("A multi-tenant distribution, and three tenants of it")?;
    let config = DISTRIBUTION.replace("ORIGIN_PORT", &stage.origin.address.port().to_string());
    let file = stage.folder.write("distribution.json", &config)?;
    let line = Line::new("create-distribution").with("cli-input-json", format!("file://{}", file.display()));
    let distribution = stage.type_well(&line.query("Distribution.Id"))?.output;
    let mut tenants = Vec::new();
    for name in TENANTS {
        let line = Line::new("create-distribution-tenant")
            .with("distribution-id", &distribution)
            .with("name", name)
            .with("domains", format!("Domain={name}.example"))
            .with("parameters", format!("Name=folder,Value={name}"))
            .query("DistributionTenant.Id");
        tenants.push(stage.type_well(&line)?.output);
    }
    let created = Instant::now();
    for tenant in &tenants {
        let line = Line::new("get-distribution-tenant").with("identifier", tenant);
        stage.ask_until(&line.query("DistributionTenant.Status"), "Deployed")?;
    }
    stage
        .narrator
        .tell(format!("All three were Deployed on both edges {} later.", time(created.elapsed())))?;
    for probe in PROBES {
        stage.until_they_cache(probe)?;
    }
    Ok(tenants.swap_remove(0))
}

fn fill_caches(stage: &mut Stage) -> anyhow::Result<()> {
    stage.narrator.chapter("The caches fill; then they serve")?;
    stage.viewers_get(&PAGES.map(|page| (page, Source::Origin, 1)))?;
    stage.viewers_get(&PAGES.map(|page| (page, Source::Cache, 1)))
}

fn change_origin(stage: &mut Stage) -> anyhow::Result<()> {
    stage.narrator.chapter("The origin publishes edition 2 of every page; the edges cannot know")?;
    stage.origin.publish(2);
    stage.viewers_get(&PAGES.map(|page| (page, Source::Cache, 1)))
}

/// The main thing; the invalidation, and how long it took to complete.
fn invalidate(stage: &mut Stage, shop: &str) -> anyhow::Result<(Accepted, Duration)> {
    stage.narrator.chapter("The shop's price and all its news are invalidated")?;
    let accepted = accept(stage, &batch(shop, "deploy-1", &["/price", "/news/*"]))?;
    let completed = until_completed(stage, shop, &accepted)?;
    stage.narrator.tell(format!(
        "accepted as InProgress {} after the command's start, Completed {} later",
        time(accepted.took),
        time(completed),
    ))?;
    let wait = Line::new("wait").word("invalidation-for-distribution-tenant-completed");
    stage.type_well(&of_invalidation(wait, shop, &accepted.id))?;
    stage.narrator.tell("Fresh bytes of what was invalidated; the other paths and tenants are untouched:")?;
    stage.viewers_get(&[
        (PRICE, Source::OriginAgain, 2),
        (NEWS, Source::OriginAgain, 2),
        (ABOUT, Source::Cache, 1),
        (BLOG, Source::Cache, 1),
        (DOCS, Source::Cache, 1),
    ])?;
    stage.viewers_get(&[(PRICE, Source::Cache, 2), (NEWS, Source::Cache, 2)])?;
    Ok((accepted, completed))
}

/// The same request again is the same invalidation; another one by the same name is none.
fn ask_again(stage: &mut Stage, shop: &str, first: &Accepted) -> anyhow::Result<()> {
    stage.narrator.chapter("The same CallerReference again, after edition 3: nothing happens")?;
    stage.origin.publish(3);
    let answer = stage.type_well(&batch(shop, "deploy-1", &["/price", "/news/*"]))?;
    stage.check("the repeated request's id and status", format!("{}\tCompleted", first.id), answer.output)?;
    stage.viewers_get(&[(PRICE, Source::Cache, 2), (NEWS, Source::Cache, 2)])?;
    stage.narrator.tell("With other paths it is refused:")?;
    let answer = stage.type_line(&batch(shop, "deploy-1", &["/about"]))?;
    stage.check("the exit code", 254, answer.exit)?;
    let refused = answer.complaint.contains("(InvalidationBatchAlreadyExists)");
    stage.check("the refusal names InvalidationBatchAlreadyExists", true, refused)?;
    stage.viewers_get(&[(ABOUT, Source::Cache, 1)])
}

/// Nobody can tell a dead edge from one that is cut off and still serves: its lease has to run out. How long that took.
fn lose_an_edge(stage: &mut Stage, shop: &str) -> anyhow::Result<Duration> {
    stage.narrator.chapter("Edge 2 is killed, and the price invalidated again")?;
    let edge = stage.edges[1].take().context("edge 2 is missing")?;
    stage.narrator.tell(format!("SIGKILL to process {}", edge.process.id()))?;
    edge.process.crash()?;
    let killed = Instant::now();
    let accepted = accept(stage, &batch(shop, "deploy-2", &["/price"]))?;
    stage.narrator.tell(
        "InProgress: for all the plane knows, edge 2 is only cut off and serves on from its cache.\n\
         It may until its lease runs out, so Completed waits for that.",
    )?;
    let answer = stage.type_well(&get(shop, &accepted.id).query("Invalidation.Status"))?;
    // On a machine that is so busy that this took that long, it may be over.
    if killed.elapsed() < LEAST_WAIT {
        stage.check("the status while the lease lasts", "InProgress", &*answer.output)?;
    }
    let completed = until_completed(stage, shop, &accepted)?;
    let waited = killed.elapsed();
    stage.check(
        format!("Completed waits for the dead edge's lease; it came {} after its death", time(waited)),
        true,
        waited >= LEAST_WAIT,
    )?;
    stage.narrator.tell(format!("Completed {} after the invalidation was accepted", time(completed),))?;
    stage.viewers_get(&[(PRICE, Source::OriginAgain, 3), (NEWS, Source::Cache, 2)])?;
    Ok(waited)
}

/// What was accepted is on the disk. How long the plane took to be back.
fn lose_the_plane(stage: &mut Stage, shop: &str, first: &Accepted) -> anyhow::Result<Duration> {
    stage.narrator.chapter("All of the shop is invalidated for edition 4, and the plane killed at once")?;
    let version = Line::new("get-distribution-tenant").with("identifier", shop).query("ETag");
    let version_before = stage.ask(&version)?;
    stage.origin.publish(4);
    let whole = batch(shop, "deploy-3", &["/*"]);
    let accepted = accept(stage, &whole)?;
    let plane = stage.plane.take().context("the plane is missing")?;
    let (id, api) = (plane.process.id(), plane.api);
    plane.process.crash()?;
    let down = Instant::now();
    stage
        .narrator
        .tell(format!("SIGKILL to process {id}, {} after the answer", time(accepted.at.elapsed())))?;
    stage.start_plane_again(api)?;
    let restarted = down.elapsed();
    let id = stage.plane().process.id();
    stage
        .narrator
        .tell(format!("started again on the same folder: process {id} is ready {} later", time(restarted)))?;

    let list = Line::new("list-invalidations-for-distribution-tenant").with("id", shop);
    let answer = stage.type_well(&list.query("InvalidationList.Items[].Id"))?;
    stage.check("how many invalidations there are", 3, answer.output.split_whitespace().count())?;
    for id in [&first.id, &accepted.id] {
        stage.check(
            format!("{id} is in the list"),
            true,
            answer.output.split_whitespace().any(|word| word == id),
        )?;
    }
    let line = get(shop, &first.id).query("Invalidation.[Status,InvalidationBatch.CallerReference]");
    let answer = stage.type_well(&line)?;
    stage.check("the first invalidation", "Completed\tdeploy-1", &*answer.output)?;
    let version_after = stage.ask(&version)?;
    stage.check("the tenant's ETag", version_before, version_after)?;
    stage.narrator.tell("The last request again is still the same invalidation:")?;
    let answer = stage.type_well(&whole)?;
    let id = answer.output.split_whitespace().next().unwrap_or_default().to_owned();
    stage.check("the repeated request's id", accepted.id.clone(), id)?;
    stage.narrator.tell(
        "A plane that starts cannot know how long the leases on its record still are, also a dead edge's.\n\
         It lets each run out once, so what is not Completed yet may have to wait for that.",
    )?;
    until_completed(stage, shop, &accepted)?;
    stage.narrator.tell(format!(
        "Seen Completed {} after the plane's death; the edge has kept its other responses:",
        time(down.elapsed()),
    ))?;
    stage.until_they_cache(PROBE)?;
    stage.viewers_get(&[
        (PRICE, Source::OriginAgain, 4),
        (NEWS, Source::OriginAgain, 4),
        (ABOUT, Source::OriginAgain, 4),
        (BLOG, Source::Cache, 1),
        (DOCS, Source::Cache, 1),
    ])?;

    stage.narrator.tell("And the next invalidation works, for edition 5:")?;
    stage.origin.publish(5);
    let accepted = accept(stage, &batch(shop, "deploy-4", &["/price"]))?;
    let completed = until_completed(stage, shop, &accepted)?;
    stage.narrator.tell(format!("Completed {} later", time(completed)))?;
    stage.viewers_get(&[(PRICE, Source::OriginAgain, 5)])?;
    Ok(restarted)
}

/// Everything works as before. How long the last invalidation took.
fn go_on(stage: &mut Stage, shop: &str) -> anyhow::Result<Duration> {
    stage
        .narrator
        .chapter("Edge 2 comes back, with an empty cache, and the price is invalidated once more")?;
    let edge = stage.start_edge(1)?;
    let (id, viewer) = (edge.process.id(), edge.viewer);
    stage.narrator.tell(format!("edge 2  http://{viewer}   process {id}"))?;
    stage.until_they_cache(PROBE)?;
    stage.viewers_get_from(&[(1, viewer)], &[(PRICE, Source::Origin, 5)])?;
    stage.viewers_get(&[(PRICE, Source::Cache, 5)])?;
    stage.origin.publish(6);
    let accepted = accept(stage, &batch(shop, "deploy-5", &["/price"]))?;
    let completed = until_completed(stage, shop, &accepted)?;
    stage.narrator.tell(format!("Completed {} later", time(completed)))?;
    stage.viewers_get(&[(PRICE, Source::OriginAgain, 6)])?;
    Ok(completed)
}

/// The line that asks for an invalidation, as a user types it.
fn batch(tenant: &str, caller_reference: &str, paths: &[&str]) -> Line {
    let (quantity, items) = (paths.len(), paths.join(","));
    Line::new("create-invalidation-for-distribution-tenant")
        .with("id", tenant)
        .with(
            "invalidation-batch",
            format!("Paths={{Quantity={quantity},Items=[{items}]}},CallerReference={caller_reference}"),
        )
        .query("Invalidation.[Id,Status]")
}

/// The line that asks about an invalidation.
fn get(tenant: &str, id: &str) -> Line {
    of_invalidation(Line::new("get-invalidation-for-distribution-tenant"), tenant, id)
}

fn of_invalidation(line: Line, tenant: &str, id: &str) -> Line {
    line.with("distribution-tenant-id", tenant).with("id", id)
}

/// Types the line of a new invalidation.
fn accept(stage: &mut Stage, line: &Line) -> anyhow::Result<Accepted> {
    let answer = stage.type_well(line)?;
    let at = Instant::now();
    let Some((id, status)) = answer.output.split_once('\t') else {
        bail!("an id and a status were expected, saw {:?}", answer.output);
    };
    stage.check("the new invalidation's status", "InProgress", status)?;
    Ok(Accepted { id: id.to_owned(), at, took: answer.took })
}

/// Asks for its status until it is `Completed`; how long that took from its acceptance on.
fn until_completed(stage: &Stage, tenant: &str, accepted: &Accepted) -> anyhow::Result<Duration> {
    stage.ask_until(&get(tenant, &accepted.id).query("Invalidation.Status"), "Completed")?;
    Ok(accepted.at.elapsed())
}
