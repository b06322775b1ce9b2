//! What an origin is told of a viewer where a policy asks for it: `CloudFront-*` fields, made of the connection and of what the edge is told of
//! countries.

use http::HeaderMap;
use http::Version;
use http::header::{HeaderName, HeaderValue};
use http::request::Parts;

use recant_core::geo::Whereabouts;
use recant_core::viewer_fields::{ViewerField, is_reserved};

use crate::geo::Geo;
use crate::request::Arrival;
use crate::viewer::Viewer;

/// Takes out what only an edge may say, and puts in what the policies of the request's behaviour list. From here on they are fields like
/// any other: in the key, in `Vary`, at the origin.
pub(crate) fn settle(head: &mut Parts, arrival: &Arrival, viewer: &Viewer, geo: &Geo) {
    if viewer.is_edge() {
        // That edge has done it, and nobody else knows its viewer.
        return;
    }
    let keyed = arrival.policy().map_or(&[][..], |policy| &policy.key.headers);
    let forwarded = arrival.origin_request().map(|policy| &policy.headers);
    let listed =
        forwarded.into_iter().flat_map(|headers| headers.names().iter().filter(|it| headers.takes(it)));
    let wanted = keyed.iter().chain(listed).filter(|name| is_reserved(name));
    // Before anything is taken out: the field that tells of countries may have one of those names.
    let is_country = |name: &HeaderName| ViewerField::of(name) == Some(ViewerField::Country);
    let country = match wanted.clone().any(is_country) {
        true => country(geo.whereabouts(&head.headers, viewer.address.ip())),
        false => None,
    };
    strip(&mut head.headers);
    for name in wanted {
        let field = ViewerField::of(name);
        if let Some(value) = field.and_then(|it| value(it, head.version, viewer, country.as_ref())) {
            head.headers.insert(name.clone(), value);
        }
    }
}

/// The two letters, upper case; nothing where it is not known.
fn country(viewer: Whereabouts<'_>) -> Option<HeaderValue> {
    match viewer {
        Whereabouts::In(code) if code.bytes().all(|byte| byte.is_ascii_alphabetic()) => {
            HeaderValue::try_from(code.to_ascii_uppercase()).ok()
        }
        Whereabouts::In(_) | Whereabouts::Unknown | Whereabouts::Untold => None,
    }
}

fn strip(headers: &mut HeaderMap) {
    // Nearly no request has any.
    let reserved: Vec<HeaderName> = headers.keys().filter(|name| is_reserved(name)).cloned().collect();
    for name in reserved {
        headers.remove(name);
    }
}

/// What is said in a field; nothing where that is not known.
fn value(
    field: ViewerField,
    version: Version,
    viewer: &Viewer,
    country: Option<&HeaderValue>,
) -> Option<HeaderValue> {
    Some(match field {
        ViewerField::ForwardedProto => HeaderValue::from_static(viewer.scheme()),
        ViewerField::Address => {
            let (ip, port) = (viewer.address.ip().to_canonical(), viewer.address.port());
            HeaderValue::try_from(format!("{ip}:{port}")).expect("digits, dots and colons are a value")
        }
        ViewerField::Country => return country.cloned(),
        ViewerField::HttpVersion => HeaderValue::from_static(match version {
            Version::HTTP_10 => "1.0",
            Version::HTTP_2 => "2.0",
            _ => "1.1",
        }),
    })
}
