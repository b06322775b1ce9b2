//! Where in the trie an invalidation path stands.
//!
//! Two positions a node are enough for every rule, queries included: a rule with a query stands at several nodes.

use crate::limits::RULE_QUERY_PARAMETERS_MAX;
use crate::match_uri;
use crate::path::InvalidationPath;
use crate::rules::trie::Reach;

/// One node that a rule stands at.
pub(super) struct Place {
    pub(super) key: String,
    pub(super) reach: Reach,
}

/// All nodes that a path stands at; see the table in [`crate::rules`].
pub(super) fn of(path: &InvalidationPath) -> Vec<Place> {
    let exact = |key| Place { key, reach: Reach::Exact };
    let prefix = |key| Place { key, reach: Reach::Prefix };
    let (typed_path, query) = path.parts();
    let Some(query) = query else {
        return if path.is_wildcard() {
            vec![prefix(match_uri::prefix(typed_path))]
        } else {
            vec![exact(match_uri::normalised_path(typed_path))]
        };
    };
    let path_key = match_uri::normalised_path(typed_path);
    let parameters = match_uri::parameters(query);
    if path.is_wildcard() || parameters.len() > RULE_QUERY_PARAMETERS_MAX {
        // Whichever parameters are in the key, and in whatever order they were sent.
        let any_query = format!("{path_key}?");
        return vec![exact(path_key), prefix(any_query)];
    }
    // A policy may leave any of the parameters out of the key: every subset, so 2^n nodes.
    (0..1usize << parameters.len())
        .map(|subset| {
            let kept: Vec<&String> = parameters
                .iter()
                .enumerate()
                .filter_map(|(n, parameter)| (subset >> n & 1 == 1).then_some(parameter))
                .collect();
            exact(match_uri::join(&path_key, &kept))
        })
        .collect()
}
