//! What a proxy takes off and puts on a message that passes through it (RFC 9110 section 7.6).

use http::Version;
use http::header::{
    CONNECTION, HeaderMap, HeaderName, HeaderValue, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE,
    TRANSFER_ENCODING, UPGRADE, VIA,
};

/// The name by which this proxy calls itself in `Via`, `X-Cache` and `Cache-Status`.
pub(crate) const NAME: &str = "recant";

/// Fields that are about one connection, whether `Connection` lists them or not (RFC 9110 section 7.6.1).
///
/// `Trailer` is not among them any more: what it announces goes on to the viewer (RFC 9110 section 6.6.2).
/// The four with `proxy` are between a proxy and whoever asks it, and no cache may keep those that authenticate (RFC 9111 section 3.1).
const HOP_BY_HOP: [HeaderName; 9] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    PROXY_AUTHENTICATE,
    HeaderName::from_static("proxy-authentication-info"),
    PROXY_AUTHORIZATION,
    TE,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Fields that end-to-end recipients need: `Connection` may list them, but does not take them away.
/// (CVE-2022-45059 is a request that took `Content-Length` away so.)
const NEVER_LISTED: [HeaderName; 4] = [
    http::header::HOST,
    http::header::CONTENT_LENGTH,
    http::header::CACHE_CONTROL,
    http::header::AUTHORIZATION,
];

/// Those that hyper keeps out of trailers over HTTP/1.1.
const NEVER_TRAILING: [HeaderName; 10] = [
    http::header::AUTHORIZATION,
    http::header::CACHE_CONTROL,
    http::header::CONTENT_ENCODING,
    http::header::CONTENT_LENGTH,
    http::header::CONTENT_RANGE,
    http::header::CONTENT_TYPE,
    http::header::HOST,
    http::header::MAX_FORWARDS,
    http::header::SET_COOKIE,
    http::header::TRAILER,
];

/// Whether the field is about one connection.
pub(crate) fn is_for_one_hop(name: &HeaderName) -> bool {
    HOP_BY_HOP.contains(name)
}

/// Whether `Connection` names this field.
pub(crate) fn lists(headers: &HeaderMap, name: &HeaderName) -> bool {
    listed(headers).any(|listed| listed == name)
}

fn listed(headers: &HeaderMap) -> impl Iterator<Item = HeaderName> {
    let values = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let names = values.flat_map(|value| value.split(','));
    names.filter_map(|name| HeaderName::from_bytes(name.trim().as_bytes()).ok())
}

/// Removes what is not for the next hop.
pub(crate) fn strip(headers: &mut HeaderMap) {
    let listed: Vec<HeaderName> = listed(headers).filter(|name| !NEVER_LISTED.contains(name)).collect();
    for name in listed.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
}

/// Removes what must not be said after a body (RFC 9110 section 6.5.1): how it is framed, coded, controlled, whom it is from or for.
pub(crate) fn strip_trailers(trailers: &mut HeaderMap) {
    strip(trailers);
    for name in &NEVER_TRAILING {
        trailers.remove(name);
    }
}

/// Says that the message came through here (RFC 9110 section 7.6.3); `received` is the version it came in.
pub(crate) fn append_via(headers: &mut HeaderMap, received: Version) {
    let via = match received {
        Version::HTTP_10 => "1.0 recant",
        Version::HTTP_2 => "2.0 recant",
        _ => "1.1 recant",
    };
    headers.append(VIA, HeaderValue::from_static(via));
}

/// Keeps count of the edges that a request has passed where none of the viewer's other fields go on: whoever set up
/// edges in a circle needs it, and no origin learns by whom else it passed.
pub(crate) fn carry_hops(from: &HeaderMap, to: &mut HeaderMap) {
    for _ in 0..hops(from) {
        append_via(to, Version::HTTP_11);
    }
}

/// How many edges the request has passed already.
pub(crate) fn hops(headers: &HeaderMap) -> usize {
    headers
        .get_all(VIA)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter(|hop| hop.split_whitespace().nth(1) == Some(NAME))
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in fields {
            map.append(*name, HeaderValue::from_static(value));
        }
        map
    }

    #[test]
    fn what_is_for_one_hop_goes() {
        let mut map = headers(&[
            ("connection", "close, X-Private , content-length"),
            ("connection", "host"),
            ("x-private", "1"),
            ("keep-alive", "timeout=5"),
            ("te", "trailers"),
            ("content-length", "3"),
            ("host", "a.test"),
            ("accept", "*/*"),
        ]);
        strip(&mut map);
        let mut left: Vec<&str> = map.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["accept", "content-length", "host"]);
    }

    #[test]
    fn hops_are_counted_by_name() {
        let map =
            headers(&[("via", "1.1 recant, 1.0 other"), ("via", "1.1 recant (x)"), ("via", "nonsense")]);
        assert_eq!(hops(&map), 2);
    }
}
