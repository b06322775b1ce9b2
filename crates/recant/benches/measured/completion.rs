//! How long an accepted invalidation takes until every edge has applied it and a client can read so.
//!
//! The time from the create's answer to the first answer of `GetInvalidation` that says `Completed`, asked for again
//! as soon as it is answered: polling's own time is part of what is measured, and printed beside it.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::api::{Call, Client};
use crate::origin::{Origin, THINGS};
use crate::processes::{EdgeProcess, PATIENCE, PlaneProcess, folder};
use crate::statistics::{Latencies, rounds};

const EDGES: [usize; 2] = [1, 2];
const INVALIDATIONS: usize = 200;
const TIME: Duration = Duration::from_secs(30);
const HOST: &str = "bench.example";

/// Measures and prints.
pub(crate) fn run() -> Result<()> {
    let folder = folder()?;
    let origin = Origin::start()?;
    let mut worlds = Vec::new();
    for edges in EDGES {
        worlds.push(World::start(folder.path(), edges, origin.address)?);
    }
    for n in rounds(INVALIDATIONS, TIME) {
        for world in &mut worlds {
            world.invalidate(&n.to_string())?;
        }
    }
    println!("\naccept → Completed: from the create's answer to the first GetInvalidation that says so");
    for world in &worlds {
        let count = world.edges.len();
        let name = format!("{count} {}", if count == 1 { "edge" } else { "edges" });
        println!("  {name:<40}{}", world.completed);
        println!("  {:<40}{}", "  the create itself", world.created);
        println!("  {:<40}{}", "  one GetInvalidation", world.asked);
    }
    Ok(())
}

/// A plane and its edges, all processes of their own.
struct World {
    // Edges go before their plane does.
    edges: Vec<EdgeProcess>,
    client: Client,
    tenant: String,
    created: Latencies,
    asked: Latencies,
    completed: Latencies,
    _plane: PlaneProcess,
}

impl World {
    fn start(folder: &Path, edges: usize, origin: SocketAddr) -> Result<Self> {
        let plane = PlaneProcess::start(folder, &format!("plane-of-{edges}"))?;
        let mut client = plane.client()?;
        let tenant = client.make_tenant(HOST, origin)?;
        let mut started = Vec::new();
        for n in 1..=edges {
            let mut edge = EdgeProcess::start(&plane, folder, &format!("edge-{n}-of-{edges}"), None)?;
            edge.until_hit(HOST, THINGS[0].0)?;
            started.push(edge);
        }
        let [created, asked, completed] = [const { Latencies::new() }; 3];
        Ok(Self { edges: started, client, tenant, created, asked, completed, _plane: plane })
    }

    fn invalidate(&mut self, caller_reference: &str) -> Result<()> {
        let call = Call::invalidation(&self.tenant, caller_reference)?;
        let before = Instant::now();
        let reply = self.client.send(&call)?;
        let answered = Instant::now();
        ensure!(reply.status == 201, "{} {}", reply.status, String::from_utf8_lossy(&reply.body));
        self.created.add(answered - before);
        // The id stands at the end of the invalidation's own address.
        let id = reply.header("location").rsplit('/').next().filter(|id| !id.is_empty());
        let input = json!({"DistributionTenantId": self.tenant, "Id": id.context("a Location")?});
        loop {
            let before = Instant::now();
            let got: Value = self.client.ok("GetInvalidationForDistributionTenant", input.clone())?;
            self.asked.add(before.elapsed());
            if got["Invalidation"]["Status"] == "Completed" {
                self.completed.add(answered.elapsed());
                return Ok(());
            }
            ensure!(answered.elapsed() < PATIENCE, "not completed within {PATIENCE:?}");
        }
    }
}
