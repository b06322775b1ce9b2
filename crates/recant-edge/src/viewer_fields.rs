//! What an origin is told of a viewer where a policy asks for it: `CloudFront-*` fields, made of the connection.

use http::HeaderMap;
use http::Version;
use http::header::{HeaderName, HeaderValue};
use http::request::Parts;

use recant_core::viewer_fields::{ViewerField, is_reserved};

use crate::request::Arrival;
use crate::viewer::Viewer;

/// Takes out what only an edge may say, and puts in what the policies of the request's behaviour list. From here on they are fields like
/// any other: in the key, in `Vary`, at the origin.
pub(crate) fn settle(head: &mut Parts, arrival: &Arrival, viewer: &Viewer) {
    strip(&mut head.headers);
    let keyed = arrival.policy().map_or(&[][..], |policy| &policy.key.headers);
    let forwarded = arrival.origin_request().map(|policy| &policy.headers);
    let listed =
        forwarded.into_iter().flat_map(|headers| headers.names().iter().filter(|it| headers.takes(it)));
    for name in keyed.iter().chain(listed).filter(|name| is_reserved(name)) {
        if let Some(field) = ViewerField::of(name) {
            head.headers.insert(name.clone(), value(field, head.version, viewer));
        }
    }
}

fn strip(headers: &mut HeaderMap) {
    // Nearly no request has any.
    let reserved: Vec<HeaderName> = headers.keys().filter(|name| is_reserved(name)).cloned().collect();
    for name in reserved {
        headers.remove(name);
    }
}

fn value(field: ViewerField, version: Version, viewer: &Viewer) -> HeaderValue {
    match field {
        ViewerField::ForwardedProto => HeaderValue::from_static(viewer.scheme()),
        ViewerField::Address => {
            let (ip, port) = (viewer.address.ip().to_canonical(), viewer.address.port());
            HeaderValue::try_from(format!("{ip}:{port}")).expect("digits, dots and colons are a value")
        }
        ViewerField::HttpVersion => HeaderValue::from_static(match version {
            Version::HTTP_10 => "1.0",
            Version::HTTP_2 => "2.0",
            _ => "1.1",
        }),
    }
}
