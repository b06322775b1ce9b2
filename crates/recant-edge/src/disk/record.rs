//! One stored response as bytes, and the note that one is gone. See docs/design/formats.md.
//!
//! ```text
//!   prefix: length of the head, length of the body, CRC of the head, CRC of the body
//!   head:   what must be known to judge it: stamp, key, tags, …
//!   body
//! ```
//!
//! The head's CRC covers the prefix, too, and the place and the birth of the segment: what lies elsewhere than it was written is none.
//! A head is read without its body; a body is looked at only when it is served.

use std::time::Duration;

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use http::StatusCode;

use recant_core::cache_key::CacheKey;
use recant_core::freshness::{Stale, Terms};
use recant_core::limits::{DISK_HEAD_BYTES_MAX, STORED_BODY_BYTES_MAX};
use recant_core::position::Position;
use recant_core::tag::CacheTag;
use recant_core::time::WallTime;
use recant_core::vary::Selecting;

use crate::store::{Fields, Stored};

/// Bytes before a head.
pub(super) const PREFIX_BYTES: usize = 16;

const RESPONSE: u8 = 1;
const REMOVAL: u8 = 2;

const NO_CACHE: u8 = 1;
const CODED_HERE: u8 = 2;

/// Which of the responses under one key: told apart by what selects them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Variant(u32);

impl Variant {
    pub(crate) fn of(selecting: &Selecting) -> Self {
        Self(crc32fast::hash(&selecting.to_bytes()))
    }
}

/// What makes a record's checksum its own: where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seat {
    pub(super) birth: u64,
    pub(super) offset: u32,
}

/// The beginning of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Prefix {
    pub(super) head_bytes: u32,
    pub(super) body_bytes: u32,
    head_crc: u32,
    body_crc: u32,
}

/// What a head says.
#[derive(Debug)]
pub(super) enum Head {
    Response(Box<ResponseHead>),
    /// What was stored under this key before is gone: all of it, or one variant.
    Removal {
        key: CacheKey,
        variant: Option<Variant>,
    },
}

/// A stored response without its body.
#[derive(Debug)]
pub(crate) struct ResponseHead {
    pub(super) stamp: Position,
    pub(crate) key: CacheKey,
    pub(crate) tags: Vec<CacheTag>,
    pub(super) status: StatusCode,
    pub(super) terms: Terms,
    pub(super) response_time: WallTime,
    pub(super) selecting: Selecting,
    pub(super) is_coded_here: bool,
    pub(super) fields: Fields,
}

impl Prefix {
    /// Nothing where no record begins.
    pub(super) fn read(bytes: &[u8; PREFIX_BYTES]) -> Option<Self> {
        let mut bytes = &bytes[..];
        let prefix = Self {
            head_bytes: bytes.get_u32(),
            body_bytes: bytes.get_u32(),
            head_crc: bytes.get_u32(),
            body_crc: bytes.get_u32(),
        };
        let is_possible = (1..=DISK_HEAD_BYTES_MAX).contains(&(prefix.head_bytes as usize))
            && prefix.body_bytes as usize <= STORED_BODY_BYTES_MAX;
        is_possible.then_some(prefix)
    }

    /// Bytes of the whole record.
    pub(super) fn record_bytes(&self) -> u64 {
        PREFIX_BYTES as u64 + u64::from(self.head_bytes) + u64::from(self.body_bytes)
    }

    /// What the head says, if it is the one that was written at this place.
    pub(super) fn head(&self, seat: Seat, head: &[u8]) -> Option<Head> {
        let crc = head_crc(seat, (self.head_bytes, self.body_bytes, self.body_crc), head);
        if crc == self.head_crc { Head::read(Bytes::copy_from_slice(head)) } else { None }
    }

    pub(super) fn is_body(&self, body: &[u8]) -> bool {
        body.len() == self.body_bytes as usize && crc32fast::hash(body) == self.body_crc
    }
}

/// Appends a stored response that will lie at this place; nothing where its head is too long.
pub(super) fn put_response(out: &mut BytesMut, seat: Seat, stored: &Stored) -> Option<()> {
    let mut head = BytesMut::new();
    head.put_u8(RESPONSE);
    let terms = &stored.terms;
    let flags = [(terms.no_cache, NO_CACHE), (stored.is_coded_here, CODED_HERE)];
    head.put_u8(flags.iter().filter(|(is_set, _)| *is_set).map(|(_, flag)| flag).sum());
    head.put_u16(stored.status.as_u16());
    head.put_u64(stored.stamp.position.get());
    head.put_i64(stored.response_time.millis());
    let Stale { while_revalidating, if_error, when_cut_off } = terms.stale;
    for span in [terms.lifetime, terms.initial_age, while_revalidating, if_error, when_cut_off] {
        head.put_u64(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX));
    }
    put_text(&mut head, stored.key().as_bytes());
    put_text(&mut head, &stored.selecting.to_bytes());
    head.put_u16(u16::try_from(stored.tags.len()).ok()?);
    for tag in &stored.tags {
        put_text(&mut head, tag.as_str().as_bytes());
    }
    put_text(&mut head, stored.fields().as_bytes());
    put(out, seat, &head, &stored.body)
}

/// Appends the note that what was stored under this key is gone.
pub(super) fn put_removal(
    out: &mut BytesMut,
    seat: Seat,
    key: &CacheKey,
    variant: Option<Variant>,
) -> Option<()> {
    let mut head = BytesMut::new();
    head.put_u8(REMOVAL);
    head.put_u8(u8::from(variant.is_some()));
    head.put_u32(variant.map_or(0, |variant| variant.0));
    put_text(&mut head, key.as_bytes());
    put(out, seat, &head, &[])
}

fn put(out: &mut BytesMut, seat: Seat, head: &[u8], body: &[u8]) -> Option<()> {
    let head_bytes = u32::try_from(head.len()).ok().filter(|_| head.len() <= DISK_HEAD_BYTES_MAX)?;
    let body_bytes = u32::try_from(body.len()).ok()?;
    let body_crc = crc32fast::hash(body);
    out.put_u32(head_bytes);
    out.put_u32(body_bytes);
    out.put_u32(head_crc(seat, (head_bytes, body_bytes, body_crc), head));
    out.put_u32(body_crc);
    out.put_slice(head);
    out.put_slice(body);
    Some(())
}

fn head_crc(seat: Seat, (head_bytes, body_bytes, body_crc): (u32, u32, u32), head: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&seat.birth.to_be_bytes());
    for number in [seat.offset, head_bytes, body_bytes, body_crc] {
        hasher.update(&number.to_be_bytes());
    }
    hasher.update(head);
    hasher.finalize()
}

impl Head {
    fn read(mut head: Bytes) -> Option<Self> {
        let kind = head.try_get_u8().ok()?;
        let flags = head.try_get_u8().ok()?;
        match kind {
            RESPONSE => {}
            REMOVAL => {
                let variant = Variant(head.try_get_u32().ok()?);
                let key = CacheKey::from_bytes(&take_text(&mut head)?)?;
                return Some(Self::Removal { key, variant: (flags == 1).then_some(variant) });
            }
            _ => return None,
        }
        let status = StatusCode::from_u16(head.try_get_u16().ok()?).ok()?;
        let stamp = Position::new(head.try_get_u64().ok()?);
        let response_time = WallTime::from_millis(head.try_get_i64().ok()?);
        let mut span = || head.try_get_u64().ok().map(Duration::from_nanos);
        let (lifetime, initial_age) = (span()?, span()?);
        let stale = Stale { while_revalidating: span()?, if_error: span()?, when_cut_off: span()? };
        let key = CacheKey::from_bytes(&take_text(&mut head)?)?;
        let selecting = Selecting::from_bytes(&take_text(&mut head)?)?;
        let tags = (0..head.try_get_u16().ok()?).map(|_| {
            let text = take_text(&mut head)?;
            CacheTag::parse(std::str::from_utf8(&text).ok()?).ok()
        });
        let tags = tags.collect::<Option<_>>()?;
        let fields = Fields::from_bytes(&take_text(&mut head)?)?;
        let terms = Terms { lifetime, initial_age, no_cache: flags & NO_CACHE != 0, stale };
        let is_coded_here = flags & CODED_HERE != 0;
        Some(Self::Response(Box::new(ResponseHead {
            stamp,
            key,
            tags,
            status,
            terms,
            response_time,
            selecting,
            is_coded_here,
            fields,
        })))
    }
}

fn put_text(out: &mut BytesMut, text: &[u8]) {
    out.put_u32(u32::try_from(text.len()).expect("a head is shorter than 4 GiB"));
    out.put_slice(text);
}

fn take_text(head: &mut Bytes) -> Option<Bytes> {
    let length = head.try_get_u32().ok()? as usize;
    (length <= head.len()).then(|| head.split_to(length))
}
