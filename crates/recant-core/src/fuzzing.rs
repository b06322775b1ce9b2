//! What holds for any bytes that reach the core's parsers.
//!
//! A property takes any input and panics where a promise is broken. The fuzz targets call them with what the fuzzer
//! makes up, an ordinary test with the corpus (`fuzz/` at the root).

use std::str;

use crate::batch::{BatchError, InvalidationBatch, Pattern, PatternError};
use crate::cache_control::CacheControl;
use crate::host::{Domain, Host};
use crate::match_uri::MatchUri;
use crate::path::PathError;
use crate::position::Position;
use crate::rules::Rules;
use crate::tag::{self, CacheTag, TagError};

/// A name, which is the target's and its corpus folder's, and what must not panic.
pub type Property = (&'static str, fn(&[u8]));

/// All of this crate.
pub const PROPERTIES: &[Property] =
    &[("batch", batch), ("host", host), ("response_headers", response_headers)];

/// Lines are the items of a batch: what is judged good prints as what was judged and matches itself, what is judged
/// bad is bad where the error says, and the fingerprint is that of the set.
pub fn batch(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    let items: Vec<String> = text.lines().map(str::to_owned).collect();
    match InvalidationBatch::new("r", &items) {
        Ok(batch) => {
            assert_eq!(batch.items(), items);
            let count = batch.path_count();
            assert_eq!(count.paths + count.wildcards, items.len() as u64);
            let twice: Vec<String> = items.iter().rev().chain(&items).cloned().collect();
            if let Ok(twice) = InvalidationBatch::new("r", &twice) {
                assert_eq!(twice.fingerprint(), batch.fingerprint());
            }
            batch.patterns().iter().for_each(matches_itself);
        }
        Err(BatchError::Items(bad)) => {
            for item in bad {
                assert_eq!(items[item.index], item.text);
                is_bad_there(&item.text, &item.why);
            }
        }
        Err(_) => assert!(items.is_empty() || items.len() > crate::limits::PATHS_PER_BATCH_MAX),
    }
}

fn matches_itself(pattern: &Pattern) {
    assert_eq!(Pattern::parse(&pattern.to_string()).as_ref(), Ok(pattern));
    let at = Position::new(7);
    let mut rules = Rules::new(Position::new(0));
    rules.insert(pattern, at);
    match pattern {
        Pattern::Tag(tag) => assert_eq!(rules.newest_for_tags(std::slice::from_ref(tag)), at),
        Pattern::Path(path) => {
            let (own, query) = path.parts();
            let uri = MatchUri::of(own, query);
            let (spelled, parameters) = uri
                .as_str()
                .split_once('?')
                .map_or((uri.as_str(), None), |(path, query)| (path, Some(query)));
            assert_eq!(MatchUri::of(spelled, parameters), uri, "the spelling of a spelling is itself");
            assert_eq!(rules.newest_for_uri(&uri), at, "{path} does not match {uri:?}");
        }
    }
}

fn is_bad_there(text: &str, why: &PatternError) {
    let at = |index: usize| text.chars().nth(index);
    match why {
        PatternError::Path(PathError::WildcardNotLast { at: index })
        | PatternError::Tag(TagError::Wildcard { at: index }) => {
            let hash = usize::from(matches!(why, PatternError::Tag(_)));
            assert_eq!(at(index + hash), Some('*'));
        }
        PatternError::Path(PathError::ControlCharacter { at: index, code }) => {
            assert_eq!(at(*index).map(u32::from), Some(*code));
        }
        PatternError::Tag(TagError::Character { at: index, character }) => {
            assert_eq!(at(index + 1), Some(*character));
        }
        PatternError::Path(PathError::TooLong { chars }) => assert_eq!(text.chars().count(), *chars),
        PatternError::Tag(TagError::TooLong { chars }) => assert_eq!(text.chars().count(), *chars + 1),
        PatternError::Path(PathError::Empty) => assert_eq!(text, ""),
        PatternError::Tag(TagError::Empty) => assert_eq!(text, "#"),
        PatternError::Path(PathError::MissingSlash) => assert!(!text.starts_with('/')),
    }
}

/// A host is its own spelling and covered by its first candidate; a domain is its own spelling.
pub fn host(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    if let Ok(host) = Host::parse(text) {
        assert_eq!(Host::parse(host.as_str()).as_ref(), Ok(&host));
        for candidate in host.candidates() {
            // `*.0.0.1` is no domain, so not every candidate is one.
            if let Ok(domain) = Domain::parse(&candidate) {
                assert!(domain.covers(&host), "{domain:?} does not cover {host}");
            }
        }
    }
    if let Ok(domain) = Domain::parse(text) {
        assert_eq!(Domain::parse(domain.as_str()).as_ref(), Ok(&domain));
    }
}

/// Lines are those of one header field: a line more never makes the reading of `Cache-Control` less strict, and tags are
/// bounded, named once and in their own spelling.
pub fn response_headers(input: &[u8]) {
    let lines: Vec<&[u8]> = input.split(|byte| *byte == b'\n').collect();
    let all = CacheControl::parse(lines.iter().copied());
    let first = CacheControl::parse(lines.iter().copied().take(1));
    assert!(all.no_store >= first.no_store && all.no_cache >= first.no_cache && all.private >= first.private);
    for (all, first) in [(all.max_age, first.max_age), (all.s_maxage, first.s_maxage)] {
        assert!(first.is_none_or(|first| all.is_some_and(|all| all <= first)));
    }

    let tags = tag::parse_header_values(lines.iter().copied());
    assert!(tags.len() <= crate::limits::TAGS_PER_RESPONSE_MAX);
    for (at, tag) in tags.iter().enumerate() {
        assert_eq!(CacheTag::parse(tag.as_str()).as_ref(), Ok(tag));
        assert!(!tags[..at].contains(tag));
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the corpus is files; the properties get their bytes")]
#[path = "../../../fuzz/replay.rs"]
mod replay;

#[cfg(test)]
mod tests {
    #[test]
    fn the_corpus_holds() {
        super::replay::replay(super::PROPERTIES);
    }
}
