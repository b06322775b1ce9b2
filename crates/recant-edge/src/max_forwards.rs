//! `Max-Forwards` (RFC 9110 section 7.6.2): how many hops an `OPTIONS` request may still go. The other method that it is for, `TRACE`, is
//! not served.

use http::header::{ALLOW, CONTENT_LENGTH, HeaderMap, HeaderValue, MAX_FORWARDS};
use http::{Method, Response};

use crate::body::Outgoing;
use crate::hop;

/// Counts this hop. Whether the request ends here, and is to be answered by [`answer`].
pub(crate) fn ends_here(method: &Method, headers: &mut HeaderMap) -> bool {
    if *method != Method::OPTIONS {
        return false;
    }
    let said = headers.get(MAX_FORWARDS).and_then(|value| value.to_str().ok());
    match said.and_then(|text| text.trim().parse::<u64>().ok()) {
        Some(0) => true,
        Some(left) => {
            headers.insert(MAX_FORWARDS, HeaderValue::from(left - 1));
            false
        }
        None => false,
    }
}

/// What the last one to get such a request says: the methods that the behaviour lets through.
pub(crate) fn answer(allowed_methods: &[String]) -> Response<Outgoing> {
    let mut response = Response::new(Outgoing::Whole(None));
    let headers = response.headers_mut();
    let allowed =
        HeaderValue::try_from(allowed_methods.join(", ")).expect("names of methods are a field's value");
    headers.insert(ALLOW, allowed);
    headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    hop::append_via(headers, http::Version::HTTP_11);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hop_is_counted_once() {
        let check = |method: Method, said: &'static str, ends: bool, left: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(MAX_FORWARDS, HeaderValue::from_static(said));
            assert_eq!(ends_here(&method, &mut headers), ends, "{method} {said}");
            assert_eq!(headers[MAX_FORWARDS], left, "{method} {said}");
        };
        check(Method::OPTIONS, "0", true, "0");
        check(Method::OPTIONS, "1", false, "0");
        check(Method::OPTIONS, "70", false, "69");
        check(Method::OPTIONS, "many", false, "many");
        check(Method::OPTIONS, "-1", false, "-1");
        check(Method::GET, "0", false, "0");
        assert!(!ends_here(&Method::OPTIONS, &mut HeaderMap::new()));
    }
}
