//! `recant edge`: an edge apart from its plane.

use std::sync::Arc;

use anyhow::Context as _;
use recant_core::protocol::message::Member;
use recant_edge::{Follower, FollowerOptions, PlaneUrl, SystemClock};
use recant_plane::folder::{Folder, Role};

use crate::options::EdgeOptions;
use crate::signals::Stop;
use crate::{descriptors, logging, serve, stdout};

/// Runs an edge until it is asked to stop.
pub(crate) fn run(options: EdgeOptions) -> anyhow::Result<()> {
    logging::start(options.log_format);
    descriptors::raise_limit();
    let mut viewers = serve::edge_options(options.viewers);
    let files = serve::edge_files(&viewers)?;
    serve::runtime()?.block_on(async {
        let mut stop = Stop::listen()?;
        viewers.plane_addresses = plane_addresses(&options.plane).await?;
        let folder = Folder::take(&options.data_dir, Role::Edge)?;
        let secret = folder.given_edge_secret()?;
        let member = Member { edge: folder.edge_id()?, incarnation: serve::incarnation() };
        viewers.edge_secret = Some(secret.clone());
        let edge = serve::start_edge(viewers, files).await?;
        folder.publish_addresses(&serve::addresses(None, Some(&edge)))?;
        stdout::say(&format!("{}Plane    {}\n", serve::viewers(&edge), options.plane))?;
        let follow = FollowerOptions { plane: options.plane, secret, member };
        let follower = Follower::start(follow, &edge, Arc::new(SystemClock));
        stop.asked().await;
        edge.stop().await;
        follower.leave().await;
        folder.withdraw_addresses()?;
        Ok(())
    })
}

/// The plane's own addresses, which no origin may be: an edge that cannot know them does not start.
async fn plane_addresses(plane: &PlaneUrl) -> anyhow::Result<Vec<std::net::SocketAddr>> {
    match tokio::net::lookup_host(plane.authority()).await {
        Ok(found) => Ok(found.collect()),
        Err(error) => Err(error).with_context(|| format!("the plane {plane} cannot be found")),
    }
}
