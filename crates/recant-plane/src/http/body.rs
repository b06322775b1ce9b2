//! A request's body, whole, within its limits.

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, EXPECT};
use http_body_util::BodyExt;
use recant_core::limits::{API_BODY_BYTES_MAX, API_BODY_TIME_MAX};

use super::room::Place;
use crate::error::ApiError;

/// How long a refused request may still send what nobody reads.
const DISCARD_TIME_MAX: Duration = Duration::from_secs(2);

/// Reads the body, unless it says that it is too long, into as much room as it needs.
///
/// # Errors
/// [`ApiError::RequestEntityTooLarge`], [`ApiError::RequestTimeout`], [`ApiError::ServiceUnavailable`] when there is no room, or [`ApiError::MalformedXml`] for one that broke off.
pub(super) async fn read(headers: &HeaderMap, body: &mut Body, place: &mut Place) -> Result<Bytes, ApiError> {
    let too_large = || ApiError::RequestEntityTooLarge { limit: API_BODY_BYTES_MAX };
    let stated = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if stated.is_some_and(|stated| stated > API_BODY_BYTES_MAX as u64) {
        return Err(too_large());
    }
    let reading = async {
        // Not as much as is stated: whoever states much need not send it.
        let mut whole = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| ApiError::MalformedXml("The request body broke off.".into()))?;
            let Ok(data) = frame.into_data() else { continue };
            let bytes = whole.len() + data.len();
            if bytes > API_BODY_BYTES_MAX {
                return Err(too_large());
            }
            place.hold(bytes)?;
            whole.extend_from_slice(&data);
        }
        Ok(whole.freeze())
    };
    tokio::time::timeout(API_BODY_TIME_MAX, reading).await.unwrap_or(Err(ApiError::RequestTimeout))
}

/// Lets a refused request finish sending, for a moment and up to the size of an accepted one.
///
/// Closing a connection on a client that still sends makes its kernel drop the answer it has not read yet (RFC 9112
/// section 9.6). A client that waits to be told to go on (`Expect: 100-continue`) is not sending, so it is not told to.
pub(super) async fn discard(headers: &HeaderMap, body: &mut Body) {
    if headers.contains_key(EXPECT) {
        return;
    }
    let discarding = async {
        let mut left = API_BODY_BYTES_MAX;
        while let Some(Ok(frame)) = body.frame().await {
            let length = frame.data_ref().map_or(0, Bytes::len);
            let Some(rest) = left.checked_sub(length) else { return };
            left = rest;
        }
    };
    // Late or not, the answer goes out next.
    let _ = tokio::time::timeout(DISCARD_TIME_MAX, discarding).await;
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::sync::Arc;
    use std::task::{Context, Poll};

    use http_body::Frame;

    use super::*;
    use crate::http::room::Room;

    /// A body that does not go on after its first bytes.
    struct Stuck(Option<Bytes>);

    impl http_body::Body for Stuck {
        type Data = Bytes;
        type Error = std::convert::Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
            self.0.take().map_or(Poll::Pending, |bytes| Poll::Ready(Some(Ok(Frame::data(bytes)))))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_end_is_given_up() {
        let (room, began) = (Arc::new(Room::default()), tokio::time::Instant::now());
        let mut body = Body::new(Stuck(Some(Bytes::from_static(b"<"))));
        let read = read(&HeaderMap::new(), &mut body, &mut Place::new(&room, "AKIA1")).await;
        assert_eq!((read, began.elapsed()), (Err(ApiError::RequestTimeout), API_BODY_TIME_MAX));
    }
}
