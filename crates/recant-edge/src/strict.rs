//! The requests of an HTTP/1.1 connection as bytes, looked at before hyper reads them.
//!
//! hyper is generous where two recipients may differ: it takes a bare line feed for the end of a line, of a length
//! beside a transfer coding it drops the length, repeated lengths it makes one, a fragment it cuts off; and what it hands over has no
//! trace of it. Whoever stands in front of this edge may have read such a request as another one. So the stream follows
//! where heads begin and end, and notes which one is in doubt; [`Doubts::of`] has that request refused.
//!
//! ```text
//! head ── no body ──────────▶ head
//!   │ ─── Content-Length ───▶ so many bytes ────▶ head
//!   │ ─── chunked ──────────▶ chunks, trailers ─▶ head
//!   │ ─── in doubt ─────────▶ nothing of the connection is read any more
//! ```
//!
//! **It never changes a byte, and it is hyper that says what a request is.** So an error here could refuse too much, and
//! let nothing through that was not let through before.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use memchr::memchr;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::target::Ambiguous;

/// Bytes of a line that are kept when it comes in pieces. What is looked for is shorter, or is refused for its length.
const LINE_KEPT_BYTES_MAX: usize = 256;

/// Digits of a chunk's size: hyper's own bound, that of 64 bits.
const SIZE_DIGITS_MAX: u8 = 16;

/// Which request of a connection is in doubt, if one is; there is never a second one.
#[derive(Debug, Default)]
pub(crate) struct Doubts {
    found: OnceLock<(u64, Ambiguous)>,
    /// The connection is left for another protocol: what comes is no request.
    is_left: AtomicBool,
}

impl Doubts {
    /// Follows the connection no further.
    pub(crate) fn leave(&self) {
        self.is_left.store(true, Ordering::Relaxed);
    }

    /// Why the connection's request of this number, counted from one, is refused.
    pub(crate) fn of(&self, number: u64) -> Option<Ambiguous> {
        self.found.get().filter(|(doubtful, _)| *doubtful == number).map(|(_, why)| *why)
    }
}

/// See the module.
pub(crate) struct StrictStream<S> {
    stream: S,
    follower: Follower,
    doubts: Arc<Doubts>,
}

impl<S> StrictStream<S> {
    pub(crate) fn new(stream: S, doubts: Arc<Doubts>) -> Self {
        Self { stream, follower: Follower::default(), doubts }
    }
}

/// Where in a connection's requests the next byte belongs.
#[derive(Debug)]
struct Follower {
    place: Place,
    /// Heads that have begun.
    heads: u64,
    head: Head,
    /// The line's beginning, from reads before.
    line: Vec<u8>,
    /// Whether the last byte of those reads was a carriage return.
    ends_in_return: bool,
}

impl Default for Follower {
    fn default() -> Self {
        Self { place: Place::Start, heads: 0, head: Head::default(), line: Vec::new(), ends_in_return: false }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Before a request's first line; empty lines may come before it (RFC 9112 section 2.2).
    Start,
    Fields,
    /// So many bytes of a body.
    Body(u64),
    /// In a chunk's size.
    Size {
        so_far: u64,
        digits: u8,
    },
    /// In what follows it up to the line's end.
    Extension {
        size: u64,
    },
    /// The line feed is still to come.
    SizeEnd {
        size: u64,
    },
    /// So many bytes of a chunk and its line end.
    Chunk(u64),
    Trailers,
    /// A head was in doubt: nothing more is for hyper.
    Doubt,
}

/// What the fields of a head say of the body, as far as they have come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Head {
    length: Option<u64>,
    is_coded: bool,
    doubt: Option<Ambiguous>,
}

/// What cuts the connection off: the end of a body could not be found.
#[derive(Debug, thiserror::Error)]
#[error("a chunked body that could be read in two ways")]
struct Unframed;

impl Follower {
    /// Takes in what has come, and says how much of it hyper may have, and what is in doubt about a head that ends there.
    fn follow(&mut self, bytes: &[u8]) -> Result<(usize, Option<Ambiguous>), Unframed> {
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            match self.place {
                Place::Start | Place::Fields | Place::Trailers => {
                    let end = memchr(b'\n', rest);
                    let piece = &rest[..end.unwrap_or(rest.len())];
                    at += piece.len() + usize::from(end.is_some());
                    if end.is_none() {
                        self.keep(piece);
                    } else if let Some(doubt) = self.end_line(piece)? {
                        return Ok((at, Some(doubt)));
                    }
                }
                Place::Body(left) => {
                    let taken = (rest.len() as u64).min(left);
                    at += taken as usize;
                    self.place = if taken == left { Place::Start } else { Place::Body(left - taken) };
                }
                Place::Chunk(left) => {
                    let taken = (rest.len() as u64).min(left);
                    at += taken as usize;
                    self.place = match left - taken {
                        0 => Place::Size { so_far: 0, digits: 0 },
                        left => Place::Chunk(left),
                    };
                }
                Place::Size { .. } | Place::Extension { .. } | Place::SizeEnd { .. } => {
                    self.place = self.place.after(rest[0])?;
                    at += 1;
                }
                Place::Doubt => return Ok((at, None)),
            }
        }
        Ok((at, None))
    }

    fn keep(&mut self, piece: &[u8]) {
        let room = LINE_KEPT_BYTES_MAX.saturating_sub(self.line.len());
        self.line.extend_from_slice(&piece[..piece.len().min(room)]);
        if let Some(last) = piece.last() {
            self.ends_in_return = *last == b'\r';
        }
    }

    /// A line's end: of this last piece, and of what was kept of it.
    fn end_line(&mut self, piece: &[u8]) -> Result<Option<Ambiguous>, Unframed> {
        if self.line.is_empty() {
            return match piece.strip_suffix(b"\r") {
                Some(line) => self.line(line, true),
                None => self.line(piece, false),
            };
        }
        self.keep(piece);
        let line = std::mem::take(&mut self.line);
        self.line(line.strip_suffix(b"\r").unwrap_or(&line), self.ends_in_return)
    }

    /// A whole line without its end, which is the right one or a bare line feed.
    fn line(&mut self, line: &[u8], is_strict: bool) -> Result<Option<Ambiguous>, Unframed> {
        if self.place == Place::Trailers {
            return match (is_strict, line.is_empty()) {
                (false, _) => Err(Unframed),
                (true, true) => {
                    self.place = Place::Start;
                    Ok(None)
                }
                (true, false) => Ok(None),
            };
        }
        if !is_strict {
            self.head.doubt.get_or_insert(Ambiguous::BareLineFeed);
        }
        match (self.place, line.is_empty()) {
            (Place::Start, true) => {}
            (Place::Start, false) => {
                self.heads += 1;
                self.place = Place::Fields;
                if line.contains(&b'#') {
                    self.head.doubt.get_or_insert(Ambiguous::Fragment);
                }
            }
            (_, false) => self.head.field(line),
            (_, true) => {
                let head = std::mem::take(&mut self.head);
                self.place = head.body();
                if head.doubt.is_some() {
                    self.place = Place::Doubt;
                }
                return Ok(head.doubt);
            }
        }
        Ok(None)
    }
}

impl Head {
    fn field(&mut self, line: &[u8]) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { return };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"content-length") {
            // hyper refuses what is no number.
            let length = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
            if self.length.replace(length.unwrap_or(0)).is_some() {
                self.doubt.get_or_insert(Ambiguous::SeveralLengths);
            }
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.is_coded = true;
        } else {
            return;
        }
        if line.len() >= LINE_KEPT_BYTES_MAX {
            self.doubt.get_or_insert(Ambiguous::LongFraming);
        }
        if self.is_coded && self.length.is_some() {
            self.doubt.get_or_insert(Ambiguous::LengthAndCoding);
        }
    }

    fn body(&self) -> Place {
        match self.length {
            _ if self.is_coded => Place::Size { so_far: 0, digits: 0 },
            None | Some(0) => Place::Start,
            Some(length) => Place::Body(length),
        }
    }
}

impl Place {
    /// After one more byte of a chunk's first line (RFC 9112 section 7.1).
    fn after(self, byte: u8) -> Result<Self, Unframed> {
        match (self, byte) {
            (Self::Size { so_far, digits }, _) if byte.is_ascii_hexdigit() => {
                if digits == SIZE_DIGITS_MAX {
                    return Err(Unframed);
                }
                let digit = char::from(byte).to_digit(16).unwrap_or_default();
                Ok(Self::Size { so_far: so_far << 4 | u64::from(digit), digits: digits + 1 })
            }
            (Self::Size { digits: 0, .. }, _) => Err(Unframed),
            (Self::Size { so_far: size, .. } | Self::Extension { size }, b'\r') => Ok(Self::SizeEnd { size }),
            (Self::Size { .. } | Self::Extension { .. }, b'\n') => Err(Unframed),
            (Self::Size { so_far: size, .. } | Self::Extension { size }, _) => Ok(Self::Extension { size }),
            (Self::SizeEnd { size: 0 }, b'\n') => Ok(Self::Trailers),
            // The chunk, and the line end after it: hyper refuses another one.
            (Self::SizeEnd { size }, b'\n') => Ok(Self::Chunk(size.saturating_add(2))),
            _ => Err(Unframed),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for StrictStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.doubts.is_left.load(Ordering::Relaxed) {
            return Pin::new(&mut this.stream).poll_read(cx, buf);
        }
        if this.follower.place == Place::Doubt {
            // The refusal closes the connection; until then hyper is not to take the silence for an end.
            return Poll::Pending;
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
        let followed = this.follower.follow(&buf.filled()[before..]);
        let (taken, doubt) = followed.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        if let Some(doubt) = doubt {
            buf.set_filled(before + taken);
            let head = this.follower.heads;
            this.doubts.found.set((head, doubt)).expect("nothing is followed after the first doubt");
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for StrictStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
