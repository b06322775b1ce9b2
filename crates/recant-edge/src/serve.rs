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

/// What a request gets of the stored response that it selects, in the order of RFC 9110 section 13.2.2.
pub(crate) fn serve(head: &Parts, stored: &Stored, age: Duration, account: &Account) -> Response<Outgoing> {
    let mut headers = stored.headers();
    let mut status = stored.status;
    let has_body = !stored.body.is_empty() && head.method == Method::GET;
    let mut body = Outgoing::Whole(has_body.then(|| stored.body.clone()));
    if not_modified(stored.status, &head.headers, &headers) {
        status = StatusCode::NOT_MODIFIED;
        body = Outgoing::Whole(None);
        respond::strip_for_not_modified(&mut headers);
    } else if head.headers.contains_key(RANGE) && head.method == Method::GET {
        match portion(&head.headers, stored.status, &headers, stored.body.len() as u64) {
            Portion::Whole => {}
            Portion::Parts(parts) => {
                status = StatusCode::PARTIAL_CONTENT;
                body = in_parts(&mut headers, &stored.body, &parts);
            }
            Portion::Unsatisfiable => {
                status = StatusCode::RANGE_NOT_SATISFIABLE;
                body = Outgoing::Whole(None);
                respond::strip_for_not_modified(&mut headers);
                headers.insert(CONTENT_LENGTH, HeaderValue::from(0));
                insert(&mut headers, CONTENT_RANGE, format!("bytes */{}", stored.body.len()));
            }
        }
    }
    respond::mark_stored(&mut headers, status, age, account);
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// A 206 (RFC 9110 section 15.3.7): the bytes are slices of what is stored.
fn in_parts(headers: &mut HeaderMap, body: &Bytes, parts: &[Range<u64>]) -> Outgoing {
    let slice = |part: &Range<u64>| {
        let place = |at| usize::try_from(at).expect("a part lies within a body in memory");
        body.slice(place(part.start)..place(part.end))
    };
    let content_range = |part: &Range<u64>| format!("bytes {}-{}/{}", part.start, part.end - 1, body.len());
    if let [part] = parts {
        insert(headers, CONTENT_RANGE, content_range(part));
        headers.insert(CONTENT_LENGTH, HeaderValue::from(part.end - part.start));
        return Outgoing::Whole(Some(slice(part)));
    }
    // Section 14.6. Nobody can have written the boundary into the body: it is made up only now.
    let number = || RandomState::new().build_hasher().finish();
    let boundary = format!("{:016x}{:016x}", number(), number());
    let content_type = headers.get(CONTENT_TYPE).cloned();
    let mut pieces = VecDeque::new();
    for part in parts {
        let mut head = format!("\r\n--{boundary}\r\n").into_bytes();
        if let Some(content_type) = &content_type {
            head.extend_from_slice(b"Content-Type: ");
            head.extend_from_slice(content_type.as_bytes());
            head.extend_from_slice(b"\r\n");
        }
        head.extend_from_slice(format!("Content-Range: {}\r\n\r\n", content_range(part)).as_bytes());
        pieces.push_back(Bytes::from(head));
        pieces.push_back(slice(part));
    }
    pieces.push_back(Bytes::from(format!("\r\n--{boundary}--\r\n")));
    insert(headers, CONTENT_TYPE, format!("multipart/byteranges; boundary={boundary}"));
    headers.remove(CONTENT_RANGE);
    headers.insert(CONTENT_LENGTH, HeaderValue::from(pieces.iter().map(Bytes::len).sum::<usize>()));
    Outgoing::Pieces(pieces)
}

fn insert(headers: &mut HeaderMap, name: http::HeaderName, value: String) {
    headers.insert(name, HeaderValue::try_from(value).expect("digits and letters are a field's value"));
}
