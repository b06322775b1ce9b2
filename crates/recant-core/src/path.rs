//! The paths of an invalidation: `/images/logo.png`, `/images/*`.
//!
//! A path is judged once, here, and kept as it was typed: the API echoes the typed text and the fingerprint of a
//! batch is taken over it. What the text *means* (its normalised spelling, its place among the rules) is
//! [`crate::match_uri`]'s and [`crate::rules`]' business.
//!
//! CloudFront differs: it refuses raw `~`, quotes, spaces and non-ASCII characters in a path, and says about some
//! percent-encodings that they are accepted and match nothing. Here every such spelling is taken and normalised, so
//! that what was asked for is what is invalidated.

use std::fmt;

use crate::limits::PATH_CHARS_MAX;

/// Why a text cannot be an invalidation path: one clause, to be appended to the path.
///
/// Characters are counted from 0 in the fields and from 1 in the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// The text is empty.
    #[error("is empty")]
    Empty,
    /// The text does not start with a slash.
    #[error("does not start with '/'")]
    MissingSlash,
    /// The text is longer than [`PATH_CHARS_MAX`].
    #[error("has {chars} characters, more than {PATH_CHARS_MAX}")]
    TooLong {
        /// How many it has.
        chars: usize,
    },
    /// A wildcard stands elsewhere than at the end; CloudFront's documentation: only as the last character.
    #[error("has '*' as character {}, but '*' may only be the last one", at + 1)]
    WildcardNotLast {
        /// The index of the wildcard.
        at: usize,
    },
    /// A control character, which no URI can hold.
    #[error("has a control character (U+{code:04X}) as character {}", at + 1)]
    ControlCharacter {
        /// The index of the character.
        at: usize,
        /// Its code point.
        code: u32,
    },
}

/// A path that an invalidation names: one object, or, ending in `*`, everything whose path starts so.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InvalidationPath(Box<str>);

impl InvalidationPath {
    /// Judges a path as it was typed.
    ///
    /// # Errors
    /// [`PathError`] says what is wrong and where.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        if text.is_empty() {
            return Err(PathError::Empty);
        }
        if !text.starts_with('/') {
            return Err(PathError::MissingSlash);
        }
        let chars = text.chars().count();
        if chars > PATH_CHARS_MAX {
            return Err(PathError::TooLong { chars });
        }
        for (at, character) in text.chars().enumerate() {
            match character {
                '*' if at + 1 < chars => return Err(PathError::WildcardNotLast { at }),
                '\0'..='\x1f' | '\x7f' => {
                    return Err(PathError::ControlCharacter { at, code: character.into() });
                }
                _ => {}
            }
        }
        Ok(Self(text.into()))
    }

    /// The path as it was typed.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it ends in `*`.
    pub fn is_wildcard(&self) -> bool {
        self.0.ends_with('*')
    }

    /// The typed text without its wildcard, cut at the first `?`: the path and, if there is one, the query.
    pub fn parts(&self) -> (&str, Option<&str>) {
        let text = self.0.strip_suffix('*').unwrap_or(&self.0);
        match text.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (text, None),
        }
    }
}

impl fmt::Debug for InvalidationPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for InvalidationPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_accepted_is_kept_as_typed() {
        for text in [
            "/",
            "/*",
            "/a",
            "/a*",
            "/a/",
            "//",
            "/a?x=1&y=2",
            "/a?x*",
            "/?*",
            "/~",
            "/%7e",
            "/%7E*",
            "/%",
            "/%zz",
            "/%4*",
            "/a b",
            "/\"quoted\"",
            "/it's",
            "/naïve/Ω",
            "/#fragment",
            "/http://example.com/",
            "/%2A",
        ] {
            assert_eq!(
                InvalidationPath::parse(text).map(|path| path.as_str().to_owned()),
                Ok(text.to_owned())
            );
        }
    }

    #[test]
    fn what_is_refused_says_what_and_where() {
        let check = |text: &str, error: PathError, clause: &str| {
            assert_eq!(InvalidationPath::parse(text), Err(error.clone()), "{text:?}");
            assert_eq!(error.to_string(), clause);
        };
        check("", PathError::Empty, "is empty");
        check("a/b", PathError::MissingSlash, "does not start with '/'");
        check("*", PathError::MissingSlash, "does not start with '/'");
        check(
            "/é*/b*",
            PathError::WildcardNotLast { at: 2 },
            "has '*' as character 3, but '*' may only be the last one",
        );
        check(
            "/**",
            PathError::WildcardNotLast { at: 1 },
            "has '*' as character 2, but '*' may only be the last one",
        );
        check(
            "/a\nb",
            PathError::ControlCharacter { at: 2, code: 10 },
            "has a control character (U+000A) as character 3",
        );
        check(
            "/\x7f",
            PathError::ControlCharacter { at: 1, code: 0x7f },
            "has a control character (U+007F) as character 2",
        );
    }

    #[test]
    fn the_length_is_counted_in_characters() {
        let longest = format!("/{}", "é".repeat(PATH_CHARS_MAX - 1));
        assert!(InvalidationPath::parse(&longest).is_ok());
        assert_eq!(
            InvalidationPath::parse(&format!("{longest}*")),
            Err(PathError::TooLong { chars: PATH_CHARS_MAX + 1 })
        );
    }

    #[test]
    fn the_parts() {
        let check = |text: &str, parts: (&str, Option<&str>), wildcard: bool| {
            let path = InvalidationPath::parse(text).unwrap();
            assert_eq!((path.parts(), path.is_wildcard()), (parts, wildcard), "{text}");
        };
        check("/a", ("/a", None), false);
        check("/a*", ("/a", None), true);
        check("/a?x=?", ("/a", Some("x=?")), false);
        check("/a?*", ("/a", Some("")), true);
    }
}
