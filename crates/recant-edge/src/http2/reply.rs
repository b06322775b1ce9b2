//! What a stream's viewer is told before the response: informational responses, and that his content is awaited.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use h2::server::SendResponse;
use http::{HeaderMap, Response, StatusCode};

use crate::interim::{Gates, Interjections};

/// The answering side of one stream, until its response begins.
pub(super) struct Reply(Mutex<Speaker>);

struct Speaker {
    /// None once the response has begun.
    sender: Option<SendResponse<Bytes>>,
    gates: Gates,
}

impl Reply {
    pub(super) fn new(sender: SendResponse<Bytes>) -> Self {
        Self(Mutex::new(Speaker { sender: Some(sender), gates: Gates::default() }))
    }

    /// Says that the content is awaited (RFC 9110 section 15.2.1).
    pub(super) fn go_on(&self) {
        let mut response = Response::new(());
        *response.status_mut() = StatusCode::CONTINUE;
        self.lock().say(response);
    }

    /// What the response is sent by. From here on nothing comes in front of it.
    pub(super) fn begin(&self) -> Option<SendResponse<Bytes>> {
        self.lock().sender.take()
    }

    /// Ready when the viewer has given up.
    pub(super) fn poll_given_up(&self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.lock().sender {
            Some(sender) => sender.poll_reset(cx).map(|_| ()),
            None => Poll::Ready(()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Speaker> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Interjections for Reply {
    fn open(&self) -> u64 {
        self.lock().gates.open()
    }

    fn close(&self, number: u64) {
        self.lock().gates.close(number);
    }

    fn pass(&self, number: u64, status: StatusCode, headers: &HeaderMap) {
        let mut speaker = self.lock();
        if let Some(response) = speaker.gates.admit(number, status, headers) {
            speaker.say(response);
        }
    }
}

impl Speaker {
    fn say(&mut self, response: Response<()>) {
        if let Some(Err(error)) = self.sender.as_mut().map(|sender| sender.send_informational(response)) {
            // A stream that is broken says so to whoever sends the response.
            tracing::debug!(%error, "nobody to be told anything");
        }
    }
}
