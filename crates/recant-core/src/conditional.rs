//! Whether a fresh stored response answers a viewer's conditional request with 304 (RFC 9110 section 13).
//!
//! Only what a cache may judge from a stored response: `If-None-Match` and `If-Modified-Since` (RFC 9111 section
//! 4.3.2). `If-Match`, `If-Unmodified-Since` and ranges are the origin's: such requests do not use the cache.

use http::header::{ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED};
use http::{HeaderMap, HeaderName, StatusCode};

use crate::time::WallTime;

/// Whether the viewer holds what the stored response of this status says, in the order of RFC 9110 section 13.2.2.
pub fn not_modified(status: StatusCode, request: &HeaderMap, stored: &HeaderMap) -> bool {
    // Section 13.2.1: conditions are ignored unless the response would be a success.
    if !status.is_success() {
        return false;
    }
    // Step 3: If-None-Match; step 4, If-Modified-Since, counts only without it.
    if request.contains_key(IF_NONE_MATCH) {
        return none_match_fails(request, stored);
    }
    // The stored date is read only when it is asked about.
    let since = single_date(request, IF_MODIFIED_SINCE);
    since.is_some_and(|since| single_date(stored, LAST_MODIFIED).is_some_and(|modified| modified <= since))
}

/// Section 13.1.2: the condition fails, so the answer is 304, if a listed tag weakly matches the stored one.
fn none_match_fails(request: &HeaderMap, stored: &HeaderMap) -> bool {
    let held = stored.get(ETAG).map(|tag| opaque(tag.as_bytes().trim_ascii()));
    request.get_all(IF_NONE_MATCH).iter().any(|line| {
        let line = line.as_bytes().trim_ascii();
        line == b"*" || held.is_some_and(|held| is_tag(held) && tags(line).any(|tag| tag == held))
    })
}

/// The opaque tags of a list, with their quotes. Reading stops at what is no tag.
fn tags(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = line;
    std::iter::from_fn(move || {
        let start = rest.iter().position(|b| !matches!(b, b',' | b' ' | b'\t'))?;
        let member = opaque(&rest[start..]);
        let inner = member.strip_prefix(b"\"")?;
        let end = inner.iter().position(|b| *b == b'"')? + 2;
        let (tag, tail) = member.split_at(end);
        rest = tail;
        Some(tag)
    })
}

/// Section 8.8.3.2: the weak comparison looks at the opaque tags only.
pub(crate) fn opaque(tag: &[u8]) -> &[u8] {
    tag.strip_prefix(b"W/").unwrap_or(tag)
}

pub(crate) fn is_tag(opaque: &[u8]) -> bool {
    opaque.len() >= 2 && opaque.starts_with(b"\"") && opaque.ends_with(b"\"")
}

/// The date in a field that occurs once (section 13.1.3: ignored if it is no valid date).
pub(crate) fn single_date(headers: &HeaderMap, name: HeaderName) -> Option<WallTime> {
    let mut lines = headers.get_all(name).iter();
    let (first, None) = (lines.next()?, lines.next()) else { return None };
    http_date(first.as_bytes())
}

/// Reads an HTTP-date in any of its three forms (RFC 9110 section 5.6.7).
pub(crate) fn http_date(text: &[u8]) -> Option<WallTime> {
    let date = httpdate::parse_http_date(std::str::from_utf8(text).ok()?).ok()?;
    let since_epoch = date.duration_since(std::time::UNIX_EPOCH).ok()?;
    i64::try_from(since_epoch.as_millis()).ok().map(WallTime::from_millis)
}

/// The same for calculating freshness, where the case of its letters is not to matter (RFC 9111 section 4.2).
pub(crate) fn http_date_of_cache(text: &[u8]) -> Option<WallTime> {
    if let Some(date) = http_date(text) {
        return Some(date);
    }
    let mut words = text.to_ascii_lowercase();
    for at in 0..words.len() {
        let is_first = at == 0 || !words[at - 1].is_ascii_alphabetic();
        if is_first || words[at..].eq_ignore_ascii_case(b"mt") || words[at..].eq_ignore_ascii_case(b"t") {
            words[at].make_ascii_uppercase();
        }
    }
    http_date(&words)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use http::header::DATE;
    use proptest::prelude::*;

    use super::*;

    const DAY: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const NEXT: &str = "Mon, 07 Nov 1994 08:49:37 GMT";

    fn map(fields: &[(HeaderName, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in fields {
            map.append(name.clone(), HeaderValue::from_str(value).unwrap());
        }
        map
    }

    #[test]
    fn conditions_are_judged() {
        let check = |request: &[(HeaderName, &str)], stored: &[(HeaderName, &str)], expected: bool| {
            let got = not_modified(StatusCode::OK, &map(request), &map(stored));
            assert_eq!(got, expected, "{request:?} {stored:?}");
        };
        let tag = |value| (ETAG, value);
        let none = |value| (IF_NONE_MATCH, value);
        let since = |value| (IF_MODIFIED_SINCE, value);
        let modified = |value| (LAST_MODIFIED, value);
        check(&[], &[tag("\"a\""), modified(DAY)], false);
        check(&[none("\"a\"")], &[tag("\"a\"")], true);
        check(&[none("\"b\"")], &[tag("\"a\"")], false);
        check(&[none("\"A\"")], &[tag("\"a\"")], false);
        check(&[none("W/\"a\"")], &[tag("\"a\"")], true);
        check(&[none("\"a\"")], &[tag("W/\"a\"")], true);
        check(&[none("\"x\" , W/\"y,z\",\"a\"")], &[tag("\"a\"")], true);
        check(&[none("\"x, \"a\"")], &[tag("\"a\"")], false);
        check(&[none("\"x\""), none("\"a\"")], &[tag("\"a\"")], true);
        check(&[none("a")], &[tag("a")], false);
        check(&[none("\"a")], &[tag("\"a")], false);
        check(&[none("\"a\"")], &[], false);
        check(&[none("*")], &[], true);
        check(&[none("")], &[tag("\"a\"")], false);
        // If-None-Match stands before If-Modified-Since, also when it does not match.
        check(&[none("\"b\""), since(NEXT)], &[tag("\"a\""), modified(DAY)], false);
        check(&[since(DAY)], &[modified(DAY)], true);
        check(&[since(NEXT)], &[modified(DAY)], true);
        check(&[since(DAY)], &[modified(NEXT)], false);
        check(&[since("Sunday, 06-Nov-94 08:49:37 GMT")], &[modified("Sun Nov  6 08:49:37 1994")], true);
        check(&[since("tomorrow")], &[modified(DAY)], false);
        check(&[since(DAY), since(DAY)], &[modified(DAY)], false);
        check(&[since(DAY)], &[], false);
        // What was fetched anew after an invalidation may be of the same second as what the viewer has.
        check(&[since(DAY)], &[(DATE, DAY)], false);
    }

    #[test]
    fn dates_for_freshness_are_read_in_any_case() {
        for text in [
            "SUN, 06 nov 1994 08:49:37 gMT",
            "sunday, 06-NOV-94 08:49:37 gmt",
            "sUN NOV  6 08:49:37 1994",
            DAY,
        ] {
            assert_eq!(http_date_of_cache(text.as_bytes()), http_date(DAY.as_bytes()), "{text}");
        }
        for text in [
            "0",
            "",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 06 Nov 1994 08:49:37 AEST",
            "Sun, 06 Nov 94 08:49:37 GMT",
            "Sun 06 Nov 1994 08:49:37 GMT",
            "Sun, 06  Nov  1994 08:49:37 GMT",
            "Sun, 06-Nov-1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08.49.37 GMT",
            "Sun, 06 Nov 1994 8:49:37 GMT",
            "Mon, 06 Nov 1994 08:49:37 GMT",
            "Mon Nov  6 08:49:37 1994",
        ] {
            assert_eq!(http_date_of_cache(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn only_successes_are_conditional() {
        let (request, stored) = (map(&[(IF_NONE_MATCH, "*")]), HeaderMap::new());
        for (status, expected) in [(200, true), (203, true), (301, false), (404, false)] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(not_modified(status, &request, &stored), expected, "{status}");
        }
    }

    proptest! {
        #[test]
        fn any_list_is_read(list in r#"[ W/",a*\\]{0,24}"#, tag in r#"[ W/",a]{0,6}"#) {
            let _ = not_modified(StatusCode::OK, &map(&[(IF_NONE_MATCH, &list)]), &map(&[(ETAG, &tag)]));
        }
    }
}
