//! A response out of the store: whole, as a 304, or in parts.

use std::collections::VecDeque;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderMap, HeaderValue, RANGE};
use http::request::Parts;
use http::{Method, Response, StatusCode};

use recant_core::conditional::not_modified;
use recant_core::range::{Portion, portion};

use crate::body::Outgoing;
use crate::respond::{self, Account};
use crate::store::Stored;
use crate::tags;

/// What a request gets of the stored response that it selects, in the order of RFC 9110 section 13.2.2.
pub(crate) fn serve(head: &Parts, stored: &Stored, age: Duration, account: &Account) -> Response<Outgoing> {
    let mut headers = stored.headers();
    let mut status = stored.status;
    let has_body = !stored.body.is_empty() && head.method != Method::HEAD;
    let mut body = Outgoing::Whole(has_body.then(|| stored.body.clone()));
    // Section 13.2.1: a response to OPTIONS is no representation, and conditions are ignored.
    if head.method != Method::OPTIONS && not_modified(stored.status, &head.headers, &headers) {
        (status, body) = as_not_modified(&mut headers);
    } else if head.headers.contains_key(RANGE) && head.method == Method::GET {
        let length = stored.body.len() as u64;
        match portion(&head.headers, stored.status, &headers, length) {
            Portion::Whole => {}
            Portion::Parts(parts) => {
                let place = |at| usize::try_from(at).expect("a part lies within a body in memory");
                let slice = |part: &Range<u64>| vec![stored.body.slice(place(part.start)..place(part.end))];
                let parts = parts.into_iter().map(|part| (slice(&part), part)).collect();
                (status, body) = in_parts(&mut headers, length, parts);
            }
            Portion::Unsatisfiable => (status, body) = as_unsatisfiable(&mut headers, length),
        }
    }
    tags::tell(head, &mut headers, &stored.tags);
    respond::mark_stored(&mut headers, status, age, account);
    response(status, headers, body)
}

/// What a request for a range gets of an incomplete response; nothing if that takes more than there is of it (RFC 9111
/// section 3.3).
pub(crate) fn serve_incomplete(
    head: &Parts,
    stored: &Stored,
    age: Duration,
    account: &Account,
) -> Option<Response<Outgoing>> {
    let (segments, mut headers) = (stored.segments()?, stored.headers());
    let (status, body) = if not_modified(stored.status, &head.headers, &headers) {
        as_not_modified(&mut headers)
    } else {
        match portion(&head.headers, stored.status, &headers, segments.length()) {
            Portion::Whole => return None,
            Portion::Parts(parts) => {
                let parts = parts.into_iter().map(|part| Some((segments.range(&part)?, part)));
                in_parts(&mut headers, segments.length(), parts.collect::<Option<_>>()?)
            }
            Portion::Unsatisfiable => as_unsatisfiable(&mut headers, segments.length()),
        }
    };
    tags::tell(head, &mut headers, &stored.tags);
    respond::mark_stored(&mut headers, status, age, account);
    Some(response(status, headers, body))
}

fn response(status: StatusCode, headers: HeaderMap, body: Outgoing) -> Response<Outgoing> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

fn as_not_modified(headers: &mut HeaderMap) -> (StatusCode, Outgoing) {
    respond::strip_for_not_modified(headers);
    (StatusCode::NOT_MODIFIED, Outgoing::Whole(None))
}

fn as_unsatisfiable(headers: &mut HeaderMap, length: u64) -> (StatusCode, Outgoing) {
    respond::strip_for_not_modified(headers);
    headers.insert(CONTENT_LENGTH, HeaderValue::from(0));
    insert(headers, CONTENT_RANGE, format!("bytes */{length}"));
    (StatusCode::RANGE_NOT_SATISFIABLE, Outgoing::Whole(None))
}

/// A 206 (RFC 9110 section 15.3.7) of so many bytes: what there is of each part are slices of what is stored.
fn in_parts(
    headers: &mut HeaderMap,
    length: u64,
    parts: Vec<(Vec<Bytes>, Range<u64>)>,
) -> (StatusCode, Outgoing) {
    let content_range = |part: &Range<u64>| format!("bytes {}-{}/{length}", part.start, part.end - 1);
    if let [(slices, part)] = &parts[..] {
        insert(headers, CONTENT_RANGE, content_range(part));
        headers.insert(CONTENT_LENGTH, HeaderValue::from(part.end - part.start));
        let body = match &slices[..] {
            [one] => Outgoing::Whole(Some(one.clone())),
            several => Outgoing::Pieces(several.iter().cloned().collect()),
        };
        return (StatusCode::PARTIAL_CONTENT, body);
    }
    // Section 14.6. Nobody can have written the boundary into the body: it is made up only now.
    let number = || RandomState::new().build_hasher().finish();
    let boundary = format!("{:016x}{:016x}", number(), number());
    let content_type = headers.get(CONTENT_TYPE).cloned();
    let mut pieces = VecDeque::new();
    for (slices, part) in parts {
        let mut head = format!("\r\n--{boundary}\r\n").into_bytes();
        if let Some(content_type) = &content_type {
            head.extend_from_slice(b"Content-Type: ");
            head.extend_from_slice(content_type.as_bytes());
            head.extend_from_slice(b"\r\n");
        }
        head.extend_from_slice(format!("Content-Range: {}\r\n\r\n", content_range(&part)).as_bytes());
        pieces.push_back(Bytes::from(head));
        pieces.extend(slices);
    }
    pieces.push_back(Bytes::from(format!("\r\n--{boundary}--\r\n")));
    insert(headers, CONTENT_TYPE, format!("multipart/byteranges; boundary={boundary}"));
    headers.remove(CONTENT_RANGE);
    headers.insert(CONTENT_LENGTH, HeaderValue::from(pieces.iter().map(Bytes::len).sum::<usize>()));
    (StatusCode::PARTIAL_CONTENT, Outgoing::Pieces(pieces))
}

fn insert(headers: &mut HeaderMap, name: http::HeaderName, value: String) {
    headers.insert(name, HeaderValue::try_from(value).expect("digits and letters are a field's value"));
}
