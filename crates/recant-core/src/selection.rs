//! Which of a request's cookies and query parameters count, by name.
//!
//! Names are compared as they stand, byte by byte: an escape in a name makes it another one. So whatever an origin
//! takes for the same name, what counts and what goes to it stay one and the same. Order is kept, as at CloudFront:
//! `?a=1&b=2` and `?b=2&a=1` are two.

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use serde::{Deserialize, Serialize};

/// Which of the named values of a request count.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Selection {
    /// None.
    #[default]
    None,
    /// Those of these names (`whitelist`).
    Only(Vec<String>),
    /// Those of all other names (`allExcept`).
    AllExcept(Vec<String>),
    /// All, as they stand.
    All,
}

impl Selection {
    /// Whether a value of this name counts.
    pub fn takes(&self, name: &[u8]) -> bool {
        let listed = |names: &[String]| names.iter().any(|listed| listed.as_bytes() == name);
        match self {
            Self::None => false,
            Self::Only(names) => listed(names),
            Self::AllExcept(names) => !listed(names),
            Self::All => true,
        }
    }

    /// Its kind, as a number, and its names.
    pub(crate) fn parts(&self) -> (u8, &[String]) {
        match self {
            Self::None => (0, &[]),
            Self::Only(names) => (1, names),
            Self::AllExcept(names) => (2, names),
            Self::All => (3, &[]),
        }
    }

    /// What counts of a query string; nothing when no parameter of it does.
    pub fn of_query(&self, query: Option<&str>) -> Option<String> {
        self.or(&Self::None).of_query(query)
    }

    /// The cookies that count, in one line.
    pub fn of_cookies(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        self.or(&Self::None).of_cookies(headers)
    }

    /// What counts by this or by another one.
    pub fn or<'a>(&'a self, other: &'a Self) -> Either<'a> {
        Either([self, other])
    }
}

/// Two selections: what one of them takes counts.
#[derive(Clone, Copy, Debug)]
pub struct Either<'a>([&'a Selection; 2]);

impl Either<'_> {
    fn is(&self, selection: &Selection) -> bool {
        self.0.contains(&selection)
    }

    fn takes(&self, pair: &[u8]) -> bool {
        self.0.iter().any(|selection| selection.takes(name_of(pair)))
    }

    /// What counts of a query string; nothing when no parameter of it does.
    pub fn of_query(&self, query: Option<&str>) -> Option<String> {
        if self.is(&Selection::All) {
            return query.map(str::to_owned);
        }
        let kept: Vec<&str> = query?.split('&').filter(|it| self.takes(it.as_bytes())).collect();
        (!kept.is_empty()).then(|| kept.join("&"))
    }

    /// The cookies that count, in one line: RFC 9113 section 8.2.3 lets viewers split them, and joins them by `; `.
    pub fn of_cookies(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let lines = || headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes);
        let joined = if self.is(&Selection::All) {
            lines().next()?;
            lines().collect::<Vec<_>>().join(&b"; "[..])
        } else {
            let cookies = lines().flat_map(|line| line.split(|b| *b == b';')).map(<[u8]>::trim_ascii);
            let kept: Vec<&[u8]> = cookies.filter(|it| !it.is_empty() && self.takes(it)).collect();
            if kept.is_empty() {
                return None;
            }
            kept.join(&b"; "[..])
        };
        Some(HeaderValue::from_bytes(&joined).expect("pieces of values, joined by what may stand in one"))
    }
}

/// What comes before the first `=`.
fn name_of(pair: &[u8]) -> &[u8] {
    pair.split(|b| *b == b'=').next().unwrap_or_default().trim_ascii()
}

/// How the names of header fields are written down.
pub(crate) mod header_names {
    use http::HeaderName;
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(names: &[HeaderName], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(names.iter().map(HeaderName::as_str))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<HeaderName>, D::Error> {
        let names = Vec::<String>::deserialize(from)?;
        names.iter().map(|name| HeaderName::from_bytes(name.as_bytes()).map_err(D::Error::custom)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(names: &[&str]) -> Selection {
        Selection::Only(names.iter().map(ToString::to_string).collect())
    }

    fn except(names: &[&str]) -> Selection {
        Selection::AllExcept(names.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn what_counts_of_a_query() {
        let check = |selection: &Selection, query: Option<&str>, expected: Option<&str>| {
            assert_eq!(selection.of_query(query).as_deref(), expected, "{selection:?} {query:?}");
        };
        check(&Selection::None, Some("a=1"), None);
        check(&Selection::All, Some("a=1&&b"), Some("a=1&&b"));
        check(&Selection::All, Some(""), Some(""));
        check(&Selection::All, None, None);
        check(&only(&["a", "c"]), Some("c=3&b=2&a=1&a=2"), Some("c=3&a=1&a=2"));
        check(&only(&["a"]), Some("a"), Some("a"));
        check(&only(&["a"]), Some("A=1&%61=1&ab=1"), None);
        check(&only(&["a"]), None, None);
        check(&except(&["a"]), Some("a=1&b=2&c"), Some("b=2&c"));
        check(&except(&["a"]), Some("%61=1"), Some("%61=1"));
        check(&except(&["a"]), Some("a=1"), None);
    }

    #[test]
    fn what_counts_of_cookies() {
        let check = |selection: &Selection, lines: &[&str], expected: Option<&str>| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(COOKIE, HeaderValue::from_str(line).unwrap());
            }
            let got = selection.of_cookies(&headers);
            assert_eq!(got.as_ref().map(|it| it.to_str().unwrap()), expected, "{selection:?} {lines:?}");
        };
        check(&Selection::None, &["a=1"], None);
        check(&Selection::All, &["a=1", "b=2;c=3"], Some("a=1; b=2;c=3"));
        check(&Selection::All, &[""], Some(""));
        check(&Selection::All, &[], None);
        check(&only(&["b"]), &["a=1;b=2", "b=3; ab=1"], Some("b=2; b=3"));
        check(&only(&["b"]), &["B=1"], None);
        check(&except(&["b"]), &["a=1; b=2;; c"], Some("a=1; c"));
        check(&except(&["b"]), &[], None);
    }
}
