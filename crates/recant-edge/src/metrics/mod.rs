//! The edge's numbers for whoever watches it: a listener of its own with two pages in Prometheus's text format.
//!
//! `/metrics` is about the edge: what is stored, the sweep, the log, the lease. `/metrics/tenants` has the account of every tenant, a page as long as there are tenants;
//! it is written piece by piece as it is read. Nothing here is locked for longer than one account, and nothing of a verdict depends on it.
//!
//! There is no secret in them but tenants' ids and how much they are asked for: the listener is meant for loopback or a network of the operator's.

mod exposition;
mod families;

use std::convert::Infallible;
use std::sync::Arc;

use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use recant_core::limits::{METRICS_CONNECTIONS_MAX, REQUEST_HEAD_BYTES_MAX, REQUEST_HEAD_TIME_MAX};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use self::exposition::Exposition;
use self::families::{EdgeNumbers, OF_DISK, OF_EDGE, OF_SWEEP, OF_TENANTS};
use crate::clock::Clock;
use crate::disk::Disk;
use crate::store::Store;
use crate::sweep::Sweep;
use crate::world::World;

/// The media type of the text format.
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// What the numbers are of.
pub(crate) struct Metrics {
    pub(crate) world: Arc<World>,
    pub(crate) store: Arc<Store>,
    pub(crate) store_bytes_max: u64,
    pub(crate) sweep: Arc<Sweep>,
    pub(crate) disk: Option<Arc<Disk>>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Metrics {
    /// The page about the edge.
    fn of_edge(&self) -> String {
        let view = self.world.view();
        let (usage, counts) = self.store.usage_and_counts();
        let numbers = EdgeNumbers {
            stored_bytes: self.store.bytes(),
            stored_bytes_max: self.store_bytes_max,
            stored_responses: usage.iter().map(|usage| usage.stored_responses).sum(),
            tenants: usage.len() as u64,
            counts,
            has_lease: view.lease_until.is_some_and(|until| self.clock.boot() < until),
            committed_position: view.known_committed.get(),
        };
        let mut page = String::new();
        OF_EDGE.iter().for_each(|family| family.write_to(&mut page, &numbers));
        let progress = self.sweep.progress();
        OF_SWEEP.iter().for_each(|family| family.write_to(&mut page, &progress));
        if let Some(usage) = self.disk.as_ref().map(|disk| disk.usage()) {
            OF_DISK.iter().for_each(|family| family.write_to(&mut page, &usage));
        }
        page
    }

    fn answer(&self, request: &Request<Incoming>) -> Response<Exposition> {
        let status = |status| {
            let mut response = Response::new(Exposition::default());
            *response.status_mut() = status;
            response
        };
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut response = status(StatusCode::METHOD_NOT_ALLOWED);
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return response;
        }
        let page = match request.uri().path() {
            "/metrics" => Exposition::whole(self.of_edge()),
            "/healthz" => Exposition::whole("ok\n".to_owned()),
            // Without a lease it forwards, which is no reason to take it out; before it knows any host it only refuses.
            "/readyz" if self.world.is_told() => Exposition::whole("ready\n".to_owned()),
            "/readyz" => return status(StatusCode::SERVICE_UNAVAILABLE),
            "/metrics/tenants" => Exposition::of_tenants(OF_TENANTS, self.store.usage()),
            _ => return status(StatusCode::NOT_FOUND),
        };
        let mut response = Response::new(page);
        response.headers_mut().insert(CONTENT_TYPE, TEXT);
        response
    }
}

/// Answers until told to stop. Who is being answered then is cut off: the numbers are of no use any more.
pub(crate) async fn serve(listener: TcpListener, metrics: Arc<Metrics>, mut stop: watch::Receiver<bool>) {
    let permits = Arc::new(Semaphore::new(METRICS_CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    let accepting = async {
        loop {
            let permit = permits.clone().acquire_owned().await.expect("the semaphore is never closed");
            let (stream, _) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "nobody who reads metrics can be accepted");
                    tokio::time::sleep(crate::server::ACCEPT_PAUSE).await;
                    continue;
                }
            };
            while connections.try_join_next().is_some() {}
            let metrics = metrics.clone();
            connections.spawn(async move {
                let _permit = permit;
                let service = service_fn(|request| {
                    let response = metrics.answer(&request);
                    async { Ok::<_, Infallible>(response) }
                });
                let served = http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(REQUEST_HEAD_TIME_MAX)
                    .max_buf_size(REQUEST_HEAD_BYTES_MAX)
                    .serve_connection(TokioIo::new(stream), service);
                if let Err(error) = served.await {
                    tracing::debug!(%error, "a connection for metrics broke");
                }
            });
        }
    };
    tokio::select! {
        () = accepting => {}
        // A sender that is gone means the same.
        _ = stop.wait_for(|stop| *stop) => {}
    }
}
