//! Bodies on their way through: whole ones from the store, streamed ones from the origin, and the pace that a
//! streamed one has to keep.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::time::{Sleep, sleep};

use recant_core::limits::STORED_BODY_BYTES_MAX;

use crate::http2;
use crate::relay::Relay;

/// Why a body ended before its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    /// The sender broke off, or what it sent is not a body.
    #[error("the body broke off: {0}")]
    Broken(#[from] hyper::Error),
    /// The same, on a stream of HTTP/2.
    #[error("the body broke off: {0}")]
    BrokenStream(#[from] h2::Error),
    /// The same, for a viewer who did not read it itself.
    #[error("the body broke off")]
    BrokenForAll,
    /// Its viewer held up others who share it.
    #[error("the body goes on without a viewer who holds others up")]
    LeftBehind,
    /// Nothing came for too long.
    #[error("nothing of the body came for {0:?}")]
    Stalled(Duration),
}

/// What is sent to a viewer.
pub(crate) enum Outgoing {
    /// All of it at once; `None` when it has been sent, or when there is none.
    Whole(Option<Bytes>),
    /// These pieces, one after the other.
    Pieces(VecDeque<Bytes>),
    /// As it comes from the origin.
    Relayed(Relay),
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut *self {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Pieces(pieces) => Poll::Ready(pieces.pop_front().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Relayed(relay) => Pin::new(relay).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_none(),
            Self::Pieces(pieces) => pieces.is_empty(),
            Self::Relayed(relay) => relay.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Pieces(pieces) => SizeHint::with_exact(pieces.iter().map(|bytes| bytes.len() as u64).sum()),
            Self::Relayed(relay) => relay.size_hint(),
        }
    }
}

/// Reads what nobody is to see, for the store's sake; not more of it than may be stored.
pub(crate) async fn read_to_its_end(mut body: Outgoing) {
    let mut left = STORED_BODY_BYTES_MAX;
    while let Some(Ok(frame)) = body.frame().await {
        match left.checked_sub(frame.data_ref().map_or(0, Bytes::len)) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}

/// A body as it comes from somebody else.
pub(crate) enum Received {
    /// Over HTTP/1.1.
    Http1(Incoming),
    /// Over HTTP/2.
    Http2(http2::Content),
}

impl Body for Received {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut *self {
            Self::Http1(body) => Pin::new(body).poll_frame(cx).map_err(BodyError::from),
            Self::Http2(content) => Pin::new(content).poll_frame(cx).map_err(BodyError::from),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Http1(body) => body.is_end_stream(),
            Self::Http2(content) => content.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Http1(body) => body.size_hint(),
            Self::Http2(content) => content.size_hint(),
        }
    }
}

/// A received body that must not pause for longer than `pause_max` while somebody waits for it.
///
/// There is no bound on its size or on its whole time: a long upload that keeps moving is fine.
pub(crate) struct Paced {
    inner: Received,
    pause_max: Duration,
    /// Runs only while somebody waits.
    pause: Option<Pin<Box<Sleep>>>,
    frames: Arc<AtomicU64>,
}

impl Paced {
    pub(crate) fn new(inner: Received, pause_max: Duration) -> Self {
        Self { inner, pause_max, pause: None, frames: Arc::default() }
    }

    /// Counts the frames that have passed, for whoever watches progress from elsewhere.
    pub(crate) fn frames(&self) -> Arc<AtomicU64> {
        self.frames.clone()
    }
}

impl Body for Paced {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(cx) {
            self.pause = None;
            self.frames.fetch_add(1, Ordering::Relaxed);
            return Poll::Ready(frame);
        }
        let pause_max = self.pause_max;
        let pause = self.pause.get_or_insert_with(|| Box::pin(sleep(pause_max)));
        match pause.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Some(Err(BodyError::Stalled(pause_max)))),
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
