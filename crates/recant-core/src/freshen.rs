//! Validating a stored response with its origin: what to ask, whether the answer is about it, and what a 304 changes
//! (RFC 9111 sections 3.2 and 4.3).
//!
//! **A 304 makes nothing newer than it was for the rules.** The bytes are those of the request that brought them, so
//! they keep its stamp; the 304 only adds its tags ([`crate::lookup`] judges both). An invalidation that
//! came between the two wins, and what was invalidated is not validated at all but fetched anew.

use http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::conditional::{is_tag, opaque, single_date};

/// Whether a response of this status with these fields can be validated: a success (RFC 9110 section 13.2.1: elsewhere
/// conditions are ignored) with a validator that can be read.
pub fn can_be_validated(status: StatusCode, headers: &HeaderMap) -> bool {
    matches!(status.as_u16(), 200 | 203 | 204) && preconditions(headers).next().is_some()
}

/// The preconditions that ask whether what is stored is still good (section 4.3.1), in the origin's own spelling.
pub fn preconditions(stored: &HeaderMap) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
    let tag = entity_tag(stored).map(|tag| (IF_NONE_MATCH, tag.clone()));
    let modified = single_date(stored, LAST_MODIFIED).and_then(|_| stored.get(LAST_MODIFIED));
    tag.into_iter().chain(modified.map(|modified| (IF_MODIFIED_SINCE, modified.clone())))
}

/// Whether a 304 with these fields is about what is stored (section 4.3.4): it names the same validator, or none.
pub fn confirms(not_modified: &HeaderMap, stored: &HeaderMap) -> bool {
    if not_modified.contains_key(ETAG) {
        return match (entity_tag(not_modified), entity_tag(stored)) {
            // A strong tag identifies by its strength as well; a weak one does not claim to.
            (Some(new), Some(old)) if !is_weak(new) => {
                new.as_bytes().trim_ascii() == old.as_bytes().trim_ascii()
            }
            (Some(new), Some(old)) => {
                opaque(new.as_bytes().trim_ascii()) == opaque(old.as_bytes().trim_ascii())
            }
            _ => false,
        };
    }
    match (single_date(not_modified, LAST_MODIFIED), single_date(stored, LAST_MODIFIED)) {
        (Some(new), Some(old)) => new == old,
        // Nothing but the request says which response is meant, and the request named this one.
        _ => !not_modified.contains_key(LAST_MODIFIED),
    }
}

/// The stored fields as a 304 updates them (section 3.2): each that it has replaces all of that name, save for those
/// that describe the stored bytes.
#[must_use]
pub fn freshened(stored: &HeaderMap, not_modified: &HeaderMap) -> HeaderMap {
    const OF_THE_BYTES: [HeaderName; 4] = [CONTENT_LENGTH, CONTENT_ENCODING, CONTENT_RANGE, ETAG];
    let mut headers = stored.clone();
    for name in not_modified.keys().filter(|name| !OF_THE_BYTES.contains(name)) {
        headers.remove(name);
        for value in not_modified.get_all(name) {
            headers.append(name.clone(), value.clone());
        }
    }
    // An Age of the past says nothing of what was just confirmed.
    if !not_modified.contains_key(http::header::AGE) {
        headers.remove(http::header::AGE);
    }
    headers
}

/// The entity-tag, if there is one and it is one.
fn entity_tag(headers: &HeaderMap) -> Option<&HeaderValue> {
    let mut lines = headers.get_all(ETAG).iter();
    let (tag, None) = (lines.next()?, lines.next()) else { return None };
    is_tag(opaque(tag.as_bytes().trim_ascii())).then_some(tag)
}

fn is_weak(tag: &HeaderValue) -> bool {
    tag.as_bytes().trim_ascii().starts_with(b"W/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::map;

    const DAY: &str = "last-modified: Sun, 06 Nov 1994 08:49:37 GMT";
    const NEXT: &str = "last-modified: Mon, 07 Nov 1994 08:49:37 GMT";

    #[test]
    fn validators_are_sent_as_they_came() {
        let check = |stored: &[&str], expected: &[&str]| {
            let sent: HeaderMap = preconditions(&map(stored)).collect();
            assert_eq!(sent, map(expected), "{stored:?}");
            assert_eq!(can_be_validated(StatusCode::OK, &map(stored)), !expected.is_empty());
            assert!(!can_be_validated(StatusCode::NOT_FOUND, &map(stored)));
        };
        check(&["etag: \"a\""], &["if-none-match: \"a\""]);
        check(
            &["etag: W/\"a\"", DAY],
            &["if-none-match: W/\"a\"", &DAY.replace("last-modified", "if-modified-since")],
        );
        check(&["etag: a"], &[]);
        check(&["etag: \"a\"", "etag: \"b\""], &[]);
        check(&["last-modified: yesterday"], &[]);
        check(&[], &[]);
    }

    #[test]
    fn a_304_is_about_what_it_names() {
        let check = |new: &[&str], stored: &[&str], expected: bool| {
            assert_eq!(confirms(&map(new), &map(stored)), expected, "{new:?} {stored:?}");
        };
        check(&[], &["etag: \"a\""], true);
        check(&["etag: \"a\""], &["etag: \"a\""], true);
        check(&["etag: \"b\""], &["etag: \"a\""], false);
        check(&["etag: \"a\""], &["etag: W/\"a\""], false);
        check(&["etag: W/\"a\""], &["etag: \"a\""], true);
        check(&["etag: a"], &["etag: \"a\""], false);
        check(&["etag: \"a\""], &[DAY], false);
        check(&["etag: \"a\"", NEXT], &["etag: \"a\"", DAY], true);
        check(&[DAY], &[DAY], true);
        check(&[NEXT], &[DAY], false);
        check(&["last-modified: x"], &[DAY], false);
    }

    #[test]
    fn a_304_updates_what_it_has() {
        let stored = map(&[
            "etag: \"a\"",
            "x-a: 1",
            "x-a: 2",
            "x-b: 1",
            "content-length: 5",
            "content-encoding: gzip",
            "age: 9",
        ]);
        let new = map(&[
            "etag: W/\"a\"",
            "x-a: 3",
            "x-c: 4",
            "content-length: 10",
            "content-encoding: br",
            "content-range: bytes 0-1/2",
        ]);
        let expected = map(&[
            "etag: \"a\"",
            "x-a: 3",
            "x-b: 1",
            "content-length: 5",
            "content-encoding: gzip",
            "x-c: 4",
        ]);
        assert_eq!(freshened(&stored, &new), expected);
    }
}
