//! Informational responses (1xx) on their way to a viewer: `103 Early Hints`, `102 Processing` (RFC 9110 section 15.2).
//!
//! They reach a viewer between his request's complete head and the head of its response, or not at all. A [`Gate`] is
//! open for one request. It closes when the head of its response is here, so nothing that comes late can get into what the viewer
//! is sent then. How they are written is the connection's business: [`Line`] for HTTP/1.1, `http2` for a stream of HTTP/2.

mod line;

use std::sync::Arc;

use http::{HeaderMap, Response, StatusCode};

use recant_core::limits::{INFORMATIONAL_BYTES_MAX, INFORMATIONAL_MAX};

pub(crate) use line::{InterimStream, Line};

use crate::hop;

/// Where a viewer is told something in front of a response: on his connection, or on the stream of his request.
pub(crate) trait Interjections: Send + Sync {
    /// See [`Gates::open`].
    fn open(&self) -> u64;

    /// See [`Gates::close`].
    fn close(&self, number: u64);

    /// Passes an informational response on, if the gate of this number is open and it can still come in front of the response.
    fn pass(&self, number: u64, status: StatusCode, headers: &HeaderMap);
}

/// The right to speak up in front of one response.
pub(crate) struct Gate {
    interjections: Arc<dyn Interjections>,
    number: u64,
}

/// Which gate is open, and how much has passed it.
#[derive(Debug, Default)]
pub(crate) struct Gates {
    open: Option<u64>,
    opened: u64,
    passed: usize,
    passed_bytes: usize,
}

impl Gate {
    /// Opens the gate for a request whose head is complete.
    pub(crate) fn open(interjections: &Arc<dyn Interjections>) -> Self {
        Self { interjections: interjections.clone(), number: interjections.open() }
    }

    /// Has what comes before the response to this request passed on.
    pub(crate) fn listen<B>(&self, request: &mut http::Request<B>) {
        let (interjections, number) = (self.interjections.clone(), self.number);
        hyper::ext::on_informational(request, move |response| {
            interjections.pass(number, response.status(), response.headers());
        });
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.interjections.close(self.number);
    }
}

impl Gates {
    /// Opens the next one, and says its number. One that is open still is closed by that.
    pub(crate) fn open(&mut self) -> u64 {
        self.opened += 1;
        self.open = Some(self.opened);
        (self.passed, self.passed_bytes) = (0, 0);
        self.opened
    }

    /// Closes the gate of this number, if it is the one that is open.
    pub(crate) fn close(&mut self, number: u64) {
        if self.open == Some(number) {
            self.open = None;
        }
    }

    pub(crate) fn is_any_open(&self) -> bool {
        self.open.is_some()
    }

    /// The informational response as it goes on, if the gate of this number is open and lets it. `100` is
    /// this edge's own to send, and `101` says that there is no response to come.
    pub(crate) fn admit(
        &mut self,
        number: u64,
        status: StatusCode,
        headers: &HeaderMap,
    ) -> Option<Response<()>> {
        let is_ours = matches!(status, StatusCode::CONTINUE | StatusCode::SWITCHING_PROTOCOLS);
        if is_ours || self.open != Some(number) || self.passed == INFORMATIONAL_MAX {
            return None;
        }
        let mut response = Response::new(());
        *response.status_mut() = status;
        *response.headers_mut() = headers.clone();
        hop::strip(response.headers_mut());
        let lengths = response.headers().iter().map(|(name, value)| name.as_str().len() + value.len());
        let bytes = self.passed_bytes + lengths.sum::<usize>();
        if bytes > INFORMATIONAL_BYTES_MAX {
            return None;
        }
        (self.passed, self.passed_bytes) = (self.passed + 1, bytes);
        Some(response)
    }
}
