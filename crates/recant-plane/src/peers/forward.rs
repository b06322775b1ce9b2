//! Passing requests on to the plane that leads, as they came, and its answers back.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::HeaderValue;
use http::header::{CONNECTION, EXPECT, HeaderName};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use recant_core::limits::FORWARDED_TIME_MAX;
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::http::edges::{Until, true_or_gone};

/// On every request that is passed on.
const PASSED_ON: HeaderName = HeaderName::from_static("recant-passed-on");

/// How long the leading plane may take to accept a connection.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(2);

/// Connections that may wait for their next request.
const IDLE_MAX: usize = 64;

/// Whether another plane has passed a request on.
pub(super) fn is_passed_on(request: &Request) -> bool {
    request.headers().contains_key(PASSED_ON)
}

/// Why there is no answer.
pub(super) enum NotSent {
    /// The request has not left: here it is again.
    Unsent(Box<Request>),
    /// The connection broke, or there was no answer while that plane led, or for too long; whether the request was carried out is not known.
    InDoubt,
}

/// Connections to the plane that leads.
pub(super) struct Forward {
    /// By address, those that nobody uses. Locked only to take one out or put one back.
    idle: Mutex<HashMap<String, Vec<SendRequest<Body>>>>,
    /// Turns true when this plane stops: long answers end then.
    stop: watch::Receiver<bool>,
}

impl Forward {
    pub(super) fn new(stop: watch::Receiver<bool>) -> Self {
        Self { idle: Mutex::default(), stop }
    }

    /// Sends a request to the plane at `address`, and gives its answer. `led` is when that plane leads no more: what has not ended by then
    /// ends, since a plane that is frozen, or cut off, ends nothing itself.
    pub(super) async fn send<F>(
        &self,
        address: &str,
        mut request: Request,
        led: impl Fn() -> F,
    ) -> Result<Response, NotSent>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        // The next connection's matter, not the caller's.
        request.headers_mut().remove(CONNECTION);
        request.headers_mut().remove(EXPECT);
        request.headers_mut().insert(PASSED_ON, HeaderValue::from_static("1"));
        loop {
            let (mut connection, is_new) = match self.take(address) {
                Some(connection) => (connection, false),
                None => match open(address).await {
                    Some(connection) => (connection, true),
                    None => return Err(NotSent::Unsent(Box::new(request))),
                },
            };
            if connection.ready().await.is_err() {
                if is_new {
                    return Err(NotSent::Unsent(Box::new(request)));
                }
                continue;
            }
            // Once it is handed over, part of it may have left: dropping the exchange closes the connection.
            let sent = tokio::select! {
                sent = connection.try_send_request(request) => sent,
                () = led() => {
                    tracing::warn!(%address, "the plane that led has not answered");
                    return Err(NotSent::InDoubt);
                }
                () = tokio::time::sleep(FORWARDED_TIME_MAX) => {
                    tracing::warn!(%address, "the leading plane does not answer");
                    return Err(NotSent::InDoubt);
                }
            };
            match sent {
                Ok(response) => {
                    self.put_back(address, connection);
                    let (stop, led) = (self.stop.clone(), led());
                    let end = async move {
                        tokio::select! {
                            () = true_or_gone(stop) => {}
                            () = led => {}
                        }
                    };
                    return Ok(response.map(|body| Body::new(Until::new(body, end))));
                }
                Err(mut error) => match error.take_message() {
                    // An idle connection that the other end had closed.
                    Some(unsent) if !is_new => request = unsent,
                    Some(unsent) => return Err(NotSent::Unsent(Box::new(unsent))),
                    None => {
                        tracing::warn!(%address, error = %error.error(), "the leading plane has not answered");
                        return Err(NotSent::InDoubt);
                    }
                },
            }
        }
    }

    fn take(&self, address: &str) -> Option<SendRequest<Body>> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let connections = idle.get_mut(address)?;
        // Those that still send an answer's body are not ready; those that are closed are of no use.
        connections.retain(|connection| !connection.is_closed());
        let ready = connections.iter().position(SendRequest::is_ready)?;
        Some(connections.swap_remove(ready))
    }

    fn put_back(&self, address: &str, connection: SendRequest<Body>) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        // Of a plane that leads no more nothing is kept.
        idle.retain(|known, _| known == address);
        let connections = idle.entry(address.to_owned()).or_default();
        if connections.len() < IDLE_MAX {
            connections.push(connection);
        }
    }
}

/// Opens a connection, if that plane is there.
async fn open(address: &str) -> Option<SendRequest<Body>> {
    let connected = tokio::time::timeout(CONNECT_TIME_MAX, TcpStream::connect(address)).await.ok()?;
    let stream = connected
        .inspect_err(|error| tracing::debug!(%address, %error, "the leading plane is not reached"))
        .ok()?;
    stream.set_nodelay(true).ok()?;
    let (connection, driver) = http1::handshake(TokioIo::new(stream)).await.ok()?;
    tokio::spawn(async move {
        if let Err(error) = driver.await {
            tracing::debug!(%error, "a connection to the leading plane has ended");
        }
    });
    Some(connection)
}
