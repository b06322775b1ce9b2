//! What a 206 is a part of (RFC 9110 section 15.3.7), and whether it may be kept as an incomplete response (RFC 9111
//! section 3.3).
//!
//! Kept is a part that says in one way which bytes it is, of how many, and by a strong validator of which version. **Parts
//! are put together only where all of that is the same** ([`Version`]; RFC 9111 section 3.4). What is less certain is passed
//! on: several parts in one message, a length of `*`, a weak entity-tag.
//!
//! The bytes themselves are [`crate::segments`]'s business, what a request gets of them [`crate::range`]'s, and for how long
//! they may be used [`crate::storability`]'s.

use std::ops::Range;

use http::header::{
    AGE, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_RANGE, CONTENT_TYPE, DATE, ETAG, EXPIRES, LAST_MODIFIED,
    PRAGMA, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::conditional::{is_tag, opaque, single_date};
use crate::freshen::freshened;
use crate::targeted::CDN_CACHE_CONTROL;
use crate::time::WallTime;

/// One part of one version of a representation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Which bytes; not empty, and within the whole.
    pub range: Range<u64>,
    /// Of what.
    pub version: Version,
}

/// The representation that a part is of: whatever has the same one may be put together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// How many bytes the whole has.
    pub length: u64,
    validator: Validator,
    /// The same entity-tag for two codings is the origin's mistake; their bytes are not to be mixed.
    coding: Option<HeaderValue>,
}

/// What tells versions apart, byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Validator {
    /// A strong entity-tag, with its quotes.
    Tag(Box<[u8]>),
    /// A date that is strong by RFC 9110 section 8.8.2.2.
    Modified(WallTime),
}

/// Why a 206 is passed on and not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum NotKept {
    /// `multipart/byteranges`.
    #[error("the response has several parts")]
    Several,
    /// `Content-Range` is missing, there more than once, malformed, or does not say how long the whole is.
    #[error("the response does not say which bytes of how many it is")]
    Unplaced,
    /// Its body has another length than its `Content-Range`.
    #[error("the response is longer or shorter than its Content-Range")]
    Length,
    /// Neither a strong entity-tag nor a date that is a strong validator.
    #[error("the response has no strong validator")]
    Weak,
}

impl Part {
    /// What a 206 with these fields is, and a body of this length, if that is known by now.
    ///
    /// # Errors
    /// [`NotKept`] names the first reason.
    pub fn of(headers: &HeaderMap, length: Option<u64>) -> Result<Self, NotKept> {
        // Section 14.6: such a response has no Content-Range in its head.
        let several = b"multipart/byteranges";
        let is_several = |value: &HeaderValue| {
            let value = value.as_bytes().trim_ascii_start();
            value.get(..several.len()).is_some_and(|start| start.eq_ignore_ascii_case(several))
        };
        if headers.get_all(CONTENT_TYPE).iter().any(is_several) {
            return Err(NotKept::Several);
        }
        let (range, whole) = content_range(headers).ok_or(NotKept::Unplaced)?;
        if length.is_some_and(|length| length != range.end - range.start) {
            return Err(NotKept::Length);
        }
        let validator = Validator::of(headers).ok_or(NotKept::Weak)?;
        let coding = headers.get(CONTENT_ENCODING).cloned();
        Ok(Self { range, version: Version { length: whole, validator, coding } })
    }
}

impl Version {
    /// Whether a complete response with these fields is another version than this one. Where the two have no kind of
    /// validator in common, nobody knows, and it is not.
    pub fn differs_from(&self, complete: &HeaderMap) -> bool {
        match &self.validator {
            // Weakly: what the edge has coded has had its entity-tag weakened.
            Validator::Tag(tag) => {
                complete.get(ETAG).is_some_and(|there| opaque(there.as_bytes().trim_ascii()) != &tag[..])
            }
            Validator::Modified(date) => {
                single_date(complete, LAST_MODIFIED).is_some_and(|there| there != *date)
            }
        }
    }
}

impl Validator {
    /// Where there is an entity-tag it alone counts: beside a weak one a date is no stronger.
    fn of(headers: &HeaderMap) -> Option<Self> {
        let mut tags = headers.get_all(ETAG).iter();
        if let Some(tag) = tags.next() {
            let tag = tag.as_bytes().trim_ascii();
            return (tags.next().is_none() && is_tag(tag)).then(|| Self::Tag(tag.into()));
        }
        strong_date(headers).map(Self::Modified)
    }
}

/// `Last-Modified` where it is a strong validator (section 8.8.2.2): it was a second old at least when the response was
/// made.
pub(crate) fn strong_date(headers: &HeaderMap) -> Option<WallTime> {
    let (modified, date) = (single_date(headers, LAST_MODIFIED)?, single_date(headers, DATE)?);
    (date.seconds() > modified.seconds()).then_some(modified)
}

/// Section 14.4, with the length of the whole, which it may leave open.
fn content_range(headers: &HeaderMap) -> Option<(Range<u64>, u64)> {
    let mut lines = headers.get_all(CONTENT_RANGE).iter();
    let (line, None) = (lines.next()?, lines.next()) else { return None };
    let (unit, rest) = line.to_str().ok()?.trim().split_once(' ')?;
    let (range, whole) = rest.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let number = |text: &str| {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.parse::<u64>().ok()).flatten()
    };
    let (first, last, whole) = (number(first)?, number(last)?, number(whole)?);
    (unit.eq_ignore_ascii_case("bytes") && first <= last && last < whole).then(|| (first..last + 1, whole))
}

/// The fields of what is put together (section 15.3.7.3): those of the newer part, and of the older ones what it does
/// not say, as one that answers `If-Range` does not say all. How long it may be used is never an older one's word.
#[must_use]
pub fn joined(older: &HeaderMap, newer: &HeaderMap) -> HeaderMap {
    const OF_FRESHNESS: [HeaderName; 6] = [AGE, CACHE_CONTROL, DATE, EXPIRES, PRAGMA, VARY];
    let mut headers = freshened(older, newer);
    for name in OF_FRESHNESS.iter().chain([&CDN_CACHE_CONTROL]) {
        if !newer.contains_key(name) {
            headers.remove(name);
        }
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::map;

    const DAY: &str = "last-modified: Sun, 06 Nov 1994 08:49:37 GMT";
    const SAME: &str = "date: Sun, 06 Nov 1994 08:49:37 GMT";
    const LATER: &str = "date: Sun, 06 Nov 1994 08:49:38 GMT";

    #[test]
    fn a_part_says_which_bytes_it_is_of_how_many() {
        let check = |value: &str, expected: Option<(Range<u64>, u64)>| {
            let headers = map(&["etag: \"a\"", &format!("content-range: {value}")]);
            let got = Part::of(&headers, None);
            let expected = expected.ok_or(NotKept::Unplaced);
            assert_eq!(got.map(|part| (part.range, part.version.length)), expected, "{value}");
        };
        check("bytes 0-0/1", Some((0..1, 1)));
        check("bytes 5-9/10", Some((5..10, 10)));
        check("Bytes 0-1/18446744073709551615", Some((0..2, u64::MAX)));
        for wrong in [
            "bytes 0-1/*",
            "bytes */10",
            "bytes 2-1/10",
            "bytes 0-10/10",
            "bytes 0-1/1",
            "bytes 0-18446744073709551615/18446744073709551615",
            "bytes 0-99999999999999999999/99999999999999999999",
            "bytes +0-1/10",
            "bytes 0-/10",
            "bytes -1/10",
            "bytes=0-1/10",
            "bytes 0-1",
            "lines 0-1/10",
            "bytes 0-1/10, bytes 2-3/10",
            "",
        ] {
            check(wrong, None);
        }
        let twice = map(&["etag: \"a\"", "content-range: bytes 0-1/10", "content-range: bytes 0-1/10"]);
        assert_eq!(Part::of(&twice, None), Err(NotKept::Unplaced));
        assert_eq!(Part::of(&map(&["etag: \"a\""]), None), Err(NotKept::Unplaced));
    }

    #[test]
    fn only_what_is_certain_is_kept() {
        let check = |lines: &[&str], length: u64, expected: Result<(), NotKept>| {
            let headers = map(&[&["content-range: bytes 2-3/10"], lines].concat());
            assert_eq!(Part::of(&headers, Some(length)).map(|_| ()), expected, "{lines:?}");
        };
        check(&["etag: \"a\""], 2, Ok(()));
        check(&["etag: \"a\""], 1, Err(NotKept::Length));
        check(&["etag: \"a\""], 3, Err(NotKept::Length));
        check(&["etag: W/\"a\""], 2, Err(NotKept::Weak));
        check(&["etag: a"], 2, Err(NotKept::Weak));
        check(&["etag: \"a\"", "etag: \"b\""], 2, Err(NotKept::Weak));
        check(&[], 2, Err(NotKept::Weak));
        check(&[DAY, LATER], 2, Ok(()));
        check(&[DAY, SAME], 2, Err(NotKept::Weak));
        check(&[DAY], 2, Err(NotKept::Weak));
        check(&[DAY, LATER, "etag: W/\"a\""], 2, Err(NotKept::Weak));
        check(&["etag: \"a\"", "content-type: Multipart/ByteRanges; boundary=x"], 2, Err(NotKept::Several));
        check(&["etag: \"a\"", "content-type: text/plain"], 2, Ok(()));
    }

    #[test]
    fn what_is_of_one_version() {
        let version = |lines: &[&str]| Part::of(&map(lines), None).unwrap().version;
        let one = version(&["etag: \"a\"", "content-range: bytes 0-1/10"]);
        let check = |lines: &[&str], same: bool| assert_eq!(version(lines) == one, same, "{lines:?}");
        check(&["etag: \"a\"", "content-range: bytes 5-9/10"], true);
        check(&["etag: \"a\"", "content-range: bytes 5-9/10", DAY], true);
        check(&["etag: \"b\"", "content-range: bytes 5-9/10"], false);
        check(&["etag: \"a\"", "content-range: bytes 5-9/11"], false);
        check(&["etag: \"a\"", "content-range: bytes 5-9/10", "content-encoding: gzip"], false);
        check(&[DAY, LATER, "content-range: bytes 5-9/10"], false);

        let differs =
            |lines: &[&str], other: bool| assert_eq!(one.differs_from(&map(lines)), other, "{lines:?}");
        differs(&["etag: \"a\""], false);
        differs(&["etag: W/\"a\""], false);
        differs(&["etag: \"b\""], true);
        differs(&[DAY], false);
        let dated = version(&[DAY, LATER, "content-range: bytes 0-1/10"]);
        assert!(!dated.differs_from(&map(&[DAY])) && !dated.differs_from(&map(&["etag: \"a\""])));
        assert!(dated.differs_from(&map(&["last-modified: Mon, 07 Nov 1994 08:49:37 GMT"])));
    }

    #[test]
    fn the_newer_part_says_how_long_and_the_older_one_what_is_missing() {
        let older = ["etag: \"a\"", "content-type: text/plain", "cache-control: max-age=9", "x: 1", "age: 5"];
        let newer = ["etag: \"a\"", "date: now", "x: 2", "content-range: bytes 0-1/10"];
        let joined = joined(&map(&older), &map(&newer));
        let expected = map(&["etag: \"a\"", "content-type: text/plain", "x: 2", "date: now"]);
        assert_eq!(joined, expected);
    }
}
