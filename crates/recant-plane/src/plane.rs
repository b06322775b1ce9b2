//! The plane as a whole: started with options, runs until it is stopped.
//!
//! Starting takes the data folder, opens the store, takes over from what is durable, applies what is declared, and answers; each step only when
//! the one before has succeeded, so that a plane that answers is a plane that works. Stopping closes the listener,
//! ends the feeds, finishes the requests in hand, and lets the store write what it has accepted.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use recant_core::host::Host;
use recant_core::limits::{
    CLOCK_SKEW_DEFAULT, CLOCK_SKEW_MAX, LEASE_DEFAULT, LEASE_MAX, LEASE_MIN, PATH_BYTES_AT_ONCE_DEFAULT,
    PATH_BYTES_PER_SECOND_DEFAULT, PATHS_IN_PROGRESS_DEFAULT, WILDCARDS_IN_PROGRESS_DEFAULT,
};
use recant_core::position::Position;
use recant_core::rate::Rate;
use recant_wire::feed::EdgeSecret;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::admission::AdmissionOptions;
use crate::dns::DnsLookups;
use crate::folder::{Folder, FolderError, Role};
use crate::http::server;
use crate::lead::{Lead, Secrets};
use crate::ops::apply::{ApplyError, Declaration};
use crate::peers::Peer;
use crate::retention::Retention;
use crate::store::postgres;
use crate::store::sqlite::{OpenError, SqliteStore};
use crate::store::{Store as _, StoreError};
use crate::{clock, random};

/// What a plane is started with.
#[derive(Clone, Debug)]
pub struct PlaneOptions {
    /// Where everything is kept; made when it is not there.
    pub data_dir: PathBuf,
    /// Where the API listens; port 0 takes a free one.
    pub api: SocketAddr,
    /// Where clients reach the API: what `Location` starts with. The API's own address without.
    pub public_url: Option<String>,
    /// Whether an unsigned request is refused.
    pub require_signatures: bool,
    /// How far a request's date may be off, each way; at most [`CLOCK_SKEW_MAX`].
    pub clock_skew: Duration,
    /// The one region that requests must be signed for; any without.
    pub region: Option<String>,
    /// How long an edge may serve after a heartbeat; between [`LEASE_MIN`] and [`LEASE_MAX`].
    pub lease: Duration,
    /// How a `CallerReference` that was used with other paths is refused.
    pub caller_reference_conflict: CallerReferenceConflict,
    /// Whether CloudFront's own operations invalidate whole distributions.
    pub distribution_invalidations: DistributionInvalidations,
    /// What the routing endpoints of connection groups end with.
    pub routing_suffix: String,
    /// The regions in which there is a shield for origins.
    pub shield_regions: BTreeSet<String>,
    /// Whether names are looked up.
    pub dns: DnsLookups,
    /// How many individual paths and tags of one tenant may be in progress.
    pub paths_in_progress_max: u64,
    /// How many wildcard paths of one tenant may be in progress.
    pub wildcards_in_progress_max: u64,
    /// Bytes of paths and tags that one tenant may have invalidated; without, as many as there are.
    pub path_bytes_rate: Option<Rate>,
    /// Where everything is kept.
    pub store: StoreChoice,
    /// How often callers may ask, and what is noted of it.
    pub admission: AdmissionOptions,
    /// How long the history of invalidations is kept.
    pub retention: Retention,
    /// What is brought to a declared state before the API answers.
    pub declarations: Vec<Declaration>,
}

impl PlaneOptions {
    /// The defaults, for this folder and address.
    pub fn new(data_dir: impl Into<PathBuf>, api: SocketAddr) -> Self {
        Self {
            data_dir: data_dir.into(),
            api,
            public_url: None,
            require_signatures: true,
            clock_skew: CLOCK_SKEW_DEFAULT,
            region: None,
            lease: LEASE_DEFAULT,
            caller_reference_conflict: CallerReferenceConflict::default(),
            distribution_invalidations: DistributionInvalidations::default(),
            routing_suffix: ROUTING_SUFFIX_DEFAULT.to_owned(),
            shield_regions: BTreeSet::new(),
            dns: DnsLookups::default(),
            paths_in_progress_max: PATHS_IN_PROGRESS_DEFAULT,
            wildcards_in_progress_max: WILDCARDS_IN_PROGRESS_DEFAULT,
            path_bytes_rate: Some(Rate {
                per_second: PATH_BYTES_PER_SECOND_DEFAULT,
                burst: PATH_BYTES_AT_ONCE_DEFAULT,
            }),
            admission: AdmissionOptions::default(),
            retention: Retention::default(),
            declarations: Vec::new(),
            store: StoreChoice::Embedded,
        }
    }
}

/// Where a plane keeps everything.
#[derive(Clone, Debug, Default)]
pub enum StoreChoice {
    /// In the data folder, by SQLite: one plane.
    #[default]
    Embedded,
    /// In a PostgreSQL: several planes.
    Postgres(Box<PostgresChoice>),
}

/// The database of several planes.
#[derive(Clone, Debug)]
pub struct PostgresChoice {
    /// Where it is.
    pub server: postgres::Server,
    /// Whether settings are taken by which something acknowledged may be lost.
    pub unsafe_settings: postgres::UnsafeSettings,
    /// Where the other planes reach this one: `HOST:PORT`. The API's own address without.
    pub peer_address: Option<String>,
}

/// How a `CallerReference` that was used with other paths is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CallerReferenceConflict {
    /// `InvalidationBatchAlreadyExists`, 409: as the reference page says.
    #[default]
    AlreadyExists,
    /// `InvalidArgument`, 400: as users of CloudFront have observed (CLOUDFRONT.md section 2.2).
    InvalidArgument,
}

/// What the routing endpoints of connection groups end with until an operator names another: a name that never resolves
/// (RFC 2606 section 2).
const ROUTING_SUFFIX_DEFAULT: &str = "recant.invalid";

/// Whether CloudFront's own operations invalidate a distribution with tenants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DistributionInvalidations {
    /// `NoSuchDistribution`, as CloudFront answers (CLOUDFRONT.md section 3.4).
    #[default]
    Refuse,
    /// All of its tenants.
    FanOut,
}

impl FromStr for DistributionInvalidations {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "refuse" => Ok(Self::Refuse),
            "fan-out" => Ok(Self::FanOut),
            _ => Err("refuse or fan-out is expected"),
        }
    }
}

/// Why a plane does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An option is out of its bounds.
    #[error("{option}: {why}")]
    Option {
        /// Which.
        option: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// The data folder cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The store cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database cannot be opened.
    #[error(transparent)]
    Database(#[from] postgres::OpenError),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The declared state cannot be reached.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// What failed.
        source: io::Error,
    },
}

/// A running plane.
#[derive(Debug)]
pub struct Plane {
    folder: Arc<Folder>,
    address: SocketAddr,
    public_url: String,
    embedded_secret: EdgeSecret,
    stop: watch::Sender<bool>,
    /// Ends when nothing is served and nothing is written any more.
    running: JoinHandle<()>,
}

/// Stops a plane from anywhere.
#[derive(Clone, Debug)]
pub struct Stopper(watch::Sender<bool>);

impl Stopper {
    /// Asks the plane to stop; [`Plane::run`] returns when it has.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Plane {
    /// Starts a plane. It answers from here on; [`Plane::run`] only waits for its end.
    ///
    /// # Errors
    /// [`StartError`] says which step failed; nothing keeps running then.
    pub async fn start(options: PlaneOptions) -> Result<Self, StartError> {
        check(&options)?;
        let folder = Arc::new(Folder::take(&options.data_dir, Role::Plane)?);
        let listen = |source| StartError::Listen { address: options.api, source };
        let listener = TcpListener::bind(options.api).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let public_url = options.public_url.clone().unwrap_or_else(|| own_url(address));
        let embedded_secret = EdgeSecret::new(random::bytes());
        let (stop, stopping) = watch::channel(false);
        let lead = Lead {
            options,
            public_url: public_url.clone(),
            applied: Arc::default(),
            folder: Arc::clone(&folder),
            stop: stopping,
        };
        let running = match lead.options.store.clone() {
            StoreChoice::Embedded => {
                let secrets = Secrets { root_key: folder.root_key()?, edge_secret: folder.edge_secret()? };
                let store = SqliteStore::open(&folder.database(), clock::wall_now())?;
                let committed = store.committed();
                let embedded = Some(embedded_secret.clone());
                let (router, applied) = lead.router(store, secrets, embedded).await?;
                applied?;
                let serving = tokio::spawn(server::serve(listener, router, lead.stop));
                tokio::spawn(stopped(serving, committed))
            }
            StoreChoice::Postgres(choice) => {
                let peer = Peer::join(*choice, address, &folder).await?;
                tokio::spawn(peer.run(listener, lead))
            }
        };
        tracing::info!(%address, %public_url, "the plane listens");
        Ok(Self { folder, address, public_url, embedded_secret, stop, running })
    }

    /// Where the API listens.
    pub fn api_address(&self) -> SocketAddr {
        self.address
    }

    /// Where clients reach the API, as `Location` says it.
    pub fn public_url(&self) -> &str {
        &self.public_url
    }

    /// The folder, with its lock: whoever keeps this keeps the next plane out.
    ///
    /// With an embedded edge it is kept until the viewer side has closed (DESIGN.md section 9): the next plane removes
    /// that edge without waiting for its lease.
    pub fn folder(&self) -> Arc<Folder> {
        Arc::clone(&self.folder)
    }

    /// What the edge in this very process proves itself with. Known to nobody else, and never written down.
    pub fn embedded_secret(&self) -> &EdgeSecret {
        &self.embedded_secret
    }

    /// A handle that stops this plane.
    pub fn stopper(&self) -> Stopper {
        Stopper(self.stop.clone())
    }

    /// Waits until the plane has been stopped and has finished what it had in hand.
    ///
    /// # Panics
    /// When the listener's task did, which is a bug.
    pub async fn run(self) {
        // The folder's lock goes with the rest of `self`, after this.
        self.running.await.expect("what runs does not panic and is not aborted");
    }
}

/// Waits for the listener's end, then for the store's writer, which ends with the last handle of the store: feeds and the
/// driver of completion have some, too. Only then is nothing written any more, and the next plane may have the folder.
async fn stopped(serving: JoinHandle<()>, mut committed: watch::Receiver<Position>) {
    serving.await.expect("the listener does not panic and is not aborted");
    while committed.changed().await.is_ok() {}
}

fn check(options: &PlaneOptions) -> Result<(), StartError> {
    let refuse = |option, why: String| Err(StartError::Option { option, why });
    if !(LEASE_MIN..=LEASE_MAX).contains(&options.lease) {
        let (min, max) = (LEASE_MIN.as_secs(), LEASE_MAX.as_secs());
        return refuse("lease", format!("a lease lasts {min} to {max} seconds"));
    }
    if options.clock_skew > CLOCK_SKEW_MAX {
        return refuse(
            "clock skew",
            format!("a date may be off by at most {} seconds", CLOCK_SKEW_MAX.as_secs()),
        );
    }
    if let Err(why) = Host::parse(&options.routing_suffix) {
        return refuse("routing suffix", format!("'{}': {why}", options.routing_suffix));
    }
    let Some(url) = &options.public_url else { return Ok(()) };
    let known =
        ["http://", "https://"].iter().any(|scheme| url.len() > scheme.len() && url.starts_with(scheme));
    if !known || url.ends_with('/') || !url.bytes().all(|b| b.is_ascii_graphic()) {
        return refuse(
            "public URL",
            format!("'{url}' is not like https://host:port, without slash at the end"),
        );
    }
    Ok(())
}

/// The URL of the API's own address. One that listens everywhere is reached on this machine's own.
fn own_url(address: SocketAddr) -> String {
    let ip = match address.ip() {
        ip if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(ip, address.port()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_plane_has_stopped_only_when_its_database_is_closed() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("plane.db"), clock::wall_now()).unwrap();
        let mut stopped = std::pin::pin!(stopped(tokio::spawn(async {}), store.committed()));
        let a_while = async {
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            () = &mut stopped => panic!("a feed or the driver may still have something written"),
            () = a_while => {}
        }
        drop(store);
        stopped.await;
    }
}
