//! What a viewer without TLS gets (`ViewerProtocolPolicy`).

use http::header::HeaderValue;
use http::request::Parts;
use http::{Method, StatusCode, Version};

use recant_core::host::Host;
use recant_core::spec::ViewerProtocol;

use crate::respond::Refusal;
use crate::target::Target;
use crate::viewer::Viewer;

/// The way to the same with TLS.
#[derive(Debug)]
pub(crate) struct HttpsRedirect {
    pub(crate) status: StatusCode,
    pub(crate) location: HeaderValue,
}

/// Refuses a request that must not be answered without TLS.
///
/// # Errors
/// [`Refusal::NotSecure`], [`Refusal::Elsewhere`].
pub(crate) fn check(
    policy: ViewerProtocol,
    viewer: &Viewer,
    head: &Parts,
    target: &Target<'_>,
    https_port: u16,
) -> Result<(), Refusal> {
    match policy {
        _ if viewer.is_secure() => Ok(()),
        ViewerProtocol::AllowAll => Ok(()),
        ViewerProtocol::HttpsOnly => Err(Refusal::NotSecure),
        ViewerProtocol::RedirectToHttps => Err(redirect(head, target, https_port)),
    }
}

/// CloudFront's statuses ("Requiring HTTPS for communication between viewers and CloudFront" in the developer guide):
/// for other methods one that keeps method and body, which HTTP/1.0 does not know.
fn redirect(head: &Parts, target: &Target<'_>, https_port: u16) -> Refusal {
    let status = match head.method {
        Method::GET | Method::HEAD => StatusCode::MOVED_PERMANENTLY,
        _ if head.version == Version::HTTP_10 => return Refusal::NotSecure,
        _ => StatusCode::TEMPORARY_REDIRECT,
    };
    match HeaderValue::try_from(location(&target.host, https_port, target.path, target.query)) {
        Ok(location) => Refusal::Elsewhere(HttpsRedirect { status, location }),
        Err(_) => Refusal::NotSecure,
    }
}

fn location(host: &Host, port: u16, path: &str, query: Option<&str>) -> String {
    // HTTPS's own port is not written (RFC 9110 section 4.2.3).
    let port = if port == 443 { String::new() } else { format!(":{port}") };
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    format!("https://{host}{port}{path}{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_the_same_but_for_the_scheme() {
        let check = |host: &str, port, path, query, expected: &str| {
            assert_eq!(location(&Host::parse(host).expect("a host"), port, path, query), expected);
        };
        check("A.test:8080", 443, "/", None, "https://a.test/");
        check("a.test", 8443, "/p%20q", Some("x=1?"), "https://a.test:8443/p%20q?x=1?");
        check("[::1]", 443, "//b.test/", Some(""), "https://[::1]//b.test/?");
    }
}
