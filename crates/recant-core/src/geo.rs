//! Where viewers may be (`GeoRestriction`, and a tenant's `Customizations.GeoRestrictions` in its place).
//!
//! It does not say where a viewer is: an edge is told that by what its operator put in front of it.

use serde::{Deserialize, Serialize};

/// The countries that are served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GeoRestriction {
    /// All.
    None,
    /// Only these: codes of ISO 3166-1, two letters, upper case.
    Whitelist(Vec<String>),
    /// All but these.
    Blacklist(Vec<String>),
}

/// What is known of where a viewer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whereabouts<'a> {
    /// Nobody tells this edge where anybody is.
    Untold,
    /// Whoever tells it did not say.
    Unknown,
    /// In this country.
    In(&'a str),
}

impl GeoRestriction {
    /// Whether a viewer who is there is served. An edge that nobody tells serves no one where anybody is not to be served: it
    /// cannot keep what was asked of it. A viewer of whom it is not known is in no list.
    pub fn admits(&self, viewer: Whereabouts<'_>) -> bool {
        let is_in =
            |listed: &[String], country: &str| listed.iter().any(|it| it.eq_ignore_ascii_case(country));
        match (self, viewer) {
            (Self::None, _) => true,
            (_, Whereabouts::Untold) => false,
            (Self::Whitelist(_), Whereabouts::Unknown) => false,
            (Self::Blacklist(_), Whereabouts::Unknown) => true,
            (Self::Whitelist(listed), Whereabouts::In(country)) => is_in(listed, country),
            (Self::Blacklist(listed), Whereabouts::In(country)) => !is_in(listed, country),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_served() {
        use Whereabouts::{In, Unknown, Untold};
        let listed = vec!["DE".to_owned(), "FR".to_owned()];
        let check = |restriction: GeoRestriction, expected: [bool; 5]| {
            let got =
                [Untold, Unknown, In("DE"), In("fr"), In("US")].map(|viewer| restriction.admits(viewer));
            assert_eq!(got, expected, "{restriction:?}");
        };
        check(GeoRestriction::None, [true; 5]);
        check(GeoRestriction::Whitelist(listed.clone()), [false, false, true, true, false]);
        check(GeoRestriction::Blacklist(listed), [false, true, false, false, true]);
    }
}
