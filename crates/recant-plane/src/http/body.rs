//! A request's body, whole, within its limits.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, EXPECT};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use recant_core::limits::{API_BODY_BYTES_MAX, API_BODY_TIME_MAX};

use crate::error::ApiError;

/// How long a refused request may still send what nobody reads.
const DISCARD_TIME_MAX: Duration = Duration::from_secs(2);

/// Reads the body, unless it says that it is too long.
///
/// # Errors
/// [`ApiError::RequestEntityTooLarge`], [`ApiError::RequestTimeout`], or [`ApiError::MalformedXml`] for one that broke off.
pub(super) async fn read(headers: &HeaderMap, body: &mut Body) -> Result<Bytes, ApiError> {
    let too_large = || ApiError::RequestEntityTooLarge { limit: API_BODY_BYTES_MAX };
    let stated = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if stated.is_some_and(|stated| stated > API_BODY_BYTES_MAX as u64) {
        return Err(too_large());
    }
    let whole = Limited::new(body, API_BODY_BYTES_MAX).collect();
    match tokio::time::timeout(API_BODY_TIME_MAX, whole).await {
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(ApiError::MalformedXml("The request body broke off.".into())),
        Err(_) => Err(ApiError::RequestTimeout),
    }
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
