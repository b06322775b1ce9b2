//! A connection whose other end has to read: patience that ends.
//!
//! What is sent and not read fills the kernel's buffers, and then a connection waits. Whoever asks and never reads would hold
//! connections, and the answers on them, for as long as he likes; so nothing is waited for longer than [`API_SEND_TIME_MAX`]
//! without a byte having gone. Who reads slowly is not cut off.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use recant_core::limits::API_SEND_TIME_MAX;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// A connection that is given up when nothing can be sent for too long.
pub(super) struct Patient<C> {
    connection: C,
    /// There while something waits to be sent.
    waits: Option<Pin<Box<Sleep>>>,
}

impl<C> Patient<C> {
    pub(super) fn new(connection: C) -> Self {
        Self { connection, waits: None }
    }

    /// An attempt to send, unless there were too many in vain.
    fn judge<T>(&mut self, cx: &mut Context<'_>, sent: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if sent.is_ready() {
            self.waits = None;
            return sent;
        }
        let waits = self.waits.get_or_insert_with(|| Box::pin(tokio::time::sleep(API_SEND_TIME_MAX)));
        waits.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<C: AsyncRead + Unpin> AsyncRead for Patient<C> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_read(cx, into)
    }
}

impl<C: AsyncWrite + Unpin> AsyncWrite for Patient<C> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let sent = Pin::new(&mut self.connection).poll_write(cx, bytes);
        self.judge(cx, sent)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let sent = Pin::new(&mut self.connection).poll_write_vectored(cx, slices);
        self.judge(cx, sent)
    }

    fn is_write_vectored(&self) -> bool {
        self.connection.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.connection).poll_flush(cx);
        self.judge(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_reads_nothing_is_given_up() {
        let (near, far) = tokio::io::duplex(64);
        let mut near = Patient::new(near);
        let began = Instant::now();
        let error = near.write_all(&[0; 1_000]).await.unwrap_err();
        assert_eq!((error.kind(), began.elapsed()), (io::ErrorKind::TimedOut, API_SEND_TIME_MAX));
        drop(far);
    }

    #[tokio::test(start_paused = true)]
    async fn who_reads_slowly_gets_it_all() {
        let (near, mut far) = tokio::io::duplex(64);
        let mut near = Patient::new(near);
        let pause = API_SEND_TIME_MAX - Duration::from_secs(1);
        let reading = async {
            let mut piece = [0; 64];
            let mut bytes = 0;
            while bytes < 640 {
                tokio::time::sleep(pause).await;
                bytes += far.read(&mut piece).await.unwrap();
            }
            bytes
        };
        let (sent, read) = tokio::join!(near.write_all(&[0; 640]), reading);
        sent.unwrap();
        assert_eq!(read, 640);
    }
}
