//! The fields of a stored response, in one piece of memory.
//!
//! A [`HeaderMap`] takes some hundred bytes a field, and its values may be small views of an origin connection's whole
//! read buffer. Here a field with a common name takes its value and two bytes more; the values of the map that is made for
//! each answer are views of the one piece.
//!
//! A field is: its name's place in [`COMMON`], or [`OTHER`], a length and the name; then a length and the value.

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use http::header;
use http::{HeaderMap, HeaderName, HeaderValue};

/// Names that take one byte.
static COMMON: [HeaderName; 32] = [
    header::ACCEPT_RANGES,
    header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
    header::ACCESS_CONTROL_ALLOW_HEADERS,
    header::ACCESS_CONTROL_ALLOW_METHODS,
    header::ACCESS_CONTROL_ALLOW_ORIGIN,
    header::ACCESS_CONTROL_EXPOSE_HEADERS,
    header::ACCESS_CONTROL_MAX_AGE,
    header::AGE,
    header::ALLOW,
    header::CACHE_CONTROL,
    header::CONTENT_DISPOSITION,
    header::CONTENT_ENCODING,
    header::CONTENT_LANGUAGE,
    header::CONTENT_LENGTH,
    header::CONTENT_LOCATION,
    header::CONTENT_SECURITY_POLICY,
    header::CONTENT_TYPE,
    header::DATE,
    header::ETAG,
    header::EXPIRES,
    header::LAST_MODIFIED,
    header::LINK,
    header::LOCATION,
    header::REFERRER_POLICY,
    header::SERVER,
    header::SET_COOKIE,
    header::STRICT_TRANSPORT_SECURITY,
    header::VARY,
    header::VIA,
    header::X_CONTENT_TYPE_OPTIONS,
    header::X_FRAME_OPTIONS,
    header::X_XSS_PROTECTION,
];

/// In place of a common name's place: the name follows.
const OTHER: u8 = u8::MAX;

/// In place of a short length: a long one follows, in four bytes.
const LONG: u8 = u8::MAX;

/// Fields that an answer out of the store gets beside the stored ones (`Age`, `Cache-Status`, `X-Cache`), so that its map
/// need not grow. One more would make that of an ordinary response twice as large.
const ADDED: usize = 3;

/// The fields of one response.
#[derive(Clone, Debug)]
pub(crate) struct Fields {
    bytes: Bytes,
    count: u16,
}

impl Fields {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut bytes = BytesMut::new();
        for (name, value) in headers {
            match COMMON.iter().position(|common| common == name) {
                Some(place) => bytes.put_u8(u8::try_from(place).expect("there are few common names")),
                None => {
                    bytes.put_u8(OTHER);
                    put(&mut bytes, name.as_str().as_bytes());
                }
            }
            put(&mut bytes, value.as_bytes());
        }
        let count = u16::try_from(headers.len()).expect("a map of headers has at most 32,768");
        // Exactly as long as it is: it is kept.
        Self { bytes: Bytes::from(Box::<[u8]>::from(&bytes[..])), count }
    }

    /// As a map, with the fields in the order that they had.
    pub(crate) fn to_map(&self) -> HeaderMap {
        let mut headers = HeaderMap::with_capacity(usize::from(self.count) + ADDED);
        let mut rest = &self.bytes[..];
        while rest.has_remaining() {
            let name = match rest.get_u8() {
                OTHER => HeaderName::from_bytes(take(&mut rest)).expect("it was a name"),
                place => COMMON[usize::from(place)].clone(),
            };
            let value = HeaderValue::from_maybe_shared(self.bytes.slice_ref(take(&mut rest)));
            headers.append(name, value.expect("it was a value"));
        }
        headers
    }

    /// The fields that these bytes were ([`Fields::as_bytes`]); nothing when they cannot have been.
    ///
    /// What a name's place in [`COMMON`] means is part of the disk's format: a change of the list is another version of it.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (mut rest, mut count) = (bytes, 0u16);
        while let Some((place, after)) = rest.split_first() {
            rest = after;
            match *place {
                OTHER => drop(HeaderName::from_bytes(try_take(&mut rest)?).ok()?),
                place => drop(COMMON.get(usize::from(place))?),
            }
            HeaderValue::from_bytes(try_take(&mut rest)?).ok()?;
            count = count.checked_add(1)?;
        }
        Some(Self { bytes: Bytes::copy_from_slice(bytes), count })
    }

    /// As they lie in memory.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How much memory they take beside what holds them.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.len()
    }
}

/// Puts a text with its length in front.
fn put(bytes: &mut BytesMut, text: &[u8]) {
    match u8::try_from(text.len()) {
        Ok(short) if short != LONG => bytes.put_u8(short),
        _ => {
            bytes.put_u8(LONG);
            // An origin's head is far shorter (ORIGIN_HEAD_BYTES_MAX).
            bytes.put_u32(u32::try_from(text.len()).expect("a field is shorter than 4 GiB"));
        }
    }
    bytes.put_slice(text);
}

/// Takes a text with its length in front.
fn take<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let length = match rest.get_u8() {
        LONG => rest.get_u32() as usize,
        short => usize::from(short),
    };
    let (text, after) = rest.split_at(length);
    *rest = after;
    text
}

/// The same, of what may be anything.
fn try_take<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (short, mut after) = rest.split_first()?;
    let mut length = usize::from(*short);
    if *short == LONG {
        let (long, more) = after.split_first_chunk::<4>()?;
        (length, after) = (u32::from_be_bytes(*long) as usize, more);
    }
    let (text, after) = after.split_at_checked(length)?;
    *rest = after;
    Some(text)
}

#[cfg(test)]
mod tests {
    use http::header::{CONTENT_TYPE, SET_COOKIE};

    use super::*;

    #[test]
    fn fields_come_back_as_they_were() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
        headers.append(SET_COOKIE, HeaderValue::from_static("a=1"));
        headers.append(SET_COOKIE, HeaderValue::from_static(""));
        headers.insert("x-odd", HeaderValue::from_bytes(b"\xff\tx").expect("opaque bytes"));
        for length in [254, 255, 256, 60_000] {
            let value = "v".repeat(length).try_into().expect("letters are a value");
            headers.append(HeaderName::try_from("n".repeat(length)).expect("letters are a name"), value);
        }
        COMMON.iter().for_each(|name| {
            headers.append(name, HeaderValue::from_static("x"));
        });
        let fields = Fields::of(&headers);
        assert_eq!(fields.to_map(), headers);
        assert_eq!(Fields::of(&fields.to_map()).bytes, fields.bytes);
        assert_eq!(Fields::of(&HeaderMap::new()).to_map(), HeaderMap::new());
        assert_eq!(Fields::from_bytes(fields.as_bytes()).expect("they were fields").to_map(), headers);
        assert!(Fields::from_bytes(&[1]).is_none() && Fields::from_bytes(&[OTHER, 2, b'a']).is_none());
        assert!(Fields::from_bytes(&[32, 0]).is_none() && Fields::from_bytes(&[1, 1, 0]).is_none());
    }
}
