//! One running edge: its parts put together, its start and its end.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderName;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use recant_core::limits::{
    BACKGROUND_VALIDATIONS_MAX, CODED_AT_A_TIME_MAX, STORE_BYTES_DEFAULT, SWEEP_PAUSE, VIEWER_CONNECTIONS_MAX,
};

use recant_core::protocol::message::Applied;
use recant_wire::feed::EdgeSecret;

use crate::clock::{Clock, SystemClock};
use crate::counting::Counter;
use crate::disk::{Disk, DiskOptions, DiskUsage, FolderError};
use crate::fetches::Fetches;
use crate::files::EdgeFiles;
use crate::flight::Flights;
use crate::geo::GeoDatabaseError;
use crate::metrics::{self, Metrics};
use crate::origin::{AddressPolicy, HeadMax, Network, OriginCaError, Origins};
use crate::recall::Recalls;
use crate::removals::Removals;
use crate::request::Shared;
use crate::server::{Door, Guests, serve};
use crate::shield::{ShieldOptions, Shields};
use crate::store::{Store, TenantUsage};
use crate::sweep::{Sweep, SweepProgress};
use crate::tls::{Certificates, CertificatesError};
use crate::world::World;

/// How an edge is set up.
#[derive(Clone)]
pub struct EdgeOptions {
    /// Where viewers connect; port 0 takes a free one.
    pub viewer: SocketAddr,
    /// Where viewers connect over TLS, if anywhere.
    pub tls: Option<TlsOptions>,
    /// The port in redirects to HTTPS; unless said, that of the listener for TLS, or HTTPS's own.
    pub https_port: Option<u16>,
    /// Where the edge's numbers are read, if anywhere: `/metrics` and `/metrics/tenants`, in Prometheus's text format; and, for who
    /// balances viewers over edges, `/healthz` and `/readyz`.
    pub metrics: Option<SocketAddr>,
    /// The request header field by which whoever stands in front of this edge says in which country a viewer is.
    pub geo_header: Option<HeaderName>,
    /// A file that says in which country an address is, in MaxMind's form; it counts where the header says nothing.
    pub geo_database: Option<PathBuf>,
    /// Files of authorities that origins may be certified by, as PEM, beside those that everybody trusts.
    pub origin_ca: Vec<PathBuf>,
    /// Bytes of stored responses, metadata included.
    pub store_bytes: u64,
    /// How many hundredths of them one tenant may have; 100 for all.
    pub tenant_share_percent: u8,
    /// Networks that origins may be in although the defaults say no; see [`Network`].
    pub allowed_networks: Vec<Network>,
    /// Networks that origins may not be in. Of several networks that hold an address the longest prefix decides.
    pub denied_networks: Vec<Network>,
    /// The plane's listeners on this machine, which no origin may ever be.
    pub plane_addresses: Vec<SocketAddr>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// How long the sweep waits after an entry of the log.
    pub sweep_pause: Duration,
    /// What outlives the process, if anything is to.
    pub disk: Option<DiskOptions>,
    /// Whether it asks shields, or is one.
    pub shield: ShieldOptions,
    /// By what the edges of one plane know each other. Without it nobody is asked as a shield, and nobody answered as one.
    pub edge_secret: Option<EdgeSecret>,
}

/// How viewers connect over TLS.
#[derive(Clone, Debug)]
pub struct TlsOptions {
    /// Where; port 0 takes a free one.
    pub address: SocketAddr,
    /// The folder with certificates and their keys.
    pub certificates: PathBuf,
    /// The pair in it that answers viewers that name no host, or one that no certificate is for.
    pub default_certificate: Option<String>,
}

/// Why an edge does not start.
#[derive(Debug, thiserror::Error)]
pub enum EdgeError {
    /// An address cannot be listened on.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, io::Error),
    /// The certificates for viewers.
    #[error(transparent)]
    Certificates(#[from] CertificatesError),
    /// The authorities for origins.
    #[error(transparent)]
    OriginCa(#[from] OriginCaError),
    /// The database of countries.
    #[error(transparent)]
    GeoDatabase(#[from] GeoDatabaseError),
    /// The folder for what outlives the process.
    #[error(transparent)]
    Disk(#[from] FolderError),
}

impl EdgeOptions {
    /// The defaults, for viewers at this address.
    pub fn new(viewer: SocketAddr) -> Self {
        Self {
            viewer,
            tls: None,
            https_port: None,
            metrics: None,
            geo_header: None,
            geo_database: None,
            origin_ca: Vec::new(),
            store_bytes: STORE_BYTES_DEFAULT,
            tenant_share_percent: 100,
            allowed_networks: Vec::new(),
            denied_networks: Vec::new(),
            plane_addresses: Vec::new(),
            clock: Arc::new(SystemClock),
            sweep_pause: SWEEP_PAUSE,
            disk: None,
            shield: ShieldOptions::default(),
            edge_secret: None,
        }
    }
}

/// A running edge. It serves from the moment it starts: with an empty [`World`] every host is unknown, and without
/// a lease everything is forwarded.
///
/// Dropped without [`Edge::stop`] it stops too, but nobody waits for it.
pub struct Edge {
    viewer: SocketAddr,
    viewer_tls: Option<SocketAddr>,
    shield: Option<SocketAddr>,
    metrics: Option<SocketAddr>,
    certificates: Option<Arc<Certificates>>,
    world: Arc<World>,
    store: Arc<Store>,
    removals: Arc<Removals>,
    sweep: Arc<Sweep>,
    disk: Option<Arc<Disk>>,
    stopping: watch::Sender<bool>,
    serving: Vec<JoinHandle<()>>,
}

impl Edge {
    /// Binds the viewers' addresses and starts to serve.
    ///
    /// # Errors
    /// [`EdgeError`]: when an address cannot be listened on, or what TLS needs is not there.
    pub async fn start(options: EdgeOptions) -> Result<Self, EdgeError> {
        let files = EdgeFiles::read(&options)?;
        Self::start_with(options, files).await
    }

    /// [`Edge::start`] with the files that these options name, which were read before.
    ///
    /// # Errors
    /// [`EdgeError`]: when an address cannot be listened on, or the disk cannot be used.
    pub async fn start_with(options: EdgeOptions, files: EdgeFiles) -> Result<Self, EdgeError> {
        let EdgeFiles { secure, certificates, geo } = files;
        let permits = Arc::new(Semaphore::new(VIEWER_CONNECTIONS_MAX));
        let (listener, viewer) = listen(options.viewer).await?;
        let mut doors = vec![Door { listener, guests: Guests::Viewers, permits: permits.clone() }];
        let mut viewer_tls = None;
        if let (Some(tls), Some(certificates)) = (options.tls, &certificates) {
            let (listener, address) = listen(tls.address).await?;
            doors.push(Door { listener, guests: Guests::ViewersOverTls(certificates.clone()), permits });
            viewer_tls = Some(address);
        }
        let mut shield = None;
        if let Some(address) = options.shield.listen {
            let (listener, address) = listen(address).await?;
            // Viewers do not keep edges out.
            let permits = Arc::new(Semaphore::new(VIEWER_CONNECTIONS_MAX));
            doors.push(Door { listener, guests: Guests::Edges, permits });
            shield = Some(address);
        }
        let metrics = match options.metrics {
            Some(address) => Some(listen(address).await?),
            None => None,
        };
        let world = Arc::new(World::new());
        let disk = match options.disk {
            Some(disk_options) => {
                let world = world.clone();
                let opening = tokio::task::spawn_blocking(move || Disk::open(&disk_options, &world));
                Some(Arc::new(opening.await.expect("it does not panic")?))
            }
            None => None,
        };
        let tier = disk.as_ref().map(|disk| disk.tier.clone());
        let store = Arc::new(Store::with_disk(options.store_bytes, options.tenant_share_percent, tier));
        let (removals, fetches) = (Arc::new(Removals::default()), Arc::new(Fetches::default()));
        if let Some(disk) = &disk {
            disk.start(&world, &store, &removals, &options.clock);
        }
        let mut own = options.plane_addresses;
        own.push(viewer);
        own.extend(viewer_tls.into_iter().chain(shield));
        let policy =
            AddressPolicy { own, allowed: options.allowed_networks, denied: options.denied_networks };
        let shared = Shared {
            world: world.clone(),
            store: store.clone(),
            removals: removals.clone(),
            fetches: fetches.clone(),
            flights: Arc::new(Flights::new()),
            recalls: Recalls::new(),
            background: Arc::new(Semaphore::new(BACKGROUND_VALIDATIONS_MAX)),
            coders: Arc::new(Semaphore::new(CODED_AT_A_TIME_MAX)),
            shields: options
                .edge_secret
                .as_ref()
                .map(|secret| Shields::new(&options.shield, secret, secure.clone(), options.clock.clone())),
            edge_secret: options.edge_secret,
            origins: Origins::new(policy, secure, HeadMax::OF_ORIGINS),
            clock: options.clock.clone(),
            geo,
            https_port: options.https_port.or(viewer_tls.map(|address| address.port())).unwrap_or(443),
        };
        let (stopping, stop) = watch::channel(false);
        let shared = Arc::new(shared);
        let mut serving: Vec<_> =
            doors.into_iter().map(|door| tokio::spawn(serve(door, shared.clone(), stop.clone()))).collect();
        let sweep = Arc::new(Sweep {
            world: world.clone(),
            store: store.clone(),
            removals: removals.clone(),
            fetches,
            progress: Default::default(),
            passing: Default::default(),
            passes: Default::default(),
        });
        serving.push(tokio::spawn(sweep.clone().keep_sweeping(options.sweep_pause, stop.clone())));
        let metrics = metrics.map(|(listener, address)| {
            let metrics = Metrics {
                world: world.clone(),
                store: store.clone(),
                store_bytes_max: options.store_bytes,
                sweep: sweep.clone(),
                disk: disk.clone(),
                clock: options.clock,
            };
            serving.push(tokio::spawn(metrics::serve(listener, Arc::new(metrics), stop.clone())));
            address
        });
        serving.extend(certificates.iter().map(|it| tokio::spawn(it.clone().keep_looking(stop.clone()))));
        Ok(Self {
            viewer,
            viewer_tls,
            shield,
            metrics,
            certificates,
            world,
            store,
            removals,
            sweep,
            disk,
            stopping,
            serving,
        })
    }

    /// Where viewers connect.
    pub fn viewer_address(&self) -> SocketAddr {
        self.viewer
    }

    /// Where viewers connect over TLS.
    pub fn viewer_tls_address(&self) -> Option<SocketAddr> {
        self.viewer_tls
    }

    /// Where other edges ask this one in an origin's place.
    pub fn shield_address(&self) -> Option<SocketAddr> {
        self.shield
    }

    /// Where the edge's numbers are read.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics
    }

    /// Looks at the folder with certificates now, not at the end of the period.
    pub async fn look_at_certificates(&self) {
        if let Some(certificates) = &self.certificates {
            certificates.clone().look_aside().await;
        }
    }

    /// What the follower fills in.
    pub fn world(&self) -> &Arc<World> {
        &self.world
    }

    /// How many bytes all stored responses take, metadata included.
    pub fn stored_bytes(&self) -> u64 {
        self.store.bytes()
    }

    /// What each tenant has in the store, and how its requests have fared; in no order.
    pub fn usage(&self) -> Vec<TenantUsage> {
        self.store.usage()
    }

    /// What lies on the disk, if anything is kept there.
    pub fn disk_usage(&self) -> Option<DiskUsage> {
        self.disk.as_ref().map(|disk| disk.usage())
    }

    /// What the plane is told about what its invalidations have taken away.
    pub(crate) fn removals(&self) -> &Arc<Removals> {
        &self.removals
    }

    /// What the sweep does and has done.
    pub fn sweep_progress(&self) -> SweepProgress {
        self.sweep.progress()
    }

    /// Sweeps now, after the pass that may be under way, and not some time after the next entry of the log.
    pub async fn sweep_now(&self) {
        self.sweep.pass().await;
    }

    /// Sweeps in the background.
    pub(crate) fn sweep(&self) -> &Arc<Sweep> {
        &self.sweep
    }

    /// What is kept for the next process.
    pub(crate) fn disk(&self) -> Option<&Arc<Disk>> {
        self.disk.as_ref()
    }

    /// The last entry that an earlier process has applied and kept, from where its follower goes on.
    pub fn resumed(&self) -> Option<Applied> {
        self.disk.as_ref().and_then(|disk| disk.applied())
    }

    /// Answers a plane's questions about what is stored.
    pub(crate) fn counter(&self) -> Counter {
        Counter { world: self.world.clone(), store: self.store.clone() }
    }

    /// Stops accepting viewers and waits until those being served have their responses, within a bound. When it
    /// returns nothing is served any more, and the edge may leave its plane (PURGE.md rule 13).
    pub async fn stop(self) {
        self.stopping.send_replace(true);
        for serving in self.serving {
            if let Err(error) = serving.await {
                tracing::error!(%error, "the viewers' side did not end in good order");
            }
        }
    }
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), EdgeError> {
    let cannot = |error| EdgeError::Listen(address, error);
    let listener = TcpListener::bind(address).await.map_err(cannot)?;
    let bound = listener.local_addr().map_err(cannot)?;
    Ok((listener, bound))
}
