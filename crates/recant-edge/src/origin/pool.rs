//! Idle connections to origins.
//!
//! A connection comes here only when its last response was read to its end, of which no two readings were possible
//! (see `send`), and which no body was sent over: an origin that did not look at one would take it for a request.
//! It is taken out again for one request, and shared by all tenants with the same origin: this edge frames every request it
//! sends itself, so no request can end where the next begins.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use hyper::client::conn::http1::SendRequest;

use recant_core::limits::{ORIGIN_IDLE_CONNECTIONS_MAX, ORIGIN_IDLE_TIME_MAX};

use super::{Place, Upload};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Pool {
    /// Locked for one push or one pop.
    idle: Mutex<Idle>,
}

#[derive(Debug, Default)]
struct Idle {
    connections: HashMap<Place, Vec<(SendRequest<Upload>, Instant)>>,
    swept: Option<Instant>,
}

/// A connection in use: handed back by [`Lent::give_back`], closed when dropped.
#[derive(Debug)]
pub(crate) struct Lent {
    pool: Arc<Pool>,
    place: Place,
    pub(super) sender: SendRequest<Upload>,
    /// Cleared when the origin may say more on it than it was asked.
    pub(super) is_reusable: bool,
}

impl Lent {
    pub(super) fn new(pool: &Arc<Pool>, place: &Place, sender: SendRequest<Upload>) -> Self {
        Self { pool: pool.clone(), place: place.clone(), sender, is_reusable: true }
    }

    /// Keeps the connection for the next request, once it is ready for one.
    pub(crate) fn give_back(mut self) {
        if !self.is_reusable {
            return;
        }
        if self.sender.is_ready() {
            self.pool.put(self.place, self.sender);
        } else if !self.sender.is_closed() {
            tokio::spawn(async move {
                if self.sender.ready().await.is_ok() {
                    self.pool.put(self.place, self.sender);
                }
            });
        }
    }
}

impl Pool {
    /// The connection to this place that was used last, if one is open.
    pub(super) fn take(self: &Arc<Self>, place: &Place) -> Option<Lent> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let connections = idle.connections.get_mut(place)?;
        while let Some((sender, since)) = connections.pop() {
            if since.elapsed() < ORIGIN_IDLE_TIME_MAX && sender.is_ready() {
                return Some(Lent::new(self, place, sender));
            }
        }
        idle.connections.remove(place);
        None
    }

    fn put(&self, place: Place, sender: SendRequest<Upload>) {
        let now = Instant::now();
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.sweep(now);
        let connections = idle.connections.entry(place).or_default();
        if connections.len() < ORIGIN_IDLE_CONNECTIONS_MAX {
            connections.push((sender, now));
        }
    }
}

impl Idle {
    /// Closes what has been idle for too long, also to origins that nobody asks any more.
    fn sweep(&mut self, now: Instant) {
        if self.swept.is_some_and(|swept| now.duration_since(swept) < ORIGIN_IDLE_TIME_MAX) {
            return;
        }
        self.swept = Some(now);
        self.connections.retain(|_, connections| {
            connections.retain(|(_, since)| now.duration_since(*since) < ORIGIN_IDLE_TIME_MAX);
            !connections.is_empty()
        });
    }
}
