//! Making a trie smaller by letting it match more.

use std::cmp::Reverse;
use std::sync::Arc;

use crate::position::Position;
use crate::rules::trie::{Node, Reach, Trie};

/// How soon a subtree is collapsed: the one whose newest rule is the oldest first; of equals the deepest, whose
/// collapse hits the least. A subtree comes before every subtree that it is part of.
type Turn = (Position, Reverse<usize>);

impl Trie {
    /// Collapses subtrees until the trie weighs at most `target`; says how many.
    ///
    /// Two passes over the nodes, however many have to go.
    pub(super) fn collapse_to(&mut self, target: usize) -> u64 {
        let Some(last) = self.last_turn(self.weight().saturating_sub(target)) else { return 0 };
        // Walks the trie as it was, changes it as it goes.
        let before = Arc::clone(&self.root);
        let mut collapsed = 0;
        let mut key = Vec::new();
        let mut open = vec![(&*before, 0, 0)];
        while let Some((node, depth, parent_length)) = open.pop() {
            key.truncate(parent_length);
            key.extend_from_slice(&node.label);
            if node.children.is_empty() {
                continue;
            }
            if turn(node, depth) <= last {
                // As if `key*` had been asked for at the newest position below it.
                self.place(&key, Reach::Prefix, node.newest);
                collapsed += 1;
            } else {
                open.extend(node.children.iter().map(|child| (&*child.node, depth + 1, key.len())));
            }
        }
        debug_assert!(self.weight() <= target, "collapsing frees what it reckoned with");
        collapsed
    }

    /// The turn up to which subtrees have to be collapsed to free `needed`; none, when nothing has to go.
    fn last_turn(&self, needed: usize) -> Option<Turn> {
        if needed == 0 {
            return None;
        }
        // Whoever collapses frees his children: their own children went before, in an earlier turn.
        let mut turns: Vec<(Turn, usize)> = Vec::new();
        let mut open = vec![(&*self.root, 0)];
        while let Some((node, depth)) = open.pop() {
            if !node.children.is_empty() {
                let frees = node.children.iter().map(|child| child.node.weight()).sum();
                turns.push((turn(node, depth), frees));
                open.extend(node.children.iter().map(|child| (&*child.node, depth + 1)));
            }
        }
        turns.sort_unstable();
        let mut freed = 0;
        turns
            .iter()
            .find(|(_, frees)| {
                freed += frees;
                freed >= needed
            })
            .or(turns.last())
            .map(|(turn, _)| *turn)
    }
}

fn turn(node: &Node, depth: usize) -> Turn {
    (node.newest, Reverse(depth))
}
