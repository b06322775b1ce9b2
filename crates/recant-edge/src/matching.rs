//! Which rules match a stored response: what lookups, the sweep and the plane's questions ask alike.

use recant_core::match_uri::MatchUri;
use recant_core::position::{Position, Stamp};
use recant_core::rules::Rules;
use recant_core::tag::CacheTag;

use crate::disk::ResponseHead;
use crate::store::Stored;
use crate::world::{DistributionSlot, TenantSlot};

impl Stored {
    /// The newest of these rules that matches.
    pub(crate) fn newest_of(&self, rules: &Rules) -> Position {
        newest(&self.uris(), &self.tags, rules)
    }
}

impl ResponseHead {
    /// The newest of these rules that matches.
    pub(crate) fn newest_of(&self, rules: [&Rules; 2]) -> Position {
        let uris = self.key.uris();
        rules.map(|rules| newest(&uris, &self.tags, rules)).into_iter().fold(Position::ZERO, Position::max)
    }
}

fn newest(uris: &[MatchUri], tags: &[CacheTag], rules: &Rules) -> Position {
    let by_path = uris.iter().map(|uri| rules.newest_for_uri(uri));
    by_path.fold(rules.newest_for_tags(tags), Position::max)
}

/// The newest rule that matches, of those that a tenant and its distribution hold by now; as in [`newest_rule`].
///
/// When nothing new has happened for either, two numbers are all that is read.
pub(crate) fn newest_rule_now(
    stored: &Stored,
    complete: Stamp,
    tenant: &TenantSlot,
    distribution: &DistributionSlot,
) -> Position {
    if stored.is_checked_up_to(tenant.newest_rule().max(distribution.newest_rule())) {
        return Position::ZERO;
    }
    newest_rule(stored, complete, [&tenant.rules(), &distribution.rules()])
}

/// The newest of these rules that matches; [`Position::ZERO`] when it is known that none is newer than the stamp.
///
/// The two sets of rules are loaded one after the other, so the second may hold a rule that is newer than one which
/// the first does not hold yet. They are complete only up to what was applied before either was loaded, `complete`:
/// **up to there, and not up to the newest rule seen, is remembered that none matches.**
pub(crate) fn newest_rule(stored: &Stored, complete: Stamp, rules: [&Rules; 2]) -> Position {
    let matching = if stored.is_checked_up_to(rules[0].newest().max(rules[1].newest())) {
        Position::ZERO
    } else {
        let uris = stored.uris();
        let matching = rules.map(|rules| newest(&uris, &stored.tags, rules));
        matching[0].max(matching[1])
    };
    // Also where there was nothing to compare: the floors are about to rise to what the sweep has looked at.
    if matching <= stored.valid_up_to().position && complete.era == stored.stamp.era {
        stored.checked_up_to(complete.position);
    }
    matching
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use recant_core::batch::Pattern;
    use recant_core::position::Era;

    use super::*;
    use crate::store::{Store, fixtures};

    fn stamp(position: u64) -> Stamp {
        Stamp { era: Era::default(), position: Position::new(position) }
    }

    fn stored(path: &str, position: u64) -> Arc<Stored> {
        let tenant = fixtures::tenant("a");
        let facts = fixtures::facts(&tenant, path, Position::new(position));
        Store::new(1 << 20, 100).make(&fixtures::key(&tenant, path), facts, Bytes::new())
    }

    #[test]
    fn a_rule_that_comes_between_the_loading_of_two_sets_is_not_forgotten() {
        let at = Position::new;
        let rule = |path| Pattern::parse(path).expect("a path");
        let (mut tenant, mut distribution) = (Rules::new(at(1)), Rules::new(at(1)));
        let response = stored("/p", 9);
        // The tenant's rules are loaded, 10 and 11 are applied, the distribution's rules are loaded.
        let before = tenant.clone();
        tenant.insert(&rule("/p"), at(10));
        distribution.insert(&rule("/other"), at(11));
        assert!(newest_rule(&response, stamp(9), [&before, &distribution]) <= at(9), "arrived before 10");
        assert_eq!(newest_rule(&response, stamp(11), [&tenant, &distribution]), at(10));
    }

    #[test]
    fn what_was_checked_is_not_checked_again() {
        let at = Position::new;
        let mut tenant = Rules::new(at(1));
        tenant.insert(&Pattern::parse("/other").expect("a path"), at(10));
        let (distribution, response) = (Rules::new(at(1)), stored("/p", 9));
        assert!(newest_rule(&response, stamp(10), [&tenant, &distribution]) <= at(9));
        assert!(response.is_checked_up_to(at(10)) && !response.is_checked_up_to(at(11)));
    }
}
