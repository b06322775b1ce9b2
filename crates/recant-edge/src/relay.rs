//! An origin's body on its way to the viewer, and into the store beside.
//!
//! The viewer sets the pace: nothing is read ahead for the store. What is kept is kept only when the body came
//! to its correctly framed end; a viewer who goes away drops the relay, and with it the pieces and the
//! connection.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use recant_core::cache_key::CacheKey;

use crate::body::{BodyError, Paced};
use crate::origin::Lent;
use crate::store::{Collected, Facts, Store};

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
                    self.keeper = self.keeper.take().and_then(|keeper| keeper.and(data));
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

/// Has a body stored once it is whole.
pub(crate) struct Keeper {
    key: CacheKey,
    facts: Facts,
    collected: Collected,
}

impl Keeper {
    pub(crate) fn new(store: &Arc<Store>, key: CacheKey, facts: Facts) -> Self {
        Self { key, facts, collected: Collected::new(store) }
    }

    /// With one more piece, or nothing when the store has no room for it.
    fn and(self, piece: &[u8]) -> Option<Self> {
        let Self { key, facts, collected } = self;
        collected.and(piece).map(|collected| Self { key, facts, collected })
    }

    fn keep(self) {
        self.collected.keep(self.key, self.facts);
    }
}
