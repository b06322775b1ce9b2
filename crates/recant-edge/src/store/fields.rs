//! The fields of a stored response, in one piece of memory.
//!
//! A [`HeaderMap`] takes some hundred bytes a field, and its values may be small views of an origin connection's whole
//! read buffer. Here a field takes its own bytes and six more; the values of the map that is made for each answer are
//! views of the one piece.

use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue};

/// Bytes in front of a field: the lengths of its name and of its value.
const LENGTHS: usize = 2 + 4;

/// Fields that an answer out of the store gets beside the stored ones, so that its map need not grow.
const ADDED: usize = 4;

/// The fields of one response.
#[derive(Clone, Debug)]
pub(super) struct Fields {
    bytes: Bytes,
    count: u16,
}

impl Fields {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let length = headers.iter().map(|(name, value)| LENGTHS + name.as_str().len() + value.len()).sum();
        let mut bytes = BytesMut::with_capacity(length);
        for (name, value) in headers {
            // An origin's head is far shorter (ORIGIN_HEAD_BYTES_MAX).
            bytes.put_u16(u16::try_from(name.as_str().len()).expect("a name is short"));
            bytes.put_u32(u32::try_from(value.len()).expect("a value is short"));
            bytes.put_slice(name.as_str().as_bytes());
            bytes.put_slice(value.as_bytes());
        }
        let count = u16::try_from(headers.len()).expect("a map of headers has at most 32,768");
        Self { bytes: bytes.freeze(), count }
    }

    /// As a map, with the fields in the order that they had.
    pub(super) fn to_map(&self) -> HeaderMap {
        let mut headers = HeaderMap::with_capacity(usize::from(self.count) + ADDED);
        let mut at = 0;
        while let Some((lengths, _)) = self.bytes[at..].split_first_chunk::<LENGTHS>() {
            let [n1, n2, v1, v2, v3, v4] = *lengths;
            let name_at = at + LENGTHS;
            let value_at = name_at + usize::from(u16::from_be_bytes([n1, n2]));
            at = value_at + u32::from_be_bytes([v1, v2, v3, v4]) as usize;
            let name = HeaderName::from_bytes(&self.bytes[name_at..value_at]).expect("it was a name");
            let value = HeaderValue::from_maybe_shared(self.bytes.slice(value_at..at));
            headers.append(name, value.expect("it was a value"));
        }
        headers
    }

    /// How much memory they take beside what holds them.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.len()
    }
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
        let fields = Fields::of(&headers);
        assert_eq!(fields.to_map(), headers);
        assert_eq!(Fields::of(&fields.to_map()).bytes, fields.bytes);
        assert_eq!(Fields::of(&HeaderMap::new()).to_map(), HeaderMap::new());
    }
}
