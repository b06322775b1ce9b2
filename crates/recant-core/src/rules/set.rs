//! The rules of one tenant: a trie of paths, a trie of tags, a floor.

use crate::batch::Pattern;
use crate::limits::{RULE_NODES_PER_TENANT_MAX, RULE_TAG_NODES_PER_TENANT_MAX};
use crate::match_uri::MatchUri;
use crate::position::Position;
use crate::rules::place;
use crate::rules::trie::{Reach, Trie};
use crate::tag::CacheTag;

/// What the rules of one tenant may take before they are collapsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleLimits {
    /// Nodes of the paths' trie.
    pub nodes: usize,
    /// Nodes of the tags' trie.
    pub tag_nodes: usize,
}

impl Default for RuleLimits {
    fn default() -> Self {
        Self { nodes: RULE_NODES_PER_TENANT_MAX, tag_nodes: RULE_TAG_NODES_PER_TENANT_MAX }
    }
}

/// All that a set of rules holds, to be kept elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Everything older is invalid.
    pub floor: Position,
    /// What concerns paths, in no order.
    pub paths: Vec<HeldRule>,
    /// What concerns tags, in no order.
    pub tags: Vec<HeldRule>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldRule {
    /// A spelling of a path, a tag, or what they start with.
    pub text: Vec<u8>,
    /// Whether it concerns everything that starts so.
    pub is_prefix: bool,
    /// What it concerns is invalid unless stamped at this position or later.
    pub at: Position,
}

/// The rules of one tenant, or of one distribution. `Clone` is O(1); a clone never changes with its original.
#[derive(Clone, Debug)]
pub struct Rules {
    floor: Position,
    pub(super) uris: Trie,
    pub(super) tags: Trie,
    pub(super) limits: RuleLimits,
    collapsed: u64,
}

impl Rules {
    /// No rules but that everything older than `floor` is invalid.
    pub fn new(floor: Position) -> Self {
        Self::with_limits(floor, RuleLimits::default())
    }

    /// As [`Rules::new`], with other limits.
    pub fn with_limits(floor: Position, limits: RuleLimits) -> Self {
        Self { floor, uris: Trie::default(), tags: Trie::default(), limits, collapsed: 0 }
    }

    /// The rules that these were; with limits that are lower by now, more may be invalid.
    pub fn of(held: &Held) -> Self {
        let mut rules = Self::new(held.floor);
        for (trie, held) in [(&mut rules.uris, &held.paths), (&mut rules.tags, &held.tags)] {
            for HeldRule { text, is_prefix, at } in held {
                trie.insert(text, if *is_prefix { Reach::Prefix } else { Reach::Exact }, *at);
            }
        }
        rules.keep_within_limits();
        rules
    }

    /// All that they hold.
    pub fn held(&self) -> Held {
        let all = |trie: &Trie| {
            let all = trie.all().into_iter();
            all.map(|(text, reach, at)| HeldRule { text, is_prefix: reach == Reach::Prefix, at }).collect()
        };
        Held { floor: self.floor, paths: all(&self.uris), tags: all(&self.tags) }
    }

    /// Holds that what matches `pattern` is invalid unless stamped at `at` or later.
    ///
    /// Positions come in order; should one come late, the newer one stays.
    pub fn insert(&mut self, pattern: &Pattern, at: Position) {
        if at <= self.floor {
            return;
        }
        match pattern {
            Pattern::Path(path) => {
                for place in place::of(path) {
                    match (place.reach, place.key.as_str()) {
                        (Reach::Prefix, "" | "/") => self.raise_floor(at),
                        (reach, key) => self.uris.insert(key.as_bytes(), reach, at),
                    }
                }
            }
            Pattern::Tag(tag) => self.tags.insert(tag.as_str().as_bytes(), Reach::Exact, at),
        }
        self.keep_within_limits();
    }

    /// Holds that everything is invalid unless stamped at `at` or later; what this makes obsolete is freed.
    pub fn raise_floor(&mut self, at: Position) {
        if at > self.floor {
            self.floor = at;
            self.uris.insert(b"", Reach::Prefix, at);
            self.tags.insert(b"", Reach::Prefix, at);
        }
    }

    /// The newest rule that matches a stored response of this spelling by its path.
    pub fn newest_for_uri(&self, uri: &MatchUri) -> Position {
        self.floor.max(self.uris.newest_for(uri.as_str().as_bytes()))
    }

    /// Everything older than this is invalid.
    pub fn floor(&self) -> Position {
        self.floor
    }

    /// The newest rule that matches a stored response with these tags by one of them.
    pub fn newest_for_tags(&self, tags: &[CacheTag]) -> Position {
        tags.iter().map(|tag| self.tags.newest_for(tag.as_str().as_bytes())).fold(self.floor, Position::max)
    }

    /// At least [`Rules::newest_for_tags`] of any tags: for a response whose headers have not arrived.
    pub fn newest_tag(&self) -> Position {
        self.floor.max(self.tags.newest())
    }

    /// The newest rule of any kind: what was checked up to here need not be checked again.
    pub fn newest(&self) -> Position {
        self.newest_tag().max(self.uris.newest())
    }

    /// How much of the limits is in use, in nodes. A label counts as one more for every
    /// [`RULE_NODE_BYTES`](crate::limits::RULE_NODE_BYTES).
    pub fn len(&self) -> usize {
        self.uris.weight() + self.tags.weight()
    }

    /// Whether there is no rule but the floor.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many subtrees were collapsed for want of memory, each invalidating more than was asked for.
    pub fn collapsed(&self) -> u64 {
        self.collapsed
    }

    /// Over a limit, shrinks to three quarters of it, so that collapsing is paid for by the inserts in between.
    fn keep_within_limits(&mut self) {
        if self.uris.weight() > self.limits.nodes {
            self.collapsed += self.uris.collapse_to(three_quarters(self.limits.nodes));
            // Every spelling starts with a slash: a prefix there is a floor, and makes tags obsolete as well.
            self.raise_floor(self.uris.newest_below(b"/"));
        }
        if self.tags.weight() > self.limits.tag_nodes {
            self.collapsed += self.tags.collapse_to(three_quarters(self.limits.tag_nodes));
        }
    }
}

fn three_quarters(limit: usize) -> usize {
    limit - limit / 4
}
