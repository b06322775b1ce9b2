//! `Vary`: which fields of a request select among the responses stored under one key (RFC 9111 section 4.1).
//!
//! Compared are the fields of the viewers' requests as they came. What the key tells apart already
//! ([`crate::cache_key`]) is left out: whoever shares the key shares it. A field that the edge did not forward
//! selects too: more variants than the origin has, never the wrong one.

use http::header::{ACCEPT_ENCODING, ACCEPT_LANGUAGE, CONTENT_ENCODING, COOKIE, VARY};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::cache_policy::CachePolicy;
use crate::selection::Selection;

/// The fields of the request that a stored response answers, as its `Vary` names them, in one spelling.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selecting(Box<[Selector]>);

/// A field and what the request had in it; nothing when it had none.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Selector(HeaderName, Option<Box<[u8]>>);

impl Selecting {
    /// What selects the response with these fields to this request; nothing when `Vary` says that no request ever
    /// matches (`*`) or names what can be no field.
    pub fn of(response: &HeaderMap, request: &HeaderMap, policy: &CachePolicy) -> Option<Self> {
        let mut selectors: Vec<Selector> = Vec::new();
        let members = response.get_all(VARY).iter().flat_map(|line| line.as_bytes().split(|b| *b == b','));
        for member in members.map(<[u8]>::trim_ascii).filter(|member| !member.is_empty()) {
            // In any place of the list it means the same.
            if member == b"*" {
                return None;
            }
            let name = HeaderName::from_bytes(member).ok()?;
            if !is_keyed(&name, policy) && !selectors.iter().any(|selector| selector.0 == name) {
                let value = normalised(request, &name);
                selectors.push(Selector(name, value));
            }
        }
        Some(Self(selectors.into()))
    }

    /// Whether this request selects it.
    pub fn matches(&self, request: &HeaderMap) -> bool {
        self.0.iter().all(|Selector(name, value)| normalised(request, name) == *value)
    }

    /// What another request has in the same fields.
    #[must_use]
    pub fn of_request(&self, request: &HeaderMap) -> Self {
        Self(
            self.0
                .iter()
                .map(|Selector(name, _)| Selector(name.clone(), normalised(request, name)))
                .collect(),
        )
    }

    /// How much memory the names and values take, in bytes.
    pub fn bytes(&self) -> usize {
        let bytes = |Selector(name, value): &Selector| {
            size_of::<Selector>() + name.as_str().len() + value.as_ref().map_or(0, |value| value.len())
        };
        self.0.iter().map(bytes).sum()
    }

    /// What these bytes were made of ([`Selecting::to_bytes`]); nothing when they cannot have been.
    pub fn from_bytes(mut bytes: &[u8]) -> Option<Self> {
        let mut selectors = Vec::new();
        while !bytes.is_empty() {
            let end = bytes.iter().position(|byte| matches!(byte, b':' | b'\n'))?;
            let (name, rest) = (HeaderName::from_bytes(&bytes[..end]).ok()?, &bytes[end + 1..]);
            let length = rest.iter().position(|byte| *byte == b'\n')?;
            let value = &rest[..length];
            if bytes[end] == b'\n' && !value.is_empty() {
                return None;
            }
            selectors.push(Selector(name, (bytes[end] == b':').then(|| value.into())));
            bytes = &rest[length + 1..];
        }
        Some(Self(selectors.into()))
    }

    /// The fields in one line of bytes, for keeping requests apart that select different responses.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for Selector(name, value) in &self.0 {
            bytes.extend_from_slice(name.as_str().as_bytes());
            bytes.push(if value.is_some() { b':' } else { b'\n' });
            bytes.extend_from_slice(value.as_deref().unwrap_or_default());
            // In no value.
            bytes.push(b'\n');
        }
        bytes
    }
}

/// Whether a response is the same in every coding that a viewer may accept: it is not coded, and does not say that it
/// would be for others. Then it is of use also to requests whose key has other codings in it.
pub fn is_for_every_coding(response: &HeaderMap) -> bool {
    let varies = |line: &HeaderValue| {
        let mut members = line.as_bytes().split(|b| *b == b',').map(<[u8]>::trim_ascii);
        members.any(|member| member.eq_ignore_ascii_case(ACCEPT_ENCODING.as_str().as_bytes()))
    };
    !response.contains_key(CONTENT_ENCODING) && !response.get_all(VARY).iter().any(varies)
}

/// `Accept-Encoding` is either in the key in its normalised form or never sent to the origin.
fn is_keyed(name: &HeaderName, policy: &CachePolicy) -> bool {
    *name == ACCEPT_ENCODING
        || *name == COOKIE && policy.key.cookies == Selection::All
        || policy.key.headers.contains(name)
}

/// Section 4.1 lets a cache combine lines, and drop what it knows to mean nothing: white space around the commas of a
/// list, and the case of languages. Their order does mean something to some origins (RFC 9110 section 12.5.4).
fn normalised(request: &HeaderMap, name: &HeaderName) -> Option<Box<[u8]>> {
    let mut lines = request.get_all(name).iter().peekable();
    lines.peek()?;
    let mut value = Vec::new();
    for line in lines {
        let mut in_quotes = false;
        for part in line.as_bytes().split(|b| *b == b',') {
            if !value.is_empty() {
                value.push(b',');
            }
            let opens = part.iter().filter(|b| **b == b'"').count() % 2 == 1;
            value.extend_from_slice(if in_quotes || opens { part } else { part.trim_ascii() });
            in_quotes ^= opens;
        }
    }
    if *name == ACCEPT_LANGUAGE {
        value.make_ascii_lowercase();
    }
    Some(value.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache_policy::managed;
    use crate::fixtures::map;

    const OPTIMIZED: &str = "658327ea-f89d-4fab-a63d-7e88639e58f6";
    const ORIGIN: &str = "83da9c7e-98b4-4e11-a168-04f0df8e2c65";

    fn check(vary: &[&str], stored: &[&str], presented: &[&str], expected: bool) {
        let selecting = Selecting::of(&map(vary), &map(stored), managed(OPTIMIZED).unwrap());
        let matches = selecting.is_some_and(|selecting| selecting.matches(&map(presented)));
        assert_eq!(matches, expected, "{vary:?} {stored:?} {presented:?}");
    }

    #[test]
    fn what_selects_is_made_of_its_bytes_again() {
        let request = map(&["foo: a:b, c", "bar: ", "baz: 1"]);
        for vary in ["", "foo", "foo, bar", "nothing, foo", "nothing, bar, none"] {
            let vary = map(&[&format!("vary: {vary}")]);
            let selecting = Selecting::of(&vary, &request, managed(OPTIMIZED).unwrap()).unwrap();
            assert_eq!(Selecting::from_bytes(&selecting.to_bytes()), Some(selecting), "{vary:?}");
        }
        for wrong in [&b"foo"[..], b"foo:", b"foo:a", b"foo\na\n", b":a\n", b"\n\n", b"f o:a\n"] {
            assert_eq!(Selecting::from_bytes(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn the_fields_that_vary_names_select() {
        check(&[], &["foo: 1"], &["foo: 2"], true);
        check(&["vary: "], &["foo: 1"], &["foo: 2"], true);
        check(&["vary: Foo"], &["foo: 1", "bar: 1"], &["foo: 1", "bar: 2"], true);
        check(&["vary: Foo"], &["foo: 1"], &["foo: 2"], false);
        check(&["vary: Foo"], &["foo: 1"], &[], false);
        check(&["vary: Foo"], &[], &["foo: "], false);
        check(&["vary: Foo"], &[], &[], true);
        check(&["vary: foo, BAR", "vary: baz"], &["baz: 1"], &["baz: 1"], true);
        check(&["vary: foo, BAR", "vary: baz"], &["baz: 1"], &["baz: 1", "bar: 1"], false);
        // In the key, or never sent.
        check(&["vary: Accept-Encoding"], &["accept-encoding: gzip"], &["accept-encoding: br"], true);
        check(&["vary: Cookie"], &["cookie: a=1"], &["cookie: a=2"], false);
        let keyed = Selecting::of(
            &map(&["vary: cookie,,host, Origin"]),
            &map(&["cookie: a=1"]),
            managed(ORIGIN).unwrap(),
        );
        assert_eq!(keyed, Some(Selecting::default()));
    }

    #[test]
    fn a_star_selects_nothing() {
        for vary in ["*", "*, *", ", *", "*, Foo", "Foo, *", "Foo,*"] {
            check(&[&format!("vary: {vary}")], &["foo: 1"], &["foo: 1"], false);
        }
        check(&["vary: ", "vary: *"], &[], &[], false);
        check(&["vary: no field"], &[], &[], false);
    }

    #[test]
    fn what_is_the_same_in_every_coding() {
        let check = |lines: &[&str], expected: bool| {
            assert_eq!(is_for_every_coding(&map(lines)), expected, "{lines:?}");
        };
        check(&[], true);
        check(&["vary: Origin, Accept-Language"], true);
        check(&["vary: Origin", "vary: a, ACCEPT-Encoding"], false);
        check(&["content-encoding: gzip"], false);
    }

    #[test]
    fn one_spelling_for_what_means_the_same() {
        let same = |field: &str, one: &[&str], other: &[&str], expected: bool| {
            check(&[&format!("vary: {field}")], one, other, expected);
        };
        same("foo", &["foo: 1, 2"], &["foo: 1", "foo: 2"], true);
        same("foo", &["foo: 1,2"], &["foo:  1 ,\t2 "], true);
        same("foo", &["foo: \"1,2\""], &["foo: \"1, 2\""], false);
        same("foo", &["foo: a"], &["foo: A"], false);
        same("accept-language", &["accept-language: en, de"], &["accept-language: eN,De"], true);
        same("accept-language", &["accept-language: en, de"], &["accept-language: de, en"], false);
    }

    #[test]
    fn different_requests_have_different_bytes() {
        let of = |request: &[&str]| {
            let names = map(&["vary: a, b"]);
            Selecting::of(&names, &map(request), managed(OPTIMIZED).unwrap()).unwrap().to_bytes()
        };
        let requests: [&[&str]; 6] =
            [&[], &["a: "], &["a: 1"], &["b: 1"], &["a: 1", "b: 1"], &["a: 1", "b: "]];
        for (n, one) in requests.iter().enumerate() {
            for other in &requests[n + 1..] {
                assert_ne!(of(one), of(other), "{one:?} {other:?}");
            }
        }
    }
}
