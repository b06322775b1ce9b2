//! The feed's body: a preamble, then frames, each `length: u32, type: u8, payload` (big-endian; the length counts
//! the payload only).
//!
//! [`FrameEncoder`] writes them, [`FrameDecoder`] reads them from pieces of any size. It holds no more than one
//! frame, and no frame is longer than the limits allow. What it does not know it skips, and an entry that it cannot
//! take in is handed on as [`Frame::OpaqueEntry`], so that a plane of a newer version never stops an edge.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use recant_core::entry::{Entry, Hash, HistoryId, Kind, Scope};
use recant_core::limits::{ENTRY_BODY_BYTES_MAX, ENTRY_FRAME_HEAD_BYTES_MAX, HEARTBEAT_BYTES_MAX};
use recant_core::position::Position;
use recant_core::protocol::message::Hello;

use super::heartbeat::{from_json, to_json};
use super::question::{Question, decode_question, encode_question};

/// What a feed's body starts with: the magic and the format's version.
pub const PREAMBLE: [u8; 8] = *b"RECANT\n\x01";

/// One message of the feed, as read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// The first frame: who speaks, and what follows.
    Hello(Hello),
    /// The next entry of the log.
    Entry(Entry),
    /// The next entry of the log, of which this version can only say where it stands: its scope is unknown or its
    /// body too long. The edge raises every floor.
    OpaqueEntry {
        /// Its place.
        position: Position,
        /// The hash of the entry before it.
        prev_hash: Hash,
        /// Its own hash.
        hash: Hash,
    },
    /// A snapshot follows, of the state after this entry.
    SnapshotBegin {
        /// The history that the position belongs to.
        history: HistoryId,
        /// The last entry that the snapshot holds.
        position: Position,
        /// The hash of that entry.
        hash: Hash,
    },
    /// A part of the snapshot, as the body of an entry of this scope and kind.
    SnapshotItem {
        /// Whom it concerns.
        scope: Scope,
        /// How to read the body.
        kind: Kind,
        /// What it says.
        body: Bytes,
    },
    /// The snapshot is whole.
    SnapshotEnd,
    /// The end of the committed log, now; also sent when nothing happens, to keep the connection alive.
    Head(Position),
    /// Something that the plane would like to know.
    Question(Question),
}

/// Why a feed cannot be read on. The edge opens it anew.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The body does not start as a feed does.
    #[error("not a feed")]
    NotAFeed,
    /// The feed is in a format that this version does not read.
    #[error("a feed of format version {0}, where 1 is known")]
    Version(u8),
    /// A frame is longer than its type may be.
    #[error("a frame of type {kind} with {length} bytes")]
    TooLong {
        /// The frame's type.
        kind: u8,
        /// The payload's length.
        length: u32,
    },
    /// A frame's payload is not what its type says.
    #[error("a frame of type {kind} that cannot be read")]
    Malformed {
        /// The frame's type.
        kind: u8,
    },
}

/// The types of frames. New ones may be added; a reader skips those it does not know.
mod kind {
    pub(super) const HELLO: u8 = 1;
    pub(super) const ENTRY: u8 = 2;
    pub(super) const SNAPSHOT_BEGIN: u8 = 3;
    pub(super) const SNAPSHOT_ITEM: u8 = 4;
    pub(super) const SNAPSHOT_END: u8 = 5;
    pub(super) const HEAD: u8 = 6;
    pub(super) const QUESTION: u8 = 7;
}

/// Bytes before a frame's payload: its length and its type.
const FRAME_HEAD_BYTES: usize = 4 + 1;

/// Bytes at the start of an entry's payload that say all but its body: two hashes, position, kind, scope.
const ENTRY_HEAD_BYTES_MAX: usize = 8 + 32 + 32 + 2 + 1 + 1 + 255;

const _: () = assert!(ENTRY_HEAD_BYTES_MAX + 4 <= ENTRY_FRAME_HEAD_BYTES_MAX);
const _: () = assert!(ENTRY_BODY_BYTES_MAX + ENTRY_FRAME_HEAD_BYTES_MAX <= u32::MAX as usize);

/// Writes a feed's body, piece by piece.
#[derive(Debug)]
pub struct FrameEncoder {
    out: BytesMut,
}

impl FrameEncoder {
    /// Starts a feed: its first piece begins with the [`PREAMBLE`].
    pub fn new() -> Self {
        Self { out: PREAMBLE.as_slice().into() }
    }

    /// Appends what a feed says first.
    pub fn hello(&mut self, hello: &Hello) {
        let json = to_json(hello);
        self.frame(kind::HELLO, |out| out.put_slice(&json));
    }

    /// Appends an entry of the log. A body that is withheld is an empty one.
    pub fn entry(&mut self, entry: &Entry) {
        self.frame(kind::ENTRY, |out| {
            out.put_u64(entry.position.get());
            out.put_slice(&entry.prev_hash.0);
            out.put_slice(&entry.body_hash.0);
            put_item(out, &entry.scope, entry.kind, &entry.body);
        });
    }

    /// Appends the start of a snapshot of the state after an entry.
    pub fn snapshot_begin(&mut self, history: HistoryId, position: Position, hash: Hash) {
        self.frame(kind::SNAPSHOT_BEGIN, |out| {
            out.put_u128(history.0);
            out.put_u64(position.get());
            out.put_slice(&hash.0);
        });
    }

    /// Appends a part of the snapshot.
    pub fn snapshot_item(&mut self, scope: &Scope, kind: Kind, body: &[u8]) {
        self.frame(kind::SNAPSHOT_ITEM, |out| put_item(out, scope, kind, body));
    }

    /// Appends the end of the snapshot.
    pub fn snapshot_end(&mut self) {
        self.frame(kind::SNAPSHOT_END, |_| {});
    }

    /// Appends the end of the committed log as it is now.
    pub fn head(&mut self, head: Position) {
        self.frame(kind::HEAD, |out| out.put_u64(head.get()));
    }

    /// Appends a question.
    pub fn question(&mut self, question: &Question) {
        let json = encode_question(question);
        self.frame(kind::QUESTION, |out| out.put_slice(&json));
    }

    /// How many bytes wait to be taken.
    pub fn len(&self) -> usize {
        self.out.len()
    }

    /// Whether there is nothing to take.
    pub fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    /// Takes what was appended since the last time: whole frames, the next piece of the body.
    pub fn take(&mut self) -> Bytes {
        self.out.split().freeze()
    }

    fn frame(&mut self, kind: u8, payload: impl FnOnce(&mut BytesMut)) {
        let start = self.out.len();
        self.out.put_u32(0);
        self.out.put_u8(kind);
        payload(&mut self.out);
        let length = length_of(self.out.len() - start - FRAME_HEAD_BYTES);
        self.out[start..start + 4].copy_from_slice(&length.to_be_bytes());
    }
}

impl Default for FrameEncoder {
    fn default() -> Self {
        Self::new()
    }
}

/// What entries and parts of a snapshot have in common: kind, scope, body.
fn put_item(out: &mut BytesMut, scope: &Scope, kind: Kind, body: &[u8]) {
    out.put_u16(kind.0);
    out.put_u8(scope.tag());
    let id = scope.id().as_bytes();
    out.put_u8(u8::try_from(id.len()).expect("an id has at most ID_BYTES_MAX bytes"));
    out.put_slice(id);
    out.put_u32(length_of(body.len()));
    out.put_slice(body);
}

fn length_of(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("the plane writes no body longer than ENTRY_BODY_BYTES_MAX")
}

/// Reads a feed's body from pieces of any size.
#[derive(Debug, Default)]
pub struct FrameDecoder {
    buffer: BytesMut,
    started: bool,
    /// Bytes of a frame that is not wanted and has not arrived yet.
    skip: usize,
    /// The feed cannot be read on: nothing after an error has a meaning.
    failed: Option<FrameError>,
}

impl FrameDecoder {
    /// Starts at the first byte of a feed.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next piece of the body. Ask for all its frames before the next one, so that no more than one waits.
    pub fn push(&mut self, piece: &[u8]) {
        if self.failed.is_none() {
            let skipped = self.skip.min(piece.len());
            self.skip -= skipped;
            self.buffer.extend_from_slice(&piece[skipped..]);
        }
    }

    /// The next frame; nothing when more bytes are needed first.
    ///
    /// # Errors
    /// [`FrameError`] when the feed cannot be read on; from then on always the same.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, FrameError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        self.read().inspect_err(|error| {
            self.failed = Some(error.clone());
            self.buffer = BytesMut::new();
        })
    }

    fn read(&mut self) -> Result<Option<Frame>, FrameError> {
        if !self.started && !self.read_preamble()? {
            return Ok(None);
        }
        loop {
            let Some(&[a, b, c, d, kind]) = self.buffer.first_chunk::<FRAME_HEAD_BYTES>() else {
                return Ok(None);
            };
            let length = u32::from_be_bytes([a, b, c, d]);
            let payload_bytes = length as usize;
            let payload_bytes_max = match kind {
                kind::ENTRY | kind::SNAPSHOT_ITEM | kind::QUESTION => {
                    ENTRY_BODY_BYTES_MAX + ENTRY_FRAME_HEAD_BYTES_MAX
                }
                kind::HELLO | kind::SNAPSHOT_BEGIN | kind::SNAPSHOT_END | kind::HEAD => HEARTBEAT_BYTES_MAX,
                _unknown => {
                    self.buffer.advance(FRAME_HEAD_BYTES);
                    self.skip_over(payload_bytes);
                    continue;
                }
            };
            if payload_bytes > payload_bytes_max {
                return match kind {
                    kind::ENTRY => self.read_oversized_entry(payload_bytes),
                    _ => Err(FrameError::TooLong { kind, length }),
                };
            }
            if self.buffer.len() < FRAME_HEAD_BYTES + payload_bytes {
                return Ok(None);
            }
            self.buffer.advance(FRAME_HEAD_BYTES);
            let payload = self.buffer.split_to(payload_bytes).freeze();
            // A part of a snapshot with an unknown scope has no frame: what it configures is not known here.
            if let Some(frame) = parse(kind, payload).ok_or(FrameError::Malformed { kind })? {
                return Ok(Some(frame));
            }
        }
    }

    /// Whether the preamble is complete and right.
    fn read_preamble(&mut self) -> Result<bool, FrameError> {
        let Some(preamble) = self.buffer.first_chunk::<{ PREAMBLE.len() }>() else { return Ok(false) };
        if preamble[..7] != PREAMBLE[..7] {
            return Err(FrameError::NotAFeed);
        }
        if preamble[7] != PREAMBLE[7] {
            return Err(FrameError::Version(preamble[7]));
        }
        self.buffer.advance(PREAMBLE.len());
        self.started = true;
        Ok(true)
    }

    /// Reads only where the entry stands, and lets its body pass by.
    fn read_oversized_entry(&mut self, payload_bytes: usize) -> Result<Option<Frame>, FrameError> {
        if self.buffer.len() < FRAME_HEAD_BYTES + ENTRY_HEAD_BYTES_MAX {
            return Ok(None);
        }
        self.buffer.advance(FRAME_HEAD_BYTES);
        let head = Bytes::copy_from_slice(&self.buffer[..ENTRY_HEAD_BYTES_MAX]);
        self.skip_over(payload_bytes);
        let entry = RawEntry::parse(head).ok_or(FrameError::Malformed { kind: kind::ENTRY })?;
        Ok(Some(entry.into_opaque()))
    }

    fn skip_over(&mut self, bytes: usize) {
        let here = bytes.min(self.buffer.len());
        self.buffer.advance(here);
        self.skip = bytes - here;
    }
}

/// What a whole payload of a known type says; outer nothing when it is malformed, inner when it has no frame here.
/// Bytes after what is read are ignored: room for later.
fn parse(kind: u8, mut payload: Bytes) -> Option<Option<Frame>> {
    let frame = match kind {
        kind::HELLO => Frame::Hello(from_json(&payload).ok()?),
        kind::ENTRY => RawEntry::parse(payload)?.into_frame()?,
        kind::SNAPSHOT_BEGIN => Frame::SnapshotBegin {
            history: HistoryId(payload.try_get_u128().ok()?),
            position: Position::new(payload.try_get_u64().ok()?),
            hash: take_hash(&mut payload)?,
        },
        kind::SNAPSHOT_ITEM => {
            let item = RawItem::parse(&mut payload)?;
            let body = take_body(payload)?;
            match item.scope() {
                Some(scope) => Frame::SnapshotItem { scope, kind: item.kind, body },
                None => return Some(None),
            }
        }
        kind::SNAPSHOT_END => Frame::SnapshotEnd,
        kind::HEAD => Frame::Head(Position::new(payload.try_get_u64().ok()?)),
        // One that is not understood is not answered, which is an answer, too.
        kind::QUESTION => match decode_question(&payload) {
            Some(question) => Frame::Question(question),
            None => return Some(None),
        },
        _ => return Some(None),
    };
    Some(Some(frame))
}

/// An entry whose scope may be unknown, and the bytes that follow its head.
struct RawEntry {
    position: Position,
    prev_hash: Hash,
    body_hash: Hash,
    item: RawItem,
    rest: Bytes,
}

impl RawEntry {
    fn parse(mut payload: Bytes) -> Option<Self> {
        Some(Self {
            position: Position::new(payload.try_get_u64().ok()?),
            prev_hash: take_hash(&mut payload)?,
            body_hash: take_hash(&mut payload)?,
            item: RawItem::parse(&mut payload)?,
            rest: payload,
        })
    }

    fn into_frame(self) -> Option<Frame> {
        let body = take_body(self.rest.clone())?;
        if body.len() > ENTRY_BODY_BYTES_MAX {
            return Some(self.into_opaque());
        }
        Some(match self.item.scope() {
            Some(scope) => Frame::Entry(Entry {
                position: self.position,
                prev_hash: self.prev_hash,
                scope,
                kind: self.item.kind,
                body_hash: self.body_hash,
                body,
            }),
            None => self.into_opaque(),
        })
    }

    fn into_opaque(self) -> Frame {
        let Self { position, prev_hash, body_hash, item, .. } = self;
        let hash =
            Entry::hash_of(prev_hash, position, item.kind, (item.scope_tag, &item.scope_id), body_hash);
        Frame::OpaqueEntry { position, prev_hash, hash }
    }
}

/// Kind and scope as they stand in the frame.
struct RawItem {
    kind: Kind,
    scope_tag: u8,
    scope_id: Bytes,
}

impl RawItem {
    fn parse(payload: &mut Bytes) -> Option<Self> {
        let kind = Kind(payload.try_get_u16().ok()?);
        let scope_tag = payload.try_get_u8().ok()?;
        let scope_id = payload.try_get_u8().ok()?.into();
        Some(Self { kind, scope_tag, scope_id: take(payload, scope_id)? })
    }

    fn scope(&self) -> Option<Scope> {
        Scope::from_parts(self.scope_tag, std::str::from_utf8(&self.scope_id).ok()?)
    }
}

fn take(payload: &mut Bytes, bytes: usize) -> Option<Bytes> {
    (bytes <= payload.len()).then(|| payload.split_to(bytes))
}

fn take_hash(payload: &mut Bytes) -> Option<Hash> {
    take(payload, 32)?.as_ref().try_into().ok().map(Hash)
}

fn take_body(mut payload: Bytes) -> Option<Bytes> {
    let bytes = payload.try_get_u32().ok()?;
    take(&mut payload, bytes as usize)
}
