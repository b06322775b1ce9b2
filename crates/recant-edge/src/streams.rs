//! Whose turn it is on an HTTP/2 connection.
//!
//! hyper bounds how long a head may take and [`ViewerStream`](crate::io::ViewerStream) how long a write may wait, but a
//! viewer of HTTP/2 can hold responses back with its windows while the connection itself moves (CVE-2019-9517). So each
//! stream says whose turn it is: the edge's while it works on a response or waits for an origin, which has bounds of its own,
//! and else the viewer's. A connection on which it is all the viewer's turn, and nothing moves, is let go.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use recant_core::limits::HTTP2_SEND_BYTES_MAX;

use crate::body::{BodyError, Outgoing};

/// The streams of one connection.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    /// How many wait for the edge.
    ours: AtomicUsize,
    /// Grows whenever a stream begins, moves or ends.
    moves: AtomicU64,
}

impl Streams {
    /// A stream that begins: its request has come.
    pub(crate) fn begin(self: &Arc<Self>) -> Turn {
        self.ours.fetch_add(1, Ordering::Relaxed);
        self.moves.fetch_add(1, Ordering::Relaxed);
        Turn { streams: self.clone(), is_ours: true }
    }

    /// Whether the viewer has moved nothing since `seen`, which is brought up to date, although it could.
    pub(crate) fn are_stalled(&self, seen: &mut u64) -> bool {
        let moves = self.moves.load(Ordering::Relaxed);
        std::mem::replace(seen, moves) == moves && self.ours.load(Ordering::Relaxed) == 0
    }
}

/// One stream's.
#[derive(Debug)]
pub(crate) struct Turn {
    streams: Arc<Streams>,
    is_ours: bool,
}

impl Turn {
    fn pass(&mut self, to_us: bool) {
        match (self.is_ours, to_us) {
            (true, false) => drop(self.streams.ours.fetch_sub(1, Ordering::Relaxed)),
            (false, true) => drop(self.streams.ours.fetch_add(1, Ordering::Relaxed)),
            _ => {}
        }
        self.is_ours = to_us;
        self.streams.moves.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.pass(false);
    }
}

/// A response's body that passes the turn on with each piece. Pieces are small, so that what is handed over is
/// nearly what the viewer has taken.
pub(crate) struct Watched {
    inner: Outgoing,
    /// Of the piece that the body has given last.
    rest: Bytes,
    turn: Turn,
}

impl Watched {
    pub(crate) fn new(inner: Outgoing, turn: Turn) -> Self {
        Self { inner, rest: Bytes::new(), turn }
    }
}

impl Body for Watched {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self;
        if this.rest.is_empty() {
            this.turn.pass(true);
            let frame = ready!(Pin::new(&mut this.inner).poll_frame(cx));
            match frame.map(|frame| frame.map(Frame::into_data)) {
                Some(Ok(Ok(data))) => this.rest = data,
                Some(Ok(Err(other))) => return Poll::Ready(Some(Ok(other))),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
        this.turn.pass(false);
        let bytes = this.rest.len().min(HTTP2_SEND_BYTES_MAX);
        Poll::Ready(Some(Ok(Frame::data(this.rest.split_to(bytes)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (inner, rest) = (self.inner.size_hint(), self.rest.len() as u64);
        let mut hint = SizeHint::new();
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint.set_lower(inner.lower().saturating_add(rest));
        hint
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    #[tokio::test]
    async fn a_stream_that_the_viewer_does_not_take_is_stalled() {
        let streams = Arc::new(Streams::default());
        let mut seen = 0;
        let turn = streams.begin();
        assert!(!streams.are_stalled(&mut seen), "it has just begun");
        assert!(!streams.are_stalled(&mut seen), "it is our turn");
        let whole = Bytes::from(vec![7; HTTP2_SEND_BYTES_MAX + 1]);
        let mut body = Watched::new(Outgoing::Whole(Some(whole)), turn);
        assert_eq!(body.size_hint().exact(), Some(HTTP2_SEND_BYTES_MAX as u64 + 1));
        let first = body.frame().await.expect("a piece").expect("it is whole");
        assert_eq!(first.into_data().expect("data").len(), HTTP2_SEND_BYTES_MAX);
        assert_eq!((body.size_hint().exact(), body.is_end_stream()), (Some(1), false));
        assert!(!streams.are_stalled(&mut seen), "it has just moved");
        assert!(streams.are_stalled(&mut seen));
        let last = body.frame().await.expect("a piece").expect("it is whole");
        assert_eq!(last.into_data().expect("data").len(), 1);
        assert!(body.is_end_stream() && !streams.are_stalled(&mut seen));
        drop(body);
        assert!(
            !streams.are_stalled(&mut seen) && streams.are_stalled(&mut seen),
            "an idle connection is, too"
        );
    }
}
