//! A request's content (RFC 9113 section 8.1), as fast as it is taken.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::RecvStream;
use http::header::{CONTENT_LENGTH, EXPECT, HeaderMap};
use http_body::{Body, Frame, SizeHint};

use super::Reply;

/// See the module. A viewer may send as much more as has been taken; what has come and was not taken goes when this does.
pub(crate) struct Content {
    stream: RecvStream,
    /// How much of the length that the request states is still to come.
    left: Option<u64>,
    /// The data are over: trailers may come.
    is_read: bool,
    /// Whom to tell that the content is awaited, where that was asked for and has not been done.
    expectant: Option<Arc<Reply>>,
}

impl Content {
    /// Of a request with these fields, which nobody has changed.
    pub(super) fn new(stream: RecvStream, headers: &HeaderMap, reply: &Arc<Reply>) -> Self {
        let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        let left = if stream.is_end_stream() { Some(0) } else { length };
        let expectant = headers.contains_key(EXPECT).then(|| reply.clone());
        Self { stream, left, is_read: false, expectant }
    }
}

impl Body for Content {
    type Data = Bytes;
    type Error = h2::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, h2::Error>>> {
        let this = &mut *self;
        while !this.is_read {
            let polled = this.stream.poll_data(cx);
            // Whoever sends already needs nobody to tell him (RFC 9110 section 10.1.1).
            if let Some(reply) = this.expectant.take()
                && polled.is_pending()
            {
                reply.go_on();
            }
            match ready!(polled) {
                None => this.is_read = true,
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                Some(Ok(data)) => {
                    // An error says that the connection is gone, as the next frame will.
                    let _ = this.stream.flow_control().release_capacity(data.len());
                    if let Some(left) = &mut this.left {
                        *left = left.saturating_sub(data.len() as u64);
                    }
                    return Poll::Ready(Some(Ok(Frame::data(data))));
                }
            }
        }
        let trailers = ready!(this.stream.poll_trailers(cx));
        Poll::Ready(trailers.map(|trailers| trailers.map(Frame::trailers)).transpose())
    }

    fn is_end_stream(&self) -> bool {
        self.stream.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map(SizeHint::with_exact).unwrap_or_default()
    }
}
