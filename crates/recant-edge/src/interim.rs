//! Informational responses (1xx) on their way to a viewer: `103 Early Hints`, `102 Processing` (RFC 9110 section 15.2).
//!
//! hyper's server side cannot send them. They are written to the viewer's connection in front of the response that
//! hyper will write there, and only while it has nothing else to write: between a request's complete head and the head
//! of its response, when all of the response before has been flushed. A viewer who pipelines may miss one.
//!
//! A [`Gate`] is open for one request. It closes when the head of its response is here, so nothing that comes late
//! can get into the middle of what the viewer is sent then.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use http::{HeaderMap, StatusCode};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use recant_core::limits::INFORMATIONAL_MAX;

use crate::hop;

/// What the viewer's connection and those who speak up in between share.
#[derive(Debug, Default)]
pub(crate) struct Interjections {
    /// A gate is open, or something is still to be written: only then the connection looks at the queue.
    is_active: AtomicBool,
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    bytes: Vec<u8>,
    line: Line,
    /// The gate that is open, by its number.
    open: Option<u64>,
    gates: u64,
    passed: usize,
    waker: Option<Waker>,
}

/// What is known of the connection since the gate has been open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Line {
    /// Nothing: what comes waits until it is known that all before it is flushed.
    #[default]
    Unknown,
    /// hyper has nothing to write.
    Flushed,
    /// hyper is writing: nothing may come between.
    Busy,
}

/// The right to speak up in front of one response.
pub(crate) struct Gate {
    interjections: Arc<Interjections>,
    number: u64,
}

impl Interjections {
    /// Opens the gate for a request whose head is complete.
    pub(crate) fn open(self: &Arc<Self>) -> Gate {
        let mut queue = self.lock();
        queue.gates += 1;
        queue.open = Some(queue.gates);
        queue.passed = 0;
        queue.line = Line::Unknown;
        self.is_active.store(true, Ordering::Relaxed);
        Gate { interjections: self.clone(), number: queue.gates }
    }

    /// Passes an informational response on, if the gate of this number is open and nothing is being written.
    fn pass(&self, number: u64, status: StatusCode, headers: &HeaderMap) {
        let is_ours = matches!(status, StatusCode::CONTINUE | StatusCode::SWITCHING_PROTOCOLS);
        let mut queue = self.lock();
        let is_open = queue.open == Some(number) && queue.line != Line::Busy;
        if is_ours || !is_open || queue.passed == INFORMATIONAL_MAX {
            return;
        }
        queue.passed += 1;
        let mut headers = headers.clone();
        hop::strip(&mut headers);
        let reason = status.canonical_reason().unwrap_or_default();
        queue.bytes.extend_from_slice(format!("HTTP/1.1 {} {reason}\r\n", status.as_str()).as_bytes());
        for (name, value) in &headers {
            queue.bytes.extend_from_slice(name.as_str().as_bytes());
            queue.bytes.extend_from_slice(b": ");
            queue.bytes.extend_from_slice(value.as_bytes());
            queue.bytes.extend_from_slice(b"\r\n");
        }
        queue.bytes.extend_from_slice(b"\r\n");
        if let Some(waker) = queue.waker.take() {
            waker.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Gate {
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
        let mut queue = self.interjections.lock();
        if queue.open == Some(self.number) {
            queue.open = None;
        }
    }
}

/// A viewer's connection that lets others speak up.
pub(crate) struct InterimStream<S> {
    stream: S,
    interjections: Arc<Interjections>,
}

impl<S: AsyncWrite + Unpin> InterimStream<S> {
    pub(crate) fn new(stream: S, interjections: Arc<Interjections>) -> Self {
        Self { stream, interjections }
    }

    /// Writes what is to go first, before hyper does what makes the line this.
    fn poll_interjected(&mut self, cx: &mut Context<'_>, line: Line) -> Poll<io::Result<()>> {
        if !self.interjections.is_active.load(Ordering::Relaxed) {
            return Poll::Ready(Ok(()));
        }
        let mut queue = self.interjections.lock();
        if queue.line == Line::Unknown && line == Line::Busy {
            // Part of the response before: what came is too early to be told.
            queue.bytes.clear();
        }
        queue.line = line;
        while !queue.bytes.is_empty() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(cx, &queue.bytes))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            queue.bytes.drain(..written);
        }
        if queue.open.is_none() {
            self.interjections.is_active.store(false, Ordering::Relaxed);
        } else if line == Line::Flushed {
            queue.waker = Some(cx.waker().clone());
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for InterimStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for InterimStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_interjected(cx, Line::Busy))?;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_interjected(cx, Line::Busy))?;
        Pin::new(&mut self.stream).poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// hyper flushes when it has nothing left to write.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_interjected(cx, Line::Flushed))?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
