//! Informational responses on a connection of HTTP/1.1.
//!
//! hyper's server side cannot send them. They are written to the viewer's connection in front of the response that
//! hyper will write there, and only while it has nothing else to write: between a request's complete head and the head
//! of its response, when all of the response before has been flushed. A viewer who pipelines may miss one.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use http::{HeaderMap, StatusCode};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{Gates, Interjections};

/// What the viewer's connection and those who speak up in between share.
#[derive(Debug, Default)]
pub(crate) struct Line {
    /// A gate is open, or something is still to be written: only then the connection looks at the queue.
    is_active: AtomicBool,
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    bytes: Vec<u8>,
    state: State,
    gates: Gates,
    waker: Option<Waker>,
}

/// What is known of the connection since the gate has been open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Nothing: what comes waits until it is known that all before it is flushed.
    #[default]
    Unknown,
    /// hyper has nothing to write.
    Flushed,
    /// hyper is writing: nothing may come between.
    Busy,
}

impl Interjections for Line {
    fn open(&self) -> u64 {
        let mut queue = self.lock();
        queue.state = State::Unknown;
        self.is_active.store(true, Ordering::Relaxed);
        queue.gates.open()
    }

    fn close(&self, number: u64) {
        self.lock().gates.close(number);
    }

    fn pass(&self, number: u64, status: StatusCode, headers: &HeaderMap) {
        let mut queue = self.lock();
        if queue.state == State::Busy {
            return;
        }
        let Some(response) = queue.gates.admit(number, status, headers) else { return };
        let reason = status.canonical_reason().unwrap_or_default();
        queue.bytes.extend_from_slice(format!("HTTP/1.1 {} {reason}\r\n", status.as_str()).as_bytes());
        for (name, value) in response.headers() {
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
}

impl Line {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A viewer's connection that lets others speak up.
pub(crate) struct InterimStream<S> {
    stream: S,
    line: Arc<Line>,
}

impl<S: AsyncWrite + Unpin> InterimStream<S> {
    pub(crate) fn new(stream: S, line: Arc<Line>) -> Self {
        Self { stream, line }
    }

    /// Writes what is to go first, before hyper does what brings the connection into this state.
    fn poll_interjected(&mut self, cx: &mut Context<'_>, state: State) -> Poll<io::Result<()>> {
        if !self.line.is_active.load(Ordering::Relaxed) {
            return Poll::Ready(Ok(()));
        }
        let mut queue = self.line.lock();
        if queue.state == State::Unknown && state == State::Busy {
            // Part of the response before: what came is too early to be told.
            queue.bytes.clear();
        }
        queue.state = state;
        while !queue.bytes.is_empty() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(cx, &queue.bytes))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            queue.bytes.drain(..written);
        }
        if !queue.gates.is_any_open() {
            self.line.is_active.store(false, Ordering::Relaxed);
        } else if state == State::Flushed {
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
        ready!(self.poll_interjected(cx, State::Busy))?;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_interjected(cx, State::Busy))?;
        Pin::new(&mut self.stream).poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// hyper flushes when it has nothing left to write.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_interjected(cx, State::Flushed))?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
