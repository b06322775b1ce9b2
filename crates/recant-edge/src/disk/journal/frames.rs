//! The journal's frames: each `length: u32, crc: u32, kind: u8, payload` (big-endian; the length counts the payload, the CRC-32 is
//! over kind and payload).
//!
//! Most are frames of the feed, as `recant-wire` writes and reads them; a few say what the feed never does.

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};

use recant_core::entry::{Change, Entry, Hash, Scope};
use recant_core::limits::{ENTRY_BODY_BYTES_MAX, ENTRY_FRAME_HEAD_BYTES_MAX};
use recant_core::position::Position;
use recant_core::protocol::message::Applied;
use recant_core::rules::{Held, HeldRule};
use recant_wire::feed::{FrameEncoder, PREAMBLE, body};

/// What the file starts with: the magic and the format's version.
pub(super) const MAGIC: [u8; 8] = *b"RCNTJRN\x01";

/// Bytes before a payload.
pub(super) const HEAD_BYTES: usize = 4 + 4 + 1;

/// Bytes of a payload. A feed's frame has five more bytes than what it holds.
pub(super) const PAYLOAD_BYTES_MAX: usize = ENTRY_BODY_BYTES_MAX + ENTRY_FRAME_HEAD_BYTES_MAX + 64;

/// The kinds of frames.
pub(super) mod kind {
    /// A frame of the feed.
    pub(in super::super) const FEED: u8 = 0;
    /// The first: whose understanding of the log this is.
    pub(in super::super) const BEGIN: u8 = 1;
    /// The rules of one scope, in place of the floor that the snapshot gives it.
    pub(in super::super) const RULES: u8 = 2;
    /// An entry of which only its place is known.
    pub(in super::super) const OPAQUE: u8 = 3;
    /// Up to where responses of one segment are known to be valid.
    pub(in super::super) const VALID: u8 = 4;
}

/// Who wrote the journal. **Another version may understand more of a body, so it does not go on with what this one has made of
/// it**: members that this version does not know are not among what it keeps.
pub(super) fn understanding() -> Vec<u8> {
    let mut payload = body::UNDERSTANDING.to_be_bytes().to_vec();
    payload.extend_from_slice(env!("CARGO_PKG_VERSION").as_bytes());
    payload
}

pub(super) fn begin() -> Bytes {
    let mut out = BytesMut::new();
    put(&mut out, kind::BEGIN, &understanding());
    out.freeze()
}

pub(super) fn snapshot_begin(applied: &Applied) -> Bytes {
    feed(|frames| frames.snapshot_begin(applied.history, applied.position, applied.hash))
}

pub(super) fn snapshot_item(change: &Change) -> Bytes {
    feed(|frames| frames.snapshot_item(&change.scope(), change.kind(), &body::encode(change)))
}

pub(super) fn snapshot_end() -> Bytes {
    feed(FrameEncoder::snapshot_end)
}

pub(super) fn entry(entry: &Entry) -> Bytes {
    feed(|frames| frames.entry(entry))
}

pub(super) fn opaque(position: Position, prev_hash: Hash, hash: Hash) -> Bytes {
    let mut payload = position.get().to_be_bytes().to_vec();
    payload.extend_from_slice(&prev_hash.0);
    payload.extend_from_slice(&hash.0);
    let mut out = BytesMut::new();
    put(&mut out, kind::OPAQUE, &payload);
    out.freeze()
}

pub(super) fn read_opaque(mut payload: Bytes) -> Option<(Position, Hash, Hash)> {
    let position = Position::new(payload.try_get_u64().ok()?);
    let (mut prev_hash, mut hash) = ([0; 32], [0; 32]);
    payload.try_copy_to_slice(&mut prev_hash).ok()?;
    payload.try_copy_to_slice(&mut hash).ok()?;
    Some((position, Hash(prev_hash), Hash(hash)))
}

pub(super) fn rules(scope: &Scope, held: &Held) -> Bytes {
    let mut payload = BytesMut::new();
    payload.put_u8(scope.tag());
    put_text(&mut payload, scope.id().as_bytes());
    payload.put_u64(held.floor.get());
    for rules in [&held.paths, &held.tags] {
        payload.put_u32(u32::try_from(rules.len()).expect("rules are bounded by their limits"));
        for HeldRule { text, is_prefix, at } in rules {
            payload.put_u8(u8::from(*is_prefix));
            payload.put_u64(at.get());
            put_text(&mut payload, text);
        }
    }
    let mut out = BytesMut::new();
    put(&mut out, kind::RULES, &payload);
    out.freeze()
}

pub(super) fn read_rules(mut payload: Bytes) -> Option<(Scope, Held)> {
    let tag = payload.try_get_u8().ok()?;
    let id = take_text(&mut payload)?;
    let scope = Scope::from_parts(tag, std::str::from_utf8(&id).ok()?)?;
    let mut held = Held { floor: Position::new(payload.try_get_u64().ok()?), ..Held::default() };
    for rules in [&mut held.paths, &mut held.tags] {
        for _ in 0..payload.try_get_u32().ok()? {
            let is_prefix = payload.try_get_u8().ok()? == 1;
            let at = Position::new(payload.try_get_u64().ok()?);
            rules.push(HeldRule { text: take_text(&mut payload)?.into(), is_prefix, at });
        }
    }
    Some((scope, held))
}

pub(super) fn valid((segment, birth): (u32, u64), known: &[(u32, Position)]) -> Bytes {
    let mut payload = BytesMut::new();
    payload.put_u32(segment);
    payload.put_u64(birth);
    for (offset, valid) in known {
        payload.put_u32(*offset);
        payload.put_u64(valid.get());
    }
    let mut out = BytesMut::new();
    put(&mut out, kind::VALID, &payload);
    out.freeze()
}

/// What the segment is, and what is known of the responses there.
pub(super) type ReadValid = ((u32, u64), Vec<(u32, Position)>);

pub(super) fn read_valid(mut payload: Bytes) -> Option<ReadValid> {
    let segment = (payload.try_get_u32().ok()?, payload.try_get_u64().ok()?);
    let mut known = Vec::with_capacity(payload.len() / VALID_BYTES);
    while !payload.is_empty() {
        known.push((payload.try_get_u32().ok()?, Position::new(payload.try_get_u64().ok()?)));
    }
    Some((segment, known))
}

/// Bytes of what is known of one response.
const VALID_BYTES: usize = 4 + 8;

/// One frame of the feed, without the preamble.
fn feed(write: impl FnOnce(&mut FrameEncoder)) -> Bytes {
    let mut frames = FrameEncoder::new();
    write(&mut frames);
    let mut out = BytesMut::new();
    put(&mut out, kind::FEED, &frames.take()[PREAMBLE.len()..]);
    out.freeze()
}

fn put(out: &mut BytesMut, kind: u8, payload: &[u8]) {
    out.put_u32(u32::try_from(payload.len()).expect("a payload is shorter than 4 GiB"));
    out.put_u32(checksum(kind, payload));
    out.put_u8(kind);
    out.put_slice(payload);
}

pub(super) fn checksum(kind: u8, payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&[kind]);
    hasher.update(payload);
    hasher.finalize()
}

fn put_text(out: &mut BytesMut, text: &[u8]) {
    out.put_u32(u32::try_from(text.len()).expect("a text is shorter than 4 GiB"));
    out.put_slice(text);
}

fn take_text(payload: &mut Bytes) -> Option<Bytes> {
    let length = payload.try_get_u32().ok()? as usize;
    (length <= payload.len()).then(|| payload.split_to(length))
}
