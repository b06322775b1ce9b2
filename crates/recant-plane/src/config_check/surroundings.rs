//! What a distribution's configuration is judged by beside itself.

use std::collections::BTreeSet;

use super::policies::Policies;

/// See the module.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Surroundings<'a> {
    /// The host that the distribution has if it has no tenants.
    pub(crate) endpoint: &'a str,
    /// The custom policies that the configuration names.
    pub(crate) policies: &'a Policies,
    /// The regions in which the operator has a shield.
    pub(crate) shield_regions: &'a BTreeSet<String>,
}

#[cfg(test)]
impl Surroundings<'static> {
    /// Nothing but the managed policies.
    pub(crate) fn none() -> Self {
        use std::sync::LazyLock;
        static POLICIES: LazyLock<Policies> = LazyLock::new(Policies::default);
        static REGIONS: BTreeSet<String> = BTreeSet::new();
        Self { endpoint: "e1.test", policies: &POLICIES, shield_regions: &REGIONS }
    }
}
