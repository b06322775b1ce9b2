//! A persistent radix trie over bytes with two positions a node.
//!
//! Every node knows the newest position in its subtree: a lookup stops where nothing newer can follow, domination
//! needs no search, and collapsing knows which subtree is the oldest. [`Position::ZERO`] stands for "no rule".

use std::fmt;
use std::sync::Arc;

use crate::limits::RULE_NODE_BYTES;
use crate::position::Position;

/// Whether a rule concerns one text or everything that starts with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// The text itself.
    Exact,
    /// Every text that starts so.
    Prefix,
}

/// The trie. `Clone` shares all nodes; a change copies those on its path that are shared.
#[derive(Clone, Default)]
pub(super) struct Trie {
    /// Always there, with an empty label, and not counted.
    pub(super) root: Arc<Node>,
    weight: usize,
}

#[derive(Clone, Default)]
pub(super) struct Node {
    /// What follows the parent's text; not empty but for the root.
    pub(super) label: Arc<[u8]>,
    exact: Position,
    prefix: Position,
    /// The newest of all positions in this subtree.
    pub(super) newest: Position,
    /// Sorted by their first byte.
    pub(super) children: Vec<Child>,
}

#[derive(Clone)]
pub(super) struct Child {
    /// The first byte of the node's label, so that a search need not touch the nodes.
    first: u8,
    pub(super) node: Arc<Node>,
}

impl Trie {
    /// Holds that what `key` reaches is as new as `at`; a newer position stays.
    pub(super) fn insert(&mut self, key: &[u8], reach: Reach, at: Position) {
        let held = match reach {
            Reach::Exact => self.newest_for(key),
            Reach::Prefix => self.newest_below(key),
        };
        // Already true: copy nothing.
        if held < at {
            self.place(key, reach, at);
        }
    }

    /// The newest rule that reaches the text `key`.
    pub(super) fn newest_for(&self, key: &[u8]) -> Position {
        let (over, end) = self.walk(key);
        over.max(end.map_or(Position::ZERO, |node| node.exact))
    }

    /// The newest rule that reaches every text that starts with `key`.
    pub(super) fn newest_below(&self, key: &[u8]) -> Position {
        self.walk(key).0
    }

    /// The newest rule of all.
    pub(super) fn newest(&self) -> Position {
        self.root.newest
    }

    /// The nodes below the root, long labels counting for more.
    pub(super) fn weight(&self) -> usize {
        self.weight
    }

    /// Puts a position at the node of `key`, which is made if need be; frees what a prefix dominates.
    pub(super) fn place(&mut self, key: &[u8], reach: Reach, at: Position) {
        let mut node = Arc::make_mut(&mut self.root);
        let mut rest = key;
        loop {
            node.newest = node.newest.max(at);
            let Some(first) = rest.first() else { break };
            let next = match node.child(*first) {
                Ok(index) => {
                    let child = &mut node.children[index].node;
                    let common = common_length(&child.label, rest);
                    if common < child.label.len() {
                        self.weight += split(child, common);
                    }
                    rest = &rest[common..];
                    index
                }
                Err(index) => {
                    let leaf = Node::bare(rest, Position::ZERO);
                    self.weight += leaf.weight();
                    node.children.insert(index, Child { first: *first, node: Arc::new(leaf) });
                    rest = &[];
                    index
                }
            };
            node = Arc::make_mut(&mut node.children[next].node);
        }
        match reach {
            Reach::Exact => node.exact = node.exact.max(at),
            Reach::Prefix => {
                node.prefix = node.prefix.max(at);
                self.weight -= node.forget_below(at);
            }
        }
    }

    /// Every position with the text that it stands at, in no order.
    pub(super) fn all(&self) -> Vec<(Vec<u8>, Reach, Position)> {
        let mut all = Vec::new();
        let mut text: Vec<u8> = Vec::new();
        let mut open = vec![(&*self.root, 0)];
        while let Some((node, parent_length)) = open.pop() {
            text.truncate(parent_length);
            text.extend_from_slice(&node.label);
            let own = [(Reach::Exact, node.exact), (Reach::Prefix, node.prefix)];
            let held = own.into_iter().filter(|(_, at)| *at > Position::ZERO);
            all.extend(held.map(|(reach, at)| (text.clone(), reach, at)));
            open.extend(node.children.iter().map(|child| (&*child.node, text.len())));
        }
        all
    }

    /// What [`Trie::weight`] should be.
    #[cfg(test)]
    pub(super) fn recounted_weight(&self) -> usize {
        weight_of_subtree(&self.root) - self.root.weight()
    }

    /// Follows `key` as far as nodes go and anything newer may come: the newest prefix on the way, and the node at
    /// the very end, if it got there.
    fn walk(&self, key: &[u8]) -> (Position, Option<&Node>) {
        let mut node = &*self.root;
        let mut newest = Position::ZERO;
        let mut rest = key;
        loop {
            newest = newest.max(node.prefix);
            let Some(first) = rest.first() else { return (newest, Some(node)) };
            if newest >= node.newest {
                return (newest, None);
            }
            let Ok(index) = node.child(*first) else { return (newest, None) };
            node = &node.children[index].node;
            match rest.strip_prefix(&*node.label) {
                Some(tail) => rest = tail,
                None => return (newest, None),
            }
        }
    }
}

impl Node {
    /// A node without positions of its own and without children.
    fn bare(label: &[u8], newest: Position) -> Self {
        Self {
            label: label.into(),
            exact: Position::ZERO,
            prefix: Position::ZERO,
            newest,
            children: Vec::new(),
        }
    }

    /// What this node, without its children, takes of a limit.
    pub(super) fn weight(&self) -> usize {
        weight_of_label(self.label.len())
    }

    fn child(&self, first: u8) -> Result<usize, usize> {
        self.children.binary_search_by_key(&first, |child| child.first)
    }

    /// Drops the children that hold nothing newer than `at`, and says what they weighed.
    fn forget_below(&mut self, at: Position) -> usize {
        let mut freed = 0;
        self.children.retain(|child| {
            let keep = child.node.newest > at;
            if !keep {
                freed += weight_of_subtree(&child.node);
            }
            keep
        });
        freed
    }
}

/// Puts a node between `child` and its parent that takes the first `at` bytes of its label; says what it weighs more.
fn split(child: &mut Arc<Node>, at: usize) -> usize {
    let lower = Arc::make_mut(child);
    let label = std::mem::take(&mut lower.label);
    let upper = Node::bare(&label[..at], lower.newest);
    lower.label = label[at..].into();
    let more = upper.weight() + lower.weight() - weight_of_label(label.len());
    let first = lower.label[0];
    let lower = std::mem::replace(child, Arc::new(upper));
    Arc::make_mut(child).children.push(Child { first, node: lower });
    more
}

fn weight_of_label(bytes: usize) -> usize {
    1 + bytes / RULE_NODE_BYTES
}

fn weight_of_subtree(top: &Node) -> usize {
    let mut weight = 0;
    let mut open = vec![top];
    while let Some(node) = open.pop() {
        weight += node.weight();
        open.extend(node.children.iter().map(|child| &*child.node));
    }
    weight
}

fn common_length(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

impl Drop for Node {
    /// Takes the subtree apart without recursion: its depth is the tenant's to choose.
    fn drop(&mut self) {
        let mut open = std::mem::take(&mut self.children);
        while let Some(child) = open.pop() {
            // Of several clones dropped at once, exactly one gets the node.
            if let Some(mut node) = Arc::into_inner(child.node) {
                open.append(&mut node.children);
            }
        }
    }
}

impl fmt::Debug for Trie {
    /// Not the nodes: that would recurse.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trie").field("weight", &self.weight).field("newest", &self.newest()).finish()
    }
}
