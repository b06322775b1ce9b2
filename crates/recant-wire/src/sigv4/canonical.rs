//! The canonical request, the string to sign, the signature: SigV4 steps 1 to 4.
//!
//! Everything here is a total function of the request as it was sent: no input is refused, so that the verifier
//! answers "does not match" to what it cannot make sense of. The canonical request is bytes, not text, since
//! header values are.

use hmac::{Hmac, KeyInit, Mac};
use recant_core::entry::Hash;
use sha2::Sha256;

use super::date::AmzDate;
use super::{ALGORITHM, Header, SignableRequest};

/// How a service wants its paths spelled (SigV4 step 1, "CanonicalURI").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathSpelling {
    /// Whether what is percent-encoded already is encoded once more.
    pub encode_twice: bool,
    /// Whether `.`, `..` and empty segments are resolved.
    pub normalize: bool,
}

impl PathSpelling {
    /// CloudFront's, and every service's but S3.
    pub const CLOUDFRONT: Self = Self { encode_twice: true, normalize: true };
}

/// The canonical request with these headers signed; `signed_headers` holds lower-case names, sorted (SigV4 step 1).
pub fn canonical_request(
    request: &SignableRequest<'_>,
    signed_headers: &[&str],
    spelling: PathSpelling,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    out.extend_from_slice(request.method.as_bytes());
    out.push(b'\n');
    out.extend_from_slice(path(request.path, spelling).as_bytes());
    out.push(b'\n');
    out.extend_from_slice(query(request.query).as_bytes());
    out.push(b'\n');
    for name in signed_headers {
        out.extend_from_slice(name.as_bytes());
        out.push(b':');
        push_values(&mut out, request.headers, name);
        out.push(b'\n');
    }
    out.push(b'\n');
    out.extend_from_slice(signed_headers.join(";").as_bytes());
    out.push(b'\n');
    out.extend_from_slice(hex(&request.body_hash.0).as_bytes());
    out
}

/// The string that is signed (SigV4 steps 2 and 3).
pub fn string_to_sign(date: AmzDate, region: &str, service: &str, canonical_request: &[u8]) -> String {
    let hash = hex(&Hash::of(canonical_request).0);
    format!("{ALGORITHM}\n{date}\n{}/{region}/{service}/aws4_request\n{hash}", date.day())
}

/// The signature of a string (SigV4 step 4), in lower-case hexadecimal digits.
pub fn signature(secret: &str, date: AmzDate, region: &str, service: &str, string_to_sign: &str) -> String {
    let mut key = hmac(format!("AWS4{secret}").as_bytes(), date.day().as_bytes());
    for part in [region, service, "aws4_request", string_to_sign] {
        key = hmac(&key, part.as_bytes());
    }
    hex(&key)
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from(b"0123456789abcdef"[usize::from(value & 15)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

fn path(path: &str, spelling: PathSpelling) -> String {
    let path = if path.is_empty() { "/" } else { path };
    let normalized = if spelling.normalize { normalize(path) } else { path.into() };
    let mut out = String::with_capacity(normalized.len());
    for byte in normalized.bytes() {
        // Encoded once, a path as sent is canonical already but for what should not have been sent raw.
        let kept = byte == b'/' || (byte == b'%' && !spelling.encode_twice);
        push_encoded(&mut out, byte, kept);
    }
    out
}

/// Resolves `.` and `..` and drops empty segments, as botocore does: unlike RFC 3986 section 5.2.4, a trailing
/// dot segment leaves no slash behind.
fn normalize(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                kept.pop();
            }
            _ => kept.push(segment),
        }
    }
    let mut out = format!("/{}", kept.join("/"));
    if path.ends_with('/') && !kept.is_empty() {
        out.push('/');
    }
    out
}

/// The parameters decoded, encoded in the one right way, and sorted by name, then by value.
fn query(query: &str) -> String {
    let spell = |text: &str| {
        let mut out = String::with_capacity(text.len());
        for byte in percent_encoding::percent_decode_str(text) {
            push_encoded(&mut out, byte, false);
        }
        out
    };
    let mut parameters: Vec<(String, String)> = query
        .split('&')
        .filter(|parameter| !parameter.is_empty())
        .map(|parameter| parameter.split_once('=').unwrap_or((parameter, "")))
        .map(|(name, value)| (spell(name), spell(value)))
        .collect();
    parameters.sort();
    let spelled: Vec<String> =
        parameters.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    spelled.join("&")
}

/// Appends the values of all fields of this name in the order they were sent, separated by commas, trimmed, with
/// every run of white space inside as one space.
fn push_values(out: &mut Vec<u8>, headers: &[Header<'_>], name: &str) {
    let values = headers.iter().filter(|(candidate, _)| candidate.eq_ignore_ascii_case(name));
    for (index, (_, value)) in values.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        let words = value.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        for (index, word) in words.enumerate() {
            if index > 0 {
                out.push(b' ');
            }
            out.extend_from_slice(word);
        }
    }
}

/// Appends a byte, as `%XX` unless it is unreserved (RFC 3986 section 2.3) or `kept`.
fn push_encoded(out: &mut String, byte: u8, kept: bool) {
    if kept || byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
        out.push(char::from(byte));
    } else {
        let digit = |value: u8| char::from(b"0123456789ABCDEF"[usize::from(value & 15)]);
        out.extend(['%', digit(byte >> 4), digit(byte)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_as_cloudfront_wants_them() {
        for (sent, canonical) in [
            ("", "/"),
            ("/", "/"),
            ("/a%2Fb/~x", "/a%252Fb/~x"),
            ("/2020-05-31/distribution-tenant/../invalidation", "/2020-05-31/invalidation"),
            ("/a/./b/..", "/a"),
            ("/../..", "/"),
            ("//a//b//", "/a/b/"),
            ("/a:b@c", "/a%3Ab%40c"),
        ] {
            assert_eq!(path(sent, PathSpelling::CLOUDFRONT), canonical, "{sent}");
        }
    }

    #[test]
    fn queries_are_spelled_one_way_and_sorted() {
        for (sent, canonical) in [
            ("", ""),
            ("b=2&a=1&a=0", "a=0&a=1&b=2"),
            ("Operation", "Operation="),
            ("Resource=arn:aws:x/y", "Resource=arn%3Aaws%3Ax%2Fy"),
            ("Resource=arn%3aaws", "Resource=arn%3Aaws"),
            ("a=b=c", "a=b%3Dc"),
            ("a=1+1&&", "a=1%2B1"),
            ("a=%zz%", "a=%25zz%25"),
            ("a=%FF", "a=%FF"),
        ] {
            assert_eq!(query(sent), canonical, "{sent}");
        }
    }
}
