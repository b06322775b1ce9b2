//! Which resources a request may have changed at the origin: what a cache forgets after an unsafe method succeeded
//! (RFC 9111 section 4.4).

use http::header::{CONTENT_LOCATION, LOCATION};
use http::{HeaderMap, HeaderName, Uri};

use crate::host::Host;

/// A path and a query, as they would come in a request's target.
pub type Resource = (String, Option<String>);

/// The request's own target, and what `Location` and `Content-Location` of its response name under the same host.
///
/// The host is what tells tenants apart, so a response changes nothing of another's; ports and schemes do not matter,
/// as they do not matter to the key.
pub fn changed(host: &Host, path: &str, query: Option<&str>, response: &HeaderMap) -> Vec<Resource> {
    let mut resources = vec![(path.to_owned(), query.map(str::to_owned))];
    for name in [LOCATION, CONTENT_LOCATION] {
        let named = named(&name, host, path, response);
        resources.extend(named.filter(|named| !resources.contains(named)));
    }
    resources
}

fn named(name: &HeaderName, host: &Host, path: &str, response: &HeaderMap) -> Option<Resource> {
    let text = response.get(name)?.to_str().ok()?.split('#').next()?;
    if let Some((scheme, rest)) =
        text.split_once("//").filter(|(scheme, _)| scheme.is_empty() || scheme.ends_with(':'))
    {
        let scheme = if scheme.is_empty() { "http:" } else { scheme };
        let uri: Uri = format!("{scheme}//{rest}").parse().ok()?;
        let is_ours = Host::parse(uri.authority()?.as_str()).is_ok_and(|named| named == *host);
        return is_ours.then(|| (uri.path().to_owned(), uri.query().map(str::to_owned)));
    }
    let absolute = if text.starts_with('/') {
        text.to_owned()
    } else {
        // RFC 3986 section 5.2.3: in the place of the last segment.
        let directory = &path[..=path.rfind('/')?];
        format!("{directory}{text}")
    };
    let uri: Uri = absolute.parse().ok()?;
    Some((uri.path().to_owned(), uri.query().map(str::to_owned)))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn what_a_response_names_under_the_same_host() {
        let check = |location: &'static str, expected: &[&str]| {
            let headers = HeaderMap::from_iter([(LOCATION, HeaderValue::from_static(location))]);
            let host = Host::parse("a.test").unwrap();
            let got: Vec<String> = changed(&host, "/d/p", Some("q=1"), &headers)
                .into_iter()
                .map(|(path, query)| query.map_or(path.clone(), |query| format!("{path}?{query}")))
                .collect();
            let expected: Vec<_> = ["/d/p?q=1"].iter().chain(expected).map(ToString::to_string).collect();
            assert_eq!(got, expected, "{location}");
        };
        check("/x?y#z", &["/x?y"]);
        check("x", &["/d/x"]);
        check("http://a.test/x", &["/x"]);
        check("https://A.TEST:8443/x?y", &["/x?y"]);
        check("//a.test/x", &["/x"]);
        check("http://a.test", &["/"]);
        check("http://b.test/x", &[]);
        check("http://a.test@b.test/x", &[]);
        check("/d/p?q=1", &[]);
        check("/a b", &[]);
        check("mailto:x", &["/d/mailto:x"]);
    }
}
