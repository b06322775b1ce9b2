//! The viewers' side: accepts connections, bounds them, and closes them in good order.

use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::Request;
use http::header::UPGRADE;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use recant_core::limits::{
    DRAIN_TIME_MAX, REQUEST_HEAD_BYTES_MAX, REQUEST_HEAD_TIME_MAX, REQUEST_HEADERS_MAX,
    SHIELD_FIELDS_BYTES_MAX, SHIELD_FIELDS_MAX, VIEWER_BUFFER_BYTES_MAX, VIEWER_STALL_MAX,
};

use crate::body::Received;
use crate::head_timer::HeadTimer;
use crate::http2;
use crate::interim::{InterimStream, Interjections, Line};
use crate::io::ViewerStream;
use crate::request::{Shared, answer};
use crate::shield;
use crate::stop::Stop;
use crate::strict::{Doubts, StrictStream};
use crate::tls::{self, Certificates, Handshaken};
use crate::upgrade::{Afterwards, Tunnel};
use crate::viewer::{Security, Viewer};

/// How long to wait when no connection can be accepted, for want of descriptors most likely.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Where viewers come in, or other edges.
pub(crate) struct Door {
    pub(crate) listener: TcpListener,
    pub(crate) guests: Guests,
    /// Shared by all doors for viewers.
    pub(crate) permits: Arc<Semaphore>,
}

/// Whom a door is for.
#[derive(Clone)]
pub(crate) enum Guests {
    /// Viewers without TLS.
    Viewers,
    /// Viewers with it.
    ViewersOverTls(Arc<Certificates>),
    /// Edges that ask this one in an origin's place.
    Edges,
}

/// Serves viewers until `stopping` turns true, then lets responses under way come to their end. When it returns,
/// no connection is open and nothing more is served.
pub(crate) async fn serve(door: Door, shared: Arc<Shared>, stopping: watch::Receiver<bool>) {
    let Door { listener, guests, permits } = door;
    let mut connections = JoinSet::new();
    let mut stop = Stop::new(stopping.clone());
    loop {
        tokio::select! {
            () = &mut stop => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = accept(&listener, &permits) => match accepted {
                Ok((stream, viewer, permit)) => {
                    let (guests, shared, stop) = (guests.clone(), shared.clone(), Stop::new(stopping.clone()));
                    connections.spawn(connection(stream, viewer, permit, guests, shared, stop));
                }
                Err(error) => {
                    tracing::warn!(%error, "no viewer can be accepted");
                    sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    let drained = timeout(DRAIN_TIME_MAX, async { while connections.join_next().await.is_some() {} }).await;
    if drained.is_err() {
        tracing::warn!(
            cut_off = connections.len(),
            "viewers were still being served when the time to stop had come"
        );
        connections.shutdown().await;
    }
}

/// At the bound new viewers wait in the kernel's queue.
async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let permit = permits.clone().acquire_owned().await.expect("the semaphore is never closed");
    let (stream, viewer) = listener.accept().await?;
    Ok((stream, viewer, permit))
}

async fn connection(
    stream: TcpStream,
    viewer: SocketAddr,
    _permit: OwnedSemaphorePermit,
    guests: Guests,
    shared: Arc<Shared>,
    stop: Stop,
) {
    let ended = match stream.set_nodelay(true) {
        Err(error) => Err(error.into()),
        Ok(()) => {
            let stream = ViewerStream::new(stream, VIEWER_STALL_MAX);
            let plain = |security| Viewer { address: viewer, security };
            match guests {
                Guests::Viewers => http1(stream, plain(Security::Plain), shared, stop).await,
                Guests::Edges => {
                    http1(stream, plain(Security::Edge { is_secure: false }), shared, stop).await
                }
                Guests::ViewersOverTls(certificates) => {
                    secure(stream, viewer, &certificates, shared, stop).await
                }
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, %viewer, "a viewer's connection broke");
    }
}

/// How a connection came to its end.
pub(crate) type Ended = Result<(), Box<dyn Error + Send + Sync>>;

async fn secure(
    stream: ViewerStream,
    address: SocketAddr,
    certificates: &Certificates,
    shared: Arc<Shared>,
    mut stop: Stop,
) -> Ended {
    let Handshaken { stream, proof, is_http2 } = tokio::select! {
        opened = tls::accept(certificates, stream, |host| shared.world.has_http2(host)) => opened?,
        // Nothing has been asked yet.
        () = &mut stop => return Ok(()),
    };
    let viewer = Viewer { address, security: Security::Tls(Arc::new(proof)) };
    if is_http2 {
        http2::serve(stream, viewer, shared, stop).await
    } else {
        http1(stream, viewer, shared, stop).await
    }
}

async fn http1(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    viewer: Viewer,
    shared: Arc<Shared>,
    mut stop: Stop,
) -> Ended {
    let line = Arc::<Line>::default();
    let doubts = Arc::<Doubts>::default();
    let stream = InterimStream::new(StrictStream::new(stream, doubts.clone()), line.clone());
    let interjections: Arc<dyn Interjections> = line;
    let requests = AtomicU64::new(0);
    let afterwards = Afterwards::default();
    let service = service_fn(|mut request: Request<Incoming>| {
        let number = requests.fetch_add(1, Ordering::Relaxed) + 1;
        let (shared, interjections, viewer) = (&shared, &interjections, &viewer);
        let (doubts, afterwards) = (&doubts, &afterwards);
        async move {
            let left = request.headers().contains_key(UPGRADE).then(|| hyper::upgrade::on(&mut request));
            let doubt = doubts.of(number);
            let request = request.map(Received::Http1);
            let mut response = match viewer.is_edge() {
                true => shield::answer(shared, interjections, request, doubt).await,
                false => answer(shared, interjections, viewer, request, doubt).await,
            };
            if let (Some(viewer), Some(origin)) = (left, response.extensions_mut().remove::<OnUpgrade>()) {
                doubts.leave();
                afterwards.put(Tunnel { viewer, origin });
            }
            Ok::<_, Infallible>(response)
        }
    });
    // An edge sends its viewer's fields, and its own.
    let (more_fields, more_bytes) = match viewer.is_edge() {
        true => (SHIELD_FIELDS_MAX, SHIELD_FIELDS_BYTES_MAX),
        false => (0, 0),
    };
    let connection = http1::Builder::new()
        .timer(HeadTimer::new(REQUEST_HEAD_TIME_MAX))
        .header_read_timeout(REQUEST_HEAD_TIME_MAX)
        .max_buf_size(VIEWER_BUFFER_BYTES_MAX)
        .max_header_size(REQUEST_HEAD_BYTES_MAX + more_bytes)
        .max_headers(REQUEST_HEADERS_MAX + more_fields)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => ended?,
        () = &mut stop => {
            connection.as_mut().graceful_shutdown();
            connection.await?;
        }
    }
    let Some(tunnel) = afterwards.take() else { return Ok(()) };
    tokio::select! {
        ended = tunnel.carry() => ended,
        () = &mut stop => Ok(()),
    }
}
