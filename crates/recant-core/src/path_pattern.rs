//! Which cache behaviour a path has: `PathPattern`, with `*` for any characters and `?` for one.
//!
//! As with the service, a path is normalised before it is compared (RFC 3986 section 6.2.2: escapes, then dot segments), and goes to
//! the origin as it came. Otherwise `/open/../secret` would be handled as what is open and answered with what is not. Case counts; a
//! leading slash may be left out; queries are not looked at ("Path pattern" in the developer guide).

use serde::{Deserialize, Serialize};

use crate::limits::PATH_PATTERN_CHARS_MAX;
use crate::match_uri::normalised_path;

/// A pattern over paths.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PathPattern {
    text: String,
    /// The same, in the spelling that paths are compared in.
    compared: String,
}

/// A path in the spelling that patterns are compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternPath(String);

/// Why a text is no pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It has no or too many characters.
    #[error("a path pattern has 1 to {PATH_PATTERN_CHARS_MAX} characters")]
    Length,
    /// It has a character that no pattern has.
    #[error("a path pattern has letters, digits and _-.*?$/~\"'@:+& only")]
    Character,
}

impl PathPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// [`PatternError`].
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        if !(1..=PATH_PATTERN_CHARS_MAX).contains(&text.chars().count()) {
            return Err(PatternError::Length);
        }
        if !text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.*?$/~\"'@:+&".contains(&b)) {
            return Err(PatternError::Character);
        }
        let slash = if text.starts_with('/') { "" } else { "/" };
        let pieces: Vec<String> = text.split('?').map(normalised_path).collect();
        let compared = format!("{slash}{}", pieces.join("?"));
        Ok(Self { text: text.to_owned(), compared })
    }

    /// The pattern as it was typed.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether two patterns match the same: a leading slash makes no difference.
    pub fn is_same(&self, other: &Self) -> bool {
        self.compared == other.compared
    }

    /// Whether a path is one of those meant. Takes as long as both are at worst, multiplied.
    pub fn matches(&self, path: &PatternPath) -> bool {
        let (pattern, path) = (self.compared.as_bytes(), path.0.as_bytes());
        let (mut p, mut at) = (0, 0);
        // Where to go on when the rest does not match: after the last star, which then takes one character more.
        let mut star: Option<(usize, usize)> = None;
        while at < path.len() {
            match pattern.get(p) {
                Some(b'*') => {
                    star = Some((p + 1, at));
                    p += 1;
                }
                Some(b'?') => {
                    p += 1;
                    at += character_len(&path[at..]);
                }
                Some(byte) if *byte == path[at] => {
                    p += 1;
                    at += 1;
                }
                _ => match star {
                    Some((after, from)) => {
                        star = Some((after, from + 1));
                        (p, at) = (after, from + 1);
                    }
                    None => return false,
                },
            }
        }
        pattern[p..].iter().all(|byte| *byte == b'*')
    }
}

impl PatternPath {
    /// The spelling of a request's path.
    pub fn of(path: &str) -> Self {
        let path = normalised_path(path);
        if !path.contains("/.") {
            return Self(path);
        }
        // RFC 3986 section 5.2.4.
        let mut kept: Vec<&str> = Vec::new();
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        for (n, segment) in segments.iter().enumerate() {
            let is_last = n + 1 == segments.len();
            match *segment {
                "." => {}
                ".." => drop(kept.pop()),
                segment => {
                    kept.push(segment);
                    continue;
                }
            }
            if is_last {
                kept.push("");
            }
        }
        Self(format!("/{}", kept.join("/")))
    }
}

/// An escape is one character.
fn character_len(path: &[u8]) -> usize {
    match path {
        [b'%', high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => 3,
        _ => 1,
    }
}

impl TryFrom<String> for PathPattern {
    type Error = PatternError;
    fn try_from(text: String) -> Result<Self, PatternError> {
        Self::parse(&text)
    }
}

impl From<PathPattern> for String {
    fn from(pattern: PathPattern) -> Self {
        pattern.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_paths() {
        let check = |pattern: &str, yes: &[&str], no: &[&str]| {
            let pattern = PathPattern::parse(pattern).unwrap();
            for path in yes {
                assert!(pattern.matches(&PatternPath::of(path)), "{pattern:?} {path}");
            }
            for path in no {
                assert!(!pattern.matches(&PatternPath::of(path)), "{pattern:?} {path}");
            }
        };
        check(
            "/images/*.jpg",
            &["/images/a.jpg", "/images/a/b.jpg", "/images/.jpg"],
            &["/images/a.jpeg", "/i/a.jpg"],
        );
        check("images/*", &["/images/", "/images/a"], &["/images", "/Images/a", "/x/images/a"]);
        check("*.gif", &["/a.gif", "/a/b.gif", "/.gif"], &["/a.gif/b"]);
        check("*", &["/", "/a"], &[]);
        check("/a??.jpg", &["/abc.jpg", "/a%20b.jpg", "/a...jpg"], &["/ab.jpg", "/abcd.jpg"]);
        check("/a*b*c", &["/abc", "/axxbxxbc", "/abcbc"], &["/acb", "/abcb"]);
        check("/~a", &["/~a", "/%7Ea", "/%7ea"], &["/a"]);
        check("/q\"'*", &["/q\"'", "/q%22'x"], &["/q", "/q%22%27x"]);
        check(
            "/secret/*",
            &["/open/../secret/x", "/open/%2E%2e/secret/x", "/./secret/x"],
            &["/secret/../open"],
        );
        check("/open/", &["/open/.", "/open/x/..", "/open/x/../"], &["/open", "/open/.."]);
        check("/", &["/", "/.", "/a/.."], &["/a"]);
    }

    #[test]
    fn what_is_no_pattern() {
        for text in ["", "/a b", "/a%20", "/é", "/a\\b"] {
            assert!(PathPattern::parse(text).is_err(), "{text}");
        }
        let long = "a".repeat(PATH_PATTERN_CHARS_MAX);
        assert!(PathPattern::parse(&long).is_ok());
        assert_eq!(PathPattern::parse(&format!("{long}a")), Err(PatternError::Length));
        let read = |text: &str| PathPattern::parse(text).unwrap();
        assert!(read("a/*").is_same(&read("/a/*")) && !read("a/*").is_same(&read("a*")));
    }
}
