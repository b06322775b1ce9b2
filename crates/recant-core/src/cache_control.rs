//! The `Cache-Control` of a response (RFC 9111 section 5.2.2), read so that doubt means "do not keep".
//!
//! Origins send malformed lists. Each reading here errs towards the stricter one: of two values of a directive
//! the smaller counts, a value that cannot be read is zero, and what looks like a directive after a quote that is
//! never closed is one. Directives that nothing here asks for are skipped; a viewer's `Cache-Control` is not read
//! at all (see [`crate::freshness::request_allows`]).

use std::time::Duration;

use http::HeaderMap;
use http::header::CACHE_CONTROL;

use crate::limits::DELTA_SECONDS_MAX;

/// The directives of a response that decide whether and how long a shared cache keeps it.
///
/// `must-understand` is not among them: it softens `no-store` only for caches that implement it, and honouring
/// `no-store` always is allowed (RFC 9111 section 5.2.2.3). Nor are `must-revalidate` and `proxy-revalidate`:
/// nothing stale is ever served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheControl {
    /// `no-store`.
    pub no_store: bool,
    /// `no-cache`, with or without field names: section 5.2.2.4 lets a cache treat both alike.
    pub no_cache: bool,
    /// `private`, with or without field names: section 5.2.2.7 lets a cache treat both alike.
    pub private: bool,
    /// `max-age`.
    pub max_age: Option<Duration>,
    /// `s-maxage`.
    pub s_maxage: Option<Duration>,
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
        let is = |name: &[u8]| directive.name.eq_ignore_ascii_case(name);
        if is(b"no-store") {
            self.no_store = true;
        } else if is(b"no-cache") {
            self.no_cache = true;
        } else if is(b"private") {
            self.private = true;
        } else if is(b"max-age") {
            stricter(&mut self.max_age, directive.value);
        } else if is(b"s-maxage") {
            stricter(&mut self.s_maxage, directive.value);
        }
    }
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

    #[test]
    fn directives_are_read() {
        let none = CacheControl::default();
        let no_store = CacheControl { no_store: true, ..none };
        let age = |n| CacheControl { max_age: seconds(n), ..none };
        check(&[], none);
        check(&["", " ,, ;\t,"], none);
        check(&["no-store"], no_store);
        check(&["NO-Store"], no_store);
        check(&["no-store=1"], no_store);
        check(&["public, immutable, no-storex, x-no-store"], none);
        check(&["private"], CacheControl { private: true, ..none });
        check(&["private=\"set-cookie, x\""], CacheControl { private: true, ..none });
        check(&["no-cache=\"x\""], CacheControl { no_cache: true, ..none });
        check(&["max-age=60"], age(60));
        check(&["Max-Age = 60 ,public"], age(60));
        check(&["max-age=\"60\""], age(60));
        check(
            &["max-age=60,s-maxage=30"],
            CacheControl { max_age: seconds(60), s_maxage: seconds(30), ..none },
        );
        check(
            &["public", "max-age=60", "no-store"],
            CacheControl { max_age: seconds(60), no_store: true, ..none },
        );
    }

    #[test]
    fn doubt_is_strict() {
        let none = CacheControl::default();
        let age = |n| CacheControl { max_age: seconds(n), ..none };
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
        let none = CacheControl::default();
        check(&["x=\"a, no-store\", max-age=1"], CacheControl { max_age: seconds(1), ..none });
        check(&[r#"x="a\", no-store", max-age=1"#], CacheControl { max_age: seconds(1), ..none });
        // Never closed: not a quoted string, so the directive after it counts.
        check(&["x=\"a, no-store"], CacheControl { no_store: true, ..none });
        check(&[r#"x="a\"#, "no-store"], CacheControl { no_store: true, ..none });
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
