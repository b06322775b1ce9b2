//! The edge's numbers for whoever watches it: a listener of its own with two pages in Prometheus's text format.
//!
//! `/metrics` is about the edge: what is stored, the sweep, the log, the lease. `/metrics/tenants` has the account of every tenant, a page as long as there are tenants;
//! it is written piece by piece as it is read. Nothing here is locked for longer than one account, and nothing of a verdict depends on it.
//!
//! There is no secret in them but tenants' ids and how much they are asked for: the listener is meant for loopback or a network of the operator's.

mod exposition;

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

use self::exposition::{Exposition, Family, Kind, Sample};
use crate::clock::Clock;
use crate::disk::Disk;
use crate::store::{Store, TenantUsage};
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

/// The numbers of a tenant: name, kind, what it counts, and where it is.
const OF_TENANTS: [Family<TenantUsage>; 8] = [
    Family::new("stored_bytes", Kind::Gauge, "Bytes that stored responses take, metadata included.", |it| {
        it.bytes
    }),
    Family::new("stored_responses", Kind::Gauge, "Stored responses.", |it| it.stored_responses),
    Family::new("disk_bytes", Kind::Gauge, "Bytes that they take on the disk.", |it| it.disk_bytes),
    Family::new("disk_responses", Kind::Gauge, "Responses that lie on the disk.", |it| it.disk_responses),
    Family::new("hits_total", Kind::Counter, "Requests answered with a stored response.", |it| it.hits),
    Family::new(
        "misses_total",
        Kind::Counter,
        "Requests that went to the origin and might have been answered.",
        |it| it.misses,
    ),
    Family::new("evicted_total", Kind::Counter, "Stored responses that went for want of space.", |it| {
        it.evicted
    }),
    Family::new("invalidated_total", Kind::Counter, "Stored responses found to be invalidated.", |it| {
        it.invalidated
    }),
];

impl Metrics {
    /// The page about the edge.
    fn of_edge(&self) -> String {
        let (view, sweep) = (self.world.view(), self.sweep.progress());
        let usage = self.usage();
        let has_lease = view.lease_until.is_some_and(|until| self.clock.boot() < until);
        let mut page = String::new();
        let mut write = |name, kind, help, value: u64| Sample { name, kind, help, value }.write_to(&mut page);
        write(
            "stored_bytes",
            Kind::Gauge,
            "Bytes that stored responses take, metadata included.",
            self.store.bytes(),
        );
        write("stored_bytes_max", Kind::Gauge, "Bytes that they may take.", self.store_bytes_max);
        for family in &OF_TENANTS[1..] {
            write(family.name, family.kind, family.help, usage.iter().map(family.value).sum());
        }
        write("tenants", Kind::Gauge, "Tenants that have an account.", usage.len() as u64);
        if let Some(disk) = self.disk.as_ref().map(|disk| disk.usage()) {
            write(
                "disk_is_ready",
                Kind::Gauge,
                "Whether what earlier processes left can be found.",
                disk.is_ready.into(),
            );
            write("disk_segments_bytes", Kind::Gauge, "Bytes of all files of responses.", disk.bytes);
            write(
                "disk_restored_total",
                Kind::Counter,
                "Responses of earlier processes that are of use.",
                disk.restored,
            );
            write("disk_waiting", Kind::Gauge, "Responses that wait to be written.", disk.waiting);
            write("disk_written_total", Kind::Counter, "Responses written.", disk.written);
            write(
                "disk_unwritten_total",
                Kind::Counter,
                "Responses not written: the disk failed or was too slow.",
                disk.unwritten,
            );
            write("disk_read_total", Kind::Counter, "Responses read.", disk.read);
            write("disk_damaged_total", Kind::Counter, "Responses damaged, or not to be read.", disk.damaged);
        }
        write("has_lease", Kind::Gauge, "Whether stored responses may be served.", has_lease.into());
        write(
            "committed_position",
            Kind::Gauge,
            "The end of the log as this edge knows it.",
            view.known_committed.get(),
        );
        write("sweep_is_passing", Kind::Gauge, "Whether the sweep is under way.", sweep.is_passing.into());
        write("sweep_passes_total", Kind::Counter, "Whole passes of the sweep.", sweep.passes);
        write(
            "sweep_looked_at",
            Kind::Gauge,
            "Stored responses that its pass has looked at.",
            sweep.looked_at,
        );
        write("sweep_purged_total", Kind::Counter, "Stored responses that it has purged.", sweep.purged);
        write(
            "sweep_rules_freed_total",
            Kind::Counter,
            "Nodes of rules that it has freed.",
            sweep.rules_freed,
        );
        write(
            "sweep_position",
            Kind::Gauge,
            "What was invalidated up to here takes no memory any more.",
            sweep.swept_up_to.get(),
        );
        page
    }

    fn usage(&self) -> Vec<TenantUsage> {
        self.store.close_accounts(|tenant| self.world.rules_of(tenant).is_none());
        self.store.usage()
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
            "/metrics/tenants" => Exposition::of_tenants(&OF_TENANTS, self.usage()),
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
