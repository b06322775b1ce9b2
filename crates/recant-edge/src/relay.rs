//! An origin's body on its way to the viewer, and into the store beside.
//!
//! The viewer sets the pace: nothing is read ahead for the store. What is kept is kept only when the body came
//! to its correctly framed end; a viewer who goes away drops the relay, and with it the pieces and the
//! connection.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use recant_core::cache_key::CacheKey;
use recant_core::limits::STORED_BODY_BYTES_MAX;

use crate::body::{BodyError, Paced};
use crate::origin::Lent;
use crate::store::{Facts, Store, Stored};

/// See the module.
pub(crate) struct Relay {
    body: Paced,
    /// Given back when the body has ended as it should; dropped, and so closed, otherwise.
    lent: Option<Lent>,
    keeper: Option<Keeper>,
}

impl Relay {
    pub(crate) fn new(body: Incoming, read_timeout: Duration, lent: Lent, keeper: Option<Keeper>) -> Self {
        let mut relay = Self { body: Paced::new(body, read_timeout), lent: Some(lent), keeper };
        if relay.body.is_end_stream() {
            relay.finish();
        }
        relay
    }

    /// The body is here, whole.
    fn finish(&mut self) {
        if let Some(lent) = self.lent.take() {
            lent.give_back();
        }
        if let Some(keeper) = self.keeper.take() {
            keeper.keep();
        }
    }

    fn give_up(&mut self) {
        self.lent = None;
        self.keeper = None;
    }
}

impl Body for Relay {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        match &polled {
            Poll::Pending => {}
            Poll::Ready(None) => self.finish(),
            Poll::Ready(Some(Err(_))) => self.give_up(),
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(data) = frame.data_ref() {
                    self.keeper = self.keeper.take().and_then(|keeper| keeper.and(data.clone()));
                }
                // With a Content-Length the server side does not ask for the end once it has all bytes.
                if self.body.is_end_stream() {
                    self.finish();
                }
            }
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Collects a body for the store.
pub(crate) struct Keeper {
    store: Arc<Store>,
    key: CacheKey,
    facts: Facts,
    pieces: Vec<Bytes>,
    bytes: usize,
}

impl Keeper {
    pub(crate) fn new(store: Arc<Store>, key: CacheKey, facts: Facts) -> Self {
        Self { store, key, facts, pieces: Vec::new(), bytes: 0 }
    }

    /// With one more piece, or nothing when that makes it too long to be stored.
    fn and(mut self, piece: Bytes) -> Option<Self> {
        self.bytes += piece.len();
        if self.bytes > STORED_BODY_BYTES_MAX {
            return None;
        }
        self.pieces.push(piece);
        Some(self)
    }

    fn keep(self) {
        // Copied even when there is one piece only: a piece may be a small view of a large read buffer.
        let mut body = BytesMut::with_capacity(self.bytes);
        for piece in &self.pieces {
            body.extend_from_slice(piece);
        }
        self.store.put(self.key, Arc::new(Stored::new(self.facts, body.freeze())));
    }
}
