//! The header fields that an edge makes about a viewer: those of CloudFront's `CloudFront-*` that can be known from the connection alone, and
//! the country, where whatever stands in front of the edge tells it ([`crate::geo::Whereabouts`]).
//!
//! They are in a request only where a policy lists them. What a viewer sends under such a name never passes: an origin may believe what it
//! reads there. Fields about cities, networks, devices and fingerprints are not made, and a policy that lists one is refused.

use http::HeaderName;

/// A header field about a viewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ViewerField {
    /// `CloudFront-Forwarded-Proto`: `http` or `https`.
    ForwardedProto,
    /// `CloudFront-Viewer-Address`: address and port.
    Address,
    /// `CloudFront-Viewer-Country`: two letters of ISO 3166-1, where the edge is told; else it is left out, as CloudFront does with what it
    /// does not know.
    Country,
    /// `CloudFront-Viewer-Http-Version`: `1.0`, `1.1` or `2.0`.
    HttpVersion,
}

impl ViewerField {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::ForwardedProto, Self::Address, Self::Country, Self::HttpVersion];

    /// Its name.
    pub fn name(self) -> HeaderName {
        HeaderName::from_static(match self {
            Self::ForwardedProto => "cloudfront-forwarded-proto",
            Self::Address => "cloudfront-viewer-address",
            Self::Country => "cloudfront-viewer-country",
            Self::HttpVersion => "cloudfront-viewer-http-version",
        })
    }

    /// The one of this name.
    pub fn of(name: &HeaderName) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.name() == *name)
    }
}

/// Whether only an edge may say this of a viewer.
pub fn is_reserved(name: &HeaderName) -> bool {
    name.as_str().starts_with("cloudfront-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_known_by_name() {
        for field in ViewerField::ALL {
            assert_eq!(ViewerField::of(&field.name()), Some(field));
            assert!(is_reserved(&field.name()));
        }
        let city = HeaderName::from_static("cloudfront-viewer-city");
        assert_eq!((ViewerField::of(&city), is_reserved(&city)), (None, true));
        assert!(!is_reserved(&HeaderName::from_static("x-cloudfront-")));
    }
}
