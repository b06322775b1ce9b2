//! In which order declared tenants are brought up, so that every domain is free before another tenant takes it.
//!
//! Tenants that are there and take domains from one another are changed together, in one commit: of two that swap, neither could go
//! first, and no viewer finds a domain without a tenant for longer than a commit takes to reach the edges. Whoever else gives something up goes
//! before those that may take it, which are new.

use std::collections::{BTreeMap, BTreeSet};

/// The domains of one tenant.
pub(super) struct Holding {
    /// What it has; nothing where the tenant is not there yet.
    pub(super) has: Option<BTreeSet<String>>,
    /// What it shall have.
    pub(super) wants: BTreeSet<String>,
}

impl Holding {
    fn gives_up(&self) -> impl Iterator<Item = &String> {
        self.has.iter().flat_map(|has| has.difference(&self.wants))
    }
}

/// The tenants by their places in the list, those together that trade domains.
pub(super) fn steps(tenants: &[Holding]) -> Vec<Vec<usize>> {
    let mut given_up = BTreeMap::new();
    for (at, tenant) in tenants.iter().enumerate() {
        given_up.extend(tenant.gives_up().map(|domain| (domain, at)));
    }
    // Each tenant's place, or an earlier one of the same step.
    let mut earlier: Vec<usize> = (0..tenants.len()).collect();
    for (at, tenant) in tenants.iter().enumerate().filter(|(_, tenant)| tenant.has.is_some()) {
        for giver in tenant.wants.iter().filter_map(|domain| given_up.get(domain)) {
            let (one, other) = (first(&earlier, at), first(&earlier, *giver));
            earlier[one.max(other)] = one.min(other);
        }
    }
    let mut steps: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for at in 0..tenants.len() {
        steps.entry(first(&earlier, at)).or_default().push(at);
    }
    let gives = |step: &Vec<usize>| step.iter().any(|at| tenants[*at].gives_up().next().is_some());
    let (givers, others): (Vec<_>, Vec<_>) = steps.into_values().partition(gives);
    [givers, others].concat()
}

/// The first tenant of the step that one is in.
fn first(earlier: &[usize], mut at: usize) -> usize {
    while earlier[at] != at {
        at = earlier[at];
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_goes_with_whom() {
        // Each tenant: the letters of the domains it has, or '-', and of those it wants.
        let check = |tenants: &[(&str, &str)], expected: &[&[usize]]| {
            let letters = |text: &str| text.chars().map(String::from).collect::<BTreeSet<_>>();
            let holdings = tenants.iter().map(|(has, wants)| Holding {
                has: (*has != "-").then(|| letters(has)),
                wants: letters(wants),
            });
            assert_eq!(steps(&holdings.collect::<Vec<_>>()), expected, "{tenants:?}");
        };
        check(&[], &[]);
        check(&[("a", "a"), ("-", "b"), ("c", "c")], &[&[0], &[1], &[2]]);
        // A swap, a ring, a chain.
        check(&[("a", "b"), ("b", "a")], &[&[0, 1]]);
        check(&[("a", "b"), ("b", "c"), ("x", "x"), ("c", "a")], &[&[0, 1, 3], &[2]]);
        check(&[("a", "ab"), ("bc", "cd"), ("d", "e")], &[&[0, 1, 2]]);
        check(&[("d", "e"), ("bc", "cd"), ("a", "ab")], &[&[0, 1, 2]]);
        // A new tenant takes what one gives up, and two that are apart stay so.
        check(&[("-", "a"), ("a", "b")], &[&[1], &[0]]);
        check(&[("-", "ac"), ("a", "b"), ("c", "d"), ("x", "xy")], &[&[1], &[2], &[0], &[3]]);
        check(&[("-", "a"), ("a", "b"), ("b", "a2")], &[&[1, 2], &[0]]);
        // What nobody of them has is not theirs to order.
        check(&[("a", "z"), ("b", "y")], &[&[0], &[1]]);
    }
}
