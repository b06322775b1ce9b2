//! Requests of HTTP/2 in the words of HTTP/1.1.

use http::header::{CONTENT_LENGTH, COOKIE, HOST, HeaderValue, TRANSFER_ENCODING};
use http::request::Parts;

/// Says in HTTP/1.1's words what HTTP/2 says in its own: the authority as `Host` (RFC 9113 section 8.3.1), and cookies
/// in one line (section 8.2.3), content of no stated length as chunks: that there is some is to be seen by the head alone. A `Host` field that
/// is there stays, for `target` to compare.
pub(super) fn translate(head: &mut Parts, has_content: bool) {
    if has_content && !head.headers.contains_key(CONTENT_LENGTH) {
        head.headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
    if !head.headers.contains_key(HOST)
        && let Some(authority) = head.uri.authority()
        && let Ok(host) = HeaderValue::from_str(authority.as_str())
    {
        head.headers.insert(HOST, host);
    }
    let mut crumbs = head.headers.get_all(COOKIE).iter();
    if let (Some(first), Some(second)) = (crumbs.next(), crumbs.next()) {
        let all: Vec<&[u8]> = [first, second].into_iter().chain(crumbs).map(HeaderValue::as_bytes).collect();
        if let Ok(cookie) = HeaderValue::from_bytes(&all.join(&b"; "[..])) {
            head.headers.insert(COOKIE, cookie);
        }
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    #[test]
    fn the_authority_is_the_host_and_cookies_are_one() {
        let request = Request::get("https://a.test:8443/p").header("cookie", "a=1").header("cookie", "b=2");
        let (mut head, ()) = request.body(()).expect("a request").into_parts();
        translate(&mut head, false);
        let lines: Vec<_> =
            head.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        assert_eq!(lines, [("cookie", &b"a=1; b=2"[..]), ("host", &b"a.test:8443"[..])]);
    }

    #[test]
    fn content_is_seen_by_the_head() {
        for (length, coding) in [(None, Some("chunked")), (Some("4"), None)] {
            let mut request = Request::get("https://a.test/");
            if let Some(length) = length {
                request = request.header("content-length", length);
            }
            let (mut head, ()) = request.body(()).expect("a request").into_parts();
            translate(&mut head, true);
            assert_eq!(
                head.headers.get(TRANSFER_ENCODING).map(HeaderValue::as_bytes),
                coding.map(str::as_bytes)
            );
        }
    }

    #[test]
    fn a_host_field_stays() {
        let request = Request::get("https://a.test/").header("host", "b.test");
        let (mut head, ()) = request.body(()).expect("a request").into_parts();
        translate(&mut head, false);
        assert_eq!(head.headers[HOST], "b.test");
    }
}
