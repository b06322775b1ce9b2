//! Whom a request is for and what it asks: the part of its head that decides where it goes.
//!
//! Everything that two parties could read differently is refused here (RFC 9112 sections 3.2 and 6.1); ports do not matter, since tenants are told apart by host alone. hyper
//! refuses before: malformed heads, several different `Content-Length`s, a last transfer coding other than
//! `chunked`, any transfer coding in HTTP/1.0. Of what it would make one meaning of without a word, `strict` has noted the doubt.
//! And since each request is framed anew for the origin, no doubt gets through.

use http::header::{CONTENT_LENGTH, HOST, HeaderName, TRANSFER_ENCODING};
use http::request::Parts;
use http::{Method, Version};

use recant_core::host::Host;

/// What a request is for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Target<'a> {
    /// Without port.
    pub(crate) host: Host,
    /// As sent; begins with `/`.
    pub(crate) path: &'a str,
    /// As sent, without the `?`.
    pub(crate) query: Option<&'a str>,
}

/// Why a request's meaning is not clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Ambiguous {
    /// RFC 9112 section 3.2: required in HTTP/1.1.
    #[error("The request has no Host field.")]
    NoHost,
    /// RFC 9112 section 3.2.
    #[error("The request has more than one Host field.")]
    SeveralHosts,
    /// RFC 9112 section 3.2.
    #[error("The Host field is not a host.")]
    BadHost,
    /// RFC 9112 section 3.2.2 would let the target win; a cache in front may have read the field.
    #[error("The request target names another host than the Host field.")]
    TwoHosts,
    /// RFC 9110 section 7.4: a cache in front may have read the scheme, an origin behind may believe it.
    #[error("The request target's scheme is not that of the connection.")]
    Scheme,
    /// Neither origin form nor absolute form.
    #[error("The request target is not a path.")]
    Form,
    /// RFC 3986 section 5.2.4 would drop the excess; an origin behind a path of its own might not.
    #[error("The request target leads above its root.")]
    AboveRoot,
    /// RFC 9112 section 6.1.
    #[error("The Transfer-Encoding is not 'chunked' alone.")]
    TransferEncoding,
    /// RFC 9112 section 6.1 allows to believe the coding; whoever stands in front may have believed the length.
    #[error("The request has both a Content-Length and a Transfer-Encoding.")]
    LengthAndCoding,
    /// RFC 9110 section 8.6 allows to take equal ones for one.
    #[error("The request has more than one Content-Length.")]
    SeveralLengths,
    /// Longer than any of them has reason to be.
    #[error("The field that says the body's length is too long.")]
    LongFraming,
    /// RFC 9112 section 2.2 allows to take it for the end of a line.
    #[error("A line of the request's head ends without a carriage return.")]
    BareLineFeed,
    /// RFC 9112 section 3.2: no form of target has one.
    #[error("The request target has a fragment.")]
    Fragment,
    /// RFC 1945 section 8.3: its content could only be told by a length.
    #[error("The request is to have content, and no Content-Length says how much.")]
    NoLength,
    /// Origins that take names for those of variables read it as the other one (CGI, RFC 3875 section 4.1.18).
    #[error("The request has a field that some take for a Content-Length or Transfer-Encoding.")]
    LookAlike,
}

impl<'a> Target<'a> {
    /// Reads a request's head; `scheme` is that of the connection it came over.
    ///
    /// # Errors
    /// [`Ambiguous`].
    pub(crate) fn of(head: &'a Parts, scheme: &str) -> Result<Self, Ambiguous> {
        check_framing(head)?;
        if !head.uri.path().starts_with('/') {
            return Err(Ambiguous::Form);
        }
        if leads_above_root(head.uri.path()) {
            return Err(Ambiguous::AboveRoot);
        }
        let host = match (field_host(head)?, head.uri.authority()) {
            (Some(field), Some(authority)) => {
                if parse_host(authority.as_str())? != field {
                    return Err(Ambiguous::TwoHosts);
                }
                field
            }
            (Some(field), None) => field,
            (None, Some(authority)) if head.version == Version::HTTP_10 => parse_host(authority.as_str())?,
            (None, _) => return Err(Ambiguous::NoHost),
        };
        if head.uri.scheme_str().is_some_and(|named| !named.eq_ignore_ascii_case(scheme)) {
            return Err(Ambiguous::Scheme);
        }
        Ok(Self { host, path: head.uri.path(), query: head.uri.query() })
    }
}

/// Whether `..` segments lead out of the root, in any spelling that some origin may take for them. Below an origin's
/// path (`/{{tenant}}`) that would be another tenant's.
fn leads_above_root(path: &str) -> bool {
    // Nearly every path.
    if !path.contains("..") && !path.contains("%2") {
        return false;
    }
    let plain = path.to_ascii_lowercase().replace("%2e", ".").replace("%2f", "/").replace("%5c", "/");
    let mut depth = 0;
    plain.split(['/', '\\']).any(|segment| {
        depth += match segment {
            ".." => -1,
            "" | "." => 0,
            _ => 1,
        };
        depth < 0
    })
}

/// What some take for a field that says where a body ends.
static LOOK_ALIKES: [HeaderName; 2] =
    [HeaderName::from_static("content_length"), HeaderName::from_static("transfer_encoding")];

/// What `strict` has not seen: here the fields are understood, and there are those of HTTP/2, too.
fn check_framing(head: &Parts) -> Result<(), Ambiguous> {
    let mut codings = head.headers.get_all(TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => {}
        (Some(coding), None) if coding.as_bytes().eq_ignore_ascii_case(b"chunked") => {}
        _ => return Err(Ambiguous::TransferEncoding),
    }
    if LOOK_ALIKES.iter().any(|name| head.headers.contains_key(name)) {
        return Err(Ambiguous::LookAlike);
    }
    let has_content = matches!(head.method, Method::POST | Method::PUT | Method::PATCH);
    if head.version == Version::HTTP_10 && has_content && !head.headers.contains_key(CONTENT_LENGTH) {
        return Err(Ambiguous::NoLength);
    }
    Ok(())
}

fn field_host(head: &Parts) -> Result<Option<Host>, Ambiguous> {
    let mut fields = head.headers.get_all(HOST).iter();
    match (fields.next(), fields.next()) {
        (None, _) => Ok(None),
        (Some(field), None) => parse_host(field.to_str().map_err(|_| Ambiguous::BadHost)?).map(Some),
        (Some(_), Some(_)) => Err(Ambiguous::SeveralHosts),
    }
}

fn parse_host(text: &str) -> Result<Host, Ambiguous> {
    Host::parse(text).map_err(|_| Ambiguous::BadHost)
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn check(uri: &str, fields: &[(&'static str, &str)], expect: Result<&str, Ambiguous>) {
        let mut request = Request::builder().uri(uri);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        assert_eq!(
            Target::of(&head, "http").map(|target| target.host.as_str().to_owned()),
            expect.map(str::to_owned),
            "{uri} {fields:?}"
        );
    }

    #[test]
    fn what_a_request_is_for() {
        check("/a?b", &[("host", "A.test:8080")], Ok("a.test"));
        check("/", &[("host", "a.test.")], Ok("a.test"));
        check("/", &[("host", "[::1]:80")], Ok("[::1]"));
        check("http://a.test/x", &[("host", "A.TEST")], Ok("a.test"));
        check("http://a.test:80/x", &[("host", "a.test")], Ok("a.test"));
        check("/", &[("host", "a.test"), ("transfer-encoding", "Chunked")], Ok("a.test"));
    }

    #[test]
    fn where_dots_lead() {
        let host = [("host", "a.test")];
        for target in
            ["/a/..", "/a/%2e./b", "/a..", "/..a", "/...", "/%2e", "/./a/../b", "/a?/../..", "/a%2f.."]
        {
            check(target, &host, Ok("a.test"));
        }
        for target in ["/..", "/a/../..", "//..", "/./..", "/..%2F", "/a%2F..%5c%2E%2e", "/.%2E/a/b"] {
            check(target, &host, Err(Ambiguous::AboveRoot));
        }
    }

    #[test]
    fn what_could_mean_two_things() {
        check("/", &[], Err(Ambiguous::NoHost));
        check("/", &[("host", "a.test"), ("host", "a.test")], Err(Ambiguous::SeveralHosts));
        check("/", &[("host", "a.test, b.test")], Err(Ambiguous::BadHost));
        check("/", &[("host", "")], Err(Ambiguous::BadHost));
        check("/", &[("host", "u@a.test")], Err(Ambiguous::BadHost));
        check("http://b.test/", &[("host", "a.test")], Err(Ambiguous::TwoHosts));
        check("http://a.test/", &[], Err(Ambiguous::NoHost));
        check("https://a.test/", &[("host", "a.test")], Err(Ambiguous::Scheme));
        check("*", &[("host", "a.test")], Err(Ambiguous::Form));
        check("a.test:80", &[("host", "a.test")], Err(Ambiguous::Form));
        let coding = |coding| [("host", "a.test"), ("transfer-encoding", coding)];
        check("/", &coding("gzip, chunked"), Err(Ambiguous::TransferEncoding));
        check("/", &coding("xchunked"), Err(Ambiguous::TransferEncoding));
    }
}
