//! Recant itself: an edge, and a plane that it needs.

use std::ops::Range;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::api::{Call, Client};
use crate::caches::way::Way;
use crate::caches::{Cache, Site};
use crate::processes::{EdgeProcess, PlaneProcess};

/// Clients that invalidate single paths side by side.
const CLIENTS: usize = 4;
/// From so many paths on they are put into batches.
const SINGLE_PATHS_MAX: usize = 100;
/// Less than the plane waits for the next request.
const IDLE_MAX: Duration = Duration::from_secs(5);
/// As many as an API call may have.
const PATHS_PER_CALL: usize = 3_000;

/// Starts a plane with a tenant for each host, and an edge, which is what is measured.
pub(crate) fn start(site: &Site<'_>) -> Result<Cache> {
    Ok(start_with(site)?.0)
}

/// The same, and gives the tenants' ids.
fn start_with(site: &Site<'_>) -> Result<(Cache, Vec<String>)> {
    let folder = site.make_folder()?;
    let plane = PlaneProcess::start(&folder, "plane")?;
    let tenants = plane.client()?.make_tenants(site.hosts, site.origin)?;
    let options = ["--store-bytes", &site.store_bytes.to_string()];
    let EdgeProcess { viewer, process } =
        EdgeProcess::start_with(&plane, &folder, "edge", site.core, &options)?;
    let cache = Cache { name: "recant".to_owned(), address: viewer, server: process, plane: Some(plane) };
    Ok((cache, tenants))
}

/// Invalidates by the API; each is durable before it is answered.
struct Invalidations {
    cache: Cache,
    tenants: Vec<String>,
    clients: Vec<Client>,
    references: usize,
    /// The last one, with its tenant, in the words of the API.
    last: Option<Value>,
    /// When the plane was last called.
    called: Instant,
}

/// Starts it for invalidations.
pub(crate) fn way(site: &Site<'_>) -> Result<Box<dyn Way>> {
    let (cache, tenants) = start_with(site)?;
    let plane = cache.plane.as_ref().context("its plane")?;
    let clients = (0..CLIENTS).map(|_| plane.client()).collect::<Result<_>>()?;
    Ok(Box::new(Invalidations { cache, tenants, clients, references: 0, last: None, called: Instant::now() }))
}

impl Invalidations {
    /// Connects anew if the plane may have closed what was idle.
    fn connect(&mut self) -> Result<()> {
        if self.called.elapsed() > IDLE_MAX {
            let plane = self.cache.plane.as_ref().context("its plane")?;
            self.clients = (0..CLIENTS).map(|_| plane.client()).collect::<Result<_>>()?;
        }
        self.called = Instant::now();
        Ok(())
    }

    fn invalidate(&mut self, tenant: usize, paths: &[String]) -> Result<()> {
        self.connect()?;
        self.references += 1;
        let tenant = &self.tenants[tenant];
        let call = Call::invalidation_of(tenant, &format!("batch-{}", self.references), paths)?;
        self.last =
            Some(json!({"DistributionTenantId": tenant, "Id": accepted(&mut self.clients[0], &call)?}));
        Ok(())
    }
}

impl Way for Invalidations {
    fn cache(&self) -> &Cache {
        &self.cache
    }

    fn everything_of(&mut self, tenant: usize, _stored: usize) -> Result<()> {
        self.invalidate(tenant, &["/*".to_owned()])
    }

    fn finish(&mut self) -> Result<bool> {
        let Some(last) = self.last.take() else { return Ok(true) };
        loop {
            let got = self.clients[0].ok("GetInvalidationForDistributionTenant", last.clone())?;
            if got["Invalidation"]["Status"] == "Completed" {
                return Ok(true);
            }
        }
    }

    fn paths(&mut self, numbers: Range<usize>) -> Result<()> {
        if numbers.len() > SINGLE_PATHS_MAX {
            let paths: Vec<String> = numbers.map(nothing).collect();
            for paths in paths.chunks(PATHS_PER_CALL) {
                self.invalidate(0, paths)?;
                self.finish()?;
            }
            return Ok(());
        }
        self.connect()?;
        let (tenant, clients) = (&self.tenants[0], self.clients.len());
        thread::scope(|scope| {
            let by_turns = self.clients.iter_mut().enumerate().map(|(turn, client)| {
                let numbers = numbers.clone().skip(turn).step_by(clients);
                scope.spawn(move || {
                    for number in numbers {
                        let path = nothing(number);
                        accepted(
                            client,
                            &Call::invalidation_of(tenant, &path, std::slice::from_ref(&path))?,
                        )?;
                    }
                    anyhow::Ok(())
                })
            });
            for thread in by_turns.collect::<Vec<_>>() {
                let Ok(done) = thread.join() else { bail!("a client has failed") };
                done?;
            }
            Ok(())
        })
    }
}

/// Creates an invalidation, and gives its id.
fn accepted(client: &mut Client, call: &Call) -> Result<String> {
    let reply = client.send(call)?;
    ensure!(reply.status == 201, "{} {}", reply.status, String::from_utf8_lossy(&reply.body));
    // The id stands at the end of the invalidation's own address.
    let id = reply.header("location").rsplit('/').next().filter(|id| !id.is_empty());
    Ok(id.context("a Location")?.to_owned())
}

fn nothing(number: usize) -> String {
    format!("/nothing/{number}")
}
