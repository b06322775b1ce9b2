//! `recant serve`: plane and one edge in one process.
//!
//! The edge follows the plane over the same feed as any other; only its secret is known to nobody but this process,
//! so that the plane can record it as embedded (DESIGN.md section 9). On the way out the viewers' side closes first, then
//! the edge leaves, then the plane stops, and only then the folder's lock is released: whoever takes the folder next
//! need not wait for a lease.

use std::sync::Arc;

use anyhow::{Context as _, bail};
use recant_core::protocol::message::{Incarnation, Member};
use recant_edge::{Edge, EdgeError, EdgeFiles, EdgeOptions, Follower, FollowerOptions, SystemClock};
use recant_plane::folder::Addresses;
use recant_plane::{Plane, PlaneOptions, StartError, random};
use tokio::runtime::Runtime;

use crate::options::{ServeOptions, ViewerOptions};
use crate::signals::Stop;
use crate::{declarations, descriptors, logging, stdout};

/// Runs both until asked to stop.
pub(crate) fn run(mut options: ServeOptions) -> anyhow::Result<()> {
    logging::start(options.plane.log_format);
    options.plane.plane.declarations = declarations::read(&options.plane.apply)?;
    descriptors::raise_limit();
    let mut viewers = edge_options(options.viewers);
    let files = edge_files(&viewers)?;
    let runtime = runtime()?;
    // Outlives the runtime, however this ends: viewers may be served until that is gone.
    let mut lock = None;
    let outcome = runtime.block_on(async {
        let mut stop = Stop::listen()?;
        let plane = start_plane(options.plane.plane).await?;
        let folder = &*lock.insert(plane.folder());
        let api = plane.api_address();
        viewers.plane_addresses = vec![api];
        viewers.edge_secret = Some(folder.edge_secret()?);
        let edge = start_edge(viewers, files).await?;
        let follower = Follower::start(
            FollowerOptions {
                plane: format!("http://{api}").parse().expect("an address makes a URL"),
                secret: plane.embedded_secret().clone(),
                member: Member { edge: folder.edge_id()?, incarnation: incarnation() },
            },
            &edge,
            Arc::new(SystemClock),
        );
        folder.publish_addresses(&addresses(Some(api), Some(&edge)))?;
        stdout::say(&format!(
            "API      http://{api}\n{viewers}Clients  eval \"$(recant env --data-dir {})\"\n",
            folder.path().display(),
            viewers = self::viewers(&edge),
        ))?;
        let stopper = plane.stopper();
        let mut serving = tokio::spawn(plane.run());
        let by_itself = tokio::select! {
            () = stop.asked() => false,
            _ = &mut serving => true,
        };
        edge.stop().await;
        follower.leave().await;
        if !by_itself {
            stopper.stop();
            serving.await.context("the plane did not end in good order")?;
        }
        folder.withdraw_addresses()?;
        if by_itself {
            bail!("the plane has stopped by itself");
        }
        Ok(())
    });
    drop(runtime);
    outcome
}

/// The runtime that everything here runs on.
pub(crate) fn runtime() -> anyhow::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no threads can be had")
}

/// What the viewers' side is set up with.
pub(crate) fn edge_options(options: ViewerOptions) -> EdgeOptions {
    let mut edge = EdgeOptions::new(options.viewer);
    edge.tls = options.tls;
    edge.https_port = options.https_port;
    edge.metrics = options.metrics;
    edge.geo_header = options.geo_header;
    edge.geo_database = options.geo_database;
    edge.origin_ca = options.origin_ca;
    edge.store_bytes = options.store_bytes;
    edge.disk = options.disk;
    edge.tenant_share_percent = options.tenant_share_percent;
    edge.allowed_networks = options.allowed_networks;
    edge.denied_networks = options.denied_networks;
    edge.shield = options.shield;
    edge
}

/// Reads the files that the viewers' side needs. Before anything else: a path that is wrong leaves nothing behind.
pub(crate) fn edge_files(options: &EdgeOptions) -> anyhow::Result<EdgeFiles> {
    EdgeFiles::read(options).context("the edge does not start")
}

/// Starts the plane. Where an address is taken, its option is named.
pub(crate) async fn start_plane(options: PlaneOptions) -> anyhow::Result<Plane> {
    let started = Plane::start(options).await.map_err(|error| match error {
        StartError::Listen { .. } => anyhow::Error::new(error).context("--api"),
        other => other.into(),
    });
    started.context("the plane does not start")
}

/// Starts the viewers' side. Where an address is taken, its option is named.
pub(crate) async fn start_edge(options: EdgeOptions, files: EdgeFiles) -> anyhow::Result<Edge> {
    let listeners = [
        ("--viewer", Some(options.viewer)),
        ("--viewer-tls", options.tls.as_ref().map(|tls| tls.address)),
        ("--shield", options.shield.listen),
        ("--metrics", options.metrics),
    ];
    let started = Edge::start_with(options, files).await.map_err(|error| match error {
        EdgeError::Listen(address, _) => {
            // Several, where one takes what another wants.
            let named = listeners.iter().filter(|(_, listener)| *listener == Some(address));
            let named: Vec<&str> = named.map(|(option, _)| *option).collect();
            anyhow::Error::new(error).context(named.join(" and "))
        }
        other => other.into(),
    });
    started.context("the edge does not start")
}

/// What `addresses.json` says of a process with this API and this edge.
pub(crate) fn addresses(api: Option<std::net::SocketAddr>, edge: Option<&Edge>) -> Addresses {
    Addresses {
        api: api.map(|api| api.to_string()),
        viewer: edge.map(|edge| edge.viewer_address().to_string()),
        viewer_tls: edge.and_then(Edge::viewer_tls_address).map(|tls| tls.to_string()),
        shield: edge.and_then(Edge::shield_address).map(|shield| shield.to_string()),
        metrics: edge.and_then(Edge::metrics_address).map(|metrics| metrics.to_string()),
    }
}

/// The lines that say where viewers connect, and whoever watches the edge.
pub(crate) fn viewers(edge: &Edge) -> String {
    let tls = edge.viewer_tls_address().map(|address| format!("Viewers  https://{address}\n"));
    let metrics = edge.metrics_address().map(|address| format!("Metrics  http://{address}/metrics\n"));
    let shield = edge.shield_address().map(|address| format!("Shield   {address}\n"));
    let [tls, shield, metrics] = [tls, shield, metrics].map(Option::unwrap_or_default);
    format!("Viewers  http://{}\n{tls}{shield}{metrics}", edge.viewer_address())
}

/// A number that no other process of this edge has.
pub(crate) fn incarnation() -> Incarnation {
    Incarnation(u64::from_be_bytes(random::bytes()))
}
