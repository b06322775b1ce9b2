//! What one create asks for: a batch of paths and tags under a caller's reference.
//!
//! A batch keeps its items as they were typed, in their order and with their duplicates, because the API echoes
//! them. Two batches are the same when their *sets* of typed strings are (CLOUDFRONT.md 2.3): that is what
//! [`Fingerprint`] stands for.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::limits::{CALLER_REFERENCE_BYTES_MAX, PATHS_PER_BATCH_MAX};
use crate::path::{InvalidationPath, PathError};
use crate::tag::{CacheTag, TagError};

/// Bad items that the text of [`BatchError::Items`] shows; the error itself holds all of them.
const BAD_ITEMS_SHOWN: usize = 10;
/// Characters of a bad item that are shown.
const BAD_ITEM_CHARS_SHOWN: usize = 100;

/// One item of a batch. Serialised as the typed text: `/a*`, `#tag`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Pattern {
    /// One path, or everything below a prefix.
    Path(InvalidationPath),
    /// Every response that carries the tag.
    Tag(CacheTag),
}

/// Why a text cannot be an item of a batch: one clause, to be appended to the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It is no path.
    #[error(transparent)]
    Path(#[from] PathError),
    /// It starts with `#`, but is no tag.
    #[error(transparent)]
    Tag(#[from] TagError),
}

impl Pattern {
    /// Judges an item as it was typed.
    ///
    /// # Errors
    /// [`PatternError`] says what is wrong and where.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        Ok(match text.strip_prefix('#') {
            Some(tag) => Self::Tag(CacheTag::parse(tag)?),
            None => Self::Path(InvalidationPath::parse(text)?),
        })
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => path.fmt(f),
            Self::Tag(tag) => write!(f, "#{tag}"),
        }
    }
}

impl TryFrom<String> for Pattern {
    type Error = PatternError;
    fn try_from(text: String) -> Result<Self, PatternError> {
        Self::parse(&text)
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.to_string()
    }
}

/// Stands for the set of typed strings of a batch: a SHA-256 over them, sorted, without duplicates, each with its length.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub [u8; 32]);

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..6].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What a caller asks to be invalidated, and the reference that makes asking again harmless.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidationBatch {
    caller_reference: String,
    items: Vec<String>,
    patterns: Vec<Pattern>,
}

impl InvalidationBatch {
    /// Judges a batch as it was sent.
    ///
    /// # Errors
    /// [`BatchError`]; its `Items` holds every bad item, not only the first.
    pub fn new(caller_reference: &str, items: &[String]) -> Result<Self, BatchError> {
        match caller_reference.len() {
            0 => return Err(CallerReferenceError::Empty.into()),
            bytes if bytes > CALLER_REFERENCE_BYTES_MAX => {
                return Err(CallerReferenceError::TooLong { bytes }.into());
            }
            _ => {}
        }
        match items.len() {
            0 => return Err(BatchError::Empty),
            count if count > PATHS_PER_BATCH_MAX => return Err(BatchError::TooMany { count }),
            _ => {}
        }
        let mut patterns = Vec::with_capacity(items.len());
        let mut bad = Vec::new();
        for (index, text) in items.iter().enumerate() {
            match Pattern::parse(text) {
                Ok(pattern) => patterns.push(pattern),
                Err(why) => bad.push(BadItem { index, text: text.clone(), why }),
            }
        }
        if !bad.is_empty() {
            return Err(BatchError::Items(bad));
        }
        Ok(Self { caller_reference: caller_reference.to_owned(), items: items.to_vec(), patterns })
    }

    /// What the caller calls this batch.
    pub fn caller_reference(&self) -> &str {
        &self.caller_reference
    }

    /// The items as typed: order and duplicates kept.
    pub fn items(&self) -> &[String] {
        &self.items
    }

    /// What the items mean, in the same order.
    pub fn patterns(&self) -> &[Pattern] {
        &self.patterns
    }

    /// How many items it has of each pool.
    pub fn path_count(&self) -> PathCount {
        let is_wildcard = |pattern: &&Pattern| matches!(pattern, Pattern::Path(path) if path.is_wildcard());
        let wildcards = self.patterns.iter().filter(is_wildcard).count() as u64;
        PathCount { paths: self.patterns.len() as u64 - wildcards, wildcards }
    }

    /// What tells this batch from another under the same reference.
    pub fn fingerprint(&self) -> Fingerprint {
        let mut typed: Vec<&str> = self.items.iter().map(String::as_str).collect();
        typed.sort_unstable();
        typed.dedup();
        let mut hasher = Sha256::new();
        for text in typed {
            hasher.update((text.len() as u64).to_be_bytes());
            hasher.update(text.as_bytes());
        }
        Fingerprint(hasher.finalize().into())
    }
}

/// How many items there are, in the two pools that CloudFront bounds apart (CLOUDFRONT.md 3.2).
///
/// Items count as they were sent: twice the same path is two. A tag counts as an individual path; the documentation says
/// that tags share the pools, not which.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct PathCount {
    /// Individual paths, and tags.
    pub paths: u64,
    /// Paths that end in `*`.
    pub wildcards: u64,
}

/// Why a batch is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// The reference is unfit.
    #[error(transparent)]
    CallerReference(#[from] CallerReferenceError),
    /// There is nothing to invalidate.
    #[error("the batch names no path and no tag")]
    Empty,
    /// More than [`PATHS_PER_BATCH_MAX`] items.
    #[error("the batch has {count} items, more than {PATHS_PER_BATCH_MAX}")]
    TooMany {
        /// How many it has.
        count: usize,
    },
    /// These items are no paths and no tags. Never empty.
    #[error("{}", BadItems(.0))]
    Items(Vec<BadItem>),
}

/// Why a `CallerReference` is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallerReferenceError {
    /// It is empty.
    #[error("the caller reference is empty")]
    Empty,
    /// It is longer than [`CALLER_REFERENCE_BYTES_MAX`].
    #[error("the caller reference has {bytes} bytes, more than {CALLER_REFERENCE_BYTES_MAX}")]
    TooLong {
        /// How long it is.
        bytes: usize,
    },
}

/// An item that is no path and no tag.
///
/// Its text shows the item quoted, escaped and cut to a readable length, and then the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadItem {
    /// Its place in the batch, counted from 0.
    pub index: usize,
    /// The item as typed.
    pub text: String,
    /// What is wrong with it.
    pub why: PatternError,
}

impl fmt::Display for BadItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.text.char_indices().nth(BAD_ITEM_CHARS_SHOWN) {
            Some((cut, _)) => write!(f, "{:?}… {}", &self.text[..cut], self.why),
            None => write!(f, "{:?} {}", self.text, self.why),
        }
    }
}

struct BadItems<'a>(&'a [BadItem]);

impl fmt::Display for BadItems<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, item) in self.0.iter().take(BAD_ITEMS_SHOWN).enumerate() {
            write!(f, "{}item {} {item}", if n == 0 { "" } else { "; " }, item.index + 1)?;
        }
        match self.0.len().saturating_sub(BAD_ITEMS_SHOWN) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(items: &[&str]) -> Result<InvalidationBatch, BatchError> {
        InvalidationBatch::new("r1", &items.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn items_stay_as_typed() {
        let batch = batch(&["/b*", "#Tag", "/a", "/b*"]).unwrap();
        assert_eq!(batch.items(), ["/b*", "#Tag", "/a", "/b*"]);
        assert_eq!(batch.patterns().len(), 4);
        assert_eq!(batch.patterns()[1], Pattern::Tag(CacheTag::parse("tag").unwrap()));
        assert_eq!(batch.caller_reference(), "r1");
    }

    #[test]
    fn items_are_counted_as_sent() {
        let count = batch(&["/a", "/a", "/b*", "#tag", "/?q=*", "/*"]).unwrap().path_count();
        assert_eq!(count, PathCount { paths: 3, wildcards: 3 });
    }

    #[test]
    fn the_fingerprint_is_of_the_set_of_typed_strings() {
        let fingerprint = |items: &[&str]| batch(items).unwrap().fingerprint();
        let ab = fingerprint(&["/a", "/b"]);
        assert_eq!(ab, fingerprint(&["/b", "/a", "/b"]));
        for other in [&["/a"][..], &["/a", "/b", "/c"], &["/a/b"], &["/A", "/b"], &["/a", "/b*"]] {
            assert_ne!(ab, fingerprint(other), "{other:?}");
        }
        assert_ne!(fingerprint(&["/~"]), fingerprint(&["/%7E"]), "typed strings, not what they mean");
        // Without the lengths these two would be the same bytes.
        assert_ne!(fingerprint(&["/a", "/a/b"]), fingerprint(&["/a/a", "/b"]));
    }

    #[test]
    fn every_bad_item_is_listed() {
        let error = batch(&["/ok", "bad", "/a*b", "#", "/\0"]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "item 2 \"bad\" does not start with '/'; \
             item 3 \"/a*b\" has '*' as character 3, but '*' may only be the last one; \
             item 4 \"#\" names no tag after '#'; \
             item 5 \"/\\0\" has a control character (U+0000) as character 2"
        );
        let BatchError::Items(items) = error else { panic!("{error:?}") };
        assert_eq!(items.iter().map(|item| item.index).collect::<Vec<_>>(), [1, 2, 3, 4]);
        assert_eq!(items[0].text, "bad");
    }

    #[test]
    fn the_text_of_many_bad_items_stays_short() {
        let items = vec!["é".repeat(1_000_000); 12];
        let error = InvalidationBatch::new("r1", &items).unwrap_err();
        assert!(error.to_string().len() < 5_000);
        assert!(error.to_string().ends_with("; and 2 more"));
    }

    #[test]
    fn limits() {
        assert_eq!(batch(&[]), Err(BatchError::Empty));
        let many = vec!["/a".to_owned(); PATHS_PER_BATCH_MAX + 1];
        assert!(InvalidationBatch::new("r1", &many[1..]).is_ok());
        assert_eq!(
            InvalidationBatch::new("r1", &many),
            Err(BatchError::TooMany { count: PATHS_PER_BATCH_MAX + 1 })
        );
        assert_eq!(
            InvalidationBatch::new("", &many),
            Err(BatchError::CallerReference(CallerReferenceError::Empty))
        );
        let long = "r".repeat(CALLER_REFERENCE_BYTES_MAX + 1);
        assert!(InvalidationBatch::new(&long[1..], &many[1..]).is_ok());
        assert_eq!(
            InvalidationBatch::new(&long, &many[1..]),
            Err(BatchError::CallerReference(CallerReferenceError::TooLong { bytes: long.len() }))
        );
    }
}
