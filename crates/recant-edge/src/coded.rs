//! An origin's body, coded on its way: before it is stored, so that a hit costs nothing.
//!
//! What may be coded is `recant_core::compression`'s business. Whoever waits for the first byte waits until the coder has
//! something to give; a body is at most [`CODED_BODY_BYTES_MAX`](recant_core::limits::CODED_BODY_BYTES_MAX) long, and so many
//! are coded at a time that the memory of all coders is bounded. Where there are more, the rest go uncoded.

use std::io::Write as _;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use brotli::CompressorWriter;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::OwnedSemaphorePermit;

use recant_core::compression::Coding;

use crate::body::{BodyError, Paced};

/// Of zlib's nine levels: its own middle one.
const GZIP_LEVEL: u32 = 6;
/// Of Brotli's eleven: the highest that is meant for coding while somebody waits.
const BROTLI_QUALITY: u32 = 5;
/// Two to this power are the bytes that Brotli looks back.
const BROTLI_WINDOW_BITS: u32 = 19;
const BROTLI_BUFFER_BYTES: usize = 4 * 1024;

/// What an origin sends, as it comes or coded.
pub(crate) enum OriginBody {
    Plain(Paced),
    Coded(Box<Coded>),
}

/// See the module.
pub(crate) struct Coded {
    inner: Paced,
    /// Gone at the end.
    coder: Option<Coder>,
    _permit: OwnedSemaphorePermit,
}

impl Coded {
    pub(crate) fn new(inner: Paced, coding: Coding, permit: OwnedSemaphorePermit) -> Self {
        Self { inner, coder: Some(Coder::new(coding)), _permit: permit }
    }
}

enum Coder {
    Gzip(GzEncoder<Vec<u8>>),
    Brotli(Box<CompressorWriter<Vec<u8>>>),
}

impl Coder {
    fn new(coding: Coding) -> Self {
        match coding {
            Coding::Gzip => Self::Gzip(GzEncoder::new(Vec::new(), Compression::new(GZIP_LEVEL))),
            Coding::Brotli => Self::Brotli(Box::new(CompressorWriter::new(
                Vec::new(),
                BROTLI_BUFFER_BYTES,
                BROTLI_QUALITY,
                BROTLI_WINDOW_BITS,
            ))),
        }
    }

    /// Takes a piece in, and gives what is ready, which may be nothing.
    fn code(&mut self, piece: &[u8]) -> Vec<u8> {
        let (written, out) = match self {
            Self::Gzip(coder) => (coder.write_all(piece), coder.get_mut()),
            Self::Brotli(coder) => (coder.write_all(piece), coder.get_mut()),
        };
        written.expect("writing into memory does not fail");
        std::mem::take(out)
    }

    fn finish(self) -> Vec<u8> {
        match self {
            Self::Gzip(coder) => coder.finish().expect("writing into memory does not fail"),
            Self::Brotli(coder) => coder.into_inner(),
        }
    }
}

impl Body for Coded {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self;
        while let Some(coder) = &mut this.coder {
            let coded = match ready!(Pin::new(&mut this.inner).poll_frame(cx)) {
                Some(Ok(frame)) => frame.data_ref().map(|piece| coder.code(piece)).unwrap_or_default(),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => this.coder.take().map(Coder::finish).unwrap_or_default(),
            };
            if !coded.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(Bytes::from(coded)))));
            }
        }
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        self.coder.is_none()
    }
}

impl Body for OriginBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut *self {
            Self::Plain(body) => Pin::new(body).poll_frame(cx),
            Self::Coded(body) => Pin::new(&mut **body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Plain(body) => body.is_end_stream(),
            Self::Coded(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Plain(body) => body.size_hint(),
            Self::Coded(body) => body.size_hint(),
        }
    }
}
