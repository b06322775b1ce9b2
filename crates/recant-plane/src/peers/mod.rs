//! One of several planes that share a database.
//!
//! ```text
//!            ┌──────────────── the term is lost, or the store stops ───────────────┐
//!            ▼                                                                     │
//!        follows ── the term is free, or has been silent too long ──▶ takes it ──▶ leads ◀─ a renewal is committed ─┐
//!     passes on all                                            starts as after a restart:      │                      │
//!   that it is asked                                           store, completion, routes       └─ tenure is over ─▶ waits
//! ```
//!
//! Whoever holds the term answers everything: the API, our own operations, edges' feeds and heartbeats. So leases and completion are
//! decided in one place, each read is of the newest state, and rates are counted once. The others pass on what they are asked, as
//! it came ([`forward`]): signatures and secrets are the callers', so that no plane has to trust another. Any load balancer
//! may stand before them.
//!
//! A plane leads no longer than its tenure, whatever its writer still tries: another one may lead, have other keys, and have told edges more. So
//! each request is answered by a leader only while [`may_grant`](crate::store::Store::may_grant) says so, and what does not end by itself, feeds and events, ends with
//! the tenure, or with the leader that it was passed on to.
//!
//! While nobody is known to lead, a request waits up to [`TAKE_OVER_WAIT_MAX`] before it is refused with `Retry-After`: a take-over
//! takes a few seconds, and a caller that waits needs no second try.
//!
//! The root key and the edges' secret are the same for all planes: the first one writes them into the database, the others'
//! folders get copies.

mod forward;

use std::convert::Infallible;
use std::future::Future;
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
use http_body::Body as _;
use recant_core::limits::TAKE_OVER_WAIT_MAX;
use recant_core::position::Position;
use recant_wire::feed::EdgeSecret;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tower::Service as _;

use self::forward::{Forward, NotSent};
use crate::clock;
use crate::folder::{self, Folder, RootKey};
use crate::http::edges::{Until, true_or_gone};
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
    Leads(Leading),
    /// Passes it on, to this address.
    Follows(String),
    /// Waits: nobody is known to lead.
    Waits,
}

/// What answers, for as long as it may.
#[derive(Clone)]
struct Leading {
    router: Router,
    /// Knows whether it may.
    store: PostgresStore,
    /// Turns true, or ends, when it may no more.
    over: watch::Receiver<bool>,
}

impl Leading {
    /// Nothing when this plane may not answer.
    async fn answer(&mut self, request: &mut Option<Request>) -> Option<Response> {
        if !self.store.may_grant() {
            return None;
        }
        let response = match self.router.call(request.take()?).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        Some(response.map(|body| match body.size_hint().exact() {
            Some(_) => body,
            None => Body::new(Until::new(body, true_or_gone(self.over.clone()))),
        }))
    }
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
                return Err(StartError::Option { option: "--peer-address", why });
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
        let committed = store.committed();
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
                tokio::select! {
                    never = lead_while_in_tenure(router, store.clone(), role) => match never {},
                    () = stopped(committed) => {}
                }
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

/// Answers whenever the tenure lasts.
async fn lead_while_in_tenure(
    router: Router,
    store: PostgresStore,
    role: &watch::Sender<Role>,
) -> Infallible {
    loop {
        let (end, over) = watch::channel(false);
        role.send_replace(Role::Leads(Leading { router: router.clone(), store: store.clone(), over }));
        store.tenure_over().await;
        tracing::warn!("the term is not renewed in time: this plane answers nothing until it is");
        role.send_replace(Role::Waits);
        end.send_replace(true);
        store.tenure_renewed().await;
    }
}

/// Lets go of a store, and waits until its writer has ended.
async fn ended(store: PostgresStore) {
    let committed = store.committed();
    drop(store);
    stopped(committed).await;
}

/// Waits for the end of a store's writer.
async fn stopped(mut committed: watch::Receiver<Position>) {
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
    let answered = match role {
        Role::Leads(mut leading) => leading.answer(&mut Some(request)).await,
        Role::Follows(address) => Some(format!("ready: {address} leads\n").into_response()),
        Role::Waits => None,
    };
    answered.unwrap_or_else(|| {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready: no plane is known to lead\n").into_response()
    })
}

/// Answers a request, or passes it on, as soon as it is known who leads.
async fn answer(State(front): State<Arc<Front>>, request: Request) -> Response {
    let waited = tokio::time::Instant::now();
    let mut roles = front.roles.clone();
    // What another plane has passed on is not passed on again: two planes might do so for ever.
    let is_passed_on = forward::is_passed_on(&request);
    let mut request = Some(request);
    loop {
        let role = roles.borrow_and_update().clone();
        match role {
            Role::Leads(mut leading) => {
                if let Some(response) = leading.answer(&mut request).await {
                    return response;
                }
            }
            Role::Follows(address) if !is_passed_on => {
                let unsent = request.take().expect("it was not sent yet");
                match front.forward.send(&address, unsent, || front.while_leads(&address)).await {
                    Ok(response) => return response,
                    Err(NotSent::Unsent(unsent)) => request = Some(*unsent),
                    Err(NotSent::InDoubt) => return unavailable(),
                }
            }
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

impl Front {
    /// Waits until the plane at that address is not known to lead any more.
    fn while_leads(&self, address: &str) -> impl Future<Output = ()> + Send + 'static + use<> {
        let (mut roles, address) = (self.roles.clone(), address.to_owned());
        async move {
            let is_another = |role: &Role| !matches!(role, Role::Follows(leader) if *leader == address);
            // A sender that is gone means that this plane ends.
            drop(roles.wait_for(is_another).await);
        }
    }
}

/// 503: asking again is safe and has a chance.
fn unavailable() -> Response {
    let why = "no plane leads at the moment; whether this request was carried out, asking again tells\n";
    (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "1")], Body::from(why)).into_response()
}
