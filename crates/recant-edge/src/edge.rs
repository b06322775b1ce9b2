//! One running edge: its parts put together, its start and its end.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use recant_core::limits::{BACKGROUND_VALIDATIONS_MAX, STORE_BYTES_DEFAULT};

use crate::clock::{Clock, SystemClock};
use crate::counting::Counter;
use crate::flight::Flights;
use crate::origin::{AddressPolicy, Network, Origins};
use crate::request::Shared;
use crate::server::serve;
use crate::store::Store;
use crate::world::World;

/// How an edge is set up.
#[derive(Clone)]
pub struct EdgeOptions {
    /// Where viewers connect; port 0 takes a free one.
    pub viewer: SocketAddr,
    /// Bytes of stored responses, metadata included.
    pub store_bytes: u64,
    /// Networks that origins may be in although the defaults say no; see [`Network`].
    pub allowed_networks: Vec<Network>,
    /// Networks that origins may not be in. Of several networks that hold an address the longest prefix decides.
    pub denied_networks: Vec<Network>,
    /// The plane's listeners on this machine, which no origin may ever be.
    pub plane_addresses: Vec<SocketAddr>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
}

impl EdgeOptions {
    /// The defaults, for viewers at this address.
    pub fn new(viewer: SocketAddr) -> Self {
        Self {
            viewer,
            store_bytes: STORE_BYTES_DEFAULT,
            allowed_networks: Vec::new(),
            denied_networks: Vec::new(),
            plane_addresses: Vec::new(),
            clock: Arc::new(SystemClock),
        }
    }
}

/// A running edge. It serves from the moment it starts: with an empty [`World`] every host is unknown, and without
/// a lease everything is forwarded.
///
/// Dropped without [`Edge::stop`] it stops too, but nobody waits for it.
#[derive(Debug)]
pub struct Edge {
    viewer: SocketAddr,
    world: Arc<World>,
    store: Arc<Store>,
    stopping: watch::Sender<bool>,
    serving: JoinHandle<()>,
}

impl Edge {
    /// Binds the viewers' address and starts to serve.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn start(options: EdgeOptions) -> io::Result<Self> {
        let listener = TcpListener::bind(options.viewer).await?;
        let viewer = listener.local_addr()?;
        let world = Arc::new(World::new());
        let store = Arc::new(Store::new(options.store_bytes));
        let mut own = options.plane_addresses;
        own.push(viewer);
        let policy =
            AddressPolicy { own, allowed: options.allowed_networks, denied: options.denied_networks };
        let shared = Shared {
            world: world.clone(),
            store: store.clone(),
            flights: Arc::new(Flights::new()),
            background: Arc::new(Semaphore::new(BACKGROUND_VALIDATIONS_MAX)),
            origins: Origins::new(policy),
            clock: options.clock,
        };
        let (stopping, stop) = watch::channel(false);
        let serving = tokio::spawn(serve(listener, Arc::new(shared), stop));
        Ok(Self { viewer, world, store, stopping, serving })
    }

    /// Where viewers connect.
    pub fn viewer_address(&self) -> SocketAddr {
        self.viewer
    }

    /// What the follower fills in.
    pub fn world(&self) -> &Arc<World> {
        &self.world
    }

    /// Answers a plane's questions about what is stored.
    pub(crate) fn counter(&self) -> Counter {
        Counter { world: self.world.clone(), store: self.store.clone() }
    }

    /// Stops accepting viewers and waits until those being served have their responses, within a bound. When it
    /// returns nothing is served any more, and the edge may leave its plane (PURGE.md rule 13).
    pub async fn stop(self) {
        self.stopping.send_replace(true);
        if let Err(error) = self.serving.await {
            tracing::error!(%error, "the viewers' side did not end in good order");
        }
    }
}
