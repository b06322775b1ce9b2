//! HTTP/2 from viewers: its bounds, and its requests in the words of HTTP/1.1.
//!
//! h2 refuses malformed requests with a stream error: fields of one connection (`Connection`, `Transfer-Encoding`,
//! `Upgrade`, …), a `TE` other than `trailers`, an unknown, repeated, misplaced or missing pseudo-field, and a
//! `Content-Length` that is not the body's (RFC 9113 sections 8.1.1, 8.2 and 8.3). `target` refuses an authority other than the `Host` field, and a scheme that is not the connection's.

use http::header::{CONTENT_LENGTH, COOKIE, HOST, HeaderValue, TRANSFER_ENCODING};
use http::request::Parts;
use hyper::server::conn::http2::Builder;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use recant_core::limits::{
    HTTP2_CONNECTION_WINDOW_BYTES, HTTP2_FRAME_BYTES_MAX, HTTP2_LOCAL_RESETS_MAX, HTTP2_PENDING_RESETS_MAX,
    HTTP2_PING_PERIOD, HTTP2_SEND_BYTES_MAX, HTTP2_STREAM_WINDOW_BYTES, HTTP2_STREAMS_MAX,
    REQUEST_HEAD_BYTES_MAX,
};

/// Connections within all bounds.
pub(crate) fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(HTTP2_STREAMS_MAX)
        .max_header_list_size(REQUEST_HEAD_BYTES_MAX as u32)
        .max_frame_size(HTTP2_FRAME_BYTES_MAX)
        .initial_stream_window_size(HTTP2_STREAM_WINDOW_BYTES)
        .initial_connection_window_size(HTTP2_CONNECTION_WINDOW_BYTES)
        .max_send_buf_size(HTTP2_SEND_BYTES_MAX)
        .max_pending_accept_reset_streams(HTTP2_PENDING_RESETS_MAX)
        .max_local_error_reset_streams(HTTP2_LOCAL_RESETS_MAX)
        .keep_alive_interval(HTTP2_PING_PERIOD)
        .keep_alive_timeout(HTTP2_PING_PERIOD);
    builder
}

/// Says in HTTP/1.1's words what HTTP/2 says in its own: the authority as `Host` (RFC 9113 section 8.3.1), and cookies
/// in one line (section 8.2.3), content of no stated length as chunks: that there is some is to be seen by the head alone. A `Host` field that
/// is there stays, for `target` to compare.
pub(crate) fn translate(head: &mut Parts, has_content: bool) {
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
