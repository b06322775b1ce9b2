//! One request to an origin, up to the head of its response.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HeaderValue, TRANSFER_ENCODING, UPGRADE};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use tokio::time::timeout;

use super::connect::connect;
use super::{Answer, Call, Lent, Origin, OriginError, Origins};
use crate::body::{BodyError, Paced};

/// The body of a request to an origin.
pub(crate) enum Upload {
    /// There is none.
    Nothing,
    /// The viewer's, as it comes.
    Viewers(Paced),
}

impl Origins {
    /// Sends a request and waits for the head of its response.
    ///
    /// A request that finds its kept connection closed by the origin is sent once more over a fresh one: always
    /// when nothing of it was written, and otherwise when its method is idempotent and it has no body to repeat
    /// (RFC 9110 section 9.2.2).
    ///
    /// # Errors
    /// [`OriginError`]: which of them are the origin's death and which its slowness is told apart in `respond`.
    pub(crate) async fn send(&self, origin: &Origin, call: Call) -> Result<Answer, OriginError> {
        let mut call = call;
        if let Some(lent) = self.pool.take(&origin.place) {
            let again = match call.upload {
                Upload::Nothing if call.head.method.is_idempotent() => Some(call.head.clone()),
                _ => None,
            };
            match exchange(lent, call, origin.read_timeout).await {
                Ok(answer) => return Ok(answer),
                Err(Failure { unsent: Some(unsent), .. }) => call = *unsent,
                Err(Failure { error: OriginError::Broken(error), .. }) if is_closed_early(&error) => {
                    match again {
                        Some(head) => call = Call { head, upload: Upload::Nothing },
                        None => return Err(OriginError::Broken(error)),
                    }
                }
                Err(failure) => return Err(failure.error),
            }
        }
        let sender = connect(&self.policy, &self.secure, self.head_max, origin).await?;
        let lent = Lent::new(&self.pool, &origin.place, sender);
        exchange(lent, call, origin.read_timeout).await.map_err(|failure| failure.error)
    }
}

struct Failure {
    error: OriginError,
    /// The request, when nothing of it was written.
    unsent: Option<Box<Call>>,
}

/// Whether the connection ended before the first byte of a response.
fn is_closed_early(error: &hyper::Error) -> bool {
    let is_reset = || {
        let source =
            std::error::Error::source(error).and_then(|source| source.downcast_ref::<std::io::Error>());
        source.is_some_and(|error| {
            matches!(
                error.kind(),
                std::io::ErrorKind::ConnectionReset
                    | std::io::ErrorKind::BrokenPipe
                    | std::io::ErrorKind::ConnectionAborted
            )
        })
    };
    error.is_incomplete_message() || error.is_canceled() || error.is_closed() || is_reset()
}

async fn exchange(mut lent: Lent, call: Call, read_timeout: Duration) -> Result<Answer, Failure> {
    let uploaded = match &call.upload {
        Upload::Nothing => Arc::default(),
        Upload::Viewers(body) => body.frames(),
    };
    let is_head = call.head.method == Method::HEAD;
    let asked = call.head.headers.get(UPGRADE).cloned();
    let has_body = matches!(call.upload, Upload::Viewers(_));
    let sending = lent.sender.try_send_request(Request::from_parts(call.head, call.upload));
    let response = while_moving(sending, &uploaded, read_timeout).await?.map_err(Failure::from)?;
    if response.status() == StatusCode::SWITCHING_PROTOCOLS && !is_asked(asked.as_ref(), &response) {
        return Err(Failure { error: OriginError::Upgraded, unsent: None });
    }
    if !has_known_coding(&response) {
        return Err(Failure { error: OriginError::Coded, unsent: None });
    }
    // An origin that does not look at a body takes it for the next request (CL.0).
    lent.is_reusable = !has_body && ends_beyond_doubt(is_head, &response);
    Ok(Answer { response, lent, read_timeout })
}

/// Whether a 101 is for the one protocol that was asked for.
fn is_asked(asked: Option<&HeaderValue>, response: &Response<Incoming>) -> bool {
    let mut protocols = response.headers().get_all(UPGRADE).iter();
    match (asked, protocols.next(), protocols.next()) {
        (Some(asked), Some(protocol), None) => asked.as_bytes().eq_ignore_ascii_case(protocol.as_bytes()),
        _ => false,
    }
}

/// Whether the body is chunked or not coded at all (RFC 9112 section 6.1: nobody asked for more). The end of
/// another coding is the end of the connection, so nobody could tell whether it came whole.
fn has_known_coding(response: &Response<Incoming>) -> bool {
    let mut codings = response.headers().get_all(TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => true,
        (Some(coding), None) => coding.as_bytes().eq_ignore_ascii_case(b"chunked"),
        (Some(_), Some(_)) => false,
    }
}

/// Whether every origin means the same end of this response as we do. One that sends a body where none may be, or
/// counts by the length where we count chunks, would have the rest taken for the next request's response.
fn ends_beyond_doubt(is_head: bool, response: &Response<Incoming>) -> bool {
    let headers = response.headers();
    let is_chunked = headers.contains_key(TRANSFER_ENCODING);
    match response.status() {
        _ if is_head => false,
        StatusCode::SWITCHING_PROTOCOLS => false,
        StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED => {
            !is_chunked && !headers.contains_key(CONTENT_LENGTH)
        }
        _ => !(is_chunked && headers.contains_key(CONTENT_LENGTH)),
    }
}

/// Waits for the response's head, at most `read_timeout` longer than the request's body keeps coming.
async fn while_moving<T>(
    sending: impl Future<Output = T>,
    uploaded: &AtomicU64,
    read_timeout: Duration,
) -> Result<T, Failure> {
    let mut sending = pin!(sending);
    loop {
        let before = uploaded.load(Ordering::Relaxed);
        match timeout(read_timeout, sending.as_mut()).await {
            Ok(done) => return Ok(done),
            Err(_) if uploaded.load(Ordering::Relaxed) != before => {}
            Err(_) => return Err(Failure { error: OriginError::ReadTimeout(read_timeout), unsent: None }),
        }
    }
}

type Unsent = TrySendError<Request<Upload>>;

impl From<Unsent> for Failure {
    fn from(mut failed: Unsent) -> Self {
        let unsent = failed.take_message().map(|request| {
            let (head, upload): (Parts, Upload) = request.into_parts();
            Box::new(Call { head, upload })
        });
        Self { error: OriginError::Broken(failed.into_error()), unsent }
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut *self {
            Self::Nothing => Poll::Ready(None),
            Self::Viewers(body) => Pin::new(body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Nothing => true,
            Self::Viewers(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Nothing => SizeHint::with_exact(0),
            Self::Viewers(body) => body.size_hint(),
        }
    }
}
