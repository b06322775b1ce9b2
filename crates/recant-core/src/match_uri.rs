//! The spelling under which stored responses and rules meet.
//!
//! One resource can be spelled in many ways: `/~a`, `/%7Ea`, `/%7ea`. Rules must be coarser than cache keys, or an
//! invalidation typed in one spelling would miss a response stored under another. So both sides are normalised by
//! the same function (RFC 3986 section 6.2.2): escapes in upper case, escapes of unreserved characters decoded,
//! whatever may not stand raw in a URI escaped. A `%` that starts no escape stays as it is.
//!
//! **Only the normalised spelling needs comparing.** What is equal raw is equal normalised, since the spelling is a
//! function of the text. And what starts with a prefix raw starts with it normalised: the text is read from left
//! to right, one byte or one escape at a time, so a prefix is read as the longer text is, save for an escape that it
//! cuts through, and `prefix` drops that. Both are held to by property tests in [`crate::rules`].
//!
//! Of the query only what is in the cache key counts, as a set of parameters: what is matched is a function of the
//! cache key alone, so that "checked up to position" may be remembered per stored response.

use std::fmt;

/// The normalised spelling of a stored response's path and keyed query.
///
/// `/a`, or `/a?x=1&y=2`: the parameters are sorted and without duplicates; there is a `?` only in front of one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MatchUri(Box<str>);

impl MatchUri {
    /// The spelling of a path and of those parts of its query that are in the cache key.
    pub fn of(path: &str, keyed_query: Option<&str>) -> Self {
        let path = normalised_path(path);
        Self(match keyed_query.map(parameters) {
            Some(parameters) => join(&path, &parameters).into(),
            None => path.into(),
        })
    }

    /// The spelling as text; pure ASCII.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for MatchUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The normalised spelling of a path; no `?` stands raw in it.
pub(crate) fn normalised_path(path: &str) -> String {
    normalised(path, |byte| byte == b'/')
}

/// The parameters of a query: normalised, sorted, without duplicates and without empty ones.
pub(crate) fn parameters(query: &str) -> Vec<String> {
    let mut parameters: Vec<String> = query
        .split('&')
        .filter(|parameter| !parameter.is_empty())
        .map(|parameter| normalised(parameter, |byte| matches!(byte, b'/' | b'?')))
        .collect();
    parameters.sort_unstable();
    parameters.dedup();
    parameters
}

/// A normalised path and its normalised, sorted parameters in one text.
pub(crate) fn join<S: AsRef<str>>(path: &str, parameters: &[S]) -> String {
    let mut text = path.to_owned();
    for (n, parameter) in parameters.iter().enumerate() {
        text.push(if n == 0 { '?' } else { '&' });
        text.push_str(parameter.as_ref());
    }
    text
}

/// What every continuation of this path is spelled with in front: the path, cut back to before an escape that its
/// end cuts through.
pub(crate) fn prefix(path: &str) -> String {
    let cut = match path.as_bytes() {
        [.., b'%'] => 1,
        [.., b'%', digit] if digit.is_ascii_hexdigit() => 2,
        _ => 0,
    };
    normalised_path(&path[..path.len() - cut])
}

/// RFC 3986 section 6.2.2; `also` are the bytes that may stand raw here besides those of a path segment.
fn normalised(text: &str, also: impl Fn(u8) -> bool) -> String {
    let may_stand = |byte: u8| is_segment(byte) || also(byte);
    let mut out = Vec::with_capacity(text.len() + 16);
    let mut rest = text.as_bytes();
    loop {
        // Nearly every text is one such run.
        let run = rest.iter().position(|byte| !may_stand(*byte)).unwrap_or(rest.len());
        out.extend_from_slice(&rest[..run]);
        let [byte, tail @ ..] = &rest[run..] else { break };
        rest = tail;
        match (byte, escaped(tail)) {
            (b'%', Some(meant)) => {
                rest = &tail[2..];
                if is_unreserved(meant) { out.push(meant) } else { escape(&mut out, meant) }
            }
            (b'%', None) => out.push(b'%'),
            _ => escape(&mut out, *byte),
        }
    }
    String::from_utf8(out).expect("what may stand raw is ASCII, and so are escapes")
}

fn escape(out: &mut Vec<u8>, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    out.extend([b'%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
}

/// The byte that the two hexadecimal digits at the start of this text stand for.
fn escaped(text: &[u8]) -> Option<u8> {
    let digit = |at: usize| text.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    Some((digit(0)? * 16 + digit(1)?) as u8)
}

/// RFC 3986 section 2.3.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// RFC 3986 section 3.3: what may stand raw in a path segment.
fn is_segment(byte: u8) -> bool {
    is_unreserved(byte)
        || matches!(
            byte,
            b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=' | b':' | b'@'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings() {
        let check = |path: &str, query: Option<&str>, expected: &str| {
            assert_eq!(MatchUri::of(path, query).as_str(), expected, "{path:?} {query:?}");
        };
        check("/", None, "/");
        check("/~a/%7Ea/%7ea", None, "/~a/~a/~a");
        check("/%41%2d%2E%5f", None, "/A-._");
        check("/%2f%3f%c3%a9", None, "/%2F%3F%C3%A9");
        check("/é Ω", None, "/%C3%A9%20%CE%A9");
        check("/\"<>\\^`{|}[]#", None, "/%22%3C%3E%5C%5E%60%7B%7C%7D%5B%5D%23");
        check("/it's(a);v=1,2:@!$&+*", None, "/it's(a);v=1,2:@!$&+*");
        check("/%27", None, "/%27");
        check("/%/%4/%zz/%%41/100%", None, "/%/%4/%zz/%A/100%");
        check("/a?b", None, "/a%3Fb");
        check("/a", Some(""), "/a");
        check("/a", Some("&&"), "/a");
        check("/a", Some("y=2&x=1&y=2&&x"), "/a?x&x=1&y=2");
        check("/a", Some("q=%7e/?:é+%2b b"), "/a?q=~/?:%C3%A9+%2B%20b");
    }

    #[test]
    fn a_prefix_never_ends_within_an_escape() {
        let check = |path: &str, expected: &str| assert_eq!(prefix(path), expected, "{path:?}");
        check("/a", "/a");
        check("/a%", "/a");
        check("/a%4", "/a");
        check("/a%41", "/aA");
        check("/a%z", "/a%z");
        check("/a%%", "/a%");
        check("/a%%4", "/a%");
        check("/a%4%", "/a%4");
        check("/%c3%a", "/%C3");
        check("/é", "/%C3%A9");
    }
}
