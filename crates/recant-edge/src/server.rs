//! The viewers' side: accepts connections, bounds them, and closes them in good order.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use recant_core::limits::{
    DRAIN_TIME_MAX, REQUEST_HEAD_BYTES_MAX, REQUEST_HEAD_TIME_MAX, REQUEST_HEADERS_MAX,
    VIEWER_BUFFER_BYTES_MAX, VIEWER_CONNECTIONS_MAX, VIEWER_STALL_MAX,
};

use crate::interim::{InterimStream, Interjections};
use crate::io::ViewerStream;
use crate::request::{Shared, answer};

/// How long to wait when no connection can be accepted, for want of descriptors most likely.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves viewers until `stopping` turns true, then lets responses under way come to their end. When it returns,
/// no connection is open and nothing more is served.
pub(crate) async fn serve(listener: TcpListener, shared: Arc<Shared>, mut stopping: watch::Receiver<bool>) {
    let permits = Arc::new(Semaphore::new(VIEWER_CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop_asked(&mut stopping) => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = accept(&listener, &permits) => match accepted {
                Ok((stream, viewer, permit)) => {
                    connections.spawn(connection(stream, viewer, permit, shared.clone(), stopping.clone()));
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
    shared: Arc<Shared>,
    mut stopping: watch::Receiver<bool>,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, %viewer, "a viewer was gone before it was served");
        return;
    }
    let interjections = Arc::<Interjections>::default();
    let stream = InterimStream::new(ViewerStream::new(stream, VIEWER_STALL_MAX), interjections.clone());
    let service = service_fn(move |request| {
        let (shared, interjections) = (shared.clone(), interjections.clone());
        async move { Ok::<_, Infallible>(answer(&shared, &interjections, viewer.ip(), request).await) }
    });
    let connection = Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(REQUEST_HEAD_TIME_MAX)
        .max_buf_size(VIEWER_BUFFER_BYTES_MAX)
        .max_header_size(REQUEST_HEAD_BYTES_MAX)
        .max_headers(REQUEST_HEADERS_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop_asked(&mut stopping) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, %viewer, "a viewer's connection broke");
    }
}

/// Also when whoever could ask is gone.
async fn stop_asked(stopping: &mut watch::Receiver<bool>) {
    drop(stopping.wait_for(|stopping| *stopping).await);
}
