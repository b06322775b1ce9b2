//! The plane over HTTP.
//!
//! | path | who asks |
//! |---|---|
//! | `/2020-05-31/…` | clients of CloudFront's API: signed, XML ([`api`]) |
//! | `/recant/v1/…` | clients of our own API: signed, JSON ([`own`]) |
//! | `/recant/v1/edges/…` | edges: their secret, frames ([`edges`]) |
//! | `/healthz`, `/readyz` | whoever watches this process ([`health`]) |
//!
//! Anything else is the API's to refuse, so every error of the API is XML. [`server`] holds connections to their
//! limits; the order of checks stands in [`api`], what both APIs do alike in [`exchange`].

mod answer;
mod api;
mod aside;
mod body;
pub(crate) mod edges;
mod events;
mod exchange;
mod health;
mod json;
mod own;
mod patient;
mod request_id;
mod room;
mod seldom;
pub(crate) mod server;

use std::sync::Arc;

use axum::Router;
use axum::routing::{any, get};
use tokio::sync::{Semaphore, watch};

pub(crate) use self::aside::Aside;
use self::edges::EdgeCalls;
pub(crate) use self::room::Room;
use crate::admission::Admission;
use crate::auth::Keys;
use crate::completion::Completion;
use crate::ops::Context;
use crate::store::Store;

/// What the handlers share.
pub(crate) struct Shared<S> {
    /// Who may ask.
    pub(crate) keys: Keys,
    /// What they may do, and how often.
    pub(crate) admission: Admission,
    /// What operations work on.
    pub(crate) context: Context<S>,
    /// What bodies take of the memory.
    pub(crate) room: Arc<Room>,
    /// Where the computing for long ones is done.
    pub(crate) aside: Aside,
    /// Looked at to say whether this plane can complete anything.
    pub(crate) completion: Completion<S>,
    /// The streams of events that there are room for.
    pub(crate) streams: Arc<Semaphore>,
    /// Turns true when the plane stops.
    pub(crate) stop: watch::Receiver<bool>,
}

/// All routes.
pub(crate) fn router<S: Store>(shared: Arc<Shared<S>>, calls: EdgeCalls<S>) -> Router {
    Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready::<S>))
        .route("/recant/v1/{*rest}", any(own::handle::<S>))
        .fallback(api::handle::<S>)
        .method_not_allowed_fallback(api::method_not_allowed)
        .with_state(shared)
        .merge(edges::router(calls))
}
