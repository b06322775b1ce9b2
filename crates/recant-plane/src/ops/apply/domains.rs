//! In which order declared tenants and distributions without tenants are brought up, so that every domain is free before somebody else takes it.
//!
//! Tenants that are there and take domains from one another are changed together, in one commit: of two that swap, neither could go
//! first, and no viewer finds a domain without a tenant for longer than a commit takes to reach the edges. Whoever else gives something up goes
//! before those that may take it. Distributions that trade with one another, or with tenants, in both directions have no such order: that is refused, as
//! by the operation, and takes two declarations.

use std::collections::{BTreeMap, BTreeSet};

/// The domains of one tenant or distribution, or of some tenants together.
#[derive(Default)]
pub(super) struct Holding {
    /// What it has; nothing where it is not there yet.
    pub(super) has: Option<BTreeSet<String>>,
    /// What it shall have.
    pub(super) wants: BTreeSet<String>,
}

impl Holding {
    /// Those of several that are changed in one commit.
    pub(super) fn of_all<'h>(holdings: impl IntoIterator<Item = &'h Self>) -> Self {
        let mut all = Self::default();
        for holding in holdings {
            if let Some(has) = &holding.has {
                all.has.get_or_insert_default().extend(has.iter().cloned());
            }
            all.wants.extend(holding.wants.iter().cloned());
        }
        all
    }

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

/// The places of all, whoever gives something up before whoever takes it, and else as they stand.
pub(super) fn in_order(holdings: &[Holding]) -> Vec<usize> {
    let mut given_up = BTreeMap::new();
    for (at, holding) in holdings.iter().enumerate() {
        given_up.extend(holding.gives_up().map(|domain| (domain, at)));
    }
    let mut order = Vec::with_capacity(holdings.len());
    let (mut is_seen, mut is_placed) = (vec![false; holdings.len()], vec![false; holdings.len()]);
    let mut left: Vec<usize> = (0..holdings.len()).rev().collect();
    while let Some(at) = left.pop() {
        if is_seen[at] {
            // All that it waits for are placed, or wait for it.
            if !std::mem::replace(&mut is_placed[at], true) {
                order.push(at);
            }
            continue;
        }
        is_seen[at] = true;
        left.push(at);
        let givers = holdings[at].wants.iter().filter_map(|domain| given_up.get(domain));
        left.extend(givers.filter(|giver| !is_seen[**giver]));
    }
    order
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

    fn letters(text: &str) -> BTreeSet<String> {
        text.chars().map(String::from).collect()
    }

    /// Each the letters of the domains it has, or '-', and of those it wants.
    fn holdings(all: &[(&str, &str)]) -> Vec<Holding> {
        let holding = |(has, wants): &(&str, &str)| Holding {
            has: (*has != "-").then(|| letters(has)),
            wants: letters(wants),
        };
        all.iter().map(holding).collect()
    }

    #[test]
    fn who_goes_before_whom() {
        let check = |all: &[(&str, &str)], expected: &[usize]| {
            assert_eq!(in_order(&holdings(all)), expected, "{all:?}");
        };
        check(&[], &[]);
        check(&[("a", "a"), ("-", "b"), ("c", "cd")], &[0, 1, 2]);
        check(&[("a", "ab"), ("bc", "c")], &[1, 0]);
        check(&[("a", "ab"), ("b", "c"), ("c", "d"), ("x", "")], &[2, 1, 0, 3]);
        check(&[("-", "abc"), ("a", ""), ("b", "a2"), ("c", "x")], &[3, 1, 2, 0]);
        // A ring has no order.
        check(&[("a", "b"), ("b", "a"), ("-", "z")], &[1, 0, 2]);
    }

    #[test]
    fn several_that_are_changed_together_give_nothing_up_that_one_of_them_keeps() {
        let all = Holding::of_all(&holdings(&[("ab", "bc"), ("c", "a"), ("-", "z")]));
        assert_eq!((all.has.clone().unwrap(), all.wants.clone()), (letters("abc"), letters("abcz")));
        assert_eq!(all.gives_up().count(), 0);
        assert_eq!(Holding::of_all(&holdings(&[("-", "z")])).has, None);
    }

    #[test]
    fn who_goes_with_whom() {
        let check = |tenants: &[(&str, &str)], expected: &[&[usize]]| {
            assert_eq!(steps(&holdings(tenants)), expected, "{tenants:?}");
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
