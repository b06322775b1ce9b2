//! The answer that does not end: `GET /recant/v1/events`.
//!
//! `Last-Event-ID`, which browsers send by themselves, or `After` in the query says where to go on.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName};
use http::request::Parts;
use http_body::Frame;
use recant_wire::document::Document;
use tokio::sync::mpsc;

use super::Shared;
use crate::auth::Caller;
use crate::error::{ApiError, excerpt};
use crate::events::{Start, Stream};
use crate::store::Store;

/// The name of the operation.
pub(super) const NAME: &str = "StreamEvents";

static LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Opens a stream for a caller who may have it.
///
/// # Errors
/// [`ApiError::InvalidArgument`] for a place that is none, [`ApiError::ServiceUnavailable`] when there are too many streams.
pub(super) fn open<S: Store>(
    shared: &Arc<Shared<S>>,
    parts: &Parts,
    input: &Document,
    caller: Caller,
) -> Result<Response, ApiError> {
    let header = parts.headers.get(&LAST_EVENT_ID).map(HeaderValue::as_bytes).map(String::from_utf8_lossy);
    let after = header.as_deref().or_else(|| input.get("After").and_then(Document::as_str));
    let start = match after {
        None | Some("") => Start::Now,
        Some(text) => text
            .parse()
            .map_err(|why| ApiError::InvalidArgument(format!("After: '{}': {why}.", excerpt(text))))?,
    };
    let permit = Arc::clone(&shared.streams).try_acquire_owned();
    let stream = Stream {
        store: shared.context.store.clone(),
        completed: shared.context.completed.clone(),
        members: shared.completion.member_events(),
        stop: shared.stop.clone(),
        _permit: permit.map_err(|_| ApiError::ServiceUnavailable)?,
    };
    let store = shared.context.store.clone();
    let action = format!("recant:{NAME}");
    let may_listen = move || {
        let (store, caller, action) = (store.clone(), caller.clone(), action.clone());
        async move { caller.still_may(&store, &action, "*").await }
    };
    let mut response = Response::new(Body::new(Pieces(stream.start(start, may_listen))));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// A stream as the body of a response.
struct Pieces(mpsc::Receiver<Bytes>);

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(cx).map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }
}
