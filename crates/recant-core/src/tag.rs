//! Cache tags: what an origin calls its responses, and an invalidation names as `#tag`.
//!
//! Form and matching are CloudFront's (developer guide, invalidation by cache tag): visible ASCII without comma,
//! compared whole and without regard to case.

use std::fmt;

use crate::limits::{TAG_CHARS_MAX, TAGS_PER_RESPONSE_MAX};

/// Why a text cannot be a tag: one clause, to be appended to the tag.
///
/// Characters are counted from 0 in the fields and, with the `#` in front of the tag, from 1 in the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TagError {
    /// Nothing follows the `#`.
    #[error("names no tag after '#'")]
    Empty,
    /// The tag is longer than [`TAG_CHARS_MAX`].
    #[error("has a tag of {chars} characters, more than {TAG_CHARS_MAX}")]
    TooLong {
        /// How many it has.
        chars: usize,
    },
    /// A wildcard: tags match as a whole, so it would silently match nothing.
    #[error("has '*' as character {}, but a tag has no wildcard", at + 2)]
    Wildcard {
        /// The index of the wildcard in the tag.
        at: usize,
    },
    /// A character that no tag can hold.
    #[error("has {character:?} as character {}, but a tag holds visible ASCII without comma only", at + 2)]
    Character {
        /// The index of the character in the tag.
        at: usize,
        /// The character.
        character: char,
    },
}

/// A tag, in lower case.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CacheTag(Box<str>);

impl CacheTag {
    /// Reads a tag, without the `#` in front of it.
    ///
    /// # Errors
    /// [`TagError`] says what is wrong and where.
    pub fn parse(text: &str) -> Result<Self, TagError> {
        if text.is_empty() {
            return Err(TagError::Empty);
        }
        let chars = text.chars().count();
        if chars > TAG_CHARS_MAX {
            return Err(TagError::TooLong { chars });
        }
        for (at, character) in text.chars().enumerate() {
            match character {
                '*' => return Err(TagError::Wildcard { at }),
                ',' => return Err(TagError::Character { at, character }),
                '!'..='~' => {}
                _ => return Err(TagError::Character { at, character }),
            }
        }
        Ok(Self(text.to_ascii_lowercase().into()))
    }

    /// The tag in lower case, without `#`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for CacheTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

impl fmt::Display for CacheTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The tags of a response, out of the values of its tag header: comma separated, spaces around them trimmed.
///
/// What no invalidation could name is dropped, then what was named before, then all beyond the first
/// [`TAGS_PER_RESPONSE_MAX`] (CloudFront drops them silently, too).
pub fn parse_header_values<'a>(values: impl Iterator<Item = &'a [u8]>) -> Vec<CacheTag> {
    parse_header_values_up_to(TAGS_PER_RESPONSE_MAX, values)
}

/// The same with another bound.
pub fn parse_header_values_up_to<'a>(
    tags_max: usize,
    values: impl Iterator<Item = &'a [u8]>,
) -> Vec<CacheTag> {
    let mut tags = Vec::new();
    for value in values {
        for piece in value.split(|byte| *byte == b',') {
            let Some(tag) =
                std::str::from_utf8(piece.trim_ascii()).ok().and_then(|text| CacheTag::parse(text).ok())
            else {
                continue;
            };
            if !tags.contains(&tag) {
                tags.push(tag);
            }
            if tags.len() == tags_max {
                return tags;
            }
        }
    }
    tags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_does_not_matter() {
        assert_eq!(CacheTag::parse("Product:Electronics"), CacheTag::parse("pRODUCT:electronics"));
        assert_eq!(CacheTag::parse("A").unwrap().as_str(), "a");
    }

    #[test]
    fn what_is_refused_says_what_and_where() {
        let check = |text: &str, error: TagError, clause: &str| {
            assert_eq!(CacheTag::parse(text), Err(error.clone()), "{text:?}");
            assert_eq!(error.to_string(), clause);
        };
        check("", TagError::Empty, "names no tag after '#'");
        check("a*", TagError::Wildcard { at: 1 }, "has '*' as character 3, but a tag has no wildcard");
        for (text, character) in [("a,b", ','), ("a b", ' '), ("aé", 'é'), ("a\x7f", '\x7f'), ("a\n", '\n')]
        {
            check(
                text,
                TagError::Character { at: 1, character },
                &format!(
                    "has {character:?} as character 3, but a tag holds visible ASCII without comma only"
                ),
            );
        }
        assert!(CacheTag::parse(&"!".repeat(TAG_CHARS_MAX)).is_ok());
        check(
            &"!".repeat(TAG_CHARS_MAX + 1),
            TagError::TooLong { chars: TAG_CHARS_MAX + 1 },
            "has a tag of 257 characters, more than 256",
        );
    }

    #[test]
    fn header_values() {
        let check = |values: &[&[u8]], expected: &[&str]| {
            let tags = parse_header_values(values.iter().copied());
            assert_eq!(tags.iter().map(CacheTag::as_str).collect::<Vec<_>>(), expected);
        };
        check(&[], &[]);
        check(&[b""], &[]);
        check(&[b" a ,\tB,, a*, c d ,\xff, b,#x"], &["a", "b", "#x"]);
        check(&[b"a,b", b"c"], &["a", "b", "c"]);
    }

    #[test]
    fn tags_beyond_the_limit_are_dropped() {
        let value = (0..TAGS_PER_RESPONSE_MAX + 5).map(|n| format!("bad tag, t{n}, ")).collect::<String>();
        let tags = parse_header_values([value.as_bytes()].into_iter());
        assert_eq!(tags.len(), TAGS_PER_RESPONSE_MAX);
        assert_eq!(tags.last().map(CacheTag::as_str), Some("t49"));
    }
}
