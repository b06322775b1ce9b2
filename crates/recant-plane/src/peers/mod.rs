//! One of several planes that share a database.
//!
//! ```text
//!            ┌──────────────── the term is lost, or the store stops ───────────────┐
//!            ▼                                                                     │
//!        follows ── the term is free, or has been silent too long ──▶ takes it ──▶ leads
//!     passes on all                                            starts as after a restart: store, completion, routes
//!   that it is asked
//! ```
//!
//! Whoever holds the term answers everything: the API, our own operations, edges' feeds and heartbeats. So leases and completion are
//! decided in one place, each read is of the newest state, and rates are counted once. The others pass on what they are asked, as
//! it came ([`forward`]): signatures and secrets are the callers', so that no plane has to trust another. Any load balancer
//! may stand before them.
//!
//! While nobody is known to lead, a request waits up to [`TAKE_OVER_WAIT_MAX`] before it is refused with `Retry-After`: a take-over
//! takes a few seconds, and a caller that waits needs no second try.
//!
//! The root key and the edges' secret are the same for all planes: the first one writes them into the database, the others'
//! folders get copies.

mod forward;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get};
use http::StatusCode;
use http::header::RETRY_AFTER;
use recant_core::limits::TAKE_OVER_WAIT_MAX;
use recant_wire::feed::EdgeSecret;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tower::Service as _;

use self::forward::{Forward, NotSent};
use crate::clock;
use crate::folder::{self, Folder, RootKey};
use crate::http::server;
use crate::lead::{Lead, Secrets};
use crate::plane::{PostgresChoice, StartError};
use crate::random;
use crate::store::Store as _;
use crate::store::postgres::{Candidate, PostgresStore, SharedSecrets};

/// How long a plane rests after it could not open the store or lead.
const REST: Duration = Duration::from_millis(500);

/// What this plane does with what it is asked.
#[derive(Clone)]
enum Role {
    /// Answers it.
    Leads(Router),
    /// Passes it on, to this address.
    Follows(String),
    /// Waits: nobody is known to lead.
    Waits,
}

/// A plane among others.
pub(crate) struct Peer {
    candidate: Candidate,
    secrets: Secrets,
}

impl Peer {
    /// Makes the tables if there are none, checks the database, and agrees with the other planes on the secrets.
    ///
    /// # Errors
    /// When the database is not reached, unsafe, or another program's, and when the folder belongs to other planes.
    pub(crate) async fn join(
        choice: PostgresChoice,
        api: SocketAddr,
        folder: &Folder,
    ) -> Result<Self, StartError> {
        let address = match choice.peer_address {
            Some(address) => address,
            None if api.ip().is_unspecified() => {
                let why = "a plane that listens everywhere has to be told where others reach it".to_owned();
                return Err(StartError::Option { option: "peer address", why });
            }
            None => api.to_string(),
        };
        let candidate = Candidate::new(choice.server, choice.unsafe_settings, address, clock::boot_now);
        let root_key = folder::read_root_key(folder.path())?.unwrap_or_else(RootKey::generate);
        let edge_secret = folder.edge_secret_if_there()?.unwrap_or_else(|| EdgeSecret::new(random::bytes()));
        let offered = SharedSecrets {
            root_key_id: root_key.access_key_id,
            root_key_secret: root_key.secret_access_key,
            edge_secret: edge_secret.to_hex(),
        };
        let agreed = candidate.agree(offered, clock::wall_now()).await?;
        let root_key =
            RootKey { access_key_id: agreed.root_key_id, secret_access_key: agreed.root_key_secret };
        let secrets = Secrets {
            root_key: folder.root_key_as(&root_key)?,
            edge_secret: folder.edge_secret_as(&agreed.edge_secret)?,
        };
        Ok(Self { candidate, secrets })
    }

    /// Serves until the plane is stopped, leading whenever it can, and returns when nothing is written any more.
    pub(crate) async fn run(self, listener: TcpListener, lead: Lead) {
        let (role, roles) = watch::channel(Role::Waits);
        let front = Arc::new(Front { roles, forward: Forward::new(lead.stop.clone()) });
        let mut serving = tokio::spawn(server::serve(listener, routes(front), lead.stop.clone()));
        let (mut led, mut said) = (None, String::new());
        loop {
            tokio::select! {
                biased;
                ended = &mut serving => {
                    ended.expect("the listener does not panic and is not aborted");
                    break;
                }
                started = self.lead_once(&lead, &role, &mut led) => match started {
                    Ok(()) => said.clear(),
                    Err(error) => {
                        // Said once, however long it lasts.
                        let reason = error.to_string();
                        if reason != said {
                            tracing::error!(%reason, "this plane cannot lead");
                            said = reason;
                        }
                        tokio::time::sleep(REST).await;
                    }
                }
            }
        }
        // The routes hold the store; with them its last handle goes, and the writer gives the term back.
        role.send_replace(Role::Waits);
        if let Some(store) = led.take() {
            ended(store).await;
        }
    }

    /// Follows until it can take the term, then leads until the store stops. `led` is the store it leads with.
    async fn lead_once(
        &self,
        lead: &Lead,
        role: &watch::Sender<Role>,
        led: &mut Option<PostgresStore>,
    ) -> Result<(), StartError> {
        let mut held_by = self.candidate.held_by();
        let store = {
            let mut opening = std::pin::pin!(self.candidate.open(clock::wall_now()));
            loop {
                tokio::select! {
                    opened = &mut opening => break opened?,
                    changed = held_by.changed() => if changed.is_ok() {
                        let holder = held_by.borrow_and_update().clone();
                        if let Some(address) = &holder {
                            tracing::info!(%address, "another plane leads");
                        }
                        role.send_replace(holder.map_or(Role::Waits, Role::Follows));
                    }
                }
            }
        };
        let mut committed = store.committed();
        let term = store.identity().term.0;
        let store = led.insert(store);
        let router = lead.router(store.clone(), self.secrets.clone(), None).await;
        match router {
            Ok((router, applied)) => {
                // Whoever led before may have refused it as well: that is no reason for nobody to lead.
                if let Err(error) = applied {
                    tracing::error!(%error, "the declared state is not brought about");
                }
                tracing::info!(term, "this plane leads");
                role.send_replace(Role::Leads(router));
                while committed.changed().await.is_ok() {}
                tracing::warn!(term, "this plane leads no more");
                role.send_replace(Role::Waits);
                *led = None;
                Ok(())
            }
            Err(error) => {
                if let Some(store) = led.take() {
                    ended(store).await;
                }
                Err(error.into())
            }
        }
    }
}

/// Lets go of a store, and waits until its writer has ended.
async fn ended(store: PostgresStore) {
    let mut committed = store.committed();
    drop(store);
    while committed.changed().await.is_ok() {}
}

/// What the listener's routes share.
struct Front {
    roles: watch::Receiver<Role>,
    forward: Forward,
}

fn routes(front: Arc<Front>) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .fallback(any(answer))
        .with_state(front)
}

/// 200 while this plane can have requests answered: by itself, or by the one that leads.
async fn ready(State(front): State<Arc<Front>>, request: Request) -> Response {
    let role = front.roles.borrow().clone();
    match role {
        Role::Leads(mut router) => match router.call(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        },
        Role::Follows(address) => format!("ready: {address} leads\n").into_response(),
        Role::Waits => {
            (StatusCode::SERVICE_UNAVAILABLE, "not ready: no plane is known to lead\n").into_response()
        }
    }
}

/// Answers a request, or passes it on, as soon as it is known who leads.
async fn answer(State(front): State<Arc<Front>>, mut request: Request) -> Response {
    let waited = tokio::time::Instant::now();
    let mut roles = front.roles.clone();
    // What another plane has passed on is not passed on again: two planes might do so for ever.
    let is_passed_on = forward::is_passed_on(&request);
    loop {
        let role = roles.borrow_and_update().clone();
        match role {
            Role::Leads(mut router) => match router.call(request).await {
                Ok(response) => return response,
                Err(never) => match never {},
            },
            Role::Follows(address) if !is_passed_on => match front.forward.send(&address, request).await {
                Ok(response) => return response,
                Err(NotSent::Unsent(unsent)) => request = *unsent,
                Err(NotSent::InDoubt) => return unavailable(),
            },
            Role::Follows(_) | Role::Waits => {}
        }
        let left = TAKE_OVER_WAIT_MAX.saturating_sub(waited.elapsed());
        if left.is_zero() {
            return unavailable();
        }
        // A leader that is not reached may be on its way back without another one taking over.
        let again = left.min(REST);
        let _ = tokio::time::timeout(again, roles.changed()).await;
    }
}

/// 503: asking again is safe and has a chance.
fn unavailable() -> Response {
    let why = "no plane leads at the moment; whether this request was carried out, asking again tells\n";
    (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "1")], Body::from(why)).into_response()
}
