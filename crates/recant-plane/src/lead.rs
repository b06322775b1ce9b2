//! What answers while this plane has the log: everything between its store and its routes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use recant_core::batch::PathCount;
use recant_core::limits::EVENT_STREAMS_MAX;
use recant_core::protocol::LeaseParams;
use recant_wire::feed::EdgeSecret;
use recant_wire::sigv4::Credentials;
use tokio::sync::{Semaphore, watch};

use crate::admission::Admission;
use crate::auth::Keys;
use crate::clock;
use crate::completion::Completion;
use crate::dns::Dns;
use crate::feed::Edges;
use crate::folder::{Folder, RootKey};
use crate::http::edges::EdgeCalls;
use crate::http::{self, Aside, Shared};
use crate::ops::Context;
use crate::ops::apply::{self, Applier, ApplyError};
use crate::ops::path_bytes::PathBytes;
use crate::plane::PlaneOptions;
use crate::questions::Questions;
use crate::retention;
use crate::store::{Store, StoreError};

/// What callers and edges prove themselves with.
#[derive(Clone, Debug)]
pub(crate) struct Secrets {
    /// The key that may do everything.
    pub(crate) root_key: RootKey,
    /// What edges know.
    pub(crate) edge_secret: EdgeSecret,
}

/// What a plane answers with, whatever its store is.
#[derive(Clone, Debug)]
pub(crate) struct Lead {
    /// What the plane was started with.
    pub(crate) options: PlaneOptions,
    /// Where clients reach the API.
    pub(crate) public_url: String,
    /// Whether this process has brought its declared state about. It does that once: what is changed by others while it runs stays
    /// changed, also when it takes over anew.
    pub(crate) applied: Arc<AtomicBool>,
    /// Where declared keys are written down.
    pub(crate) folder: Arc<Folder>,
    /// Turns true when the plane stops.
    pub(crate) stop: watch::Receiver<bool>,
}

impl Lead {
    /// Takes over from what is durable, brings everything to the declared state, the first time, and gives the routes, which hold the
    /// store, and what became of the declared state.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) async fn router<S: Store>(
        &self,
        store: S,
        secrets: Secrets,
        embedded: Option<EdgeSecret>,
    ) -> Result<(Router, Result<(), ApplyError>), StoreError> {
        let options = self.options.clone();
        let lease = LeaseParams::for_lease(options.lease);
        let completion = Completion::start(store.clone(), lease, clock::boot_now).await?;
        let questions = Questions::new();
        let edges =
            Edges::new(store.clone(), completion.clone(), questions.clone(), secrets.edge_secret, embedded);
        let root_key_id = secrets.root_key.access_key_id.clone();
        let credentials = Credentials {
            access_key_id: secrets.root_key.access_key_id,
            secret_access_key: secrets.root_key.secret_access_key,
            session_token: None,
        };
        let shared = Arc::new(Shared {
            keys: Keys::new(credentials, options.require_signatures, options.clock_skew, options.region),
            admission: Admission::new(options.admission),
            context: Context {
                store,
                completed: completion.completed(),
                completion: completion.clone(),
                questions,
                removals: edges.removals().clone(),
                public_url: self.public_url.clone(),
                caller_reference_conflict: options.caller_reference_conflict,
                distribution_invalidations: options.distribution_invalidations,
                routing_suffix: options.routing_suffix.to_ascii_lowercase(),
                shield_regions: options.shield_regions,
                dns: Dns::new(options.dns),
                root_key_id,
                path_bytes: options.path_bytes_rate.map(PathBytes::new),
                in_progress_max: PathCount {
                    paths: options.paths_in_progress_max,
                    wildcards: options.wildcards_in_progress_max,
                },
            },
            room: Arc::default(),
            aside: Aside::for_this_machine(),
            completion,
            streams: Arc::new(Semaphore::new(EVENT_STREAMS_MAX)),
            stop: self.stop.clone(),
        });
        let by = Applier { context: &shared.context, admission: &shared.admission, folder: &self.folder };
        let applied = match self.applied.load(Ordering::Relaxed) {
            true => Ok(()),
            false => apply::apply(&by, &options.declarations).await,
        };
        self.applied.fetch_or(applied.is_ok(), Ordering::Relaxed);
        let kept = shared.context.store.clone();
        tokio::spawn(retention::run(kept, options.retention, self.stop.clone()));
        Ok((http::router(shared, EdgeCalls::new(edges, self.stop.clone())), applied))
    }
}
