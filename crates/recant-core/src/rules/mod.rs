//! What an edge holds of a tenant's invalidations: which position is the newest that matches a stored response?
//!
//! A stored response may be served iff its stamp is not older than the newest rule that matches it (PURGE.md
//! rule 5). [`Rules`] answers that, for one tenant or for one distribution, at a cost of the path's length however
//! many rules there are.
//!
//! # The shape
//!
//! A byte-wise radix trie over the normalised spelling ([`crate::match_uri`]) with two positions a node: `exact`
//! concerns the text that ends at the node, `prefix` everything below it. A second trie of the same kind holds the
//! tags, which are only ever exact. The floor concerns every response. Three laws keep it small (PURGE.md 2.1):
//!
//! - **Domination.** Positions only grow, so `P*` makes every older rule below `P` obsolete: the subtree is freed.
//! - **Collapse.** A subtree may always be replaced by a `prefix` as new as the newest in it: more is invalidated,
//!   never less. Over its budget of nodes a trie collapses the subtrees whose newest rule is the oldest, since
//!   hardly any live response is older than that.
//! - **Floor.** A rule is forgotten only together with a rising floor. For paths the limit of collapsing is the
//!   floor of all responses; for tags it is a floor of the tagged ones only.
//!
//! # Readers and the writer
//!
//! Nodes are shared and copied along the path of a change, so [`Rules::clone`] costs nothing and a reader of an
//! older clone is not disturbed. The depth of a trie is the tenant's to choose, up to tens of thousands of nodes:
//! **nothing here recurses along it**, dropping included.
//!
//! # Which responses a path matches
//!
//! | rule | matches |
//! |---|---|
//! | `/a` | `/a` without keyed query |
//! | `/a*` | everything that starts with `/a`, whatever the query |
//! | `/a?x=1&y=2` | `/a` with any of these parameters or none |
//! | `/a?…` with more than [`RULE_QUERY_PARAMETERS_MAX`] parameters | `/a` with whatever query |
//! | `/a?x*` | `/a` with whatever query |
//!
//! Where CloudFront would match less, this matches more, never less.
//!
//! [`RULE_QUERY_PARAMETERS_MAX`]: crate::limits::RULE_QUERY_PARAMETERS_MAX

mod collapse;
mod place;
mod set;
#[cfg(test)]
mod tests;
mod trie;

pub use set::{Held, HeldRule, RuleLimits, Rules};
