//! Which responses an edge codes itself, and what coding changes of their fields.
//!
//! The rules are CloudFront's (Developer Guide, "Serve compressed files"), but for what HTTP forbids. That a viewer
//! accepts the coding is in the cache key ([`crate::cache_key`]), so a coded response is found by those only who can read it.
//!
//! **A coded response is another representation**: its entity-tag is weak from then on, and it says that it varies. What is
//! eligible and was not coded for this viewer says so, too, or it would be taken for everybody's.

use http::StatusCode;
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG,
    HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING, VARY,
};

use crate::conditional::{is_tag, opaque};
use crate::limits::{CODED_BODY_BYTES_MAX, CODED_BODY_BYTES_MIN};

/// A coding that an edge can do (RFC 9110 section 8.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// RFC 7932.
    Brotli,
    /// RFC 1952.
    Gzip,
}

/// Fields that hold a sum over the bytes as the origin has them.
const SUMS: [HeaderName; 4] = [
    HeaderName::from_static("content-md5"),
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("repr-digest"),
];

/// The media types that are coded, in order.
const TYPES: [&str; 48] = [
    "application/dash+xml",
    "application/eot",
    "application/font",
    "application/font-sfnt",
    "application/javascript",
    "application/json",
    "application/opentype",
    "application/otf",
    "application/pdf",
    "application/pkcs7-mime",
    "application/protobuf",
    "application/rss+xml",
    "application/truetype",
    "application/ttf",
    "application/vnd.apple.mpegurl",
    "application/vnd.mapbox-vector-tile",
    "application/vnd.ms-fontobject",
    "application/wasm",
    "application/x-font-opentype",
    "application/x-font-truetype",
    "application/x-font-ttf",
    "application/x-httpd-cgi",
    "application/x-javascript",
    "application/x-mpegurl",
    "application/x-opentype",
    "application/x-otf",
    "application/x-perl",
    "application/x-ttf",
    "application/xhtml+xml",
    "application/xml",
    "font/eot",
    "font/opentype",
    "font/otf",
    "font/ttf",
    "image/svg+xml",
    "text/css",
    "text/csv",
    "text/html",
    "text/javascript",
    "text/js",
    "text/plain",
    "text/richtext",
    "text/tab-separated-values",
    "text/x-component",
    "text/x-java-source",
    "text/x-script",
    "text/xml",
    "vnd.apple.mpegurl",
];

impl Coding {
    /// The best of the codings that a key says the viewer accepts (`br,gzip`, `br` or `gzip`).
    pub fn best(accepted: &HeaderValue) -> Option<Self> {
        let accepts = |name: &[u8]| accepted.as_bytes().split(|byte| *byte == b',').any(|it| it == name);
        if accepts(b"br") {
            return Some(Self::Brotli);
        }
        accepts(b"gzip").then_some(Self::Gzip)
    }

    /// Its name in `Content-Encoding`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }
}

/// Whether a response with these fields, as the origin sent them, is one to be coded.
pub fn is_eligible(status: StatusCode, headers: &HeaderMap) -> bool {
    let length = || {
        let mut lines = headers.get_all(CONTENT_LENGTH).iter();
        let (line, None) = (lines.next()?, lines.next()) else { return None };
        line.to_str().ok()?.parse::<u64>().ok()
    };
    let is_coded = || headers.contains_key(CONTENT_ENCODING) || headers.contains_key(TRANSFER_ENCODING);
    matches!(status, StatusCode::OK | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND)
        && length().is_some_and(|length| (CODED_BODY_BYTES_MIN..=CODED_BODY_BYTES_MAX).contains(&length))
        && has_listed_type(headers)
        && !is_coded()
        && !headers.contains_key(CONTENT_RANGE)
        && !SUMS.iter().any(|name| headers.contains_key(name))
        && !forbids_transforming(headers)
}

/// Changes the fields of an eligible response: to those of a coded one, or of one that would be coded for others.
pub fn mark(headers: &mut HeaderMap, coding: Option<Coding>) {
    if let Some(coding) = coding {
        headers.remove(CONTENT_LENGTH);
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
        weaken(headers);
    }
    vary(headers);
}

/// Makes the entity-tag a weak one (RFC 9110 section 8.8.3.3: one for each coding, or a weak one for all).
pub fn weaken(headers: &mut HeaderMap) {
    let Some(tag) = headers.get(ETAG).map(|tag| tag.as_bytes().trim_ascii().to_vec()) else { return };
    if !is_tag(opaque(&tag)) {
        headers.remove(ETAG);
    } else if !tag.starts_with(b"W/")
        && let Ok(weak) = HeaderValue::from_bytes(&[b"W/", &tag[..]].concat())
    {
        headers.insert(ETAG, weak);
    }
}

/// Has the response say that it varies by `Accept-Encoding`.
pub fn vary(headers: &mut HeaderMap) {
    let has_it = headers.get_all(VARY).iter().any(|line| {
        let mut names = line.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        names.any(|name| name == b"*" || name.eq_ignore_ascii_case(ACCEPT_ENCODING.as_str().as_bytes()))
    });
    if !has_it {
        headers.append(VARY, HeaderValue::from_static("Accept-Encoding"));
    }
}

fn has_listed_type(headers: &HeaderMap) -> bool {
    let Some(Ok(media_type)) = headers.get(CONTENT_TYPE).map(HeaderValue::to_str) else { return false };
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    TYPES.iter().any(|listed| listed.eq_ignore_ascii_case(essence))
}

/// RFC 9110 section 7.7. CloudFront does not say whether it heeds this.
fn forbids_transforming(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(CACHE_CONTROL).iter().filter_map(|line| line.to_str().ok());
    lines
        .flat_map(|line| line.split(','))
        .any(|directive| directive.trim().eq_ignore_ascii_case("no-transform"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::map;

    #[test]
    fn what_is_coded() {
        let check = |status: u16, lines: &[&str], expected: bool| {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(is_eligible(status, &map(lines)), expected, "{status} {lines:?}");
        };
        let (html, length) = ("content-type: text/html; charset=utf-8", "content-length: 1000");
        for status in [200, 403, 404] {
            check(status, &[html, length], true);
        }
        for status in [201, 206, 301, 400, 410, 500] {
            check(status, &[html, length], false);
        }
        check(200, &["content-type: TEXT/CSS", "content-length: 10000000"], true);
        for line in ["content-length: 999", "content-length: 10000001", "content-length: x", "x: y"] {
            check(200, &[html, line], false);
        }
        check(200, &[html, length, length], false);
        for line in ["content-type: image/png", "content-type: text", "x: y"] {
            check(200, &[line, length], false);
        }
        for line in [
            "content-encoding: gzip",
            "content-encoding: identity",
            "transfer-encoding: chunked",
            "content-range: bytes 0-999/1000",
            "content-md5: x",
            "cache-control: max-age=1, No-Transform",
        ] {
            check(200, &[html, length, line], false);
        }
    }

    #[test]
    fn what_coding_changes() {
        let check = |coding, lines: &[&str], expected: &[&str]| {
            let mut headers = map(lines);
            mark(&mut headers, coding);
            assert_eq!(headers, map(expected), "{coding:?} {lines:?}");
        };
        let varies = "vary: Accept-Encoding";
        let coded = "content-encoding: gzip";
        let gzip = Some(Coding::Gzip);
        check(gzip, &["content-length: 9", "etag: \"a\""], &[coded, "etag: W/\"a\"", varies]);
        check(gzip, &["etag: W/\"a\"", "vary: X"], &[coded, "etag: W/\"a\"", "vary: X", varies]);
        check(gzip, &["etag: a", "vary: X, accept-encoding"], &[coded, "vary: X, accept-encoding"]);
        check(None, &["content-length: 9", "etag: \"a\""], &["content-length: 9", "etag: \"a\"", varies]);
    }

    #[test]
    fn the_best_coding_that_is_accepted() {
        let best = |accepted| Coding::best(&HeaderValue::from_static(accepted));
        assert_eq!(
            ["br,gzip", "br", "gzip", ""].map(best),
            [Some(Coding::Brotli), Some(Coding::Brotli), Some(Coding::Gzip), None]
        );
    }
}
