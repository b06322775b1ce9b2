//! `Range` against a stored response (RFC 9110 section 14): which bytes to send, if not all; and the one range that is
//! asked of an origin, so that what comes back may be kept.
//!
//! A cache may ignore any `Range` (section 14.2), and this one does wherever a request is malformed, greedy or
//! about a unit that it does not know. Whether the bytes are there is not asked here ([`crate::segments`]).

use std::ops::Range;

use http::header::{ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, RANGE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::conditional::http_date;
use crate::limits::RANGES_PER_REQUEST_MAX;
use crate::part::strong_date;

/// What of a stored response a request gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Portion {
    /// All of it: no range was asked for, or none that counts.
    Whole,
    /// These bytes, in this order; one or more, none of them empty.
    Parts(Vec<Range<u64>>),
    /// Nothing: every range begins behind the end (status 416).
    Unsatisfiable,
}

/// Decides over a `GET` for a stored response of this status, with a body of so many bytes.
pub fn portion(request: &HeaderMap, status: StatusCode, stored: &HeaderMap, length: u64) -> Portion {
    let mut lines = request.get_all(RANGE).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else { return Portion::Whole };
    // Section 14.2: only where the response would have been a 200; section 13.2.2: If-Range comes last.
    if status != StatusCode::OK || !if_range_holds(request, stored) {
        return Portion::Whole;
    }
    let Some(specs) = parse(line.as_bytes()) else { return Portion::Whole };
    let parts: Vec<Range<u64>> = specs.iter().filter_map(|spec| spec.within(length)).collect();
    if parts.is_empty() {
        return Portion::Unsatisfiable;
    }
    // Section 14.2: overlapping ranges are how others are made to do much for little.
    let asked: u64 = parts.iter().map(|part| part.end - part.start).sum();
    if parts.len() > 1 && asked > length { Portion::Whole } else { Portion::Parts(parts) }
}

/// The one range that a request asks for, and on which condition: what goes to the origin with a request that uses the
/// cache. A response to it is kept only if it says itself what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedRange {
    range: HeaderValue,
    if_range: Option<HeaderValue>,
}

impl AskedRange {
    /// What a `GET` asks for; nothing where it is several ranges or none that can be read, and where other
    /// preconditions stand beside it, over which the origin is to decide in their order (section 13.2.2).
    pub fn of(request: &HeaderMap) -> Option<Self> {
        let mut lines = request.get_all(RANGE).iter();
        let (line, None) = (lines.next()?, lines.next()) else { return None };
        let specs = parse(line.as_bytes())?;
        let [spec] = specs[..] else { return None };
        let mut conditions = request.get_all(IF_RANGE).iter();
        let if_range = conditions.next().cloned();
        if conditions.next().is_some()
            || [IF_NONE_MATCH, IF_MODIFIED_SINCE].iter().any(|it| request.contains_key(it))
        {
            return None;
        }
        // In one spelling.
        let range = match spec {
            Spec::From(first, None) => format!("bytes={first}-"),
            Spec::From(first, Some(last)) => format!("bytes={first}-{last}"),
            Spec::Last(count) => format!("bytes=-{count}"),
        };
        Some(Self { range: HeaderValue::try_from(range).expect("digits are a field's value"), if_range })
    }

    /// Its fields.
    pub fn fields(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        let if_range = self.if_range.clone().map(|condition| (IF_RANGE, condition));
        std::iter::once((RANGE, self.range.clone())).chain(if_range)
    }

    /// Whether there is a condition: then a 206 need not say what the viewer is taken to have (section 15.3.7).
    pub fn is_conditional(&self) -> bool {
        self.if_range.is_some()
    }

    /// Its fields in one line of bytes, for keeping requests apart that ask for different ranges.
    pub fn to_bytes(&self) -> Vec<u8> {
        let if_range = self.if_range.as_ref().map_or(&[][..], HeaderValue::as_bytes);
        // In no value.
        [self.range.as_bytes(), b"\n", if_range, b"\n"].concat()
    }
}

/// A member of a ranges-specifier (section 14.1.2).
#[derive(Clone, Copy)]
enum Spec {
    From(u64, Option<u64>),
    Last(u64),
}

impl Spec {
    fn within(self, length: u64) -> Option<Range<u64>> {
        let range = match self {
            Self::From(first, last) => first..last.map_or(length, |last| last.saturating_add(1).min(length)),
            Self::Last(count) => length.saturating_sub(count)..length,
        };
        (range.start < range.end).then_some(range)
    }
}

fn parse(line: &[u8]) -> Option<Vec<Spec>> {
    let text = std::str::from_utf8(line).ok()?.trim();
    let (unit, set) = text.split_once('=')?;
    if !unit.eq_ignore_ascii_case("bytes") {
        return None;
    }
    let mut specs = Vec::new();
    for member in set.split(',').map(str::trim).filter(|member| !member.is_empty()) {
        if specs.len() == RANGES_PER_REQUEST_MAX {
            return None;
        }
        specs.push(match member.split_once('-')? {
            ("", count) => Spec::Last(number(count)?),
            (first, "") => Spec::From(number(first)?, None),
            (first, last) => {
                let (first, last) = (number(first)?, number(last)?);
                // Section 14.1.1: such a set is invalid as a whole.
                (first <= last).then_some(Spec::From(first, Some(last)))?
            }
        });
    }
    (!specs.is_empty()).then_some(specs)
}

/// Digits alone; what is too large to hold lies behind every end.
fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

/// Section 13.1.5: a strong match of the tag, or the very date of a stored response whose date is a strong validator
/// (section 8.8.2.2).
fn if_range_holds(request: &HeaderMap, stored: &HeaderMap) -> bool {
    let mut lines = request.get_all(IF_RANGE).iter();
    let Some(line) = lines.next() else { return true };
    if lines.next().is_some() {
        return false;
    }
    let asked = line.as_bytes().trim_ascii();
    if asked.starts_with(b"\"") {
        return stored.get(ETAG).is_some_and(|tag| tag.as_bytes().trim_ascii() == asked);
    }
    http_date(asked).is_some_and(|asked| strong_date(stored) == Some(asked))
}

#[cfg(test)]
mod tests {
    use http::header::{DATE, LAST_MODIFIED};
    use proptest::prelude::*;

    use super::*;

    fn map(fields: &[(HeaderName, &str)]) -> HeaderMap {
        fields.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap())).collect()
    }

    fn parts(ranges: &[(u64, u64)]) -> Portion {
        Portion::Parts(ranges.iter().map(|(start, end)| *start..*end).collect())
    }

    #[test]
    fn ranges_are_resolved() {
        let check = |range: &str, expected: Portion| {
            let got = portion(&map(&[(RANGE, range)]), StatusCode::OK, &HeaderMap::new(), 10);
            assert_eq!(got, expected, "{range}");
        };
        check("bytes=0-1", parts(&[(0, 2)]));
        check("Bytes=0-0", parts(&[(0, 1)]));
        check("bytes=1-", parts(&[(1, 10)]));
        check("bytes=5-99999999999999999999999", parts(&[(5, 10)]));
        check("bytes=-3", parts(&[(7, 10)]));
        check("bytes=-30", parts(&[(0, 10)]));
        check("bytes=0-1, ,-1", parts(&[(0, 2), (9, 10)]));
        check("bytes=8-9,0-1", parts(&[(8, 10), (0, 2)]));
        check("bytes=0-1,20-30", parts(&[(0, 2)]));
        check("bytes=10-", Portion::Unsatisfiable);
        check("bytes=-0", Portion::Unsatisfiable);
        check("bytes=99999999999999999999999-", Portion::Unsatisfiable);
        for ignored in [
            "lines=0-1",
            "bytes",
            "bytes=",
            "bytes=,",
            "bytes=a-1",
            "bytes=2-1",
            "bytes=--1",
            "bytes=1",
            "bytes=+1-2",
            "bytes=0-,0-",
        ] {
            check(ignored, Portion::Whole);
        }
        check(&format!("bytes={}", "0-0,".repeat(RANGES_PER_REQUEST_MAX + 1)), Portion::Whole);
    }

    #[test]
    fn a_range_holds_on_conditions() {
        let check =
            |request: &[(HeaderName, &str)], status: u16, stored: &[(HeaderName, &str)], holds: bool| {
                let request = [&[(RANGE, "bytes=0-1")], request].concat();
                let got = portion(&map(&request), StatusCode::from_u16(status).unwrap(), &map(stored), 10);
                assert_eq!(got != Portion::Whole, holds, "{request:?} {stored:?}");
            };
        let (day, next) = ("Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:38 GMT");
        check(&[], 200, &[], true);
        check(&[], 203, &[], false);
        check(&[], 404, &[], false);
        check(&[(IF_RANGE, "\"a\"")], 200, &[(ETAG, "\"a\"")], true);
        check(&[(IF_RANGE, "\"a\"")], 200, &[(ETAG, "\"b\"")], false);
        check(&[(IF_RANGE, "\"a\"")], 200, &[], false);
        check(&[(IF_RANGE, "W/\"a\"")], 200, &[(ETAG, "W/\"a\"")], false);
        check(&[(IF_RANGE, "\"a\"")], 200, &[(ETAG, "W/\"a\"")], false);
        check(&[(IF_RANGE, day)], 200, &[(LAST_MODIFIED, day), (DATE, next)], true);
        check(&[(IF_RANGE, day)], 200, &[(LAST_MODIFIED, day), (DATE, day)], false);
        check(&[(IF_RANGE, next)], 200, &[(LAST_MODIFIED, day), (DATE, next)], false);
        check(&[(IF_RANGE, "x")], 200, &[(LAST_MODIFIED, day), (DATE, next)], false);
    }

    #[test]
    fn one_range_is_asked_for_in_one_spelling() {
        let check = |request: &[(HeaderName, &str)], expected: Option<&[(HeaderName, &str)]>| {
            let fields = AskedRange::of(&map(request)).map(|asked| HeaderMap::from_iter(asked.fields()));
            assert_eq!(fields, expected.map(map), "{request:?}");
        };
        check(&[(RANGE, "bytes=0-1")], Some(&[(RANGE, "bytes=0-1")]));
        check(&[(RANGE, " Bytes=00-,, ")], Some(&[(RANGE, "bytes=0-")]));
        check(&[(RANGE, "bytes=-5"), (IF_RANGE, "\"a\"")], Some(&[(RANGE, "bytes=-5"), (IF_RANGE, "\"a\"")]));
        for range in ["bytes=0-1,2-3", "lines=0-1", "bytes=2-1", "bytes=", "bytes"] {
            check(&[(RANGE, range)], None);
        }
        check(&[], None);
        check(&[(RANGE, "bytes=0-1"), (IF_NONE_MATCH, "\"a\"")], None);
        check(&[(RANGE, "bytes=0-1"), (IF_MODIFIED_SINCE, "x")], None);

        let bytes = |request| AskedRange::of(&map(request)).unwrap().to_bytes();
        let (one, conditional) =
            (bytes(&[(RANGE, "bytes=0-1")]), bytes(&[(RANGE, "bytes=0-1"), (IF_RANGE, "x")]));
        assert_ne!(one, conditional);
        assert_ne!(one, bytes(&[(RANGE, "bytes=0-")]));
    }

    proptest! {
        #[test]
        fn parts_lie_within(line in r#"(bytes=)?[-0-9, ]{0,24}"#, length in 0u64..40) {
            if let Portion::Parts(parts) = portion(&map(&[(RANGE, &line)]), StatusCode::OK, &HeaderMap::new(), length) {
                prop_assert!(parts.iter().all(|part| part.start < part.end && part.end <= length));
            }
        }
    }
}
