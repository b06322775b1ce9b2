//! The `Cache-Control` of a response (RFC 9111 section 5.2.2), read so that doubt means "do not keep".
//!
//! Origins send malformed lists. Each reading here errs towards the stricter one: of two values of a directive
//! the smaller counts, a value that cannot be read is zero, and what looks like a directive after a quote that is
//! never closed is one. Directives that nothing here asks for are skipped. `CDN-Cache-Control`, which takes this
//! field's place where it is there, is [`crate::targeted`]; a viewer's `Cache-Control` is not read
//! but for one directive (see [`only_if_cached`]).

use std::time::Duration;

use http::header::CACHE_CONTROL;
use http::{HeaderMap, HeaderName};

use crate::limits::DELTA_SECONDS_MAX;

/// The directives of a response that decide whether, how long and on what conditions a shared cache keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CacheControl {
    /// `no-store`.
    pub no_store: bool,
    /// `no-cache` without field names: to be validated each time.
    pub no_cache: bool,
    /// `private` without field names.
    pub private: bool,
    /// What `no-cache="…"` and `private="…"` name: not to be used again, so left out of what is stored.
    pub withheld: Vec<HeaderName>,
    /// `public`.
    pub public: bool,
    /// `must-revalidate`.
    pub must_revalidate: bool,
    /// `proxy-revalidate`.
    pub proxy_revalidate: bool,
    /// `must-understand`.
    pub must_understand: bool,
    /// `max-age`.
    pub max_age: Option<Duration>,
    /// `s-maxage`.
    pub s_maxage: Option<Duration>,
    /// `stale-while-revalidate` (RFC 5861 section 3).
    pub stale_while_revalidate: Option<Duration>,
    /// `stale-if-error` (RFC 5861 section 4).
    pub stale_if_error: Option<Duration>,
}

impl CacheControl {
    /// Reads the lines of the field, in order.
    pub fn parse<'l>(lines: impl IntoIterator<Item = &'l [u8]>) -> Self {
        let mut found = Self::default();
        for line in lines {
            let mut rest = line;
            while let Some((directive, tail)) = next_directive(rest) {
                found.take(directive);
                rest = tail;
            }
        }
        found
    }

    /// Reads the field from a message's header fields.
    pub fn of(headers: &HeaderMap) -> Self {
        Self::parse(headers.get_all(CACHE_CONTROL).iter().map(http::HeaderValue::as_bytes))
    }

    fn take(&mut self, directive: Directive<'_>) {
        let Directive { name, value } = directive;
        match name.to_ascii_lowercase().as_slice() {
            b"no-store" => self.no_store = true,
            b"no-cache" => self.no_cache |= !self.withhold(value),
            b"private" => self.private |= !self.withhold(value),
            b"public" => self.public = true,
            b"must-revalidate" => self.must_revalidate = true,
            b"proxy-revalidate" => self.proxy_revalidate = true,
            b"must-understand" => self.must_understand = true,
            b"max-age" => stricter(&mut self.max_age, value),
            b"s-maxage" => stricter(&mut self.s_maxage, value),
            b"stale-while-revalidate" => stricter(&mut self.stale_while_revalidate, value),
            b"stale-if-error" => stricter(&mut self.stale_if_error, value),
            _ => {}
        }
    }

    /// Takes field names in (sections 5.2.2.4 and 5.2.2.7); whether all of them could be read. Otherwise the directive
    /// is meant for the whole response.
    pub(crate) fn withhold(&mut self, names: Option<&[u8]>) -> bool {
        let Some(names) = names else { return false };
        let names = names.split(|b| *b == b',').map(trim).filter(|name| !name.is_empty());
        let Ok(names) = names.map(HeaderName::from_bytes).collect::<Result<Vec<_>, _>>() else {
            return false;
        };
        self.withheld.extend_from_slice(&names);
        !names.is_empty()
    }
}

/// Whether a request wants nothing but what is stored (section 5.2.1.7).
///
/// `CloudFront differs:` from section 5.2.1, and so do we: the other directives of a viewer, and its `Pragma`, are not
/// read, which section 5.2.1 allows: no viewer turns the cache off. This one alone makes the origin's load smaller.
pub fn only_if_cached(request: &HeaderMap) -> bool {
    request.get_all(CACHE_CONTROL).iter().any(|line| {
        let mut rest = line.as_bytes();
        while let Some((directive, tail)) = next_directive(rest) {
            if directive.name.eq_ignore_ascii_case(b"only-if-cached") {
                return true;
            }
            rest = tail;
        }
        false
    })
}

/// Reads delta-seconds (RFC 9111 section 1.2.2): digits only; what is too large to hold counts as 2^31.
pub(crate) fn delta_seconds(text: &[u8]) -> Option<Duration> {
    if text.is_empty() {
        return None;
    }
    let mut seconds = 0u64;
    for byte in text {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        seconds = (seconds * 10 + digit).min(DELTA_SECONDS_MAX);
    }
    Some(Duration::from_secs(seconds))
}

/// RFC 9111 section 4.2.1: of several values a cache may take the first or call the response stale; the smallest is
/// never laxer than the first. A value that is missing or malformed is zero: stale.
fn stricter(held: &mut Option<Duration>, value: Option<&[u8]>) {
    let new = value.and_then(delta_seconds).unwrap_or(Duration::ZERO);
    *held = Some(held.map_or(new, |old| old.min(new)));
}

struct Directive<'l> {
    name: &'l [u8],
    /// Without the quotes. Escapes stay as they are: no directive that is read here needs one.
    value: Option<&'l [u8]>,
}

/// Splits the first directive off a list; nothing when only separators are left.
fn next_directive(line: &[u8]) -> Option<(Directive<'_>, &[u8])> {
    let start = line.iter().position(|b| !is_separator(*b) && !is_space(*b))?;
    let line = &line[start..];
    let mut end = line.len();
    let mut at = 0;
    while at < line.len() {
        match line[at] {
            b if is_separator(b) => {
                end = at;
                break;
            }
            b'"' => at = closing_quote(line, at).unwrap_or(at),
            _ => {}
        }
        at += 1;
    }
    let (member, tail) = line.split_at(end);
    let directive = match member.iter().position(|b| *b == b'=') {
        Some(equals) => {
            Directive { name: trim(&member[..equals]), value: Some(unquote(trim(&member[equals + 1..]))) }
        }
        None => Directive { name: trim(member), value: None },
    };
    Some((directive, tail))
}

/// Members are separated by commas. `;` is not in the grammar, but origins write it, and overlooking the `no-store`
/// of `max-age=0; no-store` would keep what must not be kept.
fn is_separator(byte: u8) -> bool {
    matches!(byte, b',' | b';')
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// Where the quoted string that opens at `open` closes (RFC 9110 section 5.6.4); nowhere when it does not.
fn closing_quote(line: &[u8], open: usize) -> Option<usize> {
    let mut at = open + 1;
    while let Some(byte) = line.get(at) {
        match byte {
            b'"' => return Some(at),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    None
}

fn trim(mut text: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = text
        && is_space(*first)
    {
        text = rest;
    }
    while let [rest @ .., last] = text
        && is_space(*last)
    {
        text = rest;
    }
    text
}

/// RFC 9111 section 5.2: a recipient ought to accept the token and the quoted form of every argument.
fn unquote(text: &[u8]) -> &[u8] {
    match text {
        [b'"', inner @ .., b'"'] => inner,
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seconds(n: u64) -> Option<Duration> {
        Some(Duration::from_secs(n))
    }

    fn check(lines: &[&str], expected: CacheControl) {
        assert_eq!(CacheControl::parse(lines.iter().map(|line| line.as_bytes())), expected, "{lines:?}");
    }

    fn with(change: impl FnOnce(&mut CacheControl)) -> CacheControl {
        let mut control = CacheControl::default();
        change(&mut control);
        control
    }

    fn age(n: u64) -> CacheControl {
        with(|control| control.max_age = seconds(n))
    }

    fn withheld(names: &[&'static str]) -> CacheControl {
        with(|control| control.withheld = names.iter().map(|name| HeaderName::from_static(name)).collect())
    }

    #[test]
    fn directives_are_read() {
        let no_store = || with(|control| control.no_store = true);
        check(&[], CacheControl::default());
        check(&["", " ,, ;\t,"], CacheControl::default());
        check(&["no-store"], no_store());
        check(&["NO-Store"], no_store());
        check(&["no-store=1"], no_store());
        check(&["immutable, no-storex, x-no-store"], CacheControl::default());
        check(&["private"], with(|control| control.private = true));
        check(&["no-cache"], with(|control| control.no_cache = true));
        check(&["max-age=60"], age(60));
        check(&["Max-Age = 60 ,x"], age(60));
        check(&["max-age=\"60\""], age(60));
        check(&["max-age=060"], age(60));
        check(
            &["public, Must-Revalidate, proxy-revalidate, must-understand"],
            with(|control| {
                control.public = true;
                control.must_revalidate = true;
                control.proxy_revalidate = true;
                control.must_understand = true;
            }),
        );
        check(
            &["max-age=60,s-maxage=30"],
            with(|control| {
                control.max_age = seconds(60);
                control.s_maxage = seconds(30);
            }),
        );
        check(
            &["stale-while-revalidate=5", "stale-if-error=7"],
            with(|control| {
                control.stale_while_revalidate = seconds(5);
                control.stale_if_error = seconds(7);
            }),
        );
        check(
            &["x", "max-age=60", "no-store"],
            with(|control| {
                control.max_age = seconds(60);
                control.no_store = true;
            }),
        );
    }

    #[test]
    fn field_names_are_withheld() {
        check(&["private=\"set-cookie, X-A\""], withheld(&["set-cookie", "x-a"]));
        check(&["no-cache=\"x-a\", private=x-b"], withheld(&["x-a", "x-b"]));
        // What cannot be read means the whole response, and so does the directive without names beside it.
        check(&["private=\"\""], with(|control| control.private = true));
        check(&["no-cache=\"a b\""], with(|control| control.no_cache = true));
        let both = CacheControl { no_cache: true, ..withheld(&["x-a"]) };
        check(&["no-cache, no-cache=\"x-a\""], both);
    }

    #[test]
    fn only_if_cached_is_the_one_directive_of_a_request() {
        for (line, expected) in
            [("max-age=0, Only-If-Cached", true), ("x=\"only-if-cached\"", false), ("no-cache", false)]
        {
            let headers = HeaderMap::from_iter([(CACHE_CONTROL, http::HeaderValue::from_static(line))]);
            assert_eq!(only_if_cached(&headers), expected, "{line}");
        }
    }

    #[test]
    fn doubt_is_strict() {
        check(&["max-age=60, max-age=30"], age(30));
        check(&["max-age=30", "max-age=60"], age(30));
        check(&["max-age=60, max-age=oops"], age(0));
        check(&["max-age"], age(0));
        check(&["max-age="], age(0));
        check(&["max-age=-1"], age(0));
        check(&["max-age=+1"], age(0));
        check(&["max-age=1.5"], age(0));
        check(&["max-age=60 30"], age(0));
        check(&["max-age=\"60"], age(0));
        check(&["max-age=2147483648"], age(2_147_483_648));
        check(&["max-age=99999999999999999999999999"], age(2_147_483_648));
        check(&["max-age=60; no-store"], CacheControl { no_store: true, ..age(60) });
    }

    #[test]
    fn quoted_strings_hide_separators() {
        check(&["x=\"a, no-store\", max-age=1"], age(1));
        check(&[r#"x="a\", no-store", max-age=1"#], age(1));
        // Never closed: not a quoted string, so the directive after it counts.
        check(&["x=\"a, no-store"], with(|control| control.no_store = true));
        check(&[r#"x="a\"#, "no-store"], with(|control| control.no_store = true));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(lines in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..4)) {
            let _ = CacheControl::parse(lines.iter().map(Vec::as_slice));
        }

        #[test]
        fn nothing_hides_a_directive_of_its_own_line(
            before in r#"[-a-z=",;\\ 0-9]{0,24}"#,
            after in r#"[-a-z=",;\\ 0-9]{0,24}"#,
        ) {
            prop_assert!(CacheControl::parse([before.as_bytes(), b"no-store", after.as_bytes()]).no_store);
        }
    }
}
